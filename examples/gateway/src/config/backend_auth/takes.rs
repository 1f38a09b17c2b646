//! What a server accepts and how it fails, where that is not as its `provider` has it: token types, `takes`,
//! `droppedScopes`, `errors`.

use mcp_auth_discovery::Scopes;
use mcp_auth_exchange::TokenTypeUri;
use mcp_auth_exchange::provider::{ErrorClass, ErrorRule, ExchangeProfile, Need};

use super::super::error::{ConfigErrorKind, Fault, Position};
use super::super::fields::Fields;
use super::super::limits::{MAX_DROPPED_SCOPES, MAX_ERROR_RULES};
use super::super::node::{Node, Spanned};
use super::{exchange, profile};

/// What the file says otherwise. What it does not say is as the profile has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    subject_token_type: Option<TokenTypeUri>,
    requested_token_type: Option<TokenTypeUri>,
    audience: Option<Need>,
    several_audiences: Option<bool>,
    resource: Option<Need>,
    scope: Option<Need>,
    actor: Option<Spanned<Need>>,
    /// Whether `requested_token_type` is left out.
    unasked_type: bool,
    says_issued_token_type: Option<bool>,
    ignore_known_refusals: bool,
    dropped: Option<Scopes>,
    /// The first that fits counts.
    errors: Vec<ErrorRule>,
}

/// One entry of `errors`.
struct Entry {
    error: Spanned<String>,
    description: Option<String>,
    rule: ErrorRule,
}

/// The fields of a server that stands alone.
pub(super) const FIELDS: [&str; 6] =
    ["subjectToken", "requestedTokenType", "issuedTokenType", "takes", "droppedScopes", "errors"];

/// The parameters of its requests.
pub(super) const PARAMETERS: [&str; 7] = [
    "audience",
    "severalAudiences",
    "resource",
    "scope",
    "actorToken",
    "requestedTokenType",
    "ignoreKnownRefusals",
];

const NEEDS: [(&str, Need); 5] = [
    ("required", Need::Required),
    ("advised", Need::Advised),
    ("optional", Need::Optional),
    ("ignored", Need::Ignored),
    ("refused", Need::Refused),
];

/// The first one is not for a server that never sees the user's own token.
const OUTCOMES: [(&str, ErrorClass); 5] = [
    ("subjectRefused", ErrorClass::SubjectRefused),
    ("consentRequired", ErrorClass::ConsentRequired),
    ("stepUp", ErrorClass::StepUp),
    ("misconfigured", ErrorClass::Misconfigured),
    ("transient", ErrorClass::Transient),
];

impl Overrides {
    /// All [`FIELDS`].
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        let requested_at = fields.key_at("requestedTokenType");
        let mut read = Self::of_leg(fields, &PARAMETERS, true)?;
        if let Some(at) = requested_at.filter(|_| read.unasked_type) {
            let message =
                "`requestedTokenType` stands beside `takes.requestedTokenType`, by which none is sent";
            return Err(Fault::new(ConfigErrorKind::Conflict, at, message));
        }
        if let Some(node) = fields.take("subjectToken") {
            read.subject_token_type = profile::subject_token(node)?;
        }
        if let Some(node) = fields.take("requestedTokenType") {
            read.requested_token_type = Some(profile::token_type(node, "requestedTokenType")?);
        }
        if let Some(word) = fields.text("issuedTokenType")? {
            let words = [("required", true), ("optional", false)];
            read.says_issued_token_type = Some(one_of(&word, "`issuedTokenType`", &words)?);
        }
        if let Some(at) = fields.key_at("droppedScopes") {
            read.dropped = exchange::scopes(fields, "droppedScopes")?;
            bounded(
                at,
                "droppedScopes",
                read.dropped.iter().flat_map(Scopes::iter).count(),
                MAX_DROPPED_SCOPES,
            )?;
        }
        Ok(read)
    }

    /// `takes` with these parameters, and `errors`; the server is one of several. `user`: whether it sees the user's
    /// own token, so that it can refuse that.
    pub(super) fn of_leg(fields: &mut Fields, parameters: &[&str], user: bool) -> Result<Self, Fault> {
        let mut read = Self::default();
        if let Some(node) = fields.take("takes") {
            let mut takes = Fields::new(node, "takes", parameters, &[])?;
            read.audience = need(&mut takes, "audience")?.map(|need| need.value);
            let several = takes.take("severalAudiences");
            read.several_audiences = several.map(|node| node.boolean("severalAudiences")).transpose()?;
            read.resource = need(&mut takes, "resource")?.map(|need| need.value);
            read.scope = need(&mut takes, "scope")?.map(|need| need.value);
            read.actor = need(&mut takes, "actorToken")?;
            if let Some(node) = takes.take("ignoreKnownRefusals") {
                read.ignore_known_refusals = node.boolean("ignoreKnownRefusals")?;
            }
            if let Some(word) = takes.text("requestedTokenType")? {
                let words = [("optional", false), ("ignored", true), ("refused", true)];
                read.unasked_type = one_of(&word, "`requestedTokenType`", &words)?;
            }
        }
        if let Some(node) = fields.take("errors") {
            read.errors = errors(node, if user { &OUTCOMES } else { OUTCOMES.get(1..).unwrap_or_default() })?;
        }
        Ok(read)
    }

    /// The profile, written over.
    pub(super) fn apply(&self, mut profile: ExchangeProfile) -> ExchangeProfile {
        if let Some(uri) = &self.subject_token_type {
            profile = profile.takes_subject_token(uri.clone());
        }
        if self.unasked_type || self.requested_token_type.is_some() {
            profile = profile.requests(self.requested_token_type.clone());
        }
        if let Some(need) = self.audience {
            profile = profile.takes_audience(need);
        }
        if let Some(does) = self.several_audiences {
            profile = profile.takes_several_audiences(does);
        }
        if let Some(need) = self.resource {
            profile = profile.takes_resource(need);
        }
        if let Some(need) = self.scope {
            profile = profile.takes_scope(need);
        }
        if let Some(need) = &self.actor {
            profile = profile.takes_actor(need.value);
        }
        if let Some(required) = self.says_issued_token_type {
            profile = profile.says_issued_token_type(required);
        }
        if let Some(scopes) = &self.dropped {
            profile = profile.drops_scopes(scopes);
        }
        if self.ignore_known_refusals {
            profile = profile.ignore_known_refusals();
        }
        // The one that was added last is read first.
        self.errors.iter().rev().cloned().fold(profile, ExchangeProfile::error_rule)
    }

    /// Where the file says that there has to be an actor.
    pub(super) fn needs_actor(&self) -> Option<Position> {
        self.actor.as_ref().filter(|need| need.value == Need::Required).map(|need| need.at)
    }
}

fn need(fields: &mut Fields, field: &str) -> Result<Option<Spanned<Need>>, Fault> {
    let Some(word) = fields.text(field)? else { return Ok(None) };
    Ok(Some(Spanned { value: one_of(&word, &format!("`{field}`"), &NEEDS)?, at: word.at }))
}

/// `errors`: the first entry that fits counts.
fn errors(node: Node, outcomes: &[(&str, ErrorClass)]) -> Result<Vec<ErrorRule>, Fault> {
    let at = node.at;
    let list = node.filled_list("errors")?;
    bounded(at, "errors", list.len(), MAX_ERROR_RULES)?;
    let mut entries: Vec<Entry> = Vec::new();
    for node in list {
        let entry = Entry::read(node, outcomes)?;
        let takes = |first: &&Entry| {
            first.error.value == entry.error.value
                && first.description.as_ref().is_none_or(|text| Some(text) == entry.description.as_ref())
        };
        if let Some(first) = entries.iter().find(takes) {
            let message = format!(
                "this entry of `errors` is never reached: the one at {} takes every `{}` before",
                first.error.at, first.error.value
            );
            return Err(Fault::new(ConfigErrorKind::Duplicate, entry.error.at, message));
        }
        entries.push(entry);
    }
    Ok(entries.into_iter().map(|entry| entry.rule).collect())
}

impl Entry {
    fn read(node: Node, outcomes: &[(&str, ErrorClass)]) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, "errors", &["error", "description", "outcome"], &[])?;
        let error = fields.require("error")?.filled_text("error")?;
        // RFC 6749 §5.2.
        let name = error.value.strip_suffix('*').unwrap_or(&error.value);
        let fits = |b: u8| matches!(b, 0x20..=0x7e) && !matches!(b, b'"' | b'\\' | b'*');
        if !name.bytes().all(fits) {
            let message = format!(
                "`error` must be the code of an error, as `invalid_grant`, with `*` at its end for all that begin so, \
                 found `{}`",
                error.value
            );
            return Err(Fault::invalid(error.at, message));
        }
        short(&error, "error")?;
        let word = fields.require("outcome")?.filled_text("outcome")?;
        let class = one_of(&word, "`outcome`", outcomes)?;
        let advice =
            "{provider} refused with an error of which `errors` of the configuration says what it means";
        let mut rule = ErrorRule::new(error.value.clone(), class, "configured_error", advice);
        let description = fields.text("description")?;
        if let Some(text) = &description {
            short(text, "description")?;
            rule = rule.says(text.value.clone());
        }
        Ok(Self { error, description: description.map(|text| text.value.to_lowercase()), rule })
    }
}

/// The longest code and the longest part of a description, in bytes.
const MAX_ERROR_BYTES: usize = 256;

fn short(text: &Spanned<String>, field: &str) -> Result<(), Fault> {
    let found = text.value.len();
    if found <= MAX_ERROR_BYTES {
        return Ok(());
    }
    Err(Fault::invalid(text.at, format!("`{field}` must be at most {MAX_ERROR_BYTES} bytes, found {found}")))
}

fn one_of<T: Copy>(word: &Spanned<String>, what: &str, words: &[(&str, T)]) -> Result<T, Fault> {
    let found = words.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value);
    let known: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| Fault::unknown_word(word.at, &word.value, what, &known))
}

fn bounded(at: Position, field: &str, found: usize, most: usize) -> Result<(), Fault> {
    if found <= most {
        return Ok(());
    }
    Err(Fault::new(
        ConfigErrorKind::TooLarge,
        at,
        format!("`{field}` must have at most {most} entries, found {found}"),
    ))
}
