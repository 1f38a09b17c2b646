//! What we give away sealed, and read when it comes back.
//!
//! | value | seen by | bound to | life |
//! |---|---|---|---|
//! | form of consent: [`Pending`] | the browser | browser | 10 minutes |
//! | `state`: [`Pending`], the verifier, a one-time key | browser, provider | browser | 10 minutes |
//! | code: [`CodeContent`] | browser, client | client | 60 seconds |
//! | refresh token: [`RefreshContent`] | client | client | as configured |
//!
//! Everything is bound to our issuer besides. A seal gives integrity; that a value is used once is recorded in the
//! [store](super::store) under its one-time key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::{Purpose, SealNonce};
use mcp_auth_discovery::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::upstream::UpstreamClient;
use super::{Facade, RandomBytes, Refusal};

/// A client as sealed values name it: an identifier may be long, its digest is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ClientDigest(String);

impl ClientDigest {
    pub(super) fn of(client_id: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(client_id.as_bytes())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An authorization request that was found good, and has not been sent on yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    #[serde(rename = "c")]
    pub(super) client: ClientDigest,
    /// What the audit log calls it.
    #[serde(rename = "l")]
    pub(super) label: String,
    /// Where the answer goes: the URI of the request.
    #[serde(rename = "r")]
    pub(super) redirect_uri: String,
    /// The client's own state.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    #[serde(rename = "h")]
    pub(super) challenge: String,
    #[serde(rename = "a")]
    pub(super) resource: String,
    #[serde(rename = "o")]
    pub(super) scope: String,
    /// Whether the client takes refresh tokens.
    #[serde(rename = "f")]
    pub(super) refresh: bool,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(super) upstream: Option<UpstreamClient>,
    /// What is passed on, such as `prompt`; a name to register under; what consent is remembered as. Not in `state`.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Before>,
}

/// What is needed of a request only until the user is sent to the provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Before {
    #[serde(rename = "p")]
    pub(super) passed_on: Vec<(String, String)>,
    #[serde(rename = "n")]
    pub(super) client_name: Option<String>,
    /// What consent is remembered as; absent where it is not.
    #[serde(rename = "d")]
    pub(super) consent: Option<String>,
}

/// What `state` of our request to the provider holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StateContent {
    #[serde(rename = "k")]
    pub(super) key: String,
    #[serde(rename = "i")]
    pub(super) issuer: String,
    /// Whether the answer has to name it.
    #[serde(rename = "n")]
    pub(super) requires_iss: bool,
    #[serde(rename = "v", serialize_with = "expose")]
    pub(super) verifier: Secret,
    #[serde(rename = "q")]
    pub(super) pending: Pending,
}

/// What a login made: all tokens that come of it end together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Session {
    #[serde(rename = "k")]
    pub(super) key: String,
    #[serde(rename = "a")]
    pub(super) resource: String,
    #[serde(rename = "o")]
    pub(super) scope: String,
    #[serde(rename = "u")]
    pub(super) upstream: UpstreamClient,
    #[serde(rename = "i")]
    pub(super) issuer: String,
    #[serde(rename = "e")]
    pub(super) ends_at: u64,
}

/// What a code holds. The tokens wait in the store, under its key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CodeContent {
    #[serde(rename = "k")]
    pub(super) key: String,
    #[serde(rename = "r")]
    pub(super) redirect_uri: String,
    #[serde(rename = "h")]
    pub(super) challenge: String,
    #[serde(rename = "f")]
    pub(super) refresh: bool,
    #[serde(rename = "s")]
    pub(super) session: Session,
}

/// The provider's tokens, as they wait for the code.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpstreamTokens {
    #[serde(rename = "a", serialize_with = "expose")]
    pub(super) access_token: Secret,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none", serialize_with = "expose_some")]
    pub(super) refresh_token: Option<Secret>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
}

/// What a refresh token holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RefreshContent {
    #[serde(rename = "k")]
    pub(super) key: String,
    #[serde(rename = "e")]
    pub(super) expires_at: u64,
    #[serde(rename = "r", serialize_with = "expose")]
    pub(super) upstream: Secret,
    #[serde(rename = "s")]
    pub(super) session: Session,
    /// Which one of its session it is, from 1.
    #[serde(rename = "g")]
    pub(super) generation: u64,
}

/// What a client is answered, as it waits for parallel requests with the same refresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Issued {
    #[serde(rename = "a", serialize_with = "expose")]
    pub(super) access_token: Secret,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none", serialize_with = "expose_some")]
    pub(super) refresh_token: Option<Secret>,
    #[serde(rename = "o")]
    pub(super) scope: String,
}

impl Facade {
    pub(super) fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        bound_to: &str,
        content: &T,
        expires_at: Option<UnixTime>,
        random: &mut RandomBytes,
    ) -> Result<String, Refusal> {
        let json = serde_json::to_vec(content).map_err(|_| Refusal::Internal)?;
        self.seal_bytes(purpose, bound_to, &Zeroizing::new(json), expires_at, random)
    }

    pub(super) fn seal_bytes(
        &self,
        purpose: Purpose,
        bound_to: &str,
        content: &[u8],
        expires_at: Option<UnixTime>,
        random: &mut RandomBytes,
    ) -> Result<String, Refusal> {
        let bound = [self.issuer().as_bytes(), bound_to.as_bytes()];
        let nonce = SealNonce::Random(random.take()?);
        self.sealer.seal(purpose, &bound, content, expires_at, nonce).map_err(|_| Refusal::Internal)
    }

    /// `None` for everything that we did not seal for this purpose and this binding, and for what has ended.
    pub(super) fn open<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        bound_to: &str,
        text: &str,
        now: UnixTime,
    ) -> Option<T> {
        serde_json::from_slice(&self.open_bytes(purpose, bound_to, text, now)?).ok()
    }

    pub(super) fn open_bytes(
        &self,
        purpose: Purpose,
        bound_to: &str,
        text: &str,
        now: UnixTime,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let bound = [self.issuer().as_bytes(), bound_to.as_bytes()];
        self.sealer.open(purpose, &bound, text, now).ok()
    }
}

/// An identifier that is never used twice.
pub(super) fn one_time_key(random: &mut RandomBytes) -> Result<String, Refusal> {
    Ok(URL_SAFE_NO_PAD.encode(random.take::<16>()?))
}

pub(super) fn expose<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

pub(super) fn expose_some<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_some(secret.expose()),
        None => serializer.serialize_none(),
    }
}
