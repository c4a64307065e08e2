//! The sandbox door: a member whose switch is on meets another engine behind the same wire, one
//! without money.

use crate::service::Gateway;
use std::future::Future;
use std::pin::Pin;
use types::{MemberCode, RefId};

/// The gateway of the sandbox, in step with the business; `None` while it is not to be had.
pub type Room<'a> = Pin<Box<dyn Future<Output = Option<Gateway>> + Send + 'a>>;

/// Leads to the sandbox. It must know every member whose switch is on.
pub trait Playground: Send + Sync {
    /// The gateway of the sandbox.
    fn room(&self) -> Room<'_>;
}

impl Gateway {
    /// Where a member's request about a reference belongs. A purchase with money is answered for
    /// with money, whatever the switch says now: a "no data" for it would be sent again.
    pub(crate) async fn door(
        &self,
        member: Option<&MemberCode>,
        ref_id: Option<RefId>,
    ) -> Option<Self> {
        let catalog = self.0.handle.catalog();
        let entry = member.and_then(|code| catalog.member(code));
        let Some(entry) = entry.filter(|entry| entry.member.sandbox) else {
            return Some(self.clone());
        };
        if let Some(ref_id) = ref_id {
            let id = entry.member.id;
            let read = self.0.handle.reads().ask(move |reads| reads.trx_by_ref(id, &ref_id)).await;
            match read {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(_))) => return Some(self.clone()),
                Ok(Err(_)) | Err(_) => return None,
            }
        }
        match &self.0.playground {
            Some(playground) => playground.room().await,
            None => None,
        }
    }
}
