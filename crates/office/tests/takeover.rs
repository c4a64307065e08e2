//! Files of members: what a file names is changed, balances are opened once, and credentials that came
//! with one work from allowed addresses only.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{hire, house, who};
use office::{
    Actor, Credit, From, MemberSet, Office, Operation, Problem, Takeover, TakeoverHow, execute,
};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::ops::ControlFlow;
use store::{Places, Reads as _};
use types::MemberCode;

async fn import(office: &Office, text: &str, how: TakeoverHow) -> anyhow::Result<Value> {
    let takeover = Takeover { text: text.to_owned(), how };
    execute(office, &Actor::local(), Operation::MemberImport(Box::new(takeover))).await
}

async fn plain(office: &Office, text: &str) -> Value {
    import(office, text, TakeoverHow::default()).await.unwrap()
}

async fn refused(office: &Office, text: &str) -> String {
    import(office, text, TakeoverHow::default()).await.unwrap_err().to_string()
}

fn dry() -> TakeoverHow {
    TakeoverHow { dry_run: true, ..TakeoverHow::default() }
}

async fn shown(office: &Office, code: &str) -> Value {
    execute(office, &Actor::local(), Operation::MemberShow { code: code.to_owned() }).await.unwrap()
}

async fn export(office: &Office) -> String {
    let told = execute(office, &who(0), Operation::MemberExport).await.unwrap();
    told["csv"].as_str().unwrap().to_owned()
}

fn from(office: &Office, code: &str, address: &str) -> bool {
    let catalog = office.handle.catalog();
    let entry = catalog.member(&MemberCode::parse(code).unwrap()).unwrap();
    entry.may_call_from(address.parse::<IpAddr>().unwrap())
}

/// Sums of the ledger by account.
fn sum(model: &mut model::Model, account: &str) -> i64 {
    let mut sum = 0;
    model
        .each_transfer(&Places::new(), &mut |row| {
            let amount = row.row.amount.get();
            sum += if row.row.to.to_string() == account { amount } else { 0 };
            sum -= if row.row.from.to_string() == account { amount } else { 0 };
            ControlFlow::Continue(())
        })
        .unwrap();
    sum
}

fn lines(model: &mut model::Model) -> Vec<String> {
    let filter = store::JournalFilter { limit: 100, ..store::JournalFilter::default() };
    let found = model.journal_page(&filter).unwrap();
    found.into_iter().map(|row| row.row.request).collect()
}

const OTOMAX: &str = "sep=;\r\nKode Reseller;Nama;PIN;Password;Saldo;IP Address;URL Report;Batas Kredit\r\n\
    rs1;Toko Satu;1;1;1.250.000;203.0.113.7;http://203.0.113.7/cb;0\r\n\
    rs2;Toko Dua;480913;teh-manis-3;0;;;500.000\r\n\
    rs3;Toko Tiga;123456;123456;-20.000;203.0.113.0/24;;50.000\r\n";

#[tokio::test]
async fn a_center_s_list_is_taken_over_as_one_act_and_once() {
    let (office, mut model) = house();
    let before = (lines(&mut model).len(), sum(&mut model, "opening"));
    let plan = import(&office, OTOMAX, dry()).await.unwrap();
    for (name, value) in [
        ("new", json!(3)),
        ("wrong", json!(0)),
        ("openings", json!(2)),
        ("balances", json!(1_250_000)),
        ("debts", json!(-20_000)),
        ("credit_limits", json!(550_000)),
        ("gives", json!(1_820_000)),
        ("without_address", json!(1)),
        ("imported", json!(0)),
    ] {
        assert_eq!(plan[name], value, "{name}: {plan}");
    }
    assert!(!plan.to_string().contains("teh-manis"), "{plan}");
    assert!(plan["note"].as_str().unwrap().starts_with("1 of these members cannot come in yet"));
    assert_eq!((lines(&mut model).len(), sum(&mut model, "opening")), before);

    let told = plain(&office, OTOMAX).await;
    assert_eq!((&told["imported"], &told["file"]), (&json!(3), &plan["file"]), "{told}");
    let one = shown(&office, "RS1").await;
    assert_eq!(
        (&one["balance"], &one["imported"]),
        (&json!(1_250_000), &json!("pin and password"))
    );
    assert_eq!(one["callback"], "http://203.0.113.7/cb");
    assert_eq!(shown(&office, "RS3").await["balance"], -20_000);
    assert_eq!(sum(&mut model, "opening"), -1_230_000);
    let said = lines(&mut model);
    let about: Vec<_> = said.iter().filter(|line| line.contains("member import")).collect();
    assert_eq!(about.len(), 1, "{about:?}");
    // New members are counted, and no count is a secret.
    assert!(about[0].contains("\"new\":3,") && !about[0].contains("***"), "{about:?}");
    assert!(about[0].contains("1250000") && !said.concat().contains("teh-manis"), "{about:?}");

    // The same again, in another dress: nothing happens. With more in it, what was opened stays.
    let again = plain(&office, &OTOMAX.replace("\r\n", "\n")).await;
    assert_eq!(again["state"], "repeated", "{again}");
    let first = "carried out at 2026-03-25 07:53";
    assert!(again["told"].as_str().unwrap().contains(first), "{again}");
    assert!(again["told"].as_str().unwrap().contains("for local: 3 new members, 0 changed, 2 bal"));
    assert!(again["told"].as_str().unwrap().contains("`gerbang member credit`"), "{again}");
    assert_eq!(import(&office, OTOMAX, dry()).await.unwrap()["before"]["first"]["new"], 3);
    let told = plain(&office, &format!("{OTOMAX}rs4;Empat;480913;teh-manis-3;5;;;\r\n")).await;
    assert_eq!((&told["new"], &told["unchanged"]), (&json!(1), &json!(3)), "{told}");
    assert_eq!(sum(&mut model, "opening"), -1_230_005);
}

#[tokio::test]
async fn the_example_is_taken() {
    let (office, _) = house();
    let told = plain(&office, include_str!("../../../config/members.example.csv")).await;
    assert_eq!((&told["new"], &told["balances"]), (&json!(2), &json!(1_325_000)), "{told}");
}

#[tokio::test]
async fn imported_credentials_work_from_allowed_addresses_until_both_are_changed() {
    let (office, _) = house();
    plain(&office, OTOMAX).await;
    assert!(from(&office, "RS1", "203.0.113.7") && !from(&office, "RS1", "198.51.100.9"));
    // Strong ones are marked too: without an address they work from nowhere.
    assert!(!from(&office, "RS2", "203.0.113.7"));
    let set = async |set: MemberSet| {
        let set = MemberSet { code: "RS1".to_owned(), ..set };
        execute(&office, &Actor::local(), Operation::MemberSet(Box::new(set))).await
    };
    let code = |told: anyhow::Result<Value>| {
        told.map_err(|error| error.downcast_ref::<Problem>().map(|problem| problem.code))
    };
    let cleared = set(MemberSet { ips: Some(String::new()), ..MemberSet::default() }).await;
    assert_eq!(code(cleared), Err(Some("imported_credentials")));
    let kept = MemberSet {
        pin: Some("730264".to_owned()),
        keep_old_hours: Some(1),
        ..MemberSet::default()
    };
    assert_eq!(code(set(kept).await), Err(Some("imported_credentials")));
    // At the portal the PIN confirms from an allowed address only, and is not counted from elsewhere.
    let member =
        office.handle.catalog().member(&MemberCode::parse("RS1").unwrap()).unwrap().clone();
    let me = office::SignedMember {
        member: member.member.id,
        code: member.member.code.clone(),
        session: "s".to_owned(),
        form_key: String::new(),
        must_set_password: false,
        second_factor: false,
    };
    let at = |address: &str| From { address: address.to_owned(), agent: String::new() };
    for _ in 0..9 {
        let told = office.add_own_key(&me, &at("198.51.100.9"), "1", "bot", false).await;
        assert!(told.unwrap_err().to_string().contains("allowed address"));
    }
    office.add_own_key(&me, &at("203.0.113.7"), "1", "bot", false).await.unwrap();

    let told = set(MemberSet { pin: Some("730264".to_owned()), ..MemberSet::default() }).await;
    assert_eq!(told.unwrap()["imported"], "password");
    assert!(!from(&office, "RS1", "198.51.100.9"));
    let (password, ips) = (Some("kopi-susu-4".to_owned()), Some(String::new()));
    let told = set(MemberSet { password, ips, ..MemberSet::default() }).await.unwrap();
    assert_eq!(told["imported"], Value::Null);
    assert!(from(&office, "RS1", "198.51.100.9"));
    // A member that rotates its own credentials is rid of the marker as well.
    plain(&office, "kode,ips\nRS2,203.0.113.7\n").await;
    let two = office.handle.catalog().member(&MemberCode::parse("RS2").unwrap()).unwrap().clone();
    let me = office::SignedMember { member: two.member.id, code: two.member.code.clone(), ..me };
    office.rotate_own(&me, &at("203.0.113.7"), "480913", 0).await.unwrap();
    assert_eq!(shown(&office, "RS2").await["imported"], Value::Null);
}

#[tokio::test]
async fn odd_lines_are_told_with_column_value_and_reason() {
    let (office, mut model) = house();
    plain(&office, "kode,pin,password,saldo,ips\nRS1,1,1,500,203.0.113.7\n").await;
    let credit = Credit {
        member: "RS1".to_owned(),
        amount: "100".to_owned(),
        cash: String::new(),
        note: "test".to_owned(),
    };
    office.credit(&Actor::local(), credit, None).await.unwrap();
    let before = (export(&office).await, lines(&mut model).len());
    for (file, part) in [
        (
            "kode,pin,password\nRS2,1,teh-manis-3\n",
            "line 2: pin: a PIN has at least 6 digits; such",
        ),
        ("kode,pin,password\nRS2,480913,1\n", "line 2: password: a member's password has at least"),
        (
            "kode,pin,password\nRS2,480913,\n",
            "line 2: password: is missing; a new member needs one",
        ),
        ("kode,pin,password,saldo\nRS2,480913,teh-manis-3,x\n", "line 2: saldo `x`:"),
        ("kode,pin,password,saldo\nRS2,480913,teh-manis-3,-5\n", "is below what its credit limit"),
        ("kode,saldo\nRS1,700\n", "line 2: saldo `700`: RS1 has moved money already and has 600"),
        ("kode,ips\nRS1,-\n", "line 2: ips `-`: PIN or password of RS1 came with an import"),
        ("kode,ips\nRS1,0.0.0.0/0\n", "0.0.0.0/0 is as good as any"),
        ("kode,pin,password,ips\nRS2,1,1,203.0.113.7 ::/0\n", "::/0 is as good as any"),
        ("kode,ips\nRS1,here\n", "line 2: ips `here`:"),
        ("kode,status\nRS1,perhaps\n", "line 2: status `perhaps`: write 1 or 0"),
        ("kode,level\nRS1,emas\n", "line 2: level `emas`: there is no price level emas"),
        ("kode,upline\nRS1,RS9\n", "line 2: upline `RS9`: there is no such member"),
        ("kode,markup\nRS1,50\n", "line 2: markup `50`: RS1 has no upline"),
        ("kode,nama\nRS1,a\nrs1,b\n", "line 2: kode `RS1`: stands in line 3 too"),
        ("kode,nama\nRS1,a\nrs1,b\n", "line 3: kode `rs1`: stands in line 2 too"),
        ("kode,nama,saldo\nRS1,a,\nTOTAL,,500\n", "line 3: kode `TOTAL`: looks like a sum row"),
        ("kode,nama,saldo\nRS1,a,\n,JUMLAH:,500\n", "line 3: kode ``: looks like a sum row"),
        ("kode,nama,saldo\nRS1,a,\nGrand Total,,5\n", "line 3: kode `Grand Total`: looks like a"),
        ("kode,nama,saldo\nRS1,a,\n,,500\n", "line 3: kode ``: looks like a sum row"),
        ("kode,nama\n,a\n", "line 2: kode ``:"),
        ("kode,callback\nRS1,ftp://x\n", "line 2: callback `ftp://x`:"),
        ("kode,oid\nRS1,5\n", "`oid` is no column of a file of members"),
        ("nama\nx\n", "no line is a header with the column `kode`"),
        ("kode,nama\n", "the file names no member"),
        ("PK\u{3}\u{4}\u{14}[Content_Types].xml", "a workbook of Excel (.xlsx), no text: open it"),
    ] {
        let told = refused(&office, file).await;
        assert!(told.contains(part), "{file}: {told}");
    }
    let filter = store::JournalFilter { limit: 100, ..store::JournalFilter::default() };
    let said = format!("{:?}", model.journal_page(&filter).unwrap());
    assert!(said.contains("1 of 1 lines are odd; nothing") && !said.contains("perhaps"), "{said}");
    let secret = refused(&office, "kode,pin,password\nRS2,77,rahasia\n").await;
    assert!(!secret.contains("77") && !secret.contains("rahasia"), "{secret}");
    let long = refused(&office, &format!("kode,nama\nRS1,{}\n", "x".repeat(9_000))).await;
    assert!(long.contains("xx..`: is longer than 500 bytes") && long.len() < 300, "{long}");
    let many: String = (0..10_001).map(|n| format!("X{n},a\n")).collect();
    assert!(refused(&office, &format!("kode,nama\n{many}")).await.contains("at most 10000"));
    let mut after = lines(&mut model);
    after.retain(|line| !line.contains("member import"));
    assert_eq!((export(&office).await, after.len()), (before.0, before.1 - 1));

    // Without the odd line, on demand; what stands below it goes with it.
    let rules = office::Rules { downlines: true, ..office.rules().await.unwrap() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let file = "kode,pin,password,upline,markup\nU1,1,1,,\nU2,480913,teh-manis-3,U1,50\n\
                U3,480913,teh-manis-3,RS1,50\nU4,480913,teh-manis-3,U3,0\n";
    assert!(refused(&office, file).await.contains("nothing was imported"));
    let how = TakeoverHow { skip_wrong: true, ..TakeoverHow::default() };
    let told = import(&office, file, how).await.unwrap();
    assert_eq!(
        (&told["imported"], &told["new"], &told["wrong"]),
        (&json!(2), &json!(2), &json!(2))
    );
    assert_eq!(shown(&office, "U4").await["upline"], "U3");
}

/// Lines are counted, not findings; of two lines of one member neither is taken; and what was left out
/// is on record with who said so.
#[tokio::test]
async fn odd_lines_that_are_left_out_are_counted_and_told() {
    let (office, mut model) = house();
    let file = "kode,pin,password,saldo\nA1,480913,teh-manis-3,5\nA2,480913,teh-manis-3,6\n\
                a1,480913,teh-manis-3,7\nA3,1,x,y\nTOTAL,480913,teh-manis-3,18\n";
    let told = refused(&office, file).await;
    assert!(told.starts_with("4 of 5 lines are odd; nothing was imported"), "{told}");
    let how = TakeoverHow { dry_run: true, skip_wrong: true, ..TakeoverHow::default() };
    let plan = import(&office, file, how).await.unwrap();
    assert_eq!((&plan["wrong"], &plan["new"]), (&json!(4), &json!(1)), "{plan}");
    // Both credentials and the balance of A3.
    assert!(plan["wrong_lines"].as_array().unwrap().len() > 4, "{plan}");
    let how = TakeoverHow { skip_wrong: true, ..TakeoverHow::default() };
    let told = import(&office, file, how.clone()).await.unwrap();
    assert_eq!((&told["new"], &told["balances"]), (&json!(1), &json!(6)), "{told}");
    let code =
        |code: &str| office.handle.catalog().member(&MemberCode::parse(code).unwrap()).is_some();
    assert!(code("A2") && !code("A1") && !code("A3") && !code("TOTAL"));
    assert_eq!(sum(&mut model, "opening"), -6);
    let line = lines(&mut model).remove(0);
    for part in ["local member import", "\"skip_wrong\":true", "\"left_out\":4", "\"level\":\""] {
        assert!(line.contains(part), "{part}: {line}");
    }
    // Also where nothing is left.
    import(&office, "kode,nama\nA2,\nA9,x\n", how).await.unwrap();
    let line = lines(&mut model).remove(0);
    assert!(line.contains("\"left_out\":1") && line.contains("\"rows\":1"), "{line}");
    // A member that is really called so is one.
    let add = "kode,nama,pin,password\nA2,Dua,,\n";
    plain(&office, add).await;
    let new = office::MemberAdd {
        code: "TOTAL".to_owned(),
        pin: "480913".to_owned(),
        password: "teh-manis-3".to_owned(),
        ..office::MemberAdd::default()
    };
    execute(&office, &Actor::local(), Operation::MemberAdd(Box::new(new))).await.unwrap();
    assert_eq!(plain(&office, "kode,nama\nTOTAL,Toko Total\n").await["changed"], 1);
}

#[test]
fn the_headings_are_documented() {
    let docs = include_str!("../../../docs/members.md");
    assert!(docs.contains(&office::member_headings()), "{}", office::member_headings());
}

#[tokio::test]
async fn the_export_is_imported_unchanged() {
    let (office, mut model) = house();
    let rules = office::Rules { downlines: true, ..office.rules().await.unwrap() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    plain(&office, "kode,pin,password,nama,upline,markup,markups,ips,callback,daily_limit,dialect,seller,webhook,sedang,status\n\
        A-1,480913,teh-manis-3,'=Toko,OK0,50,T1:150,\"203.0.113.7 198.51.100.0/24\",https://a.example/cb?x=1,1.000.000,check-by-ref aliases,json,1,1,0\n").await;
    let written = lines(&mut model).len();
    let file = export(&office).await;
    let told = plain(&office, &file).await;
    assert_eq!(told["unchanged"], told["imported"], "{told}");
    let plan = import(&office, &file, dry()).await.unwrap();
    assert_eq!((&plan["changes"], &plan["not_in_file"]), (&json!([]), &json!(0)), "{plan}");
    assert_eq!((export(&office).await, lines(&mut model).len()), (file.clone(), written));
    // One cell is one change.
    let told = plain(&office, &file.replace("'=Toko", "Kios")).await;
    assert_eq!(told["changed"], 1, "{told}");
    assert_eq!(shown(&office, "A-1").await["name"], "Kios");
    assert_eq!(shown(&office, "A-1").await["imported"], "pin and password");
}

/// What was odd when it was asked for and is right when it is agreed to, with the same sums and counts, is
/// another act: nobody agreed to it.
#[tokio::test]
async fn who_gets_it_cannot_be_exchanged_while_a_file_waits() {
    let (office, mut model, clock) = desk::house_with_clock();
    let ani = hire(&office, "ani", office::Role::Owner).await;
    let file = "kode;nama;pin;password;saldo;ips;level\n\
        SWA1;Honest;730264;hujan-turun-3;9000000;203.0.113.7;\n\
        EVIL1;Mine;730264;hujan-turun-3;9000000;198.51.100.66;lv-later\n";
    let how = TakeoverHow { skip_wrong: true, ..TakeoverHow::default() };
    let takeover = Takeover { text: file.to_owned(), how };
    let told = execute(&office, &ani, Operation::MemberImport(Box::new(takeover))).await.unwrap();
    let id = told["approval"].as_str().unwrap().to_owned();
    let waits = &office.approvals(true).await.unwrap()[0];
    let seen = &waits.asked;
    for (name, value) in [
        ("left_out", json!(1)),
        ("skip_wrong", json!(true)),
        ("level", json!("retail")),
        ("balances", json!(9_000_000)),
        ("debts", json!(0)),
        ("credit_limits", json!(0)),
    ] {
        assert_eq!(seen[name], value, "{name}: {seen}");
        assert_eq!(told[name], value, "{name}: {told}");
    }
    let again = Operation::MemberImport(Box::new(Takeover {
        text: file.to_owned(),
        ..Takeover::default()
    }));
    let again = execute(&office, &ani, again).await.unwrap();
    assert!(again["told"].as_str().unwrap().contains("it waits for a second person"), "{again}");
    let level = Operation::LevelSet { code: "lv-later".to_owned(), name: "Later".to_owned() };
    execute(&office, &ani, level).await.unwrap();
    plain(&office, "kode;pin;password;saldo;ips\nSWA1;730264;hujan-turun-3;1000;203.0.113.7\n")
        .await;
    clock.0.fetch_add(48 * 3_600_000, std::sync::atomic::Ordering::Relaxed);
    let error = office.decide_approval(&ani, &id, true).await.unwrap_err().to_string();
    assert!(error.contains("comes to something else now"), "{error}");
    assert_eq!(sum(&mut model, "opening"), -1_000);
}

/// What waits is opened by nobody without the master key, and goes with its refusal.
#[tokio::test]
async fn a_file_that_waits_is_sealed_and_goes_when_it_is_refused() {
    let (office, _) = desk::house();
    let ani = hire(&office, "ani", office::Role::Owner).await;
    let mut file = "kode;nama;pin;password;saldo;ips\n".to_owned();
    for number in 0..300 {
        file += &format!("RS{number};Toko Rahasia;730264;hujan-turun-3;100000;203.0.113.7\n");
    }
    let stored = async || {
        let all = office.handle.reads().ask(|reads| {
            let mut all = String::new();
            reads.each_paper(&mut |paper| {
                all += &format!("{} {}\n", paper.key.id, paper.body);
                std::ops::ControlFlow::Continue(())
            })?;
            let filter = store::JournalFilter { limit: 100, ..store::JournalFilter::default() };
            let lines = reads.journal_page(&filter)?;
            Ok::<_, store::StoreError>((all, format!("{lines:?}")))
        });
        all.await.unwrap().unwrap()
    };
    let before = stored().await.0.len();
    let takeover = Takeover { text: file.clone(), ..Takeover::default() };
    let import = Operation::MemberImport(Box::new(takeover));
    let told = execute(&office, &ani, import).await.unwrap();
    let id = told["approval"].as_str().unwrap().to_owned();
    let (papers, lines) = stored().await;
    assert!(papers.len() > before + file.len(), "the file is kept");
    office.decide_approval(&ani, &id, false).await.unwrap();
    let (after, later) = stored().await;
    assert!(after.len() < before + file.len() / 4, "{} after {before}", after.len());
    for secret in ["730264", "hujan-turun-3", "Toko Rahasia"] {
        for text in [&papers, &lines, &after, &later] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
