//! What waits for a second person, for those who may agree.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::show::time;
use crate::view::{Cell, Field, Form, Table, Tone, rupiah};
use office::{Actor, Approval, Permission};
use serde_json::Value;
use types::{Rupiah, UtcMillis};

/// A value of what was asked, as people read it.
fn value(ask: &Ask, name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => {
            let amount = matches!(name, "amount" | "limit").then(|| text.parse::<Rupiah>().ok());
            Some(amount.flatten().map_or_else(|| text.clone(), |amount| rupiah(amount.get())))
        }
        Value::Number(number) => {
            let count = matches!(
                name,
                "trx"
                    | "reverse_days"
                    | "cooling_minutes"
                    | "rows"
                    | "new"
                    | "openings"
                    | "left_out"
            );
            let amount = number.as_i64().filter(|number| !count && number.abs() >= 1_000);
            Some(amount.map_or_else(|| number.to_string(), rupiah))
        }
        Value::Bool(true) => Some(ask.t("yes").to_owned()),
        Value::Bool(false) => Some(ask.t("no").to_owned()),
        other @ (Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
    }
}

/// A field of what was asked, as people call it.
fn label(ask: &Ask, name: &str) -> String {
    match name {
        "member" => ask.t("Member"),
        "from" => ask.t("From"),
        "to" => ask.t("To"),
        "amount" => ask.t("Amount"),
        "limit" => ask.t("Credit limit"),
        "cash" => ask.t("Account"),
        "note" => ask.t("Note"),
        "reason" => ask.t("Reason told to the member"),
        "trx" => "T#",
        "returned" => ask.t("The supplier gives its price back"),
        "number" => ask.t("Account number"),
        "holder" => ask.t("In the name of"),
        "file" => ask.t("Digest of the file"),
        "rows" => ask.t("Members"),
        "new" => ask.t("New"),
        "openings" => ask.t("Members whose balance is opened"),
        "balances" => ask.t("Opening balances of members"),
        "debts" => ask.t("Of members who owe us"),
        "credit_limits" => ask.t("Credit limits that are given"),
        "skip_wrong" => ask.t("Leave wrong lines out"),
        "left_out" => ask.t("Lines left out"),
        "level" => ask.t("Level of new members whose line names none"),
        "plan" => ask.t("Digest of who gets what"),
        "gives" => ask.t("Gives in all"),
        other => return other.replace('_', " "),
    }
    .to_owned()
}

fn said(ask: &Ask, asked: &Value) -> String {
    let Some(fields) = asked.as_object() else { return asked.to_string() };
    let all = fields.iter().filter_map(|(name, text)| {
        value(ask, name, text).map(|text| format!("{}: {text}", label(ask, name)))
    });
    all.collect::<Vec<_>>().join(" \u{b7} ")
}

pub(crate) fn table(console: &Inner, ask: &Ask, actor: &Actor, all: Vec<Approval>) -> Table {
    let titles = [ask.t("What"), ask.t("Asked"), ask.t("Asked by"), ask.t("Time"), ""];
    let mut table = Table::new(&titles, "");
    for approval in all {
        let own = approval.by == actor.name;
        let mut buttons = Vec::new();
        if actor.role.may(Permission::Approve) {
            for (agree, text, tone) in
                [("true", ask.t("Agree"), Tone::Plain), ("false", ask.t("Refuse"), Tone::Bad)]
            {
                // Alone, one carries out one's own when its time is over.
                if agree == "true" && own && approval.ready.is_none() {
                    continue;
                }
                buttons.push(Cell::Do(Box::new(Form {
                    action: format!("/console/money/approval/{}", approval.id),
                    fields: vec![Field::hidden("agree", agree)],
                    button: text.to_owned(),
                    tone,
                    small: true,
                    form_key: frame::key(ask),
                    ..Form::default()
                })));
            }
        }
        let mut when = time(console, UtcMillis::new(approval.at));
        if let Some(ready) = approval.ready {
            let ready = time(console, UtcMillis::new(ready));
            when = format!("{when}, {} {ready}", ask.t("waits until"));
        }
        table.rows.push(vec![
            Cell::text(ask.t(approval.what)),
            Cell::text(said(ask, &approval.asked)),
            Cell::text(&approval.by),
            Cell::text(when),
            Cell::Many(buttons),
        ]);
    }
    table
}
