//! From configuration to services.

use std::fmt;

use http::Request;
use http::header::HeaderName;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use mcp_auth_core::credential::TokenSource;
use mcp_auth_core::jwt::{Issuer, RequiredClaim};
use mcp_auth_core::policy::{Effect, PolicySet};
use mcp_auth_core::request_target::check_path;
use mcp_auth_discovery::well_known::OAUTH_PROTECTED_RESOURCE;
use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier, Scopes};
use mcp_auth_tower::authenticate::Mode;
use mcp_auth_tower::keys::{KeyOptions, KeySource, Keys};
use mcp_auth_tower::session::SessionLayer;
use mcp_auth_tower::{McpAuth, McpAuthBuilder};
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _};

use super::matching::{Match, Target};
use super::{RouteService, cors};
use crate::config::{self, Position};
use crate::proxy::{Connections, Proxy};

/// A configuration that reads well and cannot be built.
#[derive(Debug)]
pub(crate) struct BuildError {
    file: String,
    at: Position,
    message: String,
}

impl BuildError {
    fn new(file: &str, at: Position, message: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), at, message: message.to_string() }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.at, self.message)
    }
}

impl std::error::Error for BuildError {}

/// Builds one route.
pub(crate) fn route(
    file: &str,
    route: &config::Route,
    connections: &Connections,
    session: &SessionLayer,
) -> Result<Target, BuildError> {
    let proxy = proxy(file, route, connections)?.response_timeout(route.policies.timeout.backend_request);
    let policies = &route.policies;
    let mut well_known = Vec::new();
    let service: RouteService = match &policies.mcp_authentication {
        Some(authentication) => {
            let resource = resource(file, authentication)?;
            well_known.push(resource.metadata_path());
            // Clients fall back to the root form; among several routes the first of the file answers it.
            well_known.push(OAUTH_PROTECTED_RESOURCE.to_owned());
            let auth = authenticated(file, authentication, resource, policies)?.session(session.clone());
            let auth = auth.build().map_err(|e| BuildError::new(file, authentication.at, e))?;
            boxed(auth.layer(proxy), policies.cors.as_ref())
        }
        None => {
            if let Some(rules) = policies.mcp_authorization.as_ref().or(policies.authorization.as_ref()) {
                let message =
                    "authorization rules need mcpAuthentication on the same route: nobody would have claims";
                return Err(BuildError::new(file, rules.at, message));
            }
            boxed(proxy, policies.cors.as_ref())
        }
    };
    let mut matches = Vec::new();
    for from in &route.matches {
        matches.push(Match::compile(from).map_err(|(at, error)| BuildError::new(file, at, error))?);
    }
    if matches.is_empty() {
        matches.push(Match::everything());
    }
    Ok(Target { matches, well_known, service })
}

fn boxed<S, B>(service: S, cors: Option<&config::Cors>) -> RouteService
where
    S: tower::Service<Request<Incoming>, Response = http::Response<B>, Error = std::convert::Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = bytes::Bytes, Error = crate::proxy::BoxError> + Default + Send + 'static,
{
    match cors {
        None => BoxCloneSyncService::new(service.map_response(|r| r.map(|b| b.boxed_unsync()))),
        Some(policy) => BoxCloneSyncService::new(
            cors::layer(policy)
                .layer(service)
                .map_response(|r: http::Response<B>| r.map(|b| b.boxed_unsync())),
        ),
    }
}

fn proxy(file: &str, route: &config::Route, connections: &Connections) -> Result<Proxy, BuildError> {
    let error = |message: &dyn fmt::Display| BuildError::new(file, route.at, message);
    match route.backends.as_slice() {
        [config::Backend::Host(url)] => Proxy::origin(connections.clone(), url.url()).map_err(|e| error(&e)),
        [config::Backend::Mcp(targets)] => match targets.as_slice() {
            [target] => Proxy::endpoint(connections.clone(), target.url.url()).map_err(|e| error(&e)),
            _ => Err(error(&"several MCP targets behind one route are not supported yet: give each a route")),
        },
        _ => Err(error(&"a route needs exactly one backend")),
    }
}

/// What clients call the route, and where they find its metadata.
fn resource(file: &str, from: &config::McpAuthentication) -> Result<ResourceIdentifier, BuildError> {
    let error = |message: &dyn fmt::Display| {
        BuildError::new(file, from.at, format_args!("resourceMetadata.resource: {message}"))
    };
    let text = from.resource_metadata.resource.as_str();
    // The configuration has warned about plain HTTP off this machine.
    let resource = ResourceIdentifier::parse(text)
        .or_else(|_| ResourceIdentifier::insecure_http(text))
        .map_err(|e| error(&e))?;
    check_path(&resource.metadata_path())
        .map_err(|e| error(&format_args!("no request can have its path: {e}")))?;
    Ok(resource)
}

fn authenticated(
    file: &str,
    from: &config::McpAuthentication,
    resource: ResourceIdentifier,
    policies: &config::Policies,
) -> Result<McpAuthBuilder, BuildError> {
    let error = |at: Position, message: &dyn fmt::Display| BuildError::new(file, at, message);
    let here = |message: &dyn fmt::Display| error(from.at, message);
    let metadata = &from.resource_metadata;
    let scopes =
        Scopes::new(&metadata.scopes_supported).map_err(|e| here(&format_args!("scopesSupported: {e}")))?;

    let mut issuer = Issuer::new(from.issuer.value.clone());
    for audience in &from.audiences {
        issuer = issuer.audience(audience.clone());
    }
    let required: Vec<RequiredClaim> =
        from.required_claims.iter().filter_map(|claim| RequiredClaim::from_name(claim.as_str())).collect();
    if !required.contains(&RequiredClaim::Exp) {
        // The file says so explicitly, and the loader has warned.
        issuer = issuer.danger_accept_without_expiry();
    }
    issuer = issuer.required_claims(&required);

    let mut document = ProtectedResourceMetadata::builder(resource.clone()).scopes_supported(&scopes);
    if metadata.authorization_servers.is_empty() {
        document = document.authorization_server(from.issuer.value.clone());
    }
    for server in &metadata.authorization_servers {
        document = document.authorization_server(server.as_str());
    }
    if let Some(url) = &metadata.resource_documentation {
        document = document.resource_documentation(url.as_str());
    }
    if let Some(url) = &metadata.resource_policy_uri {
        document = document.resource_policy_uri(url.as_str());
    }

    let location = &from.authorization_location;
    let header: HeaderName =
        location.name.parse().map_err(|e| here(&format_args!("authorizationLocation: {e}")))?;
    let mut auth = McpAuth::builder_for(resource)
        .scopes(&scopes.to_string())
        .map_err(|e| here(&e))?
        .metadata(document.build())
        .token_source(TokenSource::header(header, &location.prefix))
        .mode(match from.mode {
            config::Mode::Strict => Mode::Strict,
            config::Mode::Optional => Mode::Optional,
            config::Mode::Permissive => Mode::DangerPermissive,
        });
    match policies.cors.as_ref().map(|cors| &cors.allow_origins) {
        Some(config::Names::Any) => auth = auth.danger_allow_any_origin(),
        Some(config::Names::These(origins)) => {
            for origin in origins {
                auth = auth.allow_origin(origin).map_err(|e| here(&e))?;
            }
        }
        None => {}
    }
    let (at, source) = match &from.jwks {
        config::Jwks::Url(url) => (from.at, KeySource::url(url.as_str()).map_err(|e| here(&e))?),
        config::Jwks::File(path) => (path.at, KeySource::file(&path.value)),
        config::Jwks::Inline(json) => (json.at, KeySource::inline(json.value.clone())),
        config::Jwks::Discovered => (from.at, KeySource::discovered()),
    };
    let options = match &from.jwks {
        // The configuration has warned about plain HTTP off this machine.
        config::Jwks::Url(_) => KeyOptions::new().danger_allow_http(),
        _ => KeyOptions::new(),
    };
    let keys = Keys::new(&issuer, source, &options).map_err(|e| error(at, &e))?;
    auth = auth.issuer_keys(issuer, keys);
    for rule in policies.mcp_authorization.iter().flat_map(|a| &a.rules) {
        let expression = &rule.expression;
        auth = auth.rule(effect(rule.effect), &expression.value).map_err(|e| error(expression.at, &e))?;
    }
    if let Some(rules) = &policies.authorization {
        let mut set = PolicySet::builder();
        for rule in &rules.rules {
            let expression = &rule.expression;
            set = set.rule(effect(rule.effect), &expression.value).map_err(|e| error(expression.at, &e))?;
        }
        auth = auth.http_policy(set.build());
    }
    Ok(auth)
}

fn effect(from: config::Effect) -> Effect {
    match from {
        config::Effect::Allow => Effect::Allow,
        config::Effect::Deny => Effect::Deny,
        config::Effect::Require => Effect::Require,
    }
}
