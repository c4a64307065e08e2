//! Takes the heads of the chains out of reach of who can write the database: into the log every hour,
//! and signed, once a day and at each start, to a file and a URL that the operator names.

use crate::config::Config;
use crate::heads;
use anyhow::Context as _;
use net::{Guard, Outgoing, OutgoingLimits};
use std::path::PathBuf;
use std::time::Duration;
use store::{Heads, KeySet, StampKey};
use suppliers::{Request, SendResult, Transport as _};
use tokio::time::Instant;
use types::Day;

const PRINT_EVERY: Duration = Duration::from_secs(3_600);
/// What could not be taken somewhere is tried again after this.
const TRY_EVERY: Duration = Duration::from_secs(60);

/// Where signed heads go.
#[derive(Clone)]
pub(crate) struct Export {
    key: StampKey,
    file: Option<Place<PathBuf>>,
    url: Option<Place<String>>,
    outgoing: Outgoing,
}

#[derive(Clone)]
struct Place<T> {
    to: T,
    /// The day whose heads are there.
    done: Option<Day>,
}

impl<T> Place<T> {
    fn new(to: T) -> Self {
        Self { to, done: None }
    }
}

impl Export {
    /// As the configuration says; `None` when it names no place.
    pub(crate) fn of(key: &KeySet, config: &Config) -> anyhow::Result<Option<Self>> {
        if config.heads_file.is_none() && config.heads_url.is_none() {
            return Ok(None);
        }
        let guard = Guard { open: true, ..Guard::default() };
        Ok(Some(Self {
            key: StampKey::of(key),
            file: config.heads_file.clone().map(Place::new),
            url: config.heads_url.clone().map(Place::new),
            outgoing: Outgoing::new(guard, OutgoingLimits::default()).context("heads_url")?,
        }))
    }

    /// Takes them where they are not yet today.
    async fn take(&mut self, day: Day, at: &str, epoch: u32, all: &[Heads]) {
        let text = heads::lines(at, epoch, all, &self.key);
        if let Some(file) = self.file.as_mut().filter(|file| file.done != Some(day)) {
            match heads::append(&file.to, &text) {
                Ok(()) => file.done = Some(day),
                Err(error) => {
                    tracing::error!(%error, file = %file.to.display(), "heads are not written");
                }
            }
        }
        if let Some(url) = self.url.as_mut().filter(|url| url.done != Some(day)) {
            let request = Request {
                method: "POST",
                url: url.to.clone(),
                headers: vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())],
                body: text,
                redacted: String::new(),
            };
            match self.outgoing.send(&request).await {
                SendResult::Replied(reply) if (200..300).contains(&reply.status) => {
                    url.done = Some(day);
                }
                // The URL may hold a secret of its receiver.
                SendResult::Replied(reply) => {
                    tracing::error!(status = reply.status, "heads_url did not take the heads");
                }
                SendResult::NotSent(why) | SendResult::Held(why) | SendResult::Unknown(why) => {
                    tracing::error!(why, "heads_url was not reached");
                }
            }
        }
    }

    fn is_done(&self, day: Day) -> bool {
        self.file.iter().all(|file| file.done == Some(day))
            && self.url.iter().all(|url| url.done == Some(day))
    }
}

/// Whoever rewrites a chain must also rewrite what is kept there, wherever that is. Ends never.
pub(crate) async fn keep_heads(handle: engine::Handle, mut export: Option<Export>) {
    let mut printed: Option<Instant> = None;
    loop {
        let now = handle.now();
        let day = now.civil.date();
        let prints = printed.is_none_or(|printed| printed.elapsed() >= PRINT_EVERY);
        let takes = export.as_ref().is_some_and(|export| !export.is_done(day));
        if (prints || takes)
            && let Ok(Ok(all)) = handle.reads().ask(|reads| reads.heads()).await
        {
            if let Some(export) = export.as_mut().filter(|_| takes) {
                let epoch = handle.catalog().epochs().last().map_or(0, |epoch| epoch.number);
                export.take(day, &now.utc.get().to_string(), epoch, &all).await;
            }
            if prints {
                printed = Some(Instant::now());
                for Heads { lane, ledger, journal } in all {
                    tracing::info!(%lane, %ledger, %journal, "chain heads");
                }
            }
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
}
