//! Reading an import file.

use anyhow::{Context as _, bail};
use office::{ImportRow, file_text, read_import};
use std::path::Path;

/// The text of a file, in whatever encoding spreadsheets gave it.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    file_text(&bytes).with_context(|| path.display().to_string())
}

/// Reads all rows with their line numbers; what the fields mean is checked by the operation.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<ImportRow>> {
    let text = text(path)?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let rows = read_import(ending, &text).with_context(|| path.display().to_string())?;
    if rows.is_empty() {
        bail!("{}: no products", path.display());
    }
    Ok(rows)
}
