//! The portal's password of a member: its own, not what its programs buy with. Chosen at the first
//! login, changed with the old one, taken away by an operator when it is forgotten; and a second
//! factor beside it for members who want one.

use crate::access::{Actor, Permission};
use crate::act::Act;
use crate::papers::{Sheet, drop, put};
use crate::plug::Office;
use crate::portal_session::is_allowed;
use crate::problem::Problem;
use crate::second_factor::{Factor, Place, Spent};
use crate::sessions::{From, PORTAL, SignedMember};
use crate::step_up::Proof;
use crate::users::not_proven;
use crate::{password, strength, totp};
use engine::{Errand, PaperChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::MemberCode;

pub(crate) const KIND: &str = "portal-login";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PortalBody {
    pub(crate) hash: String,
    #[serde(flatten)]
    pub(crate) factor: Factor,
}

/// Where the second factor of a member is kept.
pub(crate) fn place(code: &str) -> String {
    format!("member/{code}/portal/totp")
}

impl Office {
    pub(crate) fn portal_place(&self, code: &MemberCode) -> Place<'_> {
        Place { key: &self.key, name: place(code.as_str()) }
    }

    async fn own_login(&self, code: &MemberCode) -> anyhow::Result<Sheet<PortalBody>> {
        let found = self.sheet(KIND, code.as_str()).await?;
        Ok(found.ok_or_else(|| Problem::missing("choose a password of the portal first"))?)
    }

    /// The first password of the portal, chosen by who came in with what it buys with, and from where
    /// it may buy: the session alone, taken elsewhere, chooses none. Its other sessions end.
    ///
    /// # Errors
    /// [`Problem`] for a weak one, from another address, or when there is one already.
    pub async fn choose_portal_password(
        &self,
        me: &SignedMember,
        from: &From,
        new: &str,
    ) -> anyhow::Result<()> {
        let actor = Actor::member(&me.code, from);
        let what = "portal password chosen";
        let act = Act::new(&actor, what, json!({}));
        let catalog = self.handle.catalog();
        if !catalog.member(&me.code).is_some_and(|entry| is_allowed(entry, &from.address)) {
            self.audit(&actor, "portal password refused", &json!({}), "forbidden").await;
            let why = "the first password of the portal is chosen from an address that this member may \
                       buy from";
            return Err(Problem::forbidden(why).into());
        }
        self.told(self.good_portal_password(me, new), &act).await?;
        let body = PortalBody { hash: password::hash(new).await?, factor: Factor::default() };
        let mut papers = vec![put(KIND, me.code.as_str(), 0, "", &body)?];
        papers.extend(self.sessions_end(PORTAL, me.code.as_str(), Some(&me.session)).await?);
        let lines = vec![self.line(&actor, what, &json!({}), "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(())
    }

    fn good_portal_password(&self, me: &SignedMember, new: &str) -> Result<(), Problem> {
        let catalog = self.handle.catalog();
        let entry = catalog.member(&me.code);
        let h2h = entry.map_or("", |entry| entry.password.expose());
        if new == h2h {
            let why = "the portal's password is another one than that of your programs";
            return Err(Problem::asked("weak_password", why));
        }
        strength::person_password(new, &[me.code.as_str()])
    }

    /// Password and code again, counted like wrong logins.
    async fn portal_step_up(
        &self,
        me: &SignedMember,
        from: &From,
        proof: Proof<'_>,
        what: &'static str,
    ) -> anyhow::Result<Sheet<PortalBody>> {
        let now = self.handle.now().utc;
        let who = format!("member {}", me.code);
        let (tried, seat) = match self.tries.login(&who, &from.address, now).await {
            Ok(tried) => tried,
            Err(why) => {
                let actor = Actor::member(&me.code, from);
                return Err(self.paused(&actor, "portal step up paused", why).await);
            }
        };
        let mut own = self.own_login(&me.code).await?;
        let fits = password::fits(seat, proof.password, Some(&own.body.hash)).await?;
        let place = self.portal_place(&me.code);
        let spent =
            if fits { own.body.factor.spend(&place, proof.code, now)? } else { Spent::Wrong };
        match spent {
            // What was spent is written with the change it was spent for.
            Spent::NotNeeded | Spent::Code | Spent::Recovery(_) => {}
            Spent::Again | Spent::Wrong => {
                self.wrong(&tried, fits, now);
                let actor = Actor::member(&me.code, from);
                self.audit(&actor, "portal step up refused", &json!({"for": what}), "").await;
                return Err(not_proven(spent).into());
            }
        }
        self.tries.right(&tried);
        Ok(own)
    }

    async fn put_own(
        &self,
        me: &SignedMember,
        from: &From,
        own: &Sheet<PortalBody>,
        what: &str,
        more: Vec<PaperChange>,
    ) -> anyhow::Result<()> {
        let mut papers = vec![put(KIND, &own.id, own.version, "", &own.body)?];
        papers.extend(more);
        let actor = Actor::member(&me.code, from);
        let lines = vec![self.line(&actor, what, &json!({}), "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(())
    }

    /// Another password of the portal, with the old one. Its other sessions end.
    ///
    /// # Errors
    /// [`Problem`] for a wrong old one, which is counted, or a weak new one.
    pub async fn change_portal_password(
        &self,
        me: &SignedMember,
        from: &From,
        proof: Proof<'_>,
        new: &str,
    ) -> anyhow::Result<()> {
        let mut own = self.portal_step_up(me, from, proof, "password").await?;
        let (actor, what) = (Actor::member(&me.code, from), "portal password changed");
        let act = Act::new(&actor, what, json!({}));
        self.told(self.good_portal_password(me, new), &act).await?;
        own.body.hash = password::hash(new).await?;
        let ended = self.sessions_end(PORTAL, me.code.as_str(), Some(&me.session)).await?;
        self.put_own(me, from, &own, what, ended).await
    }

    /// Begins to set up a second factor, or another one.
    ///
    /// # Errors
    /// [`Problem`] for a wrong password or code.
    pub async fn offer_portal_factor(
        &self,
        me: &SignedMember,
        from: &From,
        proof: Proof<'_>,
    ) -> anyhow::Result<()> {
        let mut own = self.portal_step_up(me, from, proof, "second factor").await?;
        own.body.factor.offer(&self.portal_place(&me.code), &me.session)?;
        self.put_own(me, from, &own, "portal second factor offered", Vec::new()).await
    }

    /// The secret that waits for its first code in this session, and what an app reads.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn offered_portal_factor(
        &self,
        me: &SignedMember,
    ) -> anyhow::Result<Option<(String, String)>> {
        let own = self.own_login(&me.code).await?;
        let secret = own.body.factor.offered(&self.portal_place(&me.code), &me.session)?;
        Ok(secret.map(|secret| {
            let url = totp::url(me.code.as_str(), &secret);
            (secret.to_string(), url)
        }))
    }

    /// Turns the second factor on. Other sessions end. Recovery codes, which are shown once.
    ///
    /// # Errors
    /// [`Problem`] for a wrong code, which changes nothing.
    pub async fn confirm_portal_factor(
        &self,
        me: &SignedMember,
        from: &From,
        code: &str,
    ) -> anyhow::Result<Vec<String>> {
        let now = self.handle.now().utc;
        let mut own = self.own_login(&me.code).await?;
        let place = self.portal_place(&me.code);
        let (actor, what) = (Actor::member(&me.code, from), "portal second factor on");
        let confirmed = own.body.factor.confirm(&place, &me.session, code, now);
        let codes = self.told(confirmed, &Act::new(&actor, what, json!({}))).await?;
        let ended = self.sessions_end(PORTAL, me.code.as_str(), Some(&me.session)).await?;
        self.put_own(me, from, &own, what, ended).await?;
        Ok(codes)
    }

    /// Turns the second factor off, with password and code.
    ///
    /// # Errors
    /// [`Problem`] for a wrong password or code.
    pub async fn drop_portal_factor(
        &self,
        me: &SignedMember,
        from: &From,
        proof: Proof<'_>,
    ) -> anyhow::Result<()> {
        let mut own = self.portal_step_up(me, from, proof, "second factor").await?;
        own.body.factor.forget();
        let ended = self.sessions_end(PORTAL, me.code.as_str(), Some(&me.session)).await?;
        self.put_own(me, from, &own, "portal second factor off", ended).await
    }

    /// Takes a forgotten portal password away, with its second factor; its sessions end. The member
    /// comes in anew with what it buys with, from an allowed address.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or when there is none.
    pub async fn reset_portal_password(&self, actor: &Actor, code: &str) -> anyhow::Result<()> {
        actor.must(Permission::ManageMembers)?;
        let (code, _) = self.member_of(code)?;
        let papers = self.portal_password_gone(&code).await?;
        let detail = json!({"member": code.as_str()});
        let lines = vec![self.line(actor, "portal password reset", &detail, "")];
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(())
    }

    /// The papers that go with it.
    pub(crate) async fn portal_password_gone(
        &self,
        code: &MemberCode,
    ) -> anyhow::Result<Vec<PaperChange>> {
        let own = self.own_login(code).await?;
        let mut papers = vec![drop(KIND, &own.id, own.version)];
        papers.extend(self.sessions_end(PORTAL, code.as_str(), None).await?);
        Ok(papers)
    }

    /// True for a member that has chosen a password of the portal.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn has_portal_password(&self, code: &MemberCode) -> anyhow::Result<bool> {
        Ok(self.sheet::<PortalBody>(KIND, code.as_str()).await?.is_some())
    }

    /// The demo's members come in with the password that it prints.
    ///
    /// # Errors
    /// When it was not written.
    pub async fn seed_portal_passwords(
        &self,
        codes: Vec<String>,
        password: &str,
    ) -> anyhow::Result<()> {
        let body = PortalBody { hash: password::hash(password).await?, factor: Factor::default() };
        let papers = codes.iter().map(|code| put(KIND, code, 0, "", &body));
        let papers = papers.collect::<anyhow::Result<Vec<_>>>()?;
        self.run(Errand { papers, ..Errand::default() }).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    /// As it is sealed in every business that has one.
    #[test]
    fn a_factor_is_sealed_for_its_member() {
        assert_eq!(place("OK0"), "member/OK0/portal/totp");
    }
}
