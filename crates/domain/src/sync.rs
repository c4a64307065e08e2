//! What follows from a supplier's price list: costs, stock, windows, and what the operator wants
//! done about selling prices. Only a plan; somebody else writes it, or only shows it.

use crate::{Price, Product, RouteRow, Window};
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
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Change {
    /// The cost.
    Cost { old: Rupiah, new: Rupiah },
    /// Whether the supplier offers it.
    Stock { open: bool },
    /// When it may be bought there.
    Hours { old: Option<Window>, new: Window },
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
}

impl Change {
    /// True for what is only told.
    #[must_use]
    pub const fn is_left_alone(&self) -> bool {
        match self {
            Self::Missing | Self::Jump { .. } | Self::Nonsense { .. } => true,
            Self::Cost { .. }
            | Self::Stock { .. }
            | Self::Hours { .. }
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
            Self::Hours { old: None, new } => write!(f, "bought only {new}"),
            Self::Hours { old: Some(old), new } => write!(f, "bought only {new}, was {old}"),
            Self::Selling { level, old, new } => write!(f, "selling price {level} {old} -> {new}"),
            Self::Close => f.write_str("closed: every route costs more than its price"),
            Self::Missing => f.write_str("not in the list; left as it is"),
            Self::Jump { old, new } => {
                write!(f, "cost {old} -> {new} is too far to be believed; left as it is")
            }
            Self::Nonsense { price } => write!(f, "price {price} is none; left as it is"),
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
        let share = i128::from(cost.get()) * i128::from(self.basis_points);
        let share = i64::try_from((share + 9_999).div_euclid(10_000)).ok()?;
        cost.plus(self.amount).ok()?.plus(Rupiah::new(share)).ok()
    }
}

fn is_jump(old: Rupiah, new: Rupiah, most_percent: u32) -> bool {
    let moved = i128::from(new.get()).abs_diff(i128::from(old.get()));
    let old = u128::from(old.get().max(0).unsigned_abs());
    old > 0 && moved * 100 > old * u128::from(most_percent)
}

/// What differs for one route. Nothing for a route that stands as the list says.
#[must_use]
pub fn plan_sync(rules: &SyncRules, facts: &SyncFacts<'_>) -> Vec<Planned> {
    let route = facts.route;
    let mut changes = Vec::new();
    let mut cost = route.cost;
    let mut stocked = route.stocked;
    match facts.listed {
        None => changes.push(Change::Missing),
        Some(listed) if listed.price <= Rupiah::ZERO => {
            changes.push(Change::Nonsense { price: listed.price });
        }
        Some(listed) => {
            let (old, new) = (route.cost, listed.price);
            if is_jump(old, new, rules.jump_most_percent) {
                changes.push(Change::Jump { old, new });
            } else if old != new {
                changes.push(Change::Cost { old, new });
                cost = new;
            }
            if listed.open != route.stocked {
                changes.push(Change::Stock { open: listed.open });
                stocked = listed.open;
            }
            if let Some(new) = listed.cut_off.map(Window::inverse)
                && route.hours != Some(new)
            {
                changes.push(Change::Hours { old: route.hours, new });
            }
        }
    }
    let mut selling = facts.selling.clone();
    let is_trusted = !changes.iter().any(Change::is_left_alone);
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
        let sells = |route: &RouteRow, cost: Rupiah, stocked: bool| {
            let fits = lowest.is_none_or(|lowest| cost <= lowest);
            route.enabled && stocked && (fits || route.allow_loss)
        };
        let here = sells(route, cost, stocked);
        let elsewhere = facts.others.iter().any(|other| sells(other, other.cost, other.stocked));
        // Out of stock opens again by itself; a loss is for a person.
        let is_loss = lowest.is_some_and(|lowest| cost > lowest) && !route.allow_loss;
        if is_loss && !here && !elsewhere {
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
        let facts = SyncFacts { product: &product, route: &route, others, selling, listed };
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
        let hours = Change::Hours { old: None, new: "00:30-23:30".parse().unwrap() };
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
}
