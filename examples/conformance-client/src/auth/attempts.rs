//! How often one request is tried again: the bound that keeps a server from sending users around for ever.

use http::HeaderMap;
use mcp_auth_discovery::Scopes;
use mcp_auth_exchange::dpop::NonceRetry;

use crate::error::ClientError;

const MAX_STEP_UPS: u32 = 2;

/// What was done for one request so far.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    logged_in: bool,
    step_ups: u32,
    nonce: NonceRetry,
}

impl Attempts {
    /// A token is got once per request: one that is refused right away will be refused again.
    pub(super) fn login(&mut self) -> Result<(), ClientError> {
        if std::mem::replace(&mut self.logged_in, true) {
            Err(ClientError::StillUnauthorized)
        } else {
            Ok(())
        }
    }

    /// A server may find out twice that something is missing.
    pub(super) fn step_up(&mut self, asked: &Scopes) -> Result<(), ClientError> {
        self.step_ups += 1;
        if self.step_ups > MAX_STEP_UPS {
            return Err(ClientError::ScopeNotGranted(asked.to_string()));
        }
        Ok(())
    }

    /// A nonce is taken up once.
    pub(super) fn nonce(&mut self, headers: &HeaderMap) -> Result<(), ClientError> {
        self.nonce.after(headers, None).map(|_| ()).ok_or(ClientError::StillUnauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_try_again_ends() {
        let mut attempts = Attempts::default();
        assert!(attempts.login().is_ok());
        assert!(attempts.login().is_err());
        let scopes = Scopes::parse("a").unwrap();
        for _ in 0..MAX_STEP_UPS {
            assert!(attempts.step_up(&scopes).is_ok());
        }
        assert!(attempts.step_up(&scopes).is_err());
        let mut headers = HeaderMap::new();
        assert!(attempts.nonce(&headers).is_err(), "no nonce, nothing to try");
        headers.insert("dpop-nonce", "n".parse().unwrap());
        assert!(attempts.nonce(&headers).is_ok());
        assert!(attempts.nonce(&headers).is_err());
    }
}
