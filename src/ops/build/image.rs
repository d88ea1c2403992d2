//! An image, built by the container runtime.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bollard::Docker;
use sha2::{Digest as _, Sha256};

use super::context::archive;
use super::dockerfile::{BUILDER_IMAGE, CA_FILE, CARGO_CONFIG_FILE, Flavour, RUNTIME_IMAGE, Recipe};
use super::error::{BuildError, Result};
use super::generate::Inputs;
use super::record::{ImageRecord, Record};
use super::sbom::sbom;
use super::source::{self, SourceFile};
use crate::config::{BuildMode, BuildTable, Instance};
use crate::ctx::Ctx;
use crate::docker::build::{self, BuildFailed, BuildRequest, Builder, Event};
use crate::ops::releases::git_revision;
use crate::project::Project;
use crate::utils::write_atomic;

/// What every image for another machine is for.
const CLOUD_PLATFORM: &str = "linux/amd64";
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

/// All that an image is made of.
#[derive(Clone, Debug)]
pub struct Prepared {
    recipe: Recipe,
    /// Labels that change without the image being another one.
    passing: BTreeMap<String, String>,
    files: Vec<SourceFile>,
    args: BTreeMap<String, String>,
    /// The time that BuildKit writes on the image instead of now.
    epoch: Option<String>,
    network: Option<String>,
    platform: Option<String>,
}

impl Prepared {
    /// Gathers it: the packed sources, the generated files, and what `[build]` names.
    ///
    /// # Errors
    ///
    /// When a file that `[build]` names cannot be read, or it asks for what is not supported.
    pub fn new(ctx: &Ctx, project: &Project, instance: &Instance, inputs: &Inputs) -> Result<Self> {
        let table = &project.config().build;
        check(table)?;
        let unpacking = BuildError::file("unpack", "the engine's sources");
        let mut files = source::files().map_err(unpacking)?;
        files.extend(inputs.files.iter().cloned());
        let read = |path: &str| {
            let path = project.root().join(path);
            fs::read(&path).map_err(BuildError::file("read", path))
        };
        let ca = ctx.var("HELIX_CA_BUNDLE").or(table.ca_bundle.as_deref());
        if let Some(path) = ca {
            files.push(SourceFile { path: CA_FILE.to_owned(), bytes: read(path)? });
        }
        if let Some(path) = &table.cargo_config {
            files.push(SourceFile { path: CARGO_CONFIG_FILE.to_owned(), bytes: read(path)? });
        }
        let args = build_args(table, &ctx.env);
        let epoch = ctx.var("SOURCE_DATE_EPOCH").map(str::to_owned);
        let local = matches!(instance, Instance::Local(_));
        Ok(Self {
            recipe: Recipe {
                builder_image: table.builder_image.clone().unwrap_or_else(|| BUILDER_IMAGE.to_owned()),
                runtime_image: table.runtime_image.clone().unwrap_or_else(|| RUNTIME_IMAGE.to_owned()),
                mode: inputs.mode,
                ca: ca.is_some(),
                cargo_config: table.cargo_config.is_some(),
                build_args: args.keys().cloned().collect(),
                project: inputs.slug.clone(),
                instance: inputs.instance.clone(),
                labels: labels(project, inputs),
            },
            passing: passing_labels(ctx, project),
            files,
            args,
            epoch,
            network: table.network.clone().filter(|network| network != "default"),
            platform: (!local).then(|| CLOUD_PLATFORM.to_owned()),
        })
    }

    /// The files of the context, the Dockerfile among them.
    #[must_use]
    pub fn context(&self, flavour: Flavour) -> Vec<SourceFile> {
        let mut recipe = self.recipe.clone();
        recipe.labels.extend(self.passing.clone());
        let dockerfile = SourceFile { path: "Dockerfile".to_owned(), bytes: recipe.text(flavour).into_bytes() };
        [vec![dockerfile], self.files.clone()].concat()
    }

    /// The build arguments. The classic builder warns of those that it does not know.
    fn args(&self, builder: Builder) -> BTreeMap<String, String> {
        let epoch = self.epoch.as_ref().filter(|_| builder == Builder::BuildKit);
        let epoch = epoch.map(|epoch| ("SOURCE_DATE_EPOCH".to_owned(), epoch.clone()));
        self.args.clone().into_iter().chain(epoch).collect()
    }

    /// The hash of everything that makes it another image.
    fn hash(&self, inputs: &Inputs, platform: Option<&str>) -> String {
        let mut hash = Sha256::new();
        for file in self.files.iter().filter(|file| file.path.starts_with("build/")) {
            hash.update(&file.bytes);
        }
        let given = hex::encode(hash.finalize());
        let args: String = self.args.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let network = self.network.as_deref().unwrap_or_default();
        let text = self.recipe.text(Flavour::Classic);
        inputs.hash(&["image", &text, &given, &args, network, platform.unwrap_or_default()])
    }
}

/// Refuses settings that would be ignored.
fn check(table: &BuildTable) -> Result<()> {
    let refuse =
        |key: &'static str, reason: String, hint: &str| Err(BuildError::Setting { key, reason, hint: hint.to_owned() });
    if let Some((name, _)) = table.secrets.first() {
        let reason = format!("names `{name}`, and this version of helix passes no secrets to builds");
        return refuse("secrets", reason, "leave it out, and name a registry that needs none in `build.cargo_config`");
    }
    if let Some(source) = table.engine_source.as_ref().filter(|source| *source != "bundled") {
        let reason = format!("is `{source}`, and this version of helix builds its own engine only");
        return refuse("engine_source", reason, "leave it out, or write `bundled`");
    }
    for (key, value) in [("cache_from", &table.cache_from), ("cache_to", &table.cache_to)] {
        if value.is_some() {
            let reason = "is set, and this version of helix uses the container runtime's own cache only".to_owned();
            return refuse(key, reason, "leave it out");
        }
    }
    Ok(())
}

/// `env` takes the value from the environment; a variable that is not set is left out.
fn build_args(table: &BuildTable, env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let value = |name: &String, value: &String| match value.as_str() {
        "env" => env.get(name).cloned(),
        value => Some(value.to_owned()),
    };
    table.build_args.iter().filter_map(|(name, given)| Some((name.clone(), value(name, given)?))).collect()
}

fn labels(project: &Project, inputs: &Inputs) -> BTreeMap<String, String> {
    let labels = [
        ("org.opencontainers.image.title", format!("{}-{}", inputs.slug, inputs.instance)),
        ("org.opencontainers.image.version", source::VERSION.to_owned()),
        ("dev.helix.managed", "true".to_owned()),
        ("dev.helix.project", inputs.slug.clone()),
        ("dev.helix.instance", inputs.instance.clone()),
        ("dev.helix.root", project.root_hash()),
        ("dev.helix.engine-version", source::VERSION.to_owned()),
        ("dev.helix.cli-version", source::VERSION.to_owned()),
        ("dev.helix.plan-digest", inputs.digest.clone()),
        ("dev.helix.schema-hash", inputs.schema_hash.clone()),
        ("dev.helix.source-hash", inputs.source_hash.clone()),
        // What it is made of: two builds of equal ones are the same image.
        ("dev.helix.config-hash", inputs.hash(&[])),
    ];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The commit, and the time that whoever wants reproducible images sets.
fn passing_labels(ctx: &Ctx, project: &Project) -> BTreeMap<String, String> {
    let created = ctx.var("SOURCE_DATE_EPOCH").and_then(|text| jiff::Timestamp::from_second(text.parse().ok()?).ok());
    let labels = [
        ("org.opencontainers.image.revision", git_revision(project.root())),
        ("org.opencontainers.image.created", created.map(|time| time.to_string())),
    ];
    labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Builds the image, unless it is there and its inputs are what they were. `home` is the workspace of the instance.
///
/// # Errors
///
/// When no daemon answers, a step fails, the image is for another platform, or the command is told to stop.
pub async fn image(
    ctx: &Ctx,
    docker: &Docker,
    inputs: &Inputs,
    prepared: &Prepared,
    home: &Path,
    options: &ImageOptions,
) -> Result<BuiltImage> {
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
    let flavour = match builder {
        Builder::BuildKit => Flavour::BuildKit,
        Builder::Classic => Flavour::Classic,
    };
    let request = BuildRequest {
        context: archive(&prepared.context(flavour)).map_err(BuildError::file("pack", home))?,
        tags: tags.clone(),
        platform: platform.clone(),
        builder,
        network: prepared.network.clone(),
        no_cache: options.no_cache,
        build_args: prepared.args(builder),
    };
    fs::create_dir_all(home).map_err(BuildError::file("create", home))?;
    let mut output = Output::new(File::create(&log).map_err(BuildError::file("write", &log))?);
    let built = build::build(docker, &request, |event| step.progress(&output.take(event)));
    tokio::select! {
        built = built => built.map_err(|failed| output.failed(failed, log.clone()))?,
        () = ctx.cancel.cancelled() => return Err(BuildError::Interrupted),
    }
    let (id, actual, size_bytes) = inspect(docker, &reference).await?;
    if let Some(wanted) = platform.filter(|wanted| !is_platform(&actual, wanted)) {
        // The classic builder takes what base image there is, and says nothing.
        return Err(BuildError::Platform { wanted, actual });
    }
    write_sbom(inputs, &reference, &sbom_file)?;
    record.image = Some(ImageRecord { inputs: hash, id: id.clone(), tags: tags.clone() });
    record.save(home)?;
    step.done("Built the image");
    Ok(found(id, actual, size_bytes, false))
}

fn write_sbom(inputs: &Inputs, reference: &str, path: &Path) -> Result<()> {
    let document = sbom(&inputs.slug, reference, &inputs.digest).map_err(BuildError::file("describe", path))?;
    write_atomic(path, &document).map_err(BuildError::file("write", path))
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
    for file in prepared.context(Flavour::Classic) {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(BuildError::file("create", parent))?;
        fs::write(&path, &file.bytes).map_err(BuildError::file("write", path))?;
    }
    Ok(())
}
