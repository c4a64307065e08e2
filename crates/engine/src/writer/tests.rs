//! What a batch does when others are in its way, and what it looks at beforehand: nodes over the same
//! rows, with a store that refuses as often as a test wants.

use super::*;
use crate::command::{Asked, Bought as Sold, Ran};
use domain::{
    AccountName, Denomination, DestRule, FailureClass, Kind, Member, Movement, Price, Product,
    RouteRow, Source, Strategy, Supplier, Upline,
};
use model::Model;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Instant;
use store::{Imported, KeySet, Lane, Level, MemberRecord, Reads, SupplierRecord};
use types::*;

const PRICE: i64 = 1_500;
const MARKUP: i64 = 50;
/// A moment at which a node that others are in the way of adds two milliseconds to its pauses; five later it
/// adds nothing.
const START_MS: i64 = 1_745_322_360_000;

struct Time(AtomicI64);

impl Clock for Time {
    fn now(&self) -> UtcMillis {
        UtcMillis::new(self.0.load(Ordering::Relaxed))
    }
}

/// What a node's store is about to do, and what it did.
#[derive(Default)]
struct Plan {
    /// How the next commits end; those after them are written.
    fails: Mutex<VecDeque<StoreError>>,
    loads: AtomicUsize,
    /// How often the catalog was read, and whether it can be.
    reads: AtomicUsize,
    unreadable: AtomicBool,
}

/// Purchases of the day as a database counts them for all nodes.
type Counts = Arc<Mutex<HashMap<Bought, u32>>>;

struct Played {
    model: Model,
    plan: Arc<Plan>,
    counts: Counts,
    counted: Vec<Bought>,
}

impl Store for Played {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        self.plan.loads.fetch_add(1, Ordering::Relaxed);
        let mut facts = self.model.load(wants)?;
        let counts = self.counts.lock().unwrap();
        self.counted = wants.bought.iter().cloned().collect();
        let counted =
            self.counted.iter().map(|key| (key.clone(), counts.get(key).map_or(0, |n| *n)));
        facts.bought = counted.collect();
        Ok(facts)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        if let Some(error) = self.plan.fails.lock().unwrap().pop_front() {
            return Err(error);
        }
        let mut counts = self.counts.lock().unwrap();
        for change in &batch.changes {
            let Change::InsertAttempt(attempt) = change else { continue };
            let at = |key: &&Bought| (&key.supplier, &key.sku) == (&attempt.supplier, &attempt.sku);
            self.counted
                .iter()
                .filter(at)
                .for_each(|key| *counts.entry(key.clone()).or_default() += 1);
        }
        self.model.commit(batch)
    }

    fn abandon(&mut self) {}
}

struct Business {
    model: Model,
    key: KeySet,
    counts: Counts,
    time: Arc<Time>,
    nodes: i32,
}

struct Node {
    core: Core,
    plan: Arc<Plan>,
    model: Model,
}

fn supplier(code: &str) -> SupplierCode {
    SupplierCode::parse(code).unwrap()
}

fn product() -> ProductCode {
    ProductCode::parse("T1").unwrap()
}

fn edit(changes: Vec<CatalogChange>) -> Command {
    Errand::edit(changes).into()
}

fn price(amount: i64) -> CatalogChange {
    let level = LevelCode::parse("retail").unwrap();
    let price = Price { amount: Rupiah::new(amount), basis_points: 0 };
    CatalogChange::Price { level, product: product(), price }
}

impl Business {
    /// T1 at `one`, then at `two`, each with the most that may be bought there in a day; member 1 above
    /// member 2.
    fn new(most: [Option<u32>; 2]) -> Self {
        let (time, key) = (Arc::new(Time(AtomicI64::new(START_MS))), KeySet::generate().unwrap());
        let (model, counts) = (Model::default(), Counts::default());
        let mut business = Self { model, key, counts, time, nodes: 0 };
        let level = LevelCode::parse("retail").unwrap();
        let mut changes = vec![
            CatalogChange::Level(Level {
                code: level.clone(),
                name: String::new(),
                list_id: "list".to_owned(),
            }),
            CatalogChange::Product(Product {
                code: product(),
                name: ProductName::parse("Three 1.000").unwrap(),
                group: String::new(),
                category: String::new(),
                denomination: Denomination::Fixed,
                dest_rule: DestRule::Phone,
                open: true,
                cut_off: None,
                strategy: Strategy::default(),
            }),
            price(PRICE),
        ];
        for ((code, priority), daily_most) in [("one", 1), ("two", 2)].into_iter().zip(most) {
            let supplier = Supplier {
                code: supplier(code),
                name: String::new(),
                connector: "sandbox".to_owned(),
                paused: false,
                check_after_ms: 10_000,
                suspect_after_ms: 600_000,
                trusted_reversal: false,
                counts: false,
            };
            let sku = Sku::parse("t1").unwrap();
            let route = RouteRow::new(product(), supplier.code.clone(), sku, Rupiah::ZERO);
            changes.push(CatalogChange::Supplier(SupplierRecord { supplier, settings: None }));
            changes.push(CatalogChange::Route(RouteRow { priority, daily_most, ..route }));
        }
        let above = Upline {
            member: MemberId::new(1),
            markup: Rupiah::new(MARKUP),
            markups: domain::Markups::default(),
        };
        let members = [(1, None), (2, Some(above))];
        changes.extend(members.map(|(number, upline)| business.member(number, upline)));
        let moves = [1, 2].map(|number| Movement {
            member: MemberId::new(number),
            amount: Rupiah::new(100_000),
            other: AccountName::Cash("manual".to_owned()),
            kind: Kind::Deposit,
            note: String::new(),
        });
        let founding = Errand { moves: moves.into(), ..Errand::edit(changes) };
        let mut node = business.node();
        let founded = node.ask(founding.into());
        assert!(matches!(founded, Ok(Answer::Ran(Ran::Done(_)))), "{founded:?}");
        business
    }

    fn member(&self, number: i64, upline: Option<Upline>) -> CatalogChange {
        let code = MemberCode::parse(&format!("OK{number}")).unwrap();
        let seal = |column| self.key.seal(&crate::place(&code, column), "secret").unwrap();
        CatalogChange::Member(MemberRecord {
            pin: seal("pin"),
            password: seal("password"),
            signing: None,
            ip_allow: Vec::new(),
            imported: Imported::default(),
            member: Member {
                id: MemberId::new(number),
                code: code.clone(),
                name: String::new(),
                active: true,
                level: LevelCode::parse("retail").unwrap(),
                credit_limit: Rupiah::ZERO,
                daily_limit: None,
                same_day_guard: false,
                callback_url: None,
                wording: domain::Wording::default(),
                dialect: domain::Dialect::default(),
                upline,
                sandbox: false,
            },
        })
    }

    /// One more node, with a lane of its own.
    fn node(&mut self) -> Node {
        let plan = Arc::new(Plan::default());
        let lane = Lane(self.nodes);
        self.nodes += 1;
        let model = self.model.node(lane, true);
        let (mut rows, key, at) = (model.clone(), self.key.clone(), plan.clone());
        let reload = move || {
            at.reads.fetch_add(1, Ordering::Relaxed);
            if at.unreadable.load(Ordering::Relaxed) {
                return Err("the connection is gone".to_owned());
            }
            let rows = rows.catalog().map_err(|error| error.to_string())?;
            Catalog::build(rows, &key).map_err(|error| error.to_string())
        };
        let (counts, counted) = (self.counts.clone(), Vec::new());
        let store = Played { model: model.clone(), plan: plan.clone(), counts, counted };
        let core = Core {
            store: Box::new(store),
            catalog: Arc::new(Snapshot::new(Box::new(reload)).unwrap()),
            clock: self.time.clone(),
            zone: Zone::new("Asia/Jakarta").unwrap(),
            health: Arc::default(),
            failover: Failover::default(),
            run: self.nodes.into(),
            reread: UtcMillis::default(),
            stamps: StampKey::of(&self.key),
            lost: Arc::default(),
        };
        Node { core, plan, model }
    }

    /// One that tells others what it buys, as they do.
    fn sharing(&mut self) -> Node {
        let node = self.node();
        node.core.health.share();
        node
    }

    fn pass(&self, ms: i64) {
        self.time.0.fetch_add(ms, Ordering::Relaxed);
    }
}

type Said = Result<Answer, NotDone>;

impl Node {
    /// All of them in one batch.
    fn batch(&mut self, commands: Vec<Command>) -> (Result<Nudges, StoreError>, Vec<Said>) {
        let (jobs, waits): (Vec<Job>, Vec<_>) = commands
            .into_iter()
            .map(|command| {
                let (answer, wait) = oneshot::channel();
                (Job { command, answer }, wait)
            })
            .unzip();
        let done = self.core.step(jobs);
        (done, waits.into_iter().map(|mut wait| wait.try_recv().unwrap()).collect())
    }

    fn ask(&mut self, command: Command) -> Said {
        self.batch(vec![command]).1.remove(0)
    }

    fn fail(&self, errors: impl IntoIterator<Item = StoreError>) {
        self.plan.fails.lock().unwrap().extend(errors);
    }

    fn purchase(&self, number: i64, ref_id: &str) -> Command {
        Command::Buy {
            member: MemberId::new(number),
            request: Box::new(domain::BuyRequest {
                product: product(),
                dest: Dest::parse("089660522887").unwrap(),
                qty: None,
                ref_id: RefId::parse(ref_id).unwrap(),
                counter: 1,
                harga_max: None,
                form: domain::Form::default(),
            }),
            asked: Box::new(Asked {
                received: self.core.clock.now(),
                peer: "127.0.0.1".to_owned(),
                request: String::new(),
            }),
        }
    }

    fn buy(&mut self, ref_id: &str) -> Said {
        let purchase = self.purchase(1, ref_id);
        self.ask(purchase)
    }

    /// Buys and sends one, and hears this of it.
    fn hears(&mut self, ref_id: &str, outcome: Outcome) -> TrxNo {
        let no = sold(self.buy(ref_id)).trx.unwrap().no;
        assert!(matches!(self.ask(marked(no, "one")), Ok(Answer::Marked(true))));
        self.ask(news(no, "one", outcome)).unwrap();
        no
    }

    fn suspect(&self, no: TrxNo) -> Option<String> {
        self.model.clone().story(no).unwrap().unwrap().known.trx.suspect
    }

    /// Where it is bought now, and how it stands.
    fn stands(&self, no: TrxNo) -> (String, &'static str) {
        let known = self.model.clone().story(no).unwrap().unwrap().known;
        let supplier = known.attempts.last().map(|attempt| attempt.supplier.to_string());
        (supplier.unwrap_or_default(), known.trx.state.word())
    }

    /// Buys one, and says where.
    fn bought_at(&mut self, ref_id: &str) -> String {
        let bought = sold(self.buy(ref_id));
        self.stands(bought.trx.unwrap().no).0
    }

    fn balance(&self, number: i64) -> i64 {
        self.model.clone().balance(MemberId::new(number)).unwrap().unwrap().get()
    }

    fn count(&self, what: impl Fn(&Plan) -> &AtomicUsize) -> usize {
        what(&self.plan).swap(0, Ordering::Relaxed)
    }
}

fn sold(said: Said) -> Sold {
    match said {
        Ok(Answer::Bought(bought)) => *bought,
        other => panic!("{other:?}"),
    }
}

fn news(no: TrxNo, at: &str, outcome: Outcome) -> Command {
    Command::News {
        about: AttemptId { trx: no, n: 1 },
        member: MemberId::new(1),
        place: Box::new(place(at)),
        source: Source::Reply,
        outcome,
        line: None,
    }
}

fn out_of_stock() -> Outcome {
    let (class, reason) = (FailureClass::Route, Reason::clean("kosong"));
    Outcome::Failed { class, reason, tie: Tie::Reference }
}

fn delivered() -> Outcome {
    let (sn, tie) = (Sn::parse("0143480495795519").ok(), Tie::Reference);
    Outcome::Success { sn, cost: None, tie }
}

fn place(at: &str) -> Place {
    let (sku, dest) = (Sku::parse("t1").unwrap(), Dest::parse("089660522887").unwrap());
    Place { supplier: supplier(at), sku, dest }
}

fn marked(no: TrxNo, at: &str) -> Command {
    let (about, place) = (AttemptId { trx: no, n: 1 }, Box::new(place(at)));
    Command::MarkSent { about, member: MemberId::new(1), place, edition: 0 }
}

fn again() -> StoreError {
    StoreError::Again("another node".to_owned())
}

/// Others in the way cost a purchase a moment, longer each time; after so many times its member hears busy,
/// and nothing of it is there.
#[test]
fn a_batch_that_others_are_in_the_way_of_is_decided_anew() {
    let (most, pauses_ms) = (usize::try_from(TRIES_MOST).unwrap(), (1 << TRIES_MOST) - 1);
    for more_ms in [0, 5] {
        let mut business = Business::new([None; 2]);
        business.pass(more_ms);
        let mut node = business.node();
        node.fail((0..most).map(|_| again()));
        let began = Instant::now();
        assert_eq!(sold(node.buy("a")).code, "accepted");
        assert!(began.elapsed() >= Duration::from_millis(pauses_ms), "{:?}", began.elapsed());
        assert_eq!(node.count(|plan| &plan.loads), most + 1);
        assert_eq!(node.balance(1), 100_000 - PRICE);
    }
    let mut business = Business::new([None; 2]);
    let mut node = business.node();
    node.fail((0..=most).map(|_| again()));
    let purchase = node.purchase(1, "a");
    let (done, said) = node.batch(vec![purchase]);
    assert!(matches!(done, Err(StoreError::Again(_))), "{done:?}");
    assert!(matches!(said[..], [Err(NotDone::NotTaken)]), "{said:?}");
    assert_eq!((node.count(|plan| &plan.loads), node.balance(1)), (most + 1, 100_000));
}

/// Somebody changed the catalog first: whoever edits it decides anew on the newest, which is there already;
/// members who buy meanwhile are served.
#[test]
fn an_edit_of_an_older_catalog_is_turned_away_alone() {
    let outdated = || StoreError::Outdated("revision 7".to_owned());
    let mut business = Business::new([None; 2]);
    let mut node = business.node();
    node.count(|plan| &plan.reads);
    node.fail([outdated()]);
    let purchase = node.purchase(1, "a");
    let (done, said) = node.batch(vec![edit(vec![price(2_000)]), purchase]);
    assert!(done.is_ok(), "{done:?}");
    assert!(matches!(&said[..], [Err(NotDone::Outdated), Ok(Answer::Bought(_))]), "{said:?}");
    assert_eq!((node.count(|plan| &plan.reads), node.balance(1)), (1, 100_000 - PRICE));
    // A store that says so of a batch without an edit is not asked for ever.
    node.fail([outdated(), outdated()]);
    assert_eq!(node.buy("b").err(), Some(NotDone::NotTaken));
    node.fail([outdated()]);
    assert_eq!(node.ask(edit(vec![price(2_000)])).err(), Some(NotDone::Outdated));
    assert!(matches!(node.ask(edit(vec![price(2_000)])), Ok(Answer::Ran(Ran::Done(_)))));
    assert_eq!(sold(node.buy("c")).trx.unwrap().price, Rupiah::new(2_000));
}

/// Purchases read no catalog: only an edit does, once; and one that cannot be read back is tried again twice
/// a second, not with every purchase.
#[test]
fn the_catalog_is_read_again_after_an_edit_and_not_for_purchases() {
    let mut business = Business::new([None; 2]);
    let mut node = business.node();
    assert_eq!(node.count(|plan| &plan.reads), 1);
    for ref_id in ["a", "b", "c"] {
        node.buy(ref_id).unwrap();
        business.pass(REREAD_MS + 1);
    }
    assert_eq!(node.count(|plan| &plan.reads), 0);
    node.ask(edit(vec![price(2_000)])).unwrap();
    assert_eq!(node.count(|plan| &plan.reads), 1);
    node.plan.unreadable.store(true, Ordering::Relaxed);
    node.ask(edit(vec![price(3_000)])).unwrap();
    assert!(node.core.catalog.is_stale());
    assert_eq!(node.count(|plan| &plan.reads), 1);
    for (after_ms, reads) in [(0, 1), (0, 0), (REREAD_MS - 1, 0), (1, 1), (1, 0), (-60_000, 1)] {
        business.pass(after_ms);
        let purchase = node.purchase(1, "a");
        assert_eq!(sold(node.ask(purchase)).code, "repeat");
        assert_eq!(node.count(|plan| &plan.reads), reads, "after {after_ms}");
    }
    node.plan.unreadable.store(false, Ordering::Relaxed);
    business.pass(REREAD_MS);
    assert_eq!(sold(node.buy("d")).trx.unwrap().price, Rupiah::new(3_000));
}

/// A purchase that was not written takes none of what a supplier may sell in a day.
#[test]
fn what_was_not_written_is_not_counted() {
    let mut business = Business::new([Some(1), None]);
    let mut node = business.node();
    node.core.health.bought(Vec::new(), node.core.zone.moment(node.core.clock.now()));
    node.fail([StoreError::NotWritten("the disk is full".to_owned())]);
    assert_eq!(node.buy("a").err(), Some(NotDone::NotTaken));
    assert_eq!(node.bought_at("a"), "one");
    assert_eq!(node.bought_at("b"), "two");
}

/// A supplier's most in a day is of all nodes together, from a node's first purchase on, within a batch and
/// beyond it; and so it is where a purchase goes after another supplier failed.
#[test]
fn a_day_is_counted_over_all_nodes() {
    let mut business = Business::new([Some(2), None]);
    let (mut first, mut second) = (business.sharing(), business.sharing());
    assert_eq!(first.bought_at("a"), "one");
    let both = ["b", "c"].map(|ref_id| second.purchase(1, ref_id));
    let (_, said) = second.batch(both.into());
    let at = said.into_iter().map(|said| second.stands(sold(said).trx.unwrap().no).0);
    assert_eq!(at.collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(first.bought_at("d"), "two");
    business.pass(24 * 3_600_000);
    assert_eq!(first.bought_at("e"), "one");

    let mut business = Business::new([None, Some(1)]);
    let mut nodes = [business.sharing(), business.sharing()];
    let ways = [("two", "pending"), ("one", "failed")];
    for (number, (node, stands)) in nodes.iter_mut().zip(ways).enumerate() {
        let no = node.hears(&format!("r{number}"), out_of_stock());
        assert_eq!(node.stands(no), (stands.0.to_owned(), stands.1));
    }
}

/// What its downline pays more is an upline's in the commit that settles, also where that one takes the
/// purchase.
#[test]
fn what_is_bought_and_delivered_in_one_batch_pays_its_upline() {
    let mut business = Business::new([None; 2]);
    let mut node = business.node();
    let first = sold(node.buy("a")).trx.unwrap().no;
    let no = TrxNo::new(first.get() + 1);
    let delivered = news(no, "one", delivered());
    let purchase = node.purchase(2, "b");
    node.batch(vec![purchase, marked(no, "one"), delivered]).0.unwrap();
    assert_eq!(node.stands(no), ("one".to_owned(), "success"));
    assert_eq!(node.balance(1), 100_000 - PRICE + MARKUP);
    assert_eq!(node.balance(2), 100_000 - PRICE - MARKUP);
}

/// What costs nothing is a name check, and says the same every time: its answer proves no purchase, and none is
/// doubted for it.
#[test]
fn the_answer_to_a_name_check_is_no_serial_number() {
    let mut business = Business::new([None; 2]);
    let mut node = business.node();
    for (ref_id, amount) in [("a", 0), ("b", 0), ("c", PRICE), ("d", 0)] {
        node.ask(edit(vec![price(amount)])).unwrap();
        let no = node.hears(ref_id, delivered());
        assert_eq!((node.stands(no).1, node.suspect(no)), ("success", None), "{ref_id}");
    }
    node.ask(edit(vec![price(PRICE)])).unwrap();
    let twin = node.hears("e", delivered());
    assert!(node.suspect(twin).is_some(), "that of a purchase is one");
}

/// A purchase from before a restore that fails now may have been bought elsewhere after the copy was made: it
/// is neither refunded nor bought again.
#[test]
fn a_failure_after_a_restore_is_left_to_a_person() {
    let mut business = Business::new([None; 2]);
    let mut node = business.node();
    let no = sold(node.buy("a")).trx.unwrap().no;
    node.ask(marked(no, "one")).unwrap();
    let restored = domain::Epoch {
        number: 1,
        at: business.time.now(),
        trx_from: TrxNo::new(no.get() + 1_000),
        delivery_from: DeliveryId::new(1_000),
        tag: "r1".to_owned(),
        open: true,
    };
    node.ask(edit(vec![CatalogChange::Epoch(restored)])).unwrap();
    node.ask(news(no, "one", out_of_stock())).unwrap();
    assert_eq!(node.stands(no), ("one".to_owned(), "pending"));
    assert!(node.suspect(no).unwrap().contains("restored"));
    assert_eq!(node.balance(1), 100_000 - PRICE);
}
