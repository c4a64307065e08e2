//! What a new business starts with, and the goods of the demo.

use anyhow::Context as _;
use domain::{Denomination, DestRule, Price, Product, RouteRow, Supplier};
use store::{CatalogChange, Level, SupplierRecord};
use types::{LevelCode, ProductCode, ProductName, Qty, Rupiah, Sku, SupplierCode};

/// The price level of `init` and `demo`.
pub(crate) fn first_level(list_id: &str) -> anyhow::Result<Level> {
    Ok(Level {
        code: LevelCode::parse("retail")?,
        name: "Retail".to_owned(),
        list_id: list_id.to_owned(),
    })
}

pub(crate) fn sandbox_supplier(code: &str, name: &str) -> anyhow::Result<SupplierRecord> {
    Ok(SupplierRecord {
        supplier: Supplier {
            code: SupplierCode::parse(code)?,
            name: name.to_owned(),
            connector: "sandbox".to_owned(),
            paused: false,
            check_after_ms: 5_000,
            suspect_after_ms: 600_000,
            trusted_reversal: true,
            counts: false,
        },
        settings: None,
    })
}

/// Code, name, group, category, price, rule. An open denomination's price is its fee.
type Good = (&'static str, &'static str, &'static str, &'static str, i64, &'static str);

/// Group of the products that only ask for a name.
const CHECKS: &str = "Cek Produk Digital H2H";

/// The products of the protocol description and more across the trade, in the categories and
/// families of codes of the real list: programs of members filter by them.
const GOODS: [Good; 77] = [
    ("T1", "Three 1.000", "Three", "PULSA", 1_321, "phone"),
    ("T5", "Three 5.000", "Three", "PULSA", 6_487, "phone"),
    ("T10", "Three 10.000", "Three", "PULSA", 11_120, "phone"),
    ("T20", "Three 20.000", "Three", "PULSA", 20_450, "phone"),
    ("S5", "Telkomsel 5.000", "Telkomsel", "PULSA", 5_620, "phone"),
    ("S10", "Telkomsel 10.000", "Telkomsel", "PULSA", 10_510, "phone"),
    ("S20", "Telkomsel 20.000", "Telkomsel", "PULSA", 20_250, "phone"),
    ("S50", "Telkomsel 50.000", "Telkomsel", "PULSA", 49_900, "phone"),
    ("S100", "Telkomsel 100.000", "Telkomsel", "PULSA", 98_200, "phone"),
    ("I5", "Indosat 5.000", "Indosat", "PULSA", 5_830, "phone"),
    ("I10", "Indosat 10.000", "Indosat", "PULSA", 10_820, "phone"),
    ("I25", "Indosat 25.000", "Indosat", "PULSA", 25_050, "phone"),
    ("X5", "XL 5.000", "XL", "PULSA", 5_910, "phone"),
    ("X10", "XL 10.000", "XL", "PULSA", 10_830, "phone"),
    ("X25", "XL 25.000", "XL", "PULSA", 24_960, "phone"),
    ("SM5", "Smartfren 5.000", "Smartfren", "PULSA", 5_120, "phone"),
    ("SM10", "Smartfren 10.000", "Smartfren", "PULSA", 10_080, "phone"),
    ("SM20", "Smartfren 20.000", "Smartfren", "PULSA", 19_870, "phone"),
    (
        "SMDC10",
        "Smart 2GB All + 2GB (01-05) + 2GB Chat 7 Hari",
        "Data Smart Combo",
        "KUOTA SMARTFREN",
        15_050,
        "phone",
    ),
    (
        "SMDC20",
        "Smart 2GB All + 3GB (01-05) + 1GB Chat 30 Hari",
        "Data Smart Combo",
        "KUOTA SMARTFREN",
        31_300,
        "phone",
    ),
    (
        "SMDC30",
        "Smart 4GB All + 4GB (01-05) + 2GB Chat 30 Hari",
        "Data Smart Combo",
        "KUOTA SMARTFREN",
        32_250,
        "phone",
    ),
    (
        "SMDC60",
        "Smart 10GB + 20GB (01-05) 30 Hari",
        "Data Smart Combo",
        "KUOTA SMARTFREN",
        67_760,
        "phone",
    ),
    (
        "SMDC100",
        "Smart 20GB + 40GB (01-05) 30 Hari",
        "Data Smart Combo",
        "KUOTA SMARTFREN",
        105_450,
        "phone",
    ),
    (
        "SMDC150",
        "Smart 30GB All + 60GB (01-05) 30 Hari",
        "Data Smart Combo",
        "KUOTA SMARTFREN",
        134_600,
        "phone",
    ),
    ("TD1", "Telkomsel Data 1GB 7 Hari", "Data Telkomsel", "KUOTA TELKOMSEL", 14_200, "phone"),
    ("TD5", "Telkomsel Data 5GB 30 Hari", "Data Telkomsel", "KUOTA TELKOMSEL", 52_400, "phone"),
    ("ID3", "Freedom Internet 3GB 30 Hari", "Freedom Internet", "KUOTA INDOSAT", 21_300, "phone"),
    ("ID10", "Freedom Internet 10GB 30 Hari", "Freedom Internet", "KUOTA INDOSAT", 47_900, "phone"),
    ("XD5", "Xtra Combo 5GB 30 Hari", "Xtra Combo", "KUOTA XL", 43_700, "phone"),
    ("D10", "Dana 10.000", "Dana", "DOMPET DIGITAL", 10_170, "phone"),
    ("D50", "Dana 50.000", "Dana", "DOMPET DIGITAL", 50_170, "phone"),
    ("GJ10", "GoPay 10.000", "GoPay", "DOMPET DIGITAL", 10_950, "phone"),
    ("OVO10", "OVO 10.000", "OVO", "DOMPET DIGITAL", 10_980, "phone"),
    ("SHP10", "ShopeePay 10.000", "ShopeePay", "DOMPET DIGITAL", 10_650, "phone"),
    ("BBSDN", "H2H DANA Topup (Bebas Nominal)", "Dana", "NOMINAL BEBAS", 171, "open"),
    ("BBSGJ", "H2H GoPay Topup (Bebas Nominal)", "GoPay", "NOMINAL BEBAS", 950, "open"),
    ("BBSOVO", "H2H OVO Topup (Bebas Nominal)", "OVO", "NOMINAL BEBAS", 980, "open"),
    ("PLN20", "Token PLN 20.000", "Token PLN", "TOKEN PLN", 20_120, "digits:11-12"),
    ("PLN50", "Token PLN 50.000", "Token PLN", "TOKEN PLN", 50_120, "digits:11-12"),
    ("PLN100", "Token PLN 100.000", "Token PLN", "TOKEN PLN", 100_120, "digits:11-12"),
    ("ML86", "Mobile Legends 86 Diamond", "Mobile Legends", "DIGITAL", 19_400, "any"),
    ("ML172", "Mobile Legends 172 Diamond", "Mobile Legends", "DIGITAL", 38_700, "any"),
    ("FF70", "Free Fire 70 Diamond", "Free Fire", "DIGITAL", 9_100, "any"),
    ("FF140", "Free Fire 140 Diamond", "Free Fire", "DIGITAL", 18_150, "any"),
    ("AX5", "Axis 5.000", "Axis", "PULSA", 5_880, "phone"),
    ("AX10", "Axis 10.000", "Axis", "PULSA", 10_790, "phone"),
    ("TRD1", "Tri AON 1GB 30 Hari", "Data Tri AON", "KUOTA TRI", 13_900, "phone"),
    ("TRD3", "Tri AON 3GB 30 Hari", "Data Tri AON", "KUOTA TRI", 28_300, "phone"),
    ("AXD2", "Axis Bronet 2GB 30 Hari", "Data Axis Bronet", "KUOTA AXIS", 19_600, "phone"),
    ("D1", "Dana 1.000", "Dana", "DOMPET DIGITAL", 1_038, "phone"),
    ("D20", "Dana 20.000", "Dana", "DOMPET DIGITAL", 20_170, "phone"),
    ("D100", "Dana 100.000", "Dana", "DOMPET DIGITAL", 100_170, "phone"),
    ("GPY10", "GoPay Customer 10.000", "GoPay Customer", "DOMPET DIGITAL", 10_940, "phone"),
    ("GPY20", "GoPay Customer 20.000", "GoPay Customer", "DOMPET DIGITAL", 20_940, "phone"),
    ("GPY50", "GoPay Customer 50.000", "GoPay Customer", "DOMPET DIGITAL", 50_940, "phone"),
    ("GPY100", "GoPay Customer 100.000", "GoPay Customer", "DOMPET DIGITAL", 100_940, "phone"),
    ("OVO20", "OVO 20.000", "OVO", "DOMPET DIGITAL", 20_980, "phone"),
    ("OVO50", "OVO 50.000", "OVO", "DOMPET DIGITAL", 50_980, "phone"),
    ("SHP20", "ShopeePay 20.000", "ShopeePay", "DOMPET DIGITAL", 20_650, "phone"),
    ("LINK10", "LinkAja 10.000", "LinkAja", "DOMPET DIGITAL", 10_720, "phone"),
    ("DML5", "Mobile Legends 5 Diamonds", "Diamond Mobile Legends", "DIGITAL", 1_450, "any"),
    ("DML12", "Mobile Legends 12 Diamonds", "Diamond Mobile Legends", "DIGITAL", 3_420, "any"),
    ("DML28", "Mobile Legends 28 Diamonds", "Diamond Mobile Legends", "DIGITAL", 7_650, "any"),
    ("DML86", "Mobile Legends 86 Diamonds", "Diamond Mobile Legends", "DIGITAL", 19_350, "any"),
    ("DFF5", "Free Fire 5 Diamonds", "Diamond Free Fire", "DIGITAL", 920, "any"),
    ("DFF12", "Free Fire 12 Diamonds", "Diamond Free Fire", "DIGITAL", 1_870, "any"),
    ("CEKD", "Cek Nama Dana", CHECKS, "DIGITAL", 0, "phone"),
    ("CEKGJK", "Cek Nama GoPay", CHECKS, "DIGITAL", 0, "phone"),
    ("CEKOVO", "Cek Nama OVO", CHECKS, "DIGITAL", 0, "phone"),
    ("CEKSHP", "Cek Nama ShopeePay", CHECKS, "DIGITAL", 0, "phone"),
    ("CEKLINK", "Cek Nama LinkAja", CHECKS, "DIGITAL", 0, "phone"),
    ("CEKPLN", "Cek Nama PLN", CHECKS, "DIGITAL", 0, "digits:11-12"),
    ("CEKML", "Cek Nama Mobile Legends", CHECKS, "DIGITAL", 0, "any"),
    ("CEKFF", "Cek Nama Free Fire", CHECKS, "DIGITAL", 0, "any"),
    // Bills: in every real list, and not sold yet. The price is the commission.
    ("BPLA", "Bayar Tagihan PLN", "PLN Pascabayar", "TAGIHAN", -1_150, "digits:11-13"),
    ("BBPJS", "Bayar BPJS Kesehatan", "BPJS Kesehatan", "TAGIHAN", -1_800, "digits:11-16"),
    ("BHOME", "Bayar Home Credit", "Home Credit", "FINANCE", -1_600, "digits:6-20"),
];

/// Products, prices and sandbox routes of the demo.
pub(crate) fn demo_goods() -> anyhow::Result<Vec<CatalogChange>> {
    let level = LevelCode::parse("retail")?;
    let supplier = SupplierCode::parse("sandbox")?;
    let (min, max) = Qty::new(10_000).zip(Qty::new(10_000_000)).context("range")?;
    let mut changes = Vec::new();
    for (code, name, group, category, price, rule) in GOODS {
        let code = ProductCode::parse(code)?;
        let open = rule == "open";
        changes.push(CatalogChange::Product(Product {
            code: code.clone(),
            name: ProductName::parse(name)?,
            group: group.to_owned(),
            category: category.to_owned(),
            denomination: if open { Denomination::Open { min, max } } else { Denomination::Fixed },
            dest_rule: if open { DestRule::Phone } else { rule.parse()? },
            open: price >= 0,
            cut_off: None,
            strategy: domain::Strategy::default(),
        }));
        changes.push(CatalogChange::Price {
            level: level.clone(),
            product: code.clone(),
            price: Price { amount: Rupiah::new(price), basis_points: 0 },
        });
        if price < 0 {
            // Nobody is asked to buy what is not sold.
            continue;
        }
        let sku = Sku::parse(&code.as_str().to_ascii_lowercase())?;
        let cost = Rupiah::new((price - price / 100 - 1).max(0));
        changes.push(CatalogChange::Route(RouteRow::new(code, supplier.clone(), sku, cost)));
    }
    Ok(changes)
}
