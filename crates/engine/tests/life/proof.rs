//! What the journal proves: after whatever happened each row is what its last change wrote, and each change
//! was made on what the one before it left. And errands that do not fit leave nothing.

use super::rig::{Act, Rig, pass};
use domain::{CostBack, Resolution};
use engine::{Answer, Errand, PaperChange, PaperText, Ran, Resolve};
use store::{DeliveryFilter, DeliveryState, PaperKey, Place};
use types::{MemberId, Reason, Rupiah, Sn, SupplierCode, TrxNo};

async fn run(rig: &Rig, errand: Errand) -> Ran {
    match rig.handle.submit_patiently(errand.into()).await.unwrap() {
        Answer::Ran(ran) => ran,
        other => panic!("{other:?}"),
    }
}

fn paper(seen: i64, body: Option<&str>) -> Errand {
    let put = body.map(|body| PaperText { tag: "waiting".to_owned(), body: body.to_owned() });
    let papers = vec![PaperChange { key: PaperKey::new("approval", "1"), seen, put }];
    Errand { papers, ..Errand::default() }
}

fn is_done(ran: &Ran) -> bool {
    matches!(ran, Ran::Done(_))
}

#[tokio::test(start_paused = true)]
async fn every_row_is_what_the_journal_says() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.proves().await;
    rig.buy("delivered").await;
    pass(5_000).await;
    rig.first.set(Act::Say(100, "out_of_stock kosong"), Act::Say(100, "out_of_stock kosong"));
    rig.buy("elsewhere").await;
    pass(5_000).await;
    rig.second.set(Act::Say(100, "out_of_stock kosong"), Act::Say(100, "out_of_stock kosong"));
    let failed = rig.buy("nowhere").await;
    pass(5_000).await;
    assert_eq!(rig.state(failed).await, "failed");
    rig.first.set(Act::Say(100, "pending"), Act::Say(100, "pending"));
    let waits = rig.buy("waits").await;
    pass(60_000).await;
    rig.proves().await;
    let asks = rig.buy("asks").await;
    pass(60_000).await;
    rig.resolve(waits, Resolution::Fail(Reason::clean("ditolak"))).await;
    rig.resolve(asks, Resolution::Success(Sn::parse("BY-PHONE-1").unwrap())).await;
    pass(60_000).await;
    let (reason, cost) = (Reason::clean("tidak sampai"), CostBack::Returned);
    rig.resolve(asks, Resolution::Reverse { reason, cost }).await;
    pass(60_000).await;
    rig.credit(1, 5_000).await;
    rig.limit(1, 50_000).await;
    for (errand, seen) in [(paper(0, Some("asked")), 0), (paper(1, Some("agreed")), 1)] {
        assert!(is_done(&run(&rig, errand).await), "{seen}");
        rig.proves().await;
    }
    let told = async || {
        let every = DeliveryFilter { limit: 10, ..DeliveryFilter::default() };
        let told = rig.handle.reads().ask(move |reads| reads.delivery_page(&every)).await.unwrap();
        told.unwrap()
    };
    let calls = || rig.receivers.tries.lock().unwrap().len();
    let (before, count) = (told().await, calls());
    assert!(before.len() >= 5, "{before:?}");
    for own in &before {
        assert_eq!((own.state, own.tries), (DeliveryState::Delivered, 1), "{own:?}");
        assert!(own.last.contains("200"), "{own:?}");
    }
    // One that is made again begins its schedule anew.
    let again = Errand { replay: vec![before[0].id], ..Errand::default() };
    assert!(is_done(&run(&rig, again).await));
    rig.proves().await;
    pass(60_000).await;
    assert_eq!((calls(), told().await[0].tries), (count + 1, 1));
    assert!(is_done(&run(&rig, paper(2, None)).await));
    let key = PaperKey::new("approval", "1");
    let gone = rig.handle.reads().ask(move |reads| reads.paper(&key)).await.unwrap().unwrap();
    assert_eq!(gone, None);
    pass(60_000).await;
    rig.proves().await;
}

/// What a person has told again is told at once, not when its schedule would have come to it.
#[tokio::test(start_paused = true)]
async fn a_callback_that_is_made_again_does_not_wait_for_its_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.receivers.answers.lock().unwrap().insert("a.example".to_owned(), (10, 500, None));
    rig.buy("1").await;
    pass(120_000).await;
    let calls = || rig.receivers.tries.lock().unwrap().len();
    let before = calls();
    pass(1_000).await;
    assert_eq!(calls(), before, "the next slot is far");
    let again = Errand { replay: vec![types::DeliveryId::new(1)], ..Errand::default() };
    assert!(is_done(&run(&rig, again).await));
    pass(1_000).await;
    assert_eq!(calls(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn an_errand_that_does_not_fit_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    // A paper is changed by who saw it last.
    let key = PaperKey::new("approval", "1");
    let stale = Ran::Stale(key.clone());
    assert!(is_done(&run(&rig, paper(0, None)).await), "there is none, and none is wanted");
    assert_eq!(run(&rig, paper(1, Some("x"))).await, stale);
    assert!(is_done(&run(&rig, paper(0, Some("first"))).await));
    assert_eq!(run(&rig, paper(0, Some("again"))).await, stale);
    assert_eq!(run(&rig, paper(0, None)).await, stale);
    assert!(is_done(&run(&rig, paper(1, Some("second"))).await));
    let kept = rig.handle.reads().ask(move |reads| reads.paper(&key)).await.unwrap().unwrap();
    let kept = kept.unwrap();
    assert_eq!((kept.version, kept.body.as_str(), kept.tag.as_str()), (2, "second", "waiting"));
    // A supplier with open attempts stays where it is.
    rig.first.set(Act::Say(100, "pending"), Act::Say(100, "pending"));
    let waits = rig.buy("waits").await;
    pass(5_000).await;
    let one = SupplierCode::parse("one").unwrap();
    let idle = || Errand { idle: vec![one.clone()], ..Errand::default() };
    assert_eq!(run(&rig, idle()).await, Ran::StillOpen(one.clone(), 1));
    // A decision about a purchase stands alone.
    let decide = || {
        let resolution = Resolution::Fail(Reason::clean("ditolak"));
        Errand::resolve(Resolve { trx: waits, resolution, place: None })
    };
    let moved = Errand::movement(domain::Movement {
        member: MemberId::new(1),
        amount: Rupiah::new(5),
        other: domain::AccountName::Cash("manual".to_owned()),
        kind: domain::Kind::Deposit,
        note: String::new(),
    });
    let before = rig.balance().await;
    let both = run(&rig, Errand { resolve: decide().resolve, ..moved }).await;
    assert_eq!(both, Ran::Unfit("a decision about a purchase stands alone".to_owned()));
    let missing = Errand { replay: vec![types::DeliveryId::new(99)], ..Errand::default() };
    assert_eq!(run(&rig, missing).await, Ran::Unfit("there is no callback 99".to_owned()));
    assert_eq!((rig.balance().await, rig.state(waits).await), (before, "pending"));
    assert!(is_done(&run(&rig, decide()).await));
    assert!(is_done(&run(&rig, idle()).await));
    rig.proves().await;
}

/// A serial number settles one purchase: the next one that is told it waits for a person.
#[tokio::test(start_paused = true)]
async fn a_serial_number_settles_one_purchase() {
    for (by_hand, place) in [(false, false), (true, true), (true, false)] {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path()).await;
        let says = |text: &'static str| Act::Say(100, text);
        let number = "success sn=0143480495795519";
        if by_hand {
            rig.first.set(says("pending"), says("pending"));
        } else {
            rig.first.set(says(number), says(number));
        }
        let first = rig.buy("first").await;
        pass(5_000).await;
        if by_hand {
            let attempt = rig.story(first).await.known.attempts[0].clone();
            let dest = rig.story(first).await.known.trx.dest;
            let place =
                place.then_some(Place { supplier: attempt.supplier, sku: attempt.sku, dest });
            let resolution = Resolution::Success(Sn::parse("0143480495795519").unwrap());
            let resolve = Resolve { trx: first, resolution, place };
            assert!(is_done(&run(&rig, Errand::resolve(resolve)).await));
        }
        assert_eq!(rig.state(first).await, "success");
        rig.first.set(says(number), says(number));
        let second: TrxNo = rig.buy("second").await;
        pass(5_000).await;
        let story = rig.story(second).await;
        // Where it was not looked up it is not remembered either.
        let is_known = !by_hand || place;
        assert_eq!(story.known.trx.suspect.is_some(), is_known, "{by_hand} {place}: {story:?}");
        rig.proves().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_without_an_address_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    set(&rig, 1, |member| member.callback_url = None).await;
    let no = rig.buy("quiet").await;
    pass(5_000).await;
    assert_eq!(rig.state(no).await, "success");
    let every = DeliveryFilter { limit: 10, ..DeliveryFilter::default() };
    let told = rig.handle.reads().ask(move |reads| reads.delivery_page(&every)).await.unwrap();
    assert_eq!(told.unwrap(), []);
}

/// A member that is changed in the catalog.
async fn set(rig: &Rig, number: i64, change: impl FnOnce(&mut domain::Member)) {
    let rows = rig.handle.reads().ask(|reads| reads.catalog()).await.unwrap().unwrap();
    let own = |record: &store::MemberRecord| record.member.id == MemberId::new(number);
    let mut record = rows.members.into_iter().find(own).unwrap();
    change(&mut record.member);
    rig.change(vec![store::CatalogChange::Member(record)]).await;
}

/// What a downline pays more is its upline's when it was delivered, and goes back when it was not.
#[tokio::test(start_paused = true)]
async fn an_upline_earns_what_its_downline_pays_more() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    rig.member(2, "https://b.example/h2h").await;
    set(&rig, 2, |member| {
        let (upline, markup) = (MemberId::new(1), Rupiah::new(50));
        member.upline =
            Some(domain::Upline { member: upline, markup, markups: Default::default() });
    })
    .await;
    let before = rig.balance().await;
    let bought = rig.buy_as(2, "shared").await.trx.unwrap();
    assert_eq!(bought.price, Rupiah::new(super::rig::T1 + 50));
    pass(5_000).await;
    assert_eq!((rig.state(bought.no).await, rig.balance().await), ("success", before + 50));
    let (reason, cost) = (Reason::clean("tidak sampai"), CostBack::Returned);
    rig.resolve(bought.no, Resolution::Reverse { reason, cost }).await;
    assert_eq!(rig.balance().await, before);
    rig.proves().await;
}

/// The same purchase twice in a day is one for a member that wants it so.
#[tokio::test(start_paused = true)]
async fn the_same_purchase_of_a_day_is_refused_where_it_is_guarded() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path()).await;
    for guarded in [false, true] {
        set(&rig, 1, |member| member.same_day_guard = guarded).await;
        for number in 0..2 {
            let bought = rig.buy_as(1, &format!("r{guarded}{number}")).await;
            // Only what was bought under the guard counts.
            let is_refused = guarded && number == 1;
            assert_eq!(bought.code == "same_day_duplicate", is_refused, "{bought:?}");
        }
    }
}
