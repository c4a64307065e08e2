//! The portal's pages. Every query is limited to the member who asks.

use crate::Inner;
use crate::ask::Ask;
use crate::pages::{frame, members, money, news as changes, statement as moves, trx as trx_page};
use crate::portal::{account, sandbox};
use crate::reply::Answer;
use crate::routes::done;
use crate::show::{self, days_ago, percent};
use crate::view::{Cell, Field, Form, Input, Part, Table, Tile, Tone, rupiah};
use anyhow::Context as _;
use engine::{MemberEntry, PriceListOf};
use office::{Actor, Problem, SignedMember};
use reports::{Dimension, Tally};
use std::sync::Arc;
use store::DeliveryFilter;
use types::DeliveryId;

pub(super) fn me(ask: &Ask) -> Result<&SignedMember, Problem> {
    ask.member.as_ref().ok_or_else(|| Problem::forbidden("nobody is signed in"))
}

pub(super) fn entry(console: &Inner, ask: &Ask) -> anyhow::Result<Arc<MemberEntry>> {
    let catalog = console.office.handle.catalog();
    Ok(catalog.member(&me(ask)?.code).context("the member is gone")?.clone())
}

pub(crate) async fn home(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let me = me(ask)?;
    let (member, key) = (me.member, me.member.to_string());
    let balance = console.office.handle.reads().ask(move |reads| reads.balance(member)).await??;
    let today = days_ago(console, 0);
    let of = Some((Dimension::Member, key.as_str()));
    let days = console.reports.by_day(days_ago(console, 29), today, of)?;
    let sum = |from: i32| {
        let mut sum = Tally::default();
        for (_, tally) in days.iter().filter(|(day, _)| *day >= from) {
            sum.add(tally);
        }
        sum
    };
    let tile = |label: &str, value: String, hint: String| Tile {
        label: label.to_owned(),
        value,
        hint,
        ..Tile::default()
    };
    let bought = |label: &str, tally: Tally| {
        let hint =
            format!("{} {} · {}", tally.ok, ask.t("delivered"), percent(tally.success_permille()));
        tile(label, rupiah(tally.sales), hint)
    };
    let found = trx_page::find(console, ask, trx_page::filter(console, ask, Some(member))?).await?;
    let newest: Vec<_> = found.into_iter().take(15).collect();
    let mut parts = sandbox::banner(console, ask);
    parts.extend(account::waiting(console, ask).await?);
    parts.extend([
        Part::Tiles(vec![
            tile(ask.t("Balance"), rupiah(balance.unwrap_or_default().get()), String::new()),
            bought(ask.t("Today"), sum(today)),
            bought(ask.t("7 days"), sum(days_ago(console, 6))),
            bought(ask.t("30 days"), sum(days_ago(console, 29))),
        ]),
        Part::Heading(ask.t("Newest purchases").to_owned()),
        Part::Table(table(console, ask, &newest)),
    ]);
    frame::show_live(console, ask, ask.t("Overview"), parts).await
}

/// Own purchases, without links into the console.
pub(super) fn table(console: &Inner, ask: &Ask, found: &[domain::Trx]) -> Table {
    let price = format!(">{}", ask.t("Price"));
    let titles = [
        "T#",
        ask.t("Time"),
        ask.t("Product"),
        ask.t("Destination"),
        &price,
        ask.t("State"),
        ask.t("Detail"),
        "refID",
    ];
    let mut table = Table::new(&titles, ask.t("Nothing found."));
    for trx in found {
        table.rows.push(vec![
            Cell::text(trx.no),
            Cell::text(show::short_time(console, trx.created)),
            Cell::text(&trx.product),
            Cell::text(&trx.dest),
            Cell::Money(trx.price.get()),
            show::state(ask, trx.state.word()),
            Cell::text(show::detail(trx)),
            Cell::code(&trx.ref_id),
        ]);
    }
    table
}

pub(crate) async fn trx(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let member = me(ask)?.member;
    let found = trx_page::find(console, ask, trx_page::filter(console, ask, Some(member))?).await?;
    let mut table = table(console, ask, &found);
    table.next = trx_page::next(ask, &found, "/portal/trx");
    let mut search = trx_page::search(ask, "/portal/trx", false);
    search.fields.retain(|field| field.name != "q");
    let parts = vec![Part::Form(search), Part::Table(table)];
    frame::show_live(console, ask, ask.t("Transactions"), parts).await
}

pub(crate) async fn statement(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let account = format!("member:{}", me(ask)?.member);
    let table = moves::entries(console, ask, &account, "/portal/statement", None)?;
    let parts = vec![moves::take_away(console, ask, "/portal/statement"), Part::Table(table)];
    frame::show(console, ask, ask.t("Statement"), parts).await
}

pub(crate) async fn export(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let me = me(ask)?;
    moves::sheet(console, ask, &format!("member:{}", me.member), me.code.as_str())
}

pub(crate) async fn prices(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let entry = entry(console, ask)?;
    let catalog = console.office.handle.catalog();
    let wanted = ask.asked("q").unwrap_or_default().to_lowercase();
    let titles = [
        ask.t("Product"),
        ask.t("Name"),
        ask.t("Group"),
        &format!(">{}", ask.t("Price")),
        ask.t("State"),
    ];
    let mut table = Table::new(&titles, ask.t("Nothing found."));
    for row in catalog.price_list(PriceListOf::Member(&entry.member), &[]) {
        let fits = [&row.kode, &row.keterangan, &row.produk, &row.kategori]
            .iter()
            .any(|text| text.to_lowercase().contains(&wanted));
        if !fits {
            continue;
        }
        table.rows.push(vec![
            Cell::text(&row.kode),
            Cell::text(&row.keterangan),
            Cell::text(&row.produk),
            Cell::Money(row.harga.parse().unwrap_or_default()),
            if row.status == "1" {
                Cell::badge(ask.t("open"), Tone::Good)
            } else {
                Cell::badge(ask.t("closed"), Tone::Bad)
            },
        ]);
    }
    let search = Form {
        action: "/portal/prices".to_owned(),
        fields: vec![
            Field::new("q", ask.t("Code, name, group or category"))
                .value(ask.asked("q").unwrap_or_default()),
        ],
        button: ask.t("Search").to_owned(),
        get: true,
        ..Form::default()
    };
    let parts = vec![Part::Form(search), Part::Table(table)];
    frame::show(console, ask, ask.t("Prices"), parts).await
}

/// What changed for this member, newest first.
pub(crate) async fn news(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    const PAGE: usize = 100;
    let entry = entry(console, ask)?;
    let found = console.office.member_news(&entry.member, ask.asked("below"), PAGE).await?;
    let mut table = changes::table(console, ask, &found, true);
    if let Some(last) = found.last().filter(|_| found.len() >= PAGE) {
        table.next = Some((ask.t("Older").to_owned(), format!("/portal/news?below={}", last.id)));
    }
    frame::show(console, ask, ask.t("What changed"), vec![Part::Table(table)]).await
}

pub(crate) async fn deposits(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = me(ask)?.code.to_string();
    let banks: Vec<_> =
        console.office.banks().await?.into_iter().filter(|bank| bank.open).collect();
    let mut parts = Vec::new();
    if banks.is_empty() {
        let text = ask.t("No account to pay into yet; ask the operator.").to_owned();
        parts.push(Part::Note { text, tone: Tone::Warn });
    } else {
        let choices = banks.iter().map(|bank| (bank.code.clone(), bank.name.clone()));
        parts.push(Part::Form(Form {
            action: "/portal/deposits".to_owned(),
            fields: vec![
                Field::new("bank", ask.t("Bank")).choice(choices),
                Field::new("amount", ask.t("Amount")).input(Input::Number).needed(),
            ],
            button: ask.t("Ask for a ticket").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }));
        let mut table = Table::new(&[ask.t("Bank"), ask.t("Number"), ask.t("Holder")], "");
        for bank in banks {
            table.rows.push(vec![
                Cell::text(bank.name),
                Cell::code(bank.number),
                Cell::text(bank.holder),
            ]);
        }
        parts.push(Part::Table(table));
        let text = ask.t("Pay exactly the amount of your ticket, to the last rupiah: it is how we know that it is you.");
        parts.push(Part::Note { text: text.to_owned(), tone: Tone::Quiet });
    }
    let tickets = console.office.tickets(Some(&code), 50).await?;
    let table = money::ticket_table(console, ask, &tickets, Some("/portal/deposits"), false);
    parts.extend([Part::Heading(ask.t("Tickets").to_owned()), Part::Table(table)]);
    frame::show_live(console, ask, ask.t("Deposits"), parts).await
}

pub(crate) async fn ask_deposit(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let me = me(ask)?;
    let actor = Actor::member(&me.code, &ask.from);
    let (bank, amount) = (ask.given("bank"), ask.given("amount"));
    let ticket = console.office.open_ticket(&actor, me.code.as_str(), bank, amount).await?;
    let text = format!("{}: {}", ask.t("To pay, exactly"), rupiah(ticket.amount));
    done("/portal/deposits", &text)
}

pub(crate) async fn cancel_deposit(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let me = me(ask)?;
    let actor = Actor::member(&me.code, &ask.from);
    console.office.cancel_ticket(&actor, ask.part(0), Some(&me.code)).await?;
    done("/portal/deposits", ask.t("Cancelled."))
}

pub(crate) async fn callbacks(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let filter = DeliveryFilter {
        member: Some(me(ask)?.member),
        below: ask.number("below")?,
        limit: 50,
        ..DeliveryFilter::default()
    };
    let reads = console.office.handle.reads();
    let found = reads.ask(move |reads| reads.delivery_page(&filter)).await??;
    let titles =
        ["#", "T#", ask.t("State"), ask.t("Tries"), ask.t("Last answer"), ask.t("Message"), ""];
    let mut table = Table::new(&titles, ask.t("None yet."));
    for delivery in &found {
        let again = Form {
            action: format!("/portal/callbacks/{}/replay", delivery.id),
            button: ask.t("Send again").to_owned(),
            tone: Tone::Quiet,
            small: true,
            form_key: frame::key(ask),
            ..Form::default()
        };
        table.rows.push(vec![
            Cell::text(delivery.id),
            Cell::text(delivery.trx),
            show::state(ask, delivery.state.word()),
            Cell::text(delivery.tries),
            Cell::text(&delivery.last),
            Cell::text(&delivery.message),
            Cell::Do(Box::new(again)),
        ]);
    }
    if let Some(last) = found.last().filter(|_| found.len() >= 50) {
        table.next =
            Some((ask.t("Older").to_owned(), format!("/portal/callbacks?below={}", last.id)));
    }
    let test = Part::Form(Form {
        action: "/portal/callbacks/test".to_owned(),
        button: ask.t("Test the callback URL").to_owned(),
        tone: Tone::Quiet,
        small: true,
        form_key: frame::key(ask),
        ..Form::default()
    });
    frame::show_live(console, ask, ask.t("Callbacks"), vec![test, Part::Table(table)]).await
}

pub(crate) async fn ping(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let told = console.office.test_own(me(ask)?, &ask.from).await?;
    members::pinged(ask, "/portal/callbacks", &told)
}

pub(crate) async fn replay(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let id = ask.part_number(0)?;
    console.office.replay_own(me(ask)?, &ask.from, DeliveryId::new(id)).await?;
    done("/portal/callbacks", ask.t("The callback is sent again."))
}
