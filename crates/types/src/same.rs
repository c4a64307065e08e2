//! Do two texts name one destination? One phone number has several spellings; everything else is
//! compared letter by letter. Never decides what a destination may hold.

/// An Indonesian mobile number as written at home (`08..`), or `None` for anything else. Reads
/// `+62 812-3456-789`, `62812..`, `0062812..`, `+62 (0) 812..`, `0812..`.
#[must_use]
pub fn mobile_number(text: &str) -> Option<String> {
    let bare: String =
        text.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let abroad = match bare.strip_prefix('+') {
        Some(rest) => Some(rest.strip_prefix("62")?),
        None => bare.strip_prefix("0062").or_else(|| bare.strip_prefix("62")),
    };
    let local = match abroad {
        Some(rest) => format!("0{}", rest.strip_prefix('0').unwrap_or(rest)),
        None => bare,
    };
    let digits = local.bytes().all(|byte| byte.is_ascii_digit());
    let fits = digits && local.starts_with("08") && (9..=15).contains(&local.len());
    fits.then_some(local)
}

/// True when two texts name one destination.
#[must_use]
pub fn is_same_dest(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    if one.eq_ignore_ascii_case(other) {
        return true;
    }
    match (mobile_number(one), mobile_number(other)) {
        (Some(one), Some(other)) => one == other,
        (Some(_) | None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_many_spellings() {
        for spelling in [
            "081234567890",
            "6281234567890",
            "+6281234567890",
            "0062812-3456-7890",
            "+62 0812 34567890",
        ] {
            assert!(is_same_dest("081234567890", spelling), "{spelling}");
        }
        for other in [
            "081234567891",
            "81234567890",
            "0812345678900",
            "x081234567890",
            "62 812",
            "",
            "12345678(1234)",
        ] {
            assert!(!is_same_dest("081234567890", other), "{other}");
        }
        assert!(is_same_dest("Nick@Mail.com", "nick@mail.com"));
        assert!(!is_same_dest("12345678(1234)", "123456781234"));
        assert!(!is_same_dest("530100200300", "0530100200300"));
    }
}
