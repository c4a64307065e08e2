//! The sentence of each refusal, WIRE.md section 5.

use types::{Param, Refusal, Rupiah};

/// The reason on the wire, without its final dot.
#[must_use]
pub fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::MissingParameter(Param::MemberId) => "Too short".to_owned(),
        Refusal::MissingParameter(param) => format!("Parameter kurang: {}", param.name()),
        Refusal::DuplicateParameter(param) => format!("Parameter ganda: {}", param.name()),
        Refusal::InvalidParameter(param) => format!("Format {} tidak benar", param.name()),
        Refusal::UnknownMember => "Pengguna tidak ditemukan".to_owned(),
        Refusal::WrongPin => "Pin Salah".to_owned(),
        Refusal::WrongPassword => "Password Salah".to_owned(),
        Refusal::WrongSign => "Sign Salah".to_owned(),
        Refusal::WrongCredentials => "Pengguna, Pin atau Password Salah".to_owned(),
        Refusal::Locked { seconds } => {
            format!("Terlalu banyak percobaan, coba lagi dalam {seconds} detik")
        }
        Refusal::IpNotAllowed(address) => format!("IP tidak sesuai @{}", address.to_canonical()),
        Refusal::MemberInactive => "Akun tidak aktif".to_owned(),
        Refusal::RateLimited => "Terlalu banyak permintaan".to_owned(),
        Refusal::RefConflict => "RefID sudah dipakai untuk transaksi lain".to_owned(),
        Refusal::UnknownProduct => "Kode produk salah".to_owned(),
        Refusal::ProductClosed => "Produk sedang gangguan".to_owned(),
        Refusal::CutOff { opens_minute } => format!(
            "Produk sedang cut off, buka jam {:02}:{:02}",
            opens_minute / 60,
            opens_minute % 60
        ),
        Refusal::NoRoute => "Produk sedang kosong".to_owned(),
        Refusal::InvalidDest => "Nomor tujuan salah".to_owned(),
        Refusal::QtyMissing => "QTY wajib diisi".to_owned(),
        Refusal::QtyRange { min, max } => format!(
            "QTY minimal {} maksimal {}",
            Rupiah::new(i64::from(min.get())),
            Rupiah::new(i64::from(max.get()))
        ),
        Refusal::QtyFixed => "QTY tidak berlaku untuk produk ini".to_owned(),
        Refusal::PriceAboveMax { price, max } => format!("Harga {price} di atas hargamax {max}"),
        Refusal::InsufficientBalance => "Deposit tidak mencukupi".to_owned(),
        Refusal::SameDayDuplicate => "Transaksi sama hari ini, gunakan counter".to_owned(),
        Refusal::Limit => "Batas transaksi harian tercapai".to_owned(),
    }
}
