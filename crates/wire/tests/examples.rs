//! Every example of the protocol description, byte for byte, both ways; and lines captured in the field.
#![allow(clippy::unwrap_used)]

use types::*;
use wire::*;

fn at(hour: u8, minute: u8) -> CivilTime {
    CivilTime { year: 2025, month: 4, day: 22, hour, minute, second: 0 }
}

fn head(ref_id: &str, name: &str, product: &str, dest: &str) -> Head {
    Head {
        ref_id: RefId::parse(ref_id).unwrap(),
        name: ProductName::parse(name).unwrap(),
        product: ProductCode::parse(product).unwrap(),
        dest: Dest::parse(dest).unwrap(),
    }
}

fn rp(value: i64) -> Rupiah {
    Rupiah::new(value)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn accept_fixed() {
    let text = "T#210286229 R#113 Three 1.000 T1.089660522887 akan diproses. Saldo 279.655 - 1.321 = 278.334 @19:08";
    let reply = Reply::Accepted {
        trx: TrxNo::new(210_286_229),
        head: head("113", "Three 1.000", "T1", "089660522887"),
        qty: None,
        before: rp(279_655),
        price: rp(1_321),
        after: rp(278_334),
        at: at(19, 8),
    };
    assert_eq!(reply.text(Phrase::default()), text);
    let reading = read(text);
    assert_eq!(
        reading,
        Reading {
            status: Status::Accepted,
            trx: some("210286229"),
            ref_id: some("113"),
            name: some("Three 1.000"),
            product: some("T1"),
            dest: some("089660522887"),
            before: Some(rp(279_655)),
            price: Some(rp(1_321)),
            balance: Some(rp(278_334)),
            time: some("19:08"),
            ..Reading::default()
        }
    );
}

#[test]
fn accept_open() {
    let text = "T#762261897 R#7777 H2H DANA Topup (Bebas Nominal) BBSDN.085736044280 , QTY : 12345 akan diproses. Saldo 43.928.256 - 12.516 = 43.915.740 @19:14";
    let reply = Reply::Accepted {
        trx: TrxNo::new(762_261_897),
        head: head("7777", "H2H DANA Topup (Bebas Nominal)", "BBSDN", "085736044280"),
        qty: Qty::new(12_345),
        before: rp(43_928_256),
        price: rp(12_516),
        after: rp(43_915_740),
        at: at(19, 14),
    };
    assert_eq!(reply.text(Phrase::default()), text);
    let reading = read(text);
    assert_eq!(reading.qty, Some(12_345));
    assert_eq!(reading.name, some("H2H DANA Topup (Bebas Nominal)"));
    assert_eq!(reading.dest, some("085736044280"));
}

#[test]
fn callback_success() {
    let text = "T#210288912 R#114 Three 1.000 T1.089660522887 SUKSES. SN: R230512.1911.2100F1. Saldo 278.334 - 1.321 = 277.013 @12/05 19:11";
    let callback = CallbackText::Success {
        trx: TrxNo::new(210_288_912),
        head: head("114", "Three 1.000", "T1", "089660522887"),
        sn: Sn::parse("R230512.1911.2100F1").unwrap(),
        before: rp(278_334),
        price: rp(1_321),
        after: rp(277_013),
        at: CivilTime { year: 2023, month: 5, day: 12, hour: 19, minute: 11, second: 59 },
    };
    assert_eq!(callback.text(Phrase::default()), text);
    let reading = read(text);
    assert_eq!(reading.status, Status::Success);
    assert_eq!(reading.sn, some("R230512.1911.2100F1"));
    assert_eq!((reading.date, reading.time), (some("12/05"), some("19:11")));
    assert_eq!(reading.balance, Some(rp(277_013)));
    let other =
        Phrase { processing: Processing::Sedang, sn_label: SnLabel::SnRef, ..Phrase::default() };
    assert_eq!(callback.text(other), text.replace("SN: ", "SN/Ref: "));
    assert_eq!(read(&callback.text(other)).sn, some("R230512.1911.2100F1"));
}

#[test]
fn callback_failed() {
    let text = "T#41169572 R#1235 Telkomsel 5.000 S5.082280004280 GAGAL. Nomor tujuan salah. Saldo 10.795.667 @22:15";
    let callback = CallbackText::Failed {
        trx: TrxNo::new(41_169_572),
        head: head("1235", "Telkomsel 5.000", "S5", "082280004280"),
        reason: Reason::clean("Nomor tujuan salah."),
        balance: rp(10_795_667),
        at: at(22, 15),
    };
    assert_eq!(callback.text(Phrase::default()), text);
    assert_eq!(
        read(text),
        Reading {
            status: Status::Failed,
            trx: some("41169572"),
            ref_id: some("1235"),
            name: some("Telkomsel 5.000"),
            product: some("S5"),
            dest: some("082280004280"),
            reason: some("Nomor tujuan salah"),
            balance: Some(rp(10_795_667)),
            time: some("22:15"),
            ..Reading::default()
        }
    );
}

#[test]
fn check_answers() {
    let three = || head("999", "Three 5.000", "T5", "08980204060");
    let success = "R#999 Three 5.000 T5.08980204060 sudah pernah jam 18:46, status Sukses. SN: R25042218462100b7. Hrg 6.487";
    let reply = Reply::CheckSuccess {
        trx: TrxNo::new(1),
        head: three(),
        at: at(18, 46),
        today: true,
        sn: Sn::parse("R25042218462100b7").unwrap(),
        price: rp(6_487),
    };
    assert_eq!(reply.text(Phrase::default()), success);
    let reading = read(success);
    assert_eq!(reading.status, Status::Success);
    assert_eq!(reading.sn, some("R25042218462100b7"));
    assert_eq!(reading.price, Some(rp(6_487)));
    assert_eq!(reading.time, some("18:46"));

    let failed = "R#999 Three 5.000 T5.08980204060 sudah pernah jam 18:46, status Gagal. Mohon diperiksa kembali No tujuan.";
    let reply = Reply::CheckFailed {
        trx: TrxNo::new(1),
        head: three(),
        at: at(18, 46),
        today: true,
        reason: Reason::clean("Mohon diperiksa kembali No tujuan."),
        price: rp(6_487),
    };
    assert_eq!(reply.text(Phrase::default()), failed);
    let priced = Phrase { failed_price: true, ..Phrase::default() };
    assert_eq!(reply.text(priced), format!("{failed} Hrg 6.487"));
    assert_eq!(read(failed).status, Status::Failed);
    assert_eq!(read(failed).reason, some("Mohon diperiksa kembali No tujuan"));

    let pending = "Mhn tunggu trx sblmnya selesai: T#762221212 R#999 T5.08980204060 @18:46, status Menunggu Jawaban.";
    let reply = Reply::CheckPending {
        trx: Some(TrxNo::new(762_221_212)),
        ref_id: RefId::parse("999").unwrap(),
        product: ProductCode::parse("T5").unwrap(),
        dest: Dest::parse("08980204060").unwrap(),
        at: at(18, 46),
    };
    assert_eq!(reply.text(Phrase::default()), pending);
    let reading = read(pending);
    assert_eq!(reading.status, Status::Pending);
    assert_eq!((reading.trx, reading.ref_id), (some("762221212"), some("999")));

    let none = "TIDAK ADA transaksi Tujuan 08980204060 pada tgl 22/04/2025. Tidak ada data.";
    let reply = Reply::NoData { dest: Dest::parse("08980204060").unwrap(), on: at(0, 0) };
    assert_eq!(reply.text(Phrase::default()), none);
    assert_eq!(read(none).status, Status::NoData);
    assert_eq!(read(none).date, some("22/04/2025"));
}

#[test]
fn an_earlier_day_is_named() {
    let reply = Reply::CheckSuccess {
        trx: TrxNo::new(1),
        head: head("999", "Three 5.000", "T5", "08980204060"),
        at: at(18, 46),
        today: false,
        sn: Sn::parse("R2").unwrap(),
        price: rp(6_487),
    };
    let text = reply.text(Phrase::default());
    assert_eq!(
        text,
        "R#999 Three 5.000 T5.08980204060 sudah pernah jam 18:46 tgl 22/04/2025, status Sukses. SN: R2. Hrg 6.487"
    );
    assert_eq!(read(&text).date, some("22/04/2025"));
    assert_eq!(read(&text).status, Status::Success);
}

#[test]
fn balance_and_refusals() {
    assert_eq!(Reply::Balance(rp(284_939)).text(Phrase::default()), "Saldo 284.939");
    assert_eq!(read("Saldo 284.939").balance, Some(rp(284_939)));
    let echo = || Echo { ref_id: "0".into(), product: "T1".into(), dest: "089660522887".into() };
    let reply = Reply::Refused { echo: echo(), reason: reason(&Refusal::WrongPin), balance: None };
    assert_eq!(reply.text(Phrase::default()), "R#0 T1.089660522887 GAGAL. Pin Salah");
    let reply = Reply::Refused {
        echo: echo(),
        reason: reason(&Refusal::InsufficientBalance),
        balance: Some((rp(1_000), at(7, 5))),
    };
    let text = reply.text(Phrase::default());
    assert_eq!(text, "R#0 T1.089660522887 GAGAL. Deposit tidak mencukupi. Saldo 1.000 @07:05");
    assert_eq!(read(&text).status, Status::Failed);
    assert_eq!(read(&text).reason, some("Deposit tidak mencukupi"));
}

#[test]
fn price_list_of_the_seed() {
    let text = r#"[{"kode":"SMDC150","keterangan":"Smart 30GB All + 60GB (01-05) 30 Hari","produk":"Data Smart Combo","kategori":"KUOTA SMARTFREN","harga":"134600","status":"1"},{"kode":"SMDC10","keterangan":"Smart 2GB All + 2GB (01-05) + 2GB Chat 7 Hari","produk":"Data Smart Combo","kategori":"KUOTA SMARTFREN","harga":"15050","status":"1"}]"#;
    let wire::PriceRows { rows, odd } = read_price_list(text.as_bytes()).unwrap();
    assert_eq!((rows.len(), odd.len()), (2, 0));
    assert_eq!(print_price_list(&rows), text);
    assert_eq!(slug("KUOTA SMARTFREN"), "kuota_smartfren");
}

/// A row that says nothing is lost alone; a field of another type is no reason.
#[test]
fn odd_rows_of_a_price_list() {
    let text = concat!(
        "\u{feff}[",
        r#"{"kode":"S1","keterangan":"Uji","produk":"u","kategori":"k","harga":"9100","status":"1"},"#,
        r#"{"kode":"Z1","keterangan":null,"produk":null,"kategori":7,"harga":"1.321,00","status":null},"#,
        r#"{"kode":55,"harga":9100.50,"status":0},"#,
        r#"{"kode":"Z2","harga":1.321,"status":true},"#,
        r#"{"kode":"Z3","harga":null},{"harga":"1"},7,null,"#,
        r#"{"kode":"Z4","harga":1e99},{"kode":"A","kode":"B","harga":"1"},"#,
        "{\"kode\":\"Z5\",\"keterangan\":\"two\nlines\",\"harga\":\"5\"}]"
    );
    let list = read_price_list(text.as_bytes()).unwrap();
    let told: Vec<_> = list
        .rows
        .iter()
        .map(|row| [&row.kode, &row.harga, &row.status].map(String::as_str))
        .collect();
    let wanted = [
        ["S1", "9100", "1"],
        ["Z1", "1.321,00", "1"],
        ["55", "9101", "0"],
        ["Z2", "2", "1"],
        ["Z5", "5", "1"],
    ];
    assert_eq!(told, wanted);
    assert_eq!(list.odd.len(), 6, "{:?}", list.odd);
    assert_eq!(list.odd[0], "row 5 (Z3): it has no `harga`");
    assert!(list.odd[3].starts_with("row 8: "), "{:?}", list.odd);
    for text in ["", "{}", "[", "7", "null"] {
        assert!(read_price_list(text.as_bytes()).is_err(), "{text}");
    }
}

/// Lines captured in the field (WIRE.md section 7).
#[test]
fn field_samples() {
    use Status::*;
    type Row = (&'static str, Status, &'static str, Option<&'static str>, Option<i64>);
    // text, status, destination, SN or reason, balance
    let rows: &[Row] = &[
        (
            "R#113 Three 1.000 T1.089660522887 sudah pernah jam 19:08, status Sukses. SN: R230512.1908.2000FE. Hrg 1.321 Trx ke-2 gunakan format yang benar. Saldo 278.334",
            Success,
            "089660522887",
            Some("R230512.1908.2000FE"),
            Some(278_334),
        ),
        (
            "R#999 Three 5.000 T5.08980204060 sudah pernah jam 18:46, status Gagal. Mohon diperiksa kembali No tujuan sebelum di ulang. Hrg 6.487 Trx ke-2 gunakan format yang benar. Saldo 43.941.230",
            Failed,
            "08980204060",
            Some("Mohon diperiksa kembali No tujuan sebelum di ulang"),
            Some(43_941_230),
        ),
        (
            "T#41168891 R#1234 Telkomsel 5.000 S5.082280004280 SUKSES. SN/Ref: R210630.2203.210045. Saldo 10.795.667 - 1.275 = 10.794.392 @30/06 22:03",
            Success,
            "082280004280",
            Some("R210630.2203.210045"),
            Some(10_794_392),
        ),
        (
            "T#1216408511 R#7ae8121e-a66f-4de6-9a63-05ddf3cbdd95 Dana 1.000 D1.085100000000 SUKSES. SN: DNID NAMA/1000/20260524101214810301. Saldo 14.342 - 1.038 = 13.304 @24/05 07:31",
            Success,
            "085100000000",
            Some("DNID NAMA/1000/20260524101214810301"),
            Some(13_304),
        ),
        (
            "T#373572205 R#365528 H2H Token PLN 100.000 PLNF100.86024157967 SUKSES. SN: 0143 4804 9579 5519 9674/NAMA/R1/1300 VA/63,0KWH/PLNREF:1TKT/IDPEL:181800619334/RPTOKEN:90.909,00/PPN:0,00/PPJ:9.091,00/MATERAI:0,00. Saldo 2.304.523 - 100.020 = 2.204.503 @05/02 20:59",
            Success,
            "86024157967",
            Some(
                "0143 4804 9579 5519 9674/NAMA/R1/1300 VA/63,0KWH/PLNREF:1TKT/IDPEL:181800619334/RPTOKEN:90.909,00/PPN:0,00/PPJ:9.091,00/MATERAI:0,00",
            ),
            Some(2_204_503),
        ),
        (
            "T#373620702 R#2500368 Freedom Mini 2,5GB 5 Hari IFM25N5.085731717006 GAGAL. Ket:Unreg Dahulu Paket Lama. Saldo 27.917.398 @22:21",
            Failed,
            "085731717006",
            Some("Ket:Unreg Dahulu Paket Lama"),
            Some(27_917_398),
        ),
        ("R#0 T1.089660522887 GAGAL. Pin Salah", Refused, "089660522887", Some("Pin Salah"), None),
        (
            "R# . GAGAL. IP tidak sesuai @203.0.113.172",
            Refused,
            "",
            Some("IP tidak sesuai @203.0.113.172"),
            None,
        ),
        ("Yth. Okeconnect H2H (OK00123). Saldo 150.094.085!", Balance, "", None, Some(150_094_085)),
        (
            "Lancar BOS. TrxID=8162890 kode HIP5 ke 0857123456789 sedang diproses @11:12. Saldo 71,900 - 10,775 = 61,125",
            Accepted,
            "0857123456789",
            None,
            Some(61_125),
        ),
        (
            "Mhn tunggu trx sblmnya selesai: T#762221212 R#999 T5.08980204060 @18:46, status Menunggu Jawaban. Saldo 43.941.230",
            Pending,
            "08980204060",
            None,
            None,
        ),
        (
            "TIDAK ADA transaksi Tujuan 08980204060 pada tgl 22/04/2025. Tidak ada data. Saldo 43.934.743",
            NoData,
            "08980204060",
            None,
            None,
        ),
        (
            "R#9  Three  1.000  T1.0896605 sdh pernah jam 18.50, status Sukses. SN/Ref: R1/a. Hrg 1.321",
            Success,
            "0896605",
            Some("R1/a"),
            None,
        ),
        (
            "status=20&message=T#1 R#2 Three 1.000 T1.0896605 SUKSES. SN: 77. Saldo 2 - 1 = 1 @12/05 19:11",
            Success,
            "0896605",
            Some("77"),
            Some(1),
        ),
        (
            "status=20&message=T%231%20R%232%20X%20T1.0896605%20SUKSES.%20SN%3A%2077.%20Saldo%202%20-%201%20%3D%201",
            Success,
            "0896605",
            Some("77"),
            Some(1),
        ),
        (
            "T#5 R#6 X T1.0896605 GAGAL Timeout. Saldo 1.000 @12.37",
            Failed,
            "0896605",
            Some("Timeout"),
            Some(1_000),
        ),
        (
            "#171412345 R#903123456 TREG10.0822123456 akan diproses @12.37. Saldo 9.000 - 1.000 = 8.000",
            Accepted,
            "0822123456",
            None,
            Some(8_000),
        ),
        ("<html>502 Bad Gateway</html>", Unknown, "", None, None),
        ("", Unknown, "", None, None),
    ];
    for (text, status, dest, detail, balance) in rows {
        let reading = read(text);
        assert_eq!(reading.status, *status, "{text}");
        assert_eq!(reading.dest.as_deref().unwrap_or_default(), *dest, "{text}");
        let found = reading.sn.as_deref().or(reading.reason.as_deref());
        assert_eq!(found, *detail, "{text}");
        assert_eq!(reading.balance.map(Rupiah::get), *balance, "{text}");
    }
}

/// Lines for a marketplace: transaction, product, destination, status, in this order.
#[test]
fn a_marketplace_finds_what_it_looks_for() {
    let phrase = Phrase { seller: true, ..Phrase::default() };
    let head = Head {
        ref_id: RefId::parse("205432004").unwrap(),
        name: ProductName::parse("HIP 5").unwrap(),
        product: ProductCode::parse("HIP5").unwrap(),
        dest: Dest::parse("085712345678").unwrap(),
    };
    let at = CivilTime { year: 2026, month: 11, day: 23, hour: 15, minute: 19, second: 0 };
    let sn = Sn::parse("0123").unwrap();
    let (trx, price) = (TrxNo::new(700), rp(5_400));
    let done = Reply::CheckSuccess { trx, head: head.clone(), at, today: true, sn, price };
    let text = done.text(phrase);
    assert_eq!(
        text,
        "TrxID=700 kode HIP5 ke 085712345678 sudah pernah jam 15:19, status Sukses. SN: 0123. Hrg 5.400"
    );
    let reading = read(&text);
    assert_eq!((reading.status, reading.sn.as_deref()), (Status::Success, Some("0123")));
    assert_eq!(reading.dest.as_deref(), Some("085712345678"));
    let taken =
        Reply::Accepted { trx, head, qty: None, before: rp(10_000), price, after: rp(4_600), at };
    assert_eq!(
        taken.text(phrase),
        "T#700 R#205432004 HIP 5 HIP5.085712345678 sedang diproses. Saldo 10.000 - 5.400 = 4.600 @15:19"
    );
}
