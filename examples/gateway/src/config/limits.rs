//! Every limit on the input, in one place.

/// The longest configuration file, in bytes.
pub(crate) const MAX_CONFIG_BYTES: usize = 1024 * 1024;

/// The deepest nesting of lists and mappings. The deepest place of the schema is at 14.
pub(crate) const MAX_CONFIG_DEPTH: usize = 32;

/// The most scalars, lists and mappings in one file, aliases not expanded.
pub(crate) const MAX_CONFIG_NODES: usize = 100_000;

/// The most nodes that aliases may add.
pub(crate) const MAX_ALIAS_NODES: usize = 10_000;

/// The most aliases in one file.
pub(crate) const MAX_ALIASES: usize = 1_000;

/// The most entries of `errors` of one token endpoint.
pub(crate) const MAX_ERROR_RULES: usize = 64;

/// The most `droppedScopes` of one token endpoint.
pub(crate) const MAX_DROPPED_SCOPES: usize = 64;
