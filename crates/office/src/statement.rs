//! A supplier's statement as CSV: which column says what, remembered per supplier.

use crate::problem::Problem;
use domain::TheirLine;
use serde::{Deserialize, Serialize};
use types::{AttemptId, MoneyError, Rounding, Rupiah};

/// Names of columns; an empty one is guessed from the usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// Our reference.
    pub reference: String,
    /// What they took.
    pub amount: String,
    /// What became of it.
    pub status: String,
    /// Words of that column that mean "delivered", separated by commas.
    pub delivered: String,
    /// Destination.
    pub dest: String,
    /// Serial number.
    pub sn: String,
}

const DELIVERED: &str = "sukses,success,berhasil,ok,20,00,1";
const REFERENCE: &[&str] =
    &["refid", "ref_id", "reffid", "reff", "ref", "reference", "idtrx", "trxid", "clientref"];
const AMOUNT: &[&str] =
    &["harga", "price", "amount", "nominal", "debet", "debit", "hrg", "total", "jumlah"];
const STATUS: &[&str] = &["status", "state", "sts", "keterangan status"];
const DEST: &[&str] =
    &["tujuan", "dest", "nomor", "no tujuan", "nohp", "hp", "customer_no", "msisdn"];
const SN: &[&str] = &["sn", "sn/ref", "serial", "serial number", "sn_ref"];

/// Where each column stands.
struct Columns {
    reference: Option<usize>,
    amount: usize,
    status: Option<usize>,
    dest: Option<usize>,
    sn: Option<usize>,
}

fn columns(mapping: &Mapping, headers: &csv::StringRecord) -> Result<Columns, Problem> {
    let known: Vec<String> = headers.iter().map(|name| name.trim().to_lowercase()).collect();
    let column = |named: &str, usual: &[&str]| -> Result<Option<usize>, Problem> {
        let named = named.trim().to_lowercase();
        if named.is_empty() {
            return Ok(usual.iter().find_map(|name| known.iter().position(|own| own == name)));
        }
        let found = known.iter().position(|own| *own == named);
        let all = known.join(", ");
        let missing =
            || Problem::asked("no_column", format!("no column `{named}`; there are: {all}"));
        found.map(Some).ok_or_else(missing)
    };
    let found = Columns {
        reference: column(&mapping.reference, REFERENCE)?,
        amount: column(&mapping.amount, AMOUNT)?.ok_or_else(|| {
            let all = known.join(", ");
            Problem::asked("no_column", format!("say which column is the amount: {all}"))
        })?,
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

/// The lines of a statement. `ours` finds the attempt in a reference.
///
/// # Errors
/// [`Problem`] with the line, or the column that is missing.
pub fn read_statement(
    text: &str,
    mapping: &Mapping,
    ours: &dyn Fn(&str) -> Option<AttemptId>,
) -> Result<Vec<TheirLine>, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    let header = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|delimiter| header.bytes().filter(|byte| byte == delimiter).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let bad = |line: usize, why: String| Problem::asked("bad_line", format!("line {line}: {why}"));
    let headers = reader.headers().map_err(|error| bad(1, error.to_string()))?.clone();
    let columns = columns(mapping, &headers)?;
    let words = if mapping.delivered.trim().is_empty() { DELIVERED } else { &mapping.delivered };
    let words: Vec<String> = words.split(',').map(|word| word.trim().to_lowercase()).collect();
    let mut lines = Vec::new();
    for (number, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| bad(number, error.to_string()))?;
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let text = cell(Some(columns.amount));
        let status = cell(columns.status).to_lowercase();
        let delivered = columns.status.is_none() || words.contains(&status);
        // Of what failed nothing was taken, and many write nothing there.
        let amount = match amount(text) {
            Ok(amount) => amount,
            Err(_) if !delivered => Rupiah::ZERO,
            Err(error) => return Err(bad(number, error.to_string())),
        };
        lines.push(TheirLine {
            line: number,
            attempt: ours(cell(columns.reference)),
            dest: cell(columns.dest).to_owned(),
            sn: cell(columns.sn).to_owned(),
            amount,
            delivered,
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
        read_statement(text, mapping, &AttemptId::from_supplier_ref)
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
            .map(|line| (line.line, line.attempt.is_some(), line.amount.get(), line.delivered))
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
            ..Mapping::default()
        };
        let lines = read("Kode,Keluar,St\n7-1,1299,S\n8-1,1299,X\n", &mapping).unwrap();
        assert_eq!(lines.iter().filter(|line| line.delivered).count(), 1);
        let wrong = read("a,b\n1,2\n", &mapping).unwrap_err();
        assert!(wrong.detail.contains("no column `kode`; there are: a, b"), "{}", wrong.detail);
        let wrong = read("refid,harga\n7-1,much\n", &Mapping::default()).unwrap_err();
        assert!(wrong.detail.contains("line 2: `much`"), "{}", wrong.detail);
        assert_eq!(read("refid,harga\n", &Mapping::default()).unwrap_err().code, "no_lines");
    }
}
