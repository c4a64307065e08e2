//! `simulate`: the misbehaving supplier as a program.

use super::cli::SimulateArgs;
use crate::say;
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
    let address = simulator.address;
    say::line(format_args!("listening on http://{address}"))?;
    say::line(format_args!("seed {seed}, faults {faults} %, its ledger: http://{address}/ledger"))?;
    tokio::select! {
        () = simulator.wait() => {}
        told = tokio::signal::ctrl_c() => told?,
    }
    Ok(())
}
