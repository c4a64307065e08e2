//! Tokens: programs that act for a person. Only their digests are stored.
//!
//! A token is its person's: it may no more than that person may, it ends with the person's role, lock
//! or removal, and it agrees to nothing.

use crate::access::{Actor, LOCAL, NOBODY, Permission, Role};
use crate::papers::{digest, drop, put, secret};
use crate::plug::Office;
use crate::problem::Problem;
use crate::sessions::From;
use crate::users::{KIND as USER, UserBody};
use engine::Errand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "token";
const DAY_MS: i64 = 86_400_000;
/// Days a token lives when nobody says otherwise, and at most.
const DAYS: i64 = 90;
const DAYS_MOST: i64 = 366;
/// Use is written down this often.
const SEEN_EVERY_MS: i64 = 5 * 60_000;

/// A token as stored. Those of before belong to who made them.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct TokenBody {
    name: String,
    role: Role,
    by: String,
    created: i64,
    #[serde(default)]
    person: Option<String>,
    /// The person's role when it was made.
    #[serde(default)]
    person_role: Option<Role>,
    #[serde(default)]
    expires: Option<i64>,
    #[serde(default)]
    used: Option<i64>,
}

impl TokenBody {
    fn person(&self) -> &str {
        self.person.as_deref().unwrap_or(&self.by)
    }

    fn expires(&self) -> i64 {
        self.expires.unwrap_or_else(|| self.created.saturating_add(DAYS * DAY_MS))
    }
}

/// A new token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may: a role its person has, or less; `feed` for one that reports bank credits. What
    /// a feed reports is believed above a person's limits only when it was made at the machine.
    pub role: String,
    /// Whose it is; one's own when absent.
    #[serde(default)]
    pub person: Option<String>,
    /// Days it lives.
    #[serde(default)]
    pub days: Option<i64>,
}

/// A token of the JSON API in a list.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub person: String,
    pub by: String,
    pub created: i64,
    pub expires: i64,
    pub used: Option<i64>,
}

impl Office {
    /// A token for a program of a person; it is shown once.
    ///
    /// # Errors
    /// [`Problem`] for who may not, for a role above the person's, or a life out of range.
    pub async fn add_token(&self, actor: &Actor, new: NewToken) -> anyhow::Result<String> {
        actor.must(Permission::ManageUsers)?;
        let role = Role::of_token(&new.role)?;
        let person = new.person.map_or_else(|| actor.name.clone(), |person| person.trim().into());
        if person == LOCAL {
            let why = "a token belongs to a person: say whose, with `person` (--user)";
            return Err(Problem::asked("no_person", why).into());
        }
        let user = self.user(&person).await?.body;
        if !(user.active && user.role.covers(role)) {
            let (has, wants) = (user.role.word(), role.word());
            let why =
                format!("{person} is {has}, active: {}; its token cannot be {wants}", user.active);
            return Err(Problem::asked("above_its_person", why).into());
        }
        let days = new.days.unwrap_or(DAYS);
        if !(1..=DAYS_MOST).contains(&days) {
            let why = format!("a token lives 1 to {DAYS_MOST} days, not {days}");
            return Err(Problem::asked("bad_days", why).into());
        }
        let token = format!("gbt_{}", secret::<32>()?);
        let now = self.handle.now().utc;
        let body = TokenBody {
            name: new.name.trim().chars().take(80).collect(),
            role,
            by: actor.name.clone(),
            created: now.get(),
            person: Some(person.clone()),
            person_role: Some(user.role),
            expires: Some(now.after(days.saturating_mul(DAY_MS)).get()),
            used: None,
        };
        let detail =
            json!({"name": body.name, "role": role.word(), "person": person, "days": days});
        let errand = Errand {
            papers: vec![put(TOKEN, &digest(&token), 0, &person, &body)?],
            lines: vec![self.line(actor, "token add", &detail, "done")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(token)
    }

    /// Who speaks with a token: its person, as long as that one is what it was.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn token(&self, token: &str, from: &From) -> anyhow::Result<Option<Actor>> {
        let id = digest(token);
        let Some(mut sheet) = self.sheet::<TokenBody>(TOKEN, &id).await? else { return Ok(None) };
        let now = self.handle.now().utc.get();
        let person = sheet.body.person().to_owned();
        let Some(user) = self.sheet::<UserBody>(USER, &person).await? else { return Ok(None) };
        let is_same = sheet.body.person_role.is_none_or(|role| role == user.body.role);
        let lives = now < sheet.body.expires() && user.body.active && is_same;
        if !(lives && user.body.role.covers(sheet.body.role)) {
            return Ok(None);
        }
        let mut actor = Actor::program(&person, &sheet.body.name, sheet.body.role, &from.address);
        // A feed that somebody makes in a browser is that person's word.
        actor.believed = sheet.body.role == Role::Feed && sheet.body.by == LOCAL;
        if sheet.body.used.is_none_or(|used| now.saturating_sub(used) > SEEN_EVERY_MS) {
            sheet.body.used = Some(now);
            let papers = vec![put(TOKEN, &id, sheet.version, &sheet.tag, &sheet.body)?];
            // Another request may have written it at the same moment.
            let _ = self.run(Errand { papers, ..Errand::default() }).await;
        }
        Ok(Some(actor))
    }

    /// A line of a token that opened nothing: at most one for an address and minute, with the number
    /// of tries. Whose token it was is told where it is known.
    pub async fn token_refused(&self, token: &str, from: &From, mut tried: Value) {
        if !self.counted("token", &from.address, &mut tried) {
            return;
        }
        let known = self.sheet::<TokenBody>(TOKEN, &digest(token)).await.ok().flatten();
        let (actor, why) = match known {
            Some(sheet) => {
                let TokenBody { name, role, .. } = &sheet.body;
                let actor = Actor::program(sheet.body.person(), name, *role, &from.address);
                (actor, "it is over, or its person is locked, removed or has another role")
            }
            None => {
                (Actor::person(NOBODY, Role::Readonly, &from.address), "there is no such token")
            }
        };
        self.audit(&actor, "token refused", &tried, why).await;
    }

    /// All tokens.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tokens(&self) -> anyhow::Result<Vec<TokenRow>> {
        let all = self.sheets::<TokenBody>(TOKEN, None, None, 1_000).await?;
        Ok(all
            .into_iter()
            .map(|sheet| TokenRow {
                id: sheet.id,
                person: sheet.body.person().to_owned(),
                expires: sheet.body.expires(),
                name: sheet.body.name,
                role: sheet.body.role,
                by: sheet.body.by,
                created: sheet.body.created,
                used: sheet.body.used,
            })
            .collect())
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// [`Problem`] for who may not.
    pub async fn remove_token(&self, actor: &Actor, id: &str) -> anyhow::Result<()> {
        actor.must(Permission::ManageUsers)?;
        let Some(sheet) = self.sheet::<TokenBody>(TOKEN, id).await? else {
            return Err(Problem::missing("there is no such token").into());
        };
        let errand = Errand {
            papers: vec![drop(TOKEN, id, sheet.version)],
            lines: vec![self.line(
                actor,
                "token remove",
                &json!({"name": sheet.body.name}),
                "done",
            )],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_before_is_its_maker_s_for_ninety_days() {
        let body = r#"{"name":"bot","role":"cs","by":"ani","created":1000}"#;
        let body: TokenBody = serde_json::from_str(body).unwrap();
        assert_eq!((body.person(), body.expires()), ("ani", 1_000 + 90 * 86_400_000));
    }
}
