//! Which route serves a purchase, and the words that tell why.

use super::World;
use domain::{RouteRow, Strategy, Supplier, Window};
use types::{Rupiah, TrxNo};

/// Every condition of a route, and the words that tell of it.
#[test]
fn routes_are_skipped_with_a_reason() {
    let mut world = World::new();
    let (trx, first, ..) = world.accept();
    assert_eq!(first.why, "priority 1, cost 1.300");
    let window: Window = "01:00-02:00".parse().unwrap();
    type Condition = fn(&mut RouteRow, &mut Supplier);
    let conditions: [(Condition, &str); 6] = [
        (|route, _| route.enabled = false, "switched off"),
        (|route, _| route.stocked = false, "not on offer there"),
        (|_, supplier| supplier.paused = true, "supplier paused"),
        (|route, _| route.cost = Rupiah::new(1_322), "cost 1.322 above the price"),
        (|route, _| route.cost_most = Some(Rupiah::new(1_299)), "above its limit 1.299"),
        (|route, _| route.prefixes = vec!["0811".to_owned()], "prefix not served"),
    ];
    for (condition, words) in conditions {
        let mut world = World::new();
        let (route, supplier) = &mut world.routes[0];
        condition(route, supplier);
        let (_, attempt, ..) = world.accept();
        assert_eq!(attempt.supplier.as_str(), "b");
        assert!(
            attempt.why.contains("; not a: ") && attempt.why.contains(words),
            "{}",
            attempt.why
        );
    }
    world.routes[0].0.hours = Some(window);
    assert_eq!(world.rank(&trx).candidates[0].supplier.as_str(), "b");
}

#[test]
fn cheapest_goes_by_cost_and_weighted_by_shares() {
    let mut world = World::new();
    world.routes[0].0.cost = Rupiah::new(1_315);
    world.product.strategy = Strategy::Cheapest;
    let (mut trx, ..) = world.accept();
    assert_eq!(world.rank(&trx).candidates[0].supplier.as_str(), "b");
    world.product.strategy = Strategy::Weighted;
    (world.routes[0].0.weight, world.routes[1].0.weight) = (3, 1);
    let mut to_a = 0;
    for no in 100_000_001..100_010_001 {
        trx.no = TrxNo::new(no);
        let ranking = world.rank(&trx);
        assert_eq!(ranking.candidates.len(), 2, "the other one stays for the second try");
        to_a += usize::from(ranking.candidates[0].supplier.as_str() == "a");
    }
    assert!((7_200..7_800).contains(&to_a), "{to_a} of 10.000 with weight 3 of 4");
}

#[test]
fn the_margin_guard_skips_a_losing_route() {
    let mut world = World::new();
    world.routes[0].0.cost = Rupiah::new(1_322);
    assert_eq!(world.accept().1.supplier.as_str(), "b");
    world.routes[0].0.allow_loss = true;
    assert_eq!(world.accept().1.supplier.as_str(), "a");
}
