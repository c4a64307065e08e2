//! Files that people bring: products as CSV with a header or as JSON in the shape of the price
//! list, and a bank's credits as CSV.

use crate::deposits::Mutation;
use crate::operations::ImportRow;
use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use types::{Rounding, Rupiah};

/// The rows of a text, by the ending of its file's name; what the fields mean is checked by the
/// operation.
///
/// # Errors
/// The line and what is wrong with it.
pub fn read_import(ending: &str, text: &str) -> anyhow::Result<Vec<ImportRow>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match ending.to_ascii_lowercase().as_str() {
        "csv" => csv(text),
        "json" => json(text),
        _ => bail!("the name must end in .csv or .json"),
    }
}

fn csv(text: &str) -> anyhow::Result<Vec<ImportRow>> {
    let header = text.lines().next().unwrap_or_default();
    // Spreadsheets of this country write semicolons.
    let delimiter = if header.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().context("line 1")?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        // The reader's own errors name the line.
        let record = record?;
        let line = record.position().map_or(0, |at| line_of(text, at));
        let mut row: ImportRow =
            record.deserialize(Some(&headers)).with_context(|| format!("line {line}"))?;
        row.line = usize::try_from(line).unwrap_or_default();
        rows.push(row);
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

/// One object at a time, so that an error can name its line.
fn json(text: &str) -> anyhow::Result<Vec<ImportRow>> {
    let values: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(text)?;
    let mut rows = Vec::with_capacity(values.len());
    let mut from = 0;
    let mut line = 1;
    for value in values {
        let raw = value.get();
        if let Some(at) = text[from..].find(raw) {
            line += text[from..from + at].matches('\n').count();
            from += at + raw.len();
        }
        let mut row: ImportRow =
            texts(raw).with_context(|| format!("the product that begins in line {line}"))?;
        row.line = line;
        line += raw.matches('\n').count();
        rows.push(row);
    }
    Ok(rows)
}

/// Price lists write numbers as texts; hand-made files write them as numbers. The point of a number
/// is decimal, that of a text may group thousands: no number becomes a text with a point.
fn texts<T: DeserializeOwned>(raw: &str) -> anyhow::Result<T> {
    let mut value: Value = serde_json::from_str(raw)?;
    if let Value::Object(fields) = &mut value {
        for (name, field) in fields {
            if let Value::Number(number) = field {
                let text = number.to_string();
                let whole = Rupiah::read_number(&text, Rounding::Refuse);
                let whole = whole.with_context(|| name.clone())?;
                *field = Value::String(whole.get().to_string());
            }
        }
    }
    Ok(serde_json::from_value(value)?)
}

/// A line of a bank's statement as it is imported.
#[derive(Deserialize)]
struct MutationLine {
    #[serde(default)]
    date: String,
    amount: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    id: Option<String>,
}

/// Credits of one bank: CSV with the header `date,amount,text` and, where the bank has one, `id`.
///
/// # Errors
/// The line and what is wrong with it.
pub fn read_mutations(bank: &str, text: &str) -> anyhow::Result<Vec<Mutation>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if header.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let headers = reader.headers().context("line 1")?.clone();
    let mut rows = Vec::new();
    for (number, record) in (2_u32..).zip(reader.records()) {
        let line: MutationLine = record
            .and_then(|record| record.deserialize(Some(&headers)))
            .with_context(|| format!("line {number}"))?;
        let MutationLine { date, amount, text, id } = line;
        let id = id.filter(|id| !id.is_empty());
        rows.push(Mutation { bank: bank.to_owned(), id, date, amount, text });
    }
    if rows.is_empty() {
        bail!("there is no line below the header");
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_keeps_line_numbers_and_takes_semicolons() {
        let rows = csv("kode;keterangan;harga\nT1;Three 1.000;1321\n\nT5;\"Three\n5.000\";6.487\n");
        let rows = rows.unwrap();
        let lines: Vec<usize> = rows.iter().map(|row| row.line).collect();
        assert_eq!((lines, rows[1].harga.as_str()), (vec![2, 4], "6.487"));
    }

    #[test]
    fn json_names_the_line_of_a_bad_product() {
        let good = r#"{"kode":"A","keterangan":"a","harga":"1","status":1}"#;
        let rows = json(&format!("[\n{good},\n{good}]")).unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(rows[0].status, "1");
        let number = |harga: &str| {
            json(&format!("[{}]", good.replace(r#""1","st"#, &format!("{harga},\"st"))))
        };
        for (harga, text) in [("1321", "1321"), ("1321.0", "1321"), ("1.0", "1")] {
            assert_eq!(number(harga).unwrap()[0].harga, text);
        }
        let error = number("1.321").unwrap_err();
        assert!(format!("{error:#}").contains("harga: `1.321` has a part"), "{error:#}");
        let error = json(&format!("[\n{good},\n{{\"kode\":\"B\"}}]")).unwrap_err();
        assert!(format!("{error:#}").contains("line 3"), "{error:#}");
        let error = csv("kode,keterangan,harga,prise\nA,a,1,2\n").unwrap_err();
        assert!(format!("{error:#}").contains("prise"), "{error:#}");
    }
}
