//! Who is calling: the socket's address, or the one a trusted proxy vouches for.

use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What a hop is when nobody can read it: nowhere, so that it is free of no limit and on no list.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The client's address: walks `X-Forwarded-For` from the right while the hop is a trusted proxy.
/// Without trusted proxies the header counts for nothing. Bytes that are no text spoil their own hop and
/// no other.
#[must_use]
pub fn client_address(socket: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut client = socket.to_canonical();
    let lines: Vec<&[u8]> =
        headers.get_all("x-forwarded-for").iter().map(http::HeaderValue::as_bytes).collect();
    let hops: Vec<&[u8]> =
        lines.into_iter().flat_map(|line| line.split(|byte| *byte == b',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        client = address(hop).unwrap_or(NOWHERE);
    }
    client
}

/// An address, also with a port behind it, as some proxies write it.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let plain = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let found = plain.parse::<IpAddr>().ok();
    Some(found.or_else(|| text.parse::<SocketAddr>().ok().map(|at| at.ip()))?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_trusted_hops_are_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let who = |socket: &str, forwarded: &[&[u8]], trusted: &[IpNet]| {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
            }
            client_address(socket.parse().unwrap(), &headers, trusted).to_string()
        };
        assert_eq!(who("203.0.113.1", &[b"8.8.8.8"], &trusted), "203.0.113.1");
        assert_eq!(who("10.0.0.1", &[b"8.8.8.8"], &[]), "10.0.0.1");
        assert_eq!(who("10.0.0.1", &[], &trusted), "10.0.0.1");
        assert_eq!(who("10.0.0.1", &[b"1.1.1.1, 8.8.8.8"], &trusted), "8.8.8.8");
        assert_eq!(who("10.0.0.1", &[b"1.1.1.1", b"8.8.8.8, 10.0.0.2"], &trusted), "8.8.8.8");
        assert_eq!(who("::ffff:203.0.113.1", &[], &trusted), "203.0.113.1");
        for with_port in [&b"8.8.8.8:4711"[..], b"1.1.1.1,  8.8.8.8 "] {
            assert_eq!(who("10.0.0.1", &[with_port], &trusted), "8.8.8.8");
        }
        for six in [&b"2001:db8::1"[..], b"[2001:db8::1]:443", b"[2001:db8::1]"] {
            assert_eq!(who("10.0.0.1", &[six], &trusted), "2001:db8::1");
        }
        // What a stranger wrote before the hop of the proxy spoils nothing.
        for odd in [&b"\xe9, 8.8.8.8"[..], b"unknown, 8.8.8.8", b"10.0.0.9, \xff,8.8.8.8"] {
            assert_eq!(who("10.0.0.1", &[odd], &trusted), "8.8.8.8");
        }
        assert_eq!(who("10.0.0.1", &[b"\xe9", b"8.8.8.8"], &trusted), "8.8.8.8");
        // And nobody becomes the proxy by a hop that cannot be read.
        for odd in [&b"nonsense"[..], b"\xe9", b"", b"8.8.8.8,", b"8.8.8.8, 10.0.0.2, x"] {
            assert_eq!(who("10.0.0.1", &[odd], &trusted), "0.0.0.0");
        }
    }
}
