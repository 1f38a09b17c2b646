//! Through the layers, with real keys.

mod certificates;
mod modes;
mod nonces;
mod requests;
mod single_use;

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode, request, response};
use http_body_util::Full;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, CryptoProvider as _, Signer as _};
use mcp_auth_core::json::Document;
use mcp_auth_core::jwk::{KeySet, Thumbprint};
use mcp_auth_core::jwt::{Algorithm, Issuer, Validator};
use mcp_auth_discovery::challenge::{Challenges, ReceivedChallenge};
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_layer::Layer as _;

use crate::authenticate::{AuthenticateLayer, DpopMode, DpopSettings};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::{Authenticated, Rejection};

const RESOURCE: &str = "https://mcp.example/files/mcp";
const ISSUER: &str = "https://idp.example";
const NOW: u64 = 1_700_000_000;

#[derive(Debug)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A key, whoever has it.
struct KeyPair(AwsLcSigner);

impl KeyPair {
    fn new(algorithm: Algorithm) -> Self {
        Self(AwsLcSigner::generate(algorithm).unwrap())
    }

    fn jwk(&self) -> Value {
        let mut jwk: Value = serde_json::from_str(&self.0.public_jwk("k")).unwrap();
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    }

    fn thumbprint(&self) -> String {
        let jwk = Document::parse(self.jwk().to_string().as_bytes(), &Default::default()).unwrap();
        Thumbprint::of_jwk(jwk.as_object().unwrap(), &AwsLc::new()).unwrap().to_base64url()
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).unwrap()))
    }

    fn alg(&self) -> &'static str {
        self.0.algorithm().name()
    }

    /// A proof of this key for `token`, each with a `jti` of its own.
    fn proof_with(&self, token: &str, change: impl FnOnce(&mut Value)) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mut claims = json!({
            "jti": format!("proof-{}", COUNT.fetch_add(1, Ordering::SeqCst)),
            "htm": "POST", "htu": RESOURCE, "iat": NOW,
            "ath": URL_SAFE_NO_PAD.encode(AwsLc::new().sha256(token.as_bytes())),
        });
        change(&mut claims);
        self.sign(&json!({"typ": "dpop+jwt", "alg": self.alg(), "jwk": self.jwk()}), &claims)
    }

    fn proof(&self, token: &str) -> String {
        self.proof_with(token, |_| {})
    }
}

/// The layer in front of a service that keeps what reaches it.
struct Setup {
    idp: KeyPair,
    clock: Arc<TestClock>,
    layer: AuthenticateLayer,
    seen: Arc<Mutex<Vec<request::Parts>>>,
}

impl Setup {
    fn of(issuers: Vec<Issuer>, change: impl FnOnce(AuthenticateLayer) -> AuthenticateLayer) -> Self {
        let idp = KeyPair::new(Algorithm::ES256);
        let jwks = format!("{{\"keys\":[{}]}}", idp.0.public_jwk("k"));
        let keys = Keys::Static(Arc::new(
            KeySet::parse(jwks.as_bytes(), &AwsLc::new(), &[Algorithm::ES256]).unwrap(),
        ));
        let keys = vec![keys; issuers.len()];
        let clock = Arc::new(TestClock(AtomicU64::new(NOW)));
        let layer = AuthenticateLayer::new(Validator::new(issuers).unwrap(), keys)
            .unwrap()
            .clock(clock.clone())
            .challenge(resource(), Scopes::parse("mcp:read").unwrap());
        Self { idp, clock, layer: change(layer), seen: Arc::default() }
    }

    fn with(change: impl FnOnce(AuthenticateLayer) -> AuthenticateLayer) -> Self {
        Self::of(vec![issuer(ISSUER)], change)
    }

    fn dpop(change: impl FnOnce(DpopSettings) -> DpopSettings) -> Self {
        Self::with(|layer| layer.dpop(change(DpopSettings::new(DpopMode::Accepted, &resource()))).unwrap())
    }

    fn accepting() -> Self {
        Self::dpop(|settings| settings)
    }

    fn at(&self, now: u64) {
        self.clock.0.store(now, Ordering::SeqCst);
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": RESOURCE, "sub": "bob", "exp": NOW + 3600, "iat": NOW, "jti": "token-1",
        });
        change(&mut claims);
        self.idp.sign(&json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"}), &claims)
    }

    fn bound_to(&self, key: &KeyPair) -> String {
        self.token(|c| c["cnf"] = json!({"jkt": key.thumbprint()}))
    }

    async fn send(&self, request: Request<()>) -> Answer {
        let seen = self.seen.clone();
        let service = tower::service_fn(move |request: Request<()>| {
            seen.lock().unwrap().push(request.into_parts().0);
            async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::new()))) }
        });
        let (parts, _) = self.layer.layer(service).oneshot(request).await.unwrap().into_parts();
        Answer(parts)
    }

    fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The subject of the last request that came through.
    fn subject(&self) -> Option<String> {
        let seen = self.seen.lock().unwrap();
        let who = seen.last()?.extensions.get::<Authenticated>()?;
        who.principal()?.subject().map(str::to_owned)
    }
}

fn issuer(name: &str) -> Issuer {
    Issuer::new(name).audience(RESOURCE)
}

fn resource() -> ResourceIdentifier {
    ResourceIdentifier::parse(RESOURCE).unwrap()
}

fn request(authorization: &str, proofs: &[&str]) -> Request<()> {
    let mut request =
        Request::builder().method(Method::POST).uri("/files/mcp?x=1").header(AUTHORIZATION, authorization);
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    request.body(()).unwrap()
}

fn dpop(token: &str, proof: &str) -> Request<()> {
    request(&format!("DPoP {token}"), &[proof])
}

fn bearer(token: &str) -> Request<()> {
    request(&format!("Bearer {token}"), &[])
}

#[derive(Debug)]
struct Answer(response::Parts);

impl Answer {
    fn status(&self) -> StatusCode {
        self.0.status
    }

    fn code(&self) -> &'static str {
        self.0.extensions.get::<Arc<Rejection>>().map_or("", |rejection| rejection.code())
    }

    fn outcome(&self) -> (u16, &'static str) {
        (self.status().as_u16(), self.code())
    }

    fn challenges(&self) -> Vec<ReceivedChallenge> {
        let read = Challenges::parse_all(self.0.headers.get_all(WWW_AUTHENTICATE)).unwrap();
        read.iter().cloned().collect()
    }

    /// Each line's scheme and error.
    fn errors(&self) -> Vec<(String, Option<String>)> {
        let error = |c: &ReceivedChallenge| c.parameter("error").map(str::to_owned);
        self.challenges().iter().map(|c| (c.scheme().to_owned(), error(c))).collect()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Bearer first, each on a line of its own, with these errors.
fn lines(bearer: Option<&str>, dpop: Option<&str>) -> Vec<(String, Option<String>)> {
    vec![("Bearer".into(), bearer.map(str::to_owned)), ("DPoP".into(), dpop.map(str::to_owned))]
}
