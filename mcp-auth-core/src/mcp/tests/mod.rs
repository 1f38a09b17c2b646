mod body;
mod differential;
mod list;
mod methods;
mod stream;

use super::*;

fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

#[test]
fn reads_method_item_and_id() {
    let read = |body: &str| peek(body.as_bytes()).unwrap();
    let c = read(&call(r#"{"arguments":{"name":"other"},"name":"write"}"#));
    assert_eq!((c.kind(), c.target.as_ref().map(Target::name)), (CallKind::Item, Some("write")));
    let c = read(
        r#"{"method":"resources/read","id":123456789012345678901234567890,"jsonrpc":"2.0","params":{"uri":"a:b"}}"#,
    );
    assert_eq!(c.id.as_deref(), Some("123456789012345678901234567890"), "forwarded as it came");
    assert_eq!(c.target, Some(Target::Resource("a:b".into())));
    let c = read(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!((c.kind(), c.expects_answer()), (CallKind::Lifecycle, false));
    let c = read(r#"{"jsonrpc":"2.0","id":"x","result":{"tools":[]}}"#);
    assert_eq!((c.kind(), c.method.is_none()), (CallKind::Lifecycle, true));
    let complete = |r: &str| {
        read(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{{"ref":{r},"argument":{{"name":"a"}}}}}}"#)).target
    };
    assert_eq!(complete(r#"{"type":"ref/prompt","name":"p"}"#), Some(Target::Prompt("p".into())));
    assert_eq!(complete(r#"{"type":"ref/resource","uri":"u"}"#), Some(Target::Resource("u".into())));
    assert_eq!(read(r#"{"jsonrpc":"2.0","id":1,"method":"x/y"}"#).kind(), CallKind::Unknown);
}

#[test]
fn finds_the_arguments_and_the_protocol_version() {
    let read = |params: &str| {
        let body = call(params);
        let call = peek(body.as_bytes()).unwrap();
        (
            call.arguments.map(|range| body.get(range).unwrap().to_owned()),
            call.protocol_version.map(String::from),
        )
    };
    assert_eq!(read(r#"{"name":"a"}"#), (None, None));
    assert_eq!(
        read(r#"{"name":"a","arguments":  {"x":[1, "]"]} , "_meta":{}}"#).0.unwrap(),
        r#"{"x":[1, "]"]}"#
    );
    assert_eq!(read(r#"{"arguments":null,"name":"a"}"#).0.unwrap(), "null");
    let meta = r#"{"name":"a","_meta":{"progressToken":1,"io.modelcontextprotocol\/protocolVersion":"2026-07-28","x":{"y":[]}}}"#;
    assert_eq!(read(meta).1.unwrap(), "2026-07-28");
    let twice = r#"{"name":"a","arguments":{"x":1,"x":2,"X":3}}"#;
    assert_eq!(read(twice).0.unwrap(), r#"{"x":1,"x":2,"X":3}"#, "arguments are not looked into");
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"arguments":7}}"#;
    let at = notification.find('7').unwrap();
    assert_eq!(peek(notification.as_bytes()).unwrap().arguments, Some(at..at + 1));
}

#[test]
fn attack_077_the_protocol_version_is_read_without_doubt() {
    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    let error = |meta: &str| peek(call(&format!(r#"{{"name":"a","_meta":{meta}}}"#)).as_bytes()).unwrap_err();
    for meta in [
        "null",
        "[]",
        "7",
        "\"2026-07-28\"",
        &format!(r#"{{"{VERSION}":7}}"#),
        &format!(r#"{{"{VERSION}":null}}"#),
    ] {
        assert_eq!(error(meta), PeekError::Meta, "{meta}");
        assert_eq!(error(meta).code(), -32602);
    }
    assert_eq!(error(&format!(r#"{{"{VERSION}":"1","{VERSION}":"2"}}"#)), PeekError::Duplicate);
    assert_eq!(
        error(&format!(r#"{{"{VERSION}":"1","{}":"2"}}"#, VERSION.replace('V', "v"))),
        PeekError::LookAlike
    );
    assert_eq!(error(&format!(r#"{{"{VERSION}\u0000":"2"}}"#)), PeekError::LookAlike);
    assert_eq!(error("{},\"_meta\":{}"), PeekError::Duplicate);
}

#[test]
fn attack_076_077_duplicates_and_look_alikes_are_refused() {
    let error = |body: &str| peek(body.as_bytes()).unwrap_err();
    for body in [
        call(r#"{"name":"a","name":"b"}"#),
        call(r#"{"name":"a","n\u0061me":"b"}"#),
        call(r#"{"name":"a","arguments":{},"arguments":{}}"#),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.into(),
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#.into(),
    ] {
        assert_eq!(error(&body), PeekError::Duplicate, "{body}");
    }
    for body in [
        call(r#"{"name":"a","Name":"b"}"#),
        call(r#"{"name":"a","NAME":"b"}"#),
        call(r#"{"name":"a","name\u0000":"b"}"#),
        call(r#"{"name":"a"," name":"b"}"#),
        call(r#"{"name":"a","argument\u017f":{}}"#),
        call(r#"{"name":"a","tas\u212aId":"b"}"#),
        call("{\"name\":\"a\",\"\u{2003}N\\u0000A\\u0085ME\u{a0}\":\"b\"}"),
        call(r#"{"name":"a","_META":{}}"#),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#.into(),
    ] {
        assert_eq!(error(&body), PeekError::LookAlike, "{body}");
    }
}

#[test]
fn attack_078_escapes_are_decoded_before_judging() {
    for method in [r"tools\/call", r"\u0074ools/call"] {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"\u0077rite"}}}}"#);
        assert_eq!(peek(body.as_bytes()).unwrap().target, Some(Target::Tool("write".into())));
    }
}

#[test]
fn attack_080_a_batch_is_refused() {
    let body = format!("[{}]", call(r#"{"name":"write"}"#));
    assert_eq!(peek(body.as_bytes()), Err(PeekError::Batch));
    assert_eq!(peek(b" \n[]"), Err(PeekError::Batch));
}

#[test]
fn attack_086_what_is_not_one_json_rpc_message_is_refused() {
    let error = |body: &[u8]| peek(body).unwrap_err();
    for body in [&b""[..], b"\xef\xbb\xbf{}", b"nope", b"{\"jsonrpc\":\"2.0\",}", b"\xff", b"{\0}"] {
        assert_eq!(error(body), PeekError::Parse, "{body:?}");
    }
    assert_eq!(error(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}{}"#), PeekError::Parse);
    assert_eq!(
        error(br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":{"\ud800":1}}}"#),
        PeekError::Parse
    );
    for body in [
        &b"{}"[..],
        br#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        br#"{"id":1,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":1}"#,
        br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        // Found by fuzzing: what no other parser could read.
        br#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":1e999,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
        br#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#,
        br#"{"jsonrpc":"2.0","result":{}}"#,
        b"null",
        b" \"tools/call\" ",
        b"7",
    ] {
        assert_eq!(error(body), PeekError::NotJsonRpc, "{}", String::from_utf8_lossy(body));
    }
    for params in ["{}", r#"{"name":5}"#, r#"{"name":null}"#, r#"{"name":["a"]}"#, r#"{"uri":"a"}"#] {
        assert_eq!(error(call(params).as_bytes()), PeekError::NoItem, "{params}");
    }
    let complete = |reference: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{{"ref":{reference}}}}}"#)
    };
    for reference in [
        "null",
        "[]",
        "{}",
        r#"{"type":"ref/prompt"}"#,
        r#"{"type":"ref/tool","name":"a"}"#,
        r#"{"type":1,"name":"a"}"#,
    ] {
        assert_eq!(error(complete(reference).as_bytes()), PeekError::NoItem, "{reference}");
    }
    assert_eq!(
        error(complete(r#"{"type":"ref/prompt","name":"a","uri":"b"}"#).as_bytes()),
        PeekError::NoItem
    );
    assert_eq!(
        error(complete(r#"{"type":"ref/prompt","name":"a","Name":"b"}"#).as_bytes()),
        PeekError::LookAlike
    );
    for limit in [62, 63] {
        let nested = format!(r#"{{"name":"a","arguments":{}{}}}"#, "[".repeat(limit), "]".repeat(limit));
        assert_eq!(peek(call(&nested).as_bytes()).is_ok(), limit == 62, "64 with the message and its params");
    }
    let deep = call(&format!(r#"{{"name":"a","arguments":{}{}}}"#, "[".repeat(70), "]".repeat(70)));
    assert_eq!(error(deep.as_bytes()), PeekError::TooDeep);
    let very_deep = call(&format!(r#"{{"name":"a","arguments":{}"#, "[".repeat(100_000)));
    assert_eq!(error(very_deep.as_bytes()), PeekError::TooDeep);
}

#[test]
fn attack_079_names_are_taken_as_they_stand() {
    for name in
        ["re\u{430}d", "e\u{301}", "\u{e9}", "read ", " read", "re\u{200d}ad", "Read", "read\u{0}", ""]
    {
        let body = call(&format!(r#"{{"name":{}}}"#, serde_json::to_string(name).unwrap()));
        assert_eq!(peek(body.as_bytes()).unwrap().target, Some(Target::Tool(name.into())), "{name:?}");
    }
}

#[test]
fn attack_087_what_is_forwarded_is_what_was_read() {
    let id = "1234567890123456789012345678901234567890";
    let message = format!(
        "{{ \"jsonrpc\" : \"2.0\",\"id\":{id} ,\"method\":\"tools\\/call\",\"params\":{{\"name\":\"a\",\"arguments\": {{\"n\":1.50e0}}}}}}"
    );
    let body = format!("\r\n[{message}\t,{}]", message.replace(id, "\"\\u0031\""));
    let Body::Batch(batch) = read_body(body.as_bytes()).unwrap() else { panic!("a batch") };
    assert_eq!(batch[0].id(), Some(id), "not as a number that was read");
    assert_eq!(batch[1].id(), Some("\"\\u0031\""));
    assert_eq!(body.get(batch[0].range.clone()), Some(&*message));
    let arguments = batch[1].message.as_ref().unwrap().arguments.clone().unwrap();
    assert_eq!(body.get(arguments), Some("{\"n\":1.50e0}"));
}
