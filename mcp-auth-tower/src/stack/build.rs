//! From what was collected to layers.

use std::sync::Arc;

use mcp_auth_core::jwt::{Issuer, IssuerConfigError, Validator};
use mcp_auth_core::policy::PolicyLevels;
use mcp_auth_discovery::{ProtectedResourceMetadata, Scopes};

use super::trust::KeysFrom;
use super::{BuildError, McpAuth, McpAuthBuilder};
use crate::authenticate::AuthenticateLayer;
use crate::authorize::AuthorizeLayer;
use crate::exchange::{ExchangeConfigError, ExchangeLayer, Exchanger};
use crate::expiry::ExpiryLayer;
use crate::facade::FacadeLayer;
use crate::keys::{KeySource, Keys, KeysError};
use crate::metadata::MetadataLayer;
use crate::session::SessionLayer;

impl McpAuthBuilder {
    /// Builds the pipeline. Files are read; nothing is fetched: keys come with the first request that needs them.
    ///
    /// # Errors
    ///
    /// [`BuildError::Issuer`] when there is no issuer or one cannot be used, [`BuildError::Keys`] when its keys
    /// cannot be had, [`BuildError::Session`] when the system has no random bytes for a key, [`BuildError::Exchange`]
    /// when tokens cannot be exchanged as it is set up.
    pub fn build(self) -> Result<McpAuth, BuildError> {
        let mut options = self.key_options.clock(self.clock.clone());
        let mut issuers = Vec::new();
        let mut keys = Vec::new();
        let own = self.facade.as_ref().and_then(|server| {
            let issuer = Issuer::new(server.issuer()).audience(self.resource.as_str()).access_token_profile();
            Some((issuer, KeysFrom::Source(KeySource::inline(server.facade().key_set()?))))
        });
        for (issuer, from) in self.issuers.into_iter().chain(own) {
            keys.push(match from {
                KeysFrom::Keys(keys) => keys,
                KeysFrom::Source(source) => {
                    if source.needs_client() {
                        options = options.with_client().map_err(KeysError::Client)?;
                    }
                    Keys::new(&issuer, source, &options)?
                }
            });
            issuers.push(issuer);
        }
        let mut servers = self.authorization_servers;
        if let Some(server) = self.facade.as_ref().filter(|_| servers.is_empty()) {
            servers.push(server.issuer().to_owned());
        }
        if servers.is_empty() {
            servers = issuers.iter().map(|i| i.name().to_owned()).collect();
        }
        let exchange = match self.exchange {
            None => ExchangeLayer::default(),
            Some(_) if self.forward => return Err(ExchangeConfigError::Forward.into()),
            Some(settings) => {
                let settings = settings.complete(&issuers, || {
                    options = options.clone().with_client()?;
                    Exchanger::builder().client(options.make_client()?).clock(self.clock.clone()).build()
                });
                ExchangeLayer::new(settings.map_err(ExchangeConfigError::Client)?)?
                    .challenge(self.resource.clone(), self.scopes.clone())
            }
        };
        for finding in exchange.findings() {
            tracing::warn!(target: "mcp_auth", %finding, "an exchange may fail");
        }
        let validator = Validator::new(issuers)?;
        let metadata = self.metadata.unwrap_or_else(|| {
            let mut builder =
                ProtectedResourceMetadata::builder(self.resource.clone()).scopes_supported(&self.scopes);
            for server in servers {
                builder = builder.authorization_server(server);
            }
            if let Some(dpop) = &self.dpop {
                builder = dpop.describe(&validator, builder);
            }
            if self.certificate_bound {
                builder = builder.tls_client_certificate_bound_access_tokens(true);
            }
            builder.build()
        });
        let mut expiry = ExpiryLayer::new().clock(self.clock.clone());
        if self.streams_outlive_tokens {
            expiry = expiry.danger_streams_outlive_tokens();
        }
        let own = self.policy.map(|policy| PolicyLevels::from(policy.build()));
        let policy = match (self.policies, own) {
            (Some(policies), Some(own)) => Some(policies.followed_by(&own)),
            (policies, own) => policies.or(own),
        };
        let asked = if self.all_scopes {
            let policies = policy.iter().chain(&self.http_policy);
            // What is no scope token cannot be asked for.
            let named = policies.flat_map(PolicyLevels::scopes).filter(|scope| Scopes::new([scope]).is_ok());
            Scopes::new(self.scopes.iter().chain(named))?.without_offline_access()
        } else {
            self.scopes.clone()
        };
        let session = match self.session {
            Some(session) => session,
            None => SessionLayer::new()?,
        };
        // INVARIANT: one entry of keys was pushed for each issuer.
        let authenticate =
            AuthenticateLayer::new(validator, keys).ok_or(BuildError::Issuer(IssuerConfigError::NoIssuer))?;
        let mut authenticate = authenticate
            .mode(self.mode)
            .claim_headers(self.claim_headers)
            .challenge(self.resource.clone(), asked)
            .clock(self.clock.clone());
        if !self.sources.is_empty() {
            authenticate = authenticate.token_sources(&self.sources);
        }
        if let Some(bytes) = self.token_cache_bytes {
            authenticate = authenticate.token_cache_bytes(bytes);
        }
        if let Some(list) = self.revocations {
            authenticate = authenticate.revocations(list);
        }
        if let Some(dpop) = self.dpop {
            authenticate = authenticate.dpop(dpop)?;
        }
        if let Some(bytes) = self.single_use_bytes {
            authenticate = authenticate.single_use_tokens(bytes);
        }
        if self.client_cert_header {
            authenticate = authenticate.danger_client_cert_header();
        }
        if self.forward {
            authenticate = authenticate.forward_token();
        }
        let mut authorize = AuthorizeLayer::new()
            .challenge(self.resource.clone(), self.scopes)
            .clock(self.clock)
            .missing_scopes(self.missing_scopes);
        if let Some(target) = &self.target {
            authorize = authorize.target(target);
        }
        if let Some(bytes) = self.max_answer_bytes {
            authorize = authorize.max_answer_bytes(bytes);
        }
        if self.list_granted_only {
            authorize = authorize.list_granted_only();
        }
        if self.hide_denied {
            authorize = authorize.hide_denied();
        }
        if let Some(policy) = policy {
            authorize = authorize.mcp(policy);
        }
        if let Some(policy) = self.http_policy {
            authorize = authorize.http(policy);
        }
        Ok(McpAuth {
            facade: self.facade.map(FacadeLayer::new).unwrap_or_default(),
            metadata: MetadataLayer::new(&self.resource, &metadata),
            document: Arc::new(metadata),
            audit: self.audit,
            origin: self.origin,
            authenticate,
            expiry,
            session: session.resource(&self.resource),
            mcp: self.mcp,
            agreement: self.agreement,
            authorize,
            exchange,
        })
    }
}
