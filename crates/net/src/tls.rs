//! TLS for the listener, from files, reloaded when they change.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tokio_rustls::TlsAcceptor;

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("TLS {file}: {why}")]
pub struct TlsError {
    file: String,
    why: String,
}

/// Certificate and key of the listener. A broken new pair leaves the old one in use.
pub struct ReloadingTls {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<(Option<(SystemTime, SystemTime)>, TlsAcceptor)>,
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

fn load(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let wrong = |file: &Path, why: String| TlsError { file: file.display().to_string(), why };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, error.to_string()))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| wrong(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl ReloadingTls {
    /// Loads both files.
    ///
    /// # Errors
    /// [`TlsError`] naming the file and what is wrong with it.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let times = changed(&certificate).zip(changed(&key));
        let acceptor = load(&certificate, &key)?;
        Ok(Self { certificate, key, current: Mutex::new((times, acceptor)) })
    }

    /// The acceptor for the next connection.
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        self.current.lock().ok().map(|current| current.1.clone())
    }

    /// Loads the files again when they changed; called about once a second.
    pub fn refresh(&self) {
        let times = changed(&self.certificate).zip(changed(&self.key));
        let Ok(mut current) = self.current.lock() else { return };
        if times.is_none() || times == current.0 {
            return;
        }
        match load(&self.certificate, &self.key) {
            Ok(acceptor) => {
                *current = (times, acceptor);
                tracing::info!("certificate and key were reloaded");
            }
            Err(error) => {
                current.0 = times;
                tracing::error!(%error, "the new certificate is not used; the old one stays");
            }
        }
    }
}
