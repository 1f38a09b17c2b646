//! The meaning of the language where engines differ, the check at load, and the limits.

use super::{
    CelErrorKind, Environment, EvalErrorKind, Explanation, Program, StructType, StructValue, Type,
    Unreadable, Value, Variables,
};
use crate::json::{Document, Limits};

fn show(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Uint(u) => format!("{u}u"),
        Value::Double(d) => format!("{d:?}"),
        Value::String(s) => format!("{:?}", &**s),
        Value::Timestamp(t) => t.to_string(),
        Value::Duration(d) => d.to_string(),
        Value::Optional(None) => "none".to_owned(),
        Value::Optional(Some(inner)) => format!("some({})", show(inner)),
        Value::List(list) => {
            let mut items = Vec::new();
            list.visit(|item| {
                items.push(show(&item));
                true
            });
            format!("[{}]", items.join(", "))
        }
        other => other.type_name().to_owned(),
    }
}

struct Tool;

impl StructValue for Tool {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok((name == "name").then(|| "write_record".into()))
    }
}

struct Mcp;

impl StructValue for Mcp {
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
        Ok(match name {
            "method" => Some("tools/call".into()),
            "tool" => Some(Value::Struct(&Tool)),
            "lost" => return Err(Unreadable::Ambiguous),
            "later" => return Err(Unreadable::NotKnownYet),
            _ => None,
        })
    }
}

struct World(Document);

impl Variables for World {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "jwt" => Some(self.0.root().into()),
            "mcp" => Some(Value::Struct(&Mcp)),
            _ => None,
        }
    }

    fn call<'a>(&'a self, name: &str, args: &[Value<'a>]) -> Option<Value<'a>> {
        (name == "hasScope").then(|| Value::Bool(args.first().and_then(Value::as_str) == Some("mcp:read")))
    }
}

fn world() -> World {
    let claims = br#"{"sub":"bob","groups":["mcp-readers","staff"],"role":"superadmin","exp":1700000000,
        "big":18446744073709551615,"ratio":1.5,"address":{"country":"CH"},"https://x.example/role":"a",
        "none":null,"empty":[]}"#;
    World(Document::parse(claims, &Limits::default()).unwrap())
}

fn environment() -> Environment {
    let named = StructType::new().field("name", Type::String);
    let mcp =
        StructType::new().field("method", Type::String).field("tool", named.clone()).field("prompt", named);
    Environment::new().variable("jwt", Type::Dyn).variable("mcp", mcp).function(
        "hasScope",
        &[Type::String],
        Type::Bool,
    )
}

fn eval(expr: &str) -> Result<String, EvalErrorKind> {
    let world = world();
    let program = Program::compile(expr, &environment()).unwrap_or_else(|e| panic!("{}", e.render(expr)));
    program.evaluate(&world).map(|v| show(&v)).map_err(|e| e.kind())
}

fn load(expr: &str) -> (CelErrorKind, String) {
    let error =
        Program::compile_predicate(expr, &environment()).err().unwrap_or_else(|| panic!("{expr} loads"));
    (error.kind(), error.message().to_owned())
}

#[test]
fn values() {
    let table = [
        (r#"!!(jwt.sub == "alice")"#, "false"),
        (r#"!(jwt.sub == "alice")"#, "true"),
        (r#"matches(jwt.sub, "^root$")"#, "false"),
        (r#"matches(jwt.sub, "^bob$")"#, "true"),
        (r#"jwt.sub.matches("o")"#, "true"),
        (r#"jwt.sub.matches(jwt.sub)"#, "true"),
        (r#""staff" in jwt.groups"#, "true"),
        (r#""admin" in jwt.groups"#, "false"),
        (r#""sub" in jwt"#, "true"),
        (r#"jwt.sub in ["alice", "bob"]"#, "true"),
        (r#"jwt.groups.exists(g, g == "mcp-readers")"#, "true"),
        (r#"jwt.groups.all(g, g.startsWith("mcp"))"#, "false"),
        (r#"jwt.groups.exists_one(g, g.contains("s"))"#, "false"),
        (r#"jwt.groups.filter(g, g == "staff")"#, r#"["staff"]"#),
        (r#"jwt.groups.map(g, size(g))"#, "[11, 5]"),
        (r#"jwt.groups.map(g, g == "staff", g + "!")"#, r#"["staff!"]"#),
        (r#"jwt.address.country == "CH""#, "true"),
        (r#"jwt["https://x.example/role"]"#, r#""a""#),
        (r#"jwt.`https`== 1 || true"#, "true"),
        (r#"has(jwt.email)"#, "false"),
        (r#"has(jwt.none) && jwt.none == null"#, "true"),
        (r#"has(mcp.prompt)"#, "false"),
        (r#"has(mcp.tool.name)"#, "true"),
        (r#"mcp.tool.name != "write_record""#, "false"),
        (r#"mcp["method"]"#, r#""tools/call""#),
        (r#"jwt.missing == 1 || jwt.sub == "bob""#, "true"),
        (r#"jwt.missing == 1 && false"#, "false"),
        (r#"jwt.sub == 1"#, "false"),
        (r#"jwt.exp < 1700000000.5 && jwt.exp > 1u"#, "true"),
        (r#"jwt.big == 18446744073709551615u && jwt.big > 1"#, "true"),
        (r#"jwt.exp + 1"#, "1700000001"),
        (r#"jwt == jwt && jwt.groups == ["mcp-readers", "staff"]"#, "true"),
        (r#"type(jwt) == map && type(mcp) == map"#, "true"),
        (r#"hasScope("mcp:read") && !hasScope("mcp:write")"#, "true"),
        (r#"size("żółw")"#, "4"),
        (r#"[1, 2, 3].exists(x, [x].exists(y, y + x == 4))"#, "true"),
        (r#"dyn(9007199254740993) == 9007199254740994u"#, "false"),
        (r#"jwt.groups.join(",").split(",") == jwt.groups"#, "true"),
        (r#""a-b".replace("-", "+").upperAscii()"#, r#""A+B""#),
        (r#"false ? 1 : true ? 2 : 3"#, "2"),
        ("1 // one\n + 1", "2"),
        ("2 + 3 * 4 - 10 / 5 % 3", "12"),
        ("1 + 1 == 2 && 3 > 2 || false", "true"),
        ("double('NaN') == double('NaN') || double('NaN') < 1.0", "false"),
        ("jwt.?email.orValue('none')", r#""none""#),
        ("jwt.?sub.orValue('none')", r#""bob""#),
        ("jwt.?address.country", r#"some("CH")"#),
        ("jwt.?nothing.country", "none"),
        ("jwt.?sub.optMap(s, s + '!').orValue('')", r#""bob!""#),
        ("[?jwt.?email, ?jwt.?sub]", r#"["bob"]"#),
        ("timestamp(jwt.exp) + duration('1h') > timestamp('2023-11-14T00:00:00Z')", "true"),
        ("timestamp(jwt.exp).getFullYear()", "2023"),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", "true"),
        ("cel.bind(n, size(jwt.groups), n + n)", "4"),
        ("cel.bind(unused, jwt.missing, true)", "true"),
        ("cel.block([jwt.sub, cel.index(0) + '!', cel.index(1) + '!'], cel.index(2))", r#""bob!!""#),
        ("jwt.groups.exists(i, g, i == 1 && g == 'staff')", "true"),
        ("'%s has %d groups'.format([jwt.sub, size(jwt.groups)])", r#""bob has 2 groups""#),
        ("sets.intersects(jwt.groups, ['staff', 'guests'])", "true"),
        ("sets.contains(['staff'], jwt.groups)", "false"),
        ("jwt.groups.exists(g, g in ['guests', 'staff'])", "true"),
        ("jwt.sub.startsWith('b') && jwt.sub.endsWith('b') && jwt.sub.contains('o')", "true"),
        ("math.greatest(1, 2u, 3.0, 2)", "3.0"),
    ];
    for (expr, expected) in table {
        assert_eq!(eval(expr).as_deref(), Ok(expected), "{expr}");
    }
}

#[test]
fn failures() {
    let table = [
        (r#""admin" in jwt.role"#, EvalErrorKind::NoSuchOverload),
        ("jwt.missing", EvalErrorKind::NoSuchKey),
        ("mcp.prompt.name == \"x\"", EvalErrorKind::NoSuchKey),
        ("has(jwt.missing.deeper)", EvalErrorKind::NoSuchKey),
        ("jwt.sub < 1", EvalErrorKind::NoSuchOverload),
        ("jwt.exp + 1.0", EvalErrorKind::NoSuchOverload),
        ("jwt.exp / 0", EvalErrorKind::DivisionByZero),
        ("jwt.exp + 9223372036854775807", EvalErrorKind::Overflow),
        ("jwt.groups[2]", EvalErrorKind::IndexOutOfRange),
        ("jwt.groups[-1]", EvalErrorKind::IndexOutOfRange),
        ("jwt.sub && true", EvalErrorKind::NoSuchOverload),
        ("jwt.groups.exists(g, g > 1)", EvalErrorKind::NoSuchOverload),
        ("{jwt.sub: 1, 'bob': 2}", EvalErrorKind::DuplicateKey),
        ("{jwt.ratio: 1}", EvalErrorKind::UnsupportedKey),
        ("jwt.sub.matches(jwt.sub + '(')", EvalErrorKind::InvalidPattern),
        ("int(jwt.sub)", EvalErrorKind::InvalidConversion),
        ("mcp.exists(k, true) || jwt.nothing", EvalErrorKind::NoSuchOverload),
        ("jwt.?email.value()", EvalErrorKind::NoValue),
        ("jwt.sub.or(jwt.?email)", EvalErrorKind::NoSuchOverload),
        ("timestamp(jwt.sub)", EvalErrorKind::InvalidConversion),
        ("ip(jwt.sub)", EvalErrorKind::InvalidConversion),
        ("duration('1h') + duration('2562047h')", EvalErrorKind::Overflow),
        ("'%d'.format([jwt.sub])", EvalErrorKind::NoSuchOverload),
        ("'%d'.format([])", EvalErrorKind::InvalidFormat),
        ("cel.bind(used, jwt.missing, used)", EvalErrorKind::NoSuchKey),
    ];
    for (expr, expected) in table {
        let program = Program::compile_unchecked(expr, &environment()).unwrap();
        let world = world();
        let error = program.evaluate(&world).expect_err(expr);
        assert_eq!(error.kind(), expected, "{expr}");
        assert!(!error.render(expr).replace(expr, "").contains("bob"), "{expr} tells a claim");
    }
}

#[test]
fn refused_at_load() {
    use CelErrorKind::*;
    let table = [
        ("jwtt.sub == 'a'", UnknownVariable, "unknown variable `jwtt`, did you mean `jwt`?"),
        ("mcp.tol.name == 'a'", UnknownField, "unknown field `tol`, did you mean `tool`?"),
        (
            "jwt.sub.startWith('a')",
            UnknownFunction,
            "unknown function `startWith`, did you mean `startsWith`?",
        ),
        ("hasScop('a')", UnknownFunction, "unknown function `hasScop`, did you mean `hasScope`?"),
        (
            "startsWith(jwt.sub, 'a')",
            UnknownFunction,
            "`startsWith` is called on a value: `value.startsWith(...)`",
        ),
        ("jwt.sub.startsWith()", ArgumentCount, "`startsWith` takes 1 argument, 0 given"),
        ("hasScope('a', 'b')", ArgumentCount, "`hasScope` takes 1 argument, 2 given"),
        ("hasScope(1)", Type, "argument 1 of `hasScope` is int, not string"),
        ("mcp.method == 1", NeverEqual, "`==` compares string with int, which are never equal"),
        ("mcp.method in [1, 2]", NeverEqual, "`in` looks for string among int, which are never equal"),
        ("'call' in mcp.method", Type, "`in` looks into lists and maps, not strings: use `contains`"),
        ("mcp.method < 1", Type, "`<` does not take string and int"),
        ("mcp.method", NotBoolean, "result must be a boolean, this is string"),
        ("mcp.method && true", Type, "expected a boolean, this is string"),
        ("{'a': 1, 'a': 2} == jwt", DuplicateKey, "map repeats a key"),
        ("jwt.sub.matches('(')", Pattern, "regular expression is malformed: unclosed group"),
        (
            "jwt.sub.matches('(a{1000}){1000}')",
            Pattern,
            "regular expression takes more than 1048576 bytes compiled",
        ),
        ("timestamp('x') > 1", Type, "`>` does not take timestamp and int"),
        ("jwt.?email > 1", Type, "`>` does not take optional(dyn) and int"),
        ("mcp.method.value() == 1", Type, "`value` cannot be called on string"),
        (
            "mcp.?method == 'a'",
            NeverEqual,
            "`==` compares optional(string) with string, which are never equal",
        ),
        ("ip(1)", Type, "argument 1 of `ip` is int, not string"),
        ("cidr('10.0.0.0/8').containsIP(1)", Type, "argument 1 of `containsIP` is int, not net.IP or string"),
        ("jwt.exp.int()", UnknownFunction, "`int` is not called on a value: `int(...)`"),
        ("math.abz(1) == 1", UnknownFunction, "unknown function `math.abz`, did you mean `math.abs`?"),
        ("cel.block([cel.index(0)], true)", UnknownVariable, "unknown variable `cel.index(0)`"),
        ("cel.block(jwt, true)", Syntax, "`cel.block` takes a list of values and a result"),
        ("a.b.C{x: 1} == 1", Unsupported, "construction of messages (`Type{...}`) is not supported"),
        ("jwt.groups.exists(g.x, true)", Syntax, "expected the name of a variable for the macro"),
        ("has(jwt)", Syntax, "`has` takes a field selection such as `has(jwt.email)`"),
        ("jwt.sub = 'a'", Syntax, "expected the end of the expression, found `=`"),
        ("true ? 1", Syntax, "expected `:`, found the end of the expression"),
        ("", Syntax, "expected a value, found the end of the expression"),
        ("'abc", Syntax, "string is not closed"),
        ("9223372036854775808 > 1", Syntax, "number out of range"),
        ("if == 1", Syntax, "`if` is a reserved word"),
        ("'\\ud800' == ''", Syntax, "escape is not a unicode character"),
        ("1a", Syntax, "malformed number"),
    ];
    for (expr, kind, message) in table {
        assert_eq!(load(expr), (kind, message.to_owned()), "{expr}");
    }
}

#[test]
fn an_error_points_at_its_place() {
    let source = "jwt.sub == 'a' ||\n  jwtt.admin";
    let error = Program::compile(source, &environment()).unwrap_err();
    assert_eq!(error.to_string(), "2:3: unknown variable `jwtt`, did you mean `jwt`?");
    assert_eq!(
        error.render(source),
        "2:3: unknown variable `jwtt`, did you mean `jwt`?\n2 |   jwtt.admin\n  |   ^^^^"
    );
}

#[test]
fn mentions() {
    let source =
        r#"has(jwt.email) || jwt.groups.exists(g, g == mcp.tool.name) || jwt["iss"] == jwt[mcp.method]"#;
    let program = Program::compile(source, &environment()).unwrap();
    let paths: Vec<_> = program.mentions().map(ToString::to_string).collect();
    assert_eq!(paths, ["jwt", "jwt.email", "jwt.groups", "jwt.iss", "mcp.method", "mcp.tool.name"]);
    assert!(program.reads("mcp.tool") && program.reads("mcp") && program.reads("jwt.other"));
    assert!(!program.reads("mcp.prompt") && !program.reads("mcp.tool.names"));
    assert!(program.mentions().any(|p| p.starts_with("mcp.tool") && p.root() == "mcp"));
}

#[test]
fn chains_need_no_stack() {
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    let run = small.spawn(|| {
        let load = |source: &str| Program::compile(source, &environment()).map_err(|e| e.kind());
        let world = world();
        let sum = vec!["1"; 5_000].join("+");
        assert_eq!(load(&sum).unwrap().evaluate(&world).map(|v| show(&v)).unwrap(), "5000");
        for (term, operator) in [("true", "&&"), ("false", "||"), ("1", "-"), ("1", "*"), ("1", "==")] {
            let chain = vec![term; 2_000].join(operator);
            let _ = load(&chain).map(|p| p.evaluate(&world).map(|v| show(&v)));
        }
        let path = format!("jwt{}", ".a".repeat(5_000));
        assert_eq!(load(&path).unwrap().evaluate(&world).unwrap_err().kind(), EvalErrorKind::NoSuchKey);
        assert_eq!(load(&format!("{}true", "!".repeat(10_000))).unwrap().evaluate_bool(&world), Ok(true));
        assert_eq!(
            load(&format!("{}1", "-".repeat(10_000))).unwrap().evaluate(&world).map(|v| show(&v)).unwrap(),
            "1"
        );
        assert!(load(&format!("{}1", "true ? 1 : ".repeat(1_000))).is_ok());
    });
    run.unwrap().join().unwrap();
}

#[test]
fn nesting_is_bounded() {
    // Half of the default stack of a thread, without optimization.
    let run = std::thread::Builder::new().stack_size(1024 * 1024).spawn(|| {
        let load = |source: &str| Program::compile(source, &environment()).map_err(|e| e.kind());
        let world = world();
        for open in
            ["(", "[", "{1:", "f(", "a[", "1+(", "!(", "-(", "true ? 1 : (", "jwt.all(x, ", "{[", "a.b("]
        {
            let source = open.repeat(10_000 / open.len());
            assert_eq!(load(&source).unwrap_err(), CelErrorKind::Limit, "{open}");
        }
        // As deep as is allowed, and evaluated.
        let nested = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        load(&nested).unwrap().evaluate(&world).unwrap();
        let step = "[jwt.sub].exists(a, true && ";
        for depth in 1..60 {
            let source = format!("{}true{}", step.repeat(depth), ")".repeat(depth));
            if let Ok(program) = load(&source) {
                assert_eq!(program.evaluate_bool(&world), Ok(true));
            }
        }
        assert_eq!(load(&"1".repeat(super::MAX_SOURCE_BYTES + 1)).unwrap_err(), CelErrorKind::Limit);
        assert_eq!(load(&format!("[{}]", "1,".repeat(8_000))).map(|_| ()), Ok(()));
        assert_eq!(load(&format!("[{}]", "1-1,".repeat(4_000))).unwrap_err(), CelErrorKind::Limit);
        // Values that use each other are as deep as they are evaluated.
        let block = |length: usize| {
            let values: Vec<_> = (1..length).map(|i| format!("cel.index({}) + 1", i - 1)).collect();
            format!("cel.block([size(jwt), {}], cel.index({}))", values.join(", "), length - 1)
        };
        load(&block(20)).unwrap().evaluate(&world).unwrap();
        assert_eq!(load(&block(1_000)).unwrap_err(), CelErrorKind::Limit);
    });
    run.unwrap().join().unwrap();
}

#[test]
fn attack_073_cost_is_bounded_at_load() {
    let nested = |depth: usize| {
        let names = ["a", "b", "c", "d"];
        let inner = "true".to_owned();
        names.iter().take(depth).fold(inner, |body, name| format!("jwt.groups.all({name}, {body})"))
    };
    let cost = |source: &str| Program::compile(source, &environment()).map(|p| p.cost());
    let (one, two) = (cost(&nested(1)).unwrap(), cost(&nested(2)).unwrap());
    assert!(one >= 100 && two >= 100 * one && two < 1_000 * one, "{one} {two}");
    let error = cost(&nested(3)).unwrap_err();
    assert_eq!(error.kind(), CelErrorKind::Cost);
    assert!(error.message().starts_with("expression may take 2030"), "{error}");
    assert!(error.message().contains("the limit is 100000"), "{error}");
    assert_eq!(error.span().start(), 10, "points at the outer macro");
    assert!(Program::compile(&nested(3), &environment().max_cost(10_000_000)).is_ok());
    // What is known to be small is cheap, whatever its shape.
    assert!(
        cost("[1, 2].all(a, [1, 2].all(b, [1, 2].all(c, [1, 2].all(d, jwt.x == a + b + c + d))))").unwrap()
            < 1_000
    );
    assert!(cost("jwt.sub.matches(jwt.pattern)").unwrap() > 5_000);
}

#[test]
fn attack_073_steps_and_output_are_bounded() {
    let world = world();
    let environment = environment().max_cost(u64::MAX);
    let program = Program::compile("jwt.groups.exists(g, g == 'none')", &environment).unwrap();
    assert_eq!(program.evaluate_within(&world, 1).unwrap_err().kind(), EvalErrorKind::BudgetExceeded);
    let digits = "[1,2,3,4,5,6,7,8,9,jwt.exp]";
    let mut loops = "true".to_owned();
    for name in ["a", "b", "c", "d", "e", "f"] {
        loops = format!("{digits}.all({name}, {loops})");
    }
    // A limit is not an error that `||` absorbs.
    for source in [loops.clone(), format!("{loops} || jwt.exp > 0"), format!("[1].exists(x, {loops})")] {
        let program = Program::compile(&source, &environment).unwrap();
        assert_eq!(program.evaluate(&world).unwrap_err().kind(), EvalErrorKind::BudgetExceeded, "{source}");
    }
    let mut doubled = "['0123456789abcdef' + jwt.sub]".to_owned();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        doubled = format!("{doubled}.map({name}, {name} + {name} + {name} + {name})");
    }
    let program = Program::compile(&doubled, &environment).unwrap();
    let error = program.evaluate_within(&world, u64::MAX).unwrap_err();
    assert_eq!(error.kind(), EvalErrorKind::OutputTooLarge);
    assert!(program.evaluate(&world).is_err());
    // A list that holds another twice, many times over, is small in memory and large to look at.
    let mut twice = "[jwt.sub]".to_owned();
    for _ in 0..12 {
        twice = format!("cel.bind(x, {twice}, [x, x, x, x])");
    }
    let program = Program::compile(&format!("cel.bind(y, {twice}, y == y)"), &environment).unwrap();
    assert_eq!(program.evaluate(&world).unwrap_err().kind(), EvalErrorKind::BudgetExceeded);
}

#[test]
fn attack_072_patterns_are_linear_and_limited() {
    let long = "a".repeat(20_000);
    let claims =
        format!(r#"{{"text":"{long}!","pattern":"(a+)+$","large":"(a{{1000}}){{1000}}","long":"{long}"}}"#);
    let world = World(Document::parse(claims.as_bytes(), &Limits::default()).unwrap());
    let eval = |source: &str| {
        let program = Program::compile(source, &environment()).unwrap();
        program.evaluate(&world).map(|v| show(&v)).map_err(|e| e.kind())
    };
    assert_eq!(eval("jwt.text.matches('^(a+)+$')").as_deref(), Ok("false"));
    assert_eq!(eval("jwt.text.matches(jwt.pattern)").as_deref(), Ok("false"));
    assert_eq!(eval("jwt.text.matches(jwt.large)"), Err(EvalErrorKind::InvalidPattern));
    assert_eq!(eval("jwt.text.matches(jwt.long)"), Err(EvalErrorKind::InvalidPattern));
    // Text that is looked at is paid for.
    let many = format!("[{}].all(x, !jwt.text.matches('b') && x > 0)", ["1"; 50].join(","));
    assert_eq!(eval(&many), Err(EvalErrorKind::BudgetExceeded));
}

#[test]
fn warnings() {
    let jwt = StructType::new().field("groups", Type::list(Type::String)).field("sub", Type::String);
    let environment = Environment::new().variable("jwt", jwt.open(Type::Dyn));
    let warnings = |source: &str| {
        let program = Program::compile_predicate(source, &environment)
            .unwrap_or_else(|e| panic!("{}", e.render(source)));
        program.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        warnings("jwt.group.exists(g, g == 'a') || 'a' in jwt.groups || has(jwt.custom)"),
        ["1:4: `group` is not a known field, did you mean `groups`?"]
    );
    assert_eq!(
        warnings("jwt.sub == 'a' || jwt.exp > int('a')"),
        ["1:29: this always fails: value cannot be converted"]
    );
    let error = Program::compile("jwt.sub == 1", &environment).unwrap_err();
    assert_eq!(error.message(), "`==` compares string with int, which are never equal");
    assert_eq!(Program::compile("1 < 2 && 'a' in ['a']", &environment).unwrap().constant(), Some(Ok(true)));
    assert_eq!(Program::compile("jwt.sub == 'a'", &environment).unwrap().constant(), None);
    let fails = Program::compile_predicate("timestamp('x') > timestamp(0)", &environment).unwrap();
    assert_eq!(fails.constant().unwrap().unwrap_err().kind(), EvalErrorKind::InvalidConversion);
    assert_eq!(fails.warnings().len(), 1);
}

/// What cannot be read fails whatever needs it, and is absorbed like any failure; what waits is told before what
/// failed, in either order.
#[test]
fn a_field_that_cannot_be_read_fails() {
    let world = world();
    let named = StructType::new().field("name", Type::String);
    let mcp =
        ["method", "lost", "later"].iter().fold(StructType::new(), |s, name| s.field(name, Type::String));
    let environment = Environment::new().variable("mcp", mcp.field("tool", named)).variable("jwt", Type::Dyn);
    let kind = |source: &str| {
        let program = Program::compile(source, &environment).unwrap();
        program.evaluate_bool(&world).map_err(|error| error.kind())
    };
    for source in [
        "mcp.lost == 'a'",
        "mcp.lost != 'a'",
        "has(mcp.lost)",
        "'lost' in mcp",
        "mcp.?lost.hasValue()",
        "mcp['lost'] == 'a'",
        "mcp[jwt.?absent.orValue('lost')] == 'a'",
        "mcp.lost == 'a' && mcp.method == 'tools/call'",
        "mcp.method == 'x' || mcp.lost == 'a'",
        "['a'].all(x, x != mcp.lost)",
        "mcp.lost == 'a' ? true : true",
    ] {
        assert_eq!(kind(source), Err(EvalErrorKind::Ambiguous), "{source}");
    }
    assert_eq!(kind("mcp.lost == 'a' || mcp.method == 'tools/call'"), Ok(true));
    assert_eq!(kind("['a', 'b'].exists(x, x == 'b' || x == mcp.lost)"), Ok(true));
    for source in ["mcp.lost == 'a' || mcp.later == 'a'", "mcp.later == 'a' || mcp.lost == 'a'"] {
        assert_eq!(kind(source), Err(EvalErrorKind::NotKnownYet), "{source}");
    }
    assert_eq!(kind("['lost', 'later'].exists(x, mcp[x] == 'a')"), Err(EvalErrorKind::NotKnownYet));
}

/// Comparing by index looked for every item from the beginning: this would take minutes.
#[test]
fn attack_073_lists_are_compared_side_by_side() {
    let list = vec!["1"; 90_000].join(",");
    let limits = Limits::default().max_bytes(1 << 20).max_nodes(1 << 20);
    let document = Document::parse(format!(r#"{{"a":[{list}],"b":[{list}]}}"#).as_bytes(), &limits).unwrap();
    let world = World(document);
    for (source, expected) in [("jwt.a == jwt.b", true), ("jwt.a in [jwt.b]", true), ("jwt.a == [1]", false)]
    {
        let program = Program::compile_predicate(source, &environment()).unwrap();
        assert_eq!(program.evaluate_bool(&world), Ok(expected), "{source}");
    }
    for (source, expected) in [
        ("jwt.l == [1, [2.0, 'a']]", true),
        ("[1, [2.0, 'a']] == jwt.l", true),
        ("jwt.l == [1, [2.0, 'b']]", false),
        ("[dyn(1)] + [[2, 'a']] == jwt.l", true),
    ] {
        let world = World(Document::parse(br#"{"l":[1,[2,"a"]]}"#, &limits).unwrap());
        let program = Program::compile_predicate(source, &environment()).unwrap();
        assert_eq!(program.evaluate_bool(&world), Ok(expected), "{source}");
    }
}

/// Names for values are no way around the steps of a round.
#[test]
fn attack_073_a_round_costs_what_it_does() {
    let list = vec!["1"; 2_000].join(",");
    let world = World(Document::parse(format!("[{list}]").as_bytes(), &Limits::default()).unwrap());
    let sum = " + 1".repeat(100);
    for body in [
        format!("i{sum} > 0"),
        format!("cel.bind(x, i, x{sum} > 0)"),
        format!("cel.bind(x, i{sum}, x > 0)"),
        format!("optional.of(i).optMap(x, x{sum}).value() > 0"),
    ] {
        let program = Program::compile_predicate(&format!("jwt.all(i, {body})"), &environment()).unwrap();
        let error = program.evaluate_bool(&world).unwrap_err();
        assert_eq!(error.kind(), EvalErrorKind::BudgetExceeded, "{body}");
    }
}

/// A part takes many times the memory of what it is cut from, so that steps are asked for before.
#[test]
fn attack_073_text_is_not_split_into_more_parts_than_there_are_steps() {
    let limits = Limits::default().max_bytes(1 << 20);
    let text = |commas: usize| {
        World(Document::parse(format!(r#"{{"s":"{}"}}"#, ",".repeat(commas)).as_bytes(), &limits).unwrap())
    };
    for source in ["jwt.s.split(',')", "jwt.s.split('')", "jwt.s.split(',', 900000)"] {
        let program = Program::compile(source, &environment()).unwrap();
        let error = program.evaluate(&text(900_000)).unwrap_err();
        assert_eq!(error.kind(), EvalErrorKind::BudgetExceeded, "{source}");
        assert!(program.evaluate(&text(10_000)).is_ok(), "{source}");
    }
}

/// RE2, which the language names, takes ASCII.
#[test]
fn classes_of_regular_expressions_are_ascii() {
    for (pattern, text, expected) in [
        (r"^\d+$", "42", true),
        (r"^\d+$", "٤٢", false),
        (r"^\w+$", "a_1", true),
        (r"^\w+$", "é", false),
        (r"^[\w.-]+$", "a.b-c", true),
        (r"^[\w.-]+$", "а.b-c", false),
        (r"^\s$", " ", true),
        (r"^\s$", "\u{a0}", false),
        (r"^[^\W]$", "a", true),
        (r"^\D\S$", "éé", true),
        (r"^\\d$", r"\d", true),
        (r"^\\d$", "1", false),
        (r"^\pL$", "é", true),
    ] {
        for source in ["jwt.t.matches(jwt.p)".to_owned(), format!("jwt.t.matches(r'{pattern}')")] {
            let claims = serde_json::json!({ "t": text, "p": pattern }).to_string();
            let world = World(Document::parse(claims.as_bytes(), &Limits::default()).unwrap());
            let program = Program::compile_predicate(&source, &environment()).unwrap();
            assert_eq!(program.evaluate_bool(&world), Ok(expected), "{pattern} {text}");
        }
    }
    let error = Program::compile("'a'.matches('[a')", &environment()).unwrap_err();
    assert_eq!(error.message(), "regular expression is malformed: unclosed character class");
}

#[test]
fn an_explanation_has_the_outcome_of_the_evaluation() {
    let list = vec!["1"; 10_000].join(",");
    let limits = Limits::default().max_bytes(1 << 20).max_nodes(1 << 20);
    let world = World(Document::parse(format!(r#"{{"l":[{list}]}}"#).as_bytes(), &limits).unwrap());
    let source = "!(jwt.l.exists(x, x == 2) || (jwt.l.exists(x, x == 3) && true))";
    let program = Program::compile_predicate(source, &environment()).unwrap();
    let outcome = program.explain(&world).outcome.map(|value| value.as_bool());
    assert_eq!((program.evaluate_bool(&world), outcome), (Ok(true), Ok(Some(true))));
}

#[test]
fn an_explanation_holds_what_was_evaluated() {
    fn lines(source: &str, explanation: &Explanation<'_>, depth: usize, out: &mut Vec<String>) {
        let text = source.get(explanation.span.start()..explanation.span.end()).unwrap();
        let outcome = explanation.outcome.as_ref().map_or_else(|e| format!("error: {e}"), show);
        out.push(format!("{}{text} => {outcome}", " ".repeat(depth)));
        explanation.parts.iter().for_each(|part| lines(source, part, depth + 1, out));
    }
    let source = "jwt.missing > 3 || (has(jwt.email) && true) || !(mcp.tool.name == 'x') || jwt.never";
    let program = Program::compile(source, &environment()).unwrap();
    let (world, mut out) = (world(), Vec::new());
    lines(source, &program.explain(&world), 0, &mut out);
    assert_eq!(
        out,
        [
            &format!("{source} => true"),
            " jwt.missing > 3 => error: no such key `missing`",
            "  jwt.missing => error: no such key `missing`",
            " has(jwt.email) => false",
            " !(mcp.tool.name == 'x') => true",
            "  (mcp.tool.name == 'x') => false",
            "   mcp.tool.name => \"write_record\"",
        ]
    );
    let source = "has(jwt.email) && jwt.email.startsWith('a') && mcp.method != 'x'";
    let program = Program::compile(source, &environment()).unwrap();
    out.clear();
    lines(source, &program.explain(&world), 0, &mut out);
    assert_eq!(out, [&format!("{source} => false"), " has(jwt.email) => false"]);
}

#[test]
fn admitted_strings() {
    let admitted = |source: &str| {
        let program = Program::compile(source, &environment()).unwrap();
        program
            .admitted("mcp.tool.name")
            .map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let some = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    assert_eq!(admitted("mcp.tool.name == 'a'"), some(&["a"]));
    assert_eq!(admitted("mcp.tool.name in ['b', 'a'] && jwt.x > 1"), some(&["a", "b"]));
    assert_eq!(admitted("mcp.tool.name == 'a' && mcp.tool.name in ['b', 'a']"), some(&["a"]));
    assert_eq!(admitted("mcp.tool.name == 'a' || 'b' == mcp.tool['name'] && jwt.y"), some(&["a", "b"]));
    assert_eq!(admitted("false"), some(&[]));
    for other in [
        "mcp.tool.name != 'a'",
        "mcp.tool.name == 'a' || jwt.x",
        "!(mcp.tool.name == 'a')",
        "mcp.method == 'a'",
        "jwt.x ? mcp.tool.name == 'a' : false",
    ] {
        assert_eq!(admitted(other), None, "{other}");
    }
}

#[test]
fn a_program_is_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Program>();
    shared::<Environment>();
}
