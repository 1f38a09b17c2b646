//! Which arguments of a tool are repeated in headers.

mod parse;
mod store;
#[cfg(test)]
mod tests;

use http::header::HeaderName;

pub use store::ToolHeadersStore;

/// The arguments of one tool that headers repeat: `x-mcp-header` in its `inputSchema` (MCP 2026-07-28, Streamable HTTP,
/// Custom Headers from Tool Parameters).
///
/// A tool may be listed with such declarations and a call of it has to carry the headers then. Who checks that has to
/// have seen the list: [`filter_message`](super::filter_message) hands over each item as it stands in the answer
/// ([`ListItem::raw`](super::ListItem::raw)), [`ToolHeaders::parse`] reads the declarations, [`ToolHeadersStore`] keeps
/// them.
///
/// A declaration is good when its value is a token of RFC 9110, unlike all others of the schema whatever the case, on a
/// property of type `string`, `integer` or `boolean` that is reached from the root through `properties` alone. Clients
/// have to drop a tool with any other from the list, and a gateway may do it for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolHeaders {
    params: Box<[ParamHeader]>,
}

/// One argument that a header repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamHeader {
    /// The header, `mcp-param-` and what the schema says.
    pub header: HeaderName,
    /// Where the argument is: the names of members from the arguments inwards, at least one.
    pub path: Box<[Box<str>]>,
    /// What the schema says it is.
    pub kind: ParamType,
}

/// The types of arguments that headers can repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the specification has these three")]
pub enum ParamType {
    /// Repeated as it is.
    String,
    /// Repeated in decimal, compared as a number.
    Integer,
    /// Repeated as `true` or `false`.
    Boolean,
}

/// A tool whose declarations of headers break a rule: no client may call it over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolHeadersError {
    /// The tool is no JSON object, or one in which what decides stands twice.
    #[error("the tool's `inputSchema` cannot be read without doubt")]
    Unreadable,
    /// The value is empty, no string, or no token of RFC 9110.
    #[error("`x-mcp-header` is not a header name")]
    Name,
    /// Two have the same value, perhaps in another case.
    #[error("two `x-mcp-header` of one tool are the same name")]
    Duplicate,
    /// The property is of another type than `string`, `integer` or `boolean`.
    #[error("`x-mcp-header` stands at a property that is no string, integer or boolean")]
    Type,
    /// It stands where no chain of `properties` leads, such as under `items`, `anyOf` or `$defs`.
    #[error("`x-mcp-header` stands where no chain of `properties` leads")]
    Unreachable,
    /// More than [`MAX_PARAM_HEADERS`], or deeper than messages may be.
    #[error("the tool declares more than {MAX_PARAM_HEADERS} headers, or nests them too deep")]
    TooMany,
}

/// The most headers of one tool.
pub const MAX_PARAM_HEADERS: usize = 64;

impl ToolHeaders {
    /// Reads the declarations of a tool: an item of `tools/list`, JSON text.
    ///
    /// ```
    /// use mcp_auth_core::mcp::ToolHeaders;
    ///
    /// let tool = br#"{"name":"query","inputSchema":{"type":"object","properties":{
    ///     "region":{"type":"string","x-mcp-header":"Region"}}}}"#;
    /// let headers = ToolHeaders::parse(tool)?;
    /// assert_eq!(headers.params()[0].header, "mcp-param-region");
    /// # Ok::<(), mcp_auth_core::mcp::ToolHeadersError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ToolHeadersError`] for a tool that has to be left out of the list. One without declarations is none, whatever
    /// else is in its schema.
    pub fn parse(tool: &[u8]) -> Result<Self, ToolHeadersError> {
        parse::tool(tool).map(|params| Self { params: params.into() })
    }

    /// The arguments that headers repeat.
    pub fn params(&self) -> &[ParamHeader] {
        &self.params
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// How many bytes of memory it holds.
    pub fn memory_bytes(&self) -> usize {
        let of = |param: &ParamHeader| {
            let steps: usize = param.path.iter().map(|step| size_of::<Box<str>>() + step.len()).sum();
            size_of::<ParamHeader>() + param.header.as_str().len() + steps
        };
        self.params.iter().map(of).sum()
    }
}
