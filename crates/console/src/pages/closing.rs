//! Day's end: the trial balance of a day, each account on the side on which it grows, and the entries
//! that concern no member.

use super::{frame, money};
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::{date, days_ago};
use crate::view::{Cell, Field, Form, Input, Part, Table, Tone};
use domain::{AccountName, Loss, Nature, debit, nature};
use office::{Entry, Office, Operation, Permission, execute_once};
use std::collections::BTreeMap;

/// A line of the trial balance. Amounts are debit balances: negative ones are credit.
struct Line {
    name: String,
    link: Option<String>,
    before: i64,
    debit: i64,
    credit: i64,
}

/// An account as people call it.
fn name(ask: &Ask, account: &AccountName) -> String {
    let with = |word: &str, rest: &str| format!("{word} {rest}");
    match account {
        AccountName::Member(_) => ask.t("Balances of members").to_owned(),
        AccountName::Supplier(code) => with(ask.t("Used at supplier"), code.as_str()),
        AccountName::Deposit(code) => with(ask.t("Paid in to supplier"), code.as_str()),
        AccountName::Cash(name) if name == "manual" => ask.t("Till").to_owned(),
        AccountName::Cash(name) => with(ask.t("Cash"), name),
        AccountName::Hold => ask.t("Pending purchases").to_owned(),
        AccountName::Sales => ask.t("Sales").to_owned(),
        AccountName::Cogs => ask.t("Cost of what was sold").to_owned(),
        AccountName::Adjustment => ask.t("Adjustments").to_owned(),
        AccountName::Commission => ask.t("Commission of uplines").to_owned(),
        AccountName::Exchange => ask.t("Between members").to_owned(),
        AccountName::Loss(Loss::KeptCost) => ask.t("Loss: prices that suppliers kept").to_owned(),
        AccountName::Loss(Loss::SpentCommission) => {
            ask.t("Loss: commission that was spent").to_owned()
        }
        AccountName::Expense(what) => with(ask.t("Expense:"), what),
        AccountName::Capital => ask.t("Capital").to_owned(),
        AccountName::Opening => ask.t("Opening balances of members").to_owned(),
    }
}

fn heading(ask: &Ask, nature: Nature) -> &'static str {
    match nature {
        Nature::Asset => ask.t("What we have"),
        Nature::Liability => ask.t("What we owe"),
        Nature::Equity => ask.t("What owners put in"),
        Nature::Income => ask.t("What we earned"),
        Nature::Expense => ask.t("What it cost"),
    }
}

/// One side of an account with what came to it, and what went below zero on the other.
fn plus(side: i64, came: i64, went: i64) -> i64 {
    side.saturating_add(came.max(0)).saturating_add(went.saturating_neg().max(0))
}

/// All accounts of a day, by nature; members are one line.
fn lines(
    console: &Inner,
    ask: &Ask,
    day: i32,
) -> anyhow::Result<BTreeMap<Nature, BTreeMap<String, Line>>> {
    let mut all: BTreeMap<Nature, BTreeMap<String, Line>> = BTreeMap::new();
    for row in console.reports.closing(day)? {
        let account: AccountName = row.account.parse()?;
        let name = name(ask, &account);
        let link = account.member().is_none().then(|| format!("/console/money/account/{account}"));
        // What came into an account by the ledger's sign may be a debit or a credit.
        let (came, went) = (debit(&account, row.came), debit(&account, row.went));
        let empty = Line { name: name.clone(), link, before: 0, debit: 0, credit: 0 };
        let line = all.entry(nature(&account)).or_default().entry(name).or_insert(empty);
        line.before = line.before.saturating_add(debit(&account, row.before));
        line.debit = plus(line.debit, came, went);
        line.credit = plus(line.credit, went, came);
    }
    Ok(all)
}

fn table(ask: &Ask, all: BTreeMap<Nature, BTreeMap<String, Line>>) -> (Table, i64) {
    let titles = [
        ask.t("Account"),
        &format!(">{}", ask.t("Before")),
        &format!(">{}", ask.t("Debit")),
        &format!(">{}", ask.t("Credit")),
        &format!(">{}", ask.t("After")),
    ];
    let mut table = Table::new(&titles, ask.t("Nothing moved yet."));
    let mut sum = 0;
    for nature in Nature::ALL {
        let Some(lines) = all.get(&nature) else { continue };
        let sign = if nature.grows_by_debit() { 1 } else { -1 };
        let after =
            |line: &Line| line.before.saturating_add(line.debit).saturating_sub(line.credit);
        let total: i64 = lines.values().map(after).sum();
        sum = i64::saturating_add(sum, total);
        table.rows.push(vec![
            Cell::badge(heading(ask, nature), Tone::Quiet),
            Cell::Nothing,
            Cell::Nothing,
            Cell::Nothing,
            Cell::Money(total.saturating_mul(sign)),
        ]);
        for line in lines.values() {
            table.rows.push(vec![
                match &line.link {
                    Some(link) => Cell::link(&line.name, link),
                    None => Cell::text(&line.name),
                },
                Cell::Money(line.before.saturating_mul(sign)),
                Cell::Money(line.debit),
                Cell::Money(line.credit),
                Cell::Money(after(line).saturating_mul(sign)),
            ]);
        }
    }
    (table, sum)
}

fn forms(console: &Inner, ask: &Ask, banks: Vec<String>) -> anyhow::Result<Part> {
    let cash: Vec<(String, String)> = banks.into_iter().map(|code| (code.clone(), code)).collect();
    let catalog = console.office.handle.catalog();
    let suppliers: Vec<(String, String)> =
        catalog.suppliers().keys().map(|code| (code.to_string(), code.to_string())).collect();
    let form = |kind: &str, name: Option<Field>, button: &str| -> anyhow::Result<Part> {
        let mut fields =
            vec![Field::hidden("kind", kind), Field::hidden("once", &Office::fresh_key()?)];
        fields.extend(name);
        fields.push(Field::new("amount", ask.t("Amount")).input(Input::Number).needed());
        fields.push(Field::new("cash", ask.t("From or to account")).choice(cash.clone()));
        fields.push(Field::new("note", ask.t("Note")).needed());
        Ok(frame::form(ask, "/console/money/book", fields, button))
    };
    let supplier = Field::new("name", ask.t("Supplier")).choice(suppliers);
    let what = Field::new("name", ask.t("What for")).hint("sewa, gaji, biaya-bank").needed();
    Ok(Part::Fold {
        title: ask.t("Enter a top-up, an expense or capital").to_owned(),
        parts: vec![
            form("top_up", Some(supplier), ask.t("Paid in to a supplier"))?,
            form("expense", Some(what), ask.t("Expense"))?,
            form("capital", None, ask.t("Capital"))?,
        ],
    })
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let day = ask.day("day")?.unwrap_or_else(|| days_ago(console, 0));
    let (table, sum) = table(ask, lines(console, ask, day)?);
    let note = if sum == 0 {
        (ask.t("The books balance: debit and credit are equal."), Tone::Good)
    } else {
        (ask.t("The books do NOT balance. Run gerbang verify."), Tone::Bad)
    };
    let search = Form {
        action: "/console/money/closing".to_owned(),
        fields: vec![Field::new("day", ask.t("Day")).value(date(day)).input(Input::Date)],
        button: ask.t("Show").to_owned(),
        get: true,
        ..Form::default()
    };
    let mut parts = vec![
        money::tabs(ask),
        Part::Form(search),
        Part::Note { text: note.0.to_owned(), tone: note.1 },
        Part::Table(table),
    ];
    if frame::actor(ask)?.role.may(Permission::MoveMoney) {
        let mut banks: Vec<String> =
            console.office.banks().await?.into_iter().map(|bank| bank.code).collect();
        banks.push("manual".to_owned());
        parts.push(forms(console, ask, banks)?);
    }
    frame::show(console, ask, &format!("{} {}", ask.t("Day's end"), date(day)), parts).await
}

pub(crate) async fn book(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let text = |name: &str| ask.given(name).trim().to_owned();
    let entry = Entry {
        kind: text("kind"),
        name: text("name"),
        cash: text("cash"),
        amount: text("amount"),
        note: text("note"),
    };
    let once = ask.typed("once");
    let operation = Operation::Book(Box::new(entry));
    execute_once(&console.office, frame::actor(ask)?, operation, once.as_deref()).await?;
    done("/console/money/closing", ask.t("Entered."))
}
