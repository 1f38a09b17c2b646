//! A second evaluator of CEL, written to be obviously right: values are copied, every rule of the language is one
//! line, nothing is folded, specialised or shared with the engine. Beside it, a generator of well-typed expressions
//! and claims from bytes, and the comparison of both evaluators. Used by `tests/it` and by the fuzz target
//! `policy_diff`.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_debug_implementations,
    missing_docs,
    reason = "a module of tests"
)]

use std::cmp::Ordering;
use std::fmt;

use mcp_auth_core::cel::{
    Environment, Partial, Program, StructType, StructValue, Type, Unreadable, Value, Variables,
};
use mcp_auth_core::json::{self, Document, Limits};

// === values ===

#[derive(Clone, Debug)]
pub enum Val {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    List(Vec<Val>),
    Map(Vec<(Val, Val)>),
    Optional(Option<Box<Val>>),
    /// The caller's structure `mcp`, and its part `mcp.tool`.
    Mcp,
    Tool,
}

/// Evaluation failed. Why does not matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

type Res = Result<Val, Failed>;

// === expressions ===

#[derive(Clone, Debug)]
pub enum Expr {
    Literal(Val),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Name(String),
    Select(Box<Expr>, String),
    OptSelect(Box<Expr>, String),
    Has(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    OptIndex(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(&'static str, Vec<Expr>),
    Method(Box<Expr>, &'static str, Vec<Expr>),
    /// name, range, variables, bodies
    Macro(&'static str, Box<Expr>, Vec<String>, Vec<Expr>),
    Bind(String, Box<Expr>, Box<Expr>),
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |items: &[Expr]| items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Literal(Val::Null) => f.write_str("null"),
            Self::Literal(Val::Bool(b)) => write!(f, "{b}"),
            Self::Literal(Val::Int(i)) if *i < 0 => write!(f, "({i})"),
            Self::Literal(Val::Int(i)) => write!(f, "{i}"),
            Self::Literal(Val::Uint(u)) => write!(f, "{u}u"),
            Self::Literal(Val::Double(d)) => write!(f, "({d:?})"),
            Self::Literal(Val::Text(s)) => write!(f, "\"{s}\""),
            Self::Literal(_) => panic!("no such literal"),
            Self::List(items) => write!(f, "[{}]", join(items)),
            Self::Map(entries) => {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
            Self::Name(name) => f.write_str(name),
            Self::Select(of, name) => write!(f, "{of}.{name}"),
            Self::OptSelect(of, name) => write!(f, "{of}.?{name}"),
            Self::Has(of, name) => write!(f, "has({of}.{name})"),
            Self::Index(of, index) => write!(f, "{of}[{index}]"),
            Self::OptIndex(of, index) => write!(f, "{of}[?{index}]"),
            Self::Not(of) => write!(f, "!({of})"),
            Self::Negate(of) => write!(f, "-({of})"),
            Self::Binary(op, a, b) => write!(f, "({a} {op} {b})"),
            Self::If(c, a, b) => write!(f, "({c} ? {a} : {b})"),
            Self::Call(name, args) => write!(f, "{name}({})", join(args)),
            Self::Method(of, name, args) => write!(f, "{of}.{name}({})", join(args)),
            Self::Macro(name, range, variables, bodies) => {
                write!(f, "{range}.{name}({}, {})", variables.join(", "), join(bodies))
            }
            Self::Bind(name, value, body) => write!(f, "cel.bind({name}, {value}, {body})"),
        }
    }
}

// === evaluation ===

pub struct World {
    pub claims: Document,
    pub method: Option<String>,
    pub tool: Option<String>,
}

/// Names from the outermost in; a name that failed fails where it is used.
type Names = Vec<(String, Res)>;

pub fn evaluate(expr: &Expr, world: &World) -> Res {
    let names =
        vec![("jwt".to_owned(), Ok(from_json(world.claims.root()))), ("mcp".to_owned(), Ok(Val::Mcp))];
    eval(expr, &names, world)
}

fn from_json(value: json::Value<'_>) -> Val {
    match value {
        json::Value::Null => Val::Null,
        json::Value::Bool(b) => Val::Bool(b),
        json::Value::Int(i) => Val::Int(i),
        json::Value::Uint(u) => Val::Uint(u),
        json::Value::Double(d) => Val::Double(d),
        json::Value::String(s) => Val::Text(s.to_owned()),
        json::Value::Array(a) => Val::List(a.iter().map(from_json).collect()),
        json::Value::Object(o) => {
            Val::Map(o.iter().map(|(k, v)| (Val::Text(k.to_owned()), from_json(v))).collect())
        }
    }
}

fn with(names: &Names, more: Vec<(String, Res)>) -> Names {
    names.iter().cloned().chain(more).collect()
}

fn eval(expr: &Expr, names: &Names, world: &World) -> Res {
    let ev = |e: &Expr| eval(e, names, world);
    match expr {
        Expr::Literal(value) => Ok(value.clone()),
        Expr::Name(name) => {
            names.iter().rev().find(|(n, _)| n == name).map_or(Err(Failed), |(_, v)| v.clone())
        }
        Expr::List(items) => Ok(Val::List(items.iter().map(ev).collect::<Result<_, _>>()?)),
        Expr::Map(entries) => {
            let mut map: Vec<(Val, Val)> = Vec::new();
            for (key, value) in entries {
                let (key, value) = (ev(key)?, ev(value)?);
                if !matches!(key, Val::Bool(_) | Val::Int(_) | Val::Uint(_) | Val::Text(_)) {
                    return Err(Failed);
                }
                if map.iter().any(|(k, _)| equal(k, &key)) {
                    return Err(Failed);
                }
                map.push((key, value));
            }
            Ok(Val::Map(map))
        }
        Expr::Select(of, name) => match ev(of)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => Ok(optional(field(&inner, name, world)?)),
            value => field(&value, name, world)?.ok_or(Failed),
        },
        Expr::OptSelect(of, name) => match ev(of)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => Ok(optional(field(&inner, name, world)?)),
            value => Ok(optional(field(&value, name, world)?)),
        },
        Expr::Has(of, name) => Ok(Val::Bool(match ev(of)? {
            Val::Optional(None) => false,
            Val::Optional(Some(inner)) => field(&inner, name, world)?.is_some(),
            value => field(&value, name, world)?.is_some(),
        })),
        Expr::Index(of, index) => match ev(of)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => Ok(optional(item(&inner, &ev(index)?, world)?)),
            value => item(&value, &ev(index)?, world)?.ok_or(Failed),
        },
        Expr::OptIndex(of, index) => match ev(of)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => Ok(optional(item(&inner, &ev(index)?, world)?)),
            value => Ok(optional(item(&value, &ev(index)?, world)?)),
        },
        Expr::Not(of) => Ok(Val::Bool(!boolean(ev(of))?)),
        Expr::Negate(of) => match ev(of)? {
            Val::Int(i) => i.checked_neg().map(Val::Int).ok_or(Failed),
            Val::Double(d) => Ok(Val::Double(-d)),
            _ => Err(Failed),
        },
        Expr::Binary("&&", a, b) => match (boolean(ev(a)), boolean(ev(b))) {
            (Ok(false), _) | (_, Ok(false)) => Ok(Val::Bool(false)),
            (Ok(true), Ok(true)) => Ok(Val::Bool(true)),
            _ => Err(Failed),
        },
        Expr::Binary("||", a, b) => match (boolean(ev(a)), boolean(ev(b))) {
            (Ok(true), _) | (_, Ok(true)) => Ok(Val::Bool(true)),
            (Ok(false), Ok(false)) => Ok(Val::Bool(false)),
            _ => Err(Failed),
        },
        Expr::Binary(op, a, b) => binary(op, &ev(a)?, &ev(b)?, world),
        Expr::If(c, a, b) => {
            if boolean(ev(c))? {
                ev(a)
            } else {
                ev(b)
            }
        }
        Expr::Call(name, args) => call(name, &args.iter().map(ev).collect::<Result<Vec<_>, _>>()?),
        // The other value is only asked for where there is none.
        Expr::Method(of, "orValue", args) => match ev(of)? {
            Val::Optional(Some(inner)) => Ok(*inner),
            Val::Optional(None) => ev(&args[0]),
            _ => Err(Failed),
        },
        Expr::Method(of, "or", args) => match ev(of)? {
            Val::Optional(Some(inner)) => Ok(Val::Optional(Some(inner))),
            Val::Optional(None) => match ev(&args[0])? {
                Val::Optional(other) => Ok(Val::Optional(other)),
                _ => Err(Failed),
            },
            _ => Err(Failed),
        },
        Expr::Method(of, name, args) => {
            let mut all = vec![ev(of)?];
            for arg in args {
                all.push(ev(arg)?);
            }
            method(name, &all)
        }
        Expr::Macro("optMap", of, variables, bodies) => match ev(of)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => {
                let names = with(names, vec![(variables[0].clone(), Ok(*inner))]);
                Ok(Val::Optional(Some(Box::new(eval(&bodies[0], &names, world)?))))
            }
            _ => Err(Failed),
        },
        Expr::Macro(name, range, variables, bodies) => {
            let rounds: Vec<(Val, Val)> = match ev(range)? {
                Val::List(items) if variables.len() == 2 => {
                    items.into_iter().enumerate().map(|(i, v)| (Val::Int(i as i64), v)).collect()
                }
                Val::List(items) => items.into_iter().map(|v| (v, Val::Null)).collect(),
                Val::Map(entries) => entries,
                _ => return Err(Failed),
            };
            let rounds: Vec<(Val, Names)> = rounds
                .into_iter()
                .map(|(first, second)| {
                    let mut bound = vec![(variables[0].clone(), Ok(first.clone()))];
                    if let Some(name) = variables.get(1) {
                        bound.push((name.clone(), Ok(second)));
                    }
                    (first, with(names, bound))
                })
                .collect();
            let body = |i: usize, names: &Names| eval(&bodies[i], names, world);
            comprehension(name, &rounds, bodies.len(), &body)
        }
        Expr::Bind(name, value, body) => eval(body, &with(names, vec![(name.clone(), ev(value))]), world),
    }
}

fn comprehension(
    name: &str,
    rounds: &[(Val, Names)],
    bodies: usize,
    body: &dyn Fn(usize, &Names) -> Res,
) -> Res {
    let tests = || rounds.iter().map(|(_, names)| boolean(body(0, names))).collect::<Vec<_>>();
    match name {
        "exists" => {
            let tests = tests();
            if tests.contains(&Ok(true)) {
                return Ok(Val::Bool(true));
            }
            if tests.contains(&Err(Failed)) { Err(Failed) } else { Ok(Val::Bool(false)) }
        }
        "all" => {
            let tests = tests();
            if tests.contains(&Ok(false)) {
                return Ok(Val::Bool(false));
            }
            if tests.contains(&Err(Failed)) { Err(Failed) } else { Ok(Val::Bool(true)) }
        }
        "exists_one" => {
            let tests = tests().into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok(Val::Bool(tests.into_iter().filter(|b| *b).count() == 1))
        }
        "filter" => {
            let mut kept = Vec::new();
            for (first, names) in rounds {
                if boolean(body(0, names))? {
                    kept.push(first.clone());
                }
            }
            Ok(Val::List(kept))
        }
        "map" | "transformList" => {
            let mut made = Vec::new();
            for (_, names) in rounds {
                if bodies == 1 || boolean(body(0, names))? {
                    made.push(body(bodies - 1, names)?);
                }
            }
            Ok(Val::List(made))
        }
        "transformMap" => {
            let mut made = Vec::new();
            for (first, names) in rounds {
                made.push((first.clone(), body(0, names)?));
            }
            Ok(Val::Map(made))
        }
        other => panic!("macro {other}"),
    }
}

fn boolean(value: Res) -> Result<bool, Failed> {
    match value? {
        Val::Bool(b) => Ok(b),
        _ => Err(Failed),
    }
}

/// Optional values are not wrapped twice by a selection.
fn optional(value: Option<Val>) -> Val {
    match value {
        Some(Val::Optional(inner)) => Val::Optional(inner),
        other => Val::Optional(other.map(Box::new)),
    }
}

fn field(value: &Val, name: &str, world: &World) -> Result<Option<Val>, Failed> {
    match value {
        Val::Map(entries) => {
            Ok(entries.iter().find(|(k, _)| matches!(k, Val::Text(s) if s == name)).map(|(_, v)| v.clone()))
        }
        Val::Mcp => Ok(match name {
            "method" => world.method.clone().map(Val::Text),
            "tool" => world.tool.is_some().then_some(Val::Tool),
            _ => None,
        }),
        Val::Tool => Ok((name == "name").then(|| Val::Text(world.tool.clone().unwrap()))),
        _ => Err(Failed),
    }
}

fn item(value: &Val, index: &Val, world: &World) -> Result<Option<Val>, Failed> {
    match (value, index) {
        (Val::List(items), index) => {
            let at = match index {
                Val::Int(i) => usize::try_from(*i).ok(),
                Val::Uint(u) => usize::try_from(*u).ok(),
                Val::Double(d) if d.fract() == 0.0 && (0.0..1e9).contains(d) => Some(*d as usize),
                _ => None,
            };
            Ok(at.and_then(|at| items.get(at)).cloned())
        }
        (Val::Map(entries), index) => Ok(entries.iter().find(|(k, _)| key(k, index)).map(|(_, v)| v.clone())),
        (Val::Mcp | Val::Tool, Val::Text(name)) => field(value, name, world),
        (Val::Mcp | Val::Tool, _) => Ok(None),
        _ => Err(Failed),
    }
}

/// Keys are equal as values are, among those that can be keys.
fn key(a: &Val, b: &Val) -> bool {
    let possible = |v: &Val| !matches!(v, Val::List(_) | Val::Map(_) | Val::Null | Val::Optional(_));
    possible(a) && possible(b) && equal(a, b)
}

fn equal(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::Null, Val::Null) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Text(a), Val::Text(b)) => a == b,
        (Val::Mcp, Val::Mcp) | (Val::Tool, Val::Tool) => true,
        (Val::List(a), Val::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Val::Map(a), Val::Map(b)) => {
            let same = |k: &Val, v: &Val| b.iter().any(|(l, w)| key(k, l) && equal(v, w));
            a.len() == b.len() && a.iter().all(|(k, v)| same(k, v))
        }
        (Val::Optional(None), Val::Optional(None)) => true,
        (Val::Optional(Some(a)), Val::Optional(Some(b))) => equal(a, b),
        (a, b) => numbers(a, b) == Some(Some(Ordering::Equal)),
    }
}

/// The order of two numbers; the inner `None` is that of NaN.
fn numbers(a: &Val, b: &Val) -> Option<Option<Ordering>> {
    Some(match (a, b) {
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::Uint(a), Val::Uint(b)) => Some(a.cmp(b)),
        (Val::Int(a), Val::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Uint(a), Val::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
        (Val::Double(a), Val::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Val::Double(a), Val::Uint(b)) => a.partial_cmp(&(*b as f64)),
        (Val::Int(a), Val::Double(b)) => (*a as f64).partial_cmp(b),
        (Val::Uint(a), Val::Double(b)) => (*a as f64).partial_cmp(b),
        _ => return None,
    })
}

fn order(a: &Val, b: &Val) -> Result<Option<Ordering>, Failed> {
    match (a, b) {
        (Val::Bool(a), Val::Bool(b)) => Ok(Some(a.cmp(b))),
        (Val::Text(a), Val::Text(b)) => Ok(Some(a.cmp(b))),
        (a, b) => numbers(a, b).ok_or(Failed),
    }
}

fn binary(op: &str, a: &Val, b: &Val, world: &World) -> Res {
    match op {
        "==" => Ok(Val::Bool(equal(a, b))),
        "!=" => Ok(Val::Bool(!equal(a, b))),
        "<" => Ok(Val::Bool(order(a, b)?.is_some_and(Ordering::is_lt))),
        "<=" => Ok(Val::Bool(order(a, b)?.is_some_and(Ordering::is_le))),
        ">" => Ok(Val::Bool(order(a, b)?.is_some_and(Ordering::is_gt))),
        ">=" => Ok(Val::Bool(order(a, b)?.is_some_and(Ordering::is_ge))),
        "in" => match b {
            Val::List(items) => Ok(Val::Bool(items.iter().any(|item| equal(a, item)))),
            Val::Map(entries) => Ok(Val::Bool(entries.iter().any(|(k, _)| key(k, a)))),
            Val::Mcp | Val::Tool => {
                let found = if let Val::Text(name) = a { field(b, name, world)?.is_some() } else { false };
                Ok(Val::Bool(found))
            }
            _ => Err(Failed),
        },
        _ => arithmetic(op, a, b),
    }
}

fn arithmetic(op: &str, a: &Val, b: &Val) -> Res {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => match op {
            "+" => a.checked_add(*b),
            "-" => a.checked_sub(*b),
            "*" => a.checked_mul(*b),
            "/" => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map(Val::Int)
        .ok_or(Failed),
        (Val::Uint(a), Val::Uint(b)) => match op {
            "+" => a.checked_add(*b),
            "-" => a.checked_sub(*b),
            "*" => a.checked_mul(*b),
            "/" => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map(Val::Uint)
        .ok_or(Failed),
        (Val::Double(a), Val::Double(b)) => match op {
            "+" => Ok(Val::Double(a + b)),
            "-" => Ok(Val::Double(a - b)),
            "*" => Ok(Val::Double(a * b)),
            "/" => Ok(Val::Double(a / b)),
            _ => Err(Failed),
        },
        (Val::Text(a), Val::Text(b)) if op == "+" => Ok(Val::Text(format!("{a}{b}"))),
        (Val::List(a), Val::List(b)) if op == "+" => Ok(Val::List(a.iter().chain(b).cloned().collect())),
        _ => Err(Failed),
    }
}

fn call(name: &str, args: &[Val]) -> Res {
    match (name, args) {
        ("size", [value]) => size(value),
        ("dyn", [value]) => Ok(value.clone()),
        ("int", [Val::Int(i)]) => Ok(Val::Int(*i)),
        ("int", [Val::Uint(u)]) => i64::try_from(*u).map(Val::Int).map_err(|_| Failed),
        ("int", [Val::Double(d)]) if d.abs() < 9_223_372_036_854_775_808.0 => Ok(Val::Int(*d as i64)),
        ("int", [Val::Text(s)]) => s.parse().map(Val::Int).map_err(|_| Failed),
        ("string", [Val::Text(s)]) => Ok(Val::Text(s.clone())),
        ("string", [Val::Int(i)]) => Ok(Val::Text(i.to_string())),
        ("string", [Val::Uint(u)]) => Ok(Val::Text(u.to_string())),
        ("string", [Val::Double(d)]) if d.abs() < 1e21 => Ok(Val::Text(d.to_string())),
        ("string", [Val::Double(d)]) => Ok(Val::Text(format!("{d:e}"))),
        ("string", [Val::Bool(b)]) => Ok(Val::Text(b.to_string())),
        ("optional.of", [value]) => Ok(Val::Optional(Some(Box::new(value.clone())))),
        ("optional.none", []) => Ok(Val::Optional(None)),
        _ => Err(Failed),
    }
}

fn size(value: &Val) -> Res {
    match value {
        Val::Text(s) => Ok(Val::Int(s.chars().count() as i64)),
        Val::List(items) => Ok(Val::Int(items.len() as i64)),
        Val::Map(entries) => Ok(Val::Int(entries.len() as i64)),
        _ => Err(Failed),
    }
}

fn method(name: &str, args: &[Val]) -> Res {
    match (name, args) {
        ("startsWith", [Val::Text(s), Val::Text(t)]) => Ok(Val::Bool(s.starts_with(t.as_str()))),
        ("endsWith", [Val::Text(s), Val::Text(t)]) => Ok(Val::Bool(s.ends_with(t.as_str()))),
        ("contains", [Val::Text(s), Val::Text(t)]) => Ok(Val::Bool(s.contains(t.as_str()))),
        // Patterns are literals between anchors here.
        ("matches", [Val::Text(s), Val::Text(t)]) => {
            Ok(Val::Bool(t.trim_start_matches('^').trim_end_matches('$') == s))
        }
        ("size", [value]) => size(value),
        ("hasValue", [Val::Optional(o)]) => Ok(Val::Bool(o.is_some())),
        ("value", [Val::Optional(Some(inner))]) => Ok((**inner).clone()),
        ("lowerAscii", [Val::Text(s)]) => Ok(Val::Text(s.to_ascii_lowercase())),
        ("join", [Val::List(items), Val::Text(by)]) => {
            let text = |v: &Val| if let Val::Text(s) = v { Ok(s.clone()) } else { Err(Failed) };
            Ok(Val::Text(items.iter().map(text).collect::<Result<Vec<_>, _>>()?.join(by)))
        }
        _ => Err(Failed),
    }
}

// === the engine's side ===

/// With `numbered`, what is read most is found by number.
pub fn environment(numbered: bool) -> Environment {
    let tool = StructType::new().field("name", Type::String);
    let mcp = StructType::new().field("method", Type::String).field("tool", tool);
    let environment = Environment::new().variable("jwt", Type::Dyn).variable("mcp", mcp);
    if !numbered {
        return environment;
    }
    environment
        .numbered_object("jwt", 7)
        .numbered_text("mcp.method", 0)
        .numbered_text("mcp.tool.name", 1)
        .numbered_text("jwt.sub", 2)
}

struct Tool<'w>(&'w str);

/// What the engine reads: all of a world, or the claims only.
struct View<'w> {
    world: &'w World,
    tool: Option<Tool<'w>>,
    claims_only: bool,
}

impl StructValue for Tool<'_> {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok((name == "name").then(|| self.0.into()))
    }
}

impl StructValue for View<'_> {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok(match name {
            "method" => self.world.method.as_deref().map(Into::into),
            "tool" => self.tool.as_ref().map(|tool| Value::Struct(tool)),
            _ => None,
        })
    }
}

impl Variables for View<'_> {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "jwt" => Some(self.world.claims.root().into()),
            "mcp" if self.claims_only => panic!("asked for what is not known"),
            "mcp" => Some(Value::Struct(self)),
            _ => None,
        }
    }

    fn text(&self, number: u32) -> Option<&str> {
        if number == 2 {
            return self.world.claims.as_object()?.get("sub")?.as_str();
        }
        assert!(!self.claims_only, "asked for what is not known");
        [&self.world.method, &self.world.tool][number as usize].as_deref()
    }

    fn object(&self, number: u32) -> Option<json::Object<'_>> {
        assert_eq!(number, 7);
        self.world.claims.as_object()
    }
}

impl World {
    fn view(&self, claims_only: bool) -> View<'_> {
        View { world: self, tool: self.tool.as_deref().map(Tool), claims_only }
    }
}

fn from_engine(value: &Value<'_>) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(b) => Val::Bool(*b),
        Value::Int(i) => Val::Int(*i),
        Value::Uint(u) => Val::Uint(*u),
        Value::Double(d) => Val::Double(*d),
        Value::String(s) => Val::Text((**s).to_owned()),
        Value::Optional(o) => Val::Optional(o.as_ref().map(|v| Box::new(from_engine(v)))),
        Value::List(list) => {
            let mut items = Vec::new();
            list.visit(|v| {
                items.push(from_engine(&v));
                true
            });
            Val::List(items)
        }
        Value::Map(map) => {
            let mut entries = Vec::new();
            map.visit(|k, v| {
                entries.push((from_engine(&k), from_engine(&v)));
                true
            });
            Val::Map(entries)
        }
        Value::Struct(s) => {
            if matches!(s.field("method"), Ok(Some(_))) || !matches!(s.field("name"), Ok(Some(_))) {
                Val::Mcp
            } else {
                Val::Tool
            }
        }
        other => panic!("value of type {}", other.type_name()),
    }
}

/// The value with its types, NaN like any other.
fn show(outcome: &Res) -> String {
    format!("{outcome:?}")
}

/// What a comparison saw, for figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Refused,
    True,
    False,
    Failed,
}

/// Holds engine, simple evaluator, and partial evaluation plus residual against each other.
///
/// # Panics
///
/// Where they differ.
pub fn compare(data: &[u8]) -> Seen {
    let (expr, world) = generate(data);
    let source = expr.to_string();
    let numbered = data.len().is_multiple_of(2);
    let program = match Program::compile(&source, &environment(numbered)) {
        Ok(program) => program,
        // Too deep, too long or too dear; nothing else may be wrong with it.
        Err(error) => {
            use mcp_auth_core::cel::CelErrorKind::{Cost, Limit};
            assert!(matches!(error.kind(), Cost | Limit), "{}", error.render(&source));
            return Seen::Refused;
        }
    };
    let about = || {
        format!(
            "{source}\nclaims {}\nmethod {:?} tool {:?}",
            text_of(&world.claims),
            world.method,
            world.tool
        )
    };
    let simple = evaluate(&expr, &world);
    let view = world.view(false);
    let engine = program.evaluate(&view).map(|v| from_engine(&v)).map_err(|_| Failed);
    assert_eq!(show(&engine), show(&simple), "engine and simple evaluator differ: {}", about());

    let truth = boolean(simple);
    let whole = program.evaluate_bool(&view);
    assert_eq!(whole.as_ref().map_err(|_| Failed), truth.as_ref().map_err(|_| Failed), "{}", about());
    match program.partial(&world.view(true), &["jwt"]) {
        Partial::Value(value) => {
            assert_eq!(value.map_err(|_| Failed), truth, "known early and differs: {}", about());
        }
        Partial::Residual(rest) => {
            assert!(rest.depends_only_on(&["mcp"]), "claims are left: {}", about());
            let later = rest.evaluate_bool(&view).map_err(|_| Failed);
            assert_eq!(later, truth, "residual differs: {}", about());
        }
    }
    if let Some(names) = program.admitted("mcp.tool.name")
        && world.tool.as_ref().is_some_and(|tool| !names.contains(tool.as_str()))
    {
        assert_eq!(truth, Ok(false), "a tool that is not admitted: {}", about());
    }
    match truth {
        Ok(true) => Seen::True,
        Ok(false) => Seen::False,
        Err(Failed) => Seen::Failed,
    }
}

fn text_of(document: &Document) -> String {
    format!("{:?}", from_json(document.root()))
}

// === generation ===

/// Choices, read off bytes; zeros when they run out, which are the smallest choices.
struct Choices<'b> {
    bytes: &'b [u8],
    /// Expressions that may still be made.
    left: usize,
    names: Vec<(String, Kind)>,
}

/// Static types that expressions are generated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Text,
    Dyn,
    Texts,
    Ints,
    Dyns,
    OptText,
    OptDyn,
}

const TEXTS: [&str; 6] = ["a", "b", "staff", "write_record", "", "tools/call"];
const FIELDS: [&str; 6] = ["sub", "groups", "level", "nested", "admin", "none"];

/// An expression for a predicate and a world to evaluate it in.
pub fn generate(data: &[u8]) -> (Expr, World) {
    let mut choices = Choices { bytes: data, left: 40, names: Vec::new() };
    let method = choices.chance(6, 7).then(|| choices.text());
    let tool = choices.chance(3, 4).then(|| choices.text());
    let claims = choices.claims();
    let claims = Document::parse(claims.as_bytes(), &Limits::default()).unwrap();
    let expr = choices.expr(Kind::Bool, 0);
    (expr, World { claims, method, tool })
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    fn chance(&mut self, wanted: usize, of: usize) -> bool {
        self.pick(of) < wanted
    }

    fn text(&mut self) -> String {
        TEXTS[self.pick(TEXTS.len())].to_owned()
    }

    fn field(&mut self) -> String {
        FIELDS[self.pick(FIELDS.len())].to_owned()
    }

    fn claims(&mut self) -> String {
        let mut members = Vec::new();
        for field in FIELDS {
            // Lists that hold strings and something else now and then are what macros trip over.
            if field == "groups" && self.chance(2, 3) {
                let items = 1 + self.pick(4);
                let item = |s: &mut Self| if s.chance(2, 3) { format!("{:?}", s.text()) } else { s.json(1) };
                let items: Vec<_> = (0..items).map(|_| item(self)).collect();
                members.push(format!("\"groups\":[{}]", items.join(",")));
            } else if self.chance(2, 3) {
                members.push(format!("\"{field}\":{}", self.json(0)));
            }
        }
        format!("{{{}}}", members.join(","))
    }

    fn json(&mut self, depth: usize) -> String {
        match self.pick(if depth < 2 { 12 } else { 8 }) {
            0..=2 => format!("{:?}", self.text()),
            3 => self.pick(4).to_string(),
            4 => "true".to_owned(),
            5 => "null".to_owned(),
            6 => ["-1", "1.5", "2.0", "9223372036854775807", "18446744073709551615"][self.pick(5)].to_owned(),
            7 => "false".to_owned(),
            8..=10 => {
                let items: Vec<_> = (0..self.pick(4)).map(|_| self.json(depth + 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let fields = FIELDS.iter().take(self.pick(4));
                let members: Vec<_> =
                    fields.map(|field| format!("\"{field}\":{}", self.json(depth + 1))).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// An expression of a type, or of type `dyn` where any type may stand.
    fn expr(&mut self, kind: Kind, depth: usize) -> Expr {
        let leaf = depth > 6 || self.left == 0;
        self.left = self.left.saturating_sub(1);
        if leaf {
            return self.leaf(kind);
        }
        // Names, `dyn`, choices and bindings can be of any type.
        match self.pick(16) {
            0 => return self.leaf(kind),
            1 => {
                let fitting: Vec<_> =
                    self.names.iter().filter(|(n, k)| *k == kind && self.visible(n, *k)).cloned().collect();
                if !fitting.is_empty() {
                    return Expr::Name(fitting[self.pick(fitting.len())].0.clone());
                }
            }
            2 if !matches!(kind, Kind::OptText | Kind::OptDyn) => return self.expr(Kind::Dyn, depth + 1),
            3 => {
                let condition = self.boxed(Kind::Bool, depth);
                return Expr::If(condition, self.boxed(kind, depth), self.boxed(kind, depth));
            }
            4 => {
                let of = [Kind::Text, Kind::Dyn, Kind::Bool, Kind::Texts, Kind::OptText][self.pick(5)];
                let value = self.boxed(of, depth);
                let name = self.name();
                let body = self.scoped(&[(name.clone(), of)], |s| s.boxed(kind, depth));
                return Expr::Bind(name, value, body);
            }
            _ => {}
        }
        self.of_kind(kind, depth)
    }

    /// Whether the name still means this, and not something nearer.
    fn visible(&self, name: &str, kind: Kind) -> bool {
        self.names.iter().rev().find(|(n, _)| n == name).is_some_and(|(_, k)| *k == kind)
    }

    fn any_of(&mut self, kinds: &[Kind], depth: usize) -> Expr {
        let kind = kinds[self.pick(kinds.len())];
        self.expr(kind, depth + 1)
    }

    fn boxed(&mut self, kind: Kind, depth: usize) -> Box<Expr> {
        Box::new(self.expr(kind, depth + 1))
    }

    /// Names of macros, few, so that they hide each other and sometimes the claims.
    fn name(&mut self) -> String {
        ["x", "y", "jwt", "z"][self.pick(4)].to_owned()
    }

    fn scoped<T>(&mut self, names: &[(String, Kind)], then: impl FnOnce(&mut Self) -> T) -> T {
        let outside = self.names.len();
        self.names.extend_from_slice(names);
        let made = then(self);
        self.names.truncate(outside);
        made
    }

    /// The claims, where no macro has taken their name.
    fn jwt(&mut self) -> Expr {
        let hidden = self.names.iter().any(|(name, _)| name == "jwt");
        // A leading dot would say it; the simple evaluator has no such thing.
        if hidden { Expr::Call("dyn", vec![Expr::Map(Vec::new())]) } else { Expr::Name("jwt".to_owned()) }
    }

    fn claim(&mut self) -> Expr {
        let jwt = self.jwt();
        Expr::Select(Box::new(jwt), self.field())
    }

    fn literal(text: &str) -> Expr {
        Expr::Literal(Val::Text(text.to_owned()))
    }

    fn leaf(&mut self, kind: Kind) -> Expr {
        match kind {
            Kind::Bool => match self.pick(3) {
                0 => Expr::Literal(Val::Bool(self.chance(1, 2))),
                1 => {
                    let jwt = self.jwt();
                    Expr::Has(Box::new(jwt), self.field())
                }
                _ => {
                    let text = self.text();
                    let claim = self.claim();
                    Expr::Binary("==", Box::new(claim), Box::new(Self::literal(&text)))
                }
            },
            Kind::Int => Expr::Literal(Val::Int([0, 1, 2, -1, i64::MAX, i64::MIN][self.pick(6)])),
            Kind::Text => match self.pick(4) {
                0 | 1 => Self::literal(&self.text()),
                2 => Expr::Select(Box::new(Expr::Name("mcp".to_owned())), "method".to_owned()),
                _ => self.tool_name(),
            },
            Kind::Dyn => match self.pick(8) {
                0 => Expr::Call("dyn", vec![Expr::Literal(Val::Uint(self.pick(3) as u64))]),
                1 => Expr::Call(
                    "dyn",
                    vec![Expr::Literal(Val::Double([0.0, 1.5, 2.0, f64::MAX][self.pick(4)]))],
                ),
                2 => Expr::Call("dyn", vec![Expr::Literal(Val::Null)]),
                _ => self.claim(),
            },
            Kind::Texts => {
                let texts = (0..self.pick(3)).map(|_| Self::literal(&self.text())).collect();
                Expr::List(texts)
            }
            Kind::Ints => Expr::List(vec![Expr::Literal(Val::Int(1)), Expr::Literal(Val::Int(2))]),
            Kind::Dyns => Expr::List(vec![self.claim(), Expr::Call("dyn", vec![Self::literal("a")])]),
            Kind::OptText => Expr::Call("optional.of", vec![Self::literal(&self.text())]),
            Kind::OptDyn => {
                let jwt = self.jwt();
                Expr::OptSelect(Box::new(jwt), self.field())
            }
        }
    }

    fn tool_name(&mut self) -> Expr {
        let tool = Expr::Select(Box::new(Expr::Name("mcp".to_owned())), "tool".to_owned());
        if self.chance(1, 4) {
            Expr::Index(Box::new(tool), Box::new(Self::literal("name")))
        } else {
            Expr::Select(Box::new(tool), "name".to_owned())
        }
    }

    fn of_kind(&mut self, kind: Kind, depth: usize) -> Expr {
        match kind {
            Kind::Bool => self.predicate(depth),
            Kind::Int => match self.pick(6) {
                0 => Expr::Call("size", vec![self.any_of(&[Kind::Text, Kind::Texts], depth)]),
                1 => Expr::Negate(self.boxed(Kind::Int, depth)),
                2 => Expr::Call("int", vec![self.expr(Kind::Dyn, depth + 1)]),
                _ => {
                    let op = ["+", "-", "*", "/", "%"][self.pick(5)];
                    Expr::Binary(op, self.boxed(Kind::Int, depth), self.boxed(Kind::Int, depth))
                }
            },
            Kind::Text => match self.pick(7) {
                0 => self.tool_name(),
                1 => Expr::Binary("+", self.boxed(Kind::Text, depth), self.boxed(Kind::Text, depth)),
                2 => Expr::Call("string", vec![self.any_of(&[Kind::Int, Kind::Bool, Kind::Text], depth)]),
                3 => Expr::Method(self.boxed(Kind::Text, depth), "lowerAscii", Vec::new()),
                4 => Expr::Method(
                    self.boxed(Kind::Texts, depth),
                    "join",
                    vec![self.expr(Kind::Text, depth + 1)],
                ),
                5 => Expr::Method(
                    self.boxed(Kind::OptText, depth),
                    "orValue",
                    vec![self.expr(Kind::Text, depth + 1)],
                ),
                _ => Expr::Index(self.boxed(Kind::Texts, depth), self.boxed(Kind::Int, depth)),
            },
            Kind::Dyn => match self.pick(8) {
                0 => Expr::Index(self.boxed(Kind::Dyn, depth), self.boxed(Kind::Text, depth)),
                1 => Expr::Index(self.boxed(Kind::Dyn, depth), self.boxed(Kind::Int, depth)),
                2 => {
                    let claim = self.claim();
                    Expr::Select(Box::new(claim), self.field())
                }
                3 => Expr::Call(
                    "dyn",
                    vec![self.any_of(&[Kind::Int, Kind::Text, Kind::Bool, Kind::Texts], depth)],
                ),
                4 => Expr::Method(
                    self.boxed(Kind::OptDyn, depth),
                    "orValue",
                    vec![self.expr(Kind::Dyn, depth + 1)],
                ),
                5 => Expr::Method(self.boxed(Kind::OptDyn, depth), "value", Vec::new()),
                6 => self.map(depth),
                _ => self.claim(),
            },
            Kind::Texts => match self.pick(5) {
                0 => Expr::List((0..self.pick(4)).map(|_| self.expr(Kind::Text, depth + 1)).collect()),
                1 => Expr::Binary("+", self.boxed(Kind::Texts, depth), self.boxed(Kind::Texts, depth)),
                2 => self.over("filter", Kind::Texts, Kind::Text, &[Kind::Bool], depth),
                3 => self.over("map", Kind::Texts, Kind::Text, &[Kind::Text], depth),
                _ => self.over("map", Kind::Dyn, Kind::Dyn, &[Kind::Bool, Kind::Text], depth),
            },
            Kind::Ints => self.over("map", Kind::Texts, Kind::Text, &[Kind::Int], depth),
            Kind::Dyns => self.over("filter", Kind::Dyn, Kind::Dyn, &[Kind::Bool], depth),
            Kind::OptText => match self.pick(4) {
                0 => Expr::Call("optional.none", Vec::new()),
                1 => Expr::OptSelect(Box::new(Expr::Name("mcp".to_owned())), "method".to_owned()),
                2 => Expr::OptIndex(self.boxed(Kind::Texts, depth), self.boxed(Kind::Int, depth)),
                _ => Expr::Method(
                    self.boxed(Kind::OptText, depth),
                    "or",
                    vec![self.expr(Kind::OptText, depth + 1)],
                ),
            },
            Kind::OptDyn => match self.pick(5) {
                0 => {
                    let jwt = self.jwt();
                    let first = Expr::OptSelect(Box::new(jwt), self.field());
                    Expr::Select(Box::new(first), self.field())
                }
                1 => Expr::OptIndex(self.boxed(Kind::Dyn, depth), self.boxed(Kind::Text, depth)),
                2 => {
                    let name = self.name();
                    let of = self.boxed(Kind::OptDyn, depth);
                    let body = self.scoped(&[(name.clone(), Kind::Dyn)], |s| s.expr(Kind::Dyn, depth + 1));
                    Expr::Macro("optMap", of, vec![name], vec![body])
                }
                3 => Expr::Call("optional.of", vec![self.expr(Kind::Dyn, depth + 1)]),
                _ => Expr::OptSelect(self.boxed(Kind::Dyn, depth), self.field()),
            },
        }
    }

    fn map(&mut self, depth: usize) -> Expr {
        let mut entries = Vec::new();
        for field in FIELDS.iter().take(self.pick(3)) {
            let key = if self.chance(1, 6) { self.expr(Kind::Dyn, depth + 1) } else { Self::literal(field) };
            entries.push((key, self.expr(Kind::Dyn, depth + 1)));
        }
        Expr::Call("dyn", vec![Expr::Map(entries)])
    }

    fn predicate(&mut self, depth: usize) -> Expr {
        let comparison = ["==", "!=", "<", "<=", ">", ">="];
        match self.pick(22) {
            0..=2 => Expr::Binary("&&", self.boxed(Kind::Bool, depth), self.boxed(Kind::Bool, depth)),
            3..=5 => Expr::Binary("||", self.boxed(Kind::Bool, depth), self.boxed(Kind::Bool, depth)),
            6 => Expr::Not(self.boxed(Kind::Bool, depth)),
            7 => {
                let op = comparison[self.pick(6)];
                Expr::Binary(op, self.boxed(Kind::Dyn, depth), self.boxed(Kind::Dyn, depth))
            }
            8 => {
                let (op, kind) =
                    (comparison[self.pick(6)], [Kind::Int, Kind::Text, Kind::Bool][self.pick(3)]);
                Expr::Binary(op, self.boxed(kind, depth), self.boxed(kind, depth))
            }
            9 => {
                let (op, tool, text) = (comparison[self.pick(2)], self.tool_name(), self.text());
                Expr::Binary(op, Box::new(tool), Box::new(Self::literal(&text)))
            }
            10 => Expr::Binary(
                "in",
                self.boxed(Kind::Text, depth),
                Box::new(self.any_of(&[Kind::Texts, Kind::Dyn], depth)),
            ),
            11 => {
                let list = (0..self.pick(12)).map(|_| Self::literal(&self.text())).collect();
                Expr::Binary("in", self.boxed(Kind::Text, depth), Box::new(Expr::List(list)))
            }
            12 | 13 => {
                let name = ["exists", "all", "exists_one"][self.pick(3)];
                let (range, item) =
                    [(Kind::Dyn, Kind::Dyn), (Kind::Texts, Kind::Text), (Kind::Dyns, Kind::Dyn)]
                        [self.pick(3)];
                self.over(name, range, item, &[Kind::Bool], depth)
            }
            14 => {
                let claim = self.claim();
                let name = self.name();
                let text = self.text();
                let body =
                    Expr::Binary("==", Box::new(Expr::Name(name.clone())), Box::new(Self::literal(&text)));
                Expr::Macro("exists", Box::new(claim), vec![name], vec![body])
            }
            15 => {
                let test = ["startsWith", "endsWith", "contains"][self.pick(3)];
                Expr::Method(self.boxed(Kind::Text, depth), test, vec![self.expr(Kind::Text, depth + 1)])
            }
            16 => {
                let pattern = format!("^{}$", ["a", "b", "staff"][self.pick(3)]);
                Expr::Method(self.boxed(Kind::Text, depth), "matches", vec![Self::literal(&pattern)])
            }
            17 | 18 => {
                let (jwt, field) = (Box::new(self.jwt()), self.field());
                let guard = Expr::Has(jwt.clone(), field.clone());
                let test = self.test_of(Expr::Select(jwt, field), depth);
                Expr::Binary("&&", Box::new(guard), Box::new(test))
            }
            19 | 20 => {
                let field = if self.chance(2, 3) { "groups".to_owned() } else { self.field() };
                let range = Box::new(Expr::Select(Box::new(self.jwt()), field));
                let name = self.name();
                let macro_name = ["exists", "all", "exists_one"][self.pick(3)];
                let body = self.test_of(Expr::Name(name.clone()), depth);
                Expr::Macro(macro_name, range, vec![name], vec![body])
            }
            _ => Expr::Method(
                Box::new(self.any_of(&[Kind::OptText, Kind::OptDyn], depth)),
                "hasValue",
                Vec::new(),
            ),
        }
    }

    /// What rules ask of a claim, which may be of any type.
    fn test_of(&mut self, claim: Expr, depth: usize) -> Expr {
        let claim = Box::new(claim);
        let text = Self::literal(&self.text());
        match self.pick(8) {
            0 => Expr::Binary("==", claim, Box::new(text)),
            1 => Expr::Binary("<", claim, Box::new(text)),
            2 => Expr::Binary(">=", claim, Box::new(Expr::Literal(Val::Int(1)))),
            3 => Expr::Method(claim, "startsWith", vec![text]),
            4 => Expr::Binary("in", Box::new(text), claim),
            5 => Expr::Binary("in", claim, Box::new(Expr::List(vec![text, Self::literal("b")]))),
            6 => {
                let body = Expr::Binary("==", Box::new(Expr::Name("e".into())), Box::new(text));
                Expr::Macro("exists", claim, vec!["e".into()], vec![body])
            }
            _ => {
                let differs = Expr::Binary("!=", claim, Box::new(text));
                Expr::Binary("||", Box::new(differs), self.boxed(Kind::Bool, depth))
            }
        }
    }

    /// A macro over `range`, with one variable or two.
    fn over(&mut self, name: &'static str, range: Kind, item: Kind, bodies: &[Kind], depth: usize) -> Expr {
        let over = self.boxed(range, depth);
        let (first, second) = (self.name(), self.name());
        let two = first != second && matches!(name, "exists" | "all") && self.chance(1, 4);
        let index = if range == Kind::Dyn { Kind::Dyn } else { Kind::Int };
        let names = if two { vec![(first, index), (second, item)] } else { vec![(first, item)] };
        let bodies = self.scoped(&names, |s| bodies.iter().map(|kind| s.expr(*kind, depth + 1)).collect());
        Expr::Macro(name, over, names.into_iter().map(|(name, _)| name).collect(), bodies)
    }
}
