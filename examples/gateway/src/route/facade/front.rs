//! What is answered before the routes of a listener.

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_discovery::well_known::{OAUTH_AUTHORIZATION_SERVER, OPENID_CONFIGURATION};
use mcp_auth_tower::facade::{Answering, FacadeServer};

use super::keys_path::KeysPath;
use crate::proxy::{BoxBody, full};

/// The authorization servers of one listener, and keys that it passes on: they come before its routes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Front {
    desks: Vec<Desk>,
    keys: Vec<KeysPath>,
}

#[derive(Clone, Debug)]
struct Desk {
    server: FacadeServer,
    /// Where else a request may be for something of ours, and what for.
    aliases: Vec<Alias>,
}

/// A place that is not ours by any standard, and that clients know: agentgateway's for registration, and the documents
/// with the path of the resource behind, where clients of earlier versions look.
#[derive(Clone, Debug)]
struct Alias {
    path: String,
    /// Whether it is for registrations; else it is for reading.
    registers: bool,
    stands_for: PathAndQuery,
}

impl Front {
    pub(super) fn new(servers: impl Iterator<Item = FacadeServer>, keys: Vec<KeysPath>) -> Self {
        Self { desks: servers.map(Desk::new).collect(), keys }
    }

    /// Answers what comes before every route; gives everything else back as it came.
    pub(crate) async fn answer<B>(&self, mut request: Request<B>) -> Result<Response<BoxBody>, Request<B>>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
    {
        for desk in &self.desks {
            request = match desk.answer(request) {
                Ok(answering) => return Ok(answering.await.map(full)),
                Err(request) => request,
            };
        }
        for keys in &self.keys {
            if keys.takes(&request) {
                return Ok(keys.answer().await);
            }
        }
        Err(request)
    }
}

impl Desk {
    fn new(server: FacadeServer) -> Self {
        const REGISTRATION: &str = "/client-registration";
        let facade = server.facade();
        let mut aliases = Vec::new();
        let mut add = |path: String, registers, stands_for: &str| {
            // INVARIANT: our own paths are those of requests.
            if let Ok(stands_for) = PathAndQuery::try_from(stands_for) {
                aliases.push(Alias { path, registers, stands_for });
            }
        };
        let register = facade.metadata().url(FacadeEndpoint::Register);
        let bases =
            facade.resources().map(|resource| resource.identifier().url().path().trim_end_matches('/'));
        let mut bases: Vec<&str> = std::iter::once("").chain(bases).collect();
        bases.sort_unstable();
        bases.dedup();
        for base in bases {
            add(format!("{base}{REGISTRATION}"), true, register.path());
            add(format!("{OAUTH_AUTHORIZATION_SERVER}{base}{REGISTRATION}"), true, register.path());
            // With a path of its own the issuer has these places itself.
            if !base.is_empty() && !facade.metadata().issuer().has_path() {
                add(format!("{OAUTH_AUTHORIZATION_SERVER}{base}"), false, OAUTH_AUTHORIZATION_SERVER);
                add(format!("{OPENID_CONFIGURATION}{base}"), false, OPENID_CONFIGURATION);
                add(format!("{base}{OPENID_CONFIGURATION}"), false, OPENID_CONFIGURATION);
            }
        }
        Self { server, aliases }
    }

    #[expect(clippy::result_large_err, reason = "no error: the request goes on as it came")]
    fn answer<B>(&self, mut request: Request<B>) -> Result<Answering, Request<B>>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
    {
        let Some(alias) = self.aliases.iter().find(|alias| alias.takes(&request)) else {
            return self.server.answer(request);
        };
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(alias.stands_for.clone());
        let Ok(uri) = Uri::from_parts(parts) else { return Err(request) };
        let asked = std::mem::replace(request.uri_mut(), uri);
        self.server.answer(request).map_err(|mut request| {
            *request.uri_mut() = asked;
            request
        })
    }
}

impl Alias {
    fn takes<B>(&self, request: &Request<B>) -> bool {
        let method = request.method();
        let known = match self.registers {
            true => method == Method::POST,
            false => method == Method::GET || method == Method::HEAD,
        };
        (known || method == Method::OPTIONS) && request.uri().path() == self.path
    }
}
