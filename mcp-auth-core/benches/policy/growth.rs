//! How decisions grow with the number of rules, users and tools.

use mcp_auth_core::Principal;
use mcp_auth_core::mcp::{ItemKind, ListItem, McpCall, Target};
use mcp_auth_core::policy::{Context, Effect, PolicyLevels, PolicySet, PolicySetBuilder};

use super::support::Bench;

/// Rules on groups and tools mixed: half say who may, the others who may not and what is required.
fn mixed(count: usize) -> PolicySetBuilder {
    let mut builder =
        PolicySet::builder().allow(r#""staff" in jwt.groups && mcp.tool.name == "known""#).unwrap();
    for i in 1..count {
        let (group, tool) = (i % 97, i / 2);
        let (effect, rule) = match i % 4 {
            0 | 1 => (Effect::Allow, format!(r#""g{group}" in jwt.groups && mcp.tool.name == "t{tool}""#)),
            2 => (Effect::Deny, format!(r#"mcp.tool.name == "t{tool}" && !("g{group}" in jwt.groups)"#)),
            _ => (Effect::Require, format!(r#"mcp.tool.name != "t{tool}" || "g{group}" in jwt.groups"#)),
        };
        builder = builder.rule(effect, &rule).unwrap();
    }
    builder
}

fn member(index: usize, groups: &[usize]) -> Principal {
    let groups: Vec<_> = groups.iter().map(|g| format!("\"g{g}\"")).collect();
    let claims = format!(
        r#"{{"sub":"user-{index}","iss":"i","groups":["staff",{}],"scope":"a b"}}"#,
        groups.join(",")
    );
    Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap()
}

fn call(tool: &str) -> McpCall {
    McpCall::new("tools/call", Some(Target::Tool(tool.into())))
}

/// Three groups, never the same three twice.
fn combinations() -> impl Iterator<Item = [usize; 3]> {
    (2..97).flat_map(|a| (1..a).flat_map(move |b| (0..b).map(move |c| [a, b, c])))
}

pub(super) fn by_rules(bench: &mut Bench) {
    let sets = [10, 100, 1_000, 10_000].map(|count| mixed(count).build());
    let [ten, hundred, thousand, ten_thousand] = &sets;
    let user = member(1, &[3, 17, 40]);
    let calls = ["known", "t3", "never"].map(call);
    let all = |set: &PolicySet| {
        calls.iter().filter(|call| set.decide(&Context::new(Some(&user)).call(call)).is_allowed()).count()
    };
    for set in &sets {
        for call in &calls {
            let context = Context::new(Some(&user)).call(call);
            assert_eq!(set.decide(&context), set.decide_in_full(&context));
        }
        assert_eq!(all(set), 1);
    }
    bench
        .race("three decisions for a known principal, by the number of rules", 0)
        .case("10 rules", || all(ten))
        .case("100 rules", || all(hundred))
        .case("1,000 rules", || all(thousand))
        .case("10,000 rules", || all(ten_thousand))
        .at_most("10,000 rules", 2.0, &["10 rules"])
        .run();

    let known = &calls[0];
    // A new principal each time: a new token of the same claims, whose residual is known; and one of new claims.
    let refreshed =
        |set: &PolicySet| set.decide(&Context::new(Some(&member(1, &[3, 17, 40]))).call(known)).is_allowed();
    let meets = |set: &PolicySet, groups: Option<[usize; 3]>| {
        let user = member(1, &groups.unwrap());
        set.decide(&Context::new(Some(&user)).call(known)).is_allowed()
    };
    let in_full = |set: &PolicySet| set.decide_in_full(&Context::new(Some(&user)).call(known));
    let mut new = [(); 3].map(|()| combinations());
    let [some, others, more] = &mut new;
    bench
        .race("first meeting of a principal and a set", 0)
        .case("1,000 rules, claims seen before", || refreshed(thousand))
        .case("10,000 rules, claims seen before", || refreshed(ten_thousand))
        .case("100 rules, new claims", || meets(hundred, some.next()))
        .case("1,000 rules, new claims", || meets(thousand, others.next()))
        .case("10,000 rules, new claims", || meets(ten_thousand, more.next()))
        .case("100 rules, every rule", || in_full(hundred))
        .case("1,000 rules, every rule", || in_full(thousand))
        .case("10,000 rules, every rule", || in_full(ten_thousand))
        // Evaluating every rule is linear, and outgrows the caches of a busy machine at the same number of rules.
        .at_most("1,000 rules, new claims", 15.0, &["100 rules, new claims"])
        .at_most("1,000 rules, new claims", 20.0, &["1,000 rules, every rule"])
        .at_most("10,000 rules, new claims", 20.0, &["10,000 rules, every rule"])
        .run();
}

pub(super) fn by_users(bench: &mut Bench) {
    let title = "100,000 users in 50 combinations of groups, 1,000 rules";
    if !bench.wants(title) {
        return;
    }
    let set = mixed(1_000).deny(r#"jwt.sub == "user-7" && mcp.tool.name == "known""#).unwrap().build();
    let known = call("known");
    let allowed = |index: usize| {
        let combination = index % 50;
        let user = member(index, &[combination, combination + 3]);
        set.decide(&Context::new(Some(&user)).call(&known)).is_allowed()
    };
    println!("\n{title}");
    let mut count = 0;
    for users in [0..10, 10..100, 100..1_000, 1_000..10_000, 10_000..100_000] {
        let end = users.end;
        count += users.filter(|index| allowed(*index)).count();
        println!("  {end:>7} users: {} residuals, {} bytes", set.residuals(), set.residual_bytes());
    }
    bench.check("at most 50 residuals", set.residuals() <= 50);
    bench.check("all but the one who is denied by name are allowed", count == 99_999);
}

fn item(name: &str) -> ListItem<'_> {
    ListItem::new(ItemKind::Tool, name)
}

/// Tools with the same outcome of every rule count once: one decision for each outcome is the least there is to do.
pub(super) fn by_tools(bench: &mut Bench) {
    for (rules, tools, limit) in [
        (1_000, 10, None),
        (1_000, 100, None),
        (1_000, 1_000, Some(5.0)),
        (1_000, 10_000, None),
        (10, 1_000, None),
        (10_000, 1_000, Some(5.0)),
    ] {
        let policy = PolicyLevels::from(mixed(rules).build());
        let user = member(1, &[3, 17, 40]);
        let names: Vec<String> = (0..tools).map(|i| format!("t{i}")).collect();
        let context = Context::new(Some(&user));
        let shown = || {
            let mut listing = policy.listing(&context);
            names.iter().filter(|name| listing.shows(item(name))).count()
        };
        let decide = |name: &str| policy.decide(&context.list_item(item(name)));
        assert_eq!(shown(), names.iter().filter(|name| decide(name).is_allowed()).count());
        let mut outcomes: Vec<(String, &String)> =
            names.iter().map(|name| (format!("{:?}", decide(name)), name)).collect();
        outcomes.sort();
        outcomes.dedup_by(|a, b| a.0 == b.0);
        let distinct: Vec<&String> = outcomes.into_iter().map(|(_, name)| name).collect();
        let title = format!("a list of {tools} tools under {rules} rules, {} outcomes", distinct.len());
        let mut race = bench
            .race(&title, 0)
            .case("list", shown)
            .case("one decision per outcome", || {
                distinct.iter().filter(|name| decide(name).is_allowed()).count()
            })
            .case("one decision per tool", || names.iter().filter(|name| decide(name).is_allowed()).count());
        if let Some(limit) = limit {
            race = race.at_most("list", limit, &["one decision per outcome"]);
        }
        race.run();
    }
}
