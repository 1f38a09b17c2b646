//! `exp`, `nbf`, `iat` and clocks.

use serde_json::json;

use super::*;

#[test]
fn attack_026_to_030_dates() {
    let idp = Idp::new(Algorithm::EdDSA);
    for exp in [json!("1700000300"), json!(true), json!({}), json!(null), json!([1])] {
        assert_eq!(refused(&idp, &idp.sign(&with("exp", exp))), "claim_type");
    }
    for exp in [json!(-1), json!(1e300), json!(u64::MAX), json!(1_000_000_000_000_000_000u64), json!(-0.5)] {
        assert_eq!(refused(&idp, &idp.sign(&with("exp", exp))), "claim_type");
    }
    assert_eq!(refused(&idp, &idp.sign(&without("exp"))), "claim_missing");
    let exact = Validator::new([Issuer::new(ISS).audience(AUD).leeway(std::time::Duration::ZERO)]).unwrap();
    let at =
        |claims: Value, validator: &Validator| check_at(validator, &idp, &idp.sign(&claims), NOW).map(|_| ());
    assert!(at(with("exp", json!(NOW)), &exact).is_err(), "RFC 7519: on or after");
    assert!(at(with("exp", json!(NOW + 1)), &exact).is_ok());
    assert!(at(with("exp", json!(NOW - 29)), &validator()).is_ok(), "inside the leeway");
    assert!(at(with("exp", json!(NOW - 30)), &validator()).is_err());
    assert!(at(with("exp", json!(NOW as f64 + 300.5)), &exact).is_ok(), "fractions are numbers too");
    for claim in ["nbf", "iat"] {
        assert!(at(with(claim, json!(NOW + 30)), &validator()).is_ok());
        assert_eq!(at(with(claim, json!(NOW + 31)), &validator()).unwrap_err().code(), "not_yet_valid");
        assert_eq!(at(with(claim, json!("soon")), &validator()).unwrap_err().code(), "claim_type");
    }
}

#[test]
fn attack_040_strange_clocks_do_not_panic() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&claims());
    for now in [0, 1, NOW - 3600, NOW + 3600, u64::MAX] {
        assert!(check_at(&validator(), &idp, &token, now).is_err(), "{now}");
    }
}

#[test]
fn row_172_173_required_claims_ask_for_presence_only() {
    let idp = Idp::new(Algorithm::EdDSA);
    let default =
        Validator::new([Issuer::new(ISS).audience(AUD).required_claims(&[RequiredClaim::Sub])]).unwrap();
    assert!(check_at(&default, &idp, &idp.sign(&without("exp")), NOW).is_err(), "`exp` stays required");
    let lax = Validator::new([Issuer::new(ISS).audience(AUD).danger_accept_without_expiry()]).unwrap();
    let at = |claims: Value| check_at(&lax, &idp, &idp.sign(&claims), NOW);
    assert!(at(without("exp")).is_ok());
    assert_eq!(at(with("exp", json!(NOW - 600))).unwrap_err().code(), "expired");
    assert_eq!(
        at(without("aud")).unwrap_err().code(),
        "claim_missing",
        "a configured audience requires `aud`"
    );
    let strict =
        Validator::new([Issuer::new(ISS).audience(AUD).required_claims(&[RequiredClaim::Sub])]).unwrap();
    assert_eq!(check_at(&strict, &idp, &idp.sign(&without("sub")), NOW).unwrap_err().code(), "claim_missing");
}
