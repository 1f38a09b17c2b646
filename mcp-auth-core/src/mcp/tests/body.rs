use super::super::*;
use super::call;

fn batch(body: &str) -> Vec<Element> {
    match read_body(body.as_bytes()).unwrap() {
        Body::Batch(batch) => batch,
        Body::One(_) => panic!("one message: {body}"),
    }
}

fn ping(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)
}

#[test]
fn one_message_reads_as_peek_does() {
    let body = call(r#"{"name":"a","arguments":{"x":1}}"#);
    assert_eq!(read_body(body.as_bytes()), Ok(Body::One(peek(body.as_bytes()).unwrap())));
    for bad in ["", "7", "{}", "nope", "{\"jsonrpc\":\"2.0\"}", "{}{}", "\u{feff}[]"] {
        assert_eq!(read_body(bad.as_bytes()).unwrap_err(), peek(bad.as_bytes()).unwrap_err(), "{bad}");
    }
}

#[test]
fn attack_080_each_message_of_a_batch_is_judged() {
    let tool = |id: u32, name: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","arguments":{{"n":{id}}}}}}}"#
        )
    };
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    let body = format!(" [ {} ,{notification}, {}\n]", tool(1, "read"), tool(2, "write"));
    let elements = batch(&body);
    let texts: Vec<&str> = elements.iter().map(|e| body.get(e.range.clone()).unwrap()).collect();
    assert_eq!(texts, [tool(1, "read"), notification.into(), tool(2, "write")]);
    let names: Vec<_> =
        elements.iter().map(|e| e.message.as_ref().unwrap().target.as_ref().map(Target::name)).collect();
    assert_eq!(names, [Some("read"), None, Some("write")]);
    let arguments = elements[2].message.as_ref().unwrap().arguments.clone().unwrap();
    assert_eq!(body.get(arguments), Some(r#"{"n":2}"#), "ranges are those of the body");
    assert_eq!(elements.iter().map(Element::id).collect::<Vec<_>>(), [Some("1"), None, Some("2")]);
}

#[test]
fn attack_080_a_bad_message_is_refused_alone() {
    let nameless = r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{}}"#;
    let twice = r#"{"jsonrpc":"2.0","id":3,"id":4,"method":"ping"}"#;
    let initialize = r#"{"jsonrpc":"2.0","id":5,"method":"initialize"}"#;
    let body =
        format!("[{},{nameless},7,[{}],{twice},{initialize},null,{}]", ping("1"), ping("9"), ping("2"));
    let elements = batch(&body);
    let outcomes: Vec<_> = elements.iter().map(|e| e.message.as_ref().map(|_| ()).map_err(|e| *e)).collect();
    assert_eq!(
        outcomes,
        [
            Ok(()),
            Err(PeekError::NoItem),
            Err(PeekError::NotJsonRpc),
            Err(PeekError::NotJsonRpc),
            Err(PeekError::Duplicate),
            Err(PeekError::InitializeInBatch),
            Err(PeekError::NotJsonRpc),
            Ok(()),
        ]
    );
    let ids: Vec<_> = elements.iter().map(Element::id).collect();
    assert_eq!(ids, [Some("1"), Some("\"x\""), None, None, None, Some("5"), None, Some("2")]);
    assert_eq!(body.get(elements[4].range.clone()), Some(twice));
}

#[test]
fn attack_080_batches_that_nobody_could_answer_are_refused() {
    let error = |body: &str| read_body(body.as_bytes()).unwrap_err();
    assert_eq!(error("[]"), PeekError::EmptyBatch);
    assert_eq!(error(" [ ] "), PeekError::EmptyBatch);
    let many = |n: usize| format!("[{}]", (0..n).map(|i| ping(&i.to_string())).collect::<Vec<_>>().join(","));
    assert_eq!(batch(&many(MAX_BATCH)).len(), MAX_BATCH);
    assert_eq!(error(&many(MAX_BATCH + 1)), PeekError::LongBatch);
    for (a, b) in [("1", "1"), ("1", "1.0"), ("10", "1e1"), ("0", "-0"), ("\"a\"", "\"\\u0061\"")] {
        assert_eq!(error(&format!("[{},{}]", ping(a), ping(b))), PeekError::DuplicateId, "{a} {b}");
    }
    let nameless = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
    assert_eq!(
        error(&format!("[{},{nameless}]", ping("1"))),
        PeekError::DuplicateId,
        "refused ones are answered too"
    );
    assert_eq!(batch(&format!("[{},{}]", ping("1"), ping("\"1\""))).len(), 2, "text is no number");
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(error(&format!("[{},{response}]", ping("2"))), PeekError::MixedBatch);
    assert_eq!(batch(&format!("[{response}]")).len(), 1);
    for body in ["[", "[1", "[1,]", "[,1]", "[]]", "[] []", "[{]", "[\"\\ud800\"]", "[1e999]", "[\u{feff}1]"]
    {
        assert_eq!(error(body), PeekError::Parse, "{body}");
    }
    let deep = format!("[{}{}]", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
    assert_eq!(error(&deep), PeekError::TooDeep);
}

#[test]
fn ids_of_refused_messages_are_found_where_there_is_one() {
    let id = |body: &str| id_of(body.as_bytes()).map(String::from);
    assert_eq!(id(r#"{"id":7,"Method":1}"#).as_deref(), Some("7"));
    assert_eq!(id(r#"{"i\u0064":"a\"b"}"#).as_deref(), Some(r#""a\"b""#));
    for none in [
        r#"{"id":null}"#,
        r#"{"id":{}}"#,
        r#"{"id":true}"#,
        r#"{"id":1,"id":1}"#,
        r#"{"id":1}{"id":1}"#,
        r#"{"id":1e999}"#,
        r#"{"id":"\ud800"}"#,
        r#"{"ID":1}"#,
        r#"[{"id":1}]"#,
        r#"{"id":1"#,
        "",
    ] {
        assert_eq!(id(none), None, "{none}");
    }
}
