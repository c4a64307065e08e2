//! The operator: looks at suspects, asks the supplier by phone, and decides by the truth. Another one
//! does not ask.

use crate::shop;
use crate::supplier::Ending;
use crate::words::{Dialect, dialect, serial};
use crate::world::World;
use domain::{CostBack, CostCorrection, Resolution, Trx, TrxState};
use engine::{Answer, Errand, Handle, Ran, Resolve};
use store::{Place, TrxFilter};
use types::{AttemptId, Reason, Rupiah, Sn, UtcMillis};

/// The operator looks at the oldest suspect, first one with held money, and knows what really happened.
pub(crate) async fn decide(world: &World, handle: &Handle) {
    let filter = TrxFilter { suspect: true, limit: 100, ..TrxFilter::default() };
    let page = handle.reads().ask(move |reads| reads.trx_page(&filter)).await;
    let Ok(Ok(page)) = page else { return };
    // Those whose money is held come first.
    let pending = page.iter().rev().find(|trx| trx.state == TrxState::Pending);
    let Some(trx) = pending.or(page.last()).cloned() else { return };
    let start = format!("g-{}-", trx.no);
    let (delivered, known, settled) = world.with(|state| {
        let ours: Vec<_> =
            state.truth.iter().filter(|(reference, _)| reference.starts_with(&start)).collect();
        let delivered = ours.iter().any(|(_, truth)| truth.ending == Ending::Delivered);
        let now = state.now();
        let settled =
            ours.iter().all(|(_, truth)| crate::supplier::decided_by(truth) < UtcMillis::new(now));
        let current = format!("{start}{}", trx.attempt);
        (delivered, state.truth.contains_key(&current), settled)
    });
    let resolution = match (&trx.state, delivered) {
        // What the supplier never saw may still be on its way; a person would wait too.
        (TrxState::Pending, _) if !known || !settled => return,
        (TrxState::Pending, true) => match told(world, &trx) {
            Some(sn) => Resolution::Success(sn),
            None => return,
        },
        (TrxState::Pending, false) => Resolution::Fail(Reason::clean("ditanya")),
        _ => Resolution::Keep,
    };
    world.seen(match &resolution {
        Resolution::Success(_) => "operator decides success",
        Resolution::Fail(_) | Resolution::Reverse { .. } => "operator decides failed",
        Resolution::Keep => "operator keeps",
    });
    world.log(|| format!("operator decides {} {resolution:?}", trx.no));
    // Before it is written: a crash may leave it written without an answer.
    world.with(|state| state.decided.push(trx.no));
    let place = place(handle, &trx).await;
    let resolve = Resolve { trx: trx.no, resolution, place };
    let _ = handle.submit_patiently(Errand::resolve(resolve).into()).await;
}

/// One of the purchases in this state.
async fn one(handle: &Handle, state: &str, nth: u64) -> Option<Trx> {
    let state = Some(state.to_owned());
    let filter = TrxFilter { state, limit: 1_000, ..TrxFilter::default() };
    let page = handle.reads().ask(move |reads| reads.trx_page(&filter)).await.ok()?.ok()?;
    let count = u64::try_from(page.len()).unwrap_or_default();
    page.into_iter().nth(usize::try_from(nth % count.max(1)).ok()?)
}

/// Whether any supplier delivers it.
fn is_delivered(world: &World, trx: &Trx) -> bool {
    let start = format!("g-{}-", trx.no);
    world.with(|state| {
        let mut ours = state.truth.iter().filter(|(reference, _)| reference.starts_with(&start));
        ours.any(|(_, truth)| truth.ending == Ending::Delivered)
    })
}

/// Carries a decision out that may be wrong.
async fn carry_out(world: &World, handle: &Handle, trx: &Trx, resolution: Resolution) {
    world.log(|| format!("operator errs: {} {resolution:?}", trx.no));
    // Before it is written: a crash may leave it written without an answer.
    world.with(|state| {
        state.decided.push(trx.no);
        state.erred.insert(trx.no);
    });
    let place = place(handle, trx).await;
    let errand = Errand::resolve(Resolve { trx: trx.no, resolution, place });
    let _ = handle.submit_patiently(errand.into()).await;
}

/// The operator decides what is pending, and not as it is.
pub(crate) async fn err(world: &World, handle: &Handle, nth: u64) {
    let Some(trx) = one(handle, "pending", nth).await else { return };
    let resolution = if is_delivered(world, &trx) {
        Resolution::Fail(Reason::clean("katanya gagal"))
    } else {
        let Ok(sn) = Sn::parse(&format!("KATANYA{}", trx.no)) else { return };
        Resolution::Success(sn)
    };
    world.seen("operator: wrong");
    carry_out(world, handle, &trx, resolution).await;
}

/// The operator takes back what was delivered.
pub(crate) async fn reverse(world: &World, handle: &Handle, nth: u64) {
    let Some(trx) = one(handle, "success", nth).await else { return };
    let cost = if nth.is_multiple_of(2) { CostBack::Kept } else { CostBack::Returned };
    world.seen("operator: reverses");
    let reason = Reason::clean("diminta member");
    carry_out(world, handle, &trx, Resolution::Reverse { reason, cost }).await;
}

/// What a delivered purchase cost was other than booked.
pub(crate) async fn correct(world: &World, handle: &Handle, nth: u64, more: i64) {
    let Some(trx) = one(handle, "success", nth).await else { return };
    let Some(Place { supplier, .. }) = place(handle, &trx).await else { return };
    world.with(|state| state.shadow.corrects(trx.no, more));
    let more = Rupiah::new(more);
    let cost = CostCorrection { supplier, trx: trx.no, was: None, more, note: String::new() };
    let errand = Errand { costs: vec![cost], ..Errand::default() };
    if let Ok(Answer::Ran(Ran::Done(_))) = handle.submit_patiently(errand.into()).await {
        world.seen("operator: corrects");
    }
}

/// The serial number that the supplier tells on the phone.
fn told(world: &World, trx: &Trx) -> Option<Sn> {
    let current = format!("g-{}-{}", trx.no, trx.attempt);
    let delivered = world.with(|state| {
        state.truth.get(&current).is_some_and(|truth| truth.ending == Ending::Delivered)
    });
    Sn::parse(&if delivered { serial(&current) } else { "ASKED".to_owned() }).ok()
}

/// Where the current attempt is.
async fn place(handle: &Handle, trx: &Trx) -> Option<Place> {
    let no = trx.no;
    let story = handle.reads().ask(move |reads| reads.story(no)).await;
    let attempt = story.ok()?.ok()??.known.attempts.pop()?;
    let dest = trx.dest.clone();
    Some(Place { supplier: attempt.supplier, sku: attempt.sku, dest })
}

/// The supplier of an attempt, by its code.
fn number(code: &str) -> Option<usize> {
    code.strip_prefix('s')?.parse().ok()
}

/// Words alone cannot decide it: the supplier took it for an equal one, names nothing, or never took
/// it where "no data" proves nothing.
fn is_undecidable(world: &World, attempt: AttemptId, supplier: &str) -> bool {
    let reference = format!("g-{}", attempt.supplier_ref());
    let Some(number) = number(supplier) else { return false };
    world.with(|state| {
        let ending = state.truth.get(&reference).map(|truth| truth.ending);
        matches!(ending, Some(Ending::Guarded | Ending::Repeated))
            || dialect(state.seed, number) == Dialect::Nameless
            // "No data" of a day that is not ours by our own clock proves nothing either.
            || (ending.is_none() && (state.far || !shop::no_data_is_proof(state.seed, number)))
    })
}

async fn rest(world: &World, handle: &Handle, trx: &Trx) {
    let no = trx.no;
    let story = handle.reads().ask(move |reads| reads.story(no)).await;
    let Ok(Ok(Some(story))) = story else { return };
    let Some(attempt) = story.known.attempts.last() else { return };
    if !is_undecidable(world, attempt.id, attempt.supplier.as_str()) {
        return;
    }
    let start = format!("g-{no}-");
    let delivered = world.with(|state| {
        let mut ours = state.truth.iter().filter(|(reference, _)| reference.starts_with(&start));
        ours.any(|(_, truth)| truth.ending == Ending::Delivered)
    });
    let resolution = match told(world, trx) {
        Some(sn) if delivered => Resolution::Success(sn),
        Some(_) | None => Resolution::Fail(Reason::clean("ditanya")),
    };
    world.seen(if delivered { "the rest: delivered" } else { "the rest: not delivered" });
    world.log(|| format!("operator decides the rest: {no} {resolution:?}"));
    world.with(|state| state.rested.push(no));
    let place = place(handle, trx).await;
    let errand = Errand::resolve(Resolve { trx: no, resolution, place });
    let _ = handle.submit_patiently(errand.into()).await;
}

/// What is still open and suspect in the end, if nobody could know it from words. Everything else
/// must have been decided by itself.
pub(crate) async fn decide_the_rest(world: &World, handle: &Handle) {
    let filter = TrxFilter { suspect: true, limit: 1_000, ..TrxFilter::default() };
    let page = handle.reads().ask(move |reads| reads.trx_page(&filter)).await;
    let Ok(Ok(page)) = page else { return };
    for trx in page.iter().filter(|trx| trx.state == TrxState::Pending) {
        rest(world, handle, trx).await;
    }
}
