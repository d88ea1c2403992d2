//! The Helix engine: storage, indexes, operators, interpreter and HTTP server.

pub mod catalog;
pub mod error;
pub mod graph;
pub mod ids;
pub mod interpret;
pub mod operators;
pub mod row;
pub mod storage;
pub mod value;
pub mod vector;
pub mod verify;

pub use error::{EngineError, Result};
