//! What a supplier or a status check says of an attempt, and what follows from it.
//!
//! The sources race: a supplier's reply, its callback, our status check and an operator may all
//! report the same attempt. Whoever comes first flips the state; the rest is only recorded.
//! Promise 3: a trx moves on to another supplier only after "unsent" or "failed".
//! Promise 4: unknown stays unknown; no branch here turns it into a refund or a resend, and words
//! that may be about another purchase decide nothing.

use crate::certainty::{Certainty, certainty};
use crate::settlement::{CostBack, refund, reverse, settle};
use crate::suspicion::{DOUBTFUL, NEVER_SENT, PATIENCE_OVER, is_contradicted, may_raise};
use crate::{
    Attempt, AttemptState, FailureClass, Outcome, Ranking, Tie, Transfer, Trx, TrxState,
    check_delay_ms, held_delay_ms, pick,
};
use defects::{Defect, on};
use types::{AttemptId, MoneyError, Reason, Rupiah, Sn, TrxNo, UtcMillis};

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

/// What becomes of a purchase whose attempt fails too late for another supplier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LateFailure {
    /// It is refunded.
    #[default]
    Refund,
    /// A person decides.
    Person,
    /// A person decides whatever failed, and when: the business was restored from a copy, and may have
    /// bought it elsewhere, or refunded it, after the copy was made.
    Restored,
}

/// How long after the purchase another supplier may still be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    /// This long.
    pub within_ms: i64,
    /// And afterwards.
    pub late: LateFailure,
}

impl Default for Failover {
    fn default() -> Self {
        Self { within_ms: 15 * 60_000, late: LateFailure::Refund }
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
    /// Another trx that was settled with this very serial number at this supplier.
    pub twin: Option<TrxNo>,
    /// Another attempt there for the same product and destination that is open, or was closed lately
    /// without a serial number of its own: words without a reference may be about either.
    pub rival: Option<AttemptId>,
    /// Until when another supplier may be tried.
    pub failover: Failover,
    /// The supplier's late `failed` is believed.
    pub trusted_reversal: bool,
    /// First status check after this long.
    pub check_after_ms: i64,
    /// A person should look after this long.
    pub suspect_after_ms: i64,
    /// Now.
    pub now: UtcMillis,
}

impl NewsFacts<'_> {
    fn certainty(&self, tie: Tie, sn: Option<&Sn>) -> Certainty {
        certainty(tie, sn, &self.trx.dest, self.twin, self.rival)
    }

    /// It is not too late for another supplier.
    fn may_fail_over(&self) -> bool {
        match self.failover.late {
            LateFailure::Refund | LateFailure::Person => {
                self.now.since(self.trx.created) <= self.failover.within_ms
                    || on(Defect::FailoverForEver)
            }
            LateFailure::Restored => false,
        }
    }

    /// Nobody knows what became of it after the copy was made.
    fn is_restored(&self) -> bool {
        self.failover.late == LateFailure::Restored
    }

    /// What a failure is told to a person with, where it decides nothing by itself.
    fn waits_for_a_person(&self) -> Option<&'static str> {
        match self.failover.late {
            LateFailure::Refund => None,
            LateFailure::Person => (!self.may_fail_over())
                .then_some("failed too late to be bought elsewhere, decide what becomes of it"),
            LateFailure::Restored => Some(
                "failed, but after the copy that this business was restored from it may have been \
                 bought elsewhere or refunded: see the suppliers' statements, then decide",
            ),
        }
    }
}

/// What to write. Empty when the news changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewsDecision {
    /// The new state of the trx; always final, always with a callback. From success to success when
    /// a serial number came later.
    pub flip: Option<TrxState>,
    /// Attempts as they stand afterwards, a new one included.
    pub attempts: Vec<Attempt>,
    /// Money that moves.
    pub transfers: Vec<Transfer>,
    /// `Some(Some(why))` raises Suspect, `Some(None)` clears it.
    pub suspect: Option<Option<String>>,
}

/// Questions about a delivered attempt before it is left to a person.
const CLOSED_CHECKS_MOST: u16 = 5;

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
    let resend = on(Defect::RestartResends) && matches!(source, Source::Restart { .. });
    NewsDecision {
        attempts: vec![Attempt {
            state: if resend { AttemptState::Intended } else { state },
            checks,
            next: (!on(Defect::NeverAskedAgain)).then(|| facts.now.after(delay)),
            ..attempt.clone()
        }],
        suspect: patience_over.then(|| Some(PATIENCE_OVER.to_owned())),
        ..NewsDecision::default()
    }
}

/// Open as before, and a person sees the text.
fn doubt(facts: &NewsFacts<'_>, attempt: &Attempt, source: Source, why: &str) -> NewsDecision {
    let mut decision = stay_open(facts, attempt, unknown(attempt, why), source);
    if may_raise(facts.trx) {
        decision.suspect = Some(Some(format!("{DOUBTFUL}{why}")));
    }
    decision
}

/// What the supplier itself said weighs more than a failed question about it.
fn unknown(attempt: &Attempt, why: &str) -> AttemptState {
    match &attempt.state {
        AttemptState::Waiting => AttemptState::Waiting,
        AttemptState::Intended
        | AttemptState::Sent
        | AttemptState::Unknown { .. }
        | AttemptState::Unsent { .. }
        | AttemptState::Delivered { .. }
        | AttemptState::Failed { .. } => AttemptState::Unknown { why: why.to_owned() },
    }
}

/// Failed or unsent: on to the next supplier, or back to the member.
fn move_on(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    state: AttemptState,
    final_reason: Option<&Reason>,
) -> Result<NewsDecision, MoneyError> {
    let closed = if on(Defect::OldAttemptOpen) {
        attempt.clone()
    } else {
        Attempt { state, next: None, ..attempt.clone() }
    };
    let mut tried: Vec<_> = facts.attempts.iter().map(|attempt| attempt.supplier.clone()).collect();
    if on(Defect::SameSupplierAgain) {
        tried.clear();
    }
    let next = match final_reason {
        Some(_) => None,
        None => pick(&facts.ranking.candidates, &tried)
            .filter(|_| facts.may_fail_over())
            .zip(facts.trx.attempt.checked_add(1)),
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
            counter: attempt.counter,
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

/// A definite failure that a person decides about: it stays open and is asked about, so that it is
/// due like everything that is pending.
fn for_a_person(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    source: Source,
    (words, reason): (&str, &Reason),
) -> NewsDecision {
    let why = format!("{words}: {reason}");
    let state = AttemptState::Unknown { why: why.clone() };
    let mut decision = stay_open(facts, attempt, state, source);
    if !is_contradicted(facts.trx) {
        decision.suspect = Some(Some(why));
    }
    decision
}

/// What forbids that this attempt is sent, bought elsewhere or refunded: it is not the one the purchase
/// waits for, or another one is open. No decision leads there; rows that somebody put in do.
#[must_use]
pub fn not_alone(trx: &Trx, attempts: &[Attempt], about: AttemptId) -> Option<String> {
    if about.n != trx.attempt {
        return Some(format!("attempt {} is not the one that the purchase waits for", about.n));
    }
    let other = attempts.iter().find(|other| other.id != about && other.state.is_open())?;
    Some(format!("attempt {} is open as well", other.id.n))
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
    let current = about == facts.trx.attempt;
    match &facts.trx.state {
        TrxState::Pending if current => pending(facts, attempt, source, outcome),
        TrxState::Failed { .. } if current && on(Defect::DecidedTwice) => {
            pending(facts, attempt, source, outcome)
        }
        TrxState::Pending | TrxState::Failed { .. } | TrxState::Reversed { .. } => {
            Ok(closed(facts, attempt, outcome))
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
    let unsent = attempt.state == AttemptState::Intended && !on(Defect::SettlesUnsent);
    if unsent && !facts.is_restored() {
        return Ok(before_sending(facts, attempt, outcome));
    }
    let by_reply = source == Source::Reply;
    match outcome {
        Outcome::Success { sn, cost, tie } => {
            let mut decision = match facts.certainty(*tie, sn.as_ref()) {
                Certainty::No(why) => return Ok(doubt(facts, attempt, source, &why)),
                Certainty::Yes => NewsDecision::default(),
                Certainty::Suspicious(why) => suspect(why),
            };
            let shown = sn.clone().unwrap_or_else(|| Sn::stand_in(attempt.id));
            let Some(settled) = settle(facts, attempt, &shown, *cost)? else {
                return Ok(decision);
            };
            let raised = decision.suspect.take();
            Ok(NewsDecision { suspect: raised.or(settled.suspect.clone()), ..settled })
        }
        Outcome::Failed { class, reason, tie } => {
            // A serial number can be seen to be another purchase's; a failure has none, and an equal
            // purchase that failed may be closed here already.
            let about = match tie {
                Tie::Reference | Tie::Connection => None,
                Tie::Earlier | Tie::Likeness if on(Defect::LikeFailureDecides) => None,
                Tie::Earlier => Some("of a time before ours was sent"),
                Tie::Likeness => Some("without a reference"),
            };
            if let Some(about) = about {
                let why = format!("`{reason}` {about} may be for another purchase");
                return Ok(doubt(facts, attempt, source, &why));
            }
            if let Some(words) = not_alone(facts.trx, facts.attempts, attempt.id) {
                return Ok(for_a_person(facts, attempt, source, (&words, reason)));
            }
            if let Some(words) = facts.waits_for_a_person() {
                return Ok(for_a_person(facts, attempt, source, (words, reason)));
            }
            let state = AttemptState::Failed { reason: reason.clone() };
            match class {
                FailureClass::Number => move_on(facts, attempt, state, Some(reason)),
                FailureClass::Route => move_on(facts, attempt, state, None),
            }
        }
        Outcome::Doubtful { why } => Ok(doubt(facts, attempt, source, why)),
        Outcome::Pending => Ok(stay_open(facts, attempt, AttemptState::Waiting, source)),
        Outcome::Unknown { why } if by_reply && on(Defect::UnknownIsFailed) => {
            let reason = Reason::clean(why);
            move_on(facts, attempt, AttemptState::Failed { reason: reason.clone() }, Some(&reason))
        }
        Outcome::Unknown { why } => Ok(stay_open(facts, attempt, unknown(attempt, why), source)),
        Outcome::Unsent { proof } => {
            // Only the purchase request itself can prove that nothing left; a status check that
            // could not be sent proves nothing about the purchase.
            let certain = by_reply && attempt.state == AttemptState::Sent;
            let alone = not_alone(facts.trx, facts.attempts, attempt.id).is_none();
            if certain && alone && !facts.is_restored() {
                let state = AttemptState::Unsent { proof: proof.clone() };
                return move_on(facts, attempt, state, None);
            }
            Ok(stay_open(facts, attempt, attempt.state.clone(), source))
        }
        Outcome::Held { .. } => Ok(hold(facts, attempt, source)),
    }
}

/// Not sent for want of something of our own: an intent again, looked at after a while. Only the
/// purchase request itself can say so.
fn hold(facts: &NewsFacts<'_>, attempt: &Attempt, source: Source) -> NewsDecision {
    let certain = source == Source::Reply && attempt.state == AttemptState::Sent;
    if !certain || facts.is_restored() {
        return stay_open(facts, attempt, attempt.state.clone(), source);
    }
    let wait = held_delay_ms(facts.now.since(attempt.created));
    let again = Attempt {
        state: AttemptState::Intended,
        sent: None,
        next: Some(facts.now.after(wait)),
        ..attempt.clone()
    };
    NewsDecision { attempts: vec![again], ..NewsDecision::default() }
}

/// Nothing was sent, so nothing that is said can be about it.
fn before_sending(facts: &NewsFacts<'_>, attempt: &Attempt, outcome: &Outcome) -> NewsDecision {
    match outcome {
        Outcome::Success { .. } | Outcome::Failed { .. } | Outcome::Doubtful { .. }
            if may_raise(facts.trx) =>
        {
            suspect(format!("attempt {} is reported decided before it was sent", attempt.id.n))
        }
        Outcome::Success { .. }
        | Outcome::Failed { .. }
        | Outcome::Doubtful { .. }
        | Outcome::Pending
        | Outcome::Unknown { .. }
        | Outcome::Unsent { .. }
        | Outcome::Held { .. } => NewsDecision::default(),
    }
}

/// The writer refuses the sent-marker: the supplier may not be used at this moment. Nothing left, so
/// the purchase is ranked again.
///
/// # Errors
/// [`MoneyError`] when a balance would leave its range; nothing is decided then.
pub fn decide_unsendable(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    why: &str,
) -> Result<NewsDecision, MoneyError> {
    if attempt.state != AttemptState::Intended || facts.trx.state != TrxState::Pending {
        return Ok(NewsDecision::default());
    }
    if let Some(why) = not_alone(facts.trx, facts.attempts, attempt.id) {
        // Looked at again after a while; a person decides.
        let next = Some(facts.now.after(facts.suspect_after_ms.max(60_000)));
        let attempts = vec![Attempt { next, ..attempt.clone() }];
        let suspect = may_raise(facts.trx).then_some(Some(why));
        return Ok(NewsDecision { attempts, suspect, ..NewsDecision::default() });
    }
    move_on(facts, attempt, AttemptState::Unsent { proof: format!("not sent: {why}") }, None)
}

/// The purchase is pending for longer than its supplier's patience, whatever it waits for.
/// `obstacle` says what keeps an unsent one from being sent.
#[must_use]
pub fn decide_overdue(facts: &NewsFacts<'_>, obstacle: &str) -> NewsDecision {
    let current = facts.attempts.iter().find(|attempt| attempt.id.n == facts.trx.attempt);
    let waited = facts.now.since(facts.trx.created);
    if facts.trx.state != TrxState::Pending || facts.trx.suspect.is_some() {
        return NewsDecision::default();
    }
    let Some(attempt) = current else {
        return suspect("pending without an attempt".to_owned());
    };
    if waited <= facts.suspect_after_ms {
        return NewsDecision::default();
    }
    match attempt.state {
        AttemptState::Intended => suspect(format!("{NEVER_SENT}{obstacle}")),
        AttemptState::Sent | AttemptState::Waiting | AttemptState::Unknown { .. } => {
            suspect(PATIENCE_OVER.to_owned())
        }
        AttemptState::Unsent { .. }
        | AttemptState::Delivered { .. }
        | AttemptState::Failed { .. } => suspect("pending without an open attempt".to_owned()),
    }
}

/// News of an attempt that was closed without a delivery. It moves no money, so it needs no question:
/// and where asking means to send the purchase again, asking would buy it.
fn closed(facts: &NewsFacts<'_>, attempt: &Attempt, outcome: &Outcome) -> NewsDecision {
    match outcome {
        Outcome::Success { sn, tie, .. } => {
            // Words without our reference whose serial number is another purchase's are about that.
            let other = facts.twin.is_some() && !tie.names_us();
            if other || is_contradicted(facts.trx) || on(Defect::ContradictionHidden) {
                return NewsDecision::default();
            }
            let (n, sn) = (attempt.id.n, sn.as_ref().map_or("none", Sn::as_str));
            suspect(format!("attempt {n} is reported delivered (SN {sn}) after it was closed"))
        }
        Outcome::Failed { .. }
        | Outcome::Doubtful { .. }
        | Outcome::Pending
        | Outcome::Unknown { .. }
        | Outcome::Unsent { .. }
        | Outcome::Held { .. } => NewsDecision::default(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

/// A delivered attempt is asked about when a callback that is not believed by itself contradicts it. An
/// answer ends the asking, and so does its absence after some time; a person hears of that.
fn asked(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    source: Source,
    answered: Answered,
) -> NewsDecision {
    if source != Source::Check || attempt.next.is_none() {
        return NewsDecision::default();
    }
    let checks = attempt.checks.saturating_add(1);
    let given_up = answered == Answered::No && checks >= CLOSED_CHECKS_MOST;
    let again = answered == Answered::No && !given_up;
    let delay = check_delay_ms(checks, facts.check_after_ms);
    NewsDecision {
        attempts: vec![Attempt {
            checks,
            next: again.then(|| facts.now.after(delay)),
            ..attempt.clone()
        }],
        suspect: (given_up && !is_contradicted(facts.trx)).then(|| {
            let n = attempt.id.n;
            Some(format!("a callback contradicts attempt {n}, and its supplier does not say which"))
        }),
        ..NewsDecision::default()
    }
}

fn success(
    facts: &NewsFacts<'_>,
    attempt: &Attempt,
    source: Source,
    outcome: &Outcome,
) -> Result<NewsDecision, MoneyError> {
    let AttemptState::Delivered { sn: told } = &attempt.state else {
        return Ok(closed(facts, attempt, outcome));
    };
    match outcome {
        Outcome::Failed { reason, tie, .. } => {
            let trusted = facts.trusted_reversal || on(Defect::AnySupplierReverses);
            let is_late = source == Source::Reply && !on(Defect::ReplyReverses);
            if !trusted || is_late || *tie != Tie::Reference {
                let mut decision = asked(facts, attempt, source, Answered::Yes);
                if !is_contradicted(facts.trx) && !on(Defect::ContradictionHidden) {
                    let why = format!("reported failed after success: {reason}");
                    decision.suspect = Some(Some(why));
                }
                return Ok(decision);
            }
            let mut decision = reverse(facts, reason.clone(), CostBack::Returned)?;
            decision.attempts.push(Attempt {
                state: AttemptState::Failed { reason: reason.clone() },
                next: None,
                ..attempt.clone()
            });
            Ok(decision)
        }
        Outcome::Success { sn: Some(sn), tie, .. } if *told == Sn::stand_in(attempt.id) => {
            Ok(number_later(facts, attempt, *tie, sn))
        }
        Outcome::Success { .. } => Ok(asked(facts, attempt, source, Answered::Yes)),
        Outcome::Doubtful { .. }
        | Outcome::Pending
        | Outcome::Unknown { .. }
        | Outcome::Unsent { .. }
        | Outcome::Held { .. } => Ok(asked(facts, attempt, source, Answered::No)),
    }
}

/// A serial number comes after the success that had none: it takes the place of what stood in for
/// it, and the member is told.
fn number_later(facts: &NewsFacts<'_>, attempt: &Attempt, tie: Tie, sn: &Sn) -> NewsDecision {
    let mut decision = match facts.certainty(tie, Some(sn)) {
        Certainty::Yes => NewsDecision::default(),
        Certainty::Suspicious(why) => suspect(why),
        Certainty::No(_) => return NewsDecision::default(),
    };
    decision.flip = facts.trx.state.numbered(sn.clone());
    decision.attempts.push(Attempt {
        state: AttemptState::Delivered { sn: sn.clone() },
        next: None,
        ..attempt.clone()
    });
    decision
}
