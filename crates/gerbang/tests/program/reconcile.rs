//! A supplier's statement against the books, and every difference settled from its page.

use super::rig::{House, Server, WHO};
use super::visitor::Visitor;
use std::time::{Duration, Instant};

fn state(house: &House, ref_id: &str) -> String {
    let found = house.json(&["trx", "list", "--ref", ref_id]);
    found[0]["state"].as_str().unwrap().to_owned()
}

fn until(house: &House, ref_id: &str, wanted: &str) -> i64 {
    let began = Instant::now();
    while state(house, ref_id) != wanted {
        assert!(began.elapsed() < Duration::from_secs(80), "{ref_id} is not {wanted}");
        std::thread::sleep(Duration::from_millis(50));
    }
    house.json(&["trx", "list", "--ref", ref_id])[0]["trx"].as_i64().unwrap()
}

fn buy(server: &Server, dest: &str, ref_id: &str) {
    server.get(&format!("/trx?product=T1&dest={dest}&refID={ref_id}&{WHO}"));
}

/// Reports are some moments behind.
fn when_reported(visitor: &mut Visitor, ref_id: &str) {
    let began = Instant::now();
    while !visitor.get(&format!("/console/trx?ref={ref_id}&supplier=sandbox")).body.contains(ref_id)
    {
        assert!(began.elapsed() < Duration::from_secs(80), "{ref_id} is not reported");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_statement_is_compared_and_settled() {
    let house = House::new();
    let server = house.demo();
    // Delivered as it was; for another amount; not delivered there; pending here.
    buy(&server, "089660522881", "same");
    buy(&server, "089660522882", "dearer");
    buy(&server, "089660522883", "absent");
    buy(&server, "081200000003", "open");
    let same = until(&house, "same", "success");
    let dearer = until(&house, "dearer", "success");
    let absent = until(&house, "absent", "success");
    let open = until(&house, "open", "pending");
    let mut owner = Visitor::console(&server, "owner");
    for ref_id in ["same", "dearer", "absent"] {
        when_reported(&mut owner, ref_id);
    }
    let cost = 1_307;
    let story = |no: i64| house.json(&["trx", "show", &no.to_string()]).to_string();
    assert!(story(same).contains("at sandbox as t1 for 1.307"), "{}", story(same));
    let csv = format!(
        "Reff Kami;No;Potong;St;SN\n{same}-1;089660522881;{cost},00;Sukses;S1\n\
         {dearer}-1;089660522882;{};Sukses;S2\n{absent}-1;089660522883;;Gagal;\n\
         {open}-1;081200000003;{cost};Sukses;S4\n{same}-1;089660522881;{cost};Sukses;S1\n",
        cost + 7
    );
    let day = |days: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seconds = i64::try_from(now.as_secs()).unwrap() + days * 86_400;
        let zone = engine::Zone::new("Asia/Jakarta").unwrap();
        let civil = zone.civil(types::UtcMillis::new(seconds * 1_000));
        format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
    };
    let (from, until_day) = (day(-1), day(0));
    let wrong = [
        ("supplier", "sandbox"),
        ("from", from.as_str()),
        ("until", until_day.as_str()),
        ("csv", csv.as_str()),
        ("amount", "Potongan"),
    ];
    let page = owner.submit("/console/reconcile", "/console/reconcile", &wrong).body;
    assert!(page.contains("no column `potongan`; there are: reff kami, no, potong"), "{page}");
    let mut right = wrong.to_vec();
    right[4] = ("amount", "Potong");
    right.extend([("reference", "Reff Kami"), ("status", "St"), ("dest", "No")]);
    // A word that nobody explained is asked about, with everything typed kept; nothing is compared.
    let odd = csv.replace("Gagal", "Transaksi Tidak Jadi");
    let mut asked = right.clone();
    asked[3] = ("csv", odd.as_str());
    let page = owner.submit("/console/reconcile", "/console/reconcile", &asked).body;
    for part in ["What do these words mean?", "Transaksi Tidak Jadi", "value=\"Reff Kami\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(owner.get("/console/reconcile").body.contains("None yet."));

    let page = owner.submit("/console/reconcile", "/console/reconcile", &right).body;
    assert!(page.contains("Matched: 1 · Differences: 4"), "{page}");
    let place = page.split("/console/reconcile/").nth(2).unwrap().split(['"', '/']).next().unwrap();
    let place = format!("/console/reconcile/{place}");
    assert!(page.contains(&place), "{page}");
    let page = owner.get("/console/reconcile").body;
    assert!(page.contains("value=\"Reff Kami\""), "the columns are remembered: {page}");

    // Each is settled from its page; a second time is refused.
    let page = owner.get(&place).body;
    let number_of = |text: &str| {
        let row = page.split("<tr").find(|row| row.contains(text)).unwrap();
        let action = row.split(&format!("{place}/")).nth(1).unwrap();
        action.split('"').next().unwrap().to_owned()
    };
    let settle = |owner: &mut Visitor, text: &str, act: &str, told: &str| {
        let action = format!("{place}/{}", number_of(text));
        let fields = [("act", act), ("reason", "dicatat dua kali")];
        let page = owner.submit(&place, &action, &fields).body;
        assert!(page.contains(told), "{act}: {page}");
    };
    settle(&mut owner, "081200000003", "reverse", "not possible for a difference of this kind");
    settle(&mut owner, "081200000003", "success", "settled as delivered");
    settle(&mut owner, "081200000003", "success", "somebody settled this already");
    settle(&mut owner, "089660522883", "reverse", "owner: reversed");
    // The same statement and a changed copy of it, compared before the difference is booked.
    let again = |owner: &mut Visitor, csv: &str| {
        let mut fields = right.clone();
        fields[3] = ("csv", csv);
        let page = owner.submit("/console/reconcile", "/console/reconcile", &fields).body;
        let row = page.split("<tr").find(|row| row.contains("089660522882")).unwrap();
        let action = row.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        action.to_owned()
    };
    let copies = [csv.clone(), csv.replace(&format!("{}", cost + 7), &format!("{}", cost + 9))];
    let copies = copies.map(|csv| again(&mut owner, &csv));
    settle(&mut owner, "089660522882", "book", "owner: booked 7");
    for action in &copies {
        let page = owner.submit(&place, action, &[("act", "book")]).body;
        assert!(page.contains("was booked already: 7 by owner"), "{page}");
    }
    let changed =
        again(&mut owner, &csv.replace(&format!("{}", cost + 7), &format!("{}", cost + 8)));
    let page = owner.submit(&place, &changed, &[("act", "book")]).body;
    assert!(page.contains("was booked already: 7 by owner"), "{page}");
    settle(&mut owner, "089660522881", "ignore", "left: dicatat dua kali");
    assert_eq!(state(&house, "open"), "success");
    assert_eq!(state(&house, "absent"), "reversed");
    assert!(story(dearer).contains("at sandbox as t1 for 1.314"), "{}", story(dearer));
    assert!(story(dearer).contains("cost_correction 7 from supplier:sandbox to cogs"));

    // The same statement again: what was settled is no difference any more.
    let page = owner.submit("/console/reconcile", "/console/reconcile", &right).body;
    assert!(page.contains("Matched: 3 · Differences: 1"), "{page}");
    // A corrected purchase that is reversed later gives back what it really cost.
    let no = dearer.to_string();
    house.ok(&["trx", "resolve", &no, "--reverse", "Nomor salah", "--note", "test"]);
    house.holds();
    // Who may look and who may act: finance books costs and leaves the purchases to others.
    let mut finance = Visitor::console(&server, "finance");
    let other = csv.replace(
        &format!("{same}-1;089660522881;{cost},00;Sukses"),
        &format!("{same}-1;089660522881;;Gagal"),
    );
    let other = other
        .lines()
        .filter(|line| !line.ends_with(&format!("{same}-1;089660522881;{cost};Sukses;S1")));
    let other: Vec<&str> = other.collect();
    let other = other.join("\n");
    let mut fields = right.clone();
    fields[3] = ("csv", other.as_str());
    let page = finance.submit("/console/reconcile", "/console/reconcile", &fields).body;
    assert!(page.contains("The purchase itself is decided by an admin or owner."), "{page}");
    assert!(!page.contains("It was not delivered: refund"), "{page}");
    let mut cs = Visitor::console(&server, "cs");
    assert_eq!(cs.get("/console/reconcile").status, 403);
}
