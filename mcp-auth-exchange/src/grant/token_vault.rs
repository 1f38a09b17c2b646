//! Auth0's Token Vault: an Auth0 token for the access token of another provider that the user has connected.

use std::fmt;

use bytes::Bytes;
use http::Request;
use mcp_auth_discovery::{Scopes, Secret};

use super::Parameters;
use crate::form::Form;
use crate::{ClientAuthentication, TokenEndpoint, TokenTypeUri};

/// The value of `grant_type` (Auth0, "Access Token Exchange with Token Vault").
pub const GRANT_TYPE: &str =
    "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";

/// A Token Vault request. The subject token is an Auth0 access or refresh token.
#[derive(Clone)]
#[must_use]
pub struct TokenVaultRequest {
    subject_token: Secret,
    subject_token_type: TokenTypeUri,
    connection: String,
    login_hint: Option<String>,
    scope: Scopes,
    parameters: Parameters,
    client: ClientAuthentication,
}

impl TokenVaultRequest {
    /// Asks for the token of `connection`, such as `google-oauth2`.
    pub fn new(
        subject_token: Secret,
        subject_token_type: TokenTypeUri,
        connection: impl Into<String>,
        client: ClientAuthentication,
    ) -> Self {
        Self {
            subject_token,
            subject_token_type,
            connection: connection.into(),
            login_hint: None,
            scope: Scopes::default(),
            parameters: Parameters::default(),
            client,
        }
    }

    /// Says which of several accounts of the connection is meant.
    pub fn login_hint(mut self, login_hint: Option<&str>) -> Self {
        self.login_hint = login_hint.map(str::to_owned);
        self
    }

    /// Asks for this scope. The empty set is not sent.
    pub fn scope(mut self, scope: &Scopes) -> Self {
        self.scope = scope.clone();
        self
    }

    /// Adds parameters.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// The request. Its body holds the token.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::new(GRANT_TYPE);
        form.push("subject_token", self.subject_token.expose());
        form.push("subject_token_type", self.subject_token_type.as_str());
        form.push("requested_token_type", TokenTypeUri::AUTH0_FEDERATED_CONNECTION.as_str());
        form.push("connection", &self.connection);
        form.push_some("login_hint", self.login_hint.as_deref());
        form.push_scope(&self.scope);
        self.parameters.push(&mut form);
        form.into_http(endpoint, &self.client)
    }
}

/// Without the account (`login_hint`).
impl fmt::Debug for TokenVaultRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVaultRequest")
            .field("subject_token_type", &self.subject_token_type)
            .field("connection", &self.connection)
            .field("scope", &self.scope)
            .field("parameters", &self.parameters)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
