//! Promise 2 seen from outside: a known refID is answered with its purchase, whatever changed since,
//! and never with GAGAL while the purchase lives or succeeded.

use super::rig::{Rig, SECRETS, open_product, product};
use domain::{Denomination, DestRule};
use gateway::{GatewaySettings, Rates};
use serde_json::json;
use std::num::NonZeroU32;
use types::{ProductName, Qty};

const DEST: &str = "089660522887";

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |_| ()).await;
    rig.answer(DEST, "status=success sn=R1");
    rig
}

/// Buys T1 as `+62..` under `114` and waits for its end; what a repeat says from then on.
async fn sold(rig: &Rig) -> String {
    let bought = rig.trx("product=T1&dest=%2B62+896-6052-2887&refID=114&qty=1").await;
    assert_eq!(bought.code(), "accepted", "{}", bought.body);
    rig.callback("114").await;
    let repeat = rig.trx("product=t1&dest=089660522887&refID=114").await;
    assert_eq!(repeat.code(), "repeat");
    assert!(repeat.body.contains("status Sukses. SN: R1"), "{}", repeat.body);
    repeat.body
}

/// Every spelling of the request gets the same answer, and another content is a conflict.
async fn stands(rig: &Rig, answer: &str, changed: &str) {
    for dest in ["%2B62+896-6052-2887", "089660522887", "6289660522887", "0062-0896.60522887"] {
        for rest in ["", "&qty=1", "&hargamax=1", "&hargamax=x", "&counter=0", "&counter=2"] {
            let got = rig.trx(&format!("product=T1&dest={dest}&refID=114{rest}")).await;
            assert_eq!((got.status, got.body.as_str()), (200, answer), "{changed}: {dest} {rest}");
        }
    }
    let got = rig.trx("product=T1&dest=089660522887&refID=114&check=1").await;
    assert!(got.body.contains("status Sukses. SN: R1"), "{changed}: {}", got.body);
    for other in ["product=T1&dest=089660522888", "product=T9&dest=089660522887"] {
        let got = rig.trx(&format!("{other}&refID=114")).await;
        assert_eq!(got.code(), "ref_conflict", "{changed}: {}", got.body);
    }
    let (status, told) = rig.v1("GET", "/v1/purchases/114", "").await;
    assert_eq!((status, &told["code"]), (200, &json!("success")), "{changed}");
    let body = json!({"ref_id": "114", "product": "T1", "dest": "6289660522887"}).to_string();
    let (status, told) = rig.v1("POST", "/v1/purchases", &body).await;
    assert_eq!((status, &told["code"]), (200, &json!("repeat")), "{changed}: {told}");
}

#[tokio::test]
async fn a_known_ref_is_answered_whatever_became_of_its_product() {
    let rig = rig().await;
    let answer = sold(&rig).await;
    stands(&rig, &answer, "nothing").await;
    let (min, max) = (Qty::new(10_000).unwrap(), Qty::new(20_000).unwrap());
    for rule in ["any", "any+#", "digits:11-12", "digits:3-4", "phone"] {
        for open in [true, false] {
            for denomination in [Denomination::Fixed, Denomination::Open { min, max }] {
                let changed = domain::Product {
                    open,
                    denomination,
                    dest_rule: rule.parse::<DestRule>().unwrap(),
                    name: ProductName::parse("Renamed").unwrap(),
                    cut_off: Some("00:00-23:59".parse().unwrap()),
                    ..product("T1", "x")
                };
                rig.product(changed, 9_999).await;
                stands(&rig, &answer, &format!("{rule} {open} {denomination:?}")).await;
            }
        }
    }
    assert_eq!(rig.balance(1).await, 50_000 - 1_321);
}

#[tokio::test]
async fn an_open_denomination_that_became_fixed_is_still_asked_about() {
    let rig = Rig::new().await;
    rig.product(open_product("BBSDN", "Dana Bebas"), 171).await;
    rig.member("OK00123", 50_000, |_| ()).await;
    rig.answer(DEST, "status=success sn=R1");
    let asked = "product=BBSDN&dest=089660522887&refID=1&qty=15000";
    assert_eq!(rig.trx(asked).await.code(), "accepted");
    rig.callback("1").await;
    rig.product(product("BBSDN", "Dana Bebas"), 171).await;
    assert_eq!(rig.trx(asked).await.code(), "repeat");
    let other = rig.trx("product=BBSDN&dest=089660522887&refID=1&qty=15001").await;
    assert_eq!(other.code(), "ref_conflict");
}

#[tokio::test]
async fn an_inactive_member_still_learns_how_its_purchase_ended() {
    let rig = rig().await;
    let answer = sold(&rig).await;
    rig.member("OK00123", 0, |record| record.member.active = false).await;
    stands(&rig, &answer, "inactive").await;
    let unknown = rig.trx("product=T1&dest=089660522887&refID=115").await;
    assert_eq!(unknown.code(), "member_inactive");
    assert!(unknown.body.contains("GAGAL. Akun tidak aktif"), "{}", unknown.body);
    let unknown = rig.trx("product=T1&dest=089660522887&refID=115&check=1").await;
    assert_eq!(unknown.body, "Akun tidak aktif");
    let (status, told) = rig.v1("GET", "/v1/purchases/115", "").await;
    assert_eq!((status, &told["code"]), (403, &json!("member_inactive")));
    // Nothing is told to who cannot prove to be the member.
    let wrong =
        rig.get("/trx?product=T1&dest=089660522887&refID=114&memberID=OK00123&pin=1&password=1");
    assert_eq!(wrong.await.code(), "wrong_pin");
}

#[tokio::test]
async fn a_full_disk_answers_for_what_it_holds() {
    let rig = rig().await;
    let answer = sold(&rig).await;
    rig.handle.set_full(true);
    stands(&rig, &answer, "full").await;
    let unknown = rig.trx("product=T1&dest=089660522887&refID=115").await;
    assert_eq!((unknown.status, unknown.code()), (503, "busy"));
}

#[tokio::test]
async fn beyond_the_rate_a_purchase_that_succeeded_is_never_called_failed() {
    let rates = Rates { member: NonZeroU32::new(3), ..Rates::default() };
    let rig = Rig::with(GatewaySettings { rates, ..GatewaySettings::default() }).await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |_| ()).await;
    rig.answer(DEST, "status=success sn=R1");
    rig.trx("product=T1&dest=089660522887&refID=114").await;
    rig.callback("114").await;
    let (mut known, mut spent) = (0, 0);
    for number in 0..60 {
        let got = rig.trx("product=T1&dest=089660522887&refID=114").await;
        assert!(!got.body.contains("GAGAL"), "{}", got.body);
        match got.status {
            200 => {
                assert!(got.body.contains("status Sukses"), "{}", got.body);
                known += 1;
            }
            503 => spent += 1,
            other => panic!("{other}"),
        }
        let new = rig.trx(&format!("product=NO&dest=089660522887&refID=n{number}")).await;
        assert!(matches!(new.code(), "unknown_product" | "rate_limited"), "{}", new.code());
        assert_eq!(new.status == 503, new.code() == "rate_limited");
        let json = rig
            .get(&format!(
                "/trx-v2?product=T1&dest=089660522887&refID=114&memberID=OK00123&{SECRETS}"
            ))
            .await;
        let json: serde_json::Value =
            serde_json::from_str(&json.body).unwrap_or_else(|_| panic!("{}", json.body));
        assert_ne!(json["status"], "GAGAL", "{json}");
    }
    assert!(known > 0 && spent > 0, "{known} {spent}");
}

#[tokio::test]
async fn a_field_that_cannot_be_read_refuses_only_what_is_new() {
    let rig = rig().await;
    for (field, name) in [("hargamax=x", "hargamax"), ("counter=0", "counter"), ("qty=1.5", "qty")]
    {
        let got = rig.trx(&format!("product=T1&dest=089660522887&refID=n1&{field}")).await;
        assert_eq!(got.code(), "invalid_parameter");
        assert!(got.body.contains(&format!("GAGAL. Format {name} tidak benar")), "{}", got.body);
    }
    assert_eq!(rig.balance(1).await, 50_000);
}

#[tokio::test]
async fn a_reference_in_a_path_is_decoded_and_never_wrongly_final() {
    let rig = rig().await;
    for (number, ref_id) in ["a/b", "50%off", "a?b", "%41", "x+y&z"].into_iter().enumerate() {
        let body =
            json!({"ref_id": ref_id, "product": "T1", "dest": format!("08966052{number:04}")});
        let (status, told) = rig.v1("POST", "/v1/purchases", &body.to_string()).await;
        assert_eq!(status, 202, "{told}");
        let encoded: String = ref_id.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (_, told) = rig.v1("GET", &format!("/v1/purchases/{encoded}"), "").await;
        assert_eq!(told["purchase"]["ref_id"], ref_id, "{told}");
    }
    // A client that forgot to encode is not told that its purchase never was.
    let (_, told) = rig.v1("GET", "/v1/purchases/%41", "").await;
    assert_eq!(told["purchase"]["ref_id"], "%41", "{told}");
    for unreadable in ["a%20b", "%23", "%C3%A9", "%00"] {
        let (status, told) = rig.v1("GET", &format!("/v1/purchases/{unreadable}"), "").await;
        assert_eq!((status, &told["final"]), (400, &json!(false)), "{told}");
        assert!(told["exists"].is_null(), "{told}");
    }
    let (status, told) = rig.v1("GET", "/v1/purchases/never", "").await;
    assert_eq!((status, &told["final"], &told["exists"]), (404, &json!(true), &json!(false)));
}
