//! From a request to an operation of the office, and its answer as JSON.

use super::describe;
use crate::Inner;
use crate::ask::Ask;
use crate::pages::frame::actor;
use crate::pages::{reconcile as reconcile_page, trx as trx_page};
use crate::reply::{Answer, value};
use crate::show::{self, days_ago};
use http::StatusCode;
use office::{
    Bank, Credit, Entry, Giving, MemberAdd, MemberSet, Operation, Problem, ProductSet, RouteSet,
    Settlement, Statement, SupplierAdd, SupplierExplain, SupplierSet, Taken, Verdict, execute_once,
    read_feed,
};
use reports::Dimension;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use store::{Channel, JournalFilter, Lane};
use types::TrxNo;

type Done = anyhow::Result<Answer>;

fn ok(body: &Value) -> Done {
    Ok(value(StatusCode::OK, body))
}

/// The body, with what the path says put into it. A field that nobody reads is refused: whoever sent
/// it meant something by it.
fn body<T: DeserializeOwned>(ask: &Ask, path: &[(&str, &str)]) -> Result<T, Problem> {
    let mut fields: Map<String, Value> = if ask.body.is_empty() {
        Map::new()
    } else {
        serde_json::from_slice(&ask.body)
            .map_err(|error| Problem::asked("bad_json", format!("body: {error}")))?
    };
    for (name, text) in path {
        fields.insert((*name).to_owned(), Value::from(*text));
    }
    let mut unread = Vec::new();
    let read = serde_ignored::deserialize(Value::Object(fields), |name| {
        unread.push(format!("`{name}`"));
    })
    .map_err(|error| Problem::asked("bad_body", format!("body: {error}")))?;
    if unread.is_empty() {
        return Ok(read);
    }
    unread.truncate(20);
    let why = format!("body: nothing here is called {}", unread.join(", "));
    Err(Problem::asked("unknown_field", why))
}

async fn run(console: &Inner, ask: &Ask, operation: Operation) -> Done {
    ok(&execute_once(&console.office, actor(ask)?, operation, once(ask)).await?)
}

fn once(ask: &Ask) -> Option<&str> {
    ask.header("idempotency-key").map(str::trim).filter(|key| !key.is_empty())
}

/// A page with the key of the next one.
fn page(rows: Vec<Value>, next: Option<String>) -> Done {
    ok(&json!({"data": rows, "next": next}))
}

pub(super) async fn openapi(_: &Inner, _: &Ask) -> Done {
    ok(&describe::openapi())
}

pub(super) async fn trx_list(console: &Inner, ask: &Ask) -> Done {
    let wanted = trx_page::filter(console, ask, None)?;
    let limit = usize::try_from(wanted.limit).unwrap_or_default();
    let found = trx_page::find(console, ask, wanted).await?;
    let next = found.last().filter(|_| found.len() >= limit).map(|trx| trx.no.to_string());
    let catalog = console.office.handle.catalog();
    let rows = found.iter().map(|trx| {
        let member = catalog.member_by_id(trx.member).map(|entry| entry.member.code.to_string());
        json!({
            "trx": trx.no.get(), "at": trx.created.get(), "member": member,
            "ref_id": trx.ref_id.as_str(), "product": trx.product.as_str(),
            "dest": trx.dest.as_str(), "price": trx.price.get(), "state": trx.state.word(),
            "detail": show::detail(trx), "suspect": trx.suspect,
        })
    });
    page(rows.collect(), next)
}

pub(super) async fn trx_show(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::TrxShow { no: ask.part_number(0)? }).await
}

#[derive(Deserialize)]
struct Resolving {
    #[serde(flatten)]
    verdict: Verdict,
    note: String,
}

pub(super) async fn trx_resolve(console: &Inner, ask: &Ask) -> Done {
    let Resolving { verdict, note } = body(ask, &[])?;
    let note = format!("{}: {note}", actor(ask)?.name);
    run(console, ask, Operation::TrxResolve { no: ask.part_number(0)?, verdict, note }).await
}

pub(super) async fn trx_check(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::TrxCheck { no: ask.part_number(0)? }).await
}

pub(super) async fn member_list(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::MemberList).await
}

pub(super) async fn member_add(console: &Inner, ask: &Ask) -> Done {
    let add: MemberAdd = body(ask, &[])?;
    run(console, ask, Operation::MemberAdd(Box::new(add))).await
}

pub(super) async fn member_show(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::MemberShow { code: ask.part(0).to_owned() }).await
}

pub(super) async fn member_set(console: &Inner, ask: &Ask) -> Done {
    let set: MemberSet = body(ask, &[("code", ask.part(0))])?;
    run(console, ask, Operation::MemberSet(Box::new(set))).await
}

pub(super) async fn reconciliations(console: &Inner, _: &Ask) -> Done {
    let mut all = console.office.reconciliations().await?;
    for one in &mut all {
        one.differences.retain(|row| row.done.is_none());
    }
    ok(&json!({"data": all}))
}

#[derive(Deserialize)]
struct Comparing {
    #[serde(flatten)]
    statement: Statement,
    from: String,
    until: String,
}

pub(super) async fn reconcile(console: &Inner, ask: &Ask) -> Done {
    let Comparing { statement, from, until } = body(ask, &[])?;
    let days = (from.as_str(), until.as_str());
    let found = reconcile_page::compared(console, actor(ask)?, &statement, days).await?;
    ok(&serde_json::to_value(found)?)
}

pub(super) async fn reconciliation(console: &Inner, ask: &Ask) -> Done {
    ok(&serde_json::to_value(console.office.reconciliation(ask.part(0)).await?)?)
}

#[derive(Deserialize)]
struct SettlingDifference {
    settlement: Settlement,
}

pub(super) async fn reconcile_settle(console: &Inner, ask: &Ask) -> Done {
    let SettlingDifference { settlement } = body(ask, &[])?;
    let wrong = |_| Problem::missing(format!("`{}` is no place of a difference", ask.part(1)));
    let (id, number) = (ask.part(0), ask.part(1).parse().map_err(wrong)?);
    let told = console.office.settle_difference(actor(ask)?, id, number, settlement).await?;
    if let office::Done::Waiting { .. } = told {
        return ok(&serde_json::to_value(told)?);
    }
    ok(&serde_json::to_value(console.office.reconciliation(id).await?)?)
}

pub(super) async fn ping(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::CallbackTest { member: ask.part(0).to_owned() }).await
}

pub(super) async fn credit(console: &Inner, ask: &Ask) -> Done {
    let credit: Credit = body(ask, &[("member", ask.part(0))])?;
    ok(&serde_json::to_value(console.office.credit(actor(ask)?, credit, once(ask)).await?)?)
}

pub(super) async fn give(console: &Inner, ask: &Ask) -> Done {
    let giving: Giving = body(ask, &[])?;
    ok(&serde_json::to_value(console.office.give(actor(ask)?, giving, once(ask)).await?)?)
}

pub(super) async fn book(console: &Inner, ask: &Ask) -> Done {
    let entry: Entry = body(ask, &[])?;
    run(console, ask, Operation::Book(Box::new(entry))).await
}

pub(super) async fn statement(console: &Inner, ask: &Ask) -> Done {
    let code = types::MemberCode::parse(ask.part(0))?;
    let catalog = console.office.handle.catalog();
    let entry = catalog.member(&code);
    let id = entry.ok_or_else(|| Problem::missing(format!("there is no member {code}")))?.member.id;
    let below = ask.place::<3>("below")?.map(|[at, lane, seq]| (at, lane, seq));
    let found = console.reports.entries(&format!("member:{id}"), below, 100)?;
    let last = found.last().filter(|_| found.len() >= 100);
    let next = last.map(|last| format!("{}-{}-{}", last.at.get(), last.lane, last.seq));
    let rows = found.iter().map(|entry| {
        json!({
            "at": entry.at.get(), "kind": entry.kind, "amount": entry.amount.get(),
            "balance": entry.balance.map(types::Rupiah::get), "trx": entry.trx.map(TrxNo::get),
            "note": entry.note,
        })
    });
    page(rows.collect(), next)
}

pub(super) async fn approvals(console: &Inner, ask: &Ask) -> Done {
    let waiting = ask.asked("all").is_none();
    ok(&serde_json::to_value(console.office.approvals(waiting).await?)?)
}

#[derive(Deserialize)]
struct Agreeing {
    agree: bool,
}

pub(super) async fn approve(console: &Inner, ask: &Ask) -> Done {
    let Agreeing { agree } = body(ask, &[])?;
    let decided = console.office.decide_approval(actor(ask)?, ask.part(0), agree).await?;
    ok(&serde_json::to_value(decided)?)
}

pub(super) async fn product_list(console: &Inner, ask: &Ask) -> Done {
    let filter = ask.asked("q").map(str::to_owned);
    run(console, ask, Operation::ProductList { filter }).await
}

pub(super) async fn product_import(console: &Inner, ask: &Ask) -> Done {
    let import: office::Import = body(ask, &[])?;
    run(console, ask, Operation::ProductImport(Box::new(import))).await
}

pub(super) async fn product_show(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::ProductShow { code: ask.part(0).to_owned() }).await
}

pub(super) async fn product_set(console: &Inner, ask: &Ask) -> Done {
    let set: ProductSet = body(ask, &[("code", ask.part(0))])?;
    run(console, ask, Operation::ProductSet(Box::new(set))).await
}

#[derive(Deserialize)]
struct Level {
    code: String,
    #[serde(default)]
    name: String,
}

pub(super) async fn level_set(console: &Inner, ask: &Ask) -> Done {
    let Level { code, name } = body(ask, &[])?;
    run(console, ask, Operation::LevelSet { code, name }).await
}

pub(super) async fn supplier_list(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::SupplierList).await
}

pub(super) async fn supplier_add(console: &Inner, ask: &Ask) -> Done {
    let add: SupplierAdd = body(ask, &[])?;
    run(console, ask, Operation::SupplierAdd(Box::new(add))).await
}

pub(super) async fn supplier_set(console: &Inner, ask: &Ask) -> Done {
    let set: SupplierSet = body(ask, &[("code", ask.part(0))])?;
    run(console, ask, Operation::SupplierSet(Box::new(set))).await
}

#[derive(Deserialize)]
struct Syncing {
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn supplier_sync(console: &Inner, ask: &Ask) -> Done {
    let Syncing { dry_run } = body(ask, &[])?;
    run(console, ask, Operation::SupplierSync { code: ask.part(0).to_owned(), dry_run }).await
}

pub(super) async fn supplier_explain(console: &Inner, ask: &Ask) -> Done {
    let given: SupplierExplain = body(ask, &[("code", ask.part(0))])?;
    run(console, ask, Operation::SupplierExplain(Box::new(given))).await
}

pub(super) async fn route_set(console: &Inner, ask: &Ask) -> Done {
    let set: RouteSet = body(ask, &[])?;
    run(console, ask, Operation::RouteSet(Box::new(set))).await
}

pub(super) async fn callback_list(console: &Inner, ask: &Ask) -> Done {
    let text = |name: &str| ask.asked(name).map(str::to_owned);
    let list = Operation::CallbackList {
        member: text("member"),
        state: text("state"),
        trx: ask.number("trx")?,
        limit: 100,
    };
    run(console, ask, list).await
}

#[derive(Deserialize)]
struct Replaying {
    #[serde(default)]
    ids: Vec<i64>,
    member: Option<String>,
    state: Option<String>,
}

pub(super) async fn callback_replay(console: &Inner, ask: &Ask) -> Done {
    let Replaying { ids, member, state } = body(ask, &[])?;
    run(console, ask, Operation::CallbackReplay { ids, member, state }).await
}

pub(super) async fn banks(console: &Inner, _: &Ask) -> Done {
    ok(&serde_json::to_value(console.office.banks().await?)?)
}

pub(super) async fn bank_set(console: &Inner, ask: &Ask) -> Done {
    let bank: Bank = body(ask, &[])?;
    ok(&serde_json::to_value(console.office.set_bank(actor(ask)?, bank).await?)?)
}

pub(super) async fn tickets(console: &Inner, ask: &Ask) -> Done {
    ok(&serde_json::to_value(console.office.tickets(ask.asked("member"), 200).await?)?)
}

#[derive(Deserialize)]
struct Ticketing {
    member: String,
    bank: String,
    #[serde(deserialize_with = "office::amount")]
    amount: String,
}

pub(super) async fn ticket_open(console: &Inner, ask: &Ask) -> Done {
    let Ticketing { member, bank, amount } = body(ask, &[])?;
    let ticket = console.office.open_ticket(actor(ask)?, &member, &bank, &amount).await?;
    ok(&serde_json::to_value(ticket)?)
}

pub(super) async fn mutations(console: &Inner, ask: &Ask) -> Done {
    let open = ask.asked("all").is_none();
    ok(&serde_json::to_value(console.office.mutations(open, 200).await?)?)
}

pub(super) async fn mutation_take(console: &Inner, ask: &Ask) -> Done {
    let sent: Value = serde_json::from_slice(&ask.body)
        .map_err(|error| Problem::asked("bad_json", format!("body: {error}")))?;
    let feed = read_feed(&sent, ask.asked("bank"), &console.office.banks().await?)?;
    let (left_out, single) = (feed.left_out, feed.single);
    let taken = console.office.take_feed(actor(ask)?, feed).await?;
    if single {
        let one = taken.first().map(serde_json::to_value).transpose()?;
        return ok(&one.unwrap_or_else(|| json!({"state": "left_out", "left_out": left_out})));
    }
    let count = |wanted: fn(&Taken) -> bool| taken.iter().filter(|one| wanted(one)).count();
    let answer = json!({
        "matched": count(|one| matches!(one, Taken::Matched { .. })),
        "queued": count(|one| matches!(one, Taken::Queued { .. })),
        "known": count(|one| matches!(one, Taken::Known { .. })),
        "refused": count(|one| matches!(one, Taken::Refused { .. })),
        "left_out": left_out, "data": serde_json::to_value(&taken)?,
    });
    ok(&answer)
}

#[derive(Deserialize)]
struct Settling {
    /// Absent: nobody's.
    member: Option<String>,
    note: String,
    /// It is none of the payments that it looks like.
    #[serde(default)]
    another: bool,
}

pub(super) async fn mutation_settle(console: &Inner, ask: &Ask) -> Done {
    let Settling { member, note, another } = body(ask, &[])?;
    let (actor, id) = (actor(ask)?, ask.part(0));
    let told = console.office.settle_mutation(actor, id, member.as_deref(), &note, another).await?;
    if let office::Done::Waiting { .. } = told {
        return ok(&serde_json::to_value(told)?);
    }
    ok(&json!({"id": id, "settled": true}))
}

pub(super) async fn report(console: &Inner, ask: &Ask) -> Done {
    let from = ask.day("from")?.unwrap_or_else(|| days_ago(console, 6));
    let until = ask.day("until")?.unwrap_or_else(|| days_ago(console, 0));
    let by = ask.asked("by").and_then(Dimension::named);
    let rows: Vec<(String, reports::Tally)> = match by {
        Some(by) => console.reports.by_key(by, from, until)?.into_iter().collect(),
        None => {
            let days = console.reports.by_day(from, until, None)?;
            days.into_iter().map(|(day, tally)| (show::date(day), tally)).collect()
        }
    };
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|(key, tally)| {
            json!({
                "key": key, "asked": tally.asked, "delivered": tally.ok, "failed": tally.failed,
                "reversed": tally.reversed, "sales": tally.sales, "cost": tally.cost,
                "margin": tally.margin(), "median_ms": tally.median_ms, "p95_ms": tally.p95_ms,
            })
        })
        .collect();
    ok(&json!({"from": show::date(from), "until": show::date(until), "data": rows}))
}

pub(super) async fn journal(console: &Inner, ask: &Ask) -> Done {
    let below = ask.place::<2>("below")?;
    let below = below.map(|[lane, seq]| (Lane(i32::try_from(lane).unwrap_or(i32::MAX)), seq));
    let channel = ask.asked("channel");
    let filter = JournalFilter {
        channel: channel.and_then(|word| Channel::ALL.into_iter().find(|c| c.word() == word)),
        text: ask.asked("q").map(str::to_owned),
        trx: ask.number("trx")?.map(TrxNo::new),
        below,
        limit: 100,
    };
    let found = console.office.handle.reads().ask(move |r| r.journal_page(&filter)).await??;
    let last = found.last().filter(|_| found.len() >= 100);
    let next = last.map(|last| format!("{}-{}", last.lane.0, last.seq));
    let rows = found.iter().map(|row| {
        let line = &row.row;
        json!({
            "lane": row.lane.0, "seq": row.seq, "at": line.at.get(),
            "channel": line.channel.word(), "peer": line.peer, "trx": line.trx.map(TrxNo::get),
            "request": line.request, "reply": line.reply, "status": line.status,
            "millis": line.millis,
        })
    });
    page(rows.collect(), next)
}

pub(super) async fn keys(console: &Inner, ask: &Ask) -> Done {
    ok(&serde_json::to_value(console.office.keys(ask.asked("member")).await?)?)
}

#[derive(Deserialize)]
struct Naming {
    #[serde(default)]
    name: String,
}

pub(super) async fn key_add(console: &Inner, ask: &Ask) -> Done {
    let Naming { name } = body(ask, &[])?;
    let (id, secret) = console.office.add_key(actor(ask)?, ask.part(0), &name).await?;
    ok(&json!({"id": id, "secret": secret}))
}

pub(super) async fn key_remove(console: &Inner, ask: &Ask) -> Done {
    console.office.remove_key(actor(ask)?, ask.part(0), None).await?;
    ok(&json!({"id": ask.part(0), "removed": true}))
}

pub(super) async fn user_list(console: &Inner, ask: &Ask) -> Done {
    run(console, ask, Operation::UserList).await
}

/// Who works here is changed by a person that proves who it is; a token never does.
pub(super) async fn needs_person(_: &Inner, ask: &Ask) -> Done {
    office::Proven::at_the_machine(actor(ask)?)?;
    Err(Problem::missing("there is no such route").into())
}
