//! Parameters of a request.

use http::Request;
use http::header::CONTENT_TYPE;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::Refusal;

/// The greatest length of a query or a form, in bytes (32 KiB). The two together may not be longer, either.
pub const MAX_FORM_BYTES: usize = 32 * 1024;

/// The greatest number of parameters.
const MAX_PARAMETERS: usize = 64;

/// The one parameter that may be repeated (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// Parameters, each of them once. Those without a value are absent (RFC 6749 §3.1).
pub(super) struct Parameters(Vec<(String, Zeroizing<String>)>);

impl Parameters {
    pub(super) fn of_query(request: &Request<bytes::Bytes>) -> Result<Self, Refusal> {
        Self::parse(request.uri().query().unwrap_or_default().as_bytes())
    }

    /// The parameters of a form. Those in the query of a form's URL are not read: secrets do not belong there (RFC 6749
    /// §2.3.1).
    pub(super) fn of_form(request: &Request<bytes::Bytes>) -> Result<Self, Refusal> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::MediaType);
        }
        Self::parse(request.body())
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_FORM_BYTES {
            return Err(Refusal::TooLarge);
        }
        let mut found: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            if found.len() >= MAX_PARAMETERS {
                return Err(Refusal::TooLarge);
            }
            if name != REPEATABLE && found.iter().any(|(known, _)| *known == name) {
                return Err(Refusal::Repeated);
            }
            found.push((name.into_owned(), Zeroizing::new(value.into_owned())));
        }
        Ok(Self(found))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or(Refusal::Missing)
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str());
        values.filter(|value| !value.is_empty())
    }
}

/// The names only.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_once_and_are_bounded() {
        let read = |text: &str| Parameters::parse(text.as_bytes());
        let found = read("a=1&b=&resource=x&resource=y&c=%26").unwrap();
        assert_eq!((found.get("a"), found.get("b"), found.get("c")), (Some("1"), None, Some("&")));
        assert_eq!(found.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(found.required("b"), Err(Refusal::Missing));
        assert_eq!(read("a=1&%61=2").unwrap_err(), Refusal::Repeated);
        assert_eq!(read("a=&a=").unwrap_err(), Refusal::Repeated);
        let many: Vec<String> = (0..65).map(|i| format!("p{i}=1")).collect();
        assert_eq!(read(&many.join("&")).unwrap_err(), Refusal::TooLarge);
        assert_eq!(read(&"a".repeat(MAX_FORM_BYTES + 1)).unwrap_err(), Refusal::TooLarge);
        assert!(!format!("{:?}", read("code=canary").unwrap()).contains("canary"));
    }
}
