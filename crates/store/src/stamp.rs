//! Stamps: what a row said when it was written, as a keyed digest in a chained line of the journal.
//!
//! The ledger proves where money went. That a purchase was for this number, that it was delivered with
//! this serial number, that a second person refused: such things stand in rows that change, so the
//! journal line of each commit carries a stamp of every such row as the commit left it. `verify` walks
//! the journal and compares the last stamp of each row with the row. The digest is an HMAC under a key
//! that is sealed under the master key ([`KeySet`]): who can write the whole database and lacks that key cannot make
//! one, and a digest that outlives a deleted text tells nothing of it.
//!
//! A stamp also carries the digest of the row as the commit found it: a row that was changed behind our
//! back and then by a lawful act does not say what the stamp before said.
//!
//! What changes without anybody deciding anything has no stamp: when an open attempt is asked next, how
//! often a callback was tried.

use crate::codec::{attempt_state, state_columns};
use crate::seal::KeyBytes;
use crate::{
    CatalogChange, Delivery, DeliveryState, KeySet, Level, MemberRecord, Paper, PaperKey,
    SupplierRecord,
};
use domain::{Account, Attempt, Denomination, Epoch, Price, Product, RouteRow, Trx};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt::Display;
use types::{
    AttemptId, DeliveryId, LevelCode, MemberId, ProductCode, Rupiah, SupplierCode, TrxNo, UtcMillis,
};

/// Half an HMAC-SHA256.
pub(crate) type Digest = [u8; 16];

/// What one row says; `None` when it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which row, as findings name it.
    pub row: String,
    /// Of what it said before.
    pub was: Was,
    /// Of what it says.
    pub digest: Option<Digest>,
}

/// What a row said when the commit found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Was {
    /// The stamp begins anew: the row is stamped as it was found, or by a program that did not tell.
    #[default]
    Untold,
    /// There was none.
    Nothing,
    /// This.
    Row([u8; 16]),
}

impl Stamp {
    /// A row that is gone, or is not there yet.
    fn gone(row: String) -> Self {
        Self { row, was: Was::Untold, digest: None }
    }

    /// What this row was, for the stamp after this one.
    #[must_use]
    pub fn then(&self) -> Was {
        self.digest.map_or(Was::Nothing, Was::Row)
    }
}

/// Makes stamps.
#[derive(Clone)]
pub struct StampKey(pub(crate) KeyBytes);

impl std::fmt::Debug for StampKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StampKey(***)")
    }
}

/// Fields one after the other, each with its length or a mark.
struct Fields(Hmac<Sha256>);

impl Fields {
    fn number(mut self, value: i64) -> Self {
        self.0.update(&value.to_le_bytes());
        self
    }

    fn maybe(self, value: Option<i64>) -> Self {
        match value {
            None => self.number(0),
            Some(value) => self.number(1).number(value),
        }
    }

    fn bytes(mut self, value: &[u8]) -> Self {
        self.0.update(&(value.len() as u64).to_le_bytes());
        self.0.update(value);
        self
    }

    /// As it comes back: one of the stores cannot hold a NUL.
    fn text(self, value: impl Display) -> Self {
        let text = value.to_string();
        if text.contains('\0') {
            return self.bytes(text.replace('\0', "\u{fffd}").as_bytes());
        }
        self.bytes(text.as_bytes())
    }

    fn maybe_text(self, value: Option<impl Display>) -> Self {
        match value {
            None => self.number(0),
            Some(value) => self.number(1).text(value),
        }
    }

    fn of(self, row: String) -> Stamp {
        let whole = self.0.finalize().into_bytes();
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(whole) {
            *to = from;
        }
        Stamp { row, was: Was::Untold, digest: Some(digest) }
    }
}

/// The row of a purchase.
pub(crate) fn trx_row(no: TrxNo) -> String {
    format!("trx {no}")
}

pub(crate) fn attempt_row(id: AttemptId) -> String {
    format!("attempt {id}")
}

pub(crate) fn delivery_row(id: DeliveryId) -> String {
    format!("delivery {id}")
}

fn paper_row(key: &PaperKey) -> String {
    format!("{} {}", key.kind, key.id)
}

fn route_row(product: &ProductCode, supplier: &SupplierCode) -> String {
    format!("route {product} {supplier}")
}

fn member_row(id: MemberId) -> String {
    format!("member row {id}")
}

impl StampKey {
    /// A root of the business ([`KeySet`]).
    #[must_use]
    pub fn of(key: &KeySet) -> Self {
        Self(key.stamps())
    }

    fn fields(&self, row: &str) -> Fields {
        // HMAC takes keys of any length.
        let mac = Hmac::<Sha256>::new_from_slice(&*self.0);
        let mac = mac.unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
        Fields(mac).text(row)
    }

    /// A signature under another name, for heads.
    #[must_use]
    pub fn sign(&self, what: &str) -> String {
        let stamp = self.fields("head").text(what).of(String::new());
        types::hex(stamp.digest.unwrap_or_default())
    }

    /// A purchase.
    #[must_use]
    pub fn trx(&self, trx: &Trx) -> Stamp {
        let (row, state) = (trx_row(trx.no), state_columns(&trx.state));
        self.fields(&row)
            .number(trx.member.get())
            .text(&trx.ref_id)
            .text(&trx.product)
            .text(&trx.name)
            .text(&trx.dest)
            .maybe(trx.qty.map(|qty| i64::from(qty.get())))
            .maybe_text(trx.given.as_ref())
            .number(trx.price.get())
            .text(&trx.shares)
            .number(trx.before.get())
            .number(trx.created.get())
            .number(i64::from(trx.day.get()))
            .number(i64::from(trx.attempt))
            .text(trx.state.word())
            .maybe_text(state.sn)
            .maybe_text(state.reason)
            .maybe_text(state.refusal)
            .maybe(state.cost)
            .maybe(state.at)
            .maybe(state.balance)
            .maybe_text(trx.suspect.as_ref())
            .of(row)
    }

    /// An attempt: while it is open what it is for, then how it ended.
    #[must_use]
    pub fn attempt(&self, attempt: &Attempt) -> Stamp {
        let row = attempt_row(attempt.id);
        let fields = self
            .fields(&row)
            .text(&attempt.supplier)
            .text(&attempt.sku)
            .number(attempt.created.get())
            .number(i64::from(attempt.counter))
            .text(&attempt.why);
        if attempt.state.is_open() {
            return fields.text("open").of(row);
        }
        let (word, detail) = attempt_state(&attempt.state);
        let sent = attempt.sent.map(UtcMillis::get);
        fields.text(word).text(detail).number(attempt.cost.get()).maybe(sent).of(row)
    }

    /// A callback: what it says, then how it ended.
    #[must_use]
    pub fn delivery(&self, delivery: &Delivery) -> Stamp {
        let row = delivery_row(delivery.id);
        let fields = self
            .fields(&row)
            .number(delivery.trx.get())
            .number(delivery.member.get())
            .text(&delivery.ref_id)
            .text(&delivery.message)
            .number(delivery.created.get())
            .text(delivery.state.word());
        match delivery.state {
            DeliveryState::Due => fields.of(row),
            DeliveryState::Delivered | DeliveryState::Exhausted | DeliveryState::Parked => {
                fields.number(i64::from(delivery.tries)).text(&delivery.last).of(row)
            }
        }
    }

    /// A balance, and what counts against the daily limit.
    #[must_use]
    pub fn account(&self, member: MemberId, account: &Account) -> Stamp {
        let row = format!("account {member}");
        self.fields(&row)
            .number(account.balance.get())
            .number(i64::from(account.day.get()))
            .number(account.day_total.get())
            .of(row)
    }

    /// A paper.
    #[must_use]
    pub fn paper(&self, paper: &Paper) -> Stamp {
        let row = paper_row(&paper.key);
        self.fields(&row)
            .text(&paper.tag)
            .number(paper.version)
            .number(paper.at.get())
            .text(&paper.body)
            .of(row)
    }

    /// A paper that is gone.
    #[must_use]
    pub fn no_paper(&self, key: &PaperKey) -> Stamp {
        Stamp::gone(paper_row(key))
    }

    /// A member.
    #[must_use]
    pub fn member(&self, record: &MemberRecord) -> Stamp {
        let (member, row) = (&record.member, member_row(record.member.id));
        let ips: Vec<String> = record.ip_allow.iter().map(ToString::to_string).collect();
        let upline = member.upline.as_ref();
        let fields = self
            .fields(&row)
            .text(&member.code)
            .text(&member.level)
            .number(i64::from(member.active))
            .number(member.credit_limit.get())
            .maybe(member.daily_limit.map(Rupiah::get))
            .number(i64::from(member.same_day_guard))
            .maybe_text(member.callback_url.as_ref())
            .maybe(upline.map(|upline| upline.member.get()))
            .maybe(upline.map(|upline| upline.markup.get()))
            .maybe_text(upline.map(|upline| &upline.markups))
            .number(i64::from(member.sandbox))
            .bytes(&record.pin.0)
            .bytes(&record.password.0)
            .bytes(record.signing.as_ref().map_or(&[][..], |sealed| &sealed.0))
            .text(ips.join(" "));
        // Members without the marker have the stamp that they had before there was one.
        match record.imported.number() {
            0 => fields.of(row),
            imported => fields.number(imported).of(row),
        }
    }

    /// A price level.
    #[must_use]
    pub fn level(&self, level: &Level) -> Stamp {
        let row = format!("level {}", level.code);
        self.fields(&row).text(&level.name).text(&level.list_id).of(row)
    }

    /// A product.
    #[must_use]
    pub fn product(&self, product: &Product) -> Stamp {
        let row = format!("product {}", product.code);
        let (min, max) = match product.denomination {
            Denomination::Fixed => (None, None),
            Denomination::Open { min, max } => {
                (Some(i64::from(min.get())), Some(i64::from(max.get())))
            }
        };
        self.fields(&row)
            .text(&product.name)
            .text(&product.group)
            .text(&product.category)
            .maybe(min)
            .maybe(max)
            .text(product.dest_rule)
            .number(i64::from(product.open))
            .maybe_text(product.cut_off.as_ref())
            .text(product.strategy.word())
            .of(row)
    }

    /// A price.
    #[must_use]
    pub fn price(&self, level: &LevelCode, product: &ProductCode, price: &Price) -> Stamp {
        let row = format!("price {level} {product}");
        let points = price.basis_points;
        self.fields(&row).number(price.amount.get()).number(points).of(row)
    }

    /// A supplier.
    #[must_use]
    pub fn supplier(&self, record: &SupplierRecord) -> Stamp {
        let supplier = &record.supplier;
        let row = format!("supplier {}", supplier.code);
        self.fields(&row)
            .text(&supplier.name)
            .text(&supplier.connector)
            .number(i64::from(supplier.paused))
            .number(supplier.check_after_ms)
            .number(supplier.suspect_after_ms)
            .number(i64::from(supplier.trusted_reversal))
            .number(i64::from(supplier.counts))
            .bytes(record.settings.as_ref().map_or(&[][..], |sealed| &sealed.0))
            .of(row)
    }

    /// A route.
    #[must_use]
    pub fn route(&self, route: &RouteRow) -> Stamp {
        let row = route_row(&route.product, &route.supplier);
        self.fields(&row)
            .text(&route.sku)
            .number(route.cost.get())
            .number(i64::from(route.priority))
            .number(i64::from(route.enabled))
            .number(i64::from(route.allow_loss))
            .number(i64::from(route.weight))
            .maybe(route.cost_most.map(Rupiah::get))
            .maybe_text(route.hours.as_ref())
            .text(route.prefixes.join(" "))
            .number(i64::from(route.stocked))
            .maybe(route.daily_most.map(i64::from))
            .of(row)
    }

    /// A restore.
    #[must_use]
    pub fn epoch(&self, epoch: &Epoch) -> Stamp {
        let row = format!("epoch {}", epoch.number);
        self.fields(&row)
            .number(epoch.at.get())
            .number(epoch.trx_from.get())
            .number(epoch.delivery_from.get())
            .text(&epoch.tag)
            .number(i64::from(epoch.open))
            .of(row)
    }

    /// What a change of the catalog leaves.
    #[must_use]
    pub fn catalog(&self, change: &CatalogChange) -> Stamp {
        match change {
            CatalogChange::Member(record) => self.member(record),
            CatalogChange::Level(level) => self.level(level),
            CatalogChange::Product(product) => self.product(product),
            CatalogChange::Price { level, product, price } => self.price(level, product, price),
            CatalogChange::Supplier(record) => self.supplier(record),
            CatalogChange::Route(route) => self.route(route),
            CatalogChange::RemoveRoute { product, supplier } => {
                Stamp::gone(route_row(product, supplier))
            }
            CatalogChange::Epoch(epoch) => self.epoch(epoch),
        }
    }

    /// From which numbers on everything has a stamp: the business is older than stamps.
    #[must_use]
    pub fn since(&self, trx: i64, delivery: i64) -> Stamp {
        let row = format!("{SINCE}{trx} {delivery}");
        self.fields(&row).of(row)
    }
}

pub(crate) const SINCE: &str = "stamps since ";

/// In front of the moment of a commit: lines carry the moment in which an exchange began.
pub(crate) const AT: &str = "@";

/// As they stand in a line of a commit of this moment.
#[must_use]
pub fn stamp_bytes(at: UtcMillis, stamps: &[Stamp]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let moment = Stamp::gone(format!("{AT}{}", at.get()));
    for stamp in std::iter::once(&moment).chain(stamps) {
        let row = stamp.row.as_bytes();
        // Names of rows are short; one that is not would only be compared by its beginning.
        let length = u16::try_from(row.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend(row.iter().take(usize::from(length)));
        bytes.push(match (&stamp.digest, stamp.was) {
            // What is gone and was not there says as much.
            (None, Was::Untold | Was::Nothing) => 0,
            (Some(_), Was::Untold) => 1,
            (None, Was::Row(_)) => 2,
            (Some(_), Was::Row(_)) => 3,
            (Some(_), Was::Nothing) => 4,
        });
        bytes.extend(stamp.digest.iter().flatten());
        if let Was::Row(was) = stamp.was {
            bytes.extend(was);
        }
    }
    bytes
}

/// The stamps of a line; `None` when they cannot be read.
#[must_use]
pub fn read_stamps(mut bytes: &[u8]) -> Option<Vec<Stamp>> {
    let mut stamps = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (row, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let (is, rest) = rest.split_first()?;
        let row = String::from_utf8(row.to_vec()).ok()?;
        bytes = rest;
        let mut next = || {
            let (digest, rest) = bytes.split_first_chunk::<16>()?;
            bytes = rest;
            Some(*digest)
        };
        let (digest, was) = match is {
            0 => (None, Was::Untold),
            1 => (Some(next()?), Was::Untold),
            2 => (None, Was::Row(next()?)),
            3 => (Some(next()?), Was::Row(next()?)),
            4 => (Some(next()?), Was::Nothing),
            _ => return None,
        };
        stamps.push(Stamp { row, was, digest });
    }
    Some(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_as_they_were_written() {
        let stamps = [
            Stamp { row: "trx 1".to_owned(), was: Was::Untold, digest: Some([7; 16]) },
            Stamp { row: "trx 2".to_owned(), was: Was::Nothing, digest: Some([8; 16]) },
            Stamp { row: "trx 3".to_owned(), was: Was::Row([1; 16]), digest: Some([9; 16]) },
            Stamp { row: "session y".to_owned(), was: Was::Row([2; 16]), digest: None },
            Stamp { row: "session x".to_owned(), was: Was::Untold, digest: None },
        ];
        let bytes = stamp_bytes(UtcMillis::new(7), &stamps);
        let read = read_stamps(&bytes).unwrap();
        assert_eq!((read[0].row.as_str(), &read[1..]), ("@7", &stamps[..]));
        assert_eq!(read_stamps(&[]).as_deref(), Some(&[][..]));
        for cut in 1..bytes.len() {
            let whole = read_stamps(&bytes[..cut]);
            assert!(whole.is_none_or(|whole| whole.len() < 6), "{cut}");
        }
    }
}
