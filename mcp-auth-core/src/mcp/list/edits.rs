//! Changes to a text, in its order, applied in one go.

#[derive(Default)]
pub(super) struct Edits {
    edits: Vec<Edit>,
}

struct Edit {
    start: usize,
    end: usize,
    by: &'static str,
}

/// How many edits there were at some time.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

/// What is left of an array, item by item.
pub(super) struct Kept {
    /// The end of what stays so far: behind the opening bracket, or behind an item.
    end: usize,
    any: bool,
    /// Items were left out since.
    gap: bool,
}

impl Edits {
    pub(super) fn mark(&self) -> Mark {
        Mark(self.edits.len())
    }

    /// Forgets what was to be changed since, inside a part that is left out as a whole.
    pub(super) fn forget_since(&mut self, mark: Mark) {
        self.edits.truncate(mark.0);
    }

    /// Replaces a part, or inserts where `start` is `end`. Not inside another edit.
    pub(super) fn replace(&mut self, start: usize, end: usize, by: &'static str) {
        let place = self.edits.partition_point(|edit| edit.start <= start);
        self.edits.insert(place, Edit { start, end, by });
    }

    /// The changed text; `None` without changes.
    pub(super) fn apply(self, text: &str) -> Option<Vec<u8>> {
        if self.edits.is_empty() {
            return None;
        }
        let text = text.as_bytes();
        let inserted: usize = self.edits.iter().map(|edit| edit.by.len()).sum();
        let mut out = Vec::with_capacity(text.len() + inserted);
        let mut at = 0;
        for edit in self.edits {
            out.extend_from_slice(text.get(at..edit.start).unwrap_or_default());
            out.extend_from_slice(edit.by.as_bytes());
            at = edit.end;
        }
        out.extend_from_slice(text.get(at..).unwrap_or_default());
        Some(out)
    }
}

impl Kept {
    /// An array whose items start at `start`, behind its bracket.
    pub(super) fn new(start: usize) -> Self {
        Self { end: start, any: false, gap: false }
    }

    /// The item from `start` to `end` stays. `before` is from before it was read.
    pub(super) fn keep(&mut self, edits: &mut Edits, before: Mark, start: usize, end: usize) {
        if self.gap {
            let by = if self.any { "," } else { "" };
            edits.edits.insert(before.0, Edit { start: self.end, end: start, by });
        }
        *self = Self { end, any: true, gap: false };
    }

    /// An item goes.
    pub(super) fn leave_out(&mut self) {
        self.gap = true;
    }

    /// The array ends: its closing bracket stands at `end`. Whether anything is left of items that there were.
    pub(super) fn close(self, edits: &mut Edits, end: usize) -> bool {
        if self.gap {
            edits.edits.push(Edit { start: self.end, end, by: "" });
        }
        self.any || !self.gap
    }
}
