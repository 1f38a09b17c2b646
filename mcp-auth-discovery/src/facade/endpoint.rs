//! The endpoints of our own server.

use crate::well_known;

/// An endpoint of our own authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FacadeEndpoint {
    /// Where clients send users. Default: `/authorize`, which clients of 2025-03-26 assume without metadata.
    Authorize,
    /// Where clients exchange codes. Default: `/token`, as above.
    Token,
    /// Where clients register. Default: `/register`, as above.
    Register,
    /// Where clients revoke tokens. Default: `/revoke`.
    Revoke,
    /// Our keys; an empty set where tokens are those of the provider. Default: `/.well-known/jwks.json`.
    Keys,
    /// Where the provider sends users back to. Not in any document. Default: `/callback`.
    Callback,
}

/// Why a path cannot be that of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FacadePathError {
    /// Not an absolute path of letters, digits and `-._~` without empty and dot segments.
    #[error("endpoint path is not an absolute path of letters, digits and `-._~`")]
    Path,
    /// Another endpoint or a metadata document is there.
    #[error("another endpoint or a metadata document has this path")]
    Taken,
}

impl FacadeEndpoint {
    pub(super) const ALL: [Self; 6] =
        [Self::Authorize, Self::Token, Self::Register, Self::Revoke, Self::Keys, Self::Callback];

    pub(super) const fn default_path(self) -> &'static str {
        match self {
            Self::Authorize => "/authorize",
            Self::Token => "/token",
            Self::Register => "/register",
            Self::Revoke => "/revoke",
            Self::Keys => "/.well-known/jwks.json",
            Self::Callback => "/callback",
        }
    }
}

/// The paths of the endpoints, each another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths(Vec<(FacadeEndpoint, String)>);

impl Default for Paths {
    fn default() -> Self {
        Self(
            FacadeEndpoint::ALL
                .into_iter()
                .map(|endpoint| (endpoint, endpoint.default_path().to_owned()))
                .collect(),
        )
    }
}

impl Paths {
    pub(super) fn of(&self, endpoint: FacadeEndpoint) -> &str {
        let found = self.0.iter().find(|(known, _)| *known == endpoint);
        found.map_or(endpoint.default_path(), |(_, path)| path)
    }

    pub(super) fn at(&self, path: &str) -> Option<FacadeEndpoint> {
        self.0.iter().find(|(_, known)| known == path).map(|(endpoint, _)| *endpoint)
    }

    pub(super) fn set(&mut self, endpoint: FacadeEndpoint, path: &str) -> Result<(), FacadePathError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let segment =
            |text: &str| !matches!(text, "" | "." | "..") && text.len() <= 100 && text.bytes().all(plain);
        if !path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment)) || path.len() > 300 {
            return Err(FacadePathError::Path);
        }
        let document = |taken: &&str| {
            path.strip_prefix(*taken).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let documents = [
            well_known::OAUTH_AUTHORIZATION_SERVER,
            well_known::OPENID_CONFIGURATION,
            well_known::OAUTH_PROTECTED_RESOURCE,
        ];
        let taken = self.0.iter().any(|(other, taken)| *other != endpoint && taken == path);
        if taken || documents.iter().any(document) {
            return Err(FacadePathError::Taken);
        }
        if let Some((_, held)) = self.0.iter_mut().find(|(known, _)| *known == endpoint) {
            path.clone_into(held);
        }
        Ok(())
    }
}
