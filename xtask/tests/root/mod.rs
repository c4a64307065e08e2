//! Where the sources stand.

use std::path::{Path, PathBuf};

/// The folder of the whole.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
