//! One user: role, password, lock, second factor. Each is an act of its own, with the password of
//! who does it; none changes another.

use super::{frame, proof, users};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::view::{Cell, Field, Form, Input, Part, Tone};
use office::Problem;

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (actor, login) = (frame::actor(ask)?, ask.part(0));
    let all = console.office.users().await?;
    let user = all.into_iter().find(|user| user.login == login);
    let user = user.ok_or_else(|| Problem::missing(format!("there is no user {login}")))?;
    let place = format!("/console/users/{}", user.login);
    let act = |act: &str, title: &str, fields: Vec<Field>, button: &str, tone: Tone| {
        let mut all = fields;
        all.extend(proof::fields(ask));
        all.push(Field::hidden("act", act));
        let form = Part::Form(Form {
            action: place.clone(),
            fields: all,
            button: button.to_owned(),
            tone,
            form_key: frame::key(ask),
            ..Form::default()
        });
        Part::Fold { title: title.to_owned(), parts: vec![form] }
    };
    let yes = |is: bool| if is { ask.t("yes") } else { ask.t("no") };
    let mut parts = vec![Part::Facts(vec![
        (ask.t("Login").to_owned(), Cell::text(&user.login)),
        (ask.t("Name").to_owned(), Cell::text(&user.name)),
        (ask.t("Role").to_owned(), Cell::text(user.role.word())),
        (ask.t("Second factor").to_owned(), Cell::text(yes(user.second_factor))),
        (
            ask.t("State").to_owned(),
            if user.active {
                Cell::badge(ask.t("active"), Tone::Good)
            } else {
                Cell::badge(ask.t("locked"), Tone::Bad)
            },
        ),
    ])];
    if user.login == actor.name {
        let link = Cell::link(ask.t("Your account"), "/console/account");
        parts.push(Part::Facts(vec![(String::new(), link)]));
        return frame::show(console, ask, &user.login, parts).await;
    }
    let role = Field::new("role", ask.t("Role")).value(user.role.word()).choice(users::roles());
    parts.push(act("role", ask.t("Another role"), vec![role], ask.t("Save"), Tone::Plain));
    let password = Field::new("password", ask.t("New password"))
        .input(Input::Password)
        .hint(ask.t("at least 10 characters; three or four words do well"))
        .needed();
    let title = ask.t("A new password for a forgotten one");
    parts.push(act("password", title, vec![password], ask.t("Save"), Tone::Plain));
    let (value, button) =
        if user.active { ("off", ask.t("Lock")) } else { ("on", ask.t("Unlock")) };
    parts.push(act(value, button, Vec::new(), button, Tone::Plain));
    if user.second_factor {
        let button = ask.t("Remove second factor");
        parts.push(act("second", button, Vec::new(), button, Tone::Bad));
    }
    let button = ask.t("Remove");
    parts.push(act("remove", button, Vec::new(), button, Tone::Bad));
    frame::show(console, ask, &user.login, parts).await
}

pub(crate) async fn change(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (actor, login, office) = (frame::actor(ask)?, ask.part(0), &console.office);
    let proven = proof::proven(console, ask, "user").await?;
    let mut place = format!("/console/users/{login}");
    match ask.given("act") {
        "role" => {
            drop(office.set_user(actor, &proven, login, Some(ask.given("role")), None).await?)
        }
        "password" => office.reset_password(actor, &proven, login, ask.given("password")).await?,
        "on" => drop(office.set_user(actor, &proven, login, None, Some(true)).await?),
        "off" => drop(office.set_user(actor, &proven, login, None, Some(false)).await?),
        "second" => office.remove_second_factor(actor, &proven, login).await?,
        "remove" => {
            office.remove_user(actor, &proven, login).await?;
            "/console/users".clone_into(&mut place);
        }
        _ => return Err(Problem::asked("bad_action", "say what to do").into()),
    }
    done(&place, ask.t("Saved."))
}
