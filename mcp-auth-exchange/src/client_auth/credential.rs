//! What a client has to prove who it is, from configuration.

use std::fmt;
use std::sync::Arc;

use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::SigningFailed;
use mcp_auth_discovery::Secret;

use super::{AssertionKey, ClientAuthentication, ClientCertificate};
use crate::TokenEndpoint;

/// A client and what it proves itself with. It makes one [`ClientAuthentication`] per request.
///
/// ```
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_exchange::client_auth::AuthenticationContext;
/// use mcp_auth_exchange::{ClientCredential, Secret, TokenEndpoint};
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://login.example.com/token")?)?;
/// // The text of the service account token's file, read by whoever may read files.
/// let token = Secret::new("eyJhbGciOiJSUzI1NiJ9.e30.c2ln");
/// let context = AuthenticationContext {
///     endpoint: &endpoint,
///     jti: "b7d1…",
///     workload_token: Some(&token),
///     now: UnixTime::from_secs(1_700_000_000),
/// };
/// let client = ClientCredential::workload_identity("gateway").authenticate(&context)?;
/// assert_eq!(client.method(), "private_key_jwt");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientCredential {
    client_id: Option<String>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    None,
    Basic(Secret),
    BasicRaw(Secret),
    Post(Secret),
    Key(Arc<AssertionKey>),
    WorkloadToken,
    Certificate(ClientCertificate),
}

/// What of a credential goes into the cache's key.
pub(crate) struct CredentialParts<'a> {
    pub(crate) client_id: Option<&'a str>,
    pub(crate) method: &'static str,
    pub(crate) certificate: Option<&'a str>,
}

/// What an authentication depends on besides the credential.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "all that RFC 7523 §3 puts into an assertion")]
pub struct AuthenticationContext<'a> {
    /// Where the request goes.
    pub endpoint: &'a TokenEndpoint,
    /// An identifier that is never used twice, for assertions that we sign: 16 random bytes or more, as text.
    pub jti: &'a str,
    /// The workload's own token as its file has it now, for [`ClientCredential::workload_identity`].
    pub workload_token: Option<&'a Secret>,
    /// The time.
    pub now: UnixTime,
}

/// Why a client cannot say who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientAuthenticationError {
    /// The library refused to sign.
    #[error("the client assertion could not be signed")]
    Signing,
    /// There is no workload token, or it is not the text of a token.
    #[error(
        "there is no workload token: check the path of the projected service account token and its volume"
    )]
    WorkloadToken,
}

impl From<SigningFailed> for ClientAuthenticationError {
    fn from(_: SigningFailed) -> Self {
        Self::Signing
    }
}

impl ClientCredential {
    fn of(client_id: impl Into<String>, kind: Kind) -> Self {
        Self { client_id: Some(client_id.into()), kind }
    }

    /// A public client.
    pub fn none(client_id: impl Into<String>) -> Self {
        Self::of(client_id, Kind::None)
    }

    /// No client at all: see [`ClientAuthentication::anonymous`].
    pub fn anonymous() -> Self {
        Self { client_id: None, kind: Kind::None }
    }

    /// A secret in the header: see [`ClientAuthentication::client_secret_basic`].
    pub fn client_secret_basic(client_id: impl Into<String>, secret: Secret) -> Self {
        Self::of(client_id, Kind::Basic(secret))
    }

    /// A secret in the header, not form-encoded: see [`ClientAuthentication::client_secret_basic_raw`].
    pub fn client_secret_basic_raw(client_id: impl Into<String>, secret: Secret) -> Self {
        Self::of(client_id, Kind::BasicRaw(secret))
    }

    /// A secret in the body.
    pub fn client_secret_post(client_id: impl Into<String>, secret: Secret) -> Self {
        Self::of(client_id, Kind::Post(secret))
    }

    /// A private key, with or without a certificate (`private_key_jwt`).
    pub fn private_key_jwt(client_id: impl Into<String>, key: AssertionKey) -> Self {
        Self::of(client_id, Kind::Key(Arc::new(key)))
    }

    /// A token that somebody else issued to this workload: a projected Kubernetes service account token, a SPIFFE
    /// JWT-SVID, a managed identity's token (RFC 7523 §2.2; Entra calls it a federated credential). Its text is
    /// given in for each request, since its file is rotated.
    pub fn workload_identity(client_id: impl Into<String>) -> Self {
        Self::of(client_id, Kind::WorkloadToken)
    }

    /// A client certificate (RFC 8705 §2), by the name that the transport knows it under.
    pub fn tls_client_auth(client_id: impl Into<String>, certificate: impl Into<Arc<str>>) -> Self {
        Self::of(client_id, Kind::Certificate(ClientCertificate(certificate.into())))
    }

    /// The identifier of the client; `None` for [`anonymous`](Self::anonymous).
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The method as metadata calls it (RFC 7591 §2 `token_endpoint_auth_method`).
    pub fn method(&self) -> &'static str {
        match self.kind {
            Kind::None => "none",
            Kind::Basic(_) | Kind::BasicRaw(_) => "client_secret_basic",
            Kind::Post(_) => "client_secret_post",
            Kind::Key(_) | Kind::WorkloadToken => "private_key_jwt",
            Kind::Certificate(_) => "tls_client_auth",
        }
    }

    /// The algorithm of our own assertions, where there are any.
    pub fn signing_algorithm(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Key(key) => Some(key.algorithm()),
            _ => None,
        }
    }

    /// Whether our own assertions name the key's certificate; `None` where there are none.
    pub(crate) fn names_certificate(&self) -> Option<bool> {
        match &self.kind {
            Kind::Key(key) => Some(key.names_certificate()),
            _ => None,
        }
    }

    /// What of it decides which tokens come back. INVARIANT: taken apart without `..`, as in `cache/key.rs`.
    pub(crate) fn parts(&self) -> CredentialParts<'_> {
        let Self { client_id, kind } = self;
        // A new secret or key of one client is still that client.
        let certificate = match kind {
            Kind::Certificate(ClientCertificate(name)) => Some(&**name),
            Kind::None
            | Kind::Basic(_)
            | Kind::BasicRaw(_)
            | Kind::Post(_)
            | Kind::Key(_)
            | Kind::WorkloadToken => None,
        };
        CredentialParts { client_id: client_id.as_deref(), method: self.method(), certificate }
    }

    /// Whether [`AuthenticationContext::workload_token`] is needed.
    pub fn wants_workload_token(&self) -> bool {
        matches!(self.kind, Kind::WorkloadToken)
    }

    /// The client certificate of the connection, where one is needed.
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        match &self.kind {
            Kind::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    /// What one request carries.
    ///
    /// # Errors
    ///
    /// [`ClientAuthenticationError`].
    pub fn authenticate(
        &self,
        context: &AuthenticationContext<'_>,
    ) -> Result<ClientAuthentication, ClientAuthenticationError> {
        let Some(id) = self.client_id.clone() else { return Ok(ClientAuthentication::anonymous()) };
        Ok(match &self.kind {
            Kind::None => ClientAuthentication::none(id),
            Kind::Basic(secret) => ClientAuthentication::client_secret_basic(id, secret.clone()),
            Kind::BasicRaw(secret) => ClientAuthentication::client_secret_basic_raw(id, secret.clone()),
            Kind::Post(secret) => ClientAuthentication::client_secret_post(id, secret.clone()),
            Kind::Key(key) => {
                let endpoint = context.endpoint.uri().to_string();
                let assertion = key.sign(&id, &endpoint, context.jti, context.now)?;
                ClientAuthentication::client_assertion(id, assertion)
            }
            Kind::WorkloadToken => {
                let token = context.workload_token.ok_or(ClientAuthenticationError::WorkloadToken)?;
                // Files end with a newline.
                let text = token.expose().trim_ascii();
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(ClientAuthenticationError::WorkloadToken);
                }
                ClientAuthentication::client_assertion(id, Secret::new(text))
            }
            Kind::Certificate(name) => ClientAuthentication::tls_client_auth(id, name.clone()),
        })
    }
}

impl fmt::Debug for ClientCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredential")
            .field("client_id", &self.client_id)
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}
