//! `simulate`: the misbehaving supplier as a program.

use super::cli::SimulateArgs;
use anyhow::Context as _;
use simulator::{Plan, Simulator};
use tokio::net::TcpListener;

pub(super) async fn simulate(args: SimulateArgs) -> anyhow::Result<()> {
    let SimulateArgs { listen, seed, faults, callback, webhook_secret, odd, username, api_key } =
        args;
    let tcp = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; try --listen 127.0.0.1:0"))?;
    let plan = Plan {
        seed,
        fault_percent: faults,
        callback,
        webhook_secret,
        odd_percent: odd,
        username,
        api_key,
    };
    let simulator = Simulator::start(tcp, plan)?;
    println!("listening on http://{}", simulator.address);
    println!("seed {seed}, faults {faults} %, its ledger: http://{}/ledger", simulator.address);
    tokio::select! {
        () = simulator.wait() => {}
        told = tokio::signal::ctrl_c() => told?,
    }
    Ok(())
}
