//! Queries and their statements.

use serde::{Deserialize, Serialize};

use crate::{Entry, Expr, SlotId, SourceMap, SpanId, Type, ValueType};

/// One endpoint: what it takes, what it does, what it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The name, which is the path of its endpoint.
    pub name: String,
    /// The parameters in declaration order.
    pub params: Vec<Param>,
    /// Whether it needs the writer.
    pub access: Access,
    /// How much work a read is known to be.
    pub class: ReadClass,
    /// Whether it is also a tool of the MCP endpoint.
    pub mcp: bool,
    /// The embedding model that overrides the project's.
    pub embedding_model: Option<String>,
    /// Every slot of the query; [`SlotId`] indexes this.
    pub slots: Vec<Slot>,
    /// The statements, in order.
    pub body: Vec<Statement>,
    /// The response.
    pub returns: Return,
    /// Where the query was written.
    pub span: SpanId,
    /// The spans that the nodes of this query refer to.
    pub source_map: SourceMap,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// The member of the request body.
    pub name: String,
    /// What it must be.
    pub ty: ValueType,
    /// The slot that holds it.
    pub slot: SlotId,
}

/// A place that holds a value while a query runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// The name in the source; `_` for the anonymous item.
    pub name: String,
    /// What it holds.
    pub ty: Type,
}

/// Which kind of transaction a query needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// A snapshot.
    Read,
    /// The single writer.
    Write,
}

/// How much work a read is expected to be, which says where it runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadClass {
    /// It starts from known items and walks from there: tried on an I/O thread, and moved from it when it takes long.
    Short,
    /// It goes through all items of a type, or searches vectors.
    Long,
}

/// A statement with its place in the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where it was written.
    pub span: SpanId,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StatementKind {
    /// Computes a value and keeps it: the items are read now.
    Assign {
        /// Where it is kept.
        slot: SlotId,
        /// What is computed.
        value: Expr,
    },
    /// Computes a value for its effects.
    Evaluate(Expr),
    /// Deletes every item that the expression gives, with the edges of nodes and vectors. An empty or failed lookup is no error.
    Drop(Expr),
    /// Runs a block for each element of a list, in order.
    For {
        /// A list, or a stream of items.
        list: Expr,
        /// What the element is bound to.
        binding: ForBinding,
        /// The block.
        body: Vec<Statement>,
    },
}

/// What a `FOR` binds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ForBinding {
    /// The element.
    Element(SlotId),
    /// Members of the element, which is an object: index of the member in the element's type, and its slot.
    Members(Vec<(u16, SlotId)>),
}

/// What a query answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Return {
    /// The body `null`.
    Null,
    /// One object. Keys are distinct.
    Object(Vec<Entry>),
}
