//! The catalog: what the store knows of types, and the program's types resolved against it.
//!
//! A program numbers its types by name, the store by age. [`LiveCatalog`] joins both once, when a program is activated or
//! loaded, so that nothing looks a name up afterwards.

mod activate;
mod live;
pub(crate) mod stored;

pub(crate) use activate::clear_prefix;
pub use activate::{Activation, activate};
pub use live::{EdgeEnds, LiveCatalog, LiveField, LiveIndex, LiveType};
pub use stored::{StoredField, StoredIndex, StoredLayout, StoredType};
