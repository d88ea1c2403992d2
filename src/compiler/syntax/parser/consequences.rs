//! Which problems follow from others: one mistake is told once.

use std::collections::BTreeMap;

use super::{Problem, ProblemKind};

/// Leaves out, of problems by their places, what follows from an earlier problem of the same statement, field or parameter: what is on the same line, and what
/// is about brackets, which the earlier one may have opened or closed.
pub(super) fn remove(text: &str, problems: &mut Vec<Problem>) {
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    problems.retain(|problem| {
        let Some(unit) = problem.unit.filter(|_| !is_about_a_word(&problem.kind)) else { return true };
        let is_first = last.get(&unit).is_none_or(|earlier| {
            let is_same_line = !text[*earlier..problem.start].contains('\n');
            !is_same_line && !is_about_brackets(text, problem)
        });
        if is_first {
            last.insert(unit, problem.start);
        }
        is_first
    });
}

/// Whether the word is wrong wherever it stands.
const fn is_about_a_word(kind: &ProblemKind) -> bool {
    use ProblemKind::{Comment, Keyword, Name, Number, OpenString};
    matches!(kind, OpenString | Comment | Keyword(_) | Name | Number)
}

fn is_about_brackets(text: &str, problem: &Problem) -> bool {
    let is_closing = |word: &str| matches!(word, "`}`" | "`)`" | "`]`" | "`>`") || word.starts_with("`,` or ");
    match problem.kind {
        ProblemKind::Expected(what) | ProblemKind::ExpectedWithHelp(what, _) => {
            is_closing(what) || matches!(&text[problem.start..problem.end], ")" | "]" | "}" | ">")
        }
        ProblemKind::UnknownItem => &text[problem.start..problem.end] == "}",
        _ => false,
    }
}
