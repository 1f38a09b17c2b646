//! Parameters of a provider's own.

use crate::form::Form;

/// Greatest number of own parameters in one request.
const MAX_PARAMETERS: usize = 32;

/// Greatest length of a name and a value together, in bytes.
const MAX_PARAMETER_BYTES: usize = 8 * 1024;

/// What our requests say themselves. A second value beside ours would be read by one server as the first, by
/// another as the last.
const RESERVED: &[&str] = &[
    "actor_token",
    "actor_token_type",
    "assertion",
    "audience",
    "authorization_details",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "requested_token_type",
    "requested_token_use",
    "resource",
    "scope",
    "subject_token",
    "subject_token_type",
];

/// Parameters beyond the standard's, such as Google's `options` or Keycloak's `subject_issuer`. They are sent last.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// Why a parameter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// The request says it itself.
    #[error("parameter `{0}` has a setting of its own")]
    Reserved(String),
    /// An empty name, one with other characters than letters, digits, `_`, `-`, `.` and `:`, or one too long.
    #[error("a parameter has no name of a parameter")]
    Name,
    /// What the request itself adds has the name of one that every request has.
    #[error("parameter `{0}` is there already")]
    Twice(String),
    /// Too many parameters, or too long.
    #[error("too many parameters, or too long ones")]
    TooMany,
}

impl Parameters {
    /// Adds a parameter.
    ///
    /// # Errors
    ///
    /// [`ParameterError`].
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, ParameterError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
        if name.is_empty() || name.len() > 128 || !name.bytes().all(plain) {
            return Err(ParameterError::Name);
        }
        if RESERVED.contains(&name) {
            return Err(ParameterError::Reserved(name.to_owned()));
        }
        if self.0.len() >= MAX_PARAMETERS || name.len() + value.len() > MAX_PARAMETER_BYTES {
            return Err(ParameterError::TooMany);
        }
        self.0.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// Those of `more` behind these.
    ///
    /// # Errors
    ///
    /// [`ParameterError::Twice`] where both have one of a name, and [`ParameterError::TooMany`].
    pub(crate) fn and(self, more: &Self) -> Result<Self, ParameterError> {
        more.iter().try_fold(self, |all, (name, value)| {
            if all.iter().any(|(known, _)| known == name) {
                return Err(ParameterError::Twice(name.to_owned()));
            }
            all.with(name, value)
        })
    }

    /// The parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn push(&self, form: &mut Form) {
        for (name, value) in self.iter() {
            form.push(name, value);
        }
    }
}

/// Names only: a value may be a secret.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_says_itself_is_not_said_twice() {
        let new = |name: &str| Parameters::default().with(name, "v");
        for reserved in RESERVED {
            assert_eq!(new(reserved), Err(ParameterError::Reserved((*reserved).to_owned())));
        }
        assert!(RESERVED.is_sorted());
        for bad in ["", "a b", "a=b", "a&b", "é", &"a".repeat(129)] {
            assert_eq!(new(bad), Err(ParameterError::Name), "{bad:?}");
        }
        let one = new("options").unwrap();
        assert_eq!(format!("{one:?}"), r#"["options"]"#);
        assert_eq!(one.clone().with("x", &"v".repeat(MAX_PARAMETER_BYTES)), Err(ParameterError::TooMany));
        assert_eq!(one.clone().and(&one), Err(ParameterError::Twice("options".to_owned())));
        let both = one.and(&new("more").unwrap()).unwrap();
        assert_eq!(both.iter().collect::<Vec<_>>(), [("options", "v"), ("more", "v")]);
    }
}
