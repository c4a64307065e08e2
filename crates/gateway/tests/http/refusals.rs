//! Every refusal of the table: its text, its code, and whether it takes the refID.

use super::rig::{Rig, SECRETS, get_with, open_product, product, raw};
use gateway::{GatewaySettings, Rates};
use std::num::NonZeroU32;
use store::Imported;
use types::{MemberCode, MemberId, Rupiah};

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |_| ()).await;
    rig
}

/// Asks for T1 with the given fields in place of the usual ones.
fn target(changes: &[(&str, Option<&str>)]) -> String {
    let mut fields = vec![
        ("product", "T1"),
        ("dest", "089660522887"),
        ("refID", "114"),
        ("memberID", "OK00123"),
        ("pin", "123456"),
        ("password", "secret"),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        if let Some(value) = value {
            fields.push((name, value));
        }
    }
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("/trx?{}", fields.join("&"))
}

#[tokio::test]
async fn before_the_member_is_known() {
    let rig = rig().await;
    let sign = "Cp9NLVuKWBt5Sey_uMlYsvnKvJI";
    for (changes, code, text) in [
        (vec![("dest", None)], "missing_parameter", "R#114 T1. GAGAL. Parameter kurang: dest"),
        (vec![("memberID", None)], "missing_parameter", "R#114 T1.089660522887 GAGAL. Too short"),
        (
            vec![("DEST", Some("081"))],
            "duplicate_parameter",
            "R#114 T1.089660522887 GAGAL. Parameter ganda: dest",
        ),
        (
            vec![("dest", Some("08*9"))],
            "invalid_parameter",
            "R#114 T1.08*9 GAGAL. Format dest tidak benar",
        ),
        (
            vec![("refID", None)],
            "missing_parameter",
            "R#0 T1.089660522887 GAGAL. Parameter kurang: refID",
        ),
        (
            vec![("memberID", Some("OK99999"))],
            "unknown_member",
            "R#114 T1.089660522887 GAGAL. Pengguna tidak ditemukan",
        ),
        (vec![("pin", Some("1"))], "wrong_pin", "R#114 T1.089660522887 GAGAL. Pin Salah"),
        (
            vec![("password", Some("1"))],
            "wrong_password",
            "R#114 T1.089660522887 GAGAL. Password Salah",
        ),
        (
            vec![("pin", None), ("password", None), ("sign", Some(sign))],
            "wrong_sign",
            "R#114 T1.089660522887 GAGAL. Sign Salah",
        ),
    ] {
        let got = rig.get(&target(&changes)).await;
        assert_eq!((got.status, got.code(), got.body.as_str()), (200, code, text));
    }
    // Nothing was taken: the purchase itself still goes through.
    assert_eq!(rig.get(&target(&[])).await.code(), "accepted");
}

#[tokio::test]
async fn wrong_tries_pause_one_address() {
    let rig = rig().await;
    for _ in 0..5 {
        assert_eq!(rig.get(&target(&[("pin", Some("1"))])).await.code(), "wrong_pin");
    }
    let got = rig.get(&target(&[])).await;
    assert_eq!(got.code(), "locked");
    assert_eq!(
        got.body,
        "R#114 T1.089660522887 GAGAL. Terlalu banyak percobaan, coba lagi dalam 60 detik"
    );
    rig.set_time("2025-04-22T18:47:01");
    assert_eq!(rig.get(&target(&[])).await.code(), "accepted");
}

/// The pause is one address's and one member's, and doubles with every further wrong try up to an hour: no
/// address locks a member out for others, and what a right try forgets it forgets for its own address only.
#[tokio::test]
async fn a_pause_is_of_one_address_and_one_member_and_doubles() {
    let settings = GatewaySettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..GatewaySettings::default()
    };
    let rig = Rig::with(settings).await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |_| ()).await;
    rig.member("OK00124", 50_000, |_| ()).await;
    let (hostile, own) = ("203.0.113.66", "198.51.100.7");
    let ask = async |from: &str, changes: &[(&str, Option<&str>)]| {
        let header = format!("X-Forwarded-For: {from}\r\n");
        get_with(rig.address, &target(changes), &header).await
    };
    let wrong = [("pin", Some("1"))];
    for _ in 0..5 {
        assert_eq!(ask(hostile, &wrong).await.code(), "wrong_pin");
    }
    assert_eq!(ask(hostile, &[]).await.code(), "locked");
    // Others are let in: the member from elsewhere, and another member from there.
    assert_eq!(ask(own, &[]).await.code(), "accepted");
    let other = [("memberID", Some("OK00124")), ("refID", Some("other"))];
    assert_eq!(ask(hostile, &other).await.code(), "accepted");
    // Its own right try forgives that address nothing.
    assert_eq!(ask(hostile, &[]).await.code(), "locked");
    let mut minute = 46;
    let mut hour = 18;
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        let told = ask(hostile, &[]).await;
        let seconds = format!("coba lagi dalam {} detik", minutes * 60);
        assert!(told.body.contains(&seconds), "{seconds}: {}", told.body);
        minute += minutes;
        (hour, minute) = (hour + minute / 60, minute % 60);
        rig.set_time(&format!("2025-04-22T{hour:02}:{minute:02}:00"));
        // Over: one more wrong try, and the next pause is twice as long.
        assert_eq!(ask(hostile, &wrong).await.code(), "wrong_pin");
    }
}

#[tokio::test]
async fn addresses_are_checked_behind_a_trusted_proxy() {
    let settings = GatewaySettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..GatewaySettings::default()
    };
    let rig = Rig::with(settings).await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |record| {
        record.ip_allow =
            vec!["198.51.100.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    })
    .await;
    for (forwarded, code, shown) in [
        ("203.0.113.19", "ip_not_allowed", "203.0.113.19"),
        ("198.51.100.7, 203.0.113.19", "ip_not_allowed", "203.0.113.19"),
        ("::ffff:203.0.113.19", "ip_not_allowed", "203.0.113.19"),
        ("2001:db9::1", "ip_not_allowed", "2001:db9::1"),
    ] {
        let header = format!("X-Forwarded-For: {forwarded}\r\n");
        let got = get_with(rig.address, &target(&[]), &header).await;
        assert_eq!(got.code(), code, "{forwarded}");
        assert_eq!(got.body, format!("R#114 T1.089660522887 GAGAL. IP tidak sesuai @{shown}"));
    }
    for forwarded in ["198.51.100.7", "203.0.113.19, 198.51.100.7", "2001:db8::5"] {
        let header = format!("X-Forwarded-For: {forwarded}\r\n");
        let got = get_with(
            rig.address,
            &target(&[("refID", Some(forwarded.get(..4).unwrap()))]),
            &header,
        )
        .await;
        assert_eq!(got.code(), "accepted", "{forwarded}: {}", got.body);
    }
}

/// Credentials that came with an import work from an address on the list, and without a list from
/// nowhere; what is told is what any wrong address is told.
#[tokio::test]
async fn imported_credentials_need_an_allowed_address() {
    let settings = GatewaySettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..GatewaySettings::default()
    };
    let rig = Rig::with(settings).await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    for (number, ips, marked, allowed) in [
        (1, "203.0.113.0/24", true, true),
        (2, "198.51.100.0/24", true, false),
        (3, "", true, false),
        (4, "", false, true),
    ] {
        let code = format!("OK0030{number}");
        rig.member(&code, 50_000, |record| {
            record.ip_allow = ips.split_whitespace().map(|net| net.parse().unwrap()).collect();
            record.imported = Imported { pin: marked, password: false };
        })
        .await;
        let target = target(&[("memberID", Some(&code)), ("refID", Some(&code))]);
        let got = get_with(rig.address, &target, "X-Forwarded-For: 203.0.113.19\r\n").await;
        let wanted = if allowed { "accepted" } else { "ip_not_allowed" };
        assert_eq!(got.code(), wanted, "{code}: {}", got.body);
    }
}

/// While a member changes its credentials the pair of before works to the end of its time, as a pair.
#[tokio::test]
async fn the_pair_of_before_ends_at_its_moment() {
    let rig = rig().await;
    let code = MemberCode::parse("OK00123").unwrap();
    let until = rig.handle.now().utc.after(60_000);
    let both = engine::beside("teh-manis-3", "123456", "secret", until);
    let seal = |column, plain| rig.key.seal(&engine::place(&code, column), plain).unwrap();
    rig.member("OK00123", 0, |record| {
        record.pin = seal("pin", "480913");
        record.password = seal("password", &both);
    })
    .await;
    let new = ("480913", "teh-manis-3");
    for (time, pair, told) in [
        ("18:46:59", ("123456", "secret"), "accepted"),
        ("18:46:59", new, "accepted"),
        ("18:46:59", ("480913", "secret"), "wrong_password"),
        ("18:47:00", ("123456", "secret"), "accepted"),
        ("18:47:01", ("123456", "secret"), "wrong_pin"),
        ("18:47:01", new, "accepted"),
    ] {
        rig.set_time(&format!("2025-04-22T{time}"));
        let ref_id = format!("{}-{}", time.replace(':', ""), pair.0);
        let (pin, password) = (Some(pair.0), Some(pair.1));
        let changes = [("refID", Some(ref_id.as_str())), ("pin", pin), ("password", password)];
        assert_eq!(rig.get(&target(&changes)).await.code(), told, "{time} {pair:?}");
    }
}

#[tokio::test]
async fn a_stranger_cannot_claim_an_address() {
    let rig = rig().await;
    rig.member("OK00124", 50_000, |record| {
        record.ip_allow = vec!["198.51.100.0/24".parse().unwrap()];
    })
    .await;
    let header = "X-Forwarded-For: 198.51.100.7\r\n";
    let got = get_with(rig.address, &target(&[("memberID", Some("OK00124"))]), header).await;
    assert_eq!(got.code(), "ip_not_allowed");
    assert!(got.body.ends_with("IP tidak sesuai @127.0.0.1"), "{}", got.body);
}

#[tokio::test]
async fn rates_are_limited_per_member() {
    let rates = Rates { member: NonZeroU32::new(2), ..Rates::default() };
    let rig = Rig::with(GatewaySettings { rates, ..GatewaySettings::default() }).await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |_| ()).await;
    let mut limited = 0;
    for number in 0..12 {
        let got = rig.get(&target(&[("refID", Some(&format!("r{number}")))])).await;
        match got.code() {
            "accepted" => {}
            "rate_limited" => {
                limited += 1;
                // It may be a purchase that lives: come again, not "failed".
                assert_eq!((got.status, got.body.contains("GAGAL")), (503, false), "{}", got.body);
            }
            other => panic!("{other}"),
        }
    }
    assert!(limited > 0, "twelve requests at once passed a limit of two per second");
}

#[tokio::test]
async fn what_does_not_take_the_ref() {
    let rig = rig().await;
    rig.product(open_product("BBSDN", "Dana Bebas"), 171).await;
    let open = |qty: Option<&'static str>| vec![("product", Some("BBSDN")), ("qty", qty)];
    for (changes, code, text) in [
        (
            vec![("product", Some("NOPE"))],
            "unknown_product",
            "R#114 NOPE.089660522887 GAGAL. Kode produk salah. Saldo 50.000 @18:46",
        ),
        (
            open(None),
            "qty_missing",
            "R#114 BBSDN.089660522887 GAGAL. QTY wajib diisi. Saldo 50.000 @18:46",
        ),
        (
            open(Some("9999")),
            "qty_range",
            "R#114 BBSDN.089660522887 GAGAL. QTY minimal 10.000 maksimal 10.000.000. \
             Saldo 50.000 @18:46",
        ),
        (
            vec![("qty", Some("2"))],
            "qty_fixed",
            "R#114 T1.089660522887 GAGAL. QTY tidak berlaku untuk produk ini. Saldo 50.000 @18:46",
        ),
    ] {
        let got = rig.get(&target(&changes)).await;
        assert_eq!((got.status, got.code(), got.body.as_str()), (200, code, text));
    }
    rig.member("OK00123", 0, |record| record.member.active = false).await;
    let got = rig.get(&target(&[])).await;
    assert_eq!(
        (got.code(), got.body.as_str()),
        ("member_inactive", "R#114 T1.089660522887 GAGAL. Akun tidak aktif. Saldo 50.000 @18:46")
    );
    rig.member("OK00123", 0, |_| ()).await;
    assert_eq!(rig.get(&target(&[("qty", Some("1"))])).await.code(), "accepted");
    let got = rig.get(&target(&[("dest", Some("081234567890"))])).await;
    assert_eq!(
        (got.code(), got.body.as_str()),
        (
            "ref_conflict",
            "R#114 T1.081234567890 GAGAL. RefID sudah dipakai untuk transaksi lain. \
             Saldo 48.679 @18:46"
        )
    );
    assert_eq!(rig.balance(1).await, 48_679);
}

/// Promise 8, and what follows from it: makes the refusal, asks, heals the cause, asks again: the answer must not change.
#[tokio::test]
async fn what_takes_the_ref() {
    let rig = rig().await;
    let mut closed = product("CLOSED", "Tutup");
    closed.open = false;
    rig.product(closed, 1_000).await;
    let mut night = product("NIGHT", "Malam");
    night.cut_off = Some("18:00-01:00".parse().unwrap());
    rig.product(night, 1_000).await;
    rig.product(product("BIG", "Besar"), 9_999_999).await;
    // The price does not cover the cost of its only route.
    rig.product(product("LOSS", "Rugi"), 1_000).await;
    rig.change(vec![store::CatalogChange::Price {
        level: types::LevelCode::parse("retail").unwrap(),
        product: types::ProductCode::parse("LOSS").unwrap(),
        price: domain::Price { amount: Rupiah::new(10), basis_points: 0 },
    }])
    .await;
    let cases = [
        (vec![("product", Some("CLOSED"))], "product_closed", "Produk sedang gangguan"),
        (vec![("product", Some("NIGHT"))], "cut_off", "Produk sedang cut off, buka jam 01:00"),
        (vec![("product", Some("LOSS"))], "no_route", "Produk sedang kosong"),
        (vec![("dest", Some("12345"))], "invalid_dest", "Nomor tujuan salah"),
        (vec![("hargamax", Some("1300"))], "price_above_max", "Harga 1.321 di atas hargamax 1.300"),
        (vec![("product", Some("BIG"))], "insufficient_balance", "Deposit tidak mencukupi"),
    ];
    let mut first = Vec::new();
    for (number, (changes, code, reason)) in cases.iter().enumerate() {
        let ref_id = format!("taken-{number}");
        let mut changes = changes.clone();
        changes.push(("refID", Some(&ref_id)));
        let got = rig.get(&target(&changes)).await;
        assert_eq!(got.code(), *code);
        assert!(
            got.body.contains(&format!(" GAGAL. {reason}. Saldo 50.000 @18:46")),
            "{}",
            got.body
        );
        first.push((target(&changes), got.body));
    }
    rig.product(product("CLOSED", "Tutup"), 1_000).await;
    rig.product(product("NIGHT", "Malam"), 1_000).await;
    rig.product(product("LOSS", "Rugi"), 1_000).await;
    rig.credit(MemberId::new(1), 20_000_000).await;
    rig.set_time("2025-04-22T18:59:00");
    for (asked, answered) in first {
        assert_eq!(rig.get(&asked).await.body, answered);
        let check = rig.get(&format!("{asked}&check=1")).await.body;
        assert!(check.contains("sudah pernah jam 18:46, status Gagal. "), "{check}");
    }
    assert_eq!(rig.balance(1).await, 20_050_000, "a refusal moved money");
}

#[tokio::test]
async fn guards_of_the_member() {
    let rig = rig().await;
    rig.member("OK00123", 0, |record| {
        record.member.same_day_guard = true;
        record.member.daily_limit = Some(Rupiah::new(3_000));
    })
    .await;
    let buy = |ref_id: &'static str, more: Option<&'static str>| {
        target(&[("refID", Some(ref_id)), ("counter", more)])
    };
    assert_eq!(rig.get(&buy("a", None)).await.code(), "accepted");
    let got = rig.get(&buy("b", None)).await;
    assert_eq!(got.code(), "same_day_duplicate");
    assert!(got.body.contains("GAGAL. Transaksi sama hari ini, gunakan counter. "), "{}", got.body);
    assert_eq!(rig.get(&buy("c", Some("2"))).await.code(), "accepted");
    let got = rig.get(&buy("d", Some("3"))).await;
    assert_eq!(got.code(), "limit");
    assert!(got.body.contains("GAGAL. Batas transaksi harian tercapai. "), "{}", got.body);
    rig.set_time("2025-04-23T00:00:01");
    assert_eq!(rig.get(&buy("e", None)).await.code(), "accepted");
}

/// A client that asks for a status never sees GAGAL for a question that was refused.
#[tokio::test]
async fn refused_questions() {
    let rig = rig().await;
    let got = rig.get(&target(&[("pin", Some("1")), ("check", Some("1"))])).await;
    assert_eq!(got.body, "Pin Salah");
    let got = rig.get(&target(&[("dest", None), ("check", Some("1"))])).await;
    assert_eq!(got.body, "Parameter kurang: dest");
    for (target, text) in [
        ("/trx/balance?memberID=OK00123&pin=1&password=secret".to_owned(), "R# . GAGAL. Pin Salah"),
        (
            "/trx/balance?memberID=OK00123&pin=123456&password=1".to_owned(),
            "R# . GAGAL. Password Salah",
        ),
        (format!("/trx/balance?memberID=OK9&{SECRETS}"), "R# . GAGAL. Pengguna tidak ditemukan"),
        (format!("/balance?{SECRETS}"), "R# . GAGAL. Too short"),
    ] {
        assert_eq!(rig.get(&target).await.body, text);
    }
    let nothing = rig.get("/nothing/here").await;
    assert_eq!(nothing.status, 404);
    assert!(nothing.head.contains("content-type: text/plain"), "{}", nothing.head);
    let put = raw(rig.address, b"PUT /trx HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(put.starts_with("HTTP/1.1 404 "), "{put}");
}

/// Many addresses guess at one member: a hundred tries, then one in ten minutes; a /64 is one address.
/// Where the member was let in before, or from its list, nobody shuts it out.
#[tokio::test]
async fn wrong_tries_from_everywhere_are_slow() {
    let settings = GatewaySettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..GatewaySettings::default()
    };
    let rig = Rig::with(settings).await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |_| {}).await;
    rig.member("OK00124", 50_000, |record| {
        record.ip_allow = vec!["2001:db8:ffff::/48".parse().unwrap()];
    })
    .await;
    let ask = async |from: &str, changes: &[(&str, Option<&str>)]| {
        get_with(rig.address, &target(changes), &format!("X-Forwarded-For: {from}\r\n")).await
    };
    let wrong = [("pin", Some("1")), ("refID", Some("w"))];
    for number in 0..5 {
        let from = format!("2001:db8:1:1::{number}");
        assert_eq!(ask(&from, &wrong).await.code(), "wrong_pin");
    }
    assert_eq!(ask("2001:db8:1:1::ffff", &wrong).await.code(), "locked", "its /64");
    let home = ask("203.0.113.7", &[("refID", Some("first"))]).await;
    assert_eq!(home.code(), "accepted");
    let mut tried = 0;
    for number in 0..120 {
        let from = format!("2001:db8:2:{number:x}::1");
        tried += usize::from(ask(&from, &wrong).await.code() == "wrong_pin");
    }
    assert_eq!(tried, 95, "a hundred together");
    assert_eq!(ask("2001:db8:3::1", &[("refID", Some("x"))]).await.code(), "locked");
    assert_eq!(ask("203.0.113.7", &[("refID", Some("second"))]).await.code(), "accepted");
    // A member with a list: who is not on it is compared with nothing, who is stays in.
    let of = |changes: &[(&'static str, Option<&'static str>)]| {
        [&[("memberID", Some("OK00124"))][..], changes].concat()
    };
    for number in 0..120 {
        let from = format!("2001:db8:ffff:{number:x}::1");
        assert_eq!(ask(&from, &of(&wrong)).await.code(), "wrong_pin", "{number}");
    }
    assert_eq!(ask("2001:db8:4::1", &of(&wrong)).await.code(), "ip_not_allowed");
    assert_eq!(ask("2001:db8:ffff:eeee::1", &of(&[])).await.code(), "accepted");
}

/// Equal refusals of one address are one line a minute, and the next tells how many there were.
#[tokio::test]
async fn who_is_not_let_in_is_counted() {
    let rig = rig().await;
    let lines = async || {
        rig.handle.drained().await;
        let filter = store::JournalFilter { limit: 100, ..store::JournalFilter::default() };
        let page = rig.handle.reads().ask(move |reads| reads.journal_page(&filter)).await;
        let page = page.unwrap().unwrap();
        page.into_iter()
            .map(|row| row.row)
            .filter(|line| line.status != "stamps")
            .collect::<Vec<_>>()
    };
    let before = lines().await.len();
    for number in 0..50 {
        let member = format!("OK{number}");
        let got = rig.get(&target(&[("memberID", Some(&member))])).await;
        assert_eq!(got.code(), "unknown_member");
    }
    assert_eq!(rig.get(&target(&[("pin", Some("1"))])).await.code(), "wrong_pin");
    assert_eq!(lines().await.len(), before + 2);
    rig.set_time("2025-04-22T18:48:01");
    rig.get(&target(&[("memberID", Some("OK1"))])).await;
    let told = lines().await;
    let found = told
        .iter()
        .any(|line| line.reply.ends_with("(50 like this from 127.0.0.1 since the last line)"));
    assert!(found && told.len() == before + 3, "{told:#?}");
}
