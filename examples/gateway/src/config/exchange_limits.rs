//! `outbound.exchanges`: what exchanges of tokens may take of the providers' time and of our memory. An extension to
//! agentgateway's shape.

use std::time::Duration;

use mcp_auth_exchange::cache::{BreakerSettings, FailureLife};
use mcp_auth_tower::exchange::ExchangerBuilder;

use super::duration;
use super::error::{Fault, Position};
use super::fields::Fields;
use super::node::Node;
use super::warning::{Lints, WarningKind};

const MAX_CONCURRENT: usize = 10_000;
const MAX_WAITING: usize = 100_000;
const MAX_FAILURES: u32 = 1_000;
const MAX_SUBJECTS: u32 = 8;
const MIN_CACHE_BYTES: usize = 1024 * 1024;

/// Longer, and a provider that is well again, or a setting that was mended, would not be seen.
const MAX_MEMORY: Duration = Duration::from_secs(60 * 60);

/// What exchanges may take. Everything but the cache is for each provider, a host and a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangeLimits {
    /// Exchanges that ask one provider at once.
    concurrent: usize,
    /// Exchanges that wait for that.
    waiting: usize,
    /// How long each waits.
    wait: Duration,
    /// Time for one request.
    timeout: Duration,
    /// Time for a whole exchange.
    deadline: Duration,
    breaker: BreakerSettings,
    remember: FailureLife,
    cache_bytes: usize,
    /// Where it is written.
    at: Option<Position>,
}

impl Default for ExchangeLimits {
    fn default() -> Self {
        Self {
            concurrent: ExchangerBuilder::DEFAULT_CONCURRENT_EXCHANGES,
            waiting: ExchangerBuilder::DEFAULT_WAITING_EXCHANGES,
            wait: ExchangerBuilder::DEFAULT_WAIT_FOR_SLOT,
            timeout: ExchangerBuilder::DEFAULT_TIMEOUT,
            deadline: ExchangerBuilder::DEFAULT_DEADLINE,
            breaker: BreakerSettings::default(),
            remember: FailureLife::default(),
            cache_bytes: ExchangerBuilder::DEFAULT_TOKEN_BYTES,
            at: None,
        }
    }
}

impl ExchangeLimits {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let known =
            ["concurrent", "waiting", "wait", "timeout", "deadline", "breaker", "remember", "cacheBytes"];
        let mut fields = Fields::new(node, "outbound.exchanges", &known, &[])?;
        let mut limits = Self { at: Some(fields.at()), ..Self::default() };
        count(&mut fields, "concurrent", &mut limits.concurrent, MAX_CONCURRENT)?;
        count(&mut fields, "waiting", &mut limits.waiting, MAX_WAITING)?;
        let at = fields.at();
        let at = |place: Option<Position>| place.unwrap_or(at);
        let deadline_at = at(time(&mut fields, "deadline", &mut limits.deadline)?);
        at_most("deadline", deadline_at, limits.deadline, "", ExchangerBuilder::MAX_DEADLINE)?;
        // Whichever is written: the other may be the default.
        let timeout_at = time(&mut fields, "timeout", &mut limits.timeout)?.unwrap_or(deadline_at);
        at_most("timeout", timeout_at, limits.timeout, "`deadline`", limits.deadline)?;
        let wait_at = time(&mut fields, "wait", &mut limits.wait)?.unwrap_or(deadline_at);
        at_most("wait", wait_at, limits.wait, "`deadline`", limits.deadline)?;
        if let Some(node) = fields.take("breaker") {
            limits.breaker = breaker(node)?;
        }
        if let Some(node) = fields.take("remember") {
            limits.remember = remember(node)?;
        }
        if let Some(node) = fields.take("cacheBytes") {
            let place = node.at;
            limits.cache_bytes = node.count("cacheBytes")?;
            if limits.cache_bytes < MIN_CACHE_BYTES {
                let found = limits.cache_bytes;
                let message =
                    format!("`cacheBytes` must be at least {MIN_CACHE_BYTES} (1 MiB), found `{found}`");
                return Err(Fault::invalid(place, message));
            }
        }
        Ok(limits)
    }

    /// What is doubtful; `used` says whether any route exchanges tokens.
    pub(super) fn lint(&self, used: bool, lints: &mut Lints) {
        let Some(at) = self.at else { return };
        if !used {
            let message = "`outbound.exchanges` has no effect: no route exchanges tokens (`backendAuth`)";
            lints.add(WarningKind::Exchange, at, message);
        } else if self.wait.saturating_add(self.timeout) > self.deadline {
            let message = format!(
                "`wait` ({:?}) and `timeout` ({:?}) together are longer than `deadline` ({:?}): a request that \
                 waited has less time, and a provider that is in time may be counted as one that failed",
                self.wait, self.timeout, self.deadline
            );
            lints.add(WarningKind::Exchange, at, message);
        }
    }

    /// Tells the exchanger.
    pub(crate) fn apply(&self, builder: ExchangerBuilder) -> ExchangerBuilder {
        let Self { concurrent, waiting, wait, timeout, deadline, breaker, remember, cache_bytes, at: _ } =
            *self;
        builder
            .concurrent_exchanges(concurrent)
            .waiting_exchanges(waiting)
            .wait_for_slot(wait)
            .timeout(timeout)
            .deadline(deadline)
            .breaker(breaker)
            .failures(remember)
            .token_bytes(cache_bytes)
    }
}

fn breaker(node: Node) -> Result<BreakerSettings, Fault> {
    let mut fields = Fields::new(node, "breaker", &["failures", "subjects", "openFor", "openAtMost"], &[])?;
    let at = fields.at();
    let mut settings = BreakerSettings::default();
    for (field, value, most) in [
        ("failures", &mut settings.failures, MAX_FAILURES),
        ("subjects", &mut settings.subjects, MAX_SUBJECTS),
    ] {
        let mut number = *value as usize;
        count(&mut fields, field, &mut number, most as usize)?;
        *value = u32::try_from(number).unwrap_or(most);
    }
    let most_at = time(&mut fields, "openAtMost", &mut settings.open_at_most)?.unwrap_or(at);
    at_most("openAtMost", most_at, settings.open_at_most, "", MAX_MEMORY)?;
    let for_at = time(&mut fields, "openFor", &mut settings.open_for)?.unwrap_or(most_at);
    at_most("openFor", for_at, settings.open_for, "`openAtMost`", settings.open_at_most)?;
    Ok(settings)
}

fn remember(node: Node) -> Result<FailureLife, Fault> {
    let known = ["subjectRefused", "misconfigured", "transient", "transientAtMost", "userAction"];
    let mut fields = Fields::new(node, "remember", &known, &[])?;
    let at = fields.at();
    let mut life = FailureLife::default();
    for (field, value) in [
        ("subjectRefused", &mut life.subject_refused),
        ("misconfigured", &mut life.misconfigured),
        ("transientAtMost", &mut life.transient_at_most),
        ("userAction", &mut life.user_action),
    ] {
        let place = time(&mut fields, field, value)?.unwrap_or(at);
        at_most(field, place, *value, "", MAX_MEMORY)?;
    }
    let place = time(&mut fields, "transient", &mut life.transient)?.unwrap_or(at);
    at_most("transient", place, life.transient, "`transientAtMost`", life.transient_at_most)?;
    Ok(life)
}

/// Reads a number where it is written.
fn count(fields: &mut Fields, field: &str, value: &mut usize, most: usize) -> Result<(), Fault> {
    let Some(node) = fields.take(field) else { return Ok(()) };
    let at = node.at;
    *value = node.count(field)?;
    if *value > most {
        return Err(Fault::invalid(at, format!("`{field}` must be at most {most}, found `{value}`")));
    }
    Ok(())
}

/// Reads a time where it is written, and says where that is.
fn time(fields: &mut Fields, field: &str, value: &mut Duration) -> Result<Option<Position>, Fault> {
    let Some(node) = fields.take(field) else { return Ok(None) };
    let at = node.at;
    *value = duration::read_filled(node, field)?;
    Ok(Some(at))
}

/// Refuses what is longer than another field, or than may be.
fn at_most(field: &str, at: Position, value: Duration, other: &str, most: Duration) -> Result<(), Fault> {
    if value <= most {
        return Ok(());
    }
    let most = if other.is_empty() { format!("{most:?}") } else { format!("{other} ({most:?})") };
    Err(Fault::invalid(at, format!("`{field}` must be at most {most}, found `{value:?}`")))
}
