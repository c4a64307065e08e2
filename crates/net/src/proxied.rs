//! Who is behind a proxy that says so in front of a connection: the PROXY protocol, version 2.
//!
//! Whether a connection begins with it is known by where it comes from and never guessed from what
//! it sends; else anybody could say to be somebody else.

use proxy_header::{ParseConfig, ProxyHeader};
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Signature, version and command, family, length of the rest.
const FIXED: usize = 16;
/// Most bytes after those: addresses, and what proxies add about TLS.
const REST_MOST: usize = 2_048;

/// Reads the header, and nothing behind it. The client it names; none where the proxy speaks for
/// itself, as in its checks.
///
/// # Errors
/// What does not begin with such a header, and what ends before it does.
pub(crate) async fn client(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>> {
    let invalid = |why: String| Error::new(ErrorKind::InvalidData, why);
    let mut head = vec![0; FIXED];
    stream.read_exact(&mut head).await?;
    let rest = match head.last_chunk::<2>() {
        Some(length) => usize::from(u16::from_be_bytes(*length)),
        None => 0,
    };
    let config = ParseConfig { include_tlvs: false, allow_v1: false, allow_v2: true };
    // Without its rest a right one is only too short.
    match ProxyHeader::parse(&head, config) {
        Err(proxy_header::Error::BufferTooShort) | Ok(_) => {}
        Err(error) => return Err(invalid(format!("no PROXY header of version 2: {error}"))),
    }
    if rest > REST_MOST {
        return Err(invalid(format!("a PROXY header of {rest} bytes, at most {REST_MOST}")));
    }
    head.resize(FIXED.saturating_add(rest), 0);
    if let Some(after) = head.get_mut(FIXED..) {
        stream.read_exact(after).await?;
    }
    let (header, _) = ProxyHeader::parse(&head, config)
        .map_err(|error| invalid(format!("no PROXY header of version 2: {error}")))?;
    Ok(header.proxied_address().map(|address| address.source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proxy_header::ProxiedAddress;

    fn read(mut bytes: &[u8]) -> (Result<Option<SocketAddr>>, &[u8]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let said = runtime.block_on(client(&mut bytes));
        (said, bytes)
    }

    fn header(from: &str) -> Vec<u8> {
        let address = ProxiedAddress::stream(from.parse().unwrap(), from.parse().unwrap());
        let mut bytes = Vec::new();
        ProxyHeader::with_address(address).encode_v2(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_client_is_read_and_nothing_behind_it() {
        for from in ["203.0.113.7:4711", "[2001:db8::7]:4711"] {
            let mut bytes = header(from);
            bytes.extend_from_slice(b"GET / HTTP/1.1\r\n");
            let (said, left) = read(&bytes);
            assert_eq!(said.unwrap(), Some(from.parse().unwrap()));
            assert_eq!(left, b"GET / HTTP/1.1\r\n");
        }
        let mut local = Vec::new();
        ProxyHeader::with_local().encode_v2(&mut local).unwrap();
        assert_eq!(read(&local).0.unwrap(), None);
    }

    #[test]
    fn everything_else_is_refused() {
        let whole = header("203.0.113.7:4711");
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).0.is_err(), "{end}");
        }
        let mut long = whole.clone();
        long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        for bytes in [
            &b"PROXY TCP4 203.0.113.7 203.0.113.8 1 2\r\nGET / HTTP/1.1\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            &long,
        ] {
            assert!(read(bytes).0.is_err());
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), real in any::<bool>()) {
            let mut all = if real { header("203.0.113.7:4711")[..12].to_vec() } else { Vec::new() };
            all.extend(bytes);
            let _ = read(&all);
        }
    }
}
