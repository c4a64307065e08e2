//! A long price list: whole, compressed, unchanged.

use crate::Plan;
use crate::business::{Serving, Wanted};
use crate::client::{Ask, Connection, Right, closed};
use crate::table::{Table, head};
use anyhow::{Context as _, ensure};
use std::net::SocketAddr;

/// Rows of the list; this many is normal.
pub(crate) const ROWS: usize = 8_000;
const GZIP: &str = "Accept-Encoding: gzip\r\n";
const WHOLE: &str = "price list of 8,000 rows, whole";

/// A business with a list of so many rows.
pub(crate) fn wanted(members: i64) -> Wanted {
    Wanted { products: ROWS - 1, ..Wanted::of(members) }
}

/// What every answer with the list has to be: its rows are counted once.
pub(crate) async fn whole(address: SocketAddr, list: &str) -> anyhow::Result<Right> {
    let said = Connection::open(address).await?.get(list, "").await?;
    let rows = said.matches("\"kode\":").count();
    ensure!(rows == ROWS, "the price list has {rows} rows");
    Ok(Right::Bytes(said.len(), b"[{"))
}

pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let wanted = wanted(plan.members);
    let serving = Serving::open(plan, wanted)?;
    let list = serving.business.list.clone();
    let whole = whole(serving.address, &list).await?;
    let mut connection = Connection::open(serving.address).await?;
    let packed = connection.send(&list, GZIP).await?;
    ensure!(packed.header("content-encoding") == Some("gzip"), "it is not compressed");
    let packed = Right::Bytes(packed.body.len(), b"\x1f\x8b");
    let tag = connection.send(&list, "").await?.header("etag").context("no ETag")?.to_owned();
    drop(connection);
    let kinds = [
        (WHOLE, String::new(), whole),
        ("the same, compressed", GZIP.to_owned(), packed),
        ("the same, unchanged", format!("If-None-Match: {tag}\r\n"), Right::Unchanged),
    ];
    let mut table = Table::against(WHOLE);
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for (name, headers, right) in &kinds {
            let (target, headers, right) = (list.clone(), headers.clone(), *right);
            let ask = move |_, _| Ask { target: target.clone(), headers: headers.clone(), right };
            table.add(name, closed(&serving.served(), plan.load(), ask).await?);
        }
    }
    let size = |right| if let Right::Bytes(length, _) = right { length } else { 0 };
    let sizes = format!("{} bytes, {} compressed", size(whole), size(packed));
    head(plan, &format!("{}; {}; {sizes}", wanted.shown(plan), serving.settings));
    table.finish()
}
