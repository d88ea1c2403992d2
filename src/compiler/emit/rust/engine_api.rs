//! What generated code imports: the one place that spells paths of the engine.

use helix_plan::{Comparison, Direction, EdgeEnd, FieldRef, Fold, GroupTag, MathFunction, PathAlgorithm};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// Names of the engine that local variables may not hide, and those of ours.
pub(super) const RESERVED: &[&str] = &[
    "any_holds",
    "argument",
    "each",
    "edge",
    "holds",
    "is_true",
    "math",
    "node",
    "out",
    "query",
    "run",
    "separate",
    "vector",
    "write_value",
];

/// The head of a file.
pub(super) fn import() -> TokenStream {
    quote!(
        use helix_engine::compiled::*;
    )
}

/// The type of a table of several programs.
pub(super) fn programs() -> TokenStream {
    quote!(&[(&str, helix_engine::compiled::Queries)])
}

/// A comparison.
pub(super) fn comparison(comparison: Comparison) -> TokenStream {
    let name = match comparison {
        Comparison::Equal => "Equal",
        Comparison::NotEqual => "NotEqual",
        Comparison::Greater => "Greater",
        Comparison::GreaterOrEqual => "GreaterOrEqual",
        Comparison::Less => "Less",
        Comparison::LessOrEqual => "LessOrEqual",
        Comparison::Contains => "Contains",
        Comparison::IsIn => "IsIn",
    };
    let name = format_ident!("{name}");
    quote!(Comparison::#name)
}

/// A sort direction.
pub(super) fn order(direction: Direction) -> TokenStream {
    match direction {
        Direction::Ascending => quote!(Order::Ascending),
        Direction::Descending => quote!(Order::Descending),
    }
}

/// A mathematical function.
pub(super) fn function(function: MathFunction) -> TokenStream {
    let name = match function {
        MathFunction::Add => "Add",
        MathFunction::Sub => "Sub",
        MathFunction::Mul => "Mul",
        MathFunction::Div => "Div",
        MathFunction::Mod => "Mod",
        MathFunction::Pow => "Pow",
        MathFunction::Abs => "Abs",
        MathFunction::Sqrt => "Sqrt",
        MathFunction::Min => "Min",
        MathFunction::Max => "Max",
        MathFunction::Ln => "Ln",
        MathFunction::Log10 => "Log10",
        MathFunction::Log => "Log",
        MathFunction::Exp => "Exp",
        MathFunction::Ceil => "Ceil",
        MathFunction::Floor => "Floor",
        MathFunction::Round => "Round",
        MathFunction::Sin => "Sin",
        MathFunction::Cos => "Cos",
        MathFunction::Tan => "Tan",
        MathFunction::Asin => "Asin",
        MathFunction::Acos => "Acos",
        MathFunction::Atan => "Atan",
        MathFunction::Atan2 => "Atan2",
        MathFunction::Float => "Float",
    };
    let name = format_ident!("{name}");
    quote!(MathFunction::#name)
}

/// An end of an edge or a path.
pub(super) fn edge_end(end: EdgeEnd) -> TokenStream {
    match end {
        EdgeEnd::From => quote!(EdgeEnd::From),
        EdgeEnd::To => quote!(EdgeEnd::To),
    }
}

/// An algorithm for shortest paths.
pub(super) fn path_algorithm(algorithm: PathAlgorithm) -> TokenStream {
    match algorithm {
        PathAlgorithm::BreadthFirst => quote!(PathAlgorithm::BreadthFirst),
        PathAlgorithm::Dijkstra => quote!(PathAlgorithm::Dijkstra),
        PathAlgorithm::AStar => quote!(PathAlgorithm::AStar),
    }
}

/// What becomes of the numbers of a stream.
pub(super) fn fold(fold: Fold) -> TokenStream {
    match fold {
        Fold::Sum => quote!(Fold::Sum),
        Fold::Average => quote!(Fold::Average),
        Fold::Least => quote!(Fold::Least),
        Fold::Greatest => quote!(Fold::Greatest),
        Fold::Count => quote!(Fold::Count),
    }
}

/// The key of groups.
pub(super) fn group_tag(tag: GroupTag) -> TokenStream {
    match tag {
        GroupTag::Group => quote!(GroupTag::Group),
        GroupTag::Count => quote!(GroupTag::Count),
    }
}

/// A field that every item of a kind has; `declared` is the constant of one of the schema.
pub(super) fn field(field: FieldRef, declared: impl FnOnce() -> TokenStream) -> TokenStream {
    match field {
        FieldRef::Id => quote!(FieldRef::Id),
        FieldRef::Label => quote!(FieldRef::Label),
        FieldRef::FromNode => quote!(FieldRef::FromNode),
        FieldRef::ToNode => quote!(FieldRef::ToNode),
        FieldRef::Data => quote!(FieldRef::Data),
        FieldRef::Score => quote!(FieldRef::Score),
        FieldRef::Declared(_) => {
            let declared = declared();
            quote!(FieldRef::Declared(#declared))
        }
    }
}
