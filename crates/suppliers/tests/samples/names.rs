//! Which names in a text are those of the purchase.

use super::words::{OWN, filled};
use super::{ask, connector, ok, word};

/// Asked at noon of the day after; sent at 12:00. Reply, check: what each means.
#[test]
fn what_stands_around_a_name_is_none_of_it() {
    let pln = ask("PLNV50", "86024157967");
    let t1 = ask("T1", "089660522887");
    let connector = connector(OWN);
    for (case, text, buy, check) in [
        // Pending says little, and of another purchase or of none nothing at all.
        (&t1, "T1.089660522888 akan diproses. Saldo 9", "unknown", "unknown"),
        (&t1, "T1.089660522888 SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00", "unknown", "doubtful"),
        (&t1, "Transaksi akan diproses. Saldo 9", "unknown", "unknown"),
        (&t1, "T1.{dest} akan diproses. Saldo 9", "pending", "pending"),
        // What a sentence puts behind a reference or a destination is none of it.
        (
            &t1,
            "R#{ref}, T1.{dest} SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00",
            "success R1 for 3",
            "success R1 for 3",
        ),
        (
            &pln,
            "R#{ref} TrxID=8 kode {sku} ke {dest}. SUKSES. SN: R1. Saldo 9 - 3 = 6 @11:00",
            "success R1 for 3",
            "success R1 for 3",
        ),
        // A counter is one or two digits.
        (&pln, "R#{ref} {sku}.ab.{dest} SUKSES. SN: R1. Saldo 9 - 3 = 6", "doubtful", "unknown"),
        (&pln, "R#{ref} {sku}.123.{dest} SUKSES. SN: R1. Saldo 9 - 3 = 6", "doubtful", "unknown"),
    ] {
        let text = filled(text, case);
        assert_eq!(word(&connector.read_buy(case, &ok(&text))), buy, "reply: {text}");
        assert_eq!(word(&connector.read_check(case, &ok(&text))), check, "check: {text}");
    }
}

/// The codes of this family beside a text: what it must not contradict, and what it makes certain.
#[test]
fn a_code_beside_the_text() {
    let case = ask("T1", "089660522887");
    let connector = connector(OWN);
    for (codes, done, going, failed) in [
        (&["1", "2"][..], "unknown", "pending", "unknown"),
        (&["20", "22"], "success R1 for 3", "unknown", "unknown"),
        (
            &["43", "44", "45", "47", "50", "61", "64", "65", "69"],
            "unknown",
            "unknown",
            "route: Kata aneh",
        ),
        (&["52", "56"], "unknown", "unknown", "number: Kata aneh"),
        (&["40", "41", "42", "46", "49", "55", "57"], "unknown", "unknown", "unknown"),
        // What nobody knows claims nothing.
        (&["3", "21", "99", ""], "success R1 for 3", "pending", "unknown"),
    ] {
        for code in codes {
            let said = |text: &str| {
                let text = format!("status={code}&message=R#{{ref}} T1.{{dest}} {text}");
                word(&connector.read_buy(&case, &ok(&filled(&text, &case))))
            };
            assert_eq!(said("SUKSES. SN: R1. Saldo 9 - 3 = 6"), done, "{code}");
            assert_eq!(said("akan diproses. Saldo 9 - 3 = 6"), going, "{code}");
            assert_eq!(said("GAGAL. Kata aneh. Saldo 9"), failed, "{code}");
        }
    }
}

/// A destination may hold spaces and marks at which a reader of sentences stops: letter by letter it is
/// ours, or nobody's.
#[test]
fn a_destination_with_marks_is_named_exactly() {
    let case = ask("ML86", "123456789 (2001)");
    for (named, is_ours) in [
        ("ML86.123456789 (2001)", true),
        ("ml86.123456789 (2001)", true),
        ("Mobile Legends ML86.123456789 (2001).", true),
        ("ML86.123456789 (2001):", true),
        ("'ML86.123456789 (2001)'", true),
        ("ML86.123456789 (2001)5", false),
        ("ML86.123456789 (2001).5", false),
        ("ML86.123456789 (20)", false),
        ("XML86.123456789 (2001)", false),
        ("Y-ML86.123456789 (2001)", false),
        ("Y_ML86.123456789 (2001)", false),
        ("9.ML86.123456789 (2001)", false),
    ] {
        let text = filled(&format!("R#{{ref}} {named} SUKSES. SN: 7788. Saldo 9 - 3 = 6"), &case);
        let wanted = if is_ours { "success 7788 for 3" } else { "unknown" };
        assert_eq!(word(&connector(OWN).read_check(&case, &ok(&text))), wanted, "{text}");
    }
}
