//! What all exchanges of a process share.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_auth_exchange::cache::{BreakerSettings, CacheKey, CircuitState, ExchangeDesk, FailureLife};
use mcp_auth_exchange::dpop::NonceMemory;
use mcp_auth_exchange::plan::{ActorToken, ExchangePlan, Subject};

use super::SharedTokens;
use super::flight::Waiter;
use super::slots::{SlotLimits, Slots};
use super::workload::WorkloadTokens;
use crate::client::{Fetch, FetchError, HttpClient};
use crate::clock::{Clock, SystemClock};

/// Issued tokens, exchanges under way, circuits, nonces and the HTTP client: what all exchange layers of a process
/// share. Clones are the same one.
///
/// Two layers with different plans never see each other's tokens; what they share is memory, and what is known of a
/// provider that is down.
#[derive(Clone)]
pub struct Exchanger(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) desk: ExchangeDesk<Waiter>,
    /// The endpoints of which the log said last that they are left alone.
    pub(super) left_alone: Mutex<HashSet<String>>,
    pub(super) nonces: NonceMemory,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) certificates: HashMap<Arc<str>, Arc<dyn Fetch>>,
    pub(super) workload: WorkloadTokens,
    pub(super) shared: Option<Arc<dyn SharedTokens>>,
    pub(super) shared_timeout: Duration,
    pub(super) slots: Slots,
    pub(super) timeout: Duration,
    pub(super) deadline: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// Builds an [`Exchanger`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ExchangerBuilder {
    fetch: Option<Arc<dyn Fetch>>,
    certificates: HashMap<Arc<str>, Arc<dyn Fetch>>,
    workload: WorkloadTokens,
    shared: Option<Arc<dyn SharedTokens>>,
    shared_timeout: Duration,
    max_bytes: usize,
    slots: SlotLimits,
    failures: FailureLife,
    breaker: BreakerSettings,
    timeout: Duration,
    deadline: Duration,
    clock: Option<Arc<dyn Clock>>,
}

/// Whose token is wanted, and how it is got.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) plan: Arc<ExchangePlan>,
    pub(super) subject: Subject,
    pub(super) actor: Option<ActorToken>,
    pub(super) key: CacheKey,
    /// Files of the layer's own.
    pub(super) workload: Arc<WorkloadTokens>,
}

impl Exchanger {
    /// With the defaults that [`ExchangerBuilder`] names.
    pub fn builder() -> ExchangerBuilder {
        ExchangerBuilder {
            fetch: None,
            certificates: HashMap::new(),
            workload: WorkloadTokens::default(),
            shared: None,
            shared_timeout: Duration::from_secs(1),
            max_bytes: ExchangerBuilder::DEFAULT_TOKEN_BYTES,
            slots: SlotLimits {
                concurrent: ExchangerBuilder::DEFAULT_CONCURRENT_EXCHANGES,
                waiting: ExchangerBuilder::DEFAULT_WAITING_EXCHANGES,
                wait: ExchangerBuilder::DEFAULT_WAIT_FOR_SLOT,
            },
            failures: FailureLife::default(),
            breaker: BreakerSettings::default(),
            timeout: ExchangerBuilder::DEFAULT_TIMEOUT,
            deadline: ExchangerBuilder::DEFAULT_DEADLINE,
            clock: None,
        }
    }

    /// The circuits of all token endpoints that were asked, for status pages.
    pub fn circuits(&self) -> Vec<(String, CircuitState)> {
        self.0.desk.circuits()
    }

    /// Number of issued tokens that are kept.
    pub fn tokens(&self) -> usize {
        self.0.desk.tokens().len()
    }

    /// Number of exchanges under way, those that wait for a slot among them.
    pub fn under_way(&self) -> usize {
        self.0.desk.under_way()
    }
}

impl ExchangerBuilder {
    /// The longest [`deadline`](Self::deadline): 50 seconds. After a minute another request begins anew.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(50);

    /// Default of [`token_bytes`](Self::token_bytes): 64 MiB.
    pub const DEFAULT_TOKEN_BYTES: usize = 64 * 1024 * 1024;

    /// Default of [`concurrent_exchanges`](Self::concurrent_exchanges): 256.
    pub const DEFAULT_CONCURRENT_EXCHANGES: usize = 256;

    /// Default of [`waiting_exchanges`](Self::waiting_exchanges): 1024.
    pub const DEFAULT_WAITING_EXCHANGES: usize = 1024;

    /// Default of [`wait_for_slot`](Self::wait_for_slot): 2 seconds.
    pub const DEFAULT_WAIT_FOR_SLOT: Duration = Duration::from_secs(2);

    /// Default of [`timeout`](Self::timeout): 5 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// Default of [`deadline`](Self::deadline): 15 seconds.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(15);

    /// What carries the requests. Default: an [`HttpClient`].
    pub fn client(mut self, client: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(client);
        self
    }

    /// The client whose connections have this certificate, for
    /// [`ClientCredential::tls_client_auth`](mcp_auth_exchange::ClientCredential::tls_client_auth).
    pub fn certificate(mut self, name: impl Into<Arc<str>>, client: Arc<dyn Fetch>) -> Self {
        self.certificates.insert(name.into(), client);
        self
    }

    /// Where this workload's own token is, for a client with
    /// [`ClientCredential::workload_identity`](mcp_auth_exchange::ClientCredential::workload_identity). The file is
    /// read for each exchange, so that a token that was replaced is used from then on. A layer can have another file for
    /// the same client ([`ExchangeSettings::workload_token_file`](super::ExchangeSettings::workload_token_file)).
    pub fn workload_token_file(mut self, client_id: &str, path: impl Into<PathBuf>) -> Self {
        self.workload.insert(client_id, path.into());
        self
    }

    /// Where several replicas share issued tokens. Default: nowhere.
    pub fn shared_tokens(mut self, store: Arc<dyn SharedTokens>) -> Self {
        self.shared = Some(store);
        self
    }

    /// Time for one call to that store; a slower one costs an exchange. Default: 1 second.
    pub fn shared_timeout(mut self, timeout: Duration) -> Self {
        self.shared_timeout = timeout;
        self
    }

    /// Keeps issued tokens in at most `max_bytes`. Default: 64 MiB.
    pub fn token_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Asks one provider for at most so many exchanges at once, at least 1. A provider is a host and a port: two token
    /// endpoints there share these slots, and a slow one takes none of another's. Default: 256.
    pub fn concurrent_exchanges(mut self, exchanges: usize) -> Self {
        self.slots.concurrent = exchanges.max(1);
        self
    }

    /// Lets at most so many exchanges wait for a slot at one provider; who comes then is told to come again at once
    /// (503, [`ExchangeRefusal::Overloaded`](super::ExchangeRefusal::Overloaded)). Requests of one user for one token
    /// wait together and count once. Default: 1024.
    ///
    /// Memory for exchanges under way is bounded by this and
    /// [`concurrent_exchanges`](Self::concurrent_exchanges), some kilobytes each, for each provider of the plans.
    pub fn waiting_exchanges(mut self, exchanges: usize) -> Self {
        self.slots.waiting = exchanges;
        self
    }

    /// Time to wait for a slot, for each step and within [`deadline`](Self::deadline); who has none then is told to come
    /// again (503). Zero: nobody waits. Default: 2 seconds.
    pub fn wait_for_slot(mut self, wait: Duration) -> Self {
        self.slots.wait = wait;
        self
    }

    /// How long failures are remembered. Default: as [`FailureLife`] says.
    pub fn failures(mut self, life: FailureLife) -> Self {
        self.failures = life;
        self
    }

    /// When a token endpoint that is down is left alone. Default: as [`BreakerSettings`] says.
    pub fn breaker(mut self, settings: BreakerSettings) -> Self {
        self.breaker = settings;
        self
    }

    /// Time for one request to a token endpoint; never beyond [`deadline`](Self::deadline). Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Time for a whole exchange, with all its steps and tries, and what it waits for before. Default: 15 seconds, and
    /// never over [`MAX_DEADLINE`](Self::MAX_DEADLINE).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(Self::MAX_DEADLINE);
        self
    }

    /// Replaces the clock. In [`McpAuth`](crate::McpAuth) the default is that of the pipeline.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Builds it. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`FetchError::Tls`] when there is no client and the default one cannot be made.
    pub fn build(self) -> Result<Exchanger, FetchError> {
        let fetch = match self.fetch {
            Some(fetch) => fetch,
            None => Arc::new(HttpClient::new()?),
        };
        // A table whose places nobody outside can predict.
        let seed = RandomState::new().hash_one(self.max_bytes);
        Ok(Exchanger(Arc::new(Inner {
            desk: ExchangeDesk::with(self.max_bytes, seed, self.failures, self.breaker),
            left_alone: Mutex::default(),
            nonces: NonceMemory::default(),
            fetch,
            certificates: self.certificates,
            workload: self.workload,
            shared: self.shared,
            shared_timeout: self.shared_timeout,
            slots: Slots::new(self.slots),
            timeout: self.timeout,
            deadline: self.deadline,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
        })))
    }
}

/// What is under way and what is kept are tokens.
impl fmt::Debug for Exchanger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanger").field("desk", &self.0.desk).finish_non_exhaustive()
    }
}
