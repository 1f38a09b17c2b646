//! Logs to standard error; text for people to standard output.

use std::io::{IsTerminal as _, Write as _};

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` sets what is shown; default: warnings, and what the gateway itself says.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,mcp_auth=info,mcp_auth_gateway=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

/// Writes text for people. A closed pipe is no reason to stop serving.
pub(crate) fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes an error for people.
pub(crate) fn complain(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
