//! Keys to which tokens are bound, and nonces.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwt::Algorithm;
use serde_json::{Value, json};

use super::issued::{read, with};
use crate::dpop::DpopKey;
use crate::plan::{ExchangePlan, Step};
use crate::provider::ExchangeProfile;
use crate::testing::{
    Driver, answer, endpoint, exchange, issued_claims, json_response, jwt, plan, response, step, subject,
};
use crate::{ClientCredential, Outcome, Resource, TokenTypeUri};

pub(super) fn key() -> Arc<DpopKey> {
    let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    Arc::new(DpopKey::new(Arc::new(signer), &AwsLc::new()).unwrap())
}

fn with_nonce(mut response: Response<Bytes>, nonce: &'static str) -> Response<Bytes> {
    response.headers_mut().insert("dpop-nonce", HeaderValue::from_static(nonce));
    response
}

fn asks_nonce() -> Response<Bytes> {
    json_response(400, &json!({"error": "use_dpop_nonce"}))
}

fn nonce(request: &Request<Bytes>) -> Value {
    let proof = request.headers()["dpop"].to_str().unwrap();
    let payload = URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()["nonce"].clone()
}

#[test]
fn mcp_d10_a_server_that_wants_proofs_from_a_client_without_a_key_is_a_mistake_in_the_configuration() {
    let outcome = exchange(&plan(), with_nonce(asks_nonce(), "n-1"));
    let Outcome::Misconfigured(diagnosis) = &outcome else { panic!("{outcome:?}") };
    assert_eq!((diagnosis.id(), diagnosis.oauth_error()), ("dpop_required", Some("use_dpop_nonce")));
    assert!(diagnosis.text().contains("no key is configured"), "{diagnosis}");
}

#[test]
fn mcp_d10_the_newest_nonce_is_sent_whatever_the_answer_was() {
    let key = key();
    let plan = Arc::new(ExchangePlan::new("p", [step().dpop(key.clone())]).unwrap().attempts(3));
    let mut claims = issued_claims();
    claims["cnf"] = json!({"jkt": key.thumbprint().to_base64url()});
    let mut good = answer(&claims);
    good["token_type"] = json!("DPoP");
    let answers = [
        Some(with_nonce(asks_nonce(), "n-1")),
        Some(with_nonce(response(503, "text/plain", ""), "n-2")),
        None,
        Some(json_response(200, &good)),
    ];
    let (outcome, sent) = Driver::new(&plan, subject(), None).through(&answers);
    assert!(outcome.token().is_some(), "{outcome:?}");
    let nonces: Vec<Value> = sent.iter().map(nonce).collect();
    assert_eq!(nonces, [Value::Null, json!("n-1"), json!("n-2"), json!("n-2")]);
}

#[test]
fn mcp_d10_a_bearer_token_that_is_bound_to_somebody_else_s_key_cannot_be_presented() {
    let bound = |cnf: Value| answer(&with("cnf", cnf));
    for cnf in
        [json!({"jkt": "x"}), json!({"x5t#S256": "x"}), json!({"jkt": 7}), json!({"jkt": "x", "kid": "k"})]
    {
        assert_eq!(read(&plan(), &bound(cnf.clone())), "unusable not_ours", "{cnf}");
    }
    for cnf in [json!({}), json!({"kid": "k"}), json!("x"), Value::Null] {
        assert_eq!(read(&plan(), &bound(cnf.clone())), "token", "{cnf}");
    }
    // RFC 8705 §3: the token of a client that authenticates with a certificate is bound to that.
    let client = ClientCredential::tls_client_auth("gateway", "gateway-cert");
    let certificate = Arc::new(ExchangePlan::new("p", [step().with_client(client)]).unwrap());
    assert_eq!(read(&certificate, &bound(json!({"x5t#S256": "x"}))), "token");
    assert_eq!(read(&certificate, &bound(json!({"jkt": "x"}))), "unusable not_ours");
}

fn bound_chain(key: &Arc<DpopKey>) -> Arc<ExchangePlan> {
    let client = || ClientCredential::none("agent");
    let leg_1 = Step::new(ExchangeProfile::id_jag_issuer(), endpoint("https://idp.example/token"), client())
        .audience("https://as.example")
        .resource(Resource::parse("https://mcp.example/").unwrap())
        .dpop(key.clone());
    let leg_2 = Step::new(ExchangeProfile::jwt_bearer(), endpoint("https://as.example/token"), client());
    Arc::new(ExchangePlan::new("p", [leg_1, leg_2.dpop(key.clone())]).unwrap())
}

#[test]
fn mcp_d8_an_id_jag_that_is_not_bound_although_it_was_asked_for_is_redeemed_nowhere() {
    let (ours, other) = (key(), key());
    // Header and claims as an identity provider writes them, but for `cnf`.
    let jag = |cnf: Value| {
        let claims = json!({"iss": "https://idp.example", "sub": "alice", "aud": "https://as.example", "jti": "1",
            "client_id": "agent", "resource": "https://mcp.example/", "iat": 1_700_000_000, "exp": 1_700_000_300,
            "cnf": cnf});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS256", "typ": "oauth-id-jag+jwt"})), part(&claims))
    };
    let answers = |token: String| {
        let body = json!({"access_token": token, "issued_token_type": TokenTypeUri::ID_JAG.as_str(),
            "token_type": "N_A"});
        [Some(json_response(200, &body)), Some(json_response(400, &json!({"error": "invalid_client"})))]
    };
    let run = |token: String| {
        let (outcome, sent) = Driver::new(&bound_chain(&ours), subject(), None).through(&answers(token));
        (outcome.diagnosis().unwrap().id(), sent.len())
    };
    let jkt = |key: &DpopKey| json!({"jkt": key.thumbprint().to_base64url()});
    for token in
        [jag(Value::Null), jag(json!({})), jag(jkt(&other)), "opaque".to_owned(), jwt(&json!({"aud": 7}))]
    {
        assert_eq!(run(token.clone()).1, 1, "the second server heard nothing: {token}");
    }
    assert_eq!(run(jag(Value::Null)).0, "not_bound");
    assert_eq!(run(jag(jkt(&other))).0, "not_bound");
    assert_eq!(run("opaque".to_owned()).0, "not_bound");
    assert_eq!(run(jag(jkt(&ours))), ("client_refused", 2));
}
