//! Rules evaluated as far as a caller's claims allow, and an index over what is left.
//!
//! ```text
//!  load       rules ─▶ parts joined by && || !  ─▶ parts over claims alone (atoms, each once for the whole set)
//!                                               └▶ the rest, with the names that decide it
//!  meeting    principal ─▶ outcome of each atom ─▶ residual: what is still undecided, by name, method and path
//!  decision   principal ─▶ residual ─▶ candidates for this tool ─▶ decision
//! ```
//!
//! - A residual depends on the outcomes of the atoms and on nothing else, so that everybody with the same outcomes
//!   shares one. They are held within a number of bytes, and go with their set.
//! - A principal remembers the residuals it has met, weakly.
//! - A part over the request that stands in several rules is evaluated once in a decision.
//! - Tests of a claim that is different for everybody (`jwt.sub == "alice"`) would give everybody a residual. They are
//!   taken to be as they are for somebody who is not mentioned; for those who are, the few rules that mention them are
//!   evaluated in full, in the place of what the residual says of them.
//! - What decisions come to is what evaluating every rule would come to, rule and reason included. The exception is
//!   limits: parts are evaluated within the steps of an expression each. So that this shows nowhere, somebody with
//!   claims so large that a whole rule could exceed its steps is judged rule by rule.

mod atoms;
mod known;
mod memo;
mod plan;
mod residual;
mod skeleton;

pub(crate) use known::Known;
pub(super) use known::{How, Whom};
pub(super) use memo::Memo;
pub(super) use plan::{Fixed, Plan};
pub(super) use residual::Candidates;
