//! Parts that break: counted, started again, and no money is taken for what could not be sent.

use super::rig::{House, WHO, get, program};
use super::shim::shim;
use super::suppliers::{business, okeconnect, upstream, wait_until};
use super::visitor::Visitor;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The program with a folder in which files name what breaks.
fn fragile(house: &House) -> (Command, PathBuf) {
    let folder = house.folder.path().join("breaks");
    std::fs::create_dir(&folder).unwrap();
    let mut command = program();
    command.env("GERBANG_PANIC_WHILE", &folder);
    (command, folder)
}

fn is_delivered(house: &House, ref_id: &str) -> bool {
    house.json(&["trx", "list", "--ref", ref_id])[0]["state"] == "success"
}

/// Queries that break are errors of their callers; the threads go on.
#[test]
fn a_read_thread_survives_what_it_reads() {
    let house = House::metered();
    let (command, breaks) = fragile(&house);
    let server = house.start(command, &["demo", "--listen", "127.0.0.1:0"]);
    std::fs::write(breaks.join("read"), "").unwrap();
    for _ in 0..10 {
        assert_eq!(get(server.metrics_at(), "/metrics").unwrap().0, 503);
    }
    std::fs::remove_file(breaks.join("read")).unwrap();
    wait_until("reads answer", Duration::from_secs(10), || server.get("/readyz").0 == 200);
    assert_eq!(server.get("/healthz"), (200, "ok".to_owned()));
    assert!(server.panics() >= 10);
    assert!(server.buy("after").1.contains("akan diproses"));
    wait_until("it is sent", Duration::from_secs(20), || is_delivered(&house, "after"));
}

/// A handler that breaks ends its own request: it is answered with 500, counted, and all goes on;
/// pages that are made on threads of their own too.
#[test]
fn a_handler_that_breaks_ends_its_own_request_only() {
    let house = House::metered();
    let (command, breaks) = fragile(&house);
    let server = house.start(command, &["demo", "--listen", "127.0.0.1:0"]);
    let mut owner = Visitor::console(&server, "owner");
    let key = owner.get("/console/account").form_key();
    assert_eq!(server.panics(), 0);
    std::fs::write(breaks.join("page"), "").unwrap();
    let pages = ["/console/products", "/console/trx", "/console/reports.csv", "/portal/login"];
    for (broken, page) in (1..).zip(pages) {
        assert_eq!(owner.get(page).status, 500, "{page}");
        assert_eq!(server.panics(), broken, "{page}");
    }
    // Nobody is told that nothing was done.
    let form = [("form_key", key.as_str()), ("code", "gold"), ("name", "Gold")];
    assert_eq!(owner.post("/console/levels", &form).status, 500);
    assert_eq!(server.panics(), 5);
    std::fs::write(breaks.join("answer"), "").unwrap();
    assert_eq!(server.buy("broken").0, 500);
    assert_eq!(server.panics(), 6);
    for place in ["page", "answer"] {
        std::fs::remove_file(breaks.join(place)).unwrap();
    }
    for page in pages {
        assert_eq!(owner.get(page).status, 200, "{page}");
    }
    assert_eq!(get(server.address, "/healthz").unwrap().0, 200);
    assert!(server.buy("after").1.contains("akan diproses"));
    wait_until("it is sent", Duration::from_secs(20), || is_delivered(&house, "after"));
    house.holds();
}

/// While a connection for reads is missing nothing is taken; when it is back, all goes on.
#[test]
fn without_reads_nothing_is_taken() {
    let house = House::new();
    let (command, breaks) = fragile(&house);
    let server = house.start(command, &["demo", "--listen", "127.0.0.1:0"]);
    for place in ["renew", "read"] {
        std::fs::write(breaks.join(place), "").unwrap();
    }
    wait_until("it is noticed", Duration::from_secs(10), || {
        let _ = server.get("/readyz");
        server.get("/healthz").0 == 503
    });
    assert!(server.get("/healthz").1.contains("reads"));
    let (status, body) = server.buy("meanwhile");
    assert_eq!(status, 503, "{body}");
    for place in ["renew", "read"] {
        std::fs::remove_file(breaks.join(place)).unwrap();
    }
    wait_until("reads are back", Duration::from_secs(10), || server.get("/healthz").0 == 200);
    let (status, body) = server.buy("meanwhile");
    assert!(status == 200 && body.contains("akan diproses"), "{status} {body}");
    wait_until("it is sent", Duration::from_secs(20), || is_delivered(&house, "meanwhile"));
    house.holds();
}

/// A sender that does not come back: the program ends rather than taking money it cannot send, and
/// the next one sends what was taken.
#[test]
fn without_its_sender_the_program_ends() {
    let house = House::new();
    let (command, breaks) = fragile(&house);
    let mut server = house.start(command, &["demo", "--listen", "127.0.0.1:0"]);
    std::fs::write(breaks.join("sender"), "").unwrap();
    wait_until("it is noticed", Duration::from_secs(10), || {
        !matches!(get(server.address, "/healthz"), Ok((200, _)))
    });
    let mut taken = Vec::new();
    let mut number = 0;
    wait_until("the program ends", Duration::from_secs(30), || {
        let ref_id = format!("s{number}");
        number += 1;
        let target = format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{WHO}");
        if let Ok((200, body)) = get(server.address, &target)
            && body.contains("akan diproses")
        {
            taken.push(ref_id);
        }
        server.is_gone()
    });
    assert!(!server.wait().success(), "the exit code is 0");
    assert!(server.log().contains("the sender broke"), "{}", server.log());
    let _server = house.demo();
    for ref_id in &taken {
        wait_until("it is sent", Duration::from_secs(30), || is_delivered(&house, ref_id));
    }
    house.holds();
}

/// No descriptor for a call to a supplier is no failure of the purchase: it waits, and is sent to the
/// same supplier when there are some again. The shim refuses sockets while a file stands there.
#[test]
fn a_want_of_descriptors_holds_purchases() {
    let (one, other) = (upstream(7, 0), upstream(8, 0));
    let house = House::new();
    let address = |up: &super::suppliers::Upstream| up.simulator.address.to_string();
    business(
        &house,
        &[("one", &okeconnect(&address(&one))), ("other", &okeconnect(&address(&other)))],
    );
    let trigger = house.folder.path().join("no-sockets");
    let mut command = program();
    command.env("LD_PRELOAD", shim(house.folder.path())).env("SHIM_SOCKET_TRIGGER", &trigger);
    let server = house.start(command, &["serve"]);
    std::fs::write(&trigger, "").unwrap();
    assert!(server.buy("held").1.contains("akan diproses"));
    let story = || house.ok(&["trx", "show", "100000001"]);
    wait_until("it was tried", Duration::from_secs(20), || story().contains("Too many open files"));
    let row = || house.json(&["trx", "list", "--ref", "held"])[0].clone();
    assert_eq!(row()["state"], "pending", "{}", story());
    std::fs::remove_file(&trigger).unwrap();
    wait_until("it is delivered", Duration::from_secs(60), || row()["state"] == "success");
    let bought =
        |up: &super::suppliers::Upstream| up.simulator.books().ledger().as_array().unwrap().len();
    assert_eq!((bought(&one), bought(&other)), (1, 0), "{}", story());
    house.holds();
}

/// With few descriptors there are fewer connections, and enough is left for what we call.
#[test]
fn connections_leave_descriptors_for_suppliers() {
    let up = upstream(9, 0);
    let house = House::new();
    business(&house, &[("one", &okeconnect(&up.simulator.address.to_string()))]);
    let mut command = Command::new("sh");
    let few = "ulimit -n 200; exec \"$0\" \"$@\"";
    command.env_remove("GERBANG_DATABASE").args(["-c", few, env!("CARGO_BIN_EXE_gerbang")]);
    let server = house.start(command, &["serve"]);
    assert!(server.log().contains("fewer connections than configured"), "{}", server.log());
    let idle: Vec<_> =
        (0..300).map(|_| std::net::TcpStream::connect(server.address).unwrap()).collect();
    // A seat is free again when idle ones are closed, long before their headers are due.
    wait_until("it is answered", Duration::from_secs(20), || {
        get(server.address, "/healthz").is_ok_and(|(status, _)| status == 200)
    });
    assert!(server.buy("r1").1.contains("akan diproses"));
    wait_until("it is delivered", Duration::from_secs(30), || {
        house.json(&["trx", "list", "--ref", "r1"])[0]["state"] == "success"
    });
    assert!(!server.log().contains("Too many open files"), "{}", server.log());
    drop(idle);
}
