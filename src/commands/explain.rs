//! `helix explain`.

use clap::Args;
use serde::Serialize;

use crate::compiler::diagnostics::codes::{self, Code};
use crate::compiler::diagnostics::pages;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix explain E-HQL-205  What it means, a wrong and a right example, how to mend it
  helix explain E205       The same
  helix explain            All codes, one line each

These are the codes of what is wrong with a schema or a query. Other failures say themselves what to do next.
Exit codes: 0 done, 2 no such code.";

/// Arguments of `helix explain`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The code, as the compiler prints it; all codes when omitted
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// What there is to say.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ExplainReport {
    /// About all codes.
    Codes {
        /// The codes, in the order of the reference.
        codes: Vec<CodeReport>,
    },
    /// About one.
    Page {
        /// The code and its meaning.
        #[serde(flatten)]
        code: CodeReport,
        /// What there is to read about it, in Markdown.
        page: &'static str,
        /// Whether it is shown on a terminal.
        #[serde(skip)]
        styled: bool,
    },
}

/// A code.
#[derive(Debug, Serialize)]
pub struct CodeReport {
    code: &'static str,
    meaning: &'static str,
}

impl From<&Code> for CodeReport {
    fn from(code: &Code) -> Self {
        Self { code: code.code, meaning: code.meaning }
    }
}

impl Report for ExplainReport {
    fn human(&self, page: &mut Page) {
        match self {
            Self::Codes { codes } => {
                let row = |code: &CodeReport| {
                    vec![(Style::Bold, code.code.to_owned()), (Style::Plain, code.meaning.to_owned())]
                };
                page.table(&["CODE", "MEANING"], &codes.iter().map(row).collect::<Vec<_>>());
            }
            Self::Page { page: text, styled: true, .. } => page.markdown(text),
            Self::Page { page: text, styled: false, .. } => page.verbatim(text),
        }
    }

    fn summary(&self) -> Option<String> {
        Some(match self {
            Self::Codes { codes } => codes.iter().map(|code| code.code).collect::<Vec<_>>().join("\n"),
            Self::Page { code, .. } => format!("{}: {}", code.code, code.meaning),
        })
    }
}

/// Says what a code means, or which there are.
///
/// # Errors
///
/// When there is no such code.
pub fn run(args: &ExplainArgs, ctx: &Ctx) -> Result<ExplainReport, Failure> {
    let Some(asked) = &args.code else {
        return Ok(ExplainReport::Codes { codes: all().map(CodeReport::from).collect() });
    };
    let whole = whole(asked);
    let code = all().find(|code| code.code == whole).ok_or_else(|| unknown(asked, &whole))?;
    let page = pages::page(code.code).ok_or_else(|| Failure::internal(format!("no page is about {whole}")))?;
    Ok(ExplainReport::Page { code: code.into(), page, styled: ctx.ui.is_terminal() })
}

/// Every code that there is a page about.
fn all() -> impl Iterator<Item = &'static Code> {
    codes::ALL.iter().chain(codes::OF_FILES)
}

/// A code as it is printed: `E205`, `e-hql-205` and `205` are all `E-HQL-205`.
fn whole(asked: &str) -> String {
    let asked = asked.trim().to_uppercase();
    let digits = asked.trim_start_matches(['E', 'W']);
    let is_short =
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && asked.len() <= digits.len() + 1;
    match is_short {
        true if asked.starts_with('W') => format!("W-HQL-{digits}"),
        true => format!("E-HQL-{digits}"),
        false => asked,
    }
}

fn unknown(asked: &str, whole: &str) -> Failure {
    let failure = Failure::new("E-INPUT-CODE", ExitCode::Usage, format!("`{asked}` is no code of the compiler"));
    // Codes differ in a digit, which is not much of a whole word: similar words are not what is looked for.
    let distance = |code: &&Code| strsim::damerau_levenshtein(whole, code.code);
    let near = all().min_by_key(distance).filter(|code| distance(code) <= 2);
    failure.hint(match near {
        Some(near) => format!("did you mean `helix explain {}`? `helix explain` lists all", near.code),
        None => "`helix explain` lists those that it can explain".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_may_be_short() {
        for (asked, expected) in
            [("E205", "E-HQL-205"), ("205", "E-HQL-205"), ("w103", "W-HQL-103"), ("e-hql-001", "E-HQL-001"), ("E", "E")]
        {
            assert_eq!(whole(asked), expected);
        }
    }
}
