//! The phrases of the closed list of certain failures, and the words of doubt that win over them.
//!
//! Everything here is certain in every center that was seen to say it. Nothing here may speak of a
//! purchase that is under way, or that was not found.

/// What names a destination.
pub(super) const NUMBERS: &str = "nomor tujuan|no tujuan|nomor|no|nomor hp|no hp|nomor handphone|nomor pelanggan|\
    no pelanggan|nomor meter|no meter|nometer|id pelanggan|idpel|id|user id|userid|id game|\
    id tujuan|id player|player id|tujuan|nomor tujuan anda|nomor anda|msisdn|customer id|\
    customer no|nomor kartu|no kartu|nomor va|nomor rekening|zone id|server id|akun tujuan|\
    kartu|destination|number|dest|format dest|format nomor|format tujuan|nomor hp anda";

/// What is wrong with it for good.
pub(super) const WRONG: &str = "salah|tidak benar|tdk benar|tidak valid|tdk valid|tidak sesuai|tidak terdaftar|\
    tdk terdaftar|tidak aktif|tdk aktif|tidak dikenal|tidak dikenali|invalid|diblokir|\
    di blokir|terblokir|blokir|blacklist|hangus|expired|kadaluarsa|kedaluwarsa|nonaktif|\
    non aktif|mati|is invalid|is wrong|wrong";

/// More words about the number.
pub(super) const NUMBER: &str = "salah nomor|salah no|salah tujuan|salah idpel|wrong number|invalid number|\
    invalid destination|invalid customer|cek kembali nomor|cek kembali no|\
    cek kembali tujuan|cek kembali id|periksa kembali nomor|periksa kembali no|\
    periksa kembali id|diperiksa kembali nomor|diperiksa kembali no|diperiksa kembali id|\
    blacklist|luar wilayah|luar cluster|cluster|unreg|sudah terbayar|sudah dibayar|\
    sudah di bayar|sudah lunas|tagihan lunas|expired number|prefix salah|\
    prefix tidak sesuai|prefix tidak valid|prefix tidak dikenal|beda operator|\
    digit tidak sesuai|digit nomor tidak sesuai|jumlah digit tidak sesuai|\
    jumlah digit salah|tagihan belum tersedia|belum ada tagihan|tidak ada tagihan|\
    melebihi batas kwh|limit kwh|batas kwh|melebihi kwh|kwh melebihi batas";

/// What a route sells.
pub(super) const WARES: &str = "produk|product|stok|stock|voucher|kode produk|kode|layanan|denom|nominal|item|paket|\
    produk ini|voucher ini|stok produk|stok voucher|sku|provider|operator|seller|\
    produk seller|biller";

/// Why it does not.
pub(super) const CLOSED: &str = "kosong|habis|gangguan|tutup|ditutup|di tutup|close|closed|tidak tersedia|tdk tersedia|\
    nonaktif|non aktif|tidak aktif|tdk aktif|off|salah|tidak valid|tidak dikenal|\
    tidak terdaftar|tidak dijual|invalid|maintenance|sedang kosong|sedang habis|\
    sedang gangguan|sedang tutup|sedang ditutup|sedang di tutup|sedang close|sedang closed|\
    sedang tidak tersedia|sedang nonaktif|sedang non aktif|sedang tidak aktif|sedang off|\
    sedang maintenance|sedang cut off|sedang cutoff|cut off|cutoff|lagi kosong|\
    lagi gangguan|sdg gangguan|sdg kosong|masih kosong|masih gangguan";

/// What we pay with there.
pub(super) const PURSES: &str = "saldo|deposit|stok|stock|balance|saldo anda|deposit anda|limit";

/// What it lacks.
pub(super) const SHORT: &str = "tidak cukup|tdk cukup|tidak mencukupi|tdk mencukupi|kurang|tidak memadai|insufficient|\
    not enough";

/// More words about the route.
pub(super) const ROUTE: &str = "insufficient balance|cut off|cutoff|sedang cut off|sedang cutoff|ditolak operator|\
    ditolak oleh operator|ditolak provider|ditolak oleh provider|ditolak biller|\
    ditolak oleh biller|ditolak supplier|ditolak oleh supplier|ditolak seller|\
    ditolak oleh seller|transaksi ditolak|harga voucher|harga tidak sesuai|harga berubah|\
    harga sudah berubah|harga naik|harga max|di atas hargamax|diatas hargamax|\
    di atas harga|diatas harga|lebih besar dari harga|melebihi harga|melebihi hargamax|\
    salah kode|format salah|salah format|refund|direfund|di refund|transaksi refund|\
    dibatalkan|di batalkan|batal|transaksi batal|cancel|cancelled|canceled|qty wajib diisi|\
    qty minimal|qty maksimal|qty tidak berlaku|allowed qty|\
    transaksi sama hari ini gunakan counter|batas transaksi|batas harian|limit transaksi|\
    limit harian|melebihi limit|limit tercapai|tidak dapat diproses|tidak bisa diproses|\
    tdk bisa diproses|tdk dapat diproses|tidak dapat di proses|tidak bisa di proses|\
    unit tidak cukup|unit kurang|tidak mendukung multi|tidak support multi|\
    tidak mendukung transaksi multi|gangguan operator|gangguan provider|gangguan produk|\
    sedang tidak stabil|produk tidak stabil|out of stock|sold out|product closed|\
    tidak dijual";

/// Called failed, but it may be under way or delivered, or it is not about the purchase at all.
pub(super) const DOUBT: &str = "timeout|time out|timed out|rto|double|dobel|duplikat|duplicate|refid|ref id|\
    sudah dipakai|sudah digunakan|pernah|sudah terkirim|sudah masuk|terkirim|\
    tidak ditemukan|tdk ditemukan|ditemukan|not found|tidak ada data|data tidak|\
    data kosong|no data|tidak ada transaksi|belum|blm|proses|diproses|di proses|process|\
    processing|progress|sedang|sdg|masih|menunggu|tunggu|wait|waiting|sibuk|busy|coba|\
    cobalah|ulangi|retry|try|cek|check|pending|antri|antrian|antrean|queue|koneksi|\
    connection|jaringan|network|sistem|system|server|error|exception|tidak diketahui|\
    unknown|sukses|berhasil|success|suspect|manual|konfirmasi|jawaban|respon|response|\
    merespon|delay|lambat|hubungi|hub|cs|call center|akan|jika|kalau|bila|apabila|bukan|\
    dialihkan|alihkan|dipindah|dipindahkan|dilempar|dioper|diteruskan|dilanjutkan|menyusul|nanti|\
    kemudian|segera|otomatis|update|diupdate|tidak dibatalkan|tdk dibatalkan|tidak batal|\
    tidak direfund|tidak gagal|tdk gagal|tidak ditolak|tidak habis|tidak kosong|tidak salah|\
    tidak gangguan";

/// Words in [`DOUBT`] that leave none when they are denied.
pub(super) const DENIED: &str =
    "tidak berhasil|tidak sukses|tdk berhasil|tdk sukses|belum berhasil";
