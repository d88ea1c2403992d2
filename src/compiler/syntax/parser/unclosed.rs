//! Which string is not closed. Strings may span lines, so that one without its closing quote ends at the opening quote of the
//! next, and the text between later strings is taken for strings. What is wrong is seen far away, perhaps in another query.

use super::{Output, ProblemKind};
use crate::compiler::syntax::kind::SyntaxKind::STRING;

/// A string that probably lacks its closing quote.
#[derive(Clone, Copy)]
pub(super) struct Unclosed {
    /// Where it starts.
    pub start: usize,
    /// Whether nobody writes a string such as this: over several lines, or with a space or an opening bracket at its end.
    is_strange: bool,
}

impl Unclosed {
    /// Whether a text is wrong because of the string, given what it says when the string ends with its line.
    pub(super) fn explains(&self, before: &Output, after: &Output) -> bool {
        let is_reported = after.problems.iter().any(|problem| problem.start == self.start);
        let is_simpler = after.problems.len() < before.problems.len();
        is_reported && (is_simpler || self.is_strange && others(after) <= others(before))
    }
}

/// How many problems are not about strings.
fn others(output: &Output) -> usize {
    output.problems.iter().filter(|problem| problem.kind != ProblemKind::OpenString).count()
}

/// The string that probably lacks its closing quote, in a text with problems other than those of the strings `known`.
///
/// It is the first of those, one after the other, whose closing quote looks like the opening one of another string; a problem
/// is found behind them.
pub(super) fn find(text: &str, output: &Output, known: &[usize]) -> Option<Unclosed> {
    let mut problems =
        output.problems.iter().map(|problem| problem.start).filter(|start| !known.contains(start)).peekable();
    let (mut first, mut start) = (None, 0);
    for token in &output.tokens {
        let mut is_behind = false;
        while problems.next_if(|problem| *problem < start).is_some() {
            is_behind = true;
        }
        if is_behind && first.is_some() {
            return first;
        }
        if token.kind == STRING {
            let content = text[start..token.end].trim_end_matches('"');
            let is_strange = content.contains('\n') || content.ends_with([' ', '(', '[', '{', ':', ',']);
            let is_suspect = closes_like_an_opening(&text[token.end..]);
            first = is_suspect.then(|| first.unwrap_or(Unclosed { start, is_strange }));
        }
        start = token.end;
    }
    first.filter(|_| problems.peek().is_some())
}

/// Whether the text behind a string does not look like what follows one.
fn closes_like_an_opening(behind: &str) -> bool {
    behind.chars().next().is_some_and(|next| !next.is_whitespace() && !",)]}:;./".contains(next))
}
