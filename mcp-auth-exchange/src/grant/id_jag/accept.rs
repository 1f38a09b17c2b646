//! The authorization server's side: what makes an ID-JAG good.

use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_core::json::Value;
use mcp_auth_core::jwk::{KeySet, Thumbprint};
use mcp_auth_core::jwt::{Algorithm, Claims, Jws, TokenLimits};

use super::error::{IdJagError, IdJagErrorKind as Kind};

/// What an authorization server asks of ID-JAGs.
///
/// 1. It is a JWT of type `oauth-id-jag+jwt`, signed by an identity provider that is trusted here, and not by this
///    server itself.
/// 2. `aud` is this server's issuer identifier and nothing besides: a string, or an array of exactly one element.
/// 3. `client_id` is the client that authenticated at the token endpoint.
/// 4. `sub`, `jti`, `exp` and `iat` are there, and it is that time: at most five minutes, 30 seconds of leeway.
/// 5. `resource` is there and one of this server's. MCP requires it; the draft alone does not.
/// 6. With `cnf.jkt`, the request proved that key (DPoP).
///
/// Whether one may be used twice is the operator's choice: the draft and Auth0 allow it until it expires, FastMCP,
/// ToolHive and Cloudflare burn it. To burn it, record issuer and [`IdJag::jti`] after `accept`, so that somebody
/// else who has it cannot use it up.
#[derive(Clone, Debug)]
pub struct IdJagRules {
    issuer: String,
    trusted: Vec<(String, Vec<Algorithm>)>,
    resources: Vec<String>,
    resource_required: bool,
    max_lifetime: Duration,
    leeway: Duration,
}

/// An ID-JAG whose issuer is known and whose signature is not checked yet.
#[derive(Debug)]
pub struct UnverifiedIdJag<'t> {
    jws: Jws<'t>,
    claims: Claims,
    issuer: usize,
}

/// An ID-JAG that holds: only [`IdJagRules::accept`] makes one.
#[derive(Clone, Debug)]
pub struct IdJag {
    claims: Claims,
    expires_at: UnixTime,
}

impl IdJagRules {
    /// Rules of the authorization server with this issuer identifier. Nobody is trusted yet.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            trusted: Vec::new(),
            resources: Vec::new(),
            resource_required: true,
            max_lifetime: Duration::from_secs(300),
            leeway: Duration::from_secs(30),
        }
    }

    /// Trusts an identity provider to vouch for users, with these algorithms.
    #[must_use]
    pub fn trust(mut self, issuer: impl Into<String>, algorithms: &[Algorithm]) -> Self {
        self.trusted.push((issuer.into(), algorithms.to_vec()));
        self
    }

    /// Adds a resource that this server issues tokens for. With none, any `resource` passes and the caller decides.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// Accepts ID-JAGs without `resource`, as the draft does. The token to issue is then for whatever the server has
    /// as its default.
    #[must_use]
    pub fn resource_optional(mut self) -> Self {
        self.resource_required = false;
        self
    }

    /// Sets how long an ID-JAG may last, from `iat` to `exp`.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// Reads an assertion as far as is needed to find its issuer's keys.
    ///
    /// # Errors
    ///
    /// [`IdJagError`].
    pub fn parse<'t>(&self, assertion: &'t str) -> Result<UnverifiedIdJag<'t>, IdJagError> {
        let jws = Jws::parse(assertion, TokenLimits::default())?;
        if !jws.typ().is_some_and(|typ| typ.eq_ignore_ascii_case(super::TYP)) {
            return Err(Kind::Type.into());
        }
        let claims = Claims::parse(&jws.unverified_payload()?)?;
        let iss = claims.issuer().ok_or(Kind::Claim("iss"))?;
        if iss == self.issuer {
            return Err(Kind::OwnIssuer.into());
        }
        let issuer = self.trusted.iter().position(|(name, _)| name == iss).ok_or(Kind::UntrustedIssuer)?;
        Ok(UnverifiedIdJag { jws, claims, issuer })
    }

    /// Checks an assertion with its issuer's keys. `client_id` is the client that authenticated with this request,
    /// `proved` the key of the DPoP proof that came with it.
    ///
    /// # Errors
    ///
    /// [`IdJagError`].
    pub fn accept(
        &self,
        assertion: UnverifiedIdJag<'_>,
        keys: &KeySet,
        client_id: &str,
        proved: Option<Thumbprint>,
        now: UnixTime,
    ) -> Result<IdJag, IdJagError> {
        let UnverifiedIdJag { jws, claims, issuer } = assertion;
        let algorithms =
            self.trusted.get(issuer).map(|(_, algorithms)| algorithms.as_slice()).unwrap_or_default();
        if !algorithms.contains(&jws.algorithm()) {
            return Err(Kind::Algorithm.into());
        }
        jws.verify(keys)?;
        let mut audiences = claims.audiences();
        if audiences.next() != Some(self.issuer.as_str()) || audiences.next().is_some() {
            return Err(Kind::Audience.into());
        }
        drop(audiences);
        // `azp` is no substitute here, so that `Claims::client_id` will not do.
        if text(&claims, "client_id")? != client_id {
            return Err(Kind::Client.into());
        }
        for claim in ["sub", "jti"] {
            text(&claims, claim)?;
        }
        let expires_at = self.check_time(&claims, now)?;
        self.check_resource(&claims)?;
        check_key(&claims, proved)?;
        Ok(IdJag { claims, expires_at })
    }

    fn check_time(&self, claims: &Claims, now: UnixTime) -> Result<UnixTime, IdJagError> {
        let exp = claims.expires_at().ok_or(Kind::Claim("exp"))?;
        let iat = claims.issued_at().ok_or(Kind::Claim("iat"))?;
        let nbf = claims.not_before().unwrap_or(iat);
        if now >= exp.plus(self.leeway) || iat > now.plus(self.leeway) || nbf > now.plus(self.leeway) {
            return Err(Kind::Time { iat, exp, now }.into());
        }
        if exp.since(iat) > self.max_lifetime {
            return Err(Kind::Lifetime { seconds: self.max_lifetime.as_secs() }.into());
        }
        Ok(exp)
    }

    fn check_resource(&self, claims: &Claims) -> Result<(), IdJagError> {
        let mut named = resources(claims)?.peekable();
        if named.peek().is_none() {
            return if self.resource_required { Err(Kind::Claim("resource").into()) } else { Ok(()) };
        }
        if self.resources.is_empty() || named.all(|r| self.resources.iter().any(|ours| ours == r)) {
            Ok(())
        } else {
            Err(Kind::Resource.into())
        }
    }
}

impl UnverifiedIdJag<'_> {
    /// The identity provider whose keys are needed: one that is trusted.
    pub fn issuer(&self) -> &str {
        self.claims.issuer().unwrap_or_default()
    }
}

impl IdJag {
    /// All claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The identity provider.
    pub fn issuer(&self) -> &str {
        self.claims.issuer().unwrap_or_default()
    }

    /// The user, as the identity provider calls him. Names of two identity providers are never compared.
    pub fn subject(&self) -> &str {
        self.claims.subject().unwrap_or_default()
    }

    /// The identifier; once per issuer.
    pub fn jti(&self) -> &str {
        self.claims.get("jti").and_then(Value::as_str).unwrap_or_default()
    }

    /// When it ends.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// For which resources a token may be issued.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        resources(&self.claims).into_iter().flatten()
    }

    /// What a token may be for: the ceiling of what is issued.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims.scopes_in(&["scope"])
    }
}

fn text<'c>(claims: &'c Claims, claim: &'static str) -> Result<&'c str, IdJagError> {
    claims
        .get(claim)
        .and_then(Value::as_str)
        .filter(|t| !t.is_empty())
        .ok_or_else(|| Kind::Claim(claim).into())
}

/// `resource`: a string or an array of strings.
fn resources(claims: &Claims) -> Result<impl Iterator<Item = &str>, IdJagError> {
    let claim = claims.get("resource");
    let array = claim.and_then(Value::as_array);
    let strings = array.is_some_and(|a| a.iter().all(|v| v.as_str().is_some()));
    if !matches!(claim, None | Some(Value::String(_))) && !strings {
        return Err(Kind::Claim("resource").into());
    }
    let many = array.into_iter().flat_map(|a| a.iter().filter_map(Value::as_str));
    Ok(claim.and_then(Value::as_str).into_iter().chain(many))
}

fn check_key(claims: &Claims, proved: Option<Thumbprint>) -> Result<(), IdJagError> {
    let Some(cnf) = claims.get("cnf") else { return Ok(()) };
    // Another confirmation method cannot be checked, so that it is not passed over.
    let jkt = cnf.as_object().filter(|o| o.len() == 1).and_then(|o| o.get("jkt")).and_then(Value::as_str);
    match jkt.and_then(Thumbprint::from_base64url) {
        Some(key) if proved == Some(key) => Ok(()),
        _ => Err(Kind::Key.into()),
    }
}
