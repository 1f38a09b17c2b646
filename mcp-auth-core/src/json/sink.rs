//! What a scanner tells about a value.

use super::error::Problem;
use super::number::Number;

/// A string between its quotes, as it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: bool,
}

/// What kind of container.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Array,
    Object,
}

/// Hears what a value consists of, in the text's order.
pub(crate) trait Sink {
    fn open(&mut self, container: Container) -> Result<(), Problem>;
    fn close(&mut self, container: Container);
    fn name(&mut self, name: Span) -> Result<(), Problem>;
    fn string(&mut self, text: Span) -> Result<(), Problem>;
    fn number(&mut self, number: Number<'_>) -> Result<(), Problem>;
    fn literal(&mut self, literal: Option<bool>) -> Result<(), Problem>;
}

/// Checks and forgets.
pub(crate) struct Nothing;

impl Sink for Nothing {
    fn open(&mut self, _: Container) -> Result<(), Problem> {
        Ok(())
    }

    fn close(&mut self, _: Container) {}

    fn name(&mut self, _: Span) -> Result<(), Problem> {
        Ok(())
    }

    fn string(&mut self, _: Span) -> Result<(), Problem> {
        Ok(())
    }

    fn number(&mut self, _: Number<'_>) -> Result<(), Problem> {
        Ok(())
    }

    fn literal(&mut self, _: Option<bool>) -> Result<(), Problem> {
        Ok(())
    }
}
