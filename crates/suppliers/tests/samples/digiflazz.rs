//! Digiflazz, buyer side.

use super::{ask, connector, ok, word};
use suppliers::{Inbound, RcClass, rc_class};

const SETTINGS: &str =
    "[digiflazz]\nusername='user'\napi_key='key'\nwebhook_secret='hush'\nref_prefix='g-'\n";

fn body(rc: &str, status: &str, more: &str) -> String {
    format!(
        r#"{{"data":{{"ref_id":"g-100000001-1","customer_no":"087800001230","buyer_sku_code":"xld10","message":"Pesan","status":"{status}","rc":"{rc}"{more}}}}}"#
    )
}

#[test]
fn requests() {
    let connector = connector(SETTINGS);
    let ask = ask("xld10", "087800001230");
    let buy = connector.buy(&ask).unwrap();
    assert_eq!(
        (buy.method, buy.url.as_str()),
        ("POST", "https://api.digiflazz.com/v1/transaction")
    );
    let sent: serde_json::Value = serde_json::from_str(&buy.body).unwrap();
    assert_eq!(sent["ref_id"], "g-100000001-1");
    assert_eq!(sent["max_price"], 1_321);
    // md5("user" + "key" + "g-100000001-1")
    assert_eq!(sent["sign"], "75b956ea816170b8a1a848651e1914f3");
    assert!(buy.redacted.contains("***") && !buy.redacted.contains("75b956ea"));
    assert_eq!(connector.check(&ask).unwrap().body, buy.body, "the question is the purchase again");
    let limits = connector.check_limits();
    assert_eq!(limits.spacing_ms, 60_000);
    assert!(limits.age_most_ms.unwrap() < 90 * 86_400_000);
    let mut open = ask;
    open.qty = types::Qty::new(10_000);
    assert!(connector.buy(&open).is_err());
}

/// Every code of the table, asked at the purchase and at the resend.
#[test]
fn response_codes() {
    let connector = connector(SETTINGS);
    let ask = ask("xld10", "087800001230");
    let codes = (0..100).map(|code| format!("{code:02}"));
    for rc in codes {
        let status = match rc_class(&rc) {
            RcClass::Success => "Sukses",
            RcClass::Pending => "Pending",
            _ => "Gagal",
        };
        let reply = ok(&body(&rc, status, r#","sn":"123","price":10500"#));
        let first = word(&connector.read_buy(&ask, &reply));
        let again = word(&connector.read_check(&ask, &reply));
        let (want_first, want_again) = match rc_class(&rc) {
            RcClass::Success => ("success 123 for 10.500", "success 123 for 10.500"),
            RcClass::Pending => ("pending", "pending"),
            RcClass::Number => ("number: Pesan", "number: Pesan"),
            RcClass::Route | RcClass::Nothing => ("route: Pesan", "route: Pesan"),
            RcClass::Caller => ("route: Pesan", "unknown"),
            RcClass::Ask => ("unknown", "unknown"),
        };
        assert_eq!((first.as_str(), again.as_str()), (want_first, want_again), "rc {rc}");
    }
    for rc in ["40", "41", "42", "45"] {
        assert_eq!(rc_class(rc), RcClass::Caller);
    }
    assert_eq!((rc_class("49"), rc_class("77")), (RcClass::Ask, RcClass::Ask));
}

#[test]
fn contradictions_and_garble_are_asked_about() {
    let connector = connector(SETTINGS);
    let ask = ask("xld10", "087800001230");
    for text in [
        body("00", "Gagal", ""),
        body("02", "Sukses", r#","sn":"1""#),
        body("03", "Gagal", ""),
        body("54", "Gagal", "").replace("g-100000001-1", "g-100000002-1"),
        body("54", "Gagal", "").replace("087800001230", "087800009999"),
        r#"{"data":{"rc":"54","status":"Gagal"}}"#.to_owned(),
        "<html>".to_owned(),
        String::new(),
    ] {
        assert_eq!(word(&connector.read_buy(&ask, &ok(&text))), "unknown", "{text}");
    }
    // A success without an SN keeps their reference as proof.
    let bare = ok(&body("00", "Sukses", r#","sn":"""#));
    assert_eq!(word(&connector.read_buy(&ask, &bare)), "success g-100000001-1");
}

#[test]
fn webhooks_need_their_signature() {
    let connector = connector(SETTINGS);
    let ask = ask("xld10", "087800001230");
    let text = body("00", "Sukses", r#","sn":"123""#);
    let inbound = |signature: &str| Inbound {
        body: text.clone(),
        headers: vec![("x-hub-signature".to_owned(), signature.to_owned())],
        ..Inbound::default()
    };
    let right = {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"hush").unwrap();
        mac.update(text.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        format!("sha1={hex}")
    };
    assert_eq!(connector.callback_about(&inbound(&right)).unwrap(), ask.attempt);
    assert_eq!(word(&connector.read_callback(&ask, &inbound(&right))), "success 123");
    for wrong in ["", "sha1=", "sha1=00", "sha1=zz", &right[..20], &right.replace("sha1=", "")] {
        assert!(connector.callback_about(&inbound(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn deposit_and_prices() {
    let connector = connector(SETTINGS);
    let deposit = connector.read_balance(&ok(r#"{"data":{"deposit":500000}}"#)).unwrap();
    assert_eq!(deposit, types::Rupiah::new(500_000));
    let list = r#"{"data":[{"product_name":"XL 10","category":"Pulsa","brand":"XL","type":"Umum","seller_name":"x","price":10500,"buyer_sku_code":"xld10","buyer_product_status":true,"seller_product_status":false,"unlimited_stock":true,"stock":0,"multi":true,"start_cut_off":"23:45","end_cut_off":"00:15","desc":"-"}]}"#;
    let prices = connector.read_prices(&ok(list)).unwrap();
    assert_eq!((prices[0].sku.as_str(), prices[0].open), ("xld10", false));
}
