//! Writing a Bearer challenge.

use http::{HeaderValue, StatusCode};
use url::Url;

use crate::Scopes;

/// A Bearer challenge (RFC 6750 §3, RFC 9728 §5.1) with the status that it goes with.
///
/// ```
/// use mcp_auth_discovery::challenge::{Challenge, TokenProblem};
///
/// let challenge = Challenge::invalid_token(TokenProblem::Expired);
/// assert_eq!(challenge.status(), 401);
/// assert_eq!(
///     challenge.header_value(),
///     r#"Bearer error="invalid_token", error_description="the access token expired""#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Challenge {
    problem: Problem,
    resource_metadata: Option<String>,
    scope: Scopes,
}

/// What is wrong with a token that was presented. Each kind has one fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenProblem {
    /// Nothing more is said.
    Invalid,
    /// Not a token of a form that we read.
    Malformed,
    /// Past its `exp`.
    Expired,
    /// Before its `nbf` or `iat`.
    NotYetValid,
    /// The signature does not verify, or no key for it is known.
    Signature,
    /// From an issuer that is not trusted here.
    Issuer,
    /// For another resource.
    Audience,
    /// A token for another purpose, such as an ID token.
    Type,
    /// Revoked, or its session ended.
    Revoked,
    /// Bound to a key or certificate that this request did not prove.
    Binding,
    /// Used before, where a token is good once.
    Used,
}

/// What is wrong with how a credential was presented. Each kind has one fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestProblem {
    /// More than one credential in one request.
    MultipleCredentials,
    /// A header that does not follow the grammar of RFC 6750 §2.1.
    MalformedCredential,
    /// A token in a place where none is accepted, such as the query string.
    UnsupportedMethod,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    MissingToken,
    InvalidToken(TokenProblem),
    InsufficientScope,
    InvalidRequest(RequestProblem),
    InsufficientUserAuthentication { acr_values: Option<String>, max_age: Option<String> },
    InsufficientClaims { claims: String },
}

impl Challenge {
    /// No token was presented: 401 without `error` (RFC 6750 §3.1).
    pub fn missing_token() -> Self {
        Self::new(Problem::MissingToken)
    }

    /// The token is not accepted: 401 with `invalid_token`.
    pub fn invalid_token(problem: TokenProblem) -> Self {
        Self::new(Problem::InvalidToken(problem))
    }

    /// The token lacks scopes: 403 with `insufficient_scope`. `scopes` are **all** scopes of the operation, not
    /// the missing ones: a client authorizes again once (SEP-2350).
    pub fn insufficient_scope(scopes: &Scopes) -> Self {
        Self::new(Problem::InsufficientScope).scope(scopes)
    }

    /// The request is malformed: 400 with `invalid_request`.
    pub fn invalid_request(problem: RequestProblem) -> Self {
        Self::new(Problem::InvalidRequest(problem))
    }

    /// The user has to authenticate again, and better: 401 with `insufficient_user_authentication` (RFC 9470 §3).
    /// `acr_values` are separated by spaces, `max_age` is in seconds.
    pub fn insufficient_user_authentication(acr_values: Option<&str>, max_age: Option<u64>) -> Self {
        let acr_values = acr_values.map(str::to_owned);
        let max_age = max_age.map(|seconds| seconds.to_string());
        Self::new(Problem::InsufficientUserAuthentication { acr_values, max_age })
    }

    /// The client has to ask for a token with these claims: 401 with `insufficient_claims` (Entra, "Claims
    /// challenges"). `claims` is the base64 of a claims request.
    pub fn insufficient_claims(claims: impl Into<String>) -> Self {
        Self::new(Problem::InsufficientClaims { claims: claims.into() })
    }

    /// Sets where the metadata of the resource is (RFC 9728 §5.1). MCP wants it on every 401 and 403.
    pub fn resource_metadata(mut self, url: &Url) -> Self {
        self.resource_metadata = Some(url.as_str().to_owned());
        self
    }

    /// Sets the scopes that a client should ask for. `offline_access` is dropped.
    pub fn scope(mut self, scopes: &Scopes) -> Self {
        self.scope = scopes.clone().without_offline_access();
        self
    }

    /// The status of the response that carries this challenge (RFC 6750 §3.1).
    pub fn status(&self) -> StatusCode {
        match self.problem {
            Problem::MissingToken
            | Problem::InvalidToken(_)
            | Problem::InsufficientUserAuthentication { .. }
            | Problem::InsufficientClaims { .. } => StatusCode::UNAUTHORIZED,
            Problem::InsufficientScope => StatusCode::FORBIDDEN,
            Problem::InvalidRequest(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// The error code (RFC 6750 §3.1), none when no token was presented.
    pub fn error(&self) -> Option<&'static str> {
        match self.problem {
            Problem::MissingToken => None,
            Problem::InvalidToken(_) => Some("invalid_token"),
            Problem::InsufficientScope => Some("insufficient_scope"),
            Problem::InvalidRequest(_) => Some("invalid_request"),
            Problem::InsufficientUserAuthentication { .. } => Some("insufficient_user_authentication"),
            Problem::InsufficientClaims { .. } => Some("insufficient_claims"),
        }
    }

    /// The fixed text for people, none when no token was presented.
    pub fn error_description(&self) -> Option<&'static str> {
        match &self.problem {
            Problem::MissingToken => None,
            Problem::InvalidToken(problem) => Some(problem.description()),
            Problem::InsufficientScope => Some("the access token lacks a permission that this request needs"),
            Problem::InvalidRequest(problem) => Some(problem.description()),
            Problem::InsufficientUserAuthentication { .. } => Some("the user has to authenticate again"),
            Problem::InsufficientClaims { .. } => Some("a token with other claims is needed"),
        }
    }

    /// The value of one `WWW-Authenticate` line.
    ///
    /// A challenge without any parameter gets `realm="mcp"`, because RFC 6750 §3 wants at least one.
    pub fn header_value(&self) -> HeaderValue {
        let mut text = String::from("Bearer");
        let scope = (!self.scope.is_empty()).then(|| self.scope.to_string());
        let (acr_values, max_age, claims) = match &self.problem {
            Problem::InsufficientUserAuthentication { acr_values, max_age } => {
                (acr_values.as_deref(), max_age.as_deref(), None)
            }
            Problem::InsufficientClaims { claims } => (None, None, Some(claims.as_str())),
            _ => (None, None, None),
        };
        let parameters = [
            ("resource_metadata", self.resource_metadata.as_deref()),
            ("scope", scope.as_deref()),
            ("error", self.error()),
            ("error_description", self.error_description()),
            ("acr_values", acr_values),
            ("max_age", max_age),
            ("claims", claims),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                push_parameter(&mut text, name, value);
            }
        }
        if text.len() == "Bearer".len() {
            push_parameter(&mut text, "realm", "mcp");
        }
        // INVARIANT: `push_parameter` writes visible ASCII and spaces only, so the fallback is never taken.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(r#"Bearer realm="mcp""#))
    }

    fn new(problem: Problem) -> Self {
        Self { problem, resource_metadata: None, scope: Scopes::default() }
    }
}

impl TokenProblem {
    /// The fixed text that a client sees. Without quotes, backslashes and equal signs.
    pub fn description(self) -> &'static str {
        match self {
            Self::Invalid => "the access token is not valid",
            Self::Malformed => "the access token is malformed",
            Self::Expired => "the access token expired",
            Self::NotYetValid => "the access token is not valid yet",
            Self::Signature => "the signature of the access token is not valid",
            Self::Issuer => "the issuer of the access token is not trusted",
            Self::Audience => "the access token is for another resource",
            Self::Type => "the token is not an access token",
            Self::Revoked => "the access token was revoked",
            Self::Binding => "possession of the key of the access token was not proved",
            Self::Used => "the access token was used before",
        }
    }
}

impl RequestProblem {
    /// The fixed text that a client sees. Without quotes, backslashes and equal signs.
    pub fn description(self) -> &'static str {
        match self {
            Self::MultipleCredentials => "more than one credential in the request",
            Self::MalformedCredential => "the credential is malformed",
            Self::UnsupportedMethod => "an access token is accepted in the authorization header only",
        }
    }
}

/// Appends `name="value"` as a quoted-string (RFC 9110 §5.6.4). What is not visible ASCII or a space, which no
/// caller passes, becomes `?`.
pub(super) fn push_parameter(text: &mut String, name: &str, value: &str) {
    text.push_str(if text.ends_with('"') { ", " } else { " " });
    text.push_str(name);
    text.push_str("=\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => {
                text.push('\\');
                text.push(c);
            }
            ' '..='~' => text.push(c),
            _ => text.push('?'),
        }
    }
    text.push('"');
}
