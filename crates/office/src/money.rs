//! Money moved by people: credits, transfers between members, and the second person for what is
//! large. Every action may carry a key, so that sending it twice does it once.

use crate::access::{Actor, Permission};
use crate::operations::id_of;
use crate::papers::{digest, fresh_id, put};
use crate::plug::Office;
use crate::problem::Problem;
use domain::{AccountName, Kind};
use engine::{Errand, Movement, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::{MemberCode, MemberId, Rupiah};

const SETTING: &str = "setting";
const APPROVAL: &str = "approval";
const ONCE: &str = "once";
pub(crate) const WAITING: &str = "waiting";

/// Rules of the office; owners change them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Credits and debits above this need a second person.
    pub approval_above: i64,
    /// A deposit ticket is open this long.
    pub ticket_minutes: i64,
    /// Most that is added to a ticket's amount to make it unique.
    pub ticket_unique_most: i64,
    /// The least a member may ask a ticket for.
    pub ticket_least: i64,
    /// Members may have an upline, and uplines see to theirs at the portal.
    pub downlines: bool,
    /// Owners, admins and finance need a second factor; without one a login leads to the page that
    /// sets it up. On in a new business, off in one from before.
    pub second_factor: bool,
    /// A member's change of its allowed addresses waits this long when it comes from none of them.
    pub allowlist_hours: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            approval_above: 5_000_000,
            ticket_minutes: 180,
            ticket_unique_most: 999,
            ticket_least: 10_000,
            downlines: false,
            second_factor: false,
            allowlist_hours: 24,
        }
    }
}

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

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ApprovalBody {
    credit: Credit,
    by: String,
    decided: Option<String>,
    result: Option<String>,
}

/// A credit that waits for, or had, its second person.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Approval {
    pub id: String,
    pub at: i64,
    pub credit: Credit,
    pub by: String,
    pub waiting: bool,
    pub decided: Option<String>,
    pub result: Option<String>,
}

/// What became of an action on money.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Done {
    /// It moved.
    Moved { member: String, amount: i64, balance: Option<i64> },
    /// A second person must agree.
    Waiting { approval: String },
    /// The same key was used before; nothing happened again.
    Repeated { first: Value },
}

#[derive(Serialize, Deserialize)]
struct OnceBody {
    asked: String,
    answer: Value,
}

fn amount_of(text: &str) -> Result<Rupiah, Problem> {
    let amount: Rupiah = text
        .parse()
        .map_err(|error| Problem::asked("bad_amount", format!("amount `{text}`: {error}")))?;
    if amount == Rupiah::ZERO {
        return Err(Problem::asked("bad_amount", "an amount of 0 moves nothing"));
    }
    Ok(amount)
}

fn reason_of(note: &str) -> Result<String, Problem> {
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

    /// The rules as they stand.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rules(&self) -> anyhow::Result<Rules> {
        let found = self.sheet::<Rules>(SETTING, "office").await?;
        Ok(found.map(|sheet| sheet.body).unwrap_or_default())
    }

    /// Changes the rules.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or senseless ones.
    pub async fn set_rules(&self, actor: &Actor, rules: &Rules) -> anyhow::Result<()> {
        actor.must(Permission::ManageUsers)?;
        let sane = rules.approval_above >= 0
            && (1..=10_080).contains(&rules.ticket_minutes)
            && (0..=9_999).contains(&rules.ticket_unique_most)
            && rules.ticket_least > 0
            && (0..=720).contains(&rules.allowlist_hours);
        if !sane {
            return Err(Problem::asked("bad_rules", "numbers out of range").into());
        }
        let seen = self.sheet::<Rules>(SETTING, "office").await?.map_or(0, |sheet| sheet.version);
        let errand = Errand {
            papers: vec![put(SETTING, "office", seen, "", rules)?],
            lines: vec![self.line(actor, "rules", &serde_json::to_value(rules)?, "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(())
    }

    /// What was answered to this key before; a key with another request is refused.
    async fn once(
        &self,
        actor: &Actor,
        key: Option<&str>,
        asked: &str,
    ) -> anyhow::Result<Option<Value>> {
        let Some(key) = key else { return Ok(None) };
        let id = digest(&format!("{}\n{key}", actor.name));
        let Some(sheet) = self.sheet::<OnceBody>(ONCE, &id).await? else { return Ok(None) };
        if sheet.body.asked == asked {
            return Ok(Some(sheet.body.answer));
        }
        let why = format!("the key `{key}` was used for another request");
        Err(Problem::conflict("key_reused", why).into())
    }

    /// The paper that remembers an answer under a key, for the errand that earns it.
    fn remember(
        actor: &Actor,
        key: Option<&str>,
        asked: &str,
        answer: &Done,
    ) -> anyhow::Result<Vec<PaperChange>> {
        let Some(key) = key else { return Ok(Vec::new()) };
        let id = digest(&format!("{}\n{key}", actor.name));
        let body = OnceBody { asked: asked.to_owned(), answer: serde_json::to_value(answer)? };
        Ok(vec![put(ONCE, &id, 0, "", &body)?])
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
        actor.must(Permission::MoveMoney)?;
        let asked = digest(&serde_json::to_string(&credit)?);
        if let Some(first) = self.once(actor, key, &asked).await? {
            return Ok(Done::Repeated { first });
        }
        let amount = amount_of(&credit.amount)?;
        reason_of(&credit.note)?;
        self.member_of(&credit.member)?;
        if amount.get().abs() <= self.rules().await?.approval_above {
            return self.move_now(actor, &credit, key, &asked, Vec::new()).await;
        }
        let id = fresh_id(self.handle.now().utc)?;
        let body = ApprovalBody { credit, by: actor.name.clone(), decided: None, result: None };
        let done = Done::Waiting { approval: id.clone() };
        let mut papers = vec![put(APPROVAL, &id, 0, WAITING, &body)?];
        papers.extend(Self::remember(actor, key, &asked, &done)?);
        let detail = serde_json::to_value(&body.credit)?;
        let lines = vec![self.line(actor, "credit asked", &detail, "waits for a second person")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(done)
    }

    async fn move_now(
        &self,
        actor: &Actor,
        credit: &Credit,
        key: Option<&str>,
        asked: &str,
        mut papers: Vec<PaperChange>,
    ) -> anyhow::Result<Done> {
        let amount = amount_of(&credit.amount)?;
        let (code, member) = self.member_of(&credit.member)?;
        let note = format!("{}: {}", actor.name, reason_of(&credit.note)?);
        let (other, kind) = match credit.cash.trim() {
            "adjustment" => (AccountName::Adjustment, Kind::Adjustment),
            cash => {
                let cash = if cash.is_empty() { "manual" } else { cash };
                let kind = if amount.is_negative() { Kind::Withdrawal } else { Kind::Deposit };
                (AccountName::Cash(cash.to_owned()), kind)
            }
        };
        let mut done =
            Done::Moved { member: code.to_string(), amount: amount.get(), balance: None };
        papers.extend(Self::remember(actor, key, asked, &done)?);
        let detail = serde_json::to_value(credit)?;
        let errand = Errand {
            papers,
            moves: vec![Movement { member, amount, other, kind, note }],
            lines: vec![self.line(actor, "credit", &detail, "")],
            ..Errand::default()
        };
        let balances = self.run(errand).await?;
        if let Done::Moved { balance, .. } = &mut done {
            *balance = balances.first().map(|balance| balance.get());
        }
        Ok(done)
    }

    /// Credits that wait for a second person, or all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn approvals(&self, waiting: bool) -> anyhow::Result<Vec<Approval>> {
        let tag = waiting.then_some(WAITING);
        let all = self.sheets::<ApprovalBody>(APPROVAL, tag, None, 200).await?;
        Ok(all
            .into_iter()
            .map(|sheet| Approval {
                id: sheet.id,
                at: sheet.at.get(),
                waiting: sheet.tag == WAITING,
                credit: sheet.body.credit,
                by: sheet.body.by,
                decided: sheet.body.decided,
                result: sheet.body.result,
            })
            .collect())
    }

    /// The second person decides. Nobody is two persons.
    ///
    /// # Errors
    /// [`Problem`] for the same person, or when somebody decided already.
    pub async fn decide_approval(
        &self,
        actor: &Actor,
        id: &str,
        agree: bool,
    ) -> anyhow::Result<Approval> {
        actor.must(Permission::Approve)?;
        let found = self.sheet::<ApprovalBody>(APPROVAL, id).await?;
        let mut sheet = found.ok_or_else(|| Problem::missing("there is no such approval"))?;
        if sheet.tag != WAITING {
            return Err(Problem::conflict("decided", "this was decided already").into());
        }
        if agree && sheet.body.by == actor.name {
            let why = "somebody else must agree: you asked for it yourself";
            return Err(Problem::forbidden(why).into());
        }
        sheet.body.decided = Some(actor.name.clone());
        sheet.body.result = Some(if agree { "agreed" } else { "refused" }.to_owned());
        let papers = vec![put(APPROVAL, id, sheet.version, "", &sheet.body)?];
        if agree {
            let by = Actor { name: format!("{} & {}", sheet.body.by, actor.name), ..actor.clone() };
            self.move_now(&by, &sheet.body.credit, None, "", papers).await?;
        } else {
            let detail = serde_json::to_value(&sheet.body.credit)?;
            let lines = vec![self.line(actor, "credit refused", &detail, "")];
            self.run(Errand { papers, lines, ..Errand::default() }).await?;
        }
        let ApprovalBody { credit, by, decided, result } = sheet.body;
        let at = sheet.at.get();
        Ok(Approval { id: id.to_owned(), at, credit, by, waiting: false, decided, result })
    }

    /// Moves balance from one member to another, in one commit.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or when the giver has too little.
    pub async fn give(
        &self,
        actor: &Actor,
        giving: Giving,
        key: Option<&str>,
    ) -> anyhow::Result<Done> {
        actor.must(Permission::MoveMoney)?;
        self.give_now(actor, giving, key).await
    }

    /// The same for who was shown to be entitled in another way.
    pub(crate) async fn give_now(
        &self,
        actor: &Actor,
        giving: Giving,
        key: Option<&str>,
    ) -> anyhow::Result<Done> {
        let asked = digest(&serde_json::to_string(&giving)?);
        if let Some(first) = self.once(actor, key, &asked).await? {
            return Ok(Done::Repeated { first });
        }
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
            note: format!("{}: {with} {}", actor.name, giving.note.trim()),
        };
        let mut done = Done::Moved { member: from.to_string(), amount: less.get(), balance: None };
        let detail = json!({"from": from.as_str(), "to": to.as_str(), "amount": amount.get()});
        let errand = Errand {
            papers: Self::remember(actor, key, &asked, &done)?,
            moves: vec![
                movement(giver, less, Kind::Given, &to),
                movement(taker, amount, Kind::Received, &from),
            ],
            lines: vec![self.line(actor, "transfer", &detail, "")],
            ..Errand::default()
        };
        let balances = self.run(errand).await?;
        if let Done::Moved { balance, .. } = &mut done {
            *balance = balances.first().map(|balance| balance.get());
        }
        Ok(done)
    }
}
