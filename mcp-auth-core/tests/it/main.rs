//! Vectors of others and of our own, run through the public API; with every cryptographic backend where signatures
//! are checked.
//!
//! - `cel_spec`, `simple_cel`: CEL against its specification and against a second evaluator
//! - `simple_policy`: decisions against every rule evaluated, and against a second reading of the rules of decisions
//! - `wycheproof`, `cookbook`: data that nobody of this project wrote, read in place
//! - `wycheproof::generated`: valid tokens of every algorithm and their mutations, made here
//! - `malformed`: tokens that have to be refused, counted
//! - `signatures`: forgeries that need a look into the padding, the scalar or the point
//! - `backends`: what they have in common besides
//! - `differential`: our verdict against another library's

#[cfg(test)]
mod backends;
#[cfg(test)]
mod cel_spec;
#[cfg(test)]
mod cookbook;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod simple_cel;
#[cfg(test)]
mod simple_policy;
#[cfg(test)]
mod support;
#[cfg(test)]
mod wycheproof;
