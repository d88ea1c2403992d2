//! What the base image of a server brings: the packages that its system says are installed.
//!
//! Sources: Debian policy manual §5.1 (the syntax of `/var/lib/dpkg/status`, which distroless images split into
//! `status.d`), Alpine's apk database format, os-release(5), and the purl types `deb` and `apk`.

use std::collections::BTreeMap;

use crate::docker::{Client, DockerError};

/// Where the systems keep what is installed, and their own name.
const PATHS: [&str; 5] = [
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/status.d",
    "/lib/apk/db/installed",
    "/usr/lib/os-release",
    "/etc/os-release",
];

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BasePackage {
    /// The kind of packages, as purls name it: `deb` or `apk`.
    pub kind: &'static str,
    /// The name of the system, as in `debian`.
    pub system: String,
    /// The system with its version, as in `debian-12`.
    pub distribution: String,
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// What it runs on.
    pub architecture: String,
}

/// The packages of an image, by name; none when its system keeps no list.
///
/// # Errors
///
/// When the image cannot be read.
pub async fn packages(docker: &Client, image: &str) -> Result<Vec<BasePackage>, DockerError> {
    let found = docker.files_of(image, &PATHS).await?;
    let text = |number: usize| -> String {
        let files = found.get(number).into_iter().flatten();
        files.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect::<Vec<_>>().join("\n\n")
    };
    let release = [text(3), text(4)].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let mut all = deb(&text(0), &release);
    all.extend(deb(&text(1), &release));
    all.extend(apk(&text(2), &release));
    all.sort();
    all.dedup();
    Ok(all)
}

/// The value of a key of os-release.
fn release_value(release: &str, key: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
}

fn system(release: &str, otherwise: &str) -> (String, String) {
    let id = release_value(release, "ID").unwrap_or_else(|| otherwise.to_owned());
    let distribution =
        release_value(release, "VERSION_ID").map_or_else(|| id.clone(), |version| format!("{id}-{version}"));
    (id, distribution)
}

/// Paragraphs of `Key: value` lines; longer values go on in lines that begin with a space.
fn deb(status: &str, release: &str) -> Vec<BasePackage> {
    let (system, distribution) = system(release, "debian");
    let package = |paragraph: &str| {
        let fields: BTreeMap<&str, &str> =
            paragraph.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_once(": ")).collect();
        let text = |key: &str| fields.get(key).map(|value| value.trim().to_owned());
        // What was removed leaves its settings, and its paragraph. Distroless images have no such line.
        let is_installed = fields.get("Status").is_none_or(|status| status.trim().ends_with(" installed"));
        is_installed.then_some(())?;
        Some(BasePackage {
            kind: "deb",
            system: system.clone(),
            distribution: distribution.clone(),
            name: text("Package")?,
            version: text("Version")?,
            architecture: text("Architecture").unwrap_or_default(),
        })
    };
    status.split("\n\n").filter_map(package).collect()
}

/// Paragraphs of `K:value` lines.
fn apk(installed: &str, release: &str) -> Vec<BasePackage> {
    let (system, distribution) = system(release, "alpine");
    let package = |paragraph: &str| {
        let text = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        Some(BasePackage {
            kind: "apk",
            system: system.clone(),
            distribution: distribution.clone(),
            name: text("P:")?,
            version: text("V:")?,
            architecture: text("A:").unwrap_or_default(),
        })
    };
    installed.split("\n\n").filter_map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\nVERSION_ID=\"12\"\n";

    #[test]
    fn what_dpkg_says_is_installed_is_listed() {
        let status = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\nDescription: C\n \
                      Package: none\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: base\nVersion: 1:2\n";
        let found = deb(status, RELEASE);
        let names: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.version.as_str())).collect();
        assert_eq!(names, [("libc6", "2.36-9"), ("base", "1:2")]);
        assert_eq!((found[0].architecture.as_str(), found[0].distribution.as_str()), ("amd64", "debian-12"));
    }

    #[test]
    fn what_apk_says_is_installed_is_listed() {
        let found = apk("C:Q1x\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nP:zlib\nV:1.3\n", "ID=alpine\nVERSION_ID=3.20.1\n");
        let names: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.version.as_str())).collect();
        assert_eq!(names, [("musl", "1.2.5-r0"), ("zlib", "1.3")]);
        assert_eq!(found[0].distribution, "alpine-3.20.1");
    }
}
