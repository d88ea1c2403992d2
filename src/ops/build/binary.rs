//! An executable for this machine, compiled by its own cargo.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::blame::blame;
use super::cargo::{Job, Rejected, Toolchain};
use super::error::{BuildError, Result};
use super::generate::{FOLDER, Inputs};
use super::record::{BinaryRecord, Record, sha256};
use super::source;
use crate::ctx::Ctx;
use crate::ui::Step;
use crate::utils::write_atomic;

/// Between two tries to get the lock of the shared workspace.
const PAUSE: Duration = Duration::from_millis(100);
/// The file with the generated queries.
const QUERIES: &str = "queries.rs";

/// An executable that is there.
#[derive(Clone, Debug)]
pub struct BuiltBinary {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The hash of its content.
    pub sha256: String,
    /// Whether it was there already.
    pub skipped: bool,
    /// The output of cargo; from another time when the build was skipped.
    pub log: PathBuf,
}

/// Builds the executable `DIR/<slug>`, unless it is there and its inputs are what they were.
///
/// All projects share one workspace in the cache, and with it what is compiled of the engine. `home` is the workspace of the
/// instance.
///
/// # Errors
///
/// When there is no toolchain, compiling fails, or the command is told to stop.
pub async fn binary(ctx: &Ctx, inputs: &Inputs, home: &Path, folder: &Path, force: bool) -> Result<BuiltBinary> {
    let path = folder.join(&inputs.slug);
    let hash = inputs.hash(&["binary"]);
    let log = home.join("build.log");
    let mut record = Record::load(home);
    if !force
        && let Some(last) = record.binary.as_ref().filter(|last| last.inputs == hash && last.path == path)
        && sha256(&path).is_ok_and(|found| found == last.sha256)
    {
        return built(path, last.sha256.clone(), true, log);
    }
    let step = ctx.ui.step("build.binary", "Compiling the server");
    let toolchain = Toolchain::find(&ctx.env).await?;
    let workspace = source::unpack(&ctx.dirs.cache).map_err(BuildError::file("unpack", &ctx.dirs.cache))?;
    let lock = lock(ctx, &workspace, &step).await?;
    for file in &inputs.files {
        // Always written, so that it is newer than what another project left compiled.
        let path = workspace.join(&file.path);
        write_atomic(&path, &file.bytes).map_err(BuildError::file("write", &path))?;
    }
    let hold = lock.try_clone().map_err(BuildError::file("lock", &workspace))?;
    let mut compiled = 0_usize;
    let tell = |what: &str| {
        compiled += 1;
        step.progress(&format!("{what} ({compiled})"));
    };
    let job = Job { workspace: &workspace, mode: inputs.mode, offline: ctx.offline, log: &log };
    let executable = toolchain.build(&job, hold, &ctx.cancel, tell).await?;
    let executable = executable.map_err(|rejected| refused(rejected, inputs, &log))?;
    install(&executable, &path)?;
    drop(lock);
    let sha256 = sha256(&path).map_err(BuildError::file("read", &path))?;
    record.binary = Some(BinaryRecord { inputs: hash, path: path.clone(), sha256: sha256.clone() });
    record.save(home)?;
    step.done("Compiled the server");
    built(path, sha256, false, log)
}

fn built(path: PathBuf, sha256: String, skipped: bool, log: PathBuf) -> Result<BuiltBinary> {
    let size_bytes = fs::metadata(&path).map_err(BuildError::file("read", &path))?.len();
    Ok(BuiltBinary { path, size_bytes, sha256, skipped, log })
}

/// The right to write into the shared workspace and to compile it.
async fn lock(ctx: &Ctx, workspace: &Path, step: &Step<'_>) -> Result<File> {
    let path = workspace.join(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(BuildError::file("open", &path))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(BuildError::File { action: "lock", path, source }),
            Err(TryLockError::WouldBlock) => {}
        }
        if !told {
            step.progress("waiting for another build");
            told = true;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = ctx.cancel.cancelled() => return Err(BuildError::Interrupted),
        }
    }
}

/// Puts the executable where it is wanted, as a whole: one that runs from there goes on.
fn install(executable: &Path, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(BuildError::file("create", folder))?;
    let put = || -> io::Result<()> {
        let mut temporary = tempfile::Builder::new().prefix(".helix-build-").tempfile_in(folder)?;
        io::copy(&mut File::open(executable)?, temporary.as_file_mut())?;
        temporary.as_file().set_permissions(fs::Permissions::from_mode(0o755))?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        Ok(())
    };
    put().map_err(BuildError::file("write", path))
}

/// What a failed build means: generated code that is wrong is our bug, and has a place in the user's files.
fn refused(rejected: Rejected, inputs: &Inputs, log: &Path) -> BuildError {
    let Rejected { errors, last } = rejected;
    let log = log.to_owned();
    let generated = format!("{FOLDER}/{QUERIES}");
    let Some(first) = errors.into_iter().next() else { return BuildError::Compile { last, log } };
    let line = first.place.filter(|(file, _)| *file == generated).map(|(_, line)| line);
    let blame = line.zip(inputs.text(QUERIES)).and_then(|(line, code)| blame(code, line));
    BuildError::Rust { blame, message: first.message, rendered: first.rendered, log }
}

#[cfg(test)]
mod tests {
    use super::super::cargo::RustError;
    use super::super::source::SourceFile;
    use super::*;
    use crate::config::BuildMode;
    use crate::errors::Failure;

    fn inputs(code: &str) -> Inputs {
        Inputs {
            slug: "app".to_owned(),
            instance: "dev".to_owned(),
            mode: BuildMode::Dev,
            digest: String::new(),
            source_hash: String::new(),
            schema_hash: String::new(),
            queries: 1,
            files: vec![SourceFile { path: "server/src/queries.rs".to_owned(), bytes: code.as_bytes().to_vec() }],
        }
    }

    #[test]
    fn an_error_in_generated_code_names_the_query_and_its_place() {
        let error = RustError {
            place: Some(("server/src/queries.rs".to_owned(), 3)),
            message: "mismatched types".to_owned(),
            rendered: "error[E0308]: mismatched types\n --> server/src/queries.rs:3:1\n".to_owned(),
        };
        let rejected = Rejected { errors: vec![error], last: Vec::new() };
        let code = "// QUERY find (db/q.hx:7:1)\nfn find() {\n    0\n}\n";
        let failure = Failure::from(refused(rejected, &inputs(code), Path::new(".helix/dev/build.log")));
        assert_eq!(failure.code, "E-BUILD-RUST");
        assert_eq!(failure.message, "the code that was generated for query `find` does not compile: mismatched types");
        assert_eq!(failure.location.map(|place| place.to_string()).as_deref(), Some("db/q.hx:7:1"));
    }

    #[test]
    fn a_missing_c_compiler_is_recognised() {
        let last = vec!["  error occurred in cc-rs: failed to find tool \"cc\"".to_owned()];
        let rejected = Rejected { errors: Vec::new(), last };
        let failure = Failure::from(refused(rejected, &inputs(""), Path::new("x")));
        assert_eq!(failure.code, "E-BUILD-FAILED");
        assert!(failure.hint.is_some_and(|hint| hint.contains("apt-get install gcc")));
    }
}
