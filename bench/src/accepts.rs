//! Durable accepts per second: what the disk and the listener can do at all, the writer alone, the program
//! as members meet it, and what one would write instead, by turns.

use crate::Plan;
use crate::business::{Serving, Supplier, Wanted, purchases};
use crate::client::{Ask, Right, closed};
use crate::meter::Measured;
use crate::process::{Served, own};
use crate::rival::Rival;
use crate::table::{Table, head};
use crate::writer;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

const HELLO: &str = "HTTP, hello (same listener, fixed answer)";

pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let rival = Rival::new(plan);
    let beside = match &rival {
        Ok(rival) => rival.shown.clone(),
        Err(error) => format!("Node and PostgreSQL left out: {error:#}"),
    };
    let wanted = Wanted::of(plan.members);
    let (mut table, mut settings) = (Table::against(HELLO), String::new());
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        table.add("append 4 KiB and sync, one after the other", syncs(&plan.folder)?);
        table.add(HELLO, hello(plan).await?);
        table.add(writer::NAME, writer::measure(plan).await?);
        let all = Wanted { supplier: Supplier::All, ..wanted };
        for (name, wanted) in [
            ("**purchases at the program, durable**", wanted),
            ("the same while all are sent, settled and told over HTTP", all),
        ] {
            let serving = Serving::open(plan, wanted)?;
            table.add(name, buy(plan, &serving, plan.members, false).await?);
            settings.clone_from(&serving.settings);
        }
        if let Ok(rival) = &rival {
            table.add("purchases at Node and PostgreSQL", rival.buy(plan).await?);
            let name = format!("pgbench -N, {} clients", plan.connections);
            table.figure(&name, "/s", rival.pgbench(plan)?);
        }
    }
    head(plan, &format!("{}; {settings}; {beside}", wanted.shown(plan)));
    table.finish()
}

/// Purchases on a business that is new, by all members or half of them by the first.
pub(crate) async fn buy(
    plan: &Plan,
    serving: &Serving,
    members: i64,
    half: bool,
) -> anyhow::Result<Measured> {
    let next = Arc::new(AtomicU64::new(1));
    closed(&serving.served(), plan.load(), purchases(members, half, next)).await
}

async fn hello(plan: &Plan) -> anyhow::Result<Measured> {
    let (process, address) = own("hello")?;
    let target = "/trx?product=T1&dest=089660522887&refID=1";
    let ask = move |_, _| Ask::new(target.to_owned(), Right::Says(&["hello"]));
    closed(&Served { address, pids: vec![process.id()] }, plan.load(), ask).await
}

/// What this disk can do at all.
fn syncs(folder: &Path) -> anyhow::Result<Measured> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut measured = Measured::new()?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        let start = Instant::now();
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        measured.add(start.elapsed());
    }
    measured.time = began.elapsed();
    Ok(measured)
}
