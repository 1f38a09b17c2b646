//! A file's name and text, for messages that show a place in it.

use std::fmt;

use super::error::Position;
use super::node::Spanned;

/// A configuration file. Displays as its name.
#[derive(Clone)]
pub(crate) struct Source {
    name: String,
    text: String,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned() }
    }

    /// The file's name as the operator gave it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where a place of an expression stands in the file; line and column are counted from 1. `None` where YAML writes
    /// the text in another way than it reads, with escapes or folded lines.
    pub(crate) fn locate(&self, text: &Spanned<String>, line: usize, column: usize) -> Option<Position> {
        let lines_on = u64::try_from(line.checked_sub(1)?).ok()?;
        let written =
            self.text.lines().nth(usize::try_from(text.at.line + lines_on).ok()?.checked_sub(1)?)?;
        let read = text.value.lines().nth(line.checked_sub(1)?)?;
        let begins = |at: u64| {
            let before = usize::try_from(at.checked_sub(1)?).ok()?;
            let (start, _) = written.char_indices().nth(before)?;
            written.get(start..)?.starts_with(read).then_some(at)
        };
        // The second one is behind a quotation mark.
        let begin = begins(text.at.column).or_else(|| begins(text.at.column + 1))?;
        let column = begin + u64::try_from(column.checked_sub(1)?).ok()?;
        Some(Position { line: text.at.line + lines_on, column })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Its name: there may be secrets in the text.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}
