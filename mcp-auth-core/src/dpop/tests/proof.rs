use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::jwk::{Key, SkipReason, Thumbprint};
use crate::jwt::{Jws, TokenLimits};

#[test]
fn rfc_9449_example_of_section_4_1_verifies_up_to_the_token_hash_that_it_lacks() {
    // RFC 9449 §4.1, Figure 2: a proof for the token endpoint, which has no `ath`.
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik\
        VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR\
        nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE\
        QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj\
        oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia\
        WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg\
        4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let jws = Jws::parse(proof, TokenLimits::default()).unwrap();
    let jwk = jws.header().and_then(|h| h.get("jwk")).unwrap().as_object().unwrap();
    let key = Key::public(jwk, &AwsLc::new(), &[Algorithm::ES256]).unwrap();
    jws.verify_with(&key).unwrap();
    let target = TargetUri::parse("https://server.example.com/token").unwrap();
    let request = ProofContext { method: "POST", target: &target, token: "any" };
    let refused = ProofRules::default().check(proof, &request, at(1_562_262_616), &AwsLc::new()).unwrap_err();
    assert_eq!(refused.kind(), &ProofErrorKind::ClaimMissing { claim: "ath" });
}

/// RFC 9449 §7.1, Figure 12.
const RFC_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik\
    VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR\
    nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE\
    QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj\
    oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z\
    WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF\
    c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E\
    OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";

#[test]
fn rfc_9449_example_of_section_7_1_verifies_with_its_published_thumbprint() {
    let target = TargetUri::parse("https://resource.example.org/protectedresource").unwrap();
    let request =
        ProofContext { method: "GET", target: &target, token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU" };
    let rules = ProofRules::default();
    let proof = rules.check(RFC_PROOF, &request, at(1_562_262_618), &AwsLc::new()).unwrap();
    assert_eq!(proof.key().to_base64url(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.jti(), "e1j3V_bKic8-LAEB");
    let other = ProofContext { token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxV", ..request };
    let refused = rules.check(RFC_PROOF, &other, at(1_562_262_618), &AwsLc::new()).unwrap_err();
    assert_eq!(refused.kind(), &ProofErrorKind::TokenHash);
}

#[test]
fn mcp_d10_proofs_of_the_official_typescript_sdk_are_accepted() {
    let rules = ProofRules::default().algorithms(Algorithm::ASYMMETRIC).unwrap();
    let target = TargetUri::parse(URI).unwrap();
    let request = ProofContext { method: "POST", target: &target, token: "sdk.access.token" };
    let lines = include_str!("sdk_proofs.txt").lines().filter(|line| !line.starts_with('#'));
    let mut seen = 0;
    for line in lines {
        let [algorithm, thumbprint, iat, proof] = line.split(' ').collect::<Vec<_>>()[..] else { panic!() };
        let iat: u64 = iat.parse().unwrap();
        let checked = rules.check(proof, &request, at(iat + 5), &AwsLc::new());
        let checked = checked.unwrap_or_else(|e| panic!("{algorithm}: {e}"));
        assert_eq!(checked.key().to_base64url(), thumbprint, "{algorithm}");
        assert_eq!(checked.usable_until(), at(iat + 61));
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[test]
fn mcp_d10_every_asymmetric_algorithm_proves_possession() {
    let rules = ProofRules::default().algorithms(Algorithm::ASYMMETRIC).unwrap();
    for &algorithm in Algorithm::ASYMMETRIC {
        let client = Client::new(algorithm);
        let proof = check_at(&rules, &client.proof(), NOW).unwrap();
        let jwk =
            crate::json::Document::parse(client.jwk().to_string().as_bytes(), &Default::default()).unwrap();
        let expected = Thumbprint::of_jwk(jwk.as_object().unwrap(), &AwsLc::new()).unwrap();
        assert_eq!(proof.key(), expected, "{algorithm}");
        assert_eq!(proof.usable_until(), at(NOW + 61), "{algorithm}");
        assert!(!proof.wants_new_nonce());
    }
}

/// One change to a good proof, and the word under which it is refused.
type Mutation = (&'static str, &'static str, fn(&mut Value, &mut Value));

const MUTATIONS: &[Mutation] = &[
    ("typ missing", "proof_type", |h, _| remove(h, "typ")),
    ("typ of an access token", "proof_type", |h, _| h["typ"] = "at+jwt".into()),
    ("typ JWT", "proof_type", |h, _| h["typ"] = "JWT".into()),
    ("typ with a suffix", "proof_type", |h, _| h["typ"] = "dpop+jwt ".into()),
    ("typ not a string", "proof_malformed", |h, _| h["typ"] = json!(["dpop+jwt"])),
    ("alg none", "proof_malformed", |h, _| h["alg"] = "none".into()),
    ("alg missing", "proof_malformed", |h, _| remove(h, "alg")),
    ("alg HS256", "proof_algorithm", |h, _| h["alg"] = "HS256".into()),
    ("alg not in the list", "proof_algorithm", |h, _| h["alg"] = "ES512".into()),
    ("alg of another key type", "proof_key", |h, _| h["alg"] = "RS256".into()),
    ("alg of another curve", "proof_key", |h, _| h["alg"] = "ES384".into()),
    ("jwk missing", "proof_key", |h, _| remove(h, "jwk")),
    ("jwk null", "proof_key", |h, _| h["jwk"] = Value::Null),
    ("jwk a string", "proof_key", |h, _| h["jwk"] = h["jwk"].to_string().into()),
    ("jwk a list", "proof_key", |h, _| h["jwk"] = json!([h["jwk"]])),
    ("jwk empty", "proof_key", |h, _| h["jwk"] = json!({})),
    ("jwk without kty", "proof_key", |h, _| remove(&mut h["jwk"], "kty")),
    ("jwk without y", "proof_key", |h, _| remove(&mut h["jwk"], "y")),
    ("jwk with its private part", "proof_key", |h, _| h["jwk"]["d"] = "AAAA".into()),
    ("jwk with a secret", "proof_key", |h, _| h["jwk"]["k"] = "AAAA".into()),
    ("jwk symmetric", "proof_key", |h, _| h["jwk"] = json!({"kty": "oct", "k": "AAAA"})),
    ("jwk off the curve", "proof_key", |h, _| h["jwk"]["x"] = h["jwk"]["y"].clone()),
    ("jwk of another curve", "proof_key", |h, _| h["jwk"]["crv"] = "P-384".into()),
    ("jwk of a curve nobody knows", "proof_key", |h, _| h["jwk"]["crv"] = "P-256K".into()),
    ("jwk padded", "proof_key", |h, _| {
        h["jwk"]["x"] = format!("{}=", h["jwk"]["x"].as_str().unwrap()).into()
    }),
    ("jwk for encryption", "proof_key", |h, _| h["jwk"]["use"] = "enc".into()),
    ("jwk for other operations", "proof_key", |h, _| h["jwk"]["key_ops"] = json!(["sign"])),
    ("jwk for another algorithm", "proof_key", |h, _| h["jwk"]["alg"] = "ES384".into()),
    ("crit", "proof_malformed", |h, _| h["crit"] = json!(["jwk"])),
    ("b64", "proof_malformed", |h, _| h["b64"] = false.into()),
    ("zip", "proof_malformed", |h, _| h["zip"] = "DEF".into()),
    ("nested token", "proof_malformed", |h, _| h["cty"] = "JWT".into()),
    ("header too long", "proof_malformed", |h, _| h["x"] = "x".repeat(3200).into()),
    ("jti missing", "proof_malformed", |_, c| remove(c, "jti")),
    ("jti empty", "proof_malformed", |_, c| c["jti"] = "".into()),
    ("jti a number", "proof_malformed", |_, c| c["jti"] = 7.into()),
    ("jti too long", "proof_malformed", |_, c| c["jti"] = "j".repeat(MAX_JTI_BYTES + 1).into()),
    ("htm missing", "proof_malformed", |_, c| remove(c, "htm")),
    ("htm a list", "proof_malformed", |_, c| c["htm"] = json!(["POST"])),
    ("htm another method", "proof_method", |_, c| c["htm"] = "GET".into()),
    ("htm in lower case", "proof_method", |_, c| c["htm"] = "post".into()),
    ("htm empty", "proof_method", |_, c| c["htm"] = "".into()),
    ("htu missing", "proof_malformed", |_, c| remove(c, "htu")),
    ("htu a list", "proof_malformed", |_, c| c["htu"] = json!([URI])),
    ("htu without scheme", "proof_target", |_, c| c["htu"] = "/files/mcp".into()),
    ("htu http", "proof_target", |_, c| c["htu"] = "http://mcp.example/files/mcp".into()),
    ("htu another host", "proof_target", |_, c| c["htu"] = "https://mcp.example.org/files/mcp".into()),
    ("htu another port", "proof_target", |_, c| c["htu"] = "https://mcp.example:8443/files/mcp".into()),
    ("htu another path", "proof_target", |_, c| c["htu"] = "https://mcp.example/files".into()),
    ("htu with a slash more", "proof_target", |_, c| c["htu"] = format!("{URI}/").into()),
    ("htu path in other case", "proof_target", |_, c| c["htu"] = "https://mcp.example/Files/mcp".into()),
    ("htu with an encoded slash", "proof_target", |_, c| c["htu"] = "https://mcp.example/files%2Fmcp".into()),
    ("htu with a user", "proof_target", |_, c| c["htu"] = "https://a@mcp.example/files/mcp".into()),
    ("htu with a space", "proof_target", |_, c| c["htu"] = format!(" {URI}").into()),
    ("htu with a backslash", "proof_target", |_, c| c["htu"] = r"https://mcp.example\files\mcp".into()),
    ("iat missing", "proof_malformed", |_, c| remove(c, "iat")),
    ("iat a string", "proof_malformed", |_, c| c["iat"] = NOW.to_string().into()),
    ("iat null", "proof_malformed", |_, c| c["iat"] = Value::Null),
    ("iat negative", "proof_malformed", |_, c| c["iat"] = (-1).into()),
    ("iat 1e300", "proof_malformed", |_, c| c["iat"] = json!(1e300)),
    ("iat u64::MAX", "proof_malformed", |_, c| c["iat"] = u64::MAX.into()),
    ("iat in milliseconds", "proof_malformed", |_, c| c["iat"] = (NOW * 1000).into()),
    ("iat 0", "proof_time", |_, c| c["iat"] = 0.into()),
    ("iat too old", "proof_time", |_, c| c["iat"] = (NOW - 61).into()),
    ("iat too new", "proof_time", |_, c| c["iat"] = (NOW + 61).into()),
    ("exp over", "proof_time", |_, c| c["exp"] = (NOW - 60).into()),
    ("nbf not yet", "proof_time", |_, c| c["nbf"] = (NOW + 61).into()),
    ("ath missing", "proof_malformed", |_, c| remove(c, "ath")),
    ("ath a number", "proof_malformed", |_, c| c["ath"] = 7.into()),
    ("ath of another token", "proof_token_hash", |_, c| c["ath"] = ath("another.token").into()),
    ("ath empty", "proof_token_hash", |_, c| c["ath"] = "".into()),
    ("ath padded", "proof_token_hash", |_, c| c["ath"] = format!("{}=", ath(TOKEN)).into()),
    ("ath is the token", "proof_token_hash", |_, c| c["ath"] = TOKEN.into()),
    ("ath cut", "proof_token_hash", |_, c| c["ath"] = ath(TOKEN).get(..42).unwrap().into()),
    ("payload too long", "proof_malformed", |_, c| c["x"] = "x".repeat(MAX_PROOF_BYTES).into()),
    ("payload too deep", "proof_malformed", |_, c| c["x"] = (0..70).fold(json!(1), |v, _| json!([v]))),
];

fn remove(object: &mut Value, member: &str) {
    assert!(object.as_object_mut().unwrap().remove(member).is_some(), "{member}");
}

#[test]
fn mcp_d10_a_proof_with_one_thing_wrong_is_refused_under_its_own_word() {
    assert!(MUTATIONS.len() >= 60);
    let client = Client::new(Algorithm::ES256);
    assert!(check(&client.proof()).is_ok());
    let mut codes = BTreeSet::new();
    for (name, code, mutation) in MUTATIONS {
        let refused = check(&client.proof_with(mutation)).expect_err(name);
        assert_eq!(refused.code(), *code, "{name}: {refused}");
        assert_eq!(refused.oauth_error(), "invalid_dpop_proof", "{name}");
        assert!(!refused.client_text().contains(['"', '\\']), "{name}");
        assert!(refused.to_string().len() < 700, "{name}: bounded");
        codes.insert(*code);
    }
    assert_eq!(codes.len(), 8, "{codes:?}");
}

#[test]
fn what_a_proof_may_say_besides_does_not_matter() {
    let client = Client::new(Algorithm::ES256);
    let harmless: &[fn(&mut Value, &mut Value)] = &[
        |h, _| h["typ"] = "application/DPoP+JWT".into(),
        |h, _| h["kid"] = "whatever".into(),
        |h, _| h["jku"] = "https://attacker.example/jwks.json".into(),
        |h, _| h["jwk"]["kid"] = "k".into(),
        |h, _| h["jwk"]["use"] = "sig".into(),
        |h, _| h["jwk"]["alg"] = "ES256".into(),
        |_, c| c["nonce"] = "nobody asked".into(),
        |_, c| c["nonce"] = json!({"not": "even a string"}),
        |_, c| c["exp"] = (NOW + 5).into(),
        |_, c| c["nbf"] = NOW.into(),
        |_, c| c["iat"] = json!(NOW as f64 + 0.75),
        |_, c| c["jti"] = "j".repeat(MAX_JTI_BYTES).into(),
        |_, c| c["htu"] = format!("{URI}?query#fragment").into(),
        |_, c| c["htu"] = "HTTPS://MCP.EXAMPLE:443/x/../files/./%6dcp".into(),
        |_, c| c["anything"] = json!([1, 2]),
    ];
    let key = check(&client.proof()).unwrap().key();
    for (i, change) in harmless.iter().enumerate() {
        let proof = check(&client.proof_with(change)).unwrap_or_else(|e| panic!("{i}: {e}"));
        assert_eq!(proof.key(), key);
    }
}

#[test]
fn texts_that_are_no_proof_are_refused() {
    let client = Client::new(Algorithm::ES256);
    let good = client.proof();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let twice = r#"{"jti":"a","jti":"b"}"#;
    let header_twice =
        format!(r#"{{"typ":"dpop+jwt","typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, client.jwk());
    let key_twice = client.header().to_string().replace(r#""kty":"EC""#, r#""kty":"EC","kty":"EC""#);
    let escaped_twice = r#"{"jti":"a","\u006ati":"b"}"#;
    let other = Client::new(Algorithm::ES256).proof();
    let other_signature = other.rsplit_once('.').unwrap().1;
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "proof_malformed"),
        (".".into(), "proof_malformed"),
        ("..".into(), "proof_malformed"),
        ("a.b.c".into(), "proof_malformed"),
        ("opaque".into(), "proof_malformed"),
        (signed.into(), "proof_malformed"),
        (format!("{signed}."), "proof_malformed"),
        (format!("{good}.{signature}"), "proof_malformed"),
        (format!("{header}..{signature}"), "proof_malformed"),
        (format!("{good}="), "proof_signature"),
        (format!(" {good}"), "proof_malformed"),
        (format!("{good}\n"), "proof_signature"),
        (format!("{good},{good}"), "proof_malformed"),
        (format!("{header}.{claims}!.{signature}"), "proof_malformed"),
        (format!("{signed}.{other_signature}"), "proof_signature"),
        (format!("{signed}.{}", b64([0; 64])), "proof_signature"),
        (format!("{signed}.{}", b64([0xff; 64])), "proof_signature"),
        (format!("{signed}.{}", signature.get(..80).unwrap()), "proof_signature"),
        (format!("{signed}.{}", "A".repeat(2000)), "proof_malformed"),
        ("A".repeat(MAX_PROOF_BYTES + 1), "proof_malformed"),
        (".".repeat(10_000), "proof_malformed"),
        (client.sign_text(&client.header().to_string(), twice), "proof_malformed"),
        (client.sign_text(&client.header().to_string(), escaped_twice), "proof_malformed"),
        (client.sign_text(&client.header().to_string(), "[]"), "proof_malformed"),
        (client.sign_text(&client.header().to_string(), "{} {}"), "proof_malformed"),
        (client.sign_text(&client.header().to_string(), ""), "proof_malformed"),
        (client.sign_text(&header_twice, &client.claims().to_string()), "proof_malformed"),
        (client.sign_text(&key_twice, &client.claims().to_string()), "proof_malformed"),
        (client.sign_text("\u{feff}{}", &client.claims().to_string()), "proof_malformed"),
    ];
    for (text, code) in cases {
        let refused = check(&text).unwrap_err();
        assert_eq!(refused.code(), code, "{text:.80}: {refused}");
    }
}

#[test]
fn the_key_in_the_header_is_the_one_that_is_believed() {
    // Signed by one key, carrying another: the thumbprint of the victim cannot be borrowed.
    let (thief, victim) = (Client::new(Algorithm::ES256), Client::new(Algorithm::ES256));
    let borrowed = thief.proof_with(|h, _| h["jwk"] = victim.jwk());
    assert_eq!(check(&borrowed).unwrap_err().kind(), &ProofErrorKind::Signature);
    assert_ne!(check(&thief.proof()).unwrap().key(), check(&victim.proof()).unwrap().key());
}

#[test]
fn attack_041_weak_rsa_keys_prove_nothing() {
    let client = Client::new(Algorithm::RS256);
    assert!(check(&client.proof()).is_ok());
    let n = client.jwk()["n"].as_str().unwrap().to_owned();
    let mut even = URL_SAFE_NO_PAD.decode(&n).unwrap();
    *even.last_mut().unwrap() &= 0xfe;
    for (member, value) in
        [("n", b64([0xff; 128])), ("n", b64(even)), ("e", b64([1])), ("e", b64([0])), ("e", b64([2]))]
    {
        let proof = client.proof_with(|h, _| h["jwk"][member] = value.clone().into());
        let refused = check(&proof).unwrap_err();
        assert!(matches!(refused.kind(), ProofErrorKind::Key(SkipReason::Refused(_))), "{member} {refused}");
    }
}

#[test]
fn the_header_stands_once() {
    let mut headers = HeaderMap::new();
    assert_eq!(proof_header(&headers).unwrap_err().kind(), &ProofErrorKind::Missing);
    headers.append("dpop", "a.b.c".parse().unwrap());
    assert_eq!(proof_header(&headers).unwrap(), "a.b.c");
    headers.append("DPoP", "a.b.c".parse().unwrap());
    assert_eq!(proof_header(&headers).unwrap_err().kind(), &ProofErrorKind::Several);
    headers.insert("dpop", "a.b.c, a.b.c".parse().unwrap());
    assert_eq!(proof_header(&headers).unwrap_err().kind(), &ProofErrorKind::Several);
    headers.insert("dpop", http::HeaderValue::from_bytes(b"a.b.\xff").unwrap());
    assert_eq!(proof_header(&headers).unwrap_err().kind(), &ProofErrorKind::NotText);
}

#[test]
fn mcp_d10_the_window_holds_to_the_second_and_attack_040_on_every_clock() {
    let client = Client::new(Algorithm::ES256);
    let proof = client.proof();
    for window in [1, 60, 300] {
        let rules = ProofRules::default().window(Duration::from_secs(window)).unwrap();
        for (now, good) in [
            (NOW - window - 1, false),
            (NOW - window, true),
            (NOW, true),
            (NOW + window, true),
            (NOW + window + 1, false),
            (0, false),
            (u64::MAX, false),
        ] {
            let checked = check_at(&rules, &proof, now);
            assert_eq!(checked.is_ok(), good, "window {window}, now {now}");
            if let Ok(checked) = checked {
                let until = checked.usable_until().as_secs();
                assert!(check_at(&rules, &proof, until - 1).is_ok(), "remembered no longer than needed");
                assert!(check_at(&rules, &proof, until).is_err(), "and no shorter");
            }
        }
    }
    let first_second = client.proof_with(|_, c| c["iat"] = 0.into());
    assert!(check_at(&ProofRules::default(), &first_second, 0).is_ok(), "a clock in 1970 is only a clock");
    let last = client.proof_with(|_, c| c["iat"] = 253_402_300_799u64.into());
    assert!(check_at(&ProofRules::default(), &last, 253_402_300_799).is_ok());
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let rules = ProofRules::default;
    assert_eq!(rules().algorithms(&[]).unwrap_err(), ProofConfigError::NoAlgorithm);
    let mixed = rules().algorithms(&[Algorithm::ES256, Algorithm::HS256]);
    assert_eq!(mixed.unwrap_err(), ProofConfigError::Symmetric(Algorithm::HS256));
    for secs in [0, 301, u64::MAX] {
        let window = Duration::from_secs(secs);
        assert_eq!(rules().window(window).unwrap_err(), ProofConfigError::Window(window));
    }
    assert!(rules().window(Duration::from_millis(999)).is_err());
    assert!(rules().window(Duration::from_secs(300)).is_ok());
    assert!(rules().accepted_algorithms().iter().all(|a| !a.is_symmetric()));
}

#[test]
fn attack_066_neither_token_nor_nonce_secret_is_printed() {
    let client = Client::new(Algorithm::ES256);
    let rules = ProofRules::default().nonces(Nonces::new([0xab; 32]));
    let target = TargetUri::parse(URI).unwrap();
    let request = ProofContext { method: "POST", target: &target, token: "canary" };
    let refused = rules.check(&client.proof(), &request, at(NOW), &AwsLc::new()).unwrap_err();
    let store = ReplayStore::new(4096, [0xab; 32]);
    let printed = format!("{rules:?} {request:?} {refused:?} {refused} {store:?}");
    assert!(
        !printed.contains("canary") && !printed.contains("171") && !printed.contains("abab"),
        "{printed}"
    );
}

proptest! {
    #[test]
    fn no_text_panics_and_none_is_a_proof(text in "\\PC{0,200}") {
        prop_assert!(check(&text).is_err());
    }

    #[test]
    fn no_edit_of_a_proof_is_another_proof(at_byte in 0usize..600, byte in 33u8..127) {
        let client = Client::new(Algorithm::EdDSA);
        let good = client.proof();
        let mut bytes = good.clone().into_bytes();
        let at_byte = at_byte % bytes.len();
        bytes[at_byte] = byte;
        let edited = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(check(&edited).is_ok(), edited == good);
    }
}
