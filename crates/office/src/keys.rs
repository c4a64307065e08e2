//! Keys of members for the JSON door. The secret is sealed: a sign needs it in the clear.

use crate::access::{Actor, Permission};
use crate::papers::{drop, put, secret};
use crate::plug::Office;
use crate::problem::Problem;
use crate::sessions::{From, SignedMember};
use engine::{Errand, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Sealed;
use types::MemberCode;
use wire::Secret;

pub(crate) const KEY: &str = "apikey";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyBody {
    pub(crate) member: String,
    name: String,
    sealed: String,
    created: i64,
}

/// A key in a list.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct KeyRow {
    pub id: String,
    pub member: String,
    pub name: String,
    pub created: i64,
}

/// Where the secret of a member's key is sealed for: it opens for no other member.
pub(crate) fn place(member: &str, id: &str) -> String {
    format!("member/{member}/apikey/{id}")
}

/// Where it is sealed for as it stands: values without the id of their key are from before, when the
/// place did not name the member. The next rotation seals them for theirs.
pub(crate) fn place_of(member: &str, id: &str, sealed: &Sealed) -> String {
    match sealed.key() {
        Some(_) => place(member, id),
        None => format!("apikey/{id}/secret"),
    }
}

/// The papers that end all keys of a member.
pub(crate) async fn end_of(office: &Office, member: &str) -> anyhow::Result<Vec<PaperChange>> {
    let all = office.sheets::<KeyBody>(KEY, Some(member), None, 1_000).await?;
    Ok(all.into_iter().map(|sheet| drop(KEY, &sheet.id, sheet.version)).collect())
}

impl Office {
    /// A new key for oneself, at the portal, with the PIN: it buys at once.
    ///
    /// # Errors
    /// [`Problem`] for a wrong PIN or too many keys.
    pub async fn add_own_key(
        &self,
        me: &SignedMember,
        from: &From,
        pin: &str,
        name: &str,
        plays: bool,
    ) -> anyhow::Result<(String, String)> {
        self.confirm(me, from, pin, "key add").await?;
        let actor = Actor::member(&me.code, from);
        self.make_key(&actor, me.code.as_str(), name, if plays { "gks_" } else { "gk_" }).await
    }

    /// A new key of a member: its id and its secret, which is shown once.
    ///
    /// # Errors
    /// [`Problem`] for an unknown member or too many keys.
    pub async fn add_key(
        &self,
        actor: &Actor,
        member: &str,
        name: &str,
    ) -> anyhow::Result<(String, String)> {
        self.make_key(actor, member, name, "gk_").await
    }

    /// Keys of the sandbox begin in another way, and reach nothing else.
    async fn make_key(
        &self,
        actor: &Actor,
        member: &str,
        name: &str,
        begins: &str,
    ) -> anyhow::Result<(String, String)> {
        let (code, _) = self.member_of(member)?;
        if self.keys(Some(code.as_str())).await?.len() >= 10 {
            return Err(Problem::asked("too_many_keys", "remove one of the ten keys first").into());
        }
        let (id, plain) = (format!("{begins}{}", secret::<10>()?), secret::<32>()?);
        let body = KeyBody {
            member: code.to_string(),
            name: name.trim().chars().take(60).collect(),
            sealed: types::hex(&self.key.seal(&place(code.as_str(), &id), &plain)?.0),
            created: self.handle.now().utc.get(),
        };
        let detail = json!({"member": code.as_str(), "key": id});
        let errand = Errand {
            papers: vec![put(KEY, &id, 0, code.as_str(), &body)?],
            lines: vec![self.line(actor, "key add", &detail, "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok((id, plain))
    }

    /// Keys of a member, or all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keys(&self, member: Option<&str>) -> anyhow::Result<Vec<KeyRow>> {
        let all = self.sheets::<KeyBody>(KEY, member, None, 1_000).await?;
        Ok(all
            .into_iter()
            .map(|sheet| KeyRow {
                id: sheet.id,
                member: sheet.body.member,
                name: sheet.body.name,
                created: sheet.body.created,
            })
            .collect())
    }

    /// Takes a key back: a member's own, or any as a manager of members.
    ///
    /// # Errors
    /// [`Problem`] when there is none.
    pub async fn remove_key(
        &self,
        actor: &Actor,
        id: &str,
        own: Option<&MemberCode>,
    ) -> anyhow::Result<()> {
        if own.is_none() {
            actor.must(Permission::ManageMembers)?;
        }
        let found = self.sheet::<KeyBody>(KEY, id).await?;
        let ours = found.filter(|sheet| own.is_none_or(|code| sheet.body.member == code.as_str()));
        let sheet = ours.ok_or_else(|| Problem::missing("there is no such key"))?;
        let detail = json!({"member": sheet.body.member, "key": id});
        let errand = Errand {
            papers: vec![drop(KEY, id, sheet.version)],
            lines: vec![self.line(actor, "key remove", &detail, "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(())
    }

    /// Whose key it is, and its secret.
    ///
    /// # Errors
    /// When the store does not answer, or the master key is another one.
    pub async fn key_secret(&self, id: &str) -> anyhow::Result<Option<(MemberCode, Secret)>> {
        if id.len() > 64 {
            return Ok(None);
        }
        let Some(sheet) = self.sheet::<KeyBody>(KEY, id).await? else { return Ok(None) };
        let sealed = Sealed(types::unhex(&sheet.body.sealed).unwrap_or_default());
        let plain = self.key.open(&place_of(&sheet.body.member, id, &sealed), &sealed)?;
        Ok(Some((MemberCode::parse(&sheet.body.member)?, Secret::new(plain.as_str()))))
    }
}
