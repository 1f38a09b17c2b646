//! RFC 9396 §7: which details were granted.

use std::sync::Arc;

use serde_json::{Value, json};

use super::issued::{answering, read};
use crate::AuthorizationDetails;
use crate::plan::ExchangePlan;
use crate::testing::{exchange, json_response, plan, step};

#[test]
fn other_authorization_details_than_were_asked_for_are_told_or_refused() {
    let asked = r#"[{"type":"mcp_tool","actions":["read"]},{"type":"b"}]"#;
    let details = AuthorizationDetails::parse(asked).unwrap();
    let asking = ExchangePlan::new("p", [step().authorization_details(details)]).unwrap();
    let strict = Arc::new(asking.clone().rules(|r| r.same_details()));
    let asking = Arc::new(asking);
    for (granted, other) in [
        (json!([{"type": "mcp_tool", "actions": ["read"]}, {"type": "b"}]), false),
        (json!([{"type": "b"}, {"actions": ["read"], "type": "mcp_tool"}]), false),
        (json!([{"type": "mcp_tool", "actions": ["read", "write"]}, {"type": "b"}]), true),
        (json!([{"type": "mcp_tool", "actions": ["read"]}]), true),
        (json!([{"type": "b"}, {"type": "b"}, {"type": "mcp_tool", "actions": ["read"]}]), true),
        (json!([]), true),
        (json!("[]"), true),
        (Value::Null, true),
    ] {
        let body = answering("authorization_details", granted.clone());
        let outcome = exchange(&asking, json_response(200, &body));
        assert_eq!(outcome.token().unwrap().has_other_details(), other, "{granted}");
        let expected = if other { "unusable details" } else { "token" };
        assert_eq!(read(&strict, &body), expected, "{granted}");
        // Whoever asked for none is told nothing.
        let outcome = exchange(&plan(), json_response(200, &body));
        assert!(!outcome.token().unwrap().has_other_details());
    }
}
