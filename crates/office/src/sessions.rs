//! Sessions. Only their digests are stored: who reads the database cannot use them.

use crate::access::{Actor, Permission, Role};
use crate::papers::{Sheet, digest, drop, put, secret, unhex};
use crate::plug::Office;
use crate::problem::Problem;
use crate::users::{KIND as USER, UserBody, place};
use crate::{password, totp};
use engine::Errand;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Sealed;
use subtle::ConstantTimeEq as _;
use types::{MemberCode, MemberId, UtcMillis};

const SESSION: &str = "session";
const PORTAL: &str = "portal-session";
/// A session that nobody uses ends after this.
const IDLE_MS: i64 = 2 * 3_600_000;
/// Every session ends after this.
const MOST_MS: i64 = 24 * 3_600_000;
/// Use is written down this often.
const SEEN_EVERY_MS: i64 = 5 * 60_000;

/// From where somebody comes.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct From {
    pub address: String,
    pub agent: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SessionBody {
    created: i64,
    seen: i64,
    address: String,
    agent: String,
    /// Of a member: its credentials when it came in.
    #[serde(default)]
    stamp: String,
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Who.
    pub actor: Actor,
    /// Shown on pages.
    pub name: String,
    /// The session, as it is listed.
    pub session: String,
    /// What forms must carry.
    pub form_key: String,
    /// True with a second factor.
    pub second_factor: bool,
}

/// A member that is logged in to its portal.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SignedMember {
    pub member: MemberId,
    pub code: MemberCode,
    pub session: String,
    pub form_key: String,
}

/// A session in a list.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct SessionRow {
    pub id: String,
    pub login: String,
    pub created: i64,
    pub seen: i64,
    pub address: String,
    pub agent: String,
}

fn form_key(token: &str) -> String {
    digest(&format!("form {token}"))
}

fn wrong() -> Problem {
    Problem { code: "wrong_login", status: 401, detail: "login, password or code is wrong".into() }
}

impl Office {
    /// Logs somebody in; the token is for their cookie.
    ///
    /// # Errors
    /// [`Problem`]: wrong, or tried too often from there.
    pub async fn log_in(
        &self,
        login: &str,
        given: &str,
        code: &str,
        from: &From,
    ) -> anyhow::Result<String> {
        let login = login.trim().to_ascii_lowercase();
        let now = self.handle.now().utc;
        let who = (login.clone(), from.address.clone());
        self.lockout.check(&who, now)?;
        let found = self.sheet::<UserBody>(USER, &login).await?.filter(|user| user.body.active);
        let fits =
            password::fits(given, found.as_ref().map(|user| user.body.hash.as_str())).await?;
        let role = found.as_ref().map_or(Role::Readonly, |user| user.body.role);
        let actor = Actor::person(&login, role, &from.address);
        let second = match (&found, fits) {
            (Some(user), true) => self.second_factor(user, code, now)?,
            (Some(_) | None, _) => None,
        };
        let (Some(mut user), Some(step)) = (found, second) else {
            self.lockout.wrong(who, now);
            self.audit(&actor, "login refused", &json!({"login": login}), "").await;
            return Err(wrong().into());
        };
        self.lockout.right(&who);
        let token = secret(32)?;
        let body = SessionBody {
            created: now.get(),
            seen: now.get(),
            address: from.address.clone(),
            agent: from.agent.chars().take(200).collect(),
            stamp: String::new(),
        };
        let mut papers = vec![put(SESSION, &digest(&token), 0, &login, &body)?];
        if step > user.body.totp_step {
            // In the same commit: a code is used once, also by two at the same moment.
            user.body.totp_step = step;
            papers.push(put(USER, &login, user.version, "", &user.body)?);
        }
        let lines = vec![self.line(&actor, "login", &json!({}), "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(token)
    }

    /// The step of a right code; 0 for who has no second factor.
    fn second_factor(
        &self,
        user: &Sheet<UserBody>,
        code: &str,
        now: UtcMillis,
    ) -> anyhow::Result<Option<u64>> {
        let Some(sealed) = &user.body.totp else { return Ok(Some(0)) };
        let sealed = Sealed(unhex(sealed).unwrap_or_default());
        let secret = self.key.open(&place(&user.id), &sealed)?;
        totp::check(&secret, code, now, user.body.totp_step)
    }

    /// Whose session a token is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn signed(&self, token: &str, from: &From) -> anyhow::Result<Option<Signed>> {
        let Some((session, login)) = self.session(SESSION, token).await? else { return Ok(None) };
        let Some(user) = self.sheet::<UserBody>(USER, &login).await? else { return Ok(None) };
        if !user.body.active {
            return Ok(None);
        }
        Ok(Some(Signed {
            actor: Actor::person(&login, user.body.role, &from.address),
            name: user.body.name,
            session,
            form_key: form_key(token),
            second_factor: user.body.totp.is_some(),
        }))
    }

    /// A living session: its name and whose it is.
    async fn session(&self, kind: &str, token: &str) -> anyhow::Result<Option<(String, String)>> {
        let id = digest(token);
        let Some(mut sheet) = self.sheet::<SessionBody>(kind, &id).await? else { return Ok(None) };
        let now = self.handle.now().utc.get();
        let body = &sheet.body;
        if now - body.seen > IDLE_MS || now - body.created > MOST_MS {
            let papers = vec![drop(kind, &id, sheet.version)];
            // Somebody else may have ended it first.
            let _ = self.run(Errand { papers, ..Errand::default() }).await;
            return Ok(None);
        }
        if now - body.seen > SEEN_EVERY_MS {
            sheet.body.seen = now;
            let papers = vec![put(kind, &id, sheet.version, &sheet.tag, &sheet.body)?];
            let _ = self.run(Errand { papers, ..Errand::default() }).await;
        }
        Ok(Some((id, sheet.tag)))
    }

    /// True when a form was made by this session.
    #[must_use]
    pub fn form_fits(given: &str, wanted: &str) -> bool {
        bool::from(given.as_bytes().ct_eq(wanted.as_bytes()))
    }

    /// All sessions, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sessions(&self, of: Option<&str>) -> anyhow::Result<Vec<SessionRow>> {
        let mut all = self.sheets::<SessionBody>(SESSION, of, None, 1_000).await?;
        all.sort_by_key(|sheet| std::cmp::Reverse(sheet.body.seen));
        Ok(all
            .into_iter()
            .map(|sheet| SessionRow {
                id: sheet.id,
                login: sheet.tag,
                created: sheet.body.created,
                seen: sheet.body.seen,
                address: sheet.body.address,
                agent: sheet.body.agent,
            })
            .collect())
    }

    /// Ends a session: one's own, or another's as a manager of users.
    ///
    /// # Errors
    /// [`Problem`] for who may not.
    pub async fn kill_session(&self, actor: &Actor, id: &str) -> anyhow::Result<()> {
        for kind in [SESSION, PORTAL] {
            let Some(sheet) = self.sheet::<SessionBody>(kind, id).await? else { continue };
            if kind == SESSION && sheet.tag != actor.name {
                actor.must(Permission::ManageUsers)?;
            }
            let errand = Errand {
                papers: vec![drop(kind, id, sheet.version)],
                lines: vec![self.line(actor, "session end", &json!({"login": sheet.tag}), "")],
                ..Errand::default()
            };
            self.run(errand).await?;
        }
        Ok(())
    }

    pub(crate) async fn kill_sessions_of(
        &self,
        login: &str,
        keep: Option<&str>,
    ) -> anyhow::Result<()> {
        let all = self.sheets::<SessionBody>(SESSION, Some(login), None, 1_000).await?;
        let papers = all
            .into_iter()
            .filter(|sheet| Some(sheet.id.as_str()) != keep)
            .map(|sheet| drop(SESSION, &sheet.id, sheet.version))
            .collect();
        self.run(Errand { papers, ..Errand::default() }).await?;
        Ok(())
    }

    /// Logs a member in to its portal with what it buys with: password and PIN.
    ///
    /// # Errors
    /// [`Problem`]: wrong, or tried too often from there.
    pub async fn log_member_in(
        &self,
        code: &str,
        given_password: &str,
        given_pin: &str,
        from: &From,
    ) -> anyhow::Result<String> {
        let now = self.handle.now().utc;
        let who = (format!("member {}", code.trim().to_ascii_uppercase()), from.address.clone());
        self.lockout.check(&who, now)?;
        let catalog = self.handle.catalog();
        let entry = MemberCode::parse(code.trim()).ok().and_then(|code| catalog.member(&code));
        let fits = entry.filter(|entry| {
            let same = |given: &str, own: &str| given.as_bytes().ct_eq(own.as_bytes());
            let both =
                same(given_password, entry.password.expose()) & same(given_pin, entry.pin.expose());
            bool::from(both)
        });
        let Some(entry) = fits else {
            self.lockout.wrong(who, now);
            return Err(wrong().into());
        };
        self.lockout.right(&who);
        let token = secret(32)?;
        let body = SessionBody {
            created: now.get(),
            seen: now.get(),
            address: from.address.clone(),
            agent: from.agent.chars().take(200).collect(),
            stamp: stamp(entry),
        };
        let member = &entry.member.code;
        let papers = vec![put(PORTAL, &digest(&token), 0, member.as_str(), &body)?];
        let actor = Actor::member(member, from);
        let lines = vec![self.line(&actor, "portal login", &json!({}), "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(token)
    }

    /// Whose portal session a token is. New credentials end it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn signed_member(&self, token: &str) -> anyhow::Result<Option<SignedMember>> {
        let Some((session, code)) = self.session(PORTAL, token).await? else { return Ok(None) };
        let stamped = self.sheet::<SessionBody>(PORTAL, &session).await?;
        let catalog = self.handle.catalog();
        let Some(entry) = MemberCode::parse(&code).ok().and_then(|code| catalog.member(&code))
        else {
            return Ok(None);
        };
        if stamped.is_none_or(|sheet| sheet.body.stamp != stamp(entry)) {
            return Ok(None);
        }
        Ok(Some(SignedMember {
            member: entry.member.id,
            code: entry.member.code.clone(),
            session,
            form_key: form_key(token),
        }))
    }
}

/// Changes with the credentials.
fn stamp(entry: &engine::MemberEntry) -> String {
    digest(&format!("{}\n{}", entry.pin.expose(), entry.password.expose()))
}
