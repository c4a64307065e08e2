//! What is around every page: menu, language, who is here.

use crate::Inner;
use crate::ask::Ask;
use crate::door::Door;
use crate::pages::login::{CSS, JS};
use crate::reply::{Answer, html, with_cookie};
use crate::view::{Entry, Field, Form, Page, Part, Tone, Words};
use askama::Template as _;
use http::StatusCode;
use office::{Actor, Permission, Problem};

/// Somebody who is signed in; handlers behind a `Need` always have one.
pub(crate) fn actor(ask: &Ask) -> anyhow::Result<&Actor> {
    let signed = ask.signed.as_ref();
    Ok(&signed.ok_or_else(|| Problem::forbidden("nobody is signed in"))?.actor)
}

/// The key of this session's forms.
pub(crate) fn key(ask: &Ask) -> String {
    let user = ask.signed.as_ref().map(|signed| signed.form_key.clone());
    user.or(ask.member.as_ref().map(|member| member.form_key.clone())).unwrap_or_default()
}

/// A form that changes something, with the session's key.
pub(crate) fn form(ask: &Ask, action: &str, fields: Vec<Field>, button: &str) -> Part {
    Part::Form(Form {
        action: action.to_owned(),
        fields,
        button: button.to_owned(),
        form_key: key(ask),
        ..Form::default()
    })
}

fn words(ask: &Ask) -> Words {
    Words { log_out: ask.t("Log out"), account: ask.t("Your account"), menu: ask.t("Menu") }
}

/// Entries the role may open.
async fn menu(console: &Inner, ask: &Ask) -> Vec<Entry> {
    let Some(signed) = ask.signed.as_ref().filter(|signed| !signed.must_set_up) else {
        return Vec::new();
    };
    let role = signed.actor.role;
    let counts = console.office.handle.reads().ask(|reads| reads.counts()).await;
    let suspects = match counts {
        Ok(Ok(counts)) => counts.suspect,
        Ok(Err(_)) | Err(_) => 0,
    };
    let all = [
        (ask.t("Dashboard"), "/console", Permission::Look, 0),
        (ask.t("Transactions"), "/console/trx", Permission::Look, 0),
        (ask.t("Suspects"), "/console/suspects", Permission::Look, suspects),
        (ask.t("Members"), "/console/members", Permission::Look, 0),
        (ask.t("Products"), "/console/products", Permission::Look, 0),
        (ask.t("Suppliers"), "/console/suppliers", Permission::Look, 0),
        (ask.t("Callbacks"), "/console/callbacks", Permission::Look, 0),
        (ask.t("Money"), "/console/money", Permission::SeeMoney, 0),
        (ask.t("Reconcile"), "/console/reconcile", Permission::SeeMoney, 0),
        (ask.t("Reports"), "/console/reports", Permission::SeeMoney, 0),
        (ask.t("Journal"), "/console/journal", Permission::Audit, 0),
        (ask.t("Users"), "/console/users", Permission::ManageUsers, 0),
    ];
    let here = |href: &str| {
        ask.path == href || (href != "/console" && ask.path.starts_with(&format!("{href}/")))
    };
    all.into_iter()
        .filter(|(_, _, permission, _)| role.may(*permission))
        .map(|(text, href, _, count)| Entry {
            text: text.to_owned(),
            href,
            here: here(href),
            count,
        })
        .collect()
}

async fn member_menu(console: &Inner, ask: &Ask) -> Vec<Entry> {
    if ask.member.as_ref().is_some_and(|member| member.must_set_password) {
        return Vec::new();
    }
    let downlines = console.office.rules().await.is_ok_and(|rules| rules.downlines);
    [
        (ask.t("Overview"), "/portal"),
        (ask.t("Transactions"), "/portal/trx"),
        (ask.t("Statement"), "/portal/statement"),
        (ask.t("Prices"), "/portal/prices"),
        (ask.t("What changed"), "/portal/news"),
        (ask.t("Deposits"), "/portal/deposits"),
        (ask.t("Callbacks"), "/portal/callbacks"),
        (ask.t("Network"), "/portal/network"),
        (ask.t("API"), "/portal/api"),
        (ask.t("Sandbox"), "/portal/sandbox"),
        (ask.t("Account"), "/portal/account"),
    ]
    .into_iter()
    .filter(|(_, href)| downlines || *href != "/portal/network")
    .map(|(text, href)| Entry { text: text.to_owned(), href, here: ask.path == href, count: 0 })
    .collect()
}

/// A business with one person is honest about it, on every page of whoever moves money.
async fn one_person(console: &Inner, ask: &Ask) -> anyhow::Result<Option<Part>> {
    let Some(signed) = &ask.signed else { return Ok(None) };
    let concerned = signed.actor.role.may(Permission::MoveMoney);
    if !concerned || console.office.has_two_persons().await? {
        return Ok(None);
    }
    let minutes = console.office.rules().await?.cooling_minutes;
    let text = format!(
        "{} {minutes} {}",
        ask.t("Only one person may agree here, so what needs a second one waits instead, for"),
        ask.t("minutes. Add a second user who may.")
    );
    Ok(Some(Part::Note { text, tone: Tone::Warn }))
}

/// What is said of an act that waits.
pub(crate) async fn waiting(console: &Inner, ask: &Ask) -> anyhow::Result<&'static str> {
    Ok(match console.office.has_two_persons().await? {
        true => ask.t("A second person must agree."),
        false => ask.t("It waits for a while, because nobody else may agree here."),
    })
}

/// Restored, and not opened yet: whoever logs in sees that first.
fn restored(console: &Inner, ask: &Ask) -> Option<Part> {
    (ask.signed.is_some() && console.office.handle.is_closed()).then(|| Part::Note {
        text: ask
            .t("This business was restored and sells nothing yet. Users, members and their \
                credentials are as they were when the copy was made: go through them, compare the \
                suppliers' statements, then gerbang restore --open.")
            .to_owned(),
        tone: Tone::Warn,
    })
}

async fn page(
    console: &Inner,
    ask: &Ask,
    status: StatusCode,
    title: &str,
    parts: Vec<Part>,
    live: bool,
) -> anyhow::Result<Answer> {
    let flash = ask.flash();
    let mut parts = parts;
    if let Some(note) = one_person(console, ask).await? {
        parts.insert(0, note);
    }
    if let Some(note) = restored(console, ask) {
        parts.insert(0, note);
    }
    let page = Page {
        lang: ask.lang.code(),
        title: title.to_owned(),
        parts,
        menu: match (&ask.signed, &ask.member) {
            (Some(_), _) => menu(console, ask).await,
            (None, Some(_)) => member_menu(console, ask).await,
            (None, None) => Vec::new(),
        },
        who: match (&ask.signed, &ask.member) {
            (Some(signed), _) => format!("{} · {}", signed.name, signed.actor.role.word()),
            (None, Some(member)) => member.code.to_string(),
            (None, None) => String::new(),
        },
        form_key: key(ask),
        root: Door::of(&ask.path).root(),
        live,
        words: words(ask),
        css: CSS.as_str(),
        js: JS.as_str(),
        flash: flash.clone(),
        once_more: None,
    };
    let answer = html(status, page.render()?);
    Ok(match flash {
        None => answer,
        Some(_) => with_cookie(answer, "gerbang_flash=; Path=/; Max-Age=0; HttpOnly"),
    })
}

/// A page.
pub(crate) async fn show(
    console: &Inner,
    ask: &Ask,
    title: &str,
    parts: Vec<Part>,
) -> anyhow::Result<Answer> {
    page(console, ask, StatusCode::OK, title, parts, false).await
}

/// A page that is made anew when something happens.
pub(crate) async fn show_live(
    console: &Inner,
    ask: &Ask,
    title: &str,
    parts: Vec<Part>,
) -> anyhow::Result<Answer> {
    page(console, ask, StatusCode::OK, title, parts, true).await
}

fn plain(ask: &Ask, problem: &Problem, menu: Vec<Entry>, who: String) -> Answer {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let parts = vec![Part::Note { text: ask.lang.told(&problem.detail), tone: Tone::Bad }];
    let page =
        Page { menu, who, form_key: key(ask), ..empty(ask, ask.t("That did not work"), parts) };
    rendered(status, &page)
}

/// A page that reads nothing: no menu, no forms.
fn empty(ask: &Ask, title: &str, parts: Vec<Part>) -> Page {
    Page {
        lang: ask.lang.code(),
        title: title.to_owned(),
        parts,
        menu: Vec::new(),
        who: String::new(),
        form_key: String::new(),
        root: Door::of(&ask.path).root(),
        live: false,
        words: words(ask),
        css: CSS.as_str(),
        js: JS.as_str(),
        flash: None,
        once_more: None,
    }
}

fn rendered(status: StatusCode, page: &Page) -> Answer {
    match page.render() {
        Ok(text) => html(status, text),
        Err(_) => html(StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    }
}

/// A problem as a page of its own.
pub(crate) fn wrong(_: &Inner, ask: &Ask, problem: &Problem) -> Answer {
    let home = |href| Entry { text: ask.t("Back").to_owned(), href, here: false, count: 0 };
    let menu = match (&ask.signed, &ask.member) {
        (Some(_), _) => vec![home("/console")],
        (None, Some(_)) => vec![home("/portal")],
        (None, None) => Vec::new(),
    };
    plain(ask, problem, menu, String::new())
}

/// The same for who is not signed in.
pub(crate) fn bare(ask: &Ask, problem: &Problem) -> Answer {
    plain(ask, problem, Vec::new(), String::new())
}

/// Asks for a page once more, from here: a link on another site brings no cookie of ours along.
pub(crate) fn once_more(ask: &Ask, place: &str) -> Answer {
    let parts = vec![Part::Tabs(vec![(ask.t("Go on").to_owned(), place.to_owned(), false)])];
    let page = Page { once_more: Some(place.to_owned()), ..empty(ask, ask.t("One moment"), parts) };
    rendered(StatusCode::OK, &page)
}
