//! Why a proof was refused: in full for the operator, in fixed words for the client.

use std::fmt;
use std::time::Duration;

use super::target::{TargetUri, TargetUriError};
use crate::jwk::SkipReason;
use crate::jwt::{Algorithm, ValidationError, ValidationErrorKind};
use crate::time::UnixTime;

/// A DPoP proof was refused.
///
/// `Display` is for the operator. A client gets [`oauth_error`](Self::oauth_error) and
/// [`client_text`](Self::client_text), which are fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofError {
    kind: ProofErrorKind,
}

/// What was wrong with the proof, or with its absence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are named after what they hold")]
pub enum ProofErrorKind {
    /// `Authorization: DPoP` without a header `DPoP`.
    Missing,
    /// More than one header `DPoP` (RFC 9449 §4.3, check 1).
    Several,
    /// The header `DPoP` is not visible ASCII.
    NotText,
    /// Not one strict JSON Web Signature whose claims have their types.
    Malformed(ValidationError),
    /// `typ` is not `dpop+jwt`.
    Type,
    /// The algorithm is symmetric or not one of those that are accepted.
    Algorithm { got: Algorithm },
    /// No header member `jwk`.
    NoKey,
    /// The key in `jwk` is private, weak, malformed, or not for the algorithm.
    Key(SkipReason),
    /// A claim that must be there is not, or is not a string.
    ClaimMissing { claim: &'static str },
    /// `jti` is empty or longer than [`MAX_JTI_BYTES`](super::MAX_JTI_BYTES).
    JtiLength { bytes: usize },
    /// `htm` is not the request's method.
    Method { got: String, expected: String },
    /// `htu` is not a URI, or the request's own target is none.
    NotATarget(TargetUriError),
    /// `htu` is another URI than the request's.
    Target { got: TargetUri, expected: TargetUri },
    /// `iat` is too long ago.
    TooOld { iat: UnixTime, now: UnixTime, window: Duration },
    /// `iat` is too far in the future.
    TooNew { iat: UnixTime, now: UnixTime, window: Duration },
    /// `exp` or `nbf`, which a proof need not have, excludes the present.
    NotNow { claim: &'static str },
    /// `ath` is not the hash of the token that came with the proof.
    TokenHash,
    /// Nonces are required and the proof has none.
    NonceMissing,
    /// The nonce is not ours or too old.
    NonceUnknown,
    /// The signature is not that of the key in `jwk`.
    Signature,
    /// The proof was used before.
    Replayed,
    /// A token came as a plain bearer token where only bound ones are accepted.
    Required,
}

impl ProofError {
    /// What was wrong.
    pub fn kind(&self) -> &ProofErrorKind {
        &self.kind
    }

    /// A stable word for logs and metrics.
    pub fn code(&self) -> &'static str {
        use ProofErrorKind as K;
        match self.kind {
            K::Missing => "proof_missing",
            K::Several => "proof_several",
            K::NotText | K::Malformed(_) | K::ClaimMissing { .. } | K::JtiLength { .. } => "proof_malformed",
            K::Type => "proof_type",
            K::Algorithm { .. } => "proof_algorithm",
            K::NoKey | K::Key(_) => "proof_key",
            K::Method { .. } => "proof_method",
            K::NotATarget(_) | K::Target { .. } => "proof_target",
            K::TooOld { .. } | K::TooNew { .. } | K::NotNow { .. } => "proof_time",
            K::TokenHash => "proof_token_hash",
            K::NonceMissing | K::NonceUnknown => "proof_nonce",
            K::Signature => "proof_signature",
            K::Replayed => "proof_replayed",
            K::Required => "proof_required",
        }
    }

    /// The error code of the challenge (RFC 9449 §7.1, §9 and §12.2).
    pub fn oauth_error(&self) -> &'static str {
        use ProofErrorKind as K;
        match self.kind {
            K::NonceMissing | K::NonceUnknown => "use_dpop_nonce",
            K::Required => "invalid_token",
            K::Missing
            | K::Several
            | K::NotText
            | K::Malformed(_)
            | K::Type
            | K::Algorithm { .. }
            | K::NoKey
            | K::Key(_)
            | K::ClaimMissing { .. }
            | K::JtiLength { .. }
            | K::Method { .. }
            | K::NotATarget(_)
            | K::Target { .. }
            | K::TooOld { .. }
            | K::TooNew { .. }
            | K::NotNow { .. }
            | K::TokenHash
            | K::Signature
            | K::Replayed => "invalid_dpop_proof",
        }
    }

    /// What the client may know: a fixed text without quotes and backslashes.
    pub fn client_text(&self) -> &'static str {
        use ProofErrorKind as K;
        match self.kind {
            K::Missing => "a DPoP proof is required",
            K::Several => "more than one DPoP proof",
            K::NotText | K::Malformed(_) | K::Type | K::ClaimMissing { .. } | K::JtiLength { .. } => {
                "the DPoP proof is malformed"
            }
            K::Algorithm { .. } => "the algorithm of the DPoP proof is not accepted",
            K::NoKey | K::Key(_) => "the key of the DPoP proof is not accepted",
            K::Method { .. } => "the DPoP proof is for another method",
            K::NotATarget(_) | K::Target { .. } => "the DPoP proof is for another URI",
            K::TooOld { .. } | K::TooNew { .. } | K::NotNow { .. } => {
                "the DPoP proof was not made just now: check the clock"
            }
            K::TokenHash => "the DPoP proof is for another access token",
            K::NonceMissing | K::NonceUnknown => "the DPoP proof needs the nonce of this response",
            K::Signature => "the signature of the DPoP proof is not valid",
            K::Replayed => "the DPoP proof was used before",
            K::Required => "an access token bound by DPoP is required",
        }
    }

    /// Whether the client should try again with a nonce that the response brings.
    pub fn wants_nonce(&self) -> bool {
        matches!(self.kind, ProofErrorKind::NonceMissing | ProofErrorKind::NonceUnknown)
    }
}

impl From<ProofErrorKind> for ProofError {
    fn from(kind: ProofErrorKind) -> Self {
        Self { kind }
    }
}

impl std::error::Error for ProofError {}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProofErrorKind as K;
        match &self.kind {
            K::Missing => f.write_str("`Authorization: DPoP` came without a header `DPoP`"),
            K::Several => f.write_str("more than one header `DPoP`"),
            K::NotText => f.write_str("header `DPoP` is not visible ASCII"),
            K::Malformed(e) => match e.kind() {
                ValidationErrorKind::NotCompact { .. } => f.write_str("DPoP proof is not a JWT of three parts"),
                _ => write!(f, "DPoP proof: {e}"),
            },
            K::Type => f.write_str("DPoP proof: `typ` is not `dpop+jwt`"),
            K::Algorithm { got } => write!(f, "DPoP proof: `alg` is `{got}`, which is not accepted in proofs"),
            K::NoKey => f.write_str("DPoP proof: header member `jwk` is absent or not an object"),
            K::Key(reason) => write!(f, "DPoP proof: `jwk`: {reason}"),
            K::ClaimMissing { claim } => write!(f, "DPoP proof: claim `{claim}` is absent or not a string"),
            K::JtiLength { bytes } => {
                write!(f, "DPoP proof: `jti` has {bytes} bytes, expected 1 to {}", super::MAX_JTI_BYTES)
            }
            K::Method { got, expected } => {
                write!(f, "DPoP proof: `htm` is `{}`, the request is `{expected}`", Shown(got))
            }
            K::NotATarget(e) => write!(f, "DPoP proof: `htu` or the request's target {e}"),
            K::Target { got, expected } => write!(
                f,
                "DPoP proof: `htu` is `{}`, expected `{}`: a proxy may have changed the path; see the setting for the public base",
                Shown(got.as_str()),
                Shown(expected.as_str())
            ),
            K::TooOld { iat, now, window } => write!(
                f,
                "DPoP proof: `iat` is {iat}, it is {now}, the window is {} s: an old proof, or the client's clock is slow",
                window.as_secs()
            ),
            K::TooNew { iat, now, window } => write!(
                f,
                "DPoP proof: `iat` is {iat}, it is {now}, the window is {} s: the client's clock is fast",
                window.as_secs()
            ),
            K::NotNow { claim } => write!(f, "DPoP proof: `{claim}` excludes the present"),
            K::TokenHash => f.write_str("DPoP proof: `ath` is not the hash of the access token of this request"),
            K::NonceMissing => f.write_str("DPoP proof has no nonce: the client was given one"),
            K::NonceUnknown => {
                f.write_str("DPoP proof: the nonce is too old or not ours: the client was given a new one; replicas must share the nonce secret")
            }
            K::Signature => f.write_str("DPoP proof: the signature does not verify with the key in `jwk`"),
            K::Replayed => f.write_str("DPoP proof was used before: a repeated request, or an attack"),
            K::Required => f.write_str("a plain bearer token came from an issuer whose tokens must be bound by DPoP"),
        }
    }
}

/// At most 200 characters, control characters escaped: the text goes to a log.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(200) {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        if self.0.chars().nth(200).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// A setting that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofConfigError {
    /// No algorithm: no proof could be accepted.
    #[error("no algorithm for DPoP proofs: none could be accepted")]
    NoAlgorithm,
    /// A proof is signed with a private key (RFC 9449 §4.3, check 5).
    #[error("`{0}` is symmetric: DPoP proofs are signed with private keys")]
    Symmetric(Algorithm),
    /// The window is not 1 to 300 seconds.
    #[error("the window for `iat` of DPoP proofs is 1 to 300 seconds, got {} s", .0.as_secs())]
    Window(Duration),
    /// The period of nonces is not 10 to 3600 seconds.
    #[error("the period of DPoP nonces is 10 to 3600 seconds, got {} s", .0.as_secs())]
    Period(Duration),
}
