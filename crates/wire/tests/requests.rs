//! Requests as members send them: every rule of WIRE.md section 2.
#![allow(clippy::unwrap_used)]

use types::{Param, Refusal};
use wire::{Credentials, Fields};

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
