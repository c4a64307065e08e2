//! Somebody with a browser's manners and no browser: cookies, forms, the key in every form.

use super::rig::Server;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What came back.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    bytes: Vec<u8>,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The key that its forms carry.
    pub(crate) fn form_key(&self) -> String {
        let rest = self.body.split("name=\"form_key\" value=\"").nth(1);
        rest.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    }
}

#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) address: SocketAddr,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) token: Option<String>,
    /// The address that a proxy in front says somebody comes from.
    pub(crate) forwarded: Option<&'static str>,
}

pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Visitor {
    pub(crate) fn new(server: &Server) -> Self {
        Self { address: server.address, cookies: BTreeMap::new(), token: None, forwarded: None }
    }

    /// In English, from an address behind a proxy.
    pub(crate) fn from(server: &Server, address: Option<&'static str>) -> Self {
        let mut visitor = Self { forwarded: address, ..Self::new(server) };
        visitor.cookies.insert("gerbang_lang".to_owned(), "en".to_owned());
        visitor
    }

    /// The name under which its session is listed.
    pub(crate) fn session(&self, cookie: &str) -> String {
        use sha2::{Digest as _, Sha256};
        let digest = Sha256::digest(self.cookies[cookie].as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Types a login at the console; where it leads.
    pub(crate) fn enter(&mut self, login: &str, password: &str, code: &str) -> String {
        let fields = [("login", login), ("password", password), ("code", code)];
        let page = self.post("/console/login", &fields);
        page.header("location").unwrap().to_owned()
    }

    /// The same at the portal.
    pub(crate) fn enter_portal(&mut self, fields: &[(&str, &str)]) -> String {
        let page = self.post("/portal/login", fields);
        page.header("location").unwrap().to_owned()
    }

    /// Logged in to the demo's console.
    pub(crate) fn console(server: &Server, login: &str) -> Self {
        let mut visitor = Self::new(server);
        visitor.cookies.insert("gerbang_lang".to_owned(), "en".to_owned());
        let fields = [("login", login), ("password", "demo-gerbang"), ("code", "")];
        let page = visitor.post("/console/login", &fields);
        assert_eq!(page.header("location"), Some("/console"), "{}", page.head);
        visitor
    }

    /// Logged in to the demo member's portal.
    pub(crate) fn portal(server: &Server) -> Self {
        Self::portal_of(server, "OK00123")
    }

    /// Logged in to a portal, with the demo's credentials.
    pub(crate) fn portal_of(server: &Server, code: &str) -> Self {
        let mut visitor = Self::new(server);
        visitor.cookies.insert("gerbang_lang".to_owned(), "en".to_owned());
        let fields = [("member", code), ("password", "secret"), ("pin", "123456")];
        let page = visitor.post("/portal/login", &fields);
        assert_eq!(page.header("location"), Some("/portal"), "{}", page.head);
        visitor
    }

    pub(crate) fn get(&mut self, target: &str) -> Page {
        self.send("GET", target, &[], None)
    }

    pub(crate) fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Page {
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", target, &[form], Some(&encode(fields)))
    }

    /// Opens a page, then sends one of its forms with its key; the page that follows.
    pub(crate) fn submit(&mut self, from: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let key = self.get(from).form_key();
        let mut all = vec![("form_key", key.as_str())];
        all.extend(fields);
        let origin = format!("http://{}{from}", self.address);
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("referer", origin.as_str())];
        let page = self.send("POST", action, &headers, Some(&encode(&all)));
        match page.header("location").map(str::to_owned) {
            Some(place) => self.get(&place),
            None => page,
        }
    }

    pub(crate) fn json(
        &mut self,
        method: &str,
        target: &str,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        self.json_once(method, target, body, None)
    }

    pub(crate) fn json_once(
        &mut self,
        method: &str,
        target: &str,
        body: &serde_json::Value,
        key: Option<&str>,
    ) -> (u16, serde_json::Value) {
        let mut headers = vec![("content-type", "application/json")];
        if let Some(key) = key {
            headers.push(("idempotency-key", key));
        }
        let text = body.to_string();
        let page = self.send(method, target, &headers, (method != "GET").then_some(&text));
        let value = serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("{}", page.body));
        (page.status, value)
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Page {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {}\r\n",
            self.address,
            cookies.join("; ")
        );
        if let Some(address) = self.forwarded {
            request.push_str(&format!("X-Forwarded-For: {address}\r\n"));
        }
        if let Some(token) = &self.token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = body.unwrap_or_default();
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let mut bytes = answer.split_off(end + 4);
        let head = String::from_utf8(answer).unwrap();
        let head = head.trim_end();
        if head.to_lowercase().contains("\ntransfer-encoding: chunked") {
            bytes = whole(&bytes);
        }
        let body = String::from_utf8_lossy(&bytes);
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            if !name.eq_ignore_ascii_case("set-cookie") {
                continue;
            }
            let pair = value.split(';').next().unwrap();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.into_owned(),
            bytes,
        }
    }

    /// A file: its status and what is in it.
    pub(crate) fn bytes(&mut self, target: &str) -> (u16, Vec<u8>) {
        let page = self.get(target);
        (page.status, page.bytes)
    }

    /// Reads a stream until it is quiet, does something, and reads on until a text comes; false when it
    /// ended or was silent for too long.
    pub(crate) fn hears(&mut self, target: &str, text: &str, act: impl FnOnce()) -> bool {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", cookies.join("; "));
        stream.write_all(request.as_bytes()).unwrap();
        let (mut seen, mut piece) = (String::new(), [0; 1_024]);
        let mut reads_until = |text: &str| {
            seen.clear();
            while let Ok(count) = stream.read(&mut piece) {
                seen.push_str(&String::from_utf8_lossy(&piece[..count]));
                if count == 0 || seen.contains(text) {
                    return count > 0;
                }
            }
            false
        };
        if !reads_until(": quiet") {
            return false;
        }
        act();
        reads_until(text)
    }
}

/// What came in pieces; panics when it breaks off.
fn whole(mut pieces: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let end = pieces.windows(2).position(|two| two == b"\r\n").expect("the file breaks off");
        let length = std::str::from_utf8(&pieces[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return all;
        }
        let piece = &pieces[end + 2..];
        all.extend_from_slice(&piece[..length]);
        pieces = &piece[length + 2..];
    }
}
