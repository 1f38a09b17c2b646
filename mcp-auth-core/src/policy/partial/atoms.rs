//! Parts of rules that depend on the caller's claims alone.

use std::collections::{BTreeMap, BTreeSet};

use super::skeleton::Possible;
use crate::cel::Program;
use crate::json::{Object, Value};

/// Claims that are different for nearly everybody. A test of one against literals singles out those who are named.
const IDENTITY_CLAIMS: [&str; 16] = [
    "sub",
    "email",
    "preferred_username",
    "username",
    "unique_name",
    "upn",
    "name",
    "oid",
    "uid",
    "user_id",
    "client_id",
    "azp",
    "appid",
    "jti",
    "sid",
    "session_state",
];

/// A claim that is compared with more literals than this is taken for one that is different for nearly everybody.
const MANY_LITERALS: usize = 32;

/// One part, wherever in the set it stands.
#[derive(Debug)]
pub(super) struct Atom {
    pub(super) program: Program,
    pub(super) single: Option<Single>,
}

/// A test of one claim against literals.
#[derive(Debug)]
pub(super) struct Single {
    /// Its place among the [claims](Singled::claims) that are tested so.
    pub(super) claim: usize,
    /// The literals whose outcome may be another.
    pub(super) literals: BTreeSet<Box<str>>,
    /// The outcome for any other string.
    pub(super) otherwise: Possible,
}

/// The claims that single out callers.
#[derive(Debug, Default)]
pub(super) struct Singled {
    /// The way to each, from the claims down.
    pub(super) claims: Vec<Vec<Box<str>>>,
}

/// What a part says about one claim.
struct Test {
    /// The way to it, from the claims down.
    claim: Vec<Box<str>>,
    literals: BTreeSet<Box<str>>,
    otherwise: Possible,
}

/// The test that a part is, when it reads nothing but one claim.
fn test(program: &Program) -> Option<Test> {
    let mut mentions = program.mentions();
    let (path, None) = (mentions.next()?, mentions.next()) else { return None };
    let mut segments = path.segments();
    if segments.next() != Some("jwt") {
        return None;
    }
    let claim: Vec<Box<str>> = segments.map(Box::from).collect();
    // Names with dots have no path in words.
    if claim.is_empty() || claim.iter().any(|name| name.contains('.')) {
        return None;
    }
    let words = path.to_string();
    let (literals, otherwise) = match (program.admitted(&words), program.excepted(&words)) {
        (Some(literals), _) => (literals, Possible::NO),
        (None, Some(literals)) => (literals, Possible::YES),
        _ => return None,
    };
    Some(Test { claim, literals: literals.into_iter().map(Box::from).collect(), otherwise })
}

impl Singled {
    /// Finds the tests that single out callers among the atoms.
    pub(super) fn find(atoms: &mut [Atom]) -> Self {
        let tests: Vec<_> = atoms.iter().map(|atom| test(&atom.program)).collect();
        let mut literals: BTreeMap<Vec<Box<str>>, BTreeSet<Box<str>>> = BTreeMap::new();
        for test in tests.iter().flatten() {
            literals.entry(test.claim.clone()).or_default().extend(test.literals.iter().cloned());
        }
        literals.retain(|claim, set| {
            let identity = matches!(&claim[..], [name] if IDENTITY_CLAIMS.contains(&&**name));
            identity || set.len() > MANY_LITERALS
        });
        let claims: Vec<_> = literals.into_keys().collect();
        for (atom, found) in atoms.iter_mut().zip(tests) {
            let Some(Test { claim, literals, otherwise }) = found else { continue };
            if let Ok(claim) = claims.binary_search(&claim) {
                atom.single = Some(Single { claim, literals, otherwise });
            }
        }
        Self { claims }
    }

    /// The value of each claim, where it is a string.
    pub(super) fn values<'p>(&self, claims: Option<Object<'p>>) -> Vec<Option<&'p str>> {
        let value = |path: &Vec<Box<str>>| {
            let (last, way) = path.split_last()?;
            let object = way.iter().try_fold(claims?, |object, name| object.get(name)?.as_object())?;
            object.get(last).and_then(Value::as_str)
        };
        self.claims.iter().map(value).collect()
    }
}
