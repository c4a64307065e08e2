//! One's own account: password, second factor, sessions.

use super::{frame, users};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::view::{Cell, Field, Form, Input, Part, Tone};
use office::Problem;
use qrcode::QrCode;
use qrcode::render::svg;

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let signed = ask.signed.as_ref().ok_or_else(|| Problem::forbidden("nobody is signed in"))?;
    let login = &signed.actor.name;
    let mut parts = vec![
        Part::Facts(vec![
            (ask.t("Login").to_owned(), Cell::text(login)),
            (ask.t("Name").to_owned(), Cell::text(&signed.name)),
            (ask.t("Role").to_owned(), Cell::text(signed.actor.role.word())),
        ]),
        Part::Heading(ask.t("Password").to_owned()),
        Part::Form(Form {
            action: "/console/account/password".to_owned(),
            fields: vec![
                Field::new("old", ask.t("Old password")).input(Input::Password).needed(),
                Field::new("new", ask.t("New password"))
                    .input(Input::Password)
                    .hint(ask.t("at least 10 characters; your other sessions end"))
                    .needed(),
            ],
            button: ask.t("Save").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }),
        Part::Heading(ask.t("Second factor").to_owned()),
    ];
    if signed.second_factor {
        let text = ask.t("On: logging in needs a code of your app.").to_owned();
        parts.push(Part::Note { text, tone: Tone::Good });
    } else {
        let (secret, url) = console.office.offer_second_factor(login)?;
        let code = QrCode::new(url.as_bytes())?;
        let picture = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
        // The drawing without the header of a file.
        let picture = picture.find("<svg").and_then(|at| picture.get(at..)).unwrap_or_default();
        let text = ask.t("Scan this with an authenticator app, then type the code it shows.");
        parts.push(Part::Note { text: text.to_owned(), tone: Tone::Quiet });
        parts.push(Part::Picture(format!("<div class=\"qr\">{picture}</div>")));
        parts.push(Part::Pre(secret.clone()));
        parts.push(Part::Form(Form {
            action: "/console/account/second".to_owned(),
            fields: vec![
                Field::hidden("secret", secret),
                Field::new("code", ask.t("Code")).input(Input::Number).needed(),
            ],
            button: ask.t("Turn on").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }));
    }
    parts.push(Part::Heading(ask.t("Sessions").to_owned()));
    parts.push(Part::Table(users::sessions(console, ask, Some(login)).await?));
    frame::show(console, ask, ask.t("Your account"), parts).await
}

pub(crate) async fn password(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let keep = ask.signed.as_ref().map(|signed| signed.session.as_str());
    let (old, new) = (ask.given("old"), ask.given("new"));
    console.office.set_password(actor, &actor.name, Some(old), new, keep).await?;
    done("/console/account", ask.t("Saved."))
}

pub(crate) async fn second(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (secret, code) = (ask.given("secret"), ask.given("code"));
    console.office.confirm_second_factor(frame::actor(ask)?, secret, code).await?;
    done("/console/account", ask.t("On: logging in needs a code of your app."))
}

pub(crate) async fn end(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    console.office.kill_session(frame::actor(ask)?, ask.part(0)).await?;
    done("/console/account", ask.t("Ended."))
}
