//! Ours against theirs: whether the final state of a purchase is what became of it, as far as anybody
//! could know.

use crate::print::message_of;
use crate::supplier::{Ending, Truth};
use crate::words::Dialect;
use crate::world::{Meaning, World};
use domain::{Attempt, TrxState};
use std::collections::BTreeMap;
use store::{Channel, JournalLine};
use types::TrxNo;

/// What a supplier said of a reference, as far as it is on record: what was lost in a crash was
/// never heard.
#[derive(Clone, Copy, Default)]
pub(crate) struct Heard {
    delivered: bool,
    failed: bool,
    /// Taken for an equal one that was made in the minute in which ours was sent.
    pub(crate) same_minute: bool,
}

/// True when words about the older purchase cannot be told from words about this one by their time.
pub(crate) fn is_of_its_minute(start: i64, truth: &Truth, attempt: &Attempt) -> bool {
    let minute = |ms: i64| ms.div_euclid(60_000);
    let old = truth.old.as_ref().map(|old| minute(start + old.received));
    old.zip(attempt.sent).is_some_and(|(old, sent)| old >= minute(sent.get()))
}

/// What was said, by its text.
pub(crate) type AllSaid = BTreeMap<String, Vec<(String, Meaning)>>;

impl Heard {
    /// By what the journal has of a purchase.
    pub(crate) fn of(
        reference: &str,
        dialect: Dialect,
        journal: &[(i64, JournalLine)],
        said: &AllSaid,
    ) -> Self {
        let mut heard = Self::default();
        for (_, line) in journal.iter().filter(|(_, line)| line.channel == Channel::Supplier) {
            // Who names nothing may be speaking of an equal one when it is asked.
            if dialect == Dialect::Nameless && line.request.contains("check=1") {
                continue;
            }
            let called = line.request.trim().to_owned();
            let texts = [Some(line.reply.trim().to_owned()), message_of(&called), Some(called)];
            for text in texts.into_iter().flatten() {
                let meant = said.get(text.trim()).into_iter().flatten();
                for (_, meaning) in meant.filter(|(about, _)| about == reference) {
                    match meaning {
                        Meaning::Delivered => heard.delivered = true,
                        Meaning::Failed => heard.failed = true,
                    }
                }
            }
        }
        heard
    }

    const fn both(self) -> bool {
        self.delivered && self.failed
    }

    /// Something was heard that is not so.
    const fn misled(self, delivered: bool) -> bool {
        (self.delivered && !delivered) || (self.failed && delivered)
    }
}

fn delivers(truth: &Truth) -> bool {
    truth.ending == Ending::Delivered
}

/// Ours against theirs. A supplier that said both things can be believed by nobody: then a person
/// must have been told, or the reversal have been trusted.
pub(crate) fn judge(
    world: &World,
    no: TrxNo,
    state: &TrxState,
    suspect: bool,
    truths: &[(Truth, Heard)],
) {
    let delivered = truths.iter().filter(|(truth, _)| delivers(truth)).count();
    let misled = truths.iter().any(|(truth, heard)| heard.misled(delivers(truth)));
    let excused = truths.iter().any(|(truth, _)| truth.excuse.is_some());
    let decided = world.with(|world| world.decided.contains(&no));
    let asked: Vec<String> =
        truths.iter().map(|(truth, _)| format!("s{} {:?}", truth.supplier, truth.ending)).collect();
    let place = || format!("{no} is {}, suppliers: {}", state.word(), asked.join(", "));
    if *state == TrxState::Pending {
        world.wrong(format!("never decided: {}", place()));
        return;
    }
    if misled || excused || decided {
        for why in unlawful(world, no, state, suspect, truths) {
            world.wrong(format!("{why}: {}", place()));
        }
        return;
    }
    let success = matches!(state, TrxState::Success { .. });
    // Over our reference, words about an equal one of the same minute settle it: with a serial number
    // that both have, which a person must hear of.
    if success && delivered == 0 && truths.iter().any(|(_, heard)| heard.same_minute) {
        return;
    }
    if delivered > 1 {
        world.wrong(format!("delivered {delivered} times: {}", place()));
    } else if success != (delivered == 1) {
        world.wrong(format!("not as it was: {}", place()));
    }
}

/// What must hold also where somebody was misled, or decided: each wrong step has its own cause, and
/// what came out later was told to a person.
fn unlawful(
    world: &World,
    no: TrxNo,
    state: &TrxState,
    suspect: bool,
    truths: &[(Truth, Heard)],
) -> Vec<&'static str> {
    let (decided, rested, erred) = world.with(|world| {
        (world.decided.contains(&no), world.rested.contains(&no), world.erred.contains(&no))
    });
    let mut wrong = Vec::new();
    let is_told = suspect || decided || rested;
    // A second purchase follows only from a certain failure; who said it and delivered has misled us.
    // What a person decides never buys again.
    let unexplained = |(truth, heard): &&(Truth, Heard)| {
        delivers(truth) && truth.excuse.is_none() && !heard.failed
    };
    let twice = truths.iter().filter(|(truth, _)| delivers(truth)).count();
    if twice > 1 && truths.iter().filter(unexplained).count() > 1 {
        wrong.push("delivered twice without a reason");
    }
    match state {
        TrxState::Success { .. } => {
            // Somebody said so: who delivers it, who lied, a person, or an equal one of its minute.
            let said = |(truth, heard): &(Truth, Heard)| {
                delivers(truth) || heard.delivered || heard.same_minute
            };
            if !truths.iter().any(said) && !erred {
                wrong.push("a success of which nobody spoke");
            }
            let many = truths.iter().filter(|(_, heard)| heard.delivered).count();
            if many > 1 && !is_told {
                wrong.push("two deliveries were told, and nobody hears of it");
            }
        }
        TrxState::Failed { .. } => {
            if truths.iter().filter(unexplained).count() > 0 && !erred {
                wrong.push("a refund of what nobody called failed");
            }
            if truths.iter().any(|(_, heard)| heard.delivered) && !is_told {
                wrong.push("refunded, told as delivered, and nobody hears of it");
            }
        }
        TrxState::Reversed { .. } => {
            if !truths.iter().any(|(_, heard)| heard.failed) && !erred {
                wrong.push("taken back although nobody called it failed");
            }
        }
        TrxState::Pending | TrxState::Refused { .. } => {}
    }
    // Words that were doubted were shown to a person at once; certain ones settle the purchase after that.
    let doubted = world.with(|world| world.doubted.contains(&no));
    let settled = matches!(state, TrxState::Reversed { .. }) || is_told || doubted;
    if truths.iter().any(|(_, heard)| heard.both()) && !settled {
        wrong.push("a contradiction nobody is told of");
    }
    wrong
}
