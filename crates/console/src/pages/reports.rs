//! Figures by day, hour, member, product, supplier and operator; as a table and as a file.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::chart::{self, Bar};
use crate::numbers;
use crate::reply::Answer;
use crate::sheet::{Sheet, Value};
use crate::show::{self, date, day_month, days_ago, duration, percent};
use crate::view::{Cell, Field, Form, Input, Part, Table, Tile, rupiah};
use office::Problem;
use reports::{Dimension, Tally};
use types::MemberId;

/// What is shown, by what, from when to when.
struct Wanted {
    by: Option<Dimension>,
    from: i32,
    until: i32,
}

fn wanted(console: &Inner, ask: &Ask) -> Result<Wanted, Problem> {
    Ok(Wanted {
        by: ask.asked("by").and_then(Dimension::named),
        from: ask.day("from")?.unwrap_or_else(|| days_ago(console, 6)),
        until: ask.day("until")?.unwrap_or_else(|| days_ago(console, 0)),
    })
}

/// The rows: a name for people, and its figures.
fn rows(console: &Inner, wanted: &Wanted) -> anyhow::Result<Vec<(String, Tally)>> {
    let Wanted { by, from, until } = *wanted;
    let Some(by) = by else {
        let days = console.reports.by_day(from, until, None)?;
        return Ok(days.into_iter().rev().map(|(day, tally)| (date(day), tally)).collect());
    };
    let catalog = console.office.handle.catalog();
    let named = |key: String| match by {
        Dimension::Member => key
            .parse()
            .ok()
            .and_then(|id| catalog.member_by_id(MemberId::new(id)))
            .map_or(key, |entry| entry.member.code.to_string()),
        Dimension::Hour => format!("{key}:00"),
        Dimension::Product | Dimension::Supplier | Dimension::Operator => key,
    };
    let found = console.reports.by_key(by, from, until)?;
    let mut all: Vec<_> = found.into_iter().map(|(key, tally)| (named(key), tally)).collect();
    if by != Dimension::Hour {
        all.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.sales));
    }
    Ok(all)
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let wanted = wanted(console, ask)?;
    let rows = rows(console, &wanted)?;
    let tabs = [
        (ask.t("Day"), ""),
        (ask.t("Hour"), "hour"),
        (ask.t("Member"), "member"),
        (ask.t("Product"), "product"),
        (ask.t("Supplier"), "supplier"),
        (ask.t("Phone operator"), "operator"),
    ];
    let span = format!("from={}&until={}", date(wanted.from), date(wanted.until));
    let by = wanted.by.map_or("", Dimension::word);
    let tabs = tabs.map(|(text, word)| {
        (text.to_owned(), format!("/console/reports?by={word}&{span}"), word == by)
    });
    let search = Form {
        action: "/console/reports".to_owned(),
        fields: vec![
            Field::hidden("by", by),
            Field::new("from", ask.t("From")).value(date(wanted.from)).input(Input::Date),
            Field::new("until", ask.t("Until")).value(date(wanted.until)).input(Input::Date),
        ],
        button: ask.t("Show").to_owned(),
        get: true,
        ..Form::default()
    };
    let mut sum = Tally::default();
    for (_, tally) in &rows {
        sum.add(tally);
    }
    let tile =
        |label: &str, value: String| Tile { label: label.to_owned(), value, ..Tile::default() };
    let mut parts = vec![
        Part::Tabs(tabs.into()),
        Part::Form(search),
        Part::Tiles(vec![
            tile(ask.t("Sales"), rupiah(sum.sales)),
            tile(ask.t("Cost"), rupiah(sum.cost)),
            tile(ask.t("Margin"), rupiah(sum.margin())),
            tile(ask.t("Success rate"), percent(sum.success_permille())),
        ]),
    ];
    let drawn: Vec<Bar> = match wanted.by {
        None => rows.iter().rev().map(|(day, tally)| bar(&short_day(day), tally)).collect(),
        Some(_) => rows.iter().take(30).map(|(name, tally)| bar(name, tally)).collect(),
    };
    if !drawn.is_empty() {
        parts.push(Part::Picture(chart::bars(ask.t("Sales and margin"), &drawn)));
    }
    let file = |ending: &str| format!("/console/reports.{ending}?by={by}&{span}");
    parts.push(Part::Tabs(vec![
        (ask.t("Download CSV").to_owned(), file("csv"), false),
        (ask.t("Download XLSX").to_owned(), file("xlsx"), false),
    ]));
    let titles = [
        tabs_title(ask, wanted.by),
        &format!(">{}", ask.t("Delivered")),
        &format!(">{}", ask.t("Failed")),
        &format!(">{}", ask.t("Reversed")),
        &format!(">{}", ask.t("Success rate")),
        &format!(">{}", ask.t("Sales")),
        &format!(">{}", ask.t("Cost")),
        &format!(">{}", ask.t("Margin")),
        &format!(">{}", ask.t("Median")),
        ">p95",
    ];
    let mut table = Table::new(&titles, ask.t("Nothing was sold in these days."));
    for (name, tally) in rows.iter().take(1_000) {
        table.rows.push(vec![
            Cell::text(name),
            Cell::text(tally.ok),
            Cell::text(tally.failed),
            Cell::text(tally.reversed),
            Cell::text(percent(tally.success_permille())),
            Cell::Money(tally.sales),
            Cell::Money(tally.cost),
            Cell::Money(tally.margin()),
            Cell::text(duration(tally.median_ms)),
            Cell::text(duration(tally.p95_ms)),
        ]);
    }
    parts.push(Part::Table(table));
    parts.splice(0..0, show::behind(console, ask).await?);
    frame::show(console, ask, ask.t("Reports"), parts).await
}

fn short_day(day: &str) -> String {
    numbers::day(day).map_or_else(|| day.to_owned(), day_month)
}

fn tabs_title(ask: &Ask, by: Option<Dimension>) -> &'static str {
    match by {
        None => ask.t("Day"),
        Some(Dimension::Hour) => ask.t("Hour"),
        Some(Dimension::Member) => ask.t("Member"),
        Some(Dimension::Product) => ask.t("Product"),
        Some(Dimension::Supplier) => ask.t("Supplier"),
        Some(Dimension::Operator) => ask.t("Phone operator"),
    }
}

fn bar(name: &str, tally: &Tally) -> Bar {
    let told = format!("{name}: {} · {}", rupiah(tally.sales), rupiah(tally.margin()));
    Bar { name: name.to_owned(), value: tally.sales, part: tally.margin().max(0), told }
}

pub(crate) async fn export(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let wanted = wanted(console, ask)?;
    let mut sheet = Sheet::new(&[
        wanted.by.map_or("day", Dimension::word),
        "delivered",
        "failed",
        "reversed",
        "sales",
        "cost",
        "margin",
        "median_ms",
        "p95_ms",
    ]);
    for (name, tally) in rows(console, &wanted)? {
        sheet.rows.push(vec![
            Value::Text(name),
            Value::Number(tally.ok),
            Value::Number(tally.failed),
            Value::Number(tally.reversed),
            Value::Number(tally.sales),
            Value::Number(tally.cost),
            Value::Number(tally.margin()),
            Value::maybe(tally.median_ms),
            Value::maybe(tally.p95_ms),
        ]);
    }
    sheet.answer("report", ask.ending())
}
