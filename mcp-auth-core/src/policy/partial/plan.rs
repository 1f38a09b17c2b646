//! What is known of a set when it is loaded.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use super::atoms::{Atom, Singled};
use super::known::Known;
use super::memo::Memo;
use super::residual::Residual;
use super::skeleton::{Node, Open, Outcomes, Outside, Parts, Possible};
use crate::cel::Program;
use crate::policy::clause::Clause;
use crate::policy::context::{CLAIMS, Evaluation};
use crate::policy::item::Kind;
use crate::policy::rule::Truth;

/// A clause with more parts than this that wait for the request is evaluated as a whole.
const MAX_OPEN_PARTS: usize = 8;

/// Something of a request that rules compare with literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Dimension {
    Item(Kind),
    Method,
    Path,
}

impl Dimension {
    pub(super) const COUNT: usize = 6;

    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Item(Kind::Tool),
        Self::Item(Kind::Prompt),
        Self::Item(Kind::Resource),
        Self::Item(Kind::Task),
        Self::Method,
        Self::Path,
    ];

    pub(super) fn index(self) -> usize {
        match self {
            Self::Item(kind) => kind as usize,
            Self::Method => 4,
            Self::Path => 5,
        }
    }

    fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Item(kind) => kind.name_paths(),
            Self::Method => &["mcp.method"],
            Self::Path => &["request.path"],
        }
    }
}

/// Hashes by a fixed seed: all keys are the operator's, or outcomes of the operator's rules.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Fixed;

impl BuildHasher for Fixed {
    type Hasher = foldhash::fast::FoldHasher<'static>;

    fn build_hasher(&self) -> Self::Hasher {
        SeedableRandomState::with_seed(0, SharedSeed::global_fixed()).build_hasher()
    }
}

/// A set taken apart.
pub(in crate::policy) struct Plan {
    pub(super) atoms: Vec<Atom>,
    pub(super) opens: Vec<Open>,
    /// One for each clause.
    pub(super) nodes: Vec<Node>,
    names: [HashMap<Box<str>, u32, Fixed>; Dimension::COUNT],
    pub(super) singled: Singled,
    /// By claim and literal: the clauses that mention somebody, in order.
    pub(super) mentioned: HashMap<(usize, Box<str>), Vec<u32>, Fixed>,
    /// For each clause, whether it mentions somebody.
    pub(super) mentions: Vec<bool>,
    /// The most steps that an expression may take where lists and texts are of the assumed size.
    pub(super) max_cost: u64,
    /// Where nothing is known of the caller.
    pub(super) general: Arc<Residual>,
    pub(super) residuals: Cache<Box<[u8]>, Arc<Residual>, ByMemory, Fixed>,
    /// What nobody has met.
    pub(super) nobody: Known,
}

#[derive(Clone)]
pub(super) struct ByMemory;

impl Weighter<Box<[u8]>, Arc<Residual>> for ByMemory {
    fn weight(&self, key: &Box<[u8]>, residual: &Arc<Residual>) -> u64 {
        (key.len() + residual.memory_bytes()) as u64
    }
}

/// Collects parts while clauses are taken apart.
#[derive(Default)]
struct Builder {
    atoms: Vec<Atom>,
    numbers: HashMap<String, u32, Fixed>,
    opens: Vec<Open>,
    open_numbers: HashMap<String, u32, Fixed>,
    names: [HashMap<Box<str>, u32, Fixed>; Dimension::COUNT],
}

impl Parts for Builder {
    fn atom(&mut self, program: Program) -> Option<u32> {
        if !program.depends_only_on(&CLAIMS) {
            return None;
        }
        // Equal parts are one, whichever rules they stand in.
        let number = self.numbers.entry(program.fingerprint()).or_insert_with(|| {
            self.atoms.push(Atom { program, single: None });
            number(self.atoms.len() - 1)
        });
        Some(*number)
    }

    fn open(&mut self, program: Program) -> u32 {
        let fingerprint = program.fingerprint();
        if let Some(number) = self.open_numbers.get(&fingerprint) {
            if let Some(open) = self.opens.get_mut(*number as usize) {
                open.shared = true;
            }
            return *number;
        }
        let mut outside = Vec::new();
        for dimension in Dimension::ALL {
            for path in dimension.paths() {
                for (truth, set) in [(false, program.admitted(path)), (true, program.excepted(path))] {
                    if let Some(set) = set {
                        outside.push(Outside { dimension, truth, names: self.intern(dimension, set) });
                    }
                }
            }
        }
        self.opens.push(Open { program, outside, shared: false });
        let number = number(self.opens.len() - 1);
        self.open_numbers.insert(fingerprint, number);
        number
    }
}

impl Builder {
    fn intern<'n>(&mut self, dimension: Dimension, names: impl IntoIterator<Item = &'n str>) -> Box<[u32]> {
        let Some(known) = self.names.get_mut(dimension.index()) else { return Box::default() };
        let mut numbers = Vec::new();
        for name in names {
            let next = number(known.len());
            numbers.push(*known.entry(name.into()).or_insert(next));
        }
        numbers.sort_unstable();
        numbers.into()
    }

    fn clause(&mut self, clause: &Clause) -> Node {
        let programs = || clause.expressions.iter().map(|e| e.program.clone());
        let (atoms, opens) = (self.atoms.len(), self.opens.len());
        let nodes = programs().map(|program| Node::of(program.structure(), self)).collect();
        let node = Node::join(clause.join, nodes);
        if node.count_open() <= MAX_OPEN_PARTS {
            return node;
        }
        self.atoms.truncate(atoms);
        self.numbers.retain(|_, number| (*number as usize) < atoms);
        self.opens.truncate(opens);
        self.open_numbers.retain(|_, number| (*number as usize) < opens);
        let whole = programs().map(|program| Node::Open(self.open(program))).collect();
        Node::join(clause.join, whole)
    }
}

fn number(index: usize) -> u32 {
    // INVARIANT: every number stands for a part of the operator's text, of which there are not 2^32 bytes.
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl Plan {
    /// Residuals take at most `max_bytes`.
    pub(in crate::policy) fn new(clauses: &[Clause], max_bytes: usize) -> Self {
        let mut builder = Builder::default();
        let nodes: Vec<Node> = clauses.iter().map(|clause| builder.clause(clause)).collect();
        let Builder { mut atoms, opens, names, .. } = builder;
        let singled = Singled::find(&mut atoms);
        let mut mentioned: HashMap<(usize, Box<str>), BTreeSet<u32>, Fixed> = HashMap::default();
        let mut mentions = vec![false; nodes.len()];
        for ((clause, node), mentions) in nodes.iter().enumerate().zip(&mut mentions) {
            node.atoms(&mut |atom| {
                let single = atoms.get(atom as usize).and_then(|atom| atom.single.as_ref());
                *mentions |= single.is_some();
                for literal in single.iter().flat_map(|single| &single.literals) {
                    let claim = single.map_or(0, |single| single.claim);
                    mentioned.entry((claim, literal.clone())).or_default().insert(number(clause));
                }
            });
        }
        let mentioned = mentioned.into_iter().map(|(key, set)| (key, set.into_iter().collect())).collect();
        let expressions = clauses.iter().flat_map(|clause| &clause.expressions);
        let max_cost = expressions.map(|e| e.program.cost()).max().unwrap_or(0);
        let mut plan = Self {
            atoms,
            opens,
            nodes,
            names,
            singled,
            mentioned,
            mentions,
            max_cost,
            general: Arc::default(),
            residuals: residuals(max_bytes),
            nobody: Known::default(),
        };
        plan.general = Arc::new(Residual::build(&plan, clauses, Outcomes::UNKNOWN));
        plan
    }

    /// The number of a name that some rule mentions.
    pub(super) fn name(&self, dimension: Dimension, name: &str) -> Option<u32> {
        self.names.get(dimension.index())?.get(name).copied()
    }

    /// Evaluates a clause of which the residual leaves something.
    pub(in crate::policy) fn evaluate(
        &self,
        clause: usize,
        residual: &Residual,
        evaluation: &Evaluation<'_>,
        memo: &Memo,
    ) -> Truth {
        let Some(node) = self.nodes.get(clause) else { return Truth::Failed };
        let atom = |atom: u32| match self.atoms.get(atom as usize) {
            Some(atom) => Truth::of(&atom.program.evaluate_bool(evaluation)),
            None => Truth::Failed,
        };
        node.evaluate(residual.outcomes(), &self.opens, &atom, evaluation, memo)
    }

    /// The different parts that wait for a request.
    #[cfg(test)]
    pub(in crate::policy) fn open_parts(&self) -> usize {
        self.opens.len()
    }

    /// Residuals that are held, and the bytes they take.
    pub(in crate::policy) fn held(&self) -> (usize, u64) {
        (self.residuals.len(), self.residuals.weight())
    }
}

fn residuals(max_bytes: usize) -> Cache<Box<[u8]>, Arc<Residual>, ByMemory, Fixed> {
    let items = (max_bytes / 16_384).clamp(16, 1 << 16);
    let options = OptionsBuilder::new()
        .estimated_items_capacity(items)
        .weight_capacity(max_bytes as u64)
        .shards(1)
        .ghost_allocation(0.1)
        .build();
    match options {
        Ok(options) => Cache::with_options(options, ByMemory, Fixed, DefaultLifecycle::default()),
        // INVARIANT: capacity and weight are always given above.
        Err(_) => Cache::with(items, max_bytes as u64, ByMemory, Fixed, DefaultLifecycle::default()),
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("atoms", &self.atoms.len())
            .field("open", &self.opens.len())
            .field("residuals", &self.residuals.len())
            .finish_non_exhaustive()
    }
}

/// Outcomes as the key of their residual.
pub(super) fn key(outcomes: &[Possible]) -> Box<[u8]> {
    outcomes.iter().map(|possible| possible.0).collect()
}
