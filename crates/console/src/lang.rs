//! Two languages. The English text is the key; the Indonesian one stands in `locales/id.tsv`.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A reader's language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    /// Indonesian.
    #[default]
    Id,
    /// English.
    En,
}

static INDONESIAN: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    include_str!("../locales/id.tsv").lines().filter_map(|line| line.split_once('\t')).collect()
});

impl Lang {
    /// What was chosen before, or what the browser prefers.
    pub(crate) fn choose(cookie: Option<&str>, accepts: &str) -> Self {
        match cookie {
            Some("en") => Self::En,
            Some("id") => Self::Id,
            Some(_) | None => {
                let first = accepts.split(',').next().unwrap_or_default();
                if first.trim_start().to_ascii_lowercase().starts_with("en") {
                    Self::En
                } else {
                    Self::Id
                }
            }
        }
    }

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::En => "en",
        }
    }

    /// The text in this language; one that is not translated is told in English.
    pub(crate) fn say(self, english: &'static str) -> &'static str {
        match self {
            Self::En => english,
            Self::Id => INDONESIAN.get(english).copied().unwrap_or(english),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn texts(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                texts(&path, found);
            } else {
                let source = std::fs::read_to_string(&path).unwrap();
                let source: String = source.split_whitespace().collect::<Vec<_>>().join(" ");
                let openings = [".t(\"", ".t( \"", "say(\"", "say( \""];
                for opening in openings {
                    for rest in source.split(opening).skip(1) {
                        found.push(rest.split('"').next().unwrap().to_owned());
                    }
                }
            }
        }
    }

    /// Every text has its translation, and no translation is left over.
    #[test]
    fn everything_is_said_in_both_languages() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        texts(&root.join("src"), &mut found);
        found.retain(|text| text.chars().any(char::is_alphabetic) && !text.contains('\\'));
        let missing: Vec<&String> =
            found.iter().filter(|text| !INDONESIAN.contains_key(text.as_str())).collect();
        assert!(missing.is_empty(), "{missing:#?}");
        assert!(found.len() > 100, "{}", found.len());
    }

    #[test]
    fn the_cookie_wins_over_the_browser() {
        assert_eq!(Lang::choose(Some("id"), "en-GB"), Lang::Id);
        assert_eq!(Lang::choose(None, "en-GB,en;q=0.9"), Lang::En);
        assert_eq!(Lang::choose(None, "fr"), Lang::Id);
    }
}
