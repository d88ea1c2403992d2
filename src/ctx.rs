//! What a command is handed: the user to talk to, folders, environment, the project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

use crate::errors::{ExitCode, Failure};
use crate::project::Project;
use crate::ui::Ui;

/// What a command is handed.
#[derive(Debug)]
pub struct Ctx {
    /// The user.
    pub ui: Ui,
    /// The variables of this process, as they were when it started.
    pub env: BTreeMap<String, String>,
    /// The folder that the command was started in, or told to act as if.
    pub cwd: PathBuf,
    /// Our folders.
    pub dirs: Dirs,
    /// Cancelled by Ctrl-C and SIGTERM.
    pub cancel: CancellationToken,
    /// Files of variables that were named on the command line.
    pub env_files: Vec<PathBuf>,
    /// Whether no network may be used but this machine's own.
    pub offline: bool,
    config_file: Option<PathBuf>,
    project: OnceLock<Project>,
}

/// Our folders outside of projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// What must last.
    pub state: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
    /// A private folder with a short path, for sockets.
    pub run: PathBuf,
}

impl Ctx {
    /// The context of a command.
    #[must_use]
    pub fn new(
        ui: Ui,
        env: BTreeMap<String, String>,
        cwd: PathBuf,
        config_file: Option<PathBuf>,
        env_files: Vec<PathBuf>,
    ) -> Self {
        let dirs = Dirs::new(&env);
        let env_files = env_files.into_iter().map(|file| cwd.join(file)).collect();
        Self {
            ui,
            env,
            cwd,
            dirs,
            cancel: CancellationToken::new(),
            env_files,
            offline: false,
            config_file,
            project: OnceLock::new(),
        }
    }

    /// The project.
    ///
    /// # Errors
    ///
    /// When there is none, or its file cannot be used.
    pub fn project(&self) -> Result<&Project, Failure> {
        if let Some(project) = self.project.get() {
            return Ok(project);
        }
        let project = self.fresh_project()?;
        for warning in &project.config().warnings {
            self.ui.warn(warning.code, format!("{}: {}", warning.location, warning.message));
        }
        Ok(self.project.get_or_init(|| project))
    }

    /// The project file that was named on the command line.
    #[must_use]
    pub fn config_file(&self) -> Option<&Path> {
        self.config_file.as_deref()
    }

    /// The project as it is now, for whoever watches it change.
    ///
    /// # Errors
    ///
    /// When there is none, or its file cannot be used.
    pub fn fresh_project(&self) -> Result<Project, Failure> {
        Project::find(&self.cwd, self.config_file.as_deref())
    }

    /// Goes on until the command is told to stop: for what may be left off anywhere.
    ///
    /// # Errors
    ///
    /// When the work fails, or the command is told to stop.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            () = self.cancel.cancelled() => Err(Failure::interrupted(ExitCode::Interrupted)),
        }
    }

    /// Fails when the command was told to stop: the last safe point before something is changed.
    ///
    /// # Errors
    ///
    /// When it was.
    pub fn check_cancelled(&self) -> Result<(), Failure> {
        if self.cancel.is_cancelled() { Err(Failure::interrupted(ExitCode::Interrupted)) } else { Ok(()) }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl Dirs {
    /// `HELIX_HOME`, else an existing `~/.helix`, else the folders of XDG where they are set, else `~/.helix`.
    #[must_use]
    pub fn new(env: &BTreeMap<String, String>) -> Self {
        let path = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME").unwrap_or_else(|| PathBuf::from("/"));
        let plain = home.join(".helix");
        let xdg = |name: &str| path(name).filter(|path| path.is_absolute()).map(|path| path.join("helix"));
        let state = path("HELIX_HOME").unwrap_or_else(|| match xdg("XDG_STATE_HOME") {
            Some(state) if !plain.is_dir() => state,
            _ => plain.clone(),
        });
        let cache = path("HELIX_CACHE_DIR").unwrap_or_else(|| match xdg("XDG_CACHE_HOME") {
            Some(cache) if path("HELIX_HOME").is_none() && !plain.is_dir() => cache,
            _ => state.join("cache"),
        });
        let user = rustix::process::geteuid().as_raw();
        let run = xdg("XDG_RUNTIME_DIR").unwrap_or_else(|| Path::new("/tmp").join(format!("helix-{user}")));
        Self { state, cache, run }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(pairs: &[(&str, &str)]) -> Dirs {
        Dirs::new(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn one_variable_moves_all_state() {
        let dirs =
            dirs(&[("HOME", "/nowhere"), ("HELIX_HOME", "/h"), ("XDG_STATE_HOME", "/s"), ("XDG_CACHE_HOME", "/c")]);
        assert_eq!((dirs.state, dirs.cache), ("/h".into(), "/h/cache".into()));
    }

    #[test]
    fn xdg_is_heeded_without_a_folder_of_ours() {
        let dirs = dirs(&[("HOME", "/nowhere"), ("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "/run/user/1")]);
        assert_eq!((dirs.state, dirs.run), ("/s/helix".into(), "/run/user/1/helix".into()));
    }
}
