//! Tickets at their edges: the minute from which a payment may be for one, whom a text names, and which
//! amounts are asked for.

use domain::*;
use types::{CivilTime, Day, MemberCode, Moment, Rupiah, UtcMillis};

const fn clock(day: u8, minute_of_day: u16) -> CivilTime {
    let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
    CivilTime { year: 2026, month: 11, day, hour: hour as u8, minute: minute as u8, second: 0 }
}

/// 2026-11-28 14:00 in Jakarta, where clocks show so many minutes more than there.
fn now(ahead: u16) -> Moment {
    Moment { utc: UtcMillis::new(1_795_849_200_000), civil: clock(28, 840 + ahead) }
}

fn facts(booked: Option<Booked>, ticket: CivilTime, now: Moment) -> CreditFacts<'static> {
    CreditFacts {
        booked,
        unreadable: false,
        part: false,
        other_version: false,
        doubtful: false,
        alike: false,
        ticket: Some(ticket),
        names: None,
        now,
    }
}

fn booked(day: i32, minute: Option<u16>) -> Option<Booked> {
    Some(Booked { day: Day::new(day), minute })
}

/// Ten minutes clocks may differ; a bank writes Jakarta's time, wherever a business is.
#[test]
fn money_that_came_before_its_ticket_is_held_to_the_minute() {
    let opened = 780;
    for (ahead, first) in [
        (0, 769),
        // Makassar and Jayapura; anything else is no time of this country.
        (60, 709),
        (120, 649),
        (121, 769),
        (180, 769),
    ] {
        for (minute, expected) in [(first, Ok(())), (first - 1, Err(Held::BeforeTicket))] {
            let facts = facts(booked(20_261_128, Some(minute)), clock(28, opened), now(ahead));
            assert_eq!(judge_credit(&facts), expected, "{ahead} {minute}");
        }
    }
    // Behind Jakarta nobody is.
    let behind = Moment { civil: clock(28, 839), ..now(0) };
    let late = facts(booked(20_261_128, Some(769)), clock(28, opened), behind);
    assert_eq!(judge_credit(&late), Ok(()));
    // A day without a minute may be its last one.
    for (day, ticket, expected) in [
        (20_261_127, clock(28, 10), Ok(())),
        (20_261_127, clock(28, 11), Err(Held::BeforeTicket)),
        (20_261_128, clock(28, 839), Ok(())),
        (20_261_129, clock(28, 1), Err(Held::NotYet)),
        (20_261_201, clock(28, 1), Err(Held::NotYet)),
    ] {
        let facts = facts(booked(day, None), ticket, now(0));
        assert_eq!(judge_credit(&facts), expected, "{day}");
    }
    // Before midnight in Jakarta, after it in Makassar.
    let midnight = Moment { utc: UtcMillis::new(1_795_849_200_000 + 599 * 60_000), ..now(0) };
    let midnight = Moment { civil: clock(29, 59), ..midnight };
    let same = facts(booked(20_261_128, Some(1_379)), clock(29, 10), midnight);
    assert_eq!(judge_credit(&same), Ok(()));
    let before = facts(booked(20_261_128, Some(1_378)), clock(29, 10), midnight);
    assert_eq!(judge_credit(&before), Err(Held::BeforeTicket));
}

#[test]
fn only_what_may_be_known_already_needs_a_persons_word() {
    for held in Held::ALL {
        let known = matches!(held, Held::Alike | Held::OtherVersion);
        assert_eq!(held.may_be_known(), known, "{held:?}");
    }
}

/// Who pays for a member writes its code or its name, in many ways; what is too short names nobody.
#[test]
fn a_text_names_a_member_by_code_or_name() {
    let named = |text: &str, own: (&str, &str), other: (&str, &str)| {
        let (own_code, other_code) =
            (MemberCode::parse(own.0).unwrap(), MemberCode::parse(other.0).unwrap());
        let others = [(&own_code, own.1), (&other_code, other.1)];
        names_another(text, (&own_code, own.1), others).is_some()
    };
    let own = ("OK00123", "Toko Jaya");
    for (text, other, expected) in [
        // Names of three letters count, of two not; letters are counted over all words.
        ("SETOR ANI", ("M1", "Ani"), true),
        ("SETOR AL", ("M1", "Al"), false),
        ("SETOR A L I", ("M1", "A L I"), true),
        ("SETOR A L", ("M1", "A L"), false),
        ("SETOR ANITA", ("M1", "Ani"), false),
        ("SETOR", ("M1", ""), false),
        ("SETOR BUDI dari CELL", ("M1", "Budi Cell"), false),
        ("setor budi-cell", ("M1", "Budi  Cell"), true),
        // A code of three stands alone, one of five may be glued to a word before it.
        ("SETOR M12", ("M12", "x"), true),
        ("SETOR M1", ("M1", "x"), false),
        ("SETOROK205", ("OK205", "x"), true),
        ("SETOROK25", ("OK25", "x"), false),
        ("1OK205", ("OK205", "x"), false),
        ("OK205", ("OK205", "x"), true),
        ("OK2055", ("OK205", "x"), false),
        ("SETOR A_B-C", ("A_B-C", "x"), true),
        // Its own code makes another's name mean nothing, but not another's code.
        ("OK00123 ANI", ("M1", "Ani"), false),
        ("OK00123 OK00205", ("OK00205", "x"), true),
        ("SETOROK00123 ANI", ("M1", "Ani"), false),
        // Its own name hides a name within it, and no other.
        ("TOKO JAYA", ("M1", "Jaya"), false),
        ("JAYA", ("M1", "Jaya"), true),
        ("TOKO JAYA ANI", ("M1", "Ani"), true),
    ] {
        assert_eq!(named(text, own, other), expected, "{text} {other:?}");
    }
    // Nobody is another than itself.
    let code = MemberCode::parse("OK00123").unwrap();
    assert_eq!(names_another("OK00123", (&code, "x"), [(&code, "x")]), None);
}

/// Amounts follow the chance by a step that reaches each of them once.
#[test]
fn amounts_of_tickets_follow_the_chance() {
    let first = |wanted, most, chance, count| -> Vec<i64> {
        ticket_amounts(Rupiah::new(wanted), most, chance).take(count).map(Rupiah::get).collect()
    };
    assert_eq!(first(50_000, 999, 0, 3), [50_001, 50_002, 50_003]);
    // 3 and 999 have a factor in common, so it goes by 4.
    assert_eq!(first(50_000, 999, 999 * 3 + 5, 3), [50_006, 50_010, 50_014]);
    assert_eq!(first(50_000, 999, 999 * 4 + 5, 2), [50_006, 50_010]);
    assert_eq!(first(50_000, 999, 999 * 998 + 998, 3), [50_999, 50_998, 50_997]);
    // What is over goes round, and a chance beyond all begins anew.
    assert_eq!(first(50_000, 999, 999 * 999 + 7, 2), [50_008, 50_009]);
    assert_eq!(first(50_000, 999, 999 * 2 + 996, 3), [50_997, 50_999, 50_002]);
    assert_eq!(first(50_000, 999, u64::MAX, 2), [50_160, 50_672]);
    // The least width, and no round amount.
    assert_eq!(first(50_000, 0, 98, 2), [50_099, 50_001]);
    assert_eq!(first(50_999, 99, 0, 2), [51_001, 51_002]);
    assert_eq!(first(i64::MAX, 99, 0, 2), []);
}
