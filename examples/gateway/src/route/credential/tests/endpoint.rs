//! On real sockets.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::test::{Running, Upstream, status};

/// The certificate of the connection, and the form.
type Asked = (Vec<u8>, Bytes);

/// A token endpoint that talks to nobody without a certificate of its authority.
struct Tokens {
    port: u16,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Tokens {
    async fn start(authority: &Authority) -> Self {
        let (chain, key) = authority.signed(&KeyPair::generate().unwrap());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, record) = (acceptor.clone(), record.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
                    let answer = service_fn(move |request: http::Request<Incoming>| {
                        let (record, shown) = (record.clone(), shown.clone());
                        async move {
                            let body = request.into_body().collect().await.unwrap().to_bytes();
                            record.lock().unwrap_or_else(PoisonError::into_inner).push((shown, body));
                            let answer = json!({
                                "access_token": "issued", "token_type": "Bearer", "expires_in": 300,
                                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                            });
                            let answer = http::Response::builder()
                                .header("content-type", "application/json")
                                .body(Full::new(Bytes::from(answer.to_string())));
                            Ok::<_, std::convert::Infallible>(answer.unwrap())
                        }
                    });
                    let served = auto::Builder::new(TokioExecutor::new());
                    let _ = served.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Self { port, seen }
    }

    fn only(&self) -> Asked {
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap());
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }
}

/// A user's token of the issuer, good for five minutes.
pub(super) fn inbound(signer: &AwsLcSigner, user: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let header = json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"});
    let claims = json!({"iss": "https://idp.example", "aud": AUDIENCE, "sub": user, "exp": now + 300});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn a_client_certificate_is_shown_at_the_token_endpoint_and_a_key_signs_for_it() {
    let folder = Folder::new("mtls");
    let authority = Authority::new();
    let (tokens, upstream) = (Tokens::start(&authority).await, Upstream::start("tool").await);
    let (chain, key) = authority.signed(&KeyPair::generate().unwrap());
    let own = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
    let (chain_file, key_file) = (folder.file("chain.pem", &chain), folder.file("key.pem", &key));
    let ca = folder.file("ca.pem", &authority.0.pem());
    let idp = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    let keys = folder.file("jwks.json", &format!(r#"{{"keys":[{}]}}"#, idp.public_jwk("k")));
    let config = |outbound: &str, auth: &str| {
        format!(
            "outbound: {{caFiles: ['{ca}']{outbound}}}\nbinds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: \
             [{{host: '{}'}}]\n      policies:\n        mcpAuthentication:\n          issuer: https://idp.example\n          \
             jwks: {{file: '{keys}'}}\n          resourceMetadata: {{resource: {AUDIENCE}}}\n        backendAuth:\n          \
             oauthTokenExchange:\n            host: https://localhost:{}\n            path: /token\n            \
             audiences: [tool]\n            clientAuth: {auth}\n",
            upstream.address, tokens.port
        )
    };
    let certificate = format!(", clientCertificate: {{chainFile: '{chain_file}', keyFile: '{key_file}'}}");
    let call = async |config: &str| {
        let gateway = Running::start(config).await;
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let answer = gateway
            .raw(format!(
                "POST /mcp HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: \
                 application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
                inbound(&idp, "alice"),
                body.len()
            ))
            .await;
        gateway.stop().await;
        status(&answer)
    };

    assert_eq!(call(&config(&certificate, "{clientId: gw, method: tlsClientAuth}")).await, 200);
    let (shown, form) = tokens.only();
    assert_eq!(shown, own.as_ref(), "our certificate, on the connection of the request");
    assert_eq!(field(&form, "client_id").as_deref(), Some("gw"));
    for secret in ["client_secret", "client_assertion"] {
        assert_eq!(field(&form, secret), None);
    }
    assert_eq!(upstream.only().header("authorization"), ["Bearer issued"]);

    let auth = format!("{{clientId: gw, method: privateKeyJwt, kid: k1, signingKeyFile: '{key_file}'}}");
    assert_eq!(call(&config(&certificate, &auth)).await, 200);
    let (_, form) = tokens.only();
    let claims = verified(&field(&form, "client_assertion").unwrap(), &read(&key, None).unwrap());
    let endpoint = format!("https://localhost:{}/token", tokens.port);
    assert_eq!((claims["sub"].as_str(), claims["aud"].as_str()), (Some("gw"), Some(endpoint.as_str())));
    assert_eq!(upstream.only().header("authorization"), ["Bearer issued"]);

    // Without a certificate there is no connection, and no request goes through.
    assert_eq!(call(&config("", "{clientId: gw, method: none}")).await, 503);
    assert!(tokens.seen.lock().unwrap().is_empty());
    assert!(upstream.seen().is_empty());
}
