//! What members were told, and what still waits.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::show;
use crate::view::{Cell, Field, Form, Part, Table, Tone};
use office::{Operation, Permission, Problem, execute};

pub(crate) async fn list(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let text = |name: &str| ask.asked(name).map(str::to_owned);
    let list = Operation::CallbackList {
        member: text("member"),
        state: text("state"),
        trx: ask.number("trx")?,
        limit: 100,
    };
    let actor = frame::actor(ask)?;
    let rows = execute(&console.office, actor, list).await?;
    let states = ["", "due", "delivered", "exhausted", "parked"];
    let search = Form {
        action: "/console/callbacks".to_owned(),
        fields: vec![
            Field::new("member", ask.t("Member")).value(ask.asked("member").unwrap_or_default()),
            Field::new("trx", "T#").value(ask.asked("trx").unwrap_or_default()),
            Field::new("state", ask.t("State"))
                .value(ask.asked("state").unwrap_or_default())
                .choice(states.map(|word| (word.to_owned(), word.to_owned()))),
        ],
        button: ask.t("Search").to_owned(),
        get: true,
        ..Form::default()
    };
    let mut parts = vec![Part::Form(search)];
    let wide = ask.asked("member").is_some() || ask.asked("state").is_some();
    if actor.role.may(Permission::Replay) && wide {
        parts.push(Part::Form(Form {
            action: "/console/callbacks/replay".to_owned(),
            fields: vec![
                Field::hidden("member", ask.asked("member").unwrap_or_default()),
                Field::hidden("state", ask.asked("state").unwrap_or_default()),
            ],
            button: ask.t("Send all of these again").to_owned(),
            tone: Tone::Bad,
            form_key: frame::key(ask),
            ..Form::default()
        }));
    }
    let titles = [
        "#",
        "T#",
        ask.t("Member"),
        ask.t("State"),
        ask.t("Tries"),
        ask.t("Last answer"),
        ask.t("Message"),
    ];
    let mut table = Table::new(&titles, ask.t("Nothing found."));
    for row in rows.as_array().into_iter().flatten() {
        let trx = row["trx"].as_i64().unwrap_or_default();
        table.rows.push(vec![
            Cell::text(&row["id"]),
            Cell::link(trx, format!("/console/trx/{trx}")),
            Cell::maybe(row["member"].as_str()),
            show::state(ask, row["state"].as_str().unwrap_or_default()),
            Cell::text(&row["tries"]),
            Cell::maybe(row["last"].as_str()),
            Cell::maybe(row["message"].as_str()),
        ]);
    }
    parts.push(Part::Table(table));
    frame::show_live(console, ask, ask.t("Callbacks"), parts).await
}

pub(crate) async fn replay(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (member, state) = (ask.typed("member"), ask.typed("state"));
    if member.is_none() && state.is_none() {
        return Err(Problem::asked("which", "say which: a member or a state").into());
    }
    let again = Operation::CallbackReplay { ids: Vec::new(), member, state };
    let told = execute(&console.office, frame::actor(ask)?, again).await?;
    done("/console/callbacks", &format!("{}: {}", ask.t("Sent again"), told["replayed"]))
}
