//! Our reading against serde_json's: what both accept means the same, and what only we refuse is on the list of the
//! module page.

use proptest::prelude::*;
use serde_json::Value;

use super::super::*;

/// What both readers say of one message. Also used on each element of a batch.
fn compare(text: &str) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_str::<Value>(text);
    let Ok(call) = peek(text.as_bytes()) else { return Ok(()) };
    let theirs = theirs.map_err(|e| TestCaseError::fail(format!("only serde_json refuses ({e}): {text}")))?;
    prop_assert_eq!(call.method.as_deref(), theirs.get("method").and_then(Value::as_str));
    let id = call.id.as_deref().map(|id| serde_json::from_str::<Value>(id).unwrap());
    prop_assert_eq!(id.as_ref(), theirs.get("id"));
    let range = |range: &Option<std::ops::Range<usize>>| {
        range.clone().map(|range| serde_json::from_str::<Value>(text.get(range).unwrap()).unwrap())
    };
    let params = theirs.get("params");
    prop_assert_eq!(range(&call.arguments), params.and_then(|p| p.get("arguments")).cloned());
    let meta = |name| params.and_then(|p| p.get("_meta")).and_then(|m| m.get(name));
    prop_assert_eq!(
        call.protocol_version.as_deref(),
        meta("io.modelcontextprotocol/protocolVersion").and_then(Value::as_str)
    );
    prop_assert_eq!(
        range(&call.client_capabilities),
        meta("io.modelcontextprotocol/clientCapabilities").cloned()
    );
    let named: Vec<String> = call.targets().map(|target| target.name().to_owned()).collect();
    let member = |at: &[&str]| at.iter().try_fold(params?, |value, name| value.get(name));
    let text_at = |at: &[&str]| member(at).and_then(Value::as_str).map(str::to_owned);
    let texts_at = |at: &[&str]| {
        member(at)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
    };
    let expected: Vec<String> = match call.method.as_deref().unwrap_or_default() {
        "tools/call" | "prompts/get" => text_at(&["name"]).into_iter().collect(),
        "resources/read" => text_at(&["uri"]).into_iter().collect(),
        "tasks/get" => text_at(&["taskId"]).into_iter().collect(),
        "completion/complete" => text_at(&["ref", "name"]).or(text_at(&["ref", "uri"])).into_iter().collect(),
        "subscriptions/listen" => texts_at(&["notifications", "resourceSubscriptions"])
            .chain(texts_at(&["notifications", "taskIds"]))
            .collect(),
        _ => Vec::new(),
    };
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    prop_assert_eq!(sorted(named), sorted(expected));
    Ok(())
}

/// Members in any order, now and then twice or with a neighbour that looks like them.
fn message() -> impl Strategy<Value = String> {
    let method = prop_oneof![
        Just(r#""tools/call""#),
        Just(r#""tools\/c\u0061ll""#),
        Just(r#""prompts/get""#),
        Just(r#""resources/read""#),
        Just(r#""tasks/get""#),
        Just(r#""completion/complete""#),
        Just(r#""subscriptions/listen""#),
        Just(r#""ping""#),
        Just("7"),
    ];
    let id = prop_oneof![Just("1"), Just("-1.5e3"), Just(r#""\u00e4\n""#), Just("null"), Just("[]")];
    let member = |name: &'static str, value: &'static str| format!("{name}:{value}");
    let param = prop_oneof![
        Just(member("\"name\"", "\"n\"")),
        Just(member("\"n\\u0061me\"", "\"m\\ud83d\\ude00\"")),
        Just(member("\"Name\"", "\"x\"")),
        Just(member("\"uri\"", "\"a:b\\/c\"")),
        Just(member("\"taskId\"", "\"t\"")),
        Just(member("\"ref\"", r#"{"type":"ref/prompt","name":"p"}"#)),
        Just(member("\"ref\"", r#"{"uri":"u:v","type":"ref/resource"}"#)),
        Just(member("\"arguments\"", r#" {"a":[1, {"b":null}], "name":"z"}"#)),
        Just(member("\"notifications\"", r#"{"resourceSubscriptions":["r:1"],"taskIds":["t1","t2"]}"#)),
        Just(member("\"notifications\"", r#"{"toolsListChanged":true}"#)),
        Just(member("\"_meta\"", r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#)),
        Just(member("\"_meta\"", r#"{"io.modelcontextprotocol/clientCapabilities":{"x":{}},"y":[1]}"#)),
        Just(member("\"cursor\"", "1.25")),
    ];
    let params = proptest::collection::vec(param, 0..5).prop_map(|all| format!("{{{}}}", all.join(", ")));
    let top = (method, id, params, any::<bool>(), any::<u8>()).prop_map(
        |(method, id, params, notification, order)| {
            let mut members = vec![
                r#""jsonrpc":"2.0""#.to_owned(),
                format!("\"method\" : {method}"),
                format!("\"params\":{params}"),
            ];
            if !notification {
                members.push(format!("\"id\": {id}"));
            }
            let turn = usize::from(order) % members.len();
            members.rotate_left(turn);
            format!(" {{{}}}\n", members.join(",\t"))
        },
    );
    // One byte somewhere else than it was.
    (top, proptest::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()))).prop_map(
        |(text, flip)| {
            let mut bytes = text.into_bytes();
            if let Some((at, byte)) = flip {
                let at = at.index(bytes.len());
                bytes[at] = byte & 0x7f;
            }
            String::from_utf8(bytes).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_both_readers_accept_means_the_same(text in message()) {
        compare(&text)?;
    }

    /// A batch is its messages: same texts, same readings, whatever stands around them.
    #[test]
    fn attack_080_a_batch_reads_as_its_messages_do(texts in proptest::collection::vec(message(), 1..6)) {
        let body = format!(" [{} ]", texts.join(","));
        let Ok(Body::Batch(batch)) = read_body(body.as_bytes()) else { return Ok(()) };
        prop_assert!(serde_json::from_str::<Vec<Value>>(&body).is_ok());
        prop_assert_eq!(batch.len(), texts.len());
        for (element, text) in batch.iter().zip(&texts) {
            let bytes = body.get(element.range.clone()).unwrap();
            prop_assert_eq!(bytes, text.trim_matches([' ', '\n', '\t', '\r']));
            let alone = peek(text.as_bytes());
            prop_assert_eq!(element.message.as_ref().map_err(|e| *e).map(|c| &c.target), alone.as_ref().map_err(|e| *e).map(|c| &c.target));
            compare(bytes)?;
        }
    }
}

#[test]
fn only_we_refuse_what_the_module_page_lists() {
    let with = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"a","arguments":{arguments}}}}}"#
        )
    };
    let depth = |n: usize| with(&format!("{}{}", "[".repeat(n), "]".repeat(n)));
    let digits = with(&"1".repeat(1_025));
    for (text, error) in [
        (with(r#""\ud800""#), PeekError::Parse),
        (with("1e999"), PeekError::Parse),
        (digits, PeekError::Parse),
        (depth(63), PeekError::TooDeep),
        (with("{}},\"params\":{"), PeekError::Duplicate),
        (with("{}, \"Name\":1"), PeekError::LookAlike),
        ("[1]".to_owned(), PeekError::Batch),
        ("{}".to_owned(), PeekError::NotJsonRpc),
    ] {
        assert_eq!(peek(text.as_bytes()), Err(error), "{text}");
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{text}");
    }
}
