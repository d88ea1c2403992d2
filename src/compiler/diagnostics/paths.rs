//! Shortest paths: their ends, weights and guides.

use super::{Diagnostic, codes};
use crate::compiler::source::Span;

/// A path between nodes and nothing.
pub(in crate::compiler) struct MissingPathEnd<'a> {
    pub step: &'a str,
    pub span: Span,
}

impl From<MissingPathEnd<'_>> for Diagnostic {
    fn from(error: MissingPathEnd<'_>) -> Self {
        let MissingPathEnd { step, span } = error;
        Self::error(codes::MISSING_PATH_END, span, format!("`{step}` does not say where to"))
            .help("add `::To(id)`, or `::From(id)` for paths that end at the nodes".to_owned())
    }
}

/// Both ends of a path: the nodes are one already.
pub(in crate::compiler) struct IgnoredPathEnd {
    pub span: Span,
}

impl From<IgnoredPathEnd> for Diagnostic {
    fn from(warning: IgnoredPathEnd) -> Self {
        Self::warning(codes::PATH_END_IGNORED, warning.span, "only the first end of the path is used")
            .note("the nodes before the step are its other end")
            .help("remove this end".to_owned())
    }
}

/// A number of arguments that the algorithm does not take.
pub(in crate::compiler) struct PathArguments<'a> {
    pub step: &'a str,
    pub expected: usize,
    /// Whether an end is given behind the call.
    pub has_end: bool,
    pub span: Span,
}

impl From<PathArguments<'_>> for Diagnostic {
    fn from(error: PathArguments<'_>) -> Self {
        let PathArguments { step, expected, has_end, span } = error;
        let (what, help) = match expected {
            0 if !has_end => ("no arguments", "write an end behind it: `::To(id)`, or `::From(id)`"),
            0 => ("no weight", "write `ShortestPathDijkstras<Type>(weight)` for paths of least weight"),
            1 => ("one weight", "for example `ShortestPathDijkstras<Road>(_::{km})`"),
            _ => ("a weight and the name of a field", "for example `ShortestPathAStar<Road>(_::{km}, \"distance\")`"),
        };
        Self::error(codes::SYNTAX, span, format!("`{step}` takes {what}")).help(help.to_owned())
    }
}

/// Something that weighs no edge.
pub(in crate::compiler) struct MalformedWeight {
    pub span: Span,
}

impl From<MalformedWeight> for Diagnostic {
    fn from(error: MalformedWeight) -> Self {
        Self::error(codes::UNKNOWN_FIELD, error.span, "this is no weight of an edge").note(
            "a weight is a number that is not negative, a numeric variable, `_::{field}`, `_::FromN::{field}`, \
             `_::ToN::{field}`, another traversal that gives a number, or mathematics of these",
        )
    }
}

/// A guide of A* that is no field's name.
pub(in crate::compiler) struct MalformedHeuristic {
    pub span: Span,
}

impl From<MalformedHeuristic> for Diagnostic {
    fn from(error: MalformedHeuristic) -> Self {
        Self::error(codes::UNSUPPORTED_VALUE, error.span, "the guide of A* is the name of a numeric field, as a string")
    }
}

/// A weight that reads a field that no edge has.
pub(in crate::compiler) struct UnknownWeightField<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<UnknownWeightField<'_>> for Diagnostic {
    fn from(warning: UnknownWeightField<'_>) -> Self {
        let UnknownWeightField { name, span } = warning;
        let message = format!("`{name}` is no numeric field here: the query fails at the first edge");
        Self::warning(codes::NO_EFFECT, span, message)
    }
}

/// A guide of A* that no node has.
pub(in crate::compiler) struct UnknownGuide<'a> {
    pub name: &'a str,
    pub span: Span,
}

impl From<UnknownGuide<'_>> for Diagnostic {
    fn from(warning: UnknownGuide<'_>) -> Self {
        let UnknownGuide { name, span } = warning;
        let message = format!("`{name}` is no numeric field of the nodes: the query fails at the first edge");
        Self::warning(codes::NO_EFFECT, span, message)
    }
}

/// A path that cannot be.
pub(in crate::compiler) struct ImpossiblePath<'a> {
    /// What no edge does: "leaves", "reaches".
    pub direction: &'a str,
    pub node: &'a str,
    /// The edge type that is named, when it does not join nodes.
    pub to_vectors: Option<&'a str>,
    pub span: Span,
}

impl From<ImpossiblePath<'_>> for Diagnostic {
    fn from(warning: ImpossiblePath<'_>) -> Self {
        let ImpossiblePath { direction, node, to_vectors, span } = warning;
        let message = match to_vectors {
            Some(edge) => format!("edges `{edge}` do not join two nodes: no path is ever found"),
            None => {
                let node = super::words::a_name(node);
                format!("no such edge {direction} {node} node: no path is ever found")
            }
        };
        Self::warning(codes::NO_EFFECT, span, message)
            .note("edges are walked in their direction, and only between nodes")
    }
}
