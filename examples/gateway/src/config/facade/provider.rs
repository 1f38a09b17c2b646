//! `provider`: which one, by its name or described by hand.

use mcp_auth_discovery::Scopes;
use mcp_auth_discovery::provider::{Provider, ProviderError, ProviderKind, ProviderSettings, Quirks};
use mcp_auth_discovery::server::MetadataSource;
use serde_json::{Map, Value, json};

use super::super::error::{ConfigErrorKind, Fault, Position};
use super::super::fields::Fields;
use super::super::node::{Kind, Node, Spanned};

/// The names, agentgateway's six first. Which `entra` it is shows in the issuer.
const NAMES: [(&str, ProviderKind); 12] = [
    ("auth0", ProviderKind::Auth0),
    ("keycloak", ProviderKind::Keycloak),
    ("okta", ProviderKind::Okta),
    ("descope", ProviderKind::Descope),
    ("authentik", ProviderKind::Authentik),
    ("entra", ProviderKind::EntraV2),
    ("entraV1", ProviderKind::EntraV1),
    ("entraV2", ProviderKind::EntraV2),
    ("frontegg", ProviderKind::Frontegg),
    ("zitadel", ProviderKind::Zitadel),
    ("openIdConnect", ProviderKind::OpenIdConnect),
    ("oauth", ProviderKind::OAuth),
];

const CUSTOM: &str = "custom";

/// The issuers of v1.0 tokens.
const ENTRA_V1: &str = "https://sts.windows.net/";

/// The fields of [`ProviderSettings`], `quirks` last.
const SETTINGS: [&str; 7] =
    ["issuer", "metadataIssuer", "metadata", "jwksUri", "authorizationEndpoint", "tokenEndpoint", "quirks"];

/// The fields of [`Quirks`].
const QUIRKS: [&str; 7] = [
    "resource",
    "pkce",
    "registration",
    "responseIss",
    "defaultScopes",
    "scopePrefixes",
    "dropRegistrationScope",
];

/// A name, or a mapping of one name to its settings.
pub(super) fn read(node: Node, issuer: &Spanned<String>) -> Result<Spanned<Provider>, Fault> {
    let at = node.at;
    let (name, settings) = match node.kind {
        Kind::Text(_) => (node.filled_text("provider")?, None),
        Kind::Mapping(_) => {
            let mut entries = node.mapping("provider")?;
            match (entries.pop(), entries.is_empty()) {
                (Some((name, settings)), true) => (name, Some(settings)),
                _ => return Err(Fault::invalid(at, "`provider` must have exactly one name")),
            }
        }
        other => return Err(other.wrong_type(at, "provider", "a name, or a mapping of one name")),
    };
    let value = if name.value.eq_ignore_ascii_case(CUSTOM) {
        let settings = settings.ok_or_else(|| {
            Fault::invalid(name.at, "`custom` describes a provider: `provider: {custom: {quirks: {…}}}`")
        })?;
        custom(settings, issuer)?
    } else {
        preset(&name, settings, issuer)?
    };
    Ok(Spanned { value, at: name.at })
}

fn preset(
    name: &Spanned<String>,
    settings: Option<Node>,
    issuer: &Spanned<String>,
) -> Result<Provider, Fault> {
    let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name.value));
    let kind = match known {
        Some(("entra", _)) if issuer.value.starts_with(ENTRA_V1) => ProviderKind::EntraV1,
        Some((_, kind)) => *kind,
        None => {
            let names: Vec<&str> = NAMES.iter().map(|(known, _)| *known).chain([CUSTOM]).collect();
            return Err(Fault::unknown_word(name.at, &name.value, "`provider`", &names));
        }
    };
    let provider = Provider::of_issuer(kind, &issuer.value).map_err(|e| {
        let other = match e {
            ProviderError::IssuerForm { .. } => "; any other provider is `provider: {custom: {…}}`",
            _ => "",
        };
        Fault::invalid(issuer.at, format!("`issuer`: {e}{other}"))
    })?;
    match settings {
        None => Ok(provider),
        // How an empty `keycloak:` reads.
        Some(Node { kind: Kind::Null, .. }) => Ok(provider),
        Some(node) => {
            let mut fields = Fields::new(node, "provider", &["quirks"], &[])?;
            let Some(node) = fields.take("quirks") else { return Ok(provider) };
            let quirks = read_quirks(node, provider.quirks().clone())?;
            Ok(provider.with_quirks(quirks))
        }
    }
}

fn custom(node: Node, issuer: &Spanned<String>) -> Result<Provider, Fault> {
    let at = node.at;
    let mut fields = Fields::new(node, "provider.custom", &SETTINGS, &[])?;
    if let Some(own) = fields.text("issuer")?
        && own.value != issuer.value
    {
        let message = "`custom.issuer` is another one than `issuer` of mcpAuthentication: leave it out (the issuer of its metadata is `metadataIssuer`)";
        return Err(Fault::new(ConfigErrorKind::Conflict, own.at, message));
    }
    let mut settings = Map::new();
    settings.insert("issuer".to_owned(), issuer.value.clone().into());
    for field in SETTINGS.into_iter().filter(|field| !matches!(*field, "issuer" | "quirks")) {
        let Some(node) = fields.take(field) else { continue };
        let (at, value) = (node.at, node.into_json());
        let alone = json!({ "issuer": issuer.value, field: value.clone() });
        checked::<ProviderSettings>(alone, field, at)?;
        settings.insert(field.to_owned(), value);
    }
    let mut settings: ProviderSettings = checked(Value::Object(settings), CUSTOM, at)?;
    if let Some(node) = fields.take("quirks") {
        settings.quirks = read_quirks(node, Quirks::default())?;
    }
    let provider =
        settings.into_provider().map_err(|e| Fault::invalid(at, format!("`provider.custom`: {e}")))?;
    let elsewhere = matches!(provider.metadata_source(), MetadataSource::Url(_))
        || provider.metadata_issuer() != provider.issuer();
    if elsewhere && provider.jwks_uri().is_none() {
        let message = "`jwksUri` is needed in provider.custom: the issuer's own metadata is not where its keys would be looked for";
        return Err(Fault::new(ConfigErrorKind::MissingField, at, message));
    }
    Ok(provider)
}

/// `quirks` with what is written there instead.
fn read_quirks(node: Node, mut quirks: Quirks) -> Result<Quirks, Fault> {
    let mut fields = Fields::new(node, "quirks", &QUIRKS, &[])?;
    for field in QUIRKS {
        let Some(node) = fields.take(field) else { continue };
        let at = node.at;
        let read: Quirks = checked(json!({ field: node.into_json() }), &format!("quirks.{field}"), at)?;
        match field {
            "resource" => quirks.resource = read.resource,
            "pkce" => quirks.pkce = read.pkce,
            "registration" => quirks.registration = read.registration,
            "responseIss" => quirks.response_iss = read.response_iss,
            "defaultScopes" => quirks.default_scopes = read.default_scopes,
            "scopePrefixes" => quirks.scope_prefixes = prefixes(read.scope_prefixes, at)?,
            _ => quirks.drop_registration_scope = read.drop_registration_scope,
        }
    }
    Ok(quirks)
}

/// Scopes begin with them.
fn prefixes(prefixes: Vec<String>, at: Position) -> Result<Vec<String>, Fault> {
    match Scopes::new(&prefixes) {
        Ok(_) => Ok(prefixes),
        Err(e) => Err(Fault::invalid(at, format!("`quirks.scopePrefixes`: {e}"))),
    }
}

fn checked<T: serde::de::DeserializeOwned>(value: Value, field: &str, at: Position) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|e| Fault::invalid(at, format!("`{field}`: {e}")))
}
