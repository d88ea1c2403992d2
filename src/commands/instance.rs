//! The process of an instance: what `push` and `start` leave behind. Not for people.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::host::{DRAIN, Host};
use crate::integrations::embedded::launch::Launch;
use crate::integrations::embedded::{EmbeddedError, files, log, state};
use crate::ui::{Page, Report};

/// Arguments of the process of an instance.
#[derive(Debug, Args)]
pub struct InstanceArgs {
    /// The file with what it is started with
    launch: PathBuf,
}

/// The end of the process. Whoever waits for it reads its record and its log.
#[derive(Debug, Serialize)]
pub struct InstanceReport {
    #[serde(skip)]
    exit: ExitCode,
}

impl Report for InstanceReport {
    fn human(&self, _page: &mut Page) {}

    fn exit(&self) -> ExitCode {
        self.exit
    }
}

/// Serves until it is told to stop.
///
/// # Errors
///
/// When it cannot even say why it cannot serve.
pub async fn run(args: InstanceArgs, ctx: &Ctx) -> Result<InstanceReport, Failure> {
    // Away from the terminal that it was started from. It fails where that is so already.
    let _ = rustix::process::setsid();
    let missing = || Failure::internal(format!("there is no `{}`", args.launch.display()));
    let launch: Launch = files::read_json(&args.launch)?.ok_or_else(missing)?;
    let path = launch.files().log();
    log::write::install(&path, launch.log_max_len_bytes, &launch.log_level)
        .map_err(|error| Failure::file("open", &path, &error))?;
    let exit = match serve(&launch, ctx).await {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            tracing::error!(%error, "the instance ended");
            Failure::from(error).exit
        }
    };
    Ok(InstanceReport { exit })
}

async fn serve(launch: &Launch, ctx: &Ctx) -> Result<(), EmbeddedError> {
    let program = state::load_plan(&launch.plan, &launch.digest)?;
    let host = Host::open(launch, program, &ctx.env).await?;
    let instance = host.instance();
    let cancel = ctx.cancel.clone();
    let told = tokio::spawn(async move {
        cancel.cancelled().await;
        instance.stop(DRAIN);
    });
    let ended = host.run().await;
    told.abort();
    ended
}
