//! How many exchanges may be under way at one provider, and who waits for that.
//!
//! Slots belong to a host and its port, so that a slow provider takes its own and nobody else's. A plan of several
//! steps has a place at one provider at a time: it leaves the first before it enters the second. Nobody who holds a
//! place waits for another one, so that no two plans can wait for each other.
//!
//! There is no bound over all providers: it would be what one slow provider fills for the others. Memory is bounded
//! all the same, since providers come from configuration, and each has a number of places.

use std::collections::HashMap;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_exchange::plan::Step;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

#[cfg(test)]
mod tests;

/// Providers of which nobody wants anything are forgotten when there are so many.
const REMEMBERED: usize = 256;

/// One line about refusals at a provider in this time.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Bounds of one provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotLimits {
    /// Exchanges that ask it at once.
    pub(super) concurrent: usize,
    /// Exchanges that wait for that.
    pub(super) waiting: usize,
    /// How long each waits.
    pub(super) wait: Duration,
}

/// The slots of all providers.
pub(super) struct Slots {
    limits: SlotLimits,
    providers: Mutex<HashMap<Box<str>, Arc<Provider>>>,
}

struct Provider {
    /// Host and port.
    name: Box<str>,
    /// For those who ask and those who wait.
    places: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    refusals: Mutex<Refusals>,
}

/// What the log has not said yet.
#[derive(Default)]
struct Refusals {
    count: u64,
    silent_until: Option<UnixTime>,
}

/// An exchange's place at a provider. Dropping it gives it back.
pub(super) struct Place {
    provider: Arc<Provider>,
    limits: SlotLimits,
    slot: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

/// What came of waiting for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It was free.
    AtOnce,
    /// Somebody gave his back.
    AfterOthers,
    /// None was free in time.
    Never,
    /// Nobody wants the token any more.
    Deserted,
}

/// The provider of a step: host and port of its endpoint.
pub(super) fn provider_of(step: Option<&Step>) -> String {
    let Some(uri) = step.map(|step| step.endpoint().uri()) else { return String::new() };
    let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual))
}

impl Slots {
    pub(super) fn new(limits: SlotLimits) -> Self {
        Self { limits, providers: Mutex::default() }
    }

    /// A place at a provider, without waiting; `None` where all are taken.
    pub(super) fn enter(&self, name: &str, now: UnixTime) -> Option<Place> {
        let provider = self.provider(name);
        match provider.places.clone().try_acquire_owned() {
            Ok(place) => Some(Place { provider, limits: self.limits, slot: None, _place: place }),
            Err(_) => {
                provider.refused(&self.limits, now);
                None
            }
        }
    }

    fn provider(&self, name: &str) -> Arc<Provider> {
        let mut providers = lock(&self.providers);
        if let Some(provider) = providers.get(name) {
            return provider.clone();
        }
        if providers.len() >= REMEMBERED {
            // Where nobody has a place, a new entry is as good as the old one.
            providers.retain(|_, provider| Arc::strong_count(provider) > 1);
        }
        let provider = Arc::new(Provider {
            name: name.into(),
            places: semaphore(self.limits.concurrent.saturating_add(self.limits.waiting)),
            slots: semaphore(self.limits.concurrent),
            refusals: Mutex::default(),
        });
        providers.insert(name.into(), provider.clone());
        provider
    }
}

impl Place {
    /// Whether this is a place at that provider.
    pub(super) fn is_at(&self, name: &str) -> bool {
        *self.provider.name == *name
    }

    /// Waits for a slot, which the place keeps until it is dropped: in the order of coming, until `deadline` at the
    /// latest, and for as long as somebody has subscribed to `wanted`.
    pub(super) async fn take_slot(
        &mut self,
        deadline: Instant,
        wanted: &watch::Sender<()>,
        now: impl FnOnce() -> UnixTime,
    ) -> Turn {
        if self.slot.is_some() {
            return Turn::AtOnce;
        }
        if let Ok(slot) = self.provider.slots.clone().try_acquire_owned() {
            self.slot = Some(slot);
            return Turn::AtOnce;
        }
        let until = deadline.min(Instant::now() + self.limits.wait);
        let turn = {
            let mut slot = pin!(timeout_at(until, self.provider.slots.clone().acquire_owned()));
            let mut deserted = pin!(wanted.closed());
            poll_fn(|cx| match slot.as_mut().poll(cx) {
                Poll::Ready(Ok(slot)) => Poll::Ready(Ok(slot.ok())),
                Poll::Ready(Err(_)) => Poll::Ready(Ok(None)),
                Poll::Pending => deserted.as_mut().poll(cx).map(Err),
            })
            .await
        };
        match turn {
            // One that comes at the end would send a request that nobody waits for.
            Ok(Some(slot)) if Instant::now() < deadline => {
                self.slot = Some(slot);
                Turn::AfterOthers
            }
            Ok(_) => {
                self.provider.refused(&self.limits, now());
                Turn::Never
            }
            Err(()) => Turn::Deserted,
        }
    }
}

impl Provider {
    /// Tells the operator, at most once in a while: there is a refusal for each request.
    fn refused(&self, limits: &SlotLimits, now: UnixTime) {
        let mut refusals = lock(&self.refusals);
        refusals.count = refusals.count.saturating_add(1);
        if refusals.silent_until.is_some_and(|until| now < until) {
            return;
        }
        let refused = std::mem::take(&mut refusals.count);
        refusals.silent_until = Some(now.plus(LOG_PAUSE));
        drop(refusals);
        let SlotLimits { concurrent, waiting, .. } = limits;
        tracing::warn!(
            target: "mcp_auth", endpoint = &*self.name, refused, concurrent, waiting,
            "exchanges are refused: this token endpoint is slow, and as many as may are under way or wait"
        );
    }
}

fn semaphore(permits: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS)))
}

/// A panic elsewhere leaves tables that are whole: each change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
