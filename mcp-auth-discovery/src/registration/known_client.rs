//! Redirect URIs of MCP clients that people use.

/// An MCP client whose redirect URIs are known.
///
/// Loopback URIs are acceptable without a preset. What a preset adds is the one private-use URI of a desktop program,
/// and the https URIs where [only listed ones](super::RedirectUriRules::listed) are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KnownClient {
    /// Claude on the web, desktop and mobile.
    Claude,
    /// Claude Code.
    ClaudeCode,
    /// ChatGPT.
    ChatGpt,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    VsCode,
    /// The MCP Inspector.
    Inspector,
}

/// What the redirect URIs of a client look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(&'static str),
    /// One more path segment, of letters, digits, `-`, `_`.
    Below(&'static str),
}

impl KnownClient {
    /// Every client with a preset.
    pub const ALL: &'static [Self] =
        &[Self::Claude, Self::ClaudeCode, Self::ChatGpt, Self::Cursor, Self::VsCode, Self::Inspector];

    const fn patterns(self) -> &'static [Pattern] {
        use Pattern::{Below, Exact};
        match self {
            // Anthropic help centre, "Building custom connectors via remote MCP servers": the first, and the second
            // "in the future".
            Self::Claude => &[
                Exact("https://claude.ai/api/mcp/auth_callback"),
                Exact("https://claude.com/api/mcp/auth_callback"),
            ],
            // claude-code#66511: host and path are fixed, the port varies.
            Self::ClaudeCode => &[Exact("http://localhost/callback")],
            // `mcp-spec.md` §5.5 17; android-remote-control-mcp#166: one per connector.
            Self::ChatGpt => &[
                Exact("https://chatgpt.com/connector_platform_oauth_redirect"),
                Below("https://chatgpt.com/connector/oauth/"),
            ],
            // erp-mafia/accounted#2225, cartesia-mcp#73: all three in one registration, with `application_type` `web`
            // (better-auth#10946).
            Self::Cursor => &[
                Exact("cursor://anysphere.cursor-mcp/oauth/callback"),
                Exact("https://www.cursor.com/agents/mcp/oauth/callback"),
                Exact("http://localhost:8787/callback"),
            ],
            // vscode#278512: registers the first three, uses a random port.
            Self::VsCode => &[
                Exact("http://127.0.0.1/"),
                Exact("http://127.0.0.1:33418/"),
                Exact("https://vscode.dev/redirect"),
                Exact("https://insiders.vscode.dev/redirect"),
            ],
            // @modelcontextprotocol/inspector, client/src/lib/auth.ts.
            Self::Inspector => &[
                Exact("http://localhost:6274/oauth/callback"),
                Exact("http://localhost:6274/oauth/callback/debug"),
            ],
        }
    }

    /// The redirect URIs that are the same for every user. Loopback URIs come with other ports too.
    pub fn redirect_uris(self) -> impl Iterator<Item = &'static str> {
        self.patterns().iter().filter_map(|pattern| match pattern {
            Pattern::Exact(uri) => Some(*uri),
            Pattern::Below(_) => None,
        })
    }

    /// Whether a redirect URI is one of this client's.
    ///
    /// ```
    /// use mcp_auth_discovery::registration::KnownClient;
    ///
    /// assert!(KnownClient::ChatGpt.has_redirect_uri("https://chatgpt.com/connector/oauth/Ab3-x_9"));
    /// assert!(!KnownClient::ChatGpt.has_redirect_uri("https://chatgpt.com/connector/oauth/a/../../evil"));
    /// assert!(KnownClient::VsCode.has_redirect_uri("http://127.0.0.1:50123/"));
    /// ```
    pub fn has_redirect_uri(self, uri: &str) -> bool {
        let id = |rest: &str| {
            (1..=128).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        self.patterns().iter().any(|pattern| match pattern {
            Pattern::Exact(known) => super::redirect_uri_matches(known, uri),
            Pattern::Below(prefix) => uri.strip_prefix(prefix).is_some_and(id),
        })
    }
}
