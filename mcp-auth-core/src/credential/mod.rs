//! Where the token is: exactly one, from exactly the configured place.
//!
//! RFC 6750 §2 lets a request carry a token by one method only. Two tokens are a malformed request (400), never
//! a choice: two components that choose differently is how a check is passed with one token and the work is
//! done with another.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

/// A place where a token may stand.
///
/// ```
/// use http::{HeaderMap, header::AUTHORIZATION};
/// use mcp_auth_core::credential::TokenSource;
///
/// let mut headers = HeaderMap::new();
/// let source = TokenSource::default();
/// assert_eq!(source.extract(&headers), Ok(None));
/// headers.insert(AUTHORIZATION, "bearer abc.def.ghi".parse()?);
/// assert_eq!(source.extract(&headers), Ok(Some("abc.def.ghi")));
/// source.remove(&mut headers);
/// assert!(headers.is_empty());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenSource {
    header: HeaderName,
    /// The authentication scheme before the token, compared without case. Empty: the value is the token.
    scheme: Box<str>,
}

/// Why a request's credential could not be read. All of them are RFC 6750 §3.1 `invalid_request` (400),
/// except [`CredentialError::OtherScheme`], which is no credential for us (401).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The header occurs more than once, or holds a list.
    #[error("more than one credential in the request")]
    Multiple,
    /// The value is not `scheme SP token`.
    #[error("malformed credential header")]
    Malformed,
    /// The header carries a credential of another scheme, such as Basic.
    #[error("credential of an authentication scheme that is not accepted here")]
    OtherScheme,
}

impl Default for TokenSource {
    /// `Authorization: Bearer TOKEN`, RFC 6750 §2.1.
    fn default() -> Self {
        Self { header: AUTHORIZATION, scheme: "Bearer".into() }
    }
}

impl TokenSource {
    /// A header of this name whose value is `scheme`, one space, and the token; with an empty `scheme` the
    /// value is the token alone.
    pub fn header(name: HeaderName, scheme: &str) -> Self {
        Self { header: name, scheme: scheme.trim().into() }
    }

    /// The header this source reads.
    pub fn header_name(&self) -> &HeaderName {
        &self.header
    }

    /// The token, `None` when the request has no credential.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] for anything that is neither absent nor exactly one well-formed token.
    pub fn extract<'h>(&self, headers: &'h HeaderMap) -> Result<Option<&'h str>, CredentialError> {
        let mut values = headers.get_all(&self.header).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(CredentialError::Multiple);
        }
        let value = value.to_str().map_err(|_| CredentialError::Malformed)?;
        let token = if self.scheme.is_empty() {
            value
        } else {
            // RFC 9110 §11.4: the scheme is compared without case; RFC 6750 §2.1: exactly one space.
            match value.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case(&self.scheme) => token,
                None if value.eq_ignore_ascii_case(&self.scheme) => return Err(CredentialError::Malformed),
                Some(_) => return Err(CredentialError::OtherScheme),
                // No space: `Bearer<TAB>token`, or a bare value of who knows what.
                None => return Err(CredentialError::Malformed),
            }
        };
        if token.is_empty() {
            return Err(CredentialError::Malformed);
        }
        if token.contains(',') {
            return Err(CredentialError::Multiple);
        }
        // RFC 6750 §2.1 `b64token`.
        let body = token.trim_end_matches('=');
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        if body.is_empty() || !body.bytes().all(allowed) {
            return Err(CredentialError::Malformed);
        }
        Ok(Some(token))
    }

    /// Removes the token from where [`extract`](Self::extract) found it, and nothing else.
    pub fn remove(&self, headers: &mut HeaderMap) {
        headers.remove(&self.header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[&str]) -> HeaderMap {
        values.iter().map(|v| (AUTHORIZATION, v.parse().unwrap())).collect()
    }

    #[test]
    fn attack_056_two_credentials_are_a_malformed_request() {
        let source = TokenSource::default();
        for values in [&["Bearer a", "Bearer b"][..], &["Bearer a, Bearer b"], &["Bearer a,b"]] {
            assert_eq!(source.extract(&with(values)), Err(CredentialError::Multiple), "{values:?}");
        }
    }

    #[test]
    fn attack_059_the_grammar_is_exact_and_the_scheme_has_no_case() {
        let source = TokenSource::default();
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c"] {
            assert_eq!(source.extract(&with(&[value])), Ok(Some("a.b.c")));
        }
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer  a",
            "Bearer a ",
            "Bearer\ta",
            "Bearer a b",
            "Bearer \"a\"",
            "Bearer ===",
            "",
        ] {
            assert_eq!(source.extract(&with(&[value])), Err(CredentialError::Malformed), "{value:?}");
        }
    }

    #[test]
    fn attack_060_another_scheme_is_no_credential_of_ours() {
        for value in ["Basic dTpw", "DPoP a.b.c", "xxBearer a.b.c"] {
            assert_eq!(TokenSource::default().extract(&with(&[value])), Err(CredentialError::OtherScheme));
        }
    }

    #[test]
    fn row_188_a_token_may_have_a_header_of_its_own() {
        let source = TokenSource::header(HeaderName::from_static("x-service-jwt"), "");
        let mut headers = with(&["Bearer other"]);
        assert_eq!(source.extract(&headers), Ok(None));
        headers.insert("x-service-jwt", "a.b.c".parse().unwrap());
        assert_eq!(source.extract(&headers), Ok(Some("a.b.c")));
        source.remove(&mut headers);
        assert_eq!(headers.len(), 1, "only the token's own header goes");
    }
}
