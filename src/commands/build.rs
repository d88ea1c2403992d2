//! `helix build`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::LockArgs;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::build::binary::{self, BuiltBinary};
use crate::ops::build::generate::Inputs;
use crate::ops::compile;
use crate::ops::local;
use crate::ops::warnings;
use crate::ui::{self, Page, Report};
use crate::utils::count;

/// Arguments of `helix build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Instance to build for
    instance: Option<String>,
    /// Write the server as one executable into this folder
    #[arg(long, value_name = "DIR")]
    bin: PathBuf,
    /// Build even when nothing changed
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What was built.
#[derive(Debug, Serialize)]
pub struct BuildReport {
    instance: String,
    mode: &'static str,
    skipped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    binary: PathBuf,
    digest: String,
    size_bytes: u64,
    plan_digest: String,
    queries: usize,
}

impl Report for BuildReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        page.details([
            ("mode", self.mode.to_owned()),
            ("queries", self.queries.to_string()),
            ("size", ui::size(self.size_bytes)),
            ("digest", self.digest.clone()),
        ]);
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl BuildReport {
    fn line(&self) -> String {
        let path = self.binary.display();
        if self.skipped { format!("`{path}` is up to date") } else { format!("Built `{path}`") }
    }
}

/// Compiles the queries, and builds what was asked for.
///
/// # Errors
///
/// When the project does not compile, or the build fails.
pub async fn run(args: BuildArgs, ctx: &Ctx) -> Result<BuildReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    let (name, instance) = project.instance(&name)?;
    ctx.ui.header(&format!("Building {name}"));
    let step = ctx.ui.step("compile", "Compiling queries");
    let compiled = compile::compile(compile::read_sources(project)?)?;
    step.done(&format!("Compiled {}", count(compiled.program.queries.len(), "query", "queries")));
    warnings::show(ctx, &compiled.warnings, &compiled.sources.set);
    let inputs = Inputs::new(project, name, instance, &compiled.program)?;
    let home = project.home(name);
    let _lock = local::lock_home(&home, name, "build", args.lock.lock_timeout).await?;
    let built = binary::binary(ctx, &inputs, &home, &ctx.cwd.join(&args.bin), args.force).await?;
    let BuiltBinary { path, size_bytes, sha256, skipped, .. } = built;
    Ok(BuildReport {
        instance: inputs.instance.clone(),
        mode: inputs.mode_name(),
        skipped,
        reason: skipped.then_some("nothing changed"),
        binary: path,
        digest: sha256,
        size_bytes,
        plan_digest: inputs.digest.clone(),
        queries: inputs.queries,
    })
}
