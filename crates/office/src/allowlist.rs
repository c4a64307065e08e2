//! A member's own change of the addresses it may buy from. From an allowed address it counts at
//! once; from elsewhere only after a delay, with a notice at the portal and in the journal, so that
//! who stole a session does not open the door for itself unseen.

use crate::access::Actor;
use crate::operations::{MemberSet, Operation, execute, must_come_from_somewhere, networks};
use crate::papers::{drop, put};
use crate::plug::Office;
use crate::portal_session::is_allowed;
use crate::problem::Problem;
use crate::sessions::{From, SignedMember};
use engine::{Errand, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::MemberCode;

const KIND: &str = "allowlist";
const HOUR_MS: i64 = 3_600_000;

/// Addresses that will count.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PendingAddresses {
    pub ips: String,
    /// When they count.
    pub due: i64,
    /// From where it was asked.
    pub from: String,
}

/// The paper that ends with another change of the addresses.
pub(crate) async fn ended(office: &Office, code: &MemberCode) -> anyhow::Result<Vec<PaperChange>> {
    let found = office.sheet::<PendingAddresses>(KIND, code.as_str()).await?;
    Ok(found.map(|sheet| drop(KIND, &sheet.id, sheet.version)).into_iter().collect())
}

impl Office {
    /// Changes the addresses a member may call from; the moment from which they count, when it is
    /// not now.
    ///
    /// # Errors
    /// [`Problem`] for a wrong PIN or what is no address.
    pub async fn change_addresses(
        &self,
        me: &SignedMember,
        from: &From,
        pin: &str,
        ips: &str,
    ) -> anyhow::Result<Option<i64>> {
        self.confirm(me, from, pin, "addresses").await?;
        let asked = networks(ips)?;
        let hours = self.rules().await?.allowlist_hours;
        let catalog = self.handle.catalog();
        let entry = catalog.member(&me.code);
        if let Some(entry) = entry {
            must_come_from_somewhere(&me.code, entry.imported, &asked)?;
        }
        if hours == 0 || entry.is_some_and(|entry| is_allowed(entry, &from.address)) {
            let set = MemberSet {
                code: me.code.to_string(),
                ips: Some(ips.to_owned()),
                ..MemberSet::default()
            };
            self.set_own(me, from, set).await?;
            return Ok(None);
        }
        let due = self.handle.now().utc.after(hours.saturating_mul(HOUR_MS)).get();
        let body = PendingAddresses { ips: ips.to_owned(), due, from: from.address.clone() };
        let seen = self.sheet::<PendingAddresses>(KIND, me.code.as_str()).await?;
        let detail = json!({"ips": ips, "counts_after_hours": hours});
        let errand = Errand {
            papers: vec![put(
                KIND,
                me.code.as_str(),
                seen.map_or(0, |sheet| sheet.version),
                "",
                &body,
            )?],
            lines: vec![self.line(&Actor::member(&me.code, from), "addresses asked", &detail, "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(Some(due))
    }

    /// Addresses of a member that will count.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pending_addresses(
        &self,
        code: &MemberCode,
    ) -> anyhow::Result<Option<PendingAddresses>> {
        let found = self.sheet::<PendingAddresses>(KIND, code.as_str()).await?;
        Ok(found.map(|sheet| sheet.body))
    }

    /// Takes a change back that does not count yet.
    ///
    /// # Errors
    /// [`Problem`] when nothing waits.
    pub async fn withdraw_addresses(&self, me: &SignedMember, from: &From) -> anyhow::Result<()> {
        let papers = ended(self, &me.code).await?;
        if papers.is_empty() {
            return Err(Problem::missing("no change of addresses waits").into());
        }
        let actor = Actor::member(&me.code, from);
        let lines = vec![self.line(&actor, "addresses withdrawn", &json!({}), "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(())
    }

    /// Lets those count whose time has come.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn apply_due_addresses(&self) -> anyhow::Result<()> {
        let now = self.handle.now().utc.get();
        let all = self.sheets::<PendingAddresses>(KIND, None, None, 1_000).await?;
        for sheet in all.into_iter().filter(|sheet| sheet.body.due <= now) {
            let role = crate::access::Role::Admin;
            let actor = Actor::person(&sheet.id, role, &sheet.body.from);
            let (code, ips) = (sheet.id.clone(), Some(sheet.body.ips));
            let set = MemberSet { code, ips, ..MemberSet::default() };
            // The paper goes in the same commit; another node may have been faster.
            if let Err(error) = execute(self, &actor, Operation::MemberSet(Box::new(set))).await {
                tracing::warn!(member = sheet.id, error = %format!("{error:#}"),
                    "new addresses could not be made to count");
            }
        }
        Ok(())
    }
}
