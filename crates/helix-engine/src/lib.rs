//! The Helix engine: storage, indexes, operators, interpreter and HTTP server.

pub mod backup;
pub mod catalog;
pub mod compiled;
pub mod embed;
pub mod engine;
pub mod error;
pub mod graph;
pub mod ids;
mod inspect;
pub mod interpret;
mod mcp;
pub mod operators;
pub mod row;
mod runtime;
pub mod server;
pub mod service;
pub mod storage;
pub mod text;
pub mod transfer;
pub mod value;
pub mod vector;
pub mod verify;

pub use engine::{ActivateOptions, Activated, Clock, Engine, EngineOptions, Stats};
pub use error::{EngineError, Result};
