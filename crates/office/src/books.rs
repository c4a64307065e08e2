//! Entries of the books that concern no member: what was paid in to suppliers, expenses, capital.

use crate::access::{Actor, Permission};
use crate::act::Act;
use crate::money::{amount_of, reason_of};
use crate::plug::Office;
use crate::problem::Problem;
use domain::{BookEntry, EntryKind};
use engine::Errand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::SupplierCode;

/// The cash account that every business has.
pub(crate) const TILL: &str = "manual";

/// An entry as people give it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Entry {
    /// `top_up`, `expense` or `capital`.
    pub kind: String,
    /// Which supplier, or what the expense was for.
    #[serde(default)]
    pub name: String,
    /// Which cash account.
    pub cash: String,
    /// Negative: it came back.
    #[serde(deserialize_with = "crate::typed::amount")]
    pub amount: String,
    /// Why.
    pub note: String,
}

/// The name of an account that people make up: `bca`, `sewa-kantor`.
fn account(text: &str, what: &str) -> Result<String, Problem> {
    let name = text.trim().to_ascii_lowercase();
    let fits = (2..=30).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        return Ok(name);
    }
    let why = format!("{what} `{text}`: 2 to 30 small letters, digits or dashes");
    Err(Problem::asked("bad_account", why))
}

impl Office {
    /// Cash accounts that may be named: the banks that members pay into, and the till.
    pub(crate) async fn cash(&self, text: &str) -> anyhow::Result<String> {
        let name = account(text, "cash account")?;
        let mut known: Vec<String> =
            self.banks().await?.into_iter().map(|bank| bank.code).collect();
        known.push(TILL.to_owned());
        if known.contains(&name) {
            return Ok(name);
        }
        let why = format!("there is no cash account `{name}`; known: {}", known.join(", "));
        Err(Problem::missing(why).into())
    }

    /// Enters it into the books.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or what is unknown.
    pub async fn enter(
        &self,
        actor: &Actor,
        entry: Entry,
        key: Option<&str>,
    ) -> anyhow::Result<Value> {
        actor.must(Permission::MoveMoney)?;
        let detail = serde_json::to_value(&entry)?;
        let asked = detail.to_string();
        let act = Act::new(actor, "book", detail).once(key, &asked);
        if let Some(first) = self.first_answer(&act).await? {
            return Ok(json!({"state": "repeated", "first": first}));
        }
        let amount = amount_of(&entry.amount)?;
        let note = format!("{}: {}", actor.shown(), reason_of(&entry.note)?);
        let kind = match entry.kind.as_str() {
            "top_up" => {
                let code = SupplierCode::parse(entry.name.trim())?;
                if !self.handle.catalog().suppliers().contains_key(&code) {
                    return Err(Problem::missing(format!("there is no supplier {code}")).into());
                }
                EntryKind::TopUp(code)
            }
            "expense" => EntryKind::Expense(account(&entry.name, "expense")?),
            "capital" => EntryKind::Capital,
            other => {
                let why = format!("`{other}`: write top_up, expense or capital");
                return Err(Problem::asked("bad_entry", why).into());
            }
        };
        let cash = self.cash(&entry.cash).await?;
        let entries = vec![BookEntry { kind, cash, amount, note }];
        self.carry_out(&act, Errand { entries, ..Errand::default() }, &act.told()).await?;
        Ok(json!({"state": "entered", "kind": entry.kind, "amount": amount.get()}))
    }
}
