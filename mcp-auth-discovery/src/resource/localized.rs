//! Texts for people, in several languages (RFC 9728 §2.1).

use std::collections::BTreeMap;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The greatest number of translations of one document.
pub const MAX_TRANSLATIONS: usize = 64;

/// A member that may be there once per language (RFC 9728 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HumanReadable {
    /// `resource_name`
    Name,
    /// `resource_documentation`
    Documentation,
    /// `resource_policy_uri`
    PolicyUri,
    /// `resource_tos_uri`
    TosUri,
}

/// The members with a language tag of a document, such as `resource_name#de`. Tags are compared without case
/// (RFC 5646 §2.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LocalizedTexts(BTreeMap<String, String>);

/// Why a translation cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalizedError {
    /// Not of the form of a language tag (RFC 5646 §2.1): letters and digits in groups of one to eight.
    #[error("`{0}` is not a language tag such as `de` or `pt-BR`")]
    LanguageTag(String),
    /// More than [`MAX_TRANSLATIONS`].
    #[error("more than 64 translations")]
    TooMany,
}

impl HumanReadable {
    const ALL: [Self; 4] = [Self::Name, Self::Documentation, Self::PolicyUri, Self::TosUri];

    /// The name of the member without a language tag.
    pub fn member(self) -> &'static str {
        match self {
            Self::Name => "resource_name",
            Self::Documentation => "resource_documentation",
            Self::PolicyUri => "resource_policy_uri",
            Self::TosUri => "resource_tos_uri",
        }
    }

    fn of(member: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.member() == member)
    }
}

impl LocalizedTexts {
    /// The text of this member in this language.
    pub fn get(&self, member: HumanReadable, language: &str) -> Option<&str> {
        let matches = |key: &str| {
            key.split_once('#')
                .is_some_and(|(name, tag)| name == member.member() && tag.eq_ignore_ascii_case(language))
        };
        self.0.iter().find(|(key, _)| matches(key)).map(|(_, text)| text.as_str())
    }

    /// All members with their language tags, as they stand in JSON.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(member, text)| (member.as_str(), text.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(
        &mut self,
        member: HumanReadable,
        language: &str,
        text: String,
    ) -> Result<(), LocalizedError> {
        if !is_language_tag(language) {
            return Err(LocalizedError::LanguageTag(language.chars().take(40).collect()));
        }
        if self.0.len() >= MAX_TRANSLATIONS {
            return Err(LocalizedError::TooMany);
        }
        self.0.retain(|key, _| {
            !key.split_once('#')
                .is_some_and(|(name, tag)| name == member.member() && tag.eq_ignore_ascii_case(language))
        });
        self.0.insert(format!("{}#{language}", member.member()), text);
        Ok(())
    }
}

/// Takes the members of RFC 9728 §2.1 from among those that the document's type does not know, and drops the rest:
/// what a vendor added is not repeated. A translation that is not text, or beyond the limit, is dropped as well.
impl<'de> Deserialize<'de> for LocalizedTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = LocalizedTexts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LocalizedTexts, A::Error> {
                let mut texts = LocalizedTexts::default();
                while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
                    let member = key.split_once('#').and_then(|(name, language)| {
                        HumanReadable::of(name).map(|member| (member, language))
                    });
                    if let (Some((member, language)), serde_json::Value::String(text)) = (member, value) {
                        let _ = texts.insert(member, language, text);
                    }
                }
                Ok(texts)
            }
        }

        deserializer.deserialize_map(Texts)
    }
}

fn is_language_tag(text: &str) -> bool {
    let subtag = |part: &str| matches!(part.len(), 1..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= 35
        && text.split('-').all(subtag)
        && text.split('-').next().is_some_and(|primary| primary.bytes().all(|b| b.is_ascii_alphabetic()))
}
