//! What must hold of every reader of foreign bytes, whatever the bytes.
//!
//! Each function here is a fuzz target (`fuzz/cargo-fuzz`) and is replayed over the committed
//! corpus on stable Rust (`tests/replay.rs`). It panics when something does not hold.
//!
//! `cargo +nightly fuzz run --fuzz-dir fuzz/cargo-fuzz reply fuzz/corpus/reply`
#![allow(clippy::unwrap_used)] // a target speaks by panicking

mod doors;
mod files;

pub use doors::{doors, out_of_reach, outcomes, unknown_fields};
pub use files::{config, import, settings};

use domain::Outcome;
use std::sync::LazyLock;
use suppliers::{
    Ask, Connector, DigiflazzConnector, DigiflazzSettings, Heard, Inbound, OkeconnectConnector,
    OkeconnectSettings, Reply, Settings, TemplateConnector,
};
use types::{AttemptId, CivilTime, Dest, Moment, Rounding, Rupiah, Sku, TrxNo, UtcMillis};
use wire::{Fields, SellerFields};

/// A name and what must hold of any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets by name.
pub const TARGETS: [Target; 15] = [
    ("query", query),
    ("reply", reply),
    ("callback", callback),
    ("price_list", price_list),
    ("seller", seller),
    ("okeconnect", okeconnect),
    ("digiflazz", digiflazz),
    ("template", template),
    ("settings", settings),
    ("import", import),
    ("mutations", mutations),
    ("statement", statement),
    ("config", config),
    ("amount", amount),
    ("doors", doors),
];

/// A member's query string: never panics, keeps secrets out of records, and what it takes it
/// understands the same way again.
pub fn query(data: &[u8]) {
    let fields = Fields::decode(data);
    let _ = (fields.balance(), fields.price_list(), fields.echo(), fields.asks_check());
    let shown = fields.redacted(2_000);
    assert!(shown.chars().count() <= 2_100, "a record without a limit");
    // Whatever stands behind a secret's name, however it is written, is in no record.
    let secret = "zqxj7291";
    for name in ["pin", "PIN", "password", "p%61ssword", "sign", "%70in"] {
        let mut with = data.to_vec();
        with.extend_from_slice(format!("&{name}={secret}").as_bytes());
        let shown = Fields::decode(&with).redacted(2_000);
        let hidden = data.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(hidden || !shown.contains(secret), "{name} is in the record: {shown}");
    }
    if let Ok(request) = fields.trx() {
        let mut again = format!(
            "product={}&dest={}&refID={}&memberID={}&counter={}",
            request.product,
            escape(request.dest.as_str()),
            escape(request.ref_id.as_str()),
            request.member,
            request.counter
        );
        if let Some(qty) = request.qty {
            again.push_str(&format!("&qty={qty}"));
        }
        let read = Fields::decode(format!("{again}&pin=1&password=2").as_bytes()).trx();
        let read = read.unwrap_or_else(|why| panic!("{again}: {why:?}"));
        assert_eq!(
            (read.product, read.dest, read.ref_id, read.qty),
            (request.product, request.dest, request.ref_id, request.qty)
        );
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        escaped.push_str(&format!("%{byte:02X}"));
    }
    escaped
}

/// Words without which nothing is delivered, and nothing failed. A wrapped text is percent-encoded.
const SUCCESSES: [&str; 3] = ["sukses", "berhasil", "success"];
const FAILURES: [&str; 2] = ["gagal", "failed"];

fn says(text: &str, words: &[&str]) -> bool {
    let text = unwrapped(text);
    words.iter().any(|word| text.contains(word))
}

/// Any text of the family gives a reading, and a success has words that say so.
pub fn reply(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let reading = wire::read(&text);
    match reading.status {
        wire::Status::Success => {
            assert!(says(&text, &SUCCESSES), "{text}");
            // What may be shown to others never holds the reader's own balance.
            let sn = reading.sn.unwrap_or_default();
            assert_eq!(wire::cut_tail(&sn).1, "", "{text}");
        }
        wire::Status::Failed => assert!(says(&text, &FAILURES), "{text}"),
        wire::Status::Accepted
        | wire::Status::Pending
        | wire::Status::Refused
        | wire::Status::NoData
        | wire::Status::Balance
        | wire::Status::Unknown => {}
    }
}

/// A callback's query, and the same bytes printed as one again.
pub fn callback(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = gerbang_client::read_callback(&text);
    if let Some((ref_id, message)) = wire::callback_query(data) {
        let url = wire::callback_url("https://h/x?y=1", &ref_id, &message);
        let query = url.split_once('?').unwrap().1;
        assert_eq!(wire::callback_query(query.as_bytes()), Some((ref_id, message)));
    }
}

/// A price list is read as it is printed.
pub fn price_list(data: &[u8]) {
    if let Ok(list) = wire::read_price_list(data) {
        let printed = wire::print_price_list(&list.rows);
        let again = wire::read_price_list(printed.as_bytes()).unwrap();
        assert_eq!((again.rows, again.odd.len()), (list.rows, 0));
    }
}

/// A marketplace's purchase.
pub fn seller(data: &[u8]) {
    let fields = SellerFields::decode(data);
    assert!(fields.redacted().ends_with("&sign=***"));
    let _ = fields.request();
}

/// Noon of a day in November.
fn moment(day: u8) -> Moment {
    let civil = CivilTime { year: 2026, month: 11, day, hour: 12, minute: 0, second: 0 };
    Moment { utc: UtcMillis::new(1_793_422_800_000 + i64::from(day) * 86_400_000), civil }
}

fn ask() -> Ask {
    Ask {
        attempt: AttemptId { trx: TrxNo::new(100_000_001), n: 1 },
        sku: Sku::parse("t1").unwrap(),
        dest: Dest::parse("089660522887").unwrap(),
        qty: None,
        cost: Rupiah::new(1_321),
        counter: 1,
        sent: Some(moment(23)),
        waited_ms: 3_600_000,
        asked: moment(24),
    }
}

/// How a purchase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Delivered,
    Failed,
}

/// What stands in a text, however it is wrapped: itself, and without up to three layers of percent
/// encoding and JSON escapes, in lower case. A second reader, simpler than those that are tried.
fn unwrapped(body: &str) -> String {
    let mut all = body.to_lowercase();
    let mut inner = body.to_owned();
    for _ in 0..3 {
        let spaced = inner.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = spaced.as_bytes();
        while let Some((first, behind)) = rest.split_first() {
            let code = behind.get(..2).filter(|_| *first == b'%');
            let code = code.and_then(|code| std::str::from_utf8(code).ok());
            match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &behind[2..];
                }
                None => {
                    bytes.push(*first);
                    rest = behind;
                }
            }
        }
        inner = String::from_utf8_lossy(&bytes).into_owned();
        all.push('\n');
        all.push_str(&inner.to_lowercase());
        if let Ok(text) = serde_json::from_str::<String>(&format!("\"{inner}\"")) {
            all.push('\n');
            all.push_str(&text.to_lowercase());
        }
    }
    all
}

/// A reference that stands there whole, and not as a part of a longer number.
fn names(text: &str, reference: &str) -> bool {
    text.match_indices(reference).any(|(at, found)| {
        let around = [text[..at].chars().next_back(), text[at + found.len()..].chars().next()];
        around.iter().flatten().all(|next| !next.is_ascii_digit())
    })
}

/// Every way a connector reads; an outcome that ends a purchase needs a reason in the bytes.
fn read_all(connector: &dyn Connector, data: &[u8], ends: impl Fn(&str, End) -> bool) {
    let (status, body) = data.split_first().map_or((200, data), |(first, rest)| {
        (if first.is_multiple_of(4) { 500 } else { 200 }, rest)
    });
    let body = String::from_utf8_lossy(body).into_owned();
    let reply = Reply { status, body: body.clone(), ..Reply::default() };
    let inbound = Inbound {
        query: body.clone(),
        body: body.clone(),
        headers: vec![("x-hub-signature".to_owned(), body.clone())],
    };
    let ask = ask();
    let _ = connector.callback_about(&inbound);
    let _ = (connector.movement(&body), connector.told(&inbound));
    let _ = (connector.read_balance(&reply), connector.read_prices(&reply));
    let own = "100000001-1";
    for (heard, outcome) in [
        (Heard::Buy(&reply), connector.read_buy(&ask, &reply)),
        (Heard::Check(&reply), connector.read_check(&ask, &reply)),
        (Heard::Callback(&inbound), connector.read_callback(&ask, &inbound)),
    ] {
        assert_eq!(connector.explain(&ask, heard).outcome, outcome, "explained otherwise: {body}");
        if let Outcome::Success { cost: Some(cost), .. } = &outcome {
            assert!(!cost.is_negative(), "a cost below nothing: {body}");
        }
        match outcome {
            Outcome::Success { tie, .. } | Outcome::Failed { tie, .. } => {
                let end = if matches!(outcome, Outcome::Success { .. }) {
                    End::Delivered
                } else {
                    End::Failed
                };
                assert!(ends(&body, end), "{end:?}: {body}");
                assert!(!tie.names_us() || names(&unwrapped(&body), own), "not named: {body}");
                let on_buy = matches!(heard, Heard::Buy(_));
                assert!(on_buy || tie != domain::Tie::Connection, "no connection: {body}");
            }
            Outcome::Pending | Outcome::Unknown { .. } | Outcome::Doubtful { .. } => {}
            Outcome::Unsent { .. } | Outcome::Held { .. } => {
                panic!("a reader says that nothing was sent: {body}")
            }
        }
    }
}

/// The text connector.
pub fn okeconnect(data: &[u8]) {
    let connector = OkeconnectConnector::new(OkeconnectSettings {
        list_id: "1".to_owned(),
        ref_prefix: "g-".to_owned(),
        ..OkeconnectSettings::new("http://h", "OK1", "1", "2")
    });
    read_all(&connector.unwrap(), data, says_so);
}

/// Words without which nothing is delivered, and nothing failed, of those that centers use.
fn says_so(body: &str, end: End) -> bool {
    const DELIVERED: [&str; 3] = ["sukses", "berhasil", "success"];
    const FAILED: [&str; 9] = [
        "gagal",
        "failed",
        "salah",
        "tidak",
        "too short",
        "terlalu",
        "parameter",
        "your ip",
        "batal",
    ];
    let text = unwrapped(body);
    let words = match end {
        End::Delivered => &DELIVERED[..],
        End::Failed => &FAILED,
    };
    words.iter().any(|word| text.contains(word))
}

/// What an independent reading of the bytes must find before Digiflazz's words may end a purchase:
/// our reference, and a status with a code of the same meaning; or, on the first answer alone, a
/// refusal that names nobody.
fn digiflazz_ends(body: &str, end: End) -> bool {
    let clean: String = body
        .trim_start_matches('\u{feff}')
        .chars()
        .map(|c| if c < ' ' { ' ' } else { c })
        .collect();
    // By its grammar alone: a number too large for any type is JSON too.
    if serde_json::from_str::<&serde_json::value::RawValue>(&clean).is_err() {
        return false;
    }
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&clean) else { return true };
    let data = &value["data"];
    let text = |name: &str| match &data[name] {
        serde_json::Value::String(text) => text.trim().to_lowercase(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let (status, rc) = (text("status"), text("rc"));
    let delivered = status == "sukses" && matches!(rc.as_str(), "00" | "0" | "0.0" | "-0.0");
    let refused = matches!(status.as_str(), "gagal" | "") && !rc.is_empty() && rc != "00";
    let named = data["ref_id"].as_str().is_some_and(|text| text.trim() == "g-100000001-1");
    let nameless = !data["ref_id"].is_number() && text("ref_id").is_empty();
    match end {
        End::Delivered => named && delivered,
        End::Failed => refused && (named || nameless),
    }
}

/// The Digiflazz connector: only our reference, with a status and a code that agree, ends a
/// purchase.
pub fn digiflazz(data: &[u8]) {
    let connector = DigiflazzConnector::new(DigiflazzSettings {
        base: "http://h".to_owned(),
        username: "u".to_owned(),
        api_key: "k".to_owned(),
        testing: false,
        webhook_secret: String::new(),
        limit_price: true,
        ref_prefix: "g-".to_owned(),
        epochs: domain::Epochs::default(),
    });
    read_all(&connector.unwrap(), data, digiflazz_ends);
}

/// Settings with one rule, or a rule set.
fn described(set: &str, pattern: &str, means: &str) -> Settings {
    let mut template = toml::Table::new();
    let mut buy = toml::Table::new();
    buy.insert("url".to_owned(), "http://h/{dest}".into());
    template.insert("buy".to_owned(), buy.into());
    if !set.is_empty() {
        template.insert("rule_set".to_owned(), set.into());
    }
    if !pattern.is_empty() {
        let mut rule = toml::Table::new();
        rule.insert("pattern".to_owned(), pattern.into());
        rule.insert("means".to_owned(), means.into());
        rule.insert("anonymous".to_owned(), true.into());
        template.insert("rules".to_owned(), toml::Value::Array(vec![rule.into()]));
    }
    let mut all = toml::Table::new();
    all.insert("template".to_owned(), template.into());
    all.try_into::<Settings>().unwrap()
}

/// The rule sets, compiled once.
static SETS: LazyLock<Vec<TemplateConnector>> = LazyLock::new(|| {
    let sets = ["mmi", "yuscom", "serpul", "irs", "qiospay"];
    let connector = |set| TemplateConnector::new(described(set, "", "").template.unwrap()).unwrap();
    sets.into_iter().map(connector).collect()
});

/// A rule and a text: first line the pattern, the rest the text, in each meaning; then the rule sets.
pub fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, body) = text.split_once('\n').unwrap_or((&text, ""));
    // A rule of a person's own says what it was told to say, and nothing else.
    for (means, says) in
        [("pending", None), ("failed", Some(End::Failed)), ("success", Some(End::Delivered))]
    {
        if let Ok((_, connector)) = described("", pattern, means).connector() {
            read_all(connector.as_ref(), body.as_bytes(), |_, end| Some(end) == says);
        }
    }
    for connector in SETS.iter() {
        read_all(connector, body.as_bytes(), says_so);
    }
}

/// A bank's credits as CSV: every line becomes one row, none becomes two.
pub fn mutations(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let bank = office::Bank {
        code: "bca".to_owned(),
        name: "BCA".to_owned(),
        number: "1".to_owned(),
        holder: "x".to_owned(),
        open: true,
    };
    if let Ok(file) = office::read_mutations(&bank, &text, types::Day::new(20_261_130)) {
        // A return alone ends a line of CSV too.
        let ends = text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        let rows = file.credits.len() + file.left_out.all();
        assert!(rows <= ends, "{rows} rows");
        for (line, row) in &file.credits {
            assert!(*line >= 2 && row.bank == "bca" && row.id.as_deref() != Some(""), "{row:?}");
            assert!(row.amount.parse::<Rupiah>().is_ok_and(|amount| !amount.is_negative()));
        }
    }
    if let Ok(value) = serde_json::from_str(&text)
        && let Ok(feed) = office::read_feed(&value, Some("bca"), &[bank])
    {
        assert!(feed.credits.iter().flatten().all(|row| row.id.as_deref() != Some("")));
    }
}

/// A supplier's statement: amounts are never below zero, only our own references are ours, and
/// every line stands where it says.
pub fn statement(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (mapping, rest) = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with('{') => {
            (serde_json::from_str(first).unwrap_or_default(), rest)
        }
        Some(_) | None => (office::Mapping::default(), text.as_ref()),
    };
    let refs = suppliers::Refs::default();
    if let Ok(lines) = office::read_statement(rest, &mapping, &refs) {
        assert!(!lines.is_empty());
        for line in lines {
            assert!(!line.amount.is_negative() && line.line >= 2, "{line:?}");
            if let Some(attempt) = line.attempt {
                assert!(rest.contains(&attempt.supplier_ref()), "{line:?}");
            }
        }
    }
}

/// An amount: never more than its digits, never with another sign, and never what its rounding
/// forbids.
pub fn amount(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let most = digits.trim_start_matches('0').parse::<u128>().unwrap_or_default();
    let exact = text.parse::<Rupiah>();
    let rounded = |rounding| Rupiah::read(&text, rounding).ok().map(Rupiah::get);
    let (down, up) = (rounded(Rounding::Down), rounded(Rounding::Up));
    if let Ok(value) = exact {
        assert!(u128::from(value.get().unsigned_abs()) <= most, "{text}: {value}");
        assert!(!value.is_negative() || text.contains(['-', '\u{2212}']), "{text}: {value}");
        assert_eq!((down, up), (Some(value.get()), Some(value.get())), "{text}");
        assert_eq!(value.to_string().parse(), Ok(value), "{text}");
    } else if let (Some(down), Some(up)) = (down, up) {
        assert_eq!(down.checked_add(1), Some(up), "{text}");
    }
    if let Ok(value) = Rupiah::read_number(&text, Rounding::Refuse) {
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).is_ok()
                || text.starts_with(['0', '-'])
        );
        assert_eq!(Rupiah::read_number(&value.get().to_string(), Rounding::Up), Ok(value));
    }
}

/// Some hundred bytes, always the same for a seed.
#[must_use]
pub fn random_bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    let many = usize::from(next()[3]) * 8 + 64;
    (0..many).map(|_| next()[4]).collect()
}

/// Bytes with a few changes, always the same for a seed: one replaced, a piece left out or written twice, a
/// sign that means something put in.
#[must_use]
pub fn near(bytes: &[u8], seed: u64) -> Vec<u8> {
    const SIGNS: &[u8] = b"\n\";,=[]{}.0-9/%#'\t\0 ";
    let chance = random_bytes(seed);
    let mut all = bytes.to_vec();
    for draw in chance.chunks_exact(4).take(1 + usize::from(chance[0] % 6)) {
        let at = (usize::from(draw[0]) << 8 | usize::from(draw[1])) % (all.len() + 1);
        let sign = SIGNS[usize::from(draw[3]) % SIGNS.len()];
        let end = (at + usize::from(draw[3])).min(all.len());
        match draw[2] % 4 {
            0 => all.insert(at, sign),
            1 if at < all.len() => all[at] = sign,
            2 => drop(all.drain(at..end)),
            _ => {
                let piece = all[at..end].to_vec();
                all.splice(at..at, piece);
            }
        }
    }
    all
}
