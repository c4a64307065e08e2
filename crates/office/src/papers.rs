//! Typed papers: read one, list some, write with the version that was read.

use crate::plug::Office;
use crate::problem::Problem;
use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{AccountName, Unmoved};
use engine::{Answer, Carried, Errand, PaperChange, PaperText, Ran};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::Ordering;
use store::{Paper, PaperFilter, PaperKey};
use types::{MemberId, UtcMillis};

/// A paper whose body is read.
#[derive(Clone, Debug)]
pub struct Sheet<T> {
    /// Its name.
    pub id: String,
    /// Its tag.
    pub tag: String,
    /// Its version; 0 for one that does not exist yet.
    pub version: i64,
    /// When it was written.
    pub at: UtcMillis,
    /// What it says.
    pub body: T,
}

fn sheet<T: DeserializeOwned>(paper: Paper) -> anyhow::Result<Sheet<T>> {
    let body = serde_json::from_str(&paper.body)
        .with_context(|| format!("{} {}", paper.key.kind, paper.key.id))?;
    let Paper { key, tag, version, at, .. } = paper;
    Ok(Sheet { id: key.id, tag, version, at, body })
}

/// The change that writes a body over the version that was read.
pub(crate) fn put<T: Serialize>(
    kind: &str,
    id: &str,
    seen: i64,
    tag: &str,
    body: &T,
) -> anyhow::Result<PaperChange> {
    let text = PaperText { tag: tag.to_owned(), body: serde_json::to_string(body)? };
    Ok(PaperChange { key: PaperKey::new(kind, id), seen, put: Some(text) })
}

/// The change that takes a paper away.
pub(crate) fn drop(kind: &str, id: &str, seen: i64) -> PaperChange {
    PaperChange { key: PaperKey::new(kind, id), seen, put: None }
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| anyhow!("the machine gives no randomness"))?;
    Ok(bytes)
}

/// That many random bytes as hexadecimal digits.
pub(crate) fn secret<const N: usize>() -> anyhow::Result<String> {
    Ok(types::hex(random::<N>()?))
}

/// A secret of callbacks as libraries of Standard Webhooks write it.
pub(crate) fn webhook_secret() -> anyhow::Result<String> {
    Ok(format!("whsec_{}", STANDARD.encode(random::<24>()?)))
}

/// True when somebody changed one of the papers first.
pub(crate) fn is_stale(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == "changed_meanwhile")
}

/// What is stored of a token that is known to its holder only.
pub(crate) fn digest(token: &str) -> String {
    types::hex(Sha256::digest(token.as_bytes()))
}

impl Office {
    /// A member as people call it.
    fn code_of(&self, member: MemberId) -> String {
        let catalog = self.handle.catalog();
        let found = catalog.member_by_id(member);
        found.map_or_else(|| format!("member {member}"), |entry| entry.member.code.to_string())
    }

    pub(crate) async fn sheet<T: DeserializeOwned>(
        &self,
        kind: &str,
        id: &str,
    ) -> anyhow::Result<Option<Sheet<T>>> {
        let key = PaperKey::new(kind, id);
        let found = self.handle.reads().ask(move |reads| reads.paper(&key)).await??;
        found.map(sheet).transpose()
    }

    pub(crate) async fn sheets<T: DeserializeOwned>(
        &self,
        kind: &str,
        tag: Option<&str>,
        below: Option<&str>,
        limit: u32,
    ) -> anyhow::Result<Vec<Sheet<T>>> {
        let filter = PaperFilter {
            kind: kind.to_owned(),
            tag: tag.map(str::to_owned),
            below: below.map(str::to_owned),
            limit,
        };
        let found = self.handle.reads().ask(move |reads| reads.papers(&filter)).await??;
        found.into_iter().map(sheet).collect()
    }

    /// Runs an errand: all of it or nothing.
    pub(crate) async fn run(&self, mut errand: Errand) -> anyhow::Result<Carried> {
        if let Some(text) = unfit(&mut errand) {
            return Err(Problem::asked(
                "control_characters",
                format!("{text:?} holds control characters; type it anew without them"),
            )
            .into());
        }
        if !errand.catalog.is_empty() && errand.on.is_none() {
            // What another node changed since the editor began must not be overwritten unseen.
            let began = self.began.load(Ordering::Relaxed);
            let now = self.handle.catalog().revision();
            errand.on = Some(if began < 0 { now } else { began });
        }
        match self.handle.submit_patiently(errand.into()).await? {
            Answer::Ran(Ran::Done(carried)) => Ok(carried),
            Answer::Ran(Ran::Stale(key)) => Err(Problem::conflict(
                "changed_meanwhile",
                format!("{} {} was changed by somebody else; look again", key.kind, key.id),
            )
            .into()),
            Answer::Ran(Ran::StillOpen(code, count)) => Err(Problem::conflict(
                "attempts_open",
                format!(
                    "{count} attempts are open at {code} and could not be asked about at another \
                     address or account; pause it and wait until they are decided, or add the new \
                     account as a supplier of its own"
                ),
            )
            .into()),
            Answer::Ran(Ran::Unfit(why)) => Err(Problem::asked("does_not_fit", why).into()),
            Answer::Ran(Ran::Refused { member, why }) => Err(match why {
                Unmoved::BelowFloor(balance) => Problem::asked(
                    "below_floor",
                    format!(
                        "it would leave {balance} to {}, below the floor; nothing was moved",
                        self.code_of(member)
                    ),
                ),
                Unmoved::UnknownMember => Problem::missing(format!("there is no member {member}")),
                Unmoved::OutOfRange => Problem::asked("out_of_range", "the amount is out of range"),
                Unmoved::Used => Problem::conflict(
                    "account_used",
                    format!(
                        "{} moved money meanwhile; an opening balance is the first movement",
                        self.code_of(member)
                    ),
                ),
            }
            .into()),
            other => Err(anyhow!("unexpected answer {other:?}")),
        }
    }
}

/// A text of people that holds what no text should, and what PostgreSQL takes nowhere.
fn unfit(errand: &mut Errand) -> Option<String> {
    let control = |text: &&String| text.contains(char::is_control);
    // A note may have lines.
    let strange = |text: &&String| text.contains(|c: char| c.is_control() && !"\t\r\n".contains(c));
    let moves = errand.moves.iter().flat_map(|movement| {
        let till = match &movement.other {
            AccountName::Cash(name) => Some(name),
            AccountName::Member(_)
            | AccountName::Supplier(_)
            | AccountName::Hold
            | AccountName::Sales
            | AccountName::Cogs
            | AccountName::Adjustment
            | AccountName::Commission
            | AccountName::Exchange
            | AccountName::Loss(_)
            | AccountName::Deposit(_)
            | AccountName::Expense(_)
            | AccountName::Capital
            | AccountName::Opening => None,
        };
        std::iter::once(&movement.note).chain(till)
    });
    let costs = errand.costs.iter().map(|cost| &cost.note);
    let entries = errand.entries.iter().map(|entry| &entry.note);
    let keys = errand.papers.iter().map(|paper| &paper.key.id);
    let found = moves.chain(costs).chain(entries).chain(keys).find(strange).cloned();
    let texts = errand.catalog.iter_mut().flat_map(store::CatalogChange::texts);
    found.or_else(|| texts.map(|text| &*text).find(control).cloned())
}
