//! A token as Envoy reads it: tolerant about its form, in Envoy's order and with Envoy's words about its content.

use super::Status;
use super::base64url;
use crate::json::{Document, Limits, Object, Value};
use crate::jwt::Algorithm;
use crate::time::UnixTime;

/// Longest token that is read, in bytes: as much as Envoy takes of a request's whole header section.
pub const MAX_TOKEN_BYTES: usize = 60 * 1024;

/// How far the clocks may be apart.
const CLOCK_SKEW_SECONDS: u64 = 60;

/// A token that was parsed. Nothing in it is to be believed before its signature was checked.
pub(super) struct Token {
    claims: Document,
    pub(super) algorithm: Algorithm,
    /// Empty where the token names no key.
    pub(super) kid: Box<str>,
    /// Header and payload as they were sent, with one dot.
    pub(super) signed: Box<[u8]>,
    payload_at: usize,
    pub(super) signature: Box<[u8]>,
    iat: Option<u64>,
    nbf: Option<u64>,
    exp: Option<u64>,
}

impl Token {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Status> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Status::BadFormat);
        }
        // Empty parts do not count, wherever they are.
        let mut parts = text.split(|b| *b == b'.').filter(|part| !part.is_empty());
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Status::BadFormat);
        };

        let header_json = base64url::decode(header).ok_or(Status::HeaderBadBase64)?;
        let header_document = document(&header_json).ok_or(Status::HeaderBadJson)?;
        let members = header_document.as_object().ok_or(Status::HeaderBadJson)?;
        let alg = members.get("alg").and_then(Value::as_str).ok_or(Status::HeaderBadAlg)?;
        // Envoy does not know RFC 9864's name for EdDSA.
        let mut known = Algorithm::ALL.iter().copied().filter(|known| *known != Algorithm::Ed25519);
        let algorithm = known.find(|known| known.name() == alg).ok_or(Status::HeaderUnknownAlg)?;
        let kid = string(members, "kid", Status::HeaderBadKid)?.unwrap_or_default().into();

        let payload_json = base64url::decode(payload).ok_or(Status::PayloadBadBase64)?;
        let claims = document(&payload_json).ok_or(Status::PayloadBadJson)?;
        let members = claims.as_object().ok_or(Status::PayloadBadJson)?;
        string(members, "iss", Status::IssNotString)?;
        string(members, "sub", Status::SubNotString)?;
        let iat = seconds(members, "iat", Status::IatNotInteger, Status::IatOutOfRange)?;
        let nbf = seconds(members, "nbf", Status::NbfNotInteger, Status::NbfOutOfRange)?;
        let exp = seconds(members, "exp", Status::ExpNotInteger, Status::ExpOutOfRange)?;
        string(members, "jti", Status::JtiNotString)?;
        match members.get("aud") {
            None | Some(Value::String(_)) => {}
            Some(Value::Array(items)) if items.iter().all(|item| item.as_str().is_some()) => {}
            Some(_) => return Err(Status::AudNotString),
        }

        let signature = base64url::decode(signature).ok_or(Status::SignatureBadBase64)?;
        Ok(Self {
            algorithm,
            kid,
            signed: [header, b".", payload].concat().into(),
            payload_at: header.len() + 1,
            signature: signature.into(),
            iat,
            nbf,
            exp,
            claims,
        })
    }

    /// An `exp` of 0 never ends.
    pub(super) fn check_time(&self, now: UnixTime) -> Result<(), Status> {
        let now = now.as_secs();
        if self.nbf.is_some_and(|nbf| now.saturating_add(CLOCK_SKEW_SECONDS) < nbf) {
            return Err(Status::NotYetValid);
        }
        if self.ends_at().is_some_and(|exp| now > exp.saturating_add(CLOCK_SKEW_SECONDS)) {
            return Err(Status::Expired);
        }
        Ok(())
    }

    /// `iss`; empty where the token has none.
    pub(super) fn issuer(&self) -> &str {
        self.claim("iss").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn claim(&self, name: &str) -> Option<Value<'_>> {
        self.claims.as_object()?.get(name)
    }

    /// The payload as it was sent.
    pub(super) fn payload_text(&self) -> &[u8] {
        self.signed.get(self.payload_at..).unwrap_or_default()
    }

    /// The claims, and when the token was made, becomes good, and ends.
    pub(super) fn into_claims(self) -> (Document, [Option<UnixTime>; 3]) {
        let times = [self.iat, self.nbf, self.ends_at()].map(|time| time.map(UnixTime::from_secs));
        (self.claims, times)
    }

    fn ends_at(&self) -> Option<u64> {
        self.exp.filter(|exp| *exp != 0)
    }
}

/// Depth as protobuf limits it, everything else as a request's header section does.
fn document(json: &[u8]) -> Option<Document> {
    let mut limits = Limits::default().max_bytes(MAX_TOKEN_BYTES).max_nodes(16 * 1024);
    limits.max_depth = 100;
    Document::parse(json, &limits).ok()
}

fn string<'a>(members: Object<'a>, name: &str, wrong: Status) -> Result<Option<&'a str>, Status> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong),
    }
}

/// A number of whole seconds, by way of a double as protobuf has it: fractions are cut off.
fn seconds(
    members: Object<'_>,
    name: &str,
    wrong: Status,
    out_of_range: Status,
) -> Result<Option<u64>, Status> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let number = number(value).ok_or(wrong)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the range is checked, and the cut is what Envoy does; u64::MAX becomes 2^64"
    )]
    if number >= 0.0 && number < u64::MAX as f64 { Ok(Some(number as u64)) } else { Err(out_of_range) }
}

/// A number as protobuf keeps it.
#[expect(clippy::cast_precision_loss, reason = "Envoy loses it too")]
pub(super) fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(i) => Some(i as f64),
        Value::Uint(u) => Some(u as f64),
        Value::Double(d) => Some(d),
        _ => None,
    }
}
