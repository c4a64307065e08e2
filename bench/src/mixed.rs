//! Everything at once, and everything on one member.

use crate::accepts::{NEXT, Plan, buy, members};
use crate::client;
use crate::house::{House, code};
use crate::meter::{line, median};
use std::sync::atomic::Ordering;

const WHO: &str = "&pin=123456&password=secret";

/// Of 100 requests: 22 purchases, 66 checks of them, 10 balances, 2 price lists.
pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let (mut alone, mut mixed) = (vec![], vec![]);
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let folder = tempfile::tempdir_in(&plan.folder)?;
        let house = House::new(folder.path(), plan.members).await?;
        let door = members(&house).await?;
        alone.push(buy(plan, door.address).await?);
        drop((door, house, folder));
        let folder = tempfile::tempdir_in(&plan.folder)?;
        let house = House::new(folder.path(), plan.members).await?;
        let door = members(&house).await?;
        let count = plan.members;
        let start = NEXT.fetch_add(1 << 32, Ordering::Relaxed);
        let target = move |client: usize, turn: u64| {
            let client = u64::try_from(client).unwrap_or_default();
            // A client checks its own last purchase.
            let bought = turn - turn % 100 + (turn % 100).min(87) / 4 * 4;
            let number = start + client * 1_000_000 + bought;
            let member = i64::try_from(number).unwrap_or_default() % count + 1;
            let who = format!("memberID={}{WHO}", code(member));
            let trx = format!(
                "/trx?product=T1&dest=08{:010}&refID=m{number}&{who}",
                number % 10_000_000_000
            );
            match turn % 100 {
                0..88 if (turn % 100).is_multiple_of(4) => trx,
                0..88 => format!("{trx}&check=1"),
                88..98 => format!("/trx/balance?{who}"),
                _ => "/harga/json?id=list".to_owned(),
            }
        };
        mixed.push(client::load(door.address, plan.connections, plan.time, "", "", target).await?);
    }
    let base = median(alone);
    if let Some(base) = &base {
        line("purchases alone", base, None);
    }
    if let Some(mixed) = &median(mixed) {
        line("22 % purchases, 66 % checks, 10 % balances", mixed, base.as_ref());
    }
    Ok(())
}

/// One member buys everything, or half.
pub(crate) async fn hot(plan: &Plan) -> anyhow::Result<()> {
    let (mut even, mut half, mut hot) = (vec![], vec![], vec![]);
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let cases = [
            (plan.members, false, &mut even),
            (plan.members, true, &mut half),
            (1, false, &mut hot),
        ];
        for (members_of, half, rounds) in cases {
            let folder = tempfile::tempdir_in(&plan.folder)?;
            let house = House::new(folder.path(), plan.members).await?;
            let door = members(&house).await?;
            let plan = Plan { members: members_of, half, folder: plan.folder.clone(), ..*plan };
            rounds.push(buy(&plan, door.address).await?);
        }
    }
    let base = median(even);
    if let Some(base) = &base {
        line("all members evenly", base, None);
    }
    if let Some(half) = &median(half) {
        line("one member buys half", half, base.as_ref());
    }
    if let Some(hot) = &median(hot) {
        line("one member", hot, base.as_ref());
    }
    Ok(())
}
