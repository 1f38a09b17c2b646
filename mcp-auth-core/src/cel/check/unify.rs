//! Types that are found out while checking: type variables and what is known about them.

use crate::cel::types::Type;

/// Type variables and their values so far.
#[derive(Debug, Default)]
pub(super) struct Types {
    values: Vec<Option<Type>>,
    /// Changes since the beginning, so that a failed attempt can be undone.
    changes: Vec<(usize, Option<Type>)>,
}

impl Types {
    /// A new variable.
    pub(super) fn fresh(&mut self) -> Type {
        let index = self.values.len();
        self.values.push(None);
        // INVARIANT: there are fewer variables than parts of an expression.
        Type::Variable(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The type without variables at its top: a variable without value stays.
    pub(super) fn resolve(&self, of: &Type) -> Type {
        let mut of = of;
        while let Some(value) = self.value(of) {
            of = value;
        }
        of.clone()
    }

    /// The type without any variables; what is not known is `dyn`.
    pub(super) fn finish(&self, of: &Type) -> Type {
        match self.resolve(of) {
            Type::Variable(_) => Type::Dyn,
            Type::List(item) => Type::list(self.finish(&item)),
            Type::Optional(inner) => Type::optional(self.finish(&inner)),
            Type::Map(key, value) => Type::map(self.finish(&key), self.finish(&value)),
            Type::Opaque(name, parameters) => {
                Type::Opaque(name, parameters.iter().map(|p| self.finish(p)).collect())
            }
            other => other,
        }
    }

    /// Whether a value of either type can be one of the other. What is found out about variables is kept
    /// when it can.
    pub(super) fn unify(&mut self, a: &Type, b: &Type) -> bool {
        let before = self.changes.len();
        let fits = self.assignable(a, b);
        if !fits {
            self.undo(before);
        }
        fits
    }

    /// The same for a list of arguments: all or nothing.
    pub(super) fn unify_all<'t>(&mut self, pairs: impl Iterator<Item = (&'t Type, &'t Type)>) -> bool {
        let before = self.changes.len();
        for (a, b) in pairs {
            if !self.assignable(a, b) {
                self.undo(before);
                return false;
            }
        }
        true
    }

    /// The type of something that is of either type.
    pub(super) fn join(&mut self, a: Type, b: &Type) -> Type {
        if a == *b {
            return a;
        }
        if !self.unify(&a, b) {
            return Type::Dyn;
        }
        if self.less_specific(&a, b) { a } else { b.clone() }
    }

    fn value(&self, of: &Type) -> Option<&Type> {
        match of {
            Type::Variable(index) => self.values.get(*index as usize)?.as_ref(),
            _ => None,
        }
    }

    fn set(&mut self, index: u32, value: Type) {
        let index = index as usize;
        if let Some(slot) = self.values.get_mut(index) {
            self.changes.push((index, slot.replace(value)));
        }
    }

    fn undo(&mut self, to: usize) {
        while self.changes.len() > to {
            let Some((index, old)) = self.changes.pop() else { return };
            if let Some(slot) = self.values.get_mut(index) {
                *slot = old;
            }
        }
    }

    fn assignable(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Variable(index) = b {
            let known = self.value(b).is_some();
            if self.substitute(a, *index) {
                return true;
            }
            if known {
                return false;
            }
        }
        if let Type::Variable(index) = a {
            return self.substitute(b, *index);
        }
        match (a, b) {
            (Type::Dyn | Type::Parameter(_), _) | (_, Type::Dyn | Type::Parameter(_)) => true,
            (Type::Null, other) | (other, Type::Null) => nullable(other),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.assignable(a, b),
            (Type::Map(k, v), Type::Map(l, w)) => self.assignable(k, l) && self.assignable(v, w),
            (Type::Struct(_), Type::Struct(_) | Type::Map(..)) | (Type::Map(..), Type::Struct(_)) => true,
            (Type::Opaque(a, p), Type::Opaque(b, q)) => {
                a == b && p.len() == q.len() && p.iter().zip(q.iter()).all(|(a, b)| self.assignable(a, b))
            }
            (a, b) => a == b,
        }
    }

    /// Whether the variable may stand for `of`; afterwards it does.
    fn substitute(&mut self, of: &Type, index: u32) -> bool {
        let variable = Type::Variable(index);
        if *of == variable {
            return true;
        }
        let Some(known) = self.value(&variable).cloned() else {
            if self.occurs(index, of) {
                return false;
            }
            self.set(index, of.clone());
            return true;
        };
        if known == *of {
            return true;
        }
        if !self.assignable(of, &known) {
            return false;
        }
        let general = if self.less_specific(of, &known) { of.clone() } else { known };
        if !self.occurs(index, &general) {
            self.set(index, general);
        }
        true
    }

    fn occurs(&self, index: u32, of: &Type) -> bool {
        match of {
            Type::Variable(other) if *other == index => true,
            Type::Variable(_) => self.value(of).is_some_and(|value| self.occurs(index, value)),
            Type::List(item) | Type::Optional(item) => self.occurs(index, item),
            Type::Map(key, value) => self.occurs(index, key) || self.occurs(index, value),
            Type::Opaque(_, parameters) => parameters.iter().any(|p| self.occurs(index, p)),
            _ => false,
        }
    }

    fn less_specific(&self, a: &Type, b: &Type) -> bool {
        if matches!(a, Type::Dyn | Type::Variable(_) | Type::Parameter(_)) {
            return true;
        }
        match (a, b) {
            (_, Type::Dyn | Type::Variable(_) | Type::Parameter(_)) => false,
            (_, Type::Null) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.less_specific(a, b)
            }
            (Type::Map(k, v), Type::Map(l, w)) => self.less_specific(k, l) && self.less_specific(v, w),
            (Type::Opaque(a, p), Type::Opaque(b, q)) => {
                a == b && p.iter().zip(q.iter()).all(|(a, b)| self.less_specific(a, b))
            }
            (a, b) => a == b,
        }
    }
}

/// Types whose values may be absent, which `null` stands for.
fn nullable(of: &Type) -> bool {
    matches!(
        of,
        Type::Null
            | Type::Optional(_)
            | Type::Opaque(..)
            | Type::Struct(_)
            | Type::Timestamp
            | Type::Duration
            | Type::IpAddress
            | Type::Cidr
    )
}
