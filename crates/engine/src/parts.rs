//! Which parts of this program are gone. Without some of them money would be taken for what cannot
//! be sent or told: purchases are refused meanwhile, and the program ends when one does not come back.
//!
//! A panic is a defect, never a reason to stop quietly: it is caught where it ends a part, counted,
//! and the part is started again from durable state, as after a restart.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;

/// So often a part is started again before it counts as one that does not come back.
const STARTS_MOST: u32 = 5;
/// A part that ran so long since it broke is as good as one that never did.
const HEALED: Duration = Duration::from_secs(60);
/// Between an end and the next start.
const START_AFTER: Duration = Duration::from_secs(1);

/// What the loss of a part means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing may be bought meanwhile, and the program ends when it does not come back.
    Bars,
    /// Money is safe without it; whoever watches the program is told.
    Shows,
}

/// What is missing.
#[derive(Default)]
struct Known {
    /// By name: how many, and what that means.
    missing: BTreeMap<&'static str, (u32, bool)>,
}

/// The parts that are gone, and how often any broke.
pub struct Parts {
    known: Mutex<Known>,
    panics: AtomicU64,
    /// Why the program must end.
    end: watch::Sender<Option<String>>,
}

impl Default for Parts {
    fn default() -> Self {
        Self { known: Mutex::default(), panics: AtomicU64::new(0), end: watch::Sender::new(None) }
    }
}

/// A part that is missing until this is dropped.
#[must_use]
pub struct Missing {
    parts: Arc<Parts>,
    name: &'static str,
}

impl Drop for Missing {
    fn drop(&mut self) {
        let mut known = self.parts.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = known.missing.get_mut(self.name) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                known.missing.remove(self.name);
            }
        }
    }
}

impl Parts {
    /// A part is missing from now on.
    pub fn lose(self: &Arc<Self>, name: &'static str, loss: Loss) -> Missing {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, bars) = known.missing.entry(name).or_default();
        *count = count.saturating_add(1);
        *bars |= loss == Loss::Bars;
        Missing { parts: self.clone(), name }
    }

    /// Something broke.
    pub fn panicked(&self, name: &str) {
        let count = self.panics.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        tracing::error!(part = name, count, "a part of the program broke; this is a defect");
    }

    /// How often anything broke since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// The names of what is missing.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.missing.keys().copied().collect()
    }

    /// True while nothing may be bought.
    #[must_use]
    pub fn bars(&self) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.missing.values().any(|(_, bars)| *bars)
    }

    /// The program must end: it would go on taking money without being whole.
    pub fn give_up(&self, why: String) {
        tracing::error!(why, "the program ends");
        self.end.send_if_modified(|end| end.is_none() && end.replace(why).is_none());
    }

    /// Waits until the program must end; says why.
    pub async fn given_up(&self) -> String {
        let mut end = self.end.subscribe();
        loop {
            let why = end.borrow_and_update().clone();
            if let Some(why) = why {
                return why;
            }
            if end.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// It panicked instead of ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it broke; see the log")]
pub struct Broke;

/// Runs a future to its end or to its panic.
///
/// # Errors
/// [`Broke`] when it panicked; it is never looked at again then.
pub async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Broke> {
    let mut future = pin!(future);
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(Broke)),
        }
    })
    .await
}

/// Keeps a part that takes no input running: started again when it breaks or ends. Ends itself when
/// `is_over`, or when the part does not come back.
pub async fn keep<F: Future<Output = ()>>(
    parts: Arc<Parts>,
    (name, loss): (&'static str, Loss),
    is_over: impl Fn() -> bool,
    make: impl Fn() -> F,
) {
    let mut starts = 0_u32;
    loop {
        let began = tokio::time::Instant::now();
        // What makes it may break as well.
        let ended = caught(async { make().await }).await;
        if is_over() {
            return;
        }
        if ended.is_err() {
            parts.panicked(name);
        }
        let missing = parts.lose(name, loss);
        starts = if began.elapsed() > HEALED { 1 } else { starts.saturating_add(1) };
        if starts > STARTS_MOST {
            if loss == Loss::Bars {
                parts.give_up(format!("{name} broke {starts} times in a row"));
            }
            // Missing for good.
            std::mem::forget(missing);
            return;
        }
        tokio::time::sleep(START_AFTER).await;
        drop(missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn what_is_missing_comes_back() {
        let parts = Arc::new(Parts::default());
        let shown = parts.lose("reports", Loss::Shows);
        assert!(!parts.bars());
        let (one, two) = (parts.lose("reads", Loss::Bars), parts.lose("reads", Loss::Bars));
        assert!(parts.bars());
        assert_eq!(parts.missing(), ["reads", "reports"]);
        drop(one);
        assert!(parts.bars());
        drop(two);
        assert!(!parts.bars());
        drop(shown);
        assert!(parts.missing().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_breaks_is_started_again_and_bars_meanwhile() {
        let parts = Arc::new(Parts::default());
        let starts = Arc::new(AtomicU32::new(0));
        let (kept, counted) = (parts.clone(), starts.clone());
        let keeping = tokio::spawn(keep(
            kept,
            ("sender", Loss::Bars),
            || false,
            move || {
                let number = counted.fetch_add(1, Ordering::Relaxed);
                async move {
                    if number < 3 {
                        panic!("a defect");
                    }
                    std::future::pending::<()>().await;
                }
            },
        ));
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(parts.bars());
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!((parts.panics(), starts.load(Ordering::Relaxed)), (3, 4));
        assert!(!parts.bars());
        keeping.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_does_not_come_back_ends_the_program() {
        let parts = Arc::new(Parts::default());
        let ends = || async { panic!("a defect") };
        keep(parts.clone(), ("reports", Loss::Shows), || false, ends).await;
        assert!(!parts.bars());
        // One that simply ends is as much gone.
        keep(parts.clone(), ("sender", Loss::Bars), || false, || async {}).await;
        assert_eq!(parts.missing(), ["reports", "sender"]);
        assert!(parts.bars());
        assert!(parts.given_up().await.contains("sender"));
    }
}
