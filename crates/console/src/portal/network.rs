//! An upline's own network: who stands below it, what they buy and what that earned; markups, new
//! downlines, balance for them.

use super::pages::{entry, me};
use crate::Inner;
use crate::ask::Ask;
use crate::pages::frame;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::{days_ago, percent};
use crate::view::{Cell, Field, Input, Part, Table, Tile, Tone, rupiah};
use office::{Done, Downline, NewDownline, Office, Problem};
use reports::Dimension;

/// Shown on one page.
const SHOWN_MOST: usize = 500;
const DAYS: i64 = 30;

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    if !console.office.rules().await?.downlines {
        return Err(Problem::forbidden("downlines are off").into());
    }
    let me = me(ask)?;
    let all = console.office.network_of(me.member);
    let since = console.office.handle.now().utc.after(-DAYS * 86_400_000);
    let earned = console.reports.earned(&format!("member:{}", me.member), since)?;
    let direct: Vec<&Downline> = all.iter().filter(|downline| downline.depth == 1).collect();
    let tile = |label: &str, value: String| Tile {
        label: label.to_owned(),
        value,
        hint: ask.t("30 days").to_owned(),
        ..Tile::default()
    };
    let own = Tile {
        hint: format!("{} {}", direct.len(), ask.t("direct")),
        ..tile(ask.t("Downlines"), all.len().to_string())
    };
    let mut parts = vec![
        Part::Tiles(vec![own, tile(ask.t("Commission"), rupiah(earned.get()))]),
        Part::Table(table(console, ask, &all).await?),
    ];
    let pin = || Field::new("pin", ask.t("Your PIN, to confirm")).input(Input::Password).needed();
    let form = |action: &str, fields, button: &str| frame::form(ask, action, fields, button);
    if !all.is_empty() {
        let choices = all.iter().map(|downline| {
            let code = downline.member.code.to_string();
            (code.clone(), format!("{code} · {}", downline.member.name))
        });
        parts.push(Part::Heading(ask.t("Give balance").to_owned()));
        parts.push(form(
            "/portal/network/give",
            vec![
                Field::new("to", ask.t("Downline")).choice(choices),
                Field::new("amount", ask.t("Amount")).input(Input::Number).needed(),
                pin(),
                Field::hidden("once", Office::fresh_key()?),
            ],
            ask.t("Move"),
        ));
    }
    for downline in direct.iter().take(SHOWN_MOST) {
        let member = &downline.member;
        let Some(upline) = &member.upline else { continue };
        parts.push(Part::Fold {
            title: format!("{} {} · {}", ask.t("Markup of"), member.code, member.name),
            parts: vec![form(
                "/portal/network/markup",
                vec![
                    Field::hidden("code", &member.code),
                    Field::new("markup", ask.t("Markup")).value(upline.markup).input(Input::Number),
                    Field::new("markups", ask.t("For single products"))
                        .value(&upline.markups)
                        .hint("T1:150 T5:200"),
                ],
                ask.t("Save"),
            )],
        });
    }
    parts.push(Part::Heading(ask.t("New downline").to_owned()));
    parts.push(form(
        "/portal/network",
        vec![
            Field::new("name", ask.t("Name")).needed(),
            Field::new("markup", ask.t("Markup"))
                .input(Input::Number)
                .hint(ask.t("what it pays more than you; yours when a purchase succeeds")),
            pin(),
        ],
        ask.t("Create"),
    ));
    frame::show(console, ask, ask.t("Network"), parts).await
}

async fn table(console: &Inner, ask: &Ask, all: &[Downline]) -> anyhow::Result<Table> {
    let span = (days_ago(console, DAYS - 1), days_ago(console, 0));
    let bought = console.reports.by_key(Dimension::Member, span.0, span.1)?;
    let accounts = console.office.handle.reads().ask(|reads| reads.accounts()).await??;
    let balances: std::collections::HashMap<_, _> = accounts.into_iter().collect();
    let titles = [
        ask.t("Member"),
        ask.t("Name"),
        &format!(">{}", ask.t("Balance")),
        &format!(">{}", ask.t("Markup")),
        &format!(">{}", ask.t("Bought, 30 days")),
        ask.t("Success rate"),
        ask.t("State"),
    ];
    let mut table = Table::new(&titles, ask.t("Nobody yet."));
    for Downline { member, depth } in all.iter().take(SHOWN_MOST) {
        let tally = bought.get(&member.id.to_string()).copied().unwrap_or_default();
        // Those of a downline stand below it, a step to the right.
        let step = "· ".repeat(depth.saturating_sub(1));
        let balance = balances.get(&member.id).map_or(0, |account| account.balance.get());
        let markup = member.upline.as_ref().map_or(0, |upline| upline.markup.get());
        table.rows.push(vec![
            Cell::code(format!("{step}{}", member.code)),
            Cell::text(&member.name),
            Cell::Money(balance),
            Cell::Money(markup),
            Cell::Money(tally.sales),
            Cell::text(percent(tally.success_permille())),
            if member.active {
                Cell::badge(ask.t("active"), Tone::Good)
            } else {
                Cell::badge(ask.t("locked"), Tone::Bad)
            },
        ]);
    }
    Ok(table)
}

pub(crate) async fn add(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let me = me(ask)?;
    let new = NewDownline {
        name: ask.given("name").to_owned(),
        markup: ask.given("markup").to_owned(),
        callback: None,
    };
    let (code, pin, password) =
        console.office.add_downline(me, &ask.from, ask.given("pin"), new).await?;
    let parts = vec![
        Part::Note {
            text: ask.t("Give these to the member now: they are not shown again.").to_owned(),
            tone: Tone::Warn,
        },
        Part::Facts(vec![
            (ask.t("Member code").to_owned(), Cell::code(code)),
            ("PIN".to_owned(), Cell::code(pin)),
            (ask.t("Password").to_owned(), Cell::code(password)),
            (String::new(), Cell::link(ask.t("Network"), "/portal/network")),
        ]),
    ];
    frame::show(console, ask, ask.t("New downline"), parts).await
}

pub(crate) async fn markup(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (markup, markups) = (ask.given("markup").to_owned(), ask.given("markups").to_owned());
    let code = ask.given("code");
    console.office.mark_up(me(ask)?, &ask.from, code, markup, markups).await?;
    done("/portal/network", ask.t("Saved."))
}

pub(crate) async fn give(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (me, pin) = (me(ask)?, ask.given("pin"));
    let (to, amount, once) = (ask.given("to"), ask.given("amount"), ask.typed("once"));
    let office = &console.office;
    let told = office.give_down(me, &ask.from, pin, to, amount, once.as_deref()).await?;
    match told {
        Done::Moved { balance, .. } => {
            let left = balance.map(rupiah).unwrap_or_default();
            let code = &entry(console, ask)?.member.code;
            let text = format!("{} {code}: {left}", ask.t("Moved. Balance of"));
            done("/portal/network", &text)
        }
        Done::Waiting { .. } => {
            done("/portal/network", crate::pages::frame::waiting(console, ask).await?)
        }
        Done::Changed => done("/portal/network", ask.t("Saved.")),
        Done::Repeated { .. } => {
            done("/portal/network", ask.t("That was done already; nothing moved again."))
        }
    }
}
