//! The kinds of tokens and nodes of the syntax tree.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A token or node of the tree.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(non_camel_case_types, reason = "the convention of syntax trees, which keeps kinds apart from their views")]
        #[repr(u16)]
        pub enum SyntaxKind {
            $($(#[$doc])* $name,)*
        }

        impl SyntaxKind {
            /// Every kind; the index is the raw number.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

kinds! {
    // Trivia.
    /// White space, and a byte order mark at the start.
    WHITESPACE,
    /// `// …` up to the end of the line.
    COMMENT,

    // Tokens with text.
    /// A name or a keyword: keywords are contextual.
    IDENT,
    /// Digits.
    INT,
    /// Digits with a point or an exponent.
    FLOAT,
    /// A string in double quotes.
    STRING,
    /// A string without its closing quote.
    OPEN_STRING,

    // Punctuation.
    /// `::`
    COLON_COLON,
    /// `:`
    COLON,
    /// `,`
    COMMA,
    /// `.`
    DOT,
    /// `..`
    DOT_DOT,
    /// `{`
    L_BRACE,
    /// `}`
    R_BRACE,
    /// `(`
    L_PAREN,
    /// `)`
    R_PAREN,
    /// `[`
    L_BRACKET,
    /// `]`
    R_BRACKET,
    /// `<`
    L_ANGLE,
    /// `>`
    R_ANGLE,
    /// `<-`
    LEFT_ARROW,
    /// `=>`
    FAT_ARROW,
    /// `!`
    BANG,
    /// `|`
    PIPE,
    /// `-`
    MINUS,
    /// `#`
    HASH,
    /// `?`
    QUESTION,
    /// `_`
    UNDERSCORE,
    /// `=`, which is never right
    EQUALS,
    /// Anything else.
    UNKNOWN,
    /// The end of the file; never in the tree.
    EOF,

    // Nodes.
    /// A whole file.
    SOURCE_FILE,
    /// Tokens that fit nowhere.
    ERROR,
    /// A name, declared or used.
    NAME,
    /// `<A, B>`
    TYPE_ARGS,

    /// `schema::2 { … }`
    SCHEMA_BLOCK,
    /// `N::User { … }`
    NODE_DEF,
    /// `E::Follows { From: User, To: User, … }`
    EDGE_DEF,
    /// `V::Doc { … }`
    VECTOR_DEF,
    /// `From: User`
    EDGE_FROM,
    /// `To: User`
    EDGE_TO,
    /// `{ name: String, … }`
    FIELD_LIST,
    /// `UNIQUE INDEX name: String DEFAULT "x"`
    FIELD,
    /// `DEFAULT "x"`
    FIELD_DEFAULT,
    /// `String`, `User`
    NAMED_TYPE,
    /// `[String]`
    LIST_TYPE,
    /// `{ name: String }`
    OBJECT_TYPE,

    /// `MIGRATION schema::1 => schema::2 { … }`
    MIGRATION,
    /// `schema::1`
    SCHEMA_VERSION,
    /// `N::User => _:: { … }`
    ITEM_MAPPING,
    /// `N::User` or `_::` in a mapping
    MAPPED_ITEM,
    /// `age: old AS U8`
    FIELD_MAPPING,

    /// `QUERY name(…) => … RETURN …`
    QUERY,
    /// `#[mcp]`, `#[model("…")]`
    MACRO,
    /// `(name: String, …)`
    PARAM_LIST,
    /// `name?: String`
    PARAM,
    /// The statements of a query or loop.
    BLOCK,
    /// `x <- …`
    ASSIGNMENT,
    /// `AddN<User>({ … })`
    EXPR_STATEMENT,
    /// `DROP …`
    DROP,
    /// `FOR … IN xs { … }`
    FOR,
    /// `{ a, b }` of a loop
    FOR_MEMBERS,
    /// `a.b` of a loop
    FOR_PATH,
    /// `RETURN …`
    RETURN,

    /// A number, string or boolean.
    LITERAL,
    /// `NONE`
    NONE_EXPR,
    /// `NOW`
    NOW_EXPR,
    /// A variable or parameter.
    NAME_EXPR,
    /// `[a, b]`
    ARRAY,
    /// `{ key: value, … }`
    OBJECT,
    /// `key: value`
    ENTRY,
    /// `AddN<User>({ … })`
    ADD_N,
    /// `AddE<Follows>({ … })::From(a)::To(b)`
    ADD_E,
    /// `AddV<Doc>(v, { … })`
    ADD_V,
    /// `BatchAddV<Doc>(vs)`
    BATCH_ADD_V,
    /// `::From(a)`
    FROM_END,
    /// `::To(b)`
    TO_END,
    /// `Embed(text)`
    EMBED,
    /// `EXISTS(…)`
    EXISTS,
    /// `AND(…)`
    AND,
    /// `OR(…)`
    OR,
    /// `!EXISTS(…)`
    NOT,
    /// `ADD(a, b)`
    MATH,
    /// A source with its steps.
    TRAVERSAL,

    /// `N<User>(id)`
    NODE_SOURCE,
    /// `E<Follows>(id)`
    EDGE_SOURCE,
    /// `V<Doc>(id)`
    VECTOR_SOURCE,
    /// `{ email: e }` of a source
    INDEX_LOOKUP,
    /// `SearchV<Doc>(v, k)`, as a source or a step
    SEARCH_V,
    /// `SearchBM25<User>(text, k)`
    SEARCH_BM25,
    /// `_`
    ANONYMOUS,
    /// The missing `_` of `k: ::steps`
    IMPLIED,

    /// `Out<E>`
    OUT,
    /// `In<E>`
    IN,
    /// `OutE<E>`
    OUT_E,
    /// `InE<E>`
    IN_E,
    /// `FromN`
    FROM_N,
    /// `ToN`
    TO_N,
    /// `FromV`
    FROM_V,
    /// `ToV`
    TO_V,
    /// `WHERE(…)`
    WHERE,
    /// `PREFILTER(…)`
    PREFILTER,
    /// `INTERSECT(…)`
    INTERSECT,
    /// `ORDER<Asc>(…)`
    ORDER,
    /// `RANGE(a, b)`
    RANGE,
    /// `COUNT`
    COUNT,
    /// `FIRST`
    FIRST,
    /// `ID`
    ID,
    /// `GROUP_BY(a, b)`
    GROUP_BY,
    /// `AGGREGATE_BY(a, b)`
    AGGREGATE_BY,
    /// `{ a, b: …, .. }`
    PROJECTION,
    /// `a`, `b: …`
    MAPPING,
    /// `..`
    SPREAD,
    /// `|x| { … }`
    CLOSURE,
    /// `!{ a, b }`
    EXCLUDE,
    /// `GT(5)` and the other comparisons
    COMPARISON,
    /// `AddE<E>({ … })::To(b)` as a step
    ADD_E_STEP,
    /// `UPDATE({ … })`
    UPDATE,
    /// `UpsertN({ … })`
    UPSERT_N,
    /// `UpsertE({ … })::From(a)::To(b)`
    UPSERT_E,
    /// `UpsertV(v, { … })`
    UPSERT_V,
    /// `RerankRRF(k: 60)`
    RERANK_RRF,
    /// `RerankMMR(lambda: 0.5)`
    RERANK_MMR,
    /// `ShortestPath…`
    PATH,
    /// `::` followed by no known step
    UNKNOWN_STEP,
}

impl SyntaxKind {
    /// Whether the token means nothing: white space or a comment.
    #[must_use]
    pub const fn is_trivia(self) -> bool {
        matches!(self, Self::WHITESPACE | Self::COMMENT)
    }
}

/// The language of the tree, for `rowan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HelixQl {}

impl rowan::Language for HelixQl {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        SyntaxKind::ALL[usize::from(raw.0)]
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of the tree.
pub type SyntaxNode = rowan::SyntaxNode<HelixQl>;
/// A token of the tree.
pub type SyntaxToken = rowan::SyntaxToken<HelixQl>;
