//! Which suppliers may serve a purchase, in which order.

use crate::{Denomination, Price, RouteRow, Supplier, selling_price};
use types::{Qty, Rupiah, Sku, SupplierCode};

/// A route that may be used for one purchase, with its cost for that purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub supplier: SupplierCode,
    /// As what.
    pub sku: Sku,
    /// For how much.
    pub cost: Rupiah,
}

/// Enabled routes of unpaused suppliers that do not lose money, by priority, then cost.
///
/// The margin guard lives here: a route above the selling price is skipped unless the operator
/// allowed it.
#[must_use]
pub fn eligible<'a>(
    routes: impl IntoIterator<Item = (&'a RouteRow, &'a Supplier)>,
    denomination: Denomination,
    qty: Option<Qty>,
    price: Rupiah,
) -> Vec<Candidate> {
    let mut ranked: Vec<(i32, Candidate)> = routes
        .into_iter()
        .filter(|(route, supplier)| route.enabled && !supplier.paused)
        .filter_map(|(route, _)| {
            let own = Price { amount: route.cost, basis_points: 0 };
            let cost = selling_price(denomination, own, qty).ok()?;
            let keeps = cost <= price || route.allow_loss;
            let candidate =
                Candidate { supplier: route.supplier.clone(), sku: route.sku.clone(), cost };
            keeps.then_some((route.priority, candidate))
        })
        .collect();
    ranked.sort_by(|(a, x), (b, y)| {
        (a, x.cost, x.supplier.as_str()).cmp(&(b, y.cost, y.supplier.as_str()))
    });
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The first candidate whose supplier was not tried yet.
#[must_use]
pub fn pick<'a>(candidates: &'a [Candidate], tried: &[SupplierCode]) -> Option<&'a Candidate> {
    candidates.iter().find(|candidate| !tried.contains(&candidate.supplier))
}
