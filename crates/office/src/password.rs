//! Passwords of people: Argon2id, one at a time and less urgent than purchases, so that a flood of logins
//! starves nobody.

use crate::background::Background;
use crate::papers::random;
use crate::problem::Problem;
use anyhow::{Context as _, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as B64;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq as _;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Hashed at one time.
static SEATS: Semaphore = Semaphore::const_new(1);
/// The memory of one hash, kept: giving it back and taking it anew for each disturbs every thread there is.
static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());
/// Where they are.
static THREAD: Background = Background::new("passwords", 1);
/// May wait for that: about two seconds.
static PLACES: Semaphore = Semaphore::const_new(48);
/// The same of those who were let in from there before.
static KNOWN_PLACES: Semaphore = Semaphore::const_new(16);
/// KiB, passes, lanes: what OWASP asks for at least.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const BYTES: usize = 32;

fn hash_with(password: &str, salt: &[u8]) -> anyhow::Result<[u8; BYTES]> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(BYTES)).map_err(|e| anyhow!("{e}"))?;
    let (blocks, mut out) = (params.block_count(), [0; BYTES]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.resize(blocks, Block::default());
    argon
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut out, &mut *memory)
        .map_err(|e| anyhow!("{e}"))?;
    Ok(out)
}

/// The right to hash once.
#[must_use]
pub(crate) struct Seat(SemaphorePermit<'static>);

/// Too many wait.
pub(crate) fn crowded() -> Problem {
    let detail = "too many log in at this moment; try again in a second".to_owned();
    Problem { code: "busy", status: 429, detail }
}

/// Waits for its turn; refused when too many wait. Who was let in before has places of its own.
pub(crate) async fn seat(is_known: bool) -> anyhow::Result<Seat> {
    let places = if is_known { &KNOWN_PLACES } else { &PLACES };
    let place = places.try_acquire().map_err(|_| crowded())?;
    let seat = SEATS.acquire().await.context("logins are closed")?;
    drop(place);
    Ok(Seat(seat))
}

async fn seated<T: Send + 'static>(
    seat: Seat,
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    // With the work, which goes on when nobody waits for it any more.
    let Seat(permit) = seat;
    THREAD
        .run(move || {
            let done = work();
            drop(permit);
            done
        })
        .await?
}

/// The text to store: a PHC string.
pub(crate) async fn hash(password: &str) -> anyhow::Result<String> {
    let password = password.to_owned();
    seated(seat(true).await?, move || {
        let salt = random::<16>()?;
        let hash = hash_with(&password, &salt)?;
        Ok(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
            B64.encode(salt),
            B64.encode(hash)
        ))
    })
    .await
}

/// True when it fits. Without a stored text the same work is done for nothing, so that time does
/// not tell who is a user.
pub(crate) async fn fits(seat: Seat, password: &str, stored: Option<&str>) -> anyhow::Result<bool> {
    let (password, stored) = (password.to_owned(), stored.map(str::to_owned));
    seated(seat, move || {
        let parts = stored.as_deref().and_then(|text| {
            let mut parts = text.rsplit('$');
            let hash = B64.decode(parts.next()?).ok()?;
            Some((B64.decode(parts.next()?).ok()?, hash))
        });
        let (salt, wanted) = parts.unwrap_or((vec![0; 16], Vec::new()));
        let found = hash_with(&password, &salt)?;
        Ok(bool::from(found.ct_eq(&wanted)))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let stored = hash("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(fits(seat(true).await.unwrap(), "correct horse", Some(&stored)).await.unwrap());
        assert!(!fits(seat(true).await.unwrap(), "correct horsf", Some(&stored)).await.unwrap());
        assert!(!fits(seat(true).await.unwrap(), "correct horse", None).await.unwrap());
        assert_ne!(stored, hash("correct horse").await.unwrap());
        // As every other program computes it, whatever the memory was used for before.
        let known = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k9ohroejZy1PN5E1SbHNPug6vB8eQAahb5SOAp6iGF4";
        assert!(fits(seat(true).await.unwrap(), "correct horse", Some(known)).await.unwrap());
    }
}
