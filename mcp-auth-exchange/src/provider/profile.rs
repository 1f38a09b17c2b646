//! A profile's fields.

use std::borrow::Cow;

use mcp_auth_discovery::Scopes;
use mcp_auth_discovery::provider::ProviderKind;

use super::{ErrorRule, table};
use crate::TokenTypeUri;
use crate::grant::{jwt_bearer, token_exchange, token_vault};

/// The request by which a provider turns a user's token into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeGrant {
    /// RFC 8693.
    TokenExchange,
    /// Entra's on-behalf-of flow.
    OnBehalfOf,
    /// RFC 7523 §2.1: the token is an assertion.
    JwtBearer,
    /// Auth0's Token Vault.
    TokenVault,
}

impl ExchangeGrant {
    /// The value of `grant_type`.
    pub const fn grant_type(self) -> &'static str {
        match self {
            Self::TokenExchange => token_exchange::GRANT_TYPE,
            Self::OnBehalfOf | Self::JwtBearer => jwt_bearer::GRANT_TYPE,
            Self::TokenVault => token_vault::GRANT_TYPE,
        }
    }
}

/// How a provider takes a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// It refuses requests without it, or answers them with a token for something else.
    Required,
    /// Without it, what it answers is probably not what was meant.
    Advised,
    /// As in the standard.
    Optional,
    /// It does not look at it.
    Ignored,
    /// It refuses requests with it.
    Refused,
}

/// What a provider's token endpoint accepts, and how it fails.
#[derive(Clone, Debug)]
#[must_use]
pub struct ExchangeProfile {
    pub(crate) name: Cow<'static, str>,
    pub(crate) grant: ExchangeGrant,
    pub(crate) subject_token_type: TokenTypeUri,
    pub(crate) subject_token_types: &'static [TokenTypeUri],
    pub(crate) requested_token_type: Option<TokenTypeUri>,
    pub(crate) audience: Need,
    pub(crate) several_audiences: bool,
    pub(crate) resource: Need,
    pub(crate) scope: Need,
    pub(crate) actor: Need,
    pub(crate) dropped_scopes: Scopes,
    pub(crate) refused_methods: &'static [&'static str],
    pub(crate) says_issued_token_type: bool,
    pub(crate) audience_in_token: bool,
    pub(crate) subject_claim: Option<&'static str>,
    /// Whether issued tokens name the client that exchanges as the actor (`act`), without an actor's token.
    pub(crate) writes_actor: bool,
    /// Namespaces of subject token types that the provider keeps to itself.
    pub(crate) reserved_types: &'static [&'static str],
    /// A path at which this grant gives no usable token, and why.
    pub(crate) refused_path: Option<(&'static str, &'static str)>,
    /// Whether the client that exchanges has to be in the subject token's audience.
    pub(crate) client_in_subject_audience: bool,
    pub(crate) own_rules: Vec<ErrorRule>,
    pub(crate) rules: &'static [ErrorRule],
}

impl ExchangeProfile {
    /// RFC 8693 to the letter, nothing assumed: scope as configured, subject token as `jwt`, an access token wanted.
    pub fn rfc8693() -> Self {
        table::rfc8693()
    }

    /// RFC 7523 §2.1: the subject token is the assertion. For leg 2 of an ID-JAG, and for servers that trust the
    /// issuer of the inbound token.
    pub fn jwt_bearer() -> Self {
        table::jwt_bearer()
    }

    /// Leg 1 of an ID-JAG, at the user's identity provider: see [`id_jag`](crate::grant::id_jag).
    pub fn id_jag_issuer() -> Self {
        table::id_jag_issuer()
    }

    /// The provider of a preset. Auth0 is its on-behalf-of exchange.
    pub fn of(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::Keycloak => table::keycloak(),
            ProviderKind::Auth0 => table::auth0_on_behalf_of(),
            ProviderKind::Okta => table::okta(),
            ProviderKind::Frontegg => table::frontegg(),
            ProviderKind::EntraV1 | ProviderKind::EntraV2 => table::entra(),
            ProviderKind::Authentik => table::authentik(),
            ProviderKind::Zitadel => table::zitadel(),
            other => table::rfc8693().named(other.name()),
        }
    }

    /// Auth0's custom token exchange: a subject token of a type of one's own, read by an Action. The type has to be
    /// set with [`takes_subject_token`](Self::takes_subject_token), and must not be one of the reserved ones.
    pub fn auth0_custom() -> Self {
        table::auth0_custom()
    }

    /// Auth0's Token Vault: the access token of a provider that the user has connected.
    pub fn auth0_token_vault() -> Self {
        table::auth0_token_vault()
    }

    /// PingFederate. Types are what its Token Exchange Processor Policy names.
    pub fn ping_federate() -> Self {
        table::ping_federate()
    }

    /// Zitadel.
    pub fn zitadel() -> Self {
        table::zitadel()
    }

    /// authentik.
    pub fn authentik() -> Self {
        table::authentik()
    }

    /// Google's Security Token Service, `https://sts.googleapis.com/v1/token`.
    pub fn google_sts() -> Self {
        table::google_sts()
    }

    /// Sets the name that diagnoses use.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the type under which subject tokens are sent, and accepts it.
    pub fn takes_subject_token(mut self, token_type: TokenTypeUri) -> Self {
        self.subject_token_type = token_type;
        self.subject_token_types = &[];
        self
    }

    /// Sets what is asked for; `None` leaves it to the server.
    pub fn requests(mut self, token_type: Option<TokenTypeUri>) -> Self {
        self.requested_token_type = token_type;
        self
    }

    /// Sets how `audience` is taken.
    pub fn takes_audience(mut self, need: Need) -> Self {
        self.audience = need;
        self
    }

    /// Sets whether a request may have more than one `audience`.
    pub fn takes_several_audiences(mut self, does: bool) -> Self {
        self.several_audiences = does;
        self
    }

    /// Sets how `resource` is taken.
    pub fn takes_resource(mut self, need: Need) -> Self {
        self.resource = need;
        self
    }

    /// Sets how `scope` is taken.
    pub fn takes_scope(mut self, need: Need) -> Self {
        self.scope = need;
        self
    }

    /// Sets how `actor_token` is taken.
    pub fn takes_actor(mut self, need: Need) -> Self {
        self.actor = need;
        self
    }

    /// Sets which scopes are left out of requests because the server refuses them there.
    pub fn drops_scopes(mut self, scopes: &Scopes) -> Self {
        self.dropped_scopes = scopes.clone();
        self
    }

    /// Sets whether an answer has to say `issued_token_type` (RFC 8693 §2.2.1).
    pub fn says_issued_token_type(mut self, required: bool) -> Self {
        self.says_issued_token_type = required;
        self
    }

    /// Sets whether the `audience` that was asked for is what `aud` of the issued token says.
    pub fn writes_audience(mut self, does: bool) -> Self {
        self.audience_in_token = does;
        self
    }

    /// Sets the claim by which the user is the same in the subject token and in the issued one; `None` where there
    /// is none.
    pub fn keeps_subject_in(mut self, claim: Option<&'static str>) -> Self {
        self.subject_claim = claim;
        self
    }

    /// Forgets what the provider is known to refuse beyond its parameters: methods of client authentication, reserved
    /// type URIs, the path of another of its servers, and subject tokens whose audience does not name the client. For a
    /// version that differs from the one this was measured at.
    pub fn ignore_known_refusals(mut self) -> Self {
        (self.refused_methods, self.reserved_types, self.refused_path) = (&[], &[], None);
        self.client_in_subject_audience = false;
        self
    }

    /// Reads errors by this rule before all others.
    pub fn error_rule(mut self, rule: ErrorRule) -> Self {
        self.own_rules.push(rule);
        self
    }

    /// The name of the provider.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The request.
    pub fn grant(&self) -> ExchangeGrant {
        self.grant
    }

    /// The type under which subject tokens are sent.
    pub fn subject_token_type(&self) -> &TokenTypeUri {
        &self.subject_token_type
    }

    /// What is asked for.
    pub fn requested_token_type(&self) -> Option<&TokenTypeUri> {
        self.requested_token_type.as_ref()
    }

    /// The rules for errors, the first that fits counts.
    pub fn error_rules(&self) -> impl Iterator<Item = &ErrorRule> {
        self.own_rules.iter().rev().chain(self.rules).chain(table::STANDARD)
    }
}
