//! Request rates, per member and per address; off unless configured.

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;
use types::MemberId;

/// Requests per second; `None` for no limit. Bursts of one second's worth are fine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Per authenticated member.
    pub member: Option<NonZeroU32>,
    /// Per client address, before authentication.
    pub address: Option<NonZeroU32>,
}

/// Keys kept before idle ones are forgotten.
const KEYS_MOST: usize = 100_000;

pub(crate) struct Limiters {
    member: Option<DefaultKeyedRateLimiter<MemberId>>,
    /// Look-ups of a member beyond its rate: as many again.
    looks: Option<DefaultKeyedRateLimiter<MemberId>>,
    address: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Limiters {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            member: rates.member.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            looks: rates.member.map(|most| RateLimiter::keyed(Quota::per_second(most))),
            address: rates.address.map(|most| RateLimiter::keyed(Quota::per_second(most))),
        }
    }

    pub(crate) fn member_may(&self, member: MemberId) -> bool {
        self.member.as_ref().is_none_or(|limiter| limiter.check_key(&member).is_ok())
    }

    /// May a member that is beyond its rate still ask how a known purchase stands?
    pub(crate) fn member_may_look(&self, member: MemberId) -> bool {
        self.looks.as_ref().is_none_or(|limiter| limiter.check_key(&member).is_ok())
    }

    pub(crate) fn address_may(&self, address: IpAddr) -> bool {
        self.address.as_ref().is_none_or(|limiter| {
            if limiter.len() > KEYS_MOST {
                limiter.retain_recent();
            }
            limiter.check_key(&address).is_ok()
        })
    }
}
