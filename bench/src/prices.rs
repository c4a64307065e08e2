//! A long price list.

use crate::accepts::{Plan, members};
use crate::client;
use crate::house::House;
use crate::meter::line;

const PRODUCTS: usize = 8_000;

pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(&plan.folder)?;
    let house = House::new(folder.path(), 1).await?;
    house.products(PRODUCTS).await?;
    let door = members(&house).await?;
    let target = |_, _| "/harga/json?id=list".to_owned();
    let load = |expected, headers| {
        client::load(door.address, plan.connections, plan.time, expected, headers, target)
    };
    let whole = load("[{", "").await?;
    line("8,000 products, whole", &whole, None);
    line("compressed", &load("", "Accept-Encoding: gzip\r\n").await?, Some(&whole));
    let mut connection = client::Connection::open(door.address).await?;
    let tag = connection.tag("/harga/json?id=list").await?;
    let headers: &'static str = Box::leak(format!("If-None-Match: {tag}\r\n").into_boxed_str());
    line("unchanged (If-None-Match)", &load("", headers).await?, Some(&whole));
    Ok(())
}
