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
mod program;
mod query;
mod source_map;
mod types;

pub mod date;
pub mod diff;
pub mod introspect;
pub mod json_schema;
pub mod visit;

pub use catalog::{Catalog, DefaultValue, EdgeType, Field, Index, Migration, NodeType, Origin, VectorType};
pub use encode::{DecodeError, Digest, FORMAT_VERSION};
pub use expr::{
    Assignment, Cardinality, Comparison, Direction, EdgeEnd, Entry, Expr, ExprKind, Fold, GroupTag, Heuristic, Hop,
    Literal, MathFunction, PathAlgorithm, PathEdge, PathSearch, Source, Step, Traversal, Weight,
};
pub use ids::{FieldId, SlotId, SpanId, TypeId};
pub use program::Program;
pub use query::{Access, ForBinding, Param, Query, ReadClass, Return, Slot, Statement, StatementKind};
pub use source_map::{SourceMap, SourceSpan};
pub use types::{FieldRef, ItemKind, ItemType, Kind, ScalarType, Type, ValueType};
