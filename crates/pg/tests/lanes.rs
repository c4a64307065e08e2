//! Lanes of a node that is gone, at a server: who adopts one keeps it as long as it has work, and
//! nobody keeps many while others have few.
#![allow(clippy::unwrap_used)]

use pg::{Event, Joined, Joining, Target, join};
use std::time::{Duration, Instant};
use store::Lane;

fn node(url: &str, name: &str) -> Joined {
    let (node, seat) = (name.to_owned(), String::new());
    let joining = Joining { node, seat, lanes: 1, lease: Duration::from_secs(5) };
    join(Target::parse(url, None).unwrap(), &joining).unwrap()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Each kind of work a lane can have left alone.
#[test]
fn an_adopted_lane_is_kept_until_its_work_is_done() {
    let server = pgtest::Server::start(&[]).unwrap();
    let attempt = |lane: Lane, state: &str| {
        format!(
            "INSERT INTO attempt (member, trx, n, lane, supplier, sku, cost, state, detail, created,
               sent, next, checks, why, counter)
             VALUES (1, 1, 1, {lane}, 's', 't', 0, '{state}', '', 0, NULL, 0, 0, '', 1)"
        )
    };
    let due = |lane: Lane| {
        format!(
            "INSERT INTO delivery (id, lane, trx, member, ref, message, created, state, tries, next,
               last) VALUES (77, {lane}, 1, 1, 'r', 'm', 0, 'due', 0, 0, '')"
        )
    };
    type Left<'a> = &'a dyn Fn(Lane) -> String;
    let kinds: [(&str, Left<'_>, &str); 3] = [
        ("delivery", &due, "'delivered'"),
        ("attempt", &|lane| attempt(lane, "intended"), "'failed'"),
        ("attempt", &|lane| attempt(lane, "unknown"), "'failed'"),
    ];
    for (number, (table, left, done)) in kinds.into_iter().enumerate() {
        let name = format!("lanes{number}");
        let url = server.database(&name).unwrap();
        let ask = |sql: &str| server.sql(&name, sql).unwrap();
        let first = node(&url, "first");
        let mut second = node(&url, "second");
        let lane = first.lanes[0];
        assert_ne!(second.lanes, [lane]);
        ask(&left(lane));
        drop(first);
        // Nobody has read the catalog here, and it is told of that too.
        while second.events.blocking_recv() != Some(Event::Adopted(lane)) {}
        let of = |what: &str| ask(&format!("SELECT {what} FROM lane WHERE id = {lane}"));
        let epoch = || of("epoch");
        let taken = epoch();
        // It is renewed again and again, and nobody takes it anew.
        for _ in 0..3 {
            let until = of("until");
            wait_until("it is renewed", || of("until") != until);
            assert_eq!((epoch(), second.tenure.lanes()), (taken.clone(), 2), "{table}");
        }
        ask(&format!("UPDATE {table} SET state = {done}"));
        wait_until("it is given back", || second.tenure.lanes() == 1);
        assert_eq!(epoch(), taken, "{table}");
    }
}

/// Many lanes with work are left alone: the nodes that live share them, and a node that joins later
/// gets its part of them.
#[test]
fn adopted_lanes_are_spread_over_the_nodes() {
    let server = pgtest::Server::start(&[]).unwrap();
    let url = server.database("spread").unwrap();
    let ask = |sql: &str| server.sql("spread", sql).unwrap();
    let first = node(&url, "first");
    ask("INSERT INTO lane (id, epoch, node, until, ledger_head, journal_head)
         SELECT 100 + i, 1, 'gone', clock_timestamp() - interval '1 second', '', ''
         FROM generate_series(1, 11) AS i");
    ask("INSERT INTO attempt (member, trx, n, lane, supplier, sku, cost, state, detail, created,
           sent, next, checks, why, counter)
         SELECT 1, i, 1, 100 + i, 's', 't', 0, 'unknown', '', 0, NULL, 0, 0, '', 1
         FROM generate_series(1, 11) AS i");
    wait_until("one takes all", || first.tenure.lanes() == 12);
    let second = node(&url, "second");
    let third = node(&url, "third");
    let lanes = || [&first, &second, &third].map(|node| node.tenure.lanes());
    // Of 14 lanes each has five, or one more.
    wait_until("they are spread", || {
        lanes().iter().sum::<usize>() == 14 && lanes().iter().all(|count| *count <= 6)
    });
    let before = lanes();
    for _ in 0..3 {
        let until = ask("SELECT until FROM lane WHERE id = 101");
        wait_until("it is renewed", || ask("SELECT until FROM lane WHERE id = 101") != until);
    }
    assert_eq!(lanes(), before, "they rest");
    drop(second);
    let left = || first.tenure.lanes() + third.tenure.lanes();
    wait_until("those of one that ends are taken", || left() == 13);
    let most = first.tenure.lanes().max(third.tenure.lanes());
    assert!(most <= 8, "{} and {}", first.tenure.lanes(), third.tenure.lanes());
}
