//! How a member comes in to its portal: with a password of its own, and the first time with what it
//! buys with, from an address that it may buy from.
//!
//! A locked member is nobody here: it does not come in, and its sessions end.

use crate::Role;
use crate::access::Actor;
use crate::papers::{digest, put, secret};
use crate::password;
use crate::plug::Office;
use crate::portal_password::{KIND as OWN, PortalBody};
use crate::problem::Problem;
use crate::second_factor::Spent;
use crate::sessions::{From, PORTAL, SessionBody, SignedMember, form_key};
use crate::users::not_proven;
use engine::{Errand, MemberEntry};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use types::{MemberCode, hex};

/// What a member types to come in.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct MemberLogin<'a> {
    pub code: &'a str,
    /// Of the portal; the H2H password at the first login.
    pub password: &'a str,
    /// At the first login.
    pub pin: &'a str,
    /// Of an authenticator app, or a recovery code.
    pub second: &'a str,
}

/// Stamps of this version begin so.
const STAMP: &str = "3:";

/// True for a stamp of this version: those before were digests of credentials.
pub(crate) fn is_stamp(text: &str) -> bool {
    text.starts_with(STAMP)
}

/// Another one under credentials that were sealed anew; nothing in it follows from them.
pub(crate) fn stamp(entry: &MemberEntry) -> String {
    format!("{STAMP}{}", hex(entry.mark))
}

pub(crate) fn locked() -> Problem {
    let why = "this member is locked; ask the operator";
    Problem { code: "member_locked", status: 403, detail: why.into() }
}

fn wrong() -> Problem {
    let why = "member code, password, PIN or code is wrong; the first login needs the H2H password \
               and PIN, and an allowed address";
    Problem { code: "wrong_login", status: 401, detail: why.into() }
}

/// True when a member may call from there.
pub(crate) fn is_allowed(entry: &MemberEntry, address: &str) -> bool {
    match address.parse() {
        Ok(from) => entry.may_call_from(from),
        Err(_) => entry.ip_allow.is_empty() && !entry.imported.any(),
    }
}

impl Office {
    /// Logs a member in to its portal; the token is for its cookie.
    ///
    /// # Errors
    /// [`Problem`]: wrong, locked, or tried too often from there.
    pub async fn log_member_in(
        &self,
        typed: MemberLogin<'_>,
        from: &From,
    ) -> anyhow::Result<String> {
        let now = self.handle.now().utc;
        let code: String = typed.code.trim().to_ascii_uppercase().chars().take(32).collect();
        let who = format!("member {code}");
        let (tried, seat) = match self.tries.login(&who, &from.address, now).await {
            Ok(tried) => tried,
            Err(why) => {
                let actor = Actor::person(&who, Role::Readonly, &from.address);
                return Err(self.paused(&actor, "portal login paused", why).await);
            }
        };
        let catalog = self.handle.catalog();
        let entry = MemberCode::parse(&code).ok().and_then(|code| catalog.member(&code).cloned());
        let own = match &entry {
            Some(entry) => self.sheet::<PortalBody>(OWN, entry.member.code.as_str()).await?,
            None => None,
        };
        // The same work for everybody: time does not tell who is a member and who has a password.
        let stored = own.as_ref().map(|own| own.body.hash.as_str());
        let slow = password::fits(seat, typed.password, stored).await?;
        let Some(entry) = entry else {
            let actor = Actor::person(&code, Role::Readonly, &from.address);
            self.stranger(&actor, "portal login refused").await;
            return Err(wrong().into());
        };
        let actor = Actor::member(&entry.member.code, from);
        let token = secret::<32>()?;
        let session = digest(&token);
        let mut papers = Vec::new();
        let mut lines = Vec::new();
        let spent = match own {
            Some(mut own) if slow => {
                let place = self.portal_place(&entry.member.code);
                let spent = own.body.factor.spend(&place, typed.second, now)?;
                if matches!(spent, Spent::Code | Spent::Recovery(_)) {
                    papers.push(put(OWN, &own.id, own.version, "", &own.body)?);
                }
                spent
            }
            None if fits(&entry, &typed) && is_allowed(&entry, &from.address) => Spent::NotNeeded,
            Some(_) | None => Spent::Wrong,
        };
        let refusal = match spent {
            Spent::NotNeeded | Spent::Code if entry.member.active => None,
            Spent::Recovery(left) if entry.member.active => {
                let left = json!({"recovery_left": left});
                lines.push(self.line(&actor, "recovery code used", &left, ""));
                None
            }
            Spent::NotNeeded | Spent::Code | Spent::Recovery(_) => Some(locked()),
            Spent::Again => Some(not_proven(spent)),
            Spent::Wrong => Some(wrong()),
        };
        if let Some(problem) = refusal {
            if matches!(spent, Spent::Again | Spent::Wrong) {
                self.wrong(&tried, slow, now);
            }
            self.audit(&actor, "portal login refused", &json!({}), problem.code).await;
            return Err(problem.into());
        }
        self.tries.right(&tried);
        self.make_room(&actor, PORTAL, entry.member.code.as_str()).await?;
        let body = SessionBody::new(from, now.get(), stamp(&entry));
        papers.push(put(PORTAL, &session, 0, entry.member.code.as_str(), &body)?);
        lines.push(self.line(&actor, "portal login", &json!({}), ""));
        self.run(Errand { papers, lines, ..Errand::default() }).await?;
        Ok(token)
    }

    /// Whose portal session a token is. New credentials end it, and so does a lock.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn signed_member(&self, token: &str) -> anyhow::Result<Option<SignedMember>> {
        let Some(session) = self.session(PORTAL, token).await? else { return Ok(None) };
        let catalog = self.handle.catalog();
        let entry = MemberCode::parse(&session.tag).ok().and_then(|code| catalog.member(&code));
        let Some(entry) = entry.filter(|entry| entry.member.active) else { return Ok(None) };
        let wanted = stamp(entry);
        if !bool::from(session.body.stamp.as_bytes().ct_eq(wanted.as_bytes())) {
            return Ok(None);
        }
        let own = self.sheet::<PortalBody>(OWN, entry.member.code.as_str()).await?;
        Ok(Some(SignedMember {
            member: entry.member.id,
            code: entry.member.code.clone(),
            session: session.id,
            form_key: form_key(token),
            must_set_password: own.is_none(),
            second_factor: own.is_some_and(|own| own.body.factor.is_on()),
        }))
    }
}

/// What it buys with, both compared whatever the first gave.
fn fits(entry: &MemberEntry, typed: &MemberLogin<'_>) -> bool {
    let same = |given: &str, own: &str| given.as_bytes().ct_eq(own.as_bytes());
    bool::from(same(typed.password, entry.password.expose()) & same(typed.pin, entry.pin.expose()))
}

#[cfg(test)]
mod tests {
    use super::is_stamp;

    #[test]
    fn stamps_of_before_are_known() {
        assert!(is_stamp("3:0011") && !is_stamp("0011") && !is_stamp("2:0011") && !is_stamp(""));
    }
}
