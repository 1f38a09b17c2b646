//! What is legal but doubtful.

use std::fmt;

use super::error::Position;

/// A doubtful place of a configuration that loads.
///
/// Displays as `file:line:column: level: message`.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    file: String,
    at: Position,
    kind: WarningKind,
    message: String,
}

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum WarningKind {
    /// `bearerMethodsSupported` names a method that MCP forbids.
    BearerMethod,
    /// `offline_access` in `scopesSupported`.
    OfflineAccess,
    /// `resourceMetadata` promises tokens that are bound to a key.
    BoundTokens,
    /// The resource is not one of the audiences.
    AudienceNotResource,
    /// `resource` is not written, and is taken from `audiences`.
    ResourceFromAudience,
    /// `resourceMetadata` inside `resourceMetadata`.
    NestedMetadata,
    /// A slash at the end of the issuer that most identity providers do not have.
    IssuerSlash,
    /// `http` to a host that is not this machine.
    PlainHttp,
    /// A name in `requiredClaims` that has no effect.
    UnknownClaim,
    /// `exp` is not required.
    ExpirationNotRequired,
    /// A mode in which requests with a bad token pass.
    PermissiveMode,
    /// `allowCredentials` together with `*`.
    CredentialsWithAny,
    /// An exchange that the provider will refuse, or that is probably not meant.
    Exchange,
    /// A secret that begins or ends with white space.
    SecretSpace,
    /// `jwks` is not where the provider has its keys, and is not used.
    ProviderKeys,
    /// The facade's issuer has a path.
    FacadeIssuer,
    /// A route's match has the path of an endpoint of the facade, which comes first.
    FacadePath,
    /// A facade without a key that outlives the process.
    NoKeyFile,
    /// A facade whose keys outlive the process, and what is used or revoked does not.
    MemoryStore,
    /// `agentgateway.dev/issuer-proxy`, which is neither called nor published.
    IssuerProxy,
    /// The matches of a route lack the well-known path, which is served anyway.
    WellKnownNotMatched,
}

/// How much a [`Warning`] matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Level {
    /// Nothing needs to change.
    Info,
    /// Somebody should look.
    Warning,
}

/// The warnings that were found so far.
#[derive(Debug)]
pub(crate) struct Lints(Vec<(WarningKind, Position, String)>);

impl Warning {
    /// What it is about.
    pub(crate) fn kind(&self) -> WarningKind {
        self.kind
    }

    /// How much it matters.
    pub(crate) fn level(&self) -> Level {
        self.kind.level()
    }

    /// Where in the file.
    pub(crate) fn at(&self) -> Position {
        self.at
    }

    /// What is doubtful, without the place.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level().word();
        write!(f, "{}:{}: {level}: {}", self.file, self.at, self.message)
    }
}

impl Level {
    /// How it is written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
        }
    }
}

impl WarningKind {
    /// How much it matters.
    pub(crate) fn level(self) -> Level {
        match self {
            Self::WellKnownNotMatched | Self::IssuerProxy | Self::MemoryStore => Level::Info,
            Self::BearerMethod
            | Self::BoundTokens
            | Self::OfflineAccess
            | Self::AudienceNotResource
            | Self::ResourceFromAudience
            | Self::NestedMetadata
            | Self::IssuerSlash
            | Self::PlainHttp
            | Self::UnknownClaim
            | Self::ExpirationNotRequired
            | Self::PermissiveMode
            | Self::Exchange
            | Self::SecretSpace
            | Self::ProviderKeys
            | Self::FacadeIssuer
            | Self::FacadePath
            | Self::NoKeyFile
            | Self::CredentialsWithAny => Level::Warning,
        }
    }

    /// A stable name for logs and metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::BearerMethod => "bearer_method",
            Self::BoundTokens => "bound_tokens",
            Self::OfflineAccess => "offline_access",
            Self::AudienceNotResource => "audience_not_resource",
            Self::ResourceFromAudience => "resource_from_audience",
            Self::NestedMetadata => "nested_metadata",
            Self::IssuerSlash => "issuer_slash",
            Self::PlainHttp => "plain_http",
            Self::UnknownClaim => "unknown_claim",
            Self::ExpirationNotRequired => "expiration_not_required",
            Self::PermissiveMode => "permissive_mode",
            Self::CredentialsWithAny => "credentials_with_any",
            Self::Exchange => "exchange",
            Self::SecretSpace => "secret_space",
            Self::ProviderKeys => "provider_keys",
            Self::FacadeIssuer => "facade_issuer",
            Self::FacadePath => "facade_path",
            Self::NoKeyFile => "no_key_file",
            Self::MemoryStore => "memory_store",
            Self::IssuerProxy => "issuer_proxy",
            Self::WellKnownNotMatched => "well_known_not_matched",
        }
    }
}

impl Lints {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// One more.
    pub(crate) fn add(&mut self, kind: WarningKind, at: Position, message: impl Into<String>) {
        self.0.push((kind, at, message.into()));
    }

    /// Adds the file, and sorts by place.
    pub(crate) fn in_file(mut self, file: &str) -> Vec<Warning> {
        self.0.sort_by_key(|(_, at, _)| *at);
        let name = |(kind, at, message)| Warning { file: file.to_owned(), at, kind, message };
        self.0.into_iter().map(name).collect()
    }
}
