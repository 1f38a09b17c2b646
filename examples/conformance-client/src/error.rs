//! What can go wrong, for whoever runs the client. No variant holds a token or a secret.

use mcp_auth_core::crypto::{KeyRefused, SigningFailed};
use mcp_auth_core::dpop::TargetUriError;
use mcp_auth_discovery::challenge::ChallengesError;
use mcp_auth_discovery::registration::{ClientRequestError, RegistrationError, RegistrationFailure};
use mcp_auth_discovery::resource::{ProtectedResourceMetadataError, ResourceError};
use mcp_auth_discovery::scope::ScopeError;
use mcp_auth_discovery::server::{LocatorError, UnusableServer};
use mcp_auth_exchange::TokenResponseError;
use mcp_auth_exchange::client_auth::{ClientAuthenticationError, NoCommonMethod};
use mcp_auth_exchange::dpop::DpopKeyError;
use mcp_auth_exchange::endpoint::EndpointError;
use mcp_auth_exchange::grant::authorization_code::{AuthorizationRequestError, AuthorizationResponseError};
use mcp_auth_exchange::grant::id_jag::NotAnIdJag;
use mcp_auth_exchange::target::TargetError;
use mcp_auth_tower::client::{CidrError, FetchError, FetchUrlError};

/// Why the client gives up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    // What the operator wrote.
    #[error(transparent)]
    Server(#[from] ResourceError),
    #[error("the credentials are not what the client understands: {0}")]
    Credentials(serde_json::Error),
    #[error("the private key: {0}")]
    PrivateKey(String),
    #[error("the private key: {0}")]
    Key(#[from] KeyRefused),
    #[error("the credentials are for the authorization server {configured}, and the resource names {named}")]
    OtherIssuer { configured: String, named: String },

    // Requests.
    #[error("{url} {fault}")]
    Url { url: String, fault: FetchUrlError },
    #[error("{url} {fault}")]
    Fetch { url: String, fault: FetchError },
    #[error(transparent)]
    Network(#[from] CidrError),
    #[error("the system gives no randomness")]
    Randomness,

    // Discovery.
    #[error("challenge of the server: {0}")]
    Challenges(#[from] ChallengesError),
    #[error("{url}: {fault}")]
    ResourceMetadata { url: String, fault: ProtectedResourceMetadataError },
    #[error("{url} answered {status}")]
    ResourceMetadataStatus { url: String, status: u16 },
    #[error("the resource's metadata names no authorization server")]
    NoAuthorizationServer,
    #[error("issuer of the authorization server: {0}")]
    Issuer(#[from] LocatorError),
    #[error("the authorization server has no usable metadata: {0}")]
    ServerMetadata(String),
    #[error(transparent)]
    Unusable(#[from] UnusableServer),
    #[error("the authorization server takes no proofs signed with {0}, which DPoP needs here")]
    DpopAlgorithm(&'static str),
    #[error("scopes: {0}")]
    Scopes(#[from] ScopeError),

    // Registration.
    #[error(
        "the authorization server registers no clients, takes no metadata documents, and this client was given no credentials for it"
    )]
    NoRegistration,
    #[error("registration: {0}")]
    Register(#[from] RegistrationError),
    #[error("registration: {0}")]
    RegisterRequest(#[from] ClientRequestError),
    #[error("registration: {0}")]
    Registration(#[from] RegistrationFailure),
    #[error(transparent)]
    Method(#[from] NoCommonMethod),

    // Tokens.
    #[error("token endpoint: {0}")]
    Endpoint(#[from] EndpointError),
    #[error("authorization request: {0}")]
    AuthorizationRequest(#[from] AuthorizationRequestError),
    #[error("the authorization endpoint answered {0}, and did not send the user back")]
    NotSentBack(u16),
    #[error(transparent)]
    AuthorizationResponse(#[from] AuthorizationResponseError),
    #[error(transparent)]
    ClientAuthentication(#[from] ClientAuthenticationError),
    #[error("resource: {0}")]
    Target(#[from] TargetError),
    #[error(transparent)]
    Token(#[from] TokenResponseError),
    #[error("the identity provider's answer: {0}")]
    IdJag(#[from] NotAnIdJag),
    #[error("the authorization server has not the grant {0}, which these credentials need")]
    Grant(&'static str),
    #[error("token of type `{got}`, expected `{expected}`")]
    TokenType { got: String, expected: &'static str },
    #[error("proof of possession: {0}")]
    Proof(#[from] SigningFailed),
    #[error("proof of possession: {0}")]
    ProofKey(#[from] DpopKeyError),
    #[error("proof of possession: {0}")]
    ProofTarget(#[from] TargetUriError),
    #[error("an access token has characters that do not belong into a header")]
    TokenHeader,

    // The server.
    #[error("the server refuses the token that was just got for it")]
    StillUnauthorized,
    #[error("the server refuses: {0}")]
    Forbidden(String),
    #[error("the server still asks for the scope `{0}`, which was asked for and is not to be had")]
    ScopeNotGranted(String),
    #[error("{method}: {fault}")]
    Mcp { method: String, fault: String },
}
