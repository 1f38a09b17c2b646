//! A predicate taken apart: what `&&`, `||` and `!` join, as programs of their own.

use std::fmt::Write as _;

use super::op::{Call, Callee, Comprehension, Op, OpKind, Step, StepKind};
use super::program::Program;
use super::value::Value;

/// How a predicate is built from parts that are joined by `&&`, `||` and `!`.
///
/// A part stands for its truth: what is no boolean fails. Evaluating the parts and joining the outcomes as the
/// language does has the outcome that evaluating the whole has, limits excepted, which each part has for itself.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the language joins in no other way")]
pub enum Structure {
    /// `&&`
    All(Vec<Structure>),
    /// `||`
    Any(Vec<Structure>),
    /// `!`
    Not(Box<Structure>),
    /// Anything else.
    Part(Program),
}

impl Program {
    /// Takes the predicate apart.
    ///
    /// ```
    /// use mcp_auth_core::cel::{Environment, Program, Structure, Type};
    ///
    /// let environment = Environment::new().variable("jwt", Type::Dyn).variable("tool", Type::String);
    /// let rule = Program::compile_predicate(r#"jwt.admin || tool != "drop""#, &environment)?;
    /// let Structure::Any(parts) = rule.structure() else { unreachable!() };
    /// let [Structure::Part(admin), Structure::Part(tool)] = &parts[..] else { unreachable!() };
    /// assert!(admin.depends_only_on(&["jwt"]) && tool.depends_only_on(&["tool"]));
    /// # Ok::<(), mcp_auth_core::cel::CelError>(())
    /// ```
    pub fn structure(&self) -> Structure {
        self.take_apart(self.root())
    }

    fn take_apart(&self, op: &Op) -> Structure {
        match &op.kind {
            OpKind::Logic { operands, decisive } => {
                let mut operands: Vec<&Op> = operands.iter().collect();
                // As they are written, whatever order is fastest.
                operands.sort_by_key(|op| op.span.start());
                let parts = operands.into_iter().map(|op| self.take_apart(op)).collect();
                if *decisive { Structure::Any(parts) } else { Structure::All(parts) }
            }
            OpKind::Not { operand, odd: true } => Structure::Not(Box::new(self.take_apart(operand))),
            OpKind::Not { operand, odd: false } => self.take_apart(operand),
            _ => Structure::Part(self.with_root(op.clone(), op.span)),
        }
    }

    /// A text that two programs of one environment share only if they do the same.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        fingerprint(self.root(), &mut text);
        text
    }
}

/// Every node is written with its kind and its number of children, strings with their quotes and escapes, so that no
/// two trees have one text.
fn fingerprint(op: &Op, out: &mut String) {
    let _ = match &op.kind {
        OpKind::Fast(_, general) => return fingerprint(general, out),
        OpKind::Const(value) => return constant(value, out),
        OpKind::Variable(name) => write!(out, "var {name:?}"),
        OpKind::Local(depth, index) => write!(out, "local {depth} {index}"),
        OpKind::Fail(kind, name) => write!(out, "fail {kind:?} {name:?}"),
        OpKind::Path { base, steps } => {
            let _ = write!(out, "path{} ", steps.len());
            fingerprint(base, out);
            return steps.iter().for_each(|step| self::step(step, out));
        }
        OpKind::List(items) => {
            let optional: Vec<bool> = items.iter().map(|item| item.optional).collect();
            write!(out, "list {optional:?}")
        }
        OpKind::Map(entries) => {
            let optional: Vec<bool> = entries.iter().map(|entry| entry.optional).collect();
            write!(out, "map {optional:?}")
        }
        OpKind::Let { values, .. } => write!(out, "let{}", values.len()),
        OpKind::Not { odd, .. } => write!(out, "not {odd}"),
        OpKind::Negate { odd, .. } => write!(out, "negate {odd}"),
        OpKind::Logic { operands, decisive } => write!(out, "logic{} {decisive}", operands.len()),
        OpKind::Chain { rest, .. } => {
            let operators: Vec<&str> = rest.iter().map(|(op, _)| op.text()).collect();
            write!(out, "chain {operators:?}")
        }
        OpKind::Conditional { arms, .. } => write!(out, "if{}", arms.len()),
        OpKind::Call(call) => return self::call(call, out),
    };
    out.push('(');
    op.children(&mut |child, _| {
        fingerprint(child, out);
        out.push(';');
    });
    out.push(')');
}

fn step(step: &Step, out: &mut String) {
    let _ = match &step.kind {
        StepKind::Field(name) => write!(out, ".field {name:?}"),
        StepKind::OptionalField(name) => write!(out, ".?field {name:?}"),
        StepKind::Has(name) => write!(out, ".has {name:?}"),
        StepKind::Index(_) => write!(out, ".index"),
        StepKind::OptionalIndex(_) => write!(out, ".?index"),
        StepKind::Call(call) => return self::call(call, out),
        StepKind::Macro(m) => {
            let Comprehension { kind, two, condition, result, .. } = &**m;
            write!(out, ".macro {kind:?} {two} {} {}", condition.is_some(), result.is_some())
        }
        StepKind::OptionalMap { flat, .. } => write!(out, ".optmap {flat}"),
        StepKind::HasValue => write!(out, ".hasvalue"),
        StepKind::Value => write!(out, ".value"),
        StepKind::Or(_) => write!(out, ".or"),
        StepKind::OrValue(_) => write!(out, ".orvalue"),
    };
    out.push('(');
    step.kind.children(&mut |child, _| {
        fingerprint(child, out);
        out.push(';');
    });
    out.push(')');
}

fn call(call: &Call, out: &mut String) {
    let _ = match &call.callee {
        Callee::Function(function) => write!(out, "call{} {function:?}", call.args.len()),
        Callee::Pattern(regex) => write!(out, "pattern{} {:?}", call.args.len(), regex.as_str()),
        Callee::Host(name, _) => write!(out, "host{} {name:?}", call.args.len()),
        Callee::Unknown(name) => write!(out, "unknown{} {name:?}", call.args.len()),
    };
    out.push('(');
    for arg in &call.args {
        fingerprint(arg, out);
        out.push(';');
    }
    out.push(')');
}

fn constant(value: &Value<'_>, out: &mut String) {
    let _ = match value {
        Value::Null => write!(out, "null"),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Int(i) => write!(out, "int {i}"),
        Value::Uint(u) => write!(out, "uint {u}"),
        Value::Double(d) => write!(out, "double {:x}", d.to_bits()),
        Value::String(s) => write!(out, "{:?}", &**s),
        Value::Bytes(b) => write!(out, "bytes {:?}", &**b),
        Value::Type(t) => write!(out, "type {t:?}"),
        Value::Timestamp(t) => write!(out, "time {t:?}"),
        Value::Duration(d) => write!(out, "duration {d:?}"),
        Value::IpAddress(a) => write!(out, "ip {a:?}"),
        Value::Cidr(c) => write!(out, "cidr {c:?}"),
        Value::Optional(None) => write!(out, "none"),
        Value::Optional(Some(inner)) => {
            out.push_str("some ");
            return constant(inner, out);
        }
        Value::List(list) => {
            let _ = write!(out, "list{}(", list.len());
            list.visit(|item| {
                constant(&item, out);
                out.push(';');
                true
            });
            write!(out, ")")
        }
        Value::Map(map) => {
            let _ = write!(out, "map{}(", map.len());
            map.visit(|key, value| {
                for value in [key, value] {
                    constant(&value, out);
                    out.push(';');
                }
                true
            });
            write!(out, ")")
        }
        // A constant is never an object of the caller.
        Value::Struct(_) => write!(out, "struct"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cel::{Environment, Type};

    fn program(source: &str) -> Program {
        let text = Type::map(Type::String, Type::Dyn);
        Program::compile_predicate(source, &Environment::new().variable("jwt", text)).unwrap()
    }

    #[test]
    fn a_fingerprint_tells_programs_apart() {
        let different = [
            "jwt.a == -1",
            "jwt.a == 1",
            "-1 == jwt.a",
            "1 == jwt.a",
            "jwt.a == 1u",
            "jwt.a == 1.0",
            "jwt.a == '1'",
            "jwt.a != 1",
            "jwt.b == 1",
            "jwt.?a == optional.of(1)",
            "has(jwt.a)",
            "jwt.a.b == 1",
            "jwt['a.b'] == 1",
            "(jwt.a || jwt.b) && jwt.c",
            "jwt.a || jwt.b && jwt.c",
            "!(jwt.a || jwt.b)",
            "!jwt.a || jwt.b",
            "jwt.a in ['x', 'y']",
            "jwt.a in ['x,y']",
            "jwt.a in ['x\", \"y']",
            "jwt.a.exists(x, x == 'a')",
            "jwt.a.all(x, x == 'a')",
            "jwt.a.exists(x, y, x == 'a')",
            "jwt.a.exists(x, y, y == 'a')",
            "jwt.a.matches('a')",
            "jwt.a.matches('b')",
            "jwt.a.startsWith('a')",
            "jwt.a == b'a'",
            "jwt.a.exists(x, jwt.b.exists(y, x == y))",
            "jwt.a.exists(x, jwt.b.exists(y, y == y))",
            "timestamp(0) < timestamp(jwt.a)",
            "timestamp(1) < timestamp(jwt.a)",
            "jwt.a ? jwt.b : jwt.c",
            "jwt.a[0] == 1",
            "jwt.a[1] == 1",
            "cel.bind(x, jwt.a, x == 1)",
            "jwt.a + 1 == 2",
            "jwt.a - 1 == 2",
            "jwt.a == [1, [2]]",
            "jwt.a == [[1], 2]",
            "jwt.a == {'k': 1}",
            "jwt.a == {'k': '1'}",
            "jwt.a == null",
        ];
        let prints: Vec<String> = different.iter().map(|source| program(source).fingerprint()).collect();
        for (i, a) in prints.iter().enumerate() {
            for (j, b) in prints.iter().enumerate() {
                assert_eq!(a == b, i == j, "{} / {}", different[i], different[j]);
            }
        }
        for (a, b) in [
            ("jwt.a == 1", " jwt . a==1 "),
            ("jwt['a'] == 1", "(jwt['a']) == 1"),
            ("jwt.x || jwt.y", "(jwt.x) || (jwt.y)"),
        ] {
            assert_eq!(program(a).fingerprint(), program(b).fingerprint());
        }
    }

    #[test]
    fn parts_are_joined_as_they_were() {
        let Structure::All(parts) = program("jwt.a && !(jwt.b || !jwt.c) && !!jwt.d").structure() else {
            panic!()
        };
        let [Structure::Part(_), Structure::Not(inner), Structure::Part(_)] = &parts[..] else {
            panic!("{parts:?}")
        };
        let Structure::Any(inner) = &**inner else { panic!() };
        assert!(matches!(&inner[..], [Structure::Part(_), Structure::Not(_)]));
        assert!(matches!(program("jwt.a == 1").structure(), Structure::Part(_)));
    }
}
