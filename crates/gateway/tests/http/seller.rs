//! A marketplace as a member: its order of words, its JSON, its final report.

use super::rig::{Rig, SECRETS, product, raw};
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
    let body = json!({
        "username": "OK00123", "commands": "topup", "ref_id": ref_id, "hp": hp,
        "pulsa_code": "T1", "price": price.to_string(),
        "sign": wire::sign_seller("OK00123", key, ref_id),
    })
    .to_string();
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
    for _ in 0..200 {
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
    for _ in 0..200 {
        if rig.callbacks.0.lock().unwrap().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
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
    assert_eq!((&wrong["status"], &wrong["rc"]), (&json!("0"), &json!("39")));
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
