//! Products and prices: list, show, set.

use crate::act::Act;
use crate::plug::Office;
use anyhow::{Context as _, bail};
use domain::{Denomination, Price, Product};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{CatalogChange, Level};
use types::{LevelCode, ProductCode, ProductName};

/// Only what is given changes.
#[allow(missing_docs)]
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct ProductSet {
    /// Product code.
    pub code: String,
    /// Name that members see.
    #[arg(long)]
    pub name: Option<String>,
    /// false closes it: "Produk sedang gangguan".
    #[arg(long)]
    pub open: Option<bool>,
    /// Daily window without sales, HH:MM-HH:MM; "" for none.
    #[arg(long)]
    pub cut_off: Option<String>,
    /// phone (every spelling of a mobile number), digits:MIN-MAX, any (the wire's characters), or any+
    /// and which of # / , : space it may hold besides.
    #[arg(long)]
    pub dest_rule: Option<String>,
    /// Selling price (the fee of an open denomination) at the level.
    #[arg(long, allow_hyphen_values = true)]
    pub price: Option<String>,
    /// Hundredths of a percent of the nominal on top of the fee (open denomination).
    #[arg(long)]
    pub basis_points: Option<i64>,
    /// Price level; the first one otherwise.
    #[arg(long)]
    pub level: Option<String>,
    /// How routes are ordered: priority, cheapest or weighted.
    #[arg(long)]
    pub strategy: Option<String>,
    /// Group, `produk` of the price list.
    #[arg(long)]
    pub group: Option<String>,
    /// Category, `kategori` of the price list.
    #[arg(long)]
    pub category: Option<String>,
    /// Why, as members are told in their feed.
    #[arg(long)]
    pub reason: Option<String>,
}

pub(super) fn first_level(office: &Office, level: Option<String>) -> anyhow::Result<LevelCode> {
    let catalog = office.handle.catalog();
    match level {
        None => catalog.levels().keys().next().cloned().context("there is no price level yet"),
        Some(name) => {
            let code = LevelCode::parse(&name)?;
            if catalog.levels().contains_key(&code) {
                Ok(code)
            } else {
                bail!("there is no price level {code}")
            }
        }
    }
}

fn row(office: &Office, product: &Product) -> Value {
    let catalog = office.handle.catalog();
    let prices: serde_json::Map<String, Value> = catalog
        .levels()
        .keys()
        .filter_map(|level| {
            let (_, price) = catalog.product_at(level, &product.code)?;
            Some((level.to_string(), json!(price.amount.get())))
        })
        .collect();
    let routes: Vec<String> = catalog
        .routes(&product.code)
        .into_iter()
        .filter(|(route, supplier)| route.enabled && !supplier.paused)
        .map(|(route, _)| format!("{}:{} {}", route.supplier, route.sku, route.cost))
        .collect();
    let range = match product.denomination {
        Denomination::Fixed => Value::Null,
        Denomination::Open { min, max } => json!([min.get(), max.get()]),
    };
    json!({
        "code": product.code.as_str(), "name": product.name.as_str(), "group": product.group,
        "category": product.category, "open": product.open, "dest_rule": product.dest_rule.to_string(),
        "cut_off": product.cut_off.map(|window| window.to_string()), "qty_range": range,
        "strategy": product.strategy.word(),
        "prices": prices, "routes": routes,
    })
}

pub(super) fn list(office: &Office, filter: Option<&str>) -> Value {
    let wanted = filter.unwrap_or_default().to_lowercase();
    let catalog = office.handle.catalog();
    let rows = catalog.products().values().filter(|product| {
        [product.code.as_str(), product.name.as_str(), &product.group, &product.category]
            .iter()
            .any(|text| text.to_lowercase().contains(&wanted))
    });
    Value::Array(rows.map(|product| row(office, product)).collect())
}

fn find(office: &Office, code: &str) -> anyhow::Result<Product> {
    let code = ProductCode::parse(code)?;
    let catalog = office.handle.catalog();
    catalog
        .products()
        .get(&code)
        .cloned()
        .with_context(|| format!("there is no product {code}; `gerbang product list` shows all"))
}

pub(super) fn show(office: &Office, code: &str) -> anyhow::Result<Value> {
    Ok(row(office, &find(office, code)?))
}

pub(super) async fn set(office: &Office, act: &Act<'_>, set: ProductSet) -> anyhow::Result<Value> {
    let mut product = find(office, &set.code)?;
    let level = first_level(office, set.level)?;
    if let Some(name) = &set.name {
        product.name = ProductName::parse(name)?;
    }
    if let Some(group) = set.group {
        product.group = group;
    }
    if let Some(category) = set.category {
        product.category = category;
    }
    if let Some(open) = set.open {
        product.open = open;
    }
    if let Some(window) = &set.cut_off {
        product.cut_off = if window.is_empty() { None } else { Some(window.parse()?) };
    }
    if let Some(rule) = &set.dest_rule {
        product.dest_rule = rule.parse()?;
    }
    if let Some(strategy) = &set.strategy {
        product.strategy = strategy.parse()?;
    }
    let mut changes = Vec::new();
    if set.price.is_some() || set.basis_points.is_some() {
        let catalog = office.handle.catalog();
        let old = catalog.product_at(&level, &product.code).map(|(_, price)| price);
        let amount = match (&set.price, old) {
            (Some(text), _) => text.parse()?,
            (None, Some(old)) => old.amount,
            (None, None) => bail!("{} has no price at {level} yet; give --price", product.code),
        };
        let old_points = old.map_or(0, |old| old.basis_points);
        let basis_points = set.basis_points.unwrap_or(old_points);
        changes.push(CatalogChange::Price {
            level,
            product: product.code.clone(),
            price: Price { amount, basis_points },
        });
    }
    changes.push(CatalogChange::Product(product));
    let why = set.reason.unwrap_or_default();
    office.change_because(act, changes, Vec::new(), why.trim()).await?;
    show(office, &set.code)
}

pub(super) fn prices(office: &Office, level: Option<String>) -> anyhow::Result<Value> {
    let level = first_level(office, level)?;
    let catalog = office.handle.catalog();
    Ok(serde_json::to_value(catalog.price_list(engine::PriceListOf::Level(&level), &[]))?)
}

/// Makes a price level, or renames one. A new one has no prices yet, and a list id of its own.
pub(super) async fn level(
    office: &Office,
    act: &Act<'_>,
    code: &str,
    name: &str,
) -> anyhow::Result<Value> {
    let code = LevelCode::parse(code)?;
    let catalog = office.handle.catalog();
    let list_id = match catalog.levels().get(&code) {
        Some(known) => known.list_id.clone(),
        None => crate::papers::secret::<8>()?,
    };
    let name = if name.trim().is_empty() { code.to_string() } else { name.trim().to_owned() };
    let answer = json!({"code": code.as_str(), "name": name, "list_id": list_id});
    office.change(act, vec![CatalogChange::Level(Level { code, name, list_id })]).await?;
    Ok(answer)
}
