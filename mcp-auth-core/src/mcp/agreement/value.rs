//! Reading header values: at most one, of visible ASCII, perhaps in base64.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::HeaderName;

use super::error::AgreementError;

pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The value of `MCP-Protocol-Version`.
pub(in super::super) fn protocol_version(headers: &HeaderMap) -> Result<Option<&str>, AgreementError> {
    single(headers, &VERSION)
}

/// The value of a header, without the white space around it.
pub(super) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, AgreementError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(AgreementError::repeated(name));
    }
    // Visible ASCII, blanks and tabs, as RFC 9110 §5.5 has it.
    let text =
        value.to_str().map_err(|_| AgreementError::malformed(name, "it holds more than visible ASCII"))?;
    Ok(Some(text.trim_matches([' ', '\t'])))
}

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// What a value stands for that may be encoded (Streamable HTTP, Value Encoding).
pub(super) fn decoded<'h>(value: &'h str, name: &HeaderName) -> Result<Cow<'h, str>, AgreementError> {
    let Some(rest) = value.strip_prefix(PREFIX) else { return Ok(Cow::Borrowed(value)) };
    let Some(base64) = rest.strip_suffix(SUFFIX) else {
        // Beginning and end in one: nothing for some readers, itself for others.
        return if value.ends_with(SUFFIX) {
            Err(AgreementError::malformed(name, "its `=?base64?` and `?=` overlap"))
        } else {
            Ok(Cow::Borrowed(value))
        };
    };
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| AgreementError::malformed(name, "between `=?base64?` and `?=` is no padded base64"))?;
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| AgreementError::malformed(name, "what its base64 stands for is not UTF-8"))
}
