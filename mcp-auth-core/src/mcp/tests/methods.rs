use super::super::*;

fn listen(filter: &str) -> Result<McpCall, PeekError> {
    peek(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{filter}}}}}"#).as_bytes())
}

fn names(call: &McpCall) -> Vec<(&'static str, &str)> {
    call.targets().map(|target| (target.kind(), target.name())).collect()
}

#[test]
fn attack_088_every_item_of_a_subscription_is_judged() {
    let call =
        listen(r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b","c:\u0064"],"taskIds":["t"]}"#)
            .unwrap();
    assert_eq!(call.kind(), CallKind::Subscription);
    assert_eq!(names(&call), [("resource", "a:b"), ("resource", "c:d"), ("task", "t")]);
    assert_eq!(call.target, Some(Target::Resource("a:b".into())));
    let second = call.targets().nth(1).unwrap();
    assert_eq!(names(&call.for_target(second)), [("resource", "c:d")]);
    assert!(listen("{}").unwrap().targets().next().is_none());
    // Method behind its parameters.
    let body = br#"{"params":{"notifications":{"taskIds":["t"]}},"method":"subscriptions/listen","id":1,"jsonrpc":"2.0"}"#;
    assert_eq!(names(&peek(body).unwrap()), [("task", "t")]);
    for (filter, error) in [
        ("[]", PeekError::NoItem),
        ("null", PeekError::NoItem),
        (r#"{"resourceSubscriptions":null}"#, PeekError::NoItem),
        (r#"{"resourceSubscriptions":"a:b"}"#, PeekError::NoItem),
        (r#"{"resourceSubscriptions":{"0":"a:b"}}"#, PeekError::NoItem),
        (r#"{"resourceSubscriptions":[["a:b"]]}"#, PeekError::NoItem),
        (r#"{"resourceSubscriptions":[1]}"#, PeekError::NoItem),
        (r#"{"taskIds":["t",null]}"#, PeekError::NoItem),
        (r#"{"taskIds":[],"taskIds":["t"]}"#, PeekError::Duplicate),
        (r#"{"taskIds":[],"taskIDs":["t"]}"#, PeekError::LookAlike),
        (r#"{"resource\u017fubscriptions":["a:b"]}"#, PeekError::LookAlike),
        (r#"{},"notifications":{"taskIds":["t"]}"#, PeekError::Duplicate),
        (r#"{},"Notifications":{"taskIds":["t"]}"#, PeekError::LookAlike),
    ] {
        assert_eq!(listen(filter), Err(error), "{filter}");
    }
    let without = br#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{}}"#;
    assert_eq!(peek(without), Err(PeekError::NoItem));
    let many = |n: usize| listen(&format!(r#"{{"taskIds":[{}]}}"#, vec!["\"t\""; n].join(",")));
    assert_eq!(many(MAX_TARGETS).unwrap().targets().count(), MAX_TARGETS);
    assert_eq!(many(MAX_TARGETS + 1), Err(PeekError::TooManyItems));
}

/// The table of the module page: all methods of all versions.
#[test]
fn every_method_has_its_kind() {
    use CallKind::{Item, Lifecycle, List, Subscription, Unknown};
    let kind = |method: &str, id: &str| {
        let params = r#"{"name":"n","uri":"a:b","taskId":"t","ref":{"type":"ref/prompt","name":"n"},"notifications":{}}"#;
        let body = format!(r#"{{"jsonrpc":"2.0",{id}"method":"{method}","params":{params}}}"#);
        peek(body.as_bytes()).unwrap().kind()
    };
    for (expected, methods) in [
        (Lifecycle, &["initialize", "ping", "server/discover", "logging/setLevel"][..]),
        (List, &["tools/list", "prompts/list", "resources/list", "resources/templates/list", "tasks/list"]),
        (
            Item,
            &["tools/call", "prompts/get", "resources/read", "resources/subscribe", "resources/unsubscribe"],
        ),
        (Item, &["completion/complete", "tasks/get", "tasks/result", "tasks/cancel", "tasks/update"]),
        (Subscription, &["subscriptions/listen"]),
        // What servers ask clients for, and requests that are named like notifications.
        (
            Unknown,
            &[
                "sampling/createMessage",
                "elicitation/create",
                "roots/list",
                "notifications/x",
                "Tools/call",
                "",
            ],
        ),
    ] {
        for method in methods {
            assert_eq!(kind(method, r#""id":1,"#), expected, "{method}");
        }
    }
    for method in ["initialized", "cancelled", "progress", "roots/list_changed", "tasks/status", "anything"] {
        assert_eq!(kind(&format!("notifications/{method}"), ""), Lifecycle, "{method}");
    }
    assert_eq!(kind("tools/call", ""), Item, "a call that wants no answer is a call");
    assert_eq!(kind("notification/x", ""), Unknown);
}

#[test]
fn the_metadata_of_modern_requests_is_found() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities": {"elicitation":{}} }}}"#;
    let range = peek(body.as_bytes()).unwrap().client_capabilities.unwrap();
    assert_eq!(body.get(range), Some(r#"{"elicitation":{}}"#));
    for capabilities in ["null", "[]", "7", "\"x\""] {
        let body = body.replace(r#"{"elicitation":{}}"#, capabilities);
        assert_eq!(peek(body.as_bytes()), Err(PeekError::Meta), "{capabilities}");
    }
    let look_alike = body.replace("clientCapabilities", "ClientCapabilities");
    assert_eq!(peek(look_alike.as_bytes()), Err(PeekError::LookAlike));
}
