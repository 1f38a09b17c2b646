//! Keycloak.

use std::borrow::Cow;

use super::{dropped, rfc8693, rule, said};
use crate::TokenTypeUri;
use crate::provider::ErrorClass::{ConsentRequired, Misconfigured, SubjectRefused};
use crate::provider::{ErrorRule, ExchangeProfile, Need};

/// Keycloak 26.2 and later, standard token exchange (version 2, on by default). Source: keycloak/keycloak
/// `StandardTokenExchangeProvider.java`, `AbstractTokenExchangeProvider.java`; guide "Configuring and using token
/// exchange". `audience` is a client id of the realm and only filters what mappers and scopes give already.
pub(in crate::provider) fn keycloak() -> ExchangeProfile {
    static TYPES: &[TokenTypeUri] = &[TokenTypeUri::ACCESS_TOKEN];
    static RULES: &[ErrorRule] = &[
        said(
            "audience not found",
            "invalid_client",
            Misconfigured,
            "audience_unknown",
            "`audience` `{audience}` is not the id of a client in this realm: Keycloak's audience is a client id, not \
             a URL; create the client, or correct the audience",
        ),
        said(
            "client disabled",
            "invalid_client",
            Misconfigured,
            "audience_disabled",
            "the client `{audience}`, which is the audience, is disabled in this realm",
        )
        .status(400),
        said(
            "public client",
            "invalid_client",
            Misconfigured,
            "public_client",
            "`{client}` is a public client: Keycloak exchanges tokens for confidential clients only (Client \
             authentication: On)",
        ),
        rule(
            "access_denied",
            Misconfigured,
            "not_in_subject_audience",
            "the gateway's client `{client}` is not in the subject token's audience: add an audience mapper with \
             included client audience `{client}` to the client that the users log in with, or to one of its client \
             scopes (the token is for `{subject_audience}`)",
        ),
        said(
            "token exchange is not enabled",
            "invalid_request",
            Misconfigured,
            "exchange_not_enabled",
            "standard token exchange is off for the client `{client}`: switch it on in the client's capability \
             config (attribute `standard.token.exchange.enabled`)",
        ),
        said(
            "supports access tokens only",
            "invalid_request",
            Misconfigured,
            "subject_token_type",
            "Keycloak exchanges access tokens only: send `subject_token_type` \
             `urn:ietf:params:oauth:token-type:access_token`, not `{type}`",
        ),
        said(
            "requested audience not available",
            "invalid_request",
            Misconfigured,
            "audience_not_available",
            "the token would not have the audience `{audience}`: `audience` only filters. Add an audience mapper for \
             it to a client scope of `{client}`, and ask for that scope; or give the user a role of that client",
        ),
        said(
            "invalid token",
            "invalid_request",
            SubjectRefused,
            "subject_refused",
            "Keycloak refuses the user's token: expired, or its session is over",
        ),
        rule(
            "invalid_request",
            Misconfigured,
            "request_refused",
            "Keycloak refuses the request: check the types, and whether the subject token is bound to another \
             client's key",
        ),
        said(
            "missing consents",
            "invalid_scope",
            ConsentRequired,
            "consent",
            "the user has not consented to the client scopes that `{client}` asks for, and the client requires \
             consent",
        ),
        rule(
            "invalid_scope",
            Misconfigured,
            "scope_refused",
            "one of `{scope}` is not a client scope of `{client}`: add it as an optional client scope",
        ),
        rule(
            "unsupported_grant_type",
            Misconfigured,
            "grant_unknown",
            "token exchange is off on this Keycloak: since 26.2 it is on by default; check `--features-disabled`, and \
             do not take `--features=token-exchange`, which is the deprecated first version",
        ),
        // 26.7 says this of a wrong secret, and `invalid_client` of an unknown id.
        said(
            "invalid client credentials",
            "unauthorized_client",
            Misconfigured,
            "client_refused",
            "the secret or key of `{client}` is not accepted: compare it, and the authentication method, with the \
             client's credentials in this realm",
        ),
        rule(
            "unauthorized_client",
            Misconfigured,
            "grant_not_allowed",
            "the client `{client}` may not exchange tokens: switch on standard token exchange in its capability config",
        ),
    ];
    ExchangeProfile {
        name: Cow::Borrowed("Keycloak"),
        subject_token_type: TokenTypeUri::ACCESS_TOKEN,
        subject_token_types: TYPES,
        audience: Need::Advised,
        resource: Need::Ignored,
        actor: Need::Ignored,
        // An exchanged token never gets offline access.
        dropped_scopes: dropped(&["offline_access"]),
        refused_methods: &["none"],
        client_in_subject_audience: true,
        rules: RULES,
        ..rfc8693()
    }
}
