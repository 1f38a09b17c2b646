//! The grammar case by case, in the three groups of JSONTestSuite: `y` has to be accepted, `n` refused, and of what
//! RFC 8259 leaves to the parser (`i`) we refuse all that two parsers read differently.

use super::super::{Document, JsonError, JsonErrorKind, Limits, Value};

fn parse(text: &[u8]) -> Result<Document, JsonError> {
    Document::parse(text, &Limits::default())
}

#[test]
fn y_what_the_grammar_allows_is_accepted() {
    for text in [
        // structure
        &b"[]"[..], b"{}", b" [] ", b"[ ]", b"{ }", b"\t\r\n []\n", b"[[]]", b"[{}]", b"{\"\":0}", b"{\"a\":{}}",
        b"[1,[2,[3]]]", b"[ 1 , 2 ]", b"{ \"a\" : 1 , \"b\" : 2 }", b"[null, 1, \"1\", {}]", b"[\n]", b"[true\n]",
        b"null", b"true", b"false", b"42", b"-0.1", b"\"text\"", b"\"\"", b" 1 ",
        // numbers
        b"0", b"-0", b"-1", b"10", b"123456789012345678901234567890", b"0.0", b"-0.0", b"0e1", b"0E1", b"0e+1", b"0e-1",
        b"1e2", b"1E22", b"1E+2", b"1E-2", b"123.456e78", b"123.456e-78", b"1e-400", b"-1e-400", b"1.7976931348623157e308",
        b"0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
        // strings
        b"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", b"\"\\u0000\"", b"\"\\u00e9\\u20AC\\uFFFF\\u0012\"",
        b"\"\\uD834\\uDd1e\"", b"\"\\ud83d\\ude39\\ud83d\\udc8d\"", b"\"\\u005C\\u0022\"", b"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        b"\"\x7f\"", b"\"\xe2\x80\xa8\xe2\x80\xa9\"", b"\"\xef\xbf\xbf\"", b"\"\xf4\x8f\xbf\xbf\"", b"\"\xef\xbb\xbf\"", b"\"/*\"",
        b"\"\\\\u0061\"", b"\"a/b\"", b"{\"a\\u0000b\":1}", b"{\"a\":1,\"A\":2}", b"{\"a\":1,\"a \":2}",
    ] {
        assert!(parse(text).is_ok(), "{}: {:?}", String::from_utf8_lossy(text), parse(text));
    }
}

/// Each with the offset of the first byte that is wrong.
#[test]
fn n_what_the_grammar_forbids_is_refused_where_it_stands() {
    for (text, offset) in [
        // structure
        (&b""[..], 0),
        (b" ", 1),
        (b"[", 1),
        (b"{", 1),
        (b"]", 0),
        (b"}", 0),
        (b"[1", 2),
        (b"[1,", 3),
        (b"[,1]", 1),
        (b"[1,]", 3),
        (b"[1,,2]", 3),
        (b"[1 2]", 3),
        (b"[1:2]", 2),
        (b"[1}", 2),
        (b"[}", 1),
        (b"{]", 1),
        (b"{\"a\":1]", 6),
        (b"{\"a\"", 4),
        (b"{\"a\":", 5),
        (b"{\"a\":1", 6),
        (b"{\"a\":1,}", 7),
        (b"{\"a\":1,,\"b\":2}", 7),
        (b"{,}", 1),
        (b"{\"a\"}", 4),
        (b"{\"a\",1}", 4),
        (b"{\"a\"::1}", 5),
        (b"{\"a\" \"b\"}", 5),
        (b"{a:1}", 1),
        (b"{'a':1}", 1),
        (b"{1:1}", 1),
        (b"{null:1}", 1),
        (b"{\"a\":1 \"b\":2}", 7),
        (b"[][]", 2),
        (b"[]]", 2),
        (b"{}}", 2),
        (b"{}#", 2),
        (b"1 2", 2),
        (b"null,", 4),
        (b"[]\0", 2),
        (b"\0[]", 0),
        (b"[\0]", 1),
        (b"/**/{}", 0),
        (b"{}//", 2),
        (b"[1/**/]", 2),
        (b"#{}", 0),
        (b"[\x0c]", 1),
        (b"[\x0b]", 1),
        (b"[\xc2\xa0]", 1),
        (b"[\xe2\x81\xa0]", 1),
        (b"<a/>", 0),
        (b"*", 0),
        (b"abc", 0),
        (b"\xef\xbb\xbf{}", 0),
        (b"[\xef\xbb\xbf]", 1),
        (b"[(1)]", 1),
        // literals
        (b"nul", 0),
        (b"nulll", 4),
        (b"True", 0),
        (b"TRUE", 0),
        (b"tru", 0),
        (b"[fals]", 1),
        (b"[nan]", 1),
        (b"undefined", 0),
        (b"truefalse", 4),
        // numbers
        (b"NaN", 0),
        (b"[Infinity]", 1),
        (b"-Infinity", 0),
        (b"+1", 0),
        (b"-", 0),
        (b"--1", 0),
        (b"01", 0),
        (b"-01", 0),
        (b"[-012]", 1),
        (b"00", 0),
        (b"1.", 0),
        (b".5", 0),
        (b"-.5", 0),
        (b"1.e1", 0),
        (b"1e", 0),
        (b"1e+", 0),
        (b"1E", 0),
        (b"1e1.5", 3),
        (b"1ee1", 0),
        (b"0x1", 1),
        (b"1_000", 1),
        (b"1,5", 1),
        (b"1a", 1),
        (b"- 1", 0),
        (b"1 000", 2),
        (b"1.2.3", 3),
        (b"1+2", 1),
        (b"\xef\xbc\x91", 0),
        // strings
        (b"\"", 1),
        (b"\"a", 2),
        (b"'a'", 0),
        (b"\"\\\"", 3),
        (b"\"\\", 1),
        (b"\"\\a\"", 1),
        (b"\"\\x00\"", 1),
        (b"\"\\0\"", 1),
        (b"\"\\U0041\"", 1),
        (b"\"\\u\"", 1),
        (b"\"\\u00\"", 1),
        (b"\"\\u00A\"", 1),
        (b"\"\\u00G0\"", 1),
        (b"\"\\u+041\"", 1),
        (b"\"\\u 041\"", 1),
        (b"\"\\\n\"", 1),
        (b"\"\x00\"", 1),
        (b"\"a\x1f\"", 2),
        (b"\"\n\"", 1),
        (b"\"\t\"", 1),
        (b"\"1234567\x018\"", 8),
        (b"\"12345678\x01\"", 9),
        (b"[\"a\xe5\"]", 3),
        (b"\"\xff\"", 1),
        (b"\"\xc0\xaf\"", 1),
        (b"\"\xed\xa0\x80\"", 1),
        (b"\"\xf4\x90\x80\x80\"", 1),
        (b"\"\xe2\x82\"", 1),
        (b"\xff\xfe{\0}\0", 0),
        (b"\xfe\xff\0{\0}", 0),
        (b"{\0}\0", 1),
        (b"\0{\0}", 0),
    ] {
        let shown = String::from_utf8_lossy(text);
        let error = parse(text).expect_err(&shown);
        assert_eq!((error.kind(), error.offset()), (JsonErrorKind::Syntax, offset), "{shown}: {error}");
        // The same behind more text than the fast paths look at in one step.
        if !text.starts_with(b"\xef\xbb\xbf") {
            let far = [&b" ".repeat(40)[..], b"{\"", &b"x".repeat(100), b"\":\n        ", text, b",\"y\":0}"]
                .concat();
            assert_eq!(parse(&far).unwrap_err().kind(), JsonErrorKind::Syntax, "{shown}");
        }
    }
}

#[test]
fn i_what_two_parsers_read_differently_is_refused() {
    for (text, offset) in [
        // Half a surrogate pair, in every place.
        (&b"\"\\ud800\""[..], 1),
        (b"\"\\udc00\"", 1),
        (b"\"a\\udbff\"", 2),
        (b"\"\\ud800\\u0041\"", 1),
        (b"\"\\ud800\\ud800\"", 1),
        (b"\"\\udc00\\ud800\"", 1),
        (b"\"\\ud800x\"", 1),
        (b"\"\\ud800\\n\"", 1),
        (b"\"\\ud800\\u\"", 1),
        (b"\"\\uD83D\\uDE00\\uD83D\"", 13),
        (b"{\"\\ud800\":1}", 2),
        // Beyond doubles.
        (b"1e400", 0),
        (b"-1e400", 0),
        (b"[1.8e308]", 1),
        (b"1e99999999999999999999", 0),
    ] {
        let shown = String::from_utf8_lossy(text);
        let error = parse(text).expect_err(&shown);
        assert_eq!((error.kind(), error.offset()), (JsonErrorKind::Syntax, offset), "{shown}: {error}");
    }
    assert_eq!(parse("9".repeat(400).as_bytes()).unwrap_err().kind(), JsonErrorKind::Syntax);
    let long = |digits: usize| format!("[0.{}]", "3".repeat(digits));
    assert!(parse(long(1022).as_bytes()).is_ok());
    assert_eq!(parse(long(1023).as_bytes()).unwrap_err().offset(), 1, "read anew at each access: bounded");
    assert_eq!(parse(b"{\"a\":1,\"a\":1}").unwrap_err().kind(), JsonErrorKind::DuplicateMember);
}

#[test]
fn numbers_keep_their_value() {
    for (text, value) in [
        ("0", Value::Int(0)),
        ("-1", Value::Int(-1)),
        ("99999999999999999", Value::Int(99_999_999_999_999_999)),
        ("-99999999999999999", Value::Int(-99_999_999_999_999_999)),
        ("100000000000000000", Value::Int(100_000_000_000_000_000)),
        ("9223372036854775807", Value::Int(i64::MAX)),
        ("-9223372036854775808", Value::Int(i64::MIN)),
        ("9223372036854775808", Value::Uint(1 << 63)),
        ("18446744073709551615", Value::Uint(u64::MAX)),
        ("18446744073709551616", Value::Double(18_446_744_073_709_551_616.0)),
        ("-9223372036854775809", Value::Double(-9_223_372_036_854_775_809.0)),
        ("1.0", Value::Double(1.0)),
        ("1e2", Value::Double(100.0)),
        ("0.1", Value::Double(0.1)),
        ("5e-324", Value::Double(5e-324)),
        ("1e-400", Value::Double(0.0)),
        ("1.7976931348623157e308", Value::Double(f64::MAX)),
    ] {
        assert_eq!(parse(text.as_bytes()).unwrap().root(), value, "{text}");
        assert_eq!(
            parse(format!("[{text}]").as_bytes()).unwrap().root().as_array().unwrap().get(0),
            Some(value)
        );
    }
    let Value::Double(zero) = parse(b"-0").unwrap().root() else { panic!("-0 is a double") };
    assert!(zero == 0.0 && zero.is_sign_negative());
}
