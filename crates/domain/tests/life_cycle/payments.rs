//! Which payment a bank's report is about, at the edges of what is known: money that is taken twice, and
//! money that is taken for another's, begin here.

use domain::{Booked, KnownPayment, Recognised, Report, learn, recognise, squeezed};
use types::{Day, Rupiah};

/// A line of a file, on a Saturday.
fn line(text: &str, batch: &str) -> Report {
    Report {
        own: None,
        source: "file".to_owned(),
        batch: batch.to_owned(),
        booked: on(20_261_128),
        text: squeezed(text),
        balance: None,
        nth: 1,
    }
}

fn told(own: &str, text: &str) -> Report {
    let own = own.to_owned();
    Report { source: "feed".to_owned(), own: Some(own.clone()), ..line(text, &own) }
}

fn on(day: i32) -> Option<Booked> {
    Some(Booked { day: Day::new(day), minute: None })
}

fn known(report: &Report) -> KnownPayment {
    let own = report.own.clone().map(|own| (report.source.clone(), own));
    KnownPayment {
        id: String::new(),
        owns: own.into_iter().collect(),
        sources: vec![report.source.clone()],
        batch: report.batch.clone(),
        booked: report.booked,
        text: report.text.clone(),
        balance: report.balance,
    }
}

fn new(doubtful: bool, alike: &[usize]) -> Recognised {
    Recognised::New { doubtful, alike: alike.to_vec() }
}

/// What Friday booked, Monday may tell again; what is a day further away is another payment.
#[test]
fn three_days_apart_may_be_one_payment_and_four_are_two() {
    let first = [known(&line("SETOR", "b1"))];
    for (day, found) in [
        (20_261_124, new(false, &[])),
        (20_261_125, new(true, &[0])),
        (20_261_201, new(true, &[0])),
        (20_261_202, new(false, &[])),
    ] {
        let other = Report { booked: on(day), ..told("1", "TRSF") };
        assert_eq!(recognise(&other, &first), found, "other words on {day}");
        let same = Report { booked: on(day), ..told("1", "SETOR") };
        assert_eq!(recognise(&same, &first), found, "the same words on {day}");
    }
}

/// Two lines of one kind of file that differ are two payments, most likely: a person sees them only where
/// they could be one.
#[test]
fn of_one_kind_of_file_only_what_could_be_one_is_looked_at() {
    let balance = |rupiah| Some(Rupiah::new(rupiah));
    let first = [known(&Report { balance: balance(100), ..line("SETOR", "b1") })];
    let again = |text| Report { balance: balance(100), ..line(text, "b2") };
    for (report, found) in [
        (again("SETOR"), Recognised::Known(0)),
        (Report { balance: None, ..again("SETOR") }, Recognised::Known(0)),
        (Report { balance: balance(200), ..again("SETOR") }, new(true, &[0])),
        (Report { booked: on(20_261_129), ..again("SETOR") }, new(true, &[])),
        (again("TRSF"), new(true, &[])),
        (Report { booked: on(20_261_129), ..again("TRSF") }, new(true, &[])),
        (Report { booked: None, ..again("TRSF") }, new(true, &[0])),
        (Report { booked: None, ..again("SETOR") }, new(true, &[0])),
        (Report { source: "feed".to_owned(), ..again("TRSF") }, new(true, &[0])),
        // In one file each line is a payment of its own.
        (Report { batch: "b1".to_owned(), ..again("SETOR") }, new(false, &[])),
    ] {
        assert_eq!(recognise(&report, &first), found, "{report:?}");
    }
    // Of minutes that both tell, two that differ are two.
    let at = |minute| Some(Booked { day: Day::new(20_261_128), minute });
    let first = [known(&Report { booked: at(Some(700)), ..line("SETOR", "b1") })];
    for (minute, found) in [
        (Some(700), Recognised::Known(0)),
        (None, Recognised::Known(0)),
        (Some(701), new(true, &[0])),
    ] {
        let report = Report { booked: at(minute), ..line("SETOR", "b2") };
        assert_eq!(recognise(&report, &first), found, "{minute:?}");
    }
}

/// The first of two equal lines was new, then a feed told of the second before its line was read: it is
/// that one, and no third payment. Only equal lines of the same file count for it.
#[test]
fn a_feed_that_overtakes_a_file_makes_no_third_payment() {
    let second = Report { nth: 2, balance: Some(Rupiah::new(100)), ..line("SETOR", "b1") };
    let by_feed = known(&Report { balance: second.balance, ..told("2", "SETOR") });
    let before = |first: Report| [known(&first), by_feed.clone()];
    let first = || Report { nth: 1, ..second.clone() };
    let third = new(true, &[]);
    assert_eq!(recognise(&second, &before(first())), Recognised::Known(1));
    for other in [
        Report { text: squeezed("TRSF"), ..first() },
        Report { booked: on(20_261_127), ..first() },
        Report { balance: Some(Rupiah::new(99)), ..first() },
    ] {
        assert_eq!(recognise(&second, &before(other.clone())), third, "{other:?}");
    }
    // Of another file it is the first of two that are known.
    let elsewhere = before(Report { batch: "b0".to_owned(), ..first() });
    assert_eq!(recognise(&second, &elsewhere), Recognised::Known(1));
    assert_eq!(recognise(&first(), &elsewhere), Recognised::Known(0));
    let far = before(Report { batch: "b0".to_owned(), booked: on(20_261_101), ..first() });
    assert_eq!(recognise(&second, &far), third);
}

/// What a further report adds stays, and what was told before is not told again.
#[test]
fn a_payment_learns_what_it_was_not_told_and_nothing_twice() {
    let mut payment = known(&line("SETOR", "b1"));
    let feed = Report {
        booked: Some(Booked { day: Day::new(20_261_128), minute: Some(700) }),
        balance: Some(Rupiah::new(100)),
        ..told("1", "SETOR")
    };
    assert!(learn(&mut payment, &feed));
    let whole = KnownPayment {
        owns: vec![("feed".to_owned(), "1".to_owned())],
        sources: vec!["file".to_owned(), "feed".to_owned()],
        booked: feed.booked,
        balance: feed.balance,
        ..known(&line("SETOR", "b1"))
    };
    assert_eq!(payment, whole);
    let later = Booked { day: Day::new(20_261_129), minute: Some(701) };
    for report in [
        feed.clone(),
        line("SETOR", "b2"),
        // Another number of the same source, another minute, another balance: the first stay.
        Report { booked: Some(later), balance: Some(Rupiah::new(99)), ..told("2", "SETOR") },
        Report { booked: None, balance: None, ..feed },
    ] {
        assert!(!learn(&mut payment, &report), "{report:?}");
        assert_eq!(payment, whole);
    }
    let wire = Report { source: "wire".to_owned(), ..told("9", "SETOR") };
    assert!(learn(&mut payment, &wire));
    assert_eq!(payment.owns.last(), Some(&("wire".to_owned(), "9".to_owned())));
    // One thing alone is something.
    let one = |report: Report| {
        let mut payment = known(&Report { own: Some("1".to_owned()), ..line("SETOR", "b1") });
        learn(&mut payment, &report)
    };
    assert!(!one(line("SETOR", "b2")));
    assert!(one(Report { balance: Some(Rupiah::ZERO), ..line("SETOR", "b2") }));
    assert!(one(Report {
        booked: Some(Booked { day: Day::new(20_261_128), minute: Some(0) }),
        ..line("SETOR", "b2")
    }));
    assert!(one(Report { source: "mail".to_owned(), ..line("SETOR", "b2") }));
}
