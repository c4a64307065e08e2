//! The Digiflazz buyer protocol, as strict as theirs: JSON answers and webhooks in the shapes that
//! their documents give them.
//!
//! Amounts are "Float" there and optional fields come as null or empty; which of them do follows
//! from the seed and the reference, so that whoever reads them meets every shape.

use crate::PriceRow;
use crate::books::{Books, Entry, PRICE, State};
use crate::fate::chance;
use crate::server::Plan;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use sha1::Sha1;

/// Their code and words for a final failure: one of those that are given to a purchase which was
/// taken, the same one every time.
fn failure(state: State, seed: u64, reference: &str) -> (&'static str, &'static str) {
    let drawn = chance(seed, reference, "rc") % 3;
    match (state, drawn) {
        (State::WrongNumber, 0) => ("51", "Nomor Tujuan Diblokir"),
        (State::WrongNumber, 1) => ("52", "Prefix Tidak Sesuai Dengan Operator"),
        (State::WrongNumber, _) => ("54", "Nomor Tujuan Salah"),
        (State::OutOfStock, 0) => ("53", "Produk Seller Sedang Tidak Tersedia"),
        (State::OutOfStock, 1) => ("71", "Produk Sedang Tidak Stabil"),
        (State::OutOfStock, _) => ("55", "Produk Sedang Gangguan"),
        (State::Pending | State::Delivered, _) => ("02", "Transaksi Gagal"),
    }
}

/// One field in one of the shapes it comes in.
fn odd(plan: &Plan, reference: &str, field: &str, usual: Value, shapes: &[Value]) -> Value {
    if chance(plan.seed, reference, &format!("odd {field}")) % 100 >= plan.odd_percent {
        return usual;
    }
    let count = u64::try_from(shapes.len()).unwrap_or(1).max(1);
    let drawn = chance(plan.seed, reference, &format!("shape {field}")) % count;
    usize::try_from(drawn).ok().and_then(|at| shapes.get(at)).cloned().unwrap_or(usual)
}

/// Half a rupiah is what makes a number a Float.
fn float(amount: i64, half: bool) -> Value {
    // Balances here are far below the integers that a double cannot hold.
    let text = format!("{amount}.{}", if half { 5 } else { 0 });
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

/// The object that answers and webhooks carry.
pub(crate) fn data(plan: &Plan, entry: &Entry, state: State) -> Value {
    let reference = entry.reference.as_str();
    let (status, rc, message) = match state {
        State::Pending => ("Pending", "03", "Transaksi Pending"),
        State::Delivered => ("Sukses", "00", "Transaksi Sukses"),
        State::WrongNumber | State::OutOfStock => {
            let (rc, words) = failure(state, plan.seed, reference);
            ("Gagal", rc, words)
        }
    };
    let left = entry.before - PRICE;
    let sn = if state == State::Delivered {
        json!(entry.sn())
    } else {
        odd(plan, reference, "sn", json!(""), &[Value::Null])
    };
    let mut data = json!({
        "ref_id": reference, "customer_no": entry.dest, "buyer_sku_code": entry.sku,
        "message": odd(plan, reference, "message", json!(message), &[Value::Null]),
        "status": status, "rc": rc, "sn": sn,
        "buyer_last_saldo": odd(
            plan, reference, "buyer_last_saldo", json!(left), &[float(left, true), Value::Null],
        ),
        "price": odd(plan, reference, "price", json!(PRICE), &[float(PRICE, false)]),
        "tele": "@simulasi", "wa": "081200000000",
    });
    // Their documents allow an answer without what is not known yet.
    if state == State::Pending && odd(plan, reference, "bare", json!(0), &[json!(1)]) == json!(1) {
        for field in ["sn", "price", "buyer_last_saldo"] {
            if let Some(fields) = data.as_object_mut() {
                fields.remove(field);
            }
        }
    }
    json!({"data": data})
}

/// A webhook carries their own number of the purchase too.
pub(crate) fn webhook(plan: &Plan, entry: &Entry, state: State) -> Value {
    let mut body = data(plan, entry, state);
    body["data"]["trx_id"] = json!(format!("SIM{:012x}", entry.number));
    body
}

/// What is said of a request that made no purchase.
fn refusal(body: &Value, rc: &str, message: &str) -> Value {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    json!({"data": {
        "ref_id": text("ref_id"), "customer_no": text("customer_no"),
        "buyer_sku_code": text("buyer_sku_code"), "message": message, "status": "Gagal",
        "rc": rc, "sn": "", "buyer_last_saldo": 0, "price": 0,
    }})
}

/// Who asks; no credentials were given to the simulator: anybody may.
fn stranger(plan: &Plan, body: &Value, of: &str) -> Option<Value> {
    if plan.api_key.is_empty() {
        return None;
    }
    if body["username"] != plan.username.as_str() {
        return Some(refusal(body, "42", "Gagal memproses API Buyer, username salah"));
    }
    let signed = Md5::digest(format!("{}{}{of}", plan.username, plan.api_key).as_bytes());
    (body["sign"] != types::hex(signed).as_str())
        .then(|| refusal(body, "41", "Signature tidak valid"))
}

/// A request to buy that may go on: reference, SKU, destination.
pub(crate) struct Wanted {
    pub(crate) reference: String,
    pub(crate) sku: String,
    pub(crate) dest: String,
}

/// Reads a transaction: a purchase, or what is answered instead of one.
pub(crate) fn transaction(plan: &Plan, books: &Books, body: &Value) -> Result<Wanted, Value> {
    let payload = |what: &str| refusal(body, "40", &format!("Payload Error: {what}"));
    let text = |name: &str| match &body[name] {
        Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        _ => Err(payload(&format!("{name} wajib diisi"))),
    };
    if !body.is_object() {
        return Err(payload("JSON"));
    }
    let wanted = Wanted {
        reference: text("ref_id")?,
        sku: text("buyer_sku_code")?,
        dest: text("customer_no")?,
    };
    if let Some(refusal) = stranger(plan, body, &wanted.reference) {
        return Err(refusal);
    }
    match &body["commands"] {
        Value::Null => {}
        // Bills: none is sold here, and their status knows nothing of prepaid purchases.
        Value::String(word) if word == "inq-pasca" || word == "pay-pasca" => {
            return Err(refusal(body, "43", "SKU tidak di temukan atau Non-Aktif"));
        }
        Value::String(word) if word == "status-pasca" => {
            return Err(refusal(body, "50", "Transaksi Tidak Ditemukan"));
        }
        _ => return Err(payload("commands")),
    }
    match books.find(&wanted.reference) {
        Some(entry) if entry.dest != wanted.dest || entry.sku != wanted.sku => {
            Err(refusal(body, "49", "Ref ID tidak unik"))
        }
        Some(_) | None => Ok(wanted),
    }
}

pub(crate) fn balance(plan: &Plan, books: &Books, body: &Value) -> Value {
    if let Some(refusal) = stranger(plan, body, "depo") {
        return refusal;
    }
    if body["cmd"] != "deposit" {
        return refusal(body, "40", "Payload Error: cmd");
    }
    let left = books.balance();
    let deposit = odd(plan, &left.to_string(), "deposit", json!(left), &[float(left, true)]);
    json!({"data": {"deposit": deposit}})
}

/// The headers of a webhook, signed where a secret is set.
pub(crate) fn headers(
    plan: &Plan,
    event: &str,
    entry: &Entry,
    body: &str,
) -> Vec<(String, String)> {
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), "Digiflazz-Hookshot".to_owned()),
        ("X-Digiflazz-Event".to_owned(), event.to_owned()),
    ];
    let id = chance(plan.seed, &entry.reference, event);
    let other = chance(plan.seed, body, "delivery");
    headers.push(("X-Digiflazz-Delivery".to_owned(), format!("{id:016x}{other:016x}")));
    if plan.webhook_secret.is_empty() {
        return headers;
    }
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(plan.webhook_secret.as_bytes()) {
        mac.update(body.as_bytes());
        let hex = types::hex(mac.finalize().into_bytes());
        headers.push(("X-Hub-Signature".to_owned(), format!("sha1={hex}")));
    }
    headers
}

/// The price list: prepaid, or that of bills, which nobody can buy here.
pub(crate) fn prices(plan: &Plan, rows: &[PriceRow], body: &Value) -> Value {
    if let Some(refusal) = stranger(plan, body, "pricelist") {
        return refusal;
    }
    let only = body["code"].as_str().unwrap_or_default();
    let asked = |code: &str| only.is_empty() || code == only;
    let rows: Vec<Value> = match body["cmd"].as_str() {
        Some("prepaid") => {
            let rows = rows.iter().enumerate().filter(|(_, (sku, ..))| asked(sku));
            rows.map(|(at, row)| prepaid(plan, at, row)).collect()
        }
        Some("pasca") => BILLS.iter().filter(|(code, ..)| asked(code)).map(bill).collect(),
        Some(_) | None => return refusal(body, "40", "Payload Error: cmd"),
    };
    json!({"data": rows})
}

fn prepaid(plan: &Plan, at: usize, (sku, price, open): &PriceRow) -> Value {
    // Every other one counts its stock.
    let counted = at % 2 == 1;
    json!({
        "product_name": format!("Simulasi {sku}"), "category": "Pulsa", "brand": "SIMULASI",
        "type": "Umum", "seller_name": "Simulasi", "price": odd(
            plan, sku, "list price", json!(price), &[float(*price, false)],
        ),
        "buyer_sku_code": sku, "buyer_product_status": true, "seller_product_status": open,
        "unlimited_stock": !counted, "stock": if counted { 100 } else { 0 }, "multi": true,
        "start_cut_off": "23:30", "end_cut_off": "0:30",
        "desc": odd(plan, sku, "desc", json!("-"), &[Value::Null, json!("")]),
    })
}

/// Code, name, brand, admin, commission.
const BILLS: [(&str, &str, &str, i64, i64); 2] = [
    ("pln", "Pln Pascabayar", "PLN PASCABAYAR", 2_750, 1_800),
    ("bpjs", "Bpjs Kesehatan", "BPJS KESEHATAN", 2_500, 1_300),
];

fn bill((code, name, brand, admin, commission): &(&str, &str, &str, i64, i64)) -> Value {
    json!({
        "product_name": name, "category": "Pascabayar", "brand": brand, "seller_name": "Simulasi",
        "admin": admin, "commission": commission, "buyer_sku_code": code,
        "buyer_product_status": true, "seller_product_status": true, "desc": "-",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fate::Fate;

    fn plan(odd_percent: u64) -> Plan {
        Plan { seed: 7, odd_percent, webhook_secret: "sign".to_owned(), ..Plan::default() }
    }

    fn closed() -> Plan {
        Plan { username: "toko99".to_owned(), api_key: "kunci".to_owned(), ..plan(0) }
    }

    fn bought(books: &Books, reference: &str) -> Entry {
        let fate = Fate::of(7, 0, reference, "0896");
        books.take(reference, "T1", "0896", fate).unwrap().0
    }

    fn rc(body: &Value) -> String {
        let refused = transaction(&plan(0), &Books::default(), body).err().unwrap();
        refused["data"]["rc"].as_str().unwrap().to_owned()
    }

    #[test]
    fn only_whole_purchases_are_purchases() {
        let whole = json!({"ref_id": "a", "buyer_sku_code": "T1", "customer_no": "0896"});
        assert!(transaction(&plan(0), &Books::default(), &whole).is_ok());
        for (field, value, expected) in [
            ("ref_id", json!(""), "40"),
            ("ref_id", json!("  "), "40"),
            ("ref_id", Value::Null, "40"),
            ("ref_id", json!(17), "40"),
            ("customer_no", json!(""), "40"),
            ("buyer_sku_code", Value::Null, "40"),
            ("commands", json!("inq-pasca"), "43"),
            ("commands", json!("pay-pasca"), "43"),
            ("commands", json!("status-pasca"), "50"),
            ("commands", json!("topup"), "40"),
        ] {
            let mut body = whole.clone();
            body[field] = value;
            assert_eq!(rc(&body), expected, "{body}");
        }
        assert_eq!(rc(&json!([1])), "40");
        assert_eq!(rc(&Value::Null), "40");
        // A reference that stands for something else.
        let books = Books::default();
        bought(&books, "a");
        assert!(transaction(&plan(0), &books, &whole).is_ok(), "its status");
        let mut other = whole;
        other["customer_no"] = json!("0897");
        let refused = transaction(&plan(0), &books, &other).err().unwrap();
        assert_eq!(refused["data"]["rc"], "49");
    }

    #[test]
    fn signs_are_checked_where_there_are_credentials() {
        let sign =
            |of: &str| -> String { types::hex(Md5::digest(format!("toko99kunci{of}").as_bytes())) };
        let (plan, books) = (closed(), Books::default());
        let mut body = json!({
            "username": "toko99", "ref_id": "a", "buyer_sku_code": "T1", "customer_no": "0896",
            "sign": sign("a"), "cmd": "deposit",
        });
        assert!(transaction(&plan, &books, &body).is_ok());
        assert_eq!(balance(&plan, &books, &body)["data"]["rc"], "41");
        body["sign"] = json!(sign("b"));
        let refused = transaction(&plan, &books, &body).err().unwrap();
        assert_eq!(refused["data"]["rc"], "41");
        body["username"] = json!("toko98");
        let refused = transaction(&plan, &books, &body).err().unwrap();
        assert_eq!(refused["data"]["rc"], "42");
        let ask = json!({"username": "toko99", "cmd": "deposit", "sign": sign("depo")});
        assert!(balance(&plan, &books, &ask)["data"]["deposit"].is_i64());
        let list = json!({"username": "toko99", "cmd": "prepaid", "sign": sign("pricelist")});
        assert!(prices(&plan, &[], &list)["data"].is_array());
    }

    /// Every shape of their documents comes, and the same one for the same reference.
    #[test]
    fn fields_come_in_every_shape() {
        let (plan, books) = (plan(40), Books::default());
        let all: Vec<Value> = (0..400)
            .flat_map(|n| {
                let entry = bought(&books, &format!("r{n}"));
                let states =
                    [State::Pending, State::Delivered, State::WrongNumber, State::OutOfStock];
                let shown = states.map(|state| data(&plan, &entry, state)["data"].clone());
                assert_eq!(shown[0], data(&plan, &entry, State::Pending)["data"]);
                shown
            })
            .collect();
        let any = |fits: &dyn Fn(&Value) -> bool| all.iter().any(fits);
        assert!(any(&|row| row["buyer_last_saldo"].is_f64()));
        assert!(any(&|row| row["buyer_last_saldo"].is_i64()));
        assert!(any(&|row| row["buyer_last_saldo"].is_null()));
        assert!(any(&|row| row["price"].is_f64()) && any(&|row| row["price"].is_i64()));
        assert!(any(&|row| row["sn"].is_null()) && any(&|row| row["sn"] == ""));
        assert!(any(&|row| row["message"].is_null()));
        assert!(any(&|row| row.get("price").is_none()));
        for rc in ["00", "03", "51", "52", "53", "54", "55", "71"] {
            assert!(any(&|row| row["rc"] == rc), "{rc} never comes");
        }
        // What decides is always there.
        for row in &all {
            assert!(row["status"].is_string() && row["rc"].is_string(), "{row}");
            assert!(row["ref_id"].is_string() && row["customer_no"].is_string(), "{row}");
            assert!(row["status"] != "Sukses" || row["sn"].is_string(), "{row}");
        }
    }

    #[test]
    fn lists_and_webhooks_are_whole() {
        let (plan, books) = (plan(0), Books::default());
        let rows = [("T1".to_owned(), 1_200, true), ("T5".to_owned(), 5_000, false)];
        let list = prices(&plan, &rows, &json!({"cmd": "prepaid"}));
        for field in [
            "product_name",
            "category",
            "brand",
            "type",
            "seller_name",
            "price",
            "buyer_sku_code",
            "buyer_product_status",
            "seller_product_status",
            "unlimited_stock",
            "stock",
            "multi",
            "start_cut_off",
            "end_cut_off",
            "desc",
        ] {
            assert!(list["data"][1].get(field).is_some(), "{field}");
        }
        let one = prices(&plan, &rows, &json!({"cmd": "prepaid", "code": "T5"}));
        assert_eq!(one["data"].as_array().unwrap().len(), 1);
        let bills = prices(&plan, &rows, &json!({"cmd": "pasca"}));
        assert_eq!(bills["data"][0]["category"], "Pascabayar");
        assert_eq!(prices(&plan, &rows, &json!({}))["data"]["rc"], "40");

        let entry = bought(&books, "w");
        let body = webhook(&plan, &entry, State::Delivered).to_string();
        assert!(body.contains("trx_id"));
        let headers = headers(&plan, "update", &entry, &body);
        let named = |name: &str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        assert_eq!(named("User-Agent"), "Digiflazz-Hookshot");
        assert_eq!(named("X-Digiflazz-Event"), "update");
        assert_eq!(named("X-Digiflazz-Delivery").len(), 32);
        assert!(named("X-Hub-Signature").starts_with("sha1="));
    }
}
