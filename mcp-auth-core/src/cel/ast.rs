//! The syntax tree. Chains (`a || b || c`, `1 + 1 + 1`, `a.b.c`) are flat, so that only real nesting is deep.

use std::sync::Arc;

use super::error::Span;
use super::value::Value;

#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) kind: ExprKind,
    pub(super) span: Span,
    /// Longest way down to a leaf.
    pub(super) height: usize,
}

#[derive(Clone, Debug)]
pub(super) enum ExprKind {
    Literal(Value<'static>),
    /// `rooted`: written `.name`, never a macro's variable.
    Ident {
        name: Arc<str>,
        rooted: bool,
    },
    Call {
        name: Arc<str>,
        args: Vec<Expr>,
    },
    Path {
        base: Box<Expr>,
        steps: Vec<Step>,
    },
    List(Vec<Item>),
    Map(Vec<Entry>),
    /// Names for values that are evaluated where they are used, at most once each: `cel.bind`, `cel.block`.
    Let {
        names: Vec<Arc<str>>,
        values: Vec<Expr>,
        body: Box<Expr>,
    },
    /// `!` repeated; `odd`: an odd number of times.
    Not {
        operand: Box<Expr>,
        odd: bool,
    },
    Negate {
        operand: Box<Expr>,
        odd: bool,
    },
    Or(Vec<Expr>),
    And(Vec<Expr>),
    /// Operators of one precedence, from left to right.
    Chain {
        first: Box<Expr>,
        rest: Vec<Link>,
    },
    /// `a ? b : c ? d : e`
    Conditional {
        arms: Vec<(Expr, Expr)>,
        otherwise: Box<Expr>,
    },
}

/// An item of a list; `optional`: written `?item`, left out when it is absent.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) value: Expr,
    pub(super) optional: bool,
}

/// An entry of a map; `optional`: written `?key: value`, left out when the value is absent.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Expr,
    pub(super) value: Expr,
    pub(super) optional: bool,
}

/// One operator of a chain with its right operand.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) op: BinaryOp,
    pub(super) operand: Expr,
}

/// One step of a member path.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kind: StepKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum StepKind {
    Field(Arc<str>),
    /// `.?name`
    OptionalField(Arc<str>),
    /// Last step of the argument of `has()`.
    Has(Arc<str>),
    Index(Expr),
    /// `[?index]`
    OptionalIndex(Expr),
    Call {
        name: Arc<str>,
        args: Vec<Expr>,
    },
    Macro(Box<Macro>),
    /// `optMap(variable, body)`; `flat`: `optFlatMap`
    OptionalMap {
        variable: Arc<str>,
        body: Box<Expr>,
        flat: bool,
    },
}

/// A macro over the items of a list or the entries of a map.
#[derive(Clone, Debug)]
pub(super) struct Macro {
    pub(super) kind: MacroKind,
    pub(super) variables: Variables,
    /// The condition of `all`, `exists`, `exists_one`, `filter`, and of `map` with three arguments.
    pub(super) condition: Option<Expr>,
    /// The result per item of `map`, `transformList`, `transformMap` and `transformMapEntry`.
    pub(super) result: Option<Expr>,
}

#[derive(Clone, Debug)]
pub(super) enum Variables {
    /// The item, or the key of a map.
    One(Arc<str>),
    /// The index and the item, or the key and the value.
    Two(Arc<str>, Arc<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacroKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    TransformMap,
    TransformMapEntry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulus,
}

impl BinaryOp {
    /// As it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulus => "%",
        }
    }
}
