//! The structures that variables are made of.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

use http::header::HeaderMap;
use percent_encoding::percent_decode_str;

use super::Notice;
use crate::cel::{StructValue, Value};
use crate::json;
use crate::policy::item::Kind;

#[derive(Clone, Copy)]
pub(super) struct Mcp<'r> {
    pub(super) method: &'r str,
    /// What the message says by itself.
    pub(super) version: Option<&'r str>,
    pub(super) headers: Option<Headers<'r>>,
    pub(super) item: Option<Item<'r>>,
}

#[derive(Clone, Copy)]
pub(super) struct Item<'r> {
    pub(super) kind: Kind,
    pub(super) name: &'r str,
    pub(super) target: Option<&'r str>,
    pub(super) arguments: Arguments<'r>,
    pub(super) notice: Option<&'r Notice>,
}

#[derive(Clone, Copy)]
pub(super) enum Arguments<'r> {
    None,
    Known(json::Value<'r>),
    /// There are some, and they have no one reading.
    Unreadable,
    /// Nobody has called yet.
    Unknown,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Request<'r> {
    pub(super) method: Option<&'r str>,
    pub(super) scheme: Option<&'r str>,
    pub(super) path: Option<&'r str>,
    pub(super) query: Option<Query<'r>>,
    pub(super) host: Option<&'r str>,
    pub(super) headers: Option<Headers<'r>>,
}

#[derive(Clone, Copy)]
pub(super) struct Query<'r> {
    pub(super) text: &'r str,
    pub(super) notice: Option<&'r Notice>,
}

#[derive(Clone, Copy)]
pub(super) struct Headers<'r> {
    pub(super) map: &'r HeaderMap,
    pub(super) notice: Option<&'r Notice>,
}

/// One end of the connection.
#[derive(Clone, Copy)]
pub(super) struct End<'r> {
    pub(super) address: SocketAddr,
    pub(super) identity: Option<&'r str>,
}

#[derive(Clone, Copy)]
pub(super) struct BasicAuth<'r> {
    pub(super) username: &'r str,
}

impl<'r> Item<'r> {
    pub(super) fn new(kind: Kind, name: &'r str, arguments: Arguments<'r>) -> Self {
        Self { kind, name, target: None, arguments, notice: None }
    }
}

/// Neither query nor headers: there are credentials among them.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.host)
            .field("path", &self.path)
            .field("headers", &self.headers.map_or(0, |headers| headers.map.len()))
            .finish_non_exhaustive()
    }
}

impl StructValue for Mcp<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        let kind = match name {
            "method" => return Some(self.method.into()),
            "protocolVersion" => {
                return self.version.map(Into::into).or_else(|| self.header("mcp-protocol-version"));
            }
            "session" => return self.header("mcp-session-id"),
            "tool" => Kind::Tool,
            "prompt" => Kind::Prompt,
            "resource" => Kind::Resource,
            "task" => Kind::Task,
            _ => return None,
        };
        self.item.as_ref().filter(|item| item.kind == kind).map(|item| Value::Struct(item))
    }
}

impl Mcp<'_> {
    fn header(&self, name: &str) -> Option<Value<'_>> {
        self.headers.as_ref()?.field(name)
    }
}

impl StructValue for Item<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            name if self.kind.is_name(name) => Some(self.name.into()),
            "target" => self.target.map(Into::into),
            "arguments" if matches!(self.kind, Kind::Tool | Kind::Prompt) => {
                match (self.arguments, self.notice) {
                    (Arguments::Known(arguments), _) => return Some(arguments.into()),
                    (Arguments::Unreadable, Some(notice)) => notice.ambiguous(),
                    (Arguments::Unknown, Some(notice)) => notice.unknown(),
                    _ => {}
                }
                None
            }
            _ => None,
        }
    }
}

impl StructValue for Request<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "method" => self.method.map(Into::into),
            "scheme" => self.scheme.map(Into::into),
            "path" => self.path.map(Into::into),
            "host" => self.host.map(Into::into),
            "query" => self.query.as_ref().map(|query| Value::Struct(query)),
            "headers" => self.headers.as_ref().map(|headers| Value::Struct(headers)),
            _ => None,
        }
    }
}

impl StructValue for Query<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        let pairs = self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut values = pairs.filter(|(n, _)| spells(n, name)).map(|(n, value)| {
            // A plus is itself to some readers and a space to others.
            let one = !n.contains('+') && !value.contains('+');
            percent_decode_str(value).decode_utf8().ok().filter(|_| one)
        });
        let first = values.next()?;
        let value = first.filter(|_| values.next().is_none());
        if let (None, Some(notice)) = (&value, self.notice) {
            notice.ambiguous();
        }
        value.map(|value| match value {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        })
    }
}

/// Whether a raw name means `name` to anybody.
fn spells(raw: &str, name: &str) -> bool {
    if !raw.contains(['%', '+']) {
        return raw == name;
    }
    percent_decode_str(raw).eq(name.bytes())
        || percent_decode_str(raw).map(|b| if b == b'+' { b' ' } else { b }).eq(name.bytes())
}

impl StructValue for Headers<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        let mut values = self.map.get_all(name).iter();
        let first = values.next()?;
        let text = std::str::from_utf8(first.as_bytes()).ok().filter(|_| values.next().is_none());
        if let (None, Some(notice)) = (text, self.notice) {
            notice.ambiguous();
        }
        text.map(Into::into)
    }
}

impl StructValue for End<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "address" => Some(self.address.ip().to_canonical().into()),
            "port" => Some(Value::Int(self.address.port().into())),
            "identity" => self.identity.map(Into::into),
            _ => None,
        }
    }
}

impl StructValue for BasicAuth<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        (name == "username").then(|| self.username.into())
    }
}
