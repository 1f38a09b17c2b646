//! Whom connections trust, and whom they show.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, TrustAnchor};
use rustls::{ClientConfig, RootCertStore};

use super::FetchError;

/// What a PEM text lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// No `CERTIFICATE` section, or one that is damaged.
    #[error("expected certificates in PEM (`-----BEGIN CERTIFICATE-----`): {0}")]
    Certificate(String),
    /// A certificate that is not that of an authority: another version than 3, or damaged inside.
    #[error("certificate {index} cannot be trusted as an authority: {reason}")]
    Authority {
        /// Which one of the text, from 1.
        index: usize,
        /// What the library says.
        reason: String,
    },
    /// No private key, or one that is damaged or encrypted.
    #[error("expected a private key in PEM (`-----BEGIN PRIVATE KEY-----`, not encrypted)")]
    Key,
}

/// Trust anchors besides Mozilla's, and a certificate of our own.
#[derive(Clone, Default)]
pub(super) struct Tls {
    authorities: Vec<TrustAnchor<'static>>,
    identity: Option<Arc<Identity>>,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Tls {
    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), PemError> {
        let mut store = RootCertStore::empty();
        for (at, certificate) in certificates(pem)?.into_iter().enumerate() {
            let refused = |e: rustls::Error| PemError::Authority { index: at + 1, reason: e.to_string() };
            store.add(certificate).map_err(refused)?;
        }
        self.authorities.append(&mut store.roots);
        Ok(())
    }

    pub(super) fn identify(&mut self, chain: &[u8], key: &[u8]) -> Result<(), PemError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PemError::Key)?;
        self.identity = Some(Arc::new(Identity { chain, key }));
        Ok(())
    }

    /// Without a certificate of our own.
    pub(super) fn anonymous(mut self) -> Self {
        self.identity = None;
        self
    }

    pub(super) fn config(self) -> Result<ClientConfig, FetchError> {
        let failed = |e: rustls::Error| FetchError::Tls(e.to_string());
        let own = self.authorities.into_iter();
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().chain(own).collect();
        // The provider is passed as a value: no process-wide default is read or set.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(roots);
        match self.identity {
            None => Ok(config.with_no_client_auth()),
            Some(own) => config.with_client_auth_cert(own.chain.clone(), own.key.clone_key()).map_err(failed),
        }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|e| PemError::Certificate(e.to_string()))?;
    if read.is_empty() {
        return Err(PemError::Certificate("there is none".to_owned()));
    }
    Ok(read)
}

/// Without the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Tls");
        debug.field("authorities", &self.authorities.len());
        debug.field("identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::Full;
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::ServerConfig;
    use rustls::server::WebPkiClientVerifier;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::client::{AddressPolicy, Fetch as _, FetchRequest, FetchUrl, HttpClient, UrlTrust};

    /// An authority, and what it has signed: chain and key in PEM.
    struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        fn new() -> Self {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
        }

        fn signed(&self, name: &str) -> (String, String) {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
        }
    }

    /// A server that tells whether its client has shown a certificate; its port.
    async fn server(authority: &Authority) -> u16 {
        let (chain, key) = authority.signed("localhost");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = verifier.allow_unauthenticated().build().unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                certificates(chain.as_bytes()).unwrap(),
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().is_some_and(|shown| !shown.is_empty());
                    let answer = service_fn(move |_| async move {
                        Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(bytes::Bytes::from(
                            shown.to_string(),
                        ))))
                    });
                    let served = auto::Builder::new(TokioExecutor::new());
                    let _ = served.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        port
    }

    async fn ask(client: &HttpClient, port: u16, trust: UrlTrust) -> Result<String, FetchError> {
        let url = FetchUrl::parse(&format!("https://localhost:{port}/")).unwrap();
        let answer = client.fetch(FetchRequest::new(url, trust, 1024, Duration::from_secs(10))).await?;
        Ok(String::from_utf8(answer.into_body().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn an_authority_of_ones_own_is_trusted_and_no_other() {
        let (own, other) = (Authority::new(), Authority::new());
        let port = server(&own).await;
        let stranger = ask(&HttpClient::new().unwrap(), port, UrlTrust::Configured).await.unwrap_err();
        assert!(stranger.to_string().contains("UnknownIssuer"), "{stranger}");
        assert!(stranger.to_string().contains("outbound.caFiles"), "what to do: {stranger}");
        let both = format!("{}{}", other.0.pem(), own.0.pem());
        let client = HttpClient::builder().certificate_authorities(both.as_bytes()).unwrap().build().unwrap();
        assert_eq!(ask(&client, port, UrlTrust::Configured).await.unwrap(), "false");
        let wrong = HttpClient::builder().certificate_authorities(other.0.pem().as_bytes()).unwrap();
        assert!(ask(&wrong.build().unwrap(), port, UrlTrust::Configured).await.is_err());
    }

    #[tokio::test]
    async fn our_certificate_is_shown_where_the_operator_wrote_the_url_only() {
        let own = Authority::new();
        let port = server(&own).await;
        let (chain, key) = own.signed("gateway");
        let client = HttpClient::builder()
            .certificate_authorities(own.0.pem().as_bytes())
            .and_then(|builder| builder.client_certificate(chain.as_bytes(), key.as_bytes()))
            .unwrap()
            .learned_addresses(AddressPolicy::with_private());
        assert!(!format!("{client:?}").contains("PRIVATE"), "{client:?}");
        let client = client.build().unwrap();
        assert_eq!(ask(&client, port, UrlTrust::Configured).await.unwrap(), "true");
        assert_eq!(ask(&client, port, UrlTrust::Learned).await.unwrap(), "false");
    }

    #[test]
    fn what_is_wrong_with_a_pem_file_is_told() {
        let authority = Authority::new();
        let (chain, key) = authority.signed("gateway");
        let trusted = |pem: &str| HttpClient::builder().certificate_authorities(pem.as_bytes()).err();
        assert_eq!(trusted(&key), Some(PemError::Certificate("there is none".to_owned())));
        assert_eq!(trusted(""), Some(PemError::Certificate("there is none".to_owned())));
        let cut = chain.replace("-----END CERTIFICATE-----", "");
        assert!(matches!(trusted(&cut), Some(PemError::Certificate(_))), "{:?}", trusted(&cut));
        let junk = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert!(matches!(trusted(junk), Some(PemError::Authority { index: 1, .. })), "{:?}", trusted(junk));
        let shown = |chain: &str, key: &str| {
            HttpClient::builder().client_certificate(chain.as_bytes(), key.as_bytes()).err()
        };
        assert_eq!(shown(&chain, &chain), Some(PemError::Key));
        assert!(matches!(shown(&key, &key), Some(PemError::Certificate(_))));
        let (_, foreign) = authority.signed("other");
        let mixed = HttpClient::builder().client_certificate(chain.as_bytes(), foreign.as_bytes()).unwrap();
        assert!(matches!(mixed.build(), Err(FetchError::Tls(_))), "a certificate of another key");
    }
}
