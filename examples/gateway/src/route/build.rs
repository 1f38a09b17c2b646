//! From configuration to services.

use std::fmt;
use std::sync::Arc;

use http::Request;
use http::header::HeaderName;
use http_body_util::BodyExt as _;
use mcp_auth_core::credential::TokenSource;
use mcp_auth_core::jwt::{Issuer, RequiredClaim};
use mcp_auth_core::request_target::check_path;
use mcp_auth_discovery::resource::{MetadataLint, ProtectedResourceMetadataBuilder};
use mcp_auth_discovery::well_known::OAUTH_PROTECTED_RESOURCE;
use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier, Scopes};
use mcp_auth_tower::authenticate::Mode;
use mcp_auth_tower::client::Fetch;
use mcp_auth_tower::clock::{Clock as _, SystemClock};
use mcp_auth_tower::keys::{KeyOptions, KeySource, Keys};
use mcp_auth_tower::session::SessionLayer;
use mcp_auth_tower::{McpAuth, McpAuthBuilder};
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _};

use super::exchange::{self, Exchanges};
use super::matching::Target;
use super::param_headers::ParamHeaders;
use super::place::Place;
use super::rules::Levels;
use super::{Facades, RouteService, cors, facade, signing_key};
use crate::config::{self, Position, Source};
use crate::proxy::{Connections, Proxy};
use crate::server::RequestBody;

/// A configuration that reads well and cannot be built.
#[derive(Debug)]
pub(crate) struct BuildError {
    file: String,
    at: Position,
    message: String,
}

impl BuildError {
    pub(crate) fn new(file: &Source, at: Position, message: impl fmt::Display) -> Self {
        Self { file: file.name().to_owned(), at, message: message.to_string() }
    }
}

impl BuildError {
    /// Where in the file.
    pub(crate) fn at(&self) -> Position {
        self.at
    }

    /// What is wrong, without the place.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.at, self.message)
    }
}

impl std::error::Error for BuildError {}

/// Builds one route; `rules` are those of all levels, its own included.
pub(crate) fn route(
    file: &Source,
    route: &config::Route,
    rules: &Levels,
    connections: &Connections,
    session: &SessionLayer,
    exchanges: &Exchanges,
    facades: &Facades,
) -> Result<Target<RouteService>, BuildError> {
    let proxy = proxy(file, route, connections)?.response_timeout(route.policies.timeout.backend_request);
    let policies = &route.policies;
    let service: RouteService = match authenticated(file, route, rules, facades)? {
        Some(auth) => {
            let auth = exchange::exchanged(file, route, exchanges, auth.session(session.clone()))?;
            let auth = built(file, route, auth)?;
            boxed(auth.layer(proxy), policies.cors.as_ref())
        }
        None => boxed(proxy, policies.cors.as_ref()),
    };
    target(file, route, service)
}

/// Which requests go to `to`: those that the route's matches take, and those for its metadata.
pub(crate) fn target<T>(file: &Source, route: &config::Route, to: T) -> Result<Target<T>, BuildError> {
    let (mut well_known, mut place) = (Vec::new(), None);
    if let Some(authentication) = &route.policies.mcp_authentication {
        let resource = resource(file, authentication)?;
        place = Place::of(resource.url());
        well_known.push(resource.metadata_path());
        // Clients fall back to the root form; among several routes the first of the file answers it.
        well_known.push(OAUTH_PROTECTED_RESOURCE.to_owned());
    }
    Target::new(&route.matches, well_known, place, to).map_err(|(at, error)| BuildError::new(file, at, error))
}

/// The pipeline of a route.
pub(crate) fn built(
    file: &Source,
    route: &config::Route,
    auth: McpAuthBuilder,
) -> Result<McpAuth, BuildError> {
    let at = route.policies.mcp_authentication.as_ref().map_or(route.at, |from| from.at);
    auth.build().map_err(|error| BuildError::new(file, at, error))
}

fn boxed<S, B>(service: S, cors: Option<&config::Cors>) -> RouteService
where
    S: tower::Service<Request<RequestBody>, Response = http::Response<B>, Error = std::convert::Infallible>
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
            ParamHeaders(cors::layer(policy).layer(service))
                .map_response(|r: http::Response<B>| r.map(|b| b.boxed_unsync())),
        ),
    }
}

fn proxy(file: &Source, route: &config::Route, connections: &Connections) -> Result<Proxy, BuildError> {
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
pub(super) fn resource(
    file: &Source,
    from: &config::McpAuthentication,
) -> Result<ResourceIdentifier, BuildError> {
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

/// The protected resource metadata of a route, and its scopes.
fn document(
    file: &Source,
    from: &config::McpAuthentication,
    resource: &ResourceIdentifier,
) -> Result<(ProtectedResourceMetadata, Scopes), BuildError> {
    let metadata = &from.resource_metadata;
    let scopes = Scopes::new(&metadata.scopes_supported)
        .map_err(|e| BuildError::new(file, from.at, format_args!("scopesSupported: {e}")))?;
    let mut document = ProtectedResourceMetadata::builder(resource.clone()).scopes_supported(&scopes);
    for server in &metadata.authorization_servers {
        document = document.authorization_server(server.as_str());
    }
    let document = described(file, document, &metadata.members)?.build();
    let document = match &metadata.members.signed {
        None => document,
        Some(signed) => self::signed(file, document, signed)?,
    };
    Ok((document, scopes))
}

/// The document with what is passed on.
fn described(
    file: &Source,
    mut document: ProtectedResourceMetadataBuilder,
    from: &config::Members,
) -> Result<ProtectedResourceMetadataBuilder, BuildError> {
    if let Some(name) = &from.name {
        document = document.resource_name(name);
    }
    if let Some(url) = &from.documentation {
        document = document.resource_documentation(url.as_str());
    }
    if let Some(url) = &from.policy_uri {
        document = document.resource_policy_uri(url.as_str());
    }
    if let Some(url) = &from.tos_uri {
        document = document.resource_tos_uri(url.as_str());
    }
    if let Some(url) = &from.jwks_uri {
        document = document.jwks_uri(url.url().clone());
    }
    if let Some(algorithms) = &from.signing_algorithms {
        document = document.resource_signing_alg_values_supported(algorithms.clone());
    }
    if let Some(bound) = from.certificate_bound {
        document = document.tls_client_certificate_bound_access_tokens(bound);
    }
    if let Some(types) = &from.authorization_details_types {
        document = document.authorization_details_types_supported(types.clone());
    }
    if let Some(algorithms) = &from.dpop_algorithms {
        document = document.dpop_signing_alg_values_supported(algorithms.clone());
    }
    if let Some(required) = from.dpop_required {
        document = document.dpop_bound_access_tokens_required(required);
    }
    for one in &from.localized {
        let added = document.localized(one.member, &one.language.value, &one.text);
        document = added.map_err(|e| {
            BuildError::new(file, one.language.at, format_args!("resourceMetadata.localized: {e}"))
        })?;
    }
    Ok(document)
}

/// The document with an attestation of it.
fn signed(
    file: &Source,
    document: ProtectedResourceMetadata,
    from: &config::SignedMetadata,
) -> Result<ProtectedResourceMetadata, BuildError> {
    let error = |message: &dyn fmt::Display| {
        BuildError::new(file, from.key_file.at, format_args!("signedMetadata.keyFile: {message}"))
    };
    let (signer, name) = signing_key::read(&from.key_file).map_err(|e| error(&e))?;
    let resource = document.resource.as_str().to_owned();
    let issuer = from.issuer.as_ref().map_or(resource.as_str(), |url| url.as_str());
    let kid = from.key_id.as_deref().unwrap_or(&name);
    document.sign(issuer, kid, &signer, SystemClock.now()).map_err(|e| error(&e))
}

/// What is doubtful about a route's protected resource metadata, beside what the loader has warned of.
pub(crate) fn metadata_findings(
    file: &Source,
    from: &config::McpAuthentication,
) -> Result<Vec<String>, BuildError> {
    let (document, _) = document(file, from, &resource(file, from)?)?;
    let known = |lint: &MetadataLint| {
        matches!(
            lint,
            MetadataLint::InsecureResource | MetadataLint::Audience(_) | MetadataLint::OfflineAccess
        )
    };
    Ok(document.lint(&[]).iter().filter(|lint| !known(lint)).map(ToString::to_string).collect())
}

/// The issuer of the provider's tokens, and its keys.
pub(super) fn provider_issuer<'a>(
    file: &Source,
    from: &config::McpAuthentication,
    audiences: impl IntoIterator<Item = &'a String>,
    fetch: Arc<dyn Fetch>,
) -> Result<(Issuer, Keys), BuildError> {
    let error = |at: Position, message: &dyn fmt::Display| BuildError::new(file, at, message);
    let issuer = Issuer::new(from.issuer.value.clone());
    let mut issuer = audiences.into_iter().fold(issuer, |issuer, audience| issuer.audience(audience.clone()));
    let required: Vec<RequiredClaim> =
        from.required_claims.iter().filter_map(|claim| RequiredClaim::from_name(claim.as_str())).collect();
    if !required.contains(&RequiredClaim::Exp) {
        // The file says so explicitly, and the loader has warned.
        issuer = issuer.danger_accept_without_expiry();
    }
    issuer = issuer.required_claims(&required);
    let (at, source) = match &from.jwks {
        config::Jwks::Url(url) => (from.at, KeySource::url(url.as_str()).map_err(|e| error(from.at, &e))?),
        config::Jwks::File(path) => (path.at, KeySource::file(&path.value)),
        config::Jwks::Inline(json) => (json.at, KeySource::inline(json.value.clone())),
        config::Jwks::Discovered => (from.at, KeySource::discovered()),
    };
    let options = KeyOptions::new().client(fetch);
    let options = match &from.jwks {
        // The configuration has warned about plain HTTP off this machine.
        config::Jwks::Url(_) => options.danger_allow_http(),
        _ => options,
    };
    let keys = Keys::new(&issuer, source, &options).map_err(|e| error(at, &e))?;
    Ok((issuer, keys))
}

/// Authentication and authorization of a route; `None` for one that is open to all.
pub(crate) fn authenticated(
    file: &Source,
    route: &config::Route,
    rules: &Levels,
    facades: &Facades,
) -> Result<Option<McpAuthBuilder>, BuildError> {
    let policies = &route.policies;
    let Some(from) = &policies.mcp_authentication else {
        return match (rules.at(), policies.rules.at()) {
            (None, _) => Ok(None),
            (Some(_), Some(own)) => {
                let message =
                    "authorization rules need mcpAuthentication on the same route: nobody would have claims";
                Err(BuildError::new(file, own, message))
            }
            (Some(above), None) => {
                let message = format!(
                    "the rules at {above} are for this route too and need mcpAuthentication: nobody would have claims"
                );
                Err(BuildError::new(file, route.at, message))
            }
        };
    };
    let resource = resource(file, from)?;
    let error = |at: Position, message: &dyn fmt::Display| BuildError::new(file, at, message);
    let here = |message: &dyn fmt::Display| error(from.at, message);
    let (document, scopes) = document(file, from, &resource)?;

    // Where tokens of our own stand for the provider's, those are no longer accepted.
    let own = facades.of(from).and_then(|server| facade::own_issuer(server, &resource));
    let (issuer, keys) = match own {
        Some((issuer, keys)) => {
            let keys = Keys::new(&issuer, KeySource::inline(keys), &KeyOptions::new());
            (issuer, keys.map_err(|e| here(&e))?)
        }
        None => provider_issuer(file, from, &from.audiences, facades.fetch())?,
    };

    let location = &from.authorization_location;
    let header: HeaderName =
        location.name.parse().map_err(|e| here(&format_args!("authorizationLocation: {e}")))?;
    let mut auth = McpAuth::builder_for(resource)
        .scopes(&scopes.to_string())
        .map_err(|e| here(&e))?
        .metadata(document)
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
    auth = auth.issuer_keys(issuer, keys);
    let denials = policies.denials;
    auth = auth.missing_scopes(denials.missing_scopes);
    if denials.hide {
        auth = auth.hide_denied();
    }
    if denials.list_granted_only {
        auth = auth.list_granted_only();
    }
    if denials.all_scopes {
        auth = auth.challenge_all_scopes();
    }
    match route.backends.as_slice() {
        [config::Backend::Mcp(targets)] if targets.len() == 1 => {
            auth = targets.iter().fold(auth, |auth, target| auth.target(&target.name.value));
        }
        _ if rules.read_targets() => {
            let message = "a rule reads the `target` of an item: only a backend `mcp` with `targets` has one";
            return Err(BuildError::new(file, route.at, message));
        }
        _ => {}
    }
    if let Some(rules) = rules.mcp() {
        auth = auth.policy(rules.clone());
    }
    if let Some(rules) = rules.http() {
        auth = auth.http_policy(rules.clone());
    }
    Ok(Some(auth))
}
