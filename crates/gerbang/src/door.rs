//! The local door: operations over a Unix socket in the data folder.
//!
//! The running server is the only writer, so a command line next to it asks it. One line of JSON
//! each way; whoever may open the socket (mode 0600) is the operator. The door must never answer
//! before an operation is durable.

use crate::assemble::House;
use crate::data::DataDir;
use anyhow::{Context as _, bail};
use office::{Actor, Operation, execute};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Most bytes of one operation: an import of some hundred thousand products.
const MOST: u64 = 64 * 1024 * 1024;
/// How long an operation may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// Longest path a socket address can hold, on every Unix.
const PATH_MOST: usize = 100;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(Value),
    Error(String),
}

/// A bound door; its file goes away with it.
pub(crate) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        // The next start replaces a file that is left over.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn path(data: &DataDir) -> anyhow::Result<PathBuf> {
    let path = data.socket();
    if path.as_os_str().len() > PATH_MOST {
        bail!("{}: too long for a socket; choose a shorter data folder", path.display());
    }
    Ok(path)
}

impl Door {
    /// Opens the door; only the holder of the data folder's lock may.
    pub(crate) fn open(data: &DataDir) -> anyhow::Result<Self> {
        let path = path(data)?;
        let fresh = path.with_extension("new");
        let _ = std::fs::remove_file(&fresh);
        let bind = || -> std::io::Result<UnixListener> {
            let listener = UnixListener::bind(&fresh)?;
            // The right mode first, then the name that clients know.
            std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
            std::fs::rename(&fresh, &path)?;
            Ok(listener)
        };
        let listener = bind().with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { listener, path })
    }

    /// Serves until the task is dropped.
    pub(crate) async fn serve(self, house: Arc<House>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let house = house.clone();
                    tokio::spawn(async move {
                        if let Err(error) = answer(&house, stream).await {
                            tracing::warn!(error = %format!("{error:#}"), "local door");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "local door");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn answer(house: &House, stream: UnixStream) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(MOST));
    tokio::time::timeout(ARRIVAL, read.read_line(&mut line))
        .await
        .context("no operation came")??;
    if line.is_empty() {
        return Ok(());
    }
    let answer = match serde_json::from_str::<Operation>(&line) {
        Ok(operation) => {
            tracing::info!(operation = operation.name(), "local door");
            match execute(&house.office, &Actor::local(), operation).await {
                Ok(value) => Answer::Ok(value),
                Err(error) => Answer::Error(format!("{error:#}")),
            }
        }
        Err(error) => Answer::Error(format!("this server does not know the operation: {error}")),
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await?;
    Ok(())
}

/// Asks the running server.
pub(crate) async fn ask(data: &DataDir, operation: &Operation) -> anyhow::Result<Value> {
    let path = path(data)?;
    let mut stream = UnixStream::connect(&path).await.with_context(|| {
        format!("a gerbang works in {} but does not answer at its socket", data.path().display())
    })?;
    let mut text = serde_json::to_string(operation)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    if line.is_empty() {
        bail!("the server closed before it answered; look whether the change was made");
    }
    match serde_json::from_str(&line)? {
        Answer::Ok(value) => Ok(value),
        Answer::Error(why) => bail!(why),
    }
}
