//! Our crash at every commit of a purchase's life, with the commit written or lost: in the end it
//! was delivered once and paid once, or not at all.

use super::rig::{Act, Break, Rig, T1, Truth, pass};
use domain::BuyRequest;
use engine::{Answer, Asked, Command};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use types::*;

async fn buy(rig: &Rig) -> Option<TrxNo> {
    let command = Command::Buy {
        member: MemberId::new(1),
        request: Box::new(BuyRequest {
            product: ProductCode::parse("T1").unwrap(),
            dest: Dest::parse("089660522887").unwrap(),
            qty: None,
            ref_id: RefId::parse("r1").unwrap(),
            counter: 1,
            harga_max: None,
            form: domain::Form::default(),
        }),
        asked: Box::new(Asked {
            received: rig.handle.now().utc,
            peer: "127.0.0.1".to_owned(),
            request: String::new(),
        }),
    };
    match rig.handle.submit(command).await {
        Ok(Answer::Bought(bought)) => bought.trx.map(|trx| trx.no),
        Ok(other) => panic!("{other:?}"),
        Err(_) => None,
    }
}

/// One life with a crash at commit `step`; false when the life has fewer commits.
async fn live(step: i64, written: bool, first_fails: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let plan = Break::new(written);
    let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
    let truth = Arc::new(Truth::default());
    let supplier = || (Act::Truth(truth.clone()), Act::Truth(truth.clone()));
    let first = |rig: &Rig| {
        let (buys, checks) = supplier();
        if first_fails {
            let refused = Act::Say(100, "out_of_stock kosong");
            rig.first.set(refused.clone(), refused);
        } else {
            rig.first.set(buys, checks);
        }
        let (buys, checks) = supplier();
        rig.second.set(buys, checks);
    };
    first(&rig);
    plan.left.store(step, Ordering::SeqCst);
    let answered = buy(&rig).await;
    pass(5_000).await;
    let broke = plan.broke.load(Ordering::SeqCst);
    plan.left.store(i64::MAX, Ordering::SeqCst);
    let told_before = rig.receivers.tries.lock().unwrap().len();
    let rig = if broke {
        rig.workers.stop();
        let next = rig.again(folder.path(), 60_000).await;
        drop(rig);
        first(&next);
        next.workers.recover(store::Lane::default()).await.unwrap();
        next.workers.start();
        next
    } else {
        rig
    };
    // A member that got no answer asks with the same reference.
    let no = buy(&rig).await.unwrap();
    if let Some(answered) = answered {
        assert_eq!(answered, no, "an answered purchase was lost");
    }
    pass(300_000).await;
    let story = rig.story(no).await;
    let place = format!("step {step}, written {written}, first fails {first_fails}: {story:?}");
    let bought = truth.0.lock().unwrap().clone();
    let delivered: u32 = bought.values().sum();
    assert!(delivered <= 1, "delivered {delivered} times; {place}");
    match story.known.trx.state.word() {
        "success" => assert_eq!((delivered, rig.balance().await), (1, 100_000 - T1), "{place}"),
        "failed" => assert_eq!((delivered, rig.balance().await), (0, 100_000), "{place}"),
        other => panic!("{other}; {place}"),
    }
    let told = told_before + rig.receivers.tries.lock().unwrap().len();
    assert!((1..=2).contains(&told), "told {told} times; {place}");
    broke
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_commit_delivers_once_or_not_at_all() {
    for first_fails in [false, true] {
        for written in [false, true] {
            let mut steps = 0;
            while live(steps + 1, written, first_fails).await {
                steps += 1;
            }
            // Accepted, marked, settled, told; and the first supplier's refusal between.
            let least = if first_fails { 6 } else { 4 };
            assert!(steps >= least, "only {steps} commits were tried");
        }
    }
}
