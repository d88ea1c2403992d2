//! Every code that the compiler raises, in one table.
//!
//! The numbers are those of the language reference, §6.4; a code keeps its meaning for ever. Tests ask the table which codes
//! need a case and a page.

/// A code and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// As it is printed.
    pub code: &'static str,
    /// What it stands for, in a phrase.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($(#[$doc:meta])* $list:ident: $($name:ident = $code:literal, $meaning:literal;)*) => {
        $(#[doc = concat!("`", $code, "`: ", $meaning, ".")] pub const $name: &str = $code;)*

        $(#[$doc])*
        pub const $list: &[Code] = &[$(Code { code: $code, meaning: $meaning }),*];
    };
}

codes! {
    /// The codes that are said of files before they are compiled.
    OF_FILES:
    ENCODING = "E-HQL-ENCODING", "file that is no UTF-8 text";
    TOO_LARGE = "E-HQL-TOO-LARGE", "file that is larger than any program";
}

codes! {
    /// Every code of the compiler, in the order of the reference.
    ALL:
    SYNTAX = "E-HQL-001", "syntax error";
    NO_SCHEMA = "E-HQL-NO-SCHEMA", "the program declares no node, edge or vector type";

    UNKNOWN_NODE_TYPE = "E-HQL-101", "node type not declared";
    UNKNOWN_EDGE_TYPE = "E-HQL-102", "edge type not declared";
    UNKNOWN_VECTOR_TYPE = "E-HQL-103", "vector type not declared";
    FORBIDDEN_NAME = "E-HQL-105", "a word of the language used as a name in an expression";
    UNKNOWN_ENDPOINT = "E-HQL-106", "edge end not declared";
    DUPLICATE_TYPE = "E-HQL-107", "type declared twice";
    UNKNOWN_VERSION = "E-HQL-108", "migration of a version that is not declared";
    DUPLICATE_FIELD = "E-HQL-109", "field or key given twice";
    DUPLICATE_QUERY = "E-HQL-111", "query declared twice";
    DEFAULT_MISMATCH = "E-HQL-112", "default does not fit its field";
    NOT_THE_NEXT_VERSION = "E-HQL-113", "migration that leaves out a version or goes back";

    UNKNOWN_MAPPED_TYPE = "E-HQL-201", "mapped type not declared in its version";
    UNKNOWN_FIELD = "E-HQL-202", "field not declared on the item's type";
    NOT_AN_ITEM = "E-HQL-203", "fields selected from something that is not an item";
    RESERVED_FIELD = "E-HQL-204", "implicit field declared or written";
    TYPE_MISMATCH = "E-HQL-205", "value of another type than its place takes";
    UNSUPPORTED_VALUE = "E-HQL-206", "value that cannot be stored in a field";
    EDGE_DOES_NOT_CONNECT = "E-HQL-207", "edge type does not start or end at the current item";
    NOT_INDEXED = "E-HQL-208", "index lookup on a field without an index";
    BAD_TYPE = "E-HQL-209", "type unknown or not possible here";
    NOT_AN_ID = "E-HQL-210", "an id was needed";
    BAD_OPERAND = "E-HQL-211", "operand of a function has an unsuitable type";

    UNKNOWN_NAME = "E-HQL-301", "name not in scope";
    REDECLARED = "E-HQL-302", "variable or parameter assigned again";
    MALFORMED_ID = "E-HQL-303", "text is not a UUID where an id is needed";
    NOT_A_BOOLEAN = "E-HQL-306", "operand is not boolean, or array elements differ in type";
    OUT_OF_RANGE = "E-HQL-307", "number out of the range of its type";

    TOOL_OF_MANY_VALUES = "E-HQL-401", "query with `#[mcp]` that does not return one value";
    BAD_DATE = "E-HQL-501", "text is not a date";

    STEP_NOT_APPLICABLE = "E-HQL-601", "step does not apply to what precedes it";
    WRITE_NOT_APPLICABLE = "E-HQL-604", "update or upsert of something that it cannot change";
    MISSING_TO = "E-HQL-611", "edge created without `To`";
    MISSING_FROM = "E-HQL-612", "edge created without `From`";
    MISSING_PATH_END = "E-HQL-627", "shortest path with neither `To` nor `From`";
    NOT_COMPARABLE = "E-HQL-621", "side of a comparison that cannot be compared";
    COMPARISON_MISMATCH = "E-HQL-622", "sides of a comparison differ in type";
    FROM_IS_NOT_A_NODE = "E-HQL-623", "`FromN` on an edge that does not start at a node";
    TO_IS_NOT_A_NODE = "E-HQL-624", "`ToN` on an edge that does not end at a node";
    FROM_IS_NOT_A_VECTOR = "E-HQL-625", "`FromV` on an edge that does not start at a vector";
    TO_IS_NOT_A_VECTOR = "E-HQL-626", "`ToV` on an edge that does not end at a vector";
    DROP_OF_NO_ITEMS = "E-HQL-628", "`DROP` of something that is not stored";
    BAD_BOUND = "E-HQL-633", "range bound is not an integer";
    CLOSURE_NOT_LAST = "E-HQL-641", "closure is not the last step";
    EXCLUDED_TWICE = "E-HQL-643", "field excluded twice, or excluded and then named";
    EXCLUDE_MISPLACED = "E-HQL-644", "exclude in a place where it has no meaning";
    NOT_ITERABLE = "E-HQL-651", "`FOR` over something that is not a list";
    UNKNOWN_PARAMETER_MEMBER = "E-HQL-652", "destructured name is not a member of the parameter's elements";
    NOT_DESTRUCTURABLE = "E-HQL-653", "destructured elements are not objects";
    FOR_MEMBER_ACCESS = "E-HQL-654", "`FOR a.b IN` is not supported";
    BAD_KEY = "E-HQL-655", "sort key is not an expression of the item";
    COMPARISON_OF_NOTHING = "E-HQL-657", "comparison without a value before it";
    UNKNOWN_MEMBER = "E-HQL-658", "member not in the object";
    NOT_A_CONDITION = "E-HQL-659", "condition does not end in a comparison";
    EMBED_OF_NO_TEXT = "E-HQL-660", "`Embed` of something that is not a String";
    WRONG_EDGE_END = "E-HQL-661", "end of a new edge has the wrong type";

    DUPLICATE_KEY = "W-HQL-102", "two entries of the response share a key";
    HIDDEN_FIELD = "W-HQL-103", "variable hides a field of the same name";
    NO_EFFECT_HERE = "W-HQL-104", "`INDEX` or `DEFAULT` without effect";
    RESERVED_TYPE_NAME = "W-HQL-105", "type name that other HelixQL compilers reserve";
    PATH_END_IGNORED = "W-HQL-106", "second end of a path without effect";
    NO_EFFECT = "W-HQL-107", "part without effect, or that cannot succeed";
    EMPTY_RANGE = "E-HQL-632", "range that is always empty";

}
