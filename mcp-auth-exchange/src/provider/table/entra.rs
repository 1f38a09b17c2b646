//! Microsoft Entra ID.

use std::borrow::Cow;

use super::{rfc8693, rule, said};
use crate::TokenTypeUri;
use crate::provider::ErrorClass::{ConsentRequired, Misconfigured, SubjectRefused};
use crate::provider::{ErrorRule, ExchangeGrant, ExchangeProfile, Need};

/// Microsoft Entra. Source: "Microsoft identity platform and OAuth 2.0 On-Behalf-Of flow", "Claims challenges". Only
/// `error`, `suberror` and `claims` are read: "apps that take a dependency on text or error code numbers will be
/// broken over time". `sub` is another for each application, `oid` is the user.
pub(in crate::provider) fn entra() -> ExchangeProfile {
    static RULES: &[ErrorRule] = &[
        said(
            "consent_required",
            "invalid_grant",
            ConsentRequired,
            "consent",
            "neither the user nor an administrator has consented to `{scope}` for the application `{client}`",
        ),
        rule(
            "invalid_grant",
            SubjectRefused,
            "subject_refused",
            "Entra refuses the user's token: expired or revoked; where no user gets through, its `aud` is not the \
             application `{client}` or its Application ID URI, or it is the token of an application",
        ),
        rule(
            "interaction_required",
            ConsentRequired,
            "interaction",
            "Entra has to ask the user something before it issues `{scope}`",
        ),
        rule(
            "invalid_client",
            Misconfigured,
            "client_refused",
            "Entra does not accept the credential of `{client}`: the secret expired or is its id and not its value, \
             the certificate is not registered, or no federated credential has this issuer and subject",
        ),
        rule(
            "invalid_scope",
            Misconfigured,
            "scope_refused",
            "`{scope}` is not a scope of one resource: use `<Application ID URI>/.default`",
        ),
        rule(
            "invalid_resource",
            Misconfigured,
            "target_unknown",
            "the resource of `{scope}` is not an application in this tenant",
        ),
        rule(
            "invalid_request",
            Misconfigured,
            "request_refused",
            "Entra refuses the request: `scope` `{scope}` has to be of one resource, and the inbound token a JWT for \
             the application `{client}`",
        ),
        rule(
            "unauthorized_client",
            Misconfigured,
            "grant_not_allowed",
            "the application `{client}` is not in this tenant, or may not use this grant",
        ),
    ];
    static TYPES: &[TokenTypeUri] = &[TokenTypeUri::ACCESS_TOKEN];
    ExchangeProfile {
        name: Cow::Borrowed("Microsoft Entra ID"),
        grant: ExchangeGrant::OnBehalfOf,
        subject_token_type: TokenTypeUri::ACCESS_TOKEN,
        subject_token_types: TYPES,
        requested_token_type: None,
        audience: Need::Refused,
        resource: Need::Refused,
        scope: Need::Required,
        actor: Need::Refused,
        refused_methods: &["none"],
        says_issued_token_type: false,
        audience_in_token: false,
        subject_claim: Some("oid"),
        client_in_subject_audience: true,
        rules: RULES,
        ..rfc8693()
    }
}
