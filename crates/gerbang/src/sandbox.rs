//! The sandbox's world: receives purchases in this process, remembers them in a file of its own,
//! answers late, never or twice as its script says.
//!
//! The file is the supplier's truth: it survives our crash, so that a status check after a restart
//! is answered as a real supplier would, and tests can count what was received twice.

use engine::{Handle, Suppliers, Zone, inlet};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use suppliers::{Behaviour, Inbound, Reply, Request, Script, SendResult, Transport};
use types::{SupplierCode, UtcMillis};

/// The usual time to deliver.
const DELIVERY_MS: i64 = 1_000;
/// Where the world would hang up on a caller that gets no answer.
const TIME_OUT: Duration = Duration::from_secs(10);

struct Received {
    dest: String,
    at: UtcMillis,
}

/// The world behind the sandbox connector.
pub(crate) struct World {
    received: Mutex<HashMap<String, Received>>,
    log: Mutex<File>,
    zone: Zone,
    /// What serial numbers begin with.
    sn_mark: &'static str,
    /// Set once the engine stands: where callbacks go.
    back: OnceLock<(Handle, Arc<Suppliers>)>,
}

impl World {
    pub(crate) fn open(path: &Path, zone: Zone, sn_mark: &'static str) -> std::io::Result<Self> {
        let mut received = HashMap::new();
        if path.exists() {
            for line in std::fs::read_to_string(path)?.lines() {
                let mut words = line.split(' ');
                if let (Some(at), Some(reference), Some(dest)) =
                    (words.next(), words.next(), words.next())
                    && let Ok(at) = at.parse()
                {
                    let entry = Received { dest: dest.to_owned(), at: UtcMillis::new(at) };
                    received.entry(reference.to_owned()).or_insert(entry);
                }
            }
        }
        let log = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            received: Mutex::new(received),
            log: Mutex::new(log),
            zone,
            sn_mark,
            back: OnceLock::new(),
        })
    }

    pub(crate) fn connect(&self, handle: Handle, all: Arc<Suppliers>) {
        // Connecting twice would be our own mistake; the first one stays.
        let _ = self.back.set((handle, all));
    }

    fn now() -> UtcMillis {
        engine::Clock::now(&engine::SystemClock)
    }

    async fn answer(&self, request: &Request, code: &SupplierCode) -> SendResult {
        let Some((verb, query)) =
            request.url.strip_prefix("sandbox://").and_then(|rest| rest.split_once('?'))
        else {
            return SendResult::NotSent("not a sandbox URL".to_owned());
        };
        let field = |name: &str| -> String {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let (reference, dest) = (field("ref"), field("dest"));
        if verb == "buy" { self.buy(reference, dest, code).await } else { self.check(&reference) }
    }

    fn say(&self, event: suppliers::Event, reference: &str, dest: &str, at: UtcMillis) -> String {
        let body = event.body(reference, dest, self.zone.civil(at));
        body.replacen(" sn=", &format!(" sn={}", self.sn_mark), 1)
    }

    async fn buy(&self, reference: String, dest: String, code: &SupplierCode) -> SendResult {
        let at = Self::now();
        {
            // Every purchase that arrives is written, also one that arrives twice: the file is
            // how anyone can see that it did.
            let (Ok(mut received), Ok(mut log)) = (self.received.lock(), self.log.lock()) else {
                return SendResult::NotSent("the sandbox broke".to_owned());
            };
            if let Err(error) =
                log.write_all(format!("{} {reference} {dest}\n", at.get()).as_bytes())
            {
                return SendResult::NotSent(format!("the sandbox cannot write its file: {error}"));
            }
            received
                .entry(reference.clone())
                .or_insert_with(|| Received { dest: dest.clone(), at });
        }
        let script = Script::of(Behaviour::of(&dest), DELIVERY_MS);
        for (after, event) in script.callbacks {
            let body = self.say(event, &reference, &dest, at);
            let (back, code) = (self.back.get().cloned(), code.clone());
            tokio::spawn(async move {
                tokio::time::sleep(millis(after)).await;
                if let Some((handle, all)) = back {
                    let inbound = Inbound { body, ..Inbound::default() };
                    inlet(&handle, &all, &code, "sandbox", &inbound).await;
                }
            });
        }
        match script.reply {
            None => {
                tokio::time::sleep(TIME_OUT).await;
                SendResult::Unknown(format!("no answer within {TIME_OUT:?}"))
            }
            Some((after, event)) => {
                tokio::time::sleep(millis(after)).await;
                let body = self.say(event, &reference, &dest, at);
                SendResult::Replied(Reply { status: 200, body, ..Reply::default() })
            }
        }
    }

    fn check(&self, reference: &str) -> SendResult {
        let Ok(received) = self.received.lock() else {
            return SendResult::Unknown("the sandbox broke".to_owned());
        };
        let body = match received.get(reference) {
            // Provably never received: the sandbox's file is its whole truth, and the sent-marker
            // of this attempt is older than this question.
            None => format!("ref={reference} status=out_of_stock never received"),
            Some(entry) => {
                let script = Script::of(Behaviour::of(&entry.dest), DELIVERY_MS);
                let event = script.at(Self::now().since(entry.at));
                self.say(event, reference, &entry.dest, entry.at)
            }
        };
        SendResult::Replied(Reply { status: 200, body, ..Reply::default() })
    }
}

fn millis(after: i64) -> Duration {
    Duration::from_millis(u64::try_from(after).unwrap_or_default())
}

/// The world as the transport of one sandbox supplier.
pub(crate) struct SandboxTransport {
    pub(crate) world: Arc<World>,
    pub(crate) code: SupplierCode,
}

impl Transport for SandboxTransport {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        Box::pin(self.world.answer(request, &self.code))
    }
}
