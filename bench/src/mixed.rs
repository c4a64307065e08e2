//! What members ask for together: of 100 requests 22 purchases, 66 checks of them, 10 balances, 2 price lists
//! of 8,000 rows, whole.

use crate::Plan;
use crate::accepts::buy;
use crate::business::{BALANCES, KNOWN, Serving, TAKEN, purchase, who};
use crate::client::{Ask, Right, closed};
use crate::prices;
use crate::table::{Table, head};

const ALONE: &str = "purchases alone";

pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let wanted = prices::wanted(plan.members);
    let (mut table, mut settings) = (Table::against(ALONE), String::new());
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let serving = Serving::open(plan, wanted)?;
        table.add(ALONE, buy(plan, &serving, plan.members, false).await?);
        drop(serving);
        let serving = Serving::open(plan, wanted)?;
        let list = serving.business.list.clone();
        let whole = prices::whole(serving.address, &list).await?;
        let (members, clients) = (plan.members, plan.connections);
        let ask = move |client, turn| one((client, turn), clients, members, (&list, whole));
        table.add(
            "22 % purchases, 66 % checks, 10 % balances, 2 % price lists",
            closed(&serving.served(), plan.load(), ask).await?,
        );
        settings.clone_from(&serving.settings);
    }
    head(plan, &format!("{}; {settings}", wanted.shown(plan)));
    table.finish()
}

/// The n-th request of a client. It checks its own last purchase, and goes on to another member with each.
fn one(
    (client, turn): (usize, u64),
    clients: usize,
    members: i64,
    (list, whole): (&str, Right),
) -> Ask {
    let step = turn % 100;
    let bought = turn / 100 * 22 + step.min(87) / 4;
    let number =
        bought * u64::try_from(clients).unwrap_or(1) + u64::try_from(client).unwrap_or_default();
    let member = i64::try_from(number).unwrap_or_default() % members + 1;
    match step {
        0..88 if step.is_multiple_of(4) => Ask::new(purchase("m", number, member), TAKEN),
        0..88 => Ask::new(format!("{}&check=1", purchase("m", number, member)), KNOWN),
        88..98 => Ask::new(format!("/trx/balance?{}", who(member)), BALANCES),
        _ => Ask::new(list.to_owned(), whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn of_a_hundred_requests_22_are_purchases_and_each_is_checked_after_it() {
        let (mut bought, mut counts) = (HashSet::new(), [0; 4]);
        for client in 0..3 {
            for turn in 0..200 {
                let target =
                    one((client, turn), 3, 10, ("/harga/json?id=1", Right::Unchanged)).target;
                let kind = match target.strip_suffix("&check=1") {
                    Some(of) => {
                        assert!(bought.contains(of), "{of} is checked before it is bought");
                        1
                    }
                    None if target.starts_with("/trx/balance") => 2,
                    None if target.starts_with("/harga") => 3,
                    None => {
                        assert!(bought.insert(target), "a reference repeats");
                        0
                    }
                };
                counts[kind] += 1;
            }
        }
        assert_eq!(counts, [132, 396, 60, 12]);
    }
}
