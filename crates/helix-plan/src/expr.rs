//! Expressions.

use serde::{Deserialize, Serialize};

use crate::{FieldId, FieldRef, SlotId, SpanId, Traversal, Type, TypeId};

/// An expression with its type and its place in the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of the result.
    pub ty: Type,
    /// Where it was written.
    pub span: SpanId,
}

/// What an expression computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// No value: `NONE`. As a field value: "not given" on creation, "remove" in an update.
    Null,
    /// A constant, already of the type of the place where it is used.
    Literal(Literal),
    /// The instant of the query's execution; the same for the whole query.
    Now,
    /// The value of a parameter, a variable, or the current item of the enclosing step.
    Slot(SlotId),
    /// A field of one item. Absent fields give null.
    Field {
        /// The item: an expression whose type is one item.
        item: Box<Expr>,
        /// Which field.
        field: FieldRef,
    },
    /// A member of an object parameter.
    Member {
        /// An expression whose type is an object.
        object: Box<Expr>,
        /// Index into the members of that type.
        index: u16,
    },
    /// The result of a traversal, as its [`Cardinality`](crate::Cardinality) says.
    Traversal(Box<Traversal>),
    /// Whether a traversal yields anything; stops at the first.
    Exists(Box<Traversal>),
    /// Whether a comparison holds; false when either side is null or empty. A Many left side holds if any element does.
    Compare {
        /// Which comparison.
        comparison: Comparison,
        /// The left side.
        left: Box<Expr>,
        /// The right side; a list for [`Comparison::IsIn`].
        right: Box<Expr>,
    },
    /// Whether all hold; stops at the first that does not.
    And(Vec<Expr>),
    /// Whether any holds; stops at the first that does.
    Or(Vec<Expr>),
    /// The opposite of a boolean.
    Not(Box<Expr>),
    /// A mathematical function; null when any argument is null.
    Math {
        /// Which function.
        function: MathFunction,
        /// As many as the function takes.
        arguments: Vec<Expr>,
    },
    /// An array, in `RETURN` or as a value.
    List(Vec<Expr>),
    /// An object, in `RETURN` or nested in a projection.
    Object(Vec<Entry>),
    /// The embedding of a text, from the configured provider.
    Embed(Box<Expr>),
    /// Creates a node and is that node.
    AddNode {
        /// The node type.
        node: TypeId,
        /// The fields given; defaults fill the rest.
        fields: Vec<Assignment>,
    },
    /// Creates an edge for each pair of ends (From-major) and is that edge, or those edges when an end is Many.
    AddEdge {
        /// The edge type.
        edge: TypeId,
        /// An id, or one or many items.
        from: Box<Expr>,
        /// An id, or one or many items.
        to: Box<Expr>,
        /// The fields given; defaults fill the rest.
        fields: Vec<Assignment>,
    },
    /// Creates a vector and is that vector.
    AddVector {
        /// The vector type.
        vector: TypeId,
        /// The components: a list of floats.
        data: Box<Expr>,
        /// The fields given; defaults fill the rest.
        fields: Vec<Assignment>,
    },
    /// Creates a vector of each element, with the defaults of the type for fields, and is those vectors.
    AddVectors {
        /// The vector type.
        vector: TypeId,
        /// A list of lists of floats.
        data: Box<Expr>,
    },
    /// A value that may be missing from the request, where it must not be: an error when it is null.
    Required {
        /// The value.
        value: Box<Expr>,
        /// How the request names it: `nick`, `user.name`.
        name: String,
    },
    /// A value for a field that may be missing from the request: when it is null, the field is not given.
    Optional(Box<Expr>),
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    /// A boolean.
    Boolean(bool),
    /// An integer that fits 128 signed bits.
    Integer(i128),
    /// A `U128` above the signed range.
    Unsigned(u128),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// Text.
    String(String),
    /// An instant: Unix seconds and nanoseconds within the second.
    Date {
        /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
        seconds: i64,
        /// 0 to 999 999 999.
        nanoseconds: u32,
    },
    /// An item id: the UUID's 128 bits.
    Id(u128),
    /// An array of constants.
    List(Vec<Literal>),
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `EQ`.
    Equal,
    /// `NEQ`.
    NotEqual,
    /// `GT`.
    Greater,
    /// `GTE`.
    GreaterOrEqual,
    /// `LT`.
    Less,
    /// `LTE`.
    LessOrEqual,
    /// `CONTAINS`: a substring, or an element of an array field.
    Contains,
    /// `IS_IN`: an element of the list on the right.
    IsIn,
}

/// The mathematical functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MathFunction {
    /// `ADD(a, b)`; also joins two strings or two arrays.
    Add,
    /// `SUB(a, b)`.
    Sub,
    /// `MUL(a, b)`.
    Mul,
    /// `DIV(a, b)`; truncates toward zero for integers.
    Div,
    /// `MOD(a, b)`; the sign of the dividend.
    Mod,
    /// `POW(a, b)`; always F64.
    Pow,
    /// `ABS(a)`.
    Abs,
    /// `SQRT(a)`; always F64.
    Sqrt,
    /// `MIN(a, b)`.
    Min,
    /// `MAX(a, b)`.
    Max,
    /// `LN(a)`, the natural logarithm; F64, as all that follow.
    Ln,
    /// `LOG10(a)`.
    Log10,
    /// `LOG(a, base)`.
    Log,
    /// `EXP(a)`.
    Exp,
    /// `CEIL(a)`.
    Ceil,
    /// `FLOOR(a)`.
    Floor,
    /// `ROUND(a)`, half away from zero.
    Round,
    /// `SIN(a)`, of radians.
    Sin,
    /// `COS(a)`, of radians.
    Cos,
    /// `TAN(a)`, of radians.
    Tan,
    /// `ASIN(a)`, in radians.
    Asin,
    /// `ACOS(a)`, in radians.
    Acos,
    /// `ATAN(a)`, in radians.
    Atan,
    /// `ATAN2(y, x)`, in radians.
    Atan2,
    /// The number as F64: what every operand of a weight becomes.
    Float,
}

/// What becomes of the numbers of a stream; null ones are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fold {
    /// `SUM`: integers exactly; 0 of nothing.
    Sum,
    /// `AVG`: always F64; null of nothing.
    Average,
    /// `MIN`: null of nothing.
    Least,
    /// `MAX`: null of nothing.
    Greatest,
    /// `COUNT` of values: how many there are; 0 of nothing.
    Count,
}

/// A value for a declared field of a created or updated item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The field of the item's type.
    pub field: FieldId,
    /// The value; the engine converts numbers to the field's width and fails when they do not fit.
    pub value: Expr,
}

/// A named value of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The key in the response.
    pub key: String,
    /// The value.
    pub value: Expr,
}
