//! How often one address may ask.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Extensions, Method};
use mcp_auth_core::UnixTime;
use mcp_auth_discovery::facade::FacadeEndpoint;

use crate::extension::Connection;

/// How often one address may ask: so many requests at once, then one per interval.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_tower::facade::Rate;
///
/// let rate = Rate::new(20, Duration::from_secs(30));
/// assert_ne!(rate, Rate::unlimited());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    burst: u32,
    /// In milliseconds; 0 for no limit.
    interval: u64,
}

/// What one address may do. It is that of the [`Connection`] in the request's extensions: behind a proxy the server has
/// to put the client's address there. Requests without one count together. IPv6 addresses count by their /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FacadeLimits {
    /// Registrations and their management. Default: 120, then one per 2 seconds.
    pub registrations: Rate,
    /// Steps of logins: authorization requests, forms and callbacks, of which a login has three. Default: 600, then ten
    /// per second, which is enough for a company behind one address.
    pub logins: Rate,
}

impl Default for FacadeLimits {
    fn default() -> Self {
        Self {
            registrations: Rate::new(120, Duration::from_secs(2)),
            logins: Rate::new(600, Duration::from_millis(100)),
        }
    }
}

impl Rate {
    /// `burst` requests, at least one, and then one per `interval`, which counts in milliseconds.
    pub fn new(burst: u32, interval: Duration) -> Self {
        let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).clamp(1, 3600 * 1000);
        Self { burst: burst.max(1), interval }
    }

    /// As often as it likes.
    pub fn unlimited() -> Self {
        Self { burst: 1, interval: 0 }
    }
}

/// Buckets by address: a table of fixed size, in which addresses that nobody outside can predict share one.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: FacadeLimits,
    registrations: Table,
    logins: Table,
}

#[derive(Debug)]
struct Table {
    /// When the bucket is full again, in milliseconds.
    full_at: Box<[AtomicU64]>,
    hasher: RandomState,
}

const SLOTS: usize = 16 * 1024;

impl Limiter {
    pub(super) fn new(limits: FacadeLimits) -> Self {
        Self { limits, registrations: Table::new(), logins: Table::new() }
    }

    /// Whether this request may go on; else when it may come again.
    pub(super) fn admit(
        &self,
        endpoint: FacadeEndpoint,
        method: &Method,
        extensions: &Extensions,
        now: UnixTime,
    ) -> Result<(), Duration> {
        let (table, rate) = match endpoint {
            _ if *method == Method::OPTIONS => return Ok(()),
            FacadeEndpoint::Register => (&self.registrations, self.limits.registrations),
            FacadeEndpoint::Authorize | FacadeEndpoint::Callback => (&self.logins, self.limits.logins),
            _ => return Ok(()),
        };
        let address = extensions.get::<Connection>().map(|connection| network(connection.peer().ip()));
        table.take(address, rate, now)
    }
}

/// Who has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // Only the upper half, in which no IPv4 address can be.
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
    }
}

impl Table {
    fn new() -> Self {
        Self { full_at: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(), hasher: RandomState::new() }
    }

    fn take(&self, address: Option<u64>, rate: Rate, now: UnixTime) -> Result<(), Duration> {
        if rate.interval == 0 {
            return Ok(());
        }
        let slots = u64::try_from(self.full_at.len()).unwrap_or(1).max(1);
        let at = usize::try_from(self.hasher.hash_one(address) % slots).unwrap_or(0);
        let Some(slot) = self.full_at.get(at) else { return Ok(()) };
        let now = now.as_secs().saturating_mul(1000);
        let capacity = rate.interval.saturating_mul(u64::from(rate.burst));
        let mut wait = 0;
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            // Never further away than from an empty bucket: the clock may have been set back.
            let full_at = full_at.clamp(now, now.saturating_add(capacity));
            let next = full_at.saturating_add(rate.interval);
            wait = next.saturating_sub(now.saturating_add(capacity));
            Some(if wait == 0 { next } else { full_at })
        });
        if wait == 0 { Ok(()) } else { Err(Duration::from_millis(wait)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(table: &Table, address: &str, now: u64) -> Result<(), Duration> {
        let rate = Rate::new(2, Duration::from_secs(10));
        let address = network(address.parse().unwrap());
        table.take(Some(address), rate, UnixTime::from_secs(now))
    }

    #[test]
    fn an_address_may_ask_in_bursts_and_then_at_its_rate() {
        let table = Table::new();
        assert_eq!([taken(&table, "192.0.2.1", 100), taken(&table, "192.0.2.1", 100)], [Ok(()), Ok(())]);
        assert_eq!(taken(&table, "192.0.2.1", 100), Err(Duration::from_secs(10)));
        assert_eq!(taken(&table, "192.0.2.1", 104), Err(Duration::from_secs(6)));
        assert_eq!(taken(&table, "::ffff:192.0.2.1", 104), Err(Duration::from_secs(6)), "the same address");
        assert_eq!(taken(&table, "192.0.2.1", 110), Ok(()));
        assert_eq!(taken(&table, "192.0.2.1", 110), Err(Duration::from_secs(10)), "a refusal costs nothing");
        assert_eq!(taken(&table, "192.0.2.1", 1000), Ok(()));
        // The clock was set back.
        assert_eq!(taken(&table, "192.0.2.1", 500), Err(Duration::from_secs(10)));
        assert_eq!(taken(&table, "192.0.2.1", 510), Ok(()));
    }

    #[test]
    fn addresses_count_by_network_and_without_one_together() {
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::ffff:2".parse().unwrap()));
        assert_ne!(network("2001:db8:0:1::1".parse().unwrap()), network("2001:db8::1".parse().unwrap()));
        let limiter = Limiter::new(FacadeLimits {
            registrations: Rate::new(1, Duration::from_secs(10)),
            logins: Rate::unlimited(),
        });
        let ask = |endpoint, method| {
            limiter.admit(endpoint, &method, &Extensions::new(), UnixTime::from_secs(100)).is_ok()
        };
        assert!(ask(FacadeEndpoint::Register, Method::OPTIONS), "a preflight is no request");
        assert!(ask(FacadeEndpoint::Register, Method::POST));
        assert!(!ask(FacadeEndpoint::Register, Method::POST));
        for _ in 0..1000 {
            assert!(ask(FacadeEndpoint::Authorize, Method::GET) && ask(FacadeEndpoint::Token, Method::POST));
        }
    }
}
