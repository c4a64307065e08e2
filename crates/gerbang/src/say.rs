//! Lines on stdout. A reader that went away (`| head`) is no failure: what was said for it ends, quietly.

use std::fmt::{Display, Formatter};
use std::io::{ErrorKind, Write as _};

/// Nobody reads stdout any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unheard;

impl Display for Unheard {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads stdout any more")
    }
}

impl std::error::Error for Unheard {}

/// Says a text as it is.
///
/// # Errors
/// [`Unheard`], or what else is wrong with stdout.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Unheard.into()),
        Err(error) => Err(anyhow::Error::from(error).context("cannot write to stdout")),
        Ok(()) => Ok(()),
    }
}

/// Says a line.
///
/// # Errors
/// As [`text`].
pub(crate) fn line(line: impl Display) -> anyhow::Result<()> {
    text(&format!("{line}\n"))
}
