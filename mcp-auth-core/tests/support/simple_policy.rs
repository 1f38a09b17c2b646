//! Sets of generated rules: decisions by way of residuals and the index, decisions that evaluate every rule, and a
//! second, deliberately simple reading of the rules of decisions over the simple evaluator. Used by `tests/it` and by
//! the fuzz target `policy_diff`.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_debug_implementations,
    missing_docs,
    reason = "a module of tests"
)]

use mcp_auth_core::Principal;
use mcp_auth_core::json::{Document, Limits};
use mcp_auth_core::mcp::{ItemKind, ListItem, McpCall, Target};
use mcp_auth_core::policy::{
    Context, DecisionReason, Effect, Join, MatchBlock, PolicyLevels, PolicySet, Rule,
};

use super::simple::{Expr, Failed, Val, World, evaluate, generate};

/// One rule as it was made.
struct Made {
    effect: Effect,
    join: Join,
    dry_run: bool,
    expressions: Vec<Expr>,
}

/// What a comparison saw, for figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub decisions: u64,
    pub allowed: u64,
    /// Decisions that the simple reading took too.
    pub simple: u64,
    /// Decisions that name scopes.
    pub step_ups: u64,
}

impl std::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.allowed += other.allowed;
        self.simple += other.simple;
        self.step_ups += other.step_ups;
    }
}

/// # Panics
///
/// Where two ways to one decision differ.
pub fn compare(data: &[u8]) -> Seen {
    let mut choices = Choices { bytes: data, scopes: false };
    let (count, profile) = (9 + choices.pick(8), choices.pick(4));
    choices.scopes = choices.pick(2) == 0;
    let rules: Vec<Made> = (0..count).map(|_| choices.rule(profile)).filter(|rule| rule.compiles()).collect();
    let mut builder = PolicySet::builder();
    for rule in &rules {
        builder = builder.block(rule.effect, rule.block()).unwrap();
    }
    let policy = builder.build();
    let twice = PolicyLevels::from(policy.clone()).followed_by(&policy.clone().into());
    let mut seen = Seen::default();
    for _ in 0..3 {
        let (world, principal, call) = choices.world();
        let document = world.claims.root().to_json();
        let scoped = document.contains("\"scope\"");
        for principal in [Some(&principal), Some(&principal), None] {
            let context = Context::new(principal).call(&call);
            let decision = policy.decide(&context);
            let about = || {
                let rules: Vec<_> =
                    rules.iter().enumerate().map(|(i, r)| format!("{i}: {}", r.show())).collect();
                format!(
                    "{}\nclaims {document}\n{call:?}\nprincipal {}",
                    rules.join("\n"),
                    principal.is_some()
                )
            };
            assert_eq!(decision, policy.decide_in_full(&context), "with residuals and in full: {}", about());
            assert_eq!(twice.decide(&context), twice.decide_in_full(&context), "{}", about());
            if principal.is_some() && !rules.iter().any(Made::asks_for_scopes) {
                let simple = decide(&rules, &world);
                assert_eq!((decision.is_allowed(), decision.reason()), simple, "and simply: {}", about());
                seen.simple += 1;
            }
            seen.decisions += 1;
            seen.allowed += u64::from(decision.is_allowed());
            assert!(decision.step_up().is_none() || principal.is_some() || !scoped);
            if let Some(needed) = decision.step_up() {
                let principal = with_scopes(&world, &needed.join(" "));
                let context = Context::new(Some(&principal)).call(&call);
                assert!(
                    policy.decide_in_full(&context).is_allowed(),
                    "{needed:?} is not enough: {}",
                    about()
                );
                seen.step_ups += 1;
            }
            // No message at all.
            let bare = Context::new(principal);
            assert_eq!(policy.decide(&bare), policy.decide_in_full(&bare), "no message: {}", about());
            // Every tool of a list.
            let levels = PolicyLevels::from(policy.clone());
            let mut listing = levels.listing(&context);
            for name in NAMES.into_iter().chain(["x", "y", "z"]) {
                let item = context.list_item(ListItem::new(ItemKind::Tool, name));
                let decision = policy.decide(&item);
                assert_eq!(decision, policy.decide_in_full(&item), "listed {name}: {}", about());
                let shown = listing.shows(ListItem::new(ItemKind::Tool, name));
                assert_eq!(shown, decision.is_allowed(), "shown {name}: {}", about());
            }
            for kind in [ItemKind::Prompt, ItemKind::Resource, ItemKind::Task] {
                let item = context.list_item(ListItem::new(kind, "a"));
                assert_eq!(
                    policy.decide(&item),
                    policy.decide_in_full(&item),
                    "listed {kind:?}: {}",
                    about()
                );
            }
        }
    }
    seen
}

/// The same claims, and exactly these scopes.
fn with_scopes(world: &World, scopes: &str) -> Principal {
    let claims = world.claims.root().to_json();
    let mut claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    claims["scope"] = scopes.into();
    Principal::danger_from_unverified_claims(claims.to_string().as_bytes()).unwrap()
}

// === decisions, simply ===

fn decide(rules: &[Made], world: &World) -> (bool, DecisionReason) {
    use DecisionReason as Why;
    let enforced = || rules.iter().enumerate().filter(|(_, rule)| !rule.dry_run);
    if rules.is_empty() {
        return (false, Why::EmptySet);
    }
    for (i, rule) in enforced().filter(|(_, rule)| rule.effect == Effect::Deny) {
        for outcome in rule.outcomes(world) {
            match outcome {
                Ok(true) => return (false, Why::DeniedBy(i)),
                Err(Failed) => return (false, Why::DenyFailed(i)),
                Ok(false) => {}
            }
        }
    }
    for (i, rule) in enforced().filter(|(_, rule)| rule.effect == Effect::Require) {
        for outcome in rule.outcomes(world) {
            match outcome {
                Ok(false) => return (false, Why::RequireFalse(i)),
                Err(Failed) => return (false, Why::RequireFailed(i)),
                Ok(true) => {}
            }
        }
    }
    let mut allows = enforced().filter(|(_, rule)| rule.effect == Effect::Allow).peekable();
    if allows.peek().is_none() {
        return (true, Why::NothingObjects);
    }
    match allows.find(|(_, rule)| rule.outcomes(world) == [Ok(true)]) {
        Some((i, _)) => (true, Why::AllowedBy(i)),
        None => (false, Why::NoAllow),
    }
}

impl Made {
    /// The outcomes that count: one for each expression that decides by itself and speaks of what is asked for.
    fn outcomes(&self, world: &World) -> Vec<Result<bool, Failed>> {
        let one = |expr: &Expr| match evaluate(expr, world) {
            Ok(Val::Bool(b)) => Ok(b),
            _ => Err(Failed),
        };
        let speaks = |exprs: &[Expr]| world.tool.is_some() || !exprs.iter().any(reads_tool);
        if matches!((self.effect, self.join), (Effect::Deny, Join::Any) | (Effect::Require, Join::All)) {
            return self.expressions.iter().filter(|e| speaks(std::slice::from_ref(*e))).map(one).collect();
        }
        if self.effect != Effect::Allow && !speaks(&self.expressions) {
            return Vec::new();
        }
        let decisive = self.join == Join::Any;
        let outcomes: Vec<_> = self.expressions.iter().map(one).collect();
        vec![if outcomes.contains(&Ok(decisive)) {
            Ok(decisive)
        } else if outcomes.contains(&Err(Failed)) {
            Err(Failed)
        } else {
            Ok(!decisive)
        }]
    }

    fn block(&self) -> MatchBlock {
        let block = MatchBlock::new(self.expressions.iter().map(ToString::to_string)).join(self.join);
        if self.dry_run { block.dry_run() } else { block }
    }

    fn compiles(&self) -> bool {
        Rule::compile(self.effect, self.block()).is_ok()
    }

    fn asks_for_scopes(&self) -> bool {
        self.expressions.iter().any(|e| e.to_string().contains("hasScope"))
    }

    fn show(&self) -> String {
        let expressions: Vec<_> = self.expressions.iter().map(ToString::to_string).collect();
        let dry_run = if self.dry_run { " (dry run)" } else { "" };
        format!("{} {}{dry_run} [{}]", self.effect, self.join, expressions.join(" | "))
    }
}

/// Whether a rule speaks of tools: the generator has no other way to say so.
fn reads_tool(expr: &Expr) -> bool {
    expr.to_string().contains("mcp.tool")
}

// === generation ===

struct Choices<'b> {
    bytes: &'b [u8],
    /// Whether rules ask for scopes, which the simple evaluator does not know.
    scopes: bool,
}

const NAMES: [&str; 6] = ["a", "b", "staff", "write_record", "", "tools/call"];
const CLAIMS: [&str; 4] = ["sub", "groups", "level", "admin"];

fn text(text: &str) -> Expr {
    Expr::Literal(Val::Text(text.to_owned()))
}

fn select(base: Expr, name: &str) -> Expr {
    Expr::Select(Box::new(base), name.to_owned())
}

fn name(name: &str) -> Expr {
    Expr::Name(name.to_owned())
}

fn binary(op: &'static str, a: Expr, b: Expr) -> Expr {
    Expr::Binary(op, Box::new(a), Box::new(b))
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().map_or((0, self.bytes), |(first, rest)| (*first, rest));
        self.bytes = rest;
        first
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    fn text(&mut self) -> Expr {
        text(NAMES[self.pick(NAMES.len())])
    }

    /// Sets of few effects get further than sets of all: what denies first hides the rest.
    fn rule(&mut self, profile: usize) -> Made {
        use Effect::{Allow, Deny, Require};
        let effects = [
            [Allow; 4],
            [Allow, Allow, Allow, Deny],
            [Require, Require, Allow, Require],
            [Allow, Deny, Deny, Require],
        ];
        let effect = effects[profile][self.pick(4)];
        let join = if self.pick(2) == 0 { Join::All } else { Join::Any };
        let count = 1 + self.pick(8).saturating_sub(5);
        let dry_run = self.pick(12) == 11;
        let expressions = (0..count).map(|_| self.expression_of(effect)).collect();
        Made { effect, join, dry_run, expressions }
    }

    /// Denials are narrow and requirements have a way out, mostly.
    fn expression_of(&mut self, effect: Effect) -> Expr {
        let expression = self.expression();
        match (effect, self.pick(5)) {
            (Effect::Deny, 1..) => binary("&&", expression, binary("&&", self.joined(2), self.joined(2))),
            (Effect::Require, 1..) => {
                binary("||", Expr::Not(Box::new(self.joined(2))), binary("||", expression, self.joined(2)))
            }
            _ => expression,
        }
    }

    /// Mostly what rules look like, sometimes anything.
    fn expression(&mut self) -> Expr {
        if self.pick(6) == 5 {
            let (taken, rest) = self.bytes.split_at(self.bytes.len().min(40));
            self.bytes = rest;
            return generate(taken).0;
        }
        self.joined(0)
    }

    fn joined(&mut self, depth: usize) -> Expr {
        match self.pick(if depth < 3 { 8 } else { 4 }) {
            0..=3 => self.test(),
            4 => Expr::Not(Box::new(self.joined(depth + 1))),
            5 | 6 => binary("&&", self.joined(depth + 1), self.joined(depth + 1)),
            _ => binary("||", self.joined(depth + 1), self.joined(depth + 1)),
        }
    }

    fn test(&mut self) -> Expr {
        let claim = select(name("jwt"), CLAIMS[self.pick(CLAIMS.len())]);
        let tool = select(select(name("mcp"), "tool"), "name");
        match self.pick(if self.scopes { 19 } else { 17 }) {
            0..=2 => binary("==", tool, self.text()),
            3 => binary("!=", tool, self.text()),
            4 => binary("in", tool, Expr::List(vec![self.text(), self.text()])),
            5 => Expr::Method(Box::new(tool), "startsWith", vec![self.text()]),
            6 | 7 => binary("in", self.text(), claim),
            8 => {
                let body = binary("==", name("g"), self.text());
                Expr::Macro("exists", Box::new(claim), vec!["g".to_owned()], vec![body])
            }
            9 | 10 => binary("==", select(name("jwt"), "sub"), self.text()),
            11 => binary("!=", select(name("jwt"), "sub"), self.text()),
            12 => binary("in", select(name("jwt"), "sub"), Expr::List(vec![self.text(), self.text()])),
            13 => Expr::Has(Box::new(name("jwt")), CLAIMS[self.pick(CLAIMS.len())].to_owned()),
            14 => binary("==", select(name("mcp"), "method"), self.text()),
            15 => binary("==", select(name("jwt"), "sub"), tool),
            16 => binary(">", claim, Expr::Literal(Val::Int(1))),
            _ => Expr::Call("hasScope", vec![text(["r", "w"][self.pick(2)])]),
        }
    }

    /// Claims that a principal can have, and a call.
    fn world(&mut self) -> (World, Principal, McpCall) {
        let mut members = Vec::new();
        match self.pick(12) {
            0 => {}
            _ => members.push(format!("\"sub\":{:?}", NAMES[self.pick(NAMES.len())])),
        }
        match self.pick(12) {
            0 => {}
            1 => members.push(format!("\"groups\":{:?}", NAMES[self.pick(NAMES.len())])),
            _ => {
                let groups: Vec<_> =
                    (0..self.pick(4)).map(|_| format!("{:?}", NAMES[self.pick(NAMES.len())])).collect();
                members.push(format!("\"groups\":[{}]", groups.join(",")));
            }
        }
        for claim in ["level", "admin"] {
            let value = ["1", "2.5", "true", "null", "\"a\"", "[1,\"a\"]", "{\"a\":1}"][self.pick(7)];
            if self.pick(3) > 0 {
                members.push(format!("\"{claim}\":{value}"));
            }
        }
        if self.pick(3) > 0 {
            members.push(format!("\"scope\":{:?}", ["", "r", "w", "r w"][self.pick(4)]));
        }
        let json = format!("{{{}}}", members.join(","));
        let principal = Principal::danger_from_unverified_claims(json.as_bytes()).unwrap();
        let method = ["tools/call", "a", "ping"][self.pick(3)];
        let tool = (self.pick(4) > 0).then(|| NAMES[self.pick(NAMES.len())].to_owned());
        let call = McpCall::new(method, tool.clone().map(|name| Target::Tool(name.into())));
        let claims = Document::parse(json.as_bytes(), &Limits::default()).unwrap();
        (World { claims, method: Some(method.to_owned()), tool }, principal, call)
    }
}
