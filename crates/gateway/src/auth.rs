//! Is the caller the member it says? Constant time, address first, back-off per (member, address).

use crate::service::{Call, Gateway};
use engine::{Catalog, MemberEntry};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use throttle::{Origin, Paused, Pauses, Slow};
use types::{MemberCode, Refusal, UtcMillis};
use wire::{
    Credentials, Typed, same_alphabet, sign_balance, sign_balance_bars, sign_seller, sign_trx,
};

/// Wrong PINs, passwords and signs of a member from everywhere together: a hundred at once, then one
/// in ten minutes. All PINs of six digits take nineteen years.
const ANYWHERE_BURST: i64 = 100;
const ANYWHERE_EVERY_MS: i64 = 600_000;

/// Remembers wrong tries. One address cannot lock a member out for others, and many cannot lock it
/// out where its list of addresses, or a request that was right, says that it is itself.
pub(crate) struct Lockout {
    pauses: Pauses<MemberCode>,
    anywhere: Slow<MemberCode>,
}

impl Default for Lockout {
    fn default() -> Self {
        let anywhere = Slow::new(ANYWHERE_BURST, ANYWHERE_EVERY_MS);
        Self { pauses: Pauses::default(), anywhere }
    }
}

fn locked(Paused { seconds }: Paused) -> Refusal {
    Refusal::Locked { seconds }
}

impl Lockout {
    /// May a member's credentials be compared, by the tries that this door and another one of the same
    /// member have counted? Who was let in at the other one from there is not slowed by strangers.
    pub(crate) fn lets_try(
        &self,
        entry: &MemberEntry,
        other: &Self,
        call: (IpAddr, UtcMillis),
    ) -> bool {
        let (from, now) = (Origin::of(call.0), call.1);
        let code = &entry.member.code;
        match other.anywhere.knows(code, from) {
            true => self.pauses.check(code, from, now).is_ok(),
            false => self.check(entry, from, now).is_ok(),
        }
    }

    fn check(&self, entry: &MemberEntry, from: Origin, now: UtcMillis) -> Result<(), Refusal> {
        let code = &entry.member.code;
        self.pauses.check(code, from, now).map_err(locked)?;
        match entry.ip_allow.is_empty() {
            true => self.anywhere.check(code, from, now).map_err(locked),
            // Only who is on the list comes so far.
            false => Ok(()),
        }
    }

    fn wrong(&self, code: &MemberCode, from: Origin, now: UtcMillis) {
        self.pauses.wrong(code, from, now);
        self.anywhere.wrong(code, now);
    }

    fn right(&self, code: &MemberCode, from: Origin) {
        self.pauses.right(code, from);
        self.anywhere.right(code, from);
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

/// A caller that says who it is.
pub(crate) struct Claim<'a> {
    pub(crate) code: &'a MemberCode,
    pub(crate) credentials: &'a Credentials,
    pub(crate) covers: Covers<'a>,
}

impl Gateway {
    /// Authenticates a caller. An inactive member is one too: it may not buy, and it may know how its
    /// purchases ended.
    ///
    /// # Errors
    /// Why it is not let in.
    pub(crate) fn authenticate(
        &self,
        call: &Call,
        claim: &Claim<'_>,
    ) -> Result<Arc<MemberEntry>, Refusal> {
        let catalog = self.0.handle.catalog();
        match authenticate(&catalog, &self.0.lockout, claim, call.from, call.received) {
            Ok(entry) => {
                self.let_in(call);
                Ok(entry)
            }
            Err(refusal) if self.0.settings.one_answer => Err(in_one_answer(refusal)),
            Err(refusal) => Err(refusal),
        }
    }
}

/// The same refusal for an unknown member and for each credential that is wrong.
fn in_one_answer(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::UnknownMember
        | Refusal::WrongPin
        | Refusal::WrongPassword
        | Refusal::WrongSign => Refusal::WrongCredentials,
        other => other,
    }
}

fn authenticate(
    catalog: &Catalog,
    lockout: &Lockout,
    claim: &Claim<'_>,
    from: IpAddr,
    now: UtcMillis,
) -> Result<Arc<MemberEntry>, Refusal> {
    let Claim { code, credentials, covers } = claim;
    let Some(entry) = catalog.member(code) else {
        // The same work as for a wrong PIN, so that time does not tell who is a member.
        let _ = compare(credentials, covers, "000000", "no such member");
        return Err(Refusal::UnknownMember);
    };
    // The address comes before the PIN: a foreign address must not be able to try PINs.
    if !entry.may_call_from(from) {
        return Err(Refusal::IpNotAllowed(from));
    }
    let origin = Origin::of(from);
    lockout.check(entry, origin, now)?;
    if let Err(refusal) = bears(entry, credentials, covers, now) {
        lockout.wrong(code, origin, now);
        return Err(refusal);
    }
    lockout.right(code, origin);
    Ok(entry.clone())
}
