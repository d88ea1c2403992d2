//! An archive for a bug report: what was found, the project file, the last logs. Secrets are taken out before anything is
//! written.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::{Check, Redactor, env_files, install};
use crate::config::FILE_NAME;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};

/// How much of the end of a log is taken, in bytes.
const LOG_BYTES: u64 = 512 << 10;
/// How many logs of runs and of crashes are taken, the newest.
const RUNS: usize = 10;

/// An archive that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bundle {
    /// Where it is.
    pub path: PathBuf,
    /// How large it is, in bytes.
    pub size_bytes: u64,
    /// What is in it.
    pub files: Vec<String>,
}

/// What happens to a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, which is an error.
    Keep,
    /// It is replaced.
    Replace,
}

/// Writes the archive, readable by its owner only.
///
/// # Errors
///
/// When the file is there already, or cannot be written. Then there is no new one.
pub fn write(ctx: &Ctx, to: &Path, existing: Existing, checks: &[Check]) -> Result<Bundle, Failure> {
    refuse_existing(to, existing)?;
    let failed = |error: &io::Error| Failure::file("write", to, error);
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = gather(ctx, checks);
    // Made with mode 0600, and gone unless it gets its name.
    let mut file = tempfile::Builder::new().prefix(".bundle-").tempfile_in(folder).map_err(|error| failed(&error))?;
    pack(&entries, file.as_file_mut()).map_err(|error| failed(&error))?;
    let size_bytes = file.as_file().metadata().map_err(|error| failed(&error))?.len();
    let placed = match existing {
        Existing::Keep => file.persist_noclobber(to),
        Existing::Replace => file.persist(to),
    };
    placed.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => exists(to),
        _ => failed(&error.error),
    })?;
    let files = entries.into_iter().map(|entry| entry.name).collect();
    Ok(Bundle { path: to.to_owned(), size_bytes, files })
}

/// Fails when the file is there and is to stay: before anything is looked at.
///
/// # Errors
///
/// When it is, or is a folder.
pub fn refuse_existing(to: &Path, existing: Existing) -> Result<(), Failure> {
    match (to.symlink_metadata(), existing) {
        (Ok(metadata), _) if metadata.is_dir() => Err(exists(to).hint("name a file")),
        (Ok(_), Existing::Keep) => Err(exists(to)),
        (Ok(_), Existing::Replace) | (Err(_), _) => Ok(()),
    }
}

fn exists(to: &Path) -> Failure {
    let message = format!("`{}` exists already", to.display());
    Failure::new("E-FS-EXISTS", ExitCode::Failed, message).hint("name another file, or replace it with `--force`")
}

/// A file of the archive, without secrets.
struct Entry {
    name: String,
    text: String,
}

fn pack(entries: &[Entry], file: &mut File) -> io::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(&mut *file, Compression::default()));
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0);
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(entry.text.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        header.set_mtime(now);
        tar.append_data(&mut header, format!("helix-doctor/{}", entry.name), entry.text.as_bytes())?;
    }
    tar.into_inner()?.finish()?.flush()?;
    file.sync_all()
}

fn gather(ctx: &Ctx, checks: &[Check]) -> Vec<Entry> {
    let project_file = project_file(ctx);
    let root = project_file.as_deref().and_then(Path::parent);
    let redactor = redactor(ctx, root);
    let report = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "made_at": format!("{:.3}", jiff::Timestamp::now()),
        "checks": checks,
    });
    let report = serde_json::to_string_pretty(&redactor.json(&report)).unwrap_or_default();
    let mut entries = vec![Entry { name: "report.json".to_owned(), text: format!("{report}\n") }];
    if let Some(text) = project_file.as_deref().and_then(|file| fs::read_to_string(file).ok()) {
        entries.push(Entry { name: FILE_NAME.to_owned(), text: redactor.project_file(&text) });
    }
    let mut logs: Vec<(String, PathBuf)> = root.map(instance_logs).unwrap_or_default();
    for folder in ["runs", "crashes"] {
        let newest = files_of(&ctx.dirs.state.join(folder)).into_iter().rev().take(RUNS);
        logs.extend(newest.map(|path| (format!("{folder}/{}", name_of(&path)), path)));
    }
    let read = logs.into_iter().filter_map(|(name, path)| Some(Entry { name, text: redactor.text(&tail(&path)?) }));
    entries.extend(read);
    entries
}

/// Everything that is known to be secret: variables of this process and of files, keys of ours.
fn redactor(ctx: &Ctx, root: Option<&Path>) -> Redactor {
    let mut redactor = Redactor::new(ctx.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut variables: Vec<PathBuf> = root.map(env_files::list).unwrap_or_default().into_iter().collect();
    variables.extend(ctx.env_files.iter().cloned());
    if let Ok(project) = ctx.fresh_project() {
        variables.extend(env_files::named(ctx, &project));
    }
    // What containers are started with.
    variables.extend(root.map(workspaces).unwrap_or_default().into_iter().flat_map(|folder| env_files::list(&folder)));
    for text in variables.iter().filter_map(|path| fs::read(path).ok()) {
        redactor.learn_variables(&String::from_utf8_lossy(&text));
    }
    for text in install::CREDENTIALS.iter().filter_map(|name| fs::read_to_string(ctx.dirs.state.join(name)).ok()) {
        redactor.learn_credentials(&text);
    }
    redactor
}

/// The project file, whether it can be used or not.
fn project_file(ctx: &Ctx) -> Option<PathBuf> {
    let named = ctx.config_file().map(|file| ctx.cwd.join(file));
    let found = || ctx.cwd.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file());
    named.or_else(found)
}

/// The workspaces of the instances that there are or were.
fn workspaces(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(".helix")).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The logs of the instances, with their names in the archive.
fn instance_logs(root: &Path) -> Vec<(String, PathBuf)> {
    let logs = |folder: PathBuf| {
        let instance = name_of(&folder);
        let named = move |path: PathBuf| (format!("logs/{instance}/{}", name_of(&path)), path);
        files_of(&folder.join("logs")).into_iter().map(named).collect::<Vec<_>>()
    };
    workspaces(root).into_iter().flat_map(logs).collect()
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The end of a file, from the beginning of a line.
fn tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let start = file.metadata().ok()?.len().saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // A secret that is cut in two would not be known.
    Some(if start > 0 { text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default() } else { text })
}
