//! Tickets: a member asks, and pays an amount that is its own among all open ones of a bank. A paper of
//! that name exists as long as the ticket is open.
//!
//! Nobody chooses that amount: its end is random and never round, so that no stranger's payment fits.

use crate::access::Actor;
use crate::money::Done;
use crate::papers::{Sheet, is_stale, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal};
use domain::{Weight, ticket_amounts};
use engine::{Errand, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use types::{MemberCode, Rupiah};

const BANK: &str = "bank";
pub(crate) const TICKET: &str = "ticket";
const AMOUNT: &str = "ticket-amount";
pub(crate) const OPEN: &str = "open";
/// Tickets of a member that may be open together.
const OPEN_MOST: usize = 3;
/// Tickets a member may leave unpaid in a day: whoever asks again and again looks for an amount.
const UNPAID_MOST: usize = 20;
const DAY_MS: i64 = 86_400_000;
/// An amount of a ticket that a payment of another amount may have been meant for.
pub(crate) const NEAR: u64 = 1_000;

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

/// A new account, or a change of one: who agrees, and who reads the journal, sees what it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BankChange {
    /// What it becomes.
    #[serde(flatten)]
    pub bank: Bank,
    /// What it was when the change was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Bank>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TicketBody {
    pub(crate) member: i64,
    pub(crate) code: String,
    pub(crate) bank: String,
    /// What the member wanted.
    pub(crate) wanted: i64,
    /// What it must pay, to the rupiah.
    pub(crate) amount: i64,
    pub(crate) created: i64,
    pub(crate) expires: i64,
    pub(crate) state: String,
    pub(crate) mutation: Option<String>,
}

/// Which ticket an amount belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct HoldBody {
    ticket: String,
    expires: i64,
    /// It was paid or cancelled.
    #[serde(default)]
    done: bool,
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

    /// Adds or changes one.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or a bad code.
    pub async fn set_bank(&self, actor: &Actor, bank: Bank) -> anyhow::Result<Done> {
        let was = self.sheet::<Bank>(BANK, &bank.code).await?.map(|sheet| sheet.body);
        self.propose(actor, Proposal::Bank(BankChange { bank, was }), None).await
    }

    /// What it comes to. Members pay into it, so only the very first is one person's to say.
    pub(crate) async fn prepare_bank(&self, change: &BankChange) -> anyhow::Result<Prepared> {
        let BankChange { bank, was } = change;
        let fits = (2..=20).contains(&bank.code.len())
            && bank.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            let why = format!("bank code `{}`: 2 to 20 small letters, digits or dashes", bank.code);
            return Err(Problem::asked("bad_bank", why).into());
        }
        let now = self.sheet::<Bank>(BANK, &bank.code).await?;
        let seen = now.as_ref().map_or(0, |sheet| sheet.version);
        if now.map(|sheet| sheet.body) != *was {
            let why = format!("account `{}` was changed in between; ask for it again", bank.code);
            return Err(Problem { code: "changed", status: 409, detail: why }.into());
        }
        let is_first = self.banks().await?.is_empty();
        let weight = if is_first { Weight::Amount(Rupiah::ZERO) } else { Weight::Rule };
        let papers = vec![put(BANK, &bank.code, seen, "", bank)?];
        Ok(Prepared { errand: Errand { papers, ..Errand::default() }, weight, done: Done::Changed })
    }

    /// The account of this code.
    ///
    /// # Errors
    /// [`Problem`] that names those there are.
    pub async fn bank(&self, code: &str) -> anyhow::Result<Bank> {
        let all = self.banks().await?;
        let known: Vec<&str> = all.iter().map(|bank| bank.code.as_str()).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        let code = code.trim();
        let found = all.iter().find(|bank| bank.code == code).cloned();
        let why = format!("there is no bank account `{code}`; there are: {known}");
        Ok(found.ok_or(Problem { code: "unknown_bank", status: 404, detail: why })?)
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
        if !self.bank(bank).await?.open {
            return Err(Problem::missing(format!("there is no open account `{bank}`")).into());
        }
        let now = self.handle.now().utc;
        let mine = self.sheets::<TicketBody>(TICKET, Some(code.as_str()), None, 100).await?;
        // What the member typed once is an amount of its choice.
        let typed: BTreeSet<i64> = mine.iter().map(|sheet| sheet.body.wanted).collect();
        let mine: Vec<Ticket> = mine.into_iter().map(|sheet| ticket(sheet, now.get())).collect();
        if mine.iter().filter(|ticket| ticket.state == OPEN).count() >= OPEN_MOST {
            let why = "three tickets are open already; pay or cancel one";
            return Err(Problem::asked("too_many_tickets", why).into());
        }
        let unpaid = |ticket: &&Ticket| {
            ticket.state != "paid" && now.get().saturating_sub(ticket.created) < DAY_MS
        };
        if mine.iter().filter(unpaid).count() >= UNPAID_MOST {
            let why = format!(
                "{UNPAID_MOST} tickets of the last day were not paid; pay the open ones, or wait"
            );
            return Err(Problem::asked("too_many_tickets", why).into());
        }
        let most = u32::try_from(rules.ticket_unique_most).unwrap_or_default();
        let chance = self.chance.next()?;
        let all = || ticket_amounts(wanted, most, chance).map(Rupiah::get);
        // Somebody pays a ticket twice by mistake: its amount is nobody else's as long as others are left.
        let unused = all().map(|amount| (amount, false));
        for (amount, again) in unused.chain(all().map(|amount| (amount, true))) {
            if typed.contains(&amount) {
                continue;
            }
            let name = amount_name(bank, amount);
            let held = self.sheet::<HoldBody>(AMOUNT, &name).await?;
            // A ticket that was never paid frees its amount a day after it expired: until then a
            // late payer is still recognised.
            let freed = held.as_ref().is_some_and(|sheet| {
                sheet.body.expires.saturating_add(DAY_MS) < now.get() || (again && sheet.body.done)
            });
            let seen = match &held {
                None => 0,
                Some(sheet) if freed => sheet.version,
                Some(_) => continue,
            };
            let ticket_id = self.fresh_id(now)?;
            let body = TicketBody {
                member: id.get(),
                code: code.to_string(),
                bank: bank.to_owned(),
                wanted: wanted.get(),
                amount,
                created: now.get(),
                expires: now.after(rules.ticket_minutes.saturating_mul(60_000)).get(),
                state: OPEN.to_owned(),
                mutation: None,
            };
            let hold = HoldBody { ticket: ticket_id.clone(), expires: body.expires, done: false };
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

    /// The amount of a ticket is needed no more, when it still holds it.
    async fn release(&self, name: &str, ticket: &str) -> anyhow::Result<Option<PaperChange>> {
        let held = self.sheet::<HoldBody>(AMOUNT, name).await?;
        let ours = held.filter(|sheet| sheet.body.ticket == ticket);
        let done = ours.map(|sheet| {
            put(AMOUNT, name, sheet.version, "", &HoldBody { done: true, ..sheet.body })
        });
        done.transpose()
    }

    /// The ticket that waits for exactly this amount.
    pub(crate) async fn open_ticket_of(
        &self,
        bank: &str,
        amount: i64,
        now: i64,
    ) -> anyhow::Result<Option<Sheet<TicketBody>>> {
        let held = self.sheet::<HoldBody>(AMOUNT, &amount_name(bank, amount)).await?;
        let Some(held) = held else { return Ok(None) };
        let found = self.sheet::<TicketBody>(TICKET, &held.body.ticket).await?;
        Ok(found.filter(|sheet| sheet.body.state == OPEN && sheet.body.expires >= now))
    }

    /// The ticket of a member that a payment was most likely meant for: the nearest amount, open or
    /// expired.
    pub(crate) async fn ticket_near(
        &self,
        member: &MemberCode,
        bank: &str,
        amount: i64,
    ) -> anyhow::Result<Option<Sheet<TicketBody>>> {
        let all = self.sheets::<TicketBody>(TICKET, Some(member.as_str()), None, 100).await?;
        let away = |sheet: &Sheet<TicketBody>| sheet.body.amount.abs_diff(amount);
        Ok(all
            .into_iter()
            .filter(|sheet| sheet.body.state == OPEN && sheet.body.bank == bank)
            .filter(|sheet| away(sheet) <= NEAR)
            .min_by_key(away))
    }

    /// The changes that mark a ticket as paid by a mutation and free its amount.
    pub(crate) async fn paid(
        &self,
        mut sheet: Sheet<TicketBody>,
        mutation: &str,
    ) -> anyhow::Result<Vec<PaperChange>> {
        sheet.body.state = "paid".to_owned();
        sheet.body.mutation = Some(mutation.to_owned());
        let name = amount_name(&sheet.body.bank, sheet.body.amount);
        let mut papers = vec![put(TICKET, &sheet.id, sheet.version, &sheet.tag, &sheet.body)?];
        papers.extend(self.release(&name, &sheet.id).await?);
        Ok(papers)
    }
}
