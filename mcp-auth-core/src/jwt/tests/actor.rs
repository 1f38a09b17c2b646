//! Who acts for whom: `act`, RFC 8693 §4.1.

use super::*;

#[test]
fn attack_034_an_actor_chain_is_objects_all_the_way() {
    let idp = Idp::new(Algorithm::EdDSA);
    for act in [
        json!("agent"),
        json!(null),
        json!(["agent"]),
        json!(7),
        json!({"sub": 7}),
        json!({"sub": null}),
        json!({"sub": "a", "act": "b"}),
        json!({"sub": "a", "act": {"sub": "b", "act": []}}),
        json!({"sub": "a", "act": {"sub": ["b"]}}),
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("act", act.clone()))), "claim_type", "{act}");
    }
    let deep = (0..70).fold(json!({"sub": "first"}), |inner, _| json!({"sub": "x", "act": inner}));
    assert_eq!(refused(&idp, &idp.sign(&with("act", deep))), "json", "depth is bounded");
}

#[test]
fn the_present_actor_comes_first() {
    let idp = Idp::new(Algorithm::EdDSA);
    let act = json!({
        "sub": "spiffe://acme.example/mcp-agent", "iss": "https://sts.example", "tool": "x",
        "act": {"sub": "planner", "act": {"client_id": "no subject"}}
    });
    let principal = check(&idp, &idp.sign(&with("act", act))).unwrap();
    let chain: Vec<_> = principal.actors().map(|actor| (actor.subject(), actor.issuer())).collect();
    assert_eq!(
        chain,
        [
            (Some("spiffe://acme.example/mcp-agent"), Some("https://sts.example")),
            (Some("planner"), None),
            (None, None)
        ]
    );
    assert_eq!(principal.actors().next().unwrap().claims().get("tool").unwrap().as_str(), Some("x"));
    assert_eq!(check(&idp, &idp.sign(&claims())).unwrap().actors().count(), 0);
}
