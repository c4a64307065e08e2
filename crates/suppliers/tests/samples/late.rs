//! Words that come long after: what a time of the day says then.

use super::{ask, connector, moment, ok};
use domain::{Outcome, Tie};

const OWN: &str =
    "[okeconnect]\nbase='https://h'\nmember='OK1'\npin='1'\npassword='2'\nref_prefix='g-'\n";

const HEAD: &str = "R#g-100000001-1 T1.089660522887";

/// Found by the simulation: days later every time of a day is after sending, and the words of a guard
/// over our reference were taken for words about ours.
#[test]
fn days_later_a_time_of_the_day_is_of_any_day() {
    let mut case = ask("T1", "089660522887");
    let connector = connector(OWN);
    let seen = format!("{HEAD} sudah pernah jam 11:30, status Sukses. SN: 7788.");
    let named = format!("{HEAD} SUKSES. SN: 7788. Saldo 9 - 3 = 6 @12:01");
    let day_ms = 86_400_000;
    let ours = seen.replace("11:30", "12:01");
    // An hour later it is known to be before; almost a day or three days later not even that.
    for later in [3_600_000, day_ms - 60_000, 3 * day_ms] {
        case.asked = moment(later);
        let tie = |body: &str| match connector.read_check(&case, &ok(body)) {
            Outcome::Success { tie, .. } => Some(tie),
            _ => None,
        };
        assert_eq!(tie(&seen), Some(Tie::Earlier), "{later}");
        assert_eq!(tie(&ours), Some(Tie::Reference), "{later}");
        assert_eq!(tie(&named), Some(Tie::Reference), "{later}");
    }
}
