use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use mcp_auth_core::Principal;
use mcp_auth_core::credential::{ClaimHeaders, TokenSource, TokenSources};
use mcp_auth_core::dpop::ReplayStore;
use mcp_auth_core::jwt::{Revocations, TokenCache, Validator};
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use tower_layer::Layer;

use super::Authenticate;
use super::dpop::{DpopConfigError, DpopSettings};
use super::judge::{Admission, Head, Shared, Verdict};
use crate::clock::{Clock, SystemClock};
use crate::keys::{Keys, KeysStatus};
use crate::random;
use crate::rejection::{ChallengeContext, Rejection, RejectionReason};

/// What happens to requests without a good token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// A good token is needed.
    #[default]
    Strict,
    /// No token is allowed, a bad one is refused. Combine it with a policy.
    Optional,
    /// A bad token counts as none. Dangerous: a client never learns that its token is bad, and everything
    /// behind must cope with anonymous callers.
    DangerPermissive,
}

/// Bytes that remembered tokens may take where nothing else is said.
const TOKEN_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Puts [`Authenticate`] in front of a service.
///
/// Defaults: [`Mode::Strict`], `Authorization: Bearer`, the token is removed from the request, verified tokens
/// are remembered in at most 64 MiB.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthenticateLayer {
    pub(super) shared: Arc<Shared>,
}

/// A list of revoked tokens that can be replaced while requests are served. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RevocationList(Arc<ArcSwap<Revocations>>);

impl RevocationList {
    /// Replaces the list; requests that come after see the new one.
    pub fn replace(&self, revocations: Revocations) {
        self.0.store(Arc::new(revocations));
    }

    pub(super) fn load(&self) -> arc_swap::Guard<Arc<Revocations>> {
        self.0.load()
    }
}

impl AuthenticateLayer {
    /// A layer for the issuers of `validator`; `keys` are theirs, in the same order. `None` when their numbers
    /// differ.
    pub fn new(validator: Validator, keys: Vec<Keys>) -> Option<Self> {
        if validator.issuers().len() != keys.len() {
            return None;
        }
        let shared = Shared {
            sources: TokenSources::of_issuers(
                validator.issuers().iter().map(|i| &**i),
                &[TokenSource::default()],
            ),
            validator,
            keys,
            cache: Some(new_cache(TOKEN_CACHE_BYTES)),
            revocations: None,
            dpop: None,
            used_tokens: None,
            client_cert_header: false,
            claim_headers: ClaimHeaders::new(),
            mode: Mode::default(),
            forward: false,
            clock: Arc::new(SystemClock),
            challenge: None,
        };
        Some(Self { shared: Arc::new(shared) })
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }

    /// What happens without a good token. Default: [`Mode::Strict`].
    pub fn mode(self, mode: Mode) -> Self {
        self.with(|s| s.mode = mode)
    }

    /// Where tokens stand whose issuer does not say so itself
    /// ([`Issuer::token_source`](mcp_auth_core::jwt::Issuer::token_source)). Default: `Authorization: Bearer`.
    pub fn token_sources(self, sources: &[TokenSource]) -> Self {
        self.with(|s| {
            let first = s.sources.takes_first_of_several();
            s.sources = TokenSources::of_issuers(s.validator.issuers().iter().map(|i| &**i), sources);
            if first {
                s.sources = s.sources.clone().danger_first_of_several();
            }
            if s.dpop.is_some() {
                s.sources = s.sources.clone().accepting_dpop();
            }
        })
    }

    /// Takes the first token of a request with several; see [`TokenSources::danger_first_of_several`].
    pub fn danger_first_of_several_tokens(self) -> Self {
        self.with(|s| s.sources = s.sources.clone().danger_first_of_several())
    }

    /// Leaves the token in the request. MCP forbids to pass a client's token on to another server; this is
    /// for services that validate the same token again.
    pub fn forward_token(self) -> Self {
        self.with(|s| s.forward = true)
    }

    /// Sets headers from claims, and removes what clients send under their names. The mcp layer passes no trailers
    /// on; where this layer stands alone, a service that reads trailers calls
    /// [`ClaimHeaders::apply`] on them too.
    pub fn claim_headers(self, headers: ClaimHeaders) -> Self {
        self.with(|s| s.claim_headers = headers)
    }

    /// Remembers verified tokens in at most `max_bytes`; 0 remembers none.
    pub fn token_cache_bytes(self, max_bytes: usize) -> Self {
        self.with(|s| s.cache = (max_bytes > 0).then(|| new_cache(max_bytes)))
    }

    /// Refuses the tokens on a list, remembered ones too.
    pub fn revocations(self, list: RevocationList) -> Self {
        self.with(|s| s.revocations = Some(list))
    }

    /// Accepts, or requires, tokens that are bound to a key and come with a proof (RFC 9449); see [`super::dpop`].
    ///
    /// # Errors
    ///
    /// [`DpopConfigError`] when the settings do not go together with the layer's issuers.
    pub fn dpop(self, settings: DpopSettings) -> Result<Self, DpopConfigError> {
        let dpop = settings.build(&self.shared.validator)?.map(Arc::new);
        Ok(self.with(|s| {
            if dpop.is_some() {
                s.sources = s.sources.clone().accepting_dpop();
            }
            s.dpop = dpop;
        }))
    }

    /// Accepts each token once: its `jti` is remembered in at most `max_bytes`, 24 bytes for each, until it expires.
    /// Tokens without `jti` or `exp` are refused; when there is no room, all are, with 503. Other processes do not
    /// know what this one saw.
    pub fn single_use_tokens(self, max_bytes: usize) -> Self {
        self.with(|s| s.used_tokens = Some(Arc::new(ReplayStore::new(max_bytes, random::seed()))))
    }

    /// Takes the client's certificate, for tokens that are bound to one (RFC 8705 §3), from the header `Client-Cert`
    /// (RFC 9440) and no longer from the connection ([`PeerCertificate`](super::PeerCertificate)). Dangerous unless
    /// every request comes through a proxy that checks certificates and removes this header from what clients send.
    pub fn danger_client_cert_header(self) -> Self {
        self.with(|s| s.client_cert_header = true)
    }

    /// Names the resource's metadata and scopes in challenges (RFC 9728 §5.1).
    pub fn challenge(self, resource: ResourceIdentifier, scopes: Scopes) -> Self {
        self.with(|s| s.challenge = Some(Arc::new(ChallengeContext { resource, scopes })))
    }

    /// Replaces the clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|s| s.clock = clock)
    }

    /// Whose token this is: judged as a request would be that carries it in `Authorization: Bearer`, keys that have to
    /// be waited for included.
    ///
    /// # Errors
    ///
    /// The refusal that such a request would get; [`RejectionReason::MissingToken`] also where nobody is told apart.
    pub async fn validate(&self, token: &str) -> Result<Arc<Principal>, Rejection> {
        let shared = &self.shared;
        let missing = || Rejection::new(RejectionReason::MissingToken);
        let mut request = Request::new(());
        let value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| missing())?;
        request.headers_mut().insert(AUTHORIZATION, value);
        let mut verdict = shared.judge(Head::from(&request), shared.clock.now());
        if let Verdict::Wait(issuer) = verdict {
            verdict = shared.judge_after_wait(Head::from(&request), issuer).await;
        }
        match verdict {
            Verdict::Pass(Admission::Caller { principal, .. }) => Ok(principal),
            Verdict::Pass(_) => Err(missing()),
            Verdict::Refuse(rejection) => Err(rejection),
            Verdict::Wait(_) => Err(Rejection::new(RejectionReason::KeysUnavailable)),
        }
    }

    /// The keys in the order of the issuers, for status pages.
    pub fn keys(&self) -> &[Keys] {
        &self.shared.keys
    }

    /// What is known of each issuer's keys, for status pages: source, names, age, last error.
    pub fn status(&self) -> Vec<KeysStatus> {
        let issuers = self.shared.validator.issuers().iter();
        issuers.zip(&self.shared.keys).map(|(issuer, keys)| keys.status(issuer.name())).collect()
    }

    /// The remembered tokens, for status pages; `None` where none are.
    pub fn token_cache(&self) -> Option<&TokenCache> {
        self.shared.cache.as_deref()
    }
}

/// A cache whose hash nobody outside can predict: the seed comes from the system's randomness.
fn new_cache(max_bytes: usize) -> Arc<TokenCache> {
    Arc::new(TokenCache::new(max_bytes, RandomState::new().hash_one(max_bytes)))
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate { inner, shared: self.shared.clone() }
    }
}
