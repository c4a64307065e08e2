//! What must hold: after every step, and in the end.

use crate::broken::Broken;
use crate::shop::QTY;
use crate::supplier::{Ending, Truth, WANT};
use crate::words::{Dialect, STRANGE, dialect, serial};
use crate::world::{START_MS, World};
use domain::{Attempt, AttemptState, Audit, BuyRequest, Trx, TrxState};
use engine::Bought;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use store::{
    ChainHead, Channel, DeliveryFilter, DeliveryState, JournalLine, Lane, Places, Reads, StampKey,
    Stamped, journal_hash, transfer_hash,
};
use types::{AttemptId, MemberId, Refusal, Rupiah, Sn, SupplierCode, TrxNo};

/// Another supplier is tried this long after the purchase, and not longer.
pub(crate) const FAILOVER_MS: i64 = 3 * 60_000;

/// Crashes, sleeping nodes and narrow gates together hold a purchase back for less than this.
const GATE_MS: i64 = 15 * 60_000;

/// The books at this moment: sums, floors, chains, and everything that was answered.
pub(crate) fn books(world: &World, reads: &mut dyn Reads) -> anyhow::Result<()> {
    let mut audit = Audit::new();
    let mut ledger: BTreeMap<Lane, ChainHead> = BTreeMap::new();
    let mut broken = Vec::new();
    reads.each_transfer(&Places::new(), &mut |row| {
        audit.transfer(row.seq, &row.row);
        let head = ledger.entry(row.lane).or_default();
        if row.hash != transfer_hash(&head.hash, head.seq + 1, &row.row) {
            broken.push(format!("ledger row {} breaks the chain", row.seq));
        }
        // Under another row before it, it would have another hash.
        let other = head.hash.map(|byte| !byte);
        if row.hash == transfer_hash(&other, head.seq + 1, &row.row) {
            broken.push(format!("ledger row {} does not cover the row before it", row.seq));
        }
        *head = ChainHead { seq: row.seq, hash: row.hash };
        ControlFlow::Continue(())
    })?;
    let mut journal: BTreeMap<Lane, ChainHead> = BTreeMap::new();
    reads.each_journal(&Places::new(), &mut |row| {
        let head = journal.entry(row.lane).or_default();
        if row.hash != journal_hash(&head.hash, head.seq + 1, &row.row) {
            broken.push(format!("journal row {} breaks the chain", row.seq));
        }
        *head = ChainHead { seq: row.seq, hash: row.hash };
        ControlFlow::Continue(())
    })?;
    let mut trxs = BTreeMap::new();
    reads.each_trx(None, &mut |trx| {
        audit.trx(&trx);
        trxs.insert((trx.member.get(), trx.ref_id.clone()), trx.no);
        ControlFlow::Continue(())
    })?;
    let all: Vec<TrxNo> = trxs.values().copied().collect();
    for known in reads.knowns(&all)? {
        audit.attempts(&known.trx, &known.attempts);
    }
    let accounts: BTreeMap<MemberId, _> = reads.accounts()?.into_iter().collect();
    for record in reads.catalog()?.members {
        let balance =
            accounts.get(&record.member.id).map_or(Rupiah::ZERO, |account| account.balance);
        audit.account(record.member.id, balance, Rupiah::ZERO);
    }
    broken.extend(reads.damage(None)?);
    for why in broken {
        world.wrong(why);
    }
    for finding in audit.findings() {
        world.wrong(finding.0);
    }
    let shadow = world.with(|state| std::mem::take(&mut state.shadow));
    let compared = shadow.compare(reads);
    let judged = world.with(|state| {
        state.shadow = shadow;
        state.broken != Broken::BehindTheBack
    });
    for why in compared?.into_iter().filter(|_| judged) {
        world.wrong(why);
    }
    // Promise 1: what was answered is there, whatever crashed since.
    let lost: Vec<String> = world.with(|state| {
        let missing = state.acks.iter().filter(|((member, ref_id), ack)| {
            trxs.get(&(*member, ref_id.clone())) != Some(&ack.no)
        });
        missing.map(|(_, ack)| format!("answered and lost: {}", ack.text)).collect()
    });
    for why in lost {
        world.wrong(why);
    }
    // Promise 3: a reference is sent at most once.
    let twice: Vec<String> = world.with(|state| {
        let asked = state.truth.iter().filter(|(_, truth)| truth.asked > 1);
        asked.map(|(reference, truth)| format!("{reference} sent {} times", truth.asked)).collect()
    });
    for why in twice {
        world.wrong(why);
    }
    Ok(())
}

/// What a member was answered is about what it asked, and no refusal is made up.
pub(crate) fn answer(world: &World, asked: &BuyRequest, bought: &Bought) {
    let ref_id = &asked.ref_id;
    let equal = bought.trx.as_ref().map(|trx| {
        (&trx.ref_id, &trx.product, &trx.dest, trx.qty)
            == (ref_id, &asked.product, &asked.dest, asked.qty)
    });
    if bought.own && equal == Some(false) {
        world.wrong(format!("{ref_id} was answered with another purchase: {}", bought.text));
    }
    if bought.code == "ref_conflict" && equal != Some(false) {
        world.wrong(format!("a repeat of {ref_id} is called a conflict: {}", bought.text));
    }
    let above = |trx: &Trx| asked.harga_max.is_some_and(|max| trx.price > max);
    if bought.own && bought.trx.as_deref().is_some_and(above) {
        world.wrong(format!("{ref_id} costs more than its member allows: {}", bought.text));
    }
    let fits = asked.qty.is_some_and(|qty| (QTY.0..=QTY.1).contains(&qty.get()));
    let true_refusal = match &bought.refusal {
        None | Some(Refusal::RefConflict) => true,
        Some(Refusal::QtyRange { .. }) => !fits,
        Some(_) => false,
    };
    if !true_refusal {
        world.wrong(format!("{ref_id} is refused without a reason: {}", bought.text));
    }
}

/// Every row is what the journal's stamps say, and each change was made on what the one before left.
pub(crate) fn stamps(world: &World, reads: &mut dyn Reads, key: &StampKey) -> anyhow::Result<()> {
    let mut stamped = Stamped::new(key).with_any_clock();
    reads.each_journal(&Places::new(), &mut |row| {
        stamped.line(row.lane, row.row.at, &row.row.stamps);
        ControlFlow::Continue(())
    })?;
    let mut all = Vec::new();
    reads.each_trx(None, &mut |trx| {
        all.push(trx.no);
        ControlFlow::Continue(())
    })?;
    for known in reads.knowns(&all)? {
        stamped.purchase(&known.trx, &known.attempts);
    }
    let filter = DeliveryFilter { limit: u32::MAX, ..DeliveryFilter::default() };
    for delivery in reads.delivery_page(&filter)? {
        stamped.delivery(&delivery);
    }
    for (member, account) in reads.accounts()? {
        stamped.account(member, &account);
    }
    reads.each_paper(&mut |paper| {
        stamped.paper(&paper);
        ControlFlow::Continue(())
    })?;
    for row in reads.catalog()?.changes() {
        stamped.catalog(&row);
    }
    let compared = stamped.end();
    if compared.older > 0 {
        world.wrong(format!("{} rows have no stamp", compared.older));
    }
    for finding in compared.found {
        world.wrong(finding);
    }
    Ok(())
}

/// After everybody behaved for a while: everything is decided, and as it really was.
pub(crate) fn end(world: &World, reads: &mut dyn Reads) -> anyhow::Result<()> {
    books(world, reads)?;
    let mut all = Vec::new();
    reads.each_trx(None, &mut |trx| {
        all.push(trx);
        ControlFlow::Continue(())
    })?;
    let mut numbers: BTreeMap<(SupplierCode, Sn), Vec<(TrxNo, bool)>> = BTreeMap::new();
    for trx in all {
        let Some(story) = reads.story(trx.no)? else { continue };
        for attempt in &story.known.attempts {
            if let AttemptState::Delivered { sn } = &attempt.state
                && sn.as_str() != "ASKED"
            {
                let seen = trx.suspect.is_some() || world.with(|w| w.decided.contains(&trx.no));
                let key = (attempt.supplier.clone(), sn.clone());
                numbers.entry(key).or_default().push((trx.no, seen));
            }
            // Nothing is decided about a purchase because this machine had a want.
            if let AttemptState::Unsent { proof } = &attempt.state
                && proof == WANT
            {
                world.wrong(format!("{} ended for a want of our own", attempt.id));
            }
            let waited = attempt.sent.map_or(0, |sent| sent.since(attempt.created));
            if waited > GATE_MS {
                world.wrong(format!("{} waited {waited} ms until it was sent", attempt.id));
            }
            let late = attempt.created.since(trx.created) > FAILOVER_MS;
            if late && attempt.id.n > 1 {
                world.wrong(format!("{} is bought elsewhere too late", attempt.id));
            }
        }
        let truths: Vec<(Truth, Heard)> = world.with(|state| {
            let ours = |reference: &&String| {
                reference.split('-').nth(1) == Some(trx.no.to_string().as_str())
            };
            let found = state.truth.iter().filter(|(reference, _)| ours(reference));
            found
                .map(|(reference, truth)| {
                    let dialect = dialect(state.seed, truth.supplier);
                    let mut heard = Heard::of(reference, dialect, &story.journal);
                    heard.same_minute = story.known.attempts.iter().any(|attempt| {
                        reference.ends_with(&attempt.id.supplier_ref())
                            && is_of_its_minute(truth, attempt)
                    });
                    (truth.clone(), heard)
                })
                .collect()
        });
        if let TrxState::Failed { at, .. } = &trx.state
            && at.since(trx.created) > FAILOVER_MS
        {
            world.seen("trx: failed late");
        }
        if let TrxState::Success { sn, .. } = &trx.state {
            let known = numbers_of(world, trx.no);
            let stand_in = Sn::stand_in(AttemptId { trx: trx.no, n: trx.attempt });
            // What was forged came after it was sent, by the same millisecond.
            let is_forged = sn.as_str().ends_with('F');
            if !known.is_empty()
                && *sn != stand_in
                && !is_forged
                && !known.iter().any(|one| one == sn.as_str())
            {
                world.wrong(format!("{} has SN {sn} and not {}", trx.no, known.join(", ")));
            }
        }
        judge(world, trx.no, &trx.state, trx.suspect.is_some(), &truths);
        let open = story.known.attempts.iter().filter(|attempt| attempt.state.is_open()).count();
        if open > 0 && trx.state != TrxState::Pending {
            world.wrong(format!("{} is {} with an open attempt", trx.no, trx.state.word()));
        }
        let delivered = story
            .known
            .attempts
            .iter()
            .any(|attempt| matches!(attempt.state, AttemptState::Delivered { .. }));
        if delivered != matches!(trx.state, TrxState::Success { .. }) {
            world.wrong(format!("{} is {}, its attempts say otherwise", trx.no, trx.state.word()));
        }
        // Promise 6: every final state is told, once for each change; a serial number that came later
        // is one.
        let wanted = match &trx.state {
            TrxState::Pending | TrxState::Refused { .. } => 0,
            TrxState::Success { sn, .. } => {
                let first = story.deliveries.first();
                let later = truths.iter().any(|(truth, _)| truth.numbered_after.is_some())
                    && first.is_some_and(|first| !first.message.contains(sn.as_str()));
                if later { 2 } else { 1 }
            }
            TrxState::Failed { .. } => 1,
            TrxState::Reversed { .. } => 2,
        };
        if story.deliveries.len() != wanted {
            let count = story.deliveries.len();
            world.wrong(format!("{} is {} with {count} callbacks", trx.no, trx.state.word()));
        }
        for delivery in story.deliveries {
            let id = format!("gerbang-{}", delivery.id);
            let told = world.with(|state| state.told.contains_key(&id));
            if !told || delivery.state != DeliveryState::Delivered {
                world.wrong(format!("{id} of {} was never taken", trx.no));
            }
        }
    }
    for ((supplier, sn), given) in numbers {
        if given.len() > 1 && !given.iter().any(|(_, seen)| *seen) {
            world.wrong(format!("SN {sn} of {supplier} was given to {given:?}"));
        }
    }
    Ok(())
}

/// The serial numbers that its suppliers gave it: of its delivery, or of the equal one that it was taken
/// for.
fn numbers_of(world: &World, no: TrxNo) -> Vec<String> {
    let start = format!("g-{no}-");
    world.with(|state| {
        if state.decided.contains(&no) || state.rested.contains(&no) {
            return Vec::new();
        }
        let ours = state.truth.iter().filter(|(reference, _)| reference.starts_with(&start));
        let given = |(reference, truth): (&String, &Truth)| {
            let old = truth.old.as_ref().map(|old| &old.reference);
            serial(old.unwrap_or(reference))
        };
        ours.map(given).collect()
    })
}

/// What a supplier said of a reference, as far as it is on record: what was lost in a crash was
/// never heard.
#[derive(Clone, Copy, Default)]
struct Heard {
    delivered: bool,
    failed: bool,
    /// Taken for an equal one that was made in the minute in which ours was sent.
    same_minute: bool,
}

/// True when words about the older purchase cannot be told from words about this one by their time.
fn is_of_its_minute(truth: &Truth, attempt: &Attempt) -> bool {
    let minute = |ms: i64| ms.div_euclid(60_000);
    let old = truth.old.as_ref().map(|old| minute(START_MS + old.received));
    old.zip(attempt.sent).is_some_and(|(old, sent)| old >= minute(sent.get()))
}

/// Failures that are final.
const FINAL: [&str; 4] =
    ["GAGAL. Nomor tujuan salah", "GAGAL. Stok kosong", "\"rc\":\"54\"", "\"rc\":\"55\""];
/// Words of a delivery.
const DONE: [&str; 2] = ["SUKSES.", "\"status\":\"Sukses\""];

impl Heard {
    fn of(reference: &str, dialect: Dialect, journal: &[(i64, JournalLine)]) -> Self {
        let mut heard = Self::default();
        for (_, line) in journal.iter().filter(|(_, line)| line.channel == Channel::Supplier) {
            let text = format!("{} {}", line.request, line.reply);
            // In callbacks it is written as in a URL.
            let text = text.replace('+', " ").replace("%20", " ");
            // Who names nothing may be speaking of an equal one when it is asked.
            if dialect == Dialect::Nameless && text.contains("check=1") {
                continue;
            }
            // What is told of strangers is not told of ours.
            if text.contains(reference) && !text.contains(STRANGE) {
                heard.delivered |= DONE.iter().any(|words| text.contains(words));
                heard.failed |= FINAL.iter().any(|words| text.contains(words));
            }
        }
        heard
    }

    const fn both(self) -> bool {
        self.delivered && self.failed
    }

    /// Something was heard that is not so.
    const fn misled(self, delivered: bool) -> bool {
        (self.delivered && !delivered) || (self.failed && delivered)
    }
}

/// Ours against theirs. A supplier that said both things can be believed by nobody: then a person
/// must have been told, or the reversal have been trusted.
fn judge(world: &World, no: TrxNo, state: &TrxState, suspect: bool, truths: &[(Truth, Heard)]) {
    let delivers = |truth: &Truth| truth.ending == Ending::Delivered;
    let delivered = truths.iter().filter(|(truth, _)| delivers(truth)).count();
    let misled = truths.iter().any(|(truth, heard)| heard.misled(delivers(truth)));
    let decided = world.with(|world| world.decided.contains(&no));
    let asked: Vec<String> =
        truths.iter().map(|(truth, _)| format!("s{} {:?}", truth.supplier, truth.ending)).collect();
    let place = || format!("{no} is {}, suppliers: {}", state.word(), asked.join(", "));
    if *state == TrxState::Pending {
        world.wrong(format!("never decided: {}", place()));
        return;
    }
    if misled || decided {
        let both = truths.iter().any(|(_, heard)| heard.both());
        let rested = world.with(|world| world.rested.contains(&no));
        let settled = matches!(state, TrxState::Reversed { .. }) || suspect || decided || rested;
        if both && !settled {
            world.wrong(format!("a contradiction nobody is told of: {}", place()));
        }
        return;
    }
    let success = matches!(state, TrxState::Success { .. });
    // Over our reference, words about an equal one of the same minute settle it: with a serial number
    // that both have, which a person must hear of.
    if success && delivered == 0 && truths.iter().any(|(_, heard)| heard.same_minute) {
        return;
    }
    if delivered > 1 {
        world.wrong(format!("delivered {delivered} times: {}", place()));
    } else if success != (delivered == 1) {
        world.wrong(format!("not as it was: {}", place()));
    }
}
