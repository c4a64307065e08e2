//! What the types of the trade say of themselves: their words, their bounds, and what they are read back
//! from. Tables; a word that changes here changes what is stored, or what members read.
#![allow(clippy::unwrap_used)]

use types::*;

/// Each refusal with its code, and what is stored of it: code and argument lead back to it.
#[test]
fn every_refusal_has_its_code_and_only_those_with_a_purchase_are_kept() {
    let (low, high) = (Rupiah::new(-1), Rupiah::new(1_321));
    let kept = [
        (Refusal::ProductClosed, "product_closed", ""),
        (Refusal::CutOff { opens_minute: 0 }, "cut_off", "0"),
        (Refusal::CutOff { opens_minute: 1_439 }, "cut_off", "1439"),
        (Refusal::NoRoute, "no_route", ""),
        (Refusal::InvalidDest, "invalid_dest", ""),
        (Refusal::PriceAboveMax { price: high, max: low }, "price_above_max", "1321/-1"),
        (Refusal::InsufficientBalance, "insufficient_balance", ""),
        (Refusal::SameDayDuplicate, "same_day_duplicate", ""),
        (Refusal::Limit, "limit", ""),
    ];
    for (refusal, code, argument) in kept {
        assert_eq!(refusal.code(), code);
        assert_eq!(refusal.stored(), Some((code, argument.to_owned())));
        assert!(refusal.takes_ref());
        assert_eq!(Refusal::from_stored(code, argument), Some(refusal));
    }
    let qty = Qty::new(1).unwrap();
    let told = [
        (Refusal::MissingParameter(Param::Pin), "missing_parameter"),
        (Refusal::DuplicateParameter(Param::Pin), "duplicate_parameter"),
        (Refusal::InvalidParameter(Param::Pin), "invalid_parameter"),
        (Refusal::UnknownMember, "unknown_member"),
        (Refusal::WrongPin, "wrong_pin"),
        (Refusal::WrongPassword, "wrong_password"),
        (Refusal::WrongSign, "wrong_sign"),
        (Refusal::WrongCredentials, "wrong_credentials"),
        (Refusal::Locked { seconds: 5 }, "locked"),
        (Refusal::IpNotAllowed("127.0.0.1".parse().unwrap()), "ip_not_allowed"),
        (Refusal::MemberInactive, "member_inactive"),
        (Refusal::RateLimited, "rate_limited"),
        (Refusal::RefConflict, "ref_conflict"),
        (Refusal::UnknownProduct, "unknown_product"),
        (Refusal::QtyMissing, "qty_missing"),
        (Refusal::QtyRange { min: qty, max: qty }, "qty_range"),
        (Refusal::QtyFixed, "qty_fixed"),
    ];
    for (refusal, code) in told {
        assert_eq!((refusal.code(), refusal.stored()), (code, None));
        assert!(!refusal.takes_ref() && Refusal::from_stored(code, "").is_none(), "{code}");
    }
    for (code, argument) in [
        ("", ""),
        ("x", ""),
        ("cut_off", ""),
        ("cut_off", "-1"),
        ("cut_off", "x"),
        ("price_above_max", ""),
        ("price_above_max", "1"),
        ("price_above_max", "1/x"),
        ("price_above_max", "x/1"),
    ] {
        assert_eq!(Refusal::from_stored(code, argument), None, "{code} {argument}");
    }
}

#[test]
fn parameters_are_named_as_the_protocol_spells_them() {
    assert_eq!(
        Param::ALL.map(Param::name),
        [
            "memberID", "product", "dest", "refID", "pin", "password", "sign", "qty", "check",
            "counter", "hargamax"
        ]
    );
}

/// Promise 3: the reference of an attempt is its own, and only what we wrote is read as one.
#[test]
fn a_reference_at_a_supplier_is_read_as_it_is_written() {
    for (trx, n, text) in [(1, 1, "1-1"), (100_000_001, 65_535, "100000001-65535"), (7, 0, "7-0")] {
        let id = AttemptId { trx: TrxNo::new(trx), n };
        assert_eq!((id.supplier_ref(), id.to_string()), (text.to_owned(), text.to_owned()));
        assert_eq!(AttemptId::from_supplier_ref(text), Some(id));
        assert_eq!(Sn::stand_in(id).as_str(), text);
    }
    for wrong in ["", "1", "1-", "-1", "01-1", "1-01", "+1-1", "1-+1", "1-65536", "1-1-1", "1 -1"] {
        assert_eq!(AttemptId::from_supplier_ref(wrong), None, "{wrong}");
    }
    assert_eq!((MemberId::new(7).to_string(), DeliveryId::new(-7).get()), ("7".to_owned(), -7));
}

#[test]
fn times_are_written_with_all_their_digits() {
    let time = CivilTime { year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5 };
    assert_eq!(time.to_string(), "2026-01-02 03:04:05");
    assert_eq!((time.hhmm(), time.ddmmyyyy()), ("03:04".to_owned(), "02/01/2026".to_owned()));
    assert_eq!((time.date(), time.minute_of_day()), (Day::new(20_260_102), 184));
    let last = CivilTime { year: 2026, month: 12, day: 31, hour: 23, minute: 59, second: 59 };
    assert_eq!((last.date().get(), last.minute_of_day()), (20_261_231, 1_439));
    let at = UtcMillis::new;
    assert_eq!((at(5).after(7), at(5).after(-7), at(5).since(at(7))), (at(12), at(-2), -2));
    assert_eq!(at(i64::MAX).after(1), at(i64::MAX));
    assert_eq!((at(i64::MIN).since(at(1)), at(7).get()), (i64::MIN, 7));
}

/// A word that is not taken is told with its rule; of a long one only the beginning.
#[test]
fn errors_say_what_was_wrong() {
    let wrong = ProductCode::parse("A.B").unwrap_err().to_string();
    assert_eq!(wrong, "product code `A.B`: 1 to 32 letters, digits, `_` or `-`");
    let long = "x".repeat(99);
    let wrong = "x ".repeat(99).parse::<Sku>().unwrap_err();
    assert_eq!((wrong.what, wrong.value.chars().count()), ("sku", 80));
    for (error, text) in [
        (MoneyError::Overflow, "amount out of range".to_owned()),
        (
            "10.000.000.000.001".parse::<Rupiah>().unwrap_err(),
            "`10.000.000.000.001` is too much; one amount is at most 10.000.000.000.000".to_owned(),
        ),
        (
            long.parse::<Rupiah>().unwrap_err(),
            format!("`{}` is not an amount in rupiah (write 279655 or 279.655)", &long[..40]),
        ),
        (
            "5,5".parse::<Rupiah>().unwrap_err(),
            "`5,5` has a part of a rupiah; amounts are whole rupiah".to_owned(),
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

/// Codes are what they were typed as but for case and spaces around; the bounds are taken, one more is not.
#[test]
fn codes_have_one_case_and_bounds() {
    let member = |text: &str| MemberCode::parse(text).map(|code| code.to_string()).ok();
    let supplier = |text: &str| SupplierCode::parse(text).map(|code| code.to_string()).ok();
    let level = |text: &str| LevelCode::parse(text).map(|code| code.to_string()).ok();
    for text in ["a", "A_B-c9", " z ", "-", "_", "x".repeat(32).as_str()] {
        let plain = text.trim();
        assert_eq!(member(text), Some(plain.to_ascii_uppercase()));
        assert_eq!(supplier(text), Some(plain.to_ascii_lowercase()));
        assert_eq!(level(text), Some(plain.to_ascii_lowercase()));
    }
    for text in ["", " ", "a b", "a.b", "a/b", "é", "x".repeat(33).as_str()] {
        assert_eq!((member(text), supplier(text), level(text)), (None, None, None), "{text}");
    }
    for (text, sku) in [(" a.b/C ", Some("a.b/C")), ("a b", None), ("", None), ("é", None)] {
        assert_eq!(Sku::parse(text).ok().as_ref().map(Sku::as_str), sku, "{text}");
    }
    for (most, taken) in [(64, true), (65, false)] {
        let text = "x".repeat(most);
        let all = (Sku::parse(&text).is_ok(), RefId::parse(&text).is_ok());
        assert_eq!((all, Dest::parse(&text).is_ok()), ((taken, taken), taken));
    }
    assert_eq!((Dest::parse("12").is_ok(), Dest::parse("123").is_ok()), (false, true));
    assert_eq!(format!("{:>5}|{:<4}|", Sku::parse("a").unwrap(), Rupiah::new(7)), "    a|7   |");
}

/// Members' programs look for a status in whole sentences: no name and no reason may bring one.
#[test]
fn names_and_reasons_bring_no_status() {
    for (text, taken) in [
        ("Three  1.000", true),
        ("Three\t1.000", true),
        ("10%", false),
        ("Sukses 5", false),
        ("TIDAK ADA", false),
        ("Sudah Pernah", false),
        ("sudahpernah", true),
        ("", false),
        (" ", false),
        ("é".repeat(100).as_str(), true),
        ("é".repeat(101).as_str(), false),
    ] {
        let name = ProductName::parse(text);
        assert_eq!(name.is_ok(), taken, "{text}");
        assert!(name.map_or(true, |name| !name.as_str().contains("  ")));
    }
    assert_eq!(ProductName::parse("Three\t 1.000").unwrap().as_str(), "Three 1.000");
    for (text, clean) in [
        ("gagal gagal", "tidak berhasil tidak berhasil"),
        ("sudah pernah", "telah"),
        ("x. . .", "x"),
        ("", "Transaksi tidak dapat diproses"),
        ("50%", "50 persen"),
    ] {
        assert_eq!(Reason::clean(text).to_string(), clean);
        assert_eq!(Reason::clean(text).as_str(), clean);
    }
    assert_eq!(Reason::clean(&"é".repeat(201)).as_str().chars().count(), Reason::MOST);
    assert_eq!(format!("{:<3}|", Reason::clean("x")), "x  |");
}

/// A destination with an extra mark speaks no word of an answer, and names no reference.
#[test]
fn a_destination_with_marks_names_no_reference() {
    for (text, taken) in [
        ("T#1", false),
        ("R#1", false),
        ("a T#1", false),
        ("(T#1", false),
        ("aT#1", true),
        ("1R#1", true),
        ("aT#1 R#2", false),
        ("aT#1,bR#2", true),
        ("t#1", true),
        ("x#status", false),
        ("x#y", true),
        ("xstatusx", true),
    ] {
        assert_eq!(Dest::parse(text).is_ok(), taken, "{text}");
    }
}

#[test]
fn a_serial_number_is_kept_up_to_its_most() {
    let most = "é".repeat(Sn::MOST);
    assert_eq!(Sn::parse(&most).unwrap().as_str(), most);
    assert!(Sn::parse(&format!("{most}é")).is_err());
    let cut = Sn::within_limit(&format!("  {most}é")).unwrap();
    assert_eq!(cut.as_str(), most);
    for (text, kept) in
        [("R1\nR2", Some("R1 R2")), (" R1. ", Some("R1")), (" . ", None), ("", None)]
    {
        assert_eq!(Sn::within_limit(text).as_ref().map(Sn::as_str), kept, "{text}");
    }
}

#[test]
fn a_mobile_number_has_nine_to_fifteen_digits() {
    for (text, number) in [
        ("081234567", Some("081234567")),
        ("08123456", None),
        ("081234567890123", Some("081234567890123")),
        ("0812345678901234", None),
        ("+62 81234567", Some("081234567")),
        ("6281234567", Some("081234567")),
        ("0062(0)81234567", Some("081234567")),
        ("+63081234567", None),
        ("071234567", None),
        ("08123456a", None),
        ("0812345678a", None),
    ] {
        assert_eq!(mobile_number(text).as_deref(), number, "{text}");
    }
    assert!(is_same_dest(" ab@c ", "AB@C") && !is_same_dest("ab@c", "ab@d"));
    assert!(is_same_dest("+6281234567", "081234567"));
    assert!(!is_same_dest("081234567", "081234568") && !is_same_dest("081234567", "x"));
}

#[test]
fn rupiah_is_counted_exactly_or_not_at_all() {
    let rp = Rupiah::new;
    assert_eq!((rp(5).plus(rp(-7)), rp(5).minus(rp(7))), (Ok(rp(-2)), Ok(rp(-2))));
    assert_eq!(rp(i64::MAX).plus(rp(1)), Err(MoneyError::Overflow));
    assert_eq!(rp(i64::MIN).minus(rp(1)), Err(MoneyError::Overflow));
    for (amount, points, share) in
        [(12_345, 50, 62), (50, 100, 1), (49, 100, 0), (-50, 100, 0), (-51, 100, -1), (7, 0, 0)]
    {
        assert_eq!(rp(amount).share_half_up(points), Ok(rp(share)), "{amount} {points}");
    }
    for (text, read) in [
        ("0e40", Ok(rp(0))),
        ("1e-40", Ok(rp(1))),
        ("0e41", Err(MoneyError::Overflow)),
        ("0e-41", Err(MoneyError::Overflow)),
        ("99999999999999999999.5", Err(MoneyError::Overflow)),
        ("-99999999999999999999e20", Err(MoneyError::Overflow)),
    ] {
        assert_eq!(Rupiah::read_number(text, Rounding::Up), read, "{text}");
    }
    assert_eq!([-1, 0, 1].map(|amount| rp(amount).is_negative()), [true, false, false]);
    assert_eq!(Qty::new(0), None);
    let qty = Qty::new(7).unwrap();
    assert_eq!((qty.get(), qty.to_string().as_str()), (7, "7"));
}
