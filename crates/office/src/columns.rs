//! Files of lines with named columns: our names and those that others give them. What is no column is
//! told, so that a misspelt one does not go by unseen.

use crate::grid::{Grid, head, read_grid};
use anyhow::bail;

/// The columns of a kind of file.
pub(crate) struct Columns {
    /// Our name of each, then what others call it.
    pub(crate) all: &'static [(&'static str, &'static [&'static str])],
    /// The one that every header has.
    pub(crate) key: &'static str,
    /// `a product file`.
    pub(crate) of: &'static str,
}

/// A line of a file: its number, and its cells by our names.
pub(crate) type Line = (usize, Vec<(&'static str, String)>);

impl Columns {
    /// Our name of a column.
    pub(crate) fn named(&self, name: &str) -> Option<&'static str> {
        let name = head(name);
        let found = self
            .all
            .iter()
            .find(|(own, others)| head(own) == name || others.contains(&name.as_str()));
        found.map(|(own, _)| *own)
    }

    /// Our name of each with what else is understood, a line each.
    pub(crate) fn headings(&self) -> String {
        let one = |(own, others): &(&str, &[&str])| {
            format!("  {own:<16}{}", others.join(", ")).trim_end().to_owned()
        };
        self.all.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn unknown(&self, name: &str) -> anyhow::Error {
        let all: Vec<&str> = self.all.iter().map(|(own, _)| *own).collect();
        let (of, all) = (self.of, all.join(", "));
        anyhow::anyhow!(
            "`{name}` is no column of {of}: take it out, or give it one of the names {all}"
        )
    }

    /// The lines below the header, in every style of spreadsheets.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub(crate) fn read(&self, text: &str) -> anyhow::Result<Vec<Line>> {
        let is_header =
            |heads: &[String]| heads.iter().any(|head| self.named(head) == Some(self.key));
        let needs = format!("the column `{}`", self.key);
        let Grid { heads, rows, .. } = read_grid(text, &is_header, &needs)?;
        let mut columns: Vec<Option<&'static str>> = Vec::new();
        for (place, head) in heads.iter().enumerate() {
            let found = self.named(head);
            let used =
                rows.iter().any(|(_, cells)| cells.get(place).is_some_and(|cell| !cell.is_empty()));
            if found.is_none() && (used || !head.is_empty()) {
                return Err(self.unknown(head));
            }
            if found.is_some() && columns.contains(&found) {
                bail!("the column `{head}` stands there twice");
            }
            columns.push(found);
        }
        let mut found = Vec::new();
        for (line, cells) in rows {
            let mut row = Vec::new();
            for (place, text) in cells.iter().enumerate() {
                match columns.get(place).copied().flatten() {
                    Some(name) => row.push((name, bare(text).trim().to_owned())),
                    None if text.is_empty() => {}
                    None => bail!(
                        "line {line}: `{text}` stands behind the last column; put texts with the separator into quotes"
                    ),
                }
            }
            found.push((line, row));
        }
        Ok(found)
    }
}

fn formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Where a spreadsheet that splits at something else than commas may begin a cell: our quotes do not
/// hold there, as they do not stand at the beginning of its cell.
const SPLITS: [char; 4] = [';', '\t', '\n', '\r'];

/// True for what would be a formula at the beginning of such a cell, quotes and spaces aside.
fn splits_to_formula(rest: &str) -> bool {
    rest.trim_start_matches(['"', '\'', ' ']).starts_with(['=', '+', '-', '@'])
}

/// With an apostrophe at each place where a formula would begin.
fn guarded(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        safe.push(letter);
        let rest = text.get(at.saturating_add(letter.len_utf8())..).unwrap_or_default();
        if SPLITS.contains(&letter) && splits_to_formula(rest) {
            safe.push('\'');
        }
    }
    safe
}

/// What [`guarded`] was made of.
fn unguarded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut after_split = false;
    for (at, letter) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        if !(after_split && letter == '\'' && splits_to_formula(rest)) {
            plain.push(letter);
        }
        after_split = SPLITS.contains(&letter);
    }
    plain
}

/// What a cell says. Exports put an apostrophe before what spreadsheets would take for a formula.
fn bare(text: &str) -> String {
    let own = text.strip_prefix('\'').filter(|rest| formula(rest) || rest.starts_with('\''));
    unguarded(own.unwrap_or(text))
}

/// Text for a spreadsheet: what begins like a formula is told as text.
#[must_use]
pub fn harmless(text: &str) -> String {
    let safe = guarded(text);
    if formula(text) && text.parse::<i64>().is_err() { format!("'{safe}") } else { safe }
}

/// The same where it is read again: a first apostrophe of its own is doubled.
#[must_use]
pub fn file_cell(text: &str) -> String {
    if text.starts_with('\'') { format!("'{}", guarded(text)) } else { harmless(text) }
}

/// A word for yes or no, for open or closed.
pub(crate) fn is_on(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "1" | "aktif" | "active" | "open" | "buka" | "normal" | "tersedia" | "on" | "ya"
        | "yes" | "true" => Some(true),
        "0" | "nonaktif" | "non aktif" | "non-aktif" | "tidak aktif" | "inactive" | "closed"
        | "close" | "tutup" | "gangguan" | "kosong" | "off" | "tidak" | "no" | "false" => {
            Some(false)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_take_for_formulas_comes_back_as_it_was() {
        assert_eq!(harmless("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(harmless("+6281"), "+6281");
        assert_eq!(harmless("-500"), "-500");
        assert_eq!(harmless("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(harmless("-1+cmd|' /C calc'!A0"), "'-1+cmd|' /C calc'!A0");
        let split = [
            "a;=1",
            "a;'=1",
            "a;\"=1",
            "a\t@x",
            "a\n=1\r=2",
            ";;=1",
            "a; -1",
            "a;b",
            "'a;=1",
            "=1;=2",
            "a;' '=1",
            "a;",
            "\t=1",
        ];
        for text in ["=SUM(1)", "-5", "'x", "''=1", "'", "@a", "plain", ""].iter().chain(&split) {
            assert_eq!(bare(&file_cell(text)), *text, "{text}");
        }
    }

    /// A cell with a semicolon, a tab or a line's end in it is more than one where those split.
    #[test]
    fn no_cell_begins_with_a_formula_wherever_it_is_split() {
        for text in ["x;=1", "x\t=1", "x\n+1", "x\r@1", "x;\"=1", ";=1", "=1;=2;=3", "x; =1"] {
            for cell in [harmless(text), file_cell(text)] {
                for split in SPLITS {
                    for piece in cell.split(split) {
                        let piece = piece.trim_start_matches(['"', ' ']);
                        assert!(!piece.starts_with(['=', '+', '-', '@']), "{cell:?}");
                    }
                }
            }
        }
        assert_eq!(harmless("jl. Melati 5; dekat pasar"), "jl. Melati 5; dekat pasar");
    }
}
