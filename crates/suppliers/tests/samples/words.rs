//! What a supplier's words may decide: only what is certainly about this purchase.

use super::{ask, connector, moment, ok, word};
use domain::{Outcome, Tie};
use suppliers::{Ask, Connector, Heard, Inbound, Reply};
use types::Qty;

pub(super) const OWN: &str =
    "[okeconnect]\nbase='https://h'\nmember='OK1'\npin='1'\npassword='2'\nref_prefix='g-'\n";
const SETS: [&str; 5] = ["mmi", "yuscom", "serpul", "irs", "qiospay"];

fn set(name: &str) -> String {
    format!(
        "[template]\nrule_set='{name}'\nref_prefix='g-'\n[template.buy]\nurl='http://h/?r={{ref}}'\n\
         [template.callback]\nreference='clientid'\ntext='msg'\n"
    )
}

/// The text connector and all rule sets.
fn all() -> Vec<(String, std::sync::Arc<dyn Connector>)> {
    let sets = SETS.iter().map(|name| ((*name).to_owned(), connector(&set(name))));
    std::iter::once(("okeconnect".to_owned(), connector(OWN))).chain(sets).collect()
}

/// `{ref}`, `{sku}` and `{dest}` filled in.
pub(super) fn filled(text: &str, ask: &Ask) -> String {
    text.replace("{ref}", "g-100000001-1")
        .replace("{sku}", ask.sku.as_str())
        .replace("{dest}", ask.dest.as_str())
}

fn tie(outcome: &Outcome) -> Option<Tie> {
    match outcome {
        Outcome::Success { tie, .. } | Outcome::Failed { tie, .. } => Some(*tie),
        Outcome::Doubtful { .. }
        | Outcome::Pending
        | Outcome::Unknown { .. }
        | Outcome::Unsent { .. }
        | Outcome::Held { .. } => None,
    }
}

/// Asked at noon of the day after; sent at 12:00. Reply, check: what each means.
#[test]
fn a_text_of_another_purchase_decides_nothing() {
    let pln = ask("PLNV50", "86024157967");
    let t1 = ask("T1", "089660522887");
    for (case, text, buy, check) in [
        // A same-day guard: not made now; on a check, of a time before ours was sent.
        (
            &pln,
            "{sku}.{dest} sdh pernah jam 18.50 tgl 22/11/2026, status Sukses. SN/Ref: 0143-4804-9579-5519-9674/BUDI/R1/450/110.60KWH. Trx ke-2/hr: {sku}.2.{dest}.pin.",
            "unknown",
            "doubtful",
        ),
        (
            &pln,
            "S100.{dest} sdh pernah jam 08.50, status Sukses. SN/Ref: 999. Trx ke-2/hr: S100.2.{dest}.pin.",
            "unknown",
            "doubtful",
        ),
        (
            &pln,
            "{sku}.{dest} sdh pernah jam 11.50, status Gagal. Stok kosong. Trx ke-2/hr: {sku}.2.{dest}.pin.",
            "unknown",
            "doubtful",
        ),
        (
            &t1,
            "T5.{dest} sudah pernah jam 08:46, status Sukses. SN: OTHERPRODUCT. Hrg 6.487 Trx ke-2 gunakan format yang benar. Saldo 43.941.230",
            "unknown",
            "doubtful",
        ),
        (
            &t1,
            "T1.{dest} sudah pernah jam 11:46, status Sukses. SN: OLD. Hrg 1.200 Trx ke-2 gunakan format yang benar. Saldo 43.941.230",
            "unknown",
            "doubtful",
        ),
        (
            &t1,
            "TrxID=8162890 kode T5 ke {dest} sdh pernah jam 11:19, status Sukses. SN:0123. Saldo 61,125",
            "unknown",
            "doubtful",
        ),
        (
            &t1,
            "TrxID=8162890 kode T1 ke {dest} sdh pernah jam 11:19, status Sukses. SN:0123. Saldo 61,125",
            "unknown",
            "success 0123",
        ),
        // Our reference does not make a first purchase one that was there before.
        (
            &t1,
            "R#{ref} T1.{dest} sudah pernah jam 11:46, status Sukses. SN: R1. Hrg 1.200",
            "unknown",
            "success R1 for 1.200",
        ),
        // Another reference, in the text or behind it, one that begins like ours, an empty one.
        (&t1, "R#other T1.{dest} SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00", "unknown", "unknown"),
        (&t1, "R#{ref}1 T1.{dest} SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00", "unknown", "unknown"),
        (
            &t1,
            "T1.{dest} SUKSES. SN: 12345. Saldo 9 - 3 = 6 @11:00 CLIENTID=77",
            "unknown",
            "unknown",
        ),
        (
            &t1,
            "R#{ref} R#other T1.{dest} SUKSES. SN: 12345. Saldo 9 - 3 = 6 @11:00",
            "unknown",
            "unknown",
        ),
        (
            &t1,
            "R# T1.{dest} SUKSES. SN: 12345. Saldo 9 - 3 = 6 @11:00",
            "success 12345 for 3",
            "success 12345 for 3",
        ),
        (
            &t1,
            "R# T1 {dest} GAGAL. Nomor tujuan salah. Saldo 9 @11:00",
            "number: Nomor tujuan salah",
            "doubtful",
        ),
        // Another destination under our reference: on our own connection somebody used it before us.
        // Another spelling of ours.
        (
            &t1,
            "R#{ref} T1.089660522888 SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00",
            "doubtful",
            "unknown",
        ),
        (
            &t1,
            "R#{ref} T1.6289660522887 SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00",
            "success R1 for 3",
            "success R1 for 3",
        ),
        (&t1, "R#{ref} T5.{dest} SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00", "doubtful", "unknown"),
        // The n-th of the day.
        (
            &t1,
            "T1.2.{dest} SUKSES. SN: 9988. Saldo 9 - 3 = 6 @11:00",
            "success 9988 for 3",
            "success 9988 for 3",
        ),
        // Without our reference: product, destination and an SN that proves something.
        (
            &t1,
            "T1.{dest} SUKSES. SN: SUKSES. Saldo 9 - 3 = 6 @11:00",
            "success SUKSES for 3",
            "doubtful",
        ),
        (
            &t1,
            "T1.{dest} SUKSES. SN: {dest}. Saldo 9 - 3 = 6 @11:00",
            "success 089660522887 for 3",
            "doubtful",
        ),
        (
            &t1,
            "T1.{dest} SUKSES. SN: 7788990011. Saldo 9 - 3 = 6",
            "success 7788990011 for 3",
            "success 7788990011 for 3",
        ),
        (
            &t1,
            "Pembelian Tri 1.000 ke {dest} BERHASIL. SN : 123456789. Harga : 5200. Sisa Saldo : 94800",
            "success 123456789 for 5.200",
            "doubtful",
        ),
        (&t1, "SUKSES. SN: 123456789", "doubtful", "doubtful"),
        // A failure without our reference waits for a person, whatever its time.
        (&t1, "T1.{dest} GAGAL. Stok kosong. Saldo 9 @11:00", "route: Stok kosong", "doubtful"),
        (&t1, "T1.{dest} GAGAL. Stok kosong. Saldo 9", "route: Stok kosong", "doubtful"),
        (
            &t1,
            "T1.{dest} GAGAL. Stok kosong. Saldo 9 @22/11 11:00",
            "route: Stok kosong",
            "doubtful",
        ),
        (&t1, "GAGAL. Stok kosong", "doubtful", "doubtful"),
        // A denial is no status.
        (&t1, "R#{ref} T1.{dest} BELUM SUKSES. SN: 1", "unknown", "unknown"),
        (&t1, "R#{ref} T1.{dest} TIDAK BERHASIL. SN: 1", "unknown", "unknown"),
        (&t1, "R#{ref} T1.{dest} SUKSES diterima, menunggu SN: 1", "unknown", "unknown"),
    ] {
        let text = filled(text, case);
        for (name, connector) in
            [("okeconnect", connector(OWN)), ("yuscom", connector(&set("yuscom")))]
        {
            assert_eq!(word(&connector.read_buy(case, &ok(&text))), buy, "{name}, reply: {text}");
            assert_eq!(
                word(&connector.read_check(case, &ok(&text))),
                check,
                "{name}, check: {text}"
            );
        }
    }
}

#[test]
fn what_ties_words_to_a_purchase_is_told() {
    let connector = connector(OWN);
    let mut case = ask("T1", "089660522887");
    case.asked = moment(10 * 60_000);
    let of = |text: &str, buy: bool| {
        let text = filled(text, &case);
        let reply = ok(&text);
        tie(&if buy {
            connector.read_buy(&case, &reply)
        } else {
            connector.read_check(&case, &reply)
        })
    };
    let done = "R#{ref} T1.{dest} SUKSES. SN: 7788. Saldo 9 - 3 = 6 @12:01";
    assert_eq!((of(done, true), of(done, false)), (Some(Tie::Reference), Some(Tie::Reference)));
    let bare = "T1.{dest} SUKSES. SN: 7788. Saldo 9 - 3 = 6 @12:01";
    assert_eq!((of(bare, true), of(bare, false)), (Some(Tie::Connection), Some(Tie::Likeness)));
    let seen = |time: &str| {
        format!("R#{{ref}} T1.{{dest}} sudah pernah jam {time}, status Sukses. SN: 7788. Hrg 3")
    };
    assert_eq!(of(&seen("12:00"), false), Some(Tie::Reference));
    assert_eq!(of(&seen("11:59"), false), Some(Tie::Earlier));
    assert_eq!(of(&seen("12:15"), false), Some(Tie::Reference));
    assert_eq!(of(&seen("12:16"), false), Some(Tie::Earlier));
    // With its date it is certainly an older one.
    assert_eq!(of(&seen("12:05 tgl 22/11/2026"), false), None);
    let failed = "R#{ref} T1.{dest} sudah pernah jam 11:30, status Gagal. Stok kosong.";
    assert_eq!(of(failed, false), Some(Tie::Earlier));
    assert_eq!(of(&bare.replace("12:01", "11:59"), false), None);
}

#[test]
fn only_listed_failures_are_failures() {
    let case = ask("T1", "089660522887");
    for (reason, wanted) in [
        ("Transaksi tidak ditemukan", "unknown"),
        ("Data tidak ada", "unknown"),
        ("Trx masih diproses", "unknown"),
        ("Menunggu jawaban provider", "unknown"),
        ("Sistem sibuk, coba cek lagi", "unknown"),
        ("Stok kosong, transaksi masih diproses", "unknown"),
        ("Stok kosong, dialihkan ke provider lain", "unknown"),
        ("Bukan nomor salah", "unknown"),
        ("Tidak dibatalkan", "unknown"),
        ("Transaksi akan dibatalkan jika stok kosong", "unknown"),
        ("Provider gangguan, status akan diupdate", "unknown"),
        ("Hub. CS, produk gangguan", "unknown"),
        ("Kesalahan 17", "unknown"),
        ("", "unknown"),
        ("Nomor tujuan salah", "number: Nomor tujuan salah"),
        ("Stok kosong", "route: Stok kosong"),
    ] {
        for (name, connector) in all() {
            let text = filled(
                &format!("R#{{ref}} {{sku}}.{{dest}} GAGAL. {reason}. Saldo 43.941.230"),
                &case,
            );
            let reply = ok(&text);
            for outcome in [connector.read_buy(&case, &reply), connector.read_check(&case, &reply)]
            {
                assert_eq!(word(&outcome), wanted, "{name}: {text}");
                if let Outcome::Unknown { why } = outcome {
                    assert!(why.contains(&text), "a person sees the text: {why}");
                }
            }
        }
    }
    let more =
        format!("{OWN}[okeconnect.failures]\nroute=['kesalahan 17']\nnumber=['akun beku']\n");
    let connector = connector(&more);
    let text = filled("R#{ref} T1.{dest} GAGAL. Kesalahan 17. Saldo 1", &case);
    let told = connector.explain(&case, Heard::Check(&ok(&text)));
    assert_eq!(word(&told.outcome), "route: Kesalahan 17");
    assert_eq!(told.decided_by, "failures.route of the settings: \"kesalahan 17\"");
    let fields: Vec<(&str, &str)> =
        told.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (product, dest) = (("product", "T1"), ("dest", "089660522887"));
    assert_eq!(fields, [("ref", "g-100000001-1"), product, dest, ("reason", "Kesalahan 17")]);
}

#[test]
fn an_http_error_is_no_answer() {
    let case = ask("T1", "089660522887");
    for (name, connector) in all() {
        for status in [302, 400, 401, 404, 408, 429, 500, 502, 503, 504] {
            for text in [
                "R#{ref} T1.{dest} SUKSES. SN: 1. Saldo 9 - 3 = 6",
                "R#{ref} T1.{dest} GAGAL. Nomor tujuan salah. Saldo 9",
                "Sistem sibuk, ulangi dengan refID yang sama",
                "IP tidak sesuai @1.2.3.4",
            ] {
                let reply = Reply { status, body: filled(text, &case), ..Reply::default() };
                for outcome in
                    [connector.read_buy(&case, &reply), connector.read_check(&case, &reply)]
                {
                    assert_eq!(word(&outcome), "unknown", "{name} {status}: {text}");
                }
            }
        }
    }
}

/// Serial numbers and reasons end before the supplier's own amounts.
#[test]
fn members_never_read_our_deposit() {
    let case = ask("T1", "089660522887");
    for (text, wanted) in [
        (
            "R#{ref} Uji {sku}.{dest} SUKSES. SN/Ref: 12-34/NAMA. Saldo Rp.54.636.832 - Rp.9.000 = Rp.54.627.832 @22/03 19:20",
            "success 12-34/NAMA for 9.000",
        ),
        (
            "R#{ref} Uji {sku}.{dest} SUKSES. SN: NAMA/1. Stok 54.636.832 - 9000 = 54.627.832. @22/03 19:20",
            "success NAMA/1 for 9.000",
        ),
        (
            "R#{ref} Uji {sku}.{dest} SUKSES. SN: NAMA/1. Sisa Saldo: 54.401.132 @22/03 19:20",
            "success NAMA/1",
        ),
        (
            "PUSAT : R#{ref} {sku}.{dest} SUKSES. SN/Ref: TopUp/1.. Saldo Rp.134.786.318 - Hrg Rp.9.033,Saldo akhir Rp. 134.777.285 @21.01",
            "success TopUp/1 for 9.033",
        ),
        (
            "R#{ref} {sku}.{dest} GAGAL. Nomor tujuan salah. Stok:113.533.847 @10:57",
            "number: Nomor tujuan salah",
        ),
        (
            "R#{ref} {sku}.{dest} GAGAL. Nomor tujuan salah. Saldo Rp.113.533.847 @10:57",
            "number: Nomor tujuan salah",
        ),
        (
            "R#{ref} {sku}.{dest} GAGAL. Nomor tujuan salah. Sal 113.533.847",
            "number: Nomor tujuan salah",
        ),
        (
            "R#{ref} {sku}.{dest} GAGAL. Nomor tujuan salah. Sisa saldo = 113.533.847",
            "number: Nomor tujuan salah",
        ),
        (
            "R#{ref} Ok. TrxID=9 kode {sku} ke {dest} GAGAL. Nomor tujuan salah. Saldo 61,125+5,775 = 66,900 @16:52",
            "number: Nomor tujuan salah",
        ),
        (
            "R#{ref} {sku}.{dest} GAGAL. Harga 1.321 di atas hargamax 1.300. Saldo 1 @10:57",
            "route: Harga tidak sesuai",
        ),
        // Nothing, a placeholder, our own reference: none is known.
        ("R#{ref} {sku}.{dest} SUKSES. SN: . Saldo 10 - 1 = 9 @10:00", "success - for 1"),
        ("R#{ref} {sku}.{dest} SUKSES. Saldo 10 - 1 = 9 @10:00", "success - for 1"),
        ("R#{ref} {sku}.{dest} SUKSES", "success -"),
        ("R#{ref} {sku}.{dest} SUKSES. SN: -. Saldo 10 - 1 = 9 @10:00", "success - for 1"),
        ("R#{ref} {sku}.{dest} SUKSES. SN: 0. Saldo 10 - 1 = 9 @10:00", "success - for 1"),
        ("R#{ref} {sku}.{dest} SUKSES. SN: null. Saldo 10 - 1 = 9 @10:00", "success - for 1"),
        ("R#{ref} {sku}.{dest} SUKSES. SN: N/A. Saldo 10 - 1 = 9 @10:00", "success - for 1"),
        ("R#{ref} {sku}.{dest} SUKSES. SN: {ref}. Saldo 10 - 1 = 9 @10:00", "success - for 1"),
        (
            "R#{ref} {sku}.{dest} SUKSES. SN: 100000001-1. Saldo 10 - 1 = 9 @10:00",
            "success - for 1",
        ),
        // A percent sign is written out.
        (
            "R#{ref} {sku}.{dest} SUKSES. SN: VOUCHER 50%/ABC. Saldo 50.000 - 9.000 = 41.000 @10:00",
            "success VOUCHER 50 persen/ABC for 9.000",
        ),
    ] {
        let text = filled(text, &case);
        for (name, connector) in all() {
            assert_eq!(word(&connector.read_check(&case, &ok(&text))), wanted, "{name}: {text}");
        }
    }
    let long = filled(
        &format!("R#{{ref}} T1.{{dest}} SUKSES. SN: {}. Saldo 9 - 3 = 6", "7".repeat(2_000)),
        &case,
    );
    assert_eq!(
        word(&connector(OWN).read_buy(&case, &ok(&long))),
        format!("success {} for 3", "7".repeat(1_000))
    );
}

#[test]
fn the_dialects_settle() {
    for (sku, dest) in [
        ("S10", "081234567890"),
        ("ML86", "12345678(1234)"),
        ("NET", "user@mail.com"),
        ("GV", "1234567-8"),
    ] {
        let case = ask(sku, dest);
        for (text, wanted) in [
            (
                "R#{ref} SUKSES {sku} ke {dest} SN: A/1. Stok 10.000 - 9000 = 1.000. @22/03 19:20",
                "success A/1 for 9.000",
            ),
            (
                "R#{ref} {sku}.{dest} Hrg:9.000 Sukses. SN: A/1. Stok:4.619.617 @03/04 12:56:59",
                "success A/1 for 9.000",
            ),
            (
                "R#{ref} {sku}. {dest} SUCCESS. SN: 1. TRXID: x. SISA SALDO: 10.000 - 9.000 = 1.000",
                "success 1 for 9.000",
            ),
            (
                "T#1 R#{ref} {sku}.{dest} SUKSES. Kode = 1111-2222-3333-4444-5555/NAMA/R1/900VA/36,0. Saldo 10.000 - 9.000 = 1.000",
                "success 1111-2222-3333-4444-5555/NAMA/R1/900VA/36,0 for 9.000",
            ),
            (
                "#1 R#{ref} {sku}.{dest} sdh pernah jam 12.39, status Menunggu Jawaban. SN/Ref: .",
                "pending",
            ),
            (
                "R#{ref} Mhn tunggu trx sblmnya selesai: {sku}.{dest} @00:38, status Menunggu Jawaban.",
                "pending",
            ),
            ("TRX {sku} ke {dest} segera diproses Saldo=1", "pending"),
            ("Trx {sku}.{dest} Sedang diproses.", "pending"),
            (
                "#1 R#{ref} {sku}.{dest} SUKSES. SN/Ref: Nick. Saldo 10.000 - 9.000 = 1.000",
                "success Nick for 9.000",
            ),
            (
                "TRX {sku}.{dest} BERHASIL, HRG:10.505 SN:1234567890. SISA SALDO:990.000 CLIENTID={ref}",
                "success 1234567890 for 10.505",
            ),
            (
                "INVALID.{dest} GAGAL, salah kode atau nominal. R#{ref}",
                "route: salah kode atau nominal",
            ),
        ] {
            let text = filled(text, &case);
            for (name, connector) in all() {
                assert_eq!(
                    word(&connector.read_buy(&case, &ok(&text))).replace(". R#g-100000001-1", ""),
                    wanted,
                    "{name}: {text}"
                );
            }
        }
    }
}

#[test]
fn a_status_beside_the_text_must_not_contradict_it() {
    let case = ask("X", "081900000000");
    let own = connector(OWN);
    let reply = |text: &str| word(&own.read_buy(&case, &ok(&filled(text, &case))));
    let failed = "message=R#{ref} X ke {dest} GAGAL. Stok tidak cukup.";
    assert_eq!(reply(&format!("status=43&{failed}")), "route: Stok tidak cukup");
    assert_eq!(reply(&format!("status=20&{failed}")), "unknown");
    assert_eq!(reply(&format!("status=99&{failed}")), "route: Stok tidak cukup");
    assert_eq!(
        reply("R#{ref} X.{dest} Hrg:99.090 Sukses. SN: A. Stok:4.619.617"),
        "success A for 99.090"
    );
    assert_eq!(
        reply("status=52&message=R#{ref} X.{dest} GAGAL. Saldo 5"),
        "number: Transaksi tidak dapat diproses"
    );
    // The reference may stand beside the text.
    assert_eq!(reply("status=20&refid={ref}&message=SUKSES. SN: A. Saldo 5"), "success A");
    assert_eq!(reply("status=20&refid=other&message=X.{dest} SUKSES. SN: A. Saldo 5"), "unknown");
    let inbound = |query: &str| Inbound { query: filled(query, &case), ..Inbound::default() };
    let done = "refid={ref}&message=X.{dest}+SUKSES.+SN:+A.+Saldo+5";
    assert_eq!(
        word(&own.read_callback(&case, &inbound(&format!("t=1&status=20&{done}")))),
        "success A"
    );
    assert_eq!(
        word(&own.read_callback(&case, &inbound(&format!("t=1&status=40&{done}")))),
        "unknown"
    );
    assert_eq!(word(&own.read_callback(&case, &inbound(done))), "success A");

    let settings = set("irs").replace(
        "text='msg'\n",
        "text='msg'\nstatus='statuscode'\nstatus_success=['1','20']\nstatus_failed=['2','40','43']\n\
         [template.reply]\ntext='msg'\nreference='idtrx'\nstatus='rc'\nstatus_success=['00']\nstatus_failed=['14']\n",
    );
    let irs = connector(&settings);
    let told = |code: &str| {
        let text = "msg=TRX X.{dest} BERHASIL, HRG:10000 SN:123. SISA SALDO:1";
        let query = format!("clientid={{ref}}&statuscode={code}&sn=&{text}").replace(' ', "+");
        word(&irs.read_callback(&case, &inbound(&query)))
    };
    assert_eq!((told("2"), told("1")), ("unknown".to_owned(), "success 123 for 10.000".to_owned()));
    // On none of the lists: not certain.
    assert_eq!(told("77"), "unknown");
    let json = |rc: &str, idtrx: &str| {
        let body = format!(
            r#"{{"data":{{"rc":"{rc}","idtrx":"{idtrx}","msg":"TRX X.{{dest}} BERHASIL, SN:123."}}}}"#
        );
        word(&irs.read_buy(&case, &ok(&filled(&body, &case))))
    };
    assert_eq!(json("00", "g-100000001-1"), "success 123");
    assert_eq!(json("14", "g-100000001-1"), "unknown");
    assert_eq!(json("00", "g-100000009-1"), "unknown");
}

#[test]
fn the_purchase_of_the_day_is_told() {
    let mut case = ask("t1", "089660522887");
    let url = |settings: &str, case: &Ask| connector(settings).buy(case).unwrap().url;
    let (by_field, by_code) =
        (format!("{OWN}counter='parameter'\n"), format!("{OWN}counter='code'\n"));
    assert!(!url(&by_field, &case).contains("counter"));
    assert!(url(&by_code, &case).contains("&dest=089660522887&"));
    case.counter = 2;
    assert!(url(&by_field, &case).ends_with("&counter=2"));
    assert!(connector(&by_field).check(&case).unwrap().redacted.ends_with("&counter=2"));
    assert!(url(&by_code, &case).contains("&dest=2.089660522887&"));
    assert!(!url(OWN, &case).contains("counter"));
    let template = set("yuscom").replace("?r={ref}", "{SKU}.{counter}.{dest}?r={ref}");
    assert!(
        url(&template, &case).starts_with("http://h/T1.2.089660522887?"),
        "{}",
        url(&template, &case)
    );
    let counts = |toml: &str| toml::from_str::<suppliers::Settings>(toml).unwrap().counts();
    assert!(counts(&by_field) && counts(&by_code) && counts(&template));
    assert!(!counts(OWN) && !counts(&set("yuscom")));
}

#[test]
fn own_rules_decide_only_about_this_purchase() {
    let own = "[template]\nref_prefix='g-'\n[template.buy]\nurl='http://h/?r={ref}'\n[[template.rules]]\n\
        pattern='(?<ref>\\S+) .*SUKSES.*SN:(?<sn>.*?) Harga (?<price>[\\d.]+)'\nmeans='success'\n\
        [[template.rules]]\npattern='(?<dest>\\d+) gagal: (?<message>.*)'\nmeans='failed'\n\
        [[template.rules]]\npattern='(?<dest>\\d+) tutup'\nmeans='route'\n";
    let connector = connector(own);
    let case = ask("T1", "089660522887");
    for (text, wanted) in [
        ("g-100000001-1 0896 SUKSES SN: Harga 5", "success - for 5"),
        ("g-100000001-1 0896 BELUM SUKSES SN:- Harga 5", "unknown"),
        ("g-100000001-11 0896 SUKSES SN:9 Harga 5", "unknown"),
        ("g-100000001-1 0896 SUKSES SN:9 Harga 0", "success 9"),
        ("g-100000001-1 0896 SUKSES SN:9 Harga 10.505", "success 9 for 10.505"),
        ("g-100000001-1 sudah pernah, SUKSES SN:9 Harga 5", "unknown"),
        ("g-100000001-1 R#other SUKSES SN:9 Harga 5", "unknown"),
        ("g-100000001-1 GAGAL, bukan SUKSES SN:9 Harga 5", "unknown"),
        ("089660522887 gagal: stok habis", "route: stok habis"),
        ("089660522887 gagal: sistem sibuk", "unknown"),
        ("089660522887 tutup", "route: Transaksi tidak dapat diproses"),
        ("089660522888 tutup", "unknown"),
    ] {
        assert_eq!(word(&connector.read_buy(&case, &ok(text))), wanted, "{text}");
    }
    let checked = |text: &str| word(&connector.read_check(&case, &ok(text)));
    assert_eq!(checked("089660522887 tutup"), "doubtful");
}

#[test]
fn a_quantity_that_is_named_must_fit() {
    let mut case = ask("BBSDN", "085736044280");
    case.qty = Qty::new(12_345);
    let text = "R#g-100000001-1 H2H DANA BBSDN.085736044280 , QTY : 12345 SUKSES. SN: 1234. Saldo 9 - 3 = 6";
    let connector = connector(OWN);
    assert_eq!(word(&connector.read_check(&case, &ok(text))), "success 1234 for 3");
    assert_eq!(word(&connector.read_check(&case, &ok(&text.replace("12345", "54321")))), "unknown");
}

#[test]
fn explaining_is_reading() {
    let case = ask("T1", "089660522887");
    for (_, connector) in all() {
        for text in
            ["R#{ref} T1.{dest} GAGAL. Stok kosong", "T1.{dest} SUKSES. SN: 1", "x", "Pin Salah"]
        {
            let reply = ok(&filled(text, &case));
            assert_eq!(
                connector.explain(&case, Heard::Buy(&reply)).outcome,
                connector.read_buy(&case, &reply)
            );
            assert_eq!(
                connector.explain(&case, Heard::Check(&reply)).outcome,
                connector.read_check(&case, &reply)
            );
            let inbound = connector.callback_of(&case, &reply.body);
            assert_eq!(
                connector.callback_about(&inbound),
                Ok(suppliers::About::Attempt(case.attempt)),
                "{text}"
            );
            assert_eq!(
                connector.explain(&case, Heard::Callback(&inbound)).outcome,
                connector.read_callback(&case, &inbound)
            );
        }
    }
}
