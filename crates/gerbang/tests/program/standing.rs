//! How nodes stand at one business: who is asked, who may write, whose lanes are whose, and edits.

use super::nodes::{Fleet, insist, order, trx_of};
use super::rig::{House, Server};
use super::suppliers::wait_until;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// What one node answered every other one knows, also where a standby that is behind stands first in
/// the URL; nobody ever asks it.
#[test]
fn a_standby_is_never_asked() {
    let primary = pgtest::Server::start(&[]).unwrap();
    let standby = primary.standby("two", &["synchronous_standby_names = ''"]).unwrap();
    primary.database("g").unwrap();
    wait_until("the standby follows", Duration::from_secs(30), || standby.has("g"));
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/g?sslmode=disable",
        standby.port(),
        primary.port()
    );
    let mut fleet = Fleet::new(&url, 2);
    let nodes: Vec<Server> = (0..2).map(|node| fleet.serve(node)).collect();
    // From now on it knows nothing new.
    standby.sql("postgres", "SELECT pg_wal_replay_pause()").unwrap();
    for round in 0..15 {
        let ref_id = format!("seen-{round}");
        let said = nodes[1].check(&ref_id);
        assert!(said.starts_with("TIDAK ADA"), "{said}");
        let answer = insist(&[nodes[0].address], &ref_id);
        let said = nodes[1].check(&ref_id);
        assert!(!said.starts_with("TIDAK ADA"), "{answer} and then {said}");
        fleet.trial.accepted.insert(ref_id, trx_of(&answer));
    }
    let asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'gerbang%'";
    assert_eq!(standby.sql("postgres", asked).unwrap(), "0");
    let alone = format!("postgres://postgres@127.0.0.1:{}/g?sslmode=disable", standby.port());
    let said = House::on(&alone).fails(&["init"]);
    assert!(said.contains("g at 127.0.0.1"), "{said}");
    fleet.trial.is_true();
}

/// Every session of the readers is gone when an edit comes: it is written, answered as done, told in
/// the journal, and the node goes on. So it is with edits from three nodes at once.
#[test]
fn edits_after_lost_sessions_and_at_once() {
    let server = pgtest::Server::start(&[]).unwrap();
    let fleet = Fleet::new(&server.database("g").unwrap(), 3);
    let mut nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    for round in 0..4 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE application_name = 'gerbang reader'";
        server.sql("g", end).unwrap();
        let price = format!("2.00{round}");
        fleet.house(0).ok(&["product", "set", "T1", "--price", &price]);
        let bought = insist(&[nodes[0].address], &format!("edit-{round}"));
        assert!(bought.contains(&format!(" - {price} = ")), "{bought}");
    }
    let told = "SELECT count(*) FROM journal WHERE request LIKE '%product set%'";
    assert_eq!(server.sql("g", told).unwrap(), "4");
    std::thread::scope(|scope| {
        for node in 0..3 {
            let house = fleet.house(node);
            scope.spawn(move || {
                for round in 0..8 {
                    let code = format!("EDIT{node}{round}");
                    let secrets = ["--pin", "482915", "--password", "a-long-one-here"];
                    let mut words = vec!["member", "add", &code];
                    words.extend(secrets);
                    house.ok(&words);
                }
            });
        }
    });
    let members = "SELECT count(*), count(DISTINCT id) FROM member WHERE code LIKE 'EDIT%'";
    assert_eq!(server.sql("g", members).unwrap(), "24|24");
    for node in &mut nodes {
        assert!(!node.is_gone(), "{}", node.log());
    }
}

/// A node that comes back takes its own lanes again, without waiting for its lease to end.
#[test]
fn lanes_are_taken_again() {
    let server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 2);
    let _other = fleet.serve(1);
    for round in 0..4 {
        let node = fleet.serve(0);
        let ref_id = format!("again-{round}");
        let answer = insist(&[node.address], &ref_id);
        fleet.trial.accepted.insert(ref_id, trx_of(&answer));
        node.kill();
    }
    let lanes = server.sql("g", "SELECT count(*) FROM lane").unwrap();
    assert_eq!(lanes, "4", "two for each node");
    let _again = fleet.serve(0);
    fleet.trial.is_true();
}

/// A node that has no database behind it says so before its lease is over, and another key than that
/// of the business is refused, also where nobody is a member yet.
#[test]
fn nodes_that_cannot_work_say_so() {
    let mut server = pgtest::Server::start(&[]).unwrap();
    let url = server.database("g").unwrap();
    let (right, wrong) = (House::on(&url), House::on(&url));
    right.ok(&["init"]);
    // A folder of its own with a key of its own, as somebody makes it who forgets to copy one.
    std::fs::create_dir(wrong.data()).unwrap();
    let key = wrong.data().join("master.key");
    std::fs::write(&key, format!("{}\n", "ab".repeat(32))).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::copy(right.data().join("gerbang.toml"), wrong.data().join("gerbang.toml")).unwrap();
    // Who has the wrong key takes no lane from anybody, and makes none.
    let lanes = || server.sql("g", "SELECT id, epoch, node, until FROM lane ORDER BY id").unwrap();
    let before = lanes();
    for words in [&["member", "list"][..], &["serve"], &["restore"]] {
        let said = wrong.fails(words);
        assert!(said.contains("master key"), "{words:?}: {said}");
        assert_eq!(lanes(), before, "{words:?}");
    }
    let config = right.data().join("gerbang.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("127.0.0.1:8080", "127.0.0.1:0")
            .replace("# metrics_listen = \"127.0.0.1:9464\"", "metrics_listen = \"127.0.0.1:0\""),
    )
    .unwrap();
    let node = right.serve();
    assert_eq!(node.get("/readyz").0, 200);
    wait_until("it tells how it stands", Duration::from_secs(15), || {
        let metrics = node.metrics();
        ["gerbang_lease_held 1", "gerbang_lanes_held 2", "gerbang_synchronous_standbys 0"]
            .iter()
            .all(|line| metrics.contains(line))
    });
    server.kill_nine();
    wait_until("it is not ready", Duration::from_secs(15), || node.get("/readyz").0 == 503);
    server.restart().unwrap();
    wait_until("it is ready again", Duration::from_secs(30), || node.get("/readyz").0 == 200);
}

/// The made-up past of the demo is written into a server too.
#[test]
fn a_demo_with_a_past() {
    let server = pgtest::Server::start(&[]).unwrap();
    let house = House::on(&server.database("g").unwrap());
    let demo = house.lively_demo("3");
    assert_eq!(demo.get("/readyz").0, 200);
    drop(demo);
    house.holds();
}

/// The standby is gone: a commit waits for it, and nobody says that it is done, however long it takes;
/// the node that cannot renew its lease is not ready.
#[test]
fn a_commit_without_its_standby_is_not_answered() {
    let primary = pgtest::Server::start(&[]).unwrap();
    let mut standby = primary.standby("two", &["synchronous_standby_names = ''"]).unwrap();
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'two'").unwrap();
    primary.sql("postgres", "SELECT pg_reload_conf()").unwrap();
    primary.database("g").unwrap();
    let mut fleet = Fleet::new(&primary.url("g"), 1);
    let node = fleet.serve(0);
    let answer = insist(&[node.address], "before");
    fleet.trial.accepted.insert("before".to_owned(), trx_of(&answer));
    standby.kill_nine();
    let address = node.address;
    let waiting = std::thread::spawn(move || order(address, "without"));
    wait_until("it is not ready", Duration::from_secs(15), || node.get("/readyz").0 == 503);
    // Longer than the time-outs of our sessions: the server must not take one for a word of ours.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(33) && !waiting.is_finished() {
        std::thread::sleep(Duration::from_millis(100));
    }
    if waiting.is_finished() {
        let said = waiting.join().unwrap();
        assert!(!matches!(&said, Ok((200, body)) if body.contains("T#")), "{said:?}");
    }
    standby.restart().unwrap();
    let answer = insist(&[node.address], "without");
    fleet.trial.accepted.insert("without".to_owned(), trx_of(&answer));
    fleet.trial.is_true();
}
