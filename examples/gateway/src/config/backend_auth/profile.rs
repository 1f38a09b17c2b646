//! What a provider accepts, by its name.

use mcp_auth_discovery::provider::ProviderKind;
use mcp_auth_exchange::TokenTypeUri;
use mcp_auth_exchange::provider::{ExchangeGrant, ExchangeProfile};
use url::Url;

use super::super::error::{ConfigErrorKind, Fault};
use super::super::fields::Fields;
use super::super::node::Node;
use super::super::suggest;

/// What agentgateway takes the subject token from, where `mcpAuthentication` or `jwtAuth` has removed it.
const RAW_TOKEN: &str = "jwt.rawToken.unredacted()";

const PROVIDERS: [&str; 11] = [
    "keycloak",
    "entra",
    "auth0",
    "auth0Custom",
    "auth0TokenVault",
    "okta",
    "frontegg",
    "pingFederate",
    "zitadel",
    "authentik",
    "googleSts",
];

/// Names of token types that are not URIs.
const SHORT_TYPES: [&str; 5] = ["accessToken", "access_token", "jwt", "idToken", "id_token"];

/// The profile of a provider by the name that the file gives it.
pub(super) fn named(name: &str) -> Option<ExchangeProfile> {
    Some(match name {
        "keycloak" => ExchangeProfile::of(ProviderKind::Keycloak),
        "entra" => ExchangeProfile::of(ProviderKind::EntraV2),
        "auth0" => ExchangeProfile::of(ProviderKind::Auth0),
        "auth0Custom" => ExchangeProfile::auth0_custom(),
        "auth0TokenVault" => ExchangeProfile::auth0_token_vault(),
        "okta" => ExchangeProfile::of(ProviderKind::Okta),
        "frontegg" => ExchangeProfile::of(ProviderKind::Frontegg),
        "pingFederate" => ExchangeProfile::ping_federate(),
        "zitadel" => ExchangeProfile::zitadel(),
        "authentik" => ExchangeProfile::authentik(),
        "googleSts" => ExchangeProfile::google_sts(),
        _ => return None,
    })
}

/// `provider` and `grantType`.
pub(super) fn read(fields: &mut Fields, entra: bool) -> Result<ExchangeProfile, Fault> {
    let grant = fields.text("grantType")?;
    let jwt_bearer = match grant.as_ref().map(|grant| grant.value.as_str()) {
        None => None,
        Some("tokenExchange") => Some(false),
        Some("jwtBearer") => Some(true),
        Some(other) => {
            let at = grant.as_ref().map_or(fields.at(), |grant| grant.at);
            return Err(Fault::unknown_word(at, other, "`grantType`", &["tokenExchange", "jwtBearer"]));
        }
    };
    Ok(match fields.text("provider")? {
        Some(provider) => {
            let profile = named(&provider.value);
            let profile = profile
                .ok_or_else(|| Fault::unknown_word(provider.at, &provider.value, "`provider`", &PROVIDERS))?;
            let is_exchange =
                matches!(profile.grant(), ExchangeGrant::TokenExchange | ExchangeGrant::TokenVault);
            if jwt_bearer == Some(is_exchange) {
                let at = grant.as_ref().map_or(provider.at, |grant| grant.at);
                let message =
                    format!("`grantType` is not the one of `provider: {}`: leave it out", provider.value);
                return Err(Fault::new(ConfigErrorKind::Conflict, at, message));
            }
            profile
        }
        None if jwt_bearer != Some(true) => {
            // What agentgateway sends where nothing is said.
            ExchangeProfile::rfc8693().takes_subject_token(TokenTypeUri::ACCESS_TOKEN).requests(None)
        }
        None if entra => ExchangeProfile::of(ProviderKind::EntraV2),
        None => ExchangeProfile::jwt_bearer(),
    })
}

/// `subjectToken`: under which type the validated token is sent.
pub(super) fn subject_token(node: Node) -> Result<Option<TokenTypeUri>, Fault> {
    let mut fields = Fields::new(node, "subjectToken", &["source", "tokenType"], &[])?;
    if let Some(source) = fields.text("source")?
        && source.value != RAW_TOKEN
    {
        let message = format!(
            "`source` can be `{RAW_TOKEN}` alone: the token that was validated is the one that is exchanged"
        );
        return Err(Fault::invalid(source.at, message));
    }
    fields.take("tokenType").map(|uri| token_type(uri, "tokenType")).transpose()
}

/// A URI, or the short name that agentgateway has for it.
pub(super) fn token_type(node: Node, field: &str) -> Result<TokenTypeUri, Fault> {
    let text = node.filled_text(field)?;
    match text.value.as_str() {
        "accessToken" | "access_token" => Ok(TokenTypeUri::ACCESS_TOKEN),
        "jwt" => Ok(TokenTypeUri::JWT),
        "idToken" | "id_token" => Ok(TokenTypeUri::ID_TOKEN),
        other if Url::parse(other).is_ok() => TokenTypeUri::new(other.to_owned())
            .map_err(|e| Fault::invalid(text.at, format!("`{field}`: {e}"))),
        other => {
            let (names, hint) = (suggest::list(&SHORT_TYPES), suggest::hint(other, &SHORT_TYPES));
            let message =
                format!("`{field}` must be a URI (RFC 8693 §3) or one of {names}, found `{other}`{hint}");
            Err(Fault::invalid(text.at, message))
        }
    }
}
