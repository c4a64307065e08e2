//! Work that takes long and that nobody's purchase waits for: hashing, files, pages with figures.
//!
//! Each runs on a thread of its own with a lower priority, so that where processors are scarce purchases
//! go first. How many run at one time is the caller's to bound.

use anyhow::Context as _;
use tokio::sync::oneshot;

/// What the priority is lowered by, from 0 to 19: about a tenth of a processor that others want too.
const NICE: i32 = 10;

/// Runs it to its end, also when nobody waits any more.
///
/// A panic of the work goes on in whoever waits for it: it is a defect, and no refusal.
///
/// # Errors
/// When no thread can be had.
pub async fn background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("background".to_owned());
    thread
        .spawn(move || {
            // Of this thread alone. Where that is not allowed it runs like all others.
            let _ = rustix::process::setpriority_process(None, NICE);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // Nobody may wait any more.
            let _ = tell.send(done);
        })
        .context("no thread can be had")?;
    match told.await.context("work in the background broke off")? {
        Ok(done) => Ok(done),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_less_urgent_than_who_waits_for_it() {
        let urgency = || rustix::process::getpriority_process(None).unwrap();
        let here = urgency();
        let there = background(urgency).await.unwrap();
        assert_eq!(there, (here + NICE).min(19));
        assert_eq!(urgency(), here);
    }

    #[tokio::test]
    async fn what_breaks_breaks_who_waits() {
        let broken = tokio::spawn(background(|| assert_eq!(1, 2, "broken on purpose"))).await;
        assert!(broken.unwrap_err().is_panic());
        assert_eq!(background(|| 7).await.unwrap(), 7);
    }
}
