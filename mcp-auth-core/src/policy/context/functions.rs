//! The functions that rules may call besides those of the language.

use std::cell::RefCell;

use super::Context;
use crate::cel::{Value, Variables};
use crate::json;
use crate::policy::Settings;
use crate::request_target::check_path;

/// Most scopes that are remembered as asked for by one decision.
const MAX_ASKED: usize = 64;

/// Which scopes count as granted.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) enum Grant<'g> {
    /// Those that the token grants, and what they imply.
    Held,
    /// All, and those that are asked for are remembered.
    All(Option<&'g Recorder>),
    /// Exactly these.
    Only(&'g [Box<str>]),
}

/// The scopes that rules asked for, in order.
#[derive(Debug, Default)]
pub(in crate::policy) struct Recorder(RefCell<Vec<Box<str>>>);

/// What an expression is evaluated with: the context, read as a policy set is configured.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Evaluation<'e> {
    pub(in crate::policy) context: &'e Context<'e>,
    pub(in crate::policy) settings: &'e Settings,
    pub(in crate::policy) grant: &'e Grant<'e>,
}

impl Recorder {
    fn add(&self, scope: &str) {
        let mut asked = self.0.borrow_mut();
        if asked.len() < MAX_ASKED && !asked.iter().any(|s| **s == *scope) {
            asked.push(scope.into());
        }
    }

    pub(in crate::policy) fn into_scopes(self) -> Vec<Box<str>> {
        self.0.into_inner()
    }
}

impl Variables for Evaluation<'_> {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        self.context.get(name)
    }

    fn call<'a>(&'a self, name: &str, args: &[Value<'a>]) -> Option<Value<'a>> {
        call(self.context, self.settings, *self.grant, name, args)
    }

    fn text(&self, number: u32) -> Option<&str> {
        self.context.text(number)
    }

    fn object(&self, number: u32) -> Option<json::Object<'_>> {
        self.context.object(number)
    }
}

/// `None`: the function fails.
pub(super) fn call<'a>(
    context: &Context<'_>,
    settings: &Settings,
    grant: Grant<'_>,
    name: &str,
    args: &[Value<'a>],
) -> Option<Value<'a>> {
    let outcome = match (name, args) {
        ("hasScope", [scope]) => has_scope(context, settings, grant, scope.as_str()?)?,
        ("inGroup", [group]) => {
            let (claims, group) = (context.principal?.claims(), group.as_str()?);
            settings.group_claims().any(|claim| claims.get(claim).is_some_and(|v| lists(v, group)))
        }
        ("hasAudience", [audience]) => {
            let audience = audience.as_str()?;
            context.principal?.audiences().any(|a| a == audience)
        }
        ("pathMatches", [path, pattern]) => path_matches(path.as_str()?, pattern.as_str()?)?,
        _ => return None,
    };
    Some(Value::Bool(outcome))
}

fn has_scope(context: &Context<'_>, settings: &Settings, grant: Grant<'_>, scope: &str) -> Option<bool> {
    let principal = context.principal?;
    Some(match grant {
        Grant::Held => settings.hierarchy().grants(|| principal.scopes(), scope),
        Grant::All(recorder) => {
            if let Some(recorder) = recorder {
                recorder.add(scope);
            }
            true
        }
        Grant::Only(scopes) => scopes.iter().any(|s| **s == *scope),
    })
}

/// Whether a claim is this text, or a list with it.
fn lists(claim: json::Value<'_>, text: &str) -> bool {
    match claim {
        json::Value::String(one) => one == text,
        json::Value::Array(many) => many.iter().any(|item| item.as_str() == Some(text)),
        _ => false,
    }
}

/// `*` stands for one segment, `**` at the end for any number of them. A path that two servers could read in two
/// ways, and a pattern that is none, fail.
fn path_matches(path: &str, pattern: &str) -> Option<bool> {
    check_path(path).ok()?;
    let mut wanted = pattern.strip_prefix('/')?.split('/');
    let mut given = path.strip_prefix('/')?.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (Some("**"), _) => return wanted.next().is_none().then_some(true),
            (Some(pattern), _) if pattern.contains('*') && pattern != "*" => return None,
            (None, None) => return Some(true),
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(pattern), Some(segment)) if pattern == segment => {}
            _ => return Some(false),
        }
    }
}
