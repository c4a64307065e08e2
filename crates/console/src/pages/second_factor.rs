//! One's own second factor: set it up, change it, recovery codes. A login of a role that needs one
//! leads here until it is on.

use super::{frame, proof};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::view::{Cell, Field, Input, Part, Tone};
use office::{Problem, Signed};
use qrcode::QrCode;
use qrcode::render::svg;

/// Where somebody may go who must set one up first.
pub(crate) const PLACES: [&str; 3] =
    ["/console/account/second", "/console/account/second/offer", "/console/logout"];

fn signed(ask: &Ask) -> Result<&Signed, Problem> {
    ask.signed.as_ref().ok_or_else(|| Problem::forbidden("nobody is signed in"))
}

/// What an app reads, and the secret to type where there is no camera; then the first code.
pub(crate) fn setting_up(
    ask: &Ask,
    (secret, url): &(String, String),
    action: &str,
) -> anyhow::Result<Vec<Part>> {
    let code = QrCode::new(url.as_bytes())?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    // The drawing without the header of a file.
    let picture = picture.find("<svg").and_then(|at| picture.get(at..)).unwrap_or_default();
    let text = ask.t("Scan this with an authenticator app, then type the code it shows.");
    Ok(vec![
        Part::Note { text: text.to_owned(), tone: Tone::Quiet },
        Part::Picture(format!("<div class=\"qr\">{picture}</div>")),
        Part::Pre(secret.clone()),
        frame::form(
            ask,
            action,
            vec![Field::new("code", ask.t("Code")).input(Input::Number).needed()],
            ask.t("Turn on"),
        ),
    ])
}

/// Recovery codes, which are shown once.
pub(crate) fn recovery_codes(ask: &Ask, codes: &[String], back: &str) -> Vec<Part> {
    let text = ask.t("Write these recovery codes down now: they are not shown again. Each opens your account once when your app is lost.");
    vec![
        Part::Note { text: text.to_owned(), tone: Tone::Warn },
        Part::Pre(codes.join("\n")),
        Part::Facts(vec![(String::new(), Cell::link(ask.t("I have them"), back))]),
    ]
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let signed = signed(ask)?;
    let login = &signed.actor.name;
    let mut parts = Vec::new();
    if signed.must_set_up {
        let text = ask.t("Your role needs a second factor: set it up to go on.");
        parts.push(Part::Note { text: text.to_owned(), tone: Tone::Warn });
    }
    if signed.second_factor {
        let text = ask.t("On: logging in needs a code of your app.").to_owned();
        parts.push(Part::Note { text, tone: Tone::Good });
    }
    let offered = console.office.offered_second_factor(login, &signed.session).await?;
    if let Some(offered) = &offered {
        parts.extend(setting_up(ask, offered, "/console/account/second")?);
    } else {
        let button =
            if signed.second_factor { ask.t("Set up another app") } else { ask.t("Set up") };
        parts.push(frame::form(ask, "/console/account/second/offer", proof::fields(ask), button));
    }
    if signed.second_factor {
        let users = console.office.users().await?;
        let left = users.iter().find(|user| user.login == *login).map(|user| user.recovery_left);
        parts.push(Part::Heading(ask.t("Recovery codes").to_owned()));
        parts.push(Part::Facts(vec![(ask.t("Not used yet").to_owned(), Cell::maybe(left))]));
        let fields = proof::fields(ask);
        parts.push(frame::form(ask, "/console/account/recovery", fields, ask.t("Make new ones")));
    }
    frame::show(console, ask, ask.t("Second factor"), parts).await
}

pub(crate) async fn offer(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let signed = signed(ask)?;
    let proof = proof::given(ask);
    console.office.offer_second_factor(&signed.actor, &signed.session, proof).await?;
    done("/console/account/second", ask.t("Scan the picture and type the code."))
}

pub(crate) async fn confirm(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let signed = signed(ask)?;
    let code = ask.given("code");
    let codes = console.office.confirm_second_factor(&signed.actor, &signed.session, code).await?;
    let mut parts = vec![Part::Note {
        text: ask.t("On: logging in needs a code of your app.").to_owned(),
        tone: Tone::Good,
    }];
    parts.extend(recovery_codes(ask, &codes, "/console"));
    frame::show(console, ask, ask.t("Recovery codes"), parts).await
}

pub(crate) async fn recovery(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let codes = console.office.renew_recovery(&signed(ask)?.actor, proof::given(ask)).await?;
    let parts = recovery_codes(ask, &codes, "/console/account");
    frame::show(console, ask, ask.t("Recovery codes"), parts).await
}
