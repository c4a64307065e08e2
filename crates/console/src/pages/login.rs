//! Coming in and leaving, and the two files that pages need.

use super::frame;
use crate::Inner;
use crate::ask::{Ask, flash_cookie};
use crate::door::{Door, after_login, login_for, must_be_from_here};
use crate::reply::{self, Answer, told, with_cookie};
use crate::view::{Field, Form, Input, Part, Tone};
use office::Problem;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const STYLES: &[u8] = include_bytes!("../../static/console.css");
const SCRIPT: &[u8] = include_bytes!("../../static/console.js");

fn named(content: &[u8], ending: &str) -> String {
    let digest = Sha256::digest(content);
    let short = types::hex(&digest[..6]);
    format!("/assets/{short}.{ending}")
}

/// The names change with the content, so that files are kept for ever.
pub(crate) static CSS: LazyLock<String> = LazyLock::new(|| named(STYLES, "css"));
pub(crate) static JS: LazyLock<String> = LazyLock::new(|| named(SCRIPT, "js"));

pub(crate) async fn asset(_: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    if ask.path == *CSS {
        return Ok(reply::asset("text/css; charset=utf-8", STYLES));
    }
    if ask.path == *JS {
        return Ok(reply::asset("text/javascript; charset=utf-8", SCRIPT));
    }
    Err(Problem::missing("there is no such file").into())
}

pub(crate) fn cookie_name(console: &Inner) -> &'static str {
    if console.settings.secure { "__Host-gerbang" } else { "gerbang" }
}

/// A cookie for a session: never readable by scripts, never sent from other sites.
pub(crate) fn session_cookie(name: &str, token: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let age = if token.is_empty() { "; Max-Age=0" } else { "" };
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

pub(crate) async fn form(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let mut parts = vec![Part::Form(Form {
        action: "/console/login".to_owned(),
        fields: vec![
            Field::hidden("to", ask.asked("to").unwrap_or_default()),
            Field::new("login", ask.t("Login")).needed(),
            Field::new("password", ask.t("Password")).input(Input::Password).needed(),
            Field::new("code", ask.t("Code")).hint(
                ask.t("six digits of your authenticator app, or a recovery code; if you use one"),
            ),
        ],
        button: ask.t("Log in").to_owned(),
        ..Form::default()
    })];
    if let Some(demo) = &console.settings.demo {
        parts.push(Part::Note { text: demo.clone(), tone: Tone::Quiet });
    }
    frame::show(console, ask, ask.t("Console"), parts).await
}

pub(crate) async fn enter(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    must_be_from_here(ask)?;
    let (login, password, code) = (ask.given("login"), ask.given("password"), ask.given("code"));
    match console.office.log_in(login, password, code, &ask.from).await {
        Ok(token) => {
            let cookie = session_cookie(cookie_name(console), &token, console.settings.secure);
            Ok(with_cookie(reply::to(after_login(Door::Console, ask.given("to"))), &cookie))
        }
        Err(error) => {
            let cookie = flash_cookie("bad", &ask.lang.told(&told(&error).detail));
            let again = login_for(Door::Console, ask.given("to"));
            Ok(with_cookie(reply::to(&again), &cookie))
        }
    }
}

pub(crate) async fn leave(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    if let Some(signed) = &ask.signed {
        console.office.kill_session(&signed.actor, &signed.session).await?;
    }
    let cookie = session_cookie(cookie_name(console), "", console.settings.secure);
    Ok(with_cookie(reply::to("/console/login"), &cookie))
}

pub(crate) async fn language(_: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    must_be_from_here(ask)?;
    let lang = if ask.part(0) == "en" { "en" } else { "id" };
    let root = Door::of(&ask.path).root();
    let cookie = format!("gerbang_lang={lang}; Path=/; Max-Age=31536000; SameSite=Lax");
    Ok(with_cookie(reply::to(root), &cookie))
}
