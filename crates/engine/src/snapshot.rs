//! The catalog as every reader sees it, and the only way to make it new.

use crate::Catalog;
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex};

pub(crate) type Reload = Box<dyn FnMut() -> Result<Catalog, String> + Send>;

/// An immutable catalog that is replaced whole.
pub(crate) struct Snapshot {
    catalog: ArcSwap<Catalog>,
    reload: Mutex<Reload>,
}

impl Snapshot {
    /// The first one.
    pub(crate) fn new(mut reload: Reload) -> Result<Self, String> {
        let catalog = ArcSwap::from_pointee(reload()?);
        Ok(Self { catalog, reload: Mutex::new(reload) })
    }

    /// As it stands.
    pub(crate) fn get(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Reads it again. One after the other, so that a later reading never yields to an earlier one.
    pub(crate) fn refresh(&self) -> Result<(), String> {
        let mut reload = self.reload.lock().map_err(|_| "the catalog broke".to_owned())?;
        self.catalog.store(Arc::new(reload()?));
        Ok(())
    }
}
