//! What cannot be a secret: it would be refused at the provider, without a word of why.

use mcp_auth_discovery::Secret;

/// What a secret looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Form {
    /// One line, such as a password.
    Line,
    /// Lines of text: a key or a certificate.
    Pem,
}

impl Form {
    /// The longest text that is read, in bytes: a bundle of authorities is longer than a password.
    pub(super) const fn max_bytes(self) -> usize {
        match self {
            Self::Line => 64 * 1024,
            Self::Pem => 1024 * 1024,
        }
    }
}

/// The secret, unless `text` cannot be one.
///
/// # Errors
///
/// What is wrong, as the rest of a sentence, and what to do. Nothing of the text but a control character.
pub(in super::super) fn checked(text: &str, form: Form) -> Result<Secret, String> {
    if text.len() > form.max_bytes() {
        return Err(format!("is longer than {} bytes: is it the right one?", form.max_bytes()));
    }
    if text.contains('\u{feff}') {
        return Err("has a byte order mark (U+FEFF): save it as UTF-8 without one".to_owned());
    }
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    let line_end = |c: char| form == Form::Pem && matches!(c, '\n' | '\r' | '\t');
    if let Some(control) = text.chars().find(|c| c.is_control() && !line_end(*c)) {
        return Err(format!(
            "has a control character (U+{:04X}) in it, which no secret has: it must be one line, and a file may end with \
             one newline",
            u32::from(control)
        ));
    }
    Ok(Secret::new(text))
}

/// Whether this is the name of an environment variable.
pub(super) fn is_variable(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(inside) && text.starts_with(|c: char| !c.is_ascii_digit())
}

/// Whether a whole value is `$NAME` or `${NAME}`, which agentgateway expands.
pub(super) fn names_variable(text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix('$') else { return false };
    let name = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rest);
    is_variable(name)
}
