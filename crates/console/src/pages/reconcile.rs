//! Statements of suppliers against our books, and what people do about the differences.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::numbers::day as day_of;
use crate::reply::Answer;
use crate::routes::done;
use crate::show;
use crate::view::{Cell, Field, Form, Input, Part, Table, Tile, Tone};
use office::{
    Actor, DifferenceRow, Mapping, Permission, Problem, Reconciliation, Role, Settlement, Statement,
};
use reports::SaleFilter;
use types::{TrxNo, UtcMillis};

pub(crate) async fn list(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let titles = [
        ask.t("Time"),
        ask.t("Supplier"),
        ask.t("Days"),
        &format!(">{}", ask.t("Matched")),
        &format!(">{}", ask.t("Differences")),
        &format!(">{}", ask.t("Open")),
        ask.t("By"),
    ];
    let mut table = Table::new(&titles, ask.t("None yet."));
    let all = console.office.reconciliations().await?;
    let last = all.first().map(|one| one.supplier.clone());
    for one in all {
        let time = show::time(console, UtcMillis::new(one.at));
        table.rows.push(vec![
            Cell::link(time, format!("/console/reconcile/{}", one.id)),
            Cell::text(&one.supplier),
            Cell::text(days(&one)),
            Cell::text(one.matched),
            Cell::text(one.differences.len().saturating_add(one.beyond)),
            match one.open() {
                0 => Cell::badge(0, Tone::Good),
                open => Cell::badge(open, Tone::Warn),
            },
            Cell::text(&one.by),
        ]);
    }
    let mut parts = vec![Part::Table(table)];
    if frame::actor(ask)?.role.may(Permission::MoveMoney) {
        parts.push(Part::Heading(ask.t("Compare a statement").to_owned()));
        let first = last_or_first(console, ask, last);
        let mapping = console.office.mapping(&first).await?;
        parts.push(Part::Form(form(console, ask, first, mapping)));
    }
    frame::show(console, ask, ask.t("Reconciliation"), parts).await
}

fn days(one: &Reconciliation) -> String {
    format!("{} – {}", show::date(one.from), show::date(one.until))
}

fn last_or_first(console: &Inner, ask: &Ask, last: Option<String>) -> String {
    let catalog = console.office.handle.catalog();
    let first = catalog.suppliers().keys().next().map(ToString::to_string);
    ask.asked("supplier").map(str::to_owned).or(last).or(first).unwrap_or_default()
}

/// The form, with the columns that the chosen supplier's last statement had, or what was typed.
fn form(console: &Inner, ask: &Ask, chosen: String, mapping: Mapping) -> Form {
    let catalog = console.office.handle.catalog();
    let suppliers: Vec<(String, String)> = catalog
        .suppliers()
        .values()
        .map(|supplier| (supplier.code.to_string(), supplier.name.clone()))
        .collect();
    let Mapping { reference, amount, status, delivered, failed, pending, dest, sn } = mapping;
    let yesterday = show::date(show::days_ago(console, 1));
    let day = |name: &str| ask.typed(name).unwrap_or_else(|| yesterday.clone());
    let hint = ask.t("empty: found by its usual name");
    Form {
        action: "/console/reconcile".to_owned(),
        fields: vec![
            Field::new("supplier", ask.t("Supplier")).value(chosen).choice(suppliers),
            Field::new("from", ask.t("From")).value(day("from")).input(Input::Date).needed(),
            Field::new("until", ask.t("Until")).value(day("until")).input(Input::Date).needed(),
            Field::new("csv", "CSV")
                .value(ask.given("csv"))
                .input(Input::Area)
                .hint(ask.t("the whole file, with its header"))
                .needed(),
            Field::new("reference", ask.t("Column of our reference")).value(reference).hint(hint),
            Field::new("amount", ask.t("Column of the amount")).value(amount).hint(hint),
            Field::new("status", ask.t("Column of the state")).value(status).hint(hint),
            Field::new("delivered", ask.t("Words for delivered"))
                .value(delivered)
                .hint("sukses, success, 20"),
            Field::new("failed", ask.t("Words for not delivered"))
                .value(failed)
                .hint("gagal, failed, refund"),
            Field::new("pending", ask.t("Words for not decided"))
                .value(pending)
                .hint("pending, proses"),
            Field::new("dest", ask.t("Column of the destination")).value(dest).hint(hint),
            Field::new("sn", ask.t("Column of the serial number")).value(sn).hint(hint),
        ],
        button: ask.t("Compare").to_owned(),
        form_key: frame::key(ask),
        ..Form::default()
    }
}

/// Everything that was settled with a supplier on some days.
fn settled(
    console: &Inner,
    supplier: &str,
    (from, until): (i32, i32),
) -> anyhow::Result<Vec<TrxNo>> {
    let mut all = Vec::new();
    let mut below = None;
    loop {
        let filter = SaleFilter {
            supplier: Some(supplier.to_owned()),
            state: Some("success".to_owned()),
            from: Some(from),
            until: Some(until),
            below,
            limit: 1_000,
            ..SaleFilter::default()
        };
        let page = console.reports.sales(&filter)?;
        let Some(last) = page.last() else { return Ok(all) };
        below = Some(*last);
        all.extend(page);
    }
}

/// Compares a statement of these days.
pub(crate) async fn compared(
    console: &Inner,
    actor: &Actor,
    statement: &Statement,
    (from, until): (&str, &str),
) -> anyhow::Result<Reconciliation> {
    let day = |text: &str| {
        let wrong = || Problem::asked("bad_day", format!("`{text}` is no day; write 2026-11-24"));
        day_of(text).ok_or_else(wrong)
    };
    let span = (day(from)?, day(until)?);
    if span.0 > span.1 {
        return Err(Problem::asked("bad_day", "the first day is after the last").into());
    }
    let ours = settled(console, statement.supplier.trim(), span)?;
    console.office.reconcile(actor, statement, span, &ours).await
}

pub(crate) async fn compare(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let text = |name: &'static str| ask.given(name).trim().to_owned();
    let statement = Statement {
        supplier: text("supplier"),
        csv: ask.given("csv").to_owned(),
        mapping: Mapping {
            reference: text("reference"),
            amount: text("amount"),
            status: text("status"),
            delivered: text("delivered"),
            failed: text("failed"),
            pending: text("pending"),
            dest: text("dest"),
            sn: text("sn"),
        },
    };
    let unknown = console.office.unknown_words(&statement)?;
    if !unknown.is_empty() {
        return asked_about(console, ask, statement, &unknown).await;
    }
    let days = (ask.given("from"), ask.given("until"));
    let found = compared(console, frame::actor(ask)?, &statement, days).await?;
    let told = format!(
        "{}: {} · {}: {}",
        ask.t("Matched"),
        found.matched,
        ask.t("Differences"),
        found.differences.len().saturating_add(found.beyond)
    );
    done(&format!("/console/reconcile/{}", found.id), &told)
}

/// Words that nobody has explained are asked about, with everything typed kept.
async fn asked_about(
    console: &Inner,
    ask: &Ask,
    statement: Statement,
    unknown: &[(String, usize)],
) -> anyhow::Result<Answer> {
    let titles = [ask.t("Word in the column of the state"), &format!(">{}", ask.t("Lines"))];
    let mut table = Table::new(&titles, "");
    for (word, count) in unknown {
        table.rows.push(vec![Cell::code(word), Cell::text(count)]);
    }
    let text = ask.t(
        "What do these words mean? Write each into one of the three fields of words below: delivered, not delivered, or not decided. Nothing was compared yet.",
    );
    let Statement { supplier, mapping, .. } = statement;
    let parts = vec![
        Part::Note { text: text.to_owned(), tone: Tone::Warn },
        Part::Table(table),
        Part::Form(form(console, ask, supplier, mapping)),
    ];
    frame::show(console, ask, ask.t("Reconciliation"), parts).await
}

/// Kinds of differences in the order in which they are shown.
const KINDS: [&str; 5] = ["missing_here", "missing_there", "open_there", "amount", "twice"];

fn kind(ask: &Ask, word: &str) -> &'static str {
    match word {
        "missing_here" => ask.t("Missing here: they delivered, we did not settle"),
        "missing_there" => ask.t("Missing there: we settled, they did not deliver"),
        "open_there" => ask.t("Not decided there: we settled, they have not"),
        "amount" => ask.t("The amount differs"),
        _ => ask.t("Twice in the statement"),
    }
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let one = console.office.reconciliation(ask.part(0)).await?;
    let role = frame::actor(ask)?.role;
    let count = |word: &str| one.differences.iter().filter(|row| row.kind == word).count();
    let tile = |label: &str, value: usize, tone| Tile {
        label: label.to_owned(),
        value: value.to_string(),
        tone,
        ..Tile::default()
    };
    let bad = |count: usize| if count == 0 { Tone::Good } else { Tone::Bad };
    let mut parts = vec![Part::Tiles(vec![
        tile(ask.t("Matched"), one.matched, Tone::Good),
        tile(ask.t("Failed on both sides"), one.failed, Tone::Plain),
        tile(ask.t("Missing here"), count("missing_here"), bad(count("missing_here"))),
        tile(ask.t("Missing there"), count("missing_there"), bad(count("missing_there"))),
        tile(ask.t("Amount differs"), count("amount"), bad(count("amount"))),
        tile(ask.t("Open"), one.open(), bad(one.open())),
    ])];
    if one.strange() > 0 {
        let text = ask.t(
            "Lines with a reference of this business that it never gave. They were lost in a restore, or a copy of this business buys there: if nothing was restored, look for a second machine now.",
        );
        let text = format!("{}: {text}", one.strange());
        parts.push(Part::Note { text, tone: Tone::Bad });
    }
    if one.beyond > 0 {
        let text = format!("{}: {}", ask.t("Differences beyond those below"), one.beyond);
        parts.push(Part::Note { text, tone: Tone::Warn });
    }
    for word in KINDS {
        let rows: Vec<(usize, &DifferenceRow)> =
            one.differences.iter().enumerate().filter(|(_, row)| row.kind == word).collect();
        if rows.is_empty() {
            continue;
        }
        parts.push(Part::Heading(kind(ask, word).to_owned()));
        parts.push(Part::Table(table(ask, &one.id, &rows, role)));
    }
    let title = format!("{} {} · {}", ask.t("Reconciliation"), one.supplier, days(&one));
    frame::show(console, ask, &title, parts).await
}

fn table(ask: &Ask, id: &str, rows: &[(usize, &DifferenceRow)], role: Role) -> Table {
    let titles = [
        ask.t("Line"),
        "T#",
        ask.t("Destination"),
        "SN",
        &format!(">{}", ask.t("Theirs")),
        &format!(">{}", ask.t("Ours")),
        "",
    ];
    let mut table = Table::new(&titles, "");
    for (number, row) in rows {
        let money = |amount: Option<i64>| amount.map_or(Cell::Nothing, Cell::Money);
        table.rows.push(vec![
            Cell::maybe(row.line),
            row.trx.map_or(Cell::Nothing, |no| Cell::link(no, format!("/console/trx/{no}"))),
            Cell::text(&row.dest),
            Cell::code(&row.sn),
            money(row.theirs),
            money(row.ours),
            match &row.done {
                Some(done) => Cell::text(done),
                None if role.may(Permission::MoveMoney) => {
                    Cell::Many(actions(ask, id, *number, row, role))
                }
                None => Cell::badge(ask.t("open"), Tone::Warn),
            },
        ]);
    }
    table
}

/// What this role can do about a difference: purchases are decided by who may decide suspects.
fn actions(ask: &Ask, id: &str, number: usize, row: &DifferenceRow, role: Role) -> Vec<Cell> {
    let form = |act: &str, button: &str, tone, reason: bool| {
        let mut fields = vec![Field::hidden("act", act)];
        if reason {
            fields.push(Field::new("reason", ask.t("Why")).needed());
        }
        Cell::Do(Box::new(Form {
            action: format!("/console/reconcile/{id}/{number}"),
            fields,
            button: button.to_owned(),
            tone,
            small: true,
            form_key: frame::key(ask),
            ..Form::default()
        }))
    };
    let mut all = Vec::new();
    let decides = role.may(Permission::Resolve);
    match row.kind.as_str() {
        "missing_here" | "missing_there" if !decides => {
            all.push(Cell::text(ask.t("The purchase itself is decided by an admin or owner.")));
        }
        "missing_here" if row.trx.is_some() && !row.sn.is_empty() && row.pending => {
            all.push(form("success", ask.t("It was delivered: settle"), Tone::Plain, false));
        }
        "missing_there" => {
            all.push(form("reverse", ask.t("It was not delivered: refund"), Tone::Bad, false));
        }
        "amount" => all.push(form("book", ask.t("Book their amount"), Tone::Plain, false)),
        _ => {}
    }
    all.push(form("ignore", ask.t("Leave it"), Tone::Quiet, true));
    all
}

pub(crate) async fn settle(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let id = ask.part(0);
    let number =
        ask.part(1).parse().map_err(|_| Problem::missing("there is no such difference"))?;
    let settlement = match ask.given("act") {
        "success" => Settlement::Success,
        "reverse" => Settlement::Reverse,
        "book" => Settlement::Book,
        "ignore" => Settlement::Ignore(ask.given("reason").to_owned()),
        _ => return Err(Problem::asked("bad_action", "say what to do").into()),
    };
    let told = console.office.settle_difference(frame::actor(ask)?, id, number, settlement).await?;
    done(&format!("/console/reconcile/{id}"), super::money::saved(console, ask, &told).await?)
}
