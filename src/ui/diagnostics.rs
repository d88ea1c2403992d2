//! Diagnostics of the compiler: as text with the source below, and as JSON.

use codespan_reporting::diagnostic::{Diagnostic as Shown, Label};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::termcolor::Ansi;
use codespan_reporting::term::{self, Config, Styles, StylesWriter};
use serde_json::{Value, json};

use crate::compiler::source::FileId;
use crate::compiler::{Diagnostic, Severity, SourceSet, Span};

/// The diagnostics as text without colours.
#[must_use]
pub fn render_plain(diagnostics: &[Diagnostic], sources: &SourceSet) -> String {
    let files = files(sources);
    let mut text = String::new();
    for diagnostic in diagnostics {
        // Writing into memory does not fail, and the spans are of these sources.
        let _ = term::emit_to_string(&mut text, &Config::default(), &files, &shown(diagnostic));
    }
    text
}

/// The diagnostics as text with escape sequences for colours.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &SourceSet) -> String {
    let files = files(sources);
    let styles = Styles::default();
    let mut ansi = Ansi::new(Vec::new());
    let mut writer = StylesWriter::new(&mut ansi, &styles);
    for diagnostic in diagnostics {
        let _ = term::emit_to_write_style(&mut writer, &Config::default(), &files, &shown(diagnostic));
    }
    String::from_utf8_lossy(&ansi.into_inner()).into_owned()
}

/// A diagnostic for machines. Lines and columns start at 1; columns count characters; `end` is one past the last.
#[must_use]
pub fn json(diagnostic: &Diagnostic, sources: &SourceSet) -> Value {
    let span = diagnostic.span();
    let mut object = json!({
        "code": diagnostic.code,
        "severity": severity(diagnostic.severity),
        "file": sources.file(span.file).path(),
        "start": place(sources, span, span.start),
        "end": place(sources, span, span.end),
        "message": diagnostic.message,
    });
    let optional = [("help", &diagnostic.help), ("query", &diagnostic.query)];
    for (name, text) in optional {
        if let Some(text) = text {
            object[name] = json!(text);
        }
    }
    if !diagnostic.notes.is_empty() {
        object["notes"] = json!(diagnostic.notes);
    }
    object
}

/// A diagnostic as a workflow command of GitHub Actions.
#[must_use]
pub fn github(diagnostic: &Diagnostic, sources: &SourceSet) -> String {
    let span = diagnostic.span();
    let file = sources.file(span.file);
    let (start, end) = (file.position(span.start), file.position(span.end));
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!(
        "::{} file={},line={},col={},endLine={},endColumn={},title={}::{}",
        severity(diagnostic.severity),
        escape(file.path()),
        start.line,
        start.column,
        end.line,
        end.column,
        diagnostic.code,
        escape(&diagnostic.message),
    )
}

/// The word for how bad it is.
#[must_use]
pub const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn place(sources: &SourceSet, span: Span, byte: u32) -> Value {
    let position = sources.file(span.file).position(byte);
    json!({ "line": position.line, "column": position.column })
}

fn files(sources: &SourceSet) -> SimpleFiles<&str, &str> {
    let mut files = SimpleFiles::new();
    for (_, file) in sources.iter() {
        files.add(file.path(), file.text());
    }
    files
}

/// Files are added in the order of their ids.
const fn index(file: FileId) -> usize {
    file.0 as usize
}

fn shown(diagnostic: &Diagnostic) -> Shown<usize> {
    let shown = match diagnostic.severity {
        Severity::Error => Shown::error(),
        Severity::Warning => Shown::warning(),
    };
    let labels = diagnostic.labels.iter().enumerate().map(|(order, label)| {
        let (file, range) = (index(label.span.file), label.span.start as usize..label.span.end as usize);
        let made = if order == 0 { Label::primary(file, range) } else { Label::secondary(file, range) };
        made.with_message(label.text.clone())
    });
    let help = diagnostic.help.iter().map(|help| format!("help: {help}"));
    shown
        .with_code(diagnostic.code)
        .with_message(diagnostic.message.clone())
        .with_labels(labels.collect())
        .with_notes(diagnostic.notes.iter().cloned().chain(help).collect())
}
