//! Access tokens of our own (RFC 9068).

use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::Secret;

use super::super::{OwnTokens, Refusal};
use crate::signed;

/// Claims that we say ourselves (RFC 9068 §2.2, RFC 7800): none is copied.
const OURS: [&str; 10] = ["iss", "sub", "aud", "client_id", "iat", "nbf", "exp", "jti", "scope", "cnf"];

impl OwnTokens {
    /// A token for one client and one resource, about the subject of the provider's token, and when it ends: with the
    /// provider's at the latest.
    #[expect(clippy::too_many_arguments, reason = "the claims of RFC 9068 §2.2, in their order")]
    pub(super) fn sign(
        &self,
        issuer: &str,
        client_id: &str,
        resource: &str,
        scope: &str,
        principal: &Principal,
        jti: &str,
        upstream_end: Option<u64>,
        now: UnixTime,
    ) -> Result<(Secret, u64), Refusal> {
        let ends =
            [Some(now.plus(self.lifetime)), upstream_end.map(UnixTime::from_secs), principal.expires_at()];
        let end = ends.into_iter().flatten().min().filter(|end| *end > now).ok_or(Refusal::UpstreamAnswer)?;
        let subject = principal.subject().ok_or(Refusal::UpstreamAnswer)?;
        let mut claims = signed::members([
            ("iss", issuer.into()),
            ("sub", subject.into()),
            ("aud", resource.into()),
            ("client_id", client_id.into()),
            ("iat", now.as_secs().into()),
            ("exp", end.as_secs().into()),
            ("jti", jti.into()),
        ]);
        if !scope.is_empty() {
            claims.insert("scope".to_owned(), scope.into());
        }
        for name in self.claims.iter().filter(|name| !OURS.contains(&name.as_str())) {
            let value = principal.claims().all().and_then(|all| all.get(name));
            let value = value.and_then(|value| serde_json::from_str(&value.to_json()).ok());
            claims.extend(value.map(|value| (name.clone(), value)));
        }
        let header = signed::members([("typ", "at+jwt".into()), ("kid", self.kid.as_str().into())]);
        let token = signed::compact(header, claims, &*self.signer).map_err(|_| Refusal::Internal)?;
        Ok((Secret::new(token.as_str()), end.as_secs()))
    }
}
