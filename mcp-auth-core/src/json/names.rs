//! No name twice in an object, whatever its size: refused in at most n log n.

use super::node::{Kind, Node};

/// Up to this many members, a name that may be there already is compared with all before it.
const FEW: usize = 32;

/// The offset of a name that its object has already.
pub(super) fn unique(nodes: &[Node], text: &[u8]) -> Result<(), usize> {
    for (at, node) in nodes.iter().enumerate() {
        if matches!(node.kind(), Kind::Object) {
            let names = Names { nodes, at: at + 1, end: node.index() };
            match node.count() {
                0 | 1 => {}
                ..=FEW => few(names, text)?,
                _ => many(names, text)?,
            }
        }
    }
    Ok(())
}

/// The names of one object.
#[derive(Clone)]
struct Names<'n> {
    nodes: &'n [Node],
    at: usize,
    end: usize,
}

impl Iterator for Names<'_> {
    type Item = Node;

    #[inline(always)]
    fn next(&mut self) -> Option<Node> {
        if self.at >= self.end {
            return None;
        }
        let name = *self.nodes.get(self.at)?;
        self.at = self.nodes.get(self.at + 1)?.next(self.at + 1);
        Some(name)
    }
}

/// Sorts names into 256 boxes; only one that falls into a used box has to be compared.
fn few(names: Names<'_>, text: &[u8]) -> Result<(), usize> {
    let mut used = [0u64; 4];
    for (i, name) in names.clone().enumerate() {
        let hash = hash(name, text);
        let Some(word) = used.get_mut(usize::from(hash >> 6)) else { continue };
        let bit = 1 << (hash & 63);
        if *word & bit != 0 {
            let bytes = text.get(name.range());
            let is_same = |other: Node| other.is_string_of(name.count()) && text.get(other.range()) == bytes;
            if names.clone().take(i).any(is_same) {
                return Err(name.index());
            }
        }
        *word |= bit;
    }
    Ok(())
}

/// Of the length and the last eight bytes.
#[inline(always)]
fn hash(name: Node, text: &[u8]) -> u8 {
    let len = name.count();
    let rest = text.get(name.index() + len.saturating_sub(8)..).unwrap_or_default();
    let word = match rest.first_chunk::<8>() {
        Some(word) => u64::from_le_bytes(*word),
        None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    let of_name = if len < 8 { word & ((1 << (8 * len)) - 1) } else { word };
    (of_name ^ len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

/// Sorting, because no choice of names makes it slow.
fn many(names: Names<'_>, text: &[u8]) -> Result<(), usize> {
    let mut sorted: Vec<(&[u8], usize)> =
        names.map(|name| (text.get(name.range()).unwrap_or_default(), name.index())).collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        if let [(one, _), (other, again)] = pair
            && one == other
        {
            return Err(*again);
        }
    }
    Ok(())
}
