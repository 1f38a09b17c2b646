//! The paved path: every layer in its order. The only place that knows the order.

mod build;
mod builder;
mod trust;

use std::sync::Arc;

use mcp_auth_core::jwt::IssuerConfigError;
use mcp_auth_core::policy::RuleError;
use mcp_auth_discovery::resource::ResourceError;
use mcp_auth_discovery::scope::ScopeError;
use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier};
use tower_layer::Layer;

use crate::agreement::{Agree, AgreementLayer};
use crate::audit::{Audit, AuditLayer};
use crate::authenticate::{Authenticate, AuthenticateLayer, DpopConfigError};
use crate::authorize::{Authorize, AuthorizeLayer, PolicyHandle};
use crate::exchange::{Exchange, ExchangeConfigError, ExchangeLayer};
use crate::expiry::{Expiry, ExpiryLayer};
use crate::facade::{Facade, FacadeLayer};
use crate::keys::KeysError;
use crate::mcp::{Mcp, McpLayer};
use crate::metadata::{Metadata, MetadataLayer};
use crate::origin::{Origin, OriginError, OriginLayer};
use crate::session::{Session, SessionConfigError, SessionLayer};

pub use builder::McpAuthBuilder;

/// The whole pipeline as one [`Layer`]; see the [crate page](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct McpAuth {
    facade: FacadeLayer,
    metadata: MetadataLayer,
    document: Arc<ProtectedResourceMetadata>,
    audit: AuditLayer,
    origin: OriginLayer,
    authenticate: AuthenticateLayer,
    expiry: ExpiryLayer,
    session: SessionLayer,
    mcp: McpLayer,
    agreement: AgreementLayer,
    authorize: AuthorizeLayer,
    exchange: ExchangeLayer,
}

/// A service behind [`McpAuth`].
pub type McpAuthService<S> =
    Facade<Metadata<Audit<Origin<Authenticate<Expiry<Session<Mcp<Agree<Authorize<Exchange<S>>>>>>>>>>>;

/// Why the pipeline cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The resource is not an absolute https URL (or http on this machine) without fragment.
    #[error("resource: {0}")]
    Resource(#[from] ResourceError),
    /// An issuer cannot be used.
    #[error(transparent)]
    Issuer(#[from] IssuerConfigError),
    /// An issuer's keys cannot be had from where they are said to be.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A scope has characters that RFC 6749 §3.3 does not allow.
    #[error("scopes: {0}")]
    Scope(#[from] ScopeError),
    /// An origin or host that is allowed is none.
    #[error("allowed origins and hosts: {0}")]
    Origin(#[from] OriginError),
    /// A rule does not compile.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// DPoP cannot be done as it is set up.
    #[error(transparent)]
    Dpop(#[from] DpopConfigError),
    /// Session ids cannot be sealed.
    #[error(transparent)]
    Session(#[from] SessionConfigError),
    /// Tokens cannot be exchanged as it is set up.
    #[error(transparent)]
    Exchange(#[from] ExchangeConfigError),
}

impl McpAuth {
    /// Starts with the resource: the URL that clients use, which is also the audience of their tokens
    /// (RFC 8707, RFC 9728 §1.2).
    ///
    /// # Errors
    ///
    /// [`BuildError::Resource`] when `resource` is not an https URL, or http on this machine.
    pub fn builder(resource: &str) -> Result<McpAuthBuilder, BuildError> {
        Ok(Self::builder_for(ResourceIdentifier::parse(resource)?))
    }

    /// Starts with a resource that was checked before.
    pub fn builder_for(resource: ResourceIdentifier) -> McpAuthBuilder {
        McpAuthBuilder::new(resource)
    }

    /// What replaces the rules while services serve.
    pub fn policies(&self) -> PolicyHandle {
        self.authorize.handle()
    }

    /// The resource's metadata, for a server that mounts several
    /// ([`MountedResources`](mcp_auth_discovery::resource::MountedResources)).
    pub fn document(&self) -> &ProtectedResourceMetadata {
        &self.document
    }

    /// The layer of our own authorization server, whose server has a status to show.
    pub fn facade(&self) -> &FacadeLayer {
        &self.facade
    }

    /// The authentication layer, whose keys have a status to show.
    pub fn authenticate(&self) -> &AuthenticateLayer {
        &self.authenticate
    }

    /// The layer that reads messages.
    pub fn messages(&self) -> &McpLayer {
        &self.mcp
    }

    /// The authorization layer, which can [explain](AuthorizeLayer::explain) its decisions.
    pub fn authorize(&self) -> &AuthorizeLayer {
        &self.authorize
    }

    /// The layer that exchanges tokens, which knows what its providers will refuse.
    pub fn exchange(&self) -> &ExchangeLayer {
        &self.exchange
    }
}

impl<S> Layer<S> for McpAuth {
    type Service = McpAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let judged = self.agreement.layer(self.authorize.layer(self.exchange.layer(inner)));
        let judged = self.session.layer(self.mcp.layer(judged));
        let authenticated = self.authenticate.layer(self.expiry.layer(judged));
        let answered = self.metadata.layer(self.audit.layer(self.origin.layer(authenticated)));
        self.facade.layer(answered)
    }
}
