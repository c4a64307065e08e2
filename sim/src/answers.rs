//! How a supplier of texts answers a purchase.

use crate::chance::below;
use crate::rude::pick_known;
use crate::supplier::{Item, Played, SLOW_MS, Truth, not_sent, with_status};
use crate::words::{Dialect, Way, not_yet, of_a_stranger, truncated};
use crate::world::Event;
use std::time::Duration;
use suppliers::SendResult;
use tokio::time::sleep;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Accepted,
    Final,
    NotSent,
    ClosedBefore,
    ClosedAfter,
    Garbage,
    Error500,
    Redirect,
    RedirectTaken,
    Slow,
    Late,
    Refused,
    RefusedTaken,
    Busy,
    BusyTaken,
    NotKnown,
    NotYet,
    Stranger,
    NotSentTaken,
    Truncated,
    Contrary,
}

/// Lies about whether it was taken: only in seeds that know them, for they make at-most-once
/// impossible.
const LIES: [(&str, Answers); 3] = [
    ("reply: refused, and taken", Answers::RefusedTaken),
    ("reply: not sent, and taken", Answers::NotSentTaken),
    ("reply: final, and the contrary later", Answers::Contrary),
];

/// A purchase may be on its way for so long: a question must not end it before.
const LATE_MS: u64 = 30_000;

fn busy() -> SendResult {
    with_status(503, "Sistem sibuk, ulangi dengan refID yang sama")
}

impl Played {
    fn answers(&self, reference: &str) -> Answers {
        let (seed, honest) = self.world.with(|state| (state.seed, state.honest));
        if honest {
            self.world.seen("reply: accepted");
            return Answers::Accepted;
        }
        for (what, lie) in LIES {
            // Who names nothing and lies can be understood by nobody.
            if self.dialect() == Dialect::Named && self.world.is_rude(what, reference, 5) {
                return lie;
            }
        }
        let (what, answers) = pick_known(
            seed,
            &format!("answers {reference}"),
            &[
                (40, ("reply: accepted", Answers::Accepted)),
                (14, ("reply: final", Answers::Final)),
                (8, ("reply: not sent", Answers::NotSent)),
                (6, ("reply: closed before", Answers::ClosedBefore)),
                (8, ("reply: closed after", Answers::ClosedAfter)),
                (5, ("reply: garbage", Answers::Garbage)),
                (4, ("reply: error 500", Answers::Error500)),
                (3, ("reply: redirect", Answers::Redirect)),
                (3, ("reply: redirect, and taken", Answers::RedirectTaken)),
                (6, ("reply: slow", Answers::Slow)),
                (5, ("reply: late on the way", Answers::Late)),
                (3, ("reply: refused", Answers::Refused)),
                (3, ("reply: busy", Answers::Busy)),
                (3, ("reply: busy, and taken", Answers::BusyTaken)),
                (2, ("reply: nobody knows, and taken", Answers::NotKnown)),
                (4, ("reply: failed, not yet", Answers::NotYet)),
                (4, ("reply: a stranger's", Answers::Stranger)),
                (4, ("reply: cut off", Answers::Truncated)),
            ],
        );
        self.world.seen(what);
        answers
    }

    /// It was not taken, or is only on its way.
    fn before_taking(
        &self,
        answers: Answers,
        reference: &str,
        item: &Item,
    ) -> Option<(SendResult, u64)> {
        let head = self.voice().head(reference, &item.product, &item.dest);
        let seed = self.voice().seed;
        match answers {
            Answers::NotSent => Some((not_sent("connection refused"), 0)),
            Answers::ClosedBefore => Some((SendResult::Unknown("closed".to_owned()), 0)),
            Answers::Redirect => Some((with_status(302, "moved"), 0)),
            Answers::Refused => Some((Self::reply(format!("{head} GAGAL. PIN salah. Saldo 5")), 0)),
            Answers::Busy => Some((busy(), 0)),
            Answers::Late => {
                let after = below(seed, &format!("late {reference}"), LATE_MS);
                let (supplier, reference) = (self.number, reference.to_owned());
                let event = Event::Arrives { supplier, reference, item: item.clone() };
                self.world.plan(i64::try_from(after).unwrap_or_default(), event);
                Some((SendResult::Unknown("no answer within 20s".to_owned()), SLOW_MS))
            }
            Answers::Accepted
            | Answers::Final
            | Answers::ClosedAfter
            | Answers::Garbage
            | Answers::Error500
            | Answers::RedirectTaken
            | Answers::Slow
            | Answers::RefusedTaken
            | Answers::BusyTaken
            | Answers::NotKnown
            | Answers::NotYet
            | Answers::Stranger
            | Answers::NotSentTaken
            | Answers::Truncated
            | Answers::Contrary => None,
        }
    }

    pub(crate) async fn buy(&self, reference: &str, item: &Item) -> SendResult {
        let answers = self.answers(reference);
        if let Some((result, wait)) = self.before_taking(answers, reference, item) {
            if wait > 0 {
                sleep(Duration::from_millis(wait)).await;
            }
            return result;
        }
        let truth = self.take(reference, item);
        match answers {
            Answers::RefusedTaken => self.excuse(reference, "it said that it refused it"),
            Answers::NotSentTaken => self.excuse(reference, "the transport said: not sent"),
            _ => {}
        }
        self.world.effect("crash: after a send").await;
        let result = self.answered(answers, reference, &truth).await;
        self.world.with(|state| {
            if let Some(truth) = state.truth.get_mut(reference) {
                truth.replied = true;
            }
        });
        result
    }

    /// The final words on the purchase's own connection, when they come in time.
    async fn in_time(&self, reference: &str, truth: &Truth, contrary: bool) -> SendResult {
        let wait = u64::try_from(truth.decides_after.min(15_000)).unwrap_or_default();
        sleep(Duration::from_millis(wait)).await;
        Self::reply(if truth.decides_after > 15_000 {
            self.voice().going(reference, truth, self.world.now())
        } else if contrary {
            // Its callback may be quicker, and say something else.
            let seed = self.world.with(|state| state.seed);
            sleep(Duration::from_millis(500 * below(seed, &format!("slower {reference}"), 2)))
                .await;
            self.lies(reference, truth)
        } else {
            self.says(reference, truth)
        })
    }

    async fn answered(&self, answers: Answers, reference: &str, truth: &Truth) -> SendResult {
        let voice = self.voice();
        let seed = voice.seed;
        let head = voice.head(reference, &truth.product, &truth.dest);
        let latency = 20 + below(seed, &format!("latency {reference}"), 3_000);
        match answers {
            Answers::Final => return self.in_time(reference, truth, false).await,
            Answers::Contrary if truth.ending.is_told() => {
                return self.in_time(reference, truth, true).await;
            }
            Answers::Slow => {
                sleep(Duration::from_millis(SLOW_MS)).await;
                return SendResult::Unknown("no answer within 20s".to_owned());
            }
            Answers::ClosedAfter => return SendResult::Unknown("closed".to_owned()),
            _ => sleep(Duration::from_millis(latency)).await,
        }
        match answers {
            Answers::Garbage => Self::reply("<html>OK GAGAL SUKSES".to_owned()),
            Answers::Error500 => with_status(500, "oops"),
            Answers::RedirectTaken => with_status(302, "moved"),
            Answers::RefusedTaken => Self::reply(format!("{head} GAGAL. PIN salah. Saldo 5")),
            Answers::NotSentTaken => not_sent("connection reset"),
            Answers::BusyTaken => busy(),
            Answers::NotKnown => Self::reply(format!(
                "Mhn tunggu trx sblmnya selesai: {head} @10:00, status Menunggu Jawaban."
            )),
            Answers::NotYet => Self::reply(not_yet(seed, reference, &head)),
            Answers::Stranger => {
                let (what, text) = of_a_stranger(voice, reference, Way::Reply, reference, truth);
                self.world.seen(what);
                Self::reply(text)
            }
            Answers::Truncated => {
                let is_early = truth.decides_after > i64::try_from(latency).unwrap_or_default();
                // Half a number settles it, and the whole one is another: who names nothing is known by
                // its numbers alone.
                let text = if is_early || self.dialect() == Dialect::Nameless {
                    voice.going(reference, truth, self.world.now())
                } else {
                    self.world.with(|state| {
                        if let Some(truth) = state.truth.get_mut(reference) {
                            truth.contradicts = true;
                        }
                    });
                    self.says(reference, truth)
                };
                Self::reply(truncated(seed, reference, &text))
            }
            Answers::Accepted
            | Answers::Final
            | Answers::Contrary
            | Answers::NotSent
            | Answers::ClosedBefore
            | Answers::ClosedAfter
            | Answers::Slow
            | Answers::Late
            | Answers::Redirect
            | Answers::Refused
            | Answers::Busy => Self::reply(voice.going(reference, truth, self.world.now())),
        }
    }

    /// A purchase arrives that was long on its way.
    pub(crate) fn arrives(&self, reference: &str, item: &Item) {
        self.world.log(|| format!("s{} takes {reference} late", self.number));
        self.take(reference, item);
    }
}
