//! Suppliers by description, and the rule sets with lines from the field.

use super::{ask, connector, ok, word};
use domain::Outcome;
use suppliers::{CheckLimits, Heard, Inbound, Movement, On, Reply, Settings};
use types::Rupiah;

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
    let kind = |of: &str| vec![("content-type".to_owned(), of.to_owned())];
    assert_eq!((buy.method, buy.headers), ("POST", kind("application/json")));
    let form = json.replace("{\"to\":\"{dest}\",\"note\":\"{note}\"}", "to={dest}");
    assert_eq!(
        connector(&form).buy(&ask("t1", "0822")).unwrap().headers,
        kind("application/x-www-form-urlencoded")
    );
    let own = format!("{form}[template.buy.headers]\nContent-Type='text/plain'\n");
    assert_eq!(connector(&own).buy(&ask("t1", "0822")).unwrap().headers, kind("text/plain"));
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
    let why = "no rule matches: Selamat pagi".to_owned();
    assert_eq!((told.decided_by.as_str(), told.outcome), ("no rule", Outcome::Unknown { why }));
    // What stands far behind is not read.
    let behind = |spaces: usize| {
        let text = format!("{}087812345678 gagal: stok habis", "x ".repeat(spaces));
        word(&explain(&text).outcome)
    };
    assert_eq!((behind(4_000).as_str(), behind(8_200).as_str()), ("route: stok habis", "unknown"));
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

/// A text alone comes in under our reference; a whole query or body as it is.
#[test]
fn a_callback_as_it_would_be_called_in() {
    let of = |fields: &str| {
        connector(&with_set("irs").replace("[template.buy]", &format!("{fields}[template.buy]")))
    };
    let ask = ask("s1", "0878");
    let both = of("[template.callback]\nreference='clientid'\ntext='msg'\n");
    let whole = "clientid=g-100000001-1&msg=halo";
    let inbound = Inbound { query: whole.into(), body: whole.into(), ..Inbound::default() };
    assert_eq!(both.callback_of(&ask, whole), inbound);
    let made = Inbound { query: whole.into(), ..Inbound::default() };
    assert_eq!(both.callback_of(&ask, "halo"), made);
    // Without a field for it the text is the body.
    let bare = of("[template.callback]\nreference='clientid'\ntext=''\n");
    let query = "clientid=g-100000001-1".to_owned();
    let made = Inbound { query, body: "halo".into(), ..Inbound::default() };
    assert_eq!(bare.callback_of(&ask, "halo"), made);
}

/// What is described besides the purchase, and what is not.
#[test]
fn questions_beside_the_purchase() {
    let ask = ask("t1", "0822");
    let all =
        connector(&with_set("mmi").replace(
            "[template.buy]",
            "check_spacing_seconds=90\ncheck_days_most=3\n[template.buy]",
        ));
    assert_eq!(
        all.check(&ask).unwrap().url,
        "https://h/trx?p=T1&d=0822&r=g-100000001-1&pin=12+34&check=1"
    );
    let limits = CheckLimits { spacing_ms: 90_000, age_most_ms: Some(3 * 86_400_000) };
    assert_eq!(all.check_limits(), limits);
    assert_eq!(all.balance(), None);
    let deposit =
        format!("{}[template.balance]\nurl='https://h/saldo?pin={{pin}}'\n", with_set("mmi"));
    let deposit = connector(&deposit);
    let asked = deposit.balance().unwrap();
    assert_eq!(
        (asked.url.as_str(), asked.redacted.as_str()),
        ("https://h/saldo?pin=12+34", "https://h/saldo?pin=***")
    );
    assert_eq!(deposit.read_balance(&ok("Saldo Rp. 50.000")), Ok(Rupiah::new(50_000)));
    assert!(deposit.read_balance(&ok("Pin Salah")).is_err());
    assert_eq!(deposit.prices(), None);
    assert!(deposit.read_prices(&Reply::default()).is_err());
    let bare = "[template]\n[template.buy]\nurl='http://h/'\n[[template.rules]]\n\
        pattern='(?<dest>\\d+) sukses (?<sn>\\S*) (?<price>\\d+) sisa (?<balance>\\d+)'\nmeans='success'\n";
    let bare = connector(bare);
    assert!(bare.check(&ask).is_err());
    // Amounts of the deposit: of a rule's groups, else as the family writes them.
    let rp = Rupiah::new;
    let left = Movement { before: None, price: Some(rp(900)), after: rp(100) };
    assert_eq!(bare.movement("0822 sukses A 900 sisa 100"), Some(left));
    assert_eq!(bare.movement("R#1 T1.0822 SUKSES. SN: 1. Saldo 9 - 3 = 6"), None);
    let moved = Movement { before: Some(rp(9)), price: Some(rp(3)), after: rp(6) };
    let text = "R#g-100000001-1 T1.0822 SUKSES. SN: 1. Saldo 9 - 3 = 6";
    assert_eq!(deposit.movement(text), Some(moved));
    // A success repeats the movement of its purchase; a failure tells what is left.
    assert_eq!(deposit.told(&deposit.callback_of(&ask, text)), None);
    let failed = "R#g-100000001-1 T1.0822 GAGAL. Stok kosong. Saldo 9";
    let left = Movement { before: None, price: None, after: rp(9) };
    assert_eq!(deposit.told(&deposit.callback_of(&ask, failed)), Some(left));
}
