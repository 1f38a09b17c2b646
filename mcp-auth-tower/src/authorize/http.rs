//! What rules read of an HTTP request.

use std::borrow::Cow;
use std::fmt;

use http::header::HeaderMap;
use http::{Method, Request, Uri};
use mcp_auth_core::Principal;
use mcp_auth_core::policy::{Context, PolicySet};

use crate::authority::Authority;

/// What a set of rules reads of a request, known when it is loaded: what nobody reads is not looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reads {
    request: bool,
    headers: bool,
}

impl Reads {
    pub(super) fn of(policy: &PolicySet) -> Self {
        Self { request: policy.reads("request"), headers: policy.reads("request.headers") }
    }

    pub(super) fn request(self) -> bool {
        self.request
    }
}

/// A request before the rules.
pub(super) struct HttpRequest<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    /// `None` where it names none, or none that everybody reads alike.
    host: Option<Cow<'r, str>>,
}

impl<'r> HttpRequest<'r> {
    pub(super) fn new<B>(request: &'r Request<B>) -> Self {
        let authority = Authority::of(request.uri(), request.headers());
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            host: authority.ok().flatten().map(|a| a.host),
        }
    }

    pub(super) fn context<'c>(&'c self, principal: Option<&'c Principal>) -> Context<'c> {
        Context::new(principal)
            .request(self.method.as_str(), self.uri.path(), self.host.as_deref())
            .headers(self.headers)
    }
}

/// A request kept until its answer comes.
#[derive(Clone)]
pub(super) struct KeptRequest {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    host: Option<Box<str>>,
}

impl KeptRequest {
    /// As much of it as rules read; `None` where they read nothing of it.
    pub(super) fn new<B>(request: &Request<B>, reads: Reads) -> Option<Box<Self>> {
        let seen = reads.request.then(|| HttpRequest::new(request))?;
        Some(Box::new(Self {
            method: seen.method.clone(),
            uri: seen.uri.clone(),
            headers: if reads.headers { seen.headers.clone() } else { HeaderMap::new() },
            host: seen.host.as_deref().map(Into::into),
        }))
    }

    pub(super) fn context<'c>(&'c self, principal: Option<&'c Principal>) -> Context<'c> {
        Context::new(principal)
            .request(self.method.as_str(), self.uri.path(), self.host.as_deref())
            .headers(&self.headers)
    }
}

/// Nothing of it: query and headers may hold credentials.
impl fmt::Debug for KeptRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRequest").finish_non_exhaustive()
    }
}
