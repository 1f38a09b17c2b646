//! The profiles. "Source" says where a line comes from; none of the vendors' clouds was asked, Keycloak's rules are
//! from its source code.

mod auth0;
mod entra;
mod keycloak;
mod okta;
mod others;
mod standard;

pub(super) use auth0::{auth0_custom, auth0_on_behalf_of, auth0_token_vault};
pub(super) use entra::entra;
pub(super) use keycloak::keycloak;
pub(super) use okta::okta;
pub(super) use others::{authentik, frontegg, google_sts, ping_federate, zitadel};
pub(super) use standard::{STANDARD, id_jag_issuer, jwt_bearer, rfc8693};

use mcp_auth_discovery::Scopes;

use super::{ErrorClass, ErrorRule};

const fn rule(code: &'static str, class: ErrorClass, id: &'static str, advice: &'static str) -> ErrorRule {
    ErrorRule::fixed(code, None, class, id, advice)
}

/// A rule for an error that says so.
const fn said(
    text: &'static str,
    code: &'static str,
    class: ErrorClass,
    id: &'static str,
    advice: &'static str,
) -> ErrorRule {
    ErrorRule::fixed(code, Some(text), class, id, advice)
}

/// Scopes that a provider refuses in an exchange.
fn dropped(scopes: &[&str]) -> Scopes {
    // INVARIANT: those of the tables are scope tokens, as their tests see.
    Scopes::new(scopes).unwrap_or_default()
}
