//! Product files: taken away, and brought back. Nothing is changed before it was shown.

use super::frame;
use super::products::levels;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::{Answer, download};
use crate::routes::done;
use crate::view::{Cell, Field, Input, Part, Table, Tone};
use domain::Denomination;
use office::{Import, ImportHow, Operation, execute, file_cell, read_import};
use serde_json::Value;

/// The form for a file; what was typed stays in it.
pub(crate) fn form(console: &Inner, ask: &Ask, button: &str) -> Part {
    let mut all = vec![(String::new(), ask.t("as the file says, or the first").to_owned())];
    all.extend(levels(console));
    let fields = vec![
        Field::new("level", ask.t("Level")).value(ask.given("level")).choice(all),
        Field::new("supplier", ask.t("Supplier for the routes"))
            .value(ask.given("supplier"))
            .hint(ask.t("empty: as the file says, or none")),
        Field::new("csv", ask.t("The file"))
            .value(ask.given("csv"))
            .input(Input::Area)
            .hint("kode, keterangan, produk, kategori, harga, status, supplier, cost, sku")
            .needed(),
        Field::new("skip_wrong", ask.t("Leave wrong lines out"))
            .value(ask.given("skip_wrong"))
            .input(Input::Check),
    ];
    frame::form(ask, "/console/products/import", fields, button)
}

/// What an import would do: its numbers, what is wrong, what changes, who is not named. `of` is what
/// the changes are about, and whether the plan is the one that was agreed to.
pub(super) fn looked(
    ask: &Ask,
    plan: &Value,
    facts: Vec<(String, Cell)>,
    of: (&str, bool),
) -> Vec<Part> {
    let (title, agreed) = of;
    let mut parts = Vec::new();
    if ask.typed("plan").is_some() && !agreed {
        let text = ask.t("Something was changed meanwhile. Look again.").to_owned();
        parts.push(Part::Note { text, tone: Tone::Warn });
    }
    parts.push(Part::Facts(facts));
    let list = |name: &str| plan[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let wrong = list("wrong_lines");
    if !wrong.is_empty() {
        parts.push(Part::Heading(ask.t("Wrong lines").to_owned()));
        let wrong: Vec<String> = wrong.iter().map(|line| ask.lang.told(&text(line))).collect();
        parts.push(Part::Pre(wrong.join("\n")));
    }
    parts.push(Part::Heading(ask.t("What would change").to_owned()));
    let titles = [title, ask.t("What"), ask.t("Before"), ask.t("After")];
    let mut table = Table::new(&titles, ask.t("Nothing would change."));
    for change in list("changes") {
        let cells = ["code", "what", "from", "to"];
        table.rows.push(cells.map(|name| Cell::text(text(&change[name]))).into());
    }
    parts.push(Part::Table(table));
    let beyond = plan["beyond"].as_u64().unwrap_or_default();
    if beyond > 0 {
        let text = format!("{}: {beyond}", ask.t("Further changes"));
        parts.push(Part::Note { text, tone: Tone::Warn });
    }
    let absent: Vec<String> = list("not_named").iter().map(text).collect();
    if !absent.is_empty() {
        parts.push(Part::Fold {
            title: ask.t("Not in the file, stay as they are").to_owned(),
            parts: vec![Part::Pre(absent.join(" "))],
        });
    }
    parts
}

/// First what would change; with the name of that plan, the change.
pub(crate) async fn import(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let rows = read_import("csv", ask.given("csv"))?;
    let how = |dry_run| ImportHow {
        level: ask.typed("level"),
        supplier: ask.typed("supplier"),
        dry_run,
        skip_wrong: ask.given("skip_wrong") == "true",
    };
    let actor = frame::actor(ask)?;
    let look = Operation::ProductImport(Box::new(Import { rows: rows.clone(), how: how(true) }));
    let plan = execute(&console.office, actor, look).await?;
    let number = |name: &str| plan[name].as_u64().unwrap_or_default();
    let agreed = ask.typed("plan").is_some_and(|agreed| plan["plan"] == agreed.as_str());
    let refused = number("wrong") > 0 && ask.given("skip_wrong") != "true";
    if agreed && !refused {
        let import = Operation::ProductImport(Box::new(Import { rows, how: how(false) }));
        let told = execute(&console.office, actor, import).await?;
        return done("/console/products", &format!("{}: {}", ask.t("Imported"), told["imported"]));
    }
    let facts = [
        (ask.t("New"), "new"),
        (ask.t("Changed"), "changed"),
        (ask.t("Unchanged"), "unchanged"),
        (ask.t("Not in the file, stay as they are"), "not_in_file"),
        (ask.t("Wrong lines"), "wrong"),
        (ask.t("Lines with a cost but without a supplier"), "without_supplier"),
    ];
    let facts = facts.map(|(label, name)| (label.to_owned(), Cell::text(number(name))));
    let mut parts = looked(ask, &plan, facts.into(), (ask.t("Product"), agreed));
    if !refused && (number("new") > 0 || number("changed") > 0) {
        let hidden = |name: &'static str| Field::hidden(name, ask.given(name));
        let mut fields = ["level", "supplier", "csv", "skip_wrong"].map(hidden).to_vec();
        fields.push(Field::hidden("plan", plan["plan"].as_str().unwrap_or_default()));
        let button = ask.t("Import this");
        parts.push(frame::form(ask, "/console/products/import", fields, button));
    }
    parts.push(Part::Fold {
        title: ask.t("Change the file").to_owned(),
        parts: vec![form(console, ask, ask.t("Show what would change"))],
    });
    frame::show(console, ask, ask.t("Import"), parts).await
}

/// Every price with its product and the first route, as an import takes it.
pub(crate) async fn export(console: &Inner, _: &Ask) -> anyhow::Result<Answer> {
    let catalog = console.office.handle.catalog();
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "level",
        "kode",
        "keterangan",
        "produk",
        "kategori",
        "harga",
        "status",
        "dest_rule",
        "qty_min",
        "qty_max",
        "cut_off",
        "supplier",
        "cost",
        "sku",
    ])?;
    for level in catalog.levels().keys() {
        for product in catalog.products().values() {
            let Some((_, price)) = catalog.product_at(level, &product.code) else { continue };
            let routes = catalog.routes(&product.code);
            let route = routes.first().map(|(route, _)| *route);
            let (min, max) = match product.denomination {
                Denomination::Fixed => (String::new(), String::new()),
                Denomination::Open { min, max } => (min.get().to_string(), max.get().to_string()),
            };
            let cells = [
                level.to_string(),
                product.code.to_string(),
                product.name.to_string(),
                product.group.clone(),
                product.category.clone(),
                price.amount.get().to_string(),
                if product.open { "1" } else { "0" }.to_owned(),
                product.dest_rule.to_string(),
                min,
                max,
                product.cut_off.map_or_else(String::new, |window| window.to_string()),
                route.map_or_else(String::new, |route| route.supplier.to_string()),
                route.map_or_else(String::new, |route| route.cost.get().to_string()),
                route.map_or_else(String::new, |route| route.sku.to_string()),
            ];
            csv.write_record(cells.iter().map(|text| file_cell(text)))?;
        }
    }
    let bytes = csv.into_inner().map_err(|error| anyhow::anyhow!(error.to_string()))?;
    Ok(download("text/csv; charset=utf-8", "products.csv", bytes))
}
