//! A request as handlers see it: read once, bounded, decoded.

use crate::ConsoleSettings;
use crate::door;
use crate::lang::Lang;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use hyper::body::{Bytes, Incoming};
use net::{Sender, Unread, Whole};
use office::{Actor, From, Office, Problem, Signed, SignedMember};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use types::MemberId;

const BODY_TIME: Duration = Duration::from_secs(30);
/// The same of a member, and of who has no session: what they send is small.
const STRANGERS_TIME: Duration = Duration::from_secs(10);
/// Most fields of a form or a query: a page of a thousand rows has some for each.
const FIELDS_MOST: usize = 8_192;

/// Names and values, in order.
pub(crate) type Fields = Vec<(String, String)>;

/// One request.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The path with its query, as it was asked for.
    pub(crate) target: String,
    /// The host that was asked.
    pub(crate) host: Option<String>,
    pub(crate) query: Fields,
    pub(crate) form: Fields,
    pub(crate) body: Bytes,
    /// Its part of what all bodies together may hold.
    held: Option<Whole>,
    pub(crate) headers: HeaderMap,
    pub(crate) from: From,
    pub(crate) lang: Lang,
    /// What the path's placeholders stand for.
    pub(crate) parts: Vec<String>,
    /// Who asks, once it is known.
    pub(crate) signed: Option<Signed>,
    pub(crate) member: Option<SignedMember>,
}

/// What comes after the last field that is read is as if it had not been sent.
fn decode(bytes: &[u8]) -> Fields {
    let owned = form_urlencoded::parse(bytes).map(|(k, v)| (k.into_owned(), v.into_owned()));
    owned.take(FIELDS_MOST).collect()
}

fn find<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

impl Ask {
    /// A request of which nothing but the head was read.
    pub(crate) fn of(settings: &ConsoleSettings, peer: SocketAddr, head: Parts) -> Self {
        let address = net::client_address(peer.ip(), &head.headers, &settings.trusted_proxies);
        let agent = head.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let from =
            From { address: address.to_string(), agent: agent.unwrap_or_default().to_owned() };
        let host = head.uri.authority().map(|host| host.as_str().to_owned());
        let named = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or(named.map(str::to_owned));
        let mut ask = Self {
            path: head.uri.path().to_owned(),
            target: head.uri.path_and_query().map_or("", |all| all.as_str()).to_owned(),
            host,
            query: decode(head.uri.query().unwrap_or_default().as_bytes()),
            form: Vec::new(),
            body: Bytes::new(),
            held: None,
            method: head.method,
            headers: head.headers,
            from,
            lang: Lang::Id,
            parts: Vec::new(),
            signed: None,
            member: None,
        };
        ask.lang = Lang::choose(
            ask.cookie("gerbang_lang"),
            ask.header("accept-language").unwrap_or_default(),
        );
        ask
    }

    /// The session of who asks, and of which member it is.
    pub(crate) fn session(&self) -> Option<(String, Option<MemberId>)> {
        let member = self.member.as_ref();
        let member = member.map(|member| (member.session.clone(), Some(member.member)));
        member.or_else(|| self.signed.as_ref().map(|signed| (signed.session.clone(), None)))
    }

    /// Reads the body, of at most so many bytes.
    pub(crate) async fn read(&mut self, body: Incoming, most: usize) -> Result<(), Problem> {
        let (sender, time) = match (&self.signed, &self.member) {
            (Some(_), _) => (Sender::Staff, BODY_TIME),
            (None, Some(_)) => (Sender::Member, STRANGERS_TIME),
            (None, None) => (Sender::Stranger, STRANGERS_TIME),
        };
        let from = self.from.address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let whole = net::read_body(body, (sender, from), most, time).await;
        let whole = whole.map_err(|why| match why {
            Unread::TooLarge => Problem {
                code: "too_large",
                status: 413,
                detail: format!("this takes at most {} KiB at once", most / 1_024),
            },
            Unread::CutOff => Problem {
                code: "cut_off",
                status: 408,
                detail: "the request broke off, or did not end in time".to_owned(),
            },
            Unread::Busy => Problem {
                code: "busy",
                status: 503,
                detail: "too much is being sent at this moment; try again in a few seconds"
                    .to_owned(),
            },
        })?;
        let typed = self.header("content-type").unwrap_or_default();
        if typed.starts_with("application/x-www-form-urlencoded") {
            self.form = decode(&whole.bytes);
            if self.form.len() >= FIELDS_MOST {
                return Err(Problem {
                    code: "too_large",
                    status: 413,
                    detail: format!("a form has at most {FIELDS_MOST} fields"),
                });
            }
        }
        self.body = whole.bytes.clone();
        self.held = Some(whole);
        Ok(())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.header("cookie")?
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// A field of the query; empty ones are as good as absent.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        find(&self.query, name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// A field of the form, as it was typed.
    pub(crate) fn given(&self, name: &str) -> &str {
        find(&self.form, name).unwrap_or_default()
    }

    /// The same, when something was typed.
    pub(crate) fn typed(&self, name: &str) -> Option<String> {
        let text = self.given(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// What stands at a placeholder of the path.
    /// The ending of the file that is asked for.
    pub(crate) fn ending(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, ending)| ending)
    }

    pub(crate) fn part(&self, at: usize) -> &str {
        self.parts.get(at).map_or("", String::as_str)
    }

    /// In the reader's language.
    pub(crate) fn t(&self, english: &'static str) -> &'static str {
        self.lang.say(english)
    }

    /// What no text may hold, wherever it stands: not every store can keep a NUL, and none is ever
    /// meant.
    pub(crate) fn unfit(&self) -> Option<Problem> {
        let told = |place: &str| {
            let why = format!("{place} holds a NUL character; send it without");
            Some(Problem { code: "control_characters", status: 400, detail: why })
        };
        if self.parts.iter().any(|part| part.contains('\0')) {
            return told("the path");
        }
        let field = self
            .query
            .iter()
            .chain(&self.form)
            .find(|(name, value)| name.contains('\0') || value.contains('\0'));
        if let Some((name, _)) = field {
            return told(&format!("`{}`", name.replace('\0', "\u{fffd}")));
        }
        // A document says it as an escape; only one that holds the letters is looked through.
        let escaped = |bytes: &[u8]| bytes.windows(6).any(|six| six == b"\\u0000");
        if self.form.is_empty() && escaped(&self.body) {
            let whole: Option<Value> = serde_json::from_slice(&self.body).ok();
            if whole.as_ref().is_some_and(holds_nul) {
                return told("the body");
            }
        }
        None
    }

    /// A form must come from our own page: its key, and what browsers say of its origin.
    pub(crate) fn form_is_ours(&self) -> bool {
        let wanted = self
            .signed
            .as_ref()
            .map(|signed| &signed.form_key)
            .or(self.member.as_ref().map(|member| &member.form_key));
        door::from_here(self)
            && wanted.is_some_and(|wanted| Office::form_fits(self.given("form_key"), wanted))
    }

    /// Who asks, as the journal names them.
    pub(crate) fn actor(&self) -> Option<Actor> {
        let member = self.member.as_ref().map(|member| Actor::member(&member.code, &self.from));
        self.signed.as_ref().map(|signed| signed.actor.clone()).or(member)
    }

    /// What the last action left to say: tone and text.
    pub(crate) fn flash(&self) -> Option<(String, String)> {
        let text = B64.decode(self.cookie("gerbang_flash")?).ok()?;
        let text = String::from_utf8(text).ok()?;
        let (tone, text) = text.split_once('\n')?;
        Some((tone.to_owned(), text.to_owned()))
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(all) => all.iter().any(holds_nul),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The cookie that carries a word to the next page.
pub(crate) fn flash_cookie(tone: &str, text: &str) -> String {
    let text: String = text.chars().take(600).collect();
    let text = B64.encode(format!("{tone}\n{text}"));
    format!("gerbang_flash={text}; Path=/; Max-Age=20; HttpOnly; SameSite=Strict")
}
