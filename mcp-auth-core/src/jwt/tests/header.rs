//! The JOSE header: attack table A.

use serde_json::json;

use super::*;

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
