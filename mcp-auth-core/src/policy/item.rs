//! The kinds of items that MCP servers have, as rules speak about them.

use crate::mcp::{ItemKind, Target};

/// What a rule can name an item by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
    Task,
}

/// A set of [`Kind`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Task];

    pub(super) fn of(target: &Target) -> Self {
        match target {
            Target::Tool(_) => Self::Tool,
            Target::Prompt(_) => Self::Prompt,
            Target::Resource(_) => Self::Resource,
            Target::Task(_) => Self::Task,
        }
    }

    /// The call that an item of a list would become.
    pub(super) fn of_list(kind: ItemKind) -> (&'static str, Self) {
        match kind {
            ItemKind::Tool => ("tools/call", Self::Tool),
            ItemKind::Prompt => ("prompts/get", Self::Prompt),
            ItemKind::Resource | ItemKind::ResourceTemplate => ("resources/read", Self::Resource),
            ItemKind::Task => ("tasks/get", Self::Task),
        }
    }

    /// The kind in one word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Task => "task",
        }
    }

    /// The path that rules read.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Tool => "mcp.tool",
            Self::Prompt => "mcp.prompt",
            Self::Resource => "mcp.resource",
            Self::Task => "mcp.task",
        }
    }

    /// The paths at which rules find the item's name.
    pub(super) const fn name_paths(self) -> &'static [&'static str] {
        match self {
            Self::Tool => &["mcp.tool.name"],
            Self::Prompt => &["mcp.prompt.name"],
            Self::Resource => &["mcp.resource.uri", "mcp.resource.name"],
            Self::Task => &["mcp.task.id"],
        }
    }

    /// Whether `field` is the item's name.
    pub(super) fn is_name(self, field: &str) -> bool {
        match self {
            Self::Tool | Self::Prompt => field == "name",
            Self::Resource => matches!(field, "uri" | "name"),
            Self::Task => field == "id",
        }
    }
}

impl Kinds {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    #[must_use]
    pub(super) fn with(self, kind: Kind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    #[must_use]
    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}
