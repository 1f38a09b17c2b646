//! Invariants: what the predicate hides is not in the output, listed or announced; with a predicate that hides nothing,
//! only caching hints and items without a name change. And what a tool declares of its headers is in its schema.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::mcp::{Filtered, ItemKind, ListItem, ToolHeaders, filter_message};
use serde_json::Value;

const LISTS: [(&str, &str); 5] = [
    ("tools", "name"),
    ("prompts", "name"),
    ("resources", "uri"),
    ("resourceTemplates", "uriTemplate"),
    ("tasks", "taskId"),
];

const ANNOUNCED: [(&str, &str); 3] = [
    ("notifications/resources/updated", "uri"),
    ("notifications/tasks/status", "taskId"),
    ("notifications/tasks", "taskId"),
];

fn messages(document: &mut Value) -> Vec<&mut Value> {
    match document {
        Value::Array(list) => list.iter_mut().collect(),
        one => vec![one],
    }
}

/// What a filter that hides nothing may make of a document; `None` if it may drop it.
fn as_if_all_visible(mut document: Value) -> Option<Value> {
    let stays = |message: &Value| {
        let method = message.get("method").and_then(Value::as_str);
        let naming = ANNOUNCED.iter().find(|(name, _)| Some(*name) == method);
        // One that names nothing goes.
        naming.is_none_or(|(_, member)| message["params"].get(member).is_some())
            && (method != Some("notifications/subscriptions/acknowledged") || message.get("params").is_some())
    };
    match &mut document {
        Value::Array(list) => {
            let before = list.len();
            list.retain(stays);
            if list.is_empty() && before > 0 {
                return None;
            }
        }
        one if !stays(one) => return None,
        _ => {}
    }
    for message in messages(&mut document) {
        let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) else { continue };
        let (mut listed, mut cacheable) = (false, result.contains_key("contents"));
        for (list, member) in LISTS {
            if let Some(items) = result.get_mut(list).and_then(Value::as_array_mut) {
                (listed, cacheable) = (true, true);
                items.retain(|item| item.get(member).and_then(Value::as_str).is_some());
            }
        }
        let scope = result.get("cacheScope").is_some_and(|scope| cacheable || !scope.is_null());
        if scope {
            result.insert("cacheScope".to_owned(), "private".into());
        }
        if cacheable && result.get("ttlMs").is_some_and(|ttl| !ttl.is_null()) {
            result.insert("cacheScope".to_owned(), "private".into());
            if listed || result["ttlMs"].as_u64().is_none_or(|ms| ms >= 1_000_000_000_000_000) {
                result.insert("ttlMs".to_owned(), 0.into());
            }
        }
    }
    Some(document)
}

fn hidden(name: &str) -> bool {
    name.starts_with('w')
}

fn check_hidden(message: &Value) {
    let method = message.get("method").and_then(Value::as_str);
    for (announced, member) in ANNOUNCED {
        if method == Some(announced) {
            let name = message["params"]
                .get(member)
                .and_then(Value::as_str)
                .expect("a nameless announcement stayed");
            assert!(!hidden(name), "a hidden item was announced: {name}");
        }
    }
    for (list, member) in LISTS {
        let Some(items) = message.get("result").and_then(|result| result.get(list)) else { continue };
        let Some(items) = items.as_array() else {
            assert!(items.is_null(), "a list that is no list was let through");
            continue;
        };
        for item in items {
            let name = item.get(member).and_then(Value::as_str).expect("an item without a name stayed");
            assert!(!hidden(name), "a hidden item stayed: {name}");
        }
    }
    if method == Some("notifications/subscriptions/acknowledged") {
        for list in ["resourceSubscriptions", "taskIds"] {
            let names = message["params"]["notifications"].get(list).and_then(Value::as_array);
            assert!(names.into_iter().flatten().all(|name| !hidden(name.as_str().expect("a name"))));
        }
    }
}

fn declared(item: ListItem<'_>) {
    let Some(raw) = item.raw().filter(|_| item.kind == ItemKind::Tool) else { return };
    let Ok(headers) = ToolHeaders::parse(raw.as_bytes()) else { return };
    let tool: Value = serde_json::from_str(raw).expect("an item that is no JSON");
    for param in headers.params() {
        let mut schema = &tool["inputSchema"];
        for step in &param.path {
            schema = &schema["properties"][&**step];
        }
        let name = schema["x-mcp-header"].as_str().expect("a declaration that is not there");
        assert_eq!(param.header.as_str(), format!("mcp-param-{}", name.to_ascii_lowercase()));
    }
}

fuzz_target!(|data: &[u8]| {
    let input = serde_json::from_slice::<Value>(data).ok();

    let mut visible = |item: ListItem<'_>| {
        declared(item);
        !hidden(item.name)
    };
    match filter_message(data, &mut visible) {
        Ok(Filtered::Dropped) | Err(_) => {}
        Ok(filtered) => {
            let output = match &filtered {
                Filtered::Replaced(out) => out.as_slice(),
                _ => data,
            };
            let output = serde_json::from_slice::<Value>(output);
            // What we read, serde_json reads.
            let mut output = output.expect("a message was let through that serde_json refuses");
            messages(&mut output).into_iter().for_each(|message| check_hidden(message));
        }
    }

    if let Some(input) = input {
        let expected = as_if_all_visible(input.clone());
        match filter_message(data, &mut |_| true) {
            Err(_) => {}
            Ok(Filtered::Unchanged) => assert_eq!(Some(input), expected),
            Ok(Filtered::Replaced(filtered)) => {
                let output: Value =
                    serde_json::from_slice(&filtered).expect("a readable message was made unreadable");
                assert_eq!(Some(output), expected);
            }
            Ok(Filtered::Dropped) => assert_eq!(expected, None),
        }
    }
});
