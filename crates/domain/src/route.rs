//! Which suppliers may serve a purchase, in which order, and why.

use crate::{Price, Product, RouteRow, Strategy, Supplier, selling_price};
use defects::{Defect, on};
use types::{Dest, Moment, Qty, Rupiah, Sku, SupplierCode, TrxNo};

/// A route that may be used for one purchase, with its cost for that purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub supplier: SupplierCode,
    /// As what.
    pub sku: Sku,
    /// For how much.
    pub cost: Rupiah,
    /// Why it stands at its place.
    pub why: String,
}

/// The purchase that routes are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// What is sold.
    pub product: &'a Product,
    /// For whom, normalised.
    pub dest: &'a Dest,
    /// Nominal of an open denomination.
    pub qty: Option<Qty>,
    /// What the member pays.
    pub price: Rupiah,
    /// Its number: shares of a weighted product are drawn from it, so that the same purchase is
    /// always routed the same way.
    pub no: TrxNo,
    /// Now.
    pub now: Moment,
}

/// A route as the engine offers it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The row.
    pub route: &'a RouteRow,
    /// Its supplier.
    pub supplier: &'a Supplier,
    /// Why it may not be used right now (circuit open, deposit low), as the engine knows.
    pub barred: Option<&'static str>,
}

/// Routes in order, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// First one first.
    pub candidates: Vec<Candidate>,
    /// Supplier and reason.
    pub skipped: Vec<(SupplierCode, String)>,
}

impl Ranking {
    /// The words for the story: why this one, and why not the others.
    #[must_use]
    pub fn words(&self, chosen: &Candidate) -> String {
        let mut words = chosen.why.clone();
        for (supplier, why) in &self.skipped {
            words.push_str(&format!("; not {supplier}: {why}"));
        }
        words
    }
}

/// Why nothing may be sent by this route at this moment, whatever the purchase.
#[must_use]
pub fn obstacle(offer: &Offer<'_>, now: Moment) -> Option<String> {
    let route = offer.route;
    if !route.enabled {
        return Some("switched off".to_owned());
    }
    if !route.stocked {
        return Some("not on offer there".to_owned());
    }
    if offer.supplier.paused {
        return Some("supplier paused".to_owned());
    }
    if let Some(why) = offer.barred {
        return Some(why.to_owned());
    }
    let closed = route.hours.filter(|hours| !hours.contains(now.civil));
    closed.map(|hours| format!("only {hours}"))
}

/// Why a route cannot serve this purchase; its cost when it can.
fn cost_of(offer: &Offer<'_>, wish: &Wish<'_>) -> Result<Rupiah, String> {
    let route = offer.route;
    if let Some(why) = obstacle(offer, wish.now) {
        return Err(why);
    }
    let dest = wish.dest.as_str();
    if !route.prefixes.is_empty() && !route.prefixes.iter().any(|start| dest.starts_with(start)) {
        return Err("prefix not served".to_owned());
    }
    let own = Price { amount: route.cost, basis_points: 0 };
    let cost = selling_price(wish.product.denomination, own, wish.qty)
        .map_err(|error| error.to_string())?;
    if cost.is_negative() {
        // It could not be booked as a payment.
        return Err(format!("cost {cost} is below nothing"));
    }
    if cost > wish.price && !route.allow_loss && !on(Defect::MarginIgnored) {
        return Err(format!("cost {cost} above the price"));
    }
    if let Some(most) = route.cost_most.filter(|most| cost > *most) {
        return Err(format!("cost {cost} above its limit {most}"));
    }
    Ok(cost)
}

/// The n-th share of a weighted product, drawn from the number of the purchase.
fn drawn(no: TrxNo, total: u64) -> u64 {
    // A fixed mixing of the number: neighbours are spread, nothing is random.
    let mut mixed = no.get().unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^= mixed >> 32;
    mixed.checked_rem(total).unwrap_or_default()
}

/// Routes that may be used, in order. The margin guard lives here: a route above the selling price
/// is skipped unless the operator allowed it.
#[must_use]
pub fn rank<'a>(offers: impl IntoIterator<Item = Offer<'a>>, wish: &Wish<'_>) -> Ranking {
    let mut ranking = Ranking::default();
    let mut usable: Vec<(&RouteRow, Rupiah)> = Vec::new();
    for offer in offers {
        match cost_of(&offer, wish) {
            Ok(cost) => usable.push((offer.route, cost)),
            Err(why) => ranking.skipped.push((offer.supplier.code.clone(), why)),
        }
    }
    usable.sort_by(|(a, x), (b, y)| {
        let rank = |route: &RouteRow| match wish.product.strategy {
            Strategy::Priority | Strategy::Weighted => route.priority,
            Strategy::Cheapest => 0,
        };
        (rank(a), x, a.supplier.as_str()).cmp(&(rank(b), y, b.supplier.as_str()))
    });
    let total: u64 = usable.iter().map(|(route, _)| u64::from(route.weight)).sum();
    if wish.product.strategy == Strategy::Weighted {
        let mut share = drawn(wish.no, total);
        let first = usable.iter().position(|(route, _)| {
            let weight = u64::from(route.weight);
            let here = share < weight;
            share = share.saturating_sub(weight);
            here
        });
        if let Some(first) = first {
            let drawn = usable.remove(first);
            usable.insert(0, drawn);
        }
    }
    ranking.candidates = usable
        .into_iter()
        .map(|(route, cost)| Candidate {
            supplier: route.supplier.clone(),
            sku: route.sku.clone(),
            cost,
            why: match wish.product.strategy {
                Strategy::Priority => format!("priority {}, cost {cost}", route.priority),
                Strategy::Cheapest => format!("cheapest, cost {cost}"),
                Strategy::Weighted => {
                    format!("weight {} of {total}, cost {cost}", route.weight)
                }
            },
        })
        .collect();
    ranking
}

/// The first candidate whose supplier was not tried yet.
#[must_use]
pub fn pick<'a>(candidates: &'a [Candidate], tried: &[SupplierCode]) -> Option<&'a Candidate> {
    candidates.iter().find(|candidate| !tried.contains(&candidate.supplier))
}
