//! The second factor of a person, at the console or at the portal: a secret that the server keeps
//! until it is confirmed, codes that work once, and recovery codes for who lost the app.
//!
//! A wrong code changes nothing. Recovery codes are stored as keyed digests.

use crate::papers::random;
use crate::problem::Problem;
use crate::totp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{KeySet, Purpose, Sealed};
use types::UtcMillis;
use zeroize::Zeroizing;

/// Recovery codes made at a time.
const RECOVERY: usize = 10;
/// Sessions that may be setting one up at a time; the oldest makes room.
const OFFERED_MOST: usize = 3;
/// Without those that are read as another one.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const LETTERS: usize = 12;

/// As it is stored in the paper of its holder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Factor {
    /// Sealed base 32, as hexadecimal digits; absent while it is off.
    #[serde(default)]
    totp: Option<String>,
    /// The last step whose code was used.
    #[serde(default)]
    totp_step: u64,
    /// Shown, and not confirmed yet: one in each session.
    #[serde(default)]
    offered: Vec<Offer>,
    /// Digests of those that were not used.
    #[serde(default)]
    recovery: Vec<String>,
}

/// A secret that waits for its first code, for the session it was shown in.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Offer {
    sealed: String,
    session: String,
}

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// It is off: no code is needed.
    NotNeeded,
    /// A code of the app; its step is remembered.
    Code,
    /// A recovery code, and how many are left.
    Recovery(usize),
    /// Right, and used before.
    Again,
    /// Neither.
    Wrong,
}

/// A factor and where it is kept: what is sealed for one holder opens for no other.
pub(crate) struct Place<'a> {
    pub(crate) key: &'a KeySet,
    pub(crate) name: String,
}

impl Place<'_> {
    fn open(&self, place: &str, sealed: &str) -> anyhow::Result<Zeroizing<String>> {
        let sealed = Sealed(types::unhex(sealed).unwrap_or_default());
        Ok(self.key.open(place, &sealed)?)
    }

    fn offered(&self) -> String {
        offered_place(&self.name)
    }

    fn digest(&self, code: &str) -> String {
        types::hex(self.key.digest(Purpose::RecoveryCode, &format!("{}\n{code}", self.name)))
    }
}

/// Where a paper with a factor holds what is sealed, and for which place.
pub(crate) fn sealed_in(body: &Value, name: &str) -> Vec<(String, String)> {
    let mut held = vec![("/totp".to_owned(), name.to_owned())];
    let offered = body["offered"].as_array().map_or(0, Vec::len);
    held.extend((0..offered).map(|n| (format!("/offered/{n}/sealed"), offered_place(name))));
    held
}

fn offered_place(name: &str) -> String {
    format!("{name}/offered")
}

/// As people type it: in any case, with or without dashes.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

impl Factor {
    pub(crate) const fn is_on(&self) -> bool {
        self.totp.is_some()
    }

    /// Recovery codes that were not used yet.
    pub(crate) const fn recovery_left(&self) -> usize {
        self.recovery.len()
    }

    /// Off, and everything that belonged to it forgotten.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The secret that waits for its first code in this session.
    pub(crate) fn offered(
        &self,
        place: &Place<'_>,
        session: &str,
    ) -> anyhow::Result<Option<Zeroizing<String>>> {
        let own = self.offered.iter().find(|offer| offer.session == session);
        own.map(|offer| place.open(&place.offered(), &offer.sealed)).transpose()
    }

    /// Makes a secret for this session, unless one waits there already.
    pub(crate) fn offer(&mut self, place: &Place<'_>, session: &str) -> anyhow::Result<()> {
        if self.offered(place, session)?.is_some() {
            return Ok(());
        }
        let sealed = types::hex(&place.key.seal(&place.offered(), &totp::generate()?)?.0);
        let many = self.offered.len().saturating_sub(OFFERED_MOST - 1);
        self.offered.drain(..many);
        self.offered.push(Offer { sealed, session: session.to_owned() });
        Ok(())
    }

    /// The first code proves that the app has the secret: on from now on. New recovery codes.
    pub(crate) fn confirm(
        &mut self,
        place: &Place<'_>,
        session: &str,
        code: &str,
        now: UtcMillis,
    ) -> anyhow::Result<Vec<String>> {
        let Some(secret) = self.offered(place, session)? else {
            let why = "no second factor is being set up in this session; begin anew";
            return Err(Problem::conflict("nothing_offered", why).into());
        };
        let step = totp::check(&secret, code, now, 0)?.ok_or_else(|| {
            let why =
                "that code does not fit; type the one your app shows now (is its clock right?)";
            Problem::asked("wrong_code", why)
        })?;
        self.totp = Some(types::hex(&place.key.seal(&place.name, &secret)?.0));
        self.totp_step = step;
        self.offered.clear();
        self.renew_recovery(place)
    }

    /// New recovery codes; the old ones end.
    pub(crate) fn renew_recovery(&mut self, place: &Place<'_>) -> anyhow::Result<Vec<String>> {
        let codes: Vec<String> = (0..RECOVERY).map(|_| fresh()).collect::<anyhow::Result<_>>()?;
        self.recovery = codes.iter().map(|code| place.digest(&plain(code))).collect();
        Ok(codes)
    }

    /// Takes a code of the app or a recovery code; either works once.
    pub(crate) fn spend(
        &mut self,
        place: &Place<'_>,
        code: &str,
        now: UtcMillis,
    ) -> anyhow::Result<Spent> {
        let Some(sealed) = &self.totp else { return Ok(Spent::NotNeeded) };
        let secret = place.open(&place.name, sealed)?;
        if let Some(step) = totp::check(&secret, code, now, 0)? {
            if step <= self.totp_step {
                return Ok(Spent::Again);
            }
            self.totp_step = step;
            return Ok(Spent::Code);
        }
        let digest = place.digest(&plain(code));
        let before = self.recovery.len();
        self.recovery.retain(|known| *known != digest);
        if self.recovery.len() < before {
            return Ok(Spent::Recovery(self.recovery.len()));
        }
        Ok(Spent::Wrong)
    }
}

/// `k7mp-2xhe-9dqa`: sixty random bits.
fn fresh() -> anyhow::Result<String> {
    let random = random::<LETTERS>()?;
    let mut code = String::new();
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        let letter = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
        code.push(char::from(letter));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totp::code_at;

    const NOW: UtcMillis = UtcMillis::new(1_795_402_800_000);

    fn place(key: &KeySet) -> Place<'_> {
        Place { key, name: "user/budi/totp".to_owned() }
    }

    fn on(key: &KeySet) -> (Factor, String, Vec<String>) {
        let (place, mut factor) = (place(key), Factor::default());
        factor.offer(&place, "s1").unwrap();
        let secret = factor.offered(&place, "s1").unwrap().unwrap();
        let code = code_at(&secret, NOW).unwrap();
        let codes = factor.confirm(&place, "s1", &code, NOW).unwrap();
        (factor, secret.to_string(), codes)
    }

    #[test]
    fn a_wrong_code_changes_nothing_and_the_same_secret_stays_offered() {
        let key = KeySet::generate().unwrap();
        let (place, mut factor) = (place(&key), Factor::default());
        factor.offer(&place, "s1").unwrap();
        let secret = factor.offered(&place, "s1").unwrap().unwrap();
        let old = code_at(&secret, NOW.after(-3_600_000)).unwrap();
        assert!(factor.confirm(&place, "s1", &old, NOW).is_err());
        factor.offer(&place, "s1").unwrap();
        assert_eq!(factor.offered(&place, "s1").unwrap().unwrap(), secret);
        assert!(!factor.is_on());
        // Another session neither sees nor confirms it, and its own does not replace it.
        assert_eq!(factor.offered(&place, "s2").unwrap(), None);
        factor.offer(&place, "s3").unwrap();
        assert_ne!(factor.offered(&place, "s3").unwrap().unwrap(), secret);
        assert_eq!(factor.offered(&place, "s1").unwrap().unwrap(), secret);
        let code = code_at(&secret, NOW).unwrap();
        assert!(factor.confirm(&place, "s2", &code, NOW).is_err());
        assert!(factor.confirm(&place, "s1", &code, NOW).is_ok());
        assert!(factor.is_on());
    }

    #[test]
    fn few_sessions_set_one_up_at_a_time() {
        let key = KeySet::generate().unwrap();
        let (place, mut factor) = (place(&key), Factor::default());
        let sessions = ["s1", "s2", "s3", "s4", "s5"];
        sessions.into_iter().for_each(|session| factor.offer(&place, session).unwrap());
        let waits = sessions.map(|session| factor.offered(&place, session).unwrap().is_some());
        assert_eq!(waits, [false, false, true, true, true]);
        // What is only offered is sealed for a place of its own.
        let sealed = Sealed(types::unhex(&factor.offered[0].sealed).unwrap());
        assert!(key.open("user/budi/totp/offered", &sealed).is_ok());
        assert!(key.open("user/budi/totp", &sealed).is_err());
    }

    #[test]
    fn a_factor_that_is_taken_away_leaves_nothing() {
        let key = KeySet::generate().unwrap();
        let (mut factor, _, codes) = on(&key);
        assert_eq!((factor.is_on(), factor.recovery_left()), (true, 10));
        factor.spend(&place(&key), &codes[0], NOW).unwrap();
        assert_eq!(factor.recovery_left(), 9);
        factor.forget();
        assert_eq!((factor.is_on(), factor.recovery_left()), (false, 0));
        assert_eq!(factor.spend(&place(&key), "", NOW).unwrap(), Spent::NotNeeded);
    }

    /// `k7mp-2xhe-9dqa`, of all letters that are not read as another one.
    #[test]
    fn recovery_codes_are_easy_to_type() {
        let codes: Vec<String> = (0..100).map(|_| fresh().unwrap()).collect();
        let mut seen = std::collections::BTreeSet::new();
        for code in &codes {
            let parts: Vec<&str> = code.split('-').collect();
            assert_eq!(
                parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
                [4, 4, 4],
                "{code}"
            );
            seen.extend(code.bytes().filter(|byte| *byte != b'-'));
        }
        assert_eq!(seen, ALPHABET.iter().copied().collect());
    }

    #[test]
    fn codes_work_once() {
        let key = KeySet::generate().unwrap();
        let (mut factor, secret, _) = on(&key);
        let place = place(&key);
        let first = code_at(&secret, NOW).unwrap();
        assert_eq!(factor.spend(&place, &first, NOW).unwrap(), Spent::Again);
        let later = NOW.after(30_000);
        let next = code_at(&secret, later).unwrap();
        assert_eq!(factor.spend(&place, &next, later).unwrap(), Spent::Code);
        assert_eq!(factor.spend(&place, &next, later).unwrap(), Spent::Again);
        assert_eq!(factor.spend(&place, "", later).unwrap(), Spent::Wrong);
    }

    #[test]
    fn ten_recovery_codes_work_once_each_and_stand_nowhere() {
        let key = KeySet::generate().unwrap();
        let (mut factor, _, codes) = on(&key);
        let place = place(&key);
        assert_eq!(codes.len(), 10);
        let stored = serde_json::to_string(&factor).unwrap();
        for (at, code) in codes.iter().enumerate() {
            assert!(!stored.contains(code) && !stored.contains(&plain(code)));
            let typed = code.to_uppercase().replace('-', " ");
            assert_eq!(factor.spend(&place, &typed, NOW).unwrap(), Spent::Recovery(9 - at));
            assert_eq!(factor.spend(&place, code, NOW).unwrap(), Spent::Wrong);
        }
    }

    #[test]
    fn a_factor_of_before_is_read() {
        let factor: Factor = serde_json::from_str(r#"{"totp":null,"totp_step":5}"#).unwrap();
        assert!(!factor.is_on());
        assert_eq!(factor.totp_step, 5);
    }
}
