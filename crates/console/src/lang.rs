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

    /// A sentence of the office in this language, with the values in it.
    pub(crate) fn told(self, english: &str) -> String {
        match self {
            Self::En => english.to_owned(),
            Self::Id => {
                let told = english.lines().map(|line| indonesian(line, DEEPEST));
                told.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Sentences within sentences; values come from outside, and may look like any.
const DEEPEST: usize = 3;

/// Sentences with values in them, those with the most words first.
static SENTENCES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let mut all: Vec<_> = INDONESIAN
        .iter()
        .filter(|(english, _)| english.contains("{}"))
        .map(|(english, indonesian)| (*english, *indonesian))
        .collect();
    all.sort_by_key(|(english, _)| (std::cmp::Reverse(english.len()), *english));
    all
});

/// The values of a sentence, where it is this one.
fn values<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut found = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let is_last = pieces.peek().is_none();
        let (value, after) =
            if is_last { (rest.strip_suffix(piece)?, "") } else { rest.split_once(piece)? };
        found.push(value);
        rest = after;
    }
    Some(found)
}

/// A sentence, and sentences that stand in it as values.
fn indonesian(english: &str, deeper: usize) -> String {
    if let Some(known) = INDONESIAN.get(english) {
        return (*known).to_owned();
    }
    if deeper == 0 {
        return english.to_owned();
    }
    let found =
        SENTENCES.iter().find_map(|(pattern, said)| Some((values(pattern, english)?, *said)));
    let Some((values, said)) = found else { return english.to_owned() };
    let mut values = values.into_iter();
    let mut text = String::new();
    for (place, piece) in said.split("{}").enumerate() {
        if place > 0 {
            text += &values
                .next()
                .map_or_else(String::new, |value| indonesian(value, deeper.saturating_sub(1)));
        }
        text += piece;
    }
    text
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

    /// Placeholders of a literal without their names, and without the breaks of its lines.
    fn bare(source: &str) -> String {
        let joined: Vec<&str> = source
            .split("\\\n")
            .enumerate()
            .map(|(place, line)| if place == 0 { line } else { line.trim_start() })
            .collect();
        let mut text = String::new();
        let mut rest = joined.as_slice().concat();
        while let Some((before, after)) = rest.split_once('{') {
            text += before;
            text.push('{');
            let end = after.find('}').unwrap_or_default();
            let is_name = after.get(..end).is_some_and(|name| {
                name.chars().all(|c| c.is_ascii_alphanumeric() || "_:.#".contains(c))
            });
            rest = after.get(if is_name { end } else { 0 }..).unwrap_or_default().to_owned();
        }
        text + &rest
    }

    /// What is said with values is said there as it is translated here.
    #[test]
    fn sentences_of_the_office_are_those_that_are_translated() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = String::new();
        // Of amounts and of numbers in queries as well.
        let mut folders = ["../office/src", "../types/src", "src"].map(|to| here.join(to)).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    sources += &bare(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        for (english, indonesian) in SENTENCES.iter() {
            assert!(sources.contains(english), "{english}");
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(english), places(indonesian), "{english}");
        }
    }

    #[test]
    fn sentences_keep_their_values() {
        for (english, indonesian) in [
            (
                "line 3: kode `RS1`: stands in line 2 too; leave one of them",
                "baris 3: kode `RS1`: juga ada di baris 2; sisakan salah satu",
            ),
            (
                "budi, who asked for this, is cs now and may not ask for it any more: nobody can \
                 agree to it; refuse it, and let somebody who may ask for it anew",
                "budi, yang meminta ini, sekarang cs dan tidak boleh memintanya lagi: tidak ada yang \
                 bisa menyetujuinya; tolak, lalu minta orang yang berhak mengajukannya lagi",
            ),
            (
                "this password is too easy to guess: it follows a sequence; three or four words do well",
                "password ini terlalu mudah ditebak: mengikuti urutan; tiga atau empat kata sudah cukup",
            ),
            (
                "line 4: pin: a PIN has at least 6 digits; such a one works from allowed addresses \
                 only: name at least one in `ips`, or give another",
                "baris 4: pin: PIN paling sedikit 6 angka; yang seperti ini hanya berlaku dari alamat \
                 yang diizinkan: isi paling sedikit satu di `ips`, atau beri yang lain",
            ),
            ("nobody said this", "nobody said this"),
        ] {
            assert_eq!(Lang::Id.told(english), indonesian);
            assert_eq!(Lang::En.told(english), english);
        }
        // However deep it goes on, it ends.
        let deep = "line 1: a: ".repeat(100_000);
        assert!(Lang::Id.told(&deep).starts_with("baris 1: a: baris 1: a: baris 1: a: line 1"));
    }

    #[test]
    fn the_cookie_wins_over_the_browser() {
        assert_eq!(Lang::choose(Some("id"), "en-GB"), Lang::Id);
        assert_eq!(Lang::choose(None, "en-GB,en;q=0.9"), Lang::En);
        assert_eq!(Lang::choose(None, "fr"), Lang::Id);
    }
}
