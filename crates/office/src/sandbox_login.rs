//! What a member's program says in the sandbox: a PIN and a password that open nothing else.

use crate::act::Act;
use crate::operations::{id_of, record_of};
use crate::own::itself;
use crate::papers::put;
use crate::plug::Office;
use crate::sessions::{From, SignedMember};
use engine::{Handle, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use store::{CatalogChange, MasterKey, Paper, PaperFilter, PaperKey, Sealed};
use types::MemberCode;

pub(crate) const KIND: &str = "sandbox-login";

#[derive(Serialize, Deserialize)]
struct Body {
    sealed: String,
}

pub(crate) fn place(code: &str) -> String {
    format!("member/{code}/sandbox")
}

/// PIN and password.
type Pair = (String, String);

fn opened(key: &MasterKey, paper: &Paper) -> anyhow::Result<Pair> {
    let body: Body = serde_json::from_str(&paper.body)?;
    let sealed = Sealed(types::unhex(&body.sealed).unwrap_or_default());
    let text = key.open(&place(&paper.key.id), &sealed)?;
    let (pin, password) = text.split_once('\n').unwrap_or_default();
    Ok((pin.to_owned(), password.to_owned()))
}

/// What members say in the sandbox, for who keeps it in step.
///
/// # Errors
/// When the store does not answer, or the master key is another one.
pub async fn sandbox_logins(
    handle: &Handle,
    key: &MasterKey,
) -> anyhow::Result<HashMap<MemberCode, Pair>> {
    let filter = PaperFilter { kind: KIND.to_owned(), tag: None, below: None, limit: 1_000_000 };
    let papers = handle.reads().ask(move |reads| reads.papers(&filter)).await??;
    let pair = |paper: &Paper| -> anyhow::Result<(MemberCode, Pair)> {
        Ok((MemberCode::parse(&paper.key.id)?, opened(key, paper)?))
    };
    papers.iter().map(pair).collect()
}

impl Office {
    async fn sandbox_paper(&self, code: &MemberCode) -> anyhow::Result<Option<Paper>> {
        let key = PaperKey::new(KIND, code.as_str());
        Ok(self.handle.reads().ask(move |reads| reads.paper(&key)).await??)
    }

    /// What a member says in the sandbox; nothing before it was turned on for the first time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sandbox_login(&self, code: &MemberCode) -> anyhow::Result<Option<Pair>> {
        let paper = self.sandbox_paper(code).await?;
        paper.map(|paper| opened(&self.key, &paper)).transpose()
    }

    fn fresh_sandbox_login(&self, code: &MemberCode, seen: i64) -> anyhow::Result<PaperChange> {
        let (pin, password) = Self::fresh_credentials()?;
        let sealed = self.key.seal(&place(code.as_str()), &format!("{pin}\n{password}"))?;
        put(KIND, code.as_str(), seen, "", &Body { sealed: types::hex(&sealed.0) })
    }

    /// The paper that gives a member its first one.
    pub(crate) async fn first_sandbox_login(
        &self,
        code: &MemberCode,
    ) -> anyhow::Result<Option<PaperChange>> {
        match self.sandbox_paper(code).await? {
            Some(_) => Ok(None),
            None => Ok(Some(self.fresh_sandbox_login(code, 0)?)),
        }
    }

    /// Another PIN and password for the sandbox.
    ///
    /// # Errors
    /// [`crate::Problem`] for a wrong PIN.
    pub async fn renew_sandbox_login(
        &self,
        me: &SignedMember,
        from: &From,
        pin: &str,
    ) -> anyhow::Result<()> {
        self.confirm(me, from, pin, "sandbox").await?;
        let _editing = self.editing.lock().await;
        let seen = self.sandbox_paper(&me.code).await?.map_or(0, |paper| paper.version);
        let papers = vec![self.fresh_sandbox_login(&me.code, seen)?];
        let (code, _) = id_of(self, me.code.as_str())?;
        let actor = itself(me, from);
        let act = Act::new(&actor, "sandbox login", json!({}));
        // The same record again: whoever follows the catalog looks anew.
        let record = record_of(self, &code).await?;
        let mut errand = self.edit(vec![CatalogChange::Member(record)], "").await?;
        errand.papers.extend(papers);
        self.carry_out(&act, errand, &act.told()).await?;
        Ok(())
    }
}
