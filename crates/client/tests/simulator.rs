//! The client against a server that misbehaves.
#![allow(clippy::unwrap_used)]

use gerbang_client::{Account, Client, Limits, Outcome, Patience, Rupiah, Step, Wanted};
use simulator::{Plan, Simulator};
use std::time::Duration;
use tokio::net::TcpListener;

async fn server() -> (Simulator, Client) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::start(tcp, Plan::default()).unwrap();
    let client = client(&format!("http://{}", simulator.address));
    (simulator, client)
}

fn client(base: &str) -> Client {
    let account = Account::plain(base, "OK00123", "123456", "secret").unwrap();
    let limits = Limits { connect: Duration::from_secs(2), answer: Duration::from_secs(2) };
    Client::with_limits(account, limits).unwrap()
}

fn wanted(dest: &str) -> Wanted {
    let ref_id = format!("c-{dest}");
    Wanted::new(&"T1".parse().unwrap(), dest.parse().unwrap(), ref_id.parse().unwrap())
}

fn patience() -> Patience {
    Patience {
        most: Duration::from_secs(5),
        first: Duration::from_millis(100),
        pause_most: Duration::from_millis(300),
    }
}

#[tokio::test]
async fn whatever_happens_on_the_way_the_end_is_the_truth() {
    let (simulator, client) = server().await;
    // Taken, and the answer is lost, garbled, an error, slow, or late.
    for last in ["02", "03", "05", "07", "09", "10"] {
        let wanted = wanted(&format!("0813000000{last}"));
        let mut steps = Vec::new();
        let told = client.buy_and_wait(&wanted, patience(), |step| steps.push(step.clone())).await;
        assert!(matches!(told.outcome, Outcome::Success { .. }), "{last}: {steps:?}");
        assert!(matches!(steps[0], Step::Bought(_)));
        let entry = simulator.books().find(wanted.ref_id.as_str()).unwrap();
        assert_eq!(entry.asked, 1, "{last} was bought more than once");
    }
}

#[tokio::test]
async fn what_nobody_knows_stays_unknown() {
    let (simulator, client) = server().await;
    // Closed before it was looked at, 500, 302: never taken, and this side cannot know.
    for last in ["01", "04", "06"] {
        let wanted = wanted(&format!("0813000000{last}"));
        let told = client.buy_and_wait(&wanted, patience(), |_| {}).await;
        assert_eq!(told.outcome, Outcome::NoData, "{last}");
        assert!(!told.outcome.ends_a_purchase());
        assert!(simulator.books().find(wanted.ref_id.as_str()).is_none());
    }
    let nobody = client_of_nobody().await;
    let told = nobody.buy(&wanted("081300000010")).await;
    assert!(matches!(told.outcome, Outcome::NotSent { .. }), "{told:?}");
    let told = nobody.check(&wanted("081300000010")).await;
    assert!(matches!(told.outcome, Outcome::Unknown { .. }), "{told:?}");
}

async fn client_of_nobody() -> Client {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    client(&format!("http://{}", tcp.local_addr().unwrap()))
}

#[tokio::test]
async fn balance_and_prices() {
    let (_simulator, client) = server().await;
    assert_eq!(client.balance().await.unwrap(), Rupiah::new(1_000_000_000_000));
    let prices = client.prices("905").await.unwrap();
    assert_eq!((prices[0].kode.as_str(), prices[0].harga.as_str()), ("T1", "1200"));
    let error = client_of_nobody().await.balance().await.unwrap_err();
    assert!(error.to_string().starts_with("no answer: no connection to 127.0.0.1"), "{error}");
    assert!(!error.to_string().contains("secret"));
}
