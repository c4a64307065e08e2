//! The SSRF guard: which addresses a member's callback URL may reach.
//!
//! It judges the resolved address that is then connected to, so that a name cannot change its mind
//! in between (DNS rebinding), and literal addresses go the same way.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The guard of one kind of outgoing calls.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Networks the operator allows although they are internal.
    pub allow: Vec<IpNet>,
    /// No guard at all: calls to suppliers, whose URLs only the operator sets.
    pub open: bool,
}

impl Guard {
    /// True when a call may connect to this address.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.open || is_public(address) || self.allow.iter().any(|net| net.contains(&address))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let closed = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !closed
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let closed = address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || (a & 0xffc0) == 0xfe80
        || (a & 0xffc0) == 0xfec0
        || (a & 0xfe00) == 0xfc00
        || (a == 0x2001 && b == 0x0db8)
        || (a == 0x2001 && b < 0x0200)
        || (a == 0x3fff && b < 0x1000)
        || a == 0x2002
        || (a == 0x0064 && b == 0xff9b)
        || (a == 0x0100 && b == 0)
        || a == 0x5f00
        || a == 0;
    !closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_addresses_are_closed() {
        let guard = Guard::default();
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::1",
            "2002::1",
            "2001:db8::1",
            "ff02::1",
            "::127.0.0.1",
        ] {
            assert!(!guard.permits(text.parse().unwrap()), "{text} was let through");
        }
        for text in ["8.8.8.8", "103.10.1.1", "2404:6800::1"] {
            assert!(guard.permits(text.parse().unwrap()), "{text} was stopped");
        }
    }

    #[test]
    fn the_operator_may_allow_a_network() {
        let guard = Guard { allow: vec!["127.0.0.0/8".parse().unwrap()], open: false };
        assert!(guard.permits("127.0.0.1".parse().unwrap()));
        assert!(guard.permits("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!guard.permits("10.0.0.1".parse().unwrap()));
    }
}
