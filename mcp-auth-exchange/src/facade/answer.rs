//! What is answered, and what is written down of it.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use url::form_urlencoded;

use super::browser::Browser;
use super::client::Client;
use super::page::foreign;
use super::{Facade, Refusal};

/// An answer, and what it means.
#[non_exhaustive]
pub struct Answer {
    /// The whole response: its headers say who may store it, which is nobody except for our keys.
    pub response: Response<Bytes>,
    /// What it means, for the audit log.
    pub event: Event,
    /// Which client it is for, as far as that was found out.
    pub client: Option<ClientLabel>,
}

/// A client, for the audit log. Nothing of it is secret, and the client has written all of it itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLabel {
    /// Its identifier; of a long one the beginning, by which it is found all the same.
    pub id: String,
    /// What it calls itself, without control characters and shortened.
    pub name: Option<String>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The user is asked for consent.
    ConsentAsked,
    /// The user is sent to the provider.
    SentToProvider,
    /// The user came back, and the client was sent a code.
    CodeIssued,
    /// Tokens were issued for a code.
    TokensIssued,
    /// Tokens were issued for a refresh token.
    Refreshed,
    /// The answer to another request with the same refresh token was given again.
    RefreshShared,
    /// A token was revoked, or was none.
    Revoked,
    /// A client was registered.
    Registered,
    /// A client read its registration.
    RegistrationRead,
    /// A client changed its registration.
    RegistrationChanged,
    /// A client ended its registration.
    RegistrationEnded,
    /// Our keys were read.
    KeysRead,
    /// The request was refused.
    Refused(Refusal),
}

impl Event {
    /// A stable word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ConsentAsked => "consent_asked",
            Self::SentToProvider => "sent_to_provider",
            Self::CodeIssued => "code_issued",
            Self::TokensIssued => "tokens_issued",
            Self::Refreshed => "refreshed",
            Self::RefreshShared => "refresh_shared",
            Self::Revoked => "revoked",
            Self::Registered => "registered",
            Self::RegistrationRead => "registration_read",
            Self::RegistrationChanged => "registration_changed",
            Self::RegistrationEnded => "registration_ended",
            Self::KeysRead => "keys_read",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

impl ClientLabel {
    /// How much is kept of an identifier that holds a registration: its random beginning.
    const SEALED_CHARS: usize = 24;
    const MAX_ID_CHARS: usize = 200;
    const MAX_NAME_CHARS: usize = 60;

    pub(super) fn new(id: &str, name: Option<&str>) -> Self {
        let chars = if Client::is_sealed(id) { Self::SEALED_CHARS } else { Self::MAX_ID_CHARS };
        let name = name.map(|name| foreign(name, Self::MAX_NAME_CHARS)).filter(|name| !name.is_empty());
        Self { id: id.chars().filter(|c| !c.is_control()).take(chars).collect(), name }
    }
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &impl Serialize, event: Event) -> Self {
        // INVARIANT: only strings, numbers and lists are serialized.
        let mut response = Response::new(Bytes::from(serde_json::to_vec(body).unwrap_or_default()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self::unstored(response, event)
    }

    pub(super) fn empty(status: StatusCode, event: Event) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self::unstored(response, event)
    }

    pub(super) fn unstored(mut response: Response<Bytes>, event: Event) -> Self {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        Self { response, event, client: None }
    }

    /// An OAuth error as JSON (RFC 6749 §5.2): 401 with a challenge for clients that are not known or not proven.
    pub(super) fn refused(refusal: Refusal) -> Self {
        #[derive(Serialize)]
        struct Body {
            error: &'static str,
            error_description: &'static str,
        }
        let body = Body { error: refusal.error(), error_description: refusal.description() };
        let challenge = match refusal.error() {
            "invalid_client" => Some(r#"Basic realm="token""#),
            "invalid_token" => Some(r#"Bearer error="invalid_token""#),
            _ => None,
        };
        let status = if challenge.is_some() { StatusCode::UNAUTHORIZED } else { refusal.status() };
        let mut answer = Self::json(status, &body, Event::Refused(refusal));
        let headers = answer.response.headers_mut();
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if refusal.is_transient() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        let mut answer = Self::refused(Refusal::Method);
        answer.response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        answer
    }

    /// A redirect of the browser. After a form it is 303, which makes a GET of it (RFC 9700 §4.12).
    pub(super) fn redirect(location: &str, after_form: bool, event: Event) -> Self {
        let status = if after_form { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
        let Ok(location) = HeaderValue::try_from(location) else {
            return Self::empty(StatusCode::INTERNAL_SERVER_ERROR, Event::Refused(Refusal::Internal));
        };
        let mut answer = Self::empty(status, event);
        answer.response.headers_mut().insert(LOCATION, location);
        answer
    }

    pub(super) fn remembering(mut self, facade: &Facade, browser: &Browser) -> Self {
        browser.remember(facade, self.response.headers_mut());
        self
    }
}

/// Without the body and the headers, which hold tokens and codes.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.response.status().as_u16();
        f.debug_struct("Answer")
            .field("event", &self.event)
            .field("client", &self.client)
            .field("status", &status)
            .finish_non_exhaustive()
    }
}

/// Where the answer to an authorization request goes: a redirect URI that was compared with the registered ones.
#[derive(Clone, Debug)]
pub(super) struct ReturnAddress<'p> {
    pub(super) redirect_uri: &'p str,
    pub(super) state: Option<&'p str>,
    pub(super) after_form: bool,
}

impl ReturnAddress<'_> {
    pub(super) fn code(&self, facade: &Facade, code: &str) -> Answer {
        self.answer(facade, &[("code", code)], Event::CodeIssued)
    }

    /// An error for the client, with `iss` as in every answer (RFC 9207 §2).
    pub(super) fn refused(&self, facade: &Facade, refusal: Refusal) -> Answer {
        let parameters = [("error", refusal.error()), ("error_description", refusal.description())];
        self.answer(facade, &parameters, Event::Refused(refusal))
    }

    /// The registered URI stays as it is, byte for byte: no parser has a say in where the answer goes. It has no fragment.
    fn answer(&self, facade: &Facade, parameters: &[(&str, &str)], event: Event) -> Answer {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", facade.issuer());
        let separator = match self.redirect_uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        let location = format!("{}{separator}{}", self.redirect_uri, query.finish());
        Answer::redirect(&location, self.after_form, event)
    }
}
