//! What a restart finds and does.

use super::rig::{Act, Rig, T1, pass};

const PENDING: Act = Act::Say(100, "pending");

/// Promise 3: an attempt with a sent-marker and no outcome is asked about, never sent again; an
/// intent that was never sent is sent.
#[tokio::test(start_paused = true)]
async fn sent_ones_are_asked_about_and_intents_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.first.set(Act::Silent(86_400_000), PENDING);
    let sent = rig.buy("sent").await;
    pass(1_000).await;
    rig.workers.stop();
    pass(1_000).await;
    let intended = rig.buy("intended").await;
    assert_eq!(rig.first.count("buy"), 1);

    let next = rig.again(folder.path(), 60_000).await;
    drop(rig);
    next.first.set(Act::Say(100, "success sn=SECOND"), Act::Say(100, "success sn=FIRST"));
    assert_eq!(next.workers.recover(store::Lane::default()).await.unwrap(), 1);
    next.workers.start();
    pass(5_000).await;
    let asked = next.first.asked.lock().unwrap().clone();
    let asked: Vec<&str> = asked.iter().map(|(_, what)| what.as_str()).collect();
    assert!(asked.contains(&format!("check {sent}-1").as_str()), "{asked:?}");
    assert!(!asked.contains(&format!("buy {sent}-1").as_str()), "sent again: {asked:?}");
    assert!(asked.contains(&format!("buy {intended}-1").as_str()), "{asked:?}");
    assert_eq!((next.state(sent).await, next.state(intended).await), ("success", "success"));
    assert_eq!(next.balance().await, 100_000 - 2 * T1);
    assert_eq!(next.receivers.tries.lock().unwrap().len(), 2);
}

/// A callback that was settled but not delivered goes out after the restart.
#[tokio::test(start_paused = true)]
async fn the_outbox_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.receivers.answers.lock().unwrap().insert("a.example".to_owned(), (10, 500, None));
    rig.buy("1").await;
    pass(2_000).await;
    let first = rig.receivers.tries.lock().unwrap().clone();
    assert_eq!(first.len(), 1);
    rig.workers.stop();
    pass(1_000).await;
    let next = rig.again(folder.path(), 10_000).await;
    drop(rig);
    next.workers.recover(store::Lane::default()).await.unwrap();
    next.workers.start();
    pass(1_000).await;
    let tries = next.receivers.tries.lock().unwrap().clone();
    assert_eq!(tries.len(), 1);
    assert_eq!(tries[0].1, first[0].1);
}
