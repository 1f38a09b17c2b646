//! The structures that variables are made of.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

use http::header::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::cel::{StructValue, Unreadable, Value};
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
}

#[derive(Clone, Copy)]
pub(super) struct Headers<'r> {
    pub(super) map: &'r HeaderMap,
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
        Self { kind, name, target: None, arguments }
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
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        let kind = match name {
            "method" => return Ok(Some(self.method.into())),
            "protocolVersion" => match self.version {
                Some(version) => return Ok(Some(version.into())),
                None => return self.header("mcp-protocol-version"),
            },
            "session" => return self.header("mcp-session-id"),
            "tool" => Kind::Tool,
            "prompt" => Kind::Prompt,
            "resource" => Kind::Resource,
            "task" => Kind::Task,
            _ => return Ok(None),
        };
        Ok(self.item.as_ref().filter(|item| item.kind == kind).map(|item| Value::Struct(item)))
    }
}

impl Mcp<'_> {
    fn header(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        self.headers.as_ref().map_or(Ok(None), |headers| headers.field(name))
    }
}

impl StructValue for Item<'_> {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok(match name {
            name if self.kind.is_name(name) => Some(self.name.into()),
            "target" => self.target.map(Into::into),
            "arguments" if matches!(self.kind, Kind::Tool | Kind::Prompt) => match self.arguments {
                Arguments::None => None,
                Arguments::Known(arguments) => Some(arguments.into()),
                Arguments::Unreadable => return Err(Unreadable::Ambiguous),
                Arguments::Unknown => return Err(Unreadable::NotKnownYet),
            },
            _ => None,
        })
    }
}

impl StructValue for Request<'_> {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok(match name {
            "method" => self.method.map(Into::into),
            "scheme" => self.scheme.map(Into::into),
            "path" => self.path.map(Into::into),
            "host" => self.host.map(Into::into),
            "query" => self.query.as_ref().map(|query| Value::Struct(query)),
            "headers" => self.headers.as_ref().map(|headers| Value::Struct(headers)),
            _ => None,
        })
    }
}

impl StructValue for Query<'_> {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        let pairs = self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut values = pairs.filter(|(n, _)| spells(n, name)).map(|(n, value)| {
            // A plus is itself to some readers and a space to others.
            let one = !n.contains('+') && !value.contains('+');
            percent_decode_str(value).decode_utf8().ok().filter(|_| one)
        });
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(Some(Cow::Borrowed(text))), None) => Ok(Some(text.into())),
            (Some(Some(Cow::Owned(text))), None) => Ok(Some(text.into())),
            _ => Err(Unreadable::Ambiguous),
        }
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
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        let mut values = self.map.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(one), None) => std::str::from_utf8(one.as_bytes())
                .map(|text| Some(text.into()))
                .map_err(|_| Unreadable::Ambiguous),
            _ => Err(Unreadable::Ambiguous),
        }
    }
}

impl StructValue for End<'_> {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok(match name {
            "address" => Some(self.address.ip().to_canonical().into()),
            "port" => Some(Value::Int(self.address.port().into())),
            "identity" => self.identity.map(Into::into),
            _ => None,
        })
    }
}

impl StructValue for BasicAuth<'_> {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok((name == "username").then(|| self.username.into()))
    }
}
