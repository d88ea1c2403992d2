//! The catalog: what the store knows of types, and the program's types resolved against it.
//!
//! A program numbers its types by name, the store by age. [`LiveCatalog`] joins both once, when a program is activated or
//! loaded, so that nothing looks a name up afterwards.

mod activate;
pub mod build;
mod live;
mod migrate;
pub mod pending;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
mod text;

pub use activate::{Activation, activate, active, changes};
pub use live::{BuildingIndex, EdgeEnds, LiveCatalog, LiveField, LiveIndex, LiveType};
pub use stored::{StoredField, StoredIndex, StoredLayout, StoredType};
pub use text::{StoredText, indexes_text};
