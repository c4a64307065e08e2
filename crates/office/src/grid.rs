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
    // A browser that read a file for its form said so of its bytes.
    if text.starts_with("PK\u{3}\u{4}") || text.starts_with(MARK_AS_WINDOWS) {
        let bytes: Vec<u8> = text.chars().map(byte_of).collect();
        file_text(&bytes)?;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut preamble = Vec::new();
    let (mut at, mut line, mut said) = (0_usize, 1_usize, None);
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
                let rest = text.get(at.saturating_add(whole.len())..).unwrap_or_default();
                return Ok(Grid {
                    preamble,
                    heads,
                    rows: rows(rest, mark, line.saturating_add(1))?,
                });
            }
            preamble.push(bare.to_owned());
        }
        at = at.saturating_add(whole.len());
        line = line.saturating_add(1);
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
        let line = first.saturating_add(usize::try_from(from).unwrap_or(1)).saturating_sub(1);
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
    let lines = empty.filter(|byte| **byte == b'\n').count();
    at.line().saturating_add(u64::try_from(lines).unwrap_or_default())
}

/// What a spreadsheet's own file begins with, and what it is.
fn workbook(bytes: &[u8]) -> Option<&'static str> {
    let begin = bytes.get(..bytes.len().min(4_096)).unwrap_or_default();
    let holds = |word: &str| begin.windows(word.len()).any(|part| part == word.as_bytes());
    match bytes {
        [b'P', b'K', 3, 4, ..] if holds("opendocument.spreadsheet") => {
            Some("a workbook of LibreOffice (.ods)")
        }
        [b'P', b'K', 3, 4, ..] if holds("[Content_Types].xml") || holds("xl/") => {
            Some("a workbook of Excel (.xlsx)")
        }
        [b'P', b'K', 3, 4, ..] => Some("a ZIP file, or a workbook"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("a workbook of Excel (.xls)"),
        [0x1f, 0x8b, ..] => Some("a file packed with gzip"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF"),
        _ => None,
    }
}

/// Text of a file's bytes: UTF-8, UTF-16 with its mark, or what older spreadsheets write.
///
/// # Errors
/// [`Problem`] for what is no text, and for one that says that it is UTF-8 and is not.
pub fn file_text(bytes: &[u8]) -> Result<String, Problem> {
    if let Some(what) = workbook(bytes) {
        let why = format!("this is {what}, no text: open it and save it as CSV");
        return Err(Problem::asked("no_text", why));
    }
    let wide = |bytes: &[u8], join: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
        let units: Vec<u16> = pairs.map(join).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => Ok(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Ok(wide(rest, u16::from_be_bytes)),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) if bytes.starts_with(&[0xef, 0xbb, 0xbf]) => {
                let (good, rest) = bytes.split_at(error.valid_up_to());
                let line = good.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
                let byte = rest.first().copied().unwrap_or_default();
                let why = format!(
                    "line {line}: the file begins with the mark of UTF-8, but byte {byte:02X} there \
                     (`{}` in Windows-1252, or Latin-1) is no UTF-8: two encodings are mixed; save \
                     the file anew as CSV UTF-8",
                    windows(byte)
                );
                Err(Problem::asked("mixed_encoding", why))
            }
            Err(_) => Ok(bytes.iter().map(|byte| windows(*byte)).collect()),
        },
    }
}

/// The mark of UTF-8, read as Windows-1252.
const MARK_AS_WINDOWS: &str = "\u{ef}\u{bb}\u{bf}";

/// Windows-1252 from 0x80 to 0x9f; those that it leaves open stand for themselves.
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

fn windows(byte: u8) -> char {
    let place = byte.checked_sub(0x80).and_then(|place| WINDOWS.get(usize::from(place)));
    place.copied().unwrap_or_else(|| char::from(byte))
}

/// The byte that a character was before it was read as Windows-1252.
fn byte_of(c: char) -> u8 {
    let place = WINDOWS.iter().position(|known| *known == c);
    let high = place.and_then(|place| u8::try_from(place).ok()?.checked_add(0x80));
    high.or_else(|| u8::try_from(u32::from(c)).ok()).unwrap_or(b'?')
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
        for (bytes, text) in [
            (&b"\xff\xfeA\0;\0"[..], "A;"),
            (b"\xfe\xff\0A", "A"),
            (b"Three \x96 5 \x80", "Three \u{2013} 5 \u{20ac}"),
            ("Tiga – 5".as_bytes(), "Tiga – 5"),
            (b"PKT;1", "PKT;1"),
        ] {
            assert_eq!(file_text(bytes).unwrap(), text);
        }
        for byte in 0..=255 {
            assert_eq!(byte_of(windows(byte)), byte);
        }
    }

    #[test]
    fn what_is_no_text_and_what_mixes_encodings_is_named() {
        for (bytes, part) in [
            (&b"PK\x03\x04\x14\0\0[Content_Types].xml"[..], "workbook of Excel (.xlsx), no text"),
            (b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "(.ods)"),
            (b"PK\x03\x04 anything", "a ZIP file, or a workbook"),
            (b"\xd0\xcf\x11\xe0\xa1", "(.xls)"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"%PDF-1.7", "PDF"),
            (
                b"\xef\xbb\xbfharga\n\xc3\xa9;1\nCaf\xe9;2\n",
                "line 3: the file begins with the mark",
            ),
        ] {
            let told = file_text(bytes).unwrap_err().detail;
            assert!(told.contains(part), "{told}");
            // The same when a browser put it into a form.
            let pasted: String = bytes.iter().map(|byte| windows(*byte)).collect();
            let again = read(&pasted).unwrap_err().detail;
            let read_there = bytes.starts_with(b"PK") || bytes.starts_with(b"\xef");
            assert!(!read_there || again == told, "{again}");
        }
    }
}
