//! What one would write instead: a Node handler that debits, inserts the purchase and a ledger row on
//! PostgreSQL in one transaction, and PostgreSQL's own benchmark; with as many clients and connections as
//! ours. Only where Node, npm and PostgreSQL are there.

use crate::Plan;
use crate::business::purchases;
use crate::client::closed;
use crate::meter::Measured;
use crate::process::{Process, Served, listening};
use anyhow::{Context as _, ensure};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The handler.
const SERVER: &str = include_str!("../compare/server.mjs");
/// PostgreSQL for Node, of the version that is measured.
const LIBRARY: &str = "pg@8.23.1";
/// Its tables, with members.
const TABLES: &str = include_str!("../compare/tables.sql");

/// A server and the handler's folder, for all rounds.
pub(crate) struct Rival {
    server: Arc<pgtest::Server>,
    folder: PathBuf,
    /// For the head of the table.
    pub(crate) shown: String,
}

fn version(program: &str) -> anyhow::Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    ensure!(output.status.success(), "{program} does not run");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Rival {
    /// Ready to be measured; says why it cannot be.
    pub(crate) fn new(plan: &Plan) -> anyhow::Result<Self> {
        let node = version("node").context("no Node")?;
        version("npm").context("no npm")?;
        let server = match &plan.server {
            Some(server) => server.clone(),
            None => Arc::new(crate::throw_away()?),
        };
        let folder = plan.folder.join("bench-compare");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("server.mjs"), SERVER)?;
        let installed = Command::new("npm")
            .args([
                "install",
                "--silent",
                "--no-fund",
                "--no-audit",
                "--prefer-offline",
                "--prefix",
            ])
            .arg(&folder)
            .arg(LIBRARY)
            .output()?;
        ensure!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let postgres = server.sql("postgres", "SHOW server_version")?;
        let postgres = postgres.split(' ').next().unwrap_or_default();
        let shown = format!(
            "Node {node} with {LIBRARY} and PostgreSQL {postgres}, synchronous_commit=on, as many connections as clients"
        );
        Ok(Self { server, folder, shown })
    }

    /// Purchases at the handler, on tables that are new, with the clients of ours.
    pub(crate) async fn buy(&self, plan: &Plan) -> anyhow::Result<Measured> {
        let url = self.server.database("rival")?;
        self.server.sql("rival", &TABLES.replace("MEMBERS", &plan.members.to_string()))?;
        let mut command = Command::new("node");
        command.arg(self.folder.join("server.mjs")).env("DATABASE_URL", &url);
        let (node, address) = Process::start(
            command.env("POOL", plan.connections.to_string()).env("PORT", "0"),
            listening,
        )?;
        let pids = std::iter::once(node.id()).chain(self.server.id()).collect();
        let ask = purchases(plan.members, false, Arc::new(AtomicU64::new(1)));
        let measured = closed(&Served { address, pids }, plan.load(), ask).await;
        drop(node);
        self.server.sql("postgres", "DROP DATABASE rival WITH (FORCE)")?;
        measured
    }

    /// PostgreSQL's own benchmark on new tables: transactions a second.
    pub(crate) fn pgbench(&self, plan: &Plan) -> anyhow::Result<f64> {
        self.server.pgbench(u32::try_from(plan.connections)?, plan.time.as_secs().max(1))
    }
}
