//! A configuration that cannot be used.

use std::fmt;
use std::path::Path;

use serde_json::json;

use super::outline::Remark;
use crate::config::{ConfigError, Position};
use crate::proxy::BoxError;
use crate::route::BuildError;

/// Why a configuration cannot be used, and where in the file, if that is known. Displays as `file:line:column: …`.
#[derive(Debug)]
pub(crate) struct Refused {
    at: Option<Position>,
    code: &'static str,
    message: String,
    text: String,
}

impl Refused {
    /// As JSON in the shape of what `check` writes.
    pub(super) fn to_json(&self, file: &Path) -> serde_json::Value {
        let error = Remark::new(self.at, "error", self.code, self.message.clone());
        json!({ "file": file.display().to_string(), "accepted": false, "error": error })
    }
}

impl From<ConfigError> for Refused {
    fn from(error: ConfigError) -> Self {
        let code = error.kind().code();
        let text = format!("{error} [{code}]");
        Self { at: error.at(), code, message: error.message().to_owned(), text }
    }
}

impl From<BuildError> for Refused {
    fn from(error: BuildError) -> Self {
        let text = error.to_string();
        Self { at: Some(error.at()), code: "not_usable", message: error.message().to_owned(), text }
    }
}

impl From<BoxError> for Refused {
    fn from(error: BoxError) -> Self {
        match error.downcast::<BuildError>() {
            Ok(error) => (*error).into(),
            Err(error) => {
                let message = error.to_string();
                Self { at: None, code: "not_usable", text: message.clone(), message }
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}
