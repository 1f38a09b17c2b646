mod differential;
mod strict;
mod suite;

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
fn a_place_is_that_of_a_string_or_of_none() {
    let document =
        Document::parse(br#"{"a":[{"b":"x"}],"b":"y","c":1,"d":{"b":"z"}}"#, &Limits::default()).unwrap();
    let at = |name| document.str_at(document.as_object().unwrap().place(name)?);
    assert_eq!([at("a"), at("b"), at("c"), at("d"), at("x")], [None, Some("y"), None, None, None]);
}

#[test]
fn attack_016_034_duplicate_members_are_refused_at_every_level_and_through_escapes() {
    assert_eq!(kind(br#"{"a":1,"a":2}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"{"a":1,"\u0061":2}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"{"act":{"sub":"x","sub":"y"}}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"[[{"k":{},"l":1,"k":[]}]]"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"{"":1,"":2}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"{"\ud83d\ude00":1,"x":{},"\uD83D\uDE00":2}"#), JsonErrorKind::DuplicateMember);
    let error = Document::parse(br#"{"act":{"sub":"x","sub":"y"}}"#, &Limits::default()).unwrap_err();
    assert_eq!(error.offset(), 19);
    assert_eq!(error.to_string(), "duplicate member at byte 19");
}

/// Below and above the size at which names are sorted; names of all lengths; values that have to be passed over.
#[test]
fn attack_016_034_duplicates_are_found_in_objects_of_every_size() {
    for count in [2, 3, 8, 31, 32, 33, 40, 300] {
        for value in ["0", "\"s\"", "{}", "[1,[2]]", "{\"a\":{\"b\":[]}}"] {
            let name = |i: usize| format!("\"{}{i:03}\":{value}", "n".repeat(i % 19));
            let members: Vec<_> = (0..count).map(name).collect();
            let text = format!("{{{}}}", members.join(","));
            let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(document.as_object().unwrap().len(), count);
            for (first, second) in [(0, 1), (0, count - 1), (count / 2, count - 1)] {
                let mut members = members.clone();
                members[second] = members[first].replacen('n', "\\u006e", 1);
                let text = format!("[{{{}}}]", members.join(","));
                let error = Document::parse(text.as_bytes(), &Limits::default());
                if first == second {
                    assert!(error.is_ok());
                } else {
                    assert_eq!(error.unwrap_err().kind(), JsonErrorKind::DuplicateMember, "{text}");
                }
            }
        }
    }
}

#[test]
fn errors_say_where_and_what() {
    let error = |text: &str| Document::parse(text.as_bytes(), &Limits::default()).unwrap_err().to_string();
    assert_eq!(error("{\"a\":1,}"), "invalid JSON at byte 7: expected a member name in double quotes");
    assert_eq!(error("[1 2]"), "invalid JSON at byte 3: expected `,` or `]`");
    assert_eq!(
        error("\u{feff}{}"),
        "invalid JSON at byte 0: the text starts with a byte-order mark; send UTF-8 without one"
    );
    assert_eq!(error(&"[".repeat(65)), "nesting too deep at byte 64");
    assert!(!error("[\"hunter2\", hunter2]").contains("hunter2"));
}

#[test]
fn memory_is_what_is_held() {
    let mut roomy = Vec::with_capacity(9000);
    let text = br#"{"a":[1,2,3],"b":"\u0041","c":{"d":null}}"#;
    roomy.extend_from_slice(text);
    for document in [
        Document::parse(text, &Limits::default()).unwrap(),
        Document::parse_vec([&text[..], b" "].concat(), &Limits::default()).unwrap(),
        Document::parse_vec(roomy, &Limits::default()).unwrap(),
    ] {
        assert_eq!(
            document.memory_bytes(),
            size_of::<Document>() + document.text.len() + 8 * document.nodes.len()
        );
        assert_eq!(document.nodes.len(), 12);
        assert!(document.text.len() <= text.len() + 1);
    }
}

#[test]
fn escapes_are_decoded_where_they_stand() {
    let text = br#"{"\u0061\/":"\ud83d\ude00\n","b":["\\\"","plain\u00e9",7,"\t"],"c":"end"}"#;
    let document = Document::parse(text, &Limits::default()).unwrap();
    let o = document.as_object().unwrap();
    assert_eq!(o.get("a/"), Some(Value::String("\u{1f600}\n")));
    let b: Vec<_> = o.get("b").unwrap().as_array().unwrap().iter().collect();
    assert_eq!(b, [Value::String("\\\""), Value::String("plain\u{e9}"), Value::Int(7), Value::String("\t")]);
    assert_eq!(o.get("c"), Some(Value::String("end")));
    assert_eq!(o.get("a\\/"), None);
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
