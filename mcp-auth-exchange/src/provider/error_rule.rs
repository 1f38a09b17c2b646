//! What an error of a token endpoint means.

use std::borrow::Cow;

use http::StatusCode;

use crate::TokenErrorResponse;

/// Whose turn it is after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The user's token is refused: he has to log in again.
    SubjectRefused,
    /// The user has to consent, or to connect an account.
    ConsentRequired,
    /// The user has to authenticate again, and better.
    StepUp,
    /// The gateway's operator, or the provider's administrator.
    Misconfigured,
    /// Nobody's: it may work later.
    Transient,
}

/// One line of a provider's table: an error, what it means, and what to do about it.
#[derive(Clone, Debug)]
pub struct ErrorRule {
    code: Cow<'static, str>,
    status: Option<u16>,
    says: Option<Cow<'static, str>>,
    class: ErrorClass,
    id: &'static str,
    advice: Cow<'static, str>,
}

impl ErrorRule {
    /// A rule for the error `code`; `*` is any code, `prefix*` any that begins so.
    ///
    /// `id` is the stable name of the diagnosis for logs and metrics. In `advice` these are filled in:
    /// `{provider}`, `{client}`, `{audience}`, `{resource}`, `{scope}`, `{grant}`, `{type}` of the subject token and
    /// `{subject_audience}`, what its `aud` says.
    pub fn new(
        code: impl Into<Cow<'static, str>>,
        class: ErrorClass,
        id: &'static str,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code: code.into(), status: None, says: None, class, id, advice: advice.into() }
    }

    /// A rule of a table.
    pub(super) const fn fixed(
        code: &'static str,
        says: Option<&'static str>,
        class: ErrorClass,
        id: &'static str,
        advice: &'static str,
    ) -> Self {
        let says = match says {
            Some(text) => Some(Cow::Borrowed(text)),
            None => None,
        };
        Self { code: Cow::Borrowed(code), status: None, says, class, id, advice: Cow::Borrowed(advice) }
    }

    /// Fits only this status.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Fits only where `error_description` or `suberror` has this text in it, whatever its case. Servers change their
    /// texts; without the text the next rule has to be a safe reading.
    #[must_use]
    pub fn says(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.says = Some(text.into());
        self
    }

    /// Whether this error is meant.
    pub(crate) fn fits(&self, status: StatusCode, error: &TokenErrorResponse) -> bool {
        let code = error.code().as_str();
        let same = match self.code.strip_suffix('*') {
            Some(prefix) => code.starts_with(prefix),
            None => code == self.code,
        };
        let in_text = |wanted: &str| {
            let has = |text: &str| {
                let mut windows = text.as_bytes().windows(wanted.len().max(1));
                windows.any(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
            };
            error.description().is_some_and(has) || error.suberror().is_some_and(has)
        };
        same && self.status.is_none_or(|s| s == status.as_u16()) && self.says.as_deref().is_none_or(in_text)
    }

    /// Whose turn it is.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// The stable name of the diagnosis.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What to do, with its placeholders.
    pub fn advice(&self) -> &str {
        &self.advice
    }
}
