//! Promise 2: the same request stays the same request, whatever became of its product.

use super::{World, now, offer, product, request};
use domain::*;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use proptest::test_runner::TestCaseError;
use types::*;

fn any_product() -> impl proptest::strategy::Strategy<Value = Product> {
    let rules = ["any", "any+#/,:space", "phone", "digits:3-4", "digits:9-15"];
    let open =
        Denomination::Open { min: Qty::new(10_000).unwrap(), max: Qty::new(20_000).unwrap() };
    (prop::sample::select(rules.to_vec()), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        move |(rule, is_open, free, cut)| Product {
            dest_rule: rule.parse().unwrap(),
            open: is_open,
            denomination: if free { open } else { Denomination::Fixed },
            cut_off: cut.then(|| "00:00-23:59".parse().unwrap()),
            ..product()
        },
    )
}

proptest! {
    /// Promise 2: no edit of the product between a purchase and its repeat makes it another one.
    #[test]
    fn any_edit_of_the_product_leaves_a_repeat_a_repeat(
        bought in any_product(),
        edited in any_product(),
        removed in any::<bool>(),
        dest in prop::sample::select(vec!["089660522887", "+62 896-6052-2887", "Nama#1", "a.b@c"]),
        qty in prop::sample::select(vec![None, Qty::new(1), Qty::new(15_000)]),
        price in 1i64..100_000,
    ) {
        let mut world = World::new();
        world.product = bought;
        let request = BuyRequest { dest: Dest::parse(dest).unwrap(), qty, ..request() };
        let first = match world.decide(&request) {
            BuyDecision::Accept { trx, .. } | BuyDecision::RefuseStored(trx) => *trx,
            BuyDecision::Refuse(_) => return Ok(()),
            BuyDecision::Repeat => return Err(TestCaseError::fail("nothing to repeat")),
        };
        // What is stored is what was given.
        let given = first.given.clone().unwrap();
        prop_assert_eq!(given.to_string().parse(), Ok(given));
        let normal = BuyRequest { dest: first.dest.clone(), qty: first.qty, ..request.clone() };
        world.product = edited;
        world.price.amount = Rupiah::new(price);
        world.account.balance = Rupiah::ZERO;
        world.member.active = false;
        let routes: Vec<_> =
            world.routes.iter().map(|(route, supplier)| offer(route, supplier)).collect();
        for again in [&request, &normal] {
            let facts = BuyFacts {
                counter: 1,
                member: &world.member,
                account: &world.account,
                existing: Some(&first),
                same_day: 9,
                product: (!removed).then_some((&world.product, world.price)),
                shares: &world.shares,
                routes: &routes,
            };
            let decided = decide_buy(&facts, again, TrxNo::new(2), now());
            prop_assert_eq!(decided, BuyDecision::Repeat);
            for other in [
                BuyRequest { dest: Dest::parse("089660522888").unwrap(), ..again.clone() },
                BuyRequest { product: ProductCode::parse("T5").unwrap(), ..again.clone() },
                BuyRequest { qty: Qty::new(12_345), ..again.clone() },
            ] {
                let decided = decide_buy(&facts, &other, TrxNo::new(2), now());
                prop_assert_eq!(decided, BuyDecision::Refuse(Refusal::RefConflict));
            }
        }
    }
}

#[test]
fn a_purchase_from_before_requests_were_kept_is_compared_as_then() {
    let mut world = World::new();
    let (mut first, ..) = world.accept();
    first.given = None;
    world.existing = Some(first);
    for rule in ["phone", "any", "digits:3-4"] {
        world.product.dest_rule = rule.parse().unwrap();
        for dest in ["089660522887", "+6289660522887", "6289660522887"] {
            let again =
                BuyRequest { dest: Dest::parse(dest).unwrap(), qty: Qty::new(1), ..request() };
            assert_eq!(world.decide(&again), BuyDecision::Repeat, "{rule} {dest}");
        }
    }
}

/// What there is of such a purchase is its own destination and nominal: a request that names them names it,
/// whatever became of the product, and no other does.
#[test]
fn a_purchase_from_before_is_named_by_what_it_bought() {
    let (phone, meter) = ("089660522887", "62123456789");
    let open = || super::open_product().denomination;
    for (bought, asked, qty, rule, denomination, repeat) in [
        (phone, phone, None, Some("phone"), Denomination::Fixed, true),
        // A number that only begins like one of this country.
        (meter, meter, None, None, Denomination::Fixed, true),
        (meter, meter, None, Some("phone"), Denomination::Fixed, true),
        (meter, "0123456789", None, Some("any"), Denomination::Fixed, false),
        (phone, "0896-6052-2887", None, Some("phone"), Denomination::Fixed, true),
        (phone, "0896-6052-2887", None, Some("any"), Denomination::Fixed, false),
        (phone, "+6289660522887", None, None, Denomination::Fixed, true),
        (phone, "089660522888", None, Some("phone"), Denomination::Fixed, false),
        (phone, phone, Qty::new(1), None, Denomination::Fixed, true),
        (phone, phone, Qty::new(2), None, Denomination::Fixed, false),
        (phone, phone, Qty::new(1), Some("phone"), Denomination::Fixed, true),
        (phone, phone, Qty::new(1), Some("phone"), open(), false),
        (phone, phone, None, Some("phone"), open(), true),
    ] {
        let mut world = World::new();
        let (mut first, ..) = world.accept();
        (first.given, first.dest) = (None, Dest::parse(bought).unwrap());
        world.product.denomination = denomination;
        world.product.dest_rule = rule.unwrap_or("any").parse().unwrap();
        let again = BuyRequest { dest: Dest::parse(asked).unwrap(), qty, ..request() };
        let today = rule.map(|_| &world.product);
        assert_eq!(is_repeat(&first, &again, today), repeat, "{bought} {asked} {rule:?}");
        let other = BuyRequest { product: ProductCode::parse("T5").unwrap(), ..again };
        assert!(!is_repeat(&first, &other, today));
    }
}

/// A purchase whose destination broke its rule is named by the same again, spelled the same.
#[test]
fn a_refused_destination_is_repeated_as_it_was_given() {
    let mut world = World::new();
    let wrong = BuyRequest { dest: Dest::parse("0896a60522887").unwrap(), ..request() };
    let BuyDecision::RefuseStored(first) = world.decide(&wrong) else { panic!("taken") };
    world.existing = Some(*first);
    assert_eq!(world.decide(&wrong), BuyDecision::Repeat);
    let other = BuyRequest { dest: Dest::parse("0896-a60522887").unwrap(), ..wrong };
    assert_eq!(world.decide(&other), BuyDecision::Refuse(Refusal::RefConflict));
}

/// With its request kept, destination and nominal must both be the same, as given or as bought.
#[test]
fn a_repeat_names_destination_and_nominal() {
    let mut world = World::new();
    let first = BuyRequest {
        dest: Dest::parse("+62 896-6052-2887").unwrap(),
        qty: Qty::new(1),
        ..request()
    };
    let BuyDecision::Accept { trx, .. } = world.decide(&first) else { panic!("refused") };
    world.existing = Some(*trx);
    for dest in ["+62 896-6052-2887", "089660522887", "62896.60522887"] {
        for (qty, repeat) in [(None, true), (Qty::new(1), true), (Qty::new(2), false)] {
            let again = BuyRequest { dest: Dest::parse(dest).unwrap(), qty, ..first.clone() };
            let expected = if repeat {
                BuyDecision::Repeat
            } else {
                BuyDecision::Refuse(Refusal::RefConflict)
            };
            assert_eq!(world.decide(&again), expected, "{dest} {qty:?}");
        }
    }
}
