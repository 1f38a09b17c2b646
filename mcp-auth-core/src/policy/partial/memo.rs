//! Parts that stand in several clauses, evaluated once in a decision.

use std::cell::Cell;

use crate::policy::rule::Truth;

/// How many are remembered at a time; a part takes the place of one that had it before.
const SLOTS: usize = 8;

/// What they came to.
#[derive(Debug, Default)]
pub(in crate::policy) struct Memo([Cell<Option<(u32, Truth)>>; SLOTS]);

impl Memo {
    /// The outcome of a part, evaluated unless it is known.
    pub(super) fn of(&self, part: u32, evaluate: impl FnOnce() -> Truth) -> Truth {
        let Some(slot) = self.0.get(part as usize % SLOTS) else { return evaluate() };
        if let Some((known, truth)) = slot.get()
            && known == part
        {
            return truth;
        }
        let truth = evaluate();
        slot.set(Some((part, truth)));
        truth
    }
}
