use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::istio::{JwtRule, KeySet, RequestAuth, RequestAuthentication};
use mcp_auth_core::jwt::Algorithm;
use tower::{ServiceExt as _, service_fn};
use tower_layer::Layer as _;

use super::*;
use crate::clock::Clock;
use crate::{Authenticated, Rejection, RejectionReason, ResponseBody};

const NOW: u64 = 1_700_000_000;

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW)
    }
}

struct Idp(AwsLcSigner);

impl Idp {
    fn new() -> Self {
        Self(AwsLcSigner::generate(Algorithm::ES256).unwrap())
    }

    fn keys(&self) -> KeySet {
        let jwks = format!("{{\"keys\":[{}]}}", self.0.public_jwk("k"));
        KeySet::parse(jwks.as_bytes(), &AwsLc::new()).unwrap()
    }

    fn token(&self, exp: u64) -> String {
        let claims =
            format!(r#"{{"iss":"https://idp.example","sub":"bob","email":"b@x.example","exp":{exp}}}"#);
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).unwrap()))
    }
}

fn layer(rule: JwtRule) -> RequestAuthenticationLayer {
    let rule = rule.output_claim_to_header("x-user-email", "email").unwrap();
    let policy = RequestAuthentication::new([rule]).unwrap();
    RequestAuthenticationLayer::new(policy).clock(Arc::new(FixedClock)).scheme("https")
}

/// Answers with what reached the service: caller, principal, path and headers.
async fn echo(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let authenticated = request.extensions().get::<Authenticated>().expect("always there");
    let auth = request.extensions().get::<RequestAuth>();
    let seen = format!(
        "{:?} {:?} {} {:?} {:?}",
        authenticated.principal().and_then(|p| p.subject()),
        auth.and_then(RequestAuth::principal),
        request.uri(),
        request.headers().get(AUTHORIZATION).is_some(),
        request.headers().get("x-user-email"),
    );
    Ok(Response::new(Full::new(seen.into())))
}

async fn ask(
    layer: &RequestAuthenticationLayer,
    target: &str,
    token: Option<&str>,
) -> Response<ResponseBody<Full<Bytes>>> {
    let mut request = Request::get(target).header("host", "svc.example").header("x-user-email", "evil");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    layer.layer(service_fn(echo)).oneshot(request.body(Full::default()).unwrap()).await.unwrap()
}

async fn text(response: Response<ResponseBody<Full<Bytes>>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn row_181_183_186_a_request_goes_on_as_the_rules_say() {
    let idp = Idp::new();
    let layer = layer(JwtRule::new("https://idp.example").keys(idp.keys()).unwrap());
    let token = idp.token(NOW + 60);
    let seen = text(ask(&layer, "/mcp", Some(&token)).await).await;
    assert_eq!(seen, r#"Some("bob") Some("https://idp.example/bob") /mcp false Some("b@x.example")"#);
    let seen = text(ask(&layer, &format!("/mcp?a=1&access_token={token}"), None).await).await;
    assert_eq!(seen, r#"Some("bob") Some("https://idp.example/bob") /mcp?a=1 false Some("b@x.example")"#);
    let seen = text(ask(&layer, "/mcp", None).await).await;
    assert_eq!(seen, "None None /mcp false None", "no token: no caller, and nobody's header");
}

#[tokio::test]
async fn row_193_a_bad_token_is_answered_in_envoys_words() {
    let idp = Idp::new();
    let layer = layer(JwtRule::new("https://idp.example").keys(idp.keys()).unwrap());
    let response = ask(&layer, "/mcp?x=1", Some(&idp.token(NOW - 61))).await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.headers()[WWW_AUTHENTICATE],
        r#"Bearer realm="https://svc.example/mcp?x=1", error="invalid_token""#
    );
    assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
    let rejection = response.extensions().get::<Arc<Rejection>>().unwrap();
    assert!(matches!(rejection.reason(), RejectionReason::RequestAuthentication(_)));
    assert_eq!(rejection.code(), "request_authentication");
    assert_eq!(text(response).await, "Jwt is expired");
}

#[tokio::test]
async fn row_201_keys_are_given_from_outside_and_without_them_no_token_passes() {
    let (idp, other) = (Idp::new(), Idp::new());
    let rule = JwtRule::new("https://idp.example").jwks_uri("https://idp.example/jwks").unwrap();
    let layer = layer(rule);
    let token = idp.token(NOW + 60);
    let response = ask(&layer, "/", Some(&token)).await;
    assert_eq!(response.status(), 401);
    assert_eq!(text(response).await, "Jwks remote fetch is failed");
    assert_eq!(ask(&layer, "/", None).await.status(), 200);
    layer.keys()[0].replace(idp.keys());
    assert_eq!(ask(&layer, "/", Some(&token)).await.status(), 200);
    layer.keys()[0].replace(other.keys());
    assert_eq!(ask(&layer, "/", Some(&token)).await.status(), 401);
    layer.keys()[0].clear();
    assert_eq!(ask(&layer, "/", Some(&token)).await.status(), 401);
}
