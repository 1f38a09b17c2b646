//! Tests against the public interface.

#[cfg(test)]
mod cel_spec;
