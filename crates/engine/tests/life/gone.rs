//! Queries that break.

use engine::{Busy, ReadPool};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::Reads;

fn reader(path: &Path) -> Box<dyn Reads> {
    Box::new(sqlite::open_reader(path).unwrap())
}

/// Each broken query is its caller's error, costs a new connection and nothing else.
#[tokio::test]
async fn broken_queries_cost_no_thread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gerbang.db");
    drop(sqlite::open(&path).unwrap());
    let renewals = Arc::new(AtomicUsize::new(0));
    let (counted, file) = (renewals.clone(), path.clone());
    let renew = Arc::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(reader(&file))
    });
    let pool = ReadPool::renewing(vec![reader(&path), reader(&path)], renew).unwrap();
    for _ in 0..20 {
        let broken = pool.ask(|_| -> i32 { panic!("a defect") }).await;
        assert_eq!(broken, Err(Busy));
        assert!(pool.ask(|reads| reads.heads().is_ok()).await.unwrap());
    }
    // The caller is answered before its thread has another connection.
    let began = std::time::Instant::now();
    while renewals.load(Ordering::Relaxed) < 20 && began.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(renewals.load(Ordering::Relaxed), 20);
}
