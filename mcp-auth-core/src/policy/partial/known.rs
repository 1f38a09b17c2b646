//! Principals and the residuals they have met.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::plan::{Plan, key};
use super::residual::Residual;
use super::skeleton::{Outcomes, Possible};
use crate::Principal;
use crate::cel::DEFAULT_STEPS;
use crate::json::Value;
use crate::policy::clause::Clause;
use crate::policy::context::{Context, Evaluation, Grant};
use crate::policy::rule::Truth;
use crate::policy::settings::Settings;

/// Most sets that a principal remembers.
const MAX_MET: usize = 8;
/// Somebody who is mentioned by more clauses than this has a residual of his own.
const MAX_OWN: usize = 16;
/// The sizes that costs assume: items of a list or map, bytes of a text.
const ASSUMED_ITEMS: usize = 100;
const ASSUMED_BYTES: usize = 256;

/// As whom a principal is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Whom {
    /// With the scopes that are granted.
    Himself,
    /// As if every scope were granted.
    WithEveryScope,
}

/// How somebody is judged.
#[derive(Clone, Debug)]
pub(in crate::policy) struct How {
    pub(in crate::policy) residual: Arc<Residual>,
    /// The clauses that mention this caller, in order: they are evaluated in full.
    pub(in crate::policy) own: Option<Arc<[u32]>>,
    /// Every rule is evaluated as it is written: parts of it could be evaluated within limits that the whole exceeds.
    pub(in crate::policy) in_full: bool,
}

/// The residuals that a principal has met. They belong to their sets: here is only the way to them.
#[derive(Default)]
pub(crate) struct Known(RwLock<Vec<Met>>);

struct Met {
    plan: Weak<Plan>,
    whom: Whom,
    residual: Weak<Residual>,
    own: Option<Arc<[u32]>>,
    in_full: bool,
}

impl Known {
    /// What it takes beside itself when it is full.
    pub(crate) const MEMORY_BYTES: usize = MAX_MET * size_of::<Met>();

    fn find(&self, plan: &Arc<Plan>, whom: Whom) -> Option<How> {
        let met = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let met = met.iter().find(|met| met.is_with(plan, whom))?;
        Some(How { residual: met.residual.upgrade()?, own: met.own.clone(), in_full: met.in_full })
    }

    fn remember(&self, plan: &Arc<Plan>, whom: Whom, how: &How) {
        let mut met = self.0.write().unwrap_or_else(PoisonError::into_inner);
        met.retain(|met| met.plan.strong_count() > 0 && !met.is_with(plan, whom));
        if met.len() >= MAX_MET {
            met.remove(0);
        }
        if met.capacity() == 0 {
            met.reserve_exact(2);
        }
        let residual = Arc::downgrade(&how.residual);
        let (plan, own, in_full) = (Arc::downgrade(plan), how.own.clone(), how.in_full);
        met.push(Met { plan, whom, residual, own, in_full });
    }
}

impl Met {
    /// A weak reference keeps the place of its set, so that no other set can have it.
    fn is_with(&self, plan: &Arc<Plan>, whom: Whom) -> bool {
        self.whom == whom && Weak::as_ptr(&self.plan) == Arc::as_ptr(plan)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known")
    }
}

impl Plan {
    /// How a principal, or nobody, is judged.
    pub(in crate::policy) fn how(
        self: &Arc<Self>,
        clauses: &[Clause],
        settings: &Settings,
        principal: Option<&Principal>,
        whom: Whom,
    ) -> How {
        let known = principal.map_or(&self.nobody, Principal::known);
        if let Some(how) = known.find(self, whom) {
            return how;
        }
        let how = self.meet(clauses, settings, principal, whom);
        known.remember(self, whom, &how);
        how
    }

    /// How everybody is judged of whom nothing is known yet.
    pub(in crate::policy) fn in_general(&self) -> How {
        How { residual: Arc::clone(&self.general), own: None, in_full: false }
    }

    fn in_full(&self) -> How {
        How { in_full: true, ..self.in_general() }
    }

    fn meet(
        &self,
        clauses: &[Clause],
        settings: &Settings,
        principal: Option<&Principal>,
        whom: Whom,
    ) -> How {
        let claims = principal.and_then(|principal| principal.claims().all());
        let size = claims.map_or(1, |claims| size(Value::Object(claims)));
        // Two levels of macros over lists of unknown size are the most that a set may cost.
        if self.max_cost.saturating_mul(size.saturating_mul(size)) > DEFAULT_STEPS {
            return self.in_full();
        }
        let values = self.singled.values(claims);
        let own = self.own(&values);
        let shared = own.len() <= MAX_OWN;
        let context = Context::new(principal);
        let grant = &match whom {
            Whom::Himself => Grant::Held,
            Whom::WithEveryScope => Grant::All(None),
        };
        let evaluation = Evaluation { context: &context, settings, grant };
        let mut outcomes = Vec::with_capacity(self.atoms.len());
        for atom in &self.atoms {
            let single = atom
                .single
                .as_ref()
                .filter(|single| shared && values.get(single.claim).is_some_and(Option::is_some));
            outcomes.push(match single {
                Some(single) => single.otherwise,
                None => match Truth::of(&atom.program.evaluate_bool(&evaluation)) {
                    Truth::Exceeded => return self.in_full(),
                    truth => Possible::of(truth),
                },
            });
        }
        let residual = self.residual(clauses, &outcomes);
        How { residual, own: (shared && !own.is_empty()).then(|| own.into()), in_full: false }
    }

    fn residual(&self, clauses: &[Clause], outcomes: &[Possible]) -> Arc<Residual> {
        let key = key(outcomes);
        if let Some(residual) = self.residuals.get(&key) {
            return residual;
        }
        let residual = Arc::new(Residual::build(self, clauses, Outcomes(outcomes)));
        self.residuals.insert(key, Arc::clone(&residual));
        residual
    }

    /// The clauses that mention the caller, in order.
    fn own(&self, values: &[Option<&str>]) -> Vec<u32> {
        let mut own = Vec::new();
        for (claim, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            own.extend(self.mentioned.get(&(claim, Box::from(*value))).into_iter().flatten());
        }
        own.sort_unstable();
        own.dedup();
        own
    }
}

/// How many times as large as assumed the largest list, map or text of the claims is.
fn size(value: Value<'_>) -> u64 {
    let (here, inside) = match value {
        Value::String(text) => (text.len().div_ceil(ASSUMED_BYTES), 1),
        Value::Array(items) => {
            (items.len().div_ceil(ASSUMED_ITEMS), items.iter().map(size).max().unwrap_or(1))
        }
        Value::Object(members) => {
            let inside = members.iter().map(|(_, value)| size(value)).max();
            (members.len().div_ceil(ASSUMED_ITEMS), inside.unwrap_or(1))
        }
        _ => (1, 1),
    };
    (here.max(1) as u64).max(inside)
}
