//! An opened business as the office sees it.

use crate::access::Actor;
use crate::act::Act;
use crate::chance::{Chance, Machine};
use crate::lockout::Tries;
use crate::problem::Problem;
use anyhow::Context as _;
use engine::{Courier, Errand, Handle, PaperChange, Port, Suppliers, gone_paper};
use ipnet::{IpNet, Ipv4Net};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{CatalogChange, JournalLine, KeySet, Paper, SupplierRecord};
use suppliers::Settings;
use throttle::{Lines, Origin, Slow};
use types::{MemberId, SupplierCode};

/// Makes the wire to a supplier; whoever puts the program together knows how.
pub trait Plug: Send + Sync {
    /// A port with these settings.
    ///
    /// # Errors
    /// Why it cannot be spoken to.
    fn port(&self, code: &SupplierCode, settings: &Settings) -> anyhow::Result<Port>;

    /// Who carries callbacks to members.
    fn courier(&self) -> Arc<dyn Courier>;
}

/// Most lines about strangers a minute, of all together.
const LINES_MOST: usize = 30;
/// The same about people who are known.
const OFTEN_MOST: usize = 300;
/// Files that somebody takes away: so many at once, then one in two seconds.
const FILES_BURST: i64 = 60;
const FILE_EVERY_MS: i64 = 2_000;

/// Tests of one member's callback URL: so many at once, then one in so many ms.
const PINGS_BURST: i64 = 6;
const PING_EVERY_MS: i64 = 10_000;

/// The office of one business.
pub struct Office {
    /// The door to the engine.
    pub handle: Handle,
    /// Seals what is secret.
    pub key: KeySet,
    /// How suppliers are spoken to.
    pub suppliers: Arc<Suppliers>,
    /// Held while an operation changes the catalog by what it read of it.
    pub(crate) editing: tokio::sync::Mutex<()>,
    /// The revision of the catalog that whoever holds it began with; -1 for nobody.
    pub(crate) began: AtomicI64,
    pub(crate) plug: Box<dyn Plug>,
    pub(crate) tries: Tries,
    /// Who knocked, for lines of the journal.
    pub(crate) strangers: Lines<(&'static str, Origin)>,
    /// Tests of callback URLs, by member: nobody looks around other people's hosts through us.
    pub(crate) pings: Slow<String>,
    /// What people do as often as they like, for lines of the journal.
    pub(crate) often: Lines<(&'static str, String)>,
    /// Files by who takes them away: each leaves a line.
    files: Slow<String>,
    pub(crate) chance: Box<dyn Chance>,
}

/// An editor at work. Ends when dropped, also where whoever asked went away in the middle.
pub(crate) struct Began<'a>(&'a AtomicI64);

impl Drop for Began<'_> {
    fn drop(&mut self) {
        self.0.store(-1, Ordering::Relaxed);
    }
}

impl Office {
    /// An office over an engine.
    #[must_use]
    pub fn new(handle: Handle, key: KeySet, plug: Box<dyn Plug>) -> Self {
        Self {
            handle,
            key,
            suppliers: Arc::default(),
            editing: tokio::sync::Mutex::new(()),
            began: AtomicI64::new(-1),
            plug,
            tries: Tries::default(),
            strangers: Lines::new(LINES_MOST),
            pings: Slow::new(PINGS_BURST, PING_EVERY_MS),
            often: Lines::new(OFTEN_MOST),
            files: Slow::new(FILES_BURST, FILE_EVERY_MS),
            chance: Box::new(Machine),
        }
    }

    /// Counts a file that somebody takes away.
    ///
    /// # Errors
    /// [`Problem`] for who takes too many.
    pub fn may_take_away(&self, who: &str) -> Result<(), Problem> {
        let (who, now) = (who.to_owned(), self.handle.now().utc);
        if let Err(paused) = self.files.check(&who, Origin::Here, now) {
            let wait = paused.seconds;
            let detail = format!("you have taken many files away; the next one in {wait} seconds");
            return Err(Problem { code: "busy", status: 503, detail });
        }
        self.files.wrong(&who, now);
        Ok(())
    }

    /// Whoever holds `editing` decides on the catalog as it is now.
    pub(crate) fn begin(&self) -> Began<'_> {
        self.began.store(self.handle.catalog().revision(), Ordering::Relaxed);
        Began(&self.began)
    }

    /// Changes the catalog as whoever has the machine: what a new business or a demo begins with.
    ///
    /// # Errors
    /// When it was not written.
    pub async fn set_up(&self, what: &str, changes: Vec<CatalogChange>) -> anyhow::Result<()> {
        let local = Actor::local();
        let detail = json!({"changes": changes.len()});
        self.change(&Act::new(&local, what, detail), changes).await
    }

    /// Changes the catalog: all of it or nothing.
    pub(crate) async fn change(
        &self,
        act: &Act<'_>,
        changes: Vec<CatalogChange>,
    ) -> anyhow::Result<()> {
        self.change_because(act, changes, Vec::new(), "").await
    }

    /// The same with more lines for the journal, and the reason that members are told.
    pub(crate) async fn change_because(
        &self,
        act: &Act<'_>,
        changes: Vec<CatalogChange>,
        lines: Vec<JournalLine>,
        why: &str,
    ) -> anyhow::Result<()> {
        let errand = self.edit(changes, why).await?;
        self.carry_out(act, Errand { lines, ..errand }, &act.told()).await?;
        Ok(())
    }

    /// Changes of the catalog with the papers that follow from them.
    pub(crate) async fn edit(
        &self,
        changes: Vec<CatalogChange>,
        why: &str,
    ) -> anyhow::Result<Errand> {
        let mut papers = self.news_papers(&changes, why)?;
        papers.extend(self.gone_no_more(&changes).await?);
        papers.extend(self.ended_by(&changes).await?);
        Ok(Errand { papers, catalog: changes, ..Errand::default() })
    }

    /// A callback URL that is changed may be called, whatever the old one said.
    async fn gone_no_more(&self, changes: &[CatalogChange]) -> anyhow::Result<Vec<PaperChange>> {
        let catalog = self.handle.catalog();
        let mut papers = Vec::new();
        for change in changes {
            let CatalogChange::Member(record) = change else { continue };
            let old = catalog.member_by_id(record.member.id);
            if old.is_some_and(|old| old.member.callback_url != record.member.callback_url)
                && let Some(paper) = self.gone(record.member.id).await?
            {
                papers.push(PaperChange { key: paper.key, seen: paper.version, put: None });
            }
        }
        Ok(papers)
    }

    /// The paper that says which URL of a member is gone.
    pub(crate) async fn gone(&self, member: MemberId) -> anyhow::Result<Option<Paper>> {
        let key = gone_paper(member);
        Ok(self.handle.reads().ask(move |reads| reads.paper(&key)).await??)
    }

    /// Changes a supplier, and speaks to it the new way from now on. `idle`: not while an attempt is
    /// open there.
    pub(crate) async fn change_supplier(
        &self,
        act: &Act<'_>,
        record: SupplierRecord,
        idle: bool,
    ) -> anyhow::Result<()> {
        let idle = if idle { vec![record.supplier.code.clone()] } else { Vec::new() };
        let catalog = vec![CatalogChange::Supplier(record)];
        self.carry_out(act, Errand { catalog, idle, ..Errand::default() }, &act.told()).await?;
        self.wire();
        Ok(())
    }

    /// Makes the ports fit the catalog. A supplier that cannot be spoken to is told of in the log;
    /// its attempts wait.
    pub fn wire(&self) {
        let catalog = self.handle.catalog();
        for supplier in catalog.suppliers().values() {
            let edition = catalog.edition(&supplier.code);
            // What did not change keeps its seats and what its gate counted.
            if self.suppliers.get(&supplier.code).is_some_and(|port| port.edition == edition) {
                continue;
            }
            let settings = match catalog.supplier_settings(&supplier.code) {
                None => Ok(Settings::sandbox()),
                Some(json) => serde_json::from_str(json.expose()),
            };
            let port = settings.map_err(anyhow::Error::from).and_then(|mut settings| {
                settings.set_epochs(catalog.epochs());
                self.plug.port(&supplier.code, &settings)
            });
            match port {
                Ok(port) => {
                    self.suppliers.insert(supplier.code.clone(), Port { edition, ..port });
                }
                Err(error) => {
                    tracing::error!(supplier = %supplier.code, error = %format!("{error:#}"),
                        "cannot be spoken to; its attempts wait");
                    self.suppliers.remove(&supplier.code);
                }
            }
        }
    }

    /// How a supplier is spoken to; commands without a server speak too.
    pub(crate) fn port_of(&self, code: &SupplierCode) -> anyhow::Result<Port> {
        if self.suppliers.get(code).is_none() {
            self.wire();
        }
        self.suppliers.get(code).with_context(|| format!("supplier {code} cannot be spoken to"))
    }
}

/// Bits before the IPv4 address in one that is written as IPv6 (`::ffff:203.0.113.7`).
const MAPPED_BITS: u8 = 96;

/// An address or a network. IPv4 that is written as IPv6 is IPv4: callers are compared as that, so a
/// list that kept the other spelling would let nobody in.
///
/// # Errors
/// A sentence with an example.
pub fn network(text: &str) -> anyhow::Result<IpNet> {
    let single = text.parse::<IpAddr>().map(IpNet::from);
    let net: IpNet = single.or_else(|_| text.parse()).with_context(|| {
        format!("`{text}` is not an address or network (write 203.0.113.7 or 203.0.113.0/24)")
    })?;
    let mapped = match net {
        IpNet::V4(_) => None,
        IpNet::V6(net) => net.addr().to_ipv4_mapped().zip(Some(net.prefix_len())),
    };
    match mapped {
        None => Ok(net),
        Some((address, bits)) => {
            let bits = bits.checked_sub(MAPPED_BITS).with_context(|| {
                format!(
                    "`{text}` is wider than all of IPv4: write the IPv4 network (203.0.113.0/24)"
                )
            })?;
            Ok(Ipv4Net::new(address, bits)?.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn ipv4_is_ipv4_however_it_is_written() {
        let read = |text: &str| network(text).map(|net| net.to_string()).ok();
        for (text, wanted) in [
            ("203.0.113.7", "203.0.113.7/32"),
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::FFFF:cb00:7107/128", "203.0.113.7/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
        for wrong in ["", "nowhere", "203.0.113.7/33", "::ffff:0:0/95", "::ffff:203.0.113.7/64"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let caller = "::ffff:203.0.113.7".parse::<std::net::IpAddr>().unwrap().to_canonical();
        assert!(network("::ffff:203.0.113.0/120").unwrap().contains(&caller));
    }
}
