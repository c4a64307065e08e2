//! The outbox: the schedule, patience with receivers, and no receiver in another's way.

use super::rig::{Break, Rig, pass};
use domain::CALLBACK_DELAYS_MS;
use engine::{Answer, Errand, Ran};
use std::sync::atomic::Ordering;
use store::{DeliveryFilter, DeliveryState, JournalFilter};
use types::DeliveryId;

fn answer(rig: &Rig, host: &str, ms: u64, status: u16, retry_after_ms: Option<i64>) {
    let mut answers = rig.receivers.answers.lock().unwrap();
    answers.insert(host.to_owned(), (ms, status, retry_after_ms));
}

async fn states(rig: &Rig) -> Vec<DeliveryState> {
    let filter = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    let page = rig.handle.reads().ask(move |reads| reads.delivery_page(&filter)).await.unwrap();
    page.unwrap().into_iter().map(|delivery| delivery.state).collect()
}

/// Promise 6: the whole schedule, then exhausted; the text never changes; a replay starts over.
#[tokio::test(start_paused = true)]
async fn a_deaf_receiver_is_tried_for_three_days() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 4_000).await;
    answer(&rig, "a.example", 10, 500, None);
    rig.buy("1").await;
    pass(4 * 24 * 3_600_000).await;
    let tries = rig.receivers.tries.lock().unwrap().clone();
    assert_eq!(tries.len(), CALLBACK_DELAYS_MS.len());
    assert!(tries.iter().all(|(_, url)| *url == tries[0].1), "the text changed");
    for (at, pair) in tries.windows(2).enumerate() {
        let pause = pair[1].0 - pair[0].0;
        let slot = CALLBACK_DELAYS_MS[at + 1];
        // Up to one look of the worker later.
        assert!((slot..slot + 4_500).contains(&pause), "pause {at}: {pause} instead of {slot}");
    }
    assert_eq!(states(&rig).await, [DeliveryState::Exhausted]);

    answer(&rig, "a.example", 10, 204, None);
    let replay = |id| rig.handle.submit_patiently(Errand::replay(DeliveryId::new(id)).into());
    assert!(matches!(replay(1).await.unwrap(), Answer::Ran(Ran::Done(_))));
    assert!(matches!(replay(99).await.unwrap(), Answer::Ran(Ran::Unfit(_))));
    pass(1_000).await;
    assert_eq!(states(&rig).await, [DeliveryState::Delivered]);
}

/// What could not be sent for want of our own is no try: it waits, is sent as soon as it can be, and
/// has its whole schedule left.
#[tokio::test(start_paused = true)]
async fn a_want_of_our_own_uses_no_try_up() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 4_000).await;
    rig.receivers.wants.store(true, Ordering::SeqCst);
    rig.buy("1").await;
    pass(600_000).await;
    let held = rig.receivers.held.lock().unwrap().len();
    assert!((5..200).contains(&held), "{held} in ten minutes");
    assert!(rig.receivers.tries.lock().unwrap().is_empty());
    assert_eq!(states(&rig).await, [DeliveryState::Due]);
    answer(&rig, "a.example", 10, 500, None);
    rig.receivers.wants.store(false, Ordering::SeqCst);
    pass(4 * 24 * 3_600_000).await;
    assert_eq!(rig.receivers.tries.lock().unwrap().len(), CALLBACK_DELAYS_MS.len());
    assert_eq!(states(&rig).await, [DeliveryState::Exhausted]);
}

#[tokio::test(start_paused = true)]
async fn redirects_and_client_errors_are_no_delivery() {
    for status in [301, 404, 409, 429] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        answer(&rig, "a.example", 10, status, None);
        rig.buy("1").await;
        pass(2_000).await;
        assert_eq!(states(&rig).await, [DeliveryState::Due], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_may_ask_for_time() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    answer(&rig, "a.example", 10, 503, Some(40_000));
    rig.buy("1").await;
    pass(39_000).await;
    assert_eq!(rig.receivers.tries.lock().unwrap().len(), 1);
    pass(4_000).await;
    assert_eq!(rig.receivers.tries.lock().unwrap().len(), 2);
}

/// More callbacks than one look holds, to a receiver that hangs, do not hold up another member.
#[tokio::test(start_paused = true)]
async fn a_slow_receiver_delays_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.member(2, "https://b.example/h2h").await;
    let mut quick = rig.first.buys.lock().unwrap().clone();
    if let super::rig::Act::Say(ms, _) = &mut quick {
        *ms = 10;
    }
    *rig.first.buys.lock().unwrap() = quick;
    answer(&rig, "a.example", 30_000, 200, None);
    rig.credit(1, 2_000_000).await;
    for number in 0..1_100 {
        rig.buy(&format!("slow-{number}")).await;
    }
    pass(2_000).await;
    rig.buy_as(2, "quick").await;
    pass(1_500).await;
    let tries = rig.receivers.tries.lock().unwrap().clone();
    assert!(tries.iter().any(|(_, url)| url.contains("b.example")), "{} tries", tries.len());
    assert!(tries.iter().filter(|(_, url)| url.contains("a.example")).count() <= 16);
}

/// While tries cannot be recorded each comes later than the last; afterwards all is as before.
#[tokio::test(start_paused = true)]
async fn a_store_that_writes_nothing_does_not_flood_receivers() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Break::new(false);
    let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
    answer(&rig, "a.example", 10, 500, None);
    rig.buy("1").await;
    pass(3_000).await;
    let before = rig.receivers.tries.lock().unwrap().len();
    plan.busy.store(true, Ordering::SeqCst);
    pass(60_000).await;
    let tries = rig.receivers.tries.lock().unwrap()[before..].to_vec();
    // At about 0, 1, 3, 7, 15 and 31 s from the first of them.
    assert!((5..=6).contains(&tries.len()), "{tries:?}");
    let pauses: Vec<_> = tries.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(pauses.windows(2).all(|pair| pair[1] > pair[0] * 3 / 2), "{pauses:?}");

    pass(3_600_000).await;
    let during = rig.receivers.tries.lock().unwrap().len() - before;
    assert!((15..=22).contains(&during), "{during} in an hour: never more than 5 minutes apart");
    plan.busy.store(false, Ordering::SeqCst);
    answer(&rig, "a.example", 10, 200, None);
    pass(300_500).await;
    assert_eq!(states(&rig).await, [DeliveryState::Delivered]);
}

async fn lasts(rig: &Rig) -> Vec<String> {
    let filter = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    let page = rig.handle.reads().ask(move |reads| reads.delivery_page(&filter)).await.unwrap();
    page.unwrap().into_iter().map(|delivery| delivery.last).collect()
}

async fn alerts(rig: &Rig) -> usize {
    let filter = JournalFilter { limit: 1_000, ..JournalFilter::default() };
    let page = rig.handle.reads().ask(move |reads| reads.journal_page(&filter)).await.unwrap();
    page.unwrap().iter().filter(|line| line.row.status == "gone").count()
}

/// 410 Gone ends the calls of that URL, also those that come later and after a restart; a changed
/// URL is called, and so is the old one when a person sends a callback again.
#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 4_000).await;
    let tries = || rig.receivers.tries.lock().unwrap().len();
    answer(&rig, "a.example", 10, 410, None);
    rig.buy("1").await;
    pass(2_000).await;
    assert_eq!((states(&rig).await, tries()), (vec![DeliveryState::Parked], 1));
    assert!(lasts(&rig).await[0].contains("410 Gone"));
    rig.buy("2").await;
    rig.buy("3").await;
    pass(4 * 86_400_000).await;
    assert_eq!((states(&rig).await, tries()), (vec![DeliveryState::Parked; 3], 1));
    assert_eq!(alerts(&rig).await, 1, "told once");

    // A person tries the same URL: still gone, and then not any more.
    let again = |id| rig.handle.submit_patiently(Errand::replay(DeliveryId::new(id)).into());
    again(1).await.unwrap();
    pass(2_000).await;
    assert_eq!((states(&rig).await, tries()), (vec![DeliveryState::Parked; 3], 2));
    answer(&rig, "a.example", 10, 200, None);
    rig.buy("4").await;
    pass(2_000).await;
    assert_eq!(tries(), 2, "nobody asked for it");
    again(1).await.unwrap();
    pass(2_000).await;
    rig.buy("5").await;
    pass(2_000).await;
    assert_eq!(tries(), 4, "a callback that was taken opens the URL again");

    // Another URL is another receiver.
    answer(&rig, "a.example", 10, 410, None);
    rig.buy("6").await;
    pass(2_000).await;
    rig.member(1, "https://b.example/h2h").await;
    rig.buy("7").await;
    pass(2_000).await;
    assert_eq!(states(&rig).await[..2], [DeliveryState::Delivered, DeliveryState::Parked]);
    for id in [2, 3, 4, 6] {
        again(id).await.unwrap();
    }
    pass(2_000).await;
    assert_eq!(states(&rig).await, [DeliveryState::Delivered; 7]);
}

/// Many purchases that are told at one time to a URL that is gone: one alert, nothing left due.
#[tokio::test(start_paused = true)]
async fn a_flock_of_callbacks_to_a_url_that_is_gone_alerts_once() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    answer(&rig, "a.example", 500, 410, None);
    for number in 0..50 {
        rig.buy(&number.to_string()).await;
    }
    pass(10_000).await;
    assert_eq!(states(&rig).await, [DeliveryState::Parked; 50]);
    assert!(rig.receivers.tries.lock().unwrap().len() <= 16);
    assert_eq!(alerts(&rig).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_may_ask_for_hours_but_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 4_000).await;
    answer(&rig, "a.example", 10, 429, Some(3 * 3_600_000));
    rig.buy("1").await;
    pass(3 * 3_600_000 - 1_000).await;
    assert_eq!(rig.receivers.tries.lock().unwrap().len(), 1);
    answer(&rig, "a.example", 10, 503, Some(i64::MAX));
    pass(10_000).await;
    assert_eq!(rig.receivers.tries.lock().unwrap().len(), 2);
    pass(86_400_000).await;
    assert_eq!(rig.receivers.tries.lock().unwrap().len(), 3);
}

/// More members with receivers that hang than there are seats for: the callback of another one
/// comes at once.
#[tokio::test(start_paused = true)]
async fn many_dead_receivers_starve_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 1_000).await;
    answer(&rig, "dead.example", 20_000, 504, None);
    for dead in 0..40 {
        rig.member(10 + dead, "https://dead.example/h2h").await;
        for number in 0..30 {
            rig.buy_as(10 + dead, &format!("{dead}-{number}")).await;
        }
    }
    for late_ms in [3_000, 30_000, 120_000] {
        pass(late_ms).await;
        let name = format!("healthy-{late_ms}");
        rig.buy(&name).await;
        pass(4_000).await;
        let tries = rig.receivers.tries.lock().unwrap().clone();
        assert!(tries.iter().any(|(_, url)| url.contains(&name)), "{} tries", tries.len());
    }
}
