//! Callbacks as signed JSON: chosen, tested, received and believed by a member's own program.

use super::rig::House;
use super::suppliers::wait_until;
use super::visitor::Visitor;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

/// One request as it came: its first line, its headers in lower case, its body.
struct Came {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Came {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// Takes one request and says 204.
fn take(listener: &TcpListener) -> Came {
    take_saying(listener, "204 No Content")
}

fn take_saying(listener: &TcpListener, status: &str) -> Came {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let line = next();
    let headers: Vec<(String, String)> = std::iter::from_fn(|| {
        let line = next();
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    })
    .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    reader.into_inner().write_all(head.as_bytes()).unwrap();
    Came { line, headers, body: String::from_utf8(body).unwrap() }
}

#[test]
fn a_member_chooses_signed_json() {
    let house = House::new();
    let server = house.demo();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let mut member = Visitor::portal(&server);
    let chosen =
        [("act", "callback"), ("callback", url.as_str()), ("webhook", "true"), ("pin", "123456")];
    let page = member.submit("/portal/account", "/portal/account", &chosen).body;
    assert!(page.contains("Saved."), "{page}");
    let fresh = [("act", "signing"), ("pin", "123456")];
    let page = member.submit("/portal/account", "/portal/account", &fresh).body;
    let secret = page.split("whsec_").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let believed = move |came: &Came| {
        assert!(came.line.starts_with("POST /hook "), "{}", came.line);
        let signed = format!(
            "{}.{}.{}",
            came.header("webhook-id"),
            came.header("webhook-timestamp"),
            came.body
        );
        let secret = secret.replace("&#43;", "+").replace("&#61;", "=").replace("&#47;", "/");
        let key = STANDARD.decode(secret).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(signed.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(came.header("webhook-signature"), expected);
        serde_json::from_str::<Value>(&came.body).unwrap()
    };

    // The test says that it is one.
    let receiving = std::thread::spawn(move || (take(&listener), listener));
    let page = member.submit("/portal/callbacks", "/portal/callbacks/test", &[]).body;
    assert!(page.contains("It was taken: status 204"), "{page}");
    let (came, listener) = receiving.join().unwrap();
    let told = believed(&came);
    assert_eq!((&told["type"], &told["data"]), (&Value::from("test"), &Value::Null));

    // A purchase says what became of it.
    let receiving = std::thread::spawn(move || (take(&listener), listener));
    server.buy("hook1");
    let (came, listener) = receiving.join().unwrap();
    let told = believed(&came);
    assert_eq!(told["type"], "purchase.success");
    let data = &told["data"];
    assert_eq!((&data["ref_id"], &data["price"]), (&Value::from("hook1"), &Value::from(1_321)));
    assert!(data["sn"].as_str().is_some_and(|sn| !sn.is_empty()), "{data}");
    assert!(data["message"].as_str().unwrap().contains("SUKSES"), "{data}");

    // A person at the console sees when nobody answers.
    drop(listener);
    let mut owner = Visitor::console(&server, "cs");
    let page = owner.submit("/console/members/OK00123", "/console/members/OK00123/ping", &[]).body;
    assert!(page.contains("It was not taken: no connection"), "{page}");
    let told = house.json(&["callback", "test", "OK00123"]);
    assert_eq!(told["taken"], false);
}

/// A URL that says 410 Gone is not called again, which the member's page says; a new one is.
#[test]
fn a_url_that_is_gone() {
    let house = House::new();
    let server = house.demo();
    let (old, new) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = |at: &TcpListener| format!("http://{}/hook", at.local_addr().unwrap());
    house.ok(&["member", "set", "OK00123", "--callback", &url(&old)]);
    assert!(server.buy("gone-1").1.contains("akan diproses"));
    take_saying(&old, "410 Gone");
    let told = |state: &str| {
        let all = house.json(&["callback", "list", "--state", state]);
        all.as_array().unwrap().len()
    };
    wait_until("it is parked", Duration::from_secs(20), || told("parked") == 1);
    assert!(server.buy("gone-2").1.contains("akan diproses"));
    wait_until("so is the next", Duration::from_secs(20), || told("parked") == 2);
    assert!(server.log().contains("410 Gone: callbacks to this URL stop"), "{}", server.log());
    old.set_nonblocking(true).unwrap();
    assert!(old.accept().is_err(), "the URL was called again");

    house.ok(&["member", "set", "OK00123", "--callback", &url(&new)]);
    assert!(server.buy("gone-3").1.contains("akan diproses"));
    assert!(take(&new).line.contains("refid=gone-3"));
    wait_until("it is told", Duration::from_secs(20), || told("delivered") == 1);
    // What was parked waits for a person.
    house.ok(&["callback", "replay", "--state", "parked"]);
    take(&new);
    take(&new);
    wait_until("all are told", Duration::from_secs(20), || told("delivered") == 3);
}
