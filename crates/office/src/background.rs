//! Work that takes long and that nobody's purchase waits for: hashing, files, pages with figures.
//!
//! It runs on threads of its own with the lowest priority, so that where processors are scarce purchases go
//! first. The threads stay: beginning one for each piece of work costs those who are in a hurry twice as much
//! (docs/benchmarks.md).

use anyhow::{Context as _, anyhow};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::oneshot;

/// What the priority is lowered by, from 0 to 19.
const NICE: i32 = 19;

type Job = Box<dyn FnOnce() + Send>;

/// Threads for work of one kind, started when there is some.
pub struct Background {
    name: &'static str,
    threads: usize,
    jobs: OnceLock<Option<Sender<Job>>>,
}

impl Background {
    /// So many threads of this name.
    #[must_use]
    pub const fn new(name: &'static str, threads: usize) -> Self {
        Self { name, threads, jobs: OnceLock::new() }
    }

    /// Runs it to its end, also when nobody waits any more; how much may wait is the caller's to bound.
    /// A panic of the work goes on in whoever waits for it: it is a defect, and no refusal.
    ///
    /// # Errors
    /// When no thread can be had.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let jobs = self.jobs.get_or_init(|| start(self.name, self.threads));
        let jobs =
            jobs.as_ref().with_context(|| format!("no thread for {} can be had", self.name))?;
        let (tell, told) = oneshot::channel();
        let job = move || {
            let done = catch_unwind(AssertUnwindSafe(work));
            // Nobody may wait any more.
            let _ = tell.send(done);
        };
        jobs.send(Box::new(job)).map_err(|_| anyhow!("the threads of {} are gone", self.name))?;
        match told.await.context("work in the background broke off")? {
            Ok(done) => Ok(done),
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// None when not one of them can be had.
fn start(name: &str, threads: usize) -> Option<Sender<Job>> {
    let (send, jobs) = channel();
    let jobs: Arc<Mutex<Receiver<Job>>> = Arc::new(Mutex::new(jobs));
    let started = (0..threads).filter(|_| {
        let jobs = jobs.clone();
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || serve(&jobs)).is_ok()
    });
    (started.count() > 0).then_some(send)
}

fn serve(jobs: &Mutex<Receiver<Job>>) {
    // Of this thread alone. Where that is not allowed it runs like all others.
    let _ = rustix::process::setpriority_process(None, NICE);
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[tokio::test]
    async fn it_is_less_urgent_than_who_waits_for_it() {
        let urgency = || rustix::process::getpriority_process(None).unwrap();
        let here = urgency();
        let there = Background::new("tests", 1).run(urgency).await.unwrap();
        assert_eq!((there, urgency()), (19, here));
    }

    #[tokio::test]
    async fn what_breaks_breaks_who_waits() {
        static ONE: Background = Background::new("tests", 1);
        let broken = tokio::spawn(ONE.run(|| assert_eq!(1, 2, "broken on purpose"))).await;
        assert!(broken.unwrap_err().is_panic());
        assert_eq!(ONE.run(|| 7).await.unwrap(), 7);
    }

    /// As many at one time as there are threads.
    #[tokio::test]
    async fn threads_work_beside_each_other() {
        static TWO: Background = Background::new("tests", 2);
        let both = Arc::new(Barrier::new(2));
        let other = both.clone();
        let (a, b) = tokio::join!(TWO.run(move || both.wait()), TWO.run(move || other.wait()));
        assert!(a.unwrap().is_leader() != b.unwrap().is_leader());
    }
}
