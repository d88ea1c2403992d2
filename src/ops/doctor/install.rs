//! This tool: its version, who answers when `helix` is typed, the folders that it keeps.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::tools::all_on_path;
use super::{Check, Outcome};
use crate::ctx::Ctx;

/// Files of the state directory that hold keys: ours, and those of the last generation.
pub(super) const CREDENTIALS: [&str; 2] = ["credentials.toml", "credentials"];

pub(super) fn checks(ctx: &Ctx) -> Vec<Check> {
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let commit = option_env!("HELIX_COMMIT").map(|commit| format!(", {commit}")).unwrap_or_default();
    let version = Check::pass("version", format!("helix {} ({target}{commit})", env!("CARGO_PKG_VERSION")));
    let own = std::env::current_exe().and_then(fs::canonicalize).ok();
    let mut checks = vec![version, path(own.as_deref(), &all_on_path(&ctx.env, "helix")), state(&ctx.dirs.state)];
    let files = CREDENTIALS.iter().map(|name| ctx.dirs.state.join(name));
    checks.extend(files.filter_map(|file| credentials(&file)));
    checks
}

/// Who answers when `helix` is typed. `found` are those in `PATH`, in its order.
fn path(own: Option<&Path>, found: &[PathBuf]) -> Check {
    // Links to one program are one program.
    let mut programs: Vec<(PathBuf, &Path)> = Vec::new();
    for path in found {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if programs.iter().all(|(known, _)| *known != real) {
            programs.push((real, path));
        }
    }
    let shown =
        |path: Option<&Path>| path.map_or_else(|| "this program".to_owned(), |path| format!("`{}`", path.display()));
    match (programs.as_slice(), own) {
        ([], _) => {
            let folder = own.and_then(Path::parent).unwrap_or(Path::new("/usr/local/bin"));
            let fix = format!("`export PATH=\"{}:$PATH\"`", folder.display());
            Check::warn("path", format!("{} is not in `PATH`", shown(own)), fix)
        }
        ([(real, _)], Some(own)) if real == own => Check::pass("path", format!("`helix` is `{}`", own.display())),
        ([(first, path), ..], Some(own)) if first != own => {
            let found = format!("`helix` is `{}`, and this is {}", path.display(), shown(Some(own)));
            Check::warn("path", found, "remove one of them, or change their order in `PATH`: `type -a helix`")
        }
        ([_], _) => Check::pass("path", format!("`helix` is {}", shown(found.first().map(PathBuf::as_path)))),
        ([_, others @ ..], _) => {
            let others: Vec<String> = others.iter().map(|(_, path)| shown(Some(path))).collect();
            let found = format!("there are others behind this one: {}", others.join(", "));
            Check::warn("path", found, format!("remove them: `rm {}`", others.join(" ").replace('`', "'")))
        }
    }
}

fn state(folder: &Path) -> Check {
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Check::skip("state-directory", format!("`{shown}` is made by the first command that needs it"))
        }
        Err(error) => Check::fail("state-directory", format!("`{shown}`: {error}"), format!("`ls -ld '{shown}'`")),
        Ok(metadata) if !metadata.is_dir() => Check::fail(
            "state-directory",
            format!("`{shown}` is no folder"),
            "move it away, or set `HELIX_HOME` to a folder",
        ),
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            let writable = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
            if let Err(error) = writable {
                let found = format!("`{shown}` cannot be written to: {error}");
                return Check::fail("state-directory", found, format!("`sudo chown -R \"$USER\" '{shown}'`"));
            }
            let found = format!("`{shown}`, mode {mode:04o}");
            if mode & 0o077 == 0 {
                return Check::pass("state-directory", found);
            }
            // Who may write there may put a program's settings in place.
            let outcome = if mode & 0o022 == 0 { Outcome::Warn } else { Outcome::Fail };
            let found = format!("{found}: others of this machine can look into it");
            let fix = Some(format!("`chmod 700 '{shown}'`"));
            Check { fix, ..Check::new("state-directory", outcome, found) }
        }
    }
}

/// Whether only its owner can read a file of keys; `None` when it is not there.
fn credentials(file: &Path) -> Option<Check> {
    let mode = fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let found = format!("`{}`, mode {mode:04o}", file.display());
    Some(if mode & 0o077 == 0 {
        Check::pass("credentials", found)
    } else {
        let fix = format!("`chmod 600 '{}'`", file.display());
        Check::fail("credentials", format!("{found}: others of this machine can read the keys in it"), fix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_program_of_the_name_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, b"").unwrap();
            fs::canonicalize(path).unwrap()
        };
        let (own, other, link) = (file("helix"), file("other"), folder.path().join("link"));
        std::os::unix::fs::symlink(&own, &link).unwrap();
        let state =
            |found: &[&PathBuf]| path(Some(&own), &found.iter().map(|path| (*path).clone()).collect::<Vec<_>>()).state;
        assert_eq!(state(&[&own, &link]), Outcome::Pass);
        assert_eq!(state(&[&own, &other]), Outcome::Warn);
        assert_eq!(state(&[&other, &own]), Outcome::Warn);
        assert_eq!(state(&[]), Outcome::Warn);
        let hidden = path(Some(&own), &[other.clone(), own.clone()]);
        assert!(hidden.found.starts_with(&format!("`helix` is `{}`", other.display())), "{}", hidden.found);
    }

    #[test]
    fn open_folders_and_key_files_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let open = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for (mode, expected) in [(0o700, Outcome::Pass), (0o755, Outcome::Warn), (0o777, Outcome::Fail)] {
            open(folder.path(), mode);
            assert_eq!(state(folder.path()).state, expected, "{mode:o}");
        }
        assert_eq!(state(&folder.path().join("none")).state, Outcome::Skip);
        let file = folder.path().join("credentials.toml");
        assert_eq!(credentials(&file), None);
        fs::write(&file, b"").unwrap();
        open(&file, 0o644);
        assert_eq!(credentials(&file).unwrap().state, Outcome::Fail);
        open(&file, 0o600);
        assert_eq!(credentials(&file).unwrap().state, Outcome::Pass);
    }
}
