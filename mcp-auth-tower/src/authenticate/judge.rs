//! From a request's head to a verdict.

use std::sync::Arc;

use http::{HeaderMap, Request, Uri, request};
use mcp_auth_core::credential::{ClaimHeaders, Credential, TokenSources};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Checks, TokenCache, ValidationError, ValidationErrorKind, Validator};
use mcp_auth_core::{Principal, UnixTime};

use super::layer::{Mode, RevocationList};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::rejection::{ChallengeContext, RejectionReason};

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) validator: Validator,
    pub(super) keys: Vec<Keys>,
    pub(super) sources: TokenSources,
    pub(super) cache: Option<Arc<TokenCache>>,
    pub(super) revocations: Option<RevocationList>,
    pub(super) claim_headers: ClaimHeaders,
    pub(super) mode: Mode,
    pub(super) forward: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) challenge: Option<Arc<ChallengeContext>>,
}

/// What is read of a request before its body.
#[derive(Clone, Copy)]
pub(super) struct Head<'r> {
    uri: &'r Uri,
    headers: &'r HeaderMap,
}

impl<'r, B> From<&'r Request<B>> for Head<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self { uri: request.uri(), headers: request.headers() }
    }
}

impl<'r> From<&'r request::Parts> for Head<'r> {
    fn from(parts: &'r request::Parts) -> Self {
        Self { uri: &parts.uri, headers: &parts.headers }
    }
}

pub(super) enum Verdict {
    Pass(Admission),
    Refuse(RejectionReason),
    /// Newer keys may help: the issuer's place in the list.
    Wait(usize),
}

/// Who is let through.
pub(super) enum Admission {
    /// Somebody whose token stands at `place`.
    Caller { principal: Arc<Principal>, place: usize },
    /// Nobody: no credential came.
    Anonymous,
    /// Nobody: what came was refused, and the mode passes over it.
    AnonymousDespiteToken,
}

impl Shared {
    /// Judges a request with the keys that are there.
    pub(super) fn judge(&self, head: Head<'_>, now: UnixTime) -> Verdict {
        self.judge_with(head, now, None)
    }

    /// Judges again after waiting for newer keys; no second wait.
    pub(super) async fn judge_after_wait(&self, head: Head<'_>, issuer: usize) -> Verdict {
        let newer = match self.keys.get(issuer) {
            Some(keys) => keys.newer(self.clock.now()).await,
            None => None,
        };
        self.judge_with(head, self.clock.now(), Some(newer))
    }

    fn judge_with(&self, head: Head<'_>, now: UnixTime, waited: Option<Option<Arc<KeySet>>>) -> Verdict {
        let credential = match self.sources.extract(head.headers, head.uri) {
            Ok(Some(credential)) => credential,
            Ok(None) => return self.absent(RejectionReason::MissingToken),
            Err(e) => return self.bad(RejectionReason::Credential(e)),
        };
        let revocations = self.revocations.as_ref().map(RevocationList::load);
        let mut checks = Checks::at(now);
        if let Some(list) = &revocations {
            checks = checks.revocations(list);
        }
        if waited.is_none()
            && let Some(verdict) = self.remembered(&credential, &checks)
        {
            return verdict;
        }
        let parsed = match self.validator.parse(credential.token()) {
            Ok(parsed) => parsed,
            Err(e) => return self.invalid(e),
        };
        let issuer = parsed.issuer().index();
        if let Err(e) = self.check_place(&credential, issuer) {
            return self.invalid(e);
        }
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
        match self.validator.verify(parsed, &keys, &checks) {
            Ok(principal) => {
                let principal = Arc::new(principal);
                if let Some(cache) = &self.cache {
                    cache.insert(principal.clone());
                }
                Verdict::Pass(Admission::Caller { principal, place: credential.place() })
            }
            Err(e) if may_wait && self.newer_keys_may_help(&e, issuer) => Verdict::Wait(issuer),
            Err(e) => self.invalid(e),
        }
    }

    /// The verdict on a token that was verified before; `None` when it has to be verified (again).
    fn remembered(&self, credential: &Credential<'_>, checks: &Checks<'_>) -> Option<Verdict> {
        let cache = self.cache.as_ref()?;
        let principal = cache.get(credential.token())?;
        let issuer = principal.issuer_index();
        let keys = self.keys.get(issuer)?.current(checks.now)?;
        let checked = self
            .check_place(credential, issuer)
            .and_then(|()| self.validator.recheck(&principal, &keys, checks));
        match checked {
            Ok(()) => Some(Verdict::Pass(Admission::Caller { principal, place: credential.place() })),
            Err(e) if matches!(e.kind(), ValidationErrorKind::UnknownKey { .. }) => {
                cache.remove(credential.token());
                None
            }
            Err(e) => {
                if matches!(e.kind(), ValidationErrorKind::Expired { .. } | ValidationErrorKind::Revoked) {
                    cache.remove(credential.token());
                }
                Some(self.invalid(e))
            }
        }
    }

    fn check_place(&self, credential: &Credential<'_>, issuer: usize) -> Result<(), ValidationError> {
        if self.sources.accepts(credential.place(), issuer) {
            return Ok(());
        }
        let place = self.sources.sources().get(credential.place()).map(ToString::to_string);
        Err(ValidationErrorKind::Place { place: place.unwrap_or_default() }.into())
    }

    fn newer_keys_may_help(&self, error: &ValidationError, issuer: usize) -> bool {
        matches!(error.kind(), ValidationErrorKind::UnknownKey { .. })
            && matches!(self.keys.get(issuer), Some(Keys::Remote(_)))
    }

    fn absent(&self, reason: RejectionReason) -> Verdict {
        match self.mode {
            Mode::Strict => Verdict::Refuse(reason),
            Mode::Optional | Mode::DangerPermissive => Verdict::Pass(Admission::Anonymous),
        }
    }

    fn invalid(&self, error: ValidationError) -> Verdict {
        self.bad(RejectionReason::InvalidToken(error))
    }

    fn bad(&self, reason: RejectionReason) -> Verdict {
        match self.mode {
            Mode::Strict | Mode::Optional => Verdict::Refuse(reason),
            Mode::DangerPermissive => Verdict::Pass(Admission::AnonymousDespiteToken),
        }
    }
}
