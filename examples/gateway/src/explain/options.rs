//! The command line of `explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use http::{HeaderName, HeaderValue, Method};
use mcp_auth_core::mcp::Target;

use super::call::Call;
use crate::check::Format;
use crate::proxy::BoxError;

/// Options of `explain`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit status: 0 allowed, 1 denied, 2 could not be asked.\n\nThe token is never shown, and what its \
                  claims say only with --show-values."
)]
pub(crate) struct Options {
    /// The configuration, YAML in agentgateway's local shape
    #[arg(short, long, value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The caller's access token; `-` reads standard input. Without any, the request comes without a token
    #[arg(long, value_name = "FILE", group = "caller")]
    pub(super) token_file: Option<PathBuf>,
    /// Claims as JSON, taken as those of a caller whom nobody verified; `-` reads standard input
    #[arg(long, value_name = "FILE", group = "caller")]
    pub(super) claims_file: Option<PathBuf>,
    /// Take the token's claims without verifying it: signature, issuer, audience and times may be wrong
    #[arg(long, requires = "token_file")]
    pub(super) danger_unverified: bool,

    /// The tool that is called
    #[arg(long, value_name = "NAME", group = "item", help_heading = "The call")]
    tool: Option<String>,
    /// The prompt that is asked for
    #[arg(long, value_name = "NAME", group = "item", help_heading = "The call")]
    prompt: Option<String>,
    /// The resource that is read
    #[arg(long, value_name = "URI", group = "item", help_heading = "The call")]
    resource: Option<String>,
    /// The task that is asked for
    #[arg(long, value_name = "ID", group = "item", help_heading = "The call")]
    task: Option<String>,
    /// The arguments of the tool or prompt, a JSON object
    #[arg(long, value_name = "JSON", requires = "item", help_heading = "The call")]
    arguments: Option<String>,
    /// The MCP method, such as tools/list [default: tools/call, prompts/get, resources/read or tasks/get]
    #[arg(long, value_name = "METHOD", help_heading = "The call")]
    method: Option<String>,

    /// The route, by its name [default: the one that takes the request, or the only one]
    #[arg(long, value_name = "NAME", help_heading = "The request")]
    pub(super) route: Option<String>,
    /// The path [default: that of the route's resource]
    #[arg(long, value_name = "PATH", help_heading = "The request")]
    pub(super) path: Option<String>,
    /// The host, with or without port [default: that of the route's resource]
    #[arg(long, value_name = "HOST", help_heading = "The request")]
    pub(super) host: Option<String>,
    /// The query, without `?`
    #[arg(long, value_name = "QUERY", help_heading = "The request")]
    pub(super) query: Option<String>,
    /// The HTTP method [default: POST with a call, GET without]
    #[arg(long, value_name = "METHOD", value_parser = http_method, help_heading = "The request")]
    pub(super) http_method: Option<Method>,
    /// A header field; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = header, help_heading = "The request")]
    pub(super) header: Vec<(HeaderName, HeaderValue)>,
    /// The address that the request comes from
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = "The request")]
    pub(super) source: IpAddr,

    /// How to write the answer
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Show what claims, headers and arguments say
    #[arg(long)]
    pub(super) show_values: bool,
}

impl Options {
    /// The MCP message; `None` for a plain HTTP request.
    pub(super) fn call(&self) -> Result<Option<Call>, BoxError> {
        let item = match (&self.tool, &self.prompt, &self.resource, &self.task) {
            (Some(name), ..) => Some(Target::Tool(name.as_str().into())),
            (_, Some(name), ..) => Some(Target::Prompt(name.as_str().into())),
            (_, _, Some(uri), _) => Some(Target::Resource(uri.as_str().into())),
            (_, _, _, Some(id)) => Some(Target::Task(id.as_str().into())),
            _ => None,
        };
        Call::new(item, self.method.as_deref(), self.arguments.as_deref())
    }
}

fn http_method(text: &str) -> Result<Method, String> {
    text.parse().map_err(|_| "an HTTP method is expected, such as POST".to_owned())
}

/// The value is not repeated in the error: it may be a secret.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("`name: value` is expected")?;
    let name = name.trim().parse().map_err(|_| format!("`{}` is not a header name", name.trim()))?;
    let mut value: HeaderValue = value
        .trim()
        .parse()
        .map_err(|_| format!("the value of `{name}` has characters that headers cannot have"))?;
    value.set_sensitive(true);
    Ok((name, value))
}
