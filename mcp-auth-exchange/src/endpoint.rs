//! Where tokens may be asked for.

use std::fmt;

use http::Uri;
use url::Url;

use mcp_auth_discovery::transport;

/// A token endpoint (RFC 6749 §3.2) to which secrets may be sent: `https`, or `http` to a loopback host, without
/// fragment and user information.
///
/// ```
/// use mcp_auth_exchange::TokenEndpoint;
/// use url::Url;
///
/// assert!(TokenEndpoint::new(&Url::parse("https://login.example.com/token")?).is_ok());
/// assert!(TokenEndpoint::new(&Url::parse("http://login.example.com/token")?).is_err());
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TokenEndpoint {
    uri: Uri,
}

/// Why a URL is not an endpoint to which secrets may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Neither `https`, nor `http` to a loopback host.
    #[error("endpoint is not https")]
    Insecure,
    /// With a fragment (RFC 6749 §3.2).
    #[error("endpoint has a fragment")]
    Fragment,
    /// With a user name or a password.
    #[error("endpoint has user information")]
    UserInfo,
    /// Not the URI of an HTTP request, or too long for one.
    #[error("endpoint is not the URI of a request")]
    Uri,
    /// The query already holds a parameter of the request.
    #[error("endpoint has a parameter of the request in its query")]
    Query,
}

impl TokenEndpoint {
    /// Checks an endpoint.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] with the reason.
    pub fn new(url: &Url) -> Result<Self, EndpointError> {
        check(url, transport::is_secure(url))?;
        Self::from_checked(url)
    }

    /// Accepts `http` to any host: secrets can be read by everyone on the way. For closed test networks.
    ///
    /// # Errors
    ///
    /// As [`TokenEndpoint::new`], but `http` is not [`EndpointError::Insecure`].
    pub fn insecure_http(url: &Url) -> Result<Self, EndpointError> {
        check(url, matches!(url.scheme(), "http" | "https"))?;
        Self::from_checked(url)
    }

    /// The endpoint as the URI of a request.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The endpoint for logs, findings and metrics: a query may hold the key of an API gateway.
    pub fn without_query(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}{}", self.uri.scheme_str().unwrap_or_default(), self.uri.path())
    }

    fn from_checked(url: &Url) -> Result<Self, EndpointError> {
        Uri::try_from(url.as_str()).map(|uri| Self { uri }).map_err(|_| EndpointError::Uri)
    }
}

/// Without its query.
impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenEndpoint({})", self.without_query())
    }
}

/// The rules that authorization and token endpoints share.
pub(crate) fn check(url: &Url, secure: bool) -> Result<(), EndpointError> {
    if !secure {
        return Err(EndpointError::Insecure);
    }
    if url.fragment().is_some() {
        return Err(EndpointError::Fragment);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::UserInfo);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_112_a_query_is_in_no_text() {
        let new = |text: &str| TokenEndpoint::new(&Url::parse(text).unwrap()).unwrap();
        let endpoint = new("https://h:8443/a/token?code=canary");
        assert_eq!(endpoint.without_query(), "https://h:8443/a/token");
        assert_eq!(format!("{endpoint:?}"), "TokenEndpoint(https://h:8443/a/token)");
        assert_eq!(new("http://[::1]:9000").without_query(), "http://[::1]:9000/");
    }

    #[test]
    fn attack_110_endpoints_elsewhere_than_over_tls_are_refused() {
        let new = |text: &str| TokenEndpoint::new(&Url::parse(text).unwrap()).map(|e| e.uri().to_string());
        assert_eq!(new("https://h/token?tenant=1").unwrap(), "https://h/token?tenant=1");
        assert!(new("http://[::1]:9000/token").is_ok());
        for bad in ["http://h/", "javascript:1", "file:///x", "ftp://localhost/"] {
            assert_eq!(new(bad), Err(EndpointError::Insecure), "{bad}");
        }
        assert_eq!(new("https://h/#f"), Err(EndpointError::Fragment));
        assert_eq!(new("https://u:p@h/"), Err(EndpointError::UserInfo));
        assert_eq!(new(&format!("https://h/{}", "a".repeat(70_000))), Err(EndpointError::Uri));
        assert!(TokenEndpoint::insecure_http(&Url::parse("http://keycloak:7080/token").unwrap()).is_ok());
        assert!(TokenEndpoint::insecure_http(&Url::parse("file:///token").unwrap()).is_err());
    }
}
