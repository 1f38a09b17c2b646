//! Tokens that are bound to a key.

use serde_json::json;

use super::*;

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
