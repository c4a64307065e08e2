//! People who work here: passwords, second factors, roles.

use crate::access::{Actor, Permission, Role};
use crate::papers::{Sheet, drop, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::{password, totp};
use engine::Errand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::UtcMillis;

pub(crate) const KIND: &str = "user";

/// A user as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UserBody {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) hash: String,
    /// Sealed base 32, as hexadecimal digits; absent without a second factor.
    pub(crate) totp: Option<String>,
    /// The last step whose code was used.
    #[serde(default)]
    pub(crate) totp_step: u64,
    pub(crate) active: bool,
    pub(crate) created: i64,
}

/// A user as shown.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct User {
    pub login: String,
    pub name: String,
    pub role: Role,
    pub second_factor: bool,
    pub active: bool,
}

/// A new user.
#[derive(Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NewUser {
    pub login: String,
    #[serde(default)]
    pub name: String,
    pub password: String,
    pub role: String,
}

fn login_of(text: &str) -> Result<String, Problem> {
    let login = text.trim().to_ascii_lowercase();
    let fits = (2..=32).contains(&login.len())
        && login.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if fits {
        return Ok(login);
    }
    Err(Problem::asked(
        "bad_login",
        format!("login `{text}`: 2 to 32 letters, digits, dots, dashes or underscores"),
    ))
}

fn good_password(text: &str) -> Result<(), Problem> {
    if text.chars().count() >= password::LEAST && text.len() <= 256 {
        return Ok(());
    }
    let least = password::LEAST;
    Err(Problem::asked("weak_password", format!("a password has at least {least} characters")))
}

pub(crate) fn place(login: &str) -> String {
    format!("user/{login}/totp")
}

fn shown(sheet: &Sheet<UserBody>) -> User {
    User {
        login: sheet.id.clone(),
        name: sheet.body.name.clone(),
        role: sheet.body.role,
        second_factor: sheet.body.totp.is_some(),
        active: sheet.body.active,
    }
}

impl Office {
    /// Everybody who works here, by login.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn users(&self) -> anyhow::Result<Vec<User>> {
        let mut all = self.sheets::<UserBody>(KIND, None, None, 1_000).await?;
        all.reverse();
        Ok(all.iter().map(shown).collect())
    }

    pub(crate) async fn user(&self, login: &str) -> anyhow::Result<Sheet<UserBody>> {
        let found = self.sheet(KIND, login).await?;
        found.ok_or_else(|| Problem::missing(format!("there is no user {login}")).into())
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`Problem`] for a bad login, password or role, or one that exists.
    pub async fn add_user(&self, actor: &Actor, new: NewUser) -> anyhow::Result<User> {
        actor.must(Permission::ManageUsers)?;
        let login = login_of(&new.login)?;
        let role = Role::named(&new.role)?;
        good_password(&new.password)?;
        if self.sheet::<UserBody>(KIND, &login).await?.is_some() {
            return Err(Problem::conflict("exists", format!("user {login} exists")).into());
        }
        let body = UserBody {
            name: if new.name.trim().is_empty() { login.clone() } else { new.name },
            role,
            hash: password::hash(&new.password).await?,
            totp: None,
            totp_step: 0,
            active: true,
            created: self.handle.now().utc.get(),
        };
        let detail = json!({"login": login, "role": role.word()});
        self.put_user(actor, &login, 0, &body, "user add", &detail).await?;
        Ok(shown(&Sheet {
            id: login,
            tag: String::new(),
            version: 1,
            at: UtcMillis::default(),
            body,
        }))
    }

    async fn put_user(
        &self,
        actor: &Actor,
        login: &str,
        seen: i64,
        body: &UserBody,
        what: &str,
        detail: &Value,
    ) -> anyhow::Result<()> {
        let errand = Errand {
            papers: vec![put(KIND, login, seen, "", body)?],
            lines: vec![self.line(actor, what, detail, "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(())
    }

    /// Changes role or activity; ends the sessions of who is switched off.
    ///
    /// # Errors
    /// [`Problem`] when nobody could manage users any more.
    pub async fn set_user(
        &self,
        actor: &Actor,
        login: &str,
        role: Option<&str>,
        active: Option<bool>,
    ) -> anyhow::Result<User> {
        actor.must(Permission::ManageUsers)?;
        let mut sheet = self.user(login).await?;
        let was_owner = sheet.body.active && sheet.body.role == Role::Owner;
        if let Some(word) = role {
            sheet.body.role = Role::named(word)?;
        }
        if let Some(active) = active {
            sheet.body.active = active;
        }
        let is_owner = sheet.body.active && sheet.body.role == Role::Owner;
        if was_owner && !is_owner {
            let owners = self.users().await?;
            let left = owners.iter().filter(|user| user.active && user.role == Role::Owner);
            if left.count() < 2 {
                return Err(Problem::asked("last_owner", "nobody could manage users then").into());
            }
        }
        let detail =
            json!({"login": login, "role": sheet.body.role.word(), "active": sheet.body.active});
        self.put_user(actor, login, sheet.version, &sheet.body, "user set", &detail).await?;
        // What somebody was allowed before ends now.
        self.kill_sessions_of(login, None).await?;
        Ok(shown(&sheet))
    }

    /// A new password: one's own with the old one, another's as a manager of users. Sessions end.
    ///
    /// # Errors
    /// [`Problem`] for a wrong or weak one.
    pub async fn set_password(
        &self,
        actor: &Actor,
        login: &str,
        old: Option<&str>,
        new: &str,
        keep: Option<&str>,
    ) -> anyhow::Result<()> {
        let mut sheet = self.user(login).await?;
        if actor.name == login {
            let fits = password::fits(old.unwrap_or_default(), Some(&sheet.body.hash)).await?;
            if !fits {
                return Err(Problem::forbidden("the old password is another one").into());
            }
        } else {
            actor.must(Permission::ManageUsers)?;
        }
        good_password(new)?;
        sheet.body.hash = password::hash(new).await?;
        let detail = json!({"login": login});
        self.put_user(actor, login, sheet.version, &sheet.body, "user password", &detail).await?;
        self.kill_sessions_of(login, keep).await
    }

    /// A secret for an authenticator app and what the app reads: it counts only once it is
    /// confirmed by a code.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn offer_second_factor(&self, login: &str) -> anyhow::Result<(String, String)> {
        let secret = totp::generate()?;
        let url = totp::url(login, &secret);
        Ok((secret, url))
    }

    /// Turns the second factor on with the code that proves that the app has the secret.
    ///
    /// # Errors
    /// [`Problem`] for a wrong code.
    pub async fn confirm_second_factor(
        &self,
        actor: &Actor,
        secret: &str,
        code: &str,
    ) -> anyhow::Result<()> {
        let now = self.handle.now().utc;
        let step = totp::check(secret, code, now, 0)?.ok_or_else(|| {
            Problem::asked("wrong_code", "that code does not fit; try the next one")
        })?;
        let mut sheet = self.user(&actor.name).await?;
        let sealed = self.key.seal(&place(&actor.name), secret)?;
        sheet.body.totp = Some(crate::papers::hex(&sealed.0));
        sheet.body.totp_step = step;
        let detail = json!({"login": actor.name});
        self.put_user(actor, &actor.name, sheet.version, &sheet.body, "second factor on", &detail)
            .await
    }

    /// Takes the second factor of somebody away who lost it.
    ///
    /// # Errors
    /// [`Problem`] for who may not.
    pub async fn remove_second_factor(&self, actor: &Actor, login: &str) -> anyhow::Result<()> {
        actor.must(Permission::ManageUsers)?;
        let mut sheet = self.user(login).await?;
        sheet.body.totp = None;
        let detail = json!({"login": login});
        self.put_user(actor, login, sheet.version, &sheet.body, "second factor off", &detail)
            .await?;
        self.kill_sessions_of(login, None).await
    }

    /// Removes a user for good; the journal keeps what was done.
    ///
    /// # Errors
    /// [`Problem`] for oneself.
    pub async fn remove_user(&self, actor: &Actor, login: &str) -> anyhow::Result<()> {
        actor.must(Permission::ManageUsers)?;
        if actor.name == login {
            return Err(Problem::asked("yourself", "somebody else must remove you").into());
        }
        self.set_user(actor, login, None, Some(false)).await?;
        let sheet = self.user(login).await?;
        let errand = Errand {
            papers: vec![drop(KIND, login, sheet.version)],
            lines: vec![self.line(actor, "user remove", &json!({"login": login}), "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(())
    }
}
