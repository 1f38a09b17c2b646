//! The clients of our own server, and how one is found by its identifier.
//!
//! | `client_id` | what it is | where its registration is |
//! |---|---|---|
//! | configured | pre-registered by the operator | configuration |
//! | `s1.…` | registered here (RFC 7591) | in the identifier itself, sealed |
//! | a URL | a client ID metadata document | at that URL |

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::client_metadata::{ClientIdUrl, ClientMetadataDocument};
use mcp_auth_discovery::registration::redirect_uri_matches;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::state::ClientDigest;
use super::upstream::UpstreamClient;
use super::{ClientLabel, Facade, PreRegisteredClient, Refusal};

/// The greatest length of a `client_id`, in bytes: it stands in URLs and in `Authorization` headers.
pub const MAX_CLIENT_ID_BYTES: usize = 4096;

/// How sealed values begin.
const SEALED: &str = "s1.";

/// A client, wherever it comes from.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) origin: Origin,
    pub(super) name: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) authentication: Authentication,
    /// Whether it takes refresh tokens.
    pub(super) refresh: bool,
    /// Its client at the provider, where that is known already.
    pub(super) upstream: Option<UpstreamClient>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Registered,
    /// Host and port of the document, and whether every redirect URI is on the user's machine.
    Document {
        authority: String,
        loopback_only: bool,
    },
    PreRegistered {
        first_party: bool,
    },
}

/// How a client proves at the token endpoint that it is this client.
#[derive(Clone, Debug)]
pub(super) enum Authentication {
    /// By the code's verifier alone.
    None,
    /// By a secret with this digest.
    Secret([u8; 32]),
    /// In a way that is not one of ours.
    Other,
}

/// What a sealed `client_id` holds: no more than is needed, because it stands in URLs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SealedClient {
    #[serde(rename = "r")]
    pub(super) redirect_uris: Vec<String>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(super) uri: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) application_type: Option<String>,
    #[serde(rename = "m")]
    pub(super) method: String,
    /// The digest of the secret.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    #[serde(rename = "f")]
    pub(super) refresh: bool,
    #[serde(rename = "i")]
    pub(super) issued_at: u64,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(super) upstream: Option<UpstreamClient>,
    /// Makes every identifier another one.
    #[serde(rename = "k")]
    pub(super) key: String,
}

/// What the store says of a client that was changed (RFC 7592).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum ClientRecord {
    #[serde(rename = "d")]
    Deleted,
    #[serde(rename = "r")]
    Replaced(Box<SealedClient>),
}

/// What is known of a client by its identifier alone.
pub(super) enum Found {
    Client(Box<Client>),
    /// A registered one; the store may know better.
    Registered(Box<Client>),
    Document(ClientIdUrl),
    Unknown,
}

impl Facade {
    pub(super) fn find_client(&self, client_id: &str, now: UnixTime) -> Found {
        if client_id.len() > MAX_CLIENT_ID_BYTES {
            return Found::Unknown;
        }
        if let Some(known) = self.clients.iter().find(|known| known.client_id == client_id) {
            return Found::Client(Box::new(Client::pre_registered(known, &self.upstream_of_all())));
        }
        if Client::is_sealed(client_id) && self.offers.registration {
            return match self.open::<SealedClient>(Purpose::ClientId, "", client_id, now) {
                Some(sealed) => {
                    let client = Box::new(Client::registered(client_id, sealed, self.upstream_of_all()));
                    if self.registration.is_managed() {
                        Found::Registered(client)
                    } else {
                        Found::Client(client)
                    }
                }
                None => Found::Unknown,
            };
        }
        match ClientIdUrl::parse(client_id) {
            Ok(url) if self.offers.documents && self.documents.check(&url).is_ok() => Found::Document(url),
            _ => Found::Unknown,
        }
    }

    /// The client of a document that was fetched and checked.
    pub(super) fn client_of_document(&self, document: &ClientMetadataDocument) -> Client {
        let metadata = document.metadata();
        let origin = Origin::Document {
            authority: document.id().authority().to_owned(),
            loopback_only: document.is_loopback_only(),
        };
        let none = metadata.token_endpoint_auth_method.as_deref() == Some("none");
        Client {
            id: document.id().as_str().to_owned(),
            origin,
            name: metadata.client_name.clone(),
            redirect_uris: metadata.redirect_uris.clone(),
            authentication: if none { Authentication::None } else { Authentication::Other },
            refresh: metadata.uses_grant_type("refresh_token"),
            upstream: self.upstream_of_all(),
        }
    }

    /// A client of a document at the token endpoint, where code and verifier say all that the document would: only public
    /// ones come as far as a code.
    pub(super) fn client_of_url(&self, url: &ClientIdUrl) -> Client {
        Client {
            id: url.as_str().to_owned(),
            origin: Origin::Document { authority: url.authority().to_owned(), loopback_only: false },
            name: None,
            redirect_uris: Vec::new(),
            authentication: Authentication::None,
            refresh: true,
            upstream: self.upstream_of_all(),
        }
    }

    /// What the store knows of a registered client, under its name there.
    pub(super) fn client_after(
        &self,
        client: Client,
        record: Option<&str>,
        now: UnixTime,
    ) -> Result<Client, Refusal> {
        let Some(record) = record else { return Ok(client) };
        let name = self.client_record_name(&client.id);
        match self.open::<ClientRecord>(Purpose::StoreEntry, &name, record, now) {
            Some(ClientRecord::Replaced(sealed)) => {
                Ok(Client::registered(&client.id, *sealed, self.upstream_of_all()))
            }
            // What we cannot read may be a deletion.
            Some(ClientRecord::Deleted) | None => Err(Refusal::UnknownClient),
        }
    }

    pub(super) fn client_record_name(&self, client_id: &str) -> String {
        self.store_name("client", ClientDigest::of(client_id).as_str())
    }

    fn upstream_of_all(&self) -> Option<UpstreamClient> {
        self.upstream.is_shared().then_some(UpstreamClient::Shared)
    }
}

impl Client {
    /// Whether an identifier holds a registration.
    pub(super) fn is_sealed(client_id: &str) -> bool {
        client_id.starts_with(SEALED)
    }

    /// Whether the operator knows it.
    pub(super) fn is_pre_registered(&self) -> bool {
        matches!(self.origin, Origin::PreRegistered { .. })
    }

    /// What the audit log is told.
    pub(super) fn label(&self) -> ClientLabel {
        ClientLabel::new(&self.id, self.name.as_deref())
    }

    fn pre_registered(known: &PreRegisteredClient, upstream: &Option<UpstreamClient>) -> Self {
        Self {
            id: known.client_id.clone(),
            origin: Origin::PreRegistered { first_party: known.first_party },
            name: known.metadata.client_name.clone(),
            redirect_uris: known.metadata.redirect_uris.clone(),
            authentication: known.secret.map_or(Authentication::None, Authentication::Secret),
            // An operator who says nothing wants the usual flow.
            refresh: known.metadata.grant_types.is_none() || known.metadata.uses_grant_type("refresh_token"),
            upstream: upstream.clone(),
        }
    }

    fn registered(client_id: &str, sealed: SealedClient, shared: Option<UpstreamClient>) -> Self {
        let authentication = match (sealed.method.as_str(), sealed.secret.as_deref().map(read_digest)) {
            ("none", None) => Authentication::None,
            ("client_secret_basic" | "client_secret_post", Some(Some(digest))) => {
                Authentication::Secret(digest)
            }
            _ => Authentication::Other,
        };
        Self {
            id: client_id.to_owned(),
            origin: Origin::Registered,
            name: sealed.name,
            redirect_uris: sealed.redirect_uris,
            authentication,
            refresh: sealed.refresh,
            upstream: sealed.upstream.or(shared),
        }
    }

    /// The registered redirect URI that a requested one is: equal, or on a loopback host with another port (RFC 8252 §7.3).
    pub(super) fn redirect_uri(&self, requested: &str) -> Option<&str> {
        self.redirect_uris.iter().map(String::as_str).find(|known| redirect_uri_matches(known, requested))
    }

    /// Checks the secret of a token request. Whether it stood in the header or the body does not matter: clients take
    /// either, whatever they registered (metatool#342 and others).
    pub(super) fn authenticate(&self, secret: Option<&str>) -> Result<(), Refusal> {
        let matches = match (&self.authentication, secret) {
            (Authentication::None, None) => true,
            (Authentication::Secret(expected), Some(secret)) => {
                expected.as_slice().ct_eq(digest(secret).as_slice()).into()
            }
            (Authentication::Other, _) => return Err(Refusal::ClientMethod),
            (Authentication::None, Some(_)) | (Authentication::Secret(_), None) => false,
        };
        if matches { Ok(()) } else { Err(Refusal::ClientAuthentication) }
    }
}

pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

pub(super) fn read_digest(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
