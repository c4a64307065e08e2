//! Whether final words may settle a purchase: only what is certainly about it may.

use crate::{Tie, identity};
use types::{AttemptId, Dest, Sn, TrxNo};

/// May these words settle the attempt?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// They settle it.
    Yes,
    /// They settle it, and a person should hear of this.
    Suspicious(String),
    /// This keeps them from it: it stays open, and a person sees them.
    No(String),
}

/// Weighs a success by how it is tied to the purchase for `dest`.
///
/// `twin` is another trx that was settled with this very serial number at this supplier; `rival`
/// another attempt there for the same product and destination that is open, or was closed lately
/// without a serial number of its own.
#[must_use]
pub fn certainty(
    tie: Tie,
    sn: Option<&Sn>,
    dest: &Dest,
    twin: Option<TrxNo>,
    rival: Option<AttemptId>,
) -> Certainty {
    let shown = sn.map_or("none", Sn::as_str);
    let twin = twin.map(|twin| format!("SN {shown} was given for {twin} too"));
    match (tie, twin, rival) {
        (Tie::Reference | Tie::Connection, None, _) | (Tie::Earlier, None, None) => Certainty::Yes,
        // The older purchase may be an equal one of ours whose serial number is not known yet.
        (Tie::Earlier, None, Some(rival)) => {
            Certainty::No(format!("SN {shown} of a time before ours was sent may be for {rival}"))
        }
        (Tie::Reference, Some(twin), _) => Certainty::Suspicious(twin),
        // Our reference over the words of an older purchase: a guard against equal ones.
        (Tie::Earlier, Some(twin), _) => Certainty::No(format!("{twin}, and before ours was sent")),
        (Tie::Connection | Tie::Likeness, Some(twin), _) => {
            Certainty::No(format!("{twin}, and our reference is not named"))
        }
        (Tie::Likeness, None, Some(rival)) => {
            Certainty::No(format!("SN {shown} without a reference may be for {rival} as well"))
        }
        (Tie::Likeness, None, None) if sn.is_none_or(|sn| identity(sn, dest).is_none()) => {
            Certainty::No(format!("SN {shown} identifies nothing, and no reference is named"))
        }
        (Tie::Likeness, None, None) => Certainty::Yes,
    }
}
