//! The examples of README.md and docs/ as tests. They live outside the published crates' folders, and a package
//! cannot include what lies above it; so an unpublished crate compiles them.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/architecture.md")]
struct Architecture;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/policy.md")]
struct Policy;
