//! A supplier's statement as a table: which column says what, and which words mean what, remembered per
//! supplier. A word that nobody explained is asked about: it is never taken for a failure.

use crate::grid::{Grid, head, read_grid};
use crate::problem::Problem;
use domain::{TheirLine, TheirState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use suppliers::Refs;
use types::{AttemptId, MoneyError, Rounding, Rupiah};

/// Names of columns, an empty one is guessed from the usual names; and words of the column of states,
/// separated by commas, beside those that everybody uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// Our reference, alone or inside a text.
    pub reference: String,
    /// What they took.
    pub amount: String,
    /// What became of it.
    pub status: String,
    /// Words that mean "delivered".
    pub delivered: String,
    /// Words that mean "not delivered".
    pub failed: String,
    /// Words that mean "not decided yet".
    pub pending: String,
    /// Destination.
    pub dest: String,
    /// Serial number.
    pub sn: String,
}

const DELIVERED: &str = "sukses,success,berhasil,ok,20,00,1";
const FAILED: &str = "gagal,failed,fail,batal,dibatalkan,cancelled,canceled,ditolak,rejected,40";
const RETURNED: &str = "refund,refunded,dikembalikan,reversal,reversed";
const PENDING: &str = "pending,proses,diproses,process,processing,menunggu";
const REFERENCE: &[&str] = &[
    "refid",
    "ref id",
    "reffid",
    "reff",
    "ref",
    "reference",
    "idtrx",
    "trxid",
    "clientref",
    "keterangan",
    "description",
    "deskripsi",
    "uraian",
    "pesan",
    "message",
    "catatan",
];
const AMOUNT: &[&str] =
    &["harga", "price", "amount", "nominal", "debet", "debit", "hrg", "total", "jumlah"];
const CREDIT: &[&str] = &["kredit", "credit"];
const STATUS: &[&str] = &["status", "state", "sts", "keterangan status"];
const DEST: &[&str] =
    &["tujuan", "dest", "nomor", "no tujuan", "nohp", "hp", "customer no", "msisdn"];
const SN: &[&str] = &["sn", "sn/ref", "serial", "serial number", "sn ref"];
/// A number inside a text is one of ours from here on; smaller ones may be anything.
const TRX_LEAST: i64 = 100_000_000;

/// Where each column stands.
struct Columns {
    reference: Option<usize>,
    amount: usize,
    /// Money that came back, beside a column of what was taken.
    credit: Option<usize>,
    status: Option<usize>,
    dest: Option<usize>,
    sn: Option<usize>,
}

fn columns(mapping: &Mapping, known: &[String]) -> Result<Columns, Problem> {
    let column = |named: &str, usual: &[&str]| -> Result<Option<usize>, Problem> {
        let named = head(named);
        if named.is_empty() {
            return Ok(usual.iter().find_map(|name| known.iter().position(|own| own == name)));
        }
        let found = known.iter().position(|own| *own == named);
        let all = known.join(", ");
        let missing =
            || Problem::asked("no_column", format!("no column `{named}`; there are: {all}"));
        found.map(Some).ok_or_else(missing)
    };
    let reference = column(&mapping.reference, REFERENCE)?;
    let amount = column(&mapping.amount, AMOUNT)?.ok_or_else(|| {
        let all = known.join(", ");
        Problem::asked("no_column", format!("say which column is the amount: {all}"))
    })?;
    let taken = known
        .get(amount)
        .is_some_and(|name| name.starts_with("debet") || name.starts_with("debit"));
    let found = Columns {
        reference,
        amount,
        credit: if taken { column("", CREDIT)? } else { None },
        status: column(&mapping.status, STATUS)?,
        dest: column(&mapping.dest, DEST)?,
        sn: column(&mapping.sn, SN)?,
    };
    if found.reference.is_none() && found.sn.is_none() && found.dest.is_none() {
        let all = known.join(", ");
        let why = format!(
            "say which column is our reference, the serial number or the destination: {all}"
        );
        return Err(Problem::asked("no_column", why));
    }
    Ok(found)
}

/// What was taken: `1.299`, `Rp 1.299,00`, `-1299.00`. A debit may be written below zero; a part of a
/// rupiah cost a whole one, as it does in our own books.
fn amount(text: &str) -> Result<Rupiah, MoneyError> {
    let taken = Rupiah::read(text, Rounding::Up)?;
    if taken.is_negative() {
        return Rupiah::ZERO.minus(Rupiah::read(text, Rounding::Down)?);
    }
    Ok(taken)
}

/// What an empty cell is called when it is asked about.
const EMPTY: &str = "(empty)";

fn plain(word: &str) -> String {
    let word = word.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    if word.is_empty() { EMPTY.to_owned() } else { word }
}

/// What each word means: those everybody uses, then those the person says.
fn meanings(mapping: &Mapping) -> Result<BTreeMap<String, TheirState>, Problem> {
    let split = |words: &str| {
        let words = words.split(',').filter(|word| !word.trim().is_empty());
        words.map(plain).collect::<Vec<_>>()
    };
    let usual = [
        (DELIVERED, TheirState::Delivered),
        (FAILED, TheirState::Failed),
        (RETURNED, TheirState::Returned),
        (PENDING, TheirState::Open),
    ];
    let mut all: BTreeMap<String, TheirState> = BTreeMap::new();
    for (words, state) in usual {
        all.extend(split(words).into_iter().map(|word| (word, state)));
    }
    let mut said: BTreeMap<String, TheirState> = BTreeMap::new();
    for (words, state) in [
        (&mapping.delivered, TheirState::Delivered),
        (&mapping.failed, TheirState::Failed),
        (&mapping.pending, TheirState::Open),
    ] {
        for word in split(words) {
            if said.insert(word.clone(), state).is_some_and(|before| before != state) {
                let why = format!("the word `{word}` cannot mean two things");
                return Err(Problem::asked("bad_word", why));
            }
        }
    }
    all.extend(said);
    Ok(all)
}

/// The table with its columns; the first line of cells tells what is missing when none is a header.
fn grid(text: &str, mapping: &Mapping) -> Result<(Grid, Columns), Problem> {
    let needs = "an amount and our reference, the serial number or the destination";
    let found = read_grid(text, &|heads| columns(mapping, heads).is_ok(), needs);
    let grid = match found {
        Ok(grid) => grid,
        Err(_) => read_grid(text, &|heads| heads.len() > 1, needs)
            .or_else(|_| read_grid(text, &|_| true, needs))?,
    };
    let columns = columns(mapping, &grid.heads)?;
    Ok((grid, columns))
}

fn cell(cells: &[String], at: Option<usize>) -> &str {
    at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim().trim_start_matches('\'').trim())
}

/// Words of the column of states that nobody has explained, with how many lines say them.
///
/// # Errors
/// [`Problem`] for a statement that cannot be read.
pub(crate) fn unknown_words(
    text: &str,
    mapping: &Mapping,
) -> Result<Vec<(String, usize)>, Problem> {
    let (grid, columns) = grid(text, mapping)?;
    let known = meanings(mapping)?;
    let Some(status) = columns.status else { return Ok(Vec::new()) };
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (_, cells) in &grid.rows {
        let word = cell(cells, Some(status));
        if !known.contains_key(&plain(word)) {
            let word = if word.is_empty() { EMPTY } else { word };
            let times: &mut usize = unknown.entry(word.to_owned()).or_default();
            *times = times.saturating_add(1);
        }
    }
    Ok(unknown.into_iter().collect())
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
}

/// The attempt that a cell names: alone, or as the only one of ours inside a text.
fn attempt_of(text: &str, ours: &dyn Fn(&str) -> Option<AttemptId>) -> Option<AttemptId> {
    if let Some(found) = ours(text) {
        return Some(found);
    }
    let mut found = parts(text).filter_map(ours).filter(|id| id.trx.get() >= TRX_LEAST);
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// A reference of this business, alone or inside a text, whatever it names.
fn is_kin(text: &str, refs: &Refs) -> bool {
    refs.is_kin(text.trim()) || parts(text).any(|part| refs.is_kin(part))
}

/// The lines of a statement. `refs` finds the attempt in a reference. Money that came in without a
/// reference of ours is a deposit there and left out.
///
/// # Errors
/// [`Problem`] with the line, the column that is missing, or the words that nobody explained.
pub fn read_statement(
    text: &str,
    mapping: &Mapping,
    refs: &Refs,
) -> Result<Vec<TheirLine>, Problem> {
    let ours = &|text: &str| refs.read(text);
    let unknown = unknown_words(text, mapping)?;
    if !unknown.is_empty() {
        let all: Vec<String> =
            unknown.iter().take(20).map(|(word, count)| format!("`{word}` ({count})")).collect();
        let why = format!(
            "say what these words in the column of states mean: delivered, failed or pending (number \
             of lines): {}",
            all.join(", ")
        );
        return Err(Problem::asked("unknown_words", why));
    }
    let (grid, columns) = grid(text, mapping)?;
    let known = meanings(mapping)?;
    let bad = |line: usize, why: String| Problem::asked("bad_line", format!("line {line}: {why}"));
    let mut lines = Vec::new();
    for (number, cells) in &grid.rows {
        let cell = |at: Option<usize>| cell(cells, at);
        let attempt = attempt_of(cell(columns.reference), ours);
        let said = columns.status.and_then(|at| known.get(&plain(cell(Some(at)))).copied());
        let nothing = |text: &str| text.is_empty() || amount(text) == Ok(Rupiah::ZERO);
        let (taken, back) = (cell(Some(columns.amount)), cell(columns.credit));
        let came_back = nothing(taken) && !nothing(back);
        if came_back && attempt.is_none() {
            continue;
        }
        let state =
            if came_back { TheirState::Returned } else { said.unwrap_or(TheirState::Delivered) };
        // Of what failed nothing was taken, and many write nothing there.
        let amount = match amount(if came_back { back } else { taken }) {
            Ok(amount) => amount,
            Err(_) if !state.is_delivered() => Rupiah::ZERO,
            Err(error) => return Err(bad(*number, error.to_string())),
        };
        lines.push(TheirLine {
            line: *number,
            attempt,
            kin: is_kin(cell(columns.reference), refs),
            dest: cell(columns.dest).to_owned(),
            sn: cell(columns.sn).to_owned(),
            amount,
            state,
        });
    }
    if lines.is_empty() {
        return Err(Problem::asked("no_lines", "there is no line below the header"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, mapping: &Mapping) -> Result<Vec<TheirLine>, Problem> {
        read_statement(text, mapping, &Refs::default())
    }

    #[test]
    fn references_of_this_business_are_told_from_others() {
        let refs = Refs::new("gk1-", &domain::Epochs::default());
        let text = "refid;tujuan;harga;status\n\
                    gk1-100000007-1;0896;1299;sukses\n\
                    gk1-rq7-100000008-1;0897;1299;sukses\n\
                    trx gk1-rq7-100000009-1 ok;0897;1299;sukses\n\
                    x9-100000010-1;0898;1299;sukses\n";
        let lines = read_statement(text, &Mapping::default(), &refs).unwrap();
        let told: Vec<_> = lines.iter().map(|line| (line.attempt.is_some(), line.kin)).collect();
        assert_eq!(told, [(true, true), (false, true), (false, true), (false, false)]);
    }

    #[test]
    fn usual_columns_are_found_by_themselves() {
        let text = "Tgl;RefID;Tujuan;Harga;Status;SN\n\
                    1;7-1;0896;Rp 1.299,00;Sukses;R1\n\
                    1;8-1;0897;;Gagal;\n\
                    1;other;0898;-1299.00;SUKSES;R2\n";
        let lines = read(text, &Mapping::default()).unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (line.line, line.attempt.is_some(), line.amount.get(), line.state.is_delivered())
            })
            .collect();
        assert_eq!(told, [(2, true, 1_299, true), (3, true, 0, false), (4, false, 1_299, true)]);
    }

    /// Whatever the style, a part of a rupiah never makes it more than one larger.
    #[test]
    fn amounts_in_every_style() {
        for (text, wanted) in [
            ("1.299,00", Some(1_299)),
            ("1,299.00", Some(1_299)),
            ("1.299,000", Some(1_299)),
            ("\"Rp 1.299,-\"", Some(1_299)),
            ("IDR 1.299", Some(1_299)),
            ("-1.299,5", Some(1_300)),
            ("1299.5", Some(1_300)),
            ("+1299", Some(1_299)),
            ("1.29.9", None),
            ("12,99,00", None),
        ] {
            let lines = read(&format!("refid;harga\n7-1;{text}\n"), &Mapping::default());
            assert_eq!(lines.ok().map(|lines| lines[0].amount.get()), wanted, "{text}");
        }
    }

    #[test]
    fn columns_may_be_named_and_errors_say_where() {
        let mapping = Mapping {
            reference: "Kode".to_owned(),
            amount: "Keluar".to_owned(),
            status: "st".to_owned(),
            delivered: "S".to_owned(),
            failed: "x".to_owned(),
            ..Mapping::default()
        };
        let lines = read("Kode,Keluar,St\n7-1,1299,S\n8-1,1299,X\n", &mapping).unwrap();
        assert_eq!(lines.iter().filter(|line| line.state.is_delivered()).count(), 1);
        let wrong = read("a,b\n1,2\n", &mapping).unwrap_err();
        assert!(wrong.detail.contains("no column `kode`; there are: a, b"), "{}", wrong.detail);
        let wrong = read("refid,harga\n7-1,much\n", &Mapping::default()).unwrap_err();
        assert!(wrong.detail.contains("line 2: `much`"), "{}", wrong.detail);
        assert_eq!(read("refid,harga\n", &Mapping::default()).unwrap_err().code, "no_lines");
    }

    /// F11: a word that nobody explained is asked about, and then means what the person says.
    #[test]
    fn an_unknown_word_is_asked_about() {
        for (said, word) in [
            ("Transaksi Sukses", "Transaksi Sukses"),
            ("SUKSES.", "SUKSES."),
            ("22", "22"),
            ("", "(empty)"),
        ] {
            let text =
                format!("Tanggal;RefID;Tujuan;Harga;Status\n29/11/2026;7-1;0813;9.000;{said}\n");
            let asked = read(&text, &Mapping::default()).unwrap_err();
            assert_eq!(asked.code, "unknown_words");
            assert!(asked.detail.contains(&format!("`{word}` (1)")), "{}", asked.detail);
            let unknown = unknown_words(&text, &Mapping::default()).unwrap();
            assert_eq!(unknown, [(word.to_owned(), 1)]);
            let says = |delivered: &str, failed: &str, pending: &str| Mapping {
                delivered: delivered.to_owned(),
                failed: failed.to_owned(),
                pending: pending.to_owned(),
                ..Mapping::default()
            };
            for (mapping, state) in [
                (says(&word.to_uppercase(), "", ""), TheirState::Delivered),
                (says("", word, ""), TheirState::Failed),
                (says("", "", word), TheirState::Open),
            ] {
                assert_eq!(read(&text, &mapping).unwrap()[0].state, state, "{word}");
            }
            assert_eq!(read(&text, &says(word, word, "")).unwrap_err().code, "bad_word");
        }
        // What a person says wins over what everybody means.
        let mapping = Mapping { failed: "ok".to_owned(), ..Mapping::default() };
        let lines = read("refid;harga;status\n7-1;1;OK\n", &mapping).unwrap();
        assert_eq!(lines[0].state, TheirState::Failed);
    }

    /// G08: a greeting, our reference inside a text, and money that came back in a column of its own.
    #[test]
    fn account_statements_are_read() {
        let text = "Laporan Transaksi\n\nTanggal;Keterangan;Debet;Kredit;Saldo\n\
            29/11/2026;T#1 R#100000007-1 S1.0813 SUKSES;9.000;;100\n\
            29/11/2026;T#1 R#100000008-2 S1.0813 SUKSES;9.000;;100\n\
            29/11/2026;T#1 R#100000008-2 S1.0813 REFUND;;9.000;100\n\
            29/11/2026;DEPOSIT BCA;;1.000.000;100\n\
            29/11/2026;BIAYA 29-11;500;0;100\n";
        let lines = read(text, &Mapping::default()).unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                let attempt = line.attempt.map(|id| id.supplier_ref());
                (line.line, attempt, line.amount.get(), line.state)
            })
            .collect();
        let own = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                (4, own("100000007-1"), 9_000, TheirState::Delivered),
                (5, own("100000008-2"), 9_000, TheirState::Delivered),
                (6, own("100000008-2"), 9_000, TheirState::Returned),
                (8, None, 500, TheirState::Delivered),
            ]
        );
    }
}
