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
        // Before anything is cut, so that no half of a secret is left.
        let mut text = text.to_owned();
        for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
            text = without(&text, secret.as_bytes());
        }
        let mut out = String::new();
        let mut run = String::new();
        for c in text.chars().chain(std::iter::once(' ')) {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=' | '%') {
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

/// The text less a secret, whether it was written plainly or percent-encoded.
fn without(text: &str, secret: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(tail) = spelled(rest.as_bytes(), secret).and_then(|length| rest.get(length..)) {
            out.push_str("[redacted]");
            rest = tail;
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// How many bytes of the text are the secret, where it begins with it.
fn spelled(text: &[u8], secret: &[u8]) -> Option<usize> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let mut rest = text;
    for byte in secret {
        rest = match rest {
            [b'%', high, low, tail @ ..]
                if digit(*high).zip(digit(*low)).is_some_and(|(h, l)| h * 16 + l == u32::from(*byte)) =>
            {
                tail
            }
            [first, tail @ ..] if first == byte || *first == b'+' && *byte == b' ' => tail,
            _ => return None,
        };
    }
    Some(text.len() - rest.len())
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
