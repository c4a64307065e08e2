//! The price list of one level as JSON (WIRE.md section 4): six keys, all strings, this order.

use serde::{Deserialize, Deserializer, Serialize};

/// One row, as the protocol description shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRow {
    /// Product code.
    pub kode: String,
    /// Product name.
    #[serde(default)]
    pub keterangan: String,
    /// Group.
    #[serde(default)]
    pub produk: String,
    /// Category.
    #[serde(default)]
    pub kategori: String,
    /// Price in whole rupiah; the fee of an open denomination; may be negative or zero.
    #[serde(deserialize_with = "text_or_number")]
    pub harga: String,
    /// `1` open, `0` closed.
    #[serde(default = "open", deserialize_with = "text_or_number")]
    pub status: String,
}

fn open() -> String {
    "1".to_owned()
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(i64),
    }
    Ok(match Either::deserialize(from)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    })
}

/// Prints rows as the compact array of the protocol description.
#[must_use]
pub fn print_price_list(rows: &[PriceRow]) -> String {
    // Rows of strings always serialize.
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned())
}

/// Reads such an array; `harga` and `status` may be numbers.
///
/// # Errors
/// What is wrong, with line and column.
pub fn read_price_list(json: &[u8]) -> Result<Vec<PriceRow>, String> {
    serde_json::from_slice(json).map_err(|error| error.to_string())
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
