//! The data directory: database, master key, lock.

use crate::mark::sync_folder;
use anyhow::{Context as _, bail};
use engine::crash_point;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use store::{KeyId, MasterKey};
use zeroize::Zeroizing;

/// Holds the key where no file does.
pub(crate) const KEY_VARIABLE: &str = "GERBANG_MASTER_KEY";

/// The folder that holds one business.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

/// Held while a process is the only writer.
pub(crate) struct Lock(#[allow(dead_code)] File);

impl DataDir {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("gerbang.db")
    }

    pub(crate) fn sandbox_log(&self) -> PathBuf {
        self.0.join("sandbox.log")
    }

    /// The sandbox of members: play, may be deleted while nobody serves.
    pub(crate) fn play_database(&self) -> PathBuf {
        self.0.join("play.db")
    }

    pub(crate) fn play_log(&self) -> PathBuf {
        self.0.join("play.log")
    }

    /// Derived figures: may be deleted at any time.
    pub(crate) fn reports(&self) -> PathBuf {
        self.0.join("reports.db")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("gerbang.toml")
    }

    /// Where a running server takes operations.
    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("gerbang.sock")
    }

    /// How far this business has come, outside the database; `gerbang.toml` may name another place.
    pub(crate) fn mark(&self) -> PathBuf {
        self.0.join("gerbang.mark")
    }

    /// Figures that were derived from a ledger that is no more.
    pub(crate) fn forget_reports(&self) -> std::io::Result<()> {
        for name in with_logs(&self.reports()) {
            match std::fs::remove_file(name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn key_file(&self) -> PathBuf {
        self.0.join("master.key")
    }

    /// The key comes from the environment.
    pub(crate) fn key_is_given() -> bool {
        std::env::var_os(KEY_VARIABLE).is_some()
    }

    pub(crate) fn exists(&self) -> bool {
        self.database().exists()
    }

    /// What only a business leaves, where its database is gone. A key alone is one too: without what it
    /// opens it is of use to nobody.
    fn traces(&self) -> Vec<PathBuf> {
        let [_, log, index] = with_logs(&self.database());
        let own = [log, index, self.reports(), self.play_database(), self.key_file()];
        own.into_iter().filter(|file| file.exists()).collect()
    }

    /// Files of a business that are here while its database is not; `mark`, `heads`: where those are;
    /// `in_file`: the database is a file of this folder.
    pub(crate) fn left_over(
        &self,
        mark: &Path,
        heads: Option<&Path>,
        in_file: bool,
    ) -> Vec<PathBuf> {
        let elsewhere = std::iter::once(mark).chain(heads).filter(|file| file.exists());
        let mut found: Vec<PathBuf> = elsewhere.map(Path::to_owned).collect();
        if in_file {
            found.extend(self.traces());
        }
        found
    }

    /// Creates the folder when absent.
    pub(crate) fn create_folder(&self) -> anyhow::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .with_context(|| format!("cannot create {}", self.0.display()))
    }

    /// Nobody else looks into the folder: it is tightened, or refused where it is everybody's.
    pub(crate) fn keep_private(&self) -> anyhow::Result<()> {
        let shown = self.0.display();
        let found =
            std::fs::metadata(&self.0).with_context(|| format!("cannot look at {shown}"))?;
        let mode = found.permissions().mode() & 0o7777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        if mode & 0o1002 != 0 {
            bail!(
                "{shown} has mode {mode:04o}: everybody may write there. A business needs a folder of \
                 its own: make one with mode 0700 and name it with --data"
            );
        }
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o700)).with_context(
            || format!("{shown} has mode {mode:04o} and is open to others: `chmod 700 {shown}`"),
        )?;
        tracing::warn!(folder = %shown, was = %format!("{mode:04o}"), "the folder was open to others: now 0700");
        Ok(())
    }

    /// Creates folder and key when absent.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        self.create_folder()?;
        let key = self.key_file();
        if key.exists() {
            return Ok(());
        }
        if self.exists() || self.mark().exists() {
            bail!(self.key_is_missing());
        }
        write_key(&key)?;
        Ok(())
    }

    /// The key that a rotation changes to, until it is in place.
    pub(crate) fn new_key_file(&self) -> PathBuf {
        self.0.join("master.key.new")
    }

    /// Where a rotation keeps the key of before: older backups open with it.
    fn old_key_file(&self, id: KeyId) -> PathBuf {
        self.0.join(format!("master.key.old-{id}"))
    }

    /// The key that a rotation changes to; made durable where there is none yet.
    pub(crate) fn new_key(&self) -> anyhow::Result<MasterKey> {
        let path = self.new_key_file();
        match read_key(&path)? {
            Some(key) => Ok(key),
            None => write_key(&path),
        }
    }

    /// Puts the new key in the place of the old one, which keeps another name. Whatever a crash leaves,
    /// both are there, and doing it again ends it.
    pub(crate) fn swap_keys(&self, old: KeyId) -> anyhow::Result<PathBuf> {
        let (place, kept, new) = (self.key_file(), self.old_key_file(old), self.new_key_file());
        if read_key(&kept)?.is_none_or(|key| key.id() != old) {
            std::fs::hard_link(&place, &kept)
                .with_context(|| format!("cannot create {}", kept.display()))?;
            sync_folder(&place)?;
        }
        crash_point("key-kept");
        std::fs::rename(&new, &place)
            .with_context(|| format!("cannot rename {}", new.display()))?;
        sync_folder(&place)?;
        Ok(kept)
    }

    /// No key in the folder and none in the environment.
    pub(crate) fn lacks_key(&self) -> bool {
        !Self::key_is_given() && !self.key_file().exists()
    }

    /// The way out for those who have a business and no key.
    pub(crate) fn key_is_missing(&self) -> String {
        format!(
            "{} is missing: put back the key this business was written with (you keep it apart from \
             the backups), or set GERBANG_MASTER_KEY to its 64 digits. Without that key nobody can \
             open members' PINs and passwords, settings of suppliers and second factors; balances, \
             purchases and journal can still be read and proved (gerbang verify). Do not run \
             `gerbang init`: another key opens nothing of it",
            self.key_file().display()
        )
    }

    /// Reads the master key; refuses one that others may read.
    pub(crate) fn master_key(&self) -> anyhow::Result<MasterKey> {
        if Self::key_is_given() {
            return key_of(KEY_VARIABLE);
        }
        let path = self.key_file();
        let is_ours = self.exists() || self.mark().exists() || self.config().exists();
        if !path.exists() && is_ours {
            bail!(self.key_is_missing());
        }
        read_key(&path)?.with_context(|| {
            format!(
                "cannot read {}: copy it from another node of this business, or from where it is \
                 kept apart; only for a new business `gerbang init` makes one",
                path.display()
            )
        })
    }

    /// What this folder is called among the nodes of a business: made once, by chance. Empty when
    /// that is not possible.
    pub(crate) fn seat(&self) -> String {
        let path = self.0.join("node.id");
        let hex = |text: &str| {
            let text = text.trim();
            let fits = text.len() == 16 && text.chars().all(|c| c.is_ascii_hexdigit());
            fits.then(|| text.to_owned())
        };
        if let Ok(text) = std::fs::read_to_string(&path) {
            return hex(&text).unwrap_or_default();
        }
        let mut bytes = [0_u8; 8];
        if getrandom::fill(&mut bytes).is_err() {
            return String::new();
        }
        let made = types::hex(bytes);
        match std::fs::write(&path, &made) {
            Ok(()) => made,
            Err(_) => String::new(),
        }
    }

    /// Becomes the only writer of this business.
    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        match self.try_lock()? {
            Some(lock) => Ok(lock),
            None => bail!("another gerbang is working in {}", self.0.display()),
        }
    }

    /// The same; none while another process is the writer.
    pub(crate) fn try_lock(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.0.join("gerbang.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

/// Reads a key; refuses one that others may read. None where there is none.
fn read_key(path: &Path) -> anyhow::Result<Option<MasterKey>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{} may be read by others; run: chmod 600 {0}", path.display());
    }
    // Large enough to be read in one piece: growing would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(256));
    file.read_to_string(&mut text).with_context(|| path.display().to_string())?;
    MasterKey::from_hex(&text).map(Some).with_context(|| path.display().to_string())
}

/// A new key in a file of its own, durable with its name. Whole or not there: half a key would have to
/// be removed by hand.
fn write_key(path: &Path) -> anyhow::Result<MasterKey> {
    let (key, part) = (MasterKey::generate()?, beside(path, ".part"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .with_context(|| format!("cannot create {}", part.display()))?;
    file.write_all(key.to_hex().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    // Never over another key.
    std::fs::hard_link(&part, path).with_context(|| format!("cannot create {}", path.display()))?;
    std::fs::remove_file(&part)?;
    sync_folder(path).with_context(|| format!("cannot make {} durable", path.display()))?;
    Ok(key)
}

/// The key in a variable of the environment.
pub(crate) fn key_of(variable: &str) -> anyhow::Result<MasterKey> {
    let text = std::env::var(variable).with_context(|| variable.to_owned())?;
    MasterKey::from_hex(&Zeroizing::new(text)).with_context(|| variable.to_owned())
}

/// The file of this name with an ending.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A database file and the logs that belong to it.
pub(crate) fn with_logs(database: &Path) -> [PathBuf; 3] {
    [database.to_owned(), beside(database, "-wal"), beside(database, "-shm")]
}
