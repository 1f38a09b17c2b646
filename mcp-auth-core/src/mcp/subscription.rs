//! The items that `subscriptions/listen` names (MCP 2026-07-28, Subscriptions; the tasks extension).

use super::error::PeekError;
use super::message::Target;
use super::peek::{MAX_DEPTH, once, other, text};
use crate::json::Scanner;

/// The most items in one message: each of them costs a decision.
pub const MAX_TARGETS: usize = 256;

/// The members of the filter that name items. The others switch on what is no item, such as `toolsListChanged`.
pub(super) const RESOURCES: &str = "resourceSubscriptions";
pub(super) const TASKS: &str = "taskIds";

/// Reads the filter of a subscription, JSON text that was checked before.
pub(super) fn targets(filter: &str) -> Result<Vec<Target>, PeekError> {
    let mut scanner = Scanner::new(filter);
    if scanner.next() != b'{' {
        return Err(PeekError::NoItem);
    }
    let mut found = Vec::new();
    let (mut resources, mut tasks) = (None, None);
    scanner.object(|scanner, name| match &*name {
        RESOURCES => once(&mut resources, names(scanner, &mut found, Target::Resource)?),
        TASKS => once(&mut tasks, names(scanner, &mut found, Target::Task)?),
        name => other(scanner, name, &[RESOURCES, TASKS], MAX_DEPTH),
    })?;
    Ok(found)
}

fn names(
    scanner: &mut Scanner<'_>,
    found: &mut Vec<Target>,
    target: fn(Box<str>) -> Target,
) -> Result<(), PeekError> {
    if scanner.next() != b'[' {
        return Err(PeekError::NoItem);
    }
    scanner.array(|scanner| {
        if found.len() >= MAX_TARGETS {
            return Err(PeekError::TooManyItems);
        }
        found.push(target(text(scanner, PeekError::NoItem)?.into()));
        Ok(())
    })
}
