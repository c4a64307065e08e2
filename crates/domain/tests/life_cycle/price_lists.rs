//! A supplier's price list at its edges: which cost is believed, what closes, and what people read of it.

use super::{product, route};
use domain::*;
use types::{LevelCode, Rupiah, Sku};

fn level(code: &str) -> LevelCode {
    LevelCode::parse(code).unwrap()
}

fn rp(rupiah: i64) -> Rupiah {
    Rupiah::new(rupiah)
}

/// One route, what others there are and what the list says.
struct List {
    product: Product,
    route: RouteRow,
    others: Vec<RouteRow>,
    selling: Vec<(LevelCode, Price)>,
    rules: SyncRules,
    price: i64,
    open: bool,
    times: usize,
}

impl List {
    /// A route that costs this, sold at 1.100.
    fn of(cost: i64) -> Self {
        let selling = Price { amount: rp(1_100), basis_points: 0 };
        Self {
            product: product(),
            route: route("one", cost, 1),
            others: Vec::new(),
            selling: vec![(level("retail"), selling)],
            rules: SyncRules {
                freeze: false,
                markups: Vec::new(),
                close_at_loss: true,
                jump_most_percent: 50,
            },
            price: cost,
            open: true,
            times: 1,
        }
    }

    fn plan(&self) -> Vec<Change> {
        let facts = SyncFacts {
            product: &self.product,
            route: &self.route,
            others: self.others.iter().collect(),
            selling: self.selling.clone(),
            listed: (self.times > 0).then(|| Listed {
                price: rp(self.price),
                open: self.open,
                cut_off: None,
            }),
            times: self.times,
            tells_hours: false,
        };
        let planned = plan_sync(&self.rules, &facts);
        let here = |planned: &Planned| {
            planned.product == self.route.product && planned.sku == self.route.sku
        };
        assert!(planned.iter().all(here));
        planned.into_iter().map(|planned| planned.change).collect()
    }

    fn at(mut self, price: i64) -> Vec<Change> {
        self.price = price;
        self.plan()
    }
}

fn cost(old: i64, new: i64) -> Change {
    Change::Cost { old: rp(old), new: rp(new) }
}

fn jump(old: i64, new: i64) -> Change {
    Change::Jump { old: rp(old), new: rp(new) }
}

#[test]
fn a_cost_may_move_by_its_share_and_not_by_more() {
    for (old, new, expected) in [
        (600, 900, cost(600, 900)),
        (600, 901, jump(600, 901)),
        (600, 300, cost(600, 300)),
        (600, 299, jump(600, 299)),
        // Of nothing there is no share.
        (0, 1_000, cost(0, 1_000)),
        (-5, 1_000, cost(-5, 1_000)),
        (600, 1, jump(600, 1)),
    ] {
        assert_eq!(List::of(old).at(new), [expected]);
    }
    for price in [0, -1, i64::MIN] {
        assert_eq!(List::of(600).at(price), [Change::Nonsense { price: rp(price) }]);
    }
    assert_eq!(List::of(1).at(1), []);
}

/// The old cost is kept, so a route closes only where a sale at it would be a loss that nobody wants.
#[test]
fn a_jump_closes_a_route_above_the_lowest_price_only() {
    assert_eq!(List::of(700).at(1_100), [jump(700, 1_100)]);
    assert_eq!(List::of(700).at(1_101), [jump(700, 1_101), Change::Shut]);
    let wanted = || {
        let mut list = List::of(700);
        list.route.allow_loss = true;
        list
    };
    assert_eq!(wanted().at(1_101), [jump(700, 1_101)]);
    // It came down, and is still above the price: no worse than it was.
    let mut list = List::of(9_000);
    list.rules.close_at_loss = false;
    assert_eq!(list.at(1_200), [jump(9_000, 1_200)]);
    let mut unsold = List::of(700);
    unsold.selling.clear();
    assert_eq!(unsold.at(9_000), [jump(700, 9_000)]);
    // Closed already: told, and not closed again; on offer there or not.
    for open in [true, false] {
        let mut list = List::of(700);
        (list.route.stocked, list.open) = (false, open);
        assert_eq!(list.at(1_101), [jump(700, 1_101)]);
    }
}

#[test]
fn a_product_closes_when_no_route_can_sell_it() {
    let moved = || cost(1_000, 1_101);
    assert_eq!(List::of(1_000).at(1_100), [cost(1_000, 1_100)]);
    assert_eq!(List::of(1_000).at(1_101), [moved(), Change::Close]);
    let with = |otherwise: fn(&mut List)| {
        let mut list = List::of(1_000);
        list.others = vec![route("two", 1_100, 1)];
        otherwise(&mut list);
        let changes = list.at(1_101);
        assert_eq!(changes.first(), Some(&moved()));
        changes.contains(&Change::Close)
    };
    assert!(!with(|_| {}), "the other one sells at its cost");
    assert!(with(|list| list.others[0].cost = rp(1_101)));
    assert!(with(|list| list.others[0].enabled = false));
    assert!(with(|list| list.others[0].stocked = false));
    assert!(!with(|list| (list.others[0].cost, list.others[0].allow_loss) = (rp(9_999), true)));
    assert!(!with(|list| (list.others, list.route.allow_loss) = (Vec::new(), true)));
    assert!(!with(|list| (list.others, list.product.open) = (Vec::new(), false)));
    assert!(!with(|list| (list.others, list.rules.close_at_loss) = (Vec::new(), false)));
    // Of two levels the lower price counts.
    assert!(with(|list| {
        list.selling.push((level("vip"), Price { amount: rp(1_099), basis_points: 0 }));
    }));
    // Out of stock is no loss: it opens again by itself.
    let mut gone = List::of(1_100);
    gone.open = false;
    assert_eq!(gone.plan(), [Change::Stock { open: false }]);
}

/// A price follows its own level's markup, to the next rupiah above, where the cost is believed.
#[test]
fn a_price_follows_its_own_markup() {
    let markup = |amount, basis_points| Markup { amount: rp(amount), basis_points };
    for (new, amount, basis_points, price) in [
        (1_000, 0, 0, 1_000),
        (1_000, 0, 1, 1_001),
        (1_000, 0, 10, 1_001),
        (1_000, 0, 11, 1_002),
        (1_000, -5, 0, 995),
        (999, 50, 100, 1_059),
    ] {
        let mut list = List::of(1_000);
        list.rules.close_at_loss = false;
        list.rules.markups =
            vec![(level("vip"), markup(7, 7)), (level("retail"), markup(amount, basis_points))];
        let other = (level("other"), Price { amount: rp(1_300), basis_points: 0 });
        list.selling.push(other);
        let followed = Change::Selling { level: level("retail"), old: rp(1_100), new: rp(price) };
        let mut expected = vec![followed];
        if new != 1_000 {
            expected.insert(0, cost(1_000, new));
        }
        assert_eq!(list.at(new), expected);
    }
    let follow = || {
        let mut list = List::of(1_000);
        list.rules.markups = vec![(level("retail"), markup(50, 0))];
        list
    };
    // Doubted costs move no price; a code that is there twice is good enough for one.
    assert_eq!(follow().at(1_501), [jump(1_000, 1_501), Change::Shut]);
    let mut twice = follow();
    twice.times = 2;
    let told = Change::Twice { times: 2, price: rp(1_000) };
    let followed = Change::Selling { level: level("retail"), old: rp(1_100), new: rp(1_050) };
    assert_eq!(twice.plan(), [told, followed]);
    let mut missing = follow();
    missing.times = 0;
    assert_eq!(missing.plan(), [Change::Missing]);
    // One that stands as it should is not told, and one that is no number is left.
    let mut stands = follow();
    stands.rules.markups = vec![(level("retail"), markup(100, 0))];
    assert_eq!(stands.plan(), []);
    let mut far = follow();
    far.rules.markups = vec![(level("retail"), markup(i64::MAX, 0))];
    assert_eq!(far.plan(), []);
    // It closes by the prices that follow, not by those of before.
    let mut follows = follow();
    follows.rules.jump_most_percent = 500;
    let followed = Change::Selling { level: level("retail"), old: rp(1_100), new: rp(5_050) };
    assert_eq!(follows.at(5_000), [cost(1_000, 5_000), followed]);
}

#[test]
fn a_list_knows_how_many_codes_it_has() {
    let listed = Listed { price: rp(1), open: true, cut_off: None };
    let rows = |codes: &[&str]| -> PriceRows {
        codes.iter().map(|code| (Sku::parse(code).unwrap(), listed)).collect()
    };
    for (codes, count) in [(&[][..], 0), (&["a"][..], 1), (&["a", "A", "b", "c"][..], 3)] {
        assert_eq!((rows(codes).len(), rows(codes).is_empty()), (count, count == 0));
    }
}

/// What is only told leaves everything as it is; the words of both are what an operator decides by.
#[test]
fn changes_are_told_in_words() {
    let (old, new) = (rp(1_000), rp(1_200));
    let window = |text: &str| text.parse::<Window>().ok();
    let (night, day) = (window("23:00-01:00"), window("06:00-22:00"));
    for (change, alone, words) in [
        (Change::Cost { old, new }, false, "cost 1.000 -> 1.200"),
        (Change::Stock { open: true }, false, "on offer again"),
        (Change::Stock { open: false }, false, "not on offer any more"),
        (Change::Hours { old: None, new: day }, false, "bought only 06:00-22:00"),
        (Change::Hours { old: night, new: day }, false, "bought only 06:00-22:00, was 23:00-01:00"),
        (
            Change::Hours { old: night, new: None },
            false,
            "bought at any time, was only 23:00-01:00",
        ),
        (Change::Hours { old: None, new: None }, false, "bought at any time"),
        (
            Change::Shut,
            false,
            "route closed: that cost is above the price; set the cost to accept it, or wait for \
             the list to come down",
        ),
        (
            Change::Selling { level: level("retail"), old, new },
            false,
            "selling price retail 1.000 -> 1.200",
        ),
        (Change::Close, false, "closed: every route costs more than its price"),
        (Change::Missing, true, "not in the list; left as it is"),
        (
            Change::Jump { old, new },
            true,
            "cost 1.000 -> 1.200 is too far to be believed; left as it is",
        ),
        (Change::Nonsense { price: rp(-1) }, true, "price -1 is none; left as it is"),
        (
            Change::Twice { times: 2, price: new },
            true,
            "2 times in the list; the dearest open row counts: 1.200",
        ),
    ] {
        assert_eq!((change.to_string().as_str(), change.is_left_alone()), (words, alone));
    }
}
