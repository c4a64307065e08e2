//! What people write into files: a supplier's settings, a list of products, the configuration. Each is read
//! a second time by a simpler reader, and what was understood must stand there.

use crate::ask;
use office::ImportRow;
use serde_json::Value;
use std::collections::BTreeSet;
use suppliers::Settings;
use toml::Table;

/// Tables of connectors; there is exactly one.
const CONNECTORS: [&str; 4] = ["sandbox", "okeconnect", "digiflazz", "template"];
/// Keys whose values are in no record and in no error.
const SECRETS: [&str; 6] = ["pin", "password", "api_key", "webhook_secret", "secret", "signing"];

/// The texts behind the names of secrets, as far as they are long enough to be told from other words.
fn secrets(table: &Table, found: &mut BTreeSet<String>) {
    for (name, value) in table {
        match value {
            toml::Value::String(text) if SECRETS.contains(&name.as_str()) && text.len() >= 8 => {
                found.insert(text.clone());
            }
            toml::Value::Table(inner) => secrets(inner, found),
            _ => {}
        }
    }
}

/// What else the file says, where a secret may stand as a plain word.
fn plain(table: &Table, all: &mut String) {
    for (name, value) in table {
        all.push_str(name);
        match value {
            toml::Value::Table(inner) => plain(inner, all),
            _ if SECRETS.contains(&name.as_str()) => {}
            other => all.push_str(&other.to_string()),
        }
        all.push(' ');
    }
}

/// A supplier's settings: one connector, the one that is named; a key that nobody knows stops them; what is
/// stored is what was written; no secret is in a record of what is sent, nor in an error.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (read, second) = (toml::from_str::<Settings>(&text), text.parse::<Table>());
    let Ok(settings) = read else { return };
    let table = second.unwrap_or_else(|why| panic!("settings of what is no TOML: {why}\n{text}"));
    let (mut hidden, mut shown) = (BTreeSet::new(), String::new());
    secrets(&table, &mut hidden);
    plain(&table, &mut shown);
    hidden.retain(|secret| !shown.contains(secret.as_str()));
    let with = |name: &str| {
        let mut more = table.clone();
        more.insert(name.to_owned(), toml::Value::Integer(1));
        more.try_into::<Settings>().is_ok()
    };
    assert!(!with("zqxj"), "an unknown key is taken: {text}");
    let named: Vec<&str> =
        CONNECTORS.into_iter().filter(|name| table.contains_key(*name)).collect();
    match (settings.connector(), settings.sync.rules()) {
        (Ok((name, connector)), _) => {
            assert_eq!(named, [name], "{text}");
            let stored = serde_json::to_value(&settings).expect("settings are stored");
            let again: Settings =
                serde_json::from_value(stored.clone()).expect("what is stored is read");
            assert_eq!(serde_json::to_value(&again).ok(), Some(stored), "{text}");
            let asked = ask();
            if let Ok(request) = connector.buy(&asked) {
                assert!(
                    ["http://", "https://", "sandbox://"]
                        .iter()
                        .any(|scheme| request.url.starts_with(scheme)),
                    "{}",
                    request.url
                );
                for secret in &hidden {
                    assert!(
                        !request.redacted.contains(secret.as_str()),
                        "{secret} is in {}",
                        request.redacted
                    );
                }
            }
        }
        (Err(error), _) => {
            for secret in &hidden {
                assert!(!error.0.contains(secret.as_str()), "{secret} is in {error}");
            }
        }
    }
}

/// Every text of a row.
fn texts(row: &ImportRow) -> [&str; 14] {
    [
        &row.kode,
        &row.keterangan,
        &row.produk,
        &row.kategori,
        &row.harga,
        &row.status,
        &row.dest_rule,
        &row.qty_min,
        &row.qty_max,
        &row.cut_off,
        &row.level,
        &row.supplier,
        &row.cost,
        &row.sku,
    ]
}

/// An import file: every row has a code and stands in its own line; nothing is in a row that is not in the
/// file; of JSON there are as many rows as objects; a row that is written down again reads the same.
pub fn import(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for ending in ["csv", "json"] {
        let Ok(rows) = office::read_import(ending, &text) else { continue };
        let lines = text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
        let objects =
            match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}').trim()) {
                Ok(Value::Array(all)) => Some(all.len()),
                _ => None,
            };
        match objects {
            Some(objects) => assert_eq!(rows.len(), objects, "{text}"),
            None => assert!(rows.len() < lines, "{} rows of {lines} lines: {text}", rows.len()),
        }
        let mut before = 0;
        for row in &rows {
            // A line without a code is refused with its number where the import is looked at.
            let is_named = !row.kode.trim().is_empty();
            assert!(is_named || objects.is_none(), "an object without a code: {text}");
            assert!(row.line >= before && row.line <= lines, "line {} of {text}", row.line);
            before = row.line;
            if !is_named {
                continue;
            }
            // A quote in a cell is written twice, JSON has escapes and numbers.
            if objects.is_none() && !text.contains('"') {
                for cell in texts(row) {
                    assert!(text.contains(cell), "`{cell}` is not in {text}");
                }
            }
            let names = [
                "kode",
                "keterangan",
                "produk",
                "kategori",
                "harga",
                "status",
                "dest_rule",
                "qty_min",
                "qty_max",
                "cut_off",
                "level",
                "supplier",
                "cost",
                "sku",
            ];
            let object: serde_json::Map<String, Value> = names
                .into_iter()
                .zip(texts(row))
                .map(|(name, cell)| (name.to_owned(), Value::String(cell.to_owned())))
                .collect();
            let written = Value::Array(vec![Value::Object(object)]).to_string();
            let again = office::read_import("json", &written).expect("a row that was read");
            assert_eq!(texts(&again[0]), texts(row), "{written}");
        }
    }
}

/// Whole numbers of the configuration that have limits, with these.
const LIMITS: [(&str, i64, i64); 5] = [
    ("lanes", 1, 64),
    ("lease_seconds", 5, 300),
    ("connections", 1, i64::MAX),
    ("connections_per_address", 1, i64::MAX),
    ("header_seconds", 1, i64::MAX),
];

/// The configuration: of keys that the file of `init` has, each of its kind, numbers within their limits, and
/// nobody's proxy is everybody.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if gerbang::read_config(&text).is_err() {
        return;
    }
    let table: Table =
        text.parse().unwrap_or_else(|why| panic!("a configuration that is no TOML: {why}\n{text}"));
    for (name, least, most) in LIMITS {
        if let Some(value) = table.get(name) {
            let value = value.as_integer();
            assert!(value.is_some_and(|value| (least..=most).contains(&value)), "{name}: {text}");
        }
    }
    let proxies = table.get("trusted_proxies").and_then(toml::Value::as_array);
    for proxy in proxies.into_iter().flatten().filter_map(toml::Value::as_str) {
        assert!(!proxy.ends_with("/0"), "everybody is a proxy: {text}");
    }
    let is_open = table.get("listen").and_then(toml::Value::as_str).is_some_and(|listen| {
        let address = listen.parse::<std::net::SocketAddr>();
        address.is_ok_and(|address| !address.ip().is_loopback())
    });
    let is_closed = proxies.is_some_and(|all| !all.is_empty()) || table.contains_key("tls_key");
    assert!(!is_open || is_closed, "PINs over plain HTTP: {text}");
    assert!(
        gerbang::read_config(&format!("zqxj = 1\n{text}")).is_err(),
        "an unknown key is taken: {text}"
    );
}
