//! Requests as members send them: every rule of WIRE.md section 2.
#![allow(clippy::unwrap_used)]

use types::{Param, Refusal};
use wire::{Credentials, Fields, Names, Secret, slug};

const GOOD: &str =
    "product=T1&dest=089660522887&refID=114&memberID=OK00123&pin=123456&password=secret";

/// Why it cannot be read, or why it cannot be bought.
fn refusal(query: &str) -> Refusal {
    match Fields::decode(query.as_bytes()).trx() {
        Ok(request) => request.spoiled.expect(query),
        Err(error) => error.refusal,
    }
}

#[test]
fn the_seed_requests() {
    let request = Fields::decode(GOOD.as_bytes()).trx().unwrap();
    assert_eq!(request.member.as_str(), "OK00123");
    assert_eq!(request.product.as_str(), "T1");
    assert_eq!(request.dest.as_str(), "089660522887");
    assert_eq!(request.ref_id.as_str(), "114");
    assert!(!request.check);
    let open = GOOD.replace("T1", "bbsdn") + "&qty=12345&check=1";
    let request = Fields::decode(open.as_bytes()).trx().unwrap();
    assert_eq!(request.product.as_str(), "BBSDN");
    assert_eq!(request.qty.unwrap().get(), 12_345);
    assert!(request.check);
}

#[test]
fn names_in_any_case_and_spaces_both_ways() {
    let request = Fields::decode(
        b"MEMBERID=ok1&PRODUCT=t1&Dest=a%20&refid=X-1&PIN=1&PassWord=a+b&dest=%20a&zzz=1",
    );
    assert_eq!(request.trx().unwrap_err().refusal, Refusal::InvalidParameter(Param::Dest));
    let request =
        Fields::decode(b"MEMBERID=ok1&PRODUCT=t1&Dest=+abc%20&refid=X-1&PIN=1&PassWord=a+b")
            .trx()
            .unwrap();
    assert_eq!(request.dest.as_str(), "abc");
    assert_eq!(request.member.as_str(), "OK1");
    assert_eq!(request.typed.member, "ok1");
    match request.credentials {
        Credentials::Plain { password, .. } => assert_eq!(password.expose(), "a b"),
        Credentials::Sign(_) => panic!("plain was sent"),
    }
}

#[test]
fn missing_duplicate_and_invalid() {
    for (name, param) in [
        ("memberID", Param::MemberId),
        ("product", Param::Product),
        ("dest", Param::Dest),
        ("refID", Param::RefId),
        ("pin", Param::Pin),
        ("password", Param::Password),
    ] {
        let without: Vec<&str> =
            GOOD.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        assert_eq!(refusal(&without.join("&")), Refusal::MissingParameter(param));
        let empty = format!("{}&{name}=", without.join("&"));
        assert_eq!(refusal(&empty), Refusal::MissingParameter(param));
    }
    assert_eq!(refusal(&format!("{GOOD}&DEST=1111")), Refusal::DuplicateParameter(Param::Dest));
    assert!(Fields::decode(format!("{GOOD}&memberid=OK00123").as_bytes()).trx().is_ok());
    for (query, param) in [
        (GOOD.replace("refID=114", "refID=a%20b"), Param::RefId),
        (GOOD.replace("refID=114", "refID=a%23b"), Param::RefId),
        (GOOD.replace("dest=089660522887", "dest=08;1"), Param::Dest),
        (GOOD.replace("product=T1", "product=T.1"), Param::Product),
        (format!("{GOOD}&qty=-5"), Param::Qty),
        (format!("{GOOD}&qty=0"), Param::Qty),
        (format!("{GOOD}&qty=12.345"), Param::Qty),
        (format!("{GOOD}&check=yes"), Param::Check),
        (format!("{GOOD}&counter=0"), Param::Counter),
        (format!("{GOOD}&hargamax=x"), Param::HargaMax),
    ] {
        assert_eq!(refusal(&query), Refusal::InvalidParameter(param), "{query}");
    }
}

#[test]
fn secrets_stay_out_of_the_journal() {
    let fields =
        Fields::decode(b"memberID=A&PIN=123456&pass%77ord=secret&sign=abc&dest=1&Api_Key=k");
    let line = fields.redacted(4_000);
    for secret in ["123456", "secret", "abc", "=k"] {
        assert!(!line.contains(secret), "{line}");
    }
    assert_eq!(line.matches("***").count(), 4);
    assert!(!format!("{:?}", Fields::decode(GOOD.as_bytes()).trx().unwrap()).contains("secret"));
}

#[test]
fn an_echo_is_always_harmless() {
    let echo = Fields::decode(b"refID=a%0d%0ab%23%25&product=t1%20x&dest=%f0%9f%92%a9").echo();
    assert_eq!(
        (echo.ref_id.as_str(), echo.product.as_str(), echo.dest.as_str()),
        ("ab", "T1X", "")
    );
    assert_eq!(Fields::default().echo().ref_id, "0");
}

/// Whoever may be asking is never told GAGAL.
#[test]
fn a_question_is_known_whatever_else_is_wrong() {
    for (query, asks) in [
        ("product=T1", false),
        ("check=", false),
        ("check=%20", false),
        ("check=0", false),
        ("check=1", true),
        ("CHECK=%201", true),
        ("check=0&check=1", true),
        ("check=yes", true),
        ("cek=1", false),
    ] {
        let fields = Fields::decode(query.as_bytes());
        assert_eq!(fields.asks_check(), asks, "{query}");
        assert_eq!(fields.trx().unwrap_err().check, asks, "{query}");
    }
}

#[test]
fn fields_of_query_and_body_are_one_request() {
    let (query, body) = GOOD.split_once("&pin").unwrap();
    let both =
        Fields::decode(query.as_bytes()).and(Fields::decode(format!("pin{body}").as_bytes()));
    assert_eq!(both.trx().unwrap(), Fields::decode(GOOD.as_bytes()).trx().unwrap());
    let twice = both.and(Fields::decode(b"dest=081"));
    assert_eq!(twice.trx().unwrap_err().refusal, Refusal::DuplicateParameter(Param::Dest));
}

#[test]
fn names_of_other_centers_are_translated_on_demand() {
    let other = GOOD.replace("product", "Produk").replace("dest", "tujuan") + "&AMOUNT=12345";
    let fields = Fields::decode(other.as_bytes());
    assert_eq!(fields.trx().unwrap_err().refusal, Refusal::MissingParameter(Param::Product));
    let request = fields.translated().trx().unwrap();
    let ours = format!("{GOOD}&qty=12345");
    assert_eq!(request, Fields::decode(ours.as_bytes()).trx().unwrap());
}

#[test]
fn a_question_may_name_only_its_reference() {
    let bare = GOOD.replace("product=T1&dest=089660522887&", "");
    let read = |query: &str| Fields::decode(query.as_bytes()).trx_naming(Names::RefOnly);
    let asked = read(&format!("{bare}&check=1")).unwrap();
    assert_eq!((asked.product.as_str(), asked.dest.as_str()), ("-", "---"));
    assert!(asked.check);
    // What is named counts.
    let named = read(&format!("{GOOD}&check=1")).unwrap();
    assert_eq!((named.product.as_str(), named.dest.as_str()), ("T1", "089660522887"));
    // A purchase names all, and a question of anybody else does.
    for query in [bare.clone(), format!("{bare}&check=0"), format!("{bare}&check=2")] {
        assert_eq!(read(&query).unwrap_err().refusal, Refusal::MissingParameter(Param::Product));
    }
    assert_eq!(refusal(&format!("{bare}&check=1")), Refusal::MissingParameter(Param::Product));
    for check in ["", "&check=0", "&CHECK=yes", "&check=1"] {
        let asking = Fields::decode(format!("{GOOD}{check}").as_bytes()).asking().trx().unwrap();
        assert!(asking.check, "{check}");
        assert_eq!(asking.dest.as_str(), "089660522887");
    }
}

#[test]
fn who_and_which_are_told_before_anything_is_believed() {
    let named = |query: &str| {
        let (member, ref_id) = Fields::decode(query.as_bytes()).named();
        (member.map(|code| code.to_string()), ref_id.map(|id| id.to_string()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(named(GOOD), (some("OK00123"), some("114")));
    assert_eq!(named("memberID=OK1&refID=a%20b"), (some("OK1"), None));
    assert_eq!(named("memberID=%23&refID=7"), (None, some("7")));
}

#[test]
fn a_price_list_is_asked_for_by_id_and_groups() {
    let list = Fields::decode(b"ID=%20905%20&produk=KUOTA+SMARTFREN,,Data").price_list();
    assert_eq!(list.id, "905");
    assert_eq!(list.produk, ["kuota_smartfren", "data"]);
    assert_eq!(Fields::decode(b"id=905").price_list().produk, [""; 0]);
    assert_eq!(slug(" (A) b--c! "), "a_b_c");
}

#[test]
fn numbers_are_digits_alone() {
    for (typed, wanted) in [("5000", true), ("%205000", true), ("%2B5000", false), ("5e3", false)] {
        let read = Fields::decode(format!("{GOOD}&qty={typed}").as_bytes()).trx().unwrap();
        assert_eq!(read.qty.is_some(), wanted, "{typed}");
        assert_eq!(read.spoiled.is_none(), wanted, "{typed}");
    }
}

#[test]
fn a_line_of_the_journal_is_bounded() {
    let fields = Fields::decode(b"a=1&b=2");
    assert_eq!((fields.redacted(7), fields.redacted(6)), ("a=1&b=2".into(), "a=1&b=...".into()));
    assert_eq!(format!("{:?}", Secret::new("hush")), "***");
}
