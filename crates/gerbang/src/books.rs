//! Operators' work on an opened business: members, credits, the demo's goods.

use crate::assemble::House;
use anyhow::{Context as _, anyhow, bail};
use domain::{Denomination, DestRule, Member, Price, Product, RouteRow, Supplier, Wording};
use engine::{Answer, Command, Moved, place};
use ipnet::IpNet;
use store::{CatalogChange, Level, MemberRecord, SupplierRecord};
use types::{
    LevelCode, MemberCode, MemberId, ProductCode, ProductName, Qty, Rupiah, Sku, SupplierCode,
};

/// What a new member is made of.
pub(crate) struct NewMember {
    pub(crate) code: MemberCode,
    pub(crate) name: String,
    pub(crate) pin: String,
    pub(crate) password: String,
    pub(crate) callback_url: Option<String>,
    pub(crate) ip_allow: Vec<IpNet>,
}

/// The price level of `init` and `demo`.
pub(crate) fn first_level(list_id: &str) -> anyhow::Result<Level> {
    Ok(Level {
        code: LevelCode::parse("retail")?,
        name: "Retail".to_owned(),
        list_id: list_id.to_owned(),
    })
}

pub(crate) fn sandbox_supplier() -> anyhow::Result<SupplierRecord> {
    Ok(SupplierRecord {
        supplier: Supplier {
            code: SupplierCode::parse("sandbox")?,
            name: "Sandbox".to_owned(),
            connector: "sandbox".to_owned(),
            paused: false,
            check_after_ms: 5_000,
            suspect_after_ms: 600_000,
            trusted_reversal: true,
        },
        settings: None,
    })
}

/// Code, name, group, category, price, rule. An open denomination's price is its fee.
type Good = (&'static str, &'static str, &'static str, &'static str, i64, &'static str);

/// The products of the seed and some more across the trade.
const GOODS: [Good; 44] = [
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
    ("D10", "Dana 10.000", "Dana", "E-WALLET", 10_170, "phone"),
    ("D50", "Dana 50.000", "Dana", "E-WALLET", 50_170, "phone"),
    ("GJ10", "GoPay 10.000", "GoPay", "E-WALLET", 10_950, "phone"),
    ("OVO10", "OVO 10.000", "OVO", "E-WALLET", 10_980, "phone"),
    ("SHP10", "ShopeePay 10.000", "ShopeePay", "E-WALLET", 10_650, "phone"),
    ("BBSDN", "H2H DANA Topup (Bebas Nominal)", "Dana", "NOMINAL BEBAS", 171, "open"),
    ("BBSGJ", "H2H GoPay Topup (Bebas Nominal)", "GoPay", "NOMINAL BEBAS", 950, "open"),
    ("BBSOVO", "H2H OVO Topup (Bebas Nominal)", "OVO", "NOMINAL BEBAS", 980, "open"),
    ("PLN20", "Token PLN 20.000", "Token PLN", "TOKEN PLN", 20_120, "digits:11-12"),
    ("PLN50", "Token PLN 50.000", "Token PLN", "TOKEN PLN", 50_120, "digits:11-12"),
    ("PLN100", "Token PLN 100.000", "Token PLN", "TOKEN PLN", 100_120, "digits:11-12"),
    ("ML86", "Mobile Legends 86 Diamond", "Mobile Legends", "GAME", 19_400, "any"),
    ("ML172", "Mobile Legends 172 Diamond", "Mobile Legends", "GAME", 38_700, "any"),
    ("FF70", "Free Fire 70 Diamond", "Free Fire", "GAME", 9_100, "any"),
    ("FF140", "Free Fire 140 Diamond", "Free Fire", "GAME", 18_150, "any"),
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
            open: true,
            cut_off: None,
        }));
        changes.push(CatalogChange::Price {
            level: level.clone(),
            product: code.clone(),
            price: Price { amount: Rupiah::new(price), basis_points: 0 },
        });
        changes.push(CatalogChange::Route(RouteRow {
            sku: Sku::parse(&code.as_str().to_ascii_lowercase())?,
            product: code,
            supplier: supplier.clone(),
            cost: Rupiah::new(price - price / 100 - 1),
            priority: 1,
            enabled: true,
            allow_loss: false,
        }));
    }
    Ok(changes)
}

impl House {
    pub(crate) async fn change(&self, changes: Vec<CatalogChange>) -> anyhow::Result<()> {
        self.handle.submit_patiently(Command::Catalog(changes)).await?;
        Ok(())
    }

    pub(crate) async fn add_member(&self, new: NewMember) -> anyhow::Result<()> {
        let catalog = self.handle.catalog();
        if catalog.member(&new.code).is_some() {
            bail!("member {} exists already", new.code);
        }
        if let Some(url) = &new.callback_url {
            wire::check_callback_url(url)?;
        }
        if new.pin.is_empty() || new.password.is_empty() {
            bail!("PIN and password must not be empty");
        }
        let last = catalog.members().last().map_or(0, |entry| entry.member.id.get());
        let level = catalog.levels().keys().next().context("there is no price level")?.clone();
        let seal = |column: &str, plain: &str| self.key.seal(&place(&new.code, column), plain);
        let record = MemberRecord {
            pin: seal("pin", &new.pin)?,
            password: seal("password", &new.password)?,
            signing: None,
            ip_allow: new.ip_allow.clone(),
            member: Member {
                id: MemberId::new(last + 1),
                name: new.name,
                active: true,
                level,
                credit_limit: Rupiah::ZERO,
                daily_limit: None,
                same_day_guard: false,
                callback_url: new.callback_url,
                wording: Wording::default(),
                code: new.code,
            },
        };
        self.change(vec![CatalogChange::Member(record)]).await
    }

    /// A deposit or withdrawal; the balance after it.
    pub(crate) async fn credit(
        &self,
        code: &MemberCode,
        amount: Rupiah,
        note: String,
    ) -> anyhow::Result<Rupiah> {
        let catalog = self.handle.catalog();
        let entry = catalog.member(code).ok_or_else(|| anyhow!("there is no member {code}"))?;
        let command =
            Command::Move { member: entry.member.id, amount, cash: "manual".to_owned(), note };
        match self.handle.submit_patiently(command).await? {
            Answer::Moved(Moved::Done(balance)) => Ok(balance),
            Answer::Moved(Moved::BelowFloor(balance)) => {
                bail!("it would leave {balance}, below the floor of {code}")
            }
            Answer::Moved(Moved::UnknownMember) => bail!("there is no member {code}"),
            Answer::Moved(Moved::OutOfRange) => bail!("the amount is out of range"),
            other => bail!("unexpected answer {other:?}"),
        }
    }
}
