//! Buys one product and waits for its SN. Start `gerbang demo` in another terminal, then
//! `cargo run -p gerbang-client --example buy`.
#![allow(clippy::print_stdout)]

use gerbang_client::{Account, Client, Outcome, Patience, Wanted};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let client = Client::new(Account::plain(&url, "OK00123", "123456", "secret")?)?;
    println!("balance {}", client.balance().await?);
    // A reference of your own, once for each purchase. Keep it before you call.
    let reference = format!("example-{}", std::process::id());
    let wanted = Wanted::new(&"T1".parse()?, "089660522887".parse()?, reference.parse()?);
    let told = client.buy_and_wait(&wanted, Patience::default(), |step| println!("{step}")).await;
    match told.outcome {
        Outcome::Success { sn, price } => println!("delivered: SN {sn}, price {price:?}"),
        Outcome::Failed { reason } => println!("failed, nothing paid: {reason}"),
        other => println!("{other}"),
    }
    println!("balance {}", client.balance().await?);
    Ok(())
}
