//! What an ID-JAG says, before another server is asked to redeem it.
//!
//! That server checks it, signature and all, and says `invalid_grant` whatever is wrong. What can be read here says what
//! the identity provider has to be told.

use std::time::Duration;

use mcp_auth_core::json::Value;
use mcp_auth_core::jwt::Claims;
use mcp_auth_core::{Principal, UnixTime};

use super::Refusal;
use super::readable::{Readable, read_claims, read_typ};
use crate::grant::id_jag::TYP;
use crate::plan::Step;

/// The draft says "short"; servers take five minutes or so. What lasts longer than this was not meant as one.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// What an ID-JAG is held against.
pub(in crate::plan) struct IdJagCheck<'a> {
    /// The step that brought it.
    pub(in crate::plan) asked: &'a Step,
    /// The step that redeems it.
    pub(in crate::plan) redeems: Option<&'a Step>,
    pub(in crate::plan) subject: &'a Principal,
    pub(in crate::plan) now: UnixTime,
}

impl IdJagCheck<'_> {
    /// Holds a token against what was asked for. An encrypted one passes: it is for the server that redeems it.
    pub(in crate::plan) fn accept(&self, token: &str) -> Result<(), Refusal> {
        let claims = match read_claims(token) {
            Readable::Opaque => return Ok(()),
            Readable::Broken => return refuse("the ID-JAG cannot be read: {provider} has to issue a JWT"),
            Readable::Claims(claims) => claims,
        };
        if !read_typ(token).is_some_and(|typ| is_id_jag(&typ)) {
            return refuse(
                "the ID-JAG's header `typ` is not `oauth-id-jag+jwt`: {provider} issued another kind of token, and has to be \
                 told to issue ID-JAGs",
            );
        }
        self.audience(&claims)?;
        self.client(&claims)?;
        self.resource(&claims)?;
        self.user(&claims)?;
        self.time(&claims)
    }

    /// The draft: the issuer of the server that redeems it, and nobody besides.
    fn audience(&self, claims: &Claims) -> Result<(), Refusal> {
        let mut audiences = claims.audiences();
        let first = audiences.next();
        if first.is_some_and(|aud| self.asked.audiences.iter().any(|asked| asked == aud))
            && audiences.next().is_none()
        {
            return Ok(());
        }
        refuse(
            "the ID-JAG's `aud` is not `{audience}` alone, which was asked for: that has to be the issuer of the server \
             that redeems it, to the letter, and {provider} has to know that server by it",
        )
    }

    /// The client's name at the server that redeems it, which may be another one than at the identity provider.
    fn client(&self, claims: &Claims) -> Result<(), Refusal> {
        let Some(ours) = self.redeems.and_then(|step| step.client.client_id()) else { return Ok(()) };
        if claims.get("client_id").and_then(Value::as_str) == Some(ours) {
            return Ok(());
        }
        refuse(
            "the ID-JAG's `client_id` is not the client that redeems it: {provider} has to know under which id `{client}` \
             is registered at the other server",
        )
    }

    /// The draft lets it out; then the server that redeems it decides. What is there has to have been asked for.
    fn resource(&self, claims: &Claims) -> Result<(), Refusal> {
        let asked = |value: Value<'_>| {
            let text = value.as_str();
            text.is_some_and(|text| self.asked.resources.iter().any(|resource| resource.as_str() == text))
        };
        let fits = match claims.get("resource") {
            None => true,
            Some(_) if self.asked.resources.is_empty() => true,
            Some(Value::Array(several)) => several.iter().all(asked),
            Some(one) => asked(one),
        };
        if fits {
            return Ok(());
        }
        refuse(
            "the ID-JAG's `resource` is not among `{resource}`, for which it was asked: {provider} chose another one",
        )
    }

    fn user(&self, claims: &Claims) -> Result<(), Refusal> {
        let Some(claim) = self.asked.profile.subject_claim else { return Ok(()) };
        let ours = self.subject.claims().get(claim).and_then(Value::as_str);
        if ours.is_some() && ours == claims.get(claim).and_then(Value::as_str) {
            return Ok(());
        }
        refuse(
            "the ID-JAG's `sub` is not that of the token that was sent. Where {provider} gives each client other names for \
             users (pairwise), say that it is not compared",
        )
    }

    fn time(&self, claims: &Claims) -> Result<(), Refusal> {
        match claims.expires_at() {
            None => refuse("the ID-JAG has no `exp`"),
            Some(exp) if exp <= self.now => refuse("the ID-JAG has expired already: compare the clocks"),
            Some(exp) if exp.since(self.now) > MAX_LIFETIME => refuse(
                "the ID-JAG lasts longer than an hour, and is for use at once: shorten it at {provider}",
            ),
            Some(_) => Ok(()),
        }
    }
}

/// RFC 7515 §4.1.9: `application/` may be left out.
fn is_id_jag(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ) == TYP
}

fn refuse(text: &'static str) -> Result<(), Refusal> {
    Err(Refusal("id_jag", text))
}
