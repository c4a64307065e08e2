//! Transactions: search, the whole story of one, and the queue that needs a person.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::{self, detail, short_time, time};
use crate::view::{Cell, Field, Form, Happening, Input, Part, Table, Tone};
use domain::{AttemptState, Trx, TrxState};
use office::{Operation, Permission, Problem, Verdict, execute};
use reports::SaleFilter;
use std::fmt::Write as _;
use store::{Story, TrxFilter};
use types::{MemberCode, MemberId, RefId, TrxNo};

const PAGE: u32 = 50;

/// Fields of the search that are kept from page to page.
const FIELDS: [&str; 10] =
    ["q", "member", "product", "supplier", "dest", "sn", "ref", "state", "from", "until"];

fn member_id(console: &Inner, text: &str) -> Result<MemberId, Problem> {
    let code = MemberCode::parse(text).map_err(|e| Problem::asked("bad_member", e.to_string()))?;
    let catalog = console.office.handle.catalog();
    let entry = catalog.member(&code);
    Ok(entry.ok_or_else(|| Problem::missing(format!("there is no member {code}")))?.member.id)
}

/// The filter of a request; `of` limits it to one member.
pub(crate) fn filter(
    console: &Inner,
    ask: &Ask,
    of: Option<MemberId>,
) -> anyhow::Result<SaleFilter> {
    let text = |name: &str| ask.asked(name).map(str::to_owned);
    let member = match (of, ask.asked("member")) {
        (Some(of), _) => Some(of),
        (None, Some(code)) => Some(member_id(console, code)?),
        (None, None) => None,
    };
    let below = ask.number("below")?;
    Ok(SaleFilter {
        member,
        product: text("product").map(|code| code.to_ascii_uppercase()),
        // Who served a member is the business' own matter.
        supplier: text("supplier").filter(|_| of.is_none()),
        dest: text("dest"),
        sn: text("sn"),
        ref_id: text("ref"),
        state: text("state"),
        from: ask.day("from")?,
        until: ask.day("until")?,
        below: below.map(TrxNo::new),
        limit: PAGE,
    })
}

/// The purchases that fit. What the ledger never saw (refusals) is found in the store itself.
pub(crate) async fn find(
    console: &Inner,
    ask: &Ask,
    wanted: SaleFilter,
) -> anyhow::Result<Vec<Trx>> {
    let reads = console.office.handle.reads();
    let indexed = wanted.member.is_some()
        || wanted.product.is_some()
        || wanted.supplier.is_some()
        || wanted.dest.is_some()
        || wanted.sn.is_some()
        || wanted.ref_id.is_some()
        || wanted.from.is_some()
        || wanted.until.is_some();
    if let (Some(member), Some(text)) = (wanted.member, &wanted.ref_id)
        && let Ok(ref_id) = RefId::parse(text)
    {
        // By member and refID the store knows refused ones too.
        let found = reads.ask(move |reads| reads.trx_by_ref(member, &ref_id)).await??;
        return Ok(found.into_iter().collect());
    }
    let refused = wanted.state.as_deref() == Some("refused");
    if indexed && !refused {
        let numbers = console.reports.sales(&wanted)?;
        let known = reads.ask(move |reads| reads.knowns(&numbers)).await??;
        let mut found: Vec<Trx> = known.into_iter().map(|known| known.trx).collect();
        found.sort_by_key(|trx| std::cmp::Reverse(trx.no));
        return Ok(found);
    }
    let filter = TrxFilter {
        member: wanted.member,
        state: wanted.state,
        suspect: ask.asked("suspect").is_some(),
        below: wanted.below,
        limit: wanted.limit,
        ..TrxFilter::default()
    };
    Ok(reads.ask(move |reads| reads.trx_page(&filter)).await??)
}

/// The rows; `member` shows whose they are.
pub(crate) fn table(console: &Inner, ask: &Ask, found: &[Trx], member: bool, root: &str) -> Table {
    let price = format!(">{}", ask.t("Price"));
    let mut titles = vec!["T#", ask.t("Time")];
    if member {
        titles.push(ask.t("Member"));
    }
    titles.extend([
        ask.t("Product"),
        ask.t("Destination"),
        &price,
        ask.t("State"),
        ask.t("Detail"),
        "refID",
    ]);
    let mut table = Table::new(&titles, ask.t("Nothing found."));
    for trx in found {
        let mut row = vec![
            Cell::link(trx.no, format!("{root}/{}", trx.no)),
            Cell::text(short_time(console, trx.created)),
        ];
        if member {
            row.push(show::member(console, trx.member));
        }
        let mut states = vec![show::state(ask, trx.state.word())];
        if trx.suspect.is_some() {
            states.push(Cell::badge(ask.t("suspect"), Tone::Bad));
        }
        row.extend([
            Cell::text(&trx.product),
            Cell::text(&trx.dest),
            Cell::Money(trx.price.get()),
            Cell::Many(states),
            Cell::text(detail(trx)),
            Cell::code(&trx.ref_id),
        ]);
        table.rows.push(row);
    }
    table
}

/// Where the next page is.
pub(crate) fn next(ask: &Ask, found: &[Trx], place: &str) -> Option<(String, String)> {
    let last = found.last().filter(|_| found.len() >= PAGE as usize)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in FIELDS {
        if let Some(value) = ask.asked(name) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("below", &last.no.to_string());
    Some((ask.t("Older").to_owned(), format!("{place}?{}", query.finish())))
}

pub(crate) fn search(ask: &Ask, place: &str, member: bool) -> Form {
    let field = |name: &'static str, label: &str| {
        Field::new(name, label).value(ask.asked(name).unwrap_or_default())
    };
    let states = ["", "pending", "success", "failed", "reversed", "refused"];
    let mut fields = vec![field("q", "T#").input(Input::Number), field("ref", "refID")];
    if member {
        fields.push(field("member", ask.t("Member")));
    }
    fields.extend([
        field("dest", ask.t("Destination")),
        field("sn", "SN"),
        field("product", ask.t("Product")),
    ]);
    if member {
        fields.push(field("supplier", ask.t("Supplier")));
    }
    fields.extend([
        field("state", ask.t("State"))
            .choice(states.map(|word| (word.to_owned(), word.to_owned()))),
        field("from", ask.t("From")).input(Input::Date),
        field("until", ask.t("Until")).input(Input::Date),
    ]);
    Form {
        action: place.to_owned(),
        fields,
        button: ask.t("Search").to_owned(),
        get: true,
        ..Form::default()
    }
}

pub(crate) async fn list(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    if let Some(no) = ask.asked("q") {
        let digits: String = no.chars().filter(char::is_ascii_digit).collect();
        return Ok(crate::reply::to(&format!("/console/trx/{digits}")));
    }
    let found = find(console, ask, filter(console, ask, None)?).await?;
    let mut table = table(console, ask, &found, true, "/console/trx");
    table.next = next(ask, &found, "/console/trx");
    let parts = vec![Part::Form(search(ask, "/console/trx", true)), Part::Table(table)];
    frame::show_live(console, ask, ask.t("Transactions"), parts).await
}

pub(crate) async fn suspects(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let filter = TrxFilter { suspect: true, limit: 200, ..TrxFilter::default() };
    let found = console.office.handle.reads().ask(move |r| r.trx_page(&filter)).await??;
    let titles = [
        "T#",
        ask.t("Time"),
        ask.t("Member"),
        ask.t("Product"),
        ask.t("Destination"),
        &format!(">{}", ask.t("Price")),
        ask.t("State"),
        ask.t("Why"),
    ];
    let mut table = Table::new(&titles, ask.t("Nobody has to decide anything."));
    for trx in &found {
        table.rows.push(vec![
            Cell::link(trx.no, format!("/console/trx/{}", trx.no)),
            Cell::text(time(console, trx.created)),
            show::member(console, trx.member),
            Cell::text(&trx.product),
            Cell::text(&trx.dest),
            Cell::Money(trx.price.get()),
            show::state(ask, trx.state.word()),
            Cell::maybe(trx.suspect.as_deref()),
        ]);
    }
    let note = ask.t("Purchases nobody can be sure of. Ask the supplier, then decide on the page of the purchase.");
    let parts = vec![Part::Note { text: note.to_owned(), tone: Tone::Quiet }, Part::Table(table)];
    frame::show_live(console, ask, ask.t("Suspects"), parts).await
}

pub(crate) async fn load(console: &Inner, no: i64) -> anyhow::Result<Story> {
    let found = console.office.handle.reads().ask(move |r| r.story(TrxNo::new(no))).await??;
    Ok(found.ok_or_else(|| Problem::missing(format!("there is no trx {no}")))?)
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let no = ask.part_number(0)?;
    let role = frame::actor(ask)?.role;
    let story = load(console, no).await?;
    let trx = &story.known.trx;
    let mut parts = Vec::new();
    if let Some(why) = &trx.suspect {
        parts.push(Part::Note { text: why.clone(), tone: Tone::Bad });
    }
    parts.push(Part::Note { text: money(console, ask, trx), tone: Tone::Quiet });
    parts.push(Part::Facts(vec![
        (ask.t("State").to_owned(), show::state(ask, trx.state.word())),
        (ask.t("Member").to_owned(), show::member(console, trx.member)),
        (
            ask.t("Product").to_owned(),
            Cell::link(
                format!("{} · {}", trx.product, trx.name),
                format!("/console/products/{}", trx.product),
            ),
        ),
        (ask.t("Destination").to_owned(), Cell::text(&trx.dest)),
        ("refID".to_owned(), Cell::code(&trx.ref_id)),
        (ask.t("Price").to_owned(), Cell::Money(trx.price.get())),
        (ask.t("Detail").to_owned(), Cell::text(detail(trx))),
        (ask.t("Time").to_owned(), Cell::text(time(console, trx.created))),
    ]));
    let mut attempts = Table::new(
        &[
            "#",
            ask.t("Supplier"),
            "SKU",
            &format!(">{}", ask.t("Cost")),
            ask.t("State"),
            ask.t("Why this one"),
        ],
        ask.t("It was never given to a supplier."),
    );
    for attempt in &story.known.attempts {
        attempts.rows.push(vec![
            Cell::text(attempt.id.n),
            Cell::link(&attempt.supplier, format!("/console/suppliers/{}", attempt.supplier)),
            Cell::code(&attempt.sku),
            Cell::Money(attempt.cost.get()),
            attempt_state(ask, &attempt.state),
            Cell::text(&attempt.why),
        ]);
    }
    parts.extend([Part::Heading(ask.t("Attempts").to_owned()), Part::Table(attempts)]);
    if role.may(Permission::Resolve) || role.may(Permission::Replay) {
        parts.push(Part::Heading(ask.t("Decide").to_owned()));
        parts.push(Part::Columns(actions(ask, &story)));
    }
    parts.push(Part::Heading(ask.t("What happened").to_owned()));
    parts.push(Part::Story(happenings(console, ask, &story)));
    frame::show(console, ask, &format!("T#{no}"), parts).await
}

/// "Where is the money?" in one sentence.
fn money(console: &Inner, ask: &Ask, trx: &Trx) -> String {
    let member = console.office.handle.catalog();
    let code = member.member_by_id(trx.member).map(|entry| entry.member.code.to_string());
    let (code, price) = (code.unwrap_or_default(), trx.price);
    match &trx.state {
        TrxState::Pending => {
            format!("{price}: {} ({code}).", ask.t("the money is held until it is decided"))
        }
        TrxState::Success { cost, .. } => {
            let margin = price.get().saturating_sub(cost.get());
            format!(
                "{price}: {}; {} {cost}, {} {}.",
                ask.t("the money is ours"),
                ask.t("the supplier got"),
                ask.t("we earned"),
                crate::view::rupiah(margin)
            )
        }
        TrxState::Failed { .. } => {
            format!("{price}: {} ({code}).", ask.t("the money went back to the member"))
        }
        TrxState::Reversed { .. } => {
            format!(
                "{price}: {} ({code}).",
                ask.t("delivered, then reversed: the money went back to the member")
            )
        }
        TrxState::Refused { .. } => ask.t("Refused: no money moved.").to_owned(),
    }
}

fn attempt_state(ask: &Ask, state: &AttemptState) -> Cell {
    let (text, more, tone) = match state {
        AttemptState::Intended => (ask.t("not sent yet"), String::new(), Tone::Quiet),
        AttemptState::Sent => (ask.t("sent, no answer yet"), String::new(), Tone::Warn),
        AttemptState::Waiting => (ask.t("the supplier works on it"), String::new(), Tone::Warn),
        AttemptState::Unknown { why } => (ask.t("unknown"), why.clone(), Tone::Bad),
        AttemptState::Unsent { proof } => (ask.t("certainly not sent"), proof.clone(), Tone::Quiet),
        AttemptState::Delivered { sn } => (ask.t("delivered"), sn.to_string(), Tone::Good),
        AttemptState::Failed { reason } => (ask.t("failed"), reason.to_string(), Tone::Bad),
    };
    Cell::Many(vec![Cell::badge(text, tone), Cell::text(more)])
}

fn actions(ask: &Ask, story: &Story) -> Vec<Vec<Part>> {
    let trx = &story.known.trx;
    let role = ask.signed.as_ref().map(|signed| signed.actor.role);
    let may = |permission| role.is_some_and(|role| role.may(permission));
    let place = |verb: &str| format!("/console/trx/{}/{verb}", trx.no);
    let note = || Field::new("note", ask.t("How do you know? (reason)")).needed();
    let decide = |verdict: &str, button: &str, tone: Tone, mut fields: Vec<Field>| {
        fields.push(note());
        fields.push(Field::hidden("verdict", verdict));
        Part::Form(Form {
            action: place("resolve"),
            fields,
            button: button.to_owned(),
            tone,
            form_key: frame::key(ask),
            ..Form::default()
        })
    };
    let plain = |verb: &str, button: &str| {
        Part::Form(Form {
            action: place(verb),
            button: button.to_owned(),
            tone: Tone::Quiet,
            form_key: frame::key(ask),
            ..Form::default()
        })
    };
    let reason = || Field::new("reason", ask.t("Reason told to the member")).needed();
    let mut columns = Vec::new();
    if may(Permission::Resolve) {
        match trx.state {
            TrxState::Pending => {
                let sn = Field::new("sn", "SN").needed();
                columns.push(vec![decide(
                    "success",
                    ask.t("It was delivered"),
                    Tone::Plain,
                    vec![sn],
                )]);
                columns.push(vec![decide(
                    "fail",
                    ask.t("Fail and refund"),
                    Tone::Bad,
                    vec![reason()],
                )]);
            }
            TrxState::Success { .. } => {
                columns.push(vec![decide(
                    "reverse",
                    ask.t("Reverse and refund"),
                    Tone::Bad,
                    vec![
                        reason(),
                        Field::new("returned", ask.t("The supplier gives its price back"))
                            .input(Input::Check),
                    ],
                )]);
            }
            TrxState::Failed { .. } | TrxState::Reversed { .. } | TrxState::Refused { .. } => {}
        }
        if trx.suspect.is_some() {
            columns.push(vec![decide("keep", ask.t("Leave as it is"), Tone::Quiet, Vec::new())]);
        }
    }
    let mut rest = Vec::new();
    if may(Permission::Replay) {
        if story.known.attempts.last().is_some_and(|attempt| attempt.state.is_open()) {
            rest.push(plain("check", ask.t("Ask the supplier now")));
        }
        if !story.deliveries.is_empty() {
            rest.push(plain("replay", ask.t("Send the callback again")));
        }
    }
    if !rest.is_empty() {
        columns.push(rest);
    }
    columns
}

/// Everything in the order of time.
fn happenings(console: &Inner, ask: &Ask, story: &Story) -> Vec<Happening> {
    let trx = &story.known.trx;
    let mut all: Vec<(i64, u8, Happening)> = Vec::new();
    let mut put = |at: types::UtcMillis, rank: u8, what: &str, text: String, tone: Tone| {
        let ms = at.get().rem_euclid(1_000);
        let shown = format!("{}.{ms:03}", time(console, at));
        all.push((at.get(), rank, Happening { at: shown, what: what.to_owned(), text, tone }));
    };
    let accepted = !matches!(trx.state, TrxState::Refused { .. });
    let text = if accepted {
        format!("{} {}: {} → {}", ask.t("accepted for"), trx.price, trx.before, trx.after())
    } else {
        detail(trx)
    };
    put(trx.created, 1, ask.t("decision"), text, if accepted { Tone::Good } else { Tone::Bad });
    for attempt in &story.known.attempts {
        let text = format!("{} · {} · {}", attempt.supplier, attempt.sku, attempt.why);
        put(attempt.created, 2, ask.t("attempt"), text, Tone::Plain);
    }
    for (_, transfer) in &story.transfers {
        let mut text = format!(
            "{} {}: {} → {}",
            transfer.kind.word(),
            transfer.amount,
            transfer.from,
            transfer.to
        );
        if let Some(balance) = transfer.balance {
            let _ = write!(text, " · {} {balance}", ask.t("balance"));
        }
        if !transfer.note.is_empty() {
            let _ = write!(text, "\n{}", transfer.note);
        }
        put(transfer.at, 4, ask.t("ledger"), text, Tone::Plain);
    }
    for (_, line) in &story.journal {
        let arrow = match line.direction {
            store::Direction::In => "←",
            store::Direction::Out => "→",
        };
        let text = format!(
            "{arrow} {} · {} · {} · {} ms\n{}\n{}",
            line.channel.word(),
            line.peer,
            line.status,
            line.millis,
            line.request,
            line.reply
        );
        put(line.at, 0, ask.t("exchange"), text, Tone::Quiet);
    }
    for delivery in &story.deliveries {
        let text = format!(
            "{} · {} {} · {}\n{}",
            delivery.state.word(),
            delivery.tries,
            ask.t("tries"),
            delivery.last,
            delivery.message
        );
        put(delivery.created, 5, ask.t("callback"), text, Tone::Plain);
    }
    all.sort_by_key(|(at, rank, _)| (*at, *rank));
    all.into_iter().map(|(_, _, happening)| happening).collect()
}

pub(crate) async fn resolve(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let no = ask.part_number(0)?;
    let verdict = match ask.given("verdict") {
        "success" => Verdict::Success { sn: ask.given("sn").trim().to_owned() },
        "fail" => Verdict::Fail { reason: ask.given("reason").to_owned() },
        "reverse" => Verdict::Reverse {
            reason: ask.given("reason").to_owned(),
            returned: ask.given("returned") == "true",
        },
        "keep" => Verdict::Keep,
        _ => return Err(Problem::asked("bad_verdict", "say what is decided").into()),
    };
    let actor = frame::actor(ask)?;
    let why = ask.typed("note").ok_or_else(|| Problem::asked("no_reason", ask.t("Say why.")))?;
    let note = format!("{}: {why}", actor.name);
    let decide = Operation::TrxResolve { no, verdict, note };
    let told = execute(&console.office, actor, decide).await?;
    let waits = told["state"] == "waiting";
    let text = if waits { super::frame::waiting(console, ask).await? } else { ask.t("Decided.") };
    done(&format!("/console/trx/{no}"), text)
}

pub(crate) async fn check(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let no = ask.part_number(0)?;
    execute(&console.office, frame::actor(ask)?, Operation::TrxCheck { no }).await?;
    done(&format!("/console/trx/{no}"), ask.t("The supplier is asked."))
}

pub(crate) async fn replay(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let no = ask.part_number(0)?;
    let story = load(console, no).await?;
    let ids = story.deliveries.iter().map(|delivery| delivery.id.get()).collect();
    let again = Operation::CallbackReplay { ids, member: None, state: None };
    execute(&console.office, frame::actor(ask)?, again).await?;
    done(&format!("/console/trx/{no}"), ask.t("The callback is sent again."))
}
