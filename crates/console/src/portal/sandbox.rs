//! The member's sandbox: its switch, the magic numbers, and what its program did there.

use super::pages::{entry, me, table};
use crate::Inner;
use crate::ask::Ask;
use crate::pages::frame;
use crate::reply::Answer;
use crate::routes::done;
use crate::view::{Cell, Field, Form, Input, Part, Table, Tile, Tone, rupiah};
use office::OwnChange;
use store::TrxFilter;

/// Purchases shown.
const SHOWN: u32 = 50;

/// Said on the overview while the switch is on.
pub(super) fn banner(console: &Inner, ask: &Ask) -> Vec<Part> {
    let on = entry(console, ask).is_ok_and(|entry| entry.member.sandbox);
    let text = ask.t("The sandbox is on: what comes with its PIN and password moves no money.");
    on.then(|| Part::Note { text: text.to_owned(), tone: Tone::Warn }).into_iter().collect()
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let on = entry(console, ask)?.member.sandbox;
    let mut parts = banner(console, ask);
    let text = ask.t("The same addresses and answers as always, and callbacks too, with a PIN and password of its own. Answers carry the header X-Gerbang-Sandbox, serial numbers begin with SANDBOX, and the money is not real. What your program buys with elsewhere goes on buying for real.");
    parts.push(Part::Note { text: text.to_owned(), tone: Tone::Quiet });
    if let Some((pin, password)) = console.office.sandbox_login(&me(ask)?.code).await? {
        parts.push(Part::Facts(vec![
            (ask.t("PIN of the sandbox").to_owned(), Cell::code(pin)),
            (ask.t("Password of the sandbox").to_owned(), Cell::code(password)),
        ]));
    }
    parts.push(Part::Form(Form {
        action: "/portal/sandbox".to_owned(),
        fields: vec![
            Field::hidden("on", if on { "false" } else { "true" }),
            Field::new("pin", ask.t("Your PIN, to confirm")).input(Input::Password).needed(),
        ],
        button: if on { ask.t("Turn the sandbox off") } else { ask.t("Turn the sandbox on") }
            .to_owned(),
        tone: if on { Tone::Plain } else { Tone::Bad },
        form_key: frame::key(ask),
        ..Form::default()
    }));
    if on {
        let fields = vec![
            Field::hidden("on", "renew"),
            Field::new("pin", ask.t("Your PIN, to confirm")).input(Input::Password).needed(),
        ];
        parts.push(Part::Fold {
            title: ask.t("Another PIN and password of the sandbox").to_owned(),
            parts: vec![frame::form(ask, "/portal/sandbox", fields, ask.t("Make new ones"))],
        });
    }
    let member = me(ask)?.member;
    if let Some(play) = &console.settings.play {
        let balance = play.reads().ask(move |reads| reads.balance(member)).await??;
        let filter = TrxFilter { member: Some(member), limit: SHOWN, ..TrxFilter::default() };
        let found = play.reads().ask(move |reads| reads.trx_page(&filter)).await??;
        if let Some(balance) = balance {
            parts.push(Part::Tiles(vec![Tile {
                label: ask.t("Play money").to_owned(),
                value: rupiah(balance.get()),
                ..Tile::default()
            }]));
        }
        parts.push(Part::Heading(ask.t("Newest purchases in the sandbox").to_owned()));
        parts.push(Part::Table(table(console, ask, &found)));
    }
    parts.push(Part::Heading(ask.t("Magic numbers").to_owned()));
    let mut magic = Table::new(&[ask.t("Destination"), ask.t("What happens")], "");
    for (dest, _, what) in suppliers::MAGIC {
        magic.rows.push(vec![Cell::code(dest), Cell::text(what)]);
    }
    magic.rows.push(vec![
        Cell::text(ask.t("any other")),
        Cell::text(ask.t("success after about a second")),
    ]);
    parts.push(Part::Table(magic));
    frame::show_live(console, ask, ask.t("Sandbox"), parts).await
}

pub(crate) async fn switch(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    if ask.given("on") == "renew" {
        console.office.renew_sandbox_login(me(ask)?, &ask.from, ask.given("pin")).await?;
        return done("/portal/sandbox", ask.t("Saved."));
    }
    let change = OwnChange { sandbox: Some(ask.given("on") == "true"), ..OwnChange::default() };
    console.office.change_own(me(ask)?, &ask.from, ask.given("pin"), change).await?;
    done("/portal/sandbox", ask.t("Saved."))
}
