//! From a request's head to a verdict.

use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, Request, Uri, request};
use mcp_auth_core::credential::{ClaimHeaders, Credential, TokenSources};
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::dpop::{OneTimeUse, ReplayError, ReplayStore};
use mcp_auth_core::json::Value;
use mcp_auth_core::jwk::{KeySet, Thumbprint};
use mcp_auth_core::jwt::{Checks, Possession, TokenCache, ValidationError, ValidationErrorKind, Validator};
use mcp_auth_core::mtls::client_cert_header;
use mcp_auth_core::{Principal, UnixTime};

use super::certificate::PeerCertificate;
use super::dpop::{Dpop, Proven, prove};
use super::layer::{Mode, RevocationList};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::rejection::{ChallengeContext, Rejection, RejectionReason};

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) validator: Validator,
    pub(super) keys: Vec<Keys>,
    pub(super) sources: TokenSources,
    pub(super) cache: Option<Arc<TokenCache>>,
    pub(super) revocations: Option<RevocationList>,
    pub(super) dpop: Option<Arc<Dpop>>,
    pub(super) used_tokens: Option<Arc<ReplayStore>>,
    /// Whether the client's certificate comes in a header of the proxy in front.
    pub(super) client_cert_header: bool,
    pub(super) claim_headers: ClaimHeaders,
    pub(super) mode: Mode,
    pub(super) forward: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) challenge: Option<Arc<ChallengeContext>>,
}

/// What is read of a request before its body.
#[derive(Clone, Copy)]
pub(super) struct Head<'r> {
    pub(super) method: &'r Method,
    pub(super) uri: &'r Uri,
    pub(super) headers: &'r HeaderMap,
    extensions: &'r Extensions,
}

impl<'r, B> From<&'r Request<B>> for Head<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

impl<'r> From<&'r request::Parts> for Head<'r> {
    fn from(parts: &'r request::Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            extensions: &parts.extensions,
        }
    }
}

pub(super) enum Verdict {
    Pass(Admission),
    Refuse(Rejection),
    /// Newer keys may help: the issuer's place in the list.
    Wait(usize),
}

/// Who is let through.
pub(super) enum Admission {
    /// Somebody whose token stands at `place`, and whether his next DPoP proof needs a new nonce.
    Caller { principal: Arc<Principal>, place: usize, new_nonce: bool },
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
            && let Some(verdict) = self.remembered(head, &credential, checks)
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
                Verdict::Refuse(Rejection::new(RejectionReason::KeysUnavailable))
            };
        };
        let proven = match prove(self.dpop.as_deref(), head, &credential, issuer, now) {
            Ok(proven) => proven,
            Err(reason) => return self.bad(reason),
        };
        let checks = checks.possession(self.possession(head, proven.as_ref()));
        match self.validator.verify(parsed, &keys, &checks) {
            Ok(principal) => {
                let principal = Arc::new(principal);
                if let Some(cache) = &self.cache {
                    cache.insert(principal.clone());
                }
                self.use_up(principal, &credential, proven, now)
            }
            Err(e) if may_wait && self.newer_keys_may_help(&e, issuer) => Verdict::Wait(issuer),
            Err(e) => self.invalid(e),
        }
    }

    /// The verdict on a token that was verified before; `None` when it has to be verified (again).
    fn remembered(&self, head: Head<'_>, credential: &Credential<'_>, checks: Checks<'_>) -> Option<Verdict> {
        let cache = self.cache.as_ref()?;
        let principal = cache.get(credential.token())?;
        let issuer = principal.issuer_index();
        let keys = self.keys.get(issuer)?.current(checks.now)?;
        if let Err(e) = self.check_place(credential, issuer) {
            return Some(self.invalid(e));
        }
        let proven = match prove(self.dpop.as_deref(), head, credential, issuer, checks.now) {
            Ok(proven) => proven,
            Err(reason) => return Some(self.bad(reason)),
        };
        let checks = checks.possession(self.possession(head, proven.as_ref()));
        match self.validator.recheck(&principal, &keys, &checks) {
            Ok(()) => Some(self.use_up(principal, credential, proven, checks.now)),
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

    /// What the request proves to hold besides its token.
    fn possession(&self, head: Head<'_>, proven: Option<&Proven>) -> Possession {
        let mut possession = Possession::default();
        possession.dpop_key = proven.map(Proven::key);
        possession.certificate = if self.client_cert_header {
            // The connection's own peer is the proxy then.
            client_cert_header(head.headers).map(|der| Thumbprint::of_certificate(&der, &AwsLc::new()))
        } else {
            head.extensions.get::<PeerCertificate>().map(PeerCertificate::thumbprint)
        };
        possession
    }

    /// Lets a caller through whose token and proof are good, if what is good once was not used before.
    fn use_up(
        &self,
        principal: Arc<Principal>,
        credential: &Credential<'_>,
        proven: Option<Proven>,
        now: UnixTime,
    ) -> Verdict {
        let new_nonce = match self.dpop.as_ref().zip(proven) {
            Some((dpop, proven)) => dpop.record(&proven, now),
            None => Ok(false),
        };
        let used = new_nonce.and_then(|new_nonce| self.use_token(&principal, now).map(|()| new_nonce));
        match used {
            Ok(new_nonce) => {
                Verdict::Pass(Admission::Caller { principal, place: credential.place(), new_nonce })
            }
            // Whether it was used cannot be known: neither 401 nor anonymous, in any mode.
            Err(reason @ RejectionReason::ReplayStoreFull) => {
                Verdict::Refuse(Rejection::new(reason).by(Some(principal), None))
            }
            Err(reason) => match self.bad(reason) {
                // The token is good: the audit may say whose it is.
                Verdict::Refuse(rejection) => Verdict::Refuse(rejection.by(Some(principal), None)),
                verdict => verdict,
            },
        }
    }

    fn use_token(&self, principal: &Principal, now: UnixTime) -> Result<(), RejectionReason> {
        let Some(used) = &self.used_tokens else { return Ok(()) };
        let missing = |claim: &'static str| {
            RejectionReason::InvalidToken(ValidationErrorKind::ClaimMissing { claim: claim.into() }.into())
        };
        let jti = principal.claims().get("jti").and_then(Value::as_str).ok_or_else(|| missing("jti"))?;
        let leeway = principal.trusted_issuer().allowed_leeway();
        let end = principal.expires_at().ok_or_else(|| missing("exp"))?.plus(leeway);
        let token = OneTimeUse::Token { issuer: principal.issuer(), jti };
        used.record(&token, end, now, &AwsLc::new()).map_err(|e| match e {
            ReplayError::Replayed => RejectionReason::TokenUsed,
            ReplayError::Full => RejectionReason::ReplayStoreFull,
        })
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
            Mode::Strict => Verdict::Refuse(Rejection::new(reason)),
            Mode::Optional | Mode::DangerPermissive => Verdict::Pass(Admission::Anonymous),
        }
    }

    fn invalid(&self, error: ValidationError) -> Verdict {
        self.bad(RejectionReason::InvalidToken(error))
    }

    fn bad(&self, reason: RejectionReason) -> Verdict {
        match self.mode {
            Mode::Strict | Mode::Optional => Verdict::Refuse(Rejection::new(reason)),
            Mode::DangerPermissive => Verdict::Pass(Admission::AnonymousDespiteToken),
        }
    }
}
