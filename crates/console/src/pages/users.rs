//! People who work here, their sessions, tokens for scripts, and the rules of the office.

use super::money::saved;
use super::{frame, proof};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::time;
use crate::view::{Cell, Field, Form, Input, Part, Table, Tone};
use office::{NewToken, NewUser, Problem, Role, Rules};
use types::UtcMillis;

pub(super) fn roles() -> Vec<(String, String)> {
    Role::OF_PEOPLE.map(|role| (role.word().to_owned(), role.word().to_owned())).into()
}

fn token_roles() -> Vec<(String, String)> {
    Role::ALL.map(|role| (role.word().to_owned(), role.word().to_owned())).into()
}

/// Roles of which none is chosen yet.
fn choices(ask: &Ask) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), ask.t("choose").to_owned())];
    all.extend(roles());
    all
}

pub(crate) async fn list(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let small = |action: String, name: &'static str, value: &str, button: &str, tone: Tone| {
        Cell::Do(Box::new(Form {
            action,
            fields: vec![Field::hidden(name, value)],
            button: button.to_owned(),
            tone,
            small: true,
            form_key: frame::key(ask),
            ..Form::default()
        }))
    };
    let titles =
        [ask.t("Login"), ask.t("Name"), ask.t("Role"), ask.t("Second factor"), ask.t("State")];
    let mut table = Table::new(&titles, "");
    for user in console.office.users().await? {
        table.rows.push(vec![
            Cell::link(&user.login, format!("/console/users/{}", user.login)),
            Cell::text(&user.name),
            Cell::text(user.role.word()),
            Cell::text(if user.second_factor { ask.t("yes") } else { ask.t("no") }),
            if user.active {
                Cell::badge(ask.t("active"), Tone::Good)
            } else {
                Cell::badge(ask.t("locked"), Tone::Bad)
            },
        ]);
    }
    let form = |action: &str, fields, button: &str| frame::form(ask, action, fields, button);
    let mut parts = vec![
        Part::Table(table),
        Part::Fold {
            title: ask.t("New user").to_owned(),
            parts: vec![form(
                "/console/users",
                [
                    vec![
                        Field::new("login", ask.t("Login")).needed(),
                        Field::new("name", ask.t("Name")),
                        Field::new("role", ask.t("Role")).choice(choices(ask)).needed(),
                        Field::new("password", ask.t("Password"))
                            .input(Input::Password)
                            .hint(ask.t("at least 10 characters; three or four words do well"))
                            .needed(),
                    ],
                    proof::fields(ask),
                ]
                .concat(),
                ask.t("Create"),
            )],
        },
        Part::Heading(ask.t("Sessions").to_owned()),
    ];
    parts.push(Part::Table(sessions(console, ask, None).await?));
    parts.push(Part::Heading(ask.t("Tokens for scripts (/admin/v1)").to_owned()));
    let mut tokens = Table::new(
        &[ask.t("Name"), ask.t("Role"), ask.t("Whose"), ask.t("Until"), ask.t("Last seen"), ""],
        ask.t("None yet."),
    );
    for token in console.office.tokens().await? {
        tokens.rows.push(vec![
            Cell::text(&token.name),
            Cell::text(token.role.word()),
            Cell::text(&token.person),
            Cell::text(time(console, UtcMillis::new(token.expires))),
            Cell::text(token.used.map_or_else(
                || ask.t("never").to_owned(),
                |used| time(console, UtcMillis::new(used)),
            )),
            small(
                format!("/console/tokens/{}/remove", token.id),
                "act",
                "remove",
                ask.t("Remove"),
                Tone::Bad,
            ),
        ]);
    }
    parts.push(Part::Table(tokens));
    parts.push(form(
        "/console/tokens",
        [
            vec![
                Field::new("name", ask.t("What for")).needed(),
                Field::new("role", ask.t("Role")).choice(token_roles()).needed(),
                Field::new("days", ask.t("Days it lives")).value(90).input(Input::Number),
            ],
            proof::fields(ask),
        ]
        .concat(),
        ask.t("Make a token"),
    ));
    let rules = console.office.rules().await?;
    let number = |name: &'static str, label: &str, value: i64| {
        Field::new(name, label).value(value).input(Input::Number).needed()
    };
    parts.push(Part::Heading(ask.t("Rules").to_owned()));
    parts.push(form(
        "/console/rules",
        [
            vec![
                number("approval_above", ask.t("A second person above"), rules.approval_above),
                number(
                    "approval_above_day",
                    ask.t("A second person above, all acts of a person and day"),
                    rules.approval_above_day,
                ),
                number(
                    "reverse_above",
                    ask.t("A second person for reversals above"),
                    rules.reverse_above,
                ),
                number(
                    "reverse_days",
                    ask.t("A second person for reversals after days"),
                    rules.reverse_days,
                ),
                number(
                    "cooling_minutes",
                    ask.t("With one person only: wait for minutes"),
                    rules.cooling_minutes,
                ),
                number(
                    "ticket_minutes",
                    ask.t("Tickets are open for minutes"),
                    rules.ticket_minutes,
                ),
                number(
                    "ticket_unique_most",
                    ask.t("Most added to make an amount unique"),
                    rules.ticket_unique_most,
                ),
                number("ticket_least", ask.t("Least deposit"), rules.ticket_least),
                number(
                    "allowlist_hours",
                    ask.t("Hours until a member's new addresses count"),
                    rules.allowlist_hours,
                ),
                Field::new("downlines", ask.t("Members may have downlines"))
                    .value(rules.downlines)
                    .input(Input::Check),
                Field::new("second_factor", ask.t("Owner, admin and finance need a second factor"))
                    .value(rules.second_factor)
                    .input(Input::Check),
            ],
            proof::fields(ask),
        ]
        .concat(),
        ask.t("Save"),
    ));
    frame::show(console, ask, ask.t("Users"), parts).await
}

/// Sessions, each with its end.
pub(crate) async fn sessions(
    console: &Inner,
    ask: &Ask,
    of: Option<&str>,
) -> anyhow::Result<Table> {
    let own = ask.signed.as_ref().map(|signed| signed.session.clone()).unwrap_or_default();
    let titles =
        [ask.t("Login"), ask.t("From"), ask.t("Browser"), ask.t("Since"), ask.t("Last seen"), ""];
    let mut table = Table::new(&titles, "");
    for session in console.office.sessions(of).await? {
        let end = Form {
            action: format!("/console/session/{}/end", session.id),
            button: ask.t("End").to_owned(),
            tone: Tone::Quiet,
            small: true,
            form_key: frame::key(ask),
            ..Form::default()
        };
        table.rows.push(vec![
            Cell::text(&session.login),
            Cell::text(&session.address),
            Cell::text(&session.agent),
            Cell::text(time(console, UtcMillis::new(session.created))),
            Cell::text(time(console, UtcMillis::new(session.seen))),
            if session.id == own {
                Cell::badge(ask.t("this one"), Tone::Good)
            } else {
                Cell::Do(Box::new(end))
            },
        ]);
    }
    Ok(table)
}

pub(crate) async fn add(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let proven = proof::proven(console, ask, "new user").await?;
    let new = NewUser {
        login: ask.given("login").to_owned(),
        name: ask.given("name").trim().to_owned(),
        password: ask.given("password").to_owned(),
        role: ask.given("role").to_owned(),
    };
    console.office.add_user(frame::actor(ask)?, &proven, new).await?;
    done("/console/users", ask.t("Saved."))
}

pub(crate) async fn rules(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let number = |name: &'static str| -> Result<i64, Problem> {
        let number = ask.given(name).parse::<types::Rupiah>().map(types::Rupiah::get);
        number.map_err(|error| Problem::asked("bad_number", format!("{name}: {error}")))
    };
    let rules = Rules {
        approval_above: number("approval_above")?,
        approval_above_day: number("approval_above_day")?,
        reverse_above: number("reverse_above")?,
        reverse_days: number("reverse_days")?,
        cooling_minutes: number("cooling_minutes")?,
        ticket_minutes: number("ticket_minutes")?,
        ticket_unique_most: number("ticket_unique_most")?,
        ticket_least: number("ticket_least")?,
        allowlist_hours: number("allowlist_hours")?,
        downlines: ask.given("downlines") == "true",
        second_factor: ask.given("second_factor") == "true",
    };
    proof::proven(console, ask, "rules").await?;
    let told = console.office.set_rules(frame::actor(ask)?, &rules).await?;
    done("/console/users", saved(console, ask, &told).await?)
}

pub(crate) async fn token(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let name = ask.given("name");
    let new = NewToken {
        name: name.to_owned(),
        role: ask.given("role").to_owned(),
        person: None,
        days: ask.given("days").parse().ok(),
    };
    proof::proven(console, ask, "new token").await?;
    let token = console.office.add_token(frame::actor(ask)?, new).await?;
    let parts = vec![
        Part::Note {
            text: ask.t("Copy it now: it is not shown again.").to_owned(),
            tone: Tone::Warn,
        },
        Part::Pre(token),
        Part::Facts(vec![(String::new(), Cell::link(ask.t("Users"), "/console/users"))]),
    ];
    frame::show(console, ask, name, parts).await
}

pub(crate) async fn remove_token(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    console.office.remove_token(frame::actor(ask)?, ask.part(0)).await?;
    done("/console/users", ask.t("Removed."))
}
