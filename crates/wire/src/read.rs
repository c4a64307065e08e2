//! Reading answers and callbacks of any server of the family (WIRE.md sections 3 and 7).
//!
//! Unknown text is [`Status::Unknown`], never a failure: whoever asks must treat it as pending and
//! ask again. A refusal that speaks of the caller (PIN, IP, member) is [`Status::Refused`]; on a
//! status check it says nothing about the purchase.

use crate::{names, tail};
use defects::{Defect, on};
use regex::Regex;
use std::sync::LazyLock;
use types::Rupiah;

/// What a text says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Taken, being processed.
    Accepted,
    /// Asked about and not decided yet.
    Pending,
    /// Delivered.
    Success,
    /// Failed, or refused for a reason of the purchase.
    Failed,
    /// The caller was refused (credentials, address, limits).
    Refused,
    /// The server found no such purchase.
    NoData,
    /// A balance and nothing else.
    Balance,
    /// Anything else.
    #[default]
    Unknown,
}

/// One text taken apart. Fields that the text did not have are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Reading {
    pub status: Status,
    pub trx: Option<String>,
    pub ref_id: Option<String>,
    /// References beside the first one that are not the same.
    pub other_refs: Vec<String>,
    pub name: Option<String>,
    pub product: Option<String>,
    pub dest: Option<String>,
    pub qty: Option<u32>,
    pub sn: Option<String>,
    /// In the text's words, without amounts of the reader's account but those it compares.
    pub reason: Option<String>,
    pub price: Option<Rupiah>,
    pub before: Option<Rupiah>,
    /// The balance after the movement, or the balance that was shown.
    pub balance: Option<Rupiah>,
    /// `HH:MM`, whatever separator was used.
    pub time: Option<String>,
    /// The date as shown, `DD/MM` or `DD/MM/YYYY`.
    pub date: Option<String>,
    /// The text speaks of a purchase that was there before: `sudah pernah`, `Trx ke-2`.
    pub seen: bool,
    /// The status word is denied or conditional (`BELUM SUKSES`, `jika GAGAL`): it says nothing.
    pub denied: bool,
    /// `20` of a wrapper `status=20&message=..`.
    pub code: Option<String>,
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!("(?is)", $text)).expect("invariant: the pattern is constant")
        });
    };
}

pattern!(
    SEEN,
    r"^(?<head>.*?)(?:^|\s)(?:sudah|sdh|telah)\s+pernah\b(?:\s+(?:jam|pkl|pukul|@)?\s*(?<time>\d\d[:.]\d\d)(?:[:.]\d\d)?)?(?:\s+(?:tgl|tanggal)\s+(?<date>[\d/-]+))?\s*,?\s*status\s*:?\s*(?<word>sukses|berhasil|success|gagal|failed|menunggu|pending|proses|sedang|dalam|diproses)\b(?<rest>.*)$"
);
pattern!(
    WAITING,
    r"^(?<head>.*?)\s*Mhn\s+tunggu\s+trx\s+(?:sblmnya|sebelumnya)\s+selesai:\s*(?<body>.*?)\s+@\s*(?<time>\d\d[:.]\d\d)(?:[:.]\d\d)?(?:,\s*status\s+(?<word>[^.]*))?(?<rest>.*)$"
);
pattern!(
    NOTHING,
    r"^(?:.*\s)?TIDAK\s+ADA\s+transaksi\s+Tujuan\s+(?<dest>\S+)\s+pada\s+tgl\s+(?<date>[\d/-]+)[.](?<rest>.*)$"
);
pattern!(
    MONEY,
    r"^(?:Yth[.].*?[.]\s*)?Saldo(?:\s+(?:deposit|anda))*\s*[:=]?\s*(?:Rp[.]?\s*)?(?<n>-?\d[\d.,]*)(?:[!. ].*)?$"
);
// A status word stands alone: never inside a name, a code or a reference.
pattern!(
    WORD,
    r"(?:^|[\s:=*(\[,])(?<word>(?<ok>sukses|berhasil|success(?:ful)?)|(?<bad>gagal|failed)|(?<going>(?:(?:akan|sedang|segera|masih|dalam|dlm|lagi|sdg)\s+(?:di)?proses|diproses|menunggu\s+jawaban|pending))\b)(?:$|[^\w])"
);
pattern!(
    LABEL,
    r"(?:^|[\s.,;:|(])(?:SN\s*/\s*Ref|S/N|SN|serial(?:\s+number)?|reff?|kode(?:\s+voucher)?|token|voucher)\s*[:=]\s*"
);
pattern!(
    SEEN_WORDS,
    r"\b(?:sudah|sdh|telah)\s+pernah\b|\bpernah\s+(?:di|trx|transaksi|sukses)|\btrx\s+ke-?\s?[2-9]"
);
pattern!(
    NOT,
    r"(?:^|\s)(?:belum|blm|tidak|tdk|bukan|jika|bila|kalau|apabila|jk|not|pernah)\s*(?:ada\s+|bisa\s+|dapat\s+)?$"
);
pattern!(
    OPEN,
    r"\b(?:proses|diproses|antri|antrian|antrean|pending|menunggu|tunggu|mohon|mhn|diterima|request|permintaan|cek|belum|blm)\b"
);
// Yuscom: `status Gagal. SN/Ref: .Gagal Tagihan sudah terbayar`.
pattern!(STUB, r"^[\s.,]*SN(?:\s*/\s*Ref)?\s*:[\s.]*(?:gagal\b)?");
pattern!(WHY, r"\b(?:alasan|keterangan)\s*[:=]\s*(?<reason>.*)$");

/// Reasons that speak of the caller and not of the purchase: the server did not look at it.
const CALLER: [&str; 21] = [
    "pin salah",
    "pin anda salah",
    "salah pin",
    "password salah",
    "password anda salah",
    "salah password",
    "sign salah",
    "signature salah",
    "ip tidak sesuai",
    "ip anda tidak",
    "ip tidak",
    "your ip/",
    "pengguna tidak ditemukan",
    "user tidak ditemukan",
    "too short",
    "akun tidak aktif",
    "terlalu banyak percobaan",
    "terlalu banyak permintaan",
    "parameter kurang",
    "parameter ganda",
    "format sign salah",
];

fn speaks_of_the_caller(reason: &str) -> bool {
    let reason = reason.trim_start().to_ascii_lowercase();
    CALLER.iter().any(|words| reason.starts_with(words))
}

/// `status=20&t=1&message=..`: what stands beside the text, and the text.
fn unwrapped(text: &str) -> Option<(Option<String>, Vec<String>, String)> {
    let at = text.to_ascii_lowercase().find("message=")?;
    let is_start = at == 0 || text[..at].ends_with('&');
    let starts_with_a_field = text.split('=').next().is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if !is_start || !starts_with_a_field {
        return None;
    }
    let (beside, raw) = (&text[..at], &text[at.saturating_add("message=".len())..]);
    // The wrapper comes percent-encoded in URLs and plain in bodies.
    let message = if raw.contains(' ') {
        raw.to_owned()
    } else {
        let decoded = form_urlencoded::parse(&text.as_bytes()[at..]).next();
        decoded.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (mut code, mut refs) = (None, Vec::new());
    // What follows the message is beside it too; a plain message may hold an ampersand of its own.
    let behind =
        if raw.contains(' ') { "" } else { raw.split_once('&').map_or("", |(_, rest)| rest) };
    for (name, value) in
        [beside, behind].into_iter().flat_map(|p| form_urlencoded::parse(p.as_bytes()))
    {
        match name.to_ascii_lowercase().as_str() {
            "status" => code = Some(value.trim().to_owned()),
            "refid" | "clientid" | "ref_id" if !value.trim().is_empty() => {
                refs.push(value.trim().to_owned());
            }
            _ => {}
        }
    }
    Some((code, refs, message))
}

/// Reads one text. Total: any text gives a reading.
#[must_use]
pub fn read(text: &str) -> Reading {
    let text = text.trim();
    let Some((code, refs, message)) = unwrapped(text) else { return read_plain(text) };
    let mut reading = read_plain(message.trim());
    reading.code = code;
    for found in refs {
        if reading.ref_id.is_none() {
            reading.ref_id = Some(found);
        } else if reading.ref_id.as_ref() != Some(&found) {
            reading.other_refs.push(found);
        }
    }
    reading
}

fn read_plain(text: &str) -> Reading {
    let mut reading = Reading::default();
    names::references(text, &mut reading);
    let hidden = names::without_references(text);
    reading.seen = SEEN_WORDS.is_match(&hidden);
    if let Some(found) = NOTHING.captures(text) {
        reading.status = Status::NoData;
        reading.dest = Some(found["dest"].to_owned());
        reading.date = Some(found["date"].to_owned());
        return reading;
    }
    if let Some(found) = WAITING.captures(text) {
        let word = found.name("word").map_or("", |word| word.as_str()).to_ascii_lowercase();
        // A second-purchase guard that names a decided one says nothing of ours.
        if !word.contains("gagal") && !word.contains("sukses") {
            reading.status = Status::Pending;
        }
        names::head(&found["body"], &mut reading);
        reading.time = tail::clock(&found["time"]);
        return reading;
    }
    if let Some(found) = SEEN.captures(&hidden) {
        let part = |name: &str| found.name(name).map(|part| &text[part.range()]);
        names::head(part("head").unwrap_or_default(), &mut reading);
        reading.time = part("time").and_then(tail::clock);
        reading.date = part("date").map(str::to_owned);
        seen(&found["word"], part("rest").unwrap_or_default(), &mut reading);
        return reading;
    }
    if let Some(found) = WORD.captures(&hidden)
        && let Some(word) = found.name("word")
    {
        let (before, after) = (&text[..word.start()], &text[word.end()..]);
        if found.name("going").is_some() {
            reading.status = Status::Accepted;
            names::head(before, &mut reading);
            tail::amounts(after, &mut reading);
        } else if NOT.is_match(before) {
            reading.denied = true;
            names::head(before, &mut reading);
        } else if found.name("ok").is_some() {
            done(before, after, &mut reading);
        } else {
            failed(before, after, &mut reading);
        }
        return reading;
    }
    if speaks_of_the_caller(text) {
        reading.status = Status::Refused;
        reading.reason = Some(trim_reason(text));
        return reading;
    }
    if let Some(found) = MONEY.captures(text)
        && let Some(balance) = tail::amount(&found["n"])
    {
        reading.status = Status::Balance;
        reading.balance = Some(balance);
    }
    reading
}

/// The part after `status Sukses` or `status Gagal`.
fn seen(word: &str, rest: &str, reading: &mut Reading) {
    reading.seen = true;
    match word.to_ascii_lowercase().as_str() {
        "sukses" | "berhasil" | "success" => success(rest, reading),
        "gagal" | "failed" => {
            let stub = STUB.find(rest).map_or(0, |stub| stub.end());
            let (kept, end) = tail::cut(&rest[stub..]);
            tail::amounts(end, reading);
            reading.status = Status::Failed;
            reading.reason = Some(trim_reason(kept));
        }
        _ => reading.status = Status::Pending,
    }
}

/// The parts around `SUKSES`.
fn done(before: &str, after: &str, reading: &mut Reading) {
    // Some centers write the number before the word.
    let early = LABEL.find(before).filter(|label| {
        LABEL.find(after).is_none() && label.as_str().to_ascii_lowercase().contains("sn")
    });
    match early {
        Some(label) => {
            names::head(&before[..label.start()], reading);
            let (sn, end) = tail::cut(&before[label.end()..]);
            success(after, reading);
            tail::amounts(end, reading);
            finish_sn(sn, end, reading);
        }
        None => {
            names::head(before, reading);
            success(after, reading);
            // `CODE.dest Hrg:9.000 Sukses`
            let mut early = Reading::default();
            tail::amounts(tail::cut(before).1, &mut early);
            reading.price = reading.price.or(early.price);
        }
    }
}

/// What follows the word of a success; it is one only when nothing else is said before the number.
fn success(after: &str, reading: &mut Reading) {
    let label = LABEL.find(after);
    let middle = label.as_ref().map_or(after, |label| &after[..label.start()]);
    let number = label.as_ref().map_or("", |label| &after[label.end()..]);
    let (said, priced) = tail::cut(middle);
    let (sn, end) = tail::cut(number);
    let named = reading.dest.is_some();
    if !named {
        names::head(said, reading);
    }
    tail::amounts(end, reading);
    tail::amounts(priced, reading);
    let contradicts = WORD.captures_iter(after).any(|found| found.name("bad").is_some());
    let names_itself = !named && reading.dest.is_some();
    let says_more = said.chars().any(char::is_alphanumeric) && !names_itself;
    if contradicts || OPEN.is_match(said) || (says_more && label.is_none()) {
        return;
    }
    reading.status = Status::Success;
    finish_sn(sn, end, reading);
}

/// The parts around `GAGAL`.
fn failed(before: &str, after: &str, reading: &mut Reading) {
    names::head(before, reading);
    let (kept, end) = tail::cut(after);
    tail::amounts(end, reading);
    let kept = trim_reason(kept);
    let is_label = WHY.find(&kept).is_some_and(|label| label.start() == 0);
    let worded = if kept.is_empty() || is_label { WHY.captures(after) } else { None };
    let reason = worded.map_or(kept, |found| trim_reason(tail::cut(&found["reason"]).0));
    reading.status = if speaks_of_the_caller(&reason) { Status::Refused } else { Status::Failed };
    reading.reason = Some(reason);
}

fn finish_sn(text: &str, end: &str, reading: &mut Reading) {
    let sn = tail::number(text, end);
    let sn = if on(Defect::SerialCut) { sn.get(..sn.len() / 2).unwrap_or(sn) } else { sn };
    reading.sn = (!sn.is_empty()).then(|| sn.to_owned());
}

fn trim_reason(text: &str) -> String {
    text.trim_start_matches([' ', '.', ',', ':', ';']).trim_end_matches(['.', ' ']).to_owned()
}
