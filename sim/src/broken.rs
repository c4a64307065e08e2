//! Defects, one at a time, to prove that a run can fail. They live at the edges of the engine (its
//! store, its suppliers), so that the engine itself has no switch for them.

/// What is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Broken {
    /// Nothing.
    #[default]
    No,
    /// A time-out counts as "not sent": the purchase goes to the next supplier.
    ResendAfterTimeout,
    /// A reply that is not understood counts as failed: refund.
    RefundOnUnknown,
    /// A check that gets no answer about the purchase counts as failed.
    RefundOnCheckError,
    /// The transport tries again by itself.
    RetryInTransport,
    /// Callbacks leave before the commit they tell of.
    TellBeforeCommit,
    /// Decisions look at rows from before the last batch, and flips are not conditional.
    StaleFlip,
    /// The sent-marker is not written.
    LostMarker,
    /// Answers leave before the commit is durable: a crash takes the last one back.
    AckBeforeSync,
    /// Settlements forget the callback.
    ForgetOutbox,
    /// The refID is looked up outside the batch: two at once see nothing.
    RefCheckOutside,
    /// A refund is written without the account's new balance.
    ForgetBalance,
    /// A contradiction is not raised.
    HideContradiction,
    /// What uplines earn is not paid.
    ForgetShares,
    /// A node that slept through its lease goes on as if nothing had happened.
    LostFence,
    /// A busy answer of another Gerbang counts as "not taken", though its commit may have gone through.
    BusyIsNotTaken,
    /// Whatever is called failed is final, also what is still being worked on.
    AnyFailureIsFinal,
    /// Serial numbers of other purchases are forgotten.
    ForgetTwins,
    /// A final text decides the purchase on whose way it came, whatever it is about.
    BelieveAnyText,
    /// Another supplier is tried however late it is.
    FailoverForEver,
    /// Nobody hears that a supplier is paused.
    SendToPaused,
    /// JSON with a number where another type is expected is not understood.
    StrictJson,
    /// A want of our own counts as "not sent": another supplier is tried, or the purchase fails.
    HeldIsUnsent,
    /// Somebody with the database sets back what counts against daily limits; lawful purchases then
    /// write the whole account.
    BehindTheBack,
}

impl Broken {
    /// All defects.
    pub const ALL: [Self; 23] = [
        Self::ResendAfterTimeout,
        Self::RefundOnUnknown,
        Self::RefundOnCheckError,
        Self::RetryInTransport,
        Self::TellBeforeCommit,
        Self::StaleFlip,
        Self::LostMarker,
        Self::AckBeforeSync,
        Self::ForgetOutbox,
        Self::RefCheckOutside,
        Self::ForgetBalance,
        Self::HideContradiction,
        Self::ForgetShares,
        Self::LostFence,
        Self::BusyIsNotTaken,
        Self::AnyFailureIsFinal,
        Self::ForgetTwins,
        Self::BelieveAnyText,
        Self::FailoverForEver,
        Self::SendToPaused,
        Self::StrictJson,
        Self::HeldIsUnsent,
        Self::BehindTheBack,
    ];

    /// How many nodes it takes to show it.
    #[must_use]
    pub const fn nodes(self) -> usize {
        if matches!(self, Self::LostFence) { 2 } else { 1 }
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::ResendAfterTimeout => "resend-after-timeout",
            Self::RefundOnUnknown => "refund-on-unknown",
            Self::RefundOnCheckError => "refund-on-check-error",
            Self::RetryInTransport => "retry-in-transport",
            Self::TellBeforeCommit => "tell-before-commit",
            Self::StaleFlip => "stale-flip",
            Self::LostMarker => "lost-marker",
            Self::AckBeforeSync => "ack-before-sync",
            Self::ForgetOutbox => "forget-outbox",
            Self::RefCheckOutside => "ref-check-outside",
            Self::ForgetBalance => "forget-balance",
            Self::HideContradiction => "hide-contradiction",
            Self::ForgetShares => "forget-shares",
            Self::LostFence => "lost-fence",
            Self::BusyIsNotTaken => "busy-is-not-taken",
            Self::AnyFailureIsFinal => "any-failure-is-final",
            Self::ForgetTwins => "forget-twins",
            Self::BelieveAnyText => "believe-any-text",
            Self::FailoverForEver => "failover-for-ever",
            Self::SendToPaused => "send-to-paused",
            Self::StrictJson => "strict-json",
            Self::HeldIsUnsent => "held-is-unsent",
            Self::BehindTheBack => "behind-the-back",
        }
    }

    /// By name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        std::iter::once(Self::No).chain(Self::ALL).find(|broken| broken.word() == word)
    }
}
