//! Traversals and their sources.

use super::{
    AddEdge, AddNode, AddVector, And, Array, AstNode, BatchAddVector, Embed, Exists, Expr, Literal, Math, Name,
    NameExpr, NoneExpr, Not, NowExpr, Object, Or, Step, child, children, choices, token, views,
};
use crate::compiler::syntax::kind::SyntaxKind;

views! {
    /// A source with its steps.
    Traversal = TRAVERSAL;
    /// `<A, B>`
    TypeArgs = TYPE_ARGS;
    /// `N<User>(id)`
    NodeSource = NODE_SOURCE;
    /// `E<Follows>(id)`
    EdgeSource = EDGE_SOURCE;
    /// `V<Doc>(id)`
    VectorSource = VECTOR_SOURCE;
    /// `{ email: e }` of a source
    IndexLookup = INDEX_LOOKUP;
    /// `SearchV<Doc>(v, k)`, as a source or a step
    SearchVector = SEARCH_V;
    /// `SearchBM25<User>(text, k)`
    SearchText = SEARCH_BM25;
    /// `_`
    Anonymous = ANONYMOUS;
    /// The missing `_` of `k: ::steps`; empty.
    Implied = IMPLIED;
}

choices! {
    /// Where a traversal starts.
    Source {
        /// `N<User>`
        Node(NodeSource),
        /// `E<Follows>`
        Edge(EdgeSource),
        /// `V<Doc>`
        Vector(VectorSource),
        /// `SearchV<Doc>(v, k)`
        SearchVector(SearchVector),
        /// `SearchBM25<User>(text, k)`
        SearchText(SearchText),
        /// `_`
        Anonymous(Anonymous),
        /// Nothing, which stands for `_`
        Implied(Implied),
        /// A variable or parameter.
        Name(NameExpr),
        /// A mathematical function, for a comparison of its result.
        Math(Math),
        /// A literal.
        Literal(Literal),
        /// `NONE`
        None(NoneExpr),
        /// `NOW`
        Now(NowExpr),
        /// `[a, b]`
        Array(Array),
        /// `{ key: value }`
        Object(Object),
        /// `AddN`
        AddNode(AddNode),
        /// `AddE`
        AddEdge(AddEdge),
        /// `AddV`
        AddVector(AddVector),
        /// `BatchAddV`
        BatchAddVector(BatchAddVector),
        /// `Embed`
        Embed(Embed),
        /// `EXISTS`
        Exists(Exists),
        /// `AND`
        And(And),
        /// `OR`
        Or(Or),
        /// `!`
        Not(Not),
    }
}

impl Traversal {
    /// Where it starts: the first child.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        self.0.first_child().and_then(Source::cast)
    }

    /// The steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        // `SearchV` is a source or a step, so that the first child never counts.
        self.0.children().skip(1).filter_map(Step::cast)
    }
}

impl TypeArgs {
    /// The names, in order; only the first counts.
    pub fn names(&self) -> impl Iterator<Item = Name> + use<> {
        children(&self.0)
    }
}

macro_rules! with_parentheses {
    ($($name:ident)*) => {$(
        impl $name {
            /// Whether closed parentheses follow the type, even if nothing is in them.
            #[must_use]
            pub fn has_parentheses(&self) -> bool {
                token(&self.0, SyntaxKind::R_PAREN).is_some()
            }
        }
    )*};
}

with_parentheses! { NodeSource EdgeSource VectorSource }

impl NodeSource {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }

    /// The look-up by an indexed field.
    #[must_use]
    pub fn lookup(&self) -> Option<IndexLookup> {
        child(&self.0)
    }
}

impl EdgeSource {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }

    /// A look-up by a field, which edges do not have.
    #[must_use]
    pub fn lookup(&self) -> Option<IndexLookup> {
        child(&self.0)
    }
}

impl VectorSource {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }

    /// A look-up by a field, which vectors do not have.
    #[must_use]
    pub fn lookup(&self) -> Option<IndexLookup> {
        child(&self.0)
    }
}

impl IndexLookup {
    /// The field.
    #[must_use]
    pub fn field(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl SearchVector {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }
}

impl SearchText {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The text: the first argument.
    #[must_use]
    pub fn query(&self) -> Option<Expr> {
        children(&self.0).next()
    }

    /// How many results, at most: the second argument.
    #[must_use]
    pub fn k(&self) -> Option<Expr> {
        children(&self.0).nth(1)
    }
}
