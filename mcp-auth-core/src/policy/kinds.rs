//! Rules that speak of other items than they seem to.

use super::block::Join;
use super::clause::Clause;
use super::context::environment;
use super::finding::FindingKind;
use super::item::Kind;
use super::rule::{Effect, Rule};
use crate::cel::{Program, Structure};

/// What `has(mcp.tool)` and the like do, by kind.
pub(super) struct Asks([Option<String>; Kind::ALL.len()]);

impl Asks {
    pub(super) fn new() -> Self {
        let environment = environment();
        Self(Kind::ALL.map(|kind| {
            let program = Program::compile_predicate(&format!("has({})", kind.path()), &environment);
            program.ok().map(|program| program.fingerprint())
        }))
    }

    /// What is doubtful about the kinds of items that a rule reads. An `Allow` is evaluated as it stands.
    pub(super) fn about(&self, rule: &Rule) -> Option<FindingKind> {
        if rule.effect() == Effect::Allow {
            return None;
        }
        if Clause::of(std::slice::from_ref(rule)).iter().any(reads_several_unasked) {
            return Some(FindingKind::SeveralKinds);
        }
        let parts = rule.parts().iter().map(|e| e.program.structure()).collect();
        let whole = match rule.join() {
            Join::All => Structure::All(parts),
            Join::Any => Structure::Any(parts),
        };
        let denies = rule.effect() == Effect::Deny;
        let unheard = Kind::ALL.into_iter().zip(&self.0).find(|(_, asks)| {
            let asks = asks.as_deref();
            asks.is_some_and(|asks| without(&whole, asks) == Some(denies))
        });
        unheard.map(|(kind, _)| FindingKind::OneKind(kind.word()))
    }
}

/// Whether it reads items of several kinds, of which one is there at a time, and does not ask which.
fn reads_several_unasked(clause: &Clause) -> bool {
    let mentions = |test: &dyn Fn(usize) -> bool, kind: Kind| {
        let paths = clause.expressions.iter().flat_map(|e| e.program.mentions());
        paths.filter(|path| path.starts_with(kind.path())).any(|path| test(path.segments().count()))
    };
    let read = Kind::ALL.into_iter().filter(|kind| clause.kinds.contains(*kind));
    let unasked = read.clone().filter(|kind| mentions(&|n| n > 2, *kind) && !mentions(&|n| n == 2, *kind));
    read.count() > 1 && unasked.count() > 0
}

/// What a rule comes to where the part `asks` is false, whatever the others are.
fn without(structure: &Structure, asks: &str) -> Option<bool> {
    let join = |parts: &[Structure], decisive: bool| {
        let outcomes = || parts.iter().map(|part| without(part, asks));
        if outcomes().any(|outcome| outcome == Some(decisive)) {
            Some(decisive)
        } else {
            outcomes().all(|outcome| outcome == Some(!decisive)).then_some(!decisive)
        }
    };
    match structure {
        Structure::All(parts) => join(parts, false),
        Structure::Any(parts) => join(parts, true),
        Structure::Not(inner) => without(inner, asks).map(|outcome| !outcome),
        Structure::Part(program) => (program.fingerprint() == asks).then_some(false),
    }
}
