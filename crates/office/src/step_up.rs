//! A second proof of who somebody is, right before what matters most: users, tokens, rules, second
//! factors. A session alone changes none of them, and a token never does.

use crate::access::Actor;
use crate::plug::Office;
use crate::problem::Problem;
use crate::second_factor::Spent;
use crate::{password, users};
use serde_json::json;

/// What somebody types to prove it.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Proof<'a> {
    pub password: &'a str,
    /// Of the app, or a recovery code; empty without a second factor.
    pub code: &'a str,
}

/// It was proved. There is no other way to have one.
pub struct Proven(());

impl Proven {
    /// Whoever may open the local socket is the operator; a token is nobody.
    ///
    /// # Errors
    /// [`Problem`] for everybody else.
    pub fn at_the_machine(actor: &Actor) -> Result<Self, Problem> {
        if *actor == Actor::local() {
            return Ok(Self(()));
        }
        let detail = "a person does this, in the console with its password or at the machine; \
                      a token cannot";
        Err(Problem { code: "needs_person", status: 403, detail: detail.into() })
    }
}

impl Office {
    /// Checks password and, where it is on, the second factor. Wrong ones are counted like wrong
    /// logins, and leave a line.
    ///
    /// # Errors
    /// [`Problem`]: wrong, or tried too often.
    pub async fn step_up(
        &self,
        actor: &Actor,
        proof: Proof<'_>,
        what: &'static str,
    ) -> anyhow::Result<Proven> {
        if proof.password.is_empty() {
            let why = "type your own password too, to confirm";
            return Err(Problem::asked("needs_password", why).into());
        }
        let now = self.handle.now().utc;
        let (tried, seat) = match self.tries.login(&actor.name, &actor.from, now).await {
            Ok(tried) => tried,
            Err(why) => return Err(self.paused(actor, "step up paused", why).await),
        };
        let mut user = self.user(&actor.name).await?;
        let fits = password::fits(seat, proof.password, Some(&user.body.hash)).await?;
        let spent = if fits {
            user.body.factor.spend(&self.place_of(&actor.name), proof.code, now)?
        } else {
            Spent::Wrong
        };
        match spent {
            Spent::NotNeeded => {}
            Spent::Code | Spent::Recovery(_) => {
                let left = json!({"for": what, "recovery_left": user.body.factor.recovery_left()});
                let told = if spent == Spent::Code { "step up" } else { "recovery code used" };
                self.put_user(actor, &actor.name, user.version, &user.body, told, &left).await?;
            }
            Spent::Again | Spent::Wrong => {
                self.wrong(&tried, fits, now);
                self.audit(actor, "step up refused", &json!({"for": what}), "").await;
                return Err(users::not_proven(spent).into());
            }
        }
        self.tries.right(&tried);
        Ok(Proven(()))
    }
}
