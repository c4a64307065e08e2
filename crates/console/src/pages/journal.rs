//! The journal: everything that was said, and everything people did.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::show::time;
use crate::view::{Cell, Field, Form, Part, Table, Tone};
use store::{Channel, Direction, JournalFilter, Lane};
use types::TrxNo;

const PAGE: u32 = 50;

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let channel = ask.asked("channel");
    let below = ask.place::<2>("below")?;
    let below = below.map(|[lane, seq]| (Lane(i32::try_from(lane).unwrap_or(i32::MAX)), seq));
    let filter = JournalFilter {
        channel: channel.and_then(|word| Channel::ALL.into_iter().find(|c| c.word() == word)),
        text: ask.asked("q").map(str::to_owned),
        trx: ask.number("trx")?.map(TrxNo::new),
        below,
        limit: PAGE,
    };
    let reads = console.office.handle.reads();
    let found = reads.ask(move |reads| reads.journal_page(&filter)).await??;
    let heads = reads.ask(|reads| reads.heads()).await??;
    let words = std::iter::once("").chain(Channel::ALL.map(Channel::word));
    let mut parts = vec![Part::Form(Form {
        action: "/console/journal".to_owned(),
        fields: vec![
            Field::new("q", ask.t("Words")).value(ask.asked("q").unwrap_or_default()),
            Field::new("trx", "T#").value(ask.asked("trx").unwrap_or_default()),
            Field::new("channel", ask.t("Channel"))
                .value(channel.unwrap_or_default())
                .choice(words.map(|word| (word.to_owned(), word.to_owned())))
                .hint(ask.t("admin: what people did")),
        ],
        button: ask.t("Search").to_owned(),
        get: true,
        ..Form::default()
    })];
    let titles = [
        "#",
        ask.t("Time"),
        ask.t("Channel"),
        ask.t("Other side"),
        "T#",
        ask.t("Said"),
        ask.t("Answered"),
        ask.t("State"),
    ];
    let mut table = Table::new(&titles, ask.t("Nothing found among the newest lines."));
    for row in &found {
        let line = &row.row;
        let arrow = match line.direction {
            Direction::In => "←",
            Direction::Out => "→",
        };
        let trx = line.trx.map_or(Cell::Nothing, |no| Cell::link(no, format!("/console/trx/{no}")));
        table.rows.push(vec![
            Cell::text(row.seq),
            Cell::text(time(console, line.at)),
            Cell::text(format!("{arrow} {}", line.channel.word())),
            Cell::text(&line.peer),
            trx,
            Cell::code(&line.request),
            Cell::code(&line.reply),
            Cell::text(&line.status),
        ]);
    }
    if let Some(last) = found.last().filter(|_| found.len() >= PAGE as usize) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in ["q", "trx", "channel"] {
            if let Some(value) = ask.asked(name) {
                query.append_pair(name, value);
            }
        }
        query.append_pair("below", &format!("{}-{}", last.lane.0, last.seq));
        let place = format!("/console/journal?{}", query.finish());
        table.next = Some((ask.t("Older").to_owned(), place));
    }
    parts.push(Part::Table(table));
    let mut chains = Table::new(&[ask.t("Lane"), ask.t("Ledger"), ask.t("Journal")], "");
    for heads in heads {
        chains.rows.push(vec![
            Cell::text(heads.lane),
            Cell::code(heads.ledger),
            Cell::code(heads.journal),
        ]);
    }
    parts.push(Part::Fold {
        title: ask.t("Heads of the chains").to_owned(),
        parts: vec![
            Part::Note {
                text: ask.t("gerbang verify proves that nothing was changed.").to_owned(),
                tone: Tone::Quiet,
            },
            Part::Table(chains),
        ],
    });
    frame::show(console, ask, ask.t("Journal"), parts).await
}
