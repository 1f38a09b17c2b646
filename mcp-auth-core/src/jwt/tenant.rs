//! Issuers with one name per tenant.

use super::Claims;
use super::error::{ValidationError, ValidationErrorKind as Kind};
use crate::jwk::Key;

const PLACE: &str = "{tenantid}";

/// Which tenants of a multi-tenant issuer are trusted.
#[derive(Clone, Debug)]
pub(super) enum Tenants {
    Listed(Vec<String>),
    Any,
}

impl Tenants {
    /// Whether `template` is one, and somebody is trusted.
    pub(super) fn fits(&self, template: &str) -> bool {
        template.matches(PLACE).count() == 1 && !matches!(self, Self::Listed(list) if list.is_empty())
    }

    pub(super) fn check(&self, template: &str, claims: &Claims) -> Result<(), ValidationError> {
        let tenant = claims.issuer().and_then(|iss| tenant_of(template, iss));
        // What comes from `iss` is compared with what Entra says about the user; both are signed.
        let tid = claims.get("tid").and_then(crate::json::Value::as_str);
        let allowed = |tenant: &str| match self {
            Self::Listed(list) => list.iter().any(|t| t == tenant),
            Self::Any => true,
        };
        match (tenant, tid) {
            (_, None) => Err(Kind::ClaimMissing { claim: "tid".into() }.into()),
            (Some(tenant), Some(tid)) if tenant == tid && allowed(tenant) => Ok(()),
            _ => Err(Kind::Tenant { got: tid.unwrap_or_default().to_owned() }.into()),
        }
    }
}

/// The part of `iss` where the template has its place-holder.
pub(super) fn tenant_of<'i>(template: &str, iss: &'i str) -> Option<&'i str> {
    let (before, after) = template.split_once(PLACE)?;
    let tenant = iss.strip_prefix(before)?.strip_suffix(after)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (!tenant.is_empty() && tenant.bytes().all(plain)).then_some(tenant)
}

/// Entra marks keys with the issuer, or template, they speak for. A key for one tenant's tokens must not vouch
/// for another's.
pub(super) fn key_speaks_for(key: &Key, iss: &str) -> bool {
    match key.issuer() {
        None => true,
        Some(issuer) => issuer == iss || tenant_of(issuer, iss).is_some(),
    }
}
