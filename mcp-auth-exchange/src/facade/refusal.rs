//! Every reason to refuse: what the log, the client and the user are told.

use http::StatusCode;

/// Why a request to the facade is refused. Its texts are fixed: nothing of what was sent is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.description())]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than is read, or with too many parameters.
    TooLarge,
    /// A parameter is repeated (RFC 6749 §3.1).
    Repeated,
    /// The body is not a form.
    MediaType,
    /// Another method than those of the endpoint.
    Method,
    /// `client_id` or `redirect_uri` is absent, or another parameter that has to be there.
    Missing,
    /// Nobody knows this client.
    UnknownClient,
    /// The provider does not know the client any more that was registered there for this one.
    ClientForgotten,
    /// The client's metadata document cannot be had, or is not accepted.
    ClientDocument,
    /// The client's way to authenticate is not one of ours.
    ClientMethod,
    /// The redirect URI is not one that the client registered.
    RedirectUri,
    /// Another `response_type` than `code`.
    ResponseType,
    /// Another `response_mode` than `query`.
    ResponseMode,
    /// `request` (RFC 9101).
    RequestObject,
    /// `request_uri` (RFC 9101).
    RequestUri,
    /// No PKCE with `S256`.
    Pkce,
    /// `state` is too long, or not printable ASCII.
    State,
    /// No scope that is offered here, or one that was not granted.
    Scope,
    /// A `resource` that tokens are not issued for here, or several.
    Target,
    /// All parameters together do not fit into what is sent to the provider.
    TooLongForProvider,
    /// `prompt=none`, and the user has to be asked.
    ConsentRequired,
    /// The user said no.
    Denied,
    /// A consent form that we did not make for this browser, or that is too old.
    ConsentForm,
    /// A form that was sent from another site.
    CrossSite,
    /// `state` of a callback that we did not make for this browser, or that is too old.
    CallbackState,
    /// A callback that was used before.
    CallbackReplayed,
    /// `iss` of a callback is missing or not that of the provider (RFC 9207).
    CallbackIssuer,
    /// A callback with neither a code nor an error.
    Callback,
    /// The provider refused the authorization request.
    UpstreamRefused,
    /// The provider wants to see the user, and must not.
    UpstreamInteraction,
    /// The provider refused the scope.
    UpstreamScope,
    /// The provider refused the resource.
    UpstreamTarget,
    /// The provider's metadata or answer cannot be had now.
    UpstreamUnavailable,
    /// The provider cannot be used for this flow, by its metadata.
    UpstreamUnusable,
    /// The provider refused our own client, or did not register one.
    UpstreamClient,
    /// The provider's answer to a token request cannot be used.
    UpstreamAnswer,
    /// The provider ended the grant.
    UpstreamGrant,
    /// The client did not authenticate as it has to.
    ClientAuthentication,
    /// Another `grant_type` than ours.
    GrantType,
    /// The client did not register this grant.
    ClientGrant,
    /// A code that we did not issue to this client, or that is too old.
    Code,
    /// A code that was used before: what came of it ends.
    CodeReplayed,
    /// Another redirect URI than that of the authorization request.
    CodeRedirectUri,
    /// The verifier is absent or not that of the challenge (RFC 7636 §4.6).
    CodeVerifier,
    /// A refresh token that we did not issue to this client, or that is too old.
    RefreshToken,
    /// A refresh token that was used before: the session ends (RFC 9700 §4.14.2).
    RefreshReused,
    /// The session was ended.
    SessionEnded,
    /// Another request with the same refresh token is under way for too long.
    Busy,
    /// The shared store cannot be reached, or has no room.
    Store,
    /// A registration that is not accepted; the answer says why.
    Registration,
    /// A registration access token that is not one of ours for this client (RFC 7592 §2).
    RegistrationToken,
    /// The body is longer than is read: 413.
    BodyTooLarge,
    /// The body did not come in time: 408.
    BodyTimeout,
    /// The body broke off.
    BodyRead,
    /// Too many requests from one address: 429.
    TooManyRequests,
    /// More requests are under way than are worked on at once.
    Overloaded,
    /// The answer was not ready in time.
    Late,
    /// Our own mistake.
    Internal,
}

impl Refusal {
    /// A stable word for logs and metrics.
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The error code of the protocol (RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9101 §7, OpenID Connect Core §3.1.2.6).
    pub const fn error(self) -> &'static str {
        self.row().1
    }

    /// What developers of clients are told.
    pub const fn description(self) -> &'static str {
        self.row().2
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(self) -> bool {
        self.error() == "temporarily_unavailable"
    }

    /// The status of an answer that is not a redirect.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            _ => match self.error() {
                "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
                "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            },
        }
    }

    const fn row(self) -> (&'static str, &'static str, &'static str) {
        const REQUEST: &str = "invalid_request";
        const GRANT: &str = "invalid_grant";
        const LATER: &str = "temporarily_unavailable";
        const SERVER: &str = "server_error";
        match self {
            Self::TooLarge => ("too_large", REQUEST, "the request is too long or has too many parameters"),
            Self::Repeated => ("repeated_parameter", REQUEST, "a parameter is repeated"),
            Self::MediaType => ("media_type", REQUEST, "the body is not application/x-www-form-urlencoded"),
            Self::Method => ("method", REQUEST, "the method is not one of this endpoint"),
            Self::Missing => ("missing_parameter", REQUEST, "a required parameter is missing"),
            Self::UnknownClient => {
                ("unknown_client", "invalid_client", "the client is not known here: register again")
            }
            Self::ClientForgotten => (
                "client_forgotten",
                "invalid_client",
                "the sign-in service does not know the client any more: register again",
            ),
            Self::ClientDocument => (
                "client_document",
                "invalid_client",
                "the metadata document at client_id cannot be fetched or is not accepted",
            ),
            Self::ClientMethod => (
                "client_method",
                "unauthorized_client",
                "the client's token_endpoint_auth_method is not none, client_secret_basic or client_secret_post",
            ),
            Self::RedirectUri => ("redirect_uri", REQUEST, "redirect_uri is not one of the client's"),
            Self::ResponseType => ("response_type", "unsupported_response_type", "response_type is not code"),
            Self::ResponseMode => ("response_mode", REQUEST, "response_mode is not query"),
            Self::RequestObject => ("request_object", "request_not_supported", "request is not supported"),
            Self::RequestUri => ("request_uri", "request_uri_not_supported", "request_uri is not supported"),
            Self::Pkce => {
                ("pkce", REQUEST, "PKCE is required: code_challenge with code_challenge_method S256")
            }
            Self::State => ("state", REQUEST, "state is too long or not printable ASCII"),
            Self::Scope => ("scope", "invalid_scope", "scope names nothing that can be granted"),
            Self::Target => {
                ("resource", "invalid_target", "resource is not one that tokens are issued for here")
            }
            Self::TooLongForProvider => {
                ("too_long_for_provider", REQUEST, "the parameters are too long to be passed on")
            }
            Self::ConsentRequired => ("consent_required", "consent_required", "the user has to be asked"),
            Self::Denied => ("denied", "access_denied", "the request was denied"),
            Self::ConsentForm => (
                "consent_form",
                REQUEST,
                "this form is too old or was opened in another browser: start again in the application",
            ),
            Self::CrossSite => ("cross_site", REQUEST, "this form was sent from another site"),
            Self::CallbackState => (
                "callback_state",
                REQUEST,
                "this sign-in is too old or was started in another browser: start again in the application",
            ),
            Self::CallbackReplayed => (
                "callback_replayed",
                REQUEST,
                "this sign-in was completed already: start again in the application",
            ),
            Self::CallbackIssuer => (
                "callback_issuer",
                REQUEST,
                "the answer does not come from the sign-in service that was asked",
            ),
            Self::Callback => ("callback", REQUEST, "the sign-in service sent an incomplete answer"),
            Self::UpstreamRefused => ("upstream_refused", SERVER, "the sign-in service refused the request"),
            Self::UpstreamInteraction => {
                ("upstream_interaction", "interaction_required", "the user has to sign in")
            }
            Self::UpstreamScope => {
                ("upstream_scope", "invalid_scope", "the sign-in service refused the scope")
            }
            Self::UpstreamTarget => {
                ("upstream_target", "invalid_target", "the sign-in service refused the resource")
            }
            Self::UpstreamUnavailable => {
                ("upstream_unavailable", LATER, "the sign-in service cannot be reached")
            }
            Self::UpstreamUnusable => {
                ("upstream_unusable", SERVER, "the sign-in service cannot be used for this flow")
            }
            Self::UpstreamClient => {
                ("upstream_client", SERVER, "the sign-in service does not accept this gateway as a client")
            }
            Self::UpstreamAnswer => {
                ("upstream_answer", SERVER, "the sign-in service sent an answer that cannot be used")
            }
            Self::UpstreamGrant => ("upstream_grant", GRANT, "the grant was ended by the sign-in service"),
            Self::ClientAuthentication => (
                "client_authentication",
                "invalid_client",
                "client authentication failed: wrong or missing client_secret",
            ),
            Self::GrantType => (
                "grant_type",
                "unsupported_grant_type",
                "grant_type is not authorization_code or refresh_token",
            ),
            Self::ClientGrant => {
                ("client_grant", "unauthorized_client", "the client did not register this grant type")
            }
            Self::Code => ("code", GRANT, "the code is not valid, is too old, or is another client's"),
            Self::CodeReplayed => ("code_replayed", GRANT, "the code was used already"),
            Self::CodeRedirectUri => {
                ("code_redirect_uri", GRANT, "redirect_uri is not that of the authorization request")
            }
            Self::CodeVerifier => {
                ("code_verifier", GRANT, "code_verifier does not belong to the code_challenge")
            }
            Self::RefreshToken => {
                ("refresh_token", GRANT, "the refresh token is not valid, is too old, or is another client's")
            }
            Self::RefreshReused => ("refresh_reused", GRANT, "the refresh token was used already"),
            Self::SessionEnded => ("session_ended", GRANT, "the session was ended"),
            Self::Busy => ("busy", LATER, "another request with this refresh token is under way"),
            Self::Store => ("store", LATER, "the request cannot be recorded now"),
            Self::Registration => ("registration", REQUEST, "the registration is not accepted"),
            Self::RegistrationToken => {
                ("registration_token", "invalid_token", "the registration access token is not valid")
            }
            Self::BodyTooLarge => ("body_too_large", REQUEST, "the body is too long"),
            Self::BodyTimeout => ("body_timeout", REQUEST, "the body did not come in time"),
            Self::BodyRead => ("body_read", REQUEST, "the body could not be read to its end"),
            Self::TooManyRequests => {
                ("too_many_requests", LATER, "too many requests: wait before the next one")
            }
            Self::Overloaded => ("overloaded", LATER, "too many requests are under way"),
            Self::Late => ("late", LATER, "the request could not be completed in time"),
            Self::Internal => ("internal", SERVER, "the request could not be processed"),
        }
    }
}
