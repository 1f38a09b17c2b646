//! The decision: Istio's requirement, evaluated as Envoy does.
//!
//! ```text
//! one rule      any { P, allow_missing }
//! more rules    any { P1 … Pn, all { any { P1, allow_missing } … any { Pn, allow_missing } } }
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use http::header::HeaderValue;

use super::location::{Found, Place};
use super::rule::JwtRule;
use super::token::Token;
use super::working::WorkingRequest;
use super::{KeySet, RequestAuth, RequestAuthentication, Status, audience, claim_headers};
use crate::credential::AccessToken;
use crate::json::Value;
use crate::jwt::Claims;
use crate::principal::{Evidence, Principal};
use crate::time::UnixTime;

/// One request before the rules.
pub(super) struct Decision<'r, 'p> {
    pub(super) policy: &'p RequestAuthentication,
    pub(super) request: WorkingRequest<'r>,
    pub(super) keys: &'p dyn Fn(usize) -> Option<Arc<KeySet>>,
    pub(super) now: UnixTime,
    /// Every token is parsed once, however many rules look at it.
    pub(super) parsed: Vec<Parsed<'r>>,
    /// The token that was verified last, and the place of its rule: Envoy's policies see this one.
    pub(super) verified: Option<(usize, usize)>,
}

/// A token's text and what became of it.
pub(super) struct Parsed<'r> {
    text: Cow<'r, [u8]>,
    token: Result<Token, Status>,
}

impl<'r> Decision<'r, '_> {
    /// `Ok` where the request goes on.
    pub(super) fn decide(&mut self) -> Result<(), Status> {
        let policy = self.policy;
        let mut reason = Status::Missing;
        if policy.rules().len() > 1 {
            for rule in policy.ordered() {
                match self.check_rule(rule) {
                    Ok(()) => return Ok(()),
                    Err(status) => reason = weightier(reason, status),
                }
            }
        }
        // What the first round took out of the request is not looked at again.
        let all = policy.ordered().try_for_each(|rule| allow_missing(self.check_rule(rule)));
        all.map_err(|status| weightier(reason, status))
    }

    /// All tokens where this rule looks have to be good. They are checked last location first, and those that were
    /// good stay taken out when another is not.
    fn check_rule(&mut self, (place, rule): (usize, &JwtRule)) -> Result<(), Status> {
        for name in rule.output_headers() {
            self.request.remove_header(name);
        }
        let found = rule.locations.find(&self.request);
        if found.is_empty() {
            return Err(Status::Missing);
        }
        for Found { text, place: location } in found.into_iter().rev() {
            let token = self.parse(text);
            self.check_token(token, place, rule)?;
            self.accept(token, location, rule);
            self.verified = Some((token, place));
        }
        Ok(())
    }

    fn parse(&mut self, text: Cow<'r, [u8]>) -> usize {
        let known = self.parsed.iter().position(|parsed| parsed.text == text);
        known.unwrap_or_else(|| {
            self.parsed.push(Parsed { token: Token::parse(&text), text });
            self.parsed.len() - 1
        })
    }

    fn check_token(&self, token: usize, place: usize, rule: &JwtRule) -> Result<(), Status> {
        let token = match self.parsed.get(token).map(|parsed| &parsed.token) {
            Some(Ok(token)) => token,
            Some(Err(status)) => return Err(*status),
            None => return Err(Status::BadFormat),
        };
        if !rule.issuer.is_empty() && *rule.issuer != *token.issuer() {
            return Err(Status::UnknownIssuer);
        }
        token.check_time(self.now)?;
        if !is_for_us(rule, token) {
            return Err(Status::AudienceNotAllowed);
        }
        let fetched = if rule.keys.is_none() { (self.keys)(place) } else { None };
        let keys = rule.keys.as_ref().or(fetched.as_ref()).ok_or(Status::KeysUnavailable)?;
        keys.verify(token)
    }

    /// Does what a verified token brings with it.
    fn accept(&mut self, token: usize, location: Place<'_>, rule: &JwtRule) {
        let Some(Parsed { token: Ok(token), .. }) = self.parsed.get(token) else { return };
        if let Some(name) = &rule.payload_header
            && let Ok(value) = HeaderValue::from_bytes(token.payload_text())
        {
            self.request.add_header(name.clone(), value);
        }
        for (name, path) in &rule.claim_headers {
            if let Some(value) = claim_headers::value(token, path) {
                self.request.add_header(name.clone(), value);
            }
        }
        match location {
            _ if rule.forward => {}
            Place::Header(name) => self.request.remove_header(name),
            Place::Param(name) => self.request.remove_param(name),
            Place::Cookie => {}
        }
    }

    /// What the verified token says.
    pub(super) fn request_auth(&mut self) -> Option<RequestAuth> {
        let (token, place) = self.verified?;
        let rule = self.policy.rules().get(place)?;
        let parsed = (token < self.parsed.len()).then(|| self.parsed.swap_remove(token))?;
        // INVARIANT: three parts of base64url are ASCII.
        let text = AccessToken::new(std::str::from_utf8(&parsed.text).ok()?);
        let (document, times) = parsed.token.ok()?.into_claims();
        let claims = Claims::of_verified(document, times);
        let evidence = Evidence {
            issuer: rule.trusted.clone(),
            issuer_index: place,
            // Envoy knows no bound tokens.
            confirmation: None,
            token: text,
            key: None,
        };
        Some(RequestAuth {
            caller: Arc::new(Principal::new(claims, evidence)),
            space_delimited: rule.space_delimited.clone(),
            rule: place,
        })
    }
}

fn allow_missing(result: Result<(), Status>) -> Result<(), Status> {
    match result {
        Err(Status::Missing) => Ok(()),
        other => other,
    }
}

/// Of two reasons, the later one that says something against the token; else the first that is not `Missing`.
fn weightier(reason: Status, next: Status) -> Status {
    if !next.is_not_for_this_rule() || reason == Status::Missing { next } else { reason }
}

fn is_for_us(rule: &JwtRule, token: &Token) -> bool {
    let ours = |aud: &str| rule.audiences.iter().any(|ours| **ours == *audience::sanitize(aud));
    match token.claim("aud") {
        _ if rule.audiences.is_empty() => true,
        Some(Value::String(aud)) => ours(aud),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(ours),
        _ => false,
    }
}
