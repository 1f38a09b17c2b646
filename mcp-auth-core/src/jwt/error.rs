//! Why a token was refused: in full for the operator, in fixed words for the client.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::json::JsonErrorKind;
use crate::jwt::Algorithm;
use crate::time::UnixTime;

/// A token was refused.
///
/// `Display` is for the operator: it names what was expected and what came, and may therefore contain `iss` or
/// `aud` values. A client gets [`client_text`](Self::client_text), which never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    kind: ValidationErrorKind,
}

/// What was wrong with the token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are named after what they hold")]
pub enum ValidationErrorKind {
    /// Longer than the limit.
    TooLong { bytes: usize, limit: usize },
    /// Not three parts joined by dots: an opaque or an encrypted token.
    NotCompact { parts: usize },
    /// A part is empty, for example the signature of an unsigned token.
    EmptyPart,
    /// A part is not strict base64url.
    Base64 { part: &'static str },
    /// A part is not one bounded JSON document without duplicates.
    Json { part: &'static str, reason: JsonErrorKind },
    /// A part is JSON, but not an object.
    NotAnObject { part: &'static str },
    /// A header member is refused.
    HeaderMember { member: &'static str, reason: &'static str },
    /// The header's `alg` is no signature algorithm we know (`none` is not one).
    AlgorithmUnknown,
    /// The header's `alg` is not in the issuer's list.
    AlgorithmNotAllowed { got: Algorithm, issuer: String },
    /// A registered claim has the wrong type.
    ClaimType { claim: &'static str, expected: &'static str, got: &'static str },
    /// A date is negative or beyond the year 9999.
    ClaimRange { claim: &'static str },
    /// A claim that must be there is not.
    ClaimMissing { claim: Cow<'static, str> },
    /// `iss` is none of the configured issuers.
    UnknownIssuer { got: String, expected: Vec<String> },
    /// `aud` is absent.
    AudienceMissing { expected: Vec<String> },
    /// `aud` names none of the configured audiences.
    Audience { got: Vec<String>, expected: Vec<String> },
    /// `exp` has passed.
    Expired { exp: UnixTime, now: UnixTime },
    /// `nbf` or `iat` lies in the future.
    NotYetValid { claim: &'static str, at: UnixTime, now: UnixTime },
    /// `exp` is further away than the issuer's tokens may live.
    Lifetime { limit: Duration },
    /// The claim `typ` says that this is an ID, refresh or logout token (Keycloak).
    TokenUse { got: &'static str },
    /// The token's client is not one of the issuer's allowed clients.
    Client { got: Option<String> },
    /// The tenant is not one of those that are trusted, or `iss` and `tid` name different ones.
    Tenant { got: String },
    /// The token, or all of its subject's, were revoked.
    Revoked,
    /// The token is bound to a proof key or certificate (`cnf`, RFC 7800) and came without.
    Bound { to: &'static str },
    /// The request proved possession of another key or certificate than the token is bound to.
    WrongKey { to: &'static str },
    /// A DPoP proof came with a token that is bound to no key (RFC 9449 §7.1).
    NotBound,
    /// The issuer's tokens have to be bound to a client certificate, and this one is not.
    CertificateBindingMissing,
    /// `cnf` has a confirmation method that cannot be checked here, or none.
    ConfirmationMethod,
    /// The token stands where its issuer's tokens do not.
    Place { place: String },
    /// The issuer says that the token is not active (RFC 7662 §2.2).
    Inactive,
    /// The signing key speaks for another issuer.
    KeyIssuer,
    /// No key of that name and algorithm; a refetch of the key set may help.
    UnknownKey { kid: bool },
    /// The token names no key and several fit.
    AmbiguousKey,
    /// The signature does not verify.
    Signature,
}

/// What a client may read about a refused token: a fixed word per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientText {
    /// The token is not a well-formed access token.
    Malformed,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The token is for somebody else, or from somebody we do not trust.
    NotForThisServer,
    /// The signature or its key is not good.
    Signature,
    /// The token was revoked, or its issuer does not know it.
    Revoked,
    /// The client may not use this server.
    Client,
    /// The token needs a proof of possession, or the proof is not its.
    Binding,
}

impl ClientText {
    /// The fixed text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "the access token is malformed",
            Self::Expired => "the access token expired",
            Self::NotYetValid => "the access token is not valid yet",
            Self::NotForThisServer => "the access token was not issued for this server",
            Self::Signature => "the access token's signature is not valid",
            Self::Revoked => "the access token is not active",
            Self::Client => "the client may not use this server",
            Self::Binding => "the access token needs its own proof of possession",
        }
    }
}

impl ValidationError {
    /// What was wrong.
    pub fn kind(&self) -> &ValidationErrorKind {
        &self.kind
    }

    /// A stable word for logs and metrics.
    pub fn code(&self) -> &'static str {
        use ValidationErrorKind as K;
        match self.kind {
            K::TooLong { .. } => "token_too_long",
            K::NotCompact { .. } => "not_a_jwt",
            K::EmptyPart => "empty_part",
            K::Base64 { .. } => "base64",
            K::Json { .. } | K::NotAnObject { .. } => "json",
            K::HeaderMember { .. } => "header",
            K::AlgorithmUnknown | K::AlgorithmNotAllowed { .. } => "algorithm",
            K::ClaimType { .. } | K::ClaimRange { .. } => "claim_type",
            K::ClaimMissing { .. } => "claim_missing",
            K::UnknownIssuer { .. } => "issuer",
            K::AudienceMissing { .. } => "audience_missing",
            K::Audience { .. } => "audience",
            K::Expired { .. } => "expired",
            K::NotYetValid { .. } => "not_yet_valid",
            K::Lifetime { .. } => "lifetime",
            K::TokenUse { .. } => "token_use",
            K::Client { .. } => "client",
            K::Tenant { .. } => "tenant",
            K::Inactive => "inactive",
            K::Revoked => "revoked",
            K::Bound { .. } => "bound_token",
            K::WrongKey { .. } => "wrong_proof_key",
            K::NotBound | K::CertificateBindingMissing => "not_bound",
            K::ConfirmationMethod => "confirmation_method",
            K::Place { .. } => "place",
            K::UnknownKey { .. } | K::AmbiguousKey | K::KeyIssuer => "key",
            K::Signature => "signature",
        }
    }

    /// What the client may know.
    pub fn client_text(&self) -> ClientText {
        use ValidationErrorKind as K;
        match self.kind {
            K::TooLong { .. }
            | K::NotCompact { .. }
            | K::EmptyPart
            | K::Base64 { .. }
            | K::Json { .. }
            | K::NotAnObject { .. }
            | K::HeaderMember { .. }
            | K::ClaimType { .. }
            | K::ClaimRange { .. }
            | K::Lifetime { .. }
            | K::ClaimMissing { .. } => ClientText::Malformed,
            K::Expired { .. } => ClientText::Expired,
            K::Inactive | K::Revoked => ClientText::Revoked,
            K::Client { .. } => ClientText::Client,
            K::Bound { .. }
            | K::WrongKey { .. }
            | K::NotBound
            | K::CertificateBindingMissing
            | K::ConfirmationMethod => ClientText::Binding,
            K::NotYetValid { .. } => ClientText::NotYetValid,
            K::UnknownIssuer { .. }
            | K::AudienceMissing { .. }
            | K::Audience { .. }
            | K::Tenant { .. }
            | K::TokenUse { .. }
            | K::Place { .. } => ClientText::NotForThisServer,
            K::AlgorithmUnknown
            | K::AlgorithmNotAllowed { .. }
            | K::UnknownKey { .. }
            | K::AmbiguousKey
            | K::KeyIssuer
            | K::Signature => ClientText::Signature,
        }
    }
}

impl From<ValidationErrorKind> for ValidationError {
    fn from(kind: ValidationErrorKind) -> Self {
        Self { kind }
    }
}

impl std::error::Error for ValidationError {}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ValidationErrorKind as K;
        match &self.kind {
            K::TooLong { bytes, limit } => write!(f, "token part has {bytes} bytes, the limit is {limit}"),
            K::NotCompact { parts: 5 } => f.write_str("token has five parts: an encrypted token (JWE) is not accepted"),
            K::NotCompact { parts: 1 } => f.write_str(
                "token is opaque, a JWT was expected: the client may have asked the provider for no API or audience",
            ),
            K::NotCompact { parts } => write!(f, "token has {parts} parts, a JWT has three"),
            K::EmptyPart => f.write_str("token has an empty part; an unsigned token is never accepted"),
            K::Base64 { part } => write!(f, "token {part} is not unpadded base64url"),
            K::Json { part, reason } => write!(f, "token {part}: {reason}"),
            K::NotAnObject { part } => write!(f, "token {part} is not a JSON object"),
            K::HeaderMember { member, reason } => write!(f, "token header: `{member}` {reason}"),
            K::AlgorithmUnknown => f.write_str("token header: `alg` is not a signature algorithm we know"),
            K::AlgorithmNotAllowed { got, issuer } => {
                write!(f, "`alg` is `{got}`, which issuer `{issuer}` does not use")
            }
            K::ClaimType { claim, expected, got } => write!(f, "claim `{claim}` must be {expected}, got {got}"),
            K::ClaimRange { claim } => write!(f, "claim `{claim}` is not a date between 1970 and 9999"),
            K::ClaimMissing { claim } => write!(f, "claim `{claim}` is absent"),
            K::UnknownIssuer { got, expected } => {
                write!(f, "`iss` is `{}`, expected {}{}", Shown(got), List(expected), issuer_hint(got, expected))
            }
            K::AudienceMissing { expected } => write!(
                f,
                "claim `aud` is absent, expected {}: add an audience to what the provider puts into the token (at Keycloak \
                 an audience mapper)",
                List(expected)
            ),
            K::Audience { got, expected } => {
                write!(f, "`aud` is {}, expected {}{}", List(got), List(expected), audience_hint(got, expected))
            }
            K::Expired { exp, now } => write!(f, "token expired at {exp}, it is {now}"),
            K::NotYetValid { claim, at, now } => {
                write!(f, "`{claim}` is {at}, it is {now}: a clock may be wrong")
            }
            K::Lifetime { limit } => write!(
                f,
                "token is good for more than {} hours: shorten the provider's token lifetime, or raise the issuer's maximum",
                limit.as_secs() / 3600
            ),
            K::TokenUse { got } => {
                write!(f, "claim `typ` is `{got}`, expected an access token: the client sent the wrong one of its tokens")
            }
            K::Client { got: None } => f.write_str("token names no client (`client_id` or `azp`), and only some are allowed"),
            K::Client { got: Some(got) } => write!(f, "client `{}` is not one of the allowed clients", Shown(got)),
            K::Tenant { got } => {
                write!(f, "tenant `{}` is not trusted, or `iss` and `tid` name different ones", Shown(got))
            }
            K::Inactive => {
                f.write_str("issuer says that the token is not active: expired, revoked, another issuer's, or not for this client to ask about")
            }
            K::Revoked => f.write_str("token was revoked"),
            K::Bound { to } => write!(f, "token is bound to {to} and came as a plain bearer token"),
            K::WrongKey { to } => write!(f, "token is bound to another key than {to}"),
            K::NotBound => f.write_str("a DPoP proof came with a token that is bound to no key: ask the provider for a DPoP-bound one"),
            K::CertificateBindingMissing => {
                f.write_str("token is not bound to a client certificate (`cnf.x5t#S256`), which this issuer's have to be")
            }
            K::ConfirmationMethod => {
                f.write_str("`cnf` has a confirmation method that is not supported (`jkt` and `x5t#S256` are)")
            }
            K::Place { place } => write!(f, "tokens of this issuer are not accepted in the {place}"),
            K::KeyIssuer => f.write_str("the signing key speaks for another issuer (member `issuer` of the key)"),
            K::UnknownKey { kid: true } => f.write_str("no key of the issuer has the token's `kid` and `alg`"),
            K::UnknownKey { kid: false } => f.write_str("token has no `kid` and no key of the issuer fits its `alg`"),
            K::AmbiguousKey => f.write_str("token has no `kid` and several keys of the issuer fit its `alg`"),
            K::Signature => f.write_str("signature does not verify with the issuer's key"),
        }
    }
}

/// The likely cause of an issuer that is not ours.
fn issuer_hint(got: &str, expected: &[String]) -> &'static str {
    let trimmed = |s: &str| s.trim_end_matches('/').to_ascii_lowercase();
    if expected.iter().any(|e| e.trim_end_matches('/') == got.trim_end_matches('/')) {
        "; they differ by a trailing slash"
    } else if expected.iter().any(|e| trimmed(e) == trimmed(got)) {
        "; they differ in upper and lower case"
    } else if got.starts_with("https://sts.windows.net/") && expected.iter().any(|e| e.ends_with("/v2.0")) {
        "; the token is a v1.0 token of Entra: configure its issuer, or set requestedAccessTokenVersion to 2"
    } else if got.ends_with("/v2.0") && expected.iter().any(|e| e.starts_with("https://sts.windows.net/")) {
        "; the token is a v2.0 token of Entra: configure its issuer"
    } else {
        ""
    }
}

fn audience_hint(got: &[String], expected: &[String]) -> &'static str {
    let same = |f: fn(&str) -> &str| expected.iter().any(|e| got.iter().any(|g| f(g) == f(e)));
    if same(|s| s.trim_end_matches('/')) {
        "; they differ by a trailing slash"
    } else if got.iter().any(|got| got == "account") {
        "; `account` is what Keycloak puts there by itself: add an audience mapper for the expected one"
    } else {
        ""
    }
}

struct List<'a>(&'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("an empty list");
        }
        for (i, item) in self.0.iter().take(5).enumerate() {
            let lead = if i == 0 { "" } else { " or " };
            write!(f, "{lead}`{}`", Shown(item))?;
        }
        if self.0.len() > 5 { write!(f, " and {} more", self.0.len() - 5) } else { Ok(()) }
    }
}

/// At most 200 characters, control characters escaped: the text goes to a log.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(200) {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        if self.0.chars().nth(200).is_some() { f.write_str("…") } else { Ok(()) }
    }
}
