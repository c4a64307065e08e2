//! Every path of the gateway with what stands behind it, in one table: what is served is what the
//! table says, so whoever walks the table walks all of it.

use http::Method;
use store::Channel;

/// What stands behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Alive,
    Ready,
    Text(Kind),
    SupplierCallback,
    SellerTopup,
    Json,
    PriceList,
}

/// Answers of the text protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Trx,
    /// The purchase's answer as JSON.
    V2,
    /// A check by refID alone; for members whose center knows it.
    Status,
    Balance,
    /// The same under the path of other centers.
    Saldo,
    V2Balance,
}

impl Kind {
    pub(crate) const fn channel(self) -> Channel {
        match self {
            Self::Trx | Self::Status | Self::V2 => Channel::Trx,
            Self::Balance | Self::Saldo | Self::V2Balance => Channel::Balance,
        }
    }
}

/// What stands behind a path of the JSON door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Description,
    Buy,
    Look,
    Balance,
    Prices,
    Callbacks,
    Replay,
}

/// A path: its methods, itself with at most one placeholder, and what stands there.
type Way<D> = (&'static [&'static str], &'static str, D);

const READS: &[&str] = &["GET", "HEAD"];
/// A HEAD would do what a GET does, and tell nobody how it ended.
const FORMS: &[&str] = &["GET", "POST"];
/// Its own table says which.
const ANY: &[&str] = &[];

/// Members' programs write their paths as they like, so these are compared in small letters; whoever
/// guards a path of operators in front of it must not be passed by another spelling of those.
const PATHS: [Way<Door>; 13] = [
    (READS, "/healthz", Door::Alive),
    (READS, "/readyz", Door::Ready),
    (FORMS, "/trx", Door::Text(Kind::Trx)),
    (FORMS, "/trx/trx", Door::Text(Kind::Trx)),
    (FORMS, "/trx-v2", Door::Text(Kind::V2)),
    (FORMS, "/trx/status", Door::Text(Kind::Status)),
    (FORMS, "/trx/balance", Door::Text(Kind::Balance)),
    (FORMS, "/balance", Door::Text(Kind::Balance)),
    (FORMS, "/saldo", Door::Text(Kind::Saldo)),
    (FORMS, "/trx-v2/balance", Door::Text(Kind::V2Balance)),
    (FORMS, "/callback/{}", Door::SupplierCallback),
    (&["POST"], "/seller/topup", Door::SellerTopup),
    (READS, "/harga/json", Door::PriceList),
];

/// The JSON door: everything below it is signed, also what is not there.
const JSON_ROOT: &str = "/v1/{}";
const JSON_PATHS: [Way<Json>; 7] = [
    (ANY, "/v1/openapi.json", Json::Description),
    (&["POST"], "/v1/purchases", Json::Buy),
    (&["GET"], "/v1/purchases/{}", Json::Look),
    (&["GET"], "/v1/balance", Json::Balance),
    (&["GET"], "/v1/prices", Json::Prices),
    (&["GET"], "/v1/callbacks", Json::Callbacks),
    (&["POST"], "/v1/callbacks/{}/replay", Json::Replay),
];

/// What stands at the placeholder, when the path fits.
fn fits<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.split_once("{}") {
        None => (pattern == path).then_some(""),
        Some((before, after)) => path.strip_prefix(before)?.strip_suffix(after),
    }
}

fn find<'a, D: Copy>(ways: &[Way<D>], method: &Method, path: &'a str) -> Option<(D, &'a str)> {
    ways.iter().find_map(|(methods, pattern, door)| {
        let part = fits(pattern, path)?;
        let is_taken = methods.is_empty() || methods.contains(&method.as_str());
        is_taken.then_some((*door, part))
    })
}

/// The door that a request knocks at.
pub(crate) fn door(method: &Method, path: &str) -> Option<Door> {
    let small = path.trim_end_matches('/').to_ascii_lowercase();
    if fits(JSON_ROOT, &small).is_some() {
        return Some(Door::Json);
    }
    let (door, _) = find(&PATHS, method, &small)?;
    let is_exact = match door {
        Door::Alive | Door::Ready => path == small,
        Door::Text(_)
        | Door::SupplierCallback
        | Door::SellerTopup
        | Door::Json
        | Door::PriceList => true,
    };
    is_exact.then_some(door)
}

/// The same below `/v1`, and what stands at the path's placeholder.
pub(crate) fn json<'a>(method: &Method, path: &'a str) -> Option<(Json, &'a str)> {
    find(&JSON_PATHS, method, path)
}

/// A path of the gateway, for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayRoute {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// With a placeholder: `/v1/purchases/{}`.
    pub path: &'static str,
}

/// All paths of the gateway.
#[must_use]
pub fn gateway_routes() -> Vec<GatewayRoute> {
    let each = |methods: &'static [&'static str], path: &'static str| {
        let methods = if methods.is_empty() { READS } else { methods };
        let named = methods.iter().filter(|method| **method != "HEAD");
        named.map(move |method| GatewayRoute { method, path })
    };
    let outer = PATHS.iter().flat_map(|(methods, path, _)| each(methods, path));
    let json = JSON_PATHS.iter().flat_map(|(methods, path, _)| each(methods, path));
    outer.chain(json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_spell_as_they_like_and_operators_do_not() {
        let at = |path: &str| door(&Method::GET, path);
        assert_eq!(at("/TRX/"), Some(Door::Text(Kind::Trx)));
        assert_eq!(at("/callback/sup/secret"), Some(Door::SupplierCallback));
        assert_eq!(at("/V1/x"), Some(Door::Json));
        assert_eq!(at("/healthz"), Some(Door::Alive));
        for path in ["/Healthz", "/healthz/", "/metrics", "/callback", "/v1", "/seller/topup", "/"]
        {
            assert_eq!(at(path), None, "{path}");
        }
        assert_eq!(door(&Method::POST, "/seller/topup"), Some(Door::SellerTopup));
        assert_eq!((door(&Method::DELETE, "/trx"), door(&Method::HEAD, "/trx")), (None, None));
        assert_eq!(door(&Method::HEAD, "/harga/json"), Some(Door::PriceList));
        assert_eq!(json(&Method::GET, "/v1/purchases/a/b"), Some((Json::Look, "a/b")));
        assert_eq!(json(&Method::POST, "/v1/callbacks/7/replay"), Some((Json::Replay, "7")));
        assert_eq!(json(&Method::POST, "/v1/balance"), None);
    }
}
