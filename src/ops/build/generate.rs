//! What a server of one project is made of, on top of what all share.

use helix_plan::Program;
use sha2::{Digest as _, Sha256};

use super::source::{self, SourceFile};
use crate::compiler::emit;
use crate::config::{BuildMode, Instance};
use crate::errors::Failure;
use crate::ops::compile::CompiledProject;
use crate::ops::local::engine_settings;
use crate::project::Project;

/// Where the generated files are in the workspace.
pub const FOLDER: &str = "server/src";
/// The package and the executable that cargo makes.
pub const PACKAGE: &str = "helix-server";

/// All that a build depends on, beside the toolchain.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The name of the project for files and images.
    pub slug: String,
    /// The instance.
    pub instance: String,
    /// How it is compiled.
    pub mode: BuildMode,
    /// The digest of the plan.
    pub digest: String,
    /// The hash of the sources.
    pub source_hash: String,
    /// The hash of the schema.
    pub schema_hash: String,
    /// How many queries it has.
    pub queries: usize,
    /// The generated files.
    pub files: Vec<SourceFile>,
}

impl Inputs {
    /// The inputs of an instance with a compiled project.
    ///
    /// # Errors
    ///
    /// When the settings cannot be written as JSON: never, in truth.
    pub fn new(
        project: &Project,
        name: &str,
        instance: &Instance,
        compiled: &CompiledProject,
    ) -> Result<Self, Failure> {
        let program = &compiled.program;
        let (mode, settings) = match instance {
            Instance::Local(local) => (local.build_mode, engine_settings(&local.database, false)),
            Instance::Cloud(cloud) => (cloud.build_mode, engine_settings(&cloud.database, true)),
        };
        let settings = serde_json::to_vec_pretty(&settings)
            .map_err(|error| Failure::internal("cannot write the settings").cause(error.to_string()))?;
        let file = |name: &str, bytes: Vec<u8>| SourceFile { path: format!("{FOLDER}/{name}"), bytes };
        Ok(Self {
            slug: project.slug(),
            instance: name.to_owned(),
            mode,
            digest: program.digest().to_string(),
            source_hash: compiled.sources.hash.clone(),
            schema_hash: schema_hash(program),
            queries: program.queries.len(),
            files: vec![
                file("plan.bin", program.encode()),
                file("queries.rs", emit::rust::queries(program).into_bytes()),
                file("settings.json", settings),
            ],
        })
    }

    /// The name of the mode, as the project file has it.
    #[must_use]
    pub fn mode_name(&self) -> &'static str {
        match self.mode {
            BuildMode::Dev => "dev",
            BuildMode::Release => "release",
        }
    }

    /// The text of a generated file, if there is one of that name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let path = format!("{FOLDER}/{name}");
        let file = self.files.iter().find(|file| file.path == path)?;
        std::str::from_utf8(&file.bytes).ok()
    }

    /// The hash of everything that the artefact is made from; `more` is what only this kind of artefact depends on.
    #[must_use]
    pub fn hash(&self, more: &[&str]) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        };
        add(source::HASH.as_bytes());
        add(self.mode_name().as_bytes());
        for file in &self.files {
            add(file.path.as_bytes());
            add(&file.bytes);
        }
        for part in more {
            add(part.as_bytes());
        }
        format!("sha256:{}", hex::encode(hash.finalize()))
    }
}

fn schema_hash(program: &Program) -> String {
    let schema = Program { queries: Vec::new(), ..program.clone() };
    schema.digest().to_string()
}
