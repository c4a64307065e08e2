//! What played suppliers say. Rude as they are, every text here is one that a real center sends; what
//! it says need not be about the purchase on whose way it comes.

use crate::chance::{below, pick};
use crate::digi::final_json;
use crate::print::{Clock, Habit, Subject, Word, habit};
use crate::supplier::{Ending, Truth};
use simulator::chance;

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

/// What it costs there, when nothing odd is said.
pub(crate) const COST: i64 = 1_200;
const BALANCE: i64 = 1_000_000;
/// Only texts about strangers' purchases tell this balance.
const STRANGE_BALANCE: i64 = 5_555_555;
/// The same as it is written.
pub(crate) const STRANGE: &str = "5.555.555";
/// Strangers' purchases were made this long ago.
const LONG_AGO_MS: i64 = 3 * 3_600_000;

/// The serial number that a supplier gives a reference.
pub(crate) fn serial(reference: &str) -> String {
    format!("SN{:016}", chance(1, reference, "") % 10_000_000_000_000_000)
}

/// The words of a failure that is final.
const fn reason(ending: Ending) -> &'static str {
    match ending {
        Ending::WrongNumber => "Nomor tujuan salah",
        Ending::OutOfStock | Ending::Delivered | Ending::Guarded | Ending::Repeated => {
            "Stok kosong"
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy)]
pub(crate) struct Voice {
    pub(crate) seed: u64,
    pub(crate) supplier: usize,
    /// The wall clock at the beginning of the run.
    pub(crate) start: i64,
}

impl Voice {
    pub(crate) fn dialect(self) -> Dialect {
        dialect(self.seed, self.supplier)
    }

    fn habit(self) -> Habit {
        habit(self.seed, self.supplier)
    }

    /// What its wall clock shows.
    pub(crate) const fn clock(self, at: i64) -> Clock {
        Clock::of(self.start + at)
    }

    fn subject<'a>(self, reference: &'a str, truth: &'a Truth, at: i64) -> Subject<'a> {
        Subject {
            reference: (self.dialect() != Dialect::Nameless).then_some(reference),
            product: truth.product.as_str(),
            dest: truth.dest.as_str(),
            qty: truth.qty,
            at: self.clock(at),
            price: truth.told_price,
            balance: BALANCE,
        }
    }

    /// The final words about a purchase.
    pub(crate) fn final_words(
        self,
        reference: &str,
        truth: &Truth,
        ending: Ending,
        at: i64,
    ) -> String {
        if self.dialect() == Dialect::Json {
            return final_json(reference, truth, ending);
        }
        let about = self.subject(reference, truth, at);
        let old = truth.old.as_ref().map(|old| serial(&old.reference)).unwrap_or_default();
        match ending {
            Ending::Delivered => self.habit().prints(&about, Word::Delivered(&serial(reference))),
            Ending::WrongNumber | Ending::OutOfStock => {
                self.habit().prints(&about, Word::Failed(reason(ending)))
            }
            Ending::Repeated => self.habit().prints(&about, Word::Delivered(&old)),
            Ending::Guarded => {
                let at = truth.old.as_ref().map_or(at, |old| old.received);
                seen(&about, &self.clock(at).time(), &format!("Sukses. SN: {old}"))
            }
        }
    }

    /// The same as the answer to a question, the way OkeConnect answers one: with the time at which
    /// the purchase came.
    pub(crate) fn seen_words(self, reference: &str, truth: &Truth) -> Option<String> {
        let about = self.subject(reference, truth, truth.received);
        let when = self.clock(truth.received).time();
        match truth.ending {
            Ending::Delivered => {
                let sn = serial(reference);
                Some(seen(&about, &when, &format!("Sukses. SN: {sn}. Hrg {}", truth.told_price)))
            }
            Ending::WrongNumber | Ending::OutOfStock => {
                Some(seen(&about, &when, &format!("Gagal. {}", reason(truth.ending))))
            }
            Ending::Guarded | Ending::Repeated => None,
        }
    }

    /// It is being worked on.
    pub(crate) fn going(self, reference: &str, truth: &Truth, at: i64) -> String {
        self.habit().prints(&self.subject(reference, truth, at), Word::Going)
    }

    /// `R#reference T1.dest`, as far as it is named.
    pub(crate) fn head(self, reference: &str, product: &str, dest: &str) -> String {
        match self.dialect() {
            Dialect::Named | Dialect::Json => format!("R#{reference} {product}.{dest}"),
            Dialect::Nameless => format!("{product}.{dest}"),
        }
    }
}

/// `sudah pernah`.
fn seen(about: &Subject<'_>, when: &str, status: &str) -> String {
    let Subject { product, dest, at, .. } = about;
    let reference = about.reference.map(|found| format!("R#{found} ")).unwrap_or_default();
    let qty = about.qty.map(|qty| format!(" , QTY : {qty}")).unwrap_or_default();
    format!(
        "{reference}Simulasi {product}.{dest}{qty} sudah pernah jam {when}, status {status}. \
         Saldo 1.000.000 @{}",
        at.time()
    )
}

/// The same before the supplier knows the serial number.
pub(crate) fn without_number(text: &str, reference: &str) -> String {
    let number = serial(reference);
    text.replace(&format!("\"{number}\""), "null").replace(&number, "")
}

/// What arrives of a text that is cut off.
pub(crate) fn truncated(seed: u64, name: &str, text: &str) -> String {
    let most = u64::try_from(text.len()).unwrap_or_default();
    let left = usize::try_from(below(seed, &format!("cut {name}"), most)).unwrap_or_default();
    text.chars().take(left).collect()
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
    voice: Voice,
    name: &str,
    way: Way,
    reference: &str,
    truth: &Truth,
) -> (&'static str, String) {
    let seed = voice.seed;
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
    let at = match stranger {
        // Older than anything of ours: an equal one may have been bought long before this one.
        Stranger::OldTime => voice.clock(-LONG_AGO_MS),
        Stranger::Reference | Stranger::Product | Stranger::Dest | Stranger::Seen => {
            voice.clock(truth.received - LONG_AGO_MS)
        }
    };
    let (product, dest) = (truth.product.as_str(), truth.dest.as_str());
    let other = format!("089700000{}", below(seed, &format!("other {name}"), 900) + 100);
    let number = serial(&format!("{seed} {name}"));
    let delivered = truth.ending == Ending::Delivered;
    let word = if delivered { Word::Failed("Stok kosong") } else { Word::Delivered(&number) };
    let says = |reference: Option<&str>, product: &str, dest: &str| {
        // A clock without a date may be of any day, so this center always writes one.
        let (price, balance, qty) = (COST, STRANGE_BALANCE, None);
        Habit::Plain.prints(&Subject { reference, product, dest, qty, at, price, balance }, word)
    };
    let text = match stranger {
        Stranger::Reference => says(Some("g-999999-1"), product, dest),
        Stranger::Product => says(None, "T9", dest),
        Stranger::Dest => says(None, product, &other),
        Stranger::OldTime => says(None, product, dest),
        Stranger::Seen => {
            let status = if delivered {
                "Gagal. Stok kosong".to_owned()
            } else {
                format!("Sukses. SN: {number}")
            };
            let when = at.time();
            format!(
                "R#{reference} Simulasi {product}.{dest} sudah pernah jam {when}, status {status}. Saldo {STRANGE} @{when}"
            )
        }
    };
    (what, text)
}
