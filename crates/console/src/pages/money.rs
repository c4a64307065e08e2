//! Money: deposits, approvals, credits, transfers, statements, the day's end.

use super::{approvals, frame};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::{self, time};
use crate::view::{Cell, Field, Form, Input, Part, Table, Tone, rupiah};
use office::{Bank, Credit, Done, Giving, MutationRow, Permission, Problem, Taken, Ticket};
use types::UtcMillis;

/// The tabs of money.
pub(super) fn tabs(ask: &Ask) -> Part {
    let here = |href: &str| ask.path == href;
    Part::Tabs(
        [
            (ask.t("Deposits"), "/console/money"),
            (ask.t("Day's end"), "/console/money/closing"),
            (ask.t("Adjustments"), "/console/money/account/adjustment"),
        ]
        .map(|(text, href)| (text.to_owned(), href.to_owned(), here(href)))
        .into(),
    )
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let office = &console.office;
    let moves = actor.role.may(Permission::MoveMoney);
    let mut parts = vec![tabs(ask)];
    let waiting = office.approvals(true).await?;
    if !waiting.is_empty() {
        parts.push(Part::Heading(ask.t("Waits for a second person").to_owned()));
        parts.push(Part::Table(approvals::table(console, ask, actor, waiting)));
    }
    parts.push(Part::Heading(ask.t("Bank credits that wait").to_owned()));
    parts.push(Part::Table(queue(ask, &office.mutations(true, 100).await?, moves)));
    parts.push(Part::Heading(ask.t("Tickets").to_owned()));
    let tickets = office.tickets(None, 50).await?;
    parts.push(Part::Table(ticket_table(
        console,
        ask,
        &tickets,
        moves.then_some("/console/money/ticket"),
        true,
    )));
    if moves {
        parts.push(Part::Fold {
            title: ask.t("Report bank credits").to_owned(),
            parts: vec![Part::Form(mutation_form(console, ask).await?)],
        });
        parts.push(Part::Fold {
            title: ask.t("Credit or debit a member").to_owned(),
            parts: vec![Part::Form(credit_form(ask, ""))],
        });
        parts.push(Part::Fold {
            title: ask.t("Transfer between members").to_owned(),
            parts: vec![Part::Form(Form {
                action: "/console/money/give".to_owned(),
                fields: vec![
                    Field::new("from", ask.t("From")).needed(),
                    Field::new("to", ask.t("To")).needed(),
                    Field::new("amount", ask.t("Amount")).input(Input::Number).needed(),
                    Field::new("note", ask.t("Note")),
                    Field::hidden("once", console_key()),
                ],
                button: ask.t("Transfer").to_owned(),
                form_key: frame::key(ask),
                ..Form::default()
            })],
        });
        parts.push(Part::Fold {
            title: ask.t("Bank accounts").to_owned(),
            parts: banks(console, ask).await?,
        });
    }
    parts.push(Part::Heading(ask.t("Bank credits").to_owned()));
    let mut table = Table::new(
        &[
            ask.t("Time"),
            ask.t("Bank"),
            &format!(">{}", ask.t("Amount")),
            ask.t("Text"),
            ask.t("State"),
            ask.t("Member"),
            ask.t("By"),
        ],
        ask.t("None yet."),
    );
    for row in office.mutations(false, 50).await? {
        table.rows.push(vec![
            Cell::text(time(console, UtcMillis::new(row.came))),
            Cell::text(&row.bank),
            Cell::Money(row.amount),
            Cell::text(&row.text),
            show::state(ask, &row.state),
            Cell::maybe(row.member),
            Cell::maybe(row.by),
        ]);
    }
    parts.push(Part::Table(table));
    frame::show_live(console, ask, ask.t("Money"), parts).await
}

/// Credits of banks that nobody could be found for, with what is near.
fn queue(ask: &Ask, rows: &[MutationRow], may: bool) -> Table {
    let titles = [
        ask.t("Bank"),
        ask.t("Date"),
        &format!(">{}", ask.t("Amount")),
        ask.t("Text"),
        ask.t("Why it waits"),
        ask.t("Near"),
        "",
    ];
    let mut table = Table::new(&titles, ask.t("Nothing waits."));
    for row in rows {
        let near = row.near.iter().map(|ticket| {
            Cell::text(format!("{} · {} · {}", ticket.member, rupiah(ticket.amount), ticket.state))
        });
        let mut why = vec![Cell::badge(held(ask, row.why.as_deref()), Tone::Warn)];
        why.extend(
            row.names.iter().map(|code| Cell::text(format!("{}: {code}", ask.t("named there")))),
        );
        why.extend(row.like.iter().map(|other| {
            let member = other.member.as_deref().unwrap_or("–");
            let (amount, state) = (rupiah(other.amount), state(ask, &other.state));
            Cell::text(format!("{} · {amount} · {} · {state} · {member}", other.date, other.text))
        }));
        // Nobody's name is offered for what may be credited already.
        let may_be_known = matches!(row.why.as_deref(), Some("alike" | "other_version"));
        let form = |member: Option<String>, button: String, tone| {
            let mut fields =
                vec![Field::hidden("act", if member.is_some() { "assign" } else { "ignore" })];
            if let Some(member) = &member {
                fields.push(Field::new("member", ask.t("Member")).value(member).needed());
                if may_be_known {
                    let label = ask.t("It is another payment");
                    fields.push(Field::new("another", label).input(Input::Check));
                }
            }
            fields.push(Field::new("note", ask.t("Note")).value(""));
            Cell::Do(Box::new(Form {
                action: format!("/console/money/mutation/{}", row.id),
                fields,
                button,
                tone,
                small: true,
                form_key: frame::key(ask),
                ..Form::default()
            }))
        };
        let near_one = row.near.first().filter(|_| !may_be_known && row.names.is_none());
        let guess = near_one.map(|ticket| ticket.member.clone()).unwrap_or_default();
        let buttons = if may {
            vec![
                form(Some(guess), ask.t("Credit this member").to_owned(), Tone::Plain),
                form(None, ask.t("Not a deposit").to_owned(), Tone::Bad),
            ]
        } else {
            Vec::new()
        };
        table.rows.push(vec![
            Cell::text(&row.bank),
            Cell::text(&row.date),
            Cell::Money(row.amount),
            match &row.own {
                Some(own) => Cell::Many(vec![Cell::text(&row.text), Cell::code(own)]),
                None => Cell::text(&row.text),
            },
            Cell::Many(why),
            Cell::Many(near.collect()),
            Cell::Many(buttons),
        ]);
    }
    table
}

/// The state of a mutation in words.
fn state(ask: &Ask, word: &str) -> &'static str {
    match word {
        "open" => ask.t("waits"),
        "matched" => ask.t("matched"),
        "assigned" => ask.t("credited"),
        _ => ask.t("not a deposit"),
    }
}

/// Why a credit waits, for people.
fn held(ask: &Ask, why: Option<&str>) -> &'static str {
    match why {
        Some("alike") => ask.t("may be a payment that is known already"),
        Some("other_version") => ask.t("the bank's number was told before with other content"),
        Some("before_ticket") => ask.t("the money came before the ticket was opened"),
        Some("not_yet") => ask.t("it is dated later than today"),
        Some("no_date") => ask.t("its date cannot be read"),
        Some("names_another") => ask.t("the payer's text names another member"),
        Some("part_of_rupiah") => ask.t("it has a part of a rupiah"),
        Some("second_person") => ask.t("a person says so, and it is more than one may give alone"),
        Some(_) | None => ask.t("no open ticket has this amount"),
    }
}

/// Tickets; with a place, open ones can be cancelled there.
pub(crate) fn ticket_table(
    console: &Inner,
    ask: &Ask,
    tickets: &[Ticket],
    cancel: Option<&str>,
    member: bool,
) -> Table {
    let mut titles = vec![ask.t("Time")];
    if member {
        titles.push(ask.t("Member"));
    }
    let amount = format!(">{}", ask.t("To pay, exactly"));
    titles.extend([ask.t("Bank"), &amount, ask.t("Until"), ask.t("State"), ""]);
    let mut table = Table::new(&titles, ask.t("None yet."));
    for ticket in tickets {
        let button = cancel.filter(|_| ticket.state == "open").map(|place| {
            Cell::Do(Box::new(Form {
                action: format!("{place}/{}/cancel", ticket.id),
                button: ask.t("Cancel").to_owned(),
                tone: Tone::Quiet,
                small: true,
                form_key: frame::key(ask),
                ..Form::default()
            }))
        });
        let mut row = vec![Cell::text(time(console, UtcMillis::new(ticket.created)))];
        if member {
            row.push(Cell::link(&ticket.member, format!("/console/members/{}", ticket.member)));
        }
        row.extend([
            Cell::text(&ticket.bank),
            Cell::Money(ticket.amount),
            Cell::text(time(console, UtcMillis::new(ticket.expires))),
            show::state(ask, &ticket.state),
            button.unwrap_or_default(),
        ]);
        table.rows.push(row);
    }
    table
}

pub(crate) fn credit_form(ask: &Ask, member: &str) -> Form {
    let once = console_key();
    let field = Field::new("member", ask.t("Member")).value(member).needed();
    Form {
        action: "/console/money/credit".to_owned(),
        fields: vec![
            field,
            Field::new("amount", ask.t("Amount"))
                .input(Input::Number)
                .hint(ask.t("negative to take away"))
                .needed(),
            Field::new("cash", ask.t("Account")).hint(ask.t("a bank's code, or adjustment")),
            Field::new("note", ask.t("Why")).needed(),
            Field::hidden("once", once),
        ],
        button: ask.t("Move").to_owned(),
        form_key: frame::key(ask),
        ..Form::default()
    }
}

/// Sent twice, a form moves once. What is not random enough is only less convenient.
fn console_key() -> String {
    office::Office::fresh_key().unwrap_or_default()
}

async fn banks(console: &Inner, ask: &Ask) -> anyhow::Result<Vec<Part>> {
    let titles = [ask.t("Code"), ask.t("Name"), ask.t("Number"), ask.t("Holder"), ask.t("State")];
    let mut table = Table::new(&titles, ask.t("None yet."));
    for bank in console.office.banks().await? {
        let state = if bank.open {
            Cell::badge(ask.t("open"), Tone::Good)
        } else {
            Cell::badge(ask.t("closed"), Tone::Bad)
        };
        table.rows.push(vec![
            Cell::link(&bank.code, format!("/console/money/account/cash:{}", bank.code)),
            Cell::text(&bank.name),
            Cell::text(&bank.number),
            Cell::text(&bank.holder),
            state,
        ]);
    }
    Ok(vec![
        Part::Table(table),
        Part::Form(Form {
            action: "/console/money/bank".to_owned(),
            fields: vec![
                Field::new("code", ask.t("Code")).needed().hint("bca"),
                Field::new("name", ask.t("Name")).needed().hint("BCA"),
                Field::new("number", ask.t("Number")).needed(),
                Field::new("holder", ask.t("Holder")).needed(),
                Field::new("open", ask.t("Offered to members")).value("true").input(Input::Check),
            ],
            button: ask.t("Save").to_owned(),
            form_key: frame::key(ask),
            ..Form::default()
        }),
    ])
}

async fn mutation_form(console: &Inner, ask: &Ask) -> anyhow::Result<Form> {
    let banks = console.office.banks().await?;
    Ok(Form {
        action: "/console/money/mutations".to_owned(),
        fields: vec![
            Field::new("bank", ask.t("Bank"))
                .choice(banks.into_iter().map(|bank| (bank.code, bank.name))),
            Field::new("csv", ask.t("The bank's file"))
                .input(Input::Area)
                .hint(ask.t(
                    "the whole file as the bank gives it (KlikBCA, BRI, Mandiri), or a table with the header date, amount, text",
                ))
                .needed(),
        ],
        button: ask.t("Report").to_owned(),
        form_key: frame::key(ask),
        ..Form::default()
    })
}

pub(crate) async fn mutations(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let office = &console.office;
    let bank = office.bank(ask.given("bank")).await?;
    let today = office.handle.now().civil.date();
    let file = office::read_mutations(&bank, ask.given("csv"), today)?;
    let out = file.left_out;
    let (mut matched, mut queued, mut known) = (0, 0, 0);
    for taken in office.take_bank_file(frame::actor(ask)?, file).await? {
        match taken {
            Taken::Matched { .. } => matched = u64::saturating_add(matched, 1),
            Taken::Queued { .. } => queued = u64::saturating_add(queued, 1),
            Taken::Known { .. } => known = u64::saturating_add(known, 1),
            // A file is refused as a whole.
            Taken::Refused { .. } => {}
        }
    }
    let mut text = format!(
        "{}: {matched}, {}: {queued}, {}: {known}",
        ask.t("matched"),
        ask.t("waits"),
        ask.t("known already")
    );
    if out.all() > 0 {
        text.push_str(&format!(
            ". {}: {} {}, {} {}, {} {}",
            ask.t("Left out"),
            out.debit,
            ask.t("debits"),
            out.pending,
            ask.t("still pending there"),
            out.correction,
            ask.t("corrections")
        ));
    }
    done("/console/money", &text)
}

pub(crate) async fn settle(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let member = ask.typed("member");
    let assigns = ask.given("act") == "assign";
    if assigns && member.is_none() {
        return Err(Problem::asked("which", ask.t("Say whose it is.")).into());
    }
    let member = member.filter(|_| assigns);
    let (actor, note) = (frame::actor(ask)?, ask.given("note"));
    let another = ask.given("another") == "true";
    let told = console
        .office
        .settle_mutation(actor, ask.part(0), member.as_deref(), note, another)
        .await?;
    match told {
        Done::Waiting { .. } => done("/console/money", super::frame::waiting(console, ask).await?),
        Done::Moved { .. } | Done::Changed | Done::Repeated { .. } => {
            done("/console/money", ask.t("Decided."))
        }
    }
}

pub(crate) async fn bank(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let text = |name: &str| ask.given(name).trim().to_owned();
    let bank = Bank {
        code: text("code"),
        name: text("name"),
        number: text("number"),
        holder: text("holder"),
        open: ask.given("open") == "true",
    };
    let told = console.office.set_bank(frame::actor(ask)?, bank).await?;
    done("/console/money", saved(console, ask, &told).await?)
}

pub(crate) async fn ticket(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let (member, bank, amount) = (ask.given("member"), ask.given("bank"), ask.given("amount"));
    let ticket = console.office.open_ticket(actor, member, bank, amount).await?;
    done("/console/money", &format!("{}: {}", ask.t("To pay, exactly"), rupiah(ticket.amount)))
}

pub(crate) async fn cancel(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    console.office.cancel_ticket(frame::actor(ask)?, ask.part(0), None).await?;
    done("/console/money", ask.t("Cancelled."))
}

pub(crate) async fn credit(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let credit = Credit {
        member: ask.given("member").trim().to_ascii_uppercase(),
        amount: ask.given("amount").trim().to_owned(),
        cash: ask.given("cash").trim().to_owned(),
        note: ask.given("note").to_owned(),
    };
    let once = ask.typed("once");
    let member = credit.member.clone();
    let told = console.office.credit(frame::actor(ask)?, credit, once.as_deref()).await?;
    match told {
        Done::Moved { balance, .. } => {
            let balance = balance.map(rupiah).unwrap_or_default();
            let text = format!("{} {}: {balance}", ask.t("Moved. Balance of"), member);
            done(&format!("/console/members/{member}"), &text)
        }
        Done::Changed => done("/console/money", ask.t("Saved.")),
        Done::Waiting { .. } => done("/console/money", super::frame::waiting(console, ask).await?),
        Done::Repeated { .. } => {
            done("/console/money", ask.t("That was done already; nothing moved again."))
        }
    }
}

pub(crate) async fn give(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let giving = Giving {
        from: ask.given("from").trim().to_ascii_uppercase(),
        to: ask.given("to").trim().to_ascii_uppercase(),
        amount: ask.given("amount").trim().to_owned(),
        note: ask.given("note").to_owned(),
    };
    let once = ask.typed("once");
    match console.office.give(frame::actor(ask)?, giving, once.as_deref()).await? {
        Done::Repeated { .. } => {
            done("/console/money", ask.t("That was done already; nothing moved again."))
        }
        Done::Waiting { .. } => done("/console/money", super::frame::waiting(console, ask).await?),
        Done::Moved { .. } | Done::Changed => done("/console/money", ask.t("Moved.")),
    }
}

/// What is told of a change that may need a second person.
pub(crate) async fn saved(console: &Inner, ask: &Ask, told: &Done) -> anyhow::Result<&'static str> {
    Ok(match told {
        Done::Waiting { .. } => super::frame::waiting(console, ask).await?,
        Done::Moved { .. } | Done::Changed | Done::Repeated { .. } => ask.t("Saved."),
    })
}

pub(crate) async fn approve(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let agree = ask.given("agree") == "true";
    console.office.decide_approval(frame::actor(ask)?, ask.part(0), agree).await?;
    done("/console/money", ask.t("Decided."))
}
