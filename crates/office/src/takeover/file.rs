//! Files of members as other centers keep them, and our own: what a line says of one member.

use crate::columns::{Columns, Line, file_cell, is_on};
use crate::grid::head;
use crate::operations::{MemberSet, above};
use crate::plug::Office;
use anyhow::{Context as _, bail};
use types::Rupiah;

/// Most lines of one file. They are one commit, in which its lane does nothing else.
pub(super) const ROWS_MOST: usize = 10_000;
/// Most bytes of one file.
const TEXT_MOST: usize = 4 * 1024 * 1024;
/// Longest text of a cell; a PIN or password is no longer either.
const CELL_MOST: usize = 500;
const SECRET_MOST: usize = 64;
/// Most letters of a value that an error shows.
const TOLD_MOST: usize = 80;

/// Clears what can be cleared. An empty cell leaves what there is as it is.
const NONE: &str = "-";

/// Columns of a file of members.
const COLUMNS: Columns = Columns {
    all: &[
        ("kode", &["code", "kode member", "kode reseller", "kode agen", "id reseller", "member"]),
        ("nama", &["name", "nama member", "nama reseller", "nama agen"]),
        ("pin", &["pin transaksi"]),
        ("password", &["kata sandi", "password h2h", "password ip", "pass"]),
        ("saldo", &["balance", "saldo awal", "opening balance"]),
        ("level", &["kode level", "level harga"]),
        ("upline", &["kode upline"]),
        ("markup", &["selisih"]),
        ("markups", &["markup produk"]),
        ("ips", &["ip", "ip address", "alamat ip", "allowed addresses"]),
        ("callback", &["url", "url callback", "callback url", "url report", "report url"]),
        ("signing", &["callback secret"]),
        ("status", &["aktif", "active"]),
        ("credit_limit", &["limit kredit", "batas kredit"]),
        ("daily_limit", &["limit harian", "batas harian"]),
        ("same_day_guard", &[]),
        ("sedang", &[]),
        ("sn_ref", &[]),
        ("seller", &["marketplace"]),
        ("dialect", &[]),
        ("webhook", &[]),
    ],
    key: "kode",
    of: "a file of members",
};

/// The headings that a file of members may have, for people.
#[must_use]
pub fn member_headings() -> String {
    COLUMNS.headings()
}

/// What a spreadsheet writes below its columns.
const SUMS: [&str; 12] = [
    "total",
    "totals",
    "jumlah",
    "jumlah total",
    "total jumlah",
    "total saldo",
    "jumlah saldo",
    "total keseluruhan",
    "grand total",
    "sub total",
    "subtotal",
    "sum",
];

/// True for a line that adds the others up and is no member.
pub(super) fn is_sum(cells: &[(&'static str, String)]) -> bool {
    let filled = || cells.iter().filter(|(_, value)| !value.is_empty());
    let says = |value: &str| SUMS.contains(&head(value).as_str());
    match filled().find(|(column, _)| *column == "kode") {
        Some((_, code)) => says(code),
        None => {
            let sums = |column: &str| matches!(column, "saldo" | "credit_limit" | "daily_limit");
            filled().any(|(_, value)| says(value)) || filled().all(|(column, _)| sums(column))
        }
    }
}

/// Columns of the export: everything that is no secret and no balance.
const EXPORTED: [&str; 17] = [
    "kode",
    "nama",
    "level",
    "status",
    "upline",
    "markup",
    "markups",
    "ips",
    "callback",
    "credit_limit",
    "daily_limit",
    "same_day_guard",
    "sedang",
    "sn_ref",
    "seller",
    "dialect",
    "webhook",
];

/// The text of a file in the one form that counts: without a mark in front, lines end in LF.
pub(super) fn plain(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// The lines of a file, bounded.
pub(super) fn read(text: &str) -> anyhow::Result<Vec<Line>> {
    if text.len() > TEXT_MOST {
        bail!("the file has {} bytes; take at most {TEXT_MOST} at a time", text.len());
    }
    let lines = COLUMNS.read(text)?;
    if lines.is_empty() {
        bail!("the file names no member");
    }
    if lines.len() > ROWS_MOST {
        bail!("the file has {} lines; take at most {ROWS_MOST} at a time", lines.len());
    }
    Ok(lines)
}

/// A value as errors show it; secrets are not shown.
pub(super) fn told(column: &str, value: &str) -> String {
    match column {
        "pin" | "password" | "signing" => column.to_owned(),
        _ if value.chars().nth(TOLD_MOST).is_some() => {
            let begin: String = value.chars().take(TOLD_MOST).collect();
            format!("{column} `{begin}..`")
        }
        _ => format!("{column} `{value}`"),
    }
}

/// What no column may hold.
pub(super) fn fits(column: &str, value: &str) -> Result<(), String> {
    let most = if matches!(column, "pin" | "password") { SECRET_MOST } else { CELL_MOST };
    if value.chars().any(char::is_control) {
        return Err("holds control characters".to_owned());
    }
    if value.len() > most {
        return Err(format!("is longer than {most} bytes"));
    }
    Ok(())
}

/// What a cell changes by itself; `None` for the columns that need more than themselves.
pub(super) fn change(column: &str, value: &str) -> anyhow::Result<Option<MemberSet>> {
    let text = || Some(if value == NONE { String::new() } else { value.to_owned() });
    let flag = || is_on(value).context("write 1 or 0").map(Some);
    let mut set = MemberSet::default();
    match column {
        "nama" => set.name = Some(value.to_owned()),
        "level" => set.level = Some(value.to_owned()),
        "ips" => set.ips = text(),
        "callback" => set.callback = text(),
        "signing" => set.signing = text(),
        "status" => set.active = flag()?,
        "daily_limit" => set.daily_limit = text(),
        "same_day_guard" => set.same_day_guard = flag()?,
        "sedang" => set.sedang = flag()?,
        "sn_ref" => set.sn_ref = flag()?,
        "seller" => set.seller = Some(value.to_owned()),
        "dialect" => set.dialect = text(),
        "webhook" => set.webhook = flag()?,
        _ => return Ok(None),
    }
    Ok(Some(set))
}

/// Empty where `-` says so.
pub(super) fn or_none(value: &str) -> &str {
    if value == NONE { "" } else { value }
}

impl Office {
    /// All members with their settings, as an import takes them. Without secrets, and without
    /// balances: those move while somebody edits the file.
    ///
    /// # Errors
    /// When a cell cannot be written.
    pub fn members_file(&self) -> anyhow::Result<String> {
        let catalog = self.handle.catalog();
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(EXPORTED)?;
        for entry in catalog.members() {
            let member = &entry.member;
            let upline = member.upline.as_ref();
            let yes = |flag: bool| if flag { "1" } else { "0" }.to_owned();
            let number = |amount: Rupiah| amount.get().to_string();
            let ips: Vec<String> = entry.ip_allow.iter().map(ToString::to_string).collect();
            let cells: [String; 17] = [
                member.code.to_string(),
                member.name.clone(),
                member.level.to_string(),
                yes(member.active),
                above(&catalog, member).unwrap_or_default(),
                upline.map_or_else(String::new, |upline| number(upline.markup)),
                upline.map_or_else(String::new, |upline| upline.markups.to_string()),
                ips.join(" "),
                member.callback_url.clone().unwrap_or_default(),
                number(member.credit_limit),
                member.daily_limit.map_or_else(String::new, number),
                yes(member.same_day_guard),
                yes(member.wording.sedang),
                yes(member.wording.sn_ref),
                member.wording.seller.word().to_owned(),
                member.dialect.to_string(),
                yes(member.wording.webhook),
            ];
            csv.write_record(cells.iter().map(|text| file_cell(text)))?;
        }
        let bytes = csv.into_inner().map_err(|error| anyhow::anyhow!(error.to_string()))?;
        Ok(String::from_utf8(bytes)?)
    }
}
