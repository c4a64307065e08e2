//! Rows of the catalog as they stand, for the stamps of a change. That they still stand so when the
//! change is written is seen to by the revision it is written under.

use crate::link::Live;
use crate::reader::decode;
use store::{CatalogChange, CatalogKey, Facts, StoreError, Wants, codec};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

/// The rows that were found, by table.
#[derive(Default)]
pub(crate) struct Before {
    members: Vec<Row>,
    levels: Vec<Row>,
    products: Vec<Row>,
    prices: Vec<Row>,
    suppliers: Vec<Row>,
    routes: Vec<Row>,
    epochs: Vec<Row>,
}

async fn some(
    live: &mut Live,
    is_asked: bool,
    sql: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    if !is_asked {
        return Ok(Vec::new());
    }
    let statement = live.prepare(sql).await?;
    live.client.query(&statement, params).await
}

/// Reads the rows; nothing is asked for what is not wanted.
pub(crate) async fn load(live: &mut Live, wants: &Wants) -> Result<Before, Error> {
    let (mut members, mut epochs) = (Vec::new(), Vec::new());
    let (mut levels, mut products, mut suppliers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut prices, mut routes) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for key in &wants.catalog {
        match key {
            CatalogKey::Member(id) => members.push(id.get()),
            CatalogKey::Level(code) => levels.push(code.as_str()),
            CatalogKey::Product(code) => products.push(code.as_str()),
            CatalogKey::Price(level, product) => {
                prices.0.push(level.as_str());
                prices.1.push(product.as_str());
            }
            CatalogKey::Supplier(code) => suppliers.push(code.as_str()),
            CatalogKey::Route(product, supplier) => {
                routes.0.push(product.as_str());
                routes.1.push(supplier.as_str());
            }
            CatalogKey::Epoch(number) => epochs.push(i64::from(*number)),
        }
    }
    let by = |table: &str, column: &str| format!("SELECT * FROM {table} WHERE {column} = ANY($1)");
    let by_two = |table: &str, columns: &str| {
        format!(
            "SELECT * FROM {table} WHERE ({columns}) IN
             (SELECT * FROM unnest($1::text[], $2::text[]))"
        )
    };
    let two = !prices.0.is_empty();
    Ok(Before {
        members: some(live, !members.is_empty(), &by("member", "id"), &[&members]).await?,
        levels: some(live, !levels.is_empty(), &by("level", "code"), &[&levels]).await?,
        products: some(live, !products.is_empty(), &by("product", "code"), &[&products]).await?,
        prices: some(live, two, &by_two("price", "level, product"), &[&prices.0, &prices.1])
            .await?,
        suppliers: some(live, !suppliers.is_empty(), &by("supplier", "code"), &[&suppliers])
            .await?,
        routes: {
            let sql = by_two("route", "product, supplier");
            some(live, !routes.0.is_empty(), &sql, &[&routes.0, &routes.1]).await?
        },
        epochs: some(live, !epochs.is_empty(), &by("epoch", "number"), &[&epochs]).await?,
    })
}

impl Before {
    /// Into the facts.
    pub(crate) fn into_facts(self, facts: &mut Facts) -> Result<(), StoreError> {
        let mut put = |change: CatalogChange| {
            facts.catalog.insert(change.key(), change);
        };
        for row in &self.members {
            put(CatalogChange::Member(decode(row, codec::member)?));
        }
        for row in &self.levels {
            put(CatalogChange::Level(decode(row, codec::level)?));
        }
        for row in &self.products {
            put(CatalogChange::Product(decode(row, codec::product)?));
        }
        for row in &self.prices {
            let (level, product, price) = decode(row, codec::price)?;
            put(CatalogChange::Price { level, product, price });
        }
        for row in &self.suppliers {
            put(CatalogChange::Supplier(decode(row, codec::supplier)?));
        }
        for row in &self.routes {
            put(CatalogChange::Route(decode(row, codec::route)?));
        }
        for row in &self.epochs {
            put(CatalogChange::Epoch(decode(row, codec::epoch)?));
        }
        Ok(())
    }
}
