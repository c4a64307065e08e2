//! The decision of a purchase: facts and a request to accept, refuse, repeat or conflict.
//!
//! The order of the checks is part of the contract: a taken refID is looked at before anything
//! else, so that a repeat gets the answer of the first whatever changed since (promise 2), and
//! every refusal comes before any money moves (promise 8).

use crate::{
    AccountName, Attempt, AttemptState, Denomination, Form, Given, Kind, Member, Offer, Price,
    Product, Shares, Transfer, Trx, TrxState, Wish, given::plain_qty, is_repeat, rank,
    selling_price,
};
use defects::{Defect, on};
use types::{AttemptId, Day, Dest, Moment, ProductCode, Qty, RefId, Refusal, Rupiah, TrxNo};

/// A member's account as the writer holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Cached balance; equals the sum of its transfers.
    pub balance: Rupiah,
    /// The business day `day_total` speaks of.
    pub day: Day,
    /// Bought on that day, refunds of that day taken off.
    pub day_total: Rupiah,
}

/// What the member asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuyRequest {
    /// Product code, maybe of no product.
    pub product: ProductCode,
    /// As sent, not normalised.
    pub dest: Dest,
    /// As sent.
    pub qty: Option<Qty>,
    /// The member's reference.
    pub ref_id: RefId,
    /// n-th equal purchase of the day.
    pub counter: u16,
    /// Refuse above this price.
    pub harga_max: Option<Rupiah>,
    /// Its words, where its reports repeat them.
    pub form: Form,
}

/// What the decision may look at.
#[derive(Debug)]
pub struct BuyFacts<'a> {
    /// The buyer.
    pub member: &'a Member,
    /// Its account.
    pub account: &'a Account,
    /// The trx that holds the refID already.
    pub existing: Option<&'a Trx>,
    /// Equal purchases of this business day that were not refused or failed; counted only when
    /// the member's guard is on.
    pub same_day: u16,
    /// Which equal purchase (product and destination) of its day it is, from 1.
    pub counter: u16,
    /// The product and its price for this member.
    pub product: Option<(&'a Product, Price)>,
    /// What uplines earn of that price.
    pub shares: &'a Shares,
    /// Routes of the product with their suppliers.
    pub routes: &'a [Offer<'a>],
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuyDecision {
    /// Debit and send.
    Accept {
        /// The new trx, pending.
        trx: Box<Trx>,
        /// member to hold.
        debit: Box<Transfer>,
        /// The first attempt, intended.
        attempt: Box<Attempt>,
        /// Account after it.
        account: Account,
    },
    /// Refused, and the refID is taken.
    RefuseStored(Box<Trx>),
    /// Refused, nothing is written.
    Refuse(Refusal),
    /// The same purchase again: answer with the state of the first.
    Repeat,
}

/// Decides one purchase. `no` is the number it gets when it is written.
#[must_use]
pub fn decide_buy(
    facts: &BuyFacts<'_>,
    request: &BuyRequest,
    no: TrxNo,
    now: Moment,
) -> BuyDecision {
    if let Some(existing) = facts.existing {
        return if is_repeat(existing, request, facts.product.map(|(product, _)| product)) {
            BuyDecision::Repeat
        } else {
            BuyDecision::Refuse(Refusal::RefConflict)
        };
    }
    let Some((product, price)) = facts.product else {
        return BuyDecision::Refuse(Refusal::UnknownProduct);
    };
    let normal = product.dest_rule.normalise(&request.dest);
    let dest = normal.as_ref().unwrap_or(&request.dest);
    let given = Given::new(request, product);
    let qty = plain_qty(request.qty, given.fixed);
    match (product.denomination, qty) {
        (Denomination::Fixed, None) => {}
        (Denomination::Fixed, Some(_)) => return BuyDecision::Refuse(Refusal::QtyFixed),
        (Denomination::Open { .. }, None) => return BuyDecision::Refuse(Refusal::QtyMissing),
        (Denomination::Open { min, max }, Some(qty))
            if (qty < min || qty > max || (qty >= max && on(Defect::QtyAtEquality)))
                && !on(Defect::QtyIgnored) =>
        {
            return BuyDecision::Refuse(Refusal::QtyRange { min, max });
        }
        (Denomination::Open { .. }, Some(_)) => {}
    }

    let trx = |price, state, attempt| {
        Box::new(Trx {
            no,
            member: facts.member.id,
            ref_id: request.ref_id.clone(),
            product: product.code.clone(),
            name: product.name.clone(),
            dest: dest.clone(),
            qty,
            given: Some(given.clone()),
            price,
            shares: if attempt == 0 { Shares::default() } else { facts.shares.clone() },
            before: facts.account.balance,
            created: now.utc,
            day: now.civil.date(),
            attempt,
            state,
            suspect: None,
        })
    };
    let wish = |price| Wish { product, dest, qty, price, no, now };
    match check(facts, request, price, qty, normal.is_some(), wish) {
        Err(refusal) if refusal.takes_ref() => {
            BuyDecision::RefuseStored(trx(Rupiah::ZERO, TrxState::Refused { refusal }, 0))
        }
        Err(refusal) => BuyDecision::Refuse(refusal),
        Ok(Bought { price, after, day_total, route, why }) => BuyDecision::Accept {
            trx: trx(price, TrxState::Pending, 1),
            debit: Box::new(Transfer {
                from: AccountName::Member(facts.member.id),
                to: AccountName::Hold,
                amount: price,
                kind: Kind::Debit,
                trx: Some(no),
                balance: Some(after),
                at: now.utc,
                note: String::new(),
            }),
            attempt: Box::new(Attempt {
                id: AttemptId { trx: no, n: 1 },
                supplier: route.supplier,
                sku: route.sku,
                cost: route.cost,
                state: AttemptState::Intended,
                created: now.utc,
                sent: None,
                next: Some(now.utc),
                checks: 0,
                counter: facts.counter,
                why,
            }),
            account: Account { balance: after, day: now.civil.date(), day_total },
        },
    }
}

struct Bought {
    price: Rupiah,
    after: Rupiah,
    day_total: Rupiah,
    route: crate::Candidate,
    why: String,
}

/// The refusals that take the refID, in the order in which they are told.
fn check<'a>(
    facts: &BuyFacts<'_>,
    request: &BuyRequest,
    price: Price,
    qty: Option<Qty>,
    dest_fits: bool,
    wish: impl FnOnce(Rupiah) -> Wish<'a> + Copy,
) -> Result<Bought, Refusal> {
    let Wish { product, now, .. } = wish(Rupiah::ZERO);
    if !product.open {
        return Err(Refusal::ProductClosed);
    }
    if let Some(window) = product.cut_off.filter(|window| window.contains(now.civil)) {
        return Err(Refusal::CutOff { opens_minute: window.ends_minute() });
    }
    if !dest_fits {
        return Err(Refusal::InvalidDest);
    }
    let price = selling_price(product.denomination, price, qty)
        .ok()
        // A negative price is a postpaid commission, which needs an inquiry first.
        .filter(|price| !price.is_negative())
        .ok_or(Refusal::ProductClosed)?;
    let above = |max: &Rupiah| price > *max && !on(Defect::PriceMaxIgnored);
    if let Some(max) = request.harga_max.filter(above) {
        return Err(Refusal::PriceAboveMax { price, max });
    }
    // A route must not cost more than what is left of the price after the uplines' shares.
    let ours = price.minus(facts.shares.total()).map_err(|_| Refusal::ProductClosed)?;
    let ranking = rank(facts.routes.iter().copied(), &wish(ours));
    let route = ranking.candidates.first().ok_or(Refusal::NoRoute)?.clone();
    let why = ranking.words(&route);
    let seen = request.counter <= facts.same_day && !on(Defect::GuardIgnored);
    if facts.member.same_day_guard && seen {
        return Err(Refusal::SameDayDuplicate);
    }
    let account = facts.account;
    let spent = if account.day == now.civil.date() { account.day_total } else { Rupiah::ZERO };
    let day_total = spent.plus(price).map_err(|_| Refusal::Limit)?;
    let beyond = |limit| {
        (day_total > limit && !on(Defect::LimitIgnored))
            || (day_total >= limit && on(Defect::LimitAtEquality))
    };
    if facts.member.daily_limit.is_some_and(beyond) {
        return Err(Refusal::Limit);
    }
    let after = account.balance.minus(price).map_err(|_| Refusal::InsufficientBalance)?;
    let room = after.plus(facts.member.credit_limit).map_err(|_| Refusal::InsufficientBalance)?;
    if room.is_negative() && !on(Defect::FloorIgnored) {
        return Err(Refusal::InsufficientBalance);
    }
    Ok(Bought { price, after, day_total, route, why })
}
