//! Which passwords and PINs are too easy to guess: what everybody tries first, sequences, repeats,
//! and what can be read on the login page.

use crate::problem::Problem;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Shortest password of a person, at the console and at the portal.
pub(crate) const PERSON_LEAST: usize = 10;
/// Shortest H2H password of a member.
const MEMBER_LEAST: usize = 8;
/// Shortest PIN of a member.
const PIN_LEAST: usize = 6;
const MOST: usize = 256;

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("common_passwords.txt").lines();
    lines.filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
});

/// Rows of a keyboard and of the alphabet that fingers follow.
const ROWS: [&str; 5] =
    ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

fn runs(text: &[char]) -> usize {
    let rows: Vec<Vec<char>> = ROWS
        .iter()
        .flat_map(|row| [row.chars().collect(), row.chars().rev().collect::<Vec<char>>()])
        .collect();
    let mut at = 0_usize;
    let mut inside = 0_usize;
    while at < text.len() {
        let longest = rows
            .iter()
            .flat_map(|row| {
                (0..row.len()).map(|from| {
                    let here = text.iter().skip(at).zip(row.iter().skip(from));
                    here.take_while(|(a, b)| a == b).count()
                })
            })
            .max()
            .unwrap_or_default();
        if longest >= 3 {
            inside = inside.saturating_add(longest);
            at = at.saturating_add(longest);
        } else {
            at = at.saturating_add(1);
        }
    }
    inside
}

/// The same piece again and again.
fn repeats(text: &[char]) -> bool {
    let half = text.len() / 2;
    (1..=half).any(|unit| text.iter().zip(text.iter().skip(unit)).all(|(a, b)| a == b))
}

fn distinct(text: &[char]) -> usize {
    text.iter().collect::<HashSet<_>>().len()
}

/// The word inside a password: without what is put around it, and with letters for the digits
/// that stand for them.
fn word_of(text: &str) -> String {
    let bare = text.trim_matches(|c: char| !c.is_alphabetic());
    bare.chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

fn is_common(lower: &str) -> bool {
    COMMON.contains(lower) || COMMON.contains(word_of(lower).as_str())
}

/// Why a password is easy to guess, when it is. `known`: words that stand beside it.
fn weakness(text: &str, known: &[&str]) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let all: Vec<char> = lower.chars().collect();
    if distinct(&all) < 5 || repeats(&all) {
        return Some("it repeats the same characters");
    }
    if all.len().saturating_sub(runs(&all)) < 4 {
        return Some("it follows a sequence");
    }
    if is_common(&lower) {
        return Some("it is among those that everybody tries first");
    }
    let words = known.iter().flat_map(|text| text.split_whitespace());
    let said = words.map(str::to_lowercase).find(|word| {
        // A short word is in many a good password.
        word.chars().count() >= 4 && lower.contains(word)
    });
    if said.is_some() {
        return Some("it contains a login or a name");
    }
    let rest: String = lower.replace("gerbang", "").chars().filter(|c| c.is_alphabetic()).collect();
    if lower.contains("gerbang") && rest.chars().count() < 4 {
        return Some("it is the name of this program");
    }
    None
}

fn weak(what: &str, why: &str) -> Problem {
    let detail = format!("this {what} is too easy to guess: {why}; three or four words do well");
    Problem::asked("weak_password", detail)
}

/// A password of a person.
///
/// # Errors
/// [`Problem`] for a short or an easy one.
pub(crate) fn person_password(text: &str, known: &[&str]) -> Result<(), Problem> {
    if text.chars().count() < PERSON_LEAST || text.len() > MOST {
        let why = format!("a password has at least {PERSON_LEAST} characters");
        return Err(Problem::asked("weak_password", why));
    }
    weakness(text, known).map_or(Ok(()), |why| Err(weak("password", why)))
}

/// The H2H password of a member.
pub(crate) fn member_password(text: &str, code: &str, pin: &str) -> Result<(), Problem> {
    if text.chars().count() < MEMBER_LEAST || text.len() > MOST {
        let why = format!("a member's password has at least {MEMBER_LEAST} characters");
        return Err(Problem::asked("weak_password", why));
    }
    if !pin.is_empty() && text.contains(pin) {
        return Err(weak("password", "the PIN is in it"));
    }
    weakness(text, &[code]).map_or(Ok(()), |why| Err(weak("password", why)))
}

fn pin_weakness(pin: &str, code: &str) -> Option<&'static str> {
    let all: Vec<char> = pin.chars().collect();
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    if distinct(&all) < 3 || repeats(&all) {
        return Some("it repeats the same digits");
    }
    // 112233: the same sequence with every digit twice.
    let mut once = all.clone();
    once.dedup();
    if runs(&all) == all.len() || runs(&once) == once.len() {
        return Some("it follows a sequence");
    }
    let backwards: Vec<char> = all.iter().rev().copied().collect();
    if all == backwards && distinct(&all) < 4 {
        return Some("it follows a sequence");
    }
    let own = digits.trim_start_matches('0');
    if pin.eq_ignore_ascii_case(code) || (own.len() >= 3 && pin.trim_start_matches('0') == own) {
        return Some("it is the member's code");
    }
    COMMON.contains(pin).then_some("it is among those that everybody tries first")
}

/// The PIN of a member.
pub(crate) fn member_pin(pin: &str, code: &str) -> Result<(), Problem> {
    if pin.chars().count() < PIN_LEAST || pin.len() > MOST {
        let why = format!("a PIN has at least {PIN_LEAST} digits");
        return Err(Problem::asked("weak_pin", why));
    }
    pin_weakness(pin, code).map_or(Ok(()), |why| {
        Err(Problem::asked("weak_pin", format!("this PIN is too easy to guess: {why}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_is_refused() {
        for text in [
            "aaaaaaaaaa",
            "ababababab",
            "abcdeabcde",
            "1234567890",
            "qwertyuiop",
            "abcdefghij",
            "password123",
            "P@ssw0rd1234",
            "rahasia2026",
            "bismillah99",
            "indonesia45",
            "123password",
            "gerbang2026",
            "Gerbang-123",
            "qwerty12345",
            "0987654321",
            "asdfghjkl;1",
            "mamapapa12",
            "sh.ort",
            "",
            "iloveyou2024",
        ] {
            let refused = person_password(text, &["budi", "Budi Santoso"]).unwrap_err();
            assert_eq!(refused.code, "weak_password", "{text}");
        }
        for text in ["budi-1998-07", "SANTOSO-kopi-3"] {
            assert!(person_password(text, &["budi", "Budi Santoso"]).is_err(), "{text}");
            assert!(person_password(text, &["ani", "Ani"]).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_nobody_guesses_is_taken() {
        for text in [
            "teh-manis-panas-3",
            "correct horse battery",
            "demo-gerbang",
            "k3ranjang biru",
            "9f2c81d07e44ab31c0de",
            "hujan turun di atap seng",
            "Lemari.Kayu.Jati7",
        ] {
            assert_eq!(person_password(text, &["owner", "owner"]), Ok(()), "{text}");
        }
    }

    #[test]
    fn pins_that_are_tried_first_are_refused() {
        for pin in [
            "1", "12345", "123456", "654321", "000000", "111111", "121212", "123123", "112233",
            "445566", "012345", "890123", "123321", "000123", "00123", "696969",
        ] {
            assert!(member_pin(pin, "OK00123").is_err(), "{pin}");
        }
        for pin in ["480913", "730264", "915037", "0480913"] {
            assert_eq!(member_pin(pin, "OK00123"), Ok(()), "{pin}");
        }
    }

    /// Each rule by itself, at its border.
    #[test]
    fn why_it_is_easy_to_guess() {
        let why = |told: Result<(), Problem>| told.map_err(|own| own.detail).err();
        let person = |text: &str| why(person_password(text, &["budi"]));
        for (text, reason) in [
            ("aaaabbbbcc", "it repeats the same characters"),
            ("k3ranjangk3ranjang", "it repeats the same characters"),
            ("abcdefghi-x7", "it follows a sequence"),
            ("rahasia2026", "it is among those that everybody tries first"),
            ("teh-budi-panas", "it contains a login or a name"),
            ("gerbang-ok7", "it is the name of this program"),
            ("kopi-jah3", "a password has at least 10 characters"),
        ] {
            let told = person(text).unwrap_or_default();
            assert!(told.contains(reason), "{text}: {told}");
        }
        for text in ["kakakopikop", "kopi-jahe3", "abcdef-x7kq", "abcdef-x7k"] {
            assert_eq!(person(text), None, "{text}");
        }
        // Cubes one after the other: long, and with no period.
        let long = |most: usize| -> String {
            let all: String = (1_u64..200).map(|n| n.pow(3).to_string()).collect();
            all.chars().take(most).collect()
        };
        for least in [MEMBER_LEAST, PERSON_LEAST, PIN_LEAST, MOST] {
            let text = if least == MOST { long(MOST) } else { "kq7xw2zm9t"[..least].to_owned() };
            let taken = [
                member_pin(&text, "OK1").is_ok(),
                member_password(&text, "OK1", "").is_ok(),
                person_password(&text, &[]).is_ok(),
            ];
            let fits = |of: usize| of <= least;
            assert_eq!(taken, [PIN_LEAST, MEMBER_LEAST, PERSON_LEAST].map(fits), "{least}");
        }
        let too_long = long(MOST + 1);
        assert!(member_pin(&too_long, "OK1").is_err() && person_password(&too_long, &[]).is_err());
        assert!(member_password(&too_long, "OK1", "").is_err());
        let pin = |pin: &str, code: &str| why(member_pin(pin, code)).unwrap_or_default();
        for (text, code, reason) in [
            ("111222", "OK1", "it repeats the same digits"),
            ("480480", "OK1", "it repeats the same digits"),
            ("345678", "OK1", "it follows a sequence"),
            ("778899", "OK1", "it follows a sequence"),
            ("478874", "OK1", "it follows a sequence"),
            ("kopi77", "KOPI77", "it is the member's code"),
            ("000481", "OK0481", "it is the member's code"),
            ("48091", "OK1", "a PIN has at least 6 digits"),
        ] {
            assert!(pin(text, code).contains(reason), "{text}: {}", pin(text, code));
        }
        for (text, code) in [("474484", "OK1"), ("4809084", "OK1"), ("000048", "OK48")] {
            assert_eq!(pin(text, code), "", "{text}");
        }
    }

    #[test]
    fn a_member_s_password_is_neither_its_code_nor_its_pin() {
        for (text, pin) in [
            ("secret", "480913"),
            ("ok00123-kopi", "480913"),
            ("kopi480913x", "480913"),
            ("1", "1"),
        ] {
            assert!(member_password(text, "OK00123", pin).is_err(), "{text}");
        }
        assert_eq!(member_password("teh-manis-3", "OK00123", "480913"), Ok(()));
    }
}
