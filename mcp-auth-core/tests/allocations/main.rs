//! How often the hot path allocates. A program of its own: its allocator counts.

mod count;

use count::allocations;
use mcp_auth_core::json::{Document, Limits, Value};
use mcp_auth_core::mcp::peek;

const CLAIMS: &str =
    r#"{"iss":"https://login.example.com/","sub":"alice","aud":["mcp"],"exp":1794990300,"ratio":1.5e3}"#;

#[test]
fn a_document_is_two_allocations_whatever_it_holds() {
    let limits = Limits::default();
    // The copy of the text, the list, and the list again when it is cut to its length.
    assert_eq!(allocations(|| Document::parse(CLAIMS.as_bytes(), &limits).unwrap()), 3);
    let mut owned = vec![CLAIMS.as_bytes().to_vec(); count::RUNS];
    assert_eq!(allocations(|| Document::parse_vec(owned.pop().unwrap(), &limits).unwrap()), 2);
    let escaped = CLAIMS.replace('/', "\\/").replace("alice", "\\u0061lice");
    assert_eq!(
        allocations(|| Document::parse(escaped.as_bytes(), &limits).unwrap()),
        3,
        "decoded where it stands"
    );
}

#[test]
fn reading_a_document_allocates_nothing() {
    let document = Document::parse(CLAIMS.as_bytes(), &Limits::default()).unwrap();
    let read = || {
        let claims = document.as_object().unwrap();
        assert_eq!(claims.get("sub"), Some(Value::String("alice")));
        assert_eq!(claims.get("ratio"), Some(Value::Double(1500.0)));
        assert_eq!(claims.get("none"), None);
        claims.iter().filter(|(name, value)| name.len() > 3 && value.as_array().is_none()).count()
    };
    assert_eq!(allocations(read), 0);
}

#[test]
fn a_message_is_scanned_without_a_tree() {
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"read","arguments":{arguments}}}}}"#
        )
    };
    let (small, large) = (call("{}"), call(&format!("[{}0]", r#"{"a":["b\n",1.5]},"#.repeat(2000))));
    // Method, id and name, which outlive the body.
    assert_eq!(allocations(|| peek(small.as_bytes()).unwrap()), 3);
    assert_eq!(allocations(|| peek(large.as_bytes()).unwrap()), 3);
}
