//! The sandbox door: a member whose switch is on meets, with the credentials it has there, another
//! engine behind the same wire, one without money. What it buys with reaches money as always.

use crate::auth::{Covers, Lockout, bears};
use crate::service::Gateway;
use engine::MemberEntry;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use types::{MemberCode, RefId, UtcMillis};
use wire::Credentials;

/// The gateway of the sandbox, in step with the business; `None` while it is not to be had.
pub type Room<'a> = Pin<Box<dyn Future<Output = Option<Gateway>> + Send + 'a>>;

/// Keys of the JSON door that reach the sandbox and nothing else begin so.
pub const SANDBOX_KEY: &str = "gks_";

/// Leads to the sandbox. It must know every member whose switch is on.
pub trait Playground: Send + Sync {
    /// The gateway of the sandbox.
    fn room(&self) -> Room<'_>;
}

/// What a request shows of whose it is, as far as it can be read.
pub(crate) enum Shows<'a> {
    /// Credentials, from an address, at a moment.
    Credentials(&'a Credentials, Covers<'a>, IpAddr, UtcMillis),
    /// A key, which is right: one of the sandbox or not.
    Key { plays: bool },
    /// Nothing that can be read.
    Nothing,
}

impl Gateway {
    /// Where a member's request about a reference belongs.
    pub(crate) async fn door(
        &self,
        member: Option<&MemberCode>,
        ref_id: Option<RefId>,
        shows: &Shows<'_>,
    ) -> Option<Self> {
        let catalog = self.0.handle.catalog();
        let entry = member.and_then(|code| catalog.member(code));
        let Some(entry) = entry.filter(|entry| entry.member.sandbox) else {
            return Some(self.clone());
        };
        let room = match &self.0.playground {
            Some(playground) => playground.room().await?,
            None => return None,
        };
        if room.has_others(entry) {
            let is_of_money = room.is_of_money(entry, &self.0.lockout, shows);
            return Some(if is_of_money { self.clone() } else { room });
        }
        // A member from before the sandbox had credentials of its own. A purchase with money is
        // answered for with money, whatever the switch says now: a "no data" for it would be sent
        // again.
        if let Some(ref_id) = ref_id {
            let id = entry.member.id;
            let read = self.0.handle.reads().ask(move |reads| reads.trx_by_ref(id, &ref_id)).await;
            match read {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(_))) => return Some(self.clone()),
                Ok(Err(_)) | Err(_) => return None,
            }
        }
        Some(room)
    }

    /// True when a member has other credentials here than where the money is.
    fn has_others(&self, real: &MemberEntry) -> bool {
        let catalog = self.0.handle.catalog();
        catalog.member(&real.member.code).is_some_and(|here| {
            here.pin.expose() != real.pin.expose()
                || here.password.expose() != real.password.expose()
        })
    }

    /// True for what bears the credentials that move money. Everything else is the sandbox's, which
    /// counts what is wrong; while it pauses an address, or is slow from everywhere, nothing more is
    /// compared for it.
    fn is_of_money(&self, real: &MemberEntry, money: &Lockout, shows: &Shows<'_>) -> bool {
        match shows {
            Shows::Credentials(credentials, covers, from, now) => {
                // From where it may not call nothing tells whether they are right.
                self.0.lockout.lets_try(real, money, (*from, *now))
                    && real.may_call_from(*from)
                    && bears(real, credentials, covers, *now).is_ok()
            }
            Shows::Key { plays } => !plays,
            Shows::Nothing => false,
        }
    }
}
