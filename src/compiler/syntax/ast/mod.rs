//! Typed views of the syntax tree: one small struct a node kind, an enum where a place takes several.
//!
//! Every part is optional, since the tree may come from a broken file. Views borrow nothing and copy cheaply.

mod expr;
mod item;
mod literal;
mod query;
mod step;
mod traversal;

pub use expr::{
    AddEdge, AddNode, AddVector, And, Array, BatchAddVector, Embed, Ends, Entry, Exists, Expr, Math, NameExpr,
    NoneExpr, Not, NowExpr, Object, Or,
};
pub use item::{
    EdgeDef, Field, FieldDefault, FieldList, FieldMapping, Item, ItemMapping, ListType, MappedItem, Migration,
    NamedType, NodeDef, ObjectType, SchemaBlock, SchemaVersion, SourceFile, Type, VectorDef,
};
pub use literal::{BadLiteral, Literal, LiteralValue};
pub use query::{
    Assignment, Block, Drop, ExprStatement, For, ForBinding, ForMembers, ForPath, Macro, MacroKind, Param, Query,
    Return, Statement,
};
pub use step::{
    AddEdgeStep, AggregateBy, Closure, Comparison, ComparisonOperator, Count, Direction, Exclude, First, FromN, FromV,
    GroupBy, IdStep, In, InEdges, Intersect, Mapping, MappingValue, Order, Out, OutEdges, Path, Prefilter, Projection,
    Range, RerankMmr, RerankRrf, Spread, Step, ToN, ToV, UnknownStep, Update, UpsertEdge, UpsertNode, UpsertVector,
    Where,
};
pub use traversal::{
    Anonymous, EdgeSource, Implied, IndexLookup, NodeSource, SearchText, SearchVector, Source, Traversal, TypeArgs,
    VectorSource,
};

use super::kind::{SyntaxKind, SyntaxNode, SyntaxToken};
use crate::compiler::source::{FileId, Span};

/// A typed view of a node.
pub trait AstNode: Sized {
    /// The view of `node`, if it is of the kind.
    fn cast(node: SyntaxNode) -> Option<Self>;

    /// The node.
    fn syntax(&self) -> &SyntaxNode;

    /// Its place: without the white space and comments around it.
    fn span(&self, file: FileId) -> Span {
        node_span(file, self.syntax())
    }

    /// The source text.
    fn text(&self) -> String {
        self.syntax().text().to_string()
    }
}

/// The place of a node.
#[must_use]
pub fn node_span(file: FileId, node: &SyntaxNode) -> Span {
    let range = node.text_range();
    Span { file, start: range.start().into(), end: range.end().into() }
}

/// The place of a token.
#[must_use]
pub fn token_span(file: FileId, token: &SyntaxToken) -> Span {
    let range = token.text_range();
    Span { file, start: range.start().into(), end: range.end().into() }
}

fn child<N: AstNode>(node: &SyntaxNode) -> Option<N> {
    node.children().find_map(N::cast)
}

fn children<N: AstNode>(node: &SyntaxNode) -> impl Iterator<Item = N> + use<N> {
    node.children().filter_map(N::cast)
}

fn token(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxToken> {
    node.children_with_tokens().filter_map(rowan::NodeOrToken::into_token).find(|token| token.kind() == kind)
}

/// The first word directly in the node that is `text`.
fn keyword(node: &SyntaxNode, text: &str) -> Option<SyntaxToken> {
    let tokens = node.children_with_tokens().filter_map(rowan::NodeOrToken::into_token);
    tokens.into_iter().find(|token| token.kind() == SyntaxKind::IDENT && token.text() == text)
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident = $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name($crate::compiler::syntax::kind::SyntaxNode);

        impl $crate::compiler::syntax::ast::AstNode for $name {
            fn cast(node: $crate::compiler::syntax::kind::SyntaxNode) -> Option<Self> {
                (node.kind() == $crate::compiler::syntax::kind::SyntaxKind::$kind).then_some(Self(node))
            }

            fn syntax(&self) -> &$crate::compiler::syntax::kind::SyntaxNode {
                &self.0
            }
        }
    )*};
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident($view:ident),)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($view),)*
        }

        impl $crate::compiler::syntax::ast::AstNode for $name {
            fn cast(node: $crate::compiler::syntax::kind::SyntaxNode) -> Option<Self> {
                $(if let Some(view) = $view::cast(node.clone()) {
                    return Some(Self::$variant(view));
                })*
                None
            }

            fn syntax(&self) -> &$crate::compiler::syntax::kind::SyntaxNode {
                match self {
                    $(Self::$variant(view) => view.syntax(),)*
                }
            }
        }
    )*};
}

use choices;
use views;

views! {
    /// A name, declared or used.
    Name = NAME;
}
