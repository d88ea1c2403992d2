//! Keys in files of variables (`cli.md` §5.4): one line is changed or added, everything else stays.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use secrecy::{ExposeSecret as _, SecretString};

use crate::errors::{ExitCode, Failure};
use crate::utils::write_private;

/// The variable of the key of an instance.
pub const API_KEY: &str = "HELIX_API_KEY";

/// Writes the key, and the address where it is known, into a file that only its owner can read afterwards. `suffix` tells the
/// variables of several instances apart; `force` writes into a file that git knows.
///
/// # Errors
///
/// When git would share the file, or it cannot be written.
pub fn save(
    path: &Path,
    instance: &str,
    suffix: Option<&str>,
    url: Option<&str>,
    key: &SecretString,
    force: bool,
) -> Result<(), Failure> {
    refuse_tracked(path, force)?;
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::file("read", path, &error)),
    };
    let name = |base: &str| suffix.map_or_else(|| base.to_owned(), |suffix| format!("{base}__{}", variable(suffix)));
    let mut text = text;
    if let Some(url) = url {
        text = set(&text, &name("HELIX_CLOUD_URL"), url, Some(&format!("Helix Cloud, instance {instance}")));
    }
    text = set(&text, &name(API_KEY), key.expose_secret(), None);
    close(path)?;
    write_private(path, text.as_bytes()).map_err(|error| Failure::file("write", path, &error))
}

/// Fails when git would share what is written into the file.
///
/// # Errors
///
/// When git knows the file, unless `force` says that this is fine.
pub fn refuse_tracked(path: &Path, force: bool) -> Result<(), Failure> {
    if force || !is_tracked(path) {
        return Ok(());
    }
    let message = format!("git keeps `{}`: a key in it would be shared", path.display());
    Err(Failure::new("E-INPUT-TRACKED", ExitCode::Usage, message)
        .hint("name another file, take it out of git (`git rm --cached`), or pass `--force`"))
}

fn is_tracked(path: &Path) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["ls-files", "--error-unmatch", "--"]).arg(name);
    let status = git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Takes an existing file away from others before a key is in it.
fn close(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    match fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::file("protect", path, &error)),
        _ => Ok(()),
    }
}

fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The text with the variable set: its line is replaced but for its comment, or one is added behind the others.
fn set(text: &str, name: &str, value: &str, heading: Option<&str>) -> String {
    let start = format!("{name}=");
    if let Some(old) = text.lines().find(|line| line.starts_with(&start)) {
        let comment = old.find(" #").map_or("", |at| &old[at..]);
        let new = format!("{start}{value}{comment}");
        let lines: Vec<&str> =
            text.split('\n').map(|line| if line.trim_end_matches('\r') == old { new.as_str() } else { line }).collect();
        return lines.join("\n");
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let heading = heading.map(|heading| format!("# {heading}\n")).unwrap_or_default();
    format!("{text}{gap}{heading}{start}{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_replaced_and_keeps_its_comment() {
        let text = "A=1\nHELIX_API_KEY=old # of prod\nB=2";
        assert_eq!(set(text, "HELIX_API_KEY", "new", None), "A=1\nHELIX_API_KEY=new # of prod\nB=2");
    }

    #[test]
    fn a_line_is_added_behind_the_others() {
        assert_eq!(set("A=1", "B", "2", Some("here")), "A=1\n# here\nB=2\n");
        assert_eq!(set("", "B", "2", None), "B=2\n");
        // Another variable whose name ends alike is another variable.
        assert_eq!(set("X_B=1\n", "B", "2", None), "X_B=1\nB=2\n");
    }

    #[test]
    fn a_file_with_a_key_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "A=1\n").unwrap();
        save(&path, "prod", Some("prod-eu"), Some("https://a.example"), &"k".to_owned().into(), false).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "A=1\n# Helix Cloud, instance prod\nHELIX_CLOUD_URL__PROD_EU=https://a.example\nHELIX_API_KEY__PROD_EU=k\n"
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
