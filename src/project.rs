//! The project: the folder with `helix.toml`. Every path and name that belongs to it derives from here.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::config::{BuildMode, Config, EnvPrecedence, EnvTable, FILE_NAME, Instance, Local, dotenv};
use crate::errors::{ExitCode, Failure, Location};
use crate::utils::nearest;

/// The project file of the first generation.
const LEGACY_FILE_NAME: &str = "config.hx.json";
/// The longest slug.
const MAX_SLUG: usize = 40;

/// Variables that are for this tool alone: what opens secrets and signs images reaches no server, wherever it is from.
pub const FOR_THE_TOOL: [&str; 3] = ["HELIX_AGE_IDENTITY", "HELIX_SIGNING_KEY", "HELIX_SIGNING_PASSWORD"];

/// Variables with their values, and the place that each is from.
pub type Sourced = BTreeMap<String, (String, String)>;

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    file: PathBuf,
    config: Config,
}

impl Project {
    /// Finds the project that `start` is in, and reads its file. `explicit` is a file to use instead.
    ///
    /// # Errors
    ///
    /// When there is none, or its file cannot be used.
    pub fn find(start: &Path, explicit: Option<&Path>) -> Result<Self, Failure> {
        let file = match explicit {
            Some(file) => start.join(file),
            None => search(start)?,
        };
        Self::load(&file)
    }

    /// Reads a project file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or used.
    pub fn load(file: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
        let name = file.file_name().map_or_else(|| FILE_NAME.to_owned(), |name| name.to_string_lossy().into_owned());
        let config = Config::parse(&name, &text)?;
        let root = file.parent().unwrap_or(Path::new("")).to_owned();
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        let root = fs::canonicalize(&root).map_err(|error| Failure::file("enter", &root, &error))?;
        let file = root.join(file.file_name().unwrap_or_default());
        Ok(Self { root, file, config })
    }

    /// The same project, with an instance that is compiled in dev mode.
    #[must_use]
    pub fn in_dev_mode(&self, instance: &str) -> Self {
        let mut project = self.clone();
        match project.config.instances.get_mut(instance) {
            Some(Instance::Local(local)) => local.build_mode = BuildMode::Dev,
            Some(Instance::Cloud(cloud)) => cloud.build_mode = BuildMode::Dev,
            None => {}
        }
        project
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The hash of where it is: tells projects of one name apart, and tells nobody where they are.
    #[must_use]
    pub fn root_hash(&self) -> String {
        let hash = Sha256::digest(self.root.as_os_str().as_encoded_bytes());
        hex::encode(hash.get(..8).unwrap_or_default())
    }

    /// The project file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What the project file says.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The name of the project.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.project.name
    }

    /// The name of the project for containers, apps and repositories.
    #[must_use]
    pub fn slug(&self) -> String {
        slug(self.name())
    }

    /// The folder of the queries.
    #[must_use]
    pub fn queries(&self) -> PathBuf {
        self.root.join(self.config.project.queries.trim_start_matches("./"))
    }

    /// The workspace of an instance: disposable.
    #[must_use]
    pub fn home(&self, instance: &str) -> PathBuf {
        self.root.join(".helix").join(instance)
    }

    /// The data directory of a local instance.
    #[must_use]
    pub fn data(&self, instance: &str, local: &Local) -> PathBuf {
        match &local.data_dir {
            Some(path) => self.root.join(path),
            None => self.root.join(".helix").join(".volumes").join(instance),
        }
    }

    /// A path as the user knows it: relative to the project where it is inside.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// The instance of that name.
    ///
    /// # Errors
    ///
    /// When there is none, with the most similar name.
    pub fn instance(&self, name: &str) -> Result<(&str, &Instance), Failure> {
        let found = self.config.instances.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(name, instance)| (name.as_str(), instance)).ok_or_else(|| {
            let names: Vec<&str> = self.config.instances.keys().map(String::as_str).collect();
            let failure = Failure::new(
                "E-STATE-NO-INSTANCE",
                ExitCode::State,
                format!("there is no instance `{name}` in `{}`", self.file.display()),
            );
            match (nearest(name, names.iter().copied()), names.is_empty()) {
                (Some(near), _) => failure.hint(format!("did you mean `{near}`?")),
                (None, false) => failure.hint(format!("there is {}", names.join(", "))),
                (None, true) => failure.hint("add `[local.dev]` to the project file"),
            }
        })
    }

    /// The names of all instances.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn instance_names(&self) -> Result<Vec<String>, Failure> {
        let names: Vec<String> = self.config.instances.keys().cloned().collect();
        if names.is_empty() {
            let message = format!("`{}` has no instance", self.file.display());
            return Err(Failure::new("E-CFG-NO-INSTANCE", ExitCode::Config, message).hint("add `[local.dev]`"));
        }
        Ok(names)
    }

    /// The variables that an instance gets on top of those of this process.
    ///
    /// The order of `cli.md` §5.3 holds: `env_files` win over the process, which wins over everything else. Nothing is set in
    /// this process.
    ///
    /// # Errors
    ///
    /// When a file of variables cannot be read.
    pub fn environment(
        &self,
        instance: &str,
        table: &EnvTable,
        process: &BTreeMap<String, String>,
        env_files: &[PathBuf],
    ) -> Result<BTreeMap<String, String>, Failure> {
        let sourced = self.sourced_environment(instance, table, process, env_files)?;
        Ok(sourced.into_iter().map(|(name, (value, _))| (name, value)).collect())
    }

    /// The same, with the place that each value is from: a file, or the project file.
    ///
    /// # Errors
    ///
    /// When a file of variables cannot be read.
    pub fn sourced_environment(
        &self,
        instance: &str,
        table: &EnvTable,
        process: &BTreeMap<String, String>,
        env_files: &[PathBuf],
    ) -> Result<Sourced, Failure> {
        let own = |name: &str| self.root.join(name);
        let queries = self.queries().join(".env");
        let mut below: Vec<PathBuf> = vec![own(".env")];
        let mut above: Vec<PathBuf> = Vec::new();
        match table.precedence {
            EnvPrecedence::Standard => below.extend([queries, own(&format!(".env.{instance}"))]),
            EnvPrecedence::V2 => above.push(queries),
        }
        let source = format!("`env.set` in {FILE_NAME}");
        let set = table.set.clone().into_iter();
        let mut variables: Sourced = set.map(|(name, value)| (name, (value, source.clone()))).collect();
        for file in below {
            self.read_variables(&file, false, process, &mut variables)?;
        }
        for file in &table.files {
            self.read_variables(&own(file), true, process, &mut variables)?;
        }
        // The process has these already, and wins.
        variables.retain(|name, _| !process.contains_key(name));
        for file in &above {
            self.read_variables(file, false, process, &mut variables)?;
        }
        for file in env_files {
            self.read_variables(file, true, process, &mut variables)?;
        }
        Ok(variables)
    }

    fn read_variables(
        &self,
        path: &Path,
        required: bool,
        process: &BTreeMap<String, String>,
        variables: &mut Sourced,
    ) -> Result<(), Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return Ok(()),
            Err(error) => return Err(Failure::file("read", path, &error)),
        };
        let known = variables.clone();
        let lookup = |name: &str| process.get(name).or_else(|| known.get(name).map(|(value, _)| value)).cloned();
        let parsed = dotenv::parse(&text, lookup).map_err(|error| {
            Failure::new("E-CFG-ENV", ExitCode::Config, error.message).at(Location {
                file: self.shown(path),
                line: error.line,
                column: 1,
            })
        })?;
        let source = self.shown(path);
        variables.extend(parsed.into_iter().map(|(name, value)| (name, (value, source.clone()))));
        Ok(())
    }
}

fn search(start: &Path) -> Result<PathBuf, Failure> {
    for folder in start.ancestors() {
        let file = folder.join(FILE_NAME);
        if file.is_file() {
            return Ok(file);
        }
        if folder.join(LEGACY_FILE_NAME).is_file() {
            let message = format!("`{}` is a project of an earlier generation", folder.display());
            let hint = format!("migrate it: `helix migrate --path {}`", folder.display());
            return Err(Failure::new("E-CFG-LEGACY", ExitCode::Config, message).hint(hint));
        }
    }
    let message = format!("there is no `{FILE_NAME}` in `{}` or above", start.display());
    Err(Failure::new("E-CFG-NO-PROJECT", ExitCode::Config, message).hint("make a project: `helix init`"))
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("there is no `{}`", file.display());
            Failure::new("E-CFG-NO-PROJECT", ExitCode::Config, message).hint("make a project: `helix init`")
        }
        _ => Failure::file("read", file, error),
    }
}

/// A name in lower case, with `-` for every run of characters that cannot be in the name of a container.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let short: String = slug.trim_matches('-').chars().take(MAX_SLUG).collect();
    let trimmed = short.trim_end_matches('-');
    if trimmed.is_empty() { "project".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests;
