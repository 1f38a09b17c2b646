//! What the standards say.

use std::borrow::Cow;

use mcp_auth_discovery::Scopes;

use super::rule;
use crate::TokenTypeUri;
use crate::provider::ErrorClass::{ConsentRequired, Misconfigured, StepUp, SubjectRefused, Transient};
use crate::provider::{ErrorRule, ExchangeGrant, ExchangeProfile, Need};

/// What the standards say, after a provider's own rules: RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 9470, OpenID Connect.
pub(in crate::provider) static STANDARD: &[ErrorRule] = &[
    rule(
        "insufficient_user_authentication",
        StepUp,
        "step_up",
        "the user has to authenticate again, and stronger",
    ),
    rule("mfa_required", StepUp, "step_up", "the user has to authenticate with a second factor"),
    rule("consent_required", ConsentRequired, "consent", "the user has not consented to `{client}`"),
    rule("interaction_required", ConsentRequired, "interaction", "{provider} has to ask the user something"),
    rule("login_required", SubjectRefused, "login", "the user's session at {provider} is over"),
    rule(
        "invalid_client",
        Misconfigured,
        "client_refused",
        "{provider} does not know the client `{client}` by what it sends: check client id, secret or key, and the \
         authentication method",
    ),
    rule(
        "unauthorized_client",
        Misconfigured,
        "grant_not_allowed",
        "the client `{client}` may not use the grant `{grant}`: allow it in the client's settings at {provider}",
    ),
    rule(
        "unsupported_grant_type",
        Misconfigured,
        "grant_unknown",
        "{provider} does not offer the grant `{grant}` at this endpoint: switch it on, or correct the endpoint",
    ),
    rule(
        "invalid_target",
        Misconfigured,
        "target_unknown",
        "{provider} issues no tokens for audience `{audience}`, resource `{resource}`: register it, or correct it",
    ),
    rule(
        "invalid_scope",
        Misconfigured,
        "scope_refused",
        "{provider} does not grant the scope `{scope}` to `{client}`: allow it, or ask for less",
    ),
    rule(
        "access_denied",
        Misconfigured,
        "denied",
        "a policy of {provider} does not permit `{client}` to exchange for audience `{audience}`",
    ),
    rule(
        "invalid_grant",
        SubjectRefused,
        "subject_refused",
        "{provider} refuses the user's token: expired, revoked, or not for `{client}`",
    ),
    rule(
        "invalid_request",
        SubjectRefused,
        "subject_refused",
        "{provider} refuses the request, by RFC 8693 because of the user's token: revoked, or not of type `{type}`; \
         where no user gets through, check the types and parameters that are sent",
    ),
    rule(
        "invalid_dpop_proof",
        Misconfigured,
        "proof_refused",
        "{provider} refuses the DPoP proof: check the clock, the algorithm, and the endpoint's public URL",
    ),
    rule("use_dpop_nonce", Transient, "nonce", "{provider} asked for a DPoP nonce again and again"),
    rule("server_error", Transient, "server_error", "{provider} had an error"),
    rule("temporarily_unavailable", Transient, "unavailable", "{provider} is overloaded or in maintenance"),
    rule("*", Misconfigured, "unknown_error", "{provider} refused with an error that has no rule here"),
];

pub(in crate::provider) fn rfc8693() -> ExchangeProfile {
    ExchangeProfile {
        name: Cow::Borrowed("the token endpoint"),
        grant: ExchangeGrant::TokenExchange,
        subject_token_type: TokenTypeUri::JWT,
        subject_token_types: &[],
        requested_token_type: Some(TokenTypeUri::ACCESS_TOKEN),
        audience: Need::Optional,
        several_audiences: true,
        resource: Need::Optional,
        scope: Need::Optional,
        actor: Need::Optional,
        dropped_scopes: Scopes::default(),
        refused_methods: &[],
        says_issued_token_type: true,
        audience_in_token: true,
        subject_claim: Some("sub"),
        writes_actor: false,
        reserved_types: &[],
        refused_path: None,
        client_in_subject_audience: false,
        own_rules: Vec::new(),
        rules: &[],
    }
}

pub(in crate::provider) fn jwt_bearer() -> ExchangeProfile {
    // RFC 7523 §3.1: a bad assertion is `invalid_grant`, so that `invalid_request` is ours.
    static RULES: &[ErrorRule] = &[rule(
        "invalid_request",
        Misconfigured,
        "request_refused",
        "{provider} refuses the form of the request: check its parameters",
    )];
    ExchangeProfile {
        grant: ExchangeGrant::JwtBearer,
        requested_token_type: None,
        audience: Need::Refused,
        actor: Need::Refused,
        says_issued_token_type: false,
        rules: RULES,
        ..rfc8693()
    }
}

pub(in crate::provider) fn id_jag_issuer() -> ExchangeProfile {
    // draft-ietf-oauth-identity-assertion-authz-grant §4.3; MCP requires `resource`.
    static TYPES: &[TokenTypeUri] =
        &[TokenTypeUri::ID_TOKEN, TokenTypeUri::SAML2, TokenTypeUri::REFRESH_TOKEN];
    ExchangeProfile {
        name: Cow::Borrowed("the identity provider"),
        subject_token_type: TokenTypeUri::ID_TOKEN,
        subject_token_types: TYPES,
        requested_token_type: Some(TokenTypeUri::ID_JAG),
        audience: Need::Required,
        several_audiences: false,
        resource: Need::Advised,
        ..rfc8693()
    }
}
