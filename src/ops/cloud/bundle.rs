//! The sources of a project as Helix Cloud takes them (`cli.md` §12.5), and as it gives them back.
//!
//! Paths are relative to the project, whatever folder the command was started in. The schema is what is in files named
//! `…schema.hx`; when there are several they are sent as one text, with a comment each that [`split`] knows.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::edit;
use crate::errors::{ExitCode, Failure};
use crate::integrations::role::SourceBundle;
use crate::ops::compile::Sources;
use crate::project::Project;

/// How the name of a schema file ends.
const SCHEMA: &str = "schema.hx";
/// What stands before each of several schema files.
const MARK: &str = "// helix: file ";

/// What is sent of a project.
///
/// # Errors
///
/// When there is no schema or no query, which would deploy nothing.
pub fn of_project(project: &Project, instance: &str, sources: &Sources) -> Result<SourceBundle, Failure> {
    let (mut schemas, mut queries) = (BTreeMap::new(), BTreeMap::new());
    for (_, file) in sources.set.iter() {
        let files = if file.path().ends_with(SCHEMA) { &mut schemas } else { &mut queries };
        files.insert(relative(project, file.path()), file.text().to_owned());
    }
    let folder = project.shown(&project.queries());
    if schemas.values().all(|text| text.trim().is_empty()) {
        let message = format!("there is no schema in `{folder}`: Helix Cloud looks for it in files named `{SCHEMA}`");
        return Err(Failure::new("E-CLOUD-NO-SCHEMA", ExitCode::Queries, message)
            .hint(format!("move the types into `{}`", Path::new(&folder).join(SCHEMA).display())));
    }
    if queries.values().all(|text: &String| text.trim().is_empty()) {
        let message = format!("there are no queries in `{folder}` beside the schema");
        return Err(Failure::new("E-CLOUD-NO-QUERIES", ExitCode::Queries, message)
            .hint(format!("write them into `{}`", Path::new(&folder).join("queries.hx").display())));
    }
    let text =
        std::fs::read_to_string(project.file()).map_err(|error| Failure::file("read", project.file(), &error))?;
    let project_file = edit::reduce(&text, instance).map_err(|error| {
        Failure::new("E-CFG-SYNTAX", ExitCode::Config, "the project file is no TOML").cause(error.to_string())
    })?;
    let (schema, schema_path) = join(schemas);
    Ok(SourceBundle { schema, schema_path, queries, project_file })
}

/// A path as it is sent: queries outside of the project are named relative to their own folder.
fn relative(project: &Project, path: &str) -> String {
    let folder = project.queries();
    Path::new(path).strip_prefix(&folder).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

/// One text of several, and the path of a single one.
fn join(schemas: BTreeMap<String, String>) -> (String, Option<String>) {
    if schemas.len() == 1
        && let Some((path, text)) = schemas.iter().next()
    {
        return (text.clone(), Some(path.clone()));
    }
    let mut all = String::new();
    for (path, text) in schemas {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        all.push_str(&format!("{MARK}{path}\n{text}{end}"));
    }
    (all, None)
}

/// The files of a text that [`of_project`] made of several; `None` when it did not.
#[must_use]
pub fn split(text: &str) -> Option<Vec<(String, String)>> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix(MARK) {
            files.push((path.trim_end().to_owned(), String::new()));
        } else {
            files.last_mut()?.1.push_str(line);
        }
    }
    (!files.is_empty()).then_some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_schema_files_come_back_as_they_were() {
        let files = BTreeMap::from([
            ("db/a/schema.hx".to_owned(), "N::A { x: String }\n".to_owned()),
            ("db/schema.hx".to_owned(), "// the rest\nN::B { y: String }\n".to_owned()),
        ]);
        let (text, path) = join(files.clone());
        assert_eq!(path, None);
        assert_eq!(split(&text).unwrap().into_iter().collect::<BTreeMap<_, _>>(), files);
        assert_eq!(split("N::A { x: String }\n"), None);
    }
}
