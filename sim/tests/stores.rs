//! One engine, three stores, the same commands: every answer and everything that can be read must
//! be the same. What the model does is right; the databases are compared with it.
#![allow(clippy::unwrap_used)]

mod houses;

use domain::{
    AccountName, BuyRequest, CostBack, CostCorrection, DeliveryTry, FailureClass, Kind, Movement,
    Outcome, Resolution, Source, Tie,
};
use engine::{
    Asked, Clock, Command, Engine, Errand, Handle, PaperChange, PaperText, ReadPool, Resolve,
    Setup, Zone,
};
use houses::{model_house, pg_house, sqlite_house, take_over};
use model::Model;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{
    CatalogChange, CatalogRows, Channel, DeliveryFilter, DeliveryState, Direction, Heads,
    JournalLine, KeySet, Lane, PaperFilter, PaperKey, Place, Places, Reads, Store, StoreError,
    TrxFilter,
};
use types::{
    AttemptId, DeliveryId, Dest, MemberId, ProductCode, Reason, RefId, Rupiah, Sku, Sn,
    SupplierCode, TrxNo, UtcMillis,
};

/// Some morning in Jakarta.
const START_MS: i64 = 1_774_400_000_000;

struct Stepped(AtomicI64);

impl Clock for Stepped {
    fn now(&self) -> UtcMillis {
        UtcMillis::new(self.0.load(Ordering::Relaxed))
    }
}

/// What is done; small numbers choose among few, so that they meet.
#[derive(Clone, Debug)]
enum Op {
    Buy { member: u8, reference: u8, dest: u8, counter: u8, cheap: bool },
    Look { member: u8, reference: u8 },
    Mark { trx: u8, n: u8 },
    News { trx: u8, n: u8, supplier: u8, what: u8, source: u8 },
    Soon { trx: u8, n: u8 },
    Resolve { trx: u8, what: u8 },
    Move { member: u8, amount: i16 },
    Tried { delivery: u8, what: u8 },
    Replay { delivery: u8 },
    Note { member: Option<u8> },
    Price { amount: i16 },
    Route { supplier: u8, enabled: bool, weight: u8 },
    TakeOver { which: u8, imported: u8, opening: i16 },
    Errand { paper: u8, seen: u8, drop: bool, giver: u8, taker: u8, amount: i16 },
}

fn op() -> impl Strategy<Value = Op> {
    let small = 0_u8..12;
    let n = 1_u8..3;
    prop_oneof![
        8 => (0_u8..3, 0_u8..10, 0_u8..3, 0_u8..3, any::<bool>()).prop_map(
            |(member, reference, dest, counter, cheap)| Op::Buy { member, reference, dest, counter, cheap }
        ),
        1 => (0_u8..3, 0_u8..12).prop_map(|(member, reference)| Op::Look { member, reference }),
        5 => (small.clone(), n.clone()).prop_map(|(trx, n)| Op::Mark { trx, n }),
        8 => (small.clone(), n.clone(), 0_u8..2, 0_u8..10, 0_u8..4).prop_map(
            |(trx, n, supplier, what, source)| Op::News { trx, n, supplier, what, source }
        ),
        1 => (small.clone(), n).prop_map(|(trx, n)| Op::Soon { trx, n }),
        2 => (small.clone(), 0_u8..4).prop_map(|(trx, what)| Op::Resolve { trx, what }),
        1 => (0_u8..4, -20_000_i16..20_000).prop_map(|(member, amount)| Op::Move { member, amount }),
        3 => (small.clone(), 0_u8..4).prop_map(|(delivery, what)| Op::Tried { delivery, what }),
        1 => small.prop_map(|delivery| Op::Replay { delivery }),
        1 => prop::option::of(0_u8..3).prop_map(|member| Op::Note { member }),
        1 => (1_000_i16..2_000).prop_map(|amount| Op::Price { amount }),
        4 => (0_u8..4, 0_u8..4, any::<bool>(), 0_u8..4, 0_u8..3, 0_i16..6_000).prop_map(
            |(paper, seen, drop, giver, taker, amount)| Op::Errand { paper, seen, drop, giver, taker, amount }
        ),
        2 => (0_u8..3, 0_u8..4, prop_oneof![Just(0_i16), -900_i16..3_000])
            .prop_map(|(which, imported, opening)| Op::TakeOver { which, imported, opening }),
        1 => (0_u8..2, any::<bool>(), 0_u8..3)
            .prop_map(|(supplier, enabled, weight)| Op::Route { supplier, enabled, weight }),
    ]
}

fn member(number: u8) -> MemberId {
    MemberId::new(i64::from(number) + 1)
}

fn reference(number: u8) -> RefId {
    RefId::parse(&format!("r{number}")).unwrap()
}

fn trx(number: u8) -> TrxNo {
    TrxNo::new(100_000_001 + i64::from(number))
}

fn attempt(number: u8, n: u8) -> AttemptId {
    AttemptId { trx: trx(number), n: u16::from(n) }
}

fn supplier(number: u8) -> SupplierCode {
    SupplierCode::parse(&format!("s{number}")).unwrap()
}

fn line(status: &str, member: Option<MemberId>, at: UtcMillis) -> JournalLine {
    JournalLine {
        at,
        direction: Direction::Out,
        channel: Channel::Supplier,
        peer: "peer".to_owned(),
        member,
        trx: None,
        request: "asked".to_owned(),
        reply: "said, with 'quotes', Ω and a \0".to_owned(),
        status: status.to_owned(),
        millis: 3,
        stamps: Vec::new(),
    }
}

fn outcome(what: u8) -> Outcome {
    match what {
        0 | 1 => Outcome::Success {
            sn: Some(Sn::parse("SN12345").unwrap()),
            cost: Some(Rupiah::new(1_190)),
            tie: Tie::Reference,
        },
        2 => Outcome::Failed {
            class: FailureClass::Route,
            reason: Reason::clean("stok kosong"),
            tie: Tie::Reference,
        },
        3 => Outcome::Failed {
            class: FailureClass::Number,
            reason: Reason::clean("nomor salah"),
            tie: Tie::Reference,
        },
        4 => Outcome::Pending,
        6 => Outcome::Success {
            sn: Some(Sn::parse("SN77123456").unwrap()),
            cost: None,
            tie: Tie::Likeness,
        },
        7 => Outcome::Success { sn: None, cost: None, tie: Tie::Connection },
        8 => Outcome::Failed {
            class: FailureClass::Route,
            reason: Reason::clean("stok kosong"),
            tie: Tie::Likeness,
        },
        9 => Outcome::Doubtful { why: "about\0whom?".to_owned() },
        _ => Outcome::Unknown { why: "nobody\0knows".to_owned() },
    }
}

/// Whose a trx is: the same on every store, because the model says it.
fn owner(model: &Model, number: u8) -> MemberId {
    model.with(|tables| tables.trxs.get(&trx(number)).map_or(member(0), |row| row.trx.member))
}

/// What an attempt of a trx is for, as said by a supplier.
fn place_of(model: &Model, number: u8, from: u8) -> Box<Place> {
    let dest = model.with(|tables| tables.trxs.get(&trx(number)).map(|row| row.trx.dest.clone()));
    let dest = dest.unwrap_or_else(|| Dest::parse("089660522880").unwrap());
    Box::new(Place { supplier: supplier(from), sku: Sku::parse("T1").unwrap(), dest })
}

fn command(op: &Op, model: &Model, key: &KeySet, now: UtcMillis) -> Command {
    match op {
        Op::Buy { member: who, reference: which, dest, counter, cheap } => Command::Buy {
            member: member(*who),
            request: Box::new(BuyRequest {
                product: ProductCode::parse("T1").unwrap(),
                // Spelled in two ways, and kept as it was given.
                dest: Dest::parse(&match dest % 2 {
                    0 => format!("08966052288{dest}"),
                    _ => format!("+62 896-6052-288{dest}"),
                })
                .unwrap(),
                qty: None,
                ref_id: reference(*which),
                counter: u16::from(*counter) + 1,
                harga_max: cheap.then_some(Rupiah::new(1_321)),
                form: if *cheap {
                    domain::Form::Seller { code: "t1".to_owned(), newer: *dest > 1 }
                } else {
                    domain::Form::Plain
                },
            }),
            asked: Box::new(Asked {
                received: now,
                peer: "1.2.3.4".to_owned(),
                request: "q".to_owned(),
            }),
        },
        Op::Look { member: who, reference: which } => {
            Command::Look { member: member(*who), ref_id: reference(*which) }
        }
        Op::Mark { trx, n } => {
            let (about, member) = (attempt(*trx, *n), owner(model, *trx));
            let place = place_of(model, *trx, 0);
            Command::MarkSent { about, member, place, edition: 0 }
        }
        Op::News { trx, n, supplier: from, what, source } => Command::News {
            about: attempt(*trx, *n),
            member: owner(model, *trx),
            place: place_of(model, *trx, *from),
            source: [
                Source::Reply,
                Source::Callback,
                Source::Check,
                Source::Restart { wait_ms: 5 },
            ][usize::from(*source)],
            outcome: outcome(*what),
            line: (*what != 4).then(|| Box::new(line("news", None, now))),
        },
        Op::Soon { trx, n } => Command::AskSoon {
            about: attempt(*trx, *n),
            member: owner(model, *trx),
            wait_ms: 5,
            line: Box::new(line("soon", None, now)),
        },
        Op::Resolve { trx: which, what } => Errand::resolve(Resolve {
            trx: trx(*which),
            resolution: match what {
                0 => Resolution::Success(Sn::parse("BYHAND").unwrap()),
                1 => Resolution::Fail(Reason::clean("gagal")),
                2 => Resolution::Reverse {
                    reason: Reason::clean("dibalik"),
                    // Both ways, by the purchase.
                    cost: [CostBack::Returned, CostBack::Kept][usize::from(*which % 2)],
                },
                _ => Resolution::Keep,
            },
            place: Some(*place_of(model, *which, 0)),
        })
        .into(),
        Op::Move { member: who, amount } => Errand::movement(Movement {
            member: member(*who),
            amount: Rupiah::new(i64::from(*amount)),
            other: AccountName::Cash("b\0ca".to_owned()),
            kind: if *amount < 0 { Kind::Withdrawal } else { Kind::Deposit },
            note: "some\0one".to_owned(),
        })
        .into(),
        Op::Tried { delivery, what } => Command::Tried {
            id: DeliveryId::new(i64::from(*delivery) + 1),
            result: match what {
                0 | 1 => DeliveryTry::Delivered { status: 200 },
                2 => DeliveryTry::Failed {
                    why: "status\u{0}500".to_owned(),
                    retry_after_ms: None,
                    chance: 7,
                },
                _ => DeliveryTry::Parked { why: "no URL".to_owned() },
            },
            line: Box::new(line("tried", Some(member(0)), now)),
        },
        Op::Replay { delivery } => Errand::replay(DeliveryId::new(i64::from(*delivery) + 1)).into(),
        Op::Note { member: who } => Command::Note(Box::new(line("note", who.map(member), now))),
        Op::Errand { paper, seen, drop, giver, taker, amount } => {
            let give = |who: u8, amount: i16, kind| Movement {
                member: member(who),
                amount: Rupiah::new(i64::from(amount)),
                other: AccountName::Exchange,
                kind,
                note: "from one to the other".to_owned(),
            };
            let text = PaperText {
                tag: ["", "open"][usize::from(*seen % 2)].to_owned(),
                body: format!("{{\"seen\":{seen},\"Ω\0\":'\"'}}"),
            };
            Command::Errand(Box::new(Errand {
                // Of what was delivered or not: both answers are compared.
                costs: (*amount > 4_500)
                    .then(|| CostCorrection {
                        supplier: supplier(*giver % 2),
                        trx: trx(*seen),
                        was: None,
                        more: Rupiah::new(i64::from(*amount) - 5_000),
                        note: "statement".to_owned(),
                    })
                    .into_iter()
                    .collect(),
                // Refused while something is open there: how much is open is compared too.
                idle: (*amount < 300).then(|| supplier(*giver % 2)).into_iter().collect(),
                papers: vec![PaperChange {
                    key: PaperKey::new(
                        ["ticket", "user"][usize::from(*paper % 2)],
                        format!("p{paper}"),
                    ),
                    seen: i64::from(*seen),
                    put: (!drop).then_some(text),
                }],
                moves: match amount {
                    0..1_000 => Vec::new(),
                    _ => vec![
                        give(*giver, -*amount, Kind::Given),
                        give(*taker, *amount, Kind::Received),
                    ],
                },
                lines: vec![line("errand", None, now)],
                ..Errand::default()
            }))
        }
        Op::TakeOver { which, imported, opening } => {
            take_over(*which, *imported, *opening, key).into()
        }
        Op::Price { amount } => Errand {
            catalog: vec![CatalogChange::Price {
                level: types::LevelCode::parse("retail").unwrap(),
                product: ProductCode::parse("T1").unwrap(),
                price: domain::Price { amount: Rupiah::new(i64::from(*amount)), basis_points: 0 },
            }],
            lines: vec![line("price", None, now)],
            ..Errand::default()
        }
        .into(),
        Op::Route { supplier: which, enabled, weight } => {
            let route = domain::RouteRow::new(
                ProductCode::parse("T1").unwrap(),
                supplier(*which),
                types::Sku::parse("T1").unwrap(),
                Rupiah::new(1_200),
            );
            Errand::edit(vec![CatalogChange::Route(domain::RouteRow {
                enabled: *enabled,
                weight: u32::from(*weight),
                priority: i32::from(*which) + 1,
                prefixes: vec!["0896".to_owned()],
                daily_most: Some(50),
                ..route
            })])
            .into()
        }
    }
}

/// A running engine on some store, and a reader that sees all of it.
struct House {
    name: &'static str,
    handle: Handle,
    clock: Arc<Stepped>,
    reads: Box<dyn Reads>,
}

type Rows = Box<dyn FnMut() -> Result<CatalogRows, StoreError> + Send>;

impl House {
    fn new(
        name: &'static str,
        stores: Vec<Box<dyn Store>>,
        pool: Box<dyn Reads>,
        reads: Box<dyn Reads>,
        rows: Rows,
        key: &KeySet,
    ) -> Self {
        let clock = Arc::new(Stepped(AtomicI64::new(START_MS)));
        let zone = Zone::new("Asia/Jakarta").unwrap();
        let pool = ReadPool::threads(vec![pool]).unwrap();
        let mut stores = stores;
        let first = stores.remove(0);
        let mut setup = Setup::new(first, pool, rows, key.clone(), clock.clone(), zone);
        setup.stores.append(&mut stores);
        let engine = Engine::start(setup).unwrap();
        engine.handle.health().bought(Vec::new(), engine.handle.now());
        Self { name, handle: engine.handle, clock, reads }
    }

    /// A group of commands, in order, as many in a batch as the writer takes.
    async fn all(&self, commands: Vec<Command>) -> Vec<String> {
        let asked = commands.into_iter().map(|command| self.handle.submit(command));
        let mut waiting: Vec<_> = asked.map(Box::pin).collect();
        let mut answers = vec![None; waiting.len()];
        std::future::poll_fn(|context| {
            let mut left = false;
            for (asked, answer) in waiting.iter_mut().zip(&mut answers) {
                if answer.is_none() {
                    match asked.as_mut().poll(context) {
                        std::task::Poll::Ready(said) => *answer = Some(format!("{said:?}")),
                        std::task::Poll::Pending => left = true,
                    }
                }
            }
            if left { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
        })
        .await;
        answers.into_iter().flatten().collect()
    }

    /// Everything that can be read, as text. Places of rows are left out where stores number them
    /// differently.
    fn everything(&mut self) -> Vec<String> {
        let reads = self.reads.as_mut();
        let mut said = Vec::new();
        let now = UtcMillis::new(START_MS + 86_400_000);
        said.push(format!("{:?}", reads.accounts().unwrap()));
        said.push(format!("{:?}", reads.counts().unwrap()));
        said.push(format!("{:?}", reads.damage(None).unwrap()));
        let mut lane = Lane::default();
        reads
            .each_transfer(&Places::new(), &mut |row| {
                lane = row.lane;
                said.push(format!("{} {:?} {:?}", row.seq, row.row, row.hash));
                ControlFlow::Continue(())
            })
            .unwrap();
        reads
            .each_journal(&Places::new(), &mut |row| {
                said.push(format!("{} {:?} {:?}", row.seq, row.row, row.hash));
                ControlFlow::Continue(())
            })
            .unwrap();
        // The same from the middle on.
        let heads = reads.heads().unwrap();
        let middle = |seq: fn(&Heads) -> i64| -> Places {
            heads.iter().map(|heads| (heads.lane, seq(heads) / 2)).collect()
        };
        reads
            .each_transfer(&middle(|heads| heads.ledger.seq), &mut |row| {
                said.push(format!("transfer {}", row.seq));
                ControlFlow::Continue(())
            })
            .unwrap();
        reads
            .each_journal(&middle(|heads| heads.journal.seq), &mut |row| {
                said.push(format!("line {}", row.seq));
                ControlFlow::Continue(())
            })
            .unwrap();
        let mut trxs: Vec<domain::Trx> = Vec::new();
        reads
            .each_trx(None, &mut |trx| {
                trxs.push(trx);
                ControlFlow::Continue(())
            })
            .unwrap();
        if let Some(one) = trxs.get(trxs.len() / 2).map(|trx| trx.no) {
            reads
                .each_trx(Some(one), &mut |trx| {
                    said.push(format!("after {one}: {}", trx.no));
                    ControlFlow::Continue(())
                })
                .unwrap();
            said.push(format!("{:?}", reads.damage(Some(one)).unwrap()));
        }
        for trx in trxs {
            said.push(format!("{:?}", reads.trx_by_ref(trx.member, &trx.ref_id).unwrap()));
            let story = reads.story(trx.no).unwrap().unwrap();
            let transfers: Vec<_> = story.transfers.into_iter().map(|(_, row)| row).collect();
            let mut journal: Vec<_> =
                story.journal.into_iter().map(|(_, row)| format!("{row:?}")).collect();
            journal.sort();
            said.push(format!(
                "{:?} {transfers:?} {:?} {journal:?}",
                story.known, story.deliveries
            ));
            for attempt in &story.known.attempts {
                said.push(format!("{:?}", reads.work_of(attempt.id).unwrap()));
            }
        }
        for state in [None, Some("pending"), Some("success"), Some("failed")] {
            let filter = TrxFilter {
                state: state.map(str::to_owned),
                below: Some(trx(9)),
                limit: 5,
                ..TrxFilter::default()
            };
            said.push(format!("{:?}", reads.trx_page(&filter).unwrap()));
        }
        let filter = TrxFilter { suspect: true, limit: 100, ..TrxFilter::default() };
        said.push(format!("{:?}", reads.trx_page(&filter).unwrap()));
        let filter = TrxFilter { member: Some(member(1)), limit: 100, ..TrxFilter::default() };
        said.push(format!("{:?}", reads.trx_page(&filter).unwrap()));
        for state in [None, Some(DeliveryState::Due), Some(DeliveryState::Parked)] {
            let filter = DeliveryFilter { state, limit: 100, ..DeliveryFilter::default() };
            said.push(format!("{:?}", reads.delivery_page(&filter).unwrap()));
        }
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all.join("\n")
        };
        let skip = [supplier(1)];
        for due in [
            reads.due_intents(now, 100, &[]),
            reads.due_checks(now, 100, &[]),
            reads.due_checks(now, 100, &skip),
            reads.sent_attempts(lane, TrxNo::new(0), 100),
        ] {
            let all = due.unwrap().iter().map(|work| format!("{work:?}")).collect();
            said.push(sorted(all));
        }
        let due = reads.due_deliveries(now, 100, &[member(2)]).unwrap();
        said.push(sorted(due.iter().map(|delivery| format!("{delivery:?}")).collect()));
        let mut bought = reads.bought_since(UtcMillis::new(START_MS)).unwrap();
        bought.sort();
        said.push(format!("{bought:?}"));
        let mut catalog = reads.catalog().unwrap();
        catalog.routes.sort_by(|a, b| a.supplier.cmp(&b.supplier));
        said.push(format!("{:?} {:?}", catalog.prices, catalog.routes));
        said.push(format!("{:?} {:?}", catalog.levels, catalog.products));
        said.extend(catalog.members.iter().map(|row| format!("{row:?}")));
        reads
            .each_paper(&mut |paper| {
                said.push(format!("{paper:?} {:?}", paper.key));
                ControlFlow::Continue(())
            })
            .unwrap();
        for (tag, below) in [(None, None), (Some("open"), None), (None, Some("p2"))] {
            let filter = PaperFilter {
                kind: "ticket".to_owned(),
                tag: tag.map(str::to_owned),
                below: below.map(str::to_owned),
                limit: 10,
            };
            said.push(format!("{:?}", reads.papers(&filter).unwrap()));
        }
        said.push(format!("{:?}", reads.paper(&PaperKey::new("user", "p1")).unwrap()));
        let next: Vec<_> = reads.transfers_after(lane, 3, 5).unwrap();
        said.push(format!("{:?}", next.iter().map(|row| (row.seq, &row.row)).collect::<Vec<_>>()));
        said.push(format!("{:?}", reads.knowns(&[trx(0), trx(3), trx(200)]).unwrap()));
        said.push(format!(
            "{:?}",
            reads.heads().unwrap().iter().map(|h| (h.ledger, h.journal)).collect::<Vec<_>>()
        ));
        said
    }
}

#[test]
fn every_store_answers_as_the_model_does() {
    let cases = std::env::var("GERBANG_STORE_CASES").ok().and_then(|text| text.parse().ok());
    let server = pgtest::Server::start(&[]).unwrap();
    let number = AtomicI64::new(0);
    let groups = prop::collection::vec(prop::collection::vec(op(), 1..9), 1..24);
    let mut runner = TestRunner::new(Config {
        cases: cases.unwrap_or(24),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runner.run(&groups, |groups| {
        let key = KeySet::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let database = format!("d{}", number.fetch_add(1, Ordering::Relaxed));
        // One for all: secrets are sealed differently every time.
        let founding = sim::found(&key).unwrap();
        let (mut model, tables) = model_house(&key, &founding);
        let mut lite = sqlite_house(folder.path(), &key, &founding);
        let url = server.database(&database).unwrap();
        let (mut pg, keeper) = pg_house(&url, &key, &founding);
        let funds = |number| Op::Move { member: number, amount: 15_000 };
        let funded = std::iter::once((0..3).map(funds).collect::<Vec<_>>());
        // A batch is decided on one catalog: its changes stand alone, wherever batches end.
        let apart = |group: Vec<Op>| {
            let mut all = vec![Vec::new()];
            for op in group {
                if matches!(op, Op::Price { .. } | Op::Route { .. } | Op::TakeOver { .. }) {
                    all.extend([vec![op], Vec::new()]);
                } else if let Some(last) = all.last_mut() {
                    last.push(op);
                }
            }
            all
        };
        let groups: Vec<Vec<Op>> = funded.chain(groups.into_iter().flat_map(apart)).collect();
        for (at, group) in (0_i64..).zip(&groups) {
            let now = UtcMillis::new(START_MS + at * 1_700_000);
            for house in [&model, &lite, &pg] {
                house.clock.0.store(now.get(), Ordering::Relaxed);
            }
            let commands: Vec<Command> =
                group.iter().map(|op| command(op, &tables, &key, now)).collect();
            let right = runtime.block_on(model.all(commands.clone()));
            for house in [&lite, &pg] {
                let said = runtime.block_on(house.all(commands.clone()));
                prop_assert_eq!(&said, &right, "{} answers to {:?}", house.name, group);
            }
        }
        let right = model.everything();
        for house in [&mut lite, &mut pg] {
            let said = house.everything();
            for (own, other) in said.iter().zip(&right) {
                prop_assert_eq!(own, other, "{} holds", house.name);
            }
            prop_assert_eq!(said.len(), right.len(), "{} holds", house.name);
        }
        drop(keeper);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
