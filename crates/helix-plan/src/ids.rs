//! Newtypes for everything that is counted, so that indexes cannot be mixed.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl $name {
            /// The id as an index into the list that it numbers.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A node, edge or vector type: an index into the list of its kind in the [`Catalog`](crate::Catalog), which is sorted
    /// by name. Local to one program; the store maps it to an id of its own by name.
    TypeId(u16)
);
id!(
    /// A declared field: an index into the fields of its type, in declaration order. Local to one program, as [`TypeId`].
    FieldId(u16)
);
id!(
    /// A place of a query that holds a value while it runs: a parameter, a variable, or the current item of a step.
    SlotId(u32)
);
id!(
    /// An index into the [`SourceMap`](crate::SourceMap) of the query that holds the node.
    SpanId(u32)
);
