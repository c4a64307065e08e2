//! A member's credentials while it changes them: the new pair, and the old one until a moment.
//!
//! Both are sealed in the place of the password, so that they change in one row and reach every
//! node with it. No credential contains a control character.

use types::UtcMillis;
use wire::Secret;

const MARK: char = '\u{2}';
const BETWEEN: char = '\u{1f}';

/// What a member may still buy with, until then.
#[derive(Clone, Debug)]
pub struct OldPair {
    /// Transaction PIN.
    pub pin: Secret,
    /// H2H password.
    pub password: Secret,
    /// Not after this.
    pub until: UtcMillis,
}

/// The text to seal for a password beside which another pair works for a while.
#[must_use]
pub fn beside(password: &str, old_pin: &str, old_password: &str, until: UtcMillis) -> String {
    format!("{MARK}{}{BETWEEN}{old_pin}{BETWEEN}{old_password}{BETWEEN}{password}", until.get())
}

/// The password, and the pair beside it.
#[must_use]
pub fn password_of(opened: &str) -> (Secret, Option<OldPair>) {
    let parts = || {
        let mut parts = opened.strip_prefix(MARK)?.splitn(4, BETWEEN);
        let until = parts.next()?.parse().ok().map(UtcMillis::new)?;
        let (pin, password) = (Secret::new(parts.next()?), Secret::new(parts.next()?));
        Some((Secret::new(parts.next()?), OldPair { pin, password, until }))
    };
    match parts() {
        Some((password, old)) => (password, Some(old)),
        None => (Secret::new(opened), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_reads_back() {
        let (password, old) = password_of(&beside("new", "111", "old", UtcMillis::new(7)));
        let old = old.unwrap();
        assert_eq!(password.expose(), "new");
        assert_eq!((old.pin.expose(), old.password.expose(), old.until.get()), ("111", "old", 7));
        let (password, old) = password_of("secret");
        assert_eq!((password.expose(), old.is_none()), ("secret", true));
    }
}
