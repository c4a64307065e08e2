//! Files that people download or copy from a spreadsheet: lines of cells below a header that may stand
//! behind some lines of greeting. Commas, semicolons, tabs and bars; `sep=;` in front is understood.

use crate::problem::Problem;

/// The header stands within the first lines.
const PREAMBLE_MOST: usize = 40;

/// A read file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    /// Lines before the header.
    pub(crate) preamble: Vec<String>,
    /// Normal names of the columns.
    pub(crate) heads: Vec<String>,
    /// Line of the file and its cells, trimmed; empty lines are left out.
    pub(crate) rows: Vec<(usize, Vec<String>)>,
}

/// A column's name for comparing: `No. Rekening :` and `NO_REKENING` are one.
pub(crate) fn head(text: &str) -> String {
    let text = text.trim().trim_start_matches('\'').to_lowercase().replace('_', " ");
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches(['.', ':', '*'])).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn cells(line: &str, delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(line.as_bytes());
    let first = reader.records().next().and_then(Result::ok).unwrap_or_default();
    first.iter().map(head).collect()
}

/// The cells below the first line that `fits` as a header.
///
/// # Errors
/// [`Problem`] that says what a header must hold (`needs`).
pub(crate) fn read_grid(
    text: &str,
    fits: &dyn Fn(&[String]) -> bool,
    needs: &str,
) -> Result<Grid, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut preamble = Vec::new();
    let (mut at, mut line, mut said) = (0, 1, None);
    for whole in text.split_inclusive('\n').take(PREAMBLE_MOST) {
        let bare = whole.trim();
        if let Some(mark) = bare.to_ascii_lowercase().strip_prefix("sep=")
            && let [mark] = mark.as_bytes()
        {
            said = Some(*mark);
        } else if !bare.is_empty() {
            let found = [b';', b'\t', b',', b'|']
                .into_iter()
                .filter(|mark| said.is_none_or(|said| said == *mark))
                .map(|mark| (mark, cells(bare_end(whole), mark)))
                .filter(|(_, heads)| fits(heads))
                .max_by_key(|(_, heads)| heads.len());
            if let Some((mark, heads)) = found {
                let rest = text.get(at + whole.len()..).unwrap_or_default();
                return Ok(Grid { preamble, heads, rows: rows(rest, mark, line + 1)? });
            }
            preamble.push(bare.to_owned());
        }
        at += whole.len();
        line += 1;
    }
    let first: String = preamble.first().cloned().unwrap_or_default().chars().take(120).collect();
    Err(Problem::asked(
        "no_header",
        format!("no line is a header with {needs}; the first line is `{first}`"),
    ))
}

/// A line without its end; tabs at the end are cells.
fn bare_end(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

fn rows(text: &str, delimiter: u8, first: usize) -> Result<Vec<(usize, Vec<String>)>, Problem> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| Problem::asked("bad_line", error.to_string()))?;
        let from = record.position().map_or(1, |at| line_of(text, at));
        let line = first + usize::try_from(from).unwrap_or(1) - 1;
        if record.iter().any(|cell| !cell.is_empty()) {
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
    }
    Ok(rows)
}

/// The reader says where it began to look: empty lines in front of the record are among it.
fn line_of(text: &str, at: &csv::Position) -> u64 {
    let from = usize::try_from(at.byte()).unwrap_or_default();
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    at.line() + u64::try_from(empty.filter(|byte| **byte == b'\n').count()).unwrap_or_default()
}

/// Text of a file's bytes: UTF-8, UTF-16 with its mark, or what older spreadsheets write.
#[must_use]
pub fn file_text(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], join: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
        let units: Vec<u16> = pairs.map(join).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| windows(*byte)).collect(),
        },
    }
}

/// Windows-1252, as far as product names and texts of banks need it.
fn windows(byte: u8) -> char {
    match byte {
        0x85 => '\u{2026}',
        0x91 => '\u{2018}',
        0x92 => '\u{2019}',
        0x93 => '\u{201c}',
        0x94 => '\u{201d}',
        0x95 => '\u{2022}',
        0x96 => '\u{2013}',
        0x97 => '\u{2014}',
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Grid, Problem> {
        read_grid(text, &|heads| heads.iter().any(|head| head == "harga"), "`harga`")
    }

    #[test]
    fn the_header_is_found_behind_a_greeting_in_every_style() {
        for text in [
            "Kode;Harga\nA;1\n",
            "sep=;\nKode;Harga\nA;1\n",
            "Kode\tHarga\r\nA\t1\r\n",
            "\u{feff}Laporan, bulan November\n\nKode,Harga\n;;\nA,1\n,\n",
        ] {
            let grid = read(text).unwrap();
            assert_eq!(grid.heads, ["kode", "harga"], "{text}");
            let rows: Vec<_> = grid.rows.iter().map(|(_, cells)| cells.join("=")).collect();
            assert_eq!(rows.last().map(String::as_str), Some("A=1"), "{text}");
        }
        let grid = read("x\nKode;Harga\n;;;\n\nA;1\n").unwrap();
        assert_eq!(grid.rows.iter().map(|row| row.0).collect::<Vec<_>>(), [5]);
        assert_eq!(grid.preamble, ["x"]);
        assert!(read("a;b\n1;2\n").unwrap_err().detail.contains("the first line is `a;b`"));
        assert_eq!(head("No. Rekening :"), head("NO_REKENING"));
    }

    #[test]
    fn files_of_older_programs_are_read() {
        assert_eq!(file_text(b"\xff\xfeA\0;\0"), "A;");
        assert_eq!(file_text(b"\xfe\xff\0A"), "A");
        assert_eq!(file_text(b"Three \x96 5"), "Three \u{2013} 5");
        assert_eq!(file_text("Tiga – 5".as_bytes()), "Tiga – 5");
    }
}
