//! The demo member's own end: takes callbacks on the same listener, prints them, shows them on a
//! page. It must never be part of a real business.

use crate::say;
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::body::Bytes;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Where callbacks arrive.
pub(crate) const PATH: &str = "/demo/callback";
/// Most callbacks the page remembers.
const SHOWN: usize = 100;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Receiver(Arc<Inner>);

struct Inner {
    tries: Vec<(&'static str, String)>,
    logins: String,
    came: Mutex<VecDeque<(String, String)>>,
    /// Nobody reads what is said.
    unheard: Notify,
}

impl Receiver {
    pub(crate) fn new(tries: Vec<(&'static str, String)>, logins: String) -> Self {
        Self(Arc::new(Inner { tries, logins, came: Mutex::default(), unheard: Notify::new() }))
    }

    /// Says a line to who started the demo.
    pub(crate) fn say(&self, line: &str) {
        if say::line(line).is_err() {
            self.0.unheard.notify_one();
        }
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn unheard(&self) {
        self.0.unheard.notified().await;
    }

    /// Who may log in to the demo, and with what.
    pub(crate) fn logins(&self) -> String {
        self.0.logins.clone()
    }

    /// Answers what is the receiver's; everything else is the gateway's.
    pub(crate) fn answer<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        match request.uri().path() {
            PATH => {
                let query = request.uri().query().unwrap_or_default();
                if let Some((reference, message)) = wire::callback_query(query.as_bytes()) {
                    self.say(&format!("callback: {message}"));
                    if let Ok(mut came) = self.0.came.lock() {
                        came.push_front((reference.to_string(), message));
                        came.truncate(SHOWN);
                    }
                }
                Some(Response::new(Full::new(Bytes::from_static(b"OK"))))
            }
            "/" | "/demo" | "/demo/" => {
                let mut answer = Response::new(Full::new(Bytes::from(self.page())));
                let html = header::HeaderValue::from_static("text/html; charset=utf-8");
                answer.headers_mut().insert(header::CONTENT_TYPE, html);
                let policy = header::HeaderValue::from_static(
                    "default-src 'none'; style-src 'unsafe-inline'",
                );
                answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
                Some(answer)
            }
            _ => None,
        }
    }

    fn page(&self) -> String {
        let mut rows = String::new();
        if let Ok(came) = self.0.came.lock() {
            for (reference, message) in came.iter() {
                let class = if message.contains("SUKSES") { "good" } else { "bad" };
                let _ = write!(
                    rows,
                    "<tr class={class}><td>{}<td>{}",
                    escape(reference),
                    escape(message)
                );
            }
        }
        if rows.is_empty() {
            rows.push_str("<tr><td colspan=2>No callback yet: buy something.");
        }
        let mut tries = String::new();
        for (what, line) in &self.0.tries {
            let _ = write!(tries, "<h3>{}</h3><pre>{}</pre>", escape(what), escape(line));
        }
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
             content=\"width=device-width,initial-scale=1\"><meta http-equiv=refresh content=2>\
             <title>Gerbang demo</title><style>{STYLE}</style><h1>Callbacks of the demo member</h1>\
             <table><thead><tr><th>refID<th>message<tbody>{rows}</table>\
             <h2>Try</h2>{tries}"
        )
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;padding:1rem}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;\
padding:.4rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}\
.good td:first-child{border-left:4px solid #2a9d4a}.bad td:first-child{border-left:4px solid #d33}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:6px;\
padding:.6rem;user-select:all}h3{margin-bottom:.2rem}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_shown_escaped_and_other_paths_are_not_taken() {
        let receiver = Receiver::new(vec![("buy", "curl 'x'".to_owned())], String::new());
        let get = |uri: &str| receiver.answer(&Request::get(uri).body(()).unwrap());
        assert!(get("/trx?product=T1").is_none());
        assert!(get("/demo/callback?refid=1&message=%3Cb%3E+SUKSES").is_some());
        assert!(receiver.page().contains("&lt;b&gt; SUKSES"), "{}", receiver.page());
    }
}
