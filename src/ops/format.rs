//! Sources in their canonical form.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::compile::{self, Rejected};
use crate::compiler::{Diagnostic, SourceSet, format};
use crate::errors::{ExitCode, Failure};
use crate::project::Project;
use crate::utils::write_atomic;

/// A source, as it is and as it should be.
#[derive(Clone, Debug)]
pub struct Formatted {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub before: String,
    /// Its canonical form.
    pub after: String,
}

impl Formatted {
    /// Whether it is not in its canonical form.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }

    /// The difference as a patch in the unified format; nothing when there is none.
    #[must_use]
    pub fn diff(&self) -> String {
        let diff = TextDiff::from_lines(&self.before, &self.after);
        let (old, new) = (format!("a/{}", self.name), format!("b/{}", self.name));
        diff.unified_diff().header(&old, &new).to_string()
    }
}

/// What became of sources.
#[derive(Debug)]
pub struct Outcome {
    /// Those that could be formatted, by name.
    pub formatted: Vec<Formatted>,
    /// What is wrong with the others.
    pub rejected: Option<Rejected>,
}

/// The sources of a project, by the names that messages use. There may be none.
///
/// # Errors
///
/// When the folder of queries cannot be listed.
pub fn of_project(project: &Project) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let folder = project.queries();
    let mut paths = Vec::new();
    compile::collect(&folder, &mut paths).map_err(|error| unlisted(&folder, &error))?;
    Ok(paths.into_iter().map(|path| (project.shown(&path).replace('\\', "/"), path)).collect())
}

/// The sources that paths stand for: a file is itself, a folder stands for those within it.
///
/// # Errors
///
/// When there is nothing at a path, or a folder cannot be listed.
pub fn of_paths(cwd: &Path, given: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut paths = Vec::new();
    for path in given {
        let path = cwd.join(path);
        let metadata = fs::metadata(&path).map_err(|error| Failure::file("read", &path, &error))?;
        if metadata.is_dir() {
            compile::collect(&path, &mut paths).map_err(|error| unlisted(&path, &error))?;
        } else {
            paths.push(path);
        }
    }
    let name = |path: &Path| path.strip_prefix(cwd).unwrap_or(path).display().to_string().replace('\\', "/");
    // One file that two paths lead to is one file, and a link stays a link.
    let real = |path: PathBuf| fs::canonicalize(&path).map_err(|error| Failure::file("read", &path, &error));
    let mut sources = BTreeMap::new();
    for path in paths {
        let (name, path) = (name(&path), real(path)?);
        if !sources.values().any(|known| *known == path) {
            sources.insert(name, path);
        }
    }
    Ok(sources)
}

fn unlisted(folder: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        let message = format!("the query folder `{}` does not exist", folder.display());
        let hint = "create it, or correct `project.queries` in the project file";
        return Failure::new("E-CFG-QUERIES", ExitCode::Config, message).hint(hint);
    }
    Failure::file("list", folder, error)
}

/// Reads and formats sources.
///
/// # Errors
///
/// When one cannot be read or is no text.
pub fn files(sources: &BTreeMap<String, PathBuf>) -> Result<Outcome, Failure> {
    let read = |(name, path): (&String, &PathBuf)| compile::read(name, path).map(|text| (name.clone(), text));
    Ok(texts(SourceSet::new(sources.iter().map(read).collect::<Result<Vec<_>, _>>()?)))
}

/// Formats sources.
#[must_use]
pub fn texts(sources: SourceSet) -> Outcome {
    let mut formatted = Vec::new();
    let mut found: Vec<Diagnostic> = Vec::new();
    for (id, file) in sources.iter() {
        match format::format(id, file.text()) {
            Ok(after) => {
                formatted.push(Formatted { name: file.path().to_owned(), before: file.text().to_owned(), after });
            }
            Err(problems) => found.extend(problems),
        }
    }
    let rejected = (!found.is_empty()).then_some(Rejected { diagnostics: found, sources });
    Outcome { formatted, rejected }
}

/// Writes what is not in its canonical form, each file as a whole.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(sources: &BTreeMap<String, PathBuf>, formatted: &[Formatted]) -> Result<(), Failure> {
    for one in formatted.iter().filter(|one| one.is_changed()) {
        if let Some(path) = sources.get(&one.name) {
            write_atomic(path, one.after.as_bytes()).map_err(|error| Failure::file("write", path, &error))?;
        }
    }
    Ok(())
}
