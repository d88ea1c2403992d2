//! What is printed: tokens, gaps between them, and groups of gaps that end their lines together.

use crate::compiler::syntax::SyntaxToken;

/// A piece of the document.
#[derive(Debug)]
pub(super) enum Part {
    /// A token.
    Token(SyntaxToken),
    /// What is between two tokens.
    Gap(Gap),
    /// The start of a group.
    Open(Group),
    /// Its end.
    Close,
}

/// Gaps that end their lines together, or not at all.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Whether the lines end in any case.
    pub is_block: bool,
    /// Whether a line ends within it in any case.
    pub is_broken: bool,
    /// Whether a line ends in one of its own gaps in any case.
    pub is_broken_itself: bool,
    /// The last group within it, if that may be the only one whose lines end: `f(a, {` … `})`. An index into the parts.
    pub hugged: Option<usize>,
}

/// What is between two tokens.
#[derive(Debug, Default)]
pub(super) struct Gap {
    /// Whether the line ends.
    pub end: LineEnd,
    /// Whether there is a space when it does not.
    pub space: bool,
    /// Where it is in its group.
    pub place: Place,
    /// What to do about an empty line before the next token.
    pub blank: Blank,
    /// Whether the text has one there.
    pub has_blank: bool,
    /// The comments in it.
    pub comments: Vec<Comment>,
}

impl Gap {
    /// Whether a line ends here, whatever the width.
    pub(super) fn is_break(&self) -> bool {
        self.end == LineEnd::Always || !self.comments.is_empty()
    }
}

/// Whether a line ends in a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// Only behind a comment.
    #[default]
    Never,
    /// When its group does not fit into a line.
    WithGroup,
    /// Always.
    Always,
}

/// Where a gap is in its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind the token that opens it.
    First,
    /// Between two elements.
    #[default]
    Middle,
    /// Before the token that closes it, which is indented as the line that opens it.
    Last,
}

/// Whether an empty line is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Blank {
    /// No.
    #[default]
    Drop,
    /// If there is one.
    Keep,
    /// Yes.
    Insist,
}

/// A comment.
#[derive(Debug)]
pub(super) struct Comment {
    /// With its slashes, without white space behind.
    pub text: String,
    /// Whether it stands behind a token, in the same line.
    pub is_behind: bool,
    /// Whether an empty line is before it.
    pub has_blank: bool,
}
