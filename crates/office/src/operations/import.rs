//! Product files: what a file names is changed, and nothing else. First a plan, which can be looked at;
//! then all of it in one commit, or nothing.

use super::product::first_level;
use crate::act::Act;
use crate::columns::is_on;
use crate::papers::digest;
use crate::plug::Office;
use anyhow::{Context as _, bail};
use domain::{Denomination, DestRule, Price, Product, RouteRow, Strategy};
use engine::Catalog;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::CatalogChange;
use types::{LevelCode, ProductCode, ProductName, Qty, Rupiah, Sku, SupplierCode};

/// Most changes, wrong lines and names that are told one by one; the rest is counted.
const TOLD_MOST: usize = 500;
const WRONG_MOST: usize = 20;

/// One line of an import; the first six after its number are the price list's own keys. An empty field
/// leaves what there is as it is.
#[allow(missing_docs)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportRow {
    /// Line of the file, for errors.
    pub line: usize,
    pub kode: String,
    /// Name that members see; a new product needs it.
    pub keterangan: String,
    pub produk: String,
    pub kategori: String,
    /// Price at the level; a new product needs it.
    pub harga: String,
    /// 1 (open) or 0 (closed); a new product is open.
    pub status: String,
    /// `any`, `any+#/space`, `phone`, `digits:11-12`. A new product has `phone` where its category sells
    /// to mobile numbers, and `any` otherwise.
    pub dest_rule: String,
    /// Both make a new product an open denomination.
    pub qty_min: String,
    pub qty_max: String,
    /// `23:00-01:00`; `-` for none.
    pub cut_off: String,
    /// Price level; that of the import otherwise.
    pub level: String,
    /// Whose route the next two are of; that of the import otherwise.
    pub supplier: String,
    /// Cost at the supplier; the price for a new route.
    pub cost: String,
    /// Its name there; the code in lower case for a new route.
    pub sku: String,
}

impl ImportRow {
    fn fields(&self) -> [(&'static str, &str); 14] {
        [
            ("kode", &self.kode),
            ("keterangan", &self.keterangan),
            ("produk", &self.produk),
            ("kategori", &self.kategori),
            ("harga", &self.harga),
            ("status", &self.status),
            ("dest_rule", &self.dest_rule),
            ("qty_min", &self.qty_min),
            ("qty_max", &self.qty_max),
            ("cut_off", &self.cut_off),
            ("level", &self.level),
            ("supplier", &self.supplier),
            ("cost", &self.cost),
            ("sku", &self.sku),
        ]
    }
}

/// How an import is done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportHow {
    /// Price level of lines that name none; the first one otherwise.
    pub level: Option<String>,
    /// Supplier of the routes of lines that name none.
    pub supplier: Option<String>,
    /// Only say what would change.
    pub dry_run: bool,
    /// Leave wrong lines out instead of refusing the file.
    pub skip_wrong: bool,
}

/// Category whose products are open denominations in the trade's own lists.
const OPEN_CATEGORY: &str = "NOMINAL BEBAS";

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

fn is_named(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn open_of(word: &str) -> anyhow::Result<bool> {
    is_on(word).with_context(|| format!("status `{word}`: write 1 (open) or 0 (closed)"))
}

fn name_of(text: &str) -> anyhow::Result<ProductName> {
    let repaired = || {
        let text = text.replace('%', " persen");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        ProductName::parse(&words).is_ok().then(|| format!("; write for example `{words}`"))
    };
    ProductName::parse(text)
        .map_err(|error| anyhow::anyhow!("{error}{}", repaired().unwrap_or_default()))
}

fn denomination(row: &ImportRow, known: Option<Denomination>) -> anyhow::Result<Denomination> {
    let (was_min, was_max) = match known {
        Some(Denomination::Open { min, max }) => (Some(min), Some(max)),
        Some(Denomination::Fixed) | None => (None, None),
    };
    let (min, max) = (qty(row.qty_min.trim())?.or(was_min), qty(row.qty_max.trim())?.or(was_max));
    match (min, max) {
        (Some(min), Some(max)) if min <= max => Ok(Denomination::Open { min, max }),
        (None, None) => {
            let usual = Qty::new(10_000).zip(Qty::new(10_000_000));
            let open = known.is_none() && row.kategori.trim().eq_ignore_ascii_case(OPEN_CATEGORY);
            Ok(match usual.filter(|_| open) {
                Some((min, max)) => Denomination::Open { min, max },
                None => Denomination::Fixed,
            })
        }
        (Some(_) | None, Some(_) | None) => {
            bail!("qty_min and qty_max must both be there, the first not above the second")
        }
    }
}

fn product_of(row: &ImportRow, known: Option<&Product>) -> anyhow::Result<Product> {
    let code = ProductCode::parse(&row.kode)?;
    let mut product = match known {
        Some(known) => known.clone(),
        None => {
            let name = is_named(&row.keterangan)
                .with_context(|| format!("{code} is new and needs a name (keterangan)"))?;
            if is_named(&row.harga).is_none() {
                bail!("{code} is new and needs a price (harga)");
            }
            let phone = is_mobile(&row.kategori);
            Product {
                code,
                name: name_of(name)?,
                group: String::new(),
                category: String::new(),
                denomination: Denomination::Fixed,
                dest_rule: if phone { DestRule::Phone } else { DestRule::Any },
                open: true,
                strategy: Strategy::default(),
                cut_off: None,
            }
        }
    };
    product.denomination = denomination(row, known.map(|known| known.denomination))?;
    if let Some(name) = is_named(&row.keterangan) {
        product.name = name_of(name)?;
    }
    for (text, field) in [(&row.produk, &mut product.group), (&row.kategori, &mut product.category)]
    {
        if let Some(text) = is_named(text).filter(|text| *text != field.trim()) {
            text.clone_into(field);
        }
    }
    if let Some(rule) = is_named(&row.dest_rule) {
        product.dest_rule = rule.parse()?;
    }
    if let Some(word) = is_named(&row.status) {
        product.open = open_of(word)?;
    }
    match is_named(&row.cut_off) {
        None => {}
        Some("-") => product.cut_off = None,
        Some(window) => product.cut_off = Some(window.parse()?),
    }
    Ok(product)
}

/// Rows, and how they are imported.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Import {
    /// What the file says.
    pub rows: Vec<ImportRow>,
    /// What is done with it.
    #[serde(flatten)]
    pub how: ImportHow,
}

/// What an import comes to.
#[derive(Default)]
struct Plan {
    products: BTreeMap<ProductCode, Product>,
    prices: BTreeMap<(LevelCode, ProductCode), Price>,
    routes: BTreeMap<(ProductCode, SupplierCode), RouteRow>,
    /// The line that named something first.
    lines: BTreeMap<ProductCode, Vec<ImportRow>>,
    /// Costs and SKUs without a supplier.
    without_supplier: usize,
    wrong: Vec<String>,
    read: usize,
}

impl Plan {
    /// Two lines of one product may not contradict each other.
    fn second(&self, row: &ImportRow, code: &ProductCode) -> anyhow::Result<()> {
        for before in self.lines.get(code).into_iter().flatten() {
            let place = |row: &ImportRow, name: &str| match name {
                "harga" => row.level.trim().to_lowercase(),
                "cost" | "sku" => row.supplier.trim().to_lowercase(),
                _ => String::new(),
            };
            for ((name, now), (_, then)) in row.fields().into_iter().zip(before.fields()) {
                let of_place = matches!(name, "level" | "supplier");
                let (now, then) = (now.trim(), then.trim());
                let both = !now.is_empty() && !then.is_empty() && now != then;
                if both && !of_place && name != "kode" && place(row, name) == place(before, name) {
                    bail!(
                        "{code} stands in line {} already, with {name} `{then}` and not `{now}`",
                        before.line
                    );
                }
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        catalog: &Catalog,
        row: &ImportRow,
        (level, supplier): (&LevelCode, Option<&SupplierCode>),
    ) -> anyhow::Result<()> {
        let code = ProductCode::parse(&row.kode)?;
        self.second(row, &code)?;
        let known = self.products.get(&code).or_else(|| catalog.products().get(&code));
        let is_new = !catalog.products().contains_key(&code);
        let mut product = product_of(row, known)?;
        let level = match is_named(&row.level) {
            None => level.clone(),
            Some(text) => LevelCode::parse(text)?,
        };
        if !catalog.levels().contains_key(&level) {
            bail!("there is no price level {level}");
        }
        let old = catalog.product_at(&level, &code).map(|(_, price)| price);
        let amount: Option<Rupiah> = is_named(&row.harga).map(str::parse).transpose()?;
        let price = amount
            .map(|amount| Price { amount, basis_points: old.map_or(0, |old| old.basis_points) });
        // A negative price is the commission of a bill; bills are not sold.
        if price.is_some_and(|price| price.amount.is_negative() && (is_new || old != Some(price))) {
            product.open = false;
        }
        let supplier = match is_named(&row.supplier) {
            None => supplier.cloned(),
            Some(text) => Some(SupplierCode::parse(text)?),
        };
        let route = match &supplier {
            None => {
                let told = is_named(&row.cost).or(is_named(&row.sku)).is_some();
                self.without_supplier = self.without_supplier.saturating_add(usize::from(told));
                None
            }
            Some(supplier) => Some(route_of(catalog, row, &code, supplier, price.or(old))?),
        };
        if let Some(price) = price {
            self.prices.insert((level, code.clone()), price);
        }
        if let Some((route, supplier)) = route.zip(supplier) {
            self.routes.insert((code.clone(), supplier), route);
        }
        self.products.insert(code.clone(), product);
        self.lines.entry(code).or_default().push(row.clone());
        self.read = self.read.saturating_add(1);
        Ok(())
    }
}

fn route_of(
    catalog: &Catalog,
    row: &ImportRow,
    code: &ProductCode,
    supplier: &SupplierCode,
    price: Option<Price>,
) -> anyhow::Result<RouteRow> {
    if !catalog.suppliers().contains_key(supplier) {
        bail!("there is no supplier {supplier}");
    }
    let routes = catalog.routes(code);
    let known = routes.into_iter().find(|(route, _)| route.supplier == *supplier);
    let sku = is_named(&row.sku).map(Sku::parse).transpose()?;
    let cost: Option<Rupiah> = is_named(&row.cost).map(str::parse).transpose()?;
    Ok(match known {
        Some((known, _)) => RouteRow {
            sku: sku.unwrap_or_else(|| known.sku.clone()),
            cost: cost.unwrap_or(known.cost),
            ..known.clone()
        },
        None => {
            let cost = cost.or(price.map(|price| price.amount));
            let cost = cost.with_context(|| format!("a new route of {code} needs a cost"))?;
            let sku = match sku {
                Some(sku) => sku,
                None => Sku::parse(&code.as_str().to_ascii_lowercase())?,
            };
            RouteRow::new(code.clone(), supplier.clone(), sku, cost)
        }
    })
}

/// One thing that changes: product, what, from, to.
#[derive(Clone, Debug, Serialize)]
struct Told {
    code: String,
    what: String,
    from: String,
    to: String,
}

fn compared(old: &Product, new: &Product) -> Vec<(&'static str, String, String)> {
    let range = |product: &Product| match product.denomination {
        Denomination::Fixed => String::new(),
        Denomination::Open { min, max } => format!("{}-{}", min.get(), max.get()),
    };
    let window =
        |product: &Product| product.cut_off.map_or_else(String::new, |window| window.to_string());
    let open = |product: &Product| if product.open { "1" } else { "0" }.to_owned();
    let all = [
        ("keterangan", old.name.to_string(), new.name.to_string()),
        ("produk", old.group.clone(), new.group.clone()),
        ("kategori", old.category.clone(), new.category.clone()),
        ("status", open(old), open(new)),
        ("dest_rule", old.dest_rule.to_string(), new.dest_rule.to_string()),
        ("qty", range(old), range(new)),
        ("cut_off", window(old), window(new)),
    ];
    all.into_iter().filter(|(_, old, new)| old != new).collect()
}

/// The changes that are needed, and what is told of them.
fn differences(
    catalog: &Catalog,
    plan: &Plan,
) -> (Vec<CatalogChange>, Vec<Told>, BTreeSet<ProductCode>) {
    let (mut changes, mut told, mut touched) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut tell = |code: &ProductCode, what: String, from: String, to: String| {
        told.push(Told { code: code.to_string(), what, from, to });
    };
    for ((code, supplier), route) in &plan.routes {
        let routes = catalog.routes(code);
        let old = routes.into_iter().find(|(route, _)| route.supplier == *supplier);
        let old = old.map(|(route, _)| route);
        if old == Some(route) {
            continue;
        }
        let words = |route: &RouteRow| format!("{} {}", route.sku, route.cost);
        tell(code, format!("route {supplier}"), old.map_or_else(String::new, words), words(route));
        touched.insert(code.clone());
        changes.push(CatalogChange::Route(route.clone()));
    }
    for ((level, code), price) in &plan.prices {
        let old = catalog.product_at(level, code).map(|(_, price)| price);
        if old == Some(*price) {
            continue;
        }
        let from = old.map_or_else(String::new, |old| old.amount.to_string());
        tell(code, format!("harga {level}"), from, price.amount.to_string());
        touched.insert(code.clone());
        let (level, product, price) = (level.clone(), code.clone(), *price);
        changes.push(CatalogChange::Price { level, product, price });
    }
    for (code, product) in &plan.products {
        match catalog.products().get(code) {
            Some(old) if old == product => continue,
            Some(old) => {
                for (what, from, to) in compared(old, product) {
                    tell(code, what.to_owned(), from, to);
                }
            }
            None => tell(code, "new".to_owned(), String::new(), product.name.to_string()),
        }
        touched.insert(code.clone());
        changes.push(CatalogChange::Product(product.clone()));
    }
    (changes, told, touched)
}

/// All rows or none; every bad line is named.
pub(super) async fn import(
    office: &Office,
    act: &Act<'_>,
    import: Import,
) -> anyhow::Result<Value> {
    let Import { rows, how } = import;
    let level = first_level(office, how.level)?;
    let supplier = how.supplier.map(|code| SupplierCode::parse(&code)).transpose()?;
    let catalog = office.handle.catalog();
    if let Some(code) = supplier.as_ref().filter(|code| !catalog.suppliers().contains_key(*code)) {
        bail!("there is no supplier {code}");
    }
    let mut plan = Plan::default();
    for row in &rows {
        if let Err(error) = plan.take(&catalog, row, (&level, supplier.as_ref())) {
            plan.wrong.push(format!("line {}: {error:#}", row.line));
        }
    }
    let wrong = plan.wrong.len();
    if wrong > 0 && !how.dry_run && !how.skip_wrong {
        plan.wrong.truncate(WRONG_MOST);
        let count = rows.len();
        bail!(
            "{wrong} of {count} lines are wrong; nothing was imported\n{}",
            plan.wrong.join("\n")
        );
    }
    let (changes, mut told, touched) = differences(&catalog, &plan);
    let is_new = |code: &&ProductCode| !catalog.products().contains_key(*code);
    let new = touched.iter().filter(is_new).count();
    let absent: Vec<&str> = catalog
        .products()
        .keys()
        .filter(|code| !plan.products.contains_key(*code))
        .map(ProductCode::as_str)
        .collect();
    let mut answer = json!({
        "imported": plan.read, "level": level.as_str(), "new": new, "changed": touched.len().saturating_sub(new),
        "unchanged": plan.products.len().saturating_sub(touched.len()), "wrong": wrong,
        "without_supplier": plan.without_supplier,
    });
    if !how.dry_run {
        if !changes.is_empty() {
            office.change(act, changes).await?;
        }
        return Ok(answer);
    }
    answer["imported"] = json!(0);
    answer["dry_run"] = json!(true);
    answer["plan"] = json!(digest(&serde_json::to_string(&(&told, &plan.wrong))?));
    answer["not_in_file"] = json!(absent.len());
    answer["not_named"] = json!(absent.iter().take(TOLD_MOST).collect::<Vec<_>>());
    plan.wrong.truncate(TOLD_MOST);
    answer["wrong_lines"] = json!(plan.wrong);
    answer["beyond"] = json!(told.len().saturating_sub(TOLD_MOST));
    told.truncate(TOLD_MOST);
    answer["changes"] = serde_json::to_value(told)?;
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
