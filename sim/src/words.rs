//! What played suppliers say. Rude as they are, every text here is one that a real center sends; what
//! it says need not be about the purchase on whose way it comes.

use crate::chance::{below, pick};
use crate::digi::final_json;
use crate::supplier::{Ending, Truth};
use crate::world::{START_MS, World};
use simulator::chance;
use types::{
    AttemptId, CivilTime, Dest, ProductCode, ProductName, Reason, RefId, Rupiah, Sn, TrxNo,
};
use wire::{CallbackText, Head, Phrase};

/// How a supplier names purchases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// By our reference.
    Named,
    /// By product and destination alone.
    Nameless,
    /// JSON, by our reference.
    Json,
}

/// The language of a supplier in this seed.
pub(crate) fn dialect(seed: u64, supplier: usize) -> Dialect {
    pick(
        seed,
        &format!("dialect {supplier}"),
        &[(60, Dialect::Named), (20, Dialect::Nameless), (20, Dialect::Json)],
    )
}

const PRICE: i64 = 1_200;
/// What nothing here costs.
const ABSURD: i64 = 99_000_000;
const BALANCE: i64 = 1_000_000;
/// Only texts about strangers' purchases tell this balance.
const STRANGE_BALANCE: i64 = 5_555_555;
/// The same as it is written.
pub(crate) const STRANGE: &str = "5.555.555";
/// Strangers' purchases were made this long ago.
const LONG_AGO_MS: i64 = 3 * 3_600_000;

pub(crate) fn civil(at: i64) -> CivilTime {
    let minute = (START_MS + at) / 60_000 + 7 * 60;
    let part = |value: i64| u8::try_from(value).unwrap_or_default();
    let (hour, minute) = (part(minute / 60 % 24), part(minute % 60));
    CivilTime { year: 2026, month: 11, day: 23, hour, minute, second: 0 }
}

/// The serial number that a supplier gives a reference.
pub(crate) fn serial(reference: &str) -> String {
    format!("SN{:016}", chance(1, reference, "") % 10_000_000_000_000_000)
}

/// Whom a sentence names.
struct Named<'a> {
    /// None is named when it is `None`.
    reference: Option<&'a str>,
    product: &'a str,
    dest: &'a str,
}

/// A final sentence of the protocol: with a serial number a success, without one a failure.
fn sentence(named: &Named<'_>, sn: Option<&str>, reason: &str, at: i64, balance: i64) -> String {
    let (Ok(ref_id), Ok(dest)) =
        (RefId::parse(named.reference.unwrap_or("none")), Dest::parse(named.dest))
    else {
        return String::new();
    };
    let (Ok(name), Ok(product)) =
        (ProductName::parse("Simulasi"), ProductCode::parse(named.product))
    else {
        return String::new();
    };
    let head = Head { ref_id, name, product, dest };
    let (trx, at, balance) = (TrxNo::new(7), civil(at), Rupiah::new(balance));
    let text = match sn {
        Some(sn) => {
            let Ok(sn) = Sn::parse(sn) else { return String::new() };
            // Now and then it tells a figure of something else.
            let is_absurd = below(1, &format!("cost {sn}"), 12) == 0;
            let price = if is_absurd { ABSURD } else { PRICE };
            let (before, price) = (Rupiah::new(balance.get() + price), Rupiah::new(price));
            CallbackText::Success { trx, head, sn, before, price, after: balance, at }
        }
        None => CallbackText::Failed { trx, head, reason: Reason::clean(reason), balance, at },
    };
    let text = text.text(Phrase::default());
    if named.reference.is_some() { text } else { text.replace("R#none ", "") }
}

/// The final words about a purchase, as its supplier says them.
pub(crate) fn final_words(
    dialect: Dialect,
    reference: &str,
    truth: &Truth,
    ending: Ending,
    at: i64,
) -> String {
    if dialect == Dialect::Json {
        return final_json(reference, truth, ending);
    }
    let dest = truth.dest.as_str();
    let named =
        Named { reference: (dialect == Dialect::Named).then_some(reference), product: "T1", dest };
    let old = truth.old.as_ref().map(|old| serial(&old.reference)).unwrap_or_default();
    match ending {
        Ending::Delivered => sentence(&named, Some(&serial(reference)), "", at, BALANCE),
        Ending::WrongNumber => sentence(&named, None, "Nomor tujuan salah", at, BALANCE),
        Ending::OutOfStock => sentence(&named, None, "Stok kosong", at, BALANCE),
        Ending::Repeated => sentence(&named, Some(&old), "", at, BALANCE),
        Ending::Guarded => {
            let when = civil(truth.old.as_ref().map_or(at, |old| old.received)).hhmm();
            format!(
                "R#{reference} Simulasi T1.{dest} sudah pernah jam {when}, status Sukses. SN: {old}. \
                 Saldo 1.000.000 @{}",
                civil(at).hhmm()
            )
        }
    }
}

/// A delivery that is none, under the reference of an attempt.
pub(crate) fn forged(world: &World, supplier: usize, about: AttemptId) -> (String, String) {
    let seed = world.with(|state| state.seed);
    let reference = format!("g-{}", about.supplier_ref());
    let sn = format!("{}F", serial(&format!("{seed} forged {reference}")));
    let text = match dialect(seed, supplier) {
        Dialect::Json => format!(
            r#"{{"data":{{"ref_id":"{reference}","status":"Sukses","rc":"00","sn":"{sn}"}}}}"#
        ),
        Dialect::Named | Dialect::Nameless => {
            let at = world.now();
            format!("R#{reference} SUKSES. SN: {sn}. Saldo 1.000 @{}", civil(at).hhmm())
        }
    };
    (reference, text)
}

/// The same before the supplier knows the serial number.
pub(crate) fn without_number(text: &str, reference: &str) -> String {
    let number = serial(reference);
    text.replace(&format!("\"{number}\""), "null").replace(&number, "")
}

/// `R#reference T1.dest`, as far as it is named.
pub(crate) fn head(dialect: Dialect, reference: &str, dest: &str) -> String {
    match dialect {
        Dialect::Named | Dialect::Json => format!("R#{reference} T1.{dest}"),
        Dialect::Nameless => format!("T1.{dest}"),
    }
}

/// Called failed, but nothing is decided.
pub(crate) fn not_yet(seed: u64, name: &str, head: &str) -> String {
    let words = pick(
        seed,
        &format!("not yet {name}"),
        &[
            (1, "Trx masih diproses"),
            (1, "Data tidak ada"),
            (1, "Sistem sibuk, coba lagi"),
            (1, "Menunggu jawaban provider"),
            (1, "Timeout"),
        ],
    );
    format!("T#7 {head} GAGAL. {words}. Saldo 1.000.000 @10:00")
}

/// On which way a stranger's words come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Reply,
    Check,
    Callback,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stranger {
    Reference,
    Product,
    Dest,
    OldTime,
    Seen,
}

/// Final words about a stranger's purchase. They say the opposite of what becomes of ours.
pub(crate) fn of_a_stranger(
    seed: u64,
    name: &str,
    way: Way,
    reference: &str,
    truth: &Truth,
) -> (&'static str, String) {
    let all = [
        (3, ("words: another reference", Stranger::Reference)),
        (2, ("words: another product", Stranger::Product)),
        (2, ("words: another destination", Stranger::Dest)),
        // Without a reference the connection of the purchase ties them, and beside a callback one stands.
        (3, ("words: an old time", Stranger::OldTime)),
        // On a check it would tell of ours.
        (3, ("words: seen before", Stranger::Seen)),
    ];
    let possible = match way {
        Way::Reply => vec![all[0], all[1], all[2], all[4]],
        Way::Check => vec![all[0], all[1], all[2], all[3]],
        Way::Callback => vec![all[0], all[1], all[2]],
    };
    let (what, stranger) = pick(seed, &format!("stranger {name}"), &possible);
    let at = truth.received - LONG_AGO_MS;
    let dest = truth.dest.as_str();
    let other = format!("089700000{}", below(seed, &format!("other {name}"), 900) + 100);
    let number = serial(&format!("{seed} {name}"));
    let delivered = truth.ending == Ending::Delivered;
    let sn = (!delivered).then_some(number.as_str());
    let says = |reference: Option<&str>, product: &str, dest: &str| {
        sentence(&Named { reference, product, dest }, sn, "Stok kosong", at, STRANGE_BALANCE)
    };
    let text = match stranger {
        Stranger::Reference => says(Some("g-999999-1"), "T1", dest),
        Stranger::Product => says(None, "T9", dest),
        Stranger::Dest => says(None, "T1", &other),
        Stranger::OldTime => says(None, "T1", dest),
        Stranger::Seen => {
            let status = if delivered {
                "Gagal. Stok kosong".to_owned()
            } else {
                format!("Sukses. SN: {number}")
            };
            let when = civil(at).hhmm();
            format!(
                "R#{reference} Simulasi T1.{dest} sudah pernah jam {when}, status {status}. Saldo {STRANGE} @{when}"
            )
        }
    };
    (what, text)
}
