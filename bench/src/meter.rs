//! What a round gave, and what rounds give together.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Answers within a time, with their latencies in microseconds.
pub(crate) struct Measured {
    pub(crate) time: Duration,
    pub(crate) latencies: Histogram<u64>,
    /// Answers that were not what they had to be; they are in no other figure.
    pub(crate) wrong: u64,
    /// The first of those.
    pub(crate) example: Option<String>,
    /// Processor time of the processes that answered.
    pub(crate) cpu: Option<Duration>,
}

impl Measured {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            time: Duration::ZERO,
            latencies: Histogram::new_with_bounds(1, 60_000_000, 3)?,
            wrong: 0,
            example: None,
            cpu: None,
        })
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros.max(1));
    }

    /// An answer that must not be.
    pub(crate) fn odd(&mut self, said: impl FnOnce() -> String) {
        self.wrong += 1;
        self.example.get_or_insert_with(said);
    }

    pub(crate) fn merge(&mut self, other: Self) -> anyhow::Result<()> {
        self.latencies.add(&other.latencies)?;
        self.wrong += other.wrong;
        self.example = self.example.take().or(other.example);
        Ok(())
    }

    /// Right answers.
    pub(crate) fn count(&self) -> u64 {
        self.latencies.len()
    }

    #[allow(clippy::cast_precision_loss)] // counts of a few seconds
    pub(crate) fn rate(&self) -> f64 {
        self.count() as f64 / self.time.as_secs_f64()
    }

    /// Milliseconds that this share of the answers did not exceed.
    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        Duration::from_micros(self.latencies.value_at_quantile(quantile)).as_secs_f64() * 1e3
    }

    /// Milliseconds of processor time for an answer.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn cpu_ms(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() * 1e3 / self.count().max(1) as f64)
    }
}

/// The middle of some figures, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Spread {
    /// Of two in the middle the lower one; none of nothing.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut all: Vec<f64> = figures.into_iter().collect();
        all.sort_by(f64::total_cmp);
        let middle = all.len().checked_sub(1)? / 2;
        Some(Self { median: *all.get(middle)?, lowest: *all.first()?, highest: *all.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends_of_rounds() {
        let of = |all: &[f64]| Spread::of(all.iter().copied());
        assert_eq!(of(&[]), None);
        let spread = |median, lowest, highest| Some(Spread { median, lowest, highest });
        assert_eq!(of(&[7.0]), spread(7.0, 7.0, 7.0));
        assert_eq!(of(&[9.0, 1.0, 4.0]), spread(4.0, 1.0, 9.0));
        assert_eq!(of(&[9.0, 1.0, 4.0, 5.0]), spread(4.0, 1.0, 9.0));
    }

    #[test]
    fn wrong_answers_are_counted_apart_and_the_first_is_kept() {
        let mut all = Measured::new().unwrap();
        all.add(Duration::from_millis(2));
        let mut more = Measured::new().unwrap();
        more.odd(|| "first".to_owned());
        more.odd(|| "second".to_owned());
        all.merge(more).unwrap();
        all.time = Duration::from_secs(2);
        all.cpu = Some(Duration::from_millis(3));
        assert_eq!((all.count(), all.wrong, all.example.as_deref()), (1, 2, Some("first")));
        assert!((all.rate() - 0.5).abs() < 1e-9 && all.cpu_ms() == Some(3.0));
    }
}
