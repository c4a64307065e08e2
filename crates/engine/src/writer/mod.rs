//! The writer: collect, decide, commit once, act after.
//!
//! `Core::step` is the whole of it and is synchronous: tests and simulation call it by hand. The
//! loop around it takes whatever queued while the previous commit ran; there is no timer.

mod absence;
mod alert;
mod buy;
mod delivery;
mod errand;
mod news;
mod stamps;
#[cfg(test)]
mod tests;

pub(crate) use news::SUSPECT_AFTER_MS;

use crate::command::{Answer, Command, Errand};
use crate::crash::crash_point;
use crate::lost::LostLines;
use crate::snapshot::Snapshot;
use crate::zone::midnight;
use crate::{Catalog, Clock, Health, NotDone, Zone};
use defects::{Defect, on};
use domain::{Failover, Outcome, Run, Tie};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::{
    Batch, Bought, CatalogChange, Change, Facts, Place, ProofKey, SameDay, StampKey, Store,
    StoreError, Turn, Wants,
};
use tokio::sync::oneshot;
use types::{MemberId, Moment, Sku, SupplierCode, UtcMillis};

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
    /// Which run of which node this is.
    pub(crate) run: Run,
    /// When a catalog that is known to be old is read again.
    pub(crate) reread: UtcMillis,
    pub(crate) stamps: StampKey,
    pub(crate) lost: Arc<LostLines>,
}

/// Facts and changes of the batch being decided.
pub(crate) struct Desk<'a> {
    catalog: &'a Catalog,
    zone: &'a Zone,
    health: &'a Health,
    failover: Failover,
    run: Run,
    facts: Facts,
    before: stamps::Before<'a>,
    batch: Batch,
    now: Moment,
    nudges: Nudges,
}

impl Desk<'_> {
    /// Counts of the day, where this node's own are not enough.
    fn bought(&self) -> Option<&HashMap<Bought, u32>> {
        self.health.is_shared().then_some(&self.facts.bought)
    }

    /// Writes a change down and keeps the facts true for the next command.
    fn put(&mut self, change: Change) {
        let alert = self.cost_alert(&change);
        self.before.look(&change, &self.facts);
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
        | Outcome::Unsent { .. }
        | Outcome::Held { .. } => {}
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
/// Between two readings of a catalog that is known to be old.
const REREAD_MS: i64 = 500;

/// What changes the catalog.
fn edit(command: &Command) -> Option<&Errand> {
    match command {
        Command::Errand(errand) => (!errand.catalog.is_empty()).then_some(errand),
        Command::Buy { .. }
        | Command::Look { .. }
        | Command::MarkSent { .. }
        | Command::News { .. }
        | Command::AskSoon { .. }
        | Command::Overdue { .. }
        | Command::Tried { .. }
        | Command::Note(_) => None,
    }
}

/// Routes that this may lead to whose purchases of a day are counted.
fn counted(catalog: &Catalog, command: &Command) -> Vec<(SupplierCode, Sku)> {
    match command {
        Command::Buy { request, .. } => catalog.counted(&request.product).to_vec(),
        Command::MarkSent { place, .. } => catalog.counted_beside(place),
        Command::News { place, outcome, .. } => match outcome {
            Outcome::Failed { .. } | Outcome::Unsent { .. } => catalog.counted_beside(place),
            Outcome::Success { .. }
            | Outcome::Doubtful { .. }
            | Outcome::Pending
            | Outcome::Unknown { .. }
            | Outcome::Held { .. } => Vec::new(),
        },
        Command::Look { .. }
        | Command::AskSoon { .. }
        | Command::Overdue { .. }
        | Command::Errand(_)
        | Command::Tried { .. }
        | Command::Note(_) => Vec::new(),
    }
}

impl Core {
    fn wants(&self, catalog: &Catalog, jobs: &[Job], now: Moment) -> Wants {
        let places_since = now.utc.after(-RIVAL_MS);
        let mut wants = Wants { places_since, ..Wants::default() };
        for job in jobs {
            if self.health.is_shared() {
                let counted = counted(catalog, &job.command).into_iter();
                let day = now.civil.date();
                wants.bought.extend(counted.map(|(supplier, sku)| Bought { day, supplier, sku }));
                wants.midnight = midnight(now);
            }
            match &job.command {
                Command::Buy { member, request, .. } => {
                    wants.members.insert(*member);
                    if !on(Defect::RefNotLookedUp) {
                        wants.refs.insert((*member, request.ref_id.clone()));
                    }
                    wants.papers.insert(absence::key(*member));
                    wants.same_day.extend(self.same_day(catalog, *member, request, now));
                    wants.turns.extend(turn(catalog, request, now));
                }
                Command::Look { member, ref_id } => {
                    // The account is the lock: nobody is committing a purchase of his meanwhile.
                    wants.members.insert(*member);
                    wants.refs.insert((*member, ref_id.clone()));
                    wants.papers.insert(absence::key(*member));
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
                Command::Errand(errand) => {
                    if let Some(resolve) = &errand.resolve {
                        wants.trxs.insert(resolve.trx);
                        if let (Some(place), domain::Resolution::Success(sn)) =
                            (&resolve.place, &resolve.resolution)
                        {
                            wants.proofs.extend(ProofKey::of(&place.supplier, sn, &place.dest));
                        }
                    }
                    wants.deliveries.extend(errand.replay.iter().copied());
                    wants.trxs.extend(errand.costs.iter().map(|cost| cost.trx));
                    wants.members.extend(errand.moves.iter().map(|movement| movement.member));
                    wants.open_at.extend(errand.idle.iter().cloned());
                    wants.papers.extend(errand.papers.iter().map(|paper| paper.key.clone()));
                    wants.catalog.extend(errand.catalog.iter().map(CatalogChange::key));
                }
                Command::Tried { id, .. } => {
                    wants.deliveries.insert(*id);
                }
                Command::Note(_) => {}
            }
        }
        Self::want_uplines(catalog, jobs, &mut wants);
        let edits = jobs.iter().filter_map(|job| edit(&job.command));
        wants.revision = edits.map(|errand| errand.on.unwrap_or_else(|| catalog.revision())).min();
        wants
    }

    /// A store finds the uplines of a trx in the trx; of one that is bought in this very batch they
    /// are known from the catalog.
    fn want_uplines(catalog: &Catalog, jobs: &[Job], wants: &mut Wants) {
        let decides = jobs.iter().any(|job| match &job.command {
            Command::News { .. } | Command::MarkSent { .. } => true,
            Command::Errand(errand) => errand.resolve.is_some(),
            Command::Buy { .. }
            | Command::Look { .. }
            | Command::AskSoon { .. }
            | Command::Overdue { .. }
            | Command::Tried { .. }
            | Command::Note(_) => false,
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
    /// hears that. [`StoreError::Broken`] (a lane that was taken over): the same, and stop.
    /// [`StoreError::Unknown`]: stop; callers hear that nobody knows.
    pub(crate) fn step(&mut self, jobs: Vec<Job>) -> Result<Nudges, StoreError> {
        let (mut tries, mut outdated) = (0, false);
        loop {
            match self.try_step(&jobs, outdated) {
                Err(StoreError::Outdated(why)) if !outdated => {
                    tracing::debug!(why, "an edit rests on an older catalog");
                    // Whoever decides anew must find the newest; the others do not wait for that.
                    self.catalog.follow_commit();
                    outdated = true;
                }
                Err(StoreError::Again(why)) if tries < TRIES_MOST => {
                    tracing::debug!(why, tries, "a batch is decided anew");
                    // Those in the way wait for others than we do: by lane and moment.
                    let spread = self.clock.now().get().rem_euclid(7).unsigned_abs();
                    std::thread::sleep(Duration::from_millis((1 << tries) + spread));
                    tries += 1;
                }
                Err(error) => {
                    // Only a commit that was asked for may have happened.
                    let fate = match error {
                        StoreError::Unknown(_) => NotDone::NotKnown,
                        StoreError::NotWritten(_)
                        | StoreError::NotRead(_)
                        | StoreError::Again(_)
                        | StoreError::Outdated(_)
                        | StoreError::Broken(_) => NotDone::NotTaken,
                    };
                    let why = error.to_string();
                    for job in jobs {
                        self.turn_away(job, fate, &why);
                    }
                    return Err(error);
                }
                Ok((answers, nudges)) => {
                    for (job, answer) in jobs.into_iter().zip(answers) {
                        // A caller that went away loses nothing: what was decided is durable.
                        let _ = job.answer.send(answer);
                    }
                    return Ok(nudges);
                }
            }
        }
    }

    /// Tells a caller that what it asked has no answer; a line that nobody waits for is told in the log.
    pub(crate) fn turn_away(&self, job: Job, fate: NotDone, why: &str) {
        if let Command::Note(line) = &job.command {
            self.lost.tell(line, why);
        }
        // A caller that went away loses nothing.
        let _ = job.answer.send(Err(fate));
    }

    /// A committed change that could not be read back is read again, at most now and then.
    fn catch_up(&mut self, now: UtcMillis) {
        let wait_ms = self.reread.since(now);
        if self.catalog.is_stale() && !(1..=REREAD_MS).contains(&wait_ms) {
            self.reread = now.after(REREAD_MS);
            if let Err(error) = self.catalog.refresh() {
                tracing::warn!(error, "the catalog could not be read again yet");
            }
        }
    }

    fn try_step(
        &mut self,
        jobs: &[Job],
        outdated: bool,
    ) -> Result<(Vec<Result<Answer, NotDone>>, Nudges), StoreError> {
        let now = self.zone.moment(self.clock.now());
        self.catch_up(now.utc);
        let (catalog, stale) = (self.catalog.get(), self.catalog.is_stale());
        let wants = self.wants(&catalog, jobs, now);
        let facts = self.store.load(&wants)?;
        self.health.counted(&facts.bought, now);
        let mut desk = Desk {
            catalog: &catalog,
            zone: &self.zone,
            health: &self.health,
            failover: self.failover,
            run: self.run,
            facts,
            before: stamps::Before::new(&self.stamps),
            batch: Batch::default(),
            now,
            nudges: Nudges::default(),
        };
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            // What an edit rests on is not what is written.
            if (stale || outdated) && edit(&job.command).is_some() {
                answers.push(Err(if outdated { NotDone::Outdated } else { NotDone::NotTaken }));
                continue;
            }
            let from = desk.batch.changes.len();
            answers.push(desk.decide(&job.command));
            // By command, so that the journal is the same wherever batches end.
            stamps::stamp(&mut desk.batch, from, &desk.facts, &mut desk.before, now.utc);
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
                if !on(Defect::AnsweredUnwritten) {
                    return Err(error);
                }
            }
            crash_point("after-commit");
        }
        // What is committed is answered as done, whether it can be read back now or not.
        let mut all = jobs.iter().zip(&answers);
        let written = all.any(|(job, answer)| answer.is_ok() && edit(&job.command).is_some());
        if written {
            self.catalog.follow_commit();
        }
        Ok((answers, nudges))
    }
}

impl Desk<'_> {
    fn decide(&mut self, command: &Command) -> Result<Answer, NotDone> {
        Ok(match command {
            Command::Buy { member, request, asked } => {
                if self.is_absent(*member, &request.ref_id, asked.received) {
                    return Err(NotDone::NotTaken);
                }
                Answer::Bought(Box::new(self.buy(*member, request, asked)))
            }
            Command::Look { member, ref_id } => Answer::Looked(self.look(*member, ref_id)),
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
            Command::Errand(errand) => Answer::Ran(self.errand(errand)),
            Command::Tried { id, result, line } => {
                self.tried(*id, result);
                if !on(Defect::CallbackUnrecorded) {
                    self.put(Change::Journal(line.clone()));
                }
                Answer::Done
            }
            Command::Note(line) => {
                self.put(Change::Journal(line.clone()));
                Answer::Done
            }
        })
    }
}
