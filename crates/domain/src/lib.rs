//! Pure decisions about other people's money.
//!
//! Everything here is a function from facts to a decision: no IO, no clock, no randomness, no
//! logging. Time and chance are arguments. What is decided here is written by the engine's writer
//! in one commit; nothing else in the project decides about a trx, an attempt or a balance.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod absence;
mod attempt;
mod bank;
mod books;
mod buy;
mod catalog;
mod certainty;
mod cost;
mod delivery;
mod dest;
mod dialect;
mod epoch;
mod given;
mod invariants;
mod joins;
mod ledger;
mod movement;
mod moves;
mod network;
mod news;
mod price;
mod proof;
mod reconcile;
mod resolution;
mod route;
mod schedule;
mod settlement;
mod suspicion;
mod sync;
mod ticket;
mod trx;
mod two_persons;

pub use absence::{Absences, NotAbsences, Run};
pub use attempt::{Attempt, AttemptState, FailureClass, Outcome, Tie};
pub use bank::{
    Booked, KnownPayment, Recognised, Report, day_number, learn, numbered_day, recognise, squeezed,
};
pub use books::{BookEntry, EntryKind, Nature, debit, decide_entry, nature};
pub use buy::{Account, BuyDecision, BuyFacts, BuyRequest, decide_buy};
pub use catalog::{
    Denomination, Member, Price, Product, RouteRow, RuleError, Seller, Strategy, Supplier, Window,
    Wording,
};
pub use certainty::{Certainty, certainty};
pub use cost::{ToldCost, plausible_cost};
pub use delivery::{DeliveryState, DeliveryTry, Tried, decide_try};
pub use dest::{DestRule, Extra};
pub use dialect::{Dialect, RepeatWords};
pub use epoch::{Epoch, Epochs, Lost, MAY_HAVE_BEEN_SENT, decide_restored, first_after};
pub use given::{Form, Given, is_repeat};
pub use invariants::{Audit, Finding};
pub use ledger::{AccountName, Kind, LedgerError, Loss, Transfer};
pub use movement::{
    CostCorrection, Movement, Uncorrected, Unmoved, decide_correction, decide_movement,
};
pub use network::{DEEPEST, Markups, Share, Shares, Upline, with_markups};
pub use news::{
    Failover, LateFailure, NewsDecision, NewsFacts, Source, decide_news, decide_overdue,
    decide_unsendable, not_alone,
};
pub use price::selling_price;
pub use proof::identity;
pub use reconcile::{Difference, OurLine, Reconciled, TheirLine, TheirState, reconcile};
pub use resolution::{Resolution, ResolveError, decide_resolution};
pub use route::{Candidate, Offer, Ranking, Wish, obstacle, pick, rank};
pub use schedule::{
    CALLBACK_DELAYS_MS, callback_delay_ms, check_delay_ms, held_delay_ms, unwritten_delay_ms,
};
pub use settlement::CostBack;
pub use sync::{Change, Listed, Markup, Planned, PriceRows, SyncFacts, SyncRules, plan_sync};
pub use ticket::{CreditFacts, Held, judge_credit, names_another, ticket_amounts};
pub use trx::{Illegal, Trx, TrxState};
pub use two_persons::{Gate, Limits, NoAgreement, Voice, Weight, may_agree, weigh};
