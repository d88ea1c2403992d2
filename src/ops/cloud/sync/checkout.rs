//! A project made of what a cluster was last deployed with, where there is none yet.

use std::fs;
use std::path::Path;

use super::{Remote, Tree, common, files, remember};
use crate::config::{Config, FILE_NAME, Instance, Provider, edit};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::types::{ClusterProject, Snapshot};
use crate::ops::cloud;
use crate::project::Project;
use crate::utils::write_atomic;

/// A project that is not written yet.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The instance of the cluster.
    pub instance: String,
    /// Paths that are not used, because they lead elsewhere or are no queries.
    pub skipped: Vec<String>,
    cluster: String,
    project_file: String,
    folder: String,
    files: Tree,
}

/// Fetches what a cluster has.
///
/// # Errors
///
/// When nobody is logged in, or the cluster has no sources.
pub async fn fetch(ctx: &Ctx, cluster: &str) -> Result<Checkout, Failure> {
    let service = cloud::connect(ctx).await?;
    let found = service.cluster(cluster).await?;
    let snapshot = service.snapshot(cluster).await?;
    let Remote { files, skipped } = files::remote(&snapshot);
    let folder = files::folder_of(&snapshot).unwrap_or_else(|| "db".to_owned());
    let (instance, project_file) = project_file(&snapshot, &found, &folder)?;
    Ok(Checkout { instance, skipped, cluster: cluster.to_owned(), project_file, folder, files })
}

/// The project file that was deployed, where it is one of this cluster; else a new one. Gives the name of the instance as well.
fn project_file(snapshot: &Snapshot, found: &ClusterProject, folder: &str) -> Result<(String, String), Failure> {
    let sent = snapshot.helix_toml.as_deref().and_then(|text| {
        let linked = edit::link_project(text, &found.project_id, &found.project_name).ok()?;
        let config = Config::parse(FILE_NAME, &linked).ok()?;
        let is_own = |instance: &Instance| match instance {
            Instance::Cloud(cloud) => match &cloud.provider {
                Provider::Helix(helix) => helix.cluster_id.as_ref() == Some(&found.cluster_id),
                Provider::Fly(_) | Provider::Registry(_) | Provider::Enterprise(_) => false,
            },
            Instance::Local(_) => false,
        };
        // The folder of the files and the one that the file names must be the same.
        let same = config.project.queries.trim_start_matches("./").trim_end_matches('/') == folder;
        let (name, _) = config.instances.iter().find(|(_, instance)| same && is_own(instance))?;
        Some((name.clone(), linked.clone()))
    });
    if let Some(sent) = sent {
        return Ok(sent);
    }
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    let text = format!(
        "[project]\nname = {}\nid = {}\nqueries = {}\n\n[cloud.prod.helix]\ncluster_id = {}\n",
        quoted(&found.project_name),
        quoted(&found.project_id),
        quoted(&format!("./{folder}/")),
        quoted(&found.cluster_id),
    );
    Config::parse(FILE_NAME, &text)?;
    Ok(("prod".to_owned(), text))
}

impl Checkout {
    /// The paths that it has, below the folder of the project.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let files = self.files.keys().map(|path| format!("{}/{path}", self.folder));
        std::iter::once(FILE_NAME.to_owned()).chain(files)
    }

    /// Fails when a file would be overwritten.
    ///
    /// # Errors
    ///
    /// When one is there.
    pub fn refuse_existing(&self, root: &Path) -> Result<(), Failure> {
        // Whatever is in the query folder would be taken for a part of the project.
        let taken =
            self.paths().chain([self.folder.clone()]).find(|path| fs::symlink_metadata(root.join(path)).is_ok());
        let Some(taken) = taken else { return Ok(()) };
        let failure =
            Failure::new("E-FS-EXISTS", ExitCode::Failed, format!("`{}` is there already", root.join(taken).display()));
        Err(failure.hint("begin in an empty folder"))
    }

    /// Writes it; the project file comes last, so that a half written project is none.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write(&self, root: &Path) -> Result<(), Failure> {
        let folder = root.join(&self.folder);
        let texts = self.files.iter().map(|(path, text)| (folder.join(path), text));
        for (path, text) in texts.chain([(root.join(FILE_NAME), &self.project_file)]) {
            let write = || {
                fs::create_dir_all(path.parent().unwrap_or(root))?;
                write_atomic(&path, text.as_bytes())
            };
            write().map_err(|error| Failure::file("write", &path, &error))?;
        }
        let project = Project::load(&root.join(FILE_NAME))?;
        remember(&project, &self.instance, &self.cluster, common(&[].into(), &self.files, &self.files))
    }
}
