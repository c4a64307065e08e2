//! What an answer rests on: "no data" is a decision, and an edit that is written is done.

use super::rig::{Break, Rig, pass};
use engine::{Answer, Command, Errand, NotDone, Ran};
use std::sync::atomic::Ordering;
use store::CatalogChange;
use types::{LevelCode, MemberId, ProductCode, RefId, Rupiah};

async fn look(rig: &Rig, ref_id: &str) -> bool {
    let (member, ref_id) = (MemberId::new(1), RefId::parse(ref_id).unwrap());
    match rig.handle.submit(Command::Look { member, ref_id }).await.unwrap() {
        Answer::Looked(found) => found.is_some(),
        other => panic!("{other:?}"),
    }
}

/// The purchase as if it had come in some time ago and waited since.
fn waited(rig: &Rig, ref_id: &str, ms: i64) -> Command {
    let mut command = rig.purchase(1, ref_id);
    if let Command::Buy { asked, .. } = &mut command {
        asked.received = asked.received.after(-ms);
    }
    command
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_is_not_taken_after_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    pass(60_000).await;
    assert!(!look(&rig, "a").await);
    let balance = rig.balance().await;
    // It came before the question and is decided after it; so often as it is sent.
    for _ in 0..2 {
        let late = rig.handle.submit(waited(&rig, "a", 1)).await;
        assert_eq!(late.err(), Some(NotDone::NotTaken));
    }
    assert_eq!(rig.balance().await, balance);
    assert!(!look(&rig, "a").await);
    // Another reference was not asked about.
    let other = rig.handle.submit(waited(&rig, "b", 1)).await.unwrap();
    assert!(matches!(other, Answer::Bought(bought) if bought.code == "accepted"));
    // What comes now is a new purchase, and then it is known.
    rig.buy("a").await;
    assert!(look(&rig, "a").await);
    let again = rig.handle.submit(waited(&rig, "a", 1)).await.unwrap();
    assert!(matches!(again, Answer::Bought(bought) if bought.own));
}

#[tokio::test(start_paused = true)]
async fn no_data_that_cannot_be_written_is_not_said() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Break::new(false);
    let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
    plan.busy.store(true, Ordering::SeqCst);
    let (member, ref_id) = (MemberId::new(1), RefId::parse("a").unwrap());
    let said = rig.handle.submit(Command::Look { member, ref_id }).await;
    assert_eq!(said.err(), Some(NotDone::NotTaken));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_read_back_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Break::new(false);
    let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
    let product = ProductCode::parse("T1").unwrap();
    let level = LevelCode::parse("retail").unwrap();
    let change = |amount| {
        let price = domain::Price { amount: Rupiah::new(amount), basis_points: 0 };
        let (level, product) = (level.clone(), product.clone());
        let changes = vec![CatalogChange::Price { level, product, price }];
        Command::from(Errand::edit(changes))
    };
    let price = || rig.handle.catalog().product_at(&level, &product).unwrap().1.amount.get();
    plan.unreadable.store(true, Ordering::SeqCst);
    let said = rig.handle.submit(change(2_000)).await;
    assert!(matches!(said, Ok(Answer::Ran(Ran::Done(_)))), "{said:?}");
    assert!(rig.handle.is_stale());
    assert_eq!(price(), super::rig::T1);
    // Nobody decides on what is known to be old; members are served.
    assert_eq!(rig.handle.submit(change(3_000)).await.err(), Some(NotDone::NotTaken));
    rig.buy("a").await;
    plan.unreadable.store(false, Ordering::SeqCst);
    pass(1_000).await;
    assert!(matches!(rig.handle.submit(change(4_000)).await, Ok(Answer::Ran(Ran::Done(_)))));
    assert!(!rig.handle.is_stale());
    assert_eq!(price(), 4_000);
}
