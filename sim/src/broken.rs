//! What is broken in a run, to prove that a run can fail: the production code itself, in one of its
//! defects, or the environment that this simulation plays.

use defects::Defect;

/// What is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Broken {
    /// Nothing.
    #[default]
    No,
    /// The production code; only in a build with the feature `defects`.
    Code(Defect),
    /// The transport tries again by itself. The simulation has one of its own.
    RetryInTransport,
    /// Callbacks leave before the commit they tell of. The courier reads what is committed and could not.
    TellBeforeCommit,
    /// The store gives rows from before the last batches, and its flips are not conditional.
    StaleFlip,
    /// The disk lies about a sync: a crash takes the last commit back.
    AckBeforeSync,
    /// A store without a fence: a node that slept through its lease goes on as if nothing had happened.
    LostFence,
    /// Somebody with the database sets back what counts against daily limits; lawful purchases then
    /// write the whole account.
    BehindTheBack,
}

impl Broken {
    /// Those of the environment.
    pub const DOUBLES: [Self; 6] = [
        Self::RetryInTransport,
        Self::TellBeforeCommit,
        Self::StaleFlip,
        Self::AckBeforeSync,
        Self::LostFence,
        Self::BehindTheBack,
    ];

    /// All that this build can have.
    pub fn all() -> impl Iterator<Item = Self> {
        let code: &[Defect] = if cfg!(feature = "defects") { Defect::ALL } else { &[] };
        Self::DOUBLES.into_iter().chain(code.iter().copied().map(Self::Code))
    }

    /// How many nodes it takes to show it.
    #[must_use]
    pub const fn nodes(self) -> usize {
        match self {
            Self::LostFence => 2,
            Self::Code(defect) => defect.nodes(),
            Self::No
            | Self::RetryInTransport
            | Self::TellBeforeCommit
            | Self::StaleFlip
            | Self::AckBeforeSync
            | Self::BehindTheBack => 1,
        }
    }

    /// It shows on SQLite alone.
    #[must_use]
    pub const fn is_of_sqlite(self) -> bool {
        matches!(self, Self::Code(defect) if defect.is_of_sqlite())
    }

    /// Stamps and lines may find it.
    #[must_use]
    pub(crate) const fn is_of_the_record(self) -> bool {
        match self {
            Self::No | Self::BehindTheBack => true,
            Self::Code(defect) => defect.promise() == 7,
            Self::RetryInTransport
            | Self::TellBeforeCommit
            | Self::StaleFlip
            | Self::AckBeforeSync
            | Self::LostFence => false,
        }
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Code(defect) => defect.word(),
            Self::RetryInTransport => "retry-in-transport",
            Self::TellBeforeCommit => "tell-before-commit",
            Self::StaleFlip => "stale-flip",
            Self::AckBeforeSync => "ack-before-sync",
            Self::LostFence => "lost-fence",
            Self::BehindTheBack => "behind-the-back",
        }
    }

    /// By name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        std::iter::once(Self::No).chain(Self::all()).find(|broken| broken.word() == word)
    }

    /// Runs something on this thread with the code in this state.
    #[cfg(feature = "defects")]
    pub(crate) fn within<T>(self, run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let defect = if let Self::Code(defect) = self { Some(defect) } else { None };
        defects::while_on(defect, run)
    }

    /// Runs something; the code of this build cannot be broken.
    #[cfg(not(feature = "defects"))]
    pub(crate) fn within<T>(self, run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        if let Self::Code(defect) = self {
            anyhow::bail!("{}: build with the feature sim/defects", defect.word());
        }
        run()
    }
}
