//! Diagnostics of the compiler: as text with the source below, and as JSON.

use codespan_reporting::diagnostic::{Diagnostic as Shown, Label};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::termcolor::Ansi;
use codespan_reporting::term::{self, Config, Styles, StylesWriter};
use serde_json::{Value, json};

use crate::compiler::source::FileId;
use crate::compiler::{Diagnostic, Severity, SourceSet, Span};

/// Diagnostics that are shown as text: nobody reads more at once.
const SHOWN: usize = 100;

/// Diagnostics that are told to machines.
pub const TOLD: usize = 1_000;

/// The diagnostics as text without colours.
#[must_use]
pub fn render_plain(diagnostics: &[Diagnostic], sources: &SourceSet) -> String {
    let files = files(sources);
    let mut text = String::new();
    for diagnostic in diagnostics {
        // Writing into memory does not fail, and the spans are of these sources.
        let _ = term::emit_to_string(&mut text, &Config::default(), &files, &shown(diagnostic, sources));
    }
    text
}

/// The first hundred diagnostics as text with escape sequences for colours, and how many more there are.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &SourceSet) -> String {
    let files = files(sources);
    let styles = Styles::default();
    let mut ansi = Ansi::new(Vec::new());
    let mut writer = StylesWriter::new(&mut ansi, &styles);
    for diagnostic in diagnostics.iter().take(SHOWN) {
        let _ = term::emit_to_write_style(&mut writer, &Config::default(), &files, &shown(diagnostic, sources));
    }
    let mut text = String::from_utf8_lossy(&ansi.into_inner()).into_owned();
    if diagnostics.len() > SHOWN {
        text.push_str(&format!("… and {} more\n\n", diagnostics.len() - SHOWN));
    }
    text
}

/// A diagnostic for machines. Lines and columns start at 1; columns count characters; `end` and `byte_end` are one past the last.
/// The first of its labels is the place itself, and has its text as `label`; the others are `labels`.
#[must_use]
pub fn json(diagnostic: &Diagnostic, sources: &SourceSet) -> Value {
    let mut object = json!({
        "code": diagnostic.code,
        "severity": severity(diagnostic.severity),
    });
    put_place(&mut object, sources, diagnostic.span());
    object["message"] = json!(diagnostic.message);
    let optional = [("help", &diagnostic.help), ("query", &diagnostic.query)];
    for (name, text) in optional {
        if let Some(text) = text {
            object[name] = json!(text);
        }
    }
    if !diagnostic.notes.is_empty() {
        object["notes"] = json!(diagnostic.notes);
    }
    let mut labels = diagnostic.labels.iter();
    if let Some(own) = labels.next().filter(|own| !own.text.is_empty()) {
        object["label"] = json!(own.text);
    }
    let others = labels.map(|other| {
        let mut label = json!({ "text": other.text });
        put_place(&mut label, sources, other.span);
        label
    });
    let others: Vec<Value> = others.collect();
    if !others.is_empty() {
        object["labels"] = json!(others);
    }
    object
}

fn put_place(object: &mut Value, sources: &SourceSet, span: Span) {
    object["file"] = json!(sources.file(span.file).path());
    object["start"] = place(sources, span, span.start);
    object["end"] = place(sources, span, span.end);
    object["byte_start"] = json!(span.start);
    object["byte_end"] = json!(span.end);
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

/// Diagnostics as a log of the Static Analysis Results Interchange Format, 2.1.0 (OASIS).
#[must_use]
pub fn sarif(found: &[Diagnostic], sources: &SourceSet) -> Value {
    let rules: std::collections::BTreeSet<&str> = found.iter().map(|one| one.code).collect();
    let result = |one: &Diagnostic| {
        let span = one.span();
        let file = sources.file(span.file);
        let (start, end) = (file.position(span.start), file.position(span.end));
        let message = match &one.help {
            Some(help) => format!("{}. Help: {help}", one.message),
            None => one.message.clone(),
        };
        json!({
            "ruleId": one.code,
            "level": severity(one.severity),
            "message": { "text": message },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": file.path() },
                "region": {
                    "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
                },
            }}],
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "helix",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|code| json!({ "id": code })).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": found.iter().map(result).collect::<Vec<_>>(),
        }],
    })
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

/// The longest line that is shown, in bytes: a longer one tells nothing and floods the terminal.
const MAX_LINE_BYTES: usize = 500;

/// Whether the lines that a span touches are too long to show.
fn is_wide(sources: &SourceSet, span: Span) -> bool {
    let text = sources.file(span.file).text();
    let (start, end) = ((span.start as usize).min(text.len()), (span.end as usize).min(text.len()));
    let before = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let after = text[end..].find('\n').map_or(text.len(), |newline| end + newline);
    text[before..after].lines().any(|line| line.len() > MAX_LINE_BYTES)
}

fn shown(diagnostic: &Diagnostic, sources: &SourceSet) -> Shown<usize> {
    let shown = match diagnostic.severity {
        Severity::Error => Shown::error(),
        Severity::Warning => Shown::warning(),
    };
    let (wide, narrow): (Vec<_>, Vec<_>) =
        diagnostic.labels.iter().enumerate().partition(|(_, label)| is_wide(sources, label.span));
    let labels = narrow.into_iter().map(|(order, label)| {
        let (file, range) = (index(label.span.file), label.span.start as usize..label.span.end as usize);
        let made = if order == 0 { Label::primary(file, range) } else { Label::secondary(file, range) };
        made.with_message(label.text.clone())
    });
    let places = wide.into_iter().map(|(_, label)| {
        let file = sources.file(label.span.file);
        let at = file.position(label.span.start);
        format!("at {}:{}:{}, in a line too long to show: {}", file.path(), at.line, at.column, label.text)
    });
    let help = diagnostic.help.iter().map(|help| format!("help: {help}"));
    let notes = places.chain(diagnostic.notes.iter().cloned()).chain(help);
    shown
        .with_code(diagnostic.code)
        .with_message(diagnostic.message.clone())
        .with_labels(labels.collect())
        .with_notes(notes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiler::compile;

    #[test]
    fn machines_are_told_every_place() {
        let text = "N::User { name: String }\nN::User { name: String }\n";
        let sources = SourceSet::new([("db/app.hx".to_owned(), text.to_owned())]);
        let told = json(&compile(&sources).diagnostics[0], &sources);
        assert_eq!((&told["byte_start"], &told["byte_end"]), (&json!(28), &json!(32)), "{told}");
        let first = json!({
            "text": "first declaration",
            "file": "db/app.hx",
            "start": { "line": 1, "column": 4 },
            "end": { "line": 1, "column": 8 },
            "byte_start": 3,
            "byte_end": 7,
        });
        assert_eq!(told["labels"], json!([first]), "{told}");
    }

    #[test]
    fn a_line_of_ten_megabytes_is_named_not_shown() {
        let sources = SourceSet::new([("db/wide.hx".to_owned(), "x".repeat(10_000_000))]);
        let text = render_plain(&compile(&sources).diagnostics, &sources);
        assert!(text.len() < 2_000, "{} bytes", text.len());
        assert!(text.contains("at db/wide.hx:1:1"), "{text}");
    }
}
