//! kill -9 under load, and SIGTERM under load: what was answered is there (promise 1), nothing is
//! sent twice (promise 3), and the books hold (promise 5).

use super::rig::{House, WHO, get, is_not_known, received};
use super::suppliers::wait_until;
use std::collections::{BTreeSet, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What clients share.
#[derive(Clone, Default)]
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Load {
    /// Waits until so many purchases were answered.
    fn reaches(&self, count: usize) {
        wait_until("there is load", Duration::from_secs(60), || {
            self.answered.load(Ordering::Relaxed) >= count
        });
    }
}

/// Buys with references of its own until told to stop or the server is gone; what was accepted.
fn load(address: SocketAddr, name: &str, load: &Load) -> JoinHandle<Vec<String>> {
    let (name, Load { stop, answered }) = (name.to_owned(), load.clone());
    std::thread::spawn(move || {
        let mut accepted = Vec::new();
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let ref_id = format!("{name}-{number}");
            let target = format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{WHO}");
            match get(address, &target) {
                Ok((200, body)) if body.contains("akan diproses") => {
                    answered.fetch_add(1, Ordering::Relaxed);
                    accepted.push(ref_id);
                }
                Ok((503, _)) => {}
                Ok((status, body)) if is_not_known(status, &body) => {}
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
        }
        accepted
    })
}

fn all_there(house: &House, address: SocketAddr, accepted: &[String]) {
    assert!(accepted.len() > 50, "too little load to prove anything: {}", accepted.len());
    for ref_id in accepted {
        let target = format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{WHO}&check=1");
        let (_, body) = get(address, &target).unwrap();
        assert!(!body.contains("TIDAK ADA"), "{ref_id} was answered and is lost: {body}");
    }
    let received = received(house);
    let distinct: HashSet<&String> = received.iter().collect();
    assert_eq!(received.len(), distinct.len(), "something was sent twice");
    house.holds();
}

#[test]
fn kill_nine_loses_nothing_and_sends_nothing_twice() {
    let house = House::new();
    let mut accepted = Vec::new();
    let mut server = house.demo();
    house.ok(&["member", "credit", "OK00123", "100.000.000", "--note", "load"]);
    for round in 0..3 {
        let all = Load::default();
        let clients: Vec<_> =
            (0..8).map(|n| load(server.address, &format!("k{round}-{n}"), &all)).collect();
        all.reaches(300 + 117 * round);
        server.kill();
        all.stop.store(true, Ordering::Relaxed);
        for client in clients {
            accepted.extend(client.join().unwrap());
        }
        house.holds();
        server = house.demo();
    }
    all_there(&house, server.address, &accepted);
    // Everything comes to its end: sent once, asked about, settled. Thousands on a slow machine.
    wait_until("everything ends", Duration::from_secs(180), || {
        let open = house.json(&["trx", "list", "--state", "pending"]);
        open.as_array().unwrap().is_empty()
    });
    let failed = house.json(&["trx", "list", "--state", "failed"]);
    let delivered: BTreeSet<String> = received(&house).into_iter().collect();
    for row in failed.as_array().unwrap() {
        let first = format!("{}-1", row["trx"]);
        assert!(!delivered.contains(&first), "delivered and refunded: {row}");
    }
    all_there(&house, server.address, &accepted);
}

#[test]
fn sigterm_drains() {
    let house = House::new();
    let mut server = house.demo();
    house.ok(&["member", "credit", "OK00123", "100.000.000", "--note", "load"]);
    let all = Load::default();
    let clients: Vec<_> = (0..8).map(|n| load(server.address, &format!("t{n}"), &all)).collect();
    all.reaches(300);
    server.terminate();
    assert!(server.wait().success(), "{}", server.log());
    let mut accepted = Vec::new();
    for client in clients {
        accepted.extend(client.join().unwrap());
    }
    drop(server);
    let server = house.demo();
    all_there(&house, server.address, &accepted);
    let journal = house.json(&["verify"]);
    assert!(journal["journal"].as_i64().unwrap() > i64::try_from(accepted.len()).unwrap());
}
