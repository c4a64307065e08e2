//! What stands around a status word, and beside a text.
#![allow(clippy::unwrap_used)]

use types::Rupiah;
use wire::{Echo, Status, V2Status, read, read_price_list, unnumbered, v2_balance_json, v2_json};

/// A wrapper is one only when the text is nothing else.
#[test]
fn what_stands_beside_a_message() {
    let done = "T1.0896605%20SUKSES.%20SN%3A%2077";
    for (text, status, code, ref_id) in [
        (format!("status=20&message={done}"), Status::Success, Some("20"), None),
        (format!("message={done}"), Status::Success, None, None),
        (format!("ref_id=5&message={done}"), Status::Success, None, Some("5")),
        (format!("message={done}&status=20&refid=5"), Status::Success, Some("20"), Some("5")),
        (format!("status=20&refid=&message={done}"), Status::Success, Some("20"), None),
        ("status=20 message=T1.0896605 SUKSES. SN: 77".into(), Status::Success, None, None),
        ("Hal status=20&message=T1.0896605 SUKSES. SN: 77".into(), Status::Success, None, None),
        (format!("=&message={done}"), Status::Unknown, None, None),
    ] {
        let reading = read(&text);
        assert_eq!(reading.status, status, "{text}");
        assert_eq!(reading.code.as_deref(), code, "{text}");
        assert_eq!(reading.ref_id.as_deref(), ref_id, "{text}");
    }
    let others = |beside: &str| {
        let reading = read(&format!("refid={beside}&message=R#2 T1.0896605 SUKSES. SN: 77"));
        assert_eq!(reading.ref_id.as_deref(), Some("2"));
        reading.other_refs
    };
    assert_eq!((others("2"), others("3")), (Vec::new(), vec!["3".to_owned()]));
}

#[test]
fn a_guard_that_names_a_decided_purchase_says_nothing_of_ours() {
    for (word, status) in [
        ("Menunggu Jawaban", Status::Pending),
        ("Gagal", Status::Unknown),
        ("Sukses", Status::Unknown),
    ] {
        let text =
            format!("Mhn tunggu trx sblmnya selesai: T#1 R#9 T5.0898020 @18:46, status {word}.");
        assert_eq!(read(&text).status, status, "{text}");
    }
}

/// A number before the word is one only where it is called SN, and none comes behind.
#[test]
fn a_serial_number_before_its_word() {
    for (text, dest, sn) in [
        ("R#1 T1.089660522887 SN: 123 SUKSES. Saldo 5", "089660522887", Some("123")),
        ("R#1 T1.089660522887 SN: 123 SUKSES. SN: 456. Saldo 5", "089660522887", Some("456")),
        ("Pembelian Voucher: S5 ke 081234567890 SUKSES. Saldo 5", "081234567890", None),
        ("R#1 SUKSES S10 ke 081234567890. Saldo 5", "081234567890", None),
    ] {
        let reading = read(text);
        assert_eq!(reading.status, Status::Success, "{text}");
        assert_eq!(reading.dest.as_deref(), Some(dest), "{text}");
        assert_eq!(reading.sn.as_deref(), sn, "{text}");
    }
}

/// A word of success that goes on otherwise is none.
#[test]
fn a_success_says_no_more() {
    for (text, status) in [
        ("R#1 T1.0896605 SUKSES. Saldo 5", Status::Success),
        ("R#1 T1.0896605 SUKSES terdaftar. Saldo 5", Status::Unknown),
        ("R#1 T1.0896605 SUKSES terdaftar. SN: 7. Saldo 5", Status::Success),
        ("SUKSES masuk. Saldo 5", Status::Unknown),
        ("R#1 T1.0896605 SUKSES. SN: 7. GAGAL. Saldo 5", Status::Unknown),
    ] {
        assert_eq!(read(text).status, status, "{text}");
    }
}

#[test]
fn a_reason_is_what_its_label_announces() {
    for (text, reason) in [
        ("R#1 T1.0896605 GAGAL. Keterangan: Nomor salah. Saldo 5", "Nomor salah"),
        ("R#1 T1.0896605 GAGAL, alasan = Stok kosong. Saldo 5", "Stok kosong"),
        ("R#1 T1.0896605 GAGAL. Saldo 5. Alasan: Stok kosong", "Stok kosong"),
        ("R#1 T1.0896605 GAGAL. Stok kosong, alasan: gangguan", "Stok kosong, alasan: gangguan"),
    ] {
        let reading = read(text);
        assert_eq!(reading.status, Status::Failed, "{text}");
        assert_eq!(reading.reason.as_deref(), Some(reason), "{text}");
    }
}

#[test]
fn a_blank_price_is_none() {
    let list = read_price_list(br#"[{"kode":"Z9","harga":" "}]"#).unwrap();
    assert_eq!((list.rows.len(), list.odd), (0, vec!["row 1 (Z9): it has no `harga`".to_owned()]));
}

#[test]
fn a_marketplace_sees_a_purchase_where_none_was_made() {
    let echo = Echo { ref_id: "9".into(), product: "T1".into(), dest: "0896".into() };
    assert_eq!(unnumbered(&echo, "GAGAL. Pin Salah"), "T#0 R#9 T1.0896 GAGAL. Pin Salah");
}

#[test]
fn three_words_as_json() {
    for (status, word) in
        [(V2Status::Success, "SUKSES"), (V2Status::Failed, "GAGAL"), (V2Status::Pending, "PENDING")]
    {
        let body = v2_json(
            status,
            "114",
            "100000114",
            Rupiah::new(1_321),
            "2026-11-24 08:02:03",
            "R1",
            "x",
        );
        assert_eq!(
            body,
            format!(
                r#"{{"status":"{word}","refid":"114","trxid":"100000114","price":1321,"time":"2026-11-24 08:02:03","sn":"R1","message":"x"}}"#
            )
        );
    }
    assert_eq!(
        v2_balance_json(V2Status::Success, Some(Rupiah::new(5_000)), "Saldo 5.000"),
        r#"{"status":"SUKSES","balance":5000,"message":"Saldo 5.000"}"#
    );
    assert_eq!(
        v2_balance_json(V2Status::Failed, None, "Pin Salah"),
        r#"{"status":"GAGAL","balance":null,"message":"Pin Salah"}"#
    );
}
