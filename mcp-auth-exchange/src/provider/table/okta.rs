//! Okta.

use std::borrow::Cow;

use super::{dropped, rfc8693, rule};
use crate::TokenTypeUri;
use crate::provider::ErrorClass::Misconfigured;
use crate::provider::{ErrorRule, ExchangeProfile, Need};

/// Okta, custom authorization servers. Source: Okta developer guide "Set up OAuth 2.0 On-Behalf-Of Token Exchange".
/// A service app gets custom scopes only.
pub(in crate::provider) fn okta() -> ExchangeProfile {
    static TYPES: &[TokenTypeUri] = &[TokenTypeUri::ACCESS_TOKEN];
    static RULES: &[ErrorRule] = &[
        rule(
            "unauthorized_client",
            Misconfigured,
            "grant_not_allowed",
            "the grant Token Exchange is not enabled on the app `{client}`: General, Grant type, Token Exchange",
        ),
        rule(
            "access_denied",
            Misconfigured,
            "denied",
            "no access policy rule of this authorization server permits `{client}` to exchange tokens: add the client \
             to a policy, and Token Exchange to the grants of a rule",
        ),
        rule(
            "invalid_scope",
            Misconfigured,
            "scope_refused",
            "this authorization server does not grant one of `{scope}` to the service app `{client}`: custom scopes \
             only, each allowed by the access policy",
        ),
        rule(
            "invalid_target",
            Misconfigured,
            "target_unknown",
            "`{audience}` is not the audience of this authorization server, or the server that issued the user's \
             token is not among its trusted servers",
        ),
    ];
    ExchangeProfile {
        name: Cow::Borrowed("Okta"),
        subject_token_type: TokenTypeUri::ACCESS_TOKEN,
        subject_token_types: TYPES,
        audience: Need::Required,
        several_audiences: false,
        resource: Need::Ignored,
        scope: Need::Required,
        actor: Need::Ignored,
        dropped_scopes: dropped(&["openid", "profile", "email", "address", "phone", "offline_access"]),
        refused_methods: &["none"],
        refused_path: Some((
            "/oauth2/v1/token",
            "this is Okta's org authorization server, whose access tokens are opaque and for Okta only: use a custom \
             authorization server, `/oauth2/<authServerId>/v1/token`",
        )),
        rules: RULES,
        ..rfc8693()
    }
}
