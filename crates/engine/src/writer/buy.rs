//! A purchase at the desk: decide, write, render.

use super::Desk;
use crate::command::{Asked, Bought};
use crate::render::{accept_reply, phrase, refused, stored};
use defects::{Defect, on};
use domain::{BuyDecision, BuyFacts, BuyRequest, RepeatWords, Shares, decide_buy};
use store::{Change, Channel, Direction, JournalLine, SameDay};
use types::{MemberId, Refusal, TrxNo};
use wire::Phrase;

impl Desk<'_> {
    pub(super) fn buy(&mut self, id: MemberId, request: &BuyRequest, asked: &Asked) -> Bought {
        let bought = self.decide_purchase(id, request);
        if on(Defect::PurchaseUnrecorded) {
            return bought;
        }
        let own_trx = bought.trx.as_ref().filter(|_| bought.own).map(|trx| trx.no);
        self.put(Change::Journal(Box::new(JournalLine {
            at: asked.received,
            direction: Direction::In,
            channel: Channel::Trx,
            peer: asked.peer.clone(),
            member: Some(id),
            trx: own_trx,
            request: asked.request.clone(),
            reply: bought.text.clone(),
            status: bought.code.to_owned(),
            millis: self.now.utc.since(asked.received).max(0),
            stamps: Vec::new(),
        })));
        bought
    }

    fn decide_purchase(&mut self, id: MemberId, request: &BuyRequest) -> Bought {
        let (Some(entry), Some(account)) =
            (self.catalog.member_by_id(id).cloned(), self.facts.accounts.get(&id).cloned())
        else {
            let refusal = Refusal::UnknownMember;
            return refused(request, &refusal, None, Phrase::default(), self.now);
        };
        let member = &entry.member;
        let terms = self.catalog.terms(member, &request.product);
        let (product, shares) = match terms {
            Some((product, price, shares)) => (Some((product, price)), shares),
            None => (None, Shares::default()),
        };
        let same_day = product
            .and_then(|(product, _)| {
                let dest = product.dest_rule.normalise(&request.dest)?;
                let day = self.now.civil.date();
                let key = SameDay { member: id, product: product.code.clone(), dest, day };
                self.facts.same_day.get(&key).copied()
            })
            .unwrap_or_default();
        let existing = self.facts.by_ref(id, &request.ref_id).map(|known| known.trx.clone());
        let routes = self.catalog.offers(&request.product, self.health, self.bought(), self.now);
        let turn = super::turn(self.catalog, request, self.now);
        let before = turn.as_ref().and_then(|turn| self.facts.turns.get(turn)).copied();
        let counter = before.unwrap_or_default().saturating_add(1);
        let facts = BuyFacts {
            counter,
            member,
            account: &account,
            existing: existing.as_ref(),
            same_day,
            product,
            shares: &shares,
            routes: &routes,
        };
        let words = phrase(member);
        match decide_buy(&facts, request, TrxNo::new(self.facts.next_trx), self.now) {
            BuyDecision::Accept { trx, debit, attempt, account } => {
                self.put(Change::InsertTrx { trx: trx.clone(), guarded: member.same_day_guard });
                self.put(Change::InsertAttempt(attempt));
                if let Some(turn) = turn {
                    self.put(Change::Turn { turn, count: counter });
                }
                if !on(Defect::DebitUnwritten) {
                    self.put(Change::Transfer(debit));
                }
                if !on(Defect::BalanceUnwritten) {
                    self.put(Change::Account { member: id, account });
                }
                let text = accept_reply(&trx, self.zone).text(words);
                Bought { text, code: "accepted", trx: Some(trx), own: true, refusal: None }
            }
            BuyDecision::RefuseStored(trx) => {
                self.put(Change::InsertTrx { trx: trx.clone(), guarded: false });
                stored(trx, RepeatWords::AsItStands, words, self.zone, self.now)
            }
            BuyDecision::Refuse(refusal) => {
                let balance = Some(account.balance);
                let mut bought = refused(request, &refusal, balance, words, self.now);
                bought.trx = existing.map(Box::new);
                bought
            }
            BuyDecision::Repeat => match existing {
                Some(trx) => {
                    stored(Box::new(trx), member.dialect.repeat, words, self.zone, self.now)
                }
                None => {
                    let balance = Some(account.balance);
                    refused(request, &Refusal::RefConflict, balance, words, self.now)
                }
            },
        }
    }
}
