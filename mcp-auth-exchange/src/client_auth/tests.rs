use std::sync::Arc;
use std::time::Duration;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::{KeySet, Thumbprint};
use mcp_auth_core::jwt::{Algorithm, Jws, TokenLimits};
use serde_json::json;
use url::Url;

use super::*;
use crate::TokenEndpoint;

fn request(client: &ClientAuthentication) -> Request<Bytes> {
    let endpoint = TokenEndpoint::new(&Url::parse("https://as/token").unwrap()).unwrap();
    Form::new("x").into_http(&endpoint, client)
}

#[test]
fn basic_is_form_encoded_before_base64() {
    let client = ClientAuthentication::client_secret_basic("a:b c", Secret::new("p+q/ü%"));
    let request = request(&client);
    let value = &request.headers()[AUTHORIZATION];
    let pair = STANDARD.decode(value.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(pair, b"a%3Ab+c:p%2Bq%2F%C3%BC%25");
    assert!(value.is_sensitive());
    assert_eq!(request.body().as_ref(), b"grant_type=x");
}

#[test]
fn rfc_6749_section_2_3_1_example() {
    let client =
        ClientAuthentication::client_secret_basic("s6BhdRkqt3", Secret::new("7Fjfp0ZBr1KtDRbnfVdmIw"));
    assert_eq!(
        request(&client).headers()[AUTHORIZATION],
        "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
    );
}

#[test]
fn post_and_none_are_in_the_body_only() {
    let post = request(&ClientAuthentication::client_secret_post("c", Secret::new("s&x=1")));
    assert_eq!(post.body().as_ref(), b"grant_type=x&client_id=c&client_secret=s%26x%3D1");
    assert!(!post.headers().contains_key(AUTHORIZATION));
    let none = request(&ClientAuthentication::none("c"));
    assert_eq!(none.body().as_ref(), b"grant_type=x&client_id=c");
}

#[test]
fn attack_112_secret_is_never_in_url_or_debug() {
    for client in [
        ClientAuthentication::client_secret_basic("c", Secret::new("canary")),
        ClientAuthentication::client_secret_post("c", Secret::new("canary")),
    ] {
        assert!(!format!("{client:?}").contains("canary"));
        assert!(!request(&client).uri().to_string().contains("canary"));
        assert!(!format!("{:?}", request(&client).headers()).contains("canary"));
    }
}

#[test]
fn raw_basic_is_not_encoded() {
    let request =
        request(&ClientAuthentication::client_secret_basic_raw("gw", Secret::new("p%lus+and/slash=")));
    let text = request.headers()[AUTHORIZATION].to_str().unwrap();
    assert_eq!(STANDARD.decode(text.strip_prefix("Basic ").unwrap()).unwrap(), b"gw:p%lus+and/slash=");
    assert!(request.headers()[AUTHORIZATION].is_sensitive());
}

#[test]
fn a_certificate_is_named_and_the_client_in_the_body() {
    let credential = ClientCredential::tls_client_auth("c", "gateway-mtls");
    let request = request(&authenticate(&credential, None).unwrap());
    assert_eq!(request.body().as_ref(), b"grant_type=x&client_id=c");
    assert_eq!(request.extensions().get(), Some(&ClientCertificate("gateway-mtls".into())));
    assert_eq!(credential.method(), "tls_client_auth");
}

#[test]
fn nobody_is_nobody() {
    let request = request(&authenticate(&ClientCredential::anonymous(), None).unwrap());
    assert_eq!(request.body().as_ref(), b"grant_type=x");
    assert!(!request.headers().contains_key(AUTHORIZATION));
}

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn authenticate(
    credential: &ClientCredential,
    workload_token: Option<&Secret>,
) -> Result<ClientAuthentication, ClientAuthenticationError> {
    let endpoint = TokenEndpoint::new(&Url::parse("https://as/token?x=1").unwrap()).unwrap();
    let context = AuthenticationContext { endpoint: &endpoint, jti: "j-1", workload_token, now: NOW };
    credential.authenticate(&context)
}

fn assertion(credential: &ClientCredential) -> String {
    let request = request(&authenticate(credential, None).unwrap());
    let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body()).into_owned().collect();
    assert_eq!(form[1], ("client_id".into(), "gateway".into()));
    assert_eq!(form[2], ("client_assertion_type".into(), CLIENT_ASSERTION_TYPE_JWT.into()));
    assert_eq!(form[3].0, "client_assertion");
    form[3].1.clone()
}

fn part(jwt: &str, index: usize) -> serde_json::Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

#[test]
fn private_key_jwt_says_what_rfc_7523_asks_for() {
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::ES256).unwrap());
    let set = format!(r#"{{"keys":[{}]}}"#, signer.public_jwk("k1"));
    let key = AssertionKey::new(signer.clone(), AssertionAudience::TokenEndpoint).kid("k1");
    let jwt = assertion(&ClientCredential::private_key_jwt("gateway", key));
    assert_eq!(part(&jwt, 0), json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}));
    assert_eq!(
        part(&jwt, 1),
        json!({"iss": "gateway", "sub": "gateway", "aud": "https://as/token?x=1", "jti": "j-1",
            "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 1_700_000_060})
    );
    let keys = KeySet::parse(set.as_bytes(), &AwsLc::new(), &[Algorithm::ES256]).unwrap();
    Jws::parse(&jwt, TokenLimits::default()).unwrap().verify(&keys).unwrap();

    let fixed = AssertionAudience::Fixed("https://as".into());
    let key = AssertionKey::new(signer, fixed).lifetime(Duration::from_secs(9999));
    let jwt = assertion(&ClientCredential::private_key_jwt("gateway", key));
    assert_eq!(part(&jwt, 1)["aud"], "https://as");
    assert_eq!(part(&jwt, 1)["exp"], 1_700_000_600);
}

#[test]
fn entra_certificates_sign_ps256_with_x5t_s256() {
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::PS256).unwrap());
    let thumbprint = Thumbprint::of_certificate(b"der", &AwsLc::new());
    let key = AssertionKey::new(signer, AssertionAudience::TokenEndpoint).x5t_s256(thumbprint);
    let header = part(&assertion(&ClientCredential::private_key_jwt("gateway", key)), 0);
    assert_eq!(header, json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint.to_base64url()}));
}

#[test]
fn a_workload_token_is_sent_as_its_file_has_it() {
    let credential = ClientCredential::workload_identity("c");
    assert!(credential.wants_workload_token());
    let sent = authenticate(&credential, Some(&Secret::new("a.b.c\n"))).unwrap();
    assert_eq!(
        request(&sent).body().as_ref(),
        b"grant_type=x&client_id=c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
          client-assertion-type%3Ajwt-bearer&client_assertion=a.b.c"
    );
    for bad in [None, Some(Secret::new("\n")), Some(Secret::new("a b")), Some(Secret::new("a\0"))] {
        assert_eq!(
            authenticate(&credential, bad.as_ref()).unwrap_err(),
            ClientAuthenticationError::WorkloadToken
        );
    }
}
