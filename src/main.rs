//! The `helix` executable.

fn main() {}
