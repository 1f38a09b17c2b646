//! What a client says about itself.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{RedirectUriRules, RegistrationError, RegistrationErrorCode};
use crate::{Scopes, transport};

/// The greatest number of redirect URIs of one client.
pub const MAX_REDIRECT_URIS: usize = 32;

/// The greatest length of every other text of a client, in bytes.
pub const MAX_TEXT_BYTES: usize = 2048;

/// The greatest number of items in the other lists.
const MAX_ITEMS: usize = 32;

/// Client metadata (RFC 7591 §2). Absent members are absent in JSON, never `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ClientMetadata {
    /// Where authorization responses may be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// How the client authenticates at the token endpoint. Default: `client_secret_basic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<String>,
    /// Grant types that the client uses. Default: `authorization_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// Response types that the client uses. Default: `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types: Option<Vec<String>>,
    /// A name to show to people: chosen by the client, never trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// A page about the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// A logo of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Scopes that the client may ask for, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// People responsible for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    /// A page with the terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// A page about what the client does with data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Where the keys of the client are. Not together with `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The keys of the client. Not together with `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Identifies the software, the same for all its instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of the software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// A signed JWT with client metadata (RFC 7591 §2.3). Not read here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_statement: Option<String>,
    /// `web` or `native` (OpenID Connect Registration §2; MCP requires it of clients, SEP-837).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
}

impl ClientMetadata {
    /// Starts with redirect URIs; the other members are set on the value.
    pub fn new<I>(redirect_uris: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self { redirect_uris: redirect_uris.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// The same metadata with the defaults of RFC 7591 §2 written out: a registration response says what was
    /// registered.
    #[must_use]
    pub fn with_defaults(mut self) -> Self {
        self.token_endpoint_auth_method.get_or_insert_with(|| "client_secret_basic".to_owned());
        self.grant_types.get_or_insert_with(|| vec!["authorization_code".to_owned()]);
        // Without the code grant the default `code` would contradict `grant_types` (RFC 7591 §2.1).
        let response_types =
            if self.uses_grant_type("authorization_code") { vec!["code".to_owned()] } else { Vec::new() };
        self.response_types.get_or_insert(response_types);
        self
    }

    /// Whether the client uses this grant type, counting the default.
    pub fn uses_grant_type(&self, grant_type: &str) -> bool {
        match &self.grant_types {
            Some(list) => list.iter().any(|g| g == grant_type),
            None => grant_type == "authorization_code",
        }
    }

    /// Checks what an untrusted client says about itself.
    pub(crate) fn check(&self, rules: &RedirectUriRules) -> Result<(), RegistrationError> {
        self.check_redirect_uris(rules)?;
        self.check_sizes()?;
        self.check_grants()?;
        // Shown as links and images on a consent page: never `javascript:`.
        for page in [&self.client_uri, &self.logo_uri, &self.tos_uri, &self.policy_uri].into_iter().flatten()
        {
            if !Url::parse(page).is_ok_and(|url| matches!(url.scheme(), "https" | "http")) {
                return Err(invalid("a page or logo of the client is not an https or http URL"));
            }
        }
        if let Some(url) = &self.jwks_uri
            && !Url::parse(url).is_ok_and(|url| transport::is_secure(&url))
        {
            return Err(invalid("`jwks_uri` is not an https URL"));
        }
        if self.jwks_uri.is_some() && self.jwks.is_some() {
            return Err(invalid("`jwks` and `jwks_uri` exclude each other"));
        }
        if self.jwks.as_ref().is_some_and(|jwks| !jwks.is_object()) {
            return Err(invalid("`jwks` is not an object"));
        }
        if self.client_name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(invalid("`client_name` has control characters"));
        }
        if self.scope.as_ref().is_some_and(|scope| Scopes::parse(scope).is_err()) {
            return Err(invalid("`scope` is not a list of scope tokens"));
        }
        match self.application_type.as_deref() {
            None | Some("web" | "native") => Ok(()),
            Some(_) => Err(invalid("unknown `application_type`")),
        }
    }

    fn check_redirect_uris(&self, rules: &RedirectUriRules) -> Result<(), RegistrationError> {
        let fault = |text| Err(RegistrationError::new(RegistrationErrorCode::InvalidRedirectUri, text));
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return fault("too many redirect URIs");
        }
        if self.redirect_uris.is_empty() && self.uses_grant_type("authorization_code") {
            return fault("the authorization code grant needs a redirect URI");
        }
        match self.redirect_uris.iter().try_for_each(|uri| rules.check(uri)) {
            Ok(()) => Ok(()),
            Err(error) => fault(error.description()),
        }
    }

    /// RFC 7591 §2.1: grant types and response types go together.
    fn check_grants(&self) -> Result<(), RegistrationError> {
        let code = match &self.response_types {
            Some(list) => list.iter().any(|r| r == "code"),
            // Without `response_types`, a client without the code grant means no response type at all.
            None => self.uses_grant_type("authorization_code"),
        };
        if code == self.uses_grant_type("authorization_code") {
            Ok(())
        } else {
            Err(invalid("`grant_types` and `response_types` do not go together"))
        }
    }

    fn check_sizes(&self) -> Result<(), RegistrationError> {
        let texts = [
            &self.token_endpoint_auth_method,
            &self.client_name,
            &self.client_uri,
            &self.logo_uri,
            &self.tos_uri,
            &self.policy_uri,
            &self.jwks_uri,
            &self.software_id,
            &self.software_version,
            &self.application_type,
        ];
        let lists = [&self.grant_types, &self.response_types, &self.contacts];
        let long = |text: &String| text.len() > MAX_TEXT_BYTES;
        if texts.into_iter().flatten().any(long)
            || lists.into_iter().flatten().any(|list| list.len() > MAX_ITEMS || list.iter().any(long))
        {
            return Err(invalid("a text or list is too long"));
        }
        Ok(())
    }
}

fn invalid(description: &'static str) -> RegistrationError {
    RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, description)
}
