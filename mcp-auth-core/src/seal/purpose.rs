/// What a sealed value is for. One for another purpose does not open, so that a code is never taken for a refresh
/// token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// The session id of an MCP server (`Mcp-Session-Id`).
    Session,
    /// `state` of an authorization request (RFC 6749 §4.1.1).
    State,
    /// An authorization code (RFC 6749 §4.1.2).
    Code,
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken,
    /// What a user has consented to.
    Consent,
    /// A cookie of a logged-in user.
    Cookie,
    /// A client identifier that holds its own registration (RFC 7591).
    ClientId,
    /// The form on which a user is asked for consent.
    ConsentForm,
    /// The token that manages a registration (RFC 7592 §3).
    RegistrationToken,
    /// A value in a store that others can read or write.
    StoreEntry,
    /// A token that a caller's was exchanged for, in a store that replicas share.
    IssuedToken,
    /// `requestState` of an MCP request for input (2026-07-28).
    RequestState,
}

impl Purpose {
    /// Part of what is authenticated: a change makes all values of the purpose unreadable.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::State => "state",
            Self::Code => "code",
            Self::RefreshToken => "refresh_token",
            Self::Consent => "consent",
            Self::Cookie => "cookie",
            Self::ClientId => "client_id",
            Self::ConsentForm => "consent_form",
            Self::RegistrationToken => "registration_token",
            Self::StoreEntry => "store_entry",
            Self::IssuedToken => "issued_token",
            Self::RequestState => "request_state",
        }
    }
}
