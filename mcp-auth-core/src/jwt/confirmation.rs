//! Proof of possession: a token that is bound to a key or certificate (RFC 7800) is good only together with it.

use super::Claims;
use super::error::{ValidationError, ValidationErrorKind as Kind};
use crate::json::Value;
use crate::jwk::Thumbprint;

/// What a request proved to hold besides its token. The default is nothing: a plain bearer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Possession {
    /// The key of a DPoP proof that was checked for this request and this token (RFC 9449 §7.1).
    pub dpop_key: Option<Thumbprint>,
    /// The client certificate of the connection (RFC 8705 §3).
    pub certificate: Option<Thumbprint>,
}

impl Possession {
    /// Adds the key of a DPoP proof.
    #[must_use]
    pub const fn dpop_key(mut self, key: Thumbprint) -> Self {
        self.dpop_key = Some(key);
        self
    }

    /// Adds the client certificate.
    #[must_use]
    pub const fn certificate(mut self, certificate: Thumbprint) -> Self {
        self.certificate = Some(certificate);
        self
    }
}

/// What a token is bound to: the members of its claim `cnf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmation {
    /// `jkt`, RFC 9449 §6.1.
    pub dpop_key: Option<Thumbprint>,
    /// `x5t#S256`, RFC 8705 §3.1.
    pub certificate: Option<Thumbprint>,
}

impl Confirmation {
    /// Reads `cnf`; `None` where the token has none.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] for a `cnf` with any other confirmation method, or with none: a binding that cannot
    /// be checked is not passed over.
    pub(super) fn read(claims: &Claims) -> Result<Option<Self>, ValidationError> {
        let members = match claims.get("cnf") {
            None => return Ok(None),
            Some(Value::Object(members)) => members,
            Some(other) => {
                return Err(Kind::ClaimType { claim: "cnf", expected: "an object", got: other.kind() }.into());
            }
        };
        let mut confirmation = Self::default();
        for (name, value) in members.iter() {
            let thumbprint = value.as_str().and_then(Thumbprint::from_base64url);
            match (name, thumbprint) {
                ("jkt", Some(t)) => confirmation.dpop_key = Some(t),
                ("x5t#S256", Some(t)) => confirmation.certificate = Some(t),
                _ => return Err(Kind::ConfirmationMethod.into()),
            }
        }
        if confirmation == Self::default() {
            return Err(Kind::ConfirmationMethod.into());
        }
        Ok(Some(confirmation))
    }

    /// Whether what the request proved is what the token asks for; each method that `cnf` names has to hold.
    pub(super) fn check(of_token: Option<Self>, proved: Possession) -> Result<(), ValidationError> {
        let bound = of_token.unwrap_or_default();
        if bound.dpop_key != proved.dpop_key {
            return Err(match (bound.dpop_key, proved.dpop_key) {
                (Some(_), None) => Kind::Bound { to: "a DPoP key (`cnf.jkt`)" },
                // RFC 9449 §7.1: the DPoP scheme is for bound tokens only.
                (None, _) => Kind::NotBound,
                (Some(_), Some(_)) => Kind::WrongKey { to: "the DPoP proof's key" },
            }
            .into());
        }
        match (bound.certificate, proved.certificate) {
            (Some(_), None) => Err(Kind::Bound { to: "a client certificate (`cnf.x5t#S256`)" }.into()),
            (Some(ours), Some(theirs)) if ours != theirs => {
                Err(Kind::WrongKey { to: "the connection's client certificate" }.into())
            }
            // A certificate that the token does not ask for is no fault: mTLS may serve other ends.
            _ => Ok(()),
        }
    }
}
