//! Messages of the Model Context Protocol as an intermediary needs them: which method, which item, which headers, and
//! which items of a list somebody may see.
//!
//! # What a message asks for
//!
//! | method | versions | judged as |
//! |---|---|---|
//! | `tools/call` | all | the tool of that `name` |
//! | `prompts/get` | all | the prompt of that `name` |
//! | `resources/read` | all | the resource of that `uri` |
//! | `resources/subscribe`, `resources/unsubscribe` | to 2025-11-25 | the resource of that `uri` |
//! | `subscriptions/listen` | 2026-07-28 | each resource in `resourceSubscriptions` and each task in `taskIds`; the stream is filtered; with none of both, needs a principal |
//! | `completion/complete` | all | the prompt (`ref/prompt`) or resource (`ref/resource`) that `ref` names |
//! | `tasks/get`, `tasks/cancel` | from 2025-11-25 | the task of that `taskId` |
//! | `tasks/result` | 2025-11-25 | the task of that `taskId` |
//! | `tasks/update` | 2026-07-28 | the task of that `taskId` |
//! | `tools/list`, `prompts/list`, `resources/list`, `resources/templates/list` | all | the list is answered, each item judged as the call it would become |
//! | `tasks/list` | 2025-11-25 | likewise |
//! | `initialize`, `ping`, `logging/setLevel` | to 2025-11-25 | need a principal, no item |
//! | `server/discover` | 2026-07-28 | needs a principal, no item |
//! | `notifications/…` without an id | all | needs a principal, no item |
//! | a response: to `sampling/createMessage`, `elicitation/create`, `roots/list`, `ping` and `tasks/…` of the server | to 2025-11-25 | needs a principal, no item |
//! | anything else, also methods that only servers send | | nothing is known about it: denied where MCP rules exist |
//!
//! What comes back ([`filter_message`]):
//!
//! | message of the server | what happens to it |
//! |---|---|
//! | a result with `tools`, `prompts`, `resources`, `resourceTemplates`, `tasks` | items that the caller may not use are left out |
//! | a result with `cacheScope` or `ttlMs` | is marked as the caller's own |
//! | `notifications/resources/updated` | dropped unless the caller may read the resource |
//! | `notifications/tasks`, `notifications/tasks/status` | dropped unless the caller may get the task |
//! | `notifications/subscriptions/acknowledged` | names only what the caller may use |
//! | anything else | passes |
//!
//! # How bodies are read
//!
//! Decisions are taken on exactly this reading and exactly these bytes are forwarded; so whatever another parser could
//! read differently is refused: a member twice, a look-alike of a routed member, unknown members at the top, a second
//! document, a byte-order mark. What is not routed (arguments, results) is checked to be JSON and not looked into.
//! What both this reader and `serde_json` accept means the same; what only this one refuses:
//!
//! - a string with half a surrogate pair, a number beyond a double or of more than 1,024 bytes, wherever they stand:
//!   `serde_json` passes over them where it need not know the value;
//! - nesting beyond [`MAX_DEPTH`], where `serde_json` takes 127 levels;
//! - JSON that is no JSON-RPC 2.0 message, and the rules above.
//!
//! `serde_json` refuses nothing that this one accepts.

mod agreement;
mod body;
mod error;
mod event_stream;
mod list;
mod look_alike;
mod message;
mod method;
mod params;
mod peek;
mod subscription;
#[cfg(test)]
mod tests;
mod tool_headers;
mod version;

pub use agreement::{Agreement, AgreementError, AgreementErrorKind};
pub use body::{Body, Element, MAX_BATCH, read_body};
pub use error::PeekError;
pub use event_stream::{DataFilter, EventStreamFilter, EventTooLong};
pub use list::{Filtered, ItemKind, ListError, ListItem, Visible, filter_message};
pub use look_alike::reads_alike;
pub use message::{CallKind, McpCall, Target};
pub use peek::{MAX_DEPTH, id_of, peek};
pub use subscription::MAX_TARGETS;
pub use tool_headers::{
    MAX_PARAM_HEADERS, ParamHeader, ParamType, ToolHeaders, ToolHeadersError, ToolHeadersStore,
};
pub use version::{Era, ProtocolVersion};
