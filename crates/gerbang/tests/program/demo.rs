//! The first minute of a new user.

use super::rig::House;
use super::suppliers::wait_until;
use std::time::Duration;

/// The printed curl lines, as targets on the server.
fn tries(opening: &[String]) -> Vec<String> {
    opening
        .iter()
        .filter_map(|line| line.strip_prefix("curl 'http://")?.strip_suffix('\''))
        .map(|url| url[url.find('/').unwrap()..].to_owned())
        .collect()
}

#[test]
fn the_printed_lines_work_and_the_callback_arrives() {
    let house = House::new();
    let server = house.lively_demo("30");
    let tries = tries(&server.opening);
    assert_eq!(tries.len(), 5, "{:?}", server.opening);

    let (status, bought) = server.get(&tries[0]);
    assert_eq!(status, 200);
    let sentence = wire::read(&bought);
    assert_eq!(sentence.status, wire::Status::Accepted, "{bought}");
    assert!(
        bought.contains(
            " R#114 Three 1.000 T1.089660522887 akan diproses. Saldo 279.655 - 1.321 = 278.334 @"
        ),
        "{bought}"
    );
    let (_, open) = server.get(&tries[1]);
    assert!(
        open.contains(
            " R#7777 H2H DANA Topup (Bebas Nominal) BBSDN.085736044280 , QTY : 12345 \
             akan diproses. Saldo 278.334 - 12.516 = 265.818 @"
        ),
        "{open}"
    );
    assert!(server.get(&tries[2]).1.starts_with("Mhn tunggu trx sblmnya selesai: T#"));
    let callback = server.line_with("R#114 ");
    assert!(callback.starts_with("callback: T#"), "{callback}");
    assert!(callback.contains(" SUKSES. SN: R"), "{callback}");
    // Right after the callback: the state is already there to be asked.
    let check = server.get(&tries[2]).1;
    assert!(check.contains(", status Sukses. SN: R") && check.ends_with(". Hrg 1.321"), "{check}");
    server.line_with("R#7777 ");
    assert_eq!(server.get(&tries[3]).1, "Saldo 265.818");
    let prices: serde_json::Value = serde_json::from_str(&server.get(&tries[4]).1).unwrap();
    assert_eq!(prices.as_array().unwrap().len(), 77);
    // Programs of members filter by category and family of codes; bills are listed closed.
    for (category, family) in
        [("DOMPET DIGITAL", "GPY"), ("DIGITAL", "DML"), ("DIGITAL", "CEK"), ("PULSA", "S")]
    {
        let fits = |row: &&serde_json::Value| {
            row["kategori"] == category
                && row["kode"].as_str().unwrap().starts_with(family)
                && row["status"] == "1"
        };
        assert!(prices.as_array().unwrap().iter().filter(fits).count() > 1, "{family}");
    }
    for row in prices.as_array().unwrap() {
        let negative = row["harga"].as_str().unwrap().starts_with('-');
        assert_eq!(row["status"] == "0", negative, "{row}");
    }
    let bill = format!("/trx?product=BPLA&dest=530100000001&refID=bill&{}", super::rig::WHO);
    assert!(server.get(&bill).1.contains("GAGAL. Produk sedang gangguan"));
    let name = format!("/trx?product=CEKD&dest=085100000000&refID=name&{}", super::rig::WHO);
    assert!(server.get(&name).1.contains("akan diproses. Saldo 265.818 - 0 = 265.818 @"));
    assert!(server.line_with("R#name ").contains(" SUKSES. SN: "));
    let page = server.get("/demo").1;
    assert!(page.contains("R#114 Three 1.000") && page.contains("curl"), "{page}");
    assert_eq!(server.get("/readyz"), (200, "ready".to_owned()));
    assert_eq!(server.get("/metrics").0, 404, "figures are not for members");
    assert_eq!((server.get("/READYZ").0, server.get("/Healthz").0), (404, 404));
    house.holds();

    for secret in ["123456", "secret"] {
        assert!(!server.log().contains(secret), "{secret} is in the log");
    }
}

/// A second start takes the same business; callbacks follow to the new port.
#[test]
fn a_second_start_goes_on() {
    let house = House::new();
    let mut server = house.demo();
    server.buy("first");
    server.line_with("R#first ");
    server.terminate();
    assert!(server.wait().success());
    let server = house.demo();
    assert!(server.check("first").contains("status Sukses"));
    server.buy("second");
    server.line_with("R#second ");
    // The receiver has it before the courier has written that down.
    wait_until("both are delivered", Duration::from_secs(10), || {
        let shown = house.json(&["callback", "list", "--state", "delivered"]);
        shown.as_array().unwrap().len() == 2
    });
}

/// The sandbox's table of the README, as far as it ends within a test's patience.
#[test]
fn magic_destinations_do_what_the_table_says() {
    let house = House::new();
    let server = house.demo();
    for (ref_id, dest) in [
        ("wrong", "082280004280"),
        ("at-once", "081200000001"),
        ("late", "081200000002"),
        ("ever", "081200000003"),
        ("slow", "081200000004"),
        ("twice", "081200000006"),
        ("back", "081200000007"),
        ("first", "081200000008"),
        ("token", "081200000009"),
    ] {
        let target = format!("/trx?product=T1&dest={dest}&refID={ref_id}&{}", super::rig::WHO);
        assert!(server.get(&target).1.contains("akan diproses"), "{dest}");
    }
    let state = |ref_id: &str| {
        let rows = house.json(&["trx", "list", "--ref", ref_id]);
        let row = &rows.as_array().unwrap()[0];
        (row["state"].as_str().unwrap().to_owned(), row["detail"].as_str().unwrap().to_owned())
    };
    for (ref_id, wanted) in [
        ("wrong", "failed"),
        ("at-once", "failed"),
        ("late", "failed"),
        ("slow", "success"),
        ("twice", "success"),
        ("back", "reversed"),
        ("first", "success"),
        ("token", "success"),
    ] {
        wait_until(ref_id, Duration::from_secs(40), || state(ref_id).0 == wanted);
    }
    assert_eq!(state("wrong").1, "Nomor tujuan salah");
    assert_eq!(state("ever").0, "pending");
    assert!(state("token").1.contains('/'), "{:?}", state("token"));
    house.holds();

    // A person decides what stays open.
    let rows = house.json(&["trx", "list", "--ref", "ever"]);
    let no = rows[0]["trx"].to_string();
    let decided =
        house.json(&["trx", "resolve", &no, "--fail", "ditolak", "--note", "asked by phone"]);
    assert_eq!(decided["state"], "failed");
    let story = house.ok(&["trx", "show", &no]);
    assert!(story.contains("asked by phone") && story.contains("refund"), "{story}");
    house.holds();
}
