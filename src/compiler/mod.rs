//! The HelixQL compiler: pure, text in, values out.
//!
//! [`compile`] reads a [`SourceSet`] and gives a [`Program`] when nothing is wrong with it, and what there is to say about it in
//! any case. It does no IO, reads no clock and no environment, and prints nothing.

mod check;
pub mod diagnostics;
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
/// Every file is parsed and checked, whatever is wrong with the others. A query with a syntax error is not checked further, and
/// names that a broken declaration may have declared are not reported as unknown, so that one mistake gives one diagnostic.
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
    let schema = schema::build(&files, !broken.declarations, &mut report);
    if !declares_anything(&files) && !broken.declarations {
        report.add(NoSchema { span: Span { file: FileId(0), start: 0, end: 0 } });
    }
    let queries = check::queries(sources, &files, &schema, &broken.queries, &mut report);
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
struct Broken {
    /// The places of queries that have any.
    queries: Vec<Span>,
    /// Whether any are outside of queries.
    declarations: bool,
}

impl Broken {
    fn find(files: &[ParsedFile], syntax: &[Diagnostic]) -> Self {
        let mut errors: Vec<Span> = syntax.iter().map(Diagnostic::span).collect();
        errors.sort_unstable();
        let mut in_queries = 0;
        let mut queries = Vec::new();
        for file in files {
            for item in file.tree.items() {
                let ast::Item::Query(query) = item else { continue };
                let span = query.span(file.id);
                // An error at the end of a query, such as a missing `RETURN`, stands right behind it.
                let first = errors.partition_point(|error| (error.file, error.start) < (span.file, span.start));
                let behind = errors.partition_point(|error| (error.file, error.start) <= (span.file, span.end));
                if first < behind {
                    queries.push(span);
                    in_queries += behind - first;
                }
            }
        }
        Self { queries, declarations: in_queries < errors.len() }
    }
}
