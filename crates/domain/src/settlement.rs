//! The money of a settlement, a refund and a reversal: which accounts, how much, and what follows for
//! the trx. Whether it happens at all is decided in `news` and `resolution`.

use crate::suspicion::{Verdict, eased};
use crate::{
    AccountName, Attempt, AttemptState, Kind, Loss, NewsDecision, NewsFacts, Transfer,
    plausible_cost,
};
use defects::{Defect, on};
use types::{MoneyError, Reason, Rupiah, Sn};

fn transfer(
    facts: &NewsFacts<'_>,
    from: AccountName,
    to: AccountName,
    amount: Rupiah,
    kind: Kind,
    balance: Option<Rupiah>,
) -> Transfer {
    let trx = Some(facts.trx.no);
    Transfer { from, to, amount, kind, trx, balance, at: facts.now, note: String::new() }
}

pub(crate) fn settle(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    sn: &Sn,
    cost: Option<Rupiah>,
) -> Result<Option<NewsDecision>, MoneyError> {
    let told = plausible_cost(attempt.cost, cost);
    let cost = told.booked();
    let Ok(flip) = facts.trx.state.succeed(sn.clone(), cost, facts.now) else { return Ok(None) };
    let supplier = AccountName::Supplier(attempt.supplier.clone());
    let price = facts.trx.price;
    let mut transfers = vec![
        transfer(facts, AccountName::Hold, AccountName::Sales, price, Kind::Settle, None),
        transfer(facts, supplier, AccountName::Cogs, cost, Kind::Cost, None),
    ];
    if on(Defect::HoldNotReleased) {
        transfers.remove(0);
    }
    for (share, balance) in facts.trx.shares.0.iter().zip(facts.uplines) {
        if on(Defect::SharesUnpaid) {
            break;
        }
        let buyer = on(Defect::ShareToBuyer);
        let (member, balance) =
            if buyer { (facts.trx.member, &facts.balance) } else { (share.member, balance) };
        let (from, to) = (AccountName::Commission, AccountName::Member(member));
        let after = Some(balance.plus(share.amount)?);
        transfers.push(transfer(facts, from, to, share.amount, Kind::Commission, after));
    }
    Ok(Some(NewsDecision {
        flip: Some(flip),
        attempts: vec![Attempt {
            state: AttemptState::Delivered { sn: sn.clone() },
            cost,
            next: None,
            ..attempt.clone()
        }],
        transfers,
        suspect: told.suspicion().map(Some).or_else(|| eased(facts.trx, Verdict::Delivered)),
    }))
}

/// Whose the supplier's price of a reversed purchase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostBack {
    /// The supplier gives it back: it says itself that nothing was delivered.
    Returned,
    /// The supplier keeps it: our loss.
    Kept,
}

/// What uplines give back of a purchase that was not one. Nobody is brought below zero for it: what
/// an upline has spent meanwhile is our loss.
fn give_back(facts: &NewsFacts<'_>) -> Result<Vec<Transfer>, MoneyError> {
    let mut transfers = Vec::new();
    if on(Defect::SharesNotTakenBack) {
        return Ok(transfers);
    }
    for (share, balance) in facts.trx.shares.0.iter().zip(facts.uplines) {
        let amount = share.amount.min((*balance).max(Rupiah::ZERO));
        let short = share.amount.minus(amount)?;
        let (from, to) = (AccountName::Member(share.member), AccountName::Commission);
        let after = Some(balance.minus(amount)?);
        transfers.push(transfer(facts, from, to, amount, Kind::CommissionReversal, after));
        if short > Rupiah::ZERO {
            let (from, to) = (AccountName::Loss(Loss::SpentCommission), AccountName::Commission);
            let mut lost = transfer(facts, from, to, short, Kind::SpentCommission, None);
            lost.note = format!("spent by member {}", share.member);
            transfers.push(lost);
        }
    }
    Ok(transfers)
}

/// The whole price goes back to who paid it.
fn refunded(facts: &NewsFacts<'_>, balance: Rupiah) -> Result<Vec<Transfer>, MoneyError> {
    let (mut member, mut balance) = (facts.trx.member, balance);
    if let (Some(share), Some(upline)) = (facts.trx.shares.0.first(), facts.uplines.first())
        && on(Defect::RefundToUpline)
    {
        (member, balance) = (share.member, upline.plus(facts.trx.price)?);
    }
    let mut transfers = vec![transfer(
        facts,
        AccountName::Hold,
        AccountName::Member(member),
        facts.trx.price,
        Kind::Refund,
        Some(balance),
    )];
    if on(Defect::RefundUnwritten) {
        transfers.clear();
    }
    if let Some(attempt) = facts.attempts.last()
        && on(Defect::FailureCosts)
    {
        let supplier = AccountName::Supplier(attempt.supplier.clone());
        transfers.push(transfer(
            facts,
            supplier,
            AccountName::Cogs,
            attempt.cost,
            Kind::Cost,
            None,
        ));
    }
    Ok(transfers)
}

pub(crate) fn refund(facts: &NewsFacts<'_>, reason: Reason) -> Result<NewsDecision, MoneyError> {
    let balance = facts.balance.plus(facts.trx.price)?;
    let Ok(flip) = facts.trx.state.fail(reason, balance, facts.now) else {
        return Ok(NewsDecision::default());
    };
    Ok(NewsDecision {
        flip: Some(flip),
        transfers: refunded(facts, balance)?,
        suspect: eased(facts.trx, Verdict::NotDelivered),
        attempts: Vec::new(),
    })
}

pub(crate) fn reverse(
    facts: &NewsFacts<'_>,
    reason: Reason,
    cost: CostBack,
) -> Result<NewsDecision, MoneyError> {
    let balance = facts.balance.plus(facts.trx.price)?;
    let Ok(flip) = facts.trx.state.reverse(reason, balance, facts.now) else {
        return Ok(NewsDecision::default());
    };
    let member = AccountName::Member(facts.trx.member);
    let mut decision = NewsDecision {
        flip: Some(flip),
        transfers: vec![transfer(
            facts,
            AccountName::Sales,
            member,
            facts.trx.price,
            Kind::Reversal,
            Some(balance),
        )],
        suspect: eased(facts.trx, Verdict::NotDelivered),
        attempts: Vec::new(),
    };
    if let Some(delivered) = delivered(facts).filter(|_| !on(Defect::CostNotReturned)) {
        let (to, kind) = match cost {
            CostBack::Returned => {
                (AccountName::Supplier(delivered.supplier.clone()), Kind::CostReversal)
            }
            CostBack::Kept => (AccountName::Loss(Loss::KeptCost), Kind::KeptCost),
        };
        // A person may have corrected the cost since.
        let amount = delivered.cost;
        decision.transfers.push(transfer(facts, AccountName::Cogs, to, amount, kind, None));
    }
    decision.transfers.extend(give_back(facts)?);
    Ok(decision)
}

pub(crate) fn delivered<'a>(facts: &NewsFacts<'a>) -> Option<&'a Attempt> {
    facts.attempts.iter().find(|attempt| matches!(attempt.state, AttemptState::Delivered { .. }))
}
