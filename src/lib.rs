//! The `helix` tool: from an empty folder to a running graph-vector database.

pub mod cli;
pub mod commands;
pub mod compiler;
pub mod config;
pub mod ctx;
pub mod docker;
pub mod errors;
pub mod http;
pub mod integrations;
pub mod ops;
pub mod project;
pub mod registry;
pub mod ui;
pub mod utils;
