//! The writer: collect, decide, commit once, act after.
//!
//! `Core::step` is the whole of it and is synchronous: tests and simulation call it by hand. The
//! loop around it takes whatever queued while the previous commit ran; there is no timer.

mod alert;
mod buy;
mod errand;
mod moves;
mod news;
mod stamps;

pub(crate) use news::SUSPECT_AFTER_MS;

use crate::command::{Answer, Command};
use crate::crash::crash_point;
use crate::snapshot::Snapshot;
use crate::{Catalog, Clock, Health, NotDone, Zone};
use domain::{Failover, Outcome, Tie};
use std::sync::Arc;
use std::time::Duration;
use store::{
    Batch, Change, Facts, Place, ProofKey, SameDay, StampKey, Store, StoreError, Turn, Wants,
};
use tokio::sync::oneshot;
use types::{MemberId, Moment, Sku, SupplierCode};

/// A command with the way back.
pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) answer: oneshot::Sender<Result<Answer, NotDone>>,
}

/// What workers should look at after a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nudges {
    pub(crate) intents: bool,
    pub(crate) deliveries: bool,
}

/// Everything a batch is decided with.
pub(crate) struct Core {
    pub(crate) store: Box<dyn Store>,
    pub(crate) catalog: Arc<Snapshot>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) zone: Zone,
    pub(crate) health: Arc<Health>,
    pub(crate) failover: Failover,
    pub(crate) stamps: StampKey,
}

/// Facts and changes of the batch being decided.
pub(crate) struct Desk<'a> {
    catalog: &'a Catalog,
    zone: &'a Zone,
    health: &'a Health,
    failover: Failover,
    facts: Facts,
    batch: Batch,
    now: Moment,
    nudges: Nudges,
}

impl Desk<'_> {
    /// Writes a change down and keeps the facts true for the next command.
    fn put(&mut self, change: Change) {
        let alert = self.cost_alert(&change);
        self.facts.apply(&change);
        match &change {
            Change::InsertAttempt(attempt) => {
                self.nudges.intents = true;
                self.health.chosen(&attempt.supplier, &attempt.sku, self.now);
            }
            Change::InsertDelivery(_) | Change::UpdateDelivery(_) => self.nudges.deliveries = true,
            Change::InsertTrx { .. }
            | Change::FlipTrx { .. }
            | Change::Suspect { .. }
            | Change::UpdateAttempt(_)
            | Change::Transfer(_)
            | Change::Account { .. }
            | Change::Proof { .. }
            | Change::Turn { .. }
            | Change::Journal(_)
            | Change::Catalog(_)
            | Change::PutPaper(_)
            | Change::DropPaper { .. } => {}
        }
        self.batch.changes.push(change);
        self.batch.changes.extend(alert);
    }

    /// Routes that were counted while this batch was decided.
    fn chosen(&self) -> Vec<(SupplierCode, Sku)> {
        let chosen = |change: &Change| match change {
            Change::InsertAttempt(attempt) => Some((attempt.supplier.clone(), attempt.sku.clone())),
            Change::InsertTrx { .. }
            | Change::FlipTrx { .. }
            | Change::Suspect { .. }
            | Change::UpdateAttempt(_)
            | Change::Transfer(_)
            | Change::Account { .. }
            | Change::Proof { .. }
            | Change::Turn { .. }
            | Change::InsertDelivery(_)
            | Change::UpdateDelivery(_)
            | Change::Journal(_)
            | Change::Catalog(_)
            | Change::PutPaper(_)
            | Change::DropPaper { .. } => None,
        };
        self.batch.changes.iter().filter_map(chosen).collect()
    }
}

/// For so long a closed purchase keeps words without a reference from being another's: times in
/// suppliers' texts are of today or yesterday.
const RIVAL_MS: i64 = 48 * 3_600_000;

/// What tells whether a supplier's words are about this purchase. Words with our reference and no
/// serial number need nothing.
fn want_evidence(wants: &mut Wants, place: &Place, outcome: &Outcome) {
    match outcome {
        Outcome::Success { sn, tie, .. } => {
            let key = sn.as_ref().and_then(|sn| ProofKey::of(&place.supplier, sn, &place.dest));
            wants.proofs.extend(key);
            if matches!(tie, Tie::Likeness | Tie::Earlier) {
                wants.places.insert(place.clone());
            }
        }
        Outcome::Failed { .. }
        | Outcome::Doubtful { .. }
        | Outcome::Pending
        | Outcome::Unknown { .. }
        | Outcome::Unsent { .. } => {}
    }
}

/// The equal purchases of today, where one of the product's suppliers wants to know them.
fn turn(catalog: &Catalog, request: &domain::BuyRequest, now: Moment) -> Option<Turn> {
    let product = catalog.products().get(&request.product)?;
    let counts = catalog.routes(&product.code).iter().any(|(_, supplier)| supplier.counts);
    let dest = product.dest_rule.normalise(&request.dest).filter(|_| counts)?;
    Some(Turn { day: now.civil.date(), product: product.code.clone(), dest })
}

/// How often a batch is decided anew.
const TRIES_MOST: u32 = 8;

impl Core {
    fn wants(&self, catalog: &Catalog, jobs: &[Job], now: Moment) -> Wants {
        let places_since = now.utc.after(-RIVAL_MS);
        let mut wants = Wants { places_since, ..Wants::default() };
        for job in jobs {
            match &job.command {
                Command::Buy { member, request, .. } => {
                    wants.members.insert(*member);
                    wants.refs.insert((*member, request.ref_id.clone()));
                    wants.same_day.extend(self.same_day(catalog, *member, request, now));
                    wants.turns.extend(turn(catalog, request, now));
                }
                Command::Look { member, ref_id } => {
                    wants.refs.insert((*member, ref_id.clone()));
                }
                Command::News { about, member, place, outcome, .. } => {
                    wants.members.insert(*member);
                    wants.trxs.insert(about.trx);
                    want_evidence(&mut wants, place, outcome);
                }
                Command::Overdue { trx, member, .. } => {
                    wants.members.insert(*member);
                    wants.trxs.insert(*trx);
                }
                Command::MarkSent { about, member, .. }
                | Command::AskSoon { about, member, .. } => {
                    wants.members.insert(*member);
                    wants.trxs.insert(about.trx);
                }
                Command::Resolve { trx, resolution, place, .. } => {
                    wants.trxs.insert(*trx);
                    if let (Some(place), domain::Resolution::Success(sn)) = (place, resolution) {
                        wants.proofs.extend(ProofKey::of(&place.supplier, sn, &place.dest));
                    }
                }
                Command::Move { member, .. } => {
                    wants.members.insert(*member);
                }
                Command::Errand(errand) => {
                    wants.trxs.extend(errand.costs.iter().map(|cost| cost.trx));
                    wants.members.extend(errand.moves.iter().map(|movement| movement.member));
                    wants.open_at.extend(errand.idle.iter().cloned());
                    wants.papers.extend(errand.papers.iter().map(|paper| paper.key.clone()));
                }
                Command::Tried { id, .. } | Command::Replay(id) => {
                    wants.deliveries.insert(*id);
                }
                Command::Note(_) | Command::Catalog { .. } => {}
            }
        }
        Self::want_uplines(catalog, jobs, &mut wants);
        wants
    }

    /// A store finds the uplines of a trx in the trx; of one that is bought in this very batch they
    /// are known from the catalog.
    fn want_uplines(catalog: &Catalog, jobs: &[Job], wants: &mut Wants) {
        let decides = jobs.iter().any(|job| {
            matches!(
                job.command,
                Command::News { .. } | Command::Resolve { .. } | Command::MarkSent { .. }
            )
        });
        if !decides {
            return;
        }
        for job in jobs {
            if let Command::Buy { member, .. } = &job.command
                && let Some(entry) = catalog.member_by_id(*member)
            {
                wants.members.extend(catalog.uplines(&entry.member));
            }
        }
    }

    fn same_day(
        &self,
        catalog: &Catalog,
        member: MemberId,
        request: &domain::BuyRequest,
        now: Moment,
    ) -> Option<SameDay> {
        let guarded = catalog.member_by_id(member)?.member.same_day_guard;
        let product = catalog.products().get(&request.product).filter(|_| guarded)?;
        let dest = product.dest_rule.normalise(&request.dest)?;
        Some(SameDay { member, product: product.code.clone(), dest, day: now.civil.date() })
    }

    /// Runs one batch. Answers leave only after the commit; a batch that wrote nothing is ended
    /// without one. When others were in the way it is decided anew, a few times.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`] or [`StoreError::Again`]: nothing was written and every caller
    /// hears that. Any other error: stop; callers hear that nobody knows.
    pub(crate) fn step(&mut self, jobs: Vec<Job>) -> Result<Nudges, StoreError> {
        let mut tries = 0;
        loop {
            match self.try_step(&jobs) {
                Err(StoreError::Again(why)) if tries < TRIES_MOST => {
                    tracing::debug!(why, tries, "a batch is decided anew");
                    // Those in the way wait for others than we do: by lane and moment.
                    let spread = self.clock.now().get().rem_euclid(7).unsigned_abs();
                    std::thread::sleep(Duration::from_millis((1 << tries) + spread));
                    tries += 1;
                }
                Err(error) => {
                    if matches!(error, StoreError::NotWritten(_) | StoreError::Again(_)) {
                        for job in jobs {
                            // A caller that went away loses nothing.
                            let _ = job.answer.send(Err(NotDone::NotTaken));
                        }
                    }
                    // Otherwise the callers' answers are lost, and that is what they hear.
                    return Err(error);
                }
                Ok((answers, nudges)) => {
                    for (job, answer) in jobs.into_iter().zip(answers) {
                        // A caller that went away loses nothing: what was decided is durable.
                        let _ = job.answer.send(Ok(answer));
                    }
                    return Ok(nudges);
                }
            }
        }
    }

    fn try_step(&mut self, jobs: &[Job]) -> Result<(Vec<Answer>, Nudges), StoreError> {
        let catalog = self.catalog.get();
        let now = self.zone.moment(self.clock.now());
        let wants = self.wants(&catalog, jobs, now);
        let facts = self.store.load(&wants)?;
        let mut desk = Desk {
            catalog: &catalog,
            zone: &self.zone,
            health: &self.health,
            failover: self.failover,
            facts,
            batch: Batch::default(),
            now,
            nudges: Nudges::default(),
        };
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            let from = desk.batch.changes.len();
            answers.push(desk.decide(&job.command));
            // By command, so that the journal is the same wherever batches end.
            stamps::stamp(&mut desk.batch, from, &desk.facts, &self.stamps, now.utc);
        }
        let nudges = desk.nudges;
        if desk.batch.changes.is_empty() {
            self.store.abandon();
        } else {
            let chosen = desk.chosen();
            crash_point("before-commit");
            if let Err(error) = self.store.commit(desk.batch) {
                for (supplier, sku) in chosen {
                    self.health.not_chosen(&supplier, &sku, now);
                }
                return Err(error);
            }
            crash_point("after-commit");
        }
        let edits = |job: &Job| match &job.command {
            Command::Catalog { .. } => true,
            Command::Errand(errand) => !errand.catalog.is_empty(),
            Command::Buy { .. }
            | Command::Look { .. }
            | Command::MarkSent { .. }
            | Command::News { .. }
            | Command::AskSoon { .. }
            | Command::Overdue { .. }
            | Command::Resolve { .. }
            | Command::Move { .. }
            | Command::Tried { .. }
            | Command::Replay(_)
            | Command::Note(_) => false,
        };
        if jobs.iter().any(edits) {
            self.catalog.refresh().map_err(StoreError::Broken)?;
        }
        Ok((answers, nudges))
    }
}

impl Desk<'_> {
    fn decide(&mut self, command: &Command) -> Answer {
        match command {
            Command::Buy { member, request, asked } => {
                Answer::Bought(Box::new(self.buy(*member, request, asked)))
            }
            Command::Look { member, ref_id } => Answer::Looked(
                self.facts.by_ref(*member, ref_id).map(|known| Box::new(known.trx.clone())),
            ),
            Command::MarkSent { about, edition, .. } => {
                Answer::Marked(self.mark_sent(*about, *edition))
            }
            Command::News { about, place, source, outcome, line, .. } => {
                self.news(*about, place, *source, outcome, line.as_deref());
                Answer::Done
            }
            Command::AskSoon { about, wait_ms, line, .. } => {
                self.ask_soon(*about, *wait_ms, line);
                Answer::Done
            }
            Command::Overdue { trx, obstacle, .. } => {
                self.overdue(*trx, obstacle);
                Answer::Done
            }
            Command::Resolve { trx, resolution, note, place } => {
                let place = place.as_deref();
                Answer::Resolved(self.resolve(*trx, resolution, note, place).map(Box::new))
            }
            Command::Move { member, amount, cash, note } => {
                Answer::Moved(self.move_money(*member, *amount, cash, note))
            }
            Command::Errand(errand) => Answer::Ran(self.errand(errand)),
            Command::Tried { id, result, line } => {
                self.tried(*id, result);
                self.put(Change::Journal(line.clone()));
                Answer::Done
            }
            Command::Replay(id) => Answer::Replayed(self.replay(*id)),
            Command::Note(line) => {
                self.put(Change::Journal(line.clone()));
                Answer::Done
            }
            Command::Catalog { changes, lines } => {
                for change in changes {
                    self.put(Change::Catalog(Box::new(change.clone())));
                }
                for line in lines {
                    self.put(Change::Journal(Box::new(line.clone())));
                }
                Answer::Done
            }
        }
    }
}
