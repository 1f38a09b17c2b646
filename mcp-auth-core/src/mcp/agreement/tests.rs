use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::{Body, McpCall, peek, read_body};
use super::*;

const MODERN: &str = "2026-07-28";

/// A request with complete `_meta`, `params` being what else is in them.
fn modern(method: &str, params: &str) -> McpCall {
    let comma = if params.is_empty() { "" } else { "," };
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{comma}"_meta":{{"{PROTOCOL_VERSION}":"{MODERN}","{CLIENT_CAPABILITIES}":{{}}}}}}}}"#
    );
    peek(body.as_bytes()).unwrap()
}

fn legacy(method: &str, params: &str) -> McpCall {
    peek(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#).as_bytes())
        .unwrap()
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

fn check(lines: &[(&str, &str)], call: &McpCall) -> Result<Era, (AgreementErrorKind, u16, i32)> {
    Agreement::new()
        .check(&headers(lines), call)
        .map_err(|error| (error.kind(), error.status().as_u16(), error.code()))
}

use AgreementErrorKind as Kind;

fn mismatch(kind: Kind) -> Result<Era, (Kind, u16, i32)> {
    Err((kind, 400, -32020))
}

const V: (&str, &str) = ("MCP-Protocol-Version", MODERN);

#[test]
fn attack_082_headers_that_agree_pass() {
    let tool = modern("tools/call", r#""name":"read""#);
    let method = ("Mcp-Method", "tools/call");
    assert_eq!(check(&[V, method, ("Mcp-Name", "read")], &tool), Ok(Era::Modern));
    let lower = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("MCP-NAME", "read")];
    assert_eq!(check(&lower, &tool), Ok(Era::Modern), "names of headers have no case");
    assert_eq!(check(&[V, method, ("Mcp-Name", "  read\t")], &tool), Ok(Era::Modern), "white space around");
    assert_eq!(check(&[V, method, ("Mcp-Name", "=?base64?cmVhZA==?=")], &tool), Ok(Era::Modern));
    for (method, params, name) in [
        ("prompts/get", r#""name":"p""#, "p"),
        ("resources/read", r#""uri":"file:///a b""#, "file:///a b"),
        ("resources/read", r#""uri":"file:///\u00e4""#, "=?base64?ZmlsZTovLy/DpA==?="),
        ("tools/call", r#""name":" padded ""#, "=?base64?IHBhZGRlZCA=?="),
        ("tools/call", r#""name":"=?base64?literal?=""#, "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("tools/call", r#""name":"=?BASE64?cmVhZA==?=""#, "=?BASE64?cmVhZA==?="),
        ("tools/call", r#""name":"=?base64?cmVhZA==""#, "=?base64?cmVhZA=="),
        ("tools/call", r#""name":"""#, ""),
        ("tasks/get", r#""taskId":"t-1""#, "t-1"),
        ("tasks/update", r#""taskId":"t-1""#, "t-1"),
        ("tasks/cancel", r#""taskId":"t-1""#, "t-1"),
        // Nobody asks for it here, and it says the same.
        ("completion/complete", r#""ref":{"type":"ref/prompt","name":"p"}"#, "p"),
    ] {
        let call = modern(method, params);
        assert_eq!(check(&[V, ("Mcp-Method", method), ("Mcp-Name", name)], &call), Ok(Era::Modern), "{name}");
    }
    for method in ["tools/list", "server/discover", "completion/complete", "x/y"] {
        let params =
            if method == "completion/complete" { r#""ref":{"type":"ref/prompt","name":"p"}"# } else { "" };
        assert_eq!(check(&[V, ("Mcp-Method", method)], &modern(method, params)), Ok(Era::Modern));
    }
}

#[test]
fn attack_082_headers_that_disagree_are_refused() {
    let tool = modern("tools/call", r#""name":"read""#);
    let method = ("Mcp-Method", "tools/call");
    let name = ("Mcp-Name", "read");
    for (lines, kind) in [
        (vec![method, name], Kind::HeaderMissing),
        (vec![V, name], Kind::HeaderMissing),
        (vec![V, method], Kind::HeaderMissing),
        (vec![V, V, method, name], Kind::HeaderRepeated),
        (vec![V, method, method, name], Kind::HeaderRepeated),
        (vec![V, method, name, name], Kind::HeaderRepeated),
        (vec![V, ("Mcp-Method", "tools/list"), name], Kind::HeaderMismatch),
        (vec![V, ("Mcp-Method", "TOOLS/CALL"), name], Kind::HeaderMismatch),
        (vec![V, ("Mcp-Method", "tools/call, tools/call"), name], Kind::HeaderMismatch),
        (vec![V, ("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?="), name], Kind::HeaderMismatch),
        (vec![V, method, ("Mcp-Name", "Read")], Kind::HeaderMismatch),
        (vec![V, method, ("Mcp-Name", "write")], Kind::HeaderMismatch),
        (vec![V, method, ("Mcp-Name", "")], Kind::HeaderMismatch),
        (vec![V, method, ("Mcp-Name", "=?base64?cmVhZA?=")], Kind::HeaderMalformed),
        (vec![V, method, ("Mcp-Name", "=?base64?cm!VhZA==?=")], Kind::HeaderMalformed),
        (vec![V, method, ("Mcp-Name", "=?base64?cmVhZB==?=")], Kind::HeaderMalformed),
        (vec![V, method, ("Mcp-Name", "=?base64?/w==?=")], Kind::HeaderMalformed),
        (vec![V, method, ("Mcp-Name", "=?base64?=")], Kind::HeaderMalformed),
        (vec![V, method, ("Mcp-Name", "réad")], Kind::HeaderMalformed),
        (vec![("MCP-Protocol-Version", "2025-11-25"), method, name], Kind::HeaderMismatch),
        (vec![("MCP-Protocol-Version", ""), method, name], Kind::HeaderMismatch),
    ] {
        assert_eq!(check(&lines, &tool), mismatch(kind), "{lines:?}");
    }
    let list = modern("tools/list", "");
    let unasked = [V, ("Mcp-Method", "tools/list"), ("Mcp-Name", "read")];
    assert_eq!(check(&unasked, &list), mismatch(Kind::HeaderUnexpected));
    let sentinel = modern("tools/call", r#""name":"=?base64?cmVhZA==?=""#);
    let plain = [V, method, ("Mcp-Name", "=?base64?cmVhZA==?=")];
    assert_eq!(
        check(&plain, &sentinel),
        mismatch(Kind::HeaderMismatch),
        "a name like that has to be encoded"
    );
}

/// Old or absent in one place, modern in the other.
#[test]
fn attack_083_a_downgrade_is_no_way_around_the_headers() {
    let with_meta = modern("tools/call", r#""name":"read""#);
    let without = legacy("tools/call", r#""name":"read""#);
    let old = ("MCP-Protocol-Version", "2025-06-18");
    assert_eq!(check(&[], &with_meta), mismatch(Kind::HeaderMissing));
    assert_eq!(check(&[old], &with_meta), mismatch(Kind::HeaderMismatch));
    let all = [V, ("Mcp-Method", "tools/call"), ("Mcp-Name", "read")];
    assert_eq!(check(&all, &without), Err((Kind::MetaMissing, 400, -32602)));
    let half = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"PROTOCOL":"2026-07-28"}}}"#
        .replace("PROTOCOL", PROTOCOL_VERSION);
    assert_eq!(check(&all, &peek(half.as_bytes()).unwrap()), Err((Kind::MetaMissing, 400, -32602)));
    let other_half = legacy("ping", &format!(r#""_meta":{{"{CLIENT_CAPABILITIES}":{{}}}}"#));
    assert_eq!(check(&[V], &other_half), Err((Kind::MetaMissing, 400, -32602)));
    // A legacy version named where only modern requests name one.
    let mut odd = with_meta.clone();
    odd.protocol_version = Some("2025-11-25".into());
    let lines = [("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "read")];
    assert_eq!(check(&lines, &odd), Err((Kind::VersionUnsupported, 400, -32022)));
    // `initialize` opens a legacy session: not with a modern envelope, not with a modern header.
    let envelope = modern("initialize", r#""protocolVersion":"2025-11-25""#);
    let lines = [V, ("Mcp-Method", "initialize")];
    assert_eq!(check(&lines, &envelope), Err((Kind::MethodNotFound, 404, -32601)));
    assert_eq!(check(&lines, &legacy("initialize", "")), Err((Kind::MetaMissing, 400, -32602)));
    for method in ["ping", "logging/setLevel"] {
        let lines = [V, ("Mcp-Method", method)];
        assert_eq!(check(&lines, &modern(method, "")), Err((Kind::MethodNotFound, 404, -32601)));
    }
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let lines = [V, ("Mcp-Method", method)];
        assert_eq!(
            check(&lines, &modern(method, r#""uri":"a:b""#)),
            Err((Kind::MethodNotFound, 404, -32601))
        );
    }
    let response = peek(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#).unwrap();
    assert_eq!(check(&[V], &response), Err((Kind::ResponseNotAllowed, 400, -32600)));
    assert_eq!(check(&[old], &response), Ok(Era::Legacy));
}

#[test]
fn attack_083_legacy_is_served_only_where_it_is_wanted() {
    let call = legacy("tools/call", r#""name":"read""#);
    let initialize = legacy("initialize", "");
    assert_eq!(check(&[], &call), Ok(Era::Legacy));
    let modern_only = Agreement::new().supported([ProtocolVersion::V2026_07_28]);
    let error = modern_only.check(&headers(&[]), &call).unwrap_err();
    assert_eq!((error.status().as_u16(), error.code()), (400, -32020));
    let error = modern_only.check(&headers(&[]), &initialize).unwrap_err();
    assert_eq!(error.data(), Some(r#"{"supported":["2026-07-28"]}"#), "the only thing an old client shows");
    let error = modern_only.check(&headers(&[("mcp-protocol-version", "2025-11-25")]), &call).unwrap_err();
    assert_eq!((error.status().as_u16(), error.code()), (400, -32022));
    let data: serde_json::Value = serde_json::from_str(error.data().unwrap()).unwrap();
    assert_eq!(data, serde_json::json!({"supported": ["2026-07-28"], "requested": "2025-11-25"}));
    // Without 2025-03-26 a version has to be named, before a session excepted.
    let later = Agreement::new().supported([ProtocolVersion::V2025_11_25, ProtocolVersion::V2025_06_18]);
    assert!(later.check(&headers(&[]), &call).is_err());
    assert_eq!(later.check(&headers(&[]), &initialize), Ok(Era::Legacy));
    assert_eq!(later.check(&headers(&[("mcp-protocol-version", "2025-06-18")]), &call), Ok(Era::Legacy));
    assert!(later.check(&headers(&[("mcp-protocol-version", "2025-03-26")]), &call).is_err());
}

#[test]
fn attack_082_mirrored_headers_on_legacy_requests_have_to_agree_too() {
    let call = legacy("tools/call", r#""name":"read""#);
    let old = ("MCP-Protocol-Version", "2025-11-25");
    assert_eq!(check(&[old, ("Mcp-Method", "tools/call"), ("Mcp-Name", "read")], &call), Ok(Era::Legacy));
    assert_eq!(check(&[old, ("Mcp-Method", "ping")], &call), mismatch(Kind::HeaderMismatch));
    assert_eq!(check(&[old, ("Mcp-Name", "write")], &call), mismatch(Kind::HeaderMismatch));
    assert_eq!(
        check(&[old, ("Mcp-Name", "read")], &legacy("tools/list", "")),
        mismatch(Kind::HeaderUnexpected)
    );
    let response = peek(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#).unwrap();
    assert_eq!(check(&[old, ("Mcp-Method", "tools/call")], &response), mismatch(Kind::HeaderUnexpected));
    assert_eq!(check(&[old, old], &call), mismatch(Kind::HeaderRepeated));
}

/// Cells of the official suite (`server-stateless`): which error comes first.
#[test]
fn versions_that_are_not_served_are_told_which_are() {
    let mut call = modern("server/discover", "");
    call.protocol_version = Some("v999.0.0".into());
    let method = ("Mcp-Method", "server/discover");
    let error =
        Agreement::new().check(&headers(&[("mcp-protocol-version", "v999.0.0"), method]), &call).unwrap_err();
    assert_eq!((error.status().as_u16(), error.code()), (400, -32022));
    let body: serde_json::Value = serde_json::from_str(&error.to_json(Some("301"))).unwrap();
    assert_eq!(body["id"], 301);
    assert_eq!(body["error"]["code"], -32022);
    assert_eq!(body["error"]["data"]["requested"], "v999.0.0");
    assert_eq!(body["error"]["data"]["supported"], serde_json::json!([MODERN]));
    assert_eq!(check(&[V, method], &call), mismatch(Kind::HeaderMismatch), "disagreement first");
}

#[test]
fn attack_081_notifications_are_held_to_what_they_say() {
    let notify = |params: &str| {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{{params}}}}}"#);
        peek(body.as_bytes()).unwrap()
    };
    let bare = notify("");
    assert_eq!(check(&[V], &bare), Ok(Era::Modern), "`_meta` and Mcp-Method are for requests");
    assert_eq!(check(&[V, ("Mcp-Method", "notifications/cancelled")], &bare), Ok(Era::Modern));
    assert_eq!(check(&[V, ("Mcp-Method", "tools/call")], &bare), mismatch(Kind::HeaderMismatch));
    assert_eq!(check(&[], &bare), Ok(Era::Legacy));
    let said = notify(&format!(r#""_meta":{{"{PROTOCOL_VERSION}":"{MODERN}"}}"#));
    assert_eq!(check(&[V], &said), Ok(Era::Modern));
    assert_eq!(check(&[], &said), mismatch(Kind::HeaderMissing));
    assert_eq!(check(&[("MCP-Protocol-Version", "2025-11-25")], &said), mismatch(Kind::HeaderMismatch));
}

#[test]
fn attack_080_batches_are_for_2025_03_26() {
    let batch = |body: &str| match read_body(body.as_bytes()).unwrap() {
        Body::Batch(batch) => batch,
        Body::One(_) => panic!("one message"),
    };
    let plain = batch(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#);
    let check = |lines: &[(&str, &str)], batch: &[Element]| {
        Agreement::new().check_batch(&headers(lines), batch).map_err(|e| (e.kind(), e.code()))
    };
    assert_eq!(check(&[], &plain), Ok(()));
    assert_eq!(check(&[("mcp-protocol-version", "2025-03-26")], &plain), Ok(()));
    for version in ["2025-06-18", "2025-11-25", MODERN, "2027-01-01"] {
        let refused = Err((Kind::BatchNotAllowed, -32600));
        assert_eq!(check(&[("mcp-protocol-version", version)], &plain), refused, "{version}");
    }
    assert_eq!(check(&[("mcp-method", "ping")], &plain), Err((Kind::HeaderUnexpected, -32020)));
    assert_eq!(check(&[("mcp-name", "x")], &plain), Err((Kind::HeaderUnexpected, -32020)));
    let modern = batch(&format!(
        r#"[{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"{PROTOCOL_VERSION}":"{MODERN}"}}}}}}]"#
    ));
    assert_eq!(check(&[], &modern), Err((Kind::BatchNotAllowed, -32600)));
    let without = Agreement::new().supported([ProtocolVersion::V2025_06_18]);
    assert!(without.check_batch(&headers(&[]), &plain).is_err());
}

const TOOL: &str = r#"{"name":"t","inputSchema":{"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "priority":{"type":"integer","x-mcp-header":"Priority"},
    "debug":{"type":"boolean","x-mcp-header":"Debug"},
    "route":{"type":"object","properties":{"zone":{"type":"string","x-mcp-header":"Zone"}}},
    "query":{"type":"string"}}}}"#;

fn params(lines: &[(&str, &str)], arguments: &str) -> Result<(), Kind> {
    params_in(Era::Modern, lines, arguments)
}

fn params_in(era: Era, lines: &[(&str, &str)], arguments: &str) -> Result<(), Kind> {
    let declared = ToolHeaders::parse(TOOL.as_bytes()).unwrap();
    let checked = Agreement::new().check_params(&headers(lines), era, &declared, Some(arguments.as_bytes()));
    checked.map_err(|error| {
        assert_eq!((error.status().as_u16(), error.code()), (400, -32020));
        error.kind()
    })
}

#[test]
fn attack_082_arguments_and_their_headers() {
    let region = ("Mcp-Param-Region", "us-west1");
    assert_eq!(params(&[region], r#"{"region":"us-west1","query":"x"}"#), Ok(()));
    assert_eq!(params(&[("MCP-PARAM-REGION", "us-west1")], r#"{"region":"us-west1"}"#), Ok(()));
    assert_eq!(params(&[], r#"{"query":"x"}"#), Ok(()));
    assert_eq!(params(&[], r#"{"region":null}"#), Ok(()), "null counts as absent");
    assert_eq!(params(&[("Mcp-Param-Region", "")], r#"{"region":""}"#), Ok(()));
    assert_eq!(params(&[("Mcp-Param-Debug", "false")], r#"{"debug":false}"#), Ok(()));
    assert_eq!(params(&[("Mcp-Param-Zone", "b")], r#"{"route":{"zone":"b"}}"#), Ok(()));
    assert_eq!(params(&[("Mcp-Param-Other", "b")], "{}"), Ok(()), "undeclared: forwarded and ignored");
    for (encoded, value) in [
        ("=?base64?SGVsbG8sIOS4lueVjA==?=", r"Hello, \u4e16界"),
        ("=?base64?bGluZTEKbGluZTI=?=", r"line1\nline2"),
        ("=?base64?SGVsbG8=?=", "Hello"),
        ("SGVsbG8=", "SGVsbG8="),
        ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
    ] {
        let arguments = format!(r#"{{"region":"{value}"}}"#);
        assert_eq!(params(&[("Mcp-Param-Region", encoded)], &arguments), Ok(()), "{encoded}");
    }
    for (lines, arguments, kind) in [
        (vec![], r#"{"region":"us-west1"}"#, Kind::HeaderMissing),
        (vec![region], r#"{"region":"eu"}"#, Kind::HeaderMismatch),
        (vec![region], r#"{"region":"US-WEST1"}"#, Kind::HeaderMismatch),
        (vec![region], r#"{}"#, Kind::HeaderUnexpected),
        (vec![region], r#"{"region":null}"#, Kind::HeaderUnexpected),
        (vec![region, region], r#"{"region":"us-west1"}"#, Kind::HeaderRepeated),
        (vec![("Mcp-Param-Region", "=?base64?SGVsbG8?=")], r#"{"region":"Hello"}"#, Kind::HeaderMalformed),
        (
            vec![("Mcp-Param-Region", "=?base64?SGVs!!!bG8=?=")],
            r#"{"region":"Hello"}"#,
            Kind::HeaderMalformed,
        ),
        (vec![("Mcp-Param-Region", "ü")], r#"{"region":"ü"}"#, Kind::HeaderMalformed),
        (vec![region], r#"{"region":["us-west1"]}"#, Kind::HeaderMismatch),
        (vec![], r#"{"region":{}}"#, Kind::HeaderMissing),
        (vec![region], r#"{"region":"us-west1","region":"eu"}"#, Kind::HeaderMismatch),
        (vec![region], r#"{"region":"us-west1","Region":"eu"}"#, Kind::HeaderMismatch),
        (vec![region], r#"{"region":"us-west1","region\u0000":"eu"}"#, Kind::HeaderMismatch),
        (vec![("Mcp-Param-Debug", "TRUE")], r#"{"debug":true}"#, Kind::HeaderMismatch),
        (vec![("Mcp-Param-Debug", "1")], r#"{"debug":true}"#, Kind::HeaderMismatch),
        (vec![("Mcp-Param-Zone", "b")], r#"{"route":{"zone":"c"}}"#, Kind::HeaderMismatch),
        (vec![("Mcp-Param-Zone", "b")], r#"{"route":"b"}"#, Kind::HeaderUnexpected),
        (vec![("Mcp-Param-Zone", "b")], r#"{"zone":"b"}"#, Kind::HeaderUnexpected),
        (vec![("Mcp-Param-Zone", "b")], r#"{"route":{"zone":"b"},"route":{}}"#, Kind::HeaderMismatch),
    ] {
        assert_eq!(params(&lines, arguments), Err(kind), "{lines:?} {arguments}");
    }
    assert_eq!(params_in(Era::Legacy, &[], r#"{"region":"us-west1"}"#), Ok(()));
    assert_eq!(params_in(Era::Legacy, &[region], r#"{"region":"eu"}"#), Err(Kind::HeaderMismatch));
}

#[test]
fn attack_082_numbers_that_are_equal_agree() {
    let priority = |header: &str, value: &str| {
        params(&[("Mcp-Param-Priority", header)], &format!(r#"{{"priority":{value}}}"#))
    };
    for (header, value) in [
        ("42", "42"),
        ("42.0", "42"),
        ("42", "42.0"),
        ("-7", "-7.00"),
        ("0", "-0"),
        ("9007199254740991", "9007199254740991"),
        ("42", r#""42""#),
    ] {
        assert_eq!(priority(header, value), Ok(()), "{header} {value}");
    }
    for (header, value) in [
        ("42", "43"),
        ("42", "42.5"),
        ("4e1", "40"),
        ("+42", "42"),
        ("0x2a", "42"),
        ("42.", "42"),
        (".0", "0"),
        ("", "0"),
        ("NaN", "0"),
        ("42.00000000000000000001", "42"),
        ("9007199254740993", "9007199254740992"),
        ("9007199254740992", "9007199254740992"),
        ("42.0", r#""42""#),
        ("true", "1"),
    ] {
        assert_eq!(priority(header, value), Err(Kind::HeaderMismatch), "{header} {value}");
    }
}

#[test]
fn errors_say_which_header_and_hold_no_secrets() {
    let text = |lines: &[(&str, &str)], call: &McpCall| {
        Agreement::new().check(&headers(lines), call).unwrap_err().to_string()
    };
    let tool = modern("tools/call", r#""name":"bar""#);
    let method = ("Mcp-Method", "tools/call");
    assert_eq!(
        text(&[V, method, ("Mcp-Name", "foo")], &tool),
        "Header mismatch: Mcp-Name `foo` does not match the body's value `bar`"
    );
    assert_eq!(text(&[V, method], &tool), "Header mismatch: Mcp-Name is missing; the body says `bar`");
    assert_eq!(
        text(&[V, ("Mcp-Method", "tools/call")], &legacy("tools/call", r#""name":"bar""#)),
        "Invalid params: `_meta` lacks io.modelcontextprotocol/protocolVersion and \
         io.modelcontextprotocol/clientCapabilities"
    );
    let secret = modern("resources/read", r#""uri":"db://secret""#);
    let lines = [V, ("Mcp-Method", "resources/read"), ("Mcp-Name", "db://secret2")];
    assert!(!text(&lines, &secret).contains("secret"), "URIs stay out of texts");
    let long = "x".repeat(10_000);
    let error = text(&[V, method, ("Mcp-Name", &long)], &tool);
    assert!(error.len() < 300, "{}", error.len());
    let declared = ToolHeaders::parse(TOOL.as_bytes()).unwrap();
    let lines = headers(&[("Mcp-Param-Region", "hidden-a")]);
    let error = Agreement::new()
        .check_params(&lines, Era::Modern, &declared, Some(br#"{"region":"hidden-b"}"#))
        .unwrap_err();
    assert_eq!(error.to_string(), "Header mismatch: mcp-param-region does not match the body's value");
}

#[test]
fn attack_090_the_era_of_a_request_without_a_body() {
    assert_eq!(Era::of_headers(&headers(&[])), Ok(Era::Legacy));
    assert_eq!(Era::of_headers(&headers(&[("mcp-protocol-version", "2025-11-25")])), Ok(Era::Legacy));
    assert_eq!(Era::of_headers(&headers(&[V])), Ok(Era::Modern));
    assert!(Era::of_headers(&headers(&[V, V])).is_err());
    for (version, era) in [
        ("2024-10-07", Era::Legacy),
        ("2024-11-05", Era::Legacy),
        ("2026-07-27", Era::Legacy),
        ("2026-07-29", Era::Modern),
        ("DRAFT-2026-v1", Era::Modern),
        ("", Era::Modern),
        ("2025-11-2", Era::Modern),
        ("2025-11-25 ", Era::Modern),
    ] {
        assert_eq!(Era::of_version(version), era, "{version:?}");
    }
}

/// A method that a version does not have needs no item.
#[test]
fn removed_methods_are_not_found_whatever_they_name() {
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let message = |params: serde_json::Value| {
            serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
        };
        let meta = serde_json::json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let mut headers = HeaderMap::new();
        headers.insert("mcp-protocol-version", MODERN.parse().unwrap());
        headers.insert("mcp-method", method.parse().unwrap());
        for params in [serde_json::json!({"_meta": meta}), serde_json::json!({"_meta": meta, "uri": "a:b"})] {
            let call = peek(message(params).as_bytes()).unwrap();
            let error = Agreement::new().check(&headers, &call).unwrap_err();
            assert_eq!((error.status().as_u16(), error.code()), (404, -32601), "{method}");
        }
        let legacy = peek(message(serde_json::json!({})).as_bytes());
        assert_eq!(legacy, Err(crate::mcp::PeekError::NoItem));
    }
}
