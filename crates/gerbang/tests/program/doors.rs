//! What browsers are told and what they may do: cookies, headers, forms of other sites, links from
//! elsewhere that go on after login, figures behind a door of their own.

use super::rig::{House, get};
use super::visitor::Visitor;
use std::time::Duration;

/// What a member is not told, and what it may not do too often.
#[test]
fn a_member_learns_nothing_of_suppliers_and_tests_its_url_now_and_then() {
    let house = House::new();
    let server = house.demo();
    server.buy("served");
    let mut member = Visitor::portal(&server);
    super::suppliers::wait_until("it is in the figures", Duration::from_secs(30), || {
        member.get("/portal/trx?dest=089660522887").body.contains("served")
    });
    for supplier in ["sandbox", "nobody"] {
        let page = member.get(&format!("/portal/trx?dest=089660522887&supplier={supplier}")).body;
        assert!(page.contains("served"), "{supplier}: {page}");
    }
    let mut tries = 0;
    loop {
        let page = member.submit("/portal/callbacks", "/portal/callbacks/test", &[]).body;
        if page.contains("this callback URL was tested too often") {
            break;
        }
        tries += 1;
        assert!(tries < 100, "{page}");
    }
    assert!(tries >= 6, "{tries}");
    // Nobody is told what files are called.
    for name in ["reports.db", "reports.db-wal", "reports.db-shm"] {
        let _ = std::fs::remove_file(house.data().join(name));
    }
    let mut owner = Visitor::console(&server, "owner");
    std::fs::create_dir(house.data().join("reports.db")).unwrap();
    for path in ["/console/reports", "/console/money/closing", "/console/reports.csv"] {
        for _ in 0..6 {
            let page = owner.get(path);
            assert!(!page.body.contains("reports.db"), "{path}: {}", page.body);
        }
    }
}

/// Others do not look into the folder of a business, whoever made it.
#[test]
fn a_folder_that_is_open_to_others_is_tightened_or_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new();
    house.found(false);
    let mode = |mode| {
        std::fs::set_permissions(house.data(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o755);
    let server = house.serve();
    let found = std::fs::metadata(house.data()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(found, 0o700);
    assert!(server.log().contains("the folder was open to others: now 0700"), "{}", server.log());
    drop(server);
    for open in [0o1777, 0o777] {
        mode(open);
        let said = house.fails(&["serve"]);
        assert!(said.contains("everybody may write there"), "{said}");
    }
    mode(0o700);
    house.holds();
}

const CROSS: [(&str, &str); 1] = [("sec-fetch-site", "cross-site")];

fn all<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let line = |line: &'a str| line.split_once(": ");
    let named = |(known, value): (&str, &'a str)| known.eq_ignore_ascii_case(name).then_some(value);
    head.lines().filter_map(line).filter_map(named).collect()
}

/// A link in an alert is opened without a session, and with one whose cookie the browser kept back.
#[test]
fn a_link_from_elsewhere_goes_on_after_login() {
    let house = House::new();
    let server = house.demo();
    let mut visitor = Visitor::new(&server);
    let page = visitor.get("/console/trx?state=pending&dest=08%2B1");
    let login = page.header("location").unwrap().to_owned();
    assert_eq!(login, "/console/login?to=%2Fconsole%2Ftrx%3Fstate%3Dpending%26dest%3D08%252B1");
    let form = visitor.get(&login).body;
    assert!(
        form.contains("name=\"to\" value=\"/console/trx?state=pending&#38;dest=08%2B1\""),
        "{form}"
    );
    let to = "/console/trx?state=pending&dest=08%2B1";
    let mut fields = vec![("login", "owner"), ("password", "wrong-password"), ("to", to)];
    let again = visitor.post("/console/login", &fields);
    assert_eq!(again.header("location"), Some(login.as_str()), "a wrong try forgets nothing");
    fields[1].1 = "demo-gerbang";
    let page = visitor.post("/console/login", &fields);
    assert_eq!(page.header("location"), Some(to));
    assert!(all(&page.head, "set-cookie")[0].contains("; HttpOnly; SameSite=Strict"));
    assert_eq!(visitor.get(to).status, 200);
    // Never anywhere else.
    for to in ["https://evil.example/", "//evil.example", "/portal", "/console/reports.csv"] {
        let fields = [("login", "owner"), ("password", "demo-gerbang"), ("to", to)];
        let page = Visitor::new(&server).post("/console/login", &fields);
        assert_eq!(page.header("location"), Some("/console"), "{to}");
    }
    // From another site the cookie stays behind: the page asks once more, from here.
    let mut elsewhere = Visitor::new(&server);
    let page = elsewhere.send("GET", "/console/trx?a=1&b=2", &CROSS, None);
    assert_eq!(page.status, 200);
    let refresh = "http-equiv=\"refresh\" content=\"0; url=/console/trx?a=1&#38;b=2\"";
    assert!(page.body.contains(refresh), "{}", page.body);
    assert!(!page.head.to_lowercase().contains("set-cookie"));
    // What costs is not asked for in anybody's name.
    let page = elsewhere.send("GET", "/console/reports.xlsx", &CROSS, None);
    assert_eq!(page.header("location"), Some("/console/login"));
    let page = elsewhere.send("GET", "/portal/prices", &CROSS, None);
    assert!(page.body.contains("url=/portal/prices"));
    let member = [("member", "OK00123"), ("password", "secret"), ("pin", "123456")];
    let page = elsewhere.post("/portal/login", &[&member[..], &[("to", "/portal/trx")]].concat());
    assert_eq!(page.header("location"), Some("/portal/trx"));
}

/// Browsers that say nothing of the site say the origin.
#[test]
fn a_form_of_another_site_is_refused_by_site_and_by_origin() {
    let house = House::new();
    let server = house.demo();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let own = format!("http://{}", server.address);
    let mut owner = Visitor::console(&server, "owner");
    let key = owner.get("/console/account").form_key();
    let told = [
        (("origin", own.as_str()), true),
        (("origin", "https://evil.example"), false),
        (("origin", "null"), false),
        (("sec-fetch-site", "same-origin"), true),
        (("sec-fetch-site", "same-site"), false),
        (("sec-fetch-site", "cross-site"), false),
    ];
    for (header, ours) in told {
        let rule = format!("form_key={key}&name=x");
        let page = owner.send("POST", "/console/levels", &[form, header], Some(&rule));
        assert_eq!(page.status, 303);
        let told = owner.get("/console/account").body;
        let refused = told.contains("this form was not made by this session");
        assert_eq!(!refused, ours, "{header:?} {told}");
        // The login form knows nobody's key: it is refused by the same signs.
        let login = [("login", "owner"), ("password", "demo-gerbang")];
        let login = super::visitor::encode(&login);
        let mut visitor = Visitor::new(&server);
        let page = visitor.send("POST", "/console/login", &[form, header], Some(&login));
        assert_eq!(page.status == 303, ours, "{header:?} {}", page.head);
    }
}

/// Languages are chosen by a form, figures have a door of their own, and all answers say what they are.
#[test]
fn answers_carry_what_browsers_need() {
    let house = House::new();
    house.found(true);
    let config = house.data().join("gerbang.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let key = "metrics_listen = \"127.0.0.1:0\"";
    let text = text.replace("# metrics_listen = \"127.0.0.1:9464\"", key);
    std::fs::write(&config, text).unwrap();
    house.add_member();
    house.ok(&["user", "add", "sari", "--role", "cs", "--password", "teh-manis-panas-3"]);
    let server = house.serve();
    let mut visitor = Visitor::new(&server);
    for target in ["/trx?x=1", "/healthz", "/readyz", "/nothing", "/console/login", "/harga/json"] {
        let page = visitor.get(target);
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{target}");
        let hsts = page.header("strict-transport-security");
        assert_eq!(hsts, Some("max-age=63072000"), "{target}");
    }
    assert_eq!(visitor.get("/console/language/en").status, 405, "nothing changes by going there");
    let chosen = visitor.post("/console/language/en", &[]);
    let failed = visitor.post("/console/login", &[("login", "nobody"), ("password", "x")]);
    for cookie in [all(&chosen.head, "set-cookie"), all(&failed.head, "set-cookie")].concat() {
        assert!(cookie.ends_with("; Secure"), "{cookie}");
    }
    let foreign = visitor.send("POST", "/console/language/id", &CROSS, Some(""));
    assert!(foreign.status == 403 && foreign.header("set-cookie").is_none());
    // A session's cookie is of this host alone, behind TLS.
    let member = [("member", "OK00123"), ("password", "teh-manis-3"), ("pin", "480913")];
    let staff = [("login", "sari"), ("password", "teh-manis-panas-3")];
    for (door, fields) in [("portal", &member[..]), ("console", &staff[..])] {
        let page = Visitor::new(&server).post(&format!("/{door}/login"), fields);
        let cookie = all(&page.head, "set-cookie")[0].to_owned();
        let name = if door == "portal" { "__Host-gerbang-portal=" } else { "__Host-gerbang=" };
        let is_own = cookie.starts_with(name) && cookie.contains("; Path=/; HttpOnly");
        assert!(is_own && cookie.contains("; SameSite=Strict; Secure"), "{cookie}");
    }
    for path in ["/metrics", "/METRICS", "/metrics/"] {
        assert_eq!(server.get(path).0, 404, "{path}");
    }
    assert!(server.metrics().contains("# EOF"));
    let at = server.metrics_at();
    for path in ["/METRICS", "/", "/trx?x=1", "/console/login", "/healthz"] {
        assert_eq!(get(at, path).unwrap().0, 404, "{path}");
    }
}

/// Files are made where they delay no purchase, few at a time, and each leaves a line.
#[test]
fn purchases_go_on_while_files_are_made() {
    let house = House::new();
    let server = house.lively_demo("20");
    let year = "from=2020-01-01&until=2099-12-31";
    let files = [
        format!("/console/members/OK00123/statement.xlsx?{year}"),
        format!("/console/members/OK00123/statement.csv?{year}"),
        format!("/console/reports.xlsx?by=product&{year}"),
    ];
    let people = ["owner", "admin", "finance"].map(|login| Visitor::console(&server, login));
    let (send, ended) = std::sync::mpsc::channel();
    for at in 0..24 {
        let (mut visitor, file) = (people[at % 3].clone(), files[at / 3 % 3].clone());
        let send = send.clone();
        std::thread::spawn(move || {
            let page = visitor.get(&file);
            let again = page.header("retry-after").map(str::to_owned);
            let _ = send.send((page.status, again));
        });
    }
    drop(send);
    // Bought until the last file is there, and some more.
    let (mut told, mut bought) = (Vec::new(), 0);
    while told.len() < 24 || bought < 40 {
        bought += 1;
        let (status, said) = server.buy(&format!("beside-{bought}"));
        assert!(status == 200 && !said.contains("sibuk"), "{status} {said}");
        told.extend(ended.try_iter());
    }
    let made = told.iter().filter(|(status, _)| *status == 200).count();
    assert!(made > 0, "{told:?}");
    for (status, again) in told {
        assert!(status == 200 || (status, again.as_deref()) == (503, Some("5")), "{status}");
    }
    let [mut owner, ..] = people;
    // All who waited were told: seats are free again.
    for file in &files {
        assert_eq!(owner.get(file).status, 200, "{file}");
    }
    // A file that is made while it is sent has each line once, oldest first.
    let made = house.json(&["user", "token", "script", "--role", "owner", "--user", "owner"]);
    let mut script = Visitor::new(&server);
    script.token = Some(made["token"].as_str().unwrap().to_owned());
    super::suppliers::wait_until("file and pages agree", Duration::from_secs(30), || {
        let file = owner.get(&files[1]).body;
        let times: Vec<&str> = file.lines().skip(1).map(|line| &line[..19]).collect();
        assert!(times.is_sorted(), "{file}");
        let taken: Vec<i64> = file.lines().skip(1).map(balance).collect();
        // Figures follow what was bought.
        taken.len() > 1_000 && taken == balances(&mut script)
    });
    let page = owner.get("/console/journal?q=export").body;
    assert!(page.contains("owner export") && page.contains("statement.xlsx"), "{page}");
    house.holds();
}

fn balance(line: &str) -> i64 {
    line.split(',').nth(4).unwrap().parse().unwrap()
}

/// What the balance of the first member was, oldest first, from the pages of its statement.
fn balances(script: &mut Visitor) -> Vec<i64> {
    let (mut all, mut query) = (Vec::new(), String::new());
    loop {
        let page = script.get(&format!("/admin/v1/members/OK00123/statement{query}")).body;
        let page: serde_json::Value = serde_json::from_str(&page).unwrap();
        let lines = page["data"].as_array().unwrap();
        all.extend(lines.iter().map(|line| line["balance"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => query = format!("?below={next}"),
            None => break,
        }
    }
    all.reverse();
    all
}
