//! What is written down is read back as the same, and nothing else is: stored columns, and the words that
//! operators write.

use domain::*;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;

/// Every one of a kind has a word of its own, which is never empty and stands for it alone.
fn both_ways<T>(all: &[T], words: &[&str], write: fn(&T) -> String)
where
    T: FromStr + PartialEq + Debug,
    T::Err: Debug + PartialEq,
{
    assert_eq!(all.iter().map(write).collect::<Vec<_>>(), words);
    for (value, word) in all.iter().zip(words) {
        assert_eq!(word.parse::<T>().as_ref(), Ok(value));
        for wrong in ["", "x", &format!("{word}x"), &format!("x{word}")] {
            assert!(wrong.parse::<T>().is_err(), "{wrong} was taken");
        }
    }
}

#[test]
fn words_of_the_catalog_are_read_as_they_are_written() {
    both_ways(&Seller::ALL, &["no", "text", "json"], |seller| seller.word().to_owned());
    both_ways(&Strategy::ALL, &["priority", "cheapest", "weighted"], |strategy| {
        strategy.word().to_owned()
    });
    assert_eq!((" text ".parse(), " cheapest".parse()), (Ok(Seller::Text), Ok(Strategy::Cheapest)));
    // Who wrote another word is told which there are.
    let wrong = "yes".parse::<Seller>().unwrap_err();
    assert_eq!(wrong.to_string(), "seller `yes`: write no, text or json");
    let wrong = "dear".parse::<Strategy>().unwrap_err();
    assert_eq!(wrong.to_string(), "strategy `dear`: write priority, cheapest or weighted");
}

#[test]
fn a_window_takes_what_a_clock_shows() {
    for window in ["00:00-23:59", "23:59-00:00", "23:00-01:00", "09:05-09:06"] {
        assert_eq!(window.parse::<Window>().unwrap().to_string(), window);
    }
    for wrong in ["23:60-01:00", "01:00-23:60", "24:00-01:00", "01:00-24:00", "07:30-07:30", "7"] {
        let why = wrong.parse::<Window>().unwrap_err().to_string();
        assert_eq!(why, format!("window `{wrong}`: write `HH:MM-HH:MM`"));
    }
}

#[test]
fn words_of_the_ledger_are_read_as_they_are_written() {
    let accounts = [
        "member:7",
        "supplier:sandbox",
        "cash:bca",
        "hold",
        "sales",
        "cogs",
        "adjustment",
        "commission",
        "exchange",
        "loss:kept-cost",
        "loss:spent-commission",
        "deposit:sandbox",
        "expense:sewa",
        "capital",
        "opening",
    ];
    let all: Vec<AccountName> = accounts.iter().map(|name| name.parse().unwrap()).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), accounts.len());
    for (account, name) in all.iter().zip(accounts) {
        assert_eq!(account.to_string(), name);
        let member = (name == "member:7").then_some(types::MemberId::new(7));
        assert_eq!(account.member(), member, "{name}");
    }
    for wrong in [
        "",
        "member",
        "member:",
        "member:x",
        "supplier:",
        "supplier:a b",
        "deposit:",
        "cash:",
        "cash",
        "expense:",
        "loss:",
        "loss:kept",
        "hold:1",
        "HOLD",
        "bank:bca",
    ] {
        let why = wrong.parse::<AccountName>().unwrap_err().to_string();
        assert_eq!(why, format!("`{wrong}` is not a word of the ledger"));
    }
    let kinds = [
        "debit",
        "settle",
        "cost",
        "refund",
        "reversal",
        "cost_reversal",
        "kept_cost",
        "spent_commission",
        "deposit",
        "withdrawal",
        "given",
        "received",
        "commission",
        "commission_reversal",
        "adjustment",
        "cost_correction",
        "top_up",
        "expense",
        "capital",
        "opening",
    ];
    both_ways(&Kind::ALL, &kinds, |kind| kind.word().to_owned());
}

/// Shown and searched for, never read by us: they may not change, nor be the same.
#[test]
fn words_of_states_are_their_own() {
    assert_eq!(
        DeliveryState::ALL.map(DeliveryState::word),
        ["due", "delivered", "exhausted", "parked"]
    );
    assert_eq!(
        Held::ALL.map(Held::word),
        [
            "no_ticket",
            "alike",
            "other_version",
            "before_ticket",
            "not_yet",
            "no_date",
            "names_another",
            "part_of_rupiah",
            "second_person"
        ]
    );
    let sources = [Source::Reply, Source::Callback, Source::Check, Source::Restart { wait_ms: 1 }];
    assert_eq!(sources.map(Source::word), ["reply", "callback", "check", "restart"]);
}

#[test]
fn a_rule_of_destinations_is_read_as_it_is_written() {
    for rule in [
        "any",
        "any+#",
        "any+/",
        "any+,",
        "any+:",
        "any+space",
        "any+#/,:space",
        "phone",
        "digits:3-3",
        "digits:3-64",
        "digits:64-64",
        "digits:11-12",
    ] {
        assert_eq!(rule.parse::<DestRule>().unwrap().to_string(), rule);
    }
    for (written, kept) in [("", "any"), (" phone ", "phone"), ("any+##", "any+#")] {
        assert_eq!(written.parse::<DestRule>().unwrap().to_string(), kept);
    }
    for wrong in [
        "any+",
        "any+a",
        "any+#a",
        "digits:2-5",
        "digits:0-64",
        "digits:4-3",
        "digits:3-65",
        "digits:65-65",
        "digits:3",
        "digits:300-400",
        "digits:-3-4",
        "digit:3-4",
    ] {
        let why = wrong.parse::<DestRule>().unwrap_err().to_string();
        assert!(why.starts_with(&format!("destination rule `{wrong}`: write `any`")), "{why}");
    }
    // As many digits as it says, and digits only.
    let rule: DestRule = "digits:4-6".parse().unwrap();
    for (dest, fits) in
        [("123", false), ("1234", true), ("123456", true), ("1234567", false), ("123a", false)]
    {
        let dest = types::Dest::parse(dest).unwrap();
        assert_eq!(rule.normalise(&dest).is_some(), fits, "{dest}");
    }
    for (rule, dest, fits) in [
        ("any", "ab1", true),
        ("any", "a#1", false),
        ("any+#", "a#1", true),
        ("any+#", "a/1", false),
        ("any+space", "a 1", true),
        ("any+space", "a:1", false),
        ("any+,:", "a,:1", true),
        ("any+,:", "a,:/1", false),
    ] {
        let (rule, dest): (DestRule, types::Dest) = (rule.parse().unwrap(), dest.parse().unwrap());
        assert_eq!(rule.normalise(&dest), fits.then(|| dest.clone()), "{rule} {dest}");
    }
}

#[test]
fn a_habit_may_be_named_twice() {
    assert_eq!("aliases aliases".parse::<Dialect>().unwrap().to_string(), "aliases");
    for word in ["repeat-accept", "repeat-check"] {
        let twice: Dialect = format!("{word},{word}").parse().unwrap();
        assert_eq!(twice.to_string(), word);
    }
    for both in ["repeat-accept repeat-check", "repeat-check repeat-accept"] {
        let why = both.parse::<Dialect>().unwrap_err().to_string();
        assert_eq!(why, "dialect: repeat-accept or repeat-check, not both");
    }
}
