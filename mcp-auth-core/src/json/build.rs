//! Building a [`Document`]: the list of nodes while scanning, then the escapes, then the names.

use super::Document;
use super::error::{JsonError, Limits, Problem};
use super::node::{Kind, MAX, Node};
use super::number::Number;
use super::scan::Scanner;
use super::sink::{Container, Sink, Span};
use super::{names, string};

pub(super) fn document(bytes: Vec<u8>, limits: &Limits) -> Result<Document, JsonError> {
    let max_bytes = limits.max_bytes.min(MAX);
    if bytes.len() > max_bytes {
        return Err(JsonError::new(Problem::TooLong, max_bytes));
    }
    let mut text =
        String::from_utf8(bytes).map_err(|e| JsonError::new(Problem::Utf8, e.utf8_error().valid_up_to()))?;
    let mut scanner = Scanner::new(&text);
    let mut list = List::new(text.len(), limits);
    if let Err(problem) = scanner.value(&mut list, limits.max_depth).and_then(|()| scanner.end()) {
        return Err(JsonError::new(problem, scanner.at()));
    }
    let mut nodes = list.nodes;
    if list.escaped {
        text = decode(text, &mut nodes).ok_or_else(|| JsonError::new(Problem::Utf8, 0))?;
    }
    names::unique(&nodes, text.as_bytes()).map_err(|at| JsonError::new(Problem::Duplicate, at))?;
    Ok(Document { text: text.into_boxed_str(), nodes: nodes.into_boxed_slice() })
}

/// Decodes strings where they stand; what they no longer need becomes blanks that no node points to.
fn decode(text: String, nodes: &mut [Node]) -> Option<String> {
    let mut bytes = text.into_bytes();
    for node in nodes {
        if let Kind::Escaped = node.kind() {
            let raw = bytes.get_mut(node.range())?;
            let len = string::decode_in_place(raw)?;
            raw.get_mut(len..)?.fill(b' ');
            *node = Node::string(node.index(), node.index() + len, false);
        }
    }
    String::from_utf8(bytes).ok()
}

struct List {
    nodes: Vec<Node>,
    max_nodes: usize,
    /// The innermost open container.
    open: usize,
    /// How many items or members it has so far.
    count: usize,
    escaped: bool,
}

impl List {
    fn new(bytes: usize, limits: &Limits) -> Self {
        let max_nodes = limits.max_nodes.min(MAX);
        Self {
            nodes: Vec::with_capacity((bytes / 8 + 4).min(max_nodes)),
            max_nodes,
            open: 0,
            count: 0,
            escaped: false,
        }
    }

    #[inline(always)]
    fn push(&mut self, node: Node) -> Result<(), Problem> {
        if self.nodes.len() >= self.max_nodes {
            return Err(Problem::TooManyNodes);
        }
        self.nodes.push(node);
        Ok(())
    }

    #[inline(always)]
    fn push_value(&mut self, node: Node) -> Result<(), Problem> {
        self.count += 1;
        self.push(node)
    }
}

impl Sink for List {
    #[inline(always)]
    fn open(&mut self, container: Container) -> Result<(), Problem> {
        let around = Node::container(container, self.count + 1, self.open);
        self.open = self.nodes.len();
        self.count = 0;
        self.push(around)
    }

    #[inline(always)]
    fn close(&mut self, container: Container) {
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(self.open) {
            let around = *node;
            *node = Node::container(container, self.count, end);
            self.open = around.index();
            self.count = around.count();
        }
    }

    #[inline(always)]
    fn name(&mut self, name: Span) -> Result<(), Problem> {
        self.escaped |= name.escaped;
        self.push(Node::string(name.start, name.end, name.escaped))
    }

    #[inline(always)]
    fn string(&mut self, text: Span) -> Result<(), Problem> {
        self.escaped |= text.escaped;
        self.push_value(Node::string(text.start, text.end, text.escaped))
    }

    #[inline(always)]
    fn number(&mut self, number: Number<'_>) -> Result<(), Problem> {
        self.push_value(match number.small() {
            Some(value) => Node::small(value),
            None => Node::spelled(number.start, number.start + number.spelled.len()),
        })
    }

    #[inline(always)]
    fn literal(&mut self, literal: Option<bool>) -> Result<(), Problem> {
        self.push_value(Node::literal(literal))
    }
}
