use super::super::*;

fn replaced(message: &str, mut visible: impl FnMut(ListItem<'_>) -> bool) -> String {
    match filter_message(message.as_bytes(), &mut visible) {
        Ok(Filtered::Replaced(out)) => String::from_utf8(out).unwrap(),
        other => panic!("{other:?}: {message}"),
    }
}

fn filter(message: &str) -> Result<Filtered, ListError> {
    filter_message(message.as_bytes(), &mut |item| !item.name.contains("write"))
}

const ANSWER: &str = r#"{"jsonrpc":"2.0", "id":1,"result":{ "tools":[ {"name":"read","x":[1, 2]} , {"name":"wr\u0069te"},{"name":"z"}],"nextCursor":"c","ttlMs":5,"cacheScope":"public"}}"#;

#[test]
fn mcp_b9_denied_items_go_and_the_others_stay_byte_for_byte() {
    let out = replaced(ANSWER, |i| i.name != "write");
    assert_eq!(
        out,
        r#"{"jsonrpc":"2.0", "id":1,"result":{ "tools":[ {"name":"read","x":[1, 2]},{"name":"z"}],"nextCursor":"c","ttlMs":0,"cacheScope":"private"}}"#
    );
    let out = replaced(ANSWER, |_| false);
    assert!(out.contains(r#""tools":[],"#));
}

#[test]
fn what_needs_no_change_is_left_alone() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
    ] {
        assert_eq!(filter_message(text.as_bytes(), &mut |_| true), Ok(Filtered::Unchanged));
    }
}

#[test]
fn a_list_that_cannot_be_read_is_an_error() {
    for text in [
        "",
        "<html>",
        r#"{"result":{"tools":{}}}"#,
        r#"{"result":{"tools":[]},"result":{"tools":[{"name":"write"}]}}"#,
        r#"{"result":{"tools":[],"tools":[{"name":"write"}]}}"#,
        r#"{"result":{"tools":[{"name":"read","name":"write"}]}}"#,
        r#"{"result":{"tools":["write"]}}"#,
        r#"{"result":{"tools":[["read",null,null,null]]}}"#,
        r#"{"result":{"tools":[{"name":5}]}}"#,
        r#"{"result":{"tools":[]}} {"result":{}}"#,
    ] {
        assert_eq!(filter_message(text.as_bytes(), &mut |_| true), Err(ListError), "{text}");
    }
    let unnamed = r#"{"result":{"tools":[{"title":"no name"}]}}"#;
    assert_eq!(replaced(unnamed, |_| true), r#"{"result":{"tools":[]}}"#);
}

/// A client that folds case, drops control characters or takes the last of two would show what was filtered out.
#[test]
fn attack_077_088_an_answer_with_look_alikes_is_an_error() {
    let item = r#"[{"name":"write"}]"#;
    let in_result = |member: &str| format!(r#"{{"id":1,"result":{{"tools":[],"{member}":{item}}}}}"#);
    let in_item =
        |member: &str| format!(r#"{{"id":1,"result":{{"tools":[{{"name":"read","{member}":"write"}}]}}}}"#);
    let mut texts: Vec<String> = [
        "Tools",
        "TOOLS",
        "tool\u{17f}",
        r"tools\u0000",
        r"\u0054ools",
        " tools",
        r"tools\n",
        "Prompts",
        "reSources",
        "resourcetemplates",
        "tas\u{212a}s",
        "CacheScope",
        "tools",
        r"t\u006fols",
    ]
    .map(in_result)
    .into();
    texts.extend(["Name", r"name\u0000", "URI", "uritemplate", "TaskId", "name", r"n\u0061me"].map(in_item));
    for member in ["Result", r"result\u0000", "RE\u{17f}ULT", "result"] {
        texts.push(format!(r#"{{"id":1,"result":{{"tools":[]}},"{member}":{{"tools":{item}}}}}"#));
        texts.push(format!(r#"{{"id":1,"{member}":{{"tools":{item}}},"result":{{}}}}"#));
    }
    for text in texts {
        assert_eq!(filter_message(text.as_bytes(), &mut |i| i.name != "write"), Err(ListError), "{text}");
        let batch = format!("[{text}]");
        assert_eq!(filter_message(batch.as_bytes(), &mut |i| i.name != "write"), Err(ListError), "{batch}");
    }
    for text in [
        // Members that decide elsewhere, and what is no member at all.
        r#"{"id":1,"result":{"tools":[{"name":"read","uri":"x","taskId":"y","title":"Name","_meta":{"Name":"x"}}]}}"#,
        r#"{"id":1,"result":{"content":[],"structuredContent":{"Tools":[],"tools":1},"tool":1,"toolset":2}}"#,
        r#"{"id":1,"results":{},"error":{"Result":1}}"#,
    ] {
        assert_eq!(filter_message(text.as_bytes(), &mut |_| true), Ok(Filtered::Unchanged), "{text}");
    }
}

#[test]
fn a_batch_of_answers_is_filtered_one_by_one() {
    let text = r#"[{"id":1,"result":{"tools":[{"name":"write"}]}},{"id":2,"result":{}}]"#;
    let out = replaced(text, |_| false);
    assert_eq!(out, r#"[{"id":1,"result":{"tools":[]}},{"id":2,"result":{}}]"#);
}

#[test]
fn attack_088_notifications_about_denied_items_are_dropped() {
    for (method, params) in [
        ("resources/updated", r#"{"uri":"a:write"}"#),
        ("resources/updated", r#"{"_meta":{},"uri":"a:wr\u0069te"}"#),
        ("tasks/status", r#"{"taskId":"write","status":"completed","result":{}}"#),
        ("tasks", r#"{"status":"working","taskId":"write"}"#),
        // What names nothing cannot be judged.
        ("resources/updated", "{}"),
        ("resources/updated", "[]"),
        ("tasks", "null"),
    ] {
        let message = format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}"#);
        assert_eq!(filter(&message), Ok(Filtered::Dropped), "{message}");
        let behind = format!(r#"{{"params":{params},"method":"notifications\/{method}","jsonrpc":"2.0"}}"#);
        assert_eq!(filter(&behind), Ok(Filtered::Dropped), "{behind}");
        let ping = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"uri":"write"}}"#;
        assert_eq!(filter(&format!("[{message},{behind}]")), Ok(Filtered::Dropped));
        assert_eq!(
            filter(&format!("[{message}, {ping},{behind}]")),
            Ok(Filtered::Replaced(format!("[{ping}]").into()))
        );
    }
    assert_eq!(filter(r#"{"jsonrpc":"2.0","method":"notifications/tasks"}"#), Ok(Filtered::Dropped));
    for message in [
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:read"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t","result":{"tools":[{"name":"write"}]}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"uri":"write"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"URI":"write"}}"#,
    ] {
        assert_eq!(filter(message), Ok(Filtered::Unchanged), "{message}");
    }
    let mut kinds = Vec::new();
    for message in [
        r#"{"method":"notifications/resources/updated","params":{"uri":"u"}}"#,
        r#"{"method":"notifications/tasks","params":{"taskId":"t"}}"#,
    ] {
        let mut note = |item: ListItem<'_>| {
            assert!(item.raw().is_none());
            kinds.push((item.kind, item.name.to_owned()));
            true
        };
        filter_message(message.as_bytes(), &mut note).unwrap();
    }
    assert_eq!(kinds, [(ItemKind::Resource, "u".into()), (ItemKind::Task, "t".into())]);
}

#[test]
fn attack_077_088_a_notification_that_could_be_read_differently_is_an_error() {
    for message in [
        r#"{"method":"notifications/resources/updated","params":{"uri":"read","uri":"write"}}"#,
        r#"{"method":"notifications/resources/updated","params":{"uri":"read","URI":"write"}}"#,
        r#"{"method":"notifications/resources/updated","params":{"uri":"read","uri\u0000":"write"}}"#,
        r#"{"method":"notifications/resources/updated","params":{"uri":["write"]}}"#,
        r#"{"method":"notifications/resources/updated","params":{"uri":"read"},"params":{"uri":"write"}}"#,
        r#"{"method":"notifications/resources/updated","params":{"uri":"read"},"Params":{"uri":"write"}}"#,
        r#"{"method":"notifications/x","method":"notifications/tasks","params":{"taskId":"write"}}"#,
        r#"{"Method":"notifications/tasks","params":{"taskId":"write"}}"#,
        r#"{"method":7,"params":{"taskId":"write"}}"#,
        r#"{"method":"notifications/tasks","params":{"taskId":"read"},"result":{"tools":[]}}"#,
        r#"{"method":"notifications/tasks","params":{"taskId":"read","taskID":"write"}}"#,
        r#"{"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"taskIds":[7]}}}"#,
        r#"{"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"taskIds":{}}}}"#,
        r#"{"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"taskIds":[],"taskIds":[]}}}"#,
        r#"{"method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"Notifications":{}}}"#,
        r#"{"method":"notifications/subscriptions/acknowledged","params":[]}"#,
    ] {
        assert_eq!(filter(message), Err(ListError), "{message}");
    }
}

#[test]
fn attack_088_an_acknowledged_subscription_names_what_is_allowed() {
    let message = r#"{"method":"notifications/subscriptions/acknowledged","params":{"_meta":{"x":1},"notifications":{
        "toolsListChanged":true,"resourceSubscriptions":["a:read" , "a:write"],"taskIds":[ "write", "t" ]}}}"#;
    assert_eq!(
        replaced(message, |item| !item.name.contains("write")),
        message.replace(r#""a:read" , "a:write""#, r#""a:read""#).replace(r#"[ "write", "t" ]"#, r#"["t" ]"#)
    );
}

#[test]
fn mcp_a23_answers_that_depend_on_the_caller_are_their_own() {
    let result = |members: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{{members}}}}}"#);
    for (from, to) in [
        (r#""tools":[],"cacheScope":"public","ttlMs":5"#, r#""tools":[],"cacheScope":"private","ttlMs":0"#),
        (r#""cacheScope":"public","ttlMs":5,"tools":[]"#, r#""cacheScope":"private","ttlMs":0,"tools":[]"#),
        (r#""contents":[],"cacheScope":"Public""#, r#""contents":[],"cacheScope":"private""#),
        (r#""cacheScope":["public"]"#, r#""cacheScope":"private""#),
        (r#""cacheScope":"priv\u0061te""#, r#""cacheScope":"private""#),
        (r#""ttlMs":7 ,"tools":[]"#, r#""ttlMs":0,"cacheScope":"private" ,"tools":[]"#),
        (r#""ttlMs":-1,"cacheScope":"private","tools":[]"#, r#""ttlMs":0,"cacheScope":"private","tools":[]"#),
        (r#""ttlMs":1e9,"cacheScope":null,"tools":[]"#, r#""ttlMs":0,"cacheScope":"private","tools":[]"#),
        (r#""ttlMs":1.5,"contents":[]"#, r#""ttlMs":0,"cacheScope":"private","contents":[]"#),
        (r#""tools":[],"ttlMs":"5""#, r#""tools":[],"ttlMs":0,"cacheScope":"private""#),
        (
            r#""ttlMs":9999999999999999,"tools":[],"cacheScope":"private""#,
            r#""ttlMs":0,"tools":[],"cacheScope":"private""#,
        ),
    ] {
        assert_eq!(replaced(&result(from), |_| true), result(to), "{from}");
    }
    for unchanged in [
        r#""tools":[],"cacheScope":"private","ttlMs":0"#,
        r#""tools":[]"#,
        r#""contents":[],"cacheScope":"private","ttlMs":300000"#,
        r#""tools":[],"ttlMs":null"#,
        // A task has a `ttlMs` of its own.
        r#""taskId":"t","ttlMs":60000,"resultType":"task""#,
        r#""taskId":"t","ttlMs":-1"#,
    ] {
        assert_eq!(filter(&result(unchanged)), Ok(Filtered::Unchanged), "{unchanged}");
    }
    assert_eq!(filter(&result(r#""ttlMs":1,"ttlMs":2"#)), Err(ListError));
}

#[test]
fn what_stays_of_a_list_stays_byte_for_byte() {
    let items: Vec<String> = (0..6).map(|i| format!("{{ \"name\":\"{i}\",\"x\":[{i}, {i}]}}")).collect();
    for pattern in 0..64_u32 {
        let shown = |i: usize| pattern >> i & 1 == 1;
        for separator in [",", " , ", ",\n"] {
            let text = format!("{{\"result\":{{\"tools\": [ {} ]}}}}", items.join(separator));
            let filtered = filter_message(text.as_bytes(), &mut |item| shown(item.name.parse().unwrap()));
            let out = match filtered.unwrap() {
                Filtered::Unchanged => text.clone(),
                Filtered::Replaced(out) => String::from_utf8(out).unwrap(),
                Filtered::Dropped => panic!("a result is never dropped"),
            };
            assert_eq!(out == text, pattern == 63);
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
            for (i, item) in items.iter().enumerate() {
                assert_eq!(out.contains(item), shown(i), "{out}");
            }
        }
    }
}

#[test]
fn tools_with_invalid_headers_can_be_left_out_while_the_list_is_filtered() {
    let good = r#"{"name":"good","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}"#;
    let bad = r#"{"name":"bad","inputSchema":{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}}"#;
    let mut store = ToolHeadersStore::new(10_000);
    let text = format!(r#"{{"result":{{"tools":[{bad},{good}]}}}}"#);
    let out = replaced(&text, |item| match ToolHeaders::parse(item.raw().unwrap().as_bytes()) {
        Ok(headers) => {
            store.learn(item.name, headers);
            true
        }
        Err(_) => false,
    });
    assert_eq!(out, format!(r#"{{"result":{{"tools":[{good}]}}}}"#));
    assert_eq!(store.get("good").unwrap().params().len(), 1);
}

/// Denied is denied, whether an item is listed, called or announced: the same predicate says so in each place.
#[test]
fn attack_088_095_what_no_list_shows_no_other_message_names() {
    let denied = "file:///secret";
    let visible = |name: &str| name != denied;
    let list = format!(
        r#"{{"result":{{"resources":[{{"uri":"{denied}"}},{{"uri":"a:b"}}],"resourceTemplates":[{{"uriTemplate":"{denied}"}}]}}}}"#
    );
    let updated = format!(r#"{{"method":"notifications/resources/updated","params":{{"uri":"{denied}"}}}}"#);
    let out = replaced(&list, |item| visible(item.name));
    assert!(!out.contains("secret"), "{out}");
    assert_eq!(filter_message(updated.as_bytes(), &mut |item| visible(item.name)), Ok(Filtered::Dropped));
    for (method, params) in [
        ("resources/read", format!(r#"{{"uri":"{denied}"}}"#)),
        ("resources/subscribe", format!(r#"{{"uri":"{denied}"}}"#)),
        ("completion/complete", format!(r#"{{"ref":{{"type":"ref/resource","uri":"{denied}"}}}}"#)),
        (
            "subscriptions/listen",
            format!(r#"{{"notifications":{{"resourceSubscriptions":["a:b","{denied}"]}}}}"#),
        ),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        assert!(!peek(body.as_bytes()).unwrap().targets().all(|t| visible(t.name())), "{method}");
    }
}
