use std::sync::Arc;

use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::dpop::{Nonces, ProofRules, ReplayStore, TargetBase, TargetUriError};
use mcp_auth_core::jwt::{Issuer, Validator};
use mcp_auth_discovery::ResourceIdentifier;
use mcp_auth_discovery::challenge::DpopChallenge;
use mcp_auth_discovery::resource::ProtectedResourceMetadataBuilder;

use super::guard::Dpop;
use crate::random;

/// What is asked of an issuer's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DpopMode {
    /// Proofs are not read: `Authorization: DPoP` is refused, and so are tokens that are bound to a proof key.
    #[default]
    Off,
    /// A token that is bound to a key needs a proof; one that is not may come as `Authorization: Bearer`.
    Accepted,
    /// Every token is bound to a key and comes with a proof.
    Required,
}

/// How DPoP (RFC 9449) is done; see the [module page](super).
///
/// Defaults: those of [`ProofRules`] (`iat` within 60 seconds, no nonces), and 16 MiB for the proofs that were used,
/// which is room for about 600,000 of them at a time.
///
/// ```
/// use std::time::Duration;
///
/// use mcp_auth_core::dpop::{Nonces, ProofRules};
/// use mcp_auth_discovery::ResourceIdentifier;
/// use mcp_auth_tower::authenticate::{DpopMode, DpopSettings};
///
/// let resource = ResourceIdentifier::parse("https://mcp.example/files/mcp")?;
/// // All replicas have the same 32 random bytes from their configuration.
/// let nonces = Nonces::new([7; 32]).period(Duration::from_secs(60))?;
/// let settings = DpopSettings::new(DpopMode::Required, &resource)
///     .issuer("https://old-idp.example", DpopMode::Accepted)
///     .rules(ProofRules::default().window(Duration::from_secs(30))?.nonces(nonces));
/// # let _ = settings;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DpopSettings {
    mode: DpopMode,
    issuers: Vec<(String, DpopMode)>,
    base: String,
    rules: ProofRules,
    random_nonces: bool,
    renew_nonces: bool,
    replay_bytes: usize,
}

/// Why [`DpopSettings`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DpopConfigError {
    /// A mode for an issuer that is not one of the layer's.
    #[error("DPoP: `{0}` is not one of the issuers")]
    UnknownIssuer(String),
    /// Two modes for one issuer.
    #[error("DPoP: issuer `{0}` has two modes")]
    DuplicateIssuer(String),
    /// The public base is not an absolute http or https URI.
    #[error("DPoP: the public base `{base}` {reason}")]
    Base {
        /// The base.
        base: String,
        /// What is wrong with it.
        reason: TargetUriError,
    },
    /// The system gave no random bytes for the secret of nonces.
    #[error("DPoP: the system gave no random bytes")]
    Randomness,
}

impl DpopSettings {
    /// Settings for a resource, `mode` for every issuer. Proofs are for URIs with the resource's scheme, host and
    /// port.
    pub fn new(mode: DpopMode, resource: &ResourceIdentifier) -> Self {
        Self {
            mode,
            issuers: Vec::new(),
            base: resource.url().origin().ascii_serialization(),
            rules: ProofRules::default(),
            random_nonces: false,
            renew_nonces: true,
            replay_bytes: 16 * 1024 * 1024,
        }
    }

    /// Another mode for one issuer, by its name.
    pub fn issuer(mut self, name: impl Into<String>, mode: DpopMode) -> Self {
        self.issuers.push((name.into(), mode));
        self
    }

    /// Algorithms, window, and nonces with a secret that replicas share.
    pub fn rules(mut self, rules: ProofRules) -> Self {
        self.rules = rules;
        self
    }

    /// Requires nonces under a secret that is made at the start, unless [`rules`](Self::rules) brings nonces. For a
    /// single process: replicas would not know each other's nonces, and clients would be asked again and again.
    pub fn require_nonces(mut self) -> Self {
        self.random_nonces = true;
        self
    }

    /// Gives new nonces only with refusals. Otherwise a successful response brings one when the nonce of its request
    /// is about to end (RFC 9449 §8.2), which saves clients a refusal in each period; such a response is not cached.
    pub fn without_nonce_renewal(mut self) -> Self {
        self.renew_nonces = false;
        self
    }

    /// Bytes for the proofs that were used, set aside at the start, 24 per proof. When there is no room, proofs are
    /// refused with 503.
    pub fn replay_bytes(mut self, max_bytes: usize) -> Self {
        self.replay_bytes = max_bytes;
        self
    }

    /// What stands in front of a request's path in the URI that clients use, where that is not the resource's scheme,
    /// host and port: for services behind a proxy or router that takes a part of the path away, such as
    /// `https://mcp.example/files`.
    pub fn public_base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// Says in the resource's metadata what clients have to know (RFC 9728 §2).
    pub(crate) fn describe(
        &self,
        validator: &Validator,
        metadata: ProtectedResourceMetadataBuilder,
    ) -> ProtectedResourceMetadataBuilder {
        let modes = self.modes(validator);
        if modes.iter().all(|mode| *mode == DpopMode::Off) {
            return metadata;
        }
        let algorithms = self.rules.accepted_algorithms().iter().map(|a| a.name().to_owned()).collect();
        metadata
            .dpop_signing_alg_values_supported(algorithms)
            .dpop_bound_access_tokens_required(modes.iter().all(|mode| *mode == DpopMode::Required))
    }

    /// The modes of the issuers, in their order.
    fn modes(&self, validator: &Validator) -> Vec<DpopMode> {
        let mode_of = |issuer: &Arc<Issuer>| {
            let own = self.issuers.iter().find(|(name, _)| name == issuer.name());
            own.map_or(self.mode, |(_, mode)| *mode)
        };
        validator.issuers().iter().map(mode_of).collect()
    }

    /// `None` where every issuer's mode is off.
    pub(in crate::authenticate) fn build(
        self,
        validator: &Validator,
    ) -> Result<Option<Dpop>, DpopConfigError> {
        let names: Vec<&str> = validator.issuers().iter().map(|issuer| issuer.name()).collect();
        for (i, (name, _)) in self.issuers.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                return Err(DpopConfigError::UnknownIssuer(name.clone()));
            }
            if self.issuers.iter().take(i).any(|(earlier, _)| earlier == name) {
                return Err(DpopConfigError::DuplicateIssuer(name.clone()));
            }
        }
        let base = TargetBase::parse(&self.base)
            .map_err(|reason| DpopConfigError::Base { base: self.base.clone(), reason })?;
        let modes = self.modes(validator);
        if modes.iter().all(|mode| *mode == DpopMode::Off) {
            return Ok(None);
        }
        let mut rules = self.rules;
        if self.random_nonces && rules.required_nonces().is_none() {
            rules = rules.nonces(Nonces::new(random::secret().map_err(|_| DpopConfigError::Randomness)?));
        }
        let challenge = DpopChallenge::new(rules.accepted_algorithms().iter().map(|a| a.name()));
        Ok(Some(Dpop {
            modes,
            rules,
            base,
            renew_nonces: self.renew_nonces,
            used: ReplayStore::new(self.replay_bytes, random::seed()),
            challenge,
            crypto: AwsLc::new(),
        }))
    }
}
