//! When to try again. All back-off numbers of the project live in this file.

/// Delay before each callback try, in ms: at once, then for about three days.
pub const CALLBACK_DELAYS_MS: [i64; 11] = [
    0, 5_000, 30_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000,
    72_000_000, 86_400_000,
];

/// Longest pause that a receiver may ask for.
const RETRY_AFTER_MOST_MS: i64 = 86_400_000;

/// Longest pause between two status checks.
const CHECK_MOST_MS: i64 = 15 * 60 * 1_000;

/// Delay before the next callback try after `tries` failed ones, moved by up to 20 % by `chance`
/// (0 to 65535), or `None` when the schedule is used up. `retry_after_ms` of the receiver is
/// honoured up to a day; the number of tries stays the same, so it cannot postpone for ever.
#[must_use]
pub fn callback_delay_ms(tries: u16, chance: u16, retry_after_ms: Option<i64>) -> Option<i64> {
    let slot = *CALLBACK_DELAYS_MS.get(usize::from(tries))?;
    let moved = i64::from(chance).saturating_sub(32_768);
    let jitter = (slot / 5).saturating_mul(moved) / 32_768;
    let asked = retry_after_ms.unwrap_or(0).clamp(0, RETRY_AFTER_MOST_MS);
    Some(slot.saturating_add(jitter).max(asked))
}

/// Delay before the next status check after `checks` of them: `check_after_ms`, growing by half
/// each time up to 15 minutes, or to `check_after_ms` when that is longer.
#[must_use]
pub fn check_delay_ms(checks: u16, check_after_ms: i64) -> i64 {
    let mut delay = check_after_ms.max(100);
    let most = CHECK_MOST_MS.max(delay);
    for _ in 0..checks.min(64) {
        delay = delay.saturating_add(delay / 2).min(most);
    }
    delay
}

/// First and longest pause of a worker that did something and could not record it.
const UNWRITTEN_FIRST_MS: i64 = 1_000;
const UNWRITTEN_MOST_MS: i64 = 300_000;

/// How long to leave something alone that was done and could not be recorded, `times` in a row.
#[must_use]
pub fn unwritten_delay_ms(times: u16) -> i64 {
    let doublings = u32::from(times.min(16)).saturating_sub(1);
    let pause = UNWRITTEN_FIRST_MS.saturating_mul(1_i64.checked_shl(doublings).unwrap_or(i64::MAX));
    if times == 0 { 0 } else { pause.min(UNWRITTEN_MOST_MS) }
}

/// First and longest pause before a purchase that was held back for want of our own is sent.
const HELD_FIRST_MS: i64 = 1_000;
const HELD_MOST_MS: i64 = 30_000;

/// How long a purchase waits that could not be sent for want of something of our own machine, when
/// it was made `age_ms` ago: a quarter of that again, at most half a minute.
#[must_use]
pub fn held_delay_ms(age_ms: i64) -> i64 {
    (age_ms / 4).clamp(HELD_FIRST_MS, HELD_MOST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_callback_schedule_ends_after_about_three_days() {
        let all: i64 =
            (0..11).map(|tries| callback_delay_ms(tries, 32_768, None).expect("slot")).sum();
        assert_eq!(all / 3_600_000, 75);
        assert_eq!(callback_delay_ms(11, 0, None), None);
    }

    #[test]
    fn a_supplier_that_wants_long_pauses_gets_them() {
        // Found by chance: the second question came earlier than the first.
        assert_eq!(check_delay_ms(0, 900_001), 900_001);
        assert_eq!(check_delay_ms(1, 900_001), 900_001);
    }

    /// The figures that README and operators' experience rest on, each with its ends.
    #[test]
    fn pauses_are_these() {
        for (tries, chance, asked, delay) in [
            (0, 0, None, Some(0)),
            (1, 0, None, Some(4_000)),
            (1, 32_768, None, Some(5_000)),
            (1, 65_535, None, Some(5_999)),
            (10, 0, None, Some(69_120_000)),
            (1, 32_768, Some(5_001), Some(5_001)),
            (1, 32_768, Some(4_999), Some(5_000)),
            (1, 32_768, Some(-1), Some(5_000)),
            (1, 32_768, Some(86_400_001), Some(86_400_000)),
        ] {
            assert_eq!(callback_delay_ms(tries, chance, asked), delay, "{tries} {chance}");
        }
        for (checks, after, delay) in [
            (0, 5_000, 5_000),
            (1, 5_000, 7_500),
            (2, 5_000, 11_250),
            (64, 5_000, 900_000),
            (u16::MAX, 5_000, 900_000),
            (0, 0, 100),
            (1, 99, 150),
            (9, 900_000, 900_000),
        ] {
            assert_eq!(check_delay_ms(checks, after), delay, "{checks} {after}");
        }
        for (times, pause) in [
            (0, 0),
            (1, 1_000),
            (2, 2_000),
            (3, 4_000),
            (9, 256_000),
            (10, 300_000),
            (u16::MAX, 300_000),
        ] {
            assert_eq!(unwritten_delay_ms(times), pause, "{times}");
        }
        for (age, wait) in [
            (-1, 1_000),
            (0, 1_000),
            (4_003, 1_000),
            (4_004, 1_001),
            (119_999, 29_999),
            (120_004, 30_000),
            (i64::MAX, 30_000),
        ] {
            assert_eq!(held_delay_ms(age), wait, "{age}");
        }
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(tries in 0u16..11, chance: u16) {
            let slot = CALLBACK_DELAYS_MS[usize::from(tries)];
            let delay = callback_delay_ms(tries, chance, None).expect("slot");
            prop_assert!(delay >= slot - slot / 5 && delay <= slot + slot / 5);
        }

        #[test]
        fn a_receiver_cannot_postpone_for_ever(tries in 0u16..11, chance: u16, asked: i64) {
            let slot = CALLBACK_DELAYS_MS[usize::from(tries)];
            let delay = callback_delay_ms(tries, chance, Some(asked)).expect("slot");
            prop_assert!(delay >= 0 && delay <= (slot + slot / 5).max(RETRY_AFTER_MOST_MS));
            prop_assert!(asked > RETRY_AFTER_MOST_MS || delay >= asked);
        }

        #[test]
        fn checks_slow_down_and_never_stop(checks: u16, after in 0i64..10_000_000) {
            let delay = check_delay_ms(checks, after);
            prop_assert!(delay >= 100 && delay <= CHECK_MOST_MS.max(after));
            prop_assert!(check_delay_ms(checks.saturating_add(1), after) >= delay);
        }
    }
}
