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
        Self::error(SYNTAX, error.span, format!("expected {}, found {found}", error.what))
            .label(format!("expected {}", error.what))
            .help(error.help.map(str::to_owned))
    }
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
        Self::error(SYNTAX, error.span, format!("unknown step `{}`", error.name))
            .label("not a step")
            .help(error.nearest.map(|name| format!("did you mean `{name}`?")))
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
        let help =
            "a file holds types such as `N::User { name: String }` and queries such as `QUERY users() => … RETURN …`";
        Self::error(SYNTAX, error.span, message).label("neither a type nor a query").help(help.to_owned())
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
        Self::error(SYNTAX, error.span, format!("unknown escape `{}`", error.escape))
            .label("not an escape")
            .help(r#"the escapes are `\"`, `\\`, `\/`, `\n`, `\r`, `\t`, `\b`, `\f` and `\uXXXX`"#.to_owned())
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
