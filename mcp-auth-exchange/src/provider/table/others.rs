//! Providers with few rules of their own.

use std::borrow::Cow;

use super::{rfc8693, rule, said};
use crate::TokenTypeUri;
use crate::provider::ErrorClass::Misconfigured;
use crate::provider::{ErrorRule, ExchangeProfile, Need};

/// Frontegg advertises the grant; no primary source says more, so that nothing else is assumed.
pub(in crate::provider) fn frontegg() -> ExchangeProfile {
    ExchangeProfile { name: Cow::Borrowed("Frontegg"), ..rfc8693() }
}

/// Source: PingFederate administrator's guide, "Token exchange": types are what the processor policy names,
/// `audience` is another client, `resource` picks the token manager or generator.
pub(in crate::provider) fn ping_federate() -> ExchangeProfile {
    static RULES: &[ErrorRule] = &[said(
        "token_type",
        "invalid_request",
        Misconfigured,
        "request_refused",
        "no Token Exchange Processor Policy takes a subject token of type `{type}`: types are compared with what the \
         policy names, letter for letter",
    )];
    ExchangeProfile {
        name: Cow::Borrowed("PingFederate"),
        subject_token_type: TokenTypeUri::ACCESS_TOKEN,
        audience_in_token: false,
        rules: RULES,
        ..rfc8693()
    }
}

/// Source: zitadel docs "Token Exchange", `internal/api/oidc/token_exchange.go`. An access token is opaque unless a
/// JWT is asked for; `resource` is always `invalid_target`.
pub(in crate::provider) fn zitadel() -> ExchangeProfile {
    static RULES: &[ErrorRule] = &[rule(
        "unsupported_grant_type",
        Misconfigured,
        "grant_unknown",
        "token exchange is off: switch on the instance feature, and the grant on the application `{client}`",
    )];
    ExchangeProfile {
        name: Cow::Borrowed("Zitadel"),
        subject_token_type: TokenTypeUri::ACCESS_TOKEN,
        requested_token_type: Some(TokenTypeUri::JWT),
        resource: Need::Refused,
        rules: RULES,
        ..rfc8693()
    }
}

/// Source: authentik docs and `authentik/providers/oauth2`, token exchange (2026.x).
pub(in crate::provider) fn authentik() -> ExchangeProfile {
    static TYPES: &[TokenTypeUri] = &[TokenTypeUri::ACCESS_TOKEN, TokenTypeUri::JWT];
    // One error for both, and the same text. A user whom a policy denies would log in for ever; one whose session is over
    // gets his 401 when his token ends.
    static RULES: &[ErrorRule] = &[rule(
        "invalid_grant",
        Misconfigured,
        "denied",
        "a policy of the application `{audience}` denies this user, it does not federate `{client}`, or the user's \
         session at authentik is over",
    )];
    ExchangeProfile {
        name: Cow::Borrowed("authentik"),
        subject_token_type: TokenTypeUri::ACCESS_TOKEN,
        subject_token_types: TYPES,
        audience: Need::Advised,
        several_audiences: false,
        resource: Need::Refused,
        // Without `scope` the token has none.
        scope: Need::Advised,
        refused_methods: &["none"],
        rules: RULES,
        ..rfc8693()
    }
}

/// Source: Google Cloud "Method: token" of the Security Token Service API: "do not send the Authorization HTTP header".
pub(in crate::provider) fn google_sts() -> ExchangeProfile {
    static TYPES: &[TokenTypeUri] = &[TokenTypeUri::JWT, TokenTypeUri::ID_TOKEN, TokenTypeUri::SAML2];
    static RULES: &[ErrorRule] = &[
        rule(
            "invalid_target",
            Misconfigured,
            "target_unknown",
            "`{audience}` is not the full name of a workload identity pool provider: \
             `//iam.googleapis.com/projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>`",
        ),
        rule(
            "unauthorized_client",
            Misconfigured,
            "denied",
            "the provider's attribute condition does not accept the user's token",
        ),
        rule(
            "invalid_request",
            Misconfigured,
            "request_refused",
            "Google refuses the request: check `audience`, `scope` and the type `{type}`",
        ),
    ];
    ExchangeProfile {
        name: Cow::Borrowed("Google STS"),
        subject_token_type: TokenTypeUri::JWT,
        subject_token_types: TYPES,
        audience: Need::Required,
        several_audiences: false,
        resource: Need::Refused,
        scope: Need::Required,
        actor: Need::Refused,
        refused_methods: &["client_secret_basic", "client_secret_post", "private_key_jwt"],
        audience_in_token: false,
        subject_claim: None,
        rules: RULES,
        ..rfc8693()
    }
}
