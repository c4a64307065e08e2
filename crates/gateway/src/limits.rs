//! Request rates: per member, per address, and tighter for who is not let in.

use crate::service::{Call, Gateway};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
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
    unknown: Option<Slow<Origin>>,
}

impl Limiters {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            member: rates.member.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            looks: rates.member.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            address: rates.address.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            unknown: rates.unknown.map(|most| {
                let most = i64::from(most.get()).min(60_000);
                Slow::new(most, 60_000_i64.checked_div(most).unwrap_or(1))
            }),
        }
    }

    pub(crate) fn member_may(&self, member: MemberId) -> bool {
        self.member.as_ref().is_none_or(|limiter| limiter.check_key(&member).is_ok())
    }

    /// May a member that is beyond its rate still ask how a known purchase stands?
    pub(crate) fn member_may_look(&self, member: MemberId) -> bool {
        self.looks.as_ref().is_none_or(|limiter| limiter.check_key(&member).is_ok())
    }

    /// May this address ask at all?
    pub(crate) fn address_may(&self, from: IpAddr, now: UtcMillis) -> bool {
        let origin = Origin::of(from);
        let unknown = self.unknown.as_ref().filter(|_| !from.is_loopback());
        if unknown.is_some_and(|slow| slow.check(&origin, origin, now).is_err()) {
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
        if let Some(unknown) = &self.unknown {
            unknown.right(&origin, origin);
        }
    }

    /// Somebody was not.
    pub(crate) fn not_let_in(&self, from: IpAddr, now: UtcMillis) {
        if let Some(unknown) = &self.unknown {
            unknown.wrong(&Origin::of(from), now);
        }
    }
}

impl Gateway {
    /// May whoever calls ask at all? Decided before anything is looked up.
    pub(crate) fn may_ask(&self, call: &Call) -> bool {
        self.0.limiters.address_may(call.from, call.received)
    }

    /// Whether wrong credentials of all kinds are answered alike.
    pub(crate) fn one_answer(&self) -> bool {
        self.0.settings.one_answer
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
                let may = limiters.address_may(from, at);
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
    fn who_was_let_in_is_free() {
        let limiters = limiters();
        limiters.let_in("203.0.113.7".parse().unwrap());
        assert_eq!(refused(&limiters, "203.0.113.7", NOW), 0);
    }
}
