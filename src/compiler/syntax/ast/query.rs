//! Queries and their statements.

use super::{AstNode, Expr, Literal, Name, Type, child, children, choices, keyword, token, views};
use crate::compiler::syntax::kind::{SyntaxKind, SyntaxToken};

views! {
    /// `QUERY name(…) => … RETURN …`
    Query = QUERY;
    /// `#[mcp]`, `#[model("…")]`
    Macro = MACRO;
    /// `(name: String, …)`
    ParamList = PARAM_LIST;
    /// `name?: String`
    Param = PARAM;
    /// The statements of a query or loop.
    Block = BLOCK;
    /// `x <- …`
    Assignment = ASSIGNMENT;
    /// An expression for its effects.
    ExprStatement = EXPR_STATEMENT;
    /// `DROP …`
    Drop = DROP;
    /// `FOR … IN xs { … }`
    For = FOR;
    /// `{ a, b }` of a loop
    ForMembers = FOR_MEMBERS;
    /// `a.b` of a loop
    ForPath = FOR_PATH;
    /// `RETURN …`
    Return = RETURN;
}

choices! {
    /// A statement.
    Statement {
        /// `x <- …`
        Assignment(Assignment),
        /// An expression for its effects.
        Expr(ExprStatement),
        /// `DROP …`
        Drop(Drop),
        /// A loop.
        For(For),
    }
    /// What a loop binds.
    ForBinding {
        /// The element.
        Element(Name),
        /// Members of the element.
        Members(ForMembers),
        /// `a.b`, which is never right.
        Path(ForPath),
    }
}

/// What a macro asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MacroKind {
    /// `#[mcp]`
    Mcp,
    /// `#[model("…")]` with the model's name
    Model(String),
    /// Anything else.
    Unknown,
}

impl Query {
    /// The macros before it.
    pub fn macros(&self) -> impl Iterator<Item = Macro> + use<> {
        children(&self.0)
    }

    /// The query's name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The parameters.
    pub fn params(&self) -> impl Iterator<Item = Param> + use<> {
        child::<ParamList>(&self.0).into_iter().flat_map(|list| children(&list.0))
    }

    /// The statements.
    pub fn statements(&self) -> impl Iterator<Item = Statement> + use<> {
        child::<Block>(&self.0).into_iter().flat_map(|block| block.statements())
    }

    /// The response.
    #[must_use]
    pub fn returns(&self) -> Option<Return> {
        child(&self.0)
    }
}

impl Macro {
    /// What it asks for.
    #[must_use]
    pub fn kind(&self) -> MacroKind {
        if keyword(&self.0, "mcp").is_some() {
            return MacroKind::Mcp;
        }
        if keyword(&self.0, "model").is_none() {
            return MacroKind::Unknown;
        }
        let literal = child::<Literal>(&self.0).and_then(|literal| literal.value().ok());
        match literal {
            Some(super::LiteralValue::String(model)) => MacroKind::Model(model),
            _ => child::<Name>(&self.0).map_or(MacroKind::Unknown, |name| MacroKind::Model(name.text())),
        }
    }
}

impl Param {
    /// The parameter's name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The `?` of an optional parameter.
    #[must_use]
    pub fn optional(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::QUESTION)
    }

    /// The type.
    #[must_use]
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl Block {
    /// The statements, in order.
    pub fn statements(&self) -> impl Iterator<Item = Statement> + use<> {
        children(&self.0)
    }
}

impl Assignment {
    /// The variable.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl ExprStatement {
    /// The expression.
    #[must_use]
    pub fn expr(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl Drop {
    /// What is deleted.
    #[must_use]
    pub fn expr(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl For {
    /// What is bound.
    #[must_use]
    pub fn binding(&self) -> Option<ForBinding> {
        child(&self.0)
    }

    /// The name behind `IN`.
    #[must_use]
    pub fn list(&self) -> Option<Name> {
        let names = children::<Name>(&self.0);
        match self.binding()? {
            ForBinding::Element(_) => names.into_iter().nth(1),
            ForBinding::Members(_) | ForBinding::Path(_) => names.into_iter().next(),
        }
    }

    /// The statements.
    pub fn statements(&self) -> impl Iterator<Item = Statement> + use<> {
        child::<Block>(&self.0).into_iter().flat_map(|block| block.statements())
    }
}

impl ForMembers {
    /// The members, in order.
    pub fn names(&self) -> impl Iterator<Item = Name> + use<> {
        children(&self.0)
    }
}

impl Return {
    /// The elements, in order: `NONE` is one of them.
    pub fn values(&self) -> impl Iterator<Item = Expr> + use<> {
        children(&self.0)
    }
}
