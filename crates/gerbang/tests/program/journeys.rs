//! What an operator, a cashier and a member do in a day, in a real browser.

use super::browser::Browser;
use super::rig::{House, Server, WHO};
use std::path::Path;

fn base(server: &Server) -> String {
    format!("http://{}", server.address)
}

fn log_in(browser: &Browser, base: &str, login: &str) {
    browser.go(&format!("{base}/console/login"));
    browser.fill("input[name=login]", login);
    browser.fill("input[name=password]", "demo-gerbang");
    browser.click("main form button");
    browser.wait_for("Dashboard");
}

/// Opens what is folded away.
fn unfold(browser: &Browser) {
    browser.run("document.querySelectorAll('details').forEach((fold) => fold.open = true)");
}

#[test]
fn an_operator_s_day() {
    let house = House::new();
    let server = house.demo();
    let base = base(&server);
    let browser = Browser::start(1_280, 900);
    log_in(&browser, &base, "owner");

    // A second factor, and the next login needs it.
    browser.go(&format!("{base}/console/account/second"));
    let offer = "form[action='/console/account/second/offer']";
    browser.fill(&format!("{offer} input[name=own_password]"), "demo-gerbang");
    browser.click(&format!("{offer} button"));
    browser.wait_for("type the code it shows");
    let secret = browser.run("return document.querySelector('main pre').innerText");
    let secret = secret.as_str().unwrap().trim().to_owned();
    let code = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let millis = i64::try_from(now.as_millis()).unwrap();
        office::code_at(&secret, types::UtcMillis::new(millis)).unwrap()
    };
    // A wrong code changes nothing: the same secret stays.
    browser.fill("input[name=code]", "12345");
    browser.click("form[action='/console/account/second'] button");
    browser.wait_for("that code does not fit");
    let again = browser.run("return document.querySelector('main pre').innerText");
    assert_eq!(again.as_str().unwrap().trim(), secret);
    let first = code();
    browser.fill("input[name=code]", &first);
    browser.click("form[action='/console/account/second'] button");
    browser.wait_for("On: logging in needs a code");
    browser.click("form[action='/console/logout'] button");
    browser.wait_for("Log in");
    browser.fill("input[name=login]", "owner");
    browser.fill("input[name=password]", "demo-gerbang");
    browser.click("main form button");
    browser.wait_for("is wrong");
    // A code works once: wait for the next one.
    let mut next = code();
    while next == first {
        std::thread::sleep(std::time::Duration::from_millis(500));
        next = code();
    }
    browser.fill("input[name=login]", "owner");
    browser.fill("input[name=password]", "demo-gerbang");
    browser.fill("input[name=code]", &next);
    browser.click("main form button");
    browser.wait_for("Dashboard");

    // A new member, its credentials shown once, and money for it.
    browser.go(&format!("{base}/console/members"));
    unfold(&browser);
    browser.fill("form[action='/console/members'][method=post] input[name=code]", "OK00900");
    browser.fill("form[action='/console/members'][method=post] input[name=name]", "Konter Baru");
    browser.click("form[action='/console/members'][method=post] button");
    browser.wait_for("not shown again");
    let shown =
        browser.run("return [...document.querySelectorAll('dd code')].map((e) => e.innerText)");
    let (pin, password) = (shown[1].as_str().unwrap(), shown[2].as_str().unwrap());
    browser.go(&format!("{base}/console/members/OK00900"));
    unfold(&browser);
    browser.fill("form[action='/console/money/credit'] input[name=amount]", "100.000");
    browser.fill("form[action='/console/money/credit'] input[name=note]", "setoran tunai");
    browser.click("form[action='/console/money/credit'] button");
    browser.wait_for("Balance of OK00900: 100.000");

    // It buys by the API, and the open list shows it by itself.
    browser.go(&format!("{base}/console/trx"));
    let who = format!("memberID=OK00900&pin={pin}&password={password}");
    server.get(&format!("/trx?product=T1&dest=089611112222&refID=live1&{who}"));
    browser.wait_for("live1");

    // Nobody knows what became of this one: a person decides.
    server.get(&format!("/trx?product=T1&dest=081200000003&refID=odd1&{WHO}"));
    let no = house.json(&["trx", "list", "--ref", "odd1"])[0]["trx"].as_i64().unwrap();
    browser.go(&format!("{base}/console/trx/{no}"));
    browser.wait_for("the money is held");
    let fail = "input[value=fail]";
    let form = format!("form:has({fail})");
    browser.fill(&format!("{form} input[name=reason]"), "Nomor salah");
    browser.fill(&format!("{form} input[name=note]"), "ditanya lewat telepon");
    browser.click(&format!("{form} button"));
    browser.accept();
    browser.wait_for("the money went back");

    // Its callback once more.
    browser.click(&format!("form[action='/console/trx/{no}/replay'] button"));
    browser.wait_for("sent again");

    // New prices from a file.
    browser.go(&format!("{base}/console/products"));
    unfold(&browser);
    let csv = "kode,keterangan,produk,kategori,harga\nT1,Three 1.000,Three,PULSA,1399\n";
    let import = "form[action='/console/products/import']";
    browser.fill(&format!("{import} textarea"), csv);
    browser.click(&format!("{import} button"));
    browser.wait_for("What would change");
    browser.click("form:has(input[name=plan]) button");
    browser.wait_for("Imported: 1");
    browser.wait_for("1.399");

    // The supplier's statement says another amount for one purchase; their amount is booked.
    let live = house.json(&["trx", "list", "--ref", "live1"])[0]["trx"].as_i64().unwrap();
    browser.go(&format!("{base}/console/reconcile?supplier=sandbox"));
    let today = browser.run("return new Date(Date.now() + 7 * 3600e3).toISOString().slice(0, 10)");
    browser.run(&format!(
        "for (const name of ['from', 'until']) document.querySelector(`input[name=${{name}}]`).value = {today}"
    ));
    let compare = "form[action='/console/reconcile']";
    let statement = format!("refid,tujuan,harga,status,sn\n{live}-1,089611112222,1310,sukses,S1\n");
    browser.fill(&format!("{compare} textarea"), &statement);
    browser.click(&format!("{compare} button"));
    browser.wait_for("The amount differs");
    browser.click("form:has(input[value=book]) button");
    browser.wait_for("owner: booked 3");

    // Indonesian is one click away.
    browser.click("form[action='/console/language/id'] button");
    browser.wait_for("Ringkasan");
    house.holds();
}

#[test]
fn a_member_at_its_portal_on_a_phone() {
    let house = House::new();
    let server = house.demo();
    let base = base(&server);
    let browser = Browser::start(390, 844);
    browser.go(&format!("{base}/portal"));
    browser.fill("input[name=member]", "OK00123");
    browser.fill("input[name=password]", "secret");
    browser.fill("input[name=pin]", "123456");
    browser.click("main form button");
    browser.wait_for("279.655");
    server.buy("phone1");
    browser.wait_for("phone1");
    for page in [
        "",
        "/trx",
        "/statement",
        "/prices",
        "/news",
        "/deposits",
        "/callbacks",
        "/network",
        "/api",
        "/sandbox",
        "/account",
    ] {
        browser.go(&format!("{base}/portal{page}"));
        let wide = browser.run("return document.documentElement.scrollWidth");
        assert!(wide.as_i64().unwrap() <= 391, "{page} is {wide} wide");
    }
    browser.go(&format!("{base}/portal/deposits"));
    browser.fill("input[name=amount]", "25.000");
    browser.click("form[action='/portal/deposits'] button");
    browser.wait_for("25.");
    browser.go(&format!("{base}/portal/account"));
    // Its sandbox, and back to money.
    browser.go(&format!("{base}/portal/sandbox"));
    let switch = "form[action='/portal/sandbox']";
    browser.fill(&format!("{switch} input[name=pin]"), "123456");
    browser.click(&format!("{switch} button"));
    browser.accept();
    browser.wait_for("Turn the sandbox off");
    let shown =
        browser.run("return [...document.querySelectorAll('dd code')].map((e) => e.innerText)");
    let (pin, password) = (shown[0].as_str().unwrap(), shown[1].as_str().unwrap());
    let who = format!("memberID=OK00123&pin={pin}&password={password}");
    server.get(&format!("/trx?product=T1&dest=089660522887&refID=play1&{who}"));
    browser.wait_for("play1");
    browser.fill(&format!("{switch} input[name=pin]"), "123456");
    browser.click(&format!("{switch} button"));
    browser.wait_for("Turn the sandbox on");
    browser.go(&format!("{base}/portal/account"));
    let ips = "form:has(input[value=ips])";
    browser.fill(&format!("{ips} input[name=ips]"), "127.0.0.1 203.0.113.7");
    browser.fill(&format!("{ips} input[name=pin]"), "123456");
    browser.click(&format!("{ips} button"));
    browser.wait_for("Saved.");
    assert_eq!(house.json(&["member", "show", "OK00123"])["ips"][1], "203.0.113.7/32");
}

/// No page of the console is wider than a phone.
#[test]
fn pages_fit_a_phone() {
    let house = House::new();
    let server = house.lively_demo("3");
    let base = base(&server);
    let browser = Browser::start(390, 844);
    log_in(&browser, &base, "owner");
    for page in [
        "",
        "/trx",
        "/trx/100000001",
        "/suspects",
        "/members",
        "/members/OK00123",
        "/products",
        "/products/T1",
        "/suppliers",
        "/suppliers/sandbox",
        "/callbacks",
        "/money",
        "/money/closing",
        "/reconcile",
        "/reports",
        "/reports?by=member",
        "/journal",
        "/users",
        "/account",
    ] {
        browser.go(&format!("{base}/console{page}"));
        let wide = browser.run("return document.documentElement.scrollWidth");
        assert!(wide.as_i64().unwrap() <= 391, "{page} is {wide} wide");
    }
}

/// The pictures of the README, from the demo: `GERBANG_PICTURES=1`.
#[test]
fn pictures_of_the_main_pages() {
    if std::env::var_os("GERBANG_PICTURES").is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/img");
    std::fs::create_dir_all(&folder).unwrap();
    let house = House::new();
    let server = house.lively_demo("30");
    let base = base(&server);
    for number in 0..8 {
        server.buy(&format!("picture{number}"));
    }
    let wide = Browser::start(1_280, 860);
    log_in(&wide, &base, "owner");
    wide.wait_for("cadangan");
    server.line_with("R#picture7 ");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let newest = house.json(&["trx", "list"])[3]["trx"].as_i64().unwrap();
    let pages = [
        ("dashboard", "/console".to_owned()),
        ("transactions", "/console/trx".to_owned()),
        ("story", format!("/console/trx/{newest}")),
        ("member", "/console/members/OK00123".to_owned()),
        ("reports", "/console/reports?by=member".to_owned()),
    ];
    for (name, page) in pages {
        wide.go(&format!("{base}{page}"));
        std::fs::write(folder.join(format!("{name}.png")), wide.picture()).unwrap();
    }
    let phone = Browser::start(390, 844);
    log_in(&phone, &base, "owner");
    std::fs::write(folder.join("phone.png"), phone.picture()).unwrap();
}
