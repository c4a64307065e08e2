//! A reference that is known is answered with its purchase, whatever keeps us from taking a new one
//! (promise 2): an inactive member, its rate, a full disk, a field that cannot be read.
//!
//! Only authenticated members get here, and beyond their rate only so often. Nothing is written.

use crate::service::Gateway;
use domain::{BuyRequest, Trx};
use engine::{Answer, Bought, Command, MemberEntry, known_answer};
use types::{MemberId, RefId, Refusal};

/// What keeps a purchase from being taken as a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Barred {
    /// A refusal of the request or its member.
    Refused(Refusal),
    /// Beyond its rate, and its look-ups are spent too: nothing is looked up.
    Spent,
    /// The disk is almost full: nothing new is written.
    Full,
}

/// What stands under a reference.
pub(crate) enum Found {
    /// This.
    Known(Box<Trx>),
    /// Nothing, and nothing is on its way.
    Nothing,
    /// It could not be found out now.
    Unclear,
}

impl Gateway {
    /// Whether an authenticated member may buy, and why not.
    pub(crate) fn barred(
        &self,
        entry: &MemberEntry,
        buys: bool,
        spoiled: Option<&Refusal>,
    ) -> Option<Barred> {
        let id = entry.member.id;
        let within = self.0.limiters.member_may(id);
        if !within && !self.0.limiters.member_may_look(id) {
            return Some(Barred::Spent);
        }
        if !entry.member.active {
            Some(Barred::Refused(Refusal::MemberInactive))
        } else if !within {
            Some(Barred::Refused(Refusal::RateLimited))
        } else if let Some(refusal) = spoiled.filter(|_| buys) {
            Some(Barred::Refused(refusal.clone()))
        } else {
            let handle = &self.0.handle;
            // Without readers or workers it would be taken and never sent.
            let shut = handle.is_full() || handle.is_closed() || handle.parts().bars();
            (buys && shut).then_some(Barred::Full)
        }
    }

    /// Found in the store, or never taken: "nothing" only after the writer said so too, because a
    /// purchase may be on its way through the queue.
    pub(crate) async fn find(&self, member: MemberId, ref_id: RefId) -> Found {
        // A node that may have been replaced may stand at a server that was replaced too.
        if !self.0.handle.may_act() {
            return Found::Unclear;
        }
        let asked = ref_id.clone();
        let read = self.0.handle.reads().ask(move |reads| reads.trx_by_ref(member, &asked)).await;
        match read {
            Ok(Ok(Some(trx))) => Found::Known(Box::new(trx)),
            Ok(Ok(None)) => match self.0.handle.submit(Command::Look { member, ref_id }).await {
                Ok(Answer::Looked(Some(trx))) => Found::Known(trx),
                // After a restore it may have been taken and forgotten.
                Ok(Answer::Looked(None)) if self.0.handle.is_closed() => Found::Unclear,
                Ok(Answer::Looked(None)) => Found::Nothing,
                Ok(_) | Err(_) => Found::Unclear,
            },
            Ok(Err(error)) => {
                tracing::error!(%error, "a trx could not be read");
                Found::Unclear
            }
            Err(_) => Found::Unclear,
        }
    }

    /// The answer to a purchase under a reference that is taken.
    pub(crate) async fn answer_known(
        &self,
        entry: &MemberEntry,
        request: &BuyRequest,
        trx: Box<Trx>,
    ) -> Bought {
        let balance = self.balance_of(entry.member.id).await;
        let catalog = self.0.handle.catalog();
        let today = catalog.products().get(&request.product);
        let (zone, now) = (self.0.handle.zone(), self.0.handle.now());
        known_answer(trx, request, &entry.member, today, balance, zone, now)
    }

    /// A member's balance, where it can be read.
    pub(crate) async fn balance_of(&self, id: MemberId) -> Option<types::Rupiah> {
        match self.0.handle.reads().ask(move |reads| reads.balance(id)).await {
            Ok(Ok(balance)) => balance,
            Ok(Err(_)) | Err(_) => None,
        }
    }
}
