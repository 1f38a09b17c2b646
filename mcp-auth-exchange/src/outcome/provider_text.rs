//! What a provider said, made fit for a log.

use std::fmt;

/// The greatest length of a provider's text, in characters.
const MAX_CHARS: usize = 256;

/// From this length on, a run of characters that tokens are made of is taken for one.
const TOKEN_RUN: usize = 40;

/// A provider's own words, marked as such: at most 256 characters on one line, without anything that looks like a
/// token and without the secrets of the request. They may name users and tenants: for debug logs.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderText(String);

impl ProviderText {
    /// Takes what is fit to be logged out of `text`. `secrets` are what must not be in it.
    pub(crate) fn new(text: &str, secrets: &[&str]) -> Self {
        // Long before the limit is reached nothing else is looked at.
        let mut text: String = text.chars().take(MAX_CHARS * 4).collect();
        for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
            text = text.replace(*secret, "[redacted]");
        }
        let mut out = String::new();
        let mut run = String::new();
        for c in text.chars().chain(std::iter::once(' ')) {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=') {
                run.push(c);
                continue;
            }
            out.push_str(if run.len() >= TOKEN_RUN { "[redacted]" } else { &run });
            run.clear();
            out.push(if c.is_control() || c == '"' { ' ' } else { c });
        }
        let mut text: String = out.trim_end().chars().take(MAX_CHARS).collect();
        if out.trim_end().chars().count() > MAX_CHARS {
            text.push('…');
        }
        Self(text)
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `provider says: "…"`
impl fmt::Display for ProviderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "provider says: \"{}\"", self.0)
    }
}

/// The length only.
impl fmt::Debug for ProviderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderText({} bytes)", self.0.len())
    }
}
