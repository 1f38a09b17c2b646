//! The variables of a rule: a public contract.
//!
//! | variable | type | what |
//! |---|---|---|
//! | `jwt` | map | the claims of the verified token; absent without one |
//! | `mcp.method` | string | the JSON-RPC method; absent where the request is not an MCP message |
//! | `mcp.tool.name`, `mcp.prompt.name` | string | the tool or prompt; `mcp.tool` is absent for other items |
//! | `mcp.resource.uri`, `mcp.resource.name` | string | the resource, twice the same |
//! | `mcp.task.id` | string | the task |
//! | `request.method`, `request.path` | string | the HTTP request, path without query |
//! | `request.host` | string | the host in lower case, without port and without a dot at its end |
//! | `request.headers["name"]` | string | the header, its name in any case; absent where the request has none |
//! | `hasScope("s")` | bool | whether the token grants the scope |
//!
//! For an item of a list, `mcp` is the call that the item would become, and `request` the request for the list.
//!
//! A header that occurs more than once, or that is not UTF-8, has no one value: a rule that asks for it fails.
//! Headers can be read and asked for (`"x" in request.headers`), not iterated.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::HeaderMap;

use crate::Principal;
use crate::cel::{Environment, StructType, StructValue, Type, Value, Variables};
use crate::mcp::{ItemKind, ListItem, McpCall, Target};

/// What a decision is taken on, borrowed from the request.
#[derive(Clone, Copy, Debug)]
pub struct Context<'r> {
    principal: Option<&'r Principal>,
    mcp: Option<Mcp<'r>>,
    request: Option<Request<'r>>,
}

#[derive(Clone, Copy, Debug)]
struct Mcp<'r> {
    method: &'r str,
    item: Option<Item<'r>>,
}

#[derive(Clone, Copy, Debug)]
struct Item<'r> {
    kind: Kind,
    name: &'r str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
    Task,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Task];

    /// The path that rules read.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Tool => "mcp.tool",
            Self::Prompt => "mcp.prompt",
            Self::Resource => "mcp.resource",
            Self::Task => "mcp.task",
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Request<'r> {
    method: Option<&'r str>,
    path: Option<&'r str>,
    host: Option<&'r str>,
    headers: Option<Headers<'r>>,
}

#[derive(Clone, Copy)]
struct Headers<'r> {
    map: &'r HeaderMap,
    /// Set when a header is asked for that has no one value.
    ambiguous: Option<&'r AtomicBool>,
}

/// How many, and none of them: there are credentials among them.
impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Headers({})", self.map.len())
    }
}

impl<'r> Context<'r> {
    /// A caller, or nobody.
    pub fn new(principal: Option<&'r Principal>) -> Self {
        Self { principal, mcp: None, request: None }
    }

    /// Adds the MCP message.
    #[must_use]
    pub fn call(mut self, call: &'r McpCall) -> Self {
        let item = call.target.as_ref().map(|target| {
            let kind = match target {
                Target::Tool(_) => Kind::Tool,
                Target::Prompt(_) => Kind::Prompt,
                Target::Resource(_) => Kind::Resource,
                Target::Task(_) => Kind::Task,
            };
            Item { kind, name: target.name() }
        });
        self.mcp = call.method.as_deref().map(|method| Mcp { method, item });
        self
    }

    /// Judges an item of a list as the call it would become.
    #[must_use]
    pub fn list_item(mut self, item: ListItem<'r>) -> Self {
        let (method, kind) = match item.kind {
            ItemKind::Tool => ("tools/call", Kind::Tool),
            ItemKind::Prompt => ("prompts/get", Kind::Prompt),
            ItemKind::Resource | ItemKind::ResourceTemplate => ("resources/read", Kind::Resource),
            ItemKind::Task => ("tasks/get", Kind::Task),
        };
        self.mcp = Some(Mcp { method, item: Some(Item { kind, name: item.name }) });
        self
    }

    /// Adds the HTTP request: its method, its path without query, and its host where one is known.
    ///
    /// Rules compare `host` as it is given here: in lower case, without port and without a dot at its end.
    #[must_use]
    pub fn request(mut self, method: &'r str, path: &'r str, host: Option<&'r str>) -> Self {
        let request = self.request.get_or_insert_default();
        (request.method, request.path, request.host) = (Some(method), Some(path), host);
        self
    }

    /// Adds the headers of the HTTP request.
    #[must_use]
    pub fn headers(mut self, headers: &'r HeaderMap) -> Self {
        self.request.get_or_insert_default().headers = Some(Headers { map: headers, ambiguous: None });
        self
    }

    /// The same, setting `ambiguous` when a header is asked for that has no one value. Whichever value, or absence,
    /// a rule would get for it could be another than the service's.
    pub(super) fn noticing<'n>(&self, ambiguous: &'n AtomicBool) -> Context<'n>
    where
        'r: 'n,
    {
        let mut context: Context<'n> = *self;
        if let Some(headers) = context.request.as_mut().and_then(|request| request.headers.as_mut()) {
            headers.ambiguous = Some(ambiguous);
        }
        context
    }

    pub(super) fn item_kind(&self) -> Option<Kind> {
        Some(self.mcp?.item?.kind)
    }
}

/// The names and types that rules are checked against when they are loaded.
pub fn environment() -> Environment {
    let text = |names: &[&str]| names.iter().fold(StructType::new(), |s, name| s.field(name, Type::String));
    let mcp = StructType::new()
        .field("method", Type::String)
        .field("tool", text(&["name"]))
        .field("prompt", text(&["name"]))
        .field("resource", text(&["uri", "name"]))
        .field("task", text(&["id"]));
    Environment::new()
        .variable("jwt", Type::map(Type::String, Type::Dyn))
        .variable("mcp", mcp)
        .variable(
            "request",
            text(&["method", "path", "host"]).field("headers", Type::map(Type::String, Type::String)),
        )
        .function_of(&["jwt"], "hasScope", &[Type::String], Type::Bool)
        .numbered_object("jwt", JWT)
        .numbered_text("mcp.method", METHOD)
        .numbered_text("mcp.tool.name", TOOL)
        .numbered_text("request.path", PATH)
}

/// What rules read most, found by number instead of name.
const JWT: u32 = 0;
const METHOD: u32 = 0;
const TOOL: u32 = 1;
const PATH: u32 = 2;

impl Variables for Context<'_> {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "jwt" => self
                .principal
                .and_then(|p| p.claims().all())
                .map(|claims| crate::json::Value::Object(claims).into()),
            "mcp" => self.mcp.as_ref().map(|mcp| Value::Struct(mcp)),
            "request" => self.request.as_ref().map(|request| Value::Struct(request)),
            _ => None,
        }
    }

    fn call<'a>(&'a self, name: &str, args: &[Value<'a>]) -> Option<Value<'a>> {
        match (name, args) {
            ("hasScope", [scope]) => {
                let scope = scope.as_str()?;
                Some(Value::Bool(self.principal?.scopes().any(|s| s == scope)))
            }
            _ => None,
        }
    }

    fn text(&self, number: u32) -> Option<&str> {
        match number {
            METHOD => Some(self.mcp.as_ref()?.method),
            TOOL => self.mcp.as_ref()?.item.filter(|item| item.kind == Kind::Tool).map(|item| item.name),
            PATH => self.request.as_ref()?.path,
            _ => None,
        }
    }

    fn object(&self, number: u32) -> Option<crate::json::Object<'_>> {
        if number == JWT { self.principal?.claims().all() } else { None }
    }
}

impl StructValue for Mcp<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        let kind = match name {
            "method" => return Some(self.method.into()),
            "tool" => Kind::Tool,
            "prompt" => Kind::Prompt,
            "resource" => Kind::Resource,
            "task" => Kind::Task,
            _ => return None,
        };
        self.item.as_ref().filter(|item| item.kind == kind).map(|item| Value::Struct(item))
    }
}

impl StructValue for Item<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        let known = match self.kind {
            Kind::Tool | Kind::Prompt => name == "name",
            Kind::Resource => name == "uri" || name == "name",
            Kind::Task => name == "id",
        };
        known.then(|| self.name.into())
    }
}

impl StructValue for Request<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "method" => self.method.map(Into::into),
            "path" => self.path.map(Into::into),
            "host" => self.host.map(Into::into),
            "headers" => self.headers.as_ref().map(|headers| Value::Struct(headers)),
            _ => None,
        }
    }
}

impl StructValue for Headers<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        let mut values = self.map.get_all(name).iter();
        let first = values.next()?;
        let text = std::str::from_utf8(first.as_bytes()).ok().filter(|_| values.next().is_none());
        if let (None, Some(ambiguous)) = (text, self.ambiguous) {
            ambiguous.store(true, Ordering::Relaxed);
        }
        text.map(Into::into)
    }
}
