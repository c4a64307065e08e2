//! Suppliers and routes.

use crate::act::Act;
use crate::papers::secret;
use crate::plug::{Office, network};
use anyhow::{Context as _, bail};
use domain::{RouteRow, Supplier};
use engine::supplier_place;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{CatalogChange, SupplierRecord};
use suppliers::Settings;
use types::{ProductCode, Rupiah, Sku, SupplierCode};

/// Only what is given changes.
#[allow(missing_docs)]
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct SupplierSet {
    /// Supplier code.
    pub code: String,
    /// true: routing skips it; attempts already made are still asked about.
    #[arg(long)]
    pub paused: Option<bool>,
    /// First status check this many ms after sending.
    #[arg(long)]
    pub check_after_ms: Option<i64>,
    /// A person should look after this many ms without an answer.
    #[arg(long)]
    pub suspect_after_ms: Option<i64>,
    /// Refund at once when it reports a failure after success.
    #[arg(long)]
    pub trusted_reversal: Option<bool>,
}

#[allow(missing_docs)]
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct RouteSet {
    /// Product code.
    pub product: String,
    /// Supplier code.
    pub supplier: String,
    /// Its name there; the code in lower case otherwise.
    #[arg(long)]
    pub sku: Option<String>,
    /// Cost there (the fee of an open denomination).
    #[arg(long)]
    pub cost: Option<String>,
    /// Lower goes first.
    #[arg(long)]
    pub priority: Option<i32>,
    /// false takes it out of routing.
    #[arg(long)]
    pub enabled: Option<bool>,
    /// May be used although it costs more than the selling price.
    #[arg(long)]
    pub allow_loss: Option<bool>,
    /// Share among the routes of a weighted product; 0 takes none.
    #[arg(long)]
    pub weight: Option<u32>,
    /// Never above this cost; "" for no limit.
    #[arg(long)]
    pub cost_most: Option<String>,
    /// Only within this window, HH:MM-HH:MM; "" for always.
    #[arg(long)]
    pub hours: Option<String>,
    /// Only for numbers that begin with these, separated by spaces or commas; "" for all.
    #[arg(long)]
    pub prefixes: Option<String>,
    /// Most purchases in one business day; "" for no limit.
    #[arg(long)]
    pub daily_most: Option<String>,
    /// Remove the route.
    #[arg(long)]
    pub remove: bool,
}

/// A new supplier, or new settings of one.
#[allow(missing_docs)]
#[derive(Serialize, Deserialize)]
pub struct SupplierAdd {
    pub code: String,
    pub name: Option<String>,
    /// TOML, as the operator wrote it.
    pub settings: String,
}

/// First question and patience of a new supplier.
const CHECK_AFTER_MS: i64 = 15_000;
const SUSPECT_AFTER_MS: i64 = 1_800_000;

/// Adds a supplier or replaces its settings. References keep their prefix, or old attempts could
/// not be asked about any more.
pub(super) async fn add(office: &Office, act: &Act<'_>, add: SupplierAdd) -> anyhow::Result<Value> {
    let code = SupplierCode::parse(&add.code)?;
    let mut settings: Settings = toml::from_str(&add.settings).context("settings")?;
    let catalog = office.handle.catalog();
    let old: Option<Settings> = catalog
        .supplier_settings(&code)
        .map(|json| serde_json::from_str(json.expose()))
        .transpose()?;
    if let Some(prefix) = old.as_ref().and_then(Settings::prefix) {
        settings.fill_prefix(prefix);
    }
    settings.fill_prefix(&format!("g{}-", secret::<3>()?));
    if settings.callback.secret.is_empty() {
        settings.callback.secret = match old.as_ref().map(|old| &old.callback.secret) {
            Some(secret) if !secret.is_empty() => secret.clone(),
            Some(_) | None => secret::<16>()?,
        };
    }
    for net in &settings.callback.ips {
        network(net).context("[callback] ips")?;
    }
    settings.sync.rules()?;
    let (connector, made) = settings.connector()?;
    let known = catalog.suppliers().get(&code);
    if known.is_some_and(|known| known.connector != connector) {
        bail!(
            "{code} is a {} supplier; add another one instead",
            known.map_or("", |k| &k.connector)
        );
    }
    let least = made.check_limits().spacing_ms;
    let mut supplier = known.cloned().unwrap_or_else(|| Supplier {
        code: code.clone(),
        name: code.to_string(),
        connector: connector.to_owned(),
        paused: false,
        check_after_ms: CHECK_AFTER_MS,
        suspect_after_ms: SUSPECT_AFTER_MS,
        trusted_reversal: false,
        counts: false,
    });
    supplier.check_after_ms = supplier.check_after_ms.max(least);
    if let Some(name) = add.name {
        supplier.name = name;
    }
    supplier.counts = settings.counts();
    let json = serde_json::to_string(&settings)?;
    let sealed = office.key.seal(&supplier_place(&code), &json)?;
    let record = SupplierRecord { supplier, settings: Some(sealed) };
    let moves = old.is_some_and(|old| old.account() != settings.account());
    office.change_supplier(act, record, moves).await?;
    Ok(json!({
        "supplier": code.as_str(), "connector": connector,
        "callback": format!("/callback/{code}/{}", settings.callback.secret),
    }))
}

pub(super) fn list(office: &Office) -> Value {
    let catalog = office.handle.catalog();
    let rows = catalog.suppliers().values().map(|supplier| {
        let (open, deposit) = office.handle.health().of(&supplier.code);
        let costs = office.handle.health().costs_of(&supplier.code);
        let other = costs.iter().map(|(sku, old, new)| format!("{sku} {old} -> {new}"));
        json!({
            "code": supplier.code.as_str(), "name": supplier.name,
            "connector": supplier.connector, "paused": supplier.paused,
            "circuit_open": open, "balance": deposit.map(Rupiah::get),
            "check_after_ms": supplier.check_after_ms,
            "suspect_after_ms": supplier.suspect_after_ms,
            "trusted_reversal": supplier.trusted_reversal,
            "costs_not_as_expected": other.collect::<Vec<_>>().join(", "),
        })
    });
    Value::Array(rows.collect())
}

pub(super) async fn set(office: &Office, act: &Act<'_>, set: SupplierSet) -> anyhow::Result<Value> {
    let code = SupplierCode::parse(&set.code)?;
    let rows = office.handle.reads().ask(|reads| reads.catalog()).await??;
    let found = rows.suppliers.into_iter().find(|record| record.supplier.code == code);
    let SupplierRecord { mut supplier, settings } =
        found.with_context(|| format!("there is no supplier {code}"))?;
    if let Some(paused) = set.paused {
        supplier.paused = paused;
    }
    let port = office.suppliers.get(&code);
    let least = port.map_or(0, |port| port.connector.check_limits().spacing_ms).max(100);
    for (given, kept) in [
        (set.check_after_ms, &mut supplier.check_after_ms),
        (set.suspect_after_ms, &mut supplier.suspect_after_ms),
    ] {
        if let Some(ms) = given {
            if ms < least {
                bail!("{ms} ms is too short for this supplier; write at least {least}");
            }
            *kept = ms;
        }
    }
    if let Some(trusted) = set.trusted_reversal {
        supplier.trusted_reversal = trusted;
    }
    let record = SupplierRecord { supplier, settings };
    office.change(act, vec![CatalogChange::Supplier(record)]).await?;
    Ok(list(office))
}

pub(super) async fn route(office: &Office, act: &Act<'_>, set: RouteSet) -> anyhow::Result<Value> {
    let product = ProductCode::parse(&set.product)?;
    let supplier = SupplierCode::parse(&set.supplier)?;
    let catalog = office.handle.catalog();
    let known = catalog.products().get(&product);
    known.with_context(|| format!("there is no product {product}"))?;
    if !catalog.suppliers().contains_key(&supplier) {
        bail!("there is no supplier {supplier}");
    }
    if set.remove {
        office.change(act, vec![CatalogChange::RemoveRoute { product, supplier }]).await?;
        return super::product::show(office, &set.product);
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
    if let Some(most) = &set.daily_most {
        route.daily_most = if most.is_empty() {
            None
        } else {
            Some(most.parse().with_context(|| format!("--daily-most `{most}` is not a number"))?)
        };
    }
    if let Some(prefixes) = &set.prefixes {
        let parts = prefixes.split([' ', ',']).filter(|part| !part.is_empty());
        route.prefixes = parts.map(str::to_owned).collect();
    }
    office.change(act, vec![CatalogChange::Route(route)]).await?;
    super::product::show(office, &set.product)
}
