//! The MCP message that is asked about.

use mcp_auth_core::mcp::{CallKind, McpCall, Target};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::proxy::BoxError;

/// A message that can be sent.
#[derive(Debug)]
pub(super) struct Call {
    body: String,
}

impl Call {
    /// The message for an item, or for a method without one; `None` for neither.
    pub(super) fn new(
        item: Option<Target>,
        method: Option<&str>,
        arguments: Option<&str>,
    ) -> Result<Option<Self>, BoxError> {
        let (method, params) = match (item, method) {
            (None, None) => return Ok(None),
            (None, Some(method)) => (method, None),
            (Some(item), method) => {
                let methods = methods(&item);
                let method = method.or(methods.first().copied()).unwrap_or_default();
                if !methods.contains(&method) {
                    let methods = methods.join(", ");
                    return Err(
                        format!("`--method {method}` does not go with a {}: {methods}", item.kind()).into()
                    );
                }
                (method, Some(params(method, &item, arguments)?))
            }
        };
        if params.is_none() && McpCall::new(method, None).kind() == CallKind::Item {
            let options = "--tool, --prompt, --resource or --task";
            return Err(format!("`--method {method}` asks for an item: say which with {options}").into());
        }
        let method = Value::from(method);
        // What is only told has no answer.
        let id =
            if method.as_str().is_some_and(|m| m.starts_with("notifications/")) { "" } else { r#","id":1"# };
        let params = params.map(|params| format!(r#","params":{params}"#)).unwrap_or_default();
        Ok(Some(Self { body: format!(r#"{{"jsonrpc":"2.0"{id},"method":{method}{params}}}"#) }))
    }

    /// The bytes of the message.
    pub(super) fn body(&self) -> &str {
        &self.body
    }
}

/// The methods that ask for an item of this kind, the usual one first.
fn methods(item: &Target) -> &'static [&'static str] {
    match item {
        Target::Tool(_) => &["tools/call"],
        Target::Prompt(_) => &["prompts/get", "completion/complete"],
        Target::Resource(_) => {
            &["resources/read", "resources/subscribe", "resources/unsubscribe", "completion/complete"]
        }
        Target::Task(_) => &["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"],
        // A kind that is new has no option yet.
        _ => &[],
    }
}

fn params(method: &str, item: &Target, arguments: Option<&str>) -> Result<String, BoxError> {
    let name = item.name();
    let params = match item {
        Target::Prompt(_) if method == "completion/complete" => {
            json!({ "ref": { "type": "ref/prompt", "name": name } })
        }
        Target::Resource(_) if method == "completion/complete" => {
            json!({ "ref": { "type": "ref/resource", "uri": name } })
        }
        Target::Resource(_) => json!({ "uri": name }),
        Target::Task(_) => json!({ "taskId": name }),
        _ => json!({ "name": name }),
    };
    let Some(arguments) = arguments else { return Ok(params.to_string()) };
    if !matches!(method, "tools/call" | "prompts/get") {
        return Err(format!("`--arguments` go with a tool or a prompt, not with {method}").into());
    }
    // They are sent as they are written: a member that occurs twice is for the gateway to judge.
    match serde_json::from_str::<IgnoredAny>(arguments) {
        Ok(_) if arguments.trim_start().starts_with('{') => {
            let name = Value::from(name);
            Ok(format!(r#"{{"name":{name},"arguments":{arguments}}}"#))
        }
        Ok(_) => Err("`--arguments` must be a JSON object".into()),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(format!("`--arguments` is not JSON: line {line}, column {column}").into())
        }
    }
}
