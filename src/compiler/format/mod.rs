//! The canonical form of a text: what `helix fmt` writes.
//!
//! A text becomes a sequence of parts (`document`): its tokens as they are, and between two of them a gap that says whether the line
//! may, must or must not end there. `layout` makes it from the syntax tree, `print` decides which lines end. What was written
//! between two tokens is a property of the gap, and nothing else is: tokens and comments therefore keep their order, and a text
//! that was printed prints as itself. Only commas that end a list are left out.

mod document;
mod layout;
mod print;
mod spacing;
#[cfg(test)]
mod tests;

use super::Diagnostic;
use super::source::FileId;
use super::syntax;

/// How wide a line should be, in characters. Comments and strings may be wider.
const WIDTH: usize = 100;

/// How far a level is indented, in spaces.
const INDENT: usize = 4;

/// Formats a file. The result means the same and has the same comments; formatted again, it stays as it is.
///
/// # Errors
///
/// With what is wrong with the form of the text: it is then not known well enough to be moved around.
pub fn format(file: FileId, text: &str) -> Result<String, Vec<Diagnostic>> {
    let parse = syntax::parse(file, text);
    if parse.diagnostics().is_empty() {
        Ok(print::print(&layout::document(&parse.syntax())))
    } else {
        Err(parse.diagnostics().to_vec())
    }
}
