//! Invariants: what `read_body` says about a body is what an ordinary JSON parser reads in the same bytes, message by
//! message; one message reads as `peek` does; and the checks of headers take whatever comes. Where readings disagree, a
//! policy judges one call and the server behind it runs another.
//!
//! The first byte is the number of header lines, each `name value` on a line of its own; the rest is the body.
#![no_main]

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use mcp_auth_core::mcp::{Agreement, Body, Era, McpCall, Target, ToolHeaders, id_of, peek, read_body};
use serde_json::Value;

const TOOL: &[u8] = br#"{"inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"},
    "n":{"properties":{"i":{"type":"integer","x-mcp-header":"I"}}},"b":{"type":"boolean","x-mcp-header":"B"}}}}"#;

fn json(data: &[u8], range: &Option<Range<usize>>) -> Option<Value> {
    range.clone().map(|range| serde_json::from_slice(&data[range]).expect("a range that is no JSON"))
}

fn compare(data: &[u8], range: Range<usize>, call: &McpCall) {
    let message: Value =
        serde_json::from_slice(&data[range]).expect("a message was accepted that serde_json refuses");
    let top = message.as_object().expect("a message that is no object");
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
    assert_eq!(json(data, &call.arguments).as_ref(), params.and_then(|p| p.get("arguments")));
    let meta = |name: &str| {
        params.and_then(|p| p.get("_meta")).and_then(|m| m.get(&format!("io.modelcontextprotocol/{name}")))
    };
    let version = meta("protocolVersion");
    assert_eq!(call.protocol_version.as_deref(), version.and_then(Value::as_str));
    assert_eq!(call.protocol_version.is_some(), version.is_some());
    assert_eq!(json(data, &call.client_capabilities).as_ref(), meta("clientCapabilities"));
    assert!(meta("clientCapabilities").is_none_or(Value::is_object));

    let member = |name: &str| params.and_then(|p| p.get(name)).and_then(Value::as_str);
    let reference =
        |name: &str| params.and_then(|p| p.get("ref")).and_then(|r| r.get(name)).and_then(Value::as_str);
    let method = call.method.as_deref().unwrap_or_default();
    if method == "subscriptions/listen" {
        let filter = params.and_then(|p| p.get("notifications")).expect("a subscription without its filter");
        for (name, kind) in [("resourceSubscriptions", "resource"), ("taskIds", "task")] {
            let named = filter.get(name).map(|list| list.as_array().expect("names that are no list"));
            let named: Vec<&str> = named.into_iter().flatten().map(|n| n.as_str().expect("a name")).collect();
            let targets = call.targets().filter(|t| t.kind() == kind).map(Target::name);
            assert_eq!(named, targets.collect::<Vec<_>>());
        }
        return;
    }
    assert!(call.more_targets.is_empty());
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
}

fn split(data: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    // A body that stands alone starts like one.
    let Some((&count, mut rest)) = data.split_first().filter(|(count, _)| **count < b'\t') else {
        return (headers, data);
    };
    for _ in 0..count {
        let (line, after) = rest.split_at(rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()));
        rest = after.get(1..).unwrap_or_default();
        let mut parts = line.splitn(2, |b| *b == b' ');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

fuzz_target!(|data: &[u8]| {
    let (headers, body) = split(data);
    let agreement = Agreement::new();
    let alone = peek(body);
    match read_body(body) {
        Ok(Body::One(call)) => {
            assert_eq!(alone.as_ref(), Ok(&call));
            compare(body, 0..body.len(), &call);
            assert_eq!(id_of(body).as_deref(), call.id.as_deref().filter(|id| *id != "null"));
            if let Ok(Era::Modern) = agreement.check(&headers, &call) {
                let said = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
                assert!(said("mcp-protocol-version").is_some_and(|v| v.trim() == "2026-07-28"));
                if call.id.is_some() {
                    assert_eq!(
                        said("mcp-method").map(|v| v.trim_matches([' ', '\t'])),
                        call.method.as_deref()
                    );
                    assert_eq!(call.protocol_version.as_deref(), Some("2026-07-28"));
                }
            }
            let declared = ToolHeaders::parse(TOOL).expect("a tool");
            let arguments = call.arguments.clone().map(|range| &body[range]);
            if agreement.check_params(&headers, Era::Modern, &declared, arguments).is_ok()
                && let Some(Value::String(a)) = json(body, &call.arguments).as_ref().and_then(|a| a.get("a"))
            {
                let header = headers.get("mcp-param-a").expect("an argument without its header");
                let plain = header.to_str().expect("visible ASCII").trim_matches([' ', '\t']);
                assert!(plain == a || plain.starts_with("=?base64?"), "{plain} {a}");
            }
        }
        Ok(Body::Batch(batch)) => {
            assert!(alone.is_err());
            let all: Vec<Value> = serde_json::from_slice(body).expect("a batch that serde_json refuses");
            assert_eq!(all.len(), batch.len());
            let mut end = 0;
            for (element, value) in batch.iter().zip(&all) {
                assert!(element.range.start >= end && !element.range.is_empty());
                end = element.range.end;
                let bytes = &body[element.range.clone()];
                assert_eq!(&serde_json::from_slice::<Value>(bytes).expect("JSON"), value);
                match &element.message {
                    Ok(call) => {
                        assert_ne!(call.method.as_deref(), Some("initialize"));
                        compare(body, element.range.clone(), call);
                    }
                    Err(_) => assert!(peek(bytes).is_err() || value["method"] == "initialize"),
                }
            }
            let _ = agreement.check_batch(&headers, &batch);
        }
        Err(error) => assert!(alone.is_err(), "{error}"),
    }
});
