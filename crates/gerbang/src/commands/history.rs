//! Some weeks of a made-up business, so that a new user sees a console with life in it.
//!
//! It is written straight into the store before the demo is served, by the rules of the ledger:
//! `gerbang verify` holds on it. Its members and suppliers say "demo", and the journal begins with
//! a line that says what this is. It must never be part of a real business.

use super::render::bar;
use domain::{
    Account, AccountName, Attempt, AttemptState, DEEPEST, Kind, Price, Product, Shares, Transfer,
    Trx, TrxState, Upline, with_markups,
};
use simulator::chance;
use std::collections::BTreeMap;
use store::{
    Batch, CatalogRows, Change, Channel, Direction, Facts, JournalLine, Store, StoreError, Wants,
};
use types::{
    AttemptId, CivilTime, Day, Dest, MemberId, Moment, ProductCode, Reason, RefId, Rupiah, Sku, Sn,
    SupplierCode, TrxNo, UtcMillis,
};

const DAY_MS: i64 = 86_400_000;
/// Purchases of a day: more from week to week, fewer on some days.
const BASE: u64 = 110;
/// Purchases written together.
const PIECE: usize = 400;
/// What the first member has at the end: the balance of the protocol description.
const FIRST_BALANCE: i64 = 279_655;
/// One of these stands in front of every made-up number.
const PREFIXES: [&str; 10] =
    ["0812", "0813", "0852", "0856", "0857", "0878", "0895", "0896", "0838", "0881"];

/// What is made up about one purchase.
struct Sale {
    at: i64,
    ends: i64,
    member: usize,
    product: usize,
    dest: String,
    delivered: bool,
    reversed: bool,
    second: bool,
}

fn below(what: &str, most: u64) -> u64 {
    chance(20_261_123, what, "") % most.max(1)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or_default()
}

/// Purchases in the order of time; the last one ends some minutes ago.
fn sales(now: Moment, (days, busy): (i64, u64), members: usize, products: usize) -> Vec<Sale> {
    let size = |number: usize| u64::try_from(number).unwrap_or(1);
    let (crowd, shelf) = (size(members), size(products));
    let today = now.utc.get() - i64::from(now.civil.minute_of_day()) * 60_000;
    let mut all = Vec::new();
    if days == 0 {
        return all;
    }
    for day in 0..=days {
        let grown = BASE + u64::try_from(day * 2).unwrap_or_default();
        let count = (grown + below(&format!("count {day}"), 60)).saturating_mul(busy);
        for n in 0..count {
            let draw = |what: &str, most: u64| below(&format!("{day} {n} {what}"), most);
            // People top up from morning to late, most of them in the evening.
            let hour = 6 + draw("hour", 12).max(draw("again", 17)).min(16);
            let within = signed(draw("ms", 3_600_000));
            let start = today - (days - day) * DAY_MS;
            let at = start + signed(hour) * 3_600_000 + within;
            let prefix = PREFIXES[usize::try_from(draw("prefix", 10)).unwrap_or_default()];
            let fate = draw("fate", 1_000);
            // One supplier had a bad day.
            let bad = day == days - 4 && draw("bad", 3) == 0;
            let took = 900 + signed(draw("took", 9_000)) + signed(draw("slow", 20) / 19 * 60_000);
            let ends = at + took;
            if ends > now.utc.get() - 120_000 {
                continue;
            }
            all.push(Sale {
                at,
                ends,
                member: usize::try_from(draw("member", crowd).min(draw("other", crowd)))
                    .unwrap_or_default(),
                product: usize::try_from(draw("product", shelf)).unwrap_or_default(),
                dest: format!("{prefix}{:08}", draw("dest", 100_000_000)),
                delivered: fate >= 45 && !bad,
                reversed: fate >= 994,
                second: draw("second", 10) < 3,
            });
        }
    }
    all.sort_by_key(|sale| sale.at);
    all
}

/// A balance that grows with deposits and shrinks with purchases.
struct Books {
    balances: BTreeMap<MemberId, i64>,
    changes: Vec<Change>,
}

impl Books {
    fn transfer(
        &mut self,
        (from, to): (AccountName, AccountName),
        amount: i64,
        kind: Kind,
        trx: Option<TrxNo>,
        (at, note): (i64, &str),
    ) {
        let member = from.member().map(|id| (id, -amount)).or(to.member().map(|id| (id, amount)));
        let balance = member.map(|(id, signed)| {
            let balance = self.balances.entry(id).or_default();
            *balance += signed;
            Rupiah::new(*balance)
        });
        self.changes.push(Change::Transfer(Box::new(Transfer {
            from,
            to,
            amount: Rupiah::new(amount),
            kind,
            trx,
            balance,
            at: UtcMillis::new(at),
            note: note.to_owned(),
        })));
    }

    fn commit(&mut self, store: &mut dyn Store) -> Result<Facts, StoreError> {
        let accounts = self.balances.iter().map(|(member, balance)| Change::Account {
            member: *member,
            account: Account {
                balance: Rupiah::new(*balance),
                day: Day::default(),
                day_total: Rupiah::ZERO,
            },
        });
        self.changes.extend(accounts);
        store.commit(Batch { changes: std::mem::take(&mut self.changes) })?;
        store.load(&Wants::default())
    }
}

/// What still happens to a purchase that was taken.
struct Later {
    no: TrxNo,
    member: MemberId,
    price: i64,
    shares: Shares,
    cost: i64,
    supplier: SupplierCode,
    sn: Sn,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Settle,
    Refund,
    Reverse,
}

/// Writes the history. The first member ends with the balance it has now.
pub(super) fn write(
    store: &mut dyn Store,
    rows: &CatalogRows,
    (days, busy): (i64, u64),
    now: UtcMillis,
    civil: &dyn Fn(UtcMillis) -> CivilTime,
) -> anyhow::Result<usize> {
    let goods: Vec<(&Product, Price)> = rows
        .prices
        .iter()
        .filter_map(|(_, code, price)| {
            let product = rows.products.iter().find(|product| product.code == *code)?;
            let fixed = product.denomination == domain::Denomination::Fixed;
            // Name checks and bills make no history of sales.
            (fixed && price.amount > Rupiah::new(500)).then_some((product, *price))
        })
        .collect();
    let members: Vec<MemberId> = rows.members.iter().map(|record| record.member.id).collect();
    let suppliers: Vec<SupplierCode> =
        rows.suppliers.iter().map(|record| record.supplier.code.clone()).collect();
    let mut facts = store.load(&Wants::default())?;
    let mut books = Books { balances: BTreeMap::new(), changes: Vec::new() };
    let begin = now.get() - (days + 1) * DAY_MS;
    books.changes.push(Change::Journal(Box::new(JournalLine {
        at: UtcMillis::new(begin),
        direction: Direction::In,
        channel: Channel::Admin,
        peer: "demo".to_owned(),
        member: None,
        trx: None,
        request: "made-up purchases begin here; nothing was delivered".to_owned(),
        reply: String::new(),
        status: "demo_history".to_owned(),
        millis: 0,
        stamps: Vec::new(),
    })));
    let now_here = Moment { utc: now, civil: civil(now) };
    let all = sales(now_here, (days, busy), members.len(), goods.len());
    let progress = bar("purchases");
    progress.set_length(u64::try_from(all.len()).unwrap_or_default());
    let mut later: BTreeMap<(i64, i64), Later> = BTreeMap::new();
    for (n, sale) in all.iter().enumerate() {
        while let Some(entry) = later.first_entry() {
            if entry.key().0 > sale.at {
                break;
            }
            let ((at, _), what) = entry.remove_entry();
            happen(&mut books, at, what);
        }
        let member = members[sale.member % members.len()];
        let (product, top) = goods[sale.product % goods.len()];
        let (price, shares) = with_markups(top, &chain(rows, member), &product.code)?;
        let price = (price, shares);
        let supplier = suppliers[usize::from(sale.second) % suppliers.len()].clone();
        let drawn = (sale, member, product, price, supplier);
        purchase(&mut books, &mut later, drawn, facts.next_trx, civil)?;
        facts.next_trx += 1;
        if n % PIECE == PIECE - 1 {
            progress.inc(PIECE as u64);
            facts = books.commit(store)?;
        }
    }
    for ((at, _), what) in later {
        happen(&mut books, at, what);
    }
    // The first member has what it had: what it spent was deposited, all the time.
    if let Some(first) = members.first() {
        let left = books.balances.get(first).copied().unwrap_or_default();
        let wanted = FIRST_BALANCE - left;
        if wanted != 0 {
            let (cash, own) = (AccountName::Cash("bca".to_owned()), AccountName::Member(*first));
            let ends = if wanted > 0 { (cash, own) } else { (own, cash) };
            let kind = if wanted > 0 { Kind::Deposit } else { Kind::Withdrawal };
            books.transfer(ends, wanted.abs(), kind, None, (now.get() - 60_000, "demo"));
        }
    }
    books.commit(store)?;
    progress.finish_and_clear();
    store.abandon();
    Ok(all.len())
}

/// The uplines of a member, its own first.
fn chain(rows: &CatalogRows, of: MemberId) -> Vec<Upline> {
    let upline = |id| {
        let record = rows.members.iter().find(|record| record.member.id == id)?;
        record.member.upline.clone()
    };
    std::iter::successors(upline(of), |above| upline(above.member)).take(DEEPEST).collect()
}

/// One purchase of the plan: who buys what, for how much of whose, where.
type Drawn<'a> = (&'a Sale, MemberId, &'a Product, (Price, Shares), SupplierCode);

fn purchase(
    books: &mut Books,
    later: &mut BTreeMap<(i64, i64), Later>,
    (sale, member, product, (price, shares), supplier): Drawn<'_>,
    number: i64,
    civil: &dyn Fn(UtcMillis) -> CivilTime,
) -> anyhow::Result<()> {
    let (no, at, price) = (TrxNo::new(number), UtcMillis::new(sale.at), price.amount.get());
    let own = || AccountName::Member(member);
    if books.balances.get(&member).copied().unwrap_or_default() < price {
        // Members pay in round sums.
        let sum = ((price + 500_000) / 100_000) * 100_000;
        let cash = AccountName::Cash("bca".to_owned());
        books.transfer((cash, own()), sum, Kind::Deposit, None, (sale.at - 1_000, "demo: ticket"));
    }
    let before = books.balances.get(&member).copied().unwrap_or_default();
    let cost = price - shares.total().get() - price / 90 - 20;
    let sn = Sn::parse(&format!("DEMO{:012}", below(&format!("sn {number}"), 1_000_000_000_000)))?;
    let reason = Reason::clean("Nomor tujuan salah");
    books.changes.push(Change::InsertTrx {
        trx: Box::new(Trx {
            no,
            member,
            ref_id: RefId::parse(&format!("demo{number}"))?,
            product: product.code.clone(),
            name: product.name.clone(),
            dest: Dest::parse(&sale.dest)?,
            qty: None,
            given: None,
            price: Rupiah::new(price),
            shares: shares.clone(),
            before: Rupiah::new(before),
            created: at,
            day: civil(at).date(),
            attempt: 1,
            state: TrxState::Pending,
            suspect: None,
        }),
        guarded: false,
    });
    books.changes.push(Change::InsertAttempt(Box::new(Attempt {
        id: AttemptId { trx: no, n: 1 },
        supplier: supplier.clone(),
        sku: sku(&product.code)?,
        cost: Rupiah::new(cost),
        state: if sale.delivered {
            AttemptState::Delivered { sn: sn.clone() }
        } else {
            AttemptState::Failed { reason }
        },
        created: at,
        sent: Some(at),
        next: None,
        checks: 0,
        counter: 1,
        why: "demo history".to_owned(),
    })));
    let hold = AccountName::Hold;
    books.transfer((own(), hold), price, Kind::Debit, Some(no), (sale.at, ""));
    let later_on = |end| {
        let (sn, supplier) = (sn.clone(), supplier.clone());
        let shares = shares.clone();
        Later { no, member, price, shares, cost, supplier, sn, end }
    };
    let end = if sale.delivered { End::Settle } else { End::Refund };
    later.insert((sale.ends, number), later_on(end));
    if sale.delivered && sale.reversed {
        later.insert((sale.ends + 60_000, number), later_on(End::Reverse));
    }
    Ok(())
}

fn sku(code: &ProductCode) -> anyhow::Result<Sku> {
    Ok(Sku::parse(&code.as_str().to_ascii_lowercase())?)
}

fn happen(books: &mut Books, at: i64, what: Later) {
    let Later { no, member, price, shares, cost, supplier, sn, end } = what;
    let (trx, when) = (Some(no), UtcMillis::new(at));
    let mut moves = |from, to, amount, kind| {
        books.transfer((from, to), amount, kind, trx, (at, ""));
        Rupiah::new(books.balances.get(&member).copied().unwrap_or_default())
    };
    let (own, paid) = (AccountName::Member(member), AccountName::Supplier(supplier));
    let (from, state) = match end {
        End::Settle => {
            moves(AccountName::Hold, AccountName::Sales, price, Kind::Settle);
            moves(paid, AccountName::Cogs, cost, Kind::Cost);
            for share in shares.0 {
                let upline = AccountName::Member(share.member);
                moves(AccountName::Commission, upline, share.amount.get(), Kind::Commission);
            }
            ("pending", TrxState::Success { sn, at: when, cost: Rupiah::new(cost) })
        }
        End::Refund => {
            let balance = moves(AccountName::Hold, own, price, Kind::Refund);
            let reason = Reason::clean("Nomor tujuan salah");
            ("pending", TrxState::Failed { reason, at: when, balance })
        }
        End::Reverse => {
            let balance = moves(AccountName::Sales, own, price, Kind::Reversal);
            moves(AccountName::Cogs, paid, cost, Kind::CostReversal);
            // Uplines of the demo never spend what they earned meanwhile.
            for share in shares.0 {
                let upline = AccountName::Member(share.member);
                let kind = Kind::CommissionReversal;
                moves(upline, AccountName::Commission, share.amount.get(), kind);
            }
            let reason = Reason::clean("Dibatalkan supplier");
            ("success", TrxState::Reversed { sn, reason, at: when, balance })
        }
    };
    books.changes.push(Change::FlipTrx { no, from, state: Box::new(state) });
}
