//! Recorded histories: many clients buy and ask about the same references at three nodes while nodes
//! are killed and frozen and the primary is lost. What each was told, and when, is judged afterwards.
//!
//! `GERBANG_HISTORY_SECONDS` sets how long, `GERBANG_CRASH_SEED` repeats what the clients choose.

use super::crashes::{mixed, number};
use super::nodes::Fleet;
use super::rig::{OWN, Server};
use super::suppliers::all_of;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What somebody was told of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// It is under way under this number.
    Taken(String),
    Success,
    Failed,
    NoData,
    /// Nothing was taken by this request.
    Busy,
    /// Under way, without a number: nobody knows.
    NotKnown,
    /// No answer in time.
    Nothing,
}

/// One request and its answer.
#[derive(Clone, Debug)]
struct Event {
    buys: bool,
    /// Where; for whoever reads a story that is wrong.
    #[allow(dead_code)]
    node: usize,
    begun: Duration,
    ended: Duration,
    said: Said,
}

impl Event {
    /// True for answers that say that there is a purchase.
    fn exists(&self) -> bool {
        matches!(self.said, Said::Taken(_) | Said::Success | Said::Failed)
    }

    fn is_final(&self) -> bool {
        matches!(self.said, Said::Success | Said::Failed)
    }
}

fn read(status: u16, body: &str) -> Said {
    if status == 503 {
        return Said::Busy;
    }
    assert_eq!(status, 200, "{body}");
    if body.starts_with("TIDAK ADA") {
        Said::NoData
    } else if let Some((_, rest)) = body.split_once("T#") {
        Said::Taken(rest.split(' ').next().unwrap().to_owned())
    } else if body.starts_with("Mhn tunggu") {
        Said::NotKnown
    } else if body.contains("status Sukses") {
        Said::Success
    } else if body.contains("status Gagal") {
        Said::Failed
    } else {
        panic!("nobody expected: {body}")
    }
}

/// Asks, and goes away when there is no answer in time.
fn ask(address: SocketAddr, target: &str, patience: Duration) -> Said {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        let began = Instant::now();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\n\r\n")?;
        let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
        loop {
            let left = patience.saturating_sub(began.elapsed()).max(Duration::from_millis(1));
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut piece)? {
                0 => return Ok(String::from_utf8(answer).unwrap()),
                count => answer.extend(&piece[..count]),
            }
        }
    };
    let Ok(answer) = asked() else { return Said::Nothing };
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return Said::Nothing };
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap();
    read(status, body)
}

/// What everybody did with one reference.
#[derive(Default)]
struct Story {
    events: Vec<Event>,
    /// After this nobody buys it any more.
    given_up: bool,
}

struct World {
    began: Instant,
    addresses: Mutex<Vec<SocketAddr>>,
    stories: Mutex<BTreeMap<String, Story>>,
    stop: AtomicBool,
}

impl World {
    /// One request at one node, written down.
    fn request(&self, ref_id: &str, buys: bool, choice: u64, patience: Duration) -> Event {
        let (node, address) = {
            let addresses = self.addresses.lock().unwrap();
            let node = usize::try_from(choice).unwrap_or_default() % addresses.len();
            (node, addresses[node])
        };
        let check = if buys { "" } else { "&check=1" };
        let target = format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{OWN}{check}");
        let begun = self.began.elapsed();
        let said = ask(address, &target, patience);
        let event = Event { buys, node, begun, ended: self.began.elapsed(), said };
        let mut stories = self.stories.lock().unwrap();
        stories.entry(ref_id.to_owned()).or_default().events.push(event.clone());
        event
    }

    /// A shop and its colleague: one buys and goes away early, the other asks elsewhere; what is
    /// "no data" is given up by some and bought anew by the rest.
    fn customer(&self, name: &str, seed: u64) {
        for round in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let draw = |what: u64| mixed(seed, round * 64 + what);
            let ref_id = format!("{name}-{round}");
            let patience = |n: u64| Duration::from_millis(60 + draw(n) % 700);
            let first = self.request(&ref_id, true, draw(0), patience(1));
            if draw(2) % 3 == 0 {
                self.request(&ref_id, true, draw(3), patience(4));
            }
            if matches!(first.said, Said::Taken(_)) && draw(5) % 2 == 0 {
                self.request(&ref_id, false, draw(6), Duration::from_secs(3));
                continue;
            }
            for n in 0..8 {
                let event = self.request(&ref_id, false, draw(8 + n), Duration::from_secs(3));
                match event.said {
                    Said::NoData if draw(30) % 3 > 0 => {
                        // It hands the money back: nobody buys it under this reference again.
                        self.stories.lock().unwrap().get_mut(&ref_id).unwrap().given_up = true;
                        break;
                    }
                    Said::NoData => {
                        self.request(&ref_id, true, draw(40 + n), Duration::from_secs(3));
                    }
                    Said::Success | Said::Failed => break,
                    Said::Taken(_) | Said::Busy | Said::NotKnown | Said::Nothing => {
                        std::thread::sleep(Duration::from_millis(20 + draw(50 + n) % 300));
                    }
                }
            }
        }
    }
}

/// What is wrong with a story; `there`: the purchase is in the books.
fn judge(story: &Story, there: bool) -> Result<(), String> {
    let events = &story.events;
    let numbers: BTreeSet<&String> = events
        .iter()
        .filter_map(|event| match &event.said {
            Said::Taken(no) => Some(no),
            Said::Success
            | Said::Failed
            | Said::NoData
            | Said::Busy
            | Said::NotKnown
            | Said::Nothing => None,
        })
        .collect();
    if numbers.len() > 1 {
        return Err(format!("two purchases {numbers:?}"));
    }
    if events.iter().any(Event::exists) && !there {
        return Err("it was told of and is not there".to_owned());
    }
    let kinds: Vec<&Said> =
        events.iter().filter(|event| event.is_final()).map(|event| &event.said).collect();
    if kinds.windows(2).any(|two| two[0] != two[1]) {
        return Err(format!("finals that contradict each other: {kinds:?}"));
    }
    for first in events {
        for later in events.iter().filter(|later| later.begun >= first.ended) {
            if first.exists() && later.said == Said::NoData {
                return Err(format!("no data after it was told of: {first:?} {later:?}"));
            }
            if first.is_final() && !later.buys && matches!(later.said, Said::Taken(_)) {
                return Err(format!("pending after it was final: {first:?} {later:?}"));
            }
        }
    }
    // Who hears "no data" and never buys it again may hand the money back.
    for none in events.iter().filter(|event| event.said == Said::NoData) {
        let bought_later = events.iter().any(|event| event.buys && event.ended > none.begun);
        if there && !bought_later {
            return Err(format!("taken after it was told that there is none: {none:?}"));
        }
    }
    Ok(())
}

/// The judge finds what it is there for.
#[test]
fn histories_that_are_wrong_are_found() {
    let event = |buys, begun, ended, said| Event {
        buys,
        node: 0,
        begun: Duration::from_millis(begun),
        ended: Duration::from_millis(ended),
        said,
    };
    let taken = |no: &str| Said::Taken(no.to_owned());
    let story = |events: &[Event]| Story { events: events.to_vec(), given_up: false };
    let good = story(&[
        event(true, 0, 10, Said::Nothing),
        event(false, 20, 30, Said::NoData),
        event(true, 40, 50, taken("1")),
        event(false, 60, 70, taken("1")),
        event(false, 80, 90, Said::Success),
    ]);
    assert_eq!(judge(&good, true), Ok(()));
    let refunded = [event(true, 0, 10, Said::Nothing), event(false, 20, 30, Said::NoData)];
    assert_eq!(judge(&story(&refunded), false), Ok(()));
    for (events, there, why) in [
        (refunded.to_vec(), true, "taken after it was told"),
        (
            vec![event(true, 0, 10, taken("1")), event(false, 10, 30, Said::NoData)],
            true,
            "no data after",
        ),
        (
            vec![event(true, 0, 10, taken("1")), event(true, 5, 30, taken("2"))],
            true,
            "two purchases",
        ),
        (vec![event(true, 0, 10, taken("1"))], false, "is not there"),
        (
            vec![event(false, 0, 10, Said::Failed), event(false, 20, 30, Said::Success)],
            true,
            "contradict",
        ),
        (
            vec![event(false, 0, 10, Said::Failed), event(false, 20, 30, taken("1"))],
            true,
            "pending after",
        ),
    ] {
        let found = judge(&story(&events), there).unwrap_err();
        assert!(found.contains(why), "{why}: {found}");
    }
}

#[test]
#[allow(clippy::print_stdout)]
fn histories_are_linearizable() {
    let seconds = number("GERBANG_HISTORY_SECONDS", 14);
    let seed = number("GERBANG_CRASH_SEED", 7);
    let (mut primary, standby) = pgtest::Server::start_pair().unwrap();
    primary.database("g").unwrap();
    // The standby stands first and is read by nobody.
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/g?sslmode=disable",
        standby.port(),
        primary.port()
    );
    let mut fleet = Fleet::new(&url, 3);
    let mut nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    let world = Arc::new(World {
        began: Instant::now(),
        addresses: Mutex::new(nodes.iter().map(|node| node.address).collect()),
        stories: Mutex::default(),
        stop: AtomicBool::new(false),
    });
    let customers: Vec<_> = (0..8)
        .map(|n| {
            let world = world.clone();
            std::thread::spawn(move || world.customer(&format!("h{n}"), mixed(seed, n)))
        })
        .collect();
    let (mut round, mut lost) = (0, false);
    while world.began.elapsed() < Duration::from_secs(seconds) {
        let victim = usize::try_from(mixed(seed, 5_000 + round) % 3).unwrap();
        match round % 4 {
            // Somebody holds the member's account: purchases wait at all nodes.
            0 => {
                let hold = "BEGIN; SELECT 1 FROM account FOR UPDATE; SELECT pg_sleep(0.9); COMMIT";
                let server = if lost { &standby } else { &primary };
                let _ = server.sql("g", hold);
            }
            1 => {
                // Shorter than its lease, and longer than its customers wait.
                nodes[victim].freeze(true);
                std::thread::sleep(Duration::from_millis(900 + mixed(seed, round) % 1_500));
                nodes[victim].freeze(false);
            }
            2 if !lost => {
                lost = true;
                primary.kill_nine();
                standby.promote().unwrap();
            }
            2 => {
                // Longer than its lease: its work is another's, and it may have to end.
                nodes[victim].freeze(true);
                std::thread::sleep(Duration::from_millis(6_500));
                nodes[victim].freeze(false);
            }
            _ => {
                nodes.remove(victim).kill();
                nodes.insert(victim, fleet.serve(victim));
            }
        }
        std::thread::sleep(Duration::from_millis(300));
        for (node, server) in nodes.iter_mut().enumerate() {
            if server.is_gone() {
                *server = fleet.serve(node);
            }
        }
        *world.addresses.lock().unwrap() = nodes.iter().map(|node| node.address).collect();
        round += 1;
    }
    world.stop.store(true, Ordering::Relaxed);
    for customer in customers {
        customer.join().unwrap();
    }
    let stories = std::mem::take(&mut *world.stories.lock().unwrap());
    for (ref_id, story) in &stories {
        for event in &story.events {
            if let Said::Taken(no) = &event.said {
                fleet.trial.accepted.insert(ref_id.clone(), no.clone());
            }
        }
    }
    fleet.trial.is_true();
    let rows = all_of(&fleet.trial.house);
    let there: BTreeSet<&str> = rows.iter().map(|row| row["ref"].as_str().unwrap()).collect();
    for (ref_id, story) in &stories {
        if let Err(why) = judge(story, there.contains(ref_id.as_str())) {
            let mut events = story.events.clone();
            events.sort_by_key(|event| event.begun);
            panic!("{ref_id}: {why}: {events:#?}");
        }
    }
    let count = |said: fn(&Said) -> bool| {
        stories.values().flat_map(|story| &story.events).filter(|event| said(&event.said)).count()
    };
    let given_up = stories.values().filter(|story| story.given_up).count();
    println!(
        "{} references, {round} rounds: {} taken, {} no data ({given_up} given up), {} busy, \
         {} not known, {} without an answer, {} finals",
        stories.len(),
        count(|said| matches!(said, Said::Taken(_))),
        count(|said| *said == Said::NoData),
        count(|said| *said == Said::Busy),
        count(|said| *said == Said::NotKnown),
        count(|said| *said == Said::Nothing),
        count(|said| matches!(said, Said::Success | Said::Failed)),
    );
    assert!(count(|said| *said == Said::NoData) > 0, "nobody heard that there is none");
}
