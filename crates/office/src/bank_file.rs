//! A bank's file or a table of one's own: which lines are money that came in.
//!
//! Debits, corrections and what is still pending are left out and counted. A line that cannot be read
//! refuses the whole file by its number: no payment is passed over in silence.

use crate::deposits::{LeftOut, Mutation};
use crate::grid::{Grid, read_grid};
use crate::problem::Problem;
use crate::tickets::Bank;
use crate::when::read_when;
use domain::Booked;
use types::{Day, Rounding, Rupiah};

const DATE: &[&str] = &[
    "date",
    "tanggal",
    "tgl",
    "tanggal transaksi",
    "tgl transaksi",
    "tgl tran",
    "post date",
    "posting date",
    "transaction date",
    "trx date",
    "tanggal & waktu",
    "tanggal/waktu",
    "date & time",
];
const TIME: &[&str] = &["time", "jam", "waktu"];
const TEXT: &[&str] = &[
    "text",
    "keterangan",
    "description",
    "deskripsi",
    "desk tran",
    "uraian",
    "uraian transaksi",
    "remark",
    "remarks",
    "berita",
    "note",
    "catatan",
    "detail",
    "details",
    "transaction description",
    "reference no",
    "no referensi",
    "reference",
];
const AMOUNT: &[&str] = &["amount", "jumlah", "nominal", "mutasi", "nilai"];
const CREDIT: &[&str] =
    &["credit", "kredit", "mutasi kredit", "credit amount", "kredit (idr)", "cr"];
const DEBIT: &[&str] =
    &["debit", "debet", "mutasi debet", "mutasi debit", "debit amount", "debet (idr)", "db"];
const KIND: &[&str] = &[
    "type",
    "tipe",
    "jenis",
    "kind",
    "d/k",
    "k/d",
    "d/c",
    "c/d",
    "db/cr",
    "cr/db",
    "dc",
    "jenis mutasi",
];
const ID: &[&str] = &["id", "mutation id", "id mutasi"];
const BALANCE: &[&str] =
    &["balance", "saldo", "saldo akhir", "saldo akhir mutasi", "running balance"];
const ACCOUNT: &[&str] =
    &["account no", "account number", "norek", "no rekening", "no rek", "nomor rekening"];
/// Lines below the payments begin so.
const FOOTER: &[&str] = &[
    "saldo",
    "total",
    "mutasi",
    "jumlah",
    "opening",
    "closing",
    "ending",
    "beginning",
    "subtotal",
    "dicetak",
    "printed",
    "halaman",
    "page",
    "kredit",
    "debet",
    "credit",
    "debit",
];

/// What a word says about the direction of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Credit,
    Debit,
    Pending,
    Correction,
}

/// The word of a column or field that says so; `None` for any other text.
pub(crate) fn kind_of(word: &str) -> Option<Kind> {
    Some(match word.trim().trim_end_matches('.').to_lowercase().as_str() {
        "cr" | "c" | "k" | "kr" | "credit" | "kredit" | "in" | "masuk" | "+" => Kind::Credit,
        "db" | "d" | "dr" | "dt" | "debit" | "debet" | "out" | "keluar" | "-" => Kind::Debit,
        "pend" | "pending" | "hold" | "proses" | "process" | "processing" => Kind::Pending,
        "kor" | "koreksi" | "cor" | "correction" | "rev" | "reversal" | "reversed" | "void"
        | "batal" => Kind::Correction,
        _ => return None,
    })
}

/// A bank takes back in words of its own.
pub(crate) fn is_correction(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    ["koreksi", "reversal", "correction", "pembatalan"].iter().any(|word| text.starts_with(word))
}

/// Money that came in, and what was left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BankFile {
    /// Line of the file and the credit in it.
    pub credits: Vec<(usize, Mutation)>,
    /// How many lines were no credits.
    pub left_out: LeftOut,
}

struct Columns {
    date: Option<usize>,
    time: Option<usize>,
    text: Vec<usize>,
    amount: Option<usize>,
    credit: Option<usize>,
    debit: Option<usize>,
    kind: Option<usize>,
    id: Option<usize>,
    balance: Option<usize>,
    account: Option<usize>,
}

fn columns(heads: &[String]) -> Columns {
    let one = |names: &[&str]| heads.iter().position(|head| names.contains(&head.as_str()));
    let all = |names: &[&str]| {
        (0..heads.len()).filter(|at| names.contains(&heads[*at].as_str())).collect::<Vec<_>>()
    };
    let amount = one(AMOUNT);
    // KlikBCA writes CR and DB into a column without a name behind the amount.
    let nameless = amount
        .map(|at| at.saturating_add(1))
        .filter(|at| heads.get(*at).is_some_and(String::is_empty));
    Columns {
        date: one(DATE),
        time: one(TIME),
        text: all(TEXT),
        amount,
        credit: one(CREDIT),
        debit: one(DEBIT),
        kind: one(KIND).or(nameless),
        id: one(ID),
        balance: one(BALANCE),
        account: one(ACCOUNT),
    }
}

fn is_header(heads: &[String]) -> bool {
    let found = columns(heads);
    let money = found.amount.is_some() || found.credit.is_some();
    money && (found.date.is_some() || !found.text.is_empty() || found.id.is_some())
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Another account than the chosen one; what is masked or too short says nothing.
fn other_account(bank: &Bank, said: &str) -> Result<(), Problem> {
    let masked = said.chars().any(|c| matches!(c, '*' | 'x' | 'X'));
    let (theirs, ours) = (digits(said), digits(&bank.number));
    let tells = |number: &str| number.len() >= 6 && number.bytes().any(|byte| byte != b'0');
    if masked || !tells(&theirs) || !tells(&ours) || theirs == ours {
        return Ok(());
    }
    let why = format!(
        "this file is of account {theirs}, but `{}` is {ours}; choose the bank it is of",
        bank.code
    );
    Err(Problem::asked("other_account", why))
}

/// The days a file says it covers.
fn period(preamble: &[String], today: Day) -> Option<(Day, Day)> {
    preamble.iter().filter(|line| line.to_lowercase().contains("period")).find_map(|line| {
        let said = line
            .split_once(':')
            .map_or(line.as_str(), |(_, said)| said)
            .trim_end_matches([';', ',', '\t']);
        let (from, until) = [" - ", " s/d ", " s.d. ", " sd ", " to ", " sampai "]
            .iter()
            .find_map(|between| said.split_once(between))?;
        Some((read_when(from, today)?.day, read_when(until, today)?.day))
    })
}

/// A date without a year is of the days the file covers.
fn within(booked: Booked, period: Option<(Day, Day)>) -> Booked {
    let Some((from, until)) = period else { return booked };
    let month_day = booked.day.get() % 10_000;
    let years = [until.get() / 10_000, from.get() / 10_000];
    let days = years.map(|year| Day::new(year.saturating_mul(10_000).saturating_add(month_day)));
    let day = days.into_iter().find(|day| (from..=until).contains(day)).unwrap_or(booked.day);
    Booked { day, ..booked }
}

/// An amount as banks write it, with what may stand behind it. The flag: it has a part of a rupiah.
pub(crate) fn bank_amount(text: &str) -> Result<(Rupiah, bool, Option<Kind>), String> {
    let text = text.trim().trim_start_matches('\'').trim();
    let (body, kind) = match text.rsplit_once(char::is_whitespace) {
        Some((front, word)) if kind_of(word).is_some() => (front.trim(), kind_of(word)),
        Some(_) | None => (text, None),
    };
    // `.00` is nothing.
    let body = if body.starts_with(['.', ',']) { format!("0{body}") } else { body.to_owned() };
    let down = Rupiah::read(&body, Rounding::Down).map_err(|error| error.to_string())?;
    let part = Rupiah::read(&body, Rounding::Up) != Ok(down);
    Ok((down, part, kind))
}

/// Spreadsheets cut long numbers: `1,23457E+15`.
fn is_cut(id: &str) -> bool {
    let upper = id.to_ascii_uppercase();
    upper.split_once("E+").is_some_and(|(front, behind)| {
        let number = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',')
        };
        number(front) && number(behind)
    })
}

/// What a line is: a credit, one that is left out, or nothing (a footer).
enum Line {
    Credit(Box<Mutation>),
    Out(Kind),
    Nothing,
}

struct Reader<'a> {
    bank: &'a Bank,
    columns: Columns,
    period: Option<(Day, Day)>,
    today: Day,
}

impl Reader<'_> {
    fn line(&self, cells: &[String]) -> Result<Line, Problem> {
        let bad = |why: String| Problem::asked("bad_line", why);
        let cell =
            |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim());
        let columns = &self.columns;
        let first = cells.iter().find(|cell| !cell.is_empty()).map_or("", String::as_str);
        let (date, amount, credit, debit) =
            (cell(columns.date), cell(columns.amount), cell(columns.credit), cell(columns.debit));
        let pending = kind_of(date.trim_start_matches('\'')) == Some(Kind::Pending);
        let booked = match (date, columns.time) {
            ("", _) => None,
            (date, time) => {
                let whole = format!("{date} {}", cell(time).replace('.', ":"));
                read_when(&whole, self.today).or_else(|| read_when(date, self.today))
            }
        };
        let lower = first.trim_start_matches('\'').to_lowercase();
        let nameless = booked.is_none() && !pending && cell(columns.id).is_empty();
        if columns.date.is_some() && nameless && FOOTER.iter().any(|word| lower.starts_with(word)) {
            return Ok(Line::Nothing);
        }
        if pending {
            return Ok(Line::Out(Kind::Pending));
        }
        let read = |text: &str, what: &str| {
            if text.is_empty() || text == "-" {
                return Ok((Rupiah::ZERO, false, None));
            }
            bank_amount(text).map_err(|error| bad(format!("{what}: {error}")))
        };
        let (came, part, said) = match columns.credit {
            Some(_) => read(credit, "credit")?,
            None => read(amount, "amount")?,
        };
        let (went, ..) = read(debit, "debit")?;
        let word = cell(columns.kind);
        let kind = match (kind_of(word), word) {
            (Some(kind), _) => Some(kind),
            (None, "") => said,
            (None, word) => {
                return Err(bad(format!("`{word}` says neither CR (came in) nor DB (went out)")));
            }
        };
        let text: Vec<&str> =
            columns.text.iter().map(|at| cell(Some(*at))).filter(|text| !text.is_empty()).collect();
        let text = text.join(" ");
        if came.get() != 0 && went.get() != 0 {
            return Err(bad("it has both a debit and a credit".to_owned()));
        }
        match kind {
            Some(Kind::Credit) => {}
            None if is_correction(&text) => return Ok(Line::Out(Kind::Correction)),
            None if came.is_negative() || went.get() != 0 => return Ok(Line::Out(Kind::Debit)),
            None => {}
            Some(out) => return Ok(Line::Out(out)),
        }
        if is_correction(&text) {
            return Ok(Line::Out(Kind::Correction));
        }
        if came == Rupiah::ZERO && part {
            // Interest below one rupiah.
            return Ok(Line::Nothing);
        }
        if came.get() <= 0 {
            return Err(bad("there is no amount that came in".to_owned()));
        }
        other_account(self.bank, cell(columns.account))?;
        self.credit(cells, booked, (came, part), text).map(|found| Line::Credit(Box::new(found)))
    }

    fn credit(
        &self,
        cells: &[String],
        booked: Option<Booked>,
        (came, part): (Rupiah, bool),
        text: String,
    ) -> Result<Mutation, Problem> {
        let bad = |why: String| Problem::asked("bad_line", why);
        let cell =
            |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim());
        let id = Some(cell(self.columns.id)).filter(|id| !id.is_empty() && *id != "-");
        if let Some(id) = id.filter(|id| is_cut(id)) {
            let why = format!(
                "id `{id}` was cut by a spreadsheet; make that column text and export again"
            );
            return Err(bad(why));
        }
        let date = cell(self.columns.date);
        let date = match booked.map(|booked| within(booked, self.period)) {
            Some(booked) => told(booked),
            None if id.is_none() => {
                let why = format!("date `{date}`: write 28/11/2026 or 2026-11-28");
                return Err(bad(why));
            }
            None => date.to_owned(),
        };
        let balance = cell(self.columns.balance);
        Ok(Mutation {
            bank: self.bank.code.clone(),
            id: id.map(str::to_owned),
            date,
            amount: came.get().to_string(),
            text,
            // What cannot be read tells nothing.
            balance: bank_amount(balance).ok().map(|(balance, ..)| balance.get()),
            part,
        })
    }
}

/// A date as we write it.
pub(crate) fn told(booked: Booked) -> String {
    let day = booked.day.get();
    let date = format!("{:04}-{:02}-{:02}", day / 10_000, day / 100 % 100, day % 100);
    booked
        .minute
        .map_or(date.clone(), |minute| format!("{date} {:02}:{:02}", minute / 60, minute % 60))
}

/// The credits in a bank's file, or in a table with the header `date,amount,text` and, where the bank
/// numbers its credits, `id`.
///
/// # Errors
/// [`Problem`] with the line and what is wrong with it.
pub fn read_mutations(bank: &Bank, text: &str, today: Day) -> Result<BankFile, Problem> {
    let needs = "a date (`date`, `tanggal`, `tgl`) and an amount (`amount`, `jumlah`, `kredit`)";
    let Grid { preamble, heads, rows } = read_grid(text, &is_header, needs)?;
    for line in &preamble {
        let lower = line.to_lowercase();
        if let Some((name, number)) = lower.split_once(':')
            && (name.contains("rekening") || name.contains("account"))
        {
            other_account(bank, number)?;
        }
    }
    let columns = columns(&heads);
    let reader = Reader { bank, columns, period: period(&preamble, today), today };
    let mut file = BankFile::default();
    let mut seen = false;
    for (line, cells) in rows {
        let found = reader.line(&cells).map_err(|problem| Problem {
            detail: format!("line {line}: {}", problem.detail),
            ..problem
        })?;
        match found {
            Line::Credit(credit) => file.credits.push((line, *credit)),
            Line::Out(kind) => file.left_out.count(kind),
            Line::Nothing => continue,
        }
        seen = true;
    }
    if !seen {
        return Err(Problem::asked("no_lines", "there is no line below the header"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: &str, text: &str) -> Result<BankFile, Problem> {
        let bank = Bank {
            code: "bca".to_owned(),
            name: "BCA".to_owned(),
            number: number.to_owned(),
            holder: "x".to_owned(),
            open: true,
        };
        read_mutations(&bank, text, Day::new(20_261_130))
    }

    /// Line, date, amount and text of each credit; debits, pending ones, corrections.
    fn told(text: &str) -> (Vec<String>, [usize; 3]) {
        let file = read("0000000000", text).unwrap();
        let credit = |(line, m): &(usize, Mutation)| {
            format!(
                "{line} {} {} {}{}",
                m.date,
                m.amount,
                m.text,
                m.balance.map_or(String::new(), |b| format!(" {b}"))
            )
        };
        let LeftOut { debit, pending, correction } = file.left_out;
        (file.credits.iter().map(credit).collect(), [debit, pending, correction])
    }

    #[test]
    fn files_of_indonesian_banks() {
        let klik = "Informasi Rekening - Mutasi Rekening\nNo. rekening : 0000000000\nNama : PT CONTOH\n\
            Periode : 01/11/2026 - 30/11/2026\nKode Mata Uang : IDR\n\n\
            Tanggal Transaksi,Keterangan,Cabang,Jumlah,,Saldo\n\
            '03/11,\"TRSF E-BANKING CR 0311/FTSCY/WS1 CONTOH\",'0000,\"500,123.00\",CR,\"1,500,123.00\"\n\
            '04/11,\"BIAYA ADM\",'0000,\"15,000.00\",DB,\"1,485,123.00\"\n\
            '05/11,\"KOREKSI BUNGA\",'0000,\"15,000.00\",CR,\"1,485,123.00\"\n\
            PEND,\"TRSF E-BANKING CR\",'0000,\"200,456.00\",CR,\"1,685,579.00\"\n\
            Saldo Awal : 1,000,000.00\nMutasi Kredit : 700,579.00\n";
        let credit = "8 2026-11-03 500123 TRSF E-BANKING CR 0311/FTSCY/WS1 CONTOH 1500123";
        assert_eq!(told(klik), (vec![credit.to_owned()], [1, 1, 1]));
        let bri = "NOREK;0000000000\n\
            TGL_TRAN;DESK_TRAN;MUTASI_DEBET;MUTASI_KREDIT;SALDO_AKHIR_MUTASI\n\
            2026-11-02;TRANSFER DARI CONTOH;0.00;500123.00;1500123.00\n\
            2026-11-03;ADM;2500.00;0.00;1497623.00\n";
        let credit = "3 2026-11-02 500123 TRANSFER DARI CONTOH 1500123";
        assert_eq!(told(bri), (vec![credit.to_owned()], [1, 0, 0]));
        let mandiri = "Account No,Date,Val. Date,Transaction Code,Description,Description,Reference No.,Debit,Credit\n\
            0000000000000,02/11/26,02/11/26,6902,\"DR 00 KR 00\",\"CONTOH\",,\".00\",\"500,123.00\"\n";
        let credit = "2 2026-11-02 500123 DR 00 KR 00 CONTOH";
        assert_eq!(told(mandiri), (vec![credit.to_owned()], [0, 0, 0]));
        // A period that crosses the year.
        let turn = klik
            .replace("01/11/2026 - 30/11/2026", "01/12/2025 - 31/01/2026")
            .replace("'03/11", "'03/12");
        assert!(told(&turn).0[0].starts_with("8 2025-12-03 "), "{turn}");
    }

    #[test]
    fn tables_of_ones_own_in_every_style_of_number() {
        for amount in
            ["\"500,123.00\"", "500123.00", "\"500.123,00\"", "Rp 500.123", "500123", "500.123 CR"]
        {
            let (credits, _) = told(&format!("Date,Amount,Text\n28/11/2026,{amount},BUDI\n"));
            assert_eq!(credits, ["2 2026-11-28 500123 BUDI"], "{amount}");
        }
        let tabs = "Tanggal\tJam\tKeterangan\tJumlah\n28/11/2026\t08.15\tBUDI\t500.123\n";
        assert_eq!(told(tabs).0, ["2 2026-11-28 08:15 500123 BUDI"]);
        // F19: a debit in the middle is counted, not a reason to refuse the rest.
        let debit = "date;amount;text\n1/2/2026;800.111;MASUK A\n2/2/2026;-5.000;BIAYA ADM\n3/2/2026;800.222;MASUK B\n";
        let two = ["2 2026-02-01 800111 MASUK A", "4 2026-02-03 800222 MASUK B"];
        assert_eq!(told(debit), (two.map(str::to_owned).to_vec(), [1, 0, 0]));
        // F05: both stay.
        let equal =
            "date,text,amount\n03/08,SETOR TUNAI,\"500,123\"\n03/08,SETOR TUNAI,\"500,123\"\n";
        let lines = [2, 3].map(|line| format!("{line} 2026-08-03 500123 SETOR TUNAI"));
        assert_eq!(told(equal).0, lines);
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_its_line() {
        for (text, code, part) in [
            ("", "no_header", "no line is a header"),
            ("date,amount,text\n", "no_lines", "no line below"),
            ("date,amount,text\n28/11/2026,viel,A\n", "bad_line", "line 2: amount: `viel`"),
            ("date,amount,text\n28/11/2026,,A\n", "bad_line", "line 2: there is no amount"),
            ("date,amount,text\n28/13/2026,100,A\n", "bad_line", "line 2: date `28/13/2026`"),
            ("date,amount,type\n28/11/2026,100,XX\n", "bad_line", "line 2: `XX` says neither"),
            ("date,debit,credit\n28/11/2026,100,200\n", "bad_line", "both a debit and a credit"),
            ("date,amount,id\n28/11/2026,100,1.23457E+15\n", "bad_line", "cut by a spreadsheet"),
            (
                "No. rekening : 7654321098\ndate,amount\n28/11/2026,100\n",
                "other_account",
                "7654321098",
            ),
        ] {
            let problem = read("1234567890", text).unwrap_err();
            assert!(problem.code == code && problem.detail.contains(part), "{text}: {problem:?}");
        }
        let file = read("1", "date,amount,text,id\n,100,A,7\n28/11/2026,100.50,B,8\n").unwrap();
        assert_eq!(file.credits[0].1.id.as_deref(), Some("7"));
        assert!(file.credits[1].1.part && !file.credits[0].1.part);
    }
}
