//! `helix build`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::LockArgs;
use crate::config::Instance;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::build::generate::Inputs;
use crate::ops::build::image::{self, ImageOptions};
use crate::ops::build::{Prepared, binary, verify};
use crate::ops::{compile, container, local, warnings};
use crate::project::Project;
use crate::ui::{self, Page, Report};
use crate::utils::count;

const EXAMPLES: &str = "\
Examples:
  helix build                          Build the image of the only instance
  helix build prod --tag app:1.2       Give the image another name as well
  helix build dev --bin out            Write one executable, out/<project>
  helix build prod --emit-dockerfile d Write a folder for `docker build`";

/// Arguments of `helix build`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BuildArgs {
    /// Instance to build for
    instance: Option<String>,
    /// Instance to build for
    #[arg(short, long = "instance", value_name = "NAME", conflicts_with = "instance", id = "named")]
    named: Option<String>,
    /// Write the server as one executable into this folder, instead of building an image
    #[arg(long, value_name = "DIR", conflicts_with_all = ["platform", "tag", "no_cache", "emit_dockerfile"])]
    bin: Option<PathBuf>,
    /// Write a folder that `docker build` makes the image from, instead of building it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["platform", "tag", "no_cache", "force"])]
    emit_dockerfile: Option<PathBuf>,
    /// Build for this platform, as in `linux/amd64`
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Give the image this name as well
    #[arg(long, value_name = "NAME")]
    tag: Vec<String>,
    /// Leave aside what earlier builds left
    #[arg(long)]
    no_cache: bool,
    /// Build even when nothing changed
    #[arg(long)]
    force: bool,
    /// Build the image once more from nothing, and fail when its layers are others
    #[arg(long, conflicts_with_all = ["bin", "emit_dockerfile"])]
    verify: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// What was built.
#[derive(Debug, Serialize)]
pub struct BuildReport {
    instance: String,
    mode: &'static str,
    queries: usize,
    plan_digest: String,
    skipped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(flatten)]
    artefact: Artefact,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Artefact {
    Binary {
        binary: PathBuf,
        digest: String,
        size_bytes: u64,
    },
    Image {
        image: String,
        tags: Vec<String>,
        digest: String,
        size_bytes: u64,
        platform: String,
        sbom: PathBuf,
        /// Whether another build gave the same layers.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        verified: bool,
    },
    Dockerfile {
        dockerfile: PathBuf,
    },
}

impl Report for BuildReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        let mut details = vec![("mode", self.mode.to_owned()), ("queries", self.queries.to_string())];
        match &self.artefact {
            Artefact::Binary { digest, size_bytes, .. } => {
                details.extend([("size", ui::size(*size_bytes)), ("digest", digest.clone())]);
            }
            Artefact::Image { tags, digest, size_bytes, platform, sbom, verified, .. } => {
                details.extend([
                    ("platform", platform.clone()),
                    ("size", ui::size(*size_bytes)),
                    ("digest", digest.clone()),
                    ("tags", tags.join(", ")),
                    ("contents", sbom.display().to_string()),
                ]);
                if *verified {
                    details.push(("verified", "built twice, the same layers".to_owned()));
                }
            }
            Artefact::Dockerfile { dockerfile } => {
                let folder = dockerfile.parent().unwrap_or(dockerfile);
                details.push(("build it", format!("docker build {}", folder.display())));
            }
        }
        page.details(details);
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl BuildReport {
    fn line(&self) -> String {
        let what = match &self.artefact {
            Artefact::Binary { binary, .. } => binary.display().to_string(),
            Artefact::Image { image, .. } => image.clone(),
            Artefact::Dockerfile { dockerfile } => return format!("Wrote `{}`", dockerfile.display()),
        };
        if self.skipped { format!("`{what}` is up to date") } else { format!("Built `{what}`") }
    }
}

/// Compiles the queries, and builds what was asked for.
///
/// # Errors
///
/// When the project does not compile, or the build fails.
pub async fn run(args: BuildArgs, ctx: &Ctx) -> Result<BuildReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref().or(args.named.as_deref()))?;
    let (name, instance) = project.instance(&name)?;
    ctx.ui.header(&format!("Building {name}"));
    let step = ctx.ui.step("compile", "Compiling queries");
    let compiled = compile::compile(compile::read_sources(project)?)?;
    step.done(&format!("Compiled {}", count(compiled.program.queries.len(), "query", "queries")));
    warnings::show(ctx, &compiled.warnings, &compiled.sources.set);
    let inputs = Inputs::new(project, name, instance, &compiled)?;
    let home = project.home(name);
    let _lock = local::lock_home(&home, name, "build", args.lock.lock_timeout).await?;
    let (artefact, skipped) = if let Some(folder) = &args.bin {
        let built = binary::binary(ctx, &inputs, &home, &ctx.cwd.join(folder), args.force).await?;
        let artefact = Artefact::Binary { binary: built.path, digest: built.sha256, size_bytes: built.size_bytes };
        (artefact, built.skipped)
    } else {
        let prepared = Prepared::new(ctx, project, instance, &inputs)?;
        match &args.emit_dockerfile {
            Some(folder) => {
                let folder = ctx.cwd.join(folder);
                image::emit(&prepared, &folder)?;
                (Artefact::Dockerfile { dockerfile: folder.join("Dockerfile") }, false)
            }
            None => built_image(&args, ctx, (project, instance), &inputs, &prepared, &home).await?,
        }
    };
    Ok(BuildReport {
        instance: inputs.instance.clone(),
        mode: inputs.mode_name(),
        queries: inputs.queries,
        plan_digest: inputs.digest.clone(),
        skipped,
        reason: skipped.then_some("nothing changed"),
        artefact,
    })
}

async fn built_image(
    args: &BuildArgs,
    ctx: &Ctx,
    (project, instance): (&Project, &Instance),
    inputs: &Inputs,
    prepared: &Prepared,
    home: &std::path::Path,
) -> Result<(Artefact, bool), Failure> {
    let client = container::connect(ctx, project, instance).await?;
    let options = ImageOptions {
        platform: args.platform.clone(),
        tags: args.tag.clone(),
        no_cache: args.no_cache,
        force: args.force,
    };
    let built = image::image(ctx, &client, inputs, prepared, home, &options).await?;
    if args.verify {
        verify(ctx, &client, prepared, &built).await?;
    }
    let artefact = Artefact::Image {
        image: built.reference,
        tags: built.tags,
        digest: built.id,
        size_bytes: built.size_bytes,
        platform: built.platform,
        sbom: built.sbom,
        verified: args.verify,
    };
    Ok((artefact, built.skipped))
}
