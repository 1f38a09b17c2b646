//! The claims set, with the registered claims of RFC 7519 §4.1 in their types.

use super::error::{ValidationError, ValidationErrorKind as Kind};
use crate::json::{Document, JsonError, JsonErrorKind, Limits, Object, Place, Value};
use crate::time::UnixTime;

/// Last second of the year 9999: a date beyond is a mistake or an attack.
const MAX_DATE: u64 = 253_402_300_799;

/// Most members of a claims set.
const MAX_CLAIMS: usize = 1000;

/// The claims of a token. [`get`](Self::get) reads any claim without copying it.
#[derive(Clone)]
pub struct Claims {
    document: Document,
    /// The claim that is asked for more often than any other.
    sub: Option<Place>,
    exp: Option<UnixTime>,
    nbf: Option<UnixTime>,
    iat: Option<UnixTime>,
}

impl Claims {
    /// Parses a claims set and enforces the types of the registered claims.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] when the text is not one bounded JSON object of at most 1,000 members without
    /// duplicates, or when `iss`, `sub`, `jti`, `client_id`, `azp` is not a string, `aud` neither a string nor an
    /// array of strings, or `exp`, `nbf`, `iat` not a NumericDate between 1970 and 9999.
    pub fn parse(json: &[u8]) -> Result<Self, ValidationError> {
        Self::read(Document::parse(json, &Limits::default()))
    }

    /// As [`parse`](Self::parse), for a payload that [`TokenLimits`](super::TokenLimits) have bounded.
    pub(crate) fn of_payload(json: Vec<u8>) -> Result<Self, ValidationError> {
        let limits = Limits::default().max_bytes(json.len());
        Self::read(Document::parse_vec(json, &limits))
    }

    fn read(document: Result<Document, JsonError>) -> Result<Self, ValidationError> {
        let document = document.map_err(|e| Kind::Json { part: "payload", reason: e.kind() })?;
        let members = document.as_object().ok_or(Kind::NotAnObject { part: "payload" })?;
        if members.len() > MAX_CLAIMS {
            return Err(Kind::Json { part: "payload", reason: JsonErrorKind::TooManyNodes }.into());
        }
        for (name, value) in members.iter() {
            let text =
                |claim| if value.as_str().is_some() { Ok(()) } else { Err(wrong(claim, "a string", value)) };
            match name {
                "iss" => text("iss")?,
                "sub" => text("sub")?,
                "jti" => text("jti")?,
                "client_id" => text("client_id")?,
                "azp" => text("azp")?,
                "aud" => match value {
                    Value::String(_) => {}
                    Value::Array(items) if items.iter().all(|i| i.as_str().is_some()) => {}
                    other => return Err(wrong("aud", "a string or an array of strings", other)),
                },
                "act" => check_actor(value)?,
                _ => {}
            }
        }
        let exp = date(members, "exp", f64::floor)?;
        let nbf = date(members, "nbf", f64::ceil)?;
        let iat = date(members, "iat", f64::floor)?;
        let sub = members.place("sub");
        Ok(Self { document, sub, exp, nbf, iat })
    }

    /// Claims whose token was verified under another profile, with its `iat`, `nbf` and `exp`. Their types were
    /// not checked here: a claim of another type reads as absent.
    pub(crate) fn of_verified(document: Document, [iat, nbf, exp]: [Option<UnixTime>; 3]) -> Self {
        let sub = document.as_object().and_then(|members| members.place("sub"));
        Self { document, sub, exp, nbf, iat }
    }

    /// All claims.
    pub fn all(&self) -> Option<Object<'_>> {
        self.document.as_object()
    }

    /// The claim called exactly `name`.
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.document.as_object()?.get(name)
    }

    /// `iss`, RFC 7519 §4.1.1.
    pub fn issuer(&self) -> Option<&str> {
        self.get("iss")?.as_str()
    }

    /// `sub`, RFC 7519 §4.1.2.
    pub fn subject(&self) -> Option<&str> {
        self.document.str_at(self.sub?)
    }

    /// `aud` as a list, whichever of its two forms it has; RFC 7519 §4.1.3.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let claim = self.get("aud");
        let one = claim.and_then(Value::as_str);
        let many =
            claim.and_then(Value::as_array).into_iter().flat_map(|a| a.iter().filter_map(Value::as_str));
        one.into_iter().chain(many)
    }

    /// Scopes from the first of these claims that is there: a space-separated string, or an array of strings.
    pub fn scopes_in<S: AsRef<str>>(&self, names: &[S]) -> impl Iterator<Item = &str> + use<'_, S> {
        let claim = names.iter().find_map(|name| self.get(name.as_ref()));
        let text = claim.and_then(Value::as_str).unwrap_or_default();
        let list =
            claim.and_then(Value::as_array).into_iter().flat_map(|a| a.iter().filter_map(Value::as_str));
        text.split(' ').filter(|s| !s.is_empty()).chain(list)
    }

    /// The client that asked for the token: `client_id` (RFC 9068 §2.2), or else `azp`.
    pub fn client_id(&self) -> Option<&str> {
        self.get("client_id").or_else(|| self.get("azp"))?.as_str()
    }

    /// `exp`, rounded down to a second; RFC 7519 §4.1.4.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.exp
    }

    /// `nbf`, rounded up to a second; RFC 7519 §4.1.5.
    pub fn not_before(&self) -> Option<UnixTime> {
        self.nbf
    }

    /// `iat`, rounded down to a second; RFC 7519 §4.1.6.
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.iat
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.document.memory_bytes()
    }
}

/// Names only: claims are personal data.
impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all().into_iter().flat_map(|o| o.iter().map(|(name, _)| name))).finish()
    }
}

/// `act` is an object all the way down, RFC 8693 §4.1. The document's depth bounds the walk.
fn check_actor(act: Value<'_>) -> Result<(), ValidationError> {
    let mut next = Some(act);
    while let Some(act) = next {
        let Value::Object(members) = act else { return Err(wrong("act", "an object", act)) };
        if let Some(other) = members.get("sub").filter(|sub| sub.as_str().is_none()) {
            return Err(wrong("act.sub", "a string", other));
        }
        next = members.get("act");
    }
    Ok(())
}

fn wrong(claim: &'static str, expected: &'static str, got: Value<'_>) -> ValidationError {
    Kind::ClaimType { claim, expected, got: got.kind() }.into()
}

/// A NumericDate (RFC 7519 §2), rounded towards refusal.
fn date(
    members: Object<'_>,
    claim: &'static str,
    round: fn(f64) -> f64,
) -> Result<Option<UnixTime>, ValidationError> {
    let secs = match members.get(claim) {
        None => return Ok(None),
        Some(Value::Int(i)) => u64::try_from(i).ok(),
        Some(Value::Uint(_)) => None,
        Some(Value::Double(d)) => whole(round(d)),
        Some(other) => return Err(wrong(claim, "a number of seconds since 1970", other)),
    };
    match secs {
        Some(secs) if secs <= MAX_DATE => Ok(Some(UnixTime::from_secs(secs))),
        _ => Err(Kind::ClaimRange { claim }.into()),
    }
}

fn whole(d: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the range is checked first; 9999 is far below 2^53"
    )]
    (d >= 0.0 && d <= MAX_DATE as f64).then_some(d as u64)
}
