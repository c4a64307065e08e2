//! A business whose database is gone, empty or another's is never quietly begun anew; and what a clean
//! stop leaves is all in one file.

use super::rig::{House, OWN};
use std::path::Path;

/// A business with a purchase, stopped in order, and a copy of it.
fn stopped(house: &House) -> String {
    let mut server = house.demo();
    assert_eq!(server.buy("v1").0, 200);
    let copy = house.folder.path().join("copy.db").to_str().unwrap().to_owned();
    house.ok(&["backup", &copy]);
    server.terminate();
    assert!(server.wait().success());
    copy
}

fn remove_database(house: &House) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(house.data().join(format!("gerbang.db{ending}")));
    }
}

/// Everything that would open the business, or begin one.
const COMMANDS: [&[&str]; 9] = [
    &["serve"],
    &["init"],
    &["demo", "--listen", "127.0.0.1:0"],
    &["restore"],
    &["restore", "--open", "--note", "x"],
    &["verify"],
    &["backup", "/nonexistent/copy.db"],
    &["member", "list"],
    &["migrate-store", "--to", "postgres://nobody@127.0.0.1:1/none"],
];

fn refused(house: &House, words: &[&str]) {
    for command in COMMANDS {
        let said = house.fails(command);
        for word in words {
            assert!(said.contains(word), "{command:?}: {said} lacks {word}");
        }
    }
}

/// Puts something in the place of the database.
type Make<'a> = &'a dyn Fn(&Path);

#[test]
fn an_empty_or_foreign_database_is_not_a_new_business() {
    let house = House::new();
    let copy = stopped(&house);
    let database = house.data().join("gerbang.db");
    let foreign = |path: &Path| {
        let other = rusqlite::Connection::open(path).unwrap();
        other.execute_batch("CREATE TABLE note (text TEXT)").unwrap();
    };
    let text =
        |path: &Path| std::fs::write(path, "not a database, and long enough".repeat(90)).unwrap();
    let bare = |path: &Path| {
        let other = rusqlite::Connection::open(path).unwrap();
        other.execute_batch("PRAGMA journal_mode = WAL; VACUUM").unwrap();
    };
    let empty = |path: &Path| std::fs::write(path, "").unwrap();
    let kinds: [(Make<'_>, &str); 4] = [
        (&empty, "is empty"),
        (&bare, "is empty"),
        (&foreign, "is no database of Gerbang"),
        (&text, "is no database of Gerbang"),
    ];
    for (make, what) in kinds {
        remove_database(&house);
        make(&database);
        let before = std::fs::read(&database).unwrap();
        let name = database.to_str().unwrap();
        refused(&house, &[name, what, "gerbang restore FILE --replace", "put"]);
        assert_eq!(std::fs::read(&database).unwrap(), before, "{what}: it was written to");
        // Nor is it a backup of anything.
        let no_copy = house.folder.path().join("no-copy.db");
        let _ = std::fs::remove_file(&no_copy);
        make(&no_copy);
        let said = house.fails(&["restore", no_copy.to_str().unwrap(), "--replace"]);
        assert!(said.contains(what) && said.contains("it is no backup"), "{said}");
        assert!(house.fails(&["restore", &copy]).contains("--replace"));
    }
    let told = house.json(&["restore", &copy, "--replace"]);
    assert!(told["put_aside"].as_str().unwrap().contains(".replaced-"), "{told}");
    assert_eq!(house.json(&["verify"])["holds"], true);
}

#[test]
fn a_database_that_is_gone_is_not_begun_anew() {
    let house = House::new();
    let copy = stopped(&house);
    remove_database(&house);
    let (key, mark) = (house.data().join("master.key"), house.data().join("gerbang.mark"));
    for command in [&["serve"][..], &["init"], &["demo", "--listen", "127.0.0.1:0"], &["verify"]] {
        let said = house.fails(command);
        for word in [mark.to_str().unwrap(), key.to_str().unwrap(), "gerbang restore FILE"] {
            assert!(said.contains(word), "{command:?}: {said} lacks {word}");
        }
    }
    assert!(!house.data().join("gerbang.db").exists());
    // Heads that were kept elsewhere tell it too.
    for name in std::fs::read_dir(house.data()).unwrap() {
        let _ = std::fs::remove_file(name.unwrap().path());
    }
    let heads = house.folder.path().join("heads");
    std::fs::write(&heads, "ledger=0/1:00\n").unwrap();
    let config = format!("heads_file = {heads:?}\n");
    std::fs::write(house.data().join("gerbang.toml"), config).unwrap();
    assert!(house.fails(&["init"]).contains(heads.to_str().unwrap()));
    std::fs::remove_file(&heads).unwrap();
    // Nothing is left of it: this is a new one.
    house.ok(&["init"]);
    remove_database(&house);
    std::fs::remove_file(&mark).unwrap();
    // A key alone; a copy may be put beside it.
    assert!(house.fails(&["init"]).contains(key.to_str().unwrap()));
    std::fs::remove_file(&key).unwrap();
    house.ok(&["init"]);
    let said = house.fails(&["restore", &copy, "--replace"]);
    assert!(said.contains("another master.key"), "{said}");
}

/// The log of a database that was lost must not be taken for that of the copy in its place.
#[test]
fn a_log_without_its_database_is_put_aside() {
    let house = House::new();
    let server = house.demo();
    server.buy("w1");
    let copy = house.folder.path().join("copy.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    for number in 0..20 {
        server.buy(&format!("x{number}"));
    }
    server.kill();
    std::fs::remove_file(house.data().join("gerbang.db")).unwrap();
    assert!(std::fs::metadata(house.data().join("gerbang.db-wal")).unwrap().len() > 0);
    let said = house.fails(&["serve"]);
    assert!(said.contains("gerbang.db-wal"), "{said}");
    house.ok(&["restore", copy.to_str().unwrap()]);
    assert_eq!(house.json(&["trx", "list"]).as_array().unwrap().len(), 1);
    house.holds();
}

/// After a clean stop, and after a command without a server, `gerbang.db` alone is all of it.
#[test]
fn a_clean_stop_leaves_everything_in_one_file() {
    let alone = |house: &House| {
        let other = House::new();
        std::fs::create_dir(other.data()).unwrap();
        for file in ["gerbang.db", "master.key", "gerbang.mark"] {
            std::fs::copy(house.data().join(file), other.data().join(file)).unwrap();
        }
        assert_eq!(other.json(&["verify"])["holds"], true);
        other
    };
    let house = House::new();
    house.found(false);
    house.add_sandbox();
    house.add_member();
    assert_eq!(alone(&house).json(&["member", "list"])[0]["code"], "OK00123");
    house.ok(&["member", "credit", "OK00123", "50.000", "--note", "modal"]);
    let mut server = house.serve();
    for number in 0..10 {
        server.get(&format!("/trx/balance?{OWN}&n={number}"));
    }
    house.ok(&["member", "credit", "OK00123", "7.000", "--note", "lagi"]);
    server.terminate();
    assert!(server.wait().success());
    let copy = alone(&house);
    assert_eq!(copy.json(&["member", "show", "OK00123"])["balance"], 57_000);
    let last = copy.json(&["verify"])["journal"].clone();
    assert_eq!(house.json(&["verify"])["journal"], last);
}
