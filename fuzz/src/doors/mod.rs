//! Every door of the program behind its real router, in this process: console, portal, admin API,
//! the members' text and JSON, suppliers' callbacks.
//!
//! The bytes choose a route out of the tables that the program serves by, who asks, and names and
//! values. Whatever they are: nothing panics, nothing is a 5xx but the lawful 503, answers end and
//! are small, the books hold, and what people change leaves a line.

mod ask;
mod draw;
mod house;
mod names;
mod sense;

use ask::{Place, Seen, Wanted};
use console::Need;
use draw::Draw;
use house::House;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

/// Requests of one input.
const REQUESTS_MOST: usize = 32;
/// Requests until the books are looked at.
const LOOK_AFTER: usize = 64;
/// Requests of one business.
const LIFE: usize = 600;
/// Longest answer.
const ANSWER_MOST: usize = 4 * 1024 * 1024;
/// Longest time, on a machine that does much else.
const TIME_MOST: Duration = Duration::from_secs(30);
/// How long a stream of news is listened to.
const STREAM: Duration = Duration::from_millis(20);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});
static HOUSE: Mutex<Option<(House, Seen)>> = Mutex::const_new(None);

/// What came back.
struct Answered {
    status: u16,
    location: String,
    body: Vec<u8>,
}

impl Answered {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(600).collect()
    }
}

/// Any bytes, at all doors.
pub fn doors(data: &[u8]) {
    let _ = outcomes(data);
}

/// The same, and what became of each request: its route, its status, and whether it changed something.
pub fn outcomes(data: &[u8]) -> Vec<String> {
    RUNTIME.block_on(async {
        let mut kept = HOUSE.lock().await;
        let (mut draw, mut told) = (Draw(data), Vec::new());
        for _ in 0..REQUESTS_MOST {
            if draw.is_over() {
                break;
            }
            // What broke a rule leaves no business behind that others could go on with.
            let (mut house, mut seen) = match kept.take() {
                Some((house, seen)) if house.asked <= LIFE => (house, seen),
                Some(_) | None => open().await,
            };
            let (outcome, goes_on) = step(&mut house, &mut seen, &mut draw).await;
            told.extend(outcome);
            if goes_on {
                *kept = Some((house, seen));
            }
        }
        told
    })
}

/// Every route that the target cannot reach, with what it heard instead.
#[must_use]
pub fn out_of_reach() -> Vec<String> {
    RUNTIME.block_on(async {
        let (mut house, mut seen) = open().await;
        let mut lost = Vec::new();
        for (point, place) in ask::places() {
            if visit(&mut house, &seen, point, place).await.is_ok() {
                continue;
            }
            // One before it may have ended the session, or locked somebody.
            (house, seen) = open().await;
            lost.extend(visit(&mut house, &seen, point, place).await.err());
        }
        lost
    })
}

/// Comes to a route as who may.
async fn visit(house: &mut House, seen: &Seen, point: u32, place: Place) -> Result<(), String> {
    house.asked += 1;
    let name = format!("{} {}", place.method(), place.path());
    let wanted = ask::wanted(house, seen, &mut Draw(&point.to_be_bytes()));
    if (wanted.place.method(), wanted.place.path()) != (place.method(), place.path()) {
        return Err(format!("{name}: another one stands at its place"));
    }
    let Some(answered) = send(house, &wanted).await else {
        return Err(format!("{name}: its request cannot be sent"));
    };
    let text = answered.text();
    let is_open = matches!(place, Place::Console(route) if route.need == Need::Nobody);
    let is_led_away = answered.location.contains("/login") && !is_open && !name.contains("logout");
    let is_shut =
        matches!(answered.status, 401 | 403 | 405) && !is_open && !text.contains("needs_person");
    // What is not said to every member, and to no stranger.
    let is_secret = ["/callback/", "/trx/status", "/saldo"].iter().any(|path| name.contains(path));
    let is_nowhere =
        matches!(text.as_str(), "not found" | "not this way" | "Not found") && !is_secret;
    if is_led_away || is_shut || is_nowhere {
        return Err(format!("{name}: {} {} {text}", answered.status, answered.location));
    }
    Ok(())
}

/// Fields of forms on pages that the target has no name for.
#[must_use]
pub fn unknown_fields() -> Vec<String> {
    RUNTIME.block_on(async {
        let (house, seen) = open().await;
        let (mut unknown, mut forms) = (Vec::new(), 0);
        for (point, place) in ask::places() {
            let Place::Console(route) = place else { continue };
            if route.method != "GET" || route.path.ends_with("/live") {
                continue;
            }
            let mut wanted = ask::wanted(&house, &seen, &mut Draw(&point.to_be_bytes()));
            wanted.target = filled(route.path);
            let Some(page) = send(&house, &wanted).await else { continue };
            let page = String::from_utf8_lossy(&page.body).into_owned();
            for form in page.split("<form ").skip(1) {
                let form = form.split("</form>").next().unwrap_or_default();
                let Some(action) = attribute(form, "action") else { continue };
                let Some(to) = ask::posted(&action) else {
                    // A form that looks something up leads to a page.
                    continue;
                };
                forms += 1;
                let fields = form.split('<').filter_map(|tag| attribute(tag, "name"));
                let known = |name: &String| {
                    name == "form_key"
                        || names::NAMES.of(to.handler).contains(name)
                        || names::NAMES.asked().contains(name)
                };
                let missed = fields.filter(|name| !known(name));
                unknown.extend(missed.map(|name| format!("{}: `{name}`", to.path)));
            }
        }
        assert!(forms > 60, "{forms} forms were seen");
        unknown.sort();
        unknown.dedup();
        unknown
    })
}

fn filled(path: &str) -> String {
    let part = if path.contains("products") {
        "T1"
    } else if path.contains("suppliers") {
        "text"
    } else if path.contains("users") {
        "other"
    } else {
        house::MEMBER
    };
    path.replace("{}", part)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!("{name}=\"")).nth(1)?;
    rest.split('"').next().map(str::to_owned)
}

async fn open() -> (House, Seen) {
    let house = House::new().await.unwrap();
    let seen = Seen {
        owner: house.owner().await.expect("the owner comes in"),
        member: house.member().await.expect("the member comes in"),
    };
    (house, seen)
}

/// One request and what must hold of it: what became of it, and false when nobody can come in any
/// more.
async fn step(house: &mut House, seen: &mut Seen, draw: &mut Draw<'_>) -> (Option<String>, bool) {
    house.asked += 1;
    house.wait([400, 400, 400, 5_000, 90_000, 4_000_000][draw.below(6)]);
    let wanted = ask::wanted(house, seen, draw);
    let before = house.changed();
    let Some(answered) = send(house, &wanted).await else { return (None, true) };
    let after = house.changed();
    judge(&wanted, &answered);
    let shown = shown(&wanted);
    if before.0 != after.0 {
        let what: Vec<_> =
            after.0.iter().filter(|(kind, sum)| before.0.get(*kind) != Some(sum)).collect();
        assert_eq!(wanted.place.method(), "POST", "{shown} changed {what:?}");
        assert!(after.1 > before.1, "{shown} changed {what:?} and left no line");
    }
    assert_eq!(house.handle.parts().panics(), 0, "{shown} broke something");
    if house.asked.is_multiple_of(LOOK_AFTER) {
        house.books();
    }
    let changed = if before.0 == after.0 { "" } else { " changed" };
    let (method, path) = (wanted.place.method(), wanted.place.path());
    let outcome = Some(format!("{method} {path} {}{changed}", answered.status));
    if wanted.is_lawful && matches!(answered.status, 401 | 503) && house.renew().await.is_err() {
        return (outcome, false);
    }
    let door = answered.location.split(['?', '/']).nth(1).unwrap_or_default();
    let is_open = matches!(&wanted.place, Place::Console(route) if route.need == Need::Nobody);
    let is_out = answered.location.contains("/login") && !is_open
        || answered.location.starts_with("/console/account/second")
        || answered.location.starts_with("/portal/password");
    match (wanted.is_lawful && is_out, door) {
        (true, "console") => match house.owner().await {
            Some(session) => seen.owner = session,
            None => return (outcome, false),
        },
        (true, "portal") => match house.member().await {
            Some(session) => seen.member = session,
            None => return (outcome, false),
        },
        _ => {}
    }
    (outcome, true)
}

/// The request, for whoever has to find out.
fn shown(wanted: &Wanted) -> String {
    let cut = |text: &str| text.chars().take(500).collect::<String>();
    format!(
        "{} {} {:?} {}",
        wanted.place.method(),
        cut(&wanted.target),
        wanted.headers.iter().filter(|(name, _)| *name != "cookie").collect::<Vec<_>>(),
        cut(&String::from_utf8_lossy(&wanted.body))
    )
}

fn judge(wanted: &Wanted, answered: &Answered) {
    let shown = shown(wanted);
    let lawful = answered.status < 500 || answered.status == 503;
    assert!(lawful, "{shown}: {} {}", answered.status, answered.text());
    assert!(answered.body.len() <= ANSWER_MOST, "{shown}: {} bytes", answered.body.len());
}

/// Sends it over a connection of its own; `None` for what HTTP itself does not let through.
async fn send(house: &House, wanted: &Wanted) -> Option<Answered> {
    let mut request = Request::builder()
        .method(wanted.place.method())
        .uri(&wanted.target)
        .body(Full::new(Bytes::from(wanted.body.clone())))
        .ok()?;
    for (name, value) in &wanted.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            request.headers_mut().append(*name, value);
        }
    }
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (router, peer) = (house.router.clone(), wanted.peer);
    let service = service_fn(move |request| {
        let answer = router.clone().answer(peer, request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service);
    let serving = tokio::spawn(serving);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
    let connected = tokio::spawn(connection);
    let answered = tokio::time::timeout(TIME_MOST, async {
        let answer = sender.send_request(request).await.ok()?;
        let (head, mut body) = answer.into_parts();
        let text = |name| {
            let value = head.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let is_stream = text(header::CONTENT_TYPE).starts_with("text/event-stream");
        let mut whole = Vec::new();
        loop {
            let frame = if is_stream {
                tokio::time::timeout(STREAM, body.frame()).await.unwrap_or_default()
            } else {
                body.frame().await
            };
            match frame {
                Some(Ok(frame)) => {
                    whole.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                }
                Some(Err(error)) => panic!("{}: {error}", shown(wanted)),
                None => break,
            }
            if is_stream || whole.len() > ANSWER_MOST {
                break;
            }
        }
        let location = text(header::LOCATION);
        Some(Answered { status: head.status.as_u16(), location, body: whole })
    });
    let answered = answered.await.unwrap_or_else(|_| panic!("{}: no answer", shown(wanted)));
    connected.abort();
    // The handler of a stream ends with its connection.
    serving.abort();
    assert!(answered.is_some(), "{}: the connection broke off", shown(wanted));
    answered
}
