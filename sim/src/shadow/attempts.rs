//! Attempts as they must go on, and what the words on record prove.

use super::{Desk, MARKUP, Shadow, shares};
use crate::judge::AllSaid;
use crate::print::message_of;
use crate::supplier::WANT;
use crate::words::{Dialect, STRANGE, dialect};
use crate::world::{Meaning, State};
use domain::{Attempt, AttemptState, TrxState};
use store::JournalLine;

/// What failed before it was taken, in the words of the suppliers here.
const REFUSED: [&str; 4] = ["PIN salah", "\"rc\":\"44\"", "Tidak ada data", "TIDAK ADA transaksi"];

/// The writer itself refused the marker.
fn is_never_sent(state: &AttemptState) -> bool {
    matches!(state, AttemptState::Unsent { proof } if proof.starts_with("not sent: "))
}

/// Why the words on record prove nothing of the kind; empty when they do, or need not.
fn proof(line: &JournalLine, state: &AttemptState, said: &AllSaid, about: &str) -> &'static str {
    let called = line.request.trim();
    let texts = [Some(line.reply.trim().to_owned()), message_of(called), Some(called.to_owned())];
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    let says =
        |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| text.contains(word)));
    // Who names nothing may speak of another one; that is judged by itself.
    let means = |meaning: Meaning| {
        // A text that was cut off still says what stands in front of the cut.
        let whole = |text: &String| {
            let text = text.trim().to_owned();
            let from = said.range(text.clone()..);
            from.take_while(move |(full, _)| !text.is_empty() && full.starts_with(&text))
        };
        let all = texts.iter().flat_map(whole).flat_map(|(_, meant)| meant);
        let mut all = all.filter(|(found, _)| found == about || !says(&[found]));
        all.any(|(_, known)| *known == meaning)
    };
    match state {
        AttemptState::Delivered { .. } | AttemptState::Failed { .. } if says(&[STRANGE]) => {
            "words about a stranger"
        }
        AttemptState::Delivered { .. } if !means(Meaning::Delivered) && !says(&["pernah"]) => {
            "words of no delivery"
        }
        AttemptState::Failed { .. } if !means(Meaning::Failed) && !says(&REFUSED) => {
            "words of no certain failure"
        }
        AttemptState::Unsent { proof } => {
            let is_sure = line.status == "not_sent"
                || is_never_sent(state)
                || proof.contains("lost its lease");
            if is_sure { "" } else { "no proof that nothing left" }
        }
        AttemptState::Delivered { .. }
        | AttemptState::Failed { .. }
        | AttemptState::Intended
        | AttemptState::Sent
        | AttemptState::Waiting
        | AttemptState::Unknown { .. } => "",
    }
}

impl Shadow {
    pub(super) fn tries(&mut self, attempt: &Attempt, desk: &mut Desk<'_>) {
        let id = attempt.id;
        desk.trxs.insert(id.trx);
        let mut wrong = |why: &str| desk.wrong.push(format!("{id} {why}"));
        let Some(known) = self.purchases.get_mut(&id.trx) else {
            wrong("is an attempt of nothing");
            return;
        };
        if known.trx.state != TrxState::Pending {
            wrong("is an attempt at what is decided");
        }
        if attempt.state != AttemptState::Intended || attempt.next.is_none() {
            wrong("does not begin as an intent");
        }
        if usize::from(id.n) != known.attempts.len() + 1 {
            wrong("is out of turn");
        }
        for before in known.attempts.values() {
            let is_over =
                matches!(before.state, AttemptState::Unsent { .. } | AttemptState::Failed { .. });
            if !is_over {
                wrong(&format!("begins while {} is open", before.id));
            }
            if before.supplier == attempt.supplier {
                wrong("is where it was tried before");
            }
        }
        let most = known.trx.price.get() - shares(known.trx.member).len() as i64 * MARKUP;
        if attempt.cost.get() > most {
            wrong(&format!("costs {}, what is left of the price is {most}", attempt.cost));
        }
        known.trx.attempt = id.n;
        known.attempts.insert(id.n, attempt.clone());
    }

    pub(super) fn goes_on(&mut self, state: &State, attempt: &Attempt, desk: &mut Desk<'_>) {
        let id = attempt.id;
        desk.trxs.insert(id.trx);
        let by_person = state.decided.contains(&id.trx) || state.rested.contains(&id.trx);
        let held = desk.word(id.trx).is_some_and(|line| line.reply.contains(WANT));
        let is_by_likeness = desk.word(id.trx).is_some_and(|line| line.request.contains("check=1"));
        let Some(known) = self.purchases.get(&id.trx) else { return };
        let pending = known.trx.state == TrxState::Pending;
        let Some(before) = known.attempts.get(&id.n) else {
            desk.wrong.push(format!("{id} changes and is not there"));
            return;
        };
        use AttemptState::{Delivered, Failed, Intended, Sent, Unknown, Unsent, Waiting};
        let fits = match (&before.state, &attempt.state) {
            (Intended, Intended | Unsent { .. }) => true,
            (Intended, Sent) => pending && attempt.sent.is_some(),
            (Intended, Failed { .. } | Delivered { .. }) => by_person,
            // Only a want of our own takes a marker back.
            (Sent, Intended) => held,
            (Sent, Sent | Unsent { .. }) => true,
            (
                Sent | Waiting | Unknown { .. },
                Waiting | Unknown { .. } | Delivered { .. } | Failed { .. },
            ) => true,
            (Delivered { .. }, Delivered { .. }) => true,
            (Delivered { .. }, Failed { .. }) => !pending,
            (Unsent { .. } | Failed { .. }, _) => before.state == attempt.state,
            (Intended | Waiting | Unknown { .. } | Delivered { .. }, _) => false,
        };
        if !fits {
            desk.wrong.push(format!("{id} goes from {:?} to {:?}", before.state, attempt.state));
        }
        if !by_person
            && is_by_likeness
            && before.state != attempt.state
            && let Some(why) = self.mistaken(state.seed, attempt)
        {
            desk.wrong.push(format!("{id} is {:?} by {why}", attempt.state));
        }
        let Some(known) = self.purchases.get_mut(&id.trx) else { return };
        let Some(before) = known.attempts.get_mut(&id.n) else { return };
        if !by_person && before.state != attempt.state {
            let none = if attempt.state.is_open() || is_never_sent(&attempt.state) {
                ""
            } else {
                "no words"
            };
            let said = &state.said;
            let about = format!("g-{}", id.supplier_ref());
            let found =
                desk.word(id.trx).map_or(none, |line| proof(line, &attempt.state, said, &about));
            if !found.is_empty() {
                desk.wrong.push(format!("{id} is {:?} by {found}", attempt.state));
            }
        }
        if attempt.state.is_open() && attempt.next.is_none() {
            desk.wrong.push(format!("{id} is open and never due"));
        }
        *before = attempt.clone();
    }

    /// What the answer of a supplier that names nothing may really be about.
    fn mistaken(&self, seed: u64, attempt: &Attempt) -> Option<&'static str> {
        let number = attempt.supplier.as_str().strip_prefix('s')?.parse().ok()?;
        if dialect(seed, number) != Dialect::Nameless {
            return None;
        }
        match attempt.state {
            AttemptState::Failed { .. } => Some("a failure that names nothing"),
            AttemptState::Delivered { .. } => {
                let dest = &self.purchases.get(&attempt.id.trx)?.trx.dest;
                let others = self
                    .purchases
                    .values()
                    .filter(|known| known.trx.no != attempt.id.trx && known.trx.dest == *dest);
                let mut all = others.flat_map(|known| known.attempts.values());
                let is_open = |other: &Attempt| {
                    other.state.is_open()
                        && other.state != AttemptState::Intended
                        && other.supplier == attempt.supplier
                        && other.sku == attempt.sku
                };
                all.any(is_open).then_some("words that may be about another open one")
            }
            AttemptState::Intended
            | AttemptState::Sent
            | AttemptState::Waiting
            | AttemptState::Unknown { .. }
            | AttemptState::Unsent { .. } => None,
        }
    }
}
