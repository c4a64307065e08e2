//! Products and prices: one by one, many at once, as a file.

use super::{frame, import, news};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::view::{Cell, Field, Form, Input, Part, Table, Tone};
use office::{Operation, Permission, Problem, ProductSet, RouteSet, execute};
use serde_json::Value;

pub(crate) async fn list(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let filter = ask.asked("q").map(str::to_owned);
    let rows = execute(&console.office, actor, Operation::ProductList { filter }).await?;
    let catalog = console.office.handle.catalog();
    let levels: Vec<String> = catalog.levels().keys().map(ToString::to_string).collect();
    let mut titles = vec![
        ask.t("Product").to_owned(),
        ask.t("Name").to_owned(),
        ask.t("Group").to_owned(),
        ask.t("State").to_owned(),
    ];
    titles.extend(levels.iter().map(|level| format!(">{level}")));
    titles.extend([format!(">{}", ask.t("Cost")), format!(">{}", ask.t("Margin"))]);
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut table = Table::new(&titles, ask.t("Nothing found."));
    for row in rows.as_array().into_iter().flatten().take(1_000) {
        let code = row["code"].as_str().unwrap_or_default();
        let product = types::ProductCode::parse(code)?;
        let routes = catalog.routes(&product);
        let cost = routes
            .iter()
            .filter(|(route, supplier)| route.enabled && !supplier.paused)
            .map(|(route, _)| route.cost.get())
            .min();
        let mut cells = vec![
            Cell::link(code, format!("/console/products/{code}")),
            Cell::maybe(row["name"].as_str()),
            Cell::maybe(row["group"].as_str()),
            open(ask, row),
        ];
        let mut least = None;
        for level in &levels {
            let price = row["prices"][level].as_i64();
            least = [least, price].into_iter().flatten().min();
            cells.push(price.map_or(Cell::Nothing, Cell::Money));
        }
        cells.push(cost.map_or(Cell::badge(ask.t("no route"), Tone::Warn), Cell::Money));
        cells.push(match (least, cost) {
            (Some(price), Some(cost)) => Cell::Money(price.saturating_sub(cost)),
            (Some(_) | None, _) => Cell::Nothing,
        });
        table.rows.push(cells);
    }
    let search = Form {
        action: "/console/products".to_owned(),
        fields: vec![
            Field::new("q", ask.t("Code, name, group or category"))
                .value(ask.asked("q").unwrap_or_default()),
        ],
        button: ask.t("Search").to_owned(),
        get: true,
        ..Form::default()
    };
    let mut parts = vec![
        Part::Form(search),
        Part::Tabs(vec![(
            ask.t("Download CSV").to_owned(),
            "/console/products.csv".to_owned(),
            false,
        )]),
    ];
    if actor.role.may(Permission::ManageCatalog) {
        parts.push(Part::Fold {
            title: ask.t("Change many, import").to_owned(),
            parts: many(console, ask),
        });
    }
    parts.push(Part::Table(table));
    frame::show(console, ask, ask.t("Products"), parts).await
}

fn open(ask: &Ask, row: &Value) -> Cell {
    if row["open"] == true {
        Cell::badge(ask.t("open"), Tone::Good)
    } else {
        Cell::badge(ask.t("closed"), Tone::Bad)
    }
}

pub(super) fn levels(console: &Inner) -> Vec<(String, String)> {
    let catalog = console.office.handle.catalog();
    catalog.levels().values().map(|level| (level.code.to_string(), level.name.clone())).collect()
}

fn many(console: &Inner, ask: &Ask) -> Vec<Part> {
    let form = |action: &str, fields, button: &str| frame::form(ask, action, fields, button);
    let level = || Field::new("level", ask.t("Level")).choice(levels(console));
    let filter = Field::new("q", ask.t("Which (code, name, group or category)"))
        .value(ask.asked("q").unwrap_or_default())
        .needed();
    let switch = [("", ""), ("true", ask.t("open")), ("false", ask.t("close"))];
    let bulk = vec![
        filter,
        level(),
        Field::new("add", ask.t("Add to the price"))
            .input(Input::Number)
            .hint(ask.t("rupiah; negative to lower")),
        Field::new("open", ask.t("Open or close"))
            .choice(switch.map(|(value, text)| (value.to_owned(), text.to_owned()))),
        Field::new("reason", ask.t("Why")).hint(ask.t("members read it in their feed")),
    ];
    let new_level = vec![
        Field::new("code", ask.t("Code")).needed().hint("grosir"),
        Field::new("name", ask.t("Name")).needed(),
    ];
    vec![
        Part::Heading(ask.t("Change many").to_owned()),
        form("/console/products/bulk", bulk, ask.t("Change")),
        Part::Heading(ask.t("Import").to_owned()),
        import::form(console, ask, ask.t("Show what would change")),
        Part::Heading(ask.t("New price level").to_owned()),
        form("/console/levels", new_level, ask.t("Create")),
    ]
}

pub(crate) async fn level(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (code, name) = (ask.given("code").trim().to_owned(), ask.given("name").trim().to_owned());
    let set = Operation::LevelSet { code, name };
    execute(&console.office, frame::actor(ask)?, set).await?;
    done("/console/products", ask.t("Saved."))
}

pub(crate) async fn bulk(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let filter = ask.typed("q");
    if filter.is_none() {
        return Err(Problem::asked("which", ask.t("Say which products.")).into());
    }
    let add: Option<types::Rupiah> = ask.typed("add").map(|text| text.parse()).transpose()?;
    let open = ask.typed("open").map(|word| word == "true");
    let level = ask.typed("level");
    let rows = execute(&console.office, actor, Operation::ProductList { filter }).await?;
    let mut count = 0;
    for row in rows.as_array().into_iter().flatten() {
        let code = row["code"].as_str().unwrap_or_default().to_owned();
        let old = level.as_deref().and_then(|level| row["prices"][level].as_i64());
        let price = match (add, old) {
            (Some(add), Some(old)) => Some(types::Rupiah::new(old).plus(add)?.get().to_string()),
            (Some(_) | None, _) => None,
        };
        let (level, reason) = (level.clone(), ask.typed("reason"));
        let set = ProductSet { code, open, price, level, reason, ..ProductSet::default() };
        execute(&console.office, actor, Operation::ProductSet(Box::new(set))).await?;
        count = u64::saturating_add(count, 1);
    }
    done("/console/products", &format!("{}: {count}", ask.t("Changed")))
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let code = ask.part(0).to_ascii_uppercase();
    let row =
        execute(&console.office, actor, Operation::ProductShow { code: code.clone() }).await?;
    let product = types::ProductCode::parse(&code)?;
    let catalog = console.office.handle.catalog();
    let known = catalog.products().get(&product).ok_or_else(|| Problem::missing("no product"))?;
    let mut parts = vec![Part::Facts(vec![
        (ask.t("State").to_owned(), open(ask, &row)),
        (ask.t("Group").to_owned(), Cell::text(&known.group)),
        (ask.t("Category").to_owned(), Cell::text(&known.category)),
        (ask.t("Destination").to_owned(), Cell::text(known.dest_rule)),
        (ask.t("Order of routes").to_owned(), Cell::text(known.strategy.word())),
    ])];
    let mut prices = Table::new(&[ask.t("Level"), &format!(">{}", ask.t("Price"))], "–");
    for level in catalog.levels().keys() {
        let price = catalog.product_at(level, &product).map(|(_, price)| price.amount.get());
        prices.rows.push(vec![Cell::text(level), price.map_or(Cell::Nothing, Cell::Money)]);
    }
    parts.extend([Part::Heading(ask.t("Prices").to_owned()), Part::Table(prices)]);
    if actor.role.may(Permission::ManageCatalog) {
        let checked = if known.open { "true" } else { "" };
        parts.push(Part::Form(Form {
            action: format!("/console/products/{code}"),
            fields: vec![
                Field::new("name", ask.t("Name")).value(&known.name),
                Field::new("level", ask.t("Level")).choice(levels(console)),
                Field::new("price", ask.t("Price"))
                    .input(Input::Number)
                    .hint(ask.t("leave empty to keep the old one")),
                Field::new("cut_off", ask.t("Closed every day"))
                    .value(known.cut_off.map_or_else(String::new, |window| window.to_string()))
                    .hint("23:00-01:00"),
                Field::new("dest_rule", ask.t("Destination"))
                    .value(known.dest_rule)
                    .hint("any, phone, digits:11-12, any+#/space"),
                Field::new("strategy", ask.t("Order of routes"))
                    .value(known.strategy.word())
                    .choice(
                        domain::Strategy::ALL.map(|s| (s.word().to_owned(), s.word().to_owned())),
                    ),
                Field::new("group", ask.t("Group")).value(&known.group),
                Field::new("category", ask.t("Category")).value(&known.category),
                Field::new("reason", ask.t("Why")).hint(ask.t("members read it in their feed")),
                Field::new("open", ask.t("open")).value(checked).input(Input::Check),
            ],
            button: ask.t("Save").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }));
    }
    parts.push(Part::Heading(ask.t("Routes").to_owned()));
    parts.extend(routes(console, ask, &product, &code));
    let history = console.office.product_news(product.as_str(), 100).await?;
    parts.push(Part::Heading(ask.t("What changed").to_owned()));
    parts.push(Part::Table(news::table(console, ask, &history, false)));
    frame::show(console, ask, &format!("{code} · {}", known.name), parts).await
}

fn routes(console: &Inner, ask: &Ask, product: &types::ProductCode, code: &str) -> Vec<Part> {
    let may = ask.signed.as_ref().is_some_and(|s| s.actor.role.may(Permission::ManageSuppliers));
    let catalog = console.office.handle.catalog();
    let now = console.office.handle.now();
    let offers = catalog.offers(product, console.office.handle.health(), None, now);
    let titles = [
        ask.t("Order"),
        ask.t("Supplier"),
        "SKU",
        &format!(">{}", ask.t("Cost")),
        ask.t("State"),
        ask.t("Conditions"),
        "",
    ];
    let mut table = Table::new(&titles, ask.t("No route: nothing can be bought."));
    for offer in &offers {
        let route = offer.route;
        let state = match offer.barred {
            Some(why) => Cell::badge(why, Tone::Bad),
            None if !route.enabled => Cell::badge(ask.t("off"), Tone::Quiet),
            None if !route.stocked => Cell::badge(ask.t("not in their list"), Tone::Warn),
            None if offer.supplier.paused => Cell::badge(ask.t("paused"), Tone::Quiet),
            None => Cell::badge(ask.t("working"), Tone::Good),
        };
        let mut conditions = Vec::new();
        if let Some(hours) = route.hours {
            conditions.push(Cell::text(hours));
        }
        if !route.prefixes.is_empty() {
            conditions.push(Cell::text(route.prefixes.join(" ")));
        }
        if let Some(most) = route.daily_most {
            conditions.push(Cell::text(format!("≤ {most} / {}", ask.t("day"))));
        }
        let toggle = Form {
            action: format!("/console/products/{code}/route"),
            fields: vec![
                Field::hidden("supplier", &route.supplier),
                Field::hidden("enabled", !route.enabled),
            ],
            button: if route.enabled { ask.t("Turn off") } else { ask.t("Turn on") }.to_owned(),
            tone: Tone::Quiet,
            small: true,
            form_key: frame::key(ask),
            ..Form::default()
        };
        table.rows.push(vec![
            Cell::text(route.priority),
            Cell::link(&route.supplier, format!("/console/suppliers/{}", route.supplier)),
            Cell::code(&route.sku),
            Cell::Money(route.cost.get()),
            state,
            Cell::Many(conditions),
            if may { Cell::Do(Box::new(toggle)) } else { Cell::Nothing },
        ]);
    }
    let mut parts = vec![Part::Table(table)];
    if may {
        let suppliers = catalog.suppliers().values();
        let suppliers: Vec<_> =
            suppliers.map(|supplier| (supplier.code.to_string(), supplier.name.clone())).collect();
        parts.push(Part::Fold {
            title: ask.t("Add or change a route").to_owned(),
            parts: vec![Part::Form(Form {
                action: format!("/console/products/{code}/route"),
                fields: vec![
                    Field::new("supplier", ask.t("Supplier")).choice(suppliers),
                    Field::new("sku", "SKU"),
                    Field::new("cost", ask.t("Cost")).input(Input::Number),
                    Field::new("priority", ask.t("Order")).input(Input::Number),
                    Field::new("hours", ask.t("Hours")).hint("08:00-22:00"),
                    Field::new("prefixes", ask.t("Prefixes")).hint("0812 0813"),
                    Field::new("daily_most", ask.t("Most in a day")).input(Input::Number),
                    Field::new("remove", ask.t("Remove")).input(Input::Check),
                ],
                button: ask.t("Save").to_owned(),
                form_key: frame::key(ask),
                ..Form::default()
            })],
        });
    }
    parts
}

pub(crate) async fn change(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = ask.part(0).to_ascii_uppercase();
    let set = ProductSet {
        code: code.clone(),
        name: ask.typed("name"),
        open: Some(ask.given("open") == "true"),
        cut_off: Some(ask.given("cut_off").trim().to_owned()),
        dest_rule: ask.typed("dest_rule"),
        price: ask.typed("price"),
        level: ask.typed("level"),
        strategy: ask.typed("strategy"),
        group: ask.typed("group"),
        category: ask.typed("category"),
        reason: ask.typed("reason"),
        ..ProductSet::default()
    };
    execute(&console.office, frame::actor(ask)?, Operation::ProductSet(Box::new(set))).await?;
    done(&format!("/console/products/{code}"), ask.t("Saved."))
}

pub(crate) async fn route(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = ask.part(0).to_ascii_uppercase();
    let priority = ask.typed("priority").map(|text| text.parse()).transpose()?;
    let set = RouteSet {
        product: code.clone(),
        supplier: ask.given("supplier").to_owned(),
        sku: ask.typed("sku"),
        cost: ask.typed("cost"),
        priority,
        enabled: ask.typed("enabled").map(|word| word == "true"),
        hours: ask.typed("hours"),
        prefixes: ask.typed("prefixes"),
        daily_most: ask.typed("daily_most"),
        remove: ask.given("remove") == "true",
        ..RouteSet::default()
    };
    execute(&console.office, frame::actor(ask)?, Operation::RouteSet(Box::new(set))).await?;
    done(&format!("/console/products/{code}"), ask.t("Saved."))
}
