//! Writing a DPoP challenge.

use http::HeaderValue;
use url::Url;

use super::TokenProblem;
use super::bearer::push_parameter;

/// A DPoP challenge (RFC 9449 §7.1) for a response with 401: a line of its own behind the Bearer line, which says
/// that proofs are accepted, with which algorithms, and what was wrong with the one that came.
///
/// ```
/// use mcp_auth_discovery::challenge::DpopChallenge;
///
/// let challenge = DpopChallenge::new(["ES256", "EdDSA"]);
/// assert_eq!(challenge.header_value(), r#"DPoP algs="ES256 EdDSA""#);
///
/// let challenge = challenge.use_nonce();
/// assert!(challenge.header_value().to_str()?.starts_with(r#"DPoP error="use_dpop_nonce", "#));
/// # Ok::<(), http::header::ToStrError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct DpopChallenge {
    algorithms: String,
    error: Option<(&'static str, &'static str)>,
    resource_metadata: Option<String>,
}

impl DpopChallenge {
    /// A challenge without an error; `algorithms` are the JWS algorithms of accepted proofs, most welcome first.
    pub fn new<'a>(algorithms: impl IntoIterator<Item = &'a str>) -> Self {
        let algorithms: Vec<&str> = algorithms.into_iter().collect();
        Self { algorithms: algorithms.join(" "), error: None, resource_metadata: None }
    }

    /// The token is not accepted, or not together with this proof: `invalid_token`.
    pub fn invalid_token(self, problem: TokenProblem) -> Self {
        self.error("invalid_token", problem.description())
    }

    /// The proof is not accepted: `invalid_dpop_proof`. `description` is for people and is without quotes.
    pub fn invalid_proof(self, description: &'static str) -> Self {
        self.error("invalid_dpop_proof", description)
    }

    /// The proof needs the nonce in the header `DPoP-Nonce` of the same response: `use_dpop_nonce` (RFC 9449 §9).
    ///
    /// Send it alone. Clients that know several schemes take a response with several challenges for a refusal.
    pub fn use_nonce(self) -> Self {
        self.error("use_dpop_nonce", "a DPoP proof needs the nonce of this response")
    }

    /// Sets where the metadata of the resource is (RFC 9728 §5.1).
    pub fn resource_metadata(mut self, url: &Url) -> Self {
        self.resource_metadata = Some(url.as_str().to_owned());
        self
    }

    /// The value of one `WWW-Authenticate` line.
    pub fn header_value(&self) -> HeaderValue {
        let mut text = String::from("DPoP");
        let (error, description) = self.error.unzip();
        let parameters = [
            ("resource_metadata", self.resource_metadata.as_deref()),
            ("error", error),
            ("error_description", description),
            ("algs", Some(self.algorithms.as_str())),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                push_parameter(&mut text, name, value);
            }
        }
        // INVARIANT: `push_parameter` writes visible ASCII and spaces only, so the fallback is never taken.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("DPoP"))
    }

    fn error(mut self, code: &'static str, description: &'static str) -> Self {
        self.error = Some((code, description));
        self
    }
}
