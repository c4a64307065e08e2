//! Reconciliation: a supplier's statement against our books, kept until a person has settled every
//! difference.

use crate::access::{Actor, Permission};
use crate::money::Done;
use crate::operations::Reversal;
use crate::papers::put;
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal};
use crate::statement::{Mapping, read_statement};
use domain::{
    AttemptState, CostCorrection, Difference, OurLine, Resolution, TheirLine, TrxState, Weight,
    reconcile,
};
use engine::{Errand, Resolve};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use store::Known;
use suppliers::{Refs, Settings};
use types::{Rupiah, Sn, SupplierCode, TrxNo};

const MAPPING: &str = "mapping";
const RECONCILIATION: &str = "reconciliation";
/// What a statement said a purchase had cost, once it is booked.
const BOOKED: &str = "booked-cost";
/// Differences kept of one statement; the rest is only counted.
const KEPT_MOST: usize = 2_000;
/// Purchases read at one time.
const STRIDE: usize = 500;

/// A statement to compare.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Statement {
    pub supplier: String,
    /// The file's text.
    pub csv: String,
    #[serde(default)]
    pub mapping: Mapping,
}

/// One difference, and what was done about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DifferenceRow {
    /// `missing_here`, `missing_there`, `open_there`, `amount` or `twice`.
    pub kind: String,
    /// Line of the statement.
    pub line: Option<usize>,
    /// Our purchase.
    pub trx: Option<i64>,
    /// Number of the attempt.
    pub attempt: Option<u16>,
    /// For whom.
    pub dest: String,
    /// Serial number, theirs before ours.
    pub sn: String,
    /// What they took.
    pub theirs: Option<i64>,
    /// What we booked.
    pub ours: Option<i64>,
    /// Our purchase was not decided yet.
    #[serde(default = "yes")]
    pub pending: bool,
    /// It carries a reference of this business that this business never gave.
    #[serde(default)]
    pub strange: bool,
    /// What a person did about it.
    pub done: Option<String>,
}

/// Rows of before do not say it.
const fn yes() -> bool {
    true
}

#[derive(Serialize, Deserialize)]
struct BookedBody {
    reconciliation: String,
    by: String,
    more: i64,
}

/// A comparison as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Reconciliation {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub at: i64,
    pub supplier: String,
    /// Days, `yyyymmdd`, both included.
    pub from: i32,
    pub until: i32,
    pub by: String,
    pub matched: usize,
    pub failed: usize,
    pub differences: Vec<DifferenceRow>,
    /// Differences beyond those that are kept.
    pub beyond: usize,
}

impl Reconciliation {
    /// How many lines carry references of this business that it never gave: lost in a restore, or a copy
    /// of it buys there.
    #[must_use]
    pub fn strange(&self) -> usize {
        self.differences.iter().filter(|row| row.strange).count()
    }

    /// How many differences nobody has settled.
    #[must_use]
    pub fn open(&self) -> usize {
        self.differences.iter().filter(|row| row.done.is_none()).count()
    }
}

/// What a person does about a difference.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It was delivered: settle the pending purchase.
    Success,
    /// It was not delivered: refund the settled purchase.
    Reverse,
    /// Book the amount of the statement.
    Book,
    /// Nothing to do, because of this.
    Ignore(String),
}

fn row(difference: Difference) -> DifferenceRow {
    let (kind, theirs, ours) = match difference {
        Difference::MissingHere { theirs, ours } => ("missing_here", Some(theirs), ours),
        Difference::MissingThere { ours, theirs } => ("missing_there", theirs, Some(ours)),
        Difference::OpenThere { theirs, ours } => ("open_there", Some(theirs), Some(ours)),
        Difference::Amount { theirs, ours } => ("amount", Some(theirs), Some(ours)),
        Difference::Twice { theirs } => ("twice", Some(theirs), None),
    };
    let their = |get: &dyn Fn(&TheirLine) -> String| theirs.as_ref().map(get).unwrap_or_default();
    let our = |get: &dyn Fn(&OurLine) -> String| ours.as_ref().map(get).unwrap_or_default();
    let either = |their: String, our: String| if their.is_empty() { our } else { their };
    let attempt =
        ours.as_ref().map(|own| own.attempt).or(theirs.as_ref().and_then(|line| line.attempt));
    DifferenceRow {
        kind: kind.to_owned(),
        line: theirs.as_ref().map(|line| line.line),
        trx: attempt.map(|attempt| attempt.trx.get()),
        attempt: attempt.map(|attempt| attempt.n),
        dest: either(their(&|line| line.dest.clone()), our(&|own| own.dest.clone())),
        sn: either(their(&|line| line.sn.clone()), our(&|own| own.sn.clone())),
        theirs: theirs
            .as_ref()
            .filter(|line| line.state.is_delivered())
            .map(|line| line.amount.get()),
        ours: ours.as_ref().filter(|own| own.delivered).map(|own| own.cost.get()),
        pending: ours.as_ref().is_some_and(|own| own.pending),
        strange: kind == "missing_here"
            && ours.is_none()
            && theirs.as_ref().is_some_and(|line| line.kin),
        done: None,
    }
}

/// The attempts of a purchase at a supplier.
fn own_lines(known: &Known, supplier: &SupplierCode, expected: bool) -> Vec<OurLine> {
    let settled = matches!(known.trx.state, TrxState::Success { .. });
    let pending = matches!(known.trx.state, TrxState::Pending);
    let at = known.attempts.iter().filter(|attempt| attempt.supplier == *supplier);
    at.map(|attempt| {
        let (delivered, sn) = match &attempt.state {
            AttemptState::Delivered { sn } => (settled, sn.to_string()),
            AttemptState::Intended
            | AttemptState::Sent
            | AttemptState::Waiting
            | AttemptState::Unknown { .. }
            | AttemptState::Unsent { .. }
            | AttemptState::Failed { .. } => (false, String::new()),
        };
        let dest = known.trx.dest.to_string();
        let (attempt, cost) = (attempt.id, attempt.cost);
        OurLine { attempt, dest, sn, cost, delivered, pending, expected }
    })
    .collect()
}

impl Office {
    /// The columns that were used for a supplier's last statement.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn mapping(&self, supplier: &str) -> anyhow::Result<Mapping> {
        let found = self.sheet::<Mapping>(MAPPING, supplier).await?;
        Ok(found.map(|sheet| sheet.body).unwrap_or_default())
    }

    /// Compares a statement with our books and keeps the result. `ours` are the purchases settled
    /// with this supplier on the days `from` to `until`: those must be in the statement.
    ///
    /// # Errors
    /// [`Problem`] with the line or column that cannot be read.
    pub async fn reconcile(
        &self,
        actor: &Actor,
        statement: &Statement,
        (from, until): (i32, i32),
        ours: &[TrxNo],
    ) -> anyhow::Result<Reconciliation> {
        actor.must(Permission::MoveMoney)?;
        let supplier = SupplierCode::parse(&statement.supplier)?;
        let lines = self.read_their(&supplier, statement)?;
        let expected: BTreeSet<TrxNo> = ours.iter().copied().collect();
        let named = lines.iter().filter_map(|line| line.attempt.map(|attempt| attempt.trx));
        let all: BTreeSet<TrxNo> = expected.iter().copied().chain(named).collect();
        let all: Vec<TrxNo> = all.into_iter().collect();
        let mut own = Vec::new();
        for piece in all.chunks(STRIDE) {
            let piece = piece.to_vec();
            let knowns = self.handle.reads().ask(move |reads| reads.knowns(&piece)).await??;
            for known in knowns {
                own.extend(own_lines(&known, &supplier, expected.contains(&known.trx.no)));
            }
        }
        let compared = reconcile(lines, own);
        let mut differences: Vec<DifferenceRow> =
            compared.differences.into_iter().map(row).collect();
        let beyond = differences.len().saturating_sub(KEPT_MOST);
        differences.truncate(KEPT_MOST);
        let now = self.handle.now().utc;
        let id = self.fresh_id(now)?;
        let body = Reconciliation {
            id: id.clone(),
            at: now.get(),
            supplier: supplier.to_string(),
            from,
            until,
            by: actor.name.clone(),
            matched: compared.matched,
            failed: compared.failed,
            differences,
            beyond,
        };
        let detail = json!({
            "supplier": supplier.as_str(), "matched": body.matched, "differences": body.open(),
        });
        let seen = self.sheet::<Mapping>(MAPPING, supplier.as_str()).await?;
        let seen = seen.map_or(0, |sheet| sheet.version);
        let papers = vec![
            put(RECONCILIATION, &id, 0, supplier.as_str(), &body)?,
            put(MAPPING, supplier.as_str(), seen, "", &statement.mapping)?,
        ];
        let lines = vec![self.line(actor, "reconcile", &detail, "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(body)
    }

    /// Words in a statement's column of states that nobody has explained yet, with how many lines say
    /// them.
    ///
    /// # Errors
    /// [`Problem`] for a statement that cannot be read.
    pub fn unknown_words(&self, statement: &Statement) -> anyhow::Result<Vec<(String, usize)>> {
        Ok(crate::statement::unknown_words(&statement.csv, &statement.mapping)?)
    }

    fn read_their(
        &self,
        supplier: &SupplierCode,
        statement: &Statement,
    ) -> anyhow::Result<Vec<TheirLine>> {
        let catalog = self.handle.catalog();
        if !catalog.suppliers().contains_key(supplier) {
            return Err(Problem::missing(format!("there is no supplier {supplier}")).into());
        }
        let settings: Option<Settings> = catalog
            .supplier_settings(supplier)
            .map(|json| serde_json::from_str(json.expose()))
            .transpose()?;
        let prefix = settings.as_ref().and_then(Settings::prefix).unwrap_or_default();
        let refs = Refs::new(prefix, catalog.epochs());
        Ok(read_statement(&statement.csv, &statement.mapping, &refs)?)
    }

    /// Comparisons, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reconciliations(&self) -> anyhow::Result<Vec<Reconciliation>> {
        let all = self.sheets::<Reconciliation>(RECONCILIATION, None, None, 50).await?;
        Ok(all.into_iter().map(|sheet| sheet.body).collect())
    }

    /// One comparison.
    ///
    /// # Errors
    /// [`Problem`] when there is none.
    pub async fn reconciliation(&self, id: &str) -> anyhow::Result<Reconciliation> {
        let found = self.sheet::<Reconciliation>(RECONCILIATION, id).await?;
        let missing = || Problem::missing("there is no such reconciliation");
        Ok(found.map(|sheet| sheet.body).ok_or_else(missing)?)
    }

    /// Settles one difference.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or when it does not fit the difference.
    pub async fn settle_difference(
        &self,
        actor: &Actor,
        id: &str,
        number: usize,
        settlement: Settlement,
    ) -> anyhow::Result<Done> {
        match settlement {
            Settlement::Success | Settlement::Reverse => actor.must(Permission::Resolve)?,
            Settlement::Book | Settlement::Ignore(_) => {}
        }
        let reconciliation = id.to_owned();
        let proposal = Proposal::Difference { reconciliation, difference: number, settlement };
        self.propose(actor, proposal, None).await
    }

    /// What it comes to: the purchase, the difference and who did it, in one commit.
    pub(crate) async fn prepare_difference(
        &self,
        actor: &Actor,
        id: &str,
        number: usize,
        settlement: &Settlement,
    ) -> anyhow::Result<Prepared> {
        let found = self.sheet::<Reconciliation>(RECONCILIATION, id).await?;
        let missing = || Problem::missing("there is no such difference");
        let mut sheet = found.ok_or_else(missing)?;
        let supplier = SupplierCode::parse(&sheet.body.supplier)?;
        let row = sheet.body.differences.get_mut(number).ok_or_else(missing)?;
        if row.done.is_some() {
            return Err(Problem::conflict("settled", "somebody settled this already").into());
        }
        let unfit =
            || Problem::asked("does_not_fit", "this is not possible for a difference of this kind");
        let (mut costs, mut papers, mut resolve) = (Vec::new(), Vec::new(), None);
        let mut weight = Weight::Amount(Rupiah::ZERO);
        let word = match settlement {
            Settlement::Success if row.kind == "missing_here" => {
                let no = row.trx.ok_or_else(unfit)?;
                let trx = TrxNo::new(no);
                let place = self.place_of_trx(trx).await?;
                let resolution = Resolution::Success(Sn::parse(&row.sn)?);
                resolve = Some(Box::new(Resolve { trx, resolution, place }));
                "settled as delivered".to_owned()
            }
            Settlement::Reverse if row.kind == "missing_there" => {
                let no = row.trx.ok_or_else(unfit)?;
                let (reason, note) = ("Tidak ada di mutasi supplier".to_owned(), String::new());
                let reversal = Reversal { trx: no, reason, note, returned: true };
                let prepared = self.prepare_reversal(&reversal).await?;
                (resolve, weight) = (prepared.errand.resolve, prepared.weight);
                "reversed".to_owned()
            }
            Settlement::Book if row.kind == "amount" => {
                let (theirs, ours) = row.theirs.zip(row.ours).ok_or_else(unfit)?;
                let trx = TrxNo::new(row.trx.ok_or_else(unfit)?);
                let was = Rupiah::new(ours);
                let more = Rupiah::new(theirs).minus(was).map_err(|_| unfit())?;
                weight = Weight::of(more).map_err(|_| unfit())?;
                let name = format!("{supplier}:{trx}-{}", row.attempt.unwrap_or_default());
                // Whatever statement says it again, a purchase is corrected once.
                if let Some(before) = self.sheet::<BookedBody>(BOOKED, &name).await? {
                    let BookedBody { reconciliation, by, more } = before.body;
                    let why = format!(
                        "the difference of trx {trx} was booked already: {} by {by}, from the \
                         comparison {reconciliation}; leave this one with that reason",
                        Rupiah::new(more)
                    );
                    return Err(Problem::conflict("booked", why).into());
                }
                let (reconciliation, by) = (id.to_owned(), actor.name.clone());
                let body = BookedBody { reconciliation, by, more: more.get() };
                papers.push(put(BOOKED, &name, 0, supplier.as_str(), &body)?);
                let note = format!("{}: statement of {supplier}", actor.name);
                costs.push(CostCorrection { supplier, trx, was: Some(was), more, note });
                format!("booked {more}")
            }
            Settlement::Ignore(why) if !why.trim().is_empty() => format!("left: {}", why.trim()),
            Settlement::Ignore(_) => {
                return Err(Problem::asked("no_reason", "say why nothing is to do").into());
            }
            Settlement::Success | Settlement::Reverse | Settlement::Book => {
                return Err(unfit().into());
            }
        };
        row.done = Some(format!("{}: {word}", actor.name));
        let tag = sheet.body.supplier.clone();
        papers.push(put(RECONCILIATION, id, sheet.version, &tag, &sheet.body)?);
        let errand = Errand { papers, costs, resolve, ..Errand::default() };
        Ok(Prepared { errand, weight, done: Done::Changed })
    }
}
