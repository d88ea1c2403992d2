//! What is wrong with the form of a program.

use crate::compiler::diagnostics::Diagnostic;
use crate::compiler::source::Span;

/// The code of every syntax error.
pub const SYNTAX: &str = "E-HQL-001";

/// A part is missing where something else, or nothing, stands.
pub struct Expected<'a> {
    /// What should be there.
    pub what: &'a str,
    /// What is there; `None` at the end of the file.
    pub found: Option<&'a str>,
    /// What the author probably meant.
    pub help: Option<&'a str>,
    /// Where.
    pub span: Span,
}

impl From<Expected<'_>> for Diagnostic {
    fn from(error: Expected<'_>) -> Self {
        let found = error.found.map_or_else(|| "the end of the file".to_owned(), quote);
        let help =
            error.help.or_else(|| error.found.and_then(|sign| meant_by(sign, error.what).or_else(|| constant(sign))));
        Self::error(SYNTAX, error.span, format!("expected {}, found {found}", error.what))
            .label(format!("expected {}", error.what))
            .help(help.map(str::to_owned))
    }
}

/// How a constant is written that other languages write so.
pub(in crate::compiler) fn constant(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "true" => "the word is written `true`",
        "false" => "the word is written `false`",
        "now" => "the word is written `NOW`",
        "none" | "null" | "nil" | "undefined" => "the absence of a value is written `NONE`",
        _ => return None,
    })
}

/// What an author means by a sign that the language does not have, where something else is expected.
fn meant_by(sign: &str, expected: &str) -> Option<&'static str> {
    Some(match sign {
        "-" if expected.starts_with("`(`") => "a name is made of letters, digits and `_`",
        ";" if expected.starts_with("`,`") => "the parts of a list are separated by commas",
        "+" | "-" | "*" | "/" | "%" | "^" => {
            "there are no such operators: `ADD(a, b)` adds numbers and joins texts, `SUB`, `MUL` and `DIV` calculate"
        }
        "&" | "&&" | "||" => "combine conditions with `AND(a, b)` and `OR(a, b)`",
        ";" => "a statement ends where the next one starts: leave the `;` out",
        _ => return None,
    })
}

/// A keyword in another case, or without a space behind it.
pub struct Keyword<'a> {
    /// The keyword.
    pub keyword: &'a str,
    /// What is there.
    pub found: &'a str,
    /// Where.
    pub span: Span,
}

impl From<Keyword<'_>> for Diagnostic {
    fn from(error: Keyword<'_>) -> Self {
        let Keyword { keyword, found, span } = error;
        let help = match found.strip_prefix(keyword) {
            Some("EACH") => "a loop is written `FOR x IN xs { … }`".to_owned(),
            Some(rest) => format!("a keyword is a word of its own: `{keyword} {rest}`"),
            None => format!("keywords are written in capital letters: `{keyword}`"),
        };
        Self::error(SYNTAX, span, format!("expected `{keyword}`, found {}", quote(found)))
            .label(format!("expected `{keyword}`"))
            .help(help)
    }
}

/// A string whose closing quote is missing.
pub struct OpenString {
    /// The string, up to the end of its line.
    pub span: Span,
    /// The next quote, which closes it elsewhere than meant.
    pub next: Option<Span>,
}

impl From<OpenString> for Diagnostic {
    fn from(error: OpenString) -> Self {
        let diagnostic = Self::error(SYNTAX, error.span, "this string is not closed")
            .label("its closing `\"` is missing")
            .help("close the string with `\"`; a quote inside a string is written `\\\"`".to_owned());
        match error.next {
            Some(next) => diagnostic.also(next, "the next `\"` is here"),
            None => diagnostic,
        }
    }
}

/// A comment as another language writes it.
pub struct Comment<'a> {
    /// The comment.
    pub found: &'a str,
    /// Where.
    pub span: Span,
}

impl From<Comment<'_>> for Diagnostic {
    fn from(error: Comment<'_>) -> Self {
        let word = error.found.trim_start_matches(['#', ' ', '\t']);
        let help = if word.starts_with("mcp") || word.starts_with("model") {
            "a macro stands in brackets: `#[mcp]`, `#[model(\"…\")]`; comments start with `//`"
        } else {
            "comments start with `//`, and go on to the end of the line"
        };
        let sign = if error.found.starts_with('#') { "#" } else { &error.found[..2] };
        Self::error(SYNTAX, error.span, format!("`{sign}` starts no comment"))
            .label("not a comment")
            .help(help.to_owned())
    }
}

/// A name that does not begin with a letter.
pub struct BadName<'a> {
    /// The name.
    pub name: &'a str,
    /// Where.
    pub span: Span,
}

impl From<BadName<'_>> for Diagnostic {
    fn from(error: BadName<'_>) -> Self {
        let letters = error.name.trim_start_matches(|first: char| !first.is_ascii_alphabetic());
        let example = if letters.is_empty() { String::new() } else { format!(": `{letters}`") };
        Self::error(SYNTAX, error.span, format!("`{}` is no name", error.name))
            .label("does not begin with a letter")
            .help(format!("a name begins with a letter, and goes on with letters, digits and `_`{example}"))
    }
}

/// A number that goes on with letters.
pub struct BadNumber<'a> {
    /// The number.
    pub number: &'a str,
    /// Where.
    pub span: Span,
}

impl From<BadNumber<'_>> for Diagnostic {
    fn from(error: BadNumber<'_>) -> Self {
        Self::error(SYNTAX, error.span, format!("`{}` is no number", error.number)).label("not a number").help(
            "a number consists of digits, with a point or an exponent at most: `1000`, `2.5`, `1.5e3`; a name begins with a letter"
                .to_owned(),
        )
    }
}

/// `::` is followed by a word that is no step.
pub struct UnknownStep<'a> {
    /// The word.
    pub name: &'a str,
    /// Every step.
    pub steps: &'a [&'a str],
    /// Whether a type follows between `<` and `>`.
    pub has_type: bool,
    /// Where.
    pub span: Span,
}

/// Words for steps in other languages, in capital letters and without `_`, and what to write instead.
const STEP_SYNONYMS: &[(&str, &str)] = &[
    ("IN", "`IS_IN([a, b])`"),
    ("ISIN", "`IS_IN([a, b])`"),
    ("WITHIN", "`IS_IN([a, b])`"),
    ("ANYOF", "`IS_IN([a, b])`"),
    ("NE", "`NEQ`"),
    ("NOT", "`NEQ`, or negate a condition with `!`"),
    ("NOTEQ", "`NEQ`"),
    ("NOTEQUAL", "`NEQ`"),
    ("NOTEQUALS", "`NEQ`"),
    ("EQUAL", "`EQ`"),
    ("EQUALS", "`EQ`"),
    ("IS", "`EQ`"),
    ("GE", "`GTE`"),
    ("LE", "`LTE`"),
    ("LIKE", "`CONTAINS`"),
    ("MATCHES", "`CONTAINS`"),
    ("STARTSWITH", "`CONTAINS`"),
    ("ENDSWITH", "`CONTAINS`"),
    ("INCLUDES", "`CONTAINS`"),
    ("HAS", "`CONTAINS`, or `WHERE(condition)`"),
    ("BETWEEN", "`AND(x::GTE(low), x::LTE(high))`"),
    ("ISNULL", "`!EXISTS(x)`"),
    ("ISNONE", "`!EXISTS(x)`"),
    ("ISNOTNULL", "`EXISTS(x)`"),
    ("SUM", "`SUM(x::{field})`, a function"),
    ("AVG", "`AVG(x::{field})`, a function"),
    ("MIN", "`MIN(x::{field})`, a function"),
    ("MAX", "`MAX(x::{field})`, a function"),
    ("SORT", "`ORDER<Asc>(…)`"),
    ("SORTBY", "`ORDER<Asc>(…)`"),
    ("ORDERBY", "`ORDER<Asc>(…)`"),
    ("LIMIT", "`RANGE(0, n)`"),
    ("TAKE", "`RANGE(0, n)`"),
    ("TOP", "`RANGE(0, n)`"),
    ("SKIP", "`RANGE(from, to)`"),
    ("OFFSET", "`RANGE(from, to)`"),
    ("SLICE", "`RANGE(from, to)`"),
    ("LAST", "`ORDER<Desc>(…)::FIRST`"),
    ("HEAD", "`FIRST`"),
    ("ONE", "`FIRST`"),
    ("FILTER", "`WHERE(condition)`"),
    ("HAVING", "`WHERE(condition)`"),
    ("LENGTH", "`COUNT`"),
    ("LEN", "`COUNT`"),
    ("SIZE", "`COUNT`"),
    ("GROUP", "`GROUP_BY(…)`"),
    ("AGGREGATE", "`AGGREGATE_BY(…)`"),
    ("BOTH", "`Out<…>` and `In<…>`, each in a traversal of its own"),
    ("INTERSECTION", "`INTERSECT(…)`"),
    ("SET", "`UPDATE({ … })`"),
    ("UPSERT", "`UpsertN({ … })`, `UpsertE({ … })` or `UpsertV(vector, { … })`"),
    ("VALUES", "`{field}`"),
    ("SELECT", "`{field}`"),
    ("MAP", "`|x|{ … }`"),
];

/// What an author means by a word that is no step.
fn step_meant(name: &str, has_type: bool, steps: &[&str]) -> Option<String> {
    let plain = name.replace('_', "").to_ascii_uppercase();
    // A step in another case. `IN` is the one that means something else in capital letters.
    let other_case = steps.iter().find(|step| (name != "IN" || has_type) && step.eq_ignore_ascii_case(name));
    if let Some(step) = other_case {
        return Some(format!("did you mean `{step}`?"));
    }
    if let Some((_, step)) = STEP_SYNONYMS.iter().find(|(word, _)| *word == plain) {
        return Some(format!("did you mean {step}?"));
    }
    if ["DROP", "DELETE", "REMOVE"].contains(&plain.as_str()) {
        return Some("a statement deletes: `DROP x`".to_owned());
    }
    let same =
        steps.iter().find(|step| step.replace('_', "").eq_ignore_ascii_case(&plain)).map(|step| (*step).to_owned());
    let nearest = same.or_else(|| super::nearest(name, steps.iter().copied()));
    nearest.map(|step| format!("did you mean `{step}`?"))
}

impl From<UnknownStep<'_>> for Diagnostic {
    fn from(error: UnknownStep<'_>) -> Self {
        let UnknownStep { name, steps, has_type, span } = error;
        let is_end = ["From", "To"].iter().any(|end| end.eq_ignore_ascii_case(name));
        let help = if is_end {
            Some("`From(…)` and `To(…)` take an id or an item, behind `AddE<…>`, `UpsertE(…)` or a path".to_owned())
        } else {
            let is_lower = name.starts_with(|first: char| first.is_ascii_lowercase());
            step_meant(name, has_type, steps)
                .or_else(|| is_lower.then(|| format!("a field is read with `::{{{name}}}`")))
        };
        Self::error(SYNTAX, span, format!("unknown step `{name}`")).label("not a step").help(help)
    }
}

/// Something at the top level is neither a schema item nor a query.
pub struct UnknownItem<'a> {
    /// What is there.
    pub found: &'a str,
    /// Where.
    pub span: Span,
}

impl From<UnknownItem<'_>> for Diagnostic {
    fn from(error: UnknownItem<'_>) -> Self {
        let message = format!("expected a schema item or a query, found {}", quote(error.found));
        let help = match error.found.to_ascii_uppercase().strip_prefix("QUERY") {
            Some("") => "keywords are written in capital letters: `QUERY`".to_owned(),
            Some(_) if error.found.starts_with("QUERY") => {
                format!("a keyword is a word of its own: `QUERY {}`", &error.found["QUERY".len()..])
            }
            _ if ["n", "e", "v"].contains(&error.found) => {
                "types begin with a capital letter: `N::User { … }`, `E::Follows { … }`, `V::Doc { … }`".to_owned()
            }
            _ => "a file holds types such as `N::User { name: String }` and queries such as \
                  `QUERY users() => … RETURN …`"
                .to_owned(),
        };
        Self::error(SYNTAX, error.span, message).label("neither a type nor a query").help(help)
    }
}

/// Brackets nest deeper than any program needs.
pub struct TooDeep {
    /// Where the limit is passed.
    pub span: Span,
}

impl From<TooDeep> for Diagnostic {
    fn from(error: TooDeep) -> Self {
        Self::error(SYNTAX, error.span, "this is nested too deeply").label("over 128 levels deep")
    }
}

/// A traversal has more steps than any program needs.
pub struct TooManySteps {
    /// Where the limit is passed.
    pub span: Span,
}

impl From<TooManySteps> for Diagnostic {
    fn from(error: TooManySteps) -> Self {
        Self::error(SYNTAX, error.span, "this traversal has too many steps")
            .label("over 128 steps")
            .help("keep what it has found so far in a variable, and go on from there".to_owned())
    }
}

/// A number is out of every type's range.
pub struct NumberTooLarge {
    /// The number.
    pub span: Span,
}

impl From<NumberTooLarge> for Diagnostic {
    fn from(error: NumberTooLarge) -> Self {
        Self::error(SYNTAX, error.span, "this number is too large").label("does not fit any type")
    }
}

/// A backslash is followed by something that is no escape.
pub struct UnknownEscape<'a> {
    /// The escape as written.
    pub escape: &'a str,
    /// Where.
    pub span: Span,
}

impl From<UnknownEscape<'_>> for Diagnostic {
    fn from(error: UnknownEscape<'_>) -> Self {
        let help = if error.escape.starts_with("\\u") {
            r"`\uXXXX` takes four hexadecimal digits; a character beyond U+FFFF is a pair, such as `\ud83d\ude00`"
        } else {
            r#"the escapes are `\"`, `\\`, `\/`, `\n`, `\r`, `\t`, `\b`, `\f` and `\uXXXX`"#
        };
        let is_half = error.escape.len() == 6 && error.escape[2..].starts_with(['d', 'D']);
        Self::error(SYNTAX, error.span, format!("unknown escape `{}`", error.escape))
            .label(if is_half { "half of a pair, which is no character" } else { "not an escape" })
            .help(help.to_owned())
    }
}

/// A function is called with too few or too many arguments.
pub struct WrongArity<'a> {
    /// The function.
    pub function: &'a str,
    /// How many it takes, in words.
    pub takes: &'a str,
    /// How many are given.
    pub given: usize,
    /// The call.
    pub span: Span,
}

impl From<WrongArity<'_>> for Diagnostic {
    fn from(error: WrongArity<'_>) -> Self {
        let message = format!("`{}` takes {}, not {}", error.function, error.takes, error.given);
        Self::error(SYNTAX, error.span, message).label(format!("takes {}", error.takes))
    }
}

/// A call with too few or too many arguments, or with arguments in the wrong order.
pub struct Arguments<'a> {
    /// The call.
    pub call: &'a str,
    /// What it takes, in words.
    pub takes: &'a str,
    /// What is wrong.
    pub fault: Fault,
    /// How it is written.
    pub example: &'a str,
    /// The argument that is wrong; the whole call where one is missing.
    pub span: Span,
}

/// What is wrong with the arguments of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An argument is missing: which.
    Missing(&'static str),
    /// There is one more than the call takes.
    TooMany,
    /// An argument stands in the wrong place: where it should be.
    Misplaced(&'static str),
}

impl From<Arguments<'_>> for Diagnostic {
    fn from(error: Arguments<'_>) -> Self {
        let Arguments { call, takes, fault, example, span } = error;
        let label = match fault {
            Fault::Missing(what) => format!("{what} is missing"),
            Fault::TooMany => "this is one too many".to_owned(),
            Fault::Misplaced(place) => place.to_owned(),
        };
        Self::error(SYNTAX, span, format!("`{call}` takes {takes}")).label(label).help(format!("write `{example}`"))
    }
}

/// A parameter that the call does not have.
pub struct UnknownParameter<'a> {
    /// The call.
    pub call: &'a str,
    /// The name as written.
    pub name: &'a str,
    /// The parameters that there are.
    pub known: &'a [&'a str],
    /// Where.
    pub span: Span,
}

impl From<UnknownParameter<'_>> for Diagnostic {
    fn from(error: UnknownParameter<'_>) -> Self {
        let UnknownParameter { call, name, known, span } = error;
        Self::error(SYNTAX, span, format!("`{call}` has no parameter `{name}`"))
            .label("unknown parameter")
            .help(format!("it takes {}", super::words::list(known.iter().copied(), usize::MAX)))
    }
}

/// A parameter of a call that is given twice.
pub struct RepeatedParameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// The second time.
    pub span: Span,
    /// The first time.
    pub first: Span,
}

impl From<RepeatedParameter<'_>> for Diagnostic {
    fn from(error: RepeatedParameter<'_>) -> Self {
        Self::error(SYNTAX, error.span, format!("`{}` is given twice", error.name))
            .label("given again here")
            .also(error.first, "first given here")
    }
}

/// A word is called that is no function.
pub struct UnknownFunction<'a> {
    /// The word.
    pub name: &'a str,
    /// Whether it is a step.
    pub is_step: bool,
    /// Where.
    pub span: Span,
}

/// Words that authors write for a function, as far as they do not begin like it.
const SYNONYMS: &[(&str, &str)] = &[
    ("MINUS", "SUB"),
    ("PLUS", "ADD"),
    ("TIMES", "MUL"),
    ("AVERAGE", "AVG"),
    ("MEAN", "AVG"),
    ("LENGTH", "COUNT"),
    ("LEN", "COUNT"),
    ("TOTAL", "SUM"),
];

/// The functions of mathematics.
const FUNCTIONS: &[&str] = &[
    "ADD", "SUB", "MUL", "DIV", "MOD", "POW", "ABS", "SQRT", "MIN", "MAX", "SUM", "AVG", "COUNT", "ROUND", "FLOOR",
    "CEIL", "EXP", "LN", "LOG10", "LOG", "SIN", "COS", "TAN", "ASIN", "ACOS", "ATAN", "ATAN2",
];

/// What a traversal starts with, what creates, and what else is called.
const CALLS: &[&str] =
    &["N", "E", "V", "AddN", "AddE", "AddV", "BatchAddV", "SearchV", "SearchBM25", "Embed", "EXISTS", "AND", "OR"];

impl From<UnknownFunction<'_>> for Diagnostic {
    fn from(error: UnknownFunction<'_>) -> Self {
        let UnknownFunction { name, is_step, span } = error;
        let upper = name.to_ascii_uppercase();
        let synonym = SYNONYMS.iter().find(|(word, _)| *word == upper).map(|(_, function)| (*function).to_owned());
        let prefix = || FUNCTIONS.iter().find(|function| upper.starts_with(*function)).map(|&name| name.to_owned());
        let call = CALLS.iter().find(|call| call.eq_ignore_ascii_case(name)).map(|call| (*call).to_owned());
        let meant = synonym.or(call).or_else(|| super::nearest(name, FUNCTIONS.iter().copied())).or_else(prefix);
        let help = match meant {
            _ if is_step => format!("steps follow `::`, as in `x::{name}`"),
            _ if upper == "NOT" => "negate with `!`, as in `!EXISTS(…)` and `!AND(…)`".to_owned(),
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "the functions of mathematics can be called, such as `ADD(a, b)`; queries cannot".to_owned(),
        };
        Self::error(SYNTAX, span, format!("unknown function `{name}`")).label("not a function").help(help)
    }
}

/// A parameter is declared twice.
pub struct DuplicateParameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// The second declaration.
    pub span: Span,
    /// The first declaration.
    pub first: Span,
}

impl From<DuplicateParameter<'_>> for Diagnostic {
    fn from(error: DuplicateParameter<'_>) -> Self {
        Self::error(SYNTAX, error.span, format!("parameter `{}` is declared twice", error.name))
            .label("declared again here")
            .also(error.first, "first declared here")
    }
}

/// A file is larger than any program needs.
pub struct FileTooLarge {
    /// The start of the file.
    pub span: Span,
}

impl From<FileTooLarge> for Diagnostic {
    fn from(error: FileTooLarge) -> Self {
        Self::error(SYNTAX, error.span, "this file is larger than 16 MiB")
            .help("split it into several files".to_owned())
    }
}

/// More problems were found than are worth showing.
pub struct TooManyErrors {
    /// How many are left out.
    pub more: usize,
    /// Where the first of them is.
    pub span: Span,
}

impl From<TooManyErrors> for Diagnostic {
    fn from(error: TooManyErrors) -> Self {
        let errors = if error.more == 1 { "error" } else { "errors" };
        Self::error(SYNTAX, error.span, format!("{} more syntax {errors} in this file are not shown", error.more))
    }
}

/// Text in backticks, cut where it is long or spans lines.
fn quote(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(40).filter(|c| !c.is_control()).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}
