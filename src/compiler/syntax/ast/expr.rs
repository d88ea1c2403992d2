//! Expressions.

use super::{AstNode, Literal, Name, SearchVector, Traversal, TypeArgs, child, children, choices, token, views};
use crate::compiler::syntax::kind::{SyntaxKind, SyntaxToken};

views! {
    /// `NONE`
    NoneExpr = NONE_EXPR;
    /// `NOW`
    NowExpr = NOW_EXPR;
    /// A variable or parameter.
    NameExpr = NAME_EXPR;
    /// `[a, b]`
    Array = ARRAY;
    /// `{ key: value, … }`
    Object = OBJECT;
    /// `key: value`
    Entry = ENTRY;
    /// `AddN<User>({ … })`
    AddNode = ADD_N;
    /// `AddE<Follows>({ … })::From(a)::To(b)`
    AddEdge = ADD_E;
    /// `AddV<Doc>(v, { … })`
    AddVector = ADD_V;
    /// `BatchAddV<Doc>(vs)`
    BatchAddVector = BATCH_ADD_V;
    /// `::From(a)`
    FromEnd = FROM_END;
    /// `::To(b)`
    ToEnd = TO_END;
    /// `Embed(text)`
    Embed = EMBED;
    /// `EXISTS(…)`
    Exists = EXISTS;
    /// `AND(…)`
    And = AND;
    /// `OR(…)`
    Or = OR;
    /// `!…`
    Not = NOT;
    /// `ADD(a, b)`
    Math = MATH;
}

choices! {
    /// An expression. A source, `_`, or anything followed by steps is a [`Traversal`].
    Expr {
        /// A number, string or boolean.
        Literal(Literal),
        /// `NONE`
        None(NoneExpr),
        /// `NOW`
        Now(NowExpr),
        /// A variable or parameter without steps.
        Name(NameExpr),
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
        /// A mathematical function.
        Math(Math),
        /// A source with its steps.
        Traversal(Traversal),
    }
}

/// The ends of an edge that is created, merged or searched a path to. The arguments of `::From(…)` and `::To(…)`, in writing
/// order, so that repeated ends can be reported.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// The arguments of `From`.
    pub from: Vec<Option<Expr>>,
    /// The arguments of `To`.
    pub to: Vec<Option<Expr>>,
    /// Whether `From` is written first.
    pub from_first: bool,
}

pub(super) fn ends(node: &super::SyntaxNode) -> Ends {
    let from: Vec<FromEnd> = children(node).collect();
    let to: Vec<ToEnd> = children(node).collect();
    let from_first = match (from.first(), to.first()) {
        (Some(from), Some(to)) => from.0.text_range().start() < to.0.text_range().start(),
        (from, _) => from.is_some(),
    };
    Ends {
        from: from.iter().map(|end| child(&end.0)).collect(),
        to: to.iter().map(|end| child(&end.0)).collect(),
        from_first,
    }
}

impl NameExpr {
    /// The name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }
}

impl Array {
    /// The elements.
    pub fn elements(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}

impl Object {
    /// The entries.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + use<> {
        children(&self.0)
    }
}

impl Entry {
    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl AddNode {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The fields; `None` without a block.
    #[must_use]
    pub fn fields(&self) -> Option<Object> {
        child(&self.0)
    }
}

impl AddEdge {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The fields; `None` without a block.
    #[must_use]
    pub fn fields(&self) -> Option<Object> {
        child(&self.0)
    }

    /// The ends.
    #[must_use]
    pub fn ends(&self) -> Ends {
        ends(&self.0)
    }
}

impl AddVector {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The components: the first argument.
    #[must_use]
    pub fn vector(&self) -> Option<Expr> {
        children::<Expr>(&self.0).find(|expr| !matches!(expr, Expr::Object(_)))
    }

    /// The field blocks; the last one counts.
    pub fn fields(&self) -> impl Iterator<Item = Object> + use<> {
        children(&self.0)
    }
}

impl BatchAddVector {
    /// The type.
    #[must_use]
    pub fn type_args(&self) -> Option<TypeArgs> {
        child(&self.0)
    }

    /// The vectors.
    #[must_use]
    pub fn vectors(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl Embed {
    /// The text.
    #[must_use]
    pub fn text_argument(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl Exists {
    /// The traversal.
    #[must_use]
    pub fn argument(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl And {
    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}

impl Or {
    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}

impl Not {
    /// What is negated.
    #[must_use]
    pub fn operand(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl Math {
    /// The function's name, a word such as `ADD`.
    #[must_use]
    pub fn function(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::IDENT)
    }

    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}

impl SearchVector {
    /// The query vector: the first argument.
    #[must_use]
    pub fn vector(&self) -> Option<Expr> {
        children(self.syntax()).next()
    }

    /// How many results, at most: the second argument.
    #[must_use]
    pub fn k(&self) -> Option<Expr> {
        children(self.syntax()).nth(1)
    }
}
