//! Members of another center, or our own list edited: brought as a file, shown first, then imported.

use super::import::looked;
use super::{frame, products};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::{Answer, download};
use crate::routes::done;
use crate::show::time;
use crate::view::{Cell, Field, Input, Part, Tone};
use office::{Operation, Takeover, TakeoverHow, execute, member_headings};
use serde_json::Value;
use types::UtcMillis;

/// The form for a file; what was typed stays in it.
pub(crate) fn form(console: &Inner, ask: &Ask) -> Part {
    let fields = vec![
        Field::new("level", ask.t("Level"))
            .value(ask.given("level"))
            .choice(products::levels(console))
            .hint(ask.t("of new members whose line names none")),
        Field::new("csv", ask.t("The file"))
            .value(ask.given("csv"))
            .input(Input::Area)
            .hint("kode, nama, pin, password, saldo, level, upline, markup, ips, callback, status")
            .needed(),
        Field::new("skip_wrong", ask.t("Leave wrong lines out"))
            .value(ask.given("skip_wrong"))
            .input(Input::Check),
    ];
    frame::form(ask, "/console/members/import", fields, ask.t("Show what would change"))
}

/// The headings that are understood.
pub(crate) fn headings(ask: &Ask) -> Part {
    Part::Fold {
        title: ask.t("Headings that a file may have").to_owned(),
        parts: vec![Part::Pre(member_headings())],
    }
}

/// What became of a file that was brought before, and what can be done now.
fn before(console: &Inner, ask: &Ask, before: &Value) -> String {
    let by = before["by"].as_str().unwrap_or_default();
    let at = time(console, UtcMillis::new(before["at"].as_i64().unwrap_or_default()));
    let first = &before["first"];
    if first["state"] == "waiting" {
        let told = ask.t("This file waits for a second person.");
        let next = ask.t(
            "Agree to it or refuse it under Money; when it is refused it can be imported again.",
        );
        return format!("{told} {}: {by}, {at}. {next}", ask.t("Brought by"));
    }
    let number = |name: &str| first[name].as_i64().unwrap_or_default();
    let told = ask.t("This file was imported before; nothing was done again.");
    let next = ask.t("To change settings, import a file without the column saldo (Download CSV makes one); a balance is corrected by hand, under Money.");
    format!(
        "{told} {}: {by}, {at}. {}: {}. {}: {}. {}: {}. {next}",
        ask.t("Brought by"),
        ask.t("New"),
        number("new"),
        ask.t("Changed"),
        number("changed"),
        ask.t("Members whose balance is opened"),
        number("openings"),
    )
}

/// First what would change; with the name of that plan, the change.
pub(crate) async fn import(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let skip_wrong = ask.given("skip_wrong") == "true";
    let takeover = |dry_run| {
        let how = TakeoverHow { level: ask.typed("level"), dry_run, skip_wrong };
        let text = ask.given("csv").to_owned();
        Operation::MemberImport(Box::new(Takeover { text, how }))
    };
    let actor = frame::actor(ask)?;
    let plan = execute(&console.office, actor, takeover(true)).await?;
    let number = |name: &str| plan[name].as_u64().unwrap_or_default();
    let agreed = ask.typed("plan").is_some_and(|agreed| plan["plan"] == agreed.as_str());
    let refused = number("wrong") > 0 && !skip_wrong;
    // A file that was carried out already is told so, whatever it would come to now.
    let again = !plan["before"].is_null();
    let before = before(console, ask, &plan["before"]);
    if (agreed || (again && ask.typed("plan").is_some())) && !refused {
        let told = execute(&console.office, actor, takeover(false)).await?;
        return match told["state"].as_str() {
            Some("waiting") => {
                let place = "/console/money";
                done(place, super::frame::waiting(console, ask).await?)
            }
            Some("repeated") => done("/console/members", &before),
            Some(_) | None => {
                let text = format!("{}: {}", ask.t("Imported"), told["imported"]);
                done("/console/members", &text)
            }
        };
    }
    let money = |name: &str| Cell::Money(plan[name].as_i64().unwrap_or_default());
    let facts = [
        (ask.t("New"), Cell::text(number("new"))),
        (ask.t("Changed"), Cell::text(number("changed"))),
        (ask.t("Unchanged"), Cell::text(number("unchanged"))),
        (ask.t("Not in the file, stay as they are"), Cell::text(number("not_in_file"))),
        (ask.t("Wrong lines"), Cell::text(number("wrong"))),
        (ask.t("Members whose balance is opened"), Cell::text(number("openings"))),
        (ask.t("Opening balances of members"), money("balances")),
        (ask.t("Of members who owe us"), money("debts")),
        (ask.t("Credit limits that are given"), money("credit_limits")),
        (ask.t("Gives in all"), money("gives")),
        (ask.t("Digest of the file"), Cell::code(plan["file"].as_str().unwrap_or_default())),
    ];
    let facts = facts.map(|(label, cell)| (label.to_owned(), cell)).into();
    let mut parts = looked(ask, &plan, facts, (ask.t("Member"), agreed));
    let mut note = |text: String| parts.insert(0, Part::Note { text, tone: Tone::Warn });
    if again {
        note(before);
    }
    if number("without_address") > 0 {
        let text = ask.t("PIN and password of an import work only from the addresses in the column ips. Theirs is empty, so these members cannot come in until they get an address, or a new PIN and password:");
        note(format!("{text} {}", number("without_address")));
    }
    if !refused && !again && (number("new") > 0 || number("changed") > 0) {
        let hidden = |name: &'static str| Field::hidden(name, ask.given(name));
        let mut fields = ["level", "csv", "skip_wrong"].map(hidden).to_vec();
        let name = plan["plan"].as_str().unwrap_or_default();
        fields.push(Field::hidden("plan", name));
        let button = ask.t("Import this");
        parts.push(frame::form(ask, "/console/members/import", fields, button));
    }
    parts.push(headings(ask));
    parts.push(Part::Fold {
        title: ask.t("Change the file").to_owned(),
        parts: vec![form(console, ask)],
    });
    frame::show(console, ask, ask.t("Import"), parts).await
}

/// All members with their settings, as an import takes them.
pub(crate) async fn export(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let told = execute(&console.office, frame::actor(ask)?, Operation::MemberExport).await?;
    let text = told["csv"].as_str().map(str::to_owned);
    Ok(download("text/csv; charset=utf-8", "members.csv", text.unwrap_or_default()))
}
