//! Bank feeds in JSON: one credit or a list of mutations, in our names or in those of the services that
//! read banks. What is no credit is left out and counted; a number of a bank is never a float.

use crate::bank_file::{Kind, is_correction, kind_of};
use crate::deposits::{LeftOut, Mutation};
use crate::problem::Problem;
use crate::tickets::Bank;
use serde_json::{Map, Value};

const LISTS: &[&str] = &["data_mutasi", "mutations", "mutasi", "data", "rows", "items"];
const BANK: &[&str] = &["bank", "bank_code", "kode_bank", "module", "bank_type"];
const ACCOUNT: &[&str] =
    &["account_number", "account_no", "no_rekening", "norek", "nomor_rekening"];
const ID: &[&str] = &["id", "mutation_id", "id_mutasi"];
const DATE: &[&str] = &[
    "date",
    "transaction_date",
    "mutation_date",
    "tanggal",
    "tgl",
    "tanggal_transaksi",
    "datetime",
    "at",
    "created_at",
    "timestamp",
    "time",
    "waktu",
];
const AMOUNT: &[&str] = &["amount", "nominal", "jumlah"];
const CREDIT: &[&str] = &["credit", "kredit"];
const DEBIT: &[&str] = &["debit", "debet"];
const TEXT: &[&str] = &["text", "description", "keterangan", "deskripsi", "remark", "note"];
const BALANCE: &[&str] = &["balance", "saldo"];

/// What a feed told.
#[derive(Debug, Default)]
pub struct Feed {
    /// The credits; those that cannot be taken with the reason.
    pub credits: Vec<Result<Mutation, Problem>>,
    /// How many were no credits.
    pub left_out: LeftOut,
    /// It was one object, not a list.
    pub single: bool,
}

type Fields = Map<String, Value>;

fn field<'a>(fields: &'a Fields, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| fields.get(*name)).filter(|value| !value.is_null())
}

/// A text, or a whole number digit by digit.
fn text(fields: &Fields, names: &[&str]) -> Result<Option<String>, Problem> {
    let wrong = |value: &Value| {
        let why = format!("{} `{value}`: write it as a text, so that no digit is lost", names[0]);
        Problem::asked("bad_field", why)
    };
    match field(fields, names) {
        None => Ok(None),
        Some(Value::String(text)) => {
            Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
        }
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
            Ok(Some(number.to_string()))
        }
        Some(other) => Err(wrong(other)),
    }
}

fn amount(value: &Value) -> Result<String, Problem> {
    crate::typed::amount(value.clone())
        .map_err(|error| Problem::asked("bad_amount", format!("amount: {error}")))
}

/// Which way the money went. Every field whose whole text is a word for it counts, so that a debit is
/// never taken for a credit because its field has another name.
fn kind(fields: &Fields) -> Result<Option<Kind>, Problem> {
    let quiet = [BANK, ACCOUNT, ID, DATE, TEXT, AMOUNT, BALANCE].concat();
    let mut found: Option<Kind> = None;
    for (name, value) in fields {
        let Some(said) = value.as_str().filter(|_| !quiet.contains(&name.as_str())) else {
            continue;
        };
        let Some(kind) = kind_of(said) else {
            if matches!(name.as_str(), "type" | "tipe" | "jenis") && !said.trim().is_empty() {
                let why =
                    format!("{name} `{said}`: write CR for what came in, DB for what went out");
                return Err(Problem::asked("bad_type", why));
            }
            continue;
        };
        found = match (found, kind) {
            (None | Some(Kind::Credit), kind) => Some(kind),
            (Some(Kind::Debit), Kind::Credit) => Some(Kind::Debit),
            (Some(other), _) => Some(other),
        };
    }
    Ok(found)
}

/// The bank that an object names, by its code or its account's number.
fn bank(fields: &Fields, banks: &[Bank]) -> Result<Option<String>, Problem> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let account = text(fields, ACCOUNT)?.map(|number| digits(&number)).unwrap_or_default();
    let mut of_number =
        banks.iter().filter(|bank| !account.is_empty() && digits(&bank.number) == account);
    if let (Some(bank), None) = (of_number.next(), of_number.next()) {
        return Ok(Some(bank.code.clone()));
    }
    let named = text(fields, BANK)?.map(|code| code.to_lowercase());
    Ok(named.or_else(|| (!account.is_empty()).then(|| format!("account {account}"))))
}

enum Told {
    Credit(Box<Mutation>),
    Out(Kind),
}

fn one(fields: &Fields, outer: Option<&str>, banks: &[Bank]) -> Result<Told, Problem> {
    let kind = kind(fields)?;
    let words = text(fields, TEXT)?.unwrap_or_default();
    let went = field(fields, DEBIT).map(amount).transpose()?;
    let went = went.filter(|went| went.parse::<types::Rupiah>().is_ok_and(|went| went.get() != 0));
    match kind {
        Some(Kind::Credit) | None if is_correction(&words) => {
            return Ok(Told::Out(Kind::Correction));
        }
        Some(Kind::Credit) => {}
        None if went.is_some() => return Ok(Told::Out(Kind::Debit)),
        None => {}
        Some(out) => return Ok(Told::Out(out)),
    }
    let came = field(fields, AMOUNT).or_else(|| field(fields, CREDIT));
    let came = came.ok_or_else(|| Problem::asked("bad_amount", "amount: it is missing"))?;
    let came = amount(came)?;
    if came.parse::<types::Rupiah>().is_ok_and(types::Rupiah::is_negative) {
        return Ok(Told::Out(Kind::Debit));
    }
    let named = bank(fields, banks)?;
    let bank = named.or_else(|| outer.map(str::to_owned)).unwrap_or_default();
    let time = fields.get("time").and_then(Value::as_str).unwrap_or_default();
    let date = text(fields, DATE)?.unwrap_or_default();
    let balance = field(fields, BALANCE).and_then(|value| amount(value).ok());
    Ok(Told::Credit(Box::new(Mutation {
        bank,
        id: text(fields, ID)?,
        date: format!("{date} {time}").trim().to_owned(),
        amount: came,
        text: words,
        balance: balance
            .and_then(|text| text.parse::<types::Rupiah>().ok())
            .map(types::Rupiah::get),
        part: false,
    })))
}

/// Reads what a feed sends. `bank`: where its objects do not say it.
///
/// # Errors
/// [`Problem`] for what is no object and no list of them.
pub fn read_feed(
    value: &Value,
    bank_of_all: Option<&str>,
    banks: &[Bank],
) -> Result<Feed, Problem> {
    let wrong = || Problem::asked("bad_body", "send one mutation as an object, or a list of them");
    let mut feed = Feed::default();
    let (list, outer): (&[Value], Option<String>) = match value {
        Value::Array(list) => (list, None),
        Value::Object(fields) => {
            match LISTS.iter().find_map(|name| fields.get(*name)?.as_array()) {
                Some(list) => (list, bank(fields, banks)?),
                None => {
                    feed.single = true;
                    (std::slice::from_ref(value), None)
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(wrong()),
    };
    let outer = outer.as_deref().or(bank_of_all);
    for value in list {
        let fields = value.as_object().ok_or_else(wrong)?;
        match one(fields, outer, banks) {
            Ok(Told::Credit(credit)) => feed.credits.push(Ok(*credit)),
            Ok(Told::Out(kind)) => feed.left_out.count(kind),
            Err(problem) => feed.credits.push(Err(problem)),
        }
    }
    Ok(feed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> (Vec<String>, [usize; 3]) {
        let bank = |code: &str, number: &str| Bank {
            code: code.to_owned(),
            name: code.to_owned(),
            number: number.to_owned(),
            holder: "x".to_owned(),
            open: true,
        };
        let banks = [bank("bca", "123-456"), bank("bri", "999")];
        let feed = read_feed(value, None, &banks).unwrap();
        let told = |credit: &Result<Mutation, Problem>| match credit {
            Ok(m) => {
                let id = m.id.as_deref().unwrap_or("-");
                format!("{} {id} {} {} {}", m.bank, m.date, m.amount, m.text)
            }
            Err(problem) => problem.detail.clone(),
        };
        let LeftOut { debit, pending, correction } = feed.left_out;
        (feed.credits.iter().map(told).collect(), [debit, pending, correction])
    }

    /// G02, F02, F03: the shapes of services, numbers as numbers, an empty id, a debit.
    #[test]
    fn feeds_of_every_kind() {
        let moota = json!([
            {"account_number": "123456", "date": "2026-11-10 14:33:01", "description": "TRSF CR",
             "amount": 50000, "type": "CR", "balance": 520000, "mutation_id": "ab12", "bank_id": "x"},
            {"account_number": "123456", "date": "2026-11-10 15:00:00", "description": "ADM",
             "amount": 2500, "type": "DB", "mutation_id": "ab13", "bank_id": "x"},
        ]);
        let credit = "bca ab12 2026-11-10 14:33:01 50000 TRSF CR".to_owned();
        assert_eq!(read(&moota), (vec![credit], [1, 0, 0]));
        let mutasibank = json!({"module": "bca", "data_mutasi": [
            {"id": 7, "transaction_date": "2026-11-27 05:03:02", "description": "CR", "type": "CR",
             "amount": 100_026, "balance": 0},
            {"id": 8, "transaction_date": "2026-11-27", "description": "x", "type": "PENDING", "amount": 1},
            {"id": 9, "transaction_date": "2026-11-27", "description": "KOREKSI", "type": "CR", "amount": 1},
        ]});
        let credit = "bca 7 2026-11-27 05:03:02 100026 CR".to_owned();
        assert_eq!(read(&mutasibank), (vec![credit], [0, 1, 1]));
        for (value, told) in [
            (json!({"bank": "bca", "amount": 50000, "id": 167_129_835}), "bca 167129835  50000 "),
            (
                json!({"bank": "bca", "amount": "50002", "id": "", "date": "24/08/2026 13:22", "text": "x"}),
                "bca - 24/08/2026 13:22 50002 x",
            ),
            (
                json!({"bank": "bca", "kredit": "50.002,00", "debet": "0", "id": "a"}),
                "bca a  50.002,00 ",
            ),
            (json!({"bank": "bca", "amount": 1, "id": 1.5}), "id `1.5`: write it as a text"),
            (json!({"bank": "bca", "amount": 1, "type": "XX"}), "type `XX`: write CR"),
            (json!({"bank": "bca", "id": "a"}), "amount: it is missing"),
        ] {
            let (credits, left) = read(&value);
            assert!(credits.len() == 1 && left == [0; 3], "{value}: {credits:?} {left:?}");
            assert!(credits[0].starts_with(told), "{value}: {credits:?}");
        }
        for debit in [
            json!({"bank": "bca", "amount": "60123", "id": "db-1", "type": "DB", "date": "2026-11-28"}),
            json!({"bank": "bca", "amount": "60123", "id": "db-1", "arah": "keluar"}),
            json!({"bank": "bca", "amount": "-60123", "id": "db-1"}),
            json!({"bank": "bca", "amount": "60123", "debit": 60123, "id": "db-1"}),
        ] {
            assert_eq!(read(&debit), (Vec::new(), [1, 0, 0]), "{debit}");
        }
        let large =
            serde_json::from_str(r#"{"bank":"bca","amount":1,"id":12345678901234567890123}"#);
        assert!(read(&large.unwrap()).0[0].contains("write it as a text"));
    }
}
