//! Notifications that name items.

use std::borrow::Cow;

use super::super::subscription::{RESOURCES, TASKS};
use super::edits::Kept;
use super::read::{other, string};
use super::{ItemKind, ListError, ListItem, MAX_DEPTH, Reader};
use crate::json::Scanner;

/// How a notification names items.
#[derive(Clone, Copy)]
pub(super) enum Naming {
    /// One, in this member of `params`.
    One(ItemKind, &'static str),
    /// Those of a subscription, as the server has taken it.
    Acknowledged,
}

impl Naming {
    pub(super) fn of_method(method: &str) -> Option<Self> {
        match method {
            "notifications/resources/updated" => Some(Self::One(ItemKind::Resource, "uri")),
            // 2025-11-25, and the extension of 2026-07-28.
            "notifications/tasks/status" | "notifications/tasks" => Some(Self::One(ItemKind::Task, "taskId")),
            "notifications/subscriptions/acknowledged" => Some(Self::Acknowledged),
            _ => None,
        }
    }
}

impl<'t> Reader<'t, '_, '_> {
    /// A notification whose `params`, checked before, stand at `at`. Whether it may go on.
    pub(super) fn notification(&mut self, naming: Naming, at: Option<usize>) -> Result<bool, ListError> {
        let Some(at) = at else { return Ok(false) };
        let mut scanner = Scanner::starting_at(self.text, at);
        match naming {
            Naming::One(kind, member) => {
                let named = one(&mut scanner, member)?;
                // What names nothing cannot be judged.
                Ok(named.is_some_and(|name| (self.visible)(ListItem::new(kind, &name))))
            }
            Naming::Acknowledged => {
                let mut seen = false;
                scanner.object(|scanner, name| match &*name {
                    "notifications" if seen => Err(ListError),
                    "notifications" => {
                        seen = true;
                        self.acknowledged(scanner)
                    }
                    name => other(scanner, name, &["notifications"]),
                })?;
                Ok(true)
            }
        }
    }

    fn acknowledged(&mut self, scanner: &mut Scanner<'t>) -> Result<(), ListError> {
        let (mut resources, mut tasks) = (false, false);
        scanner.object(|scanner, name| {
            let (seen, kind) = match &*name {
                RESOURCES => (&mut resources, ItemKind::Resource),
                TASKS => (&mut tasks, ItemKind::Task),
                name => return other(scanner, name, &[RESOURCES, TASKS]),
            };
            if std::mem::replace(seen, true) {
                return Err(ListError);
            }
            if scanner.next() == b'n' {
                return Ok(scanner.skip(0)?);
            }
            self.names(scanner, kind)
        })
    }

    /// A list of nothing but names.
    fn names(&mut self, scanner: &mut Scanner<'t>, kind: ItemKind) -> Result<(), ListError> {
        let mut kept = Kept::new(scanner.at() + 1);
        scanner.array(|scanner| {
            let start = scanner.at();
            let name = string(scanner)?;
            if (self.visible)(ListItem::new(kind, &name)) {
                let before = self.edits.mark();
                kept.keep(&mut self.edits, before, start, scanner.at());
            } else {
                kept.leave_out();
            }
            Ok::<(), ListError>(())
        })?;
        kept.close(&mut self.edits, scanner.at() - 1);
        Ok(())
    }
}

fn one<'t>(scanner: &mut Scanner<'t>, member: &'static str) -> Result<Option<Cow<'t, str>>, ListError> {
    if scanner.next() != b'{' {
        scanner.skip(MAX_DEPTH)?;
        return Ok(None);
    }
    let mut found = None;
    scanner.object(|scanner, name| {
        if name != member {
            return other(scanner, &name, &[member]);
        }
        if found.is_some() {
            return Err(ListError);
        }
        found = Some(string(scanner)?);
        Ok(())
    })?;
    Ok(found)
}
