//! Proof Key for Code Exchange, `S256` only (RFC 7636).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use mcp_auth_discovery::Secret;

/// A code verifier (RFC 7636 §4.1): 43 to 128 unreserved characters. Redacted in `Debug`, overwritten when
/// dropped, and not `Clone`: the request that consumes it is the only one that it is good for.
///
/// ```
/// use mcp_auth_exchange::grant::authorization_code::PkceVerifier;
///
/// let verifier = PkceVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// assert!(verifier.challenge().matches(&verifier));
/// assert_eq!(format!("{verifier:?}"), "PkceVerifier([redacted])");
/// # Ok::<(), mcp_auth_exchange::grant::authorization_code::PkceError>(())
/// ```
pub struct PkceVerifier(Secret);

/// A code challenge of the method `S256` (RFC 7636 §4.2). `plain` does not exist here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PkceChallenge {
    text: String,
    hash: [u8; 32],
}

/// Why a text is not a code verifier or challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PkceError {
    /// Not 43 to 128 unreserved characters (RFC 7636 §4.1).
    #[error("code verifier is not 43 to 128 unreserved characters")]
    Verifier,
    /// Not the base64url of 32 bytes (RFC 7636 §4.2).
    #[error("code challenge is not the base64url of a SHA-256 hash")]
    Challenge,
    /// `code_challenge_method` is not `S256`. An absent one means `plain`, which is refused too.
    #[error("code challenge method is not `S256`")]
    Method,
}

impl PkceVerifier {
    /// Makes a verifier of 32 bytes from a cryptographic random source (RFC 7636 §7.1).
    pub fn from_random(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// Reads a verifier, such as the `code_verifier` of a token request.
    ///
    /// # Errors
    ///
    /// [`PkceError::Verifier`].
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(PkceError::Verifier)
        }
    }

    /// The verifier itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// `BASE64URL(SHA256(verifier))` (RFC 7636 §4.2).
    pub fn challenge(&self) -> PkceChallenge {
        PkceChallenge::from_hash(self.hash())
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }
}

impl fmt::Debug for PkceVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PkceVerifier([redacted])")
    }
}

impl PkceChallenge {
    /// The value of `code_challenge_method`.
    pub const METHOD: &'static str = "S256";

    /// Reads `code_challenge` and `code_challenge_method` of an authorization request.
    ///
    /// # Errors
    ///
    /// [`PkceError::Method`] when the method is absent or not exactly `S256`, [`PkceError::Challenge`] when the
    /// challenge is not the base64url of 32 bytes without padding.
    pub fn parse(challenge: &str, method: Option<&str>) -> Result<Self, PkceError> {
        if method != Some(Self::METHOD) {
            return Err(PkceError::Method);
        }
        if challenge.len() != 43 {
            return Err(PkceError::Challenge);
        }
        let bytes = URL_SAFE_NO_PAD.decode(challenge).map_err(|_| PkceError::Challenge)?;
        Ok(Self::from_hash(bytes.try_into().map_err(|_| PkceError::Challenge)?))
    }

    /// The value of `code_challenge`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this challenge was made from `verifier`, in constant time (RFC 7636 §4.6).
    #[must_use]
    pub fn matches(&self, verifier: &PkceVerifier) -> bool {
        self.hash.ct_eq(&verifier.hash()).into()
    }

    fn from_hash(hash: [u8; 32]) -> Self {
        Self { text: URL_SAFE_NO_PAD.encode(hash), hash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7636_appendix_b() {
        let bytes = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = PkceVerifier::from_random(bytes);
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let read = PkceChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Some("S256")).unwrap();
        assert!(read.matches(&verifier));
        assert!(!read.matches(&PkceVerifier::from_random([0; 32])));
    }

    #[test]
    fn attack_098_plain_is_refused() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for method in [None, Some("plain"), Some("s256"), Some("")] {
            assert_eq!(PkceChallenge::parse(challenge, method), Err(PkceError::Method), "{method:?}");
        }
    }

    #[test]
    fn odd_texts_are_refused() {
        let ok = "a".repeat(43);
        assert!(PkceVerifier::parse(&ok).is_ok());
        assert!(PkceVerifier::parse(&"~".repeat(128)).is_ok());
        for bad in
            ["", &"a".repeat(42), &"a".repeat(129), &"+".repeat(43), &"é".repeat(30), &(ok.clone() + " ")]
        {
            assert_eq!(PkceVerifier::parse(bad).map(|_| ()), Err(PkceError::Verifier), "{bad}");
        }
        // 43 characters whose last one has bits beyond the hash, padding, and the other alphabet.
        for bad in [
            "",
            &"a".repeat(42),
            &("A".repeat(42) + "B"),
            &("A".repeat(42) + "="),
            &"+".repeat(43),
            &"é".repeat(22),
        ] {
            assert_eq!(PkceChallenge::parse(bad, Some("S256")), Err(PkceError::Challenge), "{bad}");
        }
    }
}
