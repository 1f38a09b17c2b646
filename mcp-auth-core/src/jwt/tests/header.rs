//! The JOSE header: attack table A, rows 1 to 17.

use super::*;

#[test]
fn attack_001_a_token_without_signature_is_none() {
    let idp = Idp::new(Algorithm::ES256);
    for alg in ["none", "None", "NONE", "nOnE", "none ", " none", "n\u{043e}ne"] {
        let header = json!({"alg": alg, "kid": "k1"}).to_string();
        assert_eq!(refused(&idp, &idp.sign_text(&header, claims().to_string())), "algorithm", "{alg}");
        let unsigned =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims().to_string()));
        assert_eq!(refused(&idp, &unsigned), "empty_part");
        assert_eq!(refused(&idp, unsigned.trim_end_matches('.')), "not_a_jwt");
    }
}

#[test]
fn attack_002_alg_is_a_known_name() {
    let idp = Idp::new(Algorithm::ES256);
    for alg in ["", "es256", "ES256 ", "ES256\0", "RS1", "ES256K", "A128KW", "RSA-OAEP", "dir"] {
        assert_eq!(refused(&idp, &idp.sign_under("alg", alg.into())), "algorithm", "{alg}");
    }
    for alg in [json!(5), json!(["ES256"]), json!(null), json!({"ES256": 1}), json!(true)] {
        assert_eq!(refused(&idp, &idp.sign_under("alg", alg)), "header");
    }
    assert_eq!(refused(&idp, &idp.sign_text(r#"{"kid":"k1"}"#, claims().to_string())), "header");
    let ed = Idp::new(Algorithm::Ed25519);
    assert!(check(&ed, &ed.sign(&claims())).is_ok(), "the name of RFC 9864");
    assert_eq!(refused(&ed, &ed.sign_under("alg", "EdDSA".into())), "key", "its key says `Ed25519`");
}

#[test]
fn attack_004_the_issuer_has_a_closed_list_of_algorithms() {
    let strict = of(issuer().algorithms(&[Algorithm::RS256]));
    for algorithm in [Algorithm::RS512, Algorithm::PS256, Algorithm::ES256] {
        let idp = Idp::new(algorithm);
        let error = judge(&strict, &idp, &claims()).unwrap_err();
        assert_eq!(error.code(), "algorithm", "{algorithm}");
        assert!(error.to_string().contains(algorithm.name()), "{error}");
    }
    let unusual = Idp::new(Algorithm::ES512);
    assert_eq!(code(judge(&validator(), &unusual, &claims())), "algorithm", "not in the default list");
    assert_eq!(code(judge(&of(issuer().algorithms(&[Algorithm::ES512])), &unusual, &claims())), "ok");
}

#[test]
fn attack_006_kid_names_a_key_and_nothing_else() {
    let idp = Idp::new(Algorithm::ES256);
    for kid in [
        "../../dev/null",
        "' OR 1=1 --",
        "$(id)",
        "k1\0",
        "k1 ",
        "K1",
        "\u{043a}1",
        "k\u{ff11}",
        "",
        &"k".repeat(2000),
    ] {
        let error = check(&idp, &idp.sign_under("kid", kid.into())).unwrap_err();
        assert_eq!(error.code(), "key");
        assert!(kid.is_empty() || !error.to_string().contains(kid), "not echoed");
    }
    assert_eq!(refused(&idp, &idp.sign_under("kid", "k".repeat(8192).into())), "token_too_long");
}

#[test]
fn attack_007_kid_is_a_string() {
    let idp = Idp::new(Algorithm::ES256);
    for kid in [json!(7), json!({}), json!(["k1"]), json!(null), json!(true)] {
        assert_eq!(refused(&idp, &idp.sign_under("kid", kid)), "header");
    }
}

/// Row 10 asks for zero connections too: this crate cannot make any, and the tower crate counts its own.
#[test]
fn attack_009_010_011_keys_and_places_of_keys_inside_the_token_are_never_used() {
    let (idp, attacker) = (Idp::new(Algorithm::ES256), Idp::new(Algorithm::ES256));
    let jwk: Value = serde_json::from_str(&attacker.signer.public_jwk("k1")).unwrap();
    for (member, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("jku", json!("http://169.254.169.254/latest/meta-data/")),
        ("x5u", json!("https://attacker.example/cert.pem")),
        ("x5u", json!("file:///etc/passwd")),
        ("x5c", json!(["MIIBszCCAVmgAwIBAgIUAAAA"])),
        ("x5t#S256", json!("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")),
    ] {
        assert_eq!(refused(&idp, &attacker.sign_under(member, value.clone())), "signature", "{member}");
        assert!(
            check(&idp, &idp.sign_under(member, value)).is_ok(),
            "{member} changes nothing for a good token"
        );
    }
}

#[test]
fn attack_012_013_014_what_must_be_understood_is_refused() {
    let idp = Idp::new(Algorithm::EdDSA);
    for (member, value) in [
        ("crit", json!(["x-unknown"])),
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("crit", json!(["alg"])),
        ("crit", json!(["exp", "exp"])),
        ("crit", json!("b64")),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
        ("cty", json!("application/jwt")),
        ("cty", json!(1)),
    ] {
        let error = check(&idp, &idp.sign_under(member, value.clone())).unwrap_err();
        assert_eq!(error.code(), "header", "{member} {value}");
        assert!(error.to_string().contains(member), "{error}");
    }
    let unencoded = json!({"alg": "EdDSA", "kid": "k1", "b64": false, "crit": ["b64"]}).to_string();
    assert_eq!(refused(&idp, &idp.sign_text(unencoded, claims().to_string())), "header");
    let error = check(&idp, "eyJhbGciOiJkaXIifQ..AA.AA.AA").unwrap_err();
    assert!(error.to_string().contains("JWE"), "{error}");
}

#[test]
fn attack_015_tokens_for_other_purposes_are_refused() {
    let idp = Idp::new(Algorithm::EdDSA);
    for typ in [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "application/oauth-id-jag+jwt",
        "client-authentication+jwt",
        "kb+jwt",
        "JWE",
        "at+jwt ",
        "",
    ] {
        assert_eq!(refused(&idp, &idp.sign_under("typ", typ.into())), "header", "{typ}");
    }
    assert_eq!(refused(&idp, &idp.sign_under("typ", json!(5))), "header");
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
        assert!(check(&idp, &idp.sign_under("typ", typ.into())).is_ok(), "{typ}");
    }
    let absent = idp.sign_text(r#"{"alg":"EdDSA","kid":"k1"}"#, claims().to_string());
    assert!(check(&idp, &absent).is_ok(), "most providers say nothing");
}

#[test]
fn attack_015_the_profile_of_rfc_9068_asks_for_its_type_and_claims() {
    let idp = Idp::new(Algorithm::EdDSA);
    let profile = of(issuer().access_token_profile());
    let mut full = with("client_id", "c".into());
    full["jti"] = "1".into();
    assert_eq!(code(judge(&profile, &idp, &full)), "ok");
    let typ = |typ: &str| idp.sign_text(json!({"alg": "EdDSA", "typ": typ}).to_string(), full.to_string());
    assert_eq!(code(check_at(&profile, &idp, &typ("application/at+jwt"), NOW)), "ok");
    assert_eq!(code(check_at(&profile, &idp, &typ("JWT"), NOW)), "header");
    assert_eq!(
        code(check_at(&profile, &idp, &idp.sign_text(r#"{"alg":"EdDSA"}"#, full.to_string()), NOW)),
        "header"
    );
    for claim in ["exp", "aud", "sub", "client_id", "iat", "jti"] {
        let mut less = full.clone();
        less.as_object_mut().unwrap().remove(claim);
        let expected = if claim == "aud" { "audience_missing" } else { "claim_missing" };
        assert_eq!(code(judge(&profile, &idp, &less)), expected, "{claim}");
    }
}

#[test]
fn attack_016_017_the_header_is_one_object_without_duplicates() {
    let idp = Idp::new(Algorithm::EdDSA);
    let claims = claims().to_string();
    let utf16: Vec<u8> = r#"{"alg":"EdDSA"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for header in [
        &br#"{"alg":"EdDSA","alg":"EdDSA"}"#[..],
        br#"{"alg":"EdDSA","\u0061lg":"EdDSA"}"#,
        br#"{"alg":"EdDSA","kid":"k1","kid":"k1"}"#,
        br#"{"alg":"EdDSA","x":1,"x":1}"#,
        br#"{"alg":"EdDSA","x":{"y":1,"\u0079":2}}"#,
        br#"["EdDSA"]"#,
        br#""EdDSA""#,
        b"null",
        b"\xef\xbb\xbf{\"alg\":\"EdDSA\"}",
        b"{\"alg\":\"EdDSA\",\"x\":\"\xff\"}",
        b"{\"alg\":\"EdDSA\"} {}",
        b"{\"alg\":\"EdDSA\",}",
        b"{'alg':'EdDSA'}",
        &utf16,
    ] {
        assert_eq!(
            refused(&idp, &idp.sign_text(header, &claims)),
            "json",
            "{}",
            String::from_utf8_lossy(header)
        );
    }
}
