//! News of an attempt at the desk: the flip first, then money, then the callback, in one commit.

use super::Desk;
use crate::command::Resolve;
use crate::render::callback_message;
use defects::{Defect, on};
use domain::{
    Attempt, AttemptState, Failover, LateFailure, NewsDecision, NewsFacts, Offer, Outcome, Ranking,
    Source, Supplier, Tie, Trx, TrxState, Wish, decide_news, decide_overdue, decide_resolution,
    decide_restored, decide_unsendable, not_alone, obstacle, rank,
};
use store::{Change, Delivery, DeliveryState, JournalLine, Known, Place, ProofKey};
use types::{AttemptId, DeliveryId, Rupiah, Sn, SupplierCode, TrxNo};

/// What the store remembers that bears on a supplier's words.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    /// Another trx with the same serial number.
    twin: Option<TrxNo>,
    /// Another open attempt for the same.
    rival: Option<AttemptId>,
}

/// Patience with a supplier that was removed from the catalog.
const CHECK_AFTER_MS: i64 = 60_000;
pub(crate) const SUSPECT_AFTER_MS: i64 = 3_600_000;

/// A person's decision, ready to be written.
pub(super) struct Decided {
    known: Known,
    decision: NewsDecision,
    looked_up: bool,
}

impl Desk<'_> {
    /// Promise 3: the intent becomes "sent" once, for one caller, before a byte leaves.
    ///
    /// A supplier that was paused, barred or disturbed since the purchase was queued gets nothing:
    /// nothing left, so the purchase is ranked again.
    pub(super) fn mark_sent(&mut self, id: AttemptId, edition: u64) -> bool {
        let Some(known) = self.facts.trxs.get(&id.trx).cloned() else { return false };
        let found = known.attempts.iter().find(|attempt| attempt.id == id);
        let Some(attempt) = found.filter(|attempt| attempt.state == AttemptState::Intended) else {
            return false;
        };
        if known.trx.state != TrxState::Pending {
            return false;
        }
        if self.catalog.epochs().is_restored(id.trx) {
            let decided = self.with_facts(&known, &Evidence::default(), |facts| {
                Ok(decide_restored(facts, attempt))
            });
            if let Ok(decision) = decided {
                self.carry_out(&known, decision);
            }
            return false;
        }
        let alone = not_alone(&known.trx, &known.attempts, id);
        let barred = || self.unsendable(&known.trx, attempt).filter(|_| !on(Defect::PauseNotHeard));
        if let Some(why) = alone.or_else(barred) {
            let decided = self.with_facts(&known, &Evidence::default(), |facts| {
                decide_unsendable(facts, attempt, &why).map_err(|error| error.to_string())
            });
            match decided {
                Ok(decision) => self.carry_out(&known, decision),
                Err(error) => self.put(Change::Suspect { no: id.trx, why: Some(error) }),
            }
            return false;
        }
        // Settings changed since the sender took them up: it comes again with the new ones.
        if self.catalog.edition(&attempt.supplier) != edition {
            return false;
        }
        let patience =
            self.supplier(&attempt.supplier).map_or(CHECK_AFTER_MS, |s| s.check_after_ms);
        let sent = Attempt {
            state: AttemptState::Sent,
            sent: Some(self.now.utc),
            next: Some(self.now.utc.after(patience.max(1_000).saturating_add(SEND_SLACK_MS))),
            ..attempt.clone()
        };
        if !on(Defect::MarkerUnwritten) {
            self.put(Change::UpdateAttempt(Box::new(sent)));
        }
        true
    }

    /// What keeps an attempt from being sent at this moment.
    fn unsendable(&self, trx: &Trx, attempt: &Attempt) -> Option<String> {
        let routes = self.catalog.routes(&trx.product);
        let Some((route, supplier)) =
            routes.into_iter().find(|(route, _)| route.supplier == attempt.supplier)
        else {
            return Some("its route is gone".to_owned());
        };
        let barred = self.health.bars_sending(route, attempt.created, self.now.utc);
        obstacle(&Offer { route, supplier, barred }, self.now)
    }

    fn supplier(&self, code: &SupplierCode) -> Option<&Supplier> {
        self.catalog.suppliers().get(code)
    }

    pub(super) fn news(
        &mut self,
        about: AttemptId,
        place: &Place,
        source: Source,
        outcome: &Outcome,
        line: Option<&JournalLine>,
    ) {
        let known = self.facts.trxs.get(&about.trx).cloned();
        if let Some(mut line) = line.filter(|_| !on(Defect::WordsUnrecorded)).cloned() {
            line.member = known.as_ref().map(|known| known.trx.member);
            line.trx = known.as_ref().map(|known| known.trx.no);
            self.put(Change::Journal(Box::new(line)));
        }
        let Some(mut known) = known else { return };
        if on(Defect::PriceOfNow)
            && let Some(entry) = self.catalog.member_by_id(known.trx.member)
            && let Some((_, now, _)) = self.catalog.terms(&entry.member, &known.trx.product)
        {
            known.trx.price = now.amount;
        }
        let own = known.attempts.iter().any(|a| a.id == about && a.supplier == place.supplier);
        if !own {
            return;
        }
        let evidence = self.evidence(&known.trx, place, outcome);
        let decided = self.with_facts(&known, &evidence, |facts| {
            decide_news(facts, about.n, source, outcome).map_err(|error| error.to_string())
        });
        match decided {
            Ok(decision) => self.carry_out(&known, decision),
            Err(error) => self.put(Change::Suspect { no: about.trx, why: Some(error) }),
        }
        self.remember_told(&known.trx, place, outcome);
    }

    /// A number that is told over our reference is that purchase's from now on, also where it decides
    /// nothing: of one that was closed, or that has another number already. An equal purchase must not be
    /// settled with it.
    fn remember_told(&mut self, trx: &Trx, place: &Place, outcome: &Outcome) {
        if on(Defect::TwinsForgotten) {
            return;
        }
        let Outcome::Success { sn: Some(sn), tie: Tie::Reference, .. } = outcome else { return };
        let key = ProofKey::of(&place.supplier, sn, &place.dest);
        let Some(key) = key.filter(|_| trx.price > Rupiah::ZERO) else { return };
        if !self.facts.proofs.contains_key(&key) {
            self.put(Change::Proof { key, trx: trx.no });
        }
    }

    /// What the store remembers that bears on these words.
    fn evidence(&self, trx: &Trx, place: &Place, outcome: &Outcome) -> Evidence {
        let sn = match outcome {
            Outcome::Success { sn, .. } => sn.as_ref(),
            Outcome::Failed { .. }
            | Outcome::Doubtful { .. }
            | Outcome::Pending
            | Outcome::Unknown { .. }
            | Outcome::Unsent { .. }
            | Outcome::Held { .. } => None,
        };
        // What costs nothing is a name check: the same answer every time.
        let sn = sn.filter(|_| trx.price > Rupiah::ZERO);
        let key = sn.and_then(|sn| ProofKey::of(&place.supplier, sn, &place.dest));
        let first = key.and_then(|key| self.facts.proofs.get(&key).copied());
        let rivals = self.facts.places.get(place).map_or(&[][..], Vec::as_slice);
        Evidence {
            twin: first.filter(|first| *first != trx.no),
            rival: rivals
                .iter()
                .find(|rival| rival.trx != trx.no && !on(Defect::RivalsForgotten))
                .copied(),
        }
    }

    /// The purchase waits for longer than its supplier's patience.
    pub(super) fn overdue(&mut self, no: TrxNo, waits_for: &str) {
        let Some(known) = self.facts.trxs.get(&no).cloned() else { return };
        let decision = self
            .with_facts(&known, &Evidence::default(), |facts| Ok(decide_overdue(facts, waits_for)));
        if let Ok(decision) = decision {
            self.carry_out(&known, decision);
        }
    }

    /// Something that is not believed by itself: the attempt is due for a question, not before its
    /// supplier may be asked again. One that was never sent, or failed, is not asked about: where a
    /// question is the purchase sent again, that would buy it.
    pub(super) fn ask_soon(&mut self, about: AttemptId, wait_ms: i64, line: &JournalLine) {
        let mut line = line.clone();
        let known = self.facts.trxs.get(&about.trx).cloned();
        line.member = known.as_ref().map(|known| known.trx.member);
        line.trx = known.as_ref().map(|known| known.trx.no);
        self.put(Change::Journal(Box::new(line)));
        let attempt = known.and_then(|known| known.attempts.into_iter().find(|a| a.id == about));
        let Some(attempt) = attempt.filter(|attempt| attempt.sent.is_some()) else { return };
        let checks = match &attempt.state {
            AttemptState::Sent | AttemptState::Waiting | AttemptState::Unknown { .. } => {
                attempt.checks
            }
            AttemptState::Delivered { .. } => 0,
            AttemptState::Intended | AttemptState::Unsent { .. } | AttemptState::Failed { .. } => {
                return;
            }
        };
        let soon = self.now.utc.after(wait_ms.max(0));
        let next = Some(attempt.next.map_or(soon, |next| next.min(soon)));
        self.put(Change::UpdateAttempt(Box::new(Attempt { next, checks, ..attempt })));
    }

    /// What a person's decision comes to; nothing is written yet.
    pub(super) fn decided(&self, resolve: &Resolve) -> Result<Decided, String> {
        let Resolve { trx: no, resolution, place } = resolve;
        let known = self.facts.trxs.get(no).cloned();
        let known = known.ok_or_else(|| format!("there is no trx {no}"))?;
        let decision = self.with_facts(&known, &Evidence::default(), |facts| {
            decide_resolution(facts, resolution).map_err(|error| error.to_string())
        })?;
        // Only what was looked up may be remembered as new.
        let looked_up = place.as_ref().is_some_and(|place| {
            known.attempts.iter().any(|attempt| {
                attempt.id.n == known.trx.attempt && attempt.supplier == place.supplier
            })
        });
        Ok(Decided { known, decision, looked_up })
    }

    /// Writes it; the trx as it stands then.
    pub(super) fn resolved(&mut self, decided: Decided) -> Trx {
        let Decided { known, decision, looked_up } = decided;
        self.carry_out_with(&known, decision, looked_up);
        self.facts.trxs.get(&known.trx.no).map_or(known.trx, |known| known.trx.clone())
    }

    fn with_facts<T>(
        &self,
        known: &Known,
        evidence: &Evidence,
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
                self.catalog.offers(&trx.product, self.health, self.bought(), self.now),
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
            twin: evidence.twin,
            rival: evidence.rival,
            failover: if self.catalog.epochs().is_restored(trx.no) {
                Failover { late: LateFailure::Restored, ..self.failover }
            } else {
                self.failover
            },
            trusted_reversal: supplier.is_some_and(|supplier| supplier.trusted_reversal),
            check_after_ms: supplier.map_or(CHECK_AFTER_MS, |supplier| supplier.check_after_ms),
            suspect_after_ms: supplier
                .map_or(SUSPECT_AFTER_MS, |supplier| supplier.suspect_after_ms),
            now: self.now.utc,
        })
    }

    fn carry_out(&mut self, known: &Known, decision: NewsDecision) {
        self.carry_out_with(known, decision, true);
    }

    /// `looked_up`: whether the serial number is new is known from the facts.
    fn carry_out_with(&mut self, known: &Known, decision: NewsDecision, looked_up: bool) {
        let trx = &known.trx;
        let flipped = decision.flip.as_ref().is_some_and(|state| {
            !(on(Defect::LaterNumberUntold) && state.word() == trx.state.word())
        });
        if looked_up {
            self.remember_proof(trx, &decision);
        }
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
            if let Some(why) = &why {
                tracing::warn!(trx = %trx.no, why, "a purchase waits for a person");
            }
            if !on(Defect::SuspectUnwritten) {
                self.put(Change::Suspect { no: trx.no, why });
            }
        }
        if flipped {
            self.outbox(trx.no);
        }
    }

    /// A serial number settles a purchase: from now on it is known at its supplier.
    fn remember_proof(&mut self, trx: &Trx, decision: &NewsDecision) {
        if trx.price <= Rupiah::ZERO || on(Defect::TwinsForgotten) {
            return;
        }
        for attempt in &decision.attempts {
            let AttemptState::Delivered { sn } = &attempt.state else { continue };
            if *sn == Sn::stand_in(attempt.id) {
                continue;
            }
            let Some(key) = ProofKey::of(&attempt.supplier, sn, &trx.dest) else { continue };
            if !self.facts.proofs.contains_key(&key) {
                self.put(Change::Proof { key, trx: trx.no });
            }
        }
    }

    /// Refunds come off the day's total of the day they were bought on.
    fn credit_account(&mut self, member: types::MemberId, change: i64, trx: &Trx) {
        let Some(mut account) = self.facts.accounts.get(&member).cloned() else { return };
        let is_buyer = member == trx.member;
        if is_buyer && on(Defect::RefundLeavesBalance) {
            return;
        }
        // The decision computed the same sum with checked arithmetic before.
        account.balance = Rupiah::new(account.balance.get().saturating_add(change));
        if is_buyer && account.day == trx.day && !on(Defect::RefundKeepsTheDay) {
            let total = account.day_total.get().saturating_sub(change);
            account.day_total = Rupiah::new(total.max(0));
        }
        self.put(Change::Account { member, account });
    }

    /// Promise 6: the delivery is written in the settlement's own commit, its text frozen there.
    fn outbox(&mut self, no: TrxNo) {
        let Some(trx) = self.facts.trxs.get(&no).map(|known| known.trx.clone()) else { return };
        let Some(entry) = self.catalog.member_by_id(trx.member) else { return };
        if entry.member.callback_url.is_none() || on(Defect::OutboxUnwritten) {
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
