//! Files of variables: who can read them, and whether git carries them on.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::tools::{all_on_path, run};
use super::{Check, Outcome};
use crate::config::Instance;
use crate::ctx::Ctx;
use crate::project::Project;

/// Endings of files that show which variables there are, without their values.
const EXAMPLES: [&str; 4] = ["example", "sample", "template", "dist"];
/// Folders that hold what others wrote.
const FOREIGN: [&str; 2] = ["node_modules", "target"];

pub(super) async fn checks(ctx: &Ctx, project: Option<&Project>) -> Vec<Check> {
    let Some(project) = project else { return Vec::new() };
    let mut files = list(project.root());
    files.extend(named(ctx, project).into_iter().filter(|file| file.is_file()));
    if files.is_empty() {
        return vec![Check::skip("env-files", "there is none")];
    }
    let inside: Vec<&Path> =
        files.iter().map(PathBuf::as_path).filter(|file| file.starts_with(project.root())).collect();
    let tracked = tracked(ctx, project.root(), &inside).await;
    let mut checks: Vec<Check> = files
        .iter()
        .map(|file| {
            let is_tracked = tracked.as_ref().is_ok_and(|tracked| tracked.contains(file));
            check(file, &project.shown(file), is_tracked)
        })
        .collect();
    if let Err(why) = tracked {
        checks.push(Check::skip("env-files", format!("whether git has them cannot be told: {why}")));
    }
    checks
}

fn check(file: &Path, shown: &str, is_tracked: bool) -> Check {
    let of = |check: Check| check.of(shown);
    if is_tracked {
        let found = "git has it: whoever has the repository has what is in it";
        let fix = format!("`git rm --cached '{shown}'`, add it to `.gitignore`, and change the keys in it");
        return of(Check::fail("env-files", found, fix));
    }
    match fs::metadata(file) {
        Err(error) => of(Check::new("env-files", Outcome::Warn, format!("it cannot be read: {error}"))),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            let found =
                format!("others of this machine can read it: mode {:04o}", metadata.permissions().mode() & 0o777);
            of(Check::warn("env-files", found, format!("`chmod 600 '{}'`", file.display())))
        }
        Ok(_) => of(Check::pass("env-files", "only its owner can read it, and git does not have it")),
    }
}

/// The files of variables in a folder and right below it.
pub(super) fn list(root: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries(root) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_file() && is_env(&name) {
            files.insert(path);
        } else if path.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
            let below = entries(&path).filter(|entry| is_env(&entry.file_name().to_string_lossy()));
            files.extend(below.map(|entry| entry.path()).filter(|path| path.is_file()));
        }
    }
    files
}

/// Those that the project file, the folder of queries and the command line name.
pub(super) fn named(ctx: &Ctx, project: &Project) -> Vec<PathBuf> {
    let tables = project.config().instances.values().map(|instance| match instance {
        Instance::Local(local) => &local.env,
        Instance::Cloud(cloud) => &cloud.env,
    });
    let declared = tables.flat_map(|table| &table.files).map(|file| project.root().join(file));
    declared.chain([project.queries().join(".env")]).chain(ctx.env_files.iter().cloned()).collect()
}

fn is_env(name: &str) -> bool {
    let named = name == ".env" || name.starts_with(".env.") || name.ends_with(".env");
    named && !EXAMPLES.iter().any(|ending| name.split('.').any(|part| part == *ending))
}

/// Which of the files git has, or why that cannot be told.
async fn tracked(ctx: &Ctx, root: &Path, files: &[&Path]) -> Result<BTreeSet<PathBuf>, String> {
    if files.is_empty() || !root.ancestors().any(|folder| folder.join(".git").exists()) {
        return Ok(BTreeSet::new());
    }
    let git = all_on_path(&ctx.env, "git").into_iter().next().ok_or("`git` was not found")?;
    let relative: Vec<&OsStr> =
        files.iter().filter_map(|file| Some(file.strip_prefix(root).ok()?.as_os_str())).collect();
    let before: [&OsStr; 6] = [
        "--literal-pathspecs".as_ref(),
        "-C".as_ref(),
        root.as_ref(),
        "ls-files".as_ref(),
        "-z".as_ref(),
        "--".as_ref(),
    ];
    let listed = run(&git, &[&before[..], &relative].concat()).await?;
    Ok(listed.split('\0').filter(|path| !path.is_empty()).map(|path| root.join(path)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_variables_are_known_by_their_names() {
        for name in [".env", ".env.dev", "prod.env", "container.env"] {
            assert!(is_env(name), "{name}");
        }
        for name in [".env.example", "env", ".envrc", "example.env", "environment.toml"] {
            assert!(!is_env(name), "{name}");
        }
    }
}
