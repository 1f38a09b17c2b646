//! Which URLs of a fetched document may be used.

use url::Url;

use crate::transport;

/// Why a URL in a document is not one to which a request, a user or a secret may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointFault {
    /// Not an absolute URL.
    #[error("is not an absolute URL")]
    NotAUrl,
    /// Neither `https`, nor `http` to a loopback host.
    #[error("is not https (http is for loopback hosts only)")]
    Insecure,
    /// Another scheme than `http` and `https`, such as `javascript` or `file`.
    #[error("is not https (its scheme is neither http nor https)")]
    Scheme,
    /// With a user name or a password.
    #[error("has user information")]
    UserInfo,
    /// With a fragment (RFC 6749 §3.1, §3.2).
    #[error("has a fragment")]
    Fragment,
}

/// `https`, or `http` to this machine, without user information and fragment.
pub(crate) fn check(url: &Url) -> Result<(), EndpointFault> {
    check_insecure_http(url)?;
    if transport::is_secure(url) { Ok(()) } else { Err(EndpointFault::Insecure) }
}

/// As [`check`], for closed networks: `http` to any host.
pub(crate) fn check_insecure_http(url: &Url) -> Result<(), EndpointFault> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointFault::Scheme);
    }
    if transport::has_userinfo(url) {
        return Err(EndpointFault::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(EndpointFault::Fragment);
    }
    Ok(())
}
