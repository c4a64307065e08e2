//! The price list of one level as JSON (WIRE.md section 4): six keys, all strings, this order.

use crate::loose::{Loose, LooseObject, foreign_json, read_items};
use serde::Serialize;
use types::Rounding;

/// One row, as the protocol description shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceRow {
    /// Product code.
    pub kode: String,
    /// Product name.
    pub keterangan: String,
    /// Group.
    pub produk: String,
    /// Category.
    pub kategori: String,
    /// Price in whole rupiah; the fee of an open denomination; may be negative or zero.
    pub harga: String,
    /// `1` open, `0` closed.
    pub status: String,
}

/// What a list says, and what in it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceRows {
    /// Rows that were understood.
    pub rows: Vec<PriceRow>,
    /// Rows that were not, by number and code, with the reason.
    pub odd: Vec<String>,
}

fn row(json: &str) -> Result<PriceRow, (String, String)> {
    let object = LooseObject::read(json).map_err(|why| (String::new(), why))?;
    let text = |name: &str| object.get(name).text();
    let kode = text("kode");
    if kode.is_empty() {
        return Err((kode, "it has no `kode`".to_owned()));
    }
    // The point of a number is never one of thousands, so a number does not stay as it is written.
    let harga = match object.get("harga") {
        Loose::Text(text) if !text.trim().is_empty() => text,
        number @ Loose::Number(_) => match number.amount(Rounding::Up) {
            Ok(price) => price.unwrap_or_default().get().to_string(),
            Err(error) => return Err((kode, format!("harga: {error}"))),
        },
        Loose::Nothing | Loose::Text(_) | Loose::Truth(_) | Loose::Other => {
            return Err((kode, "it has no `harga`".to_owned()));
        }
    };
    let status = match object.get("status") {
        Loose::Nothing => "1".to_owned(),
        Loose::Truth(open) => if open { "1" } else { "0" }.to_owned(),
        said @ (Loose::Text(_) | Loose::Number(_) | Loose::Other) => said.text(),
    };
    Ok(PriceRow {
        kode,
        keterangan: text("keterangan"),
        produk: text("produk"),
        kategori: text("kategori"),
        harga,
        status,
    })
}

/// Prints rows as the compact array of the protocol description.
#[must_use]
pub fn print_price_list(rows: &[PriceRow]) -> String {
    // Rows of strings always serialize.
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned())
}

/// Reads such an array. Only `kode` and `harga` must be there; every field may be a text, a number or
/// null. A row that says neither is lost alone.
///
/// # Errors
/// When it is no array, with line and column.
pub fn read_price_list(json: &[u8]) -> Result<PriceRows, String> {
    let json = foreign_json(json);
    let mut list = PriceRows::default();
    for (number, item) in (1..).zip(read_items(&json)?) {
        match row(item) {
            Ok(row) => list.rows.push(row),
            Err((kode, why)) => list.odd.push(odd_row(number, &kode, &why)),
        }
    }
    Ok(list)
}

/// How a row that is not understood is named.
#[must_use]
pub fn odd_row(number: usize, code: &str, why: &str) -> String {
    let code: String = crate::loose::clean_name(code).chars().take(64).collect();
    let why: String = why.chars().take(120).collect();
    if code.is_empty() {
        format!("row {number}: {why}")
    } else {
        format!("row {number} ({code}): {why}")
    }
}

/// The slug of a group or category: lower case, `_` for everything but letters and digits.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c.is_alphanumeric() {
            slug.extend(c.to_lowercase());
        } else if !slug.ends_with('_') && !slug.is_empty() {
            slug.push('_');
        }
    }
    slug.trim_end_matches('_').to_owned()
}
