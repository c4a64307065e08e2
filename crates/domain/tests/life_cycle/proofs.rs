//! Serial numbers at the edge of being one: what is taken for a proof ties a delivery to a purchase, so each
//! rule is tried with what just falls under it and what just does not.

use domain::identity;
use types::{Dest, Sn};

fn of(sn: &str, dest: &str) -> Option<String> {
    identity(&Sn::parse(sn).unwrap(), &Dest::parse(dest).unwrap())
}

/// Tries each beside one purchase.
fn all(cases: &[(&str, Option<&str>)]) {
    for (sn, expected) in cases {
        assert_eq!(of(sn, "089660522887").as_deref(), *expected, "{sn}");
    }
}

#[test]
fn digits_make_a_number_of_its_own() {
    all(&[
        ("X12", None),
        ("X123", Some("X123")),
        ("123", Some("123")),
        ("x-12.3", Some("X123")),
        // Without a digit in front it is a name, unless there are many behind.
        ("BUDI/1234567", None),
        ("BUDI/12345678", Some("BUDI12345678")),
        ("B1/123", Some("B1123")),
        // A head of many digits stands alone.
        ("1234567/BUDI", Some("1234567BUDI")),
        ("12345678/BUDI", Some("12345678")),
        ("X1234567/BUDI/9", Some("X1234567BUDI9")),
        ("X12345678,BUDI/9", Some("X12345678")),
        ("111", None),
        ("1112", Some("1112")),
        ("2111", Some("2111")),
        ("X111", Some("X111")),
        ("//123//", Some("123")),
        (" / , ", None),
    ]);
}

#[test]
fn words_that_go_with_everything_need_many_digits() {
    all(&[
        ("SUKSES 1234567", None),
        ("SUKSES 12345678", Some("SUKSES12345678")),
        ("TRX1234567", None),
        ("TRX12345678", Some("TRX12345678")),
        ("TRX1X234567", Some("TRX1X234567")),
        ("123sn", None),
        ("SUKSES BUDI 123", Some("SUKSESBUDI123")),
        ("BUDI SUKSES 123", Some("BUDISUKSES123")),
        // Round numbers alone are amounts.
        ("50000", None),
        ("50001", Some("50001")),
        ("50100", Some("50100")),
        ("1000000", None),
        ("10000000", Some("10000000")),
        ("X50000", Some("X50000")),
        ("12.000", None),
        ("12.500", Some("12500")),
    ]);
}

#[test]
fn a_time_of_a_clock_is_no_number() {
    all(&[
        ("19:59", None),
        ("19:60", Some("1960")),
        ("22/04/2025 19:08", None),
        ("2025-04-22T19:08:11Z", None),
        ("19.08@22-04", None),
        ("20-20-12", None),
        ("1999-04-22", Some("19990422")),
        ("2104-04-22", Some("21040422")),
        ("2025-2026", Some("20252026")),
        ("2025-04-22 2096", Some("202504222096")),
        ("2025-", Some("2025")),
        ("12 34", Some("1234")),
        ("12-34", None),
        ("R1-23", Some("R123")),
        ("123:45", Some("12345")),
        ("1.2.3.4.5.6", None),
        ("1.2.3.4.5.6.7", Some("1234567")),
    ]);
    let stamps = [
        ("20000101", true),
        ("20991231", true),
        ("19991231", false),
        ("21000101", false),
        ("20250022", false),
        ("20251322", false),
        ("20250400", false),
        ("20250432", false),
        ("202504220000", true),
        ("202504222359", true),
        ("202504222400", false),
        ("202504222360", false),
        ("20250422235959", true),
        ("20250422235960", false),
        ("2025042", false),
        ("2025042X", false),
        ("2025042219", false),
        ("2025042219081", false),
        ("202504221908110", false),
    ];
    for (stamp, is_one) in stamps {
        let expected = if is_one { None } else { Some(stamp) };
        assert_eq!(of(stamp, "089660522887").as_deref(), expected, "{stamp}");
    }
}

/// A bill that was shown is not one that was paid.
#[test]
fn a_bill_needs_a_reference() {
    for bill in
        ["TAG:35214", "tag=35214", "TAGIHAN 35214", "TTAG 35214", "JMLBLN 352", "PERIODE 352"]
    {
        let bill = format!("X1/{bill}");
        assert_eq!(of(&bill, "089660522887"), None, "{bill}");
        for reference in ["ref 9", "SN:9", "sn=9", "TOKEN 9", "STRUK 9", "NTB 9", "TRXID 9"] {
            let paid = format!("{bill}/{reference}");
            assert!(of(&paid, "089660522887").is_some(), "{paid}");
        }
    }
    assert!(of("X1/LEMBAR 352", "089660522887").is_some());
}

/// The customer's own number comes back in many spellings, and proves nothing in any.
#[test]
fn the_destination_is_no_proof() {
    let proof = "TRX998877665544";
    for own in [
        "089660522887",
        "89660522887",
        "+62 896-6052-2887",
        "0896.6052.2887",
        "IDPEL:089660522887",
        "No Hp = 6289660522887",
        "msisdn=89660522887",
    ] {
        assert_eq!(of(own, "089660522887"), None, "{own}");
        for both in [format!("{own}/{proof}"), format!("{proof}, {own}")] {
            assert_eq!(of(&both, "089660522887").as_deref(), Some(proof), "{both}");
        }
    }
    // Under a name that is not the customer's it is a number of its own.
    let named = of("FOO=089660522887/X1", "089660522887");
    assert_eq!(named.as_deref(), Some("FOO089660522887"));
    assert_eq!(of("089660522888", "089660522887").as_deref(), Some("089660522888"));
    // A meter has one spelling, whatever stands between its digits.
    for own in ["530100200300", "5301-0020-0300", "IDPEL=5301 0020 0300"] {
        assert_eq!(of(&format!("{own}/{proof}"), "530100200300").as_deref(), Some(proof), "{own}");
    }
    assert_eq!(of("30100200300", "530100200300").as_deref(), Some("30100200300"));
    assert_eq!(of("nick@mail.com/X123", "Nick@Mail.com").as_deref(), Some("X123"));
}
