//! Making a project: decide which files, then write them, then take them back if something fails.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{DEFAULT_PORT, FILE_NAME};
use crate::utils::write_atomic;

/// The schema of the example.
const SCHEMA: &str = include_str!("init/schema.hx");
/// The queries of the example.
const QUERIES: &str = include_str!("init/queries.hx");
/// What does not belong into a repository.
const IGNORED: [&str; 6] = [".helix/", "target/", "*.log", ".env", ".env.*", "!.env.example"];

/// A project to be made.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// The folder.
    pub root: PathBuf,
    /// The name.
    pub name: String,
    /// The folder of queries, relative to the project.
    pub queries: String,
    /// The name of the local instance.
    pub instance: String,
    /// What runs it, as in the project file; a process of this executable when `None`.
    pub runtime: Option<String>,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is made.
    Create,
    /// It is there, and is written anew.
    Overwrite,
    /// It is there, and lines are added.
    Extend,
    /// It is there, and stays as it is.
    Keep,
}

/// A file of the new project.
#[derive(Clone, Debug)]
pub struct PlannedFile {
    /// The path.
    pub path: PathBuf,
    /// What is done with it.
    pub deed: Deed,
    content: String,
}

/// Decides what has to be written. Changes nothing.
///
/// # Errors
///
/// When the folder cannot be looked at.
pub fn plan(project: &NewProject) -> io::Result<Vec<PlannedFile>> {
    let queries = project.root.join(project.queries.trim_start_matches("./"));
    let mut files = vec![file(project.root.join(FILE_NAME), config(project))];
    files.push(file(queries.join("schema.hx"), SCHEMA.to_owned()));
    files.push(file(queries.join("queries.hx"), QUERIES.to_owned()));
    files.push(gitignore(&project.root.join(".gitignore"))?);
    Ok(files)
}

fn file(path: PathBuf, content: String) -> PlannedFile {
    let deed = match fs::read_to_string(&path) {
        Ok(there) if there == content => Deed::Keep,
        Ok(_) => Deed::Overwrite,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Deed::Create,
        Err(_) => Deed::Overwrite,
    };
    PlannedFile { path, deed, content }
}

fn config(project: &NewProject) -> String {
    let (name, queries, instance) = (&project.name, &project.queries, &project.instance);
    let runtime = project.runtime.iter().map(|runtime| format!("runtime = \"{runtime}\"\n")).collect::<String>();
    format!(
        "# What the keys mean: docs/helix.toml of helix.\n\n\
         [project]\nname = {}\nqueries = {}\n\n\
         [local.{instance}]\nport = {DEFAULT_PORT}\n{runtime}",
        toml_edit::Value::from(name.as_str()),
        toml_edit::Value::from(queries.as_str()),
    )
}

fn gitignore(path: &Path) -> io::Result<PlannedFile> {
    let there = match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let text = there.clone().unwrap_or_default();
    let missing: Vec<&str> =
        IGNORED.into_iter().filter(|entry| !text.lines().any(|line| line.trim() == *entry)).collect();
    let deed = match (&there, missing.is_empty()) {
        (None, _) => Deed::Create,
        (Some(_), true) => Deed::Keep,
        (Some(_), false) => Deed::Extend,
    };
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let added: String = missing.iter().map(|entry| format!("{entry}\n")).collect();
    Ok(PlannedFile { path: path.to_owned(), deed, content: format!("{text}{newline}{added}") })
}

/// What was made so far; taken back when dropped without [`Made::keep`].
#[derive(Debug, Default)]
struct Made {
    files: Vec<(PathBuf, String, Option<String>)>,
    folders: Vec<PathBuf>,
}

impl Made {
    fn create_folder(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    fn write(&mut self, file: &PlannedFile) -> io::Result<()> {
        if let Some(folder) = file.path.parent() {
            self.create_folder(folder)?;
        }
        let before = fs::read_to_string(&file.path).ok();
        write_atomic(&file.path, file.content.as_bytes())?;
        self.files.push((file.path.clone(), file.content.clone(), before));
        Ok(())
    }

    fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

/// Takes back, the newest first, what nobody else has changed since.
impl Drop for Made {
    fn drop(&mut self) {
        for (path, written, before) in self.files.drain(..).rev() {
            if fs::read_to_string(&path).ok().as_ref() != Some(&written) {
                continue;
            }
            let _ = match before {
                Some(before) => write_atomic(&path, before.as_bytes()),
                None => fs::remove_file(&path),
            };
        }
        for folder in self.folders.drain(..).rev() {
            // A folder that something was put into stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Writes the files, and takes everything back when one fails.
///
/// # Errors
///
/// When a file cannot be written, with its path.
pub fn apply(project: &NewProject, files: &[PlannedFile]) -> Result<(), (PathBuf, io::Error)> {
    let mut made = Made::default();
    let workspace = project.root.join(".helix");
    made.create_folder(&workspace).map_err(|error| (workspace, error))?;
    for file in files.iter().filter(|file| file.deed != Deed::Keep) {
        made.write(file).map_err(|error| (file.path.clone(), error))?;
    }
    made.keep();
    Ok(())
}

#[cfg(test)]
mod tests;
