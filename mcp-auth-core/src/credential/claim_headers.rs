//! Claims as headers for the service behind, which nobody but us can set.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::Principal;
use crate::json::Value;

/// Headers that are set from the claims of a verified token.
///
/// Whatever the client sent under these names is removed first, in every spelling that a service might take for
/// the same name (`_` for `-`), whether or not the claim is there, and for anonymous requests too; and
/// `Connection` cannot make a proxy drop them.
///
/// A string is written as it is; `%` and characters outside ASCII are percent-encoded (RFC 3986 §2.1). Numbers
/// and booleans have their JSON form, arrays and objects are base64 of their JSON. A value with a control
/// character (CR, LF, NUL …) is left out.
///
/// ```
/// use http::HeaderMap;
/// use mcp_auth_core::Principal;
/// use mcp_auth_core::credential::ClaimHeaders;
///
/// let headers_from = ClaimHeaders::new().claim("x-user-id", "sub")?.claim("x-team", "org.team")?;
/// let alice = Principal::danger_from_unverified_claims(br#"{"sub":"alice","org":{"team":"blue"}}"#)?;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x_user_id", "root".parse()?);
/// headers_from.apply(&mut headers, Some(&alice));
/// assert_eq!(headers.len(), 2);
/// assert_eq!(headers["x-user-id"], "alice");
/// assert_eq!(headers["x-team"], "blue");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClaimHeaders {
    headers: Vec<(HeaderName, Source)>,
}

#[derive(Clone, Debug)]
enum Source {
    Claim(Vec<Box<str>>),
    Payload,
}

/// Why a header cannot be set from a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimHeaderError {
    /// Not a header name.
    #[error("`{0}` is not a header name")]
    Name(String),
    /// Two claims for one header.
    #[error("header `{0}` is set twice (`-` and `_` count as the same)")]
    Duplicate(String),
    /// A header that HTTP or this pipeline needs for itself.
    #[error("header `{0}` has a meaning of its own and cannot carry a claim")]
    Reserved(String),
    /// An empty claim name, or an empty segment of a path.
    #[error("`{0}` is not a claim path")]
    Claim(String),
}

const RESERVED: [&str; 12] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "origin",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// `%` too, so that what was encoded can be told from what was not.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

impl ClaimHeaders {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `header` to a claim; dots lead into nested claims.
    ///
    /// # Errors
    ///
    /// [`ClaimHeaderError`].
    pub fn claim(self, header: &str, path: &str) -> Result<Self, ClaimHeaderError> {
        self.claim_path(header, &path.split('.').collect::<Vec<_>>())
    }

    /// As [`claim`](Self::claim) for claims whose names have dots themselves, such as
    /// `["https://example.com/roles"]`.
    ///
    /// # Errors
    ///
    /// [`ClaimHeaderError`].
    pub fn claim_path(self, header: &str, path: &[&str]) -> Result<Self, ClaimHeaderError> {
        if path.is_empty() || path.iter().any(|segment| segment.is_empty()) {
            return Err(ClaimHeaderError::Claim(path.join(".")));
        }
        self.with(header, Source::Claim(path.iter().map(|s| Box::from(*s)).collect()))
    }

    /// Sets `header` to the token's payload: base64url without padding, as it was sent. Not for tokens that their
    /// issuer was asked about.
    ///
    /// # Errors
    ///
    /// [`ClaimHeaderError`].
    pub fn payload(self, header: &str) -> Result<Self, ClaimHeaderError> {
        self.with(header, Source::Payload)
    }

    fn with(mut self, header: &str, source: Source) -> Result<Self, ClaimHeaderError> {
        let name: HeaderName = header.parse().map_err(|_| ClaimHeaderError::Name(header.to_owned()))?;
        if RESERVED.contains(&name.as_str()) {
            return Err(ClaimHeaderError::Reserved(header.to_owned()));
        }
        if self.owns(name.as_str()) {
            return Err(ClaimHeaderError::Duplicate(header.to_owned()));
        }
        self.headers.push((name, source));
        Ok(self)
    }

    /// Whether no header is set.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// Whether a client's header of this name could be taken for one of ours.
    pub fn owns(&self, name: &str) -> bool {
        self.headers.iter().any(|(ours, _)| same_name(ours.as_str(), name))
    }

    /// Removes what the client sent under our names, then sets them for `principal`. Call it for trailers too,
    /// without a principal.
    pub fn apply(&self, headers: &mut HeaderMap, principal: Option<&Principal>) {
        if self.headers.is_empty() {
            return;
        }
        remove_foreign(headers, |name| self.owns(name));
        let Some(principal) = principal else { return };
        for (name, source) in &self.headers {
            if let Some(value) = source.value(principal) {
                headers.insert(name, value);
            }
        }
    }
}

impl Source {
    fn value(&self, principal: &Principal) -> Option<HeaderValue> {
        let path = match self {
            Self::Payload => {
                // Only what a signature covered: of an opaque token any part is a part of the secret.
                principal.key()?;
                let payload = principal.token()?.expose().split('.').nth(1)?;
                return HeaderValue::from_str(payload).ok();
            }
            Self::Claim(path) => path,
        };
        let (first, rest) = path.split_first()?;
        let start = principal.claims().get(first)?;
        let value = rest.iter().try_fold(start, |value, name| value.as_object()?.get(name))?;
        let text = match value {
            Value::Null => return None,
            Value::String("") => return None,
            Value::String(s) if s.chars().any(char::is_control) => return None,
            Value::String(s) => utf8_percent_encode(s, ENCODED).to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Int(i) => i.to_string(),
            Value::Uint(u) => u.to_string(),
            Value::Double(d) => d.to_string(),
            Value::Array(_) | Value::Object(_) => STANDARD.encode(value.to_json()),
        };
        HeaderValue::from_str(&text).ok()
    }
}

/// Whether a service could take one name for the other.
pub(crate) fn same_name(ours: &str, theirs: &str) -> bool {
    let fold = |b: u8| if b == b'_' { b'-' } else { b.to_ascii_lowercase() };
    ours.bytes().map(fold).eq(theirs.bytes().map(fold))
}

/// Removes the headers that are ours to set, and keeps `Connection` from naming them.
pub(crate) fn remove_foreign(headers: &mut HeaderMap, owns: impl Fn(&str) -> bool) {
    let foreign: Vec<HeaderName> = headers.keys().filter(|name| owns(name.as_str())).cloned().collect();
    for name in foreign {
        headers.remove(name);
    }
    let named = |value: &HeaderValue| {
        value.to_str().map_or(true, |list| list.split(',').any(|item| owns(item.trim())))
    };
    if headers.get_all(CONNECTION).iter().any(named) {
        let kept: Vec<String> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .filter(|item| !item.is_empty() && !owns(item))
            .map(str::to_owned)
            .collect();
        headers.remove(CONNECTION);
        if let Ok(value) = HeaderValue::from_str(&kept.join(", "))
            && !kept.is_empty()
        {
            headers.insert(CONNECTION, value);
        }
    }
}
