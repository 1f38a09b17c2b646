//! Why a body is refused before anything in it is judged.

use super::{MAX_BATCH, MAX_DEPTH, MAX_TARGETS};
use crate::json::Problem;

/// Why a body, or one message of a batch, cannot be judged. Each maps to a JSON-RPC error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeekError {
    /// Not one JSON document in UTF-8.
    #[error("body is not one JSON document")]
    Parse,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("body is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// An array where one message is expected.
    #[error("body is a JSON-RPC batch where one message is expected")]
    Batch,
    /// JSON, but not a JSON-RPC 2.0 message.
    #[error("body is not a JSON-RPC 2.0 message")]
    NotJsonRpc,
    /// A member that decides occurs twice.
    #[error("a member of the message occurs twice")]
    Duplicate,
    /// A member that another parser could take for one that decides, such as `Name` or `method\u0000`.
    #[error("a member of the message looks like another one")]
    LookAlike,
    /// The method needs an item and `params` names none, or names it as something else than a string.
    #[error("the message does not name its item")]
    NoItem,
    /// More items in one message than [`MAX_TARGETS`].
    #[error("the message names more than {MAX_TARGETS} items")]
    TooManyItems,
    /// `_meta` is no object, the protocol version in it no string, or the client's capabilities no object.
    #[error("the message's `_meta` cannot be read")]
    Meta,
    /// A batch without messages.
    #[error("the JSON-RPC batch is empty")]
    EmptyBatch,
    /// A batch of more than [`MAX_BATCH`] messages.
    #[error("the JSON-RPC batch holds more than {MAX_BATCH} messages")]
    LongBatch,
    /// Requests beside responses in one batch (MCP 2025-03-26, Streamable HTTP).
    #[error("the JSON-RPC batch holds both requests and responses")]
    MixedBatch,
    /// Two messages of a batch with one id: nobody could tell their answers apart.
    #[error("two messages of the JSON-RPC batch have the same id")]
    DuplicateId,
    /// `initialize` inside a batch (MCP 2025-03-26, Lifecycle).
    #[error("`initialize` cannot be part of a JSON-RPC batch")]
    InitializeInBatch,
}

impl PeekError {
    /// The JSON-RPC 2.0 error code.
    pub const fn code(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::NoItem | Self::TooManyItems | Self::Meta => -32602,
            Self::TooDeep
            | Self::Batch
            | Self::NotJsonRpc
            | Self::Duplicate
            | Self::LookAlike
            | Self::EmptyBatch
            | Self::LongBatch
            | Self::MixedBatch
            | Self::DuplicateId
            | Self::InitializeInBatch => -32600,
        }
    }
}

impl From<Problem> for PeekError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::TooDeep => Self::TooDeep,
            _ => Self::Parse,
        }
    }
}
