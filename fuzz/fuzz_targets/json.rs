//! Invariant: a `Document` holds what serde_json reads in the same bytes, with every object's members there once; and
//! whatever serde_json accepts, with no member twice and within the limits, is accepted. Reading allocates no more than
//! the document says it holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::json::{Document, JsonErrorKind, Limits, Value};

#[path = "../../mcp-auth-core/src/json/tests/strict.rs"]
mod strict;

use strict::Tree;

fn same(ours: Value<'_>, theirs: &Tree) -> bool {
    match (ours, theirs) {
        (Value::Null, Tree::Null) => true,
        (Value::Bool(a), Tree::Bool(b)) => a == *b,
        (Value::Int(a), Tree::Int(b)) => a == *b,
        (Value::Uint(a), Tree::Uint(b)) => a == *b,
        (Value::Double(a), Tree::Double(b)) => Tree::same_double(a, *b),
        (Value::String(a), Tree::String(b)) => a == b,
        (Value::Array(a), Tree::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Tree::Object(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((a, x), (b, y))| a == b && same(x, y))
                && b.iter().all(|(name, b)| a.get(name).is_some_and(|a| same(a, b)))
        }
        _ => false,
    }
}

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let ours = Document::parse(data, &limits);
    match (&ours, serde_json::from_slice::<Tree>(data)) {
        (Ok(document), Ok(tree)) => {
            assert!(!tree.has_duplicates(), "a member twice was accepted");
            assert!(same(document.root(), &tree), "read differently");
            assert_eq!(document.root(), document.clone().root());
            assert!(document.memory_bytes() <= size_of::<Document>() + data.len() + 8 * (data.len() / 2 + 1));
        }
        (Ok(document), Err(error)) => panic!("accepted what serde_json refuses: {error} ({document:?})"),
        (Err(error), Ok(tree)) => match error.kind() {
            JsonErrorKind::DuplicateMember => assert!(tree.has_duplicates(), "{error}"),
            // Numbers of more than 1,024 bytes are refused.
            JsonErrorKind::Syntax => assert!(data.len() > 1024 || tree.has_extreme_number(), "{error}"),
            _ => {}
        },
        (Err(error), Err(_)) => assert!(error.offset() <= data.len()),
    }
    let owned = Document::parse_vec(data.to_vec(), &limits);
    assert_eq!(ours.map(|d| d.memory_bytes()), owned.map(|d| d.memory_bytes()));
});
