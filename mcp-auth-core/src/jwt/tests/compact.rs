//! Three parts, strict base64url, bounded.

use super::*;

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
fn row_094_an_opaque_token_is_told_apart() {
    let idp = Idp::new(Algorithm::EdDSA);
    let error = check(&idp, "v2_opaque_token").unwrap_err();
    assert!(error.to_string().contains("opaque"), "{error}");
    assert_eq!(error.client_text(), ClientText::Malformed);
}
