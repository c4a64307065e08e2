//! How to speak to us, with lines to copy that carry the member's own code.

use super::pages::{entry, me};
use crate::Inner;
use crate::ask::Ask;
use crate::pages::frame;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::time;
use crate::view::{Cell, Field, Form, Input, Part, Table, Tone};
use office::Actor;
use types::UtcMillis;

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let entry = entry(console, ask)?;
    let code = entry.member.code.as_str();
    let host = ask.header("host").unwrap_or("localhost");
    let scheme = if console.settings.secure { "https" } else { "http" };
    let base = format!("{scheme}://{host}");
    let catalog = console.office.handle.catalog();
    let list = catalog.list_id(&entry.member).map(|id| format!("{base}/harga/json?id={id}"));
    let who = format!("memberID={code}&pin=PIN&password=PASSWORD");
    let buy = format!("{base}/trx?product=T1&dest=089660522887&refID=114&{who}");
    let lines = |all: [(&str, String); 4]| -> Vec<Part> {
        all.into_iter()
            .flat_map(|(title, text)| [Part::Heading(title.to_owned()), Part::Pre(text)])
            .collect()
    };
    let mut parts = vec![
        Part::Note {
            text: ask.t("Send the same refID again after a time-out: it is one purchase, and you hear its state.").to_owned(),
            tone: Tone::Quiet,
        },
        Part::Facts(vec![
            (ask.t("Address").to_owned(), Cell::code(&base)),
            (ask.t("Member code").to_owned(), Cell::code(code)),
            (ask.t("Price list").to_owned(), Cell::maybe(list)),
        ]),
    ];
    parts.extend(lines([
        (ask.t("Buy"), format!("curl '{buy}'")),
        (ask.t("Check"), format!("curl '{buy}&check=1'")),
        (ask.t("Balance"), format!("curl '{base}/trx/balance?{who}'")),
        (
            ask.t("Callback"),
            "GET YOUR-URL?refid=114&message=T%23... SUKSES. SN: ...   → 200".to_owned(),
        ),
    ]));
    parts.extend(keys(console, ask, &base).await?);
    parts.push(Part::Heading(ask.t("In your language").to_owned()));
    for (name, text) in examples(&base, code) {
        parts.push(Part::Fold { title: name.to_owned(), parts: vec![Part::Pre(text)] });
    }
    frame::show(console, ask, ask.t("API"), parts).await
}

/// Keys of the JSON door.
async fn keys(console: &Inner, ask: &Ask, base: &str) -> anyhow::Result<Vec<Part>> {
    let mut table =
        Table::new(&[ask.t("Key"), ask.t("Name"), ask.t("Since"), ""], ask.t("None yet."));
    for key in console.office.keys(Some(me(ask)?.code.as_str())).await? {
        table.rows.push(vec![
            Cell::code(&key.id),
            Cell::text(&key.name),
            Cell::text(time(console, UtcMillis::new(key.created))),
            Cell::Do(Box::new(Form {
                action: format!("/portal/keys/{}/remove", key.id),
                button: ask.t("Remove").to_owned(),
                tone: Tone::Bad,
                small: true,
                form_key: frame::key(ask),
                ..Form::default()
            })),
        ]);
    }
    Ok(vec![
        Part::Heading(ask.t("JSON API (/v1)").to_owned()),
        Part::Note {
            text: format!(
                "{} {base}/v1/openapi.json",
                ask.t("Signed requests, no secret in an address:")
            ),
            tone: Tone::Quiet,
        },
        Part::Table(table),
        Part::Form(Form {
            action: "/portal/keys".to_owned(),
            fields: vec![
                Field::new("name", ask.t("What for")),
                Field::new("plays", ask.t("For the sandbox only")).input(Input::Check),
                Field::new("pin", ask.t("Your PIN, to confirm"))
                    .input(Input::Password)
                    .hint(ask.t("a key buys at once; it ends with new credentials"))
                    .needed(),
            ],
            button: ask.t("Make a key").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }),
    ])
}

pub(crate) async fn add_key(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (pin, name) = (ask.given("pin"), ask.given("name"));
    let plays = ask.given("plays") == "true";
    let (id, secret) = console.office.add_own_key(me(ask)?, &ask.from, pin, name, plays).await?;
    let parts = vec![
        Part::Note {
            text: ask.t("Copy it now: it is not shown again.").to_owned(),
            tone: Tone::Warn,
        },
        Part::Facts(vec![
            (ask.t("Key").to_owned(), Cell::code(id)),
            (ask.t("Secret").to_owned(), Cell::code(secret)),
        ]),
    ];
    frame::show(console, ask, ask.t("New key"), parts).await
}

pub(crate) async fn remove_key(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let me = me(ask)?;
    let actor = Actor::member(&me.code, &ask.from);
    console.office.remove_key(&actor, ask.part(0), Some(&me.code)).await?;
    done("/portal/api", ask.t("Removed."))
}

/// One purchase in the languages of the trade, through both doors.
const EXAMPLES: [(&str, &str); 11] = [
    ("/v1 · curl", include_str!("examples/v1.sh")),
    ("/v1 · PHP", include_str!("examples/v1.php")),
    ("/v1 · JavaScript", include_str!("examples/v1.js")),
    ("/v1 · Python", include_str!("examples/v1.py")),
    ("/v1 · Go", include_str!("examples/v1.go")),
    ("/v1 · Rust", include_str!("examples/v1.rs.txt")),
    ("/trx · PHP", include_str!("examples/trx.php")),
    ("/trx · JavaScript", include_str!("examples/trx.js")),
    ("/trx · Python", include_str!("examples/trx.py")),
    ("/trx · Go", include_str!("examples/trx.go")),
    ("/trx · Rust", include_str!("examples/trx.rs.txt")),
];

/// The same with the member's own address and code in them.
fn examples(base: &str, code: &str) -> impl Iterator<Item = (&'static str, String)> {
    let fill = move |text: &str| text.replace("{base}", base).replace("{code}", code);
    EXAMPLES.into_iter().map(move |(name, text)| (name, fill(text)))
}
