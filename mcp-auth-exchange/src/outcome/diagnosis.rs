//! Why there is no token, in words that somebody can act on.

use std::fmt;
use std::sync::Arc;

use super::ProviderText;

/// The greatest length of one value in a diagnosis, in characters.
const MAX_VALUE_CHARS: usize = 200;

/// The request could not be made.
pub(crate) const NOT_SENT: &str = "not_sent";

/// The user's token had ended before it was sent.
pub(crate) const SUBJECT_EXPIRED: &str = "subject_expired";

/// Why there is no token. For operators: it names what is configured, never a token, a secret or the provider's own
/// words, which are in [`provider_text`](Self::provider_text). A client gets fixed text instead.
#[derive(Clone)]
pub struct Diagnosis(Arc<Inner>);

struct Inner {
    id: &'static str,
    provider: String,
    step: usize,
    text: String,
    status: Option<u16>,
    error: Option<&'static str>,
    provider_text: Option<ProviderText>,
}

/// What an advice is about: the values for its placeholders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) provider: String,
    pub(crate) step: usize,
    pub(crate) client: String,
    pub(crate) grant: &'static str,
    pub(crate) token_type: String,
    pub(crate) audience: String,
    pub(crate) resource: String,
    pub(crate) scope: String,
    pub(crate) subject_audience: String,
    pub(crate) subject_claim: String,
}

impl Diagnosis {
    /// A diagnosis with the stable name `id`. Placeholders of `advice` are filled in from `facts`.
    pub(crate) fn new(id: &'static str, advice: &str, facts: &Facts) -> Self {
        Self(Arc::new(Inner {
            id,
            provider: shorten(&facts.provider),
            step: facts.step,
            text: facts.fill(advice),
            status: None,
            error: None,
            provider_text: None,
        }))
    }

    /// Adds what the provider answered.
    pub(crate) fn answer(
        self,
        status: u16,
        error: Option<&'static str>,
        provider_text: Option<ProviderText>,
    ) -> Self {
        let Some(inner) = Arc::into_inner(self.0) else { return Self::lost() };
        Self(Arc::new(Inner { status: Some(status), error, provider_text, ..inner }))
    }

    /// Adds a cause as it is: what looks like a placeholder is none.
    pub(crate) fn because(self, cause: &str) -> Self {
        let Some(mut inner) = Arc::into_inner(self.0) else { return Self::lost() };
        inner.text.push_str(": ");
        inner.text.push_str(cause);
        Self(Arc::new(inner))
    }

    /// INVARIANT: never taken: a diagnosis is finished before it is shared.
    fn lost() -> Self {
        Self::new("unknown_error", "", &Facts::default())
    }

    /// Whether the provider was asked at all.
    pub(crate) fn was_asked(&self) -> bool {
        !matches!(self.0.id, NOT_SENT | SUBJECT_EXPIRED)
    }

    /// A stable name for logs and metrics.
    pub fn id(&self) -> &'static str {
        self.0.id
    }

    /// The provider, by the name of its profile.
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// Which step of the plan, counted from 1.
    pub fn step(&self) -> usize {
        self.0.step
    }

    /// What is wrong, and what to do about it.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The status of the provider's answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The OAuth error, where there was one: a registered code, or `other`.
    pub fn oauth_error(&self) -> Option<&'static str> {
        self.0.error
    }

    /// The provider's own words, shortened and cleaned. For debug logs.
    pub fn provider_text(&self) -> Option<&ProviderText> {
        self.0.provider_text.as_ref()
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.provider, self.0.text)?;
        match (self.0.status, self.0.error) {
            (Some(status), Some(error)) => write!(f, " (answered {status} `{error}`)"),
            (Some(status), None) => write!(f, " (answered {status})"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnosis")
            .field("id", &self.0.id)
            .field("step", &self.0.step)
            .field("text", &self.to_string())
            .finish_non_exhaustive()
    }
}

impl Facts {
    /// Fills placeholders in, in one pass: a value with a brace in it is no placeholder.
    fn fill(&self, advice: &str) -> String {
        let mut text = String::with_capacity(advice.len() + 64);
        let mut rest = advice;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                rest = after;
                break;
            };
            let value = match name {
                "provider" => &self.provider,
                "client" => &self.client,
                "grant" => self.grant,
                "type" => &self.token_type,
                "audience" => &self.audience,
                "resource" => &self.resource,
                "scope" => &self.scope,
                "subject_audience" => &self.subject_audience,
                "subject_claim" => &self.subject_claim,
                _ => "",
            };
            text.push_str(&shorten(if value.is_empty() { "(none)" } else { value }));
            rest = tail;
        }
        text.push_str(rest);
        text
    }
}

/// One line of bounded length.
fn shorten(value: &str) -> String {
    let mut text: String =
        value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_VALUE_CHARS).collect();
    if value.chars().nth(MAX_VALUE_CHARS).is_some() {
        text.push('…');
    }
    text
}
