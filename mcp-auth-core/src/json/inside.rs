//! Walking over the values inside an array or object.

use super::node::Node;
use super::{Document, Value};

/// An array or object: the node at `at`.
#[derive(Clone, Copy)]
pub(super) struct Container<'a> {
    pub(super) document: &'a Document,
    pub(super) at: usize,
}

impl<'a> Container<'a> {
    #[inline]
    pub(super) fn node(self) -> Option<Node> {
        self.document.nodes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn inside(self) -> Inside<'a> {
        Inside { document: self.document, at: self.at + 1, end: self.node().map_or(0, Node::index) }
    }
}

/// A run of sibling nodes: `at` is the next one, `end` the index behind the last descendant of the last one.
#[derive(Clone, Copy)]
pub(super) struct Inside<'a> {
    document: &'a Document,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Inside<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let value = self.document.value(self.at)?;
        self.at = self.document.nodes.get(self.at)?.next(self.at);
        Some(value)
    }

    /// Passes over items without looking into them.
    fn nth(&mut self, n: usize) -> Option<Value<'a>> {
        for _ in 0..n {
            self.at = self.document.nodes.get(self.at)?.next(self.at);
        }
        self.next()
    }
}

#[derive(Clone, Copy)]
pub(super) struct Members<'a>(pub(super) Inside<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.0.next()?.as_str()?;
        Some((name, self.0.next()?))
    }
}
