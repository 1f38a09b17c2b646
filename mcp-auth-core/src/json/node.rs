//! One entry of a document's list: eight bytes.

use super::sink::Container;

/// Longest text, and most nodes: what the 28 bits of a node's second field can say.
pub(super) const MAX: usize = (1 << 28) - 1;

/// | tag (4 bits) | 28 bits | 32 bits |
/// |---|---|---|
/// | null, true, false | | |
/// | small integer | value | value |
/// | number as spelled, string, string with escapes | length | start in the text |
/// | array, object | members | index behind its last descendant |
/// | array, object while open | members so far of the one around | index of the one around |
#[derive(Clone, Copy)]
pub(super) struct Node(u64);

/// A node taken apart.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Small(i64),
    Spelled,
    String,
    Escaped,
    Array,
    Object,
}

const TAG_BITS: u32 = 4;
const TAG: u64 = (1 << TAG_BITS) - 1;
/// The tag and the field of 28 bits.
const LOW: u64 = u32::MAX as u64;
const NULL: u64 = 0;
const FALSE: u64 = 1;
const TRUE: u64 = 2;
const SMALL: u64 = 3;
const SPELLED: u64 = 4;
const STRING: u64 = 5;
const ESCAPED: u64 = 6;
const ARRAY: u64 = 7;
const OBJECT: u64 = 8;

impl Node {
    #[inline(always)]
    pub(super) fn literal(literal: Option<bool>) -> Self {
        Self(match literal {
            None => NULL,
            Some(false) => FALSE,
            Some(true) => TRUE,
        })
    }

    #[inline(always)]
    pub(super) fn small(value: i64) -> Self {
        Self(value.cast_unsigned() << TAG_BITS | SMALL)
    }

    #[inline(always)]
    pub(super) fn spelled(start: usize, end: usize) -> Self {
        Self::fields(SPELLED, end - start, start)
    }

    #[inline(always)]
    pub(super) fn string(start: usize, end: usize, escaped: bool) -> Self {
        Self::fields(if escaped { ESCAPED } else { STRING }, end - start, start)
    }

    #[inline(always)]
    pub(super) fn container(container: Container, count: usize, index: usize) -> Self {
        let tag = match container {
            Container::Array => ARRAY,
            Container::Object => OBJECT,
        };
        Self::fields(tag, count, index)
    }

    /// INVARIANT: a document has at most [`MAX`] bytes and nodes.
    #[inline(always)]
    fn fields(tag: u64, low: usize, high: usize) -> Self {
        Self((high as u64) << 32 | (low as u64) << TAG_BITS | tag)
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        match self.0 & TAG {
            FALSE => Kind::Bool(false),
            TRUE => Kind::Bool(true),
            SMALL => Kind::Small(self.0.cast_signed() >> TAG_BITS),
            SPELLED => Kind::Spelled,
            STRING => Kind::String,
            ESCAPED => Kind::Escaped,
            ARRAY => Kind::Array,
            OBJECT => Kind::Object,
            _ => Kind::Null,
        }
    }

    /// Length of a text, members of a container.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        ((self.0 & LOW) >> TAG_BITS) as usize
    }

    /// Start of a text, or the index behind a container's last descendant.
    #[inline(always)]
    pub(super) fn index(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// Where the text of a string or number stands.
    #[inline(always)]
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.index()..self.index() + self.count()
    }

    /// Whether this is a string of that many bytes.
    #[inline(always)]
    pub(super) fn is_string_of(self, len: usize) -> bool {
        self.0 & LOW == (len as u64) << TAG_BITS | STRING
    }

    #[inline(always)]
    pub(super) fn is_container(self) -> bool {
        self.0 & TAG >= ARRAY
    }

    /// The index of the value behind this one, which stands at `at`.
    #[inline(always)]
    pub(super) fn next(self, at: usize) -> usize {
        if self.is_container() { self.index() } else { at + 1 }
    }
}
