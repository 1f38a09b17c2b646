//! Messages, results and lists.

use std::borrow::Cow;

use super::super::look_alike::looks_like;
use super::edits::Kept;
use super::notification;
use super::{ItemKind, ListError, ListItem, MAX_DEPTH, Reader};
use crate::json::Scanner;

/// The members of a message that decide.
const MESSAGE: [&str; 3] = ["result", "method", "params"];

/// The members of a result that decide.
const RESULT: [&str; 6] = ["tools", "prompts", "resources", "resourceTemplates", "tasks", "cacheScope"];

/// The members that name items.
const ITEM: [&str; 4] = ["name", "uri", "uriTemplate", "taskId"];

impl ItemKind {
    /// What the list of this name holds.
    fn of_list(name: &str) -> Option<Self> {
        match name {
            "tools" => Some(Self::Tool),
            "prompts" => Some(Self::Prompt),
            "resources" => Some(Self::Resource),
            "resourceTemplates" => Some(Self::ResourceTemplate),
            "tasks" => Some(Self::Task),
            _ => None,
        }
    }

    /// The member that names its items.
    fn naming_member(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt => "name",
            Self::Resource => "uri",
            Self::ResourceTemplate => "uriTemplate",
            Self::Task => "taskId",
        }
    }
}

impl<'t> Reader<'t, '_, '_> {
    /// 2025-03-26 servers may answer several requests in one array. Whether anything is left of it.
    pub(super) fn batch(&mut self, scanner: &mut Scanner<'t>) -> Result<bool, ListError> {
        let mut kept = Kept::new(scanner.at() + 1);
        scanner.array(|scanner| {
            let (before, start) = (self.edits.mark(), scanner.at());
            if self.message(scanner)? {
                kept.keep(&mut self.edits, before, start, scanner.at());
            } else {
                self.edits.forget_since(before);
                kept.leave_out();
            }
            Ok::<(), ListError>(())
        })?;
        Ok(kept.close(&mut self.edits, scanner.at() - 1))
    }

    /// One message. Whether it may go on.
    pub(super) fn message(&mut self, scanner: &mut Scanner<'t>) -> Result<bool, ListError> {
        let mut seen = Seen::default();
        let (mut method, mut params) = (None, None);
        scanner.object(|scanner, name| match &*name {
            "result" => {
                seen.once(&MESSAGE, "result")?;
                self.result(scanner)
            }
            "method" => {
                seen.once(&MESSAGE, "method")?;
                method = Some(string(scanner)?);
                Ok(())
            }
            "params" => {
                seen.once(&MESSAGE, "params")?;
                scanner.next();
                params = Some(scanner.at());
                Ok(scanner.skip(MAX_DEPTH)?)
            }
            name => other(scanner, name, &MESSAGE),
        })?;
        match method.as_deref().and_then(notification::Naming::of_method) {
            // An answer and a notification in one: readers could differ.
            Some(_) if seen.is_new(&MESSAGE, "result").is_err() => Err(ListError),
            // The method may stand behind its parameters: they are read once it is known.
            Some(naming) => self.notification(naming, params),
            None => Ok(true),
        }
    }

    fn result(&mut self, scanner: &mut Scanner<'t>) -> Result<(), ListError> {
        if scanner.next() != b'{' {
            return Ok(scanner.skip(MAX_DEPTH)?);
        }
        let mut seen = Seen::default();
        let (mut listed, mut cacheable, mut scope, mut ttl) = (false, false, None, None);
        scanner.object(|scanner, name| {
            if let Some(kind) = ItemKind::of_list(&name) {
                seen.once(&RESULT, &name)?;
                if scanner.next() == b'n' {
                    return Ok(scanner.skip(0)?);
                }
                (listed, cacheable) = (true, true);
                return self.list(scanner, kind);
            }
            match &*name {
                "cacheScope" => {
                    seen.once(&RESULT, "cacheScope")?;
                    scope = Some(value(scanner)?);
                    Ok(())
                }
                "ttlMs" if ttl.is_some() => Err(ListError),
                "ttlMs" => {
                    ttl = Some(value(scanner)?);
                    Ok(())
                }
                name => {
                    // What `resources/read` answers.
                    cacheable |= name == "contents";
                    other(scanner, name, &RESULT)
                }
            }
        })?;
        if let Some((start, text)) = scope
            && text != "\"private\""
            && (cacheable || text != "null")
        {
            self.edits.replace(start, start + text.len(), "\"private\"");
        }
        if let Some((start, text)) = ttl.filter(|(_, text)| cacheable && *text != "null") {
            // What a caller may see changes with his token and with the policy, whatever the server promises. Other
            // answers: whole, not negative, and as a double reads it.
            let readable = text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
            if (listed || !readable) && text != "0" {
                self.edits.replace(start, start + text.len(), "0");
            }
            if scope.is_none() {
                self.edits.replace(start + text.len(), start + text.len(), r#","cacheScope":"private""#);
            }
        }
        Ok(())
    }

    fn list(&mut self, scanner: &mut Scanner<'t>, kind: ItemKind) -> Result<(), ListError> {
        let mut kept = Kept::new(scanner.at() + 1);
        scanner.array(|scanner| {
            let start = scanner.at();
            let name = item(scanner, kind)?;
            let raw = Some(scanner.since(start)?);
            // An item without a name can be neither judged nor called: it is left out.
            if name.is_some_and(|name| (self.visible)(ListItem { kind, name: &name, raw })) {
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

/// The name of the item that stands here.
fn item<'t>(scanner: &mut Scanner<'t>, kind: ItemKind) -> Result<Option<Cow<'t, str>>, ListError> {
    let mut seen = Seen::default();
    let mut found = None;
    scanner.object(|scanner, name| {
        if !seen.is_new(&ITEM, &name)? {
            return other(scanner, &name, &ITEM);
        }
        if name != kind.naming_member() || scanner.next() == b'n' {
            return Ok(scanner.skip(MAX_DEPTH)?);
        }
        found = Some(string(scanner)?);
        Ok(())
    })?;
    Ok(found)
}

/// Which of the members that decide have been there.
#[derive(Default)]
struct Seen(u8);

impl Seen {
    /// Whether `name` is one of them; an error when it was there before.
    fn is_new(&mut self, names: &[&str], name: &str) -> Result<bool, ListError> {
        let Some(at) = names.iter().position(|known| *known == name) else { return Ok(false) };
        let bit = 1 << at;
        if self.0 & bit != 0 {
            return Err(ListError);
        }
        self.0 |= bit;
        Ok(true)
    }

    fn once(&mut self, names: &[&str], name: &str) -> Result<(), ListError> {
        self.is_new(names, name).map(|_| ())
    }
}

/// The string that has to come.
pub(super) fn string<'t>(scanner: &mut Scanner<'t>) -> Result<Cow<'t, str>, ListError> {
    if scanner.next() != b'"' {
        return Err(ListError);
    }
    let span = scanner.string()?;
    Ok(scanner.decode(span)?)
}

/// Where the value that comes stands, and its text.
fn value<'t>(scanner: &mut Scanner<'t>) -> Result<(usize, &'t str), ListError> {
    scanner.next();
    let start = scanner.at();
    scanner.skip(MAX_DEPTH)?;
    Ok((start, scanner.since(start)?))
}

/// Passes over a member that decides nothing. A reader that is not exact could take one that looks like one of
/// `names` for it: that is an error.
pub(super) fn other(scanner: &mut Scanner<'_>, name: &str, names: &[&str]) -> Result<(), ListError> {
    if looks_like(name, names) {
        return Err(ListError);
    }
    Ok(scanner.skip(MAX_DEPTH)?)
}
