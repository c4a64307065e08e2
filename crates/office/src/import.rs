//! Product files that people bring: tables with a header, in every style of spreadsheets, or JSON in the
//! shape of the price list.

use crate::columns::{Columns, Line};
use crate::operations::ImportRow;
use anyhow::{Context as _, bail};
use serde_json::{Map, Value};
use types::{Rounding, Rupiah};

/// Columns of a product file.
const COLUMNS: Columns = Columns {
    all: &[
        ("kode", &["code", "kode produk", "product code"]),
        ("keterangan", &["nama", "nama produk", "name"]),
        ("produk", &["group", "operator"]),
        ("kategori", &["category"]),
        ("harga", &["price", "harga jual"]),
        ("status", &[]),
        ("dest_rule", &[]),
        ("qty_min", &[]),
        ("qty_max", &[]),
        ("cut_off", &[]),
        ("level", &[]),
        ("supplier", &[]),
        ("cost", &["modal", "harga beli"]),
        ("sku", &["kode supplier"]),
    ],
    key: "kode",
    of: "a product file",
};

/// The rows of a text, by the ending of its file's name; what the fields mean is checked by the
/// operation.
///
/// # Errors
/// The line and what is wrong with it.
pub fn read_import(ending: &str, text: &str) -> anyhow::Result<Vec<ImportRow>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match ending.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "txt" => table(text),
        "json" => json(text),
        _ => bail!(
            "the name must end in .csv, .tsv, .txt or .json; a workbook is saved as CSV first"
        ),
    }
}

fn set(row: &mut ImportRow, name: &str, text: String) {
    let field = match name {
        "kode" => &mut row.kode,
        "keterangan" => &mut row.keterangan,
        "produk" => &mut row.produk,
        "kategori" => &mut row.kategori,
        "harga" => &mut row.harga,
        "status" => &mut row.status,
        "dest_rule" => &mut row.dest_rule,
        "qty_min" => &mut row.qty_min,
        "qty_max" => &mut row.qty_max,
        "cut_off" => &mut row.cut_off,
        "level" => &mut row.level,
        "supplier" => &mut row.supplier,
        "cost" => &mut row.cost,
        "sku" => &mut row.sku,
        _ => return,
    };
    *field = text;
}

fn table(text: &str) -> anyhow::Result<Vec<ImportRow>> {
    if text.trim_start().starts_with(['[', '{']) {
        return json(text.trim());
    }
    let row = |(line, cells): Line| {
        let mut row = ImportRow { line, ..ImportRow::default() };
        for (name, text) in cells {
            set(&mut row, name, text);
        }
        row
    };
    Ok(COLUMNS.read(text)?.into_iter().map(row).collect())
}

/// One object at a time, so that an error can name its line.
fn json(text: &str) -> anyhow::Result<Vec<ImportRow>> {
    let values: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(text)?;
    let mut rows = Vec::with_capacity(values.len());
    let mut from = 0_usize;
    let mut line = 1_usize;
    for value in values {
        let raw = value.get();
        let rest = text.get(from..).unwrap_or_default();
        if let Some((before, _)) = rest.split_once(raw) {
            line = line.saturating_add(before.matches('\n').count());
            from = from.saturating_add(before.len()).saturating_add(raw.len());
        }
        let row = object(raw).with_context(|| format!("the product that begins in line {line}"))?;
        rows.push(ImportRow { line, ..row });
        line = line.saturating_add(raw.matches('\n').count());
    }
    Ok(rows)
}

/// Price lists write numbers as texts; hand-made files write them as numbers. The point of a number
/// is decimal, that of a text may group thousands: no number becomes a text with a point.
fn object(raw: &str) -> anyhow::Result<ImportRow> {
    let fields: Map<String, Value> = serde_json::from_str(raw)?;
    let mut row = ImportRow::default();
    for (name, value) in fields {
        let Some(known) = COLUMNS.named(&name) else { return Err(COLUMNS.unknown(&name)) };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Bool(on) => if on { "1" } else { "0" }.to_owned(),
            Value::Number(number) => {
                let whole = Rupiah::read_number(&number.to_string(), Rounding::Refuse);
                whole.with_context(|| name.clone())?.get().to_string()
            }
            Value::Array(_) | Value::Object(_) => bail!("{name}: write a text or a number"),
        };
        set(&mut row, known, text);
    }
    if row.kode.trim().is_empty() {
        bail!("kode is missing");
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers() {
        let rows =
            table("kode;keterangan;harga\nT1;Three 1.000;1321\n\nT5;\"Three\n5.000\";6.487\n");
        let rows = rows.unwrap();
        let lines: Vec<usize> = rows.iter().map(|row| row.line).collect();
        assert_eq!((lines, rows[1].harga.as_str()), (vec![2, 4], "6.487"));
    }

    /// G07: what spreadsheets and other programs make of the same list.
    #[test]
    fn the_same_list_in_every_style() {
        let wanted = ImportRow {
            kode: "T1".to_owned(),
            keterangan: "Three 1.000".to_owned(),
            harga: "1.321,00".to_owned(),
            status: "Aktif".to_owned(),
            ..ImportRow::default()
        };
        for text in [
            "Kode;Keterangan;Harga;Status\nT1;Three 1.000;1.321,00;Aktif\n",
            "KODE\tKeterangan\tHarga\tStatus\nT1\tThree 1.000\t1.321,00\tAktif\n",
            "sep=;\r\nKode;Nama Produk;Harga Jual;Status;;\r\nT1;Three 1.000;1.321,00;Aktif;;\r\n;;;;;\r\n",
            "Daftar harga\n\nkode,keterangan,harga,status\nT1,Three 1.000,\"1.321,00\",Aktif\n",
        ] {
            let mut rows = read_import("csv", text).unwrap();
            assert_eq!(rows.len(), 1, "{text}");
            rows[0].line = 0;
            assert_eq!(rows[0], wanted, "{text}");
        }
        let formula = table("kode,keterangan,harga\nA,'=SUM(1),'-5\n").unwrap();
        assert_eq!((formula[0].keterangan.as_str(), formula[0].harga.as_str()), ("=SUM(1)", "-5"));
    }

    #[test]
    fn a_file_that_is_not_understood_is_told_why() {
        for (text, part) in [
            ("kode,keterangan,harga,prise\nA,a,1,2\n", "`prise` is no column of a product file"),
            ("kode,keterangan,harga\nA,a,1,2\n", "line 2: `2` stands behind the last column"),
            ("kode,Kode\nA,A\n", "stands there twice"),
            ("a,b\n1,2\n", "the first line is `a,b`"),
        ] {
            let error = table(text).unwrap_err();
            assert!(format!("{error:#}").contains(part), "{text}: {error:#}");
        }
        assert!(read_import("xlsx", "").is_err());
    }

    #[test]
    fn json_names_the_line_of_a_bad_product() {
        let good = r#"{"kode":"A","keterangan":"a","harga":"1","status":1,"kategori":null}"#;
        let rows = json(&format!("[\n{good},\n{good}]")).unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((rows[0].status.as_str(), rows[0].kategori.as_str()), ("1", ""));
        let number = |harga: &str| {
            json(&format!("[{}]", good.replace(r#""1","st"#, &format!("{harga},\"st"))))
        };
        for (harga, text) in [("1321", "1321"), ("1321.0", "1321"), ("1.0", "1")] {
            assert_eq!(number(harga).unwrap()[0].harga, text);
        }
        let error = number("1.321").unwrap_err();
        assert!(format!("{error:#}").contains("harga: `1.321` has a part"), "{error:#}");
        let error = json(&format!("[\n{good},\n{{\"keterangan\":\"B\"}}]")).unwrap_err();
        assert!(format!("{error:#}").contains("line 3: kode is missing"), "{error:#}");
        let error = json(r#"[{"id":7,"kode":"A"}]"#).unwrap_err();
        assert!(format!("{error:#}").contains("`id` is no column"), "{error:#}");
    }
}
