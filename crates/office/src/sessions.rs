//! Sessions. Only their digests are stored: who reads the database cannot use them.

use crate::access::{Actor, Permission, Role};
use crate::papers::{Sheet, digest, drop, put, secret};
use crate::password;
use crate::plug::Office;
use crate::portal_session::{is_stamp, stamp};
use crate::problem::Problem;
use crate::second_factor::Spent;
use crate::tokens::TOKEN;
use crate::users::{KIND as USER, UserBody, not_proven};
use engine::{Errand, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use types::{MemberCode, MemberId};

/// What lets somebody in for a while. A restore ends all of it: who was thrown out after the copy was
/// made would be in again.
pub const ENTRIES: [&str; 3] = [SESSION, PORTAL, TOKEN];

pub(crate) const SESSION: &str = "session";
pub(crate) const PORTAL: &str = "portal-session";
/// A session that nobody uses ends after this.
const IDLE_MS: i64 = 2 * 3_600_000;
/// Every session ends after this.
const MOST_MS: i64 = 24 * 3_600_000;
/// Use is written down this often.
const SEEN_EVERY_MS: i64 = 60_000;
/// Sessions of one person at a time.
const SESSIONS_MOST: usize = 50;

/// From where somebody comes.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct From {
    pub address: String,
    pub agent: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionBody {
    pub(crate) created: i64,
    pub(crate) seen: i64,
    pub(crate) address: String,
    pub(crate) agent: String,
    /// Of a member: which credentials it had when it came in.
    #[serde(default)]
    pub(crate) stamp: String,
}

impl SessionBody {
    const fn is_over(&self, now: i64) -> bool {
        now.saturating_sub(self.seen) > IDLE_MS || now.saturating_sub(self.created) > MOST_MS
    }

    pub(crate) fn new(from: &From, now: i64, stamp: String) -> Self {
        Self {
            created: now,
            seen: now,
            address: from.address.clone(),
            agent: from.agent.chars().take(200).collect(),
            stamp,
        }
    }
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
    /// Its role needs a second factor and it has none: it may set one up and nothing else.
    pub must_set_up: bool,
}

/// A member that is logged in to its portal.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SignedMember {
    pub member: MemberId,
    pub code: MemberCode,
    pub session: String,
    pub form_key: String,
    /// It came in with what it buys with: it may choose a password of the portal and nothing else.
    pub must_set_password: bool,
    pub second_factor: bool,
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

pub(crate) fn form_key(token: &str) -> String {
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
        // What is counted and written down is never longer than a login.
        let login: String = login.trim().to_ascii_lowercase().chars().take(64).collect();
        let now = self.handle.now().utc;
        let (tried, seat) = match self.tries.login(&login, &from.address, now).await {
            Ok(tried) => tried,
            Err(why) => {
                let actor = Actor::person(&login, Role::Readonly, &from.address);
                return Err(self.paused(&actor, "login paused", why).await);
            }
        };
        let found = self.sheet::<UserBody>(USER, &login).await?.filter(|user| user.body.active);
        let fits =
            password::fits(seat, given, found.as_ref().map(|user| user.body.hash.as_str())).await?;
        let role = found.as_ref().map_or(Role::Readonly, |user| user.body.role);
        let actor = Actor::person(&login, role, &from.address);
        let Some(mut user) = found else {
            self.stranger(&actor, "login refused").await;
            return Err(wrong().into());
        };
        let place = self.place_of(&login);
        let spent = if fits { user.body.factor.spend(&place, code, now)? } else { Spent::Wrong };
        let token = secret::<32>()?;
        let session = digest(&token);
        let mut lines = Vec::new();
        let mut changed = true;
        match spent {
            // In the same commit: a code is used once, also by two at the same moment.
            Spent::Code => {}
            Spent::Recovery(left) => {
                let left = json!({"recovery_left": left});
                lines.push(self.line(&actor, "recovery code used", &left, ""));
            }
            // The page that sets the factor up shows its secret at once: the password was right.
            Spent::NotNeeded if self.wants_second_factor(&user.body).await? => {
                user.body.factor.offer(&place, &session)?;
            }
            Spent::NotNeeded => changed = false,
            Spent::Again | Spent::Wrong => {
                self.wrong(&tried, fits, now);
                self.audit(&actor, "login refused", &json!({}), "").await;
                let why = if spent == Spent::Again { not_proven(spent) } else { wrong() };
                return Err(why.into());
            }
        }
        self.tries.right(&tried);
        self.make_room(&actor, SESSION, &login).await?;
        let body = SessionBody::new(from, now.get(), String::new());
        let mut papers = vec![put(SESSION, &session, 0, &login, &body)?];
        if changed {
            papers.push(put(USER, &login, user.version, "", &user.body)?);
        }
        lines.push(self.line(&actor, "login", &json!({}), ""));
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(token)
    }

    /// True for who must set up a second factor first.
    async fn wants_second_factor(&self, user: &UserBody) -> anyhow::Result<bool> {
        let may_need = user.role.needs_second_factor() && !user.factor.is_on();
        Ok(may_need && self.rules().await?.second_factor)
    }

    /// Whose session a token is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn signed(&self, token: &str, from: &From) -> anyhow::Result<Option<Signed>> {
        let Some(session) = self.session(SESSION, token).await? else { return Ok(None) };
        let login = session.tag;
        let Some(user) = self.sheet::<UserBody>(USER, &login).await? else { return Ok(None) };
        if !user.body.active {
            return Ok(None);
        }
        let must_set_up = self.wants_second_factor(&user.body).await?;
        Ok(Some(Signed {
            actor: Actor::person(&login, user.body.role, &from.address),
            name: user.body.name,
            session: session.id,
            form_key: form_key(token),
            second_factor: user.body.factor.is_on(),
            must_set_up,
        }))
    }

    /// A living session; its tag is whose it is.
    pub(crate) async fn session(
        &self,
        kind: &str,
        token: &str,
    ) -> anyhow::Result<Option<Sheet<SessionBody>>> {
        let id = digest(token);
        let Some(mut sheet) = self.sheet::<SessionBody>(kind, &id).await? else { return Ok(None) };
        let now = self.handle.now().utc.get();
        if sheet.body.is_over(now) {
            let papers = vec![drop(kind, &id, sheet.version)];
            // Somebody else may have ended it first.
            let _ = self.run(Errand { papers, ..Errand::default() }).await;
            return Ok(None);
        }
        if now.saturating_sub(sheet.body.seen) > SEEN_EVERY_MS {
            sheet.body.seen = now;
            let papers = vec![put(kind, &id, sheet.version, &sheet.tag, &sheet.body)?];
            let _ = self.run(Errand { papers, ..Errand::default() }).await;
        }
        Ok(Some(sheet))
    }

    /// True while a session goes on that [`Self::signed`] or [`Self::signed_member`] knew; looking
    /// does not prolong it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn goes_on(&self, session: &str, member: Option<MemberId>) -> anyhow::Result<bool> {
        let kind = if member.is_some() { PORTAL } else { SESSION };
        let Some(sheet) = self.sheet::<SessionBody>(kind, session).await? else {
            return Ok(false);
        };
        let now = self.handle.now().utc.get();
        let is_active = match member {
            Some(id) => self
                .handle
                .catalog()
                .member_by_id(id)
                .is_some_and(|entry| entry.member.active && sheet.body.stamp == stamp(entry)),
            None => {
                let user = self.sheet::<UserBody>(USER, &sheet.tag).await?;
                user.is_some_and(|user| user.body.active)
            }
        };
        Ok(is_active && !sheet.body.is_over(now))
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

    /// Ends a session: one's own, another user's as a manager of users, a member's as a manager of
    /// members.
    ///
    /// # Errors
    /// [`Problem`] for who may not.
    pub async fn kill_session(&self, actor: &Actor, id: &str) -> anyhow::Result<()> {
        for kind in [SESSION, PORTAL] {
            let Some(sheet) = self.sheet::<SessionBody>(kind, id).await? else { continue };
            if sheet.tag != actor.name {
                let needed = if kind == SESSION {
                    Permission::ManageUsers
                } else {
                    Permission::ManageMembers
                };
                actor.must(needed)?;
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

    /// Ends who was quiet longest, so that one more session is not one too many.
    pub(crate) async fn make_room(
        &self,
        actor: &Actor,
        kind: &str,
        of: &str,
    ) -> anyhow::Result<()> {
        let mut all = self.sheets::<SessionBody>(kind, Some(of), None, 1_000).await?;
        let most = SESSIONS_MOST.saturating_sub(1);
        if all.len() > most {
            all.sort_by_key(|sheet| std::cmp::Reverse(sheet.body.seen));
            let papers: Vec<_> =
                all.drain(most..).map(|sheet| drop(kind, &sheet.id, sheet.version)).collect();
            let told = json!({"login": of, "quiet": papers.len(), "most": SESSIONS_MOST});
            let lines = vec![self.line(actor, "session end", &told, "")];
            let errand = Errand { papers, lines, ..Errand::default() };
            // One of them may be doing something at this moment: the next login ends it.
            let _ = self.run(errand).await;
        }
        Ok(())
    }

    /// The papers that end all sessions of one but that one.
    pub(crate) async fn sessions_end(
        &self,
        kind: &str,
        of: &str,
        keep: Option<&str>,
    ) -> anyhow::Result<Vec<PaperChange>> {
        let all = self.sheets::<SessionBody>(kind, Some(of), None, 1_000).await?;
        Ok(all
            .into_iter()
            .filter(|sheet| Some(sheet.id.as_str()) != keep)
            .map(|sheet| drop(kind, &sheet.id, sheet.version))
            .collect())
    }

    /// Forgets sessions that are over, and those whose stamp an earlier version made.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sweep_sessions(&self) -> anyhow::Result<()> {
        let now = self.handle.now().utc.get();
        let mut papers = Vec::new();
        for kind in [SESSION, PORTAL] {
            let all = self.sheets::<SessionBody>(kind, None, None, 10_000).await?;
            let over = all.into_iter().filter(|sheet| {
                sheet.body.is_over(now) || (kind == PORTAL && !is_stamp(&sheet.body.stamp))
            });
            papers.extend(over.map(|sheet| drop(kind, &sheet.id, sheet.version)));
        }
        if !papers.is_empty() {
            self.run(Errand { papers, ..Errand::default() }).await?;
        }
        Ok(())
    }
}
