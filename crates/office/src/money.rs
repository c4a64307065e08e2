//! Money moved by people: credits, and transfers between members. Every action may carry a key, so
//! that sending it twice does it once; what is large waits for a second person (`proposals`).

use crate::access::Actor;
use crate::act::Act;
use crate::books::TILL;
use crate::operations::id_of;
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal, finished};
use domain::{AccountName, Kind, Movement, Weight};
use engine::Errand;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{MemberCode, MemberId, MoneyError, Rupiah};

/// A credit or debit by a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credit {
    /// Whose balance.
    pub member: String,
    /// Positive: to the member.
    #[serde(deserialize_with = "crate::typed::amount")]
    pub amount: String,
    /// Which cash account; `adjustment` for corrections without cash.
    #[serde(default)]
    pub cash: String,
    /// Why.
    pub note: String,
}

/// A transfer from one member to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Giving {
    pub from: String,
    pub to: String,
    #[serde(deserialize_with = "crate::typed::amount")]
    pub amount: String,
    #[serde(default)]
    pub note: String,
}

/// What became of an action on money.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Done {
    /// It moved.
    Moved { member: String, amount: i64, balance: Option<i64> },
    /// It is changed.
    Changed,
    /// A second person must agree.
    Waiting { approval: String },
    /// The same key was used before; nothing happened again.
    Repeated { first: Value },
}

/// What a person wrote, within bounds.
pub(crate) fn amount_of(text: &str) -> Result<Rupiah, Problem> {
    let amount: Rupiah = text.parse().map_err(|error| match error {
        MoneyError::TooMuch(_) => Problem::asked("out_of_range", format!("{error}")),
        MoneyError::Overflow | MoneyError::NotAnAmount(_) | MoneyError::Fraction(_) => {
            Problem::asked("bad_amount", format!("amount `{text}`: {error}"))
        }
    })?;
    if amount == Rupiah::ZERO {
        return Err(Problem::asked("bad_amount", "an amount of 0 moves nothing"));
    }
    Ok(amount)
}

/// No more than one act moves.
pub(crate) fn amount_most(amount: Rupiah) -> Result<(), Problem> {
    let most = Rupiah::ENTRY_MOST;
    if amount.get().checked_abs().is_some_and(|size| size <= most.get()) {
        return Ok(());
    }
    Err(Problem::asked("out_of_range", format!("one act moves at most {most}")))
}

pub(crate) fn out_of_range(_: MoneyError) -> Problem {
    Problem::asked("out_of_range", "the amount is out of range")
}

fn weight_of(amount: Rupiah) -> Result<Weight, Problem> {
    Weight::of(amount).map_err(out_of_range)
}

/// Why, as a person wrote it: needed, and cut.
pub(crate) fn reason_of(note: &str) -> Result<String, Problem> {
    let note = note.trim();
    if note.is_empty() {
        return Err(Problem::asked("no_reason", "say why, in the note"));
    }
    Ok(note.chars().take(200).collect())
}

impl Office {
    pub(crate) fn member_of(&self, code: &str) -> Result<(MemberCode, MemberId), Problem> {
        id_of(self, code).map_err(|error| Problem::missing(error.to_string()))
    }

    /// Credits or debits a member; above the limit it waits for a second person.
    ///
    /// # Errors
    /// [`Problem`] when it is not possible.
    pub async fn credit(
        &self,
        actor: &Actor,
        credit: Credit,
        key: Option<&str>,
    ) -> anyhow::Result<Done> {
        self.propose(actor, Proposal::Credit(credit), key).await
    }

    pub(crate) async fn prepare_credit(
        &self,
        by: &Actor,
        credit: &Credit,
    ) -> anyhow::Result<Prepared> {
        let amount = amount_of(&credit.amount)?;
        let (code, member) = self.member_of(&credit.member)?;
        let note = format!("{}: {}", by.shown(), reason_of(&credit.note)?);
        let (other, kind) = match credit.cash.trim() {
            "adjustment" => (AccountName::Adjustment, Kind::Adjustment),
            cash => {
                let cash = self.cash(if cash.is_empty() { TILL } else { cash }).await?;
                let kind = if amount.is_negative() { Kind::Withdrawal } else { Kind::Deposit };
                (AccountName::Cash(cash), kind)
            }
        };
        let movement = Movement { member, amount, other, kind, note };
        Ok(Prepared {
            errand: Errand::movement(movement),
            weight: weight_of(amount)?,
            done: Done::Moved { member: code.to_string(), amount: amount.get(), balance: None },
        })
    }

    /// Moves balance from one member to another, in one commit; above the limit it waits for a
    /// second person.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or when the giver has too little.
    pub async fn give(
        &self,
        actor: &Actor,
        giving: Giving,
        key: Option<&str>,
    ) -> anyhow::Result<Done> {
        self.propose(actor, Proposal::Transfer(giving), key).await
    }

    /// The same for a member that gives of its own balance.
    pub(crate) async fn give_own(
        &self,
        actor: &Actor,
        giving: &Giving,
        key: Option<&str>,
    ) -> anyhow::Result<Done> {
        let detail = serde_json::to_value(giving)?;
        let act = Act::new(actor, "transfer", detail).once(key, &serde_json::to_string(giving)?);
        if let Some(first) = self.first_answer(&act).await? {
            return Ok(Done::Repeated { first });
        }
        let Prepared { errand, done, .. } = self.prepare_transfer(actor, giving)?;
        let carried = self.carry_out(&act, errand, &serde_json::to_value(&done)?).await?;
        Ok(finished(done, &carried))
    }

    pub(crate) fn prepare_transfer(&self, by: &Actor, giving: &Giving) -> anyhow::Result<Prepared> {
        let amount = amount_of(&giving.amount)?;
        if amount.is_negative() {
            return Err(Problem::asked("bad_amount", "turn the transfer around instead").into());
        }
        let (from, giver) = self.member_of(&giving.from)?;
        let (to, taker) = self.member_of(&giving.to)?;
        if giver == taker {
            return Err(Problem::asked("same_member", "from and to are the same member").into());
        }
        let less =
            Rupiah::ZERO.minus(amount).map_err(|_| Problem::asked("out_of_range", "too much"))?;
        let movement = |member, amount, kind, with: &MemberCode| Movement {
            member,
            amount,
            other: AccountName::Exchange,
            kind,
            note: format!("{}: {with} {}", by.shown(), giving.note.trim()),
        };
        let moves = vec![
            movement(giver, less, Kind::Given, &to),
            movement(taker, amount, Kind::Received, &from),
        ];
        Ok(Prepared {
            errand: Errand { moves, ..Errand::default() },
            weight: weight_of(amount)?,
            done: Done::Moved { member: from.to_string(), amount: less.get(), balance: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One act moves so much in either direction, and not a rupiah more.
    #[test]
    fn one_act_has_a_most() {
        let most = Rupiah::ENTRY_MOST.get();
        for (amount, taken) in [
            (0, true),
            (most, true),
            (-most, true),
            (most + 1, false),
            (-most - 1, false),
            (i64::MIN, false),
        ] {
            assert_eq!(amount_most(Rupiah::new(amount)).is_ok(), taken, "{amount}");
        }
    }
}
