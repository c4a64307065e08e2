//! Errands of the office at the desk: papers, movements of money and the catalog, all or nothing.

use super::Desk;
use crate::command::{CostCorrection, Errand, Moved, Movement, Ran};
use domain::{Account, AccountName, Attempt, AttemptState, Kind, Transfer};
use std::collections::HashMap;
use store::{Change, Paper};
use types::{MemberId, Rupiah};

impl Desk<'_> {
    /// Looks at every condition first; what is refused leaves nothing behind.
    pub(super) fn errand(&mut self, errand: &Errand) -> Ran {
        for paper in &errand.papers {
            let now = self.facts.papers.get(&paper.key).map_or(0, |paper| paper.version);
            if now != paper.seen {
                return Ran::Stale(paper.key.clone());
            }
        }
        let open = |code| Some((code, *self.facts.open_at.get(code)?));
        let busy = errand.idle.iter().filter_map(open).find(|(_, count)| *count > 0);
        if let Some((code, count)) = busy {
            return Ran::StillOpen(code.clone(), count);
        }
        let mut corrected = Vec::new();
        for cost in &errand.costs {
            match self.corrected(cost) {
                Ok(attempt) => corrected.push(attempt),
                Err(why) => return Ran::Unfit(why),
            }
        }
        let mut accounts: HashMap<MemberId, Account> = HashMap::new();
        let mut transfers = Vec::new();
        for movement in &errand.moves {
            match self.movement(movement, &mut accounts) {
                Ok(transfer) => transfers.push(transfer),
                Err(why) => return Ran::Refused { member: movement.member, why },
            }
        }
        let balances = transfers.iter().map(|transfer| transfer.balance.unwrap_or_default());
        let balances: Vec<Rupiah> = balances.collect();
        for transfer in transfers {
            self.put(Change::Transfer(Box::new(transfer)));
        }
        for (cost, attempt) in errand.costs.iter().zip(corrected) {
            self.correct_cost(cost, attempt);
        }
        for (member, account) in accounts {
            self.put(Change::Account { member, account });
        }
        for paper in &errand.papers {
            let key = paper.key.clone();
            self.put(match &paper.put {
                None if paper.seen == 0 => continue,
                None => Change::DropPaper { key, version: paper.seen },
                Some(text) => Change::PutPaper(Box::new(Paper {
                    key,
                    tag: text.tag.clone(),
                    version: paper.seen + 1,
                    at: self.now.utc,
                    body: text.body.clone(),
                })),
            });
        }
        for change in &errand.catalog {
            self.put(Change::Catalog(Box::new(change.clone())));
        }
        for line in &errand.lines {
            self.put(Change::Journal(Box::new(line.clone())));
        }
        Ran::Done(balances)
    }

    /// The attempt that was delivered, with what it really cost.
    fn corrected(&self, cost: &CostCorrection) -> Result<Attempt, String> {
        let (trx, supplier) = (cost.trx, &cost.supplier);
        let known = self.facts.trxs.get(&trx).ok_or_else(|| format!("there is no trx {trx}"))?;
        let delivered = known.attempts.iter().find(|attempt| {
            attempt.supplier == *supplier && matches!(attempt.state, AttemptState::Delivered { .. })
        });
        let attempt =
            delivered.ok_or_else(|| format!("trx {trx} was not delivered by {supplier}"))?;
        if let Some(was) = cost.was.filter(|was| *was != attempt.cost) {
            let now = attempt.cost;
            return Err(format!(
                "trx {trx} is booked with {now} now and not with {was} any more; compare again"
            ));
        }
        let cost = attempt.cost.plus(cost.more).map_err(|error| error.to_string())?;
        if cost.is_negative() {
            return Err(format!("trx {trx} would cost {cost}"));
        }
        Ok(Attempt { cost, ..attempt.clone() })
    }

    fn correct_cost(&mut self, cost: &CostCorrection, attempt: Attempt) {
        self.put(Change::UpdateAttempt(Box::new(attempt)));
        let supplier = AccountName::Supplier(cost.supplier.clone());
        let (from, to) = if cost.more.is_negative() {
            (AccountName::Cogs, supplier)
        } else {
            (supplier, AccountName::Cogs)
        };
        self.put(Change::Transfer(Box::new(Transfer {
            from,
            to,
            amount: Rupiah::new(cost.more.get().saturating_abs()),
            kind: Kind::CostCorrection,
            trx: Some(cost.trx),
            balance: None,
            at: self.now.utc,
            note: cost.note.clone(),
        })));
    }

    /// One movement on top of those before it.
    fn movement(
        &self,
        movement: &Movement,
        accounts: &mut HashMap<MemberId, Account>,
    ) -> Result<Transfer, Moved> {
        let member = movement.member;
        let entry = self.catalog.member_by_id(member).ok_or(Moved::UnknownMember)?;
        let known = accounts.get(&member).or_else(|| self.facts.accounts.get(&member));
        let account = known.cloned().ok_or(Moved::UnknownMember)?;
        let balance = account.balance.plus(movement.amount).map_err(|_| Moved::OutOfRange)?;
        let room = balance.plus(entry.member.credit_limit).map_err(|_| Moved::OutOfRange)?;
        if movement.amount.is_negative() && room.is_negative() {
            return Err(Moved::BelowFloor(balance));
        }
        let size = movement.amount.get().checked_abs().ok_or(Moved::OutOfRange)?;
        let (theirs, other) = (AccountName::Member(member), movement.other.clone());
        let (from, to) =
            if movement.amount.is_negative() { (theirs, other) } else { (other, theirs) };
        accounts.insert(member, Account { balance, ..account });
        Ok(Transfer {
            from,
            to,
            amount: Rupiah::new(size),
            kind: movement.kind,
            trx: None,
            balance: Some(balance),
            at: self.now.utc,
            note: movement.note.clone(),
        })
    }
}
