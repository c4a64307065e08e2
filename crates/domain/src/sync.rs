//! What follows from a supplier's price list: costs, stock, windows, and what the operator wants
//! done about selling prices. Only a plan; somebody else writes it, or only shows it.

use crate::{Price, Product, RouteRow, Window};
use std::collections::BTreeMap;
use std::fmt;
use types::{LevelCode, ProductCode, Rupiah, Sku};

/// What the operator wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRules {
    /// Report only.
    pub freeze: bool,
    /// Selling prices of these levels become the cost plus a markup.
    pub markups: Vec<(LevelCode, Markup)>,
    /// Close a product no route of which can be used without loss any more.
    pub close_at_loss: bool,
    /// A cost that moves by more than this share is left for a person.
    pub jump_most_percent: u32,
}

/// What goes on top of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Markup {
    /// Rupiah.
    pub amount: Rupiah,
    /// Hundredths of a percent of the cost, rounded up.
    pub basis_points: u32,
}

/// A row of the supplier's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Listed {
    pub price: Rupiah,
    pub open: bool,
    pub cut_off: Option<Window>,
}

/// A supplier's list, to be looked into by code.
#[derive(Clone, Debug, Default)]
pub struct PriceRows(BTreeMap<String, Vec<(Sku, Listed)>>);

impl FromIterator<(Sku, Listed)> for PriceRows {
    fn from_iter<T: IntoIterator<Item = (Sku, Listed)>>(rows: T) -> Self {
        let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (sku, listed) in rows {
            all.entry(sku.as_str().to_lowercase()).or_default().push((sku, listed));
        }
        Self(all)
    }
}

impl PriceRows {
    /// The row of a code, and how often the list has it. Case is ignored unless it tells rows
    /// apart. Of several rows one that is open counts, and of those the dearest: nobody knows
    /// which of them is charged, and a cost that is too high loses no money.
    #[must_use]
    pub fn find(&self, sku: &Sku) -> Option<(Listed, usize)> {
        let rows = self.0.get(&sku.as_str().to_lowercase())?;
        let exact = || rows.iter().filter(|(known, _)| known == sku);
        let is_exact = exact().next().is_some();
        let fits = rows.iter().filter(|(known, _)| !is_exact || known == sku);
        let best = fits.clone().max_by_key(|(_, listed)| (listed.open, listed.price))?;
        Some((best.1, fits.count()))
    }

    /// How many codes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One route and everything its plan depends on.
#[derive(Clone, Debug)]
pub struct SyncFacts<'a> {
    /// What is sold.
    pub product: &'a Product,
    /// The route to the supplier whose list it is.
    pub route: &'a RouteRow,
    /// Routes of the same product to others.
    pub others: Vec<&'a RouteRow>,
    /// Selling prices by level.
    pub selling: Vec<(LevelCode, Price)>,
    /// Its row in the list, when there is one.
    pub listed: Option<Listed>,
    /// How often the list has its code.
    pub times: usize,
    /// The list tells cut-offs: a row without one has none any more. Other lists leave the hours
    /// of a route to people.
    pub tells_hours: bool,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Change {
    /// The cost.
    Cost { old: Rupiah, new: Rupiah },
    /// Whether the supplier offers it.
    Stock { open: bool },
    /// When it may be bought there; `None`: at any time.
    Hours { old: Option<Window>, new: Option<Window> },
    /// The route closes: its cost moved too far to be believed, to where every sale would lose.
    Shut,
    /// A selling price that follows.
    Selling { level: LevelCode, old: Rupiah, new: Rupiah },
    /// The product closes: every route costs more than its lowest selling price.
    Close,
    /// Told and left alone: the list does not have it.
    Missing,
    /// Told and left alone: the cost moved too far to be believed.
    Jump { old: Rupiah, new: Rupiah },
    /// Told and left alone: not a price.
    Nonsense { price: Rupiah },
    /// Told: the list has the code more than once; by this row it is judged.
    Twice { times: usize, price: Rupiah },
}

impl Change {
    /// True for what is only told.
    #[must_use]
    pub const fn is_left_alone(&self) -> bool {
        match self {
            Self::Missing | Self::Jump { .. } | Self::Nonsense { .. } | Self::Twice { .. } => true,
            Self::Cost { .. }
            | Self::Stock { .. }
            | Self::Hours { .. }
            | Self::Shut
            | Self::Selling { .. }
            | Self::Close => false,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cost { old, new } => write!(f, "cost {old} -> {new}"),
            Self::Stock { open: true } => f.write_str("on offer again"),
            Self::Stock { open: false } => f.write_str("not on offer any more"),
            Self::Hours { old: None, new: Some(new) } => write!(f, "bought only {new}"),
            Self::Hours { old: Some(old), new: Some(new) } => {
                write!(f, "bought only {new}, was {old}")
            }
            Self::Hours { old: Some(old), new: None } => {
                write!(f, "bought at any time, was only {old}")
            }
            Self::Hours { old: None, new: None } => f.write_str("bought at any time"),
            Self::Shut => f.write_str(
                "route closed: that cost is above the price; set the cost to accept it, or wait \
                 for the list to come down",
            ),
            Self::Selling { level, old, new } => write!(f, "selling price {level} {old} -> {new}"),
            Self::Close => f.write_str("closed: every route costs more than its price"),
            Self::Missing => f.write_str("not in the list; left as it is"),
            Self::Jump { old, new } => {
                write!(f, "cost {old} -> {new} is too far to be believed; left as it is")
            }
            Self::Nonsense { price } => write!(f, "price {price} is none; left as it is"),
            Self::Twice { times, price } => {
                write!(f, "{times} times in the list; the dearest open row counts: {price}")
            }
        }
    }
}

/// A difference with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Planned {
    pub product: ProductCode,
    pub sku: Sku,
    pub change: Change,
}

impl Markup {
    fn on(self, cost: Rupiah) -> Option<Rupiah> {
        let share = i128::from(cost.get()).saturating_mul(i128::from(self.basis_points));
        let share = i64::try_from(share.saturating_add(9_999).div_euclid(10_000)).ok()?;
        cost.plus(self.amount).ok()?.plus(Rupiah::new(share)).ok()
    }
}

fn is_jump(old: Rupiah, new: Rupiah, most_percent: u32) -> bool {
    let moved = i128::from(new.get()).abs_diff(i128::from(old.get()));
    let old = u128::from(old.get().max(0).unsigned_abs());
    old > 0 && moved.saturating_mul(100) > old.saturating_mul(u128::from(most_percent))
}

/// What differs for one route. Nothing for a route that stands as the list says.
#[must_use]
pub fn plan_sync(rules: &SyncRules, facts: &SyncFacts<'_>) -> Vec<Planned> {
    let route = facts.route;
    let mut changes = Vec::new();
    let mut cost = route.cost;
    let lowest = facts.selling.iter().map(|(_, price)| price.amount).min();
    if let Some(listed) = facts.listed
        && facts.times > 1
    {
        changes.push(Change::Twice { times: facts.times, price: listed.price });
    }
    match facts.listed {
        None => changes.push(Change::Missing),
        Some(listed) if listed.price <= Rupiah::ZERO => {
            changes.push(Change::Nonsense { price: listed.price });
        }
        Some(listed) => {
            let (old, new) = (route.cost, listed.price);
            // Not believed where it would raise prices, but where it would lose money.
            let mut is_trap = false;
            if is_jump(old, new, rules.jump_most_percent) {
                changes.push(Change::Jump { old, new });
                let is_loss = lowest.is_some_and(|lowest| new > lowest.max(old));
                is_trap = is_loss && !route.allow_loss;
            } else if old != new {
                changes.push(Change::Cost { old, new });
                cost = new;
            }
            if is_trap {
                if route.stocked {
                    changes.push(Change::Shut);
                }
            } else if listed.open != route.stocked {
                changes.push(Change::Stock { open: listed.open });
            }
            let hours = listed.cut_off.map(Window::inverse);
            if hours != route.hours && (hours.is_some() || facts.tells_hours) {
                changes.push(Change::Hours { old: route.hours, new: hours });
            }
        }
    }
    let mut selling = facts.selling.clone();
    // A code that stands there twice is judged by its dearest row: good enough for a price.
    let is_doubt =
        |change: &Change| change.is_left_alone() && !matches!(change, Change::Twice { .. });
    let is_trusted = !changes.iter().any(is_doubt);
    for (level, price) in &mut selling {
        let markup = rules.markups.iter().find(|(wanted, _)| wanted == level);
        let wanted = markup.and_then(|(_, markup)| markup.on(cost)).filter(|_| is_trusted);
        if let Some(new) = wanted.filter(|new| *new != price.amount) {
            changes.push(Change::Selling { level: level.clone(), old: price.amount, new });
            price.amount = new;
        }
    }
    if rules.close_at_loss && facts.product.open {
        let lowest = selling.iter().map(|(_, price)| price.amount).min();
        let sells = |route: &RouteRow| {
            let fits = lowest.is_none_or(|lowest| route.cost <= lowest);
            route.enabled && route.stocked && (fits || route.allow_loss)
        };
        let elsewhere = facts.others.iter().any(|other| sells(other));
        // Out of stock opens again by itself; a route at a loss sells nothing, and is for a person.
        let is_loss = lowest.is_some_and(|lowest| cost > lowest) && !route.allow_loss;
        if is_loss && !elsewhere {
            changes.push(Change::Close);
        }
    }
    let place = |change| Planned { product: route.product.clone(), sku: route.sku.clone(), change };
    changes.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Denomination, DestRule, Strategy};
    use types::{ProductName, SupplierCode};

    fn product() -> Product {
        Product {
            code: ProductCode::parse("T1").unwrap(),
            name: ProductName::parse("Three 1.000").unwrap(),
            group: String::new(),
            category: String::new(),
            denomination: Denomination::Fixed,
            dest_rule: DestRule::Any,
            open: true,
            cut_off: None,
            strategy: Strategy::Priority,
        }
    }

    fn route(supplier: &str, cost: i64) -> RouteRow {
        let supplier = SupplierCode::parse(supplier).unwrap();
        let sku = Sku::parse("t1").unwrap();
        RouteRow::new(ProductCode::parse("T1").unwrap(), supplier, sku, Rupiah::new(cost))
    }

    fn level() -> LevelCode {
        LevelCode::parse("retail").unwrap()
    }

    fn rules() -> SyncRules {
        SyncRules { freeze: false, markups: Vec::new(), close_at_loss: true, jump_most_percent: 50 }
    }

    fn listed(price: i64) -> Option<Listed> {
        Some(Listed { price: Rupiah::new(price), open: true, cut_off: None })
    }

    fn plan(rules: &SyncRules, listed: Option<Listed>, others: &[RouteRow]) -> Vec<Change> {
        let (product, route) = (product(), route("one", 1_000));
        let selling = vec![(level(), Price { amount: Rupiah::new(1_100), basis_points: 0 })];
        let others = others.iter().collect();
        let facts = SyncFacts {
            product: &product,
            route: &route,
            others,
            selling,
            listed,
            times: 1,
            tells_hours: true,
        };
        plan_sync(rules, &facts).into_iter().map(|planned| planned.change).collect()
    }

    fn cost(old: i64, new: i64) -> Change {
        Change::Cost { old: Rupiah::new(old), new: Rupiah::new(new) }
    }

    #[test]
    fn what_stands_is_left_and_what_moved_is_followed() {
        assert_eq!(plan(&rules(), listed(1_000), &[]), []);
        assert_eq!(plan(&rules(), listed(1_050), &[]), [cost(1_000, 1_050)]);
        let gone = Listed { price: Rupiah::new(1_000), open: false, cut_off: None };
        assert_eq!(plan(&rules(), Some(gone), &[]), [Change::Stock { open: false }]);
        let night = Listed { cut_off: Some("23:30-00:30".parse().unwrap()), open: true, ..gone };
        let hours = Change::Hours { old: None, new: Some("00:30-23:30".parse().unwrap()) };
        assert_eq!(plan(&rules(), Some(night), &[]), [hours]);
    }

    #[test]
    fn what_cannot_be_true_is_only_told() {
        let marked = SyncRules {
            markups: vec![(level(), Markup { amount: Rupiah::new(50), basis_points: 0 })],
            ..rules()
        };
        for rules in [rules(), marked] {
            assert_eq!(plan(&rules, None, &[]), [Change::Missing]);
            let zero = Change::Nonsense { price: Rupiah::ZERO };
            assert_eq!(plan(&rules, listed(0), &[]), [zero]);
            let jump = Change::Jump { old: Rupiah::new(1_000), new: Rupiah::new(100) };
            assert_eq!(plan(&rules, listed(100), &[]), [jump]);
        }
    }

    #[test]
    fn a_markup_follows_the_cost() {
        let markup = Markup { amount: Rupiah::new(50), basis_points: 126 };
        let rules = SyncRules { markups: vec![(level(), markup)], ..rules() };
        let selling =
            Change::Selling { level: level(), old: Rupiah::new(1_100), new: Rupiah::new(1_266) };
        assert_eq!(plan(&rules, listed(1_200), &[]), [cost(1_000, 1_200), selling]);
    }

    #[test]
    fn a_loss_closes_only_when_nobody_else_is_cheap_enough() {
        let moved = cost(1_000, 1_200);
        assert_eq!(plan(&rules(), listed(1_200), &[]), [moved.clone(), Change::Close]);
        assert_eq!(plan(&rules(), listed(1_200), &[route("two", 1_090)]), vec![moved.clone()]);
        let dear = [route("two", 1_500)];
        assert_eq!(plan(&rules(), listed(1_200), &dear), [moved.clone(), Change::Close]);
        let rules = SyncRules { close_at_loss: false, ..rules() };
        assert_eq!(plan(&rules, listed(1_200), &[]), [moved]);
    }

    fn with_route(
        route: &RouteRow,
        (listed, times): (Option<Listed>, usize),
        tells_hours: bool,
    ) -> Vec<Change> {
        let product = product();
        let selling = vec![
            (level(), Price { amount: Rupiah::new(1_100), basis_points: 0 }),
            (
                LevelCode::parse("vip").unwrap(),
                Price { amount: Rupiah::new(1_050), basis_points: 0 },
            ),
        ];
        let facts = SyncFacts {
            product: &product,
            route,
            others: Vec::new(),
            selling,
            listed,
            times,
            tells_hours,
        };
        plan_sync(&rules(), &facts).into_iter().map(|planned| planned.change).collect()
    }

    #[test]
    fn a_cut_off_that_left_the_list_leaves_the_route() {
        let mut route = route("one", 1_000);
        let window: Window = "00:30-23:30".parse().unwrap();
        route.hours = Some(window);
        let gone = Change::Hours { old: Some(window), new: None };
        assert_eq!(with_route(&route, (listed(1_000), 1), true), [gone]);
        // A list that never tells of hours says nothing about those a person set.
        assert_eq!(with_route(&route, (listed(1_000), 1), false), []);
        assert_eq!(with_route(&route, (None, 0), true), [Change::Missing]);
        let same = Listed { cut_off: Some(window.inverse()), ..listed(1_000).unwrap() };
        assert_eq!(with_route(&route, (Some(same), 1), true), []);
    }

    /// Not believed is not the same as safe: at the old cost every sale would lose.
    #[test]
    fn a_jump_above_the_price_closes_the_route_until_it_is_over() {
        let mut route = route("one", 1_000);
        let jump = |new| Change::Jump { old: Rupiah::new(1_000), new: Rupiah::new(new) };
        let seen = |route: &RouteRow, price| with_route(route, (listed(price), 1), true);
        assert_eq!(seen(&route, 3_000), [jump(3_000), Change::Shut]);
        route.stocked = false;
        assert_eq!(seen(&route, 3_000), [jump(3_000)], "it stays closed, told every time");
        assert_eq!(seen(&route, 1_000), [Change::Stock { open: true }], "the list came down");
        // A person accepts the cost: no jump any more, and the margin guard sees what is true.
        route.cost = Rupiah::new(3_000);
        assert_eq!(seen(&route, 3_000), [Change::Stock { open: true }, Change::Close]);
        route.cost = Rupiah::new(1_000);
        (route.stocked, route.allow_loss) = (true, true);
        assert_eq!(seen(&route, 3_000), [jump(3_000)], "somebody wants it so");
        route.allow_loss = false;
        assert_eq!(seen(&route, 100), [jump(100)], "a jump down loses nothing");
    }

    #[test]
    fn a_jump_below_the_price_is_left_for_a_person() {
        let mut dear = route("one", 500);
        let jump = Change::Jump { old: Rupiah::new(500), new: Rupiah::new(1_000) };
        assert_eq!(with_route(&dear, (listed(1_000), 1), true), std::slice::from_ref(&jump));
        dear.stocked = false;
        let back = Change::Stock { open: true };
        assert_eq!(with_route(&dear, (listed(1_000), 1), true), [jump, back]);
    }

    #[test]
    fn a_code_that_stands_there_twice_counts_by_its_dearest_open_row() {
        let row = |sku: &str, price, open| {
            let sku = Sku::parse(sku).unwrap();
            (sku, Listed { price: Rupiah::new(price), open, cut_off: None })
        };
        let found = |rows: &[(Sku, Listed)], sku: &str| {
            let rows: PriceRows = rows.iter().cloned().collect();
            let found = rows.find(&Sku::parse(sku).unwrap());
            found.map(|(listed, times)| (listed.price.get(), listed.open, times))
        };
        let mut rows = [row("t1", 900, true), row("T1", 1_000, true), row("t1", 9_000, false)];
        for _ in 0..rows.len() {
            rows.rotate_left(1);
            assert_eq!(found(&rows, "T1"), Some((1_000, true, 1)), "its own spelling");
            assert_eq!(found(&rows, "t1"), Some((900, true, 2)), "open before dear");
        }
        let rows = [row("a", 1, true), row("A", 3, true), row("a", 2, true)];
        assert_eq!(found(&rows, "a"), Some((2, true, 2)));
        let rows = [row("Ab", 1, true), row("aB", 3, true)];
        assert_eq!(found(&rows, "AB"), Some((3, true, 2)));
        assert_eq!(found(&rows, "x"), None);

        let twice = Change::Twice { times: 2, price: Rupiah::new(1_010) };
        let route = route("one", 1_000);
        assert_eq!(with_route(&route, (listed(1_010), 2), true), [twice, cost(1_000, 1_010)]);
    }
}
