//! The text protocol.

use crate::PriceRow;
use crate::books::{Books, Entry, PRICE, State};
use serde_json::{Value, json};
use types::{Rupiah, UtcMillis};

fn rp(amount: i64) -> Rupiah {
    Rupiah::new(amount)
}

/// `HH:MM` in Jakarta, which has no summer time.
fn clock() -> String {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = UtcMillis::new(i64::try_from(since.as_millis()).unwrap_or_default());
    let minutes = (now.get() / 60_000 + 7 * 60).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn head(entry: &Entry) -> String {
    format!("R#{} Simulasi {}.{}", entry.reference, entry.sku, entry.dest)
}

fn reason(state: State) -> &'static str {
    match state {
        State::WrongNumber => "Nomor tujuan salah",
        State::OutOfStock => "Produk sedang kosong",
        State::Pending | State::Delivered => "",
    }
}

/// The answer to a purchase that was taken now or before.
pub(crate) fn bought(entry: &Entry, new: bool) -> String {
    if new {
        let (before, after) = (rp(entry.before), rp(entry.before - PRICE));
        return format!(
            "T#{} {} akan diproses. Saldo {before} - {} = {after} @{}",
            entry.number,
            head(entry),
            rp(PRICE),
            clock()
        );
    }
    checked(entry)
}

/// The answer to a question about it.
pub(crate) fn checked(entry: &Entry) -> String {
    let head = head(entry);
    match entry.state() {
        State::Pending => format!(
            "Mhn tunggu trx sblmnya selesai: T#{} R#{} {}.{} @{}, status Menunggu Jawaban.",
            entry.number,
            entry.reference,
            entry.sku,
            entry.dest,
            clock()
        ),
        State::Delivered => format!(
            "{head} sudah pernah jam {}, status Sukses. SN: {}. Hrg {}",
            clock(),
            entry.sn(),
            rp(PRICE)
        ),
        state @ (State::WrongNumber | State::OutOfStock) => {
            format!("{head} sudah pernah jam {}, status Gagal. {}.", clock(), reason(state))
        }
    }
}

/// The answer when it was never taken.
pub(crate) fn nothing(dest: &str) -> String {
    format!("TIDAK ADA transaksi Tujuan {dest} pada tgl 01/01/2026. Tidak ada data.")
}

/// What is said of a purchase without a reference: nothing was taken.
pub(crate) fn without_reference(sku: &str, dest: &str) -> String {
    format!("R#0 {sku}.{dest} GAGAL. Parameter kurang: refID")
}

/// The message of a callback that says this state.
pub(crate) fn told(entry: &Entry, state: State) -> String {
    let head = head(entry);
    match state {
        State::Delivered => format!(
            "T#{} {head} SUKSES. SN: {}. Saldo {} - {} = {} @01/01 {}",
            entry.number,
            entry.sn(),
            rp(entry.before),
            rp(PRICE),
            rp(entry.before - PRICE),
            clock()
        ),
        State::Pending | State::WrongNumber | State::OutOfStock => format!(
            "T#{} {head} GAGAL. {}. Saldo {} @{}",
            entry.number,
            reason(state),
            rp(entry.before),
            clock()
        ),
    }
}

pub(crate) fn balance(books: &Books) -> String {
    format!("Saldo {}", rp(books.balance()))
}

/// The price list.
pub(crate) fn prices(rows: &[PriceRow]) -> String {
    let row = |(sku, price, open): &PriceRow| {
        json!({
            "kode": sku, "keterangan": sku, "produk": "Simulasi", "kategori": "PULSA",
            "harga": price.to_string(), "status": if *open { "1" } else { "0" },
        })
    };
    Value::Array(rows.iter().map(row).collect()).to_string()
}
