//! The vocabulary that the wire and the domain share.
//!
//! Values here are parsed once at the edge and trusted inside: fields are private, every
//! constructor checks. This crate has no logic beyond parsing and printing, does no IO, knows no
//! clock and depends on nothing.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod amount;
mod hex;
mod ids;
mod money;
mod refusal;
mod same;
mod time;
mod words;

pub use amount::Rounding;
pub use hex::{hex, unhex};
pub use ids::{AttemptId, DeliveryId, MemberId, TrxNo};
pub use money::{MoneyError, Rupiah};
pub use refusal::{Param, Refusal};
pub use same::{is_same_dest, mobile_number};
pub use time::{CivilTime, Day, Moment, UtcMillis};
pub use words::{
    DEST_EXTRA, Dest, LevelCode, MemberCode, ProductCode, ProductName, Qty, Reason, RefId, Sku, Sn,
    SupplierCode, WordError,
};
