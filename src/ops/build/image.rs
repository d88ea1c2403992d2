//! An image, built by the container runtime.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bollard::Docker;

use super::base;
use super::context::archive;
use super::dockerfile::Flavour;
use super::error::{BuildError, Result};
use super::generate::Inputs;
use super::prepared::Prepared;
use super::record::{ImageRecord, Record};
use super::sbom::sbom;
use crate::config::BuildMode;
use crate::ctx::Ctx;
use crate::docker::Client;
use crate::docker::build::{self, BuildFailed, BuildRequest, Builder, Event};
use crate::ui::Step;
use crate::utils::write_atomic;

/// How many lines of its output a failed step shows.
const LAST_LINES: usize = 25;

/// How to build an image.
#[derive(Clone, Debug, Default)]
pub struct ImageOptions {
    /// The platform, instead of that of the target.
    pub platform: Option<String>,
    /// More names of the image.
    pub tags: Vec<String>,
    /// Leave aside what earlier builds left.
    pub no_cache: bool,
    /// Build even when nothing changed.
    pub force: bool,
}

/// An image that is there.
#[derive(Clone, Debug)]
pub struct BuiltImage {
    /// Its first name.
    pub reference: String,
    /// All its names.
    pub tags: Vec<String>,
    /// The digest of its configuration: what it is.
    pub id: String,
    /// What it runs on, as in `linux/amd64`.
    pub platform: String,
    /// Its size in bytes, unpacked.
    pub size_bytes: u64,
    /// The digest of the plan in it.
    pub plan_digest: String,
    /// Whether it was there already.
    pub skipped: bool,
    /// The list of what is in it.
    pub sbom: PathBuf,
    /// The output of the build; from another time when it was skipped.
    pub log: PathBuf,
}

/// Builds the image, unless it is there and its inputs are what they were. `home` is the workspace of the instance.
///
/// # Errors
///
/// When no daemon answers, a step fails, the image is for another platform, or the command is told to stop.
pub async fn image(
    ctx: &Ctx,
    client: &Client,
    inputs: &Inputs,
    prepared: &Prepared,
    home: &Path,
    options: &ImageOptions,
) -> Result<BuiltImage> {
    let docker = client.docker();
    let tag = match inputs.mode {
        BuildMode::Dev => "dev",
        BuildMode::Release => "latest",
    };
    let reference = format!("helix-{}-{}:{tag}", inputs.slug, inputs.instance.to_lowercase());
    let tags: Vec<String> = [vec![reference.clone()], options.tags.clone()].concat();
    let platform = options.platform.clone().or_else(|| prepared.platform.clone());
    let hash = prepared.hash(inputs, platform.as_deref());
    let mut record = Record::load(home);
    let sbom_file = home.join("sbom.cdx.json");
    let log = home.join("build.log");
    let builder = build::builder(docker).await.map_err(|error| BuildError::NoDaemon(error.to_string()))?;
    let found = |id: String, platform: String, size_bytes: u64, skipped: bool| BuiltImage {
        reference: reference.clone(),
        tags: tags.clone(),
        id,
        platform,
        size_bytes,
        plan_digest: inputs.digest.clone(),
        skipped,
        sbom: sbom_file.clone(),
        log: log.clone(),
    };
    if !options.force && !options.no_cache && sbom_file.exists() {
        let last =
            record.image.as_ref().filter(|last| last.inputs == hash && tags.iter().all(|tag| last.tags.contains(tag)));
        if let Some(last) = last
            && let Ok((id, platform, size_bytes)) = inspect(docker, &reference).await
            && id == last.id
        {
            return Ok(found(id, platform, size_bytes, true));
        }
    }
    let step = ctx.ui.step("build.image", "Building the image");
    fs::create_dir_all(home).map_err(BuildError::file("create", home))?;
    let request = request(prepared, builder, tags.clone(), platform.clone(), options.no_cache)?;
    send(ctx, docker, &request, &log, &step).await?;
    let (id, actual, size_bytes) = inspect(docker, &reference).await?;
    if let Some(wanted) = platform.filter(|wanted| !is_platform(&actual, wanted)) {
        // The classic builder takes what base image there is, and says nothing.
        return Err(BuildError::Platform { wanted, actual });
    }
    let base = base::packages(client, &id).await.map_err(|error| BuildError::NoDaemon(error.to_string()))?;
    let document = sbom(&inputs.slug, &reference, &inputs.digest, &base);
    let document = document.map_err(BuildError::file("describe", &sbom_file))?;
    write_atomic(&sbom_file, &document).map_err(BuildError::file("write", &sbom_file))?;
    record.image = Some(ImageRecord { inputs: hash, id: id.clone(), tags: tags.clone() });
    record.save(home)?;
    step.done("Built the image");
    Ok(found(id, actual, size_bytes, false))
}

/// What is asked of a builder.
pub(super) fn request(
    prepared: &Prepared,
    builder: Builder,
    tags: Vec<String>,
    platform: Option<String>,
    no_cache: bool,
) -> Result<BuildRequest> {
    let flavour = match builder {
        Builder::BuildKit => Flavour::BuildKit,
        Builder::Classic => Flavour::Classic,
    };
    Ok(BuildRequest {
        context: archive(&prepared.context(flavour)).map_err(BuildError::file("pack", "the build context"))?,
        tags,
        platform,
        builder,
        network: prepared.network.clone(),
        no_cache,
        build_args: prepared.args(builder),
        secrets: prepared.secrets(builder)?,
    })
}

/// Has the daemon build; all that it says is in the log.
pub(super) async fn send(
    ctx: &Ctx,
    docker: &Docker,
    request: &BuildRequest,
    log: &Path,
    step: &Step<'_>,
) -> Result<()> {
    let mut output = Output::new(File::create(log).map_err(BuildError::file("write", log))?);
    if !request.secrets.is_empty() {
        step.progress("the builder tells no steps while it has secrets");
    }
    let built = build::build(docker, request, |event| step.progress(&output.take(event)));
    tokio::select! {
        built = built => built.map_err(|failed| output.failed(failed, log.to_owned())),
        () = ctx.cancel.cancelled() => Err(BuildError::Interrupted),
    }
}

/// Whether `linux/amd64` or `linux/arm64/v8` is what was asked for.
fn is_platform(actual: &str, wanted: &str) -> bool {
    let first_two = |text: &str| text.split('/').take(2).collect::<Vec<_>>().join("/");
    first_two(actual) == first_two(wanted)
}

/// Id, platform and size of an image.
async fn inspect(docker: &Docker, reference: &str) -> Result<(String, String, u64)> {
    let image = docker.inspect_image(reference).await.map_err(|error| BuildError::NoDaemon(error.to_string()))?;
    let platform = format!("{}/{}", image.os.unwrap_or_default(), image.architecture.unwrap_or_default());
    let size = image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    Ok((image.id.unwrap_or_default(), platform, size))
}

/// The output of a build: the whole of it in a file, the end of each step for a failure.
struct Output {
    log: File,
    step: String,
    last: VecDeque<String>,
}

impl Output {
    const fn new(log: File) -> Self {
        Self { log, step: String::new(), last: VecDeque::new() }
    }

    /// Keeps what happened. Returns it in a line.
    fn take(&mut self, event: Event) -> String {
        let line = match event {
            Event::Started(step) => {
                self.step.clone_from(&step);
                step
            }
            Event::Cached(step) => format!("CACHED {step}"),
            Event::Line { step, line } => {
                if self.step != step {
                    self.step.clone_from(&step);
                    self.last.clear();
                }
                if self.last.len() == LAST_LINES {
                    self.last.pop_front();
                }
                self.last.push_back(line.clone());
                line
            }
        };
        // The build goes on without its log.
        let _ = writeln!(self.log, "{line}");
        line
    }

    fn failed(self, failed: BuildFailed, log: PathBuf) -> BuildError {
        match failed {
            BuildFailed::Step { step, message } => {
                BuildError::Step { step: step.unwrap_or(self.step), message, last: self.last.into(), log }
            }
            BuildFailed::Daemon(error) => {
                BuildError::Step { step: self.step, message: error.to_string(), last: self.last.into(), log }
            }
        }
    }
}

/// Writes a folder that `docker build` makes the same image from.
///
/// # Errors
///
/// When the folder holds something else, or cannot be written.
pub fn emit(prepared: &Prepared, folder: &Path) -> Result<()> {
    let dockerfile = folder.join("Dockerfile");
    let is_ours = fs::read_to_string(&dockerfile).is_ok_and(|text| text.starts_with("# Written by helix"));
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_ours && !is_empty {
        return Err(BuildError::Occupied(folder.to_owned()));
    }
    // What an earlier version needed must not stay.
    for part in ["crates", "server", "build"] {
        let part = folder.join(part);
        if part.is_dir() {
            fs::remove_dir_all(&part).map_err(BuildError::file("remove", part))?;
        }
    }
    for file in prepared.context(prepared.written_flavour()) {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(BuildError::file("create", parent))?;
        fs::write(&path, &file.bytes).map_err(BuildError::file("write", path))?;
    }
    Ok(())
}
