//! For whom a token is: `resource` (RFC 8707) and `authorization_details` (RFC 9396). `audience` is a plain name.

use std::fmt;

use mcp_auth_core::json::{Document, Limits, Value};
use mcp_auth_discovery::ResourceIdentifier;
use url::Url;

/// The greatest length of a resource, in bytes.
pub const MAX_RESOURCE_BYTES: usize = 2048;

/// The greatest length of `authorization_details`, in bytes.
pub const MAX_AUTHORIZATION_DETAILS_BYTES: usize = 16 * 1024;

/// A resource of RFC 8707 §2: an absolute URI without a fragment, sent byte for byte as it was given.
///
/// A [`ResourceIdentifier`] is one; others need not be URLs of MCP servers.
///
/// ```
/// use mcp_auth_exchange::Resource;
///
/// assert!(Resource::parse("https://tool.example/mcp?tenant=1").is_ok());
/// assert!(Resource::parse("urn:example:cooperation-context").is_ok());
/// assert!(Resource::parse("/mcp").is_err());
/// assert!(Resource::parse("https://tool.example/mcp#x").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Resource(String);

/// What cannot be a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Not an absolute URI without fragment, or longer than [`MAX_RESOURCE_BYTES`].
    #[error("resource is not an absolute URI without fragment (RFC 8707 §2)")]
    Resource,
    /// Not a JSON array of objects that each have a `type`, or longer than [`MAX_AUTHORIZATION_DETAILS_BYTES`].
    #[error("authorization_details is not a JSON array of objects with a `type` (RFC 9396 §2)")]
    AuthorizationDetails,
}

impl Resource {
    /// Reads a resource.
    ///
    /// # Errors
    ///
    /// [`TargetError::Resource`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if text.len() > MAX_RESOURCE_BYTES || !visible || text.contains('#') || Url::parse(text).is_err() {
            return Err(TargetError::Resource);
        }
        Ok(Self(text.to_owned()))
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&ResourceIdentifier> for Resource {
    fn from(identifier: &ResourceIdentifier) -> Self {
        Self(identifier.as_str().to_owned())
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Rich authorization details (RFC 9396 §2), as compact JSON.
///
/// ```
/// use mcp_auth_exchange::AuthorizationDetails;
///
/// let details = AuthorizationDetails::parse(r#"[{"type": "mcp_tool", "actions": ["call"]}]"#)?;
/// assert_eq!(details.as_str(), r#"[{"actions":["call"],"type":"mcp_tool"}]"#);
/// assert!(AuthorizationDetails::parse(r#"[{"actions":["call"]}]"#).is_err());
/// # Ok::<(), mcp_auth_exchange::target::TargetError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationDetails(String);

impl AuthorizationDetails {
    /// Reads details.
    ///
    /// # Errors
    ///
    /// [`TargetError::AuthorizationDetails`].
    pub fn parse(json: &str) -> Result<Self, TargetError> {
        let limits = Limits::default().max_bytes(MAX_AUTHORIZATION_DETAILS_BYTES);
        let bad = |_| TargetError::AuthorizationDetails;
        let document = Document::parse(json.as_bytes(), &limits).map_err(bad)?;
        let root = document.root();
        let typed = |item: Value<'_>| {
            item.as_object()
                .and_then(|o| o.get("type"))
                .and_then(Value::as_str)
                .is_some_and(|t| !t.is_empty())
        };
        match root.as_array() {
            Some(items) if !items.is_empty() && items.iter().all(typed) => Ok(Self(root.to_json())),
            _ => Err(TargetError::AuthorizationDetails),
        }
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether these are the same objects, in whatever order.
    pub fn is_same(&self, other: &Self) -> bool {
        let items = |details: &Self| {
            let limits = Limits::default().max_bytes(MAX_AUTHORIZATION_DETAILS_BYTES);
            let document = Document::parse(details.0.as_bytes(), &limits).ok()?;
            let mut items: Vec<String> = document.root().as_array()?.iter().map(Value::to_json).collect();
            items.sort_unstable();
            Some(items)
        };
        self == other || items(self).is_some_and(|ours| Some(ours) == items(other))
    }
}

/// The number of bytes only: details may name accounts and amounts.
impl fmt::Debug for AuthorizationDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizationDetails({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_absolute_uris_without_fragment() {
        for good in ["https://h/a?b=c", "api://0000-1111", "urn:a:b", "https://H:443/"] {
            assert_eq!(Resource::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "h/a", "//h/a", "https://h/#", "https://h/a b", "https://h/\n", "https://"] {
            assert_eq!(Resource::parse(bad), Err(TargetError::Resource), "{bad:?}");
        }
        assert!(Resource::parse(&format!("https://h/{}", "a".repeat(MAX_RESOURCE_BYTES))).is_err());
    }

    #[test]
    fn details_are_an_array_of_typed_objects() {
        for bad in
            ["", "{}", "[]", "[1]", r#"[{"type":1}]"#, r#"[{"type":""}]"#, r#"[{"type":"a","type":"b"}]"#]
        {
            assert_eq!(AuthorizationDetails::parse(bad), Err(TargetError::AuthorizationDetails), "{bad}");
        }
        let long = format!(r#"[{{"type":"{}"}}]"#, "a".repeat(MAX_AUTHORIZATION_DETAILS_BYTES));
        assert!(AuthorizationDetails::parse(&long).is_err());
    }
}
