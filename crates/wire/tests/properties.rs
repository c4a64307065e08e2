//! Round trips and total functions.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use types::*;
use wire::*;

prop_compose! {
    fn civil()(year in 2020i16..2040, month in 1u8..=12, day in 1u8..=28, hour in 0u8..24, minute in 0u8..60)
        -> CivilTime { CivilTime { year, month, day, hour, minute, second: 0 } }
}

// Names, reasons and serial numbers hold any printable text but the marks of the grammar itself
// (`Saldo `, `Hrg `, `Rp`, `Trx ke-2`), which a sentence cannot hold twice without becoming ambiguous.
fn clear(text: &str) -> bool {
    let text = text.to_lowercase();
    let marks = [
        "saldo", "hrg", "harga", "trx ke", "sn:", "sn/ref", "sal", "sld", "stok", "stock", "bal",
        "depo", "sisa", "limit", "modal", "kredit", "credit", "price", "cost", "pot", "debe",
        "biaya", "komisi", "bonus", "r#", "ref", "rp",
    ];
    !marks.iter().any(|mark| text.contains(mark))
}

fn name() -> impl Strategy<Value = ProductName> {
    "[A-Za-z0-9(][A-Za-z0-9 .,()/+-]{0,40}"
        .prop_filter_map("name", |text| ProductName::parse(&text).ok().filter(|_| clear(&text)))
}

fn reason_text() -> impl Strategy<Value = Reason> {
    "[A-Za-z0-9][A-Za-z0-9 .,:()/-]{0,60}".prop_map(|text| Reason::clean(&text)).prop_filter(
        "marks",
        |r| {
            // A caller's refusal reads as such, whatever it answers.
            clear(r.as_str()) && read(r.as_str()).status == Status::Unknown
        },
    )
}

fn sn() -> impl Strategy<Value = Sn> {
    "[A-Za-z0-9][A-Za-z0-9 .,:/=-]{0,120}"
        .prop_filter_map("sn", |text| Sn::parse(&text).ok().filter(|_| clear(&text)))
}

fn head() -> impl Strategy<Value = Head> {
    ("[!-\"$-~]{1,64}", name(), "[A-Z0-9]{1,12}", "[0-9a-zA-Z@._+()|-]{3,64}").prop_map(
        |(ref_id, name, product, dest)| Head {
            ref_id: RefId::parse(&ref_id).unwrap(),
            name,
            product: ProductCode::parse(&product).unwrap(),
            dest: Dest::parse(&dest).unwrap(),
        },
    )
}

fn amount() -> impl Strategy<Value = Rupiah> {
    (-99_999_999i64..99_999_999_999).prop_map(Rupiah::new)
}

fn phrase() -> impl Strategy<Value = Phrase> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(a, b, seller)| Phrase {
        seller,
        bare_refusals: false,
        failed_price: false,
        processing: if a { Processing::Akan } else { Processing::Sedang },
        sn_label: if b { SnLabel::Sn } else { SnLabel::SnRef },
    })
}

fn expect_head(head: &Head) -> Reading {
    Reading {
        ref_id: Some(head.ref_id.to_string()),
        name: Some(head.name.to_string()),
        product: Some(head.product.to_string()),
        dest: Some(head.dest.to_string()),
        ..Reading::default()
    }
}

proptest! {
    #[test]
    fn accepts_read_back(trx in 1i64..i64::MAX, head in head(), qty in proptest::option::of(1u32..), before in amount(), price in amount(), after in amount(), at in civil(), phrase in phrase()) {
        let qty = qty.and_then(Qty::new);
        let text = Reply::Accepted { trx: TrxNo::new(trx), head: head.clone(), qty, before, price, after, at }.text(phrase);
        prop_assert_eq!(read(&text), Reading {
            status: Status::Accepted, trx: Some(trx.to_string()), qty: qty.map(Qty::get),
            before: Some(before), price: Some(price), balance: Some(after), time: Some(at.hhmm()),
            ..expect_head(&head)
        }, "{}", text);
    }

    #[test]
    fn callbacks_read_back(trx in 1i64..i64::MAX, head in head(), sn in sn(), reason in reason_text(), before in amount(), price in amount(), after in amount(), at in civil(), phrase in phrase()) {
        let base = Reading { trx: Some(trx.to_string()), balance: Some(after), time: Some(at.hhmm()), ..expect_head(&head) };
        let text = CallbackText::Success { trx: TrxNo::new(trx), head: head.clone(), sn: sn.clone(), before, price, after, at }.text(phrase);
        prop_assert_eq!(read(&text), Reading {
            status: Status::Success, sn: Some(sn.to_string()), before: Some(before), price: Some(price),
            date: Some(format!("{:02}/{:02}", at.day, at.month)), ..base.clone()
        }, "{}", text);
        let text = CallbackText::Failed { trx: TrxNo::new(trx), head, reason: reason.clone(), balance: after, at }.text(phrase);
        prop_assert_eq!(read(&text), Reading { status: Status::Failed, reason: Some(reason.to_string()), ..base }, "{}", text);
    }

    #[test]
    fn check_answers_read_back(trx in 1i64..i64::MAX, head in head(), sn in sn(), reason in reason_text(), price in amount(), at in civil(), today in any::<bool>()) {
        let phrase = Phrase::default();
        let base = Reading { seen: true, time: Some(at.hhmm()), date: (!today).then(|| at.ddmmyyyy()), ..expect_head(&head) };
        let text = Reply::CheckSuccess { trx: TrxNo::new(trx), head: head.clone(), at, today, sn: sn.clone(), price }.text(phrase);
        prop_assert_eq!(read(&text), Reading { status: Status::Success, sn: Some(sn.to_string()), price: Some(price), ..base.clone() }, "{}", text);
        let text = Reply::CheckFailed { trx: TrxNo::new(trx), head: head.clone(), at, today, reason: reason.clone(), price }.text(phrase);
        prop_assert_eq!(read(&text), Reading { status: Status::Failed, reason: Some(reason.to_string()), ..base }, "{}", text);
        let Head { ref_id, product, dest, .. } = head;
        let text = Reply::CheckPending { trx: Some(TrxNo::new(trx)), ref_id: ref_id.clone(), product: product.clone(), dest: dest.clone(), at }.text(phrase);
        prop_assert_eq!(read(&text), Reading {
            status: Status::Pending, trx: Some(trx.to_string()), ref_id: Some(ref_id.to_string()),
            product: Some(product.to_string()), dest: Some(dest.to_string()), time: Some(at.hhmm()), ..Reading::default()
        }, "{}", text);
        let text = Reply::NoData { dest: dest.clone(), on: at }.text(phrase);
        prop_assert_eq!(read(&text), Reading { status: Status::NoData, dest: Some(dest.to_string()), date: Some(at.ddmmyyyy()), ..Reading::default() });
        let text = Reply::Balance(price).text(phrase);
        prop_assert_eq!(read(&text), Reading { status: Status::Balance, balance: Some(price), ..Reading::default() });
    }

    #[test]
    fn callback_urls_read_back(ref_id in "[!-\"$-~]{1,64}", message in "\\PC{0,200}") {
        let url = callback_url("https://h/p", &ref_id, &message);
        prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
        prop_assert_eq!(callback_query(url.split_once('?').unwrap().1.as_bytes()), Some((ref_id, message)));
    }

    /// A text that is cut off behind its number gives that number or none of its tail; one without a number
    /// gives none, wherever it is cut.
    #[test]
    fn a_text_cut_off_in_its_tail_keeps_its_number(
        number in proptest::option::of("[A-Z0-9][A-Z0-9/-]{3,30}"), tail in 0_usize..8, left in 0_usize..60,
    ) {
        let tail = [
            ". Saldo 1.001.200 - 1.200 = 1.000.000 @23/11 10:02", ". Sisa Saldo: 54.401.132 @22/03 19:20",
            ". Hrg 9.070, Saldo 1.793 @22.01", ", Harga: Rp. 5.200. Stok: 94.800", ". Saldo Rp.134.786 @21:01",
            " @23/11 10:02", ". @10:02", ". Saldo akhir Rp. 777.285",
        ][tail];
        let given = number.clone().unwrap_or_default();
        let whole = format!("R#a-1 Three 1.000 T1.0896 SUKSES. SN: {given}");
        let whole = if number.is_none() { whole.trim_end().to_owned() + " " } else { whole };
        let cut: String = tail.chars().take(left).collect();
        let sn = read(&format!("{whole}{cut}")).sn;
        // Half of a word of the tail may be a name.
        let half = |sn: &str| {
            let rest = sn.strip_prefix(&*given).map(|rest| rest.trim_start_matches(['.', ',', ' ']));
            rest.is_some_and(|rest| rest.len() < 6 && rest.chars().all(|c| c.is_ascii_alphabetic()))
        };
        match number {
            None => prop_assert_eq!(sn, None, "{}", cut),
            Some(number) => {
                let sn = sn.unwrap();
                prop_assert!(sn == number || half(&sn), "{sn} of {whole}{cut}");
                prop_assert!(!sn.contains("Saldo"), "{sn} of {whole}{cut}");
            }
        }
    }

    #[test]
    fn nothing_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = read(&text);
        let fields = Fields::decode(&bytes);
        let _ = (fields.trx(), fields.balance(), fields.price_list(), fields.echo(), fields.redacted(50));
        let _ = (callback_query(&bytes), read_price_list(&bytes), slug(&text), check_callback_url(&text));
    }

    #[test]
    fn nothing_panics_near_the_grammar(parts in proptest::collection::vec(prop_oneof![
        Just("T#1 "), Just("R#2 "), Just("X.0896 "), Just("GAGAL. "), Just("SUKSES. SN: "), Just("Saldo "), Just("1.000 - "),
        Just("= "), Just("@19:08"), Just(", status Sukses. "), Just(" sudah pernah jam 18:46"), Just("Hrg 5 "), Just("é"),
        Just("akan diproses. "), Just("status=1&message="), Just("Mhn tunggu trx sblmnya selesai: "), Just(", QTY : 9")], 0..14)) {
        let _ = read(&parts.concat());
    }
}
