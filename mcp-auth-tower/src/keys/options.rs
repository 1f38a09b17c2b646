use std::sync::Arc;
use std::time::Duration;

use mcp_auth_core::crypto::{AwsLc, CryptoProvider};
use mcp_auth_core::jwk::KeyLife;

use crate::client::{Fetch, FetchError, HttpClient};
use crate::clock::{Clock, SystemClock};

/// How keys are fetched and how long they live. The defaults are those of the [module page](super).
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_tower::McpAuth;
/// use mcp_auth_tower::keys::{KeyLife, KeyOptions};
///
/// let auth = McpAuth::builder("https://mcp.example/mcp")?
///     .issuer("https://idp.example", "https://idp.example/jwks.json")?
///     .key_options(KeyOptions::new().life(KeyLife::default().usable_for(Duration::from_secs(3600))))
///     .build()?;
/// # Ok::<(), mcp_auth_tower::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct KeyOptions {
    pub(super) life: KeyLife,
    pub(super) timeout: Duration,
    pub(super) allow_http: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) provider: Arc<dyn CryptoProvider>,
    client: Option<Arc<dyn Fetch>>,
}

impl Default for KeyOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            life: KeyLife::default(),
            timeout: Duration::from_secs(5),
            allow_http: false,
            clock: Arc::new(SystemClock),
            provider: Arc::new(AwsLc::new()),
            client: None,
        }
    }

    /// How long fetched keys are used and how often they are fetched. Files have a life of their own.
    pub fn life(mut self, life: KeyLife) -> Self {
        self.life = life;
        self
    }

    /// Time for a whole fetch, and longest that a request waits for one. Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What carries the requests. Default: one [`HttpClient`] for all.
    pub fn client(mut self, client: Arc<dyn Fetch>) -> Self {
        self.client = Some(client);
        self
    }

    /// Takes key sets over plain http from other machines than this one: whoever is on the way can replace the
    /// keys that tokens are checked with. For a closed network, such as a cluster's own.
    pub fn danger_allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What checks signatures. Default: aws-lc.
    pub fn provider(mut self, provider: Arc<dyn CryptoProvider>) -> Self {
        self.provider = provider;
        self
    }

    /// Makes the default client where there is none, to be shared by whoever gets these options.
    pub(crate) fn with_client(self) -> Result<Self, FetchError> {
        match self.client {
            Some(_) => Ok(self),
            None => Ok(self.client(Arc::new(HttpClient::new()?))),
        }
    }

    pub(crate) fn make_client(&self) -> Result<Arc<dyn Fetch>, FetchError> {
        match &self.client {
            Some(client) => Ok(client.clone()),
            None => Ok(Arc::new(HttpClient::new()?)),
        }
    }
}
