//! Refusals: decisions, not errors. The sentence of each is in `wire::refusal`.
//!
//! Source: WIRE.md section 5, one variant a row.

use crate::{Qty, Rupiah};
use std::net::IpAddr;

/// A request parameter, named as the protocol description spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// `memberID`
    MemberId,
    /// `product`
    Product,
    /// `dest`
    Dest,
    /// `refID`
    RefId,
    /// `pin`
    Pin,
    /// `password`
    Password,
    /// `sign`
    Sign,
    /// `qty`
    Qty,
    /// `check`
    Check,
    /// `counter`
    Counter,
    /// `hargamax`
    HargaMax,
}

impl Param {
    /// All parameters, in the order the protocol description names them.
    pub const ALL: [Self; 11] = [
        Self::MemberId,
        Self::Product,
        Self::Dest,
        Self::RefId,
        Self::Pin,
        Self::Password,
        Self::Sign,
        Self::Qty,
        Self::Check,
        Self::Counter,
        Self::HargaMax,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MemberId => "memberID",
            Self::Product => "product",
            Self::Dest => "dest",
            Self::RefId => "refID",
            Self::Pin => "pin",
            Self::Password => "password",
            Self::Sign => "sign",
            Self::Qty => "qty",
            Self::Check => "check",
            Self::Counter => "counter",
            Self::HargaMax => "hargamax",
        }
    }
}

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each row of WIRE.md section 5; the names are the codes
pub enum Refusal {
    MissingParameter(Param),
    DuplicateParameter(Param),
    InvalidParameter(Param),
    UnknownMember,
    WrongPin,
    WrongPassword,
    WrongSign,
    /// Any of the four before, where they have one answer.
    WrongCredentials,
    Locked {
        seconds: u32,
    },
    IpNotAllowed(IpAddr),
    MemberInactive,
    RateLimited,
    RefConflict,
    UnknownProduct,
    ProductClosed,
    /// `opens_minute`: minute of the day at which the product opens again.
    CutOff {
        opens_minute: u16,
    },
    NoRoute,
    InvalidDest,
    QtyMissing,
    QtyRange {
        min: Qty,
        max: Qty,
    },
    QtyFixed,
    PriceAboveMax {
        price: Rupiah,
        max: Rupiah,
    },
    InsufficientBalance,
    SameDayDuplicate,
    Limit,
}

impl Refusal {
    /// The stable code, also the `X-Gerbang-Code` header.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingParameter(_) => "missing_parameter",
            Self::DuplicateParameter(_) => "duplicate_parameter",
            Self::InvalidParameter(_) => "invalid_parameter",
            Self::UnknownMember => "unknown_member",
            Self::WrongPin => "wrong_pin",
            Self::WrongPassword => "wrong_password",
            Self::WrongSign => "wrong_sign",
            Self::WrongCredentials => "wrong_credentials",
            Self::Locked { .. } => "locked",
            Self::IpNotAllowed(_) => "ip_not_allowed",
            Self::MemberInactive => "member_inactive",
            Self::RateLimited => "rate_limited",
            Self::RefConflict => "ref_conflict",
            Self::UnknownProduct => "unknown_product",
            Self::ProductClosed => "product_closed",
            Self::CutOff { .. } => "cut_off",
            Self::NoRoute => "no_route",
            Self::InvalidDest => "invalid_dest",
            Self::QtyMissing => "qty_missing",
            Self::QtyRange { .. } => "qty_range",
            Self::QtyFixed => "qty_fixed",
            Self::PriceAboveMax { .. } => "price_above_max",
            Self::InsufficientBalance => "insufficient_balance",
            Self::SameDayDuplicate => "same_day_duplicate",
            Self::Limit => "limit",
        }
    }

    /// The stored form of a refusal that takes its refID: code and argument.
    /// `None` for those that take none and so are never stored.
    #[must_use]
    pub fn stored(&self) -> Option<(&'static str, String)> {
        let argument = match self {
            Self::ProductClosed
            | Self::NoRoute
            | Self::InvalidDest
            | Self::InsufficientBalance
            | Self::SameDayDuplicate
            | Self::Limit => String::new(),
            Self::CutOff { opens_minute } => opens_minute.to_string(),
            Self::PriceAboveMax { price, max } => format!("{}/{}", price.get(), max.get()),
            Self::MissingParameter(_)
            | Self::DuplicateParameter(_)
            | Self::InvalidParameter(_)
            | Self::UnknownMember
            | Self::WrongPin
            | Self::WrongPassword
            | Self::WrongSign
            | Self::WrongCredentials
            | Self::Locked { .. }
            | Self::IpNotAllowed(_)
            | Self::MemberInactive
            | Self::RateLimited
            | Self::RefConflict
            | Self::UnknownProduct
            | Self::QtyMissing
            | Self::QtyRange { .. }
            | Self::QtyFixed => return None,
        };
        Some((self.code(), argument))
    }

    /// True when the refusal is stored under its refID, so that a repeat gets the same answer.
    #[must_use]
    pub fn takes_ref(&self) -> bool {
        self.stored().is_some()
    }

    /// Reads what [`Self::stored`] gave.
    #[must_use]
    pub fn from_stored(code: &str, argument: &str) -> Option<Self> {
        Some(match code {
            "product_closed" => Self::ProductClosed,
            "no_route" => Self::NoRoute,
            "invalid_dest" => Self::InvalidDest,
            "insufficient_balance" => Self::InsufficientBalance,
            "same_day_duplicate" => Self::SameDayDuplicate,
            "limit" => Self::Limit,
            "cut_off" => Self::CutOff { opens_minute: argument.parse().ok()? },
            "price_above_max" => {
                let (price, max) = argument.split_once('/')?;
                Self::PriceAboveMax {
                    price: Rupiah::new(price.parse().ok()?),
                    max: Rupiah::new(max.parse().ok()?),
                }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_refusals_read_back() {
        for refusal in [
            Refusal::ProductClosed,
            Refusal::CutOff { opens_minute: 60 },
            Refusal::NoRoute,
            Refusal::InvalidDest,
            Refusal::PriceAboveMax { price: Rupiah::new(1_321), max: Rupiah::new(-1) },
            Refusal::InsufficientBalance,
            Refusal::SameDayDuplicate,
            Refusal::Limit,
        ] {
            let (code, argument) = refusal.stored().expect("takes its ref");
            assert_eq!(Refusal::from_stored(code, &argument), Some(refusal));
        }
        assert_eq!(Refusal::WrongPin.stored(), None);
    }
}
