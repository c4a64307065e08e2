//! Row codecs, by hand: what is stored is not what is shown, and a renamed field changes no byte.
//!
//! Every store with columns reads and writes them through these, so the same words stand in all of
//! them. A row that does not decode means that the database was changed by someone else, or that
//! this program is older than it; both stop the work with the column's name.

use crate::{
    Channel, Delivery, DeliveryState, Direction, Imported, JournalLine, Level, MemberRecord, Paper,
    PaperKey, ProofKey, Sealed, SupplierRecord, Work,
};
use domain::{
    Account, Attempt, AttemptState, Denomination, Epoch, Member, Price, Product, RouteRow,
    Supplier, Transfer, Trx, TrxState, Upline, Wording,
};
use ipnet::IpNet;
use std::fmt::Display;
use types::{
    AttemptId, Day, DeliveryId, Dest, LevelCode, MemberCode, MemberId, ProductCode, ProductName,
    Qty, Reason, RefId, Refusal, Rupiah, Sku, Sn, SupplierCode, TrxNo, UtcMillis,
};

/// A row that does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {why}")]
pub struct Unreadable {
    /// Where.
    pub column: String,
    /// What is wrong there.
    pub why: String,
}

impl Unreadable {
    /// Something is wrong in a column.
    #[must_use]
    pub fn new(column: &str, why: impl Display) -> Self {
        Self { column: column.to_owned(), why: why.to_string() }
    }
}

type Decoded<T> = Result<T, Unreadable>;

/// A row of any database: four kinds of columns by name.
pub trait Columns {
    /// A whole number, or null.
    ///
    /// # Errors
    /// [`Unreadable`], as with all of these.
    fn int(&self, column: &str) -> Decoded<Option<i64>>;

    /// A text, or null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn text(&self, column: &str) -> Decoded<Option<&str>>;

    /// Bytes, or null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn bytes(&self, column: &str) -> Decoded<Option<Vec<u8>>>;

    /// Yes or no.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn flag(&self, column: &str) -> Decoded<bool>;
}

fn bad(column: &str, why: impl Display) -> Unreadable {
    Unreadable::new(column, why)
}

fn needed<T>(value: Option<T>, column: &str) -> Decoded<T> {
    value.ok_or_else(|| bad(column, "missing"))
}

fn int<N: TryFrom<i64>>(row: &dyn Columns, column: &str) -> Decoded<N> {
    needed(maybe_int(row, column)?, column)
}

fn maybe_int<N: TryFrom<i64>>(row: &dyn Columns, column: &str) -> Decoded<Option<N>> {
    let narrow =
        |wide: i64| N::try_from(wide).map_err(|_| bad(column, format!("{wide}: out of range")));
    row.int(column)?.map(narrow).transpose()
}

fn text<'a>(row: &'a dyn Columns, column: &str) -> Decoded<&'a str> {
    needed(row.text(column)?, column)
}

fn owned(row: &dyn Columns, column: &str) -> Decoded<String> {
    text(row, column).map(str::to_owned)
}

fn sealed(row: &dyn Columns, column: &str) -> Decoded<Sealed> {
    needed(row.bytes(column)?, column).map(Sealed)
}

/// Reads a text column through a parser.
fn word<T, E: Display>(
    row: &dyn Columns,
    column: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Decoded<T> {
    parse(text(row, column)?).map_err(|error| bad(column, error))
}

fn money(row: &dyn Columns, column: &str) -> Decoded<Rupiah> {
    int(row, column).map(Rupiah::new)
}

fn maybe_money(row: &dyn Columns, column: &str) -> Decoded<Option<Rupiah>> {
    Ok(row.int(column)?.map(Rupiah::new))
}

fn time(row: &dyn Columns, column: &str) -> Decoded<UtcMillis> {
    int(row, column).map(UtcMillis::new)
}

fn maybe_time(row: &dyn Columns, column: &str) -> Decoded<Option<UtcMillis>> {
    Ok(row.int(column)?.map(UtcMillis::new))
}

fn qty(row: &dyn Columns, column: &str) -> Decoded<Option<Qty>> {
    maybe_int(row, column)?.map(|number| needed(Qty::new(number), column)).transpose()
}

/// The columns of a trx.
pub const TRX: &str = "no, member, ref, product, name, dest, qty, given, price, shares, before, created, \
     day, attempt, state, sn, reason, refusal, cost, final_at, final_balance, suspect";

/// A trx.
///
/// # Errors
/// [`Unreadable`].
pub fn trx(row: &dyn Columns) -> Decoded<Trx> {
    let state = text(row, "state")?;
    let sn = || word(row, "sn", Sn::parse);
    let reason = || text(row, "reason").map(Reason::clean);
    let at = || time(row, "final_at");
    let balance = || money(row, "final_balance");
    let state = match state {
        "pending" => TrxState::Pending,
        "success" => TrxState::Success { sn: sn()?, at: at()?, cost: money(row, "cost")? },
        "failed" => TrxState::Failed { reason: reason()?, at: at()?, balance: balance()? },
        "reversed" => {
            TrxState::Reversed { sn: sn()?, reason: reason()?, at: at()?, balance: balance()? }
        }
        "refused" => {
            let (code, argument) = (text(row, "refusal")?, text(row, "reason")?);
            TrxState::Refused { refusal: needed(Refusal::from_stored(code, argument), "refusal")? }
        }
        other => return Err(bad("state", format!("unknown word `{other}`"))),
    };
    Ok(Trx {
        no: TrxNo::new(int(row, "no")?),
        member: MemberId::new(int(row, "member")?),
        ref_id: word(row, "ref", RefId::parse)?,
        product: word(row, "product", ProductCode::parse)?,
        name: word(row, "name", ProductName::parse)?,
        dest: word(row, "dest", Dest::parse)?,
        qty: qty(row, "qty")?,
        given: row
            .text("given")?
            .map(|text| text.parse().map_err(|error| bad("given", error)))
            .transpose()?,
        price: money(row, "price")?,
        shares: word(row, "shares", str::parse)?,
        before: money(row, "before")?,
        created: time(row, "created")?,
        day: Day::new(int(row, "day")?),
        attempt: int(row, "attempt")?,
        state,
        suspect: row.text("suspect")?.map(str::to_owned),
    })
}

/// The columns of a trx that its state fills: sn, reason, refusal, cost, final_at, final_balance.
#[allow(missing_docs)]
pub struct StateColumns {
    pub sn: Option<String>,
    pub reason: Option<String>,
    pub refusal: Option<&'static str>,
    pub cost: Option<i64>,
    pub at: Option<i64>,
    pub balance: Option<i64>,
}

/// What a state writes.
#[must_use]
pub fn state_columns(state: &TrxState) -> StateColumns {
    let none =
        StateColumns { sn: None, reason: None, refusal: None, cost: None, at: None, balance: None };
    match state {
        TrxState::Pending => none,
        TrxState::Success { sn, at, cost } => StateColumns {
            sn: Some(sn.to_string()),
            cost: Some(cost.get()),
            at: Some(at.get()),
            ..none
        },
        TrxState::Failed { reason, at, balance } => StateColumns {
            reason: Some(reason.to_string()),
            at: Some(at.get()),
            balance: Some(balance.get()),
            ..none
        },
        TrxState::Reversed { sn, reason, at, balance } => StateColumns {
            sn: Some(sn.to_string()),
            reason: Some(reason.to_string()),
            at: Some(at.get()),
            balance: Some(balance.get()),
            ..none
        },
        TrxState::Refused { refusal } => {
            let (code, argument) = refusal.stored().unwrap_or((refusal.code(), String::new()));
            StateColumns { reason: Some(argument), refusal: Some(code), ..none }
        }
    }
}

/// The columns of an attempt, of a table called `a`.
pub const ATTEMPT: &str = "a.trx AS trx, a.n AS n, a.supplier AS supplier, a.sku AS sku, \
     a.cost AS cost, a.state AS state, a.detail AS detail, a.created AS created, a.sent AS sent, \
     a.next AS next, a.checks AS checks, a.counter AS counter, a.why AS why";

/// State word and detail of an attempt.
#[must_use]
pub fn attempt_state(state: &AttemptState) -> (&'static str, &str) {
    match state {
        AttemptState::Intended => ("intended", ""),
        AttemptState::Sent => ("sent", ""),
        AttemptState::Waiting => ("waiting", ""),
        AttemptState::Unknown { why } => ("unknown", why),
        AttemptState::Unsent { proof } => ("unsent", proof),
        AttemptState::Delivered { sn } => ("delivered", sn.as_str()),
        AttemptState::Failed { reason } => ("failed", reason.as_str()),
    }
}

/// An attempt, selected as [`ATTEMPT`].
///
/// # Errors
/// [`Unreadable`].
pub fn attempt(row: &dyn Columns) -> Decoded<Attempt> {
    let (state, detail) = (text(row, "state")?, text(row, "detail")?);
    let state = match state {
        "intended" => AttemptState::Intended,
        "sent" => AttemptState::Sent,
        "waiting" => AttemptState::Waiting,
        "unknown" => AttemptState::Unknown { why: detail.to_owned() },
        "unsent" => AttemptState::Unsent { proof: detail.to_owned() },
        "delivered" => {
            AttemptState::Delivered { sn: Sn::parse(detail).map_err(|e| bad("detail", e))? }
        }
        "failed" => AttemptState::Failed { reason: Reason::clean(detail) },
        other => return Err(bad("state", format!("unknown word `{other}`"))),
    };
    Ok(Attempt {
        id: AttemptId { trx: TrxNo::new(int(row, "trx")?), n: int(row, "n")? },
        supplier: word(row, "supplier", SupplierCode::parse)?,
        sku: word(row, "sku", Sku::parse)?,
        cost: money(row, "cost")?,
        state,
        created: time(row, "created")?,
        sent: maybe_time(row, "sent")?,
        next: maybe_time(row, "next")?,
        checks: int(row, "checks")?,
        counter: int(row, "counter")?,
        why: owned(row, "why")?,
    })
}

/// A serial number that settled a trx.
///
/// # Errors
/// [`Unreadable`].
pub fn proof(row: &dyn Columns) -> Decoded<(ProofKey, TrxNo)> {
    let digest = needed(row.bytes("digest")?, "digest")?;
    let digest = digest.try_into().map_err(|_| bad("digest", "is not 16 bytes long"))?;
    let key = ProofKey { supplier: word(row, "supplier", SupplierCode::parse)?, digest };
    Ok((key, TrxNo::new(int(row, "trx")?)))
}

/// A restore of the business.
///
/// # Errors
/// [`Unreadable`].
pub fn epoch(row: &dyn Columns) -> Decoded<Epoch> {
    Ok(Epoch {
        number: int(row, "number")?,
        at: time(row, "at")?,
        trx_from: TrxNo::new(int(row, "trx_from")?),
        delivery_from: DeliveryId::new(int(row, "delivery_from")?),
        tag: owned(row, "tag")?,
        open: row.flag("open")?,
    })
}

/// A member's account.
///
/// # Errors
/// [`Unreadable`].
pub fn account(row: &dyn Columns) -> Decoded<Account> {
    Ok(Account {
        balance: money(row, "balance")?,
        day: Day::new(int(row, "day")?),
        day_total: money(row, "day_total")?,
    })
}

/// A movement of money.
///
/// # Errors
/// [`Unreadable`].
pub fn transfer(row: &dyn Columns) -> Decoded<Transfer> {
    Ok(Transfer {
        from: word(row, "src", str::parse)?,
        to: word(row, "dst", str::parse)?,
        amount: money(row, "amount")?,
        kind: word(row, "kind", str::parse)?,
        trx: row.int("trx")?.map(TrxNo::new),
        balance: maybe_money(row, "balance")?,
        at: time(row, "at")?,
        note: owned(row, "note")?,
    })
}

/// A callback.
///
/// # Errors
/// [`Unreadable`].
pub fn delivery(row: &dyn Columns) -> Decoded<Delivery> {
    let state = text(row, "state")?;
    Ok(Delivery {
        id: DeliveryId::new(int(row, "id")?),
        trx: TrxNo::new(int(row, "trx")?),
        member: MemberId::new(int(row, "member")?),
        ref_id: owned(row, "ref")?,
        message: owned(row, "message")?,
        created: time(row, "created")?,
        state: needed(DeliveryState::ALL.into_iter().find(|known| known.word() == state), "state")?,
        tries: int(row, "tries")?,
        next: time(row, "next")?,
        last: owned(row, "last")?,
    })
}

/// A line of the journal.
///
/// # Errors
/// [`Unreadable`].
pub fn journal(row: &dyn Columns) -> Decoded<JournalLine> {
    let channel = text(row, "channel")?;
    Ok(JournalLine {
        at: time(row, "at")?,
        direction: match int::<i64>(row, "direction")? {
            0 => Direction::In,
            1 => Direction::Out,
            other => return Err(bad("direction", format!("unknown number {other}"))),
        },
        channel: needed(Channel::ALL.into_iter().find(|known| known.word() == channel), "channel")?,
        peer: owned(row, "peer")?,
        member: row.int("member")?.map(MemberId::new),
        trx: row.int("trx")?.map(TrxNo::new),
        request: owned(row, "request")?,
        reply: owned(row, "reply")?,
        status: owned(row, "status")?,
        millis: int(row, "millis")?,
        stamps: row.bytes("stamps")?.unwrap_or_default(),
    })
}

/// A member.
///
/// # Errors
/// [`Unreadable`].
pub fn member(row: &dyn Columns) -> Decoded<MemberRecord> {
    let addresses = text(row, "ip_allow")?;
    Ok(MemberRecord {
        member: Member {
            id: MemberId::new(int(row, "id")?),
            code: word(row, "code", MemberCode::parse)?,
            name: owned(row, "name")?,
            active: row.flag("active")?,
            level: word(row, "level", LevelCode::parse)?,
            credit_limit: money(row, "credit_limit")?,
            daily_limit: maybe_money(row, "daily_limit")?,
            same_day_guard: row.flag("same_day_guard")?,
            callback_url: row.text("callback_url")?.map(str::to_owned),
            wording: Wording {
                sedang: row.flag("sedang")?,
                sn_ref: row.flag("sn_ref")?,
                seller: word(row, "seller", str::parse)?,
                webhook: row.flag("webhook")?,
            },
            dialect: word(row, "dialect", str::parse)?,
            upline: row
                .int("upline")?
                .map(|id| {
                    Ok::<_, Unreadable>(Upline {
                        member: MemberId::new(id),
                        markup: money(row, "markup")?,
                        markups: word(row, "markups", str::parse)?,
                    })
                })
                .transpose()?,
            sandbox: row.flag("sandbox")?,
        },
        pin: sealed(row, "pin")?,
        password: sealed(row, "password")?,
        signing: row.bytes("signing")?.map(Sealed),
        ip_allow: addresses
            .split_whitespace()
            .map(|text| text.parse::<IpNet>().map_err(|error| bad("ip_allow", error)))
            .collect::<Decoded<_>>()?,
        imported: imported_of(int(row, "imported")?)?,
    })
}

fn imported_of(number: i64) -> Decoded<Imported> {
    Imported::of(number).ok_or_else(|| bad("imported", format!("unknown number {number}")))
}

/// A price level.
///
/// # Errors
/// [`Unreadable`].
pub fn level(row: &dyn Columns) -> Decoded<Level> {
    Ok(Level {
        code: word(row, "code", LevelCode::parse)?,
        name: owned(row, "name")?,
        list_id: owned(row, "list_id")?,
    })
}

/// A product.
///
/// # Errors
/// [`Unreadable`].
pub fn product(row: &dyn Columns) -> Decoded<Product> {
    let cut_off = row.text("cut_off")?;
    Ok(Product {
        code: word(row, "code", ProductCode::parse)?,
        name: word(row, "name", ProductName::parse)?,
        group: owned(row, "grp")?,
        category: owned(row, "category")?,
        denomination: match (qty(row, "qty_min")?, qty(row, "qty_max")?) {
            (Some(min), Some(max)) => Denomination::Open { min, max },
            (None, _) | (_, None) => Denomination::Fixed,
        },
        dest_rule: word(row, "dest_rule", str::parse)?,
        open: row.flag("open")?,
        cut_off: cut_off
            .map(|text| text.parse().map_err(|error| bad("cut_off", error)))
            .transpose()?,
        strategy: word(row, "strategy", str::parse)?,
    })
}

/// A price.
///
/// # Errors
/// [`Unreadable`].
pub fn price(row: &dyn Columns) -> Decoded<(LevelCode, ProductCode, Price)> {
    Ok((
        word(row, "level", LevelCode::parse)?,
        word(row, "product", ProductCode::parse)?,
        Price { amount: money(row, "amount")?, basis_points: int(row, "basis_points")? },
    ))
}

/// A supplier.
///
/// # Errors
/// [`Unreadable`].
pub fn supplier(row: &dyn Columns) -> Decoded<SupplierRecord> {
    Ok(SupplierRecord {
        supplier: Supplier {
            code: word(row, "code", SupplierCode::parse)?,
            name: owned(row, "name")?,
            connector: owned(row, "connector")?,
            paused: row.flag("paused")?,
            check_after_ms: int(row, "check_after_ms")?,
            suspect_after_ms: int(row, "suspect_after_ms")?,
            trusted_reversal: row.flag("trusted_reversal")?,
            counts: row.flag("counts")?,
        },
        settings: row.bytes("settings")?.map(Sealed),
    })
}

/// How many were bought of a SKU.
///
/// # Errors
/// [`Unreadable`].
pub fn bought(row: &dyn Columns) -> Decoded<(SupplierCode, Sku, u32)> {
    Ok((
        word(row, "supplier", SupplierCode::parse)?,
        word(row, "sku", Sku::parse)?,
        int(row, "count")?,
    ))
}

/// A route.
///
/// # Errors
/// [`Unreadable`].
pub fn route(row: &dyn Columns) -> Decoded<RouteRow> {
    Ok(RouteRow {
        product: word(row, "product", ProductCode::parse)?,
        supplier: word(row, "supplier", SupplierCode::parse)?,
        sku: word(row, "sku", Sku::parse)?,
        cost: money(row, "cost")?,
        priority: int(row, "priority")?,
        enabled: row.flag("enabled")?,
        allow_loss: row.flag("allow_loss")?,
        weight: int(row, "weight")?,
        cost_most: maybe_money(row, "cost_most")?,
        hours: row
            .text("hours")?
            .map(|text| text.parse().map_err(|error| bad("hours", error)))
            .transpose()?,
        prefixes: text(row, "prefixes")?.split_whitespace().map(str::to_owned).collect(),
        stocked: row.flag("stocked")?,
        daily_most: maybe_int(row, "daily_most")?,
    })
}

/// An attempt with what was bought: the columns of the attempt, and `dest`, `qty`, `member` of its
/// trx.
///
/// # Errors
/// [`Unreadable`].
pub fn work(row: &dyn Columns) -> Decoded<Work> {
    Ok(Work {
        attempt: attempt(row)?,
        member: MemberId::new(int(row, "member")?),
        dest: word(row, "dest", Dest::parse)?,
        qty: qty(row, "qty")?,
    })
}

/// A row of `paper`.
///
/// # Errors
/// [`Unreadable`].
pub fn paper(row: &dyn Columns) -> Decoded<Paper> {
    Ok(Paper {
        key: PaperKey { kind: owned(row, "kind")?, id: owned(row, "id")? },
        tag: owned(row, "tag")?,
        version: int(row, "version")?,
        at: time(row, "at")?,
        body: owned(row, "body")?,
    })
}

/// What the same-day guard counts a trx under, in one text.
#[must_use]
pub fn guard(product: &ProductCode, dest: &Dest, day: Day) -> String {
    format!("{product}.{dest}.{}", day.get())
}
