//! The text protocol upstream.

use super::{ask, connector, ok, word};
use suppliers::{Inbound, Movement, Reply};
use types::Rupiah;

const SETTINGS: &str = "[okeconnect]\nbase='https://h2h.example'\nmember='OK00123'\npin='123456'\n\
    password='secret'\nlist_id='905'\nref_prefix='g-'\nlimit_price=true\n";

#[test]
fn requests() {
    let connector = connector(SETTINGS);
    let ask = ask("t1", "089660522887");
    let buy = connector.buy(&ask).unwrap();
    assert_eq!(
        buy.url,
        "https://h2h.example/trx?product=T1&dest=089660522887&refID=g-100000001-1\
         &memberID=OK00123&hargamax=1321&pin=123456&password=secret"
    );
    assert!(buy.redacted.ends_with("&pin=***&password=***"), "{}", buy.redacted);
    assert_eq!(buy.method, "GET");
    assert!(connector.check(&ask).unwrap().url.contains("&check=1&"));
    assert!(connector.prices().unwrap().url.ends_with("/harga/json?id=905"));
    let balance = connector.balance().unwrap();
    let wanted = "https://h2h.example/trx/balance?memberID=OK00123&pin=123456&password=secret";
    assert_eq!((balance.method, balance.url.as_str()), ("GET", wanted));
    let signed = SETTINGS.replace("list_id", "signed=true\nlist_id");
    let signed = super::connector(&signed).buy(&ask).unwrap();
    assert!(signed.url.contains("&sign=") && !signed.url.contains("secret"), "{}", signed.url);
}

#[test]
fn replies_to_a_purchase() {
    let connector = connector(SETTINGS);
    let ask = ask("t1", "089660522887");
    for (body, wanted) in [
        (
            "T#2 R#g-100000001-1 Three 1.000 T1.089660522887 akan diproses. Saldo 279.655 - 1.321 = 278.334 @19:08",
            "pending",
        ),
        (
            "Mhn tunggu trx sblmnya selesai: T#2 R#g-100000001-1 T1.089660522887 @18:46, status Menunggu Jawaban.",
            "pending",
        ),
        (
            "R#g-100000001-1 Three 1.000 T1.089660522887 SUKSES. SN: R1.2. Hrg 1.321",
            "success R1.2 for 1.321",
        ),
        (
            "R#g-100000001-1 T1.089660522887 GAGAL. Nomor tujuan salah. Saldo 1 @19:08",
            "number: Nomor tujuan salah",
        ),
        (
            "R#g-100000001-1 T1.089660522887 GAGAL. Produk sedang gangguan",
            "route: Produk sedang gangguan",
        ),
        (
            "R#g-100000001-1 T1.089660522887 GAGAL. Deposit tidak mencukupi. Saldo 1 @19:08",
            "route: Deposit tidak mencukupi",
        ),
        ("R#g-100000001-1 T1.089660522887 GAGAL karena timeout. Saldo 1", "unknown"),
        (
            "R#g-100000001-1 T1.089660522887 GAGAL. RefID sudah dipakai untuk transaksi lain",
            "unknown",
        ),
        ("R#0 T1.089660522887 GAGAL. Pin Salah", "route: Pin Salah"),
        ("IP tidak sesuai @203.0.113.1", "route: IP tidak sesuai @203.0.113.1"),
        // About somebody else, or nothing that is known: ask.
        (
            "T#2 R#g-100000009-1 Three 1.000 T1.089660522887 akan diproses. Saldo 2 - 1 = 1 @19:08",
            "unknown",
        ),
        // Our reference over another number, on our own connection: somebody used it before us.
        ("R#g-100000001-1 T1.081111111111 GAGAL. Nomor tujuan salah", "doubtful"),
        ("TIDAK ADA transaksi Tujuan 089660522887 pada tgl 22/04/2025. Tidak ada data.", "unknown"),
        ("<html>502 Bad Gateway</html>", "unknown"),
        ("", "unknown"),
        ("Saldo 1.000", "unknown"),
    ] {
        assert_eq!(word(&connector.read_buy(&ask, &ok(body))), wanted, "{body}");
    }
    let reply = |status, body: &str| Reply { status, body: body.to_owned(), ..Reply::default() };
    let busy = reply(503, "Sistem sibuk, ulangi dengan refID yang sama");
    assert_eq!(word(&connector.read_buy(&ask, &busy)), "unknown");
    let moved = reply(302, "R#g-100000001-1 T1.089660522887 GAGAL. Nomor tujuan salah");
    assert_eq!(word(&connector.read_buy(&ask, &moved)), "unknown");
}

#[test]
fn replies_to_a_check() {
    let connector = connector(SETTINGS);
    let ask = ask("t1", "089660522887");
    for (body, wanted) in [
        (
            "R#g-100000001-1 Three 1.000 T1.089660522887 sudah pernah jam 19:08, status Gagal. Mohon diperiksa kembali No tujuan.",
            "number: Mohon diperiksa kembali No tujuan",
        ),
        (
            "R#g-100000001-1 Three 1.000 T1.089660522887 sudah pernah jam 19:08, status Sukses. SN: R1. Hrg 1.321 Trx ke-2 gunakan format yang benar. Saldo 278.334",
            "success R1 for 1.321",
        ),
        // Errors about us say nothing of the purchase.
        ("Pin Salah", "unknown"),
        ("R#0 T1.089660522887 GAGAL. Pin Salah", "unknown"),
        ("IP tidak sesuai @203.0.113.1", "unknown"),
        ("TIDAK ADA transaksi Tujuan 089660522887 pada tgl 22/04/2025. Tidak ada data.", "unknown"),
    ] {
        assert_eq!(word(&connector.read_check(&ask, &ok(body))), wanted, "{body}");
    }
}

#[test]
fn no_data_is_proof_only_where_it_is_said_and_late_enough() {
    let body = "TIDAK ADA transaksi Tujuan 089660522887 pada tgl 22/04/2025. Tidak ada data.";
    let connector = connector(&format!("{SETTINGS}no_data_is_proof=true\n"));
    let mut ask = ask("t1", "089660522887");
    assert!(word(&connector.read_check(&ask, &ok(body))).starts_with("route: "));
    // What counts is how long ago it was sent, whatever the wall clock says of that.
    for waited_ms in [59_000, 60_000] {
        ask.waited_ms = waited_ms;
        assert_eq!(word(&connector.read_check(&ask, &ok(body))), "unknown", "{waited_ms}");
    }
    ask.waited_ms = 60_001;
    assert!(word(&connector.read_check(&ask, &ok(body))).starts_with("route: "));
    // Without a sent-marker nothing is known of how long ago it was.
    ask.sent = None;
    assert_eq!(word(&connector.read_check(&ask, &ok(body))), "unknown");
}

#[test]
fn callbacks() {
    let connector = connector(SETTINGS);
    let ask = ask("t1", "089660522887");
    let inbound = |refid: &str, message: &str| {
        let url = wire::callback_url("http://x/", refid, message);
        Inbound { query: url.split_once('?').unwrap().1.to_owned(), ..Inbound::default() }
    };
    let good = inbound(
        "g-100000001-1",
        "T#1 R#g-100000001-1 Three 1.000 T1.089660522887 SUKSES. SN: R1. Saldo 3.000 - 1.300 = 1.700 @12/05 19:11",
    );
    assert_eq!(connector.callback_about(&good).unwrap(), suppliers::About::Attempt(ask.attempt));
    assert_eq!(word(&connector.read_callback(&ask, &good)), "success R1 for 1.300");
    // As it would be called in: a text alone, or the whole query.
    let query = good.query.clone();
    assert_eq!(connector.callback_of(&ask, &query), good);
    let (_, text) = wire::callback_query(query.as_bytes()).unwrap();
    assert_eq!(connector.callback_of(&ask, &text), good);
    // A success repeats the movement of its purchase; a failure tells what is left.
    assert_eq!(connector.told(&good), None);
    let failed = inbound("g-100000001-1", "R#g-100000001-1 T1.089660522887 GAGAL. Saldo 3.000");
    let left = Movement { before: None, price: None, after: Rupiah::new(3_000) };
    assert_eq!(connector.told(&failed), Some(left));
    for (refid, message) in [("100000001-1", "x"), ("g-x", "x"), ("", "x")] {
        assert!(connector.callback_about(&inbound(refid, message)).is_err(), "{refid}");
    }
    let swapped = inbound(
        "g-100000001-1",
        "T#1 R#other Three 1.000 T1.089660522887 SUKSES. SN: R1. Saldo 3.000 - 1.300 = 1.700 @12/05 19:11",
    );
    assert_eq!(word(&connector.read_callback(&ask, &swapped)), "unknown");
}

#[test]
fn balance_prices_and_movements() {
    let connector = connector(SETTINGS);
    assert_eq!(connector.read_balance(&ok("Saldo 284.939")).unwrap(), Rupiah::new(284_939));
    assert!(connector.read_balance(&ok("Pin Salah")).is_err());
    let failed = Reply { status: 500, body: "[]".to_owned(), ..Reply::default() };
    assert!(connector.read_prices(&failed).is_err());
    let list = r#"[{"kode":"T1","keterangan":"Three","produk":"","kategori":"","harga":"1250","status":"0"}]"#;
    let prices = connector.read_prices(&ok(list)).unwrap().rows;
    assert_eq!((prices[0].price, prices[0].open), (Rupiah::new(1_250), false));
    let text = "T#2 R#1 Three 1.000 T1.0896 akan diproses. Saldo 279.655 - 1.321 = 278.334 @19:08";
    let (before, price, after) = (279_655, 1_321, 278_334);
    let rp = Rupiah::new;
    let wanted = Movement { before: Some(rp(before)), price: Some(rp(price)), after: rp(after) };
    assert_eq!(connector.movement(text), Some(wanted));
}

/// One odd row loses that row; amounts are read in any of their forms.
#[test]
fn an_odd_row_of_a_price_list_is_lost_alone() {
    let connector = connector(SETTINGS);
    let list = concat!(
        r#"[{"kode":"S1","keterangan":"Uji","produk":"u","kategori":"k","harga":"9100","status":"1"},"#,
        r#"{"kode":"ZZ","keterangan":null,"produk":"u","kategori":"k","harga":"1","status":"1"},"#,
        r#"{"kode":"A1","harga":"1.321,000","status":1},{"kode":"A2","harga":"Rp 1.321,-"},"#,
        r#"{"kode":"A3","harga":1321.5,"status":"0"},{"kode":"A4","harga":"1.321,50"},"#,
        r#"{"kode":"B1","harga":"mahal"},{"kode":"B2"},{"kode":"B 3","harga":"1"},null]"#,
    );
    let list = connector.read_prices(&ok(list)).unwrap();
    let told: Vec<_> =
        list.rows.iter().map(|row| (row.sku.as_str(), row.price.get(), row.open)).collect();
    assert_eq!(
        told,
        [
            ("S1", 9_100, true),
            ("ZZ", 1, true),
            ("A1", 1_321, true),
            ("A2", 1_321, true),
            ("A3", 1_322, false),
            ("A4", 1_322, true),
        ]
    );
    assert_eq!(list.odd.len(), 4, "{:?}", list.odd);
    for (code, why) in
        [("B1", "harga: `mahal`"), ("B2", "no `harga`"), ("B 3", "sku"), ("row 10", "")]
    {
        assert!(list.odd.iter().any(|odd| odd.contains(code) && odd.contains(why)), "{code}");
    }
}
