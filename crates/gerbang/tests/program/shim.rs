//! Faults below the program: syncs that fail, and dying while half of a request is on its way. A
//! small library (`shim.c`) stands in front of the C library; the program itself is unchanged.

use super::crashes::Trial;
use super::rig::{House, WHO, get, is_not_known, program};
use super::suppliers::{business, okeconnect, upstream, wait_until};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The library, built into a folder.
pub(crate) fn shim(folder: &Path) -> PathBuf {
    let library = folder.join("shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/shim.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .args([source, "-ldl"])
        .status()
        .unwrap();
    assert!(built.success());
    library
}

/// The demo with a disk that stops syncing files of this ending once the trigger is there.
fn on_a_failing_disk(house: &House, ending: &str) -> (Command, PathBuf) {
    let trigger = house.folder.path().join("syncs-fail");
    let mut command = program();
    command
        .env("LD_PRELOAD", shim(house.folder.path()))
        .env("SHIM_SYNC_TRIGGER", &trigger)
        .env("SHIM_SYNC_ENDING", ending);
    (command, trigger)
}

/// A commit whose sync failed may or may not be there after a restart, so nobody may be told of
/// it and nothing may be decided on top of it: the program ends.
#[test]
fn a_sync_of_the_log_that_fails_ends_the_program() {
    let house = House::new();
    let (command, trigger) = on_a_failing_disk(&house, "gerbang.db-wal");
    let mut server = house.start(command, &["demo", "--listen", "127.0.0.1:0"]);
    for number in 0..20 {
        assert!(server.buy(&format!("before-{number}")).1.contains("akan diproses"));
    }
    std::fs::write(&trigger, "").unwrap();
    for number in 0..20 {
        let target = format!("/trx?product=T1&dest=089660522887&refID=after-{number}&{WHO}");
        if let Ok((status, body)) = get(server.address, &target) {
            let honest = status == 503 || is_not_known(status, &body);
            assert!(honest, "answered without a sync: {status} {body}");
        }
    }
    assert!(!server.wait().success(), "a sync failed and the exit code is 0");
    let log = server.log();
    assert!(log.contains("may or may not have happened"), "{log}");

    std::fs::remove_file(&trigger).unwrap();
    let server = house.demo();
    for number in 0..20 {
        let check = server.check(&format!("before-{number}"));
        assert!(!check.contains("TIDAK ADA"), "before-{number} was answered and is lost: {check}");
    }
    // Whether the unanswered ones are there or not, asking again is safe.
    assert!(server.buy("after-0").1.contains("T#"));
    house.holds();
}

/// A checkpoint that cannot be synced loses nothing: the log keeps everything.
#[test]
fn a_checkpoint_that_cannot_be_synced_loses_nothing() {
    let house = House::new();
    let (command, trigger) = on_a_failing_disk(&house, "gerbang.db");
    let server = house.start(command, &["demo", "--listen", "127.0.0.1:0"]);
    house.ok(&["member", "credit", "OK00123", "100.000.000", "--note", "load"]);
    std::fs::write(&trigger, "").unwrap();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for number in 0..6_000 {
        let ref_id = format!("c{number}");
        let target = format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{WHO}");
        match get(server.address, &target) {
            Ok((200, body)) if body.contains("akan diproses") => accepted.push(ref_id),
            Ok((503, _)) => refused += 1,
            Ok((status, body)) if is_not_known(status, &body) => refused += 1,
            Ok(other) => panic!("{other:?}"),
            Err(_) => break,
        }
    }
    assert!(accepted.len() > 100, "only {} accepted, {refused} refused", accepted.len());
    let log = house.data().join("gerbang.db-wal");
    assert!(std::fs::metadata(log).unwrap().len() > 8 << 20, "no checkpoint was due");
    server.kill();

    std::fs::remove_file(&trigger).unwrap();
    let server = house.demo();
    for ref_id in &accepted {
        let check = server.check(ref_id);
        assert!(!check.contains("TIDAK ADA"), "{ref_id} was answered and is lost: {check}");
    }
    house.holds();
}

/// Two Gerbangs in a chain: the second loses the sync of a commit, cannot say whether it took the
/// purchase, and ends. The first holds it open, asks when the second is back, and buys nowhere else.
#[test]
fn a_chain_whose_second_loses_a_commit() {
    let elsewhere = upstream(5, 0);
    let (front, back) = (House::new(), House::new());
    let (command, trigger) = on_a_failing_disk(&back, "gerbang.db-wal");
    let mut second = back.start(command, &["demo", "--listen", "127.0.0.1:0", "--days", "0"]);
    let address = second.address.to_string();
    business(
        &front,
        &[
            ("second", &okeconnect(&address)),
            ("elsewhere", &okeconnect(&elsewhere.simulator.address.to_string())),
        ],
    );
    let first = front.serve();
    std::fs::write(&trigger, "").unwrap();
    assert!(first.buy("lost").1.contains("akan diproses"));
    assert!(!second.wait().success(), "a sync failed and the exit code is 0");
    std::fs::remove_file(&trigger).unwrap();
    let _second = back.start(program(), &["demo", "--listen", &address, "--days", "0"]);
    let state = || front.json(&["trx", "list", "--ref", "lost"])[0]["state"].clone();
    wait_until("it is known", Duration::from_secs(60), || state() == "success");
    let there = back.json(&["trx", "list"]);
    assert_eq!((there.as_array().unwrap().len(), &there[0]["state"]), (1, &"success".into()));
    assert_eq!(elsewhere.simulator.books().ledger().as_array().unwrap().len(), 0);
    for house in [&front, &back] {
        house.holds();
    }
}

/// Half a request reached the supplier, or half an answer the member, when the process died.
#[test]
fn dying_in_the_middle_of_a_message() {
    let mut trial = Trial::new();
    let library = shim(trial.house.folder.path());
    let ways = [("GET /trx", 1), ("GET /trx", 7), ("HTTP/1.1 200", 3), ("GET /h2h", 2)];
    let mut served = 0;
    for (round, (begin, count)) in (1..).zip(ways) {
        let mut command = program();
        command
            .env("LD_PRELOAD", &library)
            .env("SHIM_DIE_SENDING", begin)
            .env("SHIM_DIE_COUNT", count.to_string());
        // What is open from the round before may be asked about, and kill it, before it listens.
        let Ok(mut server) = trial.serve_as(command) else {
            assert_eq!(trial.said("dies in the middle"), round, "not because it died there");
            trial.is_whole();
            // What is left over would kill the next one as early.
            trial.settles();
            continue;
        };
        served += 1;
        let stop = Arc::new(AtomicBool::new(false));
        let clients = trial.load(server.address, &stop);
        wait_until(begin, Duration::from_secs(20), || server.is_gone());
        stop.store(true, Ordering::Relaxed);
        trial.join(clients);
        assert_eq!(trial.said("dies in the middle"), round, "it died elsewhere");
        trial.is_whole();
    }
    assert!(served >= 2, "{served} of four rounds came so far that it listened");
    let _server = trial.serve();
    trial.is_true();
}
