//! Every example of the protocol description, with its clock, numbers and balances, byte for byte.

use super::rig::{Rig, open_product, product};

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.product(product("T5", "Three 5.000"), 6_487).await;
    rig.product(product("S5", "Telkomsel 5.000"), 5_620).await;
    rig.product(open_product("BBSDN", "H2H DANA Topup (Bebas Nominal)"), 171).await;
    rig
}

fn numbered(rig: &Rig, number: i64) {
    rig.next.store(number, std::sync::atomic::Ordering::SeqCst);
}

#[tokio::test]
async fn purchase_and_its_callback() {
    let rig = rig().await;
    rig.member("OK00123", 279_655, |_| ()).await;
    rig.set_time("2023-05-12T19:08:30");
    numbered(&rig, 210_286_229);
    let got = rig.trx("product=T1&dest=089660522887&refID=113").await;
    assert_eq!(
        got.body,
        "T#210286229 R#113 Three 1.000 T1.089660522887 akan diproses. \
         Saldo 279.655 - 1.321 = 278.334 @19:08"
    );
    assert_eq!(got.status, 200);
    for header in [
        "content-type: text/plain; charset=utf-8",
        "cache-control: no-store",
        "x-gerbang-code: accepted",
        "x-gerbang-trx: 210286229",
    ] {
        assert!(got.head.contains(header), "{header} is not in {}", got.head);
    }

    rig.set_time("2023-05-12T19:11:04");
    numbered(&rig, 210_288_912);
    rig.answer("089660522887", "status=success sn=R230512.1911.2100F1");
    rig.trx("product=T1&dest=089660522887&refID=114").await;
    assert_eq!(
        rig.callback("114").await,
        "T#210288912 R#114 Three 1.000 T1.089660522887 SUKSES. SN: R230512.1911.2100F1. \
         Saldo 278.334 - 1.321 = 277.013 @12/05 19:11"
    );
    let urls = rig.callbacks.0.lock().unwrap().clone();
    let encoded =
        "https://toko.example/h2h?refid=114&message=T%23210288912%20R%23114%20Three%201.000";
    assert!(urls.iter().any(|url| url.starts_with(encoded)), "{urls:?}");
}

#[tokio::test]
async fn open_denomination() {
    let rig = rig().await;
    rig.member("OK00123", 43_928_256, |_| ()).await;
    rig.set_time("2023-05-12T19:14:00");
    numbered(&rig, 762_261_897);
    let got = rig.trx("product=BBSDN&dest=085736044280&qty=12345&refID=7777").await;
    assert_eq!(
        got.body,
        "T#762261897 R#7777 H2H DANA Topup (Bebas Nominal) BBSDN.085736044280 , QTY : 12345 \
         akan diproses. Saldo 43.928.256 - 12.516 = 43.915.740 @19:14"
    );
}

#[tokio::test]
async fn failed_callback_shows_the_refunded_balance() {
    let rig = rig().await;
    rig.member("OK00123", 10_795_667, |_| ()).await;
    rig.set_time("2023-05-12T22:15:00");
    numbered(&rig, 41_169_572);
    rig.answer("082280004280", "status=wrong_number Nomor tujuan salah");
    rig.trx("product=S5&dest=082280004280&refID=1235").await;
    assert_eq!(
        rig.callback("1235").await,
        "T#41169572 R#1235 Telkomsel 5.000 S5.082280004280 GAGAL. Nomor tujuan salah. \
         Saldo 10.795.667 @22:15"
    );
    assert_eq!(rig.balance(1).await, 10_795_667);
}

#[tokio::test]
async fn status_checks() {
    let rig = rig().await;
    rig.member("OK00123", 1_000_000, |record| record.member.callback_url = None).await;
    rig.set_time("2025-04-22T18:46:00");
    let fields = "product=T5&dest=08980204060&refID=999";
    let check = format!("{fields}&check=1");
    assert_eq!(
        rig.trx(&check).await.body,
        "TIDAK ADA transaksi Tujuan 08980204060 pada tgl 22/04/2025. Tidak ada data."
    );
    numbered(&rig, 762_221_212);
    rig.trx(fields).await;
    let pending = rig.trx(&check).await;
    assert_eq!(
        pending.body,
        "Mhn tunggu trx sblmnya selesai: T#762221212 R#999 T5.08980204060 @18:46, \
         status Menunggu Jawaban."
    );
    assert_eq!(pending.code(), "pending");

    // The same reference of other members, so that each ends as an example says.
    rig.answer("08980204060", "status=success sn=R25042218462100b7");
    rig.member("OK00124", 1_000_000, |_| ()).await;
    let other = format!("memberID=OK00124&{}", super::rig::SECRETS);
    rig.get(&format!("/trx?{fields}&{other}")).await;
    rig.callback("999").await;
    assert_eq!(
        rig.get(&format!("/trx?{check}&{other}")).await.body,
        "R#999 Three 5.000 T5.08980204060 sudah pernah jam 18:46, status Sukses. \
         SN: R25042218462100b7. Hrg 6.487"
    );
    // A day later the day is said.
    rig.set_time("2025-04-23T06:00:00");
    assert_eq!(
        rig.get(&format!("/trx?{check}&{other}")).await.body,
        "R#999 Three 5.000 T5.08980204060 sudah pernah jam 18:46 tgl 22/04/2025, status Sukses. \
         SN: R25042218462100b7. Hrg 6.487"
    );
}

#[tokio::test]
async fn failed_status_check() {
    let rig = rig().await;
    rig.member("OK00123", 1_000_000, |_| ()).await;
    rig.answer("08980204060", "status=wrong_number Mohon diperiksa kembali No tujuan.");
    let fields = "product=T5&dest=08980204060&refID=999";
    rig.trx(fields).await;
    rig.callback("999").await;
    assert_eq!(
        rig.trx(&format!("{fields}&check=1")).await.body,
        "R#999 Three 5.000 T5.08980204060 sudah pernah jam 18:46, status Gagal. \
         Mohon diperiksa kembali No tujuan."
    );
}

#[tokio::test]
async fn price_list() {
    let rig = rig().await;
    for (code, name, price) in [
        ("SMDC150", "Smart 30GB All + 60GB (01-05) 30 Hari", 134_600),
        ("SMDC10", "Smart 2GB All + 2GB (01-05) + 2GB Chat 7 Hari", 15_050),
        ("SMDC60", "Smart 10GB + 20GB (01-05) 30 Hari", 67_760),
    ] {
        let mut goods = product(code, name);
        goods.group = "Data Smart Combo".to_owned();
        goods.category = "KUOTA SMARTFREN".to_owned();
        rig.product(goods, price).await;
    }
    let got = rig.get("/harga/json?id=905ccd028329b0a").await;
    assert_eq!(got.status, 200);
    for row in [
        r#"{"kode":"SMDC150","keterangan":"Smart 30GB All + 60GB (01-05) 30 Hari","produk":"Data Smart Combo","kategori":"KUOTA SMARTFREN","harga":"134600","status":"1"}"#,
        r#"{"kode":"SMDC10","keterangan":"Smart 2GB All + 2GB (01-05) + 2GB Chat 7 Hari","produk":"Data Smart Combo","kategori":"KUOTA SMARTFREN","harga":"15050","status":"1"}"#,
        r#"{"kode":"SMDC60","keterangan":"Smart 10GB + 20GB (01-05) 30 Hari","produk":"Data Smart Combo","kategori":"KUOTA SMARTFREN","harga":"67760","status":"1"}"#,
    ] {
        assert!(got.body.contains(row), "{row} is not in {}", got.body);
    }
    let one = rig.get("/harga/json?id=905ccd028329b0a&produk=kuota_smartfren").await.body;
    assert!(one.starts_with("[{") && one.ends_with("}]") && !one.contains("Three"), "{one}");

    let unknown = rig.get("/harga/json?id=nobody").await;
    assert_eq!((unknown.status, unknown.body.as_str()), (404, "[]"));
    let tag = got.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let again = format!("If-None-Match: {tag}\r\n");
    let target = "/harga/json?id=905ccd028329b0a";
    let again = super::rig::get_with(rig.address, target, &again).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}

#[tokio::test]
async fn balance_and_json() {
    let rig = rig().await;
    rig.member("OK00123", 279_655, |_| ()).await;
    for path in ["/trx/balance", "/balance", "/Balance/"] {
        let got = rig.get(&format!("{path}?memberID=ok00123&{}", super::rig::SECRETS)).await;
        assert_eq!(got.body, "Saldo 279.655");
    }
    numbered(&rig, 762_221_212);
    let who = format!("memberID=OK00123&{}", super::rig::SECRETS);
    let bought = rig.get(&format!("/trx-v2?product=T1&dest=089660522887&refID=1&{who}")).await.body;
    let json: serde_json::Value = serde_json::from_str(&bought).unwrap();
    assert_eq!(json["status"], "PENDING");
    assert_eq!(json["refid"], "1");
    assert_eq!(json["trxid"], "762221212");
    assert_eq!(
        json["message"],
        "T#762221212 R#1 Three 1.000 T1.089660522887 akan diproses. \
         Saldo 279.655 - 1.321 = 278.334 @18:46"
    );
    // The mis-joined base URL, and a form instead of a query.
    let joined = rig.get(&format!("/trx/trx?product=T1&dest=089660522887&refID=1&{who}")).await;
    assert_eq!(joined.body, json["message"].as_str().unwrap());
    let form = format!("product=T1&dest=089660522887&refID=1&{who}");
    let post = format!(
        "POST /trx HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = super::rig::raw(rig.address, post.as_bytes()).await;
    assert!(answer.ends_with(json["message"].as_str().unwrap()), "{answer}");
    assert_eq!(rig.balance(1).await, 278_334);
}

#[tokio::test]
async fn wording_is_the_members_choice() {
    let rig = rig().await;
    rig.member("OK00123", 279_655, |record| {
        record.member.wording =
            domain::Wording { sedang: true, sn_ref: true, ..domain::Wording::default() };
    })
    .await;
    rig.answer("089660522887", "status=success sn=R1");
    let got = rig.trx("product=T1&dest=089660522887&refID=1").await;
    assert!(got.body.contains(" sedang diproses. "), "{}", got.body);
    assert!(rig.callback("1").await.contains(" SUKSES. SN/Ref: R1. "));
}
