//! What uplines earn: in the settlement, once, and back when it was none.

use super::*;

fn earned(life: &Life) -> Vec<(Kind, i64)> {
    let kinds = [Kind::Commission, Kind::CommissionReversal];
    let moved = life.transfers.iter().filter(|transfer| kinds.contains(&transfer.kind));
    moved.map(|transfer| (transfer.kind, transfer.amount.get())).collect()
}

#[test]
fn uplines_earn_with_the_settlement_and_not_before() {
    let mut life = Life::shared("3:15 9:120".parse().unwrap());
    assert_eq!(life.trx.price.get(), 1_321 + 135);
    life.send();
    life.news(1, Source::Check, Outcome::Pending);
    assert_eq!(earned(&life), vec![]);
    life.news(1, Source::Reply, ok());
    life.news(1, Source::Callback, ok());
    assert_eq!(earned(&life), vec![(Kind::Commission, 15), (Kind::Commission, 120)]);
    assert_eq!(life.uplines, vec![Rupiah::new(15), Rupiah::new(120)]);
    assert_eq!(life.audit(), vec![]);
}

#[test]
fn nobody_earns_of_a_failure() {
    let mut life = Life::shared("3:15".parse().unwrap());
    life.send();
    life.news(1, Source::Reply, failed(FailureClass::Number));
    assert_eq!((earned(&life), life.balance.get(), life.audit()), (vec![], 279_655, vec![]));
}

#[test]
fn a_reversal_takes_back_what_is_still_there() {
    let mut life = Life::shared("3:15 9:120".parse().unwrap());
    life.send();
    life.news(1, Source::Reply, ok());
    life.spend(1, 100);
    life.news(1, Source::Callback, failed(FailureClass::Number));
    let back = [(Kind::CommissionReversal, 15), (Kind::CommissionReversal, 20)];
    assert_eq!(earned(&life)[2..], back);
    let lost = life.transfers.last().unwrap();
    assert_eq!((lost.kind, lost.amount.get()), (Kind::SpentCommission, 100));
    assert_eq!(lost.from.to_string(), "loss:spent-commission");
    assert_eq!((life.balance.get(), life.audit()), (279_655, vec![]));
}

#[test]
fn a_route_may_not_eat_what_uplines_earn() {
    let mut world = World::new();
    world.shares = "3:15".parse().unwrap();
    // 1.321 less 15 leaves 1.306: the second route costs more than that.
    world.routes[0].1.paused = true;
    assert_eq!(world.refusal(&request()), Refusal::NoRoute);
    world.routes[0].1.paused = false;
    assert_eq!(world.accept().1.supplier.as_str(), "a");
}

#[test]
fn the_audit_sees_a_share_that_was_paid_twice_or_not_at_all() {
    let mut life = Life::shared("3:15".parse().unwrap());
    life.send();
    life.news(1, Source::Reply, ok());
    let paid = life.transfers.iter().position(|t| t.kind == Kind::Commission).unwrap();
    let mut twice = life.transfers[paid].clone();
    twice.balance = Some(Rupiah::new(30));
    life.transfers.push(twice);
    life.uplines[0] = Rupiah::new(30);
    assert!(life.audit()[0].0.contains("is 15: it earned 30"), "{:?}", life.audit());
    life.transfers.retain(|transfer| transfer.kind != Kind::Commission);
    life.uplines[0] = Rupiah::ZERO;
    assert!(life.audit()[0].0.contains("is 15: it earned 0"), "{:?}", life.audit());
}
