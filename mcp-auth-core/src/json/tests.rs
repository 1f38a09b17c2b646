use super::*;

fn kind(text: &[u8]) -> JsonErrorKind {
    Document::parse(text, &Limits::default()).unwrap_err().kind()
}

#[test]
fn reads_every_kind_of_value() {
    let doc = Document::parse(
        br#" {"n":null,"b":true,"i":-7,"u":18446744073709551615,"d":1.5,"s":"a\"\u00e9","a":[1,[2,{"x":3}],"z"],"o":{}} "#,
        &Limits::default(),
    )
    .unwrap();
    let o = doc.as_object().unwrap();
    assert_eq!(o.len(), 8);
    assert_eq!(o.get("n"), Some(Value::Null));
    assert_eq!(o.get("b"), Some(Value::Bool(true)));
    assert_eq!(o.get("i"), Some(Value::Int(-7)));
    assert_eq!(o.get("u"), Some(Value::Uint(u64::MAX)));
    assert_eq!(o.get("d"), Some(Value::Double(1.5)));
    assert_eq!(o.get("s"), Some(Value::String("a\"é")));
    let a = o.get("a").unwrap().as_array().unwrap();
    assert_eq!((a.len(), a.get(2)), (3, Some(Value::String("z"))));
    let inner = a.get(1).unwrap().as_array().unwrap().get(1).unwrap().as_object().unwrap();
    assert_eq!(inner.get("x"), Some(Value::Int(3)));
    assert!(o.get("o").unwrap().as_object().unwrap().is_empty());
    assert_eq!(o.get("missing"), None);
}

#[test]
fn attack_016_034_duplicate_members_are_refused_at_every_level_and_through_escapes() {
    assert_eq!(kind(br#"{"a":1,"a":2}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"{"a":1,"\u0061":2}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"{"act":{"sub":"x","sub":"y"}}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"[[{"k":{},"l":1,"k":[]}]]"#), JsonErrorKind::DuplicateMember);
    let many = (0..40).map(|i| format!("\"k{i}\":{i}")).collect::<Vec<_>>().join(",");
    assert!(Document::parse(format!("{{{many}}}").as_bytes(), &Limits::default()).is_ok());
    assert_eq!(kind(format!("{{{many},\"k3\":0}}").as_bytes()), JsonErrorKind::DuplicateMember);
}

#[test]
fn attack_035_086_what_two_parsers_could_read_differently_is_refused() {
    for text in [
        &b"\xef\xbb\xbf{}"[..],
        b"{} {}",
        b"{}x",
        b"",
        b"NaN",
        b"[1,]",
        b"{\"a\":1,}",
        b"/**/{}",
        b"\"\xff\"",
        b"\"\\ud800\"",
        b"1e400",
        b"{\x00}",
        b"\xff\xfe{\0}\0",
    ] {
        assert_eq!(kind(text), JsonErrorKind::Syntax, "{text:?}");
    }
}

#[test]
fn attack_036_size_depth_and_count_are_bounded() {
    let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(Document::parse(nest(64).as_bytes(), &Limits::default()).is_ok());
    assert_eq!(kind(nest(65).as_bytes()), JsonErrorKind::TooDeep);
    assert_eq!(kind(nest(30_000).as_bytes()), JsonErrorKind::TooDeep);
    assert_eq!(kind(format!("[{}0]", "0,".repeat(5000)).as_bytes()), JsonErrorKind::TooManyNodes);
    assert_eq!(kind(" ".repeat(70_000).as_bytes()), JsonErrorKind::TooLong);
}

#[test]
fn objects_are_equal_in_any_order() {
    let doc =
        Document::parse(br#"[{"a":1,"b":[2]},{"b":[2],"a":1},{"a":1,"b":[3]}]"#, &Limits::default()).unwrap();
    let a = doc.root().as_array().unwrap();
    assert_eq!(a.get(0), a.get(1));
    assert_ne!(a.get(0), a.get(2));
}

#[test]
fn debug_shows_no_values() {
    let doc = Document::parse(br#"{"secret":"hunter2"}"#, &Limits::default()).unwrap();
    assert!(!format!("{doc:?}").contains("hunter2"));
}
