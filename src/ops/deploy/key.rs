//! The key of an instance: made once, shown once. The target has its hash alone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::errors::{ExitCode, Failure};
use crate::utils::write_atomic;

/// The variable that a server reads the hash of its key from, and that a client has the key in.
pub const VARIABLE: &str = "HELIX_API_KEY";
/// The variable that a client has the address in.
pub const URL_VARIABLE: &str = "HELIX_CLOUD_URL";

/// A new key: 32 random bytes.
#[must_use]
pub fn generate() -> SecretString {
    let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    // A UUID has 122 random bits: three make more than 256.
    let random: Vec<u8> = halves.iter().flat_map(|half| *half.as_bytes()).collect();
    SecretString::from(hex::encode(Sha256::digest(random)))
}

/// What the server compares requests with.
#[must_use]
pub fn hash(key: &SecretString) -> SecretString {
    SecretString::from(hex::encode(Sha256::digest(key.expose_secret().as_bytes())))
}

/// Writes variables to a file of them: a line that sets one is replaced, the others stay as they are. The file is for its owner
/// alone.
///
/// # Errors
///
/// When git tracks the file, or it cannot be written.
pub fn save(file: &Path, instance: &str, values: &[(&str, &str)]) -> Result<(), Failure> {
    if is_tracked(file) {
        let message = format!("`{}` is tracked by git, and a key must not be", file.display());
        return Err(Failure::new("E-INPUT-TRACKED", ExitCode::Usage, message)
            .hint(format!("`git rm --cached {}` and add it to `.gitignore`, or name another file", file.display())));
    }
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::file("read", file, &error)),
    };
    if text.is_empty() {
        // Made with its permissions, before anything is in it.
        let made = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file);
        made.and_then(|mut file| file.flush()).map_err(|error| Failure::file("write", file, &error))?;
    }
    write_atomic(file, with(&text, instance, values).as_bytes())
        .map_err(|error| Failure::file("write", file, &error))?;
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(file, owner_only).map_err(|error| Failure::file("protect", file, &error))
}

fn with(text: &str, instance: &str, values: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut is_told = false;
    for (name, value) in values {
        let line = format!("{name}={value}");
        if let Some(known) = lines.iter_mut().find(|known| known.starts_with(&format!("{name}="))) {
            *known = line;
            continue;
        }
        if !is_told {
            lines.push(format!("# Instance `{instance}`"));
            is_told = true;
        }
        lines.push(line);
    }
    lines.join("\n") + "\n"
}

/// Whether git has the file in its index. Without git it has not.
fn is_tracked(file: &Path) -> bool {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = file.file_name() else { return false };
    let mut git = std::process::Command::new("git");
    git.arg("-C").arg(folder).args(["ls-files", "--error-unmatch", "--"]).arg(name);
    git.stdin(std::process::Stdio::null()).output().is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_the_hash_is_what_a_server_takes() {
        let [one, other] = [generate(), generate()];
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 64);
        assert_eq!(hash(&SecretString::from("abc")).expose_secret().get(..8), Some("ba7816bf"));
    }

    #[test]
    fn a_line_is_replaced_and_the_others_stay() {
        let text = "A=1\n# kept\nHELIX_API_KEY=old\nB=2";
        let written = with(text, "prod", &[(VARIABLE, "new"), (URL_VARIABLE, "https://x")]);
        assert_eq!(written, "A=1\n# kept\nHELIX_API_KEY=new\nB=2\n# Instance `prod`\nHELIX_CLOUD_URL=https://x\n");
    }

    #[test]
    fn the_file_is_for_its_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        save(&file, "prod", &[(VARIABLE, "k")]).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
