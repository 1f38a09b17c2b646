//! The reference gateway of mcp-auth.
fn main(){}
