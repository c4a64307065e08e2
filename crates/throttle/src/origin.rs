//! Where a request comes from, as coarse as one customer of a provider is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 address, or an IPv6 network of /64: whoever has one address of it has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// One address, also when it was written as IPv6.
    V4(Ipv4Addr),
    /// The first half of an address.
    V6(u64),
    /// No address: the socket in the data folder, or a test.
    Here,
}

impl Origin {
    /// Of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(four) => Self::V4(four),
            IpAddr::V6(six) => Self::V6((u128::from(six) >> 64) as u64),
        }
    }

    /// This machine: its socket, or its own address, behind which an unnamed proxy may stand.
    #[must_use]
    pub const fn is_here(self) -> bool {
        match self {
            Self::V4(address) => address.is_loopback(),
            // Of these only `::1` is anybody's.
            Self::V6(half) => half == 0,
            Self::Here => true,
        }
    }

    /// Of an address as it is written.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse().map_or(Self::Here, Self::of)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(four) => four.fmt(f),
            Self::V6(half) => write!(f, "{}/64", Ipv6Addr::from(u128::from(*half) << 64)),
            Self::Here => f.write_str("here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one() {
        let of = Origin::parse;
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_eq!(of("2001:db8::1").to_string(), "2001:db8::/64");
        assert_eq!(of("203.0.113.7").to_string(), "203.0.113.7");
        assert_eq!(of("local"), Origin::Here);
    }
}
