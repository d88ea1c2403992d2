//! From the `.hx` files of a project to a plan.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use helix_plan::Program;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::compiler::diagnostics::codes;
use crate::compiler::{self, Diagnostic, Severity, SourceSet};
use crate::errors::{ExitCode, Failure, Location};
use crate::project::Project;
use crate::ui::diagnostics;
use crate::utils::{count, position};

/// The largest source file, in bytes.
const MAX_FILE_LEN_BYTES: u64 = 16 << 20;
/// Folders that hold no sources.
const SKIPPED: &str = ".helix";

/// The sources of a project.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The files, named relative to the project.
    pub set: SourceSet,
    /// The hash over names and texts.
    pub hash: String,
}

/// A project that compiles.
#[derive(Clone, Debug)]
pub struct CompiledProject {
    /// The plan.
    pub program: Program,
    /// The sources that it comes from.
    pub sources: Sources,
    /// What the compiler has to say all the same.
    pub warnings: Vec<Diagnostic>,
}

/// Reads the sources, sorted by path. Links are not followed.
///
/// # Errors
///
/// When there are none, or a file cannot be read or is no text.
pub fn read_sources(project: &Project) -> Result<Sources, Failure> {
    let folder = project.queries();
    let shown = project.shown(&folder);
    if !folder.is_dir() {
        let message = format!("the query folder `{shown}` does not exist");
        let hint = "create it, or correct `project.queries` in the project file";
        return Err(Failure::new("E-CFG-QUERIES", ExitCode::Config, message).hint(hint));
    }
    let mut paths = Vec::new();
    collect(&folder, &mut paths).map_err(|error| Failure::file("list", &folder, &error))?;
    if paths.is_empty() {
        let message = format!("there is no `.hx` file in `{shown}`");
        return Err(
            Failure::new("E-CFG-QUERIES", ExitCode::Config, message).hint("write a schema: `N::User { name: String }`")
        );
    }
    let named = |path: &PathBuf| {
        let name = project.shown(path).replace('\\', "/");
        read(&name, path).map(|text| (name, text))
    };
    let mut files = paths.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    files.sort();
    let mut hash = Sha256::new();
    for part in files.iter().flat_map(|(path, text)| [path, text]) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let hash = format!("sha256:{}", hex::encode(hash.finalize()));
    Ok(Sources { set: SourceSet::new(files), hash })
}

/// Adds the sources in a folder, and in those within it, in no order. Links are not followed.
///
/// # Errors
///
/// When a folder cannot be listed.
pub(super) fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() && entry.file_name() != SKIPPED {
            collect(&path, paths)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "hx") {
            paths.push(path);
        }
    }
    Ok(())
}

/// The text of a source file that messages call `name`.
///
/// # Errors
///
/// When it cannot be read, is too large, or is no text.
pub(super) fn read(name: &str, path: &Path) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::file("read", path, &error);
    let len_bytes = fs::metadata(path).map_err(failed)?.len();
    if len_bytes > MAX_FILE_LEN_BYTES {
        return Err(too_large(name, len_bytes));
    }
    text(name, fs::read(path).map_err(failed)?)
}

/// A source that is read from a stream.
///
/// # Errors
///
/// When it cannot be read, is too large, or is no text.
pub fn read_stream(name: &str, stream: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = stream.take(MAX_FILE_LEN_BYTES + 1).read_to_end(&mut bytes);
    let len_bytes = read.map_err(|error| Failure::file("read", Path::new(name), &error))? as u64;
    if len_bytes > MAX_FILE_LEN_BYTES {
        return Err(too_large(name, len_bytes));
    }
    text(name, bytes)
}

fn too_large(name: &str, len_bytes: u64) -> Failure {
    let message = format!("`{name}` has {len_bytes} bytes or more, at most {MAX_FILE_LEN_BYTES} are read");
    Failure::new(codes::TOO_LARGE, ExitCode::Queries, message)
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let valid = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
        let (line, column) = position(&valid, at);
        Failure::new(codes::ENCODING, ExitCode::Queries, "the file is not UTF-8 text")
            .at(Location { file: name.to_owned(), line, column })
            .hint("save the file as UTF-8")
    })
}

/// Sources that do not compile.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Everything found; at least one is an error.
    pub diagnostics: Vec<Diagnostic>,
    /// The sources.
    pub sources: SourceSet,
}

/// Compiles the sources.
///
/// # Errors
///
/// With every diagnostic when one of them is an error.
pub fn compile(sources: Sources) -> Result<CompiledProject, Rejected> {
    let compiled = compiler::compile(&sources.set);
    match compiled.program {
        Some(program) => Ok(CompiledProject { program, sources, warnings: compiled.diagnostics }),
        None => Err(Rejected { diagnostics: compiled.diagnostics, sources: sources.set }),
    }
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Self {
        let Rejected { diagnostics: found, sources } = rejected;
        let errors: Vec<&Diagnostic> = found.iter().filter(|one| one.severity == Severity::Error).collect();
        let message = format!("the queries have {}", count(errors.len(), "error", "errors"));
        let first = errors.first();
        let failure = Self::new(first.map_or("E-HQL", |first| first.code), ExitCode::Queries, message);
        Self {
            hint: first.map(|first| more(first.code)),
            location: first.map(|first| location(first, &sources)),
            diagnostics: json(&found, &sources),
            rendered: Some(diagnostics::render(&found, &sources)),
            ..failure
        }
    }
}

/// Where to read on about a code.
#[must_use]
pub fn more(code: &str) -> String {
    format!("`helix explain {code}` says more")
}

/// The diagnostics for machines: the first thousand, so that broken input takes bounded memory. The message of the failure has
/// the number of all.
#[must_use]
pub fn json(found: &[Diagnostic], sources: &SourceSet) -> Vec<Value> {
    found.iter().take(diagnostics::TOLD).map(|one| diagnostics::json(one, sources)).collect()
}

fn location(diagnostic: &Diagnostic, sources: &SourceSet) -> Location {
    let span = diagnostic.span();
    let file = sources.file(span.file);
    let position = file.position(span.start);
    Location { file: file.path().to_owned(), line: position.line, column: position.column }
}
