//! Where the database is and how it is reached. Its password is in no message.

use crate::check;
use crate::link::told;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A database and the way to it.
pub struct Target {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Target {
    /// Reads `postgres://user:password@host:port/name?sslmode=require`; several hosts may be
    /// listed, the first that takes writes is used. `ca` names a PEM file with the certificate
    /// authority of the server; without one the public ones count.
    ///
    /// # Errors
    /// What is wrong with the URL or the file.
    pub fn parse(url: &str, ca: Option<&Path>) -> Result<Self, String> {
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // The URL itself holds a password and is not repeated.
            format!("the database URL cannot be read: {error}")
        })?;
        config
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(20))
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        // Kept by the server for the session; what stands between does not know it.
        let options = config.get_options().map_or_else(String::new, |given| format!("{given} "));
        config.options(format!("{options}-c {}=on", check::DIRECT));
        let over_network = config.get_hosts().iter().any(|host| match host {
            Host::Tcp(name) => !matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
            Host::Unix(_) => false,
        });
        if over_network && config.get_ssl_mode() == SslMode::Prefer && !url.contains("sslmode=") {
            return Err("say sslmode=require, or sslmode=disable on a network of your own: \
                        the default would fall back to plain text"
                .to_owned());
        }
        let mut roots = rustls::RootCertStore::empty();
        match ca {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(path) => {
                let bytes =
                    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                for certificate in CertificateDer::pem_slice_iter(&bytes) {
                    let certificate =
                        certificate.map_err(|error| format!("{}: {error}", path.display()))?;
                    roots
                        .add(certificate)
                        .map_err(|error| format!("{}: {error}", path.display()))?;
                }
                if roots.is_empty() {
                    return Err(format!("{} holds no certificate", path.display()));
                }
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config, tls: MakeRustlsConnect::new(tls) })
    }

    /// For logs: who, where, which; never the password.
    #[must_use]
    pub fn shown(&self) -> String {
        let ports = self.config.get_ports();
        let port = |n: usize| ports.get(n).or(ports.first()).copied().unwrap_or(5_432);
        let hosts: Vec<String> = (0..)
            .zip(self.config.get_hosts())
            .map(|(n, host)| match host {
                Host::Tcp(name) => format!("{name}:{}", port(n)),
                Host::Unix(path) => format!("{}:{}", path.display(), port(n)),
            })
            .collect();
        let name = self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres");
        format!("{name} at {}", hosts.join(","))
    }

    /// A connection, and its notices. It is driven by whoever waits for an answer on the same
    /// runtime.
    pub(crate) async fn connect(&self) -> Result<(Client, UnboundedReceiver<()>), String> {
        let (client, mut connection) =
            self.config.connect(self.tls.clone()).await.map_err(|error| {
                let why = told(&error);
                if why.contains("unsupported startup parameter") {
                    return format!("{} ({why})", check::POOLER);
                }
                why
            })?;
        let (notice, notices) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(AsyncMessage::Notification(_))) => {
                        // Nobody waits for it on most connections.
                        let _ = notice.send(());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::debug!(error = %told(&error), "a database connection ended");
                        return;
                    }
                    None => return,
                }
            }
        });
        Ok((client, notices))
    }
}
