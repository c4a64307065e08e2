//! Rows of the catalog as they stand, for the stamps of a change.

use crate::rows::by;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use store::{CatalogChange, CatalogKey, codec};

/// The row as a change would write it; `None` when there is none.
pub(crate) fn find(
    connection: &Connection,
    key: &CatalogKey,
) -> rusqlite::Result<Option<CatalogChange>> {
    let one = Look(connection);
    match key {
        CatalogKey::Member(id) => {
            let row = one.row("SELECT * FROM member WHERE id = ?1", [id.get()], by(codec::member));
            Ok(row?.map(CatalogChange::Member))
        }
        CatalogKey::Level(code) => {
            let sql = "SELECT * FROM level WHERE code = ?1";
            Ok(one.row(sql, [code.as_str()], by(codec::level))?.map(CatalogChange::Level))
        }
        CatalogKey::Product(code) => {
            let sql = "SELECT * FROM product WHERE code = ?1";
            Ok(one.row(sql, [code.as_str()], by(codec::product))?.map(CatalogChange::Product))
        }
        CatalogKey::Price(level, product) => {
            let sql = "SELECT * FROM price WHERE level = ?1 AND product = ?2";
            let row = one.row(sql, [level.as_str(), product.as_str()], by(codec::price))?;
            Ok(row.map(|(level, product, price)| CatalogChange::Price { level, product, price }))
        }
        CatalogKey::Supplier(code) => {
            let sql = "SELECT * FROM supplier WHERE code = ?1";
            Ok(one.row(sql, [code.as_str()], by(codec::supplier))?.map(CatalogChange::Supplier))
        }
        CatalogKey::Route(product, supplier) => {
            let sql = "SELECT * FROM route WHERE product = ?1 AND supplier = ?2";
            let names = [product.as_str(), supplier.as_str()];
            Ok(one.row(sql, names, by(codec::route))?.map(CatalogChange::Route))
        }
        CatalogKey::Epoch(number) => {
            let sql = "SELECT * FROM epoch WHERE number = ?1";
            Ok(one.row(sql, params![number], by(codec::epoch))?.map(CatalogChange::Epoch))
        }
    }
}

struct Look<'a>(&'a Connection);

impl Look<'_> {
    fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        decode: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.0.prepare_cached(sql)?.query_row(params, decode).optional()
    }
}
