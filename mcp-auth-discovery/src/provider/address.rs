//! What operators write, checked.

use url::Url;

use crate::endpoint::{self, EndpointFault};
use crate::server::LocatorError;
use crate::transport;

/// Why a provider's addresses cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Not a host, or not an https URL (http on this machine) without query and fragment.
    #[error("`{0}` is neither a host name nor an https URL without query and fragment")]
    Address(String),
    /// An empty name, or one with characters that do not belong into a path.
    #[error("{what} `{value}` is empty or has characters that do not belong there")]
    Name {
        /// What was named.
        what: &'static str,
        /// The name.
        value: String,
    },
    /// Okta's org authorization server.
    #[error(
        "this is Okta's org authorization server, whose access tokens are opaque and for Okta only: use a custom \
         authorization server, `https://<org>/oauth2/<authServerId>`"
    )]
    OktaOrgServer,
    /// An issuer that this provider does not have.
    #[error("an issuer of {provider} is written `{form}`")]
    IssuerForm {
        /// The provider.
        provider: &'static str,
        /// How its issuers look.
        form: String,
    },
    /// An issuer or endpoint in the settings that is not acceptable.
    #[error("`{field}` {fault}")]
    Endpoint {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        fault: EndpointFault,
    },
    /// An issuer whose metadata cannot be looked for.
    #[error(transparent)]
    Issuer(#[from] LocatorError),
}

/// A host name or URL as an address without a slash at its end.
pub(super) fn address(text: &str) -> Result<String, ProviderError> {
    let bad = || ProviderError::Address(text.to_owned());
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&full).map_err(|_| bad())?;
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain || !transport::is_secure(&url) {
        return Err(bad());
    }
    Ok(format!("{}{}", url.origin().ascii_serialization(), url.path().trim_end_matches('/')))
}

pub(super) fn name<'n>(what: &'static str, value: &'n str) -> Result<&'n str, ProviderError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    if value.is_empty() || matches!(value, "." | "..") || !value.bytes().all(plain) {
        return Err(ProviderError::Name { what, value: value.to_owned() });
    }
    Ok(value)
}

/// The URL of an endpoint.
pub(super) fn endpoint(field: &'static str, value: &str) -> Result<Url, ProviderError> {
    let fault = |fault| ProviderError::Endpoint { field, fault };
    if transport::is_ambiguous(value) {
        return Err(fault(EndpointFault::NotAUrl));
    }
    let url = Url::parse(value).map_err(|_| fault(EndpointFault::NotAUrl))?;
    endpoint::check(&url).map_err(fault)?;
    Ok(url)
}
