//! Reading answers and callbacks of any server of the family (WIRE.md sections 3 and 7).
//!
//! Unknown text is [`Status::Unknown`], never a failure: whoever asks must treat it as pending and
//! ask again. A refusal that speaks of the caller (PIN, IP, member) is [`Status::Refused`]; on a
//! status check it says nothing about the purchase.

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
    pub name: Option<String>,
    pub product: Option<String>,
    pub dest: Option<String>,
    pub qty: Option<u32>,
    pub sn: Option<String>,
    pub reason: Option<String>,
    pub price: Option<Rupiah>,
    pub before: Option<Rupiah>,
    /// The balance after the movement, or the balance that was shown.
    pub balance: Option<Rupiah>,
    /// `HH:MM`, whatever separator was used.
    pub time: Option<String>,
    /// The date as shown, `DD/MM` or `DD/MM/YYYY`.
    pub date: Option<String>,
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!("(?is)^", $text, "$")).expect("invariant: the pattern is constant")
        });
    };
}

pattern!(WRAPPED, r"(?:.*&)?message=(?<message>.*)");
pattern!(
    SEEN,
    r"(?<head>.*?)\s+(?:sudah|sdh)\s+pernah\s+jam\s+(?<time>\d\d[:.]\d\d)(?:\s+tgl\s+(?<date>[\d/]+))?,\s*status\s+(?<word>sukses|gagal)[.]?\s*(?<rest>.*)"
);
pattern!(
    WAITING,
    r"Mhn\s+tunggu\s+trx\s+sblmnya\s+selesai:\s*(?<head>.*?)\s*@(?<time>\d\d[:.]\d\d)(?:,\s*status\s+(?<word>[^.]*))?[.]?(?<rest>.*)"
);
pattern!(
    NOTHING,
    r"TIDAK\s+ADA\s+transaksi\s+Tujuan\s+(?<dest>\S+)\s+pada\s+tgl\s+(?<date>[\d/]+)[.](?<rest>.*)"
);
pattern!(TAKEN, r"(?<head>.*)\s+(?:akan|sedang)\s+diproses(?<rest>.*)");
pattern!(DONE, r"(?<head>.*?)\s+SUKSES[.]?\s+SN(?:/Ref)?\s*:\s*(?<rest>.*)");
pattern!(FAILED, r"(?<head>.*?)\s+GAGAL[.,]?\s+(?<rest>.*)");
pattern!(MONEY, r"(?:Yth[.].*?[.]\s*)?Saldo\s+(?<n>-?\d[\d.,]*)(?:[!. ].*)?");
pattern!(
    MOVED,
    r"(?<body>.*?)[.]?\s*Saldo\s+(?<before>-?\d[\d.,]*)\s*-\s*(?<price>-?\d[\d.,]*)\s*=\s*(?<after>-?\d[\d.,]*)(?<tail>.*)"
);
pattern!(BALANCE, r"(?<body>.*)[.]\s+Saldo\s+(?<n>-?\d[\d.,]*)(?<tail>.*)");
pattern!(PRICED, r"(?<body>.*)[.]\s+Hrg\s+(?<n>-?\d[\d.,]*)(?<tail>.*)");
pattern!(SECOND, r"(?<body>.*?)[.]?\s+Trx\s+ke-2.*");
pattern!(STAMP, r".*@\s*(?:(?<date>\d\d/\d\d(?:/\d{4})?)\s+)?(?<time>\d\d[:.]\d\d).*");
pattern!(
    HEAD,
    r"(?:(?:[^#]*\s)?T?#\s*(?<trx>\d+)\s+)?(?:R#\s*(?<ref>\S*)\s+)?(?:(?<name>.*?)\s*)??(?<product>[\w-]*)[.](?<dest>\S*)(?:\s*,\s*QTY\s*:\s*(?<qty>\d+))?"
);
pattern!(TRXID, r".*?TrxID\s*=\s*(?<trx>\S+)\s+kode\s+(?<product>\S+)\s+ke\s+(?<dest>\S+)");

/// Reasons that speak of the caller and not of the purchase.
const CALLER: [&str; 13] = [
    "pin salah",
    "salah pin",
    "password salah",
    "salah password",
    "sign salah",
    "ip tidak sesuai",
    "pengguna tidak ditemukan",
    "user tidak ditemukan",
    "too short",
    "akun tidak aktif",
    "terlalu banyak",
    "parameter kurang",
    "parameter ganda",
];

fn money(text: &str) -> Option<Rupiah> {
    text.trim_end_matches(['.', ',']).parse().ok()
}

fn clock(text: &str) -> String {
    text.replace('.', ":")
}

fn speaks_of_the_caller(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    CALLER.iter().any(|words| reason.starts_with(words))
}

/// Reads one text. Total: any text gives a reading.
#[must_use]
pub fn read(text: &str) -> Reading {
    let text = text.trim();
    if let Some(found) = WRAPPED.captures(text)
        && text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("status="))
    {
        // The wrapper comes percent-encoded in URLs and plain in bodies.
        let decoded: String = form_urlencoded::parse(format!("m={}", &found["message"]).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        let plain = found["message"].contains(' ');
        return read(if plain { &found["message"] } else { &decoded });
    }
    let mut reading = Reading::default();
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
        head(&found["head"], &mut reading);
        reading.time = Some(clock(&found["time"]));
        return reading;
    }
    if let Some(found) = SEEN.captures(text) {
        head(&found["head"], &mut reading);
        reading.time = Some(clock(&found["time"]));
        reading.date = found.name("date").map(|date| date.as_str().to_owned());
        seen(&found["word"], &found["rest"], &mut reading);
        return reading;
    }
    if let Some(found) = DONE.captures(text) {
        reading.status = Status::Success;
        head(&found["head"], &mut reading);
        let body = balances(&found["rest"], &mut reading);
        finish_sn(&body, &mut reading);
        return reading;
    }
    if let Some(found) = FAILED.captures(text) {
        head(&found["head"], &mut reading);
        let body = balances(&found["rest"], &mut reading);
        let reason = trim_reason(&body);
        reading.status =
            if speaks_of_the_caller(&reason) { Status::Refused } else { Status::Failed };
        reading.reason = Some(reason);
        return reading;
    }
    if let Some(found) = TAKEN.captures(text) {
        reading.status = Status::Accepted;
        let rest = found["rest"].to_owned();
        head(&found["head"], &mut reading);
        stamp(&rest, &mut reading);
        balances(&rest, &mut reading);
        return reading;
    }
    if speaks_of_the_caller(text) {
        reading.status = Status::Refused;
        reading.reason = Some(trim_reason(text));
        return reading;
    }
    if let Some(found) = MONEY.captures(text)
        && let Some(balance) = money(&found["n"])
    {
        reading.status = Status::Balance;
        reading.balance = Some(balance);
    }
    reading
}

/// The part after `status Sukses` or `status Gagal`.
fn seen(word: &str, rest: &str, reading: &mut Reading) {
    let mut body = rest.to_owned();
    if let Some(cut) = BALANCE.captures(&body).filter(|cut| cut["tail"].len() <= 1) {
        let shorter = cut["body"].to_owned();
        reading.balance = money(&cut["n"]);
        body = shorter;
    }
    if let Some(cut) = PRICED.captures(&body) {
        reading.price = money(&cut["n"]);
        body = cut["body"].to_owned();
    }
    if let Some(cut) = SECOND.captures(&body) {
        body = cut["body"].to_owned();
    }
    if word.eq_ignore_ascii_case("sukses") {
        reading.status = Status::Success;
        let label = body.trim_start();
        let sn = ["SN/Ref:", "SN:", "SN/Ref :", "SN :"].iter().find_map(|start| {
            let found = label.get(..start.len())?.eq_ignore_ascii_case(start);
            found.then(|| label[start.len()..].to_owned())
        });
        finish_sn(&sn.unwrap_or_default(), reading);
    } else {
        reading.status = Status::Failed;
        reading.reason = Some(trim_reason(&body));
    }
}

fn finish_sn(text: &str, reading: &mut Reading) {
    let sn = text.trim_matches(' ').trim_end_matches(['.', ' ']);
    reading.sn = (!sn.is_empty()).then(|| sn.to_owned());
}

fn trim_reason(text: &str) -> String {
    text.trim().trim_end_matches(['.', ' ']).to_owned()
}

/// Takes `Saldo a - b = c @..` or `Saldo n @..` off the end; returns what stands before it.
fn balances(text: &str, reading: &mut Reading) -> String {
    // The last movement counts: an SN or a reason may hold such words too.
    let at = text.to_ascii_lowercase().rfind("saldo ");
    let (start, last) = match at {
        None => (text, ""),
        Some(at) => text.split_at(at),
    };
    if let Some(cut) = MOVED.captures(last) {
        reading.before = money(&cut["before"]);
        reading.price = money(&cut["price"]);
        reading.balance = money(&cut["after"]);
        stamp(&cut["tail"], reading);
        return start.to_owned();
    }
    if let Some(cut) = MONEY.captures(last) {
        reading.balance = money(&cut["n"]);
        stamp(last, reading);
        return start.to_owned();
    }
    text.to_owned()
}

fn stamp(text: &str, reading: &mut Reading) {
    if let Some(cut) = STAMP.captures(text) {
        reading.time = Some(clock(&cut["time"]));
        reading.date = cut.name("date").map(|date| date.as_str().to_owned());
    }
}

/// `T#1 R#2 Three 1.000 T1.0896 , QTY : 5`, or `.. TrxID=8 kode HIP5 ke 0857`.
fn head(text: &str, reading: &mut Reading) {
    let own = |part: Option<regex::Match<'_>>| {
        part.map(|found| found.as_str().trim().to_owned()).filter(|text| !text.is_empty())
    };
    if let Some(found) = TRXID.captures(text) {
        reading.trx = own(found.name("trx"));
        reading.product = own(found.name("product"));
        reading.dest = own(found.name("dest"));
        return;
    }
    if let Some(found) = HEAD.captures(text) {
        reading.trx = own(found.name("trx"));
        reading.ref_id = own(found.name("ref"));
        reading.name = own(found.name("name"));
        reading.product = own(found.name("product"));
        reading.dest = own(found.name("dest"));
        reading.qty = found.name("qty").and_then(|qty| qty.as_str().parse().ok());
    }
}
