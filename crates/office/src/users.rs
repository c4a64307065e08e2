//! People who work here: passwords, second factors, roles.

use crate::access::{Actor, Permission, Role};
use crate::act::Act;
use crate::papers::{Sheet, drop, is_stale, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::second_factor::{Factor, Place, Spent};
use crate::sessions::SESSION;
use crate::step_up::{Proof, Proven};
use crate::{password, strength, totp};
use engine::Errand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::UtcMillis;

pub(crate) const KIND: &str = "user";
/// Tries when sessions change at the same moment.
const TRIES: usize = 3;

/// A user as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UserBody {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) hash: String,
    #[serde(flatten)]
    pub(crate) factor: Factor,
    pub(crate) active: bool,
    pub(crate) created: i64,
    /// From when on it may agree to what others ask: not at once after one person made it, or
    /// changed who it is.
    #[serde(default)]
    pub(crate) agrees_from: i64,
    /// Until when one that was locked, or lost its role, still counts as a second person.
    #[serde(default)]
    pub(crate) counts_until: i64,
}

impl UserBody {
    /// True for who may agree to something, once it is known.
    pub(crate) fn is_approver(&self) -> bool {
        self.active && self.role.may(Permission::Approve)
    }

    /// True for who counts as a second person.
    pub(crate) fn counts(&self, now: i64) -> bool {
        (self.is_approver() && now >= self.agrees_from) || now < self.counts_until
    }
}

/// Where the second factor of a user is kept.
pub(crate) fn place(login: &str) -> String {
    format!("user/{login}/totp")
}

/// More people than any business has.
const USERS_MOST: u32 = 1_000;
/// After one person made a user, or gave it another role, password or second factor, it agrees to
/// nothing for this long: time for the others to notice that it is nobody.
const STRANGE_MS: i64 = 24 * 3_600_000;

/// A user as shown.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct User {
    pub login: String,
    pub name: String,
    pub role: Role,
    pub second_factor: bool,
    pub recovery_left: usize,
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
    if fits && is_reserved(&login) {
        let why = format!("`{login}` is a name of the system; choose another login");
        return Err(Problem::asked("reserved_login", why));
    }
    if fits {
        return Ok(login);
    }
    Err(Problem::asked(
        "bad_login",
        format!("login `{text}`: 2 to 32 letters, digits, dots, dashes or underscores"),
    ))
}

/// Names that mean somebody else where it is written who did what: the machine, tokens, members.
fn is_reserved(login: &str) -> bool {
    const WHOLE: [&str; 8] =
        ["local", "system", "gerbang", "office", "operator", "nobody", "token", "member"];
    let first = login.split(['.', '-', '_']).next().unwrap_or_default();
    WHOLE.contains(&login) || ["token", "member"].contains(&first)
}

/// What somebody is told whose password or code does not fit.
pub(crate) fn not_proven(spent: Spent) -> Problem {
    if spent == Spent::Again {
        let why = "that code was used already; wait for the next one of your app";
        return Problem { code: "used_code", status: 403, detail: why.into() };
    }
    Problem { code: "wrong_proof", status: 403, detail: "password or code is wrong".into() }
}

fn shown(sheet: &Sheet<UserBody>) -> User {
    User {
        login: sheet.id.clone(),
        name: sheet.body.name.clone(),
        role: sheet.body.role,
        second_factor: sheet.body.factor.is_on(),
        recovery_left: sheet.body.factor.recovery_left(),
        active: sheet.body.active,
    }
}

impl Office {
    /// Everybody who works here, by login.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn users(&self) -> anyhow::Result<Vec<User>> {
        let mut all = self.all_users().await?;
        all.reverse();
        Ok(all.iter().map(shown).collect())
    }

    pub(crate) async fn all_users(&self) -> anyhow::Result<Vec<Sheet<UserBody>>> {
        self.sheets(KIND, None, None, USERS_MOST).await
    }

    pub(crate) async fn user(&self, login: &str) -> anyhow::Result<Sheet<UserBody>> {
        let found = self.sheet(KIND, login).await?;
        found.ok_or_else(|| Problem::missing(format!("there is no user {login}")).into())
    }

    pub(crate) fn place_of(&self, login: &str) -> Place<'_> {
        Place { key: &self.key, name: place(login) }
    }

    /// Makes a user; one that exists is never changed by this.
    ///
    /// # Errors
    /// [`Problem`] for a bad login, password or role, or one that exists.
    pub async fn add_user(&self, actor: &Actor, _: &Proven, new: NewUser) -> anyhow::Result<User> {
        actor.must(Permission::ManageUsers)?;
        let login = login_of(&new.login)?;
        let role = Role::named(&new.role)?;
        let detail = json!({"login": login, "role": role.word()});
        let weak = strength::person_password(&new.password, &[&login, &new.name]);
        self.told(weak, &Act::new(actor, "user add", detail.clone())).await?;
        if self.sheet::<UserBody>(KIND, &login).await?.is_some() {
            let why = format!("user {login} exists; change it on its own page");
            return Err(Problem::conflict("exists", why).into());
        }
        let body = UserBody {
            name: if new.name.trim().is_empty() { login.clone() } else { new.name },
            role,
            hash: password::hash(&new.password).await?,
            factor: Factor::default(),
            active: true,
            created: self.handle.now().utc.get(),
            agrees_from: self.agrees_from(actor),
            counts_until: 0,
        };
        self.put_user(actor, &login, 0, &body, "user add", &detail).await?;
        Ok(shown(&Sheet {
            id: login,
            tag: String::new(),
            version: 1,
            at: UtcMillis::default(),
            body,
        }))
    }

    /// From when on somebody may agree whom this person makes or changes now.
    fn agrees_from(&self, actor: &Actor) -> i64 {
        if actor.is_local() { 0 } else { self.handle.now().utc.after(STRANGE_MS).get() }
    }

    /// Somebody may be behind this user now who is not its person: it agrees to nothing for a while,
    /// and counts meanwhile, so that nobody becomes the only one by it.
    fn make_strange(&self, actor: &Actor, body: &mut UserBody) {
        let until = self.agrees_from(actor);
        let agreed = self.handle.now().utc.get() >= body.agrees_from;
        if agreed && body.is_approver() {
            body.counts_until = body.counts_until.max(until);
        }
        body.agrees_from = body.agrees_from.max(until);
    }

    pub(crate) async fn put_user(
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

    /// The same, and in the same commit all its sessions but that one end.
    async fn put_and_end(
        &self,
        actor: &Actor,
        sheet: &Sheet<UserBody>,
        what: &str,
        detail: &Value,
        keep: Option<&str>,
    ) -> anyhow::Result<()> {
        let mut tries = 0;
        loop {
            let mut papers = vec![put(KIND, &sheet.id, sheet.version, "", &sheet.body)?];
            papers.extend(self.sessions_end(SESSION, &sheet.id, keep).await?);
            let lines = vec![self.line(actor, what, detail, "")];
            match self.run(Errand { papers, lines, ..Errand::default() }).await {
                // A session that moved on or ended meanwhile.
                Err(error) if is_stale(&error) && tries < TRIES => tries = tries.saturating_add(1),
                done => return done.map(|_| ()),
            }
        }
    }

    /// Changes role or activity; ends the sessions of who is switched off.
    ///
    /// # Errors
    /// [`Problem`] when nobody could manage users any more.
    pub async fn set_user(
        &self,
        actor: &Actor,
        _: &Proven,
        login: &str,
        role: Option<&str>,
        active: Option<bool>,
    ) -> anyhow::Result<User> {
        actor.must(Permission::ManageUsers)?;
        let mut sheet = self.user(login).await?;
        let was_owner = sheet.body.active && sheet.body.role == Role::Owner;
        let could_agree = sheet.body.is_approver();
        if let Some(word) = role {
            sheet.body.role = Role::named(word)?;
        }
        if let Some(active) = active {
            sheet.body.active = active;
        }
        let can_agree = sheet.body.is_approver();
        match (could_agree, can_agree) {
            (false, true) => sheet.body.agrees_from = self.agrees_from(actor),
            // Whoever has the machine locks and is done with it.
            (true, false) if self.handle.now().utc.get() >= sheet.body.agrees_from => {
                sheet.body.counts_until = self.agrees_from(actor);
            }
            (true, false | true) | (false, false) => {}
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
        // What somebody was allowed before ends now.
        self.put_and_end(actor, &sheet, "user set", &detail, None).await?;
        Ok(shown(&sheet))
    }

    /// One's own new password, with the old one and a code where a second factor is on. Other
    /// sessions end.
    ///
    /// # Errors
    /// [`Problem`] for a wrong old one, which is counted, or a weak new one.
    pub async fn set_own_password(
        &self,
        actor: &Actor,
        proof: Proof<'_>,
        new: &str,
        keep: Option<&str>,
    ) -> anyhow::Result<()> {
        self.step_up(actor, proof, "password").await?;
        self.put_password(actor, &actor.name, new, keep).await
    }

    /// Somebody else's new password. Role and second factor stay as they are; sessions end.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or a weak one.
    pub async fn reset_password(
        &self,
        actor: &Actor,
        _: &Proven,
        login: &str,
        new: &str,
    ) -> anyhow::Result<()> {
        actor.must(Permission::ManageUsers)?;
        if actor.name == login {
            let why = "your own password is changed on the page of your account";
            return Err(Problem::asked("yourself", why).into());
        }
        self.put_password(actor, login, new, None).await
    }

    async fn put_password(
        &self,
        actor: &Actor,
        login: &str,
        new: &str,
        keep: Option<&str>,
    ) -> anyhow::Result<()> {
        let known = self.user(login).await?.body.name;
        let detail = json!({"login": login});
        let act = Act::new(actor, "user password", detail.clone());
        self.told(strength::person_password(new, &[login, &known]), &act).await?;
        let hash = password::hash(new).await?;
        let mut sheet = self.user(login).await?;
        sheet.body.hash = hash;
        if actor.name != login {
            self.make_strange(actor, &mut sheet.body);
        }
        self.put_and_end(actor, &sheet, "user password", &detail, keep).await
    }

    /// Begins to set up a second factor, or another one: the secret is kept here and shown to this
    /// session until a code confirms it.
    ///
    /// # Errors
    /// [`Problem`] for a wrong password, or a wrong code of the one that is on.
    pub async fn offer_second_factor(
        &self,
        actor: &Actor,
        session: &str,
        proof: Proof<'_>,
    ) -> anyhow::Result<()> {
        self.step_up(actor, proof, "second factor").await?;
        let mut sheet = self.user(&actor.name).await?;
        sheet.body.factor.offer(&self.place_of(&actor.name), session)?;
        let what = "second factor offered";
        self.put_user(actor, &actor.name, sheet.version, &sheet.body, what, &json!({})).await
    }

    /// The secret that waits for its first code in this session, and what an app reads.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn offered_second_factor(
        &self,
        login: &str,
        session: &str,
    ) -> anyhow::Result<Option<(String, String)>> {
        let sheet = self.user(login).await?;
        let secret = sheet.body.factor.offered(&self.place_of(login), session)?;
        Ok(secret.map(|secret| {
            let url = totp::url(login, &secret);
            (secret.to_string(), url)
        }))
    }

    /// Turns the second factor on with the code that proves that the app has the secret. Other
    /// sessions end. Recovery codes, which are shown once.
    ///
    /// # Errors
    /// [`Problem`] for a wrong code, which changes nothing.
    pub async fn confirm_second_factor(
        &self,
        actor: &Actor,
        session: &str,
        code: &str,
    ) -> anyhow::Result<Vec<String>> {
        let now = self.handle.now().utc;
        let mut sheet = self.user(&actor.name).await?;
        let (what, detail) = ("second factor on", json!({"login": actor.name}));
        let confirmed = sheet.body.factor.confirm(&self.place_of(&actor.name), session, code, now);
        let codes = self.told(confirmed, &Act::new(actor, what, detail.clone())).await?;
        self.put_and_end(actor, &sheet, what, &detail, Some(session)).await?;
        Ok(codes)
    }

    /// New recovery codes; the old ones end.
    ///
    /// # Errors
    /// [`Problem`] for a wrong password or code, or without a second factor.
    pub async fn renew_recovery(
        &self,
        actor: &Actor,
        proof: Proof<'_>,
    ) -> anyhow::Result<Vec<String>> {
        self.step_up(actor, proof, "recovery codes").await?;
        let mut sheet = self.user(&actor.name).await?;
        if !sheet.body.factor.is_on() {
            let why = "recovery codes are for a second factor; turn it on first";
            return Err(Problem::asked("no_second_factor", why).into());
        }
        let codes = sheet.body.factor.renew_recovery(&self.place_of(&actor.name))?;
        let what = "recovery codes made";
        self.put_user(actor, &actor.name, sheet.version, &sheet.body, what, &json!({})).await?;
        Ok(codes)
    }

    /// Takes the second factor of somebody away who lost app and recovery codes.
    ///
    /// # Errors
    /// [`Problem`] for who may not.
    pub async fn remove_second_factor(
        &self,
        actor: &Actor,
        _: &Proven,
        login: &str,
    ) -> anyhow::Result<()> {
        actor.must(Permission::ManageUsers)?;
        let mut sheet = self.user(login).await?;
        sheet.body.factor.forget();
        self.make_strange(actor, &mut sheet.body);
        let detail = json!({"login": login});
        self.put_and_end(actor, &sheet, "second factor off", &detail, None).await
    }

    /// Removes a user for good; the journal keeps what was done.
    ///
    /// # Errors
    /// [`Problem`] for oneself.
    pub async fn remove_user(
        &self,
        actor: &Actor,
        proven: &Proven,
        login: &str,
    ) -> anyhow::Result<()> {
        actor.must(Permission::ManageUsers)?;
        if actor.name == login {
            return Err(Problem::asked("yourself", "somebody else must remove you").into());
        }
        self.set_user(actor, proven, login, None, Some(false)).await?;
        let sheet = self.user(login).await?;
        if self.handle.now().utc.get() < sheet.body.counts_until {
            let why = "it is locked now, and can be removed a day later: it still counts as a second \
                       person until then";
            return Err(Problem::asked("locked_first", why).into());
        }
        let errand = Errand {
            papers: vec![drop(KIND, login, sheet.version)],
            lines: vec![self.line(actor, "user remove", &json!({"login": login}), "")],
            ..Errand::default()
        };
        self.run(errand).await?;
        Ok(())
    }
}
