//! The machine: its system, its disks, its memory, what stands between it and the network.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::{Check, Outcome, without_userinfo};
use crate::ctx::Ctx;
use crate::project::Project;
use crate::utils::size;

/// Below this much free space writes may soon fail, in bytes.
const LITTLE_DISK_BYTES: u64 = 2 << 30;
/// Below this much free space they do, in bytes.
const NO_DISK_BYTES: u64 = 64 << 20;
/// Below this much memory a build is likely to be ended by the system, in bytes.
const LITTLE_MEMORY_BYTES: u64 = 1 << 30;
/// Variables that say how the network is reached.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

pub(super) fn checks(ctx: &Ctx, project: Option<&Project>) -> Vec<Check> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut checks = vec![system(&release), wsl(&release, project.map_or(&*ctx.cwd, Project::root))];
    checks.extend(disks(ctx, project));
    checks.push(memory());
    checks.extend(proxies(&ctx.env));
    checks
}

fn system(release: &str) -> Check {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = pretty.map(|name| format!("{}, ", name.trim_matches('"'))).unwrap_or_default();
    Check::pass("system", format!("{name}{os} {release} on {arch}"))
}

/// Windows runs Linux in two ways, and shows its disks below `/mnt`.
fn wsl(release: &str, folder: &Path) -> Check {
    if !release.to_lowercase().contains("microsoft") {
        return Check::skip("wsl", "this is no Windows Subsystem for Linux");
    }
    if !release.contains("WSL2") && !release.contains("microsoft-standard") {
        let fix = "in Windows: `wsl --set-version <distribution> 2`";
        return Check::warn("wsl", "WSL 1 keeps no file locks that a database can trust", fix);
    }
    let mut parts = folder.components().skip(1);
    let windows = parts.next() == Some(Component::Normal("mnt".as_ref()))
        && parts.next().is_some_and(|part| part.as_os_str().len() == 1);
    if windows {
        let found = format!("`{}` is on a disk of Windows, which is slow and loses file locks", folder.display());
        return Check::warn("wsl", found, format!("move it into Linux: `cp -r '{}' ~/`", folder.display()));
    }
    Check::pass("wsl", "WSL 2, on a disk of Linux")
}

/// Each disk once, with what is on it.
fn disks(ctx: &Ctx, project: Option<&Project>) -> Vec<Check> {
    let mut places = vec![("state", ctx.dirs.state.clone()), ("cache", ctx.dirs.cache.clone())];
    if let Some(project) = project {
        places.push(("project", project.root().to_owned()));
        let custom = project.config().locals().filter(|(_, local)| local.data_dir.is_some());
        places.extend(custom.map(|(name, local)| ("data", project.data(name, local))));
    }
    let mut disks: BTreeMap<u64, (PathBuf, Vec<&str>)> = BTreeMap::new();
    for (what, path) in places {
        // Where it is not there yet, it will be made.
        let Some((path, metadata)) = path.ancestors().find_map(|path| Some((path, fs::metadata(path).ok()?))) else {
            continue;
        };
        let (_, on_it) = disks.entry(metadata.dev()).or_insert_with(|| (path.to_owned(), Vec::new()));
        if !on_it.contains(&what) {
            on_it.push(what);
        }
    }
    disks.into_values().map(|(path, on_it)| disk(&path).of(on_it.join(", "))).collect()
}

fn disk(path: &Path) -> Check {
    let free = match rustix::fs::statvfs(path) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Check::skip("disk", format!("cannot ask about `{}`: {error}", path.display())),
    };
    let found = format!("{} free", size(free));
    let fix = format!("make room on the disk of `{}`: `df -h '{}'`", path.display(), path.display());
    match free {
        0..NO_DISK_BYTES => Check::fail("disk", found, fix),
        NO_DISK_BYTES..LITTLE_DISK_BYTES => Check::warn("disk", found, fix),
        _ => Check::pass("disk", found),
    }
}

fn memory() -> Check {
    let Some(available) = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(available_bytes) else {
        return Check::skip("memory", "this system does not tell");
    };
    // A container may have less than its machine.
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max");
    let used = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
    let available = limit.map_or(available, |limit| available.min(limit.saturating_sub(used)));
    let found = format!("{} available", size(available));
    if available < LITTLE_MEMORY_BYTES {
        let fix = "end other programs, or give the machine more: compiling a server takes about a GiB";
        return Check::warn("memory", found, fix);
    }
    Check::pass("memory", found)
}

/// The memory that programs can still have, as `/proc/meminfo` says.
fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn proxies(env: &BTreeMap<String, String>) -> Vec<Check> {
    let set = |name: &str| {
        let lower = name.to_lowercase();
        [name, &lower]
            .iter()
            .find_map(|name| Some((name.to_string(), env.get(*name).filter(|value| !value.is_empty())?)))
    };
    let mut shown = Vec::new();
    let mut broken = Vec::new();
    for (name, value) in PROXIES.iter().filter_map(|name| set(name)) {
        // Tools take an address without a scheme for one of HTTP.
        let address = if value.contains("://") { value.clone() } else { format!("http://{value}") };
        if !name.eq_ignore_ascii_case("NO_PROXY") && reqwest::Url::parse(&address).is_err() {
            broken.push(name.clone());
        }
        shown.push(format!("{name}={}", without_userinfo(value)));
    }
    let proxy = match (broken.first(), shown.is_empty()) {
        (Some(name), _) => {
            Check::warn("proxy", format!("`{name}` is no address"), format!("correct it, or `unset {name}`"))
        }
        (None, true) => Check::skip("proxy", "none is set"),
        (None, false) => Check::pass("proxy", shown.join(", ")),
    };
    let mut checks = vec![proxy];
    if let Some((_, path)) = set("SSL_CERT_FILE") {
        checks.push(match fs::metadata(path) {
            Ok(_) => Check::pass("certificates", format!("`SSL_CERT_FILE` is `{path}`")),
            Err(error) => Check {
                fix: Some("correct it, or `unset SSL_CERT_FILE`".to_owned()),
                ..Check::new(
                    "certificates",
                    Outcome::Warn,
                    format!("`SSL_CERT_FILE`, `{path}`, cannot be read: {error}"),
                )
            },
        });
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_disks_and_old_generations_are_warned_about() {
        let state = |release: &str, folder: &str| wsl(release, Path::new(folder)).state;
        let second = "5.15.90.1-microsoft-standard-WSL2";
        assert_eq!(state("6.1.0-18-amd64", "/mnt/c/app"), Outcome::Skip);
        assert_eq!(state("4.4.0-19041-Microsoft", "/home/ann/app"), Outcome::Warn);
        assert_eq!(state(second, "/mnt/c/app"), Outcome::Warn);
        assert_eq!(state(second, "/mnt/data/app"), Outcome::Pass);
        assert_eq!(state(second, "/home/ann/app"), Outcome::Pass);
    }

    #[test]
    fn available_memory_is_read() {
        assert_eq!(available_bytes("MemTotal:  8 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(available_bytes("MemTotal:  8 kB\n"), None);
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let env = [("https_proxy", "http://ann:hunter2@proxy:3128"), ("SSL_CERT_FILE", "/nowhere/ca.pem")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let checks = proxies(&env);
        assert_eq!(checks[0].state, Outcome::Pass);
        assert!(checks[0].found.contains("proxy:3128") && !checks[0].found.contains("hunter2"), "{}", checks[0].found);
        assert_eq!(checks[1].state, Outcome::Warn);
        let env = [("HTTP_PROXY".to_owned(), "http://[::1".to_owned())].into();
        assert_eq!(proxies(&env)[0].state, Outcome::Warn);
    }
}
