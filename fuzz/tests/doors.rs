//! The target of all doors reaches what there is: a route or a field that it cannot reach fails here.

use std::collections::BTreeSet;

#[test]
fn every_route_is_in_reach() {
    let lost = fuzz::out_of_reach();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn every_field_of_a_form_has_a_name() {
    let unknown = fuzz::unknown_fields();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

/// Random requests by seed: they hold, they come to every route, and some are acts.
#[test]
fn random_requests_hold() {
    let mut seen = BTreeSet::new();
    for seed in 1..=120 {
        seen.extend(fuzz::outcomes(&fuzz::random_bytes(seed)));
    }
    let route = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let routes: BTreeSet<String> = seen.iter().map(route).collect();
    assert!(routes.len() > 140, "{} routes were met", routes.len());
    let acts: BTreeSet<String> =
        seen.iter().filter(|line| line.ends_with(" changed")).map(route).collect();
    assert!(acts.len() > 12, "{acts:?}");
}
