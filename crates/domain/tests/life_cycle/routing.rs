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

/// A route may cost the price, and its own most; what weighs nothing is drawn never.
#[test]
fn a_route_is_taken_at_its_bounds() {
    type Condition = fn(&mut RouteRow, &mut Supplier);
    let conditions: [(Condition, Option<&str>); 9] = [
        (|route, _| route.cost = Rupiah::new(1_321), None),
        (|route, _| route.cost = Rupiah::new(1_322), Some("cost 1.322 above the price")),
        (|route, _| (route.cost, route.allow_loss) = (Rupiah::new(1_322), true), None),
        (|route, _| route.cost_most = Some(Rupiah::new(1_300)), None),
        (
            |route, _| route.cost_most = Some(Rupiah::new(1_299)),
            Some("cost 1.300 above its limit 1.299"),
        ),
        (|route, _| route.hours = "19:08-19:09".parse().ok(), None),
        (|route, _| route.hours = "18:00-19:08".parse().ok(), Some("only 18:00-19:08")),
        (|route, _| route.prefixes = vec!["0811".to_owned(), "0896".to_owned()], None),
        (|route, _| route.prefixes = vec!["896".to_owned()], Some("prefix not served")),
    ];
    for (condition, skipped) in conditions {
        let mut world = World::new();
        world.routes.truncate(1);
        let (trx, ..) = world.accept();
        let (route, supplier) = &mut world.routes[0];
        condition(route, supplier);
        let ranking = world.rank(&trx);
        let why = ranking.skipped.first().map(|(_, why)| why.as_str());
        assert_eq!((why, ranking.candidates.len()), (skipped, usize::from(skipped.is_none())));
    }
    let mut world = World::new();
    let (trx, ..) = world.accept();
    let (route, supplier) = &world.routes[0];
    let barred = Some("circuit open");
    let offer = domain::Offer { route, supplier, barred };
    assert_eq!(domain::obstacle(&offer, super::now()).as_deref(), barred);
    assert_eq!(domain::obstacle(&super::offer(route, supplier), super::now()), None);
    world.product.strategy = Strategy::Weighted;
    for (weights, first) in [((0, 1), "b"), ((1, 0), "a"), ((0, 0), "a")] {
        (world.routes[0].0.weight, world.routes[1].0.weight) = weights;
        for no in 1..100 {
            let trx = domain::Trx { no: TrxNo::new(no), ..trx.clone() };
            let ranking = world.rank(&trx);
            let order: Vec<&str> =
                ranking.candidates.iter().map(|one| one.supplier.as_str()).collect();
            assert_eq!((order[0], order.len()), (first, 2), "{weights:?} {no}");
        }
    }
}

/// A purchase is routed by its number alone, so every program there ever was draws the same for it.
#[test]
fn what_is_drawn_for_a_number_never_changes() {
    let mut world = World::new();
    let (trx, ..) = world.accept();
    world.product.strategy = Strategy::Weighted;
    (world.routes[0].0.weight, world.routes[1].0.weight) = (3, 2);
    let drawn: String = (100_000_001..100_000_033)
        .map(|no| {
            let trx = domain::Trx { no: TrxNo::new(no), ..trx.clone() };
            world.rank(&trx).candidates[0].supplier.to_string()
        })
        .collect();
    assert_eq!(drawn, "bbbbabbaaaaabaaaaabaaabbbaabbbab");
}

#[test]
fn the_margin_guard_skips_a_losing_route() {
    let mut world = World::new();
    world.routes[0].0.cost = Rupiah::new(1_322);
    assert_eq!(world.accept().1.supplier.as_str(), "b");
    world.routes[0].0.allow_loss = true;
    assert_eq!(world.accept().1.supplier.as_str(), "a");
}
