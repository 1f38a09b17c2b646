//! Messages of the Model Context Protocol as an intermediary needs them: which method, which item, and which
//! items of a list somebody may see.
//!
//! | method | judged as |
//! |---|---|
//! | `tools/call`, `prompts/get` | the tool or prompt of that name |
//! | `resources/read`, `resources/subscribe`, `resources/unsubscribe` | the resource of that URI |
//! | `completion/complete` | the prompt or resource it refers to |
//! | `tasks/get`, `tasks/result`, `tasks/cancel`, `tasks/update` | the task of that id |
//! | `tools/list`, `prompts/list`, `resources/list`, `resources/templates/list`, `tasks/list` | the list is answered, each item judged as the call it would become |
//! | `initialize`, `ping`, `server/discover`, `logging/setLevel`, notifications, responses | need a principal, no item |
//! | anything else | nothing is known about it: denied where MCP rules exist |

mod event_stream;
mod list;
mod look_alike;
mod message;
mod params;
mod peek;
#[cfg(test)]
mod tests;

pub use event_stream::{DataFilter, EventStreamFilter, EventTooLong};
pub use list::{ItemKind, ListError, ListItem, filter_message};
pub use message::{CallKind, McpCall, Target};
pub use peek::{MAX_DEPTH, PeekError, peek};
