//! Reading challenges (RFC 9110 §11.6.1), for clients and tests.

use std::fmt;

use http::HeaderValue;
use url::Url;

use crate::{Scopes, endpoint};

/// The greatest length of one `WWW-Authenticate` line, in bytes (8 KiB).
pub const MAX_CHALLENGE_BYTES: usize = 8 * 1024;

/// The greatest number of challenges in all lines of one response.
pub const MAX_CHALLENGES: usize = 16;

/// The greatest number of parameters of one challenge.
pub const MAX_PARAMETERS: usize = 32;

/// The challenges of a response, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenges {
    list: Vec<ReceivedChallenge>,
}

/// One challenge as a server sent it. The text is the server's: nothing in it is trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedChallenge {
    scheme: String,
    token68: Option<String>,
    parameters: Vec<(String, String)>,
}

/// Why a `WWW-Authenticate` line cannot be read. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengesError {
    /// Not the grammar of RFC 9110 §11.6.1.
    #[error("malformed challenge")]
    Syntax,
    /// A parameter occurs twice in one challenge.
    #[error("repeated parameter")]
    DuplicateParameter,
    /// More than [`MAX_CHALLENGE_BYTES`], [`MAX_CHALLENGES`] or [`MAX_PARAMETERS`].
    #[error("too many challenges")]
    TooLarge,
}

impl Challenges {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// [`ChallengesError`] when the line is malformed or exceeds a limit; nothing of it is used then.
    pub fn parse(value: &HeaderValue) -> Result<Self, ChallengesError> {
        Self::parse_all([value])
    }

    /// Reads all lines of a response, as in `headers.get_all(WWW_AUTHENTICATE)`.
    ///
    /// # Errors
    ///
    /// As [`Challenges::parse`].
    pub fn parse_all<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> Result<Self, ChallengesError> {
        let mut challenges = Self::default();
        for value in values {
            if value.len() > MAX_CHALLENGE_BYTES {
                return Err(ChallengesError::TooLarge);
            }
            let text = value.to_str().map_err(|_| ChallengesError::Syntax)?;
            Reader { rest: text }.list(&mut challenges.list)?;
        }
        Ok(challenges)
    }

    /// The challenges in order.
    pub fn iter(&self) -> impl Iterator<Item = &ReceivedChallenge> {
        self.list.iter()
    }

    /// The first Bearer challenge.
    pub fn bearer(&self) -> Option<&ReceivedChallenge> {
        self.find("bearer")
    }

    /// The first DPoP challenge (RFC 9449 §7.1).
    pub fn dpop(&self) -> Option<&ReceivedChallenge> {
        self.find("dpop")
    }

    fn find(&self, scheme: &str) -> Option<&ReceivedChallenge> {
        self.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case(scheme))
    }
}

impl ReceivedChallenge {
    /// The scheme as it was written; compare it without case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The value of a parameter, by its name without case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Where the metadata of the resource is (RFC 9728 §5.1), when it is a URL that may be asked: https, or http to a
    /// loopback host, without user information.
    pub fn resource_metadata(&self) -> Option<Url> {
        let url = Url::parse(self.parameter("resource_metadata")?).ok()?;
        endpoint::check(&url).is_ok().then_some(url)
    }

    /// The scopes that are asked for (RFC 6750 §3); `None` when there are none, or what stands there is no list of
    /// scope tokens.
    pub fn scopes(&self) -> Option<Scopes> {
        Scopes::parse(self.parameter("scope")?).ok().filter(|scopes| !scopes.is_empty())
    }

    /// The error code (RFC 6750 §3.1, RFC 9449 §7.1), such as `insufficient_scope`.
    pub fn error(&self) -> Option<&str> {
        self.parameter("error")
    }

    /// Names and values in order, names in lower case.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The token68 that some schemes use in place of parameters.
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_deref()
    }
}

impl fmt::Debug for ReceivedChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedChallenge")
            .field("scheme", &self.scheme)
            .field("token68", &self.token68.as_ref().map(|_| "[redacted]"))
            .field("parameters", &self.parameters)
            .finish()
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// `challenge *( OWS "," OWS challenge )`, with empty elements (RFC 9110 §5.6.1.2).
    fn list(mut self, into: &mut Vec<ReceivedChallenge>) -> Result<(), ChallengesError> {
        self.separators();
        while !self.rest.is_empty() {
            if into.len() >= MAX_CHALLENGES {
                return Err(ChallengesError::TooLarge);
            }
            into.push(self.challenge()?);
        }
        Ok(())
    }

    /// `scheme [ 1*SP ( token68 / #auth-param ) ]`, and the separators after it.
    fn challenge(&mut self) -> Result<ReceivedChallenge, ChallengesError> {
        let scheme = self.token()?.to_owned();
        let mut challenge = ReceivedChallenge { scheme, token68: None, parameters: Vec::new() };
        let spaces = self.spaces();
        if self.rest.is_empty() {
            return Ok(challenge);
        }
        if self.rest.starts_with(',') {
            self.separators();
            return Ok(challenge);
        }
        if !spaces {
            return Err(ChallengesError::Syntax);
        }
        if let Some(token) = self.token68() {
            challenge.token68 = Some(token.to_owned());
            return self.end_of_element().map(|()| challenge);
        }
        loop {
            let (name, value) = self.parameter()?;
            if challenge.parameter(&name).is_some() {
                return Err(ChallengesError::DuplicateParameter);
            }
            if challenge.parameters.len() >= MAX_PARAMETERS {
                return Err(ChallengesError::TooLarge);
            }
            challenge.parameters.push((name, value));
            self.end_of_element()?;
            if !self.parameter_follows() {
                return Ok(challenge);
            }
        }
    }

    /// `token BWS "=" BWS ( token / quoted-string )`
    fn parameter(&mut self) -> Result<(String, String), ChallengesError> {
        let name = self.token()?.to_ascii_lowercase();
        self.spaces();
        self.rest = self.rest.strip_prefix('=').ok_or(ChallengesError::Syntax)?;
        self.spaces();
        let value = match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()?
            }
            None => self.token()?.to_owned(),
        };
        Ok((name, value))
    }

    /// The rest of a quoted-string after its opening quote.
    fn quoted(&mut self) -> Result<String, ChallengesError> {
        let mut value = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next().ok_or(ChallengesError::Syntax)? {
                '"' => {
                    self.rest = chars.as_str();
                    return Ok(value);
                }
                '\\' => value.push(chars.next().ok_or(ChallengesError::Syntax)?),
                c => value.push(c),
            }
        }
    }

    fn token(&mut self) -> Result<&'a str, ChallengesError> {
        let (token, rest) = self.split(is_token_byte);
        if token.is_empty() {
            return Err(ChallengesError::Syntax);
        }
        self.rest = rest;
        Ok(token)
    }

    /// A token68 is what is followed by the end of the element; else nothing is consumed.
    fn token68(&mut self) -> Option<&'a str> {
        let (body, after) = self.split(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
        let padded = after.trim_start_matches('=');
        let tail = padded.trim_start_matches([' ', '\t']);
        if body.is_empty() || !(tail.is_empty() || tail.starts_with(',')) {
            return None;
        }
        let token = self.rest.get(..self.rest.len() - padded.len())?;
        self.rest = padded;
        Some(token)
    }

    /// After a parameter: the end, or a comma.
    fn end_of_element(&mut self) -> Result<(), ChallengesError> {
        self.spaces();
        if self.rest.is_empty() {
            return Ok(());
        }
        if !self.rest.starts_with(',') {
            return Err(ChallengesError::Syntax);
        }
        self.separators();
        Ok(())
    }

    /// After a comma `name=` goes on with the challenge; `name` alone or `name …` starts another.
    fn parameter_follows(&self) -> bool {
        let (token, after) = self.split(is_token_byte);
        !token.is_empty() && after.trim_start_matches([' ', '\t']).starts_with('=')
    }

    fn spaces(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.rest.len() < before
    }

    fn separators(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
    }

    fn split(&self, belongs: impl Fn(u8) -> bool) -> (&'a str, &'a str) {
        let end = self.rest.bytes().position(|b| !belongs(b)).unwrap_or(self.rest.len());
        self.rest.split_at_checked(end).unwrap_or(("", self.rest))
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
