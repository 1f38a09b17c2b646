//! All the places where tokens may stand, and which issuer's tokens may stand where.

use std::borrow::Cow;

use http::Uri;
use http::header::HeaderMap;

use super::source::{Scheme, TokenSource};
use super::{CredentialError, query};
use crate::jwt::Issuer;

/// The parameter of RFC 6750 §2.3, looked at even where no source reads it.
const QUERY_PARAMETER: &str = "access_token";

/// The places where a request's token may stand.
///
/// ```
/// use http::{HeaderMap, Uri, header::AUTHORIZATION};
/// use mcp_auth_core::credential::TokenSources;
///
/// let sources = TokenSources::default();
/// let mut headers = HeaderMap::new();
/// let mut uri = Uri::from_static("/mcp");
/// assert!(sources.extract(&headers, &uri)?.is_none());
///
/// headers.insert(AUTHORIZATION, "bearer abc.def.ghi".parse()?);
/// let credential = sources.extract(&headers, &uri)?.expect("one token");
/// assert_eq!(credential.token(), "abc.def.ghi");
/// let place = credential.place();
/// sources.remove(place, &mut headers, &mut uri);
/// assert!(headers.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenSources {
    sources: Vec<TokenSource>,
    /// For each issuer the sources its tokens may stand in; an issuer that is not listed may use any.
    of_issuer: Vec<Vec<usize>>,
    first_wins: bool,
}

/// The one token of a request.
pub struct Credential<'r> {
    token: Cow<'r, str>,
    scheme: Scheme,
    place: usize,
}

impl Credential<'_> {
    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// How it was presented.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Which of the sources it stands in, for [`TokenSources::remove`] and [`TokenSources::accepts`].
    pub fn place(&self) -> usize {
        self.place
    }
}

/// No part of the token.
impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("scheme", &self.scheme)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Default for TokenSources {
    /// `Authorization: Bearer` alone.
    fn default() -> Self {
        Self::new([TokenSource::default()])
    }
}

impl TokenSources {
    /// Tokens of every issuer may stand in any of these places.
    pub fn new(sources: impl IntoIterator<Item = TokenSource>) -> Self {
        let mut unique = Vec::new();
        for source in sources {
            if !unique.contains(&source) {
                unique.push(source);
            }
        }
        Self { sources: unique, of_issuer: Vec::new(), first_wins: false }
    }

    /// The places of these issuers, in their validator's order: an issuer's own
    /// ([`Issuer::token_source`]), or else `default`.
    pub fn of_issuers<'i>(issuers: impl IntoIterator<Item = &'i Issuer>, default: &[TokenSource]) -> Self {
        let mut all = Self::new([]);
        for issuer in issuers {
            let own = if issuer.token_sources.is_empty() { default } else { &issuer.token_sources };
            let places = own.iter().map(|source| all.place_of(source)).collect();
            all.of_issuer.push(places);
        }
        all
    }

    fn place_of(&mut self, source: &TokenSource) -> usize {
        self.sources.iter().position(|s| s == source).unwrap_or_else(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        })
    }

    /// Reads `Authorization: DPoP` wherever `Authorization: Bearer` is read. Which issuers accept it is for the
    /// caller to say: [`Credential::scheme`].
    #[must_use]
    pub fn accepting_dpop(self) -> Self {
        let mut all = Self { sources: Vec::new(), of_issuer: Vec::new(), first_wins: self.first_wins };
        let places: Vec<usize> = self.sources.iter().map(|s| all.place_of(&s.accepting_dpop())).collect();
        let moved = |own: Vec<usize>| own.iter().filter_map(|at| places.get(*at).copied()).collect();
        all.of_issuer = self.of_issuer.into_iter().map(moved).collect();
        all
    }

    /// Takes the first source that has a token and leaves the others alone, instead of refusing a request with
    /// several. Dangerous where something behind reads one of the others.
    #[must_use]
    pub fn danger_first_of_several(mut self) -> Self {
        self.first_wins = true;
        self
    }

    /// The sources.
    pub fn sources(&self) -> &[TokenSource] {
        &self.sources
    }

    /// Whether the first of several tokens is taken.
    pub fn takes_first_of_several(&self) -> bool {
        self.first_wins
    }

    /// Whether tokens of the issuer at `issuer` may stand in the source at `place`.
    pub fn accepts(&self, place: usize, issuer: usize) -> bool {
        self.of_issuer.get(issuer).is_none_or(|places| places.contains(&place))
    }

    /// The one token of the request, `None` when it has no credential.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] for anything that is neither absent nor exactly one well-formed token. A query
    /// parameter `access_token` beside a token is a second one, also where no source reads it; alone it counts
    /// as absent there.
    pub fn extract<'r>(
        &self,
        headers: &'r HeaderMap,
        uri: &'r Uri,
    ) -> Result<Option<Credential<'r>>, CredentialError> {
        let mut found: Option<Credential<'r>> = None;
        // Sources whose header holds another scheme: a fault unless it is that of another source.
        let mut others = 0_u64;
        for (place, source) in self.sources.iter().enumerate() {
            match source.find(headers, uri.query()) {
                Ok(None) => {}
                Ok(Some(_)) if found.is_some() => return Err(CredentialError::Multiple),
                Ok(Some(token)) => {
                    found = Some(Credential { token: token.token, scheme: token.scheme, place });
                    if self.first_wins {
                        return Ok(found);
                    }
                }
                Err(CredentialError::OtherScheme) => others |= 1 << place.min(63),
                Err(e) => return Err(e),
            }
        }
        let header_at = |place: usize| self.sources.get(place).and_then(TokenSource::header_name);
        let found_in = found.as_ref().and_then(|found| header_at(found.place));
        let elsewhere = |place: &usize| others >> (*place).min(63) & 1 == 1 && header_at(*place) != found_in;
        let other_scheme = others != 0 && (0..self.sources.len()).any(|place| elsewhere(&place));
        let stray = || !self.reads_query() && query::values(uri.query(), QUERY_PARAMETER).next().is_some();
        match found {
            Some(_) if other_scheme || stray() => Err(CredentialError::Multiple),
            Some(found) => Ok(Some(found)),
            None if other_scheme => Err(CredentialError::OtherScheme),
            None => Ok(None),
        }
    }

    fn reads_query(&self) -> bool {
        self.sources.iter().any(|source| source.is_query(QUERY_PARAMETER))
    }

    /// Removes the token from where [`extract`](Self::extract) found it, and nothing else.
    pub fn remove(&self, place: usize, headers: &mut HeaderMap, uri: &mut Uri) {
        if let Some(source) = self.sources.get(place) {
            source.remove(headers, uri);
        }
    }

    /// Removes a query parameter `access_token` that no source reads, so that it is neither forwarded nor logged
    /// further on.
    pub fn remove_stray(&self, uri: &mut Uri) {
        if !self.reads_query() {
            query::remove(uri, QUERY_PARAMETER);
        }
    }
}
