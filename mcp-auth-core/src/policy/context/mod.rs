//! The variables of a rule: a public contract. The table is on the [module page](crate::policy).

use std::fmt;
use std::net::SocketAddr;

use http::header::HeaderMap;

use crate::cel::{Timestamp, Value, Variables};
use crate::json;
use crate::mcp::{ListItem, McpCall};
use crate::{Principal, UnixTime};

mod environment;
mod functions;
mod values;

pub use environment::environment;
pub(super) use environment::{CLAIMS, SCOPES};
pub(super) use functions::{Evaluation, Grant, Recorder};

use super::item::Kind;
use values::{Arguments, BasicAuth, End, Headers, Item, Mcp, Query, Request};

/// What a decision is taken on, borrowed from the request.
///
/// What is not given is absent: a rule that needs it fails, and a rule that fails never opens anything.
#[derive(Clone, Copy)]
pub struct Context<'r> {
    principal: Option<&'r Principal>,
    mcp: Option<Mcp<'r>>,
    target: Option<&'r str>,
    request: Option<Request<'r>>,
    source: Option<End<'r>>,
    destination: Option<End<'r>>,
    api_key: Option<json::Object<'r>>,
    basic_auth: Option<BasicAuth<'r>>,
    ext_authz: Option<json::Object<'r>>,
    now: Option<UnixTime>,
}

impl<'r> Context<'r> {
    /// A caller, or nobody.
    pub fn new(principal: Option<&'r Principal>) -> Self {
        Self {
            principal,
            mcp: None,
            target: None,
            request: None,
            source: None,
            destination: None,
            api_key: None,
            basic_auth: None,
            ext_authz: None,
            now: None,
        }
    }

    /// Adds the MCP message. Its arguments are added by [`arguments`](Self::arguments): where the message has some
    /// and they are not added, rules that ask for them fail.
    #[must_use]
    pub fn call(mut self, call: &'r McpCall) -> Self {
        let arguments = if call.arguments.is_some() { Arguments::Unreadable } else { Arguments::None };
        let item =
            call.target.as_ref().map(|target| self.make_item(Kind::of(target), target.name(), arguments));
        let version = call.protocol_version.as_deref();
        let headers = self.request.and_then(|request| request.headers);
        self.mcp = call.method.as_deref().map(|method| Mcp { method, version, headers, item });
        self
    }

    /// Adds the arguments of the call; see [`PolicySet::needs_arguments`](super::PolicySet::needs_arguments).
    /// `None` where they cannot be read in one way only: rules that ask for them fail.
    #[must_use]
    pub fn arguments(mut self, arguments: Option<json::Value<'r>>) -> Self {
        if let Some(item) = self.mcp.as_mut().and_then(|mcp| mcp.item.as_mut()) {
            item.arguments = arguments.map_or(Arguments::Unreadable, Arguments::Known);
        }
        self
    }

    /// Adds the server behind a gateway that has the item, or the items of the list.
    #[must_use]
    pub fn target(mut self, target: &'r str) -> Self {
        self.target = Some(target);
        if let Some(item) = self.mcp.as_mut().and_then(|mcp| mcp.item.as_mut()) {
            item.target = Some(target);
        }
        self
    }

    /// Judges an item of a list as the call it would become, whose arguments nobody knows yet: a rule that turns on
    /// them does not hide the item, and decides when the call comes.
    #[must_use]
    pub fn list_item(mut self, item: ListItem<'r>) -> Self {
        let (method, kind) = Kind::of_list(item.kind);
        let item = Some(self.make_item(kind, item.name, Arguments::Unknown));
        let version = self.mcp.and_then(|mcp| mcp.version);
        let headers = self.request.and_then(|request| request.headers);
        self.mcp = Some(Mcp { method, version, headers, item });
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

    /// Adds the scheme: `https` or `http`.
    #[must_use]
    pub fn scheme(mut self, scheme: &'r str) -> Self {
        self.request.get_or_insert_default().scheme = Some(scheme);
        self
    }

    /// Adds the query as it stands in the request target, without the `?`.
    #[must_use]
    pub fn query(mut self, query: &'r str) -> Self {
        self.request.get_or_insert_default().query = Some(Query { text: query });
        self
    }

    /// Adds the headers of the HTTP request, those of MCP among them: `Mcp-Session-Id`, `MCP-Protocol-Version`.
    #[must_use]
    pub fn headers(mut self, headers: &'r HeaderMap) -> Self {
        let headers = Headers { map: headers };
        self.request.get_or_insert_default().headers = Some(headers);
        if let Some(mcp) = &mut self.mcp {
            mcp.headers = Some(headers);
        }
        self
    }

    /// Adds who is at the other end of the connection. `identity` is the workload's, as its certificate proves it
    /// (`spiffe://…`).
    #[must_use]
    pub fn source(mut self, address: SocketAddr, identity: Option<&'r str>) -> Self {
        self.source = Some(End { address, identity });
        self
    }

    /// Adds where the client connected to.
    #[must_use]
    pub fn destination(mut self, address: SocketAddr) -> Self {
        self.destination = Some(End { address, identity: None });
        self
    }

    /// Adds what is known of the API key that the request was accepted with.
    #[must_use]
    pub fn api_key(mut self, metadata: json::Object<'r>) -> Self {
        self.api_key = Some(metadata);
        self
    }

    /// Adds the user name that HTTP basic authentication accepted.
    #[must_use]
    pub fn basic_auth(mut self, username: &'r str) -> Self {
        self.basic_auth = Some(BasicAuth { username });
        self
    }

    /// Adds what an external authorization service said.
    #[must_use]
    pub fn ext_authz(mut self, answer: json::Object<'r>) -> Self {
        self.ext_authz = Some(answer);
        self
    }

    /// Adds the time.
    #[must_use]
    pub fn now(mut self, now: UnixTime) -> Self {
        self.now = Some(now);
        self
    }

    /// The caller.
    pub fn principal(&self) -> Option<&'r Principal> {
        self.principal
    }

    fn make_item(&self, kind: Kind, name: &'r str, arguments: Arguments<'r>) -> Item<'r> {
        Item { target: self.target, ..Item::new(kind, name, arguments) }
    }

    pub(super) fn method(&self) -> Option<&'r str> {
        Some(self.mcp.as_ref()?.method)
    }

    pub(super) fn path(&self) -> Option<&'r str> {
        self.request.as_ref()?.path
    }

    /// The item that is asked for.
    pub(super) fn item(&self) -> Option<(Kind, &'r str)> {
        let item = self.mcp.as_ref()?.item.as_ref()?;
        Some((item.kind, item.name))
    }
}

/// Neither claims nor what else came from the client, but for what decisions are about.
impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("method", &self.method())
            .field("item", &self.item())
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl Variables for Context<'_> {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "jwt" => {
                self.principal.and_then(|p| p.claims().all()).map(|claims| json::Value::Object(claims).into())
            }
            "mcp" => self.mcp.as_ref().map(|mcp| Value::Struct(mcp)),
            "request" => self.request.as_ref().map(|request| Value::Struct(request)),
            "source" => self.source.as_ref().map(|end| Value::Struct(end)),
            "destination" => self.destination.as_ref().map(|end| Value::Struct(end)),
            "apiKey" => self.api_key.map(|object| json::Value::Object(object).into()),
            "basicAuth" => self.basic_auth.as_ref().map(|auth| Value::Struct(auth)),
            "extauthz" => self.ext_authz.map(|object| json::Value::Object(object).into()),
            "now" => {
                let seconds = i64::try_from(self.now?.as_secs()).ok()?;
                Timestamp::new(seconds, 0).map(Value::Timestamp)
            }
            _ => None,
        }
    }

    /// With the functions of a policy set without settings: no scope implies another.
    fn call<'a>(&'a self, name: &str, args: &[Value<'a>]) -> Option<Value<'a>> {
        functions::call(self, &super::Settings::default(), Grant::Held, name, args)
    }

    fn text(&self, number: u32) -> Option<&str> {
        match number {
            environment::METHOD => Some(self.mcp.as_ref()?.method),
            environment::TOOL => match &self.mcp.as_ref()?.item {
                Some(item) if item.kind == Kind::Tool => Some(item.name),
                _ => None,
            },
            environment::PATH => self.request.as_ref()?.path,
            environment::SUBJECT => self.principal?.subject(),
            _ => None,
        }
    }

    fn object(&self, number: u32) -> Option<json::Object<'_>> {
        if number == environment::JWT { self.principal?.claims().all() } else { None }
    }
}
