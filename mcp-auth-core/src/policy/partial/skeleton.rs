//! The boolean structure of a clause, over parts that are decided or open.

use std::borrow::Cow;

use super::memo::Memo;
use super::plan::Dimension;
use crate::cel::{Program, Structure, Variables};
use crate::policy::block::Join;
use crate::policy::rule::Truth;

/// What a part may come to: a set of outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Possible(pub(super) u8);

impl Possible {
    pub(super) const YES: Self = Self(1);
    pub(super) const NO: Self = Self(2);
    pub(super) const FAILED: Self = Self(4);
    pub(super) const WAITS: Self = Self(8);
    pub(super) const OPEN: Self = Self(15);

    pub(super) fn of(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Self::YES,
            Truth::No => Self::NO,
            Truth::Failed | Truth::Exceeded => Self::FAILED,
            Truth::Waits => Self::WAITS,
        }
    }

    pub(super) fn may_be(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The outcome, when there is only one.
    pub(super) fn known(self) -> Option<Truth> {
        match self {
            Self::YES => Some(Truth::Yes),
            Self::NO => Some(Truth::No),
            Self::FAILED => Some(Truth::Failed),
            _ => None,
        }
    }

    fn when(self, holds: bool) -> Self {
        Self(if holds { self.0 } else { 0 })
    }
}

/// What a clause is made of. Atoms and open parts are numbers into the tables of the [plan](super::Plan).
#[derive(Debug)]
pub(super) enum Node {
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    Atom(u32),
    Open(u32),
}

/// A part that has to wait for the request.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) program: Program,
    /// Names outside of which the part has one outcome.
    pub(super) outside: Vec<Outside>,
    /// It stands in several places.
    pub(super) shared: bool,
}

#[derive(Debug)]
pub(super) struct Outside {
    pub(super) dimension: Dimension,
    pub(super) truth: bool,
    /// In order.
    pub(super) names: Box<[u32]>,
}

/// What is known of the atoms: one set of outcomes each, all of them open where the list is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcomes<'o>(pub(super) &'o [Possible]);

impl Outcomes<'_> {
    pub(super) const UNKNOWN: Self = Self(&[]);

    fn of(self, atom: u32) -> Possible {
        self.0.get(atom as usize).copied().unwrap_or(Possible::OPEN)
    }
}

/// Where parts are put that are met while a clause is taken apart.
pub(super) trait Parts {
    fn atom(&mut self, program: Program) -> Option<u32>;
    fn open(&mut self, program: Program) -> u32;
}

impl Node {
    /// A part is an atom where `parts` takes it for one.
    pub(super) fn of(structure: Structure, parts: &mut dyn Parts) -> Self {
        match structure {
            Structure::All(inner) => Self::All(inner.into_iter().map(|s| Self::of(s, parts)).collect()),
            Structure::Any(inner) => Self::Any(inner.into_iter().map(|s| Self::of(s, parts)).collect()),
            Structure::Not(inner) => Self::Not(Box::new(Self::of(*inner, parts))),
            Structure::Part(program) => match parts.atom(program.clone()) {
                Some(atom) => Self::Atom(atom),
                None => Self::Open(parts.open(program)),
            },
        }
    }

    pub(super) fn join(join: Join, mut nodes: Vec<Self>) -> Self {
        match (join, nodes.len()) {
            (_, 1) => nodes.swap_remove(0),
            (Join::All, _) => Self::All(nodes.into()),
            (Join::Any, _) => Self::Any(nodes.into()),
        }
    }

    /// What it may come to, whatever the open parts do.
    pub(super) fn possible(&self, outcomes: Outcomes<'_>) -> Possible {
        use Possible as P;
        let join = |nodes: &[Self], decisive: P, otherwise: P| {
            let (mut any_decisive, mut any_failed, mut any_waits) = (false, false, false);
            let (mut all_other, mut all_not_decisive) = (true, true);
            for node in nodes {
                let possible = node.possible(outcomes);
                if possible == decisive {
                    return decisive;
                }
                any_decisive |= possible.may_be(decisive);
                any_failed |= possible.may_be(P::FAILED);
                any_waits |= possible.may_be(P::WAITS);
                all_other &= possible.may_be(otherwise);
                all_not_decisive &= possible.may_be(P(otherwise.0 | P::FAILED.0 | P::WAITS.0));
            }
            P(decisive.when(any_decisive).0
                | otherwise.when(all_other).0
                | P::FAILED.when(any_failed && all_not_decisive).0
                | P::WAITS.when(any_waits && all_not_decisive).0)
        };
        match self {
            Self::All(nodes) => join(nodes, P::NO, P::YES),
            Self::Any(nodes) => join(nodes, P::YES, P::NO),
            Self::Not(node) => {
                let possible = node.possible(outcomes);
                P(P::YES.when(possible.may_be(P::NO)).0
                    | P::NO.when(possible.may_be(P::YES)).0
                    | (possible.0 & (P::FAILED.0 | P::WAITS.0)))
            }
            Self::Atom(atom) => outcomes.of(*atom),
            Self::Open(_) => P::OPEN,
        }
    }

    /// The names outside of which it comes to `truth`, wherever the dimension has a name.
    pub(super) fn outside<'n>(
        &'n self,
        dimension: Dimension,
        truth: bool,
        outcomes: Outcomes<'_>,
        opens: &'n [Open],
    ) -> Option<Cow<'n, [u32]>> {
        let inner = |node: &'n Self, truth| node.outside(dimension, truth, outcomes, opens);
        match self {
            Self::All(nodes) | Self::Any(nodes) if matches!(self, Self::Any(_)) == truth => {
                // One operand is enough.
                nodes.iter().filter_map(|node| inner(node, truth)).reduce(|a, b| intersection(&a, &b).into())
            }
            Self::All(nodes) | Self::Any(nodes) => {
                let sets = nodes.iter().map(|node| inner(node, truth)).collect::<Option<Vec<_>>>()?;
                sets.into_iter().reduce(|a, b| union(a, b))
            }
            Self::Not(node) => inner(node, !truth),
            Self::Atom(atom) => {
                let wanted = if truth { Possible::YES } else { Possible::NO };
                (outcomes.of(*atom) == wanted).then_some(Cow::Borrowed(&[]))
            }
            Self::Open(open) => {
                let open = opens.get(*open as usize)?;
                let found = open.outside.iter().find(|o| o.dimension == dimension && o.truth == truth)?;
                Some(Cow::Borrowed(&found.names))
            }
        }
    }

    /// Evaluates what is open.
    pub(super) fn evaluate(
        &self,
        outcomes: Outcomes<'_>,
        opens: &[Open],
        atoms: &dyn Fn(u32) -> Truth,
        variables: &dyn Variables,
        memo: &Memo,
    ) -> Truth {
        let inner = |node: &Self| node.evaluate(outcomes, opens, atoms, variables, memo);
        match self {
            Self::All(nodes) => Truth::join(Join::All, nodes.iter().map(inner)),
            Self::Any(nodes) => Truth::join(Join::Any, nodes.iter().map(inner)),
            Self::Not(node) => match inner(node) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                failed => failed,
            },
            Self::Atom(atom) => outcomes.of(*atom).known().unwrap_or_else(|| atoms(*atom)),
            Self::Open(number) => match opens.get(*number as usize) {
                Some(open) if open.shared => {
                    memo.of(*number, || Truth::of(&open.program.evaluate_bool(variables)))
                }
                Some(open) => Truth::of(&open.program.evaluate_bool(variables)),
                None => Truth::Failed,
            },
        }
    }

    /// How many parts of it wait for the request.
    pub(super) fn count_open(&self) -> usize {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().map(Self::count_open).sum(),
            Self::Not(node) => node.count_open(),
            Self::Atom(_) => 0,
            Self::Open(_) => 1,
        }
    }

    /// Calls `visit` with each atom.
    pub(super) fn atoms(&self, visit: &mut dyn FnMut(u32)) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.atoms(visit)),
            Self::Not(node) => node.atoms(visit),
            Self::Atom(atom) => visit(*atom),
            Self::Open(_) => {}
        }
    }
}

fn intersection(a: &[u32], b: &[u32]) -> Vec<u32> {
    a.iter().filter(|name| b.binary_search(name).is_ok()).copied().collect()
}

fn union<'n>(a: Cow<'n, [u32]>, b: Cow<'n, [u32]>) -> Cow<'n, [u32]> {
    if a.is_empty() {
        return b;
    }
    if b.is_empty() {
        return a;
    }
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all.into()
}
