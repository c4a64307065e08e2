//! Where a request comes from and where it leads: forms of other sites are refused, and who has to
//! log in first goes on to the page that was asked for.
//!
//! A place to go on to is only ever one of our own pages. Session cookies are `SameSite=Strict`: a
//! link in a mail or a chat arrives without one, so such a page is asked for once more from here.

use crate::Inner;
use crate::ask::Ask;
use crate::routes;
use http::Method;
use office::Problem;

/// Longest place that is remembered.
const PLACE_MOST: usize = 512;

/// The two doors with pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Console,
    Portal,
}

impl Door {
    /// The door that a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        let portal = path == "/portal" || path.starts_with("/portal/");
        if portal { Self::Portal } else { Self::Console }
    }

    pub(crate) const fn root(self) -> &'static str {
        match self {
            Self::Console => "/console",
            Self::Portal => "/portal",
        }
    }

    const fn login(self) -> &'static str {
        match self {
            Self::Console => "/console/login",
            Self::Portal => "/portal/login",
        }
    }
}

/// True for what gives a file: it costs, so it is never asked for in somebody's name.
pub(crate) fn is_file(path: &str) -> bool {
    path.ends_with(".csv") || path.ends_with(".xlsx")
}

/// The place, when it is a page of this door that may be opened by going there.
fn page(door: Door, place: &str) -> Option<&str> {
    let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if place.len() > PLACE_MOST || !place.bytes().all(visible) {
        return None;
    }
    let path = place.split(['?', '#']).next().unwrap_or_default();
    let closed = is_file(path) || path.ends_with("/live") || path == door.login();
    let fits = Door::of(path) == door && routes::is_page(path);
    (fits && !closed).then_some(place)
}

/// Where somebody goes who has just logged in: what the login page carried, or the first page.
pub(crate) fn after_login(door: Door, carried: &str) -> &str {
    page(door, carried).unwrap_or(door.root())
}

/// The login page, with what was asked for.
pub(crate) fn login_for(door: Door, carried: &str) -> String {
    match page(door, carried) {
        Some(place) if place != door.root() => {
            let place: String = form_urlencoded::byte_serialize(place.as_bytes()).collect();
            format!("{}?to={place}", door.login())
        }
        Some(_) | None => door.login().to_owned(),
    }
}

/// The page to ask for once more from here, when another site led to it and the browser kept the
/// session's cookie back.
pub(crate) fn once_more(ask: &Ask) -> Option<&str> {
    if ask.method != Method::GET || ask.header("sec-fetch-site") != Some("cross-site") {
        return None;
    }
    page(Door::of(&ask.path), &ask.target)
}

/// A login form of another site would log people in as somebody else; a form of another site would
/// act in their name. Browsers say where a form was; programs, which have no session to lose, do not.
pub(crate) fn from_here(ask: &Ask) -> bool {
    match ask.header("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => ask.headers.get("origin").is_none_or(|origin| {
            origin.to_str().is_ok_and(|origin| is_host(origin, ask.host.as_deref()))
        }),
    }
}

/// Whether an origin is the host that was asked.
fn is_host(origin: &str, host: Option<&str>) -> bool {
    let Some((scheme, named)) = origin.split_once("://") else { return false };
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    // The usual port is as good as unsaid, on both sides.
    let bare = |name: &str| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    host.is_some_and(|host| bare(named) == bare(host))
}

/// The same as a refusal.
pub(crate) fn must_be_from_here(ask: &Ask) -> Result<(), Problem> {
    if from_here(ask) {
        return Ok(());
    }
    Err(Problem::forbidden("this form came from another site"))
}

/// Cookies travel over TLS only, where there is TLS.
pub(crate) fn over_tls(console: &Inner, answer: &mut crate::Answer) {
    if !console.settings.secure {
        return;
    }
    let headers = answer.headers_mut();
    let cookies: Vec<_> = headers.get_all(http::header::SET_COOKIE).iter().cloned().collect();
    headers.remove(http::header::SET_COOKIE);
    for cookie in cookies {
        let whole = cookie.to_str().ok().filter(|text| !text.contains("; Secure"));
        let secure = whole.and_then(|text| format!("{text}; Secure").parse().ok());
        headers.append(http::header::SET_COOKIE, secure.unwrap_or(cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_go_on_to_is_one_of_our_own_pages() {
        for place in ["/console", "/console/trx/5", "/console/trx?state=pending&page=2"] {
            assert_eq!(after_login(Door::Console, place), place);
        }
        assert_eq!(after_login(Door::Portal, "/portal/trx?q=R%231"), "/portal/trx?q=R%231");
        for place in [
            "",
            "//evil.example/console",
            "/\\evil.example",
            "/console\\..\\evil",
            "https://evil.example/console",
            "/console/../portal",
            "/consolex",
            "/portal",
            "/console/login?to=/console/trx",
            "/console/live",
            "/console/logout",
            "/console/reports.csv?by=hour",
            "/console/members/OK00123/statement.xlsx",
            "/console/trx\r\nSet-Cookie: x=y",
            "/console/trx?q=\u{202e}",
            "/console/no-such-page",
        ] {
            assert_eq!(after_login(Door::Console, place), "/console", "{place}");
            assert_eq!(login_for(Door::Console, place), "/console/login", "{place}");
        }
        let long = format!("/console/trx?q={}", "x".repeat(PLACE_MOST));
        assert_eq!(after_login(Door::Console, &long), "/console");
        assert_eq!(
            login_for(Door::Console, "/console/trx?a=b&c=d"),
            "/console/login?to=%2Fconsole%2Ftrx%3Fa%3Db%26c%3Dd"
        );
    }

    #[test]
    fn an_origin_is_compared_with_the_host_that_was_asked() {
        for (origin, host, ours) in [
            ("https://h2h.example", "h2h.example", true),
            ("https://h2h.example", "H2H.example:443", true),
            ("https://h2h.example:8443", "h2h.example:8443", true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("https://h2h.example:8443", "h2h.example", false),
            ("https://evil.example", "h2h.example", false),
            ("https://h2h.example.evil.example", "h2h.example", false),
            ("null", "h2h.example", false),
            ("file://", "h2h.example", false),
        ] {
            assert_eq!(is_host(origin, Some(host)), ours, "{origin} {host}");
        }
        assert!(!is_host("https://h2h.example", None));
    }
}
