//! Auth0, in its three ways.

use std::borrow::Cow;

use super::{rfc8693, rule, said};
use crate::TokenTypeUri;
use crate::provider::ErrorClass::{ConsentRequired, Misconfigured};
use crate::provider::{ErrorRule, ExchangeGrant, ExchangeProfile, Need};

/// A chain of five actors at most. Auth0 documents the error's code and not its text: its documentation speaks of a
/// "delegation chain" and of "nested levels".
const TOO_DEEP: &str = "the inbound token names as many actors as Auth0 allows (`act`, five levels): fewer \
                        services have to exchange one after the other";

/// Auth0, on-behalf-of token exchange. Source: Auth0 docs "On-Behalf-Of Token Exchange" (validated 2026-04-30).
pub(in crate::provider) fn auth0_on_behalf_of() -> ExchangeProfile {
    static TYPES: &[TokenTypeUri] = &[TokenTypeUri::ACCESS_TOKEN];
    static RULES: &[ErrorRule] = &[
        rule(
            "unauthorized_client",
            Misconfigured,
            "grant_not_allowed",
            "the application `{client}` is not a Custom API Client (`app_type: resource_server`) of the API that the \
             inbound token is for, or lacks `on_behalf_of_token_exchange`: a machine-to-machine application cannot \
             act for users",
        ),
        rule(
            "access_denied",
            Misconfigured,
            "denied",
            "`{client}` has no user client grant for the API `{audience}`, or an Action denied it",
        ),
        rule(
            "invalid_target",
            Misconfigured,
            "target_unknown",
            "`{audience}` is not the identifier of an API of this tenant",
        ),
        said("chain", "invalid_request", Misconfigured, "actor_chain", TOO_DEEP),
        said("nest", "invalid_request", Misconfigured, "actor_chain", TOO_DEEP),
    ];
    ExchangeProfile {
        name: Cow::Borrowed("Auth0"),
        subject_token_type: TokenTypeUri::ACCESS_TOKEN,
        subject_token_types: TYPES,
        audience: Need::Required,
        several_audiences: false,
        // Only in the tenant's compatibility mode.
        resource: Need::Ignored,
        actor: Need::Ignored,
        writes_actor: true,
        refused_methods: &["none"],
        rules: RULES,
        ..rfc8693()
    }
}

/// Source: Auth0 docs "Custom Token Exchange", reserved namespaces.
static RESERVED: &[&str] = &[
    "urn:ietf",
    "urn:auth0",
    "urn:okta",
    "https://auth0.com",
    "http://auth0.com",
    "https://okta.com",
    "http://okta.com",
];

/// Source: Auth0 docs "Custom Token Exchange".
pub(in crate::provider) fn auth0_custom() -> ExchangeProfile {
    static RULES: &[ErrorRule] = &[rule(
        "unauthorized_client",
        Misconfigured,
        "grant_not_allowed",
        "the application `{client}` may not use custom token exchange: it has to be a first-party, OIDC-conformant \
         application with `custom_authentication` allowed",
    )];
    ExchangeProfile {
        subject_token_types: &[],
        subject_token_type: TokenTypeUri::JWT,
        // Asking for `access_token` with a type of one's own is refused.
        requested_token_type: None,
        audience: Need::Advised,
        actor: Need::Optional,
        writes_actor: false,
        reserved_types: RESERVED,
        rules: RULES,
        ..auth0_on_behalf_of()
    }
}

/// Source: Auth0 docs "Access Token Exchange with Token Vault". What comes back is another provider's token, about
/// which nothing can be said here.
pub(in crate::provider) fn auth0_token_vault() -> ExchangeProfile {
    static TYPES: &[TokenTypeUri] = &[TokenTypeUri::ACCESS_TOKEN, TokenTypeUri::REFRESH_TOKEN];
    static RULES: &[ErrorRule] = &[
        rule(
            "invalid_client",
            Misconfigured,
            "client_refused",
            "Auth0 does not accept the credential of `{client}`: check id, secret and method",
        ),
        rule(
            "unauthorized_client",
            Misconfigured,
            "grant_not_allowed",
            "the application `{client}` lacks the Token Vault grant, or is not confidential and first-party",
        )
        .status(403),
        rule(
            "federated_connection*",
            ConsentRequired,
            "connect",
            "the user has not connected this account to Auth0",
        ),
        rule(
            "*",
            ConsentRequired,
            "connect",
            "the user has not connected this account to Auth0, or has to again",
        )
        .status(401),
    ];
    ExchangeProfile {
        name: Cow::Borrowed("Auth0 Token Vault"),
        grant: ExchangeGrant::TokenVault,
        subject_token_types: TYPES,
        requested_token_type: Some(TokenTypeUri::AUTH0_FEDERATED_CONNECTION),
        audience: Need::Refused,
        resource: Need::Refused,
        actor: Need::Refused,
        writes_actor: false,
        says_issued_token_type: false,
        audience_in_token: false,
        subject_claim: None,
        rules: RULES,
        ..auth0_on_behalf_of()
    }
}
