//! Rows of the attack table A and B, and of `mission.md` E and H, that the first path needs.

#![cfg(feature = "aws-lc-rs")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::crypto::{AwsLc, AwsLcSigner, Signer};
use crate::jwk::KeySet;
use crate::principal::Principal;
use crate::time::UnixTime;

const ISS: &str = "https://idp.example";
const AUD: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_700_000_000;

struct Idp {
    signer: AwsLcSigner,
    keys: KeySet,
}

impl Idp {
    fn new(algorithm: Algorithm) -> Self {
        let signer = AwsLcSigner::generate(algorithm).unwrap();
        let jwks = format!("{{\"keys\":[{}]}}", signer.public_jwk("k1"));
        let keys = KeySet::parse(jwks.as_bytes(), &AwsLc::new(), Algorithm::ASYMMETRIC).unwrap();
        Self { signer, keys }
    }

    fn header(&self) -> Value {
        json!({"alg": self.signer.algorithm().name(), "kid": "k1", "typ": "at+jwt"})
    }

    fn sign_text(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header().to_string(), &claims.to_string())
    }
}

fn claims() -> Value {
    json!({"iss": ISS, "aud": AUD, "sub": "alice", "exp": NOW + 300, "iat": NOW, "scope": "mcp:read mcp:write"})
}

fn with(name: &str, value: Value) -> Value {
    let mut c = claims();
    c[name] = value;
    c
}

fn without(name: &str) -> Value {
    let mut c = claims();
    c.as_object_mut().unwrap().remove(name);
    c
}

fn validator() -> Validator {
    Validator::new([Issuer::new(ISS).audience(AUD)]).unwrap()
}

fn check_at(validator: &Validator, idp: &Idp, token: &str, now: u64) -> Result<Principal, ValidationError> {
    let parsed = validator.parse(token)?;
    validator.verify(parsed, &idp.keys, &Checks::at(UnixTime::from_secs(now)))
}

fn check(idp: &Idp, token: &str) -> Result<Principal, ValidationError> {
    check_at(&validator(), idp, token, NOW)
}

fn refused(idp: &Idp, token: &str) -> &'static str {
    match check(idp, token) {
        Ok(_) => panic!("accepted: {token}"),
        Err(e) => e.code(),
    }
}

#[test]
fn every_algorithm_of_the_backend_verifies_its_own_tokens_and_no_others() {
    let all = |issuer: &str| {
        Validator::new([Issuer::new(issuer).audience(AUD).algorithms(Algorithm::ASYMMETRIC)]).unwrap()
    };
    let others = Idp::new(Algorithm::EdDSA);
    for &algorithm in Algorithm::ASYMMETRIC {
        let idp = Idp::new(algorithm);
        let token = idp.sign(&claims());
        let principal = check_at(&all(ISS), &idp, &token, NOW).unwrap();
        assert_eq!(principal.subject(), Some("alice"), "{algorithm}");
        assert_eq!(principal.scopes().collect::<Vec<_>>(), ["mcp:read", "mcp:write"]);
        assert!(check_at(&all(ISS), &others, &token, NOW).is_err(), "{algorithm}: another key");
        let mut forged: Vec<char> = token.chars().collect();
        let at = token.rfind('.').unwrap() + 5;
        forged[at] = if forged[at] == 'A' { 'B' } else { 'A' };
        let forged: String = forged.into_iter().collect();
        assert_eq!(check_at(&all(ISS), &idp, &forged, NOW).unwrap_err().code(), "signature", "{algorithm}");
    }
}

#[test]
fn attack_001_to_005_algorithms() {
    let idp = Idp::new(Algorithm::ES256);
    for alg in ["none", "None", "NONE", "nOnE", "none ", "HS256", "es256", "", "RS1"] {
        let header = json!({"alg": alg, "kid": "k1"}).to_string();
        assert_eq!(refused(&idp, &idp.sign_text(&header, &claims().to_string())), "algorithm", "{alg}");
        let unsigned =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims().to_string()));
        assert_eq!(refused(&idp, &unsigned), "empty_part");
    }
    for header in [json!({"kid": "k1"}), json!({"alg": 5}), json!({"alg": ["ES256"]}), json!({"alg": null})] {
        assert_eq!(refused(&idp, &idp.sign_text(&header.to_string(), &claims().to_string())), "header");
    }
    // Within the family, but not what the issuer uses.
    let rsa = Idp::new(Algorithm::RS512);
    let strict = Validator::new([Issuer::new(ISS).audience(AUD).algorithms(&[Algorithm::RS256])]).unwrap();
    assert_eq!(check_at(&strict, &rsa, &rsa.sign(&claims()), NOW).unwrap_err().code(), "algorithm");
}

#[test]
fn attack_006_007_008_kid_names_a_key_and_nothing_else() {
    let idp = Idp::new(Algorithm::ES256);
    for kid in ["../../dev/null", "' OR 1=1", "$(id)", "k1\0", "к1", "", &"k".repeat(2000)] {
        let header = json!({"alg": "ES256", "kid": kid}).to_string();
        let error = check(&idp, &idp.sign_text(&header, &claims().to_string())).unwrap_err();
        assert_eq!(error.code(), "key");
        assert!(kid.is_empty() || !error.to_string().contains(kid), "not echoed");
    }
    for kid in [json!(7), json!({}), json!(null)] {
        let header = json!({"alg": "ES256", "kid": kid}).to_string();
        assert_eq!(refused(&idp, &idp.sign_text(&header, &claims().to_string())), "header");
    }
    let header = json!({"alg": "ES256"}).to_string();
    assert!(check(&idp, &idp.sign_text(&header, &claims().to_string())).is_ok(), "one key fits");
}

#[test]
fn attack_009_010_011_keys_inside_the_token_are_never_used() {
    let (idp, attacker) = (Idp::new(Algorithm::ES256), Idp::new(Algorithm::ES256));
    let jwk: Value = serde_json::from_str(&attacker.signer.public_jwk("k1")).unwrap();
    for member in [json!({"jwk": jwk}), json!({"jku": "http://169.254.169.254/"}), json!({"x5c": ["AAAA"]})] {
        let mut header = idp.header();
        header.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
        assert_eq!(
            refused(&idp, &attacker.sign_text(&header.to_string(), &claims().to_string())),
            "signature"
        );
    }
}

#[test]
fn attack_012_to_017_header_members() {
    let idp = Idp::new(Algorithm::EdDSA);
    for (member, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["x-unknown"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("secevent+jwt")),
        ("typ", json!("application/oauth-id-jag+jwt")),
        ("typ", json!(5)),
    ] {
        let mut header = idp.header();
        header[member] = value;
        assert_eq!(
            refused(&idp, &idp.sign_text(&header.to_string(), &claims().to_string())),
            "header",
            "{header}"
        );
    }
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let mut header = idp.header();
        header["typ"] = typ.into();
        assert!(check(&idp, &idp.sign_text(&header.to_string(), &claims().to_string())).is_ok(), "{typ}");
    }
    let claims = claims().to_string();
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","\u0061lg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","x":1,"x":1}"#,
        r#"["EdDSA"]"#,
        "\u{feff}{\"alg\":\"EdDSA\"}",
    ] {
        assert_eq!(refused(&idp, &idp.sign_text(header, &claims)), "json", "{header}");
    }
}

#[test]
fn attack_018_019_020_the_compact_form_is_exact() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    for bad in [
        "opaque".to_owned(),
        format!("{header}.{payload}"),
        format!("{token}."),
        format!("{token}.x"),
        format!("{token}.x.y"),
        ".".repeat(1_000),
    ] {
        assert_eq!(refused(&idp, &bad), "not_a_jwt", "{bad}");
    }
    assert_eq!(refused(&idp, &".".repeat(100_000)), "token_too_long");
    for bad in
        [format!(".{payload}.{signature}"), format!("{header}..{signature}"), format!("{header}.{payload}.")]
    {
        assert_eq!(refused(&idp, &bad), "empty_part");
    }
    for bad in [
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}. {signature}"),
        format!("{header}.{payload}.{signature}?"),
        format!("{header}\n.{payload}.{signature}"),
        format!("{header}.{payload}.{}+", signature.split_at(signature.len() - 1).0),
    ] {
        assert_eq!(refused(&idp, &bad), "base64", "{bad}");
    }
}

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
fn row_166_attack_031_issuer_is_compared_exactly() {
    let idp = Idp::new(Algorithm::EdDSA);
    for iss in [
        "https://idp.example/",
        "https://IDP.example",
        "https://idp.example:443",
        "http://idp.example",
        "https://idp.example.evil",
        "https://idp.exampl",
        "https://user@idp.example",
        "https://idp.ex\u{0430}mple",
        "",
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("iss", iss.into()))), "issuer", "{iss}");
    }
    for iss in [json!(42), json!([ISS]), json!(null)] {
        assert_eq!(refused(&idp, &idp.sign(&with("iss", iss))), "claim_type");
    }
    assert_eq!(refused(&idp, &idp.sign(&without("iss"))), "claim_missing");
    let error = check(&idp, &idp.sign(&with("iss", json!("https://idp.example/")))).unwrap_err();
    assert!(error.to_string().contains("trailing slash"), "{error}");
}

#[test]
fn row_167_attack_032_audience_is_compared_exactly() {
    let idp = Idp::new(Algorithm::EdDSA);
    for aud in [
        json!("https://mcp.example/mcp/"),
        json!("https://MCP.example/mcp"),
        json!([]),
        json!("https://mcp.example"),
        json!(""),
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("aud", aud))), "audience");
    }
    for aud in [json!(7), json!([AUD, 7]), json!(null), json!({})] {
        assert_eq!(refused(&idp, &idp.sign(&with("aud", aud))), "claim_type");
    }
    assert!(check(&idp, &idp.sign(&with("aud", json!(["other", AUD])))).is_ok());
}

#[test]
fn row_086_absent_audience_names_the_mapper() {
    let idp = Idp::new(Algorithm::EdDSA);
    let error = check(&idp, &idp.sign(&without("aud"))).unwrap_err();
    assert!(error.to_string().contains("audience mapper"), "{error}");
    assert!(matches!(error.kind(), ValidationErrorKind::ClaimMissing { claim } if claim == "aud"));
}

#[test]
fn row_094_an_opaque_token_is_told_apart() {
    let idp = Idp::new(Algorithm::EdDSA);
    let error = check(&idp, "v2_opaque_token").unwrap_err();
    assert!(error.to_string().contains("opaque"), "{error}");
    assert_eq!(error.client_text(), ClientText::Malformed);
}

#[test]
fn attack_034_035_claims_are_one_object_without_duplicates() {
    let idp = Idp::new(Algorithm::EdDSA);
    let header = idp.header().to_string();
    for payload in [
        format!(r#"{{"iss":"{ISS}","aud":"{AUD}","exp":{},"groups":[],"groups":["admin"]}}"#, NOW + 9),
        format!(r#"{{"iss":"{ISS}","aud":"{AUD}","exp":{},"act":{{"sub":"a","s\u0075b":"b"}}}}"#, NOW + 9),
        format!(r#"[{},"{ISS}"]"#, NOW + 9),
        "\"text\"".into(),
        format!("{} ,", claims()),
        format!("\u{feff}{}", claims()),
    ] {
        assert_eq!(refused(&idp, &idp.sign_text(&header, &payload)), "json", "{payload}");
    }
}

#[test]
fn attack_036_size_and_depth() {
    let idp = Idp::new(Algorithm::EdDSA);
    assert_eq!(refused(&idp, &idp.sign(&with("x", "a".repeat(20_000).into()))), "token_too_long");
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(refused(&idp, &idp.sign(&with("x", deep))), "json");
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

#[test]
fn row_195_196_attack_054_the_issuer_chooses_keys_and_audiences() {
    let (a, b) = (Idp::new(Algorithm::EdDSA), Idp::new(Algorithm::EdDSA));
    let validator = Validator::new([
        Issuer::new(ISS).audience(AUD),
        Issuer::new("https://b.example").audience("api://b"),
    ])
    .unwrap();
    let verify = |token: &str| {
        let parsed = validator.parse(token)?;
        let keys = if parsed.issuer().index() == 0 { &a.keys } else { &b.keys };
        validator.verify(parsed, keys, &Checks::at(UnixTime::from_secs(NOW)))
    };
    assert!(verify(&a.sign(&claims())).is_ok());
    let mut of_b = with("iss", json!("https://b.example"));
    of_b["aud"] = "api://b".into();
    assert!(verify(&b.sign(&of_b)).is_ok(), "the same kid at both issuers");
    assert_eq!(verify(&b.sign(&claims())).unwrap_err().code(), "signature", "b's key for a's name");
    assert_eq!(
        verify(&b.sign(&with("iss", json!("https://b.example")))).unwrap_err().code(),
        "audience",
        "a's audience"
    );
}

#[test]
fn row_198_issuers_are_configured_once_and_with_an_audience() {
    let error = |issuers: Vec<Issuer>| Validator::new(issuers).unwrap_err();
    let good = || Issuer::new(ISS).audience(AUD);
    assert_eq!(error(vec![]), IssuerConfigError::NoIssuer);
    assert_eq!(error(vec![good(), good()]), IssuerConfigError::Duplicate(ISS.into()));
    assert_eq!(error(vec![Issuer::new(ISS)]), IssuerConfigError::NoAudience(ISS.into()));
    assert_eq!(error(vec![good().algorithms(&[])]), IssuerConfigError::NoAlgorithm(ISS.into()));
    assert_eq!(
        error(vec![good().leeway(std::time::Duration::from_secs(301))]),
        IssuerConfigError::Leeway(ISS.into())
    );
}

#[test]
fn a_bound_token_is_not_a_bearer_token() {
    let idp = Idp::new(Algorithm::EdDSA);
    let jkt = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    assert_eq!(refused(&idp, &idp.sign(&with("cnf", json!({"jkt": jkt})))), "bound_token");
    assert_eq!(refused(&idp, &idp.sign(&with("cnf", json!({"x5t#S256": jkt})))), "bound_token");
    for cnf in [json!({}), json!({"jkt": "x"}), json!({"jkt": jkt, "kid": "y"}), json!({"jwk": {}})] {
        assert_eq!(refused(&idp, &idp.sign(&with("cnf", cnf))), "confirmation_method");
    }
}

#[test]
fn nothing_that_formats_shows_claims() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&with("email", "canary@example.test".into()));
    let parsed = format!("{:?}", validator().parse(&token).unwrap());
    let principal = format!("{:?}", check(&idp, &token).unwrap());
    for text in [parsed, principal] {
        assert!(!text.contains("canary"), "{text}");
        assert!(!token.split('.').any(|part| text.contains(part)), "{text}");
    }
}
