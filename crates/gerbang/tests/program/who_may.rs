//! Who may what, written down from what people's work is and not from the program's own tables: each
//! route of console, portal and admin API stands in exactly one list.

use super::console::token;
use super::rig::House;
use super::visitor::{Page, Visitor};
use Brings::{Member, Nothing, OwnSession, Session, Token};
use console::console_routes;
use office::Role;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brings {
    /// A session of the console.
    Session,
    /// The same, for what everybody does of themselves.
    OwnSession,
    /// A session of the portal.
    Member,
    /// A token of the admin API.
    Token,
    /// Nothing.
    Nothing,
}

/// Who comes in, with what, and where.
struct Room {
    roles: &'static [&'static str],
    brings: Brings,
    routes: &'static [&'static str],
}

const ALL: &[&str] = &["owner", "admin", "finance", "cs", "readonly"];
/// Who reads figures: not customer service.
const FIGURES: &[&str] = &["owner", "admin", "finance", "readonly"];
/// Who helps with a purchase: not who keeps the books.
const HELPERS: &[&str] = &["owner", "admin", "cs"];
/// Who changes members, goods and suppliers, and reads the journal.
const MANAGERS: &[&str] = &["owner", "admin"];
/// Who moves money.
const TREASURERS: &[&str] = &["owner", "admin", "finance"];
/// Who may say what a bank says: also a program that does nothing else.
const FEEDERS: &[&str] = &["owner", "admin", "finance", "feed"];
const OWNER: &[&str] = &["owner"];
/// What only a person does, or what needs no role.
const NO_ROLE: &[&str] = &[];

/// All rooms.
const ROOMS: &[Room] = &[
    Room {
        roles: NO_ROLE,
        brings: Nothing,
        routes: &[
            "GET /assets/{}",
            "GET /console/login",
            "POST /console/login",
            "POST /console/language/{}",
            "GET /portal/login",
            "POST /portal/login",
            "POST /portal/language/{}",
            "GET /admin/v1/openapi.json",
        ],
    },
    Room {
        roles: ALL,
        brings: OwnSession,
        routes: &[
            "POST /console/logout",
            "GET /console/live",
            "GET /console/account",
            "POST /console/account/password",
            "GET /console/account/second",
            "POST /console/account/second",
            "POST /console/account/second/offer",
            "POST /console/account/recovery",
            "POST /console/session/{}/end",
        ],
    },
    Room {
        roles: ALL,
        brings: Session,
        routes: &[
            "GET /console",
            "GET /console/trx",
            "GET /console/trx/{}",
            "GET /console/suspects",
            "GET /console/callbacks",
            "GET /console/members",
            "GET /console/members/{}",
            "GET /console/products",
            "GET /console/products.csv",
            "GET /console/products/{}",
            "GET /console/suppliers",
            "GET /console/suppliers/{}",
            "POST /console/suppliers/{}/explain",
        ],
    },
    Room {
        roles: ALL,
        brings: Token,
        routes: &[
            "GET /admin/v1/trx",
            "GET /admin/v1/trx/{}",
            "GET /admin/v1/members",
            "GET /admin/v1/members/{}",
            "GET /admin/v1/products",
            "GET /admin/v1/products/{}",
            "GET /admin/v1/suppliers",
            "POST /admin/v1/suppliers/{}/explain",
            "GET /admin/v1/callbacks",
            "GET /admin/v1/keys",
        ],
    },
    Room {
        roles: HELPERS,
        brings: Session,
        routes: &[
            "POST /console/trx/{}/resolve",
            "POST /console/trx/{}/check",
            "POST /console/trx/{}/replay",
            "POST /console/callbacks/replay",
            "POST /console/members/{}/ping",
        ],
    },
    Room {
        roles: HELPERS,
        brings: Token,
        routes: &[
            "POST /admin/v1/trx/{}/resolve",
            "POST /admin/v1/trx/{}/check",
            "POST /admin/v1/members/{}/ping",
            "POST /admin/v1/callbacks/replay",
        ],
    },
    Room {
        roles: MANAGERS,
        brings: Session,
        routes: &[
            "POST /console/members",
            "GET /console/members.csv",
            "POST /console/members/import",
            "POST /console/members/{}",
            "POST /console/members/{}/limit",
            "POST /console/members/{}/rotate",
            "POST /console/members/{}/portal",
            "POST /console/products/import",
            "POST /console/products/bulk",
            "POST /console/levels",
            "POST /console/products/{}",
            "POST /console/products/{}/route",
            "POST /console/suppliers",
            "POST /console/suppliers/{}",
            "POST /console/suppliers/{}/sync",
            "GET /console/journal",
        ],
    },
    Room {
        roles: MANAGERS,
        brings: Token,
        routes: &[
            "POST /admin/v1/members",
            "POST /admin/v1/members/{}",
            "POST /admin/v1/products",
            "POST /admin/v1/products/{}",
            "POST /admin/v1/levels",
            "POST /admin/v1/suppliers",
            "POST /admin/v1/suppliers/{}",
            "POST /admin/v1/suppliers/{}/sync",
            "POST /admin/v1/routes",
            "GET /admin/v1/journal",
            "POST /admin/v1/members/{}/keys",
            "POST /admin/v1/keys/{}/remove",
        ],
    },
    Room {
        roles: FIGURES,
        brings: Session,
        routes: &[
            "GET /console/members/{}/statement.csv",
            "GET /console/members/{}/statement.xlsx",
            "GET /console/members/{}/statement",
            "GET /console/money",
            "GET /console/money/account/{}",
            "GET /console/money/closing",
            "GET /console/reconcile",
            "GET /console/reconcile/{}",
            "GET /console/reports",
            "GET /console/reports.csv",
            "GET /console/reports.xlsx",
        ],
    },
    Room {
        roles: FIGURES,
        brings: Token,
        routes: &[
            "GET /admin/v1/members/{}/statement",
            "GET /admin/v1/approvals",
            "GET /admin/v1/banks",
            "GET /admin/v1/tickets",
            "GET /admin/v1/mutations",
            "GET /admin/v1/reconciliations",
            "GET /admin/v1/reconciliations/{}",
            "GET /admin/v1/reports",
        ],
    },
    Room {
        roles: TREASURERS,
        brings: Session,
        routes: &[
            "POST /console/money/credit",
            "POST /console/money/give",
            "POST /console/money/approval/{}",
            "POST /console/money/bank",
            "POST /console/money/ticket",
            "POST /console/money/ticket/{}/cancel",
            "POST /console/money/mutations",
            "POST /console/money/mutation/{}",
            "POST /console/money/book",
            "POST /console/reconcile",
            "POST /console/reconcile/{}/{}",
        ],
    },
    Room {
        roles: TREASURERS,
        brings: Token,
        routes: &[
            "POST /admin/v1/members/{}/credit",
            "POST /admin/v1/transfers",
            "POST /admin/v1/books",
            "POST /admin/v1/banks",
            "POST /admin/v1/tickets",
            "POST /admin/v1/mutations/{}",
            "POST /admin/v1/reconciliations",
            "POST /admin/v1/reconciliations/{}/{}",
        ],
    },
    Room { roles: FEEDERS, brings: Token, routes: &["POST /admin/v1/mutations"] },
    Room {
        roles: OWNER,
        brings: Session,
        routes: &[
            "GET /console/users",
            "POST /console/users",
            "GET /console/users/{}",
            "POST /console/users/{}",
            "POST /console/rules",
            "POST /console/tokens",
            "POST /console/tokens/{}/remove",
        ],
    },
    Room {
        roles: NO_ROLE,
        brings: Member,
        routes: &[
            "POST /portal/logout",
            "GET /portal/live",
            "GET /portal",
            "GET /portal/trx",
            "GET /portal/statement.csv",
            "GET /portal/statement.xlsx",
            "GET /portal/statement",
            "GET /portal/prices",
            "GET /portal/news",
            "GET /portal/deposits",
            "POST /portal/deposits",
            "POST /portal/deposits/{}/cancel",
            "GET /portal/callbacks",
            "POST /portal/callbacks/test",
            "POST /portal/callbacks/{}/replay",
            "GET /portal/network",
            "POST /portal/network",
            "POST /portal/network/markup",
            "POST /portal/network/give",
            "GET /portal/sandbox",
            "POST /portal/sandbox",
            "GET /portal/account",
            "POST /portal/account",
            "GET /portal/password",
            "POST /portal/password",
            "POST /portal/password/change",
            "GET /portal/second",
            "POST /portal/second",
            "POST /portal/second/offer",
            "POST /portal/second/off",
            "GET /portal/api",
            "POST /portal/keys",
            "POST /portal/keys/{}/remove",
        ],
    },
    Room {
        roles: NO_ROLE,
        brings: Token,
        routes: &[
            "POST /admin/v1/approvals/{}",
            "GET /admin/v1/users",
            "POST /admin/v1/users",
            "POST /admin/v1/users/{}",
        ],
    },
];

fn place(pattern: &str) -> String {
    let mut parts = ["OK00123", "x"].into_iter();
    let mut whole = String::new();
    for (number, piece) in pattern.split("{}").enumerate() {
        if number > 0 {
            whole.push_str(parts.next().unwrap());
        }
        whole.push_str(piece);
    }
    whole
}

/// A form that may not is sent back with a note; a page and a script hear 403.
fn is_refused(page: &Page) -> bool {
    use base64::Engine as _;
    let note = page.header("set-cookie").and_then(|cookie| cookie.split(['=', ';']).nth(1));
    let note = note.map(|text| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text));
    let is_sent_back =
        matches!(note, Some(Ok(text)) if String::from_utf8_lossy(&text).contains("the role "));
    page.status == 403 || is_sent_back
}

/// Every route with every role: exactly those come in who may, by the lists above.
#[test]
fn every_route_asks_every_role() {
    let mut rooms: BTreeMap<&str, &Room> = BTreeMap::new();
    for room in ROOMS {
        for route in room.routes {
            assert!(rooms.insert(route, room).is_none(), "{route} stands in two lists");
        }
    }
    let routes: BTreeSet<String> =
        console_routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let written: BTreeSet<String> = rooms.keys().map(ToString::to_string).collect();
    assert_eq!(routes, written, "left: the program's routes; right: who may");
    let house = House::new();
    let server = house.demo();
    let mut walked = 0;
    for role in Role::ALL.map(Role::word) {
        let mut person = (role != "feed").then(|| Visitor::console(&server, role));
        let key = person.as_mut().map(|person| person.get("/console/account").form_key());
        let mut script = Visitor::new(&server);
        script.token = Some(token(&house, role));
        for (route, room) in &rooms {
            let (method, path) = route.split_once(' ').unwrap();
            let target = place(path);
            let page = match (room.brings, &mut person) {
                (Token, _) => script.send(method, &target, &[], (method != "GET").then_some("{}")),
                (Session, Some(person)) if method == "GET" => person.get(&target),
                (Session, Some(person)) => {
                    person.post(&target, &[("form_key", key.as_deref().unwrap())])
                }
                (Session, None) | (OwnSession | Member | Nothing, _) => continue,
            };
            walked += 1;
            let allowed = room.roles.contains(&role);
            let told = format!("{route} as {role}: {}\n{}", page.status, page.body);
            assert_eq!(is_refused(&page), !allowed, "{told}");
        }
    }
    assert!(walked > 400, "{walked}");
    // Nobody at all: pages lead to the login, scripts hear 401.
    let mut stranger = Visitor::new(&server);
    for (route, room) in &rooms {
        let (method, path) = route.split_once(' ').unwrap();
        let page = stranger.send(method, &place(path), &[], Some(""));
        let lead = page.header("location").unwrap_or_default().split('?').next();
        match room.brings {
            Nothing => assert_ne!(page.status, 401, "{route}"),
            Session | OwnSession => {
                assert_eq!((page.status, lead), (303, Some("/console/login")), "{route}");
            }
            Member => assert_eq!((page.status, lead), (303, Some("/portal/login")), "{route}"),
            Token => assert_eq!(page.status, 401, "{route}"),
        }
    }
}
