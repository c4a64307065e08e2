//! The Digiflazz buyer protocol: JSON answers and webhooks.

use crate::PriceRow;
use crate::books::{Books, Entry, PRICE, State};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;

/// The object that answers and webhooks carry.
pub(crate) fn data(entry: &Entry, state: State) -> Value {
    let (status, rc, message) = match state {
        State::Pending => ("Pending", "03", "Transaksi Pending"),
        State::Delivered => ("Sukses", "00", "Transaksi Sukses"),
        State::WrongNumber => ("Gagal", "54", "Nomor Tujuan Salah"),
        State::OutOfStock => ("Gagal", "55", "Produk Sedang Gangguan"),
    };
    let sn = if state == State::Delivered { entry.sn() } else { String::new() };
    json!({"data": {
        "ref_id": entry.reference, "customer_no": entry.dest, "buyer_sku_code": entry.sku,
        "message": message, "status": status, "rc": rc, "sn": sn,
        "buyer_last_saldo": entry.before - PRICE, "price": PRICE,
    }})
}

pub(crate) fn balance(books: &Books) -> Value {
    json!({"data": {"deposit": books.balance()}})
}

/// The signature header of a webhook.
pub(crate) fn signature(secret: &str, body: &str) -> Vec<(String, String)> {
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) {
        mac.update(body.as_bytes());
        let hex: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        headers.push(("X-Hub-Signature".to_owned(), format!("sha1={hex}")));
    }
    headers
}

/// The price list.
pub(crate) fn prices(rows: &[PriceRow]) -> String {
    let row = |(sku, price, open): &PriceRow| {
        json!({
            "product_name": sku, "buyer_sku_code": sku, "price": price,
            "buyer_product_status": true, "seller_product_status": open,
            "start_cut_off": "23:30", "end_cut_off": "0:30",
        })
    };
    json!({"data": rows.iter().map(row).collect::<Vec<_>>()}).to_string()
}
