//! The `helix` tool: from an empty folder to a running graph-vector database.

pub mod compiler;
pub mod integrations;
pub mod ops;
