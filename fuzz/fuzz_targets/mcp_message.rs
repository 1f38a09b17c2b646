//! Invariant: what `peek` says about a message is what an ordinary JSON parser reads in the same bytes. Where they
//! disagree, a policy judges one call and the server behind it runs another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::mcp::{Target, peek};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(call) = peek(data) else { return };
    let message: Value = serde_json::from_slice(data).expect("peek accepted what serde_json refuses");
    let top = message.as_object().expect("peek accepted no object");
    assert_eq!(top.get("jsonrpc").and_then(Value::as_str), Some("2.0"));
    assert!(
        top.keys().all(|k| matches!(k.as_str(), "jsonrpc" | "id" | "method" | "params" | "result" | "error")),
        "unknown member at the top"
    );
    assert_eq!(call.method.as_deref(), top.get("method").and_then(Value::as_str));
    assert_eq!(call.method.is_some(), top.contains_key("method"));
    let id = call.id.as_deref().map(|id| serde_json::from_str::<Value>(id).expect("id is JSON"));
    assert_eq!(id.as_ref(), top.get("id"));

    let params = top.get("params");
    let arguments =
        call.arguments.clone().map(|range| serde_json::from_slice::<Value>(&data[range]).expect("JSON"));
    assert_eq!(arguments.as_ref(), params.and_then(|p| p.get("arguments")));
    let version =
        params.and_then(|p| p.get("_meta")).and_then(|m| m.get("io.modelcontextprotocol/protocolVersion"));
    assert_eq!(call.protocol_version.as_deref(), version.and_then(Value::as_str));
    assert_eq!(call.protocol_version.is_some(), version.is_some());

    let member = |name: &str| params.and_then(|p| p.get(name)).and_then(Value::as_str);
    let reference =
        |name: &str| params.and_then(|p| p.get("ref")).and_then(|r| r.get(name)).and_then(Value::as_str);
    let method = call.method.as_deref().unwrap_or_default();
    match &call.target {
        Some(target @ Target::Tool(_)) => {
            assert_eq!(method, "tools/call");
            assert_eq!(Some(target.name()), member("name"));
        }
        Some(target @ Target::Task(_)) => {
            assert!(method.starts_with("tasks/"));
            assert_eq!(Some(target.name()), member("taskId"));
        }
        Some(target) if method == "completion/complete" => {
            let (kind, name) = match target {
                Target::Prompt(_) => ("ref/prompt", "name"),
                _ => ("ref/resource", "uri"),
            };
            assert_eq!(reference("type"), Some(kind));
            assert_eq!(Some(target.name()), reference(name));
        }
        Some(target @ Target::Prompt(_)) => {
            assert_eq!(method, "prompts/get");
            assert_eq!(Some(target.name()), member("name"));
        }
        Some(target) => {
            assert!(method.starts_with("resources/"));
            assert_eq!(Some(target.name()), member("uri"));
        }
        None => assert!(
            !matches!(
                method,
                "tools/call" | "prompts/get" | "resources/read" | "tasks/get" | "completion/complete"
            ),
            "a call without its item"
        ),
    }
});
