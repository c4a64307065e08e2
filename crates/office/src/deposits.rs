//! Deposits: tickets with a unique amount, what banks report, and how the two find each other.
//!
//! A ticket's amount is its own among all open ones of a bank: a paper of that name exists as
//! long as the ticket is open. A mutation is taken once, whatever feed brings it how often.

use crate::access::{Actor, Permission};
use crate::money::Done;
use crate::papers::{Sheet, digest, drop, fresh_id, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal};
use domain::{AccountName, Kind, Movement, Weight};
use engine::Errand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::{MemberCode, MemberId, Rupiah};

const BANK: &str = "bank";
const TICKET: &str = "ticket";
const AMOUNT: &str = "ticket-amount";
const MUTATION: &str = "mutation";
const OPEN: &str = "open";
/// Amounts this near to a ticket's are shown as its near-matches.
const NEAR: i64 = 1_000;

/// An account of ours that members pay into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bank {
    /// `bca`; also the cash account of the ledger.
    pub code: String,
    /// `BCA`.
    pub name: String,
    /// Account number.
    pub number: String,
    /// In whose name.
    pub holder: String,
    /// Offered to members.
    pub open: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct TicketBody {
    member: i64,
    code: String,
    bank: String,
    /// What the member wanted.
    wanted: i64,
    /// What it must pay, to the rupiah.
    amount: i64,
    created: i64,
    expires: i64,
    state: String,
    mutation: Option<String>,
}

/// A deposit ticket as shown.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Ticket {
    pub id: String,
    pub member: String,
    pub bank: String,
    pub amount: i64,
    pub created: i64,
    pub expires: i64,
    /// `open`, `paid`, `expired` or `cancelled`.
    pub state: String,
    pub mutation: Option<String>,
}

/// What a bank reports: one credit to an account of ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mutation {
    /// Which account.
    pub bank: String,
    /// The bank's own number for it, when it has one.
    #[serde(default)]
    pub id: Option<String>,
    /// Day and hour as the bank writes them.
    #[serde(default)]
    pub date: String,
    /// Positive: to us.
    #[serde(deserialize_with = "crate::typed::amount")]
    pub amount: String,
    /// What the payer wrote.
    #[serde(default)]
    pub text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct MutationBody {
    bank: String,
    date: String,
    amount: i64,
    text: String,
    came: i64,
    state: String,
    member: Option<String>,
    ticket: Option<String>,
    by: Option<String>,
}

/// A mutation as shown.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct MutationRow {
    pub id: String,
    pub bank: String,
    pub date: String,
    pub amount: i64,
    pub text: String,
    pub came: i64,
    /// `open`, `matched`, `assigned` or `ignored`.
    pub state: String,
    pub member: Option<String>,
    pub by: Option<String>,
    /// Tickets whose amount is near, for who decides.
    pub near: Vec<Ticket>,
}

/// What became of a mutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Taken {
    Matched { member: String, amount: i64 },
    Queued { id: String },
    Known { id: String },
}

fn ticket(sheet: Sheet<TicketBody>, now: i64) -> Ticket {
    let late = sheet.body.state == OPEN && sheet.body.expires < now;
    Ticket {
        id: sheet.id,
        member: sheet.body.code,
        bank: sheet.body.bank,
        amount: sheet.body.amount,
        created: sheet.body.created,
        expires: sheet.body.expires,
        state: if late { "expired".to_owned() } else { sheet.body.state },
        mutation: sheet.body.mutation,
    }
}

fn amount_name(bank: &str, amount: i64) -> String {
    format!("{bank}:{amount}")
}

impl Office {
    /// Accounts that members pay into.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn banks(&self) -> anyhow::Result<Vec<Bank>> {
        let mut all = self.sheets::<Bank>(BANK, None, None, 100).await?;
        all.reverse();
        Ok(all.into_iter().map(|sheet| sheet.body).collect())
    }

    /// Adds or changes one. Members pay into it, so only the very first is one person's to say.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or a bad code.
    pub async fn set_bank(&self, actor: &Actor, bank: Bank) -> anyhow::Result<Done> {
        self.propose(actor, Proposal::Bank(bank), None).await
    }

    /// What it comes to.
    pub(crate) async fn prepare_bank(&self, bank: &Bank) -> anyhow::Result<Prepared> {
        let fits = (2..=20).contains(&bank.code.len())
            && bank.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            let why = format!("bank code `{}`: 2 to 20 small letters, digits or dashes", bank.code);
            return Err(Problem::asked("bad_bank", why).into());
        }
        let seen = self.sheet::<Bank>(BANK, &bank.code).await?.map_or(0, |sheet| sheet.version);
        let is_first = self.banks().await?.is_empty();
        let weight = if is_first { Weight::Amount(Rupiah::ZERO) } else { Weight::Rule };
        let papers = vec![put(BANK, &bank.code, seen, "", bank)?];
        Ok(Prepared { errand: Errand { papers, ..Errand::default() }, weight, done: Done::Changed })
    }

    /// Opens a ticket: the amount to pay is unique among the open ones of that bank.
    ///
    /// # Errors
    /// [`Problem`] for an unknown bank, too little, or too many open tickets.
    pub async fn open_ticket(
        &self,
        actor: &Actor,
        member: &str,
        bank: &str,
        wanted: &str,
    ) -> anyhow::Result<Ticket> {
        let (code, id) = self.member_of(member)?;
        let rules = self.rules().await?;
        let wanted: Rupiah = wanted
            .parse()
            .map_err(|error| Problem::asked("bad_amount", format!("amount: {error}")))?;
        if wanted.get() < rules.ticket_least {
            let least = Rupiah::new(rules.ticket_least);
            return Err(Problem::asked("too_little", format!("at least {least}")).into());
        }
        let banks = self.banks().await?;
        if !banks.iter().any(|known| known.code == bank && known.open) {
            return Err(Problem::missing(format!("there is no open account `{bank}`")).into());
        }
        let now = self.handle.now().utc;
        let mine = self.tickets(Some(code.as_str()), 50).await?;
        if mine.iter().filter(|ticket| ticket.state == OPEN).count() >= 3 {
            let why = "three tickets are open already; pay or cancel one";
            return Err(Problem::asked("too_many_tickets", why).into());
        }
        let start = now.get().rem_euclid(rules.ticket_unique_most.max(1));
        for step in 0..=rules.ticket_unique_most {
            let extra = 1 + (start + step) % rules.ticket_unique_most.max(1);
            let extra = if rules.ticket_unique_most == 0 { 0 } else { extra };
            let amount = wanted.get().saturating_add(extra);
            let name = amount_name(bank, amount);
            let held = self.sheet::<Value>(AMOUNT, &name).await?;
            // A ticket that was never paid frees its amount a day after it expired: until then a
            // late payer is still recognised.
            let freed = held.as_ref().is_some_and(|sheet| {
                sheet.body["expires"].as_i64().unwrap_or_default() + 86_400_000 < now.get()
            });
            let seen = match &held {
                None => 0,
                Some(sheet) if freed => sheet.version,
                Some(_) => continue,
            };
            let ticket_id = fresh_id(now)?;
            let body = TicketBody {
                member: id.get(),
                code: code.to_string(),
                bank: bank.to_owned(),
                wanted: wanted.get(),
                amount,
                created: now.get(),
                expires: now.get() + rules.ticket_minutes * 60_000,
                state: OPEN.to_owned(),
                mutation: None,
            };
            let hold = json!({"ticket": ticket_id, "expires": body.expires});
            let detail = json!({"member": code.as_str(), "bank": bank, "amount": amount});
            let errand = Errand {
                papers: vec![
                    put(TICKET, &ticket_id, 0, code.as_str(), &body)?,
                    put(AMOUNT, &name, seen, "", &hold)?,
                ],
                lines: vec![self.line(actor, "ticket open", &detail, "")],
                ..Errand::default()
            };
            match self.run(errand).await {
                Ok(_) => {
                    let at = now;
                    let tag = code.to_string();
                    let sheet = Sheet { id: ticket_id, tag, version: 1, at, body };
                    return Ok(ticket(sheet, now.get()));
                }
                // Somebody took this amount at the same moment: the next one.
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Problem::asked("no_free_amount", "all amounts near it are taken; try another").into())
    }

    /// Tickets, newest first; of one member or of all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tickets(&self, member: Option<&str>, limit: u32) -> anyhow::Result<Vec<Ticket>> {
        let now = self.handle.now().utc.get();
        let all = self.sheets::<TicketBody>(TICKET, member, None, limit).await?;
        Ok(all.into_iter().map(|sheet| ticket(sheet, now)).collect())
    }

    /// Cancels an open ticket; of its own member only, when one is named.
    ///
    /// # Errors
    /// [`Problem`] when it is not open.
    pub async fn cancel_ticket(
        &self,
        actor: &Actor,
        id: &str,
        member: Option<&MemberCode>,
    ) -> anyhow::Result<()> {
        let found = self.sheet::<TicketBody>(TICKET, id).await?;
        let ours = found.filter(|sheet| member.is_none_or(|code| sheet.body.code == code.as_str()));
        let mut sheet = ours.ok_or_else(|| Problem::missing("there is no such ticket"))?;
        if sheet.body.state != OPEN {
            return Err(Problem::conflict("not_open", "this ticket is not open").into());
        }
        sheet.body.state = "cancelled".to_owned();
        let name = amount_name(&sheet.body.bank, sheet.body.amount);
        let mut papers = vec![put(TICKET, id, sheet.version, &sheet.tag, &sheet.body)?];
        papers.extend(self.release(&name, id).await?);
        let lines = vec![self.line(actor, "ticket cancel", &json!({"ticket": id}), "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(())
    }

    /// Frees the amount of a ticket, when it still holds it.
    async fn release(
        &self,
        name: &str,
        ticket: &str,
    ) -> anyhow::Result<Option<engine::PaperChange>> {
        let held = self.sheet::<Value>(AMOUNT, name).await?;
        let ours = held.filter(|sheet| sheet.body["ticket"] == ticket);
        Ok(ours.map(|sheet| drop(AMOUNT, name, sheet.version)))
    }

    /// Takes what a bank reports: credits the member whose open ticket has exactly this amount, or
    /// puts it into the queue of a person.
    ///
    /// # Errors
    /// [`Problem`] for a bad amount or bank.
    pub async fn take_mutation(&self, actor: &Actor, given: Mutation) -> anyhow::Result<Taken> {
        actor.must(Permission::MoveMoney)?;
        let amount: Rupiah = given
            .amount
            .parse()
            .map_err(|error| Problem::asked("bad_amount", format!("amount: {error}")))?;
        if amount.get() <= 0 {
            return Err(Problem::asked("bad_amount", "only what came in is reported").into());
        }
        if !self.banks().await?.iter().any(|bank| bank.code == given.bank) {
            return Err(Problem::missing(format!("there is no account `{}`", given.bank)).into());
        }
        let own = match &given.id {
            Some(id) => id.clone(),
            None => digest(&format!("{}\n{}\n{}", given.date, amount.get(), given.text)),
        };
        let id = format!("{}-{}", given.bank, own.chars().take(80).collect::<String>());
        for _ in 0..5 {
            if self.sheet::<MutationBody>(MUTATION, &id).await?.is_some() {
                return Ok(Taken::Known { id });
            }
            let now = self.handle.now().utc.get();
            let mut body = MutationBody {
                bank: given.bank.clone(),
                date: given.date.clone(),
                amount: amount.get(),
                text: given.text.chars().take(300).collect(),
                came: now,
                state: OPEN.to_owned(),
                member: None,
                ticket: None,
                by: None,
            };
            let found = self.open_ticket_of(&given.bank, amount.get(), now).await?;
            let Some(sheet) = found else {
                let errand = Errand {
                    papers: vec![put(MUTATION, &id, 0, OPEN, &body)?],
                    ..Errand::default()
                };
                match self.run(errand).await {
                    Ok(_) => return Ok(Taken::Queued { id }),
                    Err(error) if is_stale(&error) => continue,
                    Err(error) => return Err(error),
                }
            };
            body.state = "matched".to_owned();
            body.by = Some(actor.name.clone());
            match self.pay(actor, &id, 0, body, sheet).await {
                Ok(member) => return Ok(Taken::Matched { member, amount: amount.get() }),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Problem::conflict("busy", "others change the same tickets; send it again").into())
    }

    async fn open_ticket_of(
        &self,
        bank: &str,
        amount: i64,
        now: i64,
    ) -> anyhow::Result<Option<Sheet<TicketBody>>> {
        let held = self.sheet::<Value>(AMOUNT, &amount_name(bank, amount)).await?;
        let Some(id) = held.and_then(|sheet| sheet.body["ticket"].as_str().map(str::to_owned))
        else {
            return Ok(None);
        };
        let found = self.sheet::<TicketBody>(TICKET, &id).await?;
        Ok(found.filter(|sheet| sheet.body.state == OPEN && sheet.body.expires >= now))
    }

    /// Credits a ticket's member with a mutation, in one commit with both papers.
    async fn pay(
        &self,
        actor: &Actor,
        mutation: &str,
        seen: i64,
        mut body: MutationBody,
        mut sheet: Sheet<TicketBody>,
    ) -> anyhow::Result<String> {
        let member = sheet.body.code.clone();
        body.member = Some(member.clone());
        body.ticket = Some(sheet.id.clone());
        sheet.body.state = "paid".to_owned();
        sheet.body.mutation = Some(mutation.to_owned());
        let name = amount_name(&sheet.body.bank, sheet.body.amount);
        let mut papers = vec![
            put(MUTATION, mutation, seen, "", &body)?,
            put(TICKET, &sheet.id, sheet.version, &sheet.tag, &sheet.body)?,
        ];
        papers.extend(self.release(&name, &sheet.id).await?);
        let detail = json!({"member": member, "mutation": mutation, "amount": body.amount});
        let errand = Errand {
            papers,
            moves: vec![deposit(
                MemberId::new(sheet.body.member),
                body.amount,
                &body.bank,
                format!("{}: ticket {}, mutation {mutation}", actor.name, sheet.id),
            )],
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
        let tickets = if all.iter().any(|sheet| sheet.body.state == OPEN) {
            self.tickets(None, 500).await?
        } else {
            Vec::new()
        };
        Ok(all
            .into_iter()
            .map(|sheet| {
                let body = sheet.body;
                let near = |ticket: &&Ticket| {
                    body.state == OPEN
                        && ticket.bank == body.bank
                        && matches!(ticket.state.as_str(), "open" | "expired")
                        && (ticket.amount - body.amount).abs() <= NEAR
                };
                MutationRow {
                    near: tickets.iter().filter(near).cloned().collect(),
                    id: sheet.id,
                    bank: body.bank,
                    date: body.date,
                    amount: body.amount,
                    text: body.text,
                    came: body.came,
                    state: body.state,
                    member: body.member,
                    by: body.by,
                }
            })
            .collect())
    }

    /// A person says whose a queued mutation is, or that it is nobody's.
    ///
    /// # Errors
    /// [`Problem`] when it does not wait any more.
    pub async fn settle_mutation(
        &self,
        actor: &Actor,
        id: &str,
        member: Option<&str>,
        note: &str,
    ) -> anyhow::Result<()> {
        actor.must(Permission::MoveMoney)?;
        let found = self.sheet::<MutationBody>(MUTATION, id).await?;
        let mut sheet = found.ok_or_else(|| Problem::missing("there is no such mutation"))?;
        if sheet.tag != OPEN {
            return Err(Problem::conflict("decided", "this was decided already").into());
        }
        let mut moves = Vec::new();
        sheet.body.by = Some(actor.name.clone());
        if let Some(member) = member {
            let (code, member) = self.member_of(member)?;
            let why = format!("{}: mutation {id} {}", actor.name, note.trim());
            moves.push(deposit(member, sheet.body.amount, &sheet.body.bank, why));
            sheet.body.member = Some(code.to_string());
            sheet.body.state = "assigned".to_owned();
        } else {
            sheet.body.state = "ignored".to_owned();
        }
        let detail = json!({"mutation": id, "member": sheet.body.member, "note": note});
        let errand = Errand {
            papers: vec![put(MUTATION, id, sheet.version, "", &sheet.body)?],
            moves,
            lines: vec![self.line(actor, "mutation settled", &detail, "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(())
    }
}

fn deposit(member: MemberId, amount: i64, bank: &str, note: String) -> Movement {
    Movement {
        member,
        amount: Rupiah::new(amount),
        other: AccountName::Cash(bank.to_owned()),
        kind: Kind::Deposit,
        note,
    }
}

fn is_stale(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == "changed_meanwhile")
}
