//! A business that is taken over: members of another center with balances and weak credentials, through
//! the command line and the console.

use super::rig::{House, Server};
use super::visitor::Visitor;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

fn write(house: &House, name: &str, text: &str) -> String {
    let path: PathBuf = house.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What a member asks, from an address behind the proxy.
fn ask(server: &Server, from: &'static str, who: &str) -> String {
    let mut visitor = Visitor::from(server, Some(from));
    visitor.get(&format!("/trx/balance?{who}")).body
}

/// What happened before is told again for nothing but its line.
fn members(house: &House) -> String {
    house.json(&["member", "list"]).to_string() + &house.ok(&["member", "export"])
}

const HERE: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.9";

const FILE: &str = "Kode Reseller;Nama;PIN;Password;Saldo;IP;Batas Kredit\n\
    rs1;Toko Satu;1;1;1.250.000;203.0.113.7;0\n\
    rs2;Toko Dua;123456;123456;75.000;203.0.113.0/24;50.000\n";

#[test]
fn members_are_taken_over_with_their_balances_and_weak_credentials() {
    let house = House::new();
    house.found(true);
    house.ok(&["member", "add", "OLD1", "--pin", "480913", "--password", "teh-manis-3"]);
    let server = house.serve();
    let before = members(&house);
    let file = write(&house, "members.csv", FILE);
    // A weak PIN without an address, anywhere, is told with its line; nothing is imported.
    let odd = FILE.to_owned() + "rs3;Toko Tiga;1;1;5;;0\n";
    let odd = write(&house, "odd.csv", &odd);
    let told = house.fails(&["member", "import", &odd]);
    assert!(told.contains("line 4: pin: a PIN has at least 6 digits"), "{told}");
    assert!(told.contains("nothing was imported"), "{told}");
    let plan = house.json(&["member", "import", &file, "--dry-run"]);
    assert_eq!((&plan["new"], &plan["balances"]), (&json!(2), &json!(1_325_000)), "{plan}");
    // A script learns from the status that lines are odd, also when they would be left out.
    let shown = house.run(&["member", "import", &odd, "--dry-run"]);
    assert_eq!(shown.status.code(), Some(3), "{shown:?}");
    let skipped = house.run(&["member", "import", &odd, "--dry-run", "--skip-wrong"]);
    assert_eq!(skipped.status.code(), Some(3), "{skipped:?}");
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("wrong lines:") && shown.contains("OLD1"), "{shown}");
    assert_eq!(members(&house), before);

    let told = house.json(&["member", "import", &odd, "--skip-wrong"]);
    assert_eq!((&told["imported"], &told["wrong"]), (&json!(2), &json!(1)), "{told}");
    let again = house.json(&["member", "import", &odd, "--skip-wrong"]);
    assert_eq!(again["state"], "repeated", "{again}");
    assert!(again["told"].as_str().unwrap().contains("for local: 2 new members"), "{again}");
    let workbook = write(&house, "members.xlsx", "PK\u{3}\u{4}..[Content_Types].xml");
    let told = house.fails(&["member", "import", &workbook]);
    assert!(told.contains("members.xlsx: this is a workbook of Excel (.xlsx), no text"), "{told}");
    let mixed = house.folder.path().join("mixed.csv");
    std::fs::write(&mixed, b"\xef\xbb\xbfkode;nama\nRS1;Caf\xe9\n").unwrap();
    let told = house.fails(&["member", "import", mixed.to_str().unwrap()]);
    assert!(told.contains("line 2: the file begins with the mark of UTF-8"), "{told}");
    let help = house.ok(&["member", "import", "--help"]);
    assert!(help.contains("kode reseller") && help.contains("status 3"), "{help}");
    // The same members in another file: opened once.
    let again = house.json(&["member", "import", &file]);
    assert_eq!((&again["unchanged"], &again["openings"]), (&json!(2), &json!(0)), "{again}");
    let one = house.json(&["member", "show", "RS1"]);
    assert_eq!(
        (&one["balance"], &one["imported"]),
        (&json!(1_250_000), &json!("pin and password"))
    );

    // The H2H door and the portal know the address before the PIN.
    let who = "memberID=RS1&pin=1&password=1";
    assert!(ask(&server, HERE, who).contains("1.250.000"));
    let told = ask(&server, ELSEWHERE, who);
    assert!(told.ends_with(&format!("IP tidak sesuai @{ELSEWHERE}")), "{told}");
    let fields = [("member", "RS1"), ("password", "1"), ("pin", "1")];
    let mut elsewhere = Visitor::from(&server, Some(ELSEWHERE));
    assert_eq!(elsewhere.enter_portal(&fields), "/portal/login");
    let mut here = Visitor::from(&server, Some(HERE));
    assert_eq!(here.enter_portal(&fields), "/portal");
    here.submit("/portal/password", "/portal/password", &[("new", "teh manis hangat")]);
    assert!(here.get("/portal/account").body.contains("came from the center before"));
    // With the portal's own password it comes in from anywhere, where its PIN confirms nothing.
    let fields = [("member", "RS1"), ("password", "teh manis hangat"), ("pin", "")];
    assert_eq!(elsewhere.enter_portal(&fields), "/portal");
    let key = [("name", "bot"), ("pin", "1")];
    let told = elsewhere.submit("/portal/api", "/portal/keys", &key).body;
    assert!(told.contains("works from an allowed address only"), "{told}");
    assert!(here.submit("/portal/api", "/portal/keys", &key).body.contains("gk_"));

    // Changed, by the member itself or by an operator, they work from everywhere the list says.
    let (pin, password) = ("730264", "kopi-susu-4");
    house.ok(&["member", "set", "RS1", "--pin", pin, "--password", password, "--ips", ""]);
    assert_eq!(house.json(&["member", "show", "RS1"])["imported"], Value::Null);
    let who = format!("memberID=RS1&pin={pin}&password={password}");
    assert!(ask(&server, ELSEWHERE, &who).contains("1.250.000"));

    let export = write(&house, "export.csv", &house.ok(&["member", "export"]));
    let before = members(&house);
    let told = house.json(&["member", "import", &export]);
    assert_eq!((&told["unchanged"], &told["changed"]), (&json!(3), &json!(0)), "{told}");
    assert_eq!(members(&house), before);
    assert_eq!(house.json(&["verify"])["holds"], true);
}

fn waiting(owner: &mut Visitor) -> Value {
    owner.json("GET", "/admin/v1/approvals", &Value::Null).1
}

#[test]
fn a_large_take_over_waits_as_one_act_for_a_second_person() {
    let house = House::new();
    let server = house.demo();
    let mut admin = Visitor::console(&server, "admin");
    let text = "kode,nama,pin,password,saldo,ips\nRS1,Satu,1,1,4.000.000,127.0.0.1\n\
        RS2,Dua,1,1,2.000.000,203.0.113.7\n";
    let import = |visitor: &mut Visitor, text: &str, plan: &str| {
        let fields = [("csv", text), ("level", ""), ("plan", plan)];
        visitor.submit("/console/members", "/console/members/import", &fields).body
    };
    let plan = |body: &str| {
        let rest = body.split("name=\"plan\" value=\"").nth(1);
        rest.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    };
    let page = import(&mut admin, text, "");
    let file = house.json(&["member", "import", &write(&house, "m.csv", text), "--dry-run"]);
    let file = file["file"].as_str().unwrap().to_owned();
    for part in ["RS1", "4.000.000", "6.000.000", file.as_str()] {
        assert!(page.contains(part), "{part}: {page}");
    }
    house.fails(&["member", "show", "RS1"]);
    // Above what one person may do: all of it waits.
    let agreed = plan(&page);
    assert!(import(&mut admin, text, &agreed).contains("A second person must agree."));
    house.fails(&["member", "show", "RS1"]);
    let page = import(&mut admin, text, &agreed);
    assert!(page.contains("This file waits for a second person."), "{page}");
    let mut program = Visitor::new(&server);
    let made = house.json(&["user", "token", "bot", "--role", "owner", "--user", "owner"]);
    program.token = Some(made["token"].as_str().unwrap().to_owned());
    let all = waiting(&mut program);
    let mut asked = all[0]["asked"].clone();
    assert_eq!(asked["plan"].as_str().map(str::len), Some(64), "{all}");
    asked["plan"] = json!("");
    let wanted = json!({"file": file, "rows": 2, "new": 2, "openings": 2, "balances": 6_000_000, "debts": 0, "credit_limits": 0, "gives": 6_000_000, "skip_wrong": false, "left_out": 0, "level": "retail", "plan": ""});
    assert_eq!((all.as_array().unwrap().len(), &asked), (1, &wanted), "{all}");
    let approval =
        |all: &Value| format!("/console/money/approval/{}", all[0]["id"].as_str().unwrap());
    let page = admin.submit("/console/money", &approval(&all), &[("agree", "true")]).body;
    assert!(page.contains("somebody else must agree"), "{page}");
    // Refused, it may be brought again; agreed to, it is there as one act.
    let mut owner = Visitor::console(&server, "owner");
    let page = owner.get("/console/money").body;
    for part in [
        "Opening balances of members: 6.000.000",
        "Of members who owe us: 0",
        "Credit limits that are given: 0",
        "Leave wrong lines out: no",
        "Level of new members whose line names none: retail",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    owner.submit("/console/money", &approval(&all), &[("agree", "false")]);
    let agreed = plan(&import(&mut admin, text, ""));
    assert!(import(&mut admin, text, &agreed).contains("A second person must agree."));
    let all = waiting(&mut program);
    let page = owner.submit("/console/money", &approval(&all), &[("agree", "true")]).body;
    assert!(page.contains("Decided."), "{page}");
    assert_eq!(house.json(&["member", "show", "RS2"])["balance"], 2_000_000);
    let page = import(&mut owner, text, "");
    assert!(page.contains("was imported before") && page.contains("Brought by: admin"), "{page}");
    assert!(owner.get("/console/members").body.contains("kode reseller"), "headings are told");
    assert!(admin.get("/console/members/RS1").body.contains("came with an import"));
    let asked = "memberID=RS1&pin=1&password=1";
    assert!(server.get(&format!("/trx/balance?{asked}")).1.contains("4.000.000"));
    let (_, told) = server.get("/trx/balance?memberID=RS2&pin=1&password=1");
    assert!(told.contains("IP tidak sesuai"), "{told}");
    // What is small is done at once, and counts for the day.
    let small = "kode,pin,password,saldo,ips\nRS5,1,1,1.000,127.0.0.1\n";
    let agreed = plan(&import(&mut admin, small, ""));
    assert!(import(&mut admin, small, &agreed).contains("Imported: 1"));
    // The books follow by some moments, and balance: cash is not what the center before had.
    let began = std::time::Instant::now();
    let page = loop {
        let page = owner.get("/console/money/closing").body;
        if page.contains("6.001.000") || began.elapsed().as_secs() > 60 {
            break page;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert!(page.contains("Opening balances of members"), "{page}");
    assert!(page.contains("The books balance"), "{page}");
    assert!(owner.get("/console/money/account/opening").body.contains("opening balance"));
    let csv = admin.get("/console/members.csv").body;
    assert!(csv.contains("RS1,Satu,") && !csv.contains("4000000"), "{csv}");
    let page = import(&mut admin, &csv, "");
    assert!(page.contains("Nothing would change."), "{page}");
    assert_eq!(house.json(&["verify"])["holds"], true);
    // No secret of the file is anywhere but sealed.
    let journal = owner.get("/console/journal?q=member+import").body;
    assert!(journal.contains(file.as_str()) && !journal.contains("Satu"), "{journal}");
}

#[test]
fn a_nul_is_refused_at_every_door() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    for target in ["/console/journal?q=%00", "/console/members/%00", "/console/trx?%00=1"] {
        let page = owner.get(target);
        assert_eq!(page.status, 400, "{target}");
        assert!(page.body.contains("NUL character"), "{}", page.body);
    }
    let key = owner.get("/console/members").form_key();
    let page = owner.post("/console/members", &[("form_key", &key), ("code", "A\0")]);
    assert_eq!(page.status, 400, "{}", page.body);
    assert_eq!(Visitor::portal(&server).get("/portal/trx?q=%00").status, 400);
    let mut program = Visitor::new(&server);
    let made = house.json(&["user", "token", "bot", "--role", "owner", "--user", "owner"]);
    program.token = Some(made["token"].as_str().unwrap().to_owned());
    let (status, told) = program.json("GET", "/admin/v1/journal?q=a%00b", &Value::Null);
    assert_eq!((status, &told["code"]), (400, &json!("control_characters")), "{told}");
    let credit = |note: &str| json!({"amount": "5", "note": note});
    let place = "/admin/v1/members/OK00123/credit";
    let (status, told) = program.json("POST", place, &credit("a\0b"));
    assert_eq!((status, &told["code"]), (400, &json!("control_characters")), "{told}");
    // The letters of an escape are no NUL.
    let (status, told) = program.json("POST", place, &credit("a\\u0000b"));
    assert_eq!(status, 200, "{told}");
}

/// `| head`: who printed for nobody ends, without a word, and as if all were well.
#[test]
fn what_nobody_reads_any_more_ends_quietly() {
    let house = House::new();
    let start = || {
        let mut command = house.program();
        command.arg("--data").arg(house.data()).args(["demo", "--listen", "127.0.0.1:0"]);
        command.args(["--days", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut child = start();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
    // Later too: the next callback is said to nobody.
    let mut child = start();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .find_map(|line| line.unwrap().strip_prefix("listening on http://").map(str::to_owned))
        .unwrap();
    drop(lines);
    let target =
        "/trx?product=T1&dest=089660522887&refID=h1&memberID=OK00123&pin=123456&password=secret";
    super::rig::get(address.parse().unwrap(), target).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
}
