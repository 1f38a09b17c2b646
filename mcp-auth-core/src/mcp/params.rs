//! The members of `params` that decide.

use std::borrow::Cow;
use std::ops::Range;

use super::message::Target;
use super::peek::{MAX_DEPTH, PeekError, once, other, text};
use crate::json::Scanner;

/// The member of `_meta` that names the protocol version of the message, since 2026-07-28.
const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

const ROUTED: &[&str] = &["name", "uri", "taskId", "ref", "arguments", "_meta"];

#[derive(Default)]
pub(super) struct Params<'b> {
    pub(super) name: Option<Cow<'b, str>>,
    pub(super) uri: Option<Cow<'b, str>>,
    pub(super) task_id: Option<Cow<'b, str>>,
    pub(super) reference: Option<Target>,
    pub(super) arguments: Option<Range<usize>>,
    pub(super) protocol_version: Option<Cow<'b, str>>,
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
            "arguments" => {
                scanner.next();
                let start = scanner.at();
                scanner.skip(MAX_DEPTH - 2)?;
                once(&mut params.arguments, start..scanner.at())
            }
            "_meta" => {
                params.protocol_version = protocol_version(scanner)?;
                once(&mut meta, ())
            }
            name => other(scanner, name, ROUTED, MAX_DEPTH - 2),
        })?;
        Ok(params)
    }
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

fn protocol_version<'b>(scanner: &mut Scanner<'b>) -> Result<Option<Cow<'b, str>>, PeekError> {
    if scanner.next() != b'{' {
        return Err(PeekError::Meta);
    }
    let mut version = None;
    scanner.object(|scanner, name| match &*name {
        PROTOCOL_VERSION => once(&mut version, text(scanner, PeekError::Meta)?),
        name => other(scanner, name, &[PROTOCOL_VERSION], MAX_DEPTH - 3),
    })?;
    Ok(version)
}
