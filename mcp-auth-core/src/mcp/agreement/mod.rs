//! Whether the headers of a request say what its body says.

mod error;
mod params;
#[cfg(test)]
mod tests;
mod value;

use http::HeaderMap;

pub use error::{AgreementError, AgreementErrorKind};
pub(super) use value::protocol_version as protocol_version_header;

use self::value::{METHOD, NAME, VERSION, decoded, single};
use super::body::Element;
use super::message::{CallKind, McpCall, Target};
use super::method::{self, INITIALIZE};
use super::params::{CLIENT_CAPABILITIES, PROTOCOL_VERSION};
use super::tool_headers::ToolHeaders;
use super::version::{Era, ProtocolVersion};

/// Whether the headers of a request say what its body says.
///
/// The body decides; the headers repeat some of it for those who do not read bodies. Where the two disagree, somebody
/// on the way has seen another request than the server will: such a request is refused (MCP 2026-07-28, Streamable
/// HTTP, Server Validation). The checks, in this order:
///
/// | request | refused when | status, code |
/// |---|---|---|
/// | any | `MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Name` or a declared `Mcp-Param-*` occurs twice or is no visible ASCII | 400, -32020 |
/// | modern | it is a response | 400, -32600 |
/// | modern | `_meta` has no `protocolVersion` or no `clientCapabilities` (requests only) | 400, -32602 |
/// | modern | `MCP-Protocol-Version` is missing, or is not the version in `_meta` | 400, -32020 |
/// | modern | the version is not served here, or is a legacy one | 400, -32022 |
/// | modern | `Mcp-Method` is missing (requests only), or is not the method | 400, -32020 |
/// | modern | the method was removed: `initialize`, `ping`, `logging/setLevel`, `resources/subscribe`, `resources/unsubscribe` | 404, -32601 |
/// | modern | `Mcp-Name` is missing though required, or is not the item's name | 400, -32020 |
/// | modern `tools/call` | a declared `Mcp-Param-*` is missing though the argument is there, or does not say the same | 400, -32020 |
/// | legacy | no version header, and 2025-03-26, which that means, is not served (`initialize` excepted) | 400, -32020 |
/// | legacy | the version is not served here | 400, -32022 |
/// | legacy | `Mcp-Method`, `Mcp-Name` or a declared `Mcp-Param-*` is there and does not agree | 400, -32020 |
/// | batch | the version is 2025-06-18 or later, or a message in it is modern | 400, -32600 |
///
/// A request is modern when its `_meta` names a protocol version or its header names a modern one, so that leaving one
/// of the two out, or naming an old version in one, is no way around the checks. Legacy versions know no mirrored
/// headers; the body decides. One that is there all the same, and does not agree, is refused there too: somebody may
/// route by it, and no legacy client sends it.
///
/// `Mcp-Name` where the method has no item is a header that repeats nothing, and is refused; with methods that nobody
/// here knows it is left alone, as is an `Mcp-Param-*` that no tool declared. Names of headers compare without case,
/// values with it. `Mcp-Name` and `Mcp-Param-*` may be spelled `=?base64?…?=`: standard base64, padded, UTF-8.
///
/// ```
/// use http::HeaderMap;
/// use mcp_auth_core::mcp::{Agreement, Era, peek};
///
/// let call = peek(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","_meta":{
///     "io.modelcontextprotocol/protocolVersion":"2026-07-28",
///     "io.modelcontextprotocol/clientCapabilities":{}}}}"#)?;
/// let mut headers = HeaderMap::new();
/// headers.insert("mcp-protocol-version", "2026-07-28".parse()?);
/// headers.insert("mcp-method", "tools/call".parse()?);
/// headers.insert("mcp-name", "read".parse()?);
/// let agreement = Agreement::new();
/// assert_eq!(agreement.check(&headers, &call), Ok(Era::Modern));
///
/// headers.insert("mcp-name", "write".parse()?);
/// let error = agreement.check(&headers, &call).unwrap_err();
/// assert_eq!((error.status().as_u16(), error.code()), (400, -32020));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Agreement {
    supported: Vec<ProtocolVersion>,
}

impl Default for Agreement {
    fn default() -> Self {
        Self::new()
    }
}

impl Agreement {
    /// Serves all versions.
    pub fn new() -> Self {
        Self { supported: ProtocolVersion::ALL.to_vec() }
    }

    /// Serves these versions only. They are also what an error names as supported, so they should be those of the
    /// server behind.
    #[must_use]
    pub fn supported(mut self, versions: impl IntoIterator<Item = ProtocolVersion>) -> Self {
        self.supported = versions.into_iter().collect();
        self
    }

    /// Checks one message; answers its era. `Mcp-Param-*` are left to [`check_params`](Self::check_params).
    ///
    /// # Errors
    ///
    /// [`AgreementError`] with the answer to give.
    pub fn check(&self, headers: &HeaderMap, call: &McpCall) -> Result<Era, AgreementError> {
        let version = protocol_version_header(headers)?;
        if call.protocol_version.is_some() || version.is_some_and(|v| Era::of_version(v) == Era::Modern) {
            self.modern(headers, version, call).map(|()| Era::Modern)
        } else {
            self.legacy(headers, version, call).map(|()| Era::Legacy)
        }
    }

    /// Checks a batch as a whole: whether there may be one, and that no header speaks for a message of it.
    ///
    /// # Errors
    ///
    /// [`AgreementError`] with the answer to give.
    pub fn check_batch(&self, headers: &HeaderMap, batch: &[Element]) -> Result<(), AgreementError> {
        let version = protocol_version_header(headers)?;
        let is_modern = |element: &Element| {
            element.message.as_ref().is_ok_and(|message| message.protocol_version.is_some())
        };
        if version.is_some_and(|v| Era::of_version(v) == Era::Modern) || batch.iter().any(is_modern) {
            return Err(AgreementError::batch());
        }
        if !self.legacy_version(version, false)?.accepts_batches() {
            return Err(AgreementError::batch());
        }
        for header in [METHOD, NAME] {
            if single(headers, &header)?.is_some() {
                return Err(AgreementError::unexpected(&header));
            }
        }
        Ok(())
    }

    /// Checks the `Mcp-Param-*` headers that a tool has declared against the arguments of a call of it. `arguments` is
    /// what stands at [`McpCall::arguments`].
    ///
    /// # Errors
    ///
    /// [`AgreementError`] with the answer to give.
    pub fn check_params(
        &self,
        headers: &HeaderMap,
        era: Era,
        declared: &ToolHeaders,
        arguments: Option<&[u8]>,
    ) -> Result<(), AgreementError> {
        params::check(headers, era, declared, arguments)
    }

    fn modern(
        &self,
        headers: &HeaderMap,
        version: Option<&str>,
        call: &McpCall,
    ) -> Result<(), AgreementError> {
        let Some(method) = call.method.as_deref() else { return Err(AgreementError::response()) };
        let is_request = call.id.is_some();
        if is_request {
            let has = [
                (PROTOCOL_VERSION, call.protocol_version.is_some()),
                (CLIENT_CAPABILITIES, call.client_capabilities.is_some()),
            ];
            let missing: Vec<&str> = has.iter().filter(|(_, has)| !has).map(|(name, _)| *name).collect();
            if !missing.is_empty() {
                return Err(AgreementError::meta(&missing));
            }
        }
        let Some(version) = version else {
            return Err(AgreementError::missing(&VERSION, call.protocol_version.as_deref()));
        };
        if call.protocol_version.as_deref().is_some_and(|named| named != version) {
            return Err(AgreementError::mismatch(&VERSION, call.protocol_version.as_deref(), Some(version)));
        }
        let known = ProtocolVersion::parse(version).filter(|v| v.era() == Era::Modern);
        if !known.is_some_and(|v| self.supported.contains(&v)) {
            return Err(AgreementError::version(version, &self.offered_to_modern()));
        }
        match single(headers, &METHOD)? {
            None if is_request => return Err(AgreementError::missing(&METHOD, Some(method))),
            header => agree(header, method)?,
        }
        if is_request && method::is_removed_in_modern(method) {
            return Err(AgreementError::removed(method, version));
        }
        name(headers, call, is_request)
    }

    /// What a modern client is told to speak: it does not know how to open a session, unless there is nothing else.
    fn offered_to_modern(&self) -> Vec<ProtocolVersion> {
        let modern: Vec<_> = self.supported.iter().copied().filter(|v| v.era() == Era::Modern).collect();
        if modern.is_empty() { self.supported.clone() } else { modern }
    }

    fn legacy(
        &self,
        headers: &HeaderMap,
        version: Option<&str>,
        call: &McpCall,
    ) -> Result<(), AgreementError> {
        self.legacy_version(version, call.method.as_deref() == Some(INITIALIZE))?;
        match (single(headers, &METHOD)?, call.method.as_deref()) {
            (Some(_), None) => return Err(AgreementError::unexpected(&METHOD)),
            (header, Some(method)) => agree(header, method)?,
            (None, None) => {}
        }
        name(headers, call, false)
    }

    /// The version that a legacy request speaks. `initialize` comes before there is one to name.
    fn legacy_version(
        &self,
        header: Option<&str>,
        is_initialize: bool,
    ) -> Result<ProtocolVersion, AgreementError> {
        let legacy = || self.supported.iter().copied().filter(|v| v.era() == Era::Legacy);
        match header {
            Some(name) => legacy()
                .find(|v| v.as_str() == name)
                .ok_or_else(|| AgreementError::version(name, &self.supported)),
            None if is_initialize => {
                legacy().max().ok_or_else(|| AgreementError::no_version(&self.supported))
            }
            None => legacy()
                .find(|v| *v == ProtocolVersion::V2025_03_26)
                .ok_or_else(|| AgreementError::no_version(&self.supported)),
        }
    }
}

fn agree(header: Option<&str>, method: &str) -> Result<(), AgreementError> {
    match header {
        Some(value) if value != method => Err(AgreementError::mismatch(&METHOD, Some(method), Some(value))),
        _ => Ok(()),
    }
}

/// `Mcp-Name` against the item of the call.
fn name(headers: &HeaderMap, call: &McpCall, required: bool) -> Result<(), AgreementError> {
    let header = single(headers, &NAME)?;
    let method = call.method.as_deref().unwrap_or_default();
    let Some(target) = call.target.as_ref().filter(|_| call.kind() == CallKind::Item) else {
        let says_nothing = match call.kind() {
            CallKind::Unknown => false,
            // What headers a notification has, no version says.
            _ => !method.starts_with("notifications/"),
        };
        return match header {
            Some(_) if says_nothing => Err(AgreementError::unexpected(&NAME)),
            _ => Ok(()),
        };
    };
    // URIs and ids of tasks may hold what is nobody's business.
    let shown = |name| matches!(target, Target::Tool(_) | Target::Prompt(_)).then_some(name);
    match header {
        Some(value) => {
            let value = decoded(value, &NAME)?;
            if value != target.name() {
                return Err(AgreementError::mismatch(&NAME, shown(target.name()), shown(&value)));
            }
            Ok(())
        }
        None if required && method::needs_name_header(method) => {
            Err(AgreementError::missing(&NAME, shown(target.name())))
        }
        None => Ok(()),
    }
}
