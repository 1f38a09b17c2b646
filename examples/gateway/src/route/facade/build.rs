//! From what is written to one server.

use std::fmt;
use std::sync::Arc;

use mcp_auth_core::jwt::Validator;
use mcp_auth_discovery::registration::ClientMetadata;
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use mcp_auth_exchange::facade::{
    AccessTokens, Facade, FacadeBuilder, OwnTokens, PreRegisteredClient, ProtectedResource,
    RegistrationRules, Upstream,
};
use mcp_auth_tower::authenticate::AuthenticateLayer;
use mcp_auth_tower::facade::FacadeServer;

use super::super::build::{BuildError, provider_issuer, resource};
use super::super::{credential, signing_key};
use super::Served;
use crate::config::{self, Client, McpAuthentication, Source, Tokens};
use crate::state::Shared;

/// One server for all routes that share it. Never called without one.
pub(super) fn server(
    file: &Source,
    routes: &[&Served<'_>],
    shared: &Shared,
) -> Result<FacadeServer, BuildError> {
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
            let credential = credential::open(client).map_err(|(at, e)| BuildError::new(file, at, e))?;
            Upstream::shared(from.provider.clone(), credential)
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
    builder = rest.fold(builder, FacadeBuilder::resource);
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
        .client_document_client(shared.document_fetch())
        .limits(from.limits);
    if let Some(policy) = &from.documents {
        server = server.client_documents(policy.clone());
    }
    if let Some(Client::Workload(id, path)) = &from.client {
        server = server.workload_token_file(id, &path.value);
    }
    if let Some(fetch) = shared.certificate() {
        server = server.certificate(config::CERTIFICATE, fetch);
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

fn own_tokens(file: &Source, from: &config::OwnTokens) -> Result<OwnTokens, BuildError> {
    let error = |message: &dyn fmt::Display| {
        BuildError::new(file, from.key_file.at, format_args!("tokens.own.keyFile: {message}"))
    };
    let (signer, kid) = signing_key::read(&from.key_file).map_err(|e| error(&e))?;
    let mut tokens = OwnTokens::new(Arc::new(signer), kid);
    if let Some(lifetime) = from.lifetime {
        tokens = tokens.lifetime(lifetime);
    }
    Ok(from.claims.iter().fold(tokens, OwnTokens::claim))
}
