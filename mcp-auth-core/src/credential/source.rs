//! One place of a request where a token may stand.

use std::borrow::Cow;

use http::Uri;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

use super::CredentialError;
use super::query;

/// A place where a token may stand.
///
/// ```
/// use http::header::HeaderName;
/// use mcp_auth_core::credential::TokenSource;
///
/// let standard = TokenSource::default();
/// assert_eq!(standard.to_string(), "header `authorization` with `Bearer`");
/// let cookie = TokenSource::cookie("session");
/// let service = TokenSource::header(HeaderName::from_static("x-service-jwt"), "");
/// # let _ = (cookie, service);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource(Place);

#[derive(Clone, Debug)]
enum Place {
    Header {
        name: HeaderName,
        /// The authentication scheme before the token, compared without case. Empty: the value is the token.
        scheme: Box<str>,
        /// Whether the scheme `DPoP` is read too.
        dpop: bool,
    },
    Cookie(Box<str>),
    Query(Box<str>),
}

/// Schemes have no case (RFC 9110 §11.1).
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Header { name, scheme, dpop },
                Self::Header { name: other_name, scheme: other_scheme, dpop: other_dpop },
            ) => name == other_name && scheme.eq_ignore_ascii_case(other_scheme) && dpop == other_dpop,
            (Self::Cookie(a), Self::Cookie(b)) | (Self::Query(a), Self::Query(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Place {}

/// How a token was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// By itself.
    Bearer,
    /// With a DPoP proof (RFC 9449 §7.1).
    Dpop,
}

/// A token as a source found it.
#[derive(Debug)]
pub(super) struct Found<'r> {
    pub(super) token: Cow<'r, str>,
    pub(super) scheme: Scheme,
}

impl Default for TokenSource {
    /// `Authorization: Bearer TOKEN`, RFC 6750 §2.1.
    fn default() -> Self {
        Self::header(AUTHORIZATION, "Bearer")
    }
}

impl TokenSource {
    /// A header of this name whose value is `scheme`, one space, and the token; with an empty `scheme` the
    /// value is the token alone.
    pub fn header(name: HeaderName, scheme: &str) -> Self {
        Self(Place::Header { name, scheme: scheme.trim().into(), dpop: false })
    }

    /// `Authorization` with `Bearer` or with `DPoP` (RFC 9449 §7.1).
    pub fn bearer_or_dpop() -> Self {
        Self(Place::Header { name: AUTHORIZATION, scheme: "Bearer".into(), dpop: true })
    }

    /// A cookie of this name, case included. A browser sends cookies along with requests that other sites make:
    /// guard against forged requests, for example by `SameSite` and a check of `Origin`.
    pub fn cookie(name: impl Into<Box<str>>) -> Self {
        Self(Place::Cookie(name.into()))
    }

    /// A query parameter of this name. Dangerous: URLs end up in logs, histories and `Referer`; RFC 9700 §4.3.2
    /// and MCP forbid it. It is for clients that can do nothing else.
    pub fn danger_query(name: impl Into<Box<str>>) -> Self {
        Self(Place::Query(name.into()))
    }

    /// This source, reading `Authorization: DPoP` too when it reads `Authorization: Bearer`.
    pub(super) fn accepting_dpop(&self) -> Self {
        match &self.0 {
            Place::Header { name, scheme, .. }
                if name == AUTHORIZATION && scheme.eq_ignore_ascii_case("Bearer") =>
            {
                Self::bearer_or_dpop()
            }
            _ => self.clone(),
        }
    }

    /// The header this source reads, when it is one.
    pub fn header_name(&self) -> Option<&HeaderName> {
        match &self.0 {
            Place::Header { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether this source reads the query parameter `name`.
    pub(super) fn is_query(&self, name: &str) -> bool {
        matches!(&self.0, Place::Query(n) if &**n == name)
    }

    pub(super) fn find<'r>(
        &self,
        headers: &'r HeaderMap,
        query: Option<&'r str>,
    ) -> Result<Option<Found<'r>>, CredentialError> {
        match &self.0 {
            Place::Header { name, scheme, dpop } => in_header(headers, name, scheme, *dpop),
            Place::Cookie(name) => {
                let mut values =
                    cookies(headers).filter(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value);
                let Some(value) = values.next() else { return Ok(None) };
                if values.next().is_some() {
                    return Err(CredentialError::Multiple);
                }
                let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
                let value = std::str::from_utf8(value).map_err(|_| CredentialError::Malformed)?;
                bearer(value.into()).map(Some)
            }
            Place::Query(name) => {
                let mut values = query::values(query, name);
                let Some(value) = values.next() else { return Ok(None) };
                if values.next().is_some() {
                    return Err(CredentialError::Multiple);
                }
                bearer(value.ok_or(CredentialError::Malformed)?).map(Some)
            }
        }
    }

    /// Removes the token from this place and nothing else.
    pub(super) fn remove(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        match &self.0 {
            Place::Header { name, .. } => {
                headers.remove(name);
            }
            Place::Cookie(name) => remove_cookie(headers, name),
            Place::Query(name) => query::remove(uri, name),
        }
    }
}

impl std::fmt::Display for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Place::Header { name, scheme, .. } if scheme.is_empty() => write!(f, "header `{name}`"),
            Place::Header { name, scheme, dpop: false } => write!(f, "header `{name}` with `{scheme}`"),
            Place::Header { name, scheme, dpop: true } => {
                write!(f, "header `{name}` with `{scheme}` or `DPoP`")
            }
            Place::Cookie(name) => write!(f, "cookie `{name}`"),
            Place::Query(name) => write!(f, "query parameter `{name}`"),
        }
    }
}

fn in_header<'r>(
    headers: &'r HeaderMap,
    name: &HeaderName,
    scheme: &str,
    dpop: bool,
) -> Result<Option<Found<'r>>, CredentialError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(CredentialError::Multiple);
    }
    let value = value.to_str().map_err(|_| CredentialError::Malformed)?;
    if scheme.is_empty() {
        // With a space it is the credential of some scheme, perhaps another source's.
        return if value.contains(' ') {
            Err(CredentialError::OtherScheme)
        } else {
            bearer(value.into()).map(Some)
        };
    }
    // RFC 9110 §11.4: the scheme is compared without case; RFC 6750 §2.1: exactly one space.
    match value.split_once(' ') {
        Some((got, token)) if got.eq_ignore_ascii_case(scheme) => bearer(token.into()).map(Some),
        Some((got, token)) if dpop && got.eq_ignore_ascii_case("DPoP") => {
            bearer(token.into()).map(|found| Some(Found { scheme: Scheme::Dpop, ..found }))
        }
        Some(_) => Err(CredentialError::OtherScheme),
        // No space: `Bearer` alone, `Bearer<TAB>token`, or a bare value of who knows what.
        None => Err(CredentialError::Malformed),
    }
}

/// RFC 6750 §2.1 `b64token`.
fn bearer(token: Cow<'_, str>) -> Result<Found<'_>, CredentialError> {
    if token.contains(',') {
        return Err(CredentialError::Multiple);
    }
    let body = token.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    if body.is_empty() || !body.bytes().all(allowed) {
        return Err(CredentialError::Malformed);
    }
    Ok(Found { token, scheme: Scheme::Bearer })
}

/// The pairs of all `Cookie` fields, RFC 6265 §4.2.1: bytes, because other cookies than ours may hold any.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    fields.flat_map(|field| field.split(|b| *b == b';')).filter_map(pair)
}

fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii();
    let at = text.iter().position(|b| *b == b'=')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn remove_cookie(headers: &mut HeaderMap, name: &str) {
    let is_ours = |text: &[u8]| pair(text).is_some_and(|(n, _)| n == name.as_bytes());
    let pairs = |field: &'_ HeaderValue| -> Vec<Vec<u8>> {
        field
            .as_bytes()
            .split(|b| *b == b';')
            .filter(|p| !is_ours(p))
            .map(|p| p.trim_ascii().to_vec())
            .collect()
    };
    let kept: Vec<HeaderValue> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|field| {
            if !field.as_bytes().split(|b| *b == b';').any(is_ours) {
                return Some(field.clone());
            }
            let rest = pairs(field).join(&b"; "[..]);
            if rest.is_empty() { None } else { HeaderValue::from_bytes(&rest).ok() }
        })
        .collect();
    headers.remove(COOKIE);
    for field in kept {
        headers.append(COOKIE, field);
    }
}
