//! Rows that are not decisions: catalog, deliveries, journal.

use crate::Sealed;
pub use domain::DeliveryState;
use domain::{Epoch, Member, Price, Product, RouteRow, Supplier};
use ipnet::IpNet;
use types::{DeliveryId, LevelCode, MemberId, ProductCode, SupplierCode, TrxNo, UtcMillis};

/// A member with what proves its identity. Secrets are sealed.
#[derive(Clone, Debug)]
pub struct MemberRecord {
    /// What decisions look at.
    pub member: Member,
    /// Transaction PIN.
    pub pin: Sealed,
    /// H2H password.
    pub password: Sealed,
    /// Signs callbacks, when there is one.
    pub signing: Option<Sealed>,
    /// Addresses it may call from; empty for any, and for none while [`Self::imported`] says
    /// something.
    pub ip_allow: Vec<IpNet>,
    /// Which of its credentials came with an import.
    pub imported: Imported,
}

/// Which of a member's credentials came with an import and were not changed since. They were chosen
/// elsewhere, by rules of others: until they are changed they work from allowed addresses only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Imported {
    pub pin: bool,
    pub password: bool,
}

impl Imported {
    /// True for either.
    #[must_use]
    pub const fn any(self) -> bool {
        self.pin || self.password
    }

    /// As it is stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        (self.pin as i64) | ((self.password as i64) << 1)
    }

    /// As it was stored.
    #[must_use]
    pub const fn of(number: i64) -> Option<Self> {
        match number {
            0..=3 => Some(Self { pin: number & 1 != 0, password: number & 2 != 0 }),
            _ => None,
        }
    }
}

/// A supplier with the settings of its connector, sealed because they hold credentials.
#[derive(Clone, Debug)]
pub struct SupplierRecord {
    /// What routing looks at.
    pub supplier: Supplier,
    /// JSON settings of the connector, when it has any.
    pub settings: Option<Sealed>,
}

/// A named set of selling prices with the public id of its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// `retail`.
    pub code: LevelCode,
    /// Shown to operators.
    pub name: String,
    /// `id` of `/harga/json`.
    pub list_id: String,
}

/// A change of the catalog.
#[derive(Clone, Debug)]
pub enum CatalogChange {
    /// Insert or replace; a new member gets an empty account.
    Member(MemberRecord),
    /// Insert or replace.
    Level(Level),
    /// Insert or replace.
    Product(Product),
    /// Insert or replace.
    Price {
        /// Whose prices.
        level: LevelCode,
        /// Of what.
        product: ProductCode,
        /// How much.
        price: Price,
    },
    /// Insert or replace.
    Supplier(SupplierRecord),
    /// Insert or replace, by product and supplier.
    Route(RouteRow),
    /// Insert or replace, by number: the business was restored, or sells again.
    Epoch(Epoch),
    /// Remove.
    RemoveRoute {
        /// Of what.
        product: ProductCode,
        /// Where.
        supplier: SupplierCode,
    },
}

/// Which row of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum CatalogKey {
    Member(MemberId),
    Level(LevelCode),
    Product(ProductCode),
    Price(LevelCode, ProductCode),
    Supplier(SupplierCode),
    Route(ProductCode, SupplierCode),
    Epoch(u32),
}

impl CatalogChange {
    /// Which row it changes.
    #[must_use]
    pub fn key(&self) -> CatalogKey {
        match self {
            Self::Member(record) => CatalogKey::Member(record.member.id),
            Self::Level(level) => CatalogKey::Level(level.code.clone()),
            Self::Product(product) => CatalogKey::Product(product.code.clone()),
            Self::Price { level, product, .. } => CatalogKey::Price(level.clone(), product.clone()),
            Self::Supplier(record) => CatalogKey::Supplier(record.supplier.code.clone()),
            Self::Route(RouteRow { product, supplier, .. })
            | Self::RemoveRoute { product, supplier } => {
                CatalogKey::Route(product.clone(), supplier.clone())
            }
            Self::Epoch(epoch) => CatalogKey::Epoch(epoch.number),
        }
    }

    /// The texts in it that nothing but people decides on.
    #[must_use]
    pub fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Member(record) => {
                let url = record.member.callback_url.iter_mut();
                std::iter::once(&mut record.member.name).chain(url).collect()
            }
            Self::Level(level) => vec![&mut level.name, &mut level.list_id],
            Self::Product(product) => vec![&mut product.group, &mut product.category],
            Self::Supplier(record) => {
                vec![&mut record.supplier.name, &mut record.supplier.connector]
            }
            Self::Route(route) => route.prefixes.iter_mut().collect(),
            Self::Price { .. } | Self::RemoveRoute { .. } | Self::Epoch(_) => Vec::new(),
        }
    }
}

/// One final state to be told to a member. The text is frozen in the settlement's commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Stable id, the same for every try.
    pub id: DeliveryId,
    /// Of which trx.
    pub trx: TrxNo,
    /// To whom.
    pub member: MemberId,
    /// `refid`.
    pub ref_id: String,
    /// `message`.
    pub message: String,
    /// When it was written.
    pub created: UtcMillis,
    /// Where it stands.
    pub state: DeliveryState,
    /// Tries made.
    pub tries: u16,
    /// When to try next; meaningful while due.
    pub next: UtcMillis,
    /// What the last try gave.
    pub last: String,
}

/// Who spoke first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// They called us.
    In,
    /// We called them.
    Out,
}

/// Which conversation an exchange belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Channel {
    Trx,
    Balance,
    Prices,
    Supplier,
    Callback,
    Admin,
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 6] =
        [Self::Trx, Self::Balance, Self::Prices, Self::Supplier, Self::Callback, Self::Admin];

    /// The stored word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trx => "trx",
            Self::Balance => "balance",
            Self::Prices => "prices",
            Self::Supplier => "supplier",
            Self::Callback => "callback",
            Self::Admin => "admin",
        }
    }
}

/// One exchange on record: what was said and what was answered, secrets already redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// When it began.
    pub at: UtcMillis,
    /// Who spoke first.
    pub direction: Direction,
    /// Which conversation.
    pub channel: Channel,
    /// Address or host of the other side.
    pub peer: String,
    /// The member, once known.
    pub member: Option<MemberId>,
    /// The trx, once known.
    pub trx: Option<TrxNo>,
    /// What was said.
    pub request: String,
    /// What was answered.
    pub reply: String,
    /// Stable code or HTTP status.
    pub status: String,
    /// How long it took, in ms; for a purchase up to its decision, because the line rides in the
    /// same commit.
    pub millis: i64,
    /// Stamps of the rows its commit wrote ([`crate::Stamp`]); empty for most lines.
    pub stamps: Vec<u8>,
}

impl JournalLine {
    /// A line of the program about itself, which nobody asked for.
    #[must_use]
    pub fn of_program(at: UtcMillis, status: &str, request: String, stamps: Vec<u8>) -> Self {
        Self {
            at,
            direction: Direction::In,
            channel: Channel::Admin,
            peer: "gerbang".to_owned(),
            member: None,
            trx: None,
            request,
            reply: String::new(),
            status: status.to_owned(),
            millis: 0,
            stamps,
        }
    }
}
