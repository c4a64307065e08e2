//! Deposits, withdrawals and callback tries at the desk.

use super::Desk;
use crate::command::{DeliveryTry, Moved};
use domain::{Account, AccountName, Kind, Transfer, callback_delay_ms};
use store::{Change, DeliveryState};
use types::{DeliveryId, MemberId, Rupiah};

impl Desk<'_> {
    pub(super) fn move_money(
        &mut self,
        member: MemberId,
        amount: Rupiah,
        cash: &str,
        note: &str,
    ) -> Moved {
        let (Some(entry), Some(account)) =
            (self.catalog.member_by_id(member), self.facts.accounts.get(&member))
        else {
            return Moved::UnknownMember;
        };
        let Ok(balance) = account.balance.plus(amount) else { return Moved::OutOfRange };
        let Ok(room) = balance.plus(entry.member.credit_limit) else { return Moved::OutOfRange };
        if amount.is_negative() && room.is_negative() {
            return Moved::BelowFloor(balance);
        }
        let account = Account { balance, ..account.clone() };
        let (theirs, ours) = (AccountName::Member(member), AccountName::Cash(cash.to_owned()));
        let (from, to, kind) = if amount.is_negative() {
            (theirs, ours, Kind::Withdrawal)
        } else {
            (ours, theirs, Kind::Deposit)
        };
        let Some(size) = amount.get().checked_abs() else { return Moved::OutOfRange };
        self.put(Change::Transfer(Box::new(Transfer {
            from,
            to,
            amount: Rupiah::new(size),
            kind,
            trx: None,
            balance: Some(balance),
            at: self.now.utc,
            note: note.to_owned(),
        })));
        self.put(Change::Account { member, account });
        Moved::Done(balance)
    }

    pub(super) fn tried(&mut self, id: DeliveryId, result: &DeliveryTry) {
        let Some(mut delivery) = self.facts.deliveries.get(&id).cloned() else { return };
        if delivery.state != DeliveryState::Due {
            return;
        }
        delivery.tries = delivery.tries.saturating_add(1);
        match result {
            DeliveryTry::Delivered { status } => {
                delivery.state = DeliveryState::Delivered;
                delivery.last = status.to_string();
            }
            DeliveryTry::Failed { why, retry_after_ms, chance } => {
                delivery.last.clone_from(why);
                match callback_delay_ms(delivery.tries, *chance, *retry_after_ms) {
                    Some(delay) => delivery.next = self.now.utc.after(delay),
                    None => delivery.state = DeliveryState::Exhausted,
                }
            }
            DeliveryTry::Parked { why } => {
                delivery.state = DeliveryState::Parked;
                delivery.last.clone_from(why);
            }
        }
        self.put(Change::UpdateDelivery(Box::new(delivery)));
    }

    pub(super) fn replay(&mut self, id: DeliveryId) -> bool {
        let Some(mut delivery) = self.facts.deliveries.get(&id).cloned() else { return false };
        delivery.state = DeliveryState::Due;
        delivery.tries = 0;
        delivery.next = self.now.utc;
        self.put(Change::UpdateDelivery(Box::new(delivery)));
        true
    }
}
