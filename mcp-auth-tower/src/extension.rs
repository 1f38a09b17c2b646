//! What stands in the request's extensions: what the layers put there for inner services, and what the server puts
//! there for the layers.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use mcp_auth_core::Principal;
use mcp_auth_core::json::Document;
use mcp_auth_core::policy::Context;

/// The request was authenticated. Inserted by [`Authenticate`](crate::authenticate::Authenticate) into every
/// request that it lets through; an inner layer that does not find it refuses.
///
/// ```
/// use mcp_auth_tower::Authenticated;
///
/// fn greet(request: &http::Request<()>) -> Option<String> {
///     let who = request.extensions().get::<Authenticated>()?;
///     Some(format!("hello {}", who.principal()?.subject()?))
/// }
/// assert_eq!(greet(&http::Request::new(())), None);
/// ```
#[derive(Clone, Debug)]
pub struct Authenticated(Option<Arc<Principal>>);

impl Authenticated {
    pub(crate) fn new(principal: Option<Arc<Principal>>) -> Self {
        Self(principal)
    }

    /// The caller; `None` where the mode is optional and the request had no token.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.as_deref()
    }

    /// A caller whom nobody verified, for tools that say what rules would decide. Dangerous in front of a service: all
    /// behind it believe the claims.
    pub fn danger_unverified(principal: Principal) -> Self {
        Self(Some(Arc::new(principal)))
    }

    pub(crate) fn shared(&self) -> Option<Arc<Principal>> {
        self.0.clone()
    }
}

/// The connection that a request came on. A server inserts it into each request, for rules over `source`,
/// `destination` and `request.scheme`; without it, rules that read `source` or `destination` fail.
///
/// ```
/// use mcp_auth_tower::Connection;
///
/// let mut request = http::Request::new(());
/// let peer = "192.0.2.7:50000".parse()?;
/// request.extensions_mut().insert(Connection::new(peer).scheme("https"));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    peer: SocketAddr,
    local: Option<SocketAddr>,
    scheme: Option<&'static str>,
    identity: Option<Arc<str>>,
}

impl Connection {
    /// A connection from `peer`. Behind a proxy this is the proxy, unless the server knows better and says so here.
    pub fn new(peer: SocketAddr) -> Self {
        Self { peer, local: None, scheme: None, identity: None }
    }

    /// Where the client connected to.
    #[must_use]
    pub fn local(mut self, local: SocketAddr) -> Self {
        self.local = Some(local);
        self
    }

    /// `https` or `http`. Without it, rules see what the request target says, which the client writes.
    #[must_use]
    pub fn scheme(mut self, scheme: &'static str) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// The workload at the other end, as its certificate proved it: `spiffe://…`.
    #[must_use]
    pub fn identity(mut self, identity: &str) -> Self {
        self.identity = Some(identity.into());
        self
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.local
    }

    pub(crate) fn scheme_name(&self) -> Option<&'static str> {
        self.scheme
    }

    pub(crate) fn workload(&self) -> Option<&str> {
        self.identity.as_deref()
    }
}

/// What a layer or the server in front knows about a request beside its token, for rules over `apiKey`, `basicAuth`,
/// `extauthz` and the `target` of an item. Whoever knows it puts it into the extensions of the request; without it,
/// rules that read it fail.
///
/// ```
/// use mcp_auth_core::json::Document;
/// use mcp_auth_tower::RequestFacts;
///
/// let key = Document::parse(br#"{"team":"a"}"#, &Default::default())?;
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(RequestFacts::new().api_key(key).target("records"));
/// # Ok::<(), mcp_auth_core::json::JsonError>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RequestFacts {
    api_key: Option<Arc<Document>>,
    basic_auth: Option<Arc<str>>,
    ext_authz: Option<Arc<Document>>,
    target: Option<Arc<str>>,
}

impl RequestFacts {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of the API key that the request was accepted with: an object. Anything else is nothing.
    pub fn api_key(mut self, metadata: Document) -> Self {
        self.api_key = Some(Arc::new(metadata));
        self
    }

    /// The user name that HTTP basic authentication (RFC 7617) has accepted.
    pub fn basic_auth(mut self, username: &str) -> Self {
        self.basic_auth = Some(username.into());
        self
    }

    /// What an external authorization service has answered: an object. Anything else is nothing.
    pub fn ext_authz(mut self, answer: Document) -> Self {
        self.ext_authz = Some(Arc::new(answer));
        self
    }

    /// The server behind this one that has the item: `mcp.tool.target`, `mcp.prompt.target` and so on.
    pub fn target(mut self, target: &str) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Adds all of it to what rules see.
    pub(crate) fn add_to<'c>(&'c self, mut context: Context<'c>) -> Context<'c> {
        if let Some(metadata) = self.api_key.as_ref().and_then(|document| document.as_object()) {
            context = context.api_key(metadata);
        }
        if let Some(username) = &self.basic_auth {
            context = context.basic_auth(username);
        }
        if let Some(answer) = self.ext_authz.as_ref().and_then(|document| document.as_object()) {
            context = context.ext_authz(answer);
        }
        match &self.target {
            Some(target) => context.target(target),
            None => context,
        }
    }
}

/// Which of them there are: what they say is somebody's.
impl fmt::Debug for RequestFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFacts")
            .field("api_key", &self.api_key.is_some())
            .field("basic_auth", &self.basic_auth.is_some())
            .field("ext_authz", &self.ext_authz.is_some())
            .field("target", &self.target)
            .finish()
    }
}

/// The arguments of an MCP call, JSON as it stands in the body. Inserted by [`Mcp`](crate::mcp::Mcp) beside the
/// [`McpCall`](mcp_auth_core::mcp::McpCall) of a call that has some; parsed where a rule asks for them.
#[derive(Clone)]
pub struct CallArguments(Bytes);

impl CallArguments {
    /// The arguments of a call, for layers that read messages themselves.
    pub fn new(json: Bytes) -> Self {
        Self(json)
    }

    /// The JSON text.
    pub fn json(&self) -> &[u8] {
        &self.0
    }
}

/// Their length: they are somebody's data.
impl fmt::Debug for CallArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallArguments({})", self.0.len())
    }
}
