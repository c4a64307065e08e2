//! A supplier that is down for an hour with thousands of open purchases, and comes back.

use super::rig::{Act, Rig, T1, pass};
use engine::{Gate, Port};
use std::sync::Arc;
use suppliers::SandboxConnector;
use types::SupplierCode;

/// Requests a second.
const RATE: u32 = 10;

/// Its backlog drains within its rate, and everything settles once.
#[tokio::test(start_paused = true)]
async fn a_backlog_drains_within_the_suppliers_rate() {
    let count = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let rig = Arc::new(Rig::with_tick(folder.path(), 1_000).await);
    let gate = Gate::new(64, Some(RATE));
    let port = Port { gate, ..Port::new(Arc::new(SandboxConnector), rig.first.clone()) };
    rig.ports.insert(SupplierCode::parse("one").unwrap(), port);
    rig.credit(1, i64::from(count) * T1).await;
    rig.first.set(Act::Say(50, "pending"), Act::NotSent);
    let mut numbers = Vec::new();
    for start in (0..count).step_by(250) {
        let buyers: Vec<_> = (start..start + 250)
            .map(|number| {
                let rig = rig.clone();
                tokio::spawn(async move { rig.buy(&format!("r{number}")).await })
            })
            .collect();
        for buyer in buyers {
            numbers.push(buyer.await.unwrap());
        }
    }
    pass(3_600_000).await;
    assert_eq!(rig.first.count("buy"), usize::try_from(count).unwrap());
    assert_eq!(rig.second.count("buy"), 0, "an open purchase was sent elsewhere");
    assert_eq!(rig.balance().await, 100_000, "an open purchase was refunded");
    rig.first.set(Act::Say(50, "pending"), Act::Say(100, "success sn=R1"));
    pass(2_400_000).await;
    for no in numbers {
        assert_eq!(rig.state(no).await, "success");
    }
    // A second's worth may come at once after a pause; never more.
    let times: Vec<i64> = rig.first.asked.lock().unwrap().iter().map(|(at, _)| *at).collect();
    let most = usize::try_from(RATE * 2).unwrap();
    for window in times.windows(most + 1) {
        let spread = window[most] - window[0];
        assert!(spread >= 999, "{} requests within {spread} ms", most + 1);
    }
    assert_eq!(rig.first.count("buy"), usize::try_from(count).unwrap());
}
