//! The claims set as a whole.

use serde_json::json;

use super::*;

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
