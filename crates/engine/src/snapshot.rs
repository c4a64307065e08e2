//! The catalog as every reader sees it, and the only way to make it new.

use crate::Catalog;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) type Reload = Box<dyn FnMut() -> Result<Catalog, String> + Send>;

/// An immutable catalog that is replaced whole.
pub(crate) struct Snapshot {
    catalog: ArcSwap<Catalog>,
    reload: Mutex<Reload>,
    /// A change was committed and could not be read back yet.
    stale: AtomicBool,
}

impl Snapshot {
    /// The first one.
    pub(crate) fn new(mut reload: Reload) -> Result<Self, String> {
        let catalog = ArcSwap::from_pointee(reload()?);
        Ok(Self { catalog, reload: Mutex::new(reload), stale: AtomicBool::new(false) })
    }

    /// As it stands.
    pub(crate) fn get(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Reads it again. One after the other, so that a later reading never yields to an earlier one.
    pub(crate) fn refresh(&self) -> Result<(), String> {
        let mut reload = self.reload.lock().map_err(|_| "the catalog broke".to_owned())?;
        self.catalog.store(Arc::new(reload()?));
        self.stale.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// A change is committed: reads it. When that fails the old catalog stays, and is known to be
    /// old until it was read again.
    pub(crate) fn follow_commit(&self) {
        self.stale.store(true, Ordering::Relaxed);
        if let Err(error) = self.refresh() {
            tracing::error!(
                error,
                "a change of the catalog is written and could not be read back; \
                 it is tried again, and nothing else is changed until then"
            );
        }
    }

    /// True when a committed change is not in it yet.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }
}
