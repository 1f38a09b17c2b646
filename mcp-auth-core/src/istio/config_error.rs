//! What a rule cannot have.

use http::header::HeaderName;

/// A value that a rule cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {problem}")]
pub struct ConfigError {
    field: &'static str,
    problem: String,
}

impl ConfigError {
    pub(super) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// The field of the manifest, without the numbers of list items.
    pub fn field(&self) -> &str {
        self.field
    }
}

pub(super) fn not_empty(field: &'static str, value: &str) -> Result<(), ConfigError> {
    if value.is_empty() { Err(ConfigError::new(field, "must not be empty")) } else { Ok(()) }
}

pub(super) fn header_name(field: &'static str, name: &str) -> Result<HeaderName, ConfigError> {
    name.parse().map_err(|_| ConfigError::new(field, format!("expected a header name, got `{name}`")))
}
