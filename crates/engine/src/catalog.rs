//! The catalog snapshot: immutable, swapped whole, so that the hot path reads no configuration.

use crate::Health;
use domain::{Member, Offer, Price, Product, RouteRow, Supplier};
use ipnet::IpNet;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use store::{CatalogRows, Level, MasterKey, SealError};
use types::{LevelCode, MemberCode, MemberId, Moment, ProductCode, SupplierCode};
use wire::{PriceRow, Secret, slug};

/// Why a snapshot cannot be made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("catalog: {0}")]
pub struct CatalogError(#[from] SealError);

/// The place a member's secret is sealed for.
#[must_use]
pub fn place(member: &MemberCode, column: &str) -> String {
    format!("member/{member}/{column}")
}

/// The place a supplier's settings are sealed for.
#[must_use]
pub fn supplier_place(supplier: &SupplierCode) -> String {
    format!("supplier/{supplier}/settings")
}

/// A member with its opened secrets.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct MemberEntry {
    pub member: Member,
    pub pin: Secret,
    pub password: Secret,
    pub signing: Option<Secret>,
    pub ip_allow: Vec<IpNet>,
}

/// Members, products, prices, suppliers and routes at one moment.
#[derive(Debug, Default)]
pub struct Catalog {
    members: HashMap<MemberCode, Arc<MemberEntry>>,
    by_id: HashMap<MemberId, Arc<MemberEntry>>,
    levels: BTreeMap<LevelCode, Level>,
    products: BTreeMap<ProductCode, Product>,
    prices: HashMap<LevelCode, HashMap<ProductCode, Price>>,
    suppliers: BTreeMap<SupplierCode, Supplier>,
    routes: HashMap<ProductCode, Vec<RouteRow>>,
    /// Settings of suppliers as JSON, opened.
    settings: HashMap<SupplierCode, Secret>,
}

impl Catalog {
    /// Opens the secrets and indexes the rows.
    ///
    /// # Errors
    /// [`CatalogError`] when a secret does not open with this key.
    pub fn build(rows: CatalogRows, key: &MasterKey) -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        for record in rows.members {
            let code = record.member.code.clone();
            let open =
                |column: &str, sealed| key.open(&place(&code, column), sealed).map(Secret::new);
            let entry = Arc::new(MemberEntry {
                pin: open("pin", &record.pin)?,
                password: open("password", &record.password)?,
                signing: record
                    .signing
                    .as_ref()
                    .map(|sealed| open("signing", sealed))
                    .transpose()?,
                ip_allow: record.ip_allow,
                member: record.member,
            });
            catalog.by_id.insert(entry.member.id, entry.clone());
            catalog.members.insert(code, entry);
        }
        catalog.levels = rows.levels.into_iter().map(|level| (level.code.clone(), level)).collect();
        catalog.products =
            rows.products.into_iter().map(|product| (product.code.clone(), product)).collect();
        for (level, product, price) in rows.prices {
            catalog.prices.entry(level).or_default().insert(product, price);
        }
        for record in &rows.suppliers {
            if let Some(sealed) = &record.settings {
                let code = record.supplier.code.clone();
                let opened = key.open(&supplier_place(&code), sealed)?;
                catalog.settings.insert(code, Secret::new(opened));
            }
        }
        catalog.suppliers = rows
            .suppliers
            .into_iter()
            .map(|record| (record.supplier.code.clone(), record.supplier))
            .collect();
        for route in rows.routes {
            catalog.routes.entry(route.product.clone()).or_default().push(route);
        }
        Ok(catalog)
    }

    /// A member by code.
    #[must_use]
    pub fn member(&self, code: &MemberCode) -> Option<&Arc<MemberEntry>> {
        self.members.get(code)
    }

    /// A member by id.
    #[must_use]
    pub fn member_by_id(&self, id: MemberId) -> Option<&Arc<MemberEntry>> {
        self.by_id.get(&id)
    }

    /// All members by id.
    #[must_use]
    pub fn members(&self) -> Vec<&Arc<MemberEntry>> {
        let mut all: Vec<_> = self.by_id.values().collect();
        all.sort_by_key(|entry| entry.member.id);
        all
    }

    /// All levels by code.
    #[must_use]
    pub fn levels(&self) -> &BTreeMap<LevelCode, Level> {
        &self.levels
    }

    /// All products by code.
    #[must_use]
    pub fn products(&self) -> &BTreeMap<ProductCode, Product> {
        &self.products
    }

    /// All suppliers by code.
    #[must_use]
    pub fn suppliers(&self) -> &BTreeMap<SupplierCode, Supplier> {
        &self.suppliers
    }

    /// A supplier's settings as JSON.
    #[must_use]
    pub fn supplier_settings(&self, code: &SupplierCode) -> Option<&Secret> {
        self.settings.get(code)
    }

    /// A product with its price at a level.
    #[must_use]
    pub fn product_at(&self, level: &LevelCode, code: &ProductCode) -> Option<(&Product, Price)> {
        let product = self.products.get(code)?;
        let price = self.prices.get(level)?.get(code)?;
        Some((product, *price))
    }

    /// Routes of a product with their suppliers.
    #[must_use]
    pub fn routes(&self, product: &ProductCode) -> Vec<(&RouteRow, &Supplier)> {
        let routes = self.routes.get(product).map_or(&[][..], Vec::as_slice);
        routes
            .iter()
            .filter_map(|route| Some((route, self.suppliers.get(&route.supplier)?)))
            .collect()
    }

    /// The same as offers for routing, with what the engine knows of their health.
    #[must_use]
    pub fn offers(&self, product: &ProductCode, health: &Health, now: Moment) -> Vec<Offer<'_>> {
        self.routes(product)
            .into_iter()
            .map(|(route, supplier)| Offer { route, supplier, barred: health.bars(route, now) })
            .collect()
    }

    /// The level whose price list has this public id.
    #[must_use]
    pub fn level_of_list(&self, id: &str) -> Option<&Level> {
        self.levels.values().find(|level| level.list_id == id)
    }

    /// The price list of a level; `produk` filters by slug of group or category.
    #[must_use]
    pub fn price_list(&self, level: &LevelCode, produk: &[String]) -> Vec<PriceRow> {
        let Some(prices) = self.prices.get(level) else { return Vec::new() };
        self.products
            .values()
            .filter(|product| {
                produk.is_empty()
                    || produk.contains(&slug(&product.group))
                    || produk.contains(&slug(&product.category))
            })
            .filter_map(|product| {
                let price = prices.get(&product.code)?;
                Some(PriceRow {
                    kode: product.code.to_string(),
                    keterangan: product.name.to_string(),
                    produk: product.group.clone(),
                    kategori: product.category.clone(),
                    harga: price.amount.get().to_string(),
                    status: if product.open { "1" } else { "0" }.to_owned(),
                })
            })
            .collect()
    }
}
