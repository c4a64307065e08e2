//! Amounts as people and programs write them: read exactly, or refused; never a thousandfold.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use types::{MoneyError, Rounding, Rupiah};

fn read(text: &str) -> Option<i64> {
    Rupiah::read(text, Rounding::Refuse).ok().map(Rupiah::get)
}

#[test]
fn every_usual_way_is_read() {
    for text in [
        "1321",
        "1.321",
        "1,321",
        "1.321,00",
        "1,321.00",
        "1.321,000",
        "1,321.000",
        "1321,0",
        "1321.00",
        "1321.000",
        "Rp 1.321,-",
        "Rp. 1.321",
        "Rp.1.321",
        "Rp1.321",
        "rp 1.321,00",
        "IDR 1.321",
        "IDR1,321.00",
        "1.321 IDR",
        "1.321 rp",
        "+1.321",
        "+ 1321",
        " 1.321 ",
        "Rp\u{a0}1.321",
        "\u{a0}1.321\u{a0}",
        "1 321",
        "1\u{a0}321,00",
        "1'321",
        "1.321,--",
        "1.321,\u{2013}",
        "1321,-",
        "01321",
        "Rp +1.321",
    ] {
        assert_eq!(read(text), Some(1_321), "{text:?}");
    }
    for (text, value) in [
        ("0", 0),
        ("-0", 0),
        ("0,00", 0),
        ("0.000", 0),
        ("-1.000", -1_000),
        ("- Rp 1.000", -1_000),
        ("Rp -1.000", -1_000),
        ("\u{2212}1.000,00", -1_000),
        ("150.000,000", 150_000),
        ("150,000.000", 150_000),
        ("1.234.531,000", 1_234_531),
        ("1.234.567", 1_234_567),
        ("12.345,0", 12_345),
        ("990000.0", 990_000),
        ("-9.223.372.036.854.775.808", i64::MIN),
        ("9223372036854775807", i64::MAX),
    ] {
        assert_eq!(read(text), Some(value), "{text:?}");
    }
}

/// What somebody gives as one amount is bounded far before numbers end.
#[test]
fn one_amount_has_a_most() {
    for most in ["10.000.000.000.000", "-10000000000000"] {
        assert!(most.parse::<Rupiah>().is_ok(), "{most}");
    }
    for much in ["10.000.000.000.001", "-10000000000001", "9000000000000000000"] {
        let refused = much.parse::<Rupiah>();
        assert!(matches!(refused, Err(MoneyError::TooMuch(_))), "{much}: {refused:?}");
    }
}

#[test]
fn what_is_not_an_amount_is_refused() {
    for text in [
        "",
        " ",
        "-",
        "+",
        "Rp",
        "Rp.",
        "IDR",
        "12a",
        ".500",
        ",5",
        "5.",
        "5,",
        "1..000",
        "1.,000",
        "1.0000.000",
        "12.34.567",
        "1234.567.890",
        "1,23,456",
        "1.321.00",
        "1,321.00.0",
        "--5",
        "+-5",
        "- -5",
        "-Rp-5",
        "1e5",
        "0x10",
        "1_000",
        "1.321-",
        "(1.321)",
        "1.321,5,-",
        "5 000 0",
        "1  000",
        "0.123.456",
        "01.500",
        "01.000",
        "١٢٣",
        "1.321 1.321",
        "Rp Rp 5",
        "$5",
        "5%",
        "NaN",
        "\u{0}5",
        "1.3a1",
        "1.é1",
    ] {
        assert!(
            matches!(text.parse::<Rupiah>(), Err(MoneyError::NotAnAmount(_))),
            "{text:?}: {:?}",
            text.parse::<Rupiah>()
        );
    }
    for text in ["99999999999999999999", "9.223.372.036.854.775.808", "9".repeat(400).as_str()] {
        assert_eq!(text.parse::<Rupiah>(), Err(MoneyError::Overflow), "{text}");
    }
}

#[test]
fn a_part_of_a_rupiah_is_refused_or_rounded_as_the_field_says() {
    for (text, down, up) in [
        ("1321.5", 1_321, 1_322),
        ("1321,50", 1_321, 1_322),
        ("1.321,5", 1_321, 1_322),
        ("1,321.01", 1_321, 1_322),
        ("1.321,001", 1_321, 1_322),
        ("1.234.531,500", 1_234_531, 1_234_532),
        ("Rp 0,5", 0, 1),
        ("0.500", 0, 1),
        ("0,999", 0, 1),
        ("1234.567", 1_234, 1_235),
        ("-1.321,5", -1_322, -1_321),
        ("-0,5", -1, 0),
        ("1321.00000000000000000000000000000000000000000000001", 1_321, 1_322),
    ] {
        let refused = text.parse::<Rupiah>();
        assert!(matches!(refused, Err(MoneyError::Fraction(_))), "{text:?}: {refused:?}");
        assert_eq!(Rupiah::read(text, Rounding::Down), Ok(Rupiah::new(down)), "{text:?}");
        assert_eq!(Rupiah::read(text, Rounding::Up), Ok(Rupiah::new(up)), "{text:?}");
    }
    let most = "9223372036854775807.5";
    assert_eq!(Rupiah::read(most, Rounding::Up), Err(MoneyError::Overflow));
    assert_eq!(Rupiah::read(most, Rounding::Down), Ok(Rupiah::new(i64::MAX)));
    let told = "1.321,5".parse::<Rupiah>().unwrap_err().to_string();
    assert_eq!(told, "`1.321,5` has a part of a rupiah; amounts are whole rupiah");
}

#[test]
fn a_number_of_json_has_decimals_and_no_groups() {
    for (text, down, up) in [
        ("9000", 9_000, 9_000),
        ("9000.0", 9_000, 9_000),
        ("990000.50", 990_000, 990_001),
        ("1.321", 1, 2),
        ("9.000", 9, 9),
        ("1e3", 1_000, 1_000),
        ("1.5E+3", 1_500, 1_500),
        ("1.2345e3", 1_234, 1_235),
        ("132100e-2", 1_321, 1_321),
        ("5e-3", 0, 1),
        ("-0.5", -1, 0),
        ("9007199254740993", 9_007_199_254_740_993, 9_007_199_254_740_993),
    ] {
        assert_eq!(Rupiah::read_number(text, Rounding::Down), Ok(Rupiah::new(down)), "{text}");
        assert_eq!(Rupiah::read_number(text, Rounding::Up), Ok(Rupiah::new(up)), "{text}");
    }
    for text in
        ["", "-", "1.", ".5", "1,5", "+5", "1e", "e5", "1.2.3", "0x1", " 5", "1e99999999999"]
    {
        let read = Rupiah::read_number(text, Rounding::Down);
        assert!(matches!(read, Err(MoneyError::NotAnAmount(_))), "{text:?}: {read:?}");
    }
    for text in ["1e400", "1e-400", "1e30"] {
        assert_eq!(Rupiah::read_number(text, Rounding::Up), Err(MoneyError::Overflow), "{text}");
    }
}

/// Digits with a mark between groups of three, from the right.
fn grouped(digits: &str, mark: &str) -> String {
    let mut groups: Vec<&str> = Vec::new();
    let mut rest = digits;
    while rest.len() > 3 {
        let (front, group) = rest.split_at(rest.len() - 3);
        groups.push(group);
        rest = front;
    }
    groups.push(rest);
    groups.reverse();
    groups.join(mark)
}

/// An amount in one of the styles of the field: groups, decimals, currency.
fn written(value: i64, style: usize, decimals: &str) -> String {
    let digits = value.unsigned_abs().to_string();
    let (mark, point) =
        [(".", ","), (",", "."), ("", "."), ("", ","), (" ", ","), ("'", ".")][style % 6];
    let mut text = grouped(&digits, mark);
    if !decimals.is_empty() {
        text.push_str(point);
        text.push_str(decimals);
    }
    let sign = if value < 0 { "-" } else { "" };
    match style / 6 % 5 {
        0 => format!("{sign}{text}"),
        1 => format!("{sign}Rp {text}"),
        2 => format!("Rp. {sign}{text}"),
        3 => format!(" {sign}IDR\u{a0}{text} "),
        _ => format!("{sign}{text} IDR"),
    }
}

proptest! {
    #[test]
    fn printed_amounts_read_back(value in any::<i64>()) {
        prop_assert_eq!(read(&Rupiah::new(value).to_string()), Some(value));
    }

    #[test]
    fn every_style_reads_back(value in any::<i64>(), shift in 0_u32..63, style in 0_usize..30, zeros in 0_usize..5) {
        let value = value >> shift;
        let text = written(value, style, &"0".repeat(zeros));
        // Without groups, three digits behind a short number would be a group of a larger one.
        let alone = matches!(style % 6, 2 | 3) || value.unsigned_abs() < 1_000;
        prop_assume!(!(zeros == 3 && alone && value.unsigned_abs() < 1_000 && value != 0));
        prop_assert_eq!(read(&text), Some(value), "{}", text);
    }

    #[test]
    fn a_fraction_never_makes_an_amount_larger(
        value in any::<i64>(), shift in 1_u32..63, style in 0_usize..30, fraction in "[0-9]{1,6}"
    ) {
        let value = value >> shift;
        prop_assume!(fraction.bytes().any(|byte| byte != b'0'));
        prop_assume!(fraction.len() != 3 || value == 0 || value.unsigned_abs() >= 1_000);
        let text = written(value, style, &fraction);
        let refused = Rupiah::read(&text, Rounding::Refuse);
        prop_assert!(matches!(refused, Err(MoneyError::Fraction(_))), "{}: {:?}", text, refused);
        let toward = |rounding| Rupiah::read(&text, rounding).unwrap().get();
        let (low, high) = if text.contains('-') { (value - 1, value) } else { (value, value + 1) };
        prop_assert_eq!((toward(Rounding::Down), toward(Rounding::Up)), (low, high), "{}", text);
    }

    #[test]
    fn numbers_of_json_read_back(value in any::<i32>(), cents in 0_u32..100, exponent in 0_usize..6) {
        let text = format!("{value}.{cents:02}");
        let exact = i64::from(value);
        let low = if cents > 0 && value < 0 { exact - 1 } else { exact };
        prop_assert_eq!(Rupiah::read_number(&text, Rounding::Down), Ok(Rupiah::new(low)));
        let scaled = format!("{value}{}e-{exponent}", "0".repeat(exponent));
        prop_assert_eq!(Rupiah::read_number(&scaled, Rounding::Refuse), Ok(Rupiah::new(exact)));
    }

    #[test]
    fn no_text_is_read_as_more_than_its_digits(text in "[ Rp.,0-9'\u{a0}+-]{0,14}") {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if let Some(value) = read(&text) {
            prop_assert!(value.unsigned_abs() <= digits.parse::<u64>().unwrap(), "{}", text);
        }
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,40}") {
        for rounding in [Rounding::Refuse, Rounding::Up, Rounding::Down] {
            let _ = (Rupiah::read(&text, rounding), Rupiah::read_number(&text, rounding));
        }
    }
}
