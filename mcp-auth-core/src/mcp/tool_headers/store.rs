//! The declarations of the tools of one server, as its lists have shown them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::ToolHeaders;

/// Remembers which headers the tools of one server declare. Bounded: the tool that was learned first goes first.
///
/// It holds no lock: who shares it wraps it.
#[derive(Clone, Debug)]
pub struct ToolHeadersStore {
    tools: HashMap<Box<str>, Arc<ToolHeaders>>,
    /// The names, in the order in which they were learned.
    order: VecDeque<Box<str>>,
    bytes: usize,
    max_bytes: usize,
}

impl ToolHeadersStore {
    /// An empty store that holds at most so many bytes of names and declarations.
    pub fn new(max_bytes: usize) -> Self {
        Self { tools: HashMap::new(), order: VecDeque::new(), bytes: 0, max_bytes }
    }

    /// Learns what a tool declares, in the place of what was known of it. A tool without declarations takes no place.
    /// Answers whether anything has changed.
    pub fn learn(&mut self, tool: &str, headers: ToolHeaders) -> bool {
        if self.tools.get(tool).map_or(headers.is_empty(), |known| **known == headers) {
            return false;
        }
        self.forget(tool);
        let cost = cost(tool, &headers);
        if headers.is_empty() || cost > self.max_bytes {
            return true;
        }
        while self.bytes + cost > self.max_bytes {
            let Some(oldest) = self.order.front().cloned() else { break };
            self.forget(&oldest);
        }
        self.bytes += cost;
        self.order.push_back(tool.into());
        self.tools.insert(tool.into(), Arc::new(headers));
        true
    }

    /// Forgets a tool.
    pub fn forget(&mut self, tool: &str) {
        if let Some(headers) = self.tools.remove(tool) {
            self.bytes -= cost(tool, &headers);
            self.order.retain(|name| **name != *tool);
        }
    }

    /// What a tool declares, where it declares anything and a list has shown it.
    pub fn get(&self, tool: &str) -> Option<&Arc<ToolHeaders>> {
        self.tools.get(tool)
    }

    /// How many tools with declarations are known.
    pub fn len(&self) -> usize {
        self.tools.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// How many bytes of names and declarations it holds.
    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

fn cost(tool: &str, headers: &ToolHeaders) -> usize {
    // The name stands twice.
    2 * (size_of::<Box<str>>() + tool.len()) + size_of::<ToolHeaders>() + headers.memory_bytes()
}
