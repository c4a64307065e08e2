//! A request out of bytes: a route of the tables, who asks, names that somebody reads, and values
//! that nobody means.

use super::draw::Draw;
use super::house::{ADDRESS, H2H, House, INLET, MEMBER, OWNER, PASSWORD, PIN, Session};
use super::names::NAMES;
use super::sense;
use console::{Need, Route, console_routes};
use gateway::{GatewayRoute, gateway_routes};
use std::net::SocketAddr;
use std::sync::LazyLock;

/// Longest path with its query that is sent.
const TARGET_MOST: usize = 60_000;
/// Longest body: beyond what strangers may send, and forms.
const BODY_MOST: usize = 300_000;

/// A row of one of the tables.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Console(Route),
    Gateway(GatewayRoute),
}

impl Place {
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Console(route) => route.method,
            Self::Gateway(route) => route.method,
        }
    }

    pub(crate) fn path(&self) -> &'static str {
        match self {
            Self::Console(route) => route.path,
            Self::Gateway(route) => route.path,
        }
    }

    /// Where it stands among all: where others come and go, it stays.
    fn point(&self) -> u32 {
        let name = [self.method(), " ", self.path()].concat();
        name.bytes()
            .fold(2_166_136_261, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619))
    }
}

/// Every route there is, by its point.
static RING: LazyLock<Vec<(u32, Place)>> = LazyLock::new(|| {
    let console = console_routes().into_iter().map(Place::Console);
    let gateway = gateway_routes().into_iter().map(Place::Gateway);
    let mut all: Vec<_> = console.chain(gateway).map(|place| (place.point(), place)).collect();
    all.sort_by_key(|(point, _)| *point);
    all
});

/// All of them.
pub(crate) fn places() -> Vec<(u32, Place)> {
    RING.clone()
}

/// The one at or after a point.
pub(crate) fn place_at(point: u32) -> Place {
    let at = RING.partition_point(|(known, _)| *known < point);
    RING.get(at).or(RING.first()).unwrap().1
}

/// The route that a form is sent to.
pub(crate) fn posted(action: &str) -> Option<Route> {
    let is_at = |pattern: &str| {
        let (wanted, found) = (pattern.split('/'), action.split('/'));
        wanted.clone().count() == found.clone().count()
            && wanted.zip(found).all(|(wanted, found)| wanted == "{}" || wanted == found)
    };
    let mut posts = console_routes().into_iter().filter(|route| route.method == "POST");
    posts.find(|route| is_at(route.path))
}

/// Who comes.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) owner: Session,
    pub(crate) member: Session,
}

/// A request to send.
pub(crate) struct Wanted {
    pub(crate) place: Place,
    pub(crate) peer: SocketAddr,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// It comes as who may, with what forms need.
    pub(crate) is_lawful: bool,
}

/// What nobody means and anybody can send.
const EXTREMES: [&[u8]; 44] = [
    b"-9223372036854775808",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-1",
    b"0",
    b"1",
    b"4294967296",
    b"1e30",
    b"1e-400",
    b"-0",
    b"0x10",
    b"1.5",
    b"1.000.000",
    b"1,5",
    b"",
    b" ",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae1",
    b"\xd9\xa1\xd9\xa2",
    b"\xef\xbc\x91",
    b"\r\nSet-Cookie: x=y",
    b"../../x",
    b"//evil.example",
    b"'; drop table trx; --",
    b"<script>",
    b"{{7*7}}",
    b"%25%30",
    b"=cmd|' /C calc'!A0",
    b"0-0",
    b"0-9223372036854775807-0",
    b"1-2-3",
    b"9999-99-99",
    b"2026-02-30",
    b"2026-11-23",
    b"0000-01-01",
    b"2026-11-23T23:59",
    b"00:00-23:59",
    b"25:61",
    b"0.0.0.0/0",
    b"::/0 1.2.3.4",
    b"http://127.0.0.1:1/",
    b"https://m.example/h2h?x=%00",
];

/// Words that lead somewhere.
const KNOWN: [&str; 52] = [
    MEMBER,
    "OK00206",
    "T1",
    "BBSDN",
    "text",
    "sandbox",
    "bca",
    "retail",
    OWNER,
    "other",
    "cs",
    PASSWORD,
    "sebelas kuda minum susu",
    PIN,
    "591048",
    H2H,
    "089660522887",
    "085736044280",
    "true",
    "false",
    "on",
    "adjustment",
    "1321",
    "50000",
    "1000000",
    "10000000000000",
    "6000000",
    "readonly",
    "admin",
    "assign",
    "ignore",
    "remove",
    "success",
    "fail",
    "reverse",
    "keep",
    "pending",
    "hour",
    "member",
    "product",
    "capital",
    "expense",
    "supplier",
    "failed",
    "http",
    "callback",
    "[sandbox]\n",
    "[okeconnect]\nbase = \"http://h\"\nmember = \"a\"\npin = \"1\"\npassword = \"2\"\nlist_id = \"1\"\n",
    "code,name,price,cost,sku\nT1,x,1,1,t1\nT9,y,9223372036854775807,-1,\n",
    "date,amount,text\n2026-11-23,50000,TRSF\n2026-11-23,-1,x\n",
    "ref,amount,status,sn\n100000001-1,1200,sukses,123\nx,9223372036854775807,gagal,\n",
    "code,name,pin,password,balance\nOK777,x,480914,teh-pahit-4,9223372036854775807\n",
];

/// Rows that exist, as the tables have them at this moment.
fn living(house: &House, draw: &mut Draw<'_>) -> String {
    let which = draw.below(4);
    let at = draw.below(64);
    let found = house.model.with(|tables| match which {
        0 => {
            let papers: Vec<_> = tables.papers.keys().collect();
            papers.get(at % papers.len().max(1)).map(|key| key.id.clone())
        }
        1 => tables.trxs.keys().nth(at % tables.trxs.len().max(1)).map(|no| no.get().to_string()),
        2 => {
            let number = at % tables.deliveries.len().max(1);
            tables.deliveries.keys().nth(number).map(|id| id.get().to_string())
        }
        _ => {
            let number = at % tables.members.len().max(1);
            tables.members.values().nth(number).map(|row| row.member.code.to_string())
        }
    });
    found.unwrap_or_else(|| "1".to_owned())
}

fn value(house: &House, draw: &mut Draw<'_>) -> Vec<u8> {
    match draw.below(8) {
        0 | 1 => EXTREMES[draw.below(EXTREMES.len())].to_vec(),
        2..=4 => draw.one(&KNOWN).as_bytes().to_vec(),
        5 => living(house, draw).into_bytes(),
        6 => {
            let piece = EXTREMES[draw.below(EXTREMES.len())];
            let piece = if piece.is_empty() { b"9" } else { piece };
            let most = [40, 600, 5_000, 70_000][draw.below(4)];
            piece.iter().copied().cycle().take(most).collect()
        }
        _ => match draw.below(3) {
            0 => house.code().into_bytes(),
            1 => draw.byte().to_string().into_bytes(),
            _ => {
                let many = draw.below(24);
                draw.bytes(many).to_vec()
            }
        },
    }
}

fn name(place: &Place, draw: &mut Draw<'_>) -> String {
    let lists: [&[String]; 2] = match place {
        Place::Console(route) if matches!(route.need, Need::Token(_)) => {
            [NAMES.asked(), NAMES.json()]
        }
        Place::Console(route) => [NAMES.of(route.handler), NAMES.asked()],
        Place::Gateway(route) if route.path.starts_with("/v1") => [NAMES.v1(), NAMES.asked()],
        Place::Gateway(_) => [NAMES.wire(), NAMES.wire()],
    };
    match draw.below(16) {
        0 => String::from_utf8_lossy(EXTREMES[draw.below(EXTREMES.len())]).into_owned(),
        1..=4 => lists[1][draw.below(lists[1].len())].clone(),
        _ if lists[0].is_empty() => lists[1][draw.below(lists[1].len())].clone(),
        _ => lists[0][draw.below(lists[0].len())].clone(),
    }
}

/// As forms encode, or not quite.
fn encoded(bytes: &[u8], raw: bool) -> String {
    let mut text = String::new();
    for &byte in bytes {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if plain || raw && byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// So many pairs.
fn many(draw: &mut Draw<'_>) -> usize {
    match draw.byte() {
        255 => 9_000,
        254 => 1_000,
        byte if byte % 2 == 0 => 0,
        byte => usize::from(byte % 7),
    }
}

fn pairs(house: &House, place: &Place, draw: &mut Draw<'_>, mut all: Vec<String>) -> Vec<String> {
    for _ in 0..many(draw) {
        if draw.is_over() && !all.is_empty() {
            // The same again and again.
            let last = all[all.len() - 1].clone();
            all.push(last);
            continue;
        }
        let (name, value, raw) = (name(place, draw), value(house, draw), draw.once_in(16));
        all.push(match draw.byte() {
            255 => encoded(name.as_bytes(), raw),
            254 => format!("{}=%zz%", encoded(name.as_bytes(), raw)),
            _ => format!("{}={}", encoded(name.as_bytes(), raw), encoded(&value, raw)),
        });
    }
    all
}

fn text(bytes: &[u8]) -> String {
    serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string()
}

/// A document, as deep and as odd as the bytes want it.
fn json(house: &House, place: &Place, draw: &mut Draw<'_>, deep: usize) -> String {
    match draw.below(if deep > 6 { 8 } else { 12 }) {
        0..=3 => text(&value(house, draw)),
        4 => draw
            .one(&["0", "-1", "1", "50000", "9223372036854775807", "-9223372036854775808", "1e400"])
            .to_owned(),
        5 => draw.one(&["null", "true", "false", "1.5", "18446744073709551616", "-0.0"]).to_owned(),
        6 => "\"\\u0000\"".to_owned(),
        7 => draw.one(&["\"\\ud800\"", "[]", "{}", "nul", "\"", "01", "[1,]"]).to_owned(),
        8 => format!("[{}]", json(house, place, draw, deep + 1)),
        9 => {
            let most = [20, 120, 200, 20_000][draw.below(4)];
            format!("{}{}", "[".repeat(most), "]".repeat(most))
        }
        _ => object(house, place, draw, deep + 1),
    }
}

fn object(house: &House, place: &Place, draw: &mut Draw<'_>, deep: usize) -> String {
    let mut fields = Vec::new();
    if deep == 0 && !draw.once_in(4) {
        let names = match place {
            Place::Console(route) => NAMES.described(route.path),
            Place::Gateway(_) => NAMES.v1(),
        };
        for name in names.iter().filter(|_| !draw.once_in(6)).collect::<Vec<_>>() {
            let Some(usual) = sense::usual(house, name, draw) else { continue };
            let is_bare = sense::is_bare(name, &usual) != draw.once_in(12);
            let usual = if is_bare { usual } else { text(usual.as_bytes()) };
            fields.push(format!("{}:{usual}", text(name.as_bytes())));
        }
    }
    for _ in 0..many(draw).min(200) {
        if draw.is_over() {
            break;
        }
        let name = name(place, draw);
        fields.push(format!("{}:{}", text(name.as_bytes()), json(house, place, draw, deep)));
    }
    format!("{{{}}}", fields.join(","))
}

/// The path with something at each placeholder.
fn path(house: &House, place: &Place, draw: &mut Draw<'_>) -> String {
    let mut pieces = place.path().split("{}");
    let mut path = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        if place.path().starts_with("/callback") && !draw.once_in(4) {
            path.push_str(&format!("text/{INLET}"));
        } else {
            let usual = if draw.once_in(4) { None } else { sense::part(house, place.path(), draw) };
            let part = usual.map_or_else(|| value(house, draw), String::into_bytes);
            let part = if part.is_empty() { b"x".to_vec() } else { part };
            path.push_str(&encoded(&part[..part.len().min(2_000)], draw.once_in(32)));
        }
        path.push_str(piece);
    }
    path
}

fn cut(text: String, most: usize) -> String {
    text.chars().take(most).collect()
}

const FORM: &str = "application/x-www-form-urlencoded";
const DOCUMENT: &str = "application/json";

/// The next request that the bytes ask for.
pub(crate) fn wanted(house: &House, seen: &Seen, draw: &mut Draw<'_>) -> Wanted {
    let place = place_at(draw.point());
    // Mostly as who may; else a stranger, a foreign form, or another's session.
    let manner = draw.byte();
    let is_lawful = manner < 232;
    let mut headers: Vec<(&'static str, String)> = vec![("host", "h2h.example".to_owned())];
    let mut first = Vec::new();
    let mut target = path(house, &place, draw);
    if draw.once_in(64) {
        target = target.to_ascii_uppercase();
    }
    let mut session = None;
    match &place {
        Place::Console(route) => match route.need {
            Need::User | Need::May(_) => session = Some(&seen.owner),
            Need::Member => session = Some(&seen.member),
            Need::Token(_) => {
                if is_lawful {
                    headers.push(("authorization", format!("Bearer {}", house.token)));
                }
            }
            Need::Nobody => {}
        },
        Place::Gateway(route) if !route.path.starts_with("/v1") => {
            let who = draw.one(&[MEMBER, "OK00206", "OK9"]);
            let bought = draw.byte();
            first = vec![
                format!("memberID={who}&pin={PIN}&password={H2H}"),
                format!("product=T1&dest=089660522887&refID=r{bought}"),
            ];
            first.truncate([2, 2, 1, 0][draw.below(4)]);
        }
        Place::Gateway(_) => {}
    }
    if let Some(own) = session {
        let other = if manner == 255 { &seen.member } else { own };
        if manner != 254 {
            headers.push(("cookie", format!("{}; gerbang_lang=en", other.cookie)));
        }
        if manner != 253 {
            first.push(format!("form_key={}", own.form_key));
        }
        if manner == 252 {
            headers.push(("sec-fetch-site", "cross-site".to_owned()));
        }
    }
    let mut usual = Vec::new();
    if let Place::Console(route) = &place
        && route.method == "POST"
        && !draw.once_in(4)
    {
        // A form as people fill it in; what is odd comes before it, and counts.
        for name in NAMES.of(route.handler) {
            if let Some(value) = sense::usual(house, name, draw) {
                usual.push(format!("{name}={}", encoded(value.as_bytes(), false)));
            }
        }
    }
    let (mut query, mut body, mut typed) = (Vec::new(), Vec::new(), FORM);
    if place.method() == "POST" {
        let is_document = match &place {
            Place::Console(route) => matches!(route.need, Need::Token(_)),
            Place::Gateway(route) => route.path.starts_with("/v1") || route.path == "/seller/topup",
        };
        // One in eight is of the wrong kind.
        if is_document != draw.once_in(8) {
            typed = DOCUMENT;
            let whole = if draw.once_in(12) {
                json(house, &place, draw, 0)
            } else {
                object(house, &place, draw, 0)
            };
            body = cut(whole, BODY_MOST).into_bytes();
        } else {
            let mut all = pairs(house, &place, draw, first);
            all.extend(usual);
            body = cut(all.join("&"), BODY_MOST).into_bytes();
        }
        if draw.once_in(32) {
            body.extend_from_slice(draw.bytes(40));
            typed = draw.one(&["text/plain", "multipart/form-data; boundary=x", "\u{ff}", FORM]);
        }
        if draw.once_in(8) {
            query = pairs(house, &place, draw, Vec::new());
        }
        headers.push(("content-type", typed.chars().filter(char::is_ascii).collect()));
        if draw.once_in(4) {
            headers.push(("idempotency-key", format!("k{}", draw.byte() % 8)));
        }
    } else {
        query = pairs(house, &place, draw, first);
    }
    if !query.is_empty() {
        target = cut(format!("{target}?{}", query.join("&")), TARGET_MOST);
    }
    if draw.once_in(8) {
        headers.push((
            draw.one(&["x-forwarded-for", "accept-language", "origin", "referer", "if-none-match"]),
            String::from_utf8_lossy(&value(house, draw)).into_owned(),
        ));
    }
    if let Place::Gateway(route) = &place
        && route.path.starts_with("/v1")
        && manner < 250
    {
        let (timestamp, nonce) =
            ((house.now() / 1_000).to_string(), format!("nonce-{:08}", house.asked));
        let signed = wire::Signed {
            timestamp: &timestamp,
            nonce: &nonce,
            method: place.method(),
            target: &target,
            body: &body,
        };
        headers.push(("gerbang-signature", signed.sign(&house.key.1)));
        headers.push(("gerbang-key", house.key.0.clone()));
        headers.push(("gerbang-timestamp", timestamp));
        headers.push(("gerbang-nonce", nonce));
    }
    let address = match draw.byte() {
        255 => "198.51.100.7:9",
        254 => "[2001:db8::1]:9",
        253 => "[::ffff:203.0.113.7]:9",
        _ => "",
    };
    let usual = format!("{ADDRESS}:9");
    let peer = if address.is_empty() { &usual } else { address };
    let peer = peer.parse().unwrap();
    Wanted { place, peer, target, headers, body, is_lawful }
}
