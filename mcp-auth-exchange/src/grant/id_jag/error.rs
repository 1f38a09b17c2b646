//! Why an ID-JAG is refused.

use mcp_auth_core::UnixTime;
use mcp_auth_core::jwt::ValidationError;

use crate::TokenErrorCode;

/// Why an ID-JAG is refused. For the log: the client reads [`oauth_error`](Self::oauth_error).
#[derive(Clone, Debug, thiserror::Error)]
#[error("identity assertion refused: {kind}")]
pub struct IdJagError {
    pub(super) kind: IdJagErrorKind,
}

/// The kinds of [`IdJagError`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdJagErrorKind {
    /// Not a signed JWT with claims of their types, or its signature is not the issuer's.
    #[error(transparent)]
    Token(#[from] ValidationError),
    /// `typ` is not `oauth-id-jag+jwt`: another kind of JWT of the same issuer.
    #[error("header `typ` is not `oauth-id-jag+jwt`")]
    Type,
    /// `alg` is not one that is accepted of its issuer.
    #[error("algorithm is not accepted of this issuer")]
    Algorithm,
    /// This claim is absent or of the wrong type.
    #[error("claim `{0}` is absent or not of its type")]
    Claim(&'static str),
    /// `iss` is not trusted to vouch for users here.
    #[error("issuer is not among the trusted identity providers")]
    UntrustedIssuer,
    /// `iss` is this server itself, which must not redeem what it issued.
    #[error("issued by this server itself (the draft forbids redeeming one's own)")]
    OwnIssuer,
    /// `aud` is not exactly this server's issuer identifier.
    #[error("`aud` is not exactly the issuer identifier of this server")]
    Audience,
    /// `client_id` is another client than the one that is authenticated.
    #[error("`client_id` is not the authenticated client")]
    Client,
    /// None of `resource` is one of this server's.
    #[error("`resource` is none that this server issues tokens for")]
    Resource,
    /// Not yet good, or no longer.
    #[error("not valid at {now}: issued at {iat}, expires at {exp}")]
    Time {
        /// `iat`.
        iat: UnixTime,
        /// `exp`.
        exp: UnixTime,
        /// The time.
        now: UnixTime,
    },
    /// It lasts longer than is accepted.
    #[error("lasts longer than {seconds} seconds")]
    Lifetime {
        /// The limit.
        seconds: u64,
    },
    /// It is bound to a key (`cnf`), and the request did not prove to have it.
    #[error("bound to a key that this request did not prove (`cnf.jkt`)")]
    Key,
}

impl IdJagError {
    /// What was wrong.
    pub fn kind(&self) -> &IdJagErrorKind {
        &self.kind
    }

    /// What the token endpoint answers with (RFC 7521 §4.1.1, RFC 8707 §2).
    pub fn oauth_error(&self) -> TokenErrorCode {
        match self.kind {
            IdJagErrorKind::Resource => TokenErrorCode::InvalidTarget,
            IdJagErrorKind::Key => TokenErrorCode::InvalidDpopProof,
            IdJagErrorKind::Token(_)
            | IdJagErrorKind::Type
            | IdJagErrorKind::Algorithm
            | IdJagErrorKind::Claim(_)
            | IdJagErrorKind::UntrustedIssuer
            | IdJagErrorKind::OwnIssuer
            | IdJagErrorKind::Audience
            | IdJagErrorKind::Client
            | IdJagErrorKind::Time { .. }
            | IdJagErrorKind::Lifetime { .. } => TokenErrorCode::InvalidGrant,
        }
    }
}

impl From<IdJagErrorKind> for IdJagError {
    fn from(kind: IdJagErrorKind) -> Self {
        Self { kind }
    }
}

impl From<ValidationError> for IdJagError {
    fn from(error: ValidationError) -> Self {
        Self { kind: error.into() }
    }
}
