//! Settings of a supplier: what of them says where purchases are, and under which references.

use super::ask;
use domain::{Epoch, Epochs};
use suppliers::Settings;
use types::{DeliveryId, TrxNo, UtcMillis};

const OKE: &str =
    "[okeconnect]\nbase='https://h/'\nmember='OK1'\npin='1'\npassword='2'\nref_prefix='a-'\n";
const DIGI: &str = "[digiflazz]\nusername='u'\napi_key='k'\nref_prefix='b-'\n";
const TEMPLATE: &str = "[template]\nrule_set='mmi'\nref_prefix='c-'\n[template.buy]\nurl='https://h/?r={ref}&pin={pin}'\n\
     [template.secrets]\npin='1'\n[template.values]\nuser='u'\n";

fn settings(toml: &str) -> Settings {
    toml::from_str(toml).unwrap()
}

/// Open attempts can be asked about only where they were made; a new secret is no other place.
#[test]
fn an_account_is_a_place_and_no_secret() {
    assert_eq!(settings(OKE).account(), "https://h OK1 a-");
    assert_eq!(settings(DIGI).account(), "https://api.digiflazz.com/v1 u false b-");
    for (toml, from, to, moves) in [
        (OKE, "https://h/", "https://h", false),
        (OKE, "pin='1'", "pin='9'", false),
        (OKE, "password='2'", "password='9'", false),
        (OKE, "https://h/", "https://other", true),
        (OKE, "OK1", "OK2", true),
        (OKE, "a-", "z-", true),
        (DIGI, "api_key='k'", "api_key='k2'", false),
        (DIGI, "username='u'", "username='v'", true),
        (DIGI, "api_key", "testing=true\napi_key", true),
        (DIGI, "b-", "z-", true),
        (TEMPLATE, "pin='1'", "pin='9'", false),
        (TEMPLATE, "user='u'", "user='v'", true),
        (TEMPLATE, "https://h/", "https://other/", true),
        (TEMPLATE, "c-", "z-", true),
    ] {
        let other = settings(&toml.replace(from, to)).account();
        assert_eq!(other != settings(toml).account(), moves, "{from} {to}");
    }
}

#[test]
fn a_prefix_is_given_once_and_a_restore_tags_what_follows() {
    let epoch = Epoch {
        number: 1,
        at: UtcMillis::new(0),
        trx_from: TrxNo::new(1),
        delivery_from: DeliveryId::new(1),
        tag: "rq7".to_owned(),
        open: true,
    };
    for (toml, prefix) in [(OKE, "a-"), (DIGI, "b-"), (TEMPLATE, "c-")] {
        let mut own = settings(toml);
        assert_eq!(own.prefix(), Some(prefix));
        own.fill_prefix("z-");
        assert_eq!(own.prefix(), Some(prefix), "what is named stays");
        own.set_prefix("y-");
        assert_eq!(own.prefix(), Some("y-"));
        let mut bare = settings(&toml.replace(prefix, ""));
        bare.fill_prefix("z-");
        assert_eq!(bare.prefix(), Some("z-"));
        let reference = |settings: &Settings| {
            let asked = settings.connector().unwrap().1.buy(&ask("t1", "0822")).unwrap();
            format!("{} {}", asked.url, asked.body)
        };
        assert!(reference(&bare).contains("z-100000001-1"), "{}", reference(&bare));
        bare.set_epochs(&Epochs::new(vec![epoch.clone()]));
        assert!(reference(&bare).contains("z-rq7-100000001-1"), "{}", reference(&bare));
    }
    assert_eq!(Settings::sandbox().prefix(), None);
}

#[test]
fn a_list_is_not_read_too_often() {
    for (minutes, taken) in [(0, false), (4, false), (5, true), (60, true)] {
        let read = settings(&format!("[sync]\nevery_minutes={minutes}\n")).sync.rules();
        assert_eq!(read.is_ok(), taken, "{minutes}");
    }
}

/// Wherever `{counter}` stands, the purchase of the day is counted.
#[test]
fn a_counter_may_stand_anywhere() {
    assert!(!settings(TEMPLATE).counts());
    for (from, to) in [
        ("{ref}&", "{ref}&n={counter}&"),
        ("[template.secrets]", "body='{counter}'\n[template.secrets]"),
        ("[template.secrets]", "headers={n='{counter}'}\n[template.secrets]"),
        ("[template.secrets]", "[template.check]\nurl='https://h/{counter}'\n[template.secrets]"),
        (
            "[template.secrets]",
            "[template.signs]\ns={algorithm='md5',of='{counter}'}\n[template.secrets]",
        ),
    ] {
        assert!(settings(&TEMPLATE.replace(from, to)).counts(), "{to}");
    }
}
