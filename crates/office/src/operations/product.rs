//! Products and prices: import, list, show, set.

use crate::act::Act;
use crate::plug::Office;
use anyhow::{Context as _, bail};
use domain::{Denomination, DestRule, Price, Product, RouteRow, Strategy};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{CatalogChange, Level};
use types::{LevelCode, ProductCode, ProductName, Qty, Rupiah, Sku, SupplierCode};

/// One line of an import; the first six are the price list's own keys.
#[allow(missing_docs)]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// Line of the file, for errors.
    #[serde(default)]
    pub line: usize,
    pub kode: String,
    pub keterangan: String,
    #[serde(default)]
    pub produk: String,
    #[serde(default)]
    pub kategori: String,
    pub harga: String,
    #[serde(default)]
    pub status: String,
    /// `any`, `any+#/space`, `phone`, `digits:11-12`. Empty: the rule that a product of this code has,
    /// and `phone` where the category sells to mobile numbers.
    #[serde(default)]
    pub dest_rule: String,
    /// Both make it an open denomination.
    #[serde(default)]
    pub qty_min: String,
    #[serde(default)]
    pub qty_max: String,
    /// `23:00-01:00`.
    #[serde(default)]
    pub cut_off: String,
    /// Cost at the supplier, when a route is made.
    #[serde(default)]
    pub cost: String,
    /// Its name there; the code in lower case otherwise.
    #[serde(default)]
    pub sku: String,
}

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

/// Category whose products are open denominations in the trade's own lists.
const OPEN_CATEGORY: &str = "NOMINAL BEBAS";

fn first_level(office: &Office, level: Option<String>) -> anyhow::Result<LevelCode> {
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

fn qty(text: &str) -> anyhow::Result<Option<Qty>> {
    if text.is_empty() {
        return Ok(None);
    }
    let amount: Rupiah = text.parse()?;
    let number = u32::try_from(amount.get()).ok().and_then(Qty::new);
    Ok(Some(number.with_context(|| format!("`{text}` is not a nominal"))?))
}

/// Words of a category that is sold to mobile numbers, and those that tell another kind.
const MOBILE: [&str; 9] =
    ["pulsa", "kuota", "data", "sms", "nelpon", "telpon", "telepon", "masa", "roaming"];
const NOT_MOBILE: [&str; 9] =
    ["voucher", "perdana", "aktivasi", "listrik", "pln", "pascabayar", "tagihan", "rumah", "cek"];

/// True for categories like `PULSA`, `KUOTA TELKOMSEL`, `PAKET DATA`, `PAKET SMS TELPON`.
fn is_mobile(category: &str) -> bool {
    let slug = wire::slug(category);
    let has = |words: &[&str]| {
        slug.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| words.contains(&w))
    };
    let packages = has(&["paket"]) && has(&["internet"]);
    (has(&MOBILE) || packages) && !has(&NOT_MOBILE)
}

fn dest_rule(row: &ImportRow, known: Option<&Product>) -> anyhow::Result<DestRule> {
    if !row.dest_rule.trim().is_empty() {
        return Ok(row.dest_rule.parse()?);
    }
    let kept = known.map(|product| product.dest_rule).filter(|rule| *rule != DestRule::Any);
    let usual = if is_mobile(&row.kategori) { DestRule::Phone } else { DestRule::Any };
    Ok(kept.unwrap_or(usual))
}

fn read(row: &ImportRow, known: Option<&Product>) -> anyhow::Result<(Product, Price)> {
    let default = (Qty::new(10_000), Qty::new(10_000_000));
    let (min, max) = match (qty(&row.qty_min)?, qty(&row.qty_max)?) {
        (None, None) if row.kategori.eq_ignore_ascii_case(OPEN_CATEGORY) => default,
        both => both,
    };
    let denomination = match (min, max) {
        (Some(min), Some(max)) if min <= max => Denomination::Open { min, max },
        (None, None) => Denomination::Fixed,
        (Some(_) | None, Some(_) | None) => {
            bail!("qty_min and qty_max must both be there, the first not above the second")
        }
    };
    let open = match row.status.trim() {
        "" | "1" => true,
        "0" => false,
        other => bail!("status `{other}`: write 1 (open) or 0 (closed)"),
    };
    let amount: Rupiah = row.harga.trim().parse()?;
    let cut_off = row.cut_off.trim();
    let product = Product {
        code: ProductCode::parse(&row.kode)?,
        name: ProductName::parse(&row.keterangan)?,
        group: row.produk.trim().to_owned(),
        category: row.kategori.trim().to_owned(),
        denomination,
        dest_rule: dest_rule(row, known)?,
        // A negative price is the commission of a bill; bills are not sold.
        open: open && !amount.is_negative(),
        strategy: Strategy::default(),
        cut_off: if cut_off.is_empty() { None } else { Some(cut_off.parse()?) },
    };
    Ok((product, Price { amount, basis_points: 0 }))
}

/// All rows or none; every bad line is named.
pub(super) async fn import(
    office: &Office,
    act: &Act<'_>,
    rows: Vec<ImportRow>,
    level: Option<String>,
    supplier: Option<String>,
) -> anyhow::Result<Value> {
    let level = first_level(office, level)?;
    let supplier = supplier.map(|code| SupplierCode::parse(&code)).transpose()?;
    if let Some(code) = &supplier
        && !office.handle.catalog().suppliers().contains_key(code)
    {
        bail!("there is no supplier {code}");
    }
    let catalog = office.handle.catalog();
    let mut changes = Vec::new();
    let mut wrong = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for row in &rows {
        let known = ProductCode::parse(&row.kode).ok();
        let known = known.and_then(|code| catalog.products().get(&code));
        match read(row, known).and_then(|(product, price)| {
            if let Some(first) = seen.insert(product.code.clone(), row.line) {
                bail!("{} stands in line {first} already", product.code);
            }
            if let Some(supplier) = &supplier {
                let sku = if row.sku.is_empty() {
                    row.kode.to_ascii_lowercase()
                } else {
                    row.sku.clone()
                };
                let cost = if row.cost.is_empty() { price.amount } else { row.cost.parse()? };
                let (product, sku) = (product.code.clone(), Sku::parse(&sku)?);
                let route = RouteRow::new(product, supplier.clone(), sku, cost);
                changes.push(CatalogChange::Route(route));
            }
            changes.push(CatalogChange::Price {
                level: level.clone(),
                product: product.code.clone(),
                price,
            });
            changes.push(CatalogChange::Product(product));
            Ok(())
        }) {
            Ok(()) => {}
            Err(error) => wrong.push(format!("line {}: {error:#}", row.line)),
        }
    }
    if !wrong.is_empty() {
        let count = wrong.len();
        wrong.truncate(20);
        bail!(
            "{count} of {} lines are wrong; nothing was imported\n{}",
            rows.len(),
            wrong.join("\n")
        );
    }
    office.change(act, changes).await?;
    Ok(json!({"imported": rows.len(), "level": level.as_str()}))
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
        None => crate::papers::secret(8)?,
    };
    let name = if name.trim().is_empty() { code.to_string() } else { name.trim().to_owned() };
    let answer = json!({"code": code.as_str(), "name": name, "list_id": list_id});
    office.change(act, vec![CatalogChange::Level(Level { code, name, list_id })]).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_categories_sell_to_phones() {
        for (category, phone) in [
            ("PULSA", true),
            ("Pulsa Transfer", true),
            ("KUOTA TELKOMSEL", true),
            ("DATA-AXIS", true),
            ("PAKET SMS & TELPON", true),
            ("Paket Internet", true),
            ("INTERNET", false),
            ("VOUCHER DATA", false),
            ("KARTU PERDANA DATA", false),
            ("PULSA LISTRIK", false),
            ("TOKEN PLN", false),
            ("TELEPON RUMAH", false),
            ("TELPON PASCABAYAR", false),
            ("DATABASE", false),
            ("DIGITAL", false),
            ("", false),
        ] {
            assert_eq!(is_mobile(category), phone, "{category}");
        }
    }
}
