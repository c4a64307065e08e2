//! Settings of a supplier as an operator writes them: TOML or JSON with one table named after the
//! connector, and what all connectors have in common. Stored sealed, because they hold secrets.

use crate::{
    Connector, Counter, DigiflazzConnector, DigiflazzSettings, OkeconnectConnector,
    OkeconnectSettings, SandboxConnector, TemplateConnector, TemplateSettings,
};
use domain::{Epochs, Markup, SyncRules};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use types::{LevelCode, Rupiah};

/// What is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// The sandbox has no settings.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {}

/// How much may be asked of a supplier at one time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests under way at one time.
    pub concurrency: usize,
    /// Requests begun in one second; absent for no limit.
    pub per_second: Option<u32>,
    /// Nothing is bought while our deposit there is below this.
    pub deposit_least: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 64, per_second: None, deposit_least: 0 }
    }
}

/// What is believed of its callbacks, at `/callback/{supplier}/{secret}`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackSettings {
    /// The last part of the path; empty: no callbacks are taken.
    pub secret: String,
    /// Networks it may call from; none: any.
    pub ips: Vec<String>,
    /// A callback only makes us ask; what the answer says counts.
    pub confirm: bool,
}

/// What follows from its price list.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncSettings {
    /// How often it is read; absent: only by `gerbang supplier sync`. At least 5.
    pub every_minutes: Option<u32>,
    /// Report and change nothing.
    pub freeze: bool,
    /// Close a product no route of which can be used without loss any more.
    pub close_at_loss: bool,
    /// A cost that moves by more than this share is left for a person.
    pub jump_most_percent: u32,
    /// By price level: selling price = cost + this.
    pub markup: BTreeMap<String, MarkupSettings>,
}

/// What goes on top of a cost.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct MarkupSettings {
    /// Rupiah.
    pub amount: i64,
    /// Hundredths of a percent of the cost.
    pub basis_points: u32,
}

/// Least minutes between two readings of a price list.
const SYNC_LEAST_MINUTES: u32 = 5;

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            every_minutes: None,
            freeze: false,
            close_at_loss: true,
            jump_most_percent: 50,
            markup: BTreeMap::new(),
        }
    }
}

impl SyncSettings {
    /// The same for planning.
    ///
    /// # Errors
    /// When a level is no level code, or it is read too often.
    pub fn rules(&self) -> Result<SyncRules, SettingsError> {
        if let Some(minutes) = self.every_minutes.filter(|minutes| *minutes < SYNC_LEAST_MINUTES) {
            return Err(SettingsError(format!(
                "[sync] every_minutes {minutes}: write at least {SYNC_LEAST_MINUTES}"
            )));
        }
        let markups = self.markup.iter().map(|(level, markup)| {
            let wrong = |error| SettingsError(format!("[sync.markup] {error}"));
            let level = LevelCode::parse(level).map_err(wrong)?;
            let MarkupSettings { amount, basis_points } = *markup;
            Ok((level, Markup { amount: Rupiah::new(amount), basis_points }))
        });
        Ok(SyncRules {
            freeze: self.freeze,
            markups: markups.collect::<Result<_, SettingsError>>()?,
            close_at_loss: self.close_at_loss,
            jump_most_percent: self.jump_most_percent,
        })
    }
}

/// All settings. No `Debug`: they hold secrets.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub okeconnect: Option<OkeconnectSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digiflazz: Option<DigiflazzSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateSettings>,
    pub limits: Limits,
    pub callback: CallbackSettings,
    pub sync: SyncSettings,
}

impl Settings {
    /// Settings of the sandbox: it takes its time and stands nobody in the way.
    #[must_use]
    pub fn sandbox() -> Self {
        let limits = Limits { concurrency: 512, ..Limits::default() };
        Self { sandbox: Some(Sandbox {}), limits, ..Self::default() }
    }

    /// The name of the connector and the connector.
    ///
    /// # Errors
    /// When there is not exactly one table of a connector, or it is wrong.
    pub fn connector(&self) -> Result<(&'static str, Arc<dyn Connector>), SettingsError> {
        let wrong = |name: &str, why: String| SettingsError(format!("[{name}] {why}"));
        let mut found: Vec<(&'static str, Arc<dyn Connector>)> = Vec::new();
        if self.sandbox.is_some() {
            found.push(("sandbox", Arc::new(SandboxConnector)));
        }
        if let Some(own) = &self.okeconnect {
            let made = OkeconnectConnector::new(own.clone());
            found.push(("okeconnect", Arc::new(made.map_err(|why| wrong("okeconnect", why))?)));
        }
        if let Some(own) = &self.digiflazz {
            let made = DigiflazzConnector::new(own.clone());
            found.push(("digiflazz", Arc::new(made.map_err(|why| wrong("digiflazz", why))?)));
        }
        if let Some(own) = &self.template {
            let made = TemplateConnector::new(own.clone());
            found.push(("template", Arc::new(made.map_err(|why| wrong("template", why))?)));
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(SettingsError(
                "no connector: write a table [okeconnect], [digiflazz], [template] or [sandbox]"
                    .to_owned(),
            )),
            _ => Err(SettingsError("more than one connector: a supplier has one".to_owned())),
        }
    }

    /// Where purchases go and under which account: attempts made there can be asked about only there.
    /// Secrets are not part of it, so a changed PIN or key serves open attempts too.
    #[must_use]
    pub fn account(&self) -> String {
        let parts = [
            self.okeconnect.as_ref().map(|own| {
                format!("{} {} {}", own.base.trim_end_matches('/'), own.member, own.ref_prefix)
            }),
            self.digiflazz.as_ref().map(|own| {
                let base = own.base.trim_end_matches('/');
                format!("{base} {} {} {}", own.username, own.testing, own.ref_prefix)
            }),
            self.template.as_ref().map(|own| {
                format!("{:?} {:?} {:?} {}", own.buy, own.check, own.values, own.ref_prefix)
            }),
        ];
        parts.into_iter().flatten().collect()
    }

    /// True when a purchase there is told which equal one of its day it is.
    #[must_use]
    pub fn counts(&self) -> bool {
        let by_parameter = self.okeconnect.as_ref().is_some_and(|own| own.counter != Counter::None);
        by_parameter || self.template.as_ref().is_some_and(TemplateSettings::counts)
    }

    /// The prefix of our references.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        [
            self.okeconnect.as_ref().map(|own| own.ref_prefix.as_str()),
            self.digiflazz.as_ref().map(|own| own.ref_prefix.as_str()),
            self.template.as_ref().map(|own| own.ref_prefix.as_str()),
        ]
        .into_iter()
        .flatten()
        .next()
    }

    fn prefixes(&mut self) -> impl Iterator<Item = &mut String> {
        [
            self.okeconnect.as_mut().map(|own| &mut own.ref_prefix),
            self.digiflazz.as_mut().map(|own| &mut own.ref_prefix),
            self.template.as_mut().map(|own| &mut own.ref_prefix),
        ]
        .into_iter()
        .flatten()
    }

    /// Gives our references a prefix when the settings name none.
    pub fn fill_prefix(&mut self, prefix: &str) {
        for own in self.prefixes().filter(|own| own.is_empty()) {
            own.push_str(prefix);
        }
    }

    /// References of what is bought after a restore carry its tag.
    pub fn set_epochs(&mut self, epochs: &Epochs) {
        let own = [
            self.okeconnect.as_mut().map(|own| &mut own.epochs),
            self.digiflazz.as_mut().map(|own| &mut own.epochs),
            self.template.as_mut().map(|own| &mut own.epochs),
        ];
        for own in own.into_iter().flatten() {
            own.clone_from(epochs);
        }
    }

    /// Another prefix, for looking only: attempts already made must stay askable.
    pub fn set_prefix(&mut self, prefix: &str) {
        for own in self.prefixes() {
            prefix.clone_into(own);
        }
    }
}
