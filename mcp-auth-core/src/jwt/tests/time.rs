//! `exp`, `nbf`, `iat`, how long a token may live, and clocks: attack table B, rows 26 to 30, and 40.

use std::time::Duration;

use super::*;

const DAY: u64 = 24 * 3600;

/// A token whose claims are this text with `DATE` put in for a claim's value.
fn with_text(idp: &Idp, claim: &str, date: &str) -> String {
    let mut rest = claims();
    rest.as_object_mut().unwrap().remove(claim);
    let rest = rest.to_string();
    let payload = format!("{},\"{claim}\":{date}}}", rest.strip_suffix('}').unwrap());
    idp.sign_text(idp.header().to_string(), payload)
}

#[test]
fn attack_026_exp_is_a_date() {
    let idp = Idp::new(Algorithm::EdDSA);
    assert_eq!(refused(&idp, &idp.sign(&without("exp"))), "claim_missing");
    for (exp, expected) in [
        ("null", "claim_type"),
        ("\"1700000300\"", "claim_type"),
        ("true", "claim_type"),
        ("{}", "claim_type"),
        ("[1700000300]", "claim_type"),
        ("-1", "claim_type"),
        ("-0.5", "claim_type"),
        ("1e300", "claim_type"),
        ("1e400", "json"),
        ("NaN", "json"),
        ("Infinity", "json"),
        ("01700000300", "json"),
        ("0x6553f100", "json"),
        ("0", "expired"),
        ("-0.0", "expired"),
    ] {
        assert_eq!(refused(&idp, &with_text(&idp, "exp", exp)), expected, "{exp}");
    }
    for exp in ["1700000300", "1700000300.5", "1.7000003e9", "17000003E2"] {
        assert!(check(&idp, &with_text(&idp, "exp", exp)).is_ok(), "{exp}");
    }
}

#[test]
fn attack_027_the_last_second_is_over() {
    let idp = Idp::new(Algorithm::EdDSA);
    let exact = of(issuer().leeway(Duration::ZERO));
    let at = |validator: &Validator, exp: Value| code(judge(validator, &idp, &with("exp", exp)));
    assert_eq!(at(&exact, json!(NOW)), "expired", "RFC 7519 §4.1.4: on or after");
    assert_eq!(at(&exact, json!(NOW + 1)), "ok");
    assert_eq!(at(&exact, json!(NOW as f64 + 0.9)), "expired", "rounded towards refusal");
    assert_eq!(at(&validator(), json!(NOW - 29)), "ok", "inside the leeway");
    assert_eq!(at(&validator(), json!(NOW - 30)), "expired");
    let error = judge(&validator(), &idp, &with("exp", json!(NOW - 600))).unwrap_err();
    assert!(error.to_string().contains("1699999400"), "{error}");
    assert_eq!(error.client_text(), ClientText::Expired);
}

#[test]
fn attack_028_a_token_does_not_live_for_ever() {
    let idp = Idp::new(Algorithm::EdDSA);
    for exp in
        [json!(u64::MAX), json!(1_000_000_000_000_000_000u64), json!(i64::MAX), json!(253_402_300_800u64)]
    {
        assert_eq!(refused(&idp, &idp.sign(&with("exp", exp))), "claim_type", "beyond the year 9999");
    }
    let lives =
        |validator: &Validator, secs: u64| code(judge(validator, &idp, &with("exp", json!(NOW + secs))));
    assert_eq!(lives(&validator(), 30 * DAY), "ok");
    assert_eq!(lives(&validator(), 30 * DAY + 1), "lifetime", "30 days unless something else is said");
    let hour = of(issuer().max_lifetime(Duration::from_secs(3600)));
    assert_eq!((lives(&hour, 3600), lives(&hour, 3601)), ("ok", "lifetime"));
    let unlimited = of(issuer().danger_unlimited_lifetime());
    assert_eq!(code(judge(&unlimited, &idp, &with("exp", json!(253_402_300_799u64)))), "ok");
    // Counted from `iat`, and from now where there is none.
    let mut old = with("iat", json!(NOW - 3000));
    old["exp"] = json!(NOW + 700);
    assert_eq!(code(judge(&hour, &idp, &old)), "lifetime");
    old.as_object_mut().unwrap().remove("iat");
    assert_eq!(code(judge(&hour, &idp, &old)), "ok");
    let error = judge(&hour, &idp, &with("exp", json!(NOW + 7200))).unwrap_err();
    assert!(error.to_string().contains("more than 1 hours"), "{error}");
}

#[test]
fn attack_029_030_not_before_its_time() {
    let idp = Idp::new(Algorithm::EdDSA);
    for claim in ["nbf", "iat"] {
        let at = |date: &str| code(check(&idp, &with_text(&idp, claim, date)));
        assert_eq!(at("1700000030"), "ok", "{claim} inside the leeway");
        assert_eq!(at("1700000031"), "not_yet_valid", "{claim}");
        assert_eq!(at("1699999999.5"), "ok", "{claim}");
        for date in ["\"1700000000\"", "null", "[]", "true", "-1", "1e300", "18446744073709551615"] {
            assert_eq!(at(date), "claim_type", "{claim} {date}");
        }
    }
    assert_eq!(code(check(&idp, &with_text(&idp, "nbf", "1700000030.1"))), "not_yet_valid", "rounded up");
    let error = check(&idp, &with_text(&idp, "nbf", "1700009999")).unwrap_err();
    assert_eq!(error.client_text(), ClientText::NotYetValid);
    assert!(error.to_string().contains("clock"), "{error}");
}

#[test]
fn attack_040_strange_clocks_do_not_panic() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&claims());
    for now in [0, 1, NOW - 3600, NOW + 3600, i64::MAX as u64, u64::MAX - 1, u64::MAX] {
        assert!(check_at(&validator(), &idp, &token, now).is_err(), "{now}");
    }
    let widest = of(issuer().leeway(Duration::from_secs(300)).danger_unlimited_lifetime());
    let mut open = with("exp", json!(253_402_300_799u64));
    open["iat"] = json!(0);
    for now in [0, 1, u64::MAX - 1, u64::MAX] {
        assert_eq!(check_at(&widest, &idp, &idp.sign(&open), now).is_ok(), now < 2, "{now}");
    }
}

#[test]
fn row_170_172_173_required_claims_ask_for_presence_only() {
    let idp = Idp::new(Algorithm::EdDSA);
    let default = of(issuer().required_claims(&[RequiredClaim::Sub]));
    assert!(judge(&default, &idp, &without("exp")).is_err(), "`exp` stays required");
    let lax = of(issuer().danger_accept_without_expiry());
    assert_eq!(code(judge(&lax, &idp, &without("exp"))), "ok");
    assert_eq!(code(judge(&lax, &idp, &with("exp", json!(NOW - 600)))), "expired");
    assert_eq!(
        code(judge(&lax, &idp, &without("aud"))),
        "audience_missing",
        "a configured audience requires `aud`"
    );
    assert_eq!(code(judge(&default, &idp, &without("sub"))), "claim_missing");
    assert_eq!(code(judge(&default, &idp, &claims())), "ok");
}

#[test]
fn row_171_claims_are_required_by_name() {
    let idp = Idp::new(Algorithm::EdDSA);
    for name in ["exp", "nbf", "aud", "iss", "sub"] {
        let claim = RequiredClaim::from_name(name).unwrap();
        assert_eq!(claim.name(), name);
        let strict = of(issuer().required_claims(&[claim]));
        let mut full = with("nbf", json!(NOW));
        assert_eq!(code(judge(&strict, &idp, &full)), "ok");
        full.as_object_mut().unwrap().remove(name);
        let expected = if name == "aud" { "audience_missing" } else { "claim_missing" };
        assert_eq!(code(judge(&strict, &idp, &full)), expected, "{name}");
    }
    for name in ["groups", "EXP", "", "iat", "exp "] {
        assert_eq!(RequiredClaim::from_name(name), None, "{name}");
    }
    let groups = of(issuer().require_claim("groups"));
    assert_eq!(code(judge(&groups, &idp, &claims())), "claim_missing");
    assert_eq!(code(judge(&groups, &idp, &with("groups", json!([])))), "ok");
}
