//! What banks report, and how it finds the member who paid.
//!
//! The member of a ticket is credited without a person only when nothing contradicts it; everything
//! else waits with the reason, and with what it may be, until a person has decided.

use crate::access::Actor;
use crate::bank_file::Kind;
use crate::money::Done;
use crate::papers::{Sheet, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal};
use crate::taking::{New, Read};
use crate::tickets::{NEAR, OPEN, Ticket, TicketBody};
use domain::{
    AccountName, CreditFacts, Held, Kind as Movements, Movement, Weight, judge_credit,
    names_another,
};
use engine::{Errand, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use types::{MemberCode, MemberId, Rupiah, UtcMillis};

pub(crate) const MUTATION: &str = "mutation";
/// What a bank reports: one credit to an account of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutation {
    /// Which account.
    pub bank: String,
    /// The bank's own number for it, when it has one.
    pub id: Option<String>,
    /// Day and hour as the bank writes them.
    pub date: String,
    /// Positive: to us.
    pub amount: String,
    /// What the payer wrote.
    pub text: String,
    /// What the account held after it.
    pub balance: Option<i64>,
    /// There was a part of a rupiah, which the amount does not have any more.
    pub part: bool,
}

/// Lines that are no credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct LeftOut {
    pub debit: usize,
    pub pending: usize,
    pub correction: usize,
}

impl LeftOut {
    pub(crate) fn count(&mut self, kind: Kind) {
        let counted = match kind {
            Kind::Credit => return,
            Kind::Debit => &mut self.debit,
            Kind::Pending => &mut self.pending,
            Kind::Correction => &mut self.correction,
        };
        *counted = counted.saturating_add(1);
    }

    /// How many there are.
    #[must_use]
    pub const fn all(self) -> usize {
        self.debit.saturating_add(self.pending).saturating_add(self.correction)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MutationBody {
    pub(crate) bank: String,
    pub(crate) date: String,
    pub(crate) amount: i64,
    pub(crate) text: String,
    pub(crate) came: i64,
    pub(crate) state: String,
    pub(crate) member: Option<String>,
    pub(crate) ticket: Option<String>,
    pub(crate) by: Option<String>,
    /// The bank's own number.
    #[serde(default)]
    pub(crate) own: Option<String>,
    /// Why it waits, or waited.
    #[serde(default)]
    pub(crate) why: Option<String>,
    /// The member whom the payer's text names.
    #[serde(default)]
    pub(crate) names: Option<String>,
    /// Mutations that this one may be.
    #[serde(default)]
    pub(crate) like: Vec<String>,
}

/// Another mutation, as it is shown beside one that may be the same.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Alike {
    pub id: String,
    pub date: String,
    pub amount: i64,
    pub text: String,
    pub state: String,
    pub member: Option<String>,
}

/// A mutation as shown.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct MutationRow {
    pub id: String,
    pub bank: String,
    /// The bank's own number.
    pub own: Option<String>,
    pub date: String,
    pub amount: i64,
    pub text: String,
    pub came: i64,
    /// `open`, `matched`, `assigned` or `ignored`.
    pub state: String,
    pub member: Option<String>,
    pub by: Option<String>,
    /// Why it waits: a word of `domain::Held`.
    pub why: Option<String>,
    /// The member whom the payer's text names.
    pub names: Option<String>,
    /// Payments that it may be, or what was told under the same number before.
    pub like: Vec<Alike>,
    /// Tickets whose amount is near, for who decides.
    pub near: Vec<Ticket>,
}

/// What became of a mutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Taken {
    Matched {
        id: String,
        member: String,
        amount: i64,
    },
    Queued {
        id: String,
        why: &'static str,
    },
    Known {
        id: String,
    },
    /// Nothing was taken of it; the rest of its list was.
    Refused {
        code: &'static str,
        detail: String,
        #[serde(skip)]
        status: u16,
    },
}

/// Whose a bank credit is, or that it is nobody's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// Which.
    pub mutation: String,
    /// Whose; absent: nobody's.
    pub member: Option<String>,
    /// Why.
    pub note: String,
    /// It is none of the payments it looks like.
    pub another: bool,
}

impl Office {
    /// Credits the ticket's member, or lets it wait with its reason.
    pub(crate) async fn judge(
        &self,
        actor: &Actor,
        read: &Read,
        id: &str,
        new: New,
        mut papers: Vec<PaperChange>,
    ) -> anyhow::Result<Taken> {
        let now = self.handle.now();
        let ticket = self.open_ticket_of(&read.bank, read.amount, now.utc.get()).await?;
        let names = ticket.as_ref().and_then(|sheet| self.other_named(&sheet.body, &read.text));
        let opened = |sheet: &Sheet<TicketBody>| {
            self.handle.zone().civil(UtcMillis::new(sheet.body.created))
        };
        let facts = CreditFacts {
            booked: read.report.booked,
            unreadable: read.unreadable,
            part: read.part,
            other_version: new.other_version,
            doubtful: new.doubtful,
            alike: !new.like.is_empty(),
            ticket: ticket.as_ref().map(opened),
            names: names.as_ref(),
            now,
        };
        let mut body = MutationBody {
            bank: read.bank.clone(),
            date: read.date.clone(),
            amount: read.amount,
            text: read.text.clone(),
            came: now.utc.get(),
            state: OPEN.to_owned(),
            member: None,
            ticket: None,
            by: None,
            own: read.own.clone(),
            why: None,
            names: names.as_ref().map(ToString::to_string),
            like: new.like,
        };
        let why = match (judge_credit(&facts), ticket) {
            (Ok(()), Some(ticket)) => {
                let Some(spent) = self.may_report(actor, read.amount).await? else {
                    return self.hold(actor, id, body, papers, Held::SecondPerson).await;
                };
                papers.extend(spent);
                body.state = "matched".to_owned();
                body.by = Some(actor.name.clone());
                let member = self.pay(actor, id, body, ticket, papers).await?;
                return Ok(Taken::Matched { id: id.to_owned(), member, amount: read.amount });
            }
            (Ok(()), None) => Held::NoTicket,
            (Err(why), _) => why,
        };
        self.hold(actor, id, body, papers, why).await
    }

    /// What a feed set up at the machine says is so; what a person says, also through a feed of its
    /// own, is weighed like a credit by hand. `None`: a second person must agree.
    async fn may_report(
        &self,
        actor: &Actor,
        amount: i64,
    ) -> anyhow::Result<Option<Option<PaperChange>>> {
        if actor.believed {
            return Ok(Some(None));
        }
        let limits = self.rules().await?.limits();
        self.alone(actor, Weight::Amount(Rupiah::new(amount)), limits).await
    }

    /// Lets it wait with its reason.
    async fn hold(
        &self,
        actor: &Actor,
        id: &str,
        mut body: MutationBody,
        mut papers: Vec<PaperChange>,
        why: Held,
    ) -> anyhow::Result<Taken> {
        body.why = Some(why.word().to_owned());
        papers.push(put(MUTATION, id, 0, OPEN, &body)?);
        let detail = json!({
            "mutation": id, "bank": body.bank, "amount": body.amount, "date": body.date, "why": body.why,
        });
        let lines = vec![self.line(actor, "bank credit waits", &detail, "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(Taken::Queued { id: id.to_owned(), why: why.word() })
    }

    /// Another member than the ticket's, whom the payer's text names.
    fn other_named(&self, ticket: &TicketBody, text: &str) -> Option<MemberCode> {
        let catalog = self.handle.catalog();
        let own = catalog.member_by_id(MemberId::new(ticket.member))?;
        let others = catalog.members().into_iter();
        let others = others.map(|entry| (&entry.member.code, entry.member.name.as_str()));
        names_another(text, (&own.member.code, &own.member.name), others).cloned()
    }

    /// Credits a ticket's member with a mutation, in one commit with all papers.
    async fn pay(
        &self,
        actor: &Actor,
        mutation: &str,
        mut body: MutationBody,
        sheet: Sheet<TicketBody>,
        mut papers: Vec<PaperChange>,
    ) -> anyhow::Result<String> {
        let (member, whom) = (sheet.body.code.clone(), MemberId::new(sheet.body.member));
        body.member = Some(member.clone());
        body.ticket = Some(sheet.id.clone());
        papers.push(put(MUTATION, mutation, 0, "", &body)?);
        let note = format!("{}: ticket {}, mutation {mutation}", actor.name, sheet.id);
        papers.extend(self.paid(sheet, mutation).await?);
        let detail = json!({"member": member, "mutation": mutation, "amount": body.amount});
        let errand = Errand {
            papers,
            moves: vec![deposit(whom, body.amount, &body.bank, note)],
            lines: vec![self.line(actor, "deposit matched", &detail, "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(member)
    }

    /// Mutations, newest first; only those that wait for a person, or all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn mutations(&self, open: bool, limit: u32) -> anyhow::Result<Vec<MutationRow>> {
        let tag = open.then_some(OPEN);
        let mut all = self.sheets::<MutationBody>(MUTATION, tag, None, limit).await?;
        all.sort_by_key(|sheet| std::cmp::Reverse(sheet.body.came));
        let waits = all.iter().any(|sheet| sheet.body.state == OPEN);
        let tickets = if waits { self.tickets(None, 500).await? } else { Vec::new() };
        let mut others: BTreeMap<String, Alike> = BTreeMap::new();
        let wanted = all.iter().filter(|sheet| sheet.body.state == OPEN);
        for id in wanted.flat_map(|sheet| sheet.body.like.iter()) {
            if others.contains_key(id) {
                continue;
            }
            if let Some(sheet) = self.sheet::<MutationBody>(MUTATION, id).await? {
                let MutationBody { date, amount, text, state, member, .. } = sheet.body;
                let alike = Alike { id: id.clone(), date, amount, text, state, member };
                others.insert(id.clone(), alike);
            }
        }
        Ok(all
            .into_iter()
            .map(|sheet| {
                let body = sheet.body;
                let near = |ticket: &&Ticket| {
                    body.state == OPEN
                        && ticket.bank == body.bank
                        && matches!(ticket.state.as_str(), "open" | "expired")
                        && ticket.amount.abs_diff(body.amount) <= NEAR
                };
                MutationRow {
                    near: tickets.iter().filter(near).cloned().collect(),
                    like: body.like.iter().filter_map(|id| others.get(id).cloned()).collect(),
                    id: sheet.id,
                    bank: body.bank,
                    own: body.own,
                    date: body.date,
                    amount: body.amount,
                    text: body.text,
                    came: body.came,
                    state: body.state,
                    member: body.member,
                    by: body.by,
                    why: body.why,
                    names: body.names,
                }
            })
            .collect())
    }

    /// A person says whose a queued mutation is, or that it is nobody's. The ticket that the member
    /// meant to pay is paid with it. `another`: the person says that it is none of the payments it
    /// looks like.
    ///
    /// # Errors
    /// [`Problem`] when it does not wait any more, or may be a known payment.
    pub async fn settle_mutation(
        &self,
        actor: &Actor,
        id: &str,
        member: Option<&str>,
        note: &str,
        another: bool,
    ) -> anyhow::Result<Done> {
        let assignment = Assignment {
            mutation: id.to_owned(),
            member: member.map(str::to_owned),
            note: note.to_owned(),
            another,
        };
        self.propose(actor, Proposal::Assign(assignment), None).await
    }

    /// What it comes to.
    pub(crate) async fn prepare_assignment(
        &self,
        actor: &Actor,
        assignment: &Assignment,
    ) -> anyhow::Result<Prepared> {
        let Assignment { mutation: id, member, note, another } = assignment;
        let found = self.sheet::<MutationBody>(MUTATION, id).await?;
        let mut sheet = found.ok_or_else(|| Problem::missing("there is no such mutation"))?;
        if sheet.tag != OPEN {
            return Err(Problem::conflict("decided", "this was decided already").into());
        }
        let (mut moves, mut papers) = (Vec::new(), Vec::new());
        sheet.body.by = Some(actor.name.clone());
        if let Some(member) = member {
            let (code, member) = self.member_of(member)?;
            let may_be_known =
                |why: &str| Held::ALL.iter().any(|held| held.word() == why && held.may_be_known());
            if !another && sheet.body.why.as_deref().is_some_and(may_be_known) {
                let like = sheet.body.like.join(", ");
                let why = format!(
                    "it may be the payment {like}, which was reported before; look at both, and say \
                     `another` when it is another payment"
                );
                return Err(Problem::conflict("may_be_known", why).into());
            }
            let why = format!("{}: mutation {id} {}", actor.shown(), note.trim());
            moves.push(deposit(member, sheet.body.amount, &sheet.body.bank, why));
            let bank = &sheet.body.bank;
            if let Some(ticket) = self.ticket_near(&code, bank, sheet.body.amount).await? {
                sheet.body.ticket = Some(ticket.id.clone());
                papers.extend(self.paid(ticket, id).await?);
            }
            sheet.body.member = Some(code.to_string());
            sheet.body.state = "assigned".to_owned();
        } else {
            sheet.body.state = "ignored".to_owned();
        }
        // What is nobody's gives nothing to anybody.
        let given = if moves.is_empty() { 0 } else { sheet.body.amount };
        papers.push(put(MUTATION, id, sheet.version, "", &sheet.body)?);
        Ok(Prepared {
            errand: Errand { papers, moves, ..Errand::default() },
            weight: Weight::Amount(Rupiah::new(given)),
            done: Done::Changed,
        })
    }
}

fn deposit(member: MemberId, amount: i64, bank: &str, note: String) -> Movement {
    Movement {
        member,
        amount: Rupiah::new(amount),
        other: AccountName::Cash(bank.to_owned()),
        kind: Movements::Deposit,
        note,
    }
}
