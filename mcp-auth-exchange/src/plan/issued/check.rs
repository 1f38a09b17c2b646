//! The checks.

use std::time::Duration;

use mcp_auth_core::json::Value;
use mcp_auth_core::jwt::Claims;
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::Scopes;

use super::readable::{Readable, read_claims};
use super::{IssuedToken, Presentation};
use crate::dpop::DpopKey;
use crate::plan::rules::{ActorRule, AudienceRule, IssuedRules, SubjectRule};
use crate::{TokenResponse, TokenType, TokenTypeUri};

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
    pub(in crate::plan) key: Option<&'a DpopKey>,
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
            Readable::Opaque if self.rules.readable || matches!(self.rules.actor, ActorRule::Required(_)) => {
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
        self.ceiling(answer, readable.claims())?;
        let granted = said_scope(answer).or_else(|| token_scope(readable.claims()));
        let (missing, beyond) = self.scope(granted.as_deref())?;
        let (usable_until, refresh_at) = self.life(answer, readable.claims())?;
        let scope = granted.map(|granted| granted.join(" "));
        let (token, issued_at) = (token.clone(), self.now);
        Ok(IssuedToken { token, presentation, scope, missing, beyond, issued_at, usable_until, refresh_at })
    }

    fn reads_claims(&self) -> bool {
        self.rules.readable
            || self.rules.audience != AudienceRule::Unchecked
            || self.rules.subject != SubjectRule::Unchecked
            || self.rules.actor != ActorRule::Any
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
        let Some(key) = self.key else {
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
        let jkt = claims.map(|claims| {
            claims
                .get("cnf")
                .and_then(Value::as_object)
                .and_then(|cnf| cnf.get("jkt"))
                .and_then(Value::as_str)
        });
        if jkt.is_some_and(|jkt| jkt != Some(key.thumbprint().to_base64url().as_str())) {
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
            let ours = of(self.subject.claims());
            if ours.is_none() || ours != of(claims) {
                return Err(Refusal("subject", "the issued token is not the same user's"));
            }
        }
        let act = claims.get("act");
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

    /// Scopes that are missing, and scopes beyond the request.
    fn scope(&self, granted: Option<&[String]>) -> Result<(Vec<String>, Vec<String>), Refusal> {
        let Some(granted) = granted else { return Ok(<_>::default()) };
        // Entra's `.default` stands for what was consented to, and is in no answer.
        let lacks = |scope: &&str| !scope.ends_with("/.default") && !granted.iter().any(|g| g == scope);
        let missing: Vec<String> = self.scope.iter().filter(lacks).map(str::to_owned).collect();
        if self.rules.all_scopes && !missing.is_empty() {
            return Err(Refusal("scope_dropped", "the issued token lacks a scope that was asked for"));
        }
        let beyond = granted.iter().filter(|g| !self.scope.contains(g)).cloned().collect();
        Ok((missing, beyond))
    }

    /// What the answer says and what the token says: neither may go beyond. Where neither says anything, it is what
    /// was asked for (RFC 6749 §5.1), unless nothing was.
    fn ceiling(&self, answer: &TokenResponse, claims: Option<&Claims>) -> Result<(), Refusal> {
        let Some(ceiling) = &self.rules.ceiling else { return Ok(()) };
        let (said, written) = (said_scope(answer), token_scope(claims));
        let unknown = said.is_none() && written.is_none();
        if unknown && self.scope.is_empty() {
            return Err(Refusal(
                "ceiling",
                "nothing says which scope the issued token has, so that it cannot be held against the ceiling: ask \
                 for a scope",
            ));
        }
        let asked = self.scope.iter().filter(|_| unknown).map(str::to_owned);
        let mut all = said.into_iter().chain(written).flatten().chain(asked);
        if all.any(|scope| !ceiling.contains(&scope)) {
            return Err(Refusal("ceiling", "the issued token has a scope beyond the ceiling"));
        }
        Ok(())
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
            && latest.since(now) > limit
        {
            return Err(Refusal("lifetime", "the issued token lasts longer than the rules allow"));
        }
        let [subject, _] = self.life.until;
        // The downstream reads the token and not the answer: a JWT without `exp` never ends for it.
        let endless = latest.is_none() || claims.is_some_and(|claims| claims.expires_at().is_none());
        if self.rules.within_subject
            && subject.is_some_and(|subject| endless || latest.is_some_and(|latest| latest > subject))
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

/// The scope by the answer.
fn said_scope(answer: &TokenResponse) -> Option<Vec<String>> {
    answer.scope().map(|scope| scope.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect())
}

/// The scope by the token: `scope`, or else `scp`.
fn token_scope(claims: Option<&Claims>) -> Option<Vec<String>> {
    let claims = claims.filter(|claims| claims.get("scope").or_else(|| claims.get("scp")).is_some())?;
    Some(claims.scopes_in(&["scope", "scp"]).map(str::to_owned).collect())
}
