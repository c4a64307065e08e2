//! Seats at a listener: so many in all, so many for one address. One host must not hold all of them.

use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Who shares a count: an address, and of IPv6 the network of a subscriber, who has a whole /64.
pub(crate) fn neighbours(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Seats by address. Holds no more entries than there are connections.
pub(crate) struct Seats {
    most: usize,
    exempt: Vec<IpNet>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A seat of an address, given back when dropped.
pub(crate) struct Seat {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    of: Option<IpAddr>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(of) = self.of else { return };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&of) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&of);
            }
        }
    }
}

impl Seats {
    pub(crate) fn new(most: usize, exempt: Vec<IpNet>) -> Self {
        Self { most, exempt, taken: Arc::default() }
    }

    /// A seat; nothing when this address has as many as it may.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Seat> {
        let address = address.to_canonical();
        if self.exempt.iter().any(|net| net.contains(&address)) {
            return Some(Seat { taken: self.taken.clone(), of: None });
        }
        let of = neighbours(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_default();
        // An entry has at least one seat, so none is left behind here.
        if *count >= self.most.max(1) {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Seat { taken: self.taken.clone(), of: Some(of) })
    }
}

/// Says something that happens often once a minute, with how often it did.
#[derive(Default)]
pub(crate) struct Hush {
    said: Option<Instant>,
    times: u64,
}

impl Hush {
    /// How often it happened since it was last said, when it is time to say it.
    pub(crate) fn say(&mut self) -> Option<u64> {
        self.times = self.times.saturating_add(1);
        let quiet = self.said.is_some_and(|said| said.elapsed() < Duration::from_secs(60));
        if quiet {
            return None;
        }
        self.said = Some(Instant::now());
        Some(std::mem::take(&mut self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_seats_and_gives_them_back() {
        let seats = Seats::new(2, vec!["127.0.0.0/8".parse().unwrap()]);
        let at = |text: &str| seats.take(text.parse().unwrap());
        let (one, two) = (at("203.0.113.1"), at("::ffff:203.0.113.1"));
        assert!(one.is_some() && two.is_some() && at("203.0.113.1").is_none());
        assert!(at("203.0.113.2").is_some());
        // A subscriber of IPv6 has a /64.
        let three = [at("2001:db8:0:1::1"), at("2001:db8:0:1:ffff::2")];
        assert!(three.iter().all(Option::is_some) && at("2001:db8:0:1::3").is_none());
        assert!(at("2001:db8:0:2::1").is_some());
        // Who is exempt is not counted.
        let exempt: Vec<_> = (0..5).map(|_| at("127.0.0.1")).collect();
        assert!(exempt.iter().all(Option::is_some));
        drop(one);
        assert!(at("203.0.113.1").is_some());
        drop((two, three, exempt));
        assert!(seats.taken.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_often_is_said_once_a_minute() {
        let mut hush = Hush::default();
        assert_eq!((hush.say(), hush.say(), hush.say()), (Some(1), None, None));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!((hush.say(), hush.say()), (Some(3), None));
    }
}
