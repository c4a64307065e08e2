//! What people change, at the desk: all or nothing. What is possible is decided in `domain`.

use super::Desk;
use super::news::Decided;
use crate::command::{Carried, Errand, Ran};
use defects::{Defect, on};
use domain::{
    Account, Attempt, DeliveryState, Transfer, Unmoved, decide_correction, decide_entry,
    decide_movement,
};
use std::collections::HashMap;
use store::{CatalogChange, Change, Delivery, Paper};
use types::{MemberId, Rupiah};

/// What is decided, ready to be written.
struct Fitting {
    moved: Vec<(Account, Transfer)>,
    corrected: Vec<(Attempt, Transfer)>,
    entered: Vec<Transfer>,
    decided: Option<Decided>,
    replayed: Vec<Delivery>,
}

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
        let Fitting { moved, corrected, entered, decided, replayed } = match self.fits(errand) {
            Ok(all) => all,
            Err(why) => return why,
        };
        let mut carried = Carried::default();
        // Before the movements: a new member's account must be there.
        for change in &errand.catalog {
            self.put(Change::Catalog(Box::new(change.clone())));
        }
        for (account, transfer) in moved {
            carried.balances.push(account.balance);
            let member = transfer.member_change().map(|(member, _)| member);
            self.put(Change::Transfer(Box::new(transfer)));
            if let Some(member) = member {
                self.put(Change::Account { member, account });
            }
        }
        for (attempt, transfer) in corrected {
            self.put(Change::UpdateAttempt(Box::new(attempt)));
            self.put(Change::Transfer(Box::new(transfer)));
        }
        for transfer in entered {
            self.put(Change::Transfer(Box::new(transfer)));
        }
        if let Some(decided) = decided {
            carried.trx = Some(Box::new(self.resolved(decided)));
        }
        for delivery in replayed {
            self.put(Change::UpdateDelivery(Box::new(delivery)));
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
        for line in &errand.lines {
            self.put(Change::Journal(Box::new(line.clone())));
        }
        Ran::Done(carried)
    }

    /// Everything that is decided, before anything of it is written.
    fn fits(&self, errand: &Errand) -> Result<Fitting, Ran> {
        let at = self.now.utc;
        let mut corrected = Vec::new();
        for cost in &errand.costs {
            let trx = cost.trx;
            let known = self.facts.trxs.get(&trx);
            let known = known.ok_or_else(|| Ran::Unfit(format!("there is no trx {trx}")))?;
            let done = decide_correction(cost, &known.attempts, at);
            corrected.push(done.map_err(|why| Ran::Unfit(why.to_string()))?);
        }
        // Members that this very errand adds or changes.
        let records = errand.catalog.iter().filter_map(|change| match change {
            CatalogChange::Member(record) => Some((record.member.id, record.member.credit_limit)),
            CatalogChange::Level(_)
            | CatalogChange::Product(_)
            | CatalogChange::Price { .. }
            | CatalogChange::Supplier(_)
            | CatalogChange::Route(_)
            | CatalogChange::Epoch(_)
            | CatalogChange::RemoveRoute { .. } => None,
        });
        let put: HashMap<MemberId, Rupiah> = records.collect();
        let mut accounts: HashMap<MemberId, Account> = HashMap::new();
        let mut moved = Vec::new();
        let again = errand.moves.iter().filter(|_| on(Defect::DepositTwice));
        for movement in errand.moves.iter().chain(again) {
            let member = movement.member;
            let known = self.catalog.member_by_id(member);
            let limit = put.get(&member).copied();
            let limit = limit.or_else(|| known.map(|entry| entry.member.credit_limit));
            // One movement on top of those before it; a new member's account is empty.
            let account = accounts.get(&member).or_else(|| self.facts.accounts.get(&member));
            let account = account.cloned().or_else(|| known.is_none().then(Account::default));
            let (Some(limit), Some(account)) = (limit, account) else {
                return Err(Ran::Refused { member, why: Unmoved::UnknownMember });
            };
            let done = decide_movement(movement, &account, limit, at);
            let (account, transfer) = done.map_err(|why| Ran::Refused { member, why })?;
            accounts.insert(member, account.clone());
            moved.push((account, transfer));
        }
        let mut entered = Vec::new();
        for entry in &errand.entries {
            let why = || Ran::Unfit(format!("{} cannot be entered", entry.amount));
            entered.push(decide_entry(entry, at).map_err(|_| why())?);
        }
        let decided = match &errand.resolve {
            None => None,
            Some(_) if !(moved.is_empty() && corrected.is_empty()) => {
                let why = "a decision about a purchase stands alone";
                return Err(Ran::Unfit(why.to_owned()));
            }
            Some(resolve) => Some(self.decided(resolve).map_err(Ran::Unfit)?),
        };
        let mut replayed = Vec::new();
        for id in &errand.replay {
            let found = self.facts.deliveries.get(id);
            let found = found.ok_or_else(|| Ran::Unfit(format!("there is no callback {id}")))?;
            let (state, tries, next) = (DeliveryState::Due, 0, at);
            replayed.push(Delivery { state, tries, next, ..found.clone() });
        }
        Ok(Fitting { moved, corrected, entered, decided, replayed })
    }
}
