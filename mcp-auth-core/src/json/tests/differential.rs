//! Our reader against serde_json: what both accept means the same. What only we refuse: a member twice, what is past
//! the limits, numbers of more than 1,024 bytes. What only serde_json refuses: nothing (its own depth limit, 128, is
//! beyond ours).

use proptest::prelude::*;

use super::super::{Document, JsonError, JsonErrorKind, Limits, Scanner, Value};
use super::strict::Tree;

fn limits() -> Limits {
    Limits::default().max_bytes(1 << 20).max_nodes(1 << 16)
}

pub(super) fn same(ours: Value<'_>, theirs: &Tree) -> bool {
    match (ours, theirs) {
        (Value::Null, Tree::Null) => true,
        (Value::Bool(a), Tree::Bool(b)) => a == *b,
        (Value::Int(a), Tree::Int(b)) => a == *b,
        (Value::Uint(a), Tree::Uint(b)) => a == *b,
        (Value::Double(a), Tree::Double(b)) => Tree::same_double(a, *b),
        (Value::String(a), Tree::String(b)) => a == b,
        (Value::Array(a), Tree::Array(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| same(a, b))
                && b.iter().enumerate().all(|(i, b)| a.get(i).is_some_and(|a| same(a, b)))
        }
        (Value::Object(a), Tree::Object(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((a, x), (b, y))| a == b && same(x, y))
                && b.iter().all(|(name, b)| a.get(name).is_some_and(|a| same(a, b)))
        }
        _ => false,
    }
}

fn compare(text: &[u8]) {
    let shown = || String::from_utf8_lossy(text).into_owned();
    let ours = Document::parse(text, &limits());
    let whole = ours.as_ref().map_or_else(JsonError::kind, |_| JsonErrorKind::DuplicateMember);
    assert_eq!(
        skips(text),
        whole == JsonErrorKind::DuplicateMember,
        "skipping checks as building does: {}",
        shown()
    );
    match (ours, serde_json::from_slice::<Tree>(text)) {
        (Ok(ours), Ok(theirs)) => {
            assert!(!theirs.has_duplicates(), "a member twice: {}", shown());
            assert!(same(ours.root(), &theirs), "read differently: {}", shown());
        }
        (Ok(_), Err(e)) => panic!("only serde_json refuses ({e}): {}", shown()),
        (Err(e), Ok(theirs)) => match e.kind() {
            JsonErrorKind::DuplicateMember => assert!(theirs.has_duplicates(), "{e}: {}", shown()),
            JsonErrorKind::Syntax => assert!(theirs.has_extreme_number(), "{e}: {}", shown()),
            _ => {}
        },
        (Err(e), Err(_)) => assert!(e.offset() <= text.len()),
    }
}

/// Whether the scanner passes over the text as one document, without building one.
fn skips(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        let mut scanner = Scanner::new(text);
        scanner.skip(64).and_then(|()| scanner.end()).is_ok()
    })
}

/// Names that collide often; strings of all lengths around the eight bytes of a word.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab]{0,2}", 1 => "[ -~]{0,20}", 1 => any::<String>()]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        (-1000..1000i64).prop_map(|n| n.to_string()),
        any::<f64>()
            .prop_filter("finite", |d| d.is_finite())
            .prop_map(|d| serde_json::to_string(&d).unwrap()),
        "-?(0|[1-9][0-9]{0,25})([.][0-9]{1,25})?([eE][+-]?[0-9]{1,3})?",
    ]
}

/// A string's JSON text; `how` picks the escapes.
fn quoted(text: &str, how: u32) -> String {
    let mut out = "\"".to_owned();
    for (i, c) in text.chars().enumerate() {
        match (c, how >> (i % 16) & 3) {
            (_, 0) => {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().for_each(|unit| out += &format!("\\u{unit:04x}"));
            }
            ('"' | '\\', _) | ('/', 1) => out.extend(['\\', c]),
            ('\x08', _) => out += "\\b",
            ('\x0c', _) => out += "\\f",
            ('\n', _) => out += "\\n",
            ('\r', _) => out += "\\r",
            ('\t', _) => out += "\\t",
            ('\0'..='\x1f', _) => out += &format!("\\u{:04X}", u32::from(c)),
            (c, _) => out.push(c),
        }
    }
    out + "\""
}

fn text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number(),
        (name(), any::<u32>()).prop_map(|(s, how)| quoted(&s, how)),
    ];
    leaf.prop_recursive(5, 60, 12, |inner| {
        let space = prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n          \t\r")];
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..12), space.clone())
                .prop_map(|(items, s)| format!("[{s}{}{s}]", items.join(&format!("{s},{s}")))),
            (proptest::collection::vec((name(), any::<u32>(), inner), 0..12), space).prop_map(
                |(members, s)| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(name, how, v)| format!("{}{s}:{s}{v}", quoted(name, *how)))
                        .collect();
                    format!("{{{s}{}{s}}}", members.join(&format!("{s},{s}")))
                }
            ),
        ]
    })
}

/// Pieces of JSON in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 40] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\"a\"",
        b"\"a\":",
        b"\"b\":1",
        b"\"\\u0061\":",
        b"null",
        b"true",
        b"false",
        b"0",
        b"-",
        b"1",
        b".5",
        b"e9",
        b"E+308",
        b"-0",
        b"1e999",
        b"9223372036854775808",
        b"\\",
        b"\\u",
        b"\\ud83d",
        b"\\ude00",
        b"\"\\ud83d\\ude00\"",
        b"\\n",
        b" ",
        b"\n\t",
        b"\xc3\xa9",
        b"\xc3",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\0",
        b"\x1f",
        b"NaN",
        b"// x\n",
        b"'a'",
    ];
    proptest::collection::vec(0..PIECES.len(), 0..24)
        .prop_map(|picks| picks.iter().flat_map(|&i| PIECES[i]).copied().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn documents_are_read_alike(text in text()) {
        prop_assert!(serde_json::from_str::<Tree>(&text).is_ok() || text.contains(['e', 'E']), "a bad generator: {text}");
        compare(text.as_bytes());
    }

    #[test]
    fn damaged_documents_are_read_alike(text in text(), edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = text.into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            match byte % 4 {
                0 => { bytes.remove(at); }
                1 => bytes.insert(at, byte / 2),
                2 => bytes[at] = byte,
                _ => bytes[at] ^= 1 << (byte % 8),
            }
            if bytes.is_empty() { break }
        }
        compare(&bytes);
    }

    #[test]
    fn pieces_are_read_alike(bytes in pieces()) {
        compare(&bytes);
    }

    #[test]
    fn strings_come_back_whatever_their_escapes(text in any::<String>(), how: u32) {
        let document = Document::parse(format!("[{},1]", quoted(&text, how)).as_bytes(), &limits()).unwrap();
        let items = document.root().as_array().unwrap();
        prop_assert_eq!(items.get(0), Some(Value::String(&text)));
        prop_assert_eq!(items.get(1), Some(Value::Int(1)));
    }
}
