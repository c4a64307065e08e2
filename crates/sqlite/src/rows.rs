//! Row codecs, by hand: what is stored is not what is shown, and a renamed field changes no byte.
//!
//! A row that does not decode means that the database was changed by someone else, or that this
//! program is older than it; both stop the work with the row's name.

use domain::{
    Account, Attempt, AttemptState, Denomination, Member, Price, Product, RouteRow, Supplier,
    Transfer, Trx, TrxState, Wording,
};
use ipnet::IpNet;
use rusqlite::{Row, types::Type};
use std::fmt::Display;
use store::{
    Channel, Delivery, DeliveryState, Direction, JournalLine, Level, MemberRecord, Sealed,
    SupplierRecord,
};
use types::{
    AttemptId, Day, DeliveryId, Dest, LevelCode, MemberCode, MemberId, ProductCode, ProductName,
    Qty, Reason, RefId, Refusal, Rupiah, Sku, Sn, SupplierCode, TrxNo, UtcMillis,
};

type Decoded<T> = rusqlite::Result<T>;

fn bad(column: &str, why: impl Display) -> rusqlite::Error {
    let text = format!("column {column}: {why}");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, text.into())
}

/// Reads a text column through a parser.
fn word<T, E: Display>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Decoded<T> {
    let value = row.get_ref(column)?;
    let text = value.as_str().map_err(|error| bad(column, error))?;
    parse(text).map_err(|error| bad(column, error))
}

fn money(row: &Row<'_>, column: &str) -> Decoded<Rupiah> {
    row.get(column).map(Rupiah::new)
}

fn time(row: &Row<'_>, column: &str) -> Decoded<UtcMillis> {
    row.get(column).map(UtcMillis::new)
}

fn needed<T>(value: Option<T>, column: &str) -> Decoded<T> {
    value.ok_or_else(|| bad(column, "missing"))
}

fn qty(row: &Row<'_>, column: &str) -> Decoded<Option<Qty>> {
    let number: Option<u32> = row.get(column)?;
    number.map(|number| needed(Qty::new(number), column)).transpose()
}

pub(crate) const TRX: &str = "no, member, ref, product, name, dest, qty, price, before, created, \
     day, attempt, state, sn, reason, refusal, cost, final_at, final_balance, suspect";

pub(crate) fn trx(row: &Row<'_>) -> Decoded<Trx> {
    let state: String = row.get("state")?;
    let sn = || word(row, "sn", Sn::parse);
    let reason =
        || -> Decoded<Reason> { row.get::<_, String>("reason").map(|r| Reason::clean(&r)) };
    let at = || time(row, "final_at");
    let balance = || money(row, "final_balance");
    let state = match state.as_str() {
        "pending" => TrxState::Pending,
        "success" => TrxState::Success { sn: sn()?, at: at()?, cost: money(row, "cost")? },
        "failed" => TrxState::Failed { reason: reason()?, at: at()?, balance: balance()? },
        "reversed" => {
            TrxState::Reversed { sn: sn()?, reason: reason()?, at: at()?, balance: balance()? }
        }
        "refused" => {
            let (code, argument): (String, String) = (row.get("refusal")?, row.get("reason")?);
            TrxState::Refused {
                refusal: needed(Refusal::from_stored(&code, &argument), "refusal")?,
            }
        }
        other => return Err(bad("state", format!("unknown word `{other}`"))),
    };
    Ok(Trx {
        no: TrxNo::new(row.get("no")?),
        member: MemberId::new(row.get("member")?),
        ref_id: word(row, "ref", RefId::parse)?,
        product: word(row, "product", ProductCode::parse)?,
        name: word(row, "name", ProductName::parse)?,
        dest: word(row, "dest", Dest::parse)?,
        qty: qty(row, "qty")?,
        price: money(row, "price")?,
        before: money(row, "before")?,
        created: time(row, "created")?,
        day: Day::new(row.get("day")?),
        attempt: row.get("attempt")?,
        state,
        suspect: row.get("suspect")?,
    })
}

/// The columns of a trx that its state fills: sn, reason, refusal, cost, final_at, final_balance.
pub(crate) struct StateColumns {
    pub(crate) sn: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) refusal: Option<&'static str>,
    pub(crate) cost: Option<i64>,
    pub(crate) at: Option<i64>,
    pub(crate) balance: Option<i64>,
}

pub(crate) fn state_columns(state: &TrxState) -> StateColumns {
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

pub(crate) const ATTEMPT: &str = "a.trx AS trx, a.n AS n, a.supplier AS supplier, a.sku AS sku, \
     a.cost AS cost, a.state AS state, a.detail AS detail, a.created AS created, a.sent AS sent, \
     a.next AS next, a.checks AS checks, a.why AS why";

/// State word and detail of an attempt.
pub(crate) fn attempt_state(state: &AttemptState) -> (&'static str, &str) {
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

pub(crate) fn attempt(row: &Row<'_>) -> Decoded<Attempt> {
    let (state, detail): (String, String) = (row.get("state")?, row.get("detail")?);
    let state = match state.as_str() {
        "intended" => AttemptState::Intended,
        "sent" => AttemptState::Sent,
        "waiting" => AttemptState::Waiting,
        "unknown" => AttemptState::Unknown { why: detail },
        "unsent" => AttemptState::Unsent { proof: detail },
        "delivered" => {
            AttemptState::Delivered { sn: Sn::parse(&detail).map_err(|e| bad("detail", e))? }
        }
        "failed" => AttemptState::Failed { reason: Reason::clean(&detail) },
        other => return Err(bad("state", format!("unknown word `{other}`"))),
    };
    Ok(Attempt {
        id: AttemptId { trx: TrxNo::new(row.get("trx")?), n: row.get("n")? },
        supplier: word(row, "supplier", SupplierCode::parse)?,
        sku: word(row, "sku", Sku::parse)?,
        cost: money(row, "cost")?,
        state,
        created: time(row, "created")?,
        sent: row.get::<_, Option<i64>>("sent")?.map(UtcMillis::new),
        next: row.get::<_, Option<i64>>("next")?.map(UtcMillis::new),
        checks: row.get("checks")?,
        why: row.get("why")?,
    })
}

pub(crate) fn account(row: &Row<'_>) -> Decoded<Account> {
    Ok(Account {
        balance: money(row, "balance")?,
        day: Day::new(row.get("day")?),
        day_total: money(row, "day_total")?,
    })
}

pub(crate) fn transfer(row: &Row<'_>) -> Decoded<Transfer> {
    Ok(Transfer {
        from: word(row, "src", str::parse)?,
        to: word(row, "dst", str::parse)?,
        amount: money(row, "amount")?,
        kind: word(row, "kind", str::parse)?,
        trx: row.get::<_, Option<i64>>("trx")?.map(TrxNo::new),
        balance: row.get::<_, Option<i64>>("balance")?.map(Rupiah::new),
        at: time(row, "at")?,
        note: row.get("note")?,
    })
}

pub(crate) fn delivery(row: &Row<'_>) -> Decoded<Delivery> {
    let state: String = row.get("state")?;
    Ok(Delivery {
        id: DeliveryId::new(row.get("id")?),
        trx: TrxNo::new(row.get("trx")?),
        member: MemberId::new(row.get("member")?),
        ref_id: row.get("ref")?,
        message: row.get("message")?,
        created: time(row, "created")?,
        state: needed(DeliveryState::ALL.into_iter().find(|known| known.word() == state), "state")?,
        tries: row.get("tries")?,
        next: time(row, "next")?,
        last: row.get("last")?,
    })
}

pub(crate) fn journal(row: &Row<'_>) -> Decoded<JournalLine> {
    let channel: String = row.get("channel")?;
    Ok(JournalLine {
        at: time(row, "at")?,
        direction: match row.get::<_, i64>("direction")? {
            0 => Direction::In,
            1 => Direction::Out,
            other => return Err(bad("direction", format!("unknown number {other}"))),
        },
        channel: needed(Channel::ALL.into_iter().find(|known| known.word() == channel), "channel")?,
        peer: row.get("peer")?,
        member: row.get::<_, Option<i64>>("member")?.map(MemberId::new),
        trx: row.get::<_, Option<i64>>("trx")?.map(TrxNo::new),
        request: row.get("request")?,
        reply: row.get("reply")?,
        status: row.get("status")?,
        millis: row.get("millis")?,
    })
}

pub(crate) fn member(row: &Row<'_>) -> Decoded<MemberRecord> {
    let addresses: String = row.get("ip_allow")?;
    Ok(MemberRecord {
        member: Member {
            id: MemberId::new(row.get("id")?),
            code: word(row, "code", MemberCode::parse)?,
            name: row.get("name")?,
            active: row.get("active")?,
            level: word(row, "level", LevelCode::parse)?,
            credit_limit: money(row, "credit_limit")?,
            daily_limit: row.get::<_, Option<i64>>("daily_limit")?.map(Rupiah::new),
            same_day_guard: row.get("same_day_guard")?,
            callback_url: row.get("callback_url")?,
            wording: Wording {
                sedang: row.get("sedang")?,
                sn_ref: row.get("sn_ref")?,
                seller: row
                    .get::<_, String>("seller")?
                    .parse()
                    .map_err(|error| bad("seller", error))?,
            },
        },
        pin: Sealed(row.get("pin")?),
        password: Sealed(row.get("password")?),
        signing: row.get::<_, Option<Vec<u8>>>("signing")?.map(Sealed),
        ip_allow: addresses
            .split_whitespace()
            .map(|text| text.parse::<IpNet>().map_err(|error| bad("ip_allow", error)))
            .collect::<Decoded<_>>()?,
    })
}

pub(crate) fn level(row: &Row<'_>) -> Decoded<Level> {
    Ok(Level {
        code: word(row, "code", LevelCode::parse)?,
        name: row.get("name")?,
        list_id: row.get("list_id")?,
    })
}

pub(crate) fn product(row: &Row<'_>) -> Decoded<Product> {
    let cut_off: Option<String> = row.get("cut_off")?;
    Ok(Product {
        code: word(row, "code", ProductCode::parse)?,
        name: word(row, "name", ProductName::parse)?,
        group: row.get("grp")?,
        category: row.get("category")?,
        denomination: match (qty(row, "qty_min")?, qty(row, "qty_max")?) {
            (Some(min), Some(max)) => Denomination::Open { min, max },
            (None, _) | (_, None) => Denomination::Fixed,
        },
        dest_rule: word(row, "dest_rule", str::parse)?,
        open: row.get("open")?,
        cut_off: cut_off
            .map(|text| text.parse().map_err(|error| bad("cut_off", error)))
            .transpose()?,
        strategy: row
            .get::<_, String>("strategy")?
            .parse()
            .map_err(|error| bad("strategy", error))?,
    })
}

pub(crate) fn price(row: &Row<'_>) -> Decoded<(LevelCode, ProductCode, Price)> {
    Ok((
        word(row, "level", LevelCode::parse)?,
        word(row, "product", ProductCode::parse)?,
        Price { amount: money(row, "amount")?, basis_points: row.get("basis_points")? },
    ))
}

pub(crate) fn supplier(row: &Row<'_>) -> Decoded<SupplierRecord> {
    Ok(SupplierRecord {
        supplier: Supplier {
            code: word(row, "code", SupplierCode::parse)?,
            name: row.get("name")?,
            connector: row.get("connector")?,
            paused: row.get("paused")?,
            check_after_ms: row.get("check_after_ms")?,
            suspect_after_ms: row.get("suspect_after_ms")?,
            trusted_reversal: row.get("trusted_reversal")?,
        },
        settings: row.get::<_, Option<Vec<u8>>>("settings")?.map(Sealed),
    })
}

pub(crate) fn bought(row: &Row<'_>) -> Decoded<(SupplierCode, Sku, u32)> {
    Ok((
        word(row, "supplier", SupplierCode::parse)?,
        word(row, "sku", Sku::parse)?,
        row.get("count")?,
    ))
}

pub(crate) fn route(row: &Row<'_>) -> Decoded<RouteRow> {
    Ok(RouteRow {
        product: word(row, "product", ProductCode::parse)?,
        supplier: word(row, "supplier", SupplierCode::parse)?,
        sku: word(row, "sku", Sku::parse)?,
        cost: money(row, "cost")?,
        priority: row.get("priority")?,
        enabled: row.get("enabled")?,
        allow_loss: row.get("allow_loss")?,
        weight: row.get("weight")?,
        cost_most: row.get::<_, Option<i64>>("cost_most")?.map(Rupiah::new),
        hours: row
            .get::<_, Option<String>>("hours")?
            .map(|text| text.parse().map_err(|error| bad("hours", error)))
            .transpose()?,
        prefixes: row.get::<_, String>("prefixes")?.split_whitespace().map(str::to_owned).collect(),
        stocked: row.get("stocked")?,
        daily_most: row.get("daily_most")?,
    })
}
