//! One bounded, unambiguous reading for every JSON document of this crate.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use mcp_auth_core::json::{Document, JsonErrorKind, Limits};

/// The greatest length of a metadata or registration document, in bytes (64 KiB).
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Why bytes were not accepted as a metadata or registration document. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// A required member is absent, or a member has the wrong type.
    #[error("document lacks a required member or a member has the wrong type")]
    Shape,
}

/// Parses one JSON object without duplicate members and within the limits.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    let document = check(bytes)?;
    if document.as_object().is_none() {
        return Err(DocumentError::Shape);
    }
    serde_json::from_slice(bytes).map_err(|_| DocumentError::Shape)
}

/// Serializes a value that serializes without fail: only strings, booleans, numbers and lists of them.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Bytes {
    // INVARIANT: serde_json fails on non-string keys and on failing `Serialize` impls; the crate's types have neither.
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

fn check(bytes: &[u8]) -> Result<Document, DocumentError> {
    let limits = Limits::default().max_bytes(MAX_DOCUMENT_BYTES);
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
    use super::*;

    #[test]
    fn each_fault_has_its_kind() {
        let fault = |text: &[u8]| parse::<serde_json::Map<String, serde_json::Value>>(text).unwrap_err();
        assert_eq!(fault(b"<html>"), DocumentError::NotJson);
        assert_eq!(fault(b"{}{}"), DocumentError::NotJson);
        assert_eq!(fault(b"\xef\xbb\xbf{}"), DocumentError::NotJson);
        assert_eq!(fault(b"\xff"), DocumentError::NotJson);
        assert_eq!(fault(b"[]"), DocumentError::Shape);
        assert_eq!(fault(br#"{"a":1,"\u0061":2}"#), DocumentError::DuplicateMember);
        assert_eq!(fault(&vec![b' '; MAX_DOCUMENT_BYTES + 1]), DocumentError::TooLarge);
        assert_eq!(fault("[".repeat(200).as_bytes()), DocumentError::TooLarge);
    }
}
