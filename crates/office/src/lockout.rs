//! Tries at passwords, codes and PINs: counted before they are compared, by who is tried and from where,
//! and slowly by who is tried from everywhere together. In memory of this node.

use crate::password::{Seat, crowded, seat};
use crate::problem::Problem;
use crate::{Actor, Office};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use throttle::{Origin, Paused, Pauses, Slow};
use types::UtcMillis;

/// What is counted is never longer than this, whatever is typed.
const NAME_MOST: usize = 80;
/// Wrong passwords of one login from everywhere: so many at once, then one in ten minutes.
const PASSWORDS_BURST: i64 = 100;
/// Wrong codes beside a right password: whoever sends these knows the password.
const CODES_BURST: i64 = 10;
const EVERY_MS: i64 = 600_000;

/// Wrong passwords from one address, whoever is tried: so many at once, then one in five seconds. Made-up
/// logins count too, so this tells nobody which are real.
const ADDRESS_BURST: i64 = 30;
const ADDRESS_EVERY_MS: i64 = 5_000;

/// Wrong tries of people and members.
pub(crate) struct Tries {
    pauses: Pauses<String>,
    passwords: Slow<String>,
    codes: Slow<String>,
    addresses: Slow<Origin>,
    waiting: Waiting,
}

impl Default for Tries {
    fn default() -> Self {
        let slow = |burst| Slow::new(burst, EVERY_MS);
        Self {
            pauses: Pauses::default(),
            passwords: slow(PASSWORDS_BURST),
            codes: slow(CODES_BURST),
            addresses: Slow::new(ADDRESS_BURST, ADDRESS_EVERY_MS),
            waiting: Waiting::default(),
        }
    }
}

/// A try that is counted and not compared yet. Until it is [`Tries::right`] it counts as wrong.
#[must_use]
pub(crate) struct Try {
    who: String,
    from: Origin,
    /// Counted for its address too.
    of_address: bool,
}

fn locked(Paused { seconds }: Paused) -> Problem {
    Problem {
        code: "locked",
        status: 429,
        detail: format!("too many wrong tries; try again in {seconds} seconds"),
    }
}

impl Tries {
    /// Counts a try at a short secret.
    pub(crate) fn attempt(&self, who: &str, from: &str, now: UtcMillis) -> Result<Try, Problem> {
        let who: String = who.chars().take(NAME_MOST).collect();
        let from = Origin::parse(from);
        self.slowed(&who, from, now)?;
        self.pauses.attempt(&who, from, now).map_err(locked)?;
        Ok(Try { who, from, of_address: false })
    }

    /// Whether it is slowed, without counting anything.
    fn slowed(&self, who: &String, from: Origin, now: UtcMillis) -> Result<(), Problem> {
        self.passwords.check(who, from, now).map_err(locked)?;
        self.codes.check(who, from, now).map_err(locked)
    }

    /// Counts a try at a password, with a seat to compare it on: without one nothing is counted, so
    /// that nobody drives out what is remembered faster than passwords are compared. Who is paused
    /// waits for none, an address has few of the places, and some are for who was let in from there.
    pub(crate) async fn login(
        &self,
        who: &str,
        from: &str,
        now: UtcMillis,
    ) -> anyhow::Result<(Try, Seat)> {
        let (name, origin) = (who.chars().take(NAME_MOST).collect::<String>(), Origin::parse(from));
        self.slowed(&name, origin, now)?;
        self.pauses.check(&name, origin, now).map_err(locked)?;
        let is_known = self.passwords.knows(&name, origin);
        // This machine is everybody, where a proxy on it is not named.
        let is_here = origin.is_here();
        if !is_known && !is_here {
            self.addresses.check(&origin, origin, now).map_err(locked)?;
        }
        let place = (!is_here).then(|| self.waiting.place(origin)).transpose()?;
        let seat = seat(is_known).await?;
        drop(place);
        let mut tried = self.attempt(who, from, now)?;
        if !is_here {
            self.addresses.wrong(&origin, now);
            tried.of_address = true;
        }
        Ok((tried, seat))
    }

    /// It was wrong, and there is such a one: slower from everywhere.
    pub(crate) fn wrong_password(&self, tried: &Try, now: UtcMillis) {
        self.passwords.wrong(&tried.who, now);
    }

    /// The password was right and the code was not.
    pub(crate) fn wrong_code(&self, tried: &Try, now: UtcMillis) {
        self.codes.wrong(&tried.who, now);
    }

    /// It was right: those before it are forgotten there.
    pub(crate) fn right(&self, tried: &Try) {
        if tried.of_address {
            self.addresses.give_back(&tried.from);
        }
        self.pauses.right(&tried.who, tried.from);
        self.passwords.right(&tried.who, tried.from);
        self.codes.right(&tried.who, tried.from);
    }
}

/// Most of one address that wait for their password to be compared.
const WAITING_MOST: usize = 4;

/// Who waits, by address. Holds no more entries than there are places.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<HashMap<Origin, usize>>>);

/// A place among those of an address, given back when dropped.
struct Place {
    of: Origin,
    all: Waiting,
}

impl Waiting {
    fn place(&self, of: Origin) -> Result<Place, Problem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(of).or_default();
        // An entry has at least one, so none is left behind here.
        if *own >= WAITING_MOST {
            return Err(crowded());
        }
        *own = own.saturating_add(1);
        Ok(Place { of, all: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(&self.of) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                all.remove(&self.of);
            }
        }
    }
}

impl Office {
    /// A line about somebody whom nobody knows: at most one for an address and minute, with the number
    /// of tries.
    pub(crate) async fn stranger(&self, actor: &Actor, what: &'static str) {
        let mut tried = json!({"known": false});
        if self.counted(what, &actor.from, &mut tried) {
            self.audit(actor, what, &tried, "").await;
        }
    }

    /// A try that was not compared: too many wrong ones came before it, or too many wait. Counted like
    /// those of strangers; what was wrong, as it is told.
    pub(crate) async fn paused(
        &self,
        actor: &Actor,
        what: &'static str,
        why: impl Into<anyhow::Error>,
    ) -> anyhow::Error {
        let (why, mut tried) = (why.into(), json!({}));
        let code = why.downcast_ref::<Problem>().map_or("error", |problem| problem.code);
        if self.counted(what, &actor.from, &mut tried) {
            self.audit(actor, what, &tried, code).await;
        }
        why
    }

    /// Counts what somebody who is known may do as often as he likes; true when a line tells of it, with
    /// how often it was since the last one.
    pub fn counted_of(&self, what: &'static str, actor: &Actor, tried: &mut Value) -> bool {
        let (who, now) = ((what, actor.shown()), self.handle.now().utc);
        if self.handle.is_full() {
            self.often.keep(who, now);
            return false;
        }
        let Some(count) = self.often.count(who, now) else { return false };
        tried["times"] = json!(count.here);
        true
    }

    /// Counts a stranger; true when a line tells of it, with the numbers that it tells.
    pub(crate) fn counted(&self, what: &'static str, from: &str, tried: &mut Value) -> bool {
        let (place, now) = ((what, Origin::parse(from)), self.handle.now().utc);
        if self.handle.is_full() {
            self.strangers.keep(place, now);
            return false;
        }
        let Some(count) = self.strangers.count(place, now) else { return false };
        tried["tries"] = json!(count.here);
        if count.elsewhere > 0 {
            tried["from_others"] = json!(count.elsewhere);
        }
        true
    }

    /// A try was wrong: at the password, or at the code beside the right one.
    pub(crate) fn wrong(&self, tried: &Try, password_fits: bool, now: UtcMillis) {
        match password_fits {
            true => self.tries.wrong_code(tried, now),
            false => self.tries.wrong_password(tried, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One address fills neither the places of all nor, with made-up names, the time of the one that
    /// compares; who was let in from there before goes on.
    #[tokio::test]
    async fn an_address_has_its_share_of_comparing() {
        let (tries, now) = (Tries::default(), UtcMillis::new(1_000_000));
        let (bad, home) = ("203.0.113.7", "203.0.113.8");
        let places: Vec<_> =
            (0..6).map_while(|_| tries.waiting.place(Origin::parse(bad)).ok()).collect();
        assert_eq!(places.len(), WAITING_MOST);
        assert!(
            tries.login("a", bad, now).await.is_err() && tries.login("a", home, now).await.is_ok()
        );
        drop(places);
        assert!(tries.waiting.0.lock().unwrap().is_empty());
        let mut compared = 0;
        for number in 0..100 {
            compared += i64::from(tries.login(&format!("no{number}"), bad, now).await.is_ok());
        }
        assert_eq!(compared, ADDRESS_BURST);
        // What is right costs nothing: many may share an address.
        for number in 0..100 {
            let (tried, _) = tries.login(&format!("staff{number}"), home, now).await.unwrap();
            tries.right(&tried);
        }
        let (tried, _) = tries.login("owner", home, now).await.unwrap();
        tries.right(&tried);
        for number in 0..100 {
            let _ = tries.login(&format!("no{number}"), home, now).await;
        }
        assert!(tries.login("budi", home, now).await.is_err());
        assert!(tries.login("owner", home, now).await.is_ok());
        assert!(tries.login("budi", "127.0.0.1", now).await.is_ok());
    }

    /// Who knows the password has ten codes, from however many addresses; who was let in from an
    /// address before is not shut out there.
    #[test]
    fn codes_are_slow_from_everywhere() {
        let (tries, now) = (Tries::default(), UtcMillis::new(1_000_000));
        let home = tries.attempt("owner", "203.0.113.7", now).unwrap();
        tries.right(&home);
        let guesses = (0..100).filter(|number| {
            let from = format!("2001:db8:0:{number:x}::1");
            tries.attempt("owner", &from, now).map(|tried| tries.wrong_code(&tried, now)).is_ok()
        });
        assert_eq!(guesses.count(), 10);
        assert!(tries.attempt("owner", "203.0.113.7", now).is_ok());
        assert!(tries.attempt("budi", "2001:db8::1", now).is_ok());
        // So are passwords, after more of them.
        let guesses = (0..200).filter(|number| {
            let from = format!("2001:db8:1:{number:x}::1");
            let tried = tries.attempt("budi", &from, now);
            tried.map(|tried| tries.wrong_password(&tried, now)).is_ok()
        });
        assert_eq!(guesses.count(), 100);
        let long = "x".repeat(1_000_000);
        assert_eq!(tries.attempt(&long, "", now).unwrap().who.len(), NAME_MOST);
    }
}
