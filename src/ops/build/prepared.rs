//! What an image is made of, gathered before anything is built.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::context::empty_folder;
use super::dockerfile::{BUILDER_IMAGE, CA_FILE, CARGO_CONFIG_FILE, DATA_FILE, Flavour, RUNTIME_IMAGE, Recipe, USER};
use super::error::{BuildError, Result};
use super::generate::Inputs;
use super::source::{self, SourceFile};
use crate::config::{BuildTable, Instance};
use crate::ctx::Ctx;
use crate::docker::build::Builder;
use crate::ops::releases::git_revision;
use crate::project::Project;

/// What every image for another machine is for.
const CLOUD_PLATFORM: &str = "linux/amd64";

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
    pub(super) network: Option<String>,
    pub(super) platform: Option<String>,
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
        let data = empty_folder("data/", USER).map_err(BuildError::file("pack", DATA_FILE))?;
        files.push(SourceFile { path: DATA_FILE.to_owned(), bytes: data });
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
        let created = created(ctx, project);
        let local = matches!(instance, Instance::Local(_));
        Ok(Self {
            recipe: Recipe {
                builder_image: table.builder_image.clone().unwrap_or_else(|| BUILDER_IMAGE.to_owned()),
                runtime_image: table.runtime_image.clone().unwrap_or_else(|| RUNTIME_IMAGE.to_owned()),
                mode: inputs.mode,
                ca: ca.is_some(),
                cargo_config: table.cargo_config.is_some(),
                build_args: args.keys().cloned().collect(),
                secrets: table.secrets.iter().cloned().collect(),
                project: inputs.slug.clone(),
                instance: inputs.instance.clone(),
                labels: labels(project, inputs),
            },
            passing: passing_labels(project, created),
            files,
            args,
            epoch: created.map(|time| time.as_second().to_string()),
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

    /// The flavour that any builder takes, where there is one.
    pub(super) fn written_flavour(&self) -> Flavour {
        if self.recipe.secrets.is_empty() { Flavour::Classic } else { Flavour::BuildKit }
    }

    /// The secrets of the build: their ids, and the variables of this process that hold them.
    ///
    /// # Errors
    ///
    /// [`BuildError::Setting`] when the builder takes none.
    pub(super) fn secrets(&self, builder: Builder) -> Result<BTreeMap<String, String>> {
        let refuse = |reason: &str, hint: &str| {
            Err(BuildError::Setting { key: "secrets", reason: reason.to_owned(), hint: hint.to_owned() })
        };
        match builder {
            _ if self.recipe.secrets.is_empty() => Ok(BTreeMap::new()),
            Builder::Classic => refuse(
                "needs BuildKit, which this container runtime does not have",
                "build with Docker 18.09 or newer, or `helix build --bin`",
            ),
            Builder::BuildKit if self.network.as_deref() == Some("host") => refuse(
                "cannot be used together with `network = \"host\"`: BuildKit takes one or the other",
                "leave `network` out",
            ),
            Builder::BuildKit => {
                // The daemon's questions are answered from this process's own environment.
                let unset = |variable: &&String| std::env::var_os(variable).is_none_or(|value| value.is_empty());
                match self.recipe.secrets.values().find(unset) {
                    Some(variable) => Err(BuildError::SecretUnset(variable.clone())),
                    None => Ok(self.recipe.secrets.clone()),
                }
            }
        }
    }

    /// The build arguments. The classic builder warns of those that it does not know.
    pub(super) fn args(&self, builder: Builder) -> BTreeMap<String, String> {
        let epoch = self.epoch.as_ref().filter(|_| builder == Builder::BuildKit);
        let epoch = epoch.map(|epoch| ("SOURCE_DATE_EPOCH".to_owned(), epoch.clone()));
        self.args.clone().into_iter().chain(epoch).collect()
    }

    /// The hash of everything that makes it another image.
    pub(super) fn hash(&self, inputs: &Inputs, platform: Option<&str>) -> String {
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
    for (id, variable) in &table.secrets {
        let is_word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        let is_variable = variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && variable.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !is_word(id) || !is_variable {
            let reason = format!(
                "names `{id}` and `{variable}`: an id of letters, digits, `_`, `-`, `.` and a variable are needed"
            );
            return refuse(
                "secrets",
                reason,
                "secrets = [{ id = \"cargo_token\", env = \"CARGO_REGISTRIES_OWN_TOKEN\" }]",
            );
        }
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

/// The commit, and its time: the same image has the same ones everywhere.
fn passing_labels(project: &Project, created: Option<jiff::Timestamp>) -> BTreeMap<String, String> {
    let labels = [
        ("org.opencontainers.image.revision", git_revision(project.root())),
        ("org.opencontainers.image.created", created.map(|time| time.to_string())),
    ];
    labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The time that an image is of: `SOURCE_DATE_EPOCH`, or that of the commit. Never now, so that two builds are equal.
///
/// Source: <https://reproducible-builds.org/specs/source-date-epoch/>.
fn created(ctx: &Ctx, project: &Project) -> Option<jiff::Timestamp> {
    let seconds = ctx.var("SOURCE_DATE_EPOCH").map(str::to_owned).or_else(|| commit_time(project.root()));
    jiff::Timestamp::from_second(seconds?.trim().parse().ok()?).ok()
}

/// The time of the commit that is checked out, in seconds; `None` without git or a repository.
fn commit_time(folder: &Path) -> Option<String> {
    git_revision(folder)?;
    let shown = Command::new("git").args(["show", "--no-patch", "--format=%ct", "HEAD"]).current_dir(folder).output();
    let shown = shown.ok().filter(|shown| shown.status.success())?;
    String::from_utf8(shown.stdout).ok()
}
