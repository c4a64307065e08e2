//! Streams of news: so many for one session, and none after it.

use super::rig::House;
use super::visitor::Visitor;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// An open stream whose head has come.
fn open(visitor: &Visitor, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(visitor.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let cookies: Vec<String> =
        visitor.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", cookies.join("; "));
    stream.write_all(request.as_bytes()).unwrap();
    let (mut seen, mut piece) = (String::new(), [0; 1_024]);
    while !seen.contains("\r\n\r\n") {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "no head: {seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    stream
}

/// True when the stream came to its end, and not to our patience.
fn ended(stream: &mut TcpStream) -> bool {
    let (mut seen, mut piece) = (Vec::new(), [0; 1_024]);
    while !seen.ends_with(b"0\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) => return true,
            Ok(count) => seen.extend_from_slice(&piece[..count]),
            Err(_) => return false,
        }
    }
    true
}

#[test]
fn streams_end_with_their_session() {
    let house = House::new();
    let server = house.demo();
    let (mut owner, mut member) = (Visitor::console(&server, "owner"), Visitor::portal(&server));
    for (visitor, root) in [(&mut owner, "/console"), (&mut member, "/portal")] {
        let mut stream = open(visitor, &format!("{root}/live"));
        let key = visitor.get(&format!("{root}/account")).form_key();
        let page = visitor.post(&format!("{root}/logout"), &[("form_key", &key)]);
        assert_eq!(page.status, 303);
        assert!(ended(&mut stream), "{root}/live goes on after the logout");
    }
    // A lock ends them as well.
    let member = Visitor::portal(&server);
    let mut stream = open(&member, "/portal/live");
    house.ok(&["member", "set", "OK00123", "--active", "false"]);
    assert!(ended(&mut stream), "a locked member hears on");
}

#[test]
fn a_session_has_so_many_streams() {
    let house = House::new();
    let server = house.demo();
    let member = Visitor::portal(&server);
    let mut all: Vec<TcpStream> = (0..12).map(|_| open(&member, "/portal/live")).collect();
    for oldest in &mut all[..4] {
        assert!(ended(oldest), "more than eight streams of one session");
    }
    // The newest lives: it hears of what happens.
    let newest = all.last_mut().unwrap();
    assert!(server.buy("live").1.contains("akan diproses"));
    let (mut seen, mut piece) = (String::new(), [0; 1_024]);
    while !seen.contains("event: news") {
        let count = newest.read(&mut piece).unwrap();
        assert!(count > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
}
