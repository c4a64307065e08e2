//! A store that counts what is written, stops before or after any commit, and can be broken.

use crate::broken::Broken;
use crate::check;
use crate::faults::{Fault, Faults, error, slow_ms};
use crate::world::World;
use domain::{Attempt, AttemptState, Kind, TrxState};
use std::collections::BTreeMap;
use store::{Batch, Change, Facts, Known, Store, StoreError, Wants};
use types::{Rupiah, TrxNo};

/// Batches for which a broken store looks at old rows.
const STALE_BATCHES: u64 = 3;

pub(crate) struct Watched {
    inner: Box<dyn Store>,
    world: World,
    node: usize,
    batches: u64,
    faults: Faults,
    /// Rows as they were some batches ago, for defects.
    stale: BTreeMap<TrxNo, (u64, Known)>,
}

impl Watched {
    pub(crate) fn new(inner: Box<dyn Store>, world: World, node: usize) -> Self {
        Self { inner, world, node, batches: 0, faults: Faults::default(), stale: BTreeMap::new() }
    }

    fn broken(&self) -> Broken {
        self.world.with(|state| state.broken)
    }

    /// Nothing is sent to a supplier that everybody knows to be paused.
    fn watch_pause(&self, attempt: &Attempt) {
        let number = attempt.supplier.as_str().strip_prefix('s').and_then(|n| n.parse().ok());
        let paused = number.is_some_and(|n| self.world.with(|state| state.paused.contains(&n)));
        match &attempt.state {
            AttemptState::Sent if paused => {
                self.world.wrong(format!("{} is sent to a paused supplier", attempt.id));
            }
            AttemptState::Unsent { proof } if proof.starts_with("not sent: ") => {
                self.world.seen("attempt: taken back");
                if proof.starts_with("not sent: only") {
                    self.world.seen("route: closes");
                }
            }
            AttemptState::Intended
            | AttemptState::Sent
            | AttemptState::Waiting
            | AttemptState::Unknown { .. }
            | AttemptState::Unsent { .. }
            | AttemptState::Delivered { .. }
            | AttemptState::Failed { .. } => {}
        }
    }

    fn watch(&self, batch: &Batch) {
        let mut words = Vec::new();
        for change in &batch.changes {
            let seen: Option<&'static str> = match change {
                Change::InsertTrx { trx, .. } => {
                    words.push(format!("{} {}", trx.no, trx.state.word()));
                    matches!(trx.state, TrxState::Refused { .. }).then_some("trx: refused")
                }
                Change::FlipTrx { no, from, state } => {
                    words.push(format!("{no} {from}>{}", state.word()));
                    match (*from, state.as_ref()) {
                        ("pending", TrxState::Success { .. }) => Some("trx: pending -> success"),
                        ("pending", TrxState::Failed { .. }) => Some("trx: pending -> failed"),
                        ("success", TrxState::Success { .. }) => Some("trx: numbered later"),
                        ("success", TrxState::Reversed { .. }) => Some("trx: success -> reversed"),
                        _ => None,
                    }
                }
                Change::Suspect { no, why } => {
                    words.push(format!("{no} suspect {why:?}"));
                    why.is_some().then_some("trx: suspect")
                }
                Change::InsertAttempt(attempt) => {
                    words.push(format!("{} at {}", attempt.id, attempt.supplier));
                    (attempt.id.n > 1).then_some("attempt: second")
                }
                Change::UpdateAttempt(attempt) => {
                    let state = match &attempt.state {
                        AttemptState::Intended => None,
                        AttemptState::Sent => Some("attempt: sent"),
                        AttemptState::Waiting => Some("attempt: waiting"),
                        AttemptState::Unknown { .. } => Some("attempt: unknown"),
                        AttemptState::Unsent { .. } => Some("attempt: unsent"),
                        AttemptState::Delivered { .. } => Some("attempt: delivered"),
                        AttemptState::Failed { .. } => Some("attempt: failed"),
                    };
                    words.push(format!("{} {}", attempt.id, state.unwrap_or_default()));
                    self.watch_pause(attempt);
                    state
                }
                Change::Transfer(transfer) => {
                    words.push(format!("{} {}", transfer.kind.word(), transfer.amount));
                    (transfer.kind == Kind::Deposit).then_some("deposit")
                }
                Change::Proof { .. }
                | Change::Turn { .. }
                | Change::Account { .. }
                | Change::InsertDelivery(_)
                | Change::UpdateDelivery(_)
                | Change::Journal(_)
                | Change::Catalog(_)
                | Change::PutPaper(_)
                | Change::DropPaper { .. } => None,
            };
            if let Some(seen) = seen {
                self.world.seen(seen);
            }
        }
        if !words.is_empty() {
            self.world.log(|| format!("commit {}", words.join(", ")));
        }
    }

    /// After every commit that moves money, whole. On SQLite, which leads the same lives, when a process ends.
    fn audit(&self, batch: &Batch) -> Result<(), StoreError> {
        let moves = |change: &Change| matches!(change, Change::Transfer(_));
        // One thing wrong is enough, and what goes round and round would be audited for ever.
        let is_wrong = self.world.with(|state| !state.wrong.is_empty());
        let Some(model) = &self.world.model else { return Ok(()) };
        if is_wrong || !batch.changes.iter().any(moves) {
            return Ok(());
        }
        check::audit(&self.world, &mut model.clone())
            .map_err(|why| StoreError::Broken(format!("{why:#}")))
    }

    /// Takes away from a batch what a defect of the environment loses.
    fn spoil(&mut self, batch: &mut Batch) {
        let broken = self.broken();
        if broken == Broken::StaleFlip
            && let Some(model) = self.world.model.clone()
        {
            for change in &mut batch.changes {
                if let Change::FlipTrx { no, from, .. } = change {
                    let now = model.with(|tables| Some(tables.trxs.get(no)?.trx.state.word()));
                    *from = now.unwrap_or(from);
                }
            }
        }
        if broken == Broken::TellBeforeCommit {
            for change in &batch.changes {
                if let Change::InsertDelivery(delivery) = change {
                    let url = wire::callback_url("https://m/", &delivery.ref_id, &delivery.message);
                    self.world.tell(&format!("gerbang-{}", delivery.id), &url);
                }
            }
        }
        if broken == Broken::AckBeforeSync
            && let Some(model) = &self.world.model
        {
            let tables = model.with(|tables| tables.clone());
            self.world.with(|state| state.before_last = Some(tables));
        }
    }
}

impl Store for Watched {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        let mut facts = self.inner.load(wants)?;
        self.batches += 1;
        match self.broken() {
            Broken::StaleFlip => {
                for (no, known) in &mut facts.trxs {
                    let (since, old) =
                        self.stale.entry(*no).or_insert_with(|| (self.batches, known.clone()));
                    if self.batches - *since > STALE_BATCHES {
                        (*since, *old) = (self.batches, known.clone());
                    }
                    *known = old.clone();
                }
            }
            Broken::BehindTheBack => {
                if let Some(model) = &self.world.model {
                    for (member, account) in &mut facts.accounts {
                        account.day_total = Rupiah::ZERO;
                        model.with(|tables| tables.accounts.insert(*member, account.clone()));
                    }
                }
            }
            Broken::No
            | Broken::Code(_)
            | Broken::RetryInTransport
            | Broken::TellBeforeCommit
            | Broken::AckBeforeSync
            | Broken::LostFence => {}
        }
        Ok(facts)
    }

    fn commit(&mut self, mut batch: Batch) -> Result<(), StoreError> {
        if self.world.crashes("crash: before a commit") {
            self.inner.abandon();
            return Err(StoreError::Unknown("crash".to_owned()));
        }
        let fault = self.faults.draw(&self.world, self.node);
        if let Some(error) = fault.and_then(error) {
            self.world.log(|| format!("store: {error}"));
            self.inner.abandon();
            return Err(error);
        }
        if fault == Some(Fault::Slow) {
            self.world.stand_still(slow_ms(&self.world));
        }
        self.spoil(&mut batch);
        self.watch(&batch);
        self.inner.commit(batch.clone())?;
        self.world.judge(&batch);
        self.audit(&batch)?;
        let marks = |change: &Change| match change {
            Change::UpdateAttempt(attempt) => attempt.state == AttemptState::Sent,
            _ => false,
        };
        if batch.changes.iter().any(marks) {
            self.world.marked(self.node);
        }
        if fault == Some(Fault::Written) {
            self.world.log(|| "store: not known, written".to_owned());
            return Err(StoreError::Unknown("the connection broke".to_owned()));
        }
        if self.world.crashes("crash: after a commit") {
            return Err(StoreError::Unknown("crash".to_owned()));
        }
        Ok(())
    }

    fn abandon(&mut self) {
        self.inner.abandon();
    }
}
