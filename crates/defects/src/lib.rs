//! Defects of the production code, one at a time, to prove that the simulation notices broken code and
//! not only broken doubles.
//!
//! The code asks [`on`] at the place of each. In every build but one with the feature `switches` that is
//! a constant `false` and nothing of it is left. With the feature, a defect is on for one thread and as
//! long as one function runs, and only for who calls [`while_on`]: no variable of the environment, no
//! setting and no word from outside can switch one on, and this crate must never learn to read any.

/// What a defect does to its place, and which promise of SECURITY.md breaks with it.
macro_rules! defects {
    ($($(#[doc = $doc:literal])+ $name:ident $word:literal $promise:literal,)+) => {
        /// A defect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Defect {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Defect {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// The promise that it breaks.
            #[must_use]
            pub const fn promise(self) -> u8 {
                match self {
                    $(Self::$name => $promise,)+
                }
            }
        }
    };
}

defects! {
    /// What could not be written is answered as done.
    AnsweredUnwritten "answered-unwritten" 1,
    /// The reply that a purchase was taken leaves although its debit is in no batch.
    DebitUnwritten "debit-unwritten" 1,
    /// References that were taken before are not looked up in the store.
    RefNotLookedUp "ref-not-looked-up" 2,
    /// A reference taken earlier in the same batch is not seen.
    RefNotInBatch "ref-not-in-batch" 2,
    /// A repeat with other content gets the state of the first.
    AnyRepeatFits "any-repeat-fits" 2,

    /// The sent-marker is not written.
    MarkerUnwritten "marker-unwritten" 3,
    /// A purchase that may have been sent is an intent again after a restart.
    RestartResends "restart-resends" 3,
    /// A node that lost its lease between the marker and the first byte sends all the same.
    LeaseNotLookedAt "lease-not-looked-at" 3,
    /// No answer to a purchase counts as "not sent".
    NoAnswerIsUnsent "no-answer-is-unsent" 3,
    /// A want of our own counts as "not sent".
    HeldIsUnsent "held-is-unsent" 3,
    /// "Busy" counts as "not taken".
    BusyIsNotTaken "busy-is-not-taken" 3,
    /// Another supplier is tried however late it is.
    FailoverForEver "failover-for-ever" 3,
    /// A supplier that was paused since the purchase was queued gets it.
    PauseNotHeard "pause-not-heard" 3,
    /// Purchases and questions go on beyond a supplier's rate.
    RateIgnored "rate-ignored" 3,
    /// Where a question is the purchase again, it is asked too soon.
    AskedTooSoon "asked-too-soon" 3,
    /// What fails is bought once more at the supplier where it failed.
    SameSupplierAgain "same-supplier-again" 3,
    /// The attempt before stays open when the purchase moves on.
    OldAttemptOpen "old-attempt-open" 3,

    /// A reply that is not understood counts as failed.
    UnknownIsFailed "unknown-is-failed" 4,
    /// A question without an answer counts as failed.
    CheckErrorIsFailed "check-error-is-failed" 4,
    /// Whatever is called failed is final, also what is still being worked on.
    AnyFailureIsFinal "any-failure-is-final" 4,
    /// The reference in a text is not compared.
    ReferenceNotCompared "reference-not-compared" 4,
    /// The destination in a text is not compared.
    DestNotCompared "dest-not-compared" 4,
    /// The product in a text is not compared.
    ProductNotCompared "product-not-compared" 4,
    /// Words of a time before ours was sent are taken for words about ours.
    OldTimeIsOurs "old-time-is-ours" 4,
    /// "Seen before" on the connection of a purchase settles it.
    SeenBeforeIsNow "seen-before-is-now" 4,
    /// A failure without our reference decides.
    LikeFailureDecides "like-failure-decides" 4,
    /// Other open purchases for the same are not thought of.
    RivalsForgotten "rivals-forgotten" 4,
    /// Serial numbers that settled a purchase are not remembered.
    TwinsForgotten "twins-forgotten" 4,
    /// A number where JSON has another type makes an answer unreadable.
    StrictJson "strict-json" 4,
    /// Final words decide a purchase that was never sent.
    SettlesUnsent "settles-unsent" 4,
    /// A second final word decides a purchase that was refunded.
    DecidedTwice "decided-twice" 4,
    /// The reply on the purchase's own connection reverses a success, however late it comes.
    ReplyReverses "reply-reverses" 4,
    /// Any supplier's "failed" reverses a success.
    AnySupplierReverses "any-supplier-reverses" 4,
    /// A contradiction is told to nobody.
    ContradictionHidden "contradiction-hidden" 4,
    /// What should be told to a person is not written.
    SuspectUnwritten "suspect-unwritten" 4,
    /// An open purchase is never asked about again.
    NeverAskedAgain "never-asked-again" 4,
    /// Seats at a supplier's gate are not given back.
    SeatLeaks "seat-leaks" 4,
    /// A delivery without its serial number is settled with half of one.
    SerialCut "serial-cut" 4,

    /// A purchase leaves the balance as it was.
    BalanceUnwritten "balance-unwritten" 5,
    /// A refund leaves the balance as it was.
    RefundLeavesBalance "refund-leaves-balance" 5,
    /// A failure moves no money back.
    RefundUnwritten "refund-unwritten" 5,
    /// A refund goes to the first upline.
    RefundToUpline "refund-to-upline" 5,
    /// A refund does not come off what counts against the daily limit.
    RefundKeepsTheDay "refund-keeps-the-day" 5,
    /// What uplines earn is not paid.
    SharesUnpaid "shares-unpaid" 5,
    /// What uplines earn goes to the buyer.
    ShareToBuyer "share-to-buyer" 5,
    /// A reversal leaves uplines what they earned.
    SharesNotTakenBack "shares-not-taken-back" 5,
    /// A reversal leaves the supplier its price.
    CostNotReturned "cost-not-returned" 5,
    /// A failed purchase is booked with a cost.
    FailureCosts "failure-costs" 5,
    /// Whatever a supplier says it cost is booked.
    AnyCostBooked "any-cost-booked" 5,
    /// A delivered purchase stays on hold.
    HoldNotReleased "hold-not-released" 5,
    /// A downline pays its upline's price.
    MarkupForgotten "markup-forgotten" 5,
    /// A purchase is released at the price of now.
    PriceOfNow "price-of-now" 5,
    /// Whatever a bank tells is a payment that was never told before.
    PaymentAlwaysNew "payment-always-new" 5,
    /// A payment that is only like another one is dropped.
    PaymentDropped "payment-dropped" 5,
    /// A ticket's member is credited, whomever the payer names.
    PayerNotRead "payer-not-read" 5,
    /// A deposit is booked twice.
    DepositTwice "deposit-twice" 5,
    /// A withdrawal goes below what the member may owe.
    FloorIgnoredByHand "floor-ignored-by-hand" 5,
    /// A row's hash does not cover the row before it.
    ChainWithoutPast "chain-without-past" 5,
    /// SQLite: an account is not written with the movement in its commit.
    SqliteForgetsAccount "sqlite-forgets-account" 5,
    /// SQLite: the end of the ledger's chain is not carried on.
    SqliteForgetsHead "sqlite-forgets-head" 5,
    /// SQLite: a flip writes the state without what belongs to it.
    SqliteHalfFlip "sqlite-half-flip" 5,
    /// SQLite: when an attempt is due is not written.
    SqliteForgetsDue "sqlite-forgets-due" 4,

    /// A settlement forgets the callback.
    OutboxUnwritten "outbox-unwritten" 6,
    /// A serial number that comes later is told to nobody.
    LaterNumberUntold "later-number-untold" 6,
    /// Each try of a callback has an id of its own.
    IdOfTry "id-of-try" 6,
    /// A callback that was not taken is told in other words.
    OtherWords "other-words" 6,
    /// A callback is given up after its first failure.
    GivenUpAtOnce "given-up-at-once" 6,
    /// Whatever a receiver answers, the callback counts as taken.
    AnyAnswerIsTaken "any-answer-is-taken" 6,
    /// A failure is told in the words of a success.
    FailureToldAsSuccess "failure-told-as-success" 6,

    /// A supplier's words leave no line in the journal.
    WordsUnrecorded "words-unrecorded" 7,
    /// A purchase leaves no line in the journal.
    PurchaseUnrecorded "purchase-unrecorded" 7,
    /// A callback leaves no line in the journal.
    CallbackUnrecorded "callback-unrecorded" 7,
    /// Accounts are not stamped.
    AccountsUnstamped "accounts-unstamped" 7,
    /// A stamp does not say what the row was before.
    StampWithoutPast "stamp-without-past" 7,

    /// A balance is not looked at.
    FloorIgnored "floor-ignored" 8,
    /// A daily limit is not looked at.
    LimitIgnored "limit-ignored" 8,
    /// What reaches a daily limit exactly is refused.
    LimitAtEquality "limit-at-equality" 8,
    /// The guard against the same twice a day does not look.
    GuardIgnored "guard-ignored" 8,
    /// A price above the highest that the member allows is taken.
    PriceMaxIgnored "price-max-ignored" 8,
    /// A route that costs more than it brings is used.
    MarginIgnored "margin-ignored" 8,
    /// A nominal at the end of its range is refused.
    QtyAtEquality "qty-at-equality" 8,
    /// A nominal beyond its range is taken.
    QtyIgnored "qty-ignored" 8,
}

impl Defect {
    /// How many nodes it takes to show it.
    #[must_use]
    pub const fn nodes(self) -> usize {
        if matches!(self, Self::LeaseNotLookedAt) { 2 } else { 1 }
    }

    /// It is in the SQLite store, and shows on it alone.
    #[must_use]
    pub const fn is_of_sqlite(self) -> bool {
        matches!(
            self,
            Self::SqliteForgetsAccount
                | Self::SqliteForgetsHead
                | Self::SqliteHalfFlip
                | Self::SqliteForgetsDue
        )
    }
}

/// Is the code broken in this way? Never, in this build.
#[cfg(not(feature = "switches"))]
#[inline]
#[must_use]
pub const fn on(_: Defect) -> bool {
    false
}

#[cfg(feature = "switches")]
pub use switches::{on, while_on};

#[cfg(feature = "switches")]
mod switches {
    use super::Defect;
    use std::cell::Cell;

    thread_local! {
        static NOW: Cell<Option<Defect>> = const { Cell::new(None) };
    }

    /// Puts back what was, also when the function panics.
    struct Back(Option<Defect>);

    impl Drop for Back {
        fn drop(&mut self) {
            NOW.set(self.0);
        }
    }

    /// Is the code broken in this way on this thread?
    #[must_use]
    pub fn on(defect: Defect) -> bool {
        NOW.get() == Some(defect)
    }

    /// Runs a function on this thread with a defect, or with none.
    pub fn while_on<T>(defect: Option<Defect>, run: impl FnOnce() -> T) -> T {
        let _back = Back(NOW.replace(defect));
        run()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn one_thread_one_function_one_defect() {
            let [one, other] = [Defect::FloorIgnored, Defect::LimitIgnored];
            assert!(!on(one));
            while_on(Some(one), || {
                assert!(on(one) && !on(other));
                while_on(Some(other), || assert!(on(other) && !on(one)));
                while_on(None, || assert!(!on(one)));
                std::thread::scope(|scope| scope.spawn(|| assert!(!on(one))).join()).unwrap();
                assert!(on(one));
            });
            assert!(!on(one));
            let broke = std::panic::catch_unwind(|| while_on(Some(one), || panic!("on purpose")));
            assert!(broke.is_err() && !on(one));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_their_own_and_every_promise_has_some() {
        let words: BTreeSet<&str> = Defect::ALL.iter().map(|defect| defect.word()).collect();
        assert_eq!(words.len(), Defect::ALL.len());
        let promises: BTreeSet<u8> = Defect::ALL.iter().map(|defect| defect.promise()).collect();
        assert_eq!(promises.into_iter().collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    }

    #[cfg(not(feature = "switches"))]
    #[test]
    fn nothing_is_broken_in_a_build_of_its_own() {
        const NEVER: bool = on(Defect::FloorIgnored);
        assert!(!NEVER && Defect::ALL.iter().all(|defect| !on(*defect)));
    }
}
