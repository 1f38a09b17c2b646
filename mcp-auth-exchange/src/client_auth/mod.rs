//! How a client proves who it is at the token endpoint (RFC 6749 §2.3, RFC 8414 `token_endpoint_auth_method`).
//!
//! A [`ClientCredential`] is configuration and lasts; a [`ClientAuthentication`] is what one request carries. For a
//! secret both are the same; an assertion is made and signed anew for each request, with its time and its `jti`.

mod assertion;
mod choose;
mod credential;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use mcp_auth_discovery::Secret;

use crate::form::Form;

pub use assertion::{AssertionAudience, AssertionKey};
pub use choose::NoCommonMethod;
pub(crate) use credential::CredentialParts;
pub use credential::{AuthenticationContext, ClientAuthenticationError, ClientCredential};

/// What `client_assertion_type` says of a JWT (RFC 7523 §2.2).
pub const CLIENT_ASSERTION_TYPE_JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What one request carries to say who the client is.
///
/// ```
/// use mcp_auth_exchange::{ClientAuthentication, Secret};
///
/// let client = ClientAuthentication::client_secret_basic("gateway", Secret::new("hunter2"));
/// assert_eq!(client.method(), "client_secret_basic");
/// assert!(!format!("{client:?}").contains("hunter2"));
/// ```
#[derive(Clone)]
pub struct ClientAuthentication {
    client_id: Option<String>,
    method: Method,
}

#[derive(Clone)]
enum Method {
    None,
    Basic(Secret),
    BasicRaw(Secret),
    Post(Secret),
    Assertion(Secret),
    Certificate(ClientCertificate),
}

/// The client certificate of the connection over which a request has to go (RFC 8705 §2), by the name that the
/// transport knows it under. It is an extension of the `http::Request`; whoever sends the request and has no such
/// certificate must not send it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a name")]
pub struct ClientCertificate(pub Arc<str>);

impl ClientAuthentication {
    /// A public client: only `client_id` is sent (RFC 6749 §3.2.1).
    pub fn none(client_id: impl Into<String>) -> Self {
        Self::of(client_id, Method::None)
    }

    /// Nothing at all, not even `client_id`: for endpoints that know the caller by the subject token, such as
    /// Google's `sts.googleapis.com`, which may refuse requests with an `Authorization` header.
    pub fn anonymous() -> Self {
        Self { client_id: None, method: Method::None }
    }

    /// HTTP Basic with form-encoded identifier and secret (RFC 6749 §2.3.1). The identifier is not repeated in
    /// the body.
    pub fn client_secret_basic(client_id: impl Into<String>, secret: Secret) -> Self {
        Self::of(client_id, Method::Basic(secret))
    }

    /// HTTP Basic as RFC 7617 has it, without the form encoding that RFC 6749 asks for: for servers that do not
    /// decode it. Differs only where identifier or secret have other characters than letters, digits, `*`, `-`,
    /// `.` and `_`. An identifier with a colon cannot be sent this way: the server reads what is before it.
    pub fn client_secret_basic_raw(client_id: impl Into<String>, secret: Secret) -> Self {
        Self::of(client_id, Method::BasicRaw(secret))
    }

    /// Identifier and secret in the body (RFC 6749 §2.3.1).
    pub fn client_secret_post(client_id: impl Into<String>, secret: Secret) -> Self {
        Self::of(client_id, Method::Post(secret))
    }

    /// A JWT in the body (RFC 7523 §2.2): one that was signed by [`AssertionKey::sign`], or one that somebody else
    /// issued to this workload.
    pub fn client_assertion(client_id: impl Into<String>, assertion: Secret) -> Self {
        Self::of(client_id, Method::Assertion(assertion))
    }

    /// A client certificate (RFC 8705 §2, `tls_client_auth` and `self_signed_tls_client_auth`). `client_id` goes
    /// into the body, and the [`ClientCertificate`] into the request's extensions.
    pub fn tls_client_auth(client_id: impl Into<String>, certificate: ClientCertificate) -> Self {
        Self::of(client_id, Method::Certificate(certificate))
    }

    fn of(client_id: impl Into<String>, method: Method) -> Self {
        Self { client_id: Some(client_id.into()), method }
    }

    /// The identifier of the client; empty for [`anonymous`](Self::anonymous).
    pub fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or_default()
    }

    /// The method as metadata calls it (RFC 7591 §2 `token_endpoint_auth_method`).
    pub fn method(&self) -> &'static str {
        match self.method {
            Method::None => "none",
            Method::Basic(_) | Method::BasicRaw(_) => "client_secret_basic",
            Method::Post(_) => "client_secret_post",
            Method::Assertion(_) => "private_key_jwt",
            Method::Certificate(_) => "tls_client_auth",
        }
    }

    /// What must not be in any text of ours.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match &self.method {
            Method::Basic(s) | Method::BasicRaw(s) | Method::Post(s) | Method::Assertion(s) => Some(s),
            Method::None | Method::Certificate(_) => None,
        }
    }

    pub(crate) fn apply(&self, form: &mut Form, headers: &mut HeaderMap) -> Option<ClientCertificate> {
        let id = self.client_id.as_deref();
        match &self.method {
            Method::Basic(secret) => {
                headers.insert(
                    AUTHORIZATION,
                    basic(|pair| {
                        pair.extend(byte_serialize(self.client_id().as_bytes()));
                        pair.push(':');
                        pair.extend(byte_serialize(secret.expose().as_bytes()));
                    }),
                );
                return None;
            }
            Method::BasicRaw(secret) => {
                headers.insert(
                    AUTHORIZATION,
                    basic(|pair| {
                        pair.push_str(self.client_id());
                        pair.push(':');
                        pair.push_str(secret.expose());
                    }),
                );
                return None;
            }
            _ => {}
        }
        if let Some(id) = id {
            form.push("client_id", id);
        }
        match &self.method {
            Method::Post(secret) => form.push("client_secret", secret.expose()),
            Method::Assertion(assertion) => {
                form.push("client_assertion_type", CLIENT_ASSERTION_TYPE_JWT);
                form.push("client_assertion", assertion.expose());
            }
            Method::Certificate(certificate) => return Some(certificate.clone()),
            Method::None | Method::Basic(_) | Method::BasicRaw(_) => {}
        }
        None
    }
}

/// `Basic base64(pair)`, marked sensitive.
fn basic(write: impl FnOnce(&mut String)) -> HeaderValue {
    let mut pair = Zeroizing::new(String::new());
    write(&mut pair);
    let mut text = Zeroizing::new(String::from("Basic "));
    STANDARD.encode_string(pair.as_bytes(), &mut text);
    // INVARIANT: base64 is visible ASCII, so the fallback, which no server accepts, is never taken.
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuthentication")
            .field("client_id", &self.client_id())
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}
