use mcp_auth_core::UnixTime;
use mcp_auth_core::credential::{Credential, CredentialError, Scheme};
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::dpop::{
    Proof, ProofContext, ProofError, ProofErrorKind, ProofRules, ReplayError, ReplayStore, TargetBase,
    TargetUri, proof_header,
};
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_discovery::challenge::DpopChallenge;

use super::DpopMode;
use crate::authenticate::judge::Head;
use crate::rejection::RejectionReason;

/// DPoP as it was set up for the issuers of one layer.
#[derive(Debug)]
pub(in crate::authenticate) struct Dpop {
    /// In the order of the issuers.
    pub(super) modes: Vec<DpopMode>,
    pub(super) rules: ProofRules,
    pub(super) base: TargetBase,
    pub(super) renew_nonces: bool,
    pub(super) used: ReplayStore,
    pub(super) challenge: DpopChallenge,
    pub(super) crypto: AwsLc,
}

/// A proof that holds for this request and was not yet recorded as used.
#[derive(Debug)]
pub(in crate::authenticate) struct Proven {
    proof: Proof,
    target: TargetUri,
}

impl Proven {
    pub(in crate::authenticate) fn key(&self) -> Thumbprint {
        self.proof.key()
    }
}

/// The proof that came with a token of `issuer`; `None` for a token that comes by itself and may.
pub(in crate::authenticate) fn prove(
    dpop: Option<&Dpop>,
    head: Head<'_>,
    credential: &Credential<'_>,
    issuer: usize,
    now: UnixTime,
) -> Result<Option<Proven>, RejectionReason> {
    let mode = dpop.and_then(|dpop| dpop.modes.get(issuer)).copied().unwrap_or_default();
    match (dpop, mode, credential.scheme()) {
        (_, DpopMode::Off | DpopMode::Accepted, Scheme::Bearer) => Ok(None),
        (_, DpopMode::Required, Scheme::Bearer) => {
            Err(RejectionReason::Proof(ProofErrorKind::Required.into()))
        }
        (Some(dpop), DpopMode::Accepted | DpopMode::Required, Scheme::Dpop) => {
            dpop.check(head, credential.token(), now).map(Some).map_err(RejectionReason::Proof)
        }
        _ => Err(RejectionReason::Credential(CredentialError::OtherScheme)),
    }
}

impl Dpop {
    fn check(&self, head: Head<'_>, token: &str, now: UnixTime) -> Result<Proven, ProofError> {
        let proof = proof_header(head.headers)?;
        let target = self.base.target(head.uri.path()).map_err(ProofErrorKind::NotATarget)?;
        let request = ProofContext { method: head.method.as_str(), target: &target, token };
        let proof = self.rules.check(proof, &request, now, &self.crypto)?;
        Ok(Proven { proof, target })
    }

    /// Takes note that the proof was used. `Ok(true)`: the response should bring a new nonce.
    ///
    /// Comes last: who has no good token cannot fill the store.
    pub(in crate::authenticate) fn record(
        &self,
        proven: &Proven,
        now: UnixTime,
    ) -> Result<bool, RejectionReason> {
        let Proven { proof, target } = proven;
        match self.used.record(&proof.one_time_use(target), proof.usable_until(), now, &self.crypto) {
            Ok(()) => Ok(self.renew_nonces && proof.wants_new_nonce()),
            Err(ReplayError::Replayed) => Err(RejectionReason::Proof(ProofErrorKind::Replayed.into())),
            Err(ReplayError::Full) => Err(RejectionReason::ReplayStoreFull),
        }
    }

    /// The nonce to give out, where nonces are required.
    pub(super) fn nonce(&self, now: UnixTime) -> Option<String> {
        self.rules.required_nonces().map(|nonces| nonces.current(now, &self.crypto))
    }
}
