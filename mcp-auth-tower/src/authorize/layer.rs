use std::sync::Arc;

use arc_swap::ArcSwap;
use http::Request;
use mcp_auth_core::policy::{Explanation, PolicyLevels};
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use tower_layer::Layer;

use super::Authorize;
use super::denial::{Denials, MissingScopes};
use super::handle::{Policies, PolicyHandle};
use super::http::Reads;
use crate::clock::{Clock, SystemClock};
use crate::messages::MAX_ANSWER_BYTES;
use crate::rejection::ChallengeContext;

/// Puts [`Authorize`] in front of a service.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AuthorizeLayer {
    pub(super) shared: Arc<ArcSwap<Shared>>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// For every request that is no item.
    pub(super) http: Option<Rules>,
    /// For items.
    pub(super) mcp: Option<Items>,
    pub(super) challenge: Option<Arc<ChallengeContext>>,
    pub(super) denials: Denials,
    pub(super) max_answer_bytes: usize,
    pub(super) target: Option<Arc<str>>,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug)]
pub(super) struct Items {
    /// The rules over items.
    pub(super) own: Rules,
    /// The same behind those of every request: what a call has to pass. Its scopes are asked for at once.
    pub(super) call: Rules,
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) policy: Arc<PolicyLevels>,
    pub(super) reads: Reads,
}

impl Rules {
    fn new(policy: PolicyLevels) -> Self {
        Self { reads: Reads::of(&policy), policy: Arc::new(policy) }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            http: None,
            mcp: None,
            challenge: None,
            denials: Denials::default(),
            max_answer_bytes: MAX_ANSWER_BYTES,
            target: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl Shared {
    pub(super) fn set(&mut self, http: Option<PolicyLevels>, mcp: Option<PolicyLevels>) {
        self.mcp = mcp.map(|own| Items {
            call: Rules::new(http.as_ref().map_or_else(|| own.clone(), |http| http.followed_by(&own))),
            own: Rules::new(own),
        });
        self.http = http.map(Rules::new);
    }
}

impl AuthorizeLayer {
    /// A layer without rules: it asks for authentication.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is in service already keeps what it has: only a [`PolicyHandle`] changes that.
    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Shared::clone(&self.shared.load());
        change(&mut shared);
        Self { shared: Arc::new(ArcSwap::from_pointee(shared)) }
    }

    /// Judges with these rules, instead of any that were there.
    pub fn policies(self, policies: Policies) -> Self {
        self.with(|s| s.set(policies.http, policies.mcp))
    }

    /// What replaces the rules of this layer, and of the services behind it, while they serve. Take it last: a layer
    /// that is built further is another one.
    pub fn handle(&self) -> PolicyHandle {
        PolicyHandle(self.shared.clone())
    }

    /// Judges MCP items with `policy`: a [`PolicySet`](mcp_auth_core::policy::PolicySet), or several on levels.
    pub fn mcp(self, policy: impl Into<PolicyLevels>) -> Self {
        self.with(|s| {
            let http = s.http.take().map(|rules| (*rules.policy).clone());
            s.set(http, Some(policy.into()));
        })
    }

    /// Judges every request with `policy`.
    pub fn http(self, policy: impl Into<PolicyLevels>) -> Self {
        self.with(|s| {
            let mcp = s.mcp.take().map(|items| (*items.own.policy).clone());
            s.set(Some(policy.into()), mcp);
        })
    }

    /// Names the resource's metadata and scopes in challenges (RFC 9728 §5.1).
    pub fn challenge(self, resource: ResourceIdentifier, scopes: Scopes) -> Self {
        self.with(|s| s.challenge = Some(Arc::new(ChallengeContext { resource, scopes })))
    }

    /// The name of the server behind this layer, for rules over `mcp.tool.target` and the like. A layer in front that
    /// knows better says so in [`RequestFacts`](crate::RequestFacts).
    pub fn target(self, name: &str) -> Self {
        self.with(|s| s.target = Some(name.into()))
    }

    /// The longest answer or event that is held to be filtered, in bytes; a longer one is an error in its place.
    /// Default: 8 MiB. Held are answers to list requests and, in the versions with sessions, all answers: a server may
    /// give a list as the answer to another request of the same id.
    pub fn max_answer_bytes(self, bytes: usize) -> Self {
        self.with(|s| s.max_answer_bytes = bytes)
    }

    /// Makes an item that is denied look like one that does not exist: the answer is the error of an unknown tool,
    /// prompt, resource or task, with status 200. A denial that scopes alone would turn is told all the same.
    ///
    /// What does not exist is denied like what is hidden only where rules allow by name: behind a rule such as
    /// `mcp.tool.name != "drop"` the service itself answers for tools it does not have, in its own words.
    pub fn hide_denied(self) -> Self {
        self.with(|s| s.denials.hide = true)
    }

    /// Leaves out of lists what the token does not grant the scopes for. Otherwise an item is listed that scopes alone
    /// would allow: a client that does not see a tool never asks for the scope, and does not know which headers its
    /// call has.
    pub fn list_granted_only(self) -> Self {
        self.with(|s| s.denials.list_granted_only = true)
    }

    /// How clients are told that scopes are missing. Default: [`MissingScopes::Challenge`].
    pub fn missing_scopes(self, how: MissingScopes) -> Self {
        self.with(|s| s.denials.missing_scopes = how)
    }

    /// How the decision on `request` comes about, as it stands before this layer; for a person who asks. Without
    /// `show_values` nothing of claims, headers and arguments is told.
    ///
    /// `None` where no rule is asked: nobody was authenticated by a layer in front, or there are only rules over MCP
    /// items and the request is for none.
    pub fn explain<B>(&self, request: &Request<B>, show_values: bool) -> Option<Explanation> {
        self.shared.load().explain(request, show_values)
    }

    /// Replaces the clock that rules over `now` read.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|s| s.clock = clock)
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize { inner, shared: self.shared.clone() }
    }
}
