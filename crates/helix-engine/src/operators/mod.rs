//! What a plan's operations mean, once: the interpreter and generated code call the same functions.
//!
//! They are the methods of [`Run`], which is one run of a query.

pub mod access;
pub mod datum;
pub mod fold;
pub mod group;
mod items;
pub mod keep;
mod lookup;
pub mod math;
pub mod paths;
pub mod predicate;
mod rerank;
mod respond;
mod run;
pub mod streams;
mod writes;

pub use items::Column;
pub use lookup::Lookup;
pub use run::{Embeddings, Limits, Run, RunContext};
pub use writes::Fields;

use crate::error::Result;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// With the next element.
    Continue,
    /// Nobody wants more.
    Stop,
}

impl Flow {
    /// Asks for the next element.
    ///
    /// # Errors
    ///
    /// Never; it is the end of a chain that may fail.
    pub const fn more() -> Result<Self> {
        Ok(Self::Continue)
    }

    /// Asks for no more.
    ///
    /// # Errors
    ///
    /// Never; it is the end of a chain that may fail.
    pub const fn stop() -> Result<Self> {
        Ok(Self::Stop)
    }
}
