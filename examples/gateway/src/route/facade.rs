//! From `provider` and `authorizationServer` to servers, and what they answer before any route.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use mcp_auth_core::crypto::{AwsLcSigner, CryptoProvider as _, Signer};
use mcp_auth_core::jwt::{Algorithm, Issuer, Validator};
use mcp_auth_core::policy::Level;
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_discovery::registration::ClientMetadata;
use mcp_auth_discovery::well_known::{OAUTH_AUTHORIZATION_SERVER, OPENID_CONFIGURATION};
use mcp_auth_discovery::{ResourceIdentifier, Scopes, Secret};
use mcp_auth_exchange::facade::{
    AccessTokens, Facade, OwnTokens, PreRegisteredClient, ProtectedResource, RegistrationRules, Upstream,
};
use mcp_auth_tower::authenticate::AuthenticateLayer;
use mcp_auth_tower::client::Fetch;
use mcp_auth_tower::facade::{Answering, FacadeServer};

use super::build::{BuildError, provider_issuer, resource};
use super::keys_path::KeysPath;
use super::rules::Levels;
use crate::config::{self, Client, Config, McpAuthentication, Source, Tokens};
use crate::proxy::{BoxBody, Connections, full};
use crate::state::Shared;

/// The authorization servers of a whole file, one for each issuer, and what asks their providers.
#[derive(Clone, Debug)]
pub(crate) struct Facades {
    servers: Vec<FacadeServer>,
    fetch: Arc<dyn Fetch>,
}

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

impl Facades {
    /// Builds them; nothing is asked of any provider.
    pub(crate) fn build(config: &Config, shared: &Shared) -> Result<Self, BuildError> {
        let file = &config.file;
        let outer = Levels::default().with(Level::Gateway, file, &config.rules)?;
        let mut routes = Vec::new();
        for listener in config.binds.iter().flat_map(|bind| &bind.listeners) {
            let outer = outer.with(Level::Listener, file, &listener.rules)?;
            for route in &listener.routes {
                let Some((from, facade)) = of(route) else { continue };
                let rules = outer.with(Level::Route, file, &route.policies.rules)?;
                routes.push(Served { from, facade, demanded: rules.scopes() });
            }
        }
        let mut servers: Vec<FacadeServer> = Vec::new();
        for Served { facade, .. } in &routes {
            if servers.iter().all(|known| known.issuer() != facade.issuer()) {
                let same: Vec<_> =
                    routes.iter().filter(|other| other.facade.issuer() == facade.issuer()).collect();
                servers.push(server(file, &same, shared)?);
            }
        }
        Ok(Self { servers, fetch: shared.fetch() })
    }

    /// The one of a route.
    pub(super) fn of(&self, from: &McpAuthentication) -> Option<&FacadeServer> {
        let facade = from.facade.as_ref()?;
        self.servers.iter().find(|server| server.issuer() == facade.issuer())
    }

    /// What asks others.
    pub(super) fn fetch(&self) -> Arc<dyn Fetch> {
        self.fetch.clone()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &FacadeServer> {
        self.servers.iter()
    }

    /// Those of a listener's routes.
    pub(crate) fn front(&self, listener: &config::Listener, connections: &Connections) -> Front {
        let issuers: Vec<&str> =
            listener.routes.iter().filter_map(of).map(|(_, facade)| facade.issuer()).collect();
        let here = self.servers.iter().filter(|server| issuers.contains(&server.issuer()));
        Front {
            desks: here.map(|server| Desk::new(server.clone())).collect(),
            keys: KeysPath::of_listener(listener, connections),
        }
    }
}

/// A route whose clients get their tokens from a server of ours.
#[derive(Debug)]
struct Served<'c> {
    from: &'c McpAuthentication,
    facade: &'c config::Facade,
    /// The scopes that its rules ask for: what a client is sent back to get, it has to be given.
    demanded: BTreeSet<String>,
}

fn of(route: &config::Route) -> Option<(&McpAuthentication, &config::Facade)> {
    let from = route.policies.mcp_authentication.as_ref()?;
    Some((from, from.facade.as_deref()?))
}

impl Front {
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

/// One server for all routes that share it. Never called without one.
fn server(file: &Source, routes: &[&Served<'_>], shared: &Shared) -> Result<FacadeServer, BuildError> {
    let Some(Served { from: first, facade: from, .. }) = routes.first().copied() else {
        let at = config::Position { line: 1, column: 1 };
        return Err(BuildError::new(file, at, "an authorization server without a route"));
    };
    let error = |message: &dyn fmt::Display| BuildError::new(file, from.at, message);
    let opened = |secret: &config::SecretFrom, what: &str| {
        secret.open().map_err(|(at, e)| BuildError::new(file, at, format_args!("{what}: {e}")))
    };

    let mut metadata = from.metadata.clone();
    let mut resources = Vec::new();
    for Served { from: route, .. } in routes {
        let identifier = resource(file, route)?;
        if resources.iter().all(|known: &ProtectedResource| *known.identifier() != identifier) {
            metadata = metadata.protected_resource(&identifier);
            resources.push(protected(identifier, route));
        }
    }
    metadata = metadata.scopes(&scopes(file, routes)?);
    let mut rest = resources.into_iter();
    let first_resource = rest.next().ok_or_else(|| error(&"no resource"))?;

    let mut upstream = match &from.client {
        Some(client) => {
            let secret = match client {
                Client::Secret(_, _, secret) => opened(secret, "clientSecret")?,
                _ => Secret::new(""),
            };
            Upstream::shared(from.provider.clone(), client.with_secret(secret))
        }
        None => {
            let token = from.initial_access_token.as_ref();
            let token = token.map(|token| opened(token, "initialAccessTokenFile")).transpose()?;
            Upstream::registered(from.provider.clone(), token)
        }
    };
    upstream = upstream.scope(&from.scopes);
    for (name, value) in &from.parameters {
        upstream = upstream.parameter(name, value);
    }

    let sealer = shared.facade_sealer().map_err(|e| error(&format_args!("state.keyFile: {e}")))?;
    let mut builder = Facade::builder(metadata, sealer, upstream, first_resource)
        .consent(from.consent)
        .theme(from.theme.clone())
        .lifetimes(from.lifetimes);
    builder = rest.fold(builder, mcp_auth_exchange::facade::FacadeBuilder::resource);
    if let Some(registration) = &from.registration {
        let mut rules = RegistrationRules::default().redirect_uris(registration.redirect_uris.clone());
        rules = match registration.lifetime {
            Some(lifetime) if registration.managed => rules.managed(lifetime),
            Some(lifetime) => rules.lifetime(lifetime),
            None => rules,
        };
        if let Some(token) = &registration.initial_access_token {
            rules = rules.initial_access_token(opened(token, "registration.initialAccessTokenFile")?);
        }
        builder = builder.registration(rules);
    }
    for client in &from.clients {
        let mut about = ClientMetadata::new(client.redirect_uris.iter().cloned());
        about.client_name.clone_from(&client.name);
        let mut known = PreRegisteredClient::new(&client.id.value, about);
        if let Some(secret) = &client.secret {
            known = known.secret(&opened(secret, "clients.secret")?);
        }
        builder = builder.client(if client.first_party { known.first_party() } else { known });
    }
    let own = match &from.tokens {
        Tokens::PassThrough => None,
        Tokens::Own(own) => Some(own_tokens(file, own)?),
    };
    let mints = own.is_some();
    if let Some(own) = own {
        builder = builder.access_tokens(AccessTokens::Own(own));
    }
    let facade = builder.build().map_err(|e| error(&format_args!("authorizationServer: {e}")))?;

    let mut server = FacadeServer::builder(facade)
        .store(shared.store())
        .client(shared.fetch())
        .client_document_client(shared.fetch())
        .limits(from.limits);
    if let Some(policy) = &from.documents {
        server = server.client_documents(policy.clone());
    }
    if let Some(Client::Workload(id, path)) = &from.client {
        server = server.workload_token_file(id, &path.value);
    }
    if mints {
        server = server.validator(validator(file, first, routes, shared)?);
    }
    server.build().map_err(|e| error(&format_args!("authorizationServer: {e}")))
}

/// What the provider calls a resource is the first audience of its tokens.
fn protected(identifier: ResourceIdentifier, from: &McpAuthentication) -> ProtectedResource {
    match from.audiences.first() {
        Some(audience) if audience != identifier.as_str() => {
            ProtectedResource::new(identifier).audience(audience)
        }
        _ => ProtectedResource::new(identifier),
    }
}

/// Those of all routes, and those that their rules ask for; any, as soon as one route does not say which.
fn scopes(file: &Source, routes: &[&Served<'_>]) -> Result<Scopes, BuildError> {
    let lists = || routes.iter().map(|route| &route.from.resource_metadata.scopes_supported);
    if lists().any(Vec::is_empty) {
        return Ok(Scopes::default());
    }
    let mut all: Vec<&String> = Vec::new();
    for scope in lists().flatten().chain(routes.iter().flat_map(|route| &route.demanded)) {
        if !all.contains(&scope) {
            all.push(scope);
        }
    }
    let at = routes.first().map_or(config::Position { line: 1, column: 1 }, |route| route.from.at);
    Scopes::new(&all).map_err(|e| BuildError::new(file, at, format_args!("scopesSupported: {e}")))
}

/// What the provider's tokens have to be before ours stand for them: what a route would ask of them.
fn validator(
    file: &Source,
    first: &McpAuthentication,
    routes: &[&Served<'_>],
    shared: &Shared,
) -> Result<AuthenticateLayer, BuildError> {
    let audiences = routes.iter().flat_map(|route| &route.from.audiences);
    let (issuer, keys) = provider_issuer(file, first, audiences, shared.fetch())?;
    let error = |message: &dyn fmt::Display| BuildError::new(file, first.at, message);
    let validator = Validator::new(vec![issuer]).map_err(|e| error(&e))?;
    AuthenticateLayer::new(validator, vec![keys]).ok_or_else(|| error(&"an issuer without keys"))
}

/// The issuer of the tokens of ours, for a route that takes them and no others.
pub(super) fn own_issuer(server: &FacadeServer, resource: &ResourceIdentifier) -> Option<(Issuer, String)> {
    let keys = server.facade().key_set()?;
    Some((Issuer::new(server.issuer()).audience(resource.as_str()), keys))
}

fn own_tokens(file: &Source, from: &config::OwnTokens) -> Result<OwnTokens, BuildError> {
    let error = |message: &dyn fmt::Display| {
        BuildError::new(file, from.key_file.at, format_args!("tokens.own.keyFile: {message}"))
    };
    let path = from.key_file.value.display();
    let text = config::SecretFrom::File(from.key_file.clone()).open().map_err(|(_, e)| error(&e))?;
    let not_a_key = || {
        error(&format_args!(
            "`{path}` is no private key in PKCS #8 PEM; make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`"
        ))
    };
    let inner = text.expose().trim();
    let inner = inner.strip_prefix("-----BEGIN PRIVATE KEY-----").ok_or_else(not_a_key)?;
    let inner = inner.strip_suffix("-----END PRIVATE KEY-----").ok_or_else(not_a_key)?;
    let base64: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(base64).map_err(|_| not_a_key())?;
    let kinds = [Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA, Algorithm::RS256];
    let signer = kinds.into_iter().find_map(|kind| AwsLcSigner::from_pkcs8(kind, &der).ok());
    let signer = signer.ok_or_else(not_a_key)?;
    // The same key has the same name after every restart.
    let digest = mcp_auth_core::crypto::AwsLc::new().sha256(signer.public_jwk("").as_bytes());
    let kid = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    let mut tokens = OwnTokens::new(Arc::new(signer), kid);
    if let Some(lifetime) = from.lifetime {
        tokens = tokens.lifetime(lifetime);
    }
    Ok(from.claims.iter().fold(tokens, OwnTokens::claim))
}
