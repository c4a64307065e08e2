//! What members send: query or form bytes to a typed request (WIRE.md sections 1 and 2).
//!
//! Reading is lenient where the field is (order, case of names, unknown names, `+` as space) and
//! strict where money could go wrong (two values for one name, an odd `check`).

use crate::reply::Echo;
use std::fmt;
use types::{Dest, MemberCode, Param, ProductCode, Qty, RefId, Refusal, Rupiah};
use zeroize::Zeroizing;

/// A secret as it was sent. Its `Debug` shows nothing; it is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself; compare it in constant time and never print it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How the caller proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// `pin` and `password`.
    Plain {
        /// Transaction PIN.
        pin: Secret,
        /// H2H password.
        password: Secret,
    },
    /// `sign` instead of both.
    Sign(Secret),
}

/// The signed fields exactly as typed: the sign covers these bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Typed {
    pub member: String,
    pub product: String,
    pub dest: String,
    pub ref_id: String,
}

/// A purchase, or with `check` the question about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrxRequest {
    /// `memberID`.
    pub member: MemberCode,
    /// `product`.
    pub product: ProductCode,
    /// `dest`.
    pub dest: Dest,
    /// `refID`.
    pub ref_id: RefId,
    /// `pin` + `password`, or `sign`.
    pub credentials: Credentials,
    /// `qty`, when it came.
    pub qty: Option<Qty>,
    /// `check=1`.
    pub check: bool,
    /// `counter`, 1 when it did not come.
    pub counter: u16,
    /// `hargamax`.
    pub harga_max: Option<Rupiah>,
    /// A field that says nothing about which purchase this is, `qty` of a repeat included, and
    /// cannot be read: a known refID is answered all the same, a new one is refused with this.
    pub spoiled: Option<Refusal>,
    /// What the sign covers.
    pub typed: Typed,
}

/// How much a question about a purchase must name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// All that the purchase named.
    #[default]
    All,
    /// The refID; what is missing of product and destination reads `-` and `---`.
    RefOnly,
}

/// A question about the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRequest {
    /// `memberID`.
    pub member: MemberCode,
    /// `pin` + `password`, or `sign`.
    pub credentials: Credentials,
    /// `memberID` as typed.
    pub typed_member: String,
}

/// `GET /harga/json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceListRequest {
    /// The public id of a price level's list.
    pub id: String,
    /// Slugs of groups or categories; empty for all.
    pub produk: Vec<String>,
}

/// A request that could not be read: the refusal, and what of it can be echoed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// Why.
    pub refusal: Refusal,
    /// True when the caller asked with `check=1` (or could have): the answer is then bare.
    pub check: bool,
}

/// Decoded name-value pairs of one request.
#[derive(Clone, Default)]
pub struct Fields {
    pairs: Vec<(String, String)>,
}

impl Fields {
    /// Decodes a query string or a form body. Invalid UTF-8 becomes U+FFFD and then fails the
    /// rule of its field.
    #[must_use]
    pub fn decode(query: &[u8]) -> Self {
        Self { pairs: form_urlencoded::parse(query).into_owned().collect() }
    }

    /// The pairs of both, query first (a `POST` may split its fields).
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.pairs.extend(other.pairs);
        self
    }

    fn first_by_name(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, value)| key.trim().eq_ignore_ascii_case(name) && !value.trim().is_empty())
            .map(|(_, value)| value.as_str())
    }

    fn get(&self, param: Param) -> Option<&str> {
        self.first_by_name(param.name())
    }

    fn duplicate(&self) -> Option<Param> {
        Param::ALL.into_iter().find(|param| {
            let Some(first) = self.get(*param) else { return false };
            self.pairs.iter().any(|(key, value)| {
                key.trim().eq_ignore_ascii_case(param.name())
                    && !value.trim().is_empty()
                    && value.trim() != first.trim()
            })
        })
    }

    fn need(&self, param: Param) -> Result<&str, Refusal> {
        self.get(param).ok_or(Refusal::MissingParameter(param))
    }

    /// True when any value of `check` is there and is not `0`: the caller may be asking about a
    /// purchase, so the answer must not say GAGAL.
    #[must_use]
    pub fn asks_check(&self) -> bool {
        self.pairs.iter().any(|(key, value)| {
            key.trim().eq_ignore_ascii_case("check") && !matches!(value.trim(), "" | "0")
        })
    }

    /// What a refusal repeats of the request: cleaned, bounded, `R#0` when no refID came.
    #[must_use]
    pub fn echo(&self) -> Echo {
        let as_is = |param: Param| self.get(param).unwrap_or_default();
        let clean = |param: Param, most: usize| -> String {
            self.get(param)
                .unwrap_or_default()
                .trim()
                .chars()
                .filter(|c| c.is_ascii_graphic() && *c != '%' && *c != '#')
                .take(most)
                .collect()
        };
        let ref_id = match RefId::parse(as_is(Param::RefId)) {
            Ok(ref_id) => ref_id.to_string(),
            Err(_) => clean(Param::RefId, 64),
        };
        Echo {
            ref_id: if ref_id.is_empty() { "0".to_owned() } else { ref_id },
            product: clean(Param::Product, 32).to_ascii_uppercase(),
            dest: match Dest::parse(as_is(Param::Dest)) {
                Ok(dest) => dest.to_string(),
                Err(_) => clean(Param::Dest, 64),
            },
        }
    }

    /// The pairs as one line for the journal: values of `pin`, `password` and `sign` replaced, at
    /// most `most` bytes.
    #[must_use]
    pub fn redacted(&self, most: usize) -> String {
        let mut line = form_urlencoded::Serializer::new(String::new());
        for (key, value) in &self.pairs {
            let name = key.to_ascii_lowercase();
            let secret = ["pin", "password", "sign", "pass", "pwd", "secret", "token", "key"]
                .iter()
                .any(|word| name.contains(word));
            line.append_pair(key, if secret { "***" } else { value });
        }
        let mut text = line.finish();
        if text.len() > most {
            // The serializer's output is ASCII, so any cut is on a character border.
            text.truncate(most);
            text.push_str("...");
        }
        text
    }

    fn credentials(&self) -> Result<Credentials, Refusal> {
        match (self.get(Param::Pin), self.get(Param::Password), self.get(Param::Sign)) {
            (Some(pin), Some(password), _) => {
                Ok(Credentials::Plain { pin: Secret::new(pin), password: Secret::new(password) })
            }
            (_, _, Some(sign)) => Ok(Credentials::Sign(Secret::new(sign))),
            (None, _, None) => Err(Refusal::MissingParameter(Param::Pin)),
            (Some(_), None, None) => Err(Refusal::MissingParameter(Param::Password)),
        }
    }

    fn member(&self) -> Result<(MemberCode, &str), Refusal> {
        let typed = self.need(Param::MemberId)?;
        let code =
            MemberCode::parse(typed).map_err(|_| Refusal::InvalidParameter(Param::MemberId))?;
        Ok((code, typed))
    }

    /// Who says to be asking, and about which reference; nothing is believed or refused yet.
    #[must_use]
    pub fn named(&self) -> (Option<MemberCode>, Option<RefId>) {
        let member = self.member().ok().map(|(code, _)| code);
        (member, self.get(Param::RefId).and_then(|text| RefId::parse(text).ok()))
    }

    /// The same fields under our names, for a member whose program uses those of another center.
    #[must_use]
    pub fn translated(mut self) -> Self {
        for (name, _) in &mut self.pairs {
            let ours = match name.trim().to_ascii_lowercase().as_str() {
                "produk" => Param::Product,
                "tujuan" => Param::Dest,
                "amount" => Param::Qty,
                _ => continue,
            };
            ours.name().clone_into(name);
        }
        self
    }

    /// The same as a question: `check=1`, whatever it said.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.pairs.retain(|(name, _)| !name.trim().eq_ignore_ascii_case(Param::Check.name()));
        self.pairs.push((Param::Check.name().to_owned(), "1".to_owned()));
        self
    }

    /// Reads a `/trx` request.
    ///
    /// # Errors
    /// The first rule of WIRE.md section 2 that it breaks.
    pub fn trx(&self) -> Result<TrxRequest, RequestError> {
        self.trx_naming(Names::All)
    }

    /// Reads a `/trx` request of a member whose questions may name less.
    ///
    /// # Errors
    /// The first rule of WIRE.md section 2 that it breaks.
    pub fn trx_naming(&self, names: Names) -> Result<TrxRequest, RequestError> {
        self.trx_or_refusal(names)
            .map_err(|refusal| RequestError { refusal, check: self.asks_check() })
    }

    fn trx_or_refusal(&self, names: Names) -> Result<TrxRequest, Refusal> {
        if let Some(param) = self.duplicate() {
            return Err(Refusal::DuplicateParameter(param));
        }
        let invalid = Refusal::InvalidParameter;
        let (member, typed_member) = self.member()?;
        let check = self.get(Param::Check).map(str::trim);
        let few = names == Names::RefOnly && check == Some("1");
        let named =
            |param| if few { Ok(self.get(param).unwrap_or_default()) } else { self.need(param) };
        let typed_product = named(Param::Product)?;
        let typed_dest = named(Param::Dest)?;
        let typed_ref = self.need(Param::RefId)?;
        let credentials = self.credentials()?;
        let check = match check {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => return Err(invalid(Param::Check)),
        };
        let product = ProductCode::parse(typed_product)
            .or_else(|wrong| if few { ProductCode::parse("-") } else { Err(wrong) })
            .map_err(|_| invalid(Param::Product))?;
        let dest = Dest::parse(typed_dest)
            .or_else(|wrong| if few { Dest::parse("---") } else { Err(wrong) })
            .map_err(|_| invalid(Param::Dest))?;
        let qty = self.get(Param::Qty).map(|text| whole(text).and_then(Qty::new));
        let counter = self.get(Param::Counter).map(|text| {
            whole(text).and_then(|n| u16::try_from(n).ok()).filter(|n| (1..=999).contains(n))
        });
        let harga_max = self.get(Param::HargaMax).map(|text| text.trim().parse::<Rupiah>().ok());
        let spoiled = [
            (Param::Qty, qty == Some(None)),
            (Param::Counter, counter == Some(None)),
            (Param::HargaMax, harga_max == Some(None)),
        ];
        Ok(TrxRequest {
            product,
            dest,
            ref_id: RefId::parse(typed_ref).map_err(|_| invalid(Param::RefId))?,
            qty: qty.flatten(),
            counter: counter.flatten().unwrap_or(1),
            harga_max: harga_max.flatten(),
            spoiled: spoiled.into_iter().find_map(|(param, bad)| bad.then(|| invalid(param))),
            check,
            typed: Typed {
                member: typed_member.to_owned(),
                product: typed_product.to_owned(),
                dest: typed_dest.to_owned(),
                ref_id: typed_ref.to_owned(),
            },
            member,
            credentials,
        })
    }

    /// Reads a balance request.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn balance(&self) -> Result<BalanceRequest, Refusal> {
        if let Some(param) = self.duplicate() {
            return Err(Refusal::DuplicateParameter(param));
        }
        let (member, typed) = self.member()?;
        Ok(BalanceRequest {
            member,
            credentials: self.credentials()?,
            typed_member: typed.to_owned(),
        })
    }

    /// Reads a price list request; whether the id exists is the catalog's business.
    #[must_use]
    pub fn price_list(&self) -> PriceListRequest {
        PriceListRequest {
            id: self.first_by_name("id").unwrap_or_default().trim().to_owned(),
            produk: self
                .first_by_name("produk")
                .unwrap_or_default()
                .split(',')
                .map(crate::slug)
                .filter(|slug| !slug.is_empty())
                .collect(),
        }
    }
}

fn whole(text: &str) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
