//! Steps of a traversal.

use super::{
    AstNode, Ends, Entry, Expr, Name, Object, SearchVector, TypeArgs, child, children, choices, expr, token, views,
};
use crate::compiler::syntax::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

views! {
    /// `Out<E>`
    Out = OUT;
    /// `In<E>`
    In = IN;
    /// `OutE<E>`
    OutEdges = OUT_E;
    /// `InE<E>`
    InEdges = IN_E;
    /// `FromN`
    FromN = FROM_N;
    /// `ToN`
    ToN = TO_N;
    /// `FromV`
    FromV = FROM_V;
    /// `ToV`
    ToV = TO_V;
    /// `WHERE(…)`
    Where = WHERE;
    /// `PREFILTER(…)`
    Prefilter = PREFILTER;
    /// `INTERSECT(…)`
    Intersect = INTERSECT;
    /// `ORDER<Asc>(…)`
    Order = ORDER;
    /// `RANGE(a, b)`
    Range = RANGE;
    /// `COUNT`
    Count = COUNT;
    /// `FIRST`
    First = FIRST;
    /// `ID`
    IdStep = ID;
    /// `GROUP_BY(a, b)`
    GroupBy = GROUP_BY;
    /// `AGGREGATE_BY(a, b)`
    AggregateBy = AGGREGATE_BY;
    /// `{ a, b: …, .. }`
    Projection = PROJECTION;
    /// `a`, `b: …`
    Mapping = MAPPING;
    /// `..`
    Spread = SPREAD;
    /// `|x| { … }`
    Closure = CLOSURE;
    /// `!{ a, b }`
    Exclude = EXCLUDE;
    /// `GT(5)` and the other comparisons
    Comparison = COMPARISON;
    /// `AddE<E>({ … })::To(b)` as a step
    AddEdgeStep = ADD_E_STEP;
    /// `UPDATE({ … })`
    Update = UPDATE;
    /// `UpsertN({ … })`
    UpsertNode = UPSERT_N;
    /// `UpsertE({ … })::From(a)::To(b)`
    UpsertEdge = UPSERT_E;
    /// `UpsertV(v, { … })`
    UpsertVector = UPSERT_V;
    /// `RerankRRF(k: 60)`
    RerankRrf = RERANK_RRF;
    /// `RerankMMR(lambda: 0.5)`
    RerankMmr = RERANK_MMR;
    /// `ShortestPath…`
    Path = PATH;
    /// `::` followed by no known step; reported by the parser.
    UnknownStep = UNKNOWN_STEP;
}

choices! {
    /// A step.
    Step {
        /// `Out`
        Out(Out),
        /// `In`
        In(In),
        /// `OutE`
        OutEdges(OutEdges),
        /// `InE`
        InEdges(InEdges),
        /// `FromN`
        FromN(FromN),
        /// `ToN`
        ToN(ToN),
        /// `FromV`
        FromV(FromV),
        /// `ToV`
        ToV(ToV),
        /// `WHERE`
        Where(Where),
        /// `PREFILTER`
        Prefilter(Prefilter),
        /// `INTERSECT`
        Intersect(Intersect),
        /// `ORDER`
        Order(Order),
        /// `RANGE`
        Range(Range),
        /// `COUNT`
        Count(Count),
        /// `FIRST`
        First(First),
        /// `ID`
        Id(IdStep),
        /// `GROUP_BY`
        GroupBy(GroupBy),
        /// `AGGREGATE_BY`
        AggregateBy(AggregateBy),
        /// `{ … }`
        Projection(Projection),
        /// `|x| { … }`
        Closure(Closure),
        /// `!{ … }`
        Exclude(Exclude),
        /// A comparison.
        Comparison(Comparison),
        /// `AddE` as a step
        AddEdge(AddEdgeStep),
        /// `UPDATE`
        Update(Update),
        /// `UpsertN`
        UpsertNode(UpsertNode),
        /// `UpsertE`
        UpsertEdge(UpsertEdge),
        /// `UpsertV`
        UpsertVector(UpsertVector),
        /// `SearchV` as a step
        SearchVector(SearchVector),
        /// `RerankRRF`
        RerankRrf(RerankRrf),
        /// `RerankMMR`
        RerankMmr(RerankMmr),
        /// A shortest path.
        Path(Path),
        /// Anything else.
        Unknown(UnknownStep),
    }
    /// The value of a mapping.
    MappingValue {
        /// A nested object over the same item.
        Projection(Projection),
        /// Anything else.
        Expr(Expr),
    }
}

/// A sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `Asc`
    Ascending,
    /// `Desc`
    Descending,
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonOperator {
    /// `EQ`
    Equal,
    /// `NEQ`
    NotEqual,
    /// `GT`
    Greater,
    /// `GTE`
    GreaterOrEqual,
    /// `LT`
    Less,
    /// `LTE`
    LessOrEqual,
    /// `CONTAINS`
    Contains,
    /// `IS_IN`
    IsIn,
}

impl ComparisonOperator {
    /// The operator that a word means.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "EQ" => Self::Equal,
            "NEQ" => Self::NotEqual,
            "GT" => Self::Greater,
            "GTE" => Self::GreaterOrEqual,
            "LT" => Self::Less,
            "LTE" => Self::LessOrEqual,
            "CONTAINS" => Self::Contains,
            "IS_IN" => Self::IsIn,
            _ => return None,
        })
    }
}

macro_rules! with_type_args {
    ($($name:ident)*) => {$(
        impl $name {
            /// The edge type.
            #[must_use]
            pub fn type_args(&self) -> Option<TypeArgs> {
                child(&self.0)
            }
        }
    )*};
}

macro_rules! with_argument {
    ($($name:ident)*) => {$(
        impl $name {
            /// The argument.
            #[must_use]
            pub fn argument(&self) -> Option<Expr> {
                child(&self.0)
            }
        }
    )*};
}

macro_rules! with_names {
    ($($name:ident)*) => {$(
        impl $name {
            /// The fields named, in order.
            pub fn names(&self) -> impl Iterator<Item = Name> + use<> {
                children(&self.0)
            }
        }
    )*};
}

macro_rules! with_fields {
    ($($name:ident)*) => {$(
        impl $name {
            /// The fields given.
            #[must_use]
            pub fn fields(&self) -> Option<Object> {
                child(&self.0)
            }
        }
    )*};
}

macro_rules! with_ends {
    ($($name:ident)*) => {$(
        impl $name {
            /// The ends.
            #[must_use]
            pub fn ends(&self) -> Ends {
                expr::ends(&self.0)
            }
        }
    )*};
}

with_type_args! { Out In OutEdges InEdges AddEdgeStep Path }
with_argument! { Where Prefilter Intersect Comparison }
with_names! { GroupBy AggregateBy Exclude }
with_fields! { AddEdgeStep Update UpsertNode UpsertEdge UpsertVector }
with_ends! { AddEdgeStep UpsertEdge Path }

impl Order {
    /// `Asc` or `Desc`.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        let name = child::<TypeArgs>(&self.0)?.names().next()?.text();
        match name.as_str() {
            "Asc" => Some(Direction::Ascending),
            "Desc" => Some(Direction::Descending),
            _ => None,
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl Range {
    /// The first bound.
    #[must_use]
    pub fn start(&self) -> Option<Expr> {
        children(&self.0).next()
    }

    /// The second bound.
    #[must_use]
    pub fn end(&self) -> Option<Expr> {
        children(&self.0).nth(1)
    }
}

impl Projection {
    /// The keys and values, in order.
    pub fn mappings(&self) -> impl Iterator<Item = Mapping> + use<> {
        children(&self.0)
    }

    /// The `..`.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        child(&self.0)
    }
}

impl Mapping {
    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The value; `None` for a plain field.
    #[must_use]
    pub fn value(&self) -> Option<MappingValue> {
        child(&self.0)
    }

    /// Whether a `:` follows the key, even if the value is missing.
    #[must_use]
    pub fn has_colon(&self) -> bool {
        token(&self.0, SyntaxKind::COLON).is_some()
    }
}

impl Closure {
    /// The variable.
    #[must_use]
    pub fn variable(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The object.
    #[must_use]
    pub fn projection(&self) -> Option<Projection> {
        child(&self.0)
    }
}

impl Comparison {
    /// The word: `EQ`, `GT`, …
    #[must_use]
    pub fn word(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::IDENT)
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> Option<ComparisonOperator> {
        ComparisonOperator::from_name(self.word()?.text())
    }
}

impl UpsertVector {
    /// The components: the first argument.
    #[must_use]
    pub fn vector(&self) -> Option<Expr> {
        children::<Expr>(&self.0).find(|expr| !matches!(expr, Expr::Object(_)))
    }
}

impl RerankRrf {
    /// The value of `k`.
    #[must_use]
    pub fn k(&self) -> Option<Expr> {
        parameter(&self.0, "k")
    }
}

impl RerankMmr {
    /// The value of `lambda`.
    #[must_use]
    pub fn lambda(&self) -> Option<Expr> {
        parameter(&self.0, "lambda")
    }

    /// The value of `distance`.
    #[must_use]
    pub fn distance(&self) -> Option<Expr> {
        parameter(&self.0, "distance")
    }
}

/// The value of a parameter that is given by name.
fn parameter(node: &SyntaxNode, name: &str) -> Option<Expr> {
    children::<Entry>(node).find(|entry| entry.key().is_some_and(|key| key.text() == name))?.value()
}

impl Path {
    /// The word: `ShortestPath`, `ShortestPathBFS`, …
    #[must_use]
    pub fn word(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::IDENT)
    }

    /// The weight, and the heuristic's field for A*.
    pub fn arguments(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}
