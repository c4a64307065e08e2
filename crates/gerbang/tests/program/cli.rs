//! Every command, beside a running server and without one.

use super::rig::{House, program};

fn business(house: &House) {
    house.found(false);
    house.add_sandbox();
    let csv = house.folder.path().join("goods.csv");
    std::fs::write(
        &csv,
        "kode,keterangan,produk,kategori,harga,status,dest_rule,qty_min,qty_max,cost\n\
         T1,Three 1.000,Three,PULSA,1.321,1,phone,,,1.200\n\
         BBSDN,H2H DANA Topup (Bebas Nominal),Dana,NOMINAL BEBAS,171,1,phone,10.000,10.000.000,120\n",
    )
    .unwrap();
    let imported =
        house.json(&["product", "import", csv.to_str().unwrap(), "--supplier", "sandbox"]);
    assert_eq!(imported["imported"], 2);
    house.add_member();
}

/// The same commands give the same answers through the socket and without a server.
#[test]
fn both_doors() {
    let house = House::new();
    business(&house);
    let credit = ["member", "credit", "OK00123", "50.000", "--note", "transfer"];
    assert_eq!(house.json(&credit)["balance"], 50_000);
    let resting = house.ok(&["member", "show", "OK00123"]);
    let server = house.serve();
    assert_eq!(house.ok(&["member", "show", "OK00123"]), resting);
    assert_eq!(house.json(&credit)["balance"], 100_000);
    assert!(server.buy("1").1.contains("Saldo 100.000 - 1.321 = 98.679"));

    // What is changed beside the server holds for its next request.
    house.ok(&["product", "set", "T1", "--price", "1.400"]);
    assert!(server.buy("2").1.contains("Saldo 98.679 - 1.400 = 97.279"));
    house.ok(&["product", "set", "T1", "--open", "false"]);
    assert!(server.buy("3").1.contains("Produk sedang gangguan"));
    house.ok(&["product", "set", "T1", "--open", "true"]);
    house.ok(&["supplier", "set", "sandbox", "--paused", "true"]);
    assert!(server.buy("4").1.contains("Produk sedang kosong"));
    house.ok(&["supplier", "set", "sandbox", "--paused", "false"]);
    house.ok(&["member", "set", "OK00123", "--ips", "203.0.113.0/24"]);
    assert!(server.buy("5").1.contains("IP tidak sesuai @127.0.0.1"));
    house.ok(&["member", "set", "OK00123", "--ips", ""]);
    house.ok(&["member", "set", "OK00123", "--pin", "730264"]);
    assert!(server.buy("6").1.contains("Pin Salah"));

    assert!(
        house.fails(&["member", "credit", "OK9", "1", "--note", "x"]).contains("no member OK9")
    );
    let overdrawn = house.fails(&["member", "credit", "OK00123", "-1.000.000", "--note", "x"]);
    assert!(overdrawn.contains("below the floor"), "{overdrawn}");
    let second = house.run(&["serve"]);
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another gerbang is working"));
}

/// Amounts of files are read by the grammar of all amounts, never a thousandfold.
#[test]
fn amounts_of_a_product_file() {
    let house = House::new();
    business(&house);
    let file = house.folder.path().join("amounts.csv");
    std::fs::write(
        &file,
        "kode;keterangan;harga\nA1;a;1.321,000\nA2;a;Rp 1.321,-\nA3;a;1,321.00\nA4;a;1321,0\n",
    )
    .unwrap();
    house.ok(&["product", "import", file.to_str().unwrap()]);
    for code in ["A1", "A2", "A3", "A4"] {
        assert_eq!(house.json(&["product", "show", code])["prices"]["retail"], 1_321, "{code}");
    }
    std::fs::write(&file, "kode;keterangan;harga\nB1;b;1.321,500\n").unwrap();
    let said = house.fails(&["product", "import", file.to_str().unwrap()]);
    assert!(said.contains("line 2: `1.321,500` has a part of a rupiah"), "{said}");
    let credit = |amount: &str| house.json(&["member", "credit", "OK00123", amount, "--note", "x"]);
    assert_eq!(credit("150.000,000")["moved"], 150_000);
    assert_eq!(credit("Rp 150,000.00")["moved"], 150_000);
}

#[test]
fn import_is_all_or_nothing_and_names_lines() {
    let house = House::new();
    business(&house);
    let file = house.folder.path().join("bad.csv");
    std::fs::write(
        &file,
        "kode,keterangan,harga\nNEW,Baru,1000\nT 5,Three,1\nS5,Telkomsel,mahal\nNEW,Lagi,5\n",
    )
    .unwrap();
    let said = house.fails(&["product", "import", file.to_str().unwrap()]);
    for part in ["3 of 4 lines are wrong; nothing was imported", "line 3:", "line 4:", "line 5:"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(house.fails(&["product", "show", "NEW"]).contains("no product NEW"));

    // The price list of one business is an import file of another.
    let prices = house.folder.path().join("prices.json");
    std::fs::write(&prices, house.ok(&["--json", "price", "list"])).unwrap();
    let other = House::new();
    other.ok(&["init"]);
    let imported = other.json(&["product", "import", prices.to_str().unwrap()]);
    assert_eq!(imported["imported"], 2);
    assert_eq!(other.json(&["price", "list"]), house.json(&["price", "list"]));
    let open = other.json(&["product", "show", "BBSDN"]);
    assert_eq!(open["qty_range"], serde_json::json!([10_000, 10_000_000]));
}

#[test]
fn callbacks_are_listed_and_replayed() {
    let house = House::new();
    let server = house.demo();
    server.buy("1");
    server.line_with("R#1 ");
    assert_eq!(house.json(&["callback", "replay", "--member", "OK00123"])["replayed"], 1);
    server.line_with("R#1 ");
    assert!(house.fails(&["callback", "replay"]).contains("say which"));
    assert!(house.fails(&["callback", "replay", "99"]).contains("no callback 99"));
    let tries = house.json(&["trx", "show", "100000001"]).to_string();
    assert!(tries.matches("callback -> ").count() >= 2, "{tries}");
}

#[test]
fn a_backup_is_a_business() {
    let house = House::new();
    let server = house.demo();
    server.buy("1");
    server.line_with("R#1 ");
    let other = House::new();
    std::fs::create_dir(other.data()).unwrap();
    let copy = other.data().join("gerbang.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    std::fs::copy(house.data().join("master.key"), other.data().join("master.key")).unwrap();
    assert_eq!(other.json(&["verify"])["holds"], true);
    assert_eq!(other.json(&["member", "list"]), house.json(&["member", "list"]));
    let again = house.fails(&["backup", copy.to_str().unwrap()]);
    assert!(again.contains("never replaces"), "{again}");
}

#[test]
fn a_wrong_start_says_why() {
    let house = House::new();
    assert!(house.fails(&["serve"]).contains("`gerbang init` creates one"));
    house.ok(&["init"]);
    assert!(house.fails(&["init"]).contains("already"));
    let config = house.data().join("gerbang.toml");
    std::fs::write(&config, "listen = \"0.0.0.0:0\"\n").unwrap();
    let said = house.fails(&["serve"]);
    assert!(said.contains("plain HTTP") && said.contains("trusted_proxies"), "{said}");
    std::fs::write(&config, "lisen = \"127.0.0.1:0\"\n").unwrap();
    let said = house.fails(&["serve"]);
    assert!(said.contains("gerbang.toml") && said.contains("lisen"), "{said}");
    std::fs::write(&config, "zone = \"Asia/Jakata\"\n").unwrap();
    assert!(house.fails(&["serve"]).contains("Asia/Jakata"));
    std::fs::remove_file(&config).unwrap();
    let key = house.data().join("master.key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert!(house.fails(&["member", "list"]).contains("chmod 600"));
    std::fs::remove_file(&key).unwrap();
    assert!(house.fails(&["member", "list"]).contains("master.key"));
    let said = house.fails(&["--config", "/nonexistent.toml", "serve"]);
    assert!(said.contains("/nonexistent.toml"), "{said}");
}

#[test]
fn a_configuration_file_may_name_the_folder() {
    let house = House::new();
    house.ok(&["init"]);
    let config = house.folder.path().join("elsewhere.toml");
    std::fs::write(&config, format!("data = {:?}\n", house.data())).unwrap();
    let output = program().arg("--config").arg(&config).args(["member", "list"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_wrong_key_opens_nothing() {
    let house = House::new();
    business(&house);
    let output = program()
        .env("GERBANG_MASTER_KEY", "0f".repeat(32))
        .arg("--data")
        .arg(house.data())
        .args(["member", "list"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is not the one of the business"), "{said}");
}
