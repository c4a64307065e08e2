//! Every route with the permission it needs, and the one place that enforces it.

use crate::Inner;
use crate::ask::{Ask, flash_cookie};
use crate::door::{self, Door};
use crate::reply::{self, Answer, told};
use crate::seats::{GoesOn, Weight, Work};
use crate::{api, live, pages, portal};
use http::{Method, StatusCode};
use hyper::body::Incoming;
use office::{Actor, Permission, Problem};
use serde_json::json;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What a handler gives back, later.
pub(crate) type Later<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Answer>> + Send + 'a>>;
type Handler = for<'a> fn(&'a Inner, &'a Ask) -> Later<'a>;

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Everybody: login pages and files.
    Nobody,
    /// Any user of the console.
    User,
    /// A user whose role may this.
    May(Permission),
    /// A token whose role may this.
    Token(Permission),
    /// A member at its portal.
    Member,
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// With placeholders: `/console/trx/{}`.
    pub path: &'static str,
    /// Who may come in.
    pub need: Need,
    /// The name of its handler: `pages::money::credit`.
    pub handler: &'static str,
    pub(crate) run: Handler,
}

macro_rules! routes {
    ($($method:ident $path:literal $need:expr => $run:path;)*) => {
        &[$(Route {
            method: stringify!($method),
            path: $path,
            need: $need,
            handler: stringify!($run),
            run: |console, ask| Box::pin($run(console, ask)),
        }),*]
    };
}

use Need::{Member, Nobody, User};
use Permission::{
    Approve, Audit, Look, ManageCatalog, ManageMembers, ManageSuppliers, ManageUsers, MoveMoney,
    Replay, ReportBank, Resolve, SeeMoney,
};

const fn may(permission: Permission) -> Need {
    Need::May(permission)
}

const PAGES: &[Route] = routes! {
    GET "/assets/{}" Nobody => pages::login::asset;
    GET "/console/login" Nobody => pages::login::form;
    POST "/console/login" Nobody => pages::login::enter;
    POST "/console/language/{}" Nobody => pages::login::language;
    POST "/console/logout" User => pages::login::leave;
    GET "/console/live" User => live::live;
    GET "/console" may(Look) => pages::dashboard::show;
    GET "/console/trx" may(Look) => pages::trx::list;
    GET "/console/trx/{}" may(Look) => pages::trx::show;
    POST "/console/trx/{}/resolve" may(Resolve) => pages::trx::resolve;
    POST "/console/trx/{}/check" may(Replay) => pages::trx::check;
    POST "/console/trx/{}/replay" may(Replay) => pages::trx::replay;
    GET "/console/suspects" may(Look) => pages::trx::suspects;
    GET "/console/callbacks" may(Look) => pages::callbacks::list;
    POST "/console/callbacks/replay" may(Replay) => pages::callbacks::replay;
    GET "/console/members" may(Look) => pages::members::list;
    POST "/console/members" may(ManageMembers) => pages::members::create;
    GET "/console/members.csv" may(ManageMembers) => pages::takeover::export;
    POST "/console/members/import" may(ManageMembers) => pages::takeover::import;
    GET "/console/members/{}" may(Look) => pages::members::show;
    POST "/console/members/{}" may(ManageMembers) => pages::members::change;
    POST "/console/members/{}/limit" may(ManageMembers) => pages::members::limit;
    POST "/console/members/{}/ping" may(Replay) => pages::members::ping;
    POST "/console/members/{}/rotate" may(ManageMembers) => pages::members::rotate;
    POST "/console/members/{}/portal" may(ManageMembers) => pages::members::forget_portal;
    GET "/console/members/{}/statement.csv" may(SeeMoney) => pages::statement::member_export;
    GET "/console/members/{}/statement.xlsx" may(SeeMoney) => pages::statement::member_export;
    GET "/console/members/{}/statement" may(SeeMoney) => pages::statement::member_statement;
    GET "/console/products" may(Look) => pages::products::list;
    GET "/console/products.csv" may(Look) => pages::import::export;
    POST "/console/products/import" may(ManageCatalog) => pages::import::import;
    POST "/console/products/bulk" may(ManageCatalog) => pages::products::bulk;
    POST "/console/levels" may(ManageCatalog) => pages::products::level;
    GET "/console/products/{}" may(Look) => pages::products::show;
    POST "/console/products/{}" may(ManageCatalog) => pages::products::change;
    POST "/console/products/{}/route" may(ManageSuppliers) => pages::products::route;
    GET "/console/suppliers" may(Look) => pages::suppliers::list;
    POST "/console/suppliers" may(ManageSuppliers) => pages::suppliers::add;
    GET "/console/suppliers/{}" may(Look) => pages::suppliers::show;
    POST "/console/suppliers/{}" may(ManageSuppliers) => pages::suppliers::change;
    POST "/console/suppliers/{}/sync" may(ManageSuppliers) => pages::suppliers::sync;
    POST "/console/suppliers/{}/explain" may(Look) => pages::suppliers::explain;
    GET "/console/money" may(SeeMoney) => pages::money::show;
    POST "/console/money/credit" may(MoveMoney) => pages::money::credit;
    POST "/console/money/give" may(MoveMoney) => pages::money::give;
    POST "/console/money/approval/{}" may(Approve) => pages::money::approve;
    POST "/console/money/bank" may(MoveMoney) => pages::money::bank;
    POST "/console/money/ticket" may(MoveMoney) => pages::money::ticket;
    POST "/console/money/ticket/{}/cancel" may(MoveMoney) => pages::money::cancel;
    POST "/console/money/mutations" may(ReportBank) => pages::money::mutations;
    POST "/console/money/mutation/{}" may(MoveMoney) => pages::money::settle;
    GET "/console/money/account/{}" may(SeeMoney) => pages::statement::statement;
    GET "/console/money/closing" may(SeeMoney) => pages::closing::show;
    POST "/console/money/book" may(MoveMoney) => pages::closing::book;
    GET "/console/reconcile" may(SeeMoney) => pages::reconcile::list;
    POST "/console/reconcile" may(MoveMoney) => pages::reconcile::compare;
    GET "/console/reconcile/{}" may(SeeMoney) => pages::reconcile::show;
    POST "/console/reconcile/{}/{}" may(MoveMoney) => pages::reconcile::settle;
    GET "/console/reports" may(SeeMoney) => pages::reports::show;
    GET "/console/reports.csv" may(SeeMoney) => pages::reports::export;
    GET "/console/reports.xlsx" may(SeeMoney) => pages::reports::export;
    GET "/console/journal" may(Audit) => pages::journal::show;
    GET "/console/users" may(ManageUsers) => pages::users::list;
    POST "/console/users" may(ManageUsers) => pages::users::add;
    GET "/console/users/{}" may(ManageUsers) => pages::user::show;
    POST "/console/users/{}" may(ManageUsers) => pages::user::change;
    POST "/console/rules" may(ManageUsers) => pages::users::rules;
    POST "/console/tokens" may(ManageUsers) => pages::users::token;
    POST "/console/tokens/{}/remove" may(ManageUsers) => pages::users::remove_token;
    GET "/console/account" User => pages::account::show;
    POST "/console/account/password" User => pages::account::password;
    GET "/console/account/second" User => pages::second_factor::show;
    POST "/console/account/second" User => pages::second_factor::confirm;
    POST "/console/account/second/offer" User => pages::second_factor::offer;
    POST "/console/account/recovery" User => pages::second_factor::recovery;
    POST "/console/session/{}/end" User => pages::account::end;
    GET "/portal/login" Nobody => portal::login::form;
    POST "/portal/login" Nobody => portal::login::enter;
    POST "/portal/language/{}" Nobody => portal::login::language;
    POST "/portal/logout" Member => portal::login::leave;
    GET "/portal/live" Member => live::live;
    GET "/portal" Member => portal::pages::home;
    GET "/portal/trx" Member => portal::pages::trx;
    GET "/portal/statement.csv" Member => portal::pages::export;
    GET "/portal/statement.xlsx" Member => portal::pages::export;
    GET "/portal/statement" Member => portal::pages::statement;
    GET "/portal/prices" Member => portal::pages::prices;
    GET "/portal/news" Member => portal::pages::news;
    GET "/portal/deposits" Member => portal::pages::deposits;
    POST "/portal/deposits" Member => portal::pages::ask_deposit;
    POST "/portal/deposits/{}/cancel" Member => portal::pages::cancel_deposit;
    GET "/portal/callbacks" Member => portal::pages::callbacks;
    POST "/portal/callbacks/test" Member => portal::pages::ping;
    POST "/portal/callbacks/{}/replay" Member => portal::pages::replay;
    GET "/portal/network" Member => portal::network::show;
    POST "/portal/network" Member => portal::network::add;
    POST "/portal/network/markup" Member => portal::network::markup;
    POST "/portal/network/give" Member => portal::network::give;
    GET "/portal/sandbox" Member => portal::sandbox::show;
    POST "/portal/sandbox" Member => portal::sandbox::switch;
    GET "/portal/account" Member => portal::account::show;
    POST "/portal/account" Member => portal::account::change;
    GET "/portal/password" Member => portal::password::show;
    POST "/portal/password" Member => portal::password::choose;
    POST "/portal/password/change" Member => portal::password::change;
    GET "/portal/second" Member => portal::password::second;
    POST "/portal/second" Member => portal::password::confirm;
    POST "/portal/second/offer" Member => portal::password::offer;
    POST "/portal/second/off" Member => portal::password::off;
    GET "/portal/api" Member => portal::docs::show;
    POST "/portal/keys" Member => portal::docs::add_key;
    POST "/portal/keys/{}/remove" Member => portal::docs::remove_key;
};

/// All routes, for tests and for the description of the API.
#[must_use]
pub fn console_routes() -> Vec<Route> {
    PAGES.iter().chain(api::ROUTES).copied().collect()
}

/// True for what may be opened by going there.
pub(crate) fn is_page(path: &str) -> bool {
    PAGES.iter().any(|route| route.method == "GET" && fits(route.path, path).is_some())
}

/// What stands at the placeholders, when the path fits.
fn fits(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(parts),
            (Some("{}"), Some(part)) if !part.is_empty() => {
                let text = form_urlencoded::parse(part.as_bytes()).next();
                parts.push(text.map_or_else(String::new, |(name, _)| name.into_owned()));
            }
            (Some(wanted), Some(found)) if wanted == found => {}
            (Some(_) | None, _) => return None,
        }
    }
}

/// Bytes of a form or document of a member, or of somebody who is not known yet.
const STRANGERS_MOST: usize = 16 * 1024;
/// Of who works here.
const KNOWN_MOST: usize = 256 * 1024;
/// Of a file, for who may send one.
const FILE_MOST: usize = 8 * 1024 * 1024;
/// Where files are sent to.
const FILES: [&str; 7] = [
    "/console/members/import",
    "/console/products/import",
    "/console/money/mutations",
    "/console/reconcile",
    "/admin/v1/products",
    "/admin/v1/mutations",
    "/admin/v1/reconciliations",
];

/// How much of a body is read, once it is known who sends it.
fn most(route: &Route) -> usize {
    match route.need {
        Need::Nobody | Need::Member => STRANGERS_MOST,
        Need::User | Need::May(_) | Need::Token(_) => {
            if FILES.contains(&route.path) {
                FILE_MOST
            } else {
                KNOWN_MOST
            }
        }
    }
}

pub(crate) async fn answer(console: &Arc<Inner>, mut ask: Ask, body: Incoming) -> Answer {
    let path = match ask.path.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    };
    let method = if ask.method == Method::HEAD { Method::GET } else { ask.method.clone() };
    let mut here = PAGES
        .iter()
        .chain(api::ROUTES)
        .filter_map(|route| fits(route.path, &path).map(|parts| (route, parts)));
    let mut known = false;
    let found = here.find(|(route, _)| {
        known = true;
        route.method == method.as_str()
    });
    let Some((route, parts)) = found else {
        let status = if known { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
        return missing(&ask, status);
    };
    ask.parts = parts;
    // Nothing is read for a stranger but where strangers log in, and little there.
    match enter(console, &mut ask, route).await {
        Ok(None) => {}
        Ok(Some(answer)) => return answer,
        Err(error) => return failed(console, &ask, route.need, &error),
    }
    if ask.method == Method::POST
        && let Err(problem) = ask.read(body, most(route)).await
    {
        return failed(console, &ask, route.need, &problem.into());
    }
    if let Err(problem) = must_be_ours(console, &ask, route).await {
        return failed(console, &ask, route.need, &problem.into());
    }
    if let Some(problem) = ask.unfit() {
        return match route.need {
            Need::Token(_) => reply::problem(&problem),
            Need::Nobody | Need::User | Need::May(_) | Need::Member => {
                pages::frame::wrong(console, &ask, &problem)
            }
        };
    }
    let ask = Arc::new(ask);
    match run(console, &ask, route).await {
        Ok(answer) => answer,
        Err(error) => failed(console, &ask, route.need, &error),
    }
}

/// Runs a handler where it delays nobody; who takes a file away leaves a line.
async fn run(
    console: &Arc<Inner>,
    ask: &Arc<Ask>,
    route: &'static Route,
) -> anyhow::Result<Answer> {
    let actor = ask.actor();
    let weight = Weight::of(route.path, FILES.contains(&route.path));
    let work: Work<Answer> = {
        let (console, ask) = (console.clone(), ask.clone());
        Box::pin(async move {
            engine::panic_point("page");
            (route.run)(&console, &ask).await
        })
    };
    let who = actor.as_ref().map_or("", |actor| actor.name.as_str());
    let door = Door::of(&ask.path);
    if weight == Weight::File {
        // It costs much, and nobody takes one away through a page of somebody else.
        door::must_be_from_here(ask)?;
        console.office.may_take_away(&format!("{} {who}", door.root()))?;
    }
    let (answer, turn) = console.seats.run(weight, door, who, work).await?;
    if route.path.ends_with("/journal")
        && let Some(actor) = &actor
    {
        // Not the words that were looked for: they may be what must not be written down.
        let read = json!({"path": ask.path, "older": ask.asked("below").is_some()});
        console.office.audit(actor, "journal read", &read, "").await;
    }
    let Some(turn) = turn else { return Ok(answer) };
    let answer = reply::held(answer, turn, &console.seats, goes_on(console, ask))?;
    if let Some(actor) = actor {
        let what: String = ask.target.chars().take(300).collect();
        let taken = json!({"file": what});
        console.office.audit(&actor, "export", &taken, "taken away").await;
    }
    Ok(answer)
}

/// Whether the session of who asks has not ended.
fn goes_on(console: &Arc<Inner>, ask: &Ask) -> GoesOn {
    let (office, session) = (console.office.clone(), ask.session());
    Box::new(move || {
        let (office, session) = (office.clone(), session.clone());
        Box::pin(async move {
            let Some((session, member)) = session else { return false };
            // A store that does not answer says nothing of the session.
            !matches!(office.goes_on(&session, member).await, Ok(false))
        })
    })
}

/// Nothing when it may; else the journal has a line of what was tried.
async fn must(
    console: &Inner,
    ask: &Ask,
    route: &Route,
    actor: &Actor,
    permission: Permission,
) -> anyhow::Result<()> {
    let Err(problem) = actor.must(permission) else { return Ok(()) };
    let tried = json!({"method": route.method, "path": ask.path});
    console.office.audit(actor, "forbidden", &tried, problem.code).await;
    Err(problem.into())
}

/// Lets somebody in, or says what is answered instead.
async fn enter(console: &Inner, ask: &mut Ask, route: &Route) -> anyhow::Result<Option<Answer>> {
    match route.need {
        Need::Nobody => return Ok(None),
        Need::User | Need::May(_) => {
            let token = ask.cookie(pages::login::cookie_name(console)).map(str::to_owned);
            ask.signed = match token {
                Some(token) => console.office.signed(&token, &ask.from).await?,
                None => None,
            };
            let Some(signed) = &ask.signed else {
                return Ok(Some(stranger(ask)));
            };
            if signed.must_set_up && !pages::second_factor::PLACES.contains(&route.path) {
                return Ok(Some(reply::to("/console/account/second")));
            }
            if let Need::May(permission) = route.need {
                must(console, ask, route, &signed.actor, permission).await?;
            }
        }
        Need::Member => {
            let token = ask.cookie(portal::login::cookie_name(console)).map(str::to_owned);
            ask.member = match token {
                Some(token) => console.office.signed_member(&token).await?,
                None => None,
            };
            let Some(member) = &ask.member else {
                return Ok(Some(stranger(ask)));
            };
            if member.must_set_password && !portal::password::PLACES.contains(&route.path) {
                return Ok(Some(reply::to("/portal/password")));
            }
        }
        Need::Token(permission) => {
            let given = ask.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
            let actor = match given {
                Some(token) => console.office.token(token.trim(), &ask.from).await?,
                None => None,
            };
            let Some(actor) = actor else {
                if let Some(token) = given {
                    let tried = json!({"method": route.method, "path": route.path});
                    console.office.token_refused(token.trim(), &ask.from, tried).await;
                }
                return Err(Problem {
                    code: "no_token",
                    status: 401,
                    detail: "send `Authorization: Bearer TOKEN`; `gerbang user token` makes one"
                        .to_owned(),
                }
                .into());
            };
            must(console, ask, route, &actor, permission).await?;
            ask.signed = Some(office::Signed {
                name: actor.name.clone(),
                actor,
                session: String::new(),
                form_key: String::new(),
                second_factor: false,
                must_set_up: false,
            });
            return Ok(None);
        }
    }
    Ok(None)
}

/// Who has no session logs in, and goes on to the page that was asked for.
fn stranger(ask: &Ask) -> Answer {
    if let Some(place) = door::once_more(ask) {
        return pages::frame::once_more(ask, place);
    }
    let door = Door::of(&ask.path);
    let wanted = if ask.method == Method::GET { ask.target.as_str() } else { "" };
    reply::to(&door::login_for(door, wanted))
}

/// A form must be of this session; programs show their token with each request.
async fn must_be_ours(console: &Inner, ask: &Ask, route: &Route) -> Result<(), Problem> {
    match route.need {
        Need::User | Need::May(_) | Need::Member => {}
        Need::Nobody | Need::Token(_) => return Ok(()),
    }
    if route.method == "GET" || ask.form_is_ours() {
        return Ok(());
    }
    foreign(console, ask, route).await;
    let why = "this form was not made by this session; open the page again";
    Err(Problem::forbidden(why))
}

/// A line of a form that somebody's browser sent, and that was not made for its session.
async fn foreign(console: &Inner, ask: &Ask, route: &Route) {
    let Some(actor) = ask.actor() else { return };
    let site = ask.header("sec-fetch-site").map(|site| site.chars().take(40).collect::<String>());
    let mut tried = json!({"method": route.method, "path": ask.path, "site": site});
    if console.office.counted_of("foreign form", &actor, &mut tried) {
        let why = "its key is not of this session";
        console.office.audit(&actor, "foreign form", &tried, why).await;
    }
}

fn missing(ask: &Ask, status: StatusCode) -> Answer {
    let title = if status == StatusCode::NOT_FOUND { "not found" } else { "not this way" };
    if ask.path.starts_with("/admin") {
        let code = if status == StatusCode::NOT_FOUND { "not_found" } else { "bad_method" };
        return reply::problem(&Problem {
            code,
            status: status.as_u16(),
            detail: format!("{} {}: {title}", ask.method, ask.path),
        });
    }
    reply::whole(status, "text/plain; charset=utf-8", title)
}

/// A problem as the door tells it: a document, a page, or a note on the page before.
fn failed(console: &Inner, ask: &Ask, need: Need, error: &anyhow::Error) -> Answer {
    let problem = told(error);
    match need {
        Need::Token(_) => reply::problem(&problem),
        Need::Nobody => pages::frame::bare(ask, &problem),
        Need::User | Need::May(_) | Need::Member if ask.method == Method::POST => {
            let answer = reply::to(&back(ask));
            reply::with_cookie(answer, &flash_cookie("bad", &ask.lang.told(&problem.detail)))
        }
        Need::User | Need::May(_) | Need::Member => pages::frame::wrong(console, ask, &problem),
    }
}

/// The page a form came from; only ever one of ours.
fn back(ask: &Ask) -> String {
    let root = Door::of(&ask.path).root();
    let from = ask.header("referer").and_then(|text| {
        let rest = text.split_once("://")?.1;
        rest.find('/').and_then(|at| rest.get(at..))
    });
    match from {
        Some(place) if place.starts_with(root) => place.to_owned(),
        Some(_) | None => root.to_owned(),
    }
}

/// Says that something is done, on a page.
pub(crate) fn done(place: &str, text: &str) -> anyhow::Result<Answer> {
    Ok(reply::with_cookie(reply::to(place), &flash_cookie("good", text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_paths() {
        assert_eq!(fits("/console/trx/{}", "/console/trx/5"), Some(vec!["5".to_owned()]));
        assert_eq!(fits("/console/trx/{}", "/console/trx"), None);
        assert_eq!(fits("/console/trx/{}", "/console/trx/5/6"), None);
        assert_eq!(fits("/a/{}/b", "/a/x%2Fy/b"), Some(vec!["x/y".to_owned()]));
    }

    #[test]
    fn files_are_sent_to_routes_that_are_there() {
        let routes = console_routes();
        for path in FILES {
            let takes = |route: &&Route| route.method == "POST" && route.path == path;
            let route = routes.iter().find(takes);
            assert!(route.is_some_and(|route| most(route) == FILE_MOST), "{path}");
        }
    }

    #[test]
    fn what_changes_something_needs_a_permission() {
        for route in console_routes() {
            let open = ["login", "language/{}"].iter().any(|end| route.path.ends_with(end));
            if route.method != "GET" && !open {
                assert_ne!(route.need, Need::Nobody, "{}", route.path);
            }
            if route.path.starts_with("/admin") {
                let open = route.path == "/admin/v1/openapi.json";
                assert!(open || matches!(route.need, Need::Token(_)), "{}", route.path);
            }
        }
    }
}
