//! One's own account: password, second factor, sessions.

use super::{frame, proof, users};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::view::{Cell, Field, Form, Input, Part, Tone};
use office::Problem;

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
            fields: [
                vec![
                    Field::new("new", ask.t("New password"))
                        .input(Input::Password)
                        .hint(ask.t("at least 10 characters; your other sessions end"))
                        .needed(),
                ],
                proof::fields_named(ask, ask.t("Old password")),
            ]
            .concat(),
            button: ask.t("Save").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }),
        Part::Heading(ask.t("Second factor").to_owned()),
    ];
    let text = if signed.second_factor {
        ask.t("On: logging in needs a code of your app.")
    } else {
        ask.t("Off: whoever knows your password comes in.")
    };
    let tone = if signed.second_factor { Tone::Good } else { Tone::Warn };
    parts.push(Part::Note { text: text.to_owned(), tone });
    let link = Cell::link(ask.t("Set up or change"), "/console/account/second");
    parts.push(Part::Facts(vec![(ask.t("Second factor").to_owned(), link)]));
    parts.push(Part::Heading(ask.t("Sessions").to_owned()));
    parts.push(Part::Table(users::sessions(console, ask, Some(login)).await?));
    frame::show(console, ask, ask.t("Your account"), parts).await
}

pub(crate) async fn password(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let keep = ask.signed.as_ref().map(|signed| signed.session.as_str());
    console.office.set_own_password(actor, proof::given(ask), ask.given("new"), keep).await?;
    done("/console/account", ask.t("Saved."))
}

pub(crate) async fn end(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    console.office.kill_session(frame::actor(ask)?, ask.part(0)).await?;
    done("/console/account", ask.t("Ended."))
}
