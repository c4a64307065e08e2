//! Statements: what moved in an account, page by page and as a file.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::sheet::{Sheet, Value};
use crate::show::{date, days_ago, time};
use crate::view::{Cell, Field, Form, Input, Part, Table};
use anyhow::Context as _;
use office::Problem;
use types::MemberCode;

const PAGE: u32 = 100;
/// Lines of a file.
const LINES_MOST: usize = 200_000;
/// Of a workbook, which takes more to make.
const ROWS_MOST: usize = 50_000;

pub(crate) async fn member_statement(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = MemberCode::parse(ask.part(0))?;
    let catalog = console.office.handle.catalog();
    let id = catalog.member(&code).context("there is no such member")?.member.id;
    let here = format!("/console/members/{code}/statement");
    let table = entries(console, ask, &format!("member:{id}"), &here, Some("/console/trx"))?;
    let title = format!("{} · {code}", ask.t("Statement"));
    let parts = vec![take_away(console, ask, &here), Part::Table(table)];
    frame::show(console, ask, &title, parts).await
}

pub(crate) async fn statement(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let account = ask.part(0);
    let here = format!("/console/money/account/{account}");
    let table = entries(console, ask, account, &here, Some("/console/trx"))?;
    let title = format!("{} · {account}", ask.t("Statement"));
    frame::show(console, ask, &title, vec![super::money::tabs(ask), Part::Table(table)]).await
}

/// A page of a statement.
pub(crate) fn entries(
    console: &Inner,
    ask: &Ask,
    account: &str,
    here: &str,
    trx: Option<&str>,
) -> anyhow::Result<Table> {
    let below = ask.place::<3>("below")?.map(|[at, lane, seq]| (at, lane, seq));
    let found = console.reports.entries(account, below, PAGE)?;
    let titles = [
        ask.t("Time"),
        ask.t("What"),
        "T#",
        &format!(">{}", ask.t("Amount")),
        &format!(">{}", ask.t("Balance")),
        ask.t("Note"),
    ];
    let mut table = Table::new(&titles, ask.t("Nothing moved yet."));
    for entry in &found {
        let number = entry.trx.map_or(Cell::Nothing, |no| match trx {
            Some(place) => Cell::link(no, format!("{place}/{no}")),
            None => Cell::text(no),
        });
        table.rows.push(vec![
            Cell::text(time(console, entry.at)),
            Cell::text(kind(ask, &entry.kind)),
            number,
            Cell::Money(entry.amount.get()),
            entry.balance.map_or(Cell::Nothing, |balance| Cell::Money(balance.get())),
            Cell::text(&entry.note),
        ]);
    }
    if let Some(last) = found.last().filter(|_| found.len() >= PAGE as usize) {
        let place = format!("{here}?below={}-{}-{}", last.at.get(), last.lane, last.seq);
        table.next = Some((ask.t("Older").to_owned(), place));
    }
    Ok(table)
}

/// A word of the ledger for people.
fn kind(ask: &Ask, word: &str) -> String {
    match word {
        "debit" => ask.t("purchase"),
        "refund" => ask.t("refund"),
        "reversal" => ask.t("reversal"),
        "deposit" => ask.t("deposit"),
        "withdrawal" => ask.t("withdrawal"),
        "given" => ask.t("given to a member"),
        "received" => ask.t("received from a member"),
        "commission" => ask.t("commission"),
        "commission_reversal" => ask.t("commission taken back"),
        "cost_correction" => ask.t("cost corrected"),
        "adjustment" => ask.t("adjustment"),
        "kept_cost" => ask.t("price that a supplier kept"),
        "spent_commission" => ask.t("commission that was spent"),
        "top_up" => ask.t("paid in to a supplier"),
        "expense" => ask.t("expense"),
        "capital" => ask.t("capital"),
        "opening" => ask.t("opening balance"),
        other => return other.to_owned(),
    }
    .to_owned()
}

/// Forms that give a statement as a file.
pub(crate) fn take_away(console: &Inner, ask: &Ask, here: &str) -> Part {
    let form = |ending: &str, button: &str| {
        Part::Form(Form {
            action: format!("{here}.{ending}"),
            fields: vec![
                Field::new("from", ask.t("From"))
                    .value(date(days_ago(console, 30)))
                    .input(Input::Date),
                Field::new("until", ask.t("Until"))
                    .value(date(days_ago(console, 0)))
                    .input(Input::Date),
            ],
            button: button.to_owned(),
            get: true,
            ..Form::default()
        })
    };
    Part::Fold {
        title: ask.t("Take away").to_owned(),
        parts: vec![form("csv", ask.t("Download CSV")), form("xlsx", ask.t("Download XLSX"))],
    }
}

pub(crate) async fn member_export(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = MemberCode::parse(ask.part(0))?;
    let catalog = console.office.handle.catalog();
    let id = catalog.member(&code).context("there is no such member")?.member.id;
    sheet(console, ask, &format!("member:{id}"), code.as_str())
}

/// What moved in an account on the days that are asked for, oldest first.
pub(crate) fn sheet(
    console: &Inner,
    ask: &Ask,
    account: &str,
    name: &str,
) -> anyhow::Result<Answer> {
    let from = ask.day("from")?.unwrap_or_else(|| days_ago(console, 30));
    let until = ask.day("until")?.unwrap_or_else(|| days_ago(console, 0));
    let zone = console.office.handle.zone();
    let mut found = Vec::new();
    let mut below = None;
    let most = if ask.ending() == "xlsx" { ROWS_MOST } else { LINES_MOST };
    'pages: loop {
        if found.len() > most {
            let told = format!("these days have more than {most} lines; ask for fewer days");
            return Err(Problem::asked("too_many_lines", told).into());
        }
        let page = console.reports.entries(account, below, 1_000)?;
        let Some(last) = page.last() else { break };
        below = Some((last.at.get(), last.lane, last.seq));
        for entry in page {
            let day = zone.civil(entry.at).date().get();
            if day < from {
                break 'pages;
            }
            if day <= until {
                found.push(entry);
            }
        }
    }
    let mut sheet = Sheet::new(&["time", "what", "trx", "amount", "balance", "note"]);
    for entry in found.into_iter().rev() {
        sheet.rows.push(vec![
            Value::Text(time(console, entry.at)),
            Value::Text(entry.kind),
            Value::maybe(entry.trx.map(types::TrxNo::get)),
            Value::Number(entry.amount.get()),
            Value::maybe(entry.balance.map(types::Rupiah::get)),
            Value::Text(entry.note),
        ]);
    }
    sheet.answer(&format!("{name}-{}-{}", date(from), date(until)), ask.ending())
}
