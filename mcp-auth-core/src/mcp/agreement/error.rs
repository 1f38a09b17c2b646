//! Why headers and body do not agree, and what to answer.

use http::StatusCode;
use http::header::HeaderName;

use super::super::version::ProtocolVersion;

/// Headers and body of a request do not agree. Its text says which header, what was expected and what came, and holds
/// no URI, no id of a task, no argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AgreementError {
    kind: AgreementErrorKind,
    message: Box<str>,
    data: Option<Box<str>>,
}

/// The kinds of [`AgreementError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgreementErrorKind {
    /// A required header is missing.
    HeaderMissing,
    /// A header occurs more than once.
    HeaderRepeated,
    /// A header's value cannot be read.
    HeaderMalformed,
    /// A header says something else than the body.
    HeaderMismatch,
    /// A header repeats what the body does not have.
    HeaderUnexpected,
    /// `_meta` lacks what every modern request has.
    MetaMissing,
    /// The protocol version is not served here.
    VersionUnsupported,
    /// The protocol version does not have this method.
    MethodNotFound,
    /// The protocol version has no batches.
    BatchNotAllowed,
    /// The protocol version has no responses from clients.
    ResponseNotAllowed,
}

impl AgreementErrorKind {
    /// The HTTP status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MethodNotFound => StatusCode::NOT_FOUND,
            Self::HeaderMissing
            | Self::HeaderRepeated
            | Self::HeaderMalformed
            | Self::HeaderMismatch
            | Self::HeaderUnexpected
            | Self::MetaMissing
            | Self::VersionUnsupported
            | Self::BatchNotAllowed
            | Self::ResponseNotAllowed => StatusCode::BAD_REQUEST,
        }
    }

    /// The JSON-RPC error code (MCP 2026-07-28, Error Codes).
    pub const fn code(self) -> i32 {
        match self {
            Self::HeaderMissing
            | Self::HeaderRepeated
            | Self::HeaderMalformed
            | Self::HeaderMismatch
            | Self::HeaderUnexpected => -32020,
            Self::VersionUnsupported => -32022,
            Self::BatchNotAllowed | Self::ResponseNotAllowed => -32600,
            Self::MethodNotFound => -32601,
            Self::MetaMissing => -32602,
        }
    }

    /// A stable word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HeaderMissing => "header_missing",
            Self::HeaderRepeated => "header_repeated",
            Self::HeaderMalformed => "header_malformed",
            Self::HeaderMismatch => "header_mismatch",
            Self::HeaderUnexpected => "header_unexpected",
            Self::MetaMissing => "meta_missing",
            Self::VersionUnsupported => "version_unsupported",
            Self::MethodNotFound => "method_not_found",
            Self::BatchNotAllowed => "batch_not_allowed",
            Self::ResponseNotAllowed => "response_not_allowed",
        }
    }
}

impl AgreementError {
    /// What kind of disagreement.
    pub fn kind(&self) -> AgreementErrorKind {
        self.kind
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The JSON-RPC error code of the answer.
    pub fn code(&self) -> i32 {
        self.kind.code()
    }

    /// The `data` of the JSON-RPC error, JSON text: `supported` and `requested` versions.
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// The answer's body: a JSON-RPC error. `id` is that of the request, JSON text that a parser has accepted.
    pub fn to_json(&self, id: Option<&str>) -> String {
        let (id, code) = (id.unwrap_or("null"), self.code());
        let message = serde_json::Value::from(&*self.message);
        let data = self.data().map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}{data}}}}}"#)
    }

    fn new(kind: AgreementErrorKind, message: String) -> Self {
        Self { kind, message: message.into(), data: None }
    }

    pub(super) fn missing(header: &HeaderName, expected: Option<&str>) -> Self {
        let message = format!("Header mismatch: {} is missing{}", spelled(header), expecting(expected));
        Self::new(AgreementErrorKind::HeaderMissing, message)
    }

    pub(super) fn repeated(header: &HeaderName) -> Self {
        let message = format!("Header mismatch: {} occurs more than once", spelled(header));
        Self::new(AgreementErrorKind::HeaderRepeated, message)
    }

    pub(super) fn malformed(header: &HeaderName, why: &str) -> Self {
        let message = format!("Header mismatch: {} cannot be read: {why}", spelled(header));
        Self::new(AgreementErrorKind::HeaderMalformed, message)
    }

    pub(super) fn mismatch(header: &HeaderName, expected: Option<&str>, got: Option<&str>) -> Self {
        let got = got.map(|got| format!(" {}", shown(got))).unwrap_or_default();
        let expected = expected.map(|e| format!(" {}", shown(e))).unwrap_or_default();
        let message =
            format!("Header mismatch: {}{got} does not match the body's value{expected}", spelled(header));
        Self::new(AgreementErrorKind::HeaderMismatch, message)
    }

    pub(super) fn unexpected(header: &HeaderName) -> Self {
        let message = format!(
            "Header mismatch: {} is there, and the body has nothing that it repeats",
            spelled(header)
        );
        Self::new(AgreementErrorKind::HeaderUnexpected, message)
    }

    /// An argument that a header should repeat has no one value.
    pub(super) fn argument(header: &HeaderName, why: &str) -> Self {
        let message = format!("Header mismatch: the argument that {} repeats {why}", spelled(header));
        Self::new(AgreementErrorKind::HeaderMismatch, message)
    }

    pub(super) fn meta(missing: &[&str]) -> Self {
        let message = format!("Invalid params: `_meta` lacks {}", missing.join(" and "));
        Self::new(AgreementErrorKind::MetaMissing, message)
    }

    pub(super) fn version(requested: &str, supported: &[ProtocolVersion]) -> Self {
        let requested: String = requested.chars().take(MAX_SHOWN).collect();
        let data = serde_json::json!({ "supported": names(supported), "requested": requested });
        let message = format!("Unsupported protocol version {}", shown(&requested));
        Self {
            data: Some(data.to_string().into()),
            ..Self::new(AgreementErrorKind::VersionUnsupported, message)
        }
    }

    /// No version named, and none that this would stand for is served.
    pub(super) fn no_version(supported: &[ProtocolVersion]) -> Self {
        let names = names(supported);
        let message =
            format!("Header mismatch: MCP-Protocol-Version is missing; supported: {}", names.join(", "));
        let data = serde_json::json!({ "supported": names });
        Self { data: Some(data.to_string().into()), ..Self::new(AgreementErrorKind::HeaderMissing, message) }
    }

    pub(super) fn removed(method: &str, version: &str) -> Self {
        Self::new(AgreementErrorKind::MethodNotFound, format!("Method not found: {version} has no {method}"))
    }

    pub(super) fn batch() -> Self {
        let message =
            "JSON-RPC batches exist in protocol version 2025-03-26 only: send one message per request";
        Self::new(AgreementErrorKind::BatchNotAllowed, message.to_owned())
    }

    pub(super) fn response() -> Self {
        let message = "clients send no JSON-RPC responses since protocol version 2026-07-28";
        Self::new(AgreementErrorKind::ResponseNotAllowed, message.to_owned())
    }
}

/// The most characters of a value that a message repeats.
const MAX_SHOWN: usize = 80;

fn shown(value: &str) -> String {
    let cut = if value.chars().nth(MAX_SHOWN).is_some() { "…" } else { "" };
    let start: String = value.chars().take(MAX_SHOWN).collect();
    format!("`{}{cut}`", start.escape_debug())
}

fn expecting(value: Option<&str>) -> String {
    value.map(|value| format!("; the body says {}", shown(value))).unwrap_or_default()
}

fn names(versions: &[ProtocolVersion]) -> Vec<&'static str> {
    versions.iter().map(|version| version.as_str()).collect()
}

/// The name as the specification writes it: `http` keeps names in lower case.
fn spelled(header: &HeaderName) -> &str {
    match header.as_str() {
        "mcp-protocol-version" => "MCP-Protocol-Version",
        "mcp-method" => "Mcp-Method",
        "mcp-name" => "Mcp-Name",
        other => other,
    }
}
