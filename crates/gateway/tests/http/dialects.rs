//! Habits of other centers, each a switch of one member and off by itself.

use super::rig::{Rig, SECRETS, product};
use gateway::GatewaySettings;

const DEST: &str = "089660522887";

async fn rig(dialect: &str) -> Rig {
    let rig = Rig::new().await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |record| record.member.dialect = dialect.parse().unwrap()).await;
    rig.answer(DEST, "status=success sn=R1");
    rig.answer("089660522888", "status=failed reason=Nomor+tujuan+salah");
    rig
}

async fn buy(rig: &Rig, dest: &str, ref_id: &str) -> String {
    rig.trx(&format!("product=T1&dest={dest}&refID={ref_id}")).await.body
}

#[tokio::test]
async fn a_repeat_says_what_the_member_expects() {
    for (dialect, accept, check) in
        [("", false, true), ("repeat-accept", true, false), ("repeat-check", false, true)]
    {
        let rig = rig(dialect).await;
        let first = buy(&rig, DEST, "1").await;
        assert!(first.contains("akan diproses"), "{first}");
        rig.callback("1").await;
        let again = buy(&rig, DEST, "1").await;
        assert_eq!(again == first, accept, "{dialect}: {again}");
        assert_eq!(again.contains("status Sukses. SN: R1"), check, "{dialect}: {again}");
        // A refused purchase is never told as accepted.
        rig.trx("product=T1&dest=021555667&refID=2").await;
        let again = buy(&rig, "021555667", "2").await;
        let wanted = if dialect == "repeat-check" { "status Gagal. " } else { "GAGAL. " };
        assert!(again.contains(wanted) && !again.contains("diproses"), "{dialect}: {again}");
    }
    let rig = rig("repeat-check").await;
    rig.answer("089660522889", "status=pending");
    buy(&rig, "089660522889", "3").await;
    let again = buy(&rig, "089660522889", "3").await;
    assert!(again.starts_with("Mhn tunggu trx sblmnya selesai: T#"), "{again}");
}

#[tokio::test]
async fn a_question_may_name_only_its_reference() {
    let who = format!("memberID=OK00123&{SECRETS}");
    let asked = |path: &str, ref_id: &str| format!("{path}?refID={ref_id}&{who}");
    let plain = rig("").await;
    assert_eq!(plain.get(&asked("/trx/status", "1")).await.status, 404);
    let refused = plain.get(&format!("{}&check=1", asked("/trx", "1"))).await;
    assert_eq!(refused.body, "Parameter kurang: product");

    let rig = rig("check-by-ref").await;
    buy(&rig, DEST, "1").await;
    rig.callback("1").await;
    for target in [asked("/trx/status", "1"), format!("{}&check=1", asked("/trx", "1"))] {
        let got = rig.get(&target).await;
        assert!(got.body.contains("status Sukses. SN: R1"), "{}", got.body);
    }
    let unknown = rig.get(&asked("/trx/status", "2")).await;
    assert_eq!(unknown.code(), "no_data");
    assert!(unknown.body.starts_with("TIDAK ADA transaksi Tujuan ---"), "{}", unknown.body);
    // The sign of a question with fewer fields covers them empty.
    let sign = wire::sign_trx("OK00123", "", "", "1", "123456", "secret");
    let got = rig.get(&format!("/trx/status?refID=1&memberID=OK00123&sign={sign}")).await;
    assert!(got.body.contains("status Sukses"), "{}", got.body);
    // A purchase names everything, and a reference is demanded always.
    assert_eq!(rig.get(&asked("/trx", "3")).await.code(), "missing_parameter");
    let none = rig.get(&format!("/trx/status?{who}")).await;
    assert_eq!(none.body, "Parameter kurang: refID");
}

#[tokio::test]
async fn refusals_and_failed_checks_as_another_center_prints_them() {
    let other = rig("no-balance failed-price").await;
    let usual = rig("").await;
    for (rig, balance, price) in [(&other, false, true), (&usual, true, false)] {
        let refused = rig.trx("product=NO&dest=089660522887&refID=1").await.body;
        assert_eq!(refused.contains("Saldo"), balance, "{refused}");
        assert!(refused.contains("GAGAL. Kode produk salah"), "{refused}");
        buy(rig, "089660522888", "2").await;
        rig.callback("2").await;
        let failed = rig.trx("product=T1&dest=089660522888&refID=2&check=1").await.body;
        assert!(failed.contains(", status Gagal. "), "{failed}");
        assert_eq!(failed.ends_with(". Hrg 1.321"), price, "{failed}");
    }
}

#[tokio::test]
async fn other_names_of_parameters() {
    let who = format!("memberID=OK00123&{SECRETS}");
    let target = format!("/trx?produk=T1&tujuan={DEST}&amount=1&refID=1&{who}");
    let plain = rig("").await;
    assert_eq!(plain.get(&target).await.code(), "missing_parameter");
    assert_eq!(plain.get(&format!("/saldo?{who}")).await.status, 404);
    let rig = rig("aliases").await;
    assert_eq!(rig.get(&target).await.code(), "accepted");
    assert_eq!(rig.get(&format!("/saldo?{who}")).await.body, "Saldo 48.679");
    let twice = rig.get(&format!("{target}&dest=089660522888")).await;
    assert_eq!(twice.code(), "duplicate_parameter");
}

#[tokio::test]
async fn a_balance_is_signed_in_two_ways_and_four_spellings() {
    let rig = rig("").await;
    let bars = wire::sign_balance_bars("OK00123", "123456", "secret");
    let ours = wire::sign_balance("OK00123", "123456", "secret");
    for sign in [&bars, &ours] {
        let standard = sign.replace('-', "+").replace('_', "/");
        for sent in [
            sign.clone(),
            format!("{sign}%3D"),
            standard.replace('+', "%2B").replace('/', "%2F"),
            format!("{standard}="),
        ] {
            let got = rig.get(&format!("/trx/balance?memberID=OK00123&sign={sent}")).await;
            assert_eq!(got.body, "Saldo 50.000", "{sent}");
        }
    }
    let wrong = rig.get("/trx/balance?memberID=OK00123&sign=====").await;
    assert_eq!(wrong.body, "R# . GAGAL. Sign Salah");
}

#[tokio::test]
async fn json_says_price_and_ends_for_who_is_not_let_in() {
    let rig = rig("").await;
    let v2 = async |target: String| -> serde_json::Value {
        serde_json::from_str(&rig.get(&target).await.body).unwrap()
    };
    let trx =
        |who: &str, ref_id: &str| format!("/trx-v2?product=T1&dest={DEST}&refID={ref_id}&{who}");
    let good = format!("memberID=OK00123&{SECRETS}");
    let bought = v2(trx(&good, "1")).await;
    assert_eq!((&bought["status"], &bought["price"]), (&"PENDING".into(), &1_321.into()));
    for who in [
        "memberID=OK00123&pin=1&password=secret",
        "memberID=OK00123&pin=123456&password=1",
        "memberID=OK00123&sign=x",
        "memberID=OK99999&pin=1&password=1",
    ] {
        for check in ["", "&check=1"] {
            let told = v2(trx(&format!("{who}{check}"), "1")).await;
            assert_eq!((&told["status"], &told["price"]), (&"GAGAL".into(), &0.into()), "{told}");
            // The lock is not what is tried here.
            v2(trx(&good, "1")).await;
        }
        let balance = v2(format!("/trx-v2/balance?{who}")).await;
        assert_eq!(balance["status"], "GAGAL");
        assert!(balance["balance"].is_null());
        let text = rig.get(&format!("/trx/balance?{who}")).await.body;
        assert!(text.starts_with("R# . GAGAL. "), "{text}");
        v2(trx(&good, "1")).await;
    }
    let balance = v2(format!("/trx-v2/balance?{good}")).await;
    assert_eq!(balance["status"], "SUKSES");
    assert_eq!(
        (&balance["balance"], &balance["message"]),
        (&48_679.into(), &"Saldo 48.679".into())
    );
    rig.member("OK00123", 0, |record| record.member.active = false).await;
    assert_eq!(v2(trx(&good, "9")).await["status"], "GAGAL");
    assert_eq!(v2(trx(&format!("{good}&check=1"), "9")).await["status"], "GAGAL");
    assert_ne!(v2(trx(&good, "1")).await["status"], "GAGAL");
}

#[tokio::test]
async fn a_shop_may_name_categories_its_own_way() {
    let aliases = [("saldo_gojek".to_owned(), vec!["dompet_digital".to_owned()])];
    let settings = GatewaySettings {
        category_aliases: aliases.into_iter().collect(),
        ..GatewaySettings::default()
    };
    let rig = Rig::with(settings).await;
    let mut gopay = product("GPY10", "Gopay 10.000");
    gopay.category = "DOMPET DIGITAL".to_owned();
    rig.product(gopay, 11_000).await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    for (produk, rows) in [("saldo_gojek", 1), ("dompet_digital", 1), ("saldo_ovo", 0)] {
        let got = rig.get(&format!("/harga/json?id=905ccd028329b0a&produk={produk}")).await;
        let list: Vec<serde_json::Value> = serde_json::from_str(&got.body).unwrap();
        assert_eq!(list.len(), rows, "{produk}");
    }
}
