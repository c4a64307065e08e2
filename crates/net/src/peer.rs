//! Who is calling: the socket's address, or the one a trusted proxy vouches for.

use ipnet::IpNet;
use std::net::IpAddr;

/// The client's address: walks `X-Forwarded-For` from the right while the hop is a trusted proxy.
/// Without trusted proxies the header counts for nothing.
#[must_use]
pub fn client_address(socket: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut client = socket.to_canonical();
    let hops: Vec<&str> = forwarded.iter().flat_map(|line| line.split(',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        let Ok(next) = hop.trim().parse::<IpAddr>() else { break };
        client = next.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_hops_are_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let who = |socket: &str, forwarded: &[&str], trusted: &[IpNet]| {
            client_address(socket.parse().unwrap(), forwarded, trusted).to_string()
        };
        assert_eq!(who("203.0.113.1", &["8.8.8.8"], &trusted), "203.0.113.1");
        assert_eq!(who("10.0.0.1", &["8.8.8.8"], &[]), "10.0.0.1");
        assert_eq!(who("10.0.0.1", &["1.1.1.1, 8.8.8.8"], &trusted), "8.8.8.8");
        assert_eq!(who("10.0.0.1", &["1.1.1.1", "8.8.8.8, 10.0.0.2"], &trusted), "8.8.8.8");
        assert_eq!(who("10.0.0.1", &["nonsense"], &trusted), "10.0.0.1");
        assert_eq!(who("::ffff:203.0.113.1", &[], &trusted), "203.0.113.1");
    }
}
