mod endpoint;
mod keys;
mod slow;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Jws, TokenLimits};
use mcp_auth_exchange::TokenEndpoint;
use mcp_auth_exchange::client_auth::AuthenticationContext;
use mcp_auth_exchange::grant::client_credentials::ClientCredentialsRequest;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::*;
use crate::config;
use crate::server::Gateway;
use crate::test::Folder;

const AUDIENCE: &str = "https://api.example/mcp";

/// RSA keys take a second: one for all tests.
fn rsa() -> &'static KeyPair {
    static KEY: std::sync::OnceLock<KeyPair> = std::sync::OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap())
}

fn read(pem: &str, algorithm: Option<Algorithm>) -> Result<AwsLcSigner, String> {
    private_key::read(&Secret::new(pem), algorithm).and_then(|key| key.signer())
}

fn part(jwt: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

/// The claims of an assertion that this key signed.
fn verified(assertion: &str, signer: &AwsLcSigner) -> Value {
    let set = format!(r#"{{"keys":[{}]}}"#, signer.public_jwk("k1"));
    let keys = KeySet::parse(set.as_bytes(), &AwsLc::new(), &[signer.algorithm()]).unwrap();
    Jws::parse(assertion, TokenLimits::default()).unwrap().verify(&keys).unwrap();
    part(assertion, 1)
}

/// An authority, and what it has signed: chain and key in PEM.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn signed(&self, key: &KeyPair) -> (String, String) {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// `clientAuth` of a configuration.
fn client(auth: &str) -> Client {
    let text = format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{host: '127.0.0.1:9'}}]\n      policies:\n        \
         mcpAuthentication:\n          issuer: https://idp.example\n          jwks: {{url: https://idp.example/jwks}}\n          \
         resourceMetadata: {{resource: https://api.example/mcp}}\n        backendAuth:\n          oauthTokenExchange:\n            \
         host: https://idp.example\n            path: /token\n            audiences: [tool]\n            clientAuth: {auth}\n"
    );
    let (config, _) = config::parse(&text, "x.yaml").unwrap_or_else(|e| panic!("{e}"));
    let route = &config.binds[0].listeners[0].routes[0];
    route.policies.backend_auth.as_ref().unwrap().ways[0].legs[0].client.clone()
}

/// The assertion of one request.
fn assertion(client: &Client) -> String {
    let credential = open(client).unwrap_or_else(|(_, e)| panic!("{e}"));
    assert_eq!(credential.method(), "private_key_jwt");
    let url = url::Url::parse("https://idp.example/token").unwrap();
    let endpoint = TokenEndpoint::new(&url).unwrap();
    let context = AuthenticationContext {
        endpoint: &endpoint,
        jti: "j-1",
        workload_token: None,
        now: UnixTime::from_secs(1_700_000_000),
    };
    let authentication = credential.authenticate(&context).unwrap();
    let request = ClientCredentialsRequest::new(authentication).into_http(&endpoint);
    field(request.body(), "client_assertion").unwrap()
}

fn field(body: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[test]
fn an_assertion_says_what_client_auth_says() {
    let folder = Folder::new("assertion");
    let key = KeyPair::generate().unwrap();
    let signer = read(&key.serialize_pem(), None).unwrap();
    let file = folder.file("key.pem", &key.serialize_pem());
    let jwt =
        assertion(&client(&format!("{{clientId: gw, method: privateKeyJwt, signingKeyFile: '{file}'}}")));
    assert_eq!(part(&jwt, 0), json!({"alg": "ES256", "typ": "JWT"}));
    let claims = verified(&jwt, &signer);
    let names = ["iss", "sub", "aud"].map(|name| claims[name].as_str().unwrap().to_owned());
    assert_eq!(names, ["gw", "gw", "https://idp.example/token"]);

    let more = format!(
        "{{clientId: gw, method: privateKeyJwt, signingKey: {{file: '{file}'}}, alg: ES256, kid: k1, \
         assertionAudience: https://idp.example}}"
    );
    let jwt = assertion(&client(&more));
    assert_eq!(part(&jwt, 0), json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}));
    assert_eq!(verified(&jwt, &signer)["aud"], "https://idp.example");

    // In the file itself: as agentgateway's examples have it.
    let text = serde_json::to_string(&key.serialize_pem()).unwrap();
    let inline = client(&format!("{{clientId: gw, method: privateKeyJwt, signingKey: {text}}}"));
    verified(&assertion(&inline), &signer);
    assert!(!format!("{inline:?}").contains("PRIVATE"), "{inline:?}");
}

#[test]
fn the_certificate_of_the_key_stands_in_the_header_and_no_other() {
    let folder = Folder::new("certificate");
    let authority = Authority::new();
    let (chain, key) = authority.signed(rsa());
    let (key, leaf) =
        (folder.file("key.pem", &key), CertificateDer::from_pem_slice(chain.as_bytes()).unwrap());
    let chain = folder.file("chain.pem", &format!("{chain}{}", authority.0.pem()));
    let with = |more: &str| {
        client(&format!(
            "{{clientId: gw, method: privateKeyJwt, signingKeyFile: '{key}', alg: PS256, certificateFile: {more}}}"
        ))
    };
    // What Entra wants.
    let thumbprint = Thumbprint::of_certificate(&leaf, &AwsLc::new()).to_base64url();
    let expected = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint});
    assert_eq!(part(&assertion(&with(&format!("'{chain}'"))), 0), expected);
    assert_eq!(part(&assertion(&with(&format!("'{chain}', certificateHeader: x5t#S256"))), 0), expected);
    let header = part(&assertion(&with(&format!("'{chain}', certificateHeader: x5c"))), 0);
    assert_eq!(header["x5c"], json!([STANDARD.encode(&leaf), STANDARD.encode(authority.0.der())]));
    assert_eq!(header.get("x5t#S256"), None);

    let (other, _) = authority.signed(&KeyPair::generate().unwrap());
    let error = |name: &str, text: &str| {
        open(&with(&format!("'{}'", folder.file(name, text)))).map(drop).unwrap_err().1
    };
    let message = error("other.pem", &other);
    assert!(
        message.starts_with("clientAuth.certificate: the first certificate is not that of the signing key"),
        "{message}"
    );
    let message = error("none.pem", "no certificate");
    assert!(message.starts_with("clientAuth.certificate: no certificate in PEM"), "{message}");
}

/// Nothing is asked of the provider: what is shown to it has to be there when the gateway starts.
#[test]
fn a_facade_has_the_same_clients() {
    let folder = Folder::new("facade-client");
    let (chain, key) = Authority::new().signed(&KeyPair::generate().unwrap());
    let (chain, key) = (folder.file("chain.pem", &chain), folder.file("key.pem", &key));
    let build = |auth: &str| {
        let text = format!(
            "outbound: {{clientCertificate: {{chainFile: '{chain}', keyFile: '{key}'}}}}\nbinds:\n- port: 0\n  listeners:\n  - \
             routes:\n    - backends: [{{host: '127.0.0.1:9'}}]\n      policies:\n        mcpAuthentication:\n          \
             issuer: https://idp.example/realms/a\n          resourceMetadata: {{resource: {AUDIENCE}}}\n          \
             provider: keycloak\n          clientAuth: {auth}\n"
        );
        let (config, _) = config::parse(&text, "x.yaml").unwrap_or_else(|e| panic!("{e}"));
        Gateway::new(&config).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(build("{clientId: gw, method: tlsClientAuth}"), Ok(()));
    assert_eq!(build(&format!("{{clientId: gw, method: privateKeyJwt, signingKeyFile: '{key}'}}")), Ok(()));
    let error =
        build(&format!("{{clientId: gw, method: privateKeyJwt, signingKeyFile: '{chain}'}}")).unwrap_err();
    assert!(error.starts_with("x.yaml:12:23: clientAuth.signingKey: no private key in PEM"), "{error}");
    let error = build("{clientId: gw, method: privateKeyJwt, signingKeyFile: /nowhere/key.pem}").unwrap_err();
    assert!(error.contains("clientAuth.signingKey: `/nowhere/key.pem` cannot be read"), "{error}");
}
