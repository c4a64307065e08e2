//! What members and people of the house do at a node: they buy, pay in, give, edit, pause.

use crate::bank;
use crate::calls::call_too_early;
use crate::check;
use crate::nodes::Desk;
use crate::operator;
use crate::ops::{Edit, Wanted, What};
use crate::shop;
use crate::supplier::Item;
use crate::world::{Ack, World};
use domain::{AccountName, BuyRequest, Kind, Movement};
use engine::{Answer, Asked, Command, Errand, Handle, Ran};
use store::{CatalogChange, DeliveryFilter, DeliveryState};
use types::{Dest, MemberId, ProductCode, Qty, RefId, Rupiah};

/// The id of a member by its number.
pub(crate) fn member_id(number: u64) -> MemberId {
    MemberId::new(i64::try_from(number).unwrap_or_default() + 1)
}

fn request(wanted: &Wanted) -> anyhow::Result<BuyRequest> {
    // Who has a daily limit meets it exactly when it buys the same every time.
    let product = match wanted.qty {
        Some(_) => "T2",
        None if wanted.number % 8 == 6 && wanted.member > 0 => "T3",
        None => "T1",
    };
    Ok(BuyRequest {
        product: ProductCode::parse(product)?,
        dest: Dest::parse(&format!("08960000{:04}", wanted.dest))?,
        qty: wanted.qty.and_then(Qty::new),
        ref_id: RefId::parse(&format!("r{}", wanted.number))?,
        counter: wanted.counter,
        harga_max: wanted.price_most.map(Rupiah::new),
        form: domain::Form::default(),
    })
}

async fn buy(world: &World, handle: &Handle, wanted: &Wanted) {
    let Ok(request) = request(wanted) else { return };
    let (id, ref_id) = (member_id(wanted.member), request.ref_id.clone());
    let asked = request.clone();
    world.with(|state| state.shadow.counts(id, &ref_id, wanted.counter));
    let item = Item {
        product: request.product.to_string(),
        dest: request.dest.to_string(),
        qty: wanted.qty,
    };
    let command = Command::Buy {
        member: id,
        request: Box::new(request),
        asked: Box::new(Asked {
            received: handle.now().utc,
            peer: "203.0.113.9".to_owned(),
            request: String::new(),
        }),
    };
    let Ok(Answer::Bought(bought)) = handle.submit(command).await else {
        // A client without an answer asks again with the same reference.
        world.seen("buy busy");
        return;
    };
    world.log(|| format!("answer {}", bought.text));
    world.seen(match bought.code {
        "accepted" => "buy accepted",
        "repeat" => "buy repeated",
        "ref_conflict" => "buy conflict",
        _ => "buy refused",
    });
    check::answer(world, &asked, &bought);
    if let Some(what) = met(bought.code, wanted) {
        world.seen(what);
    }
    let Some(trx) = bought.trx.filter(|_| bought.own) else { return };
    let ack = Ack { no: trx.no, text: bought.text };
    let shared = world.with(|state| {
        state.acks.keys().any(|(member, known)| *member != id.get() && *known == ref_id)
    });
    if shared {
        world.seen("buy: a reference of two members");
    }
    let key = (id.get(), ref_id);
    let first = world.with(|state| state.acks.entry(key).or_insert(ack.clone()).clone());
    if first.no != ack.no {
        world.wrong(format!("one reference, two purchases: {} and {}", first.text, ack.text));
    }
    let most = wanted.price_most.filter(|_| bought.code == "accepted");
    if let Some(most) = most.filter(|most| trx.price.get() > *most) {
        world.wrong(format!("{} costs {}, more than {most}", trx.no, trx.price));
    }
    if bought.code == "accepted" {
        call_too_early(world, &format!("g-{}-1", trx.no), &item);
    }
}

/// What of the rarer rules a purchase met.
fn met(code: &str, wanted: &Wanted) -> Option<&'static str> {
    match code {
        "accepted" if wanted.qty.is_some() => Some("buy: open denomination"),
        "accepted" if wanted.price_most.is_some() => Some("buy: hargamax held"),
        "accepted" if wanted.counter > 1 => Some("buy: counter"),
        "price_above_max" => Some("buy: above hargamax"),
        "limit" => Some("buy: above a limit"),
        "no_route" => Some("buy: no route"),
        "same_day_duplicate" => Some("buy: the same day"),
        "insufficient_balance" => Some("buy: no balance"),
        "qty_range" => Some("buy: outside of its range"),
        _ => None,
    }
}

pub(crate) async fn credit(world: &World, handle: &Handle, member: u64, amount: i64) {
    let movement = Movement {
        member: member_id(member),
        amount: Rupiah::new(amount),
        other: AccountName::Cash("bca".to_owned()),
        kind: if amount < 0 { Kind::Withdrawal } else { Kind::Deposit },
        note: String::new(),
    };
    // Before it is written: a crash may leave it written without an answer.
    world.with(|state| state.shadow.asked(movement.member, amount));
    let moved = handle.submit_patiently(Errand::movement(movement).into()).await;
    if matches!(moved, Ok(Answer::Ran(Ran::Refused { .. }))) {
        world.seen("withdrawal refused");
    }
}

/// A member gives another one of its balance: both halves or none.
async fn give(world: &World, handle: &Handle, from: u64, to: u64, amount: i64) {
    let half = |member: u64, amount: i64, kind: Kind| Movement {
        member: member_id(member),
        amount: Rupiah::new(amount),
        other: AccountName::Exchange,
        kind,
        note: String::new(),
    };
    world.with(|state| {
        state.shadow.asked(member_id(from), -amount);
        state.shadow.asked(member_id(to), amount);
    });
    let moves = vec![half(from, -amount, Kind::Given), half(to, amount, Kind::Received)];
    let moved = handle.submit_patiently(Errand { moves, ..Errand::default() }.into()).await;
    match moved {
        Ok(Answer::Ran(Ran::Done(_))) => world.seen("member: gives"),
        Ok(Answer::Ran(Ran::Refused { .. })) => world.seen("member: has not so much to give"),
        _ => {}
    }
}

/// All callbacks in this state, or all that were not taken yet.
pub(crate) async fn replay(handle: &Handle, state: Option<DeliveryState>) {
    let filter = DeliveryFilter { state, limit: 1_000, ..DeliveryFilter::default() };
    let page = handle.reads().ask(move |reads| reads.delivery_page(&filter)).await;
    let Ok(Ok(page)) = page else { return };
    let waiting = page.into_iter().filter(|delivery| delivery.state != DeliveryState::Delivered);
    for delivery in waiting {
        let _ = handle.submit_patiently(Errand::replay(delivery.id).into()).await;
    }
}

fn refresh(world: &World, all: &[Handle]) {
    for other in all {
        if let Err(why) = other.refresh() {
            world.wrong(why);
        }
    }
}

async fn pause(world: &World, handle: &Handle, all: &[Handle], number: usize, paused: bool) {
    let Ok(change) = shop::supplier(number, paused) else { return };
    world.seen("supplier paused");
    let pauses = world.with(|state| {
        state.paused.remove(&number);
        state.pauses += 1;
        state.pauses
    });
    let command = Errand::edit(vec![change]).into();
    let done = handle.submit_patiently(command).await.is_ok();
    refresh(world, all);
    world.with(|state| {
        if done && paused && state.pauses == pauses {
            state.paused.insert(number);
        }
    });
}

/// A member's row as it stands, changed.
async fn member_row(
    handle: &Handle,
    member: u64,
    change: impl FnOnce(&mut domain::Member),
) -> Option<CatalogChange> {
    let rows = handle.reads().ask(|reads| reads.catalog()).await.ok()?.ok()?;
    let id = member_id(member);
    let mut record = rows.members.into_iter().find(|record| record.member.id == id)?;
    change(&mut record.member);
    Some(CatalogChange::Member(record))
}

async fn edit(world: &World, handle: &Handle, all: &[Handle], what: Edit) {
    let seed = world.with(|state| state.seed);
    let changes = match what {
        Edit::Price(amount) => shop::price("T1", amount).into_iter().collect(),
        Edit::Route { supplier, enabled } => shop::route(Some(seed), "T1", supplier, enabled)
            .map(CatalogChange::Route)
            .into_iter()
            .collect(),
        Edit::Member { member, active } => {
            member_row(handle, member, |row| row.active = active).await.into_iter().collect()
        }
        Edit::Url { member } => {
            let now = world.now();
            let url = format!("https://m{member}.example/h2h?at={now}");
            let row = member_row(handle, member, |row| row.callback_url = Some(url)).await;
            row.into_iter().collect::<Vec<_>>()
        }
    };
    let done = handle.submit_patiently(Errand::edit(changes).into()).await;
    if matches!(done, Ok(Answer::Ran(Ran::Done(_)))) {
        world.seen("catalog: edited");
    }
    refresh(world, all);
}

/// The clock is set, as far as no purchase of strangers becomes younger than one of ours.
fn set_clock(world: &World, by: i64) {
    // Back: strangers' purchases stay older than ours, and what is due waits no longer than the run.
    let is_far = by > 60_000;
    if is_far
        && world
            .with(|state| state.behind > 60_000 || std::mem::replace(&mut state.was_set_back, true))
    {
        return;
    }
    world.seen(match (by < 0, is_far) {
        (true, _) => "clock: set forward",
        (false, true) => "clock set far back",
        (false, false) => "clock set back",
    });
    world.with(|state| {
        state.behind += by;
        state.jumped += by.abs();
        state.far |= by.abs() > 60_000;
    });
}

/// Somebody does something, at a node.
pub(crate) async fn act(world: &World, desk: &Desk, what: What, all: &[Handle]) {
    let Desk { handle, office, .. } = desk;
    match what {
        What::Buy(wanted) | What::Again(wanted) | What::Conflict(wanted) => {
            buy(world, handle, &wanted).await;
        }
        What::Credit { member, amount } => credit(world, handle, member, amount).await,
        What::Give { from, to, amount } => give(world, handle, from, to, amount).await,
        What::Pause { supplier, paused } => {
            let number = usize::try_from(supplier).unwrap_or_default();
            pause(world, handle, all, number, paused).await;
        }
        What::Edit(what) => edit(world, handle, all, what).await,
        What::Ticket { number, member, wanted } => {
            bank::ask(world, office, number, member, wanted).await;
        }
        What::Cancel { number } => bank::cancel(world, office, number).await,
        What::Pay { number, how } => bank::pay(world, number, how),
        What::Tell { teller, most } => bank::tell(world, office, teller, most).await,
        What::Decide => operator::decide(world, handle).await,
        What::Err { nth } => operator::err(world, handle, nth).await,
        What::Reverse { nth } => operator::reverse(world, handle, nth).await,
        What::Correct { nth, more } => operator::correct(world, handle, nth, more).await,
        What::Replay => {
            world.seen("replay");
            replay(handle, Some(DeliveryState::Due)).await;
        }
        What::ClockBack { ms } => set_clock(world, ms),
        What::ClockForward { ms } => set_clock(world, -ms),
        What::StandStill { ms } => {
            world.seen("process: stands still");
            world.stand_still(ms);
        }
        What::Kill | What::Sleep { .. } => {}
    }
}
