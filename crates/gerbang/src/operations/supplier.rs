//! Suppliers and routes.

use crate::assemble::House;
use anyhow::{Context as _, bail};
use domain::RouteRow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{CatalogChange, SupplierRecord};
use types::{ProductCode, Rupiah, Sku, SupplierCode};

/// Only what is given changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub(crate) struct SupplierSet {
    /// Supplier code.
    pub(crate) code: String,
    /// true: routing skips it; attempts already made are still asked about.
    #[arg(long)]
    pub(crate) paused: Option<bool>,
    /// First status check this many ms after sending.
    #[arg(long)]
    pub(crate) check_after_ms: Option<i64>,
    /// A person should look after this many ms without an answer.
    #[arg(long)]
    pub(crate) suspect_after_ms: Option<i64>,
    /// Refund at once when it reports a failure after success.
    #[arg(long)]
    pub(crate) trusted_reversal: Option<bool>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub(crate) struct RouteSet {
    /// Product code.
    pub(crate) product: String,
    /// Supplier code.
    pub(crate) supplier: String,
    /// Its name there; the code in lower case otherwise.
    #[arg(long)]
    pub(crate) sku: Option<String>,
    /// Cost there (the fee of an open denomination).
    #[arg(long)]
    pub(crate) cost: Option<String>,
    /// Lower goes first.
    #[arg(long)]
    pub(crate) priority: Option<i32>,
    /// false takes it out of routing.
    #[arg(long)]
    pub(crate) enabled: Option<bool>,
    /// May be used although it costs more than the selling price.
    #[arg(long)]
    pub(crate) allow_loss: Option<bool>,
    /// Share among the routes of a weighted product; 0 takes none.
    #[arg(long)]
    pub(crate) weight: Option<u32>,
    /// Never above this cost; "" for no limit.
    #[arg(long)]
    pub(crate) cost_most: Option<String>,
    /// Only within this window, HH:MM-HH:MM; "" for always.
    #[arg(long)]
    pub(crate) hours: Option<String>,
    /// Only for numbers that begin with these, separated by spaces or commas; "" for all.
    #[arg(long)]
    pub(crate) prefixes: Option<String>,
    /// Remove the route.
    #[arg(long)]
    pub(crate) remove: bool,
}

pub(super) fn list(house: &House) -> Value {
    let catalog = house.handle.catalog();
    let rows = catalog.suppliers().values().map(|supplier| {
        json!({
            "code": supplier.code.as_str(), "name": supplier.name,
            "connector": supplier.connector, "paused": supplier.paused,
            "check_after_ms": supplier.check_after_ms,
            "suspect_after_ms": supplier.suspect_after_ms,
            "trusted_reversal": supplier.trusted_reversal,
        })
    });
    Value::Array(rows.collect())
}

pub(super) async fn set(house: &House, set: SupplierSet) -> anyhow::Result<Value> {
    let code = SupplierCode::parse(&set.code)?;
    let rows = house.handle.reads().ask(|reads| reads.catalog()).await??;
    let found = rows.suppliers.into_iter().find(|record| record.supplier.code == code);
    let SupplierRecord { mut supplier, settings } =
        found.with_context(|| format!("there is no supplier {code}"))?;
    if let Some(paused) = set.paused {
        supplier.paused = paused;
    }
    for (given, kept) in [
        (set.check_after_ms, &mut supplier.check_after_ms),
        (set.suspect_after_ms, &mut supplier.suspect_after_ms),
    ] {
        if let Some(ms) = given {
            if ms < 100 {
                bail!("{ms} ms is too short; write at least 100");
            }
            *kept = ms;
        }
    }
    if let Some(trusted) = set.trusted_reversal {
        supplier.trusted_reversal = trusted;
    }
    house.change(vec![CatalogChange::Supplier(SupplierRecord { supplier, settings })]).await?;
    Ok(list(house))
}

pub(super) async fn route(house: &House, set: RouteSet) -> anyhow::Result<Value> {
    let product = ProductCode::parse(&set.product)?;
    let supplier = SupplierCode::parse(&set.supplier)?;
    let catalog = house.handle.catalog();
    let known = catalog.products().get(&product);
    known.with_context(|| format!("there is no product {product}"))?;
    if !catalog.suppliers().contains_key(&supplier) {
        bail!("there is no supplier {supplier}");
    }
    if set.remove {
        house.change(vec![CatalogChange::RemoveRoute { product, supplier }]).await?;
        return super::product::show(house, &set.product);
    }
    let old = catalog
        .routes(&product)
        .into_iter()
        .map(|(route, _)| route)
        .find(|route| route.supplier == supplier)
        .cloned();
    let mut route = match old {
        Some(route) => route,
        None if set.cost.is_none() => bail!("a new route needs --cost"),
        None => {
            let sku = Sku::parse(&product.as_str().to_ascii_lowercase())?;
            RouteRow::new(product, supplier, sku, Rupiah::ZERO)
        }
    };
    if let Some(sku) = &set.sku {
        route.sku = Sku::parse(sku)?;
    }
    if let Some(cost) = &set.cost {
        route.cost = cost.parse()?;
    }
    route.priority = set.priority.unwrap_or(route.priority);
    route.enabled = set.enabled.unwrap_or(route.enabled);
    route.allow_loss = set.allow_loss.unwrap_or(route.allow_loss);
    route.weight = set.weight.unwrap_or(route.weight);
    if let Some(most) = &set.cost_most {
        route.cost_most = if most.is_empty() { None } else { Some(most.parse()?) };
    }
    if let Some(hours) = &set.hours {
        route.hours = if hours.is_empty() { None } else { Some(hours.parse()?) };
    }
    if let Some(prefixes) = &set.prefixes {
        let parts = prefixes.split([' ', ',']).filter(|part| !part.is_empty());
        route.prefixes = parts.map(str::to_owned).collect();
    }
    house.change(vec![CatalogChange::Route(route)]).await?;
    super::product::show(house, &set.product)
}
