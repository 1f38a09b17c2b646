//! Sending the user to the authorization server (RFC 6749 §4.1.1).

use url::Url;

use mcp_auth_discovery::registration::{RedirectUriError, RedirectUriRules};
use mcp_auth_discovery::{ResourceIdentifier, Scopes, transport};

use super::{PkceChallenge, State};
use crate::endpoint::{self, EndpointError};

/// Parameters that only this type writes.
const RESERVED: [&str; 9] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
];

/// Parameters that would move the request out of the URL that was checked (RFC 9101).
const FORBIDDEN: [&str; 2] = ["request", "request_uri"];

/// An authorization request: `code` with PKCE `S256`, `state` and, for MCP, `resource`.
///
/// ```
/// use mcp_auth_discovery::{ResourceIdentifier, Scopes};
/// use mcp_auth_exchange::grant::authorization_code::{AuthorizationRequest, PkceVerifier, State};
/// use url::Url;
///
/// let verifier = PkceVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// let url = AuthorizationRequest::new(
///     &Url::parse("https://login.example.com/authorize")?,
///     "inspector",
///     "http://localhost:6274/callback",
///     &State::parse("af0ifjsldkj")?,
///     &verifier.challenge(),
/// )?
/// .scope(&Scopes::parse("files:read")?)
/// .resource(&ResourceIdentifier::parse("https://mcp.example.com/files")?)
/// .url();
/// assert_eq!(
///     url.as_str(),
///     "https://login.example.com/authorize?response_type=code&client_id=inspector\
///      &redirect_uri=http%3A%2F%2Flocalhost%3A6274%2Fcallback&state=af0ifjsldkj\
///      &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
///      &scope=files%3Aread&resource=https%3A%2F%2Fmcp.example.com%2Ffiles",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct AuthorizationRequest {
    url: Url,
    scope: Scopes,
    resource: Option<ResourceIdentifier>,
    parameters: Vec<(String, String)>,
}

/// Why an authorization request cannot be made: a mistake of configuration or of the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationRequestError {
    /// The authorization endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The redirect URI.
    #[error(transparent)]
    RedirectUri(#[from] RedirectUriError),
    /// The client identifier is empty.
    #[error("client identifier is empty")]
    ClientId,
    /// This parameter is written by the request itself, or is never sent, or was given before.
    #[error("parameter `{0}` cannot be added")]
    Parameter(String),
}

impl AuthorizationRequest {
    /// Starts a request. The redirect URI follows [`RedirectUriRules::default`].
    ///
    /// # Errors
    ///
    /// [`AuthorizationRequestError`]: the endpoint is not `https` (or `http` to a loopback host) or has a
    /// fragment, user information or a parameter of the request in its query; the redirect URI is not `https` or
    /// loopback; the client identifier is empty.
    pub fn new(
        endpoint: &Url,
        client_id: &str,
        redirect_uri: &str,
        state: &State,
        challenge: &PkceChallenge,
    ) -> Result<Self, AuthorizationRequestError> {
        endpoint::check(endpoint, transport::is_secure(endpoint))?;
        if endpoint.query_pairs().any(|(name, _)| is_reserved(&name)) {
            return Err(EndpointError::Query.into());
        }
        RedirectUriRules::default().check(redirect_uri)?;
        if client_id.is_empty() {
            return Err(AuthorizationRequestError::ClientId);
        }
        let mut url = endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state.expose())
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", PkceChallenge::METHOD);
        Ok(Self { url, scope: Scopes::default(), resource: None, parameters: Vec::new() })
    }

    /// Asks for scopes. The empty set is not sent.
    pub fn scope(mut self, scopes: &Scopes) -> Self {
        self.scope = scopes.clone();
        self
    }

    /// Says for which resource the token will be (RFC 8707 §2.1; MCP requires it of clients).
    pub fn resource(mut self, resource: &ResourceIdentifier) -> Self {
        self.resource = Some(resource.clone());
        self
    }

    /// Adds a parameter that a provider or OpenID Connect defines, such as `audience`, `prompt` or `nonce`.
    ///
    /// # Errors
    ///
    /// [`AuthorizationRequestError::Parameter`] when the request writes this parameter itself, when it would
    /// replace the request (`request`, `request_uri`), and when it was added before.
    pub fn parameter(mut self, name: &str, value: &str) -> Result<Self, AuthorizationRequestError> {
        let known = self.url.query_pairs().any(|(known, _)| known == name)
            || self.parameters.iter().any(|(known, _)| known == name);
        if name.is_empty() || known || is_reserved(name) {
            return Err(AuthorizationRequestError::Parameter(name.chars().take(64).collect()));
        }
        self.parameters.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// Where the user agent is sent.
    pub fn url(&self) -> Url {
        let mut url = self.url.clone();
        let mut query = url.query_pairs_mut();
        if !self.scope.is_empty() {
            query.append_pair("scope", &self.scope.to_string());
        }
        if let Some(resource) = &self.resource {
            query.append_pair("resource", resource.as_str());
        }
        query.extend_pairs(&self.parameters);
        drop(query);
        url
    }
}

/// Without the state.
impl std::fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("endpoint", &self.url.path())
            .field("scope", &self.scope)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || FORBIDDEN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::PkceVerifier;
    use super::*;

    fn make(
        endpoint: &str,
        client_id: &str,
        redirect_uri: &str,
    ) -> Result<AuthorizationRequest, AuthorizationRequestError> {
        let state = State::parse("canary&x=y").unwrap();
        let challenge = PkceVerifier::from_random([1; 32]).challenge();
        AuthorizationRequest::new(&Url::parse(endpoint).unwrap(), client_id, redirect_uri, &state, &challenge)
    }

    #[test]
    fn row_155_login_url_has_pkce_and_resource() {
        let url = make("https://as/authorize?tenant=1", "c", "http://localhost:1/cb")
            .unwrap()
            .resource(&ResourceIdentifier::parse("https://h/mcp").unwrap())
            .parameter("prompt", "consent")
            .unwrap()
            .url();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let get = |name: &str| {
            let found: Vec<_> = pairs.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
            assert!(found.len() < 2, "{name} twice");
            found.first().copied()
        };
        assert_eq!(get("tenant"), Some("1"));
        assert_eq!(get("response_type"), Some("code"));
        assert_eq!(get("code_challenge_method"), Some("S256"));
        assert_eq!(get("code_challenge").map(str::len), Some(43));
        assert_eq!(get("resource"), Some("https://h/mcp"));
        assert_eq!(get("state"), Some("canary&x=y"));
        assert_eq!(get("prompt"), Some("consent"));
        assert_eq!((get("scope"), get("x")), (None, None));
    }

    #[test]
    fn attack_110_endpoints_elsewhere_than_over_tls_are_refused() {
        for bad in
            ["http://as/authorize", "javascript:alert(1)", "file:///x", "https://as/#f", "https://u@as/"]
        {
            assert!(
                matches!(make(bad, "c", "https://a/cb"), Err(AuthorizationRequestError::Endpoint(_))),
                "{bad}"
            );
        }
        for query in
            ["state=x", "resource=https://evil", "request_uri=https://evil", "code_challenge_method=plain"]
        {
            let error = make(&format!("https://as/authorize?{query}"), "c", "https://a/cb").unwrap_err();
            assert_eq!(error, AuthorizationRequestError::Endpoint(EndpointError::Query));
        }
    }

    #[test]
    fn odd_arguments_are_refused() {
        assert_eq!(make("https://as", "", "https://a/cb").unwrap_err(), AuthorizationRequestError::ClientId);
        let error = make("https://as", "c", "http://a/cb").unwrap_err();
        assert_eq!(error, AuthorizationRequestError::RedirectUri(RedirectUriError::InsecureHttp));
        let request = make("https://as?a=1", "c", "https://a/cb").unwrap().parameter("nonce", "n").unwrap();
        for name in ["", "a", "nonce", "state", "redirect_uri", "request", "scope", "response_mode"] {
            assert!(request.clone().parameter(name, "x").is_err(), "{name}");
        }
        assert!(!format!("{request:?}").contains("canary"));
    }
}
