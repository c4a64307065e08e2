//! What a member may change of itself, at its portal. Nothing here reaches another member.

use crate::access::{Actor, Role};
use crate::operations::{MemberSet, Operation, execute};
use crate::papers::{secret, webhook_secret};
use crate::plug::Office;
use crate::portal_session::{is_allowed, locked};
use crate::problem::Problem;
use crate::sessions::{From, SignedMember};
use crate::strength;
use serde_json::{Value, json};
use store::DeliveryFilter;
use subtle::ConstantTimeEq as _;
use types::DeliveryId;

/// A member acts on its own record with the rights of an operator, and on nothing else.
pub(crate) fn itself(member: &SignedMember, from: &From) -> Actor {
    Actor::person(member.code.as_str(), Role::Admin, &from.address)
}

/// What a member changes of itself; only what is given changes.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct OwnChange {
    pub callback: Option<String>,
    pub webhook: Option<bool>,
    pub sandbox: Option<bool>,
}

impl Office {
    /// A new PIN of six digits and a new password, neither easy to guess.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn fresh_credentials() -> anyhow::Result<(String, String)> {
        loop {
            let random = secret::<8>()?;
            let number = u64::from_str_radix(&random, 16)?;
            // The bias of this remainder is one in 18 million millions.
            let (pin, password) = (format!("{:06}", number % 1_000_000), secret::<10>()?);
            let is_strong = strength::member_pin(&pin, "").is_ok()
                && strength::member_password(&password, "", &pin).is_ok();
            if is_strong {
                return Ok((pin, password));
            }
        }
    }

    /// A key for an action that must happen once.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn fresh_key() -> anyhow::Result<String> {
        secret::<16>()
    }

    /// Its PIN again, before something that could lock it out or costs money. Counted for the
    /// member, from wherever it is tried: whoever holds a session may not try them all.
    pub(crate) async fn confirm(
        &self,
        member: &SignedMember,
        from: &From,
        pin: &str,
        what: &'static str,
    ) -> anyhow::Result<()> {
        let catalog = self.handle.catalog();
        let entry = catalog.member(&member.code).filter(|entry| entry.member.active);
        let Some(entry) = entry else { return Err(locked().into()) };
        if entry.imported.pin && !is_allowed(entry, &from.address) {
            let why = "this PIN came with an import: until it is changed it works from an allowed \
                       address only; change it from there, or ask the operator for a new one";
            return Err(Problem::forbidden(why).into());
        }
        let who = format!("pin {}", member.code);
        let actor = Actor::member(&member.code, from);
        let tried = match self.tries.attempt(&who, "", self.handle.now().utc) {
            Ok(tried) => tried,
            Err(why) => return Err(self.paused(&actor, "portal pin paused", why).await),
        };
        if bool::from(entry.pin.expose().as_bytes().ct_eq(pin.as_bytes())) {
            self.tries.right(&tried);
            return Ok(());
        }
        self.audit(&actor, "portal pin refused", &json!({"for": what}), "").await;
        Err(Problem::forbidden("the PIN is another one").into())
    }

    /// Changes its own record; who it is was confirmed before.
    pub(crate) async fn set_own(
        &self,
        member: &SignedMember,
        from: &From,
        set: MemberSet,
    ) -> anyhow::Result<()> {
        execute(self, &itself(member, from), Operation::MemberSet(Box::new(set))).await?;
        Ok(())
    }

    /// Where its callbacks go, and its sandbox.
    ///
    /// # Errors
    /// [`Problem`] for a wrong PIN or a bad value.
    pub async fn change_own(
        &self,
        member: &SignedMember,
        from: &From,
        pin: &str,
        change: OwnChange,
    ) -> anyhow::Result<()> {
        self.confirm(member, from, pin, "settings").await?;
        let OwnChange { callback, webhook, sandbox } = change;
        let code = member.code.to_string();
        let set = MemberSet { code, callback, webhook, sandbox, ..MemberSet::default() };
        self.set_own(member, from, set).await
    }

    /// New credentials. Keys and portal sessions end at once, the old pair after these hours.
    ///
    /// # Errors
    /// [`Problem`] for a wrong PIN.
    pub async fn rotate_own(
        &self,
        member: &SignedMember,
        from: &From,
        pin: &str,
        keep_old_hours: u32,
    ) -> anyhow::Result<(String, String)> {
        self.confirm(member, from, pin, "new credentials").await?;
        let (pin, password) = Self::fresh_credentials()?;
        let set = MemberSet {
            code: member.code.to_string(),
            pin: Some(pin.clone()),
            password: Some(password.clone()),
            keep_old_hours: Some(keep_old_hours),
            ..MemberSet::default()
        };
        self.set_own(member, from, set).await?;
        Ok((pin, password))
    }

    /// A new secret under which its callbacks are signed, in the form of Standard Webhooks; the old
    /// one ends at once.
    ///
    /// # Errors
    /// [`Problem`] for a wrong PIN.
    pub async fn sign_own(
        &self,
        member: &SignedMember,
        from: &From,
        pin: &str,
    ) -> anyhow::Result<String> {
        self.confirm(member, from, pin, "callback secret").await?;
        let secret = webhook_secret()?;
        let set = MemberSet {
            code: member.code.to_string(),
            signing: Some(secret.clone()),
            ..MemberSet::default()
        };
        self.set_own(member, from, set).await?;
        Ok(secret)
    }

    /// Calls its own callback URL with a callback that is about nothing.
    ///
    /// # Errors
    /// When it has no URL.
    pub async fn test_own(&self, member: &SignedMember, from: &From) -> anyhow::Result<Value> {
        let test = Operation::CallbackTest { member: member.code.to_string() };
        execute(self, &itself(member, from), test).await
    }

    /// Sends one of its own callbacks again.
    ///
    /// # Errors
    /// [`Problem`] when it is not its own.
    pub async fn replay_own(
        &self,
        member: &SignedMember,
        from: &From,
        id: DeliveryId,
    ) -> anyhow::Result<()> {
        let filter = DeliveryFilter {
            member: Some(member.member),
            below: Some(id.get().saturating_add(1)),
            limit: 1,
            ..DeliveryFilter::default()
        };
        let found = self.handle.reads().ask(move |reads| reads.delivery_page(&filter)).await??;
        if found.first().is_none_or(|delivery| delivery.id != id) {
            return Err(Problem::missing(format!("you have no callback {id}")).into());
        }
        let again = Operation::CallbackReplay { ids: vec![id.get()], member: None, state: None };
        execute(self, &itself(member, from), again).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One PIN in two hundred would be easy to guess.
    #[test]
    fn what_is_made_here_nobody_guesses() {
        for _ in 0..2_000 {
            let (pin, password) = Office::fresh_credentials().unwrap();
            assert_eq!(strength::member_pin(&pin, ""), Ok(()));
            assert_eq!(strength::member_password(&password, "", &pin), Ok(()));
        }
    }
}
