//! The callback as JSON, posted, for members who choose it (WIRE.md section 6).

use serde::Serialize;

/// What a final state says, in the shape of Standard Webhooks.
#[derive(Clone, Debug, Serialize)]
pub struct Webhook {
    /// `purchase.success`, `purchase.failed`, `purchase.reversed`, or `test`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it happened, in UTC: `2026-11-24T01:02:03Z`.
    pub timestamp: String,
    /// The purchase; nothing in a test.
    pub data: Option<WebhookData>,
}

/// A purchase as a webhook tells it; amounts in whole rupiah.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct WebhookData {
    pub ref_id: String,
    pub trx: i64,
    pub product: String,
    pub dest: String,
    pub qty: Option<u32>,
    pub price: i64,
    /// The balance after the purchase, or after the money came back.
    pub balance: i64,
    /// The serial number or token of what was delivered.
    pub sn: Option<String>,
    /// Why it was not.
    pub reason: Option<String>,
    /// The same as a sentence of the text protocol.
    pub message: String,
}

impl Webhook {
    /// The body.
    #[must_use]
    pub fn json(&self) -> String {
        // Strings and numbers always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// True for a webhook among messages to members; texts begin with `T#`.
#[must_use]
pub fn is_webhook(message: &str) -> bool {
    message.starts_with("{\"type\":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_says_what_a_program_needs() {
        let data = WebhookData {
            ref_id: "114".to_owned(),
            trx: 100_000_114,
            product: "T1".to_owned(),
            dest: "089660522887".to_owned(),
            qty: None,
            price: 1_321,
            balance: 278_334,
            sn: Some("R230512.1908.2000FE".to_owned()),
            reason: None,
            message: "T#100000114 R#114 ..".to_owned(),
        };
        let timestamp = "2026-11-24T01:02:03Z".to_owned();
        let webhook = Webhook { kind: "purchase.success", timestamp, data: Some(data) };
        assert_eq!(
            webhook.json(),
            r#"{"type":"purchase.success","timestamp":"2026-11-24T01:02:03Z","data":{"ref_id":"114","trx":100000114,"product":"T1","dest":"089660522887","qty":null,"price":1321,"balance":278334,"sn":"R230512.1908.2000FE","reason":null,"message":"T#100000114 R#114 .."}}"#
        );
        assert!(is_webhook(&webhook.json()) && !is_webhook("T#1 R#2") && !is_webhook("{\"data\":"));
    }
}
