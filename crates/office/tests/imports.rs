//! Product files: what a file names is changed, and nothing else.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{house, who};
use office::{Import, ImportHow, Office, Operation, ProductSet, RouteSet, execute, read_import};
use serde_json::{Value, json};

async fn run(office: &Office, operation: Operation) -> anyhow::Result<Value> {
    execute(office, &who(0), operation).await
}

async fn import(office: &Office, csv: &str, how: ImportHow) -> anyhow::Result<Value> {
    let rows = read_import("csv", csv)?;
    run(office, Operation::ProductImport(Box::new(Import { rows, how }))).await
}

async fn plain(office: &Office, csv: &str) -> Value {
    import(office, csv, ImportHow::default()).await.unwrap()
}

fn dry() -> ImportHow {
    ImportHow { dry_run: true, ..ImportHow::default() }
}

/// Everything of a product and its routes.
async fn all(office: &Office, code: &str) -> (Value, Vec<String>) {
    let shown = run(office, Operation::ProductShow { code: code.to_owned() }).await.unwrap();
    let catalog = office.handle.catalog();
    let code = types::ProductCode::parse(code).unwrap();
    let routes = catalog.routes(&code).into_iter().map(|(route, _)| format!("{route:?}"));
    (shown, routes.collect())
}

/// A product and a route with everything that an operator can set.
async fn set_up(office: &Office) -> String {
    let set = ProductSet {
        code: "T1".to_owned(),
        open: Some(false),
        cut_off: Some("23:00-01:00".to_owned()),
        dest_rule: Some("digits:11-12".to_owned()),
        basis_points: Some(100),
        strategy: Some("weighted".to_owned()),
        group: Some("Three".to_owned()),
        category: Some("PULSA".to_owned()),
        ..ProductSet::default()
    };
    run(office, Operation::ProductSet(Box::new(set))).await.unwrap();
    let catalog = office.handle.catalog();
    let code = types::ProductCode::parse("T1").unwrap();
    let supplier = catalog.routes(&code)[0].0.supplier.to_string();
    let route = RouteSet {
        product: "T1".to_owned(),
        supplier: supplier.clone(),
        enabled: Some(false),
        priority: Some(7),
        weight: Some(5),
        cost_most: Some("1.300".to_owned()),
        hours: Some("08:00-22:00".to_owned()),
        prefixes: Some("0896".to_owned()),
        daily_most: Some("9".to_owned()),
        ..RouteSet::default()
    };
    run(office, Operation::RouteSet(Box::new(route))).await.unwrap();
    supplier
}

#[tokio::test]
async fn only_what_a_file_names_is_changed() {
    let (office, _) = house();
    let supplier = set_up(&office).await;
    let before = all(&office, "T1").await;
    let how = || ImportHow { supplier: Some(supplier.clone()), ..ImportHow::default() };

    // Its name and price as they are, beside a supplier: nothing at all is written.
    let price = before.0["prices"]["retail"].as_i64().unwrap();
    let same = format!("kode,keterangan,harga,status,cost\nT1,Three 1.000,{price},,\n");
    let told = import(&office, &same, how()).await.unwrap();
    assert_eq!((&told["changed"], &told["unchanged"]), (&json!(0), &json!(1)), "{told}");
    assert_eq!(all(&office, "T1").await, before);

    // A new price is a new price, and a new cost a new cost.
    let told = import(&office, "kode;harga;cost\nt1;1.350;1.250\n", how()).await.unwrap();
    assert_eq!(told["changed"], 1, "{told}");
    let mut wanted = before.clone();
    wanted.0["prices"]["retail"] = json!(1_350);
    for route in &mut wanted.1 {
        if route.contains(&format!("\"{supplier}\"")) {
            *route = route.replacen("Rupiah(1200)", "Rupiah(1250)", 1);
        }
    }
    assert_ne!(wanted.1, before.1);
    assert_eq!(all(&office, "T1").await, wanted);
    let level = types::LevelCode::parse("retail").unwrap();
    let code = types::ProductCode::parse("T1").unwrap();
    let (_, price) =
        office.handle.catalog().product_at(&level, &code).map(|(p, q)| (p.clone(), q)).unwrap();
    assert_eq!(price.basis_points, 100);

    plain(&office, "kode,status,cut_off,kategori\nT1,Aktif,-,VOUCHER\n").await;
    let (shown, _) = all(&office, "T1").await;
    assert_eq!(shown["open"], true);
    assert_eq!((&shown["cut_off"], &shown["category"]), (&Value::Null, &json!("VOUCHER")));
    assert_eq!(shown["dest_rule"], "digits:11-12");
}

#[tokio::test]
async fn a_preview_says_what_would_appear_and_change_and_writes_nothing() {
    let (office, mut model) = house();
    plain(&office, "kode,keterangan,harga\nX1,Lain,5\n").await;
    let before = all(&office, "T1").await;
    let lines = |model: &mut model::Model| {
        let filter = store::JournalFilter { limit: 100, ..store::JournalFilter::default() };
        store::Reads::journal_page(model, &filter).unwrap().len()
    };
    let told_before = lines(&mut model);
    let file =
        "kode,keterangan,harga,kategori\nT1,,1.400,\nN1,Baru,900,PULSA\nN2,,1,\nN3,Diskon 25%,1,\n";
    let plan = import(&office, file, dry()).await.unwrap();
    for (name, value) in [
        ("dry_run", json!(true)),
        ("new", json!(1)),
        ("changed", json!(1)),
        ("wrong", json!(2)),
        ("not_named", json!(["X1"])),
        ("imported", json!(0)),
    ] {
        assert_eq!(plan[name], value, "{name}: {plan}");
    }
    let changes = plan["changes"].to_string();
    for part in [
        r#"{"code":"T1","what":"harga retail","from":"1.321","to":"1.400"}"#,
        r#"{"code":"N1","what":"new","from":"","to":"Baru"}"#,
    ] {
        assert!(changes.contains(part), "{part}: {changes}");
    }
    let wrong = plan["wrong_lines"].to_string();
    assert!(wrong.contains("line 4: N2 is new and needs a name (keterangan)"), "{wrong}");
    assert!(wrong.contains("write for example `Diskon 25 persen`"), "{wrong}");
    assert_eq!(all(&office, "T1").await, before);
    assert_eq!(lines(&mut model), told_before);
    assert!(run(&office, Operation::ProductShow { code: "N1".to_owned() }).await.is_err());

    // The file as it is is refused; without its wrong lines it is taken.
    let refused = import(&office, file, ImportHow::default()).await.unwrap_err().to_string();
    assert!(refused.contains("2 of 4 lines are wrong; nothing was imported"), "{refused}");
    let how = ImportHow { skip_wrong: true, ..ImportHow::default() };
    let told = import(&office, file, how).await.unwrap();
    assert_eq!((&told["imported"], &told["wrong"]), (&json!(2), &json!(2)), "{told}");
    assert_eq!(all(&office, "T1").await.0["prices"]["retail"], 1_400);
    let (new, _) = all(&office, "N1").await;
    assert_eq!((&new["dest_rule"], &new["open"]), (&json!("phone"), &json!(true)));
}

/// G07: the same product twice, words of a state, names that the wire cannot carry.
#[tokio::test]
async fn lines_that_contradict_each_other_are_named() {
    let (office, _) = house();
    let level = Operation::LevelSet { code: "grosir".to_owned(), name: String::new() };
    run(&office, level).await.unwrap();
    // One line for each level is the console's own export; the very same line twice says nothing new.
    let two = "level,kode,keterangan,harga\nretail,T1,Three 1.000,1.330\ngrosir,T1,Three 1.000,1.310\n\
               grosir,T1,Three 1.000,1.310\n";
    let told = plain(&office, two).await;
    assert_eq!((&told["imported"], &told["changed"]), (&json!(3), &json!(1)), "{told}");
    let (shown, _) = all(&office, "T1").await;
    assert_eq!(shown["prices"], json!({"retail": 1_330, "grosir": 1_310}));
    for (file, part) in [
        (
            "kode,harga\nT1,1\nT1,2\n",
            "line 3: T1 stands in line 2 already, with harga `1` and not `2`",
        ),
        ("kode,status\nT1,1\nT1,tutup\n", "with status `1` and not `tutup`"),
        ("kode,status\nT1,viel\n", "status `viel`: write 1 (open) or 0 (closed)"),
        ("kode,level,harga\nT1,emas,1\n", "there is no price level emas"),
        ("kode,supplier,cost\nT1,nobody,1\n", "there is no supplier nobody"),
        ("kode,keterangan\nT1,Pulsa Sukses\n", "GAGAL, SUKSES"),
        ("kode,qty_min\nT1,5\n", "qty_min and qty_max must both be there"),
    ] {
        let refused = import(&office, file, ImportHow::default()).await.unwrap_err().to_string();
        assert!(refused.contains(part), "{file}: {refused}");
    }
}
