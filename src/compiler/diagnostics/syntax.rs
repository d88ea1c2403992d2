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
        let help = error.help.or_else(|| error.found.and_then(|sign| meant_by(sign, error.what)));
        Self::error(SYNTAX, error.span, format!("expected {}, found {found}", error.what))
            .label(format!("expected {}", error.what))
            .help(help.map(str::to_owned))
    }
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

/// `::` is followed by a word that is no step.
pub struct UnknownStep<'a> {
    /// The word.
    pub name: &'a str,
    /// The step that is spelt most alike.
    pub nearest: Option<&'a str>,
    /// Where.
    pub span: Span,
}

impl From<UnknownStep<'_>> for Diagnostic {
    fn from(error: UnknownStep<'_>) -> Self {
        Self::error(SYNTAX, error.span, format!("unknown step `{}`", error.name)).label("not a step").help(
            match (error.name, error.nearest) {
                ("From" | "To", _) => Some(
                    "`From(…)` and `To(…)` take an id or an item, behind `AddE<…>`, `UpsertE(…)` or a path".to_owned(),
                ),
                (_, Some(nearest)) => Some(format!("did you mean `{nearest}`?")),
                (name, None) if name.starts_with(|first: char| first.is_ascii_lowercase()) => {
                    Some(format!("a field is read with `::{{{name}}}`"))
                }
                (_, None) => None,
            },
        )
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

impl From<UnknownFunction<'_>> for Diagnostic {
    fn from(error: UnknownFunction<'_>) -> Self {
        let UnknownFunction { name, is_step, span } = error;
        let upper = name.to_ascii_uppercase();
        let synonym = SYNONYMS.iter().find(|(word, _)| *word == upper).map(|(_, function)| (*function).to_owned());
        let prefix = || FUNCTIONS.iter().find(|function| upper.starts_with(*function)).map(|&name| name.to_owned());
        let meant = synonym.or_else(|| super::nearest(name, FUNCTIONS.iter().copied())).or_else(prefix);
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
