//! `verify`: walks both chains and the books, on a live system or a resting one.

use super::cli::VerifyArgs;
use super::render::{Screen, Shape, bar};
use crate::config::Config;
use crate::data::DataDir;
use crate::heads::{Chain, Noted, read_file, read_head};
use crate::mark::Mark;
use crate::storage::{Storage, apart};
use anyhow::bail;
use domain::{Audit, TrxState};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use store::{
    ChainHead, ChainRow, DeliveryFilter, Lane, MemberRecord, Reads, StampKey, Stamped, StoreError,
    journal_hash, transfer_hash,
};
use types::Rupiah;

/// Follows the chains of all lanes; keeps the first thing that does not fit.
struct Walk {
    name: &'static str,
    heads: BTreeMap<Lane, ChainHead>,
    /// Heads of before that were not come to yet.
    noted: Vec<(Lane, ChainHead)>,
    broken: Option<String>,
}

impl Walk {
    fn new(name: &'static str, chain: Chain, noted: &[Noted]) -> Self {
        let own = noted.iter().filter(|noted| noted.chain == chain && noted.head.seq > 0);
        let noted = own.map(|noted| (noted.lane, noted.head)).collect();
        Self { name, heads: BTreeMap::new(), noted, broken: None }
    }

    fn step<T>(
        &mut self,
        row: &ChainRow<T>,
        hash: impl Fn(&store::Hash, i64, &T) -> store::Hash,
    ) -> ControlFlow<()> {
        let head = self.heads.entry(row.lane).or_default();
        let next = head.seq + 1;
        let place = place(self.name, row.lane);
        if row.seq != next {
            self.broken =
                Some(format!("{place}: row {next} is missing (the next one is {})", row.seq));
            return ControlFlow::Break(());
        }
        if hash(&head.hash, row.seq, &row.row) != row.hash {
            self.broken = Some(format!("{place}: row {} was changed or inserted", row.seq));
            return ControlFlow::Break(());
        }
        *head = ChainHead { seq: row.seq, hash: row.hash };
        let (lane, now) = (row.lane, *head);
        let due = |(of, noted): &(Lane, ChainHead)| *of == lane && noted.seq == now.seq;
        if self.noted.iter().any(|noted| due(noted) && noted.1 != now) {
            self.broken = Some(format!(
                "{place}: row {} is another one than when its head was noted: the chain was rewritten",
                row.seq
            ));
            return ControlFlow::Break(());
        }
        self.noted.retain(|noted| !due(noted));
        ControlFlow::Continue(())
    }

    fn end(&mut self, stored: &BTreeMap<Lane, ChainHead>) {
        let lanes: BTreeSet<Lane> = stored.keys().chain(self.heads.keys()).copied().collect();
        for lane in lanes {
            let walked = self.heads.get(&lane).copied().unwrap_or_default();
            let said = stored.get(&lane).copied().unwrap_or_default();
            if self.broken.is_none() && walked != said {
                self.broken = Some(format!(
                    "{}: ends at row {}, but its head says {}",
                    place(self.name, lane),
                    walked.seq,
                    said.seq
                ));
            }
        }
        if self.broken.is_none()
            && let Some((lane, noted)) = self.noted.iter().max_by_key(|(_, noted)| noted.seq)
        {
            let ends = self.heads.get(lane).map_or(0, |head| head.seq);
            self.broken = Some(format!(
                "{}: ends at row {ends}, but row {} was noted earlier: its end was cut, or the whole \
                 was set back",
                place(self.name, *lane),
                noted.seq
            ));
        }
    }
}

/// A chain's name; the only lane of a store needs no number.
fn place(name: &str, lane: Lane) -> String {
    if lane == Lane::default() { name.to_owned() } else { format!("{name} of lane {lane}") }
}

/// What a walk through everything gave.
pub(super) struct Report {
    pub(super) found: Vec<String>,
    pub(super) transfers: i64,
    pub(super) lines: i64,
    /// Of ledger and journal: note them elsewhere, and a rewritten chain is seen too.
    pub(super) heads: [String; 2],
    /// Rows whose stamps were compared, and rows that are older than stamps; none without the key.
    pub(super) compared: Option<(u64, u64)>,
}

/// What is known from outside the database.
#[derive(Clone, Copy, Default)]
pub(super) struct Proof<'a> {
    /// Without it stamps are not compared.
    pub(super) key: Option<&'a StampKey>,
    pub(super) noted: &'a [Noted],
}

/// Everything that does not hold, in one consistent moment of the store.
pub(super) fn report(reads: &mut dyn Reads, proof: &Proof<'_>) -> Result<Report, StoreError> {
    reads.hold()?;
    let result = examine(reads, proof);
    reads.release();
    result
}

fn examine(reads: &mut dyn Reads, proof: &Proof<'_>) -> Result<Report, StoreError> {
    let mut stamped = proof.key.map(Stamped::new);
    let all = reads.heads()?;
    let ledgers: BTreeMap<Lane, ChainHead> = all.iter().map(|h| (h.lane, h.ledger)).collect();
    let journals: BTreeMap<Lane, ChainHead> = all.iter().map(|h| (h.lane, h.journal)).collect();
    let count =
        |heads: &BTreeMap<Lane, ChainHead>| heads.values().map(|head| head.seq).sum::<i64>();
    let (transfers, lines) = (count(&ledgers), count(&journals));
    let progress = bar("rows");
    progress.set_length(u64::try_from(transfers + lines).unwrap_or_default());
    let mut audit = Audit::new();
    let mut unread = Vec::new();
    let mut ledger = Walk::new("ledger", Chain::Ledger, proof.noted);
    damage(
        &mut unread,
        reads.each_transfer(&mut |row| {
            progress.inc(1);
            let flow = ledger.step(&row, transfer_hash);
            audit.transfer(row.seq, &row.row);
            flow
        }),
    )?;
    ledger.end(&ledgers);
    let mut journal = Walk::new("journal", Chain::Journal, proof.noted);
    damage(
        &mut unread,
        reads.each_journal(&mut |row| {
            progress.inc(1);
            if let Some(stamped) = &mut stamped {
                stamped.line(row.lane, row.row.at, &row.row.stamps);
            }
            journal.step(&row, journal_hash)
        }),
    )?;
    journal.end(&journals);
    progress.finish_and_clear();
    let mut looked_at = Vec::new();
    damage(
        &mut unread,
        reads.each_trx(&mut |trx| {
            audit.trx(&trx);
            if trx.state == TrxState::Pending || stamped.is_some() {
                looked_at.push(trx.no);
            }
            ControlFlow::Continue(())
        }),
    )?;
    for some in looked_at.chunks(500) {
        let knowns = reads.knowns(some);
        let mut readable = Vec::new();
        damage(&mut unread, knowns.map(|knowns| readable = knowns))?;
        for known in readable {
            audit.waiting(&known.trx, &known.attempts);
            if let Some(stamped) = &mut stamped {
                stamped.purchase(&known.trx, &known.attempts);
            }
        }
    }
    let accounts: HashMap<_, _> = reads.accounts()?.into_iter().collect();
    let rows = reads.catalog()?;
    for MemberRecord { member, .. } in &rows.members {
        let balance = accounts.get(&member.id).map_or(Rupiah::ZERO, |account| account.balance);
        audit.account(member.id, balance, Rupiah::new(-member.credit_limit.get()));
    }
    if let Some(stamped) = &mut stamped {
        damage(&mut unread, others(reads, stamped))?;
        accounts.iter().for_each(|(member, account)| stamped.account(*member, account));
        rows.changes().iter().for_each(|row| stamped.catalog(row));
    }
    let stamps = stamped.map(Stamped::end);
    unread.extend(reads.damage()?);
    let broken = [ledger.broken, journal.broken].into_iter().flatten();
    let mut found: Vec<String> = broken.chain(unread).collect();
    found.extend(audit.findings().into_iter().map(|finding| finding.0));
    let (stamps, compared) = stamps
        .map_or((Vec::new(), None), |stamps| (stamps.found, Some((stamps.compared, stamps.older))));
    found.extend(stamps);
    let shown = |heads: &BTreeMap<Lane, ChainHead>| {
        let each: Vec<String> = heads
            .iter()
            .map(
                |(lane, head)| {
                    if heads.len() == 1 { head.to_string() } else { format!("{lane}/{head}") }
                },
            )
            .collect();
        each.join(" ")
    };
    Ok(Report { found, transfers, lines, heads: [shown(&ledgers), shown(&journals)], compared })
}

/// Deliveries and papers.
fn others(reads: &mut dyn Reads, stamped: &mut Stamped<'_>) -> Result<(), StoreError> {
    let mut below = None;
    loop {
        let filter = DeliveryFilter { below, limit: 1_000, ..DeliveryFilter::default() };
        let page = reads.delivery_page(&filter)?;
        let Some(last) = page.last() else { break };
        below = Some(last.id.get());
        for delivery in &page {
            stamped.delivery(delivery);
        }
    }
    reads.each_paper(&mut |paper| {
        stamped.paper(&paper);
        ControlFlow::Continue(())
    })
}

/// A row that cannot be read is a finding; a store that does not answer is an error.
fn damage(found: &mut Vec<String>, walked: Result<(), StoreError>) -> Result<(), StoreError> {
    match walked {
        Err(StoreError::Broken(why)) => {
            found.push(why);
            Ok(())
        }
        other => other,
    }
}

pub(super) fn verify(
    data: &DataDir,
    config: &Config,
    args: &VerifyArgs,
    screen: &Screen,
) -> anyhow::Result<()> {
    let storage = Storage::of(data, config);
    if !storage.exists()? {
        bail!("there is no business in {}", storage.shown());
    }
    let key = data.master_key().map(|key| StampKey::of(&key));
    let mut noted = Vec::new();
    for head in &args.head {
        noted.push(read_head(head)?);
    }
    if let Some(file) = &args.heads {
        noted.extend(read_file(file, key.as_ref().ok())?);
    }
    let proof = Proof { key: key.as_ref().ok(), noted: &noted };
    let mark = Mark::read(&config.mark(data))?;
    let walked = apart(|| -> anyhow::Result<Report> {
        let mut reads = storage.reader()?;
        let mut report = report(reads.as_mut(), &proof)?;
        if let Some(mark) = mark
            && let Some(why) = mark.contradicts_now(reads.as_mut())?
        {
            report.found.push(format!("the mark beside the database: {why}"));
        }
        Ok(report)
    })??;
    let Report { found, transfers, lines, heads, compared } = walked;
    let stamps = match compared {
        None => "not compared: master.key is not at hand".to_owned(),
        Some((rows, 0)) => format!("{rows} rows compared"),
        Some((rows, older)) => format!("{rows} rows compared, {older} are older than stamps"),
    };
    let holds = found.is_empty();
    let shown = json!({
        "holds": holds, "transfers": transfers, "ledger_head": heads[0],
        "journal": lines, "journal_head": heads[1], "stamps": stamps,
        "heads_compared": noted.len(), "findings": found,
    });
    screen.show(&shown, Shape::Verdict)?;
    if holds { Ok(()) } else { bail!("{} findings", found.len()) }
}
