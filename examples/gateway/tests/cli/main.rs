//! The commands `check` and `explain` as processes, on real files.

#[cfg(test)]
mod check;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod explain_errors;
#[cfg(test)]
mod world;
