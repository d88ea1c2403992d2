//! The two sides as files: what is here, what came from there, and what was in step.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use super::{Base, Decision, Deed, Tree};
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::types::Snapshot;
use crate::ops::cloud::bundle;
use crate::ops::compile;
use crate::project::Project;
use crate::utils::write_atomic;

/// The version of what is remembered.
const SCHEMA: u32 = 1;

/// What came from a cluster.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    /// The files.
    pub files: Tree,
    /// Paths that are not used, because they lead elsewhere or are no queries.
    pub skipped: Vec<String>,
}

/// The files of the query folder; none when it is not there.
///
/// # Errors
///
/// When one of them cannot be read.
pub fn local(project: &Project) -> Result<Tree, Failure> {
    let folder = project.queries();
    let sources = match compile::read_sources(project) {
        Err(failure) if failure.code == "E-CFG-QUERIES" => return Ok(Tree::new()),
        sources => sources?,
    };
    let relative = |path: &str| {
        let whole = project.root().join(path);
        whole.strip_prefix(&folder).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
    };
    Ok(sources.set.iter().map(|(_, file)| (relative(file.path()), file.text().to_owned())).collect())
}

/// The files of a snapshot, named relative to the query folder, whichever folder they were sent from.
#[must_use]
pub fn remote(snapshot: &Snapshot) -> Remote {
    let folder = folder_of(snapshot);
    let mut remote = Remote::default();
    let sent = snapshot.hx_files.iter();
    let files = sent.flat_map(|(path, text)| bundle::split(text).unwrap_or_else(|| vec![(path.clone(), text.clone())]));
    for (path, text) in files {
        let below =
            folder.as_ref().and_then(|folder| path.strip_prefix(folder.as_str())?.strip_prefix('/')).unwrap_or(&path);
        if is_safe(below) {
            remote.files.insert(below.to_owned(), text);
        } else {
            remote.skipped.push(path);
        }
    }
    remote
}

/// The query folder that the project file of a snapshot names: what [`remote`] takes off the paths.
pub(super) fn folder_of(snapshot: &Snapshot) -> Option<String> {
    query_folder(snapshot.helix_toml.as_deref())
}

/// The query folder of a project file of the cluster, without `./` and `/`; `db` where it says nothing that can be used.
fn query_folder(text: Option<&str>) -> Option<String> {
    let document: DocumentMut = text.unwrap_or_default().parse().unwrap_or_default();
    let written =
        document.get("project").and_then(|project| project.get("queries")).and_then(Item::as_str).unwrap_or("db");
    let folder = written.replace('\\', "/");
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    let usable = Path::new(folder).components().all(|part| matches!(part, Component::Normal(_)));
    let folder = if usable { folder } else { "db" };
    (!folder.is_empty() && folder != ".").then(|| folder.to_owned())
}

/// Whether a path stays below the query folder, and is one of a query.
fn is_safe(path: &str) -> bool {
    let plain = !path.contains(['\\', '\0', ':']) && !path.chars().any(char::is_control);
    let parts = Path::new(path).components().all(|part| matches!(part, Component::Normal(name) if name != ".helix"));
    // `a//b` and `a/./b` are other spellings of a path that may be there as well.
    let whole = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    plain && parts && whole && path.ends_with(".hx") && path.rsplit('/').next() != Some(".hx")
}

fn base_file(project: &Project, instance: &str) -> PathBuf {
    project.home(instance).join("sync.json")
}

/// What an instance and its cluster had when they were last in step; nothing when they never were, or it was another cluster.
///
/// # Errors
///
/// When what is remembered cannot be read.
pub fn base(project: &Project, instance: &str, cluster: &str) -> Result<BTreeMap<String, String>, Failure> {
    let path = base_file(project, instance);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Failure::file("read", &path, &error)),
    };
    let base: Base = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("`{}` cannot be understood", path.display());
        let hint =
            format!("remove it: what differs is then asked for, and nothing is deleted (`rm {}`)", path.display());
        Failure::new("E-STATE-DAMAGED", ExitCode::State, message).cause(error.to_string()).hint(hint)
    })?;
    Ok(if base.cluster_id == cluster && base.schema == SCHEMA { base.files } else { BTreeMap::new() })
}

/// Remembers what an instance and its cluster have in common.
///
/// # Errors
///
/// When it cannot be written.
pub fn remember(
    project: &Project,
    instance: &str,
    cluster: &str,
    files: BTreeMap<String, String>,
) -> Result<(), Failure> {
    let path = base_file(project, instance);
    let base = Base {
        schema: SCHEMA,
        cluster_id: cluster.to_owned(),
        synced_at: format!("{:.0}", jiff::Timestamp::now()),
        files,
    };
    let write = || {
        fs::create_dir_all(project.home(instance))?;
        write_atomic(&path, &serde_json::to_vec_pretty(&base)?)
    };
    write().map_err(|error| Failure::file("write", &path, &error))
}

/// Makes the files here what they are there. What is overwritten or deleted is copied first; gives the folder of the copies.
///
/// # Errors
///
/// When a path leads out of the query folder through a link, or a file cannot be written. What was copied is complete then.
pub fn pull(project: &Project, decision: &Decision, remote: &Tree) -> Result<Option<PathBuf>, Failure> {
    let folder = project.queries();
    for one in &decision.pull {
        refuse_links(&folder, &one.path)?;
    }
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
    let copies = project.root().join(".helix/sync-backup").join(stamp);
    let mut copied = false;
    for one in decision.pull.iter().filter(|one| one.deed != Deed::Create) {
        let (from, to) = (folder.join(&one.path), copies.join(&one.path));
        let copy = || {
            fs::create_dir_all(to.parent().unwrap_or(&copies))?;
            fs::copy(&from, &to)
        };
        copy().map_err(|error| Failure::file("copy", &from, &error))?;
        copied = true;
    }
    for one in &decision.pull {
        let path = folder.join(&one.path);
        match remote.get(&one.path) {
            Some(text) => {
                let write = || {
                    fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                    write_atomic(&path, text.as_bytes())
                };
                write().map_err(|error| Failure::file("write", &path, &error))?;
            }
            None => fs::remove_file(&path).map_err(|error| Failure::file("remove", &path, &error))?,
        }
    }
    Ok(copied.then_some(copies))
}

/// Fails when a part of a path below the query folder is a link: what is written through it would be elsewhere.
fn refuse_links(folder: &Path, path: &str) -> Result<(), Failure> {
    let mut whole = folder.to_owned();
    for part in Path::new(path).components() {
        whole.push(part);
        if fs::symlink_metadata(&whole).is_ok_and(|metadata| metadata.is_symlink()) {
            let message =
                format!("`{}` is a link: what comes from the cluster would be written elsewhere", whole.display());
            return Err(
                Failure::new("E-FS-LINK", ExitCode::State, message).hint("replace the link by what it leads to")
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_left_out() {
        for path in ["a.hx", "sub/a.hx", "späte.hx"] {
            assert!(is_safe(path), "{path}");
        }
        for path in [
            "",
            "/a.hx",
            "../a.hx",
            "a/../b.hx",
            "./a.hx",
            "a//b.hx",
            "c:\\a.hx",
            "a.txt",
            ".helix/a.hx",
            ".hx",
            "a\n.hx",
            "a/",
        ] {
            assert!(!is_safe(path), "{path}");
        }
    }

    #[test]
    fn files_are_named_below_the_query_folder_wherever_they_were_sent_from() {
        let of = |helix_toml: Option<&str>, path: &str| {
            let hx_files = BTreeMap::from([(path.to_owned(), "x".to_owned())]);
            let snapshot = Snapshot { helix_toml: helix_toml.map(str::to_owned), hx_files, ..Snapshot::default() };
            remote(&snapshot).files.into_keys().collect::<String>()
        };
        assert_eq!(of(None, "db/a.hx"), "a.hx");
        assert_eq!(of(None, "a.hx"), "a.hx");
        assert_eq!(of(None, "db/db/a.hx"), "db/a.hx");
        assert_eq!(of(Some("[project]\nqueries = \"./src/q/\"\n"), "src/q/a.hx"), "a.hx");
        assert_eq!(of(Some("[project]\nqueries = \"../elsewhere\"\n"), "db/a.hx"), "a.hx");
    }
}
