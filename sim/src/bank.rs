//! A bank, those who read it for us, and members who pay in by tickets.
//!
//! What is paid is the truth here, and the shadow's books have it before anybody reports it: nobody is
//! credited more than it paid, whatever is told how often, and in the end everything that was paid.

use crate::chance::below;
use crate::people::member_id;
use crate::print::{Clock, grouped};
use crate::world::World;
use anyhow::bail;
use engine::{Courier, Handle, Port};
use office::{Actor, Bank, Chance, Mutation, Office, Plug, Problem, Taken};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::KeySet;
use suppliers::Settings;
use types::{MemberCode, SupplierCode};

/// The account, and the till of the ledger. Nobody is credited by hand from it.
pub(crate) const ACCOUNT: &str = "bri";
/// A ticket is certainly open for so long, as far as clocks are right.
const OPEN_MS: i64 = 60 * 60_000;

/// How a member pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pay {
    /// To the rupiah.
    Exactly,
    /// Without the rupiah that make the amount its own.
    Round,
    /// The same amount twice.
    Twice,
    /// Another member pays the ticket's amount, and says who it is.
    Another(u64),
}

/// Who tells what the bank has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Teller {
    /// A service with the bank's own numbers and the minute.
    Service,
    /// Another one that numbers by itself, and knows days only: of two equal payments it tells both.
    Robot,
    /// A person with the bank's file: no numbers, other letters and spaces, a balance.
    File,
}

struct Ticket {
    member: u64,
    amount: i64,
    opened: i64,
    cancelled: bool,
}

#[derive(Clone)]
struct Payment {
    number: usize,
    amount: i64,
    /// By the bank's clock, which is right.
    at: i64,
    text: String,
    balance: i64,
    /// Of whom nothing contradicts that it pays this ticket.
    clean: Option<u64>,
    told: bool,
    /// By whom, as far as an answer came.
    by: BTreeSet<Teller>,
    /// The bank writes more about it later.
    amended: bool,
}

/// What happened at the bank.
#[derive(Default)]
pub(crate) struct Books {
    /// By the number of the operation.
    tickets: BTreeMap<u64, (String, Ticket)>,
    payments: Vec<Payment>,
    /// What payments of an amount are called in the office, as each teller was answered.
    names: BTreeMap<(Teller, i64), BTreeSet<String>>,
    drawn: u64,
}

/// Chance of a run: the same each time.
struct Drawn(World);

impl Chance for Drawn {
    fn next(&self) -> anyhow::Result<u64> {
        let (seed, drawn) = self.0.with(|state| {
            state.bank.drawn += 1;
            (state.seed, state.bank.drawn)
        });
        Ok(below(seed, &format!("office {drawn}"), u64::MAX))
    }
}

/// Tickets speak to no supplier and to no receiver.
struct Alone(Arc<dyn Courier>);

impl Plug for Alone {
    fn port(&self, code: &SupplierCode, _: &Settings) -> anyhow::Result<Port> {
        bail!("{code} is spoken to elsewhere")
    }

    fn courier(&self) -> Arc<dyn Courier> {
        self.0.clone()
    }
}

/// The office at a node.
pub(crate) fn office(
    world: &World,
    handle: &Handle,
    key: &KeySet,
    courier: Arc<dyn Courier>,
) -> Arc<Office> {
    let office = Office::new(handle.clone(), key.clone(), Box::new(Alone(courier)));
    Arc::new(office.with_chance(Box::new(Drawn(world.clone()))))
}

fn account() -> Bank {
    Bank {
        code: ACCOUNT.to_owned(),
        name: "BRI".to_owned(),
        number: "001901000123300".to_owned(),
        holder: "PT CONTOH".to_owned(),
        open: true,
    }
}

fn code(member: u64) -> String {
    format!("OK{member}")
}

fn is(error: &anyhow::Error, code: &str) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == code)
}

/// A member asks for a ticket.
pub(crate) async fn ask(world: &World, office: &Office, number: u64, member: u64, wanted: i64) {
    let Ok(member_code) = MemberCode::parse(&code(member)) else { return };
    let (actor, asked) = (Actor::local(), wanted.to_string());
    let open = || office.open_ticket(&actor, member_code.as_str(), ACCOUNT, &asked);
    let mut opened = open().await;
    if opened.as_ref().is_err_and(|error| is(error, "unknown_bank")) {
        // Two may find it missing; one of them makes it.
        let _ = office.set_bank(&actor, account()).await;
        opened = open().await;
    }
    let Ok(ticket) = opened else { return };
    world.seen("bank: a ticket");
    world.log(|| format!("ticket of {member}: {}", ticket.amount));
    let above = ticket.amount - wanted;
    if !(1..=999).contains(&above) || ticket.amount % 1_000 == 0 {
        world.wrong(format!("a ticket for {wanted} asks for {}", ticket.amount));
    }
    world.with(|state| {
        let (amount, opened) = (ticket.amount, state.now());
        let open = state.bank.tickets.values().filter(|(_, ticket)| !ticket.cancelled);
        let taken = open.filter(|(_, ticket)| opened - ticket.opened < OPEN_MS);
        if taken.map(|(_, ticket)| ticket.amount).any(|other| other == amount) {
            state.wrong.push(format!("two tickets ask for {amount}"));
        }
        let ticket = (ticket.id, Ticket { member, amount, opened, cancelled: false });
        state.bank.tickets.insert(number, ticket);
    });
}

/// A member does not want it any more.
pub(crate) async fn cancel(world: &World, office: &Office, number: u64) {
    let id = world.with(|state| {
        let (id, ticket) = state.bank.tickets.get_mut(&number)?;
        // Before it is written: a crash may leave it written without an answer.
        ticket.cancelled = true;
        Some(id.clone())
    });
    let Some(id) = id else { return };
    if office.cancel_ticket(&Actor::local(), &id, None).await.is_ok() {
        world.seen("bank: a ticket cancelled");
    }
}

/// Money comes to the account.
pub(crate) fn pay(world: &World, number: u64, how: Pay) {
    let paid = world.with(|state| {
        let (_, ticket) = state.bank.tickets.get(&number)?;
        let (owner, amount) = (ticket.member, ticket.amount);
        let (payer, more, times) = match how {
            Pay::Exactly => (owner, 0, 1),
            // Without the end that makes it its own: no ticket asks for that.
            Pay::Round => (owner, -(amount % 1_000), 1),
            Pay::Twice => (owner, 0, 2),
            Pay::Another(member) => (member, 0, 1),
        };
        let words = match below(state.seed, &format!("bank {number} words"), 4) {
            0 => "TRSF E-BANKING CR".to_owned(),
            1 => "SETOR DEPOSIT".to_owned(),
            2 => format!("BRIVA{}", 1_000 + number),
            _ => String::new(),
        };
        let text = if payer == owner { words } else { format!("{words} {}", code(payer)) };
        for _ in 0..times {
            let payments = &mut state.bank.payments;
            let balance = payments.last().map_or(5_000_000, |last| last.balance) + amount + more;
            let at = state.start + state.now();
            let payments = &mut state.bank.payments;
            let before = payments.iter_mut().filter(|other| other.amount == amount + more);
            let mut alone = true;
            for other in before {
                (other.clean, alone) = (None, false);
            }
            let clean = (how == Pay::Exactly && alone).then_some(number);
            payments.push(Payment {
                number: payments.len(),
                amount: amount + more,
                at,
                text: text.clone(),
                balance,
                clean,
                told: false,
                by: BTreeSet::new(),
                amended: below(state.seed, &format!("bank {number} amended"), 6) == 0,
            });
            state.shadow.pays(member_id(payer), amount + more);
        }
        Some(())
    });
    if paid.is_some() {
        world.seen(match how {
            Pay::Exactly => "bank: paid",
            Pay::Round => "bank: paid another amount",
            Pay::Twice => "bank: paid twice",
            Pay::Another(_) => "bank: paid by another",
        });
    }
}

fn service(payment: &Payment) -> Mutation {
    let clock = Clock::of(payment.at);
    let more = if payment.told && payment.amended { " 0000 BRI" } else { "" };
    Mutation {
        bank: ACCOUNT.to_owned(),
        id: Some(format!("B{:05}", 70_000 + payment.number)),
        date: format!("{}/2026 {}:30", clock.date(), clock.time()),
        amount: grouped(payment.amount, '.'),
        text: format!("{}{more}", payment.text),
        ..Mutation::default()
    }
}

fn robot(payment: &Payment) -> Mutation {
    let date = Clock::of(payment.at).date();
    let (day, month) = date.split_once('/').unwrap_or_default();
    Mutation {
        bank: ACCOUNT.to_owned(),
        id: Some(format!("r-{}", payment.number)),
        date: format!("2026-{month}-{day}"),
        amount: format!("{}.00", payment.amount),
        text: payment.text.to_lowercase(),
        ..Mutation::default()
    }
}

/// The file of the last days as the bank has it now.
fn file(payments: &[Payment]) -> String {
    let mut text = "Tanggal;Keterangan;Kredit;Saldo\n".to_owned();
    for payment in payments {
        let date = Clock::of(payment.at).date();
        let words = payment.text.replace(' ', "  ");
        let (amount, balance) = (grouped(payment.amount, '.'), grouped(payment.balance, '.'));
        text.push_str(&format!("{date}/2026;{words};{amount},00;{balance},00\n"));
    }
    text
}

/// Somebody tells the newest payments of the account.
pub(crate) async fn tell(world: &World, office: &Office, teller: Teller, most: usize) {
    let all = world.with(|state| state.bank.payments.clone());
    let most = if teller == Teller::Robot { all.len() } else { most };
    let new = &all[all.len().saturating_sub(most)..];
    if new.is_empty() {
        return;
    }
    let feed = async |name: &str, print: fn(&Payment) -> Mutation| {
        let actor = Actor { name: name.to_owned(), believed: true, ..Actor::local() };
        let credits = new.iter().map(|payment| Ok(print(payment))).collect();
        office.take_feed(&actor, office::Feed { credits, ..office::Feed::default() }).await
    };
    let taken = match teller {
        Teller::Service => feed("service", service).await,
        Teller::Robot => feed("robot", robot).await,
        Teller::File => {
            let today = office.handle.now().civil.date();
            match office::read_mutations(&account(), &file(new), today) {
                Ok(file) => office.take_bank_file(&Actor::local(), file).await,
                Err(problem) => {
                    world.wrong(format!("the bank's file cannot be read: {problem}"));
                    return;
                }
            }
        }
    };
    let taken = match taken {
        Ok(taken) => taken,
        // Whoever was not heard tells it again.
        Err(error) => {
            world.log(|| format!("bank: {error:#}"));
            return;
        }
    };
    if taken.len() != new.len() {
        world.wrong(format!("{} payments were told, {} taken", new.len(), taken.len()));
    }
    for (payment, taken) in new.iter().zip(&taken) {
        became(world, teller, payment, taken);
    }
    lost(world, teller);
}

/// No payment is taken for another one that the same teller told: those of an amount have as many names as
/// there are, or more. (Who tells only the second of two equal ones may be speaking of the first.)
fn lost(world: &World, teller: Teller) {
    let lost = world.with(|state| {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        let told = |payment: &&Payment| payment.by.contains(&teller);
        for payment in state.bank.payments.iter().filter(told) {
            *counts.entry(payment.amount).or_default() += 1;
        }
        let names = |amount: i64| state.bank.names.get(&(teller, amount)).map_or(0, BTreeSet::len);
        counts.into_iter().find(|(amount, count)| names(*amount) < *count)
    });
    if let Some((amount, count)) = lost {
        world.wrong(format!("{count} payments of {amount} are taken for fewer"));
    }
}

/// What became of a payment that was told.
fn became(world: &World, teller: Teller, payment: &Payment, taken: &Taken) {
    world.log(|| format!("bank: {} of {}: {taken:?}", payment.number, payment.amount));
    let is_known = matches!(taken, Taken::Known { .. });
    if !is_known && payment.by.contains(&teller) && (teller != Teller::Service || !payment.amended)
    {
        world.wrong(format!("a payment of {} is told again and is new", payment.amount));
    }
    let first = world.with(|state| {
        if let Taken::Matched { id, .. } | Taken::Queued { id, .. } | Taken::Known { id } = taken {
            state.bank.names.entry((teller, payment.amount)).or_default().insert(id.clone());
        }
        let known = state.bank.payments.get_mut(payment.number)?;
        known.by.insert(teller);
        let first = !std::mem::replace(&mut known.told, true) && !payment.told;
        // Nothing came in between that could make it doubtful.
        let number = known.clean.filter(|_| first)?;
        let (_, ticket) = state.bank.tickets.get(&number)?;
        let open = !ticket.cancelled && state.now() - ticket.opened < OPEN_MS;
        (open && !state.far && state.behind == 0).then_some(())
    });
    match taken {
        Taken::Matched { .. } => world.seen("bank: credited"),
        Taken::Known { .. } => world.seen("bank: known"),
        Taken::Queued { why, .. } => {
            world.seen(match *why {
                "names_another" => "bank: names another",
                "no_ticket" => "bank: no ticket",
                "other_version" => "bank: another version",
                _ => "bank: waits",
            });
            if first.is_some() {
                world.wrong(format!("a ticket of {} is paid and waits: {why}", payment.amount));
            }
        }
        Taken::Refused { detail, .. } => {
            world.wrong(format!("a payment of {} is refused: {detail}", payment.amount));
        }
    }
}

/// In the end everything is told once more, and a person who knows the account decides what waits.
pub(crate) async fn rest(world: &World, office: &Office) {
    tell(world, office, Teller::Service, usize::MAX).await;
    let Ok(waiting) = office.mutations(true, 1_000).await else { return };
    for row in waiting {
        let whose = world.with(|state| state.shadow.unpaid(row.amount));
        let member = whose.and_then(|id| u64::try_from(id.get() - 1).ok()).map(code);
        world.seen(if member.is_some() {
            "bank: a person credits"
        } else {
            "bank: a person ignores"
        });
        let actor = Actor::local();
        let decided = office.settle_mutation(&actor, &row.id, member.as_deref(), "ditanya", true);
        if let Err(error) = decided.await {
            world.wrong(format!("a payment of {} cannot be decided: {error:#}", row.amount));
        }
    }
    for (member, amount) in world.with(|state| state.shadow.paid_and_not_booked()) {
        world.wrong(format!("member {member} paid {amount} and was never credited"));
    }
}
