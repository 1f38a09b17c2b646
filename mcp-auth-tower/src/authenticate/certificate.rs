use std::sync::{Arc, OnceLock};

use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::jwk::Thumbprint;

/// The client certificate of a connection, for tokens that are bound to it (RFC 8705 §3).
///
/// The server that ends TLS makes one per connection and inserts a clone into the extensions of each of its requests;
/// the clones share the thumbprint, which is computed once. Whether the certificate is good is for the TLS handshake
/// to say: here it is only compared with the token's `cnf.x5t#S256`.
///
/// ```
/// use mcp_auth_tower::authenticate::PeerCertificate;
///
/// /// After the handshake.
/// fn peer(tls: &rustls::ServerConnection) -> Option<PeerCertificate> {
///     Some(PeerCertificate::new(tls.peer_certificates()?.first()?.as_ref()))
/// }
///
/// /// For each request of the connection, before it goes to the layers.
/// fn name_peer<B>(request: &mut http::Request<B>, peer: Option<&PeerCertificate>) {
///     if let Some(peer) = peer {
///         request.extensions_mut().insert(peer.clone());
///     }
/// }
/// # let _ = peer;
/// # name_peer(&mut http::Request::new(()), Some(&PeerCertificate::new(*b"0")));
/// ```
#[derive(Clone)]
pub struct PeerCertificate(Arc<Certificate>);

struct Certificate {
    der: Vec<u8>,
    thumbprint: OnceLock<Thumbprint>,
}

impl PeerCertificate {
    /// The certificate of the client itself, in DER, without its chain.
    pub fn new(der: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Certificate { der: der.into(), thumbprint: OnceLock::new() }))
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Its SHA-256 thumbprint (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> Thumbprint {
        *self.0.thumbprint.get_or_init(|| Thumbprint::of_certificate(&self.0.der, &AwsLc::new()))
    }
}

/// The thumbprint only: a certificate may name a person.
impl std::fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerCertificate({})", self.thumbprint().to_base64url())
    }
}
