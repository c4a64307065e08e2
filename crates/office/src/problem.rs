//! What a person or a program is told when something is not done.

/// A refusal of the office with its stable code. Anything else that fails is told as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// Never changes.
    pub code: &'static str,
    /// The HTTP status it is told with.
    pub status: u16,
    /// What was wrong, with which value, what to do next.
    pub detail: String,
}

impl Problem {
    /// A problem with what was asked.
    pub fn asked(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, status: 422, detail: detail.into() }
    }

    /// Something that is not there.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self { code: "not_found", status: 404, detail: detail.into() }
    }

    /// Somebody else was faster.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, status: 409, detail: detail.into() }
    }

    /// Not for this one.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self { code: "forbidden", status: 403, detail: detail.into() }
    }
}
