//! Tests against the public interface.

#[cfg(test)]
mod cel_spec;
#[cfg(test)]
mod simple_cel;
