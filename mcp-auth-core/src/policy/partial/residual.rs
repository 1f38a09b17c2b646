//! What is left of a set for everybody with the same outcomes, indexed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::plan::{Dimension, Fixed, Plan};
use super::skeleton::{Node, Outcomes, Possible};
use crate::policy::clause::Clause;
use crate::policy::context::Context;
use crate::policy::item::Kind;
use crate::policy::rule::{Effect, Truth};

/// Rules that apply whatever the item, rules for each kind of item, rules where there is no item.
const GROUPS: usize = 6;
const COMMON: usize = 0;
const NO_ITEM: usize = 5;

/// The lists in which a request may have candidates: two groups, each with what is not indexed and what is, by name,
/// by method and by path.
const LISTS: usize = 7;

/// In the place of a name: the request has none in that dimension.
const ABSENT: u32 = u32::MAX;

/// A clause that may decide, and its outcome where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Entry(u32);

/// See the [module](super).
#[derive(Debug, Default)]
pub(in crate::policy) struct Residual {
    outcomes: Box<[Possible]>,
    entries: Box<[Entry]>,
    scans: [ByEffect; GROUPS],
    by: HashMap<u64, ByEffect, Fixed>,
    /// One bit for each group and dimension in which something is indexed.
    present: u64,
    /// One bit for each kind of which some rule may look at more than the names that are indexed.
    looks: u8,
}

/// Where the entries of each effect stand.
type ByEffect = [Range<u32>; 3];

/// What may decide one request, in the order of the clauses.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Candidates<'r>([[&'r [Entry]; LISTS]; 3]);

impl Entry {
    fn new(clause: usize, known: Option<Truth>) -> Self {
        let known = match known {
            None => 0,
            Some(Truth::Yes) => 1,
            Some(Truth::No) => 2,
            // INVARIANT: claims are known whenever anything is, so that nothing over claims alone waits.
            Some(Truth::Failed | Truth::Exceeded | Truth::Waits) => 3,
        };
        // INVARIANT: there are far fewer than 2^30 clauses.
        Self(u32::try_from(clause).unwrap_or(u32::MAX >> 2) << 2 | known)
    }

    pub(in crate::policy) fn clause(self) -> usize {
        (self.0 >> 2) as usize
    }

    pub(in crate::policy) fn known(self) -> Option<Truth> {
        match self.0 & 3 {
            0 => None,
            1 => Some(Truth::Yes),
            2 => Some(Truth::No),
            _ => Some(Truth::Failed),
        }
    }
}

fn group(kind: Option<Kind>) -> usize {
    kind.map_or(NO_ITEM, |kind| kind as usize + 1)
}

fn key(group: usize, dimension: Dimension, name: u32) -> u64 {
    ((group * Dimension::COUNT + dimension.index()) as u64) << 32 | u64::from(name)
}

fn bit(group: usize, dimension: Dimension) -> u64 {
    1 << (group * Dimension::COUNT + dimension.index())
}

// === building ===

/// Entries on their way into their lists.
#[derive(Default)]
struct Lists {
    /// By group and effect, not indexed.
    scans: [[Vec<Entry>; 3]; GROUPS],
    /// By key and effect, in no order yet.
    by: Vec<(u64, u8, Entry)>,
    present: u64,
    looks: u8,
}

/// One clause on its way into the lists.
struct Placing<'p> {
    plan: &'p Plan,
    clause: &'p Clause,
    node: &'p Node,
    outcomes: Outcomes<'p>,
    entry: Entry,
}

impl Residual {
    pub(super) fn build(plan: &Plan, clauses: &[Clause], outcomes: Outcomes<'_>) -> Self {
        let mut lists = Lists::default();
        let mut decided = [false; 3];
        for (index, (clause, node)) in clauses.iter().zip(&plan.nodes).enumerate() {
            let Some(decided) = decided.get_mut(clause.effect as usize) else { continue };
            if *decided {
                continue;
            }
            let possible = node.possible(outcomes);
            let decisive = match clause.effect {
                Effect::Allow => Possible(Possible::YES.0 | Possible::WAITS.0),
                Effect::Deny => Possible(Possible::YES.0 | Possible::FAILED.0),
                Effect::Require => Possible(Possible::NO.0 | Possible::FAILED.0),
            };
            if !possible.may_be(decisive) {
                continue;
            }
            let known = possible.known();
            // What mentions somebody may be another thing for him.
            let mentions = plan.mentions.get(index).is_none_or(|mentions| *mentions);
            *decided = known.is_some() && clause.kinds.is_empty() && !clause.dry_run && !mentions;
            Placing { plan, clause, node, outcomes, entry: Entry::new(index, known) }.place(&mut lists);
        }
        lists.finish(outcomes)
    }

    pub(super) fn outcomes(&self) -> Outcomes<'_> {
        Outcomes(&self.outcomes)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let indexed = self.by.capacity() * (size_of::<u64>() + size_of::<ByEffect>() + 1);
        size_of::<Self>() + self.outcomes.len() + size_of_val(&*self.entries) + indexed
    }
}

impl<'p> Placing<'p> {
    fn place(&self, lists: &mut Lists) {
        if self.clause.kinds.is_empty() {
            return self.place_in(COMMON, None, lists);
        }
        for kind in Kind::ALL.into_iter().filter(|kind| self.clause.kinds.contains(*kind)) {
            self.place_in(group(Some(kind)), Some(kind), lists);
        }
        if self.clause.effect == Effect::Allow && !self.fails_elsewhere() {
            for kind in Kind::ALL.into_iter().map(Some).chain([None]) {
                if !kind.is_some_and(|kind| self.clause.kinds.contains(kind)) {
                    self.place_in(group(kind), kind, lists);
                }
            }
        }
    }

    /// Whether an item of a kind that the clause does not read cannot make it true: what a name alone makes false is
    /// false or fails where there is no name.
    fn fails_elsewhere(&self) -> bool {
        let mut read = Kind::ALL.into_iter().filter(|kind| self.clause.kinds.contains(*kind));
        read.any(|kind| self.outside(Dimension::Item(kind), false).is_some())
    }

    fn outside(&self, dimension: Dimension, truth: bool) -> Option<Cow<'p, [u32]>> {
        self.node.outside(dimension, truth, self.outcomes, &self.plan.opens)
    }

    fn place_in(&self, group: usize, kind: Option<Kind>, lists: &mut Lists) {
        let effect = self.clause.effect;
        let Some((dimension, names)) = self.names(kind) else {
            let scan = lists.scans.get_mut(group).and_then(|scans| scans.get_mut(effect as usize));
            scan.into_iter().for_each(|list| list.push(self.entry));
            if self.entry.known().is_none() {
                lists.look(kind);
            }
            return;
        };
        let mut add = |name| lists.by.push((key(group, dimension, name), effect as u8, self.entry));
        names.iter().for_each(|name| add(*name));
        // There is always an item's name: where nothing is excepted, the clause never decides.
        if matches!(dimension, Dimension::Item(_)) {
            lists.present |= if names.is_empty() { 0 } else { bit(group, dimension) };
        } else {
            add(ABSENT);
            lists.present |= bit(group, dimension);
            lists.look(kind);
        }
    }

    /// Where the clause need not be looked at: outside of these names.
    fn names(&self, kind: Option<Kind>) -> Option<(Dimension, Cow<'p, [u32]>)> {
        if self.entry.known().is_some() {
            return None;
        }
        let truth = self.clause.effect == Effect::Require;
        let dimensions = kind.map(Dimension::Item).into_iter().chain([Dimension::Method, Dimension::Path]);
        dimensions.into_iter().find_map(|d| self.outside(d, truth).map(|names| (d, names)))
    }
}

impl Lists {
    fn look(&mut self, kind: Option<Kind>) {
        self.looks |= kind.map_or(0, |kind| 1 << kind as u8);
    }

    fn finish(mut self, outcomes: Outcomes<'_>) -> Residual {
        self.by.sort_unstable_by_key(|(key, effect, entry)| (*key, *effect, entry.0));
        let scanned: usize = self.scans.iter().flatten().map(Vec::len).sum();
        let mut entries = Vec::with_capacity(scanned + self.by.len());
        let at = |entries: &Vec<Entry>| u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let scans = self.scans.map(|by_effect| {
            by_effect.map(|list| {
                let start = at(&entries);
                entries.extend(list);
                start..at(&entries)
            })
        });
        let keys = || self.by.chunk_by(|a, b| a.0 == b.0);
        let mut by = HashMap::with_capacity_and_hasher(keys().count(), Fixed);
        for same in keys() {
            let mut places: ByEffect = Default::default();
            for (effect, place) in places.iter_mut().enumerate() {
                let start = at(&entries);
                entries.extend(
                    same.iter().filter(|(_, e, _)| usize::from(*e) == effect).map(|(.., entry)| *entry),
                );
                *place = start..at(&entries);
            }
            by.extend(same.first().map(|(key, ..)| (*key, places)));
        }
        let (present, looks) = (self.present, self.looks);
        Residual { outcomes: outcomes.0.into(), entries: entries.into(), scans, by, present, looks }
    }
}

// === looking up ===

impl Residual {
    /// What may decide this request.
    pub(in crate::policy) fn candidates(&self, plan: &Plan, context: &Context<'_>) -> Candidates<'_> {
        let mut candidates = Candidates([[&[]; LISTS]; 3]);
        let item = context.item();
        let kind = item.map(|(kind, _)| kind);
        let mut next = 0;
        let mut add = |places: &ByEffect| {
            for (lists, range) in candidates.0.iter_mut().zip(places) {
                let found = self.entries.get(range.start as usize..range.end as usize);
                if let (Some(list), Some(found)) = (lists.get_mut(next), found) {
                    *list = found;
                }
            }
            next += 1;
        };
        for group in [COMMON, group(kind)] {
            self.scans.get(group).into_iter().for_each(&mut add);
            let named = item.filter(|_| group != COMMON);
            let named = named.map(|(kind, name)| (Dimension::Item(kind), Some(name)));
            let rest = [(Dimension::Method, context.method()), (Dimension::Path, context.path())];
            for (dimension, text) in named.into_iter().chain(rest) {
                if self.present & bit(group, dimension) == 0 {
                    continue;
                }
                let name = text.map_or(Some(ABSENT), |text| plan.name(dimension, text));
                if let Some(places) = name.and_then(|name| self.by.get(&key(group, dimension, name))) {
                    add(places);
                }
            }
        }
        candidates
    }

    /// Whether items of this kind that no rule mentions by name have one outcome all together.
    pub(in crate::policy) fn is_settled(&self, kind: Kind) -> bool {
        self.looks & (1 << kind as u8) == 0
    }

    /// Whether rules mention an item by its name.
    pub(in crate::policy) fn mentions(&self, plan: &Plan, kind: Kind, name: &str) -> bool {
        let (group, dimension) = (group(Some(kind)), Dimension::Item(kind));
        self.present & bit(group, dimension) != 0
            && plan.name(dimension, name).is_some_and(|n| self.by.contains_key(&key(group, dimension, n)))
    }
}

impl<'r> Candidates<'r> {
    /// Those of one effect, the first clause first.
    pub(in crate::policy) fn of(&self, effect: Effect) -> impl Iterator<Item = Entry> + use<'r> {
        let mut lists = self.0.get(effect as usize).copied().unwrap_or([&[]; LISTS]);
        std::iter::from_fn(move || {
            let heads = lists.iter_mut().filter(|list| !list.is_empty());
            let least = heads.min_by_key(|list| list.first().map_or(u32::MAX, |entry| entry.0))?;
            let (first, rest) = least.split_first()?;
            *least = rest;
            Some(*first)
        })
    }
}
