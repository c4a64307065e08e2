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
