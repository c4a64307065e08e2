//! What a measurement gave.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Answers within a time, with their latencies in microseconds.
pub(crate) struct Measured {
    pub(crate) count: u64,
    pub(crate) time: Duration,
    pub(crate) latencies: Histogram<u64>,
}

impl Measured {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            count: 0,
            time: Duration::ZERO,
            latencies: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        })
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        self.count += 1;
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros.max(1));
    }

    pub(crate) fn merge(&mut self, other: &Self) -> anyhow::Result<()> {
        self.count += other.count;
        self.latencies.add(&other.latencies)?;
        Ok(())
    }

    #[allow(clippy::cast_precision_loss)] // counts of a few seconds
    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64()
    }
}

/// One line of the report: the median round.
pub(crate) fn median(mut rounds: Vec<Measured>) -> Option<Measured> {
    rounds.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    let middle = rounds.len() / 2;
    (middle < rounds.len()).then(|| rounds.swap_remove(middle))
}

pub(crate) fn line(name: &str, measured: &Measured, base: Option<&Measured>) {
    let ms = |quantile: f64| {
        Duration::from_micros(measured.latencies.value_at_quantile(quantile)).as_secs_f64() * 1e3
    };
    let ratio = base.map_or_else(String::new, |base| {
        format!("{:>6.0} %", measured.rate() / base.rate() * 100.0)
    });
    println!(
        "{name:<44} {:>10.0}/s {ratio:>8}   p50 {:>7.2} ms  p99 {:>7.2} ms  p99.9 {:>7.2} ms",
        measured.rate(),
        ms(0.50),
        ms(0.99),
        ms(0.999)
    );
}
