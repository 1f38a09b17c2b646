//! Invariant: a tool that the predicate hides is not in the output; with a predicate that hides nothing, only
//! `cacheScope` and items without a name change.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::mcp::{ItemKind, filter_message};
use serde_json::Value;

const LISTS: [(&str, &str, usize); 5] = [
    ("tools", "name", 0),
    ("prompts", "name", 0),
    ("resources", "uri", 1),
    ("resourceTemplates", "uriTemplate", 2),
    ("tasks", "taskId", 3),
];

fn messages(document: &mut Value) -> Vec<&mut Value> {
    match document {
        Value::Array(list) => list.iter_mut().collect(),
        one => vec![one],
    }
}

fn name_of<'v>(item: &'v Value, member: &str, at: usize) -> Option<&'v str> {
    item.get(member).or_else(|| item.get(at)).and_then(Value::as_str)
}

/// What a filter that hides nothing may make of a document.
fn as_if_all_visible(mut document: Value) -> Value {
    for message in messages(&mut document) {
        let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) else { continue };
        let mut any = false;
        for (list, member, at) in LISTS {
            if let Some(items) = result.get_mut(list).and_then(Value::as_array_mut) {
                any = true;
                items.retain(|item| name_of(item, member, at).is_some());
            }
        }
        if let Some(scope) = result.get_mut("cacheScope").filter(|scope| any && !scope.is_null()) {
            *scope = "private".into();
        }
    }
    document
}

fuzz_target!(|data: &[u8]| {
    let input = serde_json::from_slice::<Value>(data).ok();

    if let Ok(filtered) =
        filter_message(data, &mut |item| !(item.kind == ItemKind::Tool && item.name.starts_with('w')))
    {
        let output = serde_json::from_slice::<Value>(filtered.as_deref().unwrap_or(data));
        assert!(input.is_none() || output.is_ok(), "a readable message was made unreadable");
        if let Ok(mut output) = output {
            for message in messages(&mut output) {
                let Some(tools) = message.pointer("/result/tools") else { continue };
                let Some(tools) = tools.as_array() else {
                    assert!(tools.is_null(), "a list that is no list was let through");
                    continue;
                };
                for tool in tools {
                    let name = name_of(tool, "name", 0).expect("an item without a name stayed");
                    assert!(!name.starts_with('w'), "a hidden tool stayed: {name}");
                }
            }
        }
    }

    if let (Some(input), Ok(Some(filtered))) = (input, filter_message(data, &mut |_| true)) {
        let output: Value =
            serde_json::from_slice(&filtered).expect("a readable message was made unreadable");
        assert_eq!(output, as_if_all_visible(input));
    }
});
