//! Request rates: per member, per address, and tighter for who is not let in.

use crate::service::{Call, Gateway};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use net::Sender;
use std::net::IpAddr;
use std::num::NonZeroU32;
use throttle::{Origin, Slow};
use types::{MemberId, UtcMillis};

/// Requests per second or minute; `None` for no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Per second and authenticated member; bursts of one second's worth are fine.
    pub member: Option<NonZeroU32>,
    /// Per second and client address (IPv6: a /64), whoever asks, before anything is looked up.
    pub address: Option<NonZeroU32>,
    /// Per minute and client address, of requests that are not let in; bursts of one minute's worth
    /// are fine. An address from which somebody was let in is free of it, and so is this machine: an
    /// unnamed proxy on it is everybody.
    pub unknown: Option<NonZeroU32>,
}

/// Keys kept before idle ones are forgotten.
const KEYS_MOST: usize = 100_000;

pub(crate) struct Limiters {
    member: Option<DefaultKeyedRateLimiter<MemberId>>,
    /// Look-ups of a member beyond its rate: as many again.
    looks: Option<DefaultKeyedRateLimiter<MemberId>>,
    address: Option<DefaultKeyedRateLimiter<Origin>>,
    /// Who is not let in, and from where somebody was.
    origins: Slow<Origin>,
    /// Whether who is not let in is limited at all.
    limits_unknown: bool,
}

impl Limiters {
    pub(crate) fn new(rates: Rates) -> Self {
        let most = i64::from(rates.unknown.map_or(1, NonZeroU32::get)).min(60_000);
        Self {
            member: rates.member.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            looks: rates.member.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            address: rates.address.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            origins: Slow::new(most, 60_000_i64.checked_div(most).unwrap_or(1)),
            limits_unknown: rates.unknown.is_some(),
        }
    }

    pub(crate) fn member_may(&self, member: MemberId) -> bool {
        self.member.as_ref().is_none_or(|limiter| limiter.check_key(&member).is_ok())
    }

    /// May a member that is beyond its rate still ask how a known purchase stands?
    pub(crate) fn member_may_look(&self, member: MemberId) -> bool {
        self.looks.as_ref().is_none_or(|limiter| limiter.check_key(&member).is_ok())
    }

    /// May this address ask at all? `is_listed`: it says to be a member that lists this address.
    pub(crate) fn address_may(&self, from: IpAddr, is_listed: bool, now: UtcMillis) -> bool {
        let origin = Origin::of(from);
        let limited = self.limits_unknown && !from.is_loopback();
        if limited && !is_listed && self.origins.check(&origin, origin, now).is_err() {
            return false;
        }
        self.address.as_ref().is_none_or(|limiter| {
            if limiter.len() > KEYS_MOST {
                limiter.retain_recent();
            }
            limiter.check_key(&origin).is_ok()
        })
    }

    /// Somebody was let in from there.
    fn let_in(&self, from: IpAddr) {
        let origin = Origin::of(from);
        self.origins.right(&origin, origin);
    }

    /// Somebody was not.
    pub(crate) fn not_let_in(&self, from: IpAddr, now: UtcMillis) {
        if self.limits_unknown {
            self.origins.wrong(&Origin::of(from), now);
        }
    }
}

impl Gateway {
    /// May whoever calls ask at all? Decided before anything is looked up.
    pub(crate) fn may_ask(&self, call: &Call) -> bool {
        let catalog = self.0.handle.catalog();
        let named = call.named.as_ref().and_then(|code| catalog.member(code));
        let is_listed =
            named.is_some_and(|entry| !entry.ip_allow.is_empty() && entry.may_call_from(call.from));
        self.0.limiters.address_may(call.from, is_listed, call.received)
    }

    /// Who sends a body from there, before it is read.
    pub(crate) fn sender(&self, from: IpAddr) -> (Sender, IpAddr) {
        let origin = Origin::of(from);
        let is_known = self.0.limiters.origins.knows(&origin, origin);
        (if is_known { Sender::Program } else { Sender::Stranger }, from)
    }

    /// A member was let in.
    pub(crate) fn let_in(&self, call: &Call) {
        self.0.limiters.let_in(call.from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMillis = UtcMillis::new(1_000_000);

    fn limiters() -> Limiters {
        Limiters::new(Rates { unknown: NonZeroU32::new(60), ..Rates::default() })
    }

    fn refused(limiters: &Limiters, from: &str, at: UtcMillis) -> usize {
        let from: IpAddr = from.parse().unwrap();
        (0..100)
            .filter(|_| {
                let may = limiters.address_may(from, false, at);
                if may {
                    limiters.not_let_in(from, at);
                }
                !may
            })
            .count()
    }

    #[test]
    fn who_is_not_let_in_is_limited_by_network() {
        let limiters = limiters();
        assert_eq!(refused(&limiters, "203.0.113.7", NOW), 40);
        assert_eq!(refused(&limiters, "203.0.113.7", NOW.after(1_000)), 99);
        assert_eq!(refused(&limiters, "203.0.113.8", NOW), 40, "another address");
        assert_eq!(refused(&limiters, "2001:db8::1", NOW), 40);
        assert_eq!(refused(&limiters, "2001:db8::2", NOW), 100, "the same /64");
        assert_eq!(refused(&limiters, "127.0.0.1", NOW), 0, "a proxy may stand there");
    }

    #[test]
    fn who_is_on_its_member_s_list_is_free() {
        let (limiters, from) = (limiters(), "203.0.113.7".parse().unwrap());
        refused(&limiters, "203.0.113.7", NOW);
        assert!(!limiters.address_may(from, false, NOW) && limiters.address_may(from, true, NOW));
    }

    #[test]
    fn who_was_let_in_is_free() {
        let limiters = limiters();
        limiters.let_in("203.0.113.7".parse().unwrap());
        assert_eq!(refused(&limiters, "203.0.113.7", NOW), 0);
    }
}
