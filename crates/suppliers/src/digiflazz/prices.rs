//! Digiflazz's price list: a row that is not understood is lost alone, and named.
//!
//! What is not clearly on offer is not offered; a price with a part of a rupiah costs the next
//! whole one.

use crate::{PriceList, SupplierPrice};
use domain::Window;
use types::{Rounding, Rupiah, Sku};
use wire::{Loose, LooseObject, clean_name, foreign_json, odd_row, read_items};

/// A time of day as `HH:MM`; seconds are dropped.
fn clock(value: &Loose) -> String {
    let text = value.text();
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{hour}:{minute}")
}

fn row(object: &LooseObject<'_>, sku: &str) -> Result<SupplierPrice, String> {
    let sku = Sku::parse(sku).map_err(|error| error.to_string())?;
    let price = object.get("price").amount(Rounding::Up).map_err(|why| format!("price: {why}"))?;
    let price = price.ok_or("it has no price")?;
    let truth = |name: &str| object.get(name).truth().ok_or_else(|| format!("{name} is unclear"));
    let wanted = truth("buyer_product_status")? && truth("seller_product_status")?;
    // Some sellers count; most do not. What cannot be counted is not sold out.
    let counted = object.get("unlimited_stock").truth() == Some(false);
    let stock = object.get("stock").amount(Rounding::Down).ok().flatten();
    let sold_out = counted && stock.is_some_and(|stock| stock <= Rupiah::ZERO);
    // `0:0` to `0:0` is no window.
    let window =
        format!("{}-{}", clock(&object.get("start_cut_off")), clock(&object.get("end_cut_off")));
    Ok(SupplierPrice {
        sku,
        name: clean_name(&object.get("product_name").text()),
        price,
        open: wanted && !sold_out,
        cut_off: window.parse::<Window>().ok(),
    })
}

/// Reads a list.
///
/// # Errors
/// What they say instead of a list, or why it is none.
pub(super) fn read(body: &str) -> Result<PriceList, String> {
    let json = foreign_json(body.as_bytes());
    let shown = || body.chars().take(200).collect::<String>();
    let envelope = LooseObject::read(&json).map_err(|why| format!("{why}: {}", shown()))?;
    let data = envelope.json("data").ok_or_else(|| format!("there is no list in {}", shown()))?;
    // Asked too often, they answer with an object in its place.
    let items = read_items(data).map_err(|why| match LooseObject::read(data) {
        Ok(said) => format!("rc {}: {}", said.get("rc").text(), said.get("message").text()),
        Err(_) => format!("{why}: {}", shown()),
    })?;
    let mut list = PriceList::default();
    for (number, item) in (1..).zip(items) {
        let object = match LooseObject::read(item) {
            Ok(object) => object,
            Err(why) => {
                list.odd.push(odd_row(number, "", &why));
                continue;
            }
        };
        let sku = object.get("buyer_sku_code").text();
        match row(&object, &sku) {
            Ok(row) => list.rows.push(row),
            Err(why) => list.odd.push(odd_row(number, &sku, &why)),
        }
    }
    Ok(list)
}
