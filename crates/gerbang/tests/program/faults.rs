//! Disk faults: refused before anything is taken, a clear log, and a restart that goes on.

use super::rig::{House, WHO, program};
use super::suppliers::wait_until;
use std::process::Command;
use std::time::Duration;

/// A limit on file size stands in for a full disk: SQLite's writes fail in the middle.
#[test]
fn a_disk_that_fills_up_while_serving() {
    let house = House::new();
    let mut first = house.demo();
    house.ok(&["member", "credit", "OK00123", "100.000.000", "--note", "load"]);
    first.terminate();
    assert!(first.wait().success());

    let blocks = 900; // of 1024 bytes: enough to start, not enough to go on
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    shell.arg(env!("CARGO_BIN_EXE_gerbang"));
    let mut server = house.start(shell, &["demo", "--listen", "127.0.0.1:0"]);
    let mut accepted = Vec::new();
    let mut refused = 0;
    for number in 0..5_000 {
        let ref_id = format!("d{number}");
        let target =
            format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{}", super::rig::WHO);
        match super::rig::get(server.address, &target) {
            Ok((200, body)) if body.contains("akan diproses") => accepted.push(ref_id),
            Ok((503, body)) => {
                assert_eq!(body, "Sistem sibuk, ulangi dengan refID yang sama");
                refused += 1;
                if refused > 20 {
                    break;
                }
            }
            // The commit failed in the middle: the writer stops.
            Ok((status, body)) if super::rig::is_not_known(status, &body) => {
                refused += 1;
                break;
            }
            Ok(other) => panic!("{other:?}"),
            // The writer stopped: the process ends with an error.
            Err(_) => {
                refused += 1;
                break;
            }
        }
    }
    assert!(refused > 0, "the disk never filled up");
    assert!(!accepted.is_empty());
    // The answer may be here before the line is.
    wait_until("the log says it", Duration::from_secs(10), || {
        let log = server.log();
        log.contains("not written") || log.contains("the writer stops") || server.is_gone()
    });
    let log = server.log();
    assert!(log.contains("not written") || log.contains("the writer stops"), "{log}");
    if log.contains("the writer stops") {
        assert!(!server.wait().success(), "a commit failed and the exit code is 0");
    }
    server.kill();

    // With room again everything that was answered is there.
    let server = house.demo();
    for ref_id in &accepted {
        let check = server.check(ref_id);
        assert!(!check.contains("TIDAK ADA"), "{ref_id}: {check}");
    }
    house.holds();
    assert!(server.buy("after").1.contains("akan diproses"));
}

/// Too little room is seen before it is a fault.
#[test]
fn too_little_room_refuses_purchases() {
    let house = House::new();
    drop(house.demo());
    std::fs::write(house.data().join("gerbang.toml"), "min_free_mb = 1000000000\n").unwrap();
    let server = house.start(program(), &["demo", "--listen", "127.0.0.1:0"]);
    for _ in 0..100 {
        if server.get("/readyz").0 == 503 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(server.get("/readyz"), (503, "the disk is almost full".to_owned()));
    let (status, body) = server.buy("1");
    assert_eq!((status, body.as_str()), (503, "Sistem sibuk, ulangi dengan refID yang sama"));
    assert!(server.check("1").starts_with("TIDAK ADA"));
    assert_eq!(house.json(&["member", "list"])[0]["balance"], 279_655);
    // Strangers write nothing any more; who is let in still does.
    let lines = || house.json(&["verify"])["journal"].as_i64().unwrap();
    let before = lines();
    for target in
        ["/trx/balance?memberID=NOBODY&pin=1&password=2", "/callback/x/y", "/harga/json?id=x"]
    {
        server.get(target);
    }
    assert_eq!(lines(), before);
    server.get(&format!("/trx/balance?{WHO}"));
    assert!(lines() > before);
}

/// Somebody else holds the database: busy, and on again when it is free.
#[test]
fn a_locked_database_is_busy_and_recovers() {
    let house = House::new();
    let server = house.demo();
    let other = rusqlite::Connection::open(house.data().join("gerbang.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (status, _) = server.buy("1");
    assert_eq!(status, 503);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(server.buy("1").1.contains("Saldo 279.655 - 1.321"));
    assert!(server.log().contains("not written"), "{}", server.log());
    server.line_with("R#1 ");
}

/// A folder that cannot be written stops the start with the reason.
#[test]
fn a_folder_that_cannot_be_made() {
    let house = House::new();
    std::fs::write(house.data(), "a file").unwrap();
    let said = house.fails(&["init"]);
    assert!(said.contains("cannot create"), "{said}");
    assert!(house.fails(&["demo", "--listen", "127.0.0.1:0"]).contains("cannot create"));
}
