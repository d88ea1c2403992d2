//! The HelixQL compiler: pure, text in, values out.
//!
//! [`compile`] reads a [`SourceSet`] and gives a [`Program`] when nothing is wrong with it, and what there is to say about it in
//! any case. It does no IO, reads no clock and no environment, and prints nothing.

mod check;
pub mod diagnostics;
pub mod emit;
pub mod explain;
pub mod format;
mod lower;
mod report;
mod schema;
pub mod source;
pub mod syntax;
#[cfg(test)]
mod tests;

use helix_plan::Program;

pub use diagnostics::{Diagnostic, Severity};
pub use source::{SourceSet, Span};

use self::diagnostics::schema::NoSchema;
use self::report::Report;
use self::source::FileId;
use self::syntax::ast::{self, AstNode as _};

/// What became of a compilation.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program; `None` when any diagnostic is an error.
    pub program: Option<Program>,
    /// Everything found, in the order of files and places. A span may be of no file when there is no file at all.
    pub diagnostics: Vec<Diagnostic>,
}

/// A file with its tree.
#[derive(Debug)]
struct ParsedFile {
    id: FileId,
    tree: ast::SourceFile,
}

/// Compiles all files together: the order of files and of declarations never changes the program.
///
/// Every file is parsed and checked, whatever is wrong with the others. A statement with a syntax error is not checked further,
/// and names that a broken part may have declared are not reported as unknown, so that one mistake gives one diagnostic.
#[must_use]
pub fn compile(sources: &SourceSet) -> Compiled {
    let mut files = Vec::with_capacity(sources.len());
    let mut syntax = Vec::new();
    for (id, file) in sources.iter() {
        let parse = syntax::parse(id, file.text());
        files.push(ParsedFile { id, tree: parse.tree() });
        syntax.extend_from_slice(parse.diagnostics());
    }
    let broken = Broken::find(&files, &syntax);
    let mut report = Report::new(syntax);
    let declares_anything = declares_anything(&files);
    let is_complete = declares_anything && !broken.declarations;
    let schema = schema::build(&files, &broken, is_complete, &mut report);
    if !declares_anything && !broken.declarations {
        report.add(NoSchema { span: Span { file: FileId(0), start: 0, end: 0 } });
    }
    let queries = check::queries(sources, &files, &schema, &broken, &mut report);
    let (diagnostics, failed) = report.finish();
    let paths = || sources.iter().map(|(_, file)| file.path().to_owned()).collect();
    let program = (!failed).then(|| Program::new(schema.catalog, queries, paths()));
    Compiled { program, diagnostics }
}

fn declares_anything(files: &[ParsedFile]) -> bool {
    files.iter().flat_map(|file| file.tree.items()).any(|item| match item {
        ast::Item::Node(_) | ast::Item::Edge(_) | ast::Item::Vector(_) => true,
        ast::Item::Block(block) => block.items().next().is_some(),
        ast::Item::Migration(_) | ast::Item::Query(_) => false,
    })
}

/// Where the syntax errors are.
#[derive(Debug)]
struct Broken {
    /// The places of all of them, in order.
    errors: Vec<Span>,
    /// Whether any are outside of queries.
    declarations: bool,
}

impl Broken {
    fn find(files: &[ParsedFile], syntax: &[Diagnostic]) -> Self {
        let mut errors: Vec<Span> = syntax.iter().map(Diagnostic::span).collect();
        errors.sort_unstable();
        let mut broken = Self { errors, declarations: false };
        let mut in_queries = 0;
        for file in files {
            for item in file.tree.items() {
                if let ast::Item::Query(query) = item {
                    in_queries += broken.within(query.span(file.id)).len();
                }
            }
        }
        broken.declarations = in_queries < broken.errors.len();
        broken
    }

    /// The errors from the start of a place up to right behind it, where a missing part is reported.
    fn within(&self, place: Span) -> &[Span] {
        let before = self.errors.partition_point(|error| (error.file, error.start) < (place.file, place.start));
        let behind = self.errors.partition_point(|error| (error.file, error.start) <= (place.file, place.end));
        &self.errors[before..behind]
    }
}
