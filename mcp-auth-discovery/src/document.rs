//! One bounded, unambiguous reading for every JSON document of this crate.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use mcp_auth_core::json::{Document, JsonErrorKind, Limits};

/// The greatest length of a metadata or registration document, in bytes (64 KiB).
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// The greatest length of a member's name in an error, in characters.
const MAX_MEMBER_CHARS: usize = 80;

/// Why bytes were not accepted as a metadata or registration document. Holds names of members that this crate knows,
/// never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Longer than [`MAX_DOCUMENT_BYTES`], or too deep, or with too many values.
    #[error("document exceeds a limit")]
    TooLarge,
    /// Not exactly one JSON document in UTF-8.
    #[error("document is not JSON")]
    NotJson,
    /// A member occurs twice in one object: two readers could see two documents.
    #[error("document repeats a member")]
    DuplicateMember,
    /// JSON, but not an object.
    #[error("document is not a JSON object")]
    NotAnObject,
    /// A required member is absent.
    #[error("document lacks `{0}`")]
    Missing(&'static str),
    /// A member has a value that cannot be read: another type, or not a URL where one belongs.
    #[error("`{0}` has the wrong type, or is not an absolute URL where one belongs")]
    Member(String),
}

/// Parses one JSON object without duplicate members and within the limits. `required` members have to be there.
pub(crate) fn parse<T: DeserializeOwned>(
    bytes: &[u8],
    required: &[&'static str],
) -> Result<T, DocumentError> {
    parse_within(bytes, required, MAX_DOCUMENT_BYTES)
}

/// As [`parse`], with a limit of one's own.
pub(crate) fn parse_within<T: DeserializeOwned>(
    bytes: &[u8],
    required: &[&'static str],
    max_bytes: usize,
) -> Result<T, DocumentError> {
    let document = check(bytes, max_bytes)?;
    let object = document.as_object().ok_or(DocumentError::NotAnObject)?;
    if let Some(absent) = required.iter().find(|name| object.get(name).is_none()) {
        return Err(DocumentError::Missing(absent));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        // Unknown members cannot fail, so that the path begins with a name of ours.
        let path = error.path().to_string();
        let path = if path == "." { "document".to_owned() } else { path };
        DocumentError::Member(path.chars().filter(|c| !c.is_control()).take(MAX_MEMBER_CHARS).collect())
    })
}

/// Serializes a value that serializes without fail: only strings, booleans, numbers and lists of them.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Bytes {
    // INVARIANT: serde_json fails on non-string keys and on failing `Serialize` impls; the crate's types have neither.
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

fn check(bytes: &[u8], max_bytes: usize) -> Result<Document, DocumentError> {
    let limits = Limits::default().max_bytes(max_bytes);
    Document::parse(bytes, &limits).map_err(|error| match error.kind() {
        JsonErrorKind::DuplicateMember => DocumentError::DuplicateMember,
        JsonErrorKind::TooLong | JsonErrorKind::TooDeep | JsonErrorKind::TooManyNodes => {
            DocumentError::TooLarge
        }
        _ => DocumentError::NotJson,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn each_fault_has_its_kind() {
        type Any = serde_json::Map<String, serde_json::Value>;
        let fault = |text: &[u8]| parse::<Any>(text, &["a"]).unwrap_err();
        assert_eq!(fault(b"<html>"), DocumentError::NotJson);
        assert_eq!(fault(b"{}{}"), DocumentError::NotJson);
        assert_eq!(fault(b"\xef\xbb\xbf{}"), DocumentError::NotJson);
        assert_eq!(fault(b"\xff"), DocumentError::NotJson);
        assert_eq!(fault(b"[]"), DocumentError::NotAnObject);
        assert_eq!(fault(b"{}"), DocumentError::Missing("a"));
        assert_eq!(fault(br#"{"a":1,"\u0061":2}"#), DocumentError::DuplicateMember);
        assert_eq!(fault(&vec![b' '; MAX_DOCUMENT_BYTES + 1]), DocumentError::TooLarge);
        assert_eq!(fault("[".repeat(200).as_bytes()), DocumentError::TooLarge);
        assert_eq!(parse_within::<Any>(b"{\"a\": 1}", &[], 7).unwrap_err(), DocumentError::TooLarge);
    }

    #[test]
    fn an_error_names_the_member_and_no_value() {
        #[derive(Debug, Deserialize)]
        struct Known {
            #[expect(dead_code, reason = "only its type counts")]
            list: Vec<String>,
            #[serde(flatten)]
            #[expect(dead_code, reason = "only its type counts")]
            other: serde_json::Map<String, serde_json::Value>,
        }
        let fault = |text: &[u8]| parse::<Known>(text, &["list"]).unwrap_err();
        assert_eq!(fault(br#"{"list":["a",7,"s3cret"]}"#), DocumentError::Member("list[1]".into()));
        let error = fault(br#"{"other":{},"list":"s3cret"}"#);
        assert_eq!(error, DocumentError::Member("list".into()));
        assert!(!error.to_string().contains("s3cret"));
    }
}
