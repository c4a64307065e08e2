//! What people mean: values that a name or a place of a path usually has, so that a request gets
//! beyond the first check before something in it is odd.

use super::draw::Draw;
use super::house::{H2H, House, MEMBER, OWNER, PASSWORD, PIN};

const AMOUNTS: &[&str] = &["50000", "1321", "-5000", "6000000", "1.000"];
const MEMBERS: &[&str] = &[MEMBER, "OK00206"];
const SWITCH: &[&str] = &["true", "false", "on"];
const DAYS: &[&str] = &["2026-11-23", "2026-11-24", "2026-11-01"];

const STATEMENT: &str =
    "ref,amount,status,sn\n100000001-1,1200,sukses,123\n100000002-1,1250,gagal,\n";
const CREDITS: &str = "date,amount,text\n2026-11-24,50000,TRSF A\n2026-11-24,77000,TRSF B\n";
const GOODS: &str = "code,name,price,cost,sku\nT1,Three,1400,1200,t1\nT9,Three 9,9000,8900,t9\n";
const PEOPLE: &str = "code,name,pin,password,balance\nOK801,Toko,480914,teh-pahit-4,5000\n";
const SETTINGS: &str = "[okeconnect]\nbase = \"http://h\"\nmember = \"a\"\npin = \"1\"\n\
     password = \"2\"\nlist_id = \"1\"\n[callback]\nsecret = \"pintu-belakang-0123456789\"\n";

/// Values by name.
const USUAL: &[(&str, &[&str])] = &[
    ("act", &["assign", "ignore", "name", "role", "password", "remove", "book", "callback", "ips"]),
    ("act", &["credentials", "webhook", "secret", "keep", "lock", "unlock", "second", "success"]),
    ("active", SWITCH),
    ("add", AMOUNTS),
    ("agree", SWITCH),
    ("allowlist_hours", &["24", "0"]),
    ("amount", AMOUNTS),
    ("another", SWITCH),
    ("approval_above", &["5000000", "1000"]),
    ("approval_above_day", &["20000000", "2000"]),
    ("bank", &["bca"]),
    ("basis_points", &["0", "50"]),
    ("by", &["hour", "member", "product", "supplier"]),
    ("callback", &["https://m.example/h2h", ""]),
    ("cash", &["adjustment", "bca"]),
    ("category", &["PULSA"]),
    ("channel", &["admin", "trx"]),
    ("check_after_ms", &["15000"]),
    ("code", &["OK777", "gold", "mandiri", "T1"]),
    ("cooling_minutes", &["60"]),
    ("cost", &["1200", "1300"]),
    ("cost_most", &["2000", ""]),
    ("credit_limit", &["0", "100000"]),
    ("csv", &[STATEMENT, CREDITS, GOODS, PEOPLE]),
    ("cut_off", &["23:00-01:00", "-", ""]),
    ("daily_limit", &["1000000", ""]),
    ("daily_most", &["10", ""]),
    ("date", DAYS),
    ("day", DAYS),
    ("days", &["30"]),
    ("dest", &["089660522887", "085736044280"]),
    ("dest_rule", &["phone", "any"]),
    ("dialect", &["aliases", ""]),
    ("downlines", SWITCH),
    ("dry_run", SWITCH),
    ("enabled", SWITCH),
    ("fail", &["{\"reason\":\"x\"}"]),
    ("from", MEMBERS),
    ("from", DAYS),
    ("group", &["Three"]),
    ("holder", &["PT X"]),
    ("hours", &["08:00-20:00", ""]),
    ("id", &["m1", "m2"]),
    ("ids", &["[1]", "[1,2]"]),
    ("ips", &["203.0.113.0/24", "", "[\"203.0.113.9\"]"]),
    ("keep", &["24", "0"]),
    ("kind", &["supplier", "expense", "capital"]),
    ("level", &["retail"]),
    ("level", &["gold"]),
    ("limit", &["100000", "0"]),
    ("login", &["siti", "other"]),
    ("mapping", &["{}"]),
    ("markup", &["50"]),
    ("markups", &["T1:150", ""]),
    ("member", MEMBERS),
    ("name", &["Toko", "text", "Three 1.000"]),
    ("new", &["sebelas kuda minum susu", PASSWORD]),
    ("note", &["kas kecil"]),
    ("number", &["123"]),
    ("on", SWITCH),
    ("on", &["buy", "check", "callback"]),
    ("once", &["k1", "k2", ""]),
    ("open", SWITCH),
    ("own_password", &[PASSWORD]),
    ("password", &[PASSWORD, H2H, "teh-pahit-4"]),
    ("paused", SWITCH),
    ("pin", &[PIN]),
    ("plan", &[""]),
    ("prefixes", &["0896", ""]),
    ("price", &["1400", "1321"]),
    ("priority", &["1", "2"]),
    ("product", &["T1", "BBSDN"]),
    ("reason", &["stok kosong", "Nomor tujuan salah"]),
    ("ref", &["r0", "100000001-1"]),
    ("remove", &["false", "false", "true"]),
    ("returned", SWITCH),
    ("reverse", &["{\"reason\":\"x\"}"]),
    ("reverse_above", &["1000000"]),
    ("reverse_days", &["7"]),
    ("role", &["cs", "readonly", "finance"]),
    ("rows", &["[{\"kode\":\"T8\",\"keterangan\":\"Three 8\",\"harga\":\"8000\"}]"]),
    ("second_factor", SWITCH),
    ("seller", &["no", "json", "text"]),
    ("settings", &[SETTINGS, "[sandbox]\n"]),
    ("settlement", &["\"book\"", "\"success\"", "\"reverse\"", "{\"ignore\":\"x\"}"]),
    ("signing", &["rahasia-panjang-123456", ""]),
    ("sku", &["T1", "t1"]),
    ("sn", &["123456789"]),
    ("state", &["pending", "success", "exhausted"]),
    ("status", &["200"]),
    ("strategy", &["order", "cheapest"]),
    ("success", &["{\"sn\":\"123\"}"]),
    ("supplier", &["text", "sandbox"]),
    ("suspect_after_ms", &["600000"]),
    ("text", &["R#1 T1.089660522887 SUKSES. SN: 1", "[sandbox]\n"]),
    ("ticket_least", &["10000"]),
    ("ticket_minutes", &["60"]),
    ("ticket_unique_most", &["500"]),
    ("to", &["OK00206", MEMBER]),
    ("trusted_reversal", SWITCH),
    ("type", &["CR", "DB"]),
    ("until", DAYS),
    ("upline", &[MEMBER, ""]),
    ("verdict", &["success", "fail", "reverse", "keep"]),
    ("webhook", SWITCH),
    ("weight", &["1"]),
    // Of the members' JSON.
    ("ref_id", &["r1", "r2", "r3", "r4"]),
    ("counter", &["1", "2"]),
    ("max_price", &["2000", "1"]),
    ("qty", &["null", "1000", "5000"]),
];

/// A value of this name, where it is one that people fill in.
pub(super) fn usual(house: &House, name: &str, draw: &mut Draw<'_>) -> Option<String> {
    if name == "own_code" || name == "code" && draw.once_in(3) {
        return Some(house.code());
    }
    let rows: Vec<_> = USUAL.iter().filter(|(known, _)| *known == name).collect();
    let (_, values) = rows.get(draw.below(rows.len()))?;
    Some((*draw.one(values)).to_owned())
}

/// Names that are numbers in a document.
const NUMBERS: [&str; 8] = [
    "check_after_ms",
    "counter",
    "max_price",
    "priority",
    "qty",
    "status",
    "suspect_after_ms",
    "weight",
];

/// Whether a document has it without quotes.
pub(super) fn is_bare(name: &str, value: &str) -> bool {
    let starts = value.starts_with(['[', '{', '"']) && !value.starts_with("[sandbox]");
    let is_settings = value.starts_with("[okeconnect]");
    (starts && !is_settings)
        || NUMBERS.contains(&name)
        || matches!(value, "true" | "false" | "null")
}

/// What stands at a placeholder of a path like this.
pub(super) fn part(house: &House, path: &str, draw: &mut Draw<'_>) -> Option<String> {
    let kind = [
        ("/approval", "approval"),
        ("/ticket", "ticket"),
        ("/deposits", "ticket"),
        ("/mutation", "mutation"),
        ("/reconcil", "reconciliation"),
        ("/tokens", "token"),
        ("/keys", "apikey"),
        ("/session", "session"),
    ];
    let named = [
        ("/members/", MEMBERS),
        ("/products/", &["T1", "BBSDN"]),
        ("/suppliers/", &["text", "sandbox"]),
        ("/users/", &["other", "cs", OWNER]),
        ("/account/", &["cash:bca", "member:1", "hold"]),
        ("/language/", &["en", "id"]),
        ("/callbacks/", &["1", "2"]),
        ("/purchases/", &["r1", "r2"]),
    ];
    let at = draw.byte();
    if let Some((_, kind)) = kind.iter().find(|(word, _)| path.contains(word)) {
        return house.model.with(|tables| {
            let papers = tables.papers.keys().filter(|key| key.kind.contains(kind));
            let ids: Vec<_> = papers.map(|key| key.id.clone()).collect();
            ids.get(usize::from(at) % ids.len().max(1)).cloned()
        });
    }
    if path.contains("/trx/") {
        return house.model.with(|tables| {
            let number = usize::from(at) % tables.trxs.len().max(1);
            tables.trxs.keys().nth(number).map(|no| no.get().to_string())
        });
    }
    let (_, values) = named.iter().find(|(word, _)| path.contains(word))?;
    Some((*draw.one(values)).to_owned())
}
