use super::*;

fn tool(properties: &str) -> String {
    format!(r#"{{"name":"t","inputSchema":{{"type":"object","properties":{{{properties}}}}}}}"#)
}

fn parse(properties: &str) -> Result<ToolHeaders, ToolHeadersError> {
    ToolHeaders::parse(tool(properties).as_bytes())
}

fn shown(headers: &ToolHeaders) -> Vec<(String, String, ParamType)> {
    headers.params().iter().map(|p| (p.header.to_string(), p.path.join("."), p.kind)).collect()
}

#[test]
fn declarations_are_found_at_any_depth_of_properties() {
    let headers = parse(
        r#""region":{"type":"string","x-mcp-header":"Region"},
           "route":{"type":"object","properties":{"prio":{"x-mcp-header":"X!Y","type":"integer"},
             "deep":{"properties":{"x-mcp-header":{"type":"boolean","x-mcp-head\u0065r":"Z"}}}}},
           "query":{"type":"string","default":{"x-mcp-header":"no"},"enum":[{"x-mcp-header":"no"}]}"#,
    )
    .unwrap();
    assert_eq!(
        shown(&headers),
        [
            ("mcp-param-region".into(), "region".into(), ParamType::String),
            ("mcp-param-x!y".into(), "route.prio".into(), ParamType::Integer),
            ("mcp-param-z".into(), "route.deep.x-mcp-header".into(), ParamType::Boolean),
        ]
    );
    for none in [
        r#"{"name":"t"}"#,
        r#"{"name":"t","inputSchema":{"type":"object"}}"#,
        r#"{"name":"t","inputSchema":true,"outputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}"#,
        r#"{"name":"x-mcp-header","inputSchema":{"properties":[{"x-mcp-header":"A"}]}}"#,
    ] {
        assert_eq!(ToolHeaders::parse(none.as_bytes()), Ok(ToolHeaders::default()), "{none}");
    }
}

/// The tools of the official scenario `http-invalid-tool-headers`, and others that break the same rules.
#[test]
fn http_invalid_tool_headers_are_refused() {
    use ToolHeadersError as E;
    let a = |schema: &str| parse(&format!(r#""a":{schema}"#)).unwrap_err();
    for name in
        ["", "My Region", "Region:Primary", "Région", "Region\\u0007", "a\\r\\nb", "a\\tb", "a/b", "(a)"]
    {
        assert_eq!(a(&format!(r#"{{"type":"string","x-mcp-header":"{name}"}}"#)), E::Name, "{name}");
    }
    for value in ["null", "7", "[]", "{}", "true"] {
        assert_eq!(a(&format!(r#"{{"type":"string","x-mcp-header":{value}}}"#)), E::Name, "{value}");
    }
    for kind in [r#""object""#, r#""array""#, r#""null""#, r#""number""#, r#"["string","null"]"#, "1"] {
        assert_eq!(a(&format!(r#"{{"type":{kind},"x-mcp-header":"A"}}"#)), E::Type, "{kind}");
    }
    assert_eq!(a(r#"{"x-mcp-header":"A"}"#), E::Type);
    let two = |first: &str, second: &str| {
        parse(&format!(
            r#""a":{{"type":"string","x-mcp-header":"{first}"}},"b":{{"type":"string","x-mcp-header":"{second}"}}"#
        ))
    };
    assert_eq!(two("Region", "Region"), Err(E::Duplicate));
    assert_eq!(two("Region", "REGION"), Err(E::Duplicate));
    assert!(two("Region", "Regions").is_ok());
    let annotated = r#"{"type":"string","x-mcp-header":"A"}"#;
    for keyword in ["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"]
    {
        assert_eq!(a(&format!(r#"{{"type":"array","{keyword}":{annotated}}}"#)), E::Unreachable, "{keyword}");
    }
    for keyword in ["oneOf", "anyOf", "allOf", "prefixItems", "items"] {
        let schema = format!(r#"{{"{keyword}":[true,{{"properties":{{"b":{annotated}}}}}]}}"#);
        assert_eq!(a(&schema), E::Unreachable, "{keyword}");
    }
    for keyword in ["patternProperties", "dependentSchemas", "$defs", "definitions"] {
        assert_eq!(a(&format!(r#"{{"{keyword}":{{"b":{annotated}}}}}"#)), E::Unreachable, "{keyword}");
    }
    let root = r#"{"name":"t","inputSchema":{"type":"string","x-mcp-header":"A"}}"#;
    assert_eq!(ToolHeaders::parse(root.as_bytes()), Err(E::Unreachable));
    for twice in [
        r#""a":{"type":"string","x-mcp-header":"A","x-mcp-header":"B"}"#,
        r#""a":{"type":"string","x-mcp-header":"A","type":"integer"}"#,
        r#""a":{"properties":{},"properties":{"b":{"type":"string","x-mcp-header":"A"}}}"#,
    ] {
        assert_eq!(parse(twice), Err(E::Unreadable), "{twice}");
    }
    assert_eq!(ToolHeaders::parse(b"{\"x-mcp-header\""), Err(E::Unreadable));
    let many = |n: usize| {
        let one = |i| format!(r#""p{i}":{{"type":"string","x-mcp-header":"H{i}"}}"#);
        parse(&(0..n).map(one).collect::<Vec<_>>().join(","))
    };
    assert_eq!(many(MAX_PARAM_HEADERS).unwrap().params().len(), MAX_PARAM_HEADERS);
    assert_eq!(many(MAX_PARAM_HEADERS + 1), Err(E::TooMany));
    let deep = format!(r#"{}"x-mcp-header":"A"{}"#, r#""properties":{"a":{"#.repeat(60), "}}".repeat(60));
    assert!(matches!(a(&format!("{{{deep}}}")), E::TooMany | E::Type | E::Unreadable));
}

#[test]
fn the_store_is_bounded_and_follows_the_lists() {
    let headers = |name: &str| parse(&format!(r#""a":{{"type":"string","x-mcp-header":"{name}"}}"#)).unwrap();
    let mut store = ToolHeadersStore::new(1_000);
    assert!(!store.learn("plain", ToolHeaders::default()), "nothing to remember");
    assert!(store.learn("t", headers("A")));
    assert!(!store.learn("t", headers("A")), "nothing new");
    assert!(store.learn("t", headers("B")));
    assert_eq!(store.get("t").unwrap().params()[0].header, "mcp-param-b");
    assert!(store.learn("t", ToolHeaders::default()), "declares nothing any more");
    assert!(store.get("t").is_none() && store.is_empty());
    assert_eq!(store.memory_bytes(), 0);
    for i in 0..1_000 {
        store.learn(&format!("tool-{i}"), headers("A"));
        assert!(store.memory_bytes() <= 1_000);
    }
    assert!(store.len() > 1 && store.len() < 20);
    assert!(store.get("tool-999").is_some() && store.get("tool-0").is_none(), "the first goes first");
    store.learn(&"x".repeat(2_000), headers("A"));
    assert!(store.get("tool-999").is_some(), "what is too large alone drives nobody out");
}
