//! Settings that a member changes of itself, with its PIN.

use super::pages::{entry, me};
use super::password;
use crate::Inner;
use crate::ask::Ask;
use crate::pages::frame;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::time;
use crate::view::{Cell, Field, Form, Input, Part, Tone};
use office::{OwnChange, Problem};
use types::UtcMillis;

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let entry = entry(console, ask)?;
    let member = &entry.member;
    let ips: Vec<String> = entry.ip_allow.iter().map(ToString::to_string).collect();
    let pin = || Field::new("pin", ask.t("Your PIN, to confirm")).input(Input::Password).needed();
    let form = |act: &str, mut fields: Vec<Field>, button: &str, tone| {
        fields.push(pin());
        fields.push(Field::hidden("act", act));
        Part::Form(Form {
            action: "/portal/account".to_owned(),
            fields,
            button: button.to_owned(),
            tone,
            form_key: frame::key(ask),
            ..Form::default()
        })
    };
    let hours = [("0", ask.t("not at all")), ("1", "1"), ("6", "6"), ("24", "24")];
    let hours = hours.map(|(value, text)| (value.to_owned(), text.to_owned()));
    let keep = Field::new("keep", ask.t("Hours that the old ones work too")).choice(hours);
    let mut parts = waiting(console, ask).await?;
    if entry.imported.any() {
        let text = ask.t("Your PIN or password came from the center before. It works from your allowed addresses only until you make a new one, below.");
        parts.push(Part::Note { text: text.to_owned(), tone: Tone::Warn });
    }
    parts.extend([
        Part::Facts(vec![
            (ask.t("Member code").to_owned(), Cell::code(&member.code)),
            (ask.t("Name").to_owned(), Cell::text(&member.name)),
            (ask.t("You come from").to_owned(), Cell::code(&ask.from.address)),
        ]),
        Part::Heading(ask.t("Portal password").to_owned()),
        password::form(ask),
        Part::Facts(vec![(
            ask.t("Second factor").to_owned(),
            Cell::link(
                if me(ask)?.second_factor { ask.t("on") } else { ask.t("off") },
                "/portal/second",
            ),
        )]),
        Part::Heading(ask.t("Allowed addresses").to_owned()),
        form(
            "ips",
            vec![
                Field::new("ips", ask.t("Allowed addresses"))
                    .value(ips.join(" "))
                    .hint(ask.t("separated by spaces; empty for any")),
            ],
            ask.t("Save"),
            Tone::Plain,
        ),
        Part::Heading(ask.t("Callback URL").to_owned()),
        form(
            "callback",
            vec![
                Field::new("callback", ask.t("Callback URL"))
                    .value(member.callback_url.clone().unwrap_or_default()),
                Field::new("webhook", ask.t("Callbacks as signed JSON"))
                    .value(member.wording.webhook)
                    .input(Input::Check),
            ],
            ask.t("Save"),
            Tone::Plain,
        ),
        form("signing", Vec::new(), ask.t("Make a new callback secret"), Tone::Quiet),
        Part::Heading(ask.t("New credentials").to_owned()),
        form("rotate", vec![keep], ask.t("Make a new PIN and password"), Tone::Bad),
    ]);
    frame::show(console, ask, ask.t("Account"), parts).await
}

/// New addresses that do not count yet, for all to see who come in.
pub(super) async fn waiting(console: &Inner, ask: &Ask) -> anyhow::Result<Vec<Part>> {
    let Some(pending) = console.office.pending_addresses(&me(ask)?.code).await? else {
        return Ok(Vec::new());
    };
    let text = format!(
        "{} {}: {} ({} {})",
        ask.t("New allowed addresses count from"),
        time(console, UtcMillis::new(pending.due)),
        if pending.ips.is_empty() { ask.t("any address") } else { pending.ips.as_str() },
        ask.t("asked from"),
        pending.from,
    );
    Ok(vec![
        Part::Note { text, tone: Tone::Warn },
        frame::form(
            ask,
            "/portal/account",
            vec![Field::hidden("act", "withdraw")],
            ask.t("That was not me: take it back"),
        ),
    ])
}

pub(crate) async fn change(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (me, pin, office) = (me(ask)?, ask.given("pin"), &console.office);
    match ask.given("act") {
        "ips" => {
            let ips = ask.given("ips").trim();
            if let Some(due) = office.change_addresses(me, &ask.from, pin, ips).await? {
                let when = time(console, UtcMillis::new(due));
                let text = format!(
                    "{} {when}",
                    ask.t("You come from an address that is not allowed: the change counts from")
                );
                return done("/portal/account", &text);
            }
        }
        "callback" => {
            let callback = Some(ask.given("callback").trim().to_owned());
            let webhook = Some(ask.given("webhook") == "true");
            let change = OwnChange { callback, webhook, ..OwnChange::default() };
            office.change_own(me, &ask.from, pin, change).await?;
        }
        "signing" => {
            let secret = office.sign_own(me, &ask.from, pin).await?;
            let parts = vec![
                Part::Note {
                    text: ask.t("Copy it now: it is not shown again.").to_owned(),
                    tone: Tone::Warn,
                },
                Part::Pre(secret),
            ];
            return frame::show(console, ask, ask.t("Callback secret"), parts).await;
        }
        "withdraw" => office.withdraw_addresses(me, &ask.from).await?,
        "rotate" => {
            let hours = ask.given("keep").parse().unwrap_or_default();
            let (pin, password) = office.rotate_own(me, &ask.from, pin, hours).await?;
            let text = if hours == 0 {
                ask.t("Copy these now: they are not shown again. The old ones and your keys do not work any more; log in again.")
            } else {
                ask.t("Copy these now: they are not shown again. The old ones work as long as you chose, your keys do not any more; log in again.")
            };
            let parts = vec![
                Part::Note { text: text.to_owned(), tone: Tone::Warn },
                Part::Facts(vec![
                    ("PIN".to_owned(), Cell::code(pin)),
                    (ask.t("Password").to_owned(), Cell::code(password)),
                ]),
            ];
            return frame::show(console, ask, ask.t("New credentials"), parts).await;
        }
        _ => return Err(Problem::asked("bad_action", "say what to change").into()),
    }
    done("/portal/account", ask.t("Saved."))
}
