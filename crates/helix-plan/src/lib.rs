//! The plan: the typed, name-free program that stands between the HelixQL compiler and the engine.
//!
//! The compiler lowers `.hx` files to a [`Program`]; the engine interprets it, and the emitter turns it into Rust. Every
//! expression carries its [`Type`], every schema name is an id, and every node points back to its source through a
//! [`SpanId`].
//!
//! The plan is plain data: it does no IO, reads no clock, and knows nothing of storage.

mod catalog;
mod encode;
mod expr;
mod ids;
mod lookup;
mod path;
mod program;
mod query;
mod source_map;
mod traversal;
mod types;

pub mod date;
pub mod diff;
pub mod introspect;
pub mod json_schema;
pub mod visit;

pub use catalog::{Catalog, DefaultValue, EdgeType, Field, Index, Migration, NodeType, Origin, VectorType};
pub use encode::{DecodeError, Digest, FORMAT_VERSION};
pub use expr::{Assignment, Comparison, Entry, Expr, ExprKind, Fold, Literal, MathFunction};
pub use ids::{FieldId, SlotId, SpanId, TypeId};
pub use lookup::Lookup;
pub use path::{Heuristic, PathAlgorithm, PathEdge, PathSearch, Weight};
pub use program::Program;
pub use query::{Access, ForBinding, Param, Query, ReadClass, Return, Slot, Statement, StatementKind};
pub use source_map::{SourceMap, SourceSpan};
pub use traversal::{Cardinality, Direction, EdgeEnd, GroupTag, Hop, Reach, Source, Step, Traversal};
pub use types::{FieldRef, ItemKind, ItemType, Kind, ScalarType, Type, ValueType};
