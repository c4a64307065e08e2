//! Promises about money, seen from outside: one debit per refID, faults take nothing.

use super::rig::{Rig, SECRETS, get_with, product, until};
use std::time::Duration;
use store::StoreError;
use types::UtcMillis;

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 279_655, |_| ()).await;
    rig
}

const BUY: &str = "product=T1&dest=089660522887&refID=114";

/// Promise 2: two hundred parallel sends of one refID are one purchase with one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_sends_of_one_ref_are_one_debit() {
    let rig = rig().await;
    let target = format!("/trx?{BUY}&memberID=OK00123&{SECRETS}");
    let sends: Vec<_> = (0..200)
        .map(|_| {
            let (address, target) = (rig.address, target.clone());
            tokio::spawn(async move { get_with(address, &target, "").await })
        })
        .collect();
    let mut answers = std::collections::BTreeSet::new();
    for send in sends {
        let got = send.await.unwrap();
        assert_eq!(got.status, 200);
        answers.insert(got.body);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(rig.balance(1).await, 279_655 - 1_321);
    // What would be sent again is sent before what comes behind it.
    rig.trx("product=T1&dest=081200000001&refID=behind").await;
    let sent = || rig.supplier.received.lock().unwrap().clone();
    until("the one behind it is sent", || sent().iter().any(|id| id.ends_with("2-1"))).await;
    assert_eq!(sent().len(), 2, "sent more than once: {:?}", sent());
}

/// Two hundred parallel purchases with a balance for one hundred: exactly one hundred pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_purchases_never_overdraw() {
    let rig = Rig::new().await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 132_100, |_| ()).await;
    let sends: Vec<_> = (0..200)
        .map(|number| {
            let address = rig.address;
            let target = format!(
                "/trx?product=T1&dest=089660522887&refID=p{number}&memberID=OK00123&{SECRETS}"
            );
            tokio::spawn(async move { get_with(address, &target, "").await.code().to_owned() })
        })
        .collect();
    let (mut accepted, mut refused) = (0, 0);
    for send in sends {
        match send.await.unwrap().as_str() {
            "accepted" => accepted += 1,
            "insufficient_balance" => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((accepted, refused), (100, 100));
    assert_eq!(rig.balance(1).await, 0);
}

/// A batch that was not written: 503, nothing taken, the next try is a first try.
#[tokio::test]
async fn an_unwritten_batch_is_busy_and_takes_nothing() {
    let rig = rig().await;
    *rig.fault.lock().unwrap() = Some(StoreError::NotWritten("disk full".to_owned()));
    let got = rig.trx(BUY).await;
    assert_eq!(got.status, 503);
    assert_eq!(got.body, "Sistem sibuk, ulangi dengan refID yang sama");
    assert!(got.head.contains("retry-after: 1"), "{}", got.head);
    let check = rig.trx(&format!("{BUY}&check=1")).await;
    assert!(check.body.starts_with("TIDAK ADA transaksi "), "{}", check.body);
    assert_eq!(rig.trx(BUY).await.code(), "accepted");
    assert_eq!(rig.balance(1).await, 278_334);
}

/// A commit whose end is not known stops the writer: nothing more is answered as written. Of the
/// purchase itself nobody knows, so it is under way, without a number: who hears "busy" buys elsewhere.
#[tokio::test]
async fn an_unknown_commit_stops_the_writer() {
    let mut rig = rig().await;
    *rig.fault.lock().unwrap() = Some(StoreError::Unknown("i/o error".to_owned()));
    let got = rig.trx(BUY).await;
    assert_eq!((got.status, got.code()), (200, "not_known"));
    let begins = "Mhn tunggu trx sblmnya selesai: R#114 T1.089660522887 @";
    assert!(got.body.starts_with(begins) && !got.body.contains("T#"), "{}", got.body);
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut rig.ended).await.unwrap();
    assert!(matches!(ended, Ok(Err(StoreError::Unknown(_)))), "{ended:?}");
    assert_eq!(rig.trx("product=T1&dest=089660522887&refID=115").await.status, 503);
}

/// A lane that was taken over while this node slept: found before a commit was asked for, so the purchase
/// was not taken, and nobody is told to wait for it. Lines of answers that could not be written are counted,
/// and their text is in the log.
#[tokio::test]
async fn a_batch_of_a_lost_lane_was_not_taken() {
    let mut rig = rig().await;
    let why = "lane 1 was taken over; the batch is dropped";
    *rig.fault.lock().unwrap() = Some(StoreError::Broken(why.to_owned()));
    let got = rig.trx(BUY).await;
    assert_eq!((got.status, got.code()), (503, "busy"));
    assert_eq!(got.body, "Sistem sibuk, ulangi dengan refID yang sama");
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut rig.ended).await.unwrap();
    assert!(matches!(ended, Ok(Err(StoreError::Broken(_)))), "{ended:?}");
    assert_eq!(rig.trx("product=T1&dest=089660522887&refID=115").await.status, 503);
    assert_eq!(rig.handle.lost_lines(), 0, "busy is never in the journal");
    assert_eq!(rig.trx("product=T1&dest=1&refID=116&qty=x").await.code(), "invalid_parameter");
    assert_eq!(rig.handle.lost_lines(), 1);
    assert!(rig.metrics().await.body.contains("gerbang_journal_lines_lost 1"));
    assert_eq!(rig.balance(1).await, 279_655);
}

/// Almost no disk left: refused before anything is taken, questions still answered.
#[tokio::test]
async fn a_full_disk_refuses_purchases_only() {
    let rig = rig().await;
    rig.handle.set_full(true);
    assert_eq!(rig.trx(BUY).await.status, 503);
    assert_eq!(rig.get("/readyz").await.status, 503);
    assert_eq!(rig.trx(&format!("{BUY}&check=1")).await.code(), "no_data");
    rig.handle.set_full(false);
    assert_eq!(rig.get("/readyz").await.status, 200);
    assert_eq!(rig.trx(BUY).await.code(), "accepted");
}

/// Promise 7: everything is on record, and nothing secret of it, wherever it was put.
#[tokio::test]
async fn secrets_are_never_stored() {
    let rig = rig().await;
    rig.get("/trx?product=T1&dest=089660522887&refID=1&memberID=OK00123&PIN=7391&PASSWORD=hush")
        .await;
    rig.get("/trx?product=T1&dest=089660522887&refID=2&memberID=OK00123&pin=123456&password=hush")
        .await;
    rig.get("/trx/balance?memberID=OK00123&pin=7391&password=hush").await;
    rig.get("/trx?memberID=OK00123&sign=Cp9NLVuKWBt5Sey_uMlYsvnKvJI&product=T1&dest=0&refID=3")
        .await;
    rig.trx(BUY).await;
    // The lines ride behind the answers.
    rig.handle.submit_patiently(engine::Errand::default().into()).await.unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(rig.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in ["7391", "123456", "hush", "secret", "Cp9NLVuKWBt5Sey"] {
            if bytes.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                found.push(format!("{secret} in {}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:?}");
}

/// The journal tells the whole purchase, and the ledger of a settled one is complete.
#[tokio::test]
async fn a_story_is_complete() {
    let rig = rig().await;
    rig.answer("089660522887", "status=success sn=R1");
    rig.trx(BUY).await;
    rig.callback("114").await;
    rig.handle.submit_patiently(engine::Errand::default().into()).await.unwrap();
    let id = types::MemberId::new(1);
    let ref_id = types::RefId::parse("114").unwrap();
    let read = rig.handle.reads().ask(move |reads| {
        let trx = reads.trx_by_ref(id, &ref_id)?.unwrap();
        reads.story(trx.no)
    });
    let story = read.await.unwrap().unwrap().unwrap();
    let channels: Vec<&str> = story.journal.iter().map(|(_, line)| line.channel.word()).collect();
    for wanted in ["trx", "supplier"] {
        assert!(channels.contains(&wanted), "{channels:?}");
    }
    let kinds: Vec<&str> = story.transfers.iter().map(|(_, row)| row.kind.word()).collect();
    assert_eq!(kinds, ["debit", "settle", "cost"]);
    assert_eq!(story.deliveries.len(), 1);
    assert!(story.known.trx.created > UtcMillis::new(0));
}
