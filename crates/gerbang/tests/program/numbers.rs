//! Numbers from outside, at every route: whatever stands there is an answer, never a broken program.

use super::rig::{House, WHO, get};
use super::visitor::{Visitor, encode};
use console::{Need, console_routes};
use serde_json::json;

/// What nobody means and anybody can send.
fn extremes() -> Vec<String> {
    let mut all: Vec<String> = [
        "-9223372036854775808",
        "9223372036854775807",
        "-1",
        "0",
        "1e30",
        "",
        "%00",
        "0--9223372036854775808",
        "0-9223372036854775807",
        "9999-99-99",
    ]
    .map(str::to_owned)
    .into();
    all.push("9".repeat(10_000));
    all
}

/// Names that a number of a query has anywhere, or could have.
const QUERIES: [&str; 8] = ["below", "trx", "from", "until", "day", "page", "limit", "before"];

/// Names of fields that are read as numbers.
const FIELDS: [&str; 16] = [
    "amount",
    "limit",
    "price",
    "cost",
    "add",
    "priority",
    "days",
    "keep",
    "unique",
    "minutes",
    "approval_above",
    "markup",
    "daily_most",
    "floor",
    "q",
    "level",
];

fn path(pattern: &str, part: &str) -> String {
    pattern.split("{}").collect::<Vec<_>>().join(if part.is_empty() { "x" } else { part })
}

/// Every route of console, portal and admin API with a session that may, every name of a number, and
/// every extreme: no answer is a 500, no connection breaks off, no part of the program is lost.
#[test]
fn no_number_breaks_anything() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let mut member = Visitor::portal(&server);
    let mut script = Visitor::new(&server);
    let made = house.json(&["user", "token", "walker", "--role", "owner", "--user", "owner"]);
    script.token = Some(made["token"].as_str().unwrap().to_owned());
    let mut walked = 0;
    let extremes = extremes();
    for route in console_routes() {
        // Whoever leaves walks no further.
        if route.method != "GET" || route.path.ends_with("/live") {
            continue;
        }
        let visitor = match route.need {
            Need::Nobody | Need::User | Need::May(_) => &mut owner,
            Need::Token(_) => &mut script,
            Need::Member => &mut member,
        };
        let mut walk = |target: String| {
            let page = visitor.get(&target);
            let shown: String = target.chars().take(120).collect();
            // Who has taken many files away waits for the next one.
            let waits = page.status == 503 && page.header("retry-after").is_some();
            assert!(page.status < 500 || waits, "{shown}: {} {}", page.status, page.body);
            walked += 1;
        };
        for value in &extremes {
            for name in QUERIES {
                walk(format!("{}?{name}={value}", path(route.path, "OK00123")));
            }
            if route.path.contains("{}") {
                walk(path(route.path, value));
            }
        }
    }
    assert!(walked > 3_000, "{walked}");
    assert_eq!(server.panics(), 0);
    assert_eq!(get(server.address, "/healthz").unwrap().0, 200);
}

/// The same for what is posted: forms with their session's key, and documents.
#[test]
fn no_number_of_a_form_breaks_anything() {
    let house = House::new();
    let server = house.demo();
    let (mut owner, mut member) = (Visitor::console(&server, "owner"), Visitor::portal(&server));
    let own_key = owner.get("/console/account").form_key();
    let their_key = member.get("/portal/account").form_key();
    let mut script = Visitor::new(&server);
    let made = house.json(&["user", "token", "walker", "--role", "owner", "--user", "owner"]);
    script.token = Some(made["token"].as_str().unwrap().to_owned());
    let posts = || console_routes().into_iter().filter(|route| route.method == "POST");
    let mut walked = 0;
    for value in extremes().iter().filter(|value| *value != "%00") {
        for route in posts() {
            // Whoever leaves, or is taken out, walks no further.
            if ["logout", "login", "/portal/account", "rotate", "/suppliers"]
                .iter()
                .any(|end| route.path.ends_with(end))
            {
                continue;
            }
            let target = path(route.path, "OK00123");
            let form = |key: &str| {
                let mut fields = vec![("form_key", key), ("code", "T1"), ("member", "OK00123")];
                fields.extend(FIELDS.map(|name| (name, value.as_str())));
                encode(&fields)
            };
            let typed = [("content-type", "application/x-www-form-urlencoded")];
            let page = match route.need {
                Need::User | Need::May(_) => {
                    owner.send("POST", &target, &typed, Some(&form(&own_key)))
                }
                Need::Member => member.send("POST", &target, &typed, Some(&form(&their_key))),
                Need::Token(_) => {
                    let number = value.parse::<i64>().map_or(json!(value), |number| json!(number));
                    let mut fields = json!({"code": "T1", "member": "OK00123"});
                    for name in FIELDS {
                        fields[name] = number.clone();
                    }
                    fields["ids"] = json!([number]);
                    let typed = [("content-type", "application/json")];
                    script.send("POST", &target, &typed, Some(&fields.to_string()))
                }
                Need::Nobody => continue,
            };
            assert!(page.status < 500, "{target}: {} {}", page.status, page.body);
            walked += 1;
        }
    }
    assert!(walked > 500, "{walked}");
    assert_eq!(server.panics(), 0);
    // Business goes on.
    let bought = get(server.address, &format!("/trx?product=T1&dest=089660522887&refID=n1&{WHO}"));
    assert_eq!(bought.unwrap().0, 200);
    house.holds();
}
