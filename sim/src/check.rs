//! What must hold: after every step, and in the end.

use crate::broken::Broken;
use crate::judge::is_of_its_minute;
use crate::judge::{Heard, judge};
use crate::limits::Limits;
use crate::shop;
use crate::supplier::{Truth, WANT};
use crate::words::{Dialect, dialect, serial};
use crate::world::{Meaning, World};
use domain::{AttemptState, Audit, BuyRequest, Trx, TrxState};
use engine::Bought;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use store::{
    ChainHead, DeliveryFilter, DeliveryState, Lane, Places, Reads, StampKey, Stamped, journal_hash,
    transfer_hash,
};
use types::{AttemptId, MemberId, Refusal, Rupiah, Sn, SupplierCode, TrxNo};

/// Another supplier is tried this long after the purchase, and not longer.
pub(crate) const FAILOVER_MS: i64 = 3 * 60_000;

/// Crashes, sleeping nodes and narrow gates together hold a purchase back for less than this.
const GATE_MS: i64 = 15 * 60_000;

/// Who was away for so long cannot tell by a time of the day which purchase a guard speaks of.
const DAY_MS: i64 = 86_400_000;

/// The whole ledger against every purchase, attempt and account: what `verify` looks at, by the same audit.
pub(crate) fn audit(world: &World, reads: &mut dyn Reads) -> anyhow::Result<()> {
    let mut audit = Audit::new();
    reads.each_transfer(&Places::new(), &mut |row| {
        audit.transfer(row.seq, &row.row);
        ControlFlow::Continue(())
    })?;
    let mut all = Vec::new();
    reads.each_trx(None, &mut |trx| {
        audit.trx(&trx);
        all.push(trx.no);
        ControlFlow::Continue(())
    })?;
    for known in reads.knowns(&all)? {
        audit.attempts(&known.trx, &known.attempts);
    }
    let accounts: BTreeMap<MemberId, _> = reads.accounts()?.into_iter().collect();
    for record in reads.catalog()?.members {
        let balance =
            accounts.get(&record.member.id).map_or(Rupiah::ZERO, |account| account.balance);
        let seed = world.with(|state| state.seed);
        let number = u64::try_from(record.member.id.get() - 1).unwrap_or_default();
        let (credit, _) = shop::limits(Some(seed), number);
        audit.account(record.member.id, balance, Rupiah::new(-credit));
    }
    for finding in audit.findings() {
        world.wrong(finding.0);
    }
    Ok(())
}

/// The books at this moment: sums, floors, chains, and everything that was answered.
pub(crate) fn books(world: &World, reads: &mut dyn Reads) -> anyhow::Result<()> {
    audit(world, reads)?;
    for _ in reads.accounts()?.iter().filter(|(_, account)| account.balance.is_negative()) {
        world.seen("member: owes");
    }
    let mut ledger: BTreeMap<Lane, ChainHead> = BTreeMap::new();
    let mut broken = Vec::new();
    reads.each_transfer(&Places::new(), &mut |row| {
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
        trxs.insert((trx.member.get(), trx.ref_id.clone()), trx.no);
        ControlFlow::Continue(())
    })?;
    broken.extend(reads.damage(None)?);
    for why in broken {
        world.wrong(why);
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
    let fits = asked.qty.is_some_and(|qty| (shop::QTY.0..=shop::QTY.1).contains(&qty.get()));
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
    let mut limits = Limits::default();
    for trx in all {
        limits.trx(&trx);
        let Some(story) = reads.story(trx.no)? else { continue };
        for attempt in &story.known.attempts {
            limits.attempt(world, attempt);
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
            if waited > GATE_MS + world.with(|state| state.jumped + state.full_ms) {
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
            let strays = state.strays.iter();
            let strays = strays.filter(|(reference, _)| !state.truth.contains_key(*reference));
            let all = state.truth.iter().chain(strays);
            let found = all.filter(|(reference, _)| ours(reference));
            found
                .map(|(reference, truth)| {
                    let dialect = dialect(state.seed, truth.supplier);
                    let mut heard = Heard::of(reference, dialect, &story.journal, &state.said);
                    heard.same_minute = story.known.attempts.iter().any(|attempt| {
                        reference.ends_with(&attempt.id.supplier_ref())
                            && is_of_its_minute(state.start, truth, attempt)
                    });
                    let lost = state.far || state.jumped > DAY_MS;
                    heard.same_minute |= lost && truth.old.is_some();
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
            let stand_in = Sn::stand_in(AttemptId { trx: trx.no, n: trx.attempt });
            if *sn != stand_in && !is_given(world, trx.no, sn) && !mistaken(world, &trx) {
                world.wrong(format!("{} has SN {sn}, which nobody gave it", trx.no));
            }
        }
        if !mistaken(world, &trx) {
            judge(world, trx.no, &trx.state, trx.suspect.is_some(), &truths);
        }
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
                // Its number came later, or the answer was cut off before it.
                let late = |truth: &Truth| truth.numbered_after.is_some() || truth.contradicts;
                let later = truths.iter().any(|(truth, _)| late(truth))
                    && first.is_some_and(|first| !first.message.contains(sn.as_str()));
                if later { 2 } else { 1 }
            }
            TrxState::Failed { .. } => 1,
            TrxState::Reversed { .. } => {
                let numbered = truths.iter().any(|(truth, _)| truth.numbered_after.is_some());
                if numbered { story.deliveries.len().clamp(2, 3) } else { 2 }
            }
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
    limits.end(world);
    for ((supplier, sn), given) in numbers {
        if given.len() > 1 && !given.iter().any(|(_, seen)| *seen) {
            world.wrong(format!("SN {sn} of {supplier} was given to {given:?}"));
        }
    }
    Ok(())
}

/// A person decided an equal purchase against the truth, and its supplier names nothing: what it says of that
/// one may be about this one.
fn mistaken(world: &World, trx: &Trx) -> bool {
    world.with(|state| {
        let erred = |reference: &str| {
            let mut all = state.erred.iter().filter(|no| **no != trx.no);
            all.any(|no| reference.starts_with(&format!("g-{no}-")))
        };
        state.truth.iter().any(|(reference, truth)| {
            (truth.dest.as_str(), truth.product.as_str())
                == (trx.dest.as_str(), trx.product.as_str())
                && dialect(state.seed, truth.supplier) == Dialect::Nameless
                && erred(reference)
        })
    })
}

/// Somebody said this serial number of this purchase, whole, or a person decided.
fn is_given(world: &World, no: TrxNo, sn: &Sn) -> bool {
    let start = format!("g-{no}-");
    let whole = |text: &str| {
        text.match_indices(sn.as_str()).any(|(at, found)| {
            let next = text[at + found.len()..].chars().next();
            next.is_none_or(|next| !next.is_ascii_alphanumeric())
        })
    };
    world.with(|state| {
        let ours = |(about, _): &(String, Meaning)| about.starts_with(&start);
        state.decided.contains(&no)
            || state.rested.contains(&no)
            || state.said.iter().any(|(text, said)| said.iter().any(ours) && whole(text))
            // Its answer was cut off within the number, and it never called.
            || state.truth.iter().any(|(reference, truth)| {
                let cut = reference.starts_with(&start) && truth.contradicts;
                cut && serial(reference).starts_with(sn.as_str())
            })
            // It was taken for an equal one.
            || state.truth.iter().any(|(reference, truth)| {
                let old = truth.old.as_ref().map(|old| serial(&old.reference));
                reference.starts_with(&start) && old.as_deref() == Some(sn.as_str())
            })
    })
}
