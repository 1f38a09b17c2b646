//! What rules read of an HTTP request.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::header::HeaderMap;
use http::{Method, Request, Uri};
use mcp_auth_core::json::{Document, Limits};
use mcp_auth_core::mcp::{McpCall, reads_alike};
use mcp_auth_core::policy::{Context, PolicyLevels};
use mcp_auth_core::request_target::{PathError, check_path};
use mcp_auth_core::{Principal, UnixTime};

use crate::authority::Authority;
use crate::clock::Clock;
use crate::extension::{Connection, RequestFacts};

/// The most values and names in the arguments of a call that rules ask for. In longer ones they find nothing, and
/// fail.
const MAX_ARGUMENT_NODES: usize = 65_536;

/// What sets of rules read of a request, known when they are loaded: what nobody reads is not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reads {
    request: bool,
    path: bool,
    facts: bool,
    headers: bool,
    arguments: bool,
    now: bool,
}

/// What [`RequestFacts`] say.
const FACTS: [&str; 7] = [
    "apiKey",
    "basicAuth",
    "extauthz",
    "mcp.tool.target",
    "mcp.prompt.target",
    "mcp.resource.target",
    "mcp.task.target",
];

impl Reads {
    pub(super) fn of(policy: &PolicyLevels) -> Self {
        let any = |paths: &[&str]| paths.iter().any(|path| policy.reads(path));
        let in_headers = ["request.headers", "mcp.session", "mcp.protocolVersion"];
        let headers = any(&in_headers);
        Self {
            request: headers || any(&["request", "source", "destination"]),
            path: any(&["request.path"]),
            facts: any(&FACTS),
            headers,
            arguments: policy.needs_arguments(),
            now: policy.reads("now"),
        }
    }

    /// Whether the path has one meaning only, where rules read it.
    pub(super) fn check_path(self, uri: &Uri) -> Result<(), PathError> {
        if self.path { check_path(uri.path()) } else { Ok(()) }
    }
}

/// A request before the rules.
pub(super) struct Seen<'r> {
    http: Option<HttpRequest<'r>>,
    target: Option<&'r str>,
    facts: Option<&'r RequestFacts>,
    arguments: Arguments,
    now: Option<UnixTime>,
}

enum Arguments {
    /// The call has none, or nobody asks.
    None,
    Known(Document),
    Unreadable,
}

struct HttpRequest<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    /// `None` where it names none, or none that everybody reads alike.
    host: Option<Cow<'r, str>>,
    connection: Option<&'r Connection>,
}

impl<'r> Seen<'r> {
    pub(super) fn new<B>(
        request: &'r Request<B>,
        call: Option<&McpCall>,
        arguments: Option<&[u8]>,
        reads: Reads,
        clock: &dyn Clock,
    ) -> Self {
        let has = reads.arguments && call.is_some_and(|call| call.arguments.is_some());
        Self {
            http: reads.request.then(|| HttpRequest::new(request)),
            target: None,
            facts: if reads.facts { request.extensions().get() } else { None },
            arguments: if has { Arguments::read(arguments) } else { Arguments::None },
            now: reads.now.then(|| clock.now()),
        }
    }

    /// The server behind, where the request says nothing else.
    pub(super) fn behind(self, target: Option<&'r str>) -> Self {
        Self { target, ..self }
    }

    pub(super) fn context<'c>(
        &'c self,
        principal: Option<&'c Principal>,
        call: Option<&'c McpCall>,
    ) -> Context<'c> {
        let mut context = Context::new(principal);
        if let Some(http) = &self.http {
            let host = http.host.as_deref();
            context = add(context, http.method, http.uri, host, http.headers, http.connection);
        }
        if let Some(call) = call {
            context = context.call(call);
        }
        if let Some(target) = self.target {
            context = context.target(target);
        }
        if let Some(facts) = self.facts {
            context = facts.add_to(context);
        }
        match &self.arguments {
            Arguments::None => {}
            Arguments::Known(document) => context = context.arguments(Some(document.root())),
            Arguments::Unreadable => context = context.arguments(None),
        }
        match self.now {
            Some(now) => context.now(now),
            None => context,
        }
    }
}

impl Arguments {
    /// One reading of them, or none: a member that occurs twice is two readings, in another case too.
    fn read(arguments: Option<&[u8]>) -> Self {
        let Some(json) = arguments else { return Self::Unreadable };
        let limits = Limits::default().max_bytes(json.len()).max_nodes(MAX_ARGUMENT_NODES);
        match Document::parse(json, &limits) {
            Ok(arguments) if reads_alike(arguments.root()) => Self::Known(arguments),
            _ => Self::Unreadable,
        }
    }
}

impl<'r> HttpRequest<'r> {
    fn new<B>(request: &'r Request<B>) -> Self {
        let authority = Authority::of(request.uri(), request.headers());
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            host: authority.ok().flatten().map(|a| a.host),
            connection: request.extensions().get(),
        }
    }
}

fn add<'c>(
    context: Context<'c>,
    method: &'c Method,
    uri: &'c Uri,
    host: Option<&'c str>,
    headers: &'c HeaderMap,
    connection: Option<&'c Connection>,
) -> Context<'c> {
    let mut context = context.request(method.as_str(), uri.path(), host).headers(headers);
    context = context.query(uri.query().unwrap_or_default());
    if let Some(scheme) = connection.and_then(Connection::scheme_name).or(uri.scheme_str()) {
        context = context.scheme(scheme);
    }
    if let Some(connection) = connection {
        context = context.source(connection.peer(), connection.workload());
        if let Some(local) = connection.local_address() {
            context = context.destination(local);
        }
    }
    context
}

/// As much of a request as rules read, kept until its answer comes.
#[derive(Clone)]
pub(super) struct KeptRequest {
    http: Option<Box<KeptHttp>>,
    target: Option<Arc<str>>,
    facts: Option<RequestFacts>,
    /// The message that asks for the list, for what it says of its version.
    call: Option<McpCall>,
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Clone)]
struct KeptHttp {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    host: Option<Box<str>>,
    connection: Option<Connection>,
}

impl KeptRequest {
    pub(super) fn new<B>(request: &Request<B>, reads: Reads, clock: &Arc<dyn Clock>) -> Self {
        let http = reads.request.then(|| HttpRequest::new(request)).map(|seen| {
            Box::new(KeptHttp {
                method: seen.method.clone(),
                uri: seen.uri.clone(),
                headers: if reads.headers { seen.headers.clone() } else { HeaderMap::new() },
                host: seen.host.as_deref().map(Into::into),
                connection: seen.connection.cloned(),
            })
        });
        let facts = if reads.facts { request.extensions().get().cloned() } else { None };
        let call = request.extensions().get::<McpCall>().cloned();
        Self { http, target: None, facts, call, clock: reads.now.then(|| clock.clone()) }
    }

    /// As [`Seen::behind`].
    pub(super) fn behind(self, target: Option<&Arc<str>>) -> Self {
        Self { target: target.cloned(), ..self }
    }

    /// The context of the items that come now: a stream may stay open for long.
    pub(super) fn context<'c>(&'c self, principal: Option<&'c Principal>) -> Context<'c> {
        let mut context = Context::new(principal);
        if let Some(http) = &self.http {
            let host = http.host.as_deref();
            context = add(context, &http.method, &http.uri, host, &http.headers, http.connection.as_ref());
        }
        if let Some(call) = &self.call {
            context = context.call(call);
        }
        if let Some(target) = &self.target {
            context = context.target(target);
        }
        if let Some(facts) = &self.facts {
            context = facts.add_to(context);
        }
        match &self.clock {
            Some(clock) => context.now(clock.now()),
            None => context,
        }
    }
}

/// Nothing of it: query and headers may hold credentials.
impl fmt::Debug for KeptRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRequest").finish_non_exhaustive()
    }
}
