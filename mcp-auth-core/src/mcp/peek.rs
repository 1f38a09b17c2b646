//! Reading method, id and item out of a body without building a tree.
//!
//! Decisions are taken on exactly this reading and exactly these bytes are forwarded; so whatever another
//! parser could read differently is refused: a member twice, a look-alike of a routed member, unknown members
//! at the top, a batch, a second document, a byte-order mark.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::message::{ItemMember, McpCall, Target, item_member};

/// Deepest nesting of a message.
pub const MAX_DEPTH: usize = 64;

/// Why a body is not one message that can be judged. Each maps to a JSON-RPC error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeekError {
    /// Not one JSON document in UTF-8.
    #[error("body is not one JSON document")]
    Parse,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("body is nested too deep")]
    TooDeep,
    /// An array: several messages in one body.
    #[error("JSON-RPC batches are not accepted")]
    Batch,
    /// JSON, but not a JSON-RPC 2.0 message.
    #[error("body is not a JSON-RPC 2.0 message")]
    NotJsonRpc,
    /// A member that decides occurs twice.
    #[error("a member of the message occurs twice")]
    Duplicate,
    /// A member that another parser could take for one that decides, such as `Name` or `method\u0000`.
    #[error("a member of the message looks like another one")]
    LookAlike,
    /// The method needs an item and `params` names none, or names it as something else than a string.
    #[error("the message does not name its item")]
    NoItem,
}

impl PeekError {
    /// The JSON-RPC 2.0 error code.
    pub const fn code(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::NoItem => -32602,
            _ => -32600,
        }
    }
}

/// Reads one message.
///
/// ```
/// use mcp_auth_core::mcp::{Target, peek};
///
/// let call = peek(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}"#)?;
/// assert_eq!(call.target, Some(Target::Tool("read".into())));
/// # Ok::<(), mcp_auth_core::mcp::PeekError>(())
/// ```
///
/// # Errors
///
/// [`PeekError`] for everything that is not exactly one JSON-RPC 2.0 request, notification or response.
pub fn peek(body: &[u8]) -> Result<McpCall, PeekError> {
    let fault = Cell::new(PeekError::Parse);
    let mut input = serde_json::Deserializer::from_slice(body);
    let message = Envelope(&fault).deserialize(&mut input).and_then(|m| input.end().map(|()| m));
    let message = message.map_err(|_| fault.get())?;
    message.into_call()
}

#[derive(Default)]
struct Message<'b> {
    method: Option<Cow<'b, str>>,
    id: Option<&'b RawValue>,
    name: Option<Cow<'b, str>>,
    uri: Option<Cow<'b, str>>,
    task_id: Option<Cow<'b, str>>,
    reference: Option<(bool, Cow<'b, str>)>,
    is_response: bool,
}

impl Message<'_> {
    fn into_call(self) -> Result<McpCall, PeekError> {
        let id = self.id.map(|raw| Box::from(raw.get()));
        let Some(method) = self.method else {
            let ok = self.is_response && id.is_some();
            return if ok {
                Ok(McpCall { method: None, id, target: None })
            } else {
                Err(PeekError::NotJsonRpc)
            };
        };
        if self.is_response {
            return Err(PeekError::NotJsonRpc);
        }
        let named = |text: Option<Cow<'_, str>>, target: fn(Box<str>) -> Target| {
            text.map(|t| target(t.into())).ok_or(PeekError::NoItem).map(Some)
        };
        let target = match item_member(&method) {
            None => None,
            Some(ItemMember::ToolName) => named(self.name, Target::Tool)?,
            Some(ItemMember::PromptName) => named(self.name, Target::Prompt)?,
            Some(ItemMember::Uri) => named(self.uri, Target::Resource)?,
            Some(ItemMember::TaskId) => named(self.task_id, Target::Task)?,
            Some(ItemMember::Ref) => match self.reference {
                Some((true, name)) => Some(Target::Prompt(name.into())),
                Some((false, uri)) => Some(Target::Resource(uri.into())),
                None => return Err(PeekError::NoItem),
            },
        };
        Ok(McpCall { method: Some(method.into()), id, target })
    }
}

/// A member seen twice, or not exactly spelled.
fn once<T, E: serde::de::Error>(slot: &mut Option<T>, value: T, fault: &Cell<PeekError>) -> Result<(), E> {
    if slot.replace(value).is_some() { Err(fail(fault, PeekError::Duplicate)) } else { Ok(()) }
}

fn fail<E: serde::de::Error>(fault: &Cell<PeekError>, kind: PeekError) -> E {
    fault.set(kind);
    E::custom(kind)
}

/// Whether a lenient parser could take `name` for one of `routed`: other case (also the two letters beyond
/// ASCII that fold into it), or control characters in it.
pub(super) fn looks_like(name: &str, routed: &[&str]) -> bool {
    let trimmed = name.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let folded = || {
        trimmed.chars().filter(|c| !c.is_control()).map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
    };
    routed.iter().any(|r| folded().eq(r.chars().map(|c| c.to_ascii_lowercase())))
}

struct Envelope<'f>(&'f Cell<PeekError>);

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = Message<'de>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Message<'de>, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = Message<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Message<'de>, A::Error> {
        Err(fail(self.0, PeekError::Batch))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message<'de>, A::Error> {
        let fault = self.0;
        let mut message = Message::default();
        let (mut version, mut params, mut result) = (None, None, None);
        while let Some(Key(name)) = map.next_key::<Key<'de>>()? {
            match &*name {
                "jsonrpc" => once(&mut version, map.next_value::<Key<'de>>()?.0, fault)?,
                "method" => once(&mut message.method, map.next_value::<Key<'de>>()?.0, fault)?,
                "id" => once(&mut message.id, map.next_value::<&'de RawValue>()?, fault)?,
                "params" => {
                    once(&mut params, (), fault)?;
                    map.next_value_seed(Params { message: &mut message, fault, depth: 1 })?;
                }
                "result" | "error" => {
                    once(&mut result, (), fault)?;
                    message.is_response = true;
                    map.next_value_seed(Skip { depth: 1, fault })?;
                }
                _ => return Err(fail(fault, PeekError::LookAlike)),
            }
        }
        let id_ok = message.id.is_none_or(|raw| is_id(raw.get(), message.is_response));
        if version.as_deref() != Some("2.0") || !id_ok {
            return Err(fail(fault, PeekError::NotJsonRpc));
        }
        Ok(message)
    }
}

/// JSON-RPC 2.0 §4: a string or a number; null only in answers to unreadable requests. The text is kept as it
/// came (an id of forty digits has to survive), so it is parsed here once to be sure that others can.
fn is_id(text: &str, in_response: bool) -> bool {
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<Key<'_>>(text).is_ok(),
        Some(b'-' | b'0'..=b'9') => serde_json::from_str::<f64>(text).is_ok(),
        _ => text == "null" && in_response,
    }
}

/// A string, borrowed where it has no escapes.
pub(super) struct Key<'b>(pub(super) Cow<'b, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, s: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(s)))
            }

            fn visit_str<E: serde::de::Error>(self, s: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(s.to_owned())))
            }
        }
        d.deserialize_str(Text)
    }
}

const ROUTED: &[&str] = &["name", "uri", "taskId", "ref", "arguments", "_meta"];

struct Params<'m, 'b, 'f> {
    message: &'m mut Message<'b>,
    fault: &'f Cell<PeekError>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Params<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Params<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params as an object")
    }

    /// Positional parameters exist in JSON-RPC, not in MCP.
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(fail(self.fault, PeekError::NotJsonRpc))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let fault = self.fault;
        let (mut arguments, mut meta) = (None, None);
        let below = self.depth + 1;
        while let Some(Key(name)) = map.next_key::<Key<'de>>()? {
            match &*name {
                "name" => once(&mut self.message.name, item(map.next_value()?, fault)?, fault)?,
                "uri" => once(&mut self.message.uri, item(map.next_value()?, fault)?, fault)?,
                "taskId" => once(&mut self.message.task_id, item(map.next_value()?, fault)?, fault)?,
                "ref" => {
                    let seed = Reference { fault, depth: below };
                    once(&mut self.message.reference, map.next_value_seed(seed)?, fault)?;
                }
                "arguments" => {
                    once(&mut arguments, (), fault)?;
                    map.next_value_seed(Skip { depth: below, fault })?;
                }
                "_meta" => {
                    once(&mut meta, (), fault)?;
                    map.next_value_seed(Skip { depth: below, fault })?;
                }
                other if looks_like(other, ROUTED) => return Err(fail(fault, PeekError::LookAlike)),
                _ => map.next_value_seed(Skip { depth: below, fault })?,
            }
        }
        Ok(())
    }
}

/// `name`, `uri` and `taskId` decide only as strings; anything else is refused rather than ignored.
fn item<'de, E: serde::de::Error>(raw: &'de RawValue, fault: &Cell<PeekError>) -> Result<Cow<'de, str>, E> {
    match serde_json::from_str::<Key<'de>>(raw.get()) {
        Ok(Key(text)) => Ok(text),
        Err(_) => Err(fail(fault, PeekError::NoItem)),
    }
}

/// The `ref` of `completion/complete`: a prompt by `name` or a resource by `uri`.
struct Reference<'f> {
    fault: &'f Cell<PeekError>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Reference<'_> {
    type Value = (bool, Cow<'de, str>);

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reference<'_> {
    type Value = (bool, Cow<'de, str>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference to a prompt or resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let fault = self.fault;
        let (mut kind, mut name, mut uri) = (None, None, None);
        while let Some(Key(member)) = map.next_key::<Key<'de>>()? {
            match &*member {
                "type" => once(&mut kind, map.next_value::<Key<'de>>()?.0, fault)?,
                "name" => once(&mut name, map.next_value::<Key<'de>>()?.0, fault)?,
                "uri" => once(&mut uri, map.next_value::<Key<'de>>()?.0, fault)?,
                other if looks_like(other, &["type", "name", "uri"]) => {
                    return Err(fail(fault, PeekError::LookAlike));
                }
                _ => map.next_value_seed(Skip { depth: self.depth + 1, fault })?,
            }
        }
        match (kind.as_deref(), name, uri) {
            (Some("ref/prompt"), Some(name), None) => Ok((true, name)),
            (Some("ref/resource"), None, Some(uri)) => Ok((false, uri)),
            _ => Err(fail(fault, PeekError::NoItem)),
        }
    }
}

/// Skips a value, counting its depth.
struct Skip<'f> {
    depth: usize,
    fault: &'f Cell<PeekError>,
}

impl<'de> DeserializeSeed<'de> for Skip<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let depth = deeper(self.depth, self.fault)?;
        while seq.next_element_seed(Skip { depth, fault: self.fault })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth = deeper(self.depth, self.fault)?;
        while map.next_key::<Key<'de>>()?.is_some() {
            map.next_value_seed(Skip { depth, fault: self.fault })?;
        }
        Ok(())
    }
}

fn deeper<E: serde::de::Error>(depth: usize, fault: &Cell<PeekError>) -> Result<usize, E> {
    if depth >= MAX_DEPTH { Err(fail(fault, PeekError::TooDeep)) } else { Ok(depth + 1) }
}
