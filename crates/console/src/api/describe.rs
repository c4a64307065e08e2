//! The description of the JSON door, made from the same table that serves it.

use crate::routes::{Need, Route};
use serde_json::{Map, Value, json};

/// What a route is for, what it takes in its query, and the fields of its body (`!` behind a name:
/// needed).
type Told = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Every route has its line here; a test sees to it.
fn told(method: &str, path: &str) -> Option<Told> {
    Some(match (method, path) {
        ("GET", "/admin/v1/openapi.json") => ("This description", &[], &[]),
        ("GET", "/admin/v1/trx") => (
            "Transactions, newest first",
            &[
                "member", "product", "supplier", "dest", "sn", "ref", "state", "from", "until",
                "below",
            ],
            &[],
        ),
        ("GET", "/admin/v1/trx/{}") => ("One transaction with its whole story", &[], &[]),
        ("POST", "/admin/v1/trx/{}/resolve") => (
            "A person decides: `success` {sn}, `fail` {reason}, `reverse` {reason} or `keep`",
            &[],
            &["success", "fail", "reverse", "note!"],
        ),
        ("POST", "/admin/v1/trx/{}/check") => ("Ask the supplier now", &[], &[]),
        ("GET", "/admin/v1/members") => ("All members with their balances", &[], &[]),
        ("POST", "/admin/v1/members") => (
            "Add a member",
            &[],
            &[
                "code!",
                "name!",
                "pin!",
                "password!",
                "level",
                "callback",
                "ips!",
                "upline",
                "markup",
            ],
        ),
        ("GET", "/admin/v1/members/{}") => ("One member with its settings", &[], &[]),
        ("POST", "/admin/v1/members/{}") => (
            "Change a member; only what is given changes",
            &[],
            &[
                "name",
                "active",
                "level",
                "pin",
                "password",
                "signing",
                "callback",
                "ips",
                "credit_limit",
                "daily_limit",
                "same_day_guard",
                "sedang",
                "sn_ref",
                "seller",
                "dialect",
                "webhook",
                "sandbox",
                "forget_portal_password",
                "upline",
                "markup",
                "markups",
            ],
        ),
        ("POST", "/admin/v1/members/{}/credit") => (
            "Credit (or debit) a member; above the limit it waits for a second person. Takes Idempotency-Key",
            &[],
            &["amount!", "cash", "note!"],
        ),
        ("GET", "/admin/v1/members/{}/statement") => ("What moved, newest first", &["below"], &[]),
        ("POST", "/admin/v1/books") => (
            "Enter a top-up of a supplier, an expense or capital. Takes Idempotency-Key",
            &[],
            &["kind!", "name", "cash!", "amount!", "note!"],
        ),
        ("POST", "/admin/v1/transfers") => (
            "Move balance from one member to another. Takes Idempotency-Key",
            &[],
            &["from!", "to!", "amount!", "note"],
        ),
        ("GET", "/admin/v1/approvals") => ("Credits that wait for a second person", &["all"], &[]),
        ("POST", "/admin/v1/approvals/{}") => ("The second person decides", &[], &["agree!"]),
        ("GET", "/admin/v1/products") => ("Products with prices and routes", &["q"], &[]),
        ("POST", "/admin/v1/products") => (
            "Import products, all or none; only what a row names is changed. `dry_run` says what would change",
            &[],
            &["rows!", "level", "supplier", "dry_run", "skip_wrong"],
        ),
        ("GET", "/admin/v1/products/{}") => ("One product", &[], &[]),
        ("POST", "/admin/v1/products/{}") => (
            "Change a product",
            &[],
            &[
                "name",
                "open",
                "cut_off",
                "dest_rule",
                "price",
                "basis_points",
                "level",
                "strategy",
                "group",
                "category",
                "reason",
            ],
        ),
        ("POST", "/admin/v1/levels") => ("Make or rename a price level", &[], &["code!", "name"]),
        ("GET", "/admin/v1/suppliers") => ("Suppliers with their health", &[], &[]),
        ("POST", "/admin/v1/suppliers") => {
            ("Add a supplier, or give it new settings (TOML)", &[], &["code!", "name", "settings!"])
        }
        ("POST", "/admin/v1/suppliers/{}") => (
            "Pause, patience, trust",
            &[],
            &["paused", "check_after_ms", "suspect_after_ms", "trusted_reversal"],
        ),
        ("POST", "/admin/v1/suppliers/{}/sync") => ("Read its price list", &[], &["dry_run"]),
        ("POST", "/admin/v1/suppliers/{}/explain") => (
            "What a text of it would do to a purchase",
            &[],
            &["text!", "on", "sku", "dest", "ref", "status"],
        ),
        ("POST", "/admin/v1/routes") => (
            "Where a product is bought",
            &[],
            &[
                "product!",
                "supplier!",
                "sku",
                "cost",
                "priority",
                "enabled",
                "allow_loss",
                "weight",
                "cost_most",
                "hours",
                "prefixes",
                "daily_most",
                "remove!",
            ],
        ),
        ("GET", "/admin/v1/callbacks") => {
            ("Callbacks to members", &["member", "state", "trx"], &[])
        }
        ("POST", "/admin/v1/callbacks/replay") => {
            ("Send callbacks again", &[], &["ids", "member", "state"])
        }
        ("POST", "/admin/v1/members/{}/ping") => {
            ("Call its URL with a callback that is about nothing", &[], &[])
        }
        ("GET", "/admin/v1/banks") => ("Accounts that members pay into", &[], &[]),
        ("POST", "/admin/v1/banks") => {
            ("Add or change one", &[], &["code!", "name!", "number!", "holder!", "open!"])
        }
        ("GET", "/admin/v1/tickets") => ("Deposit tickets", &["member"], &[]),
        ("POST", "/admin/v1/tickets") => {
            ("Open a ticket with a unique amount", &[], &["member!", "bank!", "amount!"])
        }
        ("GET", "/admin/v1/mutations") => ("Bank credits that wait for a person", &["all"], &[]),
        ("POST", "/admin/v1/mutations") => (
            "Report a bank credit, or a list of mutations as a feed sends it (debits, corrections and pending ones are left out and counted); the same one twice is taken once",
            &["bank"],
            &["bank", "amount!", "id", "date", "text", "type", "balance"],
        ),
        ("POST", "/admin/v1/mutations/{}") => (
            "Say whose a bank credit is, or that it is nobody's; `another`: it is none of those it looks like",
            &[],
            &["member", "note!", "another"],
        ),
        ("GET", "/admin/v1/reconciliations") => ("Compared statements, newest first", &[], &[]),
        ("POST", "/admin/v1/reconciliations") => (
            "Compare a supplier's statement (CSV) of some days with our books",
            &[],
            &["supplier!", "from!", "until!", "csv!", "mapping"],
        ),
        ("GET", "/admin/v1/reconciliations/{}") => ("One with its differences", &[], &[]),
        ("POST", "/admin/v1/reconciliations/{}/{}") => (
            "Settle the difference at this place: `success`, `reverse`, `book` or `ignore` {why}",
            &[],
            &["settlement!"],
        ),
        ("GET", "/admin/v1/reports") => (
            "Figures by day, hour, member, product, supplier or operator",
            &["by", "from", "until"],
            &[],
        ),
        ("GET", "/admin/v1/journal") => {
            ("The journal, newest first", &["q", "trx", "channel", "below"], &[])
        }
        ("GET", "/admin/v1/keys") => ("Keys of members for /v1", &["member"], &[]),
        ("POST", "/admin/v1/members/{}/keys") => {
            ("A new key; its secret is shown once", &[], &["name"])
        }
        ("POST", "/admin/v1/keys/{}/remove") => ("Take a key back", &[], &[]),
        ("GET", "/admin/v1/users") => ("People who work here", &[], &[]),
        ("POST", "/admin/v1/users" | "/admin/v1/users/{}") => (
            "Always refused (`needs_person`): users are changed by a person, in the console",
            &[],
            &[],
        ),
        _ => return None,
    })
}

fn operation(route: &Route, told: Told) -> Value {
    let (summary, query, fields) = told;
    let mut parameters: Vec<Value> = query
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
        .collect();
    if route.path.contains("{}") {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "schema": {"type": "string"}
        }));
    }
    let mut operation = json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {}}},
            "default": {
                "description": "A problem with a stable code",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    });
    if let Need::Token(permission) = route.need {
        operation["description"] = format!("Needs {permission:?}.").into();
        operation["security"] = json!([{"token": []}]);
    }
    if route.method == "POST" {
        let names = fields.iter().map(|field| field.trim_end_matches('!'));
        let properties: Map<String, Value> =
            names.map(|name| (name.to_owned(), json!({}))).collect();
        let needed: Vec<&str> = fields.iter().filter_map(|field| field.strip_suffix('!')).collect();
        operation["requestBody"] = json!({
            "content": {"application/json": {"schema": {
                "type": "object", "properties": properties, "required": needed,
            }}},
        });
    }
    operation
}

/// The whole description, OpenAPI 3.1.
pub(super) fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in super::ROUTES {
        let Some(told) = told(route.method, route.path) else { continue };
        let path = route.path.replace("{}", "{id}");
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[route.method.to_lowercase()] = operation(route, told);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Gerbang admin API", "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"}, "title": {"type": "string"},
                    "status": {"type": "integer"}, "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            }},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described() {
        for route in super::super::ROUTES {
            assert!(told(route.method, route.path).is_some(), "{} {}", route.method, route.path);
        }
    }

    /// An unannounced change of the door is seen here: write the new description on purpose, with
    /// `GERBANG_WRITE_OPENAPI=1`.
    #[test]
    fn the_description_is_the_one_that_was_agreed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let text = format!("{}\n", serde_json::to_string_pretty(&openapi()).unwrap());
        if std::env::var_os("GERBANG_WRITE_OPENAPI").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let agreed = std::fs::read_to_string(path).unwrap();
        assert!(text == agreed, "the description changed: GERBANG_WRITE_OPENAPI=1 writes it");
    }
}
