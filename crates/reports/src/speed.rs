//! How long things took, in buckets that grow by half: precise enough for a median and a 95th
//! percentile, small enough to keep for every day.

/// Buckets; the last one is "longer".
pub(crate) const BUCKETS: usize = 32;

/// Upper edge of each bucket but the last, in ms: 100 ms, 150 ms, ... some hours.
fn edge(bucket: usize) -> i64 {
    let mut edge = 100_i64;
    for _ in 0..bucket {
        edge = edge.saturating_mul(3) / 2;
    }
    edge
}

/// The bucket of a duration.
pub(crate) fn bucket(millis: i64) -> usize {
    (0..BUCKETS - 1).find(|bucket| millis <= edge(*bucket)).unwrap_or(BUCKETS - 1)
}

/// The duration below which `percent` of all are, as the upper edge of its bucket; `None` without
/// any.
pub(crate) fn percentile(counts: &[i64; BUCKETS], percent: i64) -> Option<i64> {
    let all: i64 = counts.iter().sum();
    if all == 0 {
        return None;
    }
    let mut below = 0;
    for (bucket, count) in counts.iter().enumerate() {
        below += count;
        if below * 100 >= all * percent {
            return Some(edge(bucket));
        }
    }
    Some(edge(BUCKETS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_edges_of_buckets() {
        let mut counts = [0; BUCKETS];
        assert_eq!(percentile(&counts, 50), None);
        for millis in [20, 90, 110, 700, 60_000] {
            counts[bucket(millis)] += 1;
        }
        assert_eq!(percentile(&counts, 50), Some(150));
        let slow = percentile(&counts, 95).unwrap();
        assert!((60_000..90_000).contains(&slow), "{slow}");
        assert_eq!(bucket(i64::MAX), BUCKETS - 1);
    }
}
