//! How long things are good for, what clients get, and who may register.

use std::sync::Arc;
use std::time::Duration;

use mcp_auth_core::crypto::Signer;
use mcp_auth_discovery::Secret;
use mcp_auth_discovery::registration::RedirectUriRules;

/// How long things are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// A login under way, from the form of consent to the callback. Default: 10 minutes.
    pub login: Duration,
    /// A code. Default: 60 seconds.
    pub code: Duration,
    /// A refresh token that is not used. Default: 30 days.
    pub refresh: Duration,
    /// All tokens that come of one login. Default: 90 days.
    pub session: Duration,
    /// A remembered consent, and the cookies. Default: 90 days.
    pub consent: Duration,
    /// How long parallel requests with one refresh token get the same answer. Default: 30 seconds.
    pub grace: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            login: Duration::from_secs(600),
            code: Duration::from_secs(60),
            refresh: days(30),
            session: days(90),
            consent: days(90),
            grace: Duration::from_secs(30),
        }
    }
}

/// What clients get as access token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AccessTokens {
    /// The provider's own.
    PassThrough,
    /// A JWT of ours (RFC 9068) that ends with the provider's.
    Own(OwnTokens),
}

/// Access tokens of our own.
#[derive(Clone, Debug)]
pub struct OwnTokens {
    pub(super) signer: Arc<dyn Signer>,
    pub(super) kid: String,
    pub(super) lifetime: Duration,
    pub(super) claims: Vec<String>,
}

impl OwnTokens {
    /// Signs with this key; `kid` names it in our key set. Tokens are good for at most 10 minutes.
    pub fn new(signer: Arc<dyn Signer>, kid: impl Into<String>) -> Self {
        Self { signer, kid: kid.into(), lifetime: Duration::from_secs(600), claims: Vec::new() }
    }

    /// Says how long a token is good for at most; never longer than the provider's.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Copies a claim of the provider's token, such as `groups`.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>) -> Self {
        self.claims.push(name.into());
        self
    }
}

/// Who may register, and for how long (RFC 7591, RFC 7592).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RegistrationRules {
    pub(super) redirect_uris: RedirectUriRules,
    pub(super) lifetime: Option<Duration>,
    managed: bool,
    pub(super) initial_access_token: Option<Secret>,
}

impl RegistrationRules {
    /// Says which redirect URIs are acceptable.
    pub fn redirect_uris(mut self, rules: RedirectUriRules) -> Self {
        self.redirect_uris = rules;
        self
    }

    /// Ends registrations after this time. Default: never, since there is nothing to clean up.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Lets clients change and end their registration (RFC 7592). What they changed is kept in the store until the
    /// registration ends, which is why it has to.
    pub fn managed(mut self, lifetime: Duration) -> Self {
        (self.managed, self.lifetime) = (true, Some(lifetime));
        self
    }

    /// Only registers clients that bring this token (RFC 7591 §3).
    pub fn initial_access_token(mut self, token: Secret) -> Self {
        self.initial_access_token = Some(token);
        self
    }

    pub(super) fn is_managed(&self) -> bool {
        self.managed
    }
}
