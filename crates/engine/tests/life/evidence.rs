//! Words that may be about another purchase, suppliers that may not be used any more, questions that
//! must not come too soon: what decides, and what does not.

use super::rig::{Act, Break, Rig, T1, pass};
use domain::{AttemptState, Outcome, Tie};
use engine::{NotDone, Port};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::{CatalogChange, SupplierRecord};
use suppliers::*;
use types::{Rupiah, SupplierCode, TrxNo, UtcMillis};

/// The sandbox's words, tied to the purchase by this only, from a supplier with this spacing.
struct Tied(Tie, i64);

impl Tied {
    fn tie(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Success { sn, cost, .. } => Outcome::Success { sn, cost, tie: self.0 },
            Outcome::Failed { class, reason, .. } => Outcome::Failed { class, reason, tie: self.0 },
            other => other,
        }
    }
}

impl Connector for Tied {
    fn buy(&self, ask: &Ask) -> Result<Request, String> {
        SandboxConnector.buy(ask)
    }

    fn check(&self, ask: &Ask) -> Result<Request, String> {
        SandboxConnector.check(ask)
    }

    fn explain(&self, ask: &Ask, heard: Heard<'_>) -> Explained {
        let explained = SandboxConnector.explain(ask, heard);
        Explained { outcome: self.tie(explained.outcome), ..explained }
    }

    fn callback_of(&self, ask: &Ask, text: &str) -> Inbound {
        SandboxConnector.callback_of(ask, text)
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits { spacing_ms: self.1, age_most_ms: None }
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        SandboxConnector.callback_about(inbound)
    }

    fn balance(&self) -> Option<Request> {
        None
    }

    fn read_balance(&self, _: &Reply) -> Result<Rupiah, String> {
        Err(String::new())
    }

    fn prices(&self) -> Option<Request> {
        None
    }

    fn read_prices(&self, _: &Reply) -> Result<PriceList, String> {
        Err(String::new())
    }

    fn movement(&self, _: &str) -> Option<Movement> {
        None
    }

    fn told(&self, _: &Inbound) -> Option<Movement> {
        None
    }
}

const SN: &str = "success sn=0143-4804-9579-5519-9674";

fn one() -> SupplierCode {
    SupplierCode::parse("one").unwrap()
}

async fn supplier(rig: &Rig, edit: impl FnOnce(&mut domain::Supplier)) {
    let catalog = rig.handle.catalog();
    let mut supplier = catalog.suppliers()[&one()].clone();
    edit(&mut supplier);
    let record = SupplierRecord { supplier, settings: None };
    rig.change(vec![CatalogChange::Supplier(record)]).await;
}

fn tied(rig: &Rig, tie: Tie, spacing_ms: i64) {
    let port = Port::new(Arc::new(Tied(tie, spacing_ms)), rig.first.clone());
    rig.ports.insert(one(), port);
}

async fn suspect(rig: &Rig, no: TrxNo) -> Option<String> {
    rig.story(no).await.known.trx.suspect
}

/// The same serial number twice: with our reference it settles and a person hears of it; without it
/// settles nothing. Promise 4.
#[tokio::test(start_paused = true)]
async fn a_serial_number_that_was_used_proves_nothing_by_itself() {
    for (tie, state) in [
        (Tie::Reference, "success"),
        (Tie::Earlier, "pending"),
        (Tie::Connection, "pending"),
        (Tie::Likeness, "pending"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        rig.first.set(Act::Say(1_000, SN), Act::Say(100, "pending"));
        let first = rig.buy("a").await;
        pass(2_000).await;
        assert_eq!((rig.state(first).await, suspect(&rig, first).await), ("success", None));
        tied(&rig, tie, 0);
        let second = rig.buy("b").await;
        pass(2_000).await;
        assert_eq!(rig.state(second).await, state, "{tie:?}");
        let why = suspect(&rig, second).await.unwrap_or_default();
        assert!(why.contains(&first.to_string()), "{tie:?}: {why}");
        // Another supplier's numbers are its own.
        assert_eq!(rig.second.count("buy"), 0);
    }
}

/// Serial numbers are remembered over a restart.
#[tokio::test(start_paused = true)]
async fn serial_numbers_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.first.set(Act::Say(1_000, SN), Act::Say(100, "pending"));
    let first = rig.buy("a").await;
    pass(2_000).await;
    rig.workers.stop();
    let again = rig.again(folder.path(), 10_000).await;
    drop(rig);
    again.workers.start();
    again.first.set(Act::Say(1_000, SN), Act::Say(100, "pending"));
    tied(&again, Tie::Connection, 0);
    let second = again.buy("b").await;
    pass(2_000).await;
    assert_eq!(again.state(second).await, "pending");
    let why = suspect(&again, second).await.unwrap_or_default();
    assert!(why.contains(&first.to_string()), "{why}");
}

/// Two open purchases of the same for the same number: words without a reference decide neither,
/// also not a failure.
#[tokio::test(start_paused = true)]
async fn two_members_never_share_an_answer() {
    let failed = "out_of_stock Stok kosong";
    // Words about an older purchase over our reference may be about the other one, too.
    for (tie, words) in [(Tie::Likeness, SN), (Tie::Likeness, failed), (Tie::Earlier, SN)] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        rig.member(2, "https://b.example/h2h").await;
        tied(&rig, tie, 0);
        rig.first.set(Act::Say(100, "pending"), Act::Say(100, words));
        let first = rig.buy("a").await;
        let second = rig.buy_as(2, "b").await.trx.unwrap().no;
        pass(60_000).await;
        for no in [first, second] {
            assert_eq!(rig.state(no).await, "pending", "{words}");
            assert!(suspect(&rig, no).await.is_some(), "{words}");
        }
        assert_eq!((rig.first.count("buy"), rig.second.count("buy")), (2, 0));
    }
    // Alone, a success settles. A failure does not: a later purchase may have failed and be closed, and
    // nothing tells its words from ours.
    for (words, state) in [(SN, "success"), (failed, "pending")] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        tied(&rig, Tie::Likeness, 0);
        rig.first.set(Act::Say(100, "pending"), Act::Say(100, words));
        let no = rig.buy("a").await;
        pass(60_000).await;
        assert_eq!(rig.state(no).await, state, "{words}");
        assert_eq!(suspect(&rig, no).await.is_some(), state == "pending", "{words}");
        assert_eq!(rig.second.count("buy"), 0);
    }
}

/// The same when the other one was closed lately without a serial number of its own: its words may
/// still come.
#[tokio::test(start_paused = true)]
async fn late_words_of_a_closed_purchase_are_not_another_s() {
    for (first_words, state) in [("success sn=", "success"), ("failed batal", "failed")] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        rig.member(2, "https://b.example/h2h").await;
        rig.first.set(Act::Say(100, first_words), Act::Say(100, "pending"));
        let first = rig.buy("a").await;
        pass(1_000).await;
        assert_eq!(rig.state(first).await, state);
        tied(&rig, Tie::Likeness, 0);
        rig.first.set(Act::Say(100, "pending"), Act::Say(100, SN));
        let second = rig.buy_as(2, "b").await.trx.unwrap().no;
        pass(60_000).await;
        assert_eq!(rig.state(second).await, "pending", "{first_words}");
        let why = suspect(&rig, second).await.unwrap();
        assert!(why.contains(&format!("{first}-1")), "{why}");
    }
    // One with a serial number of its own is told from others.
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.first.set(Act::Say(100, "success sn=1111222233334444"), Act::Say(100, "pending"));
    rig.buy("a").await;
    pass(1_000).await;
    tied(&rig, Tie::Likeness, 0);
    rig.first.set(Act::Say(100, "pending"), Act::Say(100, SN));
    let second = rig.buy("b").await;
    pass(60_000).await;
    assert_eq!(rig.state(second).await, "success");
}

/// Our reference over an older purchase's words: a success waits when its number was used, a failure
/// always, and nothing is taken back for it.
#[tokio::test(start_paused = true)]
async fn an_older_failure_over_our_reference_refunds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    tied(&rig, Tie::Earlier, 0);
    rig.first.set(Act::Say(100, "pending"), Act::Say(100, "failed Nomor tujuan salah"));
    let no = rig.buy("a").await;
    pass(60_000).await;
    assert_eq!((rig.state(no).await, rig.balance().await), ("pending", 100_000 - T1));
    assert!(suspect(&rig, no).await.is_some());
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    tied(&rig, Tie::Earlier, 0);
    rig.first.set(Act::Say(100, "success sn=5555666677778888"), Act::Say(100, "pending"));
    let no = rig.buy("b").await;
    pass(1_000).await;
    assert_eq!(rig.state(no).await, "success");
    assert!(rig.supplier_calls(no, "failed Nomor tujuan salah").await);
    pass(1_000).await;
    assert_eq!(rig.state(no).await, "success");
    assert!(suspect(&rig, no).await.is_some());
}

/// What identifies nothing is no proof without a reference.
#[tokio::test(start_paused = true)]
async fn a_word_is_no_serial_number() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    tied(&rig, Tie::Likeness, 0);
    rig.first.set(Act::Say(100, "pending"), Act::Say(100, "success sn=SUKSES"));
    let no = rig.buy("a").await;
    pass(60_000).await;
    assert_eq!(rig.state(no).await, "pending");
    assert!(suspect(&rig, no).await.unwrap().contains("identifies nothing"));
}

/// A success without a serial number settles; the number that comes later takes its place and is told.
#[tokio::test(start_paused = true)]
async fn a_late_serial_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.first.set(Act::Say(1_000, "success sn="), Act::Say(100, "pending"));
    let no = rig.buy("a").await;
    pass(3_000).await;
    assert_eq!(rig.state(no).await, "success");
    assert!(rig.supplier_calls(no, SN).await);
    pass(3_000).await;
    let story = rig.story(no).await;
    let domain::TrxState::Success { sn, .. } = &story.known.trx.state else { panic!() };
    assert_eq!(sn.as_str(), "0143-4804-9579-5519-9674");
    assert_eq!((story.deliveries.len(), story.known.trx.suspect), (2, None));
    assert!(story.deliveries[1].message.contains("SN: 0143-4804-9579-5519-9674."));
    assert_eq!(rig.balance().await, 100_000 - T1);
    // And never again: another number changes nothing.
    assert!(rig.supplier_calls(no, "success sn=99998888777766665555").await);
    pass(1_000).await;
    assert_eq!(rig.story(no).await.deliveries.len(), 2);
}

/// `confirm`: a callback makes us ask, for refunds and reversals as for settlements.
#[tokio::test(start_paused = true)]
async fn a_forged_callback_reverses_nothing() {
    for (checked, state) in [("success sn=R1", "success"), ("failed batal", "reversed")] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        let port =
            Port { confirm: true, ..Port::new(Arc::new(SandboxConnector), rig.first.clone()) };
        rig.ports.insert(one(), port);
        rig.first.set(Act::Say(1_000, "success sn=R1"), Act::Say(100, checked));
        let no = rig.buy("a").await;
        pass(3_000).await;
        assert_eq!((rig.state(no).await, rig.first.count("check")), ("success", 0));
        assert!(rig.supplier_calls(no, "failed forged").await);
        pass(3_000).await;
        assert_eq!((rig.state(no).await, rig.first.count("check")), (state, 1));
        let refunded = if state == "reversed" { 0 } else { T1 };
        assert_eq!(rig.balance().await, 100_000 - refunded);
        // One answer ends the asking.
        pass(600_000).await;
        assert_eq!(rig.first.count("check"), 1);
    }
    // Nobody answers: a person hears of it.
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 1_000).await;
    let port = Port { confirm: true, ..Port::new(Arc::new(SandboxConnector), rig.first.clone()) };
    rig.ports.insert(one(), port);
    rig.first.set(Act::Say(1_000, "success sn=R1"), Act::Silent(1_000));
    let no = rig.buy("a").await;
    pass(3_000).await;
    assert!(rig.supplier_calls(no, "failed forged").await);
    pass(3_600_000).await;
    assert_eq!(rig.state(no).await, "success");
    assert!(suspect(&rig, no).await.is_some());
}

/// Questions from before the delivery do not count among those about a callback that contradicts it.
#[tokio::test(start_paused = true)]
async fn a_delivery_that_took_many_questions_is_asked_about_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 1_000).await;
    let port = Port { confirm: true, ..Port::new(Arc::new(SandboxConnector), rig.first.clone()) };
    rig.ports.insert(one(), port);
    rig.first.set(Act::Say(100, "pending"), Act::Say(100, "pending"));
    let no = rig.buy("a").await;
    pass(3_600_000).await;
    *rig.first.checks.lock().unwrap() = Act::Say(100, SN);
    pass(900_000).await;
    let asked = rig.first.count("check");
    assert!(asked > 6 && rig.state(no).await == "success", "{asked}");
    *rig.first.checks.lock().unwrap() = Act::Silent(1_000);
    assert!(rig.supplier_calls(no, "failed forged").await);
    pass(3_600_000).await;
    assert_eq!((rig.first.count("check") - asked, rig.state(no).await), (5, "success"));
}

/// What is queued for a supplier that is paused meanwhile is not sent there: it goes elsewhere.
#[tokio::test(start_paused = true)]
async fn what_is_queued_for_a_paused_supplier_goes_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Arc::new(Rig::with_tick(folder.path(), 1_000).await);
    let port = Port {
        gate: engine::Gate::new(64, Some(2)),
        ..Port::new(Arc::new(SandboxConnector), rig.first.clone())
    };
    rig.ports.insert(one(), port);
    rig.credit(1, 1_000 * T1).await;
    rig.first.set(Act::Silent(20_000), Act::Silent(20_000));
    let mut nos = Vec::new();
    for number in 0..100 {
        nos.push(rig.buy(&format!("q{number}")).await);
    }
    pass(3_000).await;
    let sent = rig.first.count("buy");
    assert!(sent < 20, "{sent}");
    supplier(&rig, |supplier| supplier.paused = true).await;
    pass(120_000).await;
    assert_eq!((rig.first.count("buy"), rig.second.count("buy")), (sent, 100 - sent));
    let mut delivered = 0;
    for no in nos {
        delivered += usize::from(rig.state(no).await == "success");
    }
    assert_eq!(delivered, 100 - sent);
}

/// The same when its circuit opens by itself, and the probe still goes.
#[tokio::test(start_paused = true)]
async fn what_is_queued_for_a_disturbed_supplier_goes_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 1_000).await;
    let port = Port {
        gate: engine::Gate::new(64, Some(1)),
        ..Port::new(Arc::new(SandboxConnector), rig.first.clone())
    };
    rig.ports.insert(one(), port);
    rig.credit(1, 1_000 * T1).await;
    rig.first.set(Act::Say(100, "garbage"), Act::Say(100, "pending"));
    for number in 0..60 {
        rig.buy(&format!("q{number}")).await;
    }
    pass(120_000).await;
    let (first, second) = (rig.first.count("buy"), rig.second.count("buy"));
    assert!(first < 20 && first + second == 60, "{first} there, {second} elsewhere");
    // It is well again: a probe finds out.
    rig.first.set(Act::Say(100, "success sn=R12345678"), Act::Say(100, "pending"));
    for number in 60..80 {
        rig.buy(&format!("q{number}")).await;
        pass(60_000).await;
    }
    assert!(rig.first.count("buy") > first + 5, "{}", rig.first.count("buy"));
}

/// Settings that changed since the sender took them up: it sends with the new ones or not at all.
#[tokio::test(start_paused = true)]
async fn a_sender_with_old_settings_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    let old = Port { edition: 7, ..Port::new(Arc::new(SandboxConnector), rig.first.clone()) };
    rig.ports.insert(one(), old);
    let no = rig.buy("a").await;
    pass(5_000).await;
    assert_eq!((rig.first.count("buy"), rig.state(no).await), (0, "pending"));
    rig.ports.insert(one(), Port::new(Arc::new(SandboxConnector), rig.first.clone()));
    pass(5_000).await;
    assert_eq!((rig.first.count("buy"), rig.state(no).await), (1, "success"));
}

/// Nobody is delivered a purchase days later: after the deadline a failure refunds.
#[tokio::test(start_paused = true)]
async fn a_failure_after_three_days_refunds() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 60_000).await;
    rig.first.set(Act::Say(1_000, "pending"), Act::Say(100, "pending"));
    let no = rig.buy("a").await;
    pass(3 * 86_400_000).await;
    assert!(suspect(&rig, no).await.is_some());
    assert!(rig.supplier_calls(no, "out_of_stock Stok kosong").await);
    pass(120_000).await;
    assert_eq!((rig.state(no).await, rig.second.count("buy")), ("failed", 0));
    assert_eq!((rig.balance().await, suspect(&rig, no).await), (100_000, None));
}

/// What can never be sent is seen by a person.
#[tokio::test(start_paused = true)]
async fn a_purchase_without_a_connection_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 60_000).await;
    rig.ports.remove(&one());
    let no = rig.buy("a").await;
    pass(9 * 60_000).await;
    assert_eq!(suspect(&rig, no).await, None);
    pass(3 * 60_000).await;
    let why = suspect(&rig, no).await.unwrap();
    assert!(why.contains("no connection to supplier one"), "{why}");
    assert_eq!((rig.state(no).await, rig.balance().await), ("pending", 100_000 - T1));
    // Connected again it is sent, and the suspicion goes.
    rig.ports.insert(one(), Port::new(Arc::new(SandboxConnector), rig.first.clone()));
    pass(120_000).await;
    assert_eq!((rig.state(no).await, suspect(&rig, no).await), ("success", None));
}

fn apart(asked: &[(i64, String)]) -> i64 {
    asked.windows(2).map(|two| two[1].0 - two[0].0).min().unwrap_or(i64::MAX)
}

/// The spacing of a supplier holds whoever wants to know: callbacks, a store that cannot write.
#[tokio::test(start_paused = true)]
async fn a_spacing_holds_for_every_question() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Break::new(false);
    let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
    supplier(&rig, |supplier| supplier.check_after_ms = 60_000).await;
    let port = Port {
        confirm: true,
        ..Port::new(Arc::new(Tied(Tie::Reference, 60_000)), rig.first.clone())
    };
    rig.ports.insert(one(), port);
    rig.first.set(Act::Say(1_000, "pending"), Act::Say(100, "pending"));
    let no = rig.buy("a").await;
    pass(3_000).await;
    for _ in 0..50 {
        assert!(rig.supplier_calls(no, "pending").await);
        pass(5_000).await;
    }
    let asked = rig.first.asked.lock().unwrap().clone();
    assert!(asked.len() > 3 && apart(&asked) >= 60_000, "{asked:?}");
    plan.busy.store(true, Ordering::SeqCst);
    pass(600_000).await;
    let asked = rig.first.asked.lock().unwrap().clone();
    assert!(apart(&asked) >= 60_000, "{asked:?}");
    // Without a spacing it is the store that is spared.
    let folder = tempfile::tempdir().unwrap();
    let plan = Break::new(false);
    let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
    rig.first.set(Act::Say(1_000, "pending"), Act::Say(100, "pending"));
    rig.buy("a").await;
    pass(3_000).await;
    plan.busy.store(true, Ordering::SeqCst);
    pass(120_000).await;
    let checks = rig.first.count("check");
    assert!((2..12).contains(&checks), "{checks} questions in two minutes");
}

/// After a restart nobody knows when it was asked last.
#[tokio::test(start_paused = true)]
async fn a_spacing_holds_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    supplier(&rig, |supplier| supplier.check_after_ms = 60_000).await;
    tied(&rig, Tie::Reference, 60_000);
    rig.first.set(Act::Say(1_000, "pending"), Act::Silent(1_000_000));
    rig.buy("a").await;
    // Asked, and the process ends before the answer: what is durable still says "due".
    pass(70_000).await;
    assert_eq!(rig.first.count("check"), 1);
    rig.workers.stop();
    let again = rig.again(folder.path(), 0).await;
    tied(&again, Tie::Reference, 60_000);
    again.workers.start();
    pass(59_000).await;
    assert_eq!(again.first.count("check"), 0);
    pass(3_000).await;
    assert_eq!(again.first.count("check"), 1);
}

/// A COMMIT that happened and whose answer was lost is not "busy".
#[tokio::test(start_paused = true)]
async fn what_may_have_been_written_is_not_busy() {
    for written in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let plan = Break::new(written);
        let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
        plan.left.store(1, Ordering::SeqCst);
        assert_eq!(rig.try_buy("chain").await.err(), Some(NotDone::NotKnown));
        assert_eq!(rig.try_buy("later").await.err(), Some(NotDone::NotTaken));
    }
    let folder = tempfile::tempdir().unwrap();
    let plan = Break::new(false);
    let rig = Rig::breaking(folder.path(), 200, plan.clone()).await;
    plan.busy.store(true, Ordering::SeqCst);
    assert_eq!(rig.try_buy("full").await.err(), Some(NotDone::NotTaken));
}

/// Equal purchases of a day are counted where a supplier wants to know.
#[tokio::test(start_paused = true)]
async fn equal_purchases_of_a_day_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_tick(folder.path(), 10_000).await;
    let counter = async |ref_id: &str| {
        let no = rig.buy(ref_id).await;
        rig.story(no).await.known.attempts[0].counter
    };
    assert_eq!((counter("a").await, counter("b").await), (1, 1));
    supplier(&rig, |supplier| supplier.counts = true).await;
    assert_eq!((counter("c").await, counter("d").await), (1, 2));
    pass(86_400_000).await;
    assert_eq!(counter("e").await, 1);
}

/// Nothing is settled before it was sent, whatever a callback says.
#[tokio::test(start_paused = true)]
async fn nothing_is_decided_before_it_was_sent() {
    for words in [SN, "failed batal"] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        rig.ports.remove(&one());
        let no = rig.buy("a").await;
        let port = Port {
            gate: engine::Gate::new(1, Some(1)),
            ..Port::new(Arc::new(SandboxConnector), rig.second.clone())
        };
        // No seat is free, so it stays queued.
        let seat = port.gate.enter(engine::Purpose::Ask, UtcMillis::new(0));
        rig.ports.insert(one(), port);
        assert!(rig.supplier_calls(no, words).await);
        pass(1_000).await;
        let known = rig.story(no).await.known;
        assert_eq!((known.trx.state.word(), known.attempts.len()), ("pending", 1));
        assert_eq!(known.attempts[0].state, AttemptState::Intended);
        assert!(known.trx.suspect.is_some());
        drop(seat);
    }
}

/// Found by the simulation: a number that was told of a purchase that was closed here, or beside
/// another number, settled an equal purchase. Promise 4.
#[tokio::test(start_paused = true)]
async fn a_number_that_decided_nothing_is_known_all_the_same() {
    for first in [Act::NotSent, Act::Say(100, "success sn=1111222233334444")] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        rig.first.set(first, Act::Say(100, "pending"));
        rig.second.set(Act::Say(100, "pending"), Act::Say(100, "pending"));
        let first = rig.buy("a").await;
        pass(1_000).await;
        assert!(rig.supplier_calls(first, SN).await);
        pass(1_000).await;
        // Over our reference it is the first one's, whoever says it next.
        tied(&rig, Tie::Earlier, 0);
        rig.first.set(Act::Say(100, "pending"), Act::Say(100, SN));
        let second = rig.buy("b").await;
        pass(60_000).await;
        assert_eq!(rig.state(second).await, "pending");
        let why = suspect(&rig, second).await.unwrap_or_default();
        assert!(why.contains(&first.to_string()), "{why}");
    }
}
