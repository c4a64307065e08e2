//! The catalog snapshot: immutable, swapped whole, so that the hot path reads no configuration.

use crate::Health;
use crate::pair::{OldPair, password_of};
use domain::{
    DEEPEST, Epochs, Member, Offer, Price, Product, RouteRow, Shares, Supplier, Upline,
    with_markups,
};
use ipnet::IpNet;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use store::{Bought, CatalogRows, Imported, Level, MasterKey, Place, SealError, Sealed};
use types::{LevelCode, MemberCode, MemberId, Moment, ProductCode, Sku, SupplierCode};
use wire::{PriceRow, Secret, slug};

/// Why a snapshot cannot be made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("catalog: {0}")]
pub struct CatalogError(#[from] SealError);

/// A number for settings that changes when they do.
#[must_use]
pub fn edition(settings: &str) -> u64 {
    let digest = Sha256::digest(settings.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

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

/// What [`MemberEntry::mark`] is.
fn mark(pin: &Sealed, password: &Sealed) -> [u8; 32] {
    let digest = Sha256::new().chain_update(Sha256::digest(&pin.0));
    digest.chain_update(&password.0).finalize().into()
}

/// A member with its opened secrets.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct MemberEntry {
    pub member: Member,
    pub pin: Secret,
    pub password: Secret,
    /// What it may still buy with, for a while.
    pub old: Option<OldPair>,
    pub signing: Option<Secret>,
    pub ip_allow: Vec<IpNet>,
    pub imported: Imported,
    /// Another one whenever PIN or password were sealed anew. Of the sealed bytes: it tells nothing
    /// of what is in them.
    pub mark: [u8; 32],
}

impl MemberEntry {
    /// True when it may call from there. Credentials that came with an import do so from addresses
    /// on its list only.
    #[must_use]
    pub fn may_call_from(&self, address: IpAddr) -> bool {
        match self.ip_allow.is_empty() {
            true => !self.imported.any(),
            false => self.ip_allow.iter().any(|net| net.contains(&address)),
        }
    }
}

/// Members, products, prices, suppliers and routes at one moment.
#[derive(Debug, Default)]
pub struct Catalog {
    revision: i64,
    members: HashMap<MemberCode, Arc<MemberEntry>>,
    by_id: HashMap<MemberId, Arc<MemberEntry>>,
    levels: BTreeMap<LevelCode, Level>,
    products: BTreeMap<ProductCode, Product>,
    prices: HashMap<LevelCode, HashMap<ProductCode, Price>>,
    suppliers: BTreeMap<SupplierCode, Supplier>,
    routes: HashMap<ProductCode, Vec<RouteRow>>,
    /// Routes of a product whose purchases of a day are counted.
    counted: HashMap<ProductCode, Vec<(SupplierCode, Sku)>>,
    /// Products with such routes, by each of their routes.
    counted_at: HashMap<(SupplierCode, Sku), Vec<ProductCode>>,
    /// Settings of suppliers as JSON, opened.
    settings: HashMap<SupplierCode, Secret>,
    /// Which settings a supplier has: another number for others.
    editions: HashMap<SupplierCode, u64>,
    /// Downlines by the public ids of their price lists.
    lists: HashMap<String, MemberId>,
    epochs: Epochs,
}

/// Whose price list.
#[derive(Clone, Copy, Debug)]
pub enum PriceListOf<'a> {
    /// What members of a level pay.
    Level(&'a LevelCode),
    /// What one member pays.
    Member(&'a Member),
}

impl Catalog {
    /// Opens the secrets and indexes the rows.
    ///
    /// # Errors
    /// [`CatalogError`] when a secret does not open with this key.
    pub fn build(rows: CatalogRows, key: &MasterKey) -> Result<Self, CatalogError> {
        let mut catalog = Self { revision: rows.revision, ..Self::default() };
        for record in rows.members {
            let code = record.member.code.clone();
            let open = |column: &str, sealed| key.open(&place(&code, column), sealed);
            let (password, old) = password_of(&open("password", &record.password)?);
            let open = |column: &str, sealed| {
                open(column, sealed).map(|plain| Secret::new(plain.as_str()))
            };
            let entry = Arc::new(MemberEntry {
                pin: open("pin", &record.pin)?,
                password,
                old,
                signing: record
                    .signing
                    .as_ref()
                    .map(|sealed| open("signing", sealed))
                    .transpose()?,
                mark: mark(&record.pin, &record.password),
                ip_allow: record.ip_allow,
                imported: record.imported,
                member: record.member,
            });
            catalog.by_id.insert(entry.member.id, entry.clone());
            catalog.members.insert(code, entry);
        }
        catalog.epochs = Epochs::new(rows.epochs);
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
                catalog.editions.insert(code.clone(), edition(&opened));
                catalog.settings.insert(code, Secret::new(opened.as_str()));
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
        catalog.count_routes();
        let below = catalog.by_id.values().filter(|entry| entry.member.upline.is_some());
        catalog.lists = below
            .filter_map(|entry| Some((catalog.list_id(&entry.member)?, entry.member.id)))
            .collect();
        Ok(catalog)
    }

    /// One limit holds for a supplier's product, whichever of ours it is sold as.
    fn count_routes(&mut self) {
        let key = |route: &RouteRow| (route.supplier.clone(), route.sku.clone());
        let all = self.routes.values().flatten();
        let limited: HashSet<_> = all.filter(|route| route.daily_most.is_some()).map(key).collect();
        for (product, routes) in &self.routes {
            let counted: Vec<_> =
                routes.iter().map(key).filter(|key| limited.contains(key)).collect();
            if !counted.is_empty() {
                self.counted.insert(product.clone(), counted);
                for key in routes.iter().map(key) {
                    self.counted_at.entry(key).or_default().push(product.clone());
                }
            }
        }
    }

    /// Where a purchase of this product may be counted.
    pub(crate) fn counted(&self, product: &ProductCode) -> &[(SupplierCode, Sku)] {
        self.counted.get(product).map_or(&[], Vec::as_slice)
    }

    /// The same for whatever is bought there as that, when it goes elsewhere.
    pub(crate) fn counted_beside(&self, place: &Place) -> Vec<(SupplierCode, Sku)> {
        let at = self.counted_at.get(&(place.supplier.clone(), place.sku.clone()));
        at.into_iter().flatten().flat_map(|product| self.counted(product).to_vec()).collect()
    }

    /// How often the business was restored from a copy, and what that means.
    #[must_use]
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// How often it was changed, where several nodes do: what is decided on it rests on this.
    #[must_use]
    pub const fn revision(&self) -> i64 {
        self.revision
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

    /// Which settings a supplier has, as a number that changes with them; 0 for none.
    #[must_use]
    pub fn edition(&self, code: &SupplierCode) -> u64 {
        self.editions.get(code).copied().unwrap_or_default()
    }

    /// A product with its price at a level.
    #[must_use]
    pub fn product_at(&self, level: &LevelCode, code: &ProductCode) -> Option<(&Product, Price)> {
        let product = self.products.get(code)?;
        let price = self.prices.get(level)?.get(code)?;
        Some((product, *price))
    }

    /// The uplines of a member, its own first, and the level that the topmost of them buys at.
    /// `None` for a chain without an end.
    fn chain<'a>(&'a self, member: &'a Member) -> Option<(Vec<&'a Upline>, &'a LevelCode)> {
        let (mut chain, mut at) = (Vec::new(), member);
        while let Some(upline) = &at.upline {
            if chain.len() == DEEPEST {
                return None;
            }
            chain.push(upline);
            at = &self.by_id.get(&upline.member)?.member;
        }
        Some((chain, &at.level))
    }

    /// The level that a member's prices follow from: its own, or that of its topmost upline.
    #[must_use]
    pub fn level_of<'a>(&'a self, member: &'a Member) -> Option<&'a LevelCode> {
        self.chain(member).map(|(_, level)| level)
    }

    /// A product with the price a member pays, and what its uplines earn of that.
    #[must_use]
    pub fn terms(&self, member: &Member, code: &ProductCode) -> Option<(&Product, Price, Shares)> {
        let (chain, level) = self.chain(member)?;
        let (product, top) = self.product_at(level, code)?;
        let (price, shares) = with_markups(top, chain, code).ok()?;
        Some((product, price, shares))
    }

    /// Members directly below a member, by id.
    #[must_use]
    pub fn downlines(&self, of: MemberId) -> Vec<&Arc<MemberEntry>> {
        let below = |entry: &&Arc<MemberEntry>| {
            entry.member.upline.as_ref().is_some_and(|upline| upline.member == of)
        };
        self.members().into_iter().filter(below).collect()
    }

    /// True when `above` stands anywhere above `member`.
    #[must_use]
    pub fn is_above(&self, above: MemberId, member: &Member) -> bool {
        self.uplines(member).contains(&above)
    }

    /// Everybody above a member, its own upline first.
    #[must_use]
    pub fn uplines(&self, member: &Member) -> Vec<MemberId> {
        let chain = self.chain(member).map(|(chain, _)| chain).unwrap_or_default();
        chain.into_iter().map(|upline| upline.member).collect()
    }

    /// How many stand above a member.
    #[must_use]
    pub fn depth(&self, member: &Member) -> usize {
        self.chain(member).map_or(DEEPEST, |(chain, _)| chain.len())
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

    /// The same as offers for routing, with what the engine knows of their health. `bought` are the
    /// counts of the day where this node's own are not enough.
    #[must_use]
    pub fn offers(
        &self,
        product: &ProductCode,
        health: &Health,
        bought: Option<&HashMap<Bought, u32>>,
        now: Moment,
    ) -> Vec<Offer<'_>> {
        let barred = |route| health.bars(route, bought, now);
        self.routes(product)
            .into_iter()
            .map(|(route, supplier)| Offer { route, supplier, barred: barred(route) })
            .collect()
    }

    /// The public id of a member's price list: that of its level, or one of its own for a downline.
    #[must_use]
    pub fn list_id(&self, member: &Member) -> Option<String> {
        let (chain, level) = self.chain(member)?;
        let top = &self.levels.get(level)?.list_id;
        if chain.is_empty() {
            return Some(top.clone());
        }
        let digest = Sha256::digest(format!("price list {top} of {}", member.code));
        Some(types::hex(&digest[..10]))
    }

    /// Whose price list has this public id.
    #[must_use]
    pub fn list_of(&self, id: &str) -> Option<PriceListOf<'_>> {
        if let Some(level) = self.levels.values().find(|level| level.list_id == id) {
            return Some(PriceListOf::Level(&level.code));
        }
        let entry = self.by_id.get(self.lists.get(id)?)?;
        Some(PriceListOf::Member(&entry.member))
    }

    /// A price list; `produk` filters by slug of group or category.
    #[must_use]
    pub fn price_list(&self, of: PriceListOf<'_>, produk: &[String]) -> Vec<PriceRow> {
        let (chain, level) = match of {
            PriceListOf::Level(level) => (Vec::new(), level),
            PriceListOf::Member(member) => match self.chain(member) {
                Some(found) => found,
                None => return Vec::new(),
            },
        };
        let Some(prices) = self.prices.get(level) else { return Vec::new() };
        self.products
            .values()
            .filter(|product| {
                produk.is_empty()
                    || produk.contains(&slug(&product.group))
                    || produk.contains(&slug(&product.category))
            })
            .filter_map(|product| {
                let top = *prices.get(&product.code)?;
                let chain = chain.iter().copied();
                let (price, _) = with_markups(top, chain, &product.code).ok()?;
                Some(PriceRow {
                    kode: product.code.to_string(),
                    keterangan: product.name.to_string(),
                    produk: product.group.clone(),
                    kategori: product.category.clone(),
                    harga: price.amount.get().to_string(),
                    status: if is_on_sale(product, price) { "1" } else { "0" }.to_owned(),
                })
            })
            .collect()
    }
}

/// Open, and something that can be bought: a negative price is the commission of a bill, which
/// needs an inquiry first and is refused.
#[must_use]
pub fn is_on_sale(product: &Product, price: Price) -> bool {
    product.open && !price.amount.is_negative()
}
