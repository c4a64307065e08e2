//! Statements: what moved in an account, page by page and as a file.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::{Answer, growing};
use crate::sheet::{CSV, Sheet, Value};
use crate::show::{date, days_ago, time};
use crate::view::{Cell, Field, Form, Input, Part, Table};
use anyhow::Context as _;
use domain::day_number;
use engine::Handle;
use office::Problem;
use reports::{Entry, Reports};
use std::ops::RangeInclusive;
use types::{CivilTime, Day, MemberCode};

const PAGE: u32 = 100;
/// Lines that are read, and sent, at a time.
const PIECE: u32 = 1_000;
/// Lines of a workbook, which is made whole.
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

/// What moved in an account on the days that are asked for, oldest first: a CSV of any length, made while
/// it is sent, or a workbook.
pub(crate) fn sheet(
    console: &Inner,
    ask: &Ask,
    account: &str,
    name: &str,
) -> anyhow::Result<Answer> {
    let from = ask.day("from")?.unwrap_or_else(|| days_ago(console, 30));
    let until = ask.day("until")?.unwrap_or_else(|| days_ago(console, 0));
    let mut lines = Lines::new(console, account, from, until);
    let mut sheet = Sheet::new(&["time", "what", "trx", "amount", "balance", "note"]);
    let name = format!("{name}-{}-{}", date(from), date(until));
    if ask.ending() == "xlsx" {
        while lines.next(&mut sheet)? {
            if sheet.rows.len() > ROWS_MOST {
                let told = format!(
                    "these days have more than {ROWS_MOST} lines; ask for fewer days, or for a CSV"
                );
                return Err(Problem::asked("too_many_lines", told).into());
            }
        }
        return sheet.answer(&name, ask.ending());
    }
    // What cannot be read is told before the file begins.
    let mut more = lines.next(&mut sheet)?;
    let mut head = Some(sheet.head()?);
    Ok(growing(
        CSV,
        &format!("{name}.csv"),
        Box::new(move || {
            if let Some(mut first) = head.take() {
                first.append(&mut sheet.lines()?);
                return Ok(Some(first.into()));
            }
            if more {
                sheet.rows.clear();
                more = lines.next(&mut sheet)?;
            }
            Ok(if more { Some(sheet.lines()?.into()) } else { None })
        }),
    ))
}

/// Reads a statement, oldest first, a piece at a time.
struct Lines {
    reports: Reports,
    handle: Handle,
    account: String,
    days: RangeInclusive<i32>,
    behind: (i64, i64, i64),
    over: bool,
}

impl Lines {
    fn new(console: &Inner, account: &str, from: i32, until: i32) -> Self {
        // No wall clock is a day before UTC.
        let begin = day_number(Day::new(from)).saturating_sub(1).saturating_mul(86_400_000);
        Self {
            reports: console.reports.clone(),
            handle: console.office.handle.clone(),
            account: account.to_owned(),
            days: from..=until,
            behind: (begin, 0, 0),
            over: false,
        }
    }

    /// Adds the lines of the next piece that has some; false when there is none.
    fn next(&mut self, sheet: &mut Sheet) -> anyhow::Result<bool> {
        let before = sheet.rows.len();
        while !self.over && sheet.rows.len() == before {
            let piece = self.reports.entries_behind(&self.account, self.behind, PIECE)?;
            let Some(last) = piece.last() else {
                self.over = true;
                break;
            };
            self.behind = (last.at.get(), last.lane, last.seq);
            let civil = |entry: &Entry| self.handle.zone().civil(entry.at);
            self.over = civil(last).date().get() > *self.days.end();
            for entry in piece {
                let time = civil(&entry);
                if self.days.contains(&time.date().get()) {
                    sheet.rows.push(line(time, entry));
                }
            }
        }
        Ok(sheet.rows.len() > before)
    }
}

fn line(time: CivilTime, entry: Entry) -> Vec<Value> {
    vec![
        Value::Text(time.to_string()),
        Value::Text(entry.kind),
        Value::maybe(entry.trx.map(types::TrxNo::get)),
        Value::Number(entry.amount.get()),
        Value::maybe(entry.balance.map(types::Rupiah::get)),
        Value::Text(entry.note),
    ]
}
