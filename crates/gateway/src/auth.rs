//! Is the caller the member it says? Constant time, address first, back-off per (member, address).

use engine::{Catalog, MemberEntry};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use subtle::ConstantTimeEq as _;
use types::{MemberCode, Refusal, UtcMillis};
use wire::{
    Credentials, Typed, same_alphabet, sign_balance, sign_balance_bars, sign_seller, sign_trx,
};

/// Wrong tries before the first pause.
const TRIES: u32 = 5;
/// First pause; doubles with every further wrong try, up to an hour.
const PAUSE_MS: i64 = 60_000;
const PAUSE_MOST_MS: i64 = 3_600_000;
/// Most (member, address) pairs remembered.
const PAIRS_MOST: usize = 100_000;

#[derive(Clone, Copy, Default)]
struct Wrong {
    tries: u32,
    until: UtcMillis,
}

/// Remembers wrong tries. One address cannot lock a member out for others.
#[derive(Default)]
pub(crate) struct Lockout(Mutex<HashMap<(MemberCode, IpAddr), Wrong>>);

impl Lockout {
    fn check(&self, who: &(MemberCode, IpAddr), now: UtcMillis) -> Result<(), Refusal> {
        let Ok(pairs) = self.0.lock() else { return Ok(()) };
        let left = pairs.get(who).map_or(0, |wrong| wrong.until.since(now));
        if left <= 0 {
            return Ok(());
        }
        Err(Refusal::Locked { seconds: u32::try_from((left + 999) / 1_000).unwrap_or(u32::MAX) })
    }

    /// True while nothing is compared for a member from there.
    pub(crate) fn is_paused(&self, member: &MemberCode, from: IpAddr, now: UtcMillis) -> bool {
        self.check(&(member.clone(), from), now).is_err()
    }

    fn wrong(&self, who: (MemberCode, IpAddr), now: UtcMillis) {
        let Ok(mut pairs) = self.0.lock() else { return };
        if pairs.len() >= PAIRS_MOST {
            // Forget those whose pause is over and whose last wrong try is an hour ago.
            pairs.retain(|_, wrong| now.since(wrong.until) < PAUSE_MOST_MS);
            if pairs.len() >= PAIRS_MOST {
                pairs.clear();
            }
        }
        let wrong = pairs.entry(who).or_default();
        wrong.tries = wrong.tries.saturating_add(1);
        wrong.until = now;
        if wrong.tries >= TRIES {
            let doublings = (wrong.tries - TRIES).min(6);
            wrong.until = now.after((PAUSE_MS << doublings).min(PAUSE_MOST_MS));
        }
    }

    fn right(&self, who: &(MemberCode, IpAddr)) {
        if let Ok(mut pairs) = self.0.lock() {
            pairs.remove(who);
        }
    }
}

/// What the sign of this request covers.
pub(crate) enum Covers<'a> {
    /// Purchase or status check.
    Trx(&'a Typed),
    /// Balance, with the member as typed.
    Balance(&'a str),
    /// A marketplace's purchase, as typed; the H2H password is its key.
    Seller { username: &'a str, ref_id: &'a str },
}

fn same(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// All signs that are right: as typed, and with member and product upper-cased; a balance also in
/// the form of a purchase without its fields.
fn signs(covers: &Covers<'_>, pin: &str, password: &str) -> [String; 4] {
    match covers {
        Covers::Trx(typed) => {
            let make = |member: &str, product: &str| {
                sign_trx(member, product, &typed.dest, &typed.ref_id, pin, password)
            };
            let (member, product) =
                (typed.member.to_ascii_uppercase(), typed.product.to_ascii_uppercase());
            let (as_typed, upper) = (make(&typed.member, &typed.product), make(&member, &product));
            [as_typed.clone(), upper.clone(), as_typed, upper]
        }
        Covers::Balance(member) => {
            let upper = member.to_ascii_uppercase();
            [
                sign_balance(member, pin, password),
                sign_balance(&upper, pin, password),
                sign_balance_bars(member, pin, password),
                sign_balance_bars(&upper, pin, password),
            ]
        }
        Covers::Seller { username, ref_id } => {
            let as_typed = sign_seller(username, password, ref_id);
            let upper = sign_seller(&username.to_ascii_uppercase(), password, ref_id);
            [as_typed.clone(), upper.clone(), as_typed, upper]
        }
    }
}

fn compare(
    credentials: &Credentials,
    covers: &Covers<'_>,
    pin: &str,
    password: &str,
) -> Result<(), Refusal> {
    match credentials {
        Credentials::Plain { pin: given_pin, password: given_password } => {
            // Both are compared whatever the first gave.
            let pin_fits = same(given_pin.expose(), pin);
            let password_fits = same(given_password.expose(), password);
            if !pin_fits {
                return Err(Refusal::WrongPin);
            }
            if !password_fits {
                return Err(Refusal::WrongPassword);
            }
            Ok(())
        }
        Credentials::Sign(given) => {
            // Every sign is compared, whatever the first gave. Hexadecimal has none of these marks.
            let given = same_alphabet(given.expose());
            let fits = signs(covers, pin, password)
                .iter()
                .fold(false, |fits, right| fits | same(&given, right));
            if fits { Ok(()) } else { Err(Refusal::WrongSign) }
        }
    }
}

/// Whether a request bears a member's credentials. While it changes them the pair before is as
/// good.
pub(crate) fn bears(
    entry: &MemberEntry,
    credentials: &Credentials,
    covers: &Covers<'_>,
    now: UtcMillis,
) -> Result<(), Refusal> {
    let fits = compare(credentials, covers, entry.pin.expose(), entry.password.expose());
    let old = entry.old.as_ref().filter(|old| now <= old.until);
    let old_fits = old.is_some_and(|old| {
        compare(credentials, covers, old.pin.expose(), old.password.expose()).is_ok()
    });
    if old_fits { Ok(()) } else { fits }
}

/// Authenticates a caller. An inactive member is one too: it may not buy, and it may know how its
/// purchases ended.
pub(crate) fn authenticate(
    catalog: &Catalog,
    lockout: &Lockout,
    code: &MemberCode,
    credentials: &Credentials,
    covers: &Covers<'_>,
    from: IpAddr,
    now: UtcMillis,
) -> Result<Arc<MemberEntry>, Refusal> {
    let who = (code.clone(), from);
    lockout.check(&who, now)?;
    let Some(entry) = catalog.member(code) else {
        // The same work as for a wrong PIN, so that time does not tell who is a member.
        let _ = compare(credentials, covers, "000000", "no such member");
        lockout.wrong(who, now);
        return Err(Refusal::UnknownMember);
    };
    // The address comes before the PIN: a foreign address must not be able to try PINs.
    if !entry.may_call_from(from) {
        return Err(Refusal::IpNotAllowed(from));
    }
    if let Err(refusal) = bears(entry, credentials, covers, now) {
        lockout.wrong(who, now);
        return Err(refusal);
    }
    lockout.right(&who);
    Ok(entry.clone())
}
