//! News of an attempt at the desk: the flip first, then money, then the callback, in one commit.

use super::Desk;
use crate::render::callback_message;
use domain::{
    Attempt, AttemptState, NewsDecision, NewsFacts, Outcome, Ranking, Resolution, Source, Supplier,
    Trx, Wish, decide_news, decide_resolution, rank,
};
use store::{Change, Channel, Delivery, DeliveryState, Direction, JournalLine, Known};
use types::{AttemptId, DeliveryId, Rupiah, SupplierCode, TrxNo};

/// Patience with a supplier that was removed from the catalog.
const CHECK_AFTER_MS: i64 = 60_000;
const SUSPECT_AFTER_MS: i64 = 3_600_000;

impl Desk<'_> {
    /// Promise 3: the intent becomes "sent" once, for one caller, before a byte leaves.
    pub(super) fn mark_sent(&mut self, id: AttemptId) -> bool {
        let Some(known) = self.facts.trxs.get(&id.trx) else { return false };
        let found = known.attempts.iter().find(|attempt| attempt.id == id);
        let Some(attempt) = found.filter(|attempt| attempt.state == AttemptState::Intended) else {
            return false;
        };
        let patience =
            self.supplier(&attempt.supplier).map_or(CHECK_AFTER_MS, |s| s.check_after_ms);
        let sent = Attempt {
            state: AttemptState::Sent,
            sent: Some(self.now.utc),
            next: Some(self.now.utc.after(patience.max(1_000).saturating_add(SEND_SLACK_MS))),
            ..attempt.clone()
        };
        self.put(Change::UpdateAttempt(Box::new(sent)));
        true
    }

    fn supplier(&self, code: &SupplierCode) -> Option<&Supplier> {
        self.catalog.suppliers().get(code)
    }

    pub(super) fn news(
        &mut self,
        about: AttemptId,
        from: &SupplierCode,
        source: Source,
        outcome: &Outcome,
        line: Option<&JournalLine>,
    ) {
        let known = self.facts.trxs.get(&about.trx).cloned();
        if let Some(mut line) = line.cloned() {
            line.member = known.as_ref().map(|known| known.trx.member);
            line.trx = known.as_ref().map(|known| known.trx.no);
            self.put(Change::Journal(Box::new(line)));
        }
        let Some(known) = known else { return };
        let own = known.attempts.iter().any(|a| a.id == about && a.supplier == *from);
        if !own {
            return;
        }
        let decided = self.with_facts(&known, |facts| {
            decide_news(facts, about.n, source, outcome).map_err(|error| error.to_string())
        });
        match decided {
            Ok(decision) => self.carry_out(&known, decision),
            Err(error) => self.put(Change::Suspect { no: about.trx, why: Some(error) }),
        }
    }

    /// A callback that is not believed by itself: the open attempt is due for a question.
    pub(super) fn ask_soon(&mut self, about: AttemptId, line: &JournalLine) {
        let mut line = line.clone();
        let known = self.facts.trxs.get(&about.trx).cloned();
        line.member = known.as_ref().map(|known| known.trx.member);
        line.trx = known.as_ref().map(|known| known.trx.no);
        self.put(Change::Journal(Box::new(line)));
        let attempt = known.and_then(|known| known.attempts.into_iter().find(|a| a.id == about));
        let Some(attempt) = attempt.filter(|a| a.sent.is_some() && a.state.is_open()) else {
            return;
        };
        let next = Some(self.now.utc);
        self.put(Change::UpdateAttempt(Box::new(Attempt { next, ..attempt })));
    }

    pub(super) fn resolve(
        &mut self,
        no: TrxNo,
        resolution: &Resolution,
        note: &str,
    ) -> Result<Trx, String> {
        let known =
            self.facts.trxs.get(&no).cloned().ok_or_else(|| format!("there is no trx {no}"))?;
        let decision = self.with_facts(&known, |facts| {
            decide_resolution(facts, resolution).map_err(|error| error.to_string())
        })?;
        self.carry_out(&known, decision);
        self.put(Change::Journal(Box::new(JournalLine {
            at: self.now.utc,
            direction: Direction::In,
            channel: Channel::Admin,
            peer: "operator".to_owned(),
            member: Some(known.trx.member),
            trx: Some(no),
            request: format!("resolve {resolution:?}"),
            reply: note.to_owned(),
            status: "resolved".to_owned(),
            millis: 0,
        })));
        Ok(self.facts.trxs.get(&no).map_or(known.trx, |known| known.trx.clone()))
    }

    fn with_facts<T>(
        &self,
        known: &Known,
        decide: impl FnOnce(&NewsFacts<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let trx = &known.trx;
        let balance =
            self.facts.accounts.get(&trx.member).map_or(Rupiah::ZERO, |account| account.balance);
        let uplines = trx.shares.0.iter().map(|share| {
            let account = self.facts.accounts.get(&share.member);
            let missing = || format!("the account of upline {} is not at hand", share.member);
            account.map(|account| account.balance).ok_or_else(missing)
        });
        let uplines: Vec<Rupiah> = uplines.collect::<Result<_, String>>()?;
        let ranking = match self.catalog.products().get(&trx.product) {
            None => Ranking::default(),
            Some(product) => rank(
                self.catalog.offers(&trx.product, self.health, self.now),
                &Wish {
                    product,
                    dest: &trx.dest,
                    qty: trx.qty,
                    price: trx.ours(),
                    no: trx.no,
                    now: self.now,
                },
            ),
        };
        let current = known.attempts.iter().find(|attempt| attempt.id.n == trx.attempt);
        let supplier = current.and_then(|attempt| self.supplier(&attempt.supplier));
        decide(&NewsFacts {
            trx,
            attempts: &known.attempts,
            balance,
            uplines: &uplines,
            ranking: &ranking,
            trusted_reversal: supplier.is_some_and(|supplier| supplier.trusted_reversal),
            check_after_ms: supplier.map_or(CHECK_AFTER_MS, |supplier| supplier.check_after_ms),
            suspect_after_ms: supplier
                .map_or(SUSPECT_AFTER_MS, |supplier| supplier.suspect_after_ms),
            now: self.now.utc,
        })
    }

    fn carry_out(&mut self, known: &Known, decision: NewsDecision) {
        let trx = &known.trx;
        let flipped = decision.flip.is_some();
        if let Some(state) = decision.flip {
            let (no, from) = (trx.no, trx.state.word());
            self.put(Change::FlipTrx { no, from, state: Box::new(state) });
        }
        for transfer in decision.transfers {
            if let Some((member, change)) = transfer.member_change() {
                self.credit_account(member, change, trx);
            }
            self.put(Change::Transfer(Box::new(transfer)));
        }
        for attempt in decision.attempts {
            let is_new = known.attempts.iter().all(|old| old.id != attempt.id);
            let attempt = Box::new(attempt);
            self.put(if is_new {
                Change::InsertAttempt(attempt)
            } else {
                Change::UpdateAttempt(attempt)
            });
        }
        if let Some(why) = decision.suspect {
            self.put(Change::Suspect { no: trx.no, why });
        }
        if flipped {
            self.outbox(trx.no);
        }
    }

    /// Refunds come off the day's total of the day they were bought on.
    fn credit_account(&mut self, member: types::MemberId, change: i64, trx: &Trx) {
        let Some(mut account) = self.facts.accounts.get(&member).cloned() else { return };
        // The decision computed the same sum with checked arithmetic before.
        account.balance = Rupiah::new(account.balance.get().saturating_add(change));
        if member == trx.member && account.day == trx.day {
            let total = account.day_total.get().saturating_sub(change);
            account.day_total = Rupiah::new(total.max(0));
        }
        self.put(Change::Account { member, account });
    }

    /// Promise 6: the delivery is written in the settlement's own commit, its text frozen there.
    fn outbox(&mut self, no: TrxNo) {
        let Some(trx) = self.facts.trxs.get(&no).map(|known| known.trx.clone()) else { return };
        let Some(entry) = self.catalog.member_by_id(trx.member) else { return };
        if entry.member.callback_url.is_none() {
            return;
        }
        let Some(message) = callback_message(&trx, &entry.member, self.zone) else { return };
        self.put(Change::InsertDelivery(Box::new(Delivery {
            id: DeliveryId::new(self.facts.next_delivery),
            trx: no,
            member: trx.member,
            ref_id: trx.ref_id.to_string(),
            message,
            created: self.now.utc,
            state: DeliveryState::Due,
            tries: 0,
            next: self.now.utc,
            last: String::new(),
        })));
    }
}

/// On top of the supplier's patience, so that a request in flight is not asked about while its
/// transport may still bring the answer (the transport's limit is 30 s).
const SEND_SLACK_MS: i64 = 35_000;
