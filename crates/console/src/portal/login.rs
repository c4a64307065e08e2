//! A member comes in with its portal password, and the first time with what it buys with.

use crate::Inner;
use crate::ask::{Ask, flash_cookie};
use crate::door::{Door, after_login, login_for, must_be_from_here};
use crate::pages::frame;
use crate::pages::login::session_cookie;
use crate::reply::{self, Answer, told, with_cookie};
use crate::view::{Field, Form, Input, Part, Tone};
use office::{Actor, MemberLogin};

pub(crate) use crate::pages::login::language;

pub(crate) fn cookie_name(console: &Inner) -> &'static str {
    if console.settings.secure { "__Host-gerbang-portal" } else { "gerbang-portal" }
}

pub(crate) async fn form(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let mut parts = vec![Part::Form(Form {
        action: "/portal/login".to_owned(),
        fields: vec![
            Field::hidden("to", ask.asked("to").unwrap_or_default()),
            Field::new("member", ask.t("Member code")).needed().hint("OK00123"),
            Field::new("password", ask.t("Password")).input(Input::Password).needed(),
            Field::new("pin", "PIN").input(Input::Password).hint(
                ask.t(
                    "the first time: the password and PIN of your program; then choose a password",
                ),
            ),
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
    frame::show(console, ask, ask.t("Member portal"), parts).await
}

pub(crate) async fn enter(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    must_be_from_here(ask)?;
    let typed = MemberLogin {
        code: ask.given("member"),
        password: ask.given("password"),
        pin: ask.given("pin"),
        second: ask.given("code"),
    };
    match console.office.log_member_in(typed, &ask.from).await {
        Ok(token) => {
            let cookie = session_cookie(cookie_name(console), &token, console.settings.secure);
            Ok(with_cookie(reply::to(after_login(Door::Portal, ask.given("to"))), &cookie))
        }
        Err(error) => {
            let cookie = flash_cookie("bad", &ask.lang.told(&told(&error).detail));
            let again = login_for(Door::Portal, ask.given("to"));
            Ok(with_cookie(reply::to(&again), &cookie))
        }
    }
}

pub(crate) async fn leave(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    if let Some(member) = &ask.member {
        let actor = Actor::member(&member.code, &ask.from);
        console.office.kill_session(&actor, &member.session).await?;
    }
    let cookie = session_cookie(cookie_name(console), "", console.settings.secure);
    Ok(with_cookie(reply::to("/portal/login"), &cookie))
}
