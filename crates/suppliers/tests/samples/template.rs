//! Suppliers by description, and the rule sets with lines from the field.

use super::{ask, connector, ok, word};
use suppliers::{Heard, Inbound, On, Settings};

fn with_set(set: &str) -> String {
    format!(
        "[template]\nrule_set='{set}'\nref_prefix='g-'\n\
         [template.buy]\nurl='https://h/trx?p={{SKU}}&d={{dest}}&r={{ref}}&pin={{pin}}&s={{sign}}'\n\
         [template.check]\nurl='https://h/trx?p={{SKU}}&d={{dest}}&r={{ref}}&pin={{pin}}&check=1'\n\
         [template.secrets]\npin='12 34'\n\
         [template.signs]\nsign={{algorithm='md5', of='{{ref}}{{pin}}'}}\n"
    )
}

#[test]
fn requests_are_filled_escaped_and_redacted() {
    let buy = connector(&with_set("mmi")).buy(&ask("t1", "0822@x")).unwrap();
    let start = "https://h/trx?p=T1&d=0822%40x&r=g-100000001-1&pin=12+34&s=";
    assert!(buy.url.starts_with(start), "{}", buy.url);
    assert_eq!(buy.redacted, "https://h/trx?p=T1&d=0822%40x&r=g-100000001-1&pin=***&s=***");
    let json = "[template]\nrule_set='irs'\n[template.buy]\nmethod='POST'\nurl='https://h/'\n\
        body='{\"to\":\"{dest}\",\"note\":\"{note}\"}'\n[template.values]\nnote='say \"hi\"'\n";
    let buy = connector(json).buy(&ask("t1", "0822")).unwrap();
    let sent: serde_json::Value = serde_json::from_str(&buy.body).unwrap();
    assert_eq!((&sent["to"], &sent["note"]), (&"0822".into(), &"say \"hi\"".into()));
}

#[test]
fn mistakes_are_named() {
    let refuse = |toml: &str| {
        let settings: Settings = toml::from_str(toml).unwrap();
        match settings.connector() {
            Ok(_) => panic!("taken: {toml}"),
            Err(error) => error.to_string(),
        }
    };
    let buy = "[template.buy]\nurl='https://h/{dest}'\n";
    let rule = |rule: &str| format!("[template]\n{buy}[[template.rules]]\n{rule}");
    for (toml, part) in [
        (format!("[template]\n{buy}"), "no rules"),
        (with_set("mmi").replace("{dest}", "{tujuan}"), "no field {tujuan}; known: "),
        (with_set("mmi").replace("md5", "md6"), "algorithm `md6`"),
        (rule("pattern='('\nmeans='pending'"), "rule 1"),
        (rule("pattern='(?<dest>x)'\nmeans='success'"), "success needs (?<sn>...)"),
        (rule("pattern='ok'\nmeans='pending'"), "anonymous = true"),
    ] {
        let said = refuse(&toml);
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

/// The code that stands in front of the destination, or any.
fn sku_of(text: &str, dest: &str) -> String {
    let before = text.split(dest).next().unwrap_or_default().trim_end_matches(['.', ' ']);
    let before = before.trim_end_matches(" ke");
    let last = before.rsplit(' ').next().unwrap_or_default();
    if last.is_empty() || last.contains('.') { "t1".to_owned() } else { last.to_owned() }
}

/// Lines of five dialects: set, where, text, meaning.
#[test]
fn dialects() {
    use On::{Buy, Check};
    let rows: &[(&str, On, &str, &str, &str)] = &[
        (
            "mmi",
            Buy,
            "082212345678",
            "#171412345 R#g-100000001-1 TREG10.082212345678 akan diproses @12.37. Saldo 30.000 - 10.000 = 20.000 kode_reseller=X TRX Normal",
            "pending",
        ),
        (
            "mmi",
            Buy,
            "082212345678",
            "#171412345 R#g-100000001-1 TREG10.082212345678 GAGAL Timeout. Saldo 30.000",
            "unknown",
        ),
        (
            "mmi",
            Buy,
            "082212345678",
            "#171412345 R#g-100000001-1 TREG10.082212345678 GAGAL. Nomor tujuan salah. Saldo Rp. 28.337.790 + 12.123 = Rp. 28.349.913",
            "number: Nomor tujuan salah",
        ),
        (
            "mmi",
            Buy,
            "081912345678",
            "R#g-100000001-1 XH3.081912345678 GAGAL. Saldo tidak cukup. Hrg 9.070, Saldo 1.793 Limit 0, proses 0.",
            "route: Saldo tidak cukup",
        ),
        (
            "mmi",
            Buy,
            "082212345678",
            "R#g-100000001-1 TREG10.082212345678 SUKSES. SN: 0041002345. Saldo 30.000 - 10.000 = 20.000",
            "success 0041002345 for 10.000",
        ),
        ("mmi", Check, "082212345678", "Pin Salah", "unknown"),
        ("mmi", Buy, "082212345678", "Pin Salah", "route: Pin Salah"),
        (
            "yuscom",
            Check,
            "14234567890",
            "PLNV50.14234567890 sdh pernah jam 12.00, status Sukses. SN/Ref: 1234-5678-9012-3456-7890/NAMA/R1/450/110.60KWH. Trx ke-2/hr: PLNV50.2.14234567890.pin.",
            "success 1234-5678-9012-3456-7890/NAMA/R1/450/110.60KWH",
        ),
        (
            "yuscom",
            Check,
            "14234567890",
            "PLN.14234567890 sdh pernah jam 12.00, status Gagal. SN/Ref: .Gagal Tagihan sudah terbayar. Trx ke-2/hr: PLN.2.14234567890.pin.",
            // On the connection of the purchase it would be one; as the answer to a question it names
            // no reference.
            "doubtful",
        ),
        (
            "yuscom",
            Buy,
            "085712345678",
            "I5.085712345678 akan diproses @18.50. Saldo 20.000 - 5.800 = 14.200",
            "pending",
        ),
        (
            "serpul",
            Buy,
            "081234567890",
            "Pembelian Telkomsel 5.000 ke 081234567890 BERHASIL. SN : 123. Harga : 5200. Sisa Saldo : 94800. Ref. ID : g-100000001-1",
            "success 123 for 5.200",
        ),
        (
            "serpul",
            Buy,
            "081234567890",
            "Pembelian Telkomsel 5.000 ke 081234567890 GAGAL. Keterangan : Nomor salah. Sisa Saldo : 100000.",
            "number: Nomor salah",
        ),
        (
            "serpul",
            Buy,
            "081234567890",
            "Pembelian Telkomsel 5.000 ke 081234567890 BERHASIL. SN : 123. Harga : 5200. Sisa Saldo : 94800. Ref. ID : df123",
            "unknown",
        ),
        (
            "irs",
            Buy,
            "087812345678",
            "TRX S1.087812345678 BERHASIL, HRG:10000 SN:1234567890. SISA SALDO:990000 CLIENTID=g-100000001-1",
            "success 1234567890 for 10.000",
        ),
        (
            "irs",
            Buy,
            "087812345678",
            "Request S1 ke 087812345678 segera diproses Saldo=990000",
            "pending",
        ),
        (
            "irs",
            Buy,
            "087812345678",
            "TRX S1.087812345678 GAGAL, KET:Stok kosong. SISA SALDO:990000",
            "route: Stok kosong",
        ),
        (
            "qiospay",
            Buy,
            "081234567890",
            "R#g-100000001-1 S5 081234567890, Mohon tunggu transaksi sedang diproses. Saldo 18.848 @ 02/03/2026 01:52",
            "pending",
        ),
        (
            "qiospay",
            Buy,
            "081234567890",
            "R#g-100000001-1 S5 081234567890, GAGAL. Kode produk salah.",
            "route: Kode produk salah",
        ),
        (
            "qiospay",
            Buy,
            "081234567890",
            "Gagal, Voucher tidak tersedia",
            "route: Voucher tidak tersedia",
        ),
        ("qiospay", Check, "081234567890", "Gagal, Voucher tidak tersedia", "unknown"),
        (
            "qiospay",
            Buy,
            "081234567890",
            "S5 081234567890 diabaikan karena Harga Voucher 10.060 lebih besar dari Harga Max anda 1.000.",
            "route: diabaikan",
        ),
        ("qiospay", Buy, "081234567890", "Terjadi kesalahan", "unknown"),
    ];
    for (set, on, dest, text, wanted) in rows {
        let connector = connector(&with_set(set));
        let ask = ask(&sku_of(text, dest), dest);
        let outcome = match on {
            Buy => connector.read_buy(&ask, &ok(text)),
            _ => connector.read_check(&ask, &ok(text)),
        };
        assert_eq!(word(&outcome), *wanted, "{set}: {text}");
    }
}

#[test]
fn explain_names_the_rule() {
    let own = "[template]\nref_prefix='g-'\n[template.buy]\nurl='http://h/{dest}'\n\
        [[template.rules]]\nname='sold out'\npattern='(?<dest>\\d+) .*(?<message>stok \\w+)'\nmeans='failed'\n";
    let connector = connector(own);
    let ask = ask("s1", "087812345678");
    let explain = |text: &str| connector.explain(&ask, Heard::Buy(&ok(text)));
    let told = explain("087812345678 gagal: stok habis");
    assert_eq!(told.decided_by, "rule 1 (sold out); list route: \"stok habis\"");
    assert_eq!(word(&told.outcome), "route: stok habis");
    assert!(told.fields.contains(&("dest".to_owned(), "087812345678".to_owned())));
    let told = explain("Selamat pagi");
    assert_eq!((told.decided_by.as_str(), word(&told.outcome).as_str()), ("no rule", "unknown"));
}

#[test]
fn callbacks_by_query_form_or_json() {
    let connector = connector(&with_set("irs").replace(
        "[template.buy]",
        "[template.callback]\nreference='clientid'\ntext='msg'\n[template.buy]",
    ));
    let ask = ask("s1", "0878");
    let text = "TRX S1.0878 BERHASIL, HRG:10000 SN:12. SISA SALDO:9";
    let encoded = text.replace(' ', "+");
    for inbound in [
        Inbound { query: format!("clientid=g-100000001-1&msg={encoded}"), ..Inbound::default() },
        Inbound { body: format!("msg={encoded}&clientid=g-100000001-1"), ..Inbound::default() },
        Inbound {
            body: format!(r#"{{"data":{{"clientid":"g-100000001-1","msg":"{text}"}}}}"#),
            ..Inbound::default()
        },
    ] {
        let about = suppliers::About::Attempt(ask.attempt);
        assert_eq!(connector.callback_about(&inbound).unwrap(), about, "{inbound:?}");
        assert_eq!(word(&connector.read_callback(&ask, &inbound)), "success 12 for 10.000");
    }
}
