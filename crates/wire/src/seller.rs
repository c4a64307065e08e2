//! The JSON protocol of a marketplace that buys from us (Digiflazz seller, prepaid; WIRE.md
//! section 8): one `topup` command; the same `ref_id` again asks how it stands.

use crate::Secret;
use md5::{Digest as _, Md5};
use serde::Serialize;
use serde_json::Value;
use types::{Dest, ProductCode, Rounding, Rupiah};

/// How a purchase stands, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SellerStatus {
    /// Also whenever nothing can be said about the purchase.
    Pending,
    /// Delivered.
    Success,
    /// Failed or refused; nothing is paid.
    Failed,
}

/// What a marketplace buys.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SellerRequest {
    pub product: ProductCode,
    pub dest: Dest,
    /// What it will pay; a higher price of ours is refused.
    pub price: Option<Rupiah>,
}

/// The answer and the final report: one object under `data`, all values strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct SellerReport {
    pub ref_id: String,
    /// `0` pending, `1` success, `2` failed.
    pub status: &'static str,
    /// The product, as asked.
    pub code: String,
    /// The same under its newer name, where it was asked so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    /// The destination, as asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hp: Option<String>,
    /// The same under its newer name, where it was asked so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    pub price: String,
    pub message: String,
    pub balance: String,
    /// Our number.
    pub tr_id: String,
    pub rc: &'static str,
    pub sn: String,
}

#[derive(Serialize)]
struct Envelope<'a> {
    data: &'a SellerReport,
}

impl SellerStatus {
    /// The word of the protocol.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "0",
            Self::Success => "1",
            Self::Failed => "2",
        }
    }
}

impl SellerReport {
    /// One that says `status` and repeats what was asked.
    #[must_use]
    pub fn echo(fields: &SellerFields, status: SellerStatus, rc: &'static str, why: &str) -> Self {
        Self {
            ref_id: fields.ref_id.clone(),
            status: status.word(),
            code: String::new(),
            product_code: None,
            hp: None,
            customer_id: None,
            price: fields.price.clone(),
            message: why.to_owned(),
            balance: String::new(),
            tr_id: String::new(),
            rc,
            sn: String::new(),
        }
        .asked_as(&fields.product, &fields.dest, fields.newer)
    }

    /// The same about product and destination as they were asked, under the names they had there.
    #[must_use]
    pub fn asked_as(self, product: &str, dest: &str, newer: bool) -> Self {
        let dest = Some(dest.to_owned());
        let (hp, customer_id) = if newer { (None, dest) } else { (dest, None) };
        let product_code = newer.then(|| product.to_owned());
        Self { code: product.to_owned(), product_code, hp, customer_id, ..self }
    }

    /// The body.
    #[must_use]
    pub fn json(&self) -> String {
        // A struct of strings always serializes.
        serde_json::to_string(&Envelope { data: self }).unwrap_or_default()
    }
}

/// True for a report of this protocol among messages to members; texts begin with `T#`.
#[must_use]
pub fn is_seller_report(message: &str) -> bool {
    message.starts_with("{\"data\":")
}

/// The sign of a request: `md5(username + key + ref_id)`, in hexadecimal.
#[must_use]
pub fn sign_seller(username: &str, key: &str, ref_id: &str) -> String {
    types::hex(Md5::digest(format!("{username}{key}{ref_id}").as_bytes()))
}

/// A request taken apart and not yet believed: whatever was sent, cleaned and bounded.
#[derive(Clone, Default)]
#[allow(missing_docs)]
pub struct SellerFields {
    pub username: String,
    pub command: String,
    pub ref_id: String,
    pub product: String,
    pub dest: String,
    pub price: String,
    /// `customer_id` and `product_code` instead of `hp` and `pulsa_code`.
    pub newer: bool,
    sign: String,
}

const FIELD_MOST: usize = 128;

impl SellerFields {
    /// Reads a body. Total: what is not there is empty.
    #[must_use]
    pub fn decode(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        // Newer pages of the protocol name some fields differently; both are sent.
        let field = |names: &[&str]| -> String {
            let found = names.iter().find_map(|name| value.get(name));
            let text = match found {
                Some(Value::String(text)) => text.trim().to_owned(),
                // The point of a number is never one of thousands.
                Some(Value::Number(number)) => {
                    let text = number.to_string();
                    let whole = Rupiah::read_number(&text, Rounding::Down);
                    whole.map_or(text, |whole| whole.get().to_string())
                }
                Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                    String::new()
                }
            };
            text.chars().filter(|c| !c.is_control()).take(FIELD_MOST).collect()
        };
        Self {
            username: field(&["username"]),
            command: field(&["commands", "command"]),
            ref_id: field(&["ref_id"]),
            product: field(&["pulsa_code", "product_code"]),
            dest: field(&["hp", "customer_id"]),
            price: field(&["price"]),
            newer: ["customer_id", "product_code"].iter().any(|name| value.get(name).is_some())
                && ["hp", "pulsa_code"].iter().all(|name| value.get(name).is_none()),
            sign: field(&["sign"]),
        }
    }

    /// The sign as sent.
    #[must_use]
    pub fn sign(&self) -> Secret {
        Secret::new(&self.sign)
    }

    /// The purchase, or what is wrong with it. The newer pages of the protocol have no command.
    ///
    /// # Errors
    /// A sentence for the answer's `message`.
    pub fn request(&self) -> Result<SellerRequest, String> {
        if !(self.command.is_empty() || self.command.eq_ignore_ascii_case("topup")) {
            return Err(format!("perintah {} tidak dilayani", self.command));
        }
        let price = if self.price.is_empty() {
            None
        } else {
            // What they will pay us: never more than they say.
            let amount = Rupiah::read(&self.price, Rounding::Down);
            Some(amount.map_err(|_| "price tidak valid".to_owned())?)
        };
        let (product, dest) =
            if self.newer { ("product_code", "customer_id") } else { ("pulsa_code", "hp") };
        Ok(SellerRequest {
            product: ProductCode::parse(&self.product)
                .map_err(|_| format!("{product} tidak valid"))?,
            dest: Dest::parse(&self.dest).map_err(|_| format!("{dest} tidak valid"))?,
            price,
        })
    }

    /// What goes on record: everything but the sign.
    #[must_use]
    pub fn redacted(&self) -> String {
        let Self { username, command, ref_id, product, dest, price, .. } = self;
        format!(
            "username={username}&commands={command}&ref_id={ref_id}&hp={dest}\
             &pulsa_code={product}&price={price}&sign=***"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"username":"OK00123","commands":"topup","ref_id":"990","hp":"087800001230","pulsa_code":"xld10","price":"10500","sign":"d4a"}"#;

    #[test]
    fn a_request_is_read_whatever_its_age() {
        let newer = BODY
            .replace("\"commands\":\"topup\",", "")
            .replace("\"hp\"", "\"customer_id\"")
            .replace("pulsa_code", "product_code")
            .replace("\"10500\"", "10500");
        for body in [BODY, &newer] {
            let fields = SellerFields::decode(body.as_bytes());
            let request = fields.request().unwrap();
            assert_eq!(request.product.as_str(), "XLD10");
            assert_eq!(request.dest.as_str(), "087800001230");
            assert_eq!(request.price, Some(Rupiah::new(10_500)));
            assert_eq!(fields.newer, body.contains("customer_id"));
            let commands = if fields.newer { "" } else { "topup" };
            let shown = format!(
                "username=OK00123&commands={commands}&ref_id=990&hp=087800001230&pulsa_code=xld10\
                 &price=10500&sign=***"
            );
            assert_eq!(fields.redacted(), shown);
        }
        // Both names of a field: the older ones are answered.
        let both = BODY.replace("\"hp\"", "\"customer_id\":\"1\",\"hp\"");
        assert!(!SellerFields::decode(both.as_bytes()).newer);
        for (from, to) in [("topup", "inq-pasca"), ("xld10", "a.b"), ("\"10500\"", "\"x\"")] {
            assert!(SellerFields::decode(BODY.replace(from, to).as_bytes()).request().is_err());
        }
        assert!(SellerFields::decode(b"\xff{").request().is_err());
    }

    /// What they will pay us is never read as more than they say.
    #[test]
    fn a_price_in_any_form() {
        for (price, wanted) in [
            ("10500", Some(10_500)),
            ("10500.75", Some(10_500)),
            ("10.5", Some(10)),
            ("1.321", Some(1)),
            ("\"1.321,000\"", Some(1_321)),
            ("\"10500.75\"", Some(10_500)),
            ("\"Rp 10.500,-\"", Some(10_500)),
            ("1e400", None),
            ("\"1.32.1\"", None),
        ] {
            let body = BODY.replace("\"10500\"", price);
            let read = SellerFields::decode(body.as_bytes()).request().ok();
            assert_eq!(read.and_then(|request| request.price), wanted.map(Rupiah::new), "{price}");
        }
    }

    #[test]
    fn a_report_is_strings_under_data() {
        let fields = SellerFields::decode(BODY.as_bytes());
        let report = SellerReport::echo(&fields, SellerStatus::Pending, "39", "diproses");
        let json = report.json();
        assert!(is_seller_report(&json) && !is_seller_report("T#1 R#2 .."));
        let value: Value = serde_json::from_str(&json).unwrap();
        assert!(value["data"].as_object().unwrap().values().all(Value::is_string));
        assert_eq!(value["data"]["status"], "0");
    }

    #[test]
    fn a_report_repeats_what_was_asked_under_its_names() {
        let newer = BODY.replace("\"hp\"", "\"customer_id\"").replace("pulsa_code", "product_code");
        for (body, names, others) in [
            (BODY, ["code", "hp"], ["product_code", "customer_id"]),
            (&newer, ["product_code", "customer_id"], ["hp", "pulsa_code"]),
        ] {
            let fields = SellerFields::decode(body.as_bytes());
            let report = SellerReport::echo(&fields, SellerStatus::Pending, "39", "x");
            let value: Value = serde_json::from_str(&report.json()).unwrap();
            assert_eq!(value["data"][names[0]], "xld10");
            assert_eq!(value["data"][names[1]], "087800001230");
            assert_eq!(value["data"]["code"], "xld10");
            assert!(others.iter().all(|name| value["data"][name].is_null()), "{value}");
        }
    }

    #[test]
    fn the_sign_is_md5_of_the_three() {
        // md5 of "abc".
        assert_eq!(sign_seller("a", "b", "c"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
