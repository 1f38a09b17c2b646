//! Scopes: a string of words or an array of strings, in the claim that the issuer uses.

use super::*;

fn scopes(issuer: Issuer, claims: &Value) -> Vec<String> {
    let idp = Idp::new(Algorithm::EdDSA);
    judge(&of(issuer), &idp, claims).unwrap().scopes().map(str::to_owned).collect()
}

#[test]
fn attack_038_scopes_have_two_forms() {
    for (value, expected) in [
        (json!("a b"), &["a", "b"][..]),
        (json!(" a  b "), &["a", "b"]),
        (json!("a"), &["a"]),
        (json!(""), &[]),
        (json!(["a", "b"]), &["a", "b"]),
        (json!([]), &[]),
        // Not documented, so nothing is granted.
        (json!(7), &[]),
        (json!(true), &[]),
        (json!(null), &[]),
        (json!({"a": true}), &[]),
        (json!([["a"]]), &[]),
        (json!([7, "a"]), &["a"]),
        // One scope of an odd name, not two.
        (json!(["a b"]), &["a b"]),
        (json!("a\tb,c"), &["a\tb,c"]),
    ] {
        assert_eq!(scopes(issuer(), &with("scope", value.clone())), expected, "{value}");
    }
}

#[test]
fn attack_038_the_first_claim_that_is_there_counts() {
    let mut entra = without("scope");
    entra["scp"] = "files.read".into();
    assert_eq!(scopes(issuer(), &entra), ["files.read"]);
    entra["scp"] = json!(["mcp:read", "mcp:write"]);
    assert_eq!(scopes(issuer(), &entra), ["mcp:read", "mcp:write"], "Okta");
    entra["scope"] = "".into();
    assert_eq!(
        scopes(issuer(), &entra),
        [""; 0],
        "a claim that is there is the claim, also when it is empty"
    );
    entra["permissions"] = json!(["p"]);
    assert_eq!(scopes(issuer().scope_claims(["permissions", "scp"]), &entra), ["p"]);
    assert_eq!(scopes(issuer().scope_claims(["roles"]), &entra), [""; 0]);
    assert_eq!(scopes(issuer().scope_claims([""; 0]), &entra), [""; 0]);
}
