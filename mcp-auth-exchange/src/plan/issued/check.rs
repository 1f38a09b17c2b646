//! The checks.

use std::time::Duration;

use mcp_auth_core::json::Value;
use mcp_auth_core::jwt::Claims;
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::Scopes;

use super::readable::{Readable, read_claims};
use super::scopes::{Granted, Name, Reader, ScopeNames};
use super::{IssuedToken, Presentation};
use crate::dpop::DpopKey;
use crate::plan::rules::{ActorRule, AudienceRule, IssuedRules, SubjectRule};
use crate::{AuthorizationDetails, TokenResponse, TokenType, TokenTypeUri};

/// How far the provider's clock may be ahead of ours, and its answer late.
const LEEWAY: Duration = Duration::from_secs(60);

/// The most actors that `act` names, one in the other. Providers write 5 to 10.
const MAX_ACTORS: usize = 16;

/// A token that does not hold: the id and the text of a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Refusal(pub(in crate::plan) &'static str, pub(in crate::plan) &'static str);

/// What an answer is held against.
pub(in crate::plan) struct Check<'a> {
    pub(in crate::plan) rules: &'a IssuedRules,
    pub(in crate::plan) subject: &'a Principal,
    /// What went in: none of it may come out.
    pub(in crate::plan) sent: &'a [&'a str],
    pub(in crate::plan) requested: Option<&'a TokenTypeUri>,
    pub(in crate::plan) says_type: bool,
    pub(in crate::plan) scope: &'a Scopes,
    pub(in crate::plan) scope_names: ScopeNames,
    pub(in crate::plan) details: Option<&'a AuthorizationDetails>,
    pub(in crate::plan) key: Option<&'a DpopKey>,
    /// Whether the client has a certificate, to which its tokens may be bound (RFC 8705 §3).
    pub(in crate::plan) certificate: bool,
    pub(in crate::plan) life: Life,
    pub(in crate::plan) now: UnixTime,
}

/// How long a token is used.
#[derive(Clone, Copy, Debug)]
pub(in crate::plan) struct Life {
    /// Where neither the answer nor the token says.
    pub(in crate::plan) assumed: Duration,
    pub(in crate::plan) margin: Duration,
    /// The subject's and the actor's end, and the longest use that the plan allows.
    pub(in crate::plan) until: [Option<UnixTime>; 2],
    pub(in crate::plan) longest: Option<Duration>,
}

impl Check<'_> {
    /// Holds an answer against the rules.
    pub(in crate::plan) fn accept(&self, answer: &TokenResponse) -> Result<IssuedToken, Refusal> {
        let token = answer.access_token();
        if self.sent.contains(&token.expose()) {
            return Err(Refusal(
                "same_token",
                "the issued token is one that was sent: nothing was exchanged",
            ));
        }
        self.issued_type(answer)?;
        let readable = read_claims(token.expose());
        let presentation = self.presentation(answer, readable.claims())?;
        match &readable {
            Readable::Claims(claims) => self.claims(claims)?,
            // What cannot be read may name any actor, or none.
            Readable::Opaque if self.rules.readable || self.rules.actor != ActorRule::Any => {
                return Err(Refusal(
                    "opaque",
                    "the issued token is opaque, and the rules ask for one that can be read",
                ));
            }
            Readable::Broken if self.reads_claims() => {
                return Err(Refusal(
                    "broken",
                    "the issued token is a JWT whose claims are not of their types, or whose header is unreadable",
                ));
            }
            Readable::Opaque | Readable::Broken => {}
        }
        let (granted, reader) = (Granted::read(answer, readable.claims()), self.reader(readable.claims()));
        self.ceiling(&granted, &reader)?;
        let (missing, beyond) = self.scope(&granted, &reader)?;
        let other_details = self.details(answer)?;
        let (usable_until, refresh_at) = self.life(answer, readable.claims())?;
        let scope = granted.names().map(|names| names.join(" "));
        let (token, issued_at) = (token.clone(), self.now);
        Ok(IssuedToken {
            token,
            presentation,
            scope,
            missing,
            beyond,
            other_details,
            issued_at,
            usable_until,
            refresh_at,
        })
    }

    fn reads_claims(&self) -> bool {
        self.rules.readable
            || self.rules.audience != AudienceRule::Unchecked
            || self.rules.subject != SubjectRule::Unchecked
            || self.rules.actor != ActorRule::Any
            || self.rules.ceiling.is_some()
            || self.rules.within_subject
    }

    fn issued_type(&self, answer: &TokenResponse) -> Result<(), Refusal> {
        match (answer.issued_token_type(), self.requested) {
            (None, _) if self.says_type => Err(Refusal(
                "no_issued_type",
                "the answer has no `issued_token_type`, which RFC 8693 §2.2.1 requires",
            )),
            (Some(issued), requested) if !is_wanted(issued, requested) => {
                Err(Refusal("issued_type", "`issued_token_type` is not the type that was asked for"))
            }
            _ => Ok(()),
        }
    }

    fn presentation(&self, answer: &TokenResponse, claims: Option<&Claims>) -> Result<Presentation, Refusal> {
        if !self.certificate && claims.is_some_and(|claims| confirms(claims, "x5t#S256").is_some()) {
            return Err(Refusal(
                "not_ours",
                "the issued token is bound to a client certificate (`cnf.x5t#S256`), and the client has none: nobody here \
                 can present it",
            ));
        }
        let Some(key) = self.key else {
            if claims.is_some_and(|claims| confirms(claims, "jkt").is_some()) {
                return Err(Refusal(
                    "not_ours",
                    "the issued token is bound to a DPoP key (`cnf.jkt`), and none is configured: nobody here can present \
                     it; where the inbound token is bound, {provider} may have handed its binding on",
                ));
            }
            return match answer.token_type() {
                TokenType::Bearer => Ok(Presentation::Bearer),
                TokenType::NotApplicable if self.requested.is_some_and(|r| !r.is_access_token()) => {
                    Ok(Presentation::Bearer)
                }
                TokenType::NotApplicable => Err(Refusal(
                    "token_type",
                    "`token_type` is `N_A`: what was issued is no access token, and one was asked for",
                )),
                TokenType::DPoP => Err(Refusal(
                    "token_type",
                    "`token_type` is `DPoP`, and no key was offered for one to be bound to",
                )),
                TokenType::Other(_) => {
                    Err(Refusal("token_type", "`token_type` is one that is not known here"))
                }
            };
        };
        // A server that ignores the proof answers with a token that anybody could use.
        if *answer.token_type() != TokenType::DPoP {
            return Err(Refusal(
                "not_bound",
                "the issued token is not bound to the DPoP key that was offered",
            ));
        }
        if claims.is_some_and(|claims| !is_bound_to(claims, key)) {
            return Err(Refusal("not_bound", "the issued token is bound to another key (`cnf.jkt`)"));
        }
        Ok(Presentation::DPoP(key.thumbprint()))
    }

    fn claims(&self, claims: &Claims) -> Result<(), Refusal> {
        if let AudienceRule::AnyOf(wanted) = &self.rules.audience {
            let mut audiences = claims.audiences().peekable();
            if audiences.peek().is_none() {
                return Err(Refusal(
                    "audience",
                    "the issued token has no `aud`: the provider has to be told to add one",
                ));
            }
            if !audiences.any(|aud| wanted.iter().any(|w| w == aud)) {
                return Err(Refusal(
                    "audience",
                    "the issued token is for another audience than the one asked for",
                ));
            }
        }
        if let SubjectRule::Same(claim) = &self.rules.subject {
            let of = |claims: &Claims| claims.get(claim).and_then(Value::as_str).map(str::to_owned);
            let Some(ours) = of(self.subject.claims()) else {
                return Err(Refusal(
                    "no_subject_claim",
                    "the inbound token has no `{subject_claim}`, by which the users of both tokens are compared: have it \
                     added to inbound tokens, or compare another claim",
                ));
            };
            let Some(theirs) = of(claims) else {
                return Err(Refusal(
                    "subject",
                    "the issued token has no `{subject_claim}`, by which the users of both tokens are compared",
                ));
            };
            if ours != theirs {
                return Err(Refusal(
                    "subject",
                    "the issued token is not the same user's (`{subject_claim}`)",
                ));
            }
        }
        if claims.not_before().is_some_and(|nbf| nbf > self.now.plus(LEEWAY)) {
            return Err(Refusal("not_yet", "the issued token is not valid yet (`nbf`): compare the clocks"));
        }
        self.actor(claims)
    }

    fn actor(&self, claims: &Claims) -> Result<(), Refusal> {
        let act = claims.get("act");
        if std::iter::successors(act, earlier_actor).nth(MAX_ACTORS).is_some() {
            return Err(Refusal(
                "actor",
                "the issued token names more than 16 actors, one in the other (`act`)",
            ));
        }
        let named = |claim| {
            let name = act.and_then(Value::as_object).and_then(|act| act.get(claim)).and_then(Value::as_str);
            name.filter(|name| !name.is_empty())
        };
        match &self.rules.actor {
            ActorRule::Any => {}
            // RFC 8693 §4.1: claims that identify the actor. Without one, nobody is named.
            ActorRule::Required(None) if named("sub").or_else(|| named("client_id")).is_some() => {}
            ActorRule::Required(Some(wanted)) if named("sub") == Some(wanted) => {}
            ActorRule::Forbidden if act.is_none() => {}
            ActorRule::Required(_) => {
                return Err(Refusal(
                    "actor",
                    "the issued token does not name the actor (`act`) that the rules require",
                ));
            }
            ActorRule::Forbidden => {
                return Err(Refusal(
                    "actor",
                    "the issued token names an actor (`act`), which the rules forbid",
                ));
            }
        }
        Ok(())
    }

    fn reader<'s>(&'s self, claims: Option<&'s Claims>) -> Reader<'s> {
        let mut audiences = claims.into_iter().flat_map(Claims::audiences);
        Reader {
            names: self.scope_names,
            asked: self.scope,
            audience: audiences.next().filter(|_| audiences.next().is_none()),
            audience_checked: self.rules.audience != AudienceRule::Unchecked,
        }
    }

    /// Scopes that are missing, and scopes beyond the request.
    fn scope(&self, granted: &Granted, reader: &Reader<'_>) -> Result<(Vec<String>, Vec<String>), Refusal> {
        let Some(names) = granted.names() else { return Ok(<_>::default()) };
        let meant = granted.meant(reader);
        let asked: Vec<Name> = self.scope.iter().map(|name| reader.sent(name)).collect();
        // Entra's `.default` stands for what was consented to, and is in no answer.
        let lacks = |(_, name): &(&str, &Name)| !name.full.ends_with("/.default") && !name.is_among(&meant);
        let missing = self.scope.iter().zip(&asked).filter(lacks).map(|(name, _)| name.to_owned());
        let missing: Vec<String> = missing.collect();
        if self.rules.all_scopes && !missing.is_empty() {
            return Err(Refusal("scope_dropped", "the issued token lacks a scope that was asked for"));
        }
        let beyond = names.iter().zip(&meant).filter(|(_, name)| !name.is_among(&asked));
        Ok((missing, beyond.map(|(name, _)| name.clone()).collect()))
    }

    /// What the answer says and what the token says: neither may go beyond. Where neither says anything, it is what
    /// was asked for (RFC 6749 §5.1), unless nothing was.
    fn ceiling(&self, granted: &Granted, reader: &Reader<'_>) -> Result<(), Refusal> {
        let Some(ceiling) = &self.rules.ceiling else { return Ok(()) };
        if granted.unreadable {
            return Err(Refusal(
                "ceiling",
                "`scope` or `scp` of the issued token is no text and no list of texts, so that it cannot be held against \
                 the ceiling",
            ));
        }
        let all = granted.all(reader);
        if all.is_none() && self.scope.is_empty() {
            return Err(Refusal(
                "ceiling",
                "nothing says which scope the issued token has, so that it cannot be held against the ceiling: ask \
                 for a scope",
            ));
        }
        let all = all.unwrap_or_else(|| self.scope.iter().map(|name| reader.sent(name)).collect());
        let ceiling: Vec<Name> = ceiling.iter().map(|name| reader.configured(name)).collect();
        if all.iter().any(|name| !name.is_among(&ceiling)) {
            return Err(Refusal("ceiling", "the issued token has a scope beyond the ceiling"));
        }
        Ok(())
    }

    /// Whether the details that were granted are other ones than were asked for (RFC 9396 §7). A server that does not
    /// say which it granted may not have looked at them.
    fn details(&self, answer: &TokenResponse) -> Result<bool, Refusal> {
        let Some(asked) = self.details else { return Ok(false) };
        let other = !answer.authorization_details().is_some_and(|granted| granted.is_same(asked));
        if other && self.rules.same_details {
            return Err(Refusal(
                "details",
                "the answer has other `authorization_details` than were asked for, or none (RFC 9396 §7)",
            ));
        }
        Ok(other)
    }

    fn life(&self, answer: &TokenResponse, claims: Option<&Claims>) -> Result<(UnixTime, UnixTime), Refusal> {
        let now = self.now;
        let said = answer.expires_in_seconds().map(|s| now.plus(Duration::from_secs(s)));
        let ends = [said, claims.and_then(Claims::expires_at)];
        let end = ends.into_iter().flatten().min();
        if end.is_some_and(|end| end <= now) {
            return Err(Refusal("expired", "the issued token has expired already: compare the clocks"));
        }
        let latest = ends.into_iter().flatten().max();
        if let (Some(limit), Some(latest)) = (self.rules.max_lifetime, latest)
            && latest.since(now) > limit.saturating_add(LEEWAY)
        {
            return Err(Refusal("lifetime", "the issued token lasts longer than the rules allow"));
        }
        let [subject, _] = self.life.until;
        // The downstream reads the token and not the answer: a JWT without `exp` never ends for it, and one with it then.
        let last = match claims {
            Some(claims) => claims.expires_at(),
            None => said,
        };
        if self.rules.within_subject
            && subject.is_some_and(|subject| last.is_none_or(|last| last > subject.plus(LEEWAY)))
        {
            return Err(Refusal("lifetime", "the issued token outlives the subject token"));
        }
        let end = end.unwrap_or(now.plus(self.life.assumed));
        let longest = self.life.longest.map_or(end, |longest| now.plus(longest));
        let end = end.min(longest);
        // A renewal ends when the subject's or the actor's token does, as this one would: there is none, and no margin.
        if let Some(bound) = self.life.until.into_iter().flatten().min()
            && bound <= end
        {
            return Ok((bound, bound));
        }
        let half = end.since(now) / 2;
        let usable_until = end.minus(self.life.margin.min(half));
        // The last fifth of its time, so that a busy user never waits.
        let refresh_at = usable_until.minus(usable_until.since(now) / 5);
        Ok((usable_until, refresh_at))
    }
}

/// Whether what was issued is of the type that was asked for. Where none was, the server chooses (RFC 8693 §2.1): an
/// access token of whatever name, and not what is for its client alone or for other grants.
pub(in crate::plan) fn is_wanted(issued: &str, requested: Option<&TokenTypeUri>) -> bool {
    const NO_ACCESS_TOKENS: [TokenTypeUri; 5] = [
        TokenTypeUri::REFRESH_TOKEN,
        TokenTypeUri::ID_TOKEN,
        TokenTypeUri::SAML1,
        TokenTypeUri::SAML2,
        TokenTypeUri::ID_JAG,
    ];
    match requested {
        Some(requested) => issued == requested.as_str() || same_jwt(issued, requested),
        None => !NO_ACCESS_TOKENS.iter().any(|other| other.as_str() == issued),
    }
}

/// Access tokens that are JWTs may be called either, whichever was asked for.
fn same_jwt(issued: &str, requested: &TokenTypeUri) -> bool {
    let either = |uri: &str| uri == TokenTypeUri::ACCESS_TOKEN.as_str() || uri == TokenTypeUri::JWT.as_str();
    either(issued) && either(requested.as_str())
}

fn earlier_actor<'c>(actor: &Value<'c>) -> Option<Value<'c>> {
    actor.as_object()?.get("act")
}

/// A key that the token is bound to (RFC 7800 §3.1), by this member of `cnf`.
fn confirms<'c>(claims: &'c Claims, member: &str) -> Option<Value<'c>> {
    claims.get("cnf")?.as_object()?.get(member)
}

/// Whether `cnf.jkt` is this key (RFC 9449 §6.1).
pub(in crate::plan) fn is_bound_to(claims: &Claims, key: &DpopKey) -> bool {
    confirms(claims, "jkt").and_then(|jkt| jkt.as_str()) == Some(key.thumbprint().to_base64url().as_str())
}
