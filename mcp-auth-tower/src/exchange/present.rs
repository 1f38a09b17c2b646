//! Which credentials a request carries on: not the caller's, and the issued one.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use mcp_auth_exchange::dpop::{DpopNonce, ProofRequest};
use mcp_auth_exchange::plan::{IssuedToken, Presentation, Step};
use memchr::memmem::Finder;
use percent_encoding::percent_decode;

use super::ExchangeRefusal;
use super::exchanger::Asking;
use super::layer::Shared;
use crate::random;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// How often a text is percent-decoded in search of a token: what stands between may decode once more than we.
const DECODINGS: usize = 3;

impl Shared {
    /// Removes what the client said in the places of credentials, and the caller's token wherever it stands,
    /// percent-encoded or not.
    pub(super) fn strip(&self, head: &mut Parts, token: Option<&str>) -> Result<(), ExchangeRefusal> {
        let headers = &mut head.headers;
        headers.remove(AUTHORIZATION);
        headers.remove(DPOP);
        remove_alike(headers, &self.place.header);
        let Some(token) = token else { return Ok(()) };
        let finder = Finder::new(token.as_bytes());
        remove_all(headers, |_, value| is_in(value.as_bytes(), &finder));
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        if is_in(target.as_bytes(), &finder) {
            return Err(ExchangeRefusal::TokenInTarget);
        }
        Ok(())
    }

    /// Puts the issued token into a request, with a proof where it is bound to a key.
    pub(super) fn present(
        &self,
        headers: &mut HeaderMap,
        method: &http::Method,
        asking: &Asking,
        token: &IssuedToken,
        nonce: Option<&DpopNonce>,
    ) -> Result<(), ExchangeRefusal> {
        if let Presentation::DPoP(bound_to) = token.presentation() {
            let key = asking.plan.steps().last().and_then(Step::dpop_key);
            let key = key.filter(|key| key.thumbprint() == bound_to).ok_or(ExchangeRefusal::Proof)?;
            let downstream = self.downstream.as_ref().ok_or(ExchangeRefusal::Proof)?;
            let random = random::secret().map_err(|_| ExchangeRefusal::Proof)?;
            let jti = URL_SAFE_NO_PAD.encode(random);
            let proof = ProofRequest::new(method.as_str(), &downstream.target, &jti)
                .token(token.expose())
                .nonce(nonce);
            let now = self.exchanger.0.clock.now();
            headers.insert(DPOP, key.proof(&proof, now).map_err(|_| ExchangeRefusal::Proof)?);
        }
        headers.insert(self.place.header.clone(), self.value(token)?);
        Ok(())
    }

    fn value(&self, token: &IssuedToken) -> Result<HeaderValue, ExchangeRefusal> {
        if self.place.is_authorization() {
            return Ok(token.authorization());
        }
        // The prefix is the operator's; a token is visible ASCII.
        let text = format!("{}{}", self.place.prefix, token.expose());
        let mut value = HeaderValue::try_from(text).map_err(|_| ExchangeRefusal::Proof)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Whether a text has the token, as it is or percent-encoded.
fn is_in(text: &[u8], token: &Finder<'_>) -> bool {
    let mut text = Cow::Borrowed(text);
    for _ in 0..DECODINGS {
        if token.find(&text).is_some() {
            return true;
        }
        // Borrowed where there was nothing to decode.
        let Cow::Owned(decoded) = Cow::from(percent_decode(&text)) else { return false };
        text = Cow::Owned(decoded);
    }
    token.find(&text).is_some()
}

/// Removes a header, and what CGI and its descendants read as the same: `_` for `-`.
fn remove_alike(headers: &mut HeaderMap, name: &HeaderName) {
    let same = |a: u8, b: u8| a == b || matches!((a, b), (b'_', b'-') | (b'-', b'_'));
    remove_all(headers, |other, _| {
        let (a, b) = (other.as_str().as_bytes(), name.as_str().as_bytes());
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(*a, *b))
    });
}

pub(super) fn remove_all(headers: &mut HeaderMap, which: impl Fn(&HeaderName, &HeaderValue) -> bool) {
    while let Some(name) =
        headers.iter().find(|(name, value)| which(name, value)).map(|(name, _)| name.clone())
    {
        headers.remove(name);
    }
}
