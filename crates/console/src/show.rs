//! How things of the trade look: states, times, members.

use crate::Inner;
use crate::ask::Ask;
use crate::view::{Cell, Part, Tone, rupiah};
use domain::{Trx, TrxState};
use types::{MemberId, UtcMillis};

pub(crate) fn state(ask: &Ask, word: &str) -> Cell {
    let (text, tone) = match word {
        "pending" => (ask.t("pending"), Tone::Warn),
        "success" => (ask.t("success"), Tone::Good),
        "failed" => (ask.t("failed"), Tone::Bad),
        "reversed" => (ask.t("reversed"), Tone::Bad),
        "refused" => (ask.t("refused"), Tone::Quiet),
        "delivered" => (ask.t("delivered"), Tone::Good),
        "due" => (ask.t("due"), Tone::Warn),
        "exhausted" => (ask.t("exhausted"), Tone::Bad),
        "parked" => (ask.t("parked"), Tone::Quiet),
        "open" => (ask.t("open"), Tone::Warn),
        "paid" => (ask.t("paid"), Tone::Good),
        "matched" => (ask.t("matched"), Tone::Good),
        "assigned" => (ask.t("assigned"), Tone::Good),
        "expired" => (ask.t("expired"), Tone::Quiet),
        "cancelled" => (ask.t("cancelled"), Tone::Quiet),
        "ignored" => (ask.t("ignored"), Tone::Quiet),
        other => return Cell::text(other),
    };
    Cell::badge(text, tone)
}

pub(crate) fn time(console: &Inner, at: UtcMillis) -> String {
    console.office.handle.zone().civil(at).to_string()
}

/// Without the day when it is today.
pub(crate) fn short_time(console: &Inner, at: UtcMillis) -> String {
    let zone = console.office.handle.zone();
    let (then, now) = (zone.civil(at), console.office.handle.now().civil);
    if then.date() == now.date() {
        format!("{:02}:{:02}:{:02}", then.hour, then.minute, then.second)
    } else {
        format!("{:02}/{:02} {:02}:{:02}", then.day, then.month, then.hour, then.minute)
    }
}

pub(crate) fn member(console: &Inner, id: MemberId) -> Cell {
    match console.office.handle.catalog().member_by_id(id) {
        Some(entry) => {
            let code = &entry.member.code;
            Cell::link(code, format!("/console/members/{code}"))
        }
        None => Cell::text(id),
    }
}

/// What became of it, in words: serial number, reason or refusal.
pub(crate) fn detail(trx: &Trx) -> String {
    match &trx.state {
        TrxState::Pending => String::new(),
        TrxState::Success { sn, .. } => sn.to_string(),
        TrxState::Failed { reason, .. } | TrxState::Reversed { reason, .. } => reason.to_string(),
        TrxState::Refused { refusal } => wire::reason(refusal),
    }
}

/// More than this is worth a word: figures follow some moments behind anyway.
const BEHIND_LEAST: i64 = 5_000;

/// Says so when figures are far behind the ledger: after a start with a large business.
pub(crate) async fn behind(console: &Inner, ask: &Ask) -> anyhow::Result<Option<Part>> {
    let heads = console.office.handle.reads().ask(|reads| reads.heads()).await??;
    let there: i64 = heads.iter().map(|heads| heads.ledger.seq).sum();
    let here: i64 = console.reports.places()?.iter().map(|place| place.seq).sum();
    let left = there.saturating_sub(here);
    Ok((left > BEHIND_LEAST).then(|| {
        let text = ask.t("Figures are still following the ledger. Movements to go:");
        Part::Note { text: format!("{text} {}", rupiah(left)), tone: Tone::Warn }
    }))
}

/// Milliseconds for people.
pub(crate) fn duration(millis: Option<i64>) -> String {
    match millis {
        None => "–".to_owned(),
        Some(ms @ 0..1_000) => format!("{ms} ms"),
        Some(ms @ 1_000..120_000) => format!("{},{} s", ms / 1_000, ms % 1_000 / 100),
        Some(ms) => format!("{} min", ms / 60_000),
    }
}

/// Tenths of a percent for people.
pub(crate) fn percent(permille: Option<i64>) -> String {
    permille.map_or_else(|| "–".to_owned(), |value| format!("{},{} %", value / 10, value % 10))
}

/// A day `yyyymmdd` as date fields have it, `2026-11-23`.
pub(crate) fn date(day: i32) -> String {
    format!("{:04}-{:02}-{:02}", day / 10_000, day / 100 % 100, day % 100)
}

/// `23/11`.
pub(crate) fn day_month(day: i32) -> String {
    format!("{:02}/{:02}", day % 100, day / 100 % 100)
}

/// The day so many days before now.
pub(crate) fn days_ago(console: &Inner, days: i64) -> i32 {
    let now = console.office.handle.now();
    console.office.handle.zone().civil(now.utc.after(days.saturating_mul(-86_400_000))).date().get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written() {
        assert_eq!(date(20_261_123), "2026-11-23");
        assert_eq!(duration(Some(2_450)), "2,4 s");
        assert_eq!(percent(Some(987)), "98,7 %");
    }
}
