//! How a supplier of texts answers the question about a purchase.

use crate::rude::{knows, pick_known};
use crate::shop;
use crate::supplier::{Item, Played, Truth, not_sent, with_status};
use crate::words::{Dialect, Way, dialect, not_yet, of_a_stranger};
use crate::world::State;
use std::time::Duration;
use suppliers::SendResult;
use tokio::time::sleep;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    Answered,
    Garbage,
    NoAnswer,
    NotSent,
    Refused,
    NotYet,
    Stranger,
    Error,
}

/// What is taken may be found this much later. Together with the longest way there it is less than the
/// time after which "no data" ends a purchase.
const LAG_MS: i64 = 25_000;
/// Clocks that differ by more than this make a time of the day another day's.
const SKEW_MS: i64 = 4 * 60_000;

impl Played {
    /// What it finds when it is asked: where nothing is named, the newest of the same.
    fn found(&self, state: &State, reference: &str, item: &Item) -> Option<String> {
        match dialect(state.seed, self.number) {
            Dialect::Named | Dialect::Json => {
                state.truth.contains_key(reference).then(|| reference.to_owned())
            }
            Dialect::Nameless => {
                let same = state.truth.iter().filter(|(_, truth)| {
                    truth.supplier == self.number
                        && truth.dest == item.dest
                        && truth.product == item.product
                });
                let newest = same.max_by_key(|(_, truth)| truth.received)?;
                Some(newest.0.clone())
            }
        }
    }

    /// It took it and does not say so yet, or not any more.
    fn overlooks(&self, reference: &str, truth: &Truth) -> bool {
        let (seed, now) = self.world.with(|state| (state.seed, state.now()));
        // "No data" ends nothing here, however long it is said.
        let harmless = !shop::no_data_is_proof(seed, self.number);
        let lag = if harmless { 10 * LAG_MS } else { LAG_MS };
        let young = now - truth.received < lag;
        if young && self.world.is_rude("check: behind", reference, 40) {
            return true;
        }
        let voice = self.voice();
        let old = voice.clock(truth.received).date() != voice.clock(now).date();
        harmless && old && self.world.is_rude("check: today's only", "always", 100)
    }

    fn checked(&self, name: &str) -> Checked {
        let (seed, honest) = self.world.with(|state| (state.seed, state.honest));
        let (what, checked) = pick_known(
            seed,
            &format!("check {name}"),
            &[
                (60, ("check: answered", Checked::Answered)),
                (10, ("check: garbage", Checked::Garbage)),
                (12, ("check: no answer", Checked::NoAnswer)),
                (8, ("check: not sent", Checked::NotSent)),
                (10, ("check: refused", Checked::Refused)),
                (8, ("check: failed, not yet", Checked::NotYet)),
                (8, ("check: a stranger's", Checked::Stranger)),
                (5, ("check: error", Checked::Error)),
            ],
        );
        let (what, checked) =
            if honest { ("check: answered", Checked::Answered) } else { (what, checked) };
        self.world.seen(what);
        checked
    }

    pub(crate) async fn check(&self, reference: &str, item: &Item) -> SendResult {
        let (count, found, now) = self.world.with(|state| {
            let now = state.now();
            if let Some(truth) = state.truth.get_mut(reference) {
                truth.checks += 1;
            }
            let count = state.truth.get(reference).map_or(now, |truth| i64::from(truth.checks));
            let found = self.found(state, reference, item);
            let found = found.map(|found| (found.clone(), state.truth[&found].clone()));
            (count, found, now)
        });
        let voice = self.voice();
        let head = voice.head(reference, &item.product, &item.dest);
        let name = format!("{reference} {count}");
        let checked = self.checked(&name);
        sleep(Duration::from_millis(50)).await;
        let found = found.filter(|(found, truth)| !self.overlooks(found, truth));
        match checked {
            Checked::Garbage => Self::reply("status gagal sukses?".to_owned()),
            Checked::NoAnswer => SendResult::Unknown("no answer".to_owned()),
            Checked::NotSent => not_sent("connection refused"),
            Checked::Refused => Self::reply("PIN salah".to_owned()),
            Checked::Error => with_status(503, "Tidak ada data."),
            Checked::NotYet => Self::reply(not_yet(voice.seed, &name, &head)),
            Checked::Answered | Checked::Stranger => match found {
                None => {
                    self.world.seen("check: no data");
                    let date = voice.clock(now).date();
                    Self::reply(format!(
                        "TIDAK ADA transaksi Tujuan {} pada tgl {date}/2026. Tidak ada data.",
                        item.dest
                    ))
                }
                Some((_, truth)) if checked == Checked::Stranger => {
                    let (what, text) = of_a_stranger(voice, &name, Way::Check, reference, &truth);
                    self.world.seen(what);
                    Self::reply(text)
                }
                Some((_, truth)) if now < truth.received + truth.decides_after => {
                    Self::reply(format!(
                        "Mhn tunggu trx sblmnya selesai: T#7 {head} @10:00, status Menunggu Jawaban."
                    ))
                }
                Some((found, truth)) => Self::reply(self.decided(&name, &found, &truth)),
            },
        }
    }

    /// The final words to a question.
    fn decided(&self, name: &str, found: &str, truth: &Truth) -> String {
        let voice = self.voice();
        let is_named = voice.dialect() == Dialect::Named;
        if is_named
            && truth.ending.is_told()
            && truth.numbered_after.is_none()
            && self.world.is_rude("check: the contrary", name, 8)
        {
            return self.lies(found, truth);
        }
        // Ahead of theirs, ours makes every time an earlier one.
        let ahead = knows(voice.seed, "clock: set forward");
        let skew = self.world.with(|state| state.behind.abs());
        let seen = voice.seen_words(found, truth).filter(|_| {
            is_named
                && truth.numbered_after.is_none()
                && !ahead
                && skew < SKEW_MS
                && crate::chance::below(voice.seed, &format!("seen {}", self.number), 2) == 0
        });
        match seen {
            Some(text) => {
                self.world.seen("check: sudah pernah");
                self.world.said(&text, found, truth.ending.meaning());
                text
            }
            None => self.says(found, truth),
        }
    }
}
