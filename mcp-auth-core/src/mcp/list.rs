//! Leaving out of a list what its reader may not use.
//!
//! Items that stay, stay byte for byte; a message without a list is returned as it came. A list that cannot be
//! read is an error: it is never passed on unfiltered.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::look_alike::looks_like;

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemKind {
    /// `tools/list`, items named by `name`.
    Tool,
    /// `prompts/list`, items named by `name`.
    Prompt,
    /// `resources/list`, items named by `uri`.
    Resource,
    /// `resources/templates/list`, items named by `uriTemplate`.
    ResourceTemplate,
    /// `tasks/list`, items named by `taskId`.
    Task,
}

/// One item of a list.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ListItem<'a> {
    /// What it is.
    pub kind: ItemKind,
    /// Its name, URI, URI template or id.
    pub name: &'a str,
}

impl<'a> ListItem<'a> {
    /// An item of this kind and name.
    pub fn new(kind: ItemKind, name: &'a str) -> Self {
        Self { kind, name }
    }
}

/// A message that may hold a list and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream's answer is not a readable JSON-RPC message")]
#[non_exhaustive]
pub struct ListError;

/// The members of a result that decide; the last is no list.
const MEMBERS: [&str; 6] = ["tools", "prompts", "resources", "resourceTemplates", "tasks", "cacheScope"];

/// What the lists of [`MEMBERS`] hold.
const KINDS: [ItemKind; 5] =
    [ItemKind::Tool, ItemKind::Prompt, ItemKind::Resource, ItemKind::ResourceTemplate, ItemKind::Task];

/// Filters the lists of one JSON-RPC message. `None`: nothing had to change, forward the original.
///
/// A result that depends on who asked must not be cached for others: a `cacheScope` becomes `"private"`
/// (MCP 2026-07-28, caching).
///
/// ```
/// use mcp_auth_core::mcp::filter_message;
///
/// let answer = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"write"}]}}"#;
/// let filtered = filter_message(answer, &mut |item| item.name == "read")?;
/// assert_eq!(filtered.unwrap(), br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"}]}}"#);
/// # Ok::<(), mcp_auth_core::mcp::ListError>(())
/// ```
///
/// # Errors
///
/// [`ListError`] when the message, or a list in it, cannot be read without doubt.
pub fn filter_message(
    message: &[u8],
    visible: &mut dyn FnMut(ListItem<'_>) -> bool,
) -> Result<Option<Vec<u8>>, ListError> {
    let text = std::str::from_utf8(message).map_err(|_| ListError)?;
    if text.trim_start().starts_with('[') {
        return filter_batch(text, visible);
    }
    let [result] = members(text, ["result"])?;
    let Some(result) = result.filter(|result| result.get().starts_with('{')) else { return Ok(None) };
    let [lists @ .., cache_scope] = members(result.get(), MEMBERS)?;
    let mut edits = Edits::new(text);
    for (kind, list) in KINDS.into_iter().zip(lists) {
        if let Some(list) = list {
            filter_list(kind, list, &mut edits, visible)?;
            if let Some(scope) = cache_scope.filter(|s| s.get() != "\"private\"") {
                edits.replace(scope.get(), "\"private\"".into())?;
            }
        }
    }
    Ok(edits.finish())
}

/// 2025-03-26 servers may answer several requests in one array.
fn filter_batch(
    text: &str,
    visible: &mut dyn FnMut(ListItem<'_>) -> bool,
) -> Result<Option<Vec<u8>>, ListError> {
    let messages: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| ListError)?;
    let mut edits = Edits::new(text);
    for message in messages {
        if message.get().starts_with('[') {
            return Err(ListError);
        }
        if let Some(filtered) = filter_message(message.get().as_bytes(), visible)? {
            edits.replace(message.get(), String::from_utf8(filtered).map_err(|_| ListError)?)?;
        }
    }
    Ok(edits.finish())
}

fn filter_list(
    kind: ItemKind,
    list: &RawValue,
    edits: &mut Edits<'_>,
    visible: &mut dyn FnMut(ListItem<'_>) -> bool,
) -> Result<(), ListError> {
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| ListError)?;
    let mut kept: Vec<&str> = Vec::with_capacity(items.len());
    for item in &items {
        let [name, uri, template, task] = members(item.get(), ["name", "uri", "uriTemplate", "taskId"])?;
        let name = match kind {
            ItemKind::Tool | ItemKind::Prompt => name,
            ItemKind::Resource => uri,
            ItemKind::ResourceTemplate => template,
            ItemKind::Task => task,
        };
        let name =
            name.map(|raw| serde_json::from_str::<Key<'_>>(raw.get())).transpose().map_err(|_| ListError)?;
        // An item without a name can be neither judged nor called: it is left out.
        if name.is_some_and(|name| visible(ListItem { kind, name: &name.0 })) {
            kept.push(item.get());
        }
    }
    if kept.len() < items.len() {
        edits.replace(list.get(), format!("[{}]", kept.join(",")))?;
    }
    Ok(())
}

/// The members of these names, `null` counting as absent. A reader that is not exact could take another member for
/// one of them: one that occurs twice, or that looks like one, is an error.
fn members<'b, const N: usize>(
    object: &'b str,
    names: [&'static str; N],
) -> Result<[Option<&'b RawValue>; N], ListError> {
    let mut input = serde_json::Deserializer::from_str(object);
    let found = input.deserialize_map(Members(names)).and_then(|found| input.end().map(|()| found));
    let found = found.map_err(|_| ListError)?;
    Ok(found.map(|raw| raw.filter(|raw| raw.get() != "null")))
}

struct Members<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Members<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(Key(name)) = map.next_key::<Key<'de>>()? {
            let exact = self.0.iter().zip(&mut found).find(|(known, _)| ***known == *name);
            match exact {
                Some((_, slot @ None)) => *slot = Some(map.next_value()?),
                Some(_) => return Err(A::Error::custom("a member occurs twice")),
                None if looks_like(&name, &self.0) => {
                    return Err(A::Error::custom("a member looks like another"));
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// A string, borrowed where it has no escapes.
struct Key<'b>(Cow<'b, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, s: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(s)))
            }

            fn visit_str<E: Error>(self, s: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(s.to_owned())))
            }
        }
        d.deserialize_str(Text)
    }
}

/// Replacements of parts of a text, made in any order, applied in the text's.
struct Edits<'t> {
    text: &'t str,
    parts: Vec<(usize, usize, String)>,
}

impl<'t> Edits<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, parts: Vec::new() }
    }

    /// `part` must be a slice of the text: it came out of a parser that borrows.
    fn replace(&mut self, part: &str, by: String) -> Result<(), ListError> {
        let start = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize).ok_or(ListError)?;
        let end = start + part.len();
        if self.text.get(start..end) != Some(part) {
            return Err(ListError);
        }
        if !self.parts.iter().any(|(s, e, _)| (*s, *e) == (start, end)) {
            self.parts.push((start, end, by));
        }
        Ok(())
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        if self.parts.is_empty() {
            return None;
        }
        self.parts.sort_unstable_by_key(|p| p.0);
        let mut out = Vec::with_capacity(self.text.len());
        let mut at = 0;
        for (start, end, by) in &self.parts {
            out.extend_from_slice(self.text.get(at..*start).unwrap_or_default().as_bytes());
            out.extend_from_slice(by.as_bytes());
            at = *end;
        }
        out.extend_from_slice(self.text.get(at..).unwrap_or_default().as_bytes());
        Some(out)
    }
}
