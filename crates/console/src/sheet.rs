//! Tables to take away, as CSV and as a workbook. What a cell says is told as text or as a number,
//! never as a formula.

use crate::reply::{Answer, download};
use office::harmless;
use rust_xlsxwriter::{Format, Workbook};

/// What a CSV is.
pub(crate) const CSV: &str = "text/csv; charset=utf-8";

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Nothing,
}

impl Value {
    pub(crate) fn maybe(number: Option<i64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) titles: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Sheet {
    pub(crate) fn new(titles: &[&str]) -> Self {
        Self { titles: titles.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// As a file, by the ending that was asked for.
    pub(crate) fn answer(&self, name: &str, ending: &str) -> anyhow::Result<Answer> {
        let file = format!("{name}.{ending}");
        Ok(match ending {
            "xlsx" => {
                let content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
                download(content, &file, self.xlsx()?)
            }
            _ => download(CSV, &file, self.csv()?),
        })
    }

    fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = self.lines()?;
        csv.splice(..0, self.head()?);
        Ok(csv)
    }

    /// The titles, as the first line of a CSV.
    pub(crate) fn head(&self) -> anyhow::Result<Vec<u8>> {
        written([self.titles.iter()])
    }

    /// The rows, as lines of a CSV.
    pub(crate) fn lines(&self) -> anyhow::Result<Vec<u8>> {
        let told = |value: &Value| match value {
            Value::Text(text) => harmless(text),
            Value::Number(number) => number.to_string(),
            Value::Nothing => String::new(),
        };
        written(self.rows.iter().map(|row| row.iter().map(told)))
    }

    fn xlsx(&self) -> anyhow::Result<Vec<u8>> {
        let mut book = Workbook::new();
        let (bold, whole) = (Format::new().set_bold(), Format::new().set_num_format("#,##0"));
        let sheet = book.add_worksheet();
        for (column, title) in (0_u16..).zip(&self.titles) {
            sheet.write_string_with_format(0, column, title, &bold)?;
        }
        for (line, row) in (1_u32..).zip(&self.rows) {
            for (column, value) in (0_u16..).zip(row) {
                match value {
                    Value::Text(text) => {
                        sheet.write_string(line, column, text)?;
                    }
                    Value::Number(number) => {
                        // A workbook has no other numbers; whole rupiah fit up to 2^53.
                        #[allow(clippy::cast_precision_loss)]
                        let number = *number as f64;
                        sheet.write_number_with_format(line, column, number, &whole)?;
                    }
                    Value::Nothing => {}
                }
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofit();
        Ok(book.save_to_buffer()?)
    }
}

fn written<R: IntoIterator<Item = T>, T: AsRef<[u8]>>(
    records: impl IntoIterator<Item = R>,
) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for record in records {
        csv.write_record(record)?;
    }
    csv.into_inner().map_err(|error| anyhow::anyhow!(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(&["name", "sales"]);
        sheet.rows.push(vec![text("=HYPERLINK(\"http://x\")"), Value::Number(-1_321)]);
        sheet.rows.push(vec![text("-1+cmd|' /C calc'!A0"), Value::Nothing]);
        sheet
    }

    #[test]
    fn formulas_are_text_in_a_csv() {
        let text = String::from_utf8(sheet().csv().unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "name,sales");
        assert_eq!(lines[1], "\"'=HYPERLINK(\"\"http://x\"\")\",-1321");
        assert_eq!(lines[2], "'-1+cmd|' /C calc'!A0,");
    }

    #[test]
    fn a_workbook_holds_strings_and_numbers_and_no_formula() {
        let bytes = sheet().xlsx().unwrap();
        assert!(bytes.starts_with(b"PK"));
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut read = |name: &str| {
            let mut text = String::new();
            let mut file = archive.by_name(name).unwrap();
            std::io::Read::read_to_string(&mut file, &mut text).unwrap();
            text
        };
        let cells = read("xl/worksheets/sheet1.xml");
        assert!(cells.contains("<v>-1321</v>") && !cells.contains("<f>"), "{cells}");
        assert!(read("xl/sharedStrings.xml").contains("=HYPERLINK"));
    }
}
