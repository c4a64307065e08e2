//! Suppliers: who sells to us, whether it works, and what its words mean.

use super::dashboard::state;
use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::{date, days_ago, duration, percent};
use crate::view::{Cell, Field, Form, Input, Part, Table, Tile, Tone, rupiah};
use office::{Operation, Permission, Problem, SupplierAdd, SupplierExplain, SupplierSet, execute};
use reports::Dimension;
use serde_json::Value;

pub(crate) async fn list(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let rows = execute(&console.office, actor, Operation::SupplierList).await?;
    let today = days_ago(console, 0);
    let week = console.reports.by_key(Dimension::Supplier, days_ago(console, 6), today)?;
    let titles = [
        ask.t("Supplier"),
        ask.t("Name"),
        ask.t("Connector"),
        ask.t("State"),
        &format!(">{}", ask.t("Deposit")),
        &format!(">{}", ask.t("Delivered, 7 days")),
        &format!(">{}", ask.t("Success rate")),
        &format!(">{}", ask.t("Median")),
    ];
    let mut table = Table::new(&titles, ask.t("No supplier yet."));
    for row in rows.as_array().into_iter().flatten() {
        let code = row["code"].as_str().unwrap_or_default();
        let tally = week.get(code).copied().unwrap_or_default();
        table.rows.push(vec![
            Cell::link(code, format!("/console/suppliers/{code}")),
            Cell::maybe(row["name"].as_str()),
            Cell::maybe(row["connector"].as_str()),
            state(ask, row),
            row["balance"].as_i64().map_or(Cell::Nothing, Cell::Money),
            Cell::text(tally.ok),
            Cell::text(percent(tally.success_permille())),
            Cell::text(duration(tally.median_ms)),
        ]);
    }
    let mut parts = vec![Part::Table(table)];
    if actor.role.may(Permission::ManageSuppliers) {
        parts.push(Part::Fold {
            title: ask.t("New supplier, or new settings").to_owned(),
            parts: vec![Part::Form(Form {
                action: "/console/suppliers".to_owned(),
                fields: vec![
                    Field::new("code", ask.t("Code")).needed().hint("pusat"),
                    Field::new("name", ask.t("Name")),
                    Field::new("settings", ask.t("Settings (TOML)"))
                        .input(Input::Area)
                        .hint("config/suppliers/*.example.toml")
                        .needed(),
                ],
                button: ask.t("Save").to_owned(),
                form_key: frame::key(ask),
                ..Form::default()
            })],
        });
    }
    frame::show_live(console, ask, ask.t("Suppliers"), parts).await
}

pub(crate) async fn add(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = ask.given("code").trim().to_owned();
    let add = SupplierAdd {
        code: code.clone(),
        name: ask.typed("name"),
        settings: ask.given("settings").to_owned(),
    };
    execute(&console.office, frame::actor(ask)?, Operation::SupplierAdd(Box::new(add))).await?;
    done(&format!("/console/suppliers/{code}"), ask.t("Saved."))
}

async fn row(console: &Inner, ask: &Ask) -> anyhow::Result<Value> {
    let rows = execute(&console.office, frame::actor(ask)?, Operation::SupplierList).await?;
    let found = rows.as_array().into_iter().flatten().find(|row| row["code"] == ask.part(0));
    Ok(found.cloned().ok_or_else(|| Problem::missing("there is no such supplier"))?)
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    page(console, ask, None).await
}

async fn page(console: &Inner, ask: &Ask, explained: Option<String>) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let row = row(console, ask).await?;
    let code = ask.part(0);
    let today = days_ago(console, 0);
    let of = Some((Dimension::Supplier, code));
    let days = console.reports.by_day(days_ago(console, 13), today, of)?;
    let speeds = console.reports.by_key(Dimension::Supplier, days_ago(console, 6), today)?;
    let speed = speeds.get(code).copied().unwrap_or_default();
    let tile =
        |label: &str, value: String| Tile { label: label.to_owned(), value, ..Tile::default() };
    let deposit = row["balance"].as_i64().map_or_else(|| "–".to_owned(), rupiah);
    let mut parts = vec![
        Part::Tabs(vec![(
            ask.t("Transactions").to_owned(),
            format!("/console/trx?supplier={code}"),
            false,
        )]),
        Part::Tiles(vec![
            tile(ask.t("Deposit"), deposit),
            tile(ask.t("Success, 7 days"), percent(speed.success_permille())),
            tile(ask.t("Median, 7 days"), duration(speed.median_ms)),
            tile("p95", duration(speed.p95_ms)),
        ]),
        Part::Facts(vec![
            (ask.t("State").to_owned(), state(ask, &row)),
            (ask.t("Connector").to_owned(), Cell::maybe(row["connector"].as_str())),
            (ask.t("First question after").to_owned(), ms(&row["check_after_ms"])),
            (ask.t("A person is told after").to_owned(), ms(&row["suspect_after_ms"])),
        ]),
    ];
    if let Some(costs) = row["costs_not_as_expected"].as_str().filter(|costs| !costs.is_empty()) {
        let text = format!("{}: {costs}", ask.t("Costs that are not as the routes say"));
        parts.push(Part::Note { text, tone: Tone::Bad });
    }
    if actor.role.may(Permission::ManageSuppliers) {
        let paused = row["paused"] == true;
        let button = if paused { ask.t("Let it work") } else { ask.t("Pause") };
        parts.push(Part::Form(Form {
            action: format!("/console/suppliers/{code}"),
            fields: vec![Field::hidden("paused", !paused)],
            button: button.to_owned(),
            tone: if paused { Tone::Plain } else { Tone::Bad },
            form_key: frame::key(ask),
            ..Form::default()
        }));
        parts.push(Part::Form(Form {
            action: format!("/console/suppliers/{code}/sync"),
            fields: vec![
                Field::new("dry_run", ask.t("Only show what would change"))
                    .value("true")
                    .input(Input::Check),
            ],
            button: ask.t("Read its price list").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }));
    }
    parts.push(Part::Heading(ask.t("What does this reply mean?").to_owned()));
    let where_said =
        ["reply", "check", "callback", "balance"].map(|w| (w.to_owned(), w.to_owned()));
    parts.push(Part::Form(Form {
        action: format!("/console/suppliers/{code}/explain"),
        fields: vec![
            Field::new("on", ask.t("Where it was said")).value(ask.given("on")).choice(where_said),
            Field::new("text", ask.t("Its words"))
                .value(ask.given("text"))
                .input(Input::Area)
                .needed(),
            Field::new("sku", "SKU").value(ask.given("sku")),
            Field::new("dest", ask.t("Destination")).value(ask.given("dest")),
            Field::new("ref", "R#").value(ask.given("ref")),
        ],
        button: ask.t("Explain").to_owned(),
        form_key: frame::key(ask),
        ..Form::default()
    }));
    if let Some(text) = explained {
        parts.push(Part::Pre(text));
    }
    let titles = [
        ask.t("Day"),
        &format!(">{}", ask.t("Delivered")),
        &format!(">{}", ask.t("Failed")),
        &format!(">{}", ask.t("Success rate")),
        &format!(">{}", ask.t("Cost")),
    ];
    let mut table = Table::new(&titles, ask.t("Nothing was bought there yet."));
    for (day, tally) in days.iter().rev() {
        table.rows.push(vec![
            Cell::text(date(*day)),
            Cell::text(tally.ok),
            Cell::text(tally.failed),
            Cell::text(percent(tally.success_permille())),
            Cell::Money(tally.cost),
        ]);
    }
    parts.extend([Part::Heading(ask.t("By day").to_owned()), Part::Table(table)]);
    let title = format!("{code} · {}", row["name"].as_str().unwrap_or_default());
    frame::show(console, ask, &title, parts).await
}

fn ms(value: &Value) -> Cell {
    Cell::text(duration(value.as_i64()))
}

pub(crate) async fn change(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let set = SupplierSet {
        code: ask.part(0).to_owned(),
        paused: ask.typed("paused").map(|word| word == "true"),
        ..SupplierSet::default()
    };
    execute(&console.office, frame::actor(ask)?, Operation::SupplierSet(Box::new(set))).await?;
    done(&format!("/console/suppliers/{}", ask.part(0)), ask.t("Saved."))
}

pub(crate) async fn sync(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (code, dry_run) = (ask.part(0).to_owned(), ask.given("dry_run") == "true");
    let sync = Operation::SupplierSync { code: code.clone(), dry_run };
    let told = execute(&console.office, frame::actor(ask)?, sync).await?;
    let mut table = Table::new(
        &[ask.t("Product"), "SKU", ask.t("Change"), ask.t("Done")],
        ask.t("Everything fits already."),
    );
    for change in told["changes"].as_array().into_iter().flatten() {
        table.rows.push(vec![
            Cell::maybe(change["product"].as_str()),
            Cell::maybe(change["sku"].as_str()),
            Cell::maybe(change["change"].as_str()),
            Cell::text(if change["done"] == true { ask.t("yes") } else { ask.t("no") }),
        ]);
    }
    let mut odd = Table::new(&[ask.t("Rows not understood")], "–");
    for row in told["odd"].as_array().into_iter().flatten() {
        odd.rows.push(vec![Cell::maybe(row.as_str())]);
    }
    let mut parts = vec![
        Part::Facts(vec![
            (ask.t("In their list").to_owned(), Cell::text(&told["listed"])),
            (ask.t("Routes there").to_owned(), Cell::text(&told["routes"])),
        ]),
        Part::Table(table),
        Part::Facts(vec![(
            String::new(),
            Cell::link(code.clone(), format!("/console/suppliers/{code}")),
        )]),
    ];
    if !odd.rows.is_empty() {
        parts.insert(2, Part::Table(odd));
    }
    frame::show(console, ask, &format!("{} · {code}", ask.t("Price list")), parts).await
}

pub(crate) async fn explain(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let given = |name: &str| Some(ask.given(name).to_owned()).filter(|text| !text.is_empty());
    let explain = Operation::SupplierExplain(Box::new(SupplierExplain {
        code: ask.part(0).to_owned(),
        text: ask.given("text").to_owned(),
        on: ask.given("on").to_owned(),
        sku: given("sku"),
        dest: given("dest"),
        reference: given("ref"),
        status: None,
    }));
    let told = execute(&console.office, frame::actor(ask)?, explain).await?;
    page(console, ask, Some(serde_json::to_string_pretty(&told)?)).await
}
