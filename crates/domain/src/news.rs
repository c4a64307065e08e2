//! What a supplier, a status check or a person says of an attempt, and what follows from it.
//!
//! The sources race: a supplier's reply, its callback, our status check and an operator may all
//! report the same attempt. Whoever comes first flips the state; the rest is only recorded.
//! Promise 3: a trx moves on to another supplier only after "unsent" or "failed".
//! Promise 4: unknown stays unknown; no branch here turns it into a refund or a resend.

use crate::{
    AccountName, Attempt, AttemptState, FailureClass, Kind, Outcome, Ranking, Transfer, Trx,
    TrxState, check_delay_ms, pick,
};
use std::fmt;
use types::{AttemptId, MoneyError, Reason, Rupiah, Sn, UtcMillis};

/// Who brought the news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The answer to the purchase request itself.
    Reply,
    /// The supplier's callback to us.
    Callback,
    /// The answer to our status check.
    Check,
    /// The restart found the attempt sent and unanswered.
    Restart {
        /// It may not be asked about before this.
        wait_ms: i64,
    },
}

impl Source {
    /// The word in the story of a trx.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Callback => "callback",
            Self::Check => "check",
            Self::Restart { .. } => "restart",
        }
    }
}

/// What the decision may look at.
#[derive(Debug)]
pub struct NewsFacts<'a> {
    /// The trx.
    pub trx: &'a Trx,
    /// All its attempts, in order.
    pub attempts: &'a [Attempt],
    /// The member's balance now.
    pub balance: Rupiah,
    /// The balances of its uplines now, in the order of the trx's shares.
    pub uplines: &'a [Rupiah],
    /// Routes that could be tried next, in order.
    pub ranking: &'a Ranking,
    /// The supplier's late `failed` is believed.
    pub trusted_reversal: bool,
    /// First status check after this long.
    pub check_after_ms: i64,
    /// A person should look after this long.
    pub suspect_after_ms: i64,
    /// Now.
    pub now: UtcMillis,
}

/// What to write. Empty when the news changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewsDecision {
    /// The new state of the trx; always final, always with a callback.
    pub flip: Option<TrxState>,
    /// Attempts as they stand afterwards, a new one included.
    pub attempts: Vec<Attempt>,
    /// Money that moves.
    pub transfers: Vec<Transfer>,
    /// `Some(Some(why))` raises Suspect, `Some(None)` clears it.
    pub suspect: Option<Option<String>>,
}

/// A person's decision about a trx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was delivered.
    Success(Sn),
    /// It was not delivered: refund.
    Fail(Reason),
    /// It was settled but not delivered: refund.
    Reverse(Reason),
    /// Looked at; it is right as it stands.
    Keep,
}

/// Why a person's decision cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// The trx is in a state that does not allow it.
    State {
        /// Its state.
        state: &'static str,
        /// What was asked.
        asked: &'static str,
    },
    /// Amounts out of range.
    Money(MoneyError),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { state, asked } => write!(
                f,
                "the trx is {state}; {asked} is possible only for a {} one",
                if *asked == "reverse" { "successful" } else { "pending" }
            ),
            Self::Money(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ResolveError {}

impl From<MoneyError> for ResolveError {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

fn transfer(
    facts: &NewsFacts<'_>,
    from: AccountName,
    to: AccountName,
    amount: Rupiah,
    kind: Kind,
    balance: Option<Rupiah>,
) -> Transfer {
    let trx = Some(facts.trx.no);
    Transfer { from, to, amount, kind, trx, balance, at: facts.now, note: String::new() }
}

fn settle(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    sn: &Sn,
    cost: Option<Rupiah>,
) -> Result<Option<NewsDecision>, MoneyError> {
    // A negative cost cannot be booked as a payment; the expected one stands in.
    let cost = cost.filter(|cost| !cost.is_negative()).unwrap_or(attempt.cost);
    let Ok(flip) = facts.trx.state.succeed(sn.clone(), cost, facts.now) else { return Ok(None) };
    let supplier = AccountName::Supplier(attempt.supplier.clone());
    let price = facts.trx.price;
    let mut transfers = vec![
        transfer(facts, AccountName::Hold, AccountName::Sales, price, Kind::Settle, None),
        transfer(facts, supplier, AccountName::Cogs, cost, Kind::Cost, None),
    ];
    for (share, balance) in facts.trx.shares.0.iter().zip(facts.uplines) {
        let (from, to) = (AccountName::Commission, AccountName::Member(share.member));
        let after = Some(balance.plus(share.amount)?);
        transfers.push(transfer(facts, from, to, share.amount, Kind::Commission, after));
    }
    Ok(Some(NewsDecision {
        flip: Some(flip),
        attempts: vec![Attempt {
            state: AttemptState::Delivered { sn: sn.clone() },
            cost,
            next: None,
            ..attempt.clone()
        }],
        transfers,
        suspect: eased(facts),
    }))
}

/// What uplines give back of a purchase that was not one. Nobody is brought below zero for it: what
/// an upline has spent meanwhile stays our loss, and the note says how much that is.
fn give_back(facts: &NewsFacts<'_>) -> Result<Vec<Transfer>, MoneyError> {
    let mut transfers = Vec::new();
    for (share, balance) in facts.trx.shares.0.iter().zip(facts.uplines) {
        let amount = share.amount.min((*balance).max(Rupiah::ZERO));
        let short = share.amount.minus(amount)?;
        let (from, to) = (AccountName::Member(share.member), AccountName::Commission);
        let after = Some(balance.minus(amount)?);
        let mut back = transfer(facts, from, to, amount, Kind::CommissionReversal, after);
        if short > Rupiah::ZERO {
            back.note = format!("short of {short}, which was spent");
        }
        transfers.push(back);
    }
    Ok(transfers)
}

fn refund(facts: &NewsFacts<'_>, reason: Reason) -> Result<NewsDecision, MoneyError> {
    let balance = facts.balance.plus(facts.trx.price)?;
    let Ok(flip) = facts.trx.state.fail(reason, balance, facts.now) else {
        return Ok(NewsDecision::default());
    };
    let member = AccountName::Member(facts.trx.member);
    Ok(NewsDecision {
        flip: Some(flip),
        transfers: vec![transfer(
            facts,
            AccountName::Hold,
            member,
            facts.trx.price,
            Kind::Refund,
            Some(balance),
        )],
        suspect: eased(facts),
        attempts: Vec::new(),
    })
}

fn reverse(facts: &NewsFacts<'_>, reason: Reason) -> Result<NewsDecision, MoneyError> {
    let balance = facts.balance.plus(facts.trx.price)?;
    let Ok(flip) = facts.trx.state.reverse(reason, balance, facts.now) else {
        return Ok(NewsDecision::default());
    };
    let member = AccountName::Member(facts.trx.member);
    let mut decision = NewsDecision {
        flip: Some(flip),
        transfers: vec![transfer(
            facts,
            AccountName::Sales,
            member,
            facts.trx.price,
            Kind::Reversal,
            Some(balance),
        )],
        suspect: eased(facts),
        attempts: Vec::new(),
    };
    if let Some(delivered) = delivered(facts) {
        let supplier = AccountName::Supplier(delivered.supplier.clone());
        decision.transfers.push(transfer(
            facts,
            AccountName::Cogs,
            supplier,
            // A person may have corrected it since.
            delivered.cost,
            Kind::CostReversal,
            None,
        ));
    }
    decision.transfers.extend(give_back(facts)?);
    Ok(decision)
}

fn delivered<'a>(facts: &NewsFacts<'a>) -> Option<&'a Attempt> {
    facts.attempts.iter().find(|attempt| matches!(attempt.state, AttemptState::Delivered { .. }))
}

/// Why a purchase that takes too long is suspect; the only suspicion that a decision takes away.
const PATIENCE_OVER: &str = "no final answer from the supplier within its patience";

/// Somebody contradicted somebody: only a person may put that aside.
fn is_contradicted(trx: &Trx) -> bool {
    trx.suspect.as_deref().is_some_and(|why| why != PATIENCE_OVER)
}

/// A decision ends the waiting and its suspicion, but no contradiction.
fn eased(facts: &NewsFacts<'_>) -> Option<Option<String>> {
    (facts.trx.suspect.is_some() && !is_contradicted(facts.trx)).then_some(None)
}

fn suspect(why: String) -> NewsDecision {
    NewsDecision { suspect: Some(Some(why)), ..NewsDecision::default() }
}

/// Still open: record what was learned and when to ask again.
fn stay_open(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    state: AttemptState,
    source: Source,
) -> NewsDecision {
    let checks = attempt.checks.saturating_add(u16::from(source == Source::Check));
    let patience_over =
        attempt.sent.is_some_and(|sent| facts.now.since(sent) > facts.suspect_after_ms)
            && facts.trx.suspect.is_none();
    let delay = match source {
        // Found at restart: ask as soon as it may be.
        Source::Restart { wait_ms } => wait_ms.max(0),
        Source::Reply | Source::Callback | Source::Check => {
            check_delay_ms(checks, facts.check_after_ms)
        }
    };
    NewsDecision {
        attempts: vec![Attempt {
            state,
            checks,
            next: Some(facts.now.after(delay)),
            ..attempt.clone()
        }],
        suspect: patience_over.then(|| Some(PATIENCE_OVER.to_owned())),
        ..NewsDecision::default()
    }
}

/// Failed or unsent: on to the next supplier, or back to the member.
fn move_on(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    state: AttemptState,
    final_reason: Option<&Reason>,
) -> Result<NewsDecision, MoneyError> {
    let closed = Attempt { state, next: None, ..attempt.clone() };
    let tried: Vec<_> = facts.attempts.iter().map(|attempt| attempt.supplier.clone()).collect();
    let next = match final_reason {
        Some(_) => None,
        None => pick(&facts.ranking.candidates, &tried).zip(facts.trx.attempt.checked_add(1)),
    };
    if let Some((route, n)) = next {
        let second = Attempt {
            id: AttemptId { trx: facts.trx.no, n },
            supplier: route.supplier.clone(),
            sku: route.sku.clone(),
            cost: route.cost,
            state: AttemptState::Intended,
            created: facts.now,
            sent: None,
            next: Some(facts.now),
            checks: 0,
            why: facts.ranking.words(route),
        };
        return Ok(NewsDecision { attempts: vec![closed, second], ..NewsDecision::default() });
    }
    // What a supplier says of its own stock or of our deposit there is not the member's business.
    let reason = final_reason.cloned().unwrap_or_else(|| Reason::clean("Produk sedang gangguan"));
    let mut decision = refund(facts, reason)?;
    decision.attempts.push(closed);
    Ok(decision)
}

/// Decides what follows from `outcome`, reported by `source` about attempt number `about`.
///
/// # Errors
/// [`MoneyError`] when a balance would leave its range; nothing is decided then.
pub fn decide_news(
    facts: &NewsFacts<'_>,
    about: u16,
    source: Source,
    outcome: &Outcome,
) -> Result<NewsDecision, MoneyError> {
    let Some(attempt) = facts.attempts.iter().find(|attempt| attempt.id.n == about) else {
        return Ok(suspect(format!(
            "the supplier speaks of attempt {about}, which does not exist"
        )));
    };
    match &facts.trx.state {
        TrxState::Pending if about == facts.trx.attempt => pending(facts, attempt, source, outcome),
        TrxState::Pending | TrxState::Failed { .. } | TrxState::Reversed { .. } => {
            Ok(match outcome {
                Outcome::Success { sn, .. } if !is_contradicted(facts.trx) => suspect(format!(
                    "attempt {about} is reported delivered (SN {sn:?}) after it was closed"
                )),
                Outcome::Success { .. }
                | Outcome::Failed { .. }
                | Outcome::Pending
                | Outcome::Doubtful { .. }
                | Outcome::Unknown { .. }
                | Outcome::Unsent { .. } => NewsDecision::default(),
            })
        }
        TrxState::Success { .. } => success(facts, attempt, source, outcome),
        TrxState::Refused { .. } => {
            Ok(suspect("the supplier speaks of a purchase that was refused".to_owned()))
        }
    }
}

fn pending(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    source: Source,
    outcome: &Outcome,
) -> Result<NewsDecision, MoneyError> {
    let intended = matches!(attempt.state, AttemptState::Intended);
    match outcome {
        Outcome::Success { .. } | Outcome::Failed { .. } if intended => {
            Ok(suspect(format!("attempt {} is reported decided before it was sent", attempt.id.n)))
        }
        Outcome::Success { sn, cost, .. } => {
            let sn = sn.clone().unwrap_or_else(|| Sn::stand_in(attempt.id));
            Ok(settle(facts, attempt, &sn, *cost)?.unwrap_or_default())
        }
        Outcome::Doubtful { why } => {
            Ok(stay_open(facts, attempt, AttemptState::Unknown { why: why.clone() }, source))
        }
        Outcome::Failed { class, reason, .. } => {
            let state = AttemptState::Failed { reason: reason.clone() };
            match class {
                FailureClass::Number => move_on(facts, attempt, state, Some(reason)),
                FailureClass::Route => move_on(facts, attempt, state, None),
            }
        }
        Outcome::Pending if intended => Ok(NewsDecision::default()),
        Outcome::Pending => Ok(stay_open(facts, attempt, AttemptState::Waiting, source)),
        Outcome::Unknown { .. } if intended => Ok(NewsDecision::default()),
        Outcome::Unknown { why } => {
            // What the supplier itself said weighs more than a failed question about it.
            let state = match &attempt.state {
                AttemptState::Waiting => AttemptState::Waiting,
                AttemptState::Intended
                | AttemptState::Sent
                | AttemptState::Unknown { .. }
                | AttemptState::Unsent { .. }
                | AttemptState::Delivered { .. }
                | AttemptState::Failed { .. } => AttemptState::Unknown { why: why.clone() },
            };
            Ok(stay_open(facts, attempt, state, source))
        }
        Outcome::Unsent { proof } => {
            // Only the purchase request itself can prove that nothing left; a status check that
            // could not be sent proves nothing about the purchase.
            if source == Source::Reply && attempt.state == AttemptState::Sent {
                let state = AttemptState::Unsent { proof: proof.clone() };
                return move_on(facts, attempt, state, None);
            }
            if intended {
                return Ok(NewsDecision::default());
            }
            let state = attempt.state.clone();
            Ok(stay_open(facts, attempt, state, source))
        }
    }
}

fn success(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    source: Source,
    outcome: &Outcome,
) -> Result<NewsDecision, MoneyError> {
    let is_delivered = matches!(attempt.state, AttemptState::Delivered { .. });
    match outcome {
        Outcome::Failed { reason, .. } if is_delivered => {
            if !facts.trusted_reversal || source == Source::Reply {
                return Ok(suspect(format!("reported failed after success: {reason}")));
            }
            let mut decision = reverse(facts, reason.clone())?;
            decision.attempts.push(Attempt {
                state: AttemptState::Failed { reason: reason.clone() },
                ..attempt.clone()
            });
            Ok(decision)
        }
        Outcome::Success { sn, .. } if !is_delivered => {
            Ok(suspect(format!("attempt {} is reported delivered too (SN {sn:?})", attempt.id.n)))
        }
        Outcome::Success { .. }
        | Outcome::Failed { .. }
        | Outcome::Pending
        | Outcome::Doubtful { .. }
        | Outcome::Unknown { .. }
        | Outcome::Unsent { .. } => Ok(NewsDecision::default()),
    }
}

/// Carries out a person's decision.
///
/// # Errors
/// [`ResolveError`] when the state does not allow it; nothing is decided then.
pub fn decide_resolution(
    facts: &NewsFacts<'_>,
    resolution: &Resolution,
) -> Result<NewsDecision, ResolveError> {
    let state = facts.trx.state.word();
    let current = facts.attempts.iter().find(|attempt| attempt.id.n == facts.trx.attempt);
    let is_pending = facts.trx.state == TrxState::Pending;
    let mut decision = match resolution {
        Resolution::Success(sn) => current
            .filter(|_| is_pending)
            .map(|attempt| settle(facts, attempt, sn, None))
            .transpose()?
            .flatten()
            .ok_or(ResolveError::State { state, asked: "success" })?,
        Resolution::Fail(reason) => {
            if !is_pending {
                return Err(ResolveError::State { state, asked: "fail" });
            }
            let mut decision = refund(facts, reason.clone())?;
            decision.attempts.extend(current.map(|attempt| Attempt {
                state: AttemptState::Failed { reason: reason.clone() },
                next: None,
                ..attempt.clone()
            }));
            decision
        }
        Resolution::Reverse(reason) => {
            let mut decision = reverse(facts, reason.clone())?;
            if decision.flip.is_none() {
                return Err(ResolveError::State { state, asked: "reverse" });
            }
            decision.attempts.extend(delivered(facts).map(|attempt| Attempt {
                state: AttemptState::Failed { reason: reason.clone() },
                ..attempt.clone()
            }));
            decision
        }
        Resolution::Keep => NewsDecision::default(),
    };
    // Whoever decided has looked at it.
    decision.suspect = Some(None);
    Ok(decision)
}
