//! What an expression may mention: names of variables and functions with their types.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::types::Type;

/// Steps that the evaluation of an expression may take unless the environment says otherwise. A step is an
/// item looked at together with what is done to it, or about 64 bytes of text read or made.
pub const DEFAULT_STEPS: u64 = 100_000;

/// A structure's fields and their types. Reading any other field is an error at load, unless it is
/// [open](Self::open).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StructType(Arc<Fields>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Fields {
    named: BTreeMap<Box<str>, Type>,
    others: Option<Type>,
}

/// The variables and functions that expressions may use.
///
/// ```
/// use mcp_auth_core::cel::{Environment, StructType, Type};
///
/// let tool = StructType::new().field("name", Type::String);
/// let mcp = StructType::new().field("method", Type::String).field("tool", tool);
/// let environment = Environment::new().variable("jwt", Type::Dyn).variable("mcp", mcp);
/// # let _ = environment;
/// ```
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<Box<str>, Type>,
    functions: BTreeMap<Box<str>, Vec<HostFunction>>,
    container: Box<str>,
    max_cost: u64,
    numbers: Arc<Numbers>,
}

/// Paths that the caller's [`Variables`](super::Variables) also find by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) texts: BTreeMap<Box<str>, u32>,
    pub(super) objects: BTreeMap<Box<str>, u32>,
}

/// A function that the caller evaluates.
#[derive(Clone, Debug)]
pub(super) struct HostFunction {
    pub(super) parameters: Vec<Type>,
    pub(super) result: Type,
    /// The variables that its result depends on besides its arguments; `None`: not known.
    pub(super) roots: Option<Arc<[Box<str>]>>,
}

impl StructType {
    /// A structure without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the field `name`.
    #[must_use]
    pub fn field(mut self, name: &str, field: impl Into<Type>) -> Self {
        Arc::make_mut(&mut self.0).named.insert(name.into(), field.into());
        self
    }

    /// Allows fields that are not declared; they have the type `others`. Declared ones keep theirs. A field
    /// that is nearly written like a declared one is a [warning](super::Program::warnings).
    #[must_use]
    pub fn open(mut self, others: impl Into<Type>) -> Self {
        Arc::make_mut(&mut self.0).others = Some(others.into());
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&Type> {
        self.0.named.get(name)
    }

    pub(super) fn others(&self) -> Option<&Type> {
        self.0.others.as_ref()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.named.keys().map(AsRef::as_ref)
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            functions: BTreeMap::new(),
            container: Box::default(),
            max_cost: DEFAULT_STEPS,
            numbers: Arc::default(),
        }
    }
}

impl Environment {
    /// Nothing but literals and the functions of the language.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares the variable `name`. A name with dots (`a.b`) stands for that path as a whole.
    #[must_use]
    pub fn variable(mut self, name: &str, variable: impl Into<Type>) -> Self {
        self.variables.insert(name.into(), variable.into());
        self
    }

    /// Declares a function that [`Variables::call`](super::Variables::call) evaluates; declared again with
    /// other parameters it has several forms. Functions of the language cannot be replaced: their names win.
    ///
    /// An expression that calls it is never evaluated before all variables are there; see
    /// [`function_of`](Self::function_of).
    #[must_use]
    pub fn function(self, name: &str, parameters: &[Type], result: Type) -> Self {
        self.declare(name, HostFunction { parameters: parameters.to_vec(), result, roots: None })
    }

    /// Like [`function`](Self::function), for one whose result depends on nothing but its arguments and the
    /// variables `roots`, and is always the same for the same of them. Where these are known, so is the
    /// result.
    #[must_use]
    pub fn function_of(self, roots: &[&str], name: &str, parameters: &[Type], result: Type) -> Self {
        let roots = Some(roots.iter().map(|r| (*r).into()).collect());
        self.declare(name, HostFunction { parameters: parameters.to_vec(), result, roots })
    }

    /// The namespace in which names are looked for first: within `a.b`, `x` means `a.b.x`, then `a.x`,
    /// then `x`. A name written with a dot in front is always meant as it stands.
    #[must_use]
    pub fn container(mut self, name: &str) -> Self {
        self.container = name.into();
        self
    }

    /// Refuses expressions that may take more than `steps`. [`DEFAULT_STEPS`] unless it is set.
    #[must_use]
    pub fn max_cost(mut self, steps: u64) -> Self {
        self.max_cost = steps;
        self
    }

    /// Declares that [`Variables::text`](super::Variables::text) finds the string at `path` (such as
    /// `mcp.tool.name`) by `number`, which is faster than name by name. It has to find what the names would.
    #[must_use]
    pub fn numbered_text(mut self, path: &str, number: u32) -> Self {
        Arc::make_mut(&mut self.numbers).texts.insert(path.into(), number);
        self
    }

    /// Declares that [`Variables::object`](super::Variables::object) finds the variable `name`, a JSON object,
    /// by `number`.
    #[must_use]
    pub fn numbered_object(mut self, name: &str, number: u32) -> Self {
        Arc::make_mut(&mut self.numbers).objects.insert(name.into(), number);
        self
    }

    fn declare(mut self, name: &str, function: HostFunction) -> Self {
        let forms = self.functions.entry(name.into()).or_default();
        forms.retain(|form| form.parameters != function.parameters);
        forms.push(function);
        self
    }

    pub(super) fn variable_type(&self, name: &str) -> Option<&Type> {
        self.variables.get(name)
    }

    pub(super) fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(AsRef::as_ref)
    }

    pub(super) fn host_function(&self, name: &str) -> Option<&[HostFunction]> {
        self.functions.get(name).map(Vec::as_slice)
    }

    pub(super) fn function_names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(AsRef::as_ref)
    }

    pub(super) fn numbers(&self) -> &Arc<Numbers> {
        &self.numbers
    }

    pub(super) fn cost_limit(&self) -> u64 {
        self.max_cost
    }

    /// What `name` may stand for, the innermost namespace first.
    pub(super) fn candidates<'n>(&'n self, name: &'n str, rooted: bool) -> impl Iterator<Item = String> + 'n {
        let mut container = (!rooted && !self.container.is_empty()).then_some(&*self.container);
        let inner = std::iter::from_fn(move || {
            let here = container?;
            container = here.rsplit_once('.').map(|(outer, _)| outer);
            Some(format!("{here}.{name}"))
        });
        inner.chain(std::iter::once_with(|| name.to_owned()))
    }
}
