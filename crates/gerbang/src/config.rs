//! Configuration: `gerbang.toml` in the data directory. Unknown keys stop the start.

use anyhow::{Context as _, bail};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The file that `init` writes: every key with its default and its reason.
pub(crate) const DEFAULT: &str = include_str!("../../../config/gerbang.default.toml");

/// No `Debug`: the database URL may hold a password.
#[derive(Clone, Deserialize)]
#[cfg_attr(test, derive(Debug))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Used only when the file is named by `--config`.
    pub(crate) data: Option<PathBuf>,
    pub(crate) database: Option<String>,
    pub(crate) database_ca: Option<PathBuf>,
    pub(crate) node: Option<String>,
    pub(crate) lanes: usize,
    pub(crate) lease_seconds: u64,
    pub(crate) listen: SocketAddr,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) zone: String,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    #[serde(deserialize_with = "networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) proxy_protocol: bool,
    #[serde(deserialize_with = "networks")]
    pub(crate) callback_allow: Vec<IpNet>,
    pub(crate) requests_per_second_per_member: u32,
    pub(crate) requests_per_second_per_address: u32,
    pub(crate) unknown_per_minute_per_address: u32,
    pub(crate) one_answer_for_wrong_credentials: bool,
    pub(crate) connections: usize,
    pub(crate) connections_per_address: usize,
    pub(crate) header_seconds: u64,
    pub(crate) min_free_mb: u64,
    pub(crate) mark: Option<PathBuf>,
    pub(crate) heads_file: Option<PathBuf>,
    pub(crate) heads_url: Option<String>,
    pub(crate) failover_minutes: u32,
    pub(crate) late_failure: LateFailure,
    pub(crate) category_aliases: BTreeMap<String, Vec<String>>,
}

/// Networks, or single addresses.
fn networks<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<IpNet>, D::Error> {
    let words = Vec::<String>::deserialize(given)?;
    let all = words.iter().map(|word| office::network(word));
    all.collect::<anyhow::Result<_>>().map_err(serde::de::Error::custom)
}

/// What becomes of a purchase that fails too late for another supplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LateFailure {
    Refund,
    Person,
}

/// Most names of categories in one table, and most categories behind one of them.
const ALIASES_MOST: usize = 200;

impl Default for Config {
    fn default() -> Self {
        Self {
            data: None,
            database: None,
            database_ca: None,
            node: None,
            lanes: 2,
            lease_seconds: 15,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: None,
            zone: "Asia/Jakarta".to_owned(),
            tls_certificate: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            callback_allow: Vec::new(),
            requests_per_second_per_member: 200,
            requests_per_second_per_address: 0,
            unknown_per_minute_per_address: 120,
            one_answer_for_wrong_credentials: false,
            connections: 4_096,
            connections_per_address: 256,
            header_seconds: 30,
            min_free_mb: 64,
            mark: None,
            heads_file: None,
            heads_url: None,
            failover_minutes: 15,
            late_failure: LateFailure::Refund,
            category_aliases: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads a file; without one the defaults hold.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads the text of a file.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// Where the mark is.
    pub(crate) fn mark(&self, data: &crate::data::DataDir) -> PathBuf {
        self.mark.clone().unwrap_or_else(|| data.mark())
    }

    /// Until when another supplier is tried.
    pub(crate) fn failover(&self) -> domain::Failover {
        domain::Failover {
            within_ms: i64::from(self.failover_minutes).saturating_mul(60_000),
            late: match self.late_failure {
                LateFailure::Refund => domain::LateFailure::Refund,
                LateFailure::Person => domain::LateFailure::Person,
            },
        }
    }

    /// Plain HTTP carries PINs: only on loopback, or behind a proxy that is named.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if !(5..=300).contains(&self.lease_seconds) {
            bail!("lease_seconds = {}: from 5 to 300", self.lease_seconds);
        }
        if !(1..=64).contains(&self.lanes) {
            bail!("lanes = {}: from 1 to 64", self.lanes);
        }
        let longest = self.category_aliases.values().map(Vec::len).max().unwrap_or_default();
        if self.category_aliases.len() > ALIASES_MOST || longest > ALIASES_MOST {
            bail!("category_aliases: at most {ALIASES_MOST} names, and as many categories of each");
        }
        if let Some(url) = &self.heads_url
            && !url.starts_with("https://")
            && !url.starts_with("http://")
        {
            bail!("heads_url: must begin with https:// or http://");
        }
        if self.connections == 0 || self.connections_per_address == 0 || self.header_seconds == 0 {
            bail!("connections, connections_per_address, header_seconds: at least 1");
        }
        if let Some(all) = self.trusted_proxies.iter().find(|net| net.prefix_len() == 0) {
            bail!(
                "trusted_proxies: {all} is everybody, and everybody would choose its own address"
            );
        }
        if self.proxy_protocol && self.trusted_proxies.is_empty() {
            bail!("proxy_protocol = true: name the proxies that speak it in trusted_proxies");
        }
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), Some(_)) => return Ok(()),
            (None, None) => {}
            (Some(_), None) => bail!("tls_certificate is set but tls_key is missing"),
            (None, Some(_)) => bail!("tls_key is set but tls_certificate is missing"),
        }
        if !self.listen.ip().is_loopback() && self.trusted_proxies.is_empty() {
            bail!(
                "listen = \"{}\" would carry PINs over plain HTTP: set tls_certificate and tls_key, \
                 or name your TLS proxy in trusted_proxies, or listen on 127.0.0.1",
                self.listen
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_what_the_program_does() {
        let written: Config = toml::from_str(DEFAULT).unwrap();
        assert_eq!(format!("{written:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn unknown_keys_and_open_plain_http_stop_the_start() {
        assert!(toml::from_str::<Config>("lisen = \"127.0.0.1:1\"").is_err());
        let open: Config = toml::from_str("listen = \"0.0.0.0:80\"").unwrap();
        assert!(open.check().is_err());
        let proxied =
            toml::from_str::<Config>("listen = \"0.0.0.0:80\"\ntrusted_proxies = [\"10.0.0.0/8\"]");
        assert!(proxied.unwrap().check().is_ok());
    }
}
