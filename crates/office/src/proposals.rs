//! The one gate for acts that make or give balance out of nothing, or that change what protects it.
//!
//! An act is weighed (`domain::weigh`) when it is asked for. Within the limits it is done at once, and
//! the person's sum of the day is written in the same commit; above them it waits for a second person,
//! and is prepared anew, from what is there then, when that person agrees. Where nobody else could
//! agree it waits for a while instead, and everybody who looks is told.

use crate::access::{Actor, Permission};
use crate::act::Act;
use crate::deposits::Assignment;
use crate::money::{Credit, Done, Giving, out_of_range};
use crate::operations::{Reversal, is_outdated};
use crate::papers::{Sheet, is_stale, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::reconcile::Settlement;
use crate::rules::Rules;
use crate::takeover::Opened;
use crate::tickets::BankChange;
use crate::users::{KIND as USER, UserBody};
use domain::{Gate, Limits, NoAgreement, Voice, Weight, may_agree, weigh};
use engine::{Carried, Errand, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::{Rupiah, UtcMillis};

const APPROVAL: &str = "approval";
const WAITING: &str = "waiting";
const SPENT: &str = "spent";
/// Tries when others change the same papers at the same moment.
const TRIES: usize = 5;
/// Longest list of approvals.
const LIST_MOST: u32 = 200;

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// A credit or debit.
    Credit(Credit),
    /// Balance of one member to another.
    Transfer(Giving),
    /// How far below zero a member may go.
    CreditLimit {
        /// Whose.
        member: String,
        /// How far.
        limit: String,
    },
    /// A bank credit that waits is given to a member.
    Assign(Assignment),
    /// A difference of a statement is settled.
    Difference {
        /// Of which comparison.
        reconciliation: String,
        /// Which.
        difference: usize,
        /// What is done about it.
        settlement: Settlement,
    },
    /// A pending purchase is refunded.
    Fail {
        /// Which.
        trx: i64,
        /// Told to the member.
        reason: String,
        /// For us.
        note: String,
    },
    /// A delivered purchase is refunded.
    Reverse(Reversal),
    /// An account that members pay into.
    Bank(BankChange),
    /// The rules themselves.
    Rules(Rules),
    /// Members of another center with their balances.
    Takeover(Opened),
}

impl Proposal {
    /// A word or two for the journal.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Credit(_) => "credit",
            Self::Transfer(_) => "transfer",
            Self::CreditLimit { .. } => "credit limit",
            Self::Assign(_) => "assign bank credit",
            Self::Difference { .. } => "settle difference",
            Self::Fail { .. } => "fail",
            Self::Reverse(_) => "reverse",
            Self::Bank(_) => "bank set",
            Self::Rules(_) => "rules",
            Self::Takeover(_) => "member import",
        }
    }

    const fn permission(&self) -> Permission {
        match self {
            Self::Credit(_)
            | Self::Transfer(_)
            | Self::Assign(_)
            | Self::Difference { .. }
            | Self::Bank(_) => Permission::MoveMoney,
            Self::CreditLimit { .. } | Self::Takeover(_) => Permission::ManageMembers,
            Self::Fail { .. } | Self::Reverse(_) => Permission::Resolve,
            Self::Rules(_) => Permission::ManageUsers,
        }
    }

    /// All that who asks for it must be allowed.
    fn needs(&self) -> Vec<Permission> {
        let mut needs = vec![self.permission()];
        if let Self::Takeover(opened) = self
            && opened.openings > 0
        {
            needs.push(Permission::MoveMoney);
        }
        needs
    }

    /// True for what changes the catalog.
    const fn edits(&self) -> bool {
        match self {
            Self::CreditLimit { .. } | Self::Takeover(_) => true,
            Self::Credit(_)
            | Self::Transfer(_)
            | Self::Assign(_)
            | Self::Difference { .. }
            | Self::Fail { .. }
            | Self::Reverse(_)
            | Self::Bank(_)
            | Self::Rules(_) => false,
        }
    }

    /// What was asked, without the name of its kind.
    fn detail(&self) -> anyhow::Result<Value> {
        let whole = serde_json::to_value(self)?;
        let inner = whole.as_object().and_then(|fields| fields.values().next().cloned());
        Ok(inner.unwrap_or(whole))
    }
}

/// A proposal made ready.
pub(crate) struct Prepared {
    pub(crate) errand: Errand,
    pub(crate) weight: Weight,
    /// What is told when it is done; balances are filled in then.
    pub(crate) done: Done,
}

/// What waits for a second person, as stored. Those of before knew credits only.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ApprovalBody {
    #[serde(default)]
    proposal: Option<Proposal>,
    #[serde(default, skip_serializing)]
    credit: Option<Credit>,
    by: String,
    /// Where nobody else could agree: when it may be carried out by who asked.
    #[serde(default)]
    ready: Option<i64>,
    decided: Option<String>,
    result: Option<String>,
}

impl ApprovalBody {
    fn proposal(&self) -> anyhow::Result<Proposal> {
        let credit = || self.credit.clone().map(Proposal::Credit);
        let found = self.proposal.clone().or_else(credit);
        found.ok_or_else(|| Problem::missing("nothing was asked for").into())
    }
}

/// What waits for, or had, its second person.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Approval {
    pub id: String,
    pub at: i64,
    /// `credit`, `transfer`, `assign bank credit`, `settle difference`, `credit limit`, `fail`,
    /// `reverse`, `bank set`, `rules` or `member import`.
    pub what: &'static str,
    /// What was asked.
    pub asked: Value,
    pub by: String,
    /// Where nobody else could agree: from when on it may be carried out by who asked.
    pub ready: Option<i64>,
    pub waiting: bool,
    pub decided: Option<String>,
    pub result: Option<String>,
}

fn shown(id: &str, at: i64, waiting: bool, body: ApprovalBody) -> anyhow::Result<Approval> {
    let proposal = body.proposal()?;
    let ApprovalBody { by, ready, decided, result, .. } = body;
    let (what, asked) = (proposal.what(), proposal.detail()?);
    Ok(Approval { id: id.to_owned(), at, what, asked, by, ready, waiting, decided, result })
}

/// With the balance that the first movement left.
pub(crate) fn finished(mut done: Done, carried: &Carried) -> Done {
    if let Done::Moved { balance, .. } = &mut done {
        *balance = carried.balances.first().map(|balance| balance.get());
    }
    done
}

impl Office {
    /// Asks for something that the gate weighs.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or when it is not possible.
    pub(crate) async fn propose(
        &self,
        actor: &Actor,
        proposal: Proposal,
        key: Option<&str>,
    ) -> anyhow::Result<Done> {
        actor.must(proposal.permission())?;
        let asked = serde_json::to_string(&proposal)?;
        let act = Act::new(actor, proposal.what(), proposal.detail()?).once(key, &asked);
        if let Some(first) = self.first_answer(&act).await? {
            return Ok(Done::Repeated { first });
        }
        for _ in 0..TRIES {
            let _editing = match proposal.edits() {
                true => Some((self.editing.lock().await, self.begin())),
                false => None,
            };
            match self.propose_once(&act, &proposal).await {
                Err(error) if is_stale(&error) || is_outdated(&error) => {}
                other => return other,
            }
        }
        Err(Problem::conflict("busy", "others change the same; send it again").into())
    }

    async fn propose_once(&self, act: &Act<'_>, proposal: &Proposal) -> anyhow::Result<Done> {
        let Prepared { mut errand, weight, done } = self.prepare(act.actor, proposal).await?;
        let rules = self.rules().await?;
        let limits = match proposal {
            Proposal::Fail { .. }
            | Proposal::Reverse(_)
            | Proposal::Difference { settlement: Settlement::Reverse, .. } => rules.reversals(),
            Proposal::Credit(_)
            | Proposal::Transfer(_)
            | Proposal::Assign(_)
            | Proposal::Difference { .. }
            | Proposal::CreditLimit { .. }
            | Proposal::Bank(_)
            | Proposal::Rules(_)
            | Proposal::Takeover(_) => rules.limits(),
        };
        if let Some(paper) = self.alone(act.actor, weight, limits).await? {
            errand.papers.extend(paper);
            let carried = self.carry_out(act, errand, &serde_json::to_value(&done)?).await?;
            return Ok(finished(done, &carried));
        }
        self.wait(act, proposal, &rules, Vec::new()).await
    }

    /// `Some` when the person may do it alone, with the paper of its sum of the day.
    pub(crate) async fn alone(
        &self,
        actor: &Actor,
        weight: Weight,
        limits: Limits,
    ) -> anyhow::Result<Option<Option<PaperChange>>> {
        if actor.is_local() {
            return Ok(Some(None));
        }
        let now = self.handle.now().utc;
        let day = self.handle.zone().civil(now).date().get();
        let id = format!("{}:{day}", actor.name);
        let sheet = self.sheet::<i64>(SPENT, &id).await?;
        let (seen, spent) = sheet.map_or((0, 0), |sheet| (sheet.version, sheet.body));
        match weigh(weight, limits, Rupiah::new(spent)).map_err(out_of_range)? {
            Gate::Alone(sum) if sum.get() == spent => Ok(Some(None)),
            Gate::Alone(sum) => Ok(Some(Some(put(SPENT, &id, seen, "", &sum.get())?))),
            Gate::SecondPerson => Ok(None),
        }
    }

    /// Waits for a second person, with papers that are kept meanwhile.
    pub(crate) async fn wait(
        &self,
        act: &Act<'_>,
        proposal: &Proposal,
        rules: &Rules,
        kept: Vec<PaperChange>,
    ) -> anyhow::Result<Done> {
        let now = self.handle.now().utc;
        let others = self.others(&act.actor.name).await?;
        let ready =
            (!others).then(|| now.after(rules.cooling_minutes.saturating_mul(60_000)).get());
        if ready.is_some() {
            let (by, what) = (act.actor.shown(), proposal.what());
            tracing::warn!(
                by,
                what,
                "above what one person may do, and there is only one: it waits"
            );
        }
        let id = self.fresh_id(now)?;
        let body = ApprovalBody {
            proposal: Some(proposal.clone()),
            credit: None,
            by: act.actor.name.clone(),
            ready,
            decided: None,
            result: None,
        };
        let done = Done::Waiting { approval: id.clone() };
        let why = if others { "waits for a second person" } else { "waits for its time" };
        let mut line =
            self.line(act.actor, &format!("{} asked", proposal.what()), &proposal.detail()?, why);
        line.status = "approval_asked".to_owned();
        let mut papers = vec![put(APPROVAL, &id, 0, WAITING, &body)?];
        papers.extend(kept);
        let errand = Errand { papers, lines: vec![line], ..Errand::default() };
        self.put_off(act, errand, &serde_json::to_value(&done)?).await?;
        Ok(done)
    }

    /// True when an active user other than this person may agree to something.
    pub(crate) async fn others(&self, person: &str) -> anyhow::Result<bool> {
        let now = self.handle.now().utc.get();
        let users = self.all_users().await?;
        Ok(users.iter().any(|user| user.id != person && user.body.counts(now)))
    }

    /// True when there are two persons who could agree with each other: else rules for two are off.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn has_two_persons(&self) -> anyhow::Result<bool> {
        let users = self.all_users().await?;
        Ok(users.iter().filter(|user| user.body.is_approver()).count() >= 2)
    }

    /// What waits for a second person, or all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn approvals(&self, waiting: bool) -> anyhow::Result<Vec<Approval>> {
        let tag = waiting.then_some(WAITING);
        let all = self.sheets::<ApprovalBody>(APPROVAL, tag, None, LIST_MOST).await?;
        let one = |sheet: Sheet<ApprovalBody>| {
            shown(&sheet.id, sheet.at.get(), sheet.tag == WAITING, sheet.body)
        };
        all.into_iter().map(one).collect()
    }

    /// The second person decides. Nobody is two persons. What was tried and refused leaves a line.
    ///
    /// # Errors
    /// [`Problem`] for the same person or a token, for what somebody asked who may not any more, or
    /// when somebody decided already.
    pub async fn decide_approval(
        &self,
        actor: &Actor,
        id: &str,
        agree: bool,
    ) -> anyhow::Result<Approval> {
        actor.must(Permission::Approve)?;
        let found = self.sheet::<ApprovalBody>(APPROVAL, id).await?;
        let sheet = found.ok_or_else(|| Problem::missing("there is no such approval"))?;
        let (what, by) = (sheet.body.proposal()?.what(), sheet.body.by.clone());
        let done = self.decide(actor, id, sheet, agree).await;
        if let Err(error) = &done {
            let tried = if agree { "approval agree" } else { "approval refuse" };
            let detail = json!({"approval": id, "what": what, "asked_by": by});
            self.not_done(&Act::new(actor, tried, detail), error).await;
        }
        done
    }

    async fn decide(
        &self,
        actor: &Actor,
        id: &str,
        mut sheet: Sheet<ApprovalBody>,
        agree: bool,
    ) -> anyhow::Result<Approval> {
        if sheet.tag != WAITING {
            return Err(Problem::conflict("decided", "this was decided already").into());
        }
        let proposal = sheet.body.proposal()?;
        if agree {
            self.must_be_another(actor, &sheet.body).await?;
            self.must_still_be_asked(&sheet.body.by, &proposal).await?;
        }
        sheet.body.proposal = Some(proposal.clone());
        sheet.body.decided = Some(actor.name.clone());
        sheet.body.result = Some(if agree { "agreed" } else { "refused" }.to_owned());
        let paper = put(APPROVAL, id, sheet.version, "", &sheet.body)?;
        // What changes members rests on what is read of them: one editor at a time.
        let _editing = match proposal.edits() {
            true => Some((self.editing.lock().await, self.begin())),
            false => None,
        };
        let both = match sheet.body.by == actor.name {
            true => actor.clone(),
            false => Actor { name: format!("{} & {}", sheet.body.by, actor.name), ..actor.clone() },
        };
        let (what, mut errand) = if agree {
            let prepared = self.prepare(&both, &proposal).await?;
            (proposal.what().to_owned(), prepared.errand)
        } else {
            let papers = match &proposal {
                Proposal::Takeover(opened) => self.takeover_refused(opened).await?,
                Proposal::Credit(_)
                | Proposal::Transfer(_)
                | Proposal::CreditLimit { .. }
                | Proposal::Assign(_)
                | Proposal::Difference { .. }
                | Proposal::Fail { .. }
                | Proposal::Reverse(_)
                | Proposal::Bank(_)
                | Proposal::Rules(_) => Vec::new(),
            };
            (format!("{} refused", proposal.what()), Errand { papers, ..Errand::default() })
        };
        errand.papers.push(paper);
        let act = Act::new(&both, &what, proposal.detail()?);
        self.carry_out(&act, errand, &Value::Null).await?;
        shown(id, sheet.at.get(), false, sheet.body)
    }

    async fn must_be_another(&self, actor: &Actor, body: &ApprovalBody) -> anyhow::Result<()> {
        self.must_be_no_stranger(actor).await?;
        let voice = Voice { person: &actor.name, token: actor.token.is_some() };
        let others = self.others(&body.by).await?;
        let now = self.handle.now().utc.get();
        let cooled = body.ready.is_some_and(|ready| now >= ready);
        let why = match may_agree(&body.by, voice, others, cooled) {
            Ok(()) => return Ok(()),
            Err(NoAgreement::SamePerson) => "somebody else must agree: you asked for it yourself",
            Err(NoAgreement::Token) => "a token agrees to nothing; log in",
            Err(NoAgreement::TooEarly) => {
                "there is nobody else who could agree, so this waits for its time; until then \
                 whoever sees it can refuse it"
            }
        };
        Err(Problem::forbidden(why).into())
    }

    /// Who asked must still be somebody who may: two persons stand behind what is agreed to, not
    /// one and a login that was taken away.
    async fn must_still_be_asked(&self, by: &str, proposal: &Proposal) -> anyhow::Result<()> {
        let found = self.sheet::<UserBody>(USER, by).await?;
        let needed = proposal.needs();
        let why = match found.map(|user| user.body) {
            None => "was removed".to_owned(),
            Some(user) if !user.active => "is locked now".to_owned(),
            Some(user) if !needed.iter().all(|needed| user.role.may(*needed)) => {
                format!("is {} now and may not ask for it any more", user.role.word())
            }
            Some(_) => return Ok(()),
        };
        let why = format!(
            "{by}, who asked for this, {why}: nobody can agree to it; refuse it, and let somebody \
             who may ask for it anew"
        );
        Err(Problem::conflict("asker_gone", why).into())
    }

    /// Whom one person made, or gave a new password, is nobody's second person yet.
    async fn must_be_no_stranger(&self, actor: &Actor) -> anyhow::Result<()> {
        if actor.is_local() {
            return Ok(());
        }
        let found = self.sheet::<UserBody>(USER, &actor.name).await?;
        let from = found.map_or(0, |user| user.body.agrees_from);
        if self.handle.now().utc.get() >= from {
            return Ok(());
        }
        let from = self.handle.zone().civil(UtcMillis::new(from));
        let why = format!(
            "this login was made or changed by somebody else less than a day ago; it may agree from \
             {from} on"
        );
        Err(Problem::forbidden(why).into())
    }

    /// What a proposal comes to, from what is there now.
    async fn prepare(&self, by: &Actor, proposal: &Proposal) -> anyhow::Result<Prepared> {
        match proposal {
            Proposal::Credit(credit) => self.prepare_credit(by, credit).await,
            Proposal::Transfer(giving) => self.prepare_transfer(by, giving),
            Proposal::CreditLimit { member, limit } => {
                self.prepare_credit_limit(member, limit).await
            }
            Proposal::Assign(assignment) => self.prepare_assignment(by, assignment).await,
            Proposal::Difference { reconciliation, difference, settlement } => {
                self.prepare_difference(by, reconciliation, *difference, settlement).await
            }
            Proposal::Fail { trx, reason, .. } => self.prepare_failure(*trx, reason).await,
            Proposal::Reverse(reversal) => self.prepare_reversal(reversal).await,
            Proposal::Bank(bank) => self.prepare_bank(bank).await,
            Proposal::Rules(rules) => self.prepare_rules(rules).await,
            Proposal::Takeover(opened) => self.prepare_takeover(by, opened).await,
        }
    }
}
