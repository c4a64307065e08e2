//! Digiflazz, buyer side.

use super::{ask, connector, ok, word};
use domain::{FailureClass, Outcome, Tie};
use suppliers::{About, Connector, Inbound, Movement, RcClass, Reply, rc_class};
use types::Rupiah;

const SETTINGS: &str =
    "[digiflazz]\nusername='user'\napi_key='key'\nwebhook_secret='hush'\nref_prefix='g-'\n";

fn body(rc: &str, status: &str, more: &str) -> String {
    format!(
        r#"{{"data":{{"ref_id":"g-100000001-1","customer_no":"087800001230","buyer_sku_code":"xld10","message":"Pesan","status":"{status}","rc":"{rc}"{more}}}}}"#
    )
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, body: body.to_owned(), ..Reply::default() }
}

/// What a text says on the three ways it may come: purchase, resend, webhook.
fn said(connector: &dyn Connector, text: &str) -> [String; 3] {
    let ask = ask("xld10", "087800001230");
    let inbound = Inbound { body: text.to_owned(), ..Inbound::default() };
    [
        word(&connector.read_buy(&ask, &ok(text))),
        word(&connector.read_check(&ask, &ok(text))),
        word(&connector.read_callback(&ask, &inbound)),
    ]
}

fn all(text: &str) -> [String; 3] {
    [text.to_owned(), text.to_owned(), text.to_owned()]
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
    // A day less than the 90 after which the same request buys again.
    assert_eq!(limits.age_most_ms, Some(89 * 86_400_000));
    let mut open = ask;
    open.qty = types::Qty::new(10_000);
    assert!(connector.buy(&open).is_err());
}

/// Deposit and price list are asked for with words of their own under the sign.
#[test]
fn questions_about_no_purchase() {
    let connector = connector(SETTINGS);
    for (request, path, cmd, sign) in [
        // md5("user" + "key" + "depo")
        (connector.balance(), "cek-saldo", "deposit", "e9d1db43a49c569bcc2bc7164cbe6127"),
        // md5("user" + "key" + "pricelist")
        (connector.prices(), "price-list", "prepaid", "6870b202c286b430a1f8a6744d48a862"),
    ] {
        let request = request.unwrap();
        let url = format!("https://api.digiflazz.com/v1/{path}");
        assert_eq!((request.method, &request.url), ("POST", &url));
        assert_eq!(request.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        let sent: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&sent["cmd"], &sent["username"]), (&cmd.into(), &"user".into()));
        assert_eq!(sent["sign"], sign);
        assert!(!request.redacted.contains(sign), "{}", request.redacted);
    }
}

/// The whole table, at the purchase and at the resend.
#[test]
fn response_codes() {
    let table: &[(&[&str], &str, &str)] = &[
        (&["00"], "success 123 for 10.500", "success 123 for 10.500"),
        (&["03", "99"], "pending", "pending"),
        (&["51", "52", "54", "57", "59", "60", "72", "73"], "number: Pesan", "number: Pesan"),
        (
            &["01", "02", "53", "55", "58", "64", "67", "70", "71", "74"],
            "route: Pesan",
            "route: Pesan",
        ),
        // No transaction by this request: on a resend the first one may live.
        (
            &[
                "40", "41", "42", "43", "44", "45", "47", "56", "61", "62", "63", "65", "66", "68",
                "69", "80", "81", "82", "84", "87", "88",
            ],
            "route: Pesan",
            "unknown",
        ),
        // Not unique, not found, limits that are over in a minute, and 46 that is in no document.
        (&["49", "50", "83", "85", "86", "46"], "unknown", "unknown"),
    ];
    let connector = connector(SETTINGS);
    let mut seen = Vec::new();
    for (codes, first, again) in table {
        for rc in *codes {
            let status = match *rc {
                "00" => "Sukses",
                "03" | "99" => "Pending",
                _ => "Gagal",
            };
            let text = body(rc, status, r#","sn":"123","price":10500"#);
            let wanted = [first, again, again].map(|text| (*text).to_owned());
            assert_eq!(said(connector.as_ref(), &text), wanted, "rc {rc}");
            seen.push((*rc).to_owned());
        }
    }
    for rc in (0..100).map(|rc| format!("{rc:02}")).filter(|rc| !seen.contains(rc)) {
        assert_eq!((rc_class(&rc, false), rc_class(&rc, true)), (RcClass::Ask, RcClass::Ask));
        for status in ["Sukses", "Pending", "Gagal", ""] {
            assert_eq!(said(connector.as_ref(), &body(&rc, status, "")), all("unknown"), "{rc}");
        }
    }
}

/// `ref_id`, `status` and `rc` decide; nothing else may keep them from it.
#[test]
fn other_fields_may_be_of_any_type() {
    let connector = connector(SETTINGS);
    let plain = body("00", "Sukses", r#","sn":"77","price":9000,"buyer_last_saldo":100000"#);
    let delivered = "success 77 for 9.000";
    assert_eq!(said(connector.as_ref(), &plain), all(delivered));
    for (from, to, wanted) in [
        (":100000", ":100000.5", delivered),
        (":100000", ":90000.0", delivered),
        (":100000", r#":"90000""#, delivered),
        (":100000", ":null", delivered),
        (":100000", ":[]", delivered),
        (":100000", r#":"Rp 90.000,50""#, delivered),
        (":9000", r#":"9000""#, delivered),
        (":9000", ":9000.0", delivered),
        (":9000", ":9e3", delivered),
        (":9000", ":8999.01", delivered),
        (":9000", r#":"9.000,00""#, delivered),
        (":9000", ":null", "success 77"),
        (":9000", ":0", "success 77"),
        (":9000", r#":"mahal""#, "success 77"),
        (r#""Pesan""#, "null", delivered),
        (r#""Pesan""#, "{}", delivered),
        (r#""message":"Pesan","#, "", delivered),
        (r#""087800001230""#, "87800001230", delivered),
        (r#""087800001230""#, "8.7800001230e10", delivered),
        (r#""087800001230""#, r#""6287800001230""#, delivered),
        (r#""087800001230""#, r#""+62 878-0000-1230""#, delivered),
        (r#""087800001230""#, r#""0878****1230""#, delivered),
        (r#""087800001230""#, "null", delivered),
        (r#""customer_no":"087800001230","#, "", delivered),
        (r#""xld10""#, "null", delivered),
        (r#""Sukses""#, r#"" SUKSES ""#, delivered),
        (r#""77""#, "77", delivered),
        (r#""rc":"00""#, r#""rc":0"#, delivered),
        (r#""rc":"00""#, r#""rc":0.0"#, delivered),
        (r#""data""#, r#""more":{"x":[1]},"data""#, delivered),
        (r#"{"data""#, "\u{feff}\n{\"data\"", delivered),
        // A success settles without a serial number; a later one takes the empty place.
        (r#""77""#, "null", "success - for 9.000"),
        (r#""77""#, r#""""#, "success - for 9.000"),
        (r#""77""#, r#"" - ""#, "success - for 9.000"),
        (r#""77""#, r#""null""#, "success - for 9.000"),
        (r#""77""#, "0", "success - for 9.000"),
        (r#""77""#, r#""g-100000001-1""#, "success - for 9.000"),
        (r#""77""#, r#""100000001-1""#, "success - for 9.000"),
        (r#""sn":"77","#, "", "success - for 9.000"),
    ] {
        let text = plain.replace(from, to);
        assert_ne!(text, plain, "{from}");
        assert_eq!(said(connector.as_ref(), &text), all(wanted), "{text}");
    }
    for (rc, status, wanted) in [
        ("54", "Gagal", "number: Pesan"),
        ("2", "gagal", "route: Pesan"),
        ("3", "Pending", "pending"),
    ] {
        let text = body("#", status, r#","sn":null,"price":0.0,"buyer_last_saldo":990000.5"#);
        let text = text.replace(r##""#""##, rc);
        assert_eq!(said(connector.as_ref(), &text), all(wanted), "{text}");
    }
    let long = body("00", "Sukses", &format!(r#","sn":"{}""#, "9".repeat(3_000)));
    assert!(said(connector.as_ref(), &long)[0].starts_with("success 999"));
}

#[test]
fn contradictions_and_garble_are_asked_about() {
    let connector = connector(SETTINGS);
    for text in [
        body("00", "Gagal", ""),
        body("00", "Pending", ""),
        body("02", "Sukses", r#","sn":"1""#),
        body("54", "Sukses", r#","sn":"1""#),
        body("03", "Gagal", ""),
        body("03", "Sukses", ""),
        body("54", "", ""),
        body("", "Gagal", ""),
        body("0", "Sukses", ""),
        body("54", "Berhasil gagal", ""),
        body("44", "Sukses", ""),
        body("44", "Pending", ""),
        // A pending word that does not name us is no news either.
        body("03", "Pending", "").replace("g-100000001-1", "g-100000002-1"),
        r#"{"data":{"rc":"54"}}"#.to_owned(),
        r#"{"data":{"ref_id":"g-100000001-1","rc":"02","rc":"00","status":"Gagal"}}"#.to_owned(),
        r#"{"data":null}"#.to_owned(),
        r#"{"data":[]}"#.to_owned(),
        r#"{"error":"x"}"#.to_owned(),
        r#"[{"data":{}}]"#.to_owned(),
        "<html>".to_owned(),
        "null".to_owned(),
        String::new(),
    ] {
        assert_eq!(said(connector.as_ref(), &text), all("unknown"), "{text}");
    }
}

/// Final words that may be about another purchase are shown to a person and decide nothing.
#[test]
fn only_our_own_reference_decides() {
    let connector = connector(SETTINGS);
    let done = body("00", "Sukses", r#","sn":"1","price":9000"#);
    let failed = body("54", "Gagal", "");
    for (from, to) in [
        ("g-100000001-1", "g-100000002-1"),
        ("g-100000001-1", "g-100000001-11"),
        ("g-100000001-1", "G-100000001-1"),
        ("g-100000001-1", ""),
        (r#""g-100000001-1""#, "null"),
        (r#""g-100000001-1""#, "100000001"),
        (r#""ref_id":"g-100000001-1","#, ""),
        ("087800001230", "087800009999"),
        ("087800001230", "87800001231"),
        ("087800001230", "12345678901"),
    ] {
        for text in [&done, &failed] {
            let text = text.replace(from, to);
            assert_eq!(said(connector.as_ref(), &text), all("doubtful"), "{text}");
        }
    }
    // Ours over another number: somebody used the reference before us; in a resend that says nothing yet.
    let pending = body("03", "Pending", "").replace("087800001230", "087800009999");
    assert_eq!(said(connector.as_ref(), &pending), ["doubtful", "unknown", "unknown"]);
    // A country's digits are some only in front of a whole number.
    let (meter, told) = (ask("xld10", "1234567"), done.replace("087800001230", "621234567"));
    assert_eq!(word(&connector.read_check(&meter, &ok(&told))), "doubtful");
    let other = body("44", "Gagal", "").replace("g-100000001-1", "g-100000002-1");
    assert_eq!(said(connector.as_ref(), &other), ["doubtful", "unknown", "unknown"]);
}

/// A refusal before anything was made may name nothing: the connection of the purchase ties it.
#[test]
fn a_refusal_without_a_reference() {
    let connector = connector(SETTINGS);
    let ask = ask("xld10", "087800001230");
    for (rc, text) in [
        ("41", r#"{"data":{"rc":"41","status":"Gagal","message":"Signature tidak valid"}}"#),
        ("45", r#"{"data":{"rc":45,"message":"IP Anda tidak kami kenali"}}"#),
        ("44", r#"{"data":{"ref_id":null,"rc":"44","status":"Gagal","message":null}}"#),
    ] {
        match connector.read_buy(&ask, &ok(text)) {
            Outcome::Failed { class: FailureClass::Route, tie: Tie::Connection, .. } => {}
            other => panic!("{rc}: {other:?}"),
        }
        assert_eq!(said(connector.as_ref(), text)[1..], ["unknown", "unknown"], "{text}");
        // On an error page a person looks first.
        let refused = word(&connector.read_buy(&ask, &reply(400, text)));
        assert!(matches!(refused.as_str(), "doubtful" | "unknown"), "{refused}: {text}");
    }
    // Nor is it a refusal there that says no status, whomever it names.
    let bare = r#"{"data":{"ref_id":"g-100000001-1","rc":"45"}}"#;
    assert_eq!(word(&connector.read_buy(&ask, &ok(bare))), "route: Transaksi tidak dapat diproses");
    assert_eq!(word(&connector.read_buy(&ask, &reply(400, bare))), "unknown");
    let text = body("54", "Gagal", "");
    let named = connector.read_buy(&ask, &ok(&text));
    assert!(matches!(named, Outcome::Failed { tie: Tie::Reference, .. }), "{named:?}");
}

#[test]
fn an_error_of_the_server_decides_nothing() {
    let connector = connector(SETTINGS);
    let ask = ask("xld10", "087800001230");
    for text in
        [body("00", "Sukses", r#","sn":"1""#), body("54", "Gagal", ""), body("41", "Gagal", "")]
    {
        for status in [0, 100, 301, 302, 408, 429, 500, 502, 503, 504, 520] {
            let told = reply(status, &text);
            assert_eq!(word(&connector.read_buy(&ask, &told)), "unknown", "{status} {text}");
            assert_eq!(word(&connector.read_check(&ask, &told)), "unknown", "{status} {text}");
        }
    }
    // What names us decides on an error about the request, too.
    for status in [200, 201, 400, 401, 403, 404, 422] {
        let told = reply(status, &body("54", "Gagal", ""));
        assert_eq!(word(&connector.read_buy(&ask, &told)), "number: Pesan", "{status}");
    }
    assert_eq!(word(&connector.read_buy(&ask, &reply(404, "not found"))), "unknown");
}

fn signed(text: &str, event: &str) -> Inbound {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"hush").unwrap();
    mac.update(text.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    Inbound {
        body: text.to_owned(),
        headers: vec![
            ("x-hub-signature".to_owned(), format!("sha1={hex}")),
            ("x-digiflazz-event".to_owned(), event.to_owned()),
        ],
        ..Inbound::default()
    }
}

#[test]
fn webhooks_need_their_signature() {
    let connector = connector(SETTINGS);
    let ask = ask("xld10", "087800001230");
    let text = body("00", "Sukses", r#","sn":"123""#);
    let right = signed(&text, "update");
    assert_eq!(connector.callback_about(&right).unwrap(), About::Attempt(ask.attempt));
    assert_eq!(word(&connector.read_callback(&ask, &right)), "success 123");
    let signature = right.headers[0].1.clone();
    let bare = signature.replace("sha1=", "");
    for wrong in ["", "sha1=", "sha1=00", "sha1=zz", &signature[..20], &bare] {
        let mut inbound = right.clone();
        inbound.headers[0].1 = wrong.to_owned();
        assert!(connector.callback_about(&inbound).is_err(), "{wrong}");
    }
    // Whatever is odd about it, a purchase of ours is found.
    for odd in [
        text.replace(r#""00""#, "0"),
        text.replace(r#""Pesan""#, "null"),
        text.replace(r#""sn":"123""#, r#""sn":null,"buyer_last_saldo":90000.5"#),
        text.replace(r#""087800001230""#, "87800001230"),
    ] {
        let about = connector.callback_about(&signed(&odd, "create")).unwrap();
        assert_eq!(about, About::Attempt(ask.attempt), "{odd}");
    }
    // A purchase is one whatever the header calls it.
    let about = connector.callback_about(&signed(&text, "ping")).unwrap();
    assert_eq!(about, About::Attempt(ask.attempt));
}

#[test]
fn a_ping_is_greeted_and_a_stranger_is_not() {
    let strict = connector(SETTINGS);
    let open = connector(&SETTINGS.replace("webhook_secret='hush'\n", ""));
    let ping = r#"{"sed":"x","hook_id":"h1"}"#;
    for (event, text) in [
        ("ping", ping),
        ("PING", ping),
        ("ping", r#"{"data":"ping"}"#),
        ("ping", ""),
        ("", ping),
        ("", r#"{"data":"ping"}"#),
    ] {
        let inbound = signed(text, event);
        assert_eq!(strict.callback_about(&inbound), Ok(About::Greeting), "{event} {text}");
        let mut wrong = inbound.clone();
        wrong.headers[0].1 = format!("sha1={}", "0".repeat(40));
        assert!(strict.callback_about(&wrong).is_err(), "{event} {text}");
        wrong.headers.remove(0);
        assert!(strict.callback_about(&wrong).is_err(), "{event} {text}");
        assert_eq!(open.callback_about(&wrong), Ok(About::Greeting), "{event} {text}");
    }
    for text in ["", "{}", r#"{"data":"pong"}"#, r#"{"data":{"ref_id":"other"}}"#, "ping"] {
        assert!(strict.callback_about(&signed(text, "update")).is_err(), "{text}");
    }
}

#[test]
fn deposit_and_movements() {
    let connector = connector(SETTINGS);
    for (deposit, wanted) in [
        ("500000", 500_000),
        ("500000.75", 500_000),
        ("\"500000.75\"", 500_000),
        ("\"Rp 500.000,00\"", 500_000),
        ("5e5", 500_000),
        ("-0.5", -1),
        ("1.321", 1),
    ] {
        let text = format!(r#"{{"data":{{"deposit":{deposit},"x":null}}}}"#);
        assert_eq!(connector.read_balance(&ok(&text)), Ok(Rupiah::new(wanted)), "{deposit}");
        assert!(connector.read_balance(&reply(500, &text)).is_err());
    }
    for text in [r#"{"data":{"deposit":null}}"#, r#"{"data":{}}"#, r#"{"data":[]}"#, "", "1"] {
        assert!(connector.read_balance(&ok(text)).is_err(), "{text}");
    }
    let movement = |price: &str, saldo: &str| {
        connector.movement(&body(
            "00",
            "Sukses",
            &format!(r#","price":{price},"buyer_last_saldo":{saldo}"#),
        ))
    };
    let moved = |price: Option<i64>, after| {
        Some(Movement { before: None, price: price.map(Rupiah::new), after: Rupiah::new(after) })
    };
    assert_eq!(movement("10500.2", "990000.50"), moved(Some(10_501), 990_000));
    assert_eq!(movement("null", "\"990000\""), moved(None, 990_000));
    assert_eq!(movement("10500", "null"), None);
    // A webhook tells the same.
    let text = body("00", "Sukses", r#","price":10500,"buyer_last_saldo":990000"#);
    let inbound = connector.callback_of(&ask("xld10", "087800001230"), &text);
    assert_eq!(inbound.body, text);
    assert_eq!(connector.told(&inbound), moved(Some(10_500), 990_000));
}

#[test]
fn price_lists() {
    let connector = connector(SETTINGS);
    let row = |sku: &str, more: &str| {
        format!(
            r#"{{"product_name":"Uji","category":"Data","brand":"X","type":"Umum","seller_name":"PT","price":9100,"buyer_sku_code":"{sku}","buyer_product_status":true,"seller_product_status":true,"unlimited_stock":true,"stock":0,"multi":true,"start_cut_off":"0:0","end_cut_off":"0:0","desc":"-"{more}}}"#
        )
    };
    let counted = |sku: &str, stock: &str| {
        row(sku, "").replace(
            r#""unlimited_stock":true,"stock":0"#,
            &format!(r#""unlimited_stock":false,"stock":{stock}"#),
        )
    };
    let rows = [
        row("plain", "").replace(r#""0:0","end_cut_off":"0:0""#, r#""23:45","end_cut_off":"00:15:00""#),
        row("shut", "").replace(r#""seller_product_status":true"#, r#""seller_product_status":false"#),
        counted("stock0", "0"),
        counted("stock1", "1"),
        counted("stock0text", "\"0\""),
        counted("stocknull", "null"),
        counted("stockminus", "-3"),
        row("dear", "").replace("9100", "98000.5"),
        row("text", "").replace("9100", "\"9.100,00\"").replace("true", "\"1\""),
        row("nulls", "")
            .replace(r#""Uji""#, "null")
            .replace(r#""0:0""#, "null")
            .replace(r#""stock":0"#, r#""stock":null"#)
            .replace(r#""unlimited_stock":true"#, r#""unlimited_stock":null"#),
        row("named", "").replace("Uji", r"Uji\n\u0000 10\u200b\t%"),
        r#"{"product_name":"Y","price":100,"buyer_sku_code":"short","buyer_product_status":true,"seller_product_status":true}"#.to_owned(),
        row("free", "").replace("9100", "\"gratis\""),
        row("none", "").replace("9100", "null"),
        row("with space", ""),
        row("", ""),
        row("unclear", "").replace(r#""buyer_product_status":true"#, r#""buyer_product_status":null"#),
        row("twice", r#","price":1"#),
        "null".to_owned(),
        "\"row\"".to_owned(),
    ];
    let list =
        connector.read_prices(&ok(&format!(r#"{{"data":[{}]}}"#, rows.join(",\n")))).unwrap();
    let told: Vec<_> =
        list.rows.iter().map(|row| (row.sku.as_str(), row.price.get(), row.open)).collect();
    assert_eq!(
        told,
        [
            ("plain", 9_100, true),
            ("shut", 9_100, false),
            ("stock0", 9_100, false),
            ("stock1", 9_100, true),
            ("stock0text", 9_100, false),
            ("stocknull", 9_100, true),
            ("stockminus", 9_100, false),
            ("dear", 98_001, true),
            ("text", 9_100, true),
            ("nulls", 9_100, true),
            ("named", 9_100, true),
            ("short", 100, true),
        ]
    );
    let window = list.rows[0].cut_off.unwrap().to_string();
    assert_eq!((window.as_str(), list.rows[1].cut_off), ("23:45-00:15", None));
    assert_eq!(list.rows[10].name, "Uji 10 %");
    let starts = [
        "row 13 (free): price: `gratis` is not an amount",
        "row 14 (none): it has no price",
        "row 15 (with space): sku",
        "row 16: sku",
        "row 17 (unclear): buyer_product_status is unclear",
        "row 18: `price` is said twice",
        "row 19: ",
        "row 20: ",
    ];
    assert_eq!(list.odd.len(), starts.len(), "{:?}", list.odd);
    for (told, start) in list.odd.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}");
    }
    // Asked too often: an object in place of the list.
    let busy = r#"{"data":{"rc":"83","message":"limitasi pengecekan pricelist"}}"#;
    let why = connector.read_prices(&ok(busy)).unwrap_err();
    assert_eq!(why, "rc 83: limitasi pengecekan pricelist");
    for text in ["", "[]", r#"{"data":null}"#, r#"{"data":"x"}"#, "<html>"] {
        assert!(connector.read_prices(&ok(text)).is_err(), "{text}");
    }
}
