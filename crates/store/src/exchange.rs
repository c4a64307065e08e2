//! What nodes of one business tell each other beside the books: texts that the store carries and does
//! not read. Losing them costs speed and never money.
//!
//! What a node told counts for a while and then ends by itself, so that a node which is silent keeps
//! nothing from the others. Claims are told one after the other: of two nodes that claim on the same
//! reading one hears that it came second.

use crate::StoreError;
use std::time::Duration;

/// Another node, as it told of itself last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which run of which node: no other has the number.
    pub run: i64,
    /// Its words.
    pub word: String,
}

/// What there is to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Everybody else whose words still count.
    pub peers: Vec<Peer>,
    /// Nodes that work and tell nothing: of an older version, or not yet.
    pub silent: u32,
    /// How many claims there were.
    pub round: i64,
}

/// A node's place among the others.
pub trait Exchange: Send {
    /// Listens.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`] when nothing can be heard.
    fn hear(&mut self) -> Result<Heard, StoreError>;

    /// Tells, in place of what was told before. False, and nothing was told: somebody else claimed
    /// since that round, or (without a claim) what was told before has ended.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`] when it may or may not be told.
    fn tell(&mut self, word: &str, claim: Option<i64>) -> Result<bool, StoreError>;

    /// For how long what is told counts.
    fn lasts(&self) -> Duration;

    /// Takes back what was told.
    fn leave(&mut self);
}
