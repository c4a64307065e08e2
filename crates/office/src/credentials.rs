//! What follows when a member's credentials or its being active change: keys and portal sessions
//! end in the same commit. And which credentials are too easy to guess.

use crate::keys;
use crate::papers::put;
use crate::plug::Office;
use crate::problem::Problem;
use crate::sessions::PORTAL;
use crate::strength;
use engine::{Errand, PaperChange, password_of, place};
use serde::{Deserialize, Serialize};
use store::CatalogChange;

const SETTING: &str = "setting";
const DEMO: &str = "demo";

#[derive(Serialize, Deserialize)]
struct DemoBody {
    demo: bool,
}

/// Why a PIN or password of a member is easy to guess, when one is.
pub(crate) fn weakness(
    code: &str,
    pin: Option<&str>,
    password: Option<&str>,
) -> Result<(), Problem> {
    if let Some(pin) = pin {
        strength::member_pin(pin, code)?;
    }
    if let Some(password) = password {
        strength::member_password(password, code, pin.unwrap_or_default())?;
    }
    Ok(())
}

impl Office {
    /// A demo has credentials that are printed in a README; a business does not.
    ///
    /// # Errors
    /// When it was not written.
    pub async fn mark_as_demo(&self) -> anyhow::Result<()> {
        if self.is_demo().await? {
            return Ok(());
        }
        let papers = vec![put(SETTING, DEMO, 0, "", &DemoBody { demo: true })?];
        self.run(Errand { papers, ..Errand::default() }).await?;
        Ok(())
    }

    pub(crate) async fn is_demo(&self) -> anyhow::Result<bool> {
        let found = self.sheet::<DemoBody>(SETTING, DEMO).await?;
        Ok(found.is_some_and(|sheet| sheet.body.demo))
    }

    /// Refuses a PIN or password of a member that is easy to guess; what is absent is not changed.
    ///
    /// # Errors
    /// [`Problem`] that says why.
    pub(crate) async fn must_be_strong(
        &self,
        code: &str,
        pin: Option<&str>,
        password: Option<&str>,
    ) -> anyhow::Result<()> {
        let given = || pin.into_iter().chain(password);
        if given().any(|text| text.is_empty() || text.chars().any(char::is_control)) {
            let why = "PIN and password are not empty and contain no control characters";
            return Err(Problem::asked("bad_credentials", why).into());
        }
        if given().next().is_none() || self.is_demo().await? {
            return Ok(());
        }
        weakness(code, pin, password).map_err(Into::into)
    }

    /// Papers that end with these changes: keys and portal sessions under other credentials, and
    /// the portal sessions of a member that is locked.
    pub(crate) async fn ended_by(
        &self,
        changes: &[CatalogChange],
    ) -> anyhow::Result<Vec<PaperChange>> {
        let catalog = self.handle.catalog();
        let mut papers = Vec::new();
        for change in changes {
            let CatalogChange::Member(record) = change else { continue };
            let Some(old) = catalog.member_by_id(record.member.id) else { continue };
            let code = &record.member.code;
            let pin = self.key.open(&place(code, "pin"), &record.pin)?;
            let opened = self.key.open(&place(code, "password"), &record.password)?;
            let (password, _) = password_of(&opened);
            let others =
                pin.as_str() != old.pin.expose() || password.expose() != old.password.expose();
            if others {
                papers.extend(keys::end_of(self, code.as_str()).await?);
            }
            if others || (old.member.active && !record.member.active) {
                papers.extend(self.sessions_end(PORTAL, code.as_str(), None).await?);
            }
        }
        Ok(papers)
    }
}
