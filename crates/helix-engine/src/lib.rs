//! The Helix engine: storage, indexes, operators, interpreter and HTTP server.

pub mod error;
pub mod storage;
pub mod value;

pub use error::{EngineError, Result};
