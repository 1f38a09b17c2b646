//! The JOSE header, RFC 7515 §4: what we use, what we refuse, what we ignore.

use super::Algorithm;
use super::compact::decode;
use super::error::{ValidationError, ValidationErrorKind as Kind};
use crate::json::{Document, Limits, Object, Value};

/// A header whose decisive members have the right types. `jku`, `jwk`, `x5u` and `x5c` are never read: keys
/// come from the configured issuer only.
pub(super) struct Header {
    document: Document,
    pub(super) algorithm: Algorithm,
}

impl Header {
    pub(super) fn parse(part: &str) -> Result<Self, ValidationError> {
        let bytes = decode(part, "header")?;
        // Its length was bounded by [`TokenLimits`](super::TokenLimits).
        let limits = Limits::default().max_bytes(bytes.len()).max_nodes(256);
        let document = Document::parse_vec(bytes, &limits)
            .map_err(|e| Kind::Json { part: "header", reason: e.kind() })?;
        let members = document.as_object().ok_or(Kind::NotAnObject { part: "header" })?;
        for (member, reason) in [
            ("crit", "header members that must be understood are not (RFC 7515 §4.1.11)"),
            ("b64", "unencoded payloads are not accepted (RFC 7797)"),
            ("zip", "compressed tokens are not accepted"),
            ("enc", "encrypted tokens are not accepted"),
        ] {
            if members.get(member).is_some() {
                return Err(Kind::HeaderMember { member, reason }.into());
            }
        }
        string(members, "typ")?;
        if string(members, "cty")?.is_some_and(|cty| media_type(cty).eq_ignore_ascii_case("jwt")) {
            return Err(Kind::HeaderMember { member: "cty", reason: "nested tokens are not accepted" }.into());
        }
        string(members, "kid")?;
        let algorithm = match members.get("alg") {
            Some(Value::String(name)) => Algorithm::from_name(name).ok_or(Kind::AlgorithmUnknown)?,
            Some(_) => return Err(Kind::HeaderMember { member: "alg", reason: "must be a string" }.into()),
            None => return Err(Kind::HeaderMember { member: "alg", reason: "is missing" }.into()),
        };
        Ok(Self { document, algorithm })
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.get("kid")
    }

    /// The media type of the token without its `application/` prefix (RFC 7515 §4.1.9).
    pub(super) fn typ(&self) -> Option<&str> {
        self.get("typ").map(media_type)
    }

    pub(super) fn members(&self) -> Option<Object<'_>> {
        self.document.as_object()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.document.as_object()?.get(name)?.as_str()
    }
}

fn string<'a>(members: Object<'a>, member: &'static str) -> Result<Option<&'a str>, ValidationError> {
    match members.get(member) {
        None => Ok(None),
        Some(Value::String(s)) => Ok(Some(s)),
        Some(_) => Err(Kind::HeaderMember { member, reason: "must be a string" }.into()),
    }
}

fn media_type(value: &str) -> &str {
    match value.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => value,
    }
}

/// Tokens that were made for another purpose are refused whoever signed them (RFC 8725 §3.11). Access tokens
/// say `at+jwt` (RFC 9068), `JWT`, or nothing.
pub(super) fn check_access_token_type(typ: Option<&str>) -> Result<(), ValidationError> {
    match typ {
        None => Ok(()),
        Some(t) if t.eq_ignore_ascii_case("jwt") || t.eq_ignore_ascii_case("at+jwt") => Ok(()),
        Some(_) => Err(Kind::HeaderMember {
            member: "typ",
            reason: "is not an access token's (expected `at+jwt`, `JWT` or none)",
        }
        .into()),
    }
}
