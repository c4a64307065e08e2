//! A marketplace as a member: its order of words, its JSON, its final report.

use super::rig::{Rig, SECRETS, product, raw, until};
use domain::{Seller, Wording};
use serde_json::{Value, json};
use std::time::Duration;

async fn rig(seller: Seller) -> Rig {
    let rig = Rig::new().await;
    rig.set_time("2026-11-23T10:00:00");
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 100_000, |record| {
        record.member.wording = Wording { seller, ..Wording::default() };
    })
    .await;
    rig
}

async fn topup(rig: &Rig, ref_id: &str, hp: &str, price: i64, key: &str) -> Value {
    let fields = json!({
        "commands": "topup", "hp": hp, "pulsa_code": "T1", "price": price.to_string(),
    });
    post(rig, ref_id, fields, key).await
}

/// The same with fields of the test's own.
async fn post(rig: &Rig, ref_id: &str, mut fields: Value, key: &str) -> Value {
    fields["username"] = "OK00123".into();
    fields["ref_id"] = ref_id.into();
    fields["sign"] = wire::sign_seller("OK00123", key, ref_id).into();
    let body = fields.to_string();
    let request = format!(
        "POST /seller/topup HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = raw(rig.address, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let data = serde_json::from_str::<Value>(body).unwrap()["data"].clone();
    assert!(data.as_object().unwrap().values().all(Value::is_string), "{data}");
    data
}

#[tokio::test]
async fn json_buys_once_tells_and_reports() {
    let rig = rig(Seller::Json).await;
    rig.answer("089660522887", "status=success sn=R1");
    rig.answer("089660522888", "status=failed reason=Nomor+tujuan+salah");
    let first = topup(&rig, "m1", "089660522887", 1_321, "secret").await;
    assert_eq!((&first["status"], &first["rc"]), (&json!("0"), &json!("39")));
    assert_eq!(first["balance"], "98679");
    topup(&rig, "m2", "089660522888", 1_321, "secret").await;
    // The same reference asks; it never buys again.
    let mut told = Value::Null;
    for _ in 0..2_400 {
        told = topup(&rig, "m1", "089660522887", 1_321, "secret").await;
        if told["status"] != "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(
        (&told["status"], &told["rc"], &told["sn"]),
        (&json!("1"), &json!("00"), &json!("R1"))
    );
    assert_eq!(told["tr_id"], first["tr_id"]);
    // The final reports carry the same object, posted to its address.
    until("both are told", || rig.callbacks.0.lock().unwrap().len() == 2).await;
    let mut reports = rig.callbacks.0.lock().unwrap().clone();
    reports.sort();
    let report = |text: &str| -> Value {
        let (url, body) = text.split_once(' ').unwrap();
        assert_eq!(url, "https://toko.example/h2h");
        serde_json::from_str::<Value>(body).unwrap()["data"].clone()
    };
    assert_eq!(report(&reports[0]), told);
    assert_eq!(
        (&report(&reports[1])["status"], &report(&reports[1])["rc"]),
        (&json!("2"), &json!("14"))
    );
    assert_eq!(rig.balance(1).await, 98_679);
}

#[tokio::test]
async fn json_refusals_are_final_only_when_nothing_can_stand_behind_them() {
    let rig = rig(Seller::Json).await;
    // Below our price: refused, and that is final.
    let cheap = topup(&rig, "c1", "089660522887", 1_300, "secret").await;
    assert_eq!((&cheap["status"], &cheap["rc"]), (&json!("2"), &json!("07")));
    // A wrong key says nothing about a purchase that may stand under the reference.
    topup(&rig, "c2", "089660522887", 1_321, "secret").await;
    let wrong = topup(&rig, "c2", "089660522887", 1_321, "wrong").await;
    assert_eq!((&wrong["status"], &wrong["rc"]), (&json!("0"), &json!("204")));
    // Another destination under a taken reference.
    let other = topup(&rig, "c2", "089660522899", 1_321, "secret").await;
    assert_eq!(other["status"], "0");
    assert_eq!(rig.balance(1).await, 98_679);
}

#[tokio::test]
async fn an_ordinary_member_has_no_json_door() {
    let rig = rig(Seller::No).await;
    let told = topup(&rig, "n1", "089660522887", 1_321, "secret").await;
    assert_eq!(told["status"], "0");
    assert_eq!(rig.balance(1).await, 100_000);
}

#[tokio::test]
async fn text_comes_in_the_wanted_order() {
    let rig = rig(Seller::Text).await;
    rig.answer("089660522887", "status=success sn=R1");
    let order = |text: &str, words: [&str; 4]| {
        let mut from = 0;
        for word in words {
            let at = text[from..].find(word).unwrap_or_else(|| panic!("{word} in {text}"));
            from += at + word.len();
        }
    };
    let sign = wire::sign_trx("OK00123", "T1", "089660522887", "s1", "123456", "secret");
    let asked =
        format!("/trx?product=T1&qty=1&dest=089660522887&refID=s1&memberID=OK00123&sign={sign}");
    let taken = rig.get(&asked).await.body;
    order(&taken, ["T#", "T1", "089660522887", "sedang diproses"]);
    rig.callback("s1").await;
    let checked = rig.get(&format!("{asked}&check=1")).await.body;
    order(&checked, ["TrxID=", "T1", "089660522887", "status Sukses. SN: R1"]);
    let refused = format!("/trx?product=NO&dest=089660522887&refID=s2&memberID=OK00123&{SECRETS}");
    order(&rig.get(&refused).await.body, ["T#0", "NO", "089660522887", "GAGAL"]);
}

/// The report of the only delivery there is.
async fn only_report(rig: &Rig) -> Value {
    for _ in 0..200 {
        let found = rig.callbacks.0.lock().unwrap().clone();
        if let [text] = &found[..] {
            let (_, body) = text.split_once(' ').unwrap();
            return serde_json::from_str::<Value>(body).unwrap()["data"].clone();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no report");
}

#[tokio::test]
async fn a_known_reference_is_a_question_whatever_else_is_wrong_in_it() {
    let rig = rig(Seller::Json).await;
    rig.answer("089660522887", "status=success sn=R1");
    let asked = |fields: Value| {
        let mut usual = json!({"commands": "topup", "hp": "6289660522887", "pulsa_code": "t1", "price": "1321"});
        for (name, value) in fields.as_object().unwrap() {
            usual[name] = value.clone();
        }
        usual
    };
    post(&rig, "k1", asked(json!({})), "secret").await;
    let report = only_report(&rig).await;
    // As asked, in the answer and in the report that comes later.
    assert_eq!((&report["code"], &report["hp"]), (&json!("t1"), &json!("6289660522887")));
    let changes = [
        json!({}),
        json!({"price": "1"}),
        json!({"price": "abc"}),
        json!({"price": 1321.5}),
        json!({"commands": "inq-pasca"}),
        json!({"commands": ""}),
        json!({"hp": "", "pulsa_code": ""}),
        json!({"hp": "089660522887", "pulsa_code": "T1"}),
    ];
    let all = async |what: &str| {
        for change in &changes {
            let told = post(&rig, "k1", asked(change.clone()), "secret").await;
            assert_eq!(
                (&told["status"], &told["sn"]),
                (&json!("1"), &json!("R1")),
                "{what} {change}"
            );
        }
        for other in
            [json!({"hp": "089660522888"}), json!({"pulsa_code": "NO"}), json!({"hp": "%"})]
        {
            let told = post(&rig, "k1", asked(other.clone()), "secret").await;
            assert_eq!(
                (&told["status"], &told["rc"]),
                (&json!("0"), &json!("39")),
                "{what} {other}"
            );
        }
    };
    all("open").await;
    let closed = domain::Product {
        open: false,
        dest_rule: domain::DestRule::Any,
        ..product("T1", "Three 1.000")
    };
    rig.product(closed, 9_000).await;
    all("closed").await;
    rig.handle.set_full(true);
    all("full").await;
    let unknown = post(&rig, "k2", asked(json!({})), "secret").await;
    assert_eq!((&unknown["status"], &unknown["rc"]), (&json!("0"), &json!("39")));
    rig.handle.set_full(false);
    rig.member("OK00123", 0, |record| {
        record.member.wording = Wording { seller: Seller::Json, ..Wording::default() };
        record.member.active = false;
    })
    .await;
    all("inactive").await;
    let unknown = post(&rig, "k2", asked(json!({})), "secret").await;
    assert_eq!((&unknown["status"], &unknown["rc"]), (&json!("2"), &json!("13")));
    assert_eq!(rig.balance(1).await, 98_679);
}

#[tokio::test]
async fn the_newer_message_is_answered_in_its_own_names() {
    let rig = rig(Seller::Json).await;
    rig.answer("089660522887", "status=success sn=R1");
    let fields = json!({"customer_id": "+62 89660522887", "product_code": "t1", "price": 1321});
    let told = post(&rig, "n1", fields, "secret").await;
    assert_eq!(told["status"], "0", "{told}");
    let report = only_report(&rig).await;
    assert_eq!(report["status"], "1");
    for data in [&told, &report] {
        assert_eq!(data["customer_id"], "+62 89660522887", "{data}");
        assert_eq!((&data["product_code"], &data["code"]), (&json!("t1"), &json!("t1")));
        assert!(data["hp"].is_null(), "{data}");
    }
}

#[tokio::test]
async fn every_text_names_a_transaction() {
    let rig = rig(Seller::Text).await;
    let who = format!("dest=089660522887&memberID=OK00123&{SECRETS}");
    let wrong = "dest=089660522887&memberID=OK00123&pin=1&password=1";
    let ask = |rest: &str, who: &str| format!("/trx?product=T1&{rest}&{who}");
    rig.handle.set_full(true);
    let full = rig.get(&ask("refID=s1", &who)).await.body;
    rig.handle.set_full(false);
    let none = rig.get(&ask("refID=s1&check=1", &who)).await.body;
    let refused = rig.get(&ask("refID=s1&check=1", wrong)).await.body;
    for (text, end) in [
        (full, "Sistem sibuk, ulangi dengan refID yang sama"),
        (none, "TIDAK ADA transaksi Tujuan 089660522887 pada tgl 23/11/2026. Tidak ada data."),
        (refused, "Pin Salah"),
        (rig.get(&ask("refID=s1", wrong)).await.body, "GAGAL. Pin Salah"),
    ] {
        assert_eq!(text, format!("T#0 R#s1 T1.089660522887 {end}"));
    }
}
