//! Tables of small decisions, whole: what may settle, what a refusal leaves behind, on which side an
//! account stands, how a telling ends.

use super::{World, request};
use domain::*;
use types::{AttemptId, Dest, MemberId, Qty, Refusal, Rupiah, Sn, TrxNo, UtcMillis};

/// Promise 4: every tie with and without a twin, a rival and a serial number.
#[test]
fn only_what_is_certainly_about_a_purchase_settles_it() {
    let dest = Dest::parse("089660522887").unwrap();
    let sn = |text| Some(Sn::parse(text).unwrap());
    let numbers = [(None, false), (sn("SUKSES"), false), (sn("R250422184621007"), true)];
    let twins = [None, Some(TrxNo::new(41))];
    let rivals = [None, Some(AttemptId { trx: TrxNo::new(42), n: 1 })];
    for tie in [Tie::Reference, Tie::Earlier, Tie::Connection, Tie::Likeness] {
        // Our reference, wherever it stands, is about us.
        let names = matches!(tie, Tie::Reference | Tie::Earlier);
        assert_eq!(tie.names_us(), names);
        for (sn, identifies) in &numbers {
            for (twin, rival) in twins.iter().flat_map(|twin| rivals.map(|rival| (*twin, rival))) {
                let verdict = certainty(tie, sn.as_ref(), &dest, twin, rival);
                let shown = sn.as_ref().map_or("none", Sn::as_str);
                let expected = match (tie, twin, rival) {
                    (Tie::Reference, None, _) | (Tie::Connection, None, _) => None,
                    (Tie::Reference, Some(_), _) => {
                        let why = format!("SN {shown} was given for 41 too");
                        assert_eq!(verdict, Certainty::Suspicious(why));
                        continue;
                    }
                    (_, Some(_), _) => Some("was given for 41 too"),
                    (Tie::Earlier | Tie::Likeness, None, Some(_)) => Some("may be for 42-1"),
                    (Tie::Likeness, None, None) if !identifies => Some("identifies nothing"),
                    (Tie::Earlier | Tie::Likeness, None, None) => None,
                };
                match (&verdict, expected) {
                    (Certainty::Yes, None) => {}
                    (Certainty::No(why), Some(words)) => {
                        assert!(why.contains(words) && why.contains(shown), "{why}");
                    }
                    _ => panic!("{tie:?} {sn:?} {twin:?} {rival:?}: {verdict:?}"),
                }
            }
        }
    }
}

/// Promise 2: what is refused of a product that exists is kept under its reference, and moves nothing; what
/// cannot be a purchase at all takes no reference.
#[test]
fn a_refusal_is_kept_under_its_reference_or_takes_none() {
    type Otherwise = fn(&mut World, &mut BuyRequest);
    let cases: [(Otherwise, &str); 10] = [
        (|world, _| world.product.open = false, "product_closed"),
        (|world, _| world.price.amount = Rupiah::new(-1), "product_closed"),
        (|world, _| world.product.cut_off = "18:00-20:00".parse().ok(), "cut_off"),
        (|_, buy| buy.dest = Dest::parse("1234").unwrap(), "invalid_dest"),
        (|_, buy| buy.harga_max = Some(Rupiah::new(1_320)), "price_above_max"),
        (|world, _| world.routes.clear(), "no_route"),
        (
            |world, _| {
                (world.member.same_day_guard, world.same_day) = (true, 1);
            },
            "same_day_duplicate",
        ),
        (|world, _| world.member.daily_limit = Some(Rupiah::new(1_320)), "limit"),
        (|world, _| world.account.balance = Rupiah::new(1_320), "insufficient_balance"),
        (|world, _| world.account.balance = Rupiah::new(i64::MIN), "insufficient_balance"),
    ];
    for (otherwise, code) in cases {
        let (mut world, mut buy) = (World::new(), request());
        world.shares = "3:15".parse().unwrap();
        otherwise(&mut world, &mut buy);
        let BuyDecision::RefuseStored(trx) = world.decide(&buy) else {
            panic!("{code}: {:?}", world.decide(&buy));
        };
        let TrxState::Refused { refusal } = &trx.state else { panic!("{code}: {:?}", trx.state) };
        assert_eq!((refusal.code(), refusal.takes_ref()), (code, true));
        assert_eq!((trx.price, trx.attempt, &trx.shares), (Rupiah::ZERO, 0, &Shares::default()));
        assert_eq!((trx.before, &trx.ref_id), (world.account.balance, &buy.ref_id));
    }
    let (mut world, mut buy) = (World::new(), request());
    buy.qty = Qty::new(2);
    assert_eq!(world.decide(&buy), BuyDecision::Refuse(Refusal::QtyFixed));
    world.product = super::open_product();
    buy.qty = None;
    assert_eq!(world.decide(&buy), BuyDecision::Refuse(Refusal::QtyMissing));
}

/// The guard wants a counter above the equal purchases of the day.
#[test]
fn a_counter_above_the_equal_purchases_of_the_day_passes() {
    let mut world = World::new();
    world.same_day = 2;
    for (guard, counter, passes) in
        [(true, 1, false), (true, 2, false), (true, 3, true), (false, 1, true)]
    {
        world.member.same_day_guard = guard;
        let decided = world.decide(&BuyRequest { counter, ..request() });
        assert_eq!(matches!(decided, BuyDecision::Accept { .. }), passes, "{guard} {counter}");
    }
}

/// What business does in its usual direction leaves each account on the side on which it grows.
#[test]
fn every_account_grows_on_its_own_side() {
    use Nature::{Asset, Equity, Expense, Income, Liability};
    assert_eq!(Nature::ALL.map(Nature::grows_by_debit), [true, false, false, false, true]);
    for (name, usual, expected) in [
        // Cash came from a member, and went to a supplier.
        ("cash:bca", -1, Asset),
        ("member:7", 1, Liability),
        ("deposit:a", -1, Asset),
        // It gives the goods that are sold: what was paid in grows less.
        ("supplier:a", 1, Asset),
        ("hold", 1, Liability),
        ("exchange", 1, Liability),
        ("capital", 1, Equity),
        ("opening", 1, Equity),
        ("sales", 1, Income),
        ("cogs", 1, Expense),
        ("commission", -1, Expense),
        ("adjustment", -1, Expense),
        ("loss:kept-cost", 1, Expense),
        ("loss:spent-commission", -1, Expense),
        ("expense:sewa", -1, Expense),
    ] {
        let account: AccountName = name.parse().unwrap();
        assert_eq!(nature(&account), expected, "{name}");
        let side = if expected.grows_by_debit() { 5 } else { -5 };
        assert_eq!(debit(&account, usual * 5), side, "{name}");
    }
}

/// An entry of the books and its way back, and the bounds of both.
#[test]
fn an_entry_goes_one_way_and_back() {
    let code = types::SupplierCode::parse("a").unwrap();
    let entry = |kind: &EntryKind, amount| {
        let (kind, cash) = (kind.clone(), "bca".to_owned());
        let entry = BookEntry { kind, cash, amount: Rupiah::new(amount), note: "ani".to_owned() };
        decide_entry(&entry, UtcMillis::new(9))
    };
    for (kind, from, to, word) in [
        (EntryKind::TopUp(code), "deposit:a", "cash:bca", Kind::TopUp),
        (EntryKind::Expense("sewa".to_owned()), "expense:sewa", "cash:bca", Kind::Expense),
        (EntryKind::Capital, "cash:bca", "capital", Kind::Capital),
    ] {
        for (amount, from, to) in [(1, from, to), (-1, to, from), (700, from, to)] {
            let moved = entry(&kind, amount).unwrap();
            let sides = (moved.from.to_string(), moved.to.to_string());
            assert_eq!(sides, (from.to_owned(), to.to_owned()));
            assert_eq!((moved.amount.get(), moved.kind), (amount.abs(), word));
            assert_eq!((moved.trx, moved.balance, moved.at.get()), (None, None, 9));
            assert_eq!(moved.note, "ani");
        }
        for wrong in [0, i64::MIN] {
            assert_eq!(entry(&kind, wrong), Err(Unmoved::OutOfRange));
        }
    }
}

/// What each answer of a receiver makes of a telling, and that only one that is due is tried.
#[test]
fn a_telling_is_over_when_it_is_taken_given_up_or_parked() {
    let now = UtcMillis::new(1_000);
    let failed =
        DeliveryTry::Failed { why: "503".to_owned(), retry_after_ms: None, chance: 32_768 };
    let parked = DeliveryTry::Parked { why: "gone".to_owned() };
    let delivered = DeliveryTry::Delivered { status: 204 };
    for (result, tries, expected) in [
        (&delivered, 0, (DeliveryState::Delivered, 1, None, "204")),
        (&parked, 3, (DeliveryState::Parked, 4, None, "gone")),
        (&failed, 0, (DeliveryState::Due, 1, Some(6_000), "503")),
        (&failed, 9, (DeliveryState::Due, 10, Some(86_401_000), "503")),
        (&failed, 10, (DeliveryState::Exhausted, 11, None, "503")),
    ] {
        let tried = decide_try(DeliveryState::Due, tries, result, now).unwrap();
        let next = tried.next.map(UtcMillis::get);
        assert_eq!((tried.state, tried.tries, next, tried.last.as_str()), expected);
    }
    for state in [DeliveryState::Delivered, DeliveryState::Exhausted, DeliveryState::Parked] {
        for result in [&delivered, &failed, &parked] {
            assert_eq!(decide_try(state, 1, result, now), None, "{state:?}");
        }
    }
}

/// A person's money: the weight of an act is its size, whichever way it goes, and a limit may be reached.
#[test]
fn one_person_may_reach_a_limit_and_not_pass_it() {
    let limits = Limits { act: Rupiah::new(500), day: Rupiah::new(800) };
    for amount in [-500, 500] {
        let weight = Weight::of(Rupiah::new(amount)).unwrap();
        assert_eq!(weight, Weight::Amount(Rupiah::new(500)));
    }
    for (amount, spent, alone) in [
        (500, 0, true),
        (501, 0, false),
        (500, 300, true),
        (500, 301, false),
        (0, 800, true),
        (1, 800, false),
        (501, 1_000, false),
    ] {
        let gate = weigh(Weight::Amount(Rupiah::new(amount)), limits, Rupiah::new(spent));
        let sum = Rupiah::new(amount + spent);
        let expected = if alone { Gate::Alone(sum) } else { Gate::SecondPerson };
        assert_eq!(gate, Ok(expected), "{amount} after {spent}");
    }
    let far = weigh(Weight::Amount(Rupiah::new(1)), limits, Rupiah::new(i64::MAX));
    assert!(far.is_err());
}

/// A movement by hand may reach the floor and not pass it; who is below it may be given something.
#[test]
fn a_balance_may_be_taken_to_its_floor_by_hand() {
    for (balance, limit, amount, expected) in [
        (100, 0, -100, Ok(0)),
        (100, 0, -101, Err(Unmoved::BelowFloor(Rupiah::new(-1)))),
        (100, 50, -150, Ok(-50)),
        (100, 50, -151, Err(Unmoved::BelowFloor(Rupiah::new(-51)))),
        (-500, 0, 1, Ok(-499)),
        (-500, 0, -1, Err(Unmoved::BelowFloor(Rupiah::new(-501)))),
        (100, 0, 0, Err(Unmoved::OutOfRange)),
        (i64::MAX, 0, 1, Err(Unmoved::OutOfRange)),
    ] {
        let movement = Movement {
            member: MemberId::new(7),
            amount: Rupiah::new(amount),
            other: AccountName::Adjustment,
            kind: Kind::Adjustment,
            note: String::new(),
        };
        let balance = Rupiah::new(balance);
        let account = Account { balance, ..Account::default() };
        let moved = decide_movement(&movement, &account, Rupiah::new(limit), UtcMillis::new(1));
        let after = moved.map(|(account, _)| account.balance.get());
        assert_eq!(after, expected, "{balance} {amount}");
    }
}
