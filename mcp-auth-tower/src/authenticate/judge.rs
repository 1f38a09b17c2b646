//! From a request's head to a verdict.

use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, Request, Uri, request};
use mcp_auth_core::credential::{ClaimHeaders, Credential, TokenSources};
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::dpop::{OneTimeUse, ReplayError, ReplayStore};
use mcp_auth_core::json::Value;
use mcp_auth_core::jwk::{KeySet, Thumbprint};
use mcp_auth_core::jwt::{
    Checks, IssuerId, Possession, TokenCache, Unverified, ValidationError, ValidationErrorKind, Validator,
};
use mcp_auth_core::mtls::client_cert_header;
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_exchange::introspection::Known;

use super::certificate::PeerCertificate;
use super::dpop::{Dpop, Proven, prove};
use super::introspect::Answer;
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
    /// Newer keys may help, or the issuer has to be asked: its place in the list.
    Wait(usize),
}

/// What was waited for.
pub(super) enum Waited {
    Keys(Option<Arc<KeySet>>),
    Answer(Answer),
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
        let waited = match self.keys.get(issuer) {
            Some(Keys::Introspection(introspection)) => {
                // What stood in the request a moment ago still does.
                let token = self.sources.extract(head.headers, head.uri).ok().flatten();
                match token {
                    Some(credential) => Waited::Answer(introspection.ask(credential.token()).await),
                    None => Waited::Answer(Answer::None),
                }
            }
            Some(keys) => Waited::Keys(keys.newer(self.clock.now()).await),
            None => Waited::Keys(None),
        };
        self.judge_with(head, self.clock.now(), Some(waited))
    }

    fn judge_with(&self, head: Head<'_>, now: UnixTime, waited: Option<Waited>) -> Verdict {
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
        let parsed = self.validator.parse(credential.token());
        let may_wait = waited.is_none();
        let names_a_key = parsed.as_ref().is_ok_and(|token| token.kid().is_some());
        let keys = match (self.asked(&credential, &parsed), waited) {
            (Some(issuer), Some(Waited::Answer(answer))) => {
                return self.answered(head, &credential, checks, issuer, answer);
            }
            (Some(issuer), _) => return self.known(head, &credential, checks, issuer),
            (None, Some(Waited::Keys(keys))) => Some(keys),
            (None, _) => None,
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(e) => return self.invalid(e),
        };
        let issuer = parsed.issuer().index();
        if let Err(e) = self.check_place(&credential, issuer) {
            return self.invalid(e);
        }
        let keys = keys.unwrap_or_else(|| self.keys.get(issuer).and_then(|k| k.current(now)));
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
                    cache.insert(principal.clone(), now);
                }
                self.use_up(principal, &credential, proven, now)
            }
            Err(e) if may_wait && self.newer_keys_may_help(&e, names_a_key, issuer) => Verdict::Wait(issuer),
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

    /// The issuer that has to be asked about this token, where that is so.
    fn asked(
        &self,
        credential: &Credential<'_>,
        parsed: &Result<Unverified<'_>, ValidationError>,
    ) -> Option<IssuerId> {
        match parsed {
            Ok(token) => {
                let issuer = token.issuer();
                self.keys.get(issuer.index())?.introspection().map(|_| issuer)
            }
            // Three parts are somebody's broken JWT and five an encrypted one: whose, is not for others to learn.
            Err(e) if matches!(e.kind(), ValidationErrorKind::NotCompact { parts } if *parts != 5) => {
                let place = credential.place();
                let asks = |(i, keys): &(usize, &Keys)| {
                    keys.introspection().is_some() && self.sources.accepts(place, *i)
                };
                let mut issuers = self.keys.iter().enumerate().filter(asks);
                match (issuers.next(), issuers.next()) {
                    (Some((issuer, _)), None) => Some(issuer.into()),
                    _ => None,
                }
            }
            Err(_) => None,
        }
    }

    /// The verdict on a token whose issuer was asked lately, or has to be now.
    fn known(
        &self,
        head: Head<'_>,
        credential: &Credential<'_>,
        checks: Checks<'_>,
        issuer: IssuerId,
    ) -> Verdict {
        let introspection = self.keys.get(issuer.index()).and_then(Keys::introspection);
        let known = introspection.and_then(|i| i.known(credential.token(), checks.now));
        match known {
            // What can be refused without asking is refused without asking.
            None => match self.check_place(credential, issuer.index()) {
                Err(e) => self.invalid(e),
                Ok(()) => match prove(self.dpop.as_deref(), head, credential, issuer.index(), checks.now) {
                    Ok(_) => Verdict::Wait(issuer.index()),
                    Err(reason) => self.bad(reason),
                },
            },
            Some(Known::Refused(error)) => self.invalid((*error).clone()),
            Some(Known::Active(principal)) => self.present(head, credential, checks, issuer, |checks| {
                self.validator.recheck(&principal, &KeySet::default(), checks).map(|()| principal.clone())
            }),
            Some(_) => self.invalid(ValidationErrorKind::Inactive.into()),
        }
    }

    /// The verdict on a token that its issuer has just been asked about.
    fn answered(
        &self,
        head: Head<'_>,
        credential: &Credential<'_>,
        checks: Checks<'_>,
        issuer: IssuerId,
        answer: Answer,
    ) -> Verdict {
        let introspection = self.keys.get(issuer.index()).and_then(Keys::introspection);
        let (Some(introspection), token) = (introspection, credential.token()) else {
            return Verdict::Refuse(Rejection::new(RejectionReason::IntrospectionUnavailable));
        };
        match answer {
            // Whether the token is good cannot be known: neither 401 nor anonymous, in any mode.
            Answer::None => Verdict::Refuse(Rejection::new(RejectionReason::IntrospectionUnavailable)),
            Answer::Inactive => {
                introspection.keep_inactive(token, checks.now);
                self.invalid(ValidationErrorKind::Inactive.into())
            }
            Answer::Active(claims) => {
                match self.validator.read_introspected(issuer, token, &claims, checks.now) {
                    Ok(principal) => introspection.keep(&Arc::new(principal), checks.now),
                    Err(error) => introspection.keep_refused(token, error, checks.now),
                }
                match self.known(head, credential, checks, issuer) {
                    // It was too big to be kept.
                    Verdict::Wait(_) => {
                        Verdict::Refuse(Rejection::new(RejectionReason::IntrospectionUnavailable))
                    }
                    verdict => verdict,
                }
            }
        }
    }

    /// Judges an opaque token together with its place and what the request proves.
    fn present(
        &self,
        head: Head<'_>,
        credential: &Credential<'_>,
        checks: Checks<'_>,
        issuer: IssuerId,
        accept: impl FnOnce(&Checks<'_>) -> Result<Arc<Principal>, ValidationError>,
    ) -> Verdict {
        if let Err(e) = self.check_place(credential, issuer.index()) {
            return self.invalid(e);
        }
        let proven = match prove(self.dpop.as_deref(), head, credential, issuer.index(), checks.now) {
            Ok(proven) => proven,
            Err(reason) => return self.bad(reason),
        };
        let checks = checks.possession(self.possession(head, proven.as_ref()));
        match accept(&checks) {
            Ok(principal) => self.use_up(principal, credential, proven, checks.now),
            Err(e) => self.invalid(e),
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

    /// Whether the token may be good under keys that are not here yet. One that names no key may have been signed
    /// by another than the one that fits.
    fn newer_keys_may_help(&self, error: &ValidationError, names_a_key: bool, issuer: usize) -> bool {
        use ValidationErrorKind as Kind;
        let may = match error.kind() {
            Kind::UnknownKey { .. } => true,
            Kind::Signature | Kind::AmbiguousKey => !names_a_key,
            _ => false,
        };
        may && self.keys.get(issuer).is_some_and(|keys| keys.newer_may_come(self.clock.now()))
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
