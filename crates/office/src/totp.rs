//! The second factor: codes of an authenticator app, each usable once.

use crate::papers::random;
use anyhow::{Context as _, anyhow};
use totp_rs::{Builder, Secret, Totp};
use types::UtcMillis;

fn totp(secret: &str) -> anyhow::Result<Totp> {
    let secret = Secret::try_from_base32(secret).map_err(|e| anyhow!("{e:?}"))?;
    Builder::new().with_secret(secret).with_skew(1).build().map_err(|e| anyhow!("{e:?}"))
}

/// A new secret in base 32.
pub(crate) fn generate() -> anyhow::Result<String> {
    Ok(Secret::new_stack(random::<20>()?).to_base32())
}

/// The step a code belongs to, when it is right and younger than `after`.
pub(crate) fn check(
    secret: &str,
    code: &str,
    now: UtcMillis,
    after: u64,
) -> anyhow::Result<Option<u64>> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let seconds = u64::try_from(now.get() / 1_000).context("a clock before 1970")?;
    Ok(totp(secret)?.check(&code, seconds).filter(|step| *step > after))
}

/// What an app reads from a picture.
pub(crate) fn url(login: &str, secret: &str) -> String {
    format!("otpauth://totp/Gerbang:{login}?secret={secret}&issuer=Gerbang")
}

/// The code of a moment; for the demo and for tests, which have no app.
///
/// # Errors
/// When the secret cannot be read.
pub fn code_at(secret: &str, now: UtcMillis) -> anyhow::Result<String> {
    let seconds = u64::try_from(now.get() / 1_000).context("a clock before 1970")?;
    Ok(totp(secret)?.generate(seconds).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_works_once_and_not_for_long() {
        let secret = generate().unwrap();
        let now = UtcMillis::new(1_795_402_800_000);
        let code = code_at(&secret, now).unwrap();
        assert_eq!(code.len(), 6);
        let step = check(&secret, &code, now, 0).unwrap().unwrap();
        assert_eq!(check(&secret, &code, now, step).unwrap(), None);
        assert_eq!(check(&secret, &code, now.after(120_000), 0).unwrap(), None);
        assert_eq!(check(&secret, "12345", now, 0).unwrap(), None);
    }
}
