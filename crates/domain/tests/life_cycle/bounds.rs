//! Limits at the rupiah: what is exactly allowed is taken, one more or one less is refused.

use super::*;

/// Accepted, or refused with this.
fn told(world: &World, request: &BuyRequest) -> Option<Refusal> {
    match world.decide(request) {
        BuyDecision::Accept { trx, debit, account, .. } => {
            assert!(!debit.amount.is_negative() && debit.amount == trx.price);
            assert_eq!(account.balance, world.account.balance.minus(trx.price).unwrap());
            None
        }
        _ => Some(world.refusal(request)),
    }
}

/// At, above and below.
fn near() -> impl proptest::strategy::Strategy<Value = i64> {
    prop_oneof![2 => -1_i64..=1, 1 => -5_000_i64..5_000]
}

proptest! {
    /// A day's total may reach the limit and not pass it; what was bought on another day does not count.
    #[test]
    fn a_day_may_cost_its_limit(price in 1_301_i64..5_000, spent in 0_i64..50_000, off in near(), today: bool) {
        let mut world = World::new();
        world.price.amount = Rupiah::new(price);
        world.account.day = if today { now().civil.date() } else { Day::new(20_261_122) };
        world.account.day_total = Rupiah::new(spent);
        let total = if today { spent + price } else { price };
        world.member.daily_limit = Some(Rupiah::new(total + off));
        let expected = (off < 0).then_some(Refusal::Limit);
        prop_assert_eq!(told(&world, &request()), expected.clone());
        if expected.is_none() {
            let (.., account, _) = world.accept();
            prop_assert_eq!((account.day_total.get(), account.day), (total, now().civil.date()));
        }
    }

    /// An open denomination takes what its bounds name, both included.
    #[test]
    fn a_nominal_may_be_its_bound(least in 2_u32..50_000, more in 0_u32..50_000, off in near(), at_most: bool) {
        let (min, max) = (Qty::new(least).unwrap(), Qty::new(least + more).unwrap());
        let mut world = World::new();
        world.account.balance = Rupiah::new(1_000_000);
        world.product = Product { denomination: Denomination::Open { min, max }, ..product() };
        world.price = Price { amount: Rupiah::new(200), basis_points: 0 };
        world.routes.iter_mut().for_each(|(route, _)| route.cost = Rupiah::new(100));
        let bound = if at_most { max } else { min };
        let asked = u32::try_from(i64::from(bound.get()) + off).unwrap_or_default();
        let Some(qty) = Qty::new(asked) else { return Ok(()) };
        let fits = min.get() <= asked && asked <= max.get();
        let expected = (!fits).then_some(Refusal::QtyRange { min, max });
        prop_assert_eq!(told(&world, &BuyRequest { qty: Some(qty), ..request() }), expected);
    }

    /// `hargamax` is a price that is still paid.
    #[test]
    fn the_highest_price_is_still_paid(price in 1_301_i64..9_000, off in near()) {
        let mut world = World::new();
        world.price.amount = Rupiah::new(price);
        let max = Rupiah::new(price + off);
        let expected =
            (off < 0).then_some(Refusal::PriceAboveMax { price: Rupiah::new(price), max });
        prop_assert_eq!(told(&world, &BuyRequest { harga_max: Some(max), ..request() }), expected);
    }

    /// A balance may be spent to the last rupiah, and down to the floor of its credit.
    #[test]
    fn a_balance_may_be_spent_whole(price in 1_301_i64..9_000, credit in 0_i64..9_000, off in near()) {
        let mut world = World::new();
        world.price.amount = Rupiah::new(price);
        world.member.credit_limit = Rupiah::new(credit);
        world.account.balance = Rupiah::new(price - credit + off);
        let expected = (off < 0).then_some(Refusal::InsufficientBalance);
        prop_assert_eq!(told(&world, &request()), expected);
    }

    /// A negative price is the commission of a bill: it is refused, also where a route may lose money, and
    /// nothing is ever credited by a purchase.
    #[test]
    fn nobody_is_paid_for_buying(price in -5_000_i64..=0, cost in -6_000_i64..2_000, loss: bool) {
        let mut world = World::new();
        world.price.amount = Rupiah::new(price);
        for (route, _) in &mut world.routes {
            (route.cost, route.allow_loss) = (Rupiah::new(cost), loss);
        }
        let expected = match price {
            ..0 => Some(Refusal::ProductClosed),
            _ if cost < 0 || (cost > price && !loss) => Some(Refusal::NoRoute),
            _ => None,
        };
        prop_assert_eq!(told(&world, &request()), expected);
    }
}

/// A route that would pay us is a misread price list: what it cost could not be booked as a payment.
#[test]
fn a_route_below_nothing_is_skipped() {
    let mut world = World::new();
    world.routes[0].0.cost = Rupiah::new(-1);
    let attempt = world.accept().1;
    assert_eq!((attempt.supplier.as_str(), attempt.cost.get()), ("b", 1_310));
    assert!(attempt.why.contains("not a: cost -1"), "{}", attempt.why);
    world.routes[0].0.cost = Rupiah::ZERO;
    assert_eq!(world.accept().1.supplier.as_str(), "a");
}
