//! `--deep`: does every index of every local instance agree with its rows?

use std::path::Path;

use helix_engine::backup::BackupError;
use helix_engine::catalog::{self, LiveCatalog};
use helix_engine::storage::{Beside, Lmdb, Store as _};
use helix_engine::verify::{self, VerifyReport};

use super::{Check, Outcome};
use crate::config::{Local, Runtime};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::{Files, Presence, process};
use crate::ops::backup::{self, Form, data_size};
use crate::ops::blocking;
use crate::ops::platform::Platform;
use crate::project::Project;
use crate::utils::{count, size};

/// How many findings are shown.
const SHOWN: usize = 10;

/// Reads all data of the local instances: where it lies when they are stopped, else a copy made beside the writer.
///
/// # Errors
///
/// When the command is told to stop, or the copy has no place.
pub(super) async fn checks(ctx: &Ctx, project: &Project) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    for (name, local) in project.config().locals() {
        checks.push(of(ctx, project, name, local).await?.of(name));
    }
    Ok(checks)
}

async fn of(ctx: &Ctx, project: &Project, name: &str, local: &Local) -> Result<Check, Failure> {
    let files = Files::new(name, project.home(name), project.data(name, local));
    let Some(size_bytes) = data_size(&files) else { return Ok(Check::skip("data", "it has no data yet")) };
    ctx.check_cancelled()?;
    let step = ctx.ui.step("verify", &format!("Reading {} of {name}", size(size_bytes)));
    let stopped = matches!(process::observe(&files), Ok(Presence::None | Presence::Dead(_)));
    let read = if stopped && local.runtime == Runtime::Embedded {
        let database = files.data().join("user");
        // Whoever starts it meanwhile does not change what is read: the locks of the store see to that.
        ctx.unless_cancelled(blocking(move || Ok(in_place(&database)))).await?
    } else {
        match ctx.unless_cancelled(in_copy(ctx, project, &files)).await {
            Ok(read) => read,
            Err(failure) if failure.exit == ExitCode::Interrupted => return Err(failure),
            // That there is no copy says nothing of the data.
            Err(failure) => return Ok(Check::failed("data", Outcome::Warn, failure)),
        }
    };
    step.done(&format!("Read {} of {name}", size(size_bytes)));
    Ok(told(name, read))
}

fn in_place(database: &Path) -> Result<VerifyReport, BackupError> {
    let store = Lmdb::open_beside(database, Beside::Writer)?;
    let txn = store.read()?;
    let Some(program) = catalog::active(&txn)? else { return Ok(VerifyReport::default()) };
    let live = LiveCatalog::load(&txn, &program.catalog)?;
    Ok(verify::verify(&txn, &live)?)
}

/// A snapshot that is held for long lets the file of a busy instance grow: the copy is quick, and read at leisure. It is gone
/// with this function, also when the command is told to stop.
async fn in_copy(ctx: &Ctx, project: &Project, files: &Files) -> Result<Result<VerifyReport, BackupError>, Failure> {
    let home = files.home();
    let folder = tempfile::Builder::new().prefix(".doctor-").tempdir_in(home);
    let folder = folder.map_err(|error| Failure::file("write to", home, &error))?;
    let copy = folder.path().join("copy");
    let platform = Platform::without_secrets(ctx, project, files.name())?;
    backup::make(&platform, &copy, Form::Folder, false).await?;
    blocking(move || {
        Ok(match helix_engine::backup::verify(&copy) {
            Ok(verified) => Ok(verified.report),
            Err(BackupError::Unsound { findings, .. }) => {
                let total_findings = u64::try_from(findings.len()).unwrap_or(u64::MAX);
                Ok(VerifyReport { findings, total_findings, rows: 0 })
            }
            Err(error) => Err(error),
        })
    })
    .await
}

fn told(name: &str, read: Result<VerifyReport, BackupError>) -> Check {
    let fix = format!("restore a backup: `helix backup list`, then `helix restore {name} --from PATH`");
    match read {
        Ok(report) if report.total_findings == 0 => {
            Check::pass("data", format!("every index agrees with its rows, {} read", count_rows(report.rows)))
        }
        Ok(mut report) => {
            let found = format!("{} do not agree with the rows", things(report.total_findings));
            report.findings.truncate(SHOWN);
            Check::fail("data", found, fix).with(report.findings)
        }
        Err(error) => {
            let check = Check::failed("data", Outcome::Fail, error.into());
            Check { fix: Some(fix), ..check }
        }
    }
}

fn count_rows(rows: u64) -> String {
    count(usize::try_from(rows).unwrap_or(usize::MAX), "row", "rows")
}

fn things(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "entry", "entries")
}
