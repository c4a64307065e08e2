//! Buying and asking until the final state.

use crate::{Client, Outcome, Told};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use wire::Wanted;

/// How long and how often to ask.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Give up asking after this; the purchase stays open.
    pub most: Duration,
    /// First question after this; the pause grows by half each time.
    pub first: Duration,
    /// Longest pause between two questions.
    pub pause_most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            most: Duration::from_secs(120),
            first: Duration::from_secs(2),
            pause_most: Duration::from_secs(30),
        }
    }
}

/// What happens while waiting, for a progress display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The purchase was answered.
    Bought(Told),
    /// A question was answered; how many were asked.
    Asked(u32, Told),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bought(told) => write!(f, "bought: {}", told.outcome),
            Self::Asked(count, told) => write!(f, "check {count}: {}", told.outcome),
        }
    }
}

impl Client {
    /// Buys, then asks until it is decided or the patience ends; the last thing that was told.
    pub async fn buy_and_wait(
        &self,
        wanted: &Wanted,
        patience: Patience,
        mut shown: impl FnMut(&Step),
    ) -> Told {
        let told = self.buy(wanted).await;
        shown(&Step::Bought(told.clone()));
        if told.outcome.ends_a_purchase() {
            return told;
        }
        self.wait(wanted, patience, told, shown).await
    }

    /// Asks until it is decided or the patience ends. `last` is returned when no question is asked.
    pub async fn wait(
        &self,
        wanted: &Wanted,
        patience: Patience,
        mut last: Told,
        mut shown: impl FnMut(&Step),
    ) -> Told {
        let began = Instant::now();
        let mut pause = patience.first;
        for count in 1.. {
            let left = patience.most.saturating_sub(began.elapsed());
            if left < pause {
                break;
            }
            tokio::time::sleep(pause).await;
            let told = self.check(wanted).await;
            shown(&Step::Asked(count, told.clone()));
            let decided = told.outcome.ends_a_check();
            // A refused or lost question takes nothing away from what was told before.
            let says = matches!(told.outcome, Outcome::Pending) || decided;
            if says || !matches!(last.outcome, Outcome::Pending) {
                last = told;
            }
            if decided {
                break;
            }
            pause = (pause + pause / 2).min(patience.pause_most);
        }
        last
    }
}
