//! The asking side: a member's requests as URLs, plain or signed, and the same without secrets.

use crate::{Secret, sign_balance, sign_trx};
use form_urlencoded::Serializer;
use types::{Dest, MemberCode, ProductCode, Qty, RefId, Rupiah, WordError};

/// An account at a server of the family.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where its `/trx` lives, without it: `https://h2h.okeconnect.com`.
    pub base: String,
    /// Our code there.
    pub member: MemberCode,
    /// Transaction PIN.
    pub pin: Secret,
    /// H2H password.
    pub password: Secret,
    /// Send `sign` instead of PIN and password.
    pub signed: bool,
}

/// A purchase as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Their code of the product, as they write it.
    pub product: String,
    /// For whom.
    pub dest: Dest,
    /// Our reference.
    pub ref_id: RefId,
    /// Nominal of an open denomination.
    pub qty: Option<Qty>,
    /// Refuse above this price.
    pub harga_max: Option<Rupiah>,
}

impl Wanted {
    /// A purchase of a fixed denomination without a price limit.
    #[must_use]
    pub fn new(product: &ProductCode, dest: Dest, ref_id: RefId) -> Self {
        Self { product: product.to_string(), dest, ref_id, qty: None, harga_max: None }
    }
}

/// One URL to get, with secrets and without.
#[derive(Clone, PartialEq, Eq)]
pub struct AskUrl {
    /// To send.
    pub url: String,
    /// To show.
    pub redacted: String,
}

impl std::fmt::Debug for AskUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.redacted)
    }
}

/// What stands in place of a secret.
const HIDDEN: &str = "***";

impl Account {
    /// An account that proves itself with PIN and password. `base` is the server without `/trx`.
    ///
    /// # Errors
    /// When `base` is no HTTP address, or the member code cannot be one.
    pub fn plain(base: &str, member: &str, pin: &str, password: &str) -> Result<Self, WordError> {
        if !base.starts_with("http://") && !base.starts_with("https://") {
            let rule = "must begin with http:// or https://";
            return Err(WordError { what: "server", value: base.to_owned(), rule });
        }
        Ok(Self {
            base: base.to_owned(),
            member: MemberCode::parse(member)?,
            pin: Secret::new(pin),
            password: Secret::new(password),
            signed: false,
        })
    }

    /// The same account, sending `sign` instead of PIN and password.
    #[must_use]
    pub fn signed(self) -> Self {
        Self { signed: true, ..self }
    }

    fn url(&self, path: &str, fields: &[(&str, &str)], secrets: &[(&str, &str)]) -> AskUrl {
        let base = self.base.trim_end_matches('/');
        let build = |hidden: bool| {
            let mut query = Serializer::new(String::new());
            for (name, value) in fields {
                query.append_pair(name, value);
            }
            for (name, value) in secrets {
                query.append_pair(name, if hidden { HIDDEN } else { value });
            }
            format!("{base}{path}?{}", query.finish())
        };
        AskUrl { url: build(false), redacted: build(true).replace("%2A%2A%2A", HIDDEN) }
    }

    fn trx(&self, wanted: &Wanted, check: bool) -> AskUrl {
        let (pin, password) = (self.pin.expose(), self.password.expose());
        let member = self.member.as_str();
        let Wanted { product, dest, ref_id, qty, harga_max } = wanted;
        let qty = qty.map(|qty| qty.to_string());
        let most = harga_max.map(|most| most.get().to_string());
        let mut fields = vec![
            ("product", product.as_str()),
            ("dest", dest.as_str()),
            ("refID", ref_id.as_str()),
            ("memberID", member),
        ];
        if let Some(qty) = &qty {
            fields.push(("qty", qty));
        }
        if let Some(most) = most.as_ref().filter(|_| !check) {
            fields.push(("hargamax", most));
        }
        if check {
            fields.push(("check", "1"));
        }
        if self.signed {
            let sign = sign_trx(member, product, dest.as_str(), ref_id.as_str(), pin, password);
            self.url("/trx", &fields, &[("sign", &sign)])
        } else {
            self.url("/trx", &fields, &[("pin", pin), ("password", password)])
        }
    }

    /// The purchase.
    #[must_use]
    pub fn buy(&self, wanted: &Wanted) -> AskUrl {
        self.trx(wanted, false)
    }

    /// The question about it.
    #[must_use]
    pub fn check(&self, wanted: &Wanted) -> AskUrl {
        self.trx(wanted, true)
    }

    /// The balance.
    #[must_use]
    pub fn balance(&self) -> AskUrl {
        let (pin, password) = (self.pin.expose(), self.password.expose());
        let member = [("memberID", self.member.as_str())];
        if self.signed {
            let sign = sign_balance(self.member.as_str(), pin, password);
            self.url("/trx/balance", &member, &[("sign", &sign)])
        } else {
            self.url("/trx/balance", &member, &[("pin", pin), ("password", password)])
        }
    }

    /// The price list with this id; it needs no secret.
    #[must_use]
    pub fn prices(&self, list_id: &str) -> AskUrl {
        self.url("/harga/json", &[("id", list_id)], &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, Fields};

    fn account(signed: bool) -> Account {
        let base = "https://h2h.okeconnect.com/";
        let account = Account::plain(base, "OK00123", "123456", "se&cret").unwrap();
        if signed { account.signed() } else { account }
    }

    fn wanted() -> Wanted {
        Wanted {
            qty: Qty::new(12_345),
            harga_max: Some(Rupiah::new(13_000)),
            ..Wanted::new(
                &ProductCode::parse("BBSDN").unwrap(),
                Dest::parse("085736044280").unwrap(),
                RefId::parse("7ae8121e-a66f").unwrap(),
            )
        }
    }

    #[test]
    fn what_is_asked_is_what_is_read() {
        for signed in [false, true] {
            let asked = account(signed).buy(&wanted());
            let query = asked.url.strip_prefix("https://h2h.okeconnect.com/trx?").unwrap();
            let read = Fields::decode(query.as_bytes()).trx().unwrap();
            assert_eq!(read.product.as_str(), "BBSDN");
            assert_eq!((read.dest, read.ref_id), (wanted().dest, wanted().ref_id));
            assert_eq!((read.qty, read.harga_max), (wanted().qty, wanted().harga_max));
            assert!(!read.check);
            match read.credentials {
                Credentials::Plain { pin, password } => {
                    assert_eq!((pin.expose(), password.expose()), ("123456", "se&cret"));
                }
                Credentials::Sign(sign) => {
                    let t = read.typed;
                    let own =
                        sign_trx(&t.member, &t.product, &t.dest, &t.ref_id, "123456", "se&cret");
                    assert_eq!(sign.expose(), own);
                }
            }
            let check = account(signed).check(&wanted());
            let query = check.url.split_once('?').unwrap().1;
            assert!(Fields::decode(query.as_bytes()).trx().unwrap().check);
        }
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        for signed in [false, true] {
            let account = account(signed);
            for asked in [account.buy(&wanted()), account.check(&wanted()), account.balance()] {
                assert!(asked.redacted.contains("=***"), "{asked:?}");
                assert!(!asked.redacted.contains("123456") && !asked.redacted.contains("cret"));
                assert_eq!(format!("{asked:?}"), asked.redacted);
            }
        }
    }
}
