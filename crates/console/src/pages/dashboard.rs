//! Today at a glance: against yesterday and a week ago, who fails, what waits.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::chart::{self, Bar};
use crate::reply::Answer;
use crate::show::{behind, date, day_month, days_ago, duration, percent};
use crate::view::{Cell, Part, Table, Tile, Tone, rupiah};
use office::{Operation, Permission, execute};
use reports::{Dimension, Tally};

fn against(now: i64, then: i64) -> String {
    if then == 0 {
        return "–".to_owned();
    }
    let change = now.saturating_sub(then).saturating_mul(100).checked_div(then).unwrap_or_default();
    format!("{}{change} %", if change > 0 { "+" } else { "" })
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let [today, yesterday, week] = [0, 1, 7].map(|days| days_ago(console, days));
    let from = days_ago(console, 29);
    let days = console.reports.by_day(from, today, None)?;
    let of = |day: i32| {
        let found = days.iter().find(|(known, _)| *known == day);
        found.map(|(_, tally)| *tally).unwrap_or_default()
    };
    // A day that is not over is compared with the same hours of other days.
    let hour = format!("{:02}", console.office.handle.now().civil.hour);
    let until_now = |day: i32| -> anyhow::Result<Tally> {
        let mut sum = Tally::default();
        for (_, tally) in console.reports.by_key(Dimension::Hour, day, day)?.range(..=hour.clone())
        {
            sum.add(tally);
        }
        Ok(sum)
    };
    let (now, before, last_week) = (of(today), until_now(yesterday)?, until_now(week)?);
    let counts = console.office.handle.reads().ask(|reads| reads.counts()).await??;
    let hint = |get: fn(&Tally) -> i64| {
        let (day, week) = (against(get(&now), get(&before)), against(get(&now), get(&last_week)));
        format!("{} {day} · {} {week}", ask.t("yesterday"), ask.t("last week"))
    };
    let tile = |label: &str, value: String, hint: String| Tile {
        label: label.to_owned(),
        value,
        hint,
        ..Tile::default()
    };
    let mut tiles = vec![
        tile(ask.t("Purchases today"), now.asked.to_string(), hint(|tally| tally.asked)),
        Tile {
            tone: match now.success_permille() {
                Some(0..900) => Tone::Bad,
                Some(_) => Tone::Good,
                None => Tone::Plain,
            },
            ..tile(
                ask.t("Success rate"),
                percent(now.success_permille()),
                format!("{} {}", ask.t("yesterday"), percent(before.success_permille())),
            )
        },
    ];
    if actor.role.may(Permission::SeeMoney) {
        tiles.push(tile(ask.t("Sales"), rupiah(now.sales), hint(|tally| tally.sales)));
        tiles.push(tile(ask.t("Margin"), rupiah(now.margin()), hint(Tally::margin)));
    }
    let waits = |label: &str, count: i64, href: &str, tone: Tone| Tile {
        label: label.to_owned(),
        value: count.to_string(),
        tone: if count > 0 { tone } else { Tone::Plain },
        href: Some(href.to_owned()),
        ..Tile::default()
    };
    tiles.extend([
        waits(ask.t("Pending"), counts.pending, "/console/trx?state=pending", Tone::Warn),
        waits(ask.t("Suspects"), counts.suspect, "/console/suspects", Tone::Bad),
        waits(
            ask.t("Callbacks waiting"),
            counts.callbacks_due,
            "/console/callbacks?state=due",
            Tone::Warn,
        ),
    ]);
    let mut parts: Vec<Part> = behind(console, ask).await?.into_iter().collect();
    parts.push(Part::Tiles(tiles));
    let mut bars = Vec::new();
    for back in (0..30).rev() {
        let day = days_ago(console, back);
        let tally = of(day);
        bars.push(Bar {
            name: day_month(day),
            value: tally.asked,
            part: tally.ok,
            told: format!(
                "{}: {} {}, {} {}",
                date(day),
                tally.asked,
                ask.t("purchases"),
                percent(tally.success_permille()),
                ask.t("success")
            ),
        });
    }
    let hours = console.reports.by_key(Dimension::Hour, today, today)?;
    let mut by_hour = Vec::new();
    for hour in 0..24 {
        let name = format!("{hour:02}");
        let tally = hours.get(&name).copied().unwrap_or_default();
        let told = format!("{name}:00: {} {}", tally.asked, ask.t("purchases"));
        by_hour.push(Bar { name, value: tally.asked, part: tally.ok, told });
    }
    parts.push(Part::Columns(vec![
        vec![Part::Picture(chart::bars(ask.t("Purchases, 30 days"), &bars))],
        vec![Part::Picture(chart::bars(ask.t("Purchases today, by hour"), &by_hour))],
    ]));
    parts.push(Part::Heading(ask.t("Suppliers").to_owned()));
    parts.push(Part::Table(suppliers(console, ask, today).await?));
    frame::show_live(console, ask, ask.t("Dashboard"), parts).await
}

/// Who fails now: switches, circuit, deposit and today's figures.
async fn suppliers(console: &Inner, ask: &Ask, today: i32) -> anyhow::Result<Table> {
    let all = execute(&console.office, frame::actor(ask)?, Operation::SupplierList).await?;
    let figures = console.reports.by_key(Dimension::Supplier, today, today)?;
    let titles = [
        ask.t("Supplier"),
        ask.t("State"),
        &format!(">{}", ask.t("Deposit")),
        &format!(">{}", ask.t("Delivered")),
        &format!(">{}", ask.t("Failed")),
        &format!(">{}", ask.t("Success rate")),
        &format!(">{}", ask.t("Median")),
        ">p95",
    ];
    let mut table = Table::new(&titles, ask.t("No supplier yet."));
    for row in all.as_array().into_iter().flatten() {
        let code = row["code"].as_str().unwrap_or_default();
        let tally = figures.get(code).copied().unwrap_or_default();
        table.rows.push(vec![
            Cell::link(code, format!("/console/suppliers/{code}")),
            state(ask, row),
            row["balance"].as_i64().map_or(Cell::Nothing, Cell::Money),
            Cell::text(tally.ok),
            Cell::text(tally.failed),
            Cell::text(percent(tally.success_permille())),
            Cell::text(duration(tally.median_ms)),
            Cell::text(duration(tally.p95_ms)),
        ]);
    }
    Ok(table)
}

/// What routing thinks of a supplier.
pub(crate) fn state(ask: &Ask, row: &serde_json::Value) -> Cell {
    if row["paused"] == true {
        Cell::badge(ask.t("paused"), Tone::Quiet)
    } else if row["circuit_open"] == true {
        Cell::badge(ask.t("circuit open"), Tone::Bad)
    } else {
        Cell::badge(ask.t("working"), Tone::Good)
    }
}
