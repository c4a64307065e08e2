//! The life of a purchase, decided step by step, with the books audited at the end.
#![allow(clippy::unwrap_used)]

mod afterwards;
mod audited;
mod books;
mod bounds;
mod forged;
mod moments;
mod network;
mod payments;
mod price_lists;
mod proofs;
mod repeats;
mod restored;
mod reversals;
mod routing;
mod spellings;
mod statements;
mod tickets;
mod verdicts;
mod words;

use domain::Strategy;
use domain::*;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use types::*;

fn product() -> Product {
    Product {
        code: ProductCode::parse("T1").unwrap(),
        name: ProductName::parse("Three 1.000").unwrap(),
        group: "Three".into(),
        category: "PULSA".into(),
        denomination: Denomination::Fixed,
        dest_rule: DestRule::Phone,
        open: true,
        cut_off: None,
        strategy: Strategy::default(),
    }
}

fn open_product() -> Product {
    let (min, max) = (Qty::new(10_000).unwrap(), Qty::new(10_000_000).unwrap());
    Product { denomination: Denomination::Open { min, max }, ..product() }
}

fn member() -> Member {
    Member {
        id: MemberId::new(7),
        code: MemberCode::parse("OK00123").unwrap(),
        name: "Demo".into(),
        active: true,
        level: LevelCode::parse("retail").unwrap(),
        credit_limit: Rupiah::ZERO,
        daily_limit: None,
        same_day_guard: false,
        callback_url: None,
        wording: Wording::default(),
        dialect: domain::Dialect::default(),
        upline: None,
        sandbox: false,
    }
}

fn supplier(code: &str) -> Supplier {
    Supplier {
        code: SupplierCode::parse(code).unwrap(),
        name: code.into(),
        connector: "sandbox".into(),
        paused: false,
        check_after_ms: 5_000,
        suspect_after_ms: 600_000,
        trusted_reversal: true,
        counts: false,
    }
}

fn route(supplier: &str, cost: i64, priority: i32) -> RouteRow {
    let (product, supplier) =
        (ProductCode::parse("T1").unwrap(), SupplierCode::parse(supplier).unwrap());
    let route = RouteRow::new(product, supplier, Sku::parse("t1").unwrap(), Rupiah::new(cost));
    RouteRow { priority, ..route }
}

fn request() -> BuyRequest {
    BuyRequest {
        product: ProductCode::parse("T1").unwrap(),
        dest: Dest::parse("089660522887").unwrap(),
        qty: None,
        ref_id: RefId::parse("114").unwrap(),
        counter: 1,
        harga_max: None,
        form: domain::Form::default(),
    }
}

fn now() -> Moment {
    Moment {
        utc: UtcMillis::new(1_700_000_000_000),
        civil: CivilTime { year: 2026, month: 11, day: 23, hour: 19, minute: 8, second: 0 },
    }
}

fn offer<'a>(route: &'a RouteRow, supplier: &'a Supplier) -> Offer<'a> {
    Offer { route, supplier, barred: None }
}

struct World {
    member: Member,
    account: Account,
    product: Product,
    price: Price,
    routes: Vec<(RouteRow, Supplier)>,
    existing: Option<Trx>,
    same_day: u16,
    shares: Shares,
}

impl World {
    fn new() -> Self {
        Self {
            member: member(),
            account: Account {
                balance: Rupiah::new(279_655),
                day: Day::default(),
                day_total: Rupiah::ZERO,
            },
            product: product(),
            price: Price { amount: Rupiah::new(1_321), basis_points: 0 },
            routes: vec![
                (route("a", 1_300, 1), supplier("a")),
                (route("b", 1_310, 2), supplier("b")),
            ],
            existing: None,
            same_day: 0,
            shares: Shares::default(),
        }
    }

    fn rank(&self, trx: &Trx) -> Ranking {
        let (dest, price, no) = (&trx.dest, trx.ours(), trx.no);
        let wish = Wish { product: &self.product, dest, qty: None, price, no, now: now() };
        rank(self.routes.iter().map(|(route, supplier)| offer(route, supplier)), &wish)
    }

    fn decide(&self, request: &BuyRequest) -> BuyDecision {
        let routes: Vec<_> =
            self.routes.iter().map(|(route, supplier)| offer(route, supplier)).collect();
        let facts = BuyFacts {
            counter: 1,
            member: &self.member,
            account: &self.account,
            existing: self.existing.as_ref(),
            same_day: self.same_day,
            product: Some((&self.product, self.price)),
            shares: &self.shares,
            routes: &routes,
        };
        decide_buy(&facts, request, TrxNo::new(1), now())
    }

    fn refusal(&self, request: &BuyRequest) -> Refusal {
        match self.decide(request) {
            BuyDecision::RefuseStored(trx) => match trx.state {
                TrxState::Refused { refusal } => refusal,
                other => panic!("{other:?}"),
            },
            BuyDecision::Refuse(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    fn accept(&self) -> (Trx, Attempt, Account, Transfer) {
        match self.decide(&request()) {
            BuyDecision::Accept { trx, debit, attempt, account } => {
                (*trx, *attempt, account, *debit)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_purchase_is_debited_exactly() {
    let (trx, attempt, account, debit) = World::new().accept();
    assert_eq!((trx.before.get(), trx.price.get(), trx.after().get()), (279_655, 1_321, 278_334));
    assert_eq!(account.balance, Rupiah::new(278_334));
    assert_eq!(debit.balance, Some(Rupiah::new(278_334)));
    assert_eq!((attempt.supplier.as_str(), attempt.cost.get()), ("a", 1_300));
}

#[test]
fn every_refusal_is_reachable_and_in_order() {
    let mut world = World::new();
    world.member.same_day_guard = true;
    world.same_day = 1;
    world.member.daily_limit = Some(Rupiah::new(1_000));
    world.account.balance = Rupiah::ZERO;
    world.product.open = false;
    world.product.cut_off = Some("18:00-20:00".parse().unwrap());
    world.routes.iter_mut().for_each(|(_, supplier)| supplier.paused = true);
    let mut bad = request();
    bad.dest = Dest::parse("1234").unwrap();
    bad.harga_max = Some(Rupiah::new(1_300));
    assert_eq!(world.refusal(&bad), Refusal::ProductClosed);
    world.product.open = true;
    assert_eq!(world.refusal(&bad), Refusal::CutOff { opens_minute: 20 * 60 });
    world.product.cut_off = None;
    assert_eq!(world.refusal(&bad), Refusal::InvalidDest);
    bad.dest = request().dest;
    let max = Rupiah::new(1_300);
    assert_eq!(world.refusal(&bad), Refusal::PriceAboveMax { price: Rupiah::new(1_321), max });
    let good = request();
    assert_eq!(world.refusal(&good), Refusal::NoRoute);
    world.routes.iter_mut().for_each(|(_, supplier)| supplier.paused = false);
    assert_eq!(world.refusal(&good), Refusal::SameDayDuplicate);
    let second = BuyRequest { counter: 2, ..good.clone() };
    assert_eq!(world.refusal(&second), Refusal::Limit);
    world.member.daily_limit = None;
    assert_eq!(world.refusal(&second), Refusal::InsufficientBalance);
    world.member.credit_limit = Rupiah::new(1_320);
    assert_eq!(world.refusal(&second), Refusal::InsufficientBalance);
    world.member.credit_limit = Rupiah::new(1_321);
    assert!(matches!(world.decide(&second), BuyDecision::Accept { .. }));
}

#[test]
fn qty_belongs_to_open_denominations() {
    let mut world = World::new();
    let with = |qty| BuyRequest { qty: Qty::new(qty), ..request() };
    assert!(matches!(world.decide(&with(1)), BuyDecision::Accept { .. }));
    assert_eq!(world.refusal(&with(2)), Refusal::QtyFixed);
    world.product = open_product();
    world.price = Price { amount: Rupiah::new(171), basis_points: 0 };
    world.routes.iter_mut().for_each(|(route, _)| route.cost = Rupiah::new(100));
    assert_eq!(world.refusal(&with(0)), Refusal::QtyMissing);
    let range = |qty| world.refusal(&with(qty));
    assert!(matches!(range(9_999), Refusal::QtyRange { .. }));
    assert!(matches!(range(10_000_001), Refusal::QtyRange { .. }));
    match world.decide(&with(12_345)) {
        BuyDecision::Accept { trx, attempt, .. } => {
            assert_eq!((trx.price.get(), attempt.cost.get()), (12_516, 12_445));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_taken_ref_is_repeated_or_in_conflict_whatever_changed() {
    let mut world = World::new();
    world.existing = Some(world.accept().0);
    world.product.open = false;
    assert_eq!(world.decide(&request()), BuyDecision::Repeat);
    let spelled =
        BuyRequest { dest: Dest::parse("+6289660522887").unwrap(), qty: Qty::new(1), ..request() };
    assert_eq!(world.decide(&spelled), BuyDecision::Repeat);
    for other in [
        BuyRequest { dest: Dest::parse("089660522888").unwrap(), ..request() },
        BuyRequest { product: ProductCode::parse("T5").unwrap(), ..request() },
        BuyRequest { qty: Qty::new(12_345), ..request() },
    ] {
        assert_eq!(world.decide(&other), BuyDecision::Refuse(Refusal::RefConflict));
    }
}

/// A trx with its attempts, its member's balance and its books.
struct Life {
    trx: Trx,
    attempts: Vec<Attempt>,
    balance: Rupiah,
    /// Balances of the uplines.
    uplines: Vec<Rupiah>,
    transfers: Vec<Transfer>,
    ranking: Ranking,
    failover: Failover,
    /// Its supplier's late word is believed.
    trusted: bool,
    now: UtcMillis,
}

impl Life {
    fn begin() -> Self {
        Self::shared(Shares::default())
    }

    /// Uplines earn on top of the same price.
    fn shared(shares: Shares) -> Self {
        let mut world = World::new();
        world.price.amount = world.price.amount.plus(shares.total()).unwrap();
        world.shares = shares;
        let (trx, attempt, account, debit) = world.accept();
        let deposit = Transfer {
            from: AccountName::Cash("bca".into()),
            to: AccountName::Member(trx.member),
            amount: trx.before,
            kind: Kind::Deposit,
            trx: None,
            balance: Some(trx.before),
            at: now().utc,
            note: String::new(),
        };
        Self {
            ranking: world.rank(&trx),
            failover: Failover::default(),
            trusted: true,
            attempts: vec![attempt],
            balance: account.balance,
            uplines: trx.shares.0.iter().map(|_| Rupiah::ZERO).collect(),
            transfers: vec![deposit, debit],
            now: now().utc,
            trx,
        }
    }

    fn facts(&self) -> NewsFacts<'_> {
        NewsFacts {
            trx: &self.trx,
            attempts: &self.attempts,
            balance: self.balance,
            uplines: &self.uplines,
            ranking: &self.ranking,
            twin: None,
            rival: None,
            failover: self.failover,
            trusted_reversal: self.trusted,
            check_after_ms: 5_000,
            suspect_after_ms: 600_000,
            now: self.now,
        }
    }

    /// An upline takes out what it has, `most` of it.
    fn spend(&mut self, who: usize, most: i64) {
        let Some(share) = self.trx.shares.0.get(who) else { return };
        let Some(balance) = self.uplines.get_mut(who) else { return };
        let amount = Rupiah::new(most.min(balance.get()));
        *balance = balance.minus(amount).unwrap();
        self.transfers.push(Transfer {
            from: AccountName::Member(share.member),
            to: AccountName::Cash("bca".into()),
            amount,
            kind: Kind::Withdrawal,
            trx: None,
            balance: Some(*balance),
            at: self.now,
            note: String::new(),
        });
    }

    fn send(&mut self) {
        let at = self.now;
        for attempt in &mut self.attempts {
            if attempt.state == AttemptState::Intended {
                attempt.state = AttemptState::Sent;
                attempt.sent = Some(at);
            }
        }
    }

    fn apply(&mut self, decision: NewsDecision) {
        if let Some(state) = decision.flip {
            self.trx.state = state;
        }
        for attempt in decision.attempts {
            match self.attempts.iter_mut().find(|old| old.id == attempt.id) {
                Some(old) => *old = attempt,
                None => {
                    self.trx.attempt = attempt.id.n;
                    self.attempts.push(attempt);
                }
            }
        }
        for transfer in decision.transfers {
            if let Some((member, change)) = transfer.member_change() {
                let shares = self.trx.shares.0.iter();
                let upline =
                    shares.zip(&mut self.uplines).find(|(share, _)| share.member == member);
                let balance = upline.map_or(&mut self.balance, |(_, balance)| balance);
                *balance = Rupiah::new(balance.get() + change);
            }
            self.transfers.push(transfer);
        }
        if let Some(suspect) = decision.suspect {
            self.trx.suspect = suspect;
        }
    }

    fn news(&mut self, about: u16, source: Source, outcome: Outcome) {
        let decision = decide_news(&self.facts(), about, source, &outcome).unwrap();
        self.apply(decision);
    }

    fn audit(&self) -> Vec<Finding> {
        let mut audit = Audit::new();
        for (id, transfer) in (1..).zip(&self.transfers) {
            audit.transfer(id, transfer);
        }
        audit.trx(&self.trx);
        audit.attempts(&self.trx, &self.attempts);
        audit.account(self.trx.member, self.balance, Rupiah::ZERO);
        for (share, balance) in self.trx.shares.0.iter().zip(&self.uplines) {
            audit.account(share.member, *balance, Rupiah::ZERO);
        }
        audit.findings()
    }
}

fn ok() -> Outcome {
    Outcome::Success {
        sn: Sn::parse("R1").ok(),
        cost: Some(Rupiah::new(1_299)),
        tie: Tie::Reference,
    }
}

fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed { class, reason: Reason::clean("Nomor tujuan salah"), tie: Tie::Reference }
}

#[test]
fn a_time_out_is_asked_about_and_never_refunded() {
    let mut life = Life::begin();
    life.send();
    life.news(1, Source::Reply, Outcome::Unknown { why: "time-out".into() });
    assert_eq!(life.trx.state, TrxState::Pending);
    assert_eq!(life.attempts.len(), 1);
    assert_eq!(life.attempts[0].next, Some(life.now.after(5_000)));
    // A question that could not be asked proves nothing about the purchase.
    life.news(1, Source::Check, Outcome::Unsent { proof: "refused".into() });
    assert_eq!((life.attempts.len(), life.trx.state.word()), (1, "pending"));
    life.now = life.now.after(600_001);
    life.news(1, Source::Check, Outcome::Pending);
    assert!(life.trx.suspect.is_some());
    life.news(1, Source::Check, ok());
    assert_eq!((life.trx.state.word(), life.trx.suspect.clone()), ("success", None));
    assert_eq!(life.audit(), vec![]);
}

#[test]
fn unsent_and_route_failures_go_to_the_next_supplier() {
    let mut life = Life::begin();
    life.send();
    life.news(1, Source::Reply, Outcome::Unsent { proof: "connection refused".into() });
    assert_eq!(life.attempts[1].supplier.as_str(), "b");
    life.send();
    life.news(2, Source::Reply, failed(FailureClass::Route));
    match &life.trx.state {
        TrxState::Failed { reason, balance, .. } => {
            assert_eq!(reason.as_str(), "Produk sedang gangguan");
            assert_eq!(*balance, Rupiah::new(279_655));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(life.audit(), vec![]);
}

#[test]
fn a_wrong_number_is_final() {
    let mut life = Life::begin();
    life.send();
    life.news(1, Source::Reply, failed(FailureClass::Number));
    assert_eq!((life.trx.state.word(), life.attempts.len()), ("failed", 1));
}

#[test]
fn a_late_success_after_refund_raises_suspect_and_moves_nothing() {
    let mut life = Life::begin();
    life.send();
    life.news(1, Source::Reply, failed(FailureClass::Number));
    let before = life.transfers.len();
    life.news(1, Source::Callback, ok());
    assert!(life.trx.suspect.is_some());
    assert_eq!((life.trx.state.word(), life.transfers.len()), ("failed", before));
    let keep = decide_resolution(&life.facts(), &Resolution::Keep).unwrap();
    life.apply(keep);
    assert_eq!(life.trx.suspect, None);
}

/// The first supplier delivers after all while the second one is at work: whatever the second one
/// says, a person hears of it.
#[test]
fn a_decision_does_not_hide_a_contradiction() {
    for second in [ok(), failed(FailureClass::Route)] {
        let mut life = Life::begin();
        life.send();
        life.news(1, Source::Reply, failed(FailureClass::Route));
        life.send();
        life.news(1, Source::Callback, ok());
        life.news(2, Source::Reply, second);
        assert!(life.trx.state.word() != "pending");
        let why = life.trx.suspect.clone().unwrap();
        assert!(why.starts_with("attempt 1 is reported delivered"), "{why}");
        let keep = decide_resolution(&life.facts(), &Resolution::Keep).unwrap();
        life.apply(keep);
        assert_eq!((life.trx.suspect.clone(), life.audit()), (None, vec![]));
    }
}

#[test]
fn a_trusted_failure_after_success_is_reversed_once() {
    let mut life = Life::begin();
    life.send();
    life.news(1, Source::Reply, ok());
    life.news(1, Source::Callback, failed(FailureClass::Number));
    assert_eq!((life.trx.state.word(), life.balance.get()), ("reversed", 279_655));
    let moved = life.transfers.len();
    life.news(1, Source::Callback, failed(FailureClass::Number));
    assert_eq!(life.transfers.len(), moved);
    assert_eq!(life.audit(), vec![]);
}

fn outcome() -> impl proptest::strategy::Strategy<Value = Outcome> {
    prop_oneof![
        Just(ok()),
        Just(failed(FailureClass::Number)),
        Just(failed(FailureClass::Route)),
        Just(Outcome::Pending),
        Just(Outcome::Unknown { why: "x".into() }),
        Just(Outcome::Unsent { proof: "x".into() }),
        Just(Outcome::Held { why: "x".into() }),
    ]
}

fn source() -> impl proptest::strategy::Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Reply),
        Just(Source::Callback),
        Just(Source::Check),
        Just(Source::Restart { wait_ms: 0 })
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Send,
    News(u16, Source, Outcome),
    Resolve(u8),
    Wait(i64),
    Spend(usize, i64),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is said, in whatever order, the books hold, a closed attempt is never reopened,
    /// and another supplier is asked only after "unsent" or "failed".
    #[test]
    fn any_order_of_news_keeps_the_books(steps in proptest::collection::vec(prop_oneof![
        3 => Just(Step::Send),
        6 => (1u16..4, source(), outcome()).prop_map(|(n, s, o)| Step::News(n, s, o)),
        1 => (0u8..4).prop_map(Step::Resolve),
        1 => (0i64..1_000_000).prop_map(Step::Wait),
        1 => (0usize..2, 1i64..200).prop_map(|(who, most)| Step::Spend(who, most))], 0..24),
        shares in prop_oneof![Just(""), Just("3:15"), Just("3:15 9:120")]) {
        let mut life = Life::shared(shares.parse().unwrap());
        for step in steps {
            let before = life.trx.state.clone();
            let attempts = life.attempts.clone();
            match step {
                Step::Send => life.send(),
                Step::News(n, source, outcome) => life.news(n, source, outcome),
                Step::Spend(who, most) => life.spend(who, most),
                Step::Wait(ms) => life.now = life.now.after(ms),
                Step::Resolve(kind) => {
                    let resolution = match kind {
                        0 => Resolution::Success(Sn::parse("P").unwrap()),
                        1 => Resolution::Fail(Reason::clean("p")),
                        2 => reversals::by_hand("p", CostBack::Kept),
                        _ => Resolution::Keep,
                    };
                    if let Ok(decision) = decide_resolution(&life.facts(), &resolution) {
                        life.apply(decision);
                    }
                }
            }
            prop_assert_eq!(life.audit(), vec![]);
            let legal = before == life.trx.state
                || matches!((&before, &life.trx.state),
                    (TrxState::Pending, TrxState::Success { .. } | TrxState::Failed { .. })
                    | (TrxState::Success { .. }, TrxState::Reversed { .. }));
            prop_assert!(legal, "{:?} became {:?}", before, life.trx.state);
            if life.attempts.len() > attempts.len() {
                let earlier = &life.attempts[attempts.len() - 1].state;
                let closed = matches!(earlier, AttemptState::Unsent { .. } | AttemptState::Failed { .. });
 prop_assert!(closed);
            }
            for (old, new) in attempts.iter().zip(&life.attempts) {
                prop_assert!(old.state.is_open() || !new.state.is_open(), "{:?} reopened", old);
            }
            // One attempt at most is open, and only while the trx is pending.
            let open = life.attempts.iter().filter(|attempt| attempt.state.is_open()).count();
            prop_assert_eq!(open, usize::from(life.trx.state == TrxState::Pending));
        }
    }
}
