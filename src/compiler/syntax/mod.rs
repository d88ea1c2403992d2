//! Text to lossless syntax tree, with recovery; typed views of the tree.
//!
//! [`parse`] never fails: it gives a tree that holds every byte of the text, and the diagnostics. A formatter walks the tokens
//! of [`Parse::syntax`], comments included; an editor asks it for the token at an offset; the checker reads the typed views of
//! [`ast`]. Keywords are contextual: every word is an [`IDENT`](SyntaxKind::IDENT), and its place says what it means.

pub mod ast;
pub mod kind;

pub use kind::{HelixQl, SyntaxKind, SyntaxNode, SyntaxToken};
