//! Room for bodies that are being read: a budget for each kind of sender and a share for each address.
//!
//! Holding room is never worth it: when a budget is spent, the body that has been coming for longest gives
//! way to a younger one. Whoever sends what he has to send is done long before that.

use crate::body::Unread;
use crate::seats::neighbours;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Who sends a body, by what is known before it is read. Each kind has a budget of its own, so that none
/// takes the room of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Nobody knows.
    Stranger,
    /// A member with a session of the portal.
    Member,
    /// Somebody with a session of the console, or a token.
    Staff,
    /// Somebody from where a member's program was let in.
    Program,
    /// A supplier with its secret.
    Supplier,
}

impl Sender {
    const ALL: [Self; 5] =
        [Self::Stranger, Self::Member, Self::Staff, Self::Program, Self::Supplier];

    /// KiB that bodies of this kind hold at one time, of all connections together, and those of one
    /// address (IPv6: a /64).
    const fn most(self) -> (usize, usize) {
        match self {
            Self::Stranger => (16 << 10, 1 << 10),
            Self::Member => (8 << 10, 1 << 10),
            Self::Staff => (32 << 10, 16 << 10),
            Self::Program => (16 << 10, 4 << 10),
            Self::Supplier => (8 << 10, 4 << 10),
        }
    }

    fn budget(self) -> &'static Budget {
        static BUDGETS: LazyLock<HashMap<Sender, Budget>> = LazyLock::new(|| {
            Sender::ALL.into_iter().map(|sender| (sender, Budget::new(sender.most().0))).collect()
        });
        &BUDGETS[&self]
    }
}

/// A body that is still coming.
struct Coming {
    kib: usize,
    cut: Arc<Notify>,
}

struct Budget {
    kib: Semaphore,
    /// By when they began.
    coming: Mutex<BTreeMap<u64, Coming>>,
}

impl Budget {
    fn new(kib: usize) -> Self {
        Self { kib: Semaphore::new(kib), coming: Mutex::default() }
    }

    /// Cuts those that began before this one, oldest first, until so many KiB will be free.
    fn cut_before(&self, number: u64, more: usize) -> Result<(), Unread> {
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut freed = 0_usize;
        while freed < more {
            let oldest = coming.first_entry().filter(|entry| *entry.key() < number);
            let Coming { kib, cut } = oldest.ok_or(Unread::Busy)?.remove();
            cut.notify_one();
            freed = freed.saturating_add(kib);
        }
        Ok(())
    }
}

/// KiB by kind and address. Holds no more entries than there are bodies.
static SHARES: LazyLock<Mutex<HashMap<(Sender, IpAddr), usize>>> = LazyLock::new(Mutex::default);
/// How long a body waits for those that give way: they are waiting for their next byte.
const GIVES_WAY: Duration = Duration::from_secs(1);

/// What a body holds of its budget and of its address' share, until it is dropped.
pub(crate) struct Held {
    sender: Sender,
    of: IpAddr,
    number: u64,
    kib: usize,
    permit: Option<SemaphorePermit<'static>>,
    cut: Arc<Notify>,
}

impl Held {
    pub(crate) fn new(sender: Sender, from: IpAddr) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { sender, of: neighbours(from), number, kib: 0, permit: None, cut: Arc::default() }
    }

    /// Ends when a younger one needs the room.
    pub(crate) async fn gives_way(&self) {
        self.cut.notified().await;
    }

    /// Grows to so many KiB, when there is room.
    pub(crate) async fn grow(&mut self, kib: usize) -> Result<(), Unread> {
        let more = kib.saturating_sub(self.kib);
        if more == 0 {
            return Ok(());
        }
        self.take_share(more)?;
        // It is of its share from here on, whatever becomes of it.
        self.kib = kib;
        let count = u32::try_from(more).map_err(|_| Unread::TooLarge)?;
        let budget = self.sender.budget();
        let permit = match budget.kib.try_acquire_many(count) {
            Ok(permit) => permit,
            Err(_) => {
                budget.cut_before(self.number, more)?;
                let waits = timeout(GIVES_WAY, budget.kib.acquire_many(count)).await;
                waits.ok().and_then(Result::ok).ok_or(Unread::Busy)?
            }
        };
        match &mut self.permit {
            None => self.permit = Some(permit),
            Some(held) => held.merge(permit),
        }
        let coming = Coming { kib, cut: self.cut.clone() };
        budget.coming.lock().unwrap_or_else(PoisonError::into_inner).insert(self.number, coming);
        Ok(())
    }

    /// It is whole: nobody cuts it any more.
    pub(crate) fn is_whole(&self) {
        let mut coming = self.sender.budget().coming.lock().unwrap_or_else(PoisonError::into_inner);
        coming.remove(&self.number);
    }

    fn take_share(&self, more: usize) -> Result<(), Unread> {
        // This machine is everybody, where a proxy on it is not named.
        if self.of.is_loopback() {
            return Ok(());
        }
        let mut shares = SHARES.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (self.sender, self.of);
        let wanted = shares.get(&key).copied().unwrap_or_default().saturating_add(more);
        if wanted > self.sender.most().1 {
            return Err(Unread::Busy);
        }
        shares.insert(key, wanted);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.is_whole();
        if self.kib == 0 || self.of.is_loopback() {
            return;
        }
        let mut shares = SHARES.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (self.sender, self.of);
        if let Some(share) = shares.get_mut(&key) {
            *share = share.saturating_sub(self.kib);
            if *share == 0 {
                shares.remove(&key);
            }
        }
    }
}

#[cfg(test)]
pub(crate) fn nothing_is_held() -> bool {
    let is_free = |sender: &Sender| {
        sender.budget().kib.available_permits() == sender.most().0
            && sender.budget().coming.lock().unwrap().is_empty()
    };
    SHARES.lock().unwrap().is_empty() && Sender::ALL.iter().all(is_free)
}
