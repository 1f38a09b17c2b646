use std::sync::Arc;

use http::HeaderMap;
use mcp_auth_core::Principal;
use mcp_auth_core::UnixTime;
use mcp_auth_core::credential::TokenSource;
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{ValidationError, ValidationErrorKind, Validator};
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use tower_layer::Layer;

use super::Authenticate;
use crate::clock::{Clock, SystemClock};
use crate::keys::Keys;
use crate::rejection::{ChallengeContext, RejectionReason};

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

/// Puts [`Authenticate`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthenticateLayer {
    pub(super) shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    validator: Validator,
    keys: Vec<Keys>,
    pub(super) source: TokenSource,
    mode: Mode,
    pub(super) forward: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) challenge: Option<Arc<ChallengeContext>>,
}

impl AuthenticateLayer {
    /// A layer for the issuers of `validator`; `keys` are theirs, in the same order. `None` when their numbers
    /// differ.
    pub fn new(validator: Validator, keys: Vec<Keys>) -> Option<Self> {
        if validator.issuers().len() != keys.len() {
            return None;
        }
        let shared = Shared {
            validator,
            keys,
            source: TokenSource::default(),
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

    /// Where the token stands. Default: `Authorization: Bearer`.
    pub fn token_source(self, source: TokenSource) -> Self {
        self.with(|s| s.source = source)
    }

    /// Leaves the token in the request. MCP forbids to pass a client's token on to another server; this is
    /// for services that validate the same token again.
    pub fn forward_token(self) -> Self {
        self.with(|s| s.forward = true)
    }

    /// Names the resource's metadata and scopes in challenges (RFC 9728 §5.1).
    pub fn challenge(self, resource: ResourceIdentifier, scopes: Scopes) -> Self {
        self.with(|s| s.challenge = Some(Arc::new(ChallengeContext { resource, scopes })))
    }

    /// Replaces the clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|s| s.clock = clock)
    }

    /// The keys in the order of the issuers, for status pages.
    pub fn keys(&self) -> &[Keys] {
        &self.shared.keys
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate { inner, shared: self.shared.clone() }
    }
}

/// What the headers of a request say.
pub(super) enum Verdict {
    Pass(Option<Arc<Principal>>),
    Refuse(RejectionReason),
    /// Newer keys may help: the issuer's place in the list.
    Wait(usize),
}

impl Shared {
    /// Judges the headers with the keys that are there.
    pub(super) fn judge(&self, headers: &HeaderMap, now: UnixTime) -> Verdict {
        self.judge_with(headers, now, None)
    }

    /// Judges again after waiting for newer keys; no second wait.
    pub(super) async fn judge_after_wait(&self, headers: &HeaderMap, issuer: usize) -> Verdict {
        let newer = match self.keys.get(issuer) {
            Some(keys) => keys.newer(self.clock.now()).await,
            None => None,
        };
        self.judge_with(headers, self.clock.now(), Some(newer))
    }

    fn judge_with(&self, headers: &HeaderMap, now: UnixTime, waited: Option<Option<Arc<KeySet>>>) -> Verdict {
        let token = match self.source.extract(headers) {
            Ok(Some(token)) => token,
            Ok(None) => return self.absent(RejectionReason::MissingToken),
            Err(e) => return self.bad(RejectionReason::Credential(e)),
        };
        let parsed = match self.validator.parse(token) {
            Ok(parsed) => parsed,
            Err(e) => return self.bad(RejectionReason::InvalidToken(e)),
        };
        let issuer = parsed.issuer().index();
        let may_wait = waited.is_none();
        let keys = waited.unwrap_or_else(|| self.keys.get(issuer).and_then(|k| k.current(now)));
        let Some(keys) = keys else {
            // Whether the token is good cannot be known: neither 401 nor anonymous, in any mode.
            return if may_wait {
                Verdict::Wait(issuer)
            } else {
                Verdict::Refuse(RejectionReason::KeysUnavailable)
            };
        };
        match self.validator.verify(parsed, &keys, now) {
            Ok(principal) => Verdict::Pass(Some(Arc::new(principal))),
            Err(e) if may_wait && self.newer_keys_may_help(&e, issuer) => Verdict::Wait(issuer),
            Err(e) => self.bad(RejectionReason::InvalidToken(e)),
        }
    }

    fn newer_keys_may_help(&self, error: &ValidationError, issuer: usize) -> bool {
        matches!(error.kind(), ValidationErrorKind::UnknownKey { .. })
            && matches!(self.keys.get(issuer), Some(Keys::Remote(_)))
    }

    fn absent(&self, reason: RejectionReason) -> Verdict {
        match self.mode {
            Mode::Strict => Verdict::Refuse(reason),
            Mode::Optional | Mode::DangerPermissive => Verdict::Pass(None),
        }
    }

    fn bad(&self, reason: RejectionReason) -> Verdict {
        match self.mode {
            Mode::Strict | Mode::Optional => Verdict::Refuse(reason),
            Mode::DangerPermissive => Verdict::Pass(None),
        }
    }
}
