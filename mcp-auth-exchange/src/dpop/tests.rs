use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::dpop::{Nonces, ProofContext, ProofErrorKind, ProofRules, TargetUri};
use mcp_auth_core::jwt::Algorithm;
use serde_json::Value;

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn key(algorithm: Algorithm) -> DpopKey {
    DpopKey::new(Arc::new(AwsLcSigner::generate(algorithm).unwrap()), &AwsLc::new()).unwrap()
}

fn parts(proof: &HeaderValue) -> [Value; 2] {
    let text = proof.to_str().unwrap();
    let part = |i| {
        let part = text.split('.').nth(i).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    [part(0), part(1)]
}

#[test]
fn mcp_d10_proofs_pass_the_check_of_the_other_side() {
    let target = TargetUri::parse("https://tool.example/mcp?x=1").unwrap();
    for algorithm in
        [Algorithm::ES256, Algorithm::ES384, Algorithm::Ed25519, Algorithm::PS256, Algorithm::RS256]
    {
        let key = key(algorithm);
        let request = ProofRequest::new("POST", &target, "jti-1").token("t0ken");
        let proof = key.proof(&request, NOW).unwrap();
        assert!(proof.is_sensitive());
        let [header, claims] = parts(&proof);
        let members: Vec<_> = header["jwk"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            !members.iter().any(|m| ["d", "p", "q", "k", "kid", "use", "alg"].contains(m)),
            "{members:?}"
        );
        assert_eq!(claims["htu"], "https://tool.example/mcp");
        let context = ProofContext { method: "POST", target: &target, token: "t0ken" };
        let later = NOW.plus(Duration::from_secs(59));
        let checked =
            ProofRules::default().check(proof.to_str().unwrap(), &context, later, &AwsLc::new()).unwrap();
        assert_eq!((checked.key(), checked.jti()), (key.thumbprint(), "jti-1"));
        for (method, token) in [("GET", "t0ken"), ("POST", "other")] {
            let context = ProofContext { method, target: &target, token };
            assert!(
                ProofRules::default().check(proof.to_str().unwrap(), &context, NOW, &AwsLc::new()).is_err()
            );
        }
    }
}

#[test]
fn a_proof_for_a_token_endpoint_has_no_token_hash() {
    let target = TargetUri::parse("https://as.example/token").unwrap();
    let proof = key(Algorithm::ES256).proof(&ProofRequest::new("POST", &target, "j"), NOW).unwrap();
    let [header, claims] = parts(&proof);
    assert_eq!(header["typ"], "dpop+jwt");
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["htm", "htu", "iat", "jti"]);
}

#[test]
fn a_nonce_is_taken_up_once() {
    let nonces = Nonces::new([7; 32]);
    let rules = ProofRules::default().nonces(nonces.clone());
    let target = TargetUri::parse("https://as.example/token").unwrap();
    let context = ProofContext { method: "POST", target: &target, token: "t" };
    let key = key(Algorithm::ES256);
    let request = ProofRequest::new("POST", &target, "j1").token("t");
    let first = key.proof(&request, NOW).unwrap();
    let refused = rules.check(first.to_str().unwrap(), &context, NOW, &AwsLc::new()).unwrap_err();
    assert!(matches!(refused.kind(), ProofErrorKind::NonceMissing));

    let mut headers = HeaderMap::new();
    headers.insert(DPOP_NONCE, nonces.current(NOW, &AwsLc::new()).parse().unwrap());
    let mut retry = NonceRetry::default();
    let nonce = retry.after(&headers, None).unwrap();
    let second =
        key.proof(&ProofRequest::new("POST", &target, "j2").token("t").nonce(Some(&nonce)), NOW).unwrap();
    rules.check(second.to_str().unwrap(), &context, NOW, &AwsLc::new()).unwrap();
    assert_eq!(retry.after(&headers, None), None);
    assert_eq!(NonceRetry::default().after(&headers, Some(&nonce)), None, "the same nonce will not help");
}

#[test]
fn nonces_are_bounded_and_of_one_header() {
    for bad in ["", "a b", "a\"", "a\\", "é", &"a".repeat(MAX_NONCE_BYTES + 1)] {
        assert_eq!(DpopNonce::parse(bad), None, "{bad:?}");
    }
    let mut headers = HeaderMap::new();
    headers.append(DPOP_NONCE, "a".parse().unwrap());
    let memory = NonceMemory::default();
    memory.keep("https://as", &headers);
    assert_eq!(memory.get("https://as"), DpopNonce::parse("a"));
    assert_eq!(memory.get("https://other"), None);
    headers.append(DPOP_NONCE, "b".parse().unwrap());
    assert_eq!(DpopNonce::of(&headers), None);
    memory.keep("https://as", &headers);
    assert_eq!(memory.get("https://as"), DpopNonce::parse("a"));
}
