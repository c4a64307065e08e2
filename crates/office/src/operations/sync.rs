//! A supplier's price list, and what follows from it for routes and prices.

use crate::access::{Actor, Role, SYSTEM};
use crate::act::Act;
use crate::plug::Office;
use anyhow::{Context as _, anyhow, bail};
use domain::{Change, Listed, Planned, PriceRows, RouteRow, SyncFacts, SyncRules, plan_sync};
use engine::{Catalog, Command, Errand, Purpose};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{CatalogChange, Channel, Direction, JournalLine};
use suppliers::{PriceList, SendResult, Settings, SupplierPrice, SyncSettings};
use tokio::time::sleep;
use types::SupplierCode;

fn settings(office: &Office, code: &SupplierCode) -> anyhow::Result<SyncSettings> {
    let catalog = office.handle.catalog();
    let json = catalog
        .supplier_settings(code)
        .with_context(|| format!("there is no supplier {code} with settings"))?;
    Ok(serde_json::from_str::<Settings>(json.expose())?.sync)
}

/// One line of the journal about this supplier's list.
fn line(
    office: &Office,
    code: &SupplierCode,
    request: &str,
    reply: String,
    status: &str,
) -> JournalLine {
    JournalLine {
        at: office.handle.now().utc,
        direction: Direction::Out,
        channel: Channel::Prices,
        peer: code.to_string(),
        member: None,
        trx: None,
        request: request.to_owned(),
        reply,
        status: status.to_owned(),
        millis: 0,
        stamps: Vec::new(),
    }
}

/// Reads the list once; the exchange is in the journal whatever came.
async fn fetch(office: &Office, code: &SupplierCode) -> anyhow::Result<PriceList> {
    let port = office.port_of(code)?;
    let request = port.connector.prices().with_context(|| {
        format!("{code} has no price list to read; an okeconnect supplier needs list_id")
    })?;
    let seat = port.gate.enter(Purpose::Ask, office.handle.now().utc);
    let seat = seat.with_context(|| format!("{code} is busy with purchases; try again"))?;
    let began = Instant::now();
    let result = port.transport.send(&request).await;
    drop(seat);
    let read = match &result {
        SendResult::Replied(reply) => port.connector.read_prices(reply).map_err(|why| anyhow!(why)),
        SendResult::NotSent(why) | SendResult::Held(why) | SendResult::Unknown(why) => {
            Err(anyhow!(why.clone()))
        }
    };
    let (said, status) = match &read {
        Ok(list) if list.odd.is_empty() => (format!("{} rows", list.rows.len()), "read"),
        Ok(PriceList { rows, odd }) => {
            let told = named(odd).join("; ");
            (format!("{} rows, {} not understood: {told}", rows.len(), odd.len()), "read")
        }
        Err(why) => (format!("{why:#}"), "error"),
    };
    let millis = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let line = JournalLine { millis, ..line(office, code, &request.redacted, said, status) };
    office.handle.submit_patiently(Command::Note(Box::new(line))).await?;
    read.with_context(|| format!("the price list of {code}"))
}

/// Most rows named in one report.
const NAMED_MOST: usize = 20;

/// The rows that were not understood, as many as a report has room for.
fn named(odd: &[String]) -> Vec<String> {
    let mut told: Vec<String> = odd.iter().take(NAMED_MOST).cloned().collect();
    if let Some(more) = odd.len().checked_sub(NAMED_MOST).filter(|more| *more > 0) {
        told.push(format!("and {more} more"));
    }
    told
}

fn plan(
    catalog: &Catalog,
    code: &SupplierCode,
    rules: &SyncRules,
    listed: &PriceRows,
) -> (usize, Vec<Planned>) {
    // Lists of the text protocol have no cut-offs: their silence says nothing.
    let supplier = catalog.suppliers().get(code);
    let tells_hours = supplier.is_some_and(|supplier| supplier.connector == "digiflazz");
    let mut count = 0_usize;
    let mut plan = Vec::new();
    for product in catalog.products().values() {
        let routes: Vec<&RouteRow> =
            catalog.routes(&product.code).into_iter().map(|(route, _)| route).collect();
        let Some(route) = routes.iter().find(|route| route.supplier == *code) else { continue };
        count = count.saturating_add(1);
        let selling = catalog.levels().keys().filter_map(|level| {
            let (_, price) = catalog.product_at(level, &product.code)?;
            Some((level.clone(), price))
        });
        let found = listed.find(&route.sku);
        let facts = SyncFacts {
            product,
            route,
            others: routes.iter().copied().filter(|other| other.supplier != *code).collect(),
            selling: selling.collect(),
            listed: found.map(|(listed, _)| listed),
            times: found.map_or(0, |(_, times)| times),
            tells_hours,
        };
        plan.extend(plan_sync(rules, &facts));
    }
    (count, plan)
}

/// The plan as rows to write. A route with several changes is written once, with all of them.
fn changes(catalog: &Catalog, code: &SupplierCode, plan: &[Planned]) -> Vec<CatalogChange> {
    let mut routes: HashMap<_, RouteRow> = HashMap::new();
    let mut changes = Vec::new();
    for Planned { product, change, .. } in plan {
        let is_route = matches!(
            change,
            Change::Cost { .. } | Change::Stock { .. } | Change::Hours { .. } | Change::Shut
        );
        if is_route && !routes.contains_key(product) {
            let found = catalog.routes(product).into_iter().find(|(r, _)| r.supplier == *code);
            routes.extend(found.map(|(route, _)| (product.clone(), route.clone())));
        }
        let route = routes.get_mut(product);
        match (change, route) {
            (Change::Cost { new, .. }, Some(route)) => route.cost = *new,
            (Change::Stock { open }, Some(route)) => route.stocked = *open,
            (Change::Hours { new, .. }, Some(route)) => route.hours = *new,
            (Change::Shut, Some(route)) => route.stocked = false,
            (Change::Selling { level, new, .. }, _) => {
                if let Some((_, mut price)) = catalog.product_at(level, product) {
                    price.amount = *new;
                    let (level, product) = (level.clone(), product.clone());
                    changes.push(CatalogChange::Price { level, product, price });
                }
            }
            (Change::Close, _) => {
                if let Some(mut product) = catalog.products().get(product).cloned() {
                    product.open = false;
                    changes.push(CatalogChange::Product(product));
                }
            }
            (
                Change::Cost { .. } | Change::Stock { .. } | Change::Hours { .. } | Change::Shut,
                None,
            )
            | (
                Change::Missing
                | Change::Jump { .. }
                | Change::Nonsense { .. }
                | Change::Twice { .. },
                _,
            ) => {}
        }
    }
    changes.extend(routes.into_values().map(CatalogChange::Route));
    changes
}

/// Reads the list, says what differs, and writes it unless it is a dry run or frozen.
pub(crate) async fn sync(
    office: &Office,
    act: &Act<'_>,
    code: &str,
    dry_run: bool,
) -> anyhow::Result<Value> {
    let code = SupplierCode::parse(code)?;
    let rules = settings(office, &code)?.rules()?;
    let PriceList { rows, odd } = fetch(office, &code).await?;
    if rows.is_empty() && odd.is_empty() {
        bail!("the price list of {code} is empty; nothing was changed");
    }
    if rows.is_empty() {
        let told = named(&odd).join("; ");
        bail!("nothing in the price list of {code} is understood; nothing was changed: {told}");
    }
    let listed: PriceRows = rows
        .iter()
        .map(|row| {
            let SupplierPrice { price, open, cut_off, .. } = *row;
            (row.sku.clone(), Listed { price, open, cut_off })
        })
        .collect();
    let catalog = office.handle.catalog();
    let (routes, plan) = plan(&catalog, &code, &rules, &listed);
    let write = !dry_run && !rules.freeze;
    if write && !plan.is_empty() {
        let told = plan.iter().map(|planned| {
            let what = format!("{} ({})", planned.product, planned.sku);
            let status = if planned.change.is_left_alone() { "left" } else { "changed" };
            if planned.change == Change::Shut {
                tracing::warn!(supplier = %code, product = %planned.product,
                    "the cost jumped above the price; the route is closed");
            }
            line(office, &code, &what, planned.change.to_string(), status)
        });
        let (changes, lines) = (changes(&catalog, &code, &plan), told.collect());
        office.change_because(act, changes, lines, "").await?;
    }
    let shown = plan.iter().map(|planned| {
        json!({
            "product": planned.product.as_str(), "sku": planned.sku.as_str(),
            "change": planned.change.to_string(),
            "done": write && !planned.change.is_left_alone(),
        })
    });
    Ok(json!({
        "supplier": code.as_str(), "listed": rows.len(), "routes": routes, "written": write,
        "changes": shown.collect::<Vec<_>>(), "odd": named(&odd),
    }))
}

/// The same asked for by a person, which leaves a line also when nothing is to change.
pub(super) async fn by_hand(
    office: &Office,
    act: &Act<'_>,
    code: &str,
    dry_run: bool,
) -> anyhow::Result<Value> {
    let report = sync(office, act, code, dry_run).await?;
    let changed = report["written"] == true && report["changes"] != json!([]);
    if !changed {
        office.carry_out(act, Errand::default(), &act.told()).await?;
    }
    Ok(report)
}

/// How often the schedule is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// Reads the lists of suppliers that want it, each at its own pace, until it is aborted.
pub async fn keep_in_step(office: Arc<Office>) {
    let mut read: HashMap<SupplierCode, Instant> = HashMap::new();
    loop {
        // One node reads for all.
        if !office.handle.leads() {
            sleep(LOOK).await;
            continue;
        }
        let codes: Vec<SupplierCode> =
            office.handle.catalog().suppliers().keys().cloned().collect();
        for code in codes {
            // A supplier without settings is the sandbox; it has no list.
            let Ok(Some(minutes)) = settings(&office, &code).map(|sync| sync.every_minutes) else {
                continue;
            };
            let pause = Duration::from_secs(u64::from(minutes) * 60);
            if read.get(&code).is_some_and(|last| last.elapsed() < pause) {
                continue;
            }
            read.insert(code.clone(), Instant::now());
            let actor = Actor::person(SYSTEM, Role::Admin, "its schedule");
            let act = Act::new(&actor, "supplier sync", json!({"supplier": code.as_str()}));
            match sync(&office, &act, code.as_str(), false).await {
                Ok(report) => {
                    let changes = report["changes"].as_array().map_or(0, Vec::len);
                    tracing::info!(supplier = %code, changes, "price list read");
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(supplier = %code, error, "price list not read");
                }
            }
        }
        sleep(LOOK).await;
    }
}
