//! Everything, and half of everything, on one member.

use crate::Plan;
use crate::accepts::buy;
use crate::business::{HIGH_RATE, Serving, Wanted};
use crate::table::{Table, head};

const EVENLY: &str = "all members evenly";

pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let wanted = Wanted { rate: HIGH_RATE, ..Wanted::of(plan.members) };
    let (mut table, mut settings) = (Table::against(EVENLY), String::new());
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for (name, members, half) in [
            (EVENLY, plan.members, false),
            ("one member buys half", plan.members, true),
            ("one member buys everything", 1, false),
        ] {
            let serving = Serving::open(plan, wanted)?;
            table.add(name, buy(plan, &serving, members, half).await?);
            settings.clone_from(&serving.settings);
        }
    }
    head(plan, &format!("{}; {settings}", wanted.shown(plan)));
    table.finish()
}
