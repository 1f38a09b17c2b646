//! The members of `params` that decide.

use std::borrow::Cow;
use std::ops::Range;

use super::error::PeekError;
use super::message::Target;
use super::peek::{MAX_DEPTH, once, other, text};
use crate::json::Scanner;

/// Members of `_meta` in which a modern request says what it speaks (MCP 2026-07-28, `_meta`).
pub(super) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

const ROUTED: &[&str] = &["name", "uri", "taskId", "ref", "arguments", "notifications", "_meta"];

#[derive(Default)]
pub(super) struct Params<'b> {
    pub(super) name: Option<Cow<'b, str>>,
    pub(super) uri: Option<Cow<'b, str>>,
    pub(super) task_id: Option<Cow<'b, str>>,
    pub(super) reference: Option<Target>,
    pub(super) arguments: Option<Range<usize>>,
    /// The filter of a subscription, JSON text.
    pub(super) notifications: Option<&'b str>,
    pub(super) protocol_version: Option<Cow<'b, str>>,
    pub(super) client_capabilities: Option<Range<usize>>,
}

impl<'b> Params<'b> {
    /// Positional parameters exist in JSON-RPC, not in MCP.
    pub(super) fn read(scanner: &mut Scanner<'b>) -> Result<Self, PeekError> {
        if scanner.next() != b'{' {
            return Err(PeekError::NotJsonRpc);
        }
        let mut params = Self::default();
        let mut meta = None;
        scanner.object(|scanner, name| match &*name {
            // These decide only as strings; anything else is refused rather than ignored.
            "name" => once(&mut params.name, text(scanner, PeekError::NoItem)?),
            "uri" => once(&mut params.uri, text(scanner, PeekError::NoItem)?),
            "taskId" => once(&mut params.task_id, text(scanner, PeekError::NoItem)?),
            "ref" => once(&mut params.reference, reference(scanner)?),
            "arguments" => once(&mut params.arguments, value(scanner, MAX_DEPTH - 2)?),
            "notifications" => {
                scanner.next();
                let start = scanner.at();
                scanner.skip(MAX_DEPTH - 2)?;
                once(&mut params.notifications, scanner.since(start)?)
            }
            "_meta" => {
                params.read_meta(scanner)?;
                once(&mut meta, ())
            }
            name => other(scanner, name, ROUTED, MAX_DEPTH - 2),
        })?;
        Ok(params)
    }

    fn read_meta(&mut self, scanner: &mut Scanner<'b>) -> Result<(), PeekError> {
        if scanner.next() != b'{' {
            return Err(PeekError::Meta);
        }
        scanner.object(|scanner, name| match &*name {
            PROTOCOL_VERSION => once(&mut self.protocol_version, text(scanner, PeekError::Meta)?),
            CLIENT_CAPABILITIES if scanner.next() != b'{' => Err(PeekError::Meta),
            CLIENT_CAPABILITIES => once(&mut self.client_capabilities, value(scanner, MAX_DEPTH - 3)?),
            name => other(scanner, name, &[PROTOCOL_VERSION, CLIENT_CAPABILITIES], MAX_DEPTH - 3),
        })
    }
}

/// Where the value that comes stands.
fn value(scanner: &mut Scanner<'_>, max_depth: usize) -> Result<Range<usize>, PeekError> {
    scanner.next();
    let start = scanner.at();
    scanner.skip(max_depth)?;
    Ok(start..scanner.at())
}

/// The `ref` of `completion/complete`: a prompt by `name` or a resource by `uri`.
fn reference(scanner: &mut Scanner<'_>) -> Result<Target, PeekError> {
    if scanner.next() != b'{' {
        return Err(PeekError::NoItem);
    }
    let (mut kind, mut name, mut uri) = (None, None, None);
    scanner.object(|scanner, member| match &*member {
        "type" => once(&mut kind, text(scanner, PeekError::NoItem)?),
        "name" => once(&mut name, text(scanner, PeekError::NoItem)?),
        "uri" => once(&mut uri, text(scanner, PeekError::NoItem)?),
        member => other(scanner, member, &["type", "name", "uri"], MAX_DEPTH - 3),
    })?;
    match (kind.as_deref(), name, uri) {
        (Some("ref/prompt"), Some(name), None) => Ok(Target::Prompt(name.into())),
        (Some("ref/resource"), None, Some(uri)) => Ok(Target::Resource(uri.into())),
        _ => Err(PeekError::NoItem),
    }
}
