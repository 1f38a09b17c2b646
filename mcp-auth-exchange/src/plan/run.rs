//! One exchange, as a state machine without IO.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use mcp_auth_core::UnixTime;
use mcp_auth_discovery::Secret;

use super::issued::{
    Check, IdJagCheck, Life, Readable, Refusal, ScopeNames, is_bound_to, is_wanted, read_claims,
};
use super::{ActorToken, ExchangePlan, Step, Subject, SubjectRule};
use crate::client_auth::AuthenticationContext;
use crate::dpop::{DpopKey, DpopNonce, NonceMemory, NonceRetry, ProofRequest};
use crate::grant::Parameters;
use crate::outcome::{
    Diagnosis, Facts, NOT_SENT, Outcome, ProviderText, SUBJECT_EXPIRED, classify, unanswered,
};
use crate::provider::ExchangeGrant;
use crate::{TokenErrorCode, TokenResponse, TokenResponseError, TokenType, TokenTypeUri};

/// The longest pause before a second try; for a longer `Retry-After` there is none.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The pause before a second try where the provider names none.
const PAUSE: Duration = Duration::from_millis(200);

/// What a request depends on besides the plan.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "all that a pure crate cannot know")]
pub struct SendContext<'a> {
    /// Random bytes of the operating system, other ones for each request: identifiers of assertions and proofs.
    pub random: &'a [u8; 32],
    /// The workload's own token, where [`ClientCredential::wants_workload_token`](crate::ClientCredential::wants_workload_token).
    pub workload_token: Option<&'a Secret>,
    /// What servers gave as nonces.
    pub nonces: &'a NonceMemory,
    /// The time.
    pub now: UnixTime,
}

/// What comes next.
#[derive(Clone, Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle each")]
pub enum Progress {
    /// Ask for another request after this time, which may be zero.
    Again {
        /// How long to wait before.
        after: Duration,
    },
    /// That was it.
    Done(Outcome),
}

/// One exchange.
///
/// ```text
///            next_request                handle_response
///  ready ───────────────────▶ sent ─┬─▶ next step, nonce, second try ─▶ ready
///                                   ├─▶ Done(Token)
///            handle_failure         └─▶ Done(anything else)
/// ```
///
/// A refusal ends it: it is not tried again, and no other grant is tried instead. What is tried again: a request
/// without the nonce that the server then asked for, once; and a provider that is down or overloaded, as often as
/// [`ExchangePlan::attempts`] says. An exchange that is dropped in between leaves nothing behind.
///
/// An ID-JAG may be good for one request only, whether or not its answer comes: the second try of the step that redeems
/// it begins with a new one, at the step before, and is the last.
///
/// Whoever sends a request follows no redirect, and gives up after a time.
#[derive(Debug)]
#[must_use]
pub struct ExchangeRun {
    plan: Arc<ExchangePlan>,
    subject: Subject,
    actor: Option<ActorToken>,
    step: usize,
    /// What the step before brought.
    carried: Option<Secret>,
    /// What the step before took.
    taken: Option<Secret>,
    jag: JagUse,
    nonce: Option<DpopNonce>,
    retry: NonceRetry,
    tries: u8,
    /// The credential of the request under way, to keep it out of texts.
    credential: Option<Secret>,
    /// Why the last request got no answer.
    cause: Option<String>,
}

/// What became of the ID-JAG under way.
#[derive(Clone, Copy, Debug, Default)]
struct JagUse {
    /// It was sent before: the server may have used it up.
    again: bool,
    /// It is the second one.
    second: bool,
}

impl ExchangeRun {
    pub(super) fn new(plan: Arc<ExchangePlan>, subject: Subject, actor: Option<ActorToken>) -> Self {
        Self {
            plan,
            subject,
            actor,
            step: 0,
            carried: None,
            taken: None,
            jag: JagUse::default(),
            nonce: None,
            retry: NonceRetry::default(),
            tries: 0,
            credential: None,
            cause: None,
        }
    }

    /// The step that the next request is of.
    pub fn step(&self) -> Option<&Step> {
        self.plan.steps().get(self.step)
    }

    /// The next request. Where a step's client authenticates with a certificate, its name is among the request's
    /// extensions ([`ClientCertificate`](crate::client_auth::ClientCertificate)).
    ///
    /// # Errors
    ///
    /// The [`Outcome`] of an exchange that cannot go on: the subject's or the actor's token ended, or a signature
    /// could not be made.
    pub fn next_request(&mut self, context: &SendContext<'_>) -> Result<Request<Bytes>, Outcome> {
        let plan = self.plan.clone();
        let step = plan.steps().get(self.step).ok_or_else(|| self.broken("the plan has no such step"))?;
        self.check_dates(context.now)?;
        let (assertion_id, proof_id) = context.random.split_at(16);
        let client = step
            .client
            .authenticate(&AuthenticationContext {
                endpoint: &step.endpoint,
                jti: &URL_SAFE_NO_PAD.encode(assertion_id),
                workload_token: context.workload_token,
                now: context.now,
            })
            .map_err(|error| self.broken(&error.to_string()))?;
        self.credential = client.secret().cloned();
        let (subject, token_type) = self.input(step);
        let none = Parameters::default();
        let parameters = if self.step == 0 { self.subject.parameters() } else { &none };
        let request = step.request(subject, token_type, self.actor(), parameters, client);
        let mut request = request.map_err(|error| self.broken(&error.to_string()))?;
        if let Some(key) = &step.dpop {
            let target =
                step.target().ok_or_else(|| self.broken("the endpoint cannot stand in a DPoP proof"))?;
            self.nonce = self.nonce.take().or_else(|| context.nonces.get(&step.origin()));
            let jti = URL_SAFE_NO_PAD.encode(proof_id);
            let proof = ProofRequest::new("POST", &target, &jti).nonce(self.nonce.as_ref());
            let proof = key.proof(&proof, context.now).map_err(|error| self.broken(&error.to_string()))?;
            request.headers_mut().insert("dpop", proof);
        }
        Ok(request)
    }

    /// Reads the answer to the last request.
    pub fn handle_response<B: AsRef<[u8]>>(
        &mut self,
        response: &http::Response<B>,
        nonces: &NonceMemory,
        now: UnixTime,
    ) -> Progress {
        self.cause = None;
        let plan = self.plan.clone();
        let Some(step) = plan.steps().get(self.step) else {
            return Progress::Done(self.broken("there was no request"));
        };
        let sent_nonce = self.nonce.clone();
        if step.dpop.is_some() {
            nonces.keep(&step.origin(), response.headers());
            // RFC 9449 §8.2: the newest counts, whatever the answer.
            self.nonce = DpopNonce::of(response.headers()).or(self.nonce.take());
        }
        match TokenResponse::from_http(response) {
            Ok(answer) if self.step + 1 < plan.steps().len() => self.carry(step, &answer, now),
            Ok(answer) => Progress::Done(self.accept(step, &answer, now)),
            Err(error) => self.refused(step, &error, response.headers(), sent_nonce.as_ref()),
        }
    }

    /// The last request got no answer: not sent, cut off, or too slow.
    pub fn handle_failure(&mut self) -> Progress {
        let outcome = unanswered(&self.facts(), self.cause.as_deref());
        self.try_again(outcome, None)
    }

    /// The same, with the reason in the transport's words (`invalid peer certificate: UnknownIssuer`), which become a
    /// part of the diagnosis: at most 256 characters, without the secrets of the request. It is the reason also of a
    /// [`handle_failure`](Self::handle_failure) that follows.
    pub fn handle_failure_because(&mut self, reason: &str) -> Progress {
        let secrets = self.secrets();
        let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        self.cause = Some(ProviderText::new(reason, &secrets).as_str().to_owned());
        self.handle_failure()
    }

    /// The answer to the last request was longer than [`MAX_RESPONSE_BYTES`](crate::response::MAX_RESPONSE_BYTES), and
    /// was not read to its end.
    pub fn handle_too_large(&mut self) -> Progress {
        let text = "the answer is larger than 64 KiB: is this the token endpoint?";
        Progress::Done(self.unusable(Refusal("too_large", text)))
    }

    fn refused(
        &mut self,
        step: &Step,
        error: &TokenResponseError,
        headers: &http::HeaderMap,
        sent_nonce: Option<&DpopNonce>,
    ) -> Progress {
        let refuses = |code: &TokenErrorCode| error.refusal().is_some_and(|refusal| refusal.code() == code);
        let asks_nonce = refuses(&TokenErrorCode::UseDpopNonce);
        if asks_nonce && step.dpop.is_none() && !error.is_transient() {
            let text = "{provider} asks for DPoP proofs (`use_dpop_nonce`), and no key is configured: configure one, or \
                        let the client `{client}` get tokens that are not bound";
            let diagnosis = Diagnosis::new("dpop_required", text, &self.facts());
            let code = TokenErrorCode::UseDpopNonce.as_known_str();
            let diagnosis = diagnosis.answer(error.status().as_u16(), Some(code), None);
            return Progress::Done(Outcome::Misconfigured(diagnosis));
        }
        if asks_nonce && self.retry.after(headers, sent_nonce).is_some() {
            self.jag.again = true;
            return Progress::Again { after: Duration::ZERO };
        }
        if refuses(&TokenErrorCode::InvalidGrant) && self.jag.again && self.renew_jag() {
            return Progress::Again { after: Duration::ZERO };
        }
        let (facts, secrets) = (self.facts(), self.secrets());
        let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        match classify(&step.profile, &facts, error, &secrets) {
            // Who was told that he asks too often does not ask again at once.
            Outcome::Transient { retry_after, diagnosis }
                if !asks_nonce && diagnosis.status() != Some(429) =>
            {
                self.try_again(Outcome::Transient { retry_after, diagnosis }, retry_after)
            }
            outcome => Progress::Done(outcome),
        }
    }

    fn try_again(&mut self, outcome: Outcome, retry_after: Option<Duration>) -> Progress {
        self.tries = self.tries.saturating_add(1);
        let after = retry_after.unwrap_or(PAUSE);
        let may = self.tries < self.plan.attempts && after <= MAX_PAUSE;
        if may && (!self.redeems() || self.renew_jag()) {
            Progress::Again { after }
        } else {
            Progress::Done(outcome)
        }
    }

    /// Whether this step redeems an ID-JAG.
    fn redeems(&self) -> bool {
        let before = self.step.checked_sub(1).and_then(|before| self.plan.steps().get(before));
        before.is_some_and(|step| step.requested() == Some(&TokenTypeUri::ID_JAG))
    }

    /// Goes back to the step that brings the ID-JAG, once.
    fn renew_jag(&mut self) -> bool {
        if !self.redeems() || self.jag.second {
            return false;
        }
        self.enter(self.step.saturating_sub(1));
        self.carried = self.taken.take();
        self.jag = JagUse { again: false, second: true };
        true
    }

    fn enter(&mut self, step: usize) {
        self.step = step;
        (self.nonce, self.retry, self.tries) = (None, NonceRetry::default(), 0);
        self.jag.again = false;
    }

    /// What one step brought, for the next.
    fn carry(&mut self, step: &Step, answer: &TokenResponse, now: UnixTime) -> Progress {
        let wanted = step.requested();
        let is_wanted = match answer.issued_token_type() {
            None => !step.profile.says_issued_token_type,
            Some(issued) => is_wanted(issued, wanted),
        };
        let presented = match answer.token_type() {
            // Not a token to be presented, such as an ID-JAG; an access token never is one of these.
            TokenType::NotApplicable => wanted.is_some_and(|wanted| !wanted.is_access_token()),
            TokenType::Bearer => step.dpop.is_none() && wanted != Some(&TokenTypeUri::ID_JAG),
            TokenType::DPoP => step.dpop.is_some() && wanted != Some(&TokenTypeUri::ID_JAG),
            TokenType::Other(_) => false,
        };
        if !is_wanted || !presented {
            let text = "the answer's `issued_token_type` and `token_type` are not those that were asked for";
            return Progress::Done(self.unusable(Refusal("issued_type", text)));
        }
        if self.sent().iter().any(|sent| sent.expose() == answer.access_token().expose()) {
            let text = "the issued token is one that was sent: nothing was exchanged";
            return Progress::Done(self.unusable(Refusal("same_token", text)));
        }
        if wanted == Some(&TokenTypeUri::ID_JAG) {
            let check = IdJagCheck {
                asked: step,
                redeems: self.plan.steps().get(self.step + 1),
                subject: self.subject.principal(),
                now,
            };
            if let Err(refusal) = check.accept(answer.access_token().expose()) {
                return Progress::Done(self.unusable(refusal));
            }
        }
        if let Some(key) = &step.dpop
            && !is_bound(answer, key)
        {
            let text = "what {provider} issued is not bound to the DPoP key that was offered (`cnf.jkt`)";
            return Progress::Done(self.unusable(Refusal("not_bound", text)));
        }
        self.taken = self.carried.replace(answer.access_token().clone());
        self.enter(self.step + 1);
        Progress::Again { after: Duration::ZERO }
    }

    fn accept(&self, step: &Step, answer: &TokenResponse, now: UnixTime) -> Outcome {
        let sent = self.sent();
        let sent: Vec<&str> = sent.iter().map(Secret::expose).collect();
        let actor = self.actor.as_ref().filter(|_| self.plan.takes_actor()).and_then(ActorToken::expires_at);
        let check = Check {
            rules: &self.plan.rules,
            subject: self.subject.principal(),
            sent: &sent,
            requested: step.requested(),
            says_type: step.profile.says_issued_token_type,
            scope: &step.sent_scope(),
            scope_names: match step.profile.grant {
                ExchangeGrant::OnBehalfOf => ScopeNames::OfResource,
                _ => ScopeNames::Plain,
            },
            details: step.authorization_details.as_ref(),
            certificate: step.client.certificate().is_some(),
            key: step.dpop.as_deref(),
            life: Life {
                assumed: self.plan.assumed_lifetime,
                margin: self.plan.margin,
                until: [self.subject.principal().expires_at(), actor],
                longest: self.plan.longest_use,
            },
            now,
        };
        match check.accept(answer) {
            Ok(token) => Outcome::Token(Arc::new(token)),
            Err(refusal) => self.unusable(refusal),
        }
    }

    fn check_dates(&self, now: UnixTime) -> Result<(), Outcome> {
        if self.subject.principal().expires_at().is_some_and(|exp| exp <= now) {
            let text = "the user's token has expired";
            return Err(Outcome::SubjectRefused(Diagnosis::new(SUBJECT_EXPIRED, text, &self.facts())));
        }
        if self.actor().and_then(ActorToken::expires_at).is_some_and(|exp| exp <= now) {
            return Err(self.broken("the actor's token has expired: it has to be renewed before"));
        }
        Ok(())
    }

    /// What this step exchanges, under the type that its provider takes: what one server calls its access token is
    /// a JWT of somebody else to the next.
    fn input(&self, step: &Step) -> (Secret, TokenTypeUri) {
        let token = self.carried.clone().unwrap_or_else(|| Secret::new(self.subject.token()));
        (token, step.profile.subject_token_type.clone())
    }

    /// The actor, where this step takes one. Later steps go to other servers, for which his token is not.
    fn actor(&self) -> Option<&ActorToken> {
        self.actor.as_ref().filter(|_| self.step == 0 && self.plan.takes_actor())
    }

    /// The tokens that went in.
    fn sent(&self) -> Vec<Secret> {
        let actor = self.actor.as_ref().map(|actor| actor.token.clone());
        [Some(Secret::new(self.subject.token())), actor, self.carried.clone()].into_iter().flatten().collect()
    }

    /// What no text may have in it.
    fn secrets(&self) -> Vec<Secret> {
        let mut all = self.sent();
        all.extend(self.credential.clone());
        all
    }

    fn facts(&self) -> Facts {
        let Some(step) = self.plan.steps().get(self.step) else { return Facts::default() };
        let (_, token_type) = self.input(step);
        let audiences: Vec<&str> = self.subject.principal().audiences().take(8).collect();
        let subject_claim = match &self.plan.rules.subject {
            SubjectRule::Same(claim) => claim.clone(),
            SubjectRule::Unchecked => String::new(),
        };
        let subject_audience = audiences.join(" ");
        Facts { subject_audience, subject_claim, ..step.facts(self.step, &token_type) }
    }

    fn broken(&self, text: &str) -> Outcome {
        Outcome::Misconfigured(Diagnosis::new(NOT_SENT, text, &self.facts()))
    }

    fn unusable(&self, Refusal(id, text): Refusal) -> Outcome {
        Outcome::Unusable(Diagnosis::new(id, text, &self.facts()))
    }
}

/// Whether what a step brought says that it is bound to this key. An unreadable ID-JAG says nothing: `N_A` is its type
/// in either case.
fn is_bound(answer: &TokenResponse, key: &DpopKey) -> bool {
    match read_claims(answer.access_token().expose()) {
        Readable::Claims(claims) => is_bound_to(&claims, key),
        Readable::Opaque | Readable::Broken => *answer.token_type() == TokenType::DPoP,
    }
}
