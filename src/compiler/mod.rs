//! The HelixQL compiler: pure, text in, values out.
//!
//! It does no IO, reads no clock and no environment, and prints nothing.

mod check;
pub mod diagnostics;
mod lower;
mod report;
mod schema;
pub mod source;
pub mod syntax;

pub use diagnostics::{Diagnostic, Severity};
pub use source::{SourceSet, Span};
