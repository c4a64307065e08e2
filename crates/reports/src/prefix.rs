//! Which operator a phone number was issued by. Numbers keep their prefix when people move, so
//! this is for figures and never for routing.

/// First four digits, by operator.
const OPERATORS: [(&str, &[&str]); 6] = [
    ("Telkomsel", &["0811", "0812", "0813", "0821", "0822", "0823", "0851", "0852", "0853"]),
    ("Indosat", &["0814", "0815", "0816", "0855", "0856", "0857", "0858"]),
    ("XL", &["0817", "0818", "0819", "0859", "0877", "0878", "0879"]),
    ("Axis", &["0831", "0832", "0833", "0838"]),
    ("Three", &["0895", "0896", "0897", "0898", "0899"]),
    ("Smartfren", &["0881", "0882", "0883", "0884", "0885", "0886", "0887", "0888", "0889"]),
];

/// The operator's name; `-` for what is no mobile number.
#[must_use]
pub fn operator_of(dest: &str) -> &'static str {
    let prefix = dest.get(..4).unwrap_or_default();
    let found = OPERATORS.iter().find(|(_, prefixes)| prefixes.contains(&prefix));
    found.map_or("-", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_operators_and_meters_do_not() {
        assert_eq!(operator_of("089660522887"), "Three");
        assert_eq!(operator_of("085736044280"), "Indosat");
        assert_eq!(operator_of("86024157967"), "-");
        assert_eq!(operator_of("08"), "-");
    }
}
